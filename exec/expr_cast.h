/*
 * expr_cast.h -- CAST between two types, decided once.
 *
 * Thread: any; a plan is immutable.
 */
#ifndef EXEC_EXPR_CAST_H
#define EXEC_EXPR_CAST_H

#include "common/err.h"
#include "common/value.h"

typedef struct CastPlan CastPlan;

/* ERR_STATEMENT when the matrix has no such cast.  The types must outlive the plan. */
ErrCode cast_compile(Arena *mem, const Type *from, const Type *to, const CastPlan **out,
                     Err *err) ERR_MUST_USE;
/* null gives null.  Results live in mem or share v's bytes. */
ErrCode cast_run(const CastPlan *plan, Arena *mem, Value v, Value *out, Err *err) ERR_MUST_USE;

#endif
