/*
 * format_json.c -- JSON records: a row as an object, or a single column bare.
 *
 * The work is done by the codec of json_codec.c.  A key of one column is always bare, a value of
 * one column when the source says so; a bare null is null bytes.
 */
#include "exec/formats/formats.h"
#include "exec/formats/json_codec.h"

/* --- the decoder ------------------------------------------------------------------------------ */

typedef struct JsonDecoder {
    Decoder     base;   /* must be first */
    JsonFields *fields; /* wrapped: the columns */
    JsonCodec  *codec;  /* unwrapped: the only one */
    Str         column; /* its name */
    bool        is_wanted;
} JsonDecoder;

static bool is_unwrapped(const FormatSide *side)
{
    return side->len == 1 && (side->is_key || !side->spec.is_wrapped);
}

static ErrCode decode_wrapped(JsonDecoder *self, JsonIn *in, Value *out, bool *is_null)
{
    switch (json_peek(&in->scan)) {
    case JSON_OBJECT:
        *is_null = false;
        return json_fields_read(self->fields, in, out);
    case JSON_NULL:
        *is_null = true;
        return json_word(&in->scan) ? ERR_OK : json_malformed(in);
    case JSON_ERROR:
        return json_malformed(in);
    default:
        return err_set(in->err, ERR_DESERIALIZE, "cannot read a row at byte %zu: not an object",
                       json_byte_of(in));
    }
}

static ErrCode decode_bare(JsonDecoder *self, JsonIn *in, Value *out, bool *is_null)
{
    Value   v;
    ErrCode rc = json_codec_read(self->codec, in, &v);

    if (rc != ERR_OK) {
        err_wrap(in->err, "column \"%.*s\"", STR_ARG(self->column));
        return rc;
    }
    *is_null = value_is_null(v);
    if (self->is_wanted)
        out[0] = v;
    return ERR_OK;
}

static ErrCode json_decode(Decoder *base, Str bytes, Value *out, Arena *batch_mem, bool *is_null,
                           Err *err)
{
    JsonDecoder *self = (JsonDecoder *)base;
    JsonIn       in = {.mem = batch_mem, .err = err};

    json_scan_init(&in.scan, bytes);
    if (self->codec)
        TRY(decode_bare(self, &in, out, is_null));
    else
        TRY(decode_wrapped(self, &in, out, is_null));
    return json_codec_end(&in);
}

static ErrCode columns_open(Arena *arena, const FormatSide *side, const bool *is_wanted,
                            JsonFields **out, Err *err)
{
    TypeField *fields = MEM_ARRAY(TypeField, side->len);
    ErrCode    rc;

    for (uint32_t i = 0; i < side->len; i++)
        fields[i] = (TypeField){side->cols[i].name, side->cols[i].type};
    rc = json_fields_open(arena, fields, side->len, is_wanted, false, out, err);
    mem_free(fields);
    return rc;
}

static ErrCode json_decoder_open(Arena *query_mem, const FormatSide *side, const bool *is_wanted,
                                 Decoder **out, Err *err)
{
    JsonDecoder *self = ARENA_NEW(query_mem, JsonDecoder);

    self->base.run = json_decode;
    if (is_unwrapped(side)) {
        self->column = side->cols[0].name;
        self->is_wanted = format_is_wanted(is_wanted, 0);
        TRY(json_codec_open(query_mem, side->cols[0].type, false, &self->codec, err));
    } else {
        TRY(columns_open(query_mem, side, is_wanted, &self->fields, err));
    }
    *out = &self->base;
    return ERR_OK;
}

/* --- writing ---------------------------------------------------------------------------------- */

typedef struct JsonEncoder {
    Encoder     base;        /* must be first */
    JsonFields *fields;      /* wrapped: the columns */
    JsonCodec  *codec;       /* unwrapped: the only one */
    bool        writes_null; /* there are no columns */
} JsonEncoder;

static ErrCode json_encode(Encoder *base, const Value *cols, Buf *out, bool *is_null, Err *err)
{
    const JsonEncoder *self = (const JsonEncoder *)base;

    (void)err;
    *is_null = self->writes_null || (self->codec && value_is_null(cols[0]));
    if (*is_null)
        return ERR_OK;
    if (self->codec)
        json_codec_write(self->codec, cols[0], out);
    else
        json_fields_write(self->fields, cols, out);
    return ERR_OK;
}

static ErrCode json_encoder_open(Arena *query_mem, const FormatSide *side, Encoder **out, Err *err)
{
    JsonEncoder *self = ARENA_NEW(query_mem, JsonEncoder);

    self->base.run = json_encode;
    self->writes_null = side->len == 0 && !side->is_table;
    if (is_unwrapped(side))
        TRY(json_codec_open(query_mem, side->cols[0].type, false, &self->codec, err));
    else
        TRY(columns_open(query_mem, side, NULL, &self->fields, err));
    *out = &self->base;
    return ERR_OK;
}

const FormatClass format_json_class = {json_decoder_open, json_encoder_open};
