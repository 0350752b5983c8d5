#include "tests/bench/kafka_load.h"

#include <librdkafka/rdkafka.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/arena.h"
#include "tests/bench/bench.h"
#include "tests/bench/server_process.h"

enum {
    BATCH = 512,
    WAIT_MS = 30000,
    COMMIT_MS = 100,
    LOOP_SECONDS_MAX = 120,
    LATENCY_RECORDS_MAX = 1000000
};

/* --- handles ---------------------------------------------------------------------------------- */

static void set(rd_kafka_conf_t *conf, const char *name, const char *value)
{
    char why[256];

    if (rd_kafka_conf_set(conf, name, value, why, sizeof why) != RD_KAFKA_CONF_OK)
        bench_die(name, why);
}

/* pairs: name, value, ..., NULL. */
static rd_kafka_t *handle(rd_kafka_type_t type, const char *servers, const char *const *pairs)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_t      *rk;
    char             why[256];

    set(conf, "bootstrap.servers", servers);
    for (; *pairs; pairs += 2)
        set(conf, pairs[0], pairs[1]);
    rk = rd_kafka_new(type, conf, why, sizeof why);
    if (!rk)
        bench_die("librdkafka", why);
    return rk;
}

static void check(rd_kafka_resp_err_t code, const char *what)
{
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        bench_die(what, rd_kafka_err2str(code));
}

static void check_error(rd_kafka_error_t *error, const char *what)
{
    if (error)
        bench_die(what, rd_kafka_error_string(error));
}

static const char *const producer_pairs[] = {
    "enable.idempotence",           "true",     "linger.ms", "5",
    "queue.buffering.max.messages", "10000000", NULL};

static rd_kafka_t *plain_producer(const char *servers)
{
    return handle(RD_KAFKA_PRODUCER, servers, producer_pairs);
}

/* The broker knows of a new topic a moment after it has answered. */
static void await_topic(rd_kafka_t *rk, const char *topic)
{
    rd_kafka_topic_t *rkt = rd_kafka_topic_new(rk, topic, NULL);
    double            until = bench_now_s() + WAIT_MS / 1000.0;
    int               partitions = 0;

    while (partitions < KAFKA_LOAD_PARTITIONS && bench_now_s() < until) {
        const struct rd_kafka_metadata *metadata;

        usleep(20000);
        if (rd_kafka_metadata(rk, 0, rkt, &metadata, WAIT_MS) != RD_KAFKA_RESP_ERR_NO_ERROR)
            continue;
        if (metadata->topic_cnt > 0 && metadata->topics[0].err == RD_KAFKA_RESP_ERR_NO_ERROR)
            partitions = metadata->topics[0].partition_cnt;
        rd_kafka_metadata_destroy(metadata);
    }
    if (partitions < KAFKA_LOAD_PARTITIONS)
        bench_die(topic, "not known in time");
    rd_kafka_topic_destroy(rkt);
}

void kafka_topic_new(const char *servers, const char *topic)
{
    rd_kafka_t          *rk = plain_producer(servers);
    rd_kafka_queue_t    *queue = rd_kafka_queue_new(rk);
    char                 why[256];
    rd_kafka_NewTopic_t *spec =
        rd_kafka_NewTopic_new(topic, KAFKA_LOAD_PARTITIONS, 1, why, sizeof why);
    rd_kafka_event_t               *event;
    const rd_kafka_topic_result_t **results;
    size_t                          len;

    rd_kafka_CreateTopics(rk, &spec, 1, NULL, queue);
    event = rd_kafka_queue_poll(queue, WAIT_MS);
    if (!event)
        bench_die(topic, "not created in time");
    results = rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &len);
    check(rd_kafka_topic_result_error(results[0]), topic);
    rd_kafka_event_destroy(event);
    rd_kafka_NewTopic_destroy(spec);
    rd_kafka_queue_destroy(queue);
    await_topic(rk, topic);
    rd_kafka_destroy(rk);
}

/* --- producing -------------------------------------------------------------------------------- */

/* Waits while the producer's queue is full. */
static void produce(rd_kafka_t *rk, rd_kafka_topic_t *topic, int32_t partition, const void *key,
                    size_t key_len, const void *value, size_t value_len, int64_t ts)
{
    rd_kafka_resp_err_t code;

    while ((code = rd_kafka_producev(
                rk, RD_KAFKA_V_RKT(topic), RD_KAFKA_V_PARTITION(partition),
                RD_KAFKA_V_KEY(key, key_len), RD_KAFKA_V_VALUE((void *)(uintptr_t)value, value_len),
                RD_KAFKA_V_TIMESTAMP(ts), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                RD_KAFKA_V_END)) == RD_KAFKA_RESP_ERR__QUEUE_FULL)
        rd_kafka_poll(rk, 10);
    check(code, "produce");
}

