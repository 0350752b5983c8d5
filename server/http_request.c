/*
 * http_request.c -- reading requests and handing them to the API.
 *
 * Input goes into the buffer that all connections share.  Only a request that is not complete when
 * the turn ends costs memory of its own, all of them together at most weir.limit.requests.bytes.
 */
#include "server/http_conn.h"

#include <errno.h>
#include <sys/socket.h>

#include "common/limit.h"

enum { READ_BYTES_MIN = 4096, READ_BYTES_MAX = 262144, WS_KEY_BYTES = 24 };
enum { WS_REST_BYTES_MAX = 1024 }; /* before the handshake is answered */

/* --- the input buffer ------------------------------------------------------------------------- */

static size_t in_len(const HttpConn *conn)
{
    return conn->in.len - conn->in_at;
}

void http_request_free(HttpConn *conn)
{
    if (!conn->is_in_shared) {
        conn->http->requests_bytes -= (int64_t)conn->in.cap;
        buf_deinit(&conn->in);
    }
    conn->in = (Buf){0};
    conn->in_at = 0;
    conn->is_in_shared = false;
}

/* Moves the input to memory of the connection's own with room for more bytes. */
static void in_own(HttpConn *conn, size_t more)
{
    Buf    own = {0};
    size_t len = in_len(conn);

    buf_reserve(&own, len + more);
    buf_append(&own, conn->in.ptr + conn->in_at, len);
    http_request_free(conn);
    conn->in = own;
    conn->http->requests_bytes += (int64_t)own.cap;
}

void http_request_keep(HttpConn *conn)
{
    Buf note = {0};

    if (conn->call && !conn->note.ptr) {
        /* The request is the API's now; what the access log will say of it is kept. */
        buf_str(&note, conn->method);
        buf_str(&note, conn->path);
        buf_str(&note, conn->agent);
        buf_str(&note, conn->origin);
        conn->method.ptr = note.ptr;
        conn->path.ptr = conn->method.ptr + conn->method.len;
        conn->agent.ptr = conn->path.ptr + conn->path.len;
        if (conn->origin.ptr)
            conn->origin.ptr = conn->agent.ptr + conn->agent.len;
        conn->note = note;
        conn->in_at += conn->parse.at;
        conn->parse.at = 0;
    }
    if (in_len(conn) == 0 || conn->phase == CONN_LAST)
        http_request_free(conn);
    else if (conn->is_in_shared)
        in_own(conn, 0);
}

/* The request was answered; what follows it in the buffer is the next one. */
void http_request_end(HttpConn *conn)
{
    conn->in_at += conn->parse.at;
    http_parse_init(&conn->parse);
    buf_deinit(&conn->note);
    conn->note = (Buf){0};
    conn->since_ns = http_loop_now_ns(conn->http->loop);
    if (!conn->keeps_alive)
        conn->phase = CONN_LAST;
    else
        conn->phase = in_len(conn) ? CONN_HEAD : CONN_IDLE;
}

/* Makes room to read into; false when all requests together are too large. */
static bool in_reserve(HttpConn *conn)
{
    size_t more = READ_BYTES_MIN;

    if (!conn->in.ptr) {
        conn->in = (Buf){.ptr = conn->http->input, .cap = HTTP_INPUT_BYTES};
        conn->is_in_shared = true;
    }
    if (in_len(conn) == 0)
        conn->in.len = conn->in_at = 0;
    if (conn->in.cap - conn->in.len >= READ_BYTES_MIN)
        return true;
    /* Doubling, so that a large body is copied a few times only. */
    more += in_len(conn) < READ_BYTES_MAX ? in_len(conn) : in_len(conn) / 2;
    if (conn->http->requests_bytes + (int64_t)(in_len(conn) + more) > g_limits.requests_bytes)
        return false;
    in_own(conn, more);
    return true;
}

/* Nothing more comes; what was answered is still sent. */
static HttpStep end_of_input(HttpConn *conn)
{
    conn->can_read = false;
    conn->phase = CONN_LAST;
    return STEP_REST;
}

/* Reads what has come.  The caller has looked at everything that was there. */
static HttpStep fill(HttpConn *conn)
{
    size_t  room;
    ssize_t got;

    if (!conn->can_read)
        return conn->is_peer_done ? end_of_input(conn) : STEP_REST;
    if (!in_reserve(conn)) {
        http_respond_error(conn, 503, "the server is busy with other large requests", true);
        return STEP_REST;
    }
    room = conn->in.cap - conn->in.len;
    got = recv(conn->watch.fd, conn->in.ptr + conn->in.len, room, 0);
    if (got < 0 && errno == EINTR)
        return STEP_ON;
    if (got < 0 && errno == EAGAIN) {
        conn->can_read = false;
        return STEP_ON; /* once more, for is_peer_done */
    }
    if (got <= 0)
        return end_of_input(conn);
    /* A short read took all there was; more bytes are a new event. */
    conn->can_read = (size_t)got == room;
    conn->in.len += (size_t)got;
    if (conn->phase == CONN_IDLE) {
        conn->phase = CONN_HEAD;
        conn->since_ns = http_loop_now_ns(conn->http->loop);
    }
    return STEP_ON;
}

/* --- websockets ------------------------------------------------------------------------------- */

static Str header(const ApiRequest *request, Str name)
{
    for (size_t i = 0; i < request->headers_len; i++) {
        if (str_eq(request->headers[i].name, name))
            return request->headers[i].value;
    }
    return STR_NULL;
}

