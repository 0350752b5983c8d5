/*
 * ast_print.c -- names, literals, types and expressions back to SQL.
 *
 * Parentheses come from precedence alone: each operand is printed at the level that the grammar
 * wants in its place, and gets parentheses when its own level is looser.
 */
#include "parser/ast_print.h"

#include <math.h>

#include "common/decimal.h"
#include "parser/grammar.h"
#include "parser/grammar_entry.h"
#include "parser/lexer.h"

/* The nonterminals of the grammar, loosest first. */
typedef enum PrintLevel {
    PRINT_OR,
    PRINT_AND,
    PRINT_NOT,
    PRINT_PREDICATE,
    PRINT_VALUE, /* || */
    PRINT_SUM,
    PRINT_PRODUCT,
    PRINT_SIGNED,
    PRINT_ZONED,
    PRINT_PRIMARY
} PrintLevel;

static void ast_print_at(Buf *out, const AstExpr *expr, PrintLevel least);

/* --- names and literals ----------------------------------------------------------------------- */

/* Words that may be names, but that would be taken as keywords in some place where a name stands.
 */
static bool ast_print_is_ambiguous(int code)
{
    switch (code) {
    case TK_ALTER:
    case TK_ASSERT:
    case TK_DEFINE:
    case TK_UNDEFINE:
    case TK_SET:
    case TK_SHOW:
    case TK_EXPLAIN:
    case TK_COLUMN:
    case TK_FUNCTION:
    case TK_TABLES:
    case TK_SESSION:
    case TK_ARRAY:
    case TK_MAP:
    case TK_STRUCT:
    case TK_EMIT:
    case TK_PARTITION:
    case TK_UNION:
    case TK_IF:
        return true;
    default:
        return false;
    }
}

static bool ast_print_is_plain(Str name)
{
    int code;

    if (name.len == 0 || (name.ptr[0] >= '0' && name.ptr[0] <= '9') || name.ptr[0] == '@')
        return false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];

        if (!(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') && c != '_' && c != '@')
            return false;
    }
    code = lexer_word_code(name);
    return code == TK_IDENT ||
           (grammar_parseFallback(code) == TK_IDENT && !ast_print_is_ambiguous(code));
}

static void ast_print_quoted(Buf *out, Str text, char quote)
{
    buf_put(out, quote);
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == quote)
            buf_put(out, quote);
        buf_put(out, text.ptr[i]);
    }
    buf_put(out, quote);
}

void ast_print_name(Buf *out, Str name)
{
    if (ast_print_is_plain(name))
        buf_str(out, name);
    else
        ast_print_quoted(out, name, '`');
}

void ast_print_string(Buf *out, Str text)
{
    ast_print_quoted(out, text, '\'');
}

void ast_print_literal(Buf *out, Value v)
{
    size_t begin = out->len;

    switch (v.kind) {
    case T_NULL:
        buf_c(out, "NULL");
        break;
    case T_BOOLEAN:
        buf_c(out, v.u.b ? "TRUE" : "FALSE");
        break;
    case T_INT:
    case T_BIGINT:
        buf_i64(out, v.u.i);
        break;
    case T_DECIMAL:
        decimal_print(out, v);
        if (v.scale == 0) /* else it would read back as an integer */
            buf_put(out, '.');
        break;
    case T_DOUBLE:
        value_print_double(out, v.u.d);
        if (!memchr(out->ptr + begin, 'E', out->len - begin))
            buf_c(out, "E0");
        break;
    default:
        ast_print_string(out, value_as_str(v));
        break;
    }
}

/* --- types ------------------------------------------------------------------------------------ */

