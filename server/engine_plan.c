/*
 * engine_plan.c -- the world as the planner sees it: the real one, a sandbox, or a replay.
 */
#include "server/engine_internal.h"

#include "common/limit.h"
#include "exec/functions/fn_table.h"

static CleanupPolicy cleanup_of(TopicCleanup cleanup)
{
    switch (cleanup) {
    case TOPIC_COMPACT:
    case TOPIC_STATE:
        return CLEANUP_COMPACT;
    case TOPIC_COMPACT_DELETE:
        return CLEANUP_COMPACT_DELETE;
    case TOPIC_DELETE:
    case TOPIC_LOG:
        break;
    }
    return CLEANUP_DELETE;
}

static const CommandTopic *sandbox_topic(const Sandbox *sandbox, Str name)
{
    for (size_t i = 0; sandbox && i < sandbox->topics.len; i++) {
        if (str_eq(sandbox->topics.items[i].name, name))
            return &sandbox->topics.items[i];
    }
    return NULL;
}

/* PlannerEnv.topic: a replayed command knows best, then the sandbox, then the broker. */
static bool world_topic(void *self, Str name, TopicFacts *out)
{
    PlanWorld          *world = self;
    const CommandTopic *known =
        world->replay ? command_topic(world->replay, name) : sandbox_topic(world->sandbox, name);
    Arena    *mem;
    TopicInfo info;
    Err       err;
    ErrCode   rc;

    if (known) {
        *out = (TopicFacts){known->partitions, -1, RETENTION_UNKNOWN, CLEANUP_DELETE};
        return true;
    }
    /* A broker that did not answer is not waited for once more. */
    if (world->unasked.code != ERR_OK && !world->replay)
        return false;
    mem = arena_new(0);
    rc = broker_topic_describe(world->engine->broker, name, mem, &info, &err);
    if (rc == ERR_OK)
        *out = (TopicFacts){info.spec.partitions, info.spec.replicas, info.spec.retention_ms,
                            cleanup_of(info.spec.cleanup)};
    else if (rc != ERR_TOPIC_MISSING)
        world->unasked = err;
    arena_free(mem);
    return rc == ERR_OK;
}

static Str world_property(void *self, const char *name)
{
    const PlanWorld *world = self;

    return properties_get(&world->session->props, name);
}

ErrCode engine_plan_in(PlanWorld *world, const Catalog *catalog, uint64_t number,
                       const AstStmt *stmt, Arena *stmt_mem, StmtPlan *out, Err *err)
{
    PlannerEnv env = {
        .catalog = catalog,
        .fns = fn_table(),
        .self = world,
        .eval_const = expr_eval_const,
        .topic = world_topic,
        .property = world_property,
        .query_number = number,
        .now_ms = world->replay ? world->replay->time_ms : clock_now_ms(world->engine->clock),
        .is_replay = world->replay != NULL,
    };
    ErrCode rc;

    err_clear(&world->unasked);
    rc = planner_plan(&env, stmt, stmt_mem, out, err);
    /* The planner took the topic for missing: it blames the statement, or would have it made. */
    if (world->unasked.code != ERR_OK && (rc != ERR_OK || !world->replay)) {
        if (rc == ERR_OK)
            stmt_plan_deinit(out);
        *err = world->unasked;
        rc = err->code;
    }
    return rc;
}

ErrCode engine_plan(Engine *engine, Session *session, const AstStmt *stmt, Arena *stmt_mem,
                    StmtPlan *out, Err *err)
{
    PlanWorld world = {.engine = engine, .session = session};
    Catalog  *catalog = engine_catalog(engine);
    ErrCode   rc;

    rc = engine_plan_in(&world, catalog, engine_number(engine), stmt, stmt_mem, out, err);
    if (rc == ERR_OK)
        out->catalog = catalog; /* keeps what the plan points at: stmt_plan_deinit() drops it */
    else
        catalog_unref(catalog);
    return rc;
}

/* --- sandbox ---------------------------------------------------------------------------------- */

Sandbox *sandbox_new(Engine *engine)
{
    Sandbox *sandbox = MEM_NEW(Sandbox);
    Catalog *catalog = engine_catalog(engine);

    sandbox->engine = engine;
    sandbox->catalog = catalog_edit(catalog);
    sandbox->mem = arena_new(0);
    sandbox->number = engine_number(engine);
    catalog_unref(catalog);
    return sandbox;
}

void sandbox_free(Sandbox *sandbox)
{
    if (!sandbox)
        return;
    catalog_unref(sandbox->catalog);
    arena_free(sandbox->mem);
    mem_free(sandbox);
}

ErrCode sandbox_try(Sandbox *sandbox, Session *session, const AstStmt *stmt, Arena *stmt_mem,
                    Err *err)
{
    PlanWorld world = {.engine = sandbox->engine, .session = session, .sandbox = sandbox};
    StmtPlan  plan;

    TRY(engine_plan_in(&world, sandbox->catalog, sandbox->number, stmt, stmt_mem, &plan, err));
    if (engine_is_distributed(stmt)) {
        sandbox->number++;
        if (plan.topic.ptr && plan.is_topic_new) {
            CommandTopic topic = {str_copy(sandbox->mem, plan.topic), plan.topic_facts.partitions};

            vec_push(sandbox->mem, &sandbox->topics, topic);
        }
        if (plan.kind != STMT_NOTHING) {
            Catalog *edit = catalog_edit(sandbox->catalog);

            planner_apply(edit, &plan);
            catalog_unref(sandbox->catalog);
            sandbox->catalog = edit;
        }
    }
    stmt_plan_deinit(&plan);
    return ERR_OK;
}
