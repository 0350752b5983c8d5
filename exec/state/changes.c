/*
 * changes.c -- what a query's states changed, as one flat run of bytes.
 */
#include "exec/state/changes.h"

enum { VARINTS_BYTES_MAX = 40 }; /* four varints of at most ten bytes */

Changes *changes_new(void)
{
    return MEM_NEW(Changes);
}

void changes_free(Changes *changes)
{
    if (!changes)
        return;
    buf_deinit(&changes->bytes);
    mem_free(changes);
}

void changes_add(Changes *changes, uint32_t store, uint32_t partition, Str key, Str value)
{
    buf_reserve(&changes->bytes, VARINTS_BYTES_MAX + key.len + value.len);
    buf_varint(&changes->bytes, store);
    buf_varint(&changes->bytes, partition);
    buf_varint(&changes->bytes, key.len);
    buf_str(&changes->bytes, key);
    buf_varint(&changes->bytes, value.ptr ? value.len + 1 : 0);
    buf_str(&changes->bytes, value);
    changes->count++;
}

static void sink_put(void *self, const State *state, Str key, Str value)
{
    changes_add(self, state_store(state)->number, state_partition(state), key, value);
}

StateSink changes_sink(Changes *changes)
{
    return (StateSink){sink_put, changes};
}

BufReader changes_read(const Changes *changes)
{
    return buf_reader(buf_view(&changes->bytes));
}

bool changes_next(BufReader *at, Change *out)
{
    Change   change;
    uint64_t len;

    if (at->ptr == at->end)
        return false;
    change.store = (uint32_t)buf_read_varint(at);
    change.partition = (uint32_t)buf_read_varint(at);
    change.key = buf_read_bytes(at, buf_read_varint(at));
    len = buf_read_varint(at);
    change.value = len ? buf_read_bytes(at, len - 1) : STR_NULL;
    if (!at->ok)
        return false;
    *out = change;
    return true;
}
