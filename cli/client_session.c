/*
 * client_session.c -- properties and variables of a session, and the requests that carry them.
 */
#include "cli/client_session.h"

#include "common/json_writer.h"

void client_session_init(ClientSession *session, Arena *mem)
{
    *session = (ClientSession){.mem = mem, .sequence = -1};
    map_init(&session->properties, mem);
    map_init(&session->variables, mem);
}

static void put(ClientSession *session, Map *map, Str name, Str value)
{
    Str *kept = ARENA_NEW(session->mem, Str);

    *kept = str_copy(session->mem, value);
    map_put(map, str_copy(session->mem, name), kept);
}

static Str take(Map *map, Str name)
{
    const Str *value = map_remove(map, name);

    return value ? *value : STR_NULL;
}

void client_session_set(ClientSession *session, Str name, Str value)
{
    put(session, &session->properties, name, value);
}

Str client_session_unset(ClientSession *session, Str name)
{
    return take(&session->properties, name);
}

void client_session_define(ClientSession *session, Str name, Str value)
{
    put(session, &session->variables, str_lower_ascii(session->mem, name), value);
}

Str client_session_undefine(ClientSession *session, Str name)
{
    return take(&session->variables, str_lower_ascii(session->mem, name));
}

Str client_session_substitute(const ClientSession *session, Arena *arena, Str text)
{
    Buf out = buf_in(arena);

    for (size_t i = 0; i < text.len;) {
        bool       is_escaped = str_starts(str_slice(text, i, text.len), STR("$${"));
        size_t     begin = i + is_escaped;
        ptrdiff_t  end = str_find(text, STR("}"), begin);
        const Str *value = NULL;

        if (end < 0 || !str_starts(str_slice(text, begin, text.len), STR("${"))) {
            buf_put(&out, text.ptr[i++]);
            continue;
        }
        if (!is_escaped)
            value = map_get(&session->variables,
                            str_lower_ascii(arena, str_slice(text, begin + 2, (size_t)end)));
        buf_str(&out, value ? *value : str_slice(text, begin, (size_t)end + 1));
        i = (size_t)end + 1;
    }
    return buf_view(&out);
}

static void put_map(JsonWriter *w, const char *name, const Map *map)
{
    const MapEntry *entry;

    jw_key(w, name);
    jw_open(w, '{');
    for (size_t i = 0; (entry = map_next(map, &i));) {
        jw_key_str(w, entry->key);
        jw_str(w, *(const Str *)entry->value);
    }
    jw_close(w, '}');
}

void client_session_request(const ClientSession *session, Str sql, Buf *out)
{
    JsonWriter w = json_writer(out);

    jw_open(&w, '{');
    jw_field_str(&w, "ksql", sql);
    put_map(&w, "streamsProperties", &session->properties);
    put_map(&w, "sessionVariables", &session->variables);
    if (session->sequence >= 0 && !session->is_pipelining)
        jw_field_i64(&w, "commandSequenceNumber", session->sequence);
    jw_close(&w, '}');
}
