/*
 * Threads: queries come and go, pause and fail while data flows.
 */
#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <time.h>

#include "common/limit.h"
#include "tests/support/fault.h"
#include "tests/support/sql_engine.h"

#define ORDERS                                                                                     \
    "CREATE STREAM orders (k STRING KEY, item STRING, qty INT) "                                   \
    "WITH (KAFKA_TOPIC='orders', KEY_FORMAT='KAFKA', VALUE_FORMAT='JSON', PARTITIONS=4);"

static void open_threaded(SqlEngine *e, Arena *mem)
{
    sql_engine_init(e, mem);
    sql_property(e, "auto.offset.reset", "earliest");
    sql_engine_start(e, NULL, false);
}

static void produce(SqlEngine *e, int from, int to)
{
    for (int i = from; i < to; i++) {
        char value[64];

        snprintf(value, sizeof value, "{\"ITEM\":\"i%d\",\"QTY\":%d}", i % 5, i);
        sql_produce_to(e, "orders", (uint32_t)i % 4, "k", value, i);
    }
}

static Query *query_of(SqlEngine *e, const char *id)
{
    Query *query = query_find(engine_runtime(e->engine), str_from(id));

    if (!query)
        fail_msg("no query %s", id);
    return query;
}

static void catch_up(SqlEngine *e, const char *id)
{
    Err err;

    if (query_catch_up(query_of(e, id), 20000, &err) != ERR_OK)
        fail_msg("%s", err.msg);
}

/* The id of the query that writes the source. */
static const char *writer_of(SqlEngine *e, const char *sink)
{
    Catalog    *catalog = engine_catalog(e->engine);
    const char *id = NULL;

    for (size_t i = 0; i < catalog_queries_len(catalog); i++) {
        const CatalogQuery *query = catalog_query_at(catalog, i);

        if (str_eq(query->sink, str_from(sink)))
            id = str_to_c(e->mem, query->id);
    }
    catalog_unref(catalog);
    assert_non_null(id);
    return id;
}

static size_t count_records(SqlEngine *e, const char *topic)
{
    size_t len = 0;

    for (const char *at = sql_topic(e, topic); (at = strchr(at, '\n')); at++)
        len++;
    return len;
}

static void queries_come_and_go_while_data_flows(void **state)
{
    SqlEngine e;
    char      sql[200];

    open_threaded(&e, test_arena(state));
    sql_run(&e, ORDERS);
    for (int i = 0; i < 8; i++) {
        snprintf(sql, sizeof sql, "CREATE STREAM s%d AS SELECT k, qty FROM orders EMIT CHANGES;",
                 i);
        sql_run(&e, sql);
        snprintf(sql, sizeof sql,
                 "CREATE TABLE t%d AS SELECT item, COUNT(*) AS n FROM orders GROUP BY item EMIT "
                 "CHANGES;",
                 i);
        sql_run(&e, sql);
        produce(&e, i * 50, i * 50 + 50);
        if (i % 2) {
            snprintf(sql, sizeof sql, "DROP TABLE t%d; DROP STREAM s%d;", i, i);
            sql_run(&e, sql);
        }
    }
    catch_up(&e, writer_of(&e, "S0"));
    catch_up(&e, writer_of(&e, "S6"));
    assert_int_equal(count_records(&e, "S0"), 400);
    assert_int_equal(count_records(&e, "S6"), 400);
    sql_engine_close(&e);
}

static void paused_query_reads_nothing_and_goes_on_where_it_stood(void **state)
{
    SqlEngine   e;
    QueryHealth health;

    open_threaded(&e, test_arena(state));
    sql_run(&e, ORDERS "CREATE STREAM s AS SELECT k, qty FROM orders EMIT CHANGES;"
                       "CREATE STREAM other AS SELECT k, qty FROM orders EMIT CHANGES;");
    produce(&e, 0, 100);
    catch_up(&e, "CSAS_S_1");
    sql_run(&e, "PAUSE CSAS_S_1;");
    produce(&e, 100, 200);
    catch_up(&e, "CSAS_OTHER_2");
    query_health(query_of(&e, "CSAS_S_1"), &health);
    assert_int_equal(health.state, QUERY_STATE_PAUSED);
    assert_int_equal(count_records(&e, "S"), 100);
    sql_run(&e, "RESUME CSAS_S_1;");
    catch_up(&e, "CSAS_S_1");
    assert_int_equal(count_records(&e, "S"), 200);
    sql_engine_close(&e);
}

