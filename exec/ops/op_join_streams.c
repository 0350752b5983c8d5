/*
 * op_join_streams.c -- two streams, events with equal keys and near timestamps.
 *
 *     left  ------L(ts)--------------->        right partners of L: [ts - before, ts + after]
 *     right ---[   R    R      ]------>        left partners of R:  [ts - after, ts + before]
 *
 * Each side keeps its events for before + after + grace; an event looks for partners on the other
 * side, goes on once per partner in the order of their timestamps, and is kept itself.  Nothing is
 * refused for being late: it meets whatever the other side still has.
 *
 * An event of an outer side that finds no partner goes on alone.  Without GRACE PERIOD that is at
 * once, and a partner that comes later makes a joined row all the same.  With one the event waits
 * (is *pending*) until stream time says that no partner can come; stream time is the highest
 * timestamp of both sides.  Pending events go out in the order of timestamp, side, key.
 *
 * Keys of the stores:  event    key, ts, number of the event
 *                      pending  0xff, ts, side, key, number     (in the left store, without slots)
 */
#include "common/vec.h"
#include "exec/ops/join_row.h"
#include "exec/ops/ops.h"

/* Numbers of the left state. */
enum { LEFT_STREAM_TIME, LEFT_MAX, LEFT_EVENTS, LEFT_EARLIEST };
/* Numbers of the right state. */
enum { RIGHT_MAX, RIGHT_LOOKED };

enum { SUFFIX_BYTES = 16, EXPIRE_PARTS = 4 };

/* An event of the other side, out of its store. */
typedef struct Partner {
    int64_t ts;
    Value  *values;
    Str     key; /* of the store */
} Partner;

typedef VEC(Partner) PartnerVec;

typedef struct JoinSide {
    const PlanStore *store;
    State           *state;
    int64_t          reach_back, reach_ahead; /* partners: [ts - back, ts + ahead] */
    uint32_t         max_number;              /* of the state: highest timestamp of the side */
    bool             is_outer;
} JoinSide;

typedef struct OpJoinStreams {
    Op         base;
    JoinSide   sides[2];
    JoinLayout layout;
    int64_t    grace_ms, retention_ms;
    bool       has_grace;
    Buf        key, low, high; /* heap; key: of the event at hand */
} OpJoinStreams;

static State *op_join_streams_numbers(OpJoinStreams *self)
{
    return self->sides[0].state;
}

static int64_t op_join_streams_max(const JoinSide *side)
{
    return state_number(side->state, side->max_number);
}

/* --- emitting --------------------------------------------------------------------------------- */

static ErrCode op_join_streams_emit(OpJoinStreams *self, int side, const Row *cause,
                                    const Value *key, const Value *mine, const Value *theirs,
                                    int64_t ts, Batch *out, Err *err)
{
    const Value *left = side == 0 ? mine : theirs;
    const Value *right = side == 0 ? theirs : mine;
    Row          row = join_row(cause, join_cols(&self->layout, key, left, right, out->mem), ts);

    return op_batch_add(&self->base, out, &row, err);
}

/* --- pending events --------------------------------------------------------------------------- */

static void op_join_streams_pending_key(Buf *out, int64_t ts, int side, Str event_key)
{
    size_t key_len = event_key.len - SUFFIX_BYTES;

    buf_clear(out);
    buf_put(out, (char)0xff);
    buf_u64be(out, (uint64_t)ts);
    buf_put(out, (char)side);
    buf_append(out, event_key.ptr, key_len);
    buf_append(out, event_key.ptr + key_len + 8, 8);
}

static ErrCode op_join_streams_await(OpJoinStreams *self, int side, int64_t ts, Str event_key,
                                     Err *err)
{
    State      *state = self->sides[0].state;
    int64_t     earliest = state_number(state, LEFT_EARLIEST);
    StateEntry *entry;
    Str         key;
    bool        is_new;

    op_join_streams_pending_key(&self->low, ts, side, event_key);
    key = buf_view(&self->low);
    if (earliest == INT64_MIN || ts < earliest)
        state_set_number(state, LEFT_EARLIEST, ts);
    return state_touch(state, key, state_hash(key), &entry, &is_new, err);
}

/* The event has found a partner. */
static ErrCode op_join_streams_met(OpJoinStreams *self, int side, const Partner *event, Err *err)
{
    State      *state = self->sides[0].state;
    StateEntry *entry;
    Str         key;
    bool        is_new;

    op_join_streams_pending_key(&self->low, event->ts, side, event->key);
    key = buf_view(&self->low);
    TRY(state_find(state, key, state_hash(key), &entry, err));
    if (!entry)
        return ERR_OK;
    TRY(state_touch(state, key, state_hash(key), &entry, &is_new, err));
    state_remove(state, entry);
    return ERR_OK;
}

