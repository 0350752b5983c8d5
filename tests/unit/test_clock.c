#include "common/clock.h"

#include <time.h>

#include "tests/support/arena_group.h"

static void clock_system_tells_the_time(void **state)
{
    const Clock *clock = clock_system();
    int64_t      first_ns = clock_monotonic_ns(clock);
    int64_t      now_ms = clock_now_ms(clock);

    (void)state;
    assert_in_range(now_ms / 1000, time(NULL) - 2, time(NULL) + 2);
    assert_true(clock_monotonic_ns(clock) >= first_ns);
}

static void clock_fake_moves_only_by_hand(void **state)
{
    Clock clock;

    (void)state;
    clock_fake_init(&clock, 1000);
    assert_int_equal(clock_now_ms(&clock), 1000);
    assert_int_equal(clock_monotonic_ns(&clock), 1000000000);
    assert_int_equal(clock_now_ms(&clock), 1000);
    clock_fake_set(&clock, 1007);
    assert_int_equal(clock_now_ms(&clock), 1007);
    assert_int_equal(clock_monotonic_ns(&clock), 1007000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clock_system_tells_the_time),
        cmocka_unit_test(clock_fake_moves_only_by_hand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
