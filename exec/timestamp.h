/*
 * timestamp.h -- the time of a record that is taken from a column (WITH TIMESTAMP=...).
 *
 * Thread: any.
 */
#ifndef EXEC_TIMESTAMP_H
#define EXEC_TIMESTAMP_H

#include "common/err.h"
#include "common/value.h"
#include "planner/plan.h"

/*
 * ms since the epoch from a BIGINT, a TIMESTAMP or a STRING.  ERR_EVAL when the value is null,
 * negative or no timestamp: the record then has none.
 */
ErrCode timestamp_of_value(const TimestampSpec *spec, Value v, int64_t *out_ms,
                           Err *err) ERR_MUST_USE;

#endif
