/*
 * java_time.h -- the patterns of java.time.format.DateTimeFormatter.
 *
 * A pattern is compiled once into elements; formatting and parsing walk them.  Names of months,
 * days and eras are English.  Numbers next to each other (yyyyMMdd) share the digits as in Java:
 * the first takes what the fixed widths behind it leave.
 *
 * Also used for the TIMESTAMP_FORMAT of sources and sinks.
 *
 * Thread: a compiled pattern is immutable; zones belong to one thread at a time.
 */
#ifndef EXEC_FUNCTIONS_JAVA_TIME_H
#define EXEC_FUNCTIONS_JAVA_TIME_H

#include "exec/functions/java_zone.h"

typedef struct JavaTime JavaTime;

/* ERR_EVAL for a pattern that Java refuses; the compiled one lives in mem. */
ErrCode java_time_compile(Arena *mem, Str pattern, const JavaTime **out, Err *err) ERR_MUST_USE;

/* What there is to format. */
typedef struct JavaMoment {
    bool            has_date, has_time;
    int64_t         days;      /* local date, since the epoch */
    int64_t         ms_of_day; /* local time */
    const JavaZone *zone;      /* NULL: none */
    int64_t         instant_ms;
} JavaMoment;

JavaMoment java_moment_of_date(int64_t days);
JavaMoment java_moment_of_time(int64_t ms_of_day);
JavaMoment java_moment_of_instant(int64_t instant_ms, const JavaZone *zone);

/* ERR_EVAL when the pattern asks for what the moment has not. */
ErrCode java_time_format(const JavaTime *pattern, const JavaMoment *moment, Buf *out,
                         Err *err) ERR_MUST_USE;

/* The fields of a text; ERR_EVAL when the whole text does not match. */
typedef struct JavaParsed {
    bool    has_date_field; /* any field of a date was read */
    bool    has_date;       /* the fields determine a date */
    bool    has_time;       /* ... a time */
    bool    has_year;
    int64_t days;
    int64_t ns_of_day;
    bool    has_zone; /* a zone or an offset was read */
    char    zone_id[JAVA_ZONE_ID_BYTES];
} JavaParsed;

/* How fields that the text lacks are filled in. */
typedef enum JavaDefaults {
    JAVA_NO_DEFAULTS,
    JAVA_FROM_EPOCH /* 1970-01-01T00:00 */
} JavaDefaults;

ErrCode java_time_parse(const JavaTime *pattern, Str text, JavaDefaults defaults, JavaParsed *out,
                        Err *err) ERR_MUST_USE;

/*
 * Text to an instant, as PARSE_TIMESTAMP does: missing fields from the epoch, a zone in the text
 * before the one given.
 */
ErrCode java_time_parse_instant(const JavaTime *pattern, Str text, const JavaZone *zone,
                                int64_t *out_ms, Err *err) ERR_MUST_USE;

#endif
