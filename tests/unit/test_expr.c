/* Bound expressions: equality, columns, constants, copies. */
#include "planner/bind.h"
#include "tests/support/arena_group.h"

static Expr *column(Arena *mem, uint32_t index)
{
    Expr *expr = expr_new(mem, EXPR_COLUMN, &type_int, (SrcPos){0}, 0);

    expr->u.index = index;
    return expr;
}

static Expr *number(Arena *mem, int32_t n)
{
    return expr_literal(mem, &type_int, value_int(n), (SrcPos){0});
}

static Expr *sum(Arena *mem, Expr *a, Expr *b)
{
    Expr *expr = expr_new(mem, EXPR_ARITH, &type_int, (SrcPos){0}, 2);

    expr->u.arith = ARITH_ADD;
    expr->args[0] = a;
    expr->args[1] = b;
    return expr;
}

static void equality_is_structural_and_ordered(void **state)
{
    Arena *mem = test_arena(state);

    assert_true(expr_eq(sum(mem, column(mem, 0), number(mem, 1)),
                        sum(mem, column(mem, 0), number(mem, 1))));
    assert_false(expr_eq(sum(mem, column(mem, 0), column(mem, 1)),
                         sum(mem, column(mem, 1), column(mem, 0))));
    assert_false(expr_eq(number(mem, 1), number(mem, 2)));
    assert_false(expr_eq(number(mem, 1), column(mem, 1)));
}

static void typed_nulls_are_equal_literals(void **state)
{
    Arena *mem = test_arena(state);

    assert_true(expr_eq(expr_literal(mem, &type_int, value_null(), (SrcPos){0}),
                        expr_literal(mem, &type_int, value_null(), (SrcPos){0})));
    assert_false(expr_eq(expr_literal(mem, &type_int, value_null(), (SrcPos){0}),
                         expr_literal(mem, &type_string, value_null(), (SrcPos){0})));
}

static void columns_are_marked_at_any_depth(void **state)
{
    Arena *mem = test_arena(state);
    bool   used[4] = {false};

    expr_mark_columns(sum(mem, column(mem, 3), sum(mem, number(mem, 1), column(mem, 1))), used);
    assert_false(used[0]);
    assert_true(used[1]);
    assert_false(used[2]);
    assert_true(used[3]);
}

static void constants_have_no_columns(void **state)
{
    Arena *mem = test_arena(state);

    assert_true(expr_is_constant(sum(mem, number(mem, 1), number(mem, 2))));
    assert_false(expr_is_constant(sum(mem, number(mem, 1), column(mem, 0))));
    assert_false(expr_is_constant(expr_new(mem, EXPR_PSEUDO, &type_bigint, (SrcPos){0}, 0)));
}

static void columns_without_a_schema_print_as_numbers(void **state)
{
    Arena *mem = test_arena(state);
    Column cols[] = {{.name = STR("A"), .type = &type_int},
                     {.name = STR("b c"), .type = &type_int}};
    Schema schema = {.cols = cols, .len = 2};
    Buf    out = buf_in(mem);

    expr_print(&out, sum(mem, column(mem, 0), column(mem, 7)), &schema);
    assert_true(str_eq(buf_view(&out), STR("(A + $7)")));
    buf_clear(&out);
    expr_print(&out, column(mem, 1), &schema);
    assert_true(str_eq(buf_view(&out), STR("`b c`")));
}

static ErrCode replace_column(void *arg, const Expr *expr, Expr **out, Err *err)
{
    (void)err;
    if (expr->kind == EXPR_COLUMN)
        *out = arg;
    return ERR_OK;
}

static void map_copies_and_replaces(void **state)
{
    Arena *mem = test_arena(state);
    Expr  *from = sum(mem, column(mem, 0), number(mem, 1)), *to;
    Err    err;

    assert_int_equal(expr_map(mem, from, replace_column, number(mem, 9), &to, &err), ERR_OK);
    assert_true(expr_eq(to, sum(mem, number(mem, 9), number(mem, 1))));
    assert_int_equal(from->args[0]->kind, EXPR_COLUMN);
}

static bool is_literal(const Expr *expr, void *arg)
{
    (void)arg;
    return expr->kind == EXPR_LITERAL;
}

static void any_looks_everywhere(void **state)
{
    Arena *mem = test_arena(state);

    assert_true(expr_any(sum(mem, column(mem, 0), number(mem, 1)), is_literal, NULL));
    assert_false(expr_any(sum(mem, column(mem, 0), column(mem, 1)), is_literal, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(equality_is_structural_and_ordered),
        arena_test(typed_nulls_are_equal_literals),
        arena_test(columns_are_marked_at_any_depth),
        arena_test(constants_have_no_columns),
        arena_test(columns_without_a_schema_print_as_numbers),
        arena_test(map_copies_and_replaces),
        arena_test(any_looks_everywhere),
    };
    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
