#include "common/value.h"

#include <math.h>

#include "common/decimal.h"
#include "common/limit.h"
#include "tests/support/seed.h"
#include "tests/support/text_is.h"

static Str encoded(Arena *arena, Value v, const Type *type)
{
    Buf out = buf_in(arena);

    value_encode(&out, v, type);
    return buf_view(&out);
}

static Str key_of(Arena *arena, Value v, const Type *type)
{
    Buf out = buf_in(arena);

    value_encode_key(&out, v, type);
    return buf_view(&out);
}

static void assert_decodes_to(Arena *arena, Str bytes, const Type *type, Value expected)
{
    BufReader in = buf_reader(bytes);
    Value     v;

    assert_true(value_decode(&in, type, arena, &v));
    assert_ptr_equal(in.ptr, in.end);
    assert_true(value_eq(v, expected));
}

static void assert_no_value(Arena *arena, Str bytes, const Type *type)
{
    BufReader in = buf_reader(bytes);
    Value     v = value_int(42);

    assert_false(value_decode(&in, type, arena, &v));
    assert_false(in.ok);
    assert_int_equal(v.u.i, 42);
}

static void assert_no_key(Arena *arena, Str bytes, const Type *type)
{
    BufReader in = buf_reader(bytes);
    Value     v = value_int(42);

    assert_false(value_decode_key(&in, type, arena, &v));
    assert_false(in.ok);
    assert_int_equal(v.u.i, 42);
}

static void value_encode_is_compact(void **state)
{
    Arena *arena = test_arena(state);

    assert_int_equal(encoded(arena, value_null(), &type_string).len, 1);
    assert_int_equal(encoded(arena, value_bool(true), &type_boolean).len, 1);
    assert_int_equal(encoded(arena, value_int(0), &type_int).len, 1);
    assert_int_equal(encoded(arena, value_int(100), &type_int).len, 1);
    assert_int_equal(encoded(arena, value_int(1000), &type_int).len, 3);
    assert_int_equal(encoded(arena, value_bigint(INT64_MIN), &type_bigint).len, 9);
    assert_int_equal(encoded(arena, value_str(STR("abc")), &type_string).len, 4);
    assert_int_equal(encoded(arena, value_double(0.1), &type_double).len, 9);
}

static void value_encode_reads_back_at_every_integer_edge(void **state)
{
    Arena *arena = test_arena(state);

    for (int bit = 0; bit < 64; bit++) {
        for (int64_t near = -2; near <= 2; near++) {
            Value v = value_bigint((int64_t)((UINT64_C(1) << bit) + (uint64_t)near));

            assert_decodes_to(arena, encoded(arena, v, &type_bigint), &type_bigint, v);
            v = value_bigint((int64_t)(0 - (uint64_t)v.u.i));
            assert_decodes_to(arena, encoded(arena, v, &type_bigint), &type_bigint, v);
        }
    }
}

static void value_encode_keeps_the_bits_of_doubles(void **state)
{
    const double edges[] = {-0.0, (double)NAN, -(double)NAN, (double)INFINITY, 4.9e-324};

    for (size_t i = 0; i < sizeof edges / sizeof edges[0]; i++) {
        BufReader in = buf_reader(encoded(test_arena(state), value_double(edges[i]), &type_double));
        Value     v;

        assert_true(value_decode(&in, &type_double, test_arena(state), &v));
        assert_true(v.u.bits == value_double(edges[i]).u.bits);
    }
}

static void value_encode_keeps_a_scale_other_than_the_types(void **state)
{
    Arena      *arena = test_arena(state);
    const Type *type = type_decimal(arena, 10, 2);
    BufReader   in = buf_reader(encoded(arena, decimal_from_i64(15, 1), type));
    Value       v;

    assert_true(value_decode(&in, type, arena, &v));
    assert_int_equal(v.scale, 1);
    assert_int_equal(v.u.i, 15);
}

