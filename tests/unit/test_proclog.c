/*
 * Entries of the processing log, and how many of them there may be.
 */
#include "exec/brokers/broker_local.h"
#include "exec/proclog.h"
#include "tests/support/arena_group.h"

typedef struct World {
    Clock       clock;
    Broker     *broker;
    ProcLog    *log;
    ProcLogger *logger;
} World;

static void open_world(World *w, bool has_rows)
{
    BrokerLocalOpts opts = {
        .path = ":memory:", .clock = &w->clock, .is_inline = true, .data_bytes_max = -1};
    TopicSpec spec = {.name = STR("log"), .partitions = 1, .replicas = -1, .retention_ms = -1};
    Err       err;

    clock_fake_init(&w->clock, 5000);
    assert_int_equal(broker_local_open(&opts, &w->broker, &err), ERR_OK);
    assert_int_equal(broker_topic_create(w->broker, &spec, &err), ERR_OK);
    w->log = proclog_new(w->broker, &w->clock, STR("log"));
    w->logger = proclogger_new(w->log, STR("CSAS_A_1"), has_rows);
}

static void close_world(World *w)
{
    proclog_free(w->log);
    broker_close(w->broker);
}

static void no_wake(void *arg)
{
    (void)arg;
}

/* The entries in order, a line each. */
static const char *entries(World *w, Arena *mem)
{
    Buf           out = buf_in(mem);
    BrokerReader *reader;
    RecordBatch  *records;
    int64_t       position, end;
    Err           err;

    assert_int_equal(
        broker_reader_open(w->broker, STR("log"), 0, 0, (BrokerWake){no_wake, NULL}, &reader, &err),
        ERR_OK);
    for (;;) {
        assert_int_equal(broker_reader_poll(reader, 1 << 20, &records, &position, &end, &err),
                         ERR_OK);
        if (!records)
            break;
        for (uint32_t i = 0; i < records->len; i++)
            buf_printf(&out, "%.*s\n", STR_ARG(records->records[i].value));
        record_batch_unref(records);
    }
    broker_reader_close(reader);
    buf_put(&out, 0);
    return out.ptr;
}

static Err some_error(const char *what)
{
    Err err;

    (void)err_set(&err, ERR_EVAL, "%s", what);
    return err;
}

static void undecodable_record_is_named_with_its_place(void **state)
{
    World      w;
    Err        err = some_error("malformed \"JSON\"");
    ProcRecord record = {.step = "KsqlTopic",
                         .topic = STR("orders"),
                         .partition = 3,
                         .offset = 42,
                         .bytes = STR("xy")};

    open_world(&w, true);
    proclog_deserialization(w.logger, &record, &err);
    assert_string_equal(
        entries(&w, test_arena(state)),
        "{\"level\":\"ERROR\",\"logger\":\"processing.CSAS_A_1.KsqlTopic\",\"time\":5000,"
        "\"message\":{\"type\":0,\"deserializationError\":{\"target\":\"value\","
        "\"errorMessage\":\"malformed \\\"JSON\\\"\",\"recordB64\":\"eHk=\",\"cause\":[],"
        "\"topic\":\"orders\",\"partition\":3,\"offset\":42},\"recordProcessingError\":null,"
        "\"productionError\":null,\"serializationError\":null,\"kafkaStreamsThreadError\":null}}"
        "\n");
    proclogger_free(w.logger);
    close_world(&w);
}

static void rows_are_left_out_unless_asked_for(void **state)
{
    World w;
    Err   err = some_error("division by zero");

    open_world(&w, false);
    proclog_record(w.logger, "Project", STR("secret"), &err);
    assert_null(strstr(entries(&w, test_arena(state)), "secret"));
    assert_non_null(strstr(entries(&w, test_arena(state)), "division by zero"));
    proclogger_free(w.logger);
    close_world(&w);
}

static int count_lines(const char *text)
{
    int len = 0;

    while ((text = strchr(text, '\n'))) {
        text++;
        len++;
    }
    return len;
}

static void entries_beyond_the_burst_are_counted(void **state)
{
    World w;
    Err   err = some_error("division by zero");

    open_world(&w, false);
    for (int i = 0; i < PROCLOG_BURST + 30; i++)
        proclog_record(w.logger, "Project", STR_NULL, &err);
    assert_int_equal(count_lines(entries(&w, test_arena(state))), PROCLOG_BURST);
    assert_int_equal(proclogger_errors(w.logger), PROCLOG_BURST + 30);
    clock_fake_set(&w.clock, 6000);
    proclog_record(w.logger, "Project", STR_NULL, &err);
    assert_int_equal(count_lines(entries(&w, test_arena(state))), PROCLOG_BURST + 2);
    assert_non_null(strstr(entries(&w, test_arena(state)), "30 entries were left out"));
    proclogger_free(w.logger);
    close_world(&w);
}

static void count_is_told_in_the_next_second_without_another_entry(void **state)
{
    World w;
    Err   err = some_error("division by zero");

    open_world(&w, false);
    clock_fake_set(&w.clock, 5200);
    assert_int_equal(proclogger_due_ms(w.logger), INT64_MAX);
    for (int i = 0; i < PROCLOG_BURST + 9; i++)
        proclog_record(w.logger, "Project", STR_NULL, &err);
    assert_int_equal(proclogger_due_ms(w.logger), 6000);
    proclogger_tell(w.logger);
    assert_int_equal(count_lines(entries(&w, test_arena(state))), PROCLOG_BURST);
    clock_fake_set(&w.clock, 6000);
    proclogger_tell(w.logger);
    assert_non_null(strstr(entries(&w, test_arena(state)), "9 entries were left out"));
    assert_int_equal(proclogger_due_ms(w.logger), INT64_MAX);
    proclogger_free(w.logger);
    close_world(&w);
}

static void the_last_count_is_told_at_the_end(void **state)
{
    World w;
    Err   err = some_error("division by zero");

    open_world(&w, false);
    for (int i = 0; i < PROCLOG_BURST + 7; i++)
        proclog_record(w.logger, "Project", STR_NULL, &err);
    proclogger_free(w.logger);
    assert_non_null(strstr(entries(&w, test_arena(state)), "7 entries were left out"));
    close_world(&w);
}

static void a_missing_topic_harms_nobody(void **state)
{
    World w;
    Err   err = some_error("division by zero");

    (void)state;
    open_world(&w, false);
    assert_int_equal(broker_topic_delete(w.broker, STR("log"), &err), ERR_OK);
    proclog_record(w.logger, "Project", STR_NULL, &err);
    proclog_record(NULL, "Project", STR_NULL, &err);
    proclogger_free(w.logger);
    close_world(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(undecodable_record_is_named_with_its_place),
        arena_test(rows_are_left_out_unless_asked_for),
        arena_test(entries_beyond_the_burst_are_counted),
        arena_test(count_is_told_in_the_next_second_without_another_entry),
        arena_test(the_last_count_is_told_at_the_end),
        arena_test(a_missing_topic_harms_nobody),
    };
    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
