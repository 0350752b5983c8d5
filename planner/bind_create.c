/*
 * bind_create.c -- CREATE [SOURCE] STREAM|TABLE without a query, and ALTER.
 */
#include "common/limit.h"
#include "parser/ast_print.h"
#include "planner/bind_stmt.h"
#include "planner/build.h"

const char *source_kind(bool is_table)
{
    return is_table ? "table" : "stream";
}

bool is_pseudo_name(Str name)
{
    PseudoColumn pseudo;

    return pseudo_column_find(name, &pseudo);
}

ErrCode check_source_name(const AstName *name, Err *err)
{
    for (size_t i = 0; i < name->text.len; i++) {
        char c = name->text.ptr[i];
        bool ok = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                  c == '_' || c == '-';

        if (!ok)
            return err_set_at(err, ERR_STATEMENT, name->pos,
                              "invalid name \"%.*s\": names of streams and tables are made of "
                              "letters, digits, _ and -",
                              STR_ARG(name->text));
    }
    return ERR_OK;
}

ErrCode find_source(const PlannerEnv *env, Arena *mem, const AstName *name, const Source **out,
                    Err *err)
{
    size_t len = catalog_sources_len(env->catalog);
    Str   *names;
    Str    near;

    *out = catalog_source(env->catalog, name->text);
    if (*out)
        return ERR_OK;
    names = ARENA_ARRAY(mem, Str, len);
    for (size_t i = 0; i < len; i++)
        names[i] = catalog_source_at(env->catalog, i)->name;
    near = str_nearest(name->text, names, len);
    err_set_at(err, ERR_STATEMENT, name->pos, "stream or table \"%.*s\" does not exist",
               STR_ARG(name->text));
    if (near.ptr && str_eq_nocase(near, name->text))
        err_hint(err, "its name is \"%.*s\": quote it to keep the case of its letters",
                 STR_ARG(near));
    else if (near.ptr)
        err_hint(err, "did you mean \"%.*s\"?", STR_ARG(near));
    return ERR_STATEMENT;
}

ErrCode check_name_free(StmtCtx *ctx, const AstName *name, bool is_table, bool or_replace,
                        bool if_not_exists, bool *done, Err *err)
{
    const Source *there = catalog_source(ctx->env->catalog, name->text);

    *done = false;
    if (!there)
        return ERR_OK;
    if (if_not_exists) {
        ctx->out->kind = STMT_NOTHING;
        ctx->out->warning =
            str_printf(ctx->mem, "Cannot add %s `%.*s`: A %s with the same name already exists.",
                       source_kind(is_table), STR_ARG(name->text), source_kind(there->is_table));
        *done = true;
        return ERR_OK;
    }
    if (!or_replace) {
        err_set_at(err, ERR_STATEMENT, name->pos,
                   "cannot add %s \"%.*s\": a %s of that name exists", source_kind(is_table),
                   STR_ARG(name->text), source_kind(there->is_table));
        err_hint(err, "CREATE OR REPLACE changes it, DROP %s removes it",
                 there->is_table ? "TABLE" : "STREAM");
        return ERR_STATEMENT;
    }
    if (there->is_read_only || there->is_internal)
        return err_set_at(err, ERR_STATEMENT, name->pos,
                          "cannot replace %s \"%.*s\": it is read-only",
                          source_kind(there->is_table), STR_ARG(name->text));
    return ERR_OK;
}

/* --- columns ---------------------------------------------------------------------------------- */

static ErrCode check_headers_type(const AstColumn *ast, const Column *column, Err *err)
{
    const Type *type = column->type, *item;
    bool        ok;

    if (column->role == COLUMN_HEADER) {
        if (type->kind == T_BYTES)
            return ERR_OK;
        return err_set_at(err, ERR_STATEMENT, ast->pos,
                          "column \"%.*s\" is a HEADER('key'): its type must be BYTES",
                          STR_ARG(column->name));
    }
    item = type->kind == T_ARRAY ? type->elem : NULL;
    ok = item && item->kind == T_STRUCT && item->fields_len == 2 &&
         str_eq(item->fields[0].name, STR("KEY")) && item->fields[0].type->kind == T_STRING &&
         str_eq(item->fields[1].name, STR("VALUE")) && item->fields[1].type->kind == T_BYTES;
    if (!ok)
        return err_set_at(err, ERR_STATEMENT, ast->pos,
                          "column \"%.*s\" is HEADERS: its type must be "
                          "ARRAY<STRUCT<KEY STRING, VALUE BYTES>>",
                          STR_ARG(column->name));
    return ERR_OK;
}

