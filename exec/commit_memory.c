/*
 * commit_memory.c -- memory while queries catch up: what is held, its bound, giving it back.
 *
 * weir.memory.bytes is divided among what grows when there is much to read:
 *
 *     5/16  fetched from Kafka                                    the driver's feeds
 *     5/16  output and changes of epochs that are not settled     sources wait
 *     1/8   changes on their way to state files                   commits wait for the flusher
 *     1/16  records on their way to Kafka                         the committer waits
 *
 * The rest is for what nobody counts: the heap's gaps, requests being sent, and states up to a
 * quarter of the bound; weir.limit.state.bytes bounds those by itself.  As that is no promise, each
 * epoch compares what the process has in memory with the bound.  Above it, freed memory is given
 * back to the system, and epochs are kept small until that has helped: never nothing at all, so
 * queries go on in any case.
 *
 * Thread: the committer, inside a cycle.
 */
#include "exec/commit.h"

#include "common/limit.h"
#include "exec/chunk.h"
#include "exec/query_internal.h"
#include "exec/runtime_internal.h"

enum {
    REST_RECORDS = 10000, /* read in one epoch: catching up */
    REST_MS = 1000,
    TIGHT_PARTS = 8 /* of its share an epoch may have one part then */
};

static int64_t states_bytes(const Runtime *runtime)
{
    return __atomic_load_n(&runtime->state_budget.bytes, __ATOMIC_RELAXED);
}

int64_t commit_bytes_max(const CommitGroup *group)
{
    int64_t share = g_limits.memory_bytes * 5 / 16;

    if (share > g_limits.chunk_queue_bytes)
        share = g_limits.chunk_queue_bytes;
    if (__atomic_load_n(&group->runtime->is_tight, __ATOMIC_RELAXED))
        share /= TIGHT_PARTS;
    return share > 0 ? share : 1;
}

/* States beyond their part come on top of the bound. */
static bool is_over(const Runtime *runtime)
{
    int64_t bound = g_limits.memory_bytes - g_limits.memory_bytes / 16;
    int64_t states = states_bytes(runtime) - g_limits.memory_bytes / 4;

    return mem_resident() > bound + (states > 0 ? states : 0);
}

/* Looks at the whole process once the epoch's memory is free. */
static void check_resident(CommitGroup *group, int64_t now_ns)
{
    Runtime *runtime = group->runtime;
    bool     is_tight = is_over(runtime);

    if (is_tight && now_ns - group->trimmed_ns > REST_MS * (int64_t)COMMIT_NS_PER_MS) {
        chunk_free_blocks();
        mem_trim();
        group->trimmed_ns = now_ns;
        is_tight = is_over(runtime);
    }
    __atomic_store_n(&runtime->is_tight, is_tight, __ATOMIC_RELAXED);
}

void commit_rest_later(CommitGroup *group)
{
    if (!group->runtime->opts.is_inline)
        group->rest_ns =
            clock_monotonic_ns(group->runtime->clock) + REST_MS * (int64_t)COMMIT_NS_PER_MS;
}

void commit_note_memory(CommitGroup *group)
{
    if (group->runtime->opts.is_inline)
        return;
    if (group->records > REST_RECORDS)
        commit_rest_later(group);
    group->records = 0;
    check_resident(group, clock_monotonic_ns(group->runtime->clock));
}

void commit_rest(CommitGroup *group)
{
    if (group->rest_ns > clock_monotonic_ns(group->runtime->clock))
        return;
    group->rest_ns = INT64_MAX;
    chunk_free_blocks();
    mem_trim();
    check_resident(group, clock_monotonic_ns(group->runtime->clock));
}
