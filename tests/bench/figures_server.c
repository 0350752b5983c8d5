/*
 * figures_server.c -- figures of a weir-server in a process of its own, seen over HTTP.
 */
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/bench/bench.h"
#include "tests/bench/figure.h"
#include "tests/bench/http_load.h"
#include "tests/bench/server_process.h"

enum {
    RESUMED_QUERIES = 100,
    IDLE_SECONDS = 4,
    INSERTS = 10000,
    INSERT_CONNECTIONS = 16,
    CUSTOMERS = 10000,
    LATENCY_INSERTS = 100,
    LATENCY_PAUSE_US = 2000,
    RESPONSE_BYTES = 65536
};

static const char create_orders[] =
    "CREATE STREAM orders (id STRING KEY, customer STRING, quantity INT, price DOUBLE) "
    "WITH (KAFKA_TOPIC='orders', VALUE_FORMAT='JSON', PARTITIONS=1);";
static const char create_totals[] =
    "CREATE TABLE totals AS SELECT customer, COUNT(*) AS n, SUM(price) AS total FROM orders "
    "GROUP BY customer EMIT CHANGES;";

typedef struct Bench {
    const char   *program;
    char          dir[64];
    ServerProcess server;
    int           echo_port;
    int64_t       inserted;
    int           connections;
} Bench;

static void start(Bench *bench, bool is_new)
{
    if (is_new)
        snprintf(bench->dir, sizeof bench->dir, "%s", bench_dir_new());
    server_process_start(&bench->server, bench->program, bench->dir, NULL);
}

static void stop(Bench *bench, bool is_last)
{
    server_process_stop(&bench->server);
    if (is_last)
        bench_dir_remove(bench->dir);
}

static void ksql(const Bench *bench, const char *sql)
{
    static char response[RESPONSE_BYTES];
    char        body[1024];

    snprintf(body, sizeof body,
             "{\"ksql\":\"%s\",\"streamsProperties\":{\"auto.offset.reset\":\"earliest\"}}", sql);
    http_once(bench->server.port, "/ksql", body, response, sizeof response);
}

/* --- start and memory ------------------------------------------------------------------------- */

static Sample run_start_empty(void *arg)
{
    Bench *bench = arg;
    double version_ms = server_process_version_ms(bench->program);

    start(bench, true);
    stop(bench, true);
    return (Sample){bench->server.ready_ms, version_ms};
}

static Sample run_start_resumed(void *arg)
{
    Bench *bench = arg;
    double version_ms = server_process_version_ms(bench->program);

    start(bench, false);
    stop(bench, false);
    return (Sample){bench->server.ready_ms, version_ms};
}

static Sample run_idle(void *arg)
{
    Bench *bench = arg;
    double mb;

    start(bench, true);
    ksql(bench, create_orders);
    ksql(bench, create_totals);
    sleep(IDLE_SECONDS);
    mb = server_process_rss_mb(&bench->server);
    stop(bench, true);
    return (Sample){mb, 0};
}

void figures_start(const char *program)
{
    static const Figure empty = {"start to ready, empty data directory",
                                 "ms",
                                 50,
                                 true,
                                 "weir-server --version",
                                 run_start_empty};
    static const Figure resumed = {"start to ready, 100 queries to resume",
                                   "ms",
                                   500,
                                   true,
                                   "weir-server --version",
                                   run_start_resumed};
    static const Figure idle = {"idle resident memory, one query", "MB", 15, true, NULL, run_idle};
    Bench               bench = {.program = program};

    figure_measure(&empty, &bench);
    start(&bench, true);
    ksql(&bench, create_orders);
    for (int i = 0; i < RESUMED_QUERIES; i++) {
        char sql[128];

        snprintf(sql, sizeof sql, "CREATE STREAM f%d AS SELECT * FROM orders WHERE quantity > %d;",
                 i, i);
        ksql(&bench, sql);
    }
    stop(&bench, false);
    figure_measure(&resumed, &bench);
    bench_dir_remove(bench.dir);
    figure_measure(&idle, &bench);
}

/* --- from an INSERT to a subscriber ----------------------------------------------------------- */

