/*
 * bind_call.c -- calls of functions: scalar, aggregate, table; lambdas.
 *
 * Scalar, aggregate and table functions share one name space.  Arguments are bound first, lambdas
 * excepted: the overload is chosen by the number of their parameters, the types of these follow
 * from the other arguments, and then the body is bound.
 */
#include <assert.h>

#include "planner/bind.h"
#include "planner/fn_resolve.h"

/* A call on its way: parallel to the AST's arguments. */
typedef struct Call {
    const AstExpr *ast;
    Str            name;
    SrcPos         pos;
    const char   **sigs;
    uint32_t       sigs_len;
    Expr         **args;  /* NULL where a lambda stands */
    const Type   **types; /* before conversion */
    uint32_t       args_len;
    FnMatch        match;
    FnQuery        query;
} Call;

static ErrCode unknown_function(BindCtx *ctx, Str name, SrcPos pos, Err *err)
{
    Str near = fn_table_nearest(ctx->env->fns, name, ctx->mem);

    err_set_at(err, ERR_STATEMENT, pos, "unknown function \"%.*s\"", STR_ARG(name));
    if (near.ptr)
        err_hint(err, "did you mean \"%.*s\"?", STR_ARG(near));
    else
        err_hint(err, "SHOW FUNCTIONS lists them");
    return ERR_STATEMENT;
}

/* Whether some overload wants a unit of time as argument i. */
static bool wants_unit(BindCtx *ctx, const Call *call, uint32_t i, uint32_t len)
{
    for (uint32_t k = 0; k < call->sigs_len; k++) {
        FnSig          sig;
        const char    *at;
        const FnParam *param;

        if (!fn_sig_parse(ctx->mem, call->sigs[k], &sig, &at))
            continue;
        param = i < len ? fn_sig_param(&sig, i, len) : NULL;
        if (param && param->type->kind == FN_TYPE_EXACT && param->type->type->kind == T_UNIT)
            return true;
    }
    return false;
}

/* A unit becomes the milliseconds it lasts. */
static ErrCode bind_unit(BindCtx *ctx, const AstExpr *ast, AstUnit unit, Expr **out, Err *err)
{
    static const int64_t unit_ms[] = {
        [AST_MILLISECONDS] = 1, [AST_SECONDS] = 1000,  [AST_MINUTES] = 60000,
        [AST_HOURS] = 3600000,  [AST_DAYS] = 86400000,
    };

    if (unit > AST_DAYS)
        return err_set_at(err, ERR_STATEMENT, ast->pos,
                          "units of time go from MILLISECONDS to DAYS: months and years have no "
                          "fixed length");
    *out = expr_literal(ctx->mem, &type_unit, value_time(T_UNIT, unit_ms[unit]), ast->pos);
    return ERR_OK;
}

static ErrCode bind_call_arg(BindCtx *ctx, Call *call, uint32_t i, Err *err)
{
    const AstExpr *ast = call->ast->args[i];
    AstUnit        unit;

    if (ast->kind == AST_LAMBDA) {
        Type *lambda = ARENA_NEW(ctx->mem, Type);

        lambda->kind = T_LAMBDA;
        lambda->fields_len = (uint32_t)ast->names.len;
        call->types[i] = lambda;
        return ERR_OK;
    }
    if (ast->kind == AST_UNIT_WORD) {
        TRY(bind_unit(ctx, ast, ast->unit, &call->args[i], err));
    } else if (ast_unit_of_column(ast, &unit) && wants_unit(ctx, call, i, call->args_len)) {
        TRY(bind_unit(ctx, ast, unit, &call->args[i], err));
    } else {
        TRY(bind_expr(ctx, ast, &call->args[i], err));
    }
    call->types[i] = call->args[i]->type;
    return ERR_OK;
}

static ErrCode bind_call_args(BindCtx *ctx, const AstExpr *ast, Call *call, Err *err)
{
    call->ast = ast;
    call->args_len = ast->args_len;
    call->args = ARENA_ARRAY(ctx->mem, Expr *, ast->args_len);
    call->types = ARENA_ARRAY(ctx->mem, const Type *, ast->args_len);
    for (uint32_t i = 0; i < ast->args_len; i++)
        TRY(bind_call_arg(ctx, call, i, err));
    return ERR_OK;
}

