#include "common/limit.h"

#include <stdbool.h>
#include <string.h>

#include "tests/support/arena_group.h"

static void limits_in_force_begin_as_the_defaults(void **state)
{
    Limits limits;

    (void)state;
    limits_init(&limits);
    assert_memory_equal(&limits, &g_limits, sizeof limits);
    assert_int_equal(limits.statement_bytes, 1048576);
    assert_int_equal(limits.push_queries, 100);
}

static void limits_set_changes_one_by_property(void **state)
{
    Limits limits;
    Limits defaults;

    (void)state;
    limits_init(&limits);
    limits_init(&defaults);
    assert_true(limits_set(&limits, "weir.limit.columns", 7));
    assert_int_equal(limits.columns, 7);
    limits.columns = defaults.columns;
    assert_memory_equal(&limits, &defaults, sizeof limits);
    assert_true(limits_set(&limits, "ksql.max.push.queries", 3));
    assert_int_equal(limits.push_queries, 3);
}

static void limits_set_refuses_other_properties(void **state)
{
    Limits limits;

    (void)state;
    limits_init(&limits);
    assert_false(limits_set(&limits, "weir.limit.column", 7));
    assert_false(limits_set(&limits, "", 7));
    assert_memory_equal(&limits, &g_limits, sizeof limits);
}

static void limits_are_each_reached_by_their_property(void **state)
{
#define LIMIT_PROPERTY(field, property, value, what) property,
    const char *properties[] = {LIMITS(LIMIT_PROPERTY)};
    Limits      limits;
    int64_t     values[sizeof properties / sizeof properties[0]];

    (void)state;
    limits_init(&limits);
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
        assert_true(limits_set(&limits, properties[i], -(int64_t)i - 1));
    assert_int_equal(sizeof limits, sizeof values);
    memcpy(values, &limits, sizeof values);
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
        assert_int_equal(values[i], -(int64_t)i - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limits_in_force_begin_as_the_defaults),
        cmocka_unit_test(limits_set_changes_one_by_property),
        cmocka_unit_test(limits_set_refuses_other_properties),
        cmocka_unit_test(limits_are_each_reached_by_their_property),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
