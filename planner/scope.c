/*
 * scope.c -- what a column name means.
 *
 * Names are looked for in every source; an unqualified one that stands in several is ambiguous.
 * A source that was given an alias is known by it alone.
 */
#include <assert.h>

#include "common/limit.h"
#include "planner/bind.h"

void scope_add(Arena *mem, Scope *scope, const Source *source, Str alias, SrcPos pos)
{
    ScopeSource *sources = ARENA_ARRAY(mem, ScopeSource, scope->len + 1);

    if (scope->len > 0)
        memcpy(sources, scope->sources, scope->len * sizeof *sources);
    sources[scope->len] = (ScopeSource){
        .source = source,
        .schema = schema_copy(mem, source->schema),
        .alias = str_copy(mem, alias.ptr ? alias : source->name),
        .pos = pos,
        .first = scope->cols_len,
    };
    scope->sources = sources;
    scope->len++;
    scope->cols_len += source->schema->len + PSEUDO_COUNT_;
}

static const ScopeDerived *find_derived(const Scope *scope, Str name)
{
    for (uint32_t i = 0; i < scope->derived_len; i++) {
        if (str_eq(scope->derived[i].name, name))
            return &scope->derived[i];
    }
    return NULL;
}

bool scope_has_column(const Scope *scope, Str name)
{
    if (scope->derived)
        return find_derived(scope, name) != NULL;
    for (uint32_t i = 0; i < scope->len; i++) {
        if (schema_find(scope->sources[i].schema, name) >= 0)
            return true;
    }
    return false;
}

bool scope_is_key(const ScopeSource *source, const Expr *expr)
{
    return source->schema->key_len == 1 && expr->kind == EXPR_COLUMN &&
           expr->u.index == source->first;
}

void scope_add_rowkey(Arena *mem, Scope *scope, const Type *type)
{
    scope->rowkey = STR("ROWKEY");
    for (uint32_t n = 1; scope_has_column(scope, scope->rowkey); n++)
        scope->rowkey = str_printf(mem, "ROWKEY_%u", n);
    scope->rowkey_type = type;
    scope->cols_len++;
}

int scope_find_alias(const Scope *scope, Str alias)
{
    for (uint32_t i = 0; i < scope->len; i++) {
        if (str_eq(scope->sources[i].alias, alias))
            return (int)i;
    }
    return -1;
}

ScopeColumn scope_column(const Scope *scope, uint32_t number)
{
    uint32_t    source = 0, at;
    ScopeColumn column = {0};

    assert(number < scope->cols_len);
    if (scope->rowkey.ptr && number + 1 == scope->cols_len)
        return (ScopeColumn){.is_rowkey = true};
    while (source + 1 < scope->len && number >= scope->sources[source + 1].first)
        source++;
    at = number - scope->sources[source].first;
    column.source = source;
    if (at < scope->sources[source].schema->len) {
        column.column = at;
    } else {
        column.is_pseudo = true;
        column.pseudo = (PseudoColumn)(at - scope->sources[source].schema->len);
    }
    return column;
}

uint32_t scope_number(const Scope *scope, ScopeColumn column)
{
    const ScopeSource *source = &scope->sources[column.source];

    if (column.is_rowkey)
        return scope->cols_len - 1;
    return source->first +
           (column.is_pseudo ? source->schema->len + (uint32_t)column.pseudo : column.column);
}

Str scope_column_name(const Scope *scope, uint32_t number)
{
    ScopeColumn column = scope_column(scope, number);

    if (column.is_rowkey)
        return scope->rowkey;
    return column.is_pseudo ? str_from(pseudo_column_name(column.pseudo))
                            : scope->sources[column.source].schema->cols[column.column].name;
}

/* Window bounds exist where the key has a window. */
static bool source_has_pseudo(const ScopeSource *source, PseudoColumn pseudo)
{
    if (pseudo == PSEUDO_WINDOWSTART || pseudo == PSEUDO_WINDOWEND)
        return source->source->window != WINDOW_NONE;
    return true;
}

