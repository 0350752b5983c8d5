/*
 * api_describe.c -- DESCRIBE, EXPLAIN and the EXTENDED forms of SHOW.
 */
#include "server/api_internal.h"

#include "exec/functions/fn_table.h"
#include "planner/fn_resolve.h"
#include "planner/fn_sig.h"

static Str text_of(EntityCtx *ctx, const AstStmt *stmt)
{
    return str_printf(ctx->mem, "%.*s;", STR_ARG(stmt->text));
}

/* --- schemas ---------------------------------------------------------------------------------- */

static void write_field(JsonWriter *w, Str name, const Type *type, const char *kind, Str header)
{
    jw_open(w, '{');
    jw_field_str(w, "name", name);
    jw_key(w, "schema");
    entity_schema_info(w, type);
    if (kind)
        jw_field_c(w, "type", kind);
    if (header.ptr)
        jw_field_str(w, "headerKey", header);
    jw_close(w, '}');
}

void entity_schema_info(JsonWriter *w, const Type *type)
{
    jw_open(w, '{');
    jw_field_c(w, "type", type_kind_name(type->kind));
    jw_key(w, "fields");
    if (type->kind == T_STRUCT) {
        jw_open(w, '[');
        for (uint32_t i = 0; i < type->fields_len; i++)
            write_field(w, type->fields[i].name, type->fields[i].type, NULL, STR_NULL);
        jw_close(w, ']');
    } else {
        jw_null(w);
    }
    jw_key(w, "memberSchema");
    if (type->kind == T_ARRAY || type->kind == T_MAP)
        entity_schema_info(w, type->elem);
    else
        jw_null(w);
    if (type->kind == T_DECIMAL) {
        jw_key(w, "parameters");
        jw_open(w, '{');
        jw_field_i64(w, "precision", type->precision);
        jw_field_i64(w, "scale", type->scale);
        jw_close(w, '}');
    }
    jw_close(w, '}');
}

void entity_fields(JsonWriter *w, const Schema *schema)
{
    jw_open(w, '[');
    for (uint32_t i = 0; i < schema->len; i++) {
        const Column *col = &schema->cols[i];
        const char   *kind = i < schema->key_len                                         ? "KEY"
                             : col->role == COLUMN_HEADERS || col->role == COLUMN_HEADER ? "HEADER"
                                                                                         : NULL;

        write_field(w, col->name, col->type, kind,
                    col->role == COLUMN_HEADER ? col->header : STR_NULL);
    }
    jw_close(w, ']');
}

/* --- sources ---------------------------------------------------------------------------------- */

static bool reads(const CatalogQuery *query, Str source)
{
    for (uint32_t i = 0; i < query->sources_len; i++) {
        if (str_eq(query->sources[i], source))
            return true;
    }
    return false;
}

static void write_queries(EntityCtx *ctx, JsonWriter *w, const Source *source, bool is_write)
{
    jw_open(w, '[');
    for (size_t i = 0; i < catalog_queries_len(ctx->catalog); i++) {
        const CatalogQuery *query = catalog_query_at(ctx->catalog, i);
        bool                writes = query->sink.ptr && str_eq(query->sink, source->name);

        if (is_write ? writes : reads(query, source->name))
            entity_running_query(ctx, w, query);
    }
    jw_close(w, ']');
}

static void write_constraints(EntityCtx *ctx, JsonWriter *w, const Source *source)
{
    jw_key(w, "sourceConstraints");
    jw_open(w, '[');
    for (size_t i = 0; i < catalog_queries_len(ctx->catalog); i++) {
        const CatalogQuery *query = catalog_query_at(ctx->catalog, i);
        const Source *sink = query->sink.ptr ? catalog_source(ctx->catalog, query->sink) : NULL;

        if (sink && sink->created_by.ptr && str_eq(sink->created_by, query->id) &&
            reads(query, source->name))
            jw_str(w, sink->name);
    }
    jw_close(w, ']');
}

/* Totals of the queries that write the source. */
static OpCounters write_counters(EntityCtx *ctx, const Source *source)
{
    OpCounters sum = {0};

    for (size_t i = 0; i < catalog_queries_len(ctx->catalog); i++) {
        const CatalogQuery *query = catalog_query_at(ctx->catalog, i);
        Query              *running;
        QueryHealth         health;

        if (!query->sink.ptr || !str_eq(query->sink, source->name))
            continue;
        running = query_find(engine_runtime(ctx->call->api->engine), query->id);
        if (!running)
            continue;
        query_health(running, &health);
        sum.rows_in += health.counters.rows_in;
        sum.rows_out += health.counters.rows_out;
        sum.skipped += health.counters.skipped;
        sum.eval_errors += health.counters.eval_errors;
    }
    return sum;
}

