/*
 * ws.c -- GET /ws/query by libwebsockets.
 *
 * The http thread has parsed and checked the upgrade request.  It hands the socket over with a
 * short request of its own making, so that libwebsockets never parses what a client wrote before
 * the handshake, and the real request goes to the API from here.
 *
 * The service thread and its context begin with the first websocket: a server without one does not
 * pay for them.  Only lws_cancel_service() may be called from other threads; what they have to say
 * waits in two lists under a lock (sockets to adopt, sessions woken by the API) and is taken at
 * LWS_CALLBACK_EVENT_WAIT_CANCELLED.
 *
 * A session writes while its socket takes it: lws_send_pipe_choked() is the back-pressure, and the
 * API is not asked meanwhile.
 */
#include "server/ws.h"

/* OpenSSL's headers, which come with it, have a type of the name of one of our error codes. */
#define ERR_STATE OPENSSL_ERR_STATE
#include <libwebsockets.h>
#undef ERR_STATE
#include <pthread.h>
#include <time.h>
#include <unistd.h>

#include "common/limit.h"
#include "common/log.h"

enum {
    PING_SECONDS = 60,
    HANGUP_SECONDS = 90, /* without an answer to it */
    CLOSE_REASON_BYTES_MAX = 123,
    DRAIN_MS_MAX = 2000,
    DRAIN_STEP_MS = 10,
    FRAMES_PER_TURN = 64,
    RX_BYTES = 4096
};

typedef struct WsSession WsSession;

struct WsSession {
    Ws         *ws;
    Arena      *mem; /* request and handshake */
    int         fd;  /* until it is adopted */
    Str         handshake;
    ApiRequest  request;
    struct lws *wsi;
    ApiCall    *call;
    int64_t     received_bytes; /* of the message at hand */
    bool        is_woken;       /* in the list; under lock */
    WsSession  *next_arrived, *next_woken;
};

struct Ws {
    Api                *api;
    struct lws_context *context;
    struct lws_vhost   *vhost;
    pthread_t           thread;
    bool                is_running;
    bool                is_stopping;  /* atomic */
    int64_t             sessions_len; /* atomic */
    WsSession          *adopting;     /* service thread: given to libwebsockets just now */
    Buf                 out;          /* service thread: LWS_PRE bytes and a message */
    pthread_mutex_t     lock;
    WsSession          *arrived, **arrived_end; /* in order */
    WsSession          *woken;
};

/* --- sessions --------------------------------------------------------------------------------- */

static void session_free(WsSession *session)
{
    Ws *ws = session->ws;

    if (session->call)
        api_close(session->call);
    pthread_mutex_lock(&ws->lock);
    for (WsSession **at = &ws->woken; session->is_woken && *at; at = &(*at)->next_woken) {
        if (*at == session) {
            *at = session->next_woken;
            break;
        }
    }
    pthread_mutex_unlock(&ws->lock);
    arena_free(session->mem);
    mem_free(session);
    __atomic_sub_fetch(&ws->sessions_len, 1, __ATOMIC_RELAXED);
}

/* ApiWake.wake: any thread. */
static void session_wake(void *arg)
{
    WsSession *session = arg;
    Ws        *ws = session->ws;
    bool       is_first = false;

    pthread_mutex_lock(&ws->lock);
    if (!session->is_woken) {
        is_first = ws->woken == NULL;
        session->is_woken = true;
        session->next_woken = ws->woken;
        ws->woken = session;
    }
    pthread_mutex_unlock(&ws->lock);
    if (is_first)
        lws_cancel_service(ws->context);
}

static void session_bind(WsSession *session, struct lws *wsi)
{
    session->wsi = wsi;
    lws_set_opaque_user_data(wsi, session);
    session->ws->adopting = NULL;
}

/* The handshake is served before the call returns, so that the session may be bound, and even be
 * gone, by then. */
static void adopt(WsSession *session)
{
    Ws         *ws = session->ws;
    struct lws *wsi;

    ws->adopting = session;
    wsi = lws_adopt_socket_vhost_readbuf(ws->vhost, session->fd, session->handshake.ptr,
                                         session->handshake.len);
    if (!ws->adopting)
        return;
    if (wsi) {
        session_bind(session, wsi);
    } else {
        ws->adopting = NULL;
        session_free(session); /* the socket is closed already */
    }
}

static void adopt_arrived(Ws *ws)
{
    WsSession *session;

    pthread_mutex_lock(&ws->lock);
    session = ws->arrived;
    ws->arrived = NULL;
    ws->arrived_end = &ws->arrived;
    pthread_mutex_unlock(&ws->lock);
    while (session) {
        WsSession *next = session->next_arrived;

        adopt(session);
        session = next;
    }
}

