#include "common/datetime.h"

#include "tests/support/text_is.h"

static Str date_text(Arena *arena, int64_t days)
{
    Buf out = buf_in(arena);

    datetime_print_date(&out, days);
    return buf_view(&out);
}

static Str time_text(Arena *arena, int64_t ms)
{
    Buf out = buf_in(arena);

    datetime_print_time(&out, ms);
    return buf_view(&out);
}

static Str timestamp_text(Arena *arena, int64_t ms)
{
    Buf out = buf_in(arena);

    datetime_print_timestamp(&out, ms);
    return buf_view(&out);
}

static int64_t timestamp_of(const char *text)
{
    int64_t ms = -1;
    Err     err;

    if (datetime_parse_timestamp(str_from(text), &ms, &err) != ERR_OK)
        fail_msg("%s", err.msg);
    return ms;
}

static int64_t date_of(const char *text)
{
    int64_t days = -1;
    Err     err;

    if (datetime_parse_date(str_from(text), &days, &err) != ERR_OK)
        fail_msg("%s", err.msg);
    return days;
}

static int64_t time_of(const char *text)
{
    int64_t ms = -1;
    Err     err;

    if (datetime_parse_time(str_from(text), &ms, &err) != ERR_OK)
        fail_msg("%s", err.msg);
    return ms;
}

static void datetime_counts_days_over_four_centuries(void **state)
{
    int64_t days = datetime_days_of(1600, 1, 1);

    (void)state;
    for (int64_t expected = days; expected < days + 2 * 146097; expected++) {
        int64_t year;
        int     month, day;

        datetime_civil_of(expected, &year, &month, &day);
        assert_in_range(month, 1, 12);
        assert_in_range(day, 1, 31);
        assert_int_equal(datetime_days_of(year, month, day), expected);
    }
}

static void datetime_knows_the_epoch_and_leap_days(void **state)
{
    (void)state;
    assert_int_equal(datetime_days_of(1970, 1, 1), 0);
    assert_int_equal(datetime_days_of(1969, 12, 31), -1);
    assert_int_equal(datetime_days_of(2000, 3, 1) - datetime_days_of(2000, 2, 28), 2);
    assert_int_equal(datetime_days_of(1900, 3, 1) - datetime_days_of(1900, 2, 28), 1);
    assert_int_equal(datetime_days_of(0, 1, 1), -719528);
}

static void datetime_prints_iso(void **state)
{
    Arena *arena = test_arena(state);

    assert_text(date_text(arena, 0), "1970-01-01");
    assert_text(date_text(arena, -1), "1969-12-31");
    assert_text(date_text(arena, datetime_days_of(9999, 12, 31)), "9999-12-31");
    assert_text(date_text(arena, datetime_days_of(10000, 1, 1)), "+10000-01-01");
    assert_text(date_text(arena, datetime_days_of(-1, 1, 1)), "-0001-01-01");
    assert_text(timestamp_text(arena, 0), "1970-01-01T00:00:00.000");
    assert_text(timestamp_text(arena, -1), "1969-12-31T23:59:59.999");
    assert_text(timestamp_text(arena, INT64_MIN), "-292275055-05-16T16:47:04.192");
    assert_text(timestamp_text(arena, INT64_MAX), "+292278994-08-17T07:12:55.807");
}

static void datetime_prints_times_as_short_as_can_be(void **state)
{
    Arena *arena = test_arena(state);

    assert_text(time_text(arena, 0), "00:00");
    assert_text(time_text(arena, 999), "00:00");
    assert_text(time_text(arena, 1000), "00:00:01");
    assert_text(time_text(arena, 3600000 * 13 + 60000 * 5), "13:05");
    assert_text(time_text(arena, MS_PER_DAY - 1), "23:59:59");
}

static void datetime_survives_days_of_any_size(void **state)
{
    Arena *arena = test_arena(state);

    assert_true(date_text(arena, INT64_MAX).len > 10);
    assert_true(date_text(arena, INT64_MIN).len > 10);
    assert_text(time_text(arena, MS_PER_DAY), "00:00");
    assert_text(time_text(arena, -1), "23:59:59");
}

static void datetime_pads_short_timestamps_with_the_earliest(void **state)
{
    (void)state;
    assert_int_equal(timestamp_of("1970"), 0);
    assert_int_equal(timestamp_of("1970-02"), 31 * INT64_C(86400000));
    assert_int_equal(timestamp_of("1970-01-02"), 86400000);
    assert_int_equal(timestamp_of("1970-01-01T01"), 3600000);
    assert_int_equal(timestamp_of("1970-01-01T01:01"), 3660000);
    assert_int_equal(timestamp_of("1970-01-01T01:01:01"), 3661000);
    assert_int_equal(timestamp_of("1970-01-01T00:00:00.5"), 500);
    assert_int_equal(timestamp_of("1970-01-01T00:00:00.123456789"), 123);
    assert_int_equal(timestamp_of(" 1970-01-01T00:00:00.001 "), 1);
    assert_int_equal(timestamp_of("1970-01-01T24"), 86400000);
    assert_int_equal(timestamp_of("1970-01-01T24:00:00"), 86400000);
}

