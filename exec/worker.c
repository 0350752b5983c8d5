/*
 * worker.c -- a loop over messages, encoding and tasks.
 *
 * Ready tasks wait in one queue per stage; the highest stage runs first.  A task is on at most one
 * place of each list.  Wakes from other threads go through a list of their own that is emptied at
 * the start of each round.
 */
#include "exec/worker.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>

#include "exec/commit.h"
#include "exec/query_internal.h"
#include "exec/runtime_internal.h"

enum { ENCODE_ENTRIES = 2048 }; /* between two batches */

typedef struct Latch {
    pthread_mutex_t lock;
    pthread_cond_t  done;
    uint32_t        left;
} Latch;

/* On the stack of the caller, who waits: the queue is as long as there are callers. */
typedef struct Message {
    MessageKind     kind;
    CommitGroup    *group;
    Query          *query;
    Latch          *latch;
    struct Message *next;
} Message;

typedef struct ReadyQueue {
    Task *head, *tail;
} ReadyQueue;

enum { STALL_LOOK_MS = 250 };

struct Worker {
    Runtime        *runtime;
    uint32_t        index;
    pthread_t       thread;
    bool            has_thread;
    pthread_mutex_t lock; /* inbox, woken, is_stopping */
    pthread_cond_t  changed;
    Message        *inbox, *inbox_tail;
    Task           *woken;
    bool            is_stopping;
    int             is_idle; /* atomic */

    ReadyQueue ready[STAGES_MAX];
    uint64_t   ready_stages; /* bit per stage with ready tasks */
    Task      *encoding;     /* sealed, not wholly encoded; by encode_next */
    Arena     *batch_mem;
    Task      *stalled; /* held by a subscriber or another task; by stalled_next */
};

/* --- lists ------------------------------------------------------------------------------------ */

static void worker_ready(Worker *worker, Task *task)
{
    ReadyQueue *queue = &worker->ready[task->stage];

    if (task->is_ready || task->is_gone || !task->is_added)
        return;
    task->is_ready = true;
    task->ready_next = NULL;
    if (queue->tail)
        queue->tail->ready_next = task;
    else
        queue->head = task;
    queue->tail = task;
    worker->ready_stages |= UINT64_C(1) << task->stage;
}

static Task *worker_next_ready(Worker *worker)
{
    ReadyQueue *queue;
    Task       *task;
    int         stage;

    if (!worker->ready_stages)
        return NULL;
    stage = 63 - __builtin_clzll(worker->ready_stages);
    queue = &worker->ready[stage];
    task = queue->head;
    queue->head = task->ready_next;
    if (!queue->head) {
        queue->tail = NULL;
        worker->ready_stages &= ~(UINT64_C(1) << stage);
    }
    task->is_ready = false;
    return task;
}

static void worker_unready(Worker *worker, Task *task)
{
    ReadyQueue *queue = &worker->ready[task->stage];
    Task       *before = NULL;

    if (!task->is_ready)
        return;
    for (Task *at = queue->head; at != task; at = at->ready_next)
        before = at;
    if (before)
        before->ready_next = task->ready_next;
    else
        queue->head = task->ready_next;
    if (queue->tail == task)
        queue->tail = before;
    if (!queue->head)
        worker->ready_stages &= ~(UINT64_C(1) << task->stage);
    task->is_ready = false;
}

static void worker_undirty(GroupShare *share, Task *task)
{
    Task **at = &share->dirty;

    if (!task->is_dirty)
        return;
    while (*at != task)
        at = &(*at)->dirty_next;
    *at = task->dirty_next;
    task->is_dirty = false;
}

static void worker_unhold(GroupShare *share, Task *task)
{
    Task **at = &share->held;

    if (!task->is_held)
        return;
    while (*at != task)
        at = &(*at)->held_next;
    *at = task->held_next;
    task->is_held = false;
}

/* Looked at again when it is woken, and now and then: its subscriber may have to be cut off, or it
 * has waited long enough for other tasks. */
static void worker_stall(Worker *worker, Task *task)
{
    if (task->is_stalled)
        return;
    task->is_stalled = true;
    task->stalled_next = worker->stalled;
    worker->stalled = task;
}

static void worker_unstall(Worker *worker, Task *task)
{
    Task **at = &worker->stalled;

    if (!task->is_stalled)
        return;
    while (*at != task)
        at = &(*at)->stalled_next;
    *at = task->stalled_next;
    task->is_stalled = false;
}

static GroupShare *worker_share(const Worker *worker, const Task *task)
{
    CommitGroup *group = query_commit_group(task->query);

    return group ? &group->shares[worker->index] : NULL;
}

