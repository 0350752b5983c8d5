/*
 * op_table.c -- a table source: keeps the latest row per key, so that the steps above know what a
 * row replaces.
 *
 * Updates apply in the order of the topic, also when their timestamps go backwards.
 */
#include "exec/ops/latest.h"
#include "exec/ops/ops.h"

typedef struct OpTable {
    Op     base;
    Latest latest;
} OpTable;

static ErrCode op_table_process(Op *op, int input, Batch *batch, Err *err)
{
    OpTable *self = (OpTable *)op;

    (void)input;
    for (uint32_t i = 0; i < batch->len; i++) {
        Row *row = &batch->rows[i];

        TRY(latest_put(&self->latest, row, batch->mem, op->node->needs_old ? &row->old : NULL,
                       err));
    }
    return op_emit(op, batch, err);
}

static ErrCode op_table_open(OpCtx *ctx, const PlanNode *node, Op **out, Err *err)
{
    OpTable *self = ARENA_NEW(ctx->query_mem, OpTable);

    (void)err;
    latest_open(&self->latest, ctx, node);
    *out = &self->base;
    return ERR_OK;
}

static void op_table_close(Op *op)
{
    latest_close(&((OpTable *)op)->latest);
}

const OpClass op_table_class = {
    .name = "table",
    .open = op_table_open,
    .process = op_table_process,
    .close = op_table_close,
};
