/*
 * latest.h -- a store that holds the latest row per key: what table and view have in common.
 *
 * The slots of such a store are the value columns of the step's schema, in order.
 */
#ifndef EXEC_OPS_LATEST_H
#define EXEC_OPS_LATEST_H

#include "exec/op.h"

typedef struct Latest {
    const PlanStore *store;
    State           *state;
    Buf              key; /* of the row at hand; heap */
} Latest;

void latest_open(Latest *latest, const OpCtx *ctx, const PlanNode *node);
void latest_open_store(Latest *latest, const OpCtx *ctx, const PlanStore *store);
void latest_close(Latest *latest);

/*
 * Makes row the latest of its key, or removes the key when its value is null.  When old is not
 * NULL, *old gets a copy of the columns that were there, keys included, in mem; NULL: none.
 */
ErrCode latest_put(Latest *latest, const Row *row, Arena *mem, const Value **old,
                   Err *err) ERR_MUST_USE;

/* The entry of the row's key; *out NULL: there is none.  Valid until the next call on it. */
ErrCode latest_find(Latest *latest, const Row *row, const StateEntry **out, Err *err) ERR_MUST_USE;

#endif
