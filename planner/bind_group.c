/*
 * bind_group.c -- WINDOW, GROUP BY, PARTITION BY, DISTINCT and the rules of aggregation.
 */
#include <stdio.h>

#include "common/limit.h"
#include "planner/bind_query.h"
#include "planner/bind_stmt.h"

enum { DAY_MS = 86400000 };

/* --- WINDOW ----------------------------------------------------------------------------------- */

static ErrCode duration(AstDuration ast, const char *what, bool may_be_zero, int64_t *out, Err *err)
{
    if (!ast_duration_ms(ast, out))
        return err_set_at(err, ERR_STATEMENT, ast.pos, "%s is too long", what);
    if (*out == 0 && !may_be_zero)
        return err_set_at(err, ERR_STATEMENT, ast.pos, "%s must be above zero", what);
    return ERR_OK;
}

static ErrCode window_times(const AstWindow *ast, bool is_final, WindowSpec *spec, Err *err)
{
    TRY(duration(ast->size, ast->kind == AST_SESSION ? "the session's gap" : "SIZE", false,
                 &spec->size_ms, err));
    spec->advance_ms = spec->size_ms;
    if (ast->kind == AST_HOPPING) {
        TRY(duration(ast->advance, "ADVANCE BY", false, &spec->advance_ms, err));
        if (spec->advance_ms > spec->size_ms)
            return err_set_at(err, ERR_STATEMENT, ast->advance.pos,
                              "ADVANCE BY is longer than SIZE: events between windows would be "
                              "lost");
        if (spec->size_ms / spec->advance_ms > g_limits.windows)
            return err_set_at(err, ERR_LIMIT, ast->advance.pos,
                              "ADVANCE BY is too short for SIZE: a row would be in more than %lld "
                              "windows",
                              (long long)g_limits.windows);
    }
    spec->has_grace = ast->has_grace;
    if (ast->has_grace)
        TRY(duration(ast->grace, "GRACE PERIOD", true, &spec->grace_ms, err));
    else if (!is_final && spec->size_ms < DAY_MS)
        spec->grace_ms = DAY_MS - spec->size_ms;
    if (spec->grace_ms > INT64_MAX - spec->size_ms)
        return err_set_at(err, ERR_STATEMENT, ast->pos, "size and grace together are too long");
    spec->retention_ms = spec->size_ms + spec->grace_ms;
    if (ast->has_retention) {
        int64_t retention_ms;

        TRY(duration(ast->retention, "RETENTION", false, &retention_ms, err));
        if (retention_ms < spec->retention_ms)
            return err_set_at(err, ERR_STATEMENT, ast->retention.pos,
                              "RETENTION is %lld ms: at least size and grace together, %lld ms, "
                              "must be kept",
                              (long long)retention_ms, (long long)spec->retention_ms);
        spec->retention_ms = retention_ms;
    }
    return ERR_OK;
}

static ErrCode bind_window(BindCtx *ctx, const AstQuery *ast, BoundQuery *query, Err *err)
{
    static const WindowKind kinds[] = {[AST_TUMBLING] = WINDOW_TUMBLING,
                                       [AST_HOPPING] = WINDOW_HOPPING,
                                       [AST_SESSION] = WINDOW_SESSION};
    WindowSpec             *spec = ARENA_NEW(ctx->mem, WindowSpec);

    query->is_final = ast->emit == AST_EMIT_FINAL;
    if (!ast->window) {
        if (query->is_final) {
            err_set_at(err, ERR_STATEMENT, ast->emit_pos,
                       "EMIT FINAL is for windowed aggregations: only windows close");
            err_hint(err, "write EMIT CHANGES");
            return ERR_STATEMENT;
        }
        return ERR_OK;
    }
    if (!ast->group_by.pos.line && !ast->distinct_pos.line)
        return err_set_at(err, ERR_STATEMENT, ast->window->pos,
                          "a WINDOW clause needs a GROUP BY clause");
    if (bound_from_table(query))
        return err_set_at(err, ERR_STATEMENT, ast->window->pos,
                          "a WINDOW clause is for streams, and the source is a table");
    spec->kind = kinds[ast->window->kind];
    TRY(window_times(ast->window, query->is_final, spec, err));
    query->window = spec;
    return ERR_OK;
}

