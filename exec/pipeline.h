/*
 * pipeline.h -- the operators of one task, and the way of a batch through them.
 *
 * A pipeline is one stage of a plan on one partition.  Its inputs are scans of topics and queues
 * of exchanges; its end is a sink, a push queue, a view or an exchange to the next stage.  It is
 * opened when the task starts and again, at other positions, when the task is set back.
 *
 * Thread: the worker that owns the task; open and close also whoever makes or ends the task.
 */
#ifndef EXEC_PIPELINE_H
#define EXEC_PIPELINE_H

#include "exec/exchange.h"
#include "exec/op.h"
#include "exec/scan.h"

/* One leaf: a scan, or an exchange of which it takes the blocks for its partition. */
typedef struct PipelineInput {
    Scan     *scan; /* NULL: an exchange */
    Exchange *exchange;
    Block    *block;      /* taken, not wholly processed */
    uint32_t  block_next; /* row */
    Op       *entry;      /* first operator */
    int       input;      /* which side of it */
    bool      is_table;
    bool      has_row; /* while one is picked: there is a next row */
    int64_t   ts;      /* of that one; INT64_MAX: there is none */
} PipelineInput;

typedef struct Pipeline {
    OpCtx         *ctx;
    Arena         *batch_mem;
    PipelineInput *inputs;
    uint32_t       inputs_len;
    Op           **ops; /* in the order of the data */
    uint32_t       ops_len;
    Op            *exchange; /* its end, when that is an exchange; else NULL */

    /* How far its scans may go; see exec/skew.h. */
    int64_t ts_limit;
    int64_t front;      /* the oldest record that its scans have not passed on */
    bool    is_waiting; /* a scan waits for records that are there ... */
    bool    is_patient; /* ... and the others wait, too */
    bool    is_ahead;   /* its scans stand behind ts_limit */
} Pipeline;

/* Where scans of this partition start and stop: by number of the scan in the plan. */
typedef struct PipelineStarts {
    const int64_t *offsets;
    const int64_t *stops;
} PipelineStarts;

typedef struct PipelineOpts {
    OpCtx         *ctx;
    Arena         *batch_mem;
    Broker        *broker;
    uint32_t       stage;
    PipelineStarts starts;
    BrokerWake     wake; /* of the task */
} PipelineOpts;

ErrCode pipeline_open(Pipeline *pipe, const PipelineOpts *opts, Err *err) ERR_MUST_USE;
void    pipeline_close(Pipeline *pipe); /* zeroed or closed is fine */

/*
 * One batch from one input to the end.  *did: there was something.  with_scans false: only what
 * came through exchanges.  The input is the one whose next record is oldest; of two as old a table
 * comes first, so that a row finds what was written with it.  After an error ctx->failure names the
 * record, and the pipeline is of no use but to be closed.
 */
ErrCode pipeline_run(Pipeline *pipe, bool with_scans, bool *did, Err *err) ERR_MUST_USE;
/* Lets operators emit what they held back for the epoch. */
ErrCode pipeline_seal(Pipeline *pipe, Err *err) ERR_MUST_USE;
/* False while blocks wait for room in the next stage: do not run it. */
bool pipeline_flush(Pipeline *pipe);
/* Every scan has reached its stop, and no block waits. */
bool pipeline_is_complete(const Pipeline *pipe);

/* The step that takes what node emits, or NULL at the root; both may be in different stages. */
const PlanNode *pipeline_consumer(const Plan *plan, const PlanNode *node);

/* Stage that runs the reading side of an exchange. */
uint32_t pipeline_exchange_stage(const Plan *plan, const PlanNode *exchange);

#endif
