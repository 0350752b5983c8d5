/*
 * exchange.c -- one bounded queue of blocks per task of the next stage, and a pool of empty ones.
 *
 * A lock is taken per block, never per row.  A queue takes a block while it is below its bound, so
 * it exceeds it by at most one block: a block larger than the bound cannot get stuck.
 */
#include "exec/exchange.h"

#include <assert.h>
#include <pthread.h>

enum { POOL_MAX = 16 };

typedef struct ExchangeQueue {
    Block  *head, *tail;
    int64_t bytes;
} ExchangeQueue;

struct Exchange {
    ExchangeOpts    opts;
    pthread_mutex_t lock; /* queues, pool, parked */
    ExchangeQueue  *queues;
    Block          *pool;
    uint32_t        pool_len;
    bool           *parked; /* producers that wait for room */
    uint32_t        parked_len;
};

Exchange *exchange_new(const ExchangeOpts *opts)
{
    Exchange *exchange = MEM_NEW(Exchange);

    exchange->opts = *opts;
    pthread_mutex_init(&exchange->lock, NULL);
    exchange->queues = MEM_ARRAY(ExchangeQueue, opts->targets);
    exchange->parked = MEM_ARRAY(bool, opts->producers);
    return exchange;
}

static void block_free(Block *block)
{
    arena_free(block->mem);
    mem_free(block->rows);
    mem_free(block);
}

static void block_list_free(Block *block)
{
    while (block) {
        Block *next = block->next;

        block_free(block);
        block = next;
    }
}

void exchange_free(Exchange *exchange)
{
    if (!exchange)
        return;
    for (uint32_t i = 0; i < exchange->opts.targets; i++)
        block_list_free(exchange->queues[i].head);
    block_list_free(exchange->pool);
    pthread_mutex_destroy(&exchange->lock);
    mem_free(exchange->queues);
    mem_free(exchange->parked);
    mem_free(exchange);
}

Block *exchange_block(Exchange *exchange, uint32_t target)
{
    Block *block;

    __atomic_add_fetch(exchange->opts.in_flight, 1, __ATOMIC_RELAXED);
    pthread_mutex_lock(&exchange->lock);
    block = exchange->pool;
    if (block) {
        exchange->pool = block->next;
        exchange->pool_len--;
    }
    pthread_mutex_unlock(&exchange->lock);
    if (!block) {
        block = MEM_NEW(Block);
        block->rows = MEM_ARRAY(Row, BLOCK_ROWS);
        block->cap = BLOCK_ROWS;
        block->mem = arena_new(BLOCK_BYTES);
    }
    block->len = 0;
    block->cols_len = exchange->opts.node->schema->len;
    block->target = target;
    block->next = NULL;
    return block;
}

static Value *block_copy_cols(Block *block, const Value *cols)
{
    Value *copy = arena_alloc(block->mem, sizeof(Value) * block->cols_len);

    for (uint32_t i = 0; i < block->cols_len; i++)
        copy[i] = cols[i].kind < T_DECIMAL ? cols[i] : value_copy(block->mem, cols[i]);
    return copy;
}

void block_add(Block *block, const Row *row, bool has_old)
{
    Row *copy = &block->rows[block->len++];

    *copy = *row;
    copy->key = STR_NULL;
    copy->headers = row->headers.len ? str_copy(block->mem, row->headers) : STR_NULL;
    if (row->flags & ROW_OLD_ONLY) {
        copy->cols = block_copy_cols(block, row->cols);
        copy->old = copy->cols;
        return;
    }
    copy->cols = block_copy_cols(block, row->cols);
    copy->old = has_old && row->old ? block_copy_cols(block, row->old) : NULL;
}

bool exchange_offer(Exchange *exchange, Block *block, uint32_t producer)
{
    ExchangeQueue *queue = &exchange->queues[block->target];
    uint32_t       target = block->target;
    bool           fits, was_empty;

    pthread_mutex_lock(&exchange->lock);
    was_empty = !queue->head;
    fits = was_empty || queue->bytes < exchange->opts.bytes_max;
    if (fits) {
        block->next = NULL;
        if (queue->tail)
            queue->tail->next = block;
        else
            queue->head = block;
        queue->tail = block;
        queue->bytes += (int64_t)arena_used(block->mem);
    }
    if (!fits && !exchange->parked[producer]) {
        exchange->parked[producer] = true;
        exchange->parked_len++;
    }
    pthread_mutex_unlock(&exchange->lock);
    if (fits && was_empty)
        exchange->opts.ready(exchange->opts.arg, target);
    return fits;
}

/* Wakes the producers that were refused; each will offer again, or be refused again. */
static void exchange_make_room(Exchange *exchange)
{
    for (uint32_t i = 0; i < exchange->opts.producers; i++) {
        bool was_parked;

        pthread_mutex_lock(&exchange->lock);
        was_parked = exchange->parked[i];
        if (was_parked)
            exchange->parked_len--;
        exchange->parked[i] = false;
        pthread_mutex_unlock(&exchange->lock);
        if (was_parked)
            exchange->opts.room(exchange->opts.arg, i);
    }
}

Block *exchange_take(Exchange *exchange, uint32_t target)
{
    ExchangeQueue *queue = &exchange->queues[target];
    Block         *block;
    bool           has_parked;

    pthread_mutex_lock(&exchange->lock);
    block = queue->head;
    if (block) {
        queue->head = block->next;
        if (!queue->head)
            queue->tail = NULL;
        queue->bytes -= (int64_t)arena_used(block->mem);
        block->next = NULL;
    }
    has_parked = block && exchange->parked_len > 0;
    pthread_mutex_unlock(&exchange->lock);
    if (has_parked)
        exchange_make_room(exchange);
    return block;
}

void exchange_done(Exchange *exchange, Block *block)
{
    bool is_pooled;

    arena_reset(block->mem);
    pthread_mutex_lock(&exchange->lock);
    is_pooled = exchange->pool_len < POOL_MAX;
    if (is_pooled) {
        block->next = exchange->pool;
        exchange->pool = block;
        exchange->pool_len++;
    }
    pthread_mutex_unlock(&exchange->lock);
    if (!is_pooled)
        block_free(block);
    __atomic_sub_fetch(exchange->opts.in_flight, 1, __ATOMIC_RELEASE);
}

uint32_t exchange_targets(const Exchange *exchange)
{
    return exchange->opts.targets;
}

const PlanNode *exchange_node(const Exchange *exchange)
{
    return exchange->opts.node;
}
