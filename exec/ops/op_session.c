/*
 * op_session.c -- GROUP BY with session windows.
 *
 *     gap 5:   [0,3]    [12,12]          two sessions of a key
 *                  ^ ts 8: at most 5 from both
 *              [0,12]                    one session
 *
 * A row joins all sessions of its key that are at most the gap away, and makes them one: their
 * aggregates are merged, the row is added.  Every session that is replaced goes on as a deletion,
 * even one whose bounds stay the same; then the new one goes on.  A session that stream time has
 * left behind by more than gap and grace takes nothing more.
 *
 * The timestamp of a session is its end.
 */
#include "exec/ops/agg_window.h"

#include "common/vec.h"

/* A session that a row joins, taken out of the state. */
typedef struct Session {
    int64_t start, end;
    Value  *slots;
    Value  *cols; /* its result row */
} Session;

typedef VEC(Session) SessionVec;

typedef struct OpSession {
    AggWindow agg;
    Buf       low, high; /* heap */
} OpSession;

typedef struct SessionScan {
    OpSession  *self;
    const Row  *row;
    SessionVec *found;
    Arena      *mem;
    Value      *keys;
} SessionScan;

static ErrCode op_session_visit(void *arg, StateEntry *entry, bool *stop, Err *err)
{
    SessionScan     *scan = arg;
    OpSession       *self = scan->self;
    const PlanStore *store = self->agg.base.node->store;
    const Schema    *schema = self->agg.base.node->schema;
    Session          session;

    (void)stop;
    TRY(state_decode_key(store, state_key_of(entry), scan->mem, scan->keys, &session.start,
                         &session.end, err));
    if (session.end < scan->row->ts - self->agg.window->size_ms)
        return ERR_OK;
    session.slots = ARENA_ARRAY(scan->mem, Value, store->slots_len);
    for (uint32_t i = 0; i < store->slots_len; i++)
        session.slots[i] = value_copy(scan->mem, entry->slots[i]);
    session.cols = ARENA_ARRAY(scan->mem, Value, schema->len);
    memcpy(session.cols, scan->row->cols, sizeof(Value) * schema->key_len);
    TRY(agg_group_finish(self->agg.group, entry, scan->mem, session.cols + schema->key_len, err));
    vec_push(scan->mem, scan->found, session);
    return ERR_OK;
}

/* The sessions of the row's key at most the gap away, in the order of their starts. */
static ErrCode op_session_find(OpSession *self, const Row *row, Arena *mem, SessionVec *found,
                               Err *err)
{
    const PlanStore *store = self->agg.base.node->store;
    SessionScan      scan = {.self = self, .row = row, .found = found, .mem = mem};

    scan.keys = ARENA_ARRAY(mem, Value, store->keys_len);
    buf_clear(&self->low);
    buf_clear(&self->high);
    state_encode_key(&self->low, store, row->cols, 0, 0);
    state_encode_key(&self->high, store, row->cols,
                     op_time_after(row->ts, self->agg.window->size_ms + 1), 0);
    return state_scan(self->agg.state, buf_view(&self->low), buf_view(&self->high),
                      op_session_visit, &scan, err);
}

static ErrCode op_session_touch(OpSession *self, const Row *row, int64_t start, int64_t end,
                                StateEntry **out, Err *err)
{
    bool is_new;

    buf_clear(&self->low);
    state_encode_key(&self->low, self->agg.base.node->store, row->cols, start, end);
    return state_touch(self->agg.state, buf_view(&self->low), state_hash(buf_view(&self->low)), out,
                       &is_new, err);
}

/* Takes the session out of the state and tells so. */
static ErrCode op_session_replace(OpSession *self, const Row *row, const Session *session,
                                  bool is_told, Batch *out, Err *err)
{
    const Schema *schema = self->agg.base.node->schema;
    StateEntry   *entry;
    Row           gone;

    TRY(op_session_touch(self, row, session->start, session->end, &entry, err));
    state_remove(self->agg.state, entry);
    if (!is_told)
        return ERR_OK;
    op_row_like(&gone, row, schema->len, out->mem);
    memcpy(gone.cols, row->cols, sizeof(Value) * schema->key_len);
    gone.flags = ROW_VALUE_NULL;
    gone.old = self->agg.base.node->needs_old ? session->cols : NULL;
    gone.ts = session->end;
    gone.window_start = session->start;
    gone.window_end = session->end;
    return op_batch_add(&self->agg.base, out, &gone, err);
}

static ErrCode op_session_put(OpSession *self, const Row *row, const SessionVec *found,
                              int64_t start, int64_t end, Batch *out, Err *err)
{
    StateEntry *entry;
    Row         result;

    TRY(op_session_touch(self, row, start, end, &entry, err));
    agg_group_init(self->agg.group, entry, out->mem);
    for (size_t i = 0; i < found->len; i++)
        TRY(agg_group_merge(self->agg.group, entry, found->items[i].slots, out->mem, err));
    TRY(agg_group_add(self->agg.group, entry, row, out->mem, err));
    entry->ts = end;
    TRY(agg_group_row(self->agg.group, entry, row, out->mem, &result, err));
    result.ts = end;
    result.window_start = start;
    result.window_end = end;
    return op_batch_add(&self->agg.base, out, &result, err);
}

static ErrCode op_session_row(AggWindow *agg, const Row *row, Batch *out, Err *err)
{
    OpSession        *self = (OpSession *)agg;
    const WindowSpec *window = agg->window;
    SessionVec        found = {0};
    int64_t           start = row->ts, end = row->ts;
    bool              is_alone;

    TRY(op_session_find(self, row, out->mem, &found, err));
    for (size_t i = 0; i < found.len; i++) {
        start = found.items[i].start < start ? found.items[i].start : start;
        end = found.items[i].end > end ? found.items[i].end : end;
    }
    if (end < agg->stream_time - window->grace_ms - window->size_ms) {
        agg->base.ctx->counters.late++;
        return ERR_OK;
    }
    if (found.len == 1 && agg->base.node->u.aggregate.only_new && start == found.items[0].start &&
        end == found.items[0].end)
        return ERR_OK; /* it has not grown */
    is_alone = start == row->ts && end == row->ts;
    for (size_t i = 0; i < found.len; i++)
        TRY(op_session_replace(self, row, &found.items[i], !is_alone, out, err));
    return op_session_put(self, row, &found, start, end, out, err);
}

static ErrCode op_session_process(Op *op, int input, Batch *batch, Err *err)
{
    (void)input;
    return agg_window_process((AggWindow *)op, batch, op_session_row, err);
}

static void op_session_close(Op *op)
{
    OpSession *self = (OpSession *)op;

    agg_window_close(&self->agg);
    buf_deinit(&self->low);
    buf_deinit(&self->high);
}

static ErrCode op_session_open(OpCtx *ctx, const PlanNode *node, Op **out, Err *err)
{
    OpSession *self = ARENA_NEW(ctx->query_mem, OpSession);

    TRY(agg_window_open(&self->agg, ctx, node, &op_session_class, err));
    *out = &self->agg.base;
    return ERR_OK;
}

const OpClass op_session_class = {
    .name = "session",
    .open = op_session_open,
    .process = op_session_process,
    .close = op_session_close,
};
