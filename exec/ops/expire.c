#include "exec/ops/expire.h"

enum { EXPIRE_LOOKS = 4 }; /* per retention */

void expire_open(Expire *expire, State *state, const WindowSpec *window, uint32_t number)
{
    expire->store = state_store(state);
    expire->state = state;
    expire->retention_ms = window->retention_ms;
    expire->is_by_end = window->kind == WINDOW_SESSION;
    expire->number = number;
}

typedef struct ExpireScan {
    const Expire *expire;
    int64_t       before; /* windows that are older are over */
    Arena        *mem;
    Value        *keys;
} ExpireScan;

static ErrCode expire_visit(void *arg, StateEntry *entry, bool *stop, Err *err)
{
    ExpireScan   *scan = arg;
    const Expire *expire = scan->expire;
    StateEntry   *touched;
    Str           key = state_key_of(entry);
    int64_t       start, end;
    bool          is_new;

    (void)stop;
    TRY(state_decode_key(expire->store, key, scan->mem, scan->keys, &start, &end, err));
    if ((expire->is_by_end ? end : start) >= scan->before)
        return ERR_OK;
    TRY(state_touch(expire->state, key, state_hash(key), &touched, &is_new, err));
    state_remove(expire->state, touched);
    return ERR_OK;
}

ErrCode expire_run(Expire *expire, int64_t stream_time, Arena *mem, Err *err)
{
    int64_t    looked = state_number(expire->state, expire->number);
    ExpireScan scan = {.expire = expire, .before = stream_time - expire->retention_ms, .mem = mem};

    if (looked != INT64_MIN && stream_time - looked < expire->retention_ms / EXPIRE_LOOKS)
        return ERR_OK;
    state_set_number(expire->state, expire->number, stream_time);
    if (looked == INT64_MIN)
        return ERR_OK; /* nothing can be over yet */
    scan.keys = ARENA_ARRAY(mem, Value, expire->store->keys_len);
    return state_scan(expire->state, STR(""), STR_NULL, expire_visit, &scan, err);
}
