/*
 * acceptor.c -- listening sockets, and who gets a new connection.
 *
 * An accepted socket waits as an Arrival until its first bytes are there.  They are looked at
 * without being taken out of the socket, so that the protocol's own code reads them as usual.
 */
#include "server/acceptor.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/limit.h"
#include "common/log.h"
#include "server/http_linger.h"
#include "server/http_reply.h"

enum {
    BACKLOG = 1024,
    ACCEPTS_PER_TURN = 64,
    LISTENERS_MAX = 16,
    PREFACE_SECONDS_MAX = 10,
    DEFAULT_PORT = 8088,
    KEEPALIVE_IDLE_S = 60,
    KEEPALIVE_INTERVAL_S = 15,
    KEEPALIVE_PROBES = 4
};

typedef struct Listener {
    HttpWatch watch; /* must be first */
    Acceptor *acceptor;
} Listener;

struct Acceptor {
    Arena       *mem;
    Listener     listeners[LISTENERS_MAX];
    size_t       listeners_len;
    Str          urls;
    AcceptorOpts opts;
    bool         is_stopping; /* atomic */
    bool         is_stopped;  /* http thread */
};

typedef struct Arrival {
    HttpWatch watch; /* must be first */
    Acceptor *acceptor;
    int64_t   until_ns;
    bool      has_begun;
} Arrival;

/* --- addresses -------------------------------------------------------------------------------- */

typedef struct Address {
    char host[256];
    char port[8];
    bool is_bracketed;
} Address;

static ErrCode bad_listener(Str url, const char *why, Err *err)
{
    err_set(err, ERR_CONFIG, "malformed listener \"%.*s\": %s", STR_ARG(url), why);
    err_hint(err, "write http://host:port");
    return ERR_CONFIG;
}

static ErrCode parse_address(Str url, Address *out, Err *err)
{
    Str       rest, port;
    ptrdiff_t end;
    int64_t   number = DEFAULT_PORT;

    if (str_starts_nocase(url, STR("https://"))) {
        err_set(err, ERR_CONFIG, "cannot listen on \"%.*s\": TLS is not supported", STR_ARG(url));
        err_hint(err, "use http:// behind a proxy that ends TLS");
        return ERR_CONFIG;
    }
    if (!str_starts_nocase(url, STR("http://")))
        return bad_listener(url, "no http://", err);
    rest = str_slice(url, strlen("http://"), url.len);
    if (str_ends(rest, STR("/")))
        rest.len--;
    out->is_bracketed = str_starts(rest, STR("["));
    end = str_find(rest, out->is_bracketed ? STR("]") : STR(":"), 0);
    if (out->is_bracketed && end < 0)
        return bad_listener(url, "no closing bracket", err);
    port = end < 0 ? STR("") : str_slice(rest, (size_t)end + out->is_bracketed, rest.len);
    rest = str_slice(rest, out->is_bracketed, end < 0 ? rest.len : (size_t)end);
    if (rest.len == 0 || rest.len >= sizeof out->host)
        return bad_listener(url, "no host", err);
    if (port.len && (port.ptr[0] != ':' || !str_to_i64(str_slice(port, 1, port.len), &number) ||
                     number < 0 || number > 65535))
        return bad_listener(url, "bad port", err);
    snprintf(out->host, sizeof out->host, "%.*s", STR_ARG(rest));
    snprintf(out->port, sizeof out->port, "%d", (int)number);
    return ERR_OK;
}

static bool is_loopback(const struct sockaddr *addr)
{
    const struct in6_addr *in6 = &((const struct sockaddr_in6 *)addr)->sin6_addr;

    if (addr->sa_family == AF_INET)
        return ntohl(((const struct sockaddr_in *)addr)->sin_addr.s_addr) >> 24 == 127;
    return IN6_IS_ADDR_LOOPBACK(in6);
}

