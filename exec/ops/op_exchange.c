/*
 * op_exchange.c -- the end of a stage: each row goes to the task of its key in the next stage.
 *
 * Rows are copied into one open block per target.  At the end of a batch the blocks are offered to
 * the queues; what a full queue refuses stays here, in order, and the task is parked until
 * op_exchange_flush() could hand everything over.
 */
#include <assert.h>

#include "exec/exchange.h"
#include "exec/format.h"
#include "exec/ops/ops.h"

/* Blocks of one target that were not taken yet, oldest first. */
typedef struct Outbox {
    Block *head, *tail;
} Outbox;

typedef struct OpExchange {
    Op        base;
    Exchange *exchange;
    Encoder  *key_encoder; /* NULL: value_hash() decides, always in the same way */
    Outbox   *outboxes;    /* per target */
    uint32_t  targets;
    Buf       key; /* heap */
} OpExchange;

static ErrCode op_exchange_target(OpExchange *self, const Row *row, uint32_t *out, Err *err)
{
    uint32_t key_len = self->base.node->schema->key_len;
    bool     is_null = false;
    uint64_t hash = 0;

    *out = 0;
    if (self->targets == 1)
        return ERR_OK;
    if (!self->key_encoder) {
        for (uint32_t i = 0; i < key_len; i++)
            hash = hash * 0x9e3779b97f4a7c15u + value_hash(row->cols[i]);
        *out = (uint32_t)((hash >> 32) % self->targets);
        return ERR_OK;
    }
    buf_clear(&self->key);
    TRY(encoder_run(self->key_encoder, row->cols, &self->key, &is_null, err));
    *out = is_null ? 0 : partition_of_key(buf_view(&self->key), self->targets);
    return ERR_OK;
}

static Block *op_exchange_open_block(OpExchange *self, uint32_t target)
{
    Outbox *outbox = &self->outboxes[target];
    Block  *block;

    if (outbox->tail && !block_is_full(outbox->tail) && outbox->tail->scan == self->base.ctx->scan)
        return outbox->tail;
    block = exchange_block(self->exchange, target);
    block->scan = self->base.ctx->scan;
    if (outbox->tail)
        outbox->tail->next = block;
    else
        outbox->head = block;
    outbox->tail = block;
    return block;
}

static ErrCode op_exchange_process(Op *op, int input, Batch *batch, Err *err)
{
    OpExchange *self = (OpExchange *)op;
    uint32_t    target;

    (void)input;
    for (uint32_t i = 0; i < batch->len; i++) {
        const Row *row = &batch->rows[i];

        if (op_exchange_target(self, row, &target, err) != ERR_OK) {
            op_fail_at(op->ctx, row);
            return err->code;
        }
        block_add(op_exchange_open_block(self, target), row, op->node->is_table);
    }
    return ERR_OK;
}

bool op_exchange_flush(Op *op)
{
    OpExchange *self = (OpExchange *)op;
    bool        is_empty = true;

    assert(op->cls == &op_exchange_class);
    for (uint32_t i = 0; i < self->targets; i++) {
        Outbox *outbox = &self->outboxes[i];

        while (outbox->head) {
            Block *block = outbox->head;
            Block *next = block->next;

            if (!exchange_offer(self->exchange, block, op->ctx->partition)) {
                is_empty = false;
                break;
            }
            outbox->head = next;
            if (!next)
                outbox->tail = NULL;
        }
    }
    return is_empty;
}

void op_exchange_drop(Op *op)
{
    OpExchange *self = (OpExchange *)op;

    for (uint32_t i = 0; i < self->targets; i++) {
        Block *block = self->outboxes[i].head;

        while (block) {
            Block *next = block->next;

            exchange_done(self->exchange, block);
            block = next;
        }
        self->outboxes[i] = (Outbox){0};
    }
}

static ErrCode op_exchange_open(OpCtx *ctx, const PlanNode *node, Op **out, Err *err)
{
    OpExchange   *self = ARENA_NEW(ctx->query_mem, OpExchange);
    const Schema *schema = node->schema;
    FormatSide    key = {.spec = node->u.exchange.key_format,
                         .cols = schema->cols,
                         .len = schema->key_len,
                         .is_key = true};

    self->exchange = ctx->exchanges[node->id];
    self->targets = exchange_targets(self->exchange);
    if (!node->u.exchange.is_free && self->targets > 1)
        TRY(encoder_open(ctx->query_mem, &key, &self->key_encoder, err));
    self->outboxes = ARENA_ARRAY(ctx->query_mem, Outbox, self->targets);
    *out = &self->base;
    return ERR_OK;
}

static void op_exchange_close(Op *op)
{
    op_exchange_drop(op);
    buf_deinit(&((OpExchange *)op)->key);
}

const OpClass op_exchange_class = {
    .name = "exchange",
    .open = op_exchange_open,
    .process = op_exchange_process,
    .close = op_exchange_close,
};