static void aborted_epochs_lose_and_repeat_nothing(void **state)
{
    SqlEngine     e;
    RuntimeHealth health;

    fault_reset();
    open_threaded(&e, test_arena(state));
    sql_run(&e, ORDERS "CREATE STREAM s AS SELECT k, qty FROM orders EMIT CHANGES;"
                       "CREATE TABLE t AS SELECT item, COUNT(*) AS n, SUM(qty) AS q FROM orders "
                       "GROUP BY item EMIT CHANGES;");
    for (int i = 0; i < 5; i++) {
        fault_arm(FAULT_TXN_COMMIT, i % 2 ? FAULT_RETRY : FAULT_FAIL, 1);
        produce(&e, i * 200, i * 200 + 200);
    }
    catch_up(&e, "CSAS_S_1");
    catch_up(&e, "CTAS_T_2");
    runtime_health(engine_runtime(e.engine), &health);
    assert_true(health.aborts >= 1);
    assert_int_equal(count_records(&e, "S"), 1000);
    assert_non_null(strstr(sql_topic(&e, "T"), "i4={\"N\":200,\"Q\":100300}"));
    sql_engine_close(&e);
    fault_reset();
}

/* A cluster may have records for a reader before the query's other readers are open. */
static void query_woken_while_it_starts_loses_nothing(void **state)
{
    SqlEngine e;

    fault_reset();
    open_threaded(&e, test_arena(state));
    sql_run(&e, ORDERS);
    produce(&e, 0, 200);
    fault_arm_always(FAULT_READER_OPEN, FAULT_WAKE, 1);
    sql_run(&e, "CREATE STREAM s AS SELECT k, qty FROM orders EMIT CHANGES;");
    fault_reset();
    catch_up(&e, "CSAS_S_1");
    assert_int_equal(count_records(&e, "S"), 200);
    sql_engine_close(&e);
}

static void backlog_larger_than_an_epoch_is_read_to_its_end(void **state)
{
    int64_t   queue_bytes = g_limits.chunk_queue_bytes;
    SqlEngine e;

    g_limits.chunk_queue_bytes = 4096;
    open_threaded(&e, test_arena(state));
    sql_run(&e, ORDERS);
    produce(&e, 0, 4000);
    sql_run(&e, "CREATE STREAM s AS SELECT k, qty FROM orders EMIT CHANGES;"
                "CREATE STREAM s2 AS SELECT k, qty FROM orders EMIT CHANGES;");
    catch_up(&e, "CSAS_S_1");
    catch_up(&e, "CSAS_S2_2");
    assert_int_equal(count_records(&e, "S"), 4000);
    assert_int_equal(count_records(&e, "S2"), 4000);
    sql_engine_close(&e);
    g_limits.chunk_queue_bytes = queue_bytes;
}

/* The process has more in memory all the time: each epoch is as small as it can be. */
static void backlog_is_read_to_its_end_in_hardly_any_memory(void **state)
{
    int64_t       memory_bytes = g_limits.memory_bytes;
    RuntimeMemory memory;
    SqlEngine     e;

    g_limits.memory_bytes = 16;
    open_threaded(&e, test_arena(state));
    sql_run(&e, ORDERS);
    produce(&e, 0, 2000);
    sql_run(&e, "CREATE STREAM s AS SELECT k, qty FROM orders EMIT CHANGES;"
                "CREATE TABLE t AS SELECT item, COUNT(*) FROM orders GROUP BY item EMIT CHANGES;");
    catch_up(&e, "CSAS_S_1");
    catch_up(&e, "CTAS_T_2");
    assert_int_equal(count_records(&e, "S"), 2000);
    runtime_memory(engine_runtime(e.engine), &memory);
    assert_int_equal(memory.max_bytes, 16);
    assert_int_equal(memory.output_bytes, 0); /* all of it is settled */
    assert_true(memory.state_bytes >= 0 && memory.resident_bytes > 16);
    sql_engine_close(&e);
    g_limits.memory_bytes = memory_bytes;
}