static void value_decode_reads_back_random_values_one_after_the_other(void **state)
{
    enum { VALUES = 5 };
    Seed seed = {31};

    for (int i = 0; i < 3000; i++) {
        Arena      *arena = test_arena(state);
        const Type *types[VALUES];
        Value       values[VALUES];
        Buf         out = buf_in(arena);
        BufReader   in;

        for (int n = 0; n < VALUES; n++) {
            types[n] = seed_type(&seed, arena, 3);
            values[n] = n == 2 ? value_null() : seed_value(&seed, arena, types[n]);
            value_encode(&out, values[n], types[n]);
        }
        in = buf_reader(buf_view(&out));
        for (int n = 0; n < VALUES; n++) {
            Value v;

            assert_true(value_decode(&in, types[n], arena, &v));
            assert_true(value_eq(v, values[n]));
        }
        assert_ptr_equal(in.ptr, in.end);
        arena_reset(arena);
    }
}

static void value_decode_points_into_the_source(void **state)
{
    Str       bytes = encoded(test_arena(state), value_str(STR("hello")), &type_string);
    BufReader in = buf_reader(bytes);
    Value     v;

    assert_true(value_decode(&in, &type_string, test_arena(state), &v));
    assert_ptr_equal(v.u.s, bytes.ptr + 1);
}

static void value_decode_refuses_every_cut(void **state)
{
    Seed seed = {47};

    for (int i = 0; i < 500; i++) {
        Arena      *arena = test_arena(state);
        const Type *type = seed_type(&seed, arena, 3);
        Value       v = seed_value(&seed, arena, type);
        Str         bytes = encoded(arena, v, type), key = key_of(arena, v, type);

        for (size_t len = 0; len < bytes.len; len++)
            assert_no_value(arena, str_slice(bytes, 0, len), type);
        for (size_t len = 0; len < key.len; len++)
            assert_no_key(arena, str_slice(key, 0, len), type);
        arena_reset(arena);
    }
}

static void value_decode_refuses_what_encode_does_not_write(void **state)
{
    Arena      *arena = test_arena(state);
    const Type *decimal = type_decimal(arena, 4, 2);

    assert_no_value(arena, STR("\3"), &type_boolean);
    assert_no_value(arena, STR("\1"), &type_int);
    assert_no_value(arena, STR("\x0a\1\1\1\1\1\1\1\1\1"), &type_bigint);
    assert_no_value(arena, STR("\x06\xff\xff\xff\xff\x0f"), &type_int);
    assert_no_value(arena, STR("\2\0\0\0\0\0\0\0\0"), &type_double);
    assert_no_value(arena, STR("\3\xff\xff"), &type_string);
    assert_no_value(arena, STR("\4\xed\xa0\x80"), &type_string);
    assert_no_value(arena, STR("\4\2\3\4"), decimal);
    assert_no_value(arena, STR("\2\xff\xff\xff\x7f\2"), decimal);
    /* A big decimal that would fit 64 bits, and one with a byte too many. */
    assert_no_value(arena, STR("\3\2\x08\1\1\1\1\1\1\1\1"), decimal);
    assert_no_value(arena, STR("\3\2\x09\0\1\1\1\1\1\1\1\1"), decimal);
    assert_no_value(arena, STR("\3\2\x09\xff\xff\1\1\1\1\1\1\1"), decimal);
    assert_no_value(arena, STR("\2"), type_struct(arena, NULL, 0));
    assert_no_value(arena, STR("\1"), &type_unit);
}

static void value_decode_takes_no_memory_for_lengths_that_cannot_be(void **state)
{
    Arena *arena = test_arena(state);
    size_t used = arena_used(arena);
    char   bytes[16];

    memset(bytes, 0xff, sizeof bytes);
    bytes[4] = 0x0f; /* a length of 2^32 - 2 */
    assert_no_value(arena, (Str){bytes, sizeof bytes}, &type_string);
    assert_no_value(arena, (Str){bytes, sizeof bytes}, type_array(arena, &type_int));
    assert_no_value(arena, (Str){bytes, sizeof bytes}, type_map(arena, &type_string, &type_int));
    memset(bytes, 0xff, sizeof bytes);
    assert_no_value(arena, (Str){bytes, sizeof bytes}, &type_bytes);
    assert_true(arena_used(arena) - used < 4096);
}

