/*
 * pull.h -- pull queries on tables: rows of a view, now.
 *
 * SQLite (or, for keys, the pending set) finds the rows; Weir's compiled expressions filter and
 * project them, so that types and nulls are the same as in every other query.  What is settled is
 * seen: look-ups by key read the pending set first, ranges and scans have it written first.
 *
 * A plan is compiled, run any number of times, and released:
 *
 *     pull_compile -> pull_run, pull_run, ... -> pull_release
 *
 * Limits: weir.limit.pull.rows rows examined, weir.limit.pull.ms of run time (ERR_LIMIT).
 *
 * Thread: pull_run() any that may wait for the disk: a thread of a PullPool, or inline the caller.
 * A PullProg is run by one thread at a time.
 */
#ifndef EXEC_PULL_H
#define EXEC_PULL_H

#include "exec/expr_eval.h"
#include "exec/state/query_file.h"

/* A plan with its expressions compiled. */
typedef struct PullProg {
    const PullPlan  *plan;
    const ExprProg  *predicate; /* NULL: all */
    const ExprProg **exprs;     /* as plan->exprs */
} PullProg;

/* In mem, as long as plan.  nested_error_set_null: ksql.nested.error.set.null. */
ErrCode pull_compile(Arena *mem, const PullPlan *plan, bool nested_error_set_null, PullProg *out,
                     Err *err) ERR_MUST_USE;
void    pull_release(const PullProg *prog);

typedef struct PullOpts {
    const Clock *clock;
    /* Asked now and then: true ends the query with ERR_CANCELLED.  NULL: never. */
    bool (*is_cancelled)(void *arg);
    void             *arg;
    const ExprErrors *errors; /* NULL: evaluation errors are silent */
} PullOpts;

/* One row of the answer: cols by plan->schema, ts, and the window of a windowed view.  Valid during
 * the call.  An error ends the query with it. */
typedef ErrCode (*PullRow)(void *arg, const Row *row, Err *err);

/* Runs prog to its end on the file of the query that materialises its source. */
ErrCode pull_run(QueryFile *file, const PullProg *prog, const PullOpts *opts, PullRow emit,
                 void *arg, Err *err) ERR_MUST_USE;

/* --- threads ---------------------------------------------------------------------------------- */

typedef struct PullPool PullPool;

ErrCode pull_pool_open(uint32_t threads, PullPool **out, Err *err) ERR_MUST_USE;
/* Runs job(arg) on one of the threads; ERR_BUSY past weir.limit.pull.queue waiting ones. */
ErrCode pull_pool_submit(PullPool *pool, void (*job)(void *arg), void *arg, Err *err) ERR_MUST_USE;
/* Jobs that wait are run first.  NULL is fine. */
void pull_pool_close(PullPool *pool);

#endif
