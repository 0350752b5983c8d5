/*
 * query_restore.c -- the state of a query after a start: its file, then its changelog.
 *
 *     state file --load--> states <--replay-- changelog, from where the file ends
 *
 * Replaying is idempotent, as a record has the whole value of its key: what was replayed goes to
 * the file in slices, and a start that is broken off begins again at the position that the file
 * has.
 */
#include "exec/changelog.h"
#include "exec/query_internal.h"
#include "exec/runtime_internal.h"

enum { REPLAY_BYTES = 16 * 1024 * 1024 }; /* replayed changes that wait in memory */

/*
 * A compacted changelog forgets which keys were removed: a file that is older than that would keep
 * them for ever.
 */
static ErrCode query_check_age(Query *query, Err *err)
{
    Runtime *runtime = query->runtime;
    Arena   *mem = arena_new(0);
    int64_t  age_ms = 0, time_ms;
    Str      value;
    ErrCode  rc = query_file_position(query->file, STR(QUERY_FILE_TIME), mem, &value, err);

    if (rc == ERR_OK && value.ptr && str_to_i64(value, &time_ms))
        age_ms = clock_now_ms(runtime->clock) - time_ms;
    if (age_ms >= TOPIC_TOMBSTONES_MS && broker_is_apart(runtime->broker))
        rc = err_set(err, ERR_STATE,
                     "it is %lld days old, and its changelog may have forgotten removed keys",
                     (long long)(age_ms / 86400000));
    arena_free(mem);
    return rc;
}

typedef struct QueryReplay {
    Query   *query;
    uint32_t partition;
    Changes *changes;
    bool     has_some; /* changes came, in this slice or before */
} QueryReplay;

static State *query_state(const Query *query, uint32_t store, uint32_t partition)
{
    if (store >= query->plan->stores_len)
        return NULL;
    for (uint32_t i = 0; i < query->tasks_len; i++) {
        Task *task = query->tasks[i];

        if (task && task->partition == partition && task->states[store])
            return task->states[store];
    }
    return NULL;
}

static ErrCode query_replay_change(void *arg, uint32_t store, Str key, Str value, Err *err)
{
    QueryReplay *replay = arg;
    State       *state = query_state(replay->query, store, replay->partition);

    if (!replay->has_some)
        TRY(query_check_age(replay->query, err));
    replay->has_some = true;
    if (!state)
        return ERR_OK; /* of a task that runs on another node */
    changes_add(replay->changes, store, replay->partition, key, value);
    if (replay->changes->bytes.len >= REPLAY_BYTES) {
        query_file_merge(replay->query->file, replay->changes, NULL, 0);
        replay->changes = changes_new();
        TRY(query_file_flush(replay->query->file, err));
    }
    return state_restore(state, key, value, err);
}

/* Where the file ends is where the changelog is replayed from. */
static ErrCode query_replay(Query *query, Err *err)
{
    QueryReplay   replay = {.query = query, .changes = changes_new()};
    Arena        *mem = arena_new(0);
    FilePosition *ends = ARENA_ARRAY(mem, FilePosition, query->changelog_len);
    ErrCode       rc = ERR_OK;

    for (uint32_t i = 0; rc == ERR_OK && i < query->changelog_len; i++) {
        Str     value;
        int64_t from = 0;

        replay.partition = i;
        ends[i].key = str_printf(mem, "changelog/%u", i);
        rc = query_file_position(query->file, ends[i].key, mem, &value, err);
        if (rc == ERR_OK && value.ptr && !str_to_i64(value, &from))
            rc = err_set(err, ERR_STATE, "state of query \"%.*s\" has no valid position",
                         STR_ARG(query->id));
        if (rc == ERR_OK)
            rc = changelog_replay(query->runtime->broker, query->changelog, i, from,
                                  query_replay_change, &replay, &query->changelog_next[i], err);
        /* Compaction may have left nothing behind the file; one offset is its commit's marker. */
        if (rc == ERR_OK && !replay.has_some && query->changelog_next[i] > from + 1)
            rc = query_check_age(query, err);
        if (rc == ERR_OK)
            ends[i].value = str_printf(mem, "%lld", (long long)query->changelog_next[i]);
    }
    if (rc == ERR_OK && replay.has_some)
        query_file_merge(query->file, replay.changes, ends, query->changelog_len);
    else
        changes_free(replay.changes);
    arena_free(mem);
    return rc;
}

static ErrCode query_load(Query *query, Err *err)
{
    for (uint32_t i = 0; i < query->tasks_len; i++) {
        Task *task = query->tasks[i];

        for (uint32_t k = 0; task && k < query->plan->stores_len; k++) {
            if (task->states[k])
                TRY(query_file_load(query->file, task->states[k], err));
        }
    }
    return query->runtime->has_changelog ? query_replay(query, err) : ERR_OK;
}

static void query_empty_states(Query *query)
{
    for (uint32_t i = 0; i < query->tasks_len; i++) {
        if (!query->tasks[i])
            continue;
        task_free_states(query->tasks[i]);
        task_make_states(query->tasks[i]);
    }
}

/*
 * A file beyond the end of its changelog: what it was written from is lost, with everything else
 * that the changelog had, so nothing can be rebuilt, while the positions stay where they are.  A
 * file that cannot be read is query_load()'s to tell.
 */
static ErrCode query_check_changelog(Query *query, Err *err)
{
    uint32_t       len = query->runtime->has_changelog ? query->changelog_len : 0;
    Arena         *mem = arena_new(0);
    PartitionEnds *ends = ARENA_ARRAY(mem, PartitionEnds, len);
    ErrCode        rc = ERR_OK;

    if (len > 0)
        rc = broker_topic_ends(query->runtime->broker, query->changelog, ends, len, err);
    for (uint32_t i = 0; rc == ERR_OK && i < len; i++) {
        Str     key = str_printf(mem, "changelog/%u", i), value;
        int64_t from;
        Err     unread;

        if (query_file_position(query->file, key, mem, &value, &unread) != ERR_OK || !value.ptr ||
            !str_to_i64(value, &from) || from <= ends[i].end)
            continue;
        rc = err_set(err, ERR_STATE,
                     "state of query \"%.*s\" is at %lld, its changelog \"%.*s\" ends at %lld",
                     STR_ARG(query->id), (long long)from, STR_ARG(query->changelog),
                     (long long)ends[i].end);
        err_hint(err, "the topic was deleted and made again, or lost records: drop the query and "
                      "create it again");
    }
    arena_free(mem);
    return rc;
}

static ErrCode query_restore_once(Query *query, Err *err)
{
    ErrCode rc;

    TRY(query_check_changelog(query, err));
    rc = query_load(query, err);
    if (rc != ERR_STATE)
        return rc;
    /* The file is of no use: the changelog alone, if it still has everything. */
    TRY(query_file_reset(query->file, err->msg, err));
    query_empty_states(query);
    rc = query_load(query, err);
    if (rc == ERR_STATE)
        err_hint(err, "the state cannot be rebuilt: drop the query and create it again");
    return rc;
}

ErrCode query_restore(Query *query, Err *err)
{
    if (query->file)
        TRY(query_restore_once(query, err));
    query->is_restored = true;
    return ERR_OK;
}

ErrCode query_restore_again(Query *query, Err *err)
{
    if (!query->file)
        TRY(query_open_file(query, err));
    query_empty_states(query);
    return query_restore(query, err);
}
