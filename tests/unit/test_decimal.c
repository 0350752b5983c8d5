#include "common/decimal.h"

#include <math.h>
#include <stdio.h>

#include "tests/support/seed.h"
#include "tests/support/text_is.h"

static Value dec(Arena *arena, const char *text)
{
    Value v = value_null();

    if (!decimal_parse(arena, str_from(text), &v))
        fail_msg("\"%s\" is no decimal", text);
    return v;
}

static Str text_of(Arena *arena, Value v)
{
    Buf out = buf_in(arena);

    decimal_print(&out, v);
    return buf_view(&out);
}

static void assert_type(const Type *type, int precision, int scale)
{
    assert_int_equal(type->kind, T_DECIMAL);
    assert_int_equal(type->precision, precision);
    assert_int_equal(type->scale, scale);
}

static Str result_of(Arena *arena, DecimalOp op, const char *a, const char *b, int precision,
                     int scale)
{
    Value out = value_null();
    Err   err;

    if (decimal_arith(arena, op, dec(arena, a), dec(arena, b),
                      type_decimal(arena, precision, scale), &out, &err) != ERR_OK)
        return str_printf(arena, "error: %s", err.msg);
    return text_of(arena, out);
}

static Str fitted(Arena *arena, const char *text, int precision, int scale, DecimalRound round)
{
    Value out = value_null();
    Err   err;

    if (decimal_fit(arena, dec(arena, text), type_decimal(arena, precision, scale), round, &out,
                    &err) != ERR_OK)
        return str_printf(arena, "error: %s", err.msg);
    return text_of(arena, out);
}

static const char big[] = "1234567890123456789012345678901234567890.12345678901234567890";

static void decimal_parse_keeps_the_scale_as_written(void **state)
{
    Arena *arena = test_arena(state);

    assert_text(text_of(arena, dec(arena, "1.50")), "1.50");
    assert_text(text_of(arena, dec(arena, "-0.003")), "-0.003");
    assert_text(text_of(arena, dec(arena, "+7.")), "7");
    assert_text(text_of(arena, dec(arena, ".5")), "0.5");
    assert_text(text_of(arena, dec(arena, "000.000")), "0.000");
    assert_text(text_of(arena, dec(arena, "-0")), "0");
    assert_text(text_of(arena, dec(arena, "1.25e1")), "12.5");
    assert_text(text_of(arena, dec(arena, "1.25E+3")), "1250");
    assert_text(text_of(arena, dec(arena, "1.25e-3")), "0.00125");
    assert_text(text_of(arena, dec(arena, "-9223372036854775808")), "-9223372036854775808");
    assert_text(text_of(arena, dec(arena, "9223372036854775808")), "9223372036854775808");
    assert_text(text_of(arena, dec(arena, big)), big);
}

static void decimal_parse_refuses_what_is_no_number(void **state)
{
    static const char *const bad[] = {"",
                                      "-",
                                      ".",
                                      "e1",
                                      "1e",
                                      "1e+",
                                      " 1",
                                      "1 ",
                                      "1,5",
                                      "NaN",
                                      "0x10",
                                      "1..2",
                                      "--1",
                                      "1.5d",
                                      "1e1e",
                                      "1e-70000",
                                      "1e999999999999999999"};
    Value                    v = value_bool(true);

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(decimal_parse(test_arena(state), str_from(bad[i]), &v));
    assert_int_equal(v.kind, T_BOOLEAN);
}

static void decimal_is_small_whenever_it_fits_64_bits(void **state)
{
    Arena *arena = test_arena(state);

    assert_int_equal(dec(arena, "9223372036854775807").len, 0);
    assert_int_equal(dec(arena, "-9223372036854775808").len, 0);
    assert_int_equal(dec(arena, "9223372036854775808").len, 9);
    assert_int_equal(dec(arena, "-9223372036854775809").len, 9);
    assert_int_equal(dec(arena, "0000000000000000000000000000000005").len, 0);
    assert_int_equal(dec(arena, "0.00000000000000000000000000001").len, 0);
    /* Back from beyond: the difference of two big ones. */
    assert_text(result_of(arena, DECIMAL_SUB, "9223372036854775809", "2", 20, 0),
                "9223372036854775807");
    assert_int_equal(decimal_neg(arena, dec(arena, "9223372036854775808")).len, 0);
    assert_int_equal(decimal_neg(arena, dec(arena, "-9223372036854775808")).len, 9);
}

