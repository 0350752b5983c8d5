/*
 * bench_kafka.c -- the table of `make bench-kafka`: queries on a Kafka broker of the same machine.
 *
 *     bench_kafka HOST:PORT PATH-OF-WEIR-SERVER [ORDERS]
 *
 * What a query costs is core time of the whole server process per message read, beside that of the
 * bare loop (kafka_load.h) in the same run: ratios compare between machines, and between a quiet
 * and a busy one.
 */
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "common/arena.h"
#include "tests/bench/bench.h"
#include "tests/bench/http_load.h"
#include "tests/bench/kafka_load.h"
#include "tests/bench/server_process.h"

enum {
    ORDERS = 5000000,
    FETCH_BYTES = 65536000, /* Weir's share of 200 MB */
    MEMORY_MB = 200,
    RESPONSE_BYTES = 1 << 20,
    POLL_US = 20000,
    QUIET_S = 1, /* so long nothing more came: all of the output is there */
    RUN_S_MAX = 300,
    QUERIES = 500,
    COMMITS = 15,       /* of all of them, to take the median of */
    COMMIT_US = 400000, /* until such a commit is over */
    GONE_S = 3,         /* after the last query: memory is given back */
    LATENCY_PER_SECOND = 1000,
    LATENCY_S = 10
};

typedef struct Bench {
    const char   *servers, *program;
    int64_t       orders;
    char          dir[64], service[32];
    int           runs;
    ServerProcess server;
    BareLoop      plain, txn, bare; /* bare: the better one of the two, in each figure */
} Bench;

static const char create_orders[] =
    "CREATE STREAM orders (customer STRING KEY, order_id BIGINT, region STRING, item STRING, "
    "quantity INT, price DOUBLE, city STRING, status STRING) "
    "WITH (kafka_topic='orders', value_format='JSON');";

/* --- the server ------------------------------------------------------------------------------- */

static void start(Bench *bench, const char *guarantee)
{
    char        servers[128], service[64], processing[64];
    const char *settings[] = {servers, service, processing, NULL};

    snprintf(bench->dir, sizeof bench->dir, "%s", bench_dir_new());
    snprintf(servers, sizeof servers, "bootstrap.servers=%s", bench->servers);
    snprintf(service, sizeof service, "ksql.service.id=bench%d-%d", (int)getpid(), bench->runs++);
    snprintf(processing, sizeof processing, "processing.guarantee=%s", guarantee);
    server_process_start_with(&bench->server, bench->program, bench->dir, settings);
}

static void stop(Bench *bench)
{
    server_process_stop(&bench->server);
    bench_dir_remove(bench->dir);
}

/* cache: cache.max.bytes.buffering; NULL: as it is. */
static const char *ksql(const Bench *bench, const char *sql, const char *cache)
{
    static char response[RESPONSE_BYTES];
    char        body[2048];

    snprintf(body, sizeof body,
             "{\"ksql\":\"%s\",\"streamsProperties\":{\"auto.offset.reset\":\"earliest\"%s%s%s}}",
             sql, cache ? ",\"cache.max.bytes.buffering\":\"" : "", cache ? cache : "",
             cache ? "\"" : "");
    http_once(bench->server.port, "/ksql", body, response, sizeof response);
    return response;
}

/* Id of the query that the statement started. */
static void create_query(const Bench *bench, const char *sql, const char *cache, char id[64])
{
    const char *response = ksql(bench, sql, cache);
    const char *at = strstr(response, "\"queryId\":\"");

    if (!at || sscanf(at + 11, "%63[^\"]", id) != 1)
        bench_die(sql, response);
}

/* The sum of a field of all tasks of the query. */
static int64_t explain_sum(const Bench *bench, const char *id, const char *field)
{
    char        sql[128], name[64];
    int64_t     sum = 0;
    const char *at;

    snprintf(sql, sizeof sql, "EXPLAIN %s;", id);
    snprintf(name, sizeof name, "\"%s\":", field);
    at = ksql(bench, sql, NULL);
    while ((at = strstr(at, name))) {
        at += strlen(name);
        sum += strtoll(at, NULL, 10);
    }
    return sum;
}