/* At most one HEADERS, not beside HEADER('k'), each key once. */
static ErrCode check_headers_once(const AstColumn *ast, const Column *column, const Column *before,
                                  uint32_t len, Err *err)
{
    for (uint32_t i = 0; i < len; i++) {
        bool both = (before[i].role == COLUMN_HEADERS || before[i].role == COLUMN_HEADER) &&
                    (before[i].role == COLUMN_HEADERS || column->role == COLUMN_HEADERS);

        if (both)
            return err_set_at(err, ERR_STATEMENT, ast->pos,
                              "HEADERS stands for all headers: \"%.*s\" cannot be beside \"%.*s\"",
                              STR_ARG(column->name), STR_ARG(before[i].name));
        if (before[i].role == COLUMN_HEADER && str_eq(before[i].header, column->header))
            return err_set_at(err, ERR_STATEMENT, ast->pos,
                              "HEADER('%.*s') stands twice, in \"%.*s\" and \"%.*s\"",
                              STR_ARG(column->header), STR_ARG(before[i].name),
                              STR_ARG(column->name));
    }
    return ERR_OK;
}

static ErrCode bind_column(const PlannerEnv *env, Arena *mem, const AstColumn *ast,
                           const Column *before, uint32_t len, Column *out, Err *err)
{
    static const ColumnRole roles[] = {
        [AST_COLUMN_VALUE] = COLUMN_VALUE,     [AST_COLUMN_KEY] = COLUMN_KEY,
        [AST_COLUMN_PRIMARY_KEY] = COLUMN_KEY, [AST_COLUMN_HEADERS] = COLUMN_HEADERS,
        [AST_COLUMN_HEADER] = COLUMN_HEADER,
    };

    *out = (Column){.name = str_copy(mem, ast->name.text), .role = roles[ast->role]};
    if (is_pseudo_name(out->name))
        return err_set_at(err, ERR_STATEMENT, ast->name.pos,
                          "\"%.*s\" is the name of a pseudo column, which every source has",
                          STR_ARG(out->name));
    for (uint32_t i = 0; i < len; i++) {
        if (str_eq(before[i].name, out->name))
            return err_set_at(err, ERR_STATEMENT, ast->name.pos, "column \"%.*s\" stands twice",
                              STR_ARG(out->name));
    }
    TRY(bind_type(env, mem, ast->type, &out->type, err));
    if (out->role == COLUMN_HEADER)
        out->header = str_copy(mem, ast->header_key);
    if (out->role == COLUMN_HEADER || out->role == COLUMN_HEADERS) {
        TRY(check_headers_type(ast, out, err));
        TRY(check_headers_once(ast, out, before, len, err));
    }
    return ERR_OK;
}

/* Keys first, each part in the order written. */
static const Schema *order_columns(Arena *mem, const Column *cols, uint32_t len)
{
    Schema *schema = ARENA_NEW(mem, Schema);
    Column *ordered = ARENA_ARRAY(mem, Column, len);

    for (uint32_t i = 0; i < len; i++) {
        if (cols[i].role == COLUMN_KEY)
            ordered[schema->key_len++] = cols[i];
    }
    schema->len = schema->key_len;
    for (uint32_t i = 0; i < len; i++) {
        if (cols[i].role != COLUMN_KEY)
            ordered[schema->len++] = cols[i];
    }
    schema->cols = ordered;
    return schema;
}

static ErrCode bind_columns(const PlannerEnv *env, Arena *mem, const AstColumns *ast,
                            const Schema **out, Err *err)
{
    Column *cols = ARENA_ARRAY(mem, Column, ast->len);

    if ((int64_t)ast->len > g_limits.columns)
        return err_set_at(err, ERR_LIMIT, ast->pos, "%zu columns: at most %lld are possible",
                          ast->len, (long long)g_limits.columns);
    for (uint32_t i = 0; i < ast->len; i++)
        TRY(bind_column(env, mem, &ast->items[i], cols, i, &cols[i], err));
    *out = order_columns(mem, cols, (uint32_t)ast->len);
    return ERR_OK;
}

