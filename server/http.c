/*
 * http.c -- the life of connections: adopted, given turns, timed out, drained.
 *
 * A turn runs steps until the connection has to wait: for its client, for the API, or for room in
 * the socket.  Then everything that was made in the turn is sent by one call.
 */
#include "server/http_conn.h"

#include <assert.h>
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/limit.h"
#include "common/log.h"
#include "server/http_linger.h"

static const int64_t second_ns = 1000000000;

enum {
    HEAD_SECONDS_MAX = 10,
    BODY_SECONDS_MAX = 30, /* and a second for each of the following */
    BODY_BYTES_PER_SECOND = 16384,
    STALL_SECONDS_MAX = 300, /* a client that takes nothing of its response */
    DRAIN_SECONDS_MAX = 5,
    OUT_KEPT_BYTES = 4 * HTTP_OUTPUT_BYTES,
    STEPS_PER_TURN = 256 /* of a client that pipelines faster than it is served */
};

/* --- ending ----------------------------------------------------------------------------------- */

static void conn_release(HttpWatch *watch)
{
    mem_free(watch);
}

/* Everything but the socket. */
static void conn_forget(HttpConn *conn)
{
    Http *http = conn->http;

    if (conn->call)
        api_close(conn->call);
    conn->call = NULL;
    http_request_free(conn);
    buf_deinit(&conn->unsent);
    buf_deinit(&conn->note);
    *conn->prev = conn->next;
    if (conn->next)
        conn->next->prev = conn->prev;
    http_loop_remove(&conn->watch);
    if (--http->conns_len == 0 && http->is_draining)
        http_loop_stop(http->loop);
}

HttpStep http_conn_close(HttpConn *conn)
{
    int fd = conn->watch.fd;

    buf_clear(&conn->http->out);
    conn_forget(conn);
    close(fd);
    return STEP_GONE;
}

void http_conn_yield(HttpConn *conn)
{
    conn_forget(conn);
}

/* All is sent. */
static void conn_end(HttpConn *conn)
{
    int       fd = conn->watch.fd;
    HttpLoop *loop = conn->http->loop;
    bool      lingers = conn->lingers || conn->can_read;

    if (!lingers) {
        (void)http_conn_close(conn);
        return;
    }
    conn_forget(conn);
    http_linger(loop, fd);
}

/* --- sending ---------------------------------------------------------------------------------- */

/* Sends from bytes until the socket is full.  False: the connection is broken. */
static bool send_some(HttpConn *conn, const char *bytes, size_t len, size_t *sent)
{
    *sent = 0;
    while (*sent < len) {
        ssize_t got = send(conn->watch.fd, bytes + *sent, len - *sent, MSG_NOSIGNAL);

        if (got > 0) {
            *sent += (size_t)got;
        } else if (got < 0 && errno == EAGAIN) {
            conn->can_write = false;
            break;
        } else if (got < 0 && errno != EINTR) {
            return false;
        }
    }
    if (*sent && conn->phase >= CONN_REPLY)
        conn->since_ns = http_loop_now_ns(conn->http->loop);
    return true;
}

static HttpStep flush_unsent(HttpConn *conn)
{
    Buf   *unsent = &conn->unsent;
    size_t sent;

    if (!unsent->len)
        return STEP_ON;
    if (!conn->can_write)
        return STEP_REST;
    if (!send_some(conn, unsent->ptr + conn->unsent_at, unsent->len - conn->unsent_at, &sent))
        return http_conn_close(conn);
    conn->unsent_at += sent;
    if (conn->unsent_at < unsent->len)
        return STEP_REST;
    buf_deinit(unsent);
    *unsent = (Buf){0};
    conn->unsent_at = 0;
    return STEP_ON;
}

HttpStep http_conn_flush(HttpConn *conn)
{
    Buf     *out = &conn->http->out;
    HttpStep step = flush_unsent(conn);
    size_t   sent = 0;

    if (step == STEP_GONE || !out->len)
        return step;
    if (step == STEP_ON && !send_some(conn, out->ptr, out->len, &sent))
        return http_conn_close(conn);
    if (sent < out->len) {
        buf_append(&conn->unsent, out->ptr + sent, out->len - sent);
        step = STEP_REST;
    }
    buf_clear(out);
    if (out->cap > OUT_KEPT_BYTES) {
        buf_deinit(out);
        *out = (Buf){0};
    }
    return step;
}

/* --- turns ------------------------------------------------------------------------------------ */