/* A pending event for which no partner can come any more. */
typedef struct Lonely {
    int64_t ts;
    int     side;
    Str     pending_key, event_key;
} Lonely;

typedef VEC(Lonely) LonelyVec;

typedef struct LonelyScan {
    OpJoinStreams *self;
    LonelyVec     *found;
    int64_t        stream_time;
    int64_t        earliest; /* of those that stay */
    Arena         *mem;
} LonelyScan;

static ErrCode op_join_streams_visit_pending(void *arg, StateEntry *entry, bool *stop, Err *err)
{
    LonelyScan *scan = arg;
    Str         key = str_copy(scan->mem, state_key_of(entry));
    BufReader   reader = buf_reader(key);
    Lonely      lonely = {.pending_key = key};
    Buf         event = buf_in(scan->mem);
    size_t      key_len = key.len - 18;

    (void)stop;
    (void)err;
    (void)buf_read_u8(&reader);
    lonely.ts = (int64_t)buf_read_u64be(&reader);
    lonely.side = buf_read_u8(&reader);
    if (op_time_after(lonely.ts, scan->self->sides[lonely.side].reach_ahead +
                                     scan->self->grace_ms) >= scan->stream_time) {
        scan->earliest = lonely.ts < scan->earliest ? lonely.ts : scan->earliest;
        return ERR_OK;
    }
    buf_append(&event, key.ptr + 10, key_len);
    buf_u64be(&event, (uint64_t)lonely.ts);
    buf_append(&event, key.ptr + 10 + key_len, 8);
    lonely.event_key = buf_view(&event);
    vec_push(scan->mem, scan->found, lonely);
    return ERR_OK;
}

static ErrCode op_join_streams_let_go(OpJoinStreams *self, const Lonely *lonely, const Row *cause,
                                      Batch *out, Err *err)
{
    const JoinSide *side = &self->sides[lonely->side];
    State          *pending = self->sides[0].state;
    Value          *keys = ARENA_ARRAY(out->mem, Value, side->store->keys_len);
    Row             like = {.offset = cause->offset, .partition = cause->partition};
    StateEntry     *entry;
    bool            is_new;

    TRY(state_touch(pending, lonely->pending_key, state_hash(lonely->pending_key), &entry, &is_new,
                    err));
    state_remove(pending, entry);
    TRY(state_find(side->state, lonely->event_key, state_hash(lonely->event_key), &entry, err));
    if (!entry)
        return ERR_OK;
    TRY(state_decode_key(side->store,
                         str_slice(lonely->event_key, 0, lonely->event_key.len - SUFFIX_BYTES),
                         out->mem, keys, &like.window_start, &like.window_end, err));
    return op_join_streams_emit(self, lonely->side, &like, keys, entry->slots, NULL, lonely->ts,
                                out, err);
}

/* Pending events that stream time has left behind go out alone. */
static ErrCode op_join_streams_close_pending(OpJoinStreams *self, const Row *cause, Batch *out,
                                             Err *err)
{
    State     *state = self->sides[0].state;
    LonelyVec  found = {0};
    LonelyScan scan = {.self = self,
                       .found = &found,
                       .stream_time = state_number(state, LEFT_STREAM_TIME),
                       .earliest = INT64_MAX,
                       .mem = out->mem};
    int64_t    earliest = state_number(state, LEFT_EARLIEST);
    int64_t    reach = self->sides[0].reach_ahead < self->sides[1].reach_ahead
                           ? self->sides[0].reach_ahead
                           : self->sides[1].reach_ahead;
    Buf        low = buf_in(out->mem);

    if (earliest == INT64_MIN || earliest == INT64_MAX ||
        op_time_after(earliest, reach + self->grace_ms) >= scan.stream_time)
        return ERR_OK;
    buf_put(&low, (char)0xff);
    TRY(state_scan(state, buf_view(&low), STR_NULL, op_join_streams_visit_pending, &scan, err));
    state_set_number(state, LEFT_EARLIEST, scan.earliest);
    for (size_t i = 0; i < found.len; i++)
        TRY(op_join_streams_let_go(self, &found.items[i], cause, out, err));
    return ERR_OK;
}

/* --- partners --------------------------------------------------------------------------------- */

typedef struct PartnerScan {
    const JoinSide *side;
    PartnerVec     *found;
    Arena          *mem;
} PartnerScan;

static ErrCode op_join_streams_visit(void *arg, StateEntry *entry, bool *stop, Err *err)
{
    PartnerScan *scan = arg;
    Partner      partner = {.ts = entry->ts, .key = str_copy(scan->mem, state_key_of(entry))};
    uint32_t     len = scan->side->store->slots_len;

    (void)stop;
    (void)err;
    partner.values = ARENA_ARRAY(scan->mem, Value, len);
    for (uint32_t i = 0; i < len; i++)
        partner.values[i] = value_copy(scan->mem, entry->slots[i]);
    vec_push(scan->mem, scan->found, partner);
    return ERR_OK;
}

