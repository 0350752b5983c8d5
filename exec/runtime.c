#include "exec/runtime.h"

#include <stdio.h>
#include <unistd.h>

#include "common/limit.h"
#include "common/log.h"
#include "exec/query_internal.h"
#include "exec/runtime_internal.h"

enum { EPOCH_DEFAULT_MS = 100, WORKERS_MAX = 64 };

static void runtime_init_opts(Runtime *runtime, const RuntimeOpts *opts)
{
    RuntimeOpts *own = &runtime->opts;
    long         cores = sysconf(_SC_NPROCESSORS_ONLN);

    *own = *opts;
    own->service_id = str_copy(runtime->mem, opts->service_id);
    own->data_dir = opts->data_dir ? str_to_c(runtime->mem, str_from(opts->data_dir)) : NULL;
    if (!own->assignment.has)
        own->assignment = assignment_all();
    if (own->epoch_ms == 0)
        own->epoch_ms = EPOCH_DEFAULT_MS;
    if (own->is_inline)
        own->workers = 1;
    else if (own->workers == 0)
        own->workers = cores > 0 ? (uint32_t)cores : 1;
    if (own->workers > WORKERS_MAX)
        own->workers = WORKERS_MAX;
}

static ErrCode runtime_open_parts(Runtime *runtime, Err *err)
{
    const RuntimeOpts *opts = &runtime->opts;
    FlusherOpts        flusher = {
               .data_dir = opts->data_dir, .clock = opts->clock, .is_inline = opts->is_inline};

    TRY(flusher_open(&flusher, &runtime->flusher, err));
    runtime->workers = ARENA_ARRAY(runtime->mem, Worker *, opts->workers);
    for (uint32_t i = 0; i < opts->workers; i++)
        runtime->workers[runtime->workers_len++] = worker_new(runtime, i);
    if (broker_is_shared(runtime->broker))
        TRY(owner_open(runtime->broker, opts->service_id, &runtime->owner, err));
    TRY(commit_open(runtime, STR("main"), false, &runtime->groups, err));
    /* This settled what a former server left: its last positions are readable now. */
    TRY(positions_open(runtime->broker, opts->service_id, &runtime->positions, err));
    for (uint32_t i = 0; !opts->is_inline && i < runtime->workers_len; i++)
        TRY(worker_start(runtime->workers[i], err));
    return runtime->owner && !opts->is_inline ? owner_watch(runtime->owner, err) : ERR_OK;
}

/* Without queries. */
static void runtime_free(Runtime *runtime)
{
    CommitGroup *group, *next;

    for (group = runtime->groups; group; group = group->next)
        commit_stop(group);
    for (uint32_t i = 0; i < runtime->workers_len; i++)
        worker_stop(runtime->workers[i]);
    for (group = runtime->groups; group; group = next) {
        next = group->next;
        commit_close(group);
    }
    for (uint32_t i = 0; i < runtime->workers_len; i++)
        worker_free(runtime->workers[i]);
    proclog_free(runtime->proclog);
    positions_close(runtime->positions);
    owner_close(runtime->owner);
    flusher_close(runtime->flusher);
    pthread_cond_destroy(&runtime->released);
    pthread_mutex_destroy(&runtime->lock);
    arena_free(runtime->mem);
    mem_free(runtime);
}

ErrCode runtime_open(const RuntimeOpts *opts, Runtime **out, Err *err)
{
    Runtime *runtime = MEM_NEW(Runtime);
    ErrCode  rc;

    runtime->mem = arena_new(0);
    pthread_mutex_init(&runtime->lock, NULL);
    pthread_cond_init(&runtime->released, NULL);
    runtime_init_opts(runtime, opts);
    runtime->broker = opts->broker;
    runtime->clock = opts->clock;
    runtime->has_changelog = opts->data_dir != NULL;
    runtime->proclog = proclog_new(opts->broker, opts->clock, opts->proclog_topic);
    rc = runtime_open_parts(runtime, err);
    if (rc != ERR_OK) {
        runtime_free(runtime);
        return rc;
    }
    *out = runtime;
    return ERR_OK;
}

void runtime_close(Runtime *runtime)
{
    if (!runtime)
        return;
    /* One barrier for all of them. */
    for (Query *query = runtime->queries; query; query = query->next)
        __atomic_store_n(&query->is_paused, 1, __ATOMIC_RELEASE);
    for (CommitGroup *group = runtime->groups; group; group = group->next)
        commit_flush(group);
    runtime->is_closing = true;
    while (runtime->queries)
        query_stop(runtime->queries, false);
    runtime_free(runtime);
}

