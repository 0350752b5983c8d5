/*
 * query_internal.h -- what a running query consists of; for the files of the runtime only.
 *
 * Partitions are flattened: spot(scan, partition) numbers every partition that the query reads.
 */
#ifndef EXEC_QUERY_INTERNAL_H
#define EXEC_QUERY_INTERNAL_H

#include <pthread.h>

#include "exec/commit.h"
#include "exec/query.h"
#include "exec/state/query_file.h"

/* The ends of one exchange: whom to wake. */
typedef struct ExchangeEnds {
    Query   *query;
    uint32_t producer_stage, consumer_stage;
} ExchangeEnds;

struct Query {
    Runtime    *runtime;
    Arena      *mem; /* all of it */
    Str         id;
    const Plan *plan;
    QueryProps  props;
    ProcLogger *log;
    PushQueue  *push;                     /* NULL: persistent */
    int64_t     limit_left, limit_unsent; /* atomic */
    int64_t     record_bytes_max;

    uint32_t  *stage_first; /* of tasks, per stage; stages_len + 1 */
    Task     **tasks;       /* NULL where another node runs it */
    uint32_t   tasks_len;
    Exchange **exchanges; /* by node id */
    int64_t    in_flight; /* blocks between its stages; atomic */
    uint32_t   complete;  /* source tasks that have read everything; atomic */
    uint32_t   sources;   /* source tasks */
    bool       is_timed;  /* exec/skew.h: they advance together */
    uint32_t   ahead;     /* how many of them are parked for that; atomic */

    uint32_t *scan_first; /* of spots, per scan; scans_len + 1 */
    int64_t  *settled;    /* per spot: next offset as settled; atomic */
    int64_t  *stops;      /* per spot: where a failed query stops; INT64_MAX */
    Str      *topic_ids;  /* per spot: of the topic that settled counts in; empty: not known */

    CommitGroup *group;      /* NULL: not persistent; atomic */
    Query       *group_next; /* in the group's list */
    CommitGroup *moves_to;   /* with the next setting back */
    uint64_t     chosen;     /* epoch for which is_included was decided */
    bool         is_included;
    bool         has_moved; /* since its positions were last shown; the committer's */
    Changes     *changes;   /* of the epoch under way */
    QueryFile   *file;      /* NULL: no store, or it could not be opened yet */
    bool         is_restored;
    Str          changelog;
    uint32_t     changelog_len;  /* partitions */
    int64_t     *changelog_next; /* per partition: where it goes on once settled */

    int awaiting;  /* how many wait in query_catch_up(); atomic */
    int is_halted; /* its tasks do not run; atomic */
    int is_paused; /* nothing is read; atomic */

    pthread_mutex_t lock; /* failure */
    bool            is_failed;
    bool            is_stopped_short; /* runs up to stops only, until the next try */
    bool            is_refused;       /* its output broke an epoch; until it has committed */
    bool            is_waiting;       /* halted until the next try: it could not be opened */
    Err             error;
    int64_t         error_ms, retry_ms, backoff_ms, failures;

    Query   *next;        /* in the runtime's list */
    uint32_t holds;       /* under the runtime's lock */
    int      is_stopping; /* atomic */
};

static inline uint32_t query_spot(const Query *query, uint32_t scan, uint32_t partition)
{
    return query->scan_first[scan] + partition;
}

static inline Task *query_task(const Query *query, uint32_t stage, uint32_t partition)
{
    return query->tasks[query->stage_first[stage] + partition];
}

/* Stops the query's tasks because of err; failure, if known, is the record to stop in front of.
 * The committer sets it back and tries again later; a push query ends.  Thread: worker, committer.
 */
void query_fail(Query *query, const OpFailure *failure, const Err *err);
/* Notes an error that does not stop it: its sink broke a transaction, and it goes on by itself. */
void query_note_error(Query *query, const Err *err);
/* Its sink takes no such record: so it will be until somebody does something about it. */
void query_note_refused(Query *query, int64_t retry_ms);
/* A failed query that is due for another try: it is halted, to be set back and to go on. */
bool query_retry(Query *query, int64_t now_ms);
/* Something of it was committed: it is well, once it is beyond what stopped it. */
void    query_note_settled(Query *query);
int64_t query_retry_ms(Query *query); /* INT64_MAX: no try is due */

/* Its committer may be moving it to another group meanwhile, while it is halted. */
static inline CommitGroup *query_commit_group(const Query *query)
{
    return __atomic_load_n(&query->group, __ATOMIC_ACQUIRE);
}

/* Opens the state file, and makes the changelog; nothing for a query without stores. */
ErrCode query_open_file(Query *query, Err *err) ERR_MUST_USE;
/* Fills the states of all tasks from the state file and the changelog. */
ErrCode query_restore(Query *query, Err *err) ERR_MUST_USE;
/* Both, after an attempt that failed.  No task may be running. */
ErrCode query_restore_again(Query *query, Err *err) ERR_MUST_USE;
/* Opens the pipelines of all tasks where the query stands; all or none.  Restores it first if that
 * has failed so far. */
ErrCode query_open_tasks(Query *query, Err *err) ERR_MUST_USE;
/* Drops what is between its stages; no task may be running. */
void query_purge(Query *query);

#endif