/* What the other side still has in reach of an event of this one, whose key is in self->key. */
static ErrCode op_join_streams_find(OpJoinStreams *self, int side, const Row *row, Arena *mem,
                                    PartnerVec *found, Err *err)
{
    const JoinSide *other = &self->sides[1 - side];
    PartnerScan     scan = {.side = other, .found = found, .mem = mem};
    int64_t         from = row->ts - self->sides[side].reach_back;
    int64_t         to = op_time_after(row->ts, self->sides[side].reach_ahead);
    int64_t         newest = op_join_streams_max(other);

    if (newest == INT64_MIN)
        return ERR_OK;
    if (from < newest - self->retention_ms + 1)
        from = newest - self->retention_ms + 1;
    from = from > 0 ? from : 0;
    if (to < from)
        return ERR_OK;
    buf_clear(&self->low);
    buf_str(&self->low, buf_view(&self->key));
    buf_u64be(&self->low, (uint64_t)from);
    buf_clear(&self->high);
    buf_str(&self->high, buf_view(&self->key));
    buf_u64be(&self->high, (uint64_t)to + 1);
    return state_scan(other->state, buf_view(&self->low), buf_view(&self->high),
                      op_join_streams_visit, &scan, err);
}

/* Keeps the event; self->key gets the key under which it is kept. */
static ErrCode op_join_streams_keep(OpJoinStreams *self, int side, const Row *row, Err *err)
{
    const JoinSide *own = &self->sides[side];
    State          *numbers = op_join_streams_numbers(self);
    int64_t         event = state_number(numbers, LEFT_EVENTS);
    uint32_t        key_len = own->store->keys_len;
    StateEntry     *entry;
    Str             key;
    bool            is_new;

    event = event == INT64_MIN ? 0 : event + 1;
    state_set_number(numbers, LEFT_EVENTS, event);
    buf_u64be(&self->key, (uint64_t)row->ts);
    buf_u64be(&self->key, (uint64_t)event);
    if (row->ts <= op_join_streams_max(own) - self->retention_ms)
        return ERR_OK;
    key = buf_view(&self->key);
    TRY(state_touch(own->state, key, state_hash(key), &entry, &is_new, err));
    entry->ts = row->ts;
    for (uint32_t i = 0; i < own->store->slots_len; i++)
        state_put(own->state, entry, i, row->cols[key_len + i]);
    return ERR_OK;
}

static ErrCode op_join_streams_alone(OpJoinStreams *self, int side, const Row *row, Batch *out,
                                     Err *err)
{
    const JoinSide *own = &self->sides[side];
    int64_t         stream_time = state_number(op_join_streams_numbers(self), LEFT_STREAM_TIME);

    if (self->has_grace && row->ts + own->reach_ahead >= stream_time)
        return op_join_streams_await(self, side, row->ts, buf_view(&self->key), err);
    return op_join_streams_emit(self, side, row, row->cols, row->cols + self->layout.key_len, NULL,
                                row->ts, out, err);
}

static ErrCode op_join_streams_meet(OpJoinStreams *self, int side, const Row *row, Batch *out,
                                    Err *err)
{
    const JoinSide *own = &self->sides[side];
    PartnerVec      found = {0};

    buf_clear(&self->key);
    state_encode_key(&self->key, own->store, row->cols, row->window_start, row->window_end);
    TRY(op_join_streams_find(self, side, row, out->mem, &found, err));
    TRY(op_join_streams_keep(self, side, row, err));
    for (size_t i = 0; i < found.len; i++) {
        const Partner *partner = &found.items[i];

        if (self->has_grace && self->sides[1 - side].is_outer)
            TRY(op_join_streams_met(self, 1 - side, partner, err));
        TRY(op_join_streams_emit(self, side, row, row->cols, row->cols + self->layout.key_len,
                                 partner->values, row->ts > partner->ts ? row->ts : partner->ts,
                                 out, err));
    }
    if (found.len == 0 && own->is_outer)
        return op_join_streams_alone(self, side, row, out, err);
    return ERR_OK;
}

/* --- events ----------------------------------------------------------------------------------- */

/* True when the event is the newest of both sides, or as new. */
static bool op_join_streams_advance(OpJoinStreams *self, int side, int64_t ts)
{
    State    *numbers = op_join_streams_numbers(self);
    JoinSide *own = &self->sides[side];
    int64_t   stream_time = state_number(numbers, LEFT_STREAM_TIME);

    if (ts > op_join_streams_max(own))
        state_set_number(own->state, own->max_number, ts);
    if (ts > stream_time)
        state_set_number(numbers, LEFT_STREAM_TIME, ts);
    return ts >= stream_time;
}

