/*
 * bind_expr.c -- types of expressions, and what SQL lets stand where.
 *
 * One function per kind of AST node, in the table at the end.  Each binds its operands, checks
 * their types, makes conversions explicit and folds constants.
 */
#include <assert.h>

#include "common/datetime.h"
#include "common/utf8.h"
#include "planner/bind.h"

static ErrCode finish(BindCtx *ctx, Expr *expr, Expr **out, Err *err)
{
    TRY(fold(ctx, expr, err));
    *out = expr;
    return ERR_OK;
}

static ErrCode bind_args(BindCtx *ctx, const AstExpr *ast, Expr **args, Err *err)
{
    for (uint32_t i = 0; i < ast->args_len; i++)
        TRY(bind_expr(ctx, ast->args[i], &args[i], err));
    return ERR_OK;
}

static ErrCode want_boolean(BindCtx *ctx, Expr **expr, const char *what, Err *err)
{
    if ((*expr)->type->kind == T_BOOLEAN)
        return ERR_OK;
    return err_set_at(err, ERR_STATEMENT, (*expr)->pos, "%s in %s must be BOOLEAN, not %.*s", what,
                      ctx->clause, STR_ARG(type_text(ctx->mem, (*expr)->type)));
}

/* --- leaves ----------------------------------------------------------------------------------- */

static const Type *literal_type(Arena *mem, Value value)
{
    if (value.kind == T_DECIMAL) {
        int precision = decimal_precision(value);

        /* 0.05 is DECIMAL(3, 2): one digit stands before the point. */
        return type_decimal(mem, precision > value.scale ? precision : value.scale + 1,
                            value.scale);
    }
    return type_scalar((TypeKind)value.kind);
}

static ErrCode bind_literal(BindCtx *ctx, const AstExpr *ast, Expr **out, Err *err)
{
    (void)err;
    *out = expr_literal(ctx->mem, literal_type(ctx->mem, ast->value),
                        value_copy(ctx->mem, ast->value), ast->pos);
    return ERR_OK;
}

static ErrCode bind_column(BindCtx *ctx, const AstExpr *ast, Expr **out, Err *err)
{
    if (!ast->qualifier.text.ptr) {
        /* The innermost parameter of that name; the binder refuses to reuse an outer one. */
        for (size_t i = ctx->params.len; i-- > 0;) {
            if (!str_eq(ctx->params.items[i].name, ast->name.text))
                continue;
            *out = expr_new(ctx->mem, EXPR_PARAM, ctx->params.items[i].type, ast->pos, 0);
            (*out)->u.index = (uint32_t)i;
            return ERR_OK;
        }
    }
    return scope_bind(ctx, ast, out, err);
}

static ErrCode bind_unit_word(BindCtx *ctx, const AstExpr *ast, Expr **out, Err *err)
{
    (void)ctx;
    (void)out;
    err_set_at(err, ERR_STATEMENT, ast->pos, "a unit of time is not a value");
    err_hint(err, "units stand as arguments of functions such as TIMESTAMPADD(DAYS, ...)");
    return ERR_STATEMENT;
}

/* --- operators -------------------------------------------------------------------------------- */

static ErrCode bind_sign(BindCtx *ctx, const AstExpr *ast, Expr **out, Err *err)
{
    Expr *operand, *expr;

    TRY(bind_expr(ctx, ast->args[0], &operand, err));
    if (!type_is_numeric(operand->type))
        return err_set_at(err, ERR_STATEMENT, ast->pos, "a sign needs a number, not a %.*s",
                          STR_ARG(type_text(ctx->mem, operand->type)));
    if (ast->op == AST_OP_ADD) {
        *out = operand;
        return ERR_OK;
    }
    expr = expr_new(ctx->mem, EXPR_NEG, operand->type, ast->pos, 1);
    expr->args[0] = operand;
    return finish(ctx, expr, out, err);
}

