/*
 * broker.c -- the broker's interface: calls through the driver's class, and what is the same for
 * all drivers.
 */
#include "exec/broker.h"

#include <pthread.h>
#include <stdio.h>
#include <time.h>

#include "common/limit.h"
#include "common/log.h"

enum { READ_BYTES = 8 * CHUNK_BYTES, READ_TELL_MS = 5000, READ_LOOK_MS = 200 };

ErrCode broker_topic_create(Broker *broker, const TopicSpec *spec, Err *err)
{
    return broker->cls->topic_create(broker, spec, err);
}

/* Does the policy of a topic that is there keep what one made to spec would keep? */
static bool keeps(const TopicInfo *info, const TopicSpec *spec)
{
    TopicCleanup there = info->spec.cleanup;
    bool is_log = there == TOPIC_LOG || (there == TOPIC_DELETE && info->spec.retention_ms < 0 &&
                                         info->retention_bytes < 0);

    switch (spec->cleanup) {
    case TOPIC_LOG:
        return is_log;
    case TOPIC_COMPACT:
    case TOPIC_STATE:
        return is_log || there == TOPIC_COMPACT || there == TOPIC_STATE;
    case TOPIC_DELETE:
    case TOPIC_COMPACT_DELETE:
        break;
    }
    return true;
}

static ErrCode check_own(const TopicInfo *info, const TopicSpec *spec, Err *err)
{
    if (info->spec.partitions < spec->partitions)
        return err_set(err, ERR_CONFIG, "topic \"%.*s\" has %u partition%s, but Weir needs %u",
                       STR_ARG(spec->name), info->spec.partitions,
                       info->spec.partitions == 1 ? "" : "s", spec->partitions);
    if (keeps(info, spec))
        return ERR_OK;
    err_set(err, ERR_CONFIG,
            "topic \"%.*s\" exists with a cleanup policy that drops what Weir keeps there",
            STR_ARG(spec->name));
    if (spec->cleanup != TOPIC_LOG)
        err_hint(err, "set its cleanup.policy to compact");
    else
        err_hint(err, "set its cleanup.policy to delete, retention.ms and retention.bytes to -1");
    return ERR_CONFIG;
}

ErrCode broker_topic_ensure(Broker *broker, const TopicSpec *spec, Err *err)
{
    ErrCode   rc = broker_topic_create(broker, spec, err);
    TopicInfo info;
    Arena    *mem;

    if (rc != ERR_TOPIC_EXISTS)
        return rc;
    mem = arena_new(0);
    rc = broker_topic_describe(broker, spec->name, mem, &info, err);
    if (rc == ERR_OK)
        rc = check_own(&info, spec, err);
    arena_free(mem);
    return rc;
}

ErrCode broker_topic_delete(Broker *broker, Str name, Err *err)
{
    return broker->cls->topic_delete(broker, name, err);
}

ErrCode broker_topic_describe(Broker *broker, Str name, Arena *arena, TopicInfo *out, Err *err)
{
    return broker->cls->topic_describe(broker, name, arena, out, err);
}

ErrCode broker_topics(Broker *broker, Arena *arena, TopicInfo **out, size_t *len, Err *err)
{
    return broker->cls->topics(broker, arena, out, len, err);
}

ErrCode broker_topic_ends(Broker *broker, Str name, PartitionEnds *ends, uint32_t partitions,
                          Err *err)
{
    return broker->cls->topic_ends(broker, name, ends, partitions, err);
}

void record_batch_ref(RecordBatch *batch)
{
    __atomic_add_fetch(&batch->refs, 1, __ATOMIC_RELAXED);
}

void record_batch_unref(RecordBatch *batch)
{
    if (batch && __atomic_sub_fetch(&batch->refs, 1, __ATOMIC_ACQ_REL) == 0)
        batch->release(batch);
}

ErrCode broker_reader_open(Broker *broker, Str topic, uint32_t partition, int64_t offset,
                           BrokerWake wake, BrokerReader **out, Err *err)
{
    return broker->cls->reader_open(broker, topic, partition, offset, wake, out, err);
}

