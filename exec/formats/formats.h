/*
 * formats.h -- what each file of this folder gives to format.c.
 *
 * A format is one FormatClass at the end of its file and one row of the table in exec/format.c.
 * Opening checks that the format can hold the columns; the planner has refused most of what it
 * cannot hold before, with a position.
 */
#ifndef EXEC_FORMATS_FORMATS_H
#define EXEC_FORMATS_FORMATS_H

#include "exec/format.h"

typedef struct FormatClass {
    ErrCode (*decoder_open)(Arena *query_mem, const FormatSide *side, const bool *is_wanted,
                            Decoder **out, Err *err);
    ErrCode (*encoder_open)(Arena *query_mem, const FormatSide *side, Encoder **out, Err *err);
} FormatClass;

extern const FormatClass format_none_class, format_kafka_class, format_delimited_class,
    format_json_class;

/* NULL: all of them. */
static inline bool format_is_wanted(const bool *is_wanted, uint32_t i)
{
    return !is_wanted || is_wanted[i];
}

/* As Java's Double.parseDouble takes it, NaN and Infinity included. */
bool format_parse_double(Str text, double *out);

#endif
