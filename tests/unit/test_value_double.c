#include "common/value.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/support/seed.h"
#include "tests/support/text_is.h"

static Str text_of(Arena *arena, double d)
{
    Buf out = buf_in(arena);

    value_print_double(&out, d);
    return buf_view(&out);
}

static double parsed(const char *text)
{
    double d = 42;

    if (!value_parse_double(str_from(text), &d))
        fail_msg("\"%s\" is no number", text);
    return d;
}

static bool same_bits(double a, double b)
{
    return value_double(a).u.bits == value_double(b).u.bits;
}

static void value_print_double_is_plain_from_a_thousandth_to_ten_million(void **state)
{
    Arena *arena = test_arena(state);

    assert_text(text_of(arena, 0.0), "0.0");
    assert_text(text_of(arena, -0.0), "-0.0");
    assert_text(text_of(arena, 1.0), "1.0");
    assert_text(text_of(arena, -1.5), "-1.5");
    assert_text(text_of(arena, 100.0), "100.0");
    assert_text(text_of(arena, 0.001), "0.001");
    assert_text(text_of(arena, 9999999.0), "9999999.0");
    assert_text(text_of(arena, 9999999.999), "9999999.999");
    assert_text(text_of(arena, 123456.789), "123456.789");
    assert_text(text_of(arena, 0.0012345), "0.0012345");
}

static void value_print_double_has_an_exponent_elsewhere(void **state)
{
    Arena *arena = test_arena(state);

    assert_text(text_of(arena, 1e7), "1.0E7");
    assert_text(text_of(arena, 12345678.0), "1.2345678E7");
    assert_text(text_of(arena, 9.99e-4), "9.99E-4");
    assert_text(text_of(arena, 1e23), "1.0E23");
    assert_text(text_of(arena, -1.25e-300), "-1.25E-300");
    assert_text(text_of(arena, 1.7976931348623157e308), "1.7976931348623157E308");
    assert_text(text_of(arena, 9007199254740993.0), "9.007199254740992E15");
}

static void value_print_double_names_what_is_not_finite(void **state)
{
    Arena *arena = test_arena(state);

    assert_text(text_of(arena, (double)NAN), "NaN");
    assert_text(text_of(arena, -(double)NAN), "NaN");
    assert_text(text_of(arena, (double)INFINITY), "Infinity");
    assert_text(text_of(arena, -(double)INFINITY), "-Infinity");
}

static void value_print_double_takes_two_digits_nearest_to_the_least_values(void **state)
{
    Arena *arena = test_arena(state);

    assert_text(text_of(arena, 4.9e-324), "4.9E-324");
    assert_text(text_of(arena, 9.9e-324), "9.9E-324");
    assert_text(text_of(arena, 1.5e-323), "1.5E-323");
    assert_text(text_of(arena, 2e-323), "2.0E-323");
    assert_text(text_of(arena, 9.9e-323), "9.9E-323");
    assert_text(text_of(arena, 2.2250738585072014e-308), "2.2250738585072014E-308");
}

static void value_print_double_is_shortest(void **state)
{
    Arena *arena = test_arena(state);

    assert_text(text_of(arena, 0.1 + 0.2), "0.30000000000000004");
    assert_text(text_of(arena, 1.0 / 3), "0.3333333333333333");
    assert_text(text_of(arena, 2.0 / 3), "0.6666666666666666");
    /* Java's old rule printed 2.0E-3 as 0.0020 and 2^-44 with a digit too many. */
    assert_text(text_of(arena, 2e-3), "0.002");
    assert_text(text_of(arena, 5.684341886080802e-14), "5.684341886080802E-14");
    assert_text(text_of(arena, 2.0e23), "2.0E23");
}

/* Significant digits of a text. */
static int digits_in(Str text)
{
    int digits = 0, zeros = 0;

    for (size_t i = 0; i < text.len && text.ptr[i] != 'E'; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            continue;
        if (digits + zeros == 0 && text.ptr[i] == '0')
            continue;
        zeros = text.ptr[i] == '0' ? zeros + 1 : 0;
        digits++;
    }
    return digits - zeros;
}

static double seed_finite(Seed *seed)
{
    Value v = value_double(0);

    for (;;) {
        switch (seed_below(seed, 4)) {
        case 0:
            v.u.bits = seed_next(seed);
            break;
        case 1: /* powers of two: their intervals are uneven */
            v.u.bits = seed_below(seed, 2047) << 52;
            break;
        case 2: /* subnormals */
            v.u.bits = seed_below(seed, UINT64_C(1) << seed_below(seed, 52));
            break;
        default:
            v.u.d = (double)(int64_t)seed_below(seed, 100000000) / 10000;
            break;
        }
        if (isfinite(v.u.d))
            return v.u.d;
    }
}

