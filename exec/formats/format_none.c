/*
 * format_none.c -- NONE: a side without columns.
 *
 * Writes null bytes and ignores whatever it reads: the key of a stream that has no key.
 */
#include "exec/formats/formats.h"

static ErrCode none_decode(Decoder *self, Str bytes, Value *out, Arena *batch_mem, bool *is_null,
                           Err *err)
{
    (void)self, (void)bytes, (void)out, (void)batch_mem, (void)err;
    *is_null = true;
    return ERR_OK;
}

static ErrCode none_encode(Encoder *self, const Value *cols, Buf *out, bool *is_null, Err *err)
{
    (void)self, (void)cols, (void)out, (void)err;
    *is_null = true;
    return ERR_OK;
}

static ErrCode none_check(const FormatSide *side, Err *err)
{
    if (side->len > 0)
        return err_set(err, ERR_STATEMENT, "format NONE cannot hold column \"%.*s\"",
                       STR_ARG(side->cols[0].name));
    return ERR_OK;
}

static ErrCode none_decoder_open(Arena *query_mem, const FormatSide *side, const bool *is_wanted,
                                 Decoder **out, Err *err)
{
    Decoder *self = ARENA_NEW(query_mem, Decoder);

    (void)is_wanted;
    TRY(none_check(side, err));
    self->run = none_decode;
    *out = self;
    return ERR_OK;
}

static ErrCode none_encoder_open(Arena *query_mem, const FormatSide *side, Encoder **out, Err *err)
{
    Encoder *self = ARENA_NEW(query_mem, Encoder);

    TRY(none_check(side, err));
    self->run = none_encode;
    *out = self;
    return ERR_OK;
}

const FormatClass format_none_class = {none_decoder_open, none_encoder_open};
