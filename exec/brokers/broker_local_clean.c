/*
 * broker_local_clean.c -- retention, trimming, removal of deleted topics, compaction.
 *
 * Four times a second a *sweep* looks at every partition: chunks past their topic's retention go
 * from the head of the log, whole ones only; so do chunks below what broker_trim() named; deleted
 * topics are emptied; a compacted topic of which half or more is new since the last time is
 * compacted.
 *
 * Compaction of one partition is a pass in two phases:
 *
 *     gather    new chunks: the last offset of each key (as many keys as fit GATHER_BYTES)
 *     rewrite   all chunks up to where gathering stopped: a record goes when a later one of its key
 *               was gathered, or when it is a tombstone old enough; survivors keep their offsets,
 *               and chunks that shrank are joined
 *
 * Each step is small and stands alone, so that a crash between them loses nothing.
 *
 * All of it runs on the writer, in slices of a few milliseconds, each followed by three times its
 * length for other work: at most a quarter of a core, and no produce waits for more than a slice.
 */
#include <assert.h>

#include "common/log.h"
#include "exec/brokers/broker_local_impl.h"

enum {
    SLICE_NS = 3000000,
    REST_FACTOR = 3,
    SWEEP_NS = 250000000,
    RETRY_NS = 1000000000, /* after the store failed */
    DROPS_MAX = 64,        /* chunks removed in one transaction */
    COMPACT_BYTES_MIN = 262144,
    GATHER_BYTES = 33554432,
    IDLE_CACHE_BYTES = 1048576
};

typedef enum CompactPhase { COMPACT_GATHER, COMPACT_REWRITE } CompactPhase;

typedef struct Compacter {
    LocalTopic  *topic; /* holds a reference */
    uint32_t     partition;
    CompactPhase phase;
    Arena       *mem;
    Map          latest; /* key -> 1 + its last offset, as an integer */
    int64_t      at;     /* the next chunk to look at */
    int64_t      to;     /* where gathering stopped, or is to stop */
    int64_t      tombstones_ms;
    Buf          source; /* bytes of the chunk being looked at */
    Chunk       *out;    /* survivors of chunks [out_meta.base, out_meta.end); NULL: none yet */
    ChunkMeta    out_meta;
} Compacter;

/* --- a log's chunks, wherever they are -------------------------------------------------------- */

/* The first chunk with an end above offset. */
static ErrCode chunk_at(LocalBroker *broker, LocalTopic *topic, uint32_t partition, int64_t offset,
                        ChunkMeta *out, bool *found, Err *err)
{
    LocalLog *log = &topic->logs[partition];
    size_t    i;

    if (broker->store)
        return local_store_chunk_at(broker->store, topic->row, partition, offset, out, found, err);
    i = local_log_find_locked(log, offset); /* the writer is alone to change the list */
    *found = i < log->len;
    if (*found)
        *out = log->list[i]->meta;
    return ERR_OK;
}

static ErrCode chunk_load(Compacter *compacter, const ChunkMeta *meta, Err *err)
{
    LocalTopic *topic = compacter->topic;
    LocalLog   *log = &topic->logs[compacter->partition];

    buf_clear(&compacter->source);
    if (topic->broker->store)
        return local_store_blob_get(topic->broker->store, meta->blob, &compacter->source, err);
    buf_str(&compacter->source, log_chunk_bytes(log->list[local_log_find_locked(log, meta->base)]));
    return ERR_OK;
}

static ErrCode partition_put(LocalBroker *broker, LocalTopic *topic, uint32_t partition,
                             int64_t begin, int64_t clean_end, Err *err)
{
    StoredPartition stored = {topic->row, partition, begin, topic->logs[partition].end, clean_end};

    return broker->store ? local_store_partition_put(broker->store, &stored, err) : ERR_OK;
}

static ErrCode store_begin(LocalBroker *broker, Err *err)
{
    return broker->store ? local_store_begin(broker->store, false, err) : ERR_OK;
}

