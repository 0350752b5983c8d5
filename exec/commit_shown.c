/*
 * commit_shown.c -- where queries stand, as other tools see it: as offsets of consumer groups.
 *
 * The positions topic is the truth; a group per query gets a copy some seconds after its query has
 * moved.  Thread: the committer, inside a cycle; stopping a query: the caller.
 */
#include "exec/commit.h"

#include "exec/query_internal.h"
#include "exec/runtime_internal.h"

enum { SHOWN_AFTER_MS = 3000 };

Str query_group(Arena *mem, Str service_id, Str query_id)
{
    return str_printf(mem, "_weir-%.*s-query_%.*s", STR_ARG(service_id), STR_ARG(query_id));
}

static Str shown_name(const Query *query, Arena *mem)
{
    return query_group(mem, query->runtime->opts.service_id, query->id);
}

static GroupOffset *find(GroupOffset *offsets, size_t len, Str topic, uint32_t partition)
{
    for (size_t i = 0; i < len; i++) {
        if (offsets[i].partition == partition && str_eq(offsets[i].topic, topic))
            return &offsets[i];
    }
    return NULL;
}

/* A topic that is read twice is shown once, where the slower of the two stands.  False: not now. */
static bool show_query(Query *query)
{
    const Plan  *plan = query->plan;
    Arena       *mem = arena_new(0);
    GroupOffset *offsets = ARENA_ARRAY(mem, GroupOffset, query->scan_first[plan->scans_len]);
    size_t       len = 0;
    bool         is_asked;

    for (uint32_t scan = 0; scan < plan->scans_len; scan++) {
        uint32_t partitions = query->scan_first[scan + 1] - query->scan_first[scan];
        Str      topic = plan->scans[scan]->u.scan.topic;

        for (uint32_t i = 0; i < partitions; i++) {
            int64_t offset =
                __atomic_load_n(&query->settled[query_spot(query, scan, i)], __ATOMIC_ACQUIRE);
            GroupOffset *same = find(offsets, len, topic, i);

            if (same)
                same->offset = offset < same->offset ? offset : same->offset;
            else
                offsets[len++] = (GroupOffset){topic, i, offset};
        }
    }
    is_asked = broker_group_copy(query->runtime->broker, shown_name(query, mem), offsets, len);
    arena_free(mem);
    return is_asked;
}

void commit_show_moved(CommitGroup *group, Query *query)
{
    if (!broker_has_groups(group->runtime->broker))
        return;
    query->has_moved = true;
    if (group->show_ns == INT64_MAX)
        group->show_ns =
            clock_monotonic_ns(group->runtime->clock) + (int64_t)SHOWN_AFTER_MS * COMMIT_NS_PER_MS;
}

void commit_show(CommitGroup *group)
{
    if (group->show_ns > clock_monotonic_ns(group->runtime->clock))
        return;
    group->show_ns = INT64_MAX;
    for (Query *query = group->queries; query; query = query->group_next) {
        if (!query->has_moved)
            continue;
        query->has_moved = false;
        if (!show_query(query))
            commit_show_moved(group, query);
    }
}

void commit_show_gone(Query *query)
{
    Arena *mem = arena_new(0);

    broker_group_delete(query->runtime->broker, shown_name(query, mem));
    arena_free(mem);
}
