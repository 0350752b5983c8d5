/*
 * agg.h -- how an aggregate function reads and writes the slots of one group.
 *
 * Slots live in the state store's entry.  Writing goes through agg_set() so that the store keeps
 * the before-image, owns the memory of variable-length values and knows the entry is dirty.
 * Reading is a plain array.
 *
 * Thread: the worker that owns the store.
 */
#ifndef EXEC_AGG_H
#define EXEC_AGG_H

#include "common/value.h"
#include "planner/fn_def.h"

struct AggSlots {
    Value *values; /* the aggregate's own slots inside the entry */
    /* Copies v's bytes into memory of the entry; NULL for plain scratch slots (tests, merge). */
    Value (*keep)(void *owner, Value v, Value previous);
    void *owner;
};

/* Fixed-size values (numbers, booleans, dates, small decimals) are stored as they are. */
static inline void agg_set(AggSlots *slots, uint32_t slot, Value v)
{
    if (v.kind >= T_STRING || slots->values[slot].kind >= T_STRING || v.kind == T_DECIMAL ||
        slots->values[slot].kind == T_DECIMAL)
        slots->values[slot] = slots->keep ? slots->keep(slots->owner, v, slots->values[slot]) : v;
    else
        slots->values[slot] = v;
}

#endif
