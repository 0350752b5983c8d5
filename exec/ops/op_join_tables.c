/*
 * op_join_tables.c -- two tables on their primary keys.
 *
 * Both sides' latest rows are kept.  A change of one side makes a new joined row, if the join's
 * kind has one for what is there now:
 *
 *     INNER  both sides      LEFT  the left one      RIGHT  the right one      FULL  any
 *
 * Where it has none, a deletion goes on: always when the other side is there, since a row may have
 * gone on before; when the other side is missing too, only if the deleted row had gone on alone.
 * An update never deletes anything.
 */
#include "exec/ops/join_row.h"
#include "exec/ops/latest.h"
#include "exec/ops/ops.h"

typedef struct OpJoinTables {
    Op         base;
    Latest     sides[2];
    JoinLayout layout;
    JoinKind   kind;
} OpJoinTables;

static bool op_join_tables_exists(JoinKind kind, bool has_left, bool has_right)
{
    switch (kind) {
    case JOIN_INNER:
        return has_left && has_right;
    case JOIN_LEFT:
        return has_left;
    case JOIN_RIGHT:
        return has_right;
    case JOIN_FULL:
        return has_left || has_right;
    }
    return false;
}

/* The joined columns of side's values mine and the other side's theirs; NULL: no such row. */
static Value *op_join_tables_cols(const OpJoinTables *self, int side, const Value *key,
                                  const Value *mine, const Value *theirs, Arena *mem)
{
    const Value *left = side == 0 ? mine : theirs;
    const Value *right = side == 0 ? theirs : mine;

    if (!op_join_tables_exists(self->kind, left, right))
        return NULL;
    return join_cols(&self->layout, key, left, right, mem);
}

static ErrCode op_join_tables_row(OpJoinTables *self, int side, const Row *row, Batch *out,
                                  Err *err)
{
    Op               *op = &self->base;
    uint32_t          key_len = self->layout.key_len;
    bool              is_deletion = (row->flags & ROW_VALUE_NULL) != 0;
    const Value      *before = NULL;
    const StateEntry *entry;
    const Value      *theirs;
    Value            *cols, *old;
    Row               result;
    int64_t           ts = row->ts;

    TRY(latest_put(&self->sides[side], row, out->mem, &before, err));
    TRY(latest_find(&self->sides[1 - side], row, &entry, err));
    theirs = entry ? entry->slots : NULL;
    if (entry && entry->ts > ts)
        ts = entry->ts;
    old = before ? op_join_tables_cols(self, side, row->cols, before + key_len, theirs, out->mem)
                 : op_join_tables_cols(self, side, row->cols, NULL, theirs, out->mem);
    cols = op_join_tables_cols(self, side, row->cols, is_deletion ? NULL : row->cols + key_len,
                               theirs, out->mem);
    if (cols)
        result = join_row(row, cols, ts);
    else if (is_deletion && (theirs || old))
        result = join_deletion(&self->layout, row, row->cols, NULL, ts, out->mem);
    else
        return ERR_OK;
    result.old = op->node->needs_old ? old : NULL;
    return op_batch_add(op, out, &result, err);
}

static ErrCode op_join_tables_process(Op *op, int input, Batch *batch, Err *err)
{
    OpJoinTables *self = (OpJoinTables *)op;
    Batch         out;

    batch_init(&out, batch->mem, BATCH_ROWS_MAX);
    for (uint32_t i = 0; i < batch->len; i++) {
        const Row *row = &batch->rows[i];

        if (join_has_null_key(row, op->node->inputs[input]->schema))
            continue;
        if (op_join_tables_row(self, input, row, &out, err) != ERR_OK) {
            op_fail_at(op->ctx, row);
            return err->code;
        }
    }
    return op_emit(op, &out, err);
}

static ErrCode op_join_tables_open(OpCtx *ctx, const PlanNode *node, Op **out, Err *err)
{
    OpJoinTables *self = ARENA_NEW(ctx->query_mem, OpJoinTables);

    (void)err;
    latest_open_store(&self->sides[0], ctx, node->store);
    latest_open_store(&self->sides[1], ctx, node->u.join.right_store);
    self->layout = join_layout(node);
    self->kind = node->u.join.kind;
    *out = &self->base;
    return ERR_OK;
}

static void op_join_tables_close(Op *op)
{
    OpJoinTables *self = (OpJoinTables *)op;

    latest_close(&self->sides[0]);
    latest_close(&self->sides[1]);
}

const OpClass op_join_tables_class = {
    .name = "join_tables",
    .open = op_join_tables_open,
    .process = op_join_tables_process,
    .close = op_join_tables_close,
};
