/*
 * type.c -- SQL types: making, comparing and printing them.
 */
#include "common/type.h"

#include <assert.h>

const Type type_null = {.kind = T_NULL};
const Type type_boolean = {.kind = T_BOOLEAN};
const Type type_int = {.kind = T_INT};
const Type type_bigint = {.kind = T_BIGINT};
const Type type_double = {.kind = T_DOUBLE};
const Type type_string = {.kind = T_STRING};
const Type type_bytes = {.kind = T_BYTES};
const Type type_date = {.kind = T_DATE};
const Type type_time = {.kind = T_TIME};
const Type type_timestamp = {.kind = T_TIMESTAMP};
const Type type_unit = {.kind = T_UNIT};

/* The shared constant is NULL for kinds that carry more than their kind. */
static const struct {
    const char *name;
    const Type *shared;
} kinds[] = {
    [T_NULL] = {"NULL", &type_null},
    [T_BOOLEAN] = {"BOOLEAN", &type_boolean},
    [T_INT] = {"INTEGER", &type_int},
    [T_BIGINT] = {"BIGINT", &type_bigint},
    [T_DOUBLE] = {"DOUBLE", &type_double},
    [T_DECIMAL] = {"DECIMAL", NULL},
    [T_STRING] = {"STRING", &type_string},
    [T_BYTES] = {"BYTES", &type_bytes},
    [T_DATE] = {"DATE", &type_date},
    [T_TIME] = {"TIME", &type_time},
    [T_TIMESTAMP] = {"TIMESTAMP", &type_timestamp},
    [T_ARRAY] = {"ARRAY", NULL},
    [T_MAP] = {"MAP", NULL},
    [T_STRUCT] = {"STRUCT", NULL},
    [T_LAMBDA] = {"LAMBDA", NULL},
    [T_UNIT] = {"INTERVALUNIT", &type_unit},
};
_Static_assert(sizeof kinds / sizeof kinds[0] == T_COUNT_, "a row per kind");

const Type *type_decimal(Arena *arena, int precision, int scale)
{
    Type *type = ARENA_NEW(arena, Type);

    assert(precision >= 1 && precision <= DECIMAL_PRECISION_MAX);
    assert(scale >= 0 && scale <= precision);
    type->kind = T_DECIMAL;
    type->precision = (uint16_t)precision;
    type->scale = (uint16_t)scale;
    return type;
}

const Type *type_array(Arena *arena, const Type *elem)
{
    Type *type = ARENA_NEW(arena, Type);

    type->kind = T_ARRAY;
    type->elem = elem;
    return type;
}

const Type *type_map(Arena *arena, const Type *key, const Type *elem)
{
    Type *type = ARENA_NEW(arena, Type);

    type->kind = T_MAP;
    type->key = key;
    type->elem = elem;
    return type;
}

const Type *type_struct(Arena *arena, const TypeField *fields, size_t len)
{
    Type      *type = ARENA_NEW(arena, Type);
    TypeField *copy = ARENA_ARRAY(arena, TypeField, len);

    for (size_t i = 0; i < len; i++)
        copy[i] = fields[i];
    type->kind = T_STRUCT;
    type->fields = copy;
    type->fields_len = (uint32_t)len;
    return type;
}

const Type *type_scalar(TypeKind kind)
{
    return kinds[kind].shared;
}

const Type *type_copy(Arena *arena, const Type *type)
{
    TypeField *fields;
    Type      *copy;

    if (type_scalar(type->kind))
        return type_scalar(type->kind);
    copy = ARENA_NEW(arena, Type);
    *copy = *type;
    if (type->key)
        copy->key = type_copy(arena, type->key);
    if (type->elem)
        copy->elem = type_copy(arena, type->elem);
    if (type->kind != T_STRUCT)
        return copy;
    fields = ARENA_ARRAY(arena, TypeField, type->fields_len);
    for (uint32_t i = 0; i < type->fields_len; i++) {
        fields[i].name = str_copy(arena, type->fields[i].name);
        fields[i].type = type_copy(arena, type->fields[i].type);
    }
    copy->fields = fields;
    return copy;
}

