/*
 * What becomes of epochs, failed queries and broken transactions.
 */
#include "tests/support/fault.h"
#include "tests/support/sql_engine.h"
#include "tests/support/temp_dir.h"

#define ORDERS                                                                                     \
    "CREATE STREAM orders (k STRING KEY, item STRING, qty INT) "                                   \
    "WITH (KAFKA_TOPIC='orders', KEY_FORMAT='KAFKA', VALUE_FORMAT='JSON', PARTITIONS=1);"
#define TOTALS                                                                                     \
    "CREATE TABLE totals AS SELECT item, COUNT(*) AS n, SUM(qty) AS q "                            \
    "FROM orders GROUP BY item EMIT CHANGES;"
#define BIG "CREATE STREAM big AS SELECT k, qty FROM orders WHERE qty > 1 EMIT CHANGES;"

#define ORDER_X1 "{\"ITEM\":\"x\",\"QTY\":1}"
#define ORDER_X5 "{\"ITEM\":\"x\",\"QTY\":5}"

static void health_of(SqlEngine *e, const char *id, QueryHealth *out)
{
    Query *query = query_find(engine_runtime(e->engine), str_from(id));

    assert_non_null(query);
    query_health(query, out);
}

static RuntimeHealth runtime_health_of(SqlEngine *e)
{
    RuntimeHealth health;

    runtime_health(engine_runtime(e->engine), &health);
    return health;
}

static int fault_test_setup(void **state)
{
    fault_reset();
    return arena_test_setup(state);
}

/* One commit in the middle of the input suffers kind; the output must not show it. */
static void run_with_fault(void **state, FaultKind kind)
{
    SqlEngine e;

    sql_engine_open(&e, test_arena(state));
    sql_run(&e, ORDERS TOTALS BIG);
    sql_produce(&e, "orders", "a", ORDER_X1, 10);
    sql_idle(&e);
    fault_arm(FAULT_TXN_COMMIT, kind, 1);
    sql_produce(&e, "orders", "b", ORDER_X5, 20);
    sql_idle(&e);
    assert_int_equal(runtime_health_of(&e).aborts, kind == FAULT_DONE ? 0 : 1);
    sql_advance(&e, 60000);
    sql_produce(&e, "orders", "c", ORDER_X1, 30);
    sql_idle(&e);
    sql_expect(&e, "TOTALS",
               "x={\"N\":1,\"Q\":1} @10\n"
               "x={\"N\":2,\"Q\":6} @20\n"
               "x={\"N\":3,\"Q\":7} @30\n");
    sql_expect(&e, "BIG", "b={\"QTY\":5} @20\n");
    sql_engine_close(&e);
}

static void aborted_epoch_is_done_again(void **state)
{
    run_with_fault(state, FAULT_FAIL);
}

static void retriable_abort_is_done_again(void **state)
{
    run_with_fault(state, FAULT_RETRY);
}

static void unknown_outcome_that_was_lost_is_done_again(void **state)
{
    run_with_fault(state, FAULT_LOST);
}

static void unknown_outcome_that_was_written_is_not_done_again(void **state)
{
    run_with_fault(state, FAULT_DONE);
}

/* A query is dropped while nobody knows what became of the epoch that it was part of. */
static void drop_with_unknown_outcome(void **state, FaultKind kind)
{
    SqlEngine e;

    sql_engine_open(&e, test_arena(state));
    sql_run(&e, ORDERS TOTALS BIG);
    sql_produce(&e, "orders", "a", ORDER_X5, 10);
    sql_idle(&e);
    fault_arm(FAULT_TXN_COMMIT, kind, 1);
    fault_arm_always(FAULT_TXN_OPEN, FAULT_RETRY, 1);
    sql_produce(&e, "orders", "b", ORDER_X5, 20);
    sql_idle(&e);
    assert_false(runtime_health_of(&e).is_healthy);
    sql_run(&e, "DROP TABLE totals;");
    fault_reset();
    sql_advance(&e, 60000);
    sql_advance(&e, 60000);
    assert_true(runtime_health_of(&e).is_healthy);
    assert_int_equal(runtime_health_of(&e).aborts, kind == FAULT_DONE ? 0 : 1);
    sql_expect(&e, "BIG", "a={\"QTY\":5} @10\nb={\"QTY\":5} @20\n");
    sql_engine_close(&e);
}

