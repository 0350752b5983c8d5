/*
 * expr_eval.h -- bound expressions, compiled once and run per row.
 *
 * What an evaluation error becomes (division by zero, cast failure, AND over a null boolean, a
 * function's error):
 *   - with ksql.nested.error.set.null (default) the smallest enclosing nested piece turns null:
 *     a function argument, a constructor element, a cast or CASE operand, a dereference;
 *     otherwise, or when nothing encloses it, the whole expression is null;
 *   - in a predicate the row is dropped (expr_is_true gives false);
 *   - one RECORD_PROCESSING_ERROR goes to ctx->on_error.
 *
 * A program allocates nothing per row outside ctx->mem.  Programs are immutable but for the state
 * of their function call sites: one worker at a time (compile once per task).
 */
#ifndef EXEC_EXPR_EVAL_H
#define EXEC_EXPR_EVAL_H

#include "exec/batch.h"
#include "planner/expr.h"

typedef struct ExprProg ExprProg;

/* Told once per failing expression and row; rate-limited by the receiver.  row may be NULL. */
typedef struct ExprErrors {
    void (*report)(void *self, const ExprProg *prog, const Row *row, const Err *err);
    void *self;
} ExprErrors;

typedef struct ExprCtx {
    Arena            *mem;    /* batch_mem */
    const ExprErrors *errors; /* NULL: errors are silent */
    int64_t           now_ms;
    /* While an old row is evaluated cols are taken from here instead of row->cols; NULL otherwise
     */
    const Value *cols;
} ExprCtx;

typedef struct ExprOpts {
    bool        nested_error_set_null; /* ksql.nested.error.set.null */
    const char *name;                  /* for the processing log: the column's name or the step */
} ExprOpts;

/* Input columns are taken by index from Row.cols.  prog lives in query_mem. */
ErrCode expr_compile(Arena *query_mem, const Expr *expr, const ExprOpts *opts, const ExprProg **out,
                     Err *err) ERR_MUST_USE;
/* Releases handles that functions opened (compiled regexes); NULL is fine. */
void expr_release(const ExprProg *prog);

/* Never fails: an error gives null and is reported. */
Value expr_eval(const ExprProg *prog, const Row *row, ExprCtx *ctx);
/* As expr_eval, but gives the error to the caller instead of reporting it. */
ErrCode expr_try(const ExprProg *prog, const Row *row, ExprCtx *ctx, Value *out, Err *err);
/* TRUE; false for FALSE, null and errors. */
bool        expr_is_true(const ExprProg *prog, const Row *row, ExprCtx *ctx);
const Expr *expr_source(const ExprProg *prog);
const char *expr_name(const ExprProg *prog);
/* Number of the column that the program merely copies, or -1: operators take a short cut. */
int expr_column_index(const ExprProg *prog);

/* PlannerEnv.eval_const: evaluates an expression without columns; errors are returned. */
ErrCode expr_eval_const(void *self, const Expr *expr, Arena *mem, Value *out, Err *err);

/*
 * The cast of one value between any two types of the matrix; also used by
 * INSERT VALUES.  ERR_EVAL when the value cannot be converted.
 */
ErrCode expr_cast_value(Arena *mem, Value v, const Type *from, const Type *to, Value *out,
                        Err *err);

#endif