/* --- GROUP BY, PARTITION BY ------------------------------------------------------------------- */

static ErrCode bind_key_list(BindCtx *ctx, const AstKeys *ast, BoundQuery *query, Err *err)
{
    query->keys = ARENA_ARRAY(ctx->mem, BoundKey, ast->len);
    query->keys_len = (uint32_t)ast->len;
    for (size_t i = 0; i < ast->len; i++) {
        TRY(bind_expr(ctx, ast->items[i], &query->keys[i].expr, err));
        for (size_t k = 0; k < i; k++) {
            if (expr_eq(query->keys[k].expr, query->keys[i].expr))
                return err_set_at(err, ERR_STATEMENT, ast->items[i]->pos,
                                  "an expression stands twice in %s", ctx->clause);
        }
    }
    return ERR_OK;
}

static ErrCode check_key_types(BindCtx *ctx, const BoundQuery *query, Err *err)
{
    for (uint32_t i = 0; i < query->keys_len; i++) {
        const Expr *key = query->keys[i].expr;

        if (expr_is_null_literal(key))
            return err_set_at(err, ERR_STATEMENT, key->pos,
                              "NULL cannot stand with other expressions in %s", ctx->clause);
        if (type_contains(key->type, T_MAP))
            return err_set_at(err, ERR_STATEMENT, key->pos,
                              "%s would make a key that holds a MAP: equal maps have no fixed "
                              "bytes, so they cannot be keys",
                              ctx->clause);
    }
    return ERR_OK;
}

static ErrCode bind_partition_by(BindCtx *ctx, const AstQuery *ast, BoundQuery *query, Err *err)
{
    const AstKeys *keys = &ast->partition_by;
    const Source  *source = ctx->scope->sources[0].source;

    if (bound_from_table(query)) {
        err_set_at(err, ERR_STATEMENT, keys->pos,
                   "PARTITION BY is for streams: \"%.*s\" is a table", STR_ARG(source->name));
        err_hint(err, "GROUP BY makes a table with another key");
        return ERR_STATEMENT;
    }
    if (keys->len == 0)
        return err_set_at(err, ERR_STATEMENT, keys->pos, "PARTITION BY names no expression");
    ctx->clause = "PARTITION BY";
    TRY(bind_key_list(ctx, keys, query, err));
    query->rekey = REKEY_PARTITION;
    if (keys->len == 1 && expr_is_null_literal(query->keys[0].expr)) {
        query->keys_len = 0; /* the result has no key */
        return ERR_OK;
    }
    if (source->window != WINDOW_NONE)
        return err_set_at(err, ERR_STATEMENT, keys->pos,
                          "a windowed stream cannot be re-keyed: its window is part of the key");
    return check_key_types(ctx, query, err);
}

/* What is bound to the source's own key column, and nothing else, needs no new key. */
static bool is_same_key(const BoundQuery *query)
{
    return query->scope.len == 1 && query->keys_len == 1 &&
           scope_is_key(&query->scope.sources[0], query->keys[0].expr);
}

/* The column of a join that no source has, or the first that its condition names. */
static Expr *join_key(BindCtx *ctx, const BoundQuery *query)
{
    if (ctx->scope->rowkey.ptr)
        return scope_expr(ctx->mem, ctx->scope, ctx->scope->cols_len - 1, query->joins[0].pos);
    for (size_t i = 0; i < query->join_key.len; i++) {
        if (query->join_key.items[i].expr->kind == EXPR_COLUMN)
            return query->join_key.items[i].expr;
    }
    return query->join_key.items[0].expr;
}

static void take_source_keys(BindCtx *ctx, BoundQuery *query)
{
    const ScopeSource *source = &ctx->scope->sources[0];

    if (query->join_key.len > 0) {
        query->keys_len = 1;
        query->keys = ARENA_NEW(ctx->mem, BoundKey);
        query->keys[0].expr = join_key(ctx, query);
        return;
    }
    query->keys_len = source->schema->key_len;
    query->keys = ARENA_ARRAY(ctx->mem, BoundKey, query->keys_len);
    for (uint32_t i = 0; i < query->keys_len; i++)
        query->keys[i].expr = scope_expr(ctx->mem, ctx->scope, source->first + i, source->pos);
}

