/*
 * http_loop.h -- the event loop of the http thread: sockets, wakes from other threads, a tick.
 *
 * Whoever has a socket embeds an HttpWatch.  ready() is called on the http thread when the socket
 * changed (edge-triggered: read and write until the kernel says no), and with no events when
 * http_loop_wake() was called for it.
 *
 * The wake of a watch that is busy anyway costs nothing: http_loop_rest() declares that from now on
 * a wake is needed.  Only then does a wake go through the eventfd.
 *
 *     do
 *         take all there is;
 *     while (!http_loop_rest(watch));
 *
 * Thread: http_loop_wake() and http_loop_stop() any; the rest is the http thread's, or before it
 * runs.
 */
#ifndef SERVER_HTTP_LOOP_H
#define SERVER_HTTP_LOOP_H

#include <stdbool.h>

#include "common/clock.h"
#include "common/err.h"

typedef struct HttpLoop  HttpLoop;
typedef struct HttpWatch HttpWatch;

/* What happened to a socket. */
enum { HTTP_READABLE = 1, HTTP_WRITABLE = 2, HTTP_PEER_DONE = 4, HTTP_BROKEN = 8 };

struct HttpWatch {
    void (*ready)(HttpWatch *watch, unsigned events); /* events 0: a wake */
    void (*tick)(HttpWatch *watch, int64_t now_ns);   /* about once a second */
    void (*release)(HttpWatch *watch);                /* frees it, after http_loop_remove() */
    HttpLoop  *loop;
    int        fd;
    int        wake_state; /* atomic */
    HttpWatch *next_woken;
    HttpWatch *next, **prev; /* those that tick */
    bool       is_socket, is_removed;
};

ErrCode http_loop_open(const Clock *clock, HttpLoop **out, Err *err) ERR_MUST_USE;
/* Closes the sockets that are still there, listeners excepted. */
void http_loop_close(HttpLoop *loop);

/* The watch's callbacks and fd must be set. */
ErrCode http_loop_add(HttpLoop *loop, HttpWatch *watch, Err *err) ERR_MUST_USE;
/* A listening socket: level-triggered, and ticks only while it is silenced. */
ErrCode http_loop_add_listener(HttpLoop *loop, HttpWatch *watch, Err *err) ERR_MUST_USE;
void    http_loop_silence(HttpWatch *watch, bool is_silent);
/* Forgets the watch; its fd stays open.  release() is called once nothing refers to it. */
void http_loop_remove(HttpWatch *watch);

void http_loop_wake(void *watch);      /* ApiWake.wake */
bool http_loop_rest(HttpWatch *watch); /* false: a wake came meanwhile, look again */
/* ready(watch, 0) after the other watches had their turn. */
void http_loop_again(HttpWatch *watch);

/* Runs until http_loop_stop(). */
void    http_loop_run(HttpLoop *loop);
void    http_loop_stop(HttpLoop *loop);
size_t  http_loop_sockets(const HttpLoop *loop); /* watches added and not removed, no listeners */
int64_t http_loop_now_ns(const HttpLoop *loop);  /* monotonic, of this turn */
int64_t http_loop_now_ms(const HttpLoop *loop);  /* wall clock */

#endif