static int bound_port(int fd)
{
    struct sockaddr_storage addr = {0};
    socklen_t               len = sizeof addr;

    (void)getsockname(fd, (struct sockaddr *)&addr, &len);
    if (addr.ss_family == AF_INET)
        return ntohs(((struct sockaddr_in *)&addr)->sin_port);
    return ntohs(((struct sockaddr_in6 *)&addr)->sin6_port);
}

/* Options of a listener are those of the sockets that it accepts. */
static void set_options(int fd)
{
    static const struct {
        int level, name, value;
    } options[] = {
        {SOL_SOCKET, SO_REUSEADDR, 1},
        {SOL_SOCKET, SO_KEEPALIVE, 1},
        {IPPROTO_TCP, TCP_NODELAY, 1},
        {IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE_S},
        {IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_INTERVAL_S},
        {IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_PROBES},
    };

    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        (void)setsockopt(fd, options[i].level, options[i].name, &options[i].value, sizeof(int));
}

static ErrCode bind_first(Str url, const struct addrinfo *found, bool is_v6_only, int *out,
                          Err *err)
{
    int one = is_v6_only;
    int fd = socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return err_set(err, ERR_IO, "could not listen on \"%.*s\": %s", STR_ARG(url),
                       strerror(errno));
    set_options(fd);
    if (found->ai_family == AF_INET6)
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
    if (bind(fd, found->ai_addr, found->ai_addrlen) != 0) {
        err_set(err, ERR_IO, "could not listen on \"%.*s\": %s", STR_ARG(url),
                errno == EADDRINUSE ? "the port is in use" : strerror(errno));
        if (errno == EADDRINUSE)
            err_hint(err, "is another server running? property listeners takes another address");
        close(fd);
        return ERR_IO;
    }
    *out = fd;
    return ERR_OK;
}

static ErrCode add_listener(Acceptor *acceptor, Str url, bool is_v6_only, Err *err)
{
    struct addrinfo  hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    struct addrinfo *found;
    Address          address;
    Listener        *listener = &acceptor->listeners[acceptor->listeners_len];
    int              failure;
    ErrCode          rc;

    if (acceptor->listeners_len == LISTENERS_MAX)
        return err_set(err, ERR_CONFIG, "more than %d listeners", LISTENERS_MAX);
    TRY(parse_address(url, &address, err));
    failure = getaddrinfo(address.host, address.port, &hints, &found);
    if (failure)
        return err_set(err, ERR_CONFIG, "could not listen on \"%.*s\": %s", STR_ARG(url),
                       gai_strerror(failure));
    rc = bind_first(url, found, is_v6_only, &listener->watch.fd, err);
    if (rc == ERR_OK && !is_loopback(found->ai_addr))
        log_line(LOG_WARN, "acceptor",
                 "%.*s is a public address without authentication: whoever reaches it may run any "
                 "statement",
                 STR_ARG(url));
    freeaddrinfo(found);
    if (rc != ERR_OK)
        return rc;
    listener->acceptor = acceptor;
    acceptor->listeners_len++;
    acceptor->urls =
        str_printf(acceptor->mem, "%.*s%shttp://%s%s%s:%d", STR_ARG(acceptor->urls),
                   acceptor->urls.len ? "," : "", address.is_bracketed ? "[" : "", address.host,
                   address.is_bracketed ? "]" : "", bound_port(listener->watch.fd));
    return ERR_OK;
}

ErrCode acceptor_open(Str listeners, Acceptor **out, Err *err)
{
    Acceptor *acceptor = MEM_NEW(Acceptor);
    bool      is_list = str_find(listeners, STR(","), 0) >= 0;
    size_t    from = 0;
    ErrCode   rc = ERR_OK;

    acceptor->mem = arena_new(0);
    for (size_t i = 0; i <= listeners.len && rc == ERR_OK; i++) {
        if (i < listeners.len && listeners.ptr[i] != ',')
            continue;
        /* A lone [::] serves IPv4 too; beside others it must leave them their port. */
        rc = add_listener(acceptor, str_trim(str_slice(listeners, from, i)), is_list, err);
        from = i + 1;
    }
    if (rc != ERR_OK) {
        acceptor_close(acceptor);
        return rc;
    }
    *out = acceptor;
    return ERR_OK;
}