static void query_is_dropped_while_its_epoch_is_lost(void **state)
{
    drop_with_unknown_outcome(state, FAULT_LOST);
}

static void query_is_dropped_while_its_epoch_is_written(void **state)
{
    drop_with_unknown_outcome(state, FAULT_DONE);
}

/* With a broker that is away every question takes its time. */
static void close_asks_once_for_an_unknown_outcome(void **state)
{
    SqlEngine e;

    sql_engine_open(&e, test_arena(state));
    sql_run(&e,
            ORDERS TOTALS BIG "CREATE STREAM small AS SELECT k, item FROM orders EMIT CHANGES;");
    fault_arm(FAULT_TXN_COMMIT, FAULT_LOST, 1);
    fault_arm_always(FAULT_TXN_OPEN, FAULT_RETRY, 1);
    sql_produce(&e, "orders", "b", ORDER_X5, 20);
    sql_idle(&e);
    assert_int_equal(fault_calls(FAULT_TXN_OPEN), 2); /* when it was opened, and now */
    sql_engine_close(&e);
    assert_int_equal(fault_calls(FAULT_TXN_OPEN), 3);
}

static void abort_waits_before_the_next_try(void **state)
{
    SqlEngine e;

    sql_engine_open(&e, test_arena(state));
    sql_run(&e, ORDERS BIG);
    fault_arm_always(FAULT_TXN_COMMIT, FAULT_RETRY, 1);
    sql_produce(&e, "orders", "b", ORDER_X5, 20);
    sql_idle(&e);
    assert_int_equal(runtime_health_of(&e).aborts, 1);
    assert_false(runtime_health_of(&e).is_healthy);
    sql_advance(&e, 60000);
    assert_int_equal(runtime_health_of(&e).aborts, 2);
    fault_reset();
    sql_advance(&e, 60000);
    assert_true(runtime_health_of(&e).is_healthy);
    sql_expect(&e, "BIG", "b={\"QTY\":5} @20\n");
    sql_engine_close(&e);
}

/* Any read of a state file would fail the query, and is counted. */
static void abort_puts_memory_back_without_reading_a_file(void **state)
{
    Arena      *mem = test_arena(state);
    const char *dir = temp_dir_make(mem);
    SqlEngine   e;
    Err         err;

    sql_engine_init(&e, mem);
    sql_property(&e, "auto.offset.reset", "earliest");
    sql_property(&e, "cache.max.bytes.buffering", "0");
    sql_engine_start(&e, dir, true);
    sql_run(&e, ORDERS TOTALS);
    sql_produce(&e, "orders", "a", ORDER_X1, 10);
    sql_idle(&e);
    assert_int_equal(runtime_flush(engine_runtime(e.engine), &err), ERR_OK);

    fault_reset();
    fault_arm(FAULT_TXN_COMMIT, FAULT_FAIL, 1);
    fault_arm_always(FAULT_STATE_READ, FAULT_FAIL, 1);
    sql_produce(&e, "orders", "b", ORDER_X5, 20);
    sql_produce(&e, "orders", "c", "{\"ITEM\":\"y\",\"QTY\":2}", 30);
    sql_idle(&e);
    assert_int_equal(runtime_health_of(&e).aborts, 1);
    sql_advance(&e, 60000);
    sql_expect(&e, "TOTALS",
               "x={\"N\":1,\"Q\":1} @10\n"
               "x={\"N\":2,\"Q\":6} @20\n"
               "y={\"N\":1,\"Q\":2} @30\n");
    assert_int_equal(fault_calls(FAULT_STATE_READ), 0);

    /* The seam sees reads: a restart loads the state from the file. */
    fault_reset();
    sql_engine_close(&e);
    sql_engine_start(&e, dir, true);
    assert_true(fault_calls(FAULT_STATE_READ) > 0);
    sql_engine_close(&e);
    temp_dir_remove(dir);
}

