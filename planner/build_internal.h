/*
 * build_internal.h -- what build.c and build_join.c share; nobody else includes it.
 */
#ifndef PLANNER_BUILD_INTERNAL_H
#define PLANNER_BUILD_INTERNAL_H

#include "planner/build.h"

typedef struct Builder {
    Arena            *mem;
    const BoundQuery *query;
    Str               query_id;
    VEC(PlanNode *) nodes;
    VEC(const PlanStore *) stores;
    VEC(PlanNode *) scans;
    const Schema *result; /* of a UNION ALL; NULL: there is none */
} Builder;

/* What a step's rows hold: the column of each scope number, and where group keys and aggregates
 * are once there are groups. */
typedef struct Lowering {
    const BoundQuery *query;
    int32_t          *columns; /* by scope number; -1: not there; NULL: behind GROUP BY */
    uint32_t          extras;  /* column of the first table function or aggregate */
} Lowering;

/* The expression over the rows that lowering describes. */
ErrCode lower(Builder *b, const Lowering *lowering, const Expr *expr, Expr **out,
              Err *err) ERR_MUST_USE;

/* A step over input (NULL for a leaf); it is in input's stage and of input's kind. */
PlanNode *add_node(Builder *b, PlanKind kind, const char *step, const Schema *schema,
                   PlanNode *input);
/* Makes schema's keys and values a store of node. */
PlanStore *add_store(Builder *b, PlanNode *node, const char *name, const Schema *schema);
PlanNode  *build_scan(Builder *b, const ScopeSource *from);
FormatSpec copy_format(Arena *mem, FormatSpec spec);

/*
 * build_join.c: scans and joins all sources.  used says which scope numbers are read above;
 * lowering then describes the joined rows.
 */
ErrCode build_joins(Builder *b, const bool *used, Lowering *lowering, PlanNode **out,
                    Err *err) ERR_MUST_USE;

#endif
