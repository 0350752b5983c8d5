/*
 * json_path.c -- the path language of EXTRACTJSONFIELD, and JSON values as slices of their text.
 */
#include "exec/functions/json_path.h"

#include "common/decimal.h"
#include "common/vec.h"

enum { SHOWN_PATH_MAX = 100 };

/* --- paths ------------------------------------------------------------------------------------ */

static bool is_token_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           (c & 0x80);
}

static bool is_name_char(char c)
{
    return is_token_char(c) || c == ':' || c == '@';
}

static Str take_while(Str text, size_t *at, bool (*is_wanted)(char))
{
    size_t from = *at;

    while (*at < text.len && is_wanted(text.ptr[*at]))
        (*at)++;
    return str_slice(text, from, *at);
}

/* "..." with \" and \\; *at stands behind the opening quote.  STR_NULL when it does not end. */
static Str take_quoted(Arena *mem, Str text, size_t *at)
{
    Buf name = buf_in(mem);

    buf_reserve(&name, text.len);
    while (*at < text.len && text.ptr[*at] != '"') {
        if (text.ptr[*at] == '\\' && ++*at == text.len)
            return STR_NULL;
        buf_put(&name, text.ptr[(*at)++]);
    }
    if (*at == text.len)
        return STR_NULL;
    (*at)++;
    return buf_view(&name);
}

/* The step at *at, behind its . or [; STR_NULL when it is malformed. */
static Str take_step(Arena *mem, Str text, size_t *at, char opening)
{
    Str step;

    if (opening == '.') {
        step = take_while(text, at, is_name_char);
        return step.len ? step : STR_NULL;
    }
    if (*at < text.len && text.ptr[*at] == '"') {
        (*at)++;
        step = take_quoted(mem, text, at);
    } else {
        step = take_while(text, at, is_token_char);
        if (step.len == 0)
            return STR_NULL;
    }
    if (*at == text.len || text.ptr[*at] != ']')
        return STR_NULL;
    (*at)++;
    return step;
}

ErrCode json_path_parse(Arena *mem, Str text, JsonPath *out, Err *err)
{
    VEC(Str) steps = {0};
    size_t at = 1;
    bool   is_valid = text.len > 0 && text.ptr[0] == '$';

    while (is_valid && at < text.len) {
        char opening = text.ptr[at++];
        Str  step = STR_NULL;

        if (opening == '.' || opening == '[')
            step = take_step(mem, text, &at, opening);
        is_valid = step.ptr != NULL;
        vec_push(mem, &steps, step);
    }
    if (!is_valid)
        return err_set(err, ERR_EVAL, "JSON path '%.*s' is malformed",
                       text.len > SHOWN_PATH_MAX ? SHOWN_PATH_MAX : (int)text.len,
                       text.ptr ? text.ptr : "");
    *out = (JsonPath){steps.items, steps.len};
    return ERR_OK;
}

/* --- values ----------------------------------------------------------------------------------- */

ErrCode json_first_value(Str document, Str *out, Err *err)
{
    JsonScan scan;
    Str      value;

    json_scan_init(&scan, document);
    if (json_at_end(&scan)) {
        *out = STR_NULL;
        return ERR_OK;
    }
    if (!json_skip(&scan, &value))
        return err_set(err, ERR_EVAL, "not JSON: %s at byte %zu", scan.why ? scan.why : "malformed",
                       (size_t)(scan.at - scan.begin) + 1);
    *out = value;
    return ERR_OK;
}

JsonKind json_kind_of(Str value)
{
    JsonScan scan;

    json_scan_init(&scan, value);
    return json_peek(&scan);
}

bool json_each_begin(JsonEach *each, Arena *mem, Str value)
{
    JsonKind kind = json_kind_of(value);

    *each = (JsonEach){.mem = mem, .is_first = true, .is_object = kind == JSON_OBJECT};
    json_scan_init(&each->scan, value);
    return (kind == JSON_OBJECT || kind == JSON_ARRAY) && json_peek(&each->scan) == kind &&
           json_enter(&each->scan);
}

