/*
 * commit.c -- the life of an epoch, and the only place where anything becomes durable.
 *
 *     1 seal      sources stop, what was read goes on to the end, the epoch is closed, sources
 *                 resume: from here on a new epoch is open beside the sealed one
 *     2 encode    workers encode what changed in their states, between batches
 *     3 commit    output, changelog and positions, in one transaction of the broker
 *     4 settle    before-images go and state files get the changes; or, when the transaction was
 *                 aborted, memory and positions go back to the last settled epoch
 *     5 set back  queries that failed go back to it too, to run up to the record that failed
 *
 * At most two epochs are unsettled: the next one is sealed after this one was settled.
 */
#include "exec/commit.h"

#include "common/log.h"
#include "exec/changelog.h"
#include "exec/query_internal.h"
#include "exec/runtime_internal.h"

enum { BACKOFF_FIRST_MS = 500, BACKOFF_MAX_MS = 30000 };

/* --- 1 and 2: seal, encode -------------------------------------------------------------------- */

/* No rows are between the stages of any query.  A query that has failed is set back anyway. */
static bool commit_is_quiet(CommitGroup *group)
{
    for (const Query *query = group->queries; query; query = query->group_next) {
        if (query->plan->stages_len > 1 &&
            __atomic_load_n(&query->in_flight, __ATOMIC_ACQUIRE) != 0 &&
            !__atomic_load_n(&query->is_halted, __ATOMIC_ACQUIRE))
            return false;
    }
    return true;
}

static bool commit_is_encoded(CommitGroup *group)
{
    return __atomic_load_n(&group->encoding, __ATOMIC_ACQUIRE) == 0;
}

static void commit_seal(CommitGroup *group)
{
    Runtime *runtime = group->runtime;

    __atomic_store_n(&group->is_dirty, 0, __ATOMIC_RELEASE);
    worker_call_all(runtime, MESSAGE_DRAIN, group, NULL);
    commit_await(group, commit_is_quiet);
    worker_call_all(runtime, MESSAGE_SEAL, group, NULL);
    group->epoch++;
    group->sealed_ns = clock_monotonic_ns(runtime->clock);
    worker_call_all(runtime, MESSAGE_RESUME, group, NULL);
    commit_await(group, commit_is_encoded);
}

/* Whole queries are in the epoch or not: one that failed while it was sealed is not. */
static void commit_choose(CommitGroup *group)
{
    for (EpochPart *part = group->parts; part; part = part->next) {
        Query *query = part->task->query;

        if (query->chosen != group->epoch) {
            query->chosen = group->epoch;
            query->is_included = !__atomic_load_n(&query->is_halted, __ATOMIC_ACQUIRE);
        }
        part->is_included = query->is_included;
    }
}

/* --- 3: commit -------------------------------------------------------------------------------- */

static ErrCode commit_append(CommitGroup *group, Chunk *chunk, Query **culprit, Err *err)
{
    Query *owner = chunk->owner;

    if (broker_txn_append(group->txn, chunk, err) == ERR_OK)
        return ERR_OK;
    chunk_free(chunk);
    *culprit = owner;
    return err->code;
}

static ErrCode commit_append_all(CommitGroup *group, ChunkList *chunks, Query **culprit, Err *err)
{
    for (Chunk *chunk; (chunk = chunk_list_take(chunks));)
        TRY(commit_append(group, chunk, culprit, err));
    return ERR_OK;
}

static ErrCode commit_append_changes(CommitGroup *group, EpochPart *part, Query **culprit, Err *err)
{
    Query          *query = part->task->query;
    ChunkList       chunks = {0};
    ChangelogWriter writer = {.topic = query->changelog,
                              .partition = part->task->partition,
                              .owner = query,
                              .out = &chunks};
    BufReader       at;
    Change          change;
    ErrCode         rc;

    if (!part->changes || !group->runtime->has_changelog)
        return ERR_OK;
    at = changes_read(part->changes);
    while (changes_next(&at, &change))
        changelog_put(&writer, change.store, change.key, change.value);
    rc = commit_append_all(group, &chunks, culprit, err);
    chunk_list_free(&chunks);
    buf_deinit(&writer.key);
    return rc;
}

