/*
 * expire.h -- windows whose retention is over leave a store: an aggregate's, or that of a view.
 *
 * They are forgotten without a word: no deletion goes on.  Looking for them means walking the
 * whole store, so it is done once per quarter of the retention, as stream time tells.
 */
#ifndef EXEC_OPS_EXPIRE_H
#define EXEC_OPS_EXPIRE_H

#include "exec/op.h"

typedef struct Expire {
    const PlanStore *store;
    State           *state;
    int64_t          retention_ms;
    bool             is_by_end; /* a session is as young as its last row */
    uint32_t         number;    /* of the state: stream time when it was last looked */
} Expire;

/* number: which of the state's numbers is this one's. */
void expire_open(Expire *expire, State *state, const WindowSpec *window, uint32_t number);
/* Removes what is over at stream_time, if it is time to look. */
ErrCode expire_run(Expire *expire, int64_t stream_time, Arena *mem, Err *err) ERR_MUST_USE;

#endif
