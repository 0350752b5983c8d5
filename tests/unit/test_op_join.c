/*
 * Joins, as whole queries: which change makes which record.
 */
#include "tests/support/sql_engine.h"

#define TABLES                                                                                     \
    "CREATE TABLE l (k STRING PRIMARY KEY, a INT) WITH (KAFKA_TOPIC='l', VALUE_FORMAT='JSON', "    \
    "PARTITIONS=1);"                                                                               \
    "CREATE TABLE r (k STRING PRIMARY KEY, b INT) WITH (KAFKA_TOPIC='r', VALUE_FORMAT='JSON', "    \
    "PARTITIONS=1);"
#define STREAMS                                                                                    \
    "CREATE STREAM l (k STRING KEY, a INT) WITH (KAFKA_TOPIC='l', VALUE_FORMAT='JSON', "           \
    "PARTITIONS=1);"                                                                               \
    "CREATE STREAM r (k STRING KEY, b INT) WITH (KAFKA_TOPIC='r', VALUE_FORMAT='JSON', "           \
    "PARTITIONS=1);"

/* One record at a time, each through the whole query. */
static void put(SqlEngine *e, const char *topic, const char *key, const char *value, int64_t ts)
{
    sql_produce(e, topic, key, value, ts);
    sql_idle(e);
}

static void open_join(SqlEngine *e, void **state, const char *sources, const char *sql)
{
    sql_engine_open(e, test_arena(state));
    sql_run(e, sources);
    sql_run(e, sql);
}

static void inner_join_of_tables_deletes_when_a_side_goes(void **state)
{
    SqlEngine e;

    open_join(&e, state, TABLES,
              "CREATE TABLE o AS SELECT l.k AS k, a, b FROM l JOIN r ON l.k = r.k EMIT CHANGES;");
    put(&e, "l", "x", "{\"A\":1}", 10);
    put(&e, "r", "x", "{\"B\":2}", 20);
    put(&e, "l", "x", "{\"A\":3}", 15);
    put(&e, "r", "x", NULL, 30);
    put(&e, "l", "x", NULL, 40);
    sql_expect(&e, "O", "x={\"A\":1,\"B\":2} @20\nx={\"A\":3,\"B\":2} @20\nx=null @30\n");
    sql_engine_close(&e);
}

static void left_join_of_tables_keeps_the_left_row(void **state)
{
    SqlEngine e;

    open_join(&e, state, TABLES,
              "CREATE TABLE o AS SELECT l.k AS k, a, b FROM l LEFT JOIN r ON l.k = r.k EMIT "
              "CHANGES;");
    put(&e, "r", "y", "{\"B\":9}", 5);
    put(&e, "l", "x", "{\"A\":1}", 10);
    put(&e, "r", "x", "{\"B\":2}", 20);
    put(&e, "r", "x", NULL, 30);
    put(&e, "l", "x", NULL, 40);
    put(&e, "l", "x", NULL, 50);
    sql_expect(&e, "O",
               "x={\"A\":1,\"B\":null} @10\nx={\"A\":1,\"B\":2} @20\nx={\"A\":1,\"B\":null} @30\n"
               "x=null @40\n");
    sql_engine_close(&e);
}

static void full_join_of_tables_has_any_side(void **state)
{
    SqlEngine e;

    open_join(&e, state, TABLES,
              "CREATE TABLE o AS SELECT ROWKEY AS k, a, b FROM l FULL OUTER JOIN r ON l.k = r.k "
              "EMIT CHANGES;");
    put(&e, "r", "x", "{\"B\":2}", 20);
    put(&e, "l", "x", "{\"A\":1}", 10);
    put(&e, "r", "x", NULL, 30);
    put(&e, "l", "x", NULL, 40);
    sql_expect(&e, "O",
               "x={\"A\":null,\"B\":2} @20\nx={\"A\":1,\"B\":2} @20\nx={\"A\":1,\"B\":null} @30\n"
               "x=null @40\n");
    sql_engine_close(&e);
}

static void stream_meets_the_table_as_it_is(void **state)
{
    SqlEngine e;

    open_join(&e, state,
              "CREATE STREAM l (k STRING KEY, a INT) WITH (KAFKA_TOPIC='l', VALUE_FORMAT='JSON', "
              "PARTITIONS=1);"
              "CREATE TABLE r (k STRING PRIMARY KEY, b INT) WITH (KAFKA_TOPIC='r', "
              "VALUE_FORMAT='JSON', PARTITIONS=1);",
              "CREATE STREAM o AS SELECT l.k AS k, a, b FROM l LEFT JOIN r ON l.k = r.k EMIT "
              "CHANGES;");
    put(&e, "l", "x", "{\"A\":1}", 10);
    put(&e, "r", "x", "{\"B\":2}", 20);
    put(&e, "l", "x", "{\"A\":3}", 30);
    put(&e, "l", "x", NULL, 40);
    put(&e, "r", "x", NULL, 50);
    put(&e, "l", "x", "{\"A\":4}", 60);
    sql_expect(&e, "O",
               "x={\"A\":1,\"B\":null} @10\nx={\"A\":3,\"B\":2} @30\nx={\"A\":4,\"B\":null} @60\n");
    sql_engine_close(&e);
}

