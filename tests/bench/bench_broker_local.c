/*
 * bench_broker_local.c -- the embedded broker on a file: commits of chunks, backlog reads, single
 * records.
 */
#include "tests/bench/bench.h"

#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/limit.h"
#include "exec/brokers/broker_local.h"

enum {
    RECORD_BYTES = 190,
    CHUNKS_PER_COMMIT = 64,
    COMMITS = 10,
    APPENDS = 200,
    SINGLES = 300,
    THREADS = 16
};

typedef struct Bench {
    char    dir[64];
    char    path[96];
    Broker *broker;
    int64_t records; /* in the topic */
    char    value[RECORD_BYTES];
} Bench;

static void check(ErrCode rc, const Err *err)
{
    if (rc == ERR_OK)
        return;
    fprintf(stderr, "%s\n", err->msg);
    exit(1);
}

static Chunk *chunk_fill(Bench *bench)
{
    Chunk *chunk = chunk_new(STR("bench"), 0, NULL);
    Record record = {.key = STR("key-0123"), .value = {bench->value, RECORD_BYTES}, .ts = 1};

    while (chunk->bytes.len + RECORD_BYTES + 8 + RECORD_HEAD_BYTES <= CHUNK_BYTES)
        chunk_append(chunk, &record);
    return chunk;
}

/* What the disk does at best: appends of a chunk with fdatasync. */
static double run_append(void *arg)
{
    Bench *bench = arg;
    char   path[128];
    char   page[4096] = {0};
    double started, took;
    int    fd;

    snprintf(path, sizeof path, "%s/append", bench->dir);
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    started = bench_now_s();
    for (int i = 0; i < APPENDS; i++) {
        if (write(fd, page, sizeof page) != sizeof page || fdatasync(fd) != 0)
            exit(1);
    }
    took = bench_now_s() - started;
    close(fd);
    unlink(path);
    return APPENDS / took;
}

static double run_commits(void *arg)
{
    Bench     *bench = arg;
    BrokerTxn *txn = NULL;
    int64_t    records = 0;
    double     took = 0;
    Err        err;

    check(broker_txn_open(bench->broker, STR("bench"), &txn, &err), &err);
    for (int i = 0; i < COMMITS; i++) {
        Chunk *chunks[CHUNKS_PER_COMMIT];
        double started;

        for (int c = 0; c < CHUNKS_PER_COMMIT; c++) {
            chunks[c] = chunk_fill(bench);
            records += chunks[c]->count;
        }
        started = bench_now_s();
        check(broker_txn_begin(txn, &err), &err);
        for (int c = 0; c < CHUNKS_PER_COMMIT; c++)
            check(broker_txn_append(txn, chunks[c], &err), &err);
        check(broker_txn_commit(txn, NULL, NULL, &err), &err);
        took += bench_now_s() - started;
    }
    broker_txn_close(txn);
    bench->records += records;
    return (double)records / took;
}

static double run_read(void *arg)
{
    Bench        *bench = arg;
    BrokerReader *reader = NULL;
    double        started = bench_now_s();
    int64_t       records = 0, bytes = 0, position = 0, end = 0;
    Err           err;

    check(broker_reader_open(bench->broker, STR("bench"), 0, 0, (BrokerWake){0}, &reader, &err),
          &err);
    do {
        RecordBatch *batch = NULL;

        check(broker_reader_poll(reader, 1 << 18, &batch, &position, &end, &err), &err);
        for (uint32_t i = 0; batch && i < batch->len; i++)
            bytes += (int64_t)batch->records[i].value.len;
        records += batch ? batch->len : 0;
        record_batch_unref(batch);
    } while (position < end);
    broker_reader_close(reader);
    if (records != bench->records || bytes != records * RECORD_BYTES)
        exit(1);
    return (double)records / (bench_now_s() - started);
}

static void *produce_some(void *arg)
{
    Bench *bench = arg;
    Record record = {.key = STR("key"), .value = {bench->value, RECORD_BYTES}, .ts = 1};
    Err    err;

    for (int i = 0; i < SINGLES; i++)
        check(broker_produce_wait(bench->broker, STR("singles"), 0, &record, NULL, &err), &err);
    return NULL;
}

static double run_single(void *arg)
{
    double started = bench_now_s();

    produce_some(arg);
    return SINGLES / (bench_now_s() - started);
}

static double run_singles(void *arg)
{
    pthread_t threads[THREADS];
    double    started = bench_now_s();

    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, produce_some, arg);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    return THREADS * SINGLES / (bench_now_s() - started);
}

static void topic_make(Bench *bench, const char *name)
{
    TopicSpec spec = {.name = str_from(name), .partitions = 1, .replicas = -1, .retention_ms = -1};
    Err       err;

    check(broker_topic_create(bench->broker, &spec, &err), &err);
}

static void clean_up(Bench *bench)
{
    static const char *const suffixes[] = {"", "-wal", "-shm", ".lock"};

    broker_close(bench->broker);
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        char path[128];

        snprintf(path, sizeof path, "%s%s", bench->path, suffixes[i]);
        unlink(path);
    }
    rmdir(bench->dir);
}

int main(void)
{
    Bench           bench = {0};
    BrokerLocalOpts opts = {.path = bench.path, .clock = clock_system(), .data_bytes_max = -1};
    const char     *tmp = getenv("TMPDIR");
    Err             err;

    limits_init(&g_limits);
    memset(bench.value, 'v', sizeof bench.value);
    snprintf(bench.dir, sizeof bench.dir, "%.40s/weir-bench-XXXXXX", tmp ? tmp : "/tmp");
    if (!mkdtemp(bench.dir))
        return 1;
    snprintf(bench.path, sizeof bench.path, "%s/broker.db", bench.dir);
    check(broker_local_open(&opts, &bench.broker, &err), &err);
    topic_make(&bench, "bench");
    topic_make(&bench, "singles");

    bench_head("embedded broker, records of 190 bytes, on a file");
    bench_row("calibration: append of 4 KB with fdatasync", "appends/s", run_append, &bench);
    bench_row("commits of 64 full chunks (4 MB)", "records/s", run_commits, &bench);
    bench_row("reading a backlog from the file", "records/s", run_read, &bench);
    bench_row("single records, one writer, each durable", "records/s", run_single, &bench);
    bench_row("single records, 16 writers, each durable", "records/s", run_singles, &bench);
    clean_up(&bench);
    return 0;
}
