#include "exec/task.h"

#include "common/limit.h"
#include "exec/commit.h"
#include "exec/query_internal.h"
#include "exec/runtime_internal.h"
#include "exec/skew.h"
#include "exec/worker.h"

/* --- life ------------------------------------------------------------------------------------- */

static void task_add_state(Task *task, const PlanStore *store)
{
    Query    *query = task->query;
    StateOpts opts = {.store = store,
                      .partition = task->partition,
                      .bytes_max = g_limits.state_bytes,
                      .budget = &query->runtime->state_budget,
                      .is_complete = true};

    if (!store || task->states[store->number])
        return;
    if (query->file) {
        opts.backing = query_file_backing(query->file, store->number, task->partition);
        opts.is_complete = query_file_is_empty(query->file);
    }
    task->states[store->number] = state_new(&opts);
}

void task_make_states(Task *task)
{
    const Plan *plan = task->query->plan;

    for (uint32_t i = 0; i < plan->nodes_len; i++) {
        const PlanNode *node = plan->nodes[i];

        if (!node || node->stage != task->stage || node->kind == PLAN_EXCHANGE)
            continue;
        task_add_state(task, node->store);
        if (node->kind < PLAN_JOIN_STREAMS || node->kind > PLAN_JOIN_FOREIGN_KEY)
            continue;
        task_add_state(task, node->u.join.right_store);
        task_add_state(task, node->u.join.index_store);
    }
}

void task_free_states(Task *task)
{
    for (uint32_t i = 0; i < task->query->plan->stores_len; i++) {
        state_free(task->states[i]);
        task->states[i] = NULL;
    }
}

/* exprs -> processing log: what failed while a row was evaluated. */
static void task_report(void *self, const ExprProg *prog, const Row *row, const Err *err)
{
    Task *task = self;

    (void)row;
    task->ctx.counters.eval_errors++;
    proclog_record(task->ctx.log, expr_name(prog), STR_NULL, err);
}

static void task_init_ctx(Task *task)
{
    Query *query = task->query;
    OpCtx *ctx = &task->ctx;

    ctx->query_mem = task->ops_mem;
    ctx->plan = query->plan;
    ctx->props = &query->props;
    ctx->query_id = query->id;
    ctx->partition = task->partition;
    ctx->states = task->states;
    ctx->is_one_task = query->runtime->opts.is_one_task;
    ctx->errors = (ExprErrors){.report = task_report, .self = task};
    ctx->expr.errors = &ctx->errors;
    ctx->log = query->log;
    ctx->out = &task->out;
    ctx->chunk_owner = query;
    ctx->exchanges = query->exchanges;
    ctx->push = query->push;
    ctx->limit_left = &query->limit_left;
    ctx->limit_unsent = &query->limit_unsent;
    ctx->record_bytes_max = query->record_bytes_max;
}

Task *task_new(Query *query, uint32_t stage, uint32_t partition, Worker *worker)
{
    Task       *task = ARENA_NEW(query->mem, Task);
    const Plan *plan = query->plan;

    task->query = query;
    task->stage = stage;
    task->partition = partition;
    task->states = ARENA_ARRAY(query->mem, State *, plan->stores_len);
    task->positions = ARENA_ARRAY(query->mem, int64_t, plan->scans_len);
    task->ends = ARENA_ARRAY(query->mem, int64_t, plan->scans_len);
    task->part.task = task;
    task->part.marks = ARENA_ARRAY(query->mem, TaskMark, plan->scans_len);
    task->ops_mem = arena_new(0);
    task->worker = worker;
    task_init_ctx(task);
    task_make_states(task);
    return task;
}

void task_free(Task *task)
{
    if (!task)
        return;
    task_close(task);
    task_free_states(task);
    chunk_list_free(&task->part.out);
    changes_free(task->part.changes);
    arena_free(task->ops_mem);
}

ErrCode task_open(Task *task, Err *err)
{
    Query       *query = task->query;
    uint32_t     scans_len = query->plan->scans_len;
    int64_t     *offsets = ARENA_ARRAY(task->ops_mem, int64_t, scans_len);
    int64_t     *stops = ARENA_ARRAY(task->ops_mem, int64_t, scans_len);
    PipelineOpts opts = {.ctx = &task->ctx,
                         .batch_mem = worker_batch_mem(task->worker),
                         .broker = query->runtime->broker,
                         .stage = task->stage,
                         .starts = {offsets, stops},
                         .wake = {task_wake, task}};

    for (uint32_t i = 0; i < scans_len; i++) {
        if (task->partition >= query->scan_first[i + 1] - query->scan_first[i])
            continue; /* a scan of another stage, with fewer partitions */
        offsets[i] = __atomic_load_n(&query->settled[query_spot(query, i, task->partition)],
                                     __ATOMIC_RELAXED);
        stops[i] = query->stops[query_spot(query, i, task->partition)];
        __atomic_store_n(&task->positions[i], offsets[i], __ATOMIC_RELAXED);
    }
    TRY(pipeline_open(&task->pipe, &opts, err));
    skew_open(task);
    task->is_open = true;
    return ERR_OK;
}

