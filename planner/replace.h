/*
 * replace.h -- whether CREATE OR REPLACE ... AS may take over from the query that runs.
 *
 * The new query goes on from the old one's positions and state, so everything that decides what
 * the state means must be the same: sources, new keys, groups, aggregates and what they read.
 * Filters and projections are free.
 */
#ifndef PLANNER_REPLACE_H
#define PLANNER_REPLACE_H

#include "planner/catalog.h"

/* before is the sink as it is, after as it is to be, made by plan. */
ErrCode check_query_replaceable(const Catalog *catalog, const Source *before, const Source *after,
                                const Plan *plan, SrcPos pos, Err *err) ERR_MUST_USE;

#endif
