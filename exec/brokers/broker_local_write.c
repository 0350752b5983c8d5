/*
 * broker_local_write.c -- how records reach the store: rounds of one writer.
 *
 * A round is one transaction of the store.  It takes
 *
 *     all produces that wait          (so that concurrent INSERTs share an fsync)
 *     and one slice of one commit     (so that a produce waits for a slice, not for a commit)
 *
 * A commit that is larger than a slice is *staged*: its bytes are written by several rounds, which
 * need not be durable one by one, without a place in any log.  The round that takes its last slice
 * gives all its chunks their offsets, behind those of the produces that came in between, by small
 * rows, moves the partitions' ends, and is durable; so all of the commit appears at once, or, after
 * a crash, nothing: staged bytes without a place are removed at the next start.
 *
 * Offsets are taken from LocalLog.next while a round is built, and become the readable end when it
 * is committed.  When a round fails, nothing of it is published and next goes back; if it held both
 * kinds of work, each is tried again without the other, so that one cannot fail the other.
 */
#include <assert.h>
#include <stdio.h>
#include <time.h>

#include "common/limit.h"
#include "common/log.h"
#include "common/vec.h"
#include "exec/brokers/broker_local_impl.h"

/* A log that the round writes to. */
typedef struct RoundLog {
    LocalTopic *topic;
    uint32_t    partition;
    Chunk      *open; /* of produces, still growing */
} RoundLog;

/* A chunk that gets its place in the round. */
typedef struct RoundChunk {
    LocalLog *log;
    LogChunk *chunk;
} RoundChunk;

typedef struct Round {
    LocalBroker  *broker;
    Arena        *mem;
    LocalProduce *produces; /* NULL: none */
    LocalTxn     *txn;      /* NULL: none */
    bool          is_final; /* the transaction's last */
    size_t        staged_before;
    VEC(RoundLog) logs;
    VEC(RoundChunk) chunks;
} Round;

/* --- health and space ------------------------------------------------------------------------- */

void local_health_set(LocalBroker *broker, const Err *err)
{
    pthread_mutex_lock(&broker->lock);
    broker->health.is_healthy = !err;
    broker->health.why[0] = '\0';
    if (err)
        snprintf(broker->health.why, sizeof broker->health.why, "%.255s", err->msg);
    pthread_mutex_unlock(&broker->lock);
}

ErrCode local_write_check_space(LocalBroker *broker, size_t bytes, Err *err)
{
    int64_t used;

    if (broker->data_bytes_max < 0)
        return ERR_OK;
    if (broker->store) {
        used = local_store_used_bytes(broker->store);
    } else {
        pthread_mutex_lock(&broker->lock);
        used = broker->data_bytes;
        pthread_mutex_unlock(&broker->lock);
    }
    if (used + (int64_t)bytes <= broker->data_bytes_max)
        return ERR_OK;
    err_set(err, ERR_FULL,
            "could not write %zu bytes: the broker holds %lld of weir.data.max.bytes = %lld", bytes,
            (long long)used, (long long)broker->data_bytes_max);
    err_hint(err, "delete topics, shorten their RETENTION_MS, or raise weir.data.max.bytes");
    err->is_retriable = true;
    return ERR_FULL;
}

/* --- one round -------------------------------------------------------------------------------- */

static LocalLog *log_of(const RoundLog *round_log)
{
    return &round_log->topic->logs[round_log->partition];
}

/* The log among those of the round; valid until the next call. */
static RoundLog *round_touch(Round *round, LocalTopic *topic, uint32_t partition)
{
    LocalLog *log = &topic->logs[partition];

    if (log->round == 0) {
        RoundLog round_log = {topic, partition, NULL};

        vec_push(round->mem, &round->logs, round_log);
        log->round = (uint32_t)round->logs.len;
        log->next = log->end;
    }
    return &round->logs.items[log->round - 1];
}

