/*
 * state.h -- keyed state of operators, in memory, with epochs and undo.
 *
 * A State is one store (planner/plan.h: PlanStore) on one partition.  Keys are bytes whose memcmp
 * order is key order (value_encode_key of the key columns, then window start and end for windowed
 * stores).  An entry has a timestamp and one Value per slot of the store.  The authoritative copy
 * is in memory; settled epochs reach the changelog and, later, the query's SQLite file.  Beyond
 * the memory bound clean entries leave and are read back from the file through StateBacking.
 *
 * Epochs: the first touch of an entry in an epoch keeps its before-image.  seal() closes the
 * current epoch; the worker then encodes the sealed entries between batches (an entry touched
 * again before its turn is encoded first); when the epoch is settled, before-images go; when it is
 * aborted, they are put back without reading the file.  At most two epochs are unsettled.
 *
 * The crossing rule is kept by the store: state_keep() copies variable-length values into memory
 * that the entry owns.
 *
 * Thread: a State belongs to the worker of its task.
 */
#ifndef EXEC_STATE_H
#define EXEC_STATE_H

#include "common/buf.h"
#include "common/value.h"
#include "planner/plan.h"

typedef struct State State;

typedef struct StateEntry {
    int64_t ts;
    Value  *slots; /* store->slots_len of them; write through state_put() */
} StateEntry;

/* Where entries that left memory are read back (exec/state/query_file.h). */
typedef struct StateBacking {
    /* *found false: absent.  bytes as encoded by the sink, valid until the next call. */
    ErrCode (*read)(void *self, Str key, Str *bytes, bool *found, Err *err);
    /* Calls visit for every settled entry, in any order, until it returns an error or sets *stop:
     * a store that is scanned in order comes into memory whole. */
    ErrCode (*load)(void *self,
                    ErrCode (*visit)(void *arg, Str key, Str bytes, bool *stop, Err *err),
                    void *arg, Err *err);
    void *self;
} StateBacking;

/* What states that share a memory bound hold together.  Zero-initialise; atomic. */
typedef struct StateBudget {
    int64_t bytes;
    int64_t states;
} StateBudget;

typedef struct StateOpts {
    const PlanStore *store;
    uint32_t         partition;
    int64_t          bytes_max; /* memory bound; dirty entries never leave */
    /* The bound is for all states of the budget: beyond it those leave memory first that hold more
     * than an equal share.  NULL: for this state alone. */
    StateBudget *budget;
    StateBacking backing; /* read NULL: everything stays in memory */
    /* The file holds nothing that memory does not: a miss is a miss.  Turned off by the first entry
     * that leaves. */
    bool is_complete;
} StateOpts;

State *state_new(const StateOpts *opts);
void   state_free(State *state);

uint64_t state_hash(Str key);
/* Asks memory for what looking these keys up will read.  Worth it for a batch of rows: the state of
 * many keys does not fit any cache, and waiting for it is most of a look-up. */
void state_prefetch(const State *state, const uint64_t *hashes, size_t len);
/* *out NULL: no such key.  The entry is valid until the next call on this state. */
ErrCode state_find(State *state, Str key, uint64_t hash, StateEntry **out, Err *err) ERR_MUST_USE;
/* Finds or makes the entry (slots null, ts 0) and marks it dirty in the current epoch. */
ErrCode state_touch(State *state, Str key, uint64_t hash, StateEntry **out, bool *is_new,
                    Err *err) ERR_MUST_USE;
/* Stores v in a slot of a touched entry, copying what v points at. */
void state_put(State *state, StateEntry *entry, uint32_t slot, Value v);
/* AggSlots.keep: the copy of v to store in place of previous; self is the StateEntry's State. */
Value state_keep(void *state, Value v, Value previous);
/* Removes a touched entry: a tombstone for this epoch. */
void state_remove(State *state, StateEntry *entry);
Str  state_key_of(const StateEntry *entry);

/* Ordered scan over [low, high): ascending keys; high ptr NULL: to the end.  The visitor may touch
 * and remove the visited entry; it stops by returning an error or setting *stop. */
typedef ErrCode (*StateVisit)(void *arg, StateEntry *entry, bool *stop, Err *err);
ErrCode state_scan(State *state, Str low, Str high, StateVisit visit, void *arg,
                   Err *err) ERR_MUST_USE;

/* Stream time and other small numbers of an operator: durable and undone like entries. */
enum { STATE_NUMBERS = 4 };
int64_t state_number(const State *state, uint32_t i); /* INT64_MIN when never set */
void    state_set_number(State *state, uint32_t i, int64_t v);

/* --- epochs ----------------------------------------------------------------------------------- */

/* Receives what changed: value ptr NULL is a deletion.  Numbers come with the key "" (empty). */
typedef struct StateSink {
    void (*put)(void *self, const State *state, Str key, Str value);
    void *self;
} StateSink;

bool state_is_dirty(const State *state);
/* Everything touched so far belongs to epoch; it must be encoded before the next seal. */
void state_seal(State *state, uint64_t epoch);
/* Encodes up to max sealed entries (0: all); true when none is left. */
bool state_encode(State *state, uint32_t max, StateSink sink);
void state_settle(State *state, uint64_t epoch);
void state_abort(State *state); /* back to the last settled epoch */

/* Recovery: puts an encoded entry (value NULL: removes it) as clean; used before the first batch.
 */
ErrCode state_restore(State *state, Str key, Str value, Err *err) ERR_MUST_USE;
/* As StateOpts.is_complete; for loading that stops at the memory bound. */
void state_set_complete(State *state, bool is_complete);
/* True when its memory bound is nearly reached: loading stops. */
bool state_is_full(State *state);

const PlanStore *state_store(const State *state);
uint32_t         state_partition(const State *state);
size_t           state_bytes(const State *state); /* memory held */
/* Of the open epoch: what undoing it needs, and about what encoding it will take. */
size_t state_open_bytes(const State *state);
size_t state_entries(const State *state); /* in memory */

/* Key and entry bytes, also for the flusher, the view and pull queries. */
void    state_encode_key(Buf *out, const PlanStore *store, const Value *keys, int64_t window_start,
                         int64_t window_end);
ErrCode state_decode_key(const PlanStore *store, Str key, Arena *mem, Value *keys,
                         int64_t *window_start, int64_t *window_end, Err *err) ERR_MUST_USE;
ErrCode state_decode_value(const PlanStore *store, Str value, Arena *mem, int64_t *ts, Value *slots,
                           Err *err) ERR_MUST_USE;

#endif
