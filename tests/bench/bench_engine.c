/*
 * bench_engine.c -- rows per second through one query, engine alone, inline on one core, in CPU
 * time.
 *
 *     bench_engine [records] [runs]
 *
 * 190-byte JSON orders are served by bench_broker.c.  Prints the median of the runs for filter and
 * project, and for count and sum by key with 100 000 keys through the exchange, beside the time
 * that reading the same bytes takes.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "common/clock.h"
#include "common/limit.h"
#include "exec/query.h"
#include "parser/parser.h"
#include "server/engine.h"
#include "tests/bench/bench_broker.h"

enum { KEYS = 100000, RUNS_MAX = 25 };

static void check(ErrCode rc, const Err *err)
{
    if (rc == ERR_OK)
        return;
    fprintf(stderr, "bench_engine: %s\n", err->msg);
    exit(1);
}

static Record *make_orders(Arena *mem)
{
    Record *orders = ARENA_ARRAY(mem, Record, KEYS);

    for (uint32_t i = 0; i < KEYS; i++) {
        uint32_t customer = (uint32_t)((i * UINT64_C(7919)) % KEYS);

        orders[i].key = str_printf(mem, "o%08u", i);
        orders[i].value =
            str_printf(mem,
                       "{\"ORDER_ID\":%u,\"CUSTOMER\":\"customer-%06u\",\"ITEM\":\"item-%04u\","
                       "\"QUANTITY\":%u,"
                       "\"PRICE\":%u.%02u,\"ADDRESS\":{\"CITY\":\"city-%03u\",\"ZIP\":\"%05u\"},"
                       "\"STATUS\":\"SHIPPED\",\"NOTE\":\"leave at the door\"}",
                       i, customer, i % 5000, i % 20, i % 900 + 10, i % 100, i % 500, i % 99999);
    }
    return orders;
}

/* The plan of that query, which the statements start in an engine without data. */
static const Plan *make_plan(Engine *engine, Arena *mem, const char *sql, const char *query_id)
{
    Session     session;
    AstStmtList stmts;
    Err         err;

    session_init(&session, mem, engine);
    check(parser_parse(mem, str_from(sql), (ParserOpts){0}, &stmts, &err), &err);
    for (size_t i = 0; i < stmts.len; i++) {
        CommandResult result;

        check(engine_execute(engine, &session, stmts.items[i], mem, &result, &err), &err);
    }
    return query_id ? query_plan(query_find(engine_runtime(engine), str_from(query_id))) : NULL;
}

/* Time that this process had a core: everything runs on one thread, whatever else the machine does.
 */
static double cpu_seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double run_once(const Plan *plan, BenchBroker *broker, int64_t cache_bytes)
{
    RuntimeOpts opts = {.broker = &broker->base,
                        .clock = clock_system(),
                        .service_id = STR("bench"),
                        .is_inline = true};
    QuerySpec   spec = {.id = STR("Q"), .plan = plan};
    Runtime    *runtime;
    Query      *query;
    double      began, seconds;
    Err         err;

    query_props_init(&spec.props);
    spec.props.cache_bytes = cache_bytes;
    check(runtime_open(&opts, &runtime, &err), &err);
    check(query_start(runtime, &spec, &query, &err), &err);
    began = cpu_seconds();
    while (runtime_step(runtime))
        continue;
    seconds = cpu_seconds() - began;
    query_stop(query, true);
    runtime_close(runtime);
    return (double)broker->records / seconds;
}

static double scan_once(const BenchBroker *broker)
{
    double   began = cpu_seconds();
    uint64_t sum = 0;

    for (int64_t i = 0; i < broker->records; i++)
        sum += str_hash(broker->templates[i % broker->templates_len].value);
    if (sum == 1)
        puts("");
    return (double)broker->records / (cpu_seconds() - began);
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static void measure(const char *what, const Plan *plan, const Record *orders, int64_t records,
                    int runs, int64_t cache_bytes)
{
    double      rates[RUNS_MAX], scans[RUNS_MAX];
    BenchBroker broker;

    for (int i = 0; i < runs; i++) {
        bench_broker_init(&broker, orders, KEYS, records);
        scans[i] = scan_once(&broker);
        rates[i] = run_once(plan, &broker, cache_bytes);
    }
    qsort(rates, (size_t)runs, sizeof rates[0], compare_doubles);
    qsort(scans, (size_t)runs, sizeof scans[0], compare_doubles);
    printf("%-44s %10.0f rows/s   %9" PRId64 " written   bare scan %10.0f rows/s\n", what,
           rates[runs / 2], broker.written, scans[runs / 2]);
}

int main(int argc, char **argv)
{
    int64_t    records = argc > 1 ? atoll(argv[1]) : 2000000;
    int        runs = argc > 2 ? atoi(argv[2]) : 5;
    Arena     *mem = arena_new(0);
    Record    *orders = make_orders(mem);
    Engine    *engine;
    Properties props;
    EngineOpts opts = {.props = &props, .clock = clock_system(), .is_inline = true};
    Err        err;

    if (runs < 1 || runs > RUNS_MAX)
        runs = 5;
    properties_init(&props, mem, NULL);
    check(engine_open(&opts, &engine, &err), &err);
    make_plan(engine, mem,
              "CREATE STREAM orders (id STRING KEY, order_id BIGINT, customer STRING, item STRING,"
              " quantity INT, price DOUBLE, address STRUCT<city STRING, zip STRING>, status STRING,"
              " note STRING) WITH (KAFKA_TOPIC='orders', VALUE_FORMAT='JSON', PARTITIONS=1);",
              NULL);
    printf("order of %zu bytes\n", orders[12345].value.len);
    measure("filter and project",
            make_plan(engine, mem,
                      "CREATE STREAM f AS SELECT id, order_id, customer, price, address->city AS c "
                      "FROM orders WHERE quantity > 1 EMIT CHANGES;",
                      "CSAS_F_1"),
            orders, records, runs, 10000000);
    measure("count and sum by key, coalesced",
            make_plan(engine, mem,
                      "CREATE TABLE t AS SELECT customer, COUNT(*) AS n, SUM(price) AS total "
                      "FROM orders GROUP BY customer EMIT CHANGES;",
                      "CTAS_T_2"),
            orders, records, runs, 10000000);
    measure("count and sum by key, every update",
            make_plan(engine, mem,
                      "CREATE TABLE u AS SELECT customer, COUNT(*) AS n, SUM(price) AS total "
                      "FROM orders GROUP BY customer EMIT CHANGES;",
                      "CTAS_U_3"),
            orders, records, runs, 0);
    engine_close(engine);
    arena_free(mem);
    return 0;
}
