/*
 * planner_world.h -- the world that a statement is planned in, for tests.
 *
 * Every topic exists, with four partitions, unless world->topic_exists is false.  Functions are
 * the real ones.  world_run() plans statements and applies them to the world's catalog;
 * world_text() gives the plan of the last one, or the error, as text.
 */
#ifndef TESTS_SUPPORT_PLANNER_WORLD_H
#define TESTS_SUPPORT_PLANNER_WORLD_H

#include "tests/support/arena_group.h"

#include "exec/expr_eval.h"
#include "exec/functions/fn_table.h"
#include "parser/parser.h"
#include "planner/planner.h"

typedef struct PlannerWorld {
    Arena      *mem;
    Catalog    *catalog;
    uint64_t    number;
    bool        is_topic_missing;
    bool        is_replay;
    int64_t     retention_ms; /* of each topic; 0: 1000 */
    const char *property;     /* one that is set ... */
    const char *value;        /* ... and what to */
    StmtPlan    plan;         /* of the last statement; not applied */
    Err         err;
} PlannerWorld;

static inline bool world_topic(void *self, Str name, TopicFacts *out)
{
    const PlannerWorld *world = self;

    (void)name;
    *out = (TopicFacts){.partitions = 4,
                        .replicas = 1,
                        .retention_ms = world->retention_ms ? world->retention_ms : 1000};
    return !world->is_topic_missing;
}

static inline Str world_property(void *self, const char *name)
{
    const PlannerWorld *world = self;

    if (world->property && strcmp(world->property, name) == 0)
        return str_from(world->value);
    return STR_NULL;
}

static inline PlannerEnv world_env(PlannerWorld *world)
{
    return (PlannerEnv){.catalog = world->catalog,
                        .fns = fn_table(),
                        .self = world,
                        .eval_const = expr_eval_const,
                        .topic = world_topic,
                        .property = world_property,
                        .query_number = world->number,
                        .now_ms = 1000,
                        .is_replay = world->is_replay};
}

static inline AstStmtList world_parse(PlannerWorld *world, const char *sql)
{
    AstStmtList list;
    ErrCode     rc = parser_parse(world->mem, str_from(sql), (ParserOpts){0}, &list, &world->err);

    if (rc != ERR_OK)
        fail_msg("%s: %s", sql, world->err.msg);
    return list;
}

static inline void world_apply(PlannerWorld *world)
{
    Catalog *edit = catalog_edit(world->catalog);

    planner_apply(edit, &world->plan);
    catalog_unref(world->catalog);
    world->catalog = edit;
}

static inline ErrCode world_plan_stmt(PlannerWorld *world, const AstStmt *stmt)
{
    PlannerEnv env = world_env(world);
    ErrCode    rc;

    stmt_plan_deinit(&world->plan);
    memset(&world->plan, 0, sizeof world->plan);
    err_clear(&world->err);
    rc = planner_plan(&env, stmt, world->mem, &world->plan, &world->err);
    world->number++;
    return rc;
}

/* Plans all statements; those before the last are applied and must succeed. */
static inline ErrCode world_plan(PlannerWorld *world, const char *sql)
{
    AstStmtList list = world_parse(world, sql);
    ErrCode     rc = ERR_OK;

    for (size_t i = 0; i < list.len; i++) {
        rc = world_plan_stmt(world, list.items[i]);
        if (i + 1 == list.len)
            break;
        if (rc != ERR_OK)
            fail_msg("%s: %s", sql, world->err.msg);
        world_apply(world);
    }
    return rc;
}

/* Plans and applies all of them; none may fail. */
static inline void world_run(PlannerWorld *world, const char *sql)
{
    if (world_plan(world, sql) != ERR_OK)
        fail_msg("%s: %s", sql, world->err.msg);
    world_apply(world);
}

/* The plan of the last statement as EXPLAIN prints it. */
static inline const char *world_text(PlannerWorld *world, const char *sql)
{
    Buf text = buf_in(world->mem);

    if (world_plan(world, sql) != ERR_OK)
        fail_msg("%s: %s", sql, world->err.msg);
    if (world->plan.pull)
        explain_pull(&text, world->plan.pull);
    else if (world->plan.plan)
        explain_plan(&text, world->plan.plan);
    else if (world->plan.query)
        explain_plan(&text, world->plan.query->plan);
    return str_to_c(world->mem, buf_view(&text));
}

/* The columns of the source that the last statement makes. */
static inline const char *world_schema(PlannerWorld *world, const char *sql)
{
    Buf text = buf_in(world->mem);

    if (world_plan(world, sql) != ERR_OK)
        fail_msg("%s: %s", sql, world->err.msg);
    assert_non_null(world->plan.source);
    schema_print(&text, world->plan.source->schema, true);
    return str_to_c(world->mem, buf_view(&text));
}

/* The last statement is refused with this code and this text in its message. */
static inline void world_refuses(PlannerWorld *world, const char *sql, ErrCode code,
                                 const char *fragment)
{
    ErrCode rc = world_plan(world, sql);

    if (rc != code || !strstr(world->err.msg, fragment))
        fail_msg("%s\n  gives %s: %s\n  not   %s: %s", sql, err_name(rc), world->err.msg,
                 err_name(code), fragment);
    if (world->err.pos.line == 0)
        fail_msg("%s: no position: %s", sql, world->err.msg);
}

static inline void assert_contains(const char *text, const char *fragment)
{
    if (!strstr(text, fragment))
        fail_msg("\"%s\" is not in\n%s", fragment, text);
}

/* cmocka: a world in *state. */
static inline int world_setup(void **state)
{
    PlannerWorld *world = MEM_NEW(PlannerWorld);

    world->mem = arena_new(0);
    world->catalog = catalog_new();
    *state = world;
    return 0;
}

static inline int world_teardown(void **state)
{
    PlannerWorld *world = *state;

    stmt_plan_deinit(&world->plan);
    catalog_unref(world->catalog);
    arena_free(world->mem);
    mem_free(world);
    return 0;
}

#define world_test(test) cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)

#endif