/* What the broker says of a source's topic; all zero when it does not say anything now. */
typedef struct TopicLook {
    int32_t        replicas;
    PartitionEnds *ends; /* of the source's partitions */
} TopicLook;

/* A broker that is away is not asked: the rest of a description does not need it. */
static TopicLook look_at_topic(EntityCtx *ctx, const Source *source)
{
    Broker      *broker = engine_broker(ctx->call->api->engine);
    TopicLook    look = {.ends = ARENA_ARRAY(ctx->mem, PartitionEnds, source->partitions + 1)};
    BrokerHealth health;
    TopicInfo    info;
    Err          err;

    broker_health(broker, &health);
    if (!health.is_healthy ||
        broker_topic_describe(broker, source->topic, ctx->mem, &info, &err) != ERR_OK)
        return look;
    look.replicas = info.spec.replicas > 0 ? info.spec.replicas : 1;
    if (broker_topic_ends(broker, source->topic, look.ends, source->partitions, &err) != ERR_OK)
        memset(look.ends, 0, source->partitions * sizeof *look.ends);
    return look;
}

static void write_positions(JsonWriter *w, const CatalogQuery *query, const Source *source,
                            const TopicLook *look, const QueryLag *lags, size_t len)
{
    Str topic = source->topic;

    jw_key(w, "topicSummaries");
    jw_open(w, '[');
    jw_open(w, '{');
    jw_field_str(w, "kafkaTopic", topic);
    jw_key(w, "offsets");
    jw_open(w, '[');
    for (size_t i = 0; i < len; i++) {
        if (!str_eq(query->plan->scans[lags[i].scan]->u.scan.topic, topic))
            continue;
        jw_open(w, '{');
        jw_field_i64(w, "partition", lags[i].partition);
        jw_field_i64(w, "logStartOffset",
                     lags[i].partition < source->partitions ? look->ends[lags[i].partition].begin
                                                            : 0);
        jw_field_i64(w, "logEndOffset", lags[i].end);
        jw_field_i64(w, "consumerOffset", lags[i].position);
        jw_close(w, '}');
    }
    jw_close(w, ']');
    jw_close(w, '}');
    jw_close(w, ']');
}

/* Per reading query: where it stands on the source's topic. */
static void write_offsets(EntityCtx *ctx, JsonWriter *w, const Source *source,
                          const TopicLook *look)
{
    Engine  *engine = ctx->call->api->engine;
    Runtime *runtime = engine_runtime(engine);

    jw_key(w, "queryOffsetSummaries");
    jw_open(w, '[');
    for (size_t i = 0; i < catalog_queries_len(ctx->catalog); i++) {
        const CatalogQuery *query = catalog_query_at(ctx->catalog, i);
        Query              *running = NULL;
        QueryLag           *lags;
        size_t              len;

        if (reads(query, source->name))
            running = query_find(runtime, query->id);
        if (!running)
            continue;
        query_lags(running, ctx->mem, &lags, &len);
        jw_open(w, '{');
        jw_field_str(w, "groupId", query_group(ctx->mem, engine_service_id(engine), query->id));
        write_positions(w, query, source, look, lags, len);
        jw_close(w, '}');
    }
    jw_close(w, ']');
}

static void write_statistics(EntityCtx *ctx, JsonWriter *w, const Source *source, bool is_extended)
{
    OpCounters sum = is_extended ? write_counters(ctx, source) : (OpCounters){0};

    jw_field_str(w, "statistics",
                 is_extended ? str_printf(ctx->mem,
                                          "total-messages: %lld  "
                                          "consumer-total-messages: %lld",
                                          (long long)sum.rows_out, (long long)sum.rows_in)
                             : STR(""));
    jw_field_str(w, "errorStats",
                 is_extended ? str_printf(ctx->mem, "skipped: %lld  expression-errors: %lld",
                                          (long long)sum.skipped, (long long)sum.eval_errors)
                             : STR(""));
}

