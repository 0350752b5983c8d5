/*
 * agg_window.c -- the frame of the operators of GROUP BY with windows.
 */
#include "exec/ops/agg_window.h"

enum { NUMBER_STREAM_TIME, NUMBER_EXPIRED };

ErrCode agg_window_open(AggWindow *self, OpCtx *ctx, const PlanNode *node, const OpClass *cls,
                        Err *err)
{
    TRY(agg_group_open(ctx, node, &self->group, err));
    self->state = op_state(ctx, node->store);
    self->window = node->u.aggregate.window;
    expire_open(&self->expire, self->state, self->window, NUMBER_EXPIRED);
    self->base.cls = cls;
    return ERR_OK;
}

void agg_window_close(AggWindow *self)
{
    agg_group_close(self->group);
}

ErrCode agg_window_process(AggWindow *self, Batch *batch, AggWindowRow each, Err *err)
{
    Batch out;

    batch_init(&out, batch->mem, BATCH_ROWS_MAX);
    self->stream_time = state_number(self->state, NUMBER_STREAM_TIME);
    for (uint32_t i = 0; i < batch->len; i++) {
        const Row *row = &batch->rows[i];

        if ((row->flags & ROW_VALUE_NULL) || !agg_group_has_key(self->group, row))
            continue;
        if (row->ts > self->stream_time)
            self->stream_time = row->ts;
        if (each(self, row, &out, err) != ERR_OK) {
            op_fail_at(self->base.ctx, row);
            return err->code;
        }
    }
    if (self->stream_time == INT64_MIN)
        return ERR_OK; /* no row so far */
    state_set_number(self->state, NUMBER_STREAM_TIME, self->stream_time);
    TRY(expire_run(&self->expire, self->stream_time, batch->mem, err));
    return op_emit(&self->base, &out, err);
}
