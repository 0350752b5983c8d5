/*
 * commit_group.c -- the committer thread: when a cycle is due, and how it waits for the workers.
 *
 * The cycle itself is in exec/commit.c.
 */
#include "exec/commit.h"

#include <assert.h>
#include <time.h>

#include "exec/query_internal.h"
#include "exec/runtime_internal.h"

enum { QUICK_COMMIT_MS = 25 };

/* --- waiting for workers ---------------------------------------------------------------------- */

void commit_notify(CommitGroup *group)
{
    pthread_mutex_lock(&group->lock);
    pthread_cond_broadcast(&group->changed);
    pthread_mutex_unlock(&group->lock);
}

/* Threaded: until the workers have made it so.  Inline: by doing their work. */
void commit_await(CommitGroup *group, bool (*is_done)(CommitGroup *group))
{
    Runtime *runtime = group->runtime;

    if (runtime->opts.is_inline) {
        while (!is_done(group)) {
            bool did = worker_step(runtime->workers[0]);

            assert(did || is_done(group));
        }
        return;
    }
    pthread_mutex_lock(&group->lock);
    while (!is_done(group))
        pthread_cond_wait(&group->changed, &group->lock);
    pthread_mutex_unlock(&group->lock);
}

/* --- when ------------------------------------------------------------------------------------- */

bool commit_is_full(const CommitGroup *group)
{
    return __atomic_load_n(&group->bytes, __ATOMIC_RELAXED) >= commit_bytes_max(group);
}

/* Nothing would be read meanwhile, and commits cost little: no reason to wait. */
static bool commit_is_idle(const CommitGroup *group)
{
    const Runtime *runtime = group->runtime;

    if (group->commit_ns > QUICK_COMMIT_MS * COMMIT_NS_PER_MS)
        return false;
    for (uint32_t i = 0; i < runtime->workers_len; i++) {
        if (!worker_is_idle(runtime->workers[i]))
            return false;
    }
    return true;
}

/* Monotonic time at which the next cycle is due; INT64_MAX when nothing is new.  Under lock. */
static int64_t commit_due_ns(CommitGroup *group)
{
    Runtime *runtime = group->runtime;
    int64_t  now_ns = clock_monotonic_ns(runtime->clock);
    int64_t  retry_ms = group->retry_query_ms;
    int64_t  due = INT64_MAX;

    if (group->wanted > group->done)
        return now_ns;
    if (__atomic_load_n(&group->is_dirty, __ATOMIC_ACQUIRE)) {
        due = group->sealed_ns + runtime->opts.epoch_ms * COMMIT_NS_PER_MS;
        if (runtime->opts.is_inline || commit_is_idle(group) ||
            __atomic_load_n(&group->bytes, __ATOMIC_RELAXED) > commit_bytes_max(group) / 2)
            due = now_ns;
        /* State files far behind would only fall further back. */
        if (!runtime->opts.is_inline && flusher_is_behind(runtime->flusher))
            due = now_ns + runtime->opts.epoch_ms * COMMIT_NS_PER_MS;
    }
    /* What became of an epoch is to be asked even when nothing new comes. */
    if (group->is_unknown || __atomic_load_n(&group->has_halted, __ATOMIC_ACQUIRE))
        due = now_ns;
    if (retry_ms != INT64_MAX) {
        int64_t left_ms = retry_ms - clock_now_ms(runtime->clock);
        int64_t retry_ns = now_ns + (left_ms > 0 ? left_ms : 0) * COMMIT_NS_PER_MS;

        due = retry_ns < due ? retry_ns : due;
    }
    if (group->show_ns < due)
        due = group->show_ns;
    if (group->rest_ns < due)
        due = group->rest_ns;
    return due != INT64_MAX && due < group->retry_ns ? group->retry_ns : due;
}

bool commit_step(CommitGroup *group)
{
    if (commit_due_ns(group) > clock_monotonic_ns(group->runtime->clock))
        return false;
    while (flusher_is_behind(group->runtime->flusher) && flusher_step(group->runtime->flusher))
        continue;
    commit_cycle(group);
    return true;
}

void commit_flush(CommitGroup *group)
{
    uint64_t ticket;

    if (group->runtime->opts.is_inline) {
        commit_cycle(group);
        return;
    }
    pthread_mutex_lock(&group->lock);
    ticket = ++group->wanted;
    pthread_cond_broadcast(&group->changed);
    while (group->done < ticket && !group->is_over)
        pthread_cond_wait(&group->changed, &group->lock);
    pthread_mutex_unlock(&group->lock);
}

/* Waits until a cycle is due; false when the thread is to end. */
static bool commit_wait(CommitGroup *group)
{
    bool is_stopping;

    pthread_mutex_lock(&group->lock);
    for (;;) {
        int64_t due_ns = commit_due_ns(group);
        int64_t now_ns = clock_monotonic_ns(group->runtime->clock);

        is_stopping = group->is_stopping || group->is_over;
        if (is_stopping || due_ns <= now_ns)
            break;
        if (due_ns == INT64_MAX) {
            pthread_cond_wait(&group->changed, &group->lock);
        } else {
            struct timespec until = {.tv_sec = due_ns / 1000000000, .tv_nsec = due_ns % 1000000000};

            (void)pthread_cond_timedwait(&group->changed, &group->lock, &until);
        }
    }
    pthread_mutex_unlock(&group->lock);
    return !is_stopping;
}

void commit_retry_at(CommitGroup *group, int64_t ms)
{
    pthread_mutex_lock(&group->lock);
    if (ms < group->retry_query_ms)
        group->retry_query_ms = ms;
    pthread_cond_broadcast(&group->changed);
    pthread_mutex_unlock(&group->lock);
}

