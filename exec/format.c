/*
 * format.c -- formats by kind, and the window that stands behind a windowed key.
 */
#include "exec/format.h"

#include <math.h>

#include "exec/formats/formats.h"

/* In the order of FormatKind; NULL: schema registry formats, which this build cannot read. */
static const FormatClass *const format_classes[FORMAT_COUNT_] = {
    [FORMAT_NONE] = &format_none_class,
    [FORMAT_KAFKA] = &format_kafka_class,
    [FORMAT_DELIMITED] = &format_delimited_class,
    [FORMAT_JSON] = &format_json_class,
};

static ErrCode class_of(const FormatSide *side, const FormatClass **out, Err *err)
{
    const FormatClass *cls = format_classes[side->spec.kind];

    if (!cls)
        return err_set(err, ERR_NOT_YET, "not supported yet: format %s",
                       format_kind_name(side->spec.kind));
    *out = cls;
    return ERR_OK;
}

ErrCode decoder_open(Arena *query_mem, const FormatSide *side, const bool *is_wanted, Decoder **out,
                     Err *err)
{
    const FormatClass *cls = NULL;

    TRY(class_of(side, &cls, err));
    return cls->decoder_open(query_mem, side, is_wanted, out, err);
}

ErrCode encoder_open(Arena *query_mem, const FormatSide *side, Encoder **out, Err *err)
{
    const FormatClass *cls = NULL;

    TRY(class_of(side, &cls, err));
    return cls->encoder_open(query_mem, side, out, err);
}

bool format_parse_double(Str text, double *out)
{
    bool   is_negative = text.len > 0 && text.ptr[0] == '-';
    bool   has_sign = text.len > 0 && (is_negative || text.ptr[0] == '+');
    Str    word = str_slice(text, has_sign, text.len);
    double d;

    if (str_eq(word, STR("NaN")))
        d = NAN;
    else if (str_eq(word, STR("Infinity")))
        d = is_negative ? -INFINITY : INFINITY;
    else
        return value_parse_double(text, out);
    *out = d;
    return true;
}

void format_window_append(Buf *key, WindowKind kind, int64_t start_ms, int64_t end_ms)
{
    if (kind == WINDOW_NONE)
        return;
    /* A session's end comes first: the order of Kafka Streams' session keys. */
    if (kind == WINDOW_SESSION)
        buf_u64be(key, (uint64_t)end_ms);
    buf_u64be(key, (uint64_t)start_ms);
}

ErrCode format_window_strip(Str *key, WindowKind kind, int64_t size_ms, int64_t *start_ms,
                            int64_t *end_ms, Err *err)
{
    size_t    need = kind == WINDOW_NONE ? 0 : kind == WINDOW_SESSION ? 16 : 8;
    BufReader in;

    if (key->len < need)
        return err_set(err, ERR_DESERIALIZE,
                       "cannot read the window of a key: %zu bytes, expected at least %zu",
                       key->len, need);
    if (need == 0)
        return ERR_OK;
    in = buf_reader(str_slice(*key, key->len - need, key->len));
    if (kind == WINDOW_SESSION) {
        *end_ms = (int64_t)buf_read_u64be(&in);
        *start_ms = (int64_t)buf_read_u64be(&in);
    } else {
        *start_ms = (int64_t)buf_read_u64be(&in);
        *end_ms = (int64_t)((uint64_t)*start_ms + (uint64_t)size_ms);
    }
    key->len -= need;
    return ERR_OK;
}
