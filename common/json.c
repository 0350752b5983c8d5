/*
 * json.c -- JSON trees over the scanner.
 *
 * Recursion is bounded by the scanner, which refuses what is nested beyond g_limits.nesting.
 */
#include "common/json.h"

#include <assert.h>

#include "common/vec.h"

static bool build(Arena *arena, JsonScan *scan, Json **out);

static Str decoded(Arena *arena, Str raw, bool has_escape)
{
    return has_escape ? json_unescape(arena, raw) : raw;
}

static bool build_array(Arena *arena, JsonScan *scan, Json *json)
{
    VEC(Json *) items = {0};
    bool is_first = true;

    if (!json_enter(scan))
        return false;
    while (json_next_item(scan, &is_first)) {
        Json *item;

        if (!build(arena, scan, &item))
            return false;
        vec_push(arena, &items, item);
    }
    json->u.items = items.items;
    json->len = items.len;
    return !scan->why;
}

static bool build_object(Arena *arena, JsonScan *scan, Json *json)
{
    VEC(JsonMember) members = {0};
    bool is_first = true, has_escape;
    Str  name;

    if (!json_enter(scan))
        return false;
    while (json_next_member(scan, &is_first, &name, &has_escape)) {
        JsonMember member = {.name = decoded(arena, name, has_escape)};

        if (!build(arena, scan, &member.value))
            return false;
        vec_push(arena, &members, member);
    }
    json->u.members = members.items;
    json->len = members.len;
    return !scan->why;
}

static bool build(Arena *arena, JsonScan *scan, Json **out)
{
    Json *json = ARENA_NEW(arena, Json);
    bool  flag;

    json->kind = json_peek(scan);
    *out = json;
    switch (json->kind) {
    case JSON_ERROR:
        return false;
    case JSON_NUMBER:
        return json_number(scan, &json->text, &flag);
    case JSON_STRING:
        if (!json_string(scan, &json->text, &flag))
            return false;
        json->text = decoded(arena, json->text, flag);
        return true;
    case JSON_ARRAY:
        return build_array(arena, scan, json);
    case JSON_OBJECT:
        return build_object(arena, scan, json);
    default:
        return json_word(scan);
    }
}

/* Where in the text the scanner stopped: lines and columns count from 1, columns in characters. */
static SrcPos position(const JsonScan *scan)
{
    SrcPos pos = {.line = 1, .column = 1, .offset = (uint32_t)(scan->at - scan->begin), .len = 1};

    for (const char *at = scan->begin; at < scan->at; at++) {
        if (*at == '\n') {
            pos.line++;
            pos.column = 1;
        } else if (((unsigned char)*at & 0xc0) != 0x80) {
            pos.column++;
        }
    }
    return pos;
}

ErrCode json_parse(Arena *arena, Str text, Json **out, Err *err)
{
    JsonScan scan;
    SrcPos   pos;
    Json    *json;
    bool     is_valid;

    json_scan_init(&scan, text);
    is_valid = build(arena, &scan, &json);
    if (is_valid && json_at_end(&scan)) {
        *out = json;
        return ERR_OK;
    }
    assert(is_valid || scan.why);
    pos = position(&scan);
    return err_set_at(err, ERR_REQUEST, pos, "malformed JSON at line %u, column %u: %s", pos.line,
                      pos.column, is_valid ? "something follows the value" : scan.why);
}

Json *json_get(const Json *object, Str name)
{
    if (!object || object->kind != JSON_OBJECT)
        return NULL;
    for (size_t i = object->len; i-- > 0;) {
        if (str_eq(object->u.members[i].name, name))
            return object->u.members[i].value;
    }
    return NULL;
}

Str json_get_str(const Json *object, Str name, Str otherwise)
{
    const Json *member = json_get(object, name);

    return member && member->kind == JSON_STRING ? member->text : otherwise;
}

int64_t json_get_i64(const Json *object, Str name, int64_t otherwise)
{
    const Json *member = json_get(object, name);
    int64_t     value;

    if (member && member->kind == JSON_NUMBER && str_to_i64(member->text, &value))
        return value;
    return otherwise;
}

bool json_get_bool(const Json *object, Str name, bool otherwise)
{
    const Json *member = json_get(object, name);

    if (member && member->kind == JSON_TRUE)
        return true;
    return member && member->kind == JSON_FALSE ? false : otherwise;
}