static const ArithOp arith_ops[] = {
    [AST_OP_ADD] = ARITH_ADD, [AST_OP_SUB] = ARITH_SUB, [AST_OP_MUL] = ARITH_MUL,
    [AST_OP_DIV] = ARITH_DIV, [AST_OP_MOD] = ARITH_MOD,
};

static const DecimalOp decimal_ops[] = {
    [ARITH_ADD] = DECIMAL_ADD, [ARITH_SUB] = DECIMAL_SUB, [ARITH_MUL] = DECIMAL_MUL,
    [ARITH_DIV] = DECIMAL_DIV, [ARITH_MOD] = DECIMAL_MOD,
};

static ErrCode decimal_arithmetic(BindCtx *ctx, Expr *expr, Err *err)
{
    for (uint32_t i = 0; i < 2; i++)
        TRY(coerce(ctx, expr->args[i], as_decimal(ctx->mem, expr->args[i]->type), &expr->args[i],
                   err));
    expr->type = decimal_type_of(ctx->mem, decimal_ops[expr->u.arith], expr->args[0]->type,
                                 expr->args[1]->type);
    if (expr->type->precision > DECIMAL_PRECISION_MAX)
        return err_set_at(err, ERR_STATEMENT, expr->pos,
                          "the result would be %.*s: at most %d digits are possible",
                          STR_ARG(type_text(ctx->mem, expr->type)), DECIMAL_PRECISION_MAX);
    return ERR_OK;
}

static ErrCode bind_arithmetic(BindCtx *ctx, const AstExpr *ast, Expr **out, Err *err)
{
    Expr       *expr = expr_new(ctx->mem, EXPR_ARITH, NULL, ast->pos, 2);
    const Type *a, *b;

    TRY(bind_args(ctx, ast, expr->args, err));
    a = expr->args[0]->type;
    b = expr->args[1]->type;
    if (ast->op == AST_OP_ADD && a->kind == T_STRING && b->kind == T_STRING) {
        expr->kind = EXPR_CONCAT;
        expr->type = &type_string;
        return finish(ctx, expr, out, err);
    }
    if (!type_is_numeric(a) || !type_is_numeric(b)) {
        err_set_at(err, ERR_STATEMENT, ast->pos, "no arithmetic on %.*s and %.*s",
                   STR_ARG(type_text(ctx->mem, a)), STR_ARG(type_text(ctx->mem, b)));
        if (a->kind == T_NULL || b->kind == T_NULL)
            err_hint(err, "give the NULL a type: CAST(NULL AS INT)");
        return ERR_STATEMENT;
    }
    expr->u.arith = arith_ops[ast->op];
    if (a->kind == T_DOUBLE || b->kind == T_DOUBLE)
        expr->type = &type_double;
    else if (a->kind == T_DECIMAL || b->kind == T_DECIMAL)
        TRY(decimal_arithmetic(ctx, expr, err));
    else
        expr->type = a->kind == T_BIGINT || b->kind == T_BIGINT ? &type_bigint : &type_int;
    if (expr->type->kind != T_DECIMAL) {
        TRY(coerce(ctx, expr->args[0], expr->type, &expr->args[0], err));
        TRY(coerce(ctx, expr->args[1], expr->type, &expr->args[1], err));
    }
    return finish(ctx, expr, out, err);
}

/* a || b means CONCAT(a, b): nulls count as nothing, and BYTES can be joined too. */
static ErrCode bind_concat(BindCtx *ctx, const AstExpr *ast, Expr **out, Err *err)
{
    Expr *args[2];

    TRY(bind_args(ctx, ast, args, err));
    for (uint32_t i = 0; i < 2; i++) {
        TypeKind kind = args[i]->type->kind, other = args[1 - i]->type->kind;

        if (kind == T_STRING || kind == T_BYTES || kind == T_NULL ||
            (other != T_STRING && other != T_NULL))
            continue;
        err_set_at(err, ERR_STATEMENT, args[i]->pos, "|| joins STRING with STRING, not with %.*s",
                   STR_ARG(type_text(ctx->mem, args[i]->type)));
        err_hint(err, "write CAST(... AS STRING)");
        return ERR_STATEMENT;
    }
    return bind_call_of(ctx, STR("CONCAT"), args, 2, ast->pos, out, err);
}

