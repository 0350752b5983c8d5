/*
 * crash_broker.c -- kill -9 of the embedded broker at any moment.
 *
 * A child writes: threads that produce single records, the last of them to a compacted topic, and a
 * committer whose commits are larger than a slice and go to two topics.  Whatever is acknowledged
 * is told to the parent through a pipe.  The parent kills the child after a random time, opens the
 * file and checks that
 *
 *     every acknowledged record is there, in the order of its writer
 *     every acknowledged commit is there, and of every other commit all of it or nothing
 *     of the compacted topic, the last record of each key
 *     nothing else: offsets are dense, and no bytes are left without a place
 *
 * and goes on over the same file, round after round.
 *
 *     crash_broker [ROUNDS [SEED]]
 */
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/limit.h"
#include "exec/brokers/broker_local.h"
#include "tests/support/temp_dir.h"

enum {
    PRODUCERS = 3,
    TABLE_WRITER = PRODUCERS - 1,
    TABLE_KEYS = 50,
    CHUNKS = 48,
    CHUNK_RECORDS = 50,
    VALUE_BYTES = 1000,
    COMMIT_TOPICS = 2
};

static const char *const commit_topics[COMMIT_TOPICS] = {"out", "changelog"};

/* child -> parent: what was acknowledged. */
typedef struct Ack {
    int     writer; /* PRODUCERS: the committer */
    int64_t number;
} Ack;

typedef struct Child {
    Broker *broker;
    int     pipe;
    int     writer;
    int64_t first; /* number to begin with */
} Child;

static _Noreturn void die(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    exit(1);
}

static void check(ErrCode rc, const Err *err)
{
    if (rc != ERR_OK)
        die("%s", err->msg);
}

static Broker *broker_start(const char *path)
{
    BrokerLocalOpts opts = {.path = path, .clock = clock_system(), .data_bytes_max = -1};
    Broker         *broker = NULL;
    Err             err;

    check(broker_local_open(&opts, &broker, &err), &err);
    return broker;
}

/* --- the child -------------------------------------------------------------------------------- */

static void tell(const Child *child, int64_t number)
{
    Ack ack = {child->writer, number};

    if (write(child->pipe, &ack, sizeof ack) != sizeof ack)
        _exit(1);
}

static char value[4 * VALUE_BYTES];

static void *produce_for_ever(void *arg)
{
    Child      *child = arg;
    bool        is_table = child->writer == TABLE_WRITER;
    const char *topic = is_table ? "table" : "singles";
    Err         err;

    for (int64_t number = child->first;; number++) {
        int    key = is_table ? (int)(number % TABLE_KEYS) : child->writer;
        Record record = {.key = {(const char *)&key, sizeof key},
                         .value = {value, is_table ? sizeof value : 8},
                         .ts = number};

        check(broker_produce_wait(child->broker, str_from(topic), 0, &record, NULL, &err), &err);
        tell(child, number);
    }
    return NULL;
}

static Chunk *chunk_make(const char *topic, int64_t number, int part)
{
    Chunk *chunk = chunk_new(str_from(topic), 0, NULL);

    for (int i = 0; i < CHUNK_RECORDS; i++) {
        Record record = {.value = {value, VALUE_BYTES}, .ts = number};
        int    index = part * CHUNK_RECORDS + i;

        record.key = (Str){(const char *)&index, sizeof index};
        chunk_append(chunk, &record);
    }
    return chunk;
}

static void *commit_for_ever(void *arg)
{
    Child     *child = arg;
    BrokerTxn *txn = NULL;
    Err        err;

    check(broker_txn_open(child->broker, STR("group"), &txn, &err), &err);
    for (int64_t number = child->first;; number++) {
        check(broker_txn_begin(txn, &err), &err);
        for (int i = 0; i < CHUNKS; i++) {
            for (int t = 0; t < COMMIT_TOPICS; t++)
                check(broker_txn_append(txn, chunk_make(commit_topics[t], number, i), &err), &err);
        }
        if (number % 5 == 4) {
            broker_txn_abort(txn);
            continue;
        }
        check(broker_txn_commit(txn, NULL, NULL, &err), &err);
        tell(child, number);
    }
    return NULL;
}

