#include "tests/support/eval_sql.h"

#include <assert.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "exec/functions/fn_table.h"
#include "parser/parser.h"
#include "planner/bind.h"

/* Literals are converted when they are bound, everything else is left to run time. */
static ErrCode eval_casts_only(void *self, const Expr *expr, Arena *mem, Value *out, Err *err)
{
    if (expr->kind != EXPR_CAST)
        return err_set(err, ERR_EVAL, "left to run time");
    return expr_eval_const(self, expr, mem, out, err);
}

static Str no_property(void *self, const char *name)
{
    (void)self, (void)name;
    return STR_NULL;
}

static PlannerEnv env_of(void)
{
    return (PlannerEnv){
        .fns = fn_table(),
        .eval_const = eval_casts_only,
        .property = no_property,
    };
}

/* The only item of SELECT text FROM T. */
static ErrCode parse_expr(Arena *mem, const char *text, const AstExpr **out, Err *err)
{
    AstStmtList list;

    TRY(parser_parse(mem, str_printf(mem, "SELECT %s FROM T EMIT CHANGES;", text), (ParserOpts){0},
                     &list, err));
    assert(list.len == 1 && list.items[0]->u.select->items_len == 1);
    *out = list.items[0]->u.select->items[0].expr;
    return ERR_OK;
}

const Schema *eval_schema(Arena *mem, const char *columns)
{
    Str         sql = str_printf(mem, "CREATE STREAM T (%s) WITH (KAFKA_TOPIC='t');", columns);
    AstStmtList list;
    Err         err;
    PlannerEnv  env = env_of();
    Schema     *schema = ARENA_NEW(mem, Schema);
    Column     *cols;

    if (parser_parse(mem, sql, (ParserOpts){0}, &list, &err) != ERR_OK)
        assert(!"columns do not parse");
    schema->len = (uint32_t)list.items[0]->u.create_source.columns.len;
    cols = ARENA_ARRAY(mem, Column, schema->len);
    for (uint32_t i = 0; i < schema->len; i++) {
        const AstColumn *column = &list.items[0]->u.create_source.columns.items[i];

        cols[i].name = column->name.text;
        cols[i].role = COLUMN_VALUE;
        if (bind_type(&env, mem, column->type, &cols[i].type, &err) != ERR_OK)
            assert(!"type of a column");
    }
    schema->cols = cols;
    return schema;
}

/* A scope of one source, or NULL. */
static const Scope *scope_of(Arena *mem, const Schema *schema)
{
    Scope  *scope = ARENA_NEW(mem, Scope);
    Source *source = ARENA_NEW(mem, Source);

    if (!schema)
        return NULL;
    source->name = STR("T");
    source->schema = schema;
    scope_add(mem, scope, source, STR_NULL, (SrcPos){0});
    return scope;
}

ErrCode eval_bind(Arena *mem, const Schema *schema, const char *text, Expr **out, Err *err)
{
    PlannerEnv     env = env_of();
    BindCtx        ctx = {.env = &env, .mem = mem, .clause = "SELECT"};
    const AstExpr *ast;

    ctx.scope = scope_of(mem, schema);
    TRY(parse_expr(mem, text, &ast, err));
    return bind_expr(&ctx, ast, out, err);
}

static void count_error(void *self, const ExprProg *prog, const Row *row, const Err *err)
{
    (void)prog, (void)row, (void)err;
    ++*(uint32_t *)self;
}

Evaluated eval_sql(Arena *mem, const Schema *schema, const Value *cols, const char *text)
{
    Evaluated       got = {0};
    ExprErrors      errors = {count_error, &got.errors_reported};
    ExprOpts        opts = {.nested_error_set_null = true, .name = "test"};
    ExprCtx         ctx = {.mem = mem, .errors = &errors, .now_ms = 1700000000000};
    Row             row = {.cols = (Value *)cols};
    Expr           *expr;
    const ExprProg *prog;

    got.rc = eval_bind(mem, schema, text, &expr, &got.err);
    if (got.rc == ERR_OK)
        got.rc = expr_compile(mem, expr, &opts, &prog, &got.err);
    if (got.rc != ERR_OK)
        return got;
    got.type = expr->type;
    got.rc = expr_try(prog, &row, &ctx, &got.value, &got.err);
    expr_release(prog);
    return got;
}

const char *eval_text(Arena *mem, const char *text)
{
    Evaluated got = eval_sql(mem, NULL, NULL, text);
    Buf       printed = buf_in(mem);

    if (got.rc != ERR_OK) {
        buf_c(&printed, "error: ");
        buf_c(&printed, got.err.msg);
    } else if (value_is_null(got.value)) {
        buf_c(&printed, "null");
    } else {
        value_print(&printed, got.value, got.type);
    }
    return str_to_c(mem, buf_view(&printed));
}

static bool is_as_expected(const char *got, const char *expected)
{
    if (strcmp(expected, "error") == 0)
        return strncmp(got, "error: ", strlen("error: ")) == 0;
    return strcmp(got, expected) == 0;
}

void eval_check(Arena *mem, const EvalCase *cases, size_t len)
{
    size_t wrong = 0;

    for (size_t i = 0; i < len; i++) {
        const char *got = eval_text(mem, cases[i].text);

        if (is_as_expected(got, cases[i].expected))
            continue;
        print_error("%s\n    expected %s\n    got      %s\n", cases[i].text, cases[i].expected,
                    got);
        wrong++;
    }
    assert_int_equal(wrong, 0);
}

ErrCode eval_bind_agg(Arena *mem, const Schema *schema, const char *text, PlanAgg *out, Err *err)
{
    PlannerEnv     env = env_of();
    BoundAggs      aggs = {0};
    BindCtx        ctx = {.env = &env, .mem = mem, .clause = "SELECT", .aggs = &aggs};
    const AstExpr *ast;
    Expr          *expr;

    ctx.scope = scope_of(mem, schema);
    TRY(parse_expr(mem, text, &ast, err));
    TRY(bind_expr(&ctx, ast, &expr, err));
    assert(aggs.len == 1);
    *out = aggs.items[0];
    return ERR_OK;
}

ErrCode eval_bind_table_fn(Arena *mem, const char *text, const TableFnDef **def, Expr ***args,
                           const Type **type, Err *err)
{
    PlannerEnv     env = env_of();
    BoundTableFns  table_fns = {0};
    Scope          scope = {0};
    BindCtx        ctx = {.env = &env, .mem = mem, .clause = "SELECT"};
    const AstExpr *ast;
    Expr          *expr;

    ctx.scope = &scope;
    ctx.table_fns = &table_fns;
    TRY(parse_expr(mem, text, &ast, err));
    TRY(bind_expr(&ctx, ast, &expr, err));
    assert(table_fns.len == 1);
    *def = table_fns.items[0].def;
    *args = table_fns.items[0].args;
    *type = table_fns.items[0].type;
    return ERR_OK;
}
