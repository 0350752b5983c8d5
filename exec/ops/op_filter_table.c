/*
 * op_filter_table.c -- WHERE and HAVING on a table.
 *
 * An update can enter or leave the result.  A row that fails where its predecessor passed becomes
 * a deletion; where the predecessor did not pass either, nobody below has ever seen the key and
 * nothing goes on:
 *
 *     old passed   new passes   goes on
 *     no           no           -
 *     no           yes          the row, without an old one
 *     yes          no           a deletion
 *     yes          yes          the row
 */
#include "exec/ops/ops.h"

typedef struct OpFilterTable {
    Op              base;
    const ExprProg *predicate;
} OpFilterTable;

/* The old row's errors were reported when it was new. */
static bool op_filter_table_old_passed(const OpFilterTable *self, const Row *row)
{
    ExprCtx ctx = self->base.ctx->expr;

    if (!row->old)
        return false;
    ctx.cols = row->old;
    ctx.errors = NULL;
    return expr_is_true(self->predicate, row, &ctx);
}

static void op_filter_table_delete(const Schema *schema, Row *row, Arena *mem)
{
    Value *cols = ARENA_ARRAY(mem, Value, schema->len);

    memcpy(cols, row->cols, sizeof(Value) * schema->key_len);
    row->cols = cols;
    row->flags |= ROW_VALUE_NULL;
}

static ErrCode op_filter_table_process(Op *op, int input, Batch *batch, Err *err)
{
    OpFilterTable *self = (OpFilterTable *)op;
    uint32_t       kept = 0;

    (void)input;
    for (uint32_t i = 0; i < batch->len; i++) {
        Row  row = batch->rows[i];
        bool old_passed = op_filter_table_old_passed(self, &row);
        bool passes =
            !(row.flags & ROW_VALUE_NULL) && expr_is_true(self->predicate, &row, &op->ctx->expr);

        if (!passes && !old_passed)
            continue;
        if (!old_passed)
            row.old = NULL;
        if (!passes)
            op_filter_table_delete(op->node->schema, &row, batch->mem);
        batch->rows[kept++] = row;
    }
    batch->len = kept;
    return op_emit(op, batch, err);
}

static ErrCode op_filter_table_open(OpCtx *ctx, const PlanNode *node, Op **out, Err *err)
{
    OpFilterTable *self = ARENA_NEW(ctx->query_mem, OpFilterTable);

    TRY(op_expr(ctx, node->u.filter.predicate, node->step, &self->predicate, err));
    *out = &self->base;
    return ERR_OK;
}

static void op_filter_table_close(Op *op)
{
    expr_release(((OpFilterTable *)op)->predicate);
}

const OpClass op_filter_table_class = {
    .name = "filter_table",
    .open = op_filter_table_open,
    .process = op_filter_table_process,
    .close = op_filter_table_close,
};
