/*
 * exchange.h -- re-keyed rows on their way from one stage to the next, in memory.
 *
 *     op_exchange (stage s, any partition) --blocks--> queue of (stage s+1, partition p)
 *
 * Rows are copied into blocks of the queue's own memory, so that the producer's batch can go.  A
 * queue holds up to exchange_bytes; exchange_offer() never blocks but refuses, and the producer's
 * task parks with its blocks until room() is called.  Blocks of one producer arrive in the order
 * they were offered, so rows of one key that come from one partition stay in order.
 *
 * in_flight counts blocks from offer (or parking) to exchange_done(): it is 0 exactly when every
 * row that entered has been processed to the end of its stage.
 *
 * Thread: offer the producers' workers, take and done the consumer's.
 */
#ifndef EXEC_EXCHANGE_H
#define EXEC_EXCHANGE_H

#include "exec/batch.h"
#include "planner/plan.h"

typedef struct Exchange Exchange;

typedef struct Block {
    Row          *rows;
    uint32_t      len, cap;
    uint32_t      cols_len;
    uint32_t      target; /* partition */
    uint32_t      scan;   /* where its rows come from: index in Plan.scans */
    Arena        *mem;
    struct Block *next;
} Block;

typedef struct ExchangeOpts {
    const PlanNode *node;
    uint32_t        targets;   /* tasks of the next stage */
    uint32_t        producers; /* tasks of this stage */
    int64_t         bytes_max; /* per queue */
    int64_t        *in_flight; /* atomic; the query's or its commit group's */
    /* Called on any thread: target has something to take; producer may offer again. */
    void (*ready)(void *arg, uint32_t target);
    void (*room)(void *arg, uint32_t producer);
    void *arg;
} ExchangeOpts;

enum { BLOCK_ROWS = 1024, BLOCK_BYTES = 131072 };

Exchange *exchange_new(const ExchangeOpts *opts);
void      exchange_free(Exchange *exchange); /* with what it still holds */

/* An empty block from the pool; counted in in_flight from now on. */
Block *exchange_block(Exchange *exchange, uint32_t target);
/* Copies a row and all it points at. */
void               block_add(Block *block, const Row *row, bool has_old);
static inline bool block_is_full(const Block *block)
{
    return block->len == block->cap || arena_used(block->mem) >= BLOCK_BYTES;
}

/* Takes the block on true.  False: the queue is full; room(producer) will be called. */
bool exchange_offer(Exchange *exchange, Block *block, uint32_t producer);
/* The oldest block of target, or NULL; the consumer's until exchange_done(). */
Block *exchange_take(Exchange *exchange, uint32_t target);
/* Gives a block back to the pool: processed, or dropped. */
void exchange_done(Exchange *exchange, Block *block);

uint32_t        exchange_targets(const Exchange *exchange);
const PlanNode *exchange_node(const Exchange *exchange);

/* op_exchange: moves the blocks that it still holds; true when none is left.  While false the
 * task is parked. */
struct Op;
bool op_exchange_flush(struct Op *op);
/* Drops them instead: the epoch is given up. */
void op_exchange_drop(struct Op *op);

#endif
