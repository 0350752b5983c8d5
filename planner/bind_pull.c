/*
 * bind_pull.c -- what a pull query may say, and its plan.
 */
#include "planner/bind_pull.h"

#include "planner/bind_stmt.h"
#include "planner/build.h"

static bool is_off(const PlannerEnv *env, const char *property)
{
    Str value = env->property(env->self, property);

    return value.ptr && str_eq_nocase(value, STR("false"));
}

/* --- clauses ---------------------------------------------------------------------------------- */

static ErrCode refuse_clause(const char *clause, SrcPos pos, Err *err)
{
    err_set_at(err, ERR_STATEMENT, pos, "a pull query cannot have %s", clause);
    err_hint(err, "EMIT CHANGES at the end makes it a push query");
    return ERR_STATEMENT;
}

static bool visit_row_position(const AstExpr *expr, void *arg)
{
    const AstExpr **found = arg;

    if (expr->kind == AST_COLUMN &&
        (str_eq(expr->name.text, STR("ROWPARTITION")) || str_eq(expr->name.text, STR("ROWOFFSET"))))
        *found = expr;
    return !*found;
}

/* A materialised row is no record: it has no partition and no offset. */
static ErrCode check_row_position(const AstExpr *expr, const char *clause, Err *err)
{
    const AstExpr *found = NULL;

    if (expr)
        ast_expr_visit(expr, visit_row_position, &found);
    if (!found)
        return ERR_OK;
    return err_set_at(err, ERR_STATEMENT, found->pos, "a pull query has no %.*s in %s",
                      STR_ARG(found->name.text), clause);
}

static ErrCode check_switches(const PlannerEnv *env, const AstQuery *ast, Err *err)
{
    if (is_off(env, "ksql.pull.queries.enable"))
        return err_set_at(err, ERR_STATEMENT, ast->pos,
                          "pull queries are switched off by ksql.pull.queries.enable");
    if (ast->has_limit && is_off(env, "ksql.query.pull.limit.clause.enabled"))
        return err_set_at(err, ERR_STATEMENT, ast->limit_pos,
                          "LIMIT in pull queries is switched off by "
                          "ksql.query.pull.limit.clause.enabled");
    return ERR_OK;
}

ErrCode check_pull_clauses(const PlannerEnv *env, const AstQuery *ast, Err *err)
{
    TRY(check_switches(env, ast, err));
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
    for (size_t i = 0; i < ast->items_len; i++)
        TRY(check_row_position(ast->items[i].expr, "SELECT", err));
    return check_row_position(ast->where, "WHERE", err);
}

/* --- tables ----------------------------------------------------------------------------------- */

static ErrCode check_queryable(const AstQuery *ast, const Source *source, Err *err)
{
    if (source->view_query.ptr)
        return ERR_OK;
    err_set_at(err, ERR_STATEMENT, ast->from.name.pos,
               "table \"%.*s\" cannot be queried: nothing materialises it", STR_ARG(source->name));
    err_hint(err, "CREATE TABLE QUERYABLE_%.*s AS SELECT * FROM %.*s makes one that can",
             STR_ARG(source->name), STR_ARG(source->name));
    return ERR_STATEMENT;
}

static ErrCode check_star_alone(const AstQuery *ast, Err *err)
{
    for (size_t i = 0; i < ast->items_len && ast->items_len > 1; i++) {
        if (ast->items[i].kind == AST_ITEM_ALL)
            return err_set_at(err, ERR_STATEMENT, ast->items[i].pos,
                              "* stands alone in a pull query on a table");
    }
    return ERR_OK;
}

/* A key is compared as it is: no text for a number, no NULL. */
static ErrCode check_key_member(const Source *source, int column, const AstExpr *literal, Err *err)
{
    const Column *key = &source->schema->cols[column];

    if (literal->kind != AST_LITERAL)
        return ERR_OK;
    if (value_is_null(literal->value))
        return err_set_at(err, ERR_STATEMENT, literal->pos, "key column \"%.*s\" is never NULL",
                          STR_ARG(key->name));
    if (literal->value.kind == T_STRING &&
        (type_is_numeric(key->type) || key->type->kind == T_BOOLEAN))
        return err_set_at(err, ERR_STATEMENT, literal->pos,
                          "text cannot be compared with key column \"%.*s\"", STR_ARG(key->name));
    return ERR_OK;
}

typedef struct WhereCheck {
    const Source *source;
    ErrCode       rc;
    Err          *err;
} WhereCheck;

static bool is_constant_ast(const AstExpr *expr)
{
    if (expr->kind == AST_COLUMN)
        return false;
    for (uint32_t i = 0; i < expr->args_len; i++) {
        if (!is_constant_ast(expr->args[i]))
            return false;
    }
    return true;
}

