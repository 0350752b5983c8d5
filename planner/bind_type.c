/*
 * bind_type.c -- types as written to types as meant.
 */
#include "planner/bind.h"

/* What other databases call the types of this one. */
static Str type_elsewhere(Str name)
{
    static const struct {
        const char *name, *here;
    } words[] = {{"TEXT", "STRING"},
                 {"CHAR", "STRING"},
                 {"NVARCHAR", "STRING"},
                 {"FLOAT", "DOUBLE"},
                 {"REAL", "DOUBLE"},
                 {"NUMBER", "DECIMAL(p, s)"},
                 {"NUMERIC", "DECIMAL(p, s)"},
                 {"LONG", "BIGINT"},
                 {"SMALLINT", "INT"},
                 {"TINYINT", "INT"},
                 {"SHORT", "INT"},
                 {"BOOL", "BOOLEAN"},
                 {"DATETIME", "TIMESTAMP"},
                 {"BINARY", "BYTES"},
                 {"VARBINARY", "BYTES"},
                 {"BLOB", "BYTES"},
                 {"LIST", "ARRAY<type>"}};

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (str_eq(name, str_from(words[i].name)))
            return str_from(words[i].here);
    }
    return STR_NULL;
}

static const char *const type_names[] = {"BOOLEAN",   "INT",     "INTEGER", "BIGINT", "DOUBLE",
                                         "STRING",    "VARCHAR", "BYTES",   "TIME",   "DATE",
                                         "TIMESTAMP", "DECIMAL", "ARRAY",   "MAP",    "STRUCT"};

enum { TYPE_NAMES = sizeof type_names / sizeof type_names[0] };

bool is_type_name(Str name)
{
    for (size_t i = 0; i < TYPE_NAMES; i++) {
        if (str_eq_nocase(name, str_from(type_names[i])))
            return true;
    }
    return false;
}

static ErrCode bind_custom_type(const PlannerEnv *env, Arena *mem, const AstType *ast,
                                const Type **out, Err *err)
{
    const CatalogType *custom = catalog_type(env->catalog, ast->name.text);
    size_t             len = catalog_types_len(env->catalog);
    Str               *names;
    Str                near = type_elsewhere(ast->name.text);

    if (custom) {
        *out = type_copy(mem, custom->type);
        return ERR_OK;
    }
    names = ARENA_ARRAY(mem, Str, len + TYPE_NAMES);
    for (size_t i = 0; i < len; i++)
        names[i] = catalog_type_at(env->catalog, i)->name;
    for (size_t i = 0; i < TYPE_NAMES; i++)
        names[len + i] = str_from(type_names[i]);
    if (!near.ptr)
        near = str_nearest(ast->name.text, names, len + TYPE_NAMES);
    err_set_at(err, ERR_STATEMENT, ast->pos, "unknown type \"%.*s\"", STR_ARG(ast->name.text));
    if (near.ptr)
        err_hint(err, "did you mean %.*s?", STR_ARG(near));
    else
        err_hint(err, "CREATE TYPE makes one, SHOW TYPES lists them");
    return ERR_STATEMENT;
}

static ErrCode bind_decimal(Arena *mem, const AstType *ast, const Type **out, Err *err)
{
    if (ast->precision < 1 || ast->precision > DECIMAL_PRECISION_MAX)
        return err_set_at(err, ERR_STATEMENT, ast->pos,
                          "precision of DECIMAL is %d: it must be between 1 and %d", ast->precision,
                          DECIMAL_PRECISION_MAX);
    if (ast->scale < 0 || ast->scale > ast->precision)
        return err_set_at(err, ERR_STATEMENT, ast->pos,
                          "scale of DECIMAL is %d: it must be between 0 and the precision, %d",
                          ast->scale, ast->precision);
    *out = type_decimal(mem, ast->precision, ast->scale);
    return ERR_OK;
}

static ErrCode bind_struct_type(const PlannerEnv *env, Arena *mem, const AstType *ast,
                                const Type **out, Err *err)
{
    TypeField *fields = ARENA_ARRAY(mem, TypeField, ast->fields_len);

    for (size_t i = 0; i < ast->fields_len; i++) {
        const AstField *field = &ast->fields[i];

        for (size_t k = 0; k < i; k++) {
            if (str_eq(fields[k].name, field->name.text))
                return err_set_at(err, ERR_STATEMENT, field->name.pos,
                                  "field \"%.*s\" stands twice in a STRUCT",
                                  STR_ARG(field->name.text));
        }
        fields[i].name = str_copy(mem, field->name.text);
        TRY(bind_type(env, mem, field->type, &fields[i].type, err));
    }
    *out = type_struct(mem, fields, ast->fields_len);
    return ERR_OK;
}

ErrCode bind_type(const PlannerEnv *env, Arena *mem, const AstType *ast, const Type **out, Err *err)
{
    const Type *key, *elem;

    switch (ast->kind) {
    case T_NULL:
        return bind_custom_type(env, mem, ast, out, err);
    case T_DECIMAL:
        return bind_decimal(mem, ast, out, err);
    case T_ARRAY:
        TRY(bind_type(env, mem, ast->elem, &elem, err));
        *out = type_array(mem, elem);
        return ERR_OK;
    case T_MAP:
        TRY(bind_type(env, mem, ast->key, &key, err));
        TRY(bind_type(env, mem, ast->elem, &elem, err));
        *out = type_map(mem, key, elem);
        return ERR_OK;
    case T_STRUCT:
        return bind_struct_type(env, mem, ast, out, err);
    default:
        *out = type_scalar(ast->kind);
        return ERR_OK;
    }
}
