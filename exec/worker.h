/*
 * worker.h -- one thread that runs tasks, one per core.
 *
 * Each round: messages, then a slice of encoding, then one batch of one ready task, downstream
 * stages first, so that full queues empty before anything is added to them.  Nothing in a round
 * blocks.
 *
 * Others talk to workers by messages, handled between batches; a call returns when every worker has
 * handled it.  Inline, the caller's thread handles it.
 */
#ifndef EXEC_WORKER_H
#define EXEC_WORKER_H

#include "exec/task.h"

typedef struct Worker Worker;
struct CommitGroup;
struct Query;
struct Runtime;

enum { STAGES_MAX = 64 };

typedef enum MessageKind {
    MESSAGE_ADD,      /* engine -> worker: run the query's tasks */
    MESSAGE_DRAIN,    /* committer -> worker: no reading; what was read goes on to the end */
    MESSAGE_SEAL,     /* committer -> worker: close the epoch of the group's tasks */
    MESSAGE_RESUME,   /* committer -> worker: reading again */
    MESSAGE_SETTLE,   /* committer -> worker: the sealed epoch is durable */
    MESSAGE_UNHOLD,   /* committer -> worker: there is room for output again */
    MESSAGE_SYNC,     /* committer -> worker: no batch of before is running any more */
    MESSAGE_SET_BACK, /* committer -> worker: the query's tasks, back to the last settled epoch */
    MESSAGE_WAKE,     /* engine -> worker: the query's tasks may have something to do */
    MESSAGE_DETACH,   /* engine -> worker: close the query's tasks, take them off the lists */
    MESSAGE_FORGET    /* engine -> worker: the query's tasks are about to be freed */
} MessageKind;

/* What a worker keeps of a commit group; the worker's own. */
typedef struct GroupShare {
    Task *dirty; /* ran since the last seal */
    Task *held;  /* want to read and may not */
    bool  is_draining;
} GroupShare;

Worker *worker_new(struct Runtime *runtime, uint32_t index);
ErrCode worker_start(Worker *worker, Err *err) ERR_MUST_USE; /* threaded only */
void    worker_stop(Worker *worker);                         /* ends the thread */
void    worker_free(Worker *worker);                         /* NULL is fine */

/* One round; false when there was nothing to do.  Thread: the worker's, or inline the caller's. */
bool worker_step(Worker *worker);

/* Sends to all workers of the runtime and waits until all have handled it. */
void worker_call_all(struct Runtime *runtime, MessageKind kind, struct CommitGroup *group,
                     struct Query *query);

/* Puts the task on the list of its worker.  Thread: any. */
void worker_wake(Worker *worker, Task *task);
bool worker_is_idle(const Worker *worker); /* Thread: any; a hint */

uint32_t worker_index(const Worker *worker);
/* For the batch that is under way; empty between batches.  All tasks of the worker share it, so
 * that many queries that ran once hold no more memory than one. */
Arena *worker_batch_mem(const Worker *worker);

#endif