static void datetime_subtracts_the_offset(void **state)
{
    (void)state;
    assert_int_equal(timestamp_of("1970-01-01T01:00Z"), 3600000);
    assert_int_equal(timestamp_of("1970-01-01T01:00+01:00"), 0);
    assert_int_equal(timestamp_of("1970-01-01T01:00+0100"), 0);
    assert_int_equal(timestamp_of("1970-01-01T01:00+01"), 0);
    assert_int_equal(timestamp_of("1969-12-31T23:30:00.000-00:30"), 0);
    assert_int_equal(timestamp_of("1970-01-01TZ"), 0);
    assert_int_equal(timestamp_of("1970-01-01T"), 0);
}

static void datetime_refuses_what_is_no_timestamp(void **state)
{
    static const char *const bad[] = {
        "",
        "x",
        "70",
        "1970-13",
        "1970-00",
        "1970-02-29",
        "1970-1-1",
        "1970-01-01Z",
        "1970-01-01+01:00",
        "1970Z",
        "1970-01T01:00",
        "1970-01-01T24:01",
        "1970-01-01T25",
        "1970-01-01T01:60",
        "1970-01-01T01:00:60",
        "1970-01-01T01:00:00.",
        "1970-01-01T01:00:00.1234567890",
        "1970-01-01T01:00+19:00",
        "1970-01-01T01:00+1",
        "1970-01-01T01:00ZZ",
        "1970-01-01 01:00",
        "19700101",
        "+1234567-01-01",
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        int64_t ms = 42;
        Err     err;

        assert_int_equal(datetime_parse_timestamp(str_from(bad[i]), &ms, &err), ERR_EVAL);
        assert_int_equal(ms, 42);
        assert_non_null(strstr(err.msg, "is no timestamp: expected yyyy-MM-ddTHH:mm:ss.SSS"));
    }
}

static void datetime_reads_dates_and_their_beginnings(void **state)
{
    int64_t days = 42;
    Err     err;

    (void)state;
    assert_int_equal(date_of("1970-01-02"), 1);
    assert_int_equal(date_of("1971"), 365);
    assert_int_equal(date_of("1970-02"), 31);
    assert_int_equal(date_of("2000-02-29"), datetime_days_of(2000, 2, 29));
    assert_int_equal(date_of("-0001-01-01"), datetime_days_of(-1, 1, 1));
    assert_int_equal(date_of("+10000-01-01"), datetime_days_of(10000, 1, 1));
    assert_int_equal(datetime_parse_date(STR("1970-01-01T"), &days, &err), ERR_EVAL);
    assert_int_equal(datetime_parse_date(STR("1900-02-29"), &days, &err), ERR_EVAL);
    assert_string_equal(err.msg,
                        "\"1900-02-29\" is no date: expected yyyy-MM-dd, or a beginning of it");
    assert_int_equal(days, 42);
}

static void datetime_reads_times(void **state)
{
    static const char *const bad[] = {
        "", "1", "10", "24:00", "10:", "10:5", "10:05:", "10:05Z", "-1:00"};

    (void)state;
    assert_int_equal(time_of("00:01"), 60000);
    assert_int_equal(time_of("23:59:59.999"), MS_PER_DAY - 1);
    assert_int_equal(time_of("00:00:00.1"), 100);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        int64_t ms = 42;
        Err     err;

        assert_int_equal(datetime_parse_time(str_from(bad[i]), &ms, &err), ERR_EVAL);
        assert_int_equal(ms, 42);
    }
}

static void datetime_reads_back_what_it_prints(void **state)
{
    Arena *arena = test_arena(state);

    for (int64_t ms = INT64_C(-62000000000000); ms < INT64_C(260000000000000);
         ms += INT64_C(123456789123)) {
        int64_t back = 0;
        Err     err;

        assert_int_equal(datetime_parse_timestamp(timestamp_text(arena, ms), &back, &err), ERR_OK);
        assert_int_equal(back, ms);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(datetime_counts_days_over_four_centuries),
        arena_test(datetime_knows_the_epoch_and_leap_days),
        arena_test(datetime_prints_iso),
        arena_test(datetime_prints_times_as_short_as_can_be),
        arena_test(datetime_survives_days_of_any_size),
        arena_test(datetime_pads_short_timestamps_with_the_earliest),
        arena_test(datetime_subtracts_the_offset),
        arena_test(datetime_refuses_what_is_no_timestamp),
        arena_test(datetime_reads_dates_and_their_beginnings),
        arena_test(datetime_reads_times),
        arena_test(datetime_reads_back_what_it_prints),
    };

    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
