/*
 * bind_persistent.c -- queries that run for good: CREATE ... AS SELECT, INSERT INTO ... SELECT.
 *
 * The query is bound and planned in the arena of its CatalogQuery, which lives as long as it runs.
 */
#include "common/limit.h"
#include "parser/ast_print.h"
#include "planner/bind_stmt.h"
#include "planner/build.h"
#include "planner/replace.h"

/* --- ids -------------------------------------------------------------------------------------- */

static ErrCode check_query_limit(const StmtCtx *ctx, Err *err)
{
    Str     text = ctx->env->property(ctx->env->self, "ksql.query.persistent.active.limit");
    int64_t limit = g_limits.queries, own;
    size_t  running = catalog_queries_len(ctx->env->catalog);

    if (ctx->env->is_replay)
        return ERR_OK;
    if (text.ptr && str_to_i64(text, &own) && own < limit)
        limit = own;
    if ((int64_t)running < limit)
        return ERR_OK;
    err_set_at(err, ERR_LIMIT, ctx->stmt->pos,
               "%zu persistent queries run, and %lld are allowed by "
               "ksql.query.persistent.active.limit",
               running, (long long)limit);
    err_hint(err, "TERMINATE one, or raise the limit");
    return ERR_LIMIT;
}

/* QUERY_ID = 'name' in WITH of INSERT INTO. */
static ErrCode custom_id(const StmtCtx *ctx, const WithProps *props, Arena *mem, Str *out, Err *err)
{
    static const char *const taken[] = {"INSERTQUERY_", "CTAS_", "CSAS_", "CST_"};
    SrcPos                   pos = with_pos(props, WITH_QUERY_ID);
    Str                      text;

    TRY(with_text(props, WITH_QUERY_ID, &text, err));
    text = str_upper_ascii(mem, str_trim(text));
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool ok = (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';

        if (!ok)
            return err_set_at(err, ERR_STATEMENT, pos,
                              "QUERY_ID '%.*s' may hold letters, digits and _ only", STR_ARG(text));
    }
    if (text.len == 0)
        return err_set_at(err, ERR_STATEMENT, pos, "QUERY_ID is empty");
    for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++) {
        if (str_starts(text, str_from(taken[i])))
            return err_set_at(err, ERR_STATEMENT, pos,
                              "QUERY_ID may not begin with %s: Weir names queries so", taken[i]);
    }
    if (catalog_query(ctx->env->catalog, text))
        return err_set_at(err, ERR_STATEMENT, pos, "query \"%.*s\" exists", STR_ARG(text));
    *out = text;
    return ERR_OK;
}

/* --- the query -------------------------------------------------------------------------------- */

static void fill_sources(CatalogQuery *query, const BoundQuery *bound)
{
    uint32_t len = 0;
    Str     *names;

    for (const BoundQuery *arm = bound; arm; arm = arm->next)
        len += arm->scope.len;
    names = ARENA_ARRAY(query->mem, Str, len);
    query->sources = names;
    query->sources_len = len;
    for (const BoundQuery *arm = bound; arm; arm = arm->next) {
        for (uint32_t i = 0; i < arm->scope.len; i++)
            *names++ = str_copy(query->mem, arm->scope.sources[i].source->name);
    }
}

static BuildSink sink_of(const Source *source, Arena *mem, Str query_id)
{
    BuildSink sink = {.query_id = query_id,
                      .name = str_copy(mem, source->name),
                      .schema = schema_copy(mem, source->schema),
                      .topic = str_copy(mem, source->topic),
                      .key_format = source->key_format,
                      .value_format = source->value_format,
                      .timestamp = source->timestamp,
                      .partitions = source->partitions,
                      .has_view = source->is_table};

    if (sink.key_format.full_name.ptr)
        sink.key_format.full_name = str_copy(mem, sink.key_format.full_name);
    if (sink.value_format.full_name.ptr)
        sink.value_format.full_name = str_copy(mem, sink.value_format.full_name);
    if (sink.timestamp.format.ptr)
        sink.timestamp.format = str_copy(mem, sink.timestamp.format);
    return sink;
}

/* --- CREATE ... AS ---------------------------------------------------------------------------- */

/* What a sink has of its source's format: not the names of its schemas. */
static FormatSpec inherited(const FormatSpec *from)
{
    return (FormatSpec){.kind = from->kind, .delimiter = from->delimiter, .schema_id = -1};
}

/* Without value columns only JSON writes something: an empty object, and not null. */
static ErrCode check_empty_value(const WithProps *props, const Source *sink, Err *err)
{
    if (sink->schema->len > sink->schema->key_len || sink->value_format.kind == FORMAT_JSON)
        return ERR_OK;
    err_set_at(err, ERR_STATEMENT, with_pos(props, WITH_VALUE_FORMAT),
               "a row without value columns would be a deletion in value format %s",
               format_kind_name(sink->value_format.kind));
    err_hint(err, "write VALUE_FORMAT = 'JSON' in WITH");
    return ERR_STATEMENT;
}

