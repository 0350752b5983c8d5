/*
 * ast.c -- questions about a tree: equality, walks, durations, names of kinds.
 */
#include "parser/ast.h"

#include "common/limit.h"

/* Room for chains of operators, which nest the tree without nesting the text. */
enum { AST_DEPTH_FACTOR = 5, AST_DEPTH_MAX = 5000 };

int ast_depth_max(void)
{
    int64_t depth = g_limits.nesting * AST_DEPTH_FACTOR;

    return depth < AST_DEPTH_MAX ? (int)depth : AST_DEPTH_MAX;
}

static bool ast_value_eq(Value a, Value b)
{
    return a.kind == b.kind && a.scale == b.scale && (a.kind == T_NULL || value_eq(a, b));
}

bool ast_type_eq(const AstType *a, const AstType *b)
{
    if (!a || !b)
        return a == b;
    if (a->kind != b->kind || a->fields_len != b->fields_len)
        return false;
    if (a->kind == T_NULL)
        return str_eq(a->name.text, b->name.text);
    if (a->precision != b->precision || a->scale != b->scale || !ast_type_eq(a->key, b->key) ||
        !ast_type_eq(a->elem, b->elem))
        return false;
    for (size_t i = 0; i < a->fields_len; i++)
        if (!str_eq(a->fields[i].name.text, b->fields[i].name.text) ||
            !ast_type_eq(a->fields[i].type, b->fields[i].type))
            return false;
    return true;
}

bool ast_expr_eq(const AstExpr *a, const AstExpr *b)
{
    if (a->kind != b->kind || a->op != b->op || a->unit != b->unit || a->is_not != b->is_not ||
        a->is_star != b->is_star || a->has_operand != b->has_operand ||
        a->has_else != b->has_else || a->args_len != b->args_len || a->names.len != b->names.len)
        return false;
    if (!str_eq(a->qualifier.text, b->qualifier.text) || !str_eq(a->name.text, b->name.text) ||
        !ast_type_eq(a->type, b->type) || !ast_value_eq(a->value, b->value))
        return false;
    for (size_t i = 0; i < a->names.len; i++)
        if (!str_eq(a->names.items[i].text, b->names.items[i].text))
            return false;
    for (uint32_t i = 0; i < a->args_len; i++)
        if (!ast_expr_eq(a->args[i], b->args[i]))
            return false;
    return true;
}

void ast_expr_visit(const AstExpr *expr, bool (*visit)(const AstExpr *expr, void *arg), void *arg)
{
    if (!visit(expr, arg))
        return;
    for (uint32_t i = 0; i < expr->args_len; i++)
        ast_expr_visit(expr->args[i], visit, arg);
}

const AstSource *ast_innermost_source(const AstQuery *query)
{
    while (query->from.query)
        query = query->from.query;
    return &query->from;
}

bool ast_duration_ms(AstDuration duration, int64_t *out)
{
    static const int64_t ms_of[] = {
        [AST_MILLISECONDS] = 1, [AST_SECONDS] = 1000,  [AST_MINUTES] = 60000,
        [AST_HOURS] = 3600000,  [AST_DAYS] = 86400000,
    };
    int64_t ms;

    if (duration.unit > AST_DAYS ||
        __builtin_mul_overflow(duration.amount, ms_of[duration.unit], &ms))
        return false;
    *out = ms;
    return true;
}

bool ast_unit_parse(Str word, AstUnit *out)
{
    static const char *const singulars[] = {
        [AST_MILLISECONDS] = "MILLISECOND",
        [AST_SECONDS] = "SECOND",
        [AST_MINUTES] = "MINUTE",
        [AST_HOURS] = "HOUR",
        [AST_DAYS] = "DAY",
        [AST_MONTHS] = "MONTH",
        [AST_YEARS] = "YEAR",
    };

    if (word.len > 0 && (word.ptr[word.len - 1] | 0x20) == 's')
        word.len--;
    for (size_t i = 0; i < sizeof singulars / sizeof singulars[0]; i++) {
        if (str_eq_nocase(word, str_from(singulars[i]))) {
            *out = (AstUnit)i;
            return true;
        }
    }
    return false;
}

bool ast_unit_of_column(const AstExpr *expr, AstUnit *out)
{
    return expr->kind == AST_COLUMN && !expr->qualifier.text.ptr && !expr->name.is_quoted &&
           ast_unit_parse(expr->name.text, out);
}

const char *ast_stmt_kind_name(const AstStmt *stmt)
{
    static const char *const names[] = {
        [AST_SELECT] = "SELECT",
        [AST_CREATE_SOURCE] = "CREATE STREAM",
        [AST_CREATE_AS] = "CREATE STREAM AS SELECT",
        [AST_INSERT_QUERY] = "INSERT INTO",
        [AST_INSERT_VALUES] = "INSERT VALUES",
        [AST_DROP_SOURCE] = "DROP STREAM",
        [AST_ALTER_SOURCE] = "ALTER STREAM",
        [AST_CREATE_TYPE] = "CREATE TYPE",
        [AST_DROP_TYPE] = "DROP TYPE",
        [AST_CREATE_CONNECTOR] = "CREATE CONNECTOR",
        [AST_DROP_CONNECTOR] = "DROP CONNECTOR",
        [AST_SHOW] = "SHOW",
        [AST_DESCRIBE] = "DESCRIBE",
        [AST_EXPLAIN] = "EXPLAIN",
        [AST_PRINT] = "PRINT",
        [AST_TERMINATE] = "TERMINATE",
        [AST_PAUSE] = "PAUSE",
        [AST_RESUME] = "RESUME",
        [AST_SET] = "SET",
        [AST_UNSET] = "UNSET",
        [AST_ALTER_SYSTEM] = "ALTER SYSTEM",
        [AST_DEFINE] = "DEFINE",
        [AST_UNDEFINE] = "UNDEFINE",
        [AST_ASSERT_TOPIC] = "ASSERT TOPIC",
        [AST_ASSERT_SCHEMA] = "ASSERT SCHEMA",
        [AST_ASSERT_VALUES] = "ASSERT VALUES",
        [AST_ASSERT_NULL_VALUES] = "ASSERT NULL VALUES",
        [AST_ASSERT_SOURCE] = "ASSERT STREAM",
        [AST_RUN_SCRIPT] = "RUN SCRIPT",
    };

    _Static_assert(sizeof names / sizeof names[0] == AST_STMT_COUNT_, "every kind has a name");
    if (stmt->kind == AST_CREATE_SOURCE && stmt->u.create_source.is_table)
        return "CREATE TABLE";
    if (stmt->kind == AST_CREATE_AS && stmt->u.create_as.is_table)
        return "CREATE TABLE AS SELECT";
    if (stmt->kind == AST_DROP_SOURCE && stmt->u.drop_source.is_table)
        return "DROP TABLE";
    if (stmt->kind == AST_ALTER_SOURCE && stmt->u.alter_source.is_table)
        return "ALTER TABLE";
    if (stmt->kind == AST_ASSERT_SOURCE && stmt->u.create_source.is_table)
        return "ASSERT TABLE";
    return names[stmt->kind];
}
