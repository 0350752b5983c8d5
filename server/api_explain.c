/*
 * api_explain.c -- EXPLAIN of a statement or of a running query, and SHOW QUERIES EXTENDED.
 */
#include <stdio.h>

#include "server/api_internal.h"

static Str text_of(EntityCtx *ctx, const AstStmt *stmt)
{
    return str_printf(ctx->mem, "%.*s;", STR_ARG(stmt->text));
}

/* What is known of a query, running or not. */
typedef struct Described {
    Str             id, sql, state;
    const char     *type;
    const Schema   *schema;
    const Plan     *plan;
    const PullPlan *pull;
    const Str      *sources;
    size_t          sources_len;
    Str             sink;
} Described;

/* What went wrong, and what to do about it. */
static void write_error_text(JsonWriter *w, const Err *err)
{
    char text[ERR_MSG_BYTES + ERR_HINT_BYTES + 8];

    snprintf(text, sizeof text, "%s%s%s", err->msg, err->hint[0] ? "\nhint: " : "", err->hint);
    jw_field_c(w, "errorMessage", text);
}

/* Whoever wrote the statement, or looks after its topics, can help. */
static bool is_users(ErrCode code)
{
    return code == ERR_TOPIC_MISSING || code == ERR_AUTH || code == ERR_RECORD_TOO_LARGE ||
           code == ERR_RECORD_REFUSED;
}

static void write_errors(JsonWriter *w, Query *running)
{
    QueryHealth health;

    jw_key(w, "queryErrors");
    jw_open(w, '[');
    if (running) {
        query_health(running, &health);
        if (health.error_ms) {
            jw_open(w, '{');
            jw_field_i64(w, "timestamp", health.error_ms);
            write_error_text(w, &health.error);
            jw_field_c(w, "type", is_users(health.error.code) ? "USER" : "SYSTEM");
            jw_close(w, '}');
        }
    }
    jw_close(w, ']');
}

static void write_tasks(EntityCtx *ctx, JsonWriter *w, Query *running)
{
    QueryLag *lags;
    size_t    len = 0;

    jw_key(w, "tasksMetadata");
    jw_open(w, '[');
    if (running)
        query_lags(running, ctx->mem, &lags, &len);
    for (size_t i = 0; i < len; i++) {
        const PlanNode *scan = query_plan(running)->scans[lags[i].scan];

        jw_open(w, '{');
        jw_field_str(w, "taskId", str_printf(ctx->mem, "%u_%u", scan->stage, lags[i].partition));
        jw_key(w, "topicOffsets");
        jw_open(w, '[');
        jw_open(w, '{');
        jw_key(w, "topicPartitionEntity");
        jw_open(w, '{');
        jw_field_str(w, "topic", scan->u.scan.topic);
        jw_field_i64(w, "partition", lags[i].partition);
        jw_close(w, '}');
        jw_field_i64(w, "endOffset", lags[i].end);
        jw_field_i64(w, "committedOffset", lags[i].position);
        jw_close(w, '}');
        jw_close(w, ']');
        jw_field_null(w, "timeCurrentIdlingStarted");
        jw_close(w, '}');
    }
    jw_close(w, ']');
}

static void write_names(JsonWriter *w, const char *field, const Str *names, size_t len)
{
    jw_key(w, field);
    jw_open(w, '[');
    for (size_t i = 0; i < len; i++)
        jw_str(w, names[i]);
    jw_close(w, ']');
}

static void write_query(EntityCtx *ctx, JsonWriter *w, const Described *query)
{
    Engine *engine = ctx->call->api->engine;
    Query  *running = query->id.len ? query_find(engine_runtime(engine), query->id) : NULL;
    Buf     tree = buf_in(ctx->mem);

    if (query->plan)
        explain_plan(&tree, query->plan);
    else if (query->pull)
        explain_pull(&tree, query->pull);
    jw_open(w, '{');
    jw_field_str(w, "id", query->id);
    jw_field_str(w, "statementText", query->sql);
    jw_field_null(w, "windowType");
    jw_key(w, "fields");
    entity_fields(w, query->schema);
    write_names(w, "sources", query->sources, query->sources_len);
    write_names(w, "sinks", &query->sink, query->sink.ptr ? 1 : 0);
    jw_field_str(w, "topology", buf_view(&tree));
    jw_field_str(w, "executionPlan", buf_view(&tree));
    jw_field_empty(w, "overriddenProperties", "{}");
    jw_key(w, "ksqlHostQueryStatus");
    jw_open(w, '{');
    if (running) {
        jw_key_str(w, engine_host(ctx->call->api->engine));
        jw_str(w, query->state);
    }
    jw_close(w, '}');
    jw_field_c(w, "queryType", query->type);
    write_errors(w, running);
    write_tasks(ctx, w, running);
    jw_field_str(w, "consumerGroupId",
                 query->id.len ? query_group(ctx->mem, engine_service_id(engine), query->id)
                               : STR(""));
    jw_field_str(w, "state", query->state);
    jw_close(w, '}');
}