static void start_on(SqlEngine *e, Arena *mem, const char *dir)
{
    sql_engine_init(e, mem);
    sql_property(e, "auto.offset.reset", "earliest");
    sql_property(e, "cache.max.bytes.buffering", "0");
    sql_engine_start(e, dir, true);
}

static void query_whose_changelog_is_refused_starts_later(void **state)
{
    Arena      *mem = test_arena(state);
    const char *dir = temp_dir_make(mem);
    SqlEngine   e;
    QueryHealth health;
    QueryLag   *lags;
    size_t      len;
    Err         err;
    TopicSpec   other = {.name = STR("_weir-default_-CTAS_TOTALS_1-changelog"),
                         .partitions = 1,
                         .replicas = -1,
                         .retention_ms = -1,
                         .cleanup = TOPIC_COMPACT};

    start_on(&e, mem, dir);
    assert_int_equal(broker_topic_create(engine_broker(e.engine), &other, &err), ERR_OK);
    sql_run(&e, ORDERS TOTALS);
    sql_produce(&e, "orders", "a", ORDER_X1, 10);
    sql_idle(&e);
    health_of(&e, "CTAS_TOTALS_1", &health);
    assert_int_equal(health.state, QUERY_STATE_FAILED);
    query_lags(query_find(engine_runtime(e.engine), STR("CTAS_TOTALS_1")), mem, &lags, &len);
    assert_int_equal(len, 1);
    assert_int_equal(broker_topic_delete(engine_broker(e.engine), other.name, &err), ERR_OK);
    sql_advance(&e, 60000);
    sql_expect(&e, "TOTALS", "x={\"N\":1,\"Q\":1} @10\n");
    sql_engine_close(&e);
    temp_dir_remove(dir);
}

/* What the file does not have yet is in the changelog: both are needed before anything is read. */
static void query_goes_on_only_with_its_state(void **state)
{
    Arena      *mem = test_arena(state);
    const char *dir = temp_dir_make(mem);
    SqlEngine   e;
    QueryHealth health;
    Err         err;

    start_on(&e, mem, dir);
    sql_run(&e, ORDERS TOTALS);
    sql_produce(&e, "orders", "a", ORDER_X1, 10);
    sql_idle(&e);
    assert_int_equal(runtime_flush(engine_runtime(e.engine), &err), ERR_OK);
    sql_produce(&e, "orders", "b", ORDER_X5, 20);
    sql_idle(&e);
    fault_arm_always(FAULT_SQLITE_WRITE, FAULT_FAIL, 1);
    sql_engine_close(&e);
    fault_reset();
    fault_arm_always(FAULT_STATE_READ, FAULT_FAIL, 1);
    start_on(&e, mem, dir);
    sql_produce(&e, "orders", "c", ORDER_X1, 30);
    sql_idle(&e);
    health_of(&e, "CTAS_TOTALS_1", &health);
    assert_int_equal(health.state, QUERY_STATE_FAILED);
    fault_reset();
    sql_advance(&e, 60000);
    sql_expect(&e, "TOTALS",
               "x={\"N\":1,\"Q\":1} @10\n"
               "x={\"N\":2,\"Q\":6} @20\n"
               "x={\"N\":3,\"Q\":7} @30\n");
    sql_engine_close(&e);
    temp_dir_remove(dir);
}

