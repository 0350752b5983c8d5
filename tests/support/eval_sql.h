/*
 * eval_sql.h -- SQL expressions as text, parsed, bound, compiled and run, for tests.
 *
 *     Evaluated got = eval_sql(test_mem, NULL, NULL, "LEN('abc')");
 *     assert_int_equal(got.value.u.i, 3);
 *
 * Constants are not folded when binding: functions are called as they are for a row.  Results live
 * in the arena given.
 */
#ifndef TESTS_SUPPORT_EVAL_SQL_H
#define TESTS_SUPPORT_EVAL_SQL_H

#include "exec/expr_eval.h"
#include "planner/planner.h"

typedef struct Evaluated {
    ErrCode     rc; /* ERR_EVAL: the expression failed; another code: it was refused */
    Err         err;
    Value       value;
    const Type *type;
    uint32_t    errors_reported; /* of nested pieces that became null */
} Evaluated;

/* Columns of the row that expressions may name: "A INT, B ARRAY<STRING>"; NULL: none. */
const Schema *eval_schema(Arena *mem, const char *columns);

/* Binds only; *out lives in mem. */
ErrCode eval_bind(Arena *mem, const Schema *schema, const char *text, Expr **out, Err *err);

Evaluated eval_sql(Arena *mem, const Schema *schema, const Value *cols, const char *text);
/* As CAST(... AS STRING) prints it; "null"; or "error: ..." . */
const char *eval_text(Arena *mem, const char *text);

/* An expression and what eval_text() gives; "error" stands for any error. */
typedef struct EvalCase {
    const char *text;
    const char *expected;
} EvalCase;

/* Fails the test after printing every case that differs. */
void eval_check(Arena *mem, const EvalCase *cases, size_t len);
#define EVAL_CHECK(state, ...)                                                                     \
    do {                                                                                           \
        const EvalCase eval_cases_[] = {__VA_ARGS__};                                              \
        eval_check(test_arena(state), eval_cases_, sizeof eval_cases_ / sizeof eval_cases_[0]);    \
    } while (0)

/* A bound aggregate call, `NAME(args)`, over a schema. */
ErrCode eval_bind_agg(Arena *mem, const Schema *schema, const char *text, PlanAgg *out, Err *err);
/* A bound table function call. */
ErrCode eval_bind_table_fn(Arena *mem, const char *text, const TableFnDef **def, Expr ***args,
                           const Type **type, Err *err);

#endif
