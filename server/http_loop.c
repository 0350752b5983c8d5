/*
 * http_loop.c -- epoll, an eventfd for wakes, and a tick of a second while sockets are open.
 *
 * A wake moves its watch along:
 *
 *     BUSY ── wake ──▶ NOTED          the watch will look before it rests
 *      │  ▲              │
 *    rest  └─── rest ◀───┘ (says "look again")
 *      ▼
 *     RESTING ── wake ──▶ QUEUED ── the loop takes the queue ──▶ BUSY, ready()
 *
 * The queue is a stack that many threads push and the loop takes whole.  A watch that is removed
 * while QUEUED is released when it comes out of the queue.
 *
 * Who sends one request after the other would pay twice for each of them: the thread falls asleep,
 * the processor halts, and both are woken again 30 microseconds later.  While events follow each
 * other closely the loop therefore keeps looking before it sleeps, for about as long as that costs,
 * and lets every other thread that can run go first.  After a look that was in vain it is a while
 * before the next one.
 */
#include "server/http_loop.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/arena.h"

enum { EVENTS_PER_TURN = 128, TICK_MS = 1000 };

enum {
    LOOK_NS = 80000,  /* what the loop spends on looking before it sleeps */
    SOON_NS = 200000, /* a sleep that ended sooner might have been spared */
    SOON_STREAK = 4,  /* waits in a row that were short: then looking pays */
    VAIN_STREAK = -8  /* after a look that did not */
};

enum { BUSY, NOTED, RESTING, QUEUED };

struct HttpLoop {
    int          epoll_fd, event_fd;
    const Clock *clock;
    bool         is_stopped; /* atomic */
    HttpWatch   *woken;      /* atomic stack */
    HttpWatch   *ticking;
    size_t       sockets;
    int64_t      now_ns;
    int64_t      next_tick_ns;
    int          soon_streak;
};

/* --- life ------------------------------------------------------------------------------------- */

ErrCode http_loop_open(const Clock *clock, HttpLoop **out, Err *err)
{
    HttpLoop          *loop = MEM_NEW(HttpLoop);
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.ptr = NULL};

    loop->clock = clock;
    loop->now_ns = clock_monotonic_ns(clock);
    loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    loop->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (loop->epoll_fd < 0 || loop->event_fd < 0 ||
        epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, loop->event_fd, &event) != 0) {
        err_set(err, ERR_IO, "could not make the event loop: %s", strerror(errno));
        http_loop_close(loop);
        return ERR_IO;
    }
    *out = loop;
    return ERR_OK;
}

/* --- watches ---------------------------------------------------------------------------------- */

static ErrCode add(HttpLoop *loop, HttpWatch *watch, uint32_t events, Err *err)
{
    struct epoll_event event = {.events = events, .data.ptr = watch};

    watch->loop = loop;
    if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, watch->fd, &event) != 0)
        return err_set(err, ERR_IO, "could not watch a socket: %s", strerror(errno));
    return ERR_OK;
}

static void enlist(HttpWatch *watch)
{
    HttpLoop *loop = watch->loop;

    watch->next = loop->ticking;
    watch->prev = &loop->ticking;
    if (loop->ticking)
        loop->ticking->prev = &watch->next;
    loop->ticking = watch;
}

static void delist(HttpWatch *watch)
{
    if (!watch->prev)
        return;
    *watch->prev = watch->next;
    if (watch->next)
        watch->next->prev = watch->prev;
    watch->prev = NULL;
}

ErrCode http_loop_add(HttpLoop *loop, HttpWatch *watch, Err *err)
{
    TRY(add(loop, watch, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, err));
    enlist(watch);
    watch->is_socket = true;
    loop->sockets++;
    return ERR_OK;
}

ErrCode http_loop_add_listener(HttpLoop *loop, HttpWatch *watch, Err *err)
{
    return add(loop, watch, EPOLLIN, err);
}