/* --- comparisons ------------------------------------------------------------------------------ */

static const CompareOp compare_ops[] = {
    [AST_OP_EQ] = COMPARE_EQ, [AST_OP_NE] = COMPARE_NE, [AST_OP_LT] = COMPARE_LT,
    [AST_OP_LE] = COMPARE_LE, [AST_OP_GT] = COMPARE_GT, [AST_OP_GE] = COMPARE_GE,
};

/* ROWTIME, WINDOWSTART and WINDOWEND count milliseconds but may be compared with a date's text. */
static bool is_time_column(const BindCtx *ctx, const Expr *expr)
{
    ScopeColumn column;

    if (expr->kind != EXPR_COLUMN || !ctx->scope || expr->u.index >= ctx->scope->cols_len)
        return false;
    column = scope_column(ctx->scope, expr->u.index);
    return column.is_pseudo &&
           (column.pseudo == PSEUDO_ROWTIME || column.pseudo == PSEUDO_WINDOWSTART ||
            column.pseudo == PSEUDO_WINDOWEND);
}

static ErrCode time_text(BindCtx *ctx, const Expr *column, Expr **side, Err *err)
{
    int64_t ms;

    if (!ctx->compares_time_text || !is_time_column(ctx, column) || (*side)->kind != EXPR_LITERAL ||
        (*side)->type->kind != T_STRING)
        return ERR_OK;
    if (datetime_parse_timestamp(value_as_str((*side)->u.literal), &ms, err) != ERR_OK) {
        err->code = ERR_STATEMENT;
        err->pos = (*side)->pos;
        return ERR_STATEMENT;
    }
    *side = expr_literal(ctx->mem, &type_bigint, value_bigint(ms), (*side)->pos);
    return ERR_OK;
}

static ErrCode refuse_null_operand(const Expr *a, const Expr *b, const char *op, SrcPos pos,
                                   Err *err)
{
    if (!expr_is_null_literal(a) && !expr_is_null_literal(b))
        return ERR_OK;
    err_set_at(err, ERR_STATEMENT, pos, "comparison with NULL by %s is never true", op);
    err_hint(err, "write IS NULL or IS NOT NULL");
    return ERR_STATEMENT;
}

static ErrCode bind_compare(BindCtx *ctx, const AstExpr *ast, Expr **out, Err *err)
{
    Expr       *expr = expr_new(ctx->mem, EXPR_COMPARE, &type_boolean, ast->pos, 2);
    const char *op;
    bool        equality;

    expr->u.compare = compare_ops[ast->op];
    op = compare_op_name(expr->u.compare);
    equality = expr->u.compare == COMPARE_EQ || expr->u.compare == COMPARE_NE;
    TRY(bind_args(ctx, ast, expr->args, err));
    TRY(refuse_null_operand(expr->args[0], expr->args[1], op, ast->pos, err));
    TRY(time_text(ctx, expr->args[0], &expr->args[1], err));
    TRY(time_text(ctx, expr->args[1], &expr->args[0], err));
    TRY(coerce_comparison(ctx, &expr->args[0], &expr->args[1], equality, op, ast->pos, err));
    return finish(ctx, expr, out, err);
}

static ErrCode negate(BindCtx *ctx, Expr *expr, bool is_not, SrcPos pos, Expr **out, Err *err)
{
    Expr *not_expr;

    TRY(fold(ctx, expr, err));
    if (!is_not) {
        *out = expr;
        return ERR_OK;
    }
    not_expr = expr_new(ctx->mem, EXPR_NOT, &type_boolean, pos, 1);
    not_expr->args[0] = expr;
    return finish(ctx, not_expr, out, err);
}

