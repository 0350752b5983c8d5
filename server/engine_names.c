/*
 * engine_names.c -- what commands are called and what their success is called.
 */
#include "server/engine_internal.h"

static const char *noun(bool is_table)
{
    return is_table ? "table" : "stream";
}

Str command_id_of(Arena *mem, const AstStmt *stmt, const StmtPlan *plan)
{
    Str entity = plan->entity;

    switch (stmt->kind) {
    case AST_CREATE_SOURCE:
    case AST_CREATE_AS:
    case AST_INSERT_QUERY:
        return str_printf(mem, "%s/`%.*s`/create", noun(plan->is_table), STR_ARG(entity));
    case AST_DROP_SOURCE:
        return str_printf(mem, "%s/%.*s/drop", noun(stmt->u.drop_source.is_table), STR_ARG(entity));
    case AST_ALTER_SOURCE:
        return str_printf(mem, "%s/%.*s/alter", noun(stmt->u.alter_source.is_table),
                          STR_ARG(entity));
    case AST_CREATE_TYPE:
        return str_printf(mem, "type/%.*s/create", STR_ARG(entity));
    case AST_DROP_TYPE:
        return str_printf(mem, "type/%.*s/drop", STR_ARG(entity));
    case AST_PAUSE:
        return str_printf(mem, "pause/%.*s/execute", STR_ARG(entity));
    case AST_RESUME:
        return str_printf(mem, "resume/%.*s/execute", STR_ARG(entity));
    default:
        return str_printf(mem, "terminate/%.*s/execute", STR_ARG(entity));
    }
}

static Str dropped_message(Arena *mem, const StmtPlan *plan, const Catalog *before)
{
    const Source *source = catalog_source(before, plan->name);
    Str           topic = source ? source->topic : STR("");

    return str_printf(mem, "Source `%.*s` (topic: %.*s) was dropped.", STR_ARG(plan->name),
                      STR_ARG(topic));
}

static Str type_message(Arena *mem, const StmtPlan *plan)
{
    Str type = type_text(mem, plan->type->type);

    return str_printf(mem, "Registered custom type with name '%.*s' and SQL type %.*s",
                      STR_ARG(plan->entity), STR_ARG(type));
}

Str command_message_of(Arena *mem, const AstStmt *stmt, const StmtPlan *plan, const Catalog *before)
{
    switch (plan->kind) {
    case STMT_CREATE_SOURCE:
        return plan->is_table ? STR("Table created") : STR("Stream created");
    case STMT_CREATE_AS:
    case STMT_INSERT_SELECT:
        return str_printf(mem, "Created query with ID %.*s", STR_ARG(plan->query->id));
    case STMT_DROP_SOURCE:
        return dropped_message(mem, plan, before);
    case STMT_TERMINATE:
        return STR("Query terminated.");
    case STMT_PAUSE:
        return STR("Query paused.");
    case STMT_RESUME:
        return STR("Query resumed.");
    case STMT_ALTER_SOURCE:
        return str_printf(mem, "%s %.*s altered.",
                          stmt->u.alter_source.is_table ? "Table" : "Stream",
                          STR_ARG(plan->entity));
    case STMT_CREATE_TYPE:
        return type_message(mem, plan);
    case STMT_DROP_TYPE:
        return str_printf(mem, "Dropped type '%.*s'", STR_ARG(plan->entity));
    default:
        return STR("");
    }
}
