/*
 * op.c -- the list of operators, and what they share.
 */
#include "exec/op.h"

#include <assert.h>

#include "exec/ops/ops.h"

/* In the order of enum PlanKind. */
static const OpClass *const op_classes[] = {
    [PLAN_SCAN] = NULL,
    [PLAN_TABLE] = &op_table_class,
    [PLAN_FILTER] = &op_filter_class,
    [PLAN_FILTER_TABLE] = &op_filter_table_class,
    [PLAN_PROJECT] = &op_project_class,
    [PLAN_FLATMAP] = &op_flatmap_class,
    [PLAN_REKEY] = &op_rekey_class,
    [PLAN_EXCHANGE] = &op_exchange_class,
    [PLAN_AGGREGATE] = &op_aggregate_class,
    [PLAN_SUPPRESS] = &op_suppress_class,
    [PLAN_JOIN_STREAMS] = &op_join_streams_class,
    [PLAN_JOIN_STREAM_TABLE] = &op_join_stream_table_class,
    [PLAN_JOIN_TABLES] = &op_join_tables_class,
    [PLAN_JOIN_FOREIGN_KEY] = &op_join_foreign_key_class,
    [PLAN_LIMIT] = &op_limit_class,
    [PLAN_VIEW] = &op_view_class,
    [PLAN_SINK] = &op_sink_class,
    [PLAN_PUSH] = &op_push_class,
};

_Static_assert(sizeof op_classes / sizeof op_classes[0] == PLAN_COUNT_, "one row per kind of step");

const OpClass *op_class(PlanKind kind)
{
    return op_classes[kind];
}

ErrCode op_open_class(const OpClass *cls, OpCtx *ctx, const PlanNode *node, Op *next,
                      int next_input, Op **out, Err *err)
{
    Op *op;

    TRY(cls->open(ctx, node, &op, err));
    if (!op->cls)
        op->cls = cls;
    op->ctx = ctx;
    op->node = node;
    op->next = next;
    op->next_input = next_input;
    *out = op;
    return ERR_OK;
}

ErrCode op_open(OpCtx *ctx, const PlanNode *node, Op *next, int next_input, Op **out, Err *err)
{
    const OpClass *cls = op_class(node->kind);

    if (!cls)
        return err_set(err, ERR_NOT_YET, "not supported yet: step \"%s\"",
                       node->step ? node->step : "");
    return op_open_class(cls, ctx, node, next, next_input, out, err);
}

void op_close(Op *op)
{
    if (op && op->cls->close)
        op->cls->close(op);
}

ErrCode op_expr(OpCtx *ctx, const Expr *expr, const char *name, const ExprProg **out, Err *err)
{
    ExprOpts opts = {.nested_error_set_null = ctx->props->nested_error_set_null, .name = name};

    return expr_compile(ctx->query_mem, expr, &opts, out, err);
}

State *op_state(const OpCtx *ctx, const PlanStore *store)
{
    assert(store && ctx->states[store->number]);
    return ctx->states[store->number];
}

void op_row_like(Row *out, const Row *like, uint32_t cols_len, Arena *mem)
{
    *out = *like;
    out->cols = ARENA_ARRAY(mem, Value, cols_len);
    out->old = NULL;
    out->key = STR_NULL;
    out->flags = 0;
}

void op_fail_at(OpCtx *ctx, const Row *row)
{
    ctx->failure = (OpFailure){
        .is_known = true, .scan = ctx->scan, .partition = row->partition, .offset = row->offset};
}

ErrCode op_batch_add(Op *op, Batch *out, const Row *row, Err *err)
{
    if (out->len == out->cap) {
        TRY(op_emit(op, out, err));
        out->len = 0;
    }
    out->rows[out->len++] = *row;
    return ERR_OK;
}

void query_props_init(QueryProps *props)
{
    *props = (QueryProps){
        .cache_bytes = 10000000,
        .nested_error_set_null = true,
        .time_skew_max_ms = 1000,
        .retry_initial_ms = 15000,
        .retry_max_ms = 900000,
    };
}

void op_drop_null_values(Batch *batch)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < batch->len; i++) {
        if (!(batch->rows[i].flags & ROW_VALUE_NULL))
            batch->rows[kept++] = batch->rows[i];
    }
    batch->len = kept;
}
