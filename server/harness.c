/*
 * harness.c -- opening, statements, and requests of the inline engine.  Records are in
 * harness_record.c, comparison in harness_compare.c.
 */
#include "server/harness_internal.h"

#include "common/log.h"

static ErrCode open_harness(const HarnessProperty *props, size_t props_len, bool is_one_task,
                            Harness **out, Err *err)
{
    Harness   *harness = MEM_NEW(Harness);
    EngineOpts opts;
    bool       is_on_kafka;
    ErrCode    rc = ERR_OK;

    harness->mem = arena_new(0);
    clock_fake_init(&harness->clock, 0);
    properties_init(&harness->props, harness->mem, NULL);
    rc = properties_set(&harness->props, STR("auto.offset.reset"), STR("earliest"), NULL, err);
    if (rc == ERR_OK)
        rc = properties_set(&harness->props, STR("cache.max.bytes.buffering"), STR("0"), NULL, err);
    for (size_t i = 0; i < props_len && rc == ERR_OK; i++)
        rc = properties_set(&harness->props, props[i].name, props[i].value, NULL, err);
    is_on_kafka = properties_get(&harness->props, "bootstrap.servers").len > 0;
    if (rc == ERR_OK && is_on_kafka)
        rc = harness_kafka_props(harness, err);
    harness->is_one_task = is_one_task && !is_on_kafka;
    opts = (EngineOpts){.props = &harness->props,
                        .clock = is_on_kafka ? clock_system() : &harness->clock,
                        .is_inline = !is_on_kafka,
                        .is_one_task = harness->is_one_task};
    if (rc == ERR_OK)
        rc = engine_open(&opts, &harness->engine, err);
    if (rc == ERR_OK)
        rc = api_new(harness->engine, &harness->api, err);
    if (rc == ERR_OK && is_on_kafka)
        rc = harness_kafka_check_empty(harness, err);
    if (rc != ERR_OK) {
        harness_close(harness);
        return rc;
    }
    session_init(&harness->session, harness->mem, harness->engine);
    *out = harness;
    return ERR_OK;
}

ErrCode harness_open(const HarnessProperty *props, size_t props_len, Harness **out, Err *err)
{
    return open_harness(props, props_len, true, out, err);
}

ErrCode harness_open_spread(const HarnessProperty *props, size_t props_len, Harness **out, Err *err)
{
    return open_harness(props, props_len, false, out, err);
}

void harness_close(Harness *harness)
{
    Err err;

    if (!harness)
        return;
    if (harness->api && harness_is_on_kafka(harness) &&
        harness_kafka_clear(harness, &err) != ERR_OK)
        log_line(LOG_WARN, "harness", "could not delete the topics of a test: %s", err.msg);
    api_free(harness->api);
    engine_close(harness->engine);
    arena_free(harness->mem);
    mem_free(harness);
}

Engine *harness_engine(Harness *harness)
{
    return harness->engine;
}

void harness_set_time(Harness *harness, int64_t now_ms)
{
    clock_fake_set(&harness->clock, now_ms);
}

ErrCode harness_until_idle(Harness *harness, Err *err)
{
    if (harness_is_on_kafka(harness))
        return harness_kafka_until_idle(harness, err);
    return engine_until_idle(harness->engine, err);
}

/* --- topics ----------------------------------------------------------------------------------- */

ErrCode harness_make_topic(Harness *harness, Str name, uint32_t partitions, int32_t replicas,
                           Err *err)
{
    TopicSpec spec = {name, partitions, replicas, -1, TOPIC_DELETE};
    ErrCode   rc = broker_topic_create(engine_broker(harness->engine), &spec, err);

    return rc == ERR_TOPIC_EXISTS ? ERR_OK : rc;
}

static const AstProp *find_prop(const AstProps *props, Str name)
{
    for (size_t i = 0; i < props->len; i++) {
        if (str_eq_nocase(props->items[i].name.text, name))
            return &props->items[i];
    }
    return NULL;
}

