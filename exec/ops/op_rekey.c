/*
 * op_rekey.c -- PARTITION BY and GROUP BY: computes new key columns, and the value columns that
 * the step above reads.
 *
 * On a stream each row gets its new key; where the key is null the row goes on without one.  On a
 * table (GROUP BY) a change of one row is a change of one group or of two:
 *
 *     old group   new group     goes on
 *     A           A             one row, with its old one
 *     A           B             the old row leaves A (ROW_OLD_ONLY), then the new one enters B
 *     A           - (deleted)   the old row leaves A
 *     -           B             the new row enters B
 *
 * A null group is no group: that part does not go on.
 *
 * An event without value has no value columns and no pseudo columns: a key that reads one is null
 * then, whatever its expression would make of nulls.
 */
#include "exec/ops/col_progs.h"
#include "exec/ops/ops.h"

typedef struct OpRekey {
    Op       base;
    ColProgs progs;
    bool    *reads_value; /* per key column: more than the input's key */
} OpRekey;

static bool op_rekey_reads_value(const Expr *expr, uint32_t input_key_len)
{
    if (expr->kind == EXPR_PSEUDO || (expr->kind == EXPR_COLUMN && expr->u.index >= input_key_len))
        return true;
    for (uint32_t i = 0; i < expr->args_len; i++) {
        if (op_rekey_reads_value(expr->args[i], input_key_len))
            return true;
    }
    return false;
}

/* The new key of an event without value. */
static void op_rekey_null_value(const OpRekey *self, const Row *row, ExprCtx *ctx, Value *cols)
{
    uint32_t key_len = self->base.node->schema->key_len;

    for (uint32_t i = 0; i < key_len; i++) {
        if (!self->reads_value[i])
            col_progs_run(&self->progs, row, ctx, i, i + 1, cols);
    }
}

/* A key of several columns is a record of its own: with nulls inside, but not null. */
static bool op_rekey_is_null(const Value *cols, uint32_t key_len)
{
    return key_len == 0 || (key_len == 1 && value_is_null(cols[0]));
}

static bool op_rekey_has_null(const Value *cols, uint32_t key_len)
{
    for (uint32_t i = 0; i < key_len; i++) {
        if (value_is_null(cols[i]))
            return true;
    }
    return false;
}

static bool op_rekey_same(const Value *a, const Value *b, uint32_t key_len)
{
    for (uint32_t i = 0; i < key_len; i++) {
        if (!value_eq(a[i], b[i]))
            return false;
    }
    return true;
}

static ErrCode op_rekey_stream(OpRekey *self, Batch *batch, Err *err)
{
    Op           *op = &self->base;
    const Schema *schema = op->node->schema;
    Value        *cols = ARENA_ARRAY(batch->mem, Value, (size_t)schema->len * batch->len);

    for (uint32_t i = 0; i < batch->len; i++, cols += schema->len) {
        Row *row = &batch->rows[i];
        bool is_value_null = row->flags & ROW_VALUE_NULL;

        if (is_value_null)
            op_rekey_null_value(self, row, &op->ctx->expr, cols);
        else
            col_progs_run(&self->progs, row, &op->ctx->expr, 0, schema->len, cols);
        row->cols = cols;
        if (!op->node->u.project.is_key_unchanged)
            row->key = STR_NULL;
        row->flags = is_value_null ? ROW_VALUE_NULL : 0;
        if (op_rekey_is_null(cols, schema->key_len))
            row->flags |= ROW_KEY_NULL;
    }
    return op_emit(op, batch, err);
}

/* The columns of the old row in the new schema, or NULL when it was in no group. */
static Value *op_rekey_old(OpRekey *self, const Row *row, Arena *mem)
{
    ExprCtx       ctx = self->base.ctx->expr;
    const Schema *schema = self->base.node->schema;
    Value        *cols;

    if (!row->old)
        return NULL;
    ctx.cols = row->old;
    ctx.errors = NULL;
    cols = ARENA_ARRAY(mem, Value, schema->len);
    col_progs_run(&self->progs, row, &ctx, 0, schema->len, cols);
    return op_rekey_has_null(cols, schema->key_len) ? NULL : cols;
}

static Value *op_rekey_new(OpRekey *self, const Row *row, Arena *mem)
{
    const Schema *schema = self->base.node->schema;
    Value        *cols;

    if (row->flags & ROW_VALUE_NULL)
        return NULL;
    cols = ARENA_ARRAY(mem, Value, schema->len);
    col_progs_run(&self->progs, row, &self->base.ctx->expr, 0, schema->len, cols);
    return op_rekey_has_null(cols, schema->key_len) ? NULL : cols;
}

static ErrCode op_rekey_table(OpRekey *self, Batch *batch, Err *err)
{
    Op           *op = &self->base;
    const Schema *schema = op->node->schema;
    Batch         out;

    batch_init(&out, batch->mem, BATCH_ROWS_MAX);
    for (uint32_t i = 0; i < batch->len; i++) {
        Row    row = batch->rows[i];
        Value *old = op_rekey_old(self, &row, batch->mem);
        Value *new = op_rekey_new(self, &row, batch->mem);
        bool is_same = old && new &&op_rekey_same(old, new, schema->key_len);

        row.key = STR_NULL;
        if (old && !is_same) {
            Row leaving = row;

            leaving.cols = old;
            leaving.old = old;
            leaving.flags = ROW_OLD_ONLY;
            TRY(op_batch_add(op, &out, &leaving, err));
        }
        if (new) {
            row.cols = new;
            row.old = is_same ? old : NULL;
            row.flags = 0;
            TRY(op_batch_add(op, &out, &row, err));
        }
    }
    return op_emit(op, &out, err);
}

static ErrCode op_rekey_process(Op *op, int input, Batch *batch, Err *err)
{
    OpRekey *self = (OpRekey *)op;

    (void)input;
    if (op->node->inputs[0]->is_table)
        return op_rekey_table(self, batch, err);
    return op_rekey_stream(self, batch, err);
}

static ErrCode op_rekey_open(OpCtx *ctx, const PlanNode *node, Op **out, Err *err)
{
    OpRekey *self = ARENA_NEW(ctx->query_mem, OpRekey);
    uint32_t key_len = node->schema->key_len;

    TRY(col_progs_open(ctx, node, node->u.project.exprs, &self->progs, err));
    self->reads_value = ARENA_ARRAY(ctx->query_mem, bool, key_len);
    for (uint32_t i = 0; i < key_len; i++)
        self->reads_value[i] =
            op_rekey_reads_value(node->u.project.exprs[i], node->inputs[0]->schema->key_len);
    *out = &self->base;
    return ERR_OK;
}

static void op_rekey_close(Op *op)
{
    col_progs_close(&((OpRekey *)op)->progs);
}

const OpClass op_rekey_class = {
    .name = "rekey",
    .open = op_rekey_open,
    .process = op_rekey_process,
    .close = op_rekey_close,
};
