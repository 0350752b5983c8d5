/*
 * op_coalesce.c -- keeps only the last row of each key until the epoch is sealed
 * (cache.max.bytes.buffering > 0).
 *
 * It stands in front of a table's view and sink, which read no old rows.  Rows are copied into
 * memory of the epoch; the first touch of a key decides its place in the order.  A row that is
 * replaced leaves its bytes behind: beyond cache_bytes everything is emitted early.
 */
#include "exec/ops/ops.h"

enum { ROWS_AHEAD = 64 };

typedef struct Held {
    Row      row;
    uint64_t hash;
    uint32_t scan;
} Held;

/* The tag tells most other keys apart without a look at what is held, which lies far away. */
typedef struct Slot {
    uint32_t number; /* index + 1 into held; 0: free */
    uint32_t tag;
} Slot;

typedef struct OpCoalesce {
    Op       base;
    Arena   *mem; /* of the epoch; heap */
    Held    *held;
    Slot    *slots; /* open addressing */
    uint32_t held_len, held_cap, slots_cap;
    uint64_t hashes[ROWS_AHEAD]; /* of the rows that are looked at next */
} OpCoalesce;

static uint64_t op_coalesce_hash(const Row *row, uint32_t key_len)
{
    uint64_t hash = (uint64_t)row->window_start * 0x9e3779b97f4a7c15u ^ (uint64_t)row->window_end;

    for (uint32_t i = 0; i < key_len; i++)
        hash = hash * 0x9e3779b97f4a7c15u + value_hash(row->cols[i]);
    return hash;
}

static bool op_coalesce_same(const Row *a, const Row *b, uint32_t key_len)
{
    if (a->window_start != b->window_start || a->window_end != b->window_end)
        return false;
    for (uint32_t i = 0; i < key_len; i++) {
        if (!value_eq(a->cols[i], b->cols[i]))
            return false;
    }
    return true;
}

static uint32_t op_coalesce_home(const OpCoalesce *self, uint64_t hash)
{
    return (uint32_t)(hash >> 20) & (self->slots_cap - 1);
}

static uint32_t op_coalesce_tag(uint64_t hash)
{
    return (uint32_t)(hash >> 32) ^ (uint32_t)hash;
}

static void op_coalesce_place(OpCoalesce *self, uint32_t index)
{
    uint64_t hash = self->held[index].hash;
    uint32_t at = op_coalesce_home(self, hash);

    while (self->slots[at].number)
        at = (at + 1) & (self->slots_cap - 1);
    self->slots[at] = (Slot){index + 1, op_coalesce_tag(hash)};
}

static void op_coalesce_grow(OpCoalesce *self)
{
    self->held_cap = self->held_cap ? self->held_cap * 2 : 256;
    self->held = mem_realloc(self->held, sizeof(Held) * self->held_cap);
    self->slots_cap = self->held_cap * 2;
    mem_free(self->slots);
    self->slots = MEM_ARRAY(Slot, self->slots_cap);
    for (uint32_t i = 0; i < self->held_len; i++)
        op_coalesce_place(self, i);
}

/*
 * Hashes some rows, so that the held rows of their keys are on the way when they are needed: each
 * is three cache misses in a row otherwise.
 */
static void op_coalesce_look_ahead(OpCoalesce *self, const Row *rows, uint32_t len)
{
    uint32_t    key_len = self->base.node->schema->key_len;
    const Held *held[ROWS_AHEAD];

    for (uint32_t i = 0; i < len; i++) {
        self->hashes[i] = op_coalesce_hash(&rows[i], key_len);
        if (self->slots)
            __builtin_prefetch(&self->slots[op_coalesce_home(self, self->hashes[i])]);
    }
    if (!self->slots)
        return;
    for (uint32_t i = 0; i < len; i++) {
        Slot slot = self->slots[op_coalesce_home(self, self->hashes[i])];
        bool is_it = slot.number && slot.tag == op_coalesce_tag(self->hashes[i]);

        held[i] = is_it ? &self->held[slot.number - 1] : NULL;
        if (held[i]) {
            __builtin_prefetch(held[i]);
            __builtin_prefetch(&held[i]->hash);
        }
    }
    for (uint32_t i = 0; i < len; i++) {
        if (held[i])
            __builtin_prefetch(held[i]->row.cols);
    }
}

