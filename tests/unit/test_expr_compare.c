#include "tests/support/arena_group.h"
#include "tests/support/eval_sql.h"

static void comparisons_with_null_are_false(void **state)
{
    EVAL_CHECK(state, {"CAST(NULL AS INT) = 1", "false"}, {"CAST(NULL AS INT) <> 1", "false"},
               {"NOT (CAST(NULL AS INT) = 1)", "true"}, {"CAST(NULL AS STRING) < 'a'", "false"},
               {"1 BETWEEN CAST(NULL AS INT) AND 2", "false"},
               {"CAST(NULL AS INT) IN (1, 2)", "false"},
               {"CAST(NULL AS INT) NOT IN (1, 2)", "true"});
}

static void distinct_is_null_safe(void **state)
{
    EVAL_CHECK(state, {"CAST(NULL AS INT) IS DISTINCT FROM 1", "true"},
               {"CAST(NULL AS INT) IS DISTINCT FROM CAST(NULL AS INT)", "false"},
               {"1 IS NOT DISTINCT FROM 1", "true"},
               {"ARRAY[1] IS DISTINCT FROM ARRAY[1]", "false"});
}

static void numbers_of_all_types_compare(void **state)
{
    EVAL_CHECK(state, {"1 = 1.0", "true"}, {"1.50 = 1.5", "true"}, {"1 < 1.5E+0", "true"},
               {"9007199254740993 = 9007199254740993", "true"}, {"-0E+0 = 0E+0", "true"},
               {"SQRT(-1) = SQRT(-1)", "true"}, {"SQRT(-1) > 1E+308", "true"});
}

static void every_operator_holds_where_it_should(void **state)
{
    EVAL_CHECK(state, {"1 <= 1", "true"}, {"1 >= 2", "false"}, {"2 > 1", "true"},
               {"'a' <> 'b'", "true"}, {"'b' >= 'a'", "true"}, {"TRUE <> FALSE", "true"},
               {"TO_BYTES('00', 'hex') = TO_BYTES('00', 'hex')", "true"},
               {"STRUCT(A := 1) = STRUCT(A := 1)", "true"},
               {"MAP('a' := 1, 'b' := 2) = MAP('b' := 2, 'a' := 1)", "true"});
}

static void dates_compare_with_text(void **state)
{
    EVAL_CHECK(state, {"FROM_DAYS(0) = '1970'", "true"},
               {"FROM_UNIXTIME(1) > '1970-01-01'", "true"},
               {"FROM_DAYS(1) > FROM_UNIXTIME(5)", "true"},
               {"PARSE_TIME('10:00', 'HH:mm') < '11:00'", "true"});
}

static void between_includes_its_bounds(void **state)
{
    EVAL_CHECK(state, {"2 BETWEEN 2 AND 3", "true"}, {"3 BETWEEN 2 AND 3", "true"},
               {"'b' NOT BETWEEN 'a' AND 'c'", "false"}, {"1.5 BETWEEN 1 AND 2", "true"},
               {"1 BETWEEN 3 AND 0", "false"});
}

static void long_lists_are_looked_up(void **state)
{
    EVAL_CHECK(state, {"7 IN (1, 2, 3, 4, 5, 6, 7, 8, 9, 10)", "true"},
               {"11 IN (1, 2, 3, 4, 5, 6, 7, 8, 9, 10)", "false"},
               {"'i' IN ('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', NULL)", "true"},
               {"'x' IN ('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', NULL)", "false"},
               {"1.0 IN (1.00, 2, 3, 4, 5, 6, 7, 8, 9)", "true"}, {"1 IN (1, 1 / 0)", "true"},
               {"2 IN (1, 1 / 0)", "error"});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(comparisons_with_null_are_false),
        arena_test(distinct_is_null_safe),
        arena_test(numbers_of_all_types_compare),
        arena_test(every_operator_holds_where_it_should),
        arena_test(dates_compare_with_text),
        arena_test(between_includes_its_bounds),
        arena_test(long_lists_are_looked_up),
    };
    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
