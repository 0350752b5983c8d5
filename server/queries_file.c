/*
 * queries_file.c -- statements in a file, applied at every start.
 *
 * The file says what is to exist.  Each statement is compared with what the catalog has, by its
 * printed text without OR REPLACE and IF NOT EXISTS, and is executed only where they differ.
 *
 * The file is read twice: first every statement is tried in a sandbox, so that a mistake anywhere
 * leaves everything as it was; then they run.
 */
#include "server/queries_file.h"

#include <errno.h>
#include <stdio.h>

#include "common/limit.h"
#include "common/log.h"
#include "parser/ast_print.h"

/* One reading of the file. */
typedef struct QueriesFile {
    Engine     *engine;
    const char *path;
    Sandbox    *sandbox; /* NULL: statements run */
    Session     session;
    Arena      *mem;   /* of the whole run */
    Map         named; /* sources and texts of INSERTs that the file has */
    Map         types; /* and its types, whose names are their own */
    size_t      executed, skipped;
} QueriesFile;

/* What is to be done about a statement. */
typedef enum Verdict { RUN, RUN_AS_REPLACE, SKIP } Verdict;

static ErrCode read_file(const char *path, Buf *out, Err *err)
{
    FILE   *file = fopen(path, "rb");
    ErrCode rc = ERR_OK;
    size_t  got = 1;

    if (!file)
        return err_set(err, ERR_IO, "could not open the queries file \"%s\": %s", path,
                       strerror(errno));
    while (got > 0 && out->len <= (size_t)g_limits.statement_bytes) {
        buf_reserve(out, 65536);
        got = fread(out->ptr + out->len, 1, 65536, file);
        out->len += got;
    }
    if (ferror(file))
        rc = err_set(err, ERR_IO, "could not read the queries file \"%s\": %s", path,
                     strerror(errno));
    else if (out->len > (size_t)g_limits.statement_bytes)
        rc = err_set(err, ERR_LIMIT,
                     "the queries file \"%s\" is over the limit of %lld bytes "
                     "(weir.limit.statement.bytes)",
                     path, (long long)g_limits.statement_bytes);
    fclose(file);
    return rc;
}

/* --- comparing -------------------------------------------------------------------------------- */

/* The text that is compared: how the statement treats an existing object does not count. */
static Str plain_text(Arena *mem, const AstStmt *stmt)
{
    AstStmt plain = *stmt;

    if (stmt->kind == AST_CREATE_SOURCE)
        plain.u.create_source.or_replace = plain.u.create_source.if_not_exists = false;
    else if (stmt->kind == AST_CREATE_AS)
        plain.u.create_as.or_replace = plain.u.create_as.if_not_exists = false;
    return ast_text(mem, &plain);
}

/* The statement that the catalog has as text, without what ends it; NULL if it no longer parses. */
static const AstStmt *stmt_of(Arena *mem, Str sql)
{
    AstStmtList stmts;
    Err         err;
    Str         text = str_printf(mem, "%.*s;", STR_ARG(sql));

    if (parser_parse(mem, text, (ParserOpts){0}, &stmts, &err) != ERR_OK || stmts.len != 1)
        return NULL;
    return stmts.items[0];
}

static bool is_same(Arena *mem, const AstStmt *stmt, Str sql)
{
    const AstStmt *known = stmt_of(mem, sql);

    return known && str_eq(plain_text(mem, stmt), plain_text(mem, known));
}

static Verdict judge_source(Arena *mem, const Catalog *catalog, const AstStmt *stmt, Str name)
{
    const Source *source = catalog_source(catalog, name);

    if (!source)
        return RUN;
    return is_same(mem, stmt, source->sql) ? SKIP : RUN_AS_REPLACE;
}

static Verdict judge_insert(Arena *mem, const Catalog *catalog, const AstStmt *stmt)
{
    for (size_t i = 0; i < catalog_queries_len(catalog); i++) {
        if (is_same(mem, stmt, catalog_query_at(catalog, i)->sql))
            return SKIP;
    }
    return RUN;
}

/* Custom types have no text to compare: the type itself is, planned under a name that is free. */
static ErrCode judge_type(QueriesFile *file, Arena *mem, const Catalog *catalog,
                          const AstStmt *stmt, Verdict *out, Err *err)
{
    const CatalogType *type = catalog_type(catalog, stmt->u.create_type.name.text);
    AstStmt            probe = *stmt;
    StmtPlan           plan;
    bool               is_equal;

    *out = RUN;
    if (!type)
        return ERR_OK;
    probe.u.create_type.name.text = STR(" ");
    TRY(engine_plan(file->engine, &file->session, &probe, mem, &plan, err));
    is_equal = plan.type && type_eq(plan.type->type, type->type);
    stmt_plan_deinit(&plan);
    *out = SKIP;
    if (is_equal)
        return ERR_OK;
    return err_set_at(err, ERR_STATEMENT, stmt->pos,
                      "type \"%.*s\" exists with another definition: cannot replace a type",
                      STR_ARG(stmt->u.create_type.name.text));
}