void worker_wake(Worker *worker, Task *task)
{
    if (__atomic_exchange_n(&task->is_woken, 1, __ATOMIC_ACQ_REL))
        return;
    pthread_mutex_lock(&worker->lock);
    task->woken_next = worker->woken;
    worker->woken = task;
    pthread_cond_signal(&worker->changed);
    pthread_mutex_unlock(&worker->lock);
}

static void worker_take_woken(Worker *worker)
{
    Task *task, *oldest = NULL;

    pthread_mutex_lock(&worker->lock);
    task = worker->woken;
    worker->woken = NULL;
    pthread_mutex_unlock(&worker->lock);
    /* The list is newest first; tasks are to run in the order they were woken. */
    while (task) {
        Task *next = task->woken_next;

        task->woken_next = oldest;
        oldest = task;
        task = next;
    }
    while (oldest) {
        Task *next = oldest->woken_next;

        __atomic_store_n(&oldest->is_woken, 0, __ATOMIC_RELEASE);
        worker_ready(worker, oldest);
        oldest = next;
    }
}

/* --- messages --------------------------------------------------------------------------------- */

static void worker_seal_task(Worker *worker, CommitGroup *group, Task *task)
{
    Query *query = task->query;
    Err    err;

    task->is_dirty = false;
    if (__atomic_load_n(&query->is_halted, __ATOMIC_ACQUIRE) || !task->is_open)
        return;
    if (task_seal(task, group->epoch, &err) != ERR_OK) {
        query_fail(query, task->ctx.failure.is_known ? &task->ctx.failure : NULL, &err);
        return;
    }
    if (task->part.changes) {
        __atomic_add_fetch(&group->encoding, 1, __ATOMIC_RELAXED);
        task->encode_next = worker->encoding;
        worker->encoding = task;
    }
    pthread_mutex_lock(&group->lock);
    task->part.next = NULL;
    *group->parts_end = &task->part;
    group->parts_end = &task->part.next;
    pthread_mutex_unlock(&group->lock);
}

static void worker_seal(Worker *worker, CommitGroup *group)
{
    GroupShare *share = &group->shares[worker->index];
    Task       *oldest = NULL;

    /* Output is committed in the order in which the tasks first ran. */
    while (share->dirty) {
        Task *task = share->dirty;

        share->dirty = task->dirty_next;
        task->dirty_next = oldest;
        oldest = task;
    }
    while (oldest) {
        Task *next = oldest->dirty_next;

        worker_seal_task(worker, group, oldest);
        oldest = next;
    }
}

static void worker_release_held(Worker *worker, CommitGroup *group)
{
    GroupShare *share = &group->shares[worker->index];

    while (share->held) {
        Task *task = share->held;

        share->held = task->held_next;
        task->is_held = false;
        worker_ready(worker, task);
    }
}

static void worker_settle(Worker *worker, CommitGroup *group)
{
    for (EpochPart *part = group->parts; part; part = part->next) {
        if (part->is_included && part->task->worker == worker)
            task_settle(part->task, group->epoch - 1);
    }
    worker_release_held(worker, group);
}

/* Closes the task's pipeline and takes it off every list but that of wakes. */
static void worker_detach_task(Worker *worker, Task *task)
{
    GroupShare *share = worker_share(worker, task);

    worker_unready(worker, task);
    worker_unstall(worker, task);
    if (share) {
        worker_undirty(share, task);
        worker_unhold(share, task);
    }
    task_close(task);
}

static void worker_abort_states(Task *task)
{
    for (uint32_t i = 0; i < task->query->plan->stores_len; i++) {
        if (task->states[i])
            state_abort(task->states[i]);
    }
}

static void worker_for_tasks(Worker *worker, Query *query, void (*act)(Worker *, Task *))
{
    for (uint32_t i = 0; i < query->tasks_len; i++) {
        if (query->tasks[i] && query->tasks[i]->worker == worker)
            act(worker, query->tasks[i]);
    }
}

static void worker_set_back_task(Worker *worker, Task *task)
{
    worker_detach_task(worker, task);
    worker_abort_states(task);
}

static void worker_end_task(Worker *worker, Task *task)
{
    worker_detach_task(worker, task);
    task->is_gone = true;
}

static void worker_add_task(Worker *worker, Task *task)
{
    task->is_added = true;
    worker_ready(worker, task);
}

