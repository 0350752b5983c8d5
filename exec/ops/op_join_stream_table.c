/*
 * op_join_stream_table.c -- each event of a stream with the table's row of the same key.
 *
 * Only events go on; the table's rows are kept, silently.  What counts is the row at the time the
 * event is processed: a later change is not joined again.  An event without value goes nowhere;
 * one without key, or without a row in the table, goes on only in a LEFT join.
 */
#include "exec/ops/join_row.h"
#include "exec/ops/latest.h"
#include "exec/ops/ops.h"

typedef struct OpJoinStreamTable {
    Op         base;
    Latest     table;
    JoinLayout layout;
    bool       is_left;
} OpJoinStreamTable;

static ErrCode op_join_stream_table_keep(OpJoinStreamTable *self, Batch *batch, Err *err)
{
    for (uint32_t i = 0; i < batch->len; i++) {
        const Row *row = &batch->rows[i];

        if (!join_has_null_key(row, self->base.node->inputs[1]->schema))
            TRY(latest_put(&self->table, row, batch->mem, NULL, err));
    }
    return ERR_OK;
}

/* *is_joined false: the event goes nowhere. */
static ErrCode op_join_stream_table_row(OpJoinStreamTable *self, Row *row, Arena *mem,
                                        bool *is_joined, Err *err)
{
    const Schema     *stream = self->base.node->inputs[0]->schema;
    const StateEntry *entry = NULL;

    *is_joined = false;
    if (row->flags & ROW_VALUE_NULL)
        return ERR_OK;
    if (!join_has_null_key(row, stream))
        TRY(latest_find(&self->table, row, &entry, err));
    if (!entry && !self->is_left)
        return ERR_OK;
    *row = join_row(row,
                    join_cols(&self->layout, row->cols, row->cols + stream->key_len,
                              entry ? entry->slots : NULL, mem),
                    row->ts);
    *is_joined = true;
    return ERR_OK;
}

static ErrCode op_join_stream_table_process(Op *op, int input, Batch *batch, Err *err)
{
    OpJoinStreamTable *self = (OpJoinStreamTable *)op;
    uint32_t           kept = 0;

    if (input == 1)
        return op_join_stream_table_keep(self, batch, err);
    for (uint32_t i = 0; i < batch->len; i++) {
        Row  row = batch->rows[i];
        bool is_joined;

        TRY(op_join_stream_table_row(self, &row, batch->mem, &is_joined, err));
        if (is_joined)
            batch->rows[kept++] = row;
    }
    batch->len = kept;
    return op_emit(op, batch, err);
}

static ErrCode op_join_stream_table_open(OpCtx *ctx, const PlanNode *node, Op **out, Err *err)
{
    OpJoinStreamTable *self = ARENA_NEW(ctx->query_mem, OpJoinStreamTable);

    (void)err;
    latest_open_store(&self->table, ctx, node->u.join.right_store);
    self->layout = join_layout(node);
    self->is_left = node->u.join.kind != JOIN_INNER;
    *out = &self->base;
    return ERR_OK;
}

static void op_join_stream_table_close(Op *op)
{
    latest_close(&((OpJoinStreamTable *)op)->table);
}

const OpClass op_join_stream_table_class = {
    .name = "join_stream_table",
    .open = op_join_stream_table_open,
    .process = op_join_stream_table_process,
    .close = op_join_stream_table_close,
};