typedef struct Latency {
    Bench *bench;
    int    push_fd, insert_fd;
    double p50_sent_ms; /* of the last run */
} Latency;

static int insert_body(char *out, size_t size, int64_t n)
{
    return snprintf(out, size,
                    "{\"ksql\":\"INSERT INTO orders (id, customer, quantity, price) VALUES "
                    "('o-%08" PRId64 "', 'c-%05d', %d, %d.25);\"}",
                    n, (int)(n % CUSTOMERS), (int)(n % 100), (int)(n % 1000));
}

/* Reads what is there behind *len; true when text is in it. */
static bool receive(int fd, char *into, size_t *len, const char *text)
{
    ssize_t got = recv(fd, into + *len, RESPONSE_BYTES - 1 - *len, MSG_DONTWAIT);

    if (got <= 0)
        bench_die("recv", "the server closed a connection");
    *len += (size_t)got;
    into[*len] = '\0';
    return strstr(into, text) != NULL;
}

/* One INSERT; when its answer and its row were there. */
static void insert_one(Latency *latency, int64_t n, double *acked_ms, double *row_ms)
{
    static char   answer[RESPONSE_BYTES], rows[RESPONSE_BYTES];
    struct pollfd fds[] = {{latency->insert_fd, POLLIN, 0}, {latency->push_fd, POLLIN, 0}};
    char          body[512], request[1024], id[32];
    size_t        answer_len = 0, rows_len = 0;
    double        began;

    insert_body(body, sizeof body, n);
    snprintf(id, sizeof id, "o-%08" PRId64, n);
    *acked_ms = *row_ms = -1;
    began = bench_now_s();
    http_send(latency->insert_fd, request, http_format(request, sizeof request, "/ksql", body));
    while (*acked_ms < 0 || *row_ms < 0) {
        double now_ms;

        if (poll(fds, 2, 5000) <= 0)
            bench_die("INSERT", "no answer or no row");
        now_ms = (bench_now_s() - began) * 1000;
        if (fds[0].revents && receive(latency->insert_fd, answer, &answer_len, "\r\n\r\n[]"))
            *acked_ms = now_ms;
        if (fds[1].revents && receive(latency->push_fd, rows, &rows_len, id))
            *row_ms = now_ms;
    }
}

static double echo_ms(int port)
{
    char          response[256];
    struct pollfd fd = {http_connect(port), POLLIN, 0};
    double        times[LATENCY_INSERTS];

    for (int i = 0; i < LATENCY_INSERTS; i++) {
        double began = bench_now_s();

        http_send(fd.fd, "GET", 3);
        if (poll(&fd, 1, 5000) <= 0 || recv(fd.fd, response, sizeof response, 0) <= 0)
            bench_die("echo", "no answer");
        times[i] = (bench_now_s() - began) * 1000;
    }
    close(fd.fd);
    qsort(times, LATENCY_INSERTS, sizeof times[0], bench_cmp);
    return times[LATENCY_INSERTS / 2];
}

static Sample run_latency(void *arg)
{
    Latency *latency = arg;
    Bench   *bench = latency->bench;
    double   after[LATENCY_INSERTS], sent[LATENCY_INSERTS];
    double   echo = echo_ms(bench->echo_port);

    for (int i = 0; i < LATENCY_INSERTS; i++) {
        double acked_ms, row_ms;

        insert_one(latency, bench->inserted++, &acked_ms, &row_ms);
        after[i] = row_ms > acked_ms ? row_ms - acked_ms : 0;
        sent[i] = row_ms;
        usleep(LATENCY_PAUSE_US);
    }
    qsort(after, LATENCY_INSERTS, sizeof after[0], bench_cmp);
    qsort(sent, LATENCY_INSERTS, sizeof sent[0], bench_cmp);
    latency->p50_sent_ms = sent[LATENCY_INSERTS / 2];
    return (Sample){after[LATENCY_INSERTS / 2], echo};
}

static Sample run_latency_sent(void *arg)
{
    Latency *latency = arg;
    double   append_ms = 1000 / calibrate_appends(latency->bench->dir, 4096, 50);

    (void)run_latency(arg);
    return (Sample){latency->p50_sent_ms, append_ms};
}

