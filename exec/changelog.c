#include "exec/changelog.h"

Str changelog_topic(Arena *mem, Str service_id, Str query_id)
{
    return str_printf(mem, "_weir-%.*s-%.*s-changelog", STR_ARG(service_id), STR_ARG(query_id));
}

ErrCode changelog_create(Broker *broker, Str topic, uint32_t partitions, Err *err)
{
    TopicSpec spec = {.name = topic,
                      .partitions = partitions,
                      .replicas = -1,
                      .retention_ms = -1,
                      .cleanup = broker_is_apart(broker) ? TOPIC_STATE : TOPIC_LOG};

    return broker_topic_ensure(broker, &spec, err);
}

void changelog_put(ChangelogWriter *writer, uint32_t store, Str key, Str value)
{
    Chunk *chunk = writer->out->tail;
    size_t before;
    Record record = {.value = value};

    if (!chunk || chunk_is_full(chunk)) {
        chunk = chunk_new(writer->topic, writer->partition, writer->owner);
        chunk_list_add(writer->out, chunk);
    }
    buf_clear(&writer->key);
    buf_varint(&writer->key, store);
    buf_str(&writer->key, key);
    record.key = buf_view(&writer->key);
    before = chunk->bytes.len;
    chunk_append(chunk, &record);
    writer->out->bytes += chunk->bytes.len - before;
}

bool changelog_parse_key(Str record_key, uint32_t *store, Str *key)
{
    BufReader reader = buf_reader(record_key);
    uint64_t  number = buf_read_varint(&reader);

    if (!record_key.ptr || !reader.ok || number > UINT32_MAX)
        return false;
    *store = (uint32_t)number;
    *key = (Str){(const char *)reader.ptr, (size_t)(reader.end - reader.ptr)};
    return true;
}

typedef struct ChangelogRead {
    ChangelogVisit visit;
    void          *arg;
} ChangelogRead;

static ErrCode changelog_read(void *arg, const Record *record, Err *err)
{
    ChangelogRead *read = arg;
    uint32_t       store;
    Str            key;

    if (!changelog_parse_key(record->key, &store, &key))
        return err_set(err, ERR_STATE, "changelog record at offset %lld is malformed",
                       (long long)record->offset);
    return read->visit(read->arg, store, key, record->value, err);
}

ErrCode changelog_replay(Broker *broker, Str topic, uint32_t partition, int64_t from,
                         ChangelogVisit visit, void *arg, int64_t *next, Err *err)
{
    PartitionEnds *ends;
    PartitionEnds  range;
    ChangelogRead  read = {visit, arg};
    ErrCode        rc;

    ends = MEM_ARRAY(PartitionEnds, partition + 1);
    rc = broker_topic_ends(broker, topic, ends, partition + 1, err);
    range = ends[partition];
    mem_free(ends);
    if (rc != ERR_OK)
        return rc;
    if (range.begin > from)
        return err_set(err, ERR_STATE, "changelog \"%.*s\" begins at %lld, state ends at %lld",
                       STR_ARG(topic), (long long)range.begin, (long long)from);
    if (from > range.end)
        return err_set(err, ERR_STATE, "changelog \"%.*s\" ends at %lld, state is at %lld",
                       STR_ARG(topic), (long long)range.end, (long long)from);
    return broker_read_range(broker, &(BrokerRange){topic, partition, from, range.end},
                             changelog_read, &read, next, err);
}
