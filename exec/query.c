/*
 * query.c -- starting, pausing, failing and stopping one query.
 */
#include "exec/query.h"

#include <assert.h>
#include <time.h>

#include "common/limit.h"
#include "common/log.h"
#include "exec/changelog.h"
#include "exec/query_internal.h"
#include "exec/runtime_internal.h"
#include "exec/skew.h"

/* --- failing ---------------------------------------------------------------------------------- */

enum { RETRIABLE_BACKOFF_MS = 1000 };

static void query_set_stops(Query *query, const OpFailure *failure)
{
    uint32_t spots = query->scan_first[query->plan->scans_len];
    uint32_t spot;

    query->is_stopped_short = true;
    if (failure) {
        spot = query_spot(query, failure->scan, failure->partition);
        if (failure->offset < query->stops[spot])
            query->stops[spot] = failure->offset;
        return;
    }
    /* Nobody knows what made it fail: it stays where it is. */
    for (spot = 0; spot < spots; spot++)
        query->stops[spot] = __atomic_load_n(&query->settled[spot], __ATOMIC_ACQUIRE);
}

static void query_note_locked(Query *query, const Err *err)
{
    query->error = *err;
    query->error_ms = clock_now_ms(query->runtime->clock);
    query->failures++;
}

/* *retry_ms: when it is to be tried again. */
static void query_fail_locked(Query *query, const OpFailure *failure, const Err *err,
                              int64_t *retry_ms)
{
    const QueryProps *props = &query->props;
    int64_t           first_ms = err->is_retriable ? RETRIABLE_BACKOFF_MS : props->retry_initial_ms;

    query_note_locked(query, err);
    query->is_failed = true;
    query->backoff_ms = query->backoff_ms ? query->backoff_ms * 2 : first_ms;
    if (query->backoff_ms > props->retry_max_ms)
        query->backoff_ms = props->retry_max_ms;
    query->retry_ms = query->error_ms + query->backoff_ms;
    *retry_ms = query->retry_ms;
    query_set_stops(query, failure);
}

void query_fail(Query *query, const OpFailure *failure, const Err *err)
{
    int64_t retry_ms = INT64_MAX;
    bool    is_first;

    is_first = !__atomic_exchange_n(&query->is_halted, 1, __ATOMIC_ACQ_REL);
    if (query->push) {
        push_finish(query->push, PUSH_FAILED, err);
        return;
    }
    pthread_mutex_lock(&query->lock);
    is_first = is_first || query->is_waiting;
    if (is_first)
        query_fail_locked(query, failure, err, &retry_ms);
    pthread_mutex_unlock(&query->lock);
    if (!is_first)
        return;
    log_line(LOG_WARN, "query", "query \"%.*s\" failed: %s%s%s", STR_ARG(query->id), err->msg,
             err->hint[0] ? "; " : "", err->hint);
    proclog_query_failed(query->log, err);
    __atomic_store_n(&query_commit_group(query)->has_halted, 1, __ATOMIC_RELEASE);
    commit_retry_at(query_commit_group(query), retry_ms);
}

void query_note_error(Query *query, const Err *err)
{
    pthread_mutex_lock(&query->lock);
    query_note_locked(query, err);
    pthread_mutex_unlock(&query->lock);
    proclog_production(query->log, query->plan->root->step, err);
}

void query_note_refused(Query *query, int64_t retry_ms)
{
    pthread_mutex_lock(&query->lock);
    query->is_refused = true;
    query->retry_ms = retry_ms;
    pthread_mutex_unlock(&query->lock);
}

bool query_retry(Query *query, int64_t now_ms)
{
    uint32_t spots = query->scan_first[query->plan->scans_len];
    bool     is_due;

    pthread_mutex_lock(&query->lock);
    is_due = query->is_failed && (query->is_stopped_short || query->is_waiting) &&
             query->retry_ms <= now_ms;
    if (is_due) {
        query->is_stopped_short = false;
        query->is_waiting = false;
        for (uint32_t spot = 0; spot < spots; spot++)
            query->stops[spot] = INT64_MAX;
        __atomic_store_n(&query->is_halted, 1, __ATOMIC_RELEASE);
    }
    pthread_mutex_unlock(&query->lock);
    return is_due;
}

