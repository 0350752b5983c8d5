/*
 * plan.h -- what a query does, as a tree of steps.
 *
 * Data flows from the leaves (scans) to the root (sink or push).  Immutable once built; operators
 * keep their run state beside it.  EXPLAIN prints it.  A Plan lives in one arena, which is handed
 * whole to the query that runs it.
 *
 * Rows: a row of a *stream* step is an event.  A row of a *table* step carries the new value and,
 * when PlanNode.needs_old of the step above says so, the old one; a deletion has no new value.
 *
 * Stages: an EXCHANGE ends one stage and starts the next.  stage numbers follow the data: an
 * exchange's input has a lower number than its output.  No two stages share a store.
 */
#ifndef PLANNER_PLAN_H
#define PLANNER_PLAN_H

#include "planner/expr.h"
#include "planner/schema.h"

typedef enum PlanKind {
    PLAN_SCAN,   /* leaf: reads a topic, decodes */
    PLAN_TABLE,  /* keeps the latest row per key of a table source: gives rows their old value */
    PLAN_FILTER, /* WHERE on a stream */
    PLAN_FILTER_TABLE, /* WHERE, HAVING on a table: tombstone when a row leaves the result */
    PLAN_PROJECT,      /* computes the columns of its schema; keys too */
    PLAN_FLATMAP,      /* table functions: appends their columns */
    PLAN_REKEY,        /* computes new key columns (PARTITION BY, GROUP BY); value columns too */
    PLAN_EXCHANGE,     /* moves rows to the task of their key's partition, in the next stage */
    PLAN_AGGREGATE,    /* GROUP BY, with or without window */
    PLAN_SUPPRESS,     /* EMIT FINAL */
    PLAN_JOIN_STREAMS,
    PLAN_JOIN_STREAM_TABLE,
    PLAN_JOIN_TABLES,
    PLAN_JOIN_FOREIGN_KEY,
    PLAN_LIMIT,
    PLAN_VIEW, /* materialises a table for pull queries */
    PLAN_SINK, /* root: encodes and writes to a topic */
    PLAN_PUSH, /* root: rows to a subscriber (push query, pull query on a stream) */
    PLAN_COUNT_
} PlanKind;

/* Where a timestamp comes from when it is not the record's own. */
typedef struct TimestampSpec {
    int32_t column; /* of the schema; -1: the record's timestamp */
    Str     format; /* Java pattern for STRING columns; NULL: none */
} TimestampSpec;

typedef enum JoinKind { JOIN_INNER, JOIN_LEFT, JOIN_RIGHT, JOIN_FULL } JoinKind;

typedef struct PlanAgg {
    const AggDef      *def;
    Expr             **args; /* over the input row; the leading, non-literal ones */
    uint32_t           args_len;
    const Value       *init_args;
    uint32_t           init_len;
    const Type        *type;
    const Type *const *arg_types;
    const Type *const *slot_types; /* def->slots_len of them */
    int64_t            limit;      /* AggCall.limit */
    SrcPos             pos;        /* where it stands first */
} PlanAgg;

/* A keyed store that a step owns; one per partition of its stage. */
typedef struct PlanStore {
    uint32_t      number; /* unique in the plan, stable for the same shape: names its tables */
    const char   *name;   /* "aggregate", "table", "view", "left", ... for people */
    const Column *keys;   /* state key columns; window bounds are appended by is_windowed */
    uint32_t      keys_len;
    const Column *slots; /* what is kept per key, beside the row's timestamp */
    uint32_t      slots_len;
    bool          is_view; /* kept as a public SQLite table with one typed column per slot */
    bool          is_windowed;
    Str           view_name; /* is_view: the table's SQL name */
} PlanStore;

