/*
 * datetime.h -- dates and times in ISO form, without a library.
 *
 * DATE is days since 1970-01-01 (proleptic Gregorian), TIME ms since midnight, TIMESTAMP ms since
 * the epoch in UTC.  Patterns, zones and names of months come with the time functions (ICU) and
 * are not here.
 */
#ifndef COMMON_DATETIME_H
#define COMMON_DATETIME_H

#include "common/buf.h"
#include "common/err.h"

enum { MS_PER_DAY = 86400000 };

int64_t datetime_days_of(int64_t year, int month, int day); /* days since the epoch */
void    datetime_civil_of(int64_t days, int64_t *year, int *month, int *day);

/* yyyy-MM-dd */
void datetime_print_date(Buf *out, int64_t days);
/* HH:mm or HH:mm:ss; zero seconds left out, milliseconds dropped. */
void datetime_print_time(Buf *out, int64_t ms);
/* yyyy-MM-ddTHH:mm:ss.SSS */
void datetime_print_timestamp(Buf *out, int64_t ms);

/*
 * The short forms of SQL date-time literals, padded with the earliest value: 2020, 2020-05,
 * 2020-05-01, 2020-05-01T13, ...T13:10, ...:10:20, ...20.123; an offset (Z, +01:00, +0100) only
 * after a T.  T24 and T24:00 are the next midnight.  ERR_EVAL with what was expected.
 */
ErrCode datetime_parse_timestamp(Str text, int64_t *out_ms, Err *err) ERR_MUST_USE;
ErrCode datetime_parse_date(Str text, int64_t *out_days, Err *err) ERR_MUST_USE;
/* HH:mm[:ss[.SSS]] (also a bare HH) */
ErrCode datetime_parse_time(Str text, int64_t *out_ms, Err *err) ERR_MUST_USE;

#endif
