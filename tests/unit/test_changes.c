#include "exec/state/changes.h"

#include "tests/support/arena_group.h"

static void walk_gives_what_was_added_in_order(void **state)
{
    Changes  *changes = changes_new();
    BufReader at;
    Change    change;
    char      big[300];

    (void)state;
    memset(big, 'b', sizeof big);
    changes_add(changes, 0, 1000000, STR("k"), STR("v"));
    changes_add(changes, 7, 0, STR(""), STR(""));
    changes_add(changes, 1, 2, (Str){big, sizeof big}, STR_NULL);
    assert_int_equal(changes->count, 3);
    at = changes_read(changes);
    assert_true(changes_next(&at, &change));
    assert_true(change.store == 0 && change.partition == 1000000);
    assert_true(str_eq(change.key, STR("k")) && str_eq(change.value, STR("v")));
    assert_true(changes_next(&at, &change));
    assert_true(change.store == 7 && change.key.len == 0);
    assert_non_null(change.value.ptr);
    assert_true(changes_next(&at, &change));
    assert_int_equal(change.key.len, sizeof big);
    assert_null(change.value.ptr);
    assert_false(changes_next(&at, &change));
    changes_free(changes);
    changes_free(NULL);
}

static void walk_stops_at_cut_bytes(void **state)
{
    Changes  *changes = changes_new();
    BufReader at;
    Change    change;

    (void)state;
    changes_add(changes, 0, 0, STR("key"), STR("value"));
    while (changes->bytes.len-- > 1) {
        at = changes_read(changes);
        assert_false(changes_next(&at, &change));
    }
    changes_free(changes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(walk_gives_what_was_added_in_order),
        cmocka_unit_test(walk_stops_at_cut_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
