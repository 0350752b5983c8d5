/*
 * engine_push.c -- push queries and pull queries on streams: a query that ends in a subscriber.
 */
#include "server/engine_internal.h"

#include "common/limit.h"

struct EnginePush {
    Engine     *engine;
    Arena      *mem; /* holds the plan and the names */
    Str         id, sql;
    bool        is_pull;
    Catalog    *catalog; /* what the plan points into */
    PushQueue  *queue;   /* the subscriber's reference */
    Query      *query;
    EnginePush *next;
};

static bool keeps_keys(const Plan *plan)
{
    for (uint32_t i = 0; i < plan->nodes_len; i++) {
        if (plan->nodes[i] && plan->nodes[i]->kind == PLAN_REKEY)
            return false;
    }
    return true;
}

/* A single source that exactly one query writes, filtered and projected from now on: what ksqlDB
 * calls a scalable push query.  It runs like any other here, but for its id and for records without
 * a key, which it leaves out. */
static bool is_scalable(Engine *engine, const Session *session, const Plan *plan)
{
    Catalog      *catalog;
    const Source *source;
    bool          fits;

    if (plan->kind != QUERY_PUSH || plan->scans_len != 1 || plan->stores_len != 0 ||
        !keeps_keys(plan) || !properties_bool(&session->props, "ksql.query.push.v2.enabled") ||
        !str_eq_nocase(properties_get(&session->props, "auto.offset.reset"), STR("latest")))
        return false;
    catalog = engine_catalog(engine);
    source = catalog_source(catalog, plan->scans[0]->u.scan.source);
    fits = source && source->created_by.ptr;
    catalog_unref(catalog);
    return fits;
}

Str engine_transient_id(Engine *engine, Arena *mem, const Session *session, const Plan *plan)
{
    uint64_t number = __atomic_add_fetch(&engine->push_number, 1, __ATOMIC_RELAXED);
    Str      source = plan->scans[0]->u.scan.source;

    /* The clock keeps ids of different runs of the server apart. */
    if (is_scalable(engine, session, plan))
        return str_printf(mem, "SCALABLE_PUSH_QUERY_%llu%04llu",
                          (unsigned long long)clock_now_ms(engine->clock),
                          (unsigned long long)(number % 10000));
    return str_printf(mem, "transient_%.*s_%llu%04llu", STR_ARG(source),
                      (unsigned long long)clock_now_ms(engine->clock),
                      (unsigned long long)(number % 10000));
}

static ErrCode enlist(Engine *engine, EnginePush *push, Err *err)
{
    ErrCode rc = ERR_OK;

    pthread_mutex_lock(&engine->push_lock);
    if (!push->is_pull && engine->pushes_len >= (size_t)g_limits.push_queries) {
        rc = err_set(err, ERR_TOO_MANY_PUSH, "cannot start another push query: %zu are running",
                     engine->pushes_len);
        err_hint(err, "end one of them, or raise ksql.max.push.queries");
    } else {
        push->next = engine->pushes;
        engine->pushes = push;
        engine->pushes_len++;
    }
    pthread_mutex_unlock(&engine->push_lock);
    return rc;
}

static void delist(EnginePush *push)
{
    Engine *engine = push->engine;

    pthread_mutex_lock(&engine->push_lock);
    for (EnginePush **at = &engine->pushes; *at; at = &(*at)->next) {
        if (*at == push) {
            *at = push->next;
            engine->pushes_len--;
            break;
        }
    }
    pthread_mutex_unlock(&engine->push_lock);
}

static ErrCode start(EnginePush *push, Session *session, const StmtPlan *plan, Err *err)
{
    Engine      *engine = push->engine;
    QuerySpec    spec = {.id = push->id, .plan = plan->plan, .push = push->queue};
    CommandScan *scans;
    QueryStart  *starts;
    Properties   props;

    properties_init(&props, push->mem, &session->props);
    if (push->is_pull) /* everything that the stream holds now */
        TRY(properties_override(&props, STR("auto.offset.reset"), STR("earliest"), err));
    TRY(engine_resolve_scans(engine, &props, plan->plan, push->mem, &scans, err));
    engine_starts(plan->plan, scans, plan->plan->scans_len, push->mem, &starts, &spec.starts_len);
    spec.starts = starts;
    engine_query_props(&session->props, &spec.props);
    spec.props.skips_null_keys = is_scalable(engine, session, plan->plan);
    return query_start(engine->runtime, &spec, &push->query, err);
}

ErrCode engine_push_open(Engine *engine, Session *session, const StmtPlan *plan, Str query_id,
                         Arena *stmt_mem, void (*wake)(void *arg), void *arg, EnginePush **out,
                         Err *err)
{
    EnginePush *push = ARENA_NEW(stmt_mem, EnginePush);
    PushOpts    opts = {.schema = plan->plan->root->schema,
                        .rows_max = g_limits.push_queue_rows,
                        .bytes_max = g_limits.push_queue_bytes,
                        .wake = wake,
                        .arg = arg};
    ErrCode     rc;

    push->engine = engine;
    push->mem = stmt_mem;
    push->id = str_copy(stmt_mem, query_id);
    push->sql = str_copy(stmt_mem, plan->sql);
    push->is_pull = plan->plan->kind == QUERY_STREAM_PULL;
    TRY(enlist(engine, push, err));
    push->queue = push_queue_new(&opts);
    push->catalog = engine_catalog(engine);
    rc = start(push, session, plan, err);
    if (rc != ERR_OK) {
        delist(push);
        catalog_unref(push->catalog);
        push_queue_unref(push->queue);
        push_queue_unref(push->queue); /* the query's, which did not come to be */
        return rc;
    }
    *out = push;
    return ERR_OK;
}

PushQueue *engine_push_queue(EnginePush *push)
{
    return push->queue;
}

Str engine_push_id(const EnginePush *push)
{
    return push->id;
}

void engine_push_close(EnginePush *push)
{
    Arena *mem = push->mem;

    delist(push);
    query_stop(push->query, true);
    push_queue_unref(push->queue);
    catalog_unref(push->catalog);
    arena_free(mem);
}

bool engine_push_terminate(Engine *engine, Str query_id)
{
    bool found = false;

    pthread_mutex_lock(&engine->push_lock);
    for (EnginePush *push = engine->pushes; push; push = push->next) {
        if (str_eq(push->id, query_id)) {
            push_finish(push->queue, PUSH_TERMINATED, NULL);
            found = true;
        }
    }
    pthread_mutex_unlock(&engine->push_lock);
    return found;
}

void engine_push_list(Engine *engine, Arena *mem, PushInfo **out, size_t *len)
{
    pthread_mutex_lock(&engine->push_lock);
    *out = ARENA_ARRAY(mem, PushInfo, engine->pushes_len + 1);
    *len = 0;
    for (EnginePush *push = engine->pushes; push; push = push->next)
        (*out)[(*len)++] =
            (PushInfo){str_copy(mem, push->id), str_copy(mem, push->sql), push->is_pull};
    pthread_mutex_unlock(&engine->push_lock);
}
