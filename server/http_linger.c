/*
 * http_linger.c -- ends a connection whose last answer must still arrive.
 */
#include "server/http_linger.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/arena.h"

/* A client that keeps sending is cut off; bytes per turn are bounded so that it slows nobody. */
enum { LINGER_SECONDS = 10, READS_PER_TURN = 16, READ_BYTES = 65536 };

typedef struct Linger {
    HttpWatch watch; /* must be first */
    int64_t   until_ns;
} Linger;

static void linger_end(Linger *linger)
{
    int fd = linger->watch.fd;

    http_loop_remove(&linger->watch);
    close(fd);
}

static void linger_ready(HttpWatch *watch, unsigned events)
{
    Linger     *linger = (Linger *)watch;
    static char sink[READ_BYTES]; /* http thread only; nobody reads it */
    ssize_t     got = 1;

    (void)events;
    for (int i = 0; i < READS_PER_TURN && got > 0; i++)
        got = recv(watch->fd, sink, sizeof sink, MSG_DONTWAIT);
    if (got > 0)
        http_loop_again(watch);
    else if (got == 0 || (errno != EAGAIN && errno != EINTR))
        linger_end(linger);
}

static void linger_tick(HttpWatch *watch, int64_t now_ns)
{
    Linger *linger = (Linger *)watch;

    if (now_ns >= linger->until_ns)
        linger_end(linger);
}

static void linger_release(HttpWatch *watch)
{
    mem_free(watch);
}

void http_linger(HttpLoop *loop, int fd)
{
    Linger *linger = MEM_NEW(Linger);
    Err     err;

    linger->watch.ready = linger_ready;
    linger->watch.tick = linger_tick;
    linger->watch.release = linger_release;
    linger->watch.fd = fd;
    linger->until_ns = http_loop_now_ns(loop) + LINGER_SECONDS * INT64_C(1000000000);
    (void)shutdown(fd, SHUT_WR);
    if (http_loop_add(loop, &linger->watch, &err) != ERR_OK) {
        close(fd);
        mem_free(linger);
    }
}