/* Gives bytes the next offsets of the log.  blob: where they were staged, or 0. */
static ErrCode round_place(Round *round, const RoundLog *round_log, const Chunk *chunk,
                           int64_t blob, ChunkMeta *meta, Err *err)
{
    LocalStore *store = round->broker->store;
    LocalLog   *log = log_of(round_log);
    int64_t     now_ms = clock_now_ms(round->broker->clock);

    *meta = (ChunkMeta){
        .base = log->next,
        .end = log->next + chunk->count,
        .fresh_ms = chunk->ts_max > now_ms ? chunk->ts_max : now_ms,
        .blob = blob,
        .count = chunk->count,
        .len = (uint32_t)chunk->bytes.len,
    };
    if (store) {
        if (blob == 0)
            TRY(local_store_blob_put(store, buf_view(&chunk->bytes), &meta->blob, err));
        TRY(local_store_chunk_put(store, round_log->topic->row, round_log->partition, meta, err));
    }
    log->next = meta->end;
    return ERR_OK;
}

/* Ends the chunk of produces that grows in a log. */
static ErrCode round_seal(Round *round, RoundLog *round_log, Err *err)
{
    Chunk     *chunk = round_log->open;
    RoundChunk placed = {.log = log_of(round_log)};
    ChunkMeta  meta;

    TRY(round_place(round, round_log, chunk, 0, &meta, err));
    placed.chunk = log_chunk_new(&meta, chunk->bytes);
    chunk->bytes = (Buf){0};
    chunk_free(chunk);
    round_log->open = NULL;
    vec_push(round->mem, &round->chunks, placed);
    return ERR_OK;
}

static ErrCode round_add_produces(Round *round, Err *err)
{
    for (LocalProduce *produce = round->produces; produce; produce = produce->next) {
        LocalTopic *topic = produce->topic;
        RoundLog   *round_log;

        produce->rc = ERR_OK;
        if (topic->is_deleted) {
            produce->rc = ERR_TOPIC_MISSING;
            continue;
        }
        round_log = round_touch(round, topic, produce->partition);
        if (round_log->open && round_log->open->bytes.len + produce->bytes > CHUNK_BYTES)
            TRY(round_seal(round, round_log, err));
        if (!round_log->open)
            round_log->open = chunk_new(topic->spec.name, produce->partition, NULL);
        produce->offset = log_of(round_log)->next + round_log->open->count;
        chunk_append(round_log->open, &produce->record);
    }
    for (size_t i = 0; i < round->logs.len; i++) {
        if (round->logs.items[i].open)
            TRY(round_seal(round, &round->logs.items[i], err));
    }
    return ERR_OK;
}

/* Writes the bytes of a slice of the transaction, or of all that is left of it in its last round;
 * their places are given afterwards. */
static ErrCode round_stage(Round *round, Err *err)
{
    LocalBroker *broker = round->broker;
    LocalStore  *store = broker->store;
    LocalTxn    *txn = round->txn;
    size_t       bytes = 0;

    if (!round->is_final && txn->staged_len == 0 && broker->staging_txns == 0)
        TRY(local_store_staged_from(store, local_store_next_blob(store), err));
    while (round->is_final || bytes < LOCAL_SLICE_BYTES) {
        Chunk  *chunk = NULL;
        int64_t blob;

        /* The committer may be growing the array. */
        pthread_mutex_lock(&broker->lock);
        if (txn->staged_len < txn->len)
            chunk = txn->chunks[txn->staged_len].chunk;
        pthread_mutex_unlock(&broker->lock);
        if (!chunk)
            break;
        TRY(local_store_blob_put(store, buf_view(&chunk->bytes), &blob, err));
        pthread_mutex_lock(&broker->lock);
        txn->chunks[txn->staged_len++].blob = blob;
        pthread_mutex_unlock(&broker->lock);
        bytes += chunk->bytes.len;
    }
    return ERR_OK;
}

/* Gives all chunks of the transaction their places.  Only the last round does, while the committer
 * waits. */
static ErrCode round_place_txn(Round *round, Err *err)
{
    LocalTxn *txn = round->txn;

    for (size_t i = 0; i < txn->len; i++) {
        TxnChunk  *item = &txn->chunks[i];
        RoundLog  *round_log;
        RoundChunk placed;
        ChunkMeta  meta;

        if (item->topic->is_deleted)
            return local_topic_missing(item->topic->spec.name, err);
        round_log = round_touch(round, item->topic, item->chunk->partition);
        TRY(round_place(round, round_log, item->chunk, item->blob, &meta, err));
        placed = (RoundChunk){log_of(round_log), log_chunk_new(&meta, item->chunk->bytes)};
        item->chunk->bytes = placed.chunk->bytes; /* seen by settled(), owned by the log chunk */
        log_chunk_ref(placed.chunk);
        item->log_chunk = placed.chunk;
        item->chunk->base_offset = meta.base;
        vec_push(round->mem, &round->chunks, placed);
    }
    if (round->broker->store && round->staged_before > 0 && round->broker->staging_txns == 1)
        return local_store_staged_from(round->broker->store, 0, err);
    return ERR_OK;
}