static void commit_stage_positions(CommitGroup *group, const EpochPart *part)
{
    Query *query = part->task->query;

    for (uint32_t i = 0; i < part->marks_len; i++) {
        PositionKey key = {.topic = query->plan->scans[part->marks[i].scan]->u.scan.topic,
                           .partition = part->task->partition,
                           .query_id = query->id,
                           .scan = part->marks[i].scan};
        Position    position = {
               query->topic_ids[query_spot(query, part->marks[i].scan, part->task->partition)],
               part->marks[i].offset};

        positions_stage(group->runtime->positions, group->name, &key, position);
    }
}

/* Where the changelog goes on is known when its chunks have their offsets. */
static void commit_chunk_settled(void *arg, const Chunk *chunk)
{
    Query *query = chunk->owner;

    (void)arg;
    if (query && chunk->topic.ptr == query->changelog.ptr)
        query->changelog_next[chunk->partition] = chunk->base_offset + chunk->count;
}

/* A writer that has ended for good is replaced. */
static ErrCode commit_ready(CommitGroup *group, Err *err)
{
    if (group->txn && !broker_txn_is_over(group->txn))
        return ERR_OK;
    broker_txn_close(group->txn);
    group->txn = NULL;
    return commit_open_txn(group, err);
}

static ErrCode commit_write(CommitGroup *group, Query **culprit, Err *err)
{
    Positions *positions = group->runtime->positions;
    Chunk     *chunk;

    if (!group->parts && !positions_is_dirty(positions, group->name))
        return ERR_OK;
    TRY(commit_ready(group, err));
    TRY(broker_txn_begin(group->txn, err));
    for (EpochPart *part = group->parts; part; part = part->next) {
        if (!part->is_included)
            continue;
        TRY(commit_append_all(group, &part->out, culprit, err));
        TRY(commit_append_changes(group, part, culprit, err));
        commit_stage_positions(group, part);
    }
    chunk = positions_chunk(positions, group->name);
    if (chunk)
        TRY(commit_append(group, chunk, culprit, err));
    return broker_txn_commit(group->txn, commit_chunk_settled, NULL, err);
}

/* --- 4: settle -------------------------------------------------------------------------------- */

/* The changes of one query go to its state file, with the place in the changelog that they reach.
 */
static void commit_merge(CommitGroup *group, Query *query)
{
    uint32_t      len = group->runtime->has_changelog ? query->changelog_len : 0;
    Arena        *mem = arena_new(0);
    FilePosition *positions = ARENA_ARRAY(mem, FilePosition, len);

    for (uint32_t i = 0; i < len; i++) {
        positions[i].key = str_printf(mem, "changelog/%u", i);
        positions[i].value = str_printf(mem, "%lld", (long long)query->changelog_next[i]);
    }
    query_file_merge(query->file, query->changes, positions, len);
    query->changes = NULL;
    arena_free(mem);
}

static void commit_take_part(CommitGroup *group, EpochPart *part)
{
    Query *query = part->task->query;

    for (uint32_t i = 0; i < part->marks_len; i++) {
        const TaskMark *mark = &part->marks[i];
        int64_t *settled = &query->settled[query_spot(query, mark->scan, part->task->partition)];

        group->records += mark->offset - *settled;
        __atomic_store_n(settled, mark->offset, __ATOMIC_RELEASE);
    }
    if (part->changes) {
        part->changes->next = query->changes;
        query->changes = part->changes;
        part->changes = NULL;
    }
}

