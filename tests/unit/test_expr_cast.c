#include "tests/support/arena_group.h"
#include "tests/support/eval_sql.h"

static void numbers_convert_as_java_does(void **state)
{
    EVAL_CHECK(state, {"CAST(1.9E+0 AS INT)", "1"}, {"CAST(-1.9 AS INT)", "-1"},
               {"CAST(1E+10 AS INT)", "2147483647"},
               {"CAST(1E+300 AS BIGINT)", "9223372036854775807"}, {"CAST(SQRT(-1) AS INT)", "0"},
               {"CAST(2147483648 AS INT)", "-2147483648"},
               {"CAST(3000000000.5 AS INT)", "-1294967296"}, {"CAST(1 AS DOUBLE)", "1.0"});
}

static void decimals_round_half_up_or_do_not_fit(void **state)
{
    EVAL_CHECK(
        state, {"CAST(1.25 AS DECIMAL(2, 1))", "1.3"}, {"CAST(-1.25 AS DECIMAL(2, 1))", "-1.3"},
        {"CAST(10 AS DECIMAL(2, 1))", "error"}, {"CAST(0.1E+0 AS DECIMAL(3, 2))", "0.10"},
        {"CAST(SQRT(-1) AS DECIMAL(3, 2))", "error"}, {"CAST('1.005' AS DECIMAL(3, 2))", "1.01"});
}

static void text_is_read_trimmed(void **state)
{
    EVAL_CHECK(state, {"CAST(' 12 ' AS INT)", "12"}, {"CAST('+12' AS BIGINT)", "12"},
               {"CAST('1.5' AS INT)", "error"}, {"CAST('2147483648' AS INT)", "error"},
               {"CAST('' AS INT)", "error"}, {"CAST(' 1.5e3 ' AS DOUBLE)", "1500.0"},
               {"CAST('x' AS DOUBLE)", "error"}, {"CAST('1e400' AS DOUBLE)", "Infinity"},
               {"CAST('--1' AS INT)", "error"}, {"CAST('+-1' AS INT)", "error"});
}

static void booleans_are_prefixes_of_true_and_yes(void **state)
{
    EVAL_CHECK(state, {"CAST(' TR ' AS BOOLEAN)", "true"}, {"CAST('y' AS BOOLEAN)", "true"},
               {"CAST('yesterday' AS BOOLEAN)", "false"}, {"CAST('' AS BOOLEAN)", "false"},
               {"CAST('no' AS BOOLEAN)", "false"}, {"CAST(TRUE AS STRING)", "true"});
}

static void bytes_are_base64(void **state)
{
    EVAL_CHECK(state, {"CAST('aGk=' AS BYTES) = TO_BYTES('hi', 'utf8')", "true"},
               {"CAST('!' AS BYTES)", "error"});
}

static void dates_and_times_convert(void **state)
{
    EVAL_CHECK(state, {"CAST(FROM_UNIXTIME(-1) AS DATE)", "1969-12-31"},
               {"CAST(FROM_UNIXTIME(-1) AS TIME)", "23:59:59"},
               {"CAST(FROM_DAYS(1) AS TIMESTAMP)", "1970-01-02T00:00:00.000"},
               {"CAST('2020-05' AS TIMESTAMP)", "2020-05-01T00:00:00.000"},
               {"CAST('x' AS DATE)", "error"}, {"CAST('25:00' AS TIME)", "error"});
}

static void nested_values_convert_member_by_member(void **state)
{
    EVAL_CHECK(state, {"CAST(ARRAY['1', '2'] AS ARRAY<INT>)", "[1, 2]"},
               {"CAST(ARRAY['x'] AS ARRAY<INT>)", "error"},
               {"CAST(MAP('1' := '2') AS MAP<INT, INT>)[1]", "2"},
               {"CAST(STRUCT(A := 1, B := 2) AS STRUCT<B STRING, C INT>)", "Struct{B=2}"},
               {"CAST(ARRAY[1, NULL] AS STRING)", "[1, null]"},
               {"CAST(MAP('01' := 1, '1' := 2) AS MAP<INT, INT>)", "{1=2}"});
}

static void casts_outside_the_matrix_are_refused(void **state)
{
    EVAL_CHECK(state, {"CAST(TRUE AS INT)", "error"}, {"CAST(1 AS BOOLEAN)", "error"},
               {"CAST('x' AS ARRAY<INT>)", "error"}, {"CAST(FROM_DAYS(0) AS TIME)", "error"});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(numbers_convert_as_java_does),
        arena_test(decimals_round_half_up_or_do_not_fit),
        arena_test(text_is_read_trimmed),
        arena_test(booleans_are_prefixes_of_true_and_yes),
        arena_test(bytes_are_base64),
        arena_test(dates_and_times_convert),
        arena_test(nested_values_convert_member_by_member),
        arena_test(casts_outside_the_matrix_are_refused),
    };
    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