static void worker_handle(Worker *worker, const Message *message)
{
    CommitGroup *group = message->group;

    switch (message->kind) {
    case MESSAGE_ADD:
        worker_for_tasks(worker, message->query, worker_add_task);
        break;
    case MESSAGE_WAKE:
        worker_for_tasks(worker, message->query, worker_ready);
        break;
    case MESSAGE_DRAIN:
        group->shares[worker->index].is_draining = true;
        break;
    case MESSAGE_SEAL:
        worker_seal(worker, group);
        break;
    case MESSAGE_RESUME:
        group->shares[worker->index].is_draining = false;
        worker_release_held(worker, group);
        break;
    case MESSAGE_SETTLE:
        worker_settle(worker, group);
        break;
    case MESSAGE_UNHOLD:
        worker_release_held(worker, group);
        break;
    case MESSAGE_SYNC:
        break;
    case MESSAGE_SET_BACK:
        worker_for_tasks(worker, message->query, worker_set_back_task);
        break;
    case MESSAGE_DETACH:
        worker_for_tasks(worker, message->query, worker_end_task);
        break;
    case MESSAGE_FORGET:
        worker_take_woken(worker); /* tasks that are gone do not become ready */
        break;
    }
}

static void latch_count(Latch *latch)
{
    pthread_mutex_lock(&latch->lock);
    if (--latch->left == 0)
        pthread_cond_signal(&latch->done);
    pthread_mutex_unlock(&latch->lock);
}

static void worker_take_messages(Worker *worker)
{
    Message *message;

    pthread_mutex_lock(&worker->lock);
    message = worker->inbox;
    worker->inbox = worker->inbox_tail = NULL;
    pthread_mutex_unlock(&worker->lock);
    while (message) {
        Message *next = message->next; /* after the count the sender's stack may be gone */

        worker_handle(worker, message);
        latch_count(message->latch);
        message = next;
    }
}

static void worker_post(Worker *worker, Message *message)
{
    pthread_mutex_lock(&worker->lock);
    message->next = NULL;
    if (worker->inbox_tail)
        worker->inbox_tail->next = message;
    else
        worker->inbox = message;
    worker->inbox_tail = message;
    pthread_cond_signal(&worker->changed);
    pthread_mutex_unlock(&worker->lock);
}

void worker_call_all(Runtime *runtime, MessageKind kind, CommitGroup *group, Query *query)
{
    Message *messages;
    Latch    latch = {.left = runtime->workers_len};
    Message  message = {.kind = kind, .group = group, .query = query, .latch = &latch};

    if (runtime->opts.is_inline) {
        for (uint32_t i = 0; i < runtime->workers_len; i++)
            worker_handle(runtime->workers[i], &message);
        return;
    }
    messages = MEM_ARRAY(Message, runtime->workers_len);
    pthread_mutex_init(&latch.lock, NULL);
    pthread_cond_init(&latch.done, NULL);
    for (uint32_t i = 0; i < runtime->workers_len; i++) {
        messages[i] = message;
        worker_post(runtime->workers[i], &messages[i]);
    }
    pthread_mutex_lock(&latch.lock);
    while (latch.left > 0)
        pthread_cond_wait(&latch.done, &latch.lock);
    pthread_mutex_unlock(&latch.lock);
    pthread_cond_destroy(&latch.done);
    pthread_mutex_destroy(&latch.lock);
    mem_free(messages);
}

/* --- the round -------------------------------------------------------------------------------- */

static bool worker_encode(Worker *worker)
{
    Task        *task = worker->encoding;
    CommitGroup *group;

    if (!task)
        return false;
    group = query_commit_group(task->query);
    if (task_encode(task, ENCODE_ENTRIES)) {
        worker->encoding = task->encode_next;
        if (__atomic_sub_fetch(&group->encoding, 1, __ATOMIC_ACQ_REL) == 0)
            commit_notify(group);
    }
    return true;
}

static void worker_mark_dirty(Worker *worker, Task *task)
{
    CommitGroup *group = query_commit_group(task->query);
    GroupShare  *share = worker_share(worker, task);

    if (!share || task->is_dirty)
        return;
    task->is_dirty = true;
    task->dirty_next = share->dirty;
    share->dirty = task;
    if (!__atomic_exchange_n(&group->is_dirty, 1, __ATOMIC_ACQ_REL))
        commit_notify(group);
}

static void worker_hold(Worker *worker, Task *task)
{
    GroupShare *share = worker_share(worker, task);

    if (task->is_held)
        return;
    task->is_held = true;
    task->held_next = share->held;
    share->held = task;
}