ErrCode bind_rekey(BindCtx *ctx, const AstQuery *ast, BoundQuery *query, Err *err)
{
    BindCtx inner = *ctx;

    TRY(bind_window(&inner, ast, query, err));
    if (ast->partition_by.pos.line && ast->group_by.pos.line)
        return err_set_at(err, ERR_STATEMENT, ast->partition_by.pos,
                          "PARTITION BY and GROUP BY exclude each other");
    if (ast->partition_by.pos.line) {
        TRY(bind_partition_by(&inner, ast, query, err));
        if (is_same_key(query))
            query->rekey = REKEY_NONE;
        return ERR_OK;
    }
    if (!ast->group_by.pos.line) {
        take_source_keys(&inner, query);
        return ERR_OK;
    }
    if (ast->group_by.len == 0)
        return err_set_at(err, ERR_STATEMENT, ast->group_by.pos, "GROUP BY names no expression");
    query->rekey = REKEY_GROUP;
    inner.clause = "GROUP BY";
    TRY(bind_key_list(&inner, &ast->group_by, query, err));
    return check_key_types(&inner, query, err);
}

/* --- SELECT DISTINCT -------------------------------------------------------------------------- */

static ErrCode check_distinct(const AstQuery *ast, const BoundQuery *query, Err *err)
{
    const Source *source = query->scope.sources[0].source;

    if (bound_from_table(query)) {
        err_set_at(err, ERR_STATEMENT, ast->distinct_pos,
                   "SELECT DISTINCT is for streams: \"%.*s\" is a table", STR_ARG(source->name));
        err_hint(err, "GROUP BY with COUNT(*) counts the rows of each combination");
        return ERR_STATEMENT;
    }
    if (ast->group_by.pos.line || query->aggs.len > 0) {
        err_set_at(err, ERR_STATEMENT, ast->distinct_pos,
                   "SELECT DISTINCT groups by all it selects: it excludes GROUP BY and aggregate "
                   "functions");
        err_hint(err, "leave DISTINCT out: GROUP BY gives one row for each group");
        return ERR_STATEMENT;
    }
    if (ast->partition_by.pos.line)
        return err_set_at(err, ERR_STATEMENT, ast->partition_by.pos,
                          "SELECT DISTINCT and PARTITION BY exclude each other");
    if (ast->having) {
        err_set_at(err, ERR_STATEMENT, ast->having->pos,
                   "SELECT DISTINCT and HAVING exclude each other");
        err_hint(err, "WHERE chooses the rows that are compared");
        return ERR_STATEMENT;
    }
    return ERR_OK;
}

static bool is_window_bound(const Expr *expr, void *arg)
{
    (void)arg;
    return expr->kind == EXPR_PSEUDO &&
           (expr->u.pseudo == PSEUDO_WINDOWSTART || expr->u.pseudo == PSEUDO_WINDOWEND);
}

static bool is_key(const BoundQuery *query, const Expr *expr)
{
    for (uint32_t k = 0; k < query->keys_len; k++) {
        if (expr_eq(query->keys[k].expr, expr))
            return true;
    }
    return false;
}

/* Each selected expression once; the bounds of the group's own window are in its key anyway. */
ErrCode bind_distinct(BindCtx *ctx, const AstQuery *ast, BoundQuery *query, Err *err)
{
    BindCtx inner = *ctx;

    if (!ast->distinct_pos.line)
        return ERR_OK;
    TRY(check_distinct(ast, query, err));
    query->rekey = REKEY_GROUP;
    query->keys = ARENA_ARRAY(ctx->mem, BoundKey, query->items.len);
    query->keys_len = 0;
    for (size_t i = 0; i < query->items.len; i++) {
        const BoundItem *item = &query->items.items[i];

        if (!expr_any(item->expr, is_window_bound, NULL) && !is_key(query, item->expr))
            query->keys[query->keys_len++] = (BoundKey){.expr = item->expr, .name = item->name};
    }
    if (query->keys_len == 0)
        return err_set_at(err, ERR_STATEMENT, ast->distinct_pos,
                          "SELECT DISTINCT selects nothing beside the bounds of its window");
    inner.clause = "SELECT DISTINCT";
    return check_key_types(&inner, query, err);
}

