#include "tests/bench/engine_rate.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "common/clock.h"
#include "common/limit.h"
#include "exec/query.h"
#include "parser/parser.h"
#include "server/engine.h"
#include "tests/bench/bench_broker.h"

struct EngineRate {
    Arena     *mem;
    Record    *orders;
    Engine    *engine; /* makes plans; has no data */
    Properties props;
};

static void check(ErrCode rc, const Err *err)
{
    if (rc == ERR_OK)
        return;
    fprintf(stderr, "bench: %s\n", err->msg);
    exit(1);
}

static Record *make_orders(Arena *mem)
{
    Record *orders = ARENA_ARRAY(mem, Record, ENGINE_RATE_KEYS);

    for (uint32_t i = 0; i < ENGINE_RATE_KEYS; i++) {
        uint32_t customer = (uint32_t)((i * UINT64_C(7919)) % ENGINE_RATE_KEYS);

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

const Plan *engine_rate_plan(EngineRate *rate, const char *sql, const char *query_id)
{
    Session     session;
    AstStmtList stmts;
    Err         err;

    session_init(&session, rate->mem, rate->engine);
    check(parser_parse(rate->mem, str_from(sql), (ParserOpts){0}, &stmts, &err), &err);
    for (size_t i = 0; i < stmts.len; i++) {
        CommandResult result;

        check(engine_execute(rate->engine, &session, stmts.items[i], rate->mem, &result, &err),
              &err);
    }
    if (!query_id)
        return NULL;
    return query_plan(query_find(engine_runtime(rate->engine), str_from(query_id)));
}

/* Time that this process had a core: everything runs on one thread, whatever else the machine does.
 */
static double cpu_seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

double engine_rate_run(EngineRate *rate, const Plan *plan, int64_t records, int64_t cache_bytes,
                       int64_t *written)
{
    BenchBroker broker;
    RuntimeOpts opts = {.broker = &broker.base,
                        .clock = clock_system(),
                        .service_id = STR("bench"),
                        .is_inline = true};
    QuerySpec   spec = {.id = STR("Q"), .plan = plan};
    Runtime    *runtime;
    Query      *query;
    double      began, seconds;
    Err         err;

    bench_broker_init(&broker, rate->orders, ENGINE_RATE_KEYS, records);
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
    if (written)
        *written = broker.written;
    return (double)records / seconds;
}

double engine_rate_scan(EngineRate *rate, int64_t records)
{
    double   began = cpu_seconds();
    uint64_t sum = 0;

    for (int64_t i = 0; i < records; i++)
        sum += str_hash(rate->orders[i % ENGINE_RATE_KEYS].value);
    if (sum == 1)
        puts("");
    return (double)records / (cpu_seconds() - began);
}

const char *engine_rate_columns(void)
{
    return "CREATE STREAM orders (id STRING KEY, order_id BIGINT, customer STRING, item STRING,"
           " quantity INT, price DOUBLE, address STRUCT<city STRING, zip STRING>, status STRING,"
           " note STRING)";
}

EngineRate *engine_rate_open(void)
{
    EngineRate *rate = MEM_NEW(EngineRate);
    EngineOpts  opts = {.props = &rate->props, .clock = clock_system(), .is_inline = true};
    Err         err;

    rate->mem = arena_new(0);
    rate->orders = make_orders(rate->mem);
    properties_init(&rate->props, rate->mem, NULL);
    check(engine_open(&opts, &rate->engine, &err), &err);
    (void)engine_rate_plan(rate,
                           str_to_c(rate->mem, str_printf(rate->mem,
                                                          "%s WITH (KAFKA_TOPIC='orders', "
                                                          "VALUE_FORMAT='JSON', PARTITIONS=1);",
                                                          engine_rate_columns())),
                           NULL);
    return rate;
}

void engine_rate_close(EngineRate *rate)
{
    engine_close(rate->engine);
    arena_free(rate->mem);
    mem_free(rate);
}

const Record *engine_rate_orders(const EngineRate *rate)
{
    return rate->orders;
}
