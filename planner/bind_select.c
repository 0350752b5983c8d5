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
    if (kind == QUERY_STREAM_PULL)
        TRY(check_pull_functions(&bound, ast, err));
    TRY(build_plan(ctx->mem, &bound, NULL, &ctx->out->plan, err));
    ctx->out->entity = bound.scope.sources[0].source->name;
    ctx->out->is_table = bound.is_table;
    return ERR_OK;
}

static ErrCode check_stream_pull(StmtCtx *ctx, const AstQuery *ast, Err *err)
{
    Str value = ctx->env->property(ctx->env->self, "ksql.query.pull.stream.enabled");

    if (!value.ptr || !str_eq_nocase(value, STR("false")))
        return ERR_OK;
    err_set_at(err, ERR_STATEMENT, ast->from.name.pos,
               "pull queries on streams are switched off by ksql.query.pull.stream.enabled");
    err_hint(err, "EMIT CHANGES at the end makes it a push query");
    return ERR_STATEMENT;
}

/* It finds rows by what WHERE says about the key of the table itself. */
static ErrCode refuse_sub_select(const AstQuery *ast, Err *err)
{
    err_set_at(err, ERR_STATEMENT, ast->from.name.pos,
               "a pull query of a table cannot have a sub-select");
    err_hint(err, "write it as one SELECT; EMIT CHANGES at the end makes it a push query");
    return ERR_STATEMENT;
}

ErrCode bind_select(StmtCtx *ctx, Err *err)
{
    const AstQuery *ast = ctx->stmt->u.select;
    const Source   *source;

    if (ast->emit != AST_EMIT_NONE) {
        ctx->out->kind = STMT_PUSH_QUERY;
        return bind_push(ctx, ast, QUERY_PUSH, err);
    }
    TRY(find_source(ctx->env, ctx->mem, &ast_innermost_source(ast)->name, &source, err));
    TRY(check_pull_clauses(ctx->env, ast, err));
    for (const AstQuery *next = ast->next; next; next = next->next)
        TRY(check_pull_clauses(ctx->env, next, err));
    if (source->is_table && ast->next)
        return err_set_at(err, ERR_STATEMENT, ast->next->pos,
                          "a pull query of a table cannot have a UNION ALL");
    if (source->is_table && ast->from.query)
        return refuse_sub_select(ast, err);
    if (source->is_table) {
        ctx->out->kind = STMT_PULL_QUERY;
        ctx->out->entity = source->name;
        ctx->out->is_table = true;
        return bind_pull(ctx->env, ctx->mem, ast, source, &ctx->out->pull, err);
    }
    ctx->out->kind = STMT_PULL_STREAM;
    TRY(check_stream_pull(ctx, ast, err));
    return bind_push(ctx, ast, QUERY_STREAM_PULL, err);
}
