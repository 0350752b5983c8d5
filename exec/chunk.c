/*
 * chunk.c -- records as bytes.
 *
 * A record is begun by reserving its head, grown in place by whoever encodes key and value, and
 * ended by filling the head in.  While one is begun, `begun` remembers where its head stands; the
 * key's length is parked in the head itself, so that nothing is kept per record beside the bytes.
 *
 * Blocks.  A chunk that is no longer small continues in a block of CHUNK_BYTES, and when it is
 * freed the block waits for the next one.  Chunks are made by workers and freed by committers,
 * gigabytes of them while queries catch up; the heap would keep as much again in gaps between them.
 */
#include "exec/chunk.h"

#include <assert.h>
#include <pthread.h>
#include <string.h>

/* Offsets of the head's fields. */
enum { HEAD_DELTA = 0, HEAD_KEY = 4, HEAD_VALUE = 8, HEAD_HEADERS = 12, HEAD_TS = 16 };

static void put_u32(char *at, uint32_t v)
{
    unsigned char bytes[4] = {(unsigned char)v, (unsigned char)(v >> 8), (unsigned char)(v >> 16),
                              (unsigned char)(v >> 24)};
    memcpy(at, bytes, sizeof bytes);
}

static uint32_t get_u32(const char *at)
{
    unsigned char bytes[4];

    memcpy(bytes, at, sizeof bytes);
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
           (uint32_t)bytes[3] << 24;
}

static void put_i64(char *at, int64_t v)
{
    put_u32(at, (uint32_t)(uint64_t)v);
    put_u32(at + 4, (uint32_t)((uint64_t)v >> 32));
}

static int64_t get_i64(const char *at)
{
    return (int64_t)((uint64_t)get_u32(at) | (uint64_t)get_u32(at + 4) << 32);
}

/* --- blocks ----------------------------------------------------------------------------------- */

typedef struct Block {
    struct Block *next;
} Block;

enum { SMALL_BYTES = 8192, BLOCKS_MAX = 512 };

static pthread_mutex_t blocks_lock = PTHREAD_MUTEX_INITIALIZER;
static Block          *blocks; /* that no chunk has */
static uint32_t        blocks_len;

static void *block_take(void)
{
    Block *block;

    pthread_mutex_lock(&blocks_lock);
    block = blocks;
    if (block) {
        blocks = block->next;
        blocks_len--;
    }
    pthread_mutex_unlock(&blocks_lock);
    return block ? block : mem_alloc(CHUNK_BYTES);
}

static void block_give(void *ptr)
{
    Block *block = ptr;

    pthread_mutex_lock(&blocks_lock);
    if (blocks_len < BLOCKS_MAX) {
        block->next = blocks;
        blocks = block;
        blocks_len++;
        block = NULL;
    }
    pthread_mutex_unlock(&blocks_lock);
    mem_free(block);
}

void chunk_free_blocks(void)
{
    Block *block;

    pthread_mutex_lock(&blocks_lock);
    block = blocks;
    blocks = NULL;
    blocks_len = 0;
    pthread_mutex_unlock(&blocks_lock);
    while (block) {
        Block *next = block->next;

        mem_free(block);
        block = next;
    }
}

/* Before a record is begun.  Larger than a block are chunks of large records only. */
static void chunk_enlarge(Chunk *chunk)
{
    char *block;

    if (chunk->bytes.len < SMALL_BYTES || chunk->bytes.cap >= CHUNK_BYTES)
        return;
    block = block_take();
    memcpy(block, chunk->bytes.ptr, chunk->bytes.len);
    mem_free(chunk->bytes.ptr);
    chunk->bytes.ptr = block;
    chunk->bytes.cap = CHUNK_BYTES;
}

/* --- life ------------------------------------------------------------------------------------- */

Chunk *chunk_new(Str topic, uint32_t partition, void *owner)
{
    Chunk *chunk = MEM_NEW(Chunk);

    chunk->topic = topic;
    chunk->partition = partition;
    chunk->owner = owner;
    chunk->base_offset = -1;
    chunk->ts_min = INT64_MAX;
    chunk->ts_max = INT64_MIN;
    return chunk;
}

void chunk_free(Chunk *chunk)
{
    if (!chunk)
        return;
    if (chunk->bytes.cap == CHUNK_BYTES)
        block_give(chunk->bytes.ptr);
    else
        buf_deinit(&chunk->bytes);
    mem_free(chunk);
}

/* --- writing ---------------------------------------------------------------------------------- */

void chunk_append(Chunk *chunk, const Record *record)
{
    chunk_enlarge(chunk);
    buf_reserve(&chunk->bytes,
                RECORD_HEAD_BYTES + record->key.len + record->value.len + record->headers.len);
    chunk_begin(chunk, record->ts);
    buf_str(&chunk->bytes, record->key);
    chunk_key_done(chunk, !record->key.ptr);
    buf_str(&chunk->bytes, record->value);
    chunk_end(chunk, !record->value.ptr, record->headers);
}

void chunk_append_at(Chunk *chunk, const Record *record, uint32_t delta)
{
    chunk_append(chunk, record);
    put_u32(chunk->bytes.ptr + chunk->begun + HEAD_DELTA, delta);
}