static bool visit_where(const AstExpr *expr, void *arg)
{
    WhereCheck *check = arg;
    int         column;

    if (check->rc != ERR_OK)
        return false;
    if (expr->kind == AST_LIKE && is_constant_ast(expr->args[0]))
        check->rc = err_set_at(check->err, ERR_STATEMENT, expr->args[0]->pos,
                               "LIKE in a pull query compares a column with a pattern");
    if (expr->kind != AST_IN || expr->args[0]->kind != AST_COLUMN)
        return check->rc == ERR_OK;
    column = schema_find(check->source->schema, expr->args[0]->name.text);
    for (uint32_t i = 1; i < expr->args_len && check->rc == ERR_OK; i++) {
        if (column >= 0 && column < (int)check->source->schema->key_len)
            check->rc = check_key_member(check->source, column, expr->args[i], check->err);
    }
    return check->rc == ERR_OK;
}

static ErrCode check_where(const AstQuery *ast, const Source *source, Err *err)
{
    WhereCheck check = {.source = source, .rc = ERR_OK, .err = err};

    if (ast->where)
        ast_expr_visit(ast->where, visit_where, &check);
    return check.rc;
}

ErrCode check_pull_functions(const BoundQuery *bound, const AstQuery *ast, Err *err)
{
    if (bound->aggs.len > 0)
        return refuse_clause("aggregate functions", ast->pos, err);
    if (bound->table_fns.len > 0)
        return refuse_clause("table functions", bound->table_fns.items[0].pos, err);
    return ERR_OK;
}

static ErrCode check_kind(const PlannerEnv *env, const AstQuery *ast, const PullPlan *plan,
                          Err *err)
{
    if (plan->kind == PULL_SCAN && is_off(env, "ksql.query.pull.table.scan.enabled")) {
        err_set_at(err, ERR_STATEMENT, ast->where ? ast->where->pos : ast->pos,
                   "this pull query would read the whole table, which "
                   "ksql.query.pull.table.scan.enabled forbids");
        err_hint(err, "fix every key column by = in WHERE");
        return ERR_STATEMENT;
    }
    return ERR_OK;
}

/* The columns that * stands for are the source's own: header columns stay what they are. */
static const Schema *star_schema(Arena *mem, const PullPlan *plan)
{
    Schema *schema = ARENA_NEW(mem, Schema);
    Column *cols = ARENA_ARRAY(mem, Column, plan->schema->len);

    *schema = *plan->schema;
    schema->cols = cols;
    for (uint32_t i = 0; i < schema->len; i++) {
        const Expr *expr = plan->exprs[i];

        cols[i] = plan->schema->cols[i];
        if (expr->kind == EXPR_COLUMN && expr->u.index >= plan->row->key_len) {
            cols[i].role = plan->row->cols[expr->u.index].role;
            cols[i].header = plan->row->cols[expr->u.index].header;
        }
    }
    return schema;
}

static ErrCode fill_columns(Arena *mem, const AstQuery *ast, const BoundQuery *bound,
                            PullPlan *plan, Err *err)
{
    plan->schema = bound_schema(mem, bound);
    plan->exprs = ARENA_ARRAY(mem, Expr *, bound->items.len);
    for (size_t i = 0; i < bound->items.len; i++)
        TRY(lower_to_source(mem, bound, bound->items.items[i].expr, &plan->exprs[i], err));
    if (ast->items_len == 1 && ast->items[0].kind == AST_ITEM_ALL)
        plan->schema = star_schema(mem, plan);
    if (bound->where)
        TRY(lower_to_source(mem, bound, bound->where, &plan->predicate, err));
    return ERR_OK;
}

ErrCode bind_pull(const PlannerEnv *env, Arena *mem, const AstQuery *ast, const Source *source,
                  const PullPlan **out, Err *err)
{
    PullPlan  *plan = ARENA_NEW(mem, PullPlan);
    BoundQuery bound;

    TRY(check_star_alone(ast, err));
    TRY(bind_query(env, mem, ast, QUERY_STREAM_PULL, &bound, err));
    TRY(check_pull_functions(&bound, ast, err));
    TRY(check_queryable(ast, source, err));
    TRY(check_where(ast, source, err));
    plan->source = str_copy(mem, source->name);
    plan->query_id = str_copy(mem, source->view_query);
    plan->row = bound.scope.sources[0].schema;
    plan->is_windowed = source->window != WINDOW_NONE;
    plan->limit = bound.limit;
    TRY(fill_columns(mem, ast, &bound, plan, err));
    pull_choose(mem, plan);
    if (is_off(env, "ksql.query.pull.range.scan.enabled") && plan->kind == PULL_RANGE)
        plan->kind = PULL_SCAN;
    TRY(check_kind(env, ast, plan, err));
    *out = plan;
    return ERR_OK;
}