/* Formats come from the left-most source unless they are written. */
static ErrCode sink_formats(StmtCtx *ctx, const WithProps *props, const BoundQuery *bound,
                            Source *sink, Err *err)
{
    const Source *left = bound->scope.sources[0].source;
    FormatSpec   *key = &sink->key_format, *value = &sink->value_format;
    Str           fallback;

    *key = inherited(&left->key_format);
    *value = inherited(&left->value_format);
    TRY(with_formats(props, key, value, err));
    if (sink->schema->key_len == 0) {
        if (with_has_key_format(props) && props->given[WITH_KEY_FORMAT] && key->kind != FORMAT_NONE)
            return err_set_at(err, ERR_STATEMENT, with_pos(props, WITH_KEY_FORMAT),
                              "KEY_FORMAT is written, but the result has no key columns");
        key->kind = FORMAT_NONE;
    } else if (key->kind == FORMAT_NONE && !with_has_key_format(props)) {
        fallback = ctx->env->property(ctx->env->self, "ksql.persistence.default.format.key");
        if (!fallback.ptr || !format_kind_parse(fallback, &key->kind))
            key->kind = FORMAT_KAFKA;
    }
    key->full_name = key->full_name.ptr ? str_copy(sink->mem, key->full_name) : STR_NULL;
    value->full_name = value->full_name.ptr ? str_copy(sink->mem, value->full_name) : STR_NULL;
    TRY(format_finish(ctx->env, props, sink->schema, key, value, err));
    TRY(format_check(sink->schema, key, value, props->pos, err));
    return check_empty_value(props, sink, err);
}

static CleanupPolicy sink_cleanup(const Source *sink)
{
    if (!sink->is_table)
        return CLEANUP_DELETE;
    return sink->window == WINDOW_NONE ? CLEANUP_COMPACT : CLEANUP_COMPACT_DELETE;
}

/* Of a sink's topic that somebody else made: does its policy drop what the sink is to hold? */
static Str topic_caution(StmtCtx *ctx, const Source *sink, const TopicFacts *there)
{
    bool is_compacted = there->cleanup != CLEANUP_DELETE;
    bool is_cut = there->cleanup != CLEANUP_COMPACT && there->retention_ms >= 0;

    if (!sink->is_table && is_compacted)
        return str_printf(ctx->mem,
                          "topic \"%.*s\" exists and is compacted: of the records of a key only "
                          "the latest stays, and Kafka refuses those without a key; take another "
                          "topic, or set its cleanup.policy to delete",
                          STR_ARG(sink->topic));
    if (sink->is_table && sink->window == WINDOW_NONE && is_cut)
        return str_printf(ctx->mem,
                          "topic \"%.*s\" exists and drops records after %lld ms: rows that do "
                          "not change for so long are missing from it; take another topic, or set "
                          "its cleanup.policy to compact",
                          STR_ARG(sink->topic), (long long)there->retention_ms);
    return STR_NULL;
}

/* A new sink's topic is like the left-most source's, as far as WITH does not say otherwise. */
static ErrCode sink_topic(StmtCtx *ctx, const WithProps *props, const BoundQuery *bound,
                          Source *sink, Err *err)
{
    const Source *left = bound->scope.sources[0].source;
    TopicFacts   *facts = &ctx->out->topic_facts, there;
    bool          keeps_all = sink->is_table && sink->window == WINDOW_NONE;
    Str           topic, prefix;

    if (keeps_all && props->given[WITH_RETENTION_MS])
        return err_set_at(err, ERR_STATEMENT, with_pos(props, WITH_RETENTION_MS),
                          "RETENTION_MS is for streams and windowed tables: a table keeps its "
                          "rows");
    if (props->given[WITH_KAFKA_TOPIC]) {
        TRY(with_text(props, WITH_KAFKA_TOPIC, &topic, err));
        if (str_trim(topic).len == 0)
            return err_set_at(err, ERR_STATEMENT, with_pos(props, WITH_KAFKA_TOPIC),
                              "KAFKA_TOPIC is empty");
        sink->topic = str_copy(sink->mem, topic);
    } else {
        prefix = ctx->env->property(ctx->env->self, "ksql.output.topic.name.prefix");
        sink->topic = str_printf(sink->mem, "%.*s%.*s", STR_ARG(prefix), STR_ARG(sink->name));
    }
    *facts = (TopicFacts){.partitions = left->partitions,
                          .replicas = -1,
                          .retention_ms = keeps_all ? -1 : with_retention_default(ctx->env),
                          .cleanup = sink_cleanup(sink)};
    if (ctx->env->topic(ctx->env->self, left->topic, &there)) {
        facts->replicas = there.replicas;
        if (!keeps_all && there.retention_ms != RETENTION_UNKNOWN &&
            there.cleanup != CLEANUP_COMPACT)
            facts->retention_ms = there.retention_ms;
    }
    ctx->out->topic = str_copy(ctx->mem, sink->topic);
    TRY(with_topic(ctx->env, props, sink->topic, true,
                   bound->window ? bound->window->retention_ms : 0, facts, &ctx->out->is_topic_new,
                   err));
    sink->partitions = facts->partitions;
    if (!ctx->out->is_topic_new && !ctx->env->is_replay)
        ctx->out->caution = topic_caution(ctx, sink, facts);
    return ERR_OK;
}

