/*
 * bind_coerce.c -- conversions that SQL implies: comparisons, lists, literals.
 *
 * Three questions are kept apart.  cast_exists() is the matrix of CAST.  Comparisons convert only
 * between numbers and between date-times and text.  Lists (IN, ARRAY[], MAP()) look for one type
 * that all members can take; there a text *literal* may stand for a number, boolean or date-time
 * and a literal number for text, also inside nested literals, which is why common_type() looks at
 * values and not only at types.
 */
#include <assert.h>

#include "planner/bind.h"

Expr *expr_new(Arena *mem, ExprKind kind, const Type *type, SrcPos pos, uint32_t args_len)
{
    Expr *expr = ARENA_NEW(mem, Expr);

    expr->kind = kind;
    expr->type = type;
    expr->pos = pos;
    expr->args_len = args_len;
    expr->args = ARENA_ARRAY(mem, Expr *, args_len);
    return expr;
}

Expr *expr_literal(Arena *mem, const Type *type, Value value, SrcPos pos)
{
    Expr *expr = expr_new(mem, EXPR_LITERAL, type, pos, 0);

    expr->u.literal = value;
    return expr;
}

bool expr_is_null_literal(const Expr *expr)
{
    return expr->type->kind == T_NULL;
}

static bool is_time_kind(TypeKind kind)
{
    return kind == T_DATE || kind == T_TIME || kind == T_TIMESTAMP;
}

static bool cast_exists_struct(const Type *from, const Type *to)
{
    for (uint32_t i = 0; i < to->fields_len; i++) {
        for (uint32_t k = 0; k < from->fields_len; k++) {
            if (str_eq(to->fields[i].name, from->fields[k].name) &&
                !cast_exists(from->fields[k].type, to->fields[i].type))
                return false;
        }
    }
    return true;
}

bool cast_exists(const Type *from, const Type *to)
{
    if (from->kind == T_NULL || type_eq(from, to))
        return true;
    if (from->kind == T_LAMBDA || from->kind == T_UNIT)
        return false;
    if (to->kind == T_STRING)
        return from->kind != T_BYTES;
    switch (from->kind) {
    case T_STRING:
        return !type_is_nested(to);
    case T_INT:
    case T_BIGINT:
    case T_DOUBLE:
    case T_DECIMAL:
        return type_is_numeric(to);
    case T_DATE:
        return to->kind == T_TIMESTAMP;
    case T_TIMESTAMP:
        return is_time_kind(to->kind);
    case T_ARRAY:
        return to->kind == T_ARRAY && cast_exists(from->elem, to->elem);
    case T_MAP:
        return to->kind == T_MAP && cast_exists(from->key, to->key) &&
               cast_exists(from->elem, to->elem);
    case T_STRUCT:
        return to->kind == T_STRUCT && cast_exists_struct(from, to);
    default:
        return false;
    }
}

ErrCode coerce(BindCtx *ctx, Expr *expr, const Type *type, Expr **out, Err *err)
{
    Expr *cast;

    if (type_eq(expr->type, type)) {
        *out = expr;
        return ERR_OK;
    }
    if (expr_is_null_literal(expr)) {
        *out = expr_literal(ctx->mem, type, value_null(), expr->pos);
        return ERR_OK;
    }
    assert(cast_exists(expr->type, type));
    cast = expr_new(ctx->mem, EXPR_CAST, type, expr->pos, 1);
    cast->args[0] = expr;
    cast->u.is_implicit = true;
    TRY(fold(ctx, cast, err));
    if (expr->kind == EXPR_LITERAL && cast->kind != EXPR_LITERAL) {
        Buf text = buf_in(ctx->mem);

        value_print_sql(&text, expr->u.literal, expr->type);
        return err_set_at(err, ERR_STATEMENT, expr->pos, "cannot take %.*s for a %.*s",
                          STR_ARG(buf_view(&text)), STR_ARG(type_text(ctx->mem, type)));
    }
    *out = cast;
    return ERR_OK;
}

/* --- numbers ---------------------------------------------------------------------------------- */

const Type *as_decimal(Arena *mem, const Type *type)
{
    switch (type->kind) {
    case T_INT:
        return type_decimal(mem, 10, 0);
    case T_BIGINT:
        return type_decimal(mem, 19, 0);
    default:
        return type;
    }
}

static int smaller_of(int a, int b)
{
    return a < b ? a : b;
}

static int larger_of(int a, int b)
{
    return a > b ? a : b;
}

