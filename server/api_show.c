/*
 * api_show.c -- SHOW and LIST, ASSERT TOPIC.
 */
#include "server/api_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "exec/functions/fn_table.h"

static Str text_of(EntityCtx *ctx, const AstStmt *stmt)
{
    return str_printf(ctx->mem, "%.*s;", STR_ARG(stmt->text));
}

/* --- STREAMS, TABLES -------------------------------------------------------------------------- */

static void write_source(JsonWriter *w, const Source *source)
{
    jw_open(w, '{');
    jw_field_c(w, "type", source->is_table ? "TABLE" : "STREAM");
    jw_field_str(w, "name", source->name);
    jw_field_str(w, "topic", source->topic);
    jw_field_c(w, "keyFormat", format_kind_name(source->key_format.kind));
    jw_field_c(w, "valueFormat", format_kind_name(source->value_format.kind));
    jw_field_bool(w, "isWindowed", source->window != WINDOW_NONE);
    jw_close(w, '}');
}

static void show_sources(EntityCtx *ctx, const AstStmt *stmt, bool is_table, JsonWriter *w)
{
    entity_begin(w, is_table ? "tables" : "streams", text_of(ctx, stmt));
    jw_key(w, is_table ? "tables" : "streams");
    jw_open(w, '[');
    for (size_t i = 0; i < catalog_sources_len(ctx->catalog); i++) {
        const Source *source = catalog_source_at(ctx->catalog, i);

        if (source->is_table == is_table)
            write_source(w, source);
    }
    jw_close(w, ']');
    entity_end(w);
}

/* --- TOPICS ----------------------------------------------------------------------------------- */

/* Who reads a topic: queries that run, and partitions that they have, as Kafka's tools count groups
 * and what their members are assigned. */
typedef struct TopicReaders {
    int64_t consumers, groups;
    size_t  counted; /* the last query that was counted, from 1: it may scan the topic twice */
} TopicReaders;

static void count_query(EntityCtx *ctx, Map *readers, const Plan *plan, size_t number)
{
    for (uint32_t i = 0; i < plan->scans_len; i++) {
        Str           topic = plan->scans[i]->u.scan.topic;
        TopicReaders *count = map_get(readers, topic);

        if (!count) {
            count = ARENA_NEW(ctx->mem, TopicReaders);
            map_put(readers, topic, count);
        }
        if (count->counted == number)
            continue;
        count->counted = number;
        count->groups++;
        count->consumers += plan->scans[i]->u.scan.partitions;
    }
}

static void count_readers(EntityCtx *ctx, Map *readers)
{
    Runtime *runtime = engine_runtime(ctx->call->api->engine);

    map_init(readers, ctx->mem);
    for (size_t i = 0; i < catalog_queries_len(ctx->catalog); i++) {
        const CatalogQuery *query = catalog_query_at(ctx->catalog, i);

        if (query_find(runtime, query->id))
            count_query(ctx, readers, query->plan, i + 1);
    }
}

/* readers: NULL when they are not asked for. */
static void write_topic(JsonWriter *w, const TopicInfo *topic, const Map *readers)
{
    jw_open(w, '{');
    jw_field_str(w, "name", topic->spec.name);
    jw_key(w, "replicaInfo");
    jw_open(w, '[');
    for (uint32_t p = 0; p < topic->spec.partitions; p++)
        jw_i64(w, topic->spec.replicas > 0 ? topic->spec.replicas : 1);
    jw_close(w, ']');
    if (readers) {
        const TopicReaders *count = map_get(readers, topic->spec.name);

        jw_field_i64(w, "consumerCount", count ? count->consumers : 0);
        jw_field_i64(w, "consumerGroupCount", count ? count->groups : 0);
    }
    jw_close(w, '}');
}

static ErrCode show_topics(EntityCtx *ctx, const AstStmt *stmt, JsonWriter *w, Err *err)
{
    const AstShow *show = &stmt->u.show;
    Engine        *engine = ctx->call->api->engine;
    TopicInfo     *topics;
    size_t         len;
    Map            readers;

    TRY(broker_topics(engine_broker(engine), ctx->mem, &topics, &len, err));
    if (show->is_extended)
        count_readers(ctx, &readers);
    entity_begin(w, show->is_extended ? "kafka_topics_extended" : "kafka_topics",
                 text_of(ctx, stmt));
    jw_key(w, "topics");
    jw_open(w, '[');
    for (size_t i = 0; i < len; i++) {
        if (show->is_all || !engine_topic_is_internal(engine, topics[i].spec.name))
            write_topic(w, &topics[i], show->is_extended ? &readers : NULL);
    }
    jw_close(w, ']');
    entity_end(w);
    return ERR_OK;
}