/* Room for output again.  Before tasks that wait for it are told: they look only once. */
static void commit_free_bytes(CommitGroup *group)
{
    for (EpochPart *part = group->parts; part; part = part->next) {
        __atomic_sub_fetch(&group->bytes, part->bytes, __ATOMIC_RELAXED);
        part->bytes = 0;
    }
}

/* The parts are done with: what is left in them is dropped. */
static void commit_clear_parts(CommitGroup *group)
{
    commit_free_bytes(group);
    for (EpochPart *part = group->parts; part; part = part->next) {
        chunk_list_free(&part->out);
        changes_free(part->changes);
        part->changes = NULL;
    }
    group->parts = NULL;
    group->parts_end = &group->parts;
}

/* A query that was set apart has committed: it goes back to the others. */
static void commit_rejoin(CommitGroup *group)
{
    for (Query *query = group->queries; group->is_apart && query; query = query->group_next) {
        query->moves_to = runtime_main_group(group->runtime);
        __atomic_store_n(&query->is_halted, 1, __ATOMIC_RELEASE);
        __atomic_store_n(&group->has_halted, 1, __ATOMIC_RELEASE);
    }
}

/* How many errors the processing log left out is told when the query may write there again. */
static void commit_tell_later(CommitGroup *group, Query *query)
{
    int64_t due_ms = proclogger_due_ms(query->log);

    if (due_ms != INT64_MAX)
        commit_retry_at(group, due_ms);
}

static void commit_settle(CommitGroup *group)
{
    bool has_parts = group->parts != NULL;

    positions_settle(group->runtime->positions, group->name);
    for (EpochPart *part = group->parts; part; part = part->next) {
        if (part->is_included)
            commit_take_part(group, part);
    }
    for (EpochPart *part = group->parts; part; part = part->next) {
        Query *query = part->task->query;

        if (query->changes)
            commit_merge(group, query);
        if (part->is_included) {
            query_note_settled(query);
            commit_show_moved(group, query);
        }
        commit_tell_later(group, query);
    }
    commit_free_bytes(group);
    worker_call_all(group->runtime, MESSAGE_SETTLE, group, NULL);
    commit_clear_parts(group);
    commit_note_memory(group);
    pthread_mutex_lock(&group->lock);
    group->backoff_ms = 0; /* whoever asks how the group fares may be looking */
    pthread_mutex_unlock(&group->lock);
    if (has_parts) {
        __atomic_add_fetch(&group->settled, 1, __ATOMIC_RELAXED);
        commit_rejoin(group);
    }
}

/* Only a sink can break a transaction by itself; anything else concerns the whole group. */
static bool commit_is_culprit(const CommitGroup *group, const Query *culprit, const Err *err)
{
    return culprit && !group->is_apart && group->queries && group->queries->group_next &&
           !err->is_retriable && err->code != ERR_FULL && err->code != ERR_UNKNOWN_OUTCOME;
}

static void commit_back_off(CommitGroup *group, const Err *err)
{
    pthread_mutex_lock(&group->lock);
    group->error = *err;
    group->backoff_ms = group->backoff_ms ? group->backoff_ms * 2 : BACKOFF_FIRST_MS;
    if (group->backoff_ms > BACKOFF_MAX_MS)
        group->backoff_ms = BACKOFF_MAX_MS;
    group->retry_ns =
        clock_monotonic_ns(group->runtime->clock) + group->backoff_ms * COMMIT_NS_PER_MS;
    pthread_mutex_unlock(&group->lock);
}

