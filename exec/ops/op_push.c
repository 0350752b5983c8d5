/*
 * op_push.c -- the end of a push query: rows go to the subscriber's queue.
 *
 * An ended queue (limit, a subscriber that left or was cut off) takes nothing more; the task sees
 * it between batches and stops.
 */
#include "exec/ops/ops.h"
#include "exec/push.h"

static ErrCode op_push_process(Op *op, int input, Batch *batch, Err *err)
{
    (void)input;
    (void)err;
    /* Only in a table a null value says something; an event without value is not delivered. */
    if (!op->node->is_table)
        op_drop_null_values(batch);
    if (push_rows(op->ctx->push, batch))
        op->ctx->counters.rows_out += batch->len;
    return ERR_OK;
}

static ErrCode op_push_open(OpCtx *ctx, const PlanNode *node, Op **out, Err *err)
{
    (void)node;
    (void)err;
    *out = ARENA_NEW(ctx->query_mem, Op);
    return ERR_OK;
}

const OpClass op_push_class = {
    .name = "push",
    .open = op_push_open,
    .process = op_push_process,
};
