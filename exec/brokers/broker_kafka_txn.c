/*
 * broker_kafka_txn.c -- a commit group's transactional producer.
 *
 *     open     init_transactions: fences a former instance and settles what it left
 *     begin    refused when the instance has ended for good: somebody must look who may go on
 *     append   every record of the chunk to the producer, its bytes in place
 *     commit   flushes, commits; the delivery reports have given each chunk its offsets
 *     abort    librdkafka drops what is queued; after the last report no chunk is referred to
 *
 * Errors are told apart in this order: a fatal one ends the instance, one that requires it aborts
 * the transaction, a retriable one is tried again a few times, and after any other nobody knows.
 * Whether one that was fenced may start anew is for exec/owner.c to say: it would fence the server
 * that took over in turn.
 *
 * At least once there is no transaction: an idempotent producer writes the chunks, and those
 * without an owner, the positions, when all before them are durable.  An abort ends the instance.
 * What it had written stays, and is written again.
 *
 * Delivery reports are called while the committer is inside rd_kafka_poll() or the calls that
 * flush; everything here runs on that one thread.
 */
#include "exec/brokers/broker_kafka_impl.h"

#include <assert.h>
#include <stdio.h>

#include "common/limit.h"
#include "common/log.h"

enum {
    WAITING_MIN = 1000,
    STUCK_MS = 5000 /* when writing takes so long somebody looks why */
};

typedef struct KafkaTxn KafkaTxn;

/* A chunk on its way. */
typedef struct Sent {
    KafkaTxn    *txn;
    Chunk       *chunk;
    int64_t      last_offset;
    struct Sent *next;
} Sent;

struct KafkaTxn {
    BrokerTxn    base;
    KafkaBroker *broker;
    char        *id;
    rd_kafka_t  *rk; /* NULL: ended; at least once, begin opens another */
    Sent        *first, **last;
    bool         is_begun;
    Err          failure; /* the first one since begin; ERR_OK: none */
    void        *culprit; /* whose chunk was refused for good; NULL: nobody's */
    Err          refusal;
};

/* --- reports ---------------------------------------------------------------------------------- */

/* The first failure may be one that comes of another, whose report is still on its way. */
static void note_failure(KafkaTxn *txn, const Err *err, void *culprit)
{
    if (txn->failure.code == ERR_OK)
        txn->failure = *err;
    if (!txn->culprit && culprit && !err->is_retriable) {
        txn->culprit = culprit;
        txn->refusal = *err;
    }
}

static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *message, void *opaque)
{
    Sent *sent = message->_private;
    Str   topic = sent->chunk->topic;
    Err   err;

    (void)rk, (void)opaque;
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        if (message->offset > sent->last_offset)
            sent->last_offset = message->offset;
        return;
    }
    /* What an abort drops has no cause of its own. */
    if (message->err == RD_KAFKA_RESP_ERR__PURGE_QUEUE ||
        message->err == RD_KAFKA_RESP_ERR__PURGE_INFLIGHT)
        return;
    if (kafka_error(&err, message->err, NULL, "could not write to topic \"%.*s\"",
                    STR_ARG(topic)) == ERR_TOPIC_MISSING) {
        kafka_topic_doubt(sent->txn->broker, topic);
        (void)kafka_topic_missing(topic, &err);
    }
    note_failure(sent->txn, &err, sent->chunk->owner);
}

/* No report is outstanding afterwards, so that chunks can be freed. */
static void await_reports(KafkaTxn *txn)
{
    while (rd_kafka_outq_len(txn->rk) > 0)
        rd_kafka_poll(txn->rk, KAFKA_STEP_MS);
}

static void free_sent(KafkaTxn *txn)
{
    while (txn->first) {
        Sent *sent = txn->first;

        txn->first = sent->next;
        chunk_free(sent->chunk);
        mem_free(sent);
    }
    txn->last = &txn->first;
}

/* --- instances -------------------------------------------------------------------------------- */