static ErrCode store_end(LocalBroker *broker, ErrCode rc, Err *err)
{
    if (!broker->store)
        return rc;
    if (rc == ERR_OK)
        rc = local_store_commit(broker->store, err);
    if (rc != ERR_OK)
        local_store_rollback(broker->store);
    return rc;
}

/* --- the head of a log ------------------------------------------------------------------------ */

/* What may go from the head of a log: chunks that end at or below trim_to, and chunks that were
 * fresh before expired_ms. */
typedef struct HeadCut {
    int64_t trim_to;
    int64_t expired_ms;
    int64_t begin;     /* out: where the log begins afterwards */
    int64_t oldest_ms; /* out: of the first chunk left */
    int     dropped;   /* out */
} HeadCut;

static ErrCode head_drop(LocalBroker *broker, LocalTopic *topic, uint32_t partition, HeadCut *cut,
                         Err *err)
{
    LocalLog *log = &topic->logs[partition];
    ChunkMeta meta;
    bool      found;
    int64_t   at = 0;

    for (; cut->dropped < DROPS_MAX; cut->dropped++) {
        TRY(chunk_at(broker, topic, partition, at, &meta, &found, err));
        if (!found || (meta.end > cut->trim_to && meta.fresh_ms >= cut->expired_ms))
            break;
        if (broker->store)
            TRY(local_store_chunk_drop(broker->store, topic->row, partition, &meta, err));
        at = meta.end;
    }
    if (cut->dropped == DROPS_MAX)
        TRY(chunk_at(broker, topic, partition, at, &meta, &found, err));
    cut->oldest_ms = found ? meta.fresh_ms : INT64_MIN;
    cut->begin = log->begin > cut->trim_to ? log->begin : cut->trim_to;
    if (at > cut->begin)
        cut->begin = at;
    if (cut->begin == log->begin)
        return ERR_OK;
    return partition_put(broker, topic, partition, cut->begin, log->clean_end, err);
}

/* Removes what has expired or was trimmed; *is_done false: more is left. */
static ErrCode head_clean(LocalBroker *broker, LocalTopic *topic, uint32_t partition, bool *is_done,
                          Err *err)
{
    LocalLog        *log = &topic->logs[partition];
    const TopicSpec *spec = &topic->spec;
    bool             expires = spec->retention_ms >= 0 &&
                   (spec->cleanup == TOPIC_DELETE || spec->cleanup == TOPIC_COMPACT_DELETE);
    HeadCut cut = {.expired_ms = INT64_MIN};
    ErrCode rc;

    pthread_mutex_lock(&broker->lock);
    cut.trim_to = log->trim_to;
    pthread_mutex_unlock(&broker->lock);
    if (expires)
        cut.expired_ms = clock_now_ms(broker->clock) - spec->retention_ms;
    *is_done = true;
    if (log->begin == log->end ||
        (cut.trim_to <= log->begin && (!expires || log->oldest_ms >= cut.expired_ms)))
        return ERR_OK;

    TRY(store_begin(broker, err));
    rc = head_drop(broker, topic, partition, &cut, err);
    TRY(store_end(broker, rc, err));
    log->oldest_ms = cut.oldest_ms;
    *is_done = cut.dropped < DROPS_MAX;
    pthread_mutex_lock(&broker->lock);
    local_log_cut_locked(log, cut.begin);
    pthread_mutex_unlock(&broker->lock);
    return ERR_OK;
}

ErrCode local_trim(Broker *base, Str topic_name, uint32_t partition, int64_t offset, Err *err)
{
    LocalBroker *broker = (LocalBroker *)base;
    LocalTopic  *topic = NULL;
    ErrCode      rc = ERR_OK;

    TRY(local_topic_find(broker, topic_name, &topic, err));
    if (topic->spec.cleanup != TOPIC_LOG || partition >= topic->spec.partitions) {
        rc = err_set(err, ERR_BROKER, "cannot trim partition %u of topic \"%.*s\"", partition,
                     STR_ARG(topic_name));
    } else {
        LocalLog *log = &topic->logs[partition];

        pthread_mutex_lock(&broker->lock);
        offset = offset < log->end ? offset : log->end;
        log->trim_to = offset > log->trim_to ? offset : log->trim_to;
        pthread_mutex_unlock(&broker->lock);
    }
    local_topic_unref(topic);
    return rc;
}

