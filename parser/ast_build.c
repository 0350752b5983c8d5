/*
 * ast_build.c -- constructors of names, types and expressions.
 *
 * Every operand passes through ast_build_deepen(), which bounds the depth of the tree: a chain such
 * as a + b + c makes a tree as deep as it is long, and whoever walks a tree recurses.  The bound is
 * several times the limit on nested parentheses, which parser.c counts.
 */
#include "parser/ast_build.h"

#include <math.h>

#include "common/decimal.h"
#include "common/limit.h"
#include "parser/grammar.h"

void ast_build_error(AstBuild *b, ErrCode code, SrcPos pos, const char *format, ...)
{
    va_list args;
    Buf     msg = buf_in(b->mem);

    if (b->rc != ERR_OK)
        return;
    va_start(args, format);
    buf_vprintf(&msg, format, args);
    va_end(args);
    b->rc = err_set_at(b->err, code, pos, "%.*s", (int)msg.len, msg.ptr);
}

SrcPos ast_pos_join(SrcPos first, SrcPos last)
{
    first.len = last.offset + last.len - first.offset;
    return first;
}

/* --- names, strings, numbers ------------------------------------------------------------------ */

/* The text between the quotes of a token, doubled quotes undone. */
static Str ast_build_unquote(AstBuild *b, Str quoted)
{
    char   quote = quoted.ptr[0];
    Str    inner = str_slice(quoted, 1, quoted.len - 1);
    char  *out;
    size_t len = 0;

    if (inner.len == 0 || !memchr(inner.ptr, quote, inner.len))
        return inner;
    out = arena_bytes(b->mem, inner.len);
    for (size_t i = 0; i < inner.len; i++) {
        out[len++] = inner.ptr[i];
        if (inner.ptr[i] == quote)
            i++;
    }
    return (Str){out, len};
}

AstName ast_build_name(AstBuild *b, Token token)
{
    AstName name = {.original = token.text, .pos = token.pos};

    if (token.code == TK_QUOTED || token.code == TK_STRING) {
        name.original = ast_build_unquote(b, token.text);
        name.text = name.original;
        name.is_quoted = true;
        if (name.text.len == 0)
            ast_build_error(b, ERR_SYNTAX, token.pos, "a name cannot be empty");
    } else {
        name.text = str_upper_ascii(b->mem, token.text);
    }
    return name;
}

Str ast_build_text(AstBuild *b, Token string)
{
    return ast_build_unquote(b, string.text);
}

/* Digits as a number; false above 2^63. */
static bool ast_build_digits(Str digits, uint64_t *out)
{
    const uint64_t max = (uint64_t)INT64_MAX + 1;
    uint64_t       v = 0;

    for (size_t i = 0; i < digits.len; i++) {
        uint64_t digit = (uint64_t)(digits.ptr[i] - '0');

        if (v > (max - digit) / 10)
            return false;
        v = v * 10 + digit;
    }
    *out = v;
    return true;
}

void ast_build_out_of_range(AstBuild *b, SrcPos pos, Str text)
{
    if (b->rc != ERR_OK)
        return;
    ast_build_error(b, ERR_SYNTAX, pos, "integer %.*s is out of range",
                    (int)(text.len > 60 ? 60 : text.len), text.ptr);
    err_hint(b->err, "BIGINT ends at %lld; a larger number needs a decimal point to be a DECIMAL",
             (long long)INT64_MAX);
}

int64_t ast_build_integer(AstBuild *b, Token integer)
{
    uint64_t v = 0;

    /* A substituted variable may bring a sign. */
    if (integer.text.ptr[0] == '-')
        ast_build_error(b, ERR_SYNTAX, integer.pos, "%.*s is negative", STR_ARG(integer.text));
    else if (!ast_build_digits(integer.text, &v) || v > INT64_MAX)
        ast_build_out_of_range(b, integer.pos, integer.text);
    return b->rc == ERR_OK ? (int64_t)v : 0;
}

AstUnit ast_build_unit(AstBuild *b, Token word)
{
    AstUnit unit = AST_MILLISECONDS;

    if (!ast_unit_parse(word.text, &unit))
        ast_build_error(b, ERR_SYNTAX, word.pos, "unknown unit \"%.*s\"", STR_ARG(word.text));
    return unit;
}