bool commit_take_retry(CommitGroup *group, int64_t now_ms)
{
    bool is_due;

    pthread_mutex_lock(&group->lock);
    is_due = group->retry_query_ms <= now_ms;
    if (is_due)
        group->retry_query_ms = INT64_MAX;
    pthread_mutex_unlock(&group->lock);
    return is_due;
}

/* A group that has lost its query is of no more use: nobody will join its thread, and its writer
 * would hold on to handles of the broker until the server ends. */
static void commit_leave(CommitGroup *group)
{
    bool is_over;

    pthread_mutex_lock(&group->lock);
    is_over = !group->is_stopping;
    pthread_mutex_unlock(&group->lock);
    if (!is_over)
        return;
    if (group->runtime->owner)
        owner_close_apart(group->runtime->owner, group->name, group->txn);
    else
        broker_txn_close(group->txn);
    group->txn = NULL;
    pthread_mutex_lock(&group->lock);
    if (!group->is_stopping) {
        (void)pthread_detach(group->thread);
        group->has_thread = false;
    }
    pthread_cond_broadcast(&group->changed);
    pthread_mutex_unlock(&group->lock);
}

static void *commit_main(void *arg)
{
    CommitGroup *group = arg;

    pthread_setname_np(pthread_self(), "commit");
    while (commit_wait(group))
        commit_cycle(group);
    commit_leave(group);
    return NULL;
}

/* --- life ------------------------------------------------------------------------------------- */

ErrCode commit_open_txn(CommitGroup *group, Err *err)
{
    Owner *owner = group->runtime->owner;

    if (!owner)
        return broker_txn_open(group->runtime->broker, group->name, &group->txn, err);
    return group->is_apart ? owner_open_apart(owner, group->name, &group->txn, err)
                           : owner_open_common(owner, group->name, &group->txn, err);
}

ErrCode commit_open(Runtime *runtime, Str name, bool is_apart, CommitGroup **out, Err *err)
{
    CommitGroup       *group = MEM_NEW(CommitGroup);
    pthread_condattr_t attr;
    Buf                copy = {0};

    buf_str(&copy, name);
    group->runtime = runtime;
    group->name = (Str){copy.ptr, copy.len};
    group->is_apart = is_apart;
    group->shares = MEM_ARRAY(GroupShare, runtime->workers_len);
    group->parts_end = &group->parts;
    group->retry_query_ms = INT64_MAX;
    group->show_ns = INT64_MAX;
    group->rest_ns = INT64_MAX;
    group->epoch = 1;
    pthread_mutex_init(&group->cycle_lock, NULL);
    pthread_mutex_init(&group->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&group->changed, &attr);
    pthread_condattr_destroy(&attr);
    if (commit_open_txn(group, err) != ERR_OK) {
        commit_close(group);
        return err->code;
    }
    if (!runtime->opts.is_inline) {
        if (pthread_create(&group->thread, NULL, commit_main, group) != 0) {
            commit_close(group);
            return err_set(err, ERR_IO, "could not start a committer thread");
        }
        group->has_thread = true;
    }
    *out = group;
    return ERR_OK;
}

void commit_stop(CommitGroup *group)
{
    bool has_thread;

    pthread_mutex_lock(&group->lock);
    group->is_stopping = true;
    has_thread = group->has_thread;
    group->has_thread = false;
    pthread_cond_broadcast(&group->changed);
    pthread_mutex_unlock(&group->lock);
    if (has_thread)
        pthread_join(group->thread, NULL);
}

void commit_close(CommitGroup *group)
{
    if (!group)
        return;
    commit_stop(group);
    broker_txn_close(group->txn);
    pthread_cond_destroy(&group->changed);
    pthread_mutex_destroy(&group->lock);
    pthread_mutex_destroy(&group->cycle_lock);
    mem_free(group->shares);
    mem_free((char *)(uintptr_t)group->name.ptr);
    mem_free(group);
}

void commit_add_query(CommitGroup *group, Query *query)
{
    Query **at = &group->queries;

    pthread_mutex_lock(&group->lock);
    /* What was shown before a restart may be old.  Under lock: the committer may be waiting. */
    commit_show_moved(group, query);
    while (*at)
        at = &(*at)->group_next;
    query->group_next = NULL;
    *at = query;
    __atomic_store_n(&query->group, group, __ATOMIC_RELEASE); /* whoever waits may be looking */
    query->chosen = 0;
    pthread_cond_broadcast(&group->changed);
    pthread_mutex_unlock(&group->lock);
}

/* Its part of an epoch whose outcome is not known yet: nobody will want it. */
static void commit_drop_parts(CommitGroup *group, const Query *query)
{
    EpochPart **at = &group->parts;

    while (*at) {
        EpochPart *part = *at;

        if (part->task->query != query) {
            at = &part->next;
            continue;
        }
        *at = part->next;
        __atomic_sub_fetch(&group->bytes, part->bytes, __ATOMIC_RELAXED);
        part->bytes = 0;
        chunk_list_free(&part->out);
        changes_free(part->changes);
        part->changes = NULL;
    }
    group->parts_end = at;
}

void commit_remove_query(CommitGroup *group, Query *query)
{
    Query **at = &group->queries;

    commit_drop_parts(group, query);
    pthread_mutex_lock(&group->lock);
    while (*at && *at != query)
        at = &(*at)->group_next;
    if (*at)
        *at = query->group_next;
    query->group_next = NULL;
    group->is_over = group->is_apart && !group->queries;
    commit_rest_later(group);
    pthread_cond_broadcast(&group->changed);
    pthread_mutex_unlock(&group->lock);
}