/* A number of /healthcheck. */
static double health(const Bench *bench, const char *field)
{
    static char response[RESPONSE_BYTES];
    char        name[64];
    const char *at;

    snprintf(name, sizeof name, "\"%s\":", field);
    http_once(bench->server.port, "/healthcheck", "", response, sizeof response);
    at = strstr(response, name);
    if (!at)
        bench_die(name, response);
    return strtod(at + strlen(name), NULL);
}

/* --- catching up ------------------------------------------------------------------------------ */

typedef struct Run {
    double cpu_us, wall_s, peak_mb, idle_mb, used_mb;
} Run;

/* Until the query has read all orders and nothing more appears in its output; when the last did. */
static double await_output(const Bench *bench, const char *id, const char *output, double began,
                           double *used_mb)
{
    int64_t seen = -1;
    double  last = bench_now_s();
    bool    is_read = false;

    while (!is_read || bench_now_s() - last < QUIET_S) {
        int64_t readable = kafka_readable(bench->servers, output);

        double used = health(bench, "usedBytes") / 1048576;

        if (readable != seen)
            last = bench_now_s();
        *used_mb = used > *used_mb ? used : *used_mb;
        seen = readable;
        is_read = is_read || explain_sum(bench, id, "committedOffset") >= bench->orders;
        if (bench_now_s() - began > RUN_S_MAX)
            bench_die(id, "it takes too long");
        usleep(POLL_US);
    }
    return last;
}

static Run catch_up(Bench *bench, const char *sql, const char *output, const char *cache)
{
    char   id[64], drop[128];
    double began, cpu;
    Run    run = {0};

    start(bench, "exactly_once_v2");
    ksql(bench, create_orders, NULL);
    run.idle_mb = server_process_rss_mb(&bench->server);
    cpu = server_process_cpu_s(&bench->server);
    began = bench_now_s();
    create_query(bench, sql, cache, id);
    run.wall_s = await_output(bench, id, output, began, &run.used_mb) - began;
    run.cpu_us = (server_process_cpu_s(&bench->server) - cpu) * 1e6 / (double)bench->orders;
    run.peak_mb = server_process_peak_mb(&bench->server);
    snprintf(drop, sizeof drop, "DROP %s %s DELETE TOPIC;",
             strstr(sql, "TABLE") ? "TABLE" : "STREAM", output);
    ksql(bench, drop, NULL);
    stop(bench);
    return run;
}

/* --- the table -------------------------------------------------------------------------------- */

static void row(const char *what, const char *unit, double value, double target, double bare)
{
    char wanted[32] = "", ratio[32] = "";

    if (bare > 0)
        snprintf(ratio, sizeof ratio, "%.2f x", value / bare);
    if (target > 0 && bare > 0)
        snprintf(wanted, sizeof wanted, "%.2f x", target);
    else if (target > 0)
        snprintf(wanted, sizeof wanted, "%.0f", target);
    printf("%-64s %10.2f %-8s %8s %8s\n", what, value, unit, ratio, wanted);
    fflush(stdout);
}

static double least(double a, double b)
{
    return a < b ? a : b;
}

static void bare_loops(Bench *bench)
{
    kafka_topic_new(bench->servers, "idle");
    kafka_topic_new(bench->servers, "bare");
    kafka_topic_new(bench->servers, "bare_txn");
    bench->plain =
        kafka_bare_loop(bench->servers, "orders", "bare", "idle", bench->orders, FETCH_BYTES, 0);
    bench->txn = kafka_bare_loop(bench->servers, "orders", "bare_txn", "idle", bench->orders,
                                 FETCH_BYTES, 1);
    row("bare loop, without transactions: core time per message", "us", bench->plain.cpu_us, 0, 0);
    row("  wall time", "s", bench->plain.wall_s, 0, 0);
    row("bare loop, with transactions: core time per message", "us", bench->txn.cpu_us, 0, 0);
    row("  wall time", "s", bench->txn.wall_s, 0, 0);
    bench->bare.cpu_us = least(bench->plain.cpu_us, bench->txn.cpu_us);
    bench->bare.wall_s = least(bench->plain.wall_s, bench->txn.wall_s);
}

