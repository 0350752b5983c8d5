/*
 * format.h -- record bytes to column values and back.
 *
 * One file per format in exec/formats/, both directions in it.  A decoder is made for the columns
 * that the plan needs and extracts only those, in one pass, without a tree; an encoder writes
 * straight into the output chunk.  One decoder or encoder handles one side (key or value) of a
 * source.
 *
 * Thread: one worker at a time.
 */
#ifndef EXEC_FORMAT_H
#define EXEC_FORMAT_H

#include "common/buf.h"
#include "common/err.h"
#include "common/value.h"
#include "planner/schema.h"

typedef struct Decoder Decoder;
typedef struct Encoder Encoder;

/* The columns of one side, in the order of the record. */
typedef struct FormatSide {
    FormatSpec    spec;
    const Column *cols;
    uint32_t      len;
    bool          is_key; /* a single key column is always unwrapped (but in PROTOBUF) */
    bool is_table; /* null deletes: without columns JSON writes an empty object, and not null */
} FormatSide;

/*
 * is_wanted[i] (NULL: all) says whether column i is needed; a column that is not wanted is left
 * untouched in out, but the record is still validated as the format demands.
 */
ErrCode decoder_open(Arena *query_mem, const FormatSide *side, const bool *is_wanted, Decoder **out,
                     Err *err) ERR_MUST_USE;
ErrCode encoder_open(Arena *query_mem, const FormatSide *side, Encoder **out,
                     Err *err) ERR_MUST_USE;

struct Decoder {
    /*
     * bytes are not null.  Fills out[0 .. len); values point into bytes or batch_mem.  *is_null is
     * set when the bytes mean a null row (JSON null, an anonymous null).  ERR_DESERIALIZE with the
     * reason (and the place in the text) leaves out in any state.
     */
    ErrCode (*run)(Decoder *self, Str bytes, Value *out, Arena *batch_mem, bool *is_null, Err *err);
};

struct Encoder {
    /*
     * Appends the bytes for cols[0 .. len).  *is_null is set, and nothing appended, when the
     * columns are written as null bytes (no columns, or an unwrapped null).  ERR_SERIALIZE when
     * they cannot be written; out is then cut back by the caller.
     */
    ErrCode (*run)(Encoder *self, const Value *cols, Buf *out, bool *is_null, Err *err);
};

static inline ErrCode decoder_run(Decoder *decoder, Str bytes, Value *out, Arena *batch_mem,
                                  bool *is_null, Err *err)
{
    return decoder->run(decoder, bytes, out, batch_mem, is_null, err);
}
static inline ErrCode encoder_run(Encoder *encoder, const Value *cols, Buf *out, bool *is_null,
                                  Err *err)
{
    return encoder->run(encoder, cols, out, is_null, err);
}

/* Windowed keys: what stands behind the key's bytes. */
void format_window_append(Buf *key, WindowKind kind, int64_t start_ms, int64_t end_ms);
/* Cuts it off again; size_ms is the window's size for time windows.  ERR_DESERIALIZE if short. */
ErrCode format_window_strip(Str *key, WindowKind kind, int64_t size_ms, int64_t *start_ms,
                            int64_t *end_ms, Err *err) ERR_MUST_USE;

/*
 * Reads one value of a REST body or a test case (JSON of the decoded data) as a SQL value, and
 * writes one as the REST API shows it (rows of /query: dates as text, DECIMAL plain, BYTES base64;
 * other forms inside STRUCT).
 */
ErrCode format_json_value(Str json_text, const Type *type, Arena *mem, Value *out,
                          Err *err) ERR_MUST_USE;
void    format_rest_value(Buf *out, Value v, const Type *type);

#endif