AstDuration ast_build_duration(AstBuild *b, Token amount, Token unit)
{
    AstDuration duration = {.amount = ast_build_integer(b, amount),
                            .unit = ast_build_unit(b, unit),
                            .pos = ast_pos_join(amount.pos, unit.pos)};
    int64_t     ms;

    if (duration.unit > AST_DAYS)
        ast_build_error(b, ERR_SYNTAX, unit.pos, "a duration cannot be in months or years");
    else if (!ast_duration_ms(duration, &ms))
        ast_build_error(b, ERR_SYNTAX, duration.pos, "duration is out of range");
    return duration;
}

/* --- types ------------------------------------------------------------------------------------ */

static AstType *ast_build_type(AstBuild *b, TypeKind kind, SrcPos begin, SrcPos end)
{
    AstType *type = ARENA_NEW(b->mem, AstType);

    type->kind = kind;
    type->pos = ast_pos_join(begin, end);
    type->depth = 1;
    return type;
}

static void ast_build_type_holds(AstBuild *b, AstType *type, const AstType *member)
{
    if (member->depth >= type->depth)
        type->depth = member->depth + 1;
    if (type->depth > g_limits.nesting)
        ast_build_error(b, ERR_LIMIT, type->pos, "type is nested deeper than %lld levels",
                        (long long)g_limits.nesting);
}

AstType *ast_build_type_named(AstBuild *b, AstName name)
{
    static const struct {
        const char *word;
        TypeKind    kind;
    } scalars[] = {
        {"BOOLEAN", T_BOOLEAN},     {"INT", T_INT},
        {"INTEGER", T_INT},         {"BIGINT", T_BIGINT},
        {"DOUBLE", T_DOUBLE},       {"STRING", T_STRING},
        {"VARCHAR", T_STRING},      {"BYTES", T_BYTES},
        {"DATE", T_DATE},           {"TIME", T_TIME},
        {"TIMESTAMP", T_TIMESTAMP},
    };
    AstType *type = ast_build_type(b, T_NULL, name.pos, name.pos);

    type->name = name;
    for (size_t i = 0; i < sizeof scalars / sizeof scalars[0]; i++)
        if (!name.is_quoted && str_eq(name.text, str_from(scalars[i].word)))
            type->kind = scalars[i].kind;
    return type;
}

AstType *ast_build_type_with_params(AstBuild *b, AstName name, Token end)
{
    AstType *type = ast_build_type_named(b, name);

    type->pos = ast_pos_join(name.pos, end.pos);
    return type;
}

void ast_build_type_param(AstBuild *b, AstName word)
{
    if (str_eq(word.text, STR("STRING")) && !word.is_quoted)
        return;
    ast_build_error(b, ERR_SYNTAX, word.pos,
                    "syntax error at \"%.*s\": expected an integer as the parameter of a type",
                    STR_ARG(word.original));
}

AstType *ast_build_type_decimal(AstBuild *b, Token word, Token precision, Token scale, Token end)
{
    AstType *type = ast_build_type(b, T_DECIMAL, word.pos, end.pos);
    int64_t  p = ast_build_integer(b, precision);
    int64_t  s = ast_build_integer(b, scale);

    if (p > INT32_MAX || s > INT32_MAX)
        ast_build_error(b, ERR_SYNTAX, type->pos, "precision and scale are out of range");
    type->precision = (int32_t)(p > INT32_MAX ? INT32_MAX : p);
    type->scale = (int32_t)(s > INT32_MAX ? INT32_MAX : s);
    return type;
}

AstType *ast_build_type_array(AstBuild *b, Token word, AstType *elem, Token end)
{
    AstType *type = ast_build_type(b, T_ARRAY, word.pos, end.pos);

    type->elem = elem;
    ast_build_type_holds(b, type, elem);
    return type;
}

AstType *ast_build_type_map(AstBuild *b, Token word, AstType *key, AstType *elem, Token end)
{
    AstType *type = ast_build_type(b, T_MAP, word.pos, end.pos);

    type->key = key;
    type->elem = elem;
    ast_build_type_holds(b, type, key);
    ast_build_type_holds(b, type, elem);
    return type;
}

