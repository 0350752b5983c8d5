/*
 * runtime_internal.h -- what all running queries share; for the files of the runtime only.
 */
#ifndef EXEC_RUNTIME_INTERNAL_H
#define EXEC_RUNTIME_INTERNAL_H

#include <pthread.h>

#include "common/map.h"
#include "exec/commit.h"
#include "exec/owner.h"
#include "exec/positions.h"
#include "exec/proclog.h"
#include "exec/query.h"
#include "exec/state.h"
#include "exec/state/flusher.h"

struct Runtime {
    RuntimeOpts  opts; /* strings copied */
    Arena       *mem;
    Broker      *broker;
    const Clock *clock;
    Worker     **workers;
    uint32_t     workers_len;
    Flusher     *flusher;
    Positions   *positions;
    Owner       *owner; /* NULL: nobody else can write to the broker's topics */
    ProcLog     *proclog;
    StateBudget  state_budget;  /* of all tasks' states */
    int          is_tight;      /* the process is over its bound; atomic */
    bool         has_changelog; /* state outlives the process */
    bool         is_closing;    /* all queries are paused, and were flushed */

    pthread_mutex_t lock;     /* queries, their holds, groups */
    pthread_cond_t  released; /* a query that is held no longer */
    Query          *queries;
    CommitGroup    *groups; /* the first is the common one */
};

static inline CommitGroup *runtime_main_group(const Runtime *runtime)
{
    return runtime->groups;
}

/* A group of its own for one query; on failure the query stays where it is. */
CommitGroup *runtime_open_group(Runtime *runtime, Str name);

#endif