void query_note_settled(Query *query)
{
    pthread_mutex_lock(&query->lock);
    query->is_refused = false;
    if (!query->is_stopped_short && !query->is_waiting) {
        query->is_failed = false;
        query->backoff_ms = 0;
    }
    pthread_mutex_unlock(&query->lock);
}

int64_t query_retry_ms(Query *query)
{
    int64_t ms;

    pthread_mutex_lock(&query->lock);
    ms = query->is_failed && (query->is_stopped_short || query->is_waiting) ? query->retry_ms
                                                                            : INT64_MAX;
    pthread_mutex_unlock(&query->lock);
    return ms;
}

/* --- starting: what it consists of ------------------------------------------------------------ */

static uint32_t query_stage_partitions(const Query *query, uint32_t stage)
{
    const Plan *plan = query->plan;

    if (query->runtime->opts.is_one_task)
        return 1;
    for (uint32_t i = 0; i < plan->nodes_len; i++) {
        const PlanNode *node = plan->nodes[i];

        if (node && node->kind == PLAN_SCAN && node->stage == stage)
            return node->u.scan.partitions;
        if (node && node->kind == PLAN_EXCHANGE && pipeline_exchange_stage(plan, node) == stage)
            return node->u.exchange.partitions;
    }
    assert(!"a stage without input");
    return 0;
}

static void query_init_spots(Query *query)
{
    const Plan *plan = query->plan;
    uint32_t    spots = 0;

    query->scan_first = ARENA_ARRAY(query->mem, uint32_t, plan->scans_len + 1);
    for (uint32_t i = 0; i < plan->scans_len; i++) {
        query->scan_first[i] = spots;
        spots += query->runtime->opts.is_one_task ? 1 : plan->scans[i]->u.scan.partitions;
    }
    query->scan_first[plan->scans_len] = spots;
    query->settled = ARENA_ARRAY(query->mem, int64_t, spots);
    query->stops = ARENA_ARRAY(query->mem, int64_t, spots);
    query->topic_ids = ARENA_ARRAY(query->mem, Str, spots);
    for (uint32_t i = 0; i < spots; i++)
        query->stops[i] = INT64_MAX;
}

static void query_ready(void *arg, uint32_t target)
{
    ExchangeEnds *ends = arg;

    task_wake(query_task(ends->query, ends->consumer_stage, target));
}

static void query_room(void *arg, uint32_t producer)
{
    ExchangeEnds *ends = arg;

    task_wake(query_task(ends->query, ends->producer_stage, producer));
}

static void query_init_exchanges(Query *query)
{
    const Plan *plan = query->plan;

    query->exchanges = ARENA_ARRAY(query->mem, Exchange *, plan->nodes_len);
    for (uint32_t i = 0; i < plan->nodes_len; i++) {
        const PlanNode *node = plan->nodes[i];
        ExchangeEnds   *ends;
        ExchangeOpts    opts;

        if (!node || node->kind != PLAN_EXCHANGE)
            continue;
        ends = ARENA_NEW(query->mem, ExchangeEnds);
        *ends = (ExchangeEnds){query, node->inputs[0]->stage, pipeline_exchange_stage(plan, node)};
        opts = (ExchangeOpts){
            .node = node,
            .targets = query_stage_partitions(query, ends->consumer_stage),
            .producers = query_stage_partitions(query, ends->producer_stage),
            .bytes_max = g_limits.exchange_bytes,
            .in_flight = &query->in_flight,
            .ready = query_ready,
            .room = query_room,
            .arg = ends,
        };
        query->exchanges[node->id] = exchange_new(&opts);
    }
}

