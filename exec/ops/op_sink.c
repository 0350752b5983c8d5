/*
 * op_sink.c -- the end of a persistent query: rows become records in chunks.
 *
 * One chunk per output partition is open; a full one goes to ctx->out, the rest when the epoch is
 * sealed.  Records go to murmur2(key bytes) % partitions as other producers on the topic do; a
 * windowed key is hashed without its window.  A row that cannot be encoded, or is too large for
 * the topic, stops the query in front of its record.
 */
#include "common/limit.h"
#include "exec/chunk_list.h"
#include "exec/format.h"
#include "exec/ops/ops.h"
#include "exec/timestamp.h"

typedef struct OpSink {
    Op               base;
    Encoder         *key_encoder, *value_encoder;
    Chunk          **open; /* per partition; NULL: none */
    uint32_t         partitions;
    Buf              key;         /* of the row at hand; heap */
    bool             is_key_kept; /* Row.key are the bytes that key_encoder would write */
    TimestampReader *timestamp;
    int64_t          stream_time; /* highest timestamp seen: of tombstones under WITH TIMESTAMP */
} OpSink;

/* The key's bytes without window in *out; ptr NULL for a null key. */
static ErrCode op_sink_key(OpSink *self, const Row *row, Str *out, Err *err)
{
    bool is_null = false;

    *out = STR_NULL;
    if (row->flags & ROW_KEY_NULL)
        return ERR_OK;
    if (self->is_key_kept && row->key.ptr) {
        *out = row->key;
        return ERR_OK;
    }
    buf_clear(&self->key);
    TRY(encoder_run(self->key_encoder, row->cols, &self->key, &is_null, err));
    if (!is_null)
        *out = buf_view(&self->key);
    return ERR_OK;
}

static Chunk *op_sink_chunk(OpSink *self, uint32_t partition)
{
    Chunk **open = &self->open[partition];

    if (*open && chunk_is_full(*open)) {
        chunk_list_add(self->base.ctx->out, *open);
        *open = NULL;
    }
    if (!*open)
        *open = chunk_new(self->base.node->u.sink.topic, partition, self->base.ctx->chunk_owner);
    return *open;
}

/* The timestamp to write; false: the row has none and is dropped, with an entry in the log. */
static bool op_sink_timestamp(OpSink *self, const Row *row, int64_t *out_ms)
{
    const TimestampSpec *spec = &self->base.node->u.sink.timestamp;
    OpCtx               *ctx = self->base.ctx;
    Err                  err;

    if (row->ts > self->stream_time)
        self->stream_time = row->ts;
    *out_ms = row->ts;
    if (spec->column < 0)
        return true;
    if (row->flags & ROW_VALUE_NULL) {
        *out_ms = self->stream_time;
        return true;
    }
    if (timestamp_of_value(self->timestamp, row->cols[spec->column], out_ms, &err) == ERR_OK)
        return true;
    ctx->counters.skipped++;
    proclog_record(ctx->log, self->base.node->step, STR_NULL, &err);
    return false;
}

/* Key, window and value of one record into a chunk that chunk_begin() was called on. */
static ErrCode op_sink_fill(OpSink *self, Chunk *chunk, const Row *row, Str key, Err *err)
{
    const PlanNode *node = self->base.node;
    bool            is_null = true;

    buf_str(&chunk->bytes, key);
    if (key.ptr && node->key_window)
        format_window_append(&chunk->bytes, node->key_window->kind, row->window_start,
                             row->window_end);
    chunk_key_done(chunk, !key.ptr);
    if (!(row->flags & ROW_VALUE_NULL))
        TRY(encoder_run(self->value_encoder, row->cols + node->schema->key_len, &chunk->bytes,
                        &is_null, err));
    chunk_end(chunk, is_null, row->headers);
    return ERR_OK;
}

static ErrCode op_sink_fail(OpSink *self, bool is_key, Err *err)
{
    const PlanNode *node = self->base.node;

    proclog_serialization(self->base.ctx->log, node->step, node->u.sink.topic, is_key, err);
    err_wrap(err, "could not write to topic \"%.*s\"", STR_ARG(node->u.sink.topic));
    return err->code;
}

