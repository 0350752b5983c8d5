/*
 * op_flatmap.c -- EXPLODE and other table functions in a SELECT.
 *
 * One row out per element, in order.  Several functions advance together; the shorter ones are
 * padded with nulls.  No element, a null argument that the function makes nothing of, or a null
 * value: no row.
 */
#include "exec/ops/ops.h"

typedef struct FlatmapFn {
    const TableFnDef *def;
    const ExprProg  **args;
    uint32_t          args_len;
    FnCall            call;
    Value            *values; /* of the arguments of the row at hand */
    const Value      *items;  /* what the function gave for it */
    uint32_t          items_len;
} FlatmapFn;

typedef struct OpFlatmap {
    Op         base;
    FlatmapFn *fns;
    uint32_t   fns_len;
} OpFlatmap;

static void op_flatmap_call(OpFlatmap *self, FlatmapFn *fn, const Row *row, Arena *mem)
{
    OpCtx *ctx = self->base.ctx;
    Err    err;

    for (uint32_t i = 0; i < fn->args_len; i++)
        fn->values[i] = expr_eval(fn->args[i], row, &ctx->expr);
    fn->call.mem = mem;
    fn->call.now_ms = ctx->expr.now_ms;
    if (fn->def->eval(&fn->call, fn->values, &fn->items, &fn->items_len, &err) != ERR_OK) {
        fn->items_len = 0;
        ctx->counters.eval_errors++;
        proclog_record(ctx->log, self->base.node->step, STR_NULL, &err);
    }
}

static ErrCode op_flatmap_row(OpFlatmap *self, const Row *row, Batch *out, Err *err)
{
    uint32_t cols_len = self->base.node->schema->len;
    uint32_t in_len = cols_len - self->fns_len;
    uint32_t longest = 0;

    for (uint32_t i = 0; i < self->fns_len; i++) {
        op_flatmap_call(self, &self->fns[i], row, out->mem);
        if (self->fns[i].items_len > longest)
            longest = self->fns[i].items_len;
    }
    for (uint32_t at = 0; at < longest; at++) {
        Row wide = *row;

        wide.cols = ARENA_ARRAY(out->mem, Value, cols_len);
        memcpy(wide.cols, row->cols, sizeof(Value) * in_len);
        for (uint32_t i = 0; i < self->fns_len; i++) {
            if (at < self->fns[i].items_len)
                wide.cols[in_len + i] = self->fns[i].items[at];
        }
        TRY(op_batch_add(&self->base, out, &wide, err));
    }
    return ERR_OK;
}

static ErrCode op_flatmap_process(Op *op, int input, Batch *batch, Err *err)
{
    OpFlatmap *self = (OpFlatmap *)op;
    Batch      out;

    (void)input;
    batch_init(&out, batch->mem, BATCH_ROWS_MAX);
    for (uint32_t i = 0; i < batch->len; i++) {
        if (!(batch->rows[i].flags & ROW_VALUE_NULL))
            TRY(op_flatmap_row(self, &batch->rows[i], &out, err));
    }
    return op_emit(op, &out, err);
}

static ErrCode op_flatmap_open_fn(OpCtx *ctx, const PlanNode *node, uint32_t at, FlatmapFn *fn,
                                  Err *err)
{
    Arena       *mem = ctx->query_mem;
    uint32_t     len = node->u.flatmap.args_len[at];
    const Type **types = ARENA_ARRAY(mem, const Type *, len);

    fn->def = node->u.flatmap.fns[at];
    fn->args = ARENA_ARRAY(mem, const ExprProg *, len);
    fn->values = ARENA_ARRAY(mem, Value, len);
    for (uint32_t i = 0; i < len; i++) {
        Expr *arg = node->u.flatmap.args[at][i];

        types[i] = arg->type;
        TRY(op_expr(ctx, arg, fn->def->name, &fn->args[i], err));
        fn->args_len++;
    }
    fn->call.arg_types = types;
    fn->call.args_len = len;
    fn->call.result = node->u.flatmap.types[at];
    return ERR_OK;
}

static void op_flatmap_close(Op *op)
{
    OpFlatmap *self = (OpFlatmap *)op;

    for (uint32_t i = 0; i < self->fns_len; i++) {
        for (uint32_t k = 0; k < self->fns[i].args_len; k++)
            expr_release(self->fns[i].args[k]);
    }
}

static ErrCode op_flatmap_open(OpCtx *ctx, const PlanNode *node, Op **out, Err *err)
{
    OpFlatmap *self = ARENA_NEW(ctx->query_mem, OpFlatmap);

    self->fns_len = node->u.flatmap.fns_len;
    self->fns = ARENA_ARRAY(ctx->query_mem, FlatmapFn, self->fns_len);
    for (uint32_t i = 0; i < self->fns_len; i++) {
        ErrCode rc = op_flatmap_open_fn(ctx, node, i, &self->fns[i], err);

        if (rc != ERR_OK) {
            op_flatmap_close(&self->base);
            return rc;
        }
    }
    *out = &self->base;
    return ERR_OK;
}

const OpClass op_flatmap_class = {
    .name = "flatmap",
    .open = op_flatmap_open,
    .process = op_flatmap_process,
    .close = op_flatmap_close,
};