/* Records of long ago would be deleted at once. */
static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void kafka_fill_orders(const char *servers, const char *topic, int64_t orders)
{
    static const char *const states[] = {"NEW", "PAID", "SHIPPED", "RETURNED"};
    rd_kafka_t              *rk = plain_producer(servers);
    rd_kafka_topic_t        *rkt = rd_kafka_topic_new(rk, topic, NULL);
    int64_t                  ts = now_ms();
    char                     key[32], value[512];

    for (int64_t i = 0; i < orders; i++) {
        unsigned n = (unsigned)i, customer = (unsigned)((uint64_t)i * 7919 % KAFKA_LOAD_KEYS);
        int      key_len = snprintf(key, sizeof key, "customer-%06u", customer);
        int      len =
            snprintf(value, sizeof value,
                     "{\"ORDER_ID\":%u,\"REGION\":\"region-%04u\",\"ITEM\":\"item-%04u\","
                     "\"QUANTITY\":%u,\"PRICE\":%u.%02u,\"CITY\":\"city-%03u\",\"STATUS\":\"%s\","
                     "\"NOTE\":\"leave it at the door, please ring\"}",
                     n, (unsigned)((uint64_t)i * 31 % KAFKA_LOAD_REGIONS), n % 5000, n % 20,
                     n % 900 + 10, n % 100, n % 500, states[n & 3]);

        produce(rk, rkt, (int32_t)(customer % KAFKA_LOAD_PARTITIONS), key, (size_t)key_len, value,
                (size_t)len, ts);
        if (i % 1024 == 0)
            rd_kafka_poll(rk, 0);
    }
    check(rd_kafka_flush(rk, WAIT_MS * 4), "fill");
    rd_kafka_topic_destroy(rkt);
    rd_kafka_destroy(rk);
}

int64_t kafka_readable(const char *servers, const char *topic)
{
    static const char *const pairs[] = {"group.id", "bench", "isolation.level", "read_committed",
                                        NULL};
    static rd_kafka_t       *rk;
    int64_t                  sum = 0;

    if (!rk)
        rk = handle(RD_KAFKA_CONSUMER, servers, pairs);
    for (int32_t i = 0; i < KAFKA_LOAD_PARTITIONS; i++) {
        int64_t begin = 0, end = 0;

        if (rd_kafka_query_watermark_offsets(rk, topic, i, &begin, &end, WAIT_MS) ==
            RD_KAFKA_RESP_ERR_NO_ERROR)
            sum += end - begin;
    }
    return sum;
}

/* --- the bare loop ---------------------------------------------------------------------------- */

typedef struct Loop {
    rd_kafka_t       *consumer, *producer;
    rd_kafka_queue_t *queues[KAFKA_LOAD_PARTITIONS];
    unsigned          turn;
    rd_kafka_topic_t *to;
    int64_t           left;
    bool              is_transactional;
    double            committed_s;
} Loop;

/* The idle topic keeps the fetcher awake, as Weir's does: see broker_kafka_consumer.c. */
static void loop_assign(Loop *loop, const char *from, const char *idle)
{
    rd_kafka_topic_partition_list_t *list =
        rd_kafka_topic_partition_list_new(KAFKA_LOAD_PARTITIONS + 1);

    for (int32_t i = 0; i < KAFKA_LOAD_PARTITIONS; i++)
        rd_kafka_topic_partition_list_add(list, from, i)->offset = 0;
    rd_kafka_topic_partition_list_add(list, idle, 0)->offset = 0;
    check(rd_kafka_assign(loop->consumer, list), "assign");
    rd_kafka_topic_partition_list_destroy(list);
    for (int32_t i = 0; i < KAFKA_LOAD_PARTITIONS; i++) {
        loop->queues[i] = rd_kafka_queue_get_partition(loop->consumer, from, i);
        rd_kafka_queue_forward(loop->queues[i], NULL);
    }
}

static void loop_commit(Loop *loop, bool is_last)
{
    double now = bench_now_s();

    if (!loop->is_transactional || (!is_last && now - loop->committed_s < COMMIT_MS / 1000.0))
        return;
    check_error(rd_kafka_commit_transaction(loop->producer, WAIT_MS), "commit");
    if (!is_last)
        check_error(rd_kafka_begin_transaction(loop->producer), "begin");
    loop->committed_s = now;
}

/* The next batch of whichever partition has one; sleeps when none has. */
static ssize_t loop_consume(Loop *loop, rd_kafka_message_t **messages)
{
    for (int i = 0; i < KAFKA_LOAD_PARTITIONS; i++) {
        rd_kafka_queue_t *queue = loop->queues[loop->turn++ % KAFKA_LOAD_PARTITIONS];
        ssize_t           len = rd_kafka_consume_batch_queue(queue, 0, messages, BATCH);

        if (len > 0)
            return len;
    }
    usleep(1000);
    return 0;
}