/* Every queue between the stages is full after one block; with one worker, both stages are on it.
 */
static void run_with_full_queues(Arena *mem, const char *workers)
{
    int64_t   queue_bytes = g_limits.exchange_bytes;
    SqlEngine e;

    g_limits.exchange_bytes = 1;
    sql_engine_init(&e, mem);
    sql_property(&e, "auto.offset.reset", "earliest");
    sql_property(&e, "weir.workers", workers);
    sql_engine_start(&e, NULL, false);
    sql_run(&e, ORDERS);
    produce(&e, 0, 5000);
    sql_run(&e, "CREATE TABLE t AS SELECT item, COUNT(*) AS n, SUM(qty) AS q FROM orders "
                "GROUP BY item EMIT CHANGES;"
                "CREATE TABLE u AS SELECT n, COUNT(*) AS m FROM t GROUP BY n EMIT CHANGES;");
    catch_up(&e, "CTAS_T_1");
    assert_non_null(strstr(sql_topic(&e, "T"), "i4={\"N\":1000,\"Q\":2501500}"));
    sql_run(&e, "TERMINATE CTAS_U_2; TERMINATE CTAS_T_1;"); /* a barrier passes, too */
    sql_engine_close(&e);
    g_limits.exchange_bytes = queue_bytes;
}

static void full_queues_between_stages_do_not_deadlock(void **state)
{
    run_with_full_queues(test_arena(state), "1");
    run_with_full_queues(test_arena(state), "3");
}

static int count_threads(void)
{
    DIR *tasks = opendir("/proc/self/task");
    int  len = 0;

    assert_non_null(tasks);
    while (readdir(tasks))
        len++;
    closedir(tasks);
    return len;
}

static int64_t groups_of(SqlEngine *e)
{
    RuntimeHealth health;

    runtime_health(engine_runtime(e->engine), &health);
    return health.groups;
}

static void query_set_apart_comes_back_and_its_committer_ends(void **state)
{
    const struct timespec pause = {.tv_nsec = 10000000};
    TopicSpec sink = {.name = STR("S"), .partitions = 4, .replicas = -1, .retention_ms = -1};
    SqlEngine e;
    Err       err;
    int       threads;

    sql_engine_init(&e, test_arena(state));
    sql_property(&e, "auto.offset.reset", "earliest");
    sql_property(&e, "ksql.query.retry.backoff.initial.ms", "50");
    sql_property(&e, "ksql.query.retry.backoff.max.ms", "50");
    sql_engine_start(&e, NULL, false);
    sql_run(&e, ORDERS "CREATE STREAM s AS SELECT k, qty FROM orders EMIT CHANGES;"
                       "CREATE STREAM calm AS SELECT k, qty FROM orders EMIT CHANGES;");
    produce(&e, 0, 100);
    catch_up(&e, "CSAS_S_1");
    threads = count_threads();
    assert_int_equal(broker_topic_delete(engine_broker(e.engine), sink.name, &err), ERR_OK);
    produce(&e, 100, 200);
    for (int i = 0; i < 1000 && groups_of(&e) == 1; i++)
        nanosleep(&pause, NULL);
    assert_int_equal(groups_of(&e), 2);
    catch_up(&e, "CSAS_CALM_2");
    assert_int_equal(count_records(&e, "CALM"), 200);
    assert_int_equal(broker_topic_create(engine_broker(e.engine), &sink, &err), ERR_OK);
    catch_up(&e, "CSAS_S_1");
    assert_int_equal(count_records(&e, "S"), 100);
    for (int i = 0; i < 1000 && count_threads() > threads; i++)
        nanosleep(&pause, NULL);
    assert_int_equal(groups_of(&e), 1);
    assert_int_equal(count_threads(), threads);
    sql_engine_close(&e);
}