AstType *ast_build_type_struct(AstBuild *b, Token word, AstFieldVec fields, Token end)
{
    AstType *type = ast_build_type(b, T_STRUCT, word.pos, end.pos);

    type->fields = fields.items;
    type->fields_len = fields.len;
    for (size_t i = 0; i < fields.len; i++)
        ast_build_type_holds(b, type, fields.items[i].type);
    return type;
}

/* --- expressions ------------------------------------------------------------------------------ */

static AstExpr *ast_build_expr(AstBuild *b, AstExprKind kind, SrcPos begin, SrcPos end)
{
    AstExpr *expr = ARENA_NEW(b->mem, AstExpr);

    expr->kind = kind;
    expr->pos = ast_pos_join(begin, end);
    expr->depth = 1;
    return expr;
}

/* Makes expr deeper than operand, if it is not yet. */
static void ast_build_deepen(AstBuild *b, AstExpr *expr, const AstExpr *operand)
{
    if (operand->depth < expr->depth)
        return;
    if (operand->depth >= b->depth_max)
        ast_build_error(b, ERR_LIMIT, expr->pos, "expression is nested deeper than %d levels",
                        b->depth_max);
    else
        expr->depth = (uint16_t)(operand->depth + 1);
}

static void ast_build_operands(AstBuild *b, AstExpr *expr, AstExpr **operands, size_t len)
{
    expr->args = operands;
    expr->args_len = (uint32_t)len;
    for (size_t i = 0; i < len; i++)
        ast_build_deepen(b, expr, operands[i]);
}

/* A node of one to three operands; the others are NULL. */
static AstExpr *ast_build_node(AstBuild *b, AstExprKind kind, SrcPos begin, SrcPos end, AstExpr *x,
                               AstExpr *y, AstExpr *z)
{
    AstExpr  *expr = ast_build_expr(b, kind, begin, end);
    size_t    len = z ? 3 : y ? 2 : 1;
    AstExpr  *operands[] = {x, y, z};
    AstExpr **args = ARENA_ARRAY(b->mem, AstExpr *, len);

    memcpy(args, operands, len * sizeof *args);
    ast_build_operands(b, expr, args, len);
    return expr;
}

AstExpr *ast_build_null(AstBuild *b, Token word)
{
    return ast_build_expr(b, AST_LITERAL, word.pos, word.pos);
}

AstExpr *ast_build_boolean(AstBuild *b, Token word, bool value)
{
    AstExpr *expr = ast_build_expr(b, AST_LITERAL, word.pos, word.pos);

    expr->value = value_bool(value);
    return expr;
}

AstExpr *ast_build_string(AstBuild *b, Token string)
{
    AstExpr *expr = ast_build_expr(b, AST_LITERAL, string.pos, string.pos);

    expr->value = value_str(ast_build_text(b, string));
    return expr;
}

static Value ast_build_int_value(int64_t v)
{
    return v >= INT32_MIN && v <= INT32_MAX ? value_int((int32_t)v) : value_bigint(v);
}

static Value ast_build_decimal_value(AstBuild *b, SrcPos pos, Str text)
{
    Value v = {0};

    if (text.len > DECIMAL_PRECISION_MAX)
        ast_build_error(b, ERR_SYNTAX, pos, "number has more than %d digits",
                        DECIMAL_PRECISION_MAX);
    else if (!decimal_parse(b->mem, text, &v))
        ast_build_error(b, ERR_SYNTAX, pos, "\"%.*s\" is no number", STR_ARG(text));
    return v;
}

/* The magnitude of a number token, all but its sign. */
static void ast_build_magnitude(AstBuild *b, AstExpr *expr, int code, Str text)
{
    uint64_t v = 0;
    double   d = 0;

    switch (code) {
    case TK_INTEGER:
        if (!ast_build_digits(text, &v))
            ast_build_out_of_range(b, expr->pos, text);
        else if (v > INT64_MAX) {
            /* Fits only once negated: see ast_build_sign() and ast_build_result(). */
            if (b->too_big)
                ast_build_out_of_range(b, b->too_big->pos, text);
            b->too_big = expr;
            expr->value = value_bigint(INT64_MIN);
        } else
            expr->value = ast_build_int_value((int64_t)v);
        break;
    case TK_NUMBER:
        if (text.ptr[text.len - 1] == '.') /* 5. is 5 with scale 0 */
            text.len--;
        else if (text.ptr[0] == '.')
            text = str_printf(b->mem, "0%.*s", STR_ARG(text));
        expr->value = ast_build_decimal_value(b, expr->pos, text);
        break;
    default:
        if (!value_parse_double(text, &d) || !isfinite(d)) {
            ast_build_error(b, ERR_SYNTAX, expr->pos, "number %.*s overflows DOUBLE",
                            (int)(text.len > 60 ? 60 : text.len), text.ptr);
            break;
        }
        expr->value = (Value){.kind = T_DOUBLE, .u.d = d};
        break;
    }
}