static ErrCode resolve(BindCtx *ctx, Call *call, bool casts, Err *err)
{
    call->query = (FnQuery){.name = call->name,
                            .pos = call->pos,
                            .sigs = call->sigs,
                            .sigs_len = call->sigs_len,
                            .args = call->types,
                            .args_len = call->args_len,
                            .casts = casts};
    return fn_resolve(ctx->mem, &call->query, &call->match, err);
}

/* --- lambdas ---------------------------------------------------------------------------------- */

static ErrCode check_lambda_name(BindCtx *ctx, const AstExpr *ast, size_t at, Err *err)
{
    const AstName *name = &ast->names.items[at];

    for (size_t i = 0; i < ctx->params.len; i++) {
        if (str_eq(ctx->params.items[i].name, name->text))
            return err_set_at(err, ERR_STATEMENT, name->pos,
                              "lambda parameter \"%.*s\" is already a parameter %s",
                              STR_ARG(name->text), "of this or an enclosing lambda");
    }
    for (uint32_t i = 0; ctx->scope && i < ctx->scope->len; i++) {
        if (schema_find(ctx->scope->sources[i].schema, name->text) >= 0)
            return err_set_at(err, ERR_STATEMENT, name->pos,
                              "lambda parameter \"%.*s\" has the name of a column of \"%.*s\"",
                              STR_ARG(name->text), STR_ARG(ctx->scope->sources[i].alias));
    }
    return ERR_OK;
}

static ErrCode lambda_result(BindCtx *ctx, Call *call, const FnType *pattern, Expr **body, Err *err)
{
    const Type *wanted;

    if (!fn_type_match(pattern->result, (*body)->type, &call->match.vars, false)) {
        wanted = fn_type_make(ctx->mem, pattern->result, &call->match.vars);
        return err_set_at(err, ERR_STATEMENT, (*body)->pos,
                          "the lambda of \"%.*s\" must give %.*s, not %.*s", STR_ARG(call->name),
                          STR_ARG(wanted ? type_text(ctx->mem, wanted) : STR("value")),
                          STR_ARG(type_text(ctx->mem, (*body)->type)));
    }
    wanted = fn_type_make(ctx->mem, pattern->result, &call->match.vars);
    if (!wanted)
        return err_set_at(err, ERR_STATEMENT, (*body)->pos,
                          "the type of the lambda's result is unknown: CAST the NULL");
    return coerce(ctx, *body, wanted, body, err);
}

static ErrCode bind_lambda_body(BindCtx *ctx, Call *call, uint32_t i, const FnType *pattern,
                                Err *err)
{
    const AstExpr *ast = call->ast->args[i];
    uint32_t       first = (uint32_t)ctx->params.len;
    TypeField     *fields = ARENA_ARRAY(ctx->mem, TypeField, ast->names.len);
    Type          *type = ARENA_NEW(ctx->mem, Type);
    Expr          *lambda = expr_new(ctx->mem, EXPR_LAMBDA, type, ast->pos, 1);

    for (size_t k = 0; k < ast->names.len; k++) {
        BindParam param = {.name = str_copy(ctx->mem, ast->names.items[k].text),
                           .type = fn_type_make(ctx->mem, pattern->parts[k], &call->match.vars)};

        TRY(check_lambda_name(ctx, ast, k, err));
        if (!param.type)
            return err_set_at(err, ERR_STATEMENT, ast->names.items[k].pos,
                              "the type of lambda parameter \"%.*s\" is unknown: CAST the NULL "
                              "that stands for the collection",
                              STR_ARG(param.name));
        vec_push(ctx->mem, &ctx->params, param);
        fields[k] = (TypeField){param.name, param.type};
    }
    TRY(bind_expr(ctx, ast->args[0], &lambda->args[0], err));
    TRY(lambda_result(ctx, call, pattern, &lambda->args[0], err));
    *type = (Type){.kind = T_LAMBDA,
                   .fields = fields,
                   .fields_len = (uint32_t)ast->names.len,
                   .elem = lambda->args[0]->type};
    lambda->u.lambda.first_param = first;
    lambda->u.lambda.params_len = (uint32_t)ast->names.len;
    call->args[i] = lambda;
    return ERR_OK;
}