static void failing_query_does_not_hold_up_the_others(void **state)
{
    SqlEngine   e;
    QueryHealth health;
    Err         err;

    open_threaded(&e, test_arena(state));
    sql_run(&e, ORDERS "CREATE STREAM calm AS SELECT k, qty FROM orders EMIT CHANGES;");
    assert_int_equal(properties_override(&e.session.props,
                                         STR("ksql.fail.on.deserialization.error"), STR("true"),
                                         &err),
                     ERR_OK);
    sql_run(&e, "CREATE STREAM strict AS SELECT k, qty FROM orders EMIT CHANGES;");
    produce(&e, 0, 100);
    sql_produce_to(&e, "orders", 2, "k", "{nonsense", 1000);
    produce(&e, 100, 200);
    catch_up(&e, "CSAS_CALM_1");
    assert_int_equal(count_records(&e, "CALM"), 200);
    for (int i = 0; i < 1000; i++) {
        query_health(query_of(&e, "CSAS_STRICT_2"), &health);
        if (health.state == QUERY_STATE_FAILED)
            break;
        assert_int_equal(runtime_flush(engine_runtime(e.engine), &err), ERR_OK);
    }
    assert_int_equal(health.state, QUERY_STATE_FAILED);
    assert_int_equal(health.error.code, ERR_DESERIALIZE);
    sql_engine_close(&e);
}
typedef struct Waiting {
    pthread_t thread;
    Query    *query;
    Err       err;
} Waiting;

static void *wait_for_query(void *arg)
{
    Waiting *waiting = arg;

    if (query_catch_up(waiting->query, 60000, &waiting->err) == ERR_OK)
        waiting->err.code = ERR_OK;
    query_release(waiting->query);
    return NULL;
}

/* As a pull query with weir.read.your.writes does, while another client drops the table. */
static void query_stays_while_somebody_waits_for_it(void **state)
{
    SqlEngine e;
    Waiting   waiting;

    open_threaded(&e, test_arena(state));
    sql_run(&e, ORDERS "CREATE STREAM s AS SELECT k, qty FROM orders EMIT CHANGES;"
                       "PAUSE CSAS_S_1;");
    produce(&e, 0, 100);
    assert_null(query_hold(engine_runtime(e.engine), STR("CSAS_S_2")));
    waiting.query = query_hold(engine_runtime(e.engine), STR("CSAS_S_1"));
    assert_non_null(waiting.query);
    assert_int_equal(pthread_create(&waiting.thread, NULL, wait_for_query, &waiting), 0);
    sql_run(&e, "DROP STREAM s;");
    assert_int_equal(pthread_join(waiting.thread, NULL), 0);
    assert_int_equal(waiting.err.code, ERR_CANCELLED);
    assert_string_equal(waiting.err.msg, "query \"CSAS_S_1\" was stopped");
    sql_engine_close(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(queries_come_and_go_while_data_flows),
        arena_test(paused_query_reads_nothing_and_goes_on_where_it_stood),
        arena_test(aborted_epochs_lose_and_repeat_nothing),
        arena_test(query_woken_while_it_starts_loses_nothing),
        arena_test(backlog_larger_than_an_epoch_is_read_to_its_end),
        arena_test(backlog_is_read_to_its_end_in_hardly_any_memory),
        arena_test(full_queues_between_stages_do_not_deadlock),
        arena_test(query_set_apart_comes_back_and_its_committer_ends),
        arena_test(failing_query_does_not_hold_up_the_others),
        arena_test(query_stays_while_somebody_waits_for_it),
    };
    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
