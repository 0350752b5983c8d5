/*
 * op_window.c -- GROUP BY with tumbling or hopping windows.
 *
 *     size 4, advance 2:   |0--------4)
 *                               |2--------6)
 *                                    |4--------8)
 *                                ^ ts 3 belongs to [0,4) and [2,6)
 *
 * A row is added to every window that contains it; each of those goes on as a row of its own, in
 * the order of their starts.  A window whose end plus grace has been passed by stream time takes
 * nothing more: the row is late for it, and may be in time for a later one.  Stream time is the
 * highest timestamp that reached this operator.
 *
 * No window ends after the greatest timestamp there is.
 *
 * A window's timestamp is the highest that it has seen.
 */
#include "exec/ops/agg_window.h"

typedef struct OpWindow {
    AggWindow agg;
    Buf       key; /* heap */
} OpWindow;

/* The first window that contains ts. */
static int64_t op_window_first(const WindowSpec *window, int64_t ts)
{
    int64_t low = ts - window->size_ms + window->advance_ms;

    return low > 0 ? low / window->advance_ms * window->advance_ms : 0;
}

static ErrCode op_window_old(OpWindow *self, const StateEntry *entry, const Row *row, Arena *mem,
                             const Value **out, Err *err)
{
    const Schema *schema = self->agg.base.node->schema;
    Value        *old = ARENA_ARRAY(mem, Value, schema->len);

    memcpy(old, row->cols, sizeof(Value) * schema->key_len);
    TRY(agg_group_finish(self->agg.group, entry, mem, old + schema->key_len, err));
    *out = old;
    return ERR_OK;
}

static ErrCode op_window_add(OpWindow *self, const Row *row, int64_t start, Batch *out, Err *err)
{
    Op          *op = &self->agg.base;
    Arena       *mem = out->mem;
    int64_t      end = op_time_after(start, self->agg.window->size_ms);
    const Value *old = NULL;
    StateEntry  *entry;
    uint64_t     hash;
    Row          result;
    bool         is_new;

    buf_clear(&self->key);
    state_encode_key(&self->key, op->node->store, row->cols, start, end);
    hash = state_hash(buf_view(&self->key));
    if (op->node->u.aggregate.only_new) {
        TRY(state_find(self->agg.state, buf_view(&self->key), hash, &entry, err));
        if (entry)
            return ERR_OK;
    }
    TRY(state_touch(self->agg.state, buf_view(&self->key), hash, &entry, &is_new, err));
    if (is_new) {
        agg_group_init(self->agg.group, entry, mem);
        entry->ts = row->ts;
    } else if (op->node->needs_old) {
        TRY(op_window_old(self, entry, row, mem, &old, err));
    }
    TRY(agg_group_add(self->agg.group, entry, row, mem, err));
    if (row->ts > entry->ts)
        entry->ts = row->ts;
    TRY(agg_group_row(self->agg.group, entry, row, mem, &result, err));
    result.ts = entry->ts;
    result.old = old;
    result.window_start = start;
    result.window_end = end;
    return op_batch_add(op, out, &result, err);
}

static ErrCode op_window_row(AggWindow *agg, const Row *row, Batch *out, Err *err)
{
    OpWindow         *self = (OpWindow *)agg;
    const WindowSpec *window = agg->window;

    int64_t start = op_window_first(window, row->ts);
    bool    is_last = false;

    for (; start <= row->ts && !is_last;) {
        if (op_time_after(start, window->size_ms) <= agg->stream_time - window->grace_ms)
            agg->base.ctx->counters.late++;
        else
            TRY(op_window_add(self, row, start, out, err));
        is_last = __builtin_add_overflow(start, window->advance_ms, &start);
    }
    return ERR_OK;
}

static ErrCode op_window_process(Op *op, int input, Batch *batch, Err *err)
{
    (void)input;
    return agg_window_process((AggWindow *)op, batch, op_window_row, err);
}

static void op_window_close(Op *op)
{
    OpWindow *self = (OpWindow *)op;

    agg_window_close(&self->agg);
    buf_deinit(&self->key);
}

static ErrCode op_window_open(OpCtx *ctx, const PlanNode *node, Op **out, Err *err)
{
    OpWindow *self = ARENA_NEW(ctx->query_mem, OpWindow);

    TRY(agg_window_open(&self->agg, ctx, node, &op_window_class, err));
    *out = &self->agg.base;
    return ERR_OK;
}

const OpClass op_window_class = {
    .name = "window",
    .open = op_window_open,
    .process = op_window_process,
    .close = op_window_close,
};