/* --- QUERIES ---------------------------------------------------------------------------------- */

Str query_state_name(Engine *engine, const CatalogQuery *query)
{
    Query      *running = query_find(engine_runtime(engine), query->id);
    QueryHealth health;

    if (!running)
        return query->status == QUERY_PAUSED ? STR("PAUSED") : STR("ERROR");
    query_health(running, &health);
    switch (health.state) {
    case QUERY_STATE_PAUSED:
        return STR("PAUSED");
    case QUERY_STATE_FAILED:
        return STR("ERROR");
    case QUERY_STATE_RUNNING:
        break;
    }
    return STR("RUNNING");
}

static void write_sinks(EntityCtx *ctx, JsonWriter *w, const CatalogQuery *query)
{
    const Source *sink = query->sink.ptr ? catalog_source(ctx->catalog, query->sink) : NULL;

    jw_key(w, "sinks");
    jw_open(w, '[');
    if (sink)
        jw_str(w, sink->name);
    jw_close(w, ']');
    jw_key(w, "sinkKafkaTopics");
    jw_open(w, '[');
    if (sink)
        jw_str(w, sink->topic);
    jw_close(w, ']');
}

void entity_running_query(EntityCtx *ctx, JsonWriter *w, const CatalogQuery *query)
{
    Str state = query_state_name(ctx->call->api->engine, query);

    jw_open(w, '{');
    jw_field_str(w, "queryString", query->sql);
    write_sinks(ctx, w, query);
    jw_field_str(w, "id", query->id);
    jw_key(w, "statusCount");
    jw_open(w, '{');
    jw_key_str(w, state);
    jw_i64(w, 1);
    jw_close(w, '}');
    jw_field_c(w, "queryType", "PERSISTENT");
    jw_field_str(w, "state", str_printf(ctx->mem, "%.*s:1", STR_ARG(state)));
    jw_close(w, '}');
}

static void write_push(JsonWriter *w, const PushInfo *push)
{
    jw_open(w, '{');
    jw_field_str(w, "queryString", push->sql);
    jw_field_empty(w, "sinks", "[]");
    jw_field_empty(w, "sinkKafkaTopics", "[]");
    jw_field_str(w, "id", push->id);
    jw_field_empty(w, "statusCount", "{\"RUNNING\":1}");
    jw_field_c(w, "queryType", push->is_pull ? "PULL" : "PUSH");
    jw_field_c(w, "state", "RUNNING:1");
    jw_close(w, '}');
}

static void show_queries(EntityCtx *ctx, const AstStmt *stmt, JsonWriter *w)
{
    EntityWarnings warnings = {0};
    PushInfo      *pushes;
    size_t         len;

    entity_warn_broker(ctx, &warnings);
    entity_begin(w, "queries", text_of(ctx, stmt));
    jw_key(w, "queries");
    jw_open(w, '[');
    for (size_t i = 0; i < catalog_queries_len(ctx->catalog); i++) {
        entity_running_query(ctx, w, catalog_query_at(ctx->catalog, i));
        entity_warn_query(ctx, &warnings, catalog_query_at(ctx->catalog, i));
    }
    engine_push_list(ctx->call->api->engine, ctx->mem, &pushes, &len);
    for (size_t i = 0; i < len; i++)
        write_push(w, &pushes[i]);
    jw_close(w, ']');
    entity_end_warned(w, &warnings);
}

/* --- FUNCTIONS -------------------------------------------------------------------------------- */

static void write_function(JsonWriter *w, const char *name, const char *type, const char *category)
{
    jw_open(w, '{');
    jw_field_c(w, "name", name);
    jw_field_c(w, "type", type);
    jw_field_c(w, "category", category);
    jw_close(w, '}');
}