static ErrCode judge(QueriesFile *file, Arena *mem, const AstStmt *stmt, Verdict *out, Err *err)
{
    Catalog *catalog = engine_catalog(file->engine);
    Map     *named = stmt->kind == AST_CREATE_TYPE ? &file->types : &file->named;
    Str      name = STR_NULL;
    ErrCode  rc = ERR_OK;

    if (stmt->kind == AST_CREATE_TYPE) {
        name = stmt->u.create_type.name.text;
        rc = judge_type(file, mem, catalog, stmt, out, err);
    } else if (stmt->kind == AST_INSERT_QUERY) {
        name = plain_text(mem, stmt);
        *out = judge_insert(mem, catalog, stmt);
    } else {
        name = stmt->kind == AST_CREATE_AS ? stmt->u.create_as.name.text
                                           : stmt->u.create_source.name.text;
        *out = judge_source(mem, catalog, stmt, name);
    }
    catalog_unref(catalog);
    /* The one would replace the other at every start. */
    if (rc == ERR_OK && stmt->kind != AST_INSERT_QUERY && map_get(named, name))
        rc = err_set_at(err, ERR_STATEMENT, stmt->pos, "\"%.*s\" is created twice in this file",
                        STR_ARG(name));
    map_put(named, str_copy(file->mem, name), file);
    return rc;
}

/* --- running ---------------------------------------------------------------------------------- */

static ErrCode session_statement(Session *session, const AstStmt *stmt, Err *err)
{
    ErrCode rc;

    const AstSetting *setting = &stmt->u.setting;
    Str              *value;

    switch (stmt->kind) {
    case AST_SET:
        rc = properties_override(&session->props, setting->name, setting->value, err);
        if (rc != ERR_OK)
            err->pos = stmt->pos;
        return rc;
    case AST_UNSET:
        properties_unset(&session->props, setting->name);
        break;
    case AST_DEFINE:
        value = ARENA_NEW(session->mem, Str);
        *value = str_copy(session->mem, stmt->u.variable.value);
        map_put(&session->variables, str_copy(session->mem, stmt->u.variable.name.text), value);
        break;
    default:
        (void)map_remove(&session->variables, stmt->u.variable.name.text);
        break;
    }
    return ERR_OK;
}

static ErrCode run(QueriesFile *file, Arena *mem, const AstStmt *stmt, Verdict verdict, Err *err)
{
    AstStmt       copy = *stmt;
    CommandResult result;
    Str           message;

    if (verdict == SKIP) {
        file->skipped++;
        return ERR_OK;
    }
    if (verdict == RUN_AS_REPLACE && stmt->kind == AST_CREATE_AS) {
        copy.u.create_as.or_replace = true;
        copy.u.create_as.if_not_exists = false;
    } else if (verdict == RUN_AS_REPLACE) {
        copy.u.create_source.or_replace = true;
        copy.u.create_source.if_not_exists = false;
    }
    file->executed++;
    if (file->sandbox)
        return sandbox_try(file->sandbox, &file->session, &copy, mem, err);
    TRY(engine_execute(file->engine, &file->session, &copy, mem, &result, err));
    message = result.warning.ptr ? result.warning : result.message;
    if (result.is_failed)
        return err_set_at(err, ERR_STATEMENT, stmt->pos, "%.*s", STR_ARG(message));
    log_line(LOG_INFO, "queries", "%s:%u: %.*s", file->path, stmt->pos.line, STR_ARG(message));
    return ERR_OK;
}

static ErrCode refuse(const AstStmt *stmt, Err *err)
{
    if (stmt->kind == AST_INSERT_VALUES) {
        err_set_at(err, ERR_STATEMENT, stmt->pos,
                   "INSERT INTO ... VALUES cannot stand in a queries file: its rows would be "
                   "inserted again at every start");
        err_hint(err, "run it once, by weir -e or POST /ksql");
        return ERR_STATEMENT;
    }
    err_set_at(err, ERR_STATEMENT, stmt->pos,
               "this statement cannot stand in a queries file, which says what is to exist");
    err_hint(err, "CREATE STREAM, TABLE and TYPE, INSERT INTO ... SELECT, SET, UNSET, DEFINE and "
                  "UNDEFINE can");
    return ERR_STATEMENT;
}

static ErrCode apply_statement(QueriesFile *file, Arena *mem, const AstStmt *stmt, Err *err)
{
    Verdict verdict = RUN;

    switch (stmt->kind) {
    case AST_SET:
    case AST_UNSET:
    case AST_DEFINE:
    case AST_UNDEFINE:
        return session_statement(&file->session, stmt, err);
    case AST_CREATE_SOURCE:
    case AST_CREATE_AS:
    case AST_CREATE_TYPE:
    case AST_INSERT_QUERY:
        TRY(judge(file, mem, stmt, &verdict, err));
        return run(file, mem, stmt, verdict, err);
    default:
        return refuse(stmt, err);
    }
}

