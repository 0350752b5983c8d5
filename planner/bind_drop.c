/*
 * bind_drop.c -- DROP, TERMINATE, PAUSE, RESUME, and custom types.
 */
#include "planner/bind_stmt.h"

/* --- DROP STREAM|TABLE ------------------------------------------------------------------------ */

/* The query that makes the source: it ends with it. */
static bool is_own_query(const Source *source, const CatalogQuery *query)
{
    return (source->created_by.ptr && str_eq(source->created_by, query->id)) ||
           (source->view_query.ptr && str_eq(source->view_query, query->id));
}

static bool reads(const CatalogQuery *query, Str source)
{
    for (uint32_t i = 0; i < query->sources_len; i++) {
        if (str_eq(query->sources[i], source))
            return true;
    }
    return false;
}

static ErrCode refuse_drop(const Source *source, const CatalogQuery *query, SrcPos pos, Err *err)
{
    bool is_insert = !str_starts(query->id, STR("CSAS_")) && !str_starts(query->id, STR("CTAS_"));

    err_set_at(err, ERR_STATEMENT, pos, "cannot drop %s \"%.*s\": query %.*s %s it",
               source_kind(source->is_table), STR_ARG(source->name), STR_ARG(query->id),
               reads(query, source->name) ? "reads" : "writes to");
    if (is_insert)
        err_hint(err, "TERMINATE %.*s first", STR_ARG(query->id));
    else
        err_hint(err, "drop \"%.*s\" first", STR_ARG(query->sink));
    return ERR_STATEMENT;
}

static ErrCode find_dependents(StmtCtx *ctx, const Source *source, SrcPos pos, Err *err)
{
    const Catalog *catalog = ctx->env->catalog;
    Str           *ids = ARENA_ARRAY(ctx->mem, Str, catalog_queries_len(catalog));
    size_t         len = 0;

    for (size_t i = 0; i < catalog_queries_len(catalog); i++) {
        const CatalogQuery *query = catalog_query_at(catalog, i);

        if (is_own_query(source, query))
            ids[len++] = str_copy(ctx->mem, query->id);
        else if (!ctx->env->is_replay && (reads(query, source->name) ||
                                          (query->sink.ptr && str_eq(query->sink, source->name))))
            return refuse_drop(source, query, pos, err);
    }
    ctx->out->terminates = ids;
    ctx->out->terminates_len = len;
    return ERR_OK;
}

static ErrCode check_delete_topic(StmtCtx *ctx, const Source *source, SrcPos pos, Err *err)
{
    if (source->is_read_only)
        return err_set_at(err, ERR_STATEMENT, pos,
                          "cannot delete the topic of \"%.*s\": the source is read-only",
                          STR_ARG(source->name));
    for (size_t i = 0; i < catalog_sources_len(ctx->env->catalog); i++) {
        const Source *other = catalog_source_at(ctx->env->catalog, i);

        if (other != source && str_eq(other->topic, source->topic) && !ctx->env->is_replay)
            return err_set_at(
                err, ERR_STATEMENT, pos, "cannot delete topic \"%.*s\": %s \"%.*s\" is over it too",
                STR_ARG(source->topic), source_kind(other->is_table), STR_ARG(other->name));
    }
    return ERR_OK;
}

ErrCode bind_drop_source(StmtCtx *ctx, Err *err)
{
    const AstDropSource *ast = &ctx->stmt->u.drop_source;
    const Source        *source = catalog_source(ctx->env->catalog, ast->name.text);

    ctx->out->entity = ast->name.text;
    ctx->out->is_table = ast->is_table;
    if (!source && ast->if_exists) {
        ctx->out->kind = STMT_NOTHING;
        ctx->out->warning =
            str_printf(ctx->mem, "Source `%.*s` does not exist.", STR_ARG(ast->name.text));
        return ERR_OK;
    }
    TRY(find_source(ctx->env, ctx->mem, &ast->name, &source, err));
    if (source->is_table != ast->is_table) {
        err_set_at(err, ERR_STATEMENT, ast->name.pos, "\"%.*s\" is a %s, not a %s",
                   STR_ARG(source->name), source_kind(source->is_table),
                   source_kind(ast->is_table));
        err_hint(err, "write DROP %s", source->is_table ? "TABLE" : "STREAM");
        return ERR_STATEMENT;
    }
    if (source->is_internal)
        return err_set_at(err, ERR_STATEMENT, ast->name.pos,
                          "cannot drop \"%.*s\": the server itself writes to it",
                          STR_ARG(source->name));
    if (ast->delete_topic)
        TRY(check_delete_topic(ctx, source, ast->name.pos, err));
    ctx->out->kind = STMT_DROP_SOURCE;
    ctx->out->name = str_copy(ctx->mem, source->name);
    ctx->out->deletes_topic = ast->delete_topic;
    return find_dependents(ctx, source, ast->name.pos, err);
}

