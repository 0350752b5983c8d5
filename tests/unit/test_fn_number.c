#include "tests/support/arena_group.h"
#include "tests/support/eval_sql.h"

static void absolute_value_of_the_smallest_number_wraps(void **state)
{
    EVAL_CHECK(state, {"ABS(-3)", "3"}, {"ABS(-3.50)", "3.50"}, {"ABS(-0E+0)", "0.0"},
               {"ABS(CAST('-2147483648' AS INT))", "-2147483648"},
               {"ABS(CAST('-9223372036854775808' AS BIGINT))", "-9223372036854775808"},
               {"ABS(CAST(NULL AS INT))", "null"});
}

static void ceil_and_floor_keep_the_scale(void **state)
{
    EVAL_CHECK(state, {"CEIL(1.2)", "2.0"}, {"CEIL(-1.2)", "-1.0"}, {"FLOOR(-1.2)", "-2.0"},
               {"FLOOR(9.99)", "9.00"}, {"CEIL(9.99)", "10.00"}, {"CEIL(1.2E+0)", "2.0"},
               {"FLOOR(-1.2E+0)", "-2.0"}, {"FLOOR(7)", "7"});
}

static void round_ties_go_towards_positive_infinity(void **state)
{
    EVAL_CHECK(state, {"ROUND(1.5)", "2"}, {"ROUND(-1.5)", "-1"}, {"ROUND(1.5E+0)", "2"},
               {"ROUND(-1.5E+0)", "-1"}, {"ROUND(-2.51)", "-3"},
               {"ROUND(0.49999999999999994E+0)", "0"}, {"ROUND(1.245, 2)", "1.250"},
               {"ROUND(-1.245, 2)", "-1.240"}, {"ROUND(1.0, 5)", "1.0"},
               {"ROUND(-1.5E+0, 0)", "-1.0"});
}

static void round_left_of_the_point_fills_with_zeros(void **state)
{
    EVAL_CHECK(state, {"ROUND(12345.678, -2)", "12300.000"}, {"ROUND(12345.678E+0, -2)", "12300.0"},
               {"ROUND(50.0, -2)", "100.0"}, {"ROUND(49.9, -2)", "0.0"},
               {"ROUND(1.5, -2147483648)", "0.0"}, {"ROUND(1.5E+0, -2147483648)", "0.0"},
               {"ROUND(1.5E+0, 2147483647)", "1.5"}, {"TRUNC(-12345.678, -2)", "-12300.000"});
}

static void round_of_no_finite_number_saturates_or_fails(void **state)
{
    EVAL_CHECK(state, {"ROUND(1E+300)", "9223372036854775807"},
               {"ROUND(-1E+300)", "-9223372036854775808"}, {"ROUND(SQRT(-1))", "0"},
               {"TRUNC(SQRT(-1))", "0"}, {"ROUND(SQRT(-1), 2)", "error"},
               {"ROUND(LN(0), 2)", "error"}, {"ROUND(CAST(NULL AS INT))", "error"},
               {"ROUND(CAST(NULL AS DOUBLE))", "null"}, {"ROUND(0.5)", "1"},
               {"TRUNC(CAST(NULL AS INT))", "null"});
}

static void truncation_goes_towards_zero(void **state)
{
    EVAL_CHECK(state, {"TRUNC(1.9)", "1"}, {"TRUNC(-1.9)", "-1"}, {"TRUNC(-1.9E+0)", "-1"},
               {"TRUNC(-1.259, 2)", "-1.250"}, {"TRUNC(1.259E+0, 2)", "1.25"});
}

static void double_functions_follow_ieee(void **state)
{
    EVAL_CHECK(state, {"SQRT(-1)", "NaN"}, {"LN(0)", "-Infinity"}, {"LN(-1)", "NaN"},
               {"LOG(-2, 8)", "NaN"}, {"LOG(1, 8)", "NaN"}, {"COT(0)", "Infinity"},
               {"ACOS(2)", "NaN"}, {"POWER(0, -1)", "Infinity"}, {"SIGN(SQRT(-1))", "0"},
               {"SIGN(-0.5)", "-1"}, {"SIGN(0)", "0"}, {"CBRT(-27)", "-3.0"},
               {"EXP(1000)", "Infinity"});
}

static void overloads_that_fit_alike_are_ambiguous(void **state)
{
    EVAL_CHECK(state, {"POWER(2, CAST(3 AS BIGINT))", "error"},
               {"GREATEST(1, CAST(3 AS BIGINT))", "error"}, {"POWER(2, 3E+0)", "8.0"});
}

static void greatest_and_least_ignore_nulls(void **state)
{
    EVAL_CHECK(state, {"GREATEST(1, NULL, 3)", "3"}, {"LEAST(2, NULL, 1)", "1"},
               {"GREATEST(CAST(NULL AS INT), NULL)", "null"}, {"GREATEST(1.5, 22.25)", "22.25"},
               {"LEAST(1.5, 22.25)", "1.50"}, {"GREATEST(1E+0, SQRT(-1))", "NaN"},
               {"LEAST(1E+0, SQRT(-1))", "1.0"}, {"GREATEST('a', 'B')", "a"},
               {"LEAST(FROM_DAYS(3), FROM_DAYS(2))", "1970-01-03"});
}

static void text_compares_by_utf16_units(void **state)
{
    /* U+FF5E lies above the surrogates that U+1F600 is written with */
    EVAL_CHECK(state, {"GREATEST('\xef\xbd\x9e', '\xf0\x9f\x98\x80') = '\xef\xbd\x9e'", "true"},
               {"'\xef\xbd\x9e' > '\xf0\x9f\x98\x80'", "true"});
}

static void bytes_compare_signed(void **state)
{
    EVAL_CHECK(
        state,
        {"GREATEST(TO_BYTES('7f', 'hex'), TO_BYTES('80', 'hex')) = TO_BYTES('7f', 'hex')", "true"});
}

static void random_numbers_differ_and_stay_in_range(void **state)
{
    EVAL_CHECK(state, {"RANDOM() = RANDOM()", "false"}, {"RANDOM() BETWEEN 0E+0 AND 1E+0", "true"});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(absolute_value_of_the_smallest_number_wraps),
        arena_test(ceil_and_floor_keep_the_scale),
        arena_test(round_ties_go_towards_positive_infinity),
        arena_test(round_left_of_the_point_fills_with_zeros),
        arena_test(round_of_no_finite_number_saturates_or_fails),
        arena_test(truncation_goes_towards_zero),
        arena_test(double_functions_follow_ieee),
        arena_test(overloads_that_fit_alike_are_ambiguous),
        arena_test(greatest_and_least_ignore_nulls),
        arena_test(text_compares_by_utf16_units),
        arena_test(bytes_compare_signed),
        arena_test(random_numbers_differ_and_stay_in_range),
    };
    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
