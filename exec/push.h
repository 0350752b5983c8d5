/*
 * push.h -- rows on their way to one subscriber.
 *
 * The last operator of a push query (and of a pull query on a stream) appends copies of its rows;
 * the server takes them in blocks and frames them.  The queue is bounded (push_queue_rows,
 * push_queue_bytes).  When half of that waits the query stops reading until the subscriber has
 * taken it: that slows nobody but this query.  A subscriber that takes nothing for push_stall_ms
 * while the queue is full is cut off with ERR_LIMIT.  wake() is called when the queue stops being
 * empty and when it ends.
 *
 * Life: push_queue_new() gives two references, the query's and the subscriber's; each side drops
 * its own by push_queue_unref().  An ended queue still gives the rows that came before the end.
 *
 * Thread: push_rows() and push_finish() worker or engine, push_take() the subscriber's.
 */
#ifndef EXEC_PUSH_H
#define EXEC_PUSH_H

#include "exec/batch.h"
#include "planner/schema.h"

typedef struct PushQueue PushQueue;

typedef enum PushEnd {
    PUSH_OPEN,
    PUSH_LIMIT,      /* LIMIT rows were delivered */
    PUSH_COMPLETE,   /* a pull query on a stream reached the end */
    PUSH_TERMINATED, /* the query was stopped */
    PUSH_CUT_OFF,    /* the subscriber was too slow: ERR_LIMIT */
    PUSH_FAILED      /* the query failed: its error */
} PushEnd;

typedef struct PushRow {
    const Value *cols; /* schema->len; keys first */
    int64_t      ts;
    int64_t      window_start, window_end;
    bool         is_tombstone; /* only the key columns mean something */
} PushRow;

/* Rows in the order they were emitted; owns their memory. */
typedef struct PushBlock {
    PushRow          *rows;
    uint32_t          len;
    struct PushBlock *next;
    Arena            *mem;
    size_t            bytes;
    uint32_t          cap;
} PushBlock;

typedef struct PushOpts {
    const Schema *schema; /* must live as long as the queue */
    int64_t       rows_max, bytes_max;
    void (*wake)(void *arg); /* any thread; must not block.  NULL: the taker polls */
    void *arg;
} PushOpts;

PushQueue *push_queue_new(const PushOpts *opts);
void       push_queue_unref(PushQueue *queue);

/* Copies the rows; false when the queue has ended: the query may stop. */
bool push_rows(PushQueue *queue, const Batch *batch);
/*
 * True while so much waits that the query should not read on; room() is then called once when the
 * subscriber has taken it.  now_ns is monotonic time: too long a wait cuts the subscriber off.
 */
bool push_is_full(PushQueue *queue, int64_t now_ns);
/* Who is told; NULL: nobody.  After it returned the former one is not called any more.
 * Thread: room() is called on the subscriber's. */
void push_on_room(PushQueue *queue, void (*room)(void *arg), void *arg);
/* The first end counts.  err says why for PUSH_FAILED and PUSH_CUT_OFF, else NULL. */
void push_finish(PushQueue *queue, PushEnd end, const Err *err);

/* All blocks that wait, a list to be ended by push_block_free(); NULL when there are none. */
PushBlock *push_take(PushQueue *queue);
void       push_block_free(PushBlock *block); /* this one only */
/* PUSH_OPEN while more may come; rows may still wait.  *err is filled for FAILED and CUT_OFF. */
PushEnd       push_end(PushQueue *queue, Err *err);
const Schema *push_schema(const PushQueue *queue);

#endif