static void query_init_tasks(Query *query)
{
    const Plan *plan = query->plan;
    Runtime    *runtime = query->runtime;
    uint32_t    tasks = 0;

    query->stage_first = ARENA_ARRAY(query->mem, uint32_t, plan->stages_len + 1);
    for (uint32_t stage = 0; stage < plan->stages_len; stage++) {
        query->stage_first[stage] = tasks;
        tasks += query_stage_partitions(query, stage);
    }
    query->stage_first[plan->stages_len] = tasks;
    query->tasks = ARENA_ARRAY(query->mem, Task *, tasks);
    query->tasks_len = tasks;
    for (uint32_t stage = 0; stage < plan->stages_len; stage++) {
        uint32_t partitions = query->stage_first[stage + 1] - query->stage_first[stage];

        for (uint32_t p = 0; p < partitions; p++) {
            uint64_t worker = (str_hash(query->id) + p) % runtime->workers_len;

            if (assignment_has(&runtime->opts.assignment, query->id, stage, p))
                query->tasks[query->stage_first[stage] + p] =
                    task_new(query, stage, p, runtime->workers[worker]);
        }
    }
}

static int64_t query_plan_limit(const Plan *plan)
{
    for (uint32_t i = 0; i < plan->nodes_len; i++) {
        if (plan->nodes[i] && plan->nodes[i]->kind == PLAN_LIMIT)
            return plan->nodes[i]->u.limit.rows;
    }
    return INT64_MAX;
}

static Query *query_new(Runtime *runtime, const QuerySpec *spec)
{
    Arena *mem = arena_new(0);
    Query *query = ARENA_NEW(mem, Query);

    query->runtime = runtime;
    query->mem = mem;
    query->id = str_copy(mem, spec->id);
    query->plan = spec->plan;
    query->is_timed = skew_matters(spec->plan);
    query->props = spec->props;
    query->push = spec->push;
    query->limit_left = query->limit_unsent = query_plan_limit(spec->plan);
    query->record_bytes_max = INT64_MAX;
    query->is_paused = spec->is_paused;
    query->log = proclogger_new(runtime->proclog, query->id, spec->props.log_rows);
    pthread_mutex_init(&query->lock, NULL);
    query_init_spots(query);
    query_init_exchanges(query);
    return query;
}

/* Nothing of it is known to a worker or group any more. */
static void query_free(Query *query)
{
    for (uint32_t i = 0; i < query->tasks_len; i++)
        task_free(query->tasks[i]);
    for (uint32_t i = 0; i < query->plan->nodes_len; i++)
        exchange_free(query->exchanges[i]);
    proclogger_free(query->log);
    pthread_mutex_destroy(&query->lock);
    arena_free(query->mem);
}

/* --- starting: where it stands ---------------------------------------------------------------- */

static void query_stand(Query *query, uint32_t spot, Position position)
{
    __atomic_store_n(&query->settled[spot], position.offset, __ATOMIC_RELEASE);
    if (!str_eq(query->topic_ids[spot], position.topic_id))
        query->topic_ids[spot] = str_copy(query->mem, position.topic_id);
}

static void query_locate(Query *query, const QuerySpec *spec)
{
    const Plan *plan = query->plan;

    for (size_t i = 0; i < spec->starts_len; i++) {
        const QueryStart *start = &spec->starts[i];

        if (start->scan < plan->scans_len &&
            start->partition < query->scan_first[start->scan + 1] - query->scan_first[start->scan])
            query_stand(query, query_spot(query, start->scan, start->partition),
                        (Position){start->topic_id, start->offset});
    }
}

/* The positions topic has the last word. */
static void query_locate_settled(Query *query)
{
    const Plan *plan = query->plan;

    for (uint32_t i = 0; i < plan->scans_len; i++) {
        for (uint32_t spot = query->scan_first[i]; spot < query->scan_first[i + 1]; spot++) {
            PositionKey key = {.topic = plan->scans[i]->u.scan.topic,
                               .partition = spot - query->scan_first[i],
                               .query_id = query->id,
                               .scan = i};
            Position    position;

            if (positions_get(query->runtime->positions, &key, query->mem, &position))
                query_stand(query, spot, position);
        }
    }
}

