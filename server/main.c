/*
 * main.c -- weir-server: opens the parts in order, waits for a signal, closes them in reverse.
 *
 *     properties -> listeners bound -> engine -> statements of a file -> API -> sockets -> ready
 *
 * With Kafka, whose cluster may be away, API and sockets come before the engine, so that everybody
 * is told what the server waits for.
 *
 * Signals are blocked in every thread and taken by main alone.  The first SIGTERM or SIGINT ends
 * the server in order; a SIGINT after that (somebody at a terminal lost patience) ends it at once.
 * So does time: the end is promised within SHUTDOWN_SECONDS, whatever a cluster or a disk does, and
 * a server that dies in the middle of anything is one that the next start puts right.
 *
 * Exit codes: 0 ended by a signal, 1 could not start, 2 wrong command line or property.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "common/log.h"
#include "server/acceptor.h"
#include "server/config.h"
#include "server/start.h"

enum { EXIT_NOT_STARTED = 1, EXIT_USAGE = 2 };
enum { SHUTDOWN_SECONDS = 10, COMMIT_MS = 8000 /* of it, for what waits for a cluster */ };

typedef struct Server {
    Config    config;
    Arena    *mem;
    Acceptor *acceptor;
    Start    *start; /* with Kafka */
    Engine   *engine;
    Api      *api;
    HttpLoop *loop;
    Ws       *ws;
    Http     *http;
    pthread_t http_thread;
    bool      is_running;
} Server;

static void print_error(const Err *err)
{
    fprintf(stderr, "weir-server: %s\n", err->msg);
    if (err->hint[0])
        fprintf(stderr, "  %s\n", err->hint);
}

/* --- signals ---------------------------------------------------------------------------------- */

static void block_signals(sigset_t *ours)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN};

    sigaction(SIGPIPE, &ignore, NULL);
    sigemptyset(ours);
    sigaddset(ours, SIGTERM);
    sigaddset(ours, SIGINT);
    pthread_sigmask(SIG_BLOCK, ours, NULL);
}

static void *shutdown_watch(void *arg)
{
    struct timespec left = {.tv_sec = SHUTDOWN_SECONDS};

    (void)arg;
    while (nanosleep(&left, &left) != 0)
        continue;
    log_line(LOG_WARN, "main",
             "not closed within %d s: the server ends as it is; what was not committed is done "
             "again after the next start",
             SHUTDOWN_SECONDS);
    _exit(0);
}

/* Parts close one after the other, and some wait for a cluster: the end has one time for all. */
static void shutdown_begin(void)
{
    pthread_t thread;

    if (pthread_create(&thread, NULL, shutdown_watch, NULL) == 0)
        pthread_detach(thread);
    else
        log_line(LOG_ERROR, "main", "could not start the thread that bounds the shutdown");
}

/* False: it is START_OVER. */
static bool wait_for_signal(const sigset_t *ours)
{
    int      signal_number = 0;
    sigset_t impatient;

    while (sigwait(ours, &signal_number) != 0)
        continue;
    if (signal_number == START_OVER)
        return false;
    log_line(LOG_INFO, "main", "%s: shutting down",
             signal_number == SIGTERM ? "SIGTERM" : "SIGINT");
    sigemptyset(&impatient);
    sigaddset(&impatient, SIGINT);
    pthread_sigmask(SIG_UNBLOCK, &impatient, NULL);
    shutdown_begin();
    return true;
}

/* --- parts ------------------------------------------------------------------------------------ */

static void *http_main(void *arg)
{
    http_loop_run(arg);
    return NULL;
}

static ErrCode open_sockets(Server *server, Err *err)
{
    const Properties *props = &server->config.props;
    HttpOpts          http = {.props = props};
    AcceptorOpts      opts = {0};

    TRY(http_loop_open(clock_system(), &server->loop, err));
    server->ws = ws_open(server->api);
    opts.idle_ms = properties_int(props, "ksql.idle.connection.timeout.seconds") * 1000;
    http.api = server->api;
    http.loop = opts.loop = server->loop;
    http.ws = opts.ws = server->ws;
    server->http = opts.http = http_open(&http);
    TRY(acceptor_start(server->acceptor, &opts, err));
    if (pthread_create(&server->http_thread, NULL, http_main, server->loop) != 0)
        return err_set(err, ERR_IO, "could not start a thread");
    pthread_setname_np(server->http_thread, "http");
    server->is_running = true;
    return ERR_OK;
}

