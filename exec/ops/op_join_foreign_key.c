/*
 * op_join_foreign_key.c -- a table with another one that an expression over its rows points to.
 *
 *     left table  --foreign key-->  right table          result: one row per left key
 *
 * Both sides' latest rows are kept, and an index of the left keys under each right key, whose
 * order is that of the left keys.  A change on the left looks up one right row; a change on the
 * right touches every left row that points to it.  What follows is decided by what is there:
 *
 *     left change                        INNER                     LEFT
 *     points to a row                    row                       row
 *     points nowhere or to nothing       deletion, if an old left  row without right side
 *                                        row had pointed anywhere
 *     deleted                            deletion, if it pointed   deletion, if it was there
 */
#include "exec/ops/join_row.h"
#include "exec/ops/latest.h"
#include "exec/ops/ops.h"

typedef struct OpJoinForeignKey {
    Op               base;
    Latest           left, right;
    State           *index;
    const PlanStore *index_store;
    const ExprProg  *foreign_key; /* over a left row */
    JoinLayout       layout;
    bool             is_left;
    Value           *index_keys; /* of the index entry at hand */
    Buf              low, high;  /* heap */
} OpJoinForeignKey;

static ErrCode op_join_foreign_key_index(OpJoinForeignKey *self, Value fk, const Value *left_key,
                                         bool is_in, Err *err)
{
    StateEntry *entry;
    Str         key;
    bool        is_new;

    if (value_is_null(fk))
        return ERR_OK;
    self->index_keys[0] = fk;
    memcpy(self->index_keys + 1, left_key, sizeof(Value) * self->layout.key_len);
    buf_clear(&self->low);
    state_encode_key(&self->low, self->index_store, self->index_keys, 0, 0);
    key = buf_view(&self->low);
    TRY(state_touch(self->index, key, state_hash(key), &entry, &is_new, err));
    if (!is_in)
        state_remove(self->index, entry);
    return ERR_OK;
}

/* The right row under fk; NULL: none. */
static ErrCode op_join_foreign_key_right(OpJoinForeignKey *self, Value fk, const StateEntry **out,
                                         Err *err)
{
    Row row = {.cols = &fk};

    *out = NULL;
    return value_is_null(fk) ? ERR_OK : latest_find(&self->right, &row, out, err);
}

/* What a left row with these values and this foreign key is joined to; NULL: nothing goes on. */
static Value *op_join_foreign_key_cols(const OpJoinForeignKey *self, const Value *key,
                                       const Value *left, const StateEntry *right, Arena *mem)
{
    if (!left || (!right && !self->is_left))
        return NULL;
    return join_cols(&self->layout, key, left, right ? right->slots : NULL, mem);
}

static Value op_join_foreign_key_of(OpJoinForeignKey *self, const Row *row, const Value *cols,
                                    bool is_old)
{
    ExprCtx ctx = self->base.ctx->expr;

    ctx.cols = cols;
    if (is_old)
        ctx.errors = NULL; /* reported when it was new */
    return expr_eval(self->foreign_key, row, &ctx);
}

static ErrCode op_join_foreign_key_left(OpJoinForeignKey *self, const Row *row, Batch *out,
                                        Err *err)
{
    Op               *op = &self->base;
    uint32_t          key_len = self->layout.key_len;
    bool              is_deletion = (row->flags & ROW_VALUE_NULL) != 0;
    const Value      *before;
    const StateEntry *right;
    Value             fk_before = value_null(), fk = value_null();
    Value            *cols, *old = NULL;
    Row               result;
    int64_t           ts = row->ts;

    TRY(latest_put(&self->left, row, out->mem, &before, err));
    if (before) {
        fk_before = op_join_foreign_key_of(self, row, before, true);
        TRY(op_join_foreign_key_index(self, fk_before, row->cols, false, err));
        TRY(op_join_foreign_key_right(self, fk_before, &right, err));
        old = op_join_foreign_key_cols(self, row->cols, before + key_len, right, out->mem);
    }
    if (!is_deletion) {
        fk = op_join_foreign_key_of(self, row, row->cols, false);
        TRY(op_join_foreign_key_index(self, fk, row->cols, true, err));
    }
    TRY(op_join_foreign_key_right(self, fk, &right, err));
    if (right && right->ts > ts)
        ts = right->ts;
    cols = op_join_foreign_key_cols(self, row->cols, is_deletion ? NULL : row->cols + key_len,
                                    right, out->mem);
    if (cols)
        result = join_row(row, cols, ts);
    else if (before && (self->is_left || !value_is_null(fk_before)))
        result = join_deletion(&self->layout, row, row->cols, NULL, ts, out->mem);
    else
        return ERR_OK;
    result.old = op->node->needs_old ? old : NULL;
    return op_batch_add(op, out, &result, err);
}

/* --- the right side --------------------------------------------------------------------------- */

typedef struct IndexScan {
    OpJoinForeignKey *self;
    const Row        *row;    /* of the right side */
    const Value      *before; /* its predecessor's values, or NULL */
    Batch            *out;
} IndexScan;

