/*
 * op_view.c -- keeps a table's rows where pull queries find them.
 *
 * The rows go on unchanged: to the sink of CREATE TABLE AS, or nowhere for a source table, whose
 * view is the end of its query.
 */
#include "exec/ops/latest.h"
#include "exec/ops/ops.h"

typedef struct OpView {
    Op     base;
    Latest latest;
} OpView;

static ErrCode op_view_process(Op *op, int input, Batch *batch, Err *err)
{
    OpView *self = (OpView *)op;

    (void)input;
    for (uint32_t i = 0; i < batch->len; i++)
        TRY(latest_put(&self->latest, &batch->rows[i], batch->mem, NULL, err));
    return op->next ? op_emit(op, batch, err) : ERR_OK;
}

static ErrCode op_view_open(OpCtx *ctx, const PlanNode *node, Op **out, Err *err)
{
    OpView *self = ARENA_NEW(ctx->query_mem, OpView);

    (void)err;
    latest_open(&self->latest, ctx, node);
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