static ErrCode bind_is_distinct(BindCtx *ctx, const AstExpr *ast, Expr **out, Err *err)
{
    Expr *expr = expr_new(ctx->mem, EXPR_DISTINCT, &type_boolean, ast->pos, 2);

    TRY(bind_args(ctx, ast, expr->args, err));
    for (uint32_t i = 0; i < 2; i++) {
        if (expr_is_null_literal(expr->args[i]) && !expr_is_null_literal(expr->args[1 - i]))
            TRY(coerce(ctx, expr->args[i], expr->args[1 - i]->type, &expr->args[i], err));
    }
    TRY(coerce_comparison(ctx, &expr->args[0], &expr->args[1], true, "IS DISTINCT FROM", ast->pos,
                          err));
    return negate(ctx, expr, ast->is_not, ast->pos, out, err);
}

static ErrCode bind_is_null(BindCtx *ctx, const AstExpr *ast, Expr **out, Err *err)
{
    Expr *expr = expr_new(ctx->mem, EXPR_IS_NULL, &type_boolean, ast->pos, 1);

    TRY(bind_args(ctx, ast, expr->args, err));
    return negate(ctx, expr, ast->is_not, ast->pos, out, err);
}

static ErrCode bind_between(BindCtx *ctx, const AstExpr *ast, Expr **out, Err *err)
{
    Expr *expr = expr_new(ctx->mem, EXPR_BETWEEN, &type_boolean, ast->pos, 3);
    Expr *low, *high;

    TRY(bind_args(ctx, ast, expr->args, err));
    for (uint32_t i = 1; i < 3; i++) {
        TRY(refuse_null_operand(expr->args[0], expr->args[i], "BETWEEN", ast->pos, err));
        TRY(time_text(ctx, expr->args[0], &expr->args[i], err));
    }
    /* Each bound may want another type of the operand; the second round brings all to one. */
    low = expr->args[0];
    TRY(coerce_comparison(ctx, &low, &expr->args[1], false, "BETWEEN", ast->pos, err));
    high = low;
    TRY(coerce_comparison(ctx, &high, &expr->args[2], false, "BETWEEN", ast->pos, err));
    expr->args[0] = high;
    TRY(coerce_comparison(ctx, &expr->args[0], &expr->args[1], false, "BETWEEN", ast->pos, err));
    return negate(ctx, expr, ast->is_not, ast->pos, out, err);
}

static ErrCode bind_in(BindCtx *ctx, const AstExpr *ast, Expr **out, Err *err)
{
    Expr       *expr = expr_new(ctx->mem, EXPR_IN, &type_boolean, ast->pos, ast->args_len);
    const Type *type;
    uint32_t    len = 1;

    TRY(bind_args(ctx, ast, expr->args, err));
    for (uint32_t i = 1; i < ast->args_len; i++) {
        if (!expr_is_null_literal(expr->args[i])) /* equals nothing */
            expr->args[len++] = expr->args[i];
    }
    expr->args_len = len;
    if (expr_is_null_literal(expr->args[0]))
        return refuse_null_operand(expr->args[0], expr->args[0], "IN", ast->pos, err);
    TRY(coerce_list(ctx, expr->args, len, &type, err));
    return negate(ctx, expr, ast->is_not, ast->pos, out, err);
}

static ErrCode bind_like(BindCtx *ctx, const AstExpr *ast, Expr **out, Err *err)
{
    Expr  *expr = expr_new(ctx->mem, EXPR_LIKE, &type_boolean, ast->pos, 2);
    size_t offset = 0;

    TRY(bind_args(ctx, ast, expr->args, err));
    for (uint32_t i = 0; i < 2; i++) {
        if (expr->args[i]->type->kind != T_STRING) {
            err_set_at(err, ERR_STATEMENT, expr->args[i]->pos,
                       "LIKE compares STRING with STRING, not %.*s",
                       STR_ARG(type_text(ctx->mem, expr->args[i]->type)));
            err_hint(err, "write CAST(... AS STRING)");
            return ERR_STATEMENT;
        }
    }
    expr->u.escape = -1;
    if (!value_is_null(ast->value)) {
        Str escape = value_as_str(ast->value);

        expr->u.escape = escape.len > 0 ? (int32_t)utf8_next(escape, &offset) : 0;
        if (escape.len == 0 || offset != escape.len)
            return err_set_at(err, ERR_STATEMENT, ast->pos,
                              "ESCAPE needs a string of one character, not '%.*s'",
                              STR_ARG(escape));
    }
    return negate(ctx, expr, ast->is_not, ast->pos, out, err);
}