static _Noreturn void child_run(const char *path, int pipe, const int64_t *first)
{
    Broker   *broker = broker_start(path);
    Child     children[PRODUCERS + 1];
    pthread_t thread;

    for (int i = 0; i <= PRODUCERS; i++) {
        children[i] = (Child){broker, pipe, i, first[i]};
        if (pthread_create(&thread, NULL, i < PRODUCERS ? produce_for_ever : commit_for_ever,
                           &children[i]) != 0)
            die("no thread");
    }
    for (;;)
        pause();
}

/* --- what is left ----------------------------------------------------------------------------- */

typedef struct Found {
    int64_t acked[PRODUCERS + 1]; /* last number acknowledged, -1: none */
    int64_t last[PRODUCERS + 1];  /* last number found */
    int64_t table[TABLE_KEYS];    /* the same for each key of the compacted topic */
    int64_t compacted;            /* records that compaction took */
} Found;

typedef void (*OnRecord)(Found *found, const Record *record, int64_t count);

/* A number is an offset here: one writer, and every number was written. */
static void on_row(Found *found, const Record *record, int64_t count)
{
    int key;

    (void)count;
    memcpy(&key, record->key.ptr, sizeof key);
    if (record->offset != record->ts || record->ts <= found->last[TABLE_WRITER])
        die("row %lld at offset %lld", (long long)record->ts, (long long)record->offset);
    found->last[TABLE_WRITER] = record->ts;
    found->table[key] = record->ts;
}

static int64_t read_topic(Broker *broker, const char *topic, Found *found, OnRecord on_record)
{
    BrokerReader *reader = NULL;
    int64_t       position = 0, end = 0, count = 0;
    Err           err;

    check(broker_reader_open(broker, str_from(topic), 0, 0, (BrokerWake){0}, &reader, &err), &err);
    do {
        RecordBatch *batch = NULL;

        check(broker_reader_poll(reader, 1 << 20, &batch, &position, &end, &err), &err);
        for (uint32_t i = 0; batch && i < batch->len; i++, count++) {
            if (on_record != on_row && batch->records[i].offset != count)
                die("topic %s: offset %lld, expected %lld", topic,
                    (long long)batch->records[i].offset, (long long)count);
            on_record(found, &batch->records[i], count);
        }
        record_batch_unref(batch);
    } while (position < end);
    broker_reader_close(reader);
    return count;
}

static void on_single(Found *found, const Record *record, int64_t count)
{
    int writer;

    (void)count;
    memcpy(&writer, record->key.ptr, sizeof writer);
    if (record->ts != found->last[writer] + 1)
        die("writer %d: %lld after %lld", writer, (long long)record->ts,
            (long long)found->last[writer]);
    found->last[writer] = record->ts;
}

static void check_table(Broker *broker, Found *found)
{
    int64_t count = read_topic(broker, "table", found, on_row);
    int64_t last = found->last[TABLE_WRITER];

    for (int64_t n = last < TABLE_KEYS ? 0 : last - TABLE_KEYS + 1; n <= last; n++) {
        if (found->table[n % TABLE_KEYS] != n)
            die("key %lld: %lld is there, %lld was written", (long long)(n % TABLE_KEYS),
                (long long)found->table[n % TABLE_KEYS], (long long)n);
    }
    found->compacted = last + 1 - count;
}

/* A commit's records stand together, all of them. */
static void on_committed(Found *found, const Record *record, int64_t count)
{
    int64_t *last = &found->last[PRODUCERS];
    int      index;

    memcpy(&index, record->key.ptr, sizeof index);
    if (index != count % (CHUNKS * CHUNK_RECORDS))
        die("commit %lld: record %d at %lld", (long long)record->ts, index, (long long)count);
    if (record->ts % 5 == 4)
        die("commit %lld was aborted, and is there", (long long)record->ts);
    if (index == 0 ? record->ts <= *last : record->ts != *last)
        die("commit %lld after %lld", (long long)record->ts, (long long)*last);
    *last = record->ts;
}

