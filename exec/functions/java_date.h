/*
 * java_date.h -- reading dates by the patterns of SimpleDateFormat, for PARSE_DATE only.
 *
 * Lenient, as its calendar is: June 31 is July 1, numbers may have any number of digits unless
 * another number follows at once, names are taken in any letter case, and what follows the last
 * element is ignored.
 *
 * Thread: any.
 */
#ifndef EXEC_FUNCTIONS_JAVA_DATE_H
#define EXEC_FUNCTIONS_JAVA_DATE_H

#include "common/err.h"

/* The instant in ms, in GMT unless the text names a zone.  now_ms places years of two digits. */
ErrCode java_date_parse(Str pattern, Str text, int64_t now_ms, int64_t *out_ms,
                        Err *err) ERR_MUST_USE;

#endif
