/*
 * format_json.h -- the JSON codec of one SQL type, shared by the JSON format and the REST values.
 *
 * A JsonCodec is a type compiled for reading and writing: fields found by hash, `"NAME":` ready to
 * be appended.  It learns the layout of the objects it reads (see format_json.c), so it is written
 * to while it reads.
 *
 * Thread: one at a time.
 */
#ifndef EXEC_FORMATS_FORMAT_JSON_H
#define EXEC_FORMATS_FORMAT_JSON_H

#include "common/json.h"
#include "exec/format.h"

typedef struct JsonCodec JsonCodec;

/*
 * is_lenient: dates and times may also stand as ISO text, and maps may have keys of any scalar
 * type, as people write them in requests.
 */
ErrCode json_codec_open(Arena *arena, const Type *type, bool is_lenient, JsonCodec **out,
                        Err *err) ERR_MUST_USE;

/* A reading of one text; mem takes what cannot point into the text. */
typedef struct JsonIn {
    JsonScan scan;
    Arena   *mem;
    Err     *err;
} JsonIn;

/* Consumes one value.  ERR_DESERIALIZE with the byte where it stands. */
ErrCode json_codec_read(JsonCodec *codec, JsonIn *in, Value *out) ERR_MUST_USE;
/* ERR_DESERIALIZE unless only white space is left. */
ErrCode json_codec_end(JsonIn *in) ERR_MUST_USE;

#endif
