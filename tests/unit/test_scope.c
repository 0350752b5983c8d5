/* What a column name means. */
#include "planner/bind.h"
#include "tests/support/arena_group.h"

static const Column left_cols[] = {
    {.name = {"ID", 2}, .type = &type_int, .role = COLUMN_KEY},
    {.name = {"A", 1}, .type = &type_string, .role = COLUMN_VALUE},
    {.name = {"KSQL_COL_1", 10}, .type = &type_string, .role = COLUMN_VALUE},
};
static const Column right_cols[] = {
    {.name = {"ID", 2}, .type = &type_int, .role = COLUMN_KEY},
    {.name = {"B", 1}, .type = &type_double, .role = COLUMN_VALUE},
};
static const Schema left_schema = {.cols = left_cols, .len = 3, .key_len = 1};
static const Schema right_schema = {.cols = right_cols, .len = 2, .key_len = 1};
static const Source left = {.name = {"L", 1}, .schema = &left_schema};
static const Source right = {.name = {"R", 1}, .schema = &right_schema};

static Scope both(Arena *mem)
{
    Scope scope = {0};

    scope_add(mem, &scope, &left, STR_NULL, (SrcPos){0});
    scope_add(mem, &scope, &right, STR("X"), (SrcPos){0});
    return scope;
}

static void every_column_has_its_number(void **state)
{
    Scope scope = both(test_arena(state));

    assert_int_equal(scope.cols_len, 3 + PSEUDO_COUNT_ + 2 + PSEUDO_COUNT_);
    for (uint32_t i = 0; i < scope.cols_len; i++)
        assert_int_equal(scope_number(&scope, scope_column(&scope, i)), i);
    assert_true(str_eq(scope_column_name(&scope, 0), STR("ID")));
    assert_true(str_eq(scope_column_name(&scope, 3), STR("ROWTIME")));
    assert_true(str_eq(scope_column_name(&scope, 3 + PSEUDO_COUNT_ + 1), STR("B")));
    assert_int_equal(scope_column(&scope, 3 + PSEUDO_COUNT_).source, 1);
}

static void sources_are_known_by_their_alias(void **state)
{
    Scope scope = both(test_arena(state));

    assert_int_equal(scope_find_alias(&scope, STR("L")), 0);
    assert_int_equal(scope_find_alias(&scope, STR("X")), 1);
    assert_int_equal(scope_find_alias(&scope, STR("R")), -1);
    assert_true(scope_is_clash(&scope, STR("ID")));
    assert_false(scope_is_clash(&scope, STR("A")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(every_column_has_its_number),
        arena_test(sources_are_known_by_their_alias),
    };
    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
