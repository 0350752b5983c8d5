#include "tests/support/arena_group.h"
#include "tests/support/eval_sql.h"

static void units_are_added(void **state)
{
    EVAL_CHECK(state, {"DATEADD(HOURS, 23, FROM_DAYS(1))", "1970-01-02"},
               {"DATEADD(HOURS, -1, FROM_DAYS(1))", "1970-01-01"},
               {"DATESUB(DAYS, 2, FROM_DAYS(1))", "1969-12-31"},
               {"DATEADD(MILLISECONDS, -1, FROM_DAYS(0))", "1970-01-01"},
               {"TIMEADD(HOURS, 25, PARSE_TIME('23:30', 'HH:mm'))", "00:30"},
               {"TIMESUB(MINUTES, 1, PARSE_TIME('00:00', 'HH:mm'))", "23:59"},
               {"TIMESTAMPADD(DAYS, 1, FROM_UNIXTIME(0))", "1970-01-02T00:00:00.000"},
               {"TIMESTAMPADD(DAYS, 2147483647, FROM_UNIXTIME(9223372036854775807))", "error"},
               {"TIMESTAMPSUB(DAYS, -2147483648, FROM_UNIXTIME(0)) > FROM_UNIXTIME(0)", "true"},
               {"TIMESTAMPADD(DAYS, CAST(NULL AS INT), FROM_UNIXTIME(0))", "null"});
}

static void zones_convert_at_one_instant(void **state)
{
    EVAL_CHECK(
        state,
        {"CONVERT_TZ(FROM_UNIXTIME(0), 'UTC', 'America/Los_Angeles')", "1969-12-31T16:00:00.000"},
        {"CONVERT_TZ(FROM_UNIXTIME(0), '+02:00', 'UTC-1')", "1969-12-31T21:00:00.000"},
        {"CONVERT_TZ(FROM_UNIXTIME(0), 'PST', 'UTC')", "error"},
        {"CONVERT_TZ(FROM_UNIXTIME(0), 'Mars/Base', 'UTC')", "error"},
        {"CONVERT_TZ(FROM_UNIXTIME(0), '', 'UTC')", "error"},
        {"CONVERT_TZ(FROM_UNIXTIME(0), 'EST', 'UTC')", "1970-01-01T05:00:00.000"});
}

static void dates_and_times_are_formatted_alone(void **state)
{
    EVAL_CHECK(state, {"FORMAT_DATE(FROM_DAYS(18263), 'yyyy-MM-dd')", "2020-01-02"},
               {"FORMAT_DATE(FROM_DAYS(18263), 'HH:mm')", "error"},
               {"FORMAT_TIME(PARSE_TIME('13:05:09.123', 'HH:mm:ss.SSS'), 'hh:mm:ss a SSS')",
                "01:05:09 PM 123"},
               {"FORMAT_TIME(PARSE_TIME('13:05', 'HH:mm'), 'yyyy')", "error"},
               {"DATETOSTRING(0, CAST(NULL AS STRING))", "null"},
               {"DATETOSTRING(CAST(NULL AS INT), 'yyyy')", "error"},
               {"TIMESTAMPTOSTRING(CAST(NULL AS BIGINT), 'yyyy')", "error"},
               {"TIMESTAMPTOSTRING(0, CAST(NULL AS STRING))", "null"},
               {"TIMESTAMPTOSTRING(0, 'yyyy', CAST(NULL AS STRING))", "null"});
}

static void parsing_needs_what_the_type_needs(void **state)
{
    EVAL_CHECK(
        state, {"PARSE_TIME('10', 'HH')", "10:00"}, {"PARSE_TIME('2020 10', 'yyyy HH')", "error"},
        {"PARSE_TIME('10', 'mm')", "error"}, {"STRINGTODATE('2020', 'yyyy')", "error"},
        {"STRINGTODATE('2020-060', 'yyyy-DDD')", "18321"},
        {"PARSE_TIMESTAMP('2020', 'yyyy')", "2020-01-01T00:00:00.000"},
        {"PARSE_TIMESTAMP('366', 'DDD')", "error"},
        {"PARSE_TIMESTAMP('10:00', 'HH:mm', 'Asia/Tokyo')", "1970-01-01T01:00:00.000"},
        {"PARSE_TIMESTAMP('1970-01-01 00:00 +01:00', 'yyyy-MM-dd HH:mm XXX', 'Asia/Tokyo')",
         "1969-12-31T23:00:00.000"},
        {"PARSE_TIMESTAMP('x', 'yyyy')", "error"}, {"PARSE_TIMESTAMP('2020', 'bbb')", "error"},
        {"STRINGTOTIMESTAMP(CAST(NULL AS STRING), 'yyyy')", "error"},
        {"PARSE_TIMESTAMP('2020', CAST(NULL AS STRING))", "null"});
}

