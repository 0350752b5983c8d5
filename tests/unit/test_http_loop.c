#include "server/http_loop.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tests/support/arena_group.h"

enum { WAKERS = 4, WAKES = 20000, BURST = 2000, WAIT_MS = 5000 };

/* A watch that takes what was produced for it, as a connection takes frames. */
typedef struct Taker {
    HttpWatch watch;    /* must be first */
    int       produced; /* atomic */
    int       taken;    /* atomic: what the loop's thread has seen of it */
    int       turns;
    int       turns_left; /* of http_loop_again() */
    bool      leaves;
    bool      is_released; /* atomic */
    unsigned  events;
} Taker;

static HttpLoop *g_loop;
static Taker     g_taker;
static int       g_peer;
static pthread_t g_thread;

static void taker_ready(HttpWatch *watch, unsigned events)
{
    Taker *taker = (Taker *)watch;

    __atomic_add_fetch(&taker->turns, 1, __ATOMIC_RELEASE);
    taker->events |= events;
    if (taker->leaves) {
        http_loop_remove(watch);
        return;
    }
    if (taker->turns_left > 0) {
        taker->turns_left--;
        http_loop_again(watch);
        return;
    }
    do
        __atomic_store_n(&taker->taken, __atomic_load_n(&taker->produced, __ATOMIC_ACQUIRE),
                         __ATOMIC_RELEASE);
    while (!http_loop_rest(watch));
}

static void taker_tick(HttpWatch *watch, int64_t now_ns)
{
    (void)watch;
    (void)now_ns;
}

static void taker_release(HttpWatch *watch)
{
    __atomic_store_n(&((Taker *)watch)->is_released, true, __ATOMIC_RELEASE);
}

static void *run_loop(void *loop)
{
    http_loop_run(loop);
    return NULL;
}

static void start(void)
{
    int ends[2];
    Err err;

    assert_int_equal(http_loop_open(clock_system(), &g_loop, &err), ERR_OK);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    g_peer = ends[1];
    g_taker.watch.ready = taker_ready;
    g_taker.watch.tick = taker_tick;
    g_taker.watch.release = taker_release;
    g_taker.watch.fd = ends[0];
    assert_int_equal(http_loop_add(g_loop, &g_taker.watch, &err), ERR_OK);
    assert_int_equal(http_loop_sockets(g_loop), 1);
    assert_int_equal(pthread_create(&g_thread, NULL, run_loop, g_loop), 0);
}

static void stop(void)
{
    http_loop_stop(g_loop);
    pthread_join(g_thread, NULL);
    http_loop_close(g_loop);
    close(g_peer);
    assert_true(g_taker.is_released);
}

static bool becomes(const int *value, int expected)
{
    struct timespec step = {.tv_nsec = 1000000};

    for (int ms = 0; ms < WAIT_MS; ms++) {
        if (__atomic_load_n(value, __ATOMIC_ACQUIRE) == expected)
            return true;
        nanosleep(&step, NULL);
    }
    return false;
}

static void *produce(void *arg)
{
    (void)arg;
    for (int i = 0; i < WAKES; i++) {
        __atomic_add_fetch(&g_taker.produced, 1, __ATOMIC_RELEASE);
        http_loop_wake(&g_taker.watch);
    }
    return NULL;
}

static void no_wake_is_lost(void **state)
{
    pthread_t wakers[WAKERS];

    (void)state;
    g_taker = (Taker){0};
    start();
    for (int i = 0; i < WAKERS; i++)
        assert_int_equal(pthread_create(&wakers[i], NULL, produce, NULL), 0);
    for (int i = 0; i < WAKERS; i++)
        pthread_join(wakers[i], NULL);
    assert_true(becomes(&g_taker.taken, WAKERS * WAKES));
    stop();
    /* Wakes of a watch that is busy or queued already cost no turn. */
    assert_true(g_taker.turns <= WAKERS * WAKES + 2);
}

static void another_turn_is_given_when_asked_for(void **state)
{
    (void)state;
    g_taker = (Taker){.turns_left = 5, .produced = 1};
    start();
    assert_true(becomes(&g_taker.taken, 1));
    stop();
    assert_int_equal(g_taker.turns, 6);
}

static void watch_that_is_removed_is_released_once(void **state)
{
    (void)state;
    g_taker = (Taker){.leaves = true};
    start();
    assert_true(becomes((const int *)&g_taker.turns, 1));
    http_loop_stop(g_loop);
    pthread_join(g_thread, NULL);
    assert_true(g_taker.is_released);
    assert_int_equal(http_loop_sockets(g_loop), 0);
    http_loop_close(g_loop);
    close(g_taker.watch.fd);
    close(g_peer);
}

static void peer_that_goes_is_noticed(void **state)
{
    (void)state;
    g_taker = (Taker){0};
    start();
    assert_int_equal(write(g_peer, "x", 1), 1);
    assert_int_equal(shutdown(g_peer, SHUT_WR), 0);
    __atomic_store_n(&g_taker.produced, 7, __ATOMIC_RELEASE);
    http_loop_wake(&g_taker.watch);
    assert_true(becomes(&g_taker.taken, 7));
    stop();
    assert_true(g_taker.events & HTTP_READABLE);
    assert_true(g_taker.events & HTTP_PEER_DONE);
}

static int64_t cpu_ns(pthread_t thread)
{
    struct timespec used;
    clockid_t       clock;

    assert_int_equal(pthread_getcpuclockid(thread, &clock), 0);
    assert_int_equal(clock_gettime(clock, &used), 0);
    return used.tv_sec * INT64_C(1000000000) + used.tv_nsec;
}

/* One wake, answered, then the next, as fast as it goes. */
static void loop_sleeps_when_a_burst_is_over(void **state)
{
    struct timespec idle = {.tv_nsec = 200000000};
    int64_t         before_ns;

    (void)state;
    g_taker = (Taker){0};
    start();
    for (int i = 1; i <= BURST; i++) {
        __atomic_store_n(&g_taker.produced, i, __ATOMIC_RELEASE);
        http_loop_wake(&g_taker.watch);
        while (__atomic_load_n(&g_taker.taken, __ATOMIC_ACQUIRE) < i)
            sched_yield();
    }
    before_ns = cpu_ns(g_thread);
    nanosleep(&idle, NULL);
    assert_true(cpu_ns(g_thread) - before_ns < idle.tv_nsec / 10);
    stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_wake_is_lost),
        cmocka_unit_test(another_turn_is_given_when_asked_for),
        cmocka_unit_test(watch_that_is_removed_is_released_once),
        cmocka_unit_test(peer_that_goes_is_noticed),
        cmocka_unit_test(loop_sleeps_when_a_burst_is_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
