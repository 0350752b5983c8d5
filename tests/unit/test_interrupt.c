/* test_interrupt.c -- Ctrl-C is a flag. */
#include "tests/support/arena_group.h"

#include <signal.h>

#include "cli/interrupt.h"

static void signal_raises_a_flag_that_is_taken_once(void **state)
{
    (void)state;
    interrupt_install();
    assert_false(interrupt_is_raised());
    assert_int_equal(raise(SIGINT), 0);
    assert_true(interrupt_is_raised());
    assert_true(interrupt_take());
    assert_false(interrupt_take());
    assert_false(interrupt_is_raised());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signal_raises_a_flag_that_is_taken_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
