/*
 * agg_distinct.c -- COUNT_DISTINCT, exact for small groups, estimated for large ones.
 *
 * Up to EXACT_MAX values a group keeps their hashes, sorted.  Beyond that it becomes a HyperLogLog
 * of 2^14 registers: a hash chooses a register by its low bits, which keeps the longest run of
 * leading zeros seen in the others; the harmonic mean of the registers gives the count with a
 * standard error of 0.8 %.  While many registers are empty their number tells more (linear
 * counting).
 */
#include <math.h>

#include "exec/functions/agg_value.h"

enum {
    SLOT_HASHES,    /* BYTES: 64-bit hashes, ascending; null once there are registers */
    SLOT_REGISTERS, /* BYTES: one byte each; null before */
    DISTINCT_SLOTS
};
enum { EXACT_MAX = 512, HASH_BYTES = 8, REGISTER_BITS = 14, REGISTERS = 1 << REGISTER_BITS };

static ErrCode distinct_slots(const AggCall *call, Arena *mem, const Type **out, Err *err)
{
    (void)call, (void)mem, (void)err;
    out[SLOT_HASHES] = &type_bytes;
    out[SLOT_REGISTERS] = &type_bytes;
    return ERR_OK;
}

static void distinct_init(const AggCall *call, AggSlots *slots)
{
    (void)call;
    agg_set(slots, SLOT_HASHES, value_bytes(STR("")));
    agg_set(slots, SLOT_REGISTERS, value_null());
}

/* FNV-1a and a final mix over the value's encoding: it is kept on disk and must never change. */
static uint64_t stable_hash(const AggCall *call, Value v)
{
    Buf      bytes = buf_in(call->mem);
    uint64_t hash = 0xcbf29ce484222325u;

    value_encode(&bytes, v, call->arg_types[0]);
    for (size_t i = 0; i < bytes.len; i++)
        hash = (hash ^ (uint8_t)bytes.ptr[i]) * 0x100000001b3u;
    hash ^= hash >> 33;
    hash *= 0xff51afd7ed558ccdu;
    hash ^= hash >> 33;
    hash *= 0xc4ceb9fe1a85ec53u;
    return hash ^ hash >> 33;
}

static uint64_t hash_at(Value hashes, uint32_t i)
{
    uint64_t hash;

    memcpy(&hash, hashes.u.s + (size_t)i * HASH_BYTES, HASH_BYTES);
    return hash;
}

/* --- registers -------------------------------------------------------------------------------- */

static uint8_t rank_of(uint64_t hash)
{
    uint64_t rest = hash >> REGISTER_BITS;

    return (uint8_t)((rest ? __builtin_clzll(rest) : 64) - REGISTER_BITS + 1);
}

static void raise_register(uint8_t *registers, uint64_t hash)
{
    uint8_t *at = &registers[hash & (REGISTERS - 1)];

    if (*at < rank_of(hash))
        *at = rank_of(hash);
}

static uint8_t *registers_copy(const AggCall *call, Value registers)
{
    uint8_t *copy = (uint8_t *)arena_bytes(call->mem, REGISTERS);

    if (value_is_null(registers))
        memset(copy, 0, REGISTERS);
    else
        memcpy(copy, registers.u.s, REGISTERS);
    return copy;
}

static void set_registers(AggSlots *slots, const uint8_t *registers)
{
    agg_set(slots, SLOT_REGISTERS, value_bytes((Str){(const char *)registers, REGISTERS}));
    agg_set(slots, SLOT_HASHES, value_null());
}

/* Only a hash that raises its register costs a copy: soon almost none does. */
static void add_to_registers(const AggCall *call, AggSlots *slots, uint64_t hash)
{
    Value    now = slots->values[SLOT_REGISTERS];
    uint8_t *registers;

    if ((uint8_t)now.u.s[hash & (REGISTERS - 1)] >= rank_of(hash))
        return;
    registers = registers_copy(call, now);
    raise_register(registers, hash);
    set_registers(slots, registers);
}

static int64_t estimate(Value registers)
{
    double sum = 0;
    int    empty = 0;
    double m = REGISTERS;
    double raw;

    for (uint32_t i = 0; i < REGISTERS; i++) {
        sum += ldexp(1, -(uint8_t)registers.u.s[i]);
        empty += registers.u.s[i] == 0;
    }
    raw = 0.7213 / (1 + 1.079 / m) * m * m / sum;
    if (raw <= 2.5 * m && empty > 0)
        raw = m * log(m / empty);
    return (int64_t)llround(raw);
}