static void ast_build_negate(AstBuild *b, AstExpr *number)
{
    if (number == b->too_big)
        b->too_big = NULL;
    else if (number->value.kind == T_DOUBLE)
        number->value.u.d = -number->value.u.d;
    else if (number->value.kind == T_DECIMAL)
        number->value = decimal_neg(b->mem, number->value);
    else
        number->value = ast_build_int_value(-number->value.u.i);
}

AstExpr *ast_build_number(AstBuild *b, Token number)
{
    AstExpr *expr = ast_build_expr(b, AST_LITERAL, number.pos, number.pos);
    bool     is_negative = number.text.ptr[0] == '-'; /* the value of a variable */

    ast_build_magnitude(b, expr, number.code,
                        str_slice(number.text, is_negative ? 1 : 0, number.text.len));
    if (is_negative)
        ast_build_negate(b, expr);
    return expr;
}

AstExpr *ast_build_decimal(AstBuild *b, Token word, Token string)
{
    AstExpr *expr = ast_build_expr(b, AST_LITERAL, word.pos, string.pos);

    expr->value = ast_build_decimal_value(b, string.pos, ast_build_text(b, string));
    return expr;
}

AstExpr *ast_build_column(AstBuild *b, AstName qualifier, AstName name)
{
    AstExpr *expr =
        ast_build_expr(b, AST_COLUMN, qualifier.text.ptr ? qualifier.pos : name.pos, name.pos);

    expr->qualifier = qualifier;
    expr->name = name;
    return expr;
}

AstExpr *ast_build_call(AstBuild *b, AstName name, AstExprVec args, Token end)
{
    AstExpr *expr = ast_build_expr(b, AST_CALL, name.pos, end.pos);

    expr->name = name;
    ast_build_operands(b, expr, args.items, args.len);
    return expr;
}

AstExpr *ast_build_call_star(AstBuild *b, AstName name, Token end)
{
    AstExpr *expr = ast_build_call(b, name, (AstExprVec){0}, end);

    expr->is_star = true;
    return expr;
}

AstExpr *ast_build_call_distinct(AstBuild *b, AstName name, Token word, AstExprVec args, Token end)
{
    if (str_eq_nocase(name.text, STR("COUNT"))) {
        name.text = STR("COUNT_DISTINCT");
    } else {
        ast_build_error(b, ERR_SYNTAX, word.pos, "only COUNT can be DISTINCT, not \"%.*s\"",
                        STR_ARG(name.text));
        err_hint(b->err, "COLLECT_SET and TOPKDISTINCT leave out what they have seen");
    }
    return ast_build_call(b, name, args, end);
}

AstExpr *ast_build_unit_word(AstBuild *b, Token word)
{
    AstExpr *expr = ast_build_expr(b, AST_UNIT_WORD, word.pos, word.pos);

    expr->unit = ast_build_unit(b, word);
    return expr;
}

AstExpr *ast_build_cast(AstBuild *b, Token word, AstExpr *operand, AstType *type, Token end)
{
    AstExpr *expr = ast_build_node(b, AST_CAST, word.pos, end.pos, operand, NULL, NULL);

    expr->type = type;
    return expr;
}

/* A number written without sign and parentheses takes a minus in front of it into itself. */
static bool ast_build_can_negate(const AstBuild *b, const AstExpr *expr)
{
    if (expr->kind != AST_LITERAL || expr->is_parenthesised)
        return false;
    if (expr == b->too_big)
        return true;
    switch (expr->value.kind) {
    case T_INT:
    case T_BIGINT:
        return expr->value.u.i >= 0;
    case T_DECIMAL:
        return decimal_sign(expr->value) >= 0;
    case T_DOUBLE:
        return !signbit(expr->value.u.d);
    default:
        return false;
    }
}

