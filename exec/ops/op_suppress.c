/*
 * op_suppress.c -- EMIT FINAL: one row per window, when it is over.
 *
 * The latest row of every open window is kept; rows that pass are only those of windows which
 * stream time has left behind by the grace.  Stream time advances with the rows that arrive, never
 * by the clock, and all rows that one record has caused count before windows are closed.  Windows
 * close in the order of their ends, then of their keys.
 *
 * A window that begins more than the retention before the newest one is forgotten before it could
 * be closed: it vanishes, as it does in ksqlDB.  The retention is size and grace unless the
 * statement says more.
 *
 * number 0 of the state is stream time, number 1 the earliest end among the open windows.
 */
#include <stdlib.h>

#include "common/vec.h"
#include "exec/ops/latest.h"
#include "exec/ops/ops.h"

enum { NUMBER_STREAM_TIME, NUMBER_EARLIEST };

/* A window that is over. */
typedef struct Closed {
    Row row;
    Str key; /* of the state */
} Closed;

typedef VEC(Closed) ClosedVec;

typedef struct OpSuppress {
    Op                base;
    Latest            latest;
    const WindowSpec *window;
    int64_t           stream_time;
    int64_t           earliest; /* INT64_MAX: no window is open */
} OpSuppress;

/* Ends up to here are over. */
static int64_t op_suppress_horizon(const OpSuppress *self)
{
    const WindowSpec *window = self->window;

    /* A session may still grow while it is at most the gap away. */
    return window->kind == WINDOW_SESSION
               ? self->stream_time - window->grace_ms - window->size_ms - 1
               : self->stream_time - window->grace_ms;
}

static bool op_suppress_is_lost(const OpSuppress *self, const Row *row)
{
    const WindowSpec *window = self->window;
    int64_t           newest_start;

    if (window->kind == WINDOW_SESSION)
        return false;
    newest_start = self->stream_time - self->stream_time % window->advance_ms;
    return row->window_start < newest_start - window->retention_ms;
}

typedef struct SuppressScan {
    OpSuppress *self;
    ClosedVec  *closed;
    Arena      *mem;
    int64_t     horizon;
    int64_t     earliest; /* of those that stay */
} SuppressScan;

static ErrCode op_suppress_visit(void *arg, StateEntry *entry, bool *stop, Err *err)
{
    SuppressScan    *scan = arg;
    const PlanStore *store = scan->self->latest.store;
    Closed           closed = {0};
    Row             *row = &closed.row;

    (void)stop;
    row->cols = ARENA_ARRAY(scan->mem, Value, store->keys_len + store->slots_len);
    closed.key = str_copy(scan->mem, state_key_of(entry));
    TRY(state_decode_key(store, closed.key, scan->mem, row->cols, &row->window_start,
                         &row->window_end, err));
    if (row->window_end > scan->horizon) {
        if (row->window_end < scan->earliest)
            scan->earliest = row->window_end;
        return ERR_OK;
    }
    for (uint32_t i = 0; i < store->slots_len; i++)
        row->cols[store->keys_len + i] = value_copy(scan->mem, entry->slots[i]);
    row->ts = entry->ts;
    vec_push(scan->mem, scan->closed, closed);
    return ERR_OK;
}

static int op_suppress_compare(const void *a, const void *b)
{
    const Closed *x = a, *y = b;

    if (x->row.window_end != y->row.window_end)
        return x->row.window_end < y->row.window_end ? -1 : 1;
    return str_cmp(x->key, y->key);
}

/* Takes the windows that are over out of the state; cause is the record that closed them. */
static ErrCode op_suppress_close_windows(OpSuppress *self, const Row *cause, Batch *out, Err *err)
{
    State       *state = self->latest.state;
    ClosedVec    closed = {0};
    SuppressScan scan = {.self = self,
                         .closed = &closed,
                         .mem = out->mem,
                         .horizon = op_suppress_horizon(self),
                         .earliest = INT64_MAX};

    if (self->earliest > scan.horizon)
        return ERR_OK;
    TRY(state_scan(state, STR(""), STR_NULL, op_suppress_visit, &scan, err));
    self->earliest = scan.earliest;
    if (closed.len > 0)
        qsort(closed.items, closed.len, sizeof *closed.items, op_suppress_compare);
    for (size_t i = 0; i < closed.len; i++) {
        Row        *row = &closed.items[i].row;
        StateEntry *entry;
        bool        is_new;

        TRY(state_touch(state, closed.items[i].key, state_hash(closed.items[i].key), &entry,
                        &is_new, err));
        state_remove(state, entry);
        row->offset = cause->offset;
        row->partition = cause->partition;
        if (!op_suppress_is_lost(self, row))
            TRY(op_batch_add(&self->base, out, row, err));
    }
    return ERR_OK;
}

static ErrCode op_suppress_keep(OpSuppress *self, const Row *row, Arena *mem, Err *err)
{
    if (row->ts > self->stream_time)
        self->stream_time = row->ts;
    if (!(row->flags & ROW_VALUE_NULL) && row->window_end < self->earliest)
        self->earliest = row->window_end;
    return latest_put(&self->latest, row, mem, NULL, err);
}

/* True when the next row was caused by another record. */
static bool op_suppress_is_last(const Batch *batch, uint32_t i)
{
    const Row *row = &batch->rows[i], *next = row + 1;

    return i + 1 == batch->len || next->offset != row->offset || next->partition != row->partition;
}

static ErrCode op_suppress_process(Op *op, int input, Batch *batch, Err *err)
{
    OpSuppress *self = (OpSuppress *)op;
    State      *state = self->latest.state;
    int64_t     earliest = state_number(state, NUMBER_EARLIEST);
    Batch       out;

    (void)input;
    batch_init(&out, batch->mem, BATCH_ROWS_MAX);
    self->stream_time = state_number(state, NUMBER_STREAM_TIME);
    self->earliest = earliest == INT64_MIN ? INT64_MAX : earliest;
    for (uint32_t i = 0; i < batch->len; i++) {
        const Row *row = &batch->rows[i];

        if (op_suppress_keep(self, row, batch->mem, err) != ERR_OK ||
            (op_suppress_is_last(batch, i) &&
             op_suppress_close_windows(self, row, &out, err) != ERR_OK)) {
            op_fail_at(op->ctx, row);
            return err->code;
        }
    }
    state_set_number(state, NUMBER_STREAM_TIME, self->stream_time);
    state_set_number(state, NUMBER_EARLIEST, self->earliest);
    return op_emit(op, &out, err);
}

static ErrCode op_suppress_open(OpCtx *ctx, const PlanNode *node, Op **out, Err *err)
{
    OpSuppress *self = ARENA_NEW(ctx->query_mem, OpSuppress);

    (void)err;
    latest_open(&self->latest, ctx, node);
    self->window = node->key_window;
    *out = &self->base;
    return ERR_OK;
}

static void op_suppress_close(Op *op)
{
    latest_close(&((OpSuppress *)op)->latest);
}

const OpClass op_suppress_class = {
    .name = "suppress",
    .open = op_suppress_open,
    .process = op_suppress_process,
    .close = op_suppress_close,
};
