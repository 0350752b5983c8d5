#include "tests/support/arena_group.h"
#include "tests/support/eval_sql.h"

static void logic_is_lazy(void **state)
{
    EVAL_CHECK(state, {"FALSE AND 1 / 0 = 1", "false"}, {"TRUE OR 1 / 0 = 1", "true"},
               {"TRUE AND 1 / 0 = 1", "error"}, {"TRUE AND TRUE AND FALSE", "false"},
               {"FALSE OR FALSE OR TRUE", "true"});
}

static void logic_on_null_is_an_error(void **state)
{
    EVAL_CHECK(state, {"TRUE AND CAST(NULL AS BOOLEAN)", "error"},
               {"NOT CAST(NULL AS BOOLEAN)", "error"}, {"FALSE OR CAST(NULL AS BOOLEAN)", "error"},
               {"FALSE AND CAST(NULL AS BOOLEAN)", "false"},
               {"CAST(NULL AS BOOLEAN) AND FALSE", "error"});
}

static void is_null_lets_errors_through(void **state)
{
    EVAL_CHECK(state, {"CAST(NULL AS INT) IS NULL", "true"}, {"1 IS NOT NULL", "true"},
               {"(1 / 0) IS NULL", "error"});
}

static void case_takes_the_first_true_branch(void **state)
{
    EVAL_CHECK(state, {"CASE WHEN 1 = 2 THEN 'a' WHEN 1 = 1 THEN 'b' ELSE 'c' END", "b"},
               {"CASE 3 WHEN 1 THEN 'a' ELSE 'c' END", "c"}, {"CASE WHEN FALSE THEN 1 END", "null"},
               {"CASE WHEN TRUE THEN 1 ELSE 1 / 0 END", "1"},
               {"CASE WHEN CAST(NULL AS BOOLEAN) THEN 1 ELSE 2 END", "error"},
               {"CASE WHEN FALSE THEN 1 ELSE 1 / 0 END", "null"});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(logic_is_lazy),
        arena_test(logic_on_null_is_an_error),
        arena_test(is_null_lets_errors_through),
        arena_test(case_takes_the_first_true_branch),
    };
    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