const Type *numeric_common(Arena *mem, const Type *a, const Type *b)
{
    int scale, digits;

    if (a->kind == T_DOUBLE || b->kind == T_DOUBLE)
        return &type_double;
    if (a->kind != T_DECIMAL && b->kind != T_DECIMAL)
        return a->kind == T_BIGINT || b->kind == T_BIGINT ? &type_bigint : &type_int;
    a = as_decimal(mem, a);
    b = as_decimal(mem, b);
    scale = larger_of(a->scale, b->scale);
    digits = larger_of(a->precision - a->scale, b->precision - b->scale);
    return type_decimal(mem, smaller_of(digits + scale, DECIMAL_PRECISION_MAX), scale);
}

bool widens_to(const Type *from, const Type *to)
{
    if (type_eq(from, to))
        return true;
    if (!type_is_numeric(from) || !type_is_numeric(to) || from->kind == T_DOUBLE)
        return false;
    switch (to->kind) {
    case T_DOUBLE:
        return true;
    case T_BIGINT:
        return from->kind == T_INT;
    case T_DECIMAL:
        /* Whether a whole number has too many digits is seen from its value. */
        return from->kind != T_DECIMAL ||
               (to->scale >= from->scale &&
                to->precision - to->scale >= from->precision - from->scale);
    default:
        return false;
    }
}

/* --- comparisons ------------------------------------------------------------------------------ */

/* The type to compare both in; NULL: they cannot be compared. */
static const Type *comparison_type(Arena *mem, const Type *a, const Type *b)
{
    if (type_is_numeric(a) && type_is_numeric(b))
        return numeric_common(mem, a, b);
    if (a->kind == T_STRING && is_time_kind(b->kind))
        return b;
    if (b->kind == T_STRING && is_time_kind(a->kind))
        return a;
    if ((a->kind == T_DATE && b->kind == T_TIMESTAMP) ||
        (a->kind == T_TIMESTAMP && b->kind == T_DATE))
        return &type_timestamp;
    return type_eq(a, b) ? a : NULL;
}

/* Decimals compare numerically whatever their scales; a cast would only cost time. */
static ErrCode coerce_side(BindCtx *ctx, Expr **side, const Type *type, Err *err)
{
    if ((*side)->type->kind == T_DECIMAL && type->kind == T_DECIMAL)
        return ERR_OK;
    if (type->kind == T_DECIMAL)
        type = as_decimal(ctx->mem, (*side)->type);
    return coerce(ctx, *side, type, side, err);
}

ErrCode coerce_comparison(BindCtx *ctx, Expr **left, Expr **right, bool equality, const char *op,
                          SrcPos pos, Err *err)
{
    const Type *a = (*left)->type, *b = (*right)->type;
    const Type *type = comparison_type(ctx->mem, a, b);
    bool        is_ordered = type && !type_is_nested(type) && type->kind != T_BOOLEAN;

    if (!type || (!is_ordered && !equality)) {
        err_set_at(err, ERR_STATEMENT, pos, "cannot compare %.*s with %.*s by %s in %s",
                   STR_ARG(type_text(ctx->mem, a)), STR_ARG(type_text(ctx->mem, b)), op,
                   ctx->clause);
        if (!type && cast_exists(b, a))
            err_hint(err, "CAST one side to the type of the other");
        return ERR_STATEMENT;
    }
    TRY(coerce_side(ctx, left, type, err));
    return coerce_side(ctx, right, type, err);
}

/* --- lists ------------------------------------------------------------------------------------ */

/* A member of a list, or a part of one: its expression while it has one, its value when literal. */
typedef struct Member {
    const Type  *type;
    const Expr  *expr;  /* NULL: a part of a literal */
    const Value *value; /* NULL: not a literal */
} Member;

static Member member_of(const Expr *expr)
{
    return (Member){.type = expr->type,
                    .expr = expr,
                    .value = expr->kind == EXPR_LITERAL ? &expr->u.literal : NULL};
}

static const Type *common_type(BindCtx *ctx, const Type *target, Member member);

/* The number that a text literal spells, as the narrowest type; NULL: none. */
static const Type *number_in_text(Arena *mem, Str text)
{
    Value   value;
    int64_t integer;

    text = str_trim(text);
    if (str_to_i64(text, &integer))
        return integer >= INT32_MIN && integer <= INT32_MAX ? &type_int : &type_bigint;
    if (!decimal_parse(mem, text, &value))
        return NULL;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == 'e' || text.ptr[i] == 'E')
            return &type_double;
    }
    return type_decimal(mem, larger_of(decimal_precision(value), value.scale + 1), value.scale);
}

