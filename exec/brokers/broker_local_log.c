/*
 * broker_local_log.c -- the logs in memory, and reading them.
 *
 *                  begin        cached_from            end
 *                    |               |                  |
 *     removed ...... | only in SQLite| list[head .. len)|  next transaction
 *
 * A chunk is published when its transaction is committed; the latest LOCAL_CACHE_BYTES of all logs
 * stay in memory, so that a reader that keeps up never touches SQLite.  Chunks leave in the order
 * in which they came, which within one log is the order of offsets.
 *
 * A batch holds references to the chunks it points into; nothing is copied per record.
 */
#include <assert.h>

#include "exec/brokers/broker_local_impl.h"

enum {
    POLL_CHUNKS_MAX = 256,
    SPARE_BYTES = 1024 /* at a buffer's end: more than that is given back */
};

/* --- chunks ----------------------------------------------------------------------------------- */

LogChunk *log_chunk_new(const ChunkMeta *meta, Buf bytes)
{
    LogChunk *chunk = MEM_NEW(LogChunk);

    chunk->refs = 1;
    chunk->meta = *meta;
    chunk->bytes = bytes;
    if (bytes.cap - bytes.len > SPARE_BYTES) {
        chunk->bytes.ptr = mem_realloc(bytes.ptr, bytes.len ? bytes.len : 1);
        chunk->bytes.cap = bytes.len;
    }
    return chunk;
}

void log_chunk_ref(LogChunk *chunk)
{
    __atomic_add_fetch(&chunk->refs, 1, __ATOMIC_RELAXED);
}

