/*
 * agg_value.c -- what the aggregates share.
 */
#include "exec/functions/agg_value.h"

ErrCode agg_slot_of_result(const AggCall *call, Arena *mem, const Type **out, Err *err)
{
    (void)mem, (void)err;
    out[0] = call->result;
    return ERR_OK;
}

void agg_init_null(const AggCall *call, AggSlots *slots)
{
    for (uint32_t i = 0; i < call->def->slots_len; i++)
        agg_set(slots, i, value_null());
}

ErrCode agg_give_slot(const AggCall *call, const AggSlots *slots, Value *out, Err *err)
{
    (void)call, (void)err;
    *out = slots->values[0];
    return ERR_OK;
}

Value *agg_list_copy(const AggCall *call, const AggSlots *slots, uint32_t extra)
{
    Value  list = slots->values[0];
    Value *items = arena_alloc(call->mem, sizeof *items * ((size_t)list.len + extra + 1));

    for (uint32_t i = 0; i < list.len; i++)
        items[i] = list.u.items[i];
    return items;
}

void agg_list_set(AggSlots *slots, const Value *items, uint32_t len)
{
    agg_set(slots, 0, value_items(T_ARRAY, items, len));
}

bool agg_same(Value a, Value b)
{
    return a.kind == b.kind && (value_is_null(a) || value_eq(a, b));
}
