/*
 * pipeline.c -- the sentence:
 *
 *     scan_fetch -> scan_decode -> op[0] -> ... -> op[n] -> arena_reset
 *      (bytes)        (rows)        (rows)        (op_sink: bytes of a chunk)
 *
 * The rest of the file builds the tree of operators that the sentence runs through.
 */
#include "exec/pipeline.h"

#include <assert.h>

#include "exec/ops/ops.h"

/* --- running ---------------------------------------------------------------------------------- */

/* The next rows of all inputs, as far as they are known. */
static ErrCode pipeline_look(Pipeline *pipe, bool with_scans, Err *err)
{
    pipe->front = INT64_MAX;
    pipe->is_waiting = false;
    pipe->is_ahead = false;
    for (uint32_t i = 0; i < pipe->inputs_len; i++) {
        PipelineInput *input = &pipe->inputs[i];
        bool           has_records = false;

        input->ts = INT64_MAX;
        input->has_row = false;
        if (input->scan && with_scans) {
            TRY(scan_fetch(input->scan, &has_records, err));
            input->has_row = has_records;
            if (has_records)
                input->ts = scan_next_ts(input->scan);
            else if (scan_is_behind(input->scan))
                pipe->is_waiting = true;
            if (input->ts < pipe->front)
                pipe->front = input->ts;
        }
        if (input->exchange && !input->block) {
            input->block = exchange_take(input->exchange, pipe->ctx->partition);
            input->block_next = 0;
        }
        if (input->block) {
            input->has_row = true;
            input->ts = input->block->rows[input->block_next].ts;
        }
    }
    return ERR_OK;
}

static bool pipeline_may_run(Pipeline *pipe, const PipelineInput *input)
{
    if (input->block)
        return true;
    if (!input->has_row || (pipe->is_waiting && pipe->is_patient))
        return false;
    pipe->is_ahead = pipe->is_ahead || input->ts > pipe->ts_limit;
    return input->ts <= pipe->ts_limit;
}

static bool pipeline_is_first(const PipelineInput *a, const PipelineInput *b)
{
    return a->ts < b->ts || (a->ts == b->ts && a->is_table && !b->is_table);
}

/* The input to go on with.  *ts_max: how far it may go before another one comes first. */
static PipelineInput *pipeline_pick(Pipeline *pipe, int64_t *ts_max)
{
    PipelineInput *first = NULL;

    for (uint32_t i = 0; i < pipe->inputs_len; i++) {
        PipelineInput *input = &pipe->inputs[i];

        if (pipeline_may_run(pipe, input) && (!first || pipeline_is_first(input, first)))
            first = input;
    }
    *ts_max = first && first->scan ? pipe->ts_limit : INT64_MAX;
    for (uint32_t i = 0; first && i < pipe->inputs_len; i++) {
        PipelineInput *other = &pipe->inputs[i];
        bool           is_before = other->is_table && !first->is_table;
        int64_t        until = other->ts - (is_before && other->ts > INT64_MIN ? 1 : 0);

        if (other != first && pipeline_may_run(pipe, other) && until < *ts_max)
            *ts_max = until;
    }
    return first;
}

/* Rows of a block move into the batch as they are; the block is held until they are through. */
static void pipeline_take_block(Pipeline *pipe, PipelineInput *input, int64_t ts_max, Batch *batch)
{
    const Block *block = input->block;

    pipe->ctx->scan = block->scan;
    while (input->block_next < block->len && batch->len < batch->cap) {
        if (block->rows[input->block_next].ts > ts_max)
            break;
        batch->rows[batch->len++] = block->rows[input->block_next++];
    }
}

/* Room for what the input has: clearing a whole batch costs more than a few rows do. */
static uint32_t pipeline_room(const PipelineInput *input)
{
    uint32_t waiting =
        input->scan ? scan_waiting(input->scan) : input->block->len - input->block_next;

    return waiting < BATCH_ROWS_MAX ? waiting : BATCH_ROWS_MAX;
}

static void pipeline_block_done(PipelineInput *input)
{
    if (!input->block || input->block_next < input->block->len)
        return;
    exchange_done(input->exchange, input->block);
    input->block = NULL;
}

