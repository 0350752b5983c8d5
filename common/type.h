/*
 * type.h -- SQL types.
 *
 * A Type is immutable and lives in an arena; the scalar ones without parameters are shared
 * constants (type_bigint and so on).  Compare with type_eq(), never by pointer.
 */
#ifndef COMMON_TYPE_H
#define COMMON_TYPE_H

#include "common/buf.h"
#include "common/err.h"

typedef enum TypeKind {
    T_NULL, /* the type of a bare NULL literal, and the tag of every null Value */
    T_BOOLEAN,
    T_INT,
    T_BIGINT,
    T_DOUBLE,
    T_DECIMAL,
    T_STRING,
    T_BYTES,
    T_DATE,      /* days since the epoch */
    T_TIME,      /* ms since midnight */
    T_TIMESTAMP, /* ms since the epoch, UTC */
    T_ARRAY,
    T_MAP,
    T_STRUCT,
    T_LAMBDA, /* only as a function's parameter */
    T_UNIT,   /* an interval unit word as a function's argument: DAYS */
    T_COUNT_
} TypeKind;

enum { DECIMAL_PRECISION_MAX = 1000 }; /* SQL bound; see decimal.h */

typedef struct Type Type;

typedef struct TypeField {
    Str         name; /* exactly as declared */
    const Type *type;
} TypeField;

struct Type {
    TypeKind         kind;
    uint16_t         precision; /* DECIMAL */
    uint16_t         scale;
    uint32_t         fields_len; /* STRUCT */
    const Type      *key;        /* MAP */
    const Type      *elem;       /* ARRAY, MAP */
    const TypeField *fields;
};

extern const Type type_null, type_boolean, type_int, type_bigint, type_double, type_string,
    type_bytes, type_date, type_time, type_timestamp, type_unit;

const Type *type_decimal(Arena *arena, int precision, int scale);
const Type *type_array(Arena *arena, const Type *elem);
const Type *type_map(Arena *arena, const Type *key, const Type *elem);
const Type *type_struct(Arena *arena, const TypeField *fields, size_t len); /* fields are copied */
const Type *type_copy(Arena *arena, const Type *type);                      /* deep */
/* The shared constant of a kind without parameters; NULL for the others. */
const Type *type_scalar(TypeKind kind);

bool type_eq(const Type *a, const Type *b);
bool type_is_numeric(const Type *type);              /* INT BIGINT DECIMAL DOUBLE */
bool type_is_nested(const Type *type);               /* ARRAY MAP STRUCT */
bool type_contains(const Type *type, TypeKind kind); /* at any depth, itself included */

/* SQL text: BIGINT, DECIMAL(4, 2), ARRAY<STRING>, STRUCT<`A` INTEGER>.  INT prints as INTEGER. */
void type_print(Buf *out, const Type *type);
Str  type_text(Arena *arena, const Type *type);
/* BOOLEAN INTEGER BIGINT ... : the word of SchemaInfo.type in the REST API. */
const char *type_kind_name(TypeKind kind);

/* Field by exact name, else by upper-cased equal; -1 when absent. */
int type_field_find(const Type *type, Str name);

#endif
