#include "common/value.h"

#include <math.h>

#include "common/decimal.h"
#include "tests/support/seed.h"
#include "tests/support/text_is.h"

static Value str(const char *text)
{
    return value_str(str_from(text));
}

/* {1=a, 2=b, ...}, from the front or from the back. */
static Value numbered_map(Arena *arena, uint32_t len, bool is_reversed)
{
    Value *items = ARENA_ARRAY(arena, Value, (size_t)2 * len);

    for (uint32_t i = 0; i < len; i++) {
        int32_t number = (int32_t)(is_reversed ? len - i : i + 1);

        items[2 * i] = value_int(number);
        items[2 * i + 1] = value_double(number);
    }
    return value_items(T_MAP, items, len);
}

static void value_zeroed_is_null(void **state)
{
    Value v;

    (void)state;
    memset(&v, 0, sizeof v);
    assert_true(value_is_null(v));
    assert_true(value_eq(v, value_null()));
    assert_false(value_eq(v, value_int(0)));
}

static void value_cmp_orders_scalars(void **state)
{
    (void)state;
    assert_true(value_cmp(value_bool(false), value_bool(true)) < 0);
    assert_true(value_cmp(value_bigint(INT64_MIN), value_bigint(INT64_MAX)) < 0);
    assert_true(value_cmp(str("a"), str("ab")) < 0);
    assert_true(value_cmp(str("b"), str("ab")) > 0);
    assert_true(value_cmp(value_bytes(STR("\x7f")), value_bytes(STR("\x80"))) < 0);
    assert_true(value_cmp(value_time(T_DATE, -1), value_time(T_DATE, 1)) < 0);
    assert_true(value_cmp(decimal_from_i64(150, 2), decimal_from_i64(15, 1)) == 0);
}

static void value_cmp_puts_nan_above_everything(void **state)
{
    Value nan = value_double((double)NAN), inf = value_double((double)INFINITY);

    (void)state;
    assert_true(value_cmp(nan, inf) > 0 && value_cmp(inf, nan) < 0);
    assert_int_equal(value_cmp(nan, value_double(-(double)NAN)), 0);
    assert_true(value_eq(nan, value_double(-(double)NAN)));
    assert_true(value_cmp(value_double(-(double)INFINITY), value_double(-1e308)) < 0);
}

static void value_zeros_of_both_signs_are_equal(void **state)
{
    (void)state;
    assert_true(value_eq(value_double(0.0), value_double(-0.0)));
    assert_true(value_hash(value_double(0.0)) == value_hash(value_double(-0.0)));
    assert_true(value_hash(value_double((double)NAN)) == value_hash(value_double(-(double)NAN)));
}

static void value_eq_ignores_the_order_of_maps(void **state)
{
    Arena *arena = test_arena(state);

    for (uint32_t len = 0; len < 40; len += 3) {
        Value map = numbered_map(arena, len, false), reversed = numbered_map(arena, len, true);

        assert_true(value_eq(map, reversed));
        assert_true(value_hash(map) == value_hash(reversed));
    }
}

static void value_eq_sees_one_different_entry_in_a_map(void **state)
{
    Arena *arena = test_arena(state);

    for (uint32_t len = 1; len < 40; len += 6) {
        Value  map = numbered_map(arena, len, false);
        Value  reversed = numbered_map(arena, len, true);
        Value *items = arena_alloc(arena, sizeof(Value) * 2 * len);

        memcpy(items, reversed.u.items, sizeof(Value) * 2 * len);
        items[1] = value_double(-1);
        assert_false(value_eq(map, value_items(T_MAP, items, len)));
        items[1] = reversed.u.items[1];
        items[2 * len - 2] = value_int(-1);
        assert_false(value_eq(map, value_items(T_MAP, items, len)));
        assert_false(value_eq(map, value_items(T_MAP, map.u.items, len - 1)));
    }
}

static void value_eq_of_large_maps_takes_no_square(void **state)
{
    /* A comparison of each with each would not end within the test's time. */
    Arena *arena = test_arena(state);

    assert_true(value_eq(numbered_map(arena, 300000, false), numbered_map(arena, 300000, true)));
}

static void value_maps_that_repeat_a_key_are_compared_without_harm(void **state)
{
    Arena *arena = test_arena(state);
    Value *items = ARENA_ARRAY(arena, Value, 2 * 40);

    for (int i = 0; i < 40; i++)
        items[2 * i] = value_int(7);
    assert_true(value_eq(value_items(T_MAP, items, 40), value_items(T_MAP, items, 40)));
    assert_false(value_eq(value_items(T_MAP, items, 40), numbered_map(arena, 40, false)));
    assert_false(value_eq(numbered_map(arena, 40, false), value_items(T_MAP, items, 40)));
}

