/*
 * op_filter.c -- WHERE on a stream.
 *
 * Keeps the rows whose predicate is TRUE; FALSE and NULL both drop the row, and so does a null
 * value, whatever the predicate says of the key.  Rows move within the batch and are never copied.
 */
#include <assert.h>

#include "exec/ops/ops.h"

typedef struct OpFilter {
    Op              base;
    const ExprProg *predicate;
} OpFilter;

static ErrCode op_filter_process(Op *op, int input, Batch *batch, Err *err)
{
    OpFilter *self = (OpFilter *)op;
    uint32_t  kept = 0;

    (void)input;
    for (uint32_t i = 0; i < batch->len; i++) {
        const Row *row = &batch->rows[i];

        if (!(row->flags & ROW_VALUE_NULL) && expr_is_true(self->predicate, row, &op->ctx->expr))
            batch->rows[kept++] = *row;
    }
    assert(kept <= batch->len);
    batch->len = kept;
    return op_emit(op, batch, err);
}

static ErrCode op_filter_open(OpCtx *ctx, const PlanNode *node, Op **out, Err *err)
{
    OpFilter *self = ARENA_NEW(ctx->query_mem, OpFilter);

    TRY(op_expr(ctx, node->u.filter.predicate, node->step, &self->predicate, err));
    *out = &self->base;
    return ERR_OK;
}

static void op_filter_close(Op *op)
{
    expr_release(((OpFilter *)op)->predicate);
}

const OpClass op_filter_class = {
    .name = "filter",
    .open = op_filter_open,
    .process = op_filter_process,
    .close = op_filter_close,
};
