/*
 * commit.h -- commit groups: how epochs become durable.
 *
 * A group is the unit of commit: all queries of the node, or one query that was set apart because
 * its sink broke a transaction.  Its epochs are sealed, encoded, written in one transaction of the
 * broker, settled or aborted, and handed to the state files; exec/commit.c reads in that order.
 *
 * Thread: each group has a committer thread; inline, runtime_step() does its work.
 */
#ifndef EXEC_COMMIT_H
#define EXEC_COMMIT_H

#include <pthread.h>

#include "exec/positions.h"
#include "exec/worker.h"

typedef struct CommitGroup CommitGroup;
struct Query;

struct Runtime;

enum { COMMIT_NS_PER_MS = 1000000 };

struct CommitGroup {
    struct Runtime *runtime;
    Str             name;
    BrokerTxn      *txn;      /* NULL: to be opened first */
    GroupShare     *shares;   /* per worker; each the worker's own */
    bool            is_apart; /* of one query, until it has committed */

    /* Held from seal to settle, and by whoever adds, pauses or stops a query. */
    pthread_mutex_t cycle_lock;
    uint64_t        epoch; /* the open one */
    EpochPart      *parts; /* of the sealed one, in the order they ran; workers add under lock */
    EpochPart     **parts_end;
    bool            is_unknown; /* what became of the sealed epoch is to be asked first */

    pthread_mutex_t lock; /* the rest */
    pthread_cond_t  changed;
    struct Query   *queries;        /* by Query.group_next */
    int64_t         retry_query_ms; /* wall clock of the next look at the queries; INT64_MAX */
    int64_t         encoding;       /* parts that are not encoded; atomic */
    int64_t         bytes;          /* of chunks and changes not settled; atomic */
    int             is_dirty;       /* a task ran since the last seal; atomic */
    int             has_halted;     /* a query waits to be set back; atomic */
    uint64_t        wanted, done;   /* tickets of commit_flush() */
    int64_t         sealed_ns;      /* when the last epoch was sealed */
    int64_t         commit_ns;      /* how long the last cycle took to commit */
    int64_t         written_ns;     /* the last that had something to write; atomic */
    int64_t         retry_ns;       /* not before: the last commit failed */
    int64_t         backoff_ms;
    int64_t         show_ns;         /* when commit_show() is due; INT64_MAX: nobody moved */
    int64_t         records;         /* read in the epoch that is being settled */
    int64_t         rest_ns;         /* when commit_rest() is due; INT64_MAX: it need not */
    int64_t         trimmed_ns;      /* when memory was given back because there was too much */
    int64_t         settled, aborts; /* epochs; atomic */
    Err             error;           /* of the last failure */
    bool            is_stopping;
    bool            is_over; /* the thread is ending: to be joined */
    pthread_t       thread;
    bool            has_thread;
    CommitGroup    *next;
};

ErrCode commit_open(struct Runtime *runtime, Str name, bool is_apart, CommitGroup **out,
                    Err *err) ERR_MUST_USE;
/* Ends the thread. */
void commit_stop(CommitGroup *group);
/* Ends the thread and frees it: no worker may be running any more.  NULL is fine. */
void commit_close(CommitGroup *group);

/* One epoch from seal to settle, whatever the time is.  Thread: committer; inline the caller. */
void commit_cycle(CommitGroup *group);
/* Inline: runs a cycle if there is a reason; false when there is none. */
bool commit_step(CommitGroup *group);

/* Waits until one more cycle is over, whatever became of it.  Thread: any but committer, worker. */
void commit_flush(CommitGroup *group);

/* Positions as consumer groups: the query has moved, shows those that have, and is no more. */
void commit_show_moved(CommitGroup *group, struct Query *query);
void commit_show(CommitGroup *group);
void commit_show_gone(struct Query *query);

/* Opens the group's writer, which must be closed. */
ErrCode commit_open_txn(CommitGroup *group, Err *err) ERR_MUST_USE;

/* What exec/commit.c waits for: until is_done, which is asked under lock. */
void commit_await(CommitGroup *group, bool (*is_done)(CommitGroup *group));
/* A failed query is to be tried again at that wall clock time; and: it is time. */
void commit_retry_at(CommitGroup *group, int64_t ms);
bool commit_take_retry(CommitGroup *group, int64_t now_ms);

/* Changing the list takes cycle_lock, but for a group that nobody else knows yet. */
void commit_add_query(CommitGroup *group, struct Query *query);
void commit_remove_query(CommitGroup *group, struct Query *query);

/* Something that the group may have waited for.  Thread: any. */
void commit_notify(CommitGroup *group);
/* Output of the unsettled epochs is over its limit: sources wait.  Thread: any. */
bool commit_is_full(const CommitGroup *group);

/* That limit, a share of weir.memory.bytes.  Thread: any. */
int64_t commit_bytes_max(const CommitGroup *group);
/* An epoch was settled: is the process within its bound?  And: after much work memory that was
 * freed is given back. */
void commit_note_memory(CommitGroup *group);
void commit_rest(CommitGroup *group);
/* A second from now.  With cycle_lock. */
void commit_rest_later(CommitGroup *group);

#endif
