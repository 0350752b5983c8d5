/*
 * planner.c -- one statement: its checks and its effect.
 */
#include "planner/planner.h"

#include "parser/ast_print.h"
#include "planner/bind_stmt.h"
#include "planner/not_yet.h"

/* Everything else is executed by the server from the AST. */
static ErrCode bind_other(StmtCtx *ctx, Err *err)
{
    return err_set_at(err, ERR_STATEMENT, ctx->stmt->pos, "%s cannot be planned",
                      ast_stmt_kind_name(ctx->stmt));
}

/* A server has no files of its clients. */
static ErrCode bind_run_script(StmtCtx *ctx, Err *err)
{
    err_set_at(err, ERR_STATEMENT, ctx->stmt->pos, "RUN SCRIPT is not executed by a server");
    err_hint(err, "weir -f FILE runs a script");
    return ERR_STATEMENT;
}

static ErrCode bind_connector(StmtCtx *ctx, Err *err)
{
    return not_yet(NOT_YET_CONNECTOR, ctx->stmt->pos, err);
}

static ErrCode bind_alter_system(StmtCtx *ctx, Err *err)
{
    err_set_at(err, ERR_STATEMENT, ctx->stmt->pos,
               "ALTER SYSTEM is for shared runtimes, which this server does not have");
    err_hint(err, "write the property into the server's file and start it again, or SET it for the "
                  "session");
    return ERR_STATEMENT;
}

static ErrCode dispatch(StmtCtx *ctx, Err *err)
{
    switch (ctx->stmt->kind) {
    case AST_SELECT:
        return bind_select(ctx, err);
    case AST_CREATE_SOURCE:
        return bind_create_source(ctx, err);
    case AST_CREATE_AS:
        return bind_create_as(ctx, err);
    case AST_INSERT_QUERY:
        return bind_insert_query(ctx, err);
    case AST_INSERT_VALUES:
        return bind_insert_values(ctx, err);
    case AST_DROP_SOURCE:
        return bind_drop_source(ctx, err);
    case AST_ALTER_SOURCE:
        return bind_alter_source(ctx, err);
    case AST_CREATE_TYPE:
        return bind_create_type(ctx, err);
    case AST_DROP_TYPE:
        return bind_drop_type(ctx, err);
    case AST_TERMINATE:
    case AST_PAUSE:
    case AST_RESUME:
        return bind_query_control(ctx, err);
    case AST_CREATE_CONNECTOR:
    case AST_DROP_CONNECTOR:
        return bind_connector(ctx, err);
    case AST_RUN_SCRIPT:
        return bind_run_script(ctx, err);
    case AST_ALTER_SYSTEM:
        return bind_alter_system(ctx, err);
    default:
        return bind_other(ctx, err);
    }
}

ErrCode planner_plan(const PlannerEnv *env, const AstStmt *stmt, Arena *stmt_mem, StmtPlan *out,
                     Err *err)
{
    StmtPlan plan = {0};
    StmtCtx  ctx = {.env = env, .stmt = stmt, .mem = stmt_mem, .out = &plan};
    ErrCode  rc = dispatch(&ctx, err);

    if (rc != ERR_OK) {
        stmt_plan_deinit(&plan);
        return rc;
    }
    plan.sql = ast_text(stmt_mem, stmt);
    *out = plan;
    return ERR_OK;
}

void stmt_plan_deinit(StmtPlan *plan)
{
    source_unref(plan->source);
    catalog_query_unref(plan->query);
    catalog_type_unref(plan->type);
    catalog_unref(plan->catalog);
    plan->source = NULL;
    plan->query = NULL;
    plan->type = NULL;
    plan->catalog = NULL;
}

static void put_created(Catalog *edit, StmtPlan *plan)
{
    if (plan->source)
        catalog_put_source(edit, plan->source);
    if (plan->query)
        catalog_put_query(edit, plan->query);
    if (plan->type)
        catalog_put_type(edit, plan->type);
    plan->source = NULL;
    plan->query = NULL;
    plan->type = NULL;
}

/* A table whose query ended is not queryable any more. */
static void forget_view(Catalog *edit, Str query_id)
{
    for (size_t i = 0; i < catalog_sources_len(edit); i++) {
        const Source *source = catalog_source_at(edit, i);
        Source       *changed;

        if (!source->view_query.ptr || !str_eq(source->view_query, query_id))
            continue;
        changed = source_copy(source);
        changed->view_query = STR_NULL;
        catalog_put_source(edit, changed);
    }
}

static void set_status(Catalog *edit, const StmtPlan *plan, QueryStatus status)
{
    for (size_t i = 0; i < plan->terminates_len; i++) {
        const CatalogQuery *query = catalog_query(edit, plan->terminates[i]);

        if (query && query->status != status)
            catalog_put_query(edit, catalog_query_with_status(query, status));
    }
}

static void drop_queries(Catalog *edit, const StmtPlan *plan)
{
    for (size_t i = 0; i < plan->terminates_len; i++) {
        (void)catalog_drop_query(edit, plan->terminates[i]);
        forget_view(edit, plan->terminates[i]);
    }
}

void planner_apply(Catalog *edit, StmtPlan *plan)
{
    switch (plan->kind) {
    case STMT_CREATE_SOURCE:
    case STMT_CREATE_AS:
    case STMT_INSERT_SELECT:
    case STMT_ALTER_SOURCE:
    case STMT_CREATE_TYPE:
        put_created(edit, plan);
        break;
    case STMT_DROP_SOURCE:
        drop_queries(edit, plan);
        (void)catalog_drop_source(edit, plan->name);
        break;
    case STMT_TERMINATE:
        drop_queries(edit, plan);
        break;
    case STMT_PAUSE:
        set_status(edit, plan, QUERY_PAUSED);
        break;
    case STMT_RESUME:
        set_status(edit, plan, QUERY_RUNNING);
        break;
    case STMT_DROP_TYPE:
        (void)catalog_drop_type(edit, plan->name);
        break;
    case STMT_NOTHING:
    case STMT_INSERT_VALUES:
    case STMT_PUSH_QUERY:
    case STMT_PULL_QUERY:
    case STMT_PULL_STREAM:
        break;
    }
}