static void check_no_orphans(const char *path)
{
    static const char sql[] = "SELECT (SELECT count(*) FROM blob WHERE id NOT IN"
                              " (SELECT blob FROM chunk)), (SELECT sum(from_blob) FROM staged)";
    sqlite3          *db = NULL;
    sqlite3_stmt     *stmt = NULL;

    if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK ||
        sqlite3_step(stmt) != SQLITE_ROW)
        die("%s", sqlite3_errmsg(db));
    if (sqlite3_column_int64(stmt, 0) != 0 || sqlite3_column_int64(stmt, 1) != 0)
        die("%lld chunks of bytes without a place", (long long)sqlite3_column_int64(stmt, 0));
    sqlite3_finalize(stmt);
    sqlite3_close(db);
}

static void check_file(const char *path, Found *found)
{
    Broker *broker = broker_start(path);
    int64_t counts[COMMIT_TOPICS];
    int64_t last = -1;

    check_no_orphans(path);
    for (int i = 0; i <= PRODUCERS; i++)
        found->last[i] = -1;
    read_topic(broker, "singles", found, on_single);
    check_table(broker, found);
    for (int t = 0; t < COMMIT_TOPICS; t++) {
        found->last[PRODUCERS] = -1;
        counts[t] = read_topic(broker, commit_topics[t], found, on_committed);
        if (counts[t] % (CHUNKS * CHUNK_RECORDS) != 0)
            die("topic %s: half a commit", commit_topics[t]);
        if (t > 0 && (counts[t] != counts[0] || found->last[PRODUCERS] != last))
            die("the topics of a commit differ");
        last = found->last[PRODUCERS];
    }
    for (int i = 0; i <= PRODUCERS; i++) {
        if (found->last[i] < found->acked[i])
            die("writer %d: %lld was acknowledged, %lld is the last there", i,
                (long long)found->acked[i], (long long)found->last[i]);
    }
    broker_close(broker);
}

/* --- the parent ------------------------------------------------------------------------------- */

static void topics_make(const char *path)
{
    static const char *const names[] = {"singles", "table", "out", "changelog"};
    Broker                  *broker = broker_start(path);
    Err                      err;

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        TopicSpec spec = {.name = str_from(names[i]),
                          .partitions = 1,
                          .replicas = -1,
                          .retention_ms = -1,
                          .cleanup = i == 1 ? TOPIC_COMPACT : TOPIC_LOG};

        check(broker_topic_create(broker, &spec, &err), &err);
    }
    broker_close(broker);
}

/* The pipe is read to its end, so that no acknowledgement is missed. */
static void round_run(const char *path, Found *found, unsigned after_us)
{
    int64_t first[PRODUCERS + 1];
    int     ends[2];
    pid_t   child;
    Ack     ack;

    for (int i = 0; i <= PRODUCERS; i++)
        first[i] = found->last[i] + 1;
    if (pipe(ends) != 0)
        die("no pipe");
    child = fork();
    if (child == 0) {
        close(ends[0]);
        child_run(path, ends[1], first);
    }
    close(ends[1]);
    usleep(after_us);
    kill(child, SIGKILL);
    while (read(ends[0], &ack, sizeof ack) == sizeof ack)
        found->acked[ack.writer] = ack.number;
    close(ends[0]);
    waitpid(child, NULL, 0);
}

int main(int argc, char **argv)
{
    int         rounds = argc > 1 ? atoi(argv[1]) : 25;
    unsigned    seed = argc > 2 ? (unsigned)atoi(argv[2]) : (unsigned)getpid();
    Arena      *mem = arena_new(0);
    const char *dir = temp_dir_make(mem);
    const char *path = str_to_c(mem, str_printf(mem, "%s/broker.db", dir));
    Found       found;

    limits_init(&g_limits);
    srandom(seed);
    for (int i = 0; i <= PRODUCERS; i++)
        found.acked[i] = found.last[i] = -1;
    topics_make(path);
    for (int i = 0; i < rounds; i++) {
        round_run(path, &found, 20000 + (unsigned)random() % (i % 4 == 0 ? 1000000 : 200000));
        check_file(path, &found);
    }
    printf("%d kills (seed %u): %lld single records, %lld compacted away, %lld commits\n", rounds,
           seed, (long long)(found.last[0] + found.last[1] + found.last[2] + PRODUCERS),
           (long long)found.compacted, (long long)found.last[PRODUCERS] + 1);
    temp_dir_remove(dir);
    arena_free(mem);
    return 0;
}