static void show_functions(EntityCtx *ctx, const AstStmt *stmt, JsonWriter *w)
{
    const FnTable *table = fn_table();
    const char    *last = "";

    entity_begin(w, "function_names", text_of(ctx, stmt));
    jw_key(w, "functions");
    jw_open(w, '[');
    for (size_t i = 0; i < table->fns_len; last = table->fns[i++]->name) {
        if (strcmp(table->fns[i]->name, last) != 0)
            write_function(w, table->fns[i]->name, "SCALAR", table->fns[i]->category);
    }
    for (size_t i = 0; i < table->aggs_len; last = table->aggs[i++]->name) {
        if (strcmp(table->aggs[i]->name, last) != 0)
            write_function(w, table->aggs[i]->name, "AGGREGATE", "AGGREGATE");
    }
    for (size_t i = 0; i < table->table_fns_len; last = table->table_fns[i++]->name) {
        if (strcmp(table->table_fns[i]->name, last) != 0)
            write_function(w, table->table_fns[i]->name, "TABLE", "TABLE");
    }
    jw_close(w, ']');
    entity_end(w);
}

/* --- PROPERTIES, TYPES, VARIABLES ------------------------------------------------------------- */

static void write_property(EntityCtx *ctx, JsonWriter *w, const PropertyDef *def)
{
    Str value = properties_get(&ctx->session->props, def->name);

    jw_open(w, '{');
    jw_field_c(w, "name", def->name);
    jw_field_c(w, "scope", "KSQL");
    jw_field_str(w, "value", value);
    jw_field_bool(w, "editable", def->level == PROPERTY_QUERY);
    jw_field_c(w, "level", def->level == PROPERTY_QUERY ? "QUERY" : "SERVER");
    jw_close(w, '}');
}

static void write_property_names(EntityCtx *ctx, JsonWriter *w, bool is_default)
{
    size_t             len;
    const PropertyDef *table = properties_table(&len);

    for (size_t i = 0; i < len; i++) {
        Str  name = str_from(table[i].name);
        bool is_overridden = map_get(&ctx->session->props.values, name) != NULL;
        bool is_set =
            is_overridden || map_get(&engine_properties(ctx->call->api->engine)->values, name);

        if (table[i].is_ignored)
            continue;
        if (is_default ? !is_set : is_overridden)
            jw_str(w, name);
    }
}

static void show_properties(EntityCtx *ctx, const AstStmt *stmt, JsonWriter *w)
{
    size_t             len;
    const PropertyDef *table = properties_table(&len);

    entity_begin(w, "properties", text_of(ctx, stmt));
    jw_key(w, "properties");
    jw_open(w, '[');
    for (size_t i = 0; i < len; i++) {
        if (!table[i].is_ignored)
            write_property(ctx, w, &table[i]);
    }
    jw_close(w, ']');
    jw_key(w, "overwrittenProperties");
    jw_open(w, '[');
    write_property_names(ctx, w, false);
    jw_close(w, ']');
    jw_key(w, "defaultProperties");
    jw_open(w, '[');
    write_property_names(ctx, w, true);
    jw_close(w, ']');
    entity_end(w);
}

static void show_types(EntityCtx *ctx, const AstStmt *stmt, JsonWriter *w)
{
    entity_begin(w, "type_list", text_of(ctx, stmt));
    jw_key(w, "types");
    jw_open(w, '{');
    for (size_t i = 0; i < catalog_types_len(ctx->catalog); i++) {
        const CatalogType *type = catalog_type_at(ctx->catalog, i);

        jw_key_str(w, type->name);
        entity_schema_info(w, type->type);
    }
    jw_close(w, '}');
    entity_end(w);
}

static void show_variables(EntityCtx *ctx, const AstStmt *stmt, JsonWriter *w)
{
    size_t          at = 0;
    const MapEntry *entry;

    entity_begin(w, "variables", text_of(ctx, stmt));
    jw_key(w, "variables");
    jw_open(w, '[');
    while ((entry = map_next(&ctx->session->variables, &at))) {
        jw_open(w, '{');
        jw_field_str(w, "name", entry->key);
        jw_field_str(w, "value", *(const Str *)entry->value);
        jw_close(w, '}');
    }
    jw_close(w, ']');
    entity_end(w);
}

