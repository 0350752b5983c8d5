#include "common/map.h"

#include "tests/support/arena_group.h"

static int one = 1, two = 2, three = 3;

static void map_get_of_an_empty_map_is_null(void **state)
{
    Map    map;
    size_t cursor = 0;

    map_init(&map, test_arena(state));
    assert_null(map_get(&map, STR("a")));
    assert_null(map_remove(&map, STR("a")));
    assert_null(map_next(&map, &cursor));
}

static void map_put_replaces_the_value_of_a_key(void **state)
{
    Map map;

    map_init(&map, test_arena(state));
    map_put(&map, STR("a"), &one);
    map_put(&map, STR("A"), &two);
    map_put(&map, STR("a"), &three);
    assert_ptr_equal(map_get(&map, STR("a")), &three);
    assert_ptr_equal(map_get(&map, STR("A")), &two);
    assert_int_equal(map.live_len, 2);
}

static void map_holds_many_on_the_heap(void **state)
{
    Arena *test_mem = test_arena(state);
    Map    map;

    map_init(&map, NULL);
    for (int i = 0; i < 5000; i++)
        map_put(&map, str_printf(test_mem, "key-%d", i), ARENA_ARRAY(test_mem, char, i + 1));
    assert_int_equal(map.live_len, 5000);
    for (int i = 0; i < 5000; i++)
        assert_non_null(map_get(&map, str_printf(test_mem, "key-%d", i)));
    assert_null(map_get(&map, STR("key-5000")));
    map_deinit(&map);
    assert_null(map_get(&map, STR("key-1")));
}

static void map_with_room_does_not_grow(void **state)
{
    Arena    *test_mem = test_arena(state);
    MapEntry *entries;
    Map       map;

    map_init(&map, test_mem);
    map_reserve(&map, 100);
    entries = map.entries;
    for (int i = 0; i < 100; i++)
        map_put(&map, str_printf(test_mem, "%d", i), &map);
    assert_ptr_equal(map.entries, entries);
    map_put(&map, STR("one more"), entries);
    assert_ptr_equal(map_get(&map, STR("99")), &map);
    assert_ptr_equal(map_get(&map, STR("one more")), entries);
}

static void map_iterates_in_insertion_order_after_removals(void **state)
{
    Arena    *test_mem = test_arena(state);
    Map       map;
    MapEntry *entry;
    int       expected = 0;

    map_init(&map, test_mem);
    for (int i = 0; i < 1000; i++)
        map_put(&map, str_printf(test_mem, "%d", i), &one);
    for (int i = 0; i < 1000; i++) {
        if (i % 3)
            assert_ptr_equal(map_remove(&map, str_printf(test_mem, "%d", i)), &one);
    }
    for (int i = 1000; i < 3000; i++)
        map_put(&map, str_printf(test_mem, "%d", i), &one);
    for (size_t i = 0; (entry = map_next(&map, &i));) {
        assert_true(str_eq(entry->key, str_printf(test_mem, "%d", expected)));
        expected += expected < 999 ? 3 : 1;
    }
    assert_int_equal(expected, 3000);
}

static void map_removed_key_can_return(void **state)
{
    Map map;

    map_init(&map, test_arena(state));
    map_put(&map, STR("a"), &one);
    map_put(&map, STR("b"), &two);
    assert_ptr_equal(map_remove(&map, STR("a")), &one);
    assert_null(map_get(&map, STR("a")));
    assert_null(map_remove(&map, STR("a")));
    map_put(&map, STR("a"), &three);
    assert_ptr_equal(map_get(&map, STR("a")), &three);
    assert_ptr_equal(map_get(&map, STR("b")), &two);
}

static void map_may_remove_while_iterating(void **state)
{
    Arena    *test_mem = test_arena(state);
    Map       map;
    MapEntry *entry;
    size_t    seen = 0;

    map_init(&map, test_mem);
    for (int i = 0; i < 100; i++)
        map_put(&map, str_printf(test_mem, "%d", i), &one);
    for (size_t i = 0; (entry = map_next(&map, &i)); seen++)
        assert_non_null(map_remove(&map, entry->key));
    assert_int_equal(seen, 100);
    assert_int_equal(map.live_len, 0);
}

static void map_that_turns_over_does_not_grow(void **state)
{
    Arena *test_mem = test_arena(state);
    Map    map;

    map_init(&map, NULL);
    for (int i = 0; i < 10000; i++) {
        map_put(&map, str_printf(test_mem, "%d", i), &one);
        if (i >= 4)
            assert_non_null(map_remove(&map, str_printf(test_mem, "%d", i - 4)));
    }
    assert_int_equal(map.live_len, 4);
    assert_true(map.entries_cap <= 16);
    map_deinit(&map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(map_get_of_an_empty_map_is_null),
        arena_test(map_put_replaces_the_value_of_a_key),
        arena_test(map_holds_many_on_the_heap),
        arena_test(map_with_room_does_not_grow),
        arena_test(map_iterates_in_insertion_order_after_removals),
        arena_test(map_removed_key_can_return),
        arena_test(map_may_remove_while_iterating),
        arena_test(map_that_turns_over_does_not_grow),
    };
    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