/* --- compaction ------------------------------------------------------------------------------- */

static ErrCode sizes_know(LocalBroker *broker, LocalTopic *topic, uint32_t partition, Err *err)
{
    LocalLog *log = &topic->logs[partition];
    int64_t   clean = 0, dirty = 0;

    if (log->dirty_bytes >= 0)
        return ERR_OK;
    if (broker->store)
        TRY(local_store_sizes(broker->store, topic->row, partition, log->clean_end, &clean, &dirty,
                              err));
    else
        for (size_t i = log->head; i < log->len; i++)
            *(log->list[i]->meta.base < log->clean_end ? &clean : &dirty) += log->list[i]->meta.len;
    log->clean_bytes = clean;
    log->dirty_bytes = dirty;
    return ERR_OK;
}

static ErrCode compaction_is_due(LocalBroker *broker, LocalTopic *topic, uint32_t partition,
                                 bool *out, Err *err)
{
    LocalLog *log = &topic->logs[partition];

    *out = false;
    if (topic->spec.cleanup != TOPIC_COMPACT && topic->spec.cleanup != TOPIC_COMPACT_DELETE &&
        topic->spec.cleanup != TOPIC_STATE)
        return ERR_OK;
    TRY(sizes_know(broker, topic, partition, err));
    *out = (log->dirty_bytes >= COMPACT_BYTES_MIN && log->dirty_bytes >= log->clean_bytes) ||
           log->tombstones_ms <= clock_now_ms(broker->clock);
    return ERR_OK;
}

static void compacter_start(LocalBroker *broker, LocalTopic *topic, uint32_t partition)
{
    Compacter *compacter = MEM_NEW(Compacter);
    LocalLog  *log = &topic->logs[partition];

    pthread_mutex_lock(&broker->lock);
    topic->refs++;
    pthread_mutex_unlock(&broker->lock);
    compacter->topic = topic;
    compacter->partition = partition;
    compacter->mem = arena_new(65536);
    compacter->at = log->clean_end;
    compacter->to = log->end;
    compacter->tombstones_ms = INT64_MAX;
    map_init(&compacter->latest, NULL);
    broker->compacter = compacter;
}

void local_clean_stop(LocalBroker *broker)
{
    Compacter *compacter = broker->compacter;

    if (!compacter)
        return;
    broker->compacter = NULL;
    local_topic_unref(compacter->topic);
    map_deinit(&compacter->latest);
    arena_free(compacter->mem);
    buf_deinit(&compacter->source);
    chunk_free(compacter->out);
    mem_free(compacter);
}

static void gather_chunk(Compacter *compacter, const ChunkMeta *meta)
{
    ChunkCursor cursor = chunk_cursor(buf_view(&compacter->source), meta->base);
    Record      record;

    while (chunk_next(&cursor, &record)) {
        void *last = (void *)(uintptr_t)(record.offset + 1);

        if (!record.key.ptr)
            continue;
        /* Only a key seen for the first time is copied. */
        if (map_get(&compacter->latest, record.key))
            map_put(&compacter->latest, record.key, last);
        else
            map_put(&compacter->latest, str_copy(compacter->mem, record.key), last);
    }
}

/* Looks at one chunk; *is_done: all was gathered, or as much as may be. */
static ErrCode gather_step(LocalBroker *broker, Compacter *compacter, bool *is_done, Err *err)
{
    ChunkMeta meta;
    bool      found;

    TRY(chunk_at(broker, compacter->topic, compacter->partition, compacter->at, &meta, &found,
                 err));
    *is_done = !found || meta.base >= compacter->to;
    if (*is_done)
        return ERR_OK;
    TRY(chunk_load(compacter, &meta, err));
    gather_chunk(compacter, &meta);
    compacter->at = meta.end;
    if (arena_used(compacter->mem) >= GATHER_BYTES) {
        compacter->to = meta.end;
        *is_done = true;
    }
    return ERR_OK;
}