void ast_print_type(Buf *out, const AstType *type)
{
    switch (type->kind) {
    case T_NULL:
        ast_print_name(out, type->name.text);
        break;
    case T_DECIMAL:
        buf_printf(out, "DECIMAL(%d, %d)", type->precision, type->scale);
        break;
    case T_ARRAY:
        buf_c(out, "ARRAY<");
        ast_print_type(out, type->elem);
        buf_put(out, '>');
        break;
    case T_MAP:
        buf_c(out, "MAP<");
        ast_print_type(out, type->key);
        buf_c(out, ", ");
        ast_print_type(out, type->elem);
        buf_put(out, '>');
        break;
    case T_STRUCT:
        buf_c(out, "STRUCT<");
        for (size_t i = 0; i < type->fields_len; i++) {
            if (i > 0)
                buf_c(out, ", ");
            ast_print_name(out, type->fields[i].name.text);
            buf_put(out, ' ');
            ast_print_type(out, type->fields[i].type);
        }
        buf_put(out, '>');
        break;
    default:
        buf_c(out, type_kind_name(type->kind));
        break;
    }
}

/* --- expressions ------------------------------------------------------------------------------ */

static bool ast_print_is_negative(const AstExpr *expr)
{
    if (expr->kind != AST_LITERAL)
        return false;
    switch (expr->value.kind) {
    case T_INT:
    case T_BIGINT:
        return expr->value.u.i < 0;
    case T_DECIMAL:
        return decimal_sign(expr->value) < 0;
    case T_DOUBLE:
        return signbit(expr->value.u.d);
    default:
        return false;
    }
}

static PrintLevel ast_print_level(const AstExpr *expr)
{
    switch (expr->kind) {
    case AST_OR:
        return PRINT_OR;
    case AST_AND:
        return PRINT_AND;
    case AST_NOT:
        return PRINT_NOT;
    case AST_COMPARE:
    case AST_IS_NULL:
    case AST_IS_DISTINCT:
    case AST_BETWEEN:
    case AST_IN:
    case AST_LIKE:
        return PRINT_PREDICATE;
    case AST_CONCAT:
        return PRINT_VALUE;
    case AST_ARITHMETIC:
        return expr->op == AST_OP_ADD || expr->op == AST_OP_SUB ? PRINT_SUM : PRINT_PRODUCT;
    case AST_SIGN:
        return PRINT_SIGNED;
    case AST_AT_TIME_ZONE:
        return PRINT_ZONED;
    case AST_LITERAL:
        return ast_print_is_negative(expr) ? PRINT_SIGNED : PRINT_PRIMARY;
    default:
        return PRINT_PRIMARY;
    }
}

static const char *ast_print_op(AstOp op)
{
    static const char *const ops[] = {
        [AST_OP_NONE] = "", [AST_OP_ADD] = "+", [AST_OP_SUB] = "-", [AST_OP_MUL] = "*",
        [AST_OP_DIV] = "/", [AST_OP_MOD] = "%", [AST_OP_EQ] = "=",  [AST_OP_NE] = "<>",
        [AST_OP_LT] = "<",  [AST_OP_LE] = "<=", [AST_OP_GT] = ">",  [AST_OP_GE] = ">=",
    };

    return ops[op];
}

static void ast_print_list(Buf *out, AstExpr *const *items, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (i > 0)
            buf_c(out, ", ");
        ast_print_at(out, items[i], PRINT_OR);
    }
}

static void ast_print_infix(Buf *out, const AstExpr *expr, PrintLevel left, const char *op,
                            PrintLevel right)
{
    ast_print_at(out, expr->args[0], left);
    for (uint32_t i = 1; i < expr->args_len; i++) {
        buf_printf(out, " %s ", op);
        ast_print_at(out, expr->args[i], right);
    }
}

static void ast_print_column(Buf *out, const AstExpr *expr)
{
    if (expr->qualifier.text.ptr) {
        ast_print_name(out, expr->qualifier.text);
        buf_put(out, '.');
    }
    ast_print_name(out, expr->name.text);
}

static void ast_print_call(Buf *out, const AstExpr *expr)
{
    ast_print_name(out, expr->name.text);
    buf_put(out, '(');
    if (expr->is_star)
        buf_put(out, '*');
    ast_print_list(out, expr->args, expr->args_len);
    buf_put(out, ')');
}

static const char *ast_print_unit(AstUnit unit)
{
    static const char *const units[] = {
        [AST_MILLISECONDS] = "MILLISECONDS",
        [AST_SECONDS] = "SECONDS",
        [AST_MINUTES] = "MINUTES",
        [AST_HOURS] = "HOURS",
        [AST_DAYS] = "DAYS",
        [AST_MONTHS] = "MONTHS",
        [AST_YEARS] = "YEARS",
    };

    return units[unit];
}

