/*
 * planner.h -- from one parsed statement to what is to be done about it.
 *
 *     Ast --bind--> Bound --build, rewrite_*--> Plan
 *
 * planner_plan() checks a statement against a catalog snapshot and the world as PlannerEnv shows
 * it, and changes nothing.  Its result says everything that the engine needs: which objects enter
 * or leave the catalog, which topic must exist, which query to run or which rows to insert.
 * planner_apply() makes the catalog change; both the running server and the replay of the command
 * log use it, so that a logged statement means the same for ever.
 *
 * Only statements with a meaning for catalog or data are planned here; SHOW, DESCRIBE, EXPLAIN,
 * PRINT, SET, DEFINE and ASSERT are executed by the server from the AST (EXPLAIN plans the
 * statement inside it).
 *
 * Thread: any; no state is kept.
 */
#ifndef PLANNER_PLANNER_H
#define PLANNER_PLANNER_H

#include "parser/ast.h"
#include "planner/catalog.h"
#include "planner/fn_def.h"
#include "planner/plan.h"

typedef enum CleanupPolicy {
    CLEANUP_DELETE,
    CLEANUP_COMPACT,
    CLEANUP_COMPACT_DELETE
} CleanupPolicy;

#define RETENTION_UNKNOWN INT64_MIN

typedef struct TopicFacts {
    uint32_t      partitions;
    int32_t       replicas;
    int64_t       retention_ms; /* -1: for ever; RETENTION_UNKNOWN */
    CleanupPolicy cleanup;
} TopicFacts;

typedef struct PlannerEnv {
    const Catalog *catalog;
    const FnTable *fns;
    void          *self; /* handed to the callbacks */
    /* Evaluates an expression without columns (constant folding, INSERT VALUES). */
    ErrCode (*eval_const)(void *self, const Expr *expr, Arena *mem, Value *out, Err *err);
    /* False when there is no such topic. */
    bool (*topic)(void *self, Str name, TopicFacts *out);
    /* The value in force of a ksqlDB property (request, session, server, default), or STR_NULL. */
    Str (*property)(void *self, const char *name);
    uint64_t query_number; /* <n> of a query id made by this statement */
    int64_t  now_ms;       /* ROWTIME of INSERT VALUES */
    /* Replay of the command log: DROP's dependency checks are off, topics are taken as recorded. */
    bool is_replay;
} PlannerEnv;

typedef enum StmtPlanKind {
    STMT_NOTHING,       /* IF NOT EXISTS on an existing name and the like: see warning */
    STMT_CREATE_SOURCE, /* source; query too for a SOURCE TABLE (CST_...) */
    STMT_CREATE_AS,     /* source and query; replaces_query when OR REPLACE replaced one */
    STMT_INSERT_SELECT, /* query */
    STMT_INSERT_VALUES, /* insert */
    STMT_DROP_SOURCE,   /* name; terminates[] */
    STMT_TERMINATE,     /* terminates[] */
    STMT_PAUSE,         /* names the queries in terminates[] */
    STMT_RESUME,
    STMT_ALTER_SOURCE, /* source: the new version */
    STMT_CREATE_TYPE,  /* type */
    STMT_DROP_TYPE,    /* name */
    STMT_PUSH_QUERY,   /* plan */
    STMT_PULL_QUERY,   /* pull, on a materialised table */
    STMT_PULL_STREAM   /* plan: the operators run to the end offsets */
} StmtPlanKind;

typedef struct InsertRow {
    const Value *cols; /* in the order of source->schema */
    int64_t      ts;
} InsertRow;

typedef struct StmtPlan {
    StmtPlanKind kind;
    Str          sql;      /* the statement as ast_print writes it, variables replaced */
    Str          entity;   /* name for commandId: source, type or query id */
    bool         is_table; /* entity is a table: "table/X/create" */
    Str          warning;  /* text of the warning_entity */
    Str          caution;  /* it takes effect, but its author should know this */

    Source       *source; /* born here; planner_apply takes it */
    CatalogQuery *query;
    CatalogType  *type;
    Str           replaces_query;

    /* The topic that must exist before the statement takes effect; name STR_NULL: none. */
    Str        topic;
    TopicFacts topic_facts;  /* what to create when it is missing */
    bool       is_topic_new; /* it does not exist yet: create it */

    Str        name; /* DROP */
    bool       deletes_topic;
    const Str *terminates; /* query ids */
    size_t     terminates_len;

    const Source    *target; /* INSERT VALUES */
    const InsertRow *rows;
    size_t           rows_len;

    const Plan     *plan;
    const PullPlan *pull;

    /* A reference to the catalog that target, plan and pull point into, when the caller put one
     * here: dropped by stmt_plan_deinit(). */
    Catalog *catalog;
} StmtPlan;

/*
 * Everything in *out but the catalog objects lives in stmt_mem; a Plan of a persistent query lives
 * in its CatalogQuery's arena.  On ERR_OK the caller ends *out with stmt_plan_deinit().
 * Errors carry the position in the statement and, where one exists, the text to write instead.
 */
ErrCode planner_plan(const PlannerEnv *env, const AstStmt *stmt, Arena *stmt_mem, StmtPlan *out,
                     Err *err) ERR_MUST_USE;
void    stmt_plan_deinit(StmtPlan *plan); /* drops the references that were not applied */

/* Makes the catalog change of plan on edit; takes plan's references. */
void planner_apply(Catalog *edit, StmtPlan *plan);

/* The plan as an indented tree, root first, the schema of each step beside it. */
void explain_plan(Buf *out, const Plan *plan);
void explain_pull(Buf *out, const PullPlan *pull);

#endif
