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
    buf_put(out, '}');
}

static void put_scans(Buf *out, const Command *command)
{
    buf_c(out, ",\"scans\":[");
    for (size_t i = 0; i < command->scans_len; i++) {
        const CommandScan *scan = &command->scans[i];

        buf_c(out, i ? ",{\"topic\":" : "{\"topic\":");
        json_put_string(out, scan->topic);
        buf_c(out, ",\"topicId\":");
        json_put_string(out, scan->topic_id);
        buf_c(out, ",\"offsets\":[");
        for (uint32_t p = 0; p < scan->partitions; p++) {
            if (p)
                buf_put(out, ',');
            buf_i64(out, scan->offsets[p]);
        }
        buf_c(out, "]}");
    }
    buf_put(out, ']');
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
    put_scans(value, command);
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

static bool decode_topics(Arena *mem, const Json *counts, Command *out)
{
    CommandTopic *topics;

    if (!counts || counts->kind != JSON_OBJECT)
        return false;
    topics = ARENA_ARRAY(mem, CommandTopic, counts->len + 1);
    for (size_t i = 0; i < counts->len; i++) {
        const Json *count = counts->u.members[i].value;
        int64_t     partitions;

        if (count->kind != JSON_NUMBER || !str_to_i64(count->text, &partitions) || partitions < 0 ||
            partitions > UINT32_MAX)
            return false;
        topics[i] = (CommandTopic){counts->u.members[i].name, (uint32_t)partitions};
    }
    out->topics = topics;
    out->topics_len = counts->len;
    return true;
}

static bool decode_scan(Arena *mem, const Json *object, CommandScan *scan)
{
    const Json *array = json_get(object, STR("offsets"));
    int64_t    *offsets;

    scan->topic = json_get_str(object, STR("topic"), STR_NULL);
    scan->topic_id = json_get_str(object, STR("topicId"), STR(""));
    if (!scan->topic.ptr || !array || array->kind != JSON_ARRAY)
        return false;
    offsets = ARENA_ARRAY(mem, int64_t, array->len + 1);
    for (size_t i = 0; i < array->len; i++) {
        if (array->u.items[i]->kind != JSON_NUMBER ||
            !str_to_i64(array->u.items[i]->text, &offsets[i]))
            return false;
    }
    scan->offsets = offsets;
    scan->partitions = (uint32_t)array->len;
    return true;
}

static bool decode_scans(Arena *mem, const Json *array, Command *out)
{
    CommandScan *scans;

    if (!array || array->kind != JSON_ARRAY)
        return false;
    scans = ARENA_ARRAY(mem, CommandScan, array->len + 1);
    for (size_t i = 0; i < array->len; i++) {
        if (!decode_scan(mem, array->u.items[i], &scans[i]))
            return false;
    }
    out->scans = scans;
    out->scans_len = array->len;
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
        !decode_topics(mem, json_get(value, STR("topics")), &command) ||
        !decode_scans(mem, json_get(value, STR("scans")), &command))
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