static void value_decode_ends_at_the_limit_of_nesting(void **state)
{
    Arena      *arena = test_arena(state);
    const Type *type = &type_int;
    int64_t     depth = g_limits.nesting + 10;
    char       *bytes = arena_bytes(arena, (size_t)depth * 2);

    for (int64_t i = 0; i < depth; i++)
        type = type_array(arena, type);
    memset(bytes, 2, (size_t)depth * 2);
    assert_no_value(arena, (Str){bytes, (size_t)depth * 2}, type);
    memset(bytes, 1, (size_t)depth * 2);
    assert_no_key(arena, (Str){bytes, (size_t)depth * 2}, type);
}

static void value_decode_survives_random_bytes(void **state)
{
    Seed seed = {53};

    for (int i = 0; i < 20000; i++) {
        Arena      *arena = test_arena(state);
        const Type *type = seed_type(&seed, arena, 3);
        size_t      len = seed_below(&seed, 40);
        char       *bytes = arena_bytes(arena, len);
        BufReader   in, key_in;
        Value       v;

        for (size_t n = 0; n < len; n++)
            bytes[n] = (char)(seed_below(&seed, 2) ? seed_below(&seed, 5) : seed_below(&seed, 256));
        in = key_in = buf_reader((Str){bytes, len});
        /* What is taken for a value is one: it can be written and read again. */
        if (value_decode(&in, type, arena, &v))
            assert_decodes_to(arena, encoded(arena, v, type), type, v);
        if (value_decode_key(&key_in, type, arena, &v))
            assert_decodes_to(arena, encoded(arena, v, type), type, v);
        arena_reset(arena);
    }
}

static int order_of_keys(Arena *arena, Value a, Value b, const Type *type)
{
    int order = str_cmp(key_of(arena, a, type), key_of(arena, b, type));

    return (order > 0) - (order < 0);
}

static void value_encode_key_orders_as_value_cmp(void **state)
{
    Seed seed = {61};

    for (int i = 0; i < 30000; i++) {
        Arena      *arena = test_arena(state);
        const Type *type = seed_scalar_type(&seed, arena);
        Value       a = seed_value(&seed, arena, type), b = seed_value(&seed, arena, type);
        int         order = value_cmp(a, b);

        assert_int_equal(order_of_keys(arena, a, b, type), (order > 0) - (order < 0));
        assert_int_equal(order_of_keys(arena, value_null(), a, type), -1);
        arena_reset(arena);
    }
}

/* Order of random values of a nested type, member by member, null first; maps only for equality. */
static int nested_order(Value a, Value b, const Type *type)
{
    int order = 0;

    if (value_is_null(a) || value_is_null(b))
        return value_is_null(b) - value_is_null(a);
    if (!type_is_nested(type)) {
        order = value_cmp(a, b);
        return (order > 0) - (order < 0);
    }
    for (uint32_t i = 0; i < a.len && i < b.len && order == 0; i++)
        order = nested_order(a.u.items[i], b.u.items[i],
                             type->kind == T_STRUCT ? type->fields[i].type : type->elem);
    return order ? order : (a.len > b.len) - (a.len < b.len);
}

static void value_encode_key_orders_nested_values_member_by_member(void **state)
{
    Seed seed = {67};

    for (int i = 0; i < 20000; i++) {
        Arena      *arena = test_arena(state);
        const Type *type = seed_type(&seed, arena, 3);
        Value       a = seed_value(&seed, arena, type), b = seed_value(&seed, arena, type);

        if (type_contains(type, T_MAP))
            assert_true((order_of_keys(arena, a, b, type) == 0) == value_eq(a, b));
        else
            assert_int_equal(order_of_keys(arena, a, b, type), nested_order(a, b, type));
        arena_reset(arena);
    }
}

static void value_encode_key_is_one_for_equal_values(void **state)
{
    Arena      *arena = test_arena(state);
    const Type *decimal = type_decimal(arena, 10, 2);
    const Type *map = type_map(arena, &type_int, &type_int);
    const Value one[] = {value_int(1), value_int(2), value_int(3), value_int(4)},
                other[] = {value_int(3), value_int(4), value_int(1), value_int(2)};

    assert_int_equal(order_of_keys(arena, value_double(0.0), value_double(-0.0), &type_double), 0);
    assert_int_equal(
        order_of_keys(arena, value_double((double)NAN), value_double(-(double)NAN), &type_double),
        0);
    assert_int_equal(
        order_of_keys(arena, decimal_from_i64(150, 2), decimal_from_i64(15, 1), decimal), 0);
    assert_int_equal(
        order_of_keys(arena, value_items(T_MAP, one, 2), value_items(T_MAP, other, 2), map), 0);
}

