/*
 * bind_from.c -- what stands behind FROM: a source, or a sub-select over one.
 *
 *     SELECT c FROM (SELECT a + b AS c FROM s WHERE a > 0) WHERE c > 10
 *     is
 *     SELECT a + b AS c FROM s WHERE a > 0 AND a + b > 10
 *
 * A sub-select filters and projects, nothing else; so it needs no step of its own.  Its columns are
 * names for expressions over the source, and its condition is one more condition.  An expression
 * that fails gives null to the query around it, as a column would: it stands in a cast to its own
 * type, whose operand becomes null by itself.
 */
#include "planner/bind_query.h"
#include "planner/bind_stmt.h"

static ErrCode refuse_clause(const char *clause, SrcPos pos, Err *err)
{
    err_set_at(err, ERR_STATEMENT, pos, "a sub-select cannot have %s: it filters and projects",
               clause);
    err_hint(err, "CREATE STREAM ... AS or CREATE TABLE ... AS gives it a name");
    return ERR_STATEMENT;
}

static ErrCode check_clauses(const AstQuery *ast, Err *err)
{
    if (ast->distinct_pos.line)
        return refuse_clause("DISTINCT", ast->distinct_pos, err);
    if (ast->joins_len > 0)
        return refuse_clause("a JOIN", ast->joins[0].pos, err);
    if (ast->window)
        return refuse_clause("a WINDOW clause", ast->window->pos, err);
    if (ast->group_by.pos.line)
        return refuse_clause("GROUP BY", ast->group_by.pos, err);
    if (ast->partition_by.pos.line)
        return refuse_clause("PARTITION BY", ast->partition_by.pos, err);
    if (ast->having)
        return refuse_clause("HAVING", ast->having->pos, err);
    if (ast->emit != AST_EMIT_NONE)
        return refuse_clause("EMIT", ast->emit_pos, err);
    if (ast->next)
        return refuse_clause("UNION ALL", ast->next->pos, err);
    if (ast->has_limit)
        return refuse_clause("LIMIT", ast->limit_pos, err);
    return ERR_OK;
}

/* --- columns of a sub-select ------------------------------------------------------------------ */

static bool is_volatile(const Expr *expr, void *arg)
{
    (void)arg;
    return expr->kind == EXPR_CALL && (expr->u.call->flags & FN_VOLATILE);
}

static Expr *guarded(BindCtx *ctx, Expr *expr)
{
    Expr *cast;

    if (expr->kind == EXPR_COLUMN || expr->kind == EXPR_LITERAL)
        return expr;
    cast = expr_new(ctx->mem, EXPR_CAST, expr->type, expr->pos, 1);
    cast->args[0] = expr;
    cast->u.is_implicit = true;
    return cast;
}

static bool count_part(const Expr *expr, void *arg)
{
    (void)expr;
    ++*(int64_t *)arg;
    return false;
}

static ErrCode check_item(const BoundItem *item, Err *err)
{
    if (!expr_any(item->expr, is_volatile, NULL))
        return ERR_OK;
    err_set_at(err, ERR_STATEMENT, item->pos,
               "a sub-select cannot have a function that gives another value each time it is read");
    err_hint(err, "CREATE STREAM ... AS keeps its values");
    return ERR_STATEMENT;
}

static ErrCode bind_columns(BindCtx *ctx, const AstQuery *ast, BoundQuery *query, Err *err)
{
    BoundQuery    inner = {.kind = QUERY_PUSH, .scope = query->scope};
    ScopeDerived *derived;
    uint32_t      len = 0;
    BindCtx       inner_ctx = *ctx;

    inner_ctx.clause = "a sub-select";
    TRY(bind_items(&inner_ctx, ast, &inner, err));
    TRY(check_projection(ctx->env, ast, &inner, err));
    derived = ARENA_ARRAY(ctx->mem, ScopeDerived, inner.items.len);
    for (size_t i = 0; i < inner.items.len; i++) {
        const BoundItem *item = &inner.items.items[i];

        TRY(check_item(item, err));
        /* Pseudo columns are there without being selected; what is kept needs another name. */
        if (query->kind == QUERY_PERSISTENT && is_pseudo_name(item->name))
            continue;
        derived[len] = (ScopeDerived){item->name, guarded(ctx, item->expr), 0};
        (void)expr_any(derived[len].expr, count_part, &derived[len].parts);
        len++;
    }
    if (!query->scope.parts)
        query->scope.parts = ARENA_NEW(ctx->mem, int64_t);
    query->scope.derived = derived;
    query->scope.derived_len = len;
    return ERR_OK;
}

/* --- FROM ------------------------------------------------------------------------------------- */

ErrCode bind_where(BindCtx *ctx, const AstQuery *ast, BoundQuery *query, Err *err)
{
    BindCtx inner = *ctx;
    Expr   *condition, *both;

    if (!ast->where)
        return ERR_OK;
    inner.clause = "WHERE";
    inner.compares_time_text = true;
    TRY(bind_predicate(&inner, ast->where, &condition, err));
    if (query->where) {
        both = expr_new(ctx->mem, EXPR_AND, &type_boolean, condition->pos, 2);
        both->args[0] = query->where;
        both->args[1] = condition;
        condition = both;
    }
    query->where = condition;
    return ERR_OK;
}

static ErrCode bind_sub_select(BindCtx *ctx, const AstQuery *ast, Str alias, BoundQuery *query,
                               Err *err)
{
    TRY(check_clauses(ast, err));
    TRY(bind_from(ctx, ast, query, err));
    TRY(bind_where(ctx, ast, query, err));
    TRY(bind_columns(ctx, ast, query, err));
    if (alias.ptr)
        query->scope.sources[0].alias = str_copy(ctx->mem, alias);
    return ERR_OK;
}

static ErrCode bind_source(BindCtx *ctx, const AstSource *from, BoundQuery *query, Err *err)
{
    const Source *source;

    TRY(find_source(ctx->env, ctx->mem, &from->name, &source, err));
    scope_add(ctx->mem, &query->scope, source, from->alias.text, from->name.pos);
    return check_persistent_source(query, source, from->name.pos, err);
}

/* A sub-select that is joined would need a step of its own. */
static ErrCode check_joined(const AstQuery *ast, Err *err)
{
    const AstSource *sub = ast->from.query ? &ast->from : NULL;

    for (size_t i = 0; i < ast->joins_len && !sub; i++)
        sub = ast->joins[i].source.query ? &ast->joins[i].source : NULL;
    if (!sub || ast->joins_len == 0)
        return ERR_OK;
    err_set_at(err, ERR_STATEMENT, sub->name.pos, "a sub-select cannot be joined");
    err_hint(err, "CREATE STREAM ... AS or CREATE TABLE ... AS gives it a name");
    return ERR_STATEMENT;
}

ErrCode bind_from(BindCtx *ctx, const AstQuery *ast, BoundQuery *query, Err *err)
{
    TRY(check_joined(ast, err));
    if (ast->from.query)
        return bind_sub_select(ctx, ast->from.query, ast->from.alias.text, query, err);
    TRY(bind_source(ctx, &ast->from, query, err));
    return ast->joins_len > 0 ? bind_joins(ctx, ast, query, err) : ERR_OK;
}