static ErrCode round_write(Round *round, Err *err)
{
    LocalStore *store = round->broker->store;

    TRY(round_add_produces(round, err));
    if (round->txn && store)
        TRY(round_stage(round, err));
    if (round->is_final)
        TRY(round_place_txn(round, err));
    if (!store)
        return ERR_OK;
    for (size_t i = 0; i < round->logs.len; i++) {
        const LocalLog *log = log_of(&round->logs.items[i]);
        StoredPartition stored = {round->logs.items[i].topic->row, round->logs.items[i].partition,
                                  log->begin, log->next, log->clean_end};

        TRY(local_store_partition_put(store, &stored, err));
    }
    return local_store_commit(store, err);
}

static void round_publish(Round *round)
{
    LocalBroker *broker = round->broker;

    pthread_mutex_lock(&broker->lock);
    for (size_t i = 0; i < round->chunks.len; i++) {
        RoundChunk *placed = &round->chunks.items[i];

        if (placed->log->dirty_bytes >= 0)
            placed->log->dirty_bytes += placed->chunk->meta.len;
        if (placed->log->begin == placed->log->end)
            placed->log->oldest_ms = placed->chunk->meta.fresh_ms;
        local_log_publish_locked(broker, placed->log, placed->chunk);
    }
    if (round->txn) {
        LocalTxn *txn = round->txn;

        for (size_t i = round->staged_before; i < txn->staged_len; i++)
            txn->bytes_unstaged -= txn->chunks[i].chunk->bytes.len;
        broker->staging_txns += !round->is_final && round->staged_before == 0;
        broker->staging_txns -= round->is_final && round->staged_before > 0;
    }
    pthread_mutex_unlock(&broker->lock);
    for (size_t i = 0; i < round->logs.len; i++)
        local_log_wake(broker, log_of(&round->logs.items[i]));
}

static void round_undo(Round *round)
{
    LocalTxn *txn = round->txn;

    if (round->broker->store)
        local_store_rollback(round->broker->store);
    for (size_t i = 0; i < round->logs.len; i++) {
        chunk_free(round->logs.items[i].open);
    }
    for (size_t i = 0; txn && i < txn->len; i++) {
        if (txn->chunks[i].log_chunk) {
            txn->chunks[i].log_chunk->bytes = (Buf){0}; /* the chunk's again */
            log_chunk_unref(txn->chunks[i].log_chunk);
        }
        txn->chunks[i].log_chunk = NULL;
        if (i >= round->staged_before)
            txn->chunks[i].blob = 0;
    }
    if (txn)
        txn->staged_len = round->staged_before;
    for (size_t i = 0; i < round->chunks.len; i++)
        log_chunk_unref(round->chunks.items[i].chunk);
}

/* Writes produces and what txn has to write as one transaction. */
static ErrCode round_run(LocalBroker *broker, LocalProduce *produces, LocalTxn *txn, Err *err)
{
    Round   round = {.broker = broker, .mem = broker->round_mem, .produces = produces, .txn = txn};
    ErrCode rc = ERR_OK;
    size_t  bytes = 0;

    broker->rounds++;
    for (const LocalProduce *produce = produces; produce; produce = produce->next)
        bytes += produce->bytes;
    if (txn) {
        pthread_mutex_lock(&broker->lock);
        round.staged_before = txn->staged_len;
        round.is_final = txn->state == TXN_COMMIT &&
                         (!broker->store || txn->bytes_unstaged <= LOCAL_SLICE_BYTES);
        bytes += txn->bytes_unstaged;
        pthread_mutex_unlock(&broker->lock);
    }
    rc = local_write_check_space(broker, bytes, err);
    if (rc == ERR_OK && broker->store)
        rc = local_store_begin(broker->store, produces || round.is_final, err);
    if (rc == ERR_OK)
        rc = round_write(&round, err);
    if (rc == ERR_OK)
        round_publish(&round);
    else
        round_undo(&round);
    for (size_t i = 0; i < round.logs.len; i++)
        log_of(&round.logs.items[i])->round = 0;
    arena_reset(broker->round_mem);
    return rc;
}

