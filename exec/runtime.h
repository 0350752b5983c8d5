/*
 * runtime.h -- what all running queries of a node share: workers, commit groups, flusher,
 * positions.
 *
 * The same code runs in two ways.  Threaded (the server): one worker per core, one committer per
 * commit group, one flusher.  Inline (tests, conformance, simulation): no threads; whoever holds
 * the runtime calls runtime_step() until nothing is left to do, on any clock.
 *
 * Life: runtime_open(), queries (exec/query.h), runtime_close().  The broker is the caller's and
 * outlives the runtime.
 *
 * Thread: open and close the owner's; inline everything is one thread's.
 */
#ifndef EXEC_RUNTIME_H
#define EXEC_RUNTIME_H

#include "common/clock.h"
#include "common/err.h"
#include "common/map.h"
#include "exec/assignment.h"
#include "exec/broker.h"

typedef struct Runtime Runtime;

typedef struct RuntimeOpts {
    Broker      *broker;
    const char  *data_dir; /* state files go to data_dir/state; NULL: state is in memory only */
    const Clock *clock;
    Assignment   assignment; /* has NULL: everything runs here */
    Str          service_id;
    Str          proclog_topic; /* STR_NULL: no processing log */
    bool         is_inline;
    bool         is_one_task; /* every stage is one task, all data in partition 0 (conformance) */
    uint32_t     workers;     /* 0: one per core; ignored inline */
    int64_t      epoch_ms;    /* 0: 100 */
} RuntimeOpts;

/*
 * Creates or reads the positions topic, opens the commit's writer, starts threads.  On failure
 * nothing is left open.
 */
ErrCode runtime_open(const RuntimeOpts *opts, Runtime **out, Err *err) ERR_MUST_USE;

/*
 * Stops every query at a barrier (what was read is committed and flushed), then ends the threads.
 * Queries are freed with it.  NULL is fine.
 */
void runtime_close(Runtime *runtime);

/* Removes what is left of queries that are not among the keys of alive: positions and state files.
 * Before any query is started. */
void runtime_sweep(Runtime *runtime, const Map *alive);

/* Inline: does one piece of work (a batch of one task, a commit, a step of the broker); false when
 * there was none.  Waiting times (retries) count only as the clock shows them passed. */
bool runtime_step(Runtime *runtime);

/* Inline: steps until idle.  ERR_LIMIT after inline_rounds (INSERT INTO s SELECT ... FROM s). */
ErrCode runtime_until_idle(Runtime *runtime, Err *err) ERR_MUST_USE;

/* Everything processed so far becomes durable and, with a data directory, pullable.  Waits.
 * Thread: any but the runtime's own. */
ErrCode runtime_flush(Runtime *runtime, Err *err) ERR_MUST_USE;

typedef struct RuntimeHealth {
    bool    is_healthy;
    char    why[256];  /* "" when healthy */
    int64_t epochs;    /* settled since start */
    int64_t aborts;    /* epochs aborted since start */
    int64_t commit_us; /* duration of the last commit */
    int64_t groups;    /* commit groups: more than one while a query is set apart */
} RuntimeHealth;

/* Thread: any. */
void runtime_health(Runtime *runtime, RuntimeHealth *out);

/* ERR_BROKER when another server has taken this one's place; asks the cluster.  Thread: any. */
ErrCode runtime_check_owner(Runtime *runtime, Err *err) ERR_MUST_USE;

/* What takes memory while queries catch up; bytes. */
typedef struct RuntimeMemory {
    int64_t max_bytes;      /* the bound: weir.memory.bytes */
    int64_t fetched_bytes;  /* read ahead from Kafka, not processed yet */
    int64_t output_bytes;   /* output and changes of epochs that are not settled */
    int64_t pending_bytes;  /* changes on their way to state files */
    int64_t state_bytes;    /* of tables, in memory */
    int64_t resident_bytes; /* the whole process, without pages of files */
} RuntimeMemory;

/* Thread: any. */
void runtime_memory(Runtime *runtime, RuntimeMemory *out);

const Clock *runtime_clock(const Runtime *runtime);
Broker      *runtime_broker(const Runtime *runtime);
/* Finds the state files of running queries: flusher_find(), for pull queries. */
struct Flusher *runtime_flusher(const Runtime *runtime);

#endif