static void memory_rows(const Run *run)
{
    row("  memory: at most", "MB", run->peak_mb, MEMORY_MB, 0);
    row("  as shown by /healthcheck, at most", "MB", run->used_mb, MEMORY_MB, 0);
}

static void query_costs(Bench *bench)
{
    double bare = bench->bare.cpu_us;
    Run    run =
        catch_up(bench,
                 "CREATE STREAM f WITH (kafka_topic='F') AS SELECT customer, order_id, region, "
                 "price FROM orders WHERE quantity < 10 EMIT CHANGES;",
                 "F", NULL);

    row("filter and project, half pass", "us", run.cpu_us, 1.1, bare);
    row("  catching up, wall time", "s", run.wall_s, 1.3, bench->bare.wall_s);
    row("  memory: idle", "MB", run.idle_mb, 0, 0);
    memory_rows(&run);
    run = catch_up(bench,
                   "CREATE TABLE r WITH (kafka_topic='R') AS SELECT region, COUNT(*) AS n, "
                   "SUM(price) AS total FROM orders GROUP BY region EMIT CHANGES;",
                   "R", "0");
    row("count and sum, 1 000 keys, every update", "us", run.cpu_us, 2.0, bare);
    memory_rows(&run);
    run = catch_up(bench,
                   "CREATE TABLE c WITH (kafka_topic='C') AS SELECT region, COUNT(*) AS n, "
                   "SUM(price) AS total FROM orders GROUP BY region EMIT CHANGES;",
                   "C", "10000000");
    row("count and sum, 1 000 keys, coalesced per epoch", "us", run.cpu_us, 0.8, bare);
    memory_rows(&run);
    run = catch_up(bench,
                   "CREATE TABLE k WITH (kafka_topic='K') AS SELECT customer, COUNT(*) AS n "
                   "FROM orders GROUP BY customer EMIT CHANGES;",
                   "K", "0");
    row("count by key, 100 000 keys, every update", "us", run.cpu_us, 2.2, bare);
    memory_rows(&run);
}

static void latency(Bench *bench, const char *guarantee, const char *what, double target)
{
    char    id[64], from[32], sql[256], line[128];
    Latency got;

    start(bench, guarantee);
    snprintf(from, sizeof from, "ticks%d", bench->runs);
    kafka_topic_new(bench->servers, from);
    snprintf(sql, sizeof sql,
             "CREATE STREAM t (k STRING KEY, sent BIGINT) WITH (kafka_topic='%s', "
             "value_format='JSON');",
             from);
    ksql(bench, sql, NULL);
    snprintf(sql, sizeof sql,
             "CREATE STREAM o WITH (kafka_topic='O%d') AS SELECT k, sent FROM t WHERE sent > 0 "
             "EMIT CHANGES;",
             bench->runs);
    create_query(bench, sql, NULL, id);
    snprintf(sql, sizeof sql, "O%d", bench->runs);
    got = kafka_latency(bench->servers, from, sql, LATENCY_PER_SECOND, LATENCY_S);
    snprintf(line, sizeof line, "record to filtered output, 1 000/s, %s: p50", what);
    row(line, "ms", got.p50_ms, target, 0);
    row("  p99", "ms", got.p99_ms, 0, 0);
    stop(bench);
}

static int by_value(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;

    return (left > right) - (left < right);
}

/* How long the commit of an epoch takes to which all queries have read something. */
static double commit_ms(const Bench *bench)
{
    double took[COMMITS];

    for (int i = 0; i < COMMITS; i++) {
        kafka_fill_orders(bench->servers, "many", 40);
        usleep(COMMIT_US);
        took[i] = health(bench, "lastMs");
    }
    qsort(took, COMMITS, sizeof *took, by_value);
    return took[COMMITS / 2];
}