AstExpr *ast_build_sign(AstBuild *b, Token sign, AstExpr *operand)
{
    AstExpr *expr;

    if (sign.code == TK_MINUS && ast_build_can_negate(b, operand)) {
        ast_build_negate(b, operand);
        operand->pos = ast_pos_join(sign.pos, operand->pos);
        return operand;
    }
    expr = ast_build_node(b, AST_SIGN, sign.pos, operand->pos, operand, NULL, NULL);
    expr->op = sign.code == TK_MINUS ? AST_OP_SUB : AST_OP_ADD;
    return expr;
}

AstExpr *ast_build_not(AstBuild *b, Token word, AstExpr *operand)
{
    return ast_build_node(b, AST_NOT, word.pos, operand->pos, operand, NULL, NULL);
}

AstExpr *ast_build_binary(AstBuild *b, AstExprKind kind, AstOp op, AstExpr *left, AstExpr *right)
{
    AstExpr *expr = ast_build_node(b, kind, left->pos, right->pos, left, right, NULL);

    expr->op = op;
    return expr;
}

AstExpr *ast_build_compare(AstBuild *b, AstOp op, AstExpr *left, AstExpr *right)
{
    return ast_build_binary(b, AST_COMPARE, op, left, right);
}

AstExpr *ast_build_arithmetic(AstBuild *b, AstOp op, AstExpr *left, AstExpr *right)
{
    return ast_build_binary(b, AST_ARITHMETIC, op, left, right);
}

AstExpr *ast_build_chain(AstBuild *b, AstExprKind kind, AstExpr *left, AstExpr *right)
{
    size_t len = left->args_len;

    if (left->kind != kind)
        return ast_build_binary(b, kind, AST_OP_NONE, left, right);
    /* The operands have room for the next power of two. */
    if ((len & (len - 1)) == 0)
        left->args =
            arena_grow(b->mem, left->args, len * sizeof *left->args, 2 * len * sizeof *left->args);
    left->args[left->args_len++] = right;
    left->is_parenthesised = false;
    left->pos = ast_pos_join(left->pos, right->pos);
    ast_build_deepen(b, left, right);
    return left;
}

AstExpr *ast_build_is_null(AstBuild *b, AstExpr *operand, bool is_not, Token end)
{
    AstExpr *expr = ast_build_node(b, AST_IS_NULL, operand->pos, end.pos, operand, NULL, NULL);

    expr->is_not = is_not;
    return expr;
}

AstExpr *ast_build_distinct(AstBuild *b, AstExpr *left, bool is_not, AstExpr *right)
{
    AstExpr *expr = ast_build_binary(b, AST_IS_DISTINCT, AST_OP_NONE, left, right);

    expr->is_not = is_not;
    return expr;
}

AstExpr *ast_build_between(AstBuild *b, AstExpr *operand, bool is_not, AstExpr *low, AstExpr *high)
{
    AstExpr *expr = ast_build_node(b, AST_BETWEEN, operand->pos, high->pos, operand, low, high);

    expr->is_not = is_not;
    return expr;
}

AstExpr *ast_build_in(AstBuild *b, AstExpr *operand, bool is_not, AstExprVec list, Token end)
{
    AstExpr  *expr = ast_build_expr(b, AST_IN, operand->pos, end.pos);
    AstExpr **args = ARENA_ARRAY(b->mem, AstExpr *, list.len + 1);

    args[0] = operand;
    memcpy(args + 1, list.items, list.len * sizeof *args);
    ast_build_operands(b, expr, args, list.len + 1);
    expr->is_not = is_not;
    return expr;
}

AstExpr *ast_build_like(AstBuild *b, AstExpr *operand, bool is_not, AstExpr *pattern, Token escape)
{
    AstExpr *expr = ast_build_binary(b, AST_LIKE, AST_OP_NONE, operand, pattern);

    expr->is_not = is_not;
    if (escape.code) {
        expr->value = value_str(ast_build_text(b, escape));
        expr->pos = ast_pos_join(expr->pos, escape.pos);
    }
    return expr;
}

