/*
 * op_aggregate.c -- GROUP BY without window.
 *
 * Over a stream each row is added to its group, and the group's whole row goes on.  Over a table
 * a change takes the old row out of its group and adds the new one; both in one update when the
 * group is the same, else the step below has made two rows of it.  A group that has become empty
 * stays, with COUNT 0.
 *
 * The row's timestamp is the highest that the group has seen.
 */
#include "exec/ops/agg_group.h"
#include "exec/ops/ops.h"

enum { KEYS_AHEAD = 64 };

typedef struct OpAggregate {
    Op        base;
    AggGroup *group;
    State    *state;
    Buf       keys; /* heap: those of the next KEYS_AHEAD rows */
    size_t    ends[KEYS_AHEAD + 1];
    uint64_t  hashes[KEYS_AHEAD];
} OpAggregate;

/* Encodes the keys of some rows, so that their groups are on the way when they are needed. */
static void op_aggregate_look_ahead(OpAggregate *self, const Row *rows, uint32_t len)
{
    const PlanStore *store = self->base.node->store;

    buf_clear(&self->keys);
    for (uint32_t i = 0; i < len; i++) {
        size_t begin = self->keys.len;

        state_encode_key(&self->keys, store, rows[i].cols, rows[i].window_start,
                         rows[i].window_end);
        self->ends[i + 1] = self->keys.len;
        self->hashes[i] = state_hash((Str){self->keys.ptr + begin, self->keys.len - begin});
    }
    state_prefetch(self->state, self->hashes, len);
}

static ErrCode op_aggregate_update(OpAggregate *self, StateEntry *entry, const Row *row, Arena *mem,
                                   Err *err)
{
    bool is_table = self->base.node->u.aggregate.is_table;

    if (is_table && row->old)
        TRY(agg_group_undo(self->group, entry, row, mem, err));
    if (!(row->flags & (ROW_OLD_ONLY | ROW_VALUE_NULL)))
        TRY(agg_group_add(self->group, entry, row, mem, err));
    if (row->ts > entry->ts)
        entry->ts = row->ts;
    return ERR_OK;
}

/* ahead: which of the keys that were encoded is the row's.  *is_told becomes false when there is
 * nothing to tell: *out is not set. */
static ErrCode op_aggregate_row(OpAggregate *self, const Row *row, uint32_t ahead, Arena *mem,
                                Row *out, bool *is_told, Err *err)
{
    Op           *op = &self->base;
    const Schema *schema = op->node->schema;
    Value        *old = NULL;
    StateEntry   *entry;
    bool          is_new;
    Str           key = str_slice(buf_view(&self->keys), self->ends[ahead], self->ends[ahead + 1]);

    if (op->node->u.aggregate.only_new) {
        TRY(state_find(self->state, key, self->hashes[ahead], &entry, err));
        *is_told = entry == NULL;
        if (!*is_told)
            return ERR_OK;
    }
    TRY(state_touch(self->state, key, self->hashes[ahead], &entry, &is_new, err));
    if (is_new) {
        agg_group_init(self->group, entry, mem);
        entry->ts = row->ts;
    } else if (op->node->needs_old) {
        old = ARENA_ARRAY(mem, Value, schema->len);
        memcpy(old, row->cols, sizeof(Value) * schema->key_len);
        TRY(agg_group_finish(self->group, entry, mem, old + schema->key_len, err));
    }
    TRY(op_aggregate_update(self, entry, row, mem, err));
    TRY(agg_group_row(self->group, entry, row, mem, out, err));
    out->ts = entry->ts;
    out->old = old;
    return ERR_OK;
}

/* A deletion without old row changes no group; a null value of a stream is no row to count. */
static bool op_aggregate_takes(OpAggregate *self, const Row *row)
{
    if ((row->flags & ROW_VALUE_NULL) && !(self->base.node->u.aggregate.is_table && row->old))
        return false;
    return agg_group_has_key(self->group, row);
}

static ErrCode op_aggregate_process(Op *op, int input, Batch *batch, Err *err)
{
    OpAggregate *self = (OpAggregate *)op;
    uint32_t     kept = 0;

    (void)input;
    for (uint32_t i = 0; i < batch->len; i++) {
        uint32_t left = batch->len - i;
        bool     is_told = true;
        Row      out;

        if (i % KEYS_AHEAD == 0)
            op_aggregate_look_ahead(self, &batch->rows[i], left < KEYS_AHEAD ? left : KEYS_AHEAD);
        if (!op_aggregate_takes(self, &batch->rows[i]))
            continue;
        if (op_aggregate_row(self, &batch->rows[i], i % KEYS_AHEAD, batch->mem, &out, &is_told,
                             err) != ERR_OK) {
            op_fail_at(op->ctx, &batch->rows[i]);
            return err->code;
        }
        if (is_told)
            batch->rows[kept++] = out;
    }
    batch->len = kept;
    return op_emit(op, batch, err);
}

static ErrCode op_aggregate_open(OpCtx *ctx, const PlanNode *node, Op **out, Err *err)
{
    OpAggregate      *self = ARENA_NEW(ctx->query_mem, OpAggregate);
    const WindowSpec *window = node->u.aggregate.window;

    if (window && window->kind == WINDOW_SESSION)
        return op_session_class.open(ctx, node, out, err);
    if (window)
        return op_window_class.open(ctx, node, out, err);
    TRY(agg_group_open(ctx, node, &self->group, err));
    self->state = op_state(ctx, node->store);
    *out = &self->base;
    return ERR_OK;
}

static void op_aggregate_close(Op *op)
{
    OpAggregate *self = (OpAggregate *)op;

    agg_group_close(self->group);
    buf_deinit(&self->keys);
}

const OpClass op_aggregate_class = {
    .name = "aggregate",
    .open = op_aggregate_open,
    .process = op_aggregate_process,
    .close = op_aggregate_close,
};