static bool survives(Compacter *compacter, const Record *record, int64_t expires_ms, int64_t now_ms)
{
    int64_t last;

    if (!record->key.ptr)
        return true; /* it is nobody's former value */
    last = (int64_t)(uintptr_t)map_get(&compacter->latest, record->key) - 1;
    if (last > record->offset)
        return false;
    if (record->value.ptr)
        return true;
    if (expires_ms <= now_ms)
        return false;
    if (expires_ms < compacter->tombstones_ms)
        compacter->tombstones_ms = expires_ms;
    return true;
}

/* Puts the survivors in place of the chunks that they come from. */
static ErrCode rewrite_flush(LocalBroker *broker, Compacter *compacter, Err *err)
{
    Chunk     *out = compacter->out;
    ChunkMeta *meta = &compacter->out_meta;
    LocalLog  *log = &compacter->topic->logs[compacter->partition];

    if (!out)
        return ERR_OK;
    meta->count = out->count;
    meta->len = (uint32_t)out->bytes.len;
    if (broker->store) {
        if (out->count > 0) {
            TRY(local_store_blob_put(broker->store, buf_view(&out->bytes), &meta->blob, err));
            TRY(local_store_chunk_put(broker->store, compacter->topic->row, compacter->partition,
                                      meta, err));
        }
    } else {
        LogChunk *chunk = NULL;

        if (out->count > 0) {
            chunk = log_chunk_new(meta, out->bytes);
            out->bytes = (Buf){0};
        }
        pthread_mutex_lock(&broker->lock);
        local_log_replace_locked(broker, log, meta->base, meta->end, chunk);
        pthread_mutex_unlock(&broker->lock);
    }
    chunk_free(out);
    compacter->out = NULL;
    return ERR_OK;
}

/* Survivors of the chunk in source go behind those gathered in out, which is flushed when they do
 * not fit: a chunk's survivors stay together. */
static ErrCode rewrite_join(LocalBroker *broker, Compacter *compacter, const ChunkMeta *meta,
                            Err *err)
{
    Chunk      *out = compacter->out;
    ChunkCursor cursor = chunk_cursor(buf_view(&compacter->source), meta->base);
    int64_t     now_ms = clock_now_ms(broker->clock);
    int64_t     expires_ms = meta->fresh_ms + broker->tombstone_retention_ms;
    Record      record;

    if (out && (out->bytes.len + meta->len > CHUNK_BYTES ||
                meta->end - compacter->out_meta.base > UINT32_MAX))
        TRY(rewrite_flush(broker, compacter, err));
    if (!compacter->out) {
        compacter->out = chunk_new(compacter->topic->spec.name, compacter->partition, NULL);
        compacter->out_meta = (ChunkMeta){.base = meta->base, .fresh_ms = meta->fresh_ms};
    }
    out = compacter->out;
    while (chunk_next(&cursor, &record)) {
        if (survives(compacter, &record, expires_ms, now_ms))
            chunk_append_at(out, &record, (uint32_t)(record.offset - compacter->out_meta.base));
    }
    compacter->out_meta.end = meta->end;
    if (meta->fresh_ms > compacter->out_meta.fresh_ms)
        compacter->out_meta.fresh_ms = meta->fresh_ms;
    if (broker->store)
        return local_store_chunk_drop(broker->store, compacter->topic->row, compacter->partition,
                                      meta, err);
    return ERR_OK;
}

