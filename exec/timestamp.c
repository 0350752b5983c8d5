#include "exec/timestamp.h"

#include "common/datetime.h"

ErrCode timestamp_of_value(const TimestampSpec *spec, Value v, int64_t *out_ms, Err *err)
{
    int64_t ms = -1;

    (void)spec;
    switch (v.kind) {
    case T_NULL:
        return err_set(err, ERR_EVAL, "timestamp column is null");
    case T_STRING:
        TRY(datetime_parse_timestamp(value_as_str(v), &ms, err));
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