void acceptor_close(Acceptor *acceptor)
{
    if (!acceptor)
        return;
    for (size_t i = 0; i < acceptor->listeners_len && !acceptor->is_stopped; i++)
        close(acceptor->listeners[i].watch.fd);
    arena_free(acceptor->mem);
    mem_free(acceptor);
}

Str acceptor_urls(const Acceptor *acceptor)
{
    return acceptor->urls;
}

/* --- arrivals --------------------------------------------------------------------------------- */

static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
enum { PREFACE_BYTES = sizeof preface - 1 };

/* An empty SETTINGS frame and GOAWAY with HTTP_1_1_REQUIRED: how HTTP/2 says "use HTTP/1.1". */
static const char http2_refusal[] = "\0\0\0\4\0\0\0\0\0"
                                    "\0\0\10\7\0\0\0\0\0\0\0\0\0\0\0\0\15";

static void arrival_release(HttpWatch *watch)
{
    mem_free(watch);
}

/* Says something and ends the connection; a socket that is new takes a few bytes at once. */
static void dismiss(HttpLoop *loop, int fd, const char *bytes, size_t len)
{
    if (send(fd, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
        close(fd);
        return;
    }
    http_linger(loop, fd);
}

static void refuse_busy(HttpLoop *loop, int fd)
{
    char      date[HTTP_DATE_BYTES];
    Buf       body = {0}, out = {0};
    ApiHeader retry = {STR("retry-after"), STR("1")};
    HttpReply reply = {.minor = 1, .has_length = true};
    ApiFrame  frame = {.status = 503,
                       .content_type = STR("application/json"),
                       .headers = &retry,
                       .headers_len = 1};

    log_line(LOG_WARN, "acceptor", "refused a connection: %lld are open",
             (long long)g_limits.connections);
    http_reply_error_body(&body, 503, "too many connections (weir.limit.connections)");
    reply.date = http_reply_date(date, sizeof date, http_loop_now_ms(loop));
    reply.content_length = body.len;
    http_reply_head(&out, &reply, &frame);
    buf_str(&out, buf_view(&body));
    dismiss(loop, fd, out.ptr, out.len);
    buf_deinit(&out);
    buf_deinit(&body);
}

static void arrival_end(Arrival *arrival)
{
    int fd = arrival->watch.fd;

    http_loop_remove(&arrival->watch);
    close(fd);
}

static void arrival_ready(HttpWatch *watch, unsigned events)
{
    Arrival  *arrival = (Arrival *)watch;
    Acceptor *acceptor = arrival->acceptor;
    HttpLoop *loop = watch->loop;
    int       fd = watch->fd;
    char      first[PREFACE_BYTES];
    ssize_t   got;

    if (!(events & (HTTP_READABLE | HTTP_BROKEN)))
        return;
    got = recv(fd, first, sizeof first, MSG_PEEK);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0 || first[0] == 0x16) {
        if (got > 0)
            log_line(LOG_WARN, "acceptor", "closed a connection that began a TLS handshake");
        arrival_end(arrival);
        return;
    }
    if (got < PREFACE_BYTES && memcmp(first, preface, (size_t)got) == 0) {
        /* Not yet clear: HTTP/1.1 leaves this path at its second or third byte. */
        if (!arrival->has_begun)
            arrival->until_ns = http_loop_now_ns(loop) + PREFACE_SECONDS_MAX * INT64_C(1000000000);
        arrival->has_begun = true;
        if (events & HTTP_PEER_DONE)
            arrival_end(arrival);
        return;
    }
    http_loop_remove(watch);
    if (got == PREFACE_BYTES && memcmp(first, preface, PREFACE_BYTES) == 0)
        dismiss(loop, fd, http2_refusal, sizeof http2_refusal - 1);
    else
        http_adopt(acceptor->opts.http, fd);
}