/* A failure that no operator could tie to a record is in front of the whole batch. */
static ErrCode pipeline_process(Pipeline *pipe, PipelineInput *input, Batch *batch, Err *err)
{
    OpFailure *failure = &pipe->ctx->failure;
    Row        first = batch->rows[0];
    ErrCode    rc;

    failure->is_known = false;
    rc = op_process(input->entry, input->input, batch, err);
    if (rc != ERR_OK && (!failure->is_known || failure->offset < first.offset))
        op_fail_at(pipe->ctx, &first);
    return rc;
}

ErrCode pipeline_run(Pipeline *pipe, bool with_scans, bool *did, Err *err)
{
    PipelineInput *input;
    Batch          batch;
    int64_t        ts_max;
    ErrCode        rc = ERR_OK;

    pipe->ctx->failure.is_known = false;
    TRY(pipeline_look(pipe, with_scans, err)); /* bytes */
    input = pipeline_pick(pipe, &ts_max);
    *did = input != NULL;
    if (!input)
        return ERR_OK;

    batch_init(&batch, pipe->batch_mem, pipeline_room(input));
    if (input->scan)
        rc = scan_decode(input->scan, ts_max, &batch, err); /* rows */
    else
        pipeline_take_block(pipe, input, ts_max, &batch);
    if (batch.len > 0) {
        OpFailure undecodable = pipe->ctx->failure;
        Err       rows_err;

        /* Rows in front of an undecodable record are earlier: their failure comes first. */
        if (pipeline_process(pipe, input, &batch, &rows_err) != ERR_OK) {
            *err = rows_err;
            rc = rows_err.code;
        } else {
            pipe->ctx->failure = undecodable;
        }
    }
    if (input->exchange)
        pipeline_block_done(input);
    arena_reset(pipe->batch_mem);
    return rc;
}

ErrCode pipeline_seal(Pipeline *pipe, Err *err)
{
    pipe->ctx->failure.is_known = false;
    for (uint32_t i = 0; i < pipe->ops_len; i++) {
        Op     *op = pipe->ops[i];
        Batch   batch = {.mem = pipe->batch_mem};
        ErrCode rc;

        if (!op->cls->seal)
            continue;
        rc = op->cls->seal(op, &batch, err);
        arena_reset(pipe->batch_mem);
        TRY(rc);
    }
    return ERR_OK;
}

bool pipeline_flush(Pipeline *pipe)
{
    return !pipe->exchange || op_exchange_flush(pipe->exchange);
}

bool pipeline_is_complete(const Pipeline *pipe)
{
    for (uint32_t i = 0; i < pipe->inputs_len; i++) {
        const PipelineInput *input = &pipe->inputs[i];

        if (input->block || (input->scan && !scan_is_at_stop(input->scan)))
            return false;
    }
    return true;
}

/* --- building --------------------------------------------------------------------------------- */

const PlanNode *pipeline_consumer(const Plan *plan, const PlanNode *node)
{
    for (uint32_t i = 0; i < plan->nodes_len; i++) {
        const PlanNode *consumer = plan->nodes[i];

        for (uint32_t k = 0; consumer && k < consumer->inputs_len; k++) {
            if (consumer->inputs[k] == node)
                return consumer;
        }
    }
    return NULL;
}

uint32_t pipeline_exchange_stage(const Plan *plan, const PlanNode *exchange)
{
    return pipeline_consumer(plan, exchange)->stage;
}

/* The step at the end of a stage: the root, or the exchange that the stage feeds. */
static const PlanNode *pipeline_end_of(const Plan *plan, uint32_t stage)
{
    if (plan->root->stage == stage)
        return plan->root;
    for (uint32_t i = 0; i < plan->nodes_len; i++) {
        const PlanNode *node = plan->nodes[i];

        if (node && node->kind == PLAN_EXCHANGE && node->inputs[0]->stage == stage)
            return node;
    }
    assert(!"a stage without end");
    return NULL;
}

static uint32_t pipeline_scan_number(const Plan *plan, const PlanNode *scan)
{
    for (uint32_t i = 0; i < plan->scans_len; i++) {
        if (plan->scans[i] == scan)
            return i;
    }
    assert(!"a scan that is not in the plan's list");
    return 0;
}

