#include "planner/names.h"

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

static void clashing_names_are_prefixed(void **state)
{
    Arena *mem = test_arena(state);
    Scope  scope = both(mem);

    assert_true(scope_is_clash(&scope, STR("ID")));
    assert_true(scope_is_clash(&scope, STR("ROWTIME")));
    assert_false(scope_is_clash(&scope, STR("A")));
    assert_true(str_eq(names_of_column(mem, &scope, 0), STR("L_ID")));
    assert_true(str_eq(names_of_column(mem, &scope, 1), STR("A")));
    assert_true(str_eq(names_of_joined(mem, &scope, 3 + PSEUDO_COUNT_ + 1), STR("X_B")));
}

static void generated_names_skip_those_of_columns(void **state)
{
    Scope   scope = both(test_arena(state));
    NameGen names = {.mem = test_arena(state), .scope = &scope};

    assert_true(str_eq(names_generate(&names), STR("KSQL_COL_0")));
    assert_true(str_eq(names_generate(&names), STR("KSQL_COL_2")));
}

static void field_names_are_numbered_when_taken(void **state)
{
    Scope   scope = both(test_arena(state));
    NameGen names = {.mem = test_arena(state), .scope = &scope};

    assert_true(str_eq(names_of_field(&names, STR("C")), STR("C")));
    assert_true(str_eq(names_of_field(&names, STR("C")), STR("C_1")));
    assert_true(str_eq(names_of_field(&names, STR("C_1")), STR("C_2")));
    assert_true(str_eq(names_of_field(&names, STR("A")), STR("A_1")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(clashing_names_are_prefixed),
        arena_test(generated_names_skip_those_of_columns),
        arena_test(field_names_are_numbered_when_taken),
    };
    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
