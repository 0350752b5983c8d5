#include "exec/ops/latest.h"

#include <string.h>

void latest_open_store(Latest *latest, const OpCtx *ctx, const PlanStore *store)
{
    latest->store = store;
    latest->state = op_state(ctx, store);
    latest->key = (Buf){0};
}

void latest_open(Latest *latest, const OpCtx *ctx, const PlanNode *node)
{
    latest_open_store(latest, ctx, node->store);
}

ErrCode latest_find(Latest *latest, const Row *row, const StateEntry **out, Err *err)
{
    StateEntry *entry;
    Str         key;

    buf_clear(&latest->key);
    state_encode_key(&latest->key, latest->store, row->cols, row->window_start, row->window_end);
    key = buf_view(&latest->key);
    TRY(state_find(latest->state, key, state_hash(key), &entry, err));
    *out = entry;
    return ERR_OK;
}

void latest_close(Latest *latest)
{
    buf_deinit(&latest->key);
}

/* The entry's memory is reused by the put that follows: values must be copied. */
static const Value *latest_copy(const PlanStore *store, const Row *row, const StateEntry *entry,
                                Arena *mem)
{
    Value *cols = ARENA_ARRAY(mem, Value, store->keys_len + store->slots_len);

    memcpy(cols, row->cols, sizeof(Value) * store->keys_len);
    for (uint32_t i = 0; i < store->slots_len; i++)
        cols[store->keys_len + i] = value_copy(mem, entry->slots[i]);
    return cols;
}

ErrCode latest_put(Latest *latest, const Row *row, Arena *mem, const Value **old, Err *err)
{
    const PlanStore *store = latest->store;
    StateEntry      *entry;
    uint64_t         hash;
    bool             is_new;

    if (old)
        *old = NULL;
    buf_clear(&latest->key);
    state_encode_key(&latest->key, store, row->cols, row->window_start, row->window_end);
    hash = state_hash(buf_view(&latest->key));

    if (row->flags & ROW_VALUE_NULL) {
        /* Looked up first: the deletion of an unknown key must not leave a trace. */
        TRY(state_find(latest->state, buf_view(&latest->key), hash, &entry, err));
        if (!entry)
            return ERR_OK;
    }
    TRY(state_touch(latest->state, buf_view(&latest->key), hash, &entry, &is_new, err));
    if (old && !is_new)
        *old = latest_copy(store, row, entry, mem);
    if (row->flags & ROW_VALUE_NULL) {
        state_remove(latest->state, entry);
        return ERR_OK;
    }
    entry->ts = row->ts;
    for (uint32_t i = 0; i < store->slots_len; i++)
        state_put(latest->state, entry, i, row->cols[store->keys_len + i]);
    return ERR_OK;
}
