/*
 * command_log.c -- encoding and decoding of command records.
 */
#include "server/command_log.h"

#include <inttypes.h>

#include "common/json.h"

enum { COMMAND_VERSION = 1 };

static void put_name(Buf *out, bool *is_first, Str name)
{
    if (!*is_first)
        buf_put(out, ',');
    *is_first = false;
    json_put_string(out, name);
    buf_put(out, ':');
}

static void put_topics(Buf *out, const Command *command)
{
    bool is_first = true;

    buf_c(out, ",\"topics\":{");
    for (size_t i = 0; i < command->topics_len; i++) {
        put_name(out, &is_first, command->topics[i].name);
        buf_i64(out, command->topics[i].partitions);
    }
    is_first = true;
    buf_c(out, "},\"offsets\":{");
    for (size_t i = 0; i < command->topics_len; i++) {
        const CommandTopic *topic = &command->topics[i];

        if (!topic->offsets)
            continue;
        put_name(out, &is_first, topic->name);
        buf_put(out, '[');
        for (uint32_t p = 0; p < topic->partitions; p++) {
            if (p)
                buf_put(out, ',');
            buf_i64(out, topic->offsets[p]);
        }
        buf_put(out, ']');
    }
    buf_put(out, '}');
}

void command_encode(Buf *key, Buf *value, const Command *command)
{
    bool is_first = true;

    buf_str(key, command->id);
    buf_printf(value, "{\"weir\":%d,\"statement\":", COMMAND_VERSION);
    json_put_string(value, command->statement);
    buf_printf(value, ",\"number\":%" PRIu64 ",\"time\":%" PRId64, command->number,
               command->time_ms);
    if (command->query_id.ptr) {
        buf_c(value, ",\"queryId\":");
        json_put_string(value, command->query_id);
    }
    buf_c(value, ",\"properties\":{");
    for (size_t i = 0; i < command->props_len; i++) {
        put_name(value, &is_first, command->props[i].name);
        json_put_string(value, command->props[i].value);
    }
    buf_put(value, '}');
    put_topics(value, command);
    buf_put(value, '}');
}

/* --- decoding --------------------------------------------------------------------------------- */

static ErrCode foreign(const Record *record, Err *err)
{
    err_set(err, ERR_STATE,
            "cannot read record %" PRId64 " of the command topic: Weir did not write it",
            record->offset);
    err_hint(err, "give this server a ksql.service.id of its own, or delete the topic");
    return ERR_STATE;
}

static bool decode_props(Arena *mem, const Json *object, Command *out)
{
    CommandProperty *props;

    if (!object || object->kind != JSON_OBJECT)
        return false;
    props = ARENA_ARRAY(mem, CommandProperty, object->len + 1);
    for (size_t i = 0; i < object->len; i++) {
        if (object->u.members[i].value->kind != JSON_STRING)
            return false;
        props[i].name = object->u.members[i].name;
        props[i].value = object->u.members[i].value->text;
    }
    out->props = props;
    out->props_len = object->len;
    return true;
}

static bool decode_offsets(Arena *mem, const Json *array, CommandTopic *topic)
{
    int64_t *offsets;

    if (!array)
        return true;
    if (array->kind != JSON_ARRAY || array->len != topic->partitions)
        return false;
    offsets = ARENA_ARRAY(mem, int64_t, array->len + 1);
    for (size_t i = 0; i < array->len; i++) {
        if (array->u.items[i]->kind != JSON_NUMBER ||
            !str_to_i64(array->u.items[i]->text, &offsets[i]))
            return false;
    }
    topic->offsets = offsets;
    return true;
}

static bool decode_topics(Arena *mem, const Json *value, Command *out)
{
    const Json   *counts = json_get(value, STR("topics"));
    const Json   *offsets = json_get(value, STR("offsets"));
    CommandTopic *topics;

    if (!counts || counts->kind != JSON_OBJECT || !offsets || offsets->kind != JSON_OBJECT)
        return false;
    topics = ARENA_ARRAY(mem, CommandTopic, counts->len + 1);
    for (size_t i = 0; i < counts->len; i++) {
        int64_t partitions;

        if (counts->u.members[i].value->kind != JSON_NUMBER ||
            !str_to_i64(counts->u.members[i].value->text, &partitions) || partitions < 0 ||
            partitions > UINT32_MAX)
            return false;
        topics[i].name = counts->u.members[i].name;
        topics[i].partitions = (uint32_t)partitions;
        if (!decode_offsets(mem, json_get(offsets, topics[i].name), &topics[i]))
            return false;
    }
    out->topics = topics;
    out->topics_len = counts->len;
    return true;
}

ErrCode command_decode(Arena *mem, const Record *record, Command *out, Err *err)
{
    Command command = {0};
    Json   *value;
    int64_t number;

    if (!record->key.ptr || !record->value.ptr ||
        json_parse(mem, str_copy(mem, record->value), &value, err) != ERR_OK ||
        json_get_i64(value, STR("weir"), 0) < 1)
        return foreign(record, err);
    if (json_get_i64(value, STR("weir"), 0) > COMMAND_VERSION)
        return err_set(err, ERR_STATE,
                       "cannot read record %" PRId64
                       " of the command topic: a newer version of Weir wrote it",
                       record->offset);
    command.id = str_copy(mem, record->key);
    command.statement = json_get_str(value, STR("statement"), STR_NULL);
    command.query_id = json_get_str(value, STR("queryId"), STR_NULL);
    command.time_ms = json_get_i64(value, STR("time"), 0);
    number = json_get_i64(value, STR("number"), -1);
    if (!command.statement.ptr || number < 0 ||
        !decode_props(mem, json_get(value, STR("properties")), &command) ||
        !decode_topics(mem, value, &command))
        return foreign(record, err);
    command.number = (uint64_t)number;
    *out = command;
    return ERR_OK;
}

const CommandTopic *command_topic(const Command *command, Str name)
{
    for (size_t i = 0; i < command->topics_len; i++) {
        if (str_eq(command->topics[i].name, name))
            return &command->topics[i];
    }
    return NULL;
}