void task_close(Task *task)
{
    CommitGroup *group = query_commit_group(task->query);

    pipeline_close(&task->pipe);
    task->is_open = false;
    chunk_list_free(&task->out);
    if (group)
        __atomic_sub_fetch(&group->bytes, task->out_bytes, __ATOMIC_RELAXED);
    task->out_bytes = 0;
    arena_reset(task->ops_mem);
}

/* --- running ---------------------------------------------------------------------------------- */

static void task_show(Task *task)
{
    const OpCounters *counters = &task->ctx.counters;
    int64_t           held = 0;

    __atomic_store_n(&task->shown.rows_in, counters->rows_in, __ATOMIC_RELAXED);
    __atomic_store_n(&task->shown.rows_out, counters->rows_out, __ATOMIC_RELAXED);
    __atomic_store_n(&task->shown.skipped, counters->skipped, __ATOMIC_RELAXED);
    __atomic_store_n(&task->shown.late, counters->late, __ATOMIC_RELAXED);
    __atomic_store_n(&task->shown.eval_errors, counters->eval_errors, __ATOMIC_RELAXED);
    for (uint32_t i = 0; i < task->query->plan->stores_len; i++)
        held += task->states[i] ? (int64_t)state_bytes(task->states[i]) : 0;
    __atomic_store_n(&task->state_bytes, held, __ATOMIC_RELAXED);
    for (uint32_t i = 0; i < task->pipe.inputs_len; i++) {
        const Scan *scan = task->pipe.inputs[i].scan;

        if (!scan)
            continue;
        __atomic_store_n(&task->positions[scan_number(scan)], scan_position(scan),
                         __ATOMIC_RELAXED);
        __atomic_store_n(&task->ends[scan_number(scan)], scan_end(scan), __ATOMIC_RELAXED);
    }
}

/* Full chunks count against the group's limit as soon as they are full, entries when touched. */
static void task_count_bytes(Task *task)
{
    CommitGroup *group = query_commit_group(task->query);
    int64_t      bytes = (int64_t)task->out.bytes;

    for (uint32_t i = 0; i < task->query->plan->stores_len; i++)
        bytes += task->states[i] ? (int64_t)state_open_bytes(task->states[i]) : 0;

    if (!group || bytes == task->out_bytes)
        return;
    __atomic_add_fetch(&group->bytes, bytes - task->out_bytes, __ATOMIC_RELAXED);
    task->out_bytes = bytes;
}

/* A pull query on a stream ends when its sources have been read and nothing is under way. */
static void task_check_complete(Task *task)
{
    Query *query = task->query;

    if (query->plan->kind != QUERY_STREAM_PULL)
        return;
    if (!task->is_complete && pipeline_is_complete(&task->pipe)) {
        task->is_complete = true;
        for (uint32_t i = 0; i < task->pipe.inputs_len; i++) {
            if (task->pipe.inputs[i].scan) {
                __atomic_add_fetch(&query->complete, 1, __ATOMIC_ACQ_REL);
                break;
            }
        }
    }
    if (__atomic_load_n(&query->complete, __ATOMIC_ACQUIRE) == query->sources &&
        __atomic_load_n(&query->in_flight, __ATOMIC_ACQUIRE) == 0)
        push_finish(query->push, PUSH_COMPLETE, NULL);
}

static void task_discard_change(void *self, const State *state, Str key, Str value)
{
    (void)self;
    (void)state;
    (void)key;
    (void)value;
}

/* A query outside of commit groups settles its states by itself, whenever it idles. */
static void task_settle_alone(Task *task)
{
    StateSink sink = {.put = task_discard_change};

    for (uint32_t i = 0; i < task->query->plan->stores_len; i++) {
        State *state = task->states[i];

        if (!state || !state_is_dirty(state))
            continue;
        state_seal(state, 1);
        (void)state_encode(state, 0, sink);
        state_settle(state, 1);
    }
}