/* An offset in a topic that is no more says nothing about the one that has its name now. */
static ErrCode query_check_topic(Query *query, uint32_t scan, Err *err)
{
    Str       topic = query->plan->scans[scan]->u.scan.topic;
    Arena    *mem = arena_new(0);
    TopicInfo info;
    ErrCode   rc = broker_topic_describe(query->runtime->broker, topic, mem, &info, err);
    bool      is_new = false;

    for (uint32_t spot = query->scan_first[scan];
         rc == ERR_OK && info.id.len > 0 && spot < query->scan_first[scan + 1]; spot++) {
        bool is_other = query->topic_ids[spot].len > 0 && !str_eq(query->topic_ids[spot], info.id);

        is_new = is_new || is_other;
        query_stand(query, spot, (Position){info.id, is_other ? 0 : query->settled[spot]});
    }
    if (is_new)
        log_line(LOG_WARN, "query",
                 "topic \"%.*s\" was deleted and made again: query \"%.*s\" reads it from its "
                 "beginning",
                 STR_ARG(topic), STR_ARG(query->id));
    if (rc == ERR_OK && info.spec.partitions > query->plan->scans[scan]->u.scan.partitions)
        log_line(LOG_WARN, "query",
                 "topic \"%.*s\" has %u partitions by now: query \"%.*s\" reads the first %u only",
                 STR_ARG(topic), info.spec.partitions, STR_ARG(query->id),
                 query->plan->scans[scan]->u.scan.partitions);
    arena_free(mem);
    return rc;
}

/* A pull query on a stream reads up to the ends as of now. */
static ErrCode query_locate_ends(Query *query, Err *err)
{
    const Plan *plan = query->plan;

    for (uint32_t i = 0; i < plan->scans_len; i++) {
        uint32_t       partitions = query->scan_first[i + 1] - query->scan_first[i];
        PartitionEnds *ends = ARENA_ARRAY(query->mem, PartitionEnds, partitions);

        TRY(broker_topic_ends(query->runtime->broker, plan->scans[i]->u.scan.topic, ends,
                              partitions, err));
        for (uint32_t p = 0; p < partitions; p++)
            query->stops[query_spot(query, i, p)] = ends[p].end;
    }
    for (uint32_t i = 0; i < query->tasks_len; i++) {
        for (uint32_t k = 0; k < plan->scans_len; k++) {
            if (plan->scans[k]->stage == query->tasks[i]->stage) {
                query->sources++;
                break;
            }
        }
    }
    return ERR_OK;
}

static ErrCode query_describe_sink(Query *query, Err *err)
{
    const PlanNode *root = query->plan->root;
    Arena          *mem;
    TopicInfo       info;
    ErrCode         rc;

    if (root->kind != PLAN_SINK)
        return ERR_OK;
    mem = arena_new(0);
    rc = broker_topic_describe(query->runtime->broker, root->u.sink.topic, mem, &info, err);
    if (rc == ERR_OK)
        query->record_bytes_max = info.record_bytes_max;
    arena_free(mem);
    for (uint32_t i = 0; rc == ERR_OK && i < query->tasks_len; i++) {
        if (query->tasks[i])
            query->tasks[i]->ctx.record_bytes_max = query->record_bytes_max;
    }
    return rc;
}

/* --- state ------------------------------------------------------------------------------------ */

/* flusher -> broker: what the file has durably passed is dropped from the changelog. */
static void query_on_durable(void *arg, const FilePosition *positions, size_t len)
{
    Query *query = arg;

    for (size_t i = 0; i < len; i++) {
        Str     prefix = STR("changelog/");
        int64_t partition, offset;
        Err     err;

        if (!str_starts(positions[i].key, prefix) ||
            !str_to_i64(str_slice(positions[i].key, prefix.len, positions[i].key.len),
                        &partition) ||
            !str_to_i64(positions[i].value, &offset))
            continue;
        if (broker_trim(query->runtime->broker, query->changelog, (uint32_t)partition, offset,
                        &err) != ERR_OK)
            log_line(LOG_WARN, "query", "could not trim changelog of \"%.*s\": %s",
                     STR_ARG(query->id), err.msg);
    }
}

static uint32_t query_changelog_len(const Query *query)
{
    uint32_t len = 1;

    for (uint32_t stage = 0; stage < query->plan->stages_len; stage++) {
        uint32_t partitions = query_stage_partitions(query, stage);

        len = partitions > len ? partitions : len;
    }
    return len;
}