ErrCode broker_reader_poll(BrokerReader *reader, size_t bytes_max, RecordBatch **out,
                           int64_t *position, int64_t *readable_end, Err *err)
{
    return reader->cls->reader_poll(reader, bytes_max, out, position, readable_end, err);
}

ErrCode broker_reader_seek(BrokerReader *reader, int64_t offset, Err *err)
{
    return reader->cls->reader_seek(reader, offset, err);
}

void broker_reader_close(BrokerReader *reader)
{
    if (reader)
        reader->cls->reader_close(reader);
}

/* --- reading a range to its end --------------------------------------------------------------- */

/* any thread -> the caller of broker_read_range(): there may be something to read */
typedef struct ReadWait {
    Broker         *broker;
    pthread_mutex_t mutex;
    pthread_cond_t  changed;
    bool            is_woken;
    bool            is_told; /* the reader's own: the silence is known */
} ReadWait;

static void read_wait_wake(void *arg)
{
    ReadWait *wait = arg;

    pthread_mutex_lock(&wait->mutex);
    wait->is_woken = true;
    pthread_cond_signal(&wait->changed);
    pthread_mutex_unlock(&wait->mutex);
}

static int64_t read_now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void read_wait_init(ReadWait *wait)
{
    pthread_condattr_t attr;

    pthread_mutex_init(&wait->mutex, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&wait->changed, &attr);
    pthread_condattr_destroy(&attr);
}

static void read_wait_deinit(ReadWait *wait)
{
    pthread_cond_destroy(&wait->changed);
    pthread_mutex_destroy(&wait->mutex);
}

/* Until it is woken, or until that time. */
static void read_wait(ReadWait *wait, int64_t until_ms)
{
    struct timespec until = {.tv_sec = until_ms / 1000, .tv_nsec = until_ms % 1000 * 1000000};
    int             rc = 0;

    pthread_mutex_lock(&wait->mutex);
    while (!wait->is_woken && rc == 0)
        rc = pthread_cond_timedwait(&wait->changed, &wait->mutex, &until);
    wait->is_woken = false;
    pthread_mutex_unlock(&wait->mutex);
}

static ErrCode read_visit(RecordBatch *records, BrokerVisit visit, void *arg, Err *err)
{
    ErrCode rc = ERR_OK;

    for (uint32_t i = 0; rc == ERR_OK && records && i < records->len; i++)
        rc = visit(arg, &records->records[i], err);
    record_batch_unref(records);
    return rc;
}

/* What the driver says, or, when it knows of nothing, what is waited for. */
static void read_tell(ReadWait *wait, const BrokerRange *range, int64_t position)
{
    BrokerWatch *watch = wait->broker->watch;
    BrokerHealth health;

    log_line(LOG_INFO, "broker", "waiting for topic \"%.*s\" at offset %lld of %lld",
             STR_ARG(range->topic), (long long)position, (long long)range->end);
    wait->is_told = true;
    if (!watch)
        return;
    broker_health(wait->broker, &health);
    if (health.is_healthy) {
        health.is_healthy = false;
        snprintf(health.why, sizeof health.why,
                 "waiting for topic \"%.*s\" at offset %lld of %lld: check that the brokers run",
                 STR_ARG(range->topic), (long long)position, (long long)range->end);
    }
    watch->health_changed(watch->arg, &health);
}

static void read_tell_over(ReadWait *wait)
{
    BrokerWatch *watch = wait->broker->watch;
    BrokerHealth health;

    if (wait->is_told && watch) {
        broker_health(wait->broker, &health);
        watch->health_changed(watch->arg, &health);
    }
    wait->is_told = false;
}

/* Records that are there do not come: a broker is away, or a transaction is open in front of them,
 * which a server that was killed left behind; the cluster ends it in time. */
