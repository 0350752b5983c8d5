/*
 * op_limit.c -- LIMIT of a push query.
 *
 * The query's tasks share one count, so that the limit holds over all partitions; it is taken from
 * once per batch.  The subscriber's queue ends with the last row: rows that one task took may still
 * be on their way when another takes the last, so what was handed on is counted, too.
 */
#include "exec/ops/ops.h"
#include "exec/push.h"

/* How many of want rows may still go on. */
static uint32_t op_limit_take(int64_t *left, uint32_t want)
{
    int64_t now = __atomic_load_n(left, __ATOMIC_RELAXED);
    int64_t taken;

    do {
        taken = now < (int64_t)want ? now : (int64_t)want;
    } while (taken > 0 && !__atomic_compare_exchange_n(left, &now, now - taken, false,
                                                       __ATOMIC_RELAXED, __ATOMIC_RELAXED));
    return taken > 0 ? (uint32_t)taken : 0;
}

static ErrCode op_limit_process(Op *op, int input, Batch *batch, Err *err)
{
    int64_t taken;

    (void)input;
    if (!op->node->is_table)
        op_drop_null_values(batch);
    batch->len = op_limit_take(op->ctx->limit_left, batch->len);
    taken = batch->len;
    TRY(op_emit(op, batch, err));
    if (op->ctx->push && __atomic_sub_fetch(op->ctx->limit_unsent, taken, __ATOMIC_ACQ_REL) <= 0)
        push_finish(op->ctx->push, PUSH_LIMIT, NULL);
    return ERR_OK;
}

static ErrCode op_limit_open(OpCtx *ctx, const PlanNode *node, Op **out, Err *err)
{
    (void)node;
    (void)err;
    if (ctx->push && *ctx->limit_left == 0)
        push_finish(ctx->push, PUSH_LIMIT, NULL); /* no row will come to end it */
    *out = ARENA_NEW(ctx->query_mem, Op);
    return ERR_OK;
}

const OpClass op_limit_class = {
    .name = "limit",
    .open = op_limit_open,
    .process = op_limit_process,
};