AstExpr *ast_build_case(AstBuild *b, Token word, AstExpr *operand, AstExprVec whens,
                        AstExpr *otherwise, Token end)
{
    AstExpr   *expr = ast_build_expr(b, AST_CASE, word.pos, end.pos);
    AstExprVec args = {0};

    if (operand)
        vec_push(b->mem, &args, operand);
    for (size_t i = 0; i < whens.len; i++)
        vec_push(b->mem, &args, whens.items[i]);
    if (otherwise)
        vec_push(b->mem, &args, otherwise);
    ast_build_operands(b, expr, args.items, args.len);
    expr->has_operand = operand != NULL;
    expr->has_else = otherwise != NULL;
    return expr;
}

AstExpr *ast_build_subscript(AstBuild *b, AstExpr *base, AstExpr *index, Token end)
{
    return ast_build_node(b, AST_SUBSCRIPT, base->pos, end.pos, base, index, NULL);
}

AstExpr *ast_build_field(AstBuild *b, AstExpr *base, AstName name)
{
    AstExpr *expr = ast_build_node(b, AST_FIELD, base->pos, name.pos, base, NULL, NULL);

    expr->name = name;
    return expr;
}

AstExpr *ast_build_array(AstBuild *b, Token word, AstExprVec elems, Token end)
{
    AstExpr *expr = ast_build_expr(b, AST_ARRAY, word.pos, end.pos);

    ast_build_operands(b, expr, elems.items, elems.len);
    return expr;
}

AstExpr *ast_build_map(AstBuild *b, Token word, AstExprVec entries, Token end)
{
    AstExpr *expr = ast_build_expr(b, AST_MAP, word.pos, end.pos);

    ast_build_operands(b, expr, entries.items, entries.len);
    return expr;
}

AstExpr *ast_build_struct(AstBuild *b, Token word, AstEntries fields, Token end)
{
    AstExpr *expr = ast_build_expr(b, AST_STRUCT, word.pos, end.pos);

    ast_build_operands(b, expr, fields.values.items, fields.values.len);
    expr->names = (AstNames){fields.names.items, fields.names.len};
    return expr;
}

AstExpr *ast_build_lambda(AstBuild *b, AstNameVec params, SrcPos begin, AstExpr *body)
{
    AstExpr *expr = ast_build_node(b, AST_LAMBDA, begin, body->pos, body, NULL, NULL);

    expr->names = (AstNames){params.items, params.len};
    return expr;
}

AstNameVec ast_build_params(AstBuild *b, AstExprVec exprs)
{
    AstNameVec params = {0};

    for (size_t i = 0; i < exprs.len; i++) {
        const AstExpr *param = exprs.items[i];

        if (param->kind != AST_COLUMN || param->qualifier.text.ptr)
            ast_build_error(b, ERR_SYNTAX, param->pos, "a parameter of a lambda must be a name");
        vec_push(b->mem, &params, param->name);
    }
    return params;
}

AstExpr *ast_build_at_time_zone(AstBuild *b, AstExpr *operand, Token zone)
{
    AstExpr *expr =
        ast_build_node(b, AST_AT_TIME_ZONE, operand->pos, zone.pos, operand, NULL, NULL);

    expr->value = value_str(ast_build_text(b, zone));
    return expr;
}

AstExpr *ast_build_paren(AstBuild *b, Token begin, AstExpr *expr, Token end)
{
    (void)b;
    expr->is_parenthesised = true;
    expr->pos = ast_pos_join(begin.pos, end.pos);
    return expr;
}

/* --- lists ------------------------------------------------------------------------------------ */

AstExprVec ast_build_exprs(AstBuild *b, AstExprVec list, AstExpr *item)
{
    vec_push(b->mem, &list, item);
    return list;
}

AstExprVec ast_build_pair(AstBuild *b, AstExprVec list, AstExpr *first, AstExpr *second)
{
    return ast_build_exprs(b, ast_build_exprs(b, list, first), second);
}

AstNameVec ast_build_names(AstBuild *b, AstNameVec list, AstName item)
{
    vec_push(b->mem, &list, item);
    return list;
}

AstFieldVec ast_build_fields(AstBuild *b, AstFieldVec list, AstName name, AstType *type)
{
    vec_push(b->mem, &list, ((AstField){name, type}));
    return list;
}

AstEntries ast_build_entries(AstBuild *b, AstEntries list, AstName name, AstExpr *value)
{
    vec_push(b->mem, &list.names, name);
    vec_push(b->mem, &list.values, value);
    return list;
}