void chunk_begin(Chunk *chunk, int64_t ts)
{
    char *head;

    chunk_enlarge(chunk);
    buf_reserve(&chunk->bytes, RECORD_HEAD_BYTES);
    head = chunk->bytes.ptr + chunk->bytes.len;
    put_u32(head + HEAD_DELTA, chunk->count);
    put_i64(head + HEAD_TS, ts);
    chunk->begun = chunk->bytes.len;
    chunk->bytes.len += RECORD_HEAD_BYTES;
}

void chunk_key_done(Chunk *chunk, bool is_null)
{
    size_t from = chunk->begun + RECORD_HEAD_BYTES;

    if (is_null)
        chunk->bytes.len = from;
    put_u32(chunk->bytes.ptr + chunk->begun + HEAD_KEY,
            is_null ? 0 : (uint32_t)(chunk->bytes.len - from) + 1);
}

void chunk_end(Chunk *chunk, bool is_value_null, Str headers)
{
    char    *head = chunk->bytes.ptr + chunk->begun;
    uint32_t key_len = get_u32(head + HEAD_KEY);
    size_t   from = chunk->begun + RECORD_HEAD_BYTES + (key_len ? key_len - 1 : 0);
    int64_t  ts = get_i64(head + HEAD_TS);

    assert(chunk->bytes.len >= from);
    if (is_value_null)
        chunk->bytes.len = from;
    put_u32(head + HEAD_VALUE, is_value_null ? 0 : (uint32_t)(chunk->bytes.len - from) + 1);
    put_u32(head + HEAD_HEADERS, (uint32_t)headers.len);
    buf_str(&chunk->bytes, headers);
    if (ts < chunk->ts_min)
        chunk->ts_min = ts;
    if (ts > chunk->ts_max)
        chunk->ts_max = ts;
    chunk->count++;
}

void chunk_cancel(Chunk *chunk)
{
    chunk->bytes.len = chunk->begun;
}

/* --- reading ---------------------------------------------------------------------------------- */

ChunkCursor chunk_cursor(Str bytes, int64_t base_offset)
{
    return (ChunkCursor){bytes.ptr, bytes.ptr + bytes.len, base_offset};
}

/* Cuts the next len bytes off; a length is stored plus one, 0 is null.  Lengths are u32, so sums
 * of them cannot overflow a size_t. */
static Str cut(const char **at, uint32_t len_plus_one)
{
    Str out = STR_NULL;

    if (len_plus_one) {
        out = (Str){*at, len_plus_one - 1};
        *at += len_plus_one - 1;
    }
    return out;
}

bool chunk_next(ChunkCursor *cursor, Record *out)
{
    const char *at = cursor->at;
    uint32_t    key_len, value_len, headers_len;
    size_t      need;

    if (cursor->end - at < RECORD_HEAD_BYTES)
        return false;
    key_len = get_u32(at + HEAD_KEY);
    value_len = get_u32(at + HEAD_VALUE);
    headers_len = get_u32(at + HEAD_HEADERS);
    need = (size_t)(key_len ? key_len - 1 : 0) + (value_len ? value_len - 1 : 0) + headers_len;
    if ((size_t)(cursor->end - at) - RECORD_HEAD_BYTES < need)
        return false;
    out->offset = cursor->base_offset + get_u32(at + HEAD_DELTA);
    out->ts = get_i64(at + HEAD_TS);
    at += RECORD_HEAD_BYTES;
    out->key = cut(&at, key_len);
    out->value = cut(&at, value_len);
    out->headers = headers_len ? (Str){at, headers_len} : STR_NULL;
    cursor->at = at + headers_len;
    return true;
}

void header_append(Buf *headers, Str name, Str value)
{
    buf_varint(headers, name.len);
    buf_str(headers, name);
    buf_varint(headers, value.ptr ? value.len + 1 : 0);
    buf_str(headers, value);
}

bool header_next(Str *rest, Str *name, Str *value)
{
    BufReader in = buf_reader(*rest);
    uint64_t  value_len;

    if (rest->len == 0)
        return false;
    *name = buf_read_bytes(&in, buf_read_varint(&in));
    value_len = buf_read_varint(&in);
    *value = value_len ? buf_read_bytes(&in, value_len - 1) : STR_NULL;
    if (!in.ok) {
        rest->len = 0;
        return false;
    }
    *rest = (Str){(const char *)in.ptr, (size_t)(in.end - in.ptr)};
    return true;
}

/* murmur2, 32 bits, with the seed that Kafka's Java client uses: a key must land in the same
 * partition whoever writes it. */
static uint32_t murmur2(Str key)
{
    const uint32_t       m = 0x5bd1e995;
    const unsigned char *at = (const unsigned char *)key.ptr;
    size_t               len = key.len;
    uint32_t             h = 0x9747b28c ^ (uint32_t)len;

    for (; len >= 4; at += 4, len -= 4) {
        uint32_t k = get_u32((const char *)at);

        k *= m;
        k ^= k >> 24;
        k *= m;
        h *= m;
        h ^= k;
    }
    if (len == 3)
        h ^= (uint32_t)at[2] << 16;
    if (len >= 2)
        h ^= (uint32_t)at[1] << 8;
    if (len >= 1) {
        h ^= at[0];
        h *= m;
    }
    h ^= h >> 13;
    h *= m;
    h ^= h >> 15;
    return h;
}

uint32_t partition_of_key(Str key, uint32_t partitions)
{
    assert(partitions > 0);
    return (murmur2(key) & 0x7fffffff) % partitions;
}
