/*
 * agg_window.h -- what the operators of GROUP BY with windows share: the frame around the work on
 * one row.
 *
 * Stream time is the highest timestamp that reached the operator, and is part of its state.
 *
 * Thread: the worker that owns the task.
 */
#ifndef EXEC_OPS_AGG_WINDOW_H
#define EXEC_OPS_AGG_WINDOW_H

#include "exec/ops/agg_group.h"
#include "exec/ops/expire.h"
#include "exec/ops/ops.h"

/* The first member of such an operator. */
typedef struct AggWindow {
    Op                base;
    AggGroup         *group;
    State            *state;
    const WindowSpec *window;
    Expire            expire;
    int64_t           stream_time; /* while a batch is processed */
} AggWindow;

/* Adds one row, which is in a group, to its windows; results go to out. */
typedef ErrCode (*AggWindowRow)(AggWindow *self, const Row *row, Batch *out, Err *err);

ErrCode agg_window_open(AggWindow *self, OpCtx *ctx, const PlanNode *node, const OpClass *cls,
                        Err *err) ERR_MUST_USE;
void    agg_window_close(AggWindow *self);

/* Calls each for the rows of the batch, keeps stream time, and lets go of windows that are over. */
ErrCode agg_window_process(AggWindow *self, Batch *batch, AggWindowRow each, Err *err) ERR_MUST_USE;

#endif
