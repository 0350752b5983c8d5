/*
 * agg_value.h -- what the aggregates share.
 *
 * Thread: the worker that owns the store.
 */
#ifndef EXEC_FUNCTIONS_AGG_VALUE_H
#define EXEC_FUNCTIONS_AGG_VALUE_H

#include "exec/agg.h"
#include "exec/functions/fn_table.h"
#include "exec/functions/fn_value.h"
#include "exec/value_order.h"

/* --- parts of AggDef that many have ----------------------------------------------------------- */

/* One slot of the result's type. */
ErrCode agg_slot_of_result(const AggCall *call, Arena *mem, const Type **out, Err *err);
/* Every slot null. */
void agg_init_null(const AggCall *call, AggSlots *slots);
/* The result is slot 0. */
ErrCode agg_give_slot(const AggCall *call, const AggSlots *slots, Value *out, Err *err);

/* A number of one of the fixed-size kinds: integers wrap to their width. */
static inline Value agg_number(TypeKind kind, uint64_t i, double d)
{
    if (kind == T_DOUBLE)
        return value_double(d);
    return kind == T_INT ? value_int((int32_t)i) : value_bigint((int64_t)i);
}

/* --- lists in a slot -------------------------------------------------------------------------- */

/* Slot 0 as a list that this call may change, with room for extra more elements; null is empty. */
Value *agg_list_copy(const AggCall *call, const AggSlots *slots, uint32_t extra);
/* Stores len elements as the list in slot 0. */
void agg_list_set(AggSlots *slots, const Value *items, uint32_t len);
/* Equal as values; null is equal to null. */
bool agg_same(Value a, Value b);

#endif
