/*
 * api_error.c -- errors as the REST API says them.
 *
 * error_code = HTTP status x 100 + n.  An error about a statement is a statement_error with the
 * statement and the results of those before it; all others are generic_error.
 */
#include "server/api_internal.h"

#include <stdio.h>

#include "common/utf8.h"

int error_code_of(const Err *err)
{
    switch (err->code) {
    case ERR_SYNTAX:
    case ERR_STATEMENT:
    case ERR_NOT_YET:
    case ERR_EVAL:
    case ERR_SERIALIZE:
        return 40001;
    case ERR_WRONG_ENDPOINT:
        return 40002;
    case ERR_TOO_MANY_PUSH:
        return 40003;
    case ERR_REQUEST:
    case ERR_CONFIG:
    case ERR_LIMIT:
    case ERR_TOPIC_MISSING:
    case ERR_RECORD_TOO_LARGE:
    case ERR_RECORD_REFUSED:
        return 40000;
    case ERR_NOT_FOUND:
        return 40400;
    case ERR_ASSERT:
        return 41700;
    case ERR_BUSY:
        return 42900;
    case ERR_AUTH:
        return 40301;
    case ERR_CANCELLED:
        return 50303;
    default:
        return 50000;
    }
}

int error_status(const Err *err)
{
    return error_code_of(err) / 100;
}

void error_body(Buf *out, const Err *err, Str sql, Str entities)
{
    JsonWriter w = json_writer(out);
    Arena     *mem = arena_new(0);
    int        code = error_code_of(err);

    /* A limit or a property concerns the statement too, when there is one. */
    if (sql.ptr && code == 40000 && err->code == ERR_LIMIT)
        code = 40001;
    jw_open(&w, '{');
    jw_field_c(&w, "@type", sql.ptr ? "statement_error" : "generic_error");
    jw_field_i64(&w, "error_code", code);
    jw_field_str(&w, "message", err_render(mem, err, sql.ptr ? sql : STR("")));
    if (sql.ptr) {
        jw_field_str(&w, "statementText", sql);
        jw_key(&w, "entities");
        jw_raw(&w, entities.ptr ? entities : STR("[]"));
    }
    jw_close(&w, '}');
    arena_free(mem);
}

/* {"error":"…"} and a close whose reason is cut to what a close frame holds. */
static void fail_websocket(ApiCall *call, int status, Str message)
{
    enum { REASON_BYTES = 123 };
    ApiFrame   close = {.ws_close = status < 500 ? 1003 : status == 503 ? 1013 : 1011};
    Buf        text = {0}, reason = {0};
    JsonWriter w = json_writer(&text);

    jw_open(&w, '{');
    jw_field_str(&w, "error", message);
    jw_close(&w, '}');
    call_frame(call, status, content_json, &text);
    if (message.len <= REASON_BYTES) {
        buf_str(&reason, message);
    } else {
        Str cut = str_slice(message, 0, REASON_BYTES - 3);

        buf_append(&reason, cut.ptr, utf8_valid_prefix(cut));
        buf_c(&reason, "...");
    }
    call_last(call, &close, &reason);
}

void call_fail(ApiCall *call, const Err *err, Str sql)
{
    Buf body = {0};

    if (call->request.is_websocket) {
        Str message = err_render(call->mem, err, sql.ptr ? sql : STR(""));

        fail_websocket(call, error_status(err), message);
        return;
    }
    error_body(&body, err, sql, STR_NULL);
    call_respond(call, error_status(err), content_json, &body);
}

static void refuse(ApiCall *call, const ApiFrame *frame, int error_code, const char *format,
                   va_list args)
{
    char       message[ERR_MSG_BYTES];
    Buf        body = {0};
    JsonWriter w = json_writer(&body);

    vsnprintf(message, sizeof message, format, args);
    if (call->request.is_websocket) {
        fail_websocket(call, frame->status, str_from(message));
        return;
    }
    jw_open(&w, '{');
    jw_field_c(&w, "@type", "generic_error");
    jw_field_i64(&w, "error_code", error_code);
    jw_field_c(&w, "message", message);
    jw_close(&w, '}');
    call_last(call, frame, &body);
}

void call_refuse(ApiCall *call, int status, int error_code, const char *format, ...)
{
    ApiFrame frame = {.status = status, .content_type = str_from(content_json), .is_whole = true};
    va_list  args;

    va_start(args, format);
    refuse(call, &frame, error_code, format, args);
    va_end(args);
}

void call_refuse_later(ApiCall *call, int error_code, const char *format, ...)
{
    static const ApiHeader retry[] = {{{"retry-after", 11}, {"10", 2}}};
    ApiFrame               frame = {.status = 503,
                                    .content_type = str_from(content_json),
                                    .headers = retry,
                                    .headers_len = 1,
                                    .is_whole = true};
    va_list                args;

    va_start(args, format);
    refuse(call, &frame, error_code, format, args);
    va_end(args);
}
