#include "exec/state/pending.h"

#include <stdlib.h>

#include "tests/support/arena_group.h"

/* Store 0 is unwindowed, stores 1 and 2 are windowed. */
static const PlanStore        plain = {.number = 0};
static const PlanStore        windowed[] = {{.number = 1, .is_windowed = true},
                                            {.number = 2, .is_windowed = true}};
static const PlanStore *const stores[] = {&plain, &windowed[0], &windowed[1]};

static void take(Pending *pending, Changes *changes)
{
    BufReader at = changes_read(changes);
    Change    slice[PENDING_PUT_MAX];
    uint32_t  len = 0;

    while (changes_next(&at, &slice[len])) {
        if (++len == PENDING_PUT_MAX) {
            pending_put(pending, slice, len);
            len = 0;
        }
    }
    pending_put(pending, slice, len);
    pending_take(pending, changes);
}

static void put(Pending *pending, uint32_t partition, Str key, Str value)
{
    Changes *changes = changes_new();

    changes_add(changes, 0, partition, key, value);
    take(pending, changes);
}

static void later_changes_and_positions_replace_earlier_ones(void **state)
{
    Pending      *pending = pending_new(stores);
    const Change *found;

    (void)state;
    assert_true(pending_is_empty(pending));
    assert_null(pending_find(pending, 0, 0, STR("a")));
    put(pending, 0, STR("a"), STR("1"));
    put(pending, 1, STR("a"), STR("2"));
    put(pending, 0, STR("a"), STR_NULL);
    found = pending_find(pending, 0, 0, STR("a"));
    assert_true(found && !found->value.ptr);
    assert_true(str_eq(pending_find(pending, 0, 1, STR("a"))->value, STR("2")));
    assert_null(pending_find(pending, 1, 0, STR("a")));
    assert_int_equal(pending->len, 2);
    pending_put_position(pending, STR("p"), STR("10"));
    pending_put_position(pending, STR("q"), STR("20"));
    pending_put_position(pending, STR("p"), STR("11"));
    pending_put_position(pending, STR("q"), STR("longer"));
    assert_true(str_eq(pending_position(pending, STR("p")), STR("11")));
    assert_true(str_eq(pending_position(pending, STR("q")), STR("longer")));
    assert_null(pending_position(pending, STR("r")).ptr);
    pending_free(pending);
}

static void positions_alone_make_it_non_empty(void **state)
{
    Pending *pending = pending_new(stores);

    (void)state;
    pending_put_position(pending, STR("p"), STR("10"));
    assert_false(pending_is_empty(pending));
    pending_free(pending);
    pending_free(NULL);
}

static void replaced_bytes_are_packed_away(void **state)
{
    enum { KEYS = 100, ROUNDS = 300 };
    Arena   *mem = test_arena(state);
    Pending *pending = pending_new(stores);
    char     value[400];

    memset(value, 'v', sizeof value);
    for (int round = 0; round < ROUNDS; round++) {
        Changes *changes = changes_new();

        memcpy(value, &round, sizeof round);
        for (int i = 0; i < KEYS; i++)
            changes_add(changes, 0, 0, str_printf(mem, "%d", i), (Str){value, sizeof value});
        take(pending, changes);
    }
    assert_int_equal(pending->len, KEYS);
    assert_true(pending->bytes < (size_t)3 << 20); /* of 12 MB that went in */
    for (int i = 0; i < KEYS; i++) {
        const Change *change = pending_find(pending, 0, 0, str_printf(mem, "%d", i));

        assert_true(change && memcmp(change->value.ptr, value, sizeof value) == 0);
    }
    pending_free(pending);
}

static void windows_of_a_key_are_found_by_the_key_alone(void **state)
{
    Arena        *mem = test_arena(state);
    Pending      *pending = pending_new(stores);
    Changes      *changes = changes_new();
    uint32_t      cursor;
    const Change *change;
    int           count = 0;

    for (int i = 0; i < 1000; i++)
        changes_add(changes, (uint32_t)i % 2 + 1, 0, str_printf(mem, "%d-%016d", i / 10, i),
                    STR("v"));
    take(pending, changes);
    cursor = pending_first(pending, 1, STR("42-"));
    while ((change = pending_next(pending, 1, STR("42-"), &cursor))) {
        assert_true(str_starts(change->key, STR("42-")) && change->store == 1);
        count++;
    }
    assert_int_equal(count, 5);
    cursor = pending_first(pending, 1, STR("420-"));
    assert_null(pending_next(pending, 1, STR("420-"), &cursor));
    pending_free(pending);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(later_changes_and_positions_replace_earlier_ones),
        arena_test(positions_alone_make_it_non_empty),
        arena_test(replaced_bytes_are_packed_away),
        arena_test(windows_of_a_key_are_found_by_the_key_alone),
    };

    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