static ErrCode pipeline_open_scan(Pipeline *pipe, const PipelineOpts *opts, const PlanNode *node,
                                  Op *entry, int side, Err *err)
{
    PipelineInput *input = &pipe->inputs[pipe->inputs_len];
    uint32_t       number = pipeline_scan_number(opts->ctx->plan, node);
    ScanOpts       scan = {
              .broker = opts->broker,
              .node = node,
              .number = number,
              .partition = opts->ctx->partition,
              .offset = opts->starts.offsets[number],
              .stop = opts->starts.stops[number],
              .wake = opts->wake,
    };

    TRY(scan_open(opts->ctx, &scan, &input->scan, err));
    input->entry = entry;
    input->input = side;
    input->is_table = node->is_table;
    pipe->inputs_len++;
    return ERR_OK;
}

static bool pipeline_coalesces(const PipelineOpts *opts, const PlanNode *node)
{
    const PlanNode *input = node->inputs[0];

    return opts->ctx->plan->kind == QUERY_PERSISTENT && opts->ctx->props->cache_bytes > 0 &&
           node->is_table && (node->kind == PLAN_SINK || node->kind == PLAN_VIEW) &&
           input->kind != PLAN_VIEW;
}

static ErrCode pipeline_build(Pipeline *pipe, const PipelineOpts *opts, const PlanNode *node,
                              Op *next, int next_input, Err *err);

static ErrCode pipeline_build_inputs(Pipeline *pipe, const PipelineOpts *opts, const PlanNode *node,
                                     Op *op, Err *err)
{
    for (uint32_t i = 0; i < node->inputs_len; i++) {
        const PlanNode *from = node->inputs[i];

        if (from->kind == PLAN_EXCHANGE)
            pipe->inputs[pipe->inputs_len++] =
                (PipelineInput){.exchange = opts->ctx->exchanges[from->id],
                                .entry = op,
                                .input = (int)i,
                                .is_table = from->is_table};
        else if (from->kind == PLAN_SCAN)
            TRY(pipeline_open_scan(pipe, opts, from, op, (int)i, err));
        else
            TRY(pipeline_build(pipe, opts, from, op, (int)i, err));
    }
    return ERR_OK;
}

/* Operators are opened from the end backwards, as each needs the one behind it. */
static ErrCode pipeline_build(Pipeline *pipe, const PipelineOpts *opts, const PlanNode *node,
                              Op *next, int next_input, Err *err)
{
    Op *op;

    TRY(op_open(opts->ctx, node, next, next_input, &op, err));
    pipe->ops[pipe->ops_len++] = op;
    if (pipeline_coalesces(opts, node)) {
        TRY(op_open_class(&op_coalesce_class, opts->ctx, node, op, 0, &op, err));
        pipe->ops[pipe->ops_len++] = op;
    }
    return pipeline_build_inputs(pipe, opts, node, op, err);
}

static void pipeline_reverse(Pipeline *pipe)
{
    for (uint32_t i = 0; i < pipe->ops_len / 2; i++) {
        Op *op = pipe->ops[i];

        pipe->ops[i] = pipe->ops[pipe->ops_len - 1 - i];
        pipe->ops[pipe->ops_len - 1 - i] = op;
    }
}

ErrCode pipeline_open(Pipeline *pipe, const PipelineOpts *opts, Err *err)
{
    const Plan     *plan = opts->ctx->plan;
    const PlanNode *end = pipeline_end_of(plan, opts->stage);
    Arena          *mem = opts->ctx->query_mem;
    ErrCode         rc;

    *pipe = (Pipeline){.ctx = opts->ctx, .batch_mem = opts->batch_mem};
    pipe->ops = ARENA_ARRAY(mem, Op *, plan->nodes_len + 1);
    pipe->inputs = ARENA_ARRAY(mem, PipelineInput, plan->nodes_len);
    rc = pipeline_build(pipe, opts, end, NULL, 0, err);
    if (rc != ERR_OK) {
        pipeline_close(pipe);
        return rc;
    }
    pipeline_reverse(pipe);
    if (end->kind == PLAN_EXCHANGE)
        pipe->exchange = pipe->ops[pipe->ops_len - 1];
    return ERR_OK;
}

void pipeline_close(Pipeline *pipe)
{
    for (uint32_t i = 0; i < pipe->inputs_len; i++) {
        if (pipe->inputs[i].block)
            exchange_done(pipe->inputs[i].exchange, pipe->inputs[i].block);
        scan_close(pipe->inputs[i].scan);
    }
    for (uint32_t i = 0; i < pipe->ops_len; i++)
        op_close(pipe->ops[i]);
    pipe->inputs_len = 0;
    pipe->ops_len = 0;
    pipe->exchange = NULL;
}
