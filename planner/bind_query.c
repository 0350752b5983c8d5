/*
 * bind_query.c -- a SELECT from its sources to its result columns.
 *
 * The order is that of names: sources, then WHERE and the new key over them, then the SELECT list,
 * whose * depends on the key, then HAVING, then the rules that need all of it.
 */
#include "planner/bind_query.h"

#include "planner/bind_stmt.h"
#include "planner/not_yet.h"

bool bound_from_table(const BoundQuery *query)
{
    return query->scope.sources[0].source->is_table;
}

static ErrCode bind_select_list(BindCtx *ctx, const AstQuery *ast, BoundQuery *query, Err *err)
{
    BindCtx inner = *ctx;

    inner.clause = "SELECT";
    inner.aggs = &query->aggs;
    inner.table_fns = &query->table_fns;
    inner.has_window_bounds = query->window != NULL;
    TRY(bind_items(&inner, ast, query, err));
    if (query->table_fns.len > 0 && bound_from_table(query))
        return err_set_at(err, ERR_STATEMENT, query->table_fns.items[0].pos,
                          "table function \"%s\" is for streams: \"%.*s\" is a table",
                          query->table_fns.items[0].def->name,
                          STR_ARG(query->scope.sources[0].source->name));
    return ERR_OK;
}

/* HAVING without groups means nothing, as in ksqlDB. */
static ErrCode bind_having(BindCtx *ctx, const AstQuery *ast, BoundQuery *query, Err *err)
{
    BindCtx inner = *ctx;

    if (!ast->having || (query->rekey != REKEY_GROUP && query->aggs.len == 0))
        return ERR_OK;
    inner.clause = "HAVING";
    inner.aggs = &query->aggs;
    return bind_predicate(&inner, ast->having, &query->having, err);
}

static ErrCode bind_limit(const AstQuery *ast, BoundQuery *query, Err *err)
{
    query->limit = -1;
    if (!ast->has_limit)
        return ERR_OK;
    if (query->kind == QUERY_PERSISTENT)
        return err_set_at(err, ERR_STATEMENT, ast->limit_pos,
                          "LIMIT is for queries that answer a client: this one never ends");
    if (ast->limit < 0)
        return err_set_at(err, ERR_STATEMENT, ast->limit_pos, "LIMIT is below zero");
    query->limit = ast->limit;
    return ERR_OK;
}

ErrCode bind_query_alone(const PlannerEnv *env, Arena *mem, const AstQuery *ast, QueryKind kind,
                         BoundQuery *out, Err *err)
{
    BindCtx ctx = {.env = env, .mem = mem, .scope = &out->scope};

    *out = (BoundQuery){.kind = kind};
    TRY(bind_limit(ast, out, err));
    TRY(bind_from(&ctx, ast, out, err));
    TRY(bind_where(&ctx, ast, out, err));
    TRY(bind_rekey(&ctx, ast, out, err));
    TRY(bind_select_list(&ctx, ast, out, err));
    TRY(bind_distinct(&ctx, ast, out, err));
    TRY(choose_join_key(&ctx, ast, out, err));
    TRY(bind_having(&ctx, ast, out, err));
    TRY(check_aggregation(ast, out, err));
    TRY(check_projection(env, ast, out, err));
    out->is_table = out->rekey == REKEY_GROUP || bound_from_table(out);
    return ERR_OK;
}

ErrCode bind_query(const PlannerEnv *env, Arena *mem, const AstQuery *ast, QueryKind kind,
                   BoundQuery *out, Err *err)
{
    TRY(bind_query_alone(env, mem, ast, kind, out, err));
    return ast->next ? bind_union(env, mem, ast, out, err) : ERR_OK;
}