/* ERR_CANCELLED: a signal came first. */
static ErrCode await_engine(Server *server, const StartOpts *opts, const sigset_t *ours, Err *err)
{
    sigset_t either = *ours;
    bool     is_ended;
    ErrCode  rc;

    sigaddset(&either, START_OVER);
    pthread_sigmask(SIG_BLOCK, &either, NULL);
    log_line(LOG_INFO, "main", "listening on %.*s, ready when the Kafka cluster has answered",
             STR_ARG(acceptor_urls(server->acceptor)));
    TRY(start_begin(opts, &server->start, err));
    is_ended = wait_for_signal(&either);
    if (is_ended)
        start_cancel(server->start);
    rc = start_end(server->start, &server->engine, err);
    if (is_ended)
        return err_set(err, ERR_CANCELLED, "ended by a signal");
    if (rc == ERR_OK)
        api_ready(server->api, server->engine);
    return rc;
}

static ErrCode server_open(Server *server, const sigset_t *ours, Err *err)
{
    const Config *config = &server->config;
    EngineOpts    engine = {
           .props = &config->props, .clock = clock_system(), .data_dir = config->data_dir};
    StartOpts opts = {.engine = engine, .queries_file = config->queries_file};

    TRY(acceptor_open(properties_get(&config->props, "listeners"), &server->acceptor, err));
    opts.engine.url = acceptor_urls(server->acceptor);
    if (properties_get(&config->props, "bootstrap.servers").len == 0) {
        TRY(start_engine(&opts, &server->engine, err));
        TRY(api_new(server->engine, &server->api, err));
        return open_sockets(server, err);
    }
    TRY(api_new(NULL, &server->api, err));
    TRY(open_sockets(server, err));
    opts.api = server->api;
    return await_engine(server, &opts, ours, err);
}

/* Every part may be missing: a start that failed ends here too. */
static void server_close(Server *server)
{
    engine_hurry(server->engine, COMMIT_MS);
    if (server->is_running) {
        api_shutdown(server->api);
        acceptor_stop(server->acceptor);
        pthread_join(server->http_thread, NULL);
    }
    http_close(server->http);
    ws_close(server->ws);
    acceptor_close(server->acceptor);
    http_loop_close(server->loop);
    api_free(server->api);
    engine_close(server->engine);
    start_free(server->start);
}

static void serve_until_signal(const Server *server, const sigset_t *ours, int64_t start_ns)
{
    printf("ready on %.*s in %lld ms\n", STR_ARG(acceptor_urls(server->acceptor)),
           (long long)((clock_monotonic_ns(clock_system()) - start_ns + 500000) / 1000000));
    fflush(stdout);
    (void)wait_for_signal(ours);
}

static int serve(Server *server, const sigset_t *ours, int64_t start_ns)
{
    Err     err;
    ErrCode rc = server_open(server, ours, &err);

    if (rc != ERR_OK && rc != ERR_CANCELLED) {
        print_error(&err);
        server_close(server);
        return rc == ERR_CONFIG ? EXIT_USAGE : EXIT_NOT_STARTED;
    }
    if (rc == ERR_OK)
        serve_until_signal(server, ours, start_ns);
    server_close(server);
    log_line(LOG_INFO, "main", "closed");
    return 0;
}

static int print_help(void)
{
    Buf text = {0};

    config_help(&text);
    printf("%.*s", (int)text.len, text.ptr);
    buf_deinit(&text);
    return 0;
}

int main(int argc, char **argv)
{
    int64_t  start_ns = clock_monotonic_ns(clock_system());
    Server   server = {.mem = arena_new(0)};
    sigset_t ours;
    Err      err;
    int      code;

    block_signals(&ours);
    if (config_parse(&server.config, server.mem, argc, argv, &err) != ERR_OK) {
        print_error(&err);
        code = EXIT_USAGE;
    } else if (server.config.wants_help) {
        code = print_help();
    } else if (server.config.wants_version) {
        printf("weir-server %s\n", WEIR_VERSION);
        code = 0;
    } else if (config_apply(&server.config, &err) != ERR_OK) {
        print_error(&err);
        code = EXIT_USAGE;
    } else {
        code = serve(&server, &ours, start_ns);
    }
    arena_free(server.mem);
    return code;
}
