#include "tests/support/arena_group.h"
#include "tests/support/eval_sql.h"

static void filter_keeps_what_is_true(void **state)
{
    EVAL_CHECK(state, {"FILTER(ARRAY[1, 2, 3], x => x <> 2)", "[1, 3]"},
               {"TRANSFORM(ARRAY[1.5, 2.5], x => x * x)", "[2.25, 6.25]"},
               {"FILTER(ARRAY[1, NULL], x => x IS NULL)", "[null]"},
               {"FILTER(ARRAY[TRUE, CAST(NULL AS BOOLEAN)], x => x)", "error"},
               {"FILTER(CAST(NULL AS ARRAY<INT>), x => x > 1)", "null"},
               {"FILTER(MAP('a' := 1, 'b' := 2), (k, v) => k = 'a')", "{a=1}"},
               {"FILTER(MAP('a' := CAST(NULL AS INT)), (k, v) => TRUE)", "error"});
}

static void transform_makes_new_elements(void **state)
{
    EVAL_CHECK(state, {"TRANSFORM(ARRAY[1, 2], x => x * 10)", "[10, 20]"},
               {"TRANSFORM(ARRAY['a', NULL], x => UCASE(x))", "[A, null]"},
               {"TRANSFORM(MAP('a' := 1), (k, v) => k, (k, v) => CAST(v AS STRING))", "{a=1}"},
               {"TRANSFORM(MAP('a' := 1, 'b' := 2), (k, v) => 'x', (k, v) => v)", "error"},
               {"TRANSFORM(MAP('a' := 1), (k, v) => k, (k, v) => NULLIF(v, 1))", "error"},
               {"TRANSFORM(ARRAY[1, 0], x => 1 / x)", "error"});
}

static void reduce_carries_a_state(void **state)
{
    EVAL_CHECK(state, {"REDUCE(ARRAY[1, 2, 3], 10, (s, x) => s + x)", "16"},
               {"REDUCE(CAST(NULL AS ARRAY<INT>), 10, (s, x) => s + x)", "10"},
               {"REDUCE(ARRAY[1], CAST(NULL AS INT), (s, x) => x)", "null"},
               {"REDUCE(MAP('a' := 1, 'b' := 2), 0, (s, k, v) => s + v)", "3"},
               {"REDUCE(ARRAY['a', 'b'], '', (s, x) => s + x)", "ab"});
}

static void lambdas_nest_and_see_outer_parameters(void **state)
{
    EVAL_CHECK(
        state,
        {"TRANSFORM(ARRAY[1, 2], x => REDUCE(ARRAY[10, 20], x, (s, y) => s + y * x))", "[31, 62]"},
        {"FILTER(ARRAY[ARRAY[1, 2], ARRAY[3]], x => ARRAY_LENGTH(FILTER(x, y => y > 1)) = 1)",
         "[[1, 2], [3]]"},
        {"TRANSFORM(ARRAY[1, 2], x => TRANSFORM(ARRAY[1, 2], y => TRANSFORM(ARRAY[1], z => x * 100 "
         "+ y * 10 + z)))",
         "[[[111], [121]], [[211], [221]]]"});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(filter_keeps_what_is_true),
        arena_test(transform_makes_new_elements),
        arena_test(reduce_carries_a_state),
        arena_test(lambdas_nest_and_see_outer_parameters),
    };
    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
