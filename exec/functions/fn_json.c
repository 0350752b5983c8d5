/*
 * fn_json.c -- JSON in text: reading it, and TO_JSON_STRING.
 *
 * Only the first value of a text is read.  A text of nothing is no value: most functions make null
 * of it.
 */
#include <stdlib.h>

#include "common/vec.h"
#include "exec/functions/fn_table.h"
#include "exec/functions/fn_value.h"
#include "exec/functions/json_path.h"

static const char JSON[] = "JSON";

typedef VEC(Value) Values;

/* --- EXTRACTJSONFIELD ------------------------------------------------------------------------- */

/* A constant path is parsed once; a malformed one is left to fail on every row. */
static ErrCode prepare_path(FnCall *call, const Value *const *literal, Arena *query_mem, Err *err)
{
    JsonPath *path = ARENA_NEW(query_mem, JsonPath);
    Err       ignored;

    (void)err;
    if (literal[1] && !value_is_null(*literal[1]) &&
        json_path_parse(query_mem, str_copy(query_mem, value_as_str(*literal[1])), path,
                        &ignored) == ERR_OK)
        call->state = path;
    return ERR_OK;
}

static ErrCode extract_json_field(const FnCall *call, const Value *args, Value *out, Err *err)
{
    const JsonPath *path = call->state;
    JsonPath        parsed = {0};
    Str             value;

    if (!path) {
        TRY(json_path_parse(call->mem, value_as_str(args[1]), &parsed, err));
        path = &parsed;
    }
    TRY(json_first_value(value_as_str(args[0]), &value, err));
    value = json_path_find(call->mem, path, value);
    if (!value.ptr)
        return fn_give(out, value_null());
    return fn_give(out, value_str(json_text_of(call->mem, value)));
}

/* --- questions -------------------------------------------------------------------------------- */

static ErrCode is_json_string(const FnCall *call, const Value *args, Value *out, Err *err)
{
    Str value = STR_NULL;
    Err ignored;

    (void)call, (void)err;
    return fn_give(out,
                   value_bool(!value_is_null(args[0]) &&
                              json_first_value(value_as_str(args[0]), &value, &ignored) == ERR_OK &&
                              value.ptr));
}

static bool is_integer_text(Str number)
{
    return !memchr(number.ptr, '.', number.len) && !memchr(number.ptr, 'e', number.len) &&
           !memchr(number.ptr, 'E', number.len);
}

static bool number_equals(Str element, Value v)
{
    int64_t i;
    double  d;

    if (v.kind == T_INT || v.kind == T_BIGINT)
        return is_integer_text(element) && str_to_i64(element, &i) && i == v.u.i;
    return v.kind == T_DOUBLE && !is_integer_text(element) && value_parse_double(element, &d) &&
           d == v.u.d;
}

/* Types count: the number 1 is neither '1' nor 1.0. */
static bool element_equals(Arena *mem, Str element, Value v)
{
    switch (json_kind_of(element)) {
    case JSON_NULL:
        return value_is_null(v);
    case JSON_TRUE:
        return v.kind == T_BOOLEAN && v.u.b;
    case JSON_FALSE:
        return v.kind == T_BOOLEAN && !v.u.b;
    case JSON_NUMBER:
        return number_equals(element, v);
    case JSON_STRING:
        return v.kind == T_STRING && str_eq(json_text_of(mem, element), value_as_str(v));
    default:
        return false;
    }
}

static ErrCode json_array_contains(const FnCall *call, const Value *args, Value *out, Err *err)
{
    Str      document;
    Err      ignored;
    JsonEach each;

    if (value_is_null(args[0]))
        return err_set(err, ERR_EVAL, "function JSON_ARRAY_CONTAINS does not take null JSON");
    if (json_first_value(value_as_str(args[0]), &document, &ignored) != ERR_OK || !document.ptr ||
        json_kind_of(document) != JSON_ARRAY || !json_each_begin(&each, call->mem, document))
        return fn_give(out, value_bool(false));
    while (json_each_next(&each)) {
        if (element_equals(call->mem, each.value, args[1]))
            return fn_give(out, value_bool(true));
    }
    return fn_give(out, value_bool(false));
}