static ErrCode read_silence(ReadWait *wait, const BrokerRange *range, int64_t position,
                            int64_t since_ms, Err *err)
{
    int64_t tell_ms = since_ms + READ_TELL_MS, until_ms = since_ms + g_limits.broker_silence_ms;
    int64_t now_ms = read_now_ms();

    if (now_ms < until_ms) {
        int64_t next_ms = now_ms < tell_ms && tell_ms < until_ms ? tell_ms : until_ms;

        /* Somebody may want to end the waiting. */
        if (wait->broker->watch && next_ms > now_ms + READ_LOOK_MS)
            next_ms = now_ms + READ_LOOK_MS;
        read_wait(wait, next_ms);
        if (broker_is_cancelled(wait->broker))
            return err_set(err, ERR_CANCELLED, "reading topic \"%.*s\" was cancelled",
                           STR_ARG(range->topic));
        if (!wait->is_told && read_now_ms() >= tell_ms)
            read_tell(wait, range, position);
        return ERR_OK;
    }
    err_set(err, ERR_BROKER,
            "could not read topic \"%.*s\": nothing came for %lld ms at offset %lld of %lld",
            STR_ARG(range->topic), (long long)g_limits.broker_silence_ms, (long long)position,
            (long long)range->end);
    err_hint(err, "is the broker still there? weir.limit.broker.silence.ms is how long Weir waits");
    err->is_retriable = true;
    return ERR_BROKER;
}

static ErrCode read_to_end(BrokerReader *reader, ReadWait *wait, const BrokerRange *range,
                           BrokerVisit visit, void *arg, int64_t *position, Err *err)
{
    int64_t since_ms = read_now_ms();

    while (*position < range->end) {
        int64_t      before = *position, readable_end;
        RecordBatch *records;

        TRY(broker_reader_poll(reader, READ_BYTES, &records, position, &readable_end, err));
        if (records || *position != before) {
            TRY(read_visit(records, visit, arg, err));
            since_ms = read_now_ms();
            read_tell_over(wait);
        } else {
            TRY(read_silence(wait, range, *position, since_ms, err));
        }
    }
    return ERR_OK;
}

ErrCode broker_read_range(Broker *broker, const BrokerRange *range, BrokerVisit visit, void *arg,
                          int64_t *next, Err *err)
{
    ReadWait      wait = {.broker = broker};
    BrokerReader *reader;
    int64_t       position = range->from;
    ErrCode       rc;

    read_wait_init(&wait);
    rc = broker_reader_open(broker, range->topic, range->partition, range->from,
                            (BrokerWake){read_wait_wake, &wait}, &reader, err);
    if (rc == ERR_OK) {
        rc = read_to_end(reader, &wait, range, visit, arg, &position, err);
        broker_reader_close(reader);
    }
    read_wait_deinit(&wait);
    if (rc == ERR_OK && next)
        *next = position;
    return rc;
}

ErrCode broker_txn_open(Broker *broker, Str name, BrokerTxn **out, Err *err)
{
    return broker->cls->txn_open(broker, name, out, err);
}

ErrCode broker_txn_begin(BrokerTxn *txn, Err *err)
{
    return txn->cls->txn_begin(txn, err);
}

ErrCode broker_txn_append(BrokerTxn *txn, Chunk *chunk, Err *err)
{
    return txn->cls->txn_append(txn, chunk, err);
}

ErrCode broker_txn_commit(BrokerTxn *txn, void (*settled)(void *arg, const Chunk *chunk), void *arg,
                          Err *err)
{
    return txn->cls->txn_commit(txn, settled, arg, err);
}

void broker_txn_abort(BrokerTxn *txn)
{
    if (txn)
        txn->cls->txn_abort(txn);
}

void *broker_txn_culprit(const BrokerTxn *txn, Err *err)
{
    return txn && txn->cls->txn_culprit ? txn->cls->txn_culprit(txn, err) : NULL;
}

bool broker_txn_is_over(const BrokerTxn *txn)
{
    return txn->cls->txn_is_over && txn->cls->txn_is_over(txn);
}

void broker_txn_close(BrokerTxn *txn)
{
    if (txn)
        txn->cls->txn_close(txn);
}

ErrCode broker_produce(Broker *broker, Str topic, uint32_t partition, const Record *record,
                       BrokerAck ack, void *arg, Err *err)
{
    return broker->cls->produce(broker, topic, partition, record, ack, arg, err);
}

