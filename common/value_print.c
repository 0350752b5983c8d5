/*
 * value_print.c -- values as text and as SQL literals.
 *
 * Text is what CAST(v AS STRING) gives.  Nested values are written as ksqlDB writes them: [1, 2],
 * {key=value}, Struct{A=1,B=2}, the last one without its null fields; members within are their own
 * text, unquoted.
 */
#include "common/value.h"

#include <assert.h>
#include <math.h>

#include "common/datetime.h"
#include "common/decimal.h"
#include "common/json.h"

enum { MS_PER_SECOND = 1000 };

static void print_items(Buf *out, Value v, const Type *type)
{
    bool is_first = true;

    switch (type->kind) {
    case T_ARRAY:
        buf_put(out, '[');
        for (uint32_t i = 0; i < v.len; i++) {
            if (i > 0)
                buf_c(out, ", ");
            value_print(out, v.u.items[i], type->elem);
        }
        buf_put(out, ']');
        break;
    case T_MAP:
        buf_put(out, '{');
        for (uint32_t i = 0; i < v.len; i++) {
            if (i > 0)
                buf_c(out, ", ");
            value_print(out, v.u.items[2 * i], type->key);
            buf_put(out, '=');
            value_print(out, v.u.items[2 * i + 1], type->elem);
        }
        buf_put(out, '}');
        break;
    default:
        assert(type->kind == T_STRUCT);
        buf_c(out, "Struct{");
        for (uint32_t i = 0; i < v.len; i++) {
            if (value_is_null(v.u.items[i]))
                continue;
            if (!is_first)
                buf_put(out, ',');
            is_first = false;
            buf_str(out, type->fields[i].name);
            buf_put(out, '=');
            value_print(out, v.u.items[i], type->fields[i].type);
        }
        buf_put(out, '}');
        break;
    }
}

void value_print(Buf *out, Value v, const Type *type)
{
    switch ((TypeKind)v.kind) {
    case T_NULL:
        buf_c(out, "null");
        break;
    case T_BOOLEAN:
        buf_c(out, v.u.b ? "true" : "false");
        break;
    case T_INT:
    case T_BIGINT:
        buf_i64(out, v.u.i);
        break;
    case T_DOUBLE:
        value_print_double(out, v.u.d);
        break;
    case T_DECIMAL:
        decimal_print(out, v);
        break;
    case T_STRING:
        buf_str(out, value_as_str(v));
        break;
    case T_BYTES:
        base64_encode(out, value_as_str(v));
        break;
    case T_DATE:
        datetime_print_date(out, v.u.i);
        break;
    case T_TIME:
        datetime_print_time(out, v.u.i);
        break;
    case T_TIMESTAMP:
        datetime_print_timestamp(out, v.u.i);
        break;
    default:
        print_items(out, v, type);
        break;
    }
}

/* --- SQL -------------------------------------------------------------------------------------- */

static void sql_quoted(Buf *out, Str s, char quote)
{
    buf_put(out, quote);
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] == quote)
            buf_put(out, quote);
        buf_put(out, s.ptr[i]);
    }
    buf_put(out, quote);
}

/* SQL has no literals for what is not finite, but expressions that give it. */
static void sql_double(Buf *out, double d)
{
    size_t from = out->len;

    if (isnan(d)) {
        buf_c(out, "(0E0 / 0E0)");
    } else if (isinf(d)) {
        buf_c(out, d < 0 ? "(-1E0 / 0E0)" : "(1E0 / 0E0)");
    } else {
        value_print_double(out, d);
        /* Without an exponent it would be a DECIMAL. */
        if (!memchr(out->ptr + from, 'E', out->len - from))
            buf_c(out, "E0");
    }
}

static void sql_decimal(Buf *out, Value v)
{
    /* Digits alone would be an INTEGER. */
    if (v.scale == 0)
        buf_c(out, "DECIMAL '");
    decimal_print(out, v);
    if (v.scale == 0)
        buf_put(out, '\'');
}

/* CAST('text' AS TYPE): for the types without literals. */
static void sql_cast(Buf *out, Value v, const Type *type)
{
    buf_c(out, "CAST('");
    value_print(out, v, type);
    /* Plain text of a time leaves milliseconds out. */
    if (v.kind == T_TIME && v.u.i % MS_PER_SECOND != 0) {
        if (v.u.i / MS_PER_SECOND % 60 == 0)
            buf_c(out, ":00");
        buf_printf(out, ".%03d", (int)(v.u.i % MS_PER_SECOND));
    }
    buf_c(out, "' AS ");
    type_print(out, type);
    buf_put(out, ')');
}

/* A null inside a constructor tells its type, which the other members might not. */
static void sql_member(Buf *out, Value v, const Type *type)
{
    if (!value_is_null(v)) {
        value_print_sql(out, v, type);
        return;
    }
    buf_c(out, "CAST(NULL AS ");
    type_print(out, type);
    buf_put(out, ')');
}

/* The language has no literal for an empty array or map: what is written for one is for people. */
static void sql_items(Buf *out, Value v, const Type *type)
{
    buf_c(out, type->kind == T_ARRAY ? "ARRAY[" : type->kind == T_MAP ? "MAP(" : "STRUCT(");
    for (uint32_t i = 0; i < v.len; i++) {
        if (i > 0)
            buf_c(out, ", ");
        if (type->kind == T_ARRAY) {
            sql_member(out, v.u.items[i], type->elem);
        } else if (type->kind == T_MAP) {
            sql_member(out, v.u.items[2 * i], type->key);
            buf_c(out, " := ");
            sql_member(out, v.u.items[2 * i + 1], type->elem);
        } else {
            sql_quoted(out, type->fields[i].name, '`');
            buf_c(out, " := ");
            sql_member(out, v.u.items[i], type->fields[i].type);
        }
    }
    buf_put(out, type->kind == T_ARRAY ? ']' : ')');
}

void value_print_sql(Buf *out, Value v, const Type *type)
{
    switch ((TypeKind)v.kind) {
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
    case T_DOUBLE:
        sql_double(out, v.u.d);
        break;
    case T_DECIMAL:
        sql_decimal(out, v);
        break;
    case T_STRING:
        sql_quoted(out, value_as_str(v), '\'');
        break;
    case T_BYTES:
    case T_DATE:
    case T_TIME:
    case T_TIMESTAMP:
        sql_cast(out, v, type);
        break;
    default:
        sql_items(out, v, type);
        break;
    }
}