ErrCode query_open_file(Query *query, Err *err)
{
    Runtime      *runtime = query->runtime;
    bool          is_trimmed = runtime->has_changelog && !broker_is_apart(runtime->broker);
    QueryFileOpts opts = {.id = query->id,
                          .stores = query->plan->stores,
                          .stores_len = query->plan->stores_len,
                          .fingerprint = query->plan->fingerprint,
                          .on_durable = is_trimmed ? query_on_durable : NULL,
                          .arg = query};

    if (query->plan->stores_len == 0 || query->push)
        return ERR_OK;
    query->changelog = changelog_topic(query->mem, runtime->opts.service_id, query->id);
    query->changelog_len = query_changelog_len(query);
    query->changelog_next = ARENA_ARRAY(query->mem, int64_t, query->changelog_len);
    if (runtime->has_changelog)
        TRY(changelog_create(runtime->broker, query->changelog, query->changelog_len, err));
    return query_file_open(runtime->flusher, &opts, &query->file, err);
}

ErrCode query_open_tasks(Query *query, Err *err)
{
    if (!query->is_restored)
        TRY(query_restore_again(query, err));
    TRY(query_describe_sink(query, err));
    for (uint32_t i = 0; query->plan->kind == QUERY_PERSISTENT && i < query->plan->scans_len; i++)
        TRY(query_check_topic(query, i, err));
    for (uint32_t i = 0; i < query->tasks_len; i++) {
        ErrCode rc;

        if (!query->tasks[i])
            continue;
        rc = task_open(query->tasks[i], err);
        if (rc == ERR_OK)
            continue;
        for (uint32_t k = 0; k <= i; k++) {
            if (query->tasks[k])
                task_close(query->tasks[k]);
        }
        return rc;
    }
    return ERR_OK;
}

void query_purge(Query *query)
{
    for (uint32_t i = 0; i < query->plan->nodes_len; i++) {
        Exchange *exchange = query->exchanges[i];

        for (uint32_t k = 0; exchange && k < exchange_targets(exchange); k++) {
            for (Block *block; (block = exchange_take(exchange, k));)
                exchange_done(exchange, block);
        }
    }
    assert(__atomic_load_n(&query->in_flight, __ATOMIC_ACQUIRE) == 0);
}

/* --- start and stop --------------------------------------------------------------------------- */

/* It has its tasks in any case: a query that is tried again is one that everybody can look at. */
static ErrCode query_open(Query *query, const QuerySpec *spec, Err *err)
{
    ErrCode rc = ERR_OK;

    query_locate(query, spec);
    if (spec->plan->kind == QUERY_PERSISTENT) {
        query_locate_settled(query);
        rc = query_open_file(query, err);
    }
    query_init_tasks(query);
    TRY(rc);
    if (spec->plan->kind == QUERY_STREAM_PULL)
        TRY(query_locate_ends(query, err));
    TRY(query_restore(query, err));
    return query_open_tasks(query, err);
}

/* Makes it known to its group and the workers. */
static void query_enter(Query *query)
{
    Runtime     *runtime = query->runtime;
    CommitGroup *group = runtime_main_group(runtime);

    if (query->plan->kind == QUERY_PERSISTENT) {
        pthread_mutex_lock(&group->cycle_lock);
        commit_add_query(group, query);
        pthread_mutex_unlock(&group->cycle_lock);
    }
    pthread_mutex_lock(&runtime->lock);
    query->next = runtime->queries;
    runtime->queries = query;
    pthread_mutex_unlock(&runtime->lock);
}

static void query_discard(Query *query)
{
    Err err;

    /* Readers that were opened may have woken their tasks. */
    for (uint32_t i = 0; i < query->tasks_len; i++) {
        if (query->tasks[i])
            task_close(query->tasks[i]);
    }
    worker_call_all(query->runtime, MESSAGE_FORGET, NULL, query);
    if (query->file && query_file_close(query->file, &err) != ERR_OK)
        log_line(LOG_WARN, "query", "could not close state of \"%.*s\": %s", STR_ARG(query->id),
                 err.msg);
    query_free(query);
}

