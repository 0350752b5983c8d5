/*
 * format_rest.c -- single values as requests and replies show them.
 *
 * Reading takes what the JSON format takes, and dates as ISO text besides.  Writing shows dates as
 * text at the top level and inside arrays and maps, but as numbers inside a STRUCT, as ksqlDB's
 * API does: clients there rely on both.
 */
#include "common/datetime.h"
#include "common/decimal.h"
#include "exec/format.h"
#include "exec/formats/json_codec.h"

ErrCode format_json_value(Str json_text, const Type *type, Arena *mem, Value *out, Err *err)
{
    JsonCodec *codec = NULL;
    JsonIn     in = {.mem = mem, .err = err};
    Value      v;

    TRY(json_codec_open(mem, type, true, &codec, err));
    json_scan_init(&in.scan, json_text);
    TRY(json_codec_read(codec, &in, &v));
    TRY(json_codec_end(&in));
    *out = v;
    return ERR_OK;
}

static void write_date(Buf *out, Value v, bool is_in_struct)
{
    if (is_in_struct) {
        buf_i64(out, v.u.i);
        return;
    }
    buf_put(out, '"');
    if (v.kind == T_DATE)
        datetime_print_date(out, v.u.i);
    else if (v.kind == T_TIME)
        datetime_print_time(out, v.u.i);
    else
        datetime_print_timestamp(out, v.u.i);
    buf_put(out, '"');
}

static void write_value(Buf *out, Value v, const Type *type, bool is_in_struct);

static void write_map(Buf *out, Value v, const Type *type, bool is_in_struct)
{
    buf_put(out, '{');
    for (uint32_t i = 0; i < v.len; i++) {
        Value key = v.u.items[2 * i];
        Buf   text = {0};

        if (i > 0)
            buf_put(out, ',');
        if (value_is_null(key))
            buf_c(&text, "null");
        else
            value_print(&text, key, type->key);
        json_put_string(out, buf_view(&text));
        buf_deinit(&text);
        buf_put(out, ':');
        write_value(out, v.u.items[2 * i + 1], type->elem, is_in_struct);
    }
    buf_put(out, '}');
}

static void write_struct(Buf *out, Value v, const Type *type)
{
    buf_put(out, '{');
    for (uint32_t i = 0; i < v.len; i++) {
        if (i > 0)
            buf_put(out, ',');
        json_put_string(out, type->fields[i].name);
        buf_put(out, ':');
        write_value(out, v.u.items[i], type->fields[i].type, true);
    }
    buf_put(out, '}');
}

static void write_array(Buf *out, Value v, const Type *type, bool is_in_struct)
{
    buf_put(out, '[');
    for (uint32_t i = 0; i < v.len; i++) {
        if (i > 0)
            buf_put(out, ',');
        write_value(out, v.u.items[i], type->elem, is_in_struct);
    }
    buf_put(out, ']');
}

static void write_value(Buf *out, Value v, const Type *type, bool is_in_struct)
{
    switch ((TypeKind)v.kind) {
    case T_BOOLEAN:
        buf_c(out, v.u.b ? "true" : "false");
        return;
    case T_INT:
    case T_BIGINT:
        buf_i64(out, v.u.i);
        return;
    case T_DOUBLE:
        json_put_double(out, v.u.d);
        return;
    case T_DECIMAL:
        decimal_print(out, v);
        return;
    case T_STRING:
        json_put_string(out, value_as_str(v));
        return;
    case T_BYTES:
        buf_put(out, '"');
        base64_encode(out, value_as_str(v));
        buf_put(out, '"');
        return;
    case T_DATE:
    case T_TIME:
    case T_TIMESTAMP:
        write_date(out, v, is_in_struct);
        return;
    case T_ARRAY:
        write_array(out, v, type, is_in_struct);
        return;
    case T_MAP:
        write_map(out, v, type, is_in_struct);
        return;
    case T_STRUCT:
        write_struct(out, v, type);
        return;
    default:
        buf_c(out, "null");
        return;
    }
}

void format_rest_value(Buf *out, Value v, const Type *type)
{
    write_value(out, v, type, false);
}