/* Lambdas see columns, but nothing in them may aggregate. */
static ErrCode bind_lambda(BindCtx *ctx, Call *call, uint32_t i, const FnType *pattern, Err *err)
{
    BoundAggs     *aggs = ctx->aggs;
    BoundTableFns *table_fns = ctx->table_fns;
    size_t         params_len = ctx->params.len;
    ErrCode        rc;

    ctx->aggs = NULL;
    ctx->table_fns = NULL;
    rc = bind_lambda_body(ctx, call, i, pattern, err);
    ctx->params.len = params_len;
    ctx->aggs = aggs;
    ctx->table_fns = table_fns;
    return rc;
}

static ErrCode finish_args(BindCtx *ctx, Call *call, Err *err)
{
    for (uint32_t i = 0; i < call->args_len; i++) {
        const FnType *pattern = fn_sig_param(&call->match.sig, i, call->args_len)->type;

        if (pattern->kind == FN_TYPE_LAMBDA) {
            TRY(bind_lambda(ctx, call, i, pattern, err));
        } else {
            const Type *type = fn_match_arg(ctx->mem, &call->match, &call->query, i);

            TRY(coerce(ctx, call->args[i], type, &call->args[i], err));
        }
        call->types[i] = call->args[i]->type;
    }
    return ERR_OK;
}

/* --- scalar functions ------------------------------------------------------------------------- */

typedef ErrCode (*FnResult)(const Type *const *arg_types, uint32_t len, Arena *mem,
                            const Type **out, Err *err);

/* What the signature, or the row's own function, says of the result. */
static ErrCode result_type(BindCtx *ctx, Call *call, uint32_t types_len, FnResult result,
                           const Type **out, Err *err)
{
    const FnType *pattern = call->match.sig.result;
    const Type   *type = NULL;

    if (result) {
        ErrCode rc = result(call->types, types_len, ctx->mem, out, err);

        if (rc != ERR_OK && err->pos.line == 0)
            err->pos = call->pos;
        return rc;
    }
    if (pattern->kind == FN_TYPE_DECIMAL) {
        for (uint32_t i = 0; i < types_len && !type; i++) {
            if (call->types[i]->kind == T_DECIMAL)
                type = call->types[i];
        }
    } else {
        type = fn_type_make(ctx->mem, pattern, &call->match.vars);
    }
    if (!type) {
        err_set_at(err, ERR_STATEMENT, call->pos,
                   "the type of the result of \"%.*s\" is unknown: its arguments are NULL",
                   STR_ARG(call->name));
        err_hint(err, "give a NULL a type: CAST(NULL AS STRING)");
        return ERR_STATEMENT;
    }
    *out = type;
    return ERR_OK;
}

static const char **fn_sigs(BindCtx *ctx, FnRange range)
{
    const char **sigs = ARENA_ARRAY(ctx->mem, const char *, range.end - range.first);

    for (size_t i = range.first; i < range.end; i++)
        sigs[i - range.first] = ctx->env->fns->fns[i]->sig;
    return sigs;
}

static ErrCode finish_scalar(BindCtx *ctx, Call *call, FnRange range, Expr **out, Err *err)
{
    Expr        *expr = expr_new(ctx->mem, EXPR_CALL, NULL, call->pos, 0);
    const FnDef *def;

    TRY(resolve(ctx, call, true, err));
    TRY(finish_args(ctx, call, err));
    def = ctx->env->fns->fns[range.first + call->match.index];
    TRY(result_type(ctx, call, call->args_len, def->result, &expr->type, err));
    expr->u.call = def;
    expr->args = call->args;
    expr->args_len = call->args_len;
    TRY(fold(ctx, expr, err));
    *out = expr;
    return ERR_OK;
}

ErrCode bind_call_of(BindCtx *ctx, Str name, Expr **args, uint32_t args_len, SrcPos pos, Expr **out,
                     Err *err)
{
    FnRange range = fn_table_find(ctx->env->fns, name);
    Call    call = {.name = name, .pos = pos};

    if (range.first == range.end)
        return unknown_function(ctx, name, pos, err);
    call.sigs = fn_sigs(ctx, range);
    call.sigs_len = (uint32_t)(range.end - range.first);
    call.args_len = args_len;
    call.args = ARENA_ARRAY(ctx->mem, Expr *, args_len);
    call.types = ARENA_ARRAY(ctx->mem, const Type *, args_len);
    for (uint32_t i = 0; i < args_len; i++) {
        call.args[i] = args[i];
        call.types[i] = args[i]->type;
    }
    return finish_scalar(ctx, &call, range, out, err);
}