/* True when nothing of the chunk in source goes: rewriting it would only cost. */
static bool is_all_kept(LocalBroker *broker, Compacter *compacter, const ChunkMeta *meta)
{
    ChunkCursor cursor = chunk_cursor(buf_view(&compacter->source), meta->base);
    int64_t     expires_ms = meta->fresh_ms + broker->tombstone_retention_ms;
    int64_t     now_ms = clock_now_ms(broker->clock);
    Record      record;

    while (chunk_next(&cursor, &record)) {
        if (!survives(compacter, &record, expires_ms, now_ms))
            return false;
    }
    return true;
}

static ErrCode rewrite_step(LocalBroker *broker, Compacter *compacter, bool *is_done, Err *err)
{
    ChunkMeta meta;
    bool      found;

    TRY(chunk_at(broker, compacter->topic, compacter->partition, compacter->at, &meta, &found,
                 err));
    *is_done = !found || meta.base >= compacter->to;
    if (*is_done)
        return ERR_OK;
    TRY(chunk_load(compacter, &meta, err));
    compacter->at = meta.end;
    if (meta.len >= CHUNK_BYTES / 2 && is_all_kept(broker, compacter, &meta))
        return rewrite_flush(broker, compacter, err); /* what stands before it */
    return rewrite_join(broker, compacter, &meta, err);
}

static bool is_slice_over(LocalBroker *broker, int64_t started_ns)
{
    return clock_monotonic_ns(broker->clock) - started_ns >= SLICE_NS;
}

static ErrCode gather_slice(LocalBroker *broker, Compacter *compacter, int64_t started_ns, Err *err)
{
    bool is_done = false;

    while (!is_done) {
        TRY(gather_step(broker, compacter, &is_done, err));
        if (is_slice_over(broker, started_ns))
            break;
    }
    if (is_done) {
        compacter->phase = COMPACT_REWRITE;
        compacter->at = compacter->topic->logs[compacter->partition].begin;
    }
    return ERR_OK;
}

static ErrCode rewrite_chunks(LocalBroker *broker, Compacter *compacter, int64_t started_ns,
                              bool *is_done, Err *err)
{
    LocalLog *log = &compacter->topic->logs[compacter->partition];

    while (!*is_done) {
        TRY(rewrite_step(broker, compacter, is_done, err));
        if (is_slice_over(broker, started_ns))
            break;
    }
    TRY(rewrite_flush(broker, compacter, err));
    if (*is_done)
        return partition_put(broker, compacter->topic, compacter->partition, log->begin,
                             compacter->to, err);
    return ERR_OK;
}

static ErrCode rewrite_slice(LocalBroker *broker, Compacter *compacter, int64_t started_ns,
                             Err *err)
{
    LocalLog *log = &compacter->topic->logs[compacter->partition];
    bool      is_done = false;
    ErrCode   rc;

    TRY(store_begin(broker, err));
    rc = rewrite_chunks(broker, compacter, started_ns, &is_done, err);
    TRY(store_end(broker, rc, err));
    if (broker->store) {
        pthread_mutex_lock(&broker->lock);
        local_log_forget_locked(log, compacter->at < compacter->to ? compacter->at : compacter->to);
        pthread_mutex_unlock(&broker->lock);
    }
    if (!is_done)
        return ERR_OK;
    log->clean_end = compacter->to;
    log->dirty_bytes = -1; /* counted anew when it matters */
    log->tombstones_ms = compacter->tombstones_ms;
    log->oldest_ms = INT64_MIN;
    local_clean_stop(broker);
    return ERR_OK;
}

static ErrCode compact_slice(LocalBroker *broker, int64_t started_ns, Err *err)
{
    Compacter *compacter = broker->compacter;

    if (compacter->topic->is_deleted) {
        local_clean_stop(broker);
        return ERR_OK;
    }
    if (compacter->phase == COMPACT_GATHER)
        return gather_slice(broker, compacter, started_ns, err);
    return rewrite_slice(broker, compacter, started_ns, err);
}

/* --- the sweep -------------------------------------------------------------------------------- */