static ErrCode make_topic_of(Harness *harness, const AstCreateSource *create, Err *err)
{
    enum { PARTITIONS_BY_DEFAULT = 4 };
    const AstProp *topic = find_prop(&create->props, STR("KAFKA_TOPIC"));
    const AstProp *partitions = find_prop(&create->props, STR("PARTITIONS"));
    int64_t        count = PARTITIONS_BY_DEFAULT;

    if (!topic || topic->value.kind != T_STRING || topic->value.len == 0)
        return ERR_OK;
    if (partitions && (partitions->value.kind == T_INT || partitions->value.kind == T_BIGINT))
        count = partitions->value.u.i;
    if (partitions && partitions->value.kind == T_STRING)
        (void)str_to_i64(value_as_str(partitions->value), &count);
    if (count < 1 || count > g_limits.partitions)
        return ERR_OK; /* the statement will be refused */
    return harness_make_topic(harness, value_as_str(topic->value), (uint32_t)count, 1, err);
}

ErrCode harness_make_topics_of(Harness *harness, Str sql, Err *err)
{
    Arena      *mem = arena_new(0);
    AstStmtList stmts;
    ErrCode     rc = ERR_OK;
    Err         ignored;

    if (parser_parse(mem, sql, (ParserOpts){&harness->session.variables}, &stmts, &ignored) ==
        ERR_OK) {
        for (size_t i = 0; i < stmts.len && rc == ERR_OK; i++) {
            if (stmts.items[i]->kind == AST_CREATE_SOURCE)
                rc = make_topic_of(harness, &stmts.items[i]->u.create_source, err);
        }
    }
    arena_free(mem);
    return rc;
}

/* --- statements ------------------------------------------------------------------------------- */

typedef struct Acked {
    Err  err;
    bool is_done; /* atomic: a Kafka broker's acks come on its own thread */
} Acked;

static void note_ack(void *arg, ErrCode rc, int64_t offset, const Err *err)
{
    Acked *out = arg;

    (void)offset;
    if (rc != ERR_OK)
        out->err = *err;
    out->err.code = rc;
    __atomic_store_n(&out->is_done, true, __ATOMIC_RELEASE);
}

static ErrCode insert(Harness *harness, const AstStmt *stmt, Arena *mem, Err *err)
{
    StmtPlan plan;
    Acked    acked = {0};
    ErrCode  rc;

    TRY(engine_plan(harness->engine, &harness->session, stmt, mem, &plan, err));
    rc = engine_insert(harness->engine, &plan, note_ack, &acked, err);
    stmt_plan_deinit(&plan);
    while (rc == ERR_OK && !__atomic_load_n(&acked.is_done, __ATOMIC_ACQUIRE))
        harness_kafka_wait();
    if (rc == ERR_OK && acked.err.code != ERR_OK) {
        *err = acked.err;
        rc = acked.err.code;
    }
    return rc;
}

/* What the API knows how to answer and what SELECT needs: planned, to see whether it is refused. */
static ErrCode plan_only(Harness *harness, const AstStmt *stmt, Arena *mem, Err *err)
{
    StmtPlan plan;

    TRY(engine_plan(harness->engine, &harness->session, stmt, mem, &plan, err));
    stmt_plan_deinit(&plan);
    return ERR_OK;
}

static ErrCode execute_one(Harness *harness, const AstStmt *stmt, Arena *mem, Err *err)
{
    CommandResult result;

    if (stmt->kind == AST_INSERT_VALUES)
        return insert(harness, stmt, mem, err);
    if (!engine_is_distributed(stmt))
        return plan_only(harness, stmt, mem, err);
    TRY(engine_execute(harness->engine, &harness->session, stmt, mem, &result, err));
    if (result.is_failed)
        return err_set(err, ERR_STATE, "%.*s", STR_ARG(result.message));
    return ERR_OK;
}

static ErrCode set_property(Harness *harness, const AstStmt *stmt, Err *err)
{
    const AstSetting *setting = &stmt->u.setting;

    if (stmt->kind == AST_SET)
        return properties_override(&harness->session.props, setting->name, setting->value, err);
    properties_unset(&harness->session.props, setting->name);
    return ERR_OK;
}

