/*
 * col_progs.h -- one expression per output column: what project and rekey have in common.
 *
 * A column that is merely copied takes a short cut past the evaluator.
 */
#ifndef EXEC_OPS_COL_PROGS_H
#define EXEC_OPS_COL_PROGS_H

#include "exec/op.h"

typedef struct ColProg {
    const ExprProg *prog;
    int             copied; /* number of the input column, -1: computed */
} ColProg;

typedef struct ColProgs {
    ColProg *items;
    uint32_t len;
} ColProgs;

/* exprs: one per column of node->schema. */
ErrCode col_progs_open(OpCtx *ctx, const PlanNode *node, Expr **exprs, ColProgs *out,
                       Err *err) ERR_MUST_USE;
void    col_progs_close(ColProgs *progs);

/* Columns [from, to) of row into out[from .. to). */
static inline void col_progs_run(const ColProgs *progs, const Row *row, ExprCtx *ctx, uint32_t from,
                                 uint32_t to, Value *out)
{
    const Value *cols = ctx->cols ? ctx->cols : row->cols;

    for (uint32_t i = from; i < to; i++) {
        const ColProg *prog = &progs->items[i];

        out[i] = prog->copied >= 0 ? cols[prog->copied] : expr_eval(prog->prog, row, ctx);
    }
}

#endif