typedef struct PlanNode PlanNode;
struct PlanNode {
    PlanKind          kind;
    uint32_t          id; /* unique in the plan */
    uint32_t          stage;
    const char       *step;   /* name in logs: "Project", "WhereFilter", "Aggregate" */
    const Schema     *schema; /* of the rows it emits */
    bool              is_table;
    bool              needs_old;  /* its consumer reads old values: it must provide them */
    const WindowSpec *key_window; /* rows carry a window as part of their key; NULL: no */
    const PlanStore  *store;      /* NULL: stateless */
    PlanNode         *inputs[2];
    uint32_t          inputs_len;
    union {
        struct {
            Str           source; /* name in the catalog */
            Str           topic;
            FormatSpec    key_format, value_format;
            const Schema *physical;  /* the source's whole schema, in record order */
            const bool   *is_wanted; /* per column of schema: decode it? (others stay null) */
            TimestampSpec timestamp;
            WindowKind    window; /* how the key's bytes carry a window */
            int64_t       window_size_ms;
            uint32_t      partitions;
        } scan;
        struct {
            Expr *predicate;
        } filter;
        struct {
            Expr **exprs;            /* one per column of schema */
            bool   is_key_unchanged; /* keys are the input's keys in order: bytes may be reused */
        } project;                   /* also rekey */
        struct {
            const TableFnDef **fns;
            Expr            ***args;
            uint32_t          *args_len;
            const Type       **types;
            uint32_t           fns_len;
        } flatmap;
        struct {
            /* Rows go to murmur2(key in this format) % partitions, as a repartition topic would:
             * joins need that.  is_free: any hash will do (aggregates). */
            FormatSpec key_format;
            bool       is_free;
            uint32_t   partitions; /* tasks of the next stage */
            Str        topic;      /* name a repartition topic would have, without prefix */
        } exchange;
        struct {
            PlanAgg          *aggs;
            uint32_t          aggs_len;
            const WindowSpec *window;   /* NULL: unwindowed */
            bool              is_table; /* input is a table: undo old, add new */
            bool              only_new; /* a row goes on when it begins a group */
        } aggregate;                    /* schema: group keys, then one column per aggregate */
        struct {
            JoinKind kind;
            Expr    *left_key, *right_key; /* foreign-key join: left_key over the left row */
            int64_t  before_ms, after_ms, grace_ms;
            bool     has_grace;
            const PlanStore *right_store; /* node.store is the left one */
            const PlanStore *index_store; /* foreign key: (right key, left keys) of the left rows */
        } join; /* schema: key, then the value columns of the left input, then those of the right */
        struct {
            int64_t rows;
        } limit;
        struct {
            Str           sink; /* name in the catalog */
            Str           topic;
            FormatSpec    key_format, value_format;
            TimestampSpec timestamp;
            uint32_t      partitions;
        } sink;
    } u;
};

typedef enum QueryKind { QUERY_PERSISTENT, QUERY_PUSH, QUERY_STREAM_PULL } QueryKind;

/* UNION ALL: a projection of all columns, with two inputs. */
static inline bool plan_is_union(const PlanNode *node)
{
    return node->kind == PLAN_PROJECT && node->inputs_len == 2;
}

typedef struct Plan {
    QueryKind         kind;
    PlanNode         *root;
    PlanNode        **scans;
    uint32_t          scans_len;
    PlanNode        **nodes; /* every node, by id */
    uint32_t          nodes_len;
    uint32_t          stages_len;
    const PlanStore **stores; /* by number */
    uint32_t          stores_len;
    uint64_t fingerprint; /* of the stateful steps: a state file of another shape is refused */
} Plan;

/* --- pull queries on tables ------------------------------------------------------------------- */

typedef enum PullKind { PULL_KEYS, PULL_RANGE, PULL_SCAN } PullKind;

/* Bounds on WINDOWSTART or WINDOWEND; INT64_MIN / INT64_MAX when open; inclusive. */
typedef struct PullBounds {
    int64_t min, max;
} PullBounds;

typedef struct PullPlan {
    PullKind      kind;
    Str           source;
    Str           query_id; /* the query that materialises it */
    const Schema *row;      /* of the view: keys, values; windows ride in the row */
    const Value  *keys;     /* PULL_KEYS: keys_len tuples of row->key_len values */
    uint32_t      keys_len;
    Value         low, high;                 /* PULL_RANGE on the single key column; null: open */
    bool          is_low_open, is_high_open; /* the bound itself is excluded */
    PullBounds    window_start, window_end;
    bool          is_windowed;
    Expr         *predicate; /* NULL: all; the whole WHERE, over row */
    const Schema *schema;    /* of the answer */
    Expr        **exprs;     /* one per column of schema, over row */
    int64_t       limit;     /* -1: none */
} PullPlan;

#endif
