#include "tests/support/arena_group.h"
#include "tests/support/eval_sql.h"

static void both_byte_orders_are_read(void **state)
{
    EVAL_CHECK(state, {"INT_FROM_BYTES(TO_BYTES('FFFFFFFE', 'hex'))", "-2"},
               {"INT_FROM_BYTES(TO_BYTES('FEFFFFFF', 'hex'), 'little_endian')", "-2"},
               {"BIGINT_FROM_BYTES(TO_BYTES('8000000000000000', 'hex'))", "-9223372036854775808"},
               {"DOUBLE_FROM_BYTES(TO_BYTES('7FF0000000000000', 'hex'))", "Infinity"});
}

static void wrong_lengths_and_orders_fail(void **state)
{
    EVAL_CHECK(state, {"INT_FROM_BYTES(TO_BYTES('00', 'hex'))", "error"},
               {"INT_FROM_BYTES(TO_BYTES('00000000', 'hex'), 'MIDDLE')", "error"},
               {"INT_FROM_BYTES(TO_BYTES('00000000', 'hex'), CAST(NULL AS STRING))", "error"},
               {"INT_FROM_BYTES(CAST(NULL AS BYTES))", "null"});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(both_byte_orders_are_read),
        arena_test(wrong_lengths_and_orders_fail),
    };
    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
