/* Constants. */
#include "exec/expr_eval.h"
#include "planner/bind.h"
#include "tests/support/arena_group.h"

static Expr *number(Arena *mem, int32_t n)
{
    return expr_literal(mem, &type_int, value_int(n), (SrcPos){0});
}

static Expr *arith(Arena *mem, ArithOp op, Expr *a, Expr *b)
{
    Expr *expr = expr_new(mem, EXPR_ARITH, &type_int, (SrcPos){7, 1, 0, 1}, 2);

    expr->u.arith = op;
    expr->args[0] = a;
    expr->args[1] = b;
    return expr;
}

static ErrCode fold_one(Arena *mem, Expr *expr, Err *err)
{
    PlannerEnv env = {.eval_const = expr_eval_const};
    BindCtx    ctx = {.env = &env, .mem = mem};

    return fold(&ctx, expr, err);
}

static void literals_below_make_a_literal(void **state)
{
    Arena *mem = test_arena(state);
    Expr  *expr = arith(mem, ARITH_ADD, number(mem, 2), number(mem, 3));
    Err    err;

    assert_int_equal(fold_one(mem, expr, &err), ERR_OK);
    assert_int_equal(expr->kind, EXPR_LITERAL);
    assert_int_equal(expr->u.literal.u.i, 5);
    assert_int_equal(expr->pos.line, 7);
}

static void a_column_below_is_left_alone(void **state)
{
    Arena *mem = test_arena(state);
    Expr  *column = expr_new(mem, EXPR_COLUMN, &type_int, (SrcPos){0}, 0);
    Expr  *expr = arith(mem, ARITH_ADD, column, number(mem, 3));
    Err    err;

    assert_int_equal(fold_one(mem, expr, &err), ERR_OK);
    assert_int_equal(expr->kind, EXPR_ARITH);
}

static void an_error_is_left_to_run_time(void **state)
{
    Arena *mem = test_arena(state);
    Expr  *expr = arith(mem, ARITH_DIV, number(mem, 2), number(mem, 0));
    Err    err;

    assert_int_equal(fold_one(mem, expr, &err), ERR_OK);
    assert_int_equal(expr->kind, EXPR_ARITH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(literals_below_make_a_literal),
        arena_test(a_column_below_is_left_alone),
        arena_test(an_error_is_left_to_run_time),
    };
    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