/* --- what a round is made of ------------------------------------------------------------------ */

static bool txn_has_work_locked(const LocalBroker *broker, const LocalTxn *txn)
{
    if (txn->state == TXN_COMMIT || txn->state == TXN_ABORT)
        return true;
    return txn->state == TXN_OPEN && broker->store && txn->rc == ERR_OK &&
           txn->bytes_unstaged >= LOCAL_SLICE_BYTES;
}

static LocalTxn *txn_pick_locked(const LocalBroker *broker)
{
    for (LocalTxn *txn = broker->txns; txn; txn = txn->next) {
        if (txn_has_work_locked(broker, txn))
            return txn;
    }
    return NULL;
}

bool local_write_has_work_locked(const LocalBroker *broker)
{
    return broker->job_first || broker->produce_first || txn_pick_locked(broker);
}

/* The produces at the head of the queue, about a round's worth. */
static LocalProduce *produces_take_locked(LocalBroker *broker)
{
    LocalProduce *first = broker->produce_first;
    LocalProduce *last = NULL;
    size_t        bytes = 0;

    for (LocalProduce *p = first; p && bytes < LOCAL_ROUND_BYTES; p = p->next) {
        bytes += p->bytes;
        broker->produce_len--;
        last = p;
    }
    broker->produce_bytes -= (int64_t)bytes;
    if (last) {
        broker->produce_first = last->next;
        last->next = NULL;
    }
    if (!broker->produce_first)
        broker->produce_last = NULL;
    return first;
}

static void produces_ack(LocalBroker *broker, LocalProduce *produces, ErrCode rc, const Err *err)
{
    for (LocalProduce *produce = produces; produce; produce = produce->next) {
        Err missing;

        if (rc != ERR_OK) {
            produce->ack(produce->arg, rc, -1, err);
        } else if (produce->rc != ERR_OK) {
            local_topic_missing(produce->topic->spec.name, &missing);
            produce->ack(produce->arg, produce->rc, -1, &missing);
        } else {
            produce->ack(produce->arg, ERR_OK, produce->offset, NULL);
        }
    }
    pthread_mutex_lock(&broker->lock);
    while (produces) {
        LocalProduce *next = produces->next;

        local_topic_unref_locked(produces->topic);
        mem_free(produces);
        produces = next;
    }
    pthread_mutex_unlock(&broker->lock);
}

/* Removes what was staged for a transaction that will not be. */
static ErrCode txn_unstage(LocalBroker *broker, LocalTxn *txn, Err *err)
{
    LocalStore *store = broker->store;

    TRY(local_store_begin(store, false, err));
    for (size_t i = 0; i < txn->staged_len; i++)
        TRY(local_store_blob_drop(store, txn->chunks[i].blob, err));
    if (broker->staging_txns == 1)
        TRY(local_store_staged_from(store, 0, err));
    return local_store_commit(store, err);
}

/* Ends the transaction for the committer; a failed one leaves nothing behind. */
static void txn_finish(LocalBroker *broker, LocalTxn *txn, ErrCode rc, const Err *err)
{
    Err unstage_err;

    if (rc != ERR_OK && txn->staged_len > 0 && broker->store) {
        if (txn_unstage(broker, txn, &unstage_err) != ERR_OK) {
            /* staged_from stays: the next start removes the bytes. */
            local_store_rollback(broker->store);
            log_line(LOG_WARN, "broker", "%s", unstage_err.msg);
        }
        broker->staging_txns--;
    }
    pthread_mutex_lock(&broker->lock);
    txn->rc = rc;
    if (rc != ERR_OK && err)
        txn->err = *err;
    txn->state = TXN_DONE;
    pthread_cond_broadcast(&broker->done_cond);
    pthread_mutex_unlock(&broker->lock);
}

static void job_do(LocalBroker *broker, LocalJob *job)
{
    ErrCode rc = job->run(broker, job, job->err);

    pthread_mutex_lock(&broker->lock);
    job->rc = rc;
    job->is_done = true;
    pthread_cond_broadcast(&broker->done_cond);
    pthread_mutex_unlock(&broker->lock);
}