static void value_eq_compares_lists_in_order(void **state)
{
    const Value ab[] = {str("a"), str("b")}, ba[] = {str("b"), str("a")},
                an[] = {str("a"), value_null()};

    (void)state;
    assert_true(value_eq(value_items(T_ARRAY, ab, 2), value_items(T_ARRAY, ab, 2)));
    assert_false(value_eq(value_items(T_ARRAY, ab, 2), value_items(T_ARRAY, ba, 2)));
    assert_false(value_eq(value_items(T_ARRAY, ab, 2), value_items(T_ARRAY, ab, 1)));
    assert_false(value_eq(value_items(T_STRUCT, ab, 2), value_items(T_STRUCT, an, 2)));
    assert_true(value_eq(value_items(T_STRUCT, an, 2), value_items(T_STRUCT, an, 2)));
    assert_false(value_eq(value_items(T_ARRAY, ab, 2), value_items(T_STRUCT, ab, 2)));
}

static void value_hash_depends_on_order_in_lists(void **state)
{
    const Value ab[] = {str("a"), str("b")}, ba[] = {str("b"), str("a")};

    (void)state;
    assert_false(value_hash(value_items(T_ARRAY, ab, 2)) ==
                 value_hash(value_items(T_ARRAY, ba, 2)));
    assert_false(value_hash(value_bool(true)) == value_hash(value_bool(false)));
    assert_false(value_hash(value_int(1)) == value_hash(value_int(2)));
}

/* States on disk lie where these numbers put them. */
static void value_hash_is_what_it_always_was(void **state)
{
    const Value fields[] = {value_int(1), str("x")};

    (void)state;
    assert_true(value_hash(value_bool(true)) == UINT64_C(0x553295b67aaa2f37));
    assert_true(value_hash(value_int(42)) == UINT64_C(0xd4b2f4cc186b7ddf));
    assert_true(value_hash(value_double(2.5)) == UINT64_C(0xc102210ccc313be1));
    assert_true(value_hash(str("chair")) == UINT64_C(0x3651c67b82d7a0d7));
    assert_true(value_hash(value_items(T_STRUCT, fields, 2)) == UINT64_C(0x57bff3c4a8f0bac3));
}

static void value_copy_is_equal_and_independent(void **state)
{
    Seed seed = {5};

    for (int i = 0; i < 2000; i++) {
        Arena      *arena = test_arena(state);
        Arena      *origin_mem = arena_new(0);
        const Type *type = seed_type(&seed, arena, 3);
        Value       origin = seed_value(&seed, origin_mem, type);
        uint64_t    hash = value_hash(origin);
        Value       copy = value_copy(arena, origin);

        assert_true(value_eq(copy, origin));
        assert_int_equal(value_footprint(copy), value_footprint(origin));
        arena_free(origin_mem);
        assert_true(value_hash(copy) == hash);
        arena_reset(arena);
    }
}

static void value_footprint_counts_what_a_copy_takes(void **state)
{
    const Value items[] = {str("abc"), value_int(1), value_null()};

    (void)state;
    assert_int_equal(value_footprint(value_int(1)), 0);
    assert_int_equal(value_footprint(str("abc")), 3);
    assert_int_equal(value_footprint(value_items(T_ARRAY, items, 3)), 3 * sizeof(Value) + 3);
    assert_int_equal(value_footprint(value_items(T_MAP, items, 1)), 2 * sizeof(Value) + 3);
}

static void value_cmp_is_an_order_that_eq_and_hash_agree_with(void **state)
{
    Seed seed = {17};

    for (int i = 0; i < 3000; i++) {
        Arena      *arena = test_arena(state);
        const Type *type = seed_scalar_type(&seed, arena);
        Value       a = seed_value(&seed, arena, type), b = seed_value(&seed, arena, type),
              c = seed_value(&seed, arena, type);

        assert_int_equal(value_cmp(a, a), 0);
        assert_true((value_cmp(a, b) < 0) == (value_cmp(b, a) > 0));
        assert_true(value_eq(a, b) == (value_cmp(a, b) == 0));
        if (value_cmp(a, b) <= 0 && value_cmp(b, c) <= 0)
            assert_true(value_cmp(a, c) <= 0);
        if (value_eq(a, b))
            assert_true(value_hash(a) == value_hash(b));
        arena_reset(arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(value_zeroed_is_null),
        arena_test(value_cmp_orders_scalars),
        arena_test(value_cmp_puts_nan_above_everything),
        arena_test(value_zeros_of_both_signs_are_equal),
        arena_test(value_eq_ignores_the_order_of_maps),
        arena_test(value_eq_sees_one_different_entry_in_a_map),
        arena_test(value_eq_of_large_maps_takes_no_square),
        arena_test(value_maps_that_repeat_a_key_are_compared_without_harm),
        arena_test(value_eq_compares_lists_in_order),
        arena_test(value_hash_depends_on_order_in_lists),
        arena_test(value_hash_is_what_it_always_was),
        arena_test(value_copy_is_equal_and_independent),
        arena_test(value_footprint_counts_what_a_copy_takes),
        arena_test(value_cmp_is_an_order_that_eq_and_hash_agree_with),
    };

    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