static ErrCode check_columns(const AstCreateSource *ast, const WithProps *props,
                             const Schema *schema, Err *err)
{
    if (schema->len == 0) {
        err_set_at(err, ERR_STATEMENT, ast->name.pos, "%s \"%.*s\" has no columns",
                   source_kind(ast->is_table), STR_ARG(ast->name.text));
        err_hint(err, "list them behind the name: these formats do not know them");
        return ERR_STATEMENT;
    }
    if (ast->is_table && schema->key_len == 0) {
        err_set_at(err, ERR_STATEMENT, ast->name.pos, "table \"%.*s\" has no PRIMARY KEY",
                   STR_ARG(ast->name.text));
        err_hint(err, "mark the column that identifies a row: id INT PRIMARY KEY");
        return ERR_STATEMENT;
    }
    if (ast->is_table && props->given[WITH_RETENTION_MS])
        return err_set_at(err, ERR_STATEMENT, with_pos(props, WITH_RETENTION_MS),
                          "RETENTION_MS is for streams: a table keeps its rows");
    return ERR_OK;
}

/* --- CREATE ----------------------------------------------------------------------------------- */

static FormatSpec default_format(const PlannerEnv *env, const char *property)
{
    FormatSpec spec = {.kind = FORMAT_COUNT_, .delimiter = ',', .schema_id = -1};
    Str        name = env->property(env->self, property);

    if (name.ptr)
        (void)format_kind_parse(name, &spec.kind);
    return spec;
}

static ErrCode bind_formats(const PlannerEnv *env, const WithProps *props, Source *source, Err *err)
{
    FormatSpec *key = &source->key_format, *value = &source->value_format;

    *key = default_format(env, "ksql.persistence.default.format.key");
    *value = default_format(env, "ksql.persistence.default.format.value");
    if (key->kind == FORMAT_COUNT_)
        key->kind = FORMAT_KAFKA;
    TRY(with_formats(props, key, value, err));
    key->full_name = key->full_name.ptr ? str_copy(source->mem, key->full_name) : STR_NULL;
    value->full_name = value->full_name.ptr ? str_copy(source->mem, value->full_name) : STR_NULL;
    TRY(format_finish(env, props, source->schema, key, value, err));
    return format_check(source->schema, key, value, props->pos, err);
}

static ErrCode bind_topic(StmtCtx *ctx, const WithProps *props, Source *source, Err *err)
{
    Str topic;

    if (!props->given[WITH_KAFKA_TOPIC]) {
        err_set_at(err, ERR_STATEMENT, props->pos, "the topic of %s \"%.*s\" is missing",
                   source_kind(source->is_table), STR_ARG(source->name));
        err_hint(err, "write KAFKA_TOPIC = 'name' in WITH");
        return ERR_STATEMENT;
    }
    TRY(with_text(props, WITH_KAFKA_TOPIC, &topic, err));
    if (str_trim(topic).len == 0)
        return err_set_at(err, ERR_STATEMENT, with_pos(props, WITH_KAFKA_TOPIC),
                          "KAFKA_TOPIC is empty");
    source->topic = str_copy(source->mem, topic);
    ctx->out->topic = str_copy(ctx->mem, topic);
    ctx->out->topic_facts =
        (TopicFacts){.replicas = -1,
                     .retention_ms = source->is_table ? -1 : with_retention_default(ctx->env),
                     .cleanup = source->is_table ? CLEANUP_COMPACT : CLEANUP_DELETE};
    TRY(with_topic(ctx->env, props, topic, false, 0, &ctx->out->topic_facts,
                   &ctx->out->is_topic_new, err));
    source->partitions = ctx->out->topic_facts.partitions;
    return ERR_OK;
}

