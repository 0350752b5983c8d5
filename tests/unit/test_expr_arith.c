#include "tests/support/arena_group.h"
#include "tests/support/eval_sql.h"

static void integers_wrap(void **state)
{
    EVAL_CHECK(state, {"2147483647 + 1", "-2147483648"},
               {"CAST('-2147483648' AS INT) - 1", "2147483647"},
               {"CAST('-2147483648' AS INT) / -1", "-2147483648"},
               {"CAST('-2147483648' AS INT) % -1", "0"}, {"65536 * 65536", "0"},
               {"9223372036854775807 + 1", "-9223372036854775808"},
               {"CAST('-9223372036854775808' AS BIGINT) / -1", "-9223372036854775808"},
               {"-CAST('-2147483648' AS INT)", "-2147483648"});
}

static void integer_division_truncates_and_refuses_zero(void **state)
{
    EVAL_CHECK(state, {"7 / 2", "3"}, {"-7 / 2", "-3"}, {"-7 % 2", "-1"}, {"1 / 0", "error"},
               {"1 % 0", "error"}, {"CAST(1 AS BIGINT) / 0", "error"});
}

static void doubles_follow_ieee(void **state)
{
    EVAL_CHECK(state, {"1E+0 / 0", "Infinity"}, {"0E+0 / 0", "NaN"}, {"-7E+0 % 2", "-1.0"},
               {"1E+308 * 10", "Infinity"});
}

static void decimals_are_exact(void **state)
{
    EVAL_CHECK(state, {"0.1 + 0.2", "0.3"}, {"1.10 * 1.10", "1.2100"},
               {"1.0 / 4", "0.250000000000"}, {"10.0 / 3", "error"}, {"5.5 % 2", "1.5"},
               {"1.0 / 0", "error"}, {"-1.50", "-1.50"});
}

static void null_operands_are_errors(void **state)
{
    EVAL_CHECK(state, {"1 + CAST(NULL AS INT)", "error"}, {"CAST(NULL AS DOUBLE) * 2", "error"},
               {"-CAST(NULL AS INT)", "error"}, {"CAST(NULL AS DECIMAL(4, 2)) + 1", "error"});
}

static void text_is_concatenated(void **state)
{
    EVAL_CHECK(state, {"'a' + 'b' + 'c'", "abc"}, {"'a' || CAST(NULL AS STRING)", "a"},
               {"RPAD('', 16777216, 'x') || 'y'", "error"});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(integers_wrap),
        arena_test(integer_division_truncates_and_refuses_zero),
        arena_test(doubles_follow_ieee),
        arena_test(decimals_are_exact),
        arena_test(null_operands_are_errors),
        arena_test(text_is_concatenated),
    };
    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
