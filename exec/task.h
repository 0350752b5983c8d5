/*
 * task.h -- one stage of a query on one partition.
 *
 * A task owns the states of its stage and partition and a pipeline.  States live as long as the
 * task; the pipeline is closed and opened again when the task is set back to the last settled
 * epoch.
 *
 * Thread: made and freed by whoever starts and stops the query; in between it belongs to its
 * worker, but for task_wake().
 */
#ifndef EXEC_TASK_H
#define EXEC_TASK_H

#include "exec/chunk_list.h"
#include "exec/pipeline.h"
#include "exec/state/changes.h"

typedef struct Task Task;
struct Query;
struct Worker;

/* How far a scan of a task had read when its epoch was sealed. */
typedef struct TaskMark {
    uint32_t scan;
    int64_t  offset;
} TaskMark;

/* What a task contributes to a sealed epoch: worker -> committer. */
typedef struct EpochPart {
    Task             *task;
    ChunkList         out;     /* output records */
    Changes          *changes; /* of its states; NULL: none.  Complete once encoded */
    TaskMark         *marks;   /* one per scan */
    uint32_t          marks_len;
    int64_t           bytes;       /* of out and changes, as counted against the group's limit */
    bool              is_included; /* its query had not failed when the epoch was complete */
    struct EpochPart *next;
} EpochPart;

struct Task {
    struct Query  *query;
    struct Worker *worker;
    uint32_t       stage, partition;
    State        **states; /* by store number; NULL where another stage owns it */
    Arena         *ops_mem;
    OpCtx          ctx;
    Pipeline       pipe;
    bool           is_open;     /* the pipeline is */
    bool           is_complete; /* a pull query on a stream: everything was read */
    ChunkList      out;
    int64_t        out_bytes; /* of out and open states, counted likewise */
    EpochPart      part;
    OpCounters     shown;     /* copy of ctx.counters for other threads; atomic */
    int64_t       *positions; /* per scan of the plan, for other threads; atomic */
    int64_t       *ends;
    int64_t        state_bytes; /* in memory; atomic */

    /* exec/skew.h */
    int64_t front;      /* timestamp of the next record to read; atomic */
    int64_t waiting_ns; /* since when its scans wait for records that are there; 0: they do not */
    int     is_ahead;   /* parked until others have read on; atomic */

    /* The worker's lists. */
    Task *ready_next, *dirty_next, *held_next, *encode_next, *woken_next, *stalled_next;
    bool  is_added; /* before that, wakes of its readers mean nothing: it is not in its group yet */
    bool  is_ready, is_dirty, is_held, is_gone, is_stalled;
    int   is_woken; /* atomic */
};

typedef enum TaskResult {
    TASK_MORE,   /* run it again */
    TASK_IDLE,   /* task_wake() will come */
    TASK_HELD,   /* it may not read now: until the epoch is sealed or settled */
    TASK_STALLED /* a full subscriber or another task holds it: task_wake() will come, but it is to
                    be looked at now and then */
} TaskResult;

/* Makes the task, which belongs to worker from then on, and its empty states. */
Task *task_new(struct Query *query, uint32_t stage, uint32_t partition, struct Worker *worker);
void  task_free(Task *task); /* closes the pipeline */

/* The states of its stage, empty. */
void task_make_states(Task *task);
void task_free_states(Task *task);

/* Opens the pipeline where the query stands. */
ErrCode task_open(Task *task, Err *err) ERR_MUST_USE;
/* Closes it and drops what it had written and not sealed. */
void task_close(Task *task);

/* One batch.  reads: scans may be read.  *did: something was processed. */
TaskResult task_run(Task *task, bool reads, bool *did);

/* Closes the epoch into task->part; what is to be encoded is left to task_encode(). */
ErrCode task_seal(Task *task, uint64_t epoch, Err *err) ERR_MUST_USE;
/* True when all of the part is encoded. */
bool task_encode(Task *task, uint32_t entries_max);
void task_settle(Task *task, uint64_t epoch);

/* Thread: any, while the query is not being stopped. */
void task_wake(void *task);

#endif
