/*
 * json_writer.c -- a comma goes before every value but the first of its object or array; a key
 * takes the comma of its value.
 */
#include "common/json_writer.h"

JsonWriter json_writer(Buf *out)
{
    return (JsonWriter){out, false};
}

static void comma(JsonWriter *w)
{
    if (w->needs_comma)
        buf_put(w->out, ',');
    w->needs_comma = true;
}

void jw_open(JsonWriter *w, char bracket)
{
    comma(w);
    buf_put(w->out, bracket);
    w->needs_comma = false;
}

void jw_close(JsonWriter *w, char bracket)
{
    buf_put(w->out, bracket);
    w->needs_comma = true;
}

void jw_key_str(JsonWriter *w, Str name)
{
    comma(w);
    json_put_string(w->out, name);
    buf_put(w->out, ':');
    w->needs_comma = false;
}

void jw_key(JsonWriter *w, const char *name)
{
    jw_key_str(w, str_from(name));
}

void jw_str(JsonWriter *w, Str s)
{
    comma(w);
    if (s.ptr)
        json_put_string(w->out, s);
    else
        buf_c(w->out, "null");
}

void jw_c(JsonWriter *w, const char *c_text)
{
    jw_str(w, str_from(c_text));
}

void jw_i64(JsonWriter *w, int64_t v)
{
    comma(w);
    buf_i64(w->out, v);
}

void jw_bool(JsonWriter *w, bool v)
{
    comma(w);
    buf_c(w->out, v ? "true" : "false");
}

void jw_null(JsonWriter *w)
{
    comma(w);
    buf_c(w->out, "null");
}

void jw_raw(JsonWriter *w, Str json)
{
    comma(w);
    buf_str(w->out, json);
}

void jw_field_str(JsonWriter *w, const char *name, Str s)
{
    jw_key(w, name);
    jw_str(w, s);
}

void jw_field_c(JsonWriter *w, const char *name, const char *c_text)
{
    jw_key(w, name);
    jw_c(w, c_text);
}

void jw_field_i64(JsonWriter *w, const char *name, int64_t v)
{
    jw_key(w, name);
    jw_i64(w, v);
}

void jw_field_bool(JsonWriter *w, const char *name, bool v)
{
    jw_key(w, name);
    jw_bool(w, v);
}

void jw_field_null(JsonWriter *w, const char *name)
{
    jw_key(w, name);
    jw_null(w);
}

void jw_field_empty(JsonWriter *w, const char *name, const char *brackets)
{
    jw_key(w, name);
    jw_raw(w, str_from(brackets));
}