void ast_print_duration(Buf *out, AstDuration duration)
{
    buf_i64(out, duration.amount);
    buf_put(out, ' ');
    buf_c(out, ast_print_unit(duration.unit));
}

/* Two minus signs would begin a comment, and one before a number would become part of it. */
static void ast_print_sign(Buf *out, const AstExpr *expr)
{
    const AstExpr *operand = expr->args[0];
    bool           is_minus = expr->op == AST_OP_SUB;
    bool           must_close = is_minus && (operand->kind == AST_LITERAL ||
                                   (operand->kind == AST_SIGN && operand->op == AST_OP_SUB));

    buf_put(out, is_minus ? '-' : '+');
    if (must_close)
        buf_put(out, '(');
    ast_print_at(out, operand, must_close ? PRINT_OR : PRINT_SIGNED);
    if (must_close)
        buf_put(out, ')');
}

static void ast_print_predicate(Buf *out, const AstExpr *expr)
{
    const char *not = expr->is_not ? "NOT " : "";

    ast_print_at(out, expr->args[0], PRINT_VALUE);
    switch (expr->kind) {
    case AST_COMPARE:
        buf_printf(out, " %s ", ast_print_op(expr->op));
        ast_print_at(out, expr->args[1], PRINT_VALUE);
        break;
    case AST_IS_NULL:
        buf_printf(out, " IS %sNULL", not );
        break;
    case AST_IS_DISTINCT:
        buf_printf(out, " IS %sDISTINCT FROM ", not );
        ast_print_at(out, expr->args[1], PRINT_VALUE);
        break;
    case AST_BETWEEN:
        buf_printf(out, " %sBETWEEN ", not );
        ast_print_at(out, expr->args[1], PRINT_VALUE);
        buf_c(out, " AND ");
        ast_print_at(out, expr->args[2], PRINT_VALUE);
        break;
    case AST_IN:
        buf_printf(out, " %sIN (", not );
        ast_print_list(out, expr->args + 1, expr->args_len - 1);
        buf_put(out, ')');
        break;
    default:
        buf_printf(out, " %sLIKE ", not );
        ast_print_at(out, expr->args[1], PRINT_VALUE);
        if (!value_is_null(expr->value)) {
            buf_c(out, " ESCAPE ");
            ast_print_literal(out, expr->value);
        }
        break;
    }
}

static void ast_print_case(Buf *out, const AstExpr *expr)
{
    uint32_t i = 0;
    uint32_t end = expr->args_len - (expr->has_else ? 1 : 0);

    buf_c(out, "CASE");
    if (expr->has_operand) {
        buf_put(out, ' ');
        ast_print_at(out, expr->args[i++], PRINT_OR);
    }
    for (; i < end; i += 2) {
        buf_c(out, " WHEN ");
        ast_print_at(out, expr->args[i], PRINT_OR);
        buf_c(out, " THEN ");
        ast_print_at(out, expr->args[i + 1], PRINT_OR);
    }
    if (expr->has_else) {
        buf_c(out, " ELSE ");
        ast_print_at(out, expr->args[end], PRINT_OR);
    }
    buf_c(out, " END");
}

/* MAP(k := v, ...) and STRUCT(f := v, ...) */
static void ast_print_entries(Buf *out, const AstExpr *expr)
{
    uint32_t step = expr->kind == AST_MAP ? 2 : 1;

    buf_c(out, expr->kind == AST_MAP ? "MAP(" : "STRUCT(");
    for (uint32_t i = 0; i < expr->args_len; i += step) {
        if (i > 0)
            buf_c(out, ", ");
        if (expr->kind == AST_MAP)
            ast_print_at(out, expr->args[i], PRINT_OR);
        else
            ast_print_name(out, expr->names.items[i].text);
        buf_c(out, " := ");
        ast_print_at(out, expr->args[i + step - 1], PRINT_OR);
    }
    buf_put(out, ')');
}