static bool fields_eq(const Type *a, const Type *b)
{
    if (a->fields_len != b->fields_len)
        return false;
    for (uint32_t i = 0; i < a->fields_len; i++) {
        if (!str_eq(a->fields[i].name, b->fields[i].name) ||
            !type_eq(a->fields[i].type, b->fields[i].type))
            return false;
    }
    return true;
}

bool type_eq(const Type *a, const Type *b)
{
    if (a == b)
        return true;
    if (a->kind != b->kind)
        return false;
    switch (a->kind) {
    case T_DECIMAL:
        return a->precision == b->precision && a->scale == b->scale;
    case T_ARRAY:
        return type_eq(a->elem, b->elem);
    case T_MAP:
        return type_eq(a->key, b->key) && type_eq(a->elem, b->elem);
    case T_STRUCT:
        return fields_eq(a, b);
    default:
        return true;
    }
}

bool type_is_numeric(const Type *type)
{
    return type->kind == T_INT || type->kind == T_BIGINT || type->kind == T_DECIMAL ||
           type->kind == T_DOUBLE;
}

bool type_is_nested(const Type *type)
{
    return type->kind == T_ARRAY || type->kind == T_MAP || type->kind == T_STRUCT;
}

bool type_contains(const Type *type, TypeKind kind)
{
    if (type->kind == kind)
        return true;
    if (type->key && type_contains(type->key, kind))
        return true;
    if (type->elem && type_contains(type->elem, kind))
        return true;
    for (uint32_t i = 0; i < type->fields_len; i++) {
        if (type_contains(type->fields[i].type, kind))
            return true;
    }
    return false;
}

static void print_fields(Buf *out, const Type *type)
{
    for (uint32_t i = 0; i < type->fields_len; i++) {
        Str name = type->fields[i].name;

        if (i > 0)
            buf_c(out, ", ");
        buf_put(out, '`');
        for (size_t at = 0; at < name.len; at++) {
            if (name.ptr[at] == '`')
                buf_put(out, '`');
            buf_put(out, name.ptr[at]);
        }
        buf_c(out, "` ");
        type_print(out, type->fields[i].type);
    }
}

void type_print(Buf *out, const Type *type)
{
    buf_c(out, type_kind_name(type->kind));
    switch (type->kind) {
    case T_DECIMAL:
        buf_printf(out, "(%d, %d)", type->precision, type->scale);
        break;
    case T_ARRAY:
        buf_put(out, '<');
        type_print(out, type->elem);
        buf_put(out, '>');
        break;
    case T_MAP:
        buf_put(out, '<');
        type_print(out, type->key);
        buf_c(out, ", ");
        type_print(out, type->elem);
        buf_put(out, '>');
        break;
    case T_STRUCT:
        buf_c(out, type->fields_len ? "<" : "< "); /* "<>" would read back as an operator */
        print_fields(out, type);
        buf_put(out, '>');
        break;
    default:
        break;
    }
}

Str type_text(Arena *arena, const Type *type)
{
    Buf out = buf_in(arena);

    type_print(&out, type);
    return buf_view(&out);
}

const char *type_kind_name(TypeKind kind)
{
    return kinds[kind].name;
}

/* Whether name, its ASCII letters upper-cased, is exactly upper. */
static bool eq_upper_cased(Str name, Str upper)
{
    if (name.len != upper.len)
        return false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];

        if (c >= 'a' && c <= 'z')
            c = (char)(c - 'a' + 'A');
        if (c != upper.ptr[i])
            return false;
    }
    return true;
}

int type_field_find(const Type *type, Str name)
{
    for (uint32_t i = 0; i < type->fields_len; i++) {
        if (str_eq(type->fields[i].name, name))
            return (int)i;
    }
    for (uint32_t i = 0; i < type->fields_len; i++) {
        if (eq_upper_cased(name, type->fields[i].name))
            return (int)i;
    }
    return -1;
}
