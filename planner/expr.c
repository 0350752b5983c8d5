/*
 * expr.c -- what can be said of a bound expression without running it: its text, equality, the
 * columns it reads, whether it is constant.
 *
 * Every kind keeps its operands in args, so each question is one recursion.  The text is SQL with
 * all parentheses written, as the processing log and EXPLAIN show it; implicit casts stay
 * invisible.
 */
#include "planner/expr.h"

#include <assert.h>

#include "common/utf8.h"

static const char *const arith_signs[] = {
    [ARITH_ADD] = " + ", [ARITH_SUB] = " - ", [ARITH_MUL] = " * ",
    [ARITH_DIV] = " / ", [ARITH_MOD] = " % ",
};

static const char *const compare_signs[] = {
    [COMPARE_EQ] = "=",  [COMPARE_NE] = "<>", [COMPARE_LT] = "<",
    [COMPARE_LE] = "<=", [COMPARE_GT] = ">",  [COMPARE_GE] = ">=",
};

const char *compare_op_name(CompareOp op)
{
    return compare_signs[op];
}

/* Plain upper-case names read better without quotes. */
static void print_name(Buf *out, Str name)
{
    bool is_plain = name.len > 0 && !(name.ptr[0] >= '0' && name.ptr[0] <= '9');

    for (size_t i = 0; i < name.len && is_plain; i++) {
        char c = name.ptr[i];

        is_plain = (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    }
    if (is_plain)
        buf_str(out, name);
    else
        name_print(out, name);
}

static void print_list(Buf *out, const Expr *expr, uint32_t from, const char *between,
                       const Schema *input)
{
    for (uint32_t i = from; i < expr->args_len; i++) {
        if (i > from)
            buf_c(out, between);
        expr_print(out, expr->args[i], input);
    }
}

static void print_infix(Buf *out, const Expr *expr, const char *sign, const Schema *input)
{
    buf_put(out, '(');
    print_list(out, expr, 0, sign, input);
    buf_put(out, ')');
}

static void print_compare(Buf *out, const Expr *expr, const Schema *input)
{
    buf_put(out, '(');
    expr_print(out, expr->args[0], input);
    buf_printf(out, " %s ", compare_signs[expr->u.compare]);
    expr_print(out, expr->args[1], input);
    buf_put(out, ')');
}

static void print_case(Buf *out, const Expr *expr, const Schema *input)
{
    buf_c(out, "(CASE");
    for (uint32_t i = 0; i + 1 < expr->args_len; i += 2) {
        buf_c(out, " WHEN ");
        expr_print(out, expr->args[i], input);
        buf_c(out, " THEN ");
        expr_print(out, expr->args[i + 1], input);
    }
    buf_c(out, " ELSE ");
    expr_print(out, expr->args[expr->args_len - 1], input);
    buf_c(out, " END)");
}

static void print_pairs(Buf *out, const Expr *expr, const Schema *input)
{
    buf_c(out, "MAP(");
    for (uint32_t i = 0; i + 1 < expr->args_len; i += 2) {
        if (i > 0)
            buf_c(out, ", ");
        expr_print(out, expr->args[i], input);
        buf_c(out, " := ");
        expr_print(out, expr->args[i + 1], input);
    }
    buf_put(out, ')');
}

static void print_fields(Buf *out, const Expr *expr, const Schema *input)
{
    buf_c(out, "STRUCT(");
    for (uint32_t i = 0; i < expr->args_len; i++) {
        if (i > 0)
            buf_c(out, ", ");
        print_name(out, expr->type->fields[i].name);
        buf_c(out, " := ");
        expr_print(out, expr->args[i], input);
    }
    buf_put(out, ')');
}

static void print_column(Buf *out, const Expr *expr, const Schema *input)
{
    if (input && expr->u.index < input->len)
        print_name(out, input->cols[expr->u.index].name);
    else
        buf_printf(out, "$%u", expr->u.index);
}

static void print_lambda(Buf *out, const Expr *expr, const Schema *input)
{
    buf_put(out, '(');
    for (uint32_t i = 0; i < expr->u.lambda.params_len; i++)
        buf_printf(out, "%sP%u", i > 0 ? ", " : "", expr->u.lambda.first_param + i);
    buf_c(out, ") => ");
    expr_print(out, expr->args[0], input);
}

static void print_cast(Buf *out, const Expr *expr, const Schema *input)
{
    if (expr->u.is_implicit) {
        expr_print(out, expr->args[0], input);
        return;
    }
    buf_c(out, "CAST(");
    expr_print(out, expr->args[0], input);
    buf_c(out, " AS ");
    type_print(out, expr->type);
    buf_put(out, ')');
}

static void print_like(Buf *out, const Expr *expr, const Schema *input)
{
    char   text[4];
    size_t len;

    buf_put(out, '(');
    print_list(out, expr, 0, " LIKE ", input);
    if (expr->u.escape >= 0) {
        len = utf8_encode((uint32_t)expr->u.escape, text);
        buf_printf(out, " ESCAPE '%.*s'", (int)len, text);
    }
    buf_put(out, ')');
}

/* Kinds that are a word, parentheses and operands in some order. */
static void print_other(Buf *out, const Expr *expr, const Schema *input)
{
    const char *before = "(", *between = ", ", *after = ")";

    switch (expr->kind) {
    case EXPR_NEG:
        before = "-(";
        break;
    case EXPR_NOT:
        before = "(NOT ";
        break;
    case EXPR_IS_NULL:
        after = " IS NULL)";
        break;
    case EXPR_ARRAY:
        before = "ARRAY[";
        after = "]";
        break;
    default:
        assert(expr->kind == EXPR_INDEX);
        before = "";
        between = "[";
        after = "]";
    }
    buf_c(out, before);
    print_list(out, expr, 0, between, input);
    buf_c(out, after);
}

static void print_between(Buf *out, const Expr *expr, const Schema *input)
{
    buf_put(out, '(');
    expr_print(out, expr->args[0], input);
    buf_c(out, " BETWEEN ");
    expr_print(out, expr->args[1], input);
    buf_c(out, " AND ");
    expr_print(out, expr->args[2], input);
    buf_put(out, ')');
}

static void print_in(Buf *out, const Expr *expr, const Schema *input)
{
    buf_put(out, '(');
    expr_print(out, expr->args[0], input);
    buf_c(out, " IN (");
    print_list(out, expr, 1, ", ", input);
    buf_c(out, "))");
}

static void print_call(Buf *out, const Expr *expr, const Schema *input)
{
    buf_c(out, expr->u.call->name);
    buf_put(out, '(');
    print_list(out, expr, 0, ", ", input);
    buf_put(out, ')');
}

static void print_field(Buf *out, const Expr *expr, const Schema *input)
{
    expr_print(out, expr->args[0], input);
    buf_c(out, "->");
    print_name(out, expr->args[0]->type->fields[expr->u.index].name);
}

/* The kinds that hold no operands. */
static bool print_leaf(Buf *out, const Expr *expr, const Schema *input)
{
    switch (expr->kind) {
    case EXPR_LITERAL:
        value_print_sql(out, expr->u.literal, expr->type);
        return true;
    case EXPR_COLUMN:
        print_column(out, expr, input);
        return true;
    case EXPR_PSEUDO:
        buf_c(out, pseudo_column_name(expr->u.pseudo));
        return true;
    case EXPR_PARAM:
        buf_printf(out, "P%u", expr->u.index);
        return true;
    default:
        return false;
    }
}

void expr_print(Buf *out, const Expr *expr, const Schema *input)
{
    static void (*const printers[])(Buf *, const Expr *, const Schema *) = {
        [EXPR_CALL] = print_call,   [EXPR_CAST] = print_cast,     [EXPR_NEG] = print_other,
        [EXPR_NOT] = print_other,   [EXPR_IS_NULL] = print_other, [EXPR_BETWEEN] = print_between,
        [EXPR_IN] = print_in,       [EXPR_LIKE] = print_like,     [EXPR_CASE] = print_case,
        [EXPR_INDEX] = print_other, [EXPR_FIELD] = print_field,   [EXPR_ARRAY] = print_other,
        [EXPR_MAP] = print_pairs,   [EXPR_STRUCT] = print_fields, [EXPR_LAMBDA] = print_lambda,
    };

    if (print_leaf(out, expr, input))
        return;
    switch (expr->kind) {
    case EXPR_ARITH:
        print_infix(out, expr, arith_signs[expr->u.arith], input);
        break;
    case EXPR_COMPARE:
        print_compare(out, expr, input);
        break;
    case EXPR_CONCAT:
        print_infix(out, expr, " + ", input);
        break;
    case EXPR_DISTINCT:
        print_infix(out, expr, " IS DISTINCT FROM ", input);
        break;
    case EXPR_AND:
        print_infix(out, expr, " AND ", input);
        break;
    case EXPR_OR:
        print_infix(out, expr, " OR ", input);
        break;
    default:
        printers[expr->kind](out, expr, input);
    }
}

/* Two nulls of one type are the same literal, although SQL does not call them equal. */
static bool literal_eq(const Expr *a, const Expr *b)
{
    if (value_is_null(a->u.literal) || value_is_null(b->u.literal))
        return value_is_null(a->u.literal) && value_is_null(b->u.literal);
    return value_eq(a->u.literal, b->u.literal);
}

static bool payload_eq(const Expr *a, const Expr *b)
{
    switch (a->kind) {
    case EXPR_LITERAL:
        return literal_eq(a, b);
    case EXPR_COLUMN:
    case EXPR_PARAM:
    case EXPR_FIELD:
        return a->u.index == b->u.index;
    case EXPR_PSEUDO:
        return a->u.pseudo == b->u.pseudo;
    case EXPR_CALL:
        /* Two calls of RANDOM() are written the same, and are taken for the same, as in ksqlDB. */
        return a->u.call == b->u.call;
    case EXPR_ARITH:
        return a->u.arith == b->u.arith;
    case EXPR_COMPARE:
        return a->u.compare == b->u.compare;
    case EXPR_LIKE:
        return a->u.escape == b->u.escape;
    case EXPR_LAMBDA:
        return a->u.lambda.first_param == b->u.lambda.first_param &&
               a->u.lambda.params_len == b->u.lambda.params_len;
    default:
        return true;
    }
}

bool expr_eq(const Expr *a, const Expr *b)
{
    if (a == b)
        return true;
    if (a->kind != b->kind || a->args_len != b->args_len || !type_eq(a->type, b->type) ||
        !payload_eq(a, b))
        return false;
    for (uint32_t i = 0; i < a->args_len; i++) {
        if (!expr_eq(a->args[i], b->args[i]))
            return false;
    }
    return true;
}

void expr_mark_columns(const Expr *expr, bool *used)
{
    if (expr->kind == EXPR_COLUMN)
        used[expr->u.index] = true;
    for (uint32_t i = 0; i < expr->args_len; i++)
        expr_mark_columns(expr->args[i], used);
}

bool expr_is_constant(const Expr *expr)
{
    if (expr->kind == EXPR_COLUMN || expr->kind == EXPR_PSEUDO)
        return false;
    if (expr->kind == EXPR_CALL && (expr->u.call->flags & FN_VOLATILE))
        return false;
    for (uint32_t i = 0; i < expr->args_len; i++) {
        if (!expr_is_constant(expr->args[i]))
            return false;
    }
    return true;
}
