/*
 * Rows between stages: bounded queues, parking, order.
 */
#include <stdio.h>

#include "common/limit.h"
#include "exec/exchange.h"
#include "tests/support/rows.h"
#include "tests/support/sql_engine.h"

typedef struct Wakes {
    int ready, room;
} Wakes;

static void on_ready(void *arg, uint32_t target)
{
    (void)target;
    ((Wakes *)arg)->ready++;
}

static void on_room(void *arg, uint32_t producer)
{
    (void)producer;
    ((Wakes *)arg)->room++;
}

static const Column   cols[] = {{.name = {"K", 1}, .type = &type_string, .role = COLUMN_KEY},
                                {.name = {"V", 1}, .type = &type_int, .role = COLUMN_VALUE}};
static const Schema   schema = {cols, 2, 1};
static const PlanNode node = {.kind = PLAN_EXCHANGE, .schema = &schema};

static Exchange *make_exchange(int64_t bytes_max, int64_t *in_flight, Wakes *wakes)
{
    ExchangeOpts opts = {.node = &node,
                         .targets = 2,
                         .producers = 2,
                         .bytes_max = bytes_max,
                         .in_flight = in_flight,
                         .ready = on_ready,
                         .room = on_room,
                         .arg = wakes};

    return exchange_new(&opts);
}

static Block *make_block(Exchange *exchange, uint32_t target, const char *text, Arena *mem)
{
    Block *block = exchange_block(exchange, target);
    Batch  batch = rows(text, &schema, mem);

    for (uint32_t i = 0; i < batch.len; i++)
        block_add(block, &batch.rows[i], true);
    return block;
}

static void rows_survive_the_batch_they_came_from(void **state)
{
    Arena    *mem = test_arena(state), *batch_mem = arena_new(0);
    Wakes     wakes = {0};
    int64_t   in_flight = 0;
    Exchange *exchange = make_exchange(1 << 20, &in_flight, &wakes);
    Block    *block = make_block(exchange, 1, "U 'key' 1 < 'key' 2 @10\nx 'b' 3 @20", batch_mem);
    Buf       text = buf_in(mem);
    Batch     got;

    arena_reset(batch_mem);
    assert_true(exchange_offer(exchange, block, 0));
    assert_null(exchange_take(exchange, 0));
    block = exchange_take(exchange, 1);
    got = (Batch){.rows = block->rows, .len = block->len};
    rows_print(&text, &got, &schema);
    buf_put(&text, 0);
    assert_string_equal(text.ptr, "U 'key' 1 < 'key' 2 @10\nx 'b' 3 @20\n");
    assert_int_equal(in_flight, 1);
    exchange_done(exchange, block);
    assert_int_equal(in_flight, 0);
    exchange_free(exchange);
    arena_free(batch_mem);
}

static void full_queue_refuses_and_tells_when_there_is_room(void **state)
{
    Arena    *mem = test_arena(state);
    Wakes     wakes = {0};
    int64_t   in_flight = 0;
    Exchange *exchange = make_exchange(1, &in_flight, &wakes);
    Block    *first = make_block(exchange, 0, "+ 'a' 1 @10", mem);
    Block    *second = make_block(exchange, 0, "+ 'b' 1 @10", mem);

    assert_true(exchange_offer(exchange, first, 0));
    assert_int_equal(wakes.ready, 1);
    assert_false(exchange_offer(exchange, second, 1));
    assert_false(exchange_offer(exchange, second, 1));
    assert_int_equal(wakes.room, 0);
    assert_ptr_equal(exchange_take(exchange, 0), first);
    assert_int_equal(wakes.room, 1);
    assert_true(exchange_offer(exchange, second, 1));
    assert_int_equal(wakes.ready, 2);
    exchange_done(exchange, first);
    exchange_free(exchange);
}

static void blocks_keep_their_order(void **state)
{
    Arena    *mem = test_arena(state);
    Wakes     wakes = {0};
    int64_t   in_flight = 0;
    Exchange *exchange = make_exchange(1 << 20, &in_flight, &wakes);
    Block    *blocks[3];

    for (int i = 0; i < 3; i++) {
        blocks[i] = make_block(exchange, 0, "+ 'a' 1 @10", mem);
        assert_true(exchange_offer(exchange, blocks[i], 0));
    }
    for (int i = 0; i < 3; i++) {
        assert_ptr_equal(exchange_take(exchange, 0), blocks[i]);
        exchange_done(exchange, blocks[i]);
    }
    assert_null(exchange_take(exchange, 0));
    exchange_free(exchange);
}

#define ORDERS                                                                                     \
    "CREATE STREAM orders (k STRING KEY, item STRING, qty INT) "                                   \
    "WITH (KAFKA_TOPIC='orders', KEY_FORMAT='KAFKA', VALUE_FORMAT='JSON', PARTITIONS=2);"
#define TOTALS                                                                                     \
    "CREATE TABLE totals WITH (PARTITIONS=1) AS SELECT item, COUNT(*) AS n, "                      \
    "LATEST_BY_OFFSET(qty) "                                                                       \
    "AS q FROM orders GROUP BY item EMIT CHANGES;"

/* Both stages of a query are on the only worker, and every queue is full after one block. */
static void two_stages_on_one_worker_with_full_queues_do_not_deadlock(void **state)
{
    SqlEngine e;
    int64_t   limit = g_limits.exchange_bytes;

    g_limits.exchange_bytes = 1;
    sql_engine_open(&e, test_arena(state));
    sql_run(&e, ORDERS TOTALS);
    for (int i = 0; i < 5000; i++) {
        char value[64];

        snprintf(value, sizeof value, "{\"ITEM\":\"i%d\",\"QTY\":%d}", i % 3, i);
        sql_produce_to(&e, "orders", (uint32_t)i % 2, "k", value, i);
    }
    sql_idle(&e);
    assert_non_null(strstr(sql_topic(&e, "TOTALS"), "i0={\"N\":1667,"));
    assert_non_null(strstr(sql_topic(&e, "TOTALS"), "i1={\"N\":1667,"));
    assert_non_null(strstr(sql_topic(&e, "TOTALS"), "i2={\"N\":1666,"));
    sql_engine_close(&e);
    g_limits.exchange_bytes = limit;
}

static void rows_of_one_key_and_partition_arrive_in_order(void **state)
{
    SqlEngine e;
    Buf       expected = buf_in(test_arena(state));

    sql_engine_open(&e, test_arena(state));
    sql_run(&e, ORDERS TOTALS);
    for (int i = 0; i < 2500; i++) {
        char value[64];

        snprintf(value, sizeof value, "{\"ITEM\":\"x\",\"QTY\":%d}", i);
        sql_produce_to(&e, "orders", 0, "k", value, i);
        buf_printf(&expected, "x={\"N\":%d,\"Q\":%d} @%d\n", i + 1, i, i);
    }
    buf_put(&expected, 0);
    sql_idle(&e);
    sql_expect(&e, "TOTALS", expected.ptr);
    sql_engine_close(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(rows_survive_the_batch_they_came_from),
        arena_test(full_queue_refuses_and_tells_when_there_is_room),
        arena_test(blocks_keep_their_order),
        arena_test(two_stages_on_one_worker_with_full_queues_do_not_deadlock),
        arena_test(rows_of_one_key_and_partition_arrive_in_order),
    };
    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