/* --- aggregate functions ---------------------------------------------------------------------- */

/* An aggregate or table function's arguments: columns and scalars only. */
static ErrCode bind_plain_args(BindCtx *ctx, const AstExpr *ast, const char *clause, Call *call,
                               Err *err)
{
    BindCtx inner = *ctx;

    inner.aggs = NULL;
    inner.table_fns = NULL;
    inner.has_window_bounds = false;
    inner.clause = clause;
    return bind_call_args(&inner, ast, call, err);
}

/* COUNT(*) and COUNT() count rows: every row has a ROWTIME. */
static void add_rowtime_arg(BindCtx *ctx, Call *call)
{
    call->args = ARENA_ARRAY(ctx->mem, Expr *, 1);
    call->types = ARENA_ARRAY(ctx->mem, const Type *, 1);
    call->args[0] = expr_new(ctx->mem, EXPR_PSEUDO, &type_bigint, call->pos, 0);
    call->args[0]->u.pseudo = PSEUDO_ROWTIME;
    call->types[0] = &type_bigint;
    call->args_len = 1;
}

/* Number of leading arguments that are not literal parameters. */
static ErrCode split_literals(const Call *call, uint32_t *columns_len, Err *err)
{
    *columns_len = 0;
    for (uint32_t i = 0; i < call->args_len; i++) {
        const FnParam *param = fn_sig_param(&call->match.sig, i, call->args_len);

        if (!param->is_literal) {
            (*columns_len)++;
        } else if (call->args[i]->kind != EXPR_LITERAL) {
            return err_set_at(err, ERR_STATEMENT, call->args[i]->pos,
                              "parameter %u of function \"%.*s\" must be a literal", i + 1,
                              STR_ARG(call->name));
        }
    }
    return ERR_OK;
}

static bool agg_eq(const PlanAgg *a, const PlanAgg *b)
{
    if (a->def != b->def || a->args_len != b->args_len || a->init_len != b->init_len)
        return false;
    for (uint32_t i = 0; i < a->args_len; i++) {
        if (!expr_eq(a->args[i], b->args[i]))
            return false;
    }
    for (uint32_t i = 0; i < a->init_len; i++) {
        if (!value_eq(a->init_args[i], b->init_args[i]))
            return false;
    }
    return true;
}

/* A property that is no number is none: the server checks what it is given. */
static int64_t agg_limit(const BindCtx *ctx, const AggDef *def)
{
    int64_t limit = -1;
    Str     text = STR_NULL;

    if (def->limit_property)
        text = ctx->env->property(ctx->env->self, def->limit_property);
    return text.ptr && str_to_i64(text, &limit) ? limit : -1;
}

static ErrCode make_agg(BindCtx *ctx, Call *call, const AggDef *def, PlanAgg *out, Err *err)
{
    uint32_t     columns_len;
    Value       *init;
    const Type **slot_types = ARENA_ARRAY(ctx->mem, const Type *, def->slots_len);
    AggCall      agg_call;
    ErrCode      rc;

    TRY(split_literals(call, &columns_len, err));
    init = ARENA_ARRAY(ctx->mem, Value, call->args_len - columns_len);
    for (uint32_t i = columns_len; i < call->args_len; i++)
        init[i - columns_len] = call->args[i]->u.literal;
    *out = (PlanAgg){.def = def,
                     .args = call->args,
                     .args_len = columns_len,
                     .init_args = init,
                     .init_len = call->args_len - columns_len,
                     .arg_types = call->types,
                     .slot_types = slot_types,
                     .limit = agg_limit(ctx, def),
                     .pos = call->pos};
    TRY(result_type(ctx, call, columns_len, def->result, &out->type, err));
    agg_call = (AggCall){.def = def,
                         .arg_types = call->types,
                         .args_len = columns_len,
                         .init_args = init,
                         .init_len = out->init_len,
                         .result = out->type,
                         .mem = ctx->mem};
    rc = def->slot_types(&agg_call, ctx->mem, slot_types, err);
    if (rc != ERR_OK && err->pos.line == 0) /* functions know no positions */
        err->pos = out->init_len > 0 ? call->args[columns_len]->pos : call->pos;
    return rc;
}