/* --- queries ---------------------------------------------------------------------------------- */

static ErrCode unknown_query(StmtCtx *ctx, const AstName *name, Err *err)
{
    const Catalog *catalog = ctx->env->catalog;
    size_t         len = catalog_queries_len(catalog);
    Str           *ids = ARENA_ARRAY(ctx->mem, Str, len);
    Str            near;

    for (size_t i = 0; i < len; i++)
        ids[i] = catalog_query_at(catalog, i)->id;
    near = str_nearest(name->text, ids, len);
    err_set_at(err, ERR_STATEMENT, name->pos, "unknown query \"%.*s\"", STR_ARG(name->text));
    if (near.ptr)
        err_hint(err, "did you mean %.*s?", STR_ARG(near));
    else
        err_hint(err, "SHOW QUERIES lists them");
    return ERR_STATEMENT;
}

ErrCode bind_query_control(StmtCtx *ctx, Err *err)
{
    const AstQueryId *ast = &ctx->stmt->u.query_id;
    const Catalog    *catalog = ctx->env->catalog;
    size_t            len = ast->is_all ? catalog_queries_len(catalog) : 1;
    Str              *ids = ARENA_ARRAY(ctx->mem, Str, len);

    ctx->out->kind = ctx->stmt->kind == AST_PAUSE    ? STMT_PAUSE
                     : ctx->stmt->kind == AST_RESUME ? STMT_RESUME
                                                     : STMT_TERMINATE;
    ctx->out->entity = ast->is_all ? STR("ALL") : ast->name.text;
    if (!ast->is_all && !catalog_query(catalog, ast->name.text))
        return unknown_query(ctx, &ast->name, err);
    for (size_t i = 0; i < len; i++)
        ids[i] =
            ast->is_all ? str_copy(ctx->mem, catalog_query_at(catalog, i)->id) : ast->name.text;
    ctx->out->terminates = ids;
    ctx->out->terminates_len = len;
    return ERR_OK;
}

/* --- types ------------------------------------------------------------------------------------ */

ErrCode bind_create_type(StmtCtx *ctx, Err *err)
{
    const AstCreateType *ast = &ctx->stmt->u.create_type;

    ctx->out->entity = ast->name.text;
    if (is_type_name(ast->name.text) && !ctx->env->is_replay) {
        err_set_at(err, ERR_STATEMENT, ast->name.pos, "%.*s is a built-in type",
                   STR_ARG(ast->name.text));
        err_hint(err, "give the new type another name");
        return ERR_STATEMENT;
    }
    if (catalog_type(ctx->env->catalog, ast->name.text)) {
        if (!ast->if_not_exists) {
            err_set_at(err, ERR_STATEMENT, ast->name.pos, "type \"%.*s\" exists",
                       STR_ARG(ast->name.text));
            err_hint(err, "DROP TYPE removes it");
            return ERR_STATEMENT;
        }
        ctx->out->kind = STMT_NOTHING;
        ctx->out->warning =
            str_printf(ctx->mem, "%.*s is already registered", STR_ARG(ast->name.text));
        return ERR_OK;
    }
    ctx->out->kind = STMT_CREATE_TYPE;
    ctx->out->type = catalog_type_new();
    ctx->out->type->name = str_copy(ctx->out->type->mem, ast->name.text);
    return bind_type(ctx->env, ctx->out->type->mem, ast->type, &ctx->out->type->type, err);
}

ErrCode bind_drop_type(StmtCtx *ctx, Err *err)
{
    const AstDrop *ast = &ctx->stmt->u.drop;

    ctx->out->entity = ast->name.text;
    if (!catalog_type(ctx->env->catalog, ast->name.text)) {
        if (!ast->if_exists)
            return err_set_at(err, ERR_STATEMENT, ast->name.pos, "type \"%.*s\" does not exist",
                              STR_ARG(ast->name.text));
        ctx->out->kind = STMT_NOTHING;
        ctx->out->warning =
            str_printf(ctx->mem, "Type '%.*s' does not exist", STR_ARG(ast->name.text));
        return ERR_OK;
    }
    ctx->out->kind = STMT_DROP_TYPE;
    ctx->out->name = ast->name.text;
    return ERR_OK;
}
