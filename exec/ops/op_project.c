/*
 * op_project.c -- SELECT: computes the columns of its schema.
 *
 * A null value stays null (a deletion of a table, an event without value of a stream): only the
 * key is computed then, and key columns that a push query shows among its own.  For a table whose
 * consumer wants it, the old row is projected the same way; its errors were reported when it was
 * new.
 */
#include "exec/ops/col_progs.h"
#include "exec/ops/ops.h"

typedef struct OpProject {
    Op       base;
    ColProgs progs;
} OpProject;

static void op_project_old(OpProject *self, Row *row, Value *cols)
{
    ExprCtx ctx = self->base.ctx->expr;

    ctx.cols = row->old;
    ctx.errors = NULL;
    col_progs_run(&self->progs, row, &ctx, 0, self->progs.len, cols);
}

/* WINDOWSTART, WINDOWEND: part of the key, whatever the column is called. */
static bool is_window_bound(const Expr *expr)
{
    return expr->kind == EXPR_PSEUDO &&
           (expr->u.pseudo == PSEUDO_WINDOWSTART || expr->u.pseudo == PSEUDO_WINDOWEND);
}

static void op_project_null(OpProject *self, const Row *row, Value *cols)
{
    const PlanNode *node = self->base.node;
    uint32_t        key_len = node->schema->key_len;
    int             input_key_len = (int)node->inputs[0]->schema->key_len;

    col_progs_run(&self->progs, row, &self->base.ctx->expr, 0, key_len, cols);
    for (uint32_t i = key_len; i < self->progs.len; i++) {
        int copied = self->progs.items[i].copied;

        if (copied >= 0 && copied < input_key_len)
            cols[i] = row->cols[copied];
        else if (is_window_bound(node->u.project.exprs[i]))
            col_progs_run(&self->progs, row, &self->base.ctx->expr, i, i + 1, cols);
    }
}

static ErrCode op_project_process(Op *op, int input, Batch *batch, Err *err)
{
    OpProject    *self = (OpProject *)op;
    const Schema *schema = op->node->schema;
    bool          keeps_key = op->node->u.project.is_key_unchanged;
    Value        *cols = ARENA_ARRAY(batch->mem, Value, (size_t)schema->len * batch->len);

    (void)input;
    for (uint32_t i = 0; i < batch->len; i++, cols += schema->len) {
        Row *row = &batch->rows[i];

        if (row->flags & ROW_VALUE_NULL)
            op_project_null(self, row, cols);
        else
            col_progs_run(&self->progs, row, &op->ctx->expr, 0, schema->len, cols);
        if (row->old && op->node->needs_old) {
            Value *old = ARENA_ARRAY(batch->mem, Value, schema->len);

            op_project_old(self, row, old);
            row->old = old;
        } else {
            row->old = NULL;
        }
        row->cols = cols;
        if (!keeps_key)
            row->key = STR_NULL;
    }
    return op_emit(op, batch, err);
}

static ErrCode op_project_open(OpCtx *ctx, const PlanNode *node, Op **out, Err *err)
{
    OpProject *self = ARENA_NEW(ctx->query_mem, OpProject);

    TRY(col_progs_open(ctx, node, node->u.project.exprs, &self->progs, err));
    *out = &self->base;
    return ERR_OK;
}

static void op_project_close(Op *op)
{
    col_progs_close(&((OpProject *)op)->progs);
}

const OpClass op_project_class = {
    .name = "project",
    .open = op_project_open,
    .process = op_project_process,
    .close = op_project_close,
};