static void value_encode_key_is_self_delimiting(void **state)
{
    Seed seed = {71};

    for (int i = 0; i < 5000; i++) {
        Arena      *arena = test_arena(state);
        const Type *first = seed_type(&seed, arena, 2), *second = seed_type(&seed, arena, 2);
        Value       a = seed_value(&seed, arena, first), b = seed_value(&seed, arena, second);
        Buf         out = buf_in(arena);
        BufReader   in;
        Value       v;

        value_encode_key(&out, a, first);
        value_encode_key(&out, b, second);
        in = buf_reader(buf_view(&out));
        assert_true(value_decode_key(&in, first, arena, &v));
        assert_true(value_eq(v, a));
        assert_true(value_decode_key(&in, second, arena, &v));
        assert_true(value_eq(v, b));
        assert_ptr_equal(in.ptr, in.end);
        arena_reset(arena);
    }
}

static void value_decode_key_gives_decimals_the_types_scale(void **state)
{
    Arena      *arena = test_arena(state);
    const Type *type = type_decimal(arena, 30, 4);
    const char *texts[] = {"0", "1000", "-1000", "1.5", "-0.0001", "12345678901234567890.25"};

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        Value     v, back;
        BufReader in;
        Err       err;

        assert_true(decimal_parse(arena, str_from(texts[i]), &v));
        assert_int_equal(decimal_fit(arena, v, type, DECIMAL_ROUND_NONE, &v, &err), ERR_OK);
        in = buf_reader(key_of(arena, v, type));
        assert_true(value_decode_key(&in, type, arena, &back));
        assert_int_equal(back.scale, 4);
        assert_true(value_eq(back, v));
    }
}

static void value_decode_key_refuses_what_encode_does_not_write(void **state)
{
    Arena      *arena = test_arena(state);
    const Type *decimal = type_decimal(arena, 4, 2);

    assert_no_key(arena, STR("\3"), &type_boolean);
    assert_no_key(arena, STR("\2\x80\0\0\0\0\0\0\0"), &type_bigint);
    assert_no_key(arena, STR("\1\xff\0\0\0\0\0\0\0"), &type_int);
    assert_no_key(arena, STR("\1abc"), &type_string);
    assert_no_key(arena, STR("\1abc\0"), &type_string);
    assert_no_key(arena, STR("\1abc\0\1\0\0"), &type_string);
    assert_no_key(arena, STR("\1\xff\0\0"), &type_string);
    assert_no_key(arena, STR("\3\x80\0\1\0"), decimal);
    assert_no_key(arena, STR("\3\x80\0\1\xf0\0"), decimal);
    assert_no_key(arena, STR("\3\xff\xff\xff\x0b\0"), decimal);
    assert_no_key(arena, STR("\3\0\0\0\x0b\0"), decimal);
    assert_no_key(arena, STR("\1\2"), type_array(arena, &type_int));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(value_encode_is_compact),
        arena_test(value_encode_reads_back_at_every_integer_edge),
        arena_test(value_encode_keeps_the_bits_of_doubles),
        arena_test(value_encode_keeps_a_scale_other_than_the_types),
        arena_test(value_decode_reads_back_random_values_one_after_the_other),
        arena_test(value_decode_points_into_the_source),
        arena_test(value_decode_refuses_every_cut),
        arena_test(value_decode_refuses_what_encode_does_not_write),
        arena_test(value_decode_takes_no_memory_for_lengths_that_cannot_be),
        arena_test(value_decode_ends_at_the_limit_of_nesting),
        arena_test(value_decode_survives_random_bytes),
        arena_test(value_encode_key_orders_as_value_cmp),
        arena_test(value_encode_key_orders_nested_values_member_by_member),
        arena_test(value_encode_key_is_one_for_equal_values),
        arena_test(value_encode_key_is_self_delimiting),
        arena_test(value_decode_key_gives_decimals_the_types_scale),
        arena_test(value_decode_key_refuses_what_encode_does_not_write),
    };

    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
