/*
 * From records to rows: keys, headers, timestamps, and what is skipped.
 */
#include "tests/support/sql_engine.h"

static void run(SqlEngine *e, Arena *mem, const char *source, const char *select)
{
    sql_engine_open(e, mem);
    sql_run(e, source);
    sql_run(e, select);
}

static QueryHealth health_of(SqlEngine *e, const char *id)
{
    QueryHealth health;

    query_health(query_find(engine_runtime(e->engine), str_from(id)), &health);
    return health;
}

static void key_and_value_columns_may_be_declared_in_any_order(void **state)
{
    SqlEngine e;

    run(&e, test_arena(state),
        "CREATE STREAM s (a INT, k1 STRING KEY, b STRING, k2 INT KEY) "
        "WITH (KAFKA_TOPIC='s', FORMAT='DELIMITED', PARTITIONS=1);",
        "CREATE STREAM o WITH (VALUE_FORMAT='JSON') AS SELECT k1, k2, b, a FROM s EMIT CHANGES;");
    sql_produce(&e, "s", "x,7", "1,y", 10);
    sql_idle(&e);
    sql_expect(&e, "O", "x,7={\"B\":\"y\",\"A\":1} @10\n");
    sql_engine_close(&e);
}

static void undecodable_records_are_skipped_and_counted(void **state)
{
    SqlEngine e;

    run(&e, test_arena(state),
        "CREATE STREAM s (k INT KEY, a INT) WITH (KAFKA_TOPIC='s', FORMAT='JSON', PARTITIONS=1);",
        "CREATE STREAM o AS SELECT * FROM s EMIT CHANGES;");
    sql_produce(&e, "s", "1", "{\"A\":1}", 10);
    sql_produce(&e, "s", "1", "{\"A\":", 20);
    sql_produce(&e, "s", "x", "{\"A\":1}", 30);
    sql_produce(&e, "s", "2", "{\"A\":2}", 40);
    sql_idle(&e);
    sql_expect(&e, "O", "1={\"A\":1} @10\n2={\"A\":2} @40\n");
    assert_int_equal(health_of(&e, "CSAS_O_1").counters.skipped, 2);
    assert_int_equal(health_of(&e, "CSAS_O_1").counters.rows_in, 4);
    sql_engine_close(&e);
}

static void table_skips_records_without_key_and_a_stream_does_not(void **state)
{
    SqlEngine e;

    run(&e, test_arena(state),
        "CREATE TABLE t (k STRING PRIMARY KEY, a INT) WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JSON', "
        "PARTITIONS=1);"
        "CREATE STREAM s (k STRING KEY, a INT) WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JSON');",
        "CREATE TABLE o AS SELECT * FROM t EMIT CHANGES;"
        "CREATE STREAM p AS SELECT * FROM s EMIT CHANGES;");
    sql_produce(&e, "t", NULL, "{\"A\":1}", 10);
    sql_produce(&e, "t", "k", "{\"A\":2}", 20);
    sql_idle(&e);
    sql_expect(&e, "O", "k={\"A\":2} @20\n");
    sql_expect(&e, "P", "null={\"A\":1} @10\nk={\"A\":2} @20\n");
    sql_engine_close(&e);
}

static void timestamp_column_decides_and_a_bad_one_skips(void **state)
{
    SqlEngine e;

    run(&e, test_arena(state),
        "CREATE STREAM s (k STRING KEY, t BIGINT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', "
        "PARTITIONS=1, TIMESTAMP='t');",
        "CREATE STREAM o AS SELECT k, ROWTIME AS r FROM s EMIT CHANGES;");
    sql_produce(&e, "s", "a", "{\"T\":77}", 10);
    sql_produce(&e, "s", "b", "{\"T\":-1}", 20);
    sql_produce(&e, "s", "c", "{\"T\":null}", 30);
    sql_produce(&e, "s", "d", NULL, 40);
    sql_idle(&e);
    sql_expect(&e, "O", "a={\"R\":77} @77\n");
    assert_int_equal(health_of(&e, "CSAS_O_1").counters.skipped, 3);
    sql_engine_close(&e);
}

static void timestamp_that_must_be_valid_stops_the_query(void **state)
{
    SqlEngine e;

    sql_engine_init(&e, test_arena(state));
    sql_property(&e, "auto.offset.reset", "earliest");
    sql_property(&e, "ksql.timestamp.throw.on.invalid", "true");
    sql_engine_start(&e, NULL, true);
    sql_run(&e, "CREATE STREAM s (k STRING KEY, t BIGINT) WITH (KAFKA_TOPIC='s', "
                "VALUE_FORMAT='JSON', PARTITIONS=1, TIMESTAMP='t');"
                "CREATE STREAM o AS SELECT k, t FROM s EMIT CHANGES;");
    sql_produce(&e, "s", "a", "{\"T\":77}", 10);
    sql_produce(&e, "s", "b", "{\"T\":-1}", 20);
    sql_idle(&e);
    sql_expect(&e, "O", "a={\"T\":77} @77\n");
    assert_int_equal(health_of(&e, "CSAS_O_1").state, QUERY_STATE_FAILED);
    sql_engine_close(&e);
}

static void headers_are_columns(void **state)
{
    SqlEngine e;
    Buf       headers = {0};
    Record    record = {.key = STR("k"), .value = STR("{\"A\":1}"), .ts = 10};
    int64_t   offset;
    Err       err;

    run(&e, test_arena(state),
        "CREATE STREAM s (k STRING KEY, a INT, last BYTES HEADER('h')) WITH (KAFKA_TOPIC='s', "
        "VALUE_FORMAT='JSON', PARTITIONS=1);",
        "CREATE STREAM o AS SELECT k, FROM_BYTES(last, 'utf8') AS l FROM s EMIT CHANGES;");
    header_append(&headers, STR("h"), STR("one"));
    header_append(&headers, STR("h"), STR("two"));
    record.headers = buf_view(&headers);
    assert_int_equal(
        broker_produce_wait(engine_broker(e.engine), STR("s"), 0, &record, &offset, &err), ERR_OK);
    sql_idle(&e);
    sql_expect(&e, "O", "k={\"L\":\"two\"} @10\n");
    buf_deinit(&headers);
    sql_engine_close(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(key_and_value_columns_may_be_declared_in_any_order),
        arena_test(undecodable_records_are_skipped_and_counted),
        arena_test(table_skips_records_without_key_and_a_stream_does_not),
        arena_test(timestamp_column_decides_and_a_bad_one_skips),
        arena_test(timestamp_that_must_be_valid_stops_the_query),
        arena_test(headers_are_columns),
    };
    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
