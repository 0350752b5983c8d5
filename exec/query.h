/*
 * query.h -- one running query: start, pause, resume, stop, and how it fares.
 *
 * A query is cut into stages at the exchanges of its plan; a task is one stage on one partition.
 * query_start() opens what the query needs (state file, changelog, tasks), restores its state and
 * hands the tasks to the workers.
 *
 *     start -> RUNNING <-> PAUSED
 *                 |  ^
 *         failure v  | back-off over
 *               FAILED            stop from any of them: gone
 *
 * Where it reads: a position of the positions topic counts; a partition that has none starts at
 * QuerySpec.starts, and one that is not named there at the beginning.  A topic that was deleted and
 * made again is read from its beginning.
 *
 * Persistent queries are part of a commit group and pick up after a restart where they stood.
 * Push queries and pull queries on a stream end in spec->push, keep nothing, and read settled
 * records only.  They are stopped by the caller like any other query, also after their end.
 *
 * Thread: any but the runtime's own, one call at a time per query; inline the runtime's.
 */
#ifndef EXEC_QUERY_H
#define EXEC_QUERY_H

#include "exec/op.h"
#include "exec/push.h"
#include "exec/runtime.h"

typedef struct Query Query;

/* Where a scan starts on a partition when the positions topic does not say it. */
typedef struct QueryStart {
    uint32_t scan; /* index in Plan.scans */
    uint32_t partition;
    int64_t  offset;
    Str      topic_id; /* empty: not known */
} QueryStart;

typedef struct QuerySpec {
    Str               id;
    const Plan       *plan; /* must outlive the query */
    const QueryStart *starts;
    size_t            starts_len;
    QueryProps        props;
    PushQueue        *push; /* not persistent: the query takes one reference */
    bool              is_paused;
    /* Set for queries that are in the command log: what is missing or refused, but ERR_STATE, then
     * lets the query start as FAILED and try again, instead of refusing it. */
    bool is_resumed;
} QuerySpec;

/*
 * ERR_TOPIC_MISSING, ERR_STATE (a state file that cannot be used and cannot be rebuilt), or what
 * the broker says.  Nothing of *spec but plan and push is kept.
 */
ErrCode query_start(Runtime *runtime, const QuerySpec *spec, Query **out, Err *err) ERR_MUST_USE;

/* At a barrier: the epoch that covers everything read so far is settled first. */
ErrCode query_pause(Query *query, Err *err) ERR_MUST_USE;
ErrCode query_resume(Query *query, Err *err) ERR_MUST_USE;

/*
 * Stops at a barrier and frees the query.  With deletes_data the positions, the changelog and the
 * state file go too (TERMINATE, DROP); without, the query can be started again where it stood.
 */
void query_stop(Query *query, bool deletes_data);

/* The consumer group that shows other tools where the query stands. */
Str query_group(Arena *mem, Str service_id, Str query_id);

/* The running query of this id, or NULL.  Thread: the one that stops queries. */
Query *query_find(Runtime *runtime, Str id);
/* The same for any other thread: query_stop() waits for query_release(). */
Query *query_hold(Runtime *runtime, Str id);
void   query_release(Query *query); /* NULL is fine */

typedef enum QueryState { QUERY_STATE_RUNNING, QUERY_STATE_PAUSED, QUERY_STATE_FAILED } QueryState;

typedef struct QueryHealth {
    QueryState state;
    Err        error;    /* FAILED: why; after a recovery the last one */
    int64_t    error_ms; /* wall clock of the last failure; 0: never */
    int64_t    retry_ms; /* FAILED: wall clock of the next attempt */
    int64_t    failures; /* since start */
    OpCounters counters;
    int64_t    state_bytes; /* in memory */
    int64_t    tasks;
} QueryHealth;

/* Thread: any. */
void query_health(Query *query, QueryHealth *out);
Str  query_id(const Query *query);

const Plan *query_plan(const Query *query);

/* Where the query goes on when it is started again: one entry per scan and partition, in arena.
 * Thread: any. */
void query_standing(Query *query, Arena *arena, QueryStart **out, size_t *len);

/* How far one scan has read a partition. */
typedef struct QueryLag {
    uint32_t scan;
    uint32_t partition;
    int64_t  position; /* next offset to read */
    int64_t  end;      /* readable end when last asked */
} QueryLag;

/* One entry per scan and partition, in arena.  Thread: any. */
void query_lags(Query *query, Arena *arena, QueryLag **out, size_t *len);

/*
 * Waits until the query has settled everything that its sources held when this was called
 * (weir.read.your.writes); ERR_LIMIT after timeout_ms, ERR_CANCELLED when it is stopped meanwhile.
 */
ErrCode query_catch_up(Query *query, int64_t timeout_ms, Err *err) ERR_MUST_USE;

#endif