static void set_variable(Harness *harness, const AstStmt *stmt)
{
    Str *kept = ARENA_NEW(harness->mem, Str);
    Str  name = str_copy(harness->mem, stmt->u.variable.name.text);

    if (stmt->kind == AST_DEFINE) {
        *kept = str_copy(harness->mem, stmt->u.variable.value);
        map_put(&harness->session.variables, name, kept);
    } else {
        (void)map_remove(&harness->session.variables, name);
    }
}

static ErrCode execute_stmt(Harness *harness, const AstStmt *stmt, Arena *mem, Err *err)
{
    switch (stmt->kind) {
    case AST_SET:
    case AST_UNSET:
        return set_property(harness, stmt, err);
    case AST_DEFINE:
    case AST_UNDEFINE:
        set_variable(harness, stmt);
        return ERR_OK;
    default:
        return execute_one(harness, stmt, mem, err);
    }
}

ErrCode harness_execute(Harness *harness, Str sql, size_t *failed, Err *err)
{
    Arena  *mem = arena_new(0);
    Parser  parser;
    size_t  number = 0;
    ErrCode rc = parser_init(&parser, mem, sql, (ParserOpts){&harness->session.variables}, err);

    while (rc == ERR_OK) {
        AstStmt *stmt;

        rc = parser_next(&parser, &stmt, err);
        if (rc != ERR_OK || !stmt)
            break;
        rc = execute_stmt(harness, stmt, mem, err);
        number += rc == ERR_OK;
    }
    arena_free(mem);
    if (failed)
        *failed = number;
    return rc;
}

bool harness_failed_query(Harness *harness, Str *id, Err *err)
{
    Catalog *catalog = engine_catalog(harness->engine);
    bool     found = false;

    for (size_t i = 0; i < catalog_queries_len(catalog) && !found; i++) {
        Query *query =
            query_find(engine_runtime(harness->engine), catalog_query_at(catalog, i)->id);
        QueryHealth health;

        if (!query)
            continue;
        query_health(query, &health);
        if (health.state != QUERY_STATE_FAILED)
            continue;
        found = true;
        *id = str_copy(harness->mem, query_id(query));
        *err = health.error;
    }
    catalog_unref(catalog);
    return found;
}

/* --- requests --------------------------------------------------------------------------------- */

struct HarnessCall {
    Harness *harness;
    ApiCall *call;
};

HarnessCall *harness_call_open(Harness *harness, const ApiRequest *request)
{
    HarnessCall *call = MEM_NEW(HarnessCall);

    call->harness = harness;
    call->call = api_open(harness->api, request, (ApiWake){NULL, NULL});
    return call;
}

bool harness_call_take(HarnessCall *call, int *status, Buf *body)
{
    for (;;) {
        ApiFrame frame;
        ApiNext  next = api_next(call->call, &frame);

        if (next == API_END)
            return true;
        if (next == API_WAIT)
            return false;
        if (frame.status)
            *status = frame.status;
        if (!frame.ws_close)
            buf_str(body, frame.bytes);
    }
}

void harness_call_close(HarnessCall *call)
{
    api_close(call->call);
    mem_free(call);
}

ErrCode harness_request(Harness *harness, const ApiRequest *request, Arena *mem, int *status,
                        Str *body, Err *err)
{
    HarnessCall *call = harness_call_open(harness, request);
    Buf          text = buf_in(mem);
    ErrCode      rc = ERR_OK;
    bool         is_end = harness_call_take(call, status, &text);

    /* A full queue is drained in between: as long as something comes, more may. */
    for (size_t before = SIZE_MAX; rc == ERR_OK && !is_end && before != text.len;) {
        before = text.len;
        rc = engine_until_idle(harness->engine, err);
        is_end = harness_call_take(call, status, &text);
    }
    harness_call_close(call);
    *body = buf_view(&text);
    return rc;
}