static void decimal_takes_a_hundred_digits(void **state)
{
    Arena *arena = test_arena(state);
    char   nines[101], less[101];

    memset(nines, '9', 100);
    nines[100] = '\0';
    memcpy(less, nines, sizeof less);
    less[99] = '8';
    assert_int_equal(decimal_precision(dec(arena, nines)), 100);
    assert_text(text_of(arena, dec(arena, nines)), nines);
    assert_text(result_of(arena, DECIMAL_ADD, less, "1", 101, 0), nines);
}

static void decimal_precision_counts_digits(void **state)
{
    Arena *arena = test_arena(state);

    assert_int_equal(decimal_precision(dec(arena, "0")), 1);
    assert_int_equal(decimal_precision(dec(arena, "0.00")), 1);
    assert_int_equal(decimal_precision(dec(arena, "-9.99")), 3);
    assert_int_equal(decimal_precision(dec(arena, "-9223372036854775808")), 19);
    assert_int_equal(decimal_precision(dec(arena, "10000000000000000000")), 20);
    assert_int_equal(decimal_precision(dec(arena, "99999999999999999999")), 20);
    assert_int_equal(decimal_precision(dec(arena, big)), 60);
}

static void decimal_types_follow_the_language(void **state)
{
    Arena      *arena = test_arena(state);
    const Type *a = type_decimal(arena, 4, 2), *b = type_decimal(arena, 5, 1);

    assert_type(decimal_type_of(arena, DECIMAL_ADD, a, b), 7, 2);
    assert_type(decimal_type_of(arena, DECIMAL_SUB, b, a), 7, 2);
    assert_type(decimal_type_of(arena, DECIMAL_MUL, a, b), 10, 3);
    assert_type(decimal_type_of(arena, DECIMAL_DIV, a, b), 11, 8);
    assert_type(decimal_type_of(arena, DECIMAL_MOD, a, b), 4, 2);
    assert_type(decimal_type_of(arena, DECIMAL_ADD, a, &type_int), 13, 2);
    assert_type(decimal_type_of(arena, DECIMAL_MUL, &type_bigint, a), 24, 2);
    /* The bound of the language holds. */
    a = type_decimal(arena, 1000, 900);
    assert_type(decimal_type_of(arena, DECIMAL_MUL, a, a), 1000, 1000);
}

static void decimal_arithmetic_is_exact(void **state)
{
    Arena *arena = test_arena(state);

    assert_text(result_of(arena, DECIMAL_ADD, "10.10", "0.005", 7, 3), "10.105");
    assert_text(result_of(arena, DECIMAL_SUB, "1", "1.00", 4, 2), "0.00");
    assert_text(result_of(arena, DECIMAL_MUL, "-10.10", "2.00", 9, 4), "-20.2000");
    assert_text(result_of(arena, DECIMAL_DIV, "10.10", "2.00", 11, 7), "5.0500000");
    assert_text(result_of(arena, DECIMAL_DIV, "-1", "8", 10, 6), "-0.125000");
    assert_text(result_of(arena, DECIMAL_MOD, "10.10", "-2.00", 4, 2), "0.10");
    assert_text(result_of(arena, DECIMAL_MOD, "-10.10", "2.00", 4, 2), "-0.10");
    assert_text(result_of(arena, DECIMAL_MOD, "1234567890", "3", 1, 0), "0");
}

static void decimal_arithmetic_goes_beyond_64_bits(void **state)
{
    Arena *arena = test_arena(state);

    assert_text(result_of(arena, DECIMAL_ADD, "9223372036854775807", "9223372036854775807", 20, 0),
                "18446744073709551614");
    assert_text(
        result_of(arena, DECIMAL_MUL, "-9223372036854775808", "-9223372036854775808", 39, 0),
        "85070591730234615865843651857942052864");
    assert_text(result_of(arena, DECIMAL_MUL, "100000000000000000000.5", "-2.0", 30, 2),
                "-200000000000000000001.00");
    assert_text(result_of(arena, DECIMAL_ADD, "9223372036854775807",
                          "0.0000000000000000000000000000000001", 60, 34),
                "9223372036854775807.0000000000000000000000000000000001");
    assert_text(result_of(arena, DECIMAL_DIV, "85070591730234615865843651857942052864",
                          "-9223372036854775808", 60, 6),
                "-9223372036854775808.000000");
    assert_text(
        result_of(arena, DECIMAL_MOD, "85070591730234615865843651857942052864", "1000", 39, 0),
        "864");
}

