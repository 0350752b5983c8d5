/*
 * harness_record.c -- records as JSON trees, in the formats of the source on their topic.
 *
 * JSON: the tree is the text.  DELIMITED: a string is the line.  KAFKA and the others: the tree is
 * read as a SQL value of the column's type and encoded, or decoded and shown.
 */
#include "server/harness_internal.h"

#include "exec/chunk.h"
#include "exec/format.h"

const Source *harness_source_of(const Catalog *catalog, Str topic)
{
    for (size_t i = 0; i < catalog_sources_len(catalog); i++) {
        const Source *source = catalog_source_at(catalog, i);

        if (str_eq(source->topic, topic))
            return source;
    }
    return NULL;
}

static FormatSide side_of(const Source *source, bool is_key)
{
    const Schema *schema = source->schema;
    uint32_t      end = schema->key_len;

    if (is_key)
        return (FormatSide){.spec = source->key_format,
                            .cols = schema->cols,
                            .len = schema->key_len,
                            .is_key = true};
    while (end < schema->len && schema->cols[end].role == COLUMN_VALUE)
        end++;
    return (FormatSide){.spec = source->value_format,
                        .cols = schema->cols + schema->key_len,
                        .len = end - schema->key_len};
}

static bool is_null(const Json *json)
{
    return !json || json->kind == JSON_NULL;
}

/* --- writing ---------------------------------------------------------------------------------- */

static Str print_tree(Arena *mem, const Json *json)
{
    Buf text = buf_in(mem);

    json_print(&text, json);
    return buf_view(&text);
}

/* Text of a scalar as it stands in a line or a raw value. */
static Str bare_text(Arena *mem, const Json *json)
{
    return json->kind == JSON_STRING ? json->text : print_tree(mem, json);
}

static ErrCode encode_columns(Arena *mem, const FormatSide *side, const Json *json, Str *out,
                              Err *err)
{
    Value   *cols = ARENA_ARRAY(mem, Value, side->len + 1);
    Buf      bytes = buf_in(mem);
    Encoder *encoder;
    bool     is_absent;

    if (side->len == 1 && json->kind != JSON_OBJECT) {
        TRY(format_json_value(print_tree(mem, json), side->cols[0].type, mem, &cols[0], err));
    } else {
        for (uint32_t i = 0; i < side->len; i++) {
            const Json *field = json_get(json, side->cols[i].name);

            if (!is_null(field))
                TRY(format_json_value(print_tree(mem, field), side->cols[i].type, mem, &cols[i],
                                      err));
        }
    }
    TRY(encoder_open(mem, side, &encoder, err));
    TRY(encoder_run(encoder, cols, &bytes, &is_absent, err));
    *out = is_absent ? STR_NULL : buf_view(&bytes);
    return ERR_OK;
}

static ErrCode encode_side(Arena *mem, const Source *source, bool is_key, const Json *json,
                           Str *out, Err *err)
{
    FormatSide side;

    *out = STR_NULL;
    if (is_null(json))
        return ERR_OK;
    if (!source) {
        *out = bare_text(mem, json);
        return ERR_OK;
    }
    side = side_of(source, is_key);
    switch (side.spec.kind) {
    case FORMAT_JSON:
        *out = print_tree(mem, json);
        return ERR_OK;
    case FORMAT_DELIMITED:
    case FORMAT_NONE:
        *out = bare_text(mem, json);
        return ERR_OK;
    default:
        return encode_columns(mem, &side, json, out, err);
    }
}

static ErrCode encode_headers(Arena *mem, const Json *headers, Str *out, Err *err)
{
    Buf all = buf_in(mem);

    *out = STR_NULL;
    if (is_null(headers) || headers->len == 0)
        return ERR_OK;
    for (size_t i = 0; i < headers->len; i++) {
        Str         name = json_get_str(headers->u.items[i], STR("KEY"), STR(""));
        const Json *value = json_get(headers->u.items[i], STR("VALUE"));
        Buf         bytes = buf_in(mem);

        if (!is_null(value) && !base64_decode(&bytes, value->text))
            return err_set(err, ERR_REQUEST, "the value of header \"%.*s\" is no base64",
                           STR_ARG(name));
        header_append(&all, name, is_null(value) ? STR_NULL : buf_view(&bytes));
    }
    *out = buf_view(&all);
    return ERR_OK;
}