/* The subscriber has taken what waited: reading goes on.  Thread: the subscriber's. */
static void query_wake_tasks(void *arg)
{
    Query *query = arg;

    for (uint32_t i = 0; i < query->tasks_len; i++) {
        if (query->tasks[i])
            task_wake(query->tasks[i]);
    }
}

ErrCode query_start(Runtime *runtime, const QuerySpec *spec, Query **out, Err *err)
{
    Query  *query;
    ErrCode rc;

    if (spec->plan->stages_len > STAGES_MAX)
        return err_set(err, ERR_LIMIT, "query \"%.*s\" has %u stages, limit %d", STR_ARG(spec->id),
                       spec->plan->stages_len, STAGES_MAX);
    query = query_new(runtime, spec);
    rc = query_open(query, spec, err);
    if (rc != ERR_OK && !(spec->is_resumed && rc != ERR_STATE && rc != ERR_NOT_YET)) {
        query_discard(query);
        return rc;
    }
    query->is_waiting = rc != ERR_OK;
    query_enter(query);
    if (rc != ERR_OK)
        query_fail(query, NULL, err);
    worker_call_all(runtime, MESSAGE_ADD, NULL, query);
    if (query->push)
        push_on_room(query->push, query_wake_tasks, query);
    *out = query;
    return ERR_OK;
}

/* The group that the query is in, with its cycle_lock held; NULL when it is in none. */
static CommitGroup *query_lock_group(Query *query)
{
    CommitGroup *group = query_commit_group(query);

    while (group) {
        CommitGroup *now;

        pthread_mutex_lock(&group->cycle_lock);
        now = query_commit_group(query);
        if (now == group)
            break;
        pthread_mutex_unlock(&group->cycle_lock);
        group = now;
    }
    return group;
}

/* Everything read so far is settled, or given up. */
static void query_barrier(Query *query)
{
    CommitGroup *group = query_commit_group(query);

    /* One barrier for all queries was before: with a broker that is away each takes its time. */
    if (group && !query->runtime->is_closing)
        commit_flush(group);
}

ErrCode query_pause(Query *query, Err *err)
{
    (void)err;
    __atomic_store_n(&query->is_paused, 1, __ATOMIC_RELEASE);
    query_barrier(query);
    return ERR_OK;
}

ErrCode query_resume(Query *query, Err *err)
{
    (void)err;
    __atomic_store_n(&query->is_paused, 0, __ATOMIC_RELEASE);
    worker_call_all(query->runtime, MESSAGE_WAKE, NULL, query);
    return ERR_OK;
}

static void query_leave(Query *query)
{
    Runtime     *runtime = query->runtime;
    CommitGroup *group = query_lock_group(query);
    Query      **at = &runtime->queries;

    __atomic_store_n(&query->is_halted, 1, __ATOMIC_RELEASE);
    worker_call_all(runtime, MESSAGE_SYNC, NULL, NULL);
    worker_call_all(runtime, MESSAGE_DETACH, NULL, query);
    query_purge(query);
    if (group) {
        commit_remove_query(group, query);
        pthread_mutex_unlock(&group->cycle_lock);
    }
    pthread_mutex_lock(&runtime->lock);
    while (*at != query)
        at = &(*at)->next;
    *at = query->next;
    while (query->holds > 0)
        pthread_cond_wait(&runtime->released, &runtime->lock);
    pthread_mutex_unlock(&runtime->lock);
    /* Last: who held the query may have woken its tasks until now. */
    worker_call_all(runtime, MESSAGE_FORGET, NULL, query);
}

static void query_delete_data(Query *query)
{
    Runtime *runtime = query->runtime;
    Err      err;

    positions_forget(runtime->positions, query->id);
    commit_flush(runtime_main_group(runtime));
    commit_show_gone(query);
    if (!query->file)
        return;
    query_file_delete(query->file);
    query->file = NULL;
    if (runtime->has_changelog &&
        broker_topic_delete(runtime->broker, query->changelog, &err) != ERR_OK)
        log_line(LOG_WARN, "query", "could not delete changelog of \"%.*s\": %s",
                 STR_ARG(query->id), err.msg);
}