static void decimal_result_that_does_not_fit_is_an_error(void **state)
{
    Arena *arena = test_arena(state);

    assert_text(result_of(arena, DECIMAL_ADD, "99.99", "0.01", 4, 2),
                "error: 100.00 does not fit DECIMAL(4, 2)");
    assert_text(result_of(arena, DECIMAL_MUL, "0.01", "0.01", 4, 2),
                "error: 0.0001 does not fit DECIMAL(4, 2)");
    assert_text(result_of(arena, DECIMAL_DIV, "1", "3", 10, 6),
                "error: the quotient does not fit DECIMAL(10, 6) exactly");
    assert_text(result_of(arena, DECIMAL_DIV, "1", "0.00", 10, 6), "error: cannot divide by zero");
    assert_text(result_of(arena, DECIMAL_MOD, "1", "0", 10, 6), "error: cannot divide by zero");
}

static void decimal_fit_names_a_long_value_by_its_beginning(void **state)
{
    assert_text(fitted(test_arena(state), big, 4, 2, DECIMAL_ROUND_DOWN),
                "error: 1234567890123456789012345678901234567890... does not fit DECIMAL(4, 2)");
}

static void decimal_fit_rounds_as_asked(void **state)
{
    static const struct {
        const char  *value;
        DecimalRound round;
        const char  *expected;
    } cases[] = {
        {"2.5", DECIMAL_ROUND_DOWN, "2"},       {"-2.5", DECIMAL_ROUND_DOWN, "-2"},
        {"2.5", DECIMAL_ROUND_HALF_UP, "3"},    {"-2.5", DECIMAL_ROUND_HALF_UP, "-3"},
        {"2.49", DECIMAL_ROUND_HALF_UP, "2"},   {"-2.51", DECIMAL_ROUND_HALF_UP, "-3"},
        {"2.5", DECIMAL_ROUND_HALF_POS, "3"},   {"-2.5", DECIMAL_ROUND_HALF_POS, "-2"},
        {"-2.6", DECIMAL_ROUND_HALF_POS, "-3"}, {"2.1", DECIMAL_ROUND_FLOOR, "2"},
        {"-2.1", DECIMAL_ROUND_FLOOR, "-3"},    {"2.1", DECIMAL_ROUND_CEIL, "3"},
        {"-2.1", DECIMAL_ROUND_CEIL, "-2"},     {"2.0", DECIMAL_ROUND_NONE, "2"},
        {"-0.1", DECIMAL_ROUND_DOWN, "0"},      {"-0.0", DECIMAL_ROUND_CEIL, "0"},
    };
    Arena *arena = test_arena(state);

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char long_value[64];

        assert_text(fitted(arena, cases[i].value, 10, 0, cases[i].round), cases[i].expected);
        /* The same beyond 64 bits, where 30 zeros follow the point. */
        snprintf(long_value, sizeof long_value, "%s000000000000000000000000000000", cases[i].value);
        assert_text(fitted(arena, long_value, 10, 0, cases[i].round), cases[i].expected);
    }
}

static void decimal_fit_widens_and_checks_precision(void **state)
{
    Arena *arena = test_arena(state);

    assert_text(fitted(arena, "1.5", 4, 2, DECIMAL_ROUND_NONE), "1.50");
    assert_text(fitted(arena, "99.995", 4, 2, DECIMAL_ROUND_HALF_UP),
                "error: 99.995 does not fit DECIMAL(4, 2)");
    assert_text(fitted(arena, "9223372036854775807", 40, 20, DECIMAL_ROUND_NONE),
                "9223372036854775807.00000000000000000000");
    assert_text(fitted(arena, "9223372036854775807", 38, 20, DECIMAL_ROUND_NONE),
                "error: 9223372036854775807 does not fit DECIMAL(38, 20)");
    assert_int_equal(fitted(arena, "0.1", 1000, 1000, DECIMAL_ROUND_NONE).len, 1002);
}

