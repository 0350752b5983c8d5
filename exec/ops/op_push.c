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
    /* An event without value is a row of nulls; only in a table it is a deletion. */
    for (uint32_t i = 0; !op->node->is_table && i < batch->len; i++)
        batch->rows[i].flags &= ~(uint32_t)ROW_VALUE_NULL;
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