void query_stop(Query *query, bool deletes_data)
{
    Err err;

    __atomic_store_n(&query->is_stopping, 1, __ATOMIC_RELEASE);
    __atomic_store_n(&query->is_paused, 1, __ATOMIC_RELEASE);
    if (query->push)
        push_on_room(query->push, NULL, NULL); /* before its tasks are gone */
    query_barrier(query);
    query_leave(query);
    if (query->push) {
        push_finish(query->push, PUSH_TERMINATED, NULL);
        push_queue_unref(query->push);
    } else if (deletes_data) {
        query_delete_data(query);
    }
    if (query->file && query_file_close(query->file, &err) != ERR_OK)
        log_line(LOG_WARN, "query", "could not write state of \"%.*s\": %s", STR_ARG(query->id),
                 err.msg);
    query_free(query);
}

/* --- looking ---------------------------------------------------------------------------------- */

Query *query_find(Runtime *runtime, Str id)
{
    Query *query = query_hold(runtime, id);

    query_release(query);
    return query;
}

Query *query_hold(Runtime *runtime, Str id)
{
    Query *query;

    pthread_mutex_lock(&runtime->lock);
    query = runtime->queries;
    while (query && !str_eq(query->id, id))
        query = query->next;
    if (query)
        query->holds++;
    pthread_mutex_unlock(&runtime->lock);
    return query;
}

void query_release(Query *query)
{
    Runtime *runtime;

    if (!query)
        return;
    runtime = query->runtime;
    pthread_mutex_lock(&runtime->lock);
    if (--query->holds == 0)
        pthread_cond_broadcast(&runtime->released);
    pthread_mutex_unlock(&runtime->lock);
}

Str query_id(const Query *query)
{
    return query->id;
}

const Plan *query_plan(const Query *query)
{
    return query->plan;
}

static void query_add_counters(const Task *task, OpCounters *sum)
{
    sum->rows_in += __atomic_load_n(&task->shown.rows_in, __ATOMIC_RELAXED);
    sum->rows_out += __atomic_load_n(&task->shown.rows_out, __ATOMIC_RELAXED);
    sum->skipped += __atomic_load_n(&task->shown.skipped, __ATOMIC_RELAXED);
    sum->late += __atomic_load_n(&task->shown.late, __ATOMIC_RELAXED);
    sum->eval_errors += __atomic_load_n(&task->shown.eval_errors, __ATOMIC_RELAXED);
}

void query_health(Query *query, QueryHealth *out)
{
    *out = (QueryHealth){0};
    pthread_mutex_lock(&query->lock);
    if (query->is_refused || (query->is_failed && (query->is_stopped_short || query->is_waiting)))
        out->state = QUERY_STATE_FAILED;
    else if (__atomic_load_n(&query->is_paused, __ATOMIC_RELAXED))
        out->state = QUERY_STATE_PAUSED;
    out->error = query->error;
    out->error_ms = query->error_ms;
    out->retry_ms = query->retry_ms;
    out->failures = query->failures;
    pthread_mutex_unlock(&query->lock);
    for (uint32_t i = 0; i < query->tasks_len; i++) {
        if (!query->tasks[i])
            continue;
        out->tasks++;
        query_add_counters(query->tasks[i], &out->counters);
        out->state_bytes += __atomic_load_n(&query->tasks[i]->state_bytes, __ATOMIC_RELAXED);
    }
}

void query_lags(Query *query, Arena *arena, QueryLag **out, size_t *len)
{
    const Plan *plan = query->plan;
    uint32_t    spots = query->scan_first[plan->scans_len];
    QueryLag   *lags = ARENA_ARRAY(arena, QueryLag, spots);
    size_t      count = 0;

    for (uint32_t i = 0; i < plan->scans_len; i++) {
        for (uint32_t p = 0; p < query->scan_first[i + 1] - query->scan_first[i]; p++) {
            const Task *task = query_task(query, plan->scans[i]->stage, p);

            if (!task)
                continue;
            lags[count++] =
                (QueryLag){.scan = i,
                           .partition = p,
                           .position = __atomic_load_n(&task->positions[i], __ATOMIC_RELAXED),
                           .end = __atomic_load_n(&task->ends[i], __ATOMIC_RELAXED)};
        }
    }
    *out = lags;
    *len = count;
}