void http_loop_silence(HttpWatch *watch, bool is_silent)
{
    struct epoll_event event = {.events = is_silent ? 0 : EPOLLIN, .data.ptr = watch};

    (void)epoll_ctl(watch->loop->epoll_fd, EPOLL_CTL_MOD, watch->fd, &event);
    delist(watch);
    if (is_silent)
        enlist(watch);
}

void http_loop_remove(HttpWatch *watch)
{
    struct epoll_event unused = {0};

    (void)epoll_ctl(watch->loop->epoll_fd, EPOLL_CTL_DEL, watch->fd, &unused);
    delist(watch);
    watch->is_removed = true;
    watch->loop->sockets -= watch->is_socket;
    if (__atomic_load_n(&watch->wake_state, __ATOMIC_ACQUIRE) != QUEUED)
        watch->release(watch);
}

/* --- wakes ------------------------------------------------------------------------------------ */

static void kick(const HttpLoop *loop)
{
    uint64_t one = 1;

    /* Fails only when the counter is full: then the loop is awake. */
    if (write(loop->event_fd, &one, sizeof one) < 0)
        return;
}

static void push_woken(HttpWatch *watch)
{
    HttpLoop  *loop = watch->loop;
    HttpWatch *head = __atomic_load_n(&loop->woken, __ATOMIC_RELAXED);

    do {
        watch->next_woken = head;
    } while (!__atomic_compare_exchange_n(&loop->woken, &head, watch, true, __ATOMIC_RELEASE,
                                          __ATOMIC_RELAXED));
    if (!head)
        kick(loop); /* whoever made the queue non-empty wakes the loop */
}

void http_loop_wake(void *arg)
{
    HttpWatch *watch = arg;
    int        state = __atomic_load_n(&watch->wake_state, __ATOMIC_ACQUIRE);

    for (;;) {
        int next = state == BUSY ? NOTED : QUEUED;

        if (state == NOTED || state == QUEUED)
            return;
        if (!__atomic_compare_exchange_n(&watch->wake_state, &state, next, false, __ATOMIC_ACQ_REL,
                                         __ATOMIC_ACQUIRE))
            continue;
        if (next == QUEUED)
            push_woken(watch);
        return;
    }
}

bool http_loop_rest(HttpWatch *watch)
{
    int state = __atomic_load_n(&watch->wake_state, __ATOMIC_ACQUIRE);

    /* A socket event may find the watch at rest, or on its way to ready(watch, 0): leave it so. */
    if (state == RESTING || state == QUEUED)
        return true;
    state = BUSY;
    if (__atomic_compare_exchange_n(&watch->wake_state, &state, RESTING, false, __ATOMIC_ACQ_REL,
                                    __ATOMIC_ACQUIRE))
        return true;
    __atomic_store_n(&watch->wake_state, BUSY, __ATOMIC_RELEASE);
    return false;
}

void http_loop_again(HttpWatch *watch)
{
    if (__atomic_exchange_n(&watch->wake_state, QUEUED, __ATOMIC_ACQ_REL) != QUEUED)
        push_woken(watch);
}

static void run_woken(HttpLoop *loop)
{
    HttpWatch *watch = __atomic_exchange_n(&loop->woken, NULL, __ATOMIC_ACQUIRE);

    while (watch) {
        HttpWatch *next = watch->next_woken;

        __atomic_store_n(&watch->wake_state, BUSY, __ATOMIC_RELEASE);
        if (watch->is_removed)
            watch->release(watch);
        else
            watch->ready(watch, 0);
        watch = next;
    }
}

void http_loop_close(HttpLoop *loop)
{
    HttpWatch *woken;

    if (!loop)
        return;
    while (loop->ticking) {
        int fd = loop->ticking->fd;

        http_loop_remove(loop->ticking);
        close(fd);
    }
    woken = loop->woken;
    while (woken) {
        HttpWatch *next = woken->next_woken;

        if (woken->is_removed)
            woken->release(woken);
        woken = next;
    }
    if (loop->event_fd >= 0)
        close(loop->event_fd);
    if (loop->epoll_fd >= 0)
        close(loop->epoll_fd);
    mem_free(loop);
}