static ErrCode op_join_foreign_key_visit(void *arg, StateEntry *index, bool *stop, Err *err)
{
    IndexScan        *scan = arg;
    OpJoinForeignKey *self = scan->self;
    Op               *op = &self->base;
    Arena            *mem = scan->out->mem;
    bool              is_deletion = (scan->row->flags & ROW_VALUE_NULL) != 0;
    Value            *keys = ARENA_ARRAY(mem, Value, self->index_store->keys_len);
    Row               left = {.cols = keys + 1}, result;
    const StateEntry *entry;
    const Value      *right;
    Value            *old = NULL;
    int64_t           start, end;

    (void)stop;
    TRY(state_decode_key(self->index_store, state_key_of(index), mem, keys, &start, &end, err));
    TRY(latest_find(&self->left, &left, &entry, err));
    if (!entry)
        return ERR_OK;
    if (scan->before || self->is_left)
        old = join_cols(&self->layout, left.cols, entry->slots, scan->before, mem);
    right = is_deletion ? NULL : scan->row->cols + self->base.node->inputs[1]->schema->key_len;
    if (right || self->is_left)
        result = join_row(scan->row, join_cols(&self->layout, left.cols, entry->slots, right, mem),
                          scan->row->ts);
    else
        result = join_deletion(&self->layout, scan->row, left.cols, NULL, scan->row->ts, mem);
    result.old = op->node->needs_old ? old : NULL;
    return op_batch_add(op, scan->out, &result, err);
}

/* The smallest key above all that begin with prefix. */
static void op_join_foreign_key_above(Buf *prefix)
{
    while (prefix->len > 0 && (uint8_t)prefix->ptr[prefix->len - 1] == 0xff)
        prefix->len--;
    if (prefix->len > 0)
        prefix->ptr[prefix->len - 1]++;
}

static ErrCode op_join_foreign_key_changed(OpJoinForeignKey *self, const Row *row, Batch *out,
                                           Err *err)
{
    const Schema *schema = self->base.node->inputs[1]->schema;
    IndexScan     scan = {.self = self, .row = row, .out = out};
    const Value  *before;

    TRY(latest_put(&self->right, row, out->mem, &before, err));
    if ((row->flags & ROW_VALUE_NULL) && !before)
        return ERR_OK;
    scan.before = before ? before + schema->key_len : NULL;
    buf_clear(&self->low);
    buf_clear(&self->high);
    value_encode_key(&self->low, row->cols[0], schema->cols[0].type);
    buf_str(&self->high, buf_view(&self->low));
    op_join_foreign_key_above(&self->high);
    return state_scan(self->index, buf_view(&self->low),
                      self->high.len > 0 ? buf_view(&self->high) : STR_NULL,
                      op_join_foreign_key_visit, &scan, err);
}

static ErrCode op_join_foreign_key_process(Op *op, int input, Batch *batch, Err *err)
{
    OpJoinForeignKey *self = (OpJoinForeignKey *)op;
    Batch             out;
    ErrCode           rc = ERR_OK;

    batch_init(&out, batch->mem, BATCH_ROWS_MAX);
    for (uint32_t i = 0; i < batch->len; i++) {
        const Row *row = &batch->rows[i];

        if (join_has_null_key(row, op->node->inputs[input]->schema))
            continue;
        rc = input == 0 ? op_join_foreign_key_left(self, row, &out, err)
                        : op_join_foreign_key_changed(self, row, &out, err);
        if (rc != ERR_OK) {
            op_fail_at(op->ctx, row);
            return rc;
        }
    }
    return op_emit(op, &out, err);
}

static void op_join_foreign_key_close(Op *op)
{
    OpJoinForeignKey *self = (OpJoinForeignKey *)op;

    latest_close(&self->left);
    latest_close(&self->right);
    expr_release(self->foreign_key);
    buf_deinit(&self->low);
    buf_deinit(&self->high);
}

static ErrCode op_join_foreign_key_open(OpCtx *ctx, const PlanNode *node, Op **out, Err *err)
{
    OpJoinForeignKey *self = ARENA_NEW(ctx->query_mem, OpJoinForeignKey);

    TRY(op_expr(ctx, node->u.join.left_key, node->step, &self->foreign_key, err));
    latest_open_store(&self->left, ctx, node->store);
    latest_open_store(&self->right, ctx, node->u.join.right_store);
    self->index_store = node->u.join.index_store;
    self->index = op_state(ctx, self->index_store);
    self->index_keys = ARENA_ARRAY(ctx->query_mem, Value, self->index_store->keys_len);
    self->layout = join_layout(node);
    self->is_left = node->u.join.kind != JOIN_INNER;
    *out = &self->base;
    return ERR_OK;
}

const OpClass op_join_foreign_key_class = {
    .name = "join_foreign_key",
    .open = op_join_foreign_key_open,
    .process = op_join_foreign_key_process,
    .close = op_join_foreign_key_close,
};