static Described describe_running(EntityCtx *ctx, const CatalogQuery *query)
{
    const Source *sink = query->sink.ptr ? catalog_source(ctx->catalog, query->sink) : NULL;

    return (Described){
        .id = query->id,
        .sql = query->sql,
        .state = query_state_name(ctx->call->api->engine, query),
        .type = "PERSISTENT",
        .schema = sink ? sink->schema : query->plan->root->schema,
        .plan = query->plan,
        .sources = query->sources,
        .sources_len = query->sources_len,
        .sink = query->sink,
    };
}

static void show_extended(EntityCtx *ctx, const AstStmt *stmt, JsonWriter *w)
{
    EntityWarnings warnings = {0};

    entity_warn_broker(ctx, &warnings);
    entity_begin(w, "query_descriptions", text_of(ctx, stmt));
    jw_key(w, "queryDescriptions");
    jw_open(w, '[');
    for (size_t i = 0; i < catalog_queries_len(ctx->catalog); i++) {
        Described query = describe_running(ctx, catalog_query_at(ctx->catalog, i));

        write_query(ctx, w, &query);
    }
    jw_close(w, ']');
    entity_end_warned(w, &warnings);
}

static ErrCode explain_running(EntityCtx *ctx, const AstStmt *stmt, JsonWriter *w, Err *err)
{
    const AstName      *name = &stmt->u.explain.query_id;
    const CatalogQuery *found = catalog_query(ctx->catalog, name->text);
    EntityWarnings      warnings = {0};
    Described           query;

    if (!found) {
        err_set_at(err, ERR_STATEMENT, name->pos, "no query with id \"%.*s\" is running",
                   STR_ARG(name->text));
        err_hint(err, "SHOW QUERIES lists them");
        return ERR_STATEMENT;
    }
    query = describe_running(ctx, found);
    entity_warn_broker(ctx, &warnings);
    entity_begin(w, "queryDescription", text_of(ctx, stmt));
    jw_key(w, "queryDescription");
    write_query(ctx, w, &query);
    entity_end_warned(w, &warnings);
    return ERR_OK;
}

static ErrCode explain_statement(EntityCtx *ctx, const AstStmt *stmt, JsonWriter *w, Err *err)
{
    const AstStmt *inner = stmt->u.explain.stmt;
    Described      query = {.id = STR(""), .state = STR(""), .type = "PERSISTENT"};
    StmtPlan       plan;

    if (inner->kind != AST_SELECT && inner->kind != AST_CREATE_AS &&
        inner->kind != AST_INSERT_QUERY) {
        err_set_at(err, ERR_STATEMENT, inner->pos, "%s is not explainable",
                   ast_stmt_kind_name(inner));
        err_hint(err, "EXPLAIN takes a SELECT, a CREATE ... AS SELECT, an INSERT INTO ... SELECT "
                      "or a query id");
        return ERR_STATEMENT;
    }
    TRY(engine_plan(ctx->call->api->engine, ctx->session, inner, ctx->mem, &plan, err));
    query.sql = plan.sql;
    query.plan = plan.query ? plan.query->plan : plan.plan;
    query.pull = plan.pull;
    if (plan.pull) {
        query.type = "PULL";
        query.schema = plan.pull->schema;
        query.sources = &plan.pull->source;
        query.sources_len = 1;
    } else if (plan.query) {
        query.schema = plan.source ? plan.source->schema : query.plan->root->schema;
        query.sources = plan.query->sources;
        query.sources_len = plan.query->sources_len;
        query.sink = plan.query->sink;
    } else if (query.plan) {
        query.type = plan.kind == STMT_PUSH_QUERY ? "PUSH" : "PULL";
        query.schema = query.plan->root->schema;
        query.sources = &query.plan->scans[0]->u.scan.source;
        query.sources_len = 1;
    }
    if (query.schema) {
        entity_begin(w, "queryDescription", text_of(ctx, stmt));
        jw_key(w, "queryDescription");
        write_query(ctx, w, &query);
    } else { /* CREATE IF NOT EXISTS of what exists: nothing would be done */
        entity_begin(w, "warning_entity", text_of(ctx, stmt));
        jw_field_str(w, "message", plan.warning);
    }
    entity_end(w);
    stmt_plan_deinit(&plan);
    return ERR_OK;
}

ErrCode entity_explain(EntityCtx *ctx, const AstStmt *stmt, JsonWriter *w, Err *err)
{
    if (stmt->kind == AST_SHOW) {
        show_extended(ctx, stmt, w);
        return ERR_OK;
    }
    if (stmt->u.explain.stmt)
        return explain_statement(ctx, stmt, w, err);
    return explain_running(ctx, stmt, w, err);
}
