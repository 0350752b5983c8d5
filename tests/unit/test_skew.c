/*
 * While a query catches up, its partitions advance together: no row is late, none sees the future.
 */
#include <stdio.h>
#include <unistd.h>

#include "tests/support/sql_engine.h"

enum { ROWS = 6000, ROWS_THREADED = 900, PARTITIONS = 3, STEP_MS = 100 };

#define SOURCE                                                                                     \
    "CREATE STREAM s (k STRING KEY, v INT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', "           \
    "PARTITIONS=3);"

/* Timestamps run through all partitions; a partition is read in batches of many windows. */
static void produce(SqlEngine *e, int rows)
{
    for (int i = 0; i < rows; i++) {
        char value[32];

        snprintf(value, sizeof value, "{\"V\":%d}", i % 7);
        sql_produce_to(e, "s", (uint32_t)(i % PARTITIONS), "k", value, (int64_t)i * STEP_MS);
    }
}

/* Every row that was in time made one update of a count. */
static int64_t rows_counted(SqlEngine *e, const char *topic)
{
    int64_t rows = 0;

    for (const char *at = sql_topic(e, topic); (at = strstr(at, "{\"N\":")); at++)
        rows++;
    return rows;
}

static void start(SqlEngine *e, Arena *mem, bool is_inline, const char *skew_ms)
{
    sql_engine_init(e, mem);
    sql_property(e, "auto.offset.reset", "earliest");
    sql_property(e, "cache.max.bytes.buffering", "0");
    if (skew_ms)
        sql_property(e, "weir.time.skew.max", skew_ms);
    sql_engine_start(e, NULL, is_inline);
}

static void no_row_is_late_without_grace_when_no_skew_is_allowed(void **state)
{
    SqlEngine e;

    start(&e, test_arena(state), true, "0");
    sql_run(&e, SOURCE);
    produce(&e, ROWS);
    sql_run(&e, "CREATE TABLE o AS SELECT v, COUNT(*) AS n FROM s WINDOW TUMBLING (SIZE 1 SECOND, "
                "GRACE PERIOD 0 SECONDS) GROUP BY v;");
    sql_idle(&e);
    assert_int_equal(rows_counted(&e, "O"), ROWS);
    sql_engine_close(&e);
}

static void no_row_is_late_when_grace_is_as_long_as_the_skew(void **state)
{
    SqlEngine e;

    start(&e, test_arena(state), true, NULL);
    sql_run(&e, SOURCE);
    produce(&e, ROWS);
    sql_run(&e, "CREATE TABLE o AS SELECT v, COUNT(*) AS n FROM s WINDOW TUMBLING (SIZE 1 SECOND, "
                "GRACE PERIOD 1 SECOND) GROUP BY v;");
    sql_idle(&e);
    assert_int_equal(rows_counted(&e, "O"), ROWS);
    sql_engine_close(&e);
}

/* Threads park and wake each other; two queries do it side by side. */
static void no_row_is_late_between_threads(void **state)
{
    SqlEngine e;

    start(&e, test_arena(state), false, "0");
    sql_run(&e, SOURCE);
    produce(&e, ROWS_THREADED);
    sql_run(&e, "CREATE TABLE o AS SELECT v, COUNT(*) AS n FROM s WINDOW TUMBLING (SIZE 1 SECOND, "
                "GRACE PERIOD 0 SECONDS) GROUP BY v;"
                "CREATE TABLE o2 AS SELECT v + 1 AS w, COUNT(*) AS n FROM s WINDOW TUMBLING (SIZE "
                "1 SECOND, GRACE PERIOD 0 SECONDS) GROUP BY v + 1;");
    for (int i = 0; i < 600; i++) {
        if (rows_counted(&e, "O") == ROWS_THREADED && rows_counted(&e, "O2") == ROWS_THREADED)
            break;
        usleep(50000);
    }
    assert_int_equal(rows_counted(&e, "O"), ROWS_THREADED);
    assert_int_equal(rows_counted(&e, "O2"), ROWS_THREADED);
    sql_engine_close(&e);
}

static void re_keyed_row_finds_the_table_as_it_was_then(void **state)
{
    SqlEngine e;

    start(&e, test_arena(state), true, "0");
    sql_run(&e, "CREATE STREAM l (k STRING KEY, id STRING) WITH (KAFKA_TOPIC='l', "
                "VALUE_FORMAT='JSON', PARTITIONS=1);"
                "CREATE TABLE r (id STRING PRIMARY KEY, w INT) WITH (KAFKA_TOPIC='r', "
                "VALUE_FORMAT='JSON', PARTITIONS=1);");
    for (int i = 1; i <= 4; i++) {
        char value[32];

        snprintf(value, sizeof value, "{\"W\":%d}", i * 10);
        sql_produce(&e, "l", "a", "{\"ID\":\"x\"}", i * 10 + 5);
        sql_produce(&e, "r", "x", value, i * 10);
    }
    sql_run(&e, "CREATE STREAM o AS SELECT l.id AS id, r.w FROM l JOIN r ON l.id = r.id;");
    sql_idle(&e);
    sql_expect(&e, "O",
               "x={\"W\":10} @15\n"
               "x={\"W\":20} @25\n"
               "x={\"W\":30} @35\n"
               "x={\"W\":40} @45\n");
    sql_engine_close(&e);
}

static void row_finds_what_was_written_to_the_table_at_its_time(void **state)
{
    SqlEngine e;

    sql_engine_open(&e, test_arena(state));
    sql_run(&e, "CREATE STREAM l (id STRING KEY, v INT) WITH (KAFKA_TOPIC='l', "
                "VALUE_FORMAT='JSON', PARTITIONS=1);"
                "CREATE TABLE r (id STRING PRIMARY KEY, w INT) WITH (KAFKA_TOPIC='r', "
                "VALUE_FORMAT='JSON', PARTITIONS=1);");
    sql_produce(&e, "l", "x", "{\"V\":1}", 5);
    sql_produce(&e, "l", "x", "{\"V\":2}", 7);
    sql_produce(&e, "r", "x", "{\"W\":1}", 5);
    sql_produce(&e, "r", "x", "{\"W\":2}", 7);
    sql_run(&e, "CREATE STREAM o AS SELECT l.id AS id, l.v AS v, r.w AS w FROM l JOIN r ON l.id = "
                "r.id;");
    sql_idle(&e);
    sql_expect(&e, "O",
               "x={\"V\":1,\"W\":1} @5\n"
               "x={\"V\":2,\"W\":2} @7\n");
    sql_engine_close(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(no_row_is_late_without_grace_when_no_skew_is_allowed),
        arena_test(no_row_is_late_when_grace_is_as_long_as_the_skew),
        arena_test(no_row_is_late_between_threads),
        arena_test(re_keyed_row_finds_the_table_as_it_was_then),
        arena_test(row_finds_what_was_written_to_the_table_at_its_time),
    };
    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