/* After round_run() with txn: what became of it. */
static void txn_after_round(LocalBroker *broker, LocalTxn *txn, ErrCode rc, const Err *err)
{
    bool is_commit;
    bool is_done;

    pthread_mutex_lock(&broker->lock);
    is_commit = txn->state == TXN_COMMIT;
    is_done = txn->len == 0 || txn->chunks[txn->len - 1].log_chunk;
    if (rc != ERR_OK && !is_commit) { /* told when the committer asks */
        txn->rc = rc;
        txn->err = *err;
    }
    pthread_mutex_unlock(&broker->lock);
    if (is_commit && (rc != ERR_OK || is_done))
        txn_finish(broker, txn, rc, err);
}

/* The disk's doing, rather than the writer's of the records. */
static bool is_outside(ErrCode rc)
{
    return rc == ERR_BROKER || rc == ERR_FULL;
}

/* One transaction of the store for both, or, when that fails, one for each. */
static void round_both(LocalBroker *broker, LocalProduce *produces, LocalTxn *txn)
{
    Err     err, txn_err;
    ErrCode rc = round_run(broker, produces, txn, &err);
    ErrCode txn_rc = rc;

    txn_err = err;
    if (rc != ERR_OK && produces && txn) {
        rc = round_run(broker, produces, NULL, &err);
        txn_rc = round_run(broker, NULL, txn, &txn_err);
    }
    local_health_set(broker, is_outside(rc) ? &err : is_outside(txn_rc) ? &txn_err : NULL);
    if (produces)
        produces_ack(broker, produces, rc, &err);
    if (txn)
        txn_after_round(broker, txn, txn_rc, &txn_err);
}

bool local_write_round(LocalBroker *broker)
{
    LocalJob     *job;
    LocalProduce *produces;
    LocalTxn     *txn;
    bool          is_lost = false;

    pthread_mutex_lock(&broker->lock);
    job = broker->job_first;
    if (job) {
        broker->job_first = job->next;
        if (!job->next)
            broker->job_last = NULL;
    }
    produces = produces_take_locked(broker);
    txn = txn_pick_locked(broker);
    if (txn)
        is_lost = txn->state == TXN_ABORT || txn->rc != ERR_OK;
    pthread_mutex_unlock(&broker->lock);

    if (job)
        job_do(broker, job);
    if (txn && is_lost)
        txn_finish(broker, txn, txn->rc != ERR_OK ? txn->rc : ERR_CANCELLED, NULL);
    if (produces || (txn && !is_lost))
        round_both(broker, produces, is_lost ? NULL : txn);
    return job || produces || txn;
}

void *local_write_thread(void *arg)
{
    enum { CLEAN_WAIT_NS = 100000000 };
    LocalBroker *broker = arg;

    pthread_mutex_lock(&broker->lock);
    while (!broker->is_stopping || local_write_has_work_locked(broker)) {
        struct timespec until;
        int64_t         wait_ns = broker->clean_next_ns - clock_monotonic_ns(broker->clock);

        if (!local_write_has_work_locked(broker) && wait_ns > 0) {
            clock_gettime(CLOCK_MONOTONIC, &until);
            wait_ns += until.tv_nsec;
            until.tv_sec += wait_ns / 1000000000;
            until.tv_nsec = wait_ns % 1000000000;
            pthread_cond_timedwait(&broker->work_cond, &broker->lock, &until);
        }
        pthread_mutex_unlock(&broker->lock);
        local_write_round(broker);
        local_clean_step(broker);
        pthread_mutex_lock(&broker->lock);
    }
    pthread_mutex_unlock(&broker->lock);
    return NULL;
}

/* Tells the writer that there is work; in inline mode, does it, unless the caller is inside. */
void local_write_poke_locked(LocalBroker *broker)
{
    if (!broker->is_inline) {
        pthread_cond_signal(&broker->work_cond);
        return;
    }
    if (broker->is_in_round)
        return;
    broker->is_in_round = true;
    while (local_write_has_work_locked(broker)) {
        pthread_mutex_unlock(&broker->lock);
        local_write_round(broker);
        pthread_mutex_lock(&broker->lock);
    }
    broker->is_in_round = false;
}