/* --- the loop --------------------------------------------------------------------------------- */

static unsigned events_of(uint32_t events)
{
    unsigned out = 0;

    if (events & EPOLLIN)
        out |= HTTP_READABLE;
    if (events & EPOLLOUT)
        out |= HTTP_WRITABLE;
    if (events & EPOLLRDHUP)
        out |= HTTP_PEER_DONE;
    if (events & (EPOLLHUP | EPOLLERR))
        out |= HTTP_BROKEN;
    return out;
}

static void run_ticks(HttpLoop *loop)
{
    HttpWatch *next;

    if (loop->now_ns < loop->next_tick_ns)
        return;
    loop->next_tick_ns = loop->now_ns + TICK_MS * INT64_C(1000000);
    for (HttpWatch *watch = loop->ticking; watch; watch = next) {
        next = watch->next; /* a tick may remove its own watch, and no other */
        watch->tick(watch, loop->now_ns);
    }
}

/* Without open sockets there is nothing to time out: the thread sleeps for good. */
static int timeout_ms(const HttpLoop *loop)
{
    int64_t left_ns = loop->next_tick_ns - loop->now_ns;

    if (!loop->ticking)
        return -1;
    return left_ns <= 0 ? 0 : (int)(left_ns / 1000000) + 1;
}

/* Looks for events without sleeping. */
static int look(HttpLoop *loop, struct epoll_event *events, int64_t until_ns)
{
    int count;

    while ((count = epoll_wait(loop->epoll_fd, events, EVENTS_PER_TURN, 0)) == 0 &&
           clock_monotonic_ns(loop->clock) < until_ns)
        sched_yield();
    return count;
}

/* Waits for events, and notes when that was. */
static int wait(HttpLoop *loop, struct epoll_event *events)
{
    int64_t began_ns = clock_monotonic_ns(loop->clock);
    bool    has_looked = loop->soon_streak >= SOON_STREAK;
    int     count = has_looked ? look(loop, events, began_ns + LOOK_NS) : 0;
    bool    is_vain = has_looked && count == 0;
    int64_t waited_ns;

    if (count == 0)
        count = epoll_wait(loop->epoll_fd, events, EVENTS_PER_TURN, timeout_ms(loop));
    loop->now_ns = clock_monotonic_ns(loop->clock);
    waited_ns = loop->now_ns - began_ns;
    /* A look that took longer gave way to somebody: processors are busy, sleeping costs little. */
    if (is_vain || (has_looked && waited_ns > 2 * LOOK_NS))
        loop->soon_streak = VAIN_STREAK;
    else if (waited_ns < SOON_NS)
        loop->soon_streak += loop->soon_streak < SOON_STREAK;
    else if (loop->soon_streak > 0)
        loop->soon_streak = 0;
    return count;
}

void http_loop_run(HttpLoop *loop)
{
    struct epoll_event events[EVENTS_PER_TURN];

    while (!__atomic_load_n(&loop->is_stopped, __ATOMIC_ACQUIRE)) {
        int count = wait(loop, events);

        for (int i = 0; i < count; i++) {
            HttpWatch *watch = events[i].data.ptr;

            if (watch)
                watch->ready(watch, events_of(events[i].events));
        }
        run_woken(loop);
        run_ticks(loop);
    }
}

void http_loop_stop(HttpLoop *loop)
{
    __atomic_store_n(&loop->is_stopped, true, __ATOMIC_RELEASE);
    kick(loop);
}

size_t http_loop_sockets(const HttpLoop *loop)
{
    return loop->sockets;
}

int64_t http_loop_now_ns(const HttpLoop *loop)
{
    return loop->now_ns;
}

int64_t http_loop_now_ms(const HttpLoop *loop)
{
    return clock_now_ms(loop->clock);
}
