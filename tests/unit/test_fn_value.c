#include "exec/functions/fn_value.h"

#include "tests/support/arena_group.h"

#define SMILE "\xf0\x9f\x98\x80"
#define REPLACED "\xef\xbf\xbd"

static void sets_hold_each_member_once(void **state)
{
    FnSet set;

    fn_set_init(&set, test_arena(state), 4);
    assert_true(fn_set_add(&set, value_int(1)));
    assert_true(fn_set_add(&set, value_null()));
    assert_false(fn_set_add(&set, value_int(1)));
    assert_false(fn_set_add(&set, value_null()));
    assert_true(fn_set_has(&set, value_null()));
    assert_false(fn_set_has(&set, value_int(2)));
    assert_int_equal(set.len, 2);
}

static void a_later_value_takes_the_place_of_an_earlier(void **state)
{
    FnMap map;
    Value v;

    fn_map_init(&map, test_arena(state), 3);
    fn_map_put(&map, value_str(STR("a")), value_int(1));
    fn_map_put(&map, value_str(STR("b")), value_int(2));
    fn_map_put(&map, value_str(STR("a")), value_int(3));
    v = fn_map_value(&map);
    assert_int_equal(v.len, 2);
    assert_int_equal(v.u.items[1].u.i, 3);
    assert_int_equal(fn_map_find(v, value_str(STR("b")))->u.i, 2);
    assert_null(fn_map_find(v, value_str(STR("c"))));
}

static void maps_are_walked_by_javas_hash(void **state)
{
    Value entries[] = {value_str(STR("yes, thanks")), value_int(0),
                       value_str(STR("nope")),        value_int(1),
                       value_str(STR("sure, yeah")),  value_int(2)};
    Value map = fn_map_in_java_order(test_arena(state), value_items(T_MAP, entries, 3));

    assert_int_equal(map.u.items[1].u.i, 0);
    assert_int_equal(map.u.items[3].u.i, 2);
    assert_int_equal(map.u.items[5].u.i, 1);
}

static void assert_slice(void **state, const char *s, size_t from, size_t to, const char *expected)
{
    FnText text = fn_text_of(value_str(str_from(s)));

    assert_string_equal(
        str_to_c(test_arena(state), fn_text_slice(test_arena(state), &text, from, to)), expected);
}

static void slices_count_utf16_units(void **state)
{
    assert_slice(state, "plain", 1, 3, "la");
    assert_slice(state, "a" SMILE "b", 1, 3, SMILE);
    assert_slice(state, "a" SMILE "b", 0, 2, "a" REPLACED);
    assert_slice(state, "a" SMILE "b", 2, 4, REPLACED "b");
    assert_slice(state, SMILE SMILE, 1, 3, REPLACED REPLACED);
    assert_slice(state, SMILE, 1, 1, "");
}

static void results_over_a_limit_are_named_errors(void **state)
{
    Err err;

    (void)state;
    assert_int_equal(fn_check_bytes((size_t)g_limits.value_bytes, &err), ERR_OK);
    assert_int_equal(fn_check_bytes((size_t)g_limits.value_bytes + 1, &err), ERR_EVAL);
    assert_int_equal(fn_check_items((size_t)g_limits.items, &err), ERR_OK);
    assert_int_equal(fn_check_items((size_t)g_limits.items + 1, &err), ERR_EVAL);
    assert_string_equal(err.msg, "result of 1000001 elements is over the limit of 1000000");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(sets_hold_each_member_once),
        arena_test(a_later_value_takes_the_place_of_an_earlier),
        arena_test(maps_are_walked_by_javas_hash),
        arena_test(slices_count_utf16_units),
        arena_test(results_over_a_limit_are_named_errors),
    };
    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