static void drop_all(const Bench *bench)
{
    char   sql[64];
    double began = bench_now_s();

    for (int i = 0; i < QUERIES; i++) {
        snprintf(sql, sizeof sql, "DROP STREAM m%d;", i);
        ksql(bench, sql, NULL);
    }
    row("  to drop one", "ms", (bench_now_s() - began) * 1000 / QUERIES, 0, 0);
    sleep(GONE_S);
}

/* One query, then many on the same topic: what each of the others costs. */
static void many_queries(Bench *bench)
{
    char    id[64], sql[256];
    double  one_mb = 0, began = 0, took;
    int     threads = 0, sockets = 0;
    Latency got;

    start(bench, "exactly_once_v2");
    kafka_topic_new(bench->servers, "many");
    ksql(bench,
         "CREATE STREAM t (k STRING KEY, sent BIGINT) WITH (kafka_topic='many', "
         "value_format='JSON');",
         NULL);
    for (int i = 0; i < QUERIES; i++) {
        if (i == 1) {
            sleep(1);
            one_mb = server_process_rss_mb(&bench->server);
            threads = server_process_threads(&bench->server);
            sockets = server_process_sockets(&bench->server);
            began = bench_now_s();
        }
        snprintf(sql, sizeof sql,
                 "CREATE STREAM m%d WITH (kafka_topic='M%d', partitions=%d) AS SELECT k, sent "
                 "FROM t WHERE %s EMIT CHANGES;",
                 i, i, i == 0 ? KAFKA_LOAD_PARTITIONS : 1, i == 0 ? "sent > 0" : "sent = -1");
        create_query(bench, sql, NULL, id);
    }
    row("500 filter queries on one topic: to start one", "ms",
        (bench_now_s() - began) * 1000 / (QUERIES - 1), 0, 0);
    kafka_fill_orders(bench->servers, "many", 1000); /* all of them read at least this */
    sleep(2);
    row("  threads, with one query", "", threads, 0, 0);
    row("  threads, with all", "", server_process_threads(&bench->server), threads, 0);
    row("  sockets, with one query", "", sockets, 0, 0);
    row("  sockets, with all", "", server_process_sockets(&bench->server), sockets, 0);
    row("  memory, with one query", "MB", one_mb, 0, 0);
    row("  memory of each", "MB", (server_process_rss_mb(&bench->server) - one_mb) / (QUERIES - 1),
        0, 0);
    got = kafka_latency(bench->servers, "many", "M0", LATENCY_PER_SECOND, LATENCY_S);
    row("  record to filtered output of one, 1 000/s: p50", "ms", got.p50_ms, 0, 0);
    took = commit_ms(bench);
    row("  commit of an epoch of all of them", "ms", took, 0, 0);
    row("  commit, per query", "us", took * 1000 / QUERIES, 0, 0);
    row("  memory, with all", "MB", server_process_rss_mb(&bench->server), 0, 0);
    drop_all(bench);
    row("  memory, after all were dropped", "MB", server_process_rss_mb(&bench->server), 0, 0);
    row("  threads, after all were dropped", "", server_process_threads(&bench->server), 0, 0);
    stop(bench);
}

int main(int argc, char **argv)
{
    Bench       bench = {.orders = argc > 3 ? strtoll(argv[3], NULL, 10) : ORDERS};
    const char *only = argc > 4 ? argv[4] : "";

    if (argc < 3 || bench.orders < 1000)
        bench_die("usage",
                  "bench_kafka HOST:PORT PATH-OF-WEIR-SERVER [ORDERS [costs|latency|many]]");
    bench.servers = argv[1];
    bench.program = argv[2];
    printf("%-64s %10s %-8s %8s %8s\n", "", "value", "", "to bare", "at most");
    if (!*only || strcmp(only, "costs") == 0) {
        kafka_topic_new(bench.servers, "orders");
        kafka_fill_orders(bench.servers, "orders", bench.orders);
        bare_loops(&bench);
        query_costs(&bench);
    }
    if (!*only || strcmp(only, "latency") == 0) {
        latency(&bench, "exactly_once_v2", "exactly once", 150);
        latency(&bench, "at_least_once", "at least once", 15);
    }
    if (!*only || strcmp(only, "many") == 0)
        many_queries(&bench);
    return 0;
}
