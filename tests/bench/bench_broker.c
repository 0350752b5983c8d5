#include "tests/bench/bench_broker.h"

#include <limits.h>

enum { BENCH_POLL_RECORDS = 1000, BENCH_EPOCH_RECORDS = 100000 };

typedef struct BenchReader {
    BrokerReader base;
    BenchBroker *broker;
    BrokerWake   wake;
    int64_t      position;
    bool         is_empty; /* internal topics */
    bool         rests;    /* until the engine has committed what it has */
} BenchReader;

typedef struct BenchBatch {
    RecordBatch base;
    Record      records[BENCH_POLL_RECORDS];
} BenchBatch;

typedef struct BenchTxn {
    BrokerTxn    base;
    BenchBroker *broker;
} BenchTxn;

static ErrCode bench_topic_create(Broker *broker, const TopicSpec *spec, Err *err)
{
    (void)broker;
    (void)spec;
    (void)err;
    return ERR_OK;
}

static ErrCode bench_topic_describe(Broker *broker, Str name, Arena *arena, TopicInfo *out,
                                    Err *err)
{
    (void)broker;
    (void)arena;
    (void)err;
    *out = (TopicInfo){.spec = {.name = name, .partitions = 1}, .record_bytes_max = INT_MAX};
    return ERR_OK;
}

static bool bench_is_internal(Str name)
{
    return name.len > 0 && name.ptr[0] == '_';
}

static ErrCode bench_topic_ends(Broker *broker, Str name, PartitionEnds *ends, uint32_t partitions,
                                Err *err)
{
    (void)err;
    for (uint32_t i = 0; i < partitions; i++)
        ends[i] =
            (PartitionEnds){0, bench_is_internal(name) ? 0 : ((BenchBroker *)broker)->records};
    return ERR_OK;
}

static ErrCode bench_reader_open(Broker *broker, Str topic, uint32_t partition, int64_t offset,
                                 BrokerWake wake, BrokerReader **out, Err *err)
{
    BenchReader *reader = MEM_NEW(BenchReader);

    (void)partition;
    (void)err;
    reader->wake = wake;
    reader->base.cls = broker->cls;
    reader->broker = (BenchBroker *)broker;
    reader->position = offset;
    reader->is_empty = bench_is_internal(topic);
    if (!reader->is_empty)
        reader->broker->reader = reader;
    *out = &reader->base;
    return ERR_OK;
}

static void bench_release(RecordBatch *batch)
{
    mem_free(batch);
}

static ErrCode bench_reader_poll(BrokerReader *base, size_t bytes_max, RecordBatch **out,
                                 int64_t *position, int64_t *readable_end, Err *err)
{
    BenchReader *reader = (BenchReader *)base;
    BenchBroker *broker = reader->broker;
    int64_t      end = reader->is_empty ? 0 : broker->records;
    BenchBatch  *batch;

    (void)bytes_max;
    (void)err;
    *out = NULL;
    *readable_end = end;
    *position = reader->position;
    if (reader->position > 0 && reader->position % BENCH_EPOCH_RECORDS == 0)
        reader->rests = !reader->rests;
    if (reader->position >= end || reader->rests)
        return ERR_OK;
    batch = MEM_NEW(BenchBatch);
    while (batch->base.len < BENCH_POLL_RECORDS && reader->position < end) {
        Record *record = &batch->records[batch->base.len++];

        *record = broker->templates[reader->position % broker->templates_len];
        record->offset = reader->position++;
        record->ts = record->offset;
    }
    batch->base.records = batch->records;
    batch->base.next_offset = reader->position;
    batch->base.readable_end = end;
    batch->base.refs = 1;
    batch->base.release = bench_release;
    *position = reader->position;
    *out = &batch->base;
    return ERR_OK;
}

static void bench_reader_close(BrokerReader *reader)
{
    mem_free(reader);
}

static ErrCode bench_txn_open(Broker *broker, Str name, BrokerTxn **out, Err *err)
{
    BenchTxn *txn = MEM_NEW(BenchTxn);

    (void)name;
    (void)err;
    txn->base.cls = broker->cls;
    txn->broker = (BenchBroker *)broker;
    *out = &txn->base;
    return ERR_OK;
}

static ErrCode bench_txn_begin(BrokerTxn *txn, Err *err)
{
    (void)txn;
    (void)err;
    return ERR_OK;
}

static ErrCode bench_txn_append(BrokerTxn *txn, Chunk *chunk, Err *err)
{
    BenchBroker *broker = ((BenchTxn *)txn)->broker;

    (void)err;
    if (!bench_is_internal(chunk->topic)) {
        broker->written += chunk->count;
        broker->written_bytes += (int64_t)chunk->bytes.len;
    }
    chunk_free(chunk);
    return ERR_OK;
}

static ErrCode bench_txn_commit(BrokerTxn *txn, void (*settled)(void *, const Chunk *), void *arg,
                                Err *err)
{
    (void)txn;
    (void)settled;
    (void)arg;
    (void)err;
    return ERR_OK;
}

static void bench_txn_abort(BrokerTxn *txn)
{
    (void)txn;
}

static void bench_txn_close(BrokerTxn *txn)
{
    mem_free(txn);
}

/* Called when the engine idles, that is, has committed. */
static bool bench_step(Broker *broker)
{
    BenchReader *reader = ((BenchBroker *)broker)->reader;

    if (!reader || !reader->rests)
        return false;
    reader->wake.wake(reader->wake.arg);
    return true;
}

static const BrokerClass bench_broker_class = {
    .name = "bench",
    .topic_create = bench_topic_create,
    .topic_describe = bench_topic_describe,
    .topic_ends = bench_topic_ends,
    .reader_open = bench_reader_open,
    .reader_poll = bench_reader_poll,
    .reader_close = bench_reader_close,
    .txn_open = bench_txn_open,
    .txn_begin = bench_txn_begin,
    .txn_append = bench_txn_append,
    .txn_commit = bench_txn_commit,
    .txn_abort = bench_txn_abort,
    .txn_close = bench_txn_close,
    .step = bench_step,
};

void bench_broker_init(BenchBroker *broker, const Record *templates, uint32_t len, int64_t records)
{
    *broker = (BenchBroker){.base = {.cls = &bench_broker_class},
                            .templates = templates,
                            .templates_len = len,
                            .records = records};
}