/* Fills source from the statement; what it points at lives in the source's arena. */
static ErrCode fill_source(StmtCtx *ctx, Source *source, Err *err)
{
    const AstCreateSource *ast = &ctx->stmt->u.create_source;
    WithProps              props;

    source->name = str_copy(source->mem, ast->name.text);
    source->sql = ast_text(source->mem, ctx->stmt);
    source->is_table = ast->is_table;
    source->is_read_only = ast->is_source;
    TRY(with_props_read(&ast->props, ctx->stmt->pos, WITH_IN_CREATE, &props, err));
    TRY(bind_columns(ctx->env, source->mem, &ast->columns, &source->schema, err));
    source->physical = source->schema;
    TRY(bind_formats(ctx->env, &props, source, err));
    TRY(check_columns(ast, &props, source->schema, err));
    TRY(with_timestamp(ctx->env, &props, source->mem, source->schema, &source->timestamp,
                       &source->timestamp_name, err));
    TRY(with_window(&props, source->schema, &source->window, &source->window_size_ms, err));
    return bind_topic(ctx, &props, source, err);
}

static bool wants_materialisation(const PlannerEnv *env)
{
    Str value = env->property(env->self, "ksql.source.table.materialization.enabled");

    return !value.ptr || !str_eq_nocase(value, STR("false"));
}

ErrCode bind_create_source(StmtCtx *ctx, Err *err)
{
    const AstCreateSource *ast = &ctx->stmt->u.create_source;
    const Source          *before = catalog_source(ctx->env->catalog, ast->name.text);
    bool                   done;

    ctx->out->kind = STMT_CREATE_SOURCE;
    ctx->out->entity = ast->name.text;
    ctx->out->is_table = ast->is_table;
    TRY(check_source_name(&ast->name, err));
    if (ast->is_source && ast->or_replace)
        return err_set_at(err, ERR_STATEMENT, ast->name.pos,
                          "cannot add %s \"%.*s\": CREATE OR REPLACE is not possible for SOURCE "
                          "%ss",
                          source_kind(ast->is_table), STR_ARG(ast->name.text),
                          source_kind(ast->is_table));
    TRY(check_name_free(ctx, &ast->name, ast->is_table, ast->or_replace, ast->if_not_exists, &done,
                        err));
    if (done)
        return ERR_OK;
    ctx->out->source = source_new();
    TRY(fill_source(ctx, ctx->out->source, err));
    if (before)
        TRY(check_replaceable(before, ctx->out->source, ast->name.pos, err));
    if (ast->is_source && ast->is_table && wants_materialisation(ctx->env))
        return build_source_table(ctx->env, ctx->out, err);
    return ERR_OK;
}

/* --- changes of a source ---------------------------------------------------------------------- */

static bool same_format(const FormatSpec *a, const FormatSpec *b)
{
    return format_same_bytes(a, b) && a->is_wrapped == b->is_wrapped &&
           str_eq(a->full_name, b->full_name);
}

static ErrCode irreplaceable(const Source *before, SrcPos pos, const char *why, Err *err)
{
    return err_set_at(err, ERR_STATEMENT, pos, "cannot replace %s \"%.*s\": %s",
                      source_kind(before->is_table), STR_ARG(before->name), why);
}

static ErrCode check_columns_kept(const Source *before, const Source *after, SrcPos pos, Err *err)
{
    if (before->schema->key_len != after->schema->key_len)
        return irreplaceable(before, pos, "its key columns would change", err);
    for (uint32_t i = 0; i < before->schema->len; i++) {
        const Column *column = &before->schema->cols[i];

        if (i < after->schema->len && column_eq(column, &after->schema->cols[i]))
            continue;
        err_set_at(err, ERR_STATEMENT, pos,
                   "cannot replace %s \"%.*s\": column \"%.*s\" would change, move or go",
                   source_kind(before->is_table), STR_ARG(before->name), STR_ARG(column->name));
        err_hint(err, "new columns can only be added behind the others");
        return ERR_STATEMENT;
    }
    return ERR_OK;
}

ErrCode check_replaceable(const Source *before, const Source *after, SrcPos pos, Err *err)
{
    if (before->is_table != after->is_table)
        return err_set_at(err, ERR_STATEMENT, pos, "cannot replace %s \"%.*s\" by a %s",
                          source_kind(before->is_table), STR_ARG(before->name),
                          source_kind(after->is_table));
    if (!str_eq(before->topic, after->topic))
        return irreplaceable(before, pos, "its topic would change", err);
    if (!same_format(&before->key_format, &after->key_format) ||
        !same_format(&before->value_format, &after->value_format))
        return irreplaceable(before, pos, "its formats would change", err);
    if (!str_eq(before->timestamp_name, after->timestamp_name) ||
        !str_eq(before->timestamp.format, after->timestamp.format))
        return irreplaceable(before, pos, "its timestamp column would change", err);
    if (before->window != after->window || before->window_size_ms != after->window_size_ms)
        return irreplaceable(before, pos, "its window would change", err);
    return check_columns_kept(before, after, pos, err);
}