static ErrCode op_join_streams_row(OpJoinStreams *self, int side, const Row *row, Batch *out,
                                   Err *err)
{
    const Schema *schema = self->base.node->inputs[side]->schema;
    bool          is_newest = op_join_streams_advance(self, side, row->ts);

    if (row->flags & ROW_VALUE_NULL)
        return ERR_OK;
    if (is_newest)
        TRY(op_join_streams_close_pending(self, row, out, err));
    if (!join_has_null_key(row, schema))
        return op_join_streams_meet(self, side, row, out, err);
    if (!self->sides[side].is_outer)
        return ERR_OK;
    return op_join_streams_emit(self, side, row, row->cols, row->cols + schema->key_len, NULL,
                                row->ts, out, err);
}

typedef struct ExpireEvents {
    const JoinSide *side;
    int64_t         before;
} ExpireEvents;

static ErrCode op_join_streams_visit_old(void *arg, StateEntry *entry, bool *stop, Err *err)
{
    ExpireEvents *scan = arg;
    Str           key = state_key_of(entry);
    StateEntry   *touched;
    bool          is_new;

    (void)stop;
    if (entry->ts >= scan->before || (uint8_t)key.ptr[0] == 0xff)
        return ERR_OK;
    TRY(state_touch(scan->side->state, key, state_hash(key), &touched, &is_new, err));
    state_remove(scan->side->state, touched);
    return ERR_OK;
}

/* Events beyond their retention are out of everybody's reach; once in a while they are removed. */
static ErrCode op_join_streams_expire(OpJoinStreams *self, Err *err)
{
    State  *numbers = self->sides[1].state;
    int64_t stream_time = state_number(self->sides[0].state, LEFT_STREAM_TIME);
    int64_t looked = state_number(numbers, RIGHT_LOOKED);

    if (looked != INT64_MIN && stream_time - looked <= self->retention_ms / EXPIRE_PARTS)
        return ERR_OK;
    state_set_number(numbers, RIGHT_LOOKED, stream_time);
    for (int i = 0; looked != INT64_MIN && i < 2; i++) {
        const JoinSide *side = &self->sides[i];
        ExpireEvents    scan = {.side = side,
                                .before = op_join_streams_max(side) - self->retention_ms};

        if (op_join_streams_max(side) != INT64_MIN)
            TRY(state_scan(side->state, STR(""), STR_NULL, op_join_streams_visit_old, &scan, err));
    }
    return ERR_OK;
}

static ErrCode op_join_streams_process(Op *op, int input, Batch *batch, Err *err)
{
    OpJoinStreams *self = (OpJoinStreams *)op;
    Batch          out;

    batch_init(&out, batch->mem, BATCH_ROWS_MAX);
    for (uint32_t i = 0; i < batch->len; i++) {
        if (op_join_streams_row(self, input, &batch->rows[i], &out, err) != ERR_OK) {
            op_fail_at(op->ctx, &batch->rows[i]);
            return err->code;
        }
    }
    TRY(op_join_streams_expire(self, err));
    return op_emit(op, &out, err);
}

static ErrCode op_join_streams_open(OpCtx *ctx, const PlanNode *node, Op **out, Err *err)
{
    OpJoinStreams *self = ARENA_NEW(ctx->query_mem, OpJoinStreams);
    JoinKind       kind = node->u.join.kind;
    int64_t        before = node->u.join.before_ms, after = node->u.join.after_ms;

    (void)err;
    self->sides[0] = (JoinSide){.store = node->store,
                                .state = op_state(ctx, node->store),
                                .reach_back = before,
                                .reach_ahead = after,
                                .max_number = LEFT_MAX,
                                .is_outer = kind == JOIN_LEFT || kind == JOIN_FULL};
    self->sides[1] = (JoinSide){.store = node->u.join.right_store,
                                .state = op_state(ctx, node->u.join.right_store),
                                .reach_back = after,
                                .reach_ahead = before,
                                .max_number = RIGHT_MAX,
                                .is_outer = kind == JOIN_RIGHT || kind == JOIN_FULL};
    self->layout = join_layout(node);
    self->grace_ms = node->u.join.grace_ms;
    self->has_grace = node->u.join.has_grace;
    self->retention_ms = before + after + self->grace_ms;
    *out = &self->base;
    return ERR_OK;
}

static void op_join_streams_close(Op *op)
{
    OpJoinStreams *self = (OpJoinStreams *)op;

    buf_deinit(&self->key);
    buf_deinit(&self->low);
    buf_deinit(&self->high);
}

const OpClass op_join_streams_class = {
    .name = "join_streams",
    .open = op_join_streams_open,
    .process = op_join_streams_process,
    .close = op_join_streams_close,
};
