/*
 * chunk.h -- records as bytes: the one form in which they are written, stored and read.
 *
 * A chunk is up to CHUNK_BYTES of encoded records of one topic and partition.  The sink encodes
 * straight into it, the local broker stores and serves the same bytes, the Kafka driver walks it
 * and hands each record to the producer without a copy.
 *
 * One record: a fixed head, then key, value and headers:
 *
 *     u32 offset delta from the chunk's base (dense until compaction leaves gaps)
 *     u32 key length + 1, 0 = null key
 *     u32 value length + 1, 0 = null value (a tombstone)
 *     u32 headers length
 *     i64 timestamp, ms since the epoch
 *
 * all little-endian and unaligned.  Headers: repeated { varint name length, name, varint value
 * length + 1 (0 = null), value }; names may repeat, order is kept.
 *
 * Thread: a chunk belongs to whoever holds it; it moves from worker to committer whole.
 */
#ifndef EXEC_CHUNK_H
#define EXEC_CHUNK_H

#include "common/buf.h"

enum { CHUNK_BYTES = 65536, CHUNK_SPARE_BYTES = 2048, RECORD_HEAD_BYTES = 24 };

typedef struct Record {
    Str     key;   /* ptr NULL: null */
    Str     value; /* ptr NULL: null */
    Str     headers;
    int64_t ts;
    int64_t offset;
} Record;

typedef struct Chunk {
    Str           topic; /* owned by the query or the arena of its maker; outlives the chunk */
    uint32_t      partition;
    uint32_t      count;
    Buf           bytes;       /* heap */
    int64_t       base_offset; /* filled when committed; -1 before */
    int64_t       ts_min, ts_max;
    size_t        begun; /* where the head of the record being written stands */
    void         *owner; /* the query that wrote it: who is to blame when a sink refuses */
    struct Chunk *next;
} Chunk;

Chunk *chunk_new(Str topic, uint32_t partition, void *owner);
void   chunk_free(Chunk *chunk); /* NULL is fine */
/* Freed chunks leave their memory to the next ones: this gives it to the heap.  Thread: any. */
void chunk_free_blocks(void);
void chunk_append(Chunk *chunk, const Record *record); /* copies; offset is ignored */
/* The same with an offset delta of its own, not below those before: what compaction leaves. */
void chunk_append_at(Chunk *chunk, const Record *record, uint32_t delta);

/* One more record could be too much for CHUNK_BYTES: its memory would be doubled for it. */
static inline bool chunk_is_full(const Chunk *chunk)
{
    return chunk->bytes.len > CHUNK_BYTES - CHUNK_SPARE_BYTES;
}

/*
 * In place: chunk_begin(), then encode the key into chunk->bytes, chunk_key_done(), encode the
 * value, chunk_end().  chunk_cancel() takes a begun record back (the row did not encode).
 */
void chunk_begin(Chunk *chunk, int64_t ts);
void chunk_key_done(Chunk *chunk, bool is_null);
void chunk_end(Chunk *chunk, bool is_value_null, Str headers);
void chunk_cancel(Chunk *chunk);

/* Walks records: false at the end or at bytes that are no record.  Points into bytes. */
typedef struct ChunkCursor {
    const char *at, *end;
    int64_t     base_offset;
} ChunkCursor;

ChunkCursor chunk_cursor(Str bytes, int64_t base_offset);
bool        chunk_next(ChunkCursor *cursor, Record *out);

void header_append(Buf *headers, Str name, Str value);
/* for (Str rest = headers; header_next(&rest, &name, &value);) ... */
bool header_next(Str *rest, Str *name, Str *value);

/* Kafka's default partitioner: murmur2 of the key's bytes, positive, modulo partitions. */
uint32_t partition_of_key(Str key, uint32_t partitions);

#endif
