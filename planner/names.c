/*
 * names.c -- see names.h.
 */
#include "planner/names.h"

Str names_of_joined(Arena *mem, const Scope *scope, uint32_t number)
{
    ScopeColumn        column = scope_column(scope, number);
    const ScopeSource *source = &scope->sources[column.source];
    Str                name = scope_column_name(scope, number);

    if (column.is_rowkey)
        return name;
    return str_printf(mem, "%.*s_%.*s", STR_ARG(source->alias), STR_ARG(name));
}

Str names_of_column(Arena *mem, const Scope *scope, uint32_t number)
{
    Str name = scope_column_name(scope, number);

    return scope_is_clash(scope, name) ? names_of_joined(mem, scope, number) : name;
}

static bool is_field_taken(const NameGen *names, Str name)
{
    if (scope_has_column(names->scope, name))
        return true;
    for (size_t i = 0; i < names->fields.len; i++) {
        if (str_eq(names->fields.items[i], name))
            return true;
    }
    return false;
}

/* F for F_12, so that numbering it again does not give F_12_1. */
static Str without_number(Str name)
{
    size_t end = name.len;

    while (end > 0 && name.ptr[end - 1] >= '0' && name.ptr[end - 1] <= '9')
        end--;
    if (end == name.len || end < 2 || name.ptr[end - 1] != '_')
        return name;
    return str_slice(name, 0, end - 1);
}

Str names_of_field(NameGen *names, Str field)
{
    Str base = without_number(field), name = field;

    for (uint32_t n = 1; is_field_taken(names, name); n++)
        name = str_printf(names->mem, "%.*s_%u", STR_ARG(base), n);
    vec_push(names->mem, &names->fields, name);
    return name;
}

Str names_generate(NameGen *names)
{
    Str name;

    do
        name = str_printf(names->mem, "KSQL_COL_%u", names->next++);
    while (scope_has_column(names->scope, name));
    return name;
}

Str names_of_expr(NameGen *names, const Expr *expr)
{
    if (expr->kind == EXPR_COLUMN && expr->u.index < names->scope->cols_len)
        return names_of_column(names->mem, names->scope, expr->u.index);
    if (expr->kind == EXPR_PSEUDO)
        return str_from(pseudo_column_name(expr->u.pseudo));
    if (expr->kind == EXPR_FIELD)
        return names_of_field(names, expr->args[0]->type->fields[expr->u.index].name);
    return names_generate(names);
}
