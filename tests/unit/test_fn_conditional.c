#include "tests/support/arena_group.h"
#include "tests/support/eval_sql.h"

static void coalesce_takes_the_first_value(void **state)
{
    EVAL_CHECK(state, {"COALESCE(NULL, 2, 3)", "2"}, {"COALESCE(CAST(NULL AS INT), NULL)", "null"},
               {"COALESCE(1, CAST(2 AS BIGINT))", "error"}, {"COALESCE()", "error"});
}

static void ifnull_replaces_a_failing_argument(void **state)
{
    EVAL_CHECK(state, {"IFNULL(CAST('x' AS INT), -1)", "-1"}, {"IFNULL('a', 'b')", "a"});
}

static void nullif_compares_deeply(void **state)
{
    EVAL_CHECK(state, {"NULLIF(ARRAY[1, 2], ARRAY[1, 2])", "null"}, {"NULLIF(1, 2)", "1"},
               {"NULLIF(CAST(NULL AS INT), 1)", "null"}, {"NULLIF(1, CAST(NULL AS INT))", "1"},
               {"NULLIF(1.50, 1.50)", "null"});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(coalesce_takes_the_first_value),
        arena_test(ifnull_replaces_a_failing_argument),
        arena_test(nullif_compares_deeply),
    };
    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
