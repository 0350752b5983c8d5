/*
 * figures_engine.c -- figures of the engine in this process: alone, and on the embedded broker.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/limit.h"
#include "parser/parser.h"
#include "server/engine.h"
#include "tests/bench/bench.h"
#include "tests/bench/engine_rate.h"
#include "tests/bench/figure.h"
#include "tests/bench/server_process.h"

enum {
    ALONE_RECORDS = 1000000,
    DURABLE_RECORDS = 500000,
    DURABLE_PARTITIONS = 2,
    DURABLE_SECONDS_MAX = 30,
    LOAD_CHUNKS = 64, /* of one transaction while the topic is filled */
    APPEND_BYTES = 4 << 20
};

static const int64_t coalesced = 10000000; /* the default of cache.max.bytes.buffering */

static void check(ErrCode rc, const Err *err)
{
    if (rc != ERR_OK)
        bench_die("engine", err->msg);
}

/* --- alone ------------------------------------------------------------------------------------ */

typedef struct Alone {
    EngineRate *rate;
    const Plan *plan;
} Alone;

static Sample run_alone(void *arg)
{
    Alone *alone = arg;
    double scan = engine_rate_scan(alone->rate, ALONE_RECORDS);

    return (Sample){engine_rate_run(alone->rate, alone->plan, ALONE_RECORDS, coalesced, NULL),
                    scan};
}

static void figures_alone(EngineRate *rate)
{
    static const Figure filter = {"filter and project 190-byte orders, one core",
                                  "rows/s",
                                  1500000,
                                  false,
                                  "bare scan",
                                  run_alone};
    static const Figure count = {"count and sum by key, 100 000 keys, one core",
                                 "rows/s",
                                 1200000,
                                 false,
                                 "bare scan",
                                 run_alone};
    Alone               alone = {.rate = rate};

    alone.plan = engine_rate_plan(
        rate,
        "CREATE STREAM f AS SELECT id, order_id, customer, price, address->city AS c "
        "FROM orders WHERE quantity > 1 EMIT CHANGES;",
        "CSAS_F_1");
    figure_measure(&filter, &alone);
    alone.plan =
        engine_rate_plan(rate,
                         "CREATE TABLE t AS SELECT customer, COUNT(*) AS n, SUM(price) AS total "
                         "FROM orders GROUP BY customer EMIT CHANGES;",
                         "CTAS_T_2");
    figure_measure(&count, &alone);
}

/* --- on the embedded broker ------------------------------------------------------------------- */

typedef struct Durable {
    char          dir[64];
    Arena        *mem;
    Properties    props;
    Engine       *engine;
    const Record *orders;
    int64_t       passing; /* records that the filter keeps */
    int           run;
} Durable;

static void execute(Durable *durable, const char *sql)
{
    Session     session;
    AstStmtList stmts;
    Err         err;
    Str         earliest = STR("earliest");

    session_init(&session, durable->mem, durable->engine);
    check(properties_override(&session.props, STR("auto.offset.reset"), earliest, &err), &err);
    check(parser_parse(durable->mem, str_from(sql), (ParserOpts){0}, &stmts, &err), &err);
    for (size_t i = 0; i < stmts.len; i++) {
        CommandResult result;

        check(
            engine_execute(durable->engine, &session, stmts.items[i], durable->mem, &result, &err),
            &err);
    }
}

static void commit_chunks(BrokerTxn *txn, Chunk **chunks, int len)
{
    Err err;

    check(broker_txn_begin(txn, &err), &err);
    for (int i = 0; i < len; i++)
        check(broker_txn_append(txn, chunks[i], &err), &err);
    check(broker_txn_commit(txn, NULL, NULL, &err), &err);
}

static void fill_topic(Durable *durable)
{
    BrokerTxn *txn;
    Chunk     *chunks[LOAD_CHUNKS];
    int        len = 0;
    Err        err;

    check(broker_txn_open(engine_broker(durable->engine), STR("bench"), &txn, &err), &err);
    for (int64_t n = 0; n < DURABLE_RECORDS;) {
        Chunk *chunk = chunk_new(STR("orders"), (uint32_t)len % DURABLE_PARTITIONS, NULL);

        while (n < DURABLE_RECORDS && chunk->bytes.len + 512 <= CHUNK_BYTES) {
            chunk_append(chunk, &durable->orders[n % ENGINE_RATE_KEYS]);
            durable->passing += n % 20 > 1; /* the quantity of order n, as in the query */
            n++;
        }
        chunks[len++] = chunk;
        if (len == LOAD_CHUNKS || n == DURABLE_RECORDS) {
            commit_chunks(txn, chunks, len);
            len = 0;
        }
    }
    broker_txn_close(txn);
}

static int64_t readable(Durable *durable, Str topic)
{
    PartitionEnds ends[DURABLE_PARTITIONS];
    int64_t       sum = 0;
    Err           err;

    check(broker_topic_ends(engine_broker(durable->engine), topic, ends, DURABLE_PARTITIONS, &err),
          &err);
    for (int i = 0; i < DURABLE_PARTITIONS; i++)
        sum += ends[i].end;
    return sum;
}

/* From the start of the query until all it writes is committed and readable. */
static Sample run_durable(void *arg)
{
    Durable        *durable = arg;
    struct timespec pause = {.tv_nsec = 1000000};
    char            sql[256], topic[32];
    double          began, seconds, appends;

    appends = calibrate_appends(durable->dir, APPEND_BYTES, 8);
    snprintf(topic, sizeof topic, "F%d", durable->run);
    snprintf(sql, sizeof sql,
             "CREATE STREAM f%d AS SELECT * FROM orders WHERE quantity > 1 EMIT CHANGES;",
             durable->run++);
    began = bench_now_s();
    execute(durable, sql);
    while (readable(durable, str_from(topic)) < durable->passing) {
        if (bench_now_s() - began > DURABLE_SECONDS_MAX)
            bench_die(sql, "did not end in time");
        nanosleep(&pause, NULL);
    }
    seconds = bench_now_s() - began;
    snprintf(sql, sizeof sql, "DROP STREAM %s DELETE TOPIC;", topic);
    execute(durable, sql);
    return (Sample){DURABLE_RECORDS / seconds,
                    appends * APPEND_BYTES / (double)durable->orders[0].value.len};
}

static void figure_durable(EngineRate *rate)
{
    static const Figure figure = {"filter on the embedded broker, durable",
                                  "rows/s",
                                  400000,
                                  false,
                                  "4 MB appends, fdatasync",
                                  run_durable};
    Durable             durable = {.mem = arena_new(0), .orders = engine_rate_orders(rate)};
    EngineOpts opts = {.props = &durable.props, .clock = clock_system(), .data_dir = durable.dir};
    char       sql[512];
    Err        err;

    snprintf(durable.dir, sizeof durable.dir, "%s", bench_dir_new());
    properties_init(&durable.props, durable.mem, NULL);
    check(engine_open(&opts, &durable.engine, &err), &err);
    snprintf(sql, sizeof sql, "%s WITH (KAFKA_TOPIC='orders', VALUE_FORMAT='JSON', PARTITIONS=%d);",
             engine_rate_columns(), DURABLE_PARTITIONS);
    execute(&durable, sql);
    fill_topic(&durable);
    figure_measure(&figure, &durable);
    engine_close(durable.engine);
    arena_free(durable.mem);
    bench_dir_remove(durable.dir);
}

void figures_engine(void)
{
    EngineRate *rate = engine_rate_open();

    figures_alone(rate);
    figure_durable(rate);
    engine_rate_close(rate);
}
