/*
 * bind_query.h -- a SELECT, bound; private to the planner.
 *
 * What build.c makes a plan of.  Expressions are over scope numbers (bind.h).
 */
#ifndef PLANNER_BIND_QUERY_H
#define PLANNER_BIND_QUERY_H

#include "planner/bind.h"
#include "planner/names.h"

/* A column of the result. */
typedef struct BoundItem {
    Str    name;
    Expr  *expr;
    SrcPos pos;
    int    key;        /* index in keys when it is a plain copy of one, else -1 */
    bool   is_new_key; /* a key of PARTITION BY that * stands for: may be a pseudo column */
} BoundItem;

/* A key column of the result. */
typedef struct BoundKey {
    Expr *expr;
    Str   name;
} BoundKey;

typedef enum Rekey {
    REKEY_NONE,      /* the source's keys stay */
    REKEY_PARTITION, /* PARTITION BY; without keys: BY NULL */
    REKEY_GROUP      /* GROUP BY; without keys: one group of all rows */
} Rekey;

typedef VEC(BoundItem) BoundItems;

/* One step of a left-deep join: all sources before number `right`, and that one. */
typedef struct BoundJoin {
    PlanKind   plan; /* PLAN_JOIN_... */
    JoinKind   kind;
    uint32_t   right;                /* index of the new source */
    Expr      *left_key, *right_key; /* over scope numbers; their equality is the condition */
    bool       rekeys_left, rekeys_right;
    FormatSpec key_format; /* in which both sides are partitioned */
    uint32_t   partitions;
    int64_t    before_ms, after_ms, grace_ms;
    bool       has_grace;
    SrcPos     pos;
} BoundJoin;

/* What a join's key is equal to. */
typedef struct KeyMember {
    Expr *expr;
    bool  is_exact; /* in every row; else null where its side is missing */
} KeyMember;

typedef struct BoundQuery BoundQuery;
struct BoundQuery {
    QueryKind  kind;
    Scope      scope;
    BoundJoin *joins;
    uint32_t   joins_len;
    VEC(KeyMember) join_key; /* of the last join; empty: the left-most source's own key */
    Expr             *where;
    Rekey             rekey;
    BoundKey         *keys;
    uint32_t          keys_len;
    BoundItems        items;
    BoundAggs         aggs;
    BoundTableFns     table_fns;
    Expr             *having;
    const WindowSpec *window; /* NULL: none */
    bool              is_final;
    bool              is_table; /* the result */
    int64_t           limit;    /* -1: none */
    const Schema     *result;   /* of a UNION ALL, in its first SELECT; NULL: its own columns */
    BoundQuery       *next;     /* behind UNION ALL; NULL: none */
};

/* mem holds everything bound.  kind says which rules of the projection hold. */
ErrCode bind_query(const PlannerEnv *env, Arena *mem, const AstQuery *ast, QueryKind kind,
                   BoundQuery *out, Err *err) ERR_MUST_USE;

/* One SELECT, without those behind UNION ALL. */
ErrCode bind_query_alone(const PlannerEnv *env, Arena *mem, const AstQuery *ast, QueryKind kind,
                         BoundQuery *out, Err *err) ERR_MUST_USE;
/* bind_union.c: the SELECTs behind the first, which is bound. */
ErrCode bind_union(const PlannerEnv *env, Arena *mem, const AstQuery *ast, BoundQuery *first,
                   Err *err) ERR_MUST_USE;

/* Whether the rows' source, the left-most one, is a table. */
bool bound_from_table(const BoundQuery *query);

/* bind_from.c: the source, or a sub-select over one; its conditions go to query->where. */
ErrCode bind_from(BindCtx *ctx, const AstQuery *ast, BoundQuery *query, Err *err) ERR_MUST_USE;
ErrCode bind_where(BindCtx *ctx, const AstQuery *ast, BoundQuery *query, Err *err) ERR_MUST_USE;

/* bind_join.c: the sources behind FROM, and which of the equal columns is the result's key. */
ErrCode bind_joins(BindCtx *ctx, const AstQuery *ast, BoundQuery *query, Err *err) ERR_MUST_USE;
ErrCode choose_join_key(BindCtx *ctx, const AstQuery *ast, BoundQuery *query,
                        Err *err) ERR_MUST_USE;
/* Windowed tables are for looking at. */
ErrCode check_persistent_source(const BoundQuery *query, const Source *source, SrcPos pos,
                                Err *err) ERR_MUST_USE;

/* bind_items.c: the SELECT list, and the key columns it must hold. */
ErrCode bind_items(BindCtx *ctx, const AstQuery *ast, BoundQuery *query, Err *err) ERR_MUST_USE;
ErrCode check_projection(const PlannerEnv *env, const AstQuery *ast, BoundQuery *query,
                         Err *err) ERR_MUST_USE;

/* bind_group.c: WINDOW, GROUP BY, PARTITION BY; then the rules of aggregation. */
ErrCode bind_rekey(BindCtx *ctx, const AstQuery *ast, BoundQuery *query, Err *err) ERR_MUST_USE;
/* SELECT DISTINCT is a GROUP BY of all items, which are bound. */
ErrCode bind_distinct(BindCtx *ctx, const AstQuery *ast, BoundQuery *query, Err *err) ERR_MUST_USE;
ErrCode check_aggregation(const AstQuery *ast, BoundQuery *query, Err *err) ERR_MUST_USE;

#endif
