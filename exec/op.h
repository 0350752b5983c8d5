/*
 * op.h -- operators: what happens to rows between decode and encode.
 *
 * One operator is one file exec/ops/op_<name>.c that ends with its OpClass; exec/ops/op.c holds
 * the only list, in the order of enum PlanKind.  Operators of one stage and partition form a chain
 * (a tree, where a join has two inputs): process() does its work on a batch and hands it, or
 * another one, to the next operator by op_emit().  Rows may be changed in place.
 *
 * Life: open() when a task starts or is set back, process() per batch, seal() before each epoch of
 * the task is sealed, close() at the end.  An operator keeps nothing between batches but what is
 * in its State or can be forgotten when an epoch is aborted: being set back means close(), the
 * states put back, open().  Memory of an operator is ctx->query_mem, that of rows batch->mem.
 *
 * Errors: an error returned by process() stops the query in front of the record that caused it.
 * Whatever concerns one value or record only (evaluation, a null group key) is reported to the
 * processing log through ctx and is no error.
 *
 * Thread: the worker that owns the task.
 */
#ifndef EXEC_OP_H
#define EXEC_OP_H

#include "exec/batch.h"
#include "exec/expr_eval.h"
#include "exec/proclog.h"
#include "exec/state.h"
#include "planner/plan.h"

typedef struct Op      Op;
typedef struct OpClass OpClass;
typedef struct OpCtx   OpCtx;

struct ChunkList; /* exec/chunk_list.h */
struct Exchange;  /* exec/exchange.h */
struct PushQueue; /* exec/push.h */

/* What a query's statement was started with; the names are ksqlDB's. */
typedef struct QueryProps {
    int64_t cache_bytes;             /* cache.max.bytes.buffering; 0: every update is emitted */
    bool    nested_error_set_null;   /* ksql.nested.error.set.null */
    bool    throw_on_invalid_ts;     /* ksql.timestamp.throw.on.invalid */
    bool    fail_on_deserialization; /* ksql.fail.on.deserialization.error */
    bool    log_rows;                /* ksql.logging.processing.rows.include */
    bool    skips_null_keys;         /* records of keyed streams without a key do not go on */
    int64_t time_skew_max_ms;        /* weir.time.skew.max */
    int64_t retry_initial_ms;        /* ksql.query.retry.backoff.initial.ms */
    int64_t retry_max_ms;            /* ksql.query.retry.backoff.max.ms */
} QueryProps;

void query_props_init(QueryProps *props); /* ksqlDB's defaults */

/* Why rows did not go on; summed over the tasks of a query. */
typedef struct OpCounters {
    int64_t rows_in;     /* decoded records */
    int64_t rows_out;    /* records written, or rows pushed */
    int64_t skipped;     /* undecodable, without timestamp, null key of a table, null group */
    int64_t late;        /* too late for their window */
    int64_t eval_errors; /* expressions that failed */
} OpCounters;

/* The record in front of which a failing query stops; set along with an error. */
typedef struct OpFailure {
    bool     is_known;
    uint32_t scan, partition;
    int64_t  offset;
} OpFailure;

/* What the operators of one task share.  Plain data, so that a test can make one. */
struct OpCtx {
    Arena            *query_mem; /* ends when the task's operators are closed */
    const Plan       *plan;
    const QueryProps *props;
    Str               query_id;
    uint32_t          partition;   /* of the task */
    State           **states;      /* by store number; NULL where another stage owns it */
    bool              is_one_task; /* every stage is one task, every topic one partition */
    ExprCtx           expr;        /* mem is the running batch's */
    ExprErrors        errors;      /* expr.errors points here */
    ProcLogger       *log;         /* NULL: silent */
    OpCounters        counters;
    uint32_t          scan; /* where the running batch comes from: index in Plan.scans */
    OpFailure         failure;

    struct ChunkList *out;              /* PLAN_SINK: where encoded chunks go */
    void             *chunk_owner;      /* Chunk.owner of those */
    struct Exchange **exchanges;        /* by node id: PLAN_EXCHANGE as the end of a stage */
    struct PushQueue *push;             /* PLAN_PUSH */
    int64_t          *limit_left;       /* PLAN_LIMIT: shared by the query's tasks, atomic */
    int64_t          *limit_unsent;     /* the same; rows that have not reached the subscriber */
    int64_t           record_bytes_max; /* PLAN_SINK: of the topic */
};

struct Op {
    const OpClass  *cls;
    OpCtx          *ctx;
    const PlanNode *node;
    Op             *next; /* NULL at the end of a stage */
    int             next_input;
};

struct OpClass {
    const char *name;
    /* Fills *out, an object in ctx->query_mem that begins with an Op; op_open() fills the Op (cls
     * only if it is NULL: one kind of step may have several implementations). */
    ErrCode (*open)(OpCtx *ctx, const PlanNode *node, Op **out, Err *err);
    /* input: which side of a join, else 0.  The batch is the operator's until it emits it. */
    ErrCode (*process)(Op *op, int input, Batch *batch, Err *err);
    /* Emits what was held back for the epoch; NULL: nothing ever is.  batch is empty. */
    ErrCode (*seal)(Op *op, Batch *batch, Err *err);
    void (*close)(Op *op); /* NULL: nothing but memory */
};

/* The class of a kind of step; PLAN_SCAN has none (exec/scan.h). */
const OpClass *op_class(PlanKind kind);

/* Opens node's operator and places it in front of next. */
ErrCode op_open(OpCtx *ctx, const PlanNode *node, Op *next, int next_input, Op **out,
                Err *err) ERR_MUST_USE;
ErrCode op_open_class(const OpClass *cls, OpCtx *ctx, const PlanNode *node, Op *next,
                      int next_input, Op **out, Err *err) ERR_MUST_USE;
void    op_close(Op *op); /* this one only; NULL is fine */

static inline ErrCode op_process(Op *op, int input, Batch *batch, Err *err)
{
    return op->cls->process(op, input, batch, err);
}

/* Hands a batch to the next operator; an empty batch stops here. */
static inline ErrCode op_emit(Op *op, Batch *batch, Err *err)
{
    return batch->len ? op->next->cls->process(op->next, op->next_input, batch, err) : ERR_OK;
}

/* Compiles an expression of op's step; name is for the processing log. */
ErrCode op_expr(OpCtx *ctx, const Expr *expr, const char *name, const ExprProg **out,
                Err *err) ERR_MUST_USE;
/* The State of a store that this stage owns; aborts when it is another stage's. */
State *op_state(const OpCtx *ctx, const PlanStore *store);

/* A row in batch->mem with cols_len null columns and the meta data of like (timestamp, offset,
 * partition, window, headers); key bytes are not carried over. */
void op_row_like(Row *out, const Row *like, uint32_t cols_len, Arena *mem);

/* Notes which record caused the error that process() is about to return. */
void op_fail_at(OpCtx *ctx, const Row *row);

/* Keeps the rows that have a value. */
void op_drop_null_values(Batch *batch);

/* Appends a row to out, emitting out and starting anew when it is full. */
ErrCode op_batch_add(Op *op, Batch *out, const Row *row, Err *err) ERR_MUST_USE;

/* ms after a time; the greatest timestamp when that would be beyond it: any may come in a record.
 */
static inline int64_t op_time_after(int64_t ts, int64_t ms)
{
    int64_t after;

    return __builtin_add_overflow(ts, ms, &after) ? INT64_MAX : after;
}

#endif