/* As GregorianCalendar of an American locale decides: what was completed last counts. */
static void parse_date_reads_weeks_and_weekdays(void **state)
{
    EVAL_CHECK(state, {"PARSE_DATE('2020-10', 'yyyy-ww')", "2020-03-01"},
               {"PARSE_DATE('2020-10-3', 'YYYY-ww-u')", "2020-03-04"},
               {"PARSE_DATE('2020 1 Mon', 'yyyy w E')", "2019-12-30"},
               {"PARSE_DATE('2021 53 Sat', 'yyyy w E')", "2022-01-01"},
               {"PARSE_DATE('2020 60 1', 'yyyy w u')", "2021-02-15"},
               {"PARSE_DATE('2020 3 2', 'yyyy M W')", "2020-03-08"},
               {"PARSE_DATE('2020 3 2 Tue', 'yyyy M W E')", "2020-03-10"},
               {"PARSE_DATE('2020 11 0 1', 'yyyy MM W u')", "2020-10-26"},
               {"PARSE_DATE('2020 05 2', 'yyyy MM F')", "2020-05-10"},
               {"PARSE_DATE('2020 Tue', 'yyyy E')", "2020-01-07"},
               {"PARSE_DATE('2020 05 06 Mon', 'yyyy MM dd E')", "2020-05-06"},
               {"PARSE_DATE('2020 05 06 3', 'yyyy MM dd w')", "2020-05-06"},
               {"PARSE_DATE('2020 05 06 3 Mon', 'yyyy MM dd w E')", "2020-01-13"},
               {"PARSE_DATE('2020 33 05', 'yyyy D dd')", "2020-01-05"});
}

static void parse_date_is_lenient(void **state)
{
    EVAL_CHECK(state, {"PARSE_DATE('2020-06-31', 'yyyy-MM-dd')", "2020-07-01"},
               {"PARSE_DATE('2020-14-01', 'yyyy-MM-dd')", "2021-02-01"},
               {"PARSE_DATE('20200102', 'yyyyMMdd')", "2020-01-02"},
               {"PARSE_DATE('1 FEBRUARY 2020 and more', 'd MMM yyyy')", "2020-02-01"},
               {"PARSE_DATE('2/1/20', 'd/M/yy')", "2020-01-02"},
               {"PARSE_DATE('2020-01-02 10', 'yyyy-MM-dd HH')", "error"},
               {"PARSE_DATE('2020-01-02 24', 'yyyy-MM-dd HH')", "2020-01-03"},
               {"PARSE_DATE('it''s 2020', '''it''''s'' yyyy')", "2020-01-01"},
               {"PARSE_DATE('x', 'yyyy')", "error"}, {"PARSE_DATE('999999999', 'yyyy')", "error"},
               {"PARSE_DATE('2020', '')", "1970-01-01"},
               {"PARSE_DATE('2020-060', 'yyyy-DDD')", "2020-02-29"},
               {"PARSE_DATE('2020 33 05', 'yyyy D MM')", "2020-02-02"});
}

static void the_first_and_the_last_year_work(void **state)
{
    EVAL_CHECK(state, {"PARSE_TIMESTAMP('0001-01-01', 'yyyy-MM-dd')", "0001-01-01T00:00:00.000"},
               {"FORMAT_TIMESTAMP(PARSE_TIMESTAMP('9999-12-31 23:59:59.999', 'yyyy-MM-dd "
                "HH:mm:ss.SSS'), 'yyyy-MM-dd HH:mm:ss.SSS')",
                "9999-12-31 23:59:59.999"},
               {"PARSE_DATE('0001-01-01', 'yyyy-MM-dd')", "0001-01-01"},
               {"FORMAT_TIMESTAMP(FROM_UNIXTIME(-9223372036854775807), 'uuuu') IS NULL", "false"},
               {"FORMAT_TIMESTAMP(FROM_UNIXTIME(9223372036854775807), 'y', 'Asia/Tokyo') IS NULL",
                "false"},
               {"FORMAT_DATE(FROM_DAYS(-2147483648), 'y G')", "5877642 BC"},
               {"FROM_DAYS(CAST(NULL AS INT))", "error"});
}

static void patterns_may_change_from_row_to_row(void **state)
{
    EVAL_CHECK(state,
               {"TRANSFORM(ARRAY['yyyy', 'MM', 'yyyy'], p => FORMAT_DATE(FROM_DAYS(0), p))",
                "[1970, 01, 1970]"},
               {"TRANSFORM(ARRAY['UTC', 'Asia/Tokyo', 'UTC'], z => "
                "FORMAT_TIMESTAMP(FROM_UNIXTIME(0), 'HH', z))",
                "[00, 09, 00]"});
}

static void now_is_the_time_of_the_batch(void **state)
{
    EVAL_CHECK(state, {"UNIX_TIMESTAMP()", "1700000000000"},
               {"UNIX_DATE() BETWEEN 19674 AND 19676", "true"}, {"UNIX_DATE(FROM_DAYS(-1))", "-1"});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(parse_date_reads_weeks_and_weekdays),
        arena_test(units_are_added),
        arena_test(zones_convert_at_one_instant),
        arena_test(dates_and_times_are_formatted_alone),
        arena_test(parsing_needs_what_the_type_needs),
        arena_test(parse_date_is_lenient),
        arena_test(the_first_and_the_last_year_work),
        arena_test(patterns_may_change_from_row_to_row),
        arena_test(now_is_the_time_of_the_batch),
    };
    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
