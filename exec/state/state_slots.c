/*
 * state_slots.c -- variable-length values that an entry owns.
 *
 * A value with bytes (STRING, BYTES, large DECIMAL, nested) is kept in one heap block: a head with
 * the block's capacity, then the value's items and, behind them, all that they point at.  Other
 * values, also empty ones, have no block.
 */
#include "exec/state/state_cache.h"

#include <assert.h>

typedef struct Block {
    size_t cap; /* bytes behind the head */
} Block;

static bool has_block(Value v)
{
    switch ((TypeKind)v.kind) {
    case T_STRING:
    case T_BYTES:
    case T_DECIMAL:
    case T_ARRAY:
    case T_MAP:
    case T_STRUCT:
        return v.len > 0;
    default:
        return false;
    }
}

bool slot_type_has_blocks(const Type *type)
{
    Value longest = {.kind = (uint8_t)type->kind, .len = 1};

    return has_block(longest);
}

static bool is_nested(Value v)
{
    return v.kind == T_ARRAY || v.kind == T_MAP || v.kind == T_STRUCT;
}

static size_t items_len(Value v)
{
    return v.kind == T_MAP ? (size_t)v.len * 2 : v.len;
}

static size_t padded(size_t size)
{
    return (size + 7) & ~(size_t)7;
}

static size_t block_bytes(Value v)
{
    size_t size;

    if (!has_block(v))
        return 0;
    if (!is_nested(v))
        return padded(v.len);
    size = items_len(v) * sizeof(Value);
    for (size_t i = 0; i < items_len(v); i++)
        size += block_bytes(v.u.items[i]);
    return size;
}

/* Copies what v points at to *at, which moves on. */
static Value copy_to(char **at, Value v)
{
    Value *items;

    if (!has_block(v)) {
        if (v.kind == T_STRING || v.kind == T_BYTES)
            v.u.s = "";
        else if (is_nested(v))
            v.u.items = NULL;
        return v;
    }
    if (!is_nested(v)) {
        memcpy(*at, v.u.s, v.len);
        v.u.s = *at;
        *at += padded(v.len);
        return v;
    }
    items = (Value *)(void *)*at;
    *at += items_len(v) * sizeof(Value);
    for (size_t i = 0; i < items_len(v); i++)
        items[i] = copy_to(at, v.u.items[i]);
    v.u.items = items;
    return v;
}

static Block *block_of(Value v)
{
    return (Block *)(uintptr_t)v.u.s - 1;
}

Value slot_own(Value v, size_t *bytes)
{
    size_t size = block_bytes(v);
    Block *block = NULL;
    char  *at = NULL;

    if (size > 0) {
        block = mem_alloc(sizeof *block + size);
        block->cap = size;
        *bytes += sizeof *block + size;
        at = (char *)(block + 1);
    }
    return copy_to(&at, v);
}

void slot_free(Value v, size_t *bytes)
{
    Block *block;

    if (!has_block(v))
        return;
    block = block_of(v);
    assert(*bytes >= sizeof *block + block->cap);
    *bytes -= sizeof *block + block->cap;
    mem_free(block);
}

bool slot_is_same(Value v, Value other)
{
    return has_block(v) && has_block(other) && v.u.s == other.u.s;
}

void slots_drop(Value *dropped, const Value *neighbour, uint32_t len, size_t *bytes)
{
    for (uint32_t i = 0; i < len; i++) {
        if (has_block(dropped[i]) && !(neighbour && slot_is_same(dropped[i], neighbour[i])))
            slot_free(dropped[i], bytes);
    }
}

Value slot_replace(Value v, Value previous, bool is_shared, size_t *bytes)
{
    bool  may_reuse = has_block(previous) && !is_shared;
    Value out;

    /* An aggregate may give back what it found, or a part of it. */
    if (slot_is_same(v, previous) && v.len == previous.len)
        return v;
    if (may_reuse && has_block(v) && !is_nested(v) && block_of(previous)->cap >= v.len) {
        out = v;
        out.u.s = previous.u.s;
        memmove((char *)(uintptr_t)out.u.s, v.u.s, v.len);
        return out;
    }
    out = slot_own(v, bytes);
    if (may_reuse)
        slot_free(previous, bytes);
    return out;
}