static Str append_window(Arena *mem, Str key, const HarnessRecord *record)
{
    Buf bytes = buf_in(mem);

    buf_str(&bytes, key);
    format_window_append(&bytes, record->is_session ? WINDOW_SESSION : WINDOW_TUMBLING,
                         record->window_start, record->window_end);
    return buf_view(&bytes);
}

/* How many partitions of the topic may hold records. */
static ErrCode used_partitions(Harness *harness, Str topic, Arena *mem, uint32_t *out, Err *err)
{
    TopicInfo info;

    *out = 1;
    if (harness->is_one_task)
        return ERR_OK;
    TRY(broker_topic_describe(engine_broker(harness->engine), topic, mem, &info, err));
    *out = info.spec.partitions;
    return ERR_OK;
}

/* Where a Java producer would write it, but for records without a key: those keep their order. */
static ErrCode append(Harness *harness, Str topic, const Record *record, Arena *mem, Err *err)
{
    uint32_t partitions;
    int64_t  offset;

    TRY(used_partitions(harness, topic, mem, &partitions, err));
    return broker_produce_wait(engine_broker(harness->engine), topic,
                               record->key.ptr ? partition_of_key(record->key, partitions) : 0,
                               record, &offset, err);
}

ErrCode harness_produce(Harness *harness, const HarnessRecord *record, Err *err)
{
    Arena        *mem = arena_new(0);
    Catalog      *catalog = engine_catalog(harness->engine);
    const Source *source = harness_source_of(catalog, record->topic);
    Record        out = {.ts = record->ts};
    ErrCode       rc = encode_side(mem, source, true, record->key, &out.key, err);

    if (rc == ERR_OK && record->has_window && out.key.ptr)
        out.key = append_window(mem, out.key, record);
    if (rc == ERR_OK)
        rc = encode_side(mem, source, false, record->value, &out.value, err);
    if (rc == ERR_OK)
        rc = encode_headers(mem, record->headers, &out.headers, err);
    if (rc == ERR_OK)
        rc = append(harness, record->topic, &out, mem, err);
    catalog_unref(catalog);
    arena_free(mem);
    return rc;
}

/* --- reading ---------------------------------------------------------------------------------- */

static Json *text_node(Arena *mem, Str text)
{
    Json *node = ARENA_NEW(mem, Json);

    node->kind = JSON_STRING;
    node->text = str_copy(mem, text);
    return node;
}

/* Through the decoder, then as the JSON format would write the columns. */
static ErrCode decode_columns(Arena *mem, const FormatSide *side, Str bytes, Json **out, Err *err)
{
    Value     *cols = ARENA_ARRAY(mem, Value, side->len + 1);
    FormatSide json = *side;
    Buf        text = buf_in(mem);
    Decoder   *decoder;
    Encoder   *encoder;
    bool       is_absent;

    json.spec.kind = FORMAT_JSON;
    json.spec.is_wrapped = side->spec.is_wrapped;
    TRY(decoder_open(mem, side, NULL, &decoder, err));
    TRY(decoder_run(decoder, bytes, cols, mem, &is_absent, err));
    TRY(encoder_open(mem, &json, &encoder, err));
    TRY(encoder_run(encoder, cols, &text, &is_absent, err));
    if (is_absent)
        return ERR_OK;
    return json_parse(mem, buf_view(&text), out, err);
}