static void ast_print_lambda(Buf *out, const AstExpr *expr)
{
    buf_put(out, '(');
    for (size_t i = 0; i < expr->names.len; i++) {
        if (i > 0)
            buf_c(out, ", ");
        ast_print_name(out, expr->names.items[i].text);
    }
    buf_c(out, ") => ");
    ast_print_at(out, expr->args[0], PRINT_OR);
}

static void ast_print_closed(Buf *out, const AstExpr *expr)
{
    switch (expr->kind) {
    case AST_LITERAL:
        ast_print_literal(out, expr->value);
        break;
    case AST_COLUMN:
        ast_print_column(out, expr);
        break;
    case AST_CALL:
        ast_print_call(out, expr);
        break;
    case AST_UNIT_WORD:
        buf_c(out, ast_print_unit(expr->unit));
        break;
    case AST_CAST:
        buf_c(out, "CAST(");
        ast_print_at(out, expr->args[0], PRINT_OR);
        buf_c(out, " AS ");
        ast_print_type(out, expr->type);
        buf_put(out, ')');
        break;
    case AST_CASE:
        ast_print_case(out, expr);
        break;
    case AST_SUBSCRIPT:
        ast_print_at(out, expr->args[0], PRINT_PRIMARY);
        buf_put(out, '[');
        ast_print_at(out, expr->args[1], PRINT_VALUE);
        buf_put(out, ']');
        break;
    case AST_FIELD:
        ast_print_at(out, expr->args[0], PRINT_PRIMARY);
        buf_c(out, "->");
        ast_print_name(out, expr->name.text);
        break;
    case AST_ARRAY:
        buf_c(out, "ARRAY[");
        ast_print_list(out, expr->args, expr->args_len);
        buf_put(out, ']');
        break;
    case AST_LAMBDA:
        ast_print_lambda(out, expr);
        break;
    default:
        ast_print_entries(out, expr);
        break;
    }
}

static void ast_print_bare(Buf *out, const AstExpr *expr, PrintLevel level)
{
    switch (level) {
    case PRINT_OR:
        ast_print_infix(out, expr, PRINT_AND, "OR", PRINT_AND);
        break;
    case PRINT_AND:
        ast_print_infix(out, expr, PRINT_NOT, "AND", PRINT_NOT);
        break;
    case PRINT_NOT:
        buf_c(out, "NOT ");
        ast_print_at(out, expr->args[0], PRINT_NOT);
        break;
    case PRINT_PREDICATE:
        ast_print_predicate(out, expr);
        break;
    case PRINT_VALUE:
        ast_print_infix(out, expr, PRINT_VALUE, "||", PRINT_SUM);
        break;
    case PRINT_SUM:
        ast_print_infix(out, expr, PRINT_SUM, ast_print_op(expr->op), PRINT_PRODUCT);
        break;
    case PRINT_PRODUCT:
        ast_print_infix(out, expr, PRINT_PRODUCT, ast_print_op(expr->op), PRINT_SIGNED);
        break;
    case PRINT_SIGNED:
        if (expr->kind == AST_SIGN)
            ast_print_sign(out, expr);
        else
            ast_print_literal(out, expr->value);
        break;
    case PRINT_ZONED:
        ast_print_at(out, expr->args[0], PRINT_ZONED);
        buf_c(out, " AT TIME ZONE ");
        ast_print_literal(out, expr->value);
        break;
    case PRINT_PRIMARY:
        ast_print_closed(out, expr);
        break;
    }
}

static void ast_print_at(Buf *out, const AstExpr *expr, PrintLevel least)
{
    PrintLevel level = ast_print_level(expr);

    if (level < least)
        buf_put(out, '(');
    ast_print_bare(out, expr, level);
    if (level < least)
        buf_put(out, ')');
}

void ast_print_expr(Buf *out, const AstExpr *expr)
{
    ast_print_at(out, expr, PRINT_OR);
}

void ast_print_primary(Buf *out, const AstExpr *expr)
{
    ast_print_at(out, expr, PRINT_PRIMARY);
}

void ast_print_key(Buf *out, const AstExpr *expr)
{
    ast_print_at(out, expr, PRINT_VALUE);
}