void query_standing(Query *query, Arena *arena, QueryStart **out, size_t *len)
{
    const Plan *plan = query->plan;
    size_t      count = 0;

    *out = ARENA_ARRAY(arena, QueryStart, query->scan_first[plan->scans_len]);
    for (uint32_t i = 0; i < plan->scans_len; i++) {
        for (uint32_t spot = query->scan_first[i]; spot < query->scan_first[i + 1]; spot++)
            (*out)[count++] =
                (QueryStart){.scan = i,
                             .partition = spot - query->scan_first[i],
                             .offset = __atomic_load_n(&query->settled[spot], __ATOMIC_ACQUIRE)};
    }
    *len = count;
}

/* Every scan has settled at least what targets say, one per spot. */
static bool query_has_settled(const Query *query, const int64_t *targets)
{
    for (uint32_t spot = 0; spot < query->scan_first[query->plan->scans_len]; spot++) {
        if (__atomic_load_n(&query->settled[spot], __ATOMIC_ACQUIRE) < targets[spot])
            return false;
    }
    return true;
}

static ErrCode query_targets(const Query *query, int64_t *targets, Err *err)
{
    const Plan *plan = query->plan;

    for (uint32_t i = 0; i < plan->scans_len; i++) {
        uint32_t       partitions = query->scan_first[i + 1] - query->scan_first[i];
        PartitionEnds *ends = MEM_ARRAY(PartitionEnds, partitions);
        ErrCode rc = broker_topic_ends(query->runtime->broker, plan->scans[i]->u.scan.topic, ends,
                                       partitions, err);

        for (uint32_t p = 0; rc == ERR_OK && p < partitions; p++)
            targets[query_spot(query, i, p)] = ends[p].end;
        mem_free(ends);
        TRY(rc);
    }
    return ERR_OK;
}

/* Waits for one more settled epoch, a few milliseconds at most. */
static void query_await_epoch(Query *query)
{
    CommitGroup    *group = query_commit_group(query);
    struct timespec until;

    for (uint32_t i = 0; i < query->tasks_len; i++) {
        if (query->tasks[i])
            task_wake(query->tasks[i]);
    }
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += 5 * COMMIT_NS_PER_MS;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&group->lock);
    (void)pthread_cond_timedwait(&group->changed, &group->lock, &until);
    pthread_mutex_unlock(&group->lock);
}

ErrCode query_catch_up(Query *query, int64_t timeout_ms, Err *err)
{
    Runtime *runtime = query->runtime;
    int64_t *targets = MEM_ARRAY(int64_t, query->scan_first[query->plan->scans_len]);
    int64_t  deadline_ms = clock_now_ms(runtime->clock) + timeout_ms;
    ErrCode  rc = query_targets(query, targets, err);

    __atomic_add_fetch(&query->awaiting, 1, __ATOMIC_ACQ_REL);
    while (rc == ERR_OK && !query_has_settled(query, targets)) {
        if (__atomic_load_n(&query->is_stopping, __ATOMIC_ACQUIRE))
            rc = err_set(err, ERR_CANCELLED, "query \"%.*s\" was stopped", STR_ARG(query->id));
        else if (runtime->opts.is_inline ? !runtime_step(runtime)
                                         : clock_now_ms(runtime->clock) >= deadline_ms)
            rc = err_set(err, ERR_LIMIT, "query \"%.*s\" did not catch up within %lld ms",
                         STR_ARG(query->id), (long long)timeout_ms);
        else if (!runtime->opts.is_inline)
            query_await_epoch(query);
    }
    __atomic_sub_fetch(&query->awaiting, 1, __ATOMIC_ACQ_REL);
    mem_free(targets);
    return rc;
}