/* The held row of this key; a new one when there is none. */
static Held *op_coalesce_find(OpCoalesce *self, const Row *row, uint64_t hash, bool *is_new)
{
    uint32_t key_len = self->base.node->schema->key_len;
    uint32_t tag = op_coalesce_tag(hash);
    uint32_t at;

    if (self->held_len == self->held_cap)
        op_coalesce_grow(self);
    for (at = op_coalesce_home(self, hash); self->slots[at].number;
         at = (at + 1) & (self->slots_cap - 1)) {
        Held *held = &self->held[self->slots[at].number - 1];

        if (self->slots[at].tag == tag && op_coalesce_same(&held->row, row, key_len)) {
            *is_new = false;
            return held;
        }
    }
    self->slots[at] = (Slot){++self->held_len, tag};
    self->held[self->held_len - 1].hash = hash;
    *is_new = true;
    return &self->held[self->held_len - 1];
}

/* Copies row over held; its columns are reused, and so are equal-sized key columns. */
static void op_coalesce_store(OpCoalesce *self, Held *held, const Row *row, bool is_new)
{
    const Schema *schema = self->base.node->schema;
    Value   *cols = is_new ? arena_alloc(self->mem, sizeof(Value) * schema->len) : held->row.cols;
    uint32_t first = is_new ? 0 : schema->key_len;

    for (uint32_t i = first; i < schema->len; i++)
        cols[i] =
            row->cols[i].kind < T_DECIMAL ? row->cols[i] : value_copy(self->mem, row->cols[i]);
    held->row = *row;
    held->row.cols = cols;
    held->row.old = NULL;
    held->row.headers = row->headers.len ? str_copy(self->mem, row->headers) : STR_NULL;
    held->row.key = row->key.ptr ? str_copy(self->mem, row->key) : STR_NULL;
    held->scan = self->base.ctx->scan;
}

static ErrCode op_coalesce_emit(OpCoalesce *self, Arena *batch_mem, Err *err)
{
    OpCtx *ctx = self->base.ctx;
    Batch  out;

    batch_init(&out, batch_mem, BATCH_ROWS_MAX);
    for (uint32_t i = 0; i < self->held_len; i++) {
        if (out.len > 0 && self->held[i].scan != ctx->scan) {
            TRY(op_emit(&self->base, &out, err));
            out.len = 0;
        }
        ctx->scan = self->held[i].scan;
        TRY(op_batch_add(&self->base, &out, &self->held[i].row, err));
    }
    TRY(op_emit(&self->base, &out, err));
    self->held_len = 0;
    if (self->slots)
        memset(self->slots, 0, sizeof(Slot) * self->slots_cap);
    arena_reset(self->mem);
    return ERR_OK;
}

static ErrCode op_coalesce_process(Op *op, int input, Batch *batch, Err *err)
{
    OpCoalesce *self = (OpCoalesce *)op;
    bool        is_new;

    (void)input;
    for (uint32_t i = 0; i < batch->len; i++) {
        uint32_t left = batch->len - i;
        Held    *held;

        if (i % ROWS_AHEAD == 0)
            op_coalesce_look_ahead(self, &batch->rows[i], left < ROWS_AHEAD ? left : ROWS_AHEAD);
        held = op_coalesce_find(self, &batch->rows[i], self->hashes[i % ROWS_AHEAD], &is_new);
        op_coalesce_store(self, held, &batch->rows[i], is_new);
    }
    if ((int64_t)arena_used(self->mem) > op->ctx->props->cache_bytes)
        return op_coalesce_emit(self, batch->mem, err);
    return ERR_OK;
}

static ErrCode op_coalesce_seal(Op *op, Batch *batch, Err *err)
{
    return op_coalesce_emit((OpCoalesce *)op, batch->mem, err);
}

static ErrCode op_coalesce_open(OpCtx *ctx, const PlanNode *node, Op **out, Err *err)
{
    OpCoalesce *self = ARENA_NEW(ctx->query_mem, OpCoalesce);

    (void)node;
    (void)err;
    self->mem = arena_new(0);
    *out = &self->base;
    return ERR_OK;
}

static void op_coalesce_close(Op *op)
{
    OpCoalesce *self = (OpCoalesce *)op;

    arena_free(self->mem);
    mem_free(self->held);
    mem_free(self->slots);
}

const OpClass op_coalesce_class = {
    .name = "coalesce",
    .open = op_coalesce_open,
    .process = op_coalesce_process,
    .seal = op_coalesce_seal,
    .close = op_coalesce_close,
};
