/*
 * timestamp.h -- the time of a record that is taken from a column (WITH TIMESTAMP=...).
 *
 * Thread: a TimestampReader belongs to the worker of its task.
 */
#ifndef EXEC_TIMESTAMP_H
#define EXEC_TIMESTAMP_H

#include "common/err.h"
#include "common/value.h"
#include "planner/plan.h"

typedef struct TimestampReader TimestampReader;

/* Compiles the TIMESTAMP_FORMAT of spec, if it has one; the reader lives in query_mem. */
ErrCode timestamp_open(Arena *query_mem, const TimestampSpec *spec, TimestampReader **out,
                       Err *err) ERR_MUST_USE;
void    timestamp_close(TimestampReader *reader); /* NULL is fine */

/*
 * ms since the epoch from a BIGINT, a TIMESTAMP or a STRING (by the format, in the server's zone
 * unless the text names one).  ERR_EVAL when the value is null, negative or no timestamp: the
 * record then has none.
 */
ErrCode timestamp_of_value(const TimestampReader *reader, Value v, int64_t *out_ms,
                           Err *err) ERR_MUST_USE;

#endif
