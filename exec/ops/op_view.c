/*
 * op_view.c -- keeps a table's rows where pull queries find them, windows for their retention.
 *
 * The rows go on unchanged: to the sink of CREATE TABLE AS, or nowhere for a source table, whose
 * view is the end of its query.
 */
#include "exec/ops/expire.h"
#include "exec/ops/latest.h"
#include "exec/ops/ops.h"

enum { NUMBER_STREAM_TIME, NUMBER_EXPIRED };

typedef struct OpView {
    Op     base;
    Latest latest;
    Expire expire;
    bool   expires; /* its rows are windows that some aggregate retains for a time */
} OpView;

static ErrCode op_view_expire(OpView *self, const Batch *batch, Err *err)
{
    State  *state = self->latest.state;
    int64_t stream_time = state_number(state, NUMBER_STREAM_TIME);

    for (uint32_t i = 0; i < batch->len; i++) {
        if (batch->rows[i].ts > stream_time)
            stream_time = batch->rows[i].ts;
    }
    state_set_number(state, NUMBER_STREAM_TIME, stream_time);
    return expire_run(&self->expire, stream_time, batch->mem, err);
}

static ErrCode op_view_process(Op *op, int input, Batch *batch, Err *err)
{
    OpView *self = (OpView *)op;

    (void)input;
    for (uint32_t i = 0; i < batch->len; i++)
        TRY(latest_put(&self->latest, &batch->rows[i], batch->mem, NULL, err));
    if (self->expires && batch->len > 0)
        TRY(op_view_expire(self, batch, err));
    return op->next ? op_emit(op, batch, err) : ERR_OK;
}

static ErrCode op_view_open(OpCtx *ctx, const PlanNode *node, Op **out, Err *err)
{
    OpView *self = ARENA_NEW(ctx->query_mem, OpView);

    (void)err;
    latest_open(&self->latest, ctx, node);
    self->expires = node->key_window && node->key_window->retention_ms > 0;
    if (self->expires)
        expire_open(&self->expire, self->latest.state, node->key_window, NUMBER_EXPIRED);
    *out = &self->base;
    return ERR_OK;
}

static void op_view_close(Op *op)
{
    latest_close(&((OpView *)op)->latest);
}

const OpClass op_view_class = {
    .name = "view",
    .open = op_view_open,
    .process = op_view_process,
    .close = op_view_close,
};