/* --- logic ------------------------------------------------------------------------------------ */

static ErrCode bind_logic(BindCtx *ctx, const AstExpr *ast, Expr **out, Err *err)
{
    ExprKind    kind = ast->kind == AST_AND ? EXPR_AND : ast->kind == AST_OR ? EXPR_OR : EXPR_NOT;
    const char *what = kind == EXPR_AND  ? "an operand of AND"
                       : kind == EXPR_OR ? "an operand of OR"
                                         : "the operand of NOT";
    Expr       *expr = expr_new(ctx->mem, kind, &type_boolean, ast->pos, ast->args_len);

    TRY(bind_args(ctx, ast, expr->args, err));
    for (uint32_t i = 0; i < expr->args_len; i++)
        TRY(want_boolean(ctx, &expr->args[i], what, err));
    return finish(ctx, expr, out, err);
}

/* CASE x WHEN y ... is CASE WHEN x = y ... */
static ErrCode bind_when(BindCtx *ctx, const AstExpr *ast, uint32_t at, Expr **out, Err *err)
{
    AstExpr  equals = {.kind = AST_COMPARE, .op = AST_OP_EQ, .args_len = 2};
    AstExpr *sides[2];

    if (!ast->has_operand) {
        TRY(bind_expr(ctx, ast->args[at], out, err));
        return want_boolean(ctx, out, "a WHEN condition", err);
    }
    sides[0] = ast->args[0];
    sides[1] = ast->args[at];
    equals.args = sides;
    equals.pos = ast->args[at]->pos;
    return bind_compare(ctx, &equals, out, err);
}

/* when, then, when, then, ..., else */
static bool is_case_result(const Expr *expr, uint32_t i)
{
    return i % 2 == 1 || i + 1 == expr->args_len;
}

/* Numbers widen to the type that holds all of them; NULL: there is no common type. */
static const Type *common_result(Arena *mem, const Type *a, const Type *b)
{
    if (a->kind == T_NULL || type_eq(a, b))
        return b;
    return type_is_numeric(a) && type_is_numeric(b) ? numeric_common(mem, a, b) : NULL;
}

static ErrCode case_results(BindCtx *ctx, Expr *expr, Err *err)
{
    const Type *type = &type_null, *common;

    for (uint32_t i = 0; i < expr->args_len; i++) {
        bool is_result = is_case_result(expr, i);

        if (!is_result || expr_is_null_literal(expr->args[i]))
            continue;
        common = common_result(ctx->mem, type, expr->args[i]->type);
        if (!common) {
            err_set_at(err, ERR_STATEMENT, expr->args[i]->pos,
                       "the results of a CASE must have one type: %.*s here, %.*s before",
                       STR_ARG(type_text(ctx->mem, expr->args[i]->type)),
                       STR_ARG(type_text(ctx->mem, type)));
            err_hint(err, "CAST them to one type");
            return ERR_STATEMENT;
        }
        type = common;
    }
    if (type->kind == T_NULL) {
        err_set_at(err, ERR_STATEMENT, expr->pos, "all results of the CASE are NULL");
        err_hint(err, "give one a type: CAST(NULL AS STRING)");
        return ERR_STATEMENT;
    }
    for (uint32_t i = 0; i < expr->args_len; i++) {
        if (is_case_result(expr, i))
            TRY(coerce(ctx, expr->args[i], type, &expr->args[i], err));
    }
    expr->type = type;
    return ERR_OK;
}

