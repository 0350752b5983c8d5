/*
 * push.c -- a bounded list of blocks between one query and one subscriber.
 */
#include "exec/push.h"

#include <pthread.h>

#include "common/limit.h"

enum { PUSH_BLOCK_ROWS = 256 };

struct PushQueue {
    PushOpts        opts;
    pthread_mutex_t lock;
    PushBlock      *head, *tail;
    int64_t         rows, bytes;
    PushEnd         end;
    Err             err;
    int             refs;          /* atomic */
    int64_t         full_since_ns; /* 0: not full when last asked */
    void (*room)(void *arg);
    void *room_arg;
};

PushQueue *push_queue_new(const PushOpts *opts)
{
    PushQueue *queue = MEM_NEW(PushQueue);

    queue->opts = *opts;
    queue->refs = 2;
    pthread_mutex_init(&queue->lock, NULL);
    return queue;
}

void push_queue_unref(PushQueue *queue)
{
    if (!queue || __atomic_sub_fetch(&queue->refs, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    while (queue->head) {
        PushBlock *block = queue->head;

        queue->head = block->next;
        push_block_free(block);
    }
    pthread_mutex_destroy(&queue->lock);
    mem_free(queue);
}

static PushBlock *push_block_new(uint32_t cap)
{
    PushBlock *block = MEM_NEW(PushBlock);

    block->mem = arena_new(0);
    block->cap = cap;
    block->rows = arena_alloc(block->mem, sizeof(PushRow) * cap);
    return block;
}

void push_block_free(PushBlock *block)
{
    if (!block)
        return;
    arena_free(block->mem);
    mem_free(block);
}

static void push_block_add(PushBlock *block, const Row *row, uint32_t cols_len)
{
    PushRow *copy = &block->rows[block->len++];
    Value   *cols = arena_alloc(block->mem, sizeof(Value) * cols_len);

    for (uint32_t i = 0; i < cols_len; i++)
        cols[i] = value_copy(block->mem, row->cols[i]);
    *copy = (PushRow){
        .cols = cols,
        .ts = row->ts,
        .window_start = row->window_start,
        .window_end = row->window_end,
        .is_tombstone = (row->flags & ROW_VALUE_NULL) != 0,
    };
}

/* The rows of a batch as blocks, copied outside the lock. */
static void push_copy(const PushQueue *queue, const Batch *batch, PushBlock **head,
                      PushBlock **tail, int64_t *bytes)
{
    uint32_t cols_len = queue->opts.schema->len;

    *head = *tail = NULL;
    *bytes = 0;
    for (uint32_t i = 0; i < batch->len; i++) {
        if (!*tail || (*tail)->len == (*tail)->cap) {
            uint32_t   left = batch->len - i;
            PushBlock *block = push_block_new(left < PUSH_BLOCK_ROWS ? left : PUSH_BLOCK_ROWS);

            if (*tail)
                (*tail)->next = block;
            else
                *head = block;
            *tail = block;
        }
        push_block_add(*tail, &batch->rows[i], cols_len);
    }
    for (PushBlock *block = *head; block; block = block->next) {
        block->bytes = arena_used(block->mem);
        *bytes += (int64_t)block->bytes;
    }
}

static void push_drop(PushBlock *block)
{
    while (block) {
        PushBlock *next = block->next;

        push_block_free(block);
        block = next;
    }
}

static void push_finish_locked(PushQueue *queue, PushEnd end, const Err *err)
{
    queue->end = end;
    if (err)
        queue->err = *err;
}

/* A batch may come after the last look at push_is_full(); one more than half may wait. */
static void push_cut_off_locked(PushQueue *queue)
{
    Err err;

    (void)err_set(&err, ERR_LIMIT,
                  "subscriber is too slow: %lld rows and %lld bytes wait, and it took none of them "
                  "for %lld ms",
                  (long long)queue->rows, (long long)queue->bytes,
                  (long long)g_limits.push_stall_ms);
    err_hint(&err, "read faster, select less, or raise weir.limit.push.stall.ms");
    push_finish_locked(queue, PUSH_CUT_OFF, &err);
}

bool push_is_full(PushQueue *queue, int64_t now_ns)
{
    bool is_full, is_cut_off = false;

    pthread_mutex_lock(&queue->lock);
    is_full = queue->rows * 2 >= queue->opts.rows_max || queue->bytes * 2 >= queue->opts.bytes_max;
    if (!is_full) {
        queue->full_since_ns = 0;
    } else if (queue->full_since_ns == 0) {
        queue->full_since_ns = now_ns;
    } else if (queue->end == PUSH_OPEN &&
               now_ns - queue->full_since_ns > g_limits.push_stall_ms * 1000000) {
        push_cut_off_locked(queue);
        is_cut_off = true;
    }
    pthread_mutex_unlock(&queue->lock);
    if (is_cut_off && queue->opts.wake)
        queue->opts.wake(queue->opts.arg);
    return is_full;
}

void push_on_room(PushQueue *queue, void (*room)(void *arg), void *arg)
{
    pthread_mutex_lock(&queue->lock);
    queue->room = room;
    queue->room_arg = arg;
    pthread_mutex_unlock(&queue->lock);
}

bool push_rows(PushQueue *queue, const Batch *batch)
{
    PushBlock *head, *tail;
    int64_t    bytes;
    bool       is_taken = false, was_empty;

    if (batch->len == 0)
        return push_end(queue, &(Err){0}) == PUSH_OPEN;
    push_copy(queue, batch, &head, &tail, &bytes);
    pthread_mutex_lock(&queue->lock);
    was_empty = !queue->head;
    is_taken = queue->end == PUSH_OPEN;
    if (is_taken) {
        if (queue->tail)
            queue->tail->next = head;
        else
            queue->head = head;
        queue->tail = tail;
        queue->rows += batch->len;
        queue->bytes += bytes;
    }
    pthread_mutex_unlock(&queue->lock);
    if (!is_taken)
        push_drop(head);
    if ((was_empty || !is_taken) && queue->opts.wake)
        queue->opts.wake(queue->opts.arg);
    return is_taken;
}

void push_finish(PushQueue *queue, PushEnd end, const Err *err)
{
    bool is_first;

    pthread_mutex_lock(&queue->lock);
    is_first = queue->end == PUSH_OPEN;
    if (is_first)
        push_finish_locked(queue, end, err);
    pthread_mutex_unlock(&queue->lock);
    if (is_first && queue->opts.wake)
        queue->opts.wake(queue->opts.arg);
}

PushBlock *push_take(PushQueue *queue)
{
    PushBlock *block;

    pthread_mutex_lock(&queue->lock);
    block = queue->head;
    queue->head = queue->tail = NULL;
    queue->rows = queue->bytes = 0;
    if (queue->full_since_ns && queue->room)
        queue->room(queue->room_arg);
    queue->full_since_ns = 0;
    pthread_mutex_unlock(&queue->lock);
    return block;
}

PushEnd push_end(PushQueue *queue, Err *err)
{
    PushEnd end;

    pthread_mutex_lock(&queue->lock);
    end = queue->end;
    if (end == PUSH_FAILED || end == PUSH_CUT_OFF)
        *err = queue->err;
    pthread_mutex_unlock(&queue->lock);
    return end;
}

const Schema *push_schema(const PushQueue *queue)
{
    return queue->opts.schema;
}
