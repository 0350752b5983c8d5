/*
 * bind_select.c -- SELECT as a statement: push, pull on a table, pull on a stream.
 */
#include "planner/bind_pull.h"
#include "planner/bind_stmt.h"
#include "planner/build.h"

static ErrCode bind_push(StmtCtx *ctx, const AstQuery *ast, QueryKind kind, Err *err)
{
    BoundQuery bound;

    TRY(bind_query(ctx->env, ctx->mem, ast, kind, &bound, err));
    TRY(build_plan(ctx->mem, &bound, NULL, &ctx->out->plan, err));
    ctx->out->entity = bound.scope.sources[0].source->name;
    ctx->out->is_table = bound.is_table;
    return check_query_runs(&bound, err);
}

ErrCode bind_select(StmtCtx *ctx, Err *err)
{
    const AstQuery *ast = ctx->stmt->u.select;
    const Source   *source;

    if (ast->emit != AST_EMIT_NONE) {
        ctx->out->kind = STMT_PUSH_QUERY;
        return bind_push(ctx, ast, QUERY_PUSH, err);
    }
    TRY(find_source(ctx->env, ctx->mem, &ast->from.name, &source, err));
    TRY(check_pull_clauses(ctx->env, ast, err));
    if (source->is_table) {
        ctx->out->kind = STMT_PULL_QUERY;
        ctx->out->entity = source->name;
        ctx->out->is_table = true;
        return bind_pull(ctx->env, ctx->mem, ast, source, &ctx->out->pull, err);
    }
    ctx->out->kind = STMT_PULL_STREAM;
    return bind_push(ctx, ast, QUERY_STREAM_PULL, err);
}
