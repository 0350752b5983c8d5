/*
 * view_value.c -- values as text in a view, and back.
 *
 * The parser reads what the printer wrote, for the same type: fields of a STRUCT come in the order
 * of the type, so that no name has to be looked up.
 */
#include "exec/state/view_value.h"

#include <math.h>

#include "common/decimal.h"
#include "common/json.h"
#include "common/vec.h"

typedef VEC(Value) Values;

bool view_value_is_text(const Type *type, Value v)
{
    if (type->kind == T_DOUBLE)
        return !isfinite(v.u.d) || (v.u.d == 0 && signbit(v.u.d));
    return type->kind == T_DECIMAL || type_is_nested(type);
}

/* --- printing --------------------------------------------------------------------------------- */

static void print_json(Buf *out, Value v, const Type *type);

static bool is_object(Value v, const Type *type)
{
    if (type->key->kind != T_STRING)
        return false;
    for (uint32_t i = 0; i < v.len; i++) {
        if (value_is_null(v.u.items[2 * i]))
            return false;
    }
    return true;
}

static void print_map(Buf *out, Value v, const Type *type)
{
    bool has_names = is_object(v, type);

    buf_put(out, has_names ? '{' : '[');
    for (uint32_t i = 0; i < v.len; i++) {
        if (i > 0)
            buf_put(out, ',');
        if (!has_names)
            buf_c(out, "{\"KEY\":");
        print_json(out, v.u.items[2 * i], type->key);
        buf_c(out, has_names ? ":" : ",\"VALUE\":");
        print_json(out, v.u.items[2 * i + 1], type->elem);
        if (!has_names)
            buf_put(out, '}');
    }
    buf_put(out, has_names ? '}' : ']');
}

static void print_items(Buf *out, Value v, const Type *type)
{
    bool is_struct = type->kind == T_STRUCT;

    buf_put(out, is_struct ? '{' : '[');
    for (uint32_t i = 0; i < v.len; i++) {
        if (i > 0)
            buf_put(out, ',');
        if (is_struct) {
            json_put_string(out, type->fields[i].name);
            buf_put(out, ':');
        }
        print_json(out, v.u.items[i], is_struct ? type->fields[i].type : type->elem);
    }
    buf_put(out, is_struct ? '}' : ']');
}

static void print_json(Buf *out, Value v, const Type *type)
{
    if (value_is_null(v)) {
        buf_c(out, "null");
        return;
    }
    switch (type->kind) {
    case T_BOOLEAN:
        buf_c(out, v.u.b ? "true" : "false");
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
    case T_MAP:
        print_map(out, v, type);
        return;
    case T_ARRAY:
    case T_STRUCT:
        print_items(out, v, type);
        return;
    default:
        buf_i64(out, v.u.i);
        return;
    }
}

void view_value_print(Buf *out, Value v, const Type *type)
{
    if (type->kind == T_DOUBLE)
        value_print_double(out, v.u.d);
    else
        print_json(out, v, type);
}

/* --- parsing ---------------------------------------------------------------------------------- */

static bool parse_json(JsonScan *scan, Arena *arena, const Type *type, Value *out);

static bool parse_word(JsonScan *scan, JsonKind kind, const Type *type, Value *out)
{
    if (type->kind != T_BOOLEAN || !json_word(scan))
        return false;
    *out = value_bool(kind == JSON_TRUE);
    return true;
}

static bool parse_number(JsonScan *scan, Arena *arena, const Type *type, Value *out)
{
    Str     text;
    bool    is_integer;
    int64_t i;
    double  d;

    if (!json_number(scan, &text, &is_integer))
        return false;
    switch (type->kind) {
    case T_DOUBLE:
        if (!value_parse_double(text, &d))
            return false;
        *out = value_double(d);
        return true;
    case T_DECIMAL:
        return decimal_parse(arena, text, out);
    case T_INT:
    case T_BIGINT:
    case T_DATE:
    case T_TIME:
    case T_TIMESTAMP:
        if (!str_to_i64(text, &i))
            return false;
        *out = (Value){.kind = (uint8_t)type->kind, .u.i = i};
        return true;
    default:
        return false;
    }
}

static bool parse_special_double(Str text, Value *out)
{
    if (str_eq(text, STR("NaN")))
        *out = value_double((double)NAN);
    else if (str_eq(text, STR("Infinity")))
        *out = value_double((double)INFINITY);
    else if (str_eq(text, STR("-Infinity")))
        *out = value_double((double)-INFINITY);
    else if (str_eq(text, STR("-0.0")))
        *out = value_double(-0.0);
    else
        return false;
    return true;
}

