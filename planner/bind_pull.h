/*
 * bind_pull.h -- pull queries; private to the planner.
 *
 * A pull on a table becomes a PullPlan: how the view finds candidate rows, and the whole WHERE to
 * apply to them.  A pull on a stream is an ordinary plan that runs to the end offsets; the rules
 * about clauses are the same.
 */
#ifndef PLANNER_BIND_PULL_H
#define PLANNER_BIND_PULL_H

#include "planner/bind_query.h"

/* Clauses and pseudo columns that pull queries do not have; and whether they are switched on. */
ErrCode check_pull_clauses(const PlannerEnv *env, const AstQuery *ast, Err *err) ERR_MUST_USE;

/* Aggregate and table functions, which pull queries do not have either. */
ErrCode check_pull_functions(const BoundQuery *bound, const AstQuery *ast, Err *err) ERR_MUST_USE;

ErrCode bind_pull(const PlannerEnv *env, Arena *mem, const AstQuery *ast, const Source *source,
                  const PullPlan **out, Err *err) ERR_MUST_USE;

/* pull_keys.c: chooses kind, keys, range and window bounds from plan->predicate. */
void pull_choose(Arena *mem, PullPlan *plan);

#endif