static void worker_run(Worker *worker, Task *task)
{
    CommitGroup *group = query_commit_group(task->query);
    GroupShare  *share = worker_share(worker, task);
    bool         did;

    worker_unstall(worker, task);
    switch (task_run(task, !share || !share->is_draining, &did)) {
    case TASK_MORE:
        worker_ready(worker, task);
        break;
    case TASK_HELD:
        worker_hold(worker, task);
        break;
    case TASK_STALLED:
        worker_stall(worker, task);
        break;
    case TASK_IDLE:
        break;
    }
    if (did)
        worker_mark_dirty(worker, task);
    if (share && share->is_draining &&
        __atomic_load_n(&task->query->in_flight, __ATOMIC_ACQUIRE) == 0)
        commit_notify(group);
}

bool worker_step(Worker *worker)
{
    bool  did;
    Task *task;

    worker_take_messages(worker);
    worker_take_woken(worker);
    did = worker_encode(worker);
    task = worker_next_ready(worker);
    if (!task)
        return did;
    worker_run(worker, task);
    return true;
}

/* False when stalled tasks are to be looked at. */
static bool worker_wait(Worker *worker)
{
    struct timespec until;

    if (!worker->stalled)
        return pthread_cond_wait(&worker->changed, &worker->lock) == 0;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += STALL_LOOK_MS * 1000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    return pthread_cond_timedwait(&worker->changed, &worker->lock, &until) == 0;
}

static void worker_sleep(Worker *worker)
{
    bool is_due = false;

    __atomic_store_n(&worker->is_idle, 1, __ATOMIC_RELEASE);
    pthread_mutex_lock(&worker->runtime->lock);
    for (CommitGroup *group = worker->runtime->groups; group; group = group->next) {
        if (__atomic_load_n(&group->is_dirty, __ATOMIC_ACQUIRE))
            commit_notify(group);
    }
    pthread_mutex_unlock(&worker->runtime->lock);
    pthread_mutex_lock(&worker->lock);
    while (!worker->inbox && !worker->woken && !worker->is_stopping && !is_due)
        is_due = !worker_wait(worker);
    pthread_mutex_unlock(&worker->lock);
    __atomic_store_n(&worker->is_idle, 0, __ATOMIC_RELEASE);
    for (Task *task = is_due ? worker->stalled : NULL; task; task = task->stalled_next)
        worker_ready(worker, task);
}

static void *worker_main(void *arg)
{
    Worker *worker = arg;
    bool    is_stopping = false;
    char    name[16]; /* the kernel keeps no more */

    snprintf(name, sizeof name, "worker %u", worker->index % 1000000);
    pthread_setname_np(pthread_self(), name);
    while (!is_stopping) {
        if (!worker_step(worker))
            worker_sleep(worker);
        pthread_mutex_lock(&worker->lock);
        is_stopping = worker->is_stopping;
        pthread_mutex_unlock(&worker->lock);
    }
    return NULL;
}

/* --- life ------------------------------------------------------------------------------------- */

Worker *worker_new(Runtime *runtime, uint32_t index)
{
    Worker *worker = MEM_NEW(Worker);

    worker->runtime = runtime;
    worker->index = index;
    worker->batch_mem = arena_new(65536);
    pthread_mutex_init(&worker->lock, NULL);
    pthread_cond_init(&worker->changed, NULL);
    return worker;
}

ErrCode worker_start(Worker *worker, Err *err)
{
    if (pthread_create(&worker->thread, NULL, worker_main, worker) != 0)
        return err_set(err, ERR_IO, "could not start worker thread %u", worker->index);
    worker->has_thread = true;
    return ERR_OK;
}

void worker_stop(Worker *worker)
{
    if (!worker->has_thread)
        return;
    pthread_mutex_lock(&worker->lock);
    worker->is_stopping = true;
    pthread_cond_signal(&worker->changed);
    pthread_mutex_unlock(&worker->lock);
    pthread_join(worker->thread, NULL);
    worker->has_thread = false;
}

void worker_free(Worker *worker)
{
    if (!worker)
        return;
    assert(!worker->has_thread);
    pthread_cond_destroy(&worker->changed);
    pthread_mutex_destroy(&worker->lock);
    arena_free(worker->batch_mem);
    mem_free(worker);
}

bool worker_is_idle(const Worker *worker)
{
    return __atomic_load_n(&worker->is_idle, __ATOMIC_ACQUIRE) != 0;
}

uint32_t worker_index(const Worker *worker)
{
    return worker->index;
}

Arena *worker_batch_mem(const Worker *worker)
{
    return worker->batch_mem;
}
