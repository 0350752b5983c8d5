/*
 * http_response.c -- from the frames of an ApiCall to the bytes of a response.
 *
 * A response that is whole has a length; any other goes in chunks, one frame a chunk, or to an
 * HTTP/1.0 client as it is until the connection closes.  Frames that are ready together are sent
 * together.
 */
#include "server/http_conn.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <sys/socket.h>

#include "common/log.h"

/* --- access log ------------------------------------------------------------------------------- */

static void peer_name(const HttpConn *conn, char *out, socklen_t room)
{
    struct sockaddr_storage addr = {0};
    socklen_t               len = sizeof addr;

    snprintf(out, room, "-");
    if (getpeername(conn->watch.fd, (struct sockaddr *)&addr, &len) != 0)
        return;
    if (addr.ss_family == AF_INET)
        inet_ntop(AF_INET, &((struct sockaddr_in *)&addr)->sin_addr, out, room);
    else if (addr.ss_family == AF_INET6)
        inet_ntop(AF_INET6, &((struct sockaddr_in6 *)&addr)->sin6_addr, out, room);
}

/* Ordinary ones only at level debug: a line for each would cost more than the response. */
void http_log_access(const HttpConn *conn)
{
    /* What a client asked for that HTTP has and this server has not is no failure of ours. */
    bool     is_failure = conn->status >= 500 && conn->status != 501 && conn->status != 505;
    LogLevel level = is_failure ? LOG_ERROR : conn->status >= 400 ? LOG_WARN : LOG_DEBUG;
    char     peer[INET6_ADDRSTRLEN];
    char     date[HTTP_DATE_BYTES];
    Str      when;

    if (!log_is_on(level))
        return;
    peer_name(conn, peer, sizeof peer);
    when = http_reply_date(date, sizeof date, http_loop_now_ms(conn->http->loop));
    log_line(level, "http", "%s - - [%.*s] \"%.*s %.*s HTTP/1.%d\" %d %llu \"-\" \"%.*s\" %llu",
             peer, STR_ARG(when), STR_ARG(conn->method), STR_ARG(conn->path), conn->parse.minor,
             conn->status, (unsigned long long)conn->sent_bytes, STR_ARG(conn->agent),
             (unsigned long long)conn->received_bytes);
}

/* --- bytes ------------------------------------------------------------------------------------ */

static Str present_date(Http *http)
{
    int64_t now_ms = http_loop_now_ms(http->loop);

    if (now_ms / 1000 != http->date_ms / 1000) {
        http->date = http_reply_date(http->date_text, sizeof http->date_text, now_ms);
        http->date_ms = now_ms;
    }
    return http->date;
}

static HttpReply reply_of(HttpConn *conn)
{
    return (HttpReply){
        .minor = conn->parse.minor,
        .keeps_alive = conn->keeps_alive,
        .is_cors_on = conn->http->cors.origins.len > 0,
        .origin = conn->is_cors_allowed ? conn->origin : STR_NULL,
        .date = present_date(conn->http),
    };
}

static void put_head(HttpConn *conn, const ApiFrame *frame)
{
    HttpReply reply;

    conn->is_chunked = !frame->is_whole && conn->parse.minor > 0;
    if (!frame->is_whole && !conn->is_chunked)
        conn->keeps_alive = false; /* its end is the end of the connection */
    reply = reply_of(conn);
    reply.is_chunked = conn->is_chunked;
    reply.has_length = frame->is_whole;
    reply.content_length = frame->bytes.len;
    conn->status = frame->status;
    conn->has_head = true;
    http_reply_head(&conn->http->out, &reply, frame);
}

static void put_chunk(Buf *out, Str bytes)
{
    static const char digits[] = "0123456789abcdef";
    char              size[18];
    char             *first = size + sizeof size;

    *--first = '\n';
    *--first = '\r';
    for (size_t rest = bytes.len; rest; rest >>= 4)
        *--first = digits[rest & 15];
    buf_append(out, first, (size_t)(size + sizeof size - first));
    buf_str(out, bytes);
    buf_str(out, STR("\r\n"));
}

static void put_frame(HttpConn *conn, const ApiFrame *frame)
{
    Buf *out = &conn->http->out;

    if (!conn->has_head)
        put_head(conn, frame);
    /* A chunk without bytes would be the last one. */
    if (conn->is_head_request || !frame->bytes.len)
        return;
    conn->sent_bytes += frame->bytes.len;
    if (conn->is_chunked)
        put_chunk(out, frame->bytes);
    else
        buf_str(out, frame->bytes);
}

/* --- responses -------------------------------------------------------------------------------- */

static void finish(HttpConn *conn)
{
    if (conn->call)
        api_close(conn->call);
    conn->call = NULL;
    http_log_access(conn);
    http_request_end(conn);
}

void http_respond_error(HttpConn *conn, int status, const char *why, bool is_last)
{
    Buf      body = {0};
    ApiFrame frame = {.status = status, .content_type = STR("application/json"), .is_whole = true};

    http_reply_error_body(&body, status, why);
    frame.bytes = buf_view(&body);
    if (is_last) {
        conn->keeps_alive = false;
        conn->lingers = true;
    }
    if (conn->phase != CONN_REPLY) { /* there is no request to speak of */
        conn->method = conn->path = conn->agent = STR("-");
        conn->origin = STR_NULL;
        conn->is_cors_allowed = conn->is_head_request = conn->has_head = false;
        conn->sent_bytes = 0;
        conn->received_bytes = conn->parse.body_len;
    }
    put_frame(conn, &frame);
    buf_deinit(&body);
    finish(conn);
}

void http_respond_preflight(HttpConn *conn)
{
    HttpReply reply = reply_of(conn);

    conn->status = 204;
    http_reply_preflight(&conn->http->out, &reply, &conn->http->cors);
    finish(conn);
}

static void end_stream(HttpConn *conn)
{
    if (!conn->has_head) {
        http_respond_error(conn, 500, "the request ended without an answer", false);
        return;
    }
    if (conn->is_chunked && !conn->is_head_request)
        buf_str(&conn->http->out, STR("0\r\n\r\n"));
    finish(conn);
}

/* The API has nothing to say now. */
static HttpStep wait(HttpConn *conn)
{
    /* A stream has lost its reader; a response that is still to come is waited for. */
    if (conn->is_peer_done && conn->has_head)
        return http_conn_flush(conn) == STEP_GONE ? STEP_GONE : http_conn_close(conn);
    return http_loop_rest(&conn->watch) ? STEP_REST : STEP_ON;
}

HttpStep http_response_step(HttpConn *conn)
{
    ApiFrame frame;

    for (int sends = 0;;) {
        if (conn->unsent.len || conn->http->out.len >= HTTP_OUTPUT_BYTES) {
            HttpStep step = http_conn_flush(conn);

            if (step != STEP_ON)
                return step;
            if (++sends == HTTP_SENDS_PER_TURN) {
                http_loop_again(&conn->watch);
                return STEP_REST;
            }
        }
        switch (api_next(conn->call, &frame)) {
        case API_FRAME:
            put_frame(conn, &frame);
            if (!frame.is_whole && !conn->is_head_request)
                break;
            finish(conn);
            return STEP_ON;
        case API_END:
            end_stream(conn);
            return STEP_ON;
        case API_WAIT:
            return wait(conn);
        }
    }
}
