#include "exec/timestamp.h"
#include "tests/support/arena_group.h"

static TimestampReader *open_reader(Arena *mem, const char *format)
{
    TimestampSpec    spec = {.column = 0, .format = str_from(format)};
    TimestampReader *reader;
    Err              err;

    if (timestamp_open(mem, &spec, &reader, &err) != ERR_OK)
        fail_msg("%s", err.msg);
    return reader;
}

static void numbers_and_timestamps_are_milliseconds(void **state)
{
    TimestampReader *reader = open_reader(test_arena(state), NULL);
    int64_t          ms;
    Err              err;

    assert_int_equal(timestamp_of_value(reader, value_bigint(1234), &ms, &err), ERR_OK);
    assert_int_equal(ms, 1234);
    assert_int_equal(timestamp_of_value(reader, value_time(T_TIMESTAMP, 5), &ms, &err), ERR_OK);
    assert_int_equal(ms, 5);
    timestamp_close(reader);
}

static void text_is_read_as_utc(void **state)
{
    TimestampReader *reader = open_reader(test_arena(state), NULL);
    int64_t          ms;
    Err              err;

    assert_int_equal(
        timestamp_of_value(reader, value_str(STR("1970-01-02T00:00:00.001")), &ms, &err), ERR_OK);
    assert_int_equal(ms, 86400001);
    timestamp_close(reader);
}

static void text_is_read_by_its_format(void **state)
{
    TimestampReader *reader = open_reader(test_arena(state), "dd/MM/yyyy HH:mm X");
    int64_t          ms;
    Err              err;

    assert_int_equal(timestamp_of_value(reader, value_str(STR("02/01/1970 01:00 +01")), &ms, &err),
                     ERR_OK);
    assert_int_equal(ms, 86400000);
    assert_int_equal(timestamp_of_value(reader, value_str(STR("1970-01-02")), &ms, &err), ERR_EVAL);
    timestamp_close(reader);
}

static void null_negative_and_nonsense_are_no_timestamps(void **state)
{
    TimestampReader *reader = open_reader(test_arena(state), NULL);
    int64_t          ms = 7;
    Err              err;

    assert_int_equal(timestamp_of_value(reader, value_null(), &ms, &err), ERR_EVAL);
    assert_string_equal(err.msg, "timestamp column is null");
    assert_int_equal(timestamp_of_value(reader, value_bigint(-1), &ms, &err), ERR_EVAL);
    assert_string_equal(err.msg, "timestamp column is negative: -1");
    assert_int_equal(timestamp_of_value(reader, value_str(STR("soon")), &ms, &err), ERR_EVAL);
    assert_int_equal(ms, 7);
    timestamp_close(reader);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(numbers_and_timestamps_are_milliseconds),
        arena_test(text_is_read_as_utc),
        arena_test(text_is_read_by_its_format),
        arena_test(null_negative_and_nonsense_are_no_timestamps),
    };
    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