/* The instance is of no use any more; queued reports come first. */
static void end_instance(KafkaTxn *txn)
{
    if (!txn->rk)
        return;
    rd_kafka_purge(txn->rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    await_reports(txn);
    kafka_reap(txn->broker, txn->rk);
    txn->rk = NULL;
}

typedef enum Verdict { VERDICT_DONE, VERDICT_AGAIN, VERDICT_ABORT, VERDICT_ENDED } Verdict;

/* What a call's error means, which it takes; *err says it in words. */
static Verdict judge(KafkaTxn *txn, rd_kafka_error_t *error, const char *what, Err *err)
{
    rd_kafka_resp_err_t code;
    Verdict             verdict = VERDICT_ENDED;

    if (!error)
        return VERDICT_DONE;
    code = rd_kafka_error_code(error);
    (void)kafka_error(err, code, rd_kafka_error_string(error), "%s", what);
    if (rd_kafka_error_is_fatal(error)) {
        char why[256];

        code = rd_kafka_fatal_error(txn->rk, why, sizeof why);
        if (code == RD_KAFKA_RESP_ERR_PRODUCER_FENCED)
            code = RD_KAFKA_RESP_ERR__FENCED;
        (void)kafka_error(err, code, why, "%s as \"%s\"", what, txn->id);
    } else if (rd_kafka_error_txn_requires_abort(error)) {
        verdict = VERDICT_ABORT;
    } else if (rd_kafka_error_is_retriable(error)) {
        verdict = VERDICT_AGAIN;
    }
    rd_kafka_error_destroy(error);
    return verdict;
}

typedef rd_kafka_error_t *(*TxnCall)(rd_kafka_t *rk, int timeout_ms);

/* In steps, each of which goes on where the last one ran out of time: the server may end
 * meanwhile. */
static rd_kafka_error_t *call_in_steps(KafkaTxn *txn, TxnCall call, int64_t ms)
{
    int64_t until_ms = kafka_now_ms() + ms;

    for (;;) {
        int64_t           left_ms = kafka_left_ms(txn->broker, until_ms - kafka_now_ms());
        int64_t           step_ms = left_ms < KAFKA_LOOK_MS ? left_ms : KAFKA_LOOK_MS;
        rd_kafka_error_t *error = call(txn->rk, step_ms > 0 ? (int)step_ms : 1);

        if (!error || left_ms <= step_ms ||
            rd_kafka_error_code(error) != RD_KAFKA_RESP_ERR__TIMED_OUT ||
            !rd_kafka_error_is_retriable(error) || rd_kafka_error_is_fatal(error) ||
            rd_kafka_error_txn_requires_abort(error))
            return error;
        rd_kafka_error_destroy(error);
    }
}

static Verdict call_patiently(KafkaTxn *txn, TxnCall call, int64_t ms, const char *what, Err *err)
{
    Verdict verdict = VERDICT_AGAIN;

    for (int i = 0; i < KAFKA_RETRIES && verdict == VERDICT_AGAIN; i++)
        verdict = judge(txn, call_in_steps(txn, call, ms), what, err);
    return verdict;
}

/* The bytes are the chunks'; what librdkafka needs beside them gets a sixteenth of the memory. */
static long long queue_messages_max(void)
{
    long long messages = g_limits.memory_bytes / 16 / KAFKA_WAITING_BYTES;

    return messages > WAITING_MIN ? messages : WAITING_MIN;
}

static ErrCode open_handle(KafkaTxn *txn, Err *err)
{
    char epoch_ms[16], queue_messages[32], queue_kbytes[32];
    bool is_once = !txn->broker->is_at_least_once;
    /* The rest of an epoch waits in its chunks. */
    const char *const pairs[] = {"linger.ms", "5", "queue.buffering.max.messages", queue_messages,
                                 "queue.buffering.max.kbytes", queue_kbytes,
                                 /* Always copied into the request: a chunk may be freed once its
                                  * reports came, even when the request is still being sent. */
                                 "message.copy.max.bytes", "100000000",
                                 is_once ? "transaction.timeout.ms" : "message.timeout.ms",
                                 epoch_ms, is_once ? "transactional.id" : "enable.idempotence",
                                 is_once ? txn->id : "true", NULL};
    rd_kafka_conf_t  *conf = rd_kafka_conf_new();

    snprintf(epoch_ms, sizeof epoch_ms, "%d", KAFKA_TXN_MS);
    snprintf(queue_messages, sizeof queue_messages, "%lld", queue_messages_max());
    snprintf(queue_kbytes, sizeof queue_kbytes, "%lld",
             (long long)(g_limits.chunk_queue_bytes / 1024 * 4));
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    return kafka_handle_open(txn->broker, RD_KAFKA_PRODUCER, conf, pairs, &txn->rk, err);
}

static ErrCode open_instance(KafkaTxn *txn, Err *err)
{
    TRY(open_handle(txn, err));
    if (txn->broker->is_at_least_once ||
        call_patiently(txn, rd_kafka_init_transactions, KAFKA_REQUEST_MS,
                       "could not start a transactional producer", err) == VERDICT_DONE)
        return ERR_OK;
    end_instance(txn);
    return err->code;
}

ErrCode kafka_txn_open(Broker *base, Str name, BrokerTxn **out, Err *err)
{
    KafkaBroker *broker = (KafkaBroker *)base;
    KafkaTxn    *txn = MEM_NEW(KafkaTxn);
    Buf          id = {0};
    ErrCode      rc;

    txn->base.cls = base->cls;
    txn->broker = broker;
    txn->last = &txn->first;
    buf_printf(&id, "_weir-%.*s-%.*s", STR_ARG(broker->service_id), STR_ARG(name));
    buf_put(&id, '\0');
    txn->id = id.ptr;
    rc = kafka_check_fenced(broker, err);
    if (rc == ERR_OK)
        rc = open_instance(txn, err);
    if (rc != ERR_OK) {
        kafka_txn_close(&txn->base);
        return rc;
    }
    *out = &txn->base;
    return ERR_OK;
}

/* --- begin, append ---------------------------------------------------------------------------- */

ErrCode kafka_txn_begin(BrokerTxn *base, Err *err)
{
    KafkaTxn *txn = (KafkaTxn *)base;
    Verdict   verdict;

    assert(!txn->is_begun);
    txn->failure.code = ERR_OK;
    txn->culprit = NULL;
    TRY(kafka_check_fenced(txn->broker, err));
    if (kafka_txn_is_over(base))
        return err_set(err, ERR_BROKER, "the producer \"%s\" has ended", txn->id);
    if (txn->broker->is_at_least_once) {
        if (!txn->rk)
            TRY(open_instance(txn, err));
        txn->is_begun = true;
        return ERR_OK;
    }
    verdict = judge(txn, rd_kafka_begin_transaction(txn->rk), "could not begin a transaction", err);
    if (verdict == VERDICT_DONE) {
        txn->is_begun = true;
        return ERR_OK;
    }
    if (verdict == VERDICT_ENDED)
        end_instance(txn);
    return err->code;
}

/* A topic that was deleted meanwhile keeps all of a transaction from being written: librdkafka asks
 * the coordinator to let it in until the records time out, and tells nobody. */
static void look_for_missing(KafkaTxn *txn)
{
    Str asked = STR_NULL;

    for (Sent *sent = txn->first; sent && txn->failure.code == ERR_OK; sent = sent->next) {
        Chunk  *chunk = sent->chunk;
        Err     err;
        ErrCode rc;

        if (str_eq(chunk->topic, asked))
            continue;
        asked = chunk->topic;
        kafka_topic_doubt(txn->broker, asked);
        rc = kafka_topic_check(txn->broker, asked, chunk->partition, &err);
        if (rc == ERR_TOPIC_MISSING)
            note_failure(txn, &err, chunk->owner);
        else if (rc != ERR_OK && err.is_retriable)
            return; /* nobody answers, which takes seconds: not once for each topic */
    }
}

/* Waits while the producer's queue is full: it empties by itself, but for a topic that is gone. */
static rd_kafka_resp_err_t send_patiently(KafkaTxn *txn, rd_kafka_topic_t *topic,
                                          const Record *record, Sent *sent)
{
    int64_t             looked_ms = kafka_now_ms();
    int64_t             until_ms = looked_ms + KAFKA_TXN_MS;
    rd_kafka_resp_err_t code;

    do {
        code = kafka_send(txn->rk, topic, sent->chunk->partition, record, false, sent);
        if (code != RD_KAFKA_RESP_ERR__QUEUE_FULL)
            return code;
        rd_kafka_poll(txn->rk, KAFKA_STEP_MS);
        if (kafka_now_ms() - looked_ms >= STUCK_MS) {
            look_for_missing(txn);
            looked_ms = kafka_now_ms();
        }
    } while (txn->failure.code == ERR_OK && kafka_now_ms() < until_ms &&
             !kafka_is_over(txn->broker));
    return RD_KAFKA_RESP_ERR__MSG_TIMED_OUT;
}

static ErrCode send_all(KafkaTxn *txn, Sent *sent, Err *err)
{
    Chunk              *chunk = sent->chunk;
    ChunkCursor         cursor = chunk_cursor(buf_view(&chunk->bytes), 0);
    rd_kafka_topic_t   *topic;
    char                name[256];
    Record              record;
    rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_NO_ERROR;

    snprintf(name, sizeof name, "%.*s", STR_ARG(chunk->topic));
    topic = rd_kafka_topic_new(txn->rk, name, NULL);
    if (!topic)
        return kafka_error(err, rd_kafka_last_error(), NULL, "could not write to topic \"%s\"",
                           name);
    while (code == RD_KAFKA_RESP_ERR_NO_ERROR && chunk_next(&cursor, &record))
        code = send_patiently(txn, topic, &record, sent);
    rd_kafka_topic_destroy(topic);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return kafka_error(err, code, NULL, "could not write to topic \"%s\"", name);
    return ERR_OK;
}

/* What was appended is durable, or the failure is noted. */
static void flush(KafkaTxn *txn)
{
    int64_t until_ms = kafka_now_ms() + KAFKA_TXN_MS;
    int64_t look_ms = kafka_now_ms() + STUCK_MS;
    Err     err;

    if (txn->failure.code != ERR_OK || !txn->first)
        return;
    do {
        int left_ms = (int)kafka_left_ms(txn->broker, KAFKA_LOOK_MS);

        if (rd_kafka_flush(txn->rk, left_ms) == RD_KAFKA_RESP_ERR_NO_ERROR)
            return;
        if (kafka_now_ms() >= look_ms) {
            look_for_missing(txn);
            look_ms = kafka_now_ms() + STUCK_MS;
        }
    } while (txn->failure.code == ERR_OK && kafka_now_ms() < until_ms &&
             !kafka_is_over(txn->broker));
    /* The commit of a transaction finds out by itself. */
    if (txn->failure.code == ERR_OK && txn->broker->is_at_least_once &&
        kafka_error(&err, RD_KAFKA_RESP_ERR__TIMED_OUT, NULL, "could not write an epoch") != ERR_OK)
        note_failure(txn, &err, NULL);
}

/* Some records of a chunk that failed may be on their way: their bytes stay until the abort. */
static Chunk *keep_bytes(Chunk *chunk)
{
    Chunk *kept = chunk_new(chunk->topic, chunk->partition, chunk->owner);
    Buf    none = kept->bytes;

    kept->bytes = chunk->bytes;
    chunk->bytes = none;
    return kept;
}

ErrCode kafka_txn_append(BrokerTxn *base, Chunk *chunk, Err *err)
{
    KafkaTxn *txn = (KafkaTxn *)base;
    Sent     *sent;
    ErrCode   rc;

    assert(txn->is_begun);
    rd_kafka_poll(txn->rk, 0);
    if (txn->broker->is_at_least_once && !chunk->owner)
        flush(txn);
    rc = txn->failure.code;
    if (rc != ERR_OK) {
        *err = txn->failure;
        return rc;
    }
    rc = kafka_topic_check(txn->broker, chunk->topic, chunk->partition, err);
    if (rc != ERR_OK) {
        note_failure(txn, err, chunk->owner);
        return rc;
    }
    sent = MEM_NEW(Sent);
    *sent = (Sent){.txn = txn, .chunk = chunk, .last_offset = -1};
    *txn->last = sent;
    txn->last = &sent->next;
    rc = send_all(txn, sent, err);
    if (rc != ERR_OK) {
        note_failure(txn, err, chunk->owner);
        sent->chunk = keep_bytes(chunk);
    }
    return rc;
}

/* --- abort, commit ---------------------------------------------------------------------------- */

/* Whose output goes where this transaction was not let in. */
static void blame_refused(KafkaTxn *txn)
{
    KafkaRefusal refusal;
    Err          err;

    pthread_mutex_lock(&txn->broker->health_lock);
    refusal = txn->broker->refusal;
    if (refusal.rk == txn->rk)
        txn->broker->refusal.rk = NULL;
    pthread_mutex_unlock(&txn->broker->health_lock);
    if (!txn->rk || refusal.rk != txn->rk)
        return;
    if (kafka_error(&err, refusal.code, NULL, "could not write to topic \"%s\"", refusal.topic) ==
        ERR_TOPIC_MISSING) {
        kafka_topic_doubt(txn->broker, str_from(refusal.topic));
        (void)kafka_topic_missing(str_from(refusal.topic), &err);
    }
    for (Sent *sent = txn->first; sent; sent = sent->next) {
        if (str_eq(sent->chunk->topic, str_from(refusal.topic)))
            note_failure(txn, &err, sent->chunk->owner);
    }
}

void kafka_txn_abort(BrokerTxn *base)
{
    KafkaTxn *txn = (KafkaTxn *)base;
    Verdict   verdict;
    Err       err;

    blame_refused(txn);
    if (txn->broker->is_at_least_once && txn->is_begun) {
        end_instance(txn);
    } else if (txn->is_begun && txn->rk) {
        verdict = call_patiently(txn, rd_kafka_abort_transaction, KAFKA_REQUEST_MS,
                                 "could not abort a transaction", &err);
        /* A new instance's start aborts it. */
        if (verdict != VERDICT_DONE)
            end_instance(txn);
        else
            await_reports(txn);
    }
    txn->is_begun = false;
    free_sent(txn);
}

static void tell_settled(KafkaTxn *txn, void (*settled)(void *arg, const Chunk *chunk), void *arg)
{
    for (Sent *sent = txn->first; sent; sent = sent->next) {
        /* Others may have written in between: what counts is where the chunk ends. */
        sent->chunk->base_offset = sent->last_offset + 1 - (int64_t)sent->chunk->count;
        kafka_topic_settled(txn->broker, sent->chunk->topic, sent->chunk->partition,
                            sent->last_offset + 1);
        if (settled)
            settled(arg, sent->chunk);
    }
}

static ErrCode fail_commit(KafkaTxn *txn, const Err *err, Err *out)
{
    Err failure = txn->failure.code != ERR_OK ? txn->failure : *err;

    kafka_txn_abort(&txn->base);
    *out = failure;
    return out->code;
}

ErrCode kafka_txn_commit(BrokerTxn *base, void (*settled)(void *arg, const Chunk *chunk), void *arg,
                         Err *err)
{
    KafkaTxn *txn = (KafkaTxn *)base;
    Verdict   verdict = VERDICT_DONE;

    assert(txn->is_begun);
    flush(txn);
    if (txn->failure.code != ERR_OK)
        return fail_commit(txn, &txn->failure, err);
    if (!txn->broker->is_at_least_once)
        verdict = call_patiently(txn, rd_kafka_commit_transaction, KAFKA_REQUEST_MS * 3,
                                 "could not commit", err);
    if (verdict == VERDICT_ABORT)
        return fail_commit(txn, err, err);
    if (verdict != VERDICT_DONE) {
        end_instance(txn);
        txn->is_begun = false;
        free_sent(txn);
        return err->code = ERR_UNKNOWN_OUTCOME;
    }
    await_reports(txn);
    tell_settled(txn, settled, arg);
    txn->is_begun = false;
    free_sent(txn);
    return ERR_OK;
}

void *kafka_txn_culprit(const BrokerTxn *base, Err *err)
{
    const KafkaTxn *txn = (const KafkaTxn *)base;

    if (txn->culprit)
        *err = txn->refusal;
    return txn->culprit;
}

bool kafka_txn_is_over(const BrokerTxn *base)
{
    const KafkaTxn *txn = (const KafkaTxn *)base;

    return !txn->rk && !txn->broker->is_at_least_once;
}

void kafka_txn_close(BrokerTxn *base)
{
    KafkaTxn *txn = (KafkaTxn *)base;

    kafka_txn_abort(base);
    end_instance(txn);
    mem_free(txn->id);
    mem_free(txn);
}