static void failed_query_stops_in_front_of_its_record(void **state)
{
    SqlEngine   e;
    QueryHealth health;

    sql_engine_open(&e, test_arena(state));
    sql_run(&e, ORDERS TOTALS);
    sql_run(&e, "CREATE STREAM calm AS SELECT k, item FROM orders EMIT CHANGES;");
    {
        Err err;

        assert_int_equal(properties_override(&e.session.props,
                                             STR("ksql.fail.on.deserialization.error"), STR("true"),
                                             &err),
                         ERR_OK);
    }
    sql_run(&e, BIG);
    sql_produce(&e, "orders", "a", ORDER_X5, 10);
    sql_produce(&e, "orders", "b", "{nonsense", 20);
    sql_produce(&e, "orders", "c", ORDER_X5, 30);
    sql_idle(&e);
    sql_expect(&e, "BIG", "a={\"QTY\":5} @10\n");
    sql_expect(&e, "CALM", "a={\"ITEM\":\"x\"} @10\nc={\"ITEM\":\"x\"} @30\n");
    sql_expect(&e, "TOTALS", "x={\"N\":1,\"Q\":5} @10\nx={\"N\":2,\"Q\":10} @30\n");
    health_of(&e, "CSAS_BIG_3", &health);
    assert_int_equal(health.state, QUERY_STATE_FAILED);
    assert_int_equal(health.failures, 1);
    assert_int_equal(health.error.code, ERR_DESERIALIZE);
    assert_int_equal(health.retry_ms, SQL_CLOCK_MS + 15000);
    health_of(&e, "CSAS_CALM_2", &health);
    assert_int_equal(health.state, QUERY_STATE_RUNNING);

    sql_advance(&e, 15000);
    health_of(&e, "CSAS_BIG_3", &health);
    assert_int_equal(health.failures, 2);
    assert_int_equal(health.retry_ms, SQL_CLOCK_MS + 15000 + 30000);
    sql_expect(&e, "BIG", "a={\"QTY\":5} @10\n");
    sql_engine_close(&e);
}

static void query_whose_sink_is_gone_is_set_apart(void **state)
{
    SqlEngine   e;
    QueryHealth health;
    Err         err;
    TopicSpec   big = {.name = STR("BIG"), .partitions = 1, .replicas = -1, .retention_ms = -1};

    sql_engine_open(&e, test_arena(state));
    sql_run(&e, ORDERS TOTALS BIG);
    sql_produce(&e, "orders", "a", ORDER_X5, 10);
    sql_idle(&e);
    assert_int_equal(broker_topic_delete(engine_broker(e.engine), STR("BIG"), &err), ERR_OK);
    sql_produce(&e, "orders", "b", ORDER_X5, 20);
    sql_produce(&e, "orders", "c", ORDER_X5, 30);
    sql_idle(&e);
    sql_expect(&e, "TOTALS",
               "x={\"N\":1,\"Q\":5} @10\nx={\"N\":2,\"Q\":10} @20\nx={\"N\":3,\"Q\":15} @30\n");
    health_of(&e, "CSAS_BIG_2", &health);
    assert_int_equal(health.error.code, ERR_TOPIC_MISSING);

    assert_int_equal(broker_topic_create(engine_broker(e.engine), &big, &err), ERR_OK);
    sql_advance(&e, 60000);
    sql_expect(&e, "BIG", "b={\"QTY\":5} @20\nc={\"QTY\":5} @30\n");
    health_of(&e, "CSAS_BIG_2", &health);
    assert_int_equal(health.state, QUERY_STATE_RUNNING);
    assert_int_equal(runtime_health_of(&e).groups, 1);
    sql_engine_close(&e);
}

static uint32_t copies;
static int64_t  copied_offset;
static bool     is_copied; /* what the broker says to that */

static bool note_copy(Broker *broker, Str group, const GroupOffset *offsets, size_t len)
{
    (void)broker, (void)group;
    assert_int_equal(len, 1);
    copies++;
    copied_offset = offsets[0].offset;
    return is_copied;
}