static ErrCode decode_side(Arena *mem, const Source *source, bool is_key, Str bytes, Json **out,
                           Err *err)
{
    FormatSide side;

    *out = NULL;
    if (!bytes.ptr)
        return ERR_OK;
    if (!source) {
        *out = text_node(mem, bytes);
        return ERR_OK;
    }
    side = side_of(source, is_key);
    switch (side.spec.kind) {
    case FORMAT_JSON:
        return json_parse(mem, str_copy(mem, bytes), out, err);
    case FORMAT_DELIMITED:
    case FORMAT_NONE:
        *out = text_node(mem, bytes);
        return ERR_OK;
    default:
        return decode_columns(mem, &side, str_copy(mem, bytes), out, err);
    }
}

static Json *decode_headers(Arena *mem, Str headers)
{
    Buf   text = buf_in(mem), base64 = buf_in(mem);
    Str   name, value;
    bool  is_first = true;
    Json *out = NULL;
    Err   err;

    buf_put(&text, '[');
    while (header_next(&headers, &name, &value)) {
        buf_c(&text, is_first ? "{\"KEY\":" : ",{\"KEY\":");
        is_first = false;
        json_put_string(&text, name);
        buf_c(&text, ",\"VALUE\":");
        if (value.ptr) {
            buf_clear(&base64);
            base64_encode(&base64, value);
            json_put_string(&text, buf_view(&base64));
        } else {
            buf_c(&text, "null");
        }
        buf_put(&text, '}');
    }
    buf_put(&text, ']');
    if (json_parse(mem, buf_view(&text), &out, &err) != ERR_OK)
        return NULL;
    return out;
}

static ErrCode read_record(Arena *mem, const Source *source, const Record *record,
                           HarnessRecord *out, Err *err)
{
    Str   key = record->key;
    Json *tree;

    *out = (HarnessRecord){.ts = record->ts, .headers = decode_headers(mem, record->headers)};
    if (source && source->window != WINDOW_NONE && key.ptr) {
        TRY(format_window_strip(&key, source->window, source->window_size_ms, &out->window_start,
                                &out->window_end, err));
        out->has_window = true;
        out->is_session = source->window == WINDOW_SESSION;
    }
    TRY(decode_side(mem, source, true, key, &tree, err));
    out->key = tree;
    TRY(decode_side(mem, source, false, record->value, &tree, err));
    out->value = tree;
    return ERR_OK;
}

typedef struct Reading {
    Arena         *mem;
    HarnessOutput *out;
    size_t         cap;
    uint32_t       partition;
} Reading;

static ErrCode add_record(void *arg, const Record *record, Err *err)
{
    Reading       *reading = arg;
    HarnessOutput *out = reading->out;

    if (out->len == reading->cap) {
        size_t cap = reading->cap * 2 + 16;

        out->records = arena_grow(reading->mem, out->records, reading->cap * sizeof *out->records,
                                  cap * sizeof *out->records);
        reading->cap = cap;
    }
    TRY(read_record(reading->mem, out->source, record, &out->records[out->len], err));
    out->records[out->len++].partition = reading->partition;
    return ERR_OK;
}

ErrCode harness_read(Harness *harness, Str topic, Arena *mem, HarnessOutput *out, Err *err)
{
    Broker        *broker = engine_broker(harness->engine);
    Catalog       *catalog = engine_catalog(harness->engine);
    Reading        reading = {.mem = mem, .out = out};
    PartitionEnds *ends;
    uint32_t       partitions;
    ErrCode        rc;

    *out = (HarnessOutput){0};
    out->source = harness_source_of(catalog, topic);
    rc = used_partitions(harness, topic, mem, &partitions, err);
    ends = ARENA_ARRAY(mem, PartitionEnds, partitions);
    if (rc == ERR_OK)
        rc = broker_topic_ends(broker, topic, ends, partitions, err);
    for (uint32_t i = 0; rc == ERR_OK && i < partitions; i++) {
        BrokerRange range = {topic, i, ends[i].begin, ends[i].end};

        reading.partition = i;
        rc = broker_read_range(broker, &range, add_record, &reading, NULL, err);
    }
    catalog_unref(catalog);
    return rc;
}