static bool source_find(const Scope *scope, uint32_t source, Str name, ScopeColumn *out)
{
    const ScopeSource *in = &scope->sources[source];
    int                column = scope->derived ? -1 : schema_find(in->schema, name);
    PseudoColumn       pseudo;

    if (column >= 0) {
        *out = (ScopeColumn){.source = source, .column = (uint32_t)column};
        return true;
    }
    if (pseudo_column_find(name, &pseudo) && source_has_pseudo(in, pseudo)) {
        *out = (ScopeColumn){.source = source, .is_pseudo = true, .pseudo = pseudo};
        return true;
    }
    return false;
}

bool scope_is_clash(const Scope *scope, Str name)
{
    uint32_t    found = 0;
    ScopeColumn column;

    for (uint32_t i = 0; i < scope->len; i++)
        found += source_find(scope, i, name, &column);
    return found > 1;
}

Expr *scope_expr(Arena *mem, const Scope *scope, uint32_t number, SrcPos pos)
{
    ScopeColumn column = scope_column(scope, number);
    const Type *type = column.is_rowkey ? scope->rowkey_type
                       : column.is_pseudo
                           ? pseudo_column_type(column.pseudo)
                           : scope->sources[column.source].schema->cols[column.column].type;
    Expr       *expr = expr_new(mem, EXPR_COLUMN, type, pos, 0);

    expr->u.index = number;
    return expr;
}

static Str nearest_column(const BindCtx *ctx, Str name)
{
    const Scope *scope = ctx->scope;
    VEC(Str) names = {0};

    for (uint32_t i = 0; i < scope->derived_len; i++)
        vec_push(ctx->mem, &names, scope->derived[i].name);
    for (uint32_t i = 0; i < scope->len && !scope->derived; i++) {
        for (uint32_t k = 0; k < scope->sources[i].schema->len; k++)
            vec_push(ctx->mem, &names, scope->sources[i].schema->cols[k].name);
    }
    return str_nearest(name, names.items, names.len);
}

static ErrCode unknown_column(const BindCtx *ctx, const AstExpr *ast, Err *err)
{
    Str near = nearest_column(ctx, ast->name.text);
    Str dot = ast->qualifier.text.ptr ? STR(".") : STR("");

    err_set_at(err, ERR_STATEMENT, ast->pos, "unknown column \"%.*s%.*s%.*s\" in %s",
               STR_ARG(ast->qualifier.text), STR_ARG(dot), STR_ARG(ast->name.text), ctx->clause);
    if (near.ptr && str_eq_nocase(near, ast->name.text))
        err_hint(err, "the column is \"%.*s\": quote the name to keep its case", STR_ARG(near));
    else if (near.ptr)
        err_hint(err, "did you mean \"%.*s\"?", STR_ARG(near));
    else if (ast->name.is_quoted)
        err_hint(err, "a text stands between single quotes: '%.*s'", STR_ARG(ast->name.text));
    else if (ctx->scope->len == 1 && !ctx->scope->derived && ctx->scope->sources[0].schema->len > 0)
        err_hint(err, "DESCRIBE %.*s shows its columns",
                 STR_ARG(ctx->scope->sources[0].source->name));
    return ERR_STATEMENT;
}

/* A source may be known by its alias alone, and a field is reached by ->. */
static ErrCode unknown_qualifier(const BindCtx *ctx, const AstExpr *ast, Err *err)
{
    const Scope *scope = ctx->scope;
    Str          name = ast->qualifier.text, near;
    Str         *aliases = ARENA_ARRAY(ctx->mem, Str, scope->len);

    err_set_at(err, ERR_STATEMENT, ast->qualifier.pos,
               "\"%.*s\" is not the name or alias of a source of this query", STR_ARG(name));
    for (uint32_t i = 0; i < scope->len; i++) {
        aliases[i] = scope->sources[i].alias;
        if (!str_eq(scope->sources[i].source->name, name))
            continue;
        err_hint(err, "its alias takes its place: write %.*s.%.*s", STR_ARG(aliases[i]),
                 STR_ARG(ast->name.text));
        return ERR_STATEMENT;
    }
    near = str_nearest(name, aliases, scope->len);
    if (scope_has_column(scope, name))
        err_hint(err, "a field of a STRUCT is written %.*s->%.*s", STR_ARG(name),
                 STR_ARG(ast->name.text));
    else if (near.ptr)
        err_hint(err, "did you mean %.*s.%.*s?", STR_ARG(near), STR_ARG(ast->name.text));
    return ERR_STATEMENT;
}