/* --- what the file does not have -------------------------------------------------------------- */

static void report_gone(const QueriesFile *file, const char *kind, Str name, const char *how)
{
    log_line(LOG_WARN, "queries", "%s \"%.*s\" is in force but not in %s: it stays, %s ends it",
             kind, STR_ARG(name), file->path, how);
}

static void report_all_gone(QueriesFile *file)
{
    Catalog *catalog = engine_catalog(file->engine);

    for (size_t i = 0; i < catalog_sources_len(catalog); i++) {
        const Source *source = catalog_source_at(catalog, i);

        if (!source->is_internal && !map_get(&file->named, source->name))
            report_gone(file, source->is_table ? "table" : "stream", source->name, "DROP");
    }
    for (size_t i = 0; i < catalog_queries_len(catalog); i++) {
        const CatalogQuery *query = catalog_query_at(catalog, i);
        const AstStmt      *stmt = stmt_of(file->mem, query->sql);

        /* Those of CREATE ... AS go with their source, which was reported. */
        if (stmt && stmt->kind == AST_INSERT_QUERY &&
            !map_get(&file->named, plain_text(file->mem, stmt)))
            report_gone(file, "query", query->id, "TERMINATE");
    }
    for (size_t i = 0; i < catalog_types_len(catalog); i++) {
        if (!map_get(&file->types, catalog_type_at(catalog, i)->name))
            report_gone(file, "type", catalog_type_at(catalog, i)->name, "DROP TYPE");
    }
    catalog_unref(catalog);
}

/* --- the whole -------------------------------------------------------------------------------- */

static ErrCode read_statements(QueriesFile *file, Str text, Err *err)
{
    bool substitutes = properties_bool(&file->session.props, "ksql.variable.substitution.enable");
    ParserOpts opts = {.variables = substitutes ? &file->session.variables : NULL};
    Parser     parser;
    AstStmt   *stmt;

    TRY(parser_init(&parser, file->mem, text, opts, err));
    for (;;) {
        TRY(parser_next(&parser, &stmt, err));
        if (!stmt)
            return ERR_OK;
        TRY(apply_statement(file, file->mem, stmt, err));
    }
}

/* "FILE:LINE:COLUMN: ", what is wrong, and the line with a caret below the place. */
static void add_place(Arena *mem, const char *path, Str text, Err *err)
{
    Err    plain = *err;
    SrcPos pos = err->pos;
    Str    shown, place;

    if (!pos.line) {
        err_wrap(err, "%s", path);
        return;
    }
    plain.hint[0] = '\0';
    place = str_printf(mem, "line %u, column %u: ", pos.line, pos.column);
    shown = err_render(mem, &plain, text);
    if (str_starts(shown, place))
        shown = str_slice(shown, place.len, shown.len);
    (void)err_set_at(err, plain.code, pos, "%s:%u:%u: %.*s", path, pos.line, pos.column,
                     STR_ARG(shown));
}

static ErrCode read_all(Engine *engine, const char *path, bool is_trial, Str text, Err *err)
{
    QueriesFile file = {.engine = engine, .path = path, .mem = arena_new(0)};
    char        hint[ERR_HINT_BYTES];
    ErrCode     rc;

    session_init(&file.session, file.mem, engine);
    map_init(&file.named, file.mem);
    map_init(&file.types, file.mem);
    if (is_trial)
        file.sandbox = sandbox_new(engine);
    rc = read_statements(&file, text, err);
    if (rc != ERR_OK) {
        memcpy(hint, err->hint, sizeof hint);
        add_place(file.mem, path, text, err);
        if (hint[0])
            err_hint(err, "%s", hint);
    } else if (!is_trial) {
        report_all_gone(&file);
        log_line(LOG_INFO, "queries", "%s: %zu statement%s applied, %zu already in force", path,
                 file.executed, file.executed == 1 ? "" : "s", file.skipped);
    }
    sandbox_free(file.sandbox);
    arena_free(file.mem);
    return rc;
}

ErrCode queries_file_apply(Engine *engine, const char *path, Err *err)
{
    Str     mark = STR("\xEF\xBB\xBF"); /* Windows' editors begin a file by it */
    Buf     file = {0};
    Str     text;
    ErrCode rc = read_file(path, &file, err);

    text = buf_view(&file);
    if (str_starts(text, mark))
        text = str_slice(text, mark.len, text.len);
    if (rc == ERR_OK)
        rc = read_all(engine, path, true, text, err);
    if (rc == ERR_OK)
        rc = read_all(engine, path, false, text, err);
    buf_deinit(&file);
    return rc;
}