static ErrCode json_array_length(const FnCall *call, const Value *args, Value *out, Err *err)
{
    Str      document;
    JsonEach each;
    int32_t  len = 0;

    TRY(json_first_value(value_as_str(args[0]), &document, err));
    if (!document.ptr || json_kind_of(document) != JSON_ARRAY ||
        !json_each_begin(&each, call->mem, document))
        return fn_give(out, value_null());
    while (json_each_next(&each))
        len++;
    return fn_give(out, value_int(len));
}

/* --- parts ------------------------------------------------------------------------------------ */

static ErrCode json_items(const FnCall *call, const Value *args, Value *out, Err *err)
{
    Str      document;
    JsonEach each;
    Values   items = {0};

    TRY(json_first_value(value_as_str(args[0]), &document, err));
    if (!document.ptr || json_kind_of(document) != JSON_ARRAY ||
        !json_each_begin(&each, call->mem, document))
        return err_set(err, ERR_EVAL, "JSON is no array");
    while (json_each_next(&each)) {
        Buf text = buf_in(call->mem);

        json_print_compact(&text, call->mem, each.value);
        vec_push(call->mem, &items, value_str(buf_view(&text)));
    }
    return fn_give(out, value_items(T_ARRAY, items.items, items.len));
}

static uint32_t members_of(Arena *mem, Str object)
{
    JsonEach each;
    uint32_t len = 0;

    if (json_each_begin(&each, mem, object)) {
        while (json_each_next(&each))
            len++;
    }
    return len;
}

/* Members by name, with their values' text in JSON; *is_object tells whether there are any. */
static ErrCode object_of(const FnCall *call, Value text, FnMap *map, bool *is_object, Err *err)
{
    Str      document;
    JsonEach each;

    TRY(json_first_value(value_as_str(text), &document, err));
    *is_object = document.ptr && json_kind_of(document) == JSON_OBJECT &&
                 json_each_begin(&each, call->mem, document);
    if (!*is_object)
        return ERR_OK;
    fn_map_init(map, call->mem, members_of(call->mem, document));
    while (json_each_next(&each))
        fn_map_put(map, value_str(each.name), value_str(each.value));
    return ERR_OK;
}

static ErrCode json_keys(const FnCall *call, const Value *args, Value *out, Err *err)
{
    FnMap map;
    bool  is_object = false;

    TRY(object_of(call, args[0], &map, &is_object, err));
    if (!is_object)
        return fn_give(out, value_null());
    return fn_give(out, value_items(T_ARRAY, map.keys.items, map.keys.len));
}

static ErrCode json_records(const FnCall *call, const Value *args, Value *out, Err *err)
{
    FnMap map;
    bool  is_object = false;

    TRY(object_of(call, args[0], &map, &is_object, err));
    if (!is_object)
        return fn_give(out, value_null());
    for (uint32_t i = 0; i < map.keys.len; i++)
        map.entries[2 * i + 1] =
            value_str(json_text_of(call->mem, value_as_str(map.entries[2 * i + 1])));
    return fn_give(out, fn_map_value(&map));
}

/* --- JSON_CONCAT ------------------------------------------------------------------------------ */

static void union_objects(const FnCall *call, const Str *documents, Buf *text)
{
    FnMap    map;
    size_t   len = 0;
    JsonEach each;

    for (uint32_t i = 0; i < call->args_len; i++)
        len += members_of(call->mem, documents[i]);
    fn_map_init(&map, call->mem, len);
    for (uint32_t i = 0; i < call->args_len; i++) {
        if (!json_each_begin(&each, call->mem, documents[i]))
            continue;
        while (json_each_next(&each))
            fn_map_put(&map, value_str(each.name), value_str(each.value));
    }
    buf_put(text, '{');
    for (uint32_t i = 0; i < map.keys.len; i++) {
        if (i > 0)
            buf_put(text, ',');
        json_put_string(text, value_as_str(map.entries[2 * i]));
        buf_put(text, ':');
        json_print_compact(text, call->mem, value_as_str(map.entries[2 * i + 1]));
    }
    buf_put(text, '}');
}

/* No element ends in '[': where the text does, this one is the first. */
static void put_element(const FnCall *call, Str value, Buf *text)
{
    if (text->ptr[text->len - 1] != '[')
        buf_put(text, ',');
    json_print_compact(text, call->mem, value);
}