static ErrCode ambiguous_column(const Scope *scope, const AstExpr *ast, ScopeColumn first,
                                ScopeColumn second, Err *err)
{
    err_set_at(err, ERR_STATEMENT, ast->pos, "column \"%.*s\" is ambiguous: it is in %.*s and %.*s",
               STR_ARG(ast->name.text), STR_ARG(scope->sources[first.source].alias),
               STR_ARG(scope->sources[second.source].alias));
    err_hint(err, "write %.*s.%.*s", STR_ARG(scope->sources[first.source].alias),
             STR_ARG(ast->name.text));
    return ERR_STATEMENT;
}

/* The group's own window, which the rows behind the aggregation carry. */
static bool bind_window_bound(const BindCtx *ctx, const AstExpr *ast, Expr **out)
{
    PseudoColumn pseudo;

    if (!ctx->has_window_bounds || ast->qualifier.text.ptr ||
        !pseudo_column_find(ast->name.text, &pseudo) ||
        (pseudo != PSEUDO_WINDOWSTART && pseudo != PSEUDO_WINDOWEND))
        return false;
    *out = expr_new(ctx->mem, EXPR_PSEUDO, &type_bigint, ast->pos, 0);
    (*out)->u.pseudo = pseudo;
    return true;
}

/* Each use is a copy in the end: twice the column below, level by level, would be without end. */
static ErrCode bind_derived(const Scope *scope, const ScopeDerived *column, const AstExpr *ast,
                            Expr **out, Err *err)
{
    *scope->parts += column->parts;
    if (*scope->parts > g_limits.expression_parts)
        return err_set_at(
            err, ERR_LIMIT, ast->pos,
            "the columns of sub-selects stand for expressions of more than %lld parts",
            (long long)g_limits.expression_parts);
    *out = column->expr;
    return ERR_OK;
}

ErrCode scope_bind(const BindCtx *ctx, const AstExpr *ast, Expr **out, Err *err)
{
    const Scope *scope = ctx->scope;
    uint32_t     from = 0, to;
    bool         found = false;
    ScopeColumn  first = {0}, column;

    if (!scope)
        return err_set_at(err, ERR_STATEMENT, ast->pos,
                          "column \"%.*s\" is not allowed here: %s takes constants only",
                          STR_ARG(ast->name.text), ctx->clause);
    if (bind_window_bound(ctx, ast, out))
        return ERR_OK;
    to = scope->len;
    if (ast->qualifier.text.ptr) {
        int source = scope_find_alias(scope, ast->qualifier.text);

        if (source < 0)
            return unknown_qualifier(ctx, ast, err);
        from = (uint32_t)source;
        to = from + 1;
    }
    if (scope->derived && find_derived(scope, ast->name.text))
        return bind_derived(scope, find_derived(scope, ast->name.text), ast, out, err);
    for (uint32_t i = from; i < to; i++) {
        if (!source_find(scope, i, ast->name.text, &column))
            continue;
        if (found)
            return ambiguous_column(scope, ast, first, column, err);
        first = column;
        found = true;
    }
    if (!found && scope->rowkey.ptr && !ast->qualifier.text.ptr &&
        str_eq(ast->name.text, scope->rowkey)) {
        first = (ScopeColumn){.is_rowkey = true};
        found = true;
    }
    if (!found)
        return unknown_column(ctx, ast, err);
    *out = scope_expr(ctx->mem, scope, scope_number(scope, first), ast->pos);
    return ERR_OK;
}
