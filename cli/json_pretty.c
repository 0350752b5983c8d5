/*
 * json_pretty.c -- a JSON tree over several lines.
 */
#include "cli/json_pretty.h"

static bool is_nested(const Json *json)
{
    return (json->kind == JSON_ARRAY || json->kind == JSON_OBJECT) && json->len > 0;
}

static void new_line(Buf *out, size_t level)
{
    buf_put(out, '\n');
    for (size_t i = 0; i < level; i++)
        buf_c(out, "  ");
}

static void print(Buf *out, const Json *json, size_t level);

static void print_array(Buf *out, const Json *json, size_t level)
{
    bool is_flat = true;

    for (size_t i = 0; i < json->len; i++)
        is_flat = is_flat && !is_nested(json->u.items[i]);
    buf_c(out, is_flat ? "[ " : "[");
    for (size_t i = 0; i < json->len; i++) {
        if (i > 0)
            buf_c(out, is_flat ? ", " : ",");
        if (!is_flat)
            new_line(out, level + 1);
        print(out, json->u.items[i], level + 1);
    }
    if (is_flat)
        buf_put(out, ' ');
    else
        new_line(out, level);
    buf_put(out, ']');
}

static void print_object(Buf *out, const Json *json, size_t level)
{
    buf_put(out, '{');
    for (size_t i = 0; i < json->len; i++) {
        if (i > 0)
            buf_put(out, ',');
        new_line(out, level + 1);
        json_put_string(out, json->u.members[i].name);
        buf_c(out, ": ");
        print(out, json->u.members[i].value, level + 1);
    }
    new_line(out, level);
    buf_put(out, '}');
}

static void print(Buf *out, const Json *json, size_t level)
{
    if (!is_nested(json))
        json_print(out, json);
    else if (json->kind == JSON_ARRAY)
        print_array(out, json, level);
    else
        print_object(out, json, level);
}

void json_pretty(Buf *out, const Json *json)
{
    print(out, json, 0);
}
