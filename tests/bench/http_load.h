/*
 * http_load.h -- a client that keeps some HTTP connections busy, on one thread.
 *
 * Every connection has one request under way; when its response is complete the next one goes out.
 * Ends after so many requests or so much time, whichever comes first.  Responses with a length
 * only.
 */
#ifndef TESTS_BENCH_HTTP_LOAD_H
#define TESTS_BENCH_HTTP_LOAD_H

#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

enum { HTTP_LOAD_CONNECTIONS_MAX = 64, HTTP_LOAD_REQUEST_BYTES = 2048 };

typedef struct HttpLoad {
    int     port, connections;
    int64_t requests_max;
    double  seconds_max;
    int64_t first; /* number of the first request */
    /* Writes the body of request number n; returns its length. */
    int (*body)(char *out, size_t size, int64_t n);
    const char *path;
    const char *expect; /* that every response's body must contain */
} HttpLoad;

/* Requests answered per second.  Any answer but 200 with what is expected ends the bench. */
double http_load_run(const HttpLoad *load);

/* One request and its whole response, status line and all, on a connection of its own. */
void http_once(int port, const char *path, const char *body, char *response, size_t size);
/* A connection, blocking and without delay; requests on it, and one that has been formatted. */
int    http_connect(int port);
size_t http_format(char *out, size_t size, const char *path, const char *body);
void   http_send(int fd, const char *bytes, size_t len);

/*
 * The same traffic at no cost: a process that answers whatever comes in one piece with a fixed
 * response.  http_echo_stop() ends it.
 */
pid_t http_echo_start(int *port);
void  http_echo_stop(pid_t pid);

#endif
