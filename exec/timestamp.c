/*
 * timestamp.c -- the time of a record that is taken from a column (WITH TIMESTAMP=...).
 */
#include "exec/timestamp.h"

#include "common/datetime.h"
#include "exec/functions/java_time.h"

struct TimestampReader {
    const JavaTime *pattern; /* NULL: no TIMESTAMP_FORMAT */
    JavaZone        zone;
};

ErrCode timestamp_open(Arena *query_mem, const TimestampSpec *spec, TimestampReader **out, Err *err)
{
    TimestampReader *reader = ARENA_NEW(query_mem, TimestampReader);

    if (spec->column >= 0 && spec->format.ptr) {
        TRY(java_time_compile(query_mem, spec->format, &reader->pattern, err));
        TRY(java_zone_open_system(&reader->zone, err));
    }
    *out = reader;
    return ERR_OK;
}

void timestamp_close(TimestampReader *reader)
{
    if (reader)
        java_zone_close(&reader->zone);
}

static ErrCode timestamp_of_text(const TimestampReader *reader, Str text, int64_t *out_ms, Err *err)
{
    if (reader->pattern)
        return java_time_parse_instant(reader->pattern, text, &reader->zone, out_ms, err);
    return datetime_parse_timestamp(text, out_ms, err);
}

ErrCode timestamp_of_value(const TimestampReader *reader, Value v, int64_t *out_ms, Err *err)
{
    int64_t ms = -1;

    switch (v.kind) {
    case T_NULL:
        return err_set(err, ERR_EVAL, "timestamp column is null");
    case T_STRING:
        TRY(timestamp_of_text(reader, value_as_str(v), &ms, err));
        break;
    default:
        ms = v.u.i;
        break;
    }
    if (ms < 0)
        return err_set(err, ERR_EVAL, "timestamp column is negative: %lld", (long long)ms);
    *out_ms = ms;
    return ERR_OK;
}
