#include "parser/ast.h"

#include "common/limit.h"
#include "tests/support/parse.h"

static bool same(void **state, const char *a, const char *b)
{
    Arena *test_mem = test_arena(state);

    return ast_expr_eq(parse_expr(test_mem, a), parse_expr(test_mem, b));
}

static void expressions_equal_whatever_their_layout(void **state)
{
    assert_true(same(state, "a+b", "A  + /* c */ b"));
    assert_true(same(state, "(a) + ((b))", "a + b"));
    assert_true(same(state, "(a AND b) AND c", "a AND b AND c"));
    assert_true(same(state, "f(`A`, 'x')", "F(a, 'x')"));
    assert_true(same(state, "x->y[1]", "X->Y[1]"));
    assert_true(same(state, "CAST(a AS VARCHAR(5))", "CAST(a AS STRING)"));
    assert_true(same(state, "f(x => x + 1)", "f((X) => x + 1)"));
    assert_true(same(state, "STRUCT(a := 1)", "struct(A:=1)"));
    assert_true(same(state, "f(a, DAYS)", "f(a, days)"));
}

static void expressions_differ_by_structure(void **state)
{
    static const char *const pairs[][2] = {
        {"a + b", "b + a"},
        {"a + b", "a - b"},
        {"a AND (b AND c)", "a AND b AND c"},
        {"a AND b", "a OR b"},
        {"a", "s.a"},
        {"a", "`a`"},
        {"a", "'a'"},
        {"1", "1.0"},
        {"1.0", "1.00"},
        {"1", "2147483648"},
        {"NULL", "FALSE"},
        {"f(a)", "g(a)"},
        {"f(a)", "f(a, b)"},
        {"f(*)", "f()"},
        {"a IS NULL", "a IS NOT NULL"},
        {"a LIKE 'x'", "a LIKE 'x' ESCAPE '!'"},
        {"CASE WHEN a THEN b ELSE c END", "CASE a WHEN b THEN c END"},
        {"CAST(a AS ARRAY<INT>)", "CAST(a AS ARRAY<BIGINT>)"},
        {"CAST(a AS STRUCT<x INT>)", "CAST(a AS STRUCT<y INT>)"},
        {"CAST(a AS DECIMAL(4, 2))", "CAST(a AS DECIMAL(4, 1))"},
        {"CAST(a AS t)", "CAST(a AS u)"},
        {"STRUCT(a := 1)", "STRUCT(b := 1)"},
        {"STRUCT(a := 1)", "STRUCT(a := 1, b := 2)"},
        {"f(x => x)", "f(y => y)"},
        {"f(a, DAYS)", "f(a, HOURS)"},
        {"s->a", "s->b"},
        {"-(1)", "+(1)"},
    };

    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
        if (same(state, pairs[i][0], pairs[i][1]))
            fail_msg("equal: %s and %s", pairs[i][0], pairs[i][1]);
}

static bool count_columns(const AstExpr *expr, void *arg)
{
    if (expr->kind == AST_COLUMN)
        ++*(int *)arg;
    return expr->kind != AST_LAMBDA;
}

static void visit_leaves_out_what_it_is_told(void **state)
{
    int columns = 0;

    ast_expr_visit(
        parse_expr(test_arena(state), "a + f(b, x => x * c) AND CASE d WHEN e THEN 1 END"),
        count_columns, &columns);
    assert_int_equal(columns, 4);
}

static void durations_become_milliseconds(void **state)
{
    int64_t ms = -1;

    (void)state;
    assert_true(ast_duration_ms((AstDuration){.amount = 2, .unit = AST_DAYS}, &ms));
    assert_int_equal(ms, 172800000);
    assert_true(ast_duration_ms((AstDuration){.amount = 7, .unit = AST_MILLISECONDS}, &ms));
    assert_int_equal(ms, 7);
    assert_true(ast_duration_ms((AstDuration){.amount = 3, .unit = AST_MINUTES}, &ms));
    assert_int_equal(ms, 180000);
    assert_false(ast_duration_ms((AstDuration){.amount = INT64_MAX, .unit = AST_SECONDS}, &ms));
    assert_false(ast_duration_ms((AstDuration){.amount = 1, .unit = AST_MONTHS}, &ms));
    assert_int_equal(ms, 180000);
}

static void unit_words_are_singular_or_plural_in_any_case(void **state)
{
    AstUnit unit = AST_DAYS;

    (void)state;
    assert_true(ast_unit_parse(STR("Hour"), &unit));
    assert_int_equal(unit, AST_HOURS);
    assert_true(ast_unit_parse(STR("YEARS"), &unit));
    assert_int_equal(unit, AST_YEARS);
    assert_true(ast_unit_parse(STR("milliseconds"), &unit));
    assert_int_equal(unit, AST_MILLISECONDS);
    assert_false(ast_unit_parse(STR("WEEKS"), &unit));
    assert_false(ast_unit_parse(STR("S"), &unit));
    assert_false(ast_unit_parse(STR(""), &unit));
}

static void a_bare_column_may_be_a_unit(void **state)
{
    Arena  *test_mem = test_arena(state);
    AstUnit unit = AST_YEARS;

    assert_true(ast_unit_of_column(parse_expr(test_mem, "day"), &unit));
    assert_int_equal(unit, AST_DAYS);
    assert_false(ast_unit_of_column(parse_expr(test_mem, "`DAY`"), &unit));
    assert_false(ast_unit_of_column(parse_expr(test_mem, "s.day"), &unit));
    assert_false(ast_unit_of_column(parse_expr(test_mem, "today"), &unit));
    assert_false(ast_unit_of_column(parse_expr(test_mem, "1"), &unit));
}

static void statements_have_names_for_messages(void **state)
{
    static const char *const named[][2] = {
        {"SELECT * FROM s;", "SELECT"},
        {"CREATE TABLE t (a INT PRIMARY KEY);", "CREATE TABLE"},
        {"CREATE STREAM s (a INT);", "CREATE STREAM"},
        {"CREATE TABLE t AS SELECT * FROM s;", "CREATE TABLE AS SELECT"},
        {"DROP TABLE t;", "DROP TABLE"},
        {"ALTER TABLE t ADD a INT;", "ALTER TABLE"},
        {"ASSERT TABLE t (a INT PRIMARY KEY);", "ASSERT TABLE"},
        {"RUN SCRIPT 'x';", "RUN SCRIPT"},
    };

    for (size_t i = 0; i < sizeof named / sizeof named[0]; i++)
        assert_string_equal(ast_stmt_kind_name(parse_stmt(test_arena(state), named[i][0])),
                            named[i][1]);
}

static void depth_is_bounded_whatever_the_limit(void **state)
{
    int64_t nesting = g_limits.nesting;

    (void)state;
    g_limits.nesting = 10;
    assert_int_equal(ast_depth_max(), 50);
    g_limits.nesting = 1000000;
    assert_int_equal(ast_depth_max(), 5000);
    g_limits.nesting = nesting;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(expressions_equal_whatever_their_layout),
        arena_test(expressions_differ_by_structure),
        arena_test(visit_leaves_out_what_it_is_told),
        arena_test(durations_become_milliseconds),
        arena_test(unit_words_are_singular_or_plural_in_any_case),
        arena_test(a_bare_column_may_be_a_unit),
        arena_test(statements_have_names_for_messages),
        arena_test(depth_is_bounded_whatever_the_limit),
    };

    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