static void decimal_compares_and_hashes_numerically(void **state)
{
    Arena                   *arena = test_arena(state);
    static const char *const ascending[] = {"-1e30",
                                            "-9223372036854775809",
                                            "-9223372036854775808",
                                            "-1.01",
                                            "-1.0",
                                            "-0.1",
                                            "0",
                                            "1e-30",
                                            "0.1",
                                            "0.11",
                                            "1",
                                            "9223372036854775807",
                                            "9223372036854775808",
                                            "1e30"};
    size_t                   len = sizeof ascending / sizeof ascending[0];

    for (size_t i = 0; i < len; i++) {
        for (size_t j = 0; j < len; j++) {
            int order = decimal_cmp(dec(arena, ascending[i]), dec(arena, ascending[j]));

            assert_int_equal((order > 0) - (order < 0), (i > j) - (i < j));
        }
    }
    assert_int_equal(decimal_cmp(dec(arena, "1.50"), dec(arena, "1.5")), 0);
    assert_true(decimal_hash(dec(arena, "1.50")) == decimal_hash(dec(arena, "1.5")));
    assert_true(decimal_hash(dec(arena, "100")) == decimal_hash(dec(arena, "100.000")));
    assert_true(decimal_hash(dec(arena, "0.00")) == decimal_hash(dec(arena, "0")));
    assert_true(decimal_hash(dec(arena, "1.00000000000000000000000000")) ==
                decimal_hash(dec(arena, "1")));
    assert_true(decimal_hash(dec(arena, "123456789012345678901.0")) ==
                decimal_hash(dec(arena, "123456789012345678901")));
    assert_false(decimal_hash(dec(arena, "1")) == decimal_hash(dec(arena, "2")));
}

static void decimal_converts_to_integers_towards_zero(void **state)
{
    Arena *arena = test_arena(state);

    assert_int_equal(decimal_to_i64(dec(arena, "1.99")), 1);
    assert_int_equal(decimal_to_i64(dec(arena, "-1.99")), -1);
    assert_int_equal(decimal_to_i64(dec(arena, "0.0000000000000000000000000000001")), 0);
    /* The low 64 bits, as in Java. */
    assert_int_equal(decimal_to_i64(dec(arena, "18446744073709551617")), 1);
    assert_int_equal(decimal_to_i64(dec(arena, "-18446744073709551617.9")), -1);
}

static void decimal_converts_to_the_nearest_double(void **state)
{
    Arena *arena = test_arena(state);

    assert_true(decimal_to_double(dec(arena, "0.1")) == 0.1);
    assert_true(decimal_to_double(dec(arena, "-123.456")) == -123.456);
    assert_true(decimal_to_double(dec(arena, "9223372036854775807")) == 0x1p63);
    assert_true(decimal_to_double(dec(arena, "1e400")) == (double)INFINITY);
    assert_true(decimal_to_double(dec(arena, "1e-330")) == 0);
    assert_true(decimal_to_double(dec(arena, "0.3333333333333333148296162562473909929394721984")) ==
                1.0 / 3);
}

static void decimal_takes_a_double_by_its_text(void **state)
{
    Arena *arena = test_arena(state);
    Value  v;

    assert_true(decimal_from_double(arena, 0.1, &v));
    assert_text(text_of(arena, v), "0.1");
    assert_true(decimal_from_double(arena, -1e10, &v));
    assert_text(text_of(arena, v), "-10000000000");
    assert_true(decimal_from_double(arena, 1.7976931348623157e308, &v));
    assert_int_equal(decimal_precision(v), 309);
    assert_true(decimal_from_double(arena, -4.9e-324, &v));
    assert_int_equal(v.scale, 325);
    assert_false(decimal_from_double(arena, (double)NAN, &v));
    assert_false(decimal_from_double(arena, (double)INFINITY, &v));
}