static bool parse_string(JsonScan *scan, Arena *arena, const Type *type, Value *out)
{
    Buf  bytes = buf_in(arena);
    Str  text;
    bool has_escape;

    if (!json_string(scan, &text, &has_escape))
        return false;
    if (has_escape)
        text = json_unescape(arena, text);
    if (type->kind == T_DOUBLE)
        return parse_special_double(text, out);
    if (type->kind == T_STRING) {
        *out = value_str(text);
        return true;
    }
    if (type->kind != T_BYTES || !base64_decode(&bytes, text))
        return false;
    *out = value_bytes(buf_view(&bytes));
    return true;
}

/* One {"KEY":k,"VALUE":v} of a map. */
static bool parse_pair(JsonScan *scan, Arena *arena, const Type *type, Values *items)
{
    static const char *const names[] = {"KEY", "VALUE"};
    bool                     is_first = true;
    bool                     has_escape;
    Str                      name;
    Value                    item;

    if (json_peek(scan) != JSON_OBJECT || !json_enter(scan))
        return false;
    for (int i = 0; i < 2; i++) {
        if (!json_next_member(scan, &is_first, &name, &has_escape) ||
            !str_eq(name, str_from(names[i])))
            return false;
        if (!parse_json(scan, arena, i == 0 ? type->key : type->elem, &item))
            return false;
        vec_push(arena, items, item);
    }
    return !json_next_member(scan, &is_first, &name, &has_escape) && !scan->why;
}

static bool parse_array(JsonScan *scan, Arena *arena, const Type *type, Value *out)
{
    Values items = {0};
    bool   is_first = true;
    Value  item;

    if ((type->kind != T_ARRAY && type->kind != T_MAP) || !json_enter(scan))
        return false;
    while (json_next_item(scan, &is_first)) {
        if (type->kind == T_MAP) {
            if (!parse_pair(scan, arena, type, &items))
                return false;
            continue;
        }
        if (!parse_json(scan, arena, type->elem, &item))
            return false;
        vec_push(arena, &items, item);
    }
    if (scan->why)
        return false;
    *out = value_items(type->kind, items.items, type->kind == T_MAP ? items.len / 2 : items.len);
    return true;
}

static bool parse_object(JsonScan *scan, Arena *arena, const Type *type, Value *out)
{
    Values items = {0};
    bool   is_map = type->kind == T_MAP;
    bool   is_first = true;
    bool   has_escape;
    Str    name;
    Value  item;

    if ((!is_map && type->kind != T_STRUCT) || !json_enter(scan))
        return false;
    while (json_next_member(scan, &is_first, &name, &has_escape)) {
        if (has_escape)
            name = json_unescape(arena, name);
        if (is_map)
            vec_push(arena, &items, value_str(name));
        else if (items.len >= type->fields_len || !str_eq(name, type->fields[items.len].name))
            return false;
        if (!parse_json(scan, arena, is_map ? type->elem : type->fields[items.len].type, &item))
            return false;
        vec_push(arena, &items, item);
    }
    if (scan->why || (!is_map && items.len != type->fields_len))
        return false;
    *out = value_items(type->kind, items.items, is_map ? items.len / 2 : items.len);
    return true;
}

static bool parse_json(JsonScan *scan, Arena *arena, const Type *type, Value *out)
{
    JsonKind kind = json_peek(scan);

    switch (kind) {
    case JSON_NULL:
        *out = value_null();
        return json_word(scan);
    case JSON_TRUE:
    case JSON_FALSE:
        return parse_word(scan, kind, type, out);
    case JSON_NUMBER:
        return parse_number(scan, arena, type, out);
    case JSON_STRING:
        return parse_string(scan, arena, type, out);
    case JSON_ARRAY:
        return parse_array(scan, arena, type, out);
    case JSON_OBJECT:
        return parse_object(scan, arena, type, out);
    case JSON_ERROR:
        break;
    }
    return false;
}

bool view_value_parse(Arena *arena, Str text, const Type *type, Value *out)
{
    JsonScan scan;

    if (type->kind == T_DOUBLE)
        return parse_special_double(text, out);
    if (type->kind == T_DECIMAL)
        return decimal_parse(arena, text, out);
    if (!type_is_nested(type))
        return false;
    json_scan_init(&scan, text);
    return parse_json(&scan, arena, type, out) && json_at_end(&scan);
}