static ErrCode bind_case_parts(BindCtx *ctx, const AstExpr *ast, Expr *expr, Err *err)
{
    uint32_t at = ast->has_operand ? 1 : 0;
    uint32_t end = ast->args_len - (ast->has_else ? 1 : 0);
    uint32_t n = 0;

    for (; at + 1 < end; at += 2) {
        TRY(bind_when(ctx, ast, at, &expr->args[n++], err));
        TRY(bind_expr(ctx, ast->args[at + 1], &expr->args[n++], err));
    }
    if (ast->has_else)
        TRY(bind_expr(ctx, ast->args[ast->args_len - 1], &expr->args[n++], err));
    else
        expr->args[n++] = expr_literal(ctx->mem, &type_null, value_null(), ast->pos);
    assert(n <= ast->args_len + 1);
    expr->args_len = n;
    return case_results(ctx, expr, err);
}

static ErrCode bind_case(BindCtx *ctx, const AstExpr *ast, Expr **out, Err *err)
{
    Expr          *expr = expr_new(ctx->mem, EXPR_CASE, NULL, ast->pos, ast->args_len + 1);
    BoundTableFns *table_fns = ctx->table_fns;
    ErrCode        rc;

    ctx->table_fns = NULL; /* a row's branches cannot have several values */
    rc = bind_case_parts(ctx, ast, expr, err);
    ctx->table_fns = table_fns;
    return rc == ERR_OK ? finish(ctx, expr, out, err) : rc;
}

/* --- nested values ---------------------------------------------------------------------------- */

static ErrCode bind_subscript(BindCtx *ctx, const AstExpr *ast, Expr **out, Err *err)
{
    Expr       *expr = expr_new(ctx->mem, EXPR_INDEX, NULL, ast->pos, 2);
    const Type *type, *index;

    TRY(bind_args(ctx, ast, expr->args, err));
    type = expr->args[0]->type;
    index = expr->args[1]->type;
    if (type->kind == T_ARRAY) {
        if (index->kind != T_INT && index->kind != T_BIGINT)
            return err_set_at(err, ERR_STATEMENT, expr->args[1]->pos,
                              "an array's index must be INTEGER or BIGINT, not %.*s",
                              STR_ARG(type_text(ctx->mem, index)));
    } else if (type->kind == T_MAP) {
        if (!widens_to(index, type->key))
            return err_set_at(
                err, ERR_STATEMENT, expr->args[1]->pos, "the key of a %.*s must be %.*s, not %.*s",
                STR_ARG(type_text(ctx->mem, type)), STR_ARG(type_text(ctx->mem, type->key)),
                STR_ARG(type_text(ctx->mem, index)));
        TRY(coerce(ctx, expr->args[1], type->key, &expr->args[1], err));
    } else {
        return err_set_at(err, ERR_STATEMENT, ast->pos, "[ ] works on ARRAY and MAP, not on %.*s",
                          STR_ARG(type_text(ctx->mem, type)));
    }
    expr->type = type->elem;
    return finish(ctx, expr, out, err);
}

static ErrCode unknown_field(BindCtx *ctx, const AstExpr *ast, const Type *type, Err *err)
{
    Str *names = ARENA_ARRAY(ctx->mem, Str, type->fields_len);
    Str  near;

    for (uint32_t i = 0; i < type->fields_len; i++)
        names[i] = type->fields[i].name;
    near = str_nearest(ast->name.text, names, type->fields_len);
    err_set_at(err, ERR_STATEMENT, ast->name.pos, "unknown field \"%.*s\" of %.*s",
               STR_ARG(ast->name.text), STR_ARG(type_text(ctx->mem, type)));
    if (near.ptr)
        err_hint(err, "did you mean \"%.*s\"?", STR_ARG(near));
    return ERR_STATEMENT;
}