static void figures_latency(Bench *bench)
{
    static const Figure acked = {"INSERT acknowledged to row at subscriber, p50",
                                 "ms",
                                 5,
                                 true,
                                 "loopback echo, p50",
                                 run_latency};
    static const Figure sent = {"INSERT sent to row at subscriber, p50",
                                "ms",
                                0,
                                true,
                                "4 KB append, fdatasync",
                                run_latency_sent};
    Latency             latency = {.bench = bench};
    char                request[512], first[1024];
    size_t              len = http_format(request, sizeof request, "/query-stream",
                                          "{\"sql\":\"SELECT * FROM orders EMIT CHANGES;\"}");

    latency.insert_fd = http_connect(bench->server.port);
    latency.push_fd = http_connect(bench->server.port);
    http_send(latency.push_fd, request, len);
    if (recv(latency.push_fd, first, sizeof first, 0) <= 0)
        bench_die("push query", "no head came");
    figure_measure(&acked, &latency);
    figure_measure(&sent, &latency);
    close(latency.push_fd);
    close(latency.insert_fd);
}

/* --- inserts and pulls ------------------------------------------------------------------------ */

static Sample run_inserts(void *arg)
{
    Bench   *bench = arg;
    HttpLoad load = {.port = bench->server.port,
                     .connections = INSERT_CONNECTIONS,
                     .requests_max = INSERTS,
                     .seconds_max = 20,
                     .first = bench->inserted,
                     .body = insert_body,
                     .path = "/ksql",
                     .expect = "[]"};
    double   appends = calibrate_appends(bench->dir, 4096, 200);

    bench->inserted += INSERTS;
    return (Sample){http_load_run(&load), appends};
}

static int pull_body(char *out, size_t size, int64_t n)
{
    return snprintf(out, size, "{\"ksql\":\"SELECT * FROM totals WHERE customer='c-%05d';\"}",
                    (int)(n * 7919 % CUSTOMERS));
}

static Sample run_pulls(void *arg)
{
    const Bench *bench = arg;
    HttpLoad     load = {.port = bench->echo_port,
                         .connections = bench->connections,
                         .requests_max = INT64_MAX,
                         .seconds_max = 0.5,
                         .body = pull_body,
                         .path = "/query",
                         .expect = "[]"};
    double       echo = http_load_run(&load);

    load.port = bench->server.port;
    load.seconds_max = 1;
    load.expect = "\"c-";
    return (Sample){http_load_run(&load), echo};
}

/* Until the table knows the last customer. */
static void wait_for_totals(const Bench *bench)
{
    static char response[RESPONSE_BYTES];
    char        body[256];

    pull_body(body, sizeof body, CUSTOMERS - 1);
    for (int i = 0; i < 1000; i++) {
        http_once(bench->server.port, "/query", body, response, sizeof response);
        if (strstr(response, "\"c-"))
            return;
        usleep(10000);
    }
    bench_die("totals", "did not catch up");
}

static void figures_load(Bench *bench)
{
    static const Figure inserts = {"10 000 INSERTs over 16 connections, durable",
                                   "records/s",
                                   3000,
                                   false,
                                   "4 KB appends, fdatasync",
                                   run_inserts};
    static const Figure one = {
        "pull by key, 1 connection", "pulls/s", 15000, false, "loopback echo", run_pulls};
    static const Figure many = {
        "pull by key, 32 connections", "pulls/s", 40000, false, "loopback echo", run_pulls};

    figure_measure(&inserts, bench);
    ksql(bench, create_totals);
    wait_for_totals(bench);
    bench->connections = 1;
    figure_measure(&one, bench);
    bench->connections = 32;
    figure_measure(&many, bench);
}

void figures_http(const char *program)
{
    Bench bench = {.program = program};
    pid_t echo = http_echo_start(&bench.echo_port);

    start(&bench, true);
    ksql(&bench, create_orders);
    figures_latency(&bench);
    figures_load(&bench);
    stop(&bench, true);
    http_echo_stop(echo);
}
