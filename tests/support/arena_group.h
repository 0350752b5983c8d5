/*
 * arena_group.h -- cmocka with an arena for each group and each test.
 *
 *     static void str_trim_drops_both_ends(void **state)
 *     {
 *         Arena *test_mem = test_arena(state);
 *         ...
 *     }
 *     int main(void)
 *     {
 *         const struct CMUnitTest tests[] = {
 *             arena_test(str_trim_drops_both_ends),
 *         };
 *         return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
 *     }
 *
 * The group makes one arena; it is reset before each arena_test, so that a test which keeps memory
 * of an earlier one is caught by AddressSanitizer.  Includes all that cmocka.h needs.
 */
#ifndef TESTS_SUPPORT_ARENA_GROUP_H
#define TESTS_SUPPORT_ARENA_GROUP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/arena.h"

#define arena_test(test) cmocka_unit_test_setup(test, arena_test_setup)

static inline Arena *test_arena(void **state)
{
    return *state;
}

static inline int arena_group_setup(void **state)
{
    *state = arena_new(0);
    return 0;
}

static inline int arena_test_setup(void **state)
{
    arena_reset(*state);
    return 0;
}

static inline int arena_group_teardown(void **state)
{
    arena_free(*state);
    return 0;
}

#endif