static void streams_meet_within_their_reach(void **state)
{
    SqlEngine e;

    open_join(&e, state, STREAMS,
              "CREATE STREAM o AS SELECT l.k AS k, a, b FROM l JOIN r WITHIN (5 MILLISECONDS, 10 "
              "MILLISECONDS) ON l.k = r.k EMIT CHANGES;");
    put(&e, "l", "x", "{\"A\":1}", 100);
    put(&e, "r", "x", "{\"B\":1}", 95);
    put(&e, "r", "x", "{\"B\":2}", 94);
    put(&e, "r", "x", "{\"B\":3}", 110);
    put(&e, "r", "x", "{\"B\":4}", 111);
    put(&e, "r", "y", "{\"B\":5}", 100);
    put(&e, "l", "x", "{\"A\":2}", 101);
    sql_expect(&e, "O",
               "x={\"A\":1,\"B\":1} @100\nx={\"A\":1,\"B\":3} @110\n"
               "x={\"A\":2,\"B\":3} @110\nx={\"A\":2,\"B\":4} @111\n");
    sql_engine_close(&e);
}

static void lonely_event_waits_for_the_grace(void **state)
{
    SqlEngine e;

    open_join(&e, state, STREAMS,
              "CREATE STREAM o AS SELECT l.k AS k, a, b FROM l LEFT JOIN r WITHIN 10 MILLISECONDS "
              "GRACE PERIOD 5 MILLISECONDS ON l.k = r.k EMIT CHANGES;");
    put(&e, "l", "x", "{\"A\":1}", 100);
    put(&e, "l", "y", "{\"A\":2}", 101);
    put(&e, "r", "y", "{\"B\":2}", 105);
    put(&e, "r", "z", "{\"B\":3}", 115);
    sql_expect(&e, "O", "y={\"A\":2,\"B\":2} @105\n");
    put(&e, "r", "z", "{\"B\":4}", 116);
    sql_expect(&e, "O", "y={\"A\":2,\"B\":2} @105\nx={\"A\":1,\"B\":null} @100\n");
    sql_engine_close(&e);
}

static void lonely_event_without_grace_goes_at_once(void **state)
{
    SqlEngine e;

    open_join(&e, state, STREAMS,
              "CREATE STREAM o AS SELECT l.k AS k, a, b FROM l LEFT JOIN r WITHIN 10 MILLISECONDS "
              "ON l.k = r.k EMIT CHANGES;");
    put(&e, "l", "x", "{\"A\":1}", 100);
    put(&e, "r", "x", "{\"B\":2}", 105);
    sql_expect(&e, "O", "x={\"A\":1,\"B\":null} @100\nx={\"A\":1,\"B\":2} @105\n");
    sql_engine_close(&e);
}

static void foreign_key_join_follows_both_sides(void **state)
{
    SqlEngine e;

    open_join(&e, state,
              "CREATE TABLE l (k STRING PRIMARY KEY, f STRING) WITH (KAFKA_TOPIC='l', "
              "VALUE_FORMAT='JSON', PARTITIONS=1);"
              "CREATE TABLE r (k STRING PRIMARY KEY, b INT) WITH (KAFKA_TOPIC='r', "
              "VALUE_FORMAT='JSON', PARTITIONS=1);",
              "CREATE TABLE o AS SELECT l.k AS k, f, b FROM l JOIN r ON l.f = r.k EMIT CHANGES;");
    put(&e, "l", "2", "{\"F\":\"x\"}", 10);
    put(&e, "l", "1", "{\"F\":\"x\"}", 11);
    put(&e, "r", "x", "{\"B\":7}", 20);
    put(&e, "l", "1", "{\"F\":\"nowhere\"}", 30);
    put(&e, "r", "x", NULL, 40);
    put(&e, "l", "2", NULL, 50);
    put(&e, "l", "3", NULL, 60);
    sql_expect(&e, "O",
               "1={\"F\":\"x\",\"B\":7} @20\n2={\"F\":\"x\",\"B\":7} @20\n1=null @30\n2=null @40\n"
               "2=null @50\n");
    sql_engine_close(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(inner_join_of_tables_deletes_when_a_side_goes),
        arena_test(left_join_of_tables_keeps_the_left_row),
        arena_test(full_join_of_tables_has_any_side),
        arena_test(stream_meets_the_table_as_it_is),
        arena_test(streams_meet_within_their_reach),
        arena_test(lonely_event_waits_for_the_grace),
        arena_test(lonely_event_without_grace_goes_at_once),
        arena_test(foreign_key_join_follows_both_sides),
    };
    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