static ErrCode op_sink_too_large(const OpSink *self, size_t bytes, Err *err)
{
    int64_t bytes_max = self->base.ctx->record_bytes_max;

    err_set(err, ERR_RECORD_TOO_LARGE,
            "could not write to topic \"%.*s\": record of %zu bytes, limit %lld",
            STR_ARG(self->base.node->u.sink.topic), bytes, (long long)bytes_max);
    err_hint(err, bytes_max < g_limits.record_bytes ? "raise max.message.bytes of the topic"
                                                    : "raise weir.limit.record.bytes");
    return ERR_RECORD_TOO_LARGE;
}

static ErrCode op_sink_row(OpSink *self, const Row *row, Err *err)
{
    OpCtx   *ctx = self->base.ctx;
    Chunk   *chunk;
    Str      key;
    int64_t  ts;
    size_t   before;
    uint32_t partition;

    if (!op_sink_timestamp(self, row, &ts))
        return ERR_OK;
    if (op_sink_key(self, row, &key, err) != ERR_OK)
        return op_sink_fail(self, true, err);
    partition = key.ptr ? partition_of_key(key, self->partitions)
                        : (uint32_t)((uint64_t)row->offset % self->partitions);
    chunk = op_sink_chunk(self, partition);
    before = chunk->bytes.len;
    chunk_begin(chunk, ts);
    if (op_sink_fill(self, chunk, row, key, err) != ERR_OK) {
        chunk_cancel(chunk);
        return op_sink_fail(self, false, err);
    }
    if ((int64_t)(chunk->bytes.len - before) > ctx->record_bytes_max)
        return op_sink_too_large(self, chunk->bytes.len - before, err);
    ctx->counters.rows_out++;
    return ERR_OK;
}

static ErrCode op_sink_process(Op *op, int input, Batch *batch, Err *err)
{
    (void)input;
    for (uint32_t i = 0; i < batch->len; i++) {
        if (op_sink_row((OpSink *)op, &batch->rows[i], err) != ERR_OK) {
            op_fail_at(op->ctx, &batch->rows[i]);
            return err->code;
        }
    }
    return ERR_OK;
}

static ErrCode op_sink_seal(Op *op, Batch *batch, Err *err)
{
    OpSink *self = (OpSink *)op;

    (void)batch;
    (void)err;
    for (uint32_t i = 0; i < self->partitions; i++) {
        if (self->open[i])
            chunk_list_add(op->ctx->out, self->open[i]);
        self->open[i] = NULL;
    }
    return ERR_OK;
}

static void op_sink_close(Op *op)
{
    OpSink *self = (OpSink *)op;

    for (uint32_t i = 0; i < self->partitions; i++)
        chunk_free(self->open[i]);
    buf_deinit(&self->key);
    timestamp_close(self->timestamp);
}

/*
 * KAFKA keys have one spelling, so bytes that were read may be written again.  (A JSON key of 1.0
 * for an INT column is to be written as 1.)
 */
static bool op_sink_keeps_key(const PlanNode *sink)
{
    const PlanNode *node = sink;

    while (node->inputs_len > 0)
        node = node->inputs[0];
    return node->kind == PLAN_SCAN && node->u.scan.key_format.kind == FORMAT_KAFKA &&
           sink->u.sink.key_format.kind == FORMAT_KAFKA;
}

static ErrCode op_sink_open(OpCtx *ctx, const PlanNode *node, Op **out, Err *err)
{
    OpSink       *self = ARENA_NEW(ctx->query_mem, OpSink);
    const Schema *schema = node->schema;
    FormatSide    key = {.spec = node->u.sink.key_format,
                         .cols = schema->cols,
                         .len = schema->key_len,
                         .is_key = true};
    FormatSide    value = {.spec = node->u.sink.value_format,
                           .cols = schema->cols + schema->key_len,
                           .len = schema->len - schema->key_len,
                           .is_table = node->is_table};

    TRY(encoder_open(ctx->query_mem, &key, &self->key_encoder, err));
    TRY(encoder_open(ctx->query_mem, &value, &self->value_encoder, err));
    self->partitions = ctx->is_one_task ? 1 : node->u.sink.partitions;
    self->open = ARENA_ARRAY(ctx->query_mem, Chunk *, self->partitions);
    self->is_key_kept = op_sink_keeps_key(node);
    TRY(timestamp_open(ctx->query_mem, &node->u.sink.timestamp, &self->timestamp, err));
    *out = &self->base;
    return ERR_OK;
}

const OpClass op_sink_class = {
    .name = "sink",
    .open = op_sink_open,
    .process = op_sink_process,
    .seal = op_sink_seal,
    .close = op_sink_close,
};
