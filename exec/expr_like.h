/*
 * expr_like.h -- LIKE patterns: % is any run of characters, _ is one character.
 *
 * Neither matches a line terminator (\n, \r, U+0085, U+2028, U+2029).  The pattern must match the
 * whole text.
 *
 * Thread: any; a plan is immutable.
 */
#ifndef EXEC_EXPR_LIKE_H
#define EXEC_EXPR_LIKE_H

#include "common/err.h"

typedef struct LikePlan LikePlan;

/* escape: the code point that makes the next character literal; -1: none.  plan lives in mem. */
ErrCode like_compile(Arena *mem, Str pattern, int32_t escape, const LikePlan **out,
                     Err *err) ERR_MUST_USE;
bool    like_matches(const LikePlan *plan, Str text);

#endif