/* broker -> the caller of broker_produce_wait() */
typedef struct ProduceWait {
    pthread_mutex_t mutex;
    pthread_cond_t  is_acked_cond;
    bool            is_acked;
    ErrCode         rc;
    int64_t         offset;
    Err            *err;
} ProduceWait;

static void produce_wait_ack(void *arg, ErrCode rc, int64_t offset, const Err *err)
{
    ProduceWait *wait = arg;

    pthread_mutex_lock(&wait->mutex);
    wait->rc = rc;
    wait->offset = offset;
    if (rc != ERR_OK)
        *wait->err = *err;
    wait->is_acked = true;
    pthread_cond_signal(&wait->is_acked_cond);
    pthread_mutex_unlock(&wait->mutex);
}

static ErrCode broker_last_offset(Broker *broker, Str topic, uint32_t partition, int64_t *out,
                                  Err *err)
{
    PartitionEnds *ends = MEM_ARRAY(PartitionEnds, partition + 1);
    ErrCode        rc = broker_topic_ends(broker, topic, ends, partition + 1, err);

    if (rc == ERR_OK)
        *out = ends[partition].end - 1;
    else
        err_wrap(err, "a record was written to topic \"%.*s\", but not where", STR_ARG(topic));
    mem_free(ends);
    return rc;
}

ErrCode broker_produce_wait(Broker *broker, Str topic, uint32_t partition, const Record *record,
                            int64_t *out_offset, Err *err)
{
    ProduceWait wait = {
        .mutex = PTHREAD_MUTEX_INITIALIZER, .is_acked_cond = PTHREAD_COND_INITIALIZER, .err = err};

    TRY(broker_produce(broker, topic, partition, record, produce_wait_ack, &wait, err));
    pthread_mutex_lock(&wait.mutex);
    while (!wait.is_acked)
        pthread_cond_wait(&wait.is_acked_cond, &wait.mutex);
    pthread_mutex_unlock(&wait.mutex);
    pthread_cond_destroy(&wait.is_acked_cond);
    pthread_mutex_destroy(&wait.mutex);
    if (wait.rc == ERR_OK && out_offset && wait.offset < 0)
        return broker_last_offset(broker, topic, partition, out_offset, err);
    if (wait.rc == ERR_OK && out_offset)
        *out_offset = wait.offset;
    return wait.rc;
}

ErrCode broker_trim(Broker *broker, Str topic, uint32_t partition, int64_t offset, Err *err)
{
    return broker->cls->trim(broker, topic, partition, offset, err);
}

bool broker_is_apart(const Broker *broker)
{
    return broker->cls->is_apart;
}

bool broker_has_groups(const Broker *broker)
{
    return broker->cls->group_copy != NULL;
}

bool broker_group_copy(Broker *broker, Str group, const GroupOffset *offsets, size_t len)
{
    return !broker_has_groups(broker) || broker->cls->group_copy(broker, group, offsets, len);
}

void broker_group_delete(Broker *broker, Str group)
{
    if (broker_has_groups(broker))
        broker->cls->group_delete(broker, group);
}

bool broker_is_shared(const Broker *broker)
{
    return broker->cls->fence != NULL;
}

void broker_fence(Broker *broker, const char *why)
{
    if (broker_is_shared(broker))
        broker->cls->fence(broker, why);
}

void broker_health(Broker *broker, BrokerHealth *out)
{
    broker->cls->health(broker, out);
}

bool broker_is_cancelled(const Broker *broker)
{
    return broker->watch && broker->watch->is_cancelled(broker->watch->arg);
}

int64_t broker_fetched_bytes(Broker *broker)
{
    return broker->cls->fetched_bytes ? broker->cls->fetched_bytes(broker) : 0;
}

bool broker_step(Broker *broker)
{
    return broker->cls->step(broker);
}

void broker_hurry(Broker *broker, int64_t ms)
{
    if (broker->cls->hurry)
        broker->cls->hurry(broker, ms);
}

void broker_close(Broker *broker)
{
    if (broker)
        broker->cls->close(broker);
}