static void call_woken(Ws *ws)
{
    WsSession *session;

    pthread_mutex_lock(&ws->lock);
    for (session = ws->woken; session; session = session->next_woken) {
        session->is_woken = false;
        lws_callback_on_writable(session->wsi);
    }
    ws->woken = NULL;
    pthread_mutex_unlock(&ws->lock);
}

/* --- writing ---------------------------------------------------------------------------------- */

/* Returning -1 from the callback closes the websocket with what was set here. */
static int close_with(struct lws *wsi, int code, Str reason)
{
    unsigned char text[CLOSE_REASON_BYTES_MAX];
    size_t        len = reason.len < sizeof text ? reason.len : sizeof text;

    memcpy(text, reason.ptr ? reason.ptr : "", len);
    if (len < reason.len)
        memcpy(text + len - 3, "...", 3);
    lws_close_reason(wsi, (enum lws_close_status)code, text, len);
    return -1;
}

static bool write_text(Ws *ws, struct lws *wsi, Str text)
{
    buf_clear(&ws->out);
    buf_reserve(&ws->out, LWS_PRE + text.len);
    memcpy(ws->out.ptr + LWS_PRE, text.ptr, text.len);
    return lws_write(wsi, (unsigned char *)ws->out.ptr + LWS_PRE, text.len, LWS_WRITE_TEXT) >=
           (int)text.len;
}

static int session_write(WsSession *session)
{
    struct lws *wsi = session->wsi;
    ApiFrame    frame;

    for (int i = 0; i < FRAMES_PER_TURN && !lws_send_pipe_choked(wsi); i++) {
        switch (api_next(session->call, &frame)) {
        case API_FRAME:
            if (frame.ws_close)
                return close_with(wsi, frame.ws_close, frame.bytes);
            if (!write_text(session->ws, wsi, frame.bytes))
                return -1;
            break;
        case API_END:
            return close_with(wsi, LWS_CLOSE_STATUS_NORMAL, STR("done"));
        case API_WAIT:
            return 0;
        }
    }
    lws_callback_on_writable(wsi);
    return 0;
}

/* What clients say has no meaning; that it is not endless is checked. */
static int session_read(WsSession *session, size_t len)
{
    session->received_bytes += (int64_t)len;
    if (session->received_bytes > g_limits.ws_frame_bytes)
        return close_with(session->wsi, LWS_CLOSE_STATUS_MESSAGE_TOO_LARGE,
                          STR("message is over the limit (weir.limit.ws.frame.bytes)"));
    if (lws_is_final_fragment(session->wsi))
        session->received_bytes = 0;
    return 0;
}

/* --- libwebsockets ---------------------------------------------------------------------------- */

static void session_start(Ws *ws, struct lws *wsi)
{
    WsSession *session = ws->adopting;

    if (session)
        session_bind(session, wsi);
    else
        session = lws_get_opaque_user_data(wsi);
    session->call = api_open(ws->api, &session->request, (ApiWake){session_wake, session});
    lws_callback_on_writable(wsi);
}

static int on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                    size_t len)
{
    Ws        *ws = lws_context_user(lws_get_context(wsi));
    WsSession *session;

    (void)user;
    (void)in;
    switch (reason) {
    case LWS_CALLBACK_EVENT_WAIT_CANCELLED:
        adopt_arrived(ws);
        call_woken(ws);
        return 0;
    case LWS_CALLBACK_ESTABLISHED:
        session_start(ws, wsi);
        return 0;
    case LWS_CALLBACK_SERVER_WRITEABLE:
        return session_write(lws_get_opaque_user_data(wsi));
    case LWS_CALLBACK_RECEIVE:
        return session_read(lws_get_opaque_user_data(wsi), len);
    case LWS_CALLBACK_WSI_DESTROY:
        session = lws_get_opaque_user_data(wsi);
        if (session)
            session_free(session);
        return 0;
    default:
        return 0;
    }
}

static const struct lws_protocols protocols[] = {
    {.name = "weir", .callback = on_event, .rx_buffer_size = RX_BYTES},
    {0},
};

/* What it reports as errors are clients that left and steps of its own: nothing to act on. */
static void emit_log(int level, const char *line)
{
    size_t len = strlen(line);

    (void)level;
    while (len && line[len - 1] == '\n')
        len--;
    log_line(LOG_DEBUG, "ws", "%.*s", (int)len, line);
}

static void *service(void *arg)
{
    Ws *ws = arg;

    while (!__atomic_load_n(&ws->is_stopping, __ATOMIC_ACQUIRE)) {
        if (lws_service(ws->context, 0) < 0)
            break;
    }
    return NULL;
}