static void write_description(EntityCtx *ctx, JsonWriter *w, const Source *source, bool is_extended)
{
    TopicLook look = is_extended ? look_at_topic(ctx, source) : (TopicLook){0};

    jw_open(w, '{');
    jw_field_str(w, "name", source->name);
    jw_field_str(w, "windowType",
                 source->window == WINDOW_NONE ? STR_NULL
                                               : str_from(window_kind_name(source->window)));
    jw_key(w, "readQueries");
    write_queries(ctx, w, source, false);
    jw_key(w, "writeQueries");
    write_queries(ctx, w, source, true);
    jw_key(w, "fields");
    entity_fields(w, source->schema);
    jw_field_c(w, "type", source->is_table ? "TABLE" : "STREAM");
    jw_field_str(w, "timestamp", source->timestamp_name.ptr ? source->timestamp_name : STR(""));
    write_statistics(ctx, w, source, is_extended);
    jw_field_bool(w, "extended", is_extended);
    jw_field_c(w, "keyFormat", format_kind_name(source->key_format.kind));
    jw_field_c(w, "valueFormat", format_kind_name(source->value_format.kind));
    jw_field_str(w, "topic", source->topic);
    jw_field_i64(w, "partitions", is_extended ? source->partitions : 0);
    jw_field_i64(w, "replication", look.replicas);
    jw_field_str(w, "statement", source->sql);
    if (is_extended)
        write_offsets(ctx, w, source, &look);
    else
        jw_field_empty(w, "queryOffsetSummaries", "[]");
    write_constraints(ctx, w, source);
    jw_field_empty(w, "clusterStatistics", "[]");
    jw_field_empty(w, "clusterErrorStats", "[]");
    jw_close(w, '}');
}

static void describe_all(EntityCtx *ctx, const AstStmt *stmt, bool is_table, bool is_extended,
                         JsonWriter *w)
{
    entity_begin(w, "source_descriptions", text_of(ctx, stmt));
    jw_key(w, "sourceDescriptions");
    jw_open(w, '[');
    for (size_t i = 0; i < catalog_sources_len(ctx->catalog); i++) {
        const Source *source = catalog_source_at(ctx->catalog, i);

        if (source->is_table == is_table)
            write_description(ctx, w, source, is_extended);
    }
    jw_close(w, ']');
    entity_end(w);
}

/* The queries of a source that have failed. */
static void warn_queries(EntityCtx *ctx, const Source *source, EntityWarnings *warnings)
{
    for (size_t i = 0; i < catalog_queries_len(ctx->catalog); i++) {
        const CatalogQuery *query = catalog_query_at(ctx->catalog, i);

        if (reads(query, source->name) || (query->sink.ptr && str_eq(query->sink, source->name)))
            entity_warn_query(ctx, warnings, query);
    }
}

static ErrCode unknown_source(EntityCtx *ctx, const AstName *name, Err *err)
{
    size_t len = catalog_sources_len(ctx->catalog);
    Str   *names = ARENA_ARRAY(ctx->mem, Str, len + 1);
    Str    near;

    for (size_t i = 0; i < len; i++)
        names[i] = catalog_source_at(ctx->catalog, i)->name;
    near = str_nearest(name->text, names, len);
    err_set_at(err, ERR_STATEMENT, name->pos, "could not find stream or table \"%.*s\"",
               STR_ARG(name->text));
    if (near.ptr)
        err_hint(err, "did you mean \"%.*s\"", STR_ARG(near));
    return ERR_STATEMENT;
}

static ErrCode describe_source(EntityCtx *ctx, const AstStmt *stmt, JsonWriter *w, Err *err)
{
    const AstDescribe *describe = &stmt->u.describe;
    const Source      *source = catalog_source(ctx->catalog, describe->name.text);
    EntityWarnings     warnings = {0};

    if (!source)
        return unknown_source(ctx, &describe->name, err);
    entity_begin(w, "sourceDescription", text_of(ctx, stmt));
    jw_key(w, "sourceDescription");
    write_description(ctx, w, source, describe->is_extended);
    if (describe->is_extended)
        entity_warn_broker(ctx, &warnings);
    warn_queries(ctx, source, &warnings);
    entity_end_warned(w, &warnings);
    return ERR_OK;
}

/* --- functions -------------------------------------------------------------------------------- */

static Str param_type(Arena *mem, const FnType *type)
{
    Buf text = buf_in(mem);

    fn_type_print(&text, type);
    return buf_view(&text);
}

