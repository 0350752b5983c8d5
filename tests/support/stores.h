/*
 * stores.h -- stores of a plan for tests of state, files and views.
 */
#ifndef TESTS_SUPPORT_STORES_H
#define TESTS_SUPPORT_STORES_H

#include "exec/state.h"

/* Key STRING; slots: a BIGINT, a STRING, an ARRAY<STRING>. */
static inline PlanStore *store_of_strings(Arena *mem, uint32_t number)
{
    PlanStore *store = ARENA_NEW(mem, PlanStore);
    Column    *keys = ARENA_ARRAY(mem, Column, 1);
    Column    *slots = ARENA_ARRAY(mem, Column, 3);

    keys[0] = (Column){STR("K"), &type_string, COLUMN_KEY, STR_NULL};
    slots[0] = (Column){STR("N"), &type_bigint, COLUMN_VALUE, STR_NULL};
    slots[1] = (Column){STR("S"), &type_string, COLUMN_VALUE, STR_NULL};
    slots[2] = (Column){STR("L"), type_array(mem, &type_string), COLUMN_VALUE, STR_NULL};
    *store = (PlanStore){.number = number,
                         .name = "test",
                         .keys = keys,
                         .keys_len = 1,
                         .slots = slots,
                         .slots_len = 3,
                         .view_name = STR("V")};
    return store;
}

static inline Str store_key(Arena *mem, const PlanStore *store, Str k, int64_t start, int64_t end)
{
    Buf   key = buf_in(mem);
    Value value = value_str(k);

    state_encode_key(&key, store, &value, start, end);
    return buf_view(&key);
}

#endif