/* An engine whose broker copies positions to consumer groups, by note_copy(); cls lives as long. */
static void open_with_copies(SqlEngine *e, BrokerClass *cls, Arena *mem, bool is_done)
{
    sql_engine_open(e, mem);
    *cls = *engine_broker(e->engine)->cls;
    cls->group_copy = note_copy;
    engine_broker(e->engine)->cls = cls;
    copies = 0;
    is_copied = is_done;
}

static void query_that_moved_is_shown_as_a_group(void **state)
{
    SqlEngine   e;
    BrokerClass cls;

    open_with_copies(&e, &cls, test_arena(state), true);
    sql_run(&e, ORDERS BIG);
    sql_produce(&e, "orders", "a", ORDER_X5, 10);
    sql_idle(&e);
    sql_produce(&e, "orders", "b", ORDER_X5, 20);
    sql_idle(&e);
    assert_int_equal(copies, 0);
    sql_advance(&e, 5000);
    assert_int_equal(copies, 1);
    assert_int_equal(copied_offset, 2);
    sql_advance(&e, 5000);
    assert_int_equal(copies, 1);
    sql_engine_close(&e);
}

static void copy_that_was_not_made_is_made_later(void **state)
{
    SqlEngine   e;
    BrokerClass cls;

    open_with_copies(&e, &cls, test_arena(state), false);
    sql_run(&e, ORDERS BIG);
    sql_produce(&e, "orders", "a", ORDER_X5, 10);
    sql_idle(&e);
    sql_advance(&e, 5000);
    assert_int_equal(copies, 1);
    is_copied = true;
    sql_advance(&e, 5000);
    assert_int_equal(copies, 2);
    assert_int_equal(copied_offset, 1);
    sql_advance(&e, 5000);
    assert_int_equal(copies, 2);
    sql_engine_close(&e);
}

static void query_that_starts_is_shown_as_a_group(void **state)
{
    SqlEngine   e;
    BrokerClass cls;

    open_with_copies(&e, &cls, test_arena(state), true);
    copied_offset = -1;
    sql_run(&e, ORDERS BIG);
    sql_advance(&e, 5000);
    assert_int_equal(copies, 1);
    assert_int_equal(copied_offset, 0);
    sql_engine_close(&e);
}

static void nothing_new_is_no_epoch(void **state)
{
    SqlEngine e;
    int64_t   epochs;

    sql_engine_open(&e, test_arena(state));
    sql_run(&e, ORDERS BIG);
    sql_produce(&e, "orders", "a", ORDER_X5, 10);
    sql_idle(&e);
    epochs = runtime_health_of(&e).epochs;
    assert_int_equal(epochs, 1);
    sql_advance(&e, 1000);
    assert_int_equal(runtime_health_of(&e).epochs, epochs);
    sql_engine_close(&e);
}

#define fault_test(test) cmocka_unit_test_setup(test, fault_test_setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        fault_test(aborted_epoch_is_done_again),
        fault_test(retriable_abort_is_done_again),
        fault_test(unknown_outcome_that_was_lost_is_done_again),
        fault_test(unknown_outcome_that_was_written_is_not_done_again),
        fault_test(query_is_dropped_while_its_epoch_is_lost),
        fault_test(query_is_dropped_while_its_epoch_is_written),
        fault_test(close_asks_once_for_an_unknown_outcome),
        fault_test(abort_waits_before_the_next_try),
        fault_test(abort_puts_memory_back_without_reading_a_file),
        fault_test(query_whose_changelog_is_refused_starts_later),
        fault_test(query_goes_on_only_with_its_state),
        fault_test(failed_query_stops_in_front_of_its_record),
        fault_test(query_whose_sink_is_gone_is_set_apart),
        fault_test(query_that_moved_is_shown_as_a_group),
        fault_test(copy_that_was_not_made_is_made_later),
        fault_test(query_that_starts_is_shown_as_a_group),
        fault_test(nothing_new_is_no_epoch),
    };
    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
