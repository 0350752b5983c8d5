/*
 * value.c -- copying, comparing and hashing values.
 *
 * Values nest as deep as their types do, and types are bounded by g_limits.nesting: recursion is
 * safe.  Maps have no order, so they are compared by look-up and hashed by a sum.
 */
#include "common/value.h"

#include <assert.h>
#include <math.h>

#include "common/decimal.h"

enum {
    /* Up to here, looking a key up by comparing all is cheaper than building a table. */
    MAP_SCAN_MAX = 16,
};

#define HASH_ODD UINT64_C(0x9e3779b97f4a7c15)

static size_t items_of(Value v)
{
    return v.kind == T_MAP ? (size_t)v.len * 2 : v.len;
}

/* Whether len counts bytes at u.s. */
static bool has_bytes(Value v)
{
    return v.kind == T_STRING || v.kind == T_BYTES || (v.kind == T_DECIMAL && v.len > 0);
}

static bool has_items(Value v)
{
    return v.kind == T_ARRAY || v.kind == T_MAP || v.kind == T_STRUCT;
}

Value value_copy(Arena *arena, Value v)
{
    if (has_bytes(v)) {
        v.u.s = str_copy(arena, value_as_str(v)).ptr;
    } else if (has_items(v)) {
        size_t len = items_of(v);
        Value *items = arena_alloc(arena, len * sizeof *items);

        for (size_t i = 0; i < len; i++)
            items[i] = value_copy(arena, v.u.items[i]);
        v.u.items = items;
    }
    return v;
}

size_t value_footprint(Value v)
{
    size_t bytes;

    if (has_bytes(v))
        return v.len;
    if (!has_items(v))
        return 0;
    bytes = items_of(v) * sizeof(Value);
    for (size_t i = 0; i < items_of(v); i++)
        bytes += value_footprint(v.u.items[i]);
    return bytes;
}

/* --- order ------------------------------------------------------------------------------------ */

static int cmp_double(double a, double b)
{
    if (isnan(a) || isnan(b))
        return (isnan(a) != 0) - (isnan(b) != 0);
    return (a > b) - (a < b);
}

int value_cmp(Value a, Value b)
{
    switch ((TypeKind)a.kind) {
    case T_BOOLEAN:
        return a.u.b - b.u.b;
    case T_INT:
    case T_BIGINT:
    case T_DATE:
    case T_TIME:
    case T_TIMESTAMP:
        return (a.u.i > b.u.i) - (a.u.i < b.u.i);
    case T_DOUBLE:
        return cmp_double(a.u.d, b.u.d);
    case T_DECIMAL:
        return decimal_cmp(a, b);
    case T_STRING:
    case T_BYTES:
        return str_cmp(value_as_str(a), value_as_str(b));
    default:
        assert(false && "values of this kind have no order");
        return 0;
    }
}

/* --- equality --------------------------------------------------------------------------------- */

static bool items_eq(Value a, Value b, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (!value_eq(a.u.items[i], b.u.items[i]))
            return false;
    }
    return true;
}

/* Whether each entry of a is among those of b, of equal length, by comparing with all. */
static bool map_eq_scan(Value a, Value b)
{
    for (uint32_t i = 0; i < a.len; i++) {
        const Value *entry = &a.u.items[2 * i];
        uint32_t     at = 0;

        while (at < b.len && !value_eq(entry[0], b.u.items[2 * at]))
            at++;
        if (at == b.len || !value_eq(entry[1], b.u.items[2 * at + 1]))
            return false;
    }
    return true;
}

/* The same through a table of b's entries: slots hold index + 1, 0 is free. */
static bool map_eq_table(Value a, Value b)
{
    size_t    mask = 1;
    uint32_t *slots;
    bool      is_eq = true;

    while (mask < 2 * (size_t)b.len)
        mask *= 2;
    slots = MEM_ARRAY(uint32_t, mask);
    mask--;
    for (uint32_t i = 0; i < b.len; i++) {
        size_t slot = value_hash(b.u.items[2 * i]) & mask;

        while (slots[slot])
            slot = (slot + 1) & mask;
        slots[slot] = i + 1;
    }
    for (uint32_t i = 0; i < a.len && is_eq; i++) {
        const Value *entry = &a.u.items[2 * i];
        size_t       slot = value_hash(entry[0]) & mask;

        while (slots[slot] && !value_eq(entry[0], b.u.items[2 * (slots[slot] - 1)]))
            slot = (slot + 1) & mask;
        is_eq = slots[slot] && value_eq(entry[1], b.u.items[2 * (slots[slot] - 1) + 1]);
    }
    mem_free(slots);
    return is_eq;
}

static bool map_eq(Value a, Value b)
{
    if (a.len != b.len)
        return false;
    /* Two maps of one origin mostly have one order. */
    if (items_eq(a, b, items_of(a)))
        return true;
    return a.len <= MAP_SCAN_MAX ? map_eq_scan(a, b) : map_eq_table(a, b);
}

bool value_eq(Value a, Value b)
{
    if (a.kind != b.kind)
        return false;
    switch ((TypeKind)a.kind) {
    case T_NULL:
        return true;
    case T_STRING:
    case T_BYTES:
        return str_eq(value_as_str(a), value_as_str(b));
    case T_MAP:
        return map_eq(a, b);
    case T_ARRAY:
    case T_STRUCT:
        return a.len == b.len && items_eq(a, b, a.len);
    default:
        return value_cmp(a, b) == 0;
    }
}

/* --- hashing ---------------------------------------------------------------------------------- */

static uint64_t mix(uint64_t hash)
{
    hash ^= hash >> 32;
    hash *= HASH_ODD;
    hash ^= hash >> 29;
    hash *= HASH_ODD;
    return hash ^ hash >> 32;
}

/* What is equal has one bit pattern: one NaN, one zero. */
static uint64_t double_bits(double d)
{
    Value v = value_double(isnan(d) ? (double)NAN : d + 0.0);

    return v.u.bits;
}

static uint64_t hash_items(Value v)
{
    uint64_t hash = v.len;

    for (uint32_t i = 0; i < v.len; i++)
        hash = mix(hash + HASH_ODD) ^ value_hash(v.u.items[i]);
    return mix(hash);
}

static uint64_t hash_map(Value v)
{
    uint64_t hash = v.len;

    for (uint32_t i = 0; i < v.len; i++)
        hash += mix(mix(value_hash(v.u.items[2 * i])) + value_hash(v.u.items[2 * i + 1]));
    return mix(hash);
}

uint64_t value_hash(Value v)
{
    switch ((TypeKind)v.kind) {
    case T_NULL:
        return 0;
    case T_BOOLEAN:
        return mix(v.u.b ? 2 : 1);
    case T_DOUBLE:
        return mix(double_bits(v.u.d));
    case T_DECIMAL:
        return decimal_hash(v);
    case T_STRING:
    case T_BYTES:
        return str_hash(value_as_str(v));
    case T_ARRAY:
    case T_STRUCT:
        return hash_items(v);
    case T_MAP:
        return hash_map(v);
    default:
        return mix(v.u.bits + HASH_ODD);
    }
}