static void arrival_tick(HttpWatch *watch, int64_t now_ns)
{
    Arrival *arrival = (Arrival *)watch;

    if (now_ns >= arrival->until_ns)
        arrival_end(arrival);
}

static void arrive(Acceptor *acceptor, int fd)
{
    HttpLoop *loop = acceptor->opts.loop;
    Arrival  *arrival;
    int64_t   open = (int64_t)http_loop_sockets(loop) + ws_sessions(acceptor->opts.ws);
    Err       err;

    if (open >= g_limits.connections) {
        refuse_busy(loop, fd);
        return;
    }
    arrival = MEM_NEW(Arrival);
    arrival->watch.ready = arrival_ready;
    arrival->watch.tick = arrival_tick;
    arrival->watch.release = arrival_release;
    arrival->watch.fd = fd;
    arrival->acceptor = acceptor;
    arrival->until_ns = http_loop_now_ns(loop) + acceptor->opts.idle_ms * INT64_C(1000000);
    if (http_loop_add(loop, &arrival->watch, &err) != ERR_OK) {
        log_line(LOG_WARN, "acceptor", "refused a connection: %s", err.msg);
        close(fd);
        mem_free(arrival);
    }
}

/* --- listeners -------------------------------------------------------------------------------- */

static void stop_listening(Acceptor *acceptor)
{
    if (acceptor->is_stopped)
        return;
    acceptor->is_stopped = true;
    for (size_t i = 0; i < acceptor->listeners_len; i++) {
        http_loop_remove(&acceptor->listeners[i].watch);
        close(acceptor->listeners[i].watch.fd);
    }
    http_drain(acceptor->opts.http);
}

static void listener_ready(HttpWatch *watch, unsigned events)
{
    Acceptor *acceptor = ((Listener *)watch)->acceptor;

    if (__atomic_load_n(&acceptor->is_stopping, __ATOMIC_ACQUIRE)) {
        stop_listening(acceptor);
        return;
    }
    for (int i = 0; events && i < ACCEPTS_PER_TURN; i++) {
        int fd = accept4(watch->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd >= 0) {
            arrive(acceptor, fd);
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            /* The connection stays in the queue: without a pause the loop would spin on it. */
            log_line(LOG_ERROR, "acceptor", "could not accept a connection: %s", strerror(errno));
            http_loop_silence(watch, true);
            return;
        } else if (errno == EAGAIN) {
            return;
        }
    }
}

static void listener_tick(HttpWatch *watch, int64_t now_ns)
{
    (void)now_ns;
    http_loop_silence(watch, false);
}

static void listener_release(HttpWatch *watch)
{
    (void)watch; /* part of the Acceptor */
}

ErrCode acceptor_start(Acceptor *acceptor, const AcceptorOpts *opts, Err *err)
{
    acceptor->opts = *opts;
    for (size_t i = 0; i < acceptor->listeners_len; i++) {
        HttpWatch *watch = &acceptor->listeners[i].watch;

        watch->ready = listener_ready;
        watch->tick = listener_tick;
        watch->release = listener_release;
        if (listen(watch->fd, BACKLOG) != 0)
            return err_set(err, ERR_IO, "could not listen on \"%.*s\": %s", STR_ARG(acceptor->urls),
                           errno == EADDRINUSE ? "the port is in use" : strerror(errno));
        TRY(http_loop_add_listener(opts->loop, watch, err));
        (void)http_loop_rest(watch);
    }
    return ERR_OK;
}

void acceptor_stop(Acceptor *acceptor)
{
    __atomic_store_n(&acceptor->is_stopping, true, __ATOMIC_RELEASE);
    http_loop_wake(&acceptor->listeners[0].watch);
}