void log_chunk_unref(LogChunk *chunk)
{
    if (__atomic_sub_fetch(&chunk->refs, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    buf_deinit(&chunk->bytes);
    mem_free(chunk);
}

Str log_chunk_bytes(const LogChunk *chunk)
{
    return buf_view(&chunk->bytes);
}

/* --- a log's list ----------------------------------------------------------------------------- */

void local_log_init(LocalBroker *broker, LocalLog *log)
{
    log->broker = broker;
    log->oldest_ms = INT64_MIN;
    log->clean_bytes = -1;
    log->dirty_bytes = -1;
    log->tombstones_ms = INT64_MAX;
}

static void list_drop(LocalLog *log, size_t i)
{
    log->broker->data_bytes -= log->list[i]->meta.len;
    log->list[i]->home = NULL;
    log_chunk_unref(log->list[i]);
}

void local_log_deinit(LocalLog *log)
{
    for (size_t i = log->head; i < log->len; i++)
        list_drop(log, i);
    mem_free(log->list);
}

static void list_push(LocalLog *log, LogChunk *chunk)
{
    if (log->len == log->cap && log->head > log->cap / 2) {
        log->len -= log->head;
        memmove(log->list, log->list + log->head, log->len * sizeof *log->list);
        log->head = 0;
    }
    if (log->len == log->cap) {
        log->cap = log->cap ? log->cap * 2 : 8;
        log->list = mem_realloc(log->list, log->cap * sizeof *log->list);
    }
    log->list[log->len++] = chunk;
    chunk->home = log;
    log->broker->data_bytes += chunk->meta.len;
}

static void evict_oldest(LocalBroker *broker)
{
    LogChunk *chunk = broker->oldest;
    LocalLog *log = chunk->home;

    broker->oldest = chunk->newer;
    if (!broker->oldest)
        broker->newest = NULL;
    broker->cached_bytes -= chunk->meta.len;
    if (log) {
        assert(log->list[log->head] == chunk);
        list_drop(log, log->head++);
        log->cached_from = chunk->meta.end;
    }
    log_chunk_unref(chunk);
}

void local_log_publish_locked(LocalBroker *broker, LocalLog *log, LogChunk *chunk)
{
    assert(chunk->meta.base >= log->end && chunk->meta.end > chunk->meta.base);
    list_push(log, chunk);
    log->end = chunk->meta.end;
    if (!broker->store)
        return;
    log_chunk_ref(chunk); /* the order of eviction's */
    if (broker->newest)
        broker->newest->newer = chunk;
    else
        broker->oldest = chunk;
    broker->newest = chunk;
    broker->cached_bytes += chunk->meta.len;
    while (broker->cached_bytes > LOCAL_CACHE_BYTES)
        evict_oldest(broker);
}

void local_cache_shrink_locked(LocalBroker *broker, int64_t bytes)
{
    while (broker->cached_bytes > bytes)
        evict_oldest(broker);
}

void local_log_forget_locked(LocalLog *log, int64_t offset)
{
    while (log->head < log->len && log->list[log->head]->meta.end <= offset)
        list_drop(log, log->head++);
    if (log->cached_from < offset)
        log->cached_from = offset;
}

void local_log_cut_locked(LocalLog *log, int64_t offset)
{
    local_log_forget_locked(log, offset);
    if (log->begin < offset)
        log->begin = offset;
}

size_t local_log_find_locked(const LocalLog *log, int64_t offset)
{
    size_t low = log->head, high = log->len;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (log->list[middle]->meta.end > offset)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

void local_log_replace_locked(LocalBroker *broker, LocalLog *log, int64_t from, int64_t to,
                              LogChunk *chunk)
{
    size_t first = local_log_find_locked(log, from);
    size_t last = first;

    assert(!broker->store);
    for (; last < log->len && log->list[last]->meta.end <= to; last++)
        list_drop(log, last);
    if (chunk && first < last) {
        chunk->home = log;
        broker->data_bytes += chunk->meta.len;
        log->list[first++] = chunk;
    }
    memmove(log->list + first, log->list + last, (log->len - last) * sizeof *log->list);
    log->len -= last - first;
}

/* --- readers ---------------------------------------------------------------------------------- */

void local_log_wake(LocalBroker *broker, LocalLog *log)
{
    pthread_mutex_lock(&broker->wake_lock);
    for (LocalReader *reader = log->readers; reader; reader = reader->next) {
        if (__atomic_exchange_n(&reader->is_waiting, false, __ATOMIC_ACQ_REL) && reader->wake.wake)
            reader->wake.wake(reader->wake.arg);
    }
    pthread_mutex_unlock(&broker->wake_lock);
}

ErrCode local_reader_open(Broker *base, Str topic_name, uint32_t partition, int64_t offset,
                          BrokerWake wake, BrokerReader **out, Err *err)
{
    LocalBroker *broker = (LocalBroker *)base;
    LocalTopic  *topic = NULL;
    LocalReader *reader;
    LocalLog    *log;

    TRY(local_topic_find(broker, topic_name, &topic, err));
    if (partition >= topic->spec.partitions) {
        local_topic_unref(topic);
        return err_set(err, ERR_BROKER, "topic \"%.*s\" has no partition %u", STR_ARG(topic_name),
                       partition);
    }
    log = &topic->logs[partition];
    reader = MEM_NEW(LocalReader);
    reader->base.cls = base->cls;
    reader->broker = broker;
    reader->topic = topic;
    reader->partition = partition;
    reader->position = offset;
    reader->wake = wake;
    reader->is_waiting = true; /* who waits before the first poll is woken too */

    pthread_mutex_lock(&broker->wake_lock);
    if (log->last_reader)
        log->last_reader->next = reader;
    else
        log->readers = reader;
    log->last_reader = reader;
    pthread_mutex_unlock(&broker->wake_lock);
    *out = &reader->base;
    return ERR_OK;
}

void local_reader_close(BrokerReader *base)
{
    LocalReader  *reader = (LocalReader *)base;
    LocalBroker  *broker = reader->broker;
    LocalLog     *log = &reader->topic->logs[reader->partition];
    LocalReader **link = &log->readers, *before = NULL;

    pthread_mutex_lock(&broker->wake_lock);
    while (*link != reader) {
        before = *link;
        link = &before->next;
    }
    *link = reader->next;
    if (log->last_reader == reader)
        log->last_reader = before;
    pthread_mutex_unlock(&broker->wake_lock);
    local_topic_unref(reader->topic);
    mem_free(reader);
}

ErrCode local_reader_seek(BrokerReader *base, int64_t offset, Err *err)
{
    (void)err;
    ((LocalReader *)base)->position = offset;
    return ERR_OK;
}

/* --- batches ---------------------------------------------------------------------------------- */

typedef struct LocalBatch {
    RecordBatch base; /* must be first */
    uint32_t    chunks_len;
    LogChunk  **chunks;  /* behind the records */
    Record      items[]; /* as many as the chunks have */
} LocalBatch;

/* Chunks on their way into a batch, each with a reference. */
typedef struct ChunkPick {
    LogChunk *chunks[POLL_CHUNKS_MAX];
    uint32_t  len;
    size_t    bytes, bytes_max;
} ChunkPick;

static void batch_release(RecordBatch *base)
{
    LocalBatch *batch = (LocalBatch *)base;

    for (uint32_t i = 0; i < batch->chunks_len; i++)
        log_chunk_unref(batch->chunks[i]);
    mem_free(batch);
}

/* Takes over the references of pick. */
static LocalBatch *batch_new(const ChunkPick *pick, int64_t from, int64_t readable_end)
{
    size_t      count = 0;
    LocalBatch *batch;

    for (uint32_t i = 0; i < pick->len; i++)
        count += pick->chunks[i]->meta.count;
    batch = mem_alloc(sizeof *batch + count * sizeof(Record) + pick->len * sizeof(LogChunk *));
    batch->chunks = (LogChunk **)(void *)(batch->items + count);
    batch->chunks_len = pick->len;
    batch->base = (RecordBatch){
        .records = batch->items,
        .refs = 1,
        .readable_end = readable_end,
        .next_offset = pick->chunks[pick->len - 1]->meta.end,
        .release = batch_release,
    };
    for (uint32_t i = 0; i < pick->len; i++) {
        LogChunk   *chunk = pick->chunks[i];
        ChunkCursor cursor = chunk_cursor(log_chunk_bytes(chunk), chunk->meta.base);
        Record     *record = &batch->items[batch->base.len];

        batch->chunks[i] = chunk;
        for (uint32_t n = 0; n < chunk->meta.count && chunk_next(&cursor, record); n++) {
            if (record->offset >= from)
                record++;
        }
        batch->base.len = (uint32_t)(record - batch->items);
    }
    return batch;
}

/* True when one more fits. */
static bool pick_add(ChunkPick *pick, LogChunk *chunk)
{
    pick->chunks[pick->len++] = chunk;
    pick->bytes += chunk->meta.len;
    return pick->len < POLL_CHUNKS_MAX && pick->bytes < pick->bytes_max;
}

static void pick_from_list_locked(ChunkPick *pick, const LocalLog *log, int64_t from)
{
    for (size_t i = local_log_find_locked(log, from); i < log->len; i++) {
        log_chunk_ref(log->list[i]);
        if (!pick_add(pick, log->list[i]))
            return;
    }
}

static bool pick_stored(void *arg, const ChunkMeta *meta, Str bytes)
{
    Buf copy = {0};

    buf_str(&copy, bytes);
    return pick_add(arg, log_chunk_new(meta, copy));
}

static ErrCode pick_from_store(LocalReader *reader, ChunkPick *pick, int64_t to, Err *err)
{
    ErrCode rc = local_store_read(reader->broker->store, reader->topic->row, reader->partition,
                                  reader->position, to, pick_stored, pick, err);

    if (rc == ERR_OK)
        return ERR_OK;
    for (uint32_t i = 0; i < pick->len; i++)
        log_chunk_unref(pick->chunks[i]);
    return rc;
}

/* One try: *out stays NULL when only a gap was passed, or when there is nothing. */
static ErrCode poll_once(LocalReader *reader, size_t bytes_max, RecordBatch **out,
                         int64_t *readable_end, Err *err)
{
    LocalBroker *broker = reader->broker;
    LocalLog    *log = &reader->topic->logs[reader->partition];
    ChunkPick    pick = {.bytes_max = bytes_max};
    LocalBatch  *batch;
    bool         is_in_memory;
    int64_t      end;

    pthread_mutex_lock(&broker->lock);
    if (reader->topic->is_deleted) {
        pthread_mutex_unlock(&broker->lock);
        return local_topic_missing(reader->topic->spec.name, err);
    }
    end = log->end;
    if (reader->position < log->begin)
        reader->position = log->begin;
    is_in_memory = reader->position >= log->cached_from;
    if (reader->position >= end)
        __atomic_store_n(&reader->is_waiting, true, __ATOMIC_RELEASE);
    else if (is_in_memory)
        pick_from_list_locked(&pick, log, reader->position);
    pthread_mutex_unlock(&broker->lock);

    *readable_end = end;
    if (reader->position >= end)
        return ERR_OK;
    if (!is_in_memory)
        TRY(pick_from_store(reader, &pick, end, err));
    if (pick.len == 0) { /* retention or compaction took the rest */
        reader->position = end;
        return ERR_OK;
    }
    batch = batch_new(&pick, reader->position, end);
    reader->position = batch->base.next_offset;
    if (batch->base.len > 0)
        *out = &batch->base;
    else
        record_batch_unref(&batch->base);
    return ERR_OK;
}

ErrCode local_reader_poll(BrokerReader *base, size_t bytes_max, RecordBatch **out,
                          int64_t *position, int64_t *readable_end, Err *err)
{
    LocalReader *reader = (LocalReader *)base;
    RecordBatch *batch = NULL;
    int64_t      end = 0, before;

    do {
        before = reader->position;
        TRY(poll_once(reader, bytes_max, &batch, &end, err));
    } while (!batch && reader->position != before && reader->position < end);
    *out = batch;
    *position = reader->position;
    *readable_end = end;
    return ERR_OK;
}