static ErrCode purge_topic(LocalBroker *broker, LocalTopic *topic, bool *is_done, Err *err)
{
    ErrCode rc;

    *is_done = true;
    if (broker->store) {
        TRY(store_begin(broker, err));
        rc = local_store_topic_purge(broker->store, topic->row, DROPS_MAX, is_done, err);
        TRY(store_end(broker, rc, err));
    }
    if (*is_done)
        local_topic_forget(broker, topic);
    return ERR_OK;
}

static ErrCode sweep_partition(LocalBroker *broker, LocalTopic *topic, uint32_t partition,
                               bool *is_done, Err *err)
{
    bool is_due = false;

    TRY(head_clean(broker, topic, partition, is_done, err));
    TRY(compaction_is_due(broker, topic, partition, &is_due, err));
    if (is_due)
        compacter_start(broker, topic, partition);
    return ERR_OK;
}

/* Looks at what is under the cursor, and moves on unless more is to be done there. */
static ErrCode sweep_step(LocalBroker *broker, Err *err)
{
    LocalTopic *topic = broker->sweep_topic;
    LocalTopic *next = topic->next; /* the topic may be gone afterwards */
    bool        is_deleted = topic->is_deleted;
    bool        is_last = is_deleted || broker->sweep_partition + 1 == topic->spec.partitions;
    bool        is_done = true;

    if (is_deleted)
        TRY(purge_topic(broker, topic, &is_done, err));
    else
        TRY(sweep_partition(broker, topic, broker->sweep_partition, &is_done, err));
    if (!is_done)
        return ERR_OK;
    broker->sweep_partition = is_last ? 0 : broker->sweep_partition + 1;
    if (is_last)
        broker->sweep_topic = next;
    return ERR_OK;
}

/* Between two sweeps: when nothing was written since the last, the file and memory are tidied. */
static void sweep_end(LocalBroker *broker)
{
    bool is_idle = broker->rounds == broker->rounds_swept;
    bool has_shrunk;

    broker->rounds_swept = broker->rounds;
    if (!is_idle || !broker->store)
        return;
    local_store_checkpoint(broker->store);
    pthread_mutex_lock(&broker->lock);
    has_shrunk = broker->cached_bytes > IDLE_CACHE_BYTES;
    local_cache_shrink_locked(broker, IDLE_CACHE_BYTES);
    pthread_mutex_unlock(&broker->lock);
    if (has_shrunk) {
        chunk_free_blocks();
        mem_trim();
    }
}

static ErrCode sweep_slice(LocalBroker *broker, int64_t started_ns, Err *err)
{
    while (broker->sweep_topic && !broker->compacter) {
        TRY(sweep_step(broker, err));
        if (is_slice_over(broker, started_ns))
            return ERR_OK;
    }
    if (!broker->sweep_topic) {
        sweep_end(broker);
        broker->sweep_next_ns = started_ns + SWEEP_NS;
    }
    return ERR_OK;
}

bool local_clean_step(LocalBroker *broker)
{
    int64_t started_ns = clock_monotonic_ns(broker->clock);
    int64_t took_ns;
    Err     err;
    ErrCode rc;

    if (started_ns < broker->clean_next_ns)
        return false;
    if (!broker->compacter && !broker->sweep_topic) {
        pthread_mutex_lock(&broker->lock);
        broker->sweep_topic = broker->all;
        pthread_mutex_unlock(&broker->lock);
    }
    rc = broker->compacter ? compact_slice(broker, started_ns, &err)
                           : sweep_slice(broker, started_ns, &err);
    if (rc != ERR_OK) {
        log_line(LOG_WARN, "broker", "cleaning: %s", err.msg);
        local_clean_stop(broker);
        broker->sweep_topic = NULL;
        broker->clean_next_ns = started_ns + RETRY_NS;
        return false;
    }
    took_ns = clock_monotonic_ns(broker->clock) - started_ns;
    broker->clean_next_ns = started_ns + took_ns * (1 + REST_FACTOR);
    if (!broker->compacter && !broker->sweep_topic)
        broker->clean_next_ns = broker->sweep_next_ns;
    return true;
}