static void commit_abort(CommitGroup *group, Query *culprit, Err *err)
{
    Query *refused;

    broker_txn_abort(group->txn);
    /* Which query's output was refused may be told late, when those of others were appended. */
    refused = broker_txn_culprit(group->txn, err);
    if (refused)
        culprit = refused;
    log_line(LOG_WARN, "commit", "epoch of group \"%.*s\" aborted: %s", STR_ARG(group->name),
             err->msg);
    positions_revert(group->runtime->positions, group->name);
    for (Query *query = group->queries; query; query = query->group_next)
        __atomic_store_n(&query->is_halted, 1, __ATOMIC_RELEASE);
    __atomic_store_n(&group->has_halted, 1, __ATOMIC_RELEASE);
    __atomic_add_fetch(&group->aborts, 1, __ATOMIC_RELAXED);
    commit_clear_parts(group);
    if (culprit)
        query_note_error(culprit, err);
    if (commit_is_culprit(group, culprit, err))
        culprit->moves_to = runtime_open_group(group->runtime, culprit->id);
    if (!culprit || !culprit->moves_to)
        commit_back_off(group, err);
    if (culprit && !err->is_retriable)
        query_note_refused(culprit, clock_now_ms(group->runtime->clock) +
                                        (culprit->moves_to ? 0 : group->backoff_ms));
}

/* --- 5: set back ------------------------------------------------------------------------------ */

static void commit_run(CommitGroup *group, Query *query)
{
    __atomic_store_n(&query->is_halted, 0, __ATOMIC_RELEASE);
    worker_call_all(group->runtime, MESSAGE_WAKE, NULL, query);
}

/* Lets the query run again, in the group where it is to be. */
static void commit_release(CommitGroup *group, Query *query)
{
    CommitGroup *to = query->moves_to;

    if (!to) {
        commit_run(group, query);
        return;
    }
    query->moves_to = NULL;
    commit_remove_query(group, query);
    /* A group made for this query is nobody else's yet.  The common one may be in its cycle, and
     * would set back a query that it finds halted; who holds its lock may stop the query. */
    if (!to->is_apart)
        pthread_mutex_lock(&to->cycle_lock);
    commit_add_query(to, query);
    commit_run(to, query);
    if (!to->is_apart)
        pthread_mutex_unlock(&to->cycle_lock);
}

static bool commit_is_cut_off(const CommitGroup *group, const Err *err)
{
    BrokerHealth health;

    broker_health(group->runtime->broker, &health);
    return !health.is_healthy && err->code == ERR_BROKER && err->is_retriable;
}

/* While the broker is away each question takes seconds: what the first query heard holds for the
 * others of this cycle.  *heard: ERR_OK before that. */
static void commit_reopen(CommitGroup *group, Query *query, Err *heard)
{
    Err err = *heard;

    if (err.code != ERR_OK || query_open_tasks(query, &err) != ERR_OK) {
        if (commit_is_cut_off(group, &err))
            *heard = err;
        query->is_waiting = true;
        query_fail(query, NULL, &err);
        return;
    }
    query->is_waiting = false;
    commit_release(group, query);
}

/* Failed queries whose time has come are halted, to be set back and to go on; what the processing
 * log left out is told. */
static void commit_wake_failed(CommitGroup *group)
{
    int64_t now_ms = clock_now_ms(group->runtime->clock);

    if (!commit_take_retry(group, now_ms))
        return;
    for (Query *query = group->queries; query; query = query->group_next) {
        if (query_retry(query, now_ms))
            __atomic_store_n(&group->has_halted, 1, __ATOMIC_RELEASE);
        commit_retry_at(group, query_retry_ms(query));
        proclogger_tell(query->log);
        commit_tell_later(group, query);
    }
}

static void commit_set_back(CommitGroup *group)
{
    Runtime *runtime = group->runtime;
    Query   *query, *next;
    Err      heard = {.code = ERR_OK};

    commit_wake_failed(group);
    if (!__atomic_exchange_n(&group->has_halted, 0, __ATOMIC_ACQ_REL))
        return;
    /* Whoever was running a batch of a query when it was halted is done with it after this. */
    worker_call_all(runtime, MESSAGE_SYNC, NULL, NULL);
    for (query = group->queries; query; query = next) {
        next = query->group_next;
        if (!__atomic_load_n(&query->is_halted, __ATOMIC_ACQUIRE) || query->is_waiting)
            continue;
        worker_call_all(runtime, MESSAGE_SET_BACK, NULL, query);
        query_purge(query);
        commit_reopen(group, query, &heard);
    }
    worker_call_all(runtime, MESSAGE_UNHOLD, group, NULL);
}