static void loop_run(Loop *loop)
{
    rd_kafka_message_t *messages[BATCH];
    double              until = bench_now_s() + LOOP_SECONDS_MAX;

    loop->committed_s = bench_now_s();
    while (loop->left > 0) {
        ssize_t len = loop_consume(loop, messages);

        for (ssize_t i = 0; i < len; i++) {
            const rd_kafka_message_t *message = messages[i];

            if (!message->err) {
                produce(loop->producer, loop->to, message->partition, message->key,
                        message->key_len, message->payload, message->len,
                        rd_kafka_message_timestamp(message, NULL));
                loop->left--;
            } else if (message->err != RD_KAFKA_RESP_ERR__PARTITION_EOF) {
                bench_die("bare loop", rd_kafka_message_errstr(message));
            }
            rd_kafka_message_destroy(messages[i]);
        }
        rd_kafka_poll(loop->producer, 0);
        loop_commit(loop, false);
        if (bench_now_s() > until)
            bench_die("bare loop", "it takes too long");
    }
    loop_commit(loop, true);
    check(rd_kafka_flush(loop->producer, WAIT_MS), "flush");
}

static rd_kafka_t *loop_producer(const char *servers, bool is_transactional)
{
    static const char *const pairs[] = {"transactional.id",
                                        "bench-bare",
                                        "linger.ms",
                                        "5",
                                        "queue.buffering.max.messages",
                                        "10000000",
                                        "queue.buffering.max.kbytes",
                                        "262144",
                                        NULL};
    rd_kafka_t              *rk;

    if (!is_transactional)
        return plain_producer(servers);
    rk = handle(RD_KAFKA_PRODUCER, servers, pairs);
    check_error(rd_kafka_init_transactions(rk, WAIT_MS), "init_transactions");
    check_error(rd_kafka_begin_transaction(rk), "begin");
    return rk;
}