/* --- hashes ----------------------------------------------------------------------------------- */

static void spill(const AggCall *call, AggSlots *slots)
{
    Value    hashes = slots->values[SLOT_HASHES];
    uint8_t *registers = registers_copy(call, value_null());

    for (uint32_t i = 0; i < hashes.len / HASH_BYTES; i++)
        raise_register(registers, hash_at(hashes, i));
    set_registers(slots, registers);
}

static void add_to_hashes(const AggCall *call, AggSlots *slots, uint64_t hash)
{
    Value    hashes = slots->values[SLOT_HASHES];
    uint32_t low = 0;
    uint32_t high = hashes.len / HASH_BYTES;
    char    *bytes;

    while (low < high) {
        uint32_t middle = (low + high) / 2;

        if (hash_at(hashes, middle) < hash)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < hashes.len / HASH_BYTES && hash_at(hashes, low) == hash)
        return;
    if (hashes.len / HASH_BYTES == EXACT_MAX) {
        spill(call, slots);
        add_to_registers(call, slots, hash);
        return;
    }
    bytes = arena_bytes(call->mem, (size_t)hashes.len + HASH_BYTES);
    if (hashes.len) {
        memcpy(bytes, hashes.u.s, (size_t)low * HASH_BYTES);
        memcpy(bytes + ((size_t)low + 1) * HASH_BYTES, hashes.u.s + (size_t)low * HASH_BYTES,
               hashes.len - (size_t)low * HASH_BYTES);
    }
    memcpy(bytes + (size_t)low * HASH_BYTES, &hash, HASH_BYTES);
    agg_set(slots, SLOT_HASHES, value_bytes((Str){bytes, (size_t)hashes.len + HASH_BYTES}));
}

static void add_hash(const AggCall *call, AggSlots *slots, uint64_t hash)
{
    if (value_is_null(slots->values[SLOT_REGISTERS]))
        add_to_hashes(call, slots, hash);
    else
        add_to_registers(call, slots, hash);
}

/* --- the aggregate ---------------------------------------------------------------------------- */

static ErrCode distinct_add(const AggCall *call, AggSlots *slots, const Value *args, Err *err)
{
    (void)err;
    if (!value_is_null(args[0]))
        add_hash(call, slots, stable_hash(call, args[0]));
    return ERR_OK;
}

static ErrCode distinct_merge(const AggCall *call, AggSlots *into, const AggSlots *other, Err *err)
{
    Value    hashes = other->values[SLOT_HASHES];
    uint8_t *registers;

    (void)err;
    if (value_is_null(other->values[SLOT_REGISTERS])) {
        for (uint32_t i = 0; i < hashes.len / HASH_BYTES; i++)
            add_hash(call, into, hash_at(hashes, i));
        return ERR_OK;
    }
    if (value_is_null(into->values[SLOT_REGISTERS]))
        spill(call, into);
    registers = registers_copy(call, into->values[SLOT_REGISTERS]);
    for (uint32_t i = 0; i < REGISTERS; i++) {
        uint8_t rank = (uint8_t)other->values[SLOT_REGISTERS].u.s[i];

        if (rank > registers[i])
            registers[i] = rank;
    }
    set_registers(into, registers);
    return ERR_OK;
}

static ErrCode distinct_finish(const AggCall *call, const AggSlots *slots, Value *out, Err *err)
{
    (void)call, (void)err;
    if (value_is_null(slots->values[SLOT_REGISTERS]))
        *out = value_bigint(slots->values[SLOT_HASHES].len / HASH_BYTES);
    else
        *out = value_bigint(estimate(slots->values[SLOT_REGISTERS]));
    return ERR_OK;
}

const AggDef agg_distinct[] = {
    {.name = "COUNT_DISTINCT",
     .sig = "(x T) -> BIGINT",
     .slots_len = DISTINCT_SLOTS,
     .doc = "The number of distinct values that are not null: exact up to 512, then estimated with "
            "an error of about 1 %.",
     .example = "COUNT_DISTINCT of 'a', NULL, 'b', 'a' = 2",
     .slot_types = distinct_slots,
     .init = distinct_init,
     .add = distinct_add,
     .merge = distinct_merge,
     .finish = distinct_finish},
    {.name = NULL},
};
