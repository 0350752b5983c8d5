/*
 * skew.c -- a number per source task, and a flag per task that waits for those of others.
 *
 * A task first raises its flag and then looks at the numbers once more; the others first change
 * their number and then look for flags: one of the two sees the other.
 */
#include "exec/skew.h"

#include "exec/query_internal.h"
#include "exec/runtime_internal.h"
#include "exec/worker.h"

bool skew_matters(const Plan *plan)
{
    for (uint32_t i = 0; plan->stages_len > 1 && i < plan->nodes_len; i++) {
        const PlanNode *node = plan->nodes[i];

        if (!node)
            continue;
        if (node->kind >= PLAN_JOIN_STREAMS && node->kind <= PLAN_JOIN_FOREIGN_KEY)
            return true;
        if (node->kind == PLAN_AGGREGATE && node->u.aggregate.window)
            return true;
    }
    return false;
}

static bool skew_has_scan(const Task *task)
{
    for (uint32_t i = 0; i < task->pipe.inputs_len; i++) {
        if (task->pipe.inputs[i].scan)
            return true;
    }
    return false;
}

void skew_open(Task *task)
{
    bool counts = task->query->is_timed && skew_has_scan(task);

    __atomic_store_n(&task->front, counts ? INT64_MIN : INT64_MAX, __ATOMIC_SEQ_CST);
    task->waiting_ns = 0;
}

static int64_t skew_limit(const Task *task)
{
    const Query *query = task->query;
    int64_t      oldest = INT64_MAX, limit;

    if (!query->is_timed)
        return INT64_MAX;
    for (uint32_t i = 0; i < query->tasks_len; i++) {
        const Task *other = query->tasks[i];
        int64_t     front;

        if (!other || other == task)
            continue;
        front = __atomic_load_n(&other->front, __ATOMIC_SEQ_CST);
        if (front < oldest)
            oldest = front;
    }
    return __builtin_add_overflow(oldest, query->props.time_skew_max_ms, &limit) ? INT64_MAX
                                                                                 : limit;
}

static bool skew_unpark(Query *query, Task *task)
{
    if (!__atomic_exchange_n(&task->is_ahead, 0, __ATOMIC_SEQ_CST))
        return false;
    __atomic_sub_fetch(&query->ahead, 1, __ATOMIC_SEQ_CST);
    return true;
}

static bool skew_is_patient(const Task *task)
{
    return task->waiting_ns == 0 ||
           clock_monotonic_ns(task->query->runtime->clock) - task->waiting_ns <=
               INT64_C(1) * SKEW_WAIT_MAX_MS * COMMIT_NS_PER_MS;
}

void skew_prepare(Task *task)
{
    task->pipe.ts_limit = skew_limit(task);
    task->pipe.is_patient = skew_is_patient(task);
}

void skew_publish(Task *task)
{
    Query  *query = task->query;
    int64_t front = task->pipe.front;

    if (!task->pipe.is_waiting)
        task->waiting_ns = 0;
    else if (task->waiting_ns == 0)
        task->waiting_ns = clock_monotonic_ns(query->runtime->clock);
    if (!query->is_timed || !skew_has_scan(task))
        return;
    if (task->pipe.is_waiting)
        front = task->pipe.is_patient ? __atomic_load_n(&task->front, __ATOMIC_SEQ_CST) : INT64_MAX;
    if (__atomic_exchange_n(&task->front, front, __ATOMIC_SEQ_CST) == front ||
        __atomic_load_n(&query->ahead, __ATOMIC_SEQ_CST) == 0)
        return;
    for (uint32_t i = 0; i < query->tasks_len; i++) {
        Task *other = query->tasks[i];

        if (other && other != task && skew_unpark(query, other))
            task_wake(other);
    }
}

/* False: the others have moved on meanwhile. */
static bool skew_park(Task *task)
{
    Query *query = task->query;

    if (!__atomic_exchange_n(&task->is_ahead, 1, __ATOMIC_SEQ_CST))
        __atomic_add_fetch(&query->ahead, 1, __ATOMIC_SEQ_CST);
    if (task->pipe.front > skew_limit(task))
        return true;
    skew_unpark(query, task);
    return false;
}

TaskResult skew_hold(Task *task)
{
    if (task->pipe.is_waiting)
        return task->query->is_timed || task->pipe.inputs_len > 1 ? TASK_STALLED : TASK_IDLE;
    if (task->pipe.is_ahead)
        return skew_park(task) ? TASK_STALLED : TASK_MORE;
    return TASK_IDLE;
}
