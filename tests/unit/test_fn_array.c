#include "tests/support/arena_group.h"
#include "tests/support/eval_sql.h"

static void array_functions_see_nulls_as_elements(void **state)
{
    EVAL_CHECK(state, {"ARRAY_CONTAINS(ARRAY[1, NULL], CAST(NULL AS INT))", "true"},
               {"ARRAY_CONTAINS(ARRAY[1, 2], CAST(NULL AS INT))", "false"},
               {"ARRAY_CONTAINS(CAST(NULL AS ARRAY<INT>), 1)", "false"},
               {"ARRAY_DISTINCT(ARRAY[1, NULL, 1, NULL])", "[1, null]"},
               {"ARRAY_EXCEPT(ARRAY[1, NULL, 2, 1], ARRAY[2])", "[1, null]"},
               {"ARRAY_INTERSECT(ARRAY[1, NULL, 2, 1], ARRAY[NULL, 1])", "[1, null]"},
               {"ARRAY_UNION(ARRAY[1, NULL], ARRAY[2, NULL])", "[1, null, 2]"},
               {"ARRAY_REMOVE(ARRAY[1, NULL, 2], CAST(NULL AS INT))", "[1, 2]"},
               {"ARRAY_REMOVE(CAST(NULL AS ARRAY<INT>), 1)", "null"});
}

static void array_concat_takes_a_null_side_as_empty(void **state)
{
    EVAL_CHECK(state, {"ARRAY_CONCAT(CAST(NULL AS ARRAY<INT>), ARRAY[1])", "[1]"},
               {"ARRAY_CONCAT(ARRAY[1], CAST(NULL AS ARRAY<INT>))", "[1]"},
               {"ARRAY_CONCAT(CAST(NULL AS ARRAY<INT>), CAST(NULL AS ARRAY<INT>))", "null"},
               {"ARRAY_CONCAT(ARRAY[1], ARRAY[1])", "[1, 1]"});
}

static void extremes_ignore_nulls(void **state)
{
    EVAL_CHECK(
        state, {"ARRAY_MAX(ARRAY[1, NULL, 3])", "3"}, {"ARRAY_MIN(ARRAY[1, NULL, 3])", "1"},
        {"ARRAY_MAX(ARRAY[CAST(NULL AS INT)])", "null"}, {"ARRAY_MAX(ARRAY[TRUE, FALSE])", "true"},
        {"ARRAY_MIN(ARRAY[1E+0, SQRT(-1)])", "1.0"}, {"ARRAY_MAX(ARRAY[ARRAY[1]])", "error"});
}

static void sorting_puts_nulls_last(void **state)
{
    EVAL_CHECK(state, {"ARRAY_SORT(ARRAY[3, NULL, 1])", "[1, 3, null]"},
               {"ARRAY_SORT(ARRAY[3, NULL, 1], 'descending')", "[3, 1, null]"},
               {"ARRAY_SORT(ARRAY[3, 1], 'up')", "null"},
               {"ARRAY_SORT(ARRAY['b', 'B', 'a'], 'Asc')", "[B, a, b]"});
}

static void join_prints_primitives_only(void **state)
{
    EVAL_CHECK(state, {"ARRAY_JOIN(ARRAY[1.50, NULL], ';')", "1.50;null"},
               {"ARRAY_JOIN(ARRAY[TRUE], CAST(NULL AS STRING))", "true"},
               {"ARRAY_JOIN(ARRAY[1, 2], CAST(NULL AS STRING))", "12"},
               {"ARRAY_JOIN(ARRAY[FROM_DAYS(0)])", "error"},
               {"ARRAY_JOIN(ARRAY[ARRAY[1]])", "error"});
}

static void slice_bounds_are_inclusive(void **state)
{
    EVAL_CHECK(state, {"SLICE(ARRAY[1, 2, 3], 2, 3)", "[2, 3]"},
               {"SLICE(ARRAY[1, 2, 3], 1, 4)", "null"}, {"SLICE(ARRAY[1, 2, 3], 0, 2)", "null"},
               {"SLICE(ARRAY[1, 2, 3], NULL, 2)", "[1, 2]"},
               {"SLICE(ARRAY[1, 2, 3], 2, NULL)", "[2, 3]"}, {"SLICE(ARRAY[1, 2, 3], 3, 2)", "[]"},
               {"SLICE(ARRAY[1, 2, 3], 3, 1)", "error"},
               {"SLICE(ARRAY[1, 2, 3], 1, -2147483648)", "error"},
               {"SLICE(CAST(NULL AS ARRAY<INT>), 1, 2)", "null"});
}

static void series_run_in_either_direction(void **state)
{
    EVAL_CHECK(state, {"GENERATE_SERIES(1, 3)", "[1, 2, 3]"},
               {"GENERATE_SERIES(3, 1)", "[3, 2, 1]"}, {"GENERATE_SERIES(2, 2)", "[2]"},
               {"GENERATE_SERIES(0, 5, 2)", "[0, 2, 4]"}, {"GENERATE_SERIES(1, 3, 0)", "error"},
               {"GENERATE_SERIES(1, 3, -1)", "error"}, {"GENERATE_SERIES(0, 2147483647)", "error"},
               {"GENERATE_SERIES(-9223372036854775807, 9223372036854775807, 1)", "error"},
               {"GENERATE_SERIES(-9223372036854775807, 9223372036854775807, 2147483647)", "error"},
               {"GENERATE_SERIES(9223372036854775806, 9223372036854775807)",
                "[9223372036854775806, 9223372036854775807]"},
               {"GENERATE_SERIES(CAST(NULL AS INT), 1)", "error"});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(array_functions_see_nulls_as_elements),
        arena_test(array_concat_takes_a_null_side_as_empty),
        arena_test(extremes_ignore_nulls),
        arena_test(sorting_puts_nulls_last),
        arena_test(join_prints_primitives_only),
        arena_test(slice_bounds_are_inclusive),
        arena_test(series_run_in_either_direction),
    };
    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
