/*
 * agg_group.h -- the aggregate functions of one GROUP BY, over the slots of one state entry.
 *
 * The slots of an entry are those of the first aggregate, then of the second, and so on.
 *
 * Thread: the worker that owns the task.
 */
#ifndef EXEC_OPS_AGG_GROUP_H
#define EXEC_OPS_AGG_GROUP_H

#include "exec/op.h"

typedef struct AggGroup AggGroup;

/* node is a PLAN_AGGREGATE; the entries are those of its store. */
ErrCode agg_group_open(OpCtx *ctx, const PlanNode *node, AggGroup **out, Err *err) ERR_MUST_USE;
void    agg_group_close(AggGroup *group); /* NULL is fine */

void    agg_group_init(AggGroup *group, StateEntry *entry, Arena *mem);
ErrCode agg_group_add(AggGroup *group, StateEntry *entry, const Row *row, Arena *mem,
                      Err *err) ERR_MUST_USE;
/* Takes row->old out of the entry. */
ErrCode agg_group_undo(AggGroup *group, StateEntry *entry, const Row *row, Arena *mem,
                       Err *err) ERR_MUST_USE;
/* into += other_slots, as many as the store has. */
ErrCode agg_group_merge(AggGroup *group, StateEntry *into, Value *other_slots, Arena *mem,
                        Err *err) ERR_MUST_USE;
/* The result columns behind the group keys, in mem and independent of the entry. */
ErrCode agg_group_finish(AggGroup *group, const StateEntry *entry, Arena *mem, Value *out,
                         Err *err) ERR_MUST_USE;

/* A row of the step's schema: row's group keys and meta data, the entry's results. */
ErrCode agg_group_row(AggGroup *group, const StateEntry *entry, const Row *row, Arena *mem,
                      Row *out, Err *err) ERR_MUST_USE;

/* False when a group column is null: the row is in no group, and was counted and logged. */
bool agg_group_has_key(AggGroup *group, const Row *row);

#endif