/* --- rules of aggregation --------------------------------------------------------------------- */

static ErrCode check_undo(const BoundQuery *query, Err *err)
{
    char   names[256] = "";
    size_t len = 0;
    SrcPos pos = {0}; /* of the first of them */

    for (size_t i = 0; i < query->aggs.len; i++) {
        const AggDef *def = query->aggs.items[i].def;

        if (def->undo || len + strlen(def->name) + 3 > sizeof names)
            continue;
        if (len == 0)
            pos = query->aggs.items[i].pos;
        len +=
            (size_t)snprintf(names + len, sizeof names - len, "%s%s", len ? ", " : "", def->name);
    }
    if (len == 0)
        return ERR_OK;
    return err_set_at(err, ERR_STATEMENT, pos,
                      "aggregate functions that cannot forget a row cannot be applied to a table, "
                      "only to a stream: %s",
                      names);
}

/* ksqlDB keeps aggregates in the source's value format; what that cannot hold is refused. */
static ErrCode check_state_format(const AstQuery *ast, const BoundQuery *query, Err *err)
{
    const Source *source = query->scope.sources[0].source;

    if (source->value_format.kind == FORMAT_KAFKA) {
        err_set_at(err, ERR_STATEMENT, ast_innermost_source(ast)->name.pos,
                   "GROUP BY is not possible on \"%.*s\": its value format is KAFKA",
                   STR_ARG(source->name));
        err_hint(err, "re-declare it with another VALUE_FORMAT");
        return ERR_STATEMENT;
    }
    for (size_t i = 0; i < query->aggs.len && source->value_format.kind == FORMAT_DELIMITED; i++) {
        const PlanAgg *agg = &query->aggs.items[i];
        bool           is_nested = agg->def->slots_len != 1;

        for (uint32_t k = 0; k < agg->def->slots_len; k++)
            is_nested = is_nested || type_is_nested(agg->slot_types[k]);
        if (is_nested)
            return err_set_at(err, ERR_STATEMENT, agg->pos,
                              "function \"%s\" keeps a state that value format DELIMITED of "
                              "\"%.*s\" cannot hold",
                              agg->def->name, STR_ARG(source->name));
    }
    return ERR_OK;
}

static ErrCode check_global(BoundQuery *query, Err *err)
{
    if (query->aggs.len == 0)
        return ERR_OK;
    if (query->kind == QUERY_PERSISTENT) {
        err_set_at(err, ERR_STATEMENT, query->aggs.items[0].pos,
                   "aggregate function \"%s\" needs a GROUP BY clause here",
                   query->aggs.items[0].def->name);
        err_hint(err, "a constant groups all rows: SELECT 1 AS k, COUNT(*) ... GROUP BY 1");
        return ERR_STATEMENT;
    }
    query->rekey = REKEY_GROUP;
    query->keys_len = 0;
    return ERR_OK;
}

ErrCode check_aggregation(const AstQuery *ast, BoundQuery *query, Err *err)
{
    if (ast->distinct_pos.line)
        return ERR_OK; /* nothing is aggregated */
    if (query->rekey == REKEY_GROUP && query->aggs.len == 0) {
        err_set_at(err, ERR_STATEMENT, ast->group_by.pos,
                   "GROUP BY needs an aggregate function in SELECT or HAVING");
        err_hint(err, "COUNT(*) counts the rows of each group");
        return ERR_STATEMENT;
    }
    if (query->rekey == REKEY_PARTITION && query->aggs.len > 0)
        return err_set_at(err, ERR_STATEMENT, ast->partition_by.pos,
                          "PARTITION BY and aggregate functions exclude each other");
    if (query->rekey != REKEY_GROUP)
        TRY(check_global(query, err));
    if (query->aggs.len > 0 && query->table_fns.len > 0)
        return err_set_at(err, ERR_STATEMENT, query->table_fns.items[0].pos,
                          "table functions and aggregate functions exclude each other");
    if (query->rekey != REKEY_GROUP)
        return ERR_OK;
    if (bound_from_table(query))
        TRY(check_undo(query, err));
    return check_state_format(ast, query, err);
}
