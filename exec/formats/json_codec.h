/*
 * json_codec.h -- JSON text to values of one SQL type, and back.
 *
 * A JsonCodec is a type compiled for reading and writing: fields found by hash, `"NAME":` ready to
 * be appended.  It learns the layout of the objects it reads (see json_codec.c), so it is written
 * to while it reads.
 *
 * Thread: one at a time.
 */
#ifndef EXEC_FORMATS_JSON_CODEC_H
#define EXEC_FORMATS_JSON_CODEC_H

#include "common/json.h"
#include "common/type.h"

typedef struct JsonCodec  JsonCodec;
typedef struct JsonFields JsonFields;

struct JsonCodec {
    const Type *type;
    TypeKind    kind;
    bool        is_lenient;
    JsonCodec  *elem;   /* ARRAY, MAP */
    JsonFields *fields; /* STRUCT */
};

/*
 * is_lenient: dates and times may also stand as ISO text, and maps may have keys of any scalar
 * type, as people write them in requests.
 */
ErrCode json_codec_open(Arena *arena, const Type *type, bool is_lenient, JsonCodec **out,
                        Err *err) ERR_MUST_USE;
/* The members of an object: a row's columns, or a STRUCT's fields.  is_wanted NULL: all. */
ErrCode json_fields_open(Arena *arena, const TypeField *fields, uint32_t len, const bool *is_wanted,
                         bool is_lenient, JsonFields **out, Err *err) ERR_MUST_USE;

/* --- reading ---------------------------------------------------------------------------------- */

/* A reading of one text; mem takes what cannot point into the text. */
typedef struct JsonIn {
    JsonScan scan;
    Arena   *mem;
    Err     *err;
} JsonIn;

/* Consumes one value.  ERR_DESERIALIZE with the byte where it stands. */
ErrCode json_codec_read(JsonCodec *codec, JsonIn *in, Value *out) ERR_MUST_USE;
/*
 * Consumes an object, its members into out[0 .. len): fields that are not wanted are left as they
 * are, wanted ones that do not stand in the text become null.
 */
ErrCode json_fields_read(JsonFields *fields, JsonIn *in, Value *out) ERR_MUST_USE;
/* ERR_DESERIALIZE unless only white space is left. */
ErrCode json_codec_end(JsonIn *in) ERR_MUST_USE;

/* --- writing ---------------------------------------------------------------------------------- */

void json_codec_write(const JsonCodec *codec, Value v, Buf *out);
void json_fields_write(JsonFields *fields, const Value *values, Buf *out);

/* --- json_scalar.c: what the codec is made of ------------------------------------------------- */

/* Consumes one value that is not null, of which json_peek() said found. */
ErrCode json_scalar_read(JsonIn *in, const JsonCodec *codec, JsonKind found,
                         Value *out) ERR_MUST_USE;
/* A scalar as the text of a map's key. */
ErrCode json_scalar_of_text(JsonIn *in, const JsonCodec *codec, Str text, Value *out) ERR_MUST_USE;

size_t  json_byte_of(const JsonIn *in); /* where the scan stands */
ErrCode json_malformed(JsonIn *in);
ErrCode json_mismatch(JsonIn *in, const JsonCodec *codec, JsonKind found);

#endif