/* Whatever is no array counts as an array of itself. */
static void concat_arrays(const FnCall *call, const Str *documents, Buf *text)
{
    JsonEach each;

    buf_put(text, '[');
    for (uint32_t i = 0; i < call->args_len; i++) {
        if (json_kind_of(documents[i]) != JSON_ARRAY) {
            put_element(call, documents[i], text);
            continue;
        }
        if (!json_each_begin(&each, call->mem, documents[i]))
            continue;
        while (json_each_next(&each))
            put_element(call, each.value, text);
    }
    buf_put(text, ']');
}

static ErrCode json_concat(const FnCall *call, const Value *args, Value *out, Err *err)
{
    Str *documents = ARENA_ARRAY(call->mem, Str, call->args_len);
    Buf  text = buf_in(call->mem);
    bool are_objects = true;

    for (uint32_t i = 0; i < call->args_len; i++) {
        TRY(json_first_value(value_as_str(args[i]), &documents[i], err));
        if (!documents[i].ptr)
            return fn_give(out, value_null());
        are_objects = are_objects && json_kind_of(documents[i]) == JSON_OBJECT;
    }
    if (call->args_len == 0)
        return fn_give(out, value_null());
    if (call->args_len == 1)
        json_print_compact(&text, call->mem, documents[0]);
    else if (are_objects)
        union_objects(call, documents, &text);
    else
        concat_arrays(call, documents, &text);
    TRY(fn_check_bytes(text.len, err));
    return fn_give_buf(out, T_STRING, &text);
}

/* --- TO_JSON_STRING --------------------------------------------------------------------------- */

static void put_value(Buf *out, Arena *mem, Value v, const Type *type);

/* A member under construction. */
typedef struct Member {
    Str         name;
    Value       value;
    const Type *type;
} Member;

static int compare_members(const void *a, const void *b)
{
    return str_cmp(((const Member *)a)->name, ((const Member *)b)->name);
}

static void put_members(Buf *out, Arena *mem, Member *members, uint32_t len)
{
    qsort(members, len, sizeof *members, compare_members);
    buf_put(out, '{');
    for (uint32_t i = 0; i < len; i++) {
        if (i > 0)
            buf_put(out, ',');
        json_put_string(out, members[i].name);
        buf_put(out, ':');
        put_value(out, mem, members[i].value, members[i].type);
    }
    buf_put(out, '}');
}

static void put_struct(Buf *out, Arena *mem, Value v, const Type *type)
{
    Member *members = ARENA_ARRAY(mem, Member, v.len);

    for (uint32_t i = 0; i < v.len; i++)
        members[i] = (Member){type->fields[i].name, v.u.items[i], type->fields[i].type};
    put_members(out, mem, members, v.len);
}

static void put_map(Buf *out, Arena *mem, Value v, const Type *type)
{
    Member *members = ARENA_ARRAY(mem, Member, v.len);

    for (uint32_t i = 0; i < v.len; i++) {
        Buf key = buf_in(mem);

        if (value_is_null(v.u.items[2 * i]))
            buf_c(&key, "null");
        else
            value_print(&key, v.u.items[2 * i], type->key);
        members[i] = (Member){buf_view(&key), v.u.items[2 * i + 1], type->elem};
    }
    put_members(out, mem, members, v.len);
}

static void put_array(Buf *out, Arena *mem, Value v, const Type *type)
{
    buf_put(out, '[');
    for (uint32_t i = 0; i < v.len; i++) {
        if (i > 0)
            buf_put(out, ',');
        put_value(out, mem, v.u.items[i], type->elem);
    }
    buf_put(out, ']');
}

/* Dates and times as SQL prints them, bytes as base64: both in quotes. */
static void put_quoted(Buf *out, Value v, const Type *type)
{
    buf_put(out, '"');
    if (v.kind == T_BYTES)
        base64_encode(out, value_as_str(v));
    else
        value_print(out, v, type);
    buf_put(out, '"');
}

