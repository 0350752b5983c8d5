/*
 * broker_local_txn.c -- the callers' side of writing: queues for the writer, and waiting for it.
 */
#include <assert.h>

#include "common/limit.h"
#include "exec/brokers/broker_local_impl.h"

/* --- single records --------------------------------------------------------------------------- */

static size_t record_bytes(const Record *record)
{
    return RECORD_HEAD_BYTES + record->key.len + record->value.len + record->headers.len;
}

static ErrCode check_record(Str topic, const Record *record, Err *err)
{
    size_t bytes = record_bytes(record);

    if ((int64_t)bytes <= g_limits.record_bytes)
        return ERR_OK;
    err_set(err, ERR_RECORD_TOO_LARGE, "record of %zu bytes is too large for topic \"%.*s\"", bytes,
            STR_ARG(topic));
    err_hint(err, "weir.limit.record.bytes is %lld", (long long)g_limits.record_bytes);
    return ERR_RECORD_TOO_LARGE;
}

static ErrCode check_partition(const LocalTopic *topic, uint32_t partition, Err *err)
{
    if (partition < topic->spec.partitions)
        return ERR_OK;
    return err_set(err, ERR_BROKER, "topic \"%.*s\" has no partition %u", STR_ARG(topic->spec.name),
                   partition);
}

/* A copy of the bytes of s at *at, which moves on. */
static Str copy_to(char **at, Str s)
{
    Str copy = {s.ptr ? *at : NULL, s.len};

    if (s.len > 0)
        memcpy(*at, s.ptr, s.len);
    *at += s.len;
    return copy;
}

/* One allocation for the request and its record. */
static LocalProduce *produce_new(LocalTopic *topic, uint32_t partition, const Record *record,
                                 BrokerAck ack, void *arg)
{
    size_t        bytes = record_bytes(record);
    LocalProduce *produce = mem_alloc(sizeof *produce + bytes);
    char         *at = (char *)(produce + 1);

    *produce = (LocalProduce){.topic = topic,
                              .partition = partition,
                              .ack = ack,
                              .arg = arg,
                              .bytes = bytes,
                              .record = {.ts = record->ts}};
    produce->record.key = copy_to(&at, record->key);
    produce->record.value = copy_to(&at, record->value);
    produce->record.headers = copy_to(&at, record->headers);
    return produce;
}

static ErrCode produce_queue_locked(LocalBroker *broker, LocalProduce *produce, Err *err)
{
    if (broker->produce_len >= g_limits.insert_queue ||
        broker->produce_bytes + (int64_t)produce->bytes > g_limits.chunk_queue_bytes) {
        err_set(err, ERR_BUSY, "%lld records already wait for the broker",
                (long long)broker->produce_len);
        err_hint(err, "try again; weir.limit.insert.queue is %lld",
                 (long long)g_limits.insert_queue);
        err->is_retriable = true;
        return ERR_BUSY;
    }
    if (broker->produce_last)
        broker->produce_last->next = produce;
    else
        broker->produce_first = produce;
    broker->produce_last = produce;
    broker->produce_len++;
    broker->produce_bytes += (int64_t)produce->bytes;
    return ERR_OK;
}

ErrCode local_produce(Broker *base, Str topic_name, uint32_t partition, const Record *record,
                      BrokerAck ack, void *arg, Err *err)
{
    LocalBroker  *broker = (LocalBroker *)base;
    LocalTopic   *topic = NULL;
    LocalProduce *produce;
    ErrCode       rc;

    TRY(check_record(topic_name, record, err));
    TRY(local_topic_find(broker, topic_name, &topic, err));
    rc = check_partition(topic, partition, err);
    if (rc != ERR_OK) {
        local_topic_unref(topic);
        return rc;
    }
    produce = produce_new(topic, partition, record, ack, arg);
    pthread_mutex_lock(&broker->lock);
    rc = produce_queue_locked(broker, produce, err);
    if (rc == ERR_OK) {
        local_write_poke_locked(broker);
    } else {
        local_topic_unref_locked(topic);
        mem_free(produce);
    }
    pthread_mutex_unlock(&broker->lock);
    return rc;
}

/* --- transactions ----------------------------------------------------------------------------- */

ErrCode local_txn_open(Broker *base, Str name, BrokerTxn **out, Err *err)
{
    LocalBroker *broker = (LocalBroker *)base;
    LocalTxn    *txn = MEM_NEW(LocalTxn);

    /* Nothing of a former instance can be left: the file has one server at a time, and opening it
     * removed what was not committed. */
    (void)name, (void)err;
    txn->base.cls = base->cls;
    txn->broker = broker;
    pthread_mutex_lock(&broker->lock);
    txn->next = broker->txns;
    broker->txns = txn;
    pthread_mutex_unlock(&broker->lock);
    *out = &txn->base;
    return ERR_OK;
}