ErrCode entity_show(EntityCtx *ctx, const AstStmt *stmt, JsonWriter *w, Err *err)
{
    switch (stmt->u.show.kind) {
    case AST_SHOW_STREAMS:
    case AST_SHOW_TABLES:
        if (stmt->u.show.is_extended)
            return entity_describe(ctx, stmt, w, err);
        show_sources(ctx, stmt, stmt->u.show.kind == AST_SHOW_TABLES, w);
        return ERR_OK;
    case AST_SHOW_TOPICS:
        return show_topics(ctx, stmt, w, err);
    case AST_SHOW_QUERIES:
        if (stmt->u.show.is_extended)
            return entity_explain(ctx, stmt, w, err);
        show_queries(ctx, stmt, w);
        return ERR_OK;
    case AST_SHOW_FUNCTIONS:
        show_functions(ctx, stmt, w);
        return ERR_OK;
    case AST_SHOW_PROPERTIES:
        show_properties(ctx, stmt, w);
        return ERR_OK;
    case AST_SHOW_TYPES:
        show_types(ctx, stmt, w);
        return ERR_OK;
    case AST_SHOW_VARIABLES:
        show_variables(ctx, stmt, w);
        return ERR_OK;
    case AST_SHOW_CONNECTORS:
    case AST_SHOW_CONNECTOR_PLUGINS:
        break;
    }
    return err_set_at(err, ERR_NOT_YET, stmt->pos, "not supported yet: connectors");
}

/* --- ASSERT TOPIC ----------------------------------------------------------------------------- */

static bool int_property(const AstProp *prop, int64_t *out)
{
    if (prop->value.kind == T_INT || prop->value.kind == T_BIGINT) {
        *out = prop->value.u.i;
        return true;
    }
    return prop->value.kind == T_STRING && str_to_i64(value_as_str(prop->value), out);
}

/* ERR_ASSERT: not as asserted; anything else is final. */
static ErrCode check_topic(EntityCtx *ctx, const AstAssertTopic *want, Err *err)
{
    TopicInfo info;
    ErrCode rc = broker_topic_describe(engine_broker(ctx->call->api->engine), want->topic.original,
                                       ctx->mem, &info, err);

    if (rc != ERR_OK && rc != ERR_TOPIC_MISSING)
        return rc;
    if (want->not_exists)
        return rc == ERR_TOPIC_MISSING
                   ? ERR_OK
                   : err_set(err, ERR_ASSERT, "Topic %.*s exists", STR_ARG(want->topic.original));
    if (rc == ERR_TOPIC_MISSING)
        return err_set(err, ERR_ASSERT, "Topic %.*s does not exist", STR_ARG(want->topic.original));
    for (size_t i = 0; i < want->props.len; i++) {
        const AstProp *prop = &want->props.items[i];
        int64_t        wanted, found;

        if (str_eq_nocase(prop->name.text, STR("PARTITIONS")))
            found = info.spec.partitions;
        else if (str_eq_nocase(prop->name.text, STR("REPLICAS")))
            found = info.spec.replicas > 0 ? info.spec.replicas : 1;
        else
            return err_set_at(err, ERR_STATEMENT, prop->pos,
                              "cannot assert \"%.*s\" of a topic: only PARTITIONS and REPLICAS",
                              STR_ARG(prop->name.text));
        if (!int_property(prop, &wanted))
            return err_set_at(err, ERR_STATEMENT, prop->pos, "%.*s must be a whole number",
                              STR_ARG(prop->name.text));
        if (wanted != found)
            return err_set(
                err, ERR_ASSERT,
                "Mismatched configuration for topic %.*s: %.*s: expected %lld, found %lld",
                STR_ARG(want->topic.original), STR_ARG(prop->name.text), (long long)wanted,
                (long long)found);
    }
    return ERR_OK;
}

ErrCode entity_assert(EntityCtx *ctx, const AstStmt *stmt, JsonWriter *w, Err *err)
{
    const AstAssertTopic *want = &stmt->u.assert_topic;
    const Clock          *clock = clock_system();
    int64_t               timeout_ms =
        properties_int(&ctx->session->props, "ksql.assert.topic.default.timeout.ms");
    int64_t until_ns;
    ErrCode rc;

    if (want->has_timeout && !ast_duration_ms(want->timeout, &timeout_ms))
        return err_set_at(err, ERR_STATEMENT, want->timeout.pos, "the timeout is too long");
    until_ns = clock_monotonic_ns(clock) + timeout_ms * 1000000;
    while ((rc = check_topic(ctx, want, err)) == ERR_ASSERT) {
        if (engine_is_inline(ctx->call->api->engine) || clock_monotonic_ns(clock) >= until_ns)
            break;
        nanosleep(&(struct timespec){0, 20000000}, NULL);
    }
    TRY(rc);
    entity_begin(w, "assert_topic", text_of(ctx, stmt));
    jw_field_str(w, "topicName", want->topic.original);
    jw_field_bool(w, "exists", !want->not_exists);
    entity_end(w);
    return ERR_OK;
}