static double process_cpu_s(void)
{
    struct rusage use;

    getrusage(RUSAGE_SELF, &use);
    return (double)use.ru_utime.tv_sec + (double)use.ru_stime.tv_sec +
           (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
}

static BareLoop loop_measure(const char *servers, const char *from, const char *to,
                             const char *idle, int64_t messages, int64_t fetch_bytes,
                             bool is_transactional)
{
    /* What a consumer of Weir's sets while a partition has one feed: see broker_kafka_consumer.c.
     */
    char              kbytes[32], count[32];
    const char *const pairs[] = {"group.id",
                                 "bench-bare",
                                 "enable.auto.commit",
                                 "false",
                                 "enable.auto.offset.store",
                                 "false",
                                 "check.crcs",
                                 "true",
                                 "isolation.level",
                                 "read_committed",
                                 "auto.offset.reset",
                                 "error",
                                 "fetch.wait.max.ms",
                                 "20",
                                 "fetch.error.backoff.ms",
                                 "50",
                                 "queued.max.messages.kbytes",
                                 kbytes,
                                 "queued.min.messages",
                                 count,
                                 NULL};
    Loop              loop = {.left = messages, .is_transactional = is_transactional};
    BareLoop          out;
    double            began, cpu;

    snprintf(kbytes, sizeof kbytes, "%lld", (long long)fetch_bytes / 32 / 1024);
    snprintf(count, sizeof count, "%lld", (long long)fetch_bytes / 32 / 512);
    loop.producer = loop_producer(servers, is_transactional);
    loop.to = rd_kafka_topic_new(loop.producer, to, NULL);
    loop.consumer = handle(RD_KAFKA_CONSUMER, servers, pairs);
    rd_kafka_poll_set_consumer(loop.consumer);
    cpu = process_cpu_s();
    began = bench_now_s();
    loop_assign(&loop, from, idle);
    loop_run(&loop);
    out.wall_s = bench_now_s() - began;
    out.cpu_us = (process_cpu_s() - cpu) * 1e6 / (double)messages;
    return out;
}

BareLoop kafka_bare_loop(const char *servers, const char *from, const char *to, const char *idle,
                         int64_t messages, int64_t fetch_bytes, int is_transactional)
{
    BareLoop out;
    int      ends[2], status;
    pid_t    pid;

    fflush(stdout);
    if (pipe(ends) != 0 || (pid = fork()) < 0)
        bench_die("bare loop", "could not start a process");
    if (pid == 0) {
        out = loop_measure(servers, from, to, idle, messages, fetch_bytes, is_transactional != 0);
        _exit(write(ends[1], &out, sizeof out) != (ssize_t)sizeof out);
    }
    close(ends[1]);
    if (read(ends[0], &out, sizeof out) != (ssize_t)sizeof out)
        bench_die("bare loop", "it ended without a figure");
    close(ends[0]);
    waitpid(pid, &status, 0);
    return out;
}

/* --- latency ---------------------------------------------------------------------------------- */

typedef struct Pace {
    const char *servers, *topic;
    int         per_second;
    int64_t     records;
} Pace;

/* A record's value is the time at which it was produced. */
static void *pace_run(void *arg)
{
    static const char *const pairs[] = {"enable.idempotence", "true", "linger.ms", "0", NULL};
    const Pace              *pace = arg;
    rd_kafka_t              *rk = handle(RD_KAFKA_PRODUCER, pace->servers, pairs);
    rd_kafka_topic_t        *topic = rd_kafka_topic_new(rk, pace->topic, NULL);
    double                   began = bench_now_s();

    for (int64_t i = 0; i < pace->records; i++) {
        double due = began + (double)i / pace->per_second, now;
        char   key[32], value[64];
        int    key_len = snprintf(key, sizeof key, "k%lld", (long long)i), len;

        while ((now = bench_now_s()) < due)
            usleep((useconds_t)((due - now) * 1e6) + 1);
        len = snprintf(value, sizeof value, "{\"SENT\":%.0f}", now * 1e6);
        produce(rk, topic, (int32_t)(i % KAFKA_LOAD_PARTITIONS), key, (size_t)key_len, value,
                (size_t)len, now_ms());
        rd_kafka_poll(rk, 0);
    }
    check(rd_kafka_flush(rk, WAIT_MS), "flush");
    rd_kafka_topic_destroy(topic);
    rd_kafka_destroy(rk);
    return NULL;
}

/* How long ago the record was produced, in ms. */
static double age_ms(const rd_kafka_message_t *message)
{
    char        text[64];
    size_t      len = message->len < sizeof text - 1 ? message->len : sizeof text - 1;
    const char *sent;

    memcpy(text, message->payload, len);
    text[len] = '\0';
    sent = strchr(text, ':');
    if (!sent)
        bench_die("output", text);
    return (bench_now_s() * 1e6 - strtod(sent + 1, NULL)) / 1000;
}

/* Reads what comes from now on; how many ages it took. */
static size_t read_ages(rd_kafka_t *rk, double *ages, size_t len_max, double seconds)
{
    double until = bench_now_s() + seconds;
    size_t len = 0;

    while (len < len_max && bench_now_s() < until) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(rk, 100);

        if (message && !message->err)
            ages[len++] = age_ms(message);
        if (message)
            rd_kafka_message_destroy(message);
    }
    return len;
}

Latency kafka_latency(const char *servers, const char *from, const char *to, int per_second,
                      int seconds)
{
    static const char *const pairs[] = {"group.id",
                                        "bench-latency",
                                        "isolation.level",
                                        "read_committed",
                                        "fetch.wait.max.ms",
                                        "5",
                                        "enable.auto.commit",
                                        "false",
                                        NULL};
    Pace                     pace = {servers, from, per_second, (int64_t)per_second * seconds};
    rd_kafka_t              *rk = handle(RD_KAFKA_CONSUMER, servers, pairs);
    rd_kafka_topic_partition_list_t *list =
        rd_kafka_topic_partition_list_new(KAFKA_LOAD_PARTITIONS);
    double   *ages = MEM_ARRAY(double, LATENCY_RECORDS_MAX);
    size_t    len, warm = (size_t)per_second; /* the first second */
    pthread_t thread;
    Latency   out;

    rd_kafka_poll_set_consumer(rk);
    for (int32_t i = 0; i < KAFKA_LOAD_PARTITIONS; i++)
        rd_kafka_topic_partition_list_add(list, to, i)->offset = RD_KAFKA_OFFSET_END;
    check(rd_kafka_assign(rk, list), "assign");
    rd_kafka_topic_partition_list_destroy(list);
    sleep(1); /* the ends are being asked for */
    if (pthread_create(&thread, NULL, pace_run, &pace) != 0)
        bench_die("latency", "could not start a thread");
    len = read_ages(rk, ages, (size_t)pace.records, seconds + 5.0);
    pthread_join(thread, NULL);
    rd_kafka_consumer_close(rk);
    rd_kafka_destroy(rk);
    if (len < (size_t)pace.records * 9 / 10)
        bench_die("latency", "records are missing in the output");
    qsort(ages + warm, len - warm, sizeof *ages, bench_cmp);
    out.p50_ms = ages[warm + (len - warm) / 2];
    out.p99_ms = ages[warm + (len - warm) * 99 / 100];
    mem_free(ages);
    return out;
}
