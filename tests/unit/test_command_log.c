/* test_command_log.c -- what was accepted reads back as it was. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "server/command_log.h"

static void command_round_trips(void **state)
{
    const int64_t         offsets[] = {0, 9007199254740993};
    const CommandTopic    topics[] = {{STR("orders"), 2}, {STR("sink\"x"), 4}};
    const CommandScan     scans[] = {{STR("orders"), STR("an id"), offsets, 2}};
    const CommandProperty props[] = {{STR("auto.offset.reset"), STR("earliest")}};
    const Command         in = {
                .id = STR("stream/`S`/create"),
                .statement = STR("CREATE STREAM S AS SELECT 'x\n' FROM A;"),
                .query_id = STR("CSAS_S_3"),
                .number = 3,
                .time_ms = 1700000000123,
                .props = props,
                .props_len = 1,
                .topics = topics,
                .topics_len = 2,
                .scans = scans,
                .scans_len = 1,
    };
    Buf     key = {0}, value = {0};
    Arena  *mem = arena_new(0);
    Command out;
    Record  record;
    Err     err;

    (void)state;
    command_encode(&key, &value, &in);
    record = (Record){.key = buf_view(&key), .value = buf_view(&value)};
    assert_int_equal(command_decode(mem, &record, &out, &err), ERR_OK);
    assert_true(str_eq(out.id, in.id));
    assert_true(str_eq(out.statement, in.statement));
    assert_true(str_eq(out.query_id, in.query_id));
    assert_int_equal(out.number, 3);
    assert_int_equal(out.time_ms, in.time_ms);
    assert_int_equal(out.props_len, 1);
    assert_true(str_eq(out.props[0].value, STR("earliest")));
    assert_int_equal(out.scans_len, 1);
    assert_true(str_eq(out.scans[0].topic, STR("orders")));
    assert_true(str_eq(out.scans[0].topic_id, STR("an id")));
    assert_int_equal(out.scans[0].partitions, 2);
    assert_int_equal(out.scans[0].offsets[1], 9007199254740993);
    assert_int_equal(command_topic(&out, STR("sink\"x"))->partitions, 4);
    assert_null(command_topic(&out, STR("other")));
    buf_deinit(&key);
    buf_deinit(&value);
    arena_free(mem);
}

static void foreign_records_are_refused_by_name(void **state)
{
    static const char *const values[] = {
        "",
        "hello",
        "{\"statement\":\"x\"}",
        "{\"weir\":1}",
        "{\"weir\":99,\"statement\":\"x\"}",
        "{\"weir\":1,\"statement\":\"x\",\"number\":1,\"properties\":{},\"topics\":{\"a\":1},"
        "\"scans\":[{\"topic\":\"a\",\"offsets\":[\"x\"]}]}",
        "{\"weir\":1,\"statement\":\"x\",\"number\":1,\"properties\":{\"a\":1},\"topics\":{},"
        "\"scans\":[]}",
    };
    Arena *mem = arena_new(0);

    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        Record  record = {.key = STR("k"), .value = str_from(values[i]), .offset = 7};
        Command out;
        Err     err;

        assert_int_equal(command_decode(mem, &record, &out, &err), ERR_STATE);
        assert_non_null(strstr(err.msg, "record 7 of the command topic"));
    }
    arena_free(mem);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(command_round_trips),
        cmocka_unit_test(foreign_records_are_refused_by_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
