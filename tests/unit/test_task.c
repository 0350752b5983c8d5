/*
 * Queries that end in a subscriber's queue: pull on a stream, push with and without LIMIT.
 */
#include <stdio.h>

#include "common/limit.h"
#include "exec/push.h"
#include "tests/support/sql_engine.h"

#define SOURCE                                                                                     \
    "CREATE STREAM s (k STRING KEY, v INT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', "           \
    "PARTITIONS=3);"

typedef struct Subscriber {
    EnginePush *push;
    PushQueue  *queue;
} Subscriber;

static void produce(SqlEngine *e, int from, int to)
{
    for (int i = from; i < to; i++) {
        char value[32];

        snprintf(value, sizeof value, "{\"V\":%d}", i);
        sql_produce_to(e, "s", (uint32_t)i % 3, "k", value, i);
    }
}

static void subscribe(SqlEngine *e, const char *sql, Subscriber *out)
{
    Arena      *stmt_mem = arena_new(0);
    AstStmtList stmts;
    StmtPlan    plan;
    Err         err;

    if (parser_parse(stmt_mem, str_from(sql), (ParserOpts){0}, &stmts, &err) != ERR_OK ||
        engine_plan(e->engine, &e->session, stmts.items[0], stmt_mem, &plan, &err) != ERR_OK ||
        engine_push_open(e->engine, &e->session, &plan, STR("transient_1"), stmt_mem, sql_no_wake,
                         NULL, &out->push, &err) != ERR_OK)
        fail_msg("%s\n%s", sql, err.msg);
    stmt_plan_deinit(&plan);
    out->queue = engine_push_queue(out->push);
}

/* Rows taken now. */
static int take(Subscriber *s)
{
    PushBlock *block = push_take(s->queue), *next;
    int        len = 0;

    for (; block; block = next) {
        next = block->next;
        len += (int)block->len;
        push_block_free(block);
    }
    return len;
}

static PushEnd end_of(Subscriber *s)
{
    Err err;

    return push_end(s->queue, &err);
}

static void pull_on_a_stream_ends_at_the_ends_of_its_start(void **state)
{
    SqlEngine  e;
    Subscriber s;

    sql_engine_open(&e, test_arena(state));
    sql_run(&e, SOURCE);
    produce(&e, 0, 100);
    subscribe(&e, "SELECT k, v FROM s WHERE v >= 10;", &s);
    produce(&e, 100, 150);
    sql_idle(&e);
    assert_int_equal(take(&s), 90);
    assert_int_equal(end_of(&s), PUSH_COMPLETE);
    engine_push_close(s.push);
    sql_engine_close(&e);
}

static void pull_on_an_empty_stream_ends_at_once(void **state)
{
    SqlEngine  e;
    Subscriber s;

    sql_engine_open(&e, test_arena(state));
    sql_run(&e, SOURCE);
    subscribe(&e, "SELECT k, v FROM s;", &s);
    sql_idle(&e);
    assert_int_equal(take(&s), 0);
    assert_int_equal(end_of(&s), PUSH_COMPLETE);
    engine_push_close(s.push);
    sql_engine_close(&e);
}

static void limit_holds_over_all_partitions(void **state)
{
    SqlEngine  e;
    Subscriber s;

    sql_engine_open(&e, test_arena(state));
    sql_run(&e, SOURCE);
    produce(&e, 0, 100);
    subscribe(&e, "SELECT k, v FROM s EMIT CHANGES LIMIT 7;", &s);
    sql_idle(&e);
    assert_int_equal(take(&s), 7);
    assert_int_equal(end_of(&s), PUSH_LIMIT);
    engine_push_close(s.push);
    sql_engine_close(&e);
}

static void push_query_with_groups_keeps_its_own_state(void **state)
{
    SqlEngine  e;
    Subscriber s;

    sql_engine_open(&e, test_arena(state));
    sql_run(&e, SOURCE);
    produce(&e, 0, 30);
    subscribe(&e, "SELECT k, COUNT(*) AS n FROM s GROUP BY k EMIT CHANGES;", &s);
    sql_idle(&e);
    assert_int_equal(take(&s), 30);
    produce(&e, 30, 40);
    sql_idle(&e);
    assert_int_equal(take(&s), 10);
    assert_int_equal(end_of(&s), PUSH_OPEN);
    engine_push_close(s.push);
    sql_engine_close(&e);
}

static void query_waits_for_its_subscriber_and_holds_up_nobody(void **state)
{
    SqlEngine  e;
    Subscriber s;
    int64_t    limit = g_limits.push_queue_rows;
    int        taken = 0;

    sql_engine_open(&e, test_arena(state));
    g_limits.push_queue_rows = 50;
    sql_run(&e, SOURCE "CREATE STREAM o AS SELECT k, v FROM s EMIT CHANGES;");
    subscribe(&e, "SELECT k, v FROM s EMIT CHANGES;", &s);
    for (int i = 0; i < 10; i++) {
        produce(&e, i * 20, i * 20 + 20);
        sql_idle(&e);
    }
    assert_non_null(strstr(sql_topic(&e, "O"), "{\"V\":199}"));
    for (int i = 0; i < 10 && taken < 200; i++) {
        taken += take(&s);
        assert_true(taken < 200 || i > 0);
        sql_idle(&e);
    }
    assert_int_equal(taken, 200);
    assert_int_equal(end_of(&s), PUSH_OPEN);
    engine_push_close(s.push);
    sql_engine_close(&e);
    g_limits.push_queue_rows = limit;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(pull_on_a_stream_ends_at_the_ends_of_its_start),
        arena_test(pull_on_an_empty_stream_ends_at_once),
        arena_test(limit_holds_over_all_partitions),
        arena_test(push_query_with_groups_keeps_its_own_state),
        arena_test(query_waits_for_its_subscriber_and_holds_up_nobody),
    };
    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
