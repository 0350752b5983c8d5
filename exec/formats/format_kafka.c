/*
 * format_kafka.c -- KAFKA: the serializers of Kafka's own clients, one column a side.
 *
 * INT, BIGINT and DOUBLE are 4, 8 and 8 bytes, big-endian; any other length is an error.  STRING
 * is UTF-8, read with replacement of what is not; BYTES is taken as it is.  A null column is null
 * bytes.
 */
#include "exec/formats/formats.h"

#include "common/utf8.h"

typedef struct KafkaDecoder {
    Decoder  base; /* must be first */
    TypeKind kind;
    Str      column;
    bool     is_wanted;
} KafkaDecoder;

typedef struct KafkaEncoder {
    Encoder  base; /* must be first */
    TypeKind kind;
} KafkaEncoder;

static ErrCode kafka_check(const FormatSide *side, Err *err)
{
    const Column *col = side->cols;

    if (side->len == 0)
        return ERR_OK;
    if (side->len > 1)
        return err_set(err, ERR_STATEMENT, "format KAFKA cannot hold %u columns: only one",
                       side->len);
    switch (col->type->kind) {
    case T_INT:
    case T_BIGINT:
    case T_DOUBLE:
    case T_STRING:
    case T_BYTES:
        return ERR_OK;
    default:
        return err_set(err, ERR_STATEMENT, "format KAFKA cannot hold column \"%.*s\" of type %s",
                       STR_ARG(col->name), type_kind_name(col->type->kind));
    }
}

static ErrCode kafka_number(const KafkaDecoder *self, Str bytes, Value *out, Err *err)
{
    size_t    need = self->kind == T_INT ? 4 : 8;
    BufReader in = buf_reader(bytes);
    uint64_t  bits;

    if (bytes.len != need)
        return err_set(err, ERR_DESERIALIZE,
                       "column \"%.*s\": cannot read %zu bytes as %s: expected exactly %zu",
                       STR_ARG(self->column), bytes.len, type_kind_name(self->kind), need);
    if (self->kind == T_INT) {
        *out = value_int((int32_t)buf_read_u32be(&in));
        return ERR_OK;
    }
    bits = buf_read_u64be(&in);
    *out = (Value){.kind = (uint8_t)self->kind, .u.bits = bits};
    return ERR_OK;
}

static ErrCode kafka_decode(Decoder *base, Str bytes, Value *out, Arena *batch_mem, bool *is_null,
                            Err *err)
{
    const KafkaDecoder *self = (const KafkaDecoder *)base;
    Value               v = value_null();

    *is_null = false;
    switch (self->kind) {
    case T_NULL: /* no column */
        return ERR_OK;
    case T_BYTES:
        v = value_bytes(bytes);
        break;
    case T_STRING:
        if (self->is_wanted)
            v = value_str(utf8_replace_invalid(batch_mem, bytes));
        break;
    default:
        TRY(kafka_number(self, bytes, &v, err));
        break;
    }
    if (self->is_wanted)
        out[0] = v;
    return ERR_OK;
}

static ErrCode kafka_encode(Encoder *base, const Value *cols, Buf *out, bool *is_null, Err *err)
{
    const KafkaEncoder *self = (const KafkaEncoder *)base;

    (void)err;
    *is_null = self->kind == T_NULL || value_is_null(cols[0]);
    if (*is_null)
        return ERR_OK;
    if (self->kind == T_STRING || self->kind == T_BYTES)
        buf_str(out, value_as_str(cols[0]));
    else if (self->kind == T_INT)
        buf_u32be(out, (uint32_t)cols[0].u.i);
    else
        buf_u64be(out, cols[0].u.bits);
    return ERR_OK;
}

static ErrCode kafka_decoder_open(Arena *query_mem, const FormatSide *side, const bool *is_wanted,
                                  Decoder **out, Err *err)
{
    KafkaDecoder *self = ARENA_NEW(query_mem, KafkaDecoder);

    TRY(kafka_check(side, err));
    self->base.run = kafka_decode;
    if (side->len > 0) {
        self->kind = side->cols[0].type->kind;
        self->column = side->cols[0].name;
        self->is_wanted = format_is_wanted(is_wanted, 0);
    }
    *out = &self->base;
    return ERR_OK;
}

static ErrCode kafka_encoder_open(Arena *query_mem, const FormatSide *side, Encoder **out, Err *err)
{
    KafkaEncoder *self = ARENA_NEW(query_mem, KafkaEncoder);

    TRY(kafka_check(side, err));
    self->base.run = kafka_encode;
    self->kind = side->len > 0 ? side->cols[0].type->kind : T_NULL;
    *out = &self->base;
    return ERR_OK;
}

const FormatClass format_kafka_class = {kafka_decoder_open, kafka_encoder_open};