static bool start(Ws *ws)
{
    static const lws_retry_bo_t      validity = {.secs_since_valid_ping = PING_SECONDS,
                                                 .secs_since_valid_hangup = HANGUP_SECONDS};
    struct lws_context_creation_info info = {.port = CONTEXT_PORT_NO_LISTEN,
                                             .protocols = protocols,
                                             .options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS,
                                             .user = ws,
                                             .retry_and_idle_policy = &validity};

    lws_set_log_level(LLL_ERR | LLL_WARN, emit_log);
    ws->context = lws_create_context(&info);
    ws->vhost = ws->context ? lws_create_vhost(ws->context, &info) : NULL;
    if (ws->vhost && pthread_create(&ws->thread, NULL, service, ws) == 0) {
        pthread_setname_np(ws->thread, "ws");
        ws->is_running = true;
        return true;
    }
    log_line(LOG_ERROR, "ws", "could not start the websocket service");
    lws_context_destroy(ws->context);
    ws->context = NULL;
    return false;
}

/* --- from the http thread --------------------------------------------------------------------- */

static ApiRequest copy_request(Arena *mem, const ApiRequest *request)
{
    ApiRequest copy = *request;
    ApiHeader *headers = ARENA_ARRAY(mem, ApiHeader, request->headers_len + 1);

    copy.method = str_copy(mem, request->method);
    copy.path = str_copy(mem, request->path);
    copy.query = str_copy(mem, request->query);
    copy.body = STR("");
    for (size_t i = 0; i < request->headers_len; i++) {
        headers[i].name = str_copy(mem, request->headers[i].name);
        headers[i].value = str_copy(mem, request->headers[i].value);
    }
    copy.headers = headers;
    copy.is_websocket = true;
    return copy;
}

/* The least that libwebsockets needs to answer with its part of the handshake. */
static Str handshake_of(Arena *mem, Str key, Str rest)
{
    Buf out = buf_in(mem);

    buf_str(&out, STR("GET /ws/query HTTP/1.1\r\nHost: weir\r\nUpgrade: websocket\r\n"
                      "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                      "Sec-WebSocket-Key: "));
    buf_str(&out, key);
    buf_str(&out, STR("\r\n\r\n"));
    buf_str(&out, rest); /* frames that the client sent without waiting */
    return buf_view(&out);
}

void ws_adopt(Ws *ws, int fd, const ApiRequest *request, Str key, Str rest)
{
    WsSession *session;

    if (!ws->is_running && !start(ws)) {
        close(fd);
        return;
    }
    session = MEM_NEW(WsSession);
    session->ws = ws;
    session->fd = fd;
    session->mem = arena_new(0);
    session->request = copy_request(session->mem, request);
    session->handshake = handshake_of(session->mem, key, rest);
    __atomic_add_fetch(&ws->sessions_len, 1, __ATOMIC_RELAXED);
    pthread_mutex_lock(&ws->lock);
    *ws->arrived_end = session;
    ws->arrived_end = &session->next_arrived;
    pthread_mutex_unlock(&ws->lock);
    lws_cancel_service(ws->context);
}

int64_t ws_sessions(const Ws *ws)
{
    return __atomic_load_n(&ws->sessions_len, __ATOMIC_RELAXED);
}

/* --- life ------------------------------------------------------------------------------------- */

Ws *ws_open(Api *api)
{
    Ws *ws = MEM_NEW(Ws);

    ws->api = api;
    ws->arrived_end = &ws->arrived;
    pthread_mutex_init(&ws->lock, NULL);
    return ws;
}

/* The API has ended the queries; their closing frames get a moment. */
static void drain(Ws *ws)
{
    struct timespec step = {.tv_nsec = DRAIN_STEP_MS * 1000000};

    for (int ms = 0; ms < DRAIN_MS_MAX && ws_sessions(ws) > 0; ms += DRAIN_STEP_MS)
        nanosleep(&step, NULL);
    __atomic_store_n(&ws->is_stopping, true, __ATOMIC_RELEASE);
    lws_cancel_service(ws->context);
    pthread_join(ws->thread, NULL);
}

void ws_close(Ws *ws)
{
    if (!ws)
        return;
    if (ws->is_running) {
        drain(ws);
        lws_context_destroy(ws->context);
        while (ws->arrived) {
            WsSession *next = ws->arrived->next_arrived;

            close(ws->arrived->fd);
            session_free(ws->arrived);
            ws->arrived = next;
        }
    }
    buf_deinit(&ws->out);
    pthread_mutex_destroy(&ws->lock);
    mem_free(ws);
}