void runtime_sweep(Runtime *runtime, const Map *alive)
{
    positions_sweep(runtime->positions, alive);
    flusher_sweep(runtime->flusher, alive);
}

/* --- inline ----------------------------------------------------------------------------------- */

bool runtime_step(Runtime *runtime)
{
    if (worker_step(runtime->workers[0]))
        return true;
    for (CommitGroup *group = runtime->groups; group; group = group->next) {
        if (!group->is_over && commit_step(group))
            return true;
    }
    return broker_step(runtime->broker);
}

ErrCode runtime_until_idle(Runtime *runtime, Err *err)
{
    for (int64_t round = 0; round < g_limits.inline_rounds; round++) {
        if (!runtime_step(runtime))
            return ERR_OK;
    }
    return err_set(err, ERR_LIMIT, "the queries do not come to rest within %lld rounds",
                   (long long)g_limits.inline_rounds);
}

/* --- groups ----------------------------------------------------------------------------------- */

CommitGroup *runtime_open_group(Runtime *runtime, Str name)
{
    CommitGroup *group;
    CommitGroup *last;
    Err          err;

    if (commit_open(runtime, name, true, &group, &err) != ERR_OK) {
        log_line(LOG_WARN, "runtime", "could not set query \"%.*s\" apart: %s", STR_ARG(name),
                 err.msg);
        return NULL;
    }
    /* Groups are never taken out: somebody may be about to look at one. */
    pthread_mutex_lock(&runtime->lock);
    for (last = runtime->groups; last->next;)
        last = last->next;
    last->next = group;
    pthread_mutex_unlock(&runtime->lock);
    return group;
}

ErrCode runtime_flush(Runtime *runtime, Err *err)
{
    CommitGroup *group = runtime->groups;

    while (group) {
        commit_flush(group);
        pthread_mutex_lock(&runtime->lock);
        group = group->next;
        pthread_mutex_unlock(&runtime->lock);
    }
    return flusher_flush(runtime->flusher, err);
}

/* --- looking ---------------------------------------------------------------------------------- */

static void runtime_add_group(CommitGroup *group, RuntimeHealth *out)
{
    pthread_mutex_lock(&group->lock);
    out->epochs += __atomic_load_n(&group->settled, __ATOMIC_RELAXED);
    out->aborts += __atomic_load_n(&group->aborts, __ATOMIC_RELAXED);
    if (!group->is_over)
        out->groups++;
    if (group->backoff_ms > 0 && out->is_healthy) {
        out->is_healthy = false;
        (void)snprintf(out->why, sizeof out->why, "could not commit: %.120s%s%.90s",
                       group->error.msg, group->error.hint[0] ? "; " : "", group->error.hint);
    }
    pthread_mutex_unlock(&group->lock);
}

void runtime_health(Runtime *runtime, RuntimeHealth *out)
{
    *out = (RuntimeHealth){.is_healthy = true};
    pthread_mutex_lock(&runtime->lock);
    for (CommitGroup *group = runtime->groups; group; group = group->next)
        runtime_add_group(group, out);
    pthread_mutex_unlock(&runtime->lock);
    out->commit_us = __atomic_load_n(&runtime->groups->written_ns, __ATOMIC_RELAXED) / 1000;
}

ErrCode runtime_check_owner(Runtime *runtime, Err *err)
{
    return runtime->owner ? owner_check(runtime->owner, err) : ERR_OK;
}

void runtime_memory(Runtime *runtime, RuntimeMemory *out)
{
    FlusherHealth flusher;

    flusher_health(runtime->flusher, &flusher);
    *out = (RuntimeMemory){
        .max_bytes = g_limits.memory_bytes,
        .fetched_bytes = broker_fetched_bytes(runtime->broker),
        .pending_bytes = flusher.pending_bytes,
        .state_bytes = __atomic_load_n(&runtime->state_budget.bytes, __ATOMIC_RELAXED),
        .resident_bytes = mem_resident(),
    };
    pthread_mutex_lock(&runtime->lock);
    for (CommitGroup *group = runtime->groups; group; group = group->next)
        out->output_bytes += __atomic_load_n(&group->bytes, __ATOMIC_RELAXED);
    pthread_mutex_unlock(&runtime->lock);
}

const Clock *runtime_clock(const Runtime *runtime)
{
    return runtime->clock;
}

Broker *runtime_broker(const Runtime *runtime)
{
    return runtime->broker;
}

Flusher *runtime_flusher(const Runtime *runtime)
{
    return runtime->flusher;
}