ErrCode local_txn_begin(BrokerTxn *base, Err *err)
{
    LocalTxn *txn = (LocalTxn *)base;

    (void)err;
    pthread_mutex_lock(&txn->broker->lock);
    assert(txn->state == TXN_IDLE && txn->len == 0);
    txn->state = TXN_OPEN;
    txn->rc = ERR_OK;
    pthread_mutex_unlock(&txn->broker->lock);
    return ERR_OK;
}

/* Only a chunk with a single large record is longer than usual. */
static ErrCode check_chunk(const Chunk *chunk, Err *err)
{
    ChunkCursor cursor = chunk_cursor(buf_view(&chunk->bytes), 0);
    Record      record;

    if ((int64_t)chunk->bytes.len <= g_limits.record_bytes)
        return ERR_OK;
    while (chunk_next(&cursor, &record))
        TRY(check_record(chunk->topic, &record, err));
    return ERR_OK;
}

ErrCode local_txn_append(BrokerTxn *base, Chunk *chunk, Err *err)
{
    LocalTxn    *txn = (LocalTxn *)base;
    LocalBroker *broker = txn->broker;
    LocalTopic  *topic = NULL;
    ErrCode      rc;

    assert(txn->state == TXN_OPEN && chunk->count > 0);
    TRY(check_chunk(chunk, err));
    TRY(local_topic_find(broker, chunk->topic, &topic, err));
    rc = check_partition(topic, chunk->partition, err);
    if (rc != ERR_OK) {
        local_topic_unref(topic);
        return rc;
    }
    pthread_mutex_lock(&broker->lock);
    if (txn->len == txn->cap) {
        txn->cap = txn->cap ? txn->cap * 2 : 64;
        txn->chunks = mem_realloc(txn->chunks, txn->cap * sizeof *txn->chunks);
    }
    txn->chunks[txn->len++] = (TxnChunk){.chunk = chunk, .topic = topic};
    txn->bytes_unstaged += chunk->bytes.len;
    if (broker->store && txn->bytes_unstaged >= LOCAL_SLICE_BYTES)
        local_write_poke_locked(broker);
    pthread_mutex_unlock(&broker->lock);
    return ERR_OK;
}

/* Asks the writer to end the transaction, and waits. */
static ErrCode txn_end(LocalTxn *txn, bool is_commit, Err *err)
{
    LocalBroker *broker = txn->broker;
    ErrCode      rc;

    pthread_mutex_lock(&broker->lock);
    assert(!broker->is_in_round || !broker->is_inline);
    txn->state = is_commit ? TXN_COMMIT : TXN_ABORT;
    local_write_poke_locked(broker);
    while (txn->state != TXN_DONE)
        pthread_cond_wait(&broker->done_cond, &broker->lock);
    rc = txn->rc;
    if (rc != ERR_OK && err)
        *err = txn->err;
    pthread_mutex_unlock(&broker->lock);
    return rc;
}

/* Frees the chunks; those that were committed live on in their logs. */
static void txn_clear(LocalTxn *txn)
{
    for (size_t i = 0; i < txn->len; i++) {
        TxnChunk *item = &txn->chunks[i];

        if (item->log_chunk) {
            item->chunk->bytes = (Buf){0};
            log_chunk_unref(item->log_chunk);
        }
        chunk_free(item->chunk);
    }
    pthread_mutex_lock(&txn->broker->lock);
    for (size_t i = 0; i < txn->len; i++)
        local_topic_unref_locked(txn->chunks[i].topic);
    txn->len = 0;
    txn->staged_len = 0;
    txn->bytes_unstaged = 0;
    txn->state = TXN_IDLE;
    pthread_mutex_unlock(&txn->broker->lock);
}

ErrCode local_txn_commit(BrokerTxn *base, void (*settled)(void *arg, const Chunk *chunk), void *arg,
                         Err *err)
{
    LocalTxn *txn = (LocalTxn *)base;
    ErrCode   rc = ERR_OK;

    assert(txn->state == TXN_OPEN);
    if (txn->len > 0)
        rc = txn_end(txn, true, err);
    for (size_t i = 0; rc == ERR_OK && settled && i < txn->len; i++)
        settled(arg, txn->chunks[i].chunk);
    txn_clear(txn);
    return rc;
}

void local_txn_abort(BrokerTxn *base)
{
    LocalTxn *txn = (LocalTxn *)base;

    if (txn->state == TXN_IDLE)
        return;
    if (txn->len > 0)
        (void)!txn_end(txn, false, NULL);
    txn_clear(txn);
}

void local_txn_close(BrokerTxn *base)
{
    LocalTxn    *txn = (LocalTxn *)base;
    LocalBroker *broker = txn->broker;
    LocalTxn   **link = &broker->txns;

    local_txn_abort(base);
    pthread_mutex_lock(&broker->lock);
    while (*link != txn)
        link = &(*link)->next;
    *link = txn->next;
    pthread_mutex_unlock(&broker->lock);
    mem_free(txn->chunks);
    mem_free(txn);
}