static ErrCode check_result_kind(const AstCreateAs *ast, const BoundQuery *bound, Err *err)
{
    if (bound->is_table == ast->is_table)
        return ERR_OK;
    err_set_at(err, ERR_STATEMENT, ast->name.pos,
               "cannot create %s \"%.*s\": the result of its query is a %s",
               source_kind(ast->is_table), STR_ARG(ast->name.text), source_kind(bound->is_table));
    err_hint(err, "write CREATE %s ... AS SELECT", bound->is_table ? "TABLE" : "STREAM");
    return ERR_STATEMENT;
}

/* The sink as a source of the catalog. */
static ErrCode fill_sink(StmtCtx *ctx, const AstCreateAs *ast, const BoundQuery *bound,
                         Source *sink, Err *err)
{
    WithProps props;

    TRY(with_props_read(&ast->props, ctx->stmt->pos, WITH_IN_CREATE_AS, &props, err));
    sink->name = str_copy(sink->mem, ast->name.text);
    sink->sql = ast_text(sink->mem, ctx->stmt);
    sink->is_table = ast->is_table;
    sink->schema = schema_copy(sink->mem, bound_schema(ctx->mem, bound));
    sink->physical = sink->schema;
    if (bound->window) {
        sink->window = bound->window->kind;
        sink->window_size_ms = bound->window->kind == WINDOW_SESSION ? 0 : bound->window->size_ms;
    } else {
        sink->window = bound->scope.sources[0].source->window;
        sink->window_size_ms = bound->scope.sources[0].source->window_size_ms;
    }
    TRY(sink_formats(ctx, &props, bound, sink, err));
    TRY(with_timestamp(ctx->env, &props, sink->mem, sink->schema, &sink->timestamp,
                       &sink->timestamp_name, err));
    return sink_topic(ctx, &props, bound, sink, err);
}

/* OR REPLACE is off by configuration: then a taken name is a taken name. */
static bool may_replace(const PlannerEnv *env)
{
    Str value = env->property(env->self, "ksql.create.or.replace.enabled");

    return !value.ptr || !str_eq_nocase(value, STR("false"));
}

static ErrCode plan_create_as(StmtCtx *ctx, const AstCreateAs *ast, const Source *before, Err *err)
{
    CatalogQuery *query = ctx->out->query = catalog_query_new();
    Source       *sink = ctx->out->source = source_new();
    BoundQuery    bound;
    BuildSink     build;

    TRY(bind_query(ctx->env, query->mem, ast->query, QUERY_PERSISTENT, &bound, err));
    TRY(check_result_kind(ast, &bound, err));
    TRY(fill_sink(ctx, ast, &bound, sink, err));
    query->id = before && before->created_by.ptr
                    ? str_copy(query->mem, before->created_by)
                    : str_printf(query->mem, "%s_%.*s_%llu", ast->is_table ? "CTAS" : "CSAS",
                                 STR_ARG(sink->name), (unsigned long long)ctx->env->query_number);
    query->sql = str_copy(query->mem, sink->sql);
    query->sink = str_copy(query->mem, sink->name);
    fill_sources(query, &bound);
    sink->created_by = str_copy(sink->mem, query->id);
    sink->view_query = ast->is_table ? str_copy(sink->mem, query->id) : STR_NULL;
    build = sink_of(sink, query->mem, query->id);
    TRY(build_plan(query->mem, &bound, &build, &query->plan, err));
    if (before)
        TRY(check_query_replaceable(ctx->env->catalog, before, sink, query->plan, ast->name.pos,
                                    err));
    if (before && before->created_by.ptr)
        ctx->out->replaces_query = query->id;
    return ERR_OK;
}