bool json_each_next(JsonEach *each)
{
    bool has_escape = false;

    if (!each->is_object)
        return json_next_item(&each->scan, &each->is_first) && json_skip(&each->scan, &each->value);
    if (!json_next_member(&each->scan, &each->is_first, &each->name, &has_escape))
        return false;
    if (has_escape)
        each->name = json_unescape(each->mem, each->name);
    return json_skip(&each->scan, &each->value);
}

/* Of members with the same name the last one counts. */
static Str find_member(Arena *mem, Str object, Str name)
{
    JsonEach each;
    Str      found = STR_NULL;

    if (!json_each_begin(&each, mem, object))
        return STR_NULL;
    while (json_each_next(&each)) {
        if (str_eq(each.name, name))
            found = each.value;
    }
    return found;
}

static Str find_element(Arena *mem, Str array, Str step)
{
    JsonEach each;
    int64_t  index;

    if (!str_to_i64(step, &index) || index < 0 || !json_each_begin(&each, mem, array))
        return STR_NULL;
    while (json_each_next(&each)) {
        if (index-- == 0)
            return each.value;
    }
    return STR_NULL;
}

Str json_path_find(Arena *mem, const JsonPath *path, Str value)
{
    for (size_t i = 0; i < path->len && value.ptr; i++) {
        switch (json_kind_of(value)) {
        case JSON_OBJECT:
            value = find_member(mem, value, path->steps[i]);
            break;
        case JSON_ARRAY:
            value = find_element(mem, value, path->steps[i]);
            break;
        default:
            return STR_NULL;
        }
    }
    return value;
}

/* --- printing --------------------------------------------------------------------------------- */

static Str string_of(Arena *mem, Str value)
{
    JsonScan scan;
    Str      raw = STR_NULL;
    bool     has_escape = false;

    json_scan_init(&scan, value);
    json_peek(&scan);
    json_string(&scan, &raw, &has_escape);
    return has_escape ? json_unescape(mem, raw) : raw;
}

/* An exponent is written out, unless the number is too large for a DECIMAL. */
static void print_number(Buf *out, Arena *mem, Str value)
{
    bool  has_exponent = memchr(value.ptr, 'e', value.len) || memchr(value.ptr, 'E', value.len);
    Value number;

    if (has_exponent && decimal_parse(mem, value, &number))
        decimal_print(out, number);
    else
        buf_str(out, value);
}

static void print_nested(Buf *out, Arena *mem, Str value)
{
    JsonEach each;
    bool     is_first = true;

    if (!json_each_begin(&each, mem, value))
        return;
    buf_put(out, each.is_object ? '{' : '[');
    while (json_each_next(&each)) {
        if (!is_first)
            buf_put(out, ',');
        is_first = false;
        if (each.is_object) {
            json_put_string(out, each.name);
            buf_put(out, ':');
        }
        json_print_compact(out, mem, each.value);
    }
    buf_put(out, each.is_object ? '}' : ']');
}

/* Recursion is as deep as the document, which the scanner bounds. */
void json_print_compact(Buf *out, Arena *mem, Str value)
{
    switch (json_kind_of(value)) {
    case JSON_NUMBER:
        print_number(out, mem, value);
        return;
    case JSON_STRING:
        json_put_string(out, string_of(mem, value));
        return;
    case JSON_ARRAY:
    case JSON_OBJECT:
        print_nested(out, mem, value);
        return;
    default:
        buf_str(out, value);
    }
}

Str json_text_of(Arena *mem, Str value)
{
    Buf text = buf_in(mem);

    if (json_kind_of(value) == JSON_STRING)
        return string_of(mem, value);
    json_print_compact(&text, mem, value);
    return buf_view(&text);
}