static void conn_run(HttpConn *conn)
{
    HttpStep step = http_conn_flush(conn);
    bool     has_more;

    for (int steps = 0; step == STEP_ON && steps < STEPS_PER_TURN; steps++)
        step = conn->call ? http_response_step(conn) : http_request_step(conn);
    if (step == STEP_GONE)
        return;
    has_more = step == STEP_ON;
    step = http_conn_flush(conn);
    if (step == STEP_GONE)
        return;
    if (step == STEP_ON && conn->phase == CONN_LAST) {
        conn_end(conn);
        return;
    }
    http_request_keep(conn);
    if (has_more)
        http_loop_again(&conn->watch);
}

static void conn_ready(HttpWatch *watch, unsigned events)
{
    HttpConn *conn = (HttpConn *)watch;

    if (events & HTTP_BROKEN) {
        (void)http_conn_close(conn);
        return;
    }
    conn->can_read |= (events & HTTP_READABLE) != 0;
    conn->can_write |= (events & HTTP_WRITABLE) != 0;
    conn->is_peer_done |= (events & HTTP_PEER_DONE) != 0;
    conn_run(conn);
}

/* --- time ------------------------------------------------------------------------------------- */

/* How long the present phase may last. */
static int64_t patience_ns(const HttpConn *conn)
{
    switch (conn->phase) {
    case CONN_HEAD:
        return HEAD_SECONDS_MAX * second_ns;
    case CONN_BODY:
        return (BODY_SECONDS_MAX + (int64_t)conn->parse.body_len / BODY_BYTES_PER_SECOND) *
               second_ns;
    case CONN_REPLY:
    case CONN_LAST:
        return conn->unsent.len ? STALL_SECONDS_MAX * second_ns : conn->http->idle_ns;
    case CONN_IDLE:
        break;
    }
    return conn->http->idle_ns;
}

static void conn_tick(HttpWatch *watch, int64_t now_ns)
{
    HttpConn *conn = (HttpConn *)watch;
    Http     *http = conn->http;

    if (http->is_draining && now_ns >= http->drain_until_ns) {
        (void)http_conn_close(conn);
        return;
    }
    if (now_ns - conn->since_ns < patience_ns(conn))
        return;
    if ((conn->phase == CONN_HEAD || conn->phase == CONN_BODY) && !conn->unsent.len) {
        http_respond_error(conn, 408, "the request did not come in time", true);
        conn_run(conn);
        return;
    }
    log_line(LOG_DEBUG, "http", "closed a connection that did nothing");
    (void)http_conn_close(conn);
}

/* --- all of them ------------------------------------------------------------------------------ */

Http *http_open(const HttpOpts *opts)
{
    Http *http = MEM_NEW(Http);

    http->api = opts->api;
    http->loop = opts->loop;
    http->ws = opts->ws;
    http->mem = arena_new(0);
    http->input = arena_bytes(http->mem, HTTP_INPUT_BYTES);
    http->fields = ARENA_ARRAY(http->mem, ApiHeader, HTTP_FIELDS_MAX);
    http->idle_ns = properties_int(opts->props, "ksql.idle.connection.timeout.seconds") * second_ns;
    http_cors_init(&http->cors, opts->props);
    return http;
}

void http_close(Http *http)
{
    if (!http)
        return;
    while (http->conns)
        (void)http_conn_close(http->conns);
    buf_deinit(&http->out);
    arena_free(http->mem);
    mem_free(http);
}

void http_adopt(Http *http, int fd)
{
    HttpConn *conn = MEM_NEW(HttpConn);
    Err       err;

    conn->watch.ready = conn_ready;
    conn->watch.tick = conn_tick;
    conn->watch.release = conn_release;
    conn->watch.fd = fd;
    conn->http = http;
    conn->since_ns = http_loop_now_ns(http->loop);
    http_parse_init(&conn->parse);
    if (http_loop_add(http->loop, &conn->watch, &err) != ERR_OK) {
        log_line(LOG_WARN, "http", "refused a connection: %s", err.msg);
        close(fd);
        mem_free(conn);
        return;
    }
    conn->next = http->conns;
    conn->prev = &http->conns;
    if (http->conns)
        http->conns->prev = &conn->next;
    http->conns = conn;
    http->conns_len++;
}

void http_drain(Http *http)
{
    HttpConn *next;

    http->is_draining = true;
    http->drain_until_ns = http_loop_now_ns(http->loop) + DRAIN_SECONDS_MAX * second_ns;
    for (HttpConn *conn = http->conns; conn; conn = next) {
        next = conn->next;
        conn->keeps_alive = false;
        if (!conn->call && !conn->unsent.len)
            (void)http_conn_close(conn);
    }
    if (!http->conns)
        http_loop_stop(http->loop);
}
