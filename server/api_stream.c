/*
 * api_stream.c -- a running push query, or pull query on a stream, as a response.
 *
 *   header, then a frame per row out of the subscriber's queue, then the end
 *
 * Frames are made when they are asked for, on the thread of the call; the query's own threads only
 * fill the queue and wake.  Ending the query waits for its tasks and is therefore a job.
 */
#include "server/api_internal.h"

struct ApiStream {
    ApiCall    *call;
    EnginePush *push;
    RowWriter   writer;
    PushBlock  *blocks;
    uint32_t    row; /* next one of the first block */
    Buf         frame;
    bool        has_begun, has_finished, has_closed;
    int         close_code; /* of the websocket */
    Str         close_reason;
};

static void stream_wake(void *arg)
{
    call_wake(arg);
}

void stream_open(ApiCall *call, Session *session, StmtPlan *plan, Str sql, Arena *stmt_mem,
                 RowStyle style)
{
    Engine    *engine = call->api->engine;
    ApiStream *stream = MEM_NEW(ApiStream);
    Str        id = engine_transient_id(engine, call->mem, session, plan->plan);
    Err        err;

    stream->call = call;
    stream->close_code = 1000;
    stream->close_reason = STR("done");
    stream->writer =
        (RowWriter){.style = style, .schema = plan->plan->root->schema, .query_id = id};
    if (engine_push_open(engine, session, plan, id, stmt_mem, stream_wake, call, &stream->push,
                         &err) != ERR_OK) {
        call_fail(call, &err, sql);
        stmt_plan_deinit(plan);
        arena_free(stmt_mem);
        mem_free(stream);
        return;
    }
    stmt_plan_deinit(plan); /* the push keeps a catalog of its own */
    call_ref(call);         /* the stream's */
    if (!call_attach(call, stream, NULL))
        stream_close(stream);
}

static void next_row(ApiStream *stream, Buf *out)
{
    const PushRow *row = &stream->blocks->rows[stream->row++];

    row_write(&stream->writer, out, row->cols, row->is_tombstone);
    if (stream->row == stream->blocks->len) {
        PushBlock *done = stream->blocks;

        stream->blocks = done->next;
        stream->row = 0;
        push_block_free(done);
    }
}

/* The end of the queue as the last frame. */
static void write_end(ApiStream *stream, PushEnd end, const Err *err, Buf *out)
{
    switch (end) {
    case PUSH_FAILED:
    case PUSH_CUT_OFF:
        row_error(&stream->writer, out, err);
        stream->close_code = error_status(err) == 503 ? 1013 : 1011;
        stream->close_reason = str_copy(stream->call->mem, str_from(err->msg));
        break;
    case PUSH_LIMIT:
        row_finish(&stream->writer, out, "Limit Reached");
        break;
    case PUSH_COMPLETE:
    case PUSH_TERMINATED:
    case PUSH_OPEN: /* was made one of the others */
        row_finish(&stream->writer, out, "Query Completed");
        break;
    }
    if (stream->writer.style == ROWS_WEBSOCKET && out->len == 0)
        buf_c(out, "{\"error\":\"done\"}");
}

/* After the last message a websocket is closed with a code and a reason. */
static ApiNext close_websocket(ApiStream *stream, ApiFrame *out)
{
    if (stream->writer.style != ROWS_WEBSOCKET || stream->has_closed)
        return API_END;
    stream->has_closed = true;
    *out = (ApiFrame){.ws_close = stream->close_code, .bytes = stream->close_reason};
    return API_FRAME;
}

ApiNext stream_next(ApiCall *call, ApiFrame *out)
{
    ApiStream *stream = call->stream;
    PushQueue *queue = engine_push_queue(stream->push);

    buf_clear(&stream->frame);
    *out = (ApiFrame){0};
    if (!stream->has_begun) {
        stream->has_begun = true;
        out->status = 200;
        out->content_type = str_from(row_content_type(stream->writer.style));
        row_begin(&stream->writer, &stream->frame);
    }
    while (stream->frame.len == 0) {
        if (stream->has_finished)
            return close_websocket(stream, out);
        if (!stream->blocks)
            stream->blocks = push_take(queue);
        if (stream->blocks) {
            next_row(stream, &stream->frame);
        } else {
            Err     err;
            PushEnd end = push_end(queue, &err);

            /* Rows may have come between taking and asking. */
            stream->blocks = end == PUSH_OPEN ? NULL : push_take(queue);
            if (stream->blocks)
                continue;
            if (end == PUSH_OPEN && !__atomic_load_n(&call->api->is_shut, __ATOMIC_ACQUIRE))
                return API_WAIT;
            if (end == PUSH_OPEN) { /* not complete: the subscriber is to come again */
                (void)err_set(&err, ERR_CANCELLED, "the server is shutting down");
                end = PUSH_FAILED;
            }
            stream->has_finished = true;
            write_end(stream, end, &err, &stream->frame);
            if (stream->frame.len == 0)
                return API_END;
        }
    }
    out->bytes = buf_view(&stream->frame);
    return API_FRAME;
}

void stream_close(ApiStream *stream)
{
    ApiCall *call = stream->call;

    while (stream->blocks) {
        PushBlock *next = stream->blocks->next;

        push_block_free(stream->blocks);
        stream->blocks = next;
    }
    engine_push_close(stream->push);
    buf_deinit(&stream->frame);
    mem_free(stream);
    call_unref(call);
}