/* --- the cycle -------------------------------------------------------------------------------- */

/* Where the changelogs go on when no chunk of them came back with its offset. */
static ErrCode commit_find_changelogs(CommitGroup *group, Err *err)
{
    for (EpochPart *part = group->parts; group->runtime->has_changelog && part; part = part->next) {
        Query         *query = part->task->query;
        PartitionEnds *ends;
        ErrCode        rc;

        if (!part->is_included || !part->changes)
            continue;
        ends = MEM_ARRAY(PartitionEnds, query->changelog_len);
        rc = broker_topic_ends(group->runtime->broker, query->changelog, ends, query->changelog_len,
                               err);
        for (uint32_t i = 0; rc == ERR_OK && i < query->changelog_len; i++)
            query->changelog_next[i] = ends[i].end;
        mem_free(ends);
        TRY(rc);
    }
    return ERR_OK;
}

/*
 * The outcome of the commit is unknown: a new instance, whose start settles the old transaction,
 * then the positions topic says what became of it.  ERR_OK: it was committed; ERR_UNKNOWN_OUTCOME:
 * nobody could say yet; else it was not.
 */
static ErrCode commit_ask(CommitGroup *group, Err *err)
{
    bool    was_committed = false;
    ErrCode rc = ERR_OK;

    broker_txn_close(group->txn);
    group->txn = NULL;
    rc = commit_open_txn(group, err);
    if (rc == ERR_OK)
        rc = positions_ask(group->runtime->positions, group->name, &was_committed, err);
    if (rc == ERR_OK && was_committed)
        rc = commit_find_changelogs(group, err);
    group->is_unknown = rc != ERR_OK;
    if (rc != ERR_OK)
        return err->code = ERR_UNKNOWN_OUTCOME;
    return was_committed ? ERR_OK : err_set(err, ERR_BROKER, "the commit got lost");
}

/* Nothing new is sealed before the fate of what was written is known. */
static ErrCode commit_epoch(CommitGroup *group, Query **culprit, Err *err)
{
    ErrCode rc = ERR_UNKNOWN_OUTCOME;

    *culprit = NULL;
    if (!group->is_unknown) {
        commit_seal(group);
        commit_choose(group);
        rc = commit_write(group, culprit, err);
    }
    return rc == ERR_UNKNOWN_OUTCOME ? commit_ask(group, err) : rc;
}

void commit_cycle(CommitGroup *group)
{
    Query   *culprit = NULL;
    uint64_t ticket;
    Err      err;
    ErrCode  rc;
    int64_t  began_ns;

    pthread_mutex_lock(&group->lock);
    ticket = group->wanted;
    pthread_mutex_unlock(&group->lock);

    pthread_mutex_lock(&group->cycle_lock);
    began_ns = clock_monotonic_ns(group->runtime->clock);
    rc = commit_epoch(group, &culprit, &err);
    __atomic_store_n(&group->commit_ns, clock_monotonic_ns(group->runtime->clock) - began_ns,
                     __ATOMIC_RELAXED);
    if (group->parts)
        __atomic_store_n(&group->written_ns, group->commit_ns, __ATOMIC_RELAXED);
    if (rc == ERR_OK)
        commit_settle(group);
    else if (rc == ERR_UNKNOWN_OUTCOME)
        commit_back_off(group, &err);
    else
        commit_abort(group, culprit, &err);
    if (!group->is_unknown)
        commit_set_back(group);
    commit_show(group);
    commit_rest(group);
    pthread_mutex_unlock(&group->cycle_lock);

    pthread_mutex_lock(&group->lock);
    group->done = ticket;
    pthread_cond_broadcast(&group->changed);
    pthread_mutex_unlock(&group->lock);
}