/* Lists the aggregate, once however often it is written, and leaves a reference to it. */
static ErrCode bind_agg(BindCtx *ctx, const AstExpr *ast, Call *call, FnRange range, Expr **out,
                        Err *err)
{
    PlanAgg  agg;
    uint32_t at = 0;

    if (!ctx->aggs)
        return err_set_at(err, ERR_STATEMENT, ast->pos,
                          "aggregate function \"%.*s\" is not allowed in %s", STR_ARG(call->name),
                          ctx->clause);
    call->sigs_len = (uint32_t)(range.end - range.first);
    call->sigs = ARENA_ARRAY(ctx->mem, const char *, call->sigs_len);
    for (size_t i = range.first; i < range.end; i++)
        call->sigs[i - range.first] = ctx->env->fns->aggs[i]->sig;
    TRY(bind_plain_args(ctx, ast, "the argument of an aggregate function", call, err));
    if (call->args_len == 0)
        add_rowtime_arg(ctx, call);
    TRY(resolve(ctx, call, false, err));
    TRY(finish_args(ctx, call, err));
    TRY(make_agg(ctx, call, ctx->env->fns->aggs[range.first + call->match.index], &agg, err));
    while (at < ctx->aggs->len && !agg_eq(&ctx->aggs->items[at], &agg))
        at++;
    if (at == ctx->aggs->len)
        vec_push(ctx->mem, ctx->aggs, agg);
    *out = expr_new(ctx->mem, EXPR_COLUMN, agg.type, ast->pos, 0);
    (*out)->u.index = ctx->scope->cols_len + at;
    return ERR_OK;
}

/* --- table functions -------------------------------------------------------------------------- */

static ErrCode bind_table_fn(BindCtx *ctx, const AstExpr *ast, Call *call, FnRange range,
                             Expr **out, Err *err)
{
    BoundTableFn fn = {.pos = ast->pos};

    if (!ctx->table_fns) {
        err_set_at(err, ERR_STATEMENT, ast->pos, "table function \"%.*s\" is not allowed %s%s",
                   STR_ARG(call->name), ctx->aggs ? "with aggregate functions or CASE in " : "in ",
                   ctx->clause);
        err_hint(err, "table functions stand in the SELECT list of a query on streams, outside of "
                      "CASE and of each other");
        return ERR_STATEMENT;
    }
    call->sigs_len = (uint32_t)(range.end - range.first);
    call->sigs = ARENA_ARRAY(ctx->mem, const char *, call->sigs_len);
    for (size_t i = range.first; i < range.end; i++)
        call->sigs[i - range.first] = ctx->env->fns->table_fns[i]->sig;
    TRY(bind_plain_args(ctx, ast, "the argument of a table function", call, err));
    TRY(resolve(ctx, call, true, err));
    TRY(finish_args(ctx, call, err));
    TRY(result_type(ctx, call, call->args_len, NULL, &fn.type, err));
    fn.def = ctx->env->fns->table_fns[range.first + call->match.index];
    fn.args = call->args;
    fn.args_len = call->args_len;
    *out = expr_new(ctx->mem, EXPR_COLUMN, fn.type, ast->pos, 0);
    (*out)->u.index = ctx->scope->cols_len + (uint32_t)ctx->table_fns->len;
    vec_push(ctx->mem, ctx->table_fns, fn);
    return ERR_OK;
}

ErrCode bind_call(BindCtx *ctx, const AstExpr *ast, Expr **out, Err *err)
{
    Call    call = {.name = str_upper_ascii(ctx->mem, ast->name.text), .pos = ast->pos};
    FnRange range = fn_table_find(ctx->env->fns, call.name);

    if (range.first != range.end) {
        call.sigs = fn_sigs(ctx, range);
        call.sigs_len = (uint32_t)(range.end - range.first);
        TRY(bind_call_args(ctx, ast, &call, err));
        return finish_scalar(ctx, &call, range, out, err);
    }
    range = fn_table_find_agg(ctx->env->fns, call.name);
    if (range.first != range.end)
        return bind_agg(ctx, ast, &call, range, out, err);
    range = fn_table_find_table_fn(ctx->env->fns, call.name);
    if (range.first != range.end)
        return bind_table_fn(ctx, ast, &call, range, out, err);
    return unknown_function(ctx, call.name, ast->name.pos, err);
}