ErrCode bind_create_as(StmtCtx *ctx, Err *err)
{
    const AstCreateAs *ast = &ctx->stmt->u.create_as;
    const Source      *before = catalog_source(ctx->env->catalog, ast->name.text);
    bool               done;

    ctx->out->kind = STMT_CREATE_AS;
    ctx->out->entity = ast->name.text;
    ctx->out->is_table = ast->is_table;
    TRY(check_source_name(&ast->name, err));
    TRY(check_name_free(ctx, &ast->name, ast->is_table, ast->or_replace && may_replace(ctx->env),
                        ast->if_not_exists, &done, err));
    if (done)
        return ERR_OK;
    if (!before)
        TRY(check_query_limit(ctx, err));
    return plan_create_as(ctx, ast, before, err);
}

/* --- INSERT INTO ... SELECT ------------------------------------------------------------------- */

static ErrCode find_target(StmtCtx *ctx, const AstName *name, const Source **out, Err *err)
{
    const Source *target;

    TRY(find_source(ctx->env, ctx->mem, name, &target, err));
    if (target->is_table)
        return err_set_at(err, ERR_STATEMENT, name->pos,
                          "INSERT INTO ... SELECT writes to a stream, and \"%.*s\" is a table",
                          STR_ARG(target->name));
    if (target->is_read_only || target->is_internal)
        return err_set_at(err, ERR_STATEMENT, name->pos,
                          "cannot insert into \"%.*s\": it is read-only", STR_ARG(target->name));
    if (schema_has_headers(target->schema))
        return err_set_at(err, ERR_STATEMENT, name->pos,
                          "cannot insert into \"%.*s\": it has header columns, which cannot be "
                          "written",
                          STR_ARG(target->name));
    *out = target;
    return ERR_OK;
}

static ErrCode schema_mismatch(StmtCtx *ctx, const Schema *result, const Source *target, SrcPos pos,
                               Err *err)
{
    Buf have = buf_in(ctx->mem), want = buf_in(ctx->mem);

    schema_print(&have, result, true);
    schema_print(&want, target->schema, true);
    return err_set_at(err, ERR_STATEMENT, pos,
                      "the result does not fit \"%.*s\": the query gives %.*s, the stream has %.*s",
                      STR_ARG(target->name), STR_ARG(buf_view(&have)), STR_ARG(buf_view(&want)));
}

/* Names of values are free to differ, positions and keys are not; numbers may be narrower. */
static ErrCode check_fits(StmtCtx *ctx, const Schema *result, const Source *target, SrcPos pos,
                          Err *err)
{
    const Schema *wanted = target->schema;

    if (result->len != wanted->len || result->key_len != wanted->key_len)
        return schema_mismatch(ctx, result, target, pos, err);
    for (uint32_t i = 0; i < wanted->len; i++) {
        const Column *have = &result->cols[i], *want = &wanted->cols[i];
        bool          ok = str_eq(have->name, want->name) &&
                  (i < wanted->key_len ? type_eq(have->type, want->type)
                                       : widens_to(have->type, want->type));

        if (!ok)
            return schema_mismatch(ctx, result, target, pos, err);
    }
    return ERR_OK;
}

static ErrCode plan_insert(StmtCtx *ctx, const WithProps *props, const Source *target, Err *err)
{
    const AstInsertQuery *ast = &ctx->stmt->u.insert_query;
    CatalogQuery         *query = ctx->out->query = catalog_query_new();
    BoundQuery            bound;
    BuildSink             build;

    if (props->given[WITH_QUERY_ID])
        TRY(custom_id(ctx, props, query->mem, &query->id, err));
    else
        query->id =
            str_printf(query->mem, "INSERTQUERY_%llu", (unsigned long long)ctx->env->query_number);
    ctx->out->entity = query->id;
    query->sql = ast_text(query->mem, ctx->stmt);
    query->sink = str_copy(query->mem, target->name);
    TRY(bind_query(ctx->env, query->mem, ast->query, QUERY_PERSISTENT, &bound, err));
    if (bound.is_table)
        return err_set_at(err, ERR_STATEMENT, ast->target.pos,
                          "cannot insert into stream \"%.*s\": the result of the query is a table",
                          STR_ARG(target->name));
    TRY(check_fits(ctx, bound_schema(ctx->mem, &bound), target, ast->target.pos, err));
    fill_sources(query, &bound);
    build = sink_of(target, query->mem, query->id);
    build.casts = true;
    TRY(build_plan(query->mem, &bound, &build, &query->plan, err));
    return ERR_OK;
}

ErrCode bind_insert_query(StmtCtx *ctx, Err *err)
{
    const AstInsertQuery *ast = &ctx->stmt->u.insert_query;
    const Source         *target = NULL;
    WithProps             props;

    ctx->out->kind = STMT_INSERT_SELECT;
    TRY(with_props_read(&ast->props, ctx->stmt->pos, WITH_IN_INSERT, &props, err));
    TRY(find_target(ctx, &ast->target, &target, err));
    TRY(check_query_limit(ctx, err));
    return plan_insert(ctx, &props, target, err);
}