static ErrCode bind_field(BindCtx *ctx, const AstExpr *ast, Expr **out, Err *err)
{
    Expr       *expr = expr_new(ctx->mem, EXPR_FIELD, NULL, ast->pos, 1);
    const Type *type;
    int         field;

    TRY(bind_args(ctx, ast, expr->args, err));
    type = expr->args[0]->type;
    if (type->kind != T_STRUCT)
        return err_set_at(err, ERR_STATEMENT, ast->pos, "-> works on STRUCT, not on %.*s",
                          STR_ARG(type_text(ctx->mem, type)));
    field = type_field_find(type, ast->name.text);
    if (field < 0)
        return unknown_field(ctx, ast, type, err);
    expr->u.index = (uint32_t)field;
    expr->type = type->fields[field].type;
    return finish(ctx, expr, out, err);
}

static ErrCode untyped(SrcPos pos, const char *what, Err *err)
{
    err_set_at(err, ERR_STATEMENT, pos, "%s needs a value that is not NULL: its type is unknown",
               what);
    err_hint(err, "give a NULL a type: CAST(NULL AS STRING)");
    return ERR_STATEMENT;
}

static ErrCode bind_array(BindCtx *ctx, const AstExpr *ast, Expr **out, Err *err)
{
    Expr       *expr = expr_new(ctx->mem, EXPR_ARRAY, NULL, ast->pos, ast->args_len);
    const Type *elem;

    TRY(bind_args(ctx, ast, expr->args, err));
    TRY(coerce_list(ctx, expr->args, expr->args_len, &elem, err));
    if (!elem)
        return untyped(ast->pos, "ARRAY[]", err);
    expr->type = type_array(ctx->mem, elem);
    return finish(ctx, expr, out, err);
}

static ErrCode bind_map(BindCtx *ctx, const AstExpr *ast, Expr **out, Err *err)
{
    Expr       *expr = expr_new(ctx->mem, EXPR_MAP, NULL, ast->pos, ast->args_len);
    uint32_t    len = ast->args_len / 2;
    Expr      **keys = ARENA_ARRAY(ctx->mem, Expr *, len);
    Expr      **values = ARENA_ARRAY(ctx->mem, Expr *, len);
    const Type *key, *value;

    for (uint32_t i = 0; i < len; i++) {
        TRY(bind_expr(ctx, ast->args[2 * i], &keys[i], err));
        TRY(bind_expr(ctx, ast->args[2 * i + 1], &values[i], err));
    }
    TRY(coerce_list(ctx, keys, len, &key, err));
    TRY(coerce_list(ctx, values, len, &value, err));
    if (!key || !value)
        return untyped(ast->pos, "MAP()", err);
    for (uint32_t i = 0; i < len; i++) {
        expr->args[2 * i] = keys[i];
        expr->args[2 * i + 1] = values[i];
    }
    expr->type = type_map(ctx->mem, key, value);
    return finish(ctx, expr, out, err);
}

static ErrCode bind_struct(BindCtx *ctx, const AstExpr *ast, Expr **out, Err *err)
{
    Expr      *expr = expr_new(ctx->mem, EXPR_STRUCT, NULL, ast->pos, ast->args_len);
    TypeField *fields = ARENA_ARRAY(ctx->mem, TypeField, ast->args_len);

    TRY(bind_args(ctx, ast, expr->args, err));
    for (uint32_t i = 0; i < ast->args_len; i++) {
        const AstName *name = &ast->names.items[i];

        for (uint32_t k = 0; k < i; k++) {
            if (str_eq(fields[k].name, name->text))
                return err_set_at(err, ERR_STATEMENT, name->pos,
                                  "field \"%.*s\" stands twice in a STRUCT", STR_ARG(name->text));
        }
        if (expr_is_null_literal(expr->args[i]))
            return untyped(expr->args[i]->pos, "a field of STRUCT()", err);
        fields[i] = (TypeField){str_copy(ctx->mem, name->text), expr->args[i]->type};
    }
    expr->type = type_struct(ctx->mem, fields, ast->args_len);
    return finish(ctx, expr, out, err);
}

