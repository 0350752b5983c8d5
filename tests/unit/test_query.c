/*
 * What whole queries write, run inline by the engine.
 */
#include "tests/support/sql_engine.h"

#define ORDERS                                                                                     \
    "CREATE STREAM orders (k STRING KEY, item STRING, qty INT) "                                   \
    "WITH (KAFKA_TOPIC='orders', KEY_FORMAT='KAFKA', VALUE_FORMAT='JSON', PARTITIONS=1);"

static void query_filters_and_projects(void **state)
{
    SqlEngine e;

    sql_engine_open(&e, test_arena(state));
    sql_run(&e, ORDERS "CREATE STREAM big AS SELECT k, item, qty * 2 AS twice FROM orders "
                       "WHERE qty > 1 EMIT CHANGES;");
    sql_produce(&e, "orders", "a", "{\"ITEM\":\"x\",\"QTY\":1}", 10);
    sql_produce(&e, "orders", "b", "{\"ITEM\":\"y\",\"QTY\":2}", 20);
    sql_produce(&e, "orders", NULL, "{\"ITEM\":null,\"QTY\":3}", 30);
    sql_produce(&e, "orders", "d", NULL, 40);
    sql_idle(&e);
    sql_expect(&e, "BIG",
               "b={\"ITEM\":\"y\",\"TWICE\":4} @20\n"
               "null={\"ITEM\":null,\"TWICE\":6} @30\n");
    sql_engine_close(&e);
}

static void query_aggregates_through_the_exchange(void **state)
{
    SqlEngine e;

    sql_engine_open(&e, test_arena(state));
    sql_run(&e, ORDERS "CREATE TABLE totals AS SELECT item, COUNT(*) AS n, SUM(qty) AS q "
                       "FROM orders GROUP BY item EMIT CHANGES;");
    sql_produce(&e, "orders", "a", "{\"ITEM\":\"x\",\"QTY\":1}", 10);
    sql_produce(&e, "orders", "b", "{\"ITEM\":\"y\",\"QTY\":2}", 20);
    sql_produce(&e, "orders", "c", "{\"ITEM\":\"x\",\"QTY\":5}", 5);
    sql_produce(&e, "orders", "d", "{\"ITEM\":null,\"QTY\":5}", 40);
    sql_idle(&e);
    sql_expect(&e, "TOTALS",
               "x={\"N\":1,\"Q\":1} @10\n"
               "y={\"N\":1,\"Q\":2} @20\n"
               "x={\"N\":2,\"Q\":6} @10\n");
    sql_engine_close(&e);
}

/* Any 64-bit number is a timestamp, also those at the ends. */
static void query_reads_on_past_the_latest_timestamp(void **state)
{
    SqlEngine e;

    sql_engine_open(&e, test_arena(state));
    sql_run(&e, ORDERS "CREATE STREAM big AS SELECT k, qty FROM orders EMIT CHANGES;");
    sql_produce(&e, "orders", "a", "{\"QTY\":1}", INT64_MAX);
    sql_produce(&e, "orders", "b", "{\"QTY\":2}", 20);
    sql_idle(&e);
    sql_expect(&e, "BIG",
               "a={\"QTY\":1} @9223372036854775807\n"
               "b={\"QTY\":2} @20\n");
    sql_engine_close(&e);
}

/* One row must not keep its worker, and with it every query, busy for ever. */
static void query_counts_a_row_of_the_latest_timestamp(void **state)
{
    SqlEngine e;

    sql_engine_open(&e, test_arena(state));
    sql_run(&e,
            ORDERS "CREATE TABLE hops AS SELECT item, COUNT(*) AS n FROM orders WINDOW HOPPING "
                   "(SIZE 2 SECONDS, ADVANCE BY 1 SECOND) GROUP BY item EMIT CHANGES;"
                   "CREATE TABLE sessions AS SELECT item, COUNT(*) AS n FROM orders WINDOW SESSION "
                   "(2 SECONDS) GROUP BY item EMIT CHANGES;");
    sql_produce(&e, "orders", "a", "{\"ITEM\":\"x\",\"QTY\":1}", INT64_MAX - 1);
    sql_produce(&e, "orders", "a", "{\"ITEM\":\"x\",\"QTY\":1}", INT64_MAX);
    sql_idle(&e);
    assert_non_null(strstr(sql_topic(&e, "HOPS"), "{\"N\":2} @9223372036854775807\n"));
    assert_non_null(strstr(sql_topic(&e, "SESSIONS"), "{\"N\":2} @9223372036854775807\n"));
    sql_engine_close(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(query_filters_and_projects),
        arena_test(query_aggregates_through_the_exchange),
        arena_test(query_reads_on_past_the_latest_timestamp),
        arena_test(query_counts_a_row_of_the_latest_timestamp),
    };
    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