static void decimal_unscaled_bytes_are_minimal_twos_complement(void **state)
{
    static const struct {
        const char *value;
        const char *bytes;
        size_t      len;
    } cases[] = {
        {"0", "\0", 1},
        {"1.27", "\x7f", 1},
        {"1.28", "\0\x80", 2},
        {"-1.28", "\x80", 1},
        {"-1.29", "\xff\x7f", 2},
        {"-0.01", "\xff", 1},
        {"9223372036854775807", "\x7f\xff\xff\xff\xff\xff\xff\xff", 8},
        {"9223372036854775808", "\0\x80\0\0\0\0\0\0\0", 9},
        {"-9223372036854775809", "\xff\x7f\xff\xff\xff\xff\xff\xff\xff", 9},
    };
    Arena *arena = test_arena(state);

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        Value v = dec(arena, cases[i].value);
        Str   bytes = decimal_unscaled_bytes(arena, v);
        char  padded[16];

        assert_int_equal(bytes.len, cases[i].len);
        assert_memory_equal(bytes.ptr, cases[i].bytes, bytes.len);
        assert_true(value_eq(decimal_from_unscaled_bytes(arena, bytes, v.scale), v));
        /* Others write more sign bytes than are needed. */
        memset(padded, decimal_sign(v) < 0 ? 0xff : 0, sizeof padded);
        memcpy(padded + sizeof padded - bytes.len, bytes.ptr, bytes.len);
        v = decimal_from_unscaled_bytes(arena, (Str){padded, sizeof padded}, v.scale);
        assert_text(text_of(arena, v), cases[i].value);
        assert_int_equal(v.len, bytes.len > 8 ? bytes.len : 0);
    }
    assert_int_equal(decimal_from_unscaled_bytes(arena, STR(""), 0).u.i, 0);
}

static void decimal_laws_hold_for_random_values(void **state)
{
    Seed seed = {99};

    for (int i = 0; i < 5000; i++) {
        Arena      *arena = test_arena(state);
        const Type *type = type_decimal(arena, 45, (int)seed_below(&seed, 30));
        const Type *other = type_decimal(arena, 20, (int)seed_below(&seed, 20));
        const Type *sum_type = decimal_type_of(arena, DECIMAL_ADD, type, other);
        const Type *product_type = decimal_type_of(arena, DECIMAL_MUL, type, other);
        Value       a = seed_value(&seed, arena, type);
        Value       b = seed_value(&seed, arena, other);
        Value       sum, back, product;
        Err         err;

        assert_int_equal(decimal_arith(arena, DECIMAL_ADD, a, b, sum_type, &sum, &err), ERR_OK);
        assert_int_equal(sum.scale, sum_type->scale);
        assert_int_equal(decimal_arith(arena, DECIMAL_SUB, sum, b, sum_type, &back, &err), ERR_OK);
        assert_true(value_eq(back, a));
        assert_true(decimal_hash(back) == decimal_hash(a));
        assert_int_equal(decimal_arith(arena, DECIMAL_MUL, a, b, product_type, &product, &err),
                         ERR_OK);
        if (decimal_sign(b) != 0) {
            assert_int_equal(decimal_arith(arena, DECIMAL_DIV, product, b, type, &back, &err),
                             ERR_OK);
            assert_true(value_eq(back, a));
        }
        assert_int_equal(decimal_sign(decimal_neg(arena, a)), -decimal_sign(a));
        assert_true(value_eq(decimal_neg(arena, decimal_neg(arena, a)), a));
        assert_true(decimal_sign(decimal_abs(arena, a)) >= 0);
        assert_true(value_eq(dec(arena, str_to_c(arena, text_of(arena, a))), a));
        arena_reset(arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(decimal_parse_keeps_the_scale_as_written),
        arena_test(decimal_parse_refuses_what_is_no_number),
        arena_test(decimal_is_small_whenever_it_fits_64_bits),
        arena_test(decimal_takes_a_hundred_digits),
        arena_test(decimal_precision_counts_digits),
        arena_test(decimal_types_follow_the_language),
        arena_test(decimal_arithmetic_is_exact),
        arena_test(decimal_arithmetic_goes_beyond_64_bits),
        arena_test(decimal_result_that_does_not_fit_is_an_error),
        arena_test(decimal_fit_names_a_long_value_by_its_beginning),
        arena_test(decimal_fit_rounds_as_asked),
        arena_test(decimal_fit_widens_and_checks_precision),
        arena_test(decimal_compares_and_hashes_numerically),
        arena_test(decimal_converts_to_integers_towards_zero),
        arena_test(decimal_converts_to_the_nearest_double),
        arena_test(decimal_takes_a_double_by_its_text),
        arena_test(decimal_unscaled_bytes_are_minimal_twos_complement),
        arena_test(decimal_laws_hold_for_random_values),
    };

    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