static bool task_may_run(Task *task)
{
    Query *query = task->query;
    Err    err;

    /* While the query is halted the committer may be opening the task again. */
    if (__atomic_load_n(&query->is_halted, __ATOMIC_ACQUIRE) || !task->is_open || task->is_gone)
        return false;
    return !query->push || push_end(query->push, &err) == PUSH_OPEN;
}

static bool task_push_is_full(const Query *query)
{
    return query->push && push_is_full(query->push, clock_monotonic_ns(query->runtime->clock));
}

/*
 * Where a topic ends with the mark of a transaction, a position moves without a record: that alone
 * is not worth an epoch, until somebody waits for the query to settle what its sources hold.
 */
static bool task_is_awaited(const Task *task)
{
    const Query *query = task->query;

    if (__atomic_load_n(&query->awaiting, __ATOMIC_ACQUIRE) == 0)
        return false;
    for (uint32_t i = 0; i < task->pipe.inputs_len; i++) {
        const Scan *scan = task->pipe.inputs[i].scan;

        if (scan && scan_position(scan) >
                        __atomic_load_n(
                            &query->settled[query_spot(query, scan_number(scan), task->partition)],
                            __ATOMIC_ACQUIRE))
            return true;
    }
    return false;
}

TaskResult task_run(Task *task, bool reads, bool *did)
{
    Query       *query = task->query;
    bool         is_paused = __atomic_load_n(&query->is_paused, __ATOMIC_RELAXED) != 0;
    CommitGroup *group = query_commit_group(query);
    bool         is_full = group ? commit_is_full(group) : task_push_is_full(query);
    Err          err;
    ErrCode      rc;

    *did = false;
    if (!task_may_run(task) || !pipeline_flush(&task->pipe))
        return TASK_IDLE;
    task->ctx.expr.now_ms = clock_now_ms(query->runtime->clock);
    task->ctx.expr.mem = task->pipe.batch_mem;
    skew_prepare(task);
    rc = pipeline_run(&task->pipe, reads && !is_paused && !is_full, did, &err);
    if (rc == ERR_OK && reads && !is_paused && !is_full)
        skew_publish(task);
    task_count_bytes(task);
    task_show(task);
    if (rc != ERR_OK) {
        query_fail(query, task->ctx.failure.is_known ? &task->ctx.failure : NULL, &err);
        *did = true;
        return TASK_IDLE;
    }
    if (!pipeline_flush(&task->pipe))
        return TASK_IDLE; /* parked: the exchange wakes it */
    if (*did)
        return TASK_MORE;
    if (is_full && !group)
        return TASK_STALLED;
    if (!reads || is_full)
        return TASK_HELD;
    if (!group)
        task_settle_alone(task);
    task_check_complete(task);
    *did = task_is_awaited(task);
    return skew_hold(task);
}

/* --- epochs ----------------------------------------------------------------------------------- */

ErrCode task_seal(Task *task, uint64_t epoch, Err *err)
{
    EpochPart *part = &task->part;

    task->ctx.expr.mem = task->pipe.batch_mem;
    TRY(pipeline_seal(&task->pipe, err));
    task_count_bytes(task);
    task_show(task);
    chunk_list_join(&part->out, &task->out);
    part->bytes = task->out_bytes;
    task->out_bytes = 0;
    part->marks_len = 0;
    for (uint32_t i = 0; i < task->pipe.inputs_len; i++) {
        const Scan *scan = task->pipe.inputs[i].scan;

        if (scan)
            part->marks[part->marks_len++] =
                (TaskMark){.scan = scan_number(scan), .offset = scan_position(scan)};
    }
    for (uint32_t i = 0; i < task->query->plan->stores_len; i++) {
        if (!task->states[i] || !state_is_dirty(task->states[i]))
            continue;
        state_seal(task->states[i], epoch);
        if (!part->changes)
            part->changes = changes_new();
    }
    return ERR_OK;
}

bool task_encode(Task *task, uint32_t entries_max)
{
    bool is_done = true;

    if (!task->part.changes)
        return true;
    for (uint32_t i = 0; i < task->query->plan->stores_len && is_done; i++) {
        if (task->states[i])
            is_done = state_encode(task->states[i], entries_max, changes_sink(task->part.changes));
    }
    return is_done;
}

void task_settle(Task *task, uint64_t epoch)
{
    for (uint32_t i = 0; i < task->query->plan->stores_len; i++) {
        if (task->states[i])
            state_settle(task->states[i], epoch);
    }
}

void task_wake(void *arg)
{
    Task *task = arg;

    worker_wake(task->worker, task);
}