static ErrCode bind_cast(BindCtx *ctx, const AstExpr *ast, Expr **out, Err *err)
{
    Expr       *expr = expr_new(ctx->mem, EXPR_CAST, NULL, ast->pos, 1);
    const Type *from;

    TRY(bind_type(ctx->env, ctx->mem, ast->type, &expr->type, err));
    TRY(bind_args(ctx, ast, expr->args, err));
    from = expr->args[0]->type;
    if (from->kind == T_NULL) {
        *out = expr_literal(ctx->mem, expr->type, value_null(), ast->pos);
        return ERR_OK;
    }
    if (!cast_exists(from, expr->type))
        return err_set_at(err, ERR_STATEMENT, ast->pos, "no CAST from %.*s to %.*s",
                          STR_ARG(type_text(ctx->mem, from)),
                          STR_ARG(type_text(ctx->mem, expr->type)));
    return finish(ctx, expr, out, err);
}

static ErrCode bind_lambda_outside(BindCtx *ctx, const AstExpr *ast, Expr **out, Err *err)
{
    (void)ctx;
    (void)out;
    return err_set_at(err, ERR_STATEMENT, ast->pos,
                      "a lambda can only be an argument of a function that takes one");
}

static ErrCode bind_at_time_zone(BindCtx *ctx, const AstExpr *ast, Expr **out, Err *err)
{
    (void)ctx;
    (void)out;
    err_set_at(err, ERR_STATEMENT, ast->pos, "AT TIME ZONE is not part of this language");
    err_hint(err, "CONVERT_TZ(timestamp, from, to) converts between zones");
    return ERR_STATEMENT;
}

ErrCode bind_expr(BindCtx *ctx, const AstExpr *ast, Expr **out, Err *err)
{
    static ErrCode (*const binders[])(BindCtx *, const AstExpr *, Expr **, Err *) = {
        [AST_LITERAL] = bind_literal,
        [AST_COLUMN] = bind_column,
        [AST_CALL] = bind_call,
        [AST_UNIT_WORD] = bind_unit_word,
        [AST_CAST] = bind_cast,
        [AST_SIGN] = bind_sign,
        [AST_ARITHMETIC] = bind_arithmetic,
        [AST_CONCAT] = bind_concat,
        [AST_COMPARE] = bind_compare,
        [AST_AND] = bind_logic,
        [AST_OR] = bind_logic,
        [AST_NOT] = bind_logic,
        [AST_IS_NULL] = bind_is_null,
        [AST_IS_DISTINCT] = bind_is_distinct,
        [AST_BETWEEN] = bind_between,
        [AST_IN] = bind_in,
        [AST_LIKE] = bind_like,
        [AST_CASE] = bind_case,
        [AST_SUBSCRIPT] = bind_subscript,
        [AST_FIELD] = bind_field,
        [AST_ARRAY] = bind_array,
        [AST_MAP] = bind_map,
        [AST_STRUCT] = bind_struct,
        [AST_LAMBDA] = bind_lambda_outside,
        [AST_AT_TIME_ZONE] = bind_at_time_zone,
    };
    _Static_assert(sizeof binders / sizeof binders[0] == AST_EXPR_COUNT_, "a binder per kind");

    return binders[ast->kind](ctx, ast, out, err);
}

ErrCode bind_predicate(BindCtx *ctx, const AstExpr *ast, Expr **out, Err *err)
{
    Expr *expr;

    TRY(bind_expr(ctx, ast, &expr, err));
    if (expr->type->kind != T_BOOLEAN)
        return err_set_at(err, ERR_STATEMENT, ast->pos,
                          "the condition of %s must be BOOLEAN, not %.*s", ctx->clause,
                          STR_ARG(type_text(ctx->mem, expr->type)));
    *out = expr;
    return ERR_OK;
}