static void write_overload(JsonWriter *w, Arena *mem, const char *sig_text, const char *doc)
{
    const char *at;
    FnSig       sig;

    if (!fn_sig_parse(mem, sig_text, &sig, &at))
        return; /* a test walks the table: every signature parses */
    jw_open(w, '{');
    jw_key(w, "arguments");
    jw_open(w, '[');
    for (uint32_t i = 0; i < sig.params_len; i++) {
        jw_open(w, '{');
        jw_field_str(w, "name", sig.params[i].name);
        jw_field_str(w, "type", param_type(mem, sig.params[i].type));
        jw_field_c(w, "description", "");
        jw_field_bool(w, "isVariadic", sig.variadic == (int)i);
        jw_close(w, '}');
    }
    jw_close(w, ']');
    jw_field_str(w, "returnType", param_type(mem, sig.result));
    jw_field_c(w, "description", doc);
    jw_key(w, "argumentTypes");
    jw_open(w, '[');
    for (uint32_t i = 0; i < sig.params_len; i++)
        jw_str(w, param_type(mem, sig.params[i].type));
    jw_close(w, ']');
    jw_close(w, '}');
}

static void begin_function(EntityCtx *ctx, const AstStmt *stmt, JsonWriter *w, const char *name,
                           const char *type, const char *doc)
{
    entity_begin(w, "describe_function", text_of(ctx, stmt));
    jw_field_c(w, "name", name);
    jw_field_c(w, "description", doc);
    jw_field_c(w, "author", "Weir");
    jw_field_c(w, "version", "");
    jw_field_c(w, "path", "internal");
    jw_field_c(w, "type", type);
    jw_key(w, "functions");
    jw_open(w, '[');
}

static ErrCode unknown_function(Arena *mem, Str name, SrcPos pos, Err *err)
{
    Str near = fn_table_nearest(fn_table(), name, mem);

    err_set_at(err, ERR_STATEMENT, pos, "unknown function \"%.*s\"", STR_ARG(name));
    if (near.ptr)
        err_hint(err, "did you mean \"%.*s\"?", STR_ARG(near));
    else
        err_hint(err, "SHOW FUNCTIONS lists them");
    return ERR_STATEMENT;
}

static ErrCode describe_function(EntityCtx *ctx, const AstStmt *stmt, JsonWriter *w, Err *err)
{
    const FnTable *table = fn_table();
    Str            name = str_upper_ascii(ctx->mem, stmt->u.describe.name.text);
    bool           found = false;

    for (size_t i = 0; i < table->fns_len; i++) {
        const FnDef *fn = table->fns[i];

        if (!str_eq(name, str_from(fn->name)))
            continue;
        if (!found)
            begin_function(ctx, stmt, w, fn->name, "SCALAR", fn->doc);
        found = true;
        write_overload(w, ctx->mem, fn->sig, fn->doc);
    }
    for (size_t i = 0; i < table->aggs_len; i++) {
        const AggDef *agg = table->aggs[i];

        if (!str_eq(name, str_from(agg->name)))
            continue;
        if (!found)
            begin_function(ctx, stmt, w, agg->name, "AGGREGATE", agg->doc);
        found = true;
        write_overload(w, ctx->mem, agg->sig, agg->doc);
    }
    for (size_t i = 0; i < table->table_fns_len; i++) {
        const TableFnDef *fn = table->table_fns[i];

        if (!str_eq(name, str_from(fn->name)))
            continue;
        if (!found)
            begin_function(ctx, stmt, w, fn->name, "TABLE", fn->doc);
        found = true;
        write_overload(w, ctx->mem, fn->sig, fn->doc);
    }
    if (!found)
        return unknown_function(ctx->mem, name, stmt->u.describe.name.pos, err);
    jw_close(w, ']');
    entity_end(w);
    return ERR_OK;
}

ErrCode entity_describe(EntityCtx *ctx, const AstStmt *stmt, JsonWriter *w, Err *err)
{
    if (stmt->kind == AST_SHOW) {
        describe_all(ctx, stmt, stmt->u.show.kind == AST_SHOW_TABLES, true, w);
        return ERR_OK;
    }
    switch (stmt->u.describe.kind) {
    case AST_DESCRIBE_SOURCE:
        return describe_source(ctx, stmt, w, err);
    case AST_DESCRIBE_STREAMS:
    case AST_DESCRIBE_TABLES:
        describe_all(ctx, stmt, stmt->u.describe.kind == AST_DESCRIBE_TABLES,
                     stmt->u.describe.is_extended, w);
        return ERR_OK;
    case AST_DESCRIBE_FUNCTION:
        return describe_function(ctx, stmt, w, err);
    case AST_DESCRIBE_CONNECTOR:
        break;
    }
    return err_set_at(err, ERR_NOT_YET, stmt->pos, "not supported yet: connectors");
}