static void value_double_text_reads_back_equal_and_none_is_shorter(void **state)
{
    Seed seed = {20261121};

    for (int i = 0; i < 100000; i++) {
        double d = seed_finite(&seed);
        char   text[64];
        Buf    out = {text, 0, sizeof text, NULL};
        char   shortest[64];
        int    digits = 0;

        value_print_double(&out, d);
        text[out.len] = '\0';
        assert_true(same_bits(parsed(text), d));
        assert_true(same_bits(strtod(text, NULL), d));
        do {
            snprintf(shortest, sizeof shortest, "%.*e", digits++, d);
        } while (strtod(shortest, NULL) != d);
        /* One digit is not enough for Java where two are nearer. */
        assert_true(digits_in(buf_view(&out)) <= (digits == 1 ? 2 : digits));
    }
    (void)state;
}

static void value_parse_double_agrees_with_the_library(void **state)
{
    Seed seed = {7};

    (void)state;
    for (int i = 0; i < 100000; i++) {
        double d = seed_finite(&seed);
        char   text[64];

        snprintf(text, sizeof text, "%.*e", (int)seed_below(&seed, 22), d);
        assert_true(same_bits(parsed(text), strtod(text, NULL)));
    }
}

static void value_parse_double_decides_halves_to_even(void **state)
{
    (void)state;
    assert_true(parsed("9007199254740993") == 9007199254740992.0);
    assert_true(parsed("9007199254740995") == 9007199254740996.0);
    assert_true(parsed("9007199254740993.00000000000000000000000000000001") == 9007199254740994.0);
    assert_true(parsed("2.2250738585072011e-308") == 2.2250738585072011e-308);
    assert_true(parsed("2.4703282292062327208e-324") == 0.0);
    assert_true(parsed("2.4703282292062328e-324") == 4.9e-324);
}

static void value_parse_double_takes_javas_forms(void **state)
{
    (void)state;
    assert_true(parsed(" 7 ") == 7);
    assert_true(parsed("+.5") == 0.5);
    assert_true(parsed("5.") == 5);
    assert_true(parsed("1.5d") == 1.5 && parsed("1.5F") == 1.5);
    assert_true(parsed("1E+2") == 100);
    assert_true(same_bits(parsed("-0"), -0.0));
    assert_true(isinf(parsed("1e400")) && parsed("-1e400") < 0);
    assert_true(parsed("1e-400") == 0);
    assert_true(parsed("0e999999999999999999999") == 0);
    assert_true(isinf(parsed("1e99999999999999999999")));
    assert_true(parsed("1e-99999999999999999999") == 0);
}

static void value_parse_double_refuses_the_rest(void **state)
{
    static const char *const bad[] = {"",    " ",     "-",   "+",   ".",   "e5",  "1e",      "1e+",
                                      "NaN", "0x1p3", "1,5", "1 2", "--1", "1ff", "Infinity"};
    double                   d = 42;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(value_parse_double(str_from(bad[i]), &d));
    assert_true(d == 42);
}

static void value_parse_double_reads_digits_without_end(void **state)
{
    enum { DIGITS = 100000 };
    char  *text = arena_bytes(test_arena(state), DIGITS + 2);
    double d;

    memset(text, '3', DIGITS + 2);
    text[0] = '0';
    text[1] = '.';
    assert_true(value_parse_double((Str){text, DIGITS + 2}, &d));
    assert_true(d == 1.0 / 3);
    memset(text, '0', DIGITS);
    text[0] = '1';
    assert_true(value_parse_double((Str){text, DIGITS}, &d));
    assert_true(isinf(d));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(value_print_double_is_plain_from_a_thousandth_to_ten_million),
        arena_test(value_print_double_has_an_exponent_elsewhere),
        arena_test(value_print_double_names_what_is_not_finite),
        arena_test(value_print_double_takes_two_digits_nearest_to_the_least_values),
        arena_test(value_print_double_is_shortest),
        arena_test(value_double_text_reads_back_equal_and_none_is_shorter),
        arena_test(value_parse_double_agrees_with_the_library),
        arena_test(value_parse_double_decides_halves_to_even),
        arena_test(value_parse_double_takes_javas_forms),
        arena_test(value_parse_double_refuses_the_rest),
        arena_test(value_parse_double_reads_digits_without_end),
    };

    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