Source *source_copy(const Source *source)
{
    Source *copy = source_new();
    Arena  *mem = copy->mem;
    int     refs = copy->refs;

    *copy = *source;
    copy->mem = mem;
    copy->refs = refs;
    copy->name = str_copy(mem, source->name);
    copy->sql = str_copy(mem, source->sql);
    copy->schema = schema_copy(mem, source->schema);
    copy->physical =
        source->physical == source->schema ? copy->schema : schema_copy(mem, source->physical);
    copy->topic = str_copy(mem, source->topic);
    copy->timestamp_name = str_copy(mem, source->timestamp_name);
    if (source->timestamp.format.ptr)
        copy->timestamp.format = str_copy(mem, source->timestamp.format);
    if (source->key_format.full_name.ptr)
        copy->key_format.full_name = str_copy(mem, source->key_format.full_name);
    if (source->value_format.full_name.ptr)
        copy->value_format.full_name = str_copy(mem, source->value_format.full_name);
    if (source->created_by.ptr)
        copy->created_by = str_copy(mem, source->created_by);
    if (source->view_query.ptr)
        copy->view_query = str_copy(mem, source->view_query);
    return copy;
}

static ErrCode check_alterable(const AstAlterSource *ast, const Source *before, Err *err)
{
    const char *why = NULL;

    if (before->is_table != ast->is_table)
        return err_set_at(err, ERR_STATEMENT, ast->name.pos, "\"%.*s\" is a %s, not a %s",
                          STR_ARG(before->name), source_kind(before->is_table),
                          source_kind(ast->is_table));
    if (before->is_read_only || before->is_internal)
        why = "it is read-only";
    else if (before->created_by.ptr)
        why = "its query decides its columns: CREATE OR REPLACE changes that";
    if (!why)
        return ERR_OK;
    return err_set_at(err, ERR_STATEMENT, ast->name.pos, "cannot alter %s \"%.*s\": %s",
                      source_kind(before->is_table), STR_ARG(before->name), why);
}

static ErrCode add_columns(StmtCtx *ctx, Source *source, Err *err)
{
    const AstAlterSource *ast = &ctx->stmt->u.alter_source;
    const Schema         *before = source->schema;
    uint32_t              len = before->len;
    Column               *cols = ARENA_ARRAY(source->mem, Column, len + ast->columns.len);
    Schema               *schema = ARENA_NEW(source->mem, Schema);

    memcpy(cols, before->cols, len * sizeof *cols);
    for (size_t i = 0; i < ast->columns.len; i++, len++) {
        TRY(bind_column(ctx->env, source->mem, &ast->columns.items[i], cols, len, &cols[len], err));
        if (cols[len].role != COLUMN_VALUE)
            return err_set_at(err, ERR_STATEMENT, ast->columns.items[i].pos,
                              "ALTER adds value columns only");
    }
    *schema = (Schema){.cols = cols, .len = len, .key_len = before->key_len};
    source->schema = schema;
    source->physical = schema;
    return ERR_OK;
}

ErrCode bind_alter_source(StmtCtx *ctx, Err *err)
{
    const AstAlterSource *ast = &ctx->stmt->u.alter_source;
    const Source         *before;
    WithProps             none = {.pos = ast->name.pos};

    ctx->out->kind = STMT_ALTER_SOURCE;
    ctx->out->entity = ast->name.text;
    ctx->out->is_table = ast->is_table;
    TRY(find_source(ctx->env, ctx->mem, &ast->name, &before, err));
    TRY(check_alterable(ast, before, err));
    ctx->out->source = source_copy(before);
    TRY(add_columns(ctx, ctx->out->source, err));
    /* A second value column needs a record around it; a format that has none is refused. */
    if (!ctx->out->source->value_format.is_wrapped)
        TRY(format_finish(ctx->env, &none, ctx->out->source->schema, &ctx->out->source->key_format,
                          &ctx->out->source->value_format, err));
    return format_check(ctx->out->source->schema, &ctx->out->source->key_format,
                        &ctx->out->source->value_format, ast->name.pos, err);
}
