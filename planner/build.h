/*
 * build.h -- bound queries to plans; private to the planner.
 *
 * The tree is made from the leaves up, each step over the schema of the one below, then the
 * rewrites run over it (rewrite_prune), then stages, stores and the fingerprint are numbered.
 */
#ifndef PLANNER_BUILD_H
#define PLANNER_BUILD_H

#include "planner/bind_query.h"

/* Where the rows of a persistent query go. */
typedef struct BuildSink {
    Str           query_id;
    Str           name;
    const Schema *schema; /* of the sink: keys first */
    Str           topic;
    FormatSpec    key_format, value_format;
    TimestampSpec timestamp;
    uint32_t      partitions;
    bool          has_view; /* CTAS: also readable by pull queries */
    bool          casts;    /* INSERT INTO: values are widened to the sink's types */
} BuildSink;

/* The result's columns as they leave the projection: keys first for a persistent query. */
const Schema *bound_schema(Arena *mem, const BoundQuery *query);

/* An expression over the rows of the query's only source. */
ErrCode lower_to_source(Arena *mem, const BoundQuery *query, const Expr *expr, Expr **out,
                        Err *err) ERR_MUST_USE;

/* sink NULL: rows go to a subscriber. */
ErrCode build_plan(Arena *mem, const BoundQuery *query, const BuildSink *sink, const Plan **out,
                   Err *err) ERR_MUST_USE;

/* The query that keeps a CREATE SOURCE TABLE readable: fills out->query. */
ErrCode build_source_table(const PlannerEnv *env, StmtPlan *out, Err *err) ERR_MUST_USE;

/* build_view.c: the aggregation's store as the view of that name, when project only renames what it
 * holds; else NULL. */
const PlanStore *build_view_of_state(Arena *mem, const PlanNode *project, Str name);

/* rewrite_prune.c: marks the columns that scans must decode. */
void rewrite_prune(Arena *mem, Plan *plan);

#endif