static void put_value(Buf *out, Arena *mem, Value v, const Type *type)
{
    switch ((TypeKind)v.kind) {
    case T_NULL:
        buf_c(out, "null");
        return;
    case T_STRING:
        json_put_string(out, value_as_str(v));
        return;
    case T_DOUBLE:
        json_put_double(out, v.u.d);
        return;
    case T_BYTES:
    case T_DATE:
    case T_TIME:
    case T_TIMESTAMP:
        put_quoted(out, v, type);
        return;
    case T_ARRAY:
        put_array(out, mem, v, type);
        return;
    case T_MAP:
        put_map(out, mem, v, type);
        return;
    case T_STRUCT:
        put_struct(out, mem, v, type);
        return;
    default:
        value_print(out, v, type);
    }
}

static ErrCode to_json_string(const FnCall *call, const Value *args, Value *out, Err *err)
{
    Buf text = buf_in(call->mem);

    put_value(&text, call->mem, args[0], call->arg_types[0]);
    TRY(fn_check_bytes(text.len, err));
    return fn_give_buf(out, T_STRING, &text);
}

/* --- the rows --------------------------------------------------------------------------------- */

const FnDef fn_json[] = {
    FN("EXTRACTJSONFIELD", JSON, "(json STRING, path STRING) -> STRING", NULL_IN_NULL_OUT,
       extract_json_field,
       "What stands at a path of a JSON document: of a string its text, of anything else its JSON, "
       "so that null is the text null. A path is $ and then .name, [0] or [\"any name\"] for each "
       "level; null when nothing is there. A malformed path or document is an error.",
       "EXTRACTJSONFIELD('{\"a\": [1, 2]}', '$.a[1]') = '2'", .prepare = prepare_path),
    FN("IS_JSON_STRING", JSON, "(json STRING) -> BOOLEAN", NULL_IS_VALUE, is_json_string,
       "Whether a text is JSON of any kind; FALSE for null.", "IS_JSON_STRING('[1]')"),
    FN("JSON_ARRAY_CONTAINS", JSON, "(json STRING, value T) -> BOOLEAN", NULL_IS_VALUE,
       json_array_contains,
       "Whether a JSON array has an element of the value's type that equals it; a null value is "
       "looked for as null. FALSE when the text is no array. A null text is an error.",
       "JSON_ARRAY_CONTAINS('[1, 2]', 2)"),
    FN("JSON_ARRAY_LENGTH", JSON, "(json STRING) -> INT", NULL_IN_NULL_OUT, json_array_length,
       "The number of elements of a JSON array; null for other JSON. Malformed JSON is an error.",
       "JSON_ARRAY_LENGTH('[1, 2]') = 2"),
    FN("JSON_CONCAT", JSON, "(json STRING...) -> STRING", NULL_IN_NULL_OUT, json_concat,
       "JSON objects as one, where of members with one name the last wins; if one of the texts is "
       "no object, an array of all elements. Malformed JSON is an error.",
       "JSON_CONCAT('{\"a\": 1}', '{\"b\": 2}') = '{\"a\":1,\"b\":2}'"),
    FN("JSON_ITEMS", JSON, "(json STRING) -> ARRAY<STRING>", NULL_IN_NULL_OUT, json_items,
       "The elements of a JSON array, each as JSON, so that strings keep their quotes. Anything "
       "but an array is an error.",
       "JSON_ITEMS('[1, \"a\"]')[2] = '\"a\"'"),
    FN("JSON_KEYS", JSON, "(json STRING) -> ARRAY<STRING>", NULL_IN_NULL_OUT, json_keys,
       "The names of the members of a JSON object, in the order of the text; null for other JSON. "
       "Malformed JSON is an error.",
       "JSON_KEYS('{\"a\": 1, \"b\": 2}') = ARRAY['a', 'b']"),
    FN("JSON_RECORDS", JSON, "(json STRING) -> MAP<STRING, STRING>", NULL_IN_NULL_OUT, json_records,
       "The members of a JSON object as a map: strings as their text, all else as JSON; null for "
       "other JSON. Malformed JSON is an error.",
       "JSON_RECORDS('{\"a\": 1}')['a'] = '1'"),
    FN("TO_JSON_STRING", JSON, "(value T) -> STRING", NULL_IS_VALUE, to_json_string,
       "The value as JSON; null as the text null. Fields and keys are sorted by name, dates and "
       "times are text, bytes are base64, a DECIMAL keeps its digits.",
       "TO_JSON_STRING(ARRAY[1, 2]) = '[1,2]'"),
    {.name = NULL},
};