static bool is_ws_key(Str key)
{
    for (size_t i = 0; i < key.len; i++) {
        char c = key.ptr[i];
        bool is_base64 = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                         (c >= '0' && c <= '9') || c == '+' || c == '/' ||
                         (c == '=' && i + 2 >= WS_KEY_BYTES);

        if (!is_base64)
            return false;
    }
    return key.len == WS_KEY_BYTES;
}

/* GET /ws/query: the socket goes to ws, or the client is told what is missing. */
static HttpStep upgrade(HttpConn *conn, const ApiRequest *request)
{
    Str   key = header(request, STR("sec-websocket-key"));
    Http *http = conn->http;
    Str   rest = {conn->in.ptr + conn->in_at + conn->parse.at, in_len(conn) - conn->parse.at};
    int   fd = conn->watch.fd;
    Buf   own = conn->is_in_shared ? (Buf){0} : conn->in;

    if (!conn->parse.says_upgrade || conn->parse.minor == 0 ||
        !http_parse_list_has(header(request, STR("upgrade")), STR("websocket"))) {
        http_respond_error(conn, 426, "this endpoint speaks websocket", true);
        return STEP_REST;
    }
    if (!str_eq(header(request, STR("sec-websocket-version")), STR("13"))) {
        http_respond_error(conn, 426, "this endpoint speaks websocket version 13", true);
        return STEP_REST;
    }
    if (!is_ws_key(key) || conn->parse.body_len || rest.len > WS_REST_BYTES_MAX) {
        http_respond_error(conn, 400, "malformed websocket handshake", true);
        return STEP_REST;
    }
    /* Answers to earlier requests of this connection come first; a full socket cannot wait here. */
    if (http_conn_flush(conn) != STEP_ON)
        return STEP_REST;
    conn->status = 101;
    http_log_access(conn);
    /* The socket must be out of this thread's epoll before another thread may close it. */
    if (own.ptr) {
        http->requests_bytes -= (int64_t)own.cap;
        conn->in = (Buf){0};
    }
    http_conn_yield(conn);
    ws_adopt(http->ws, fd, request, key, rest);
    buf_deinit(&own);
    return STEP_GONE;
}

/* --- requests --------------------------------------------------------------------------------- */

static bool is_preflight(const HttpConn *conn, const ApiRequest *request)
{
    return conn->origin.ptr && str_eq(request->method, STR("OPTIONS")) &&
           header(request, STR("access-control-request-method")).ptr;
}

static void note_request(HttpConn *conn, const ApiRequest *request)
{
    const HttpCors *cors = &conn->http->cors;

    conn->method = request->method;
    conn->path = request->path;
    conn->agent = header(request, STR("user-agent"));
    conn->origin = STR_NULL;
    if (cors->origins.len && !str_starts(request->path, STR("/ws/")))
        conn->origin = header(request, STR("origin"));
    conn->is_cors_allowed = conn->origin.ptr && http_cors_allows(cors, conn->origin);
    conn->received_bytes = conn->parse.body_len;
    conn->sent_bytes = 0;
    conn->has_head = conn->is_chunked = false;
    conn->is_head_request = str_eq(request->method, STR("HEAD"));
}

static HttpStep serve(HttpConn *conn)
{
    Http      *http = conn->http;
    ApiRequest request;

    http_parse_request(&conn->parse, conn->in.ptr + conn->in_at, http->fields, &request);
    note_request(conn, &request);
    conn->keeps_alive = http_parse_keeps_alive(&conn->parse) && !http->is_draining;
    conn->phase = CONN_REPLY;
    conn->since_ns = http_loop_now_ns(http->loop);
    if (conn->origin.ptr && !conn->is_cors_allowed) {
        http_respond_error(conn, 403, "this origin is not allowed (access.control.allow.origin)",
                           false);
        return STEP_ON;
    }
    if (is_preflight(conn, &request)) {
        http_respond_preflight(conn);
        return STEP_ON;
    }
    if (str_eq(request.path, STR("/ws/query")) && str_eq(request.method, STR("GET")))
        return upgrade(conn, &request);
    if (conn->is_head_request)
        request.method = STR("GET");
    conn->call = api_open(http->api, &request, (ApiWake){http_loop_wake, &conn->watch});
    return STEP_ON;
}

static HttpStep begin_body(HttpConn *conn)
{
    conn->phase = CONN_BODY;
    conn->since_ns = http_loop_now_ns(conn->http->loop);
    /* Not when the client did not wait for it. */
    if (conn->parse.expects_continue && conn->parse.minor > 0 &&
        in_len(conn) == conn->parse.head_len)
        buf_str(&conn->http->out, STR("HTTP/1.1 100 Continue\r\n\r\n"));
    return STEP_ON;
}

HttpStep http_request_step(HttpConn *conn)
{
    size_t len = in_len(conn);

    if (conn->phase == CONN_LAST)
        return STEP_REST;
    /* Whoever does not take responses is not read from: see the head of http.h. */
    if (conn->http->out.len >= HTTP_OUTPUT_BYTES || conn->unsent.len) {
        HttpStep step = http_conn_flush(conn);

        if (step != STEP_ON)
            return step;
    }
    if (len == 0)
        return fill(conn);
    switch (http_parse_feed(&conn->parse, conn->in.ptr + conn->in_at, &len)) {
    case HTTP_MORE:
        conn->in.len = conn->in_at + len;
        return fill(conn);
    case HTTP_HEAD:
        return begin_body(conn);
    case HTTP_DONE:
        conn->in.len = conn->in_at + len;
        return serve(conn);
    case HTTP_BAD:
        break;
    }
    conn->lingers = true;
    http_respond_error(conn, conn->parse.status, conn->parse.why, true);
    return STEP_REST;
}