static bool is_boolean_text(Str text)
{
    static const char *const words[] = {"true", "yes", "false", "no"};

    text = str_trim(text);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (text.len > 0 && str_starts_nocase(str_from(words[i]), text))
            return true;
    }
    return false;
}

static const Type *common_with_text(BindCtx *ctx, const Type *target, Str text)
{
    const Type *number;

    if (type_is_numeric(target)) {
        number = number_in_text(ctx->mem, text);
        return number ? numeric_common(ctx->mem, target, number) : NULL;
    }
    if (target->kind == T_BOOLEAN)
        return is_boolean_text(text) ? target : NULL;
    return is_time_kind(target->kind) || target->kind == T_BYTES ? target : NULL;
}

/* Item i of a nested member: an element, a key, a value or a field. */
static Member member_item(Member member, const Type *type, uint32_t i)
{
    Member item = {.type = type};

    if (member.expr && member.expr->kind != EXPR_LITERAL && i < member.expr->args_len &&
        (member.expr->kind == EXPR_ARRAY || member.expr->kind == EXPR_MAP ||
         member.expr->kind == EXPR_STRUCT))
        return member_of(member.expr->args[i]);
    if (member.value && member.value->kind != T_NULL && i < member.value->len)
        item.value = &member.value->u.items[i];
    return item;
}

static const Type *common_struct(BindCtx *ctx, const Type *target, Member member)
{
    uint32_t   len = target->fields_len;
    TypeField *fields = ARENA_ARRAY(ctx->mem, TypeField, len + member.type->fields_len);

    memcpy(fields, target->fields, len * sizeof *fields);
    for (uint32_t i = 0; i < member.type->fields_len; i++) {
        const TypeField *field = &member.type->fields[i];
        uint32_t         at = 0;

        while (at < len && !str_eq(fields[at].name, field->name))
            at++;
        if (at == len) {
            fields[len++] = *field;
            continue;
        }
        fields[at].type = common_type(ctx, fields[at].type, member_item(member, field->type, i));
        if (!fields[at].type)
            return NULL;
    }
    return type_struct(ctx->mem, fields, len);
}

/* Members of one constructor already share a type; the first stands for all. */
static const Type *common_nested(BindCtx *ctx, const Type *target, Member member)
{
    const Type *key, *elem;

    switch (target->kind) {
    case T_ARRAY:
        elem = common_type(ctx, target->elem, member_item(member, member.type->elem, 0));
        return elem ? type_array(ctx->mem, elem) : NULL;
    case T_MAP:
        key = common_type(ctx, target->key, member_item(member, member.type->key, 0));
        elem = common_type(ctx, target->elem, member_item(member, member.type->elem, 1));
        return key && elem ? type_map(ctx->mem, key, elem) : NULL;
    default:
        return common_struct(ctx, target, member);
    }
}

/* The type that the members so far, of type target, share with one more; NULL: none. */
static const Type *common_type(BindCtx *ctx, const Type *target, Member member)
{
    const Type *type = member.type;

    if (type->kind == T_NULL || type_eq(type, target))
        return target;
    if (target->kind == T_NULL)
        return type;
    if (type_is_numeric(type) && type_is_numeric(target))
        return numeric_common(ctx->mem, target, type);
    if (type->kind == T_STRING && member.value && !value_is_null(*member.value))
        return common_with_text(ctx, target, value_as_str(*member.value));
    if (target->kind == T_STRING && member.value && cast_exists(type, target))
        return target;
    if (type_is_nested(type) && type->kind == target->kind)
        return common_nested(ctx, target, member);
    return NULL;
}

static ErrCode no_common_type(BindCtx *ctx, const Type *target, const Expr *expr, Err *err)
{
    err_set_at(err, ERR_STATEMENT, expr->pos,
               "a %.*s does not fit the other members of the list in %s, which are %.*s",
               STR_ARG(type_text(ctx->mem, expr->type)), ctx->clause,
               STR_ARG(type_text(ctx->mem, target)));
    err_hint(err, "CAST it to the type of the others");
    return ERR_STATEMENT;
}

ErrCode coerce_list(BindCtx *ctx, Expr **exprs, uint32_t len, const Type **out, Err *err)
{
    const Type *target = &type_null;

    for (uint32_t i = 0; i < len; i++) {
        const Type *common = common_type(ctx, target, member_of(exprs[i]));

        if (!common)
            return no_common_type(ctx, target, exprs[i], err);
        target = common;
    }
    if (target->kind == T_NULL) {
        *out = NULL;
        return ERR_OK;
    }
    for (uint32_t i = 0; i < len; i++)
        TRY(coerce(ctx, exprs[i], target, &exprs[i], err));
    *out = target;
    return ERR_OK;
}
