/*
 * Connections over socket pairs, with an API that the test plays (tests/support/fake_api.h).
 */
#include "server/http.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "common/limit.h"
#include "common/log.h"
#include "tests/support/arena_group.h"
#include "tests/support/fake_api.h"

enum { WAIT_MS = 5000, ROOM = 1 << 20 };
enum { DRAIN = -1, LOOK_AT_THE_CLOCK = -2 }; /* what the pipe says instead of a descriptor */

/* Connections are adopted on the loop's thread, as the acceptor does. */
typedef struct Entrance {
    HttpWatch watch; /* must be first; reads file descriptors from a pipe */
    Http     *http;
} Entrance;

typedef struct World {
    Api       *api;
    HttpLoop  *loop;
    Http      *http;
    Entrance   entrance;
    int        pipe_in;
    pthread_t  thread;
    Properties props;
    Arena     *mem;
} World;

static World   g_world;
static int64_t g_passed_ns; /* atomic: how far the test's clock is ahead */
static char    g_got[ROOM];

static int64_t now_ms(const Clock *clock)
{
    (void)clock;
    return clock_now_ms(clock_system());
}

static int64_t monotonic_ns(const Clock *clock)
{
    (void)clock;
    return clock_monotonic_ns(clock_system()) + __atomic_load_n(&g_passed_ns, __ATOMIC_ACQUIRE);
}

static const Clock g_clock = {.now_ms = now_ms, .monotonic_ns = monotonic_ns};

static void entrance_ready(HttpWatch *watch, unsigned events)
{
    Entrance *entrance = (Entrance *)watch;
    int       fd;

    (void)events;
    while (read(watch->fd, &fd, sizeof fd) == sizeof fd) {
        if (fd == DRAIN)
            http_drain(entrance->http);
        else if (fd >= 0)
            http_adopt(entrance->http, fd);
    }
}

static void entrance_tick(HttpWatch *watch, int64_t now_ns)
{
    (void)watch;
    (void)now_ns;
}

static void entrance_release(HttpWatch *watch)
{
    (void)watch;
}

static void *run_loop(void *loop)
{
    http_loop_run(loop);
    return NULL;
}

static int open_world(void **state)
{
    World   *world = &g_world;
    HttpOpts opts;
    int      ends[2];
    Err      err;

    (void)state;
    *world = (World){.api = fake_api_new(), .mem = arena_new(0)};
    properties_init(&world->props, world->mem, NULL);
    assert_int_equal(http_loop_open(&g_clock, &world->loop, &err), ERR_OK);
    opts = (HttpOpts){.api = world->api, .loop = world->loop, .props = &world->props};
    world->http = http_open(&opts);
    assert_int_equal(pipe2(ends, 0), 0);
    world->pipe_in = ends[1];
    world->entrance =
        (Entrance){.watch = {entrance_ready, entrance_tick, entrance_release, .fd = ends[0]},
                   .http = world->http};
    assert_int_equal(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
    assert_int_equal(http_loop_add(world->loop, &world->entrance.watch, &err), ERR_OK);
    return pthread_create(&world->thread, NULL, run_loop, world->loop);
}

static int close_world(void **state)
{
    World *world = &g_world;

    (void)state;
    http_loop_stop(world->loop);
    pthread_join(world->thread, NULL);
    http_close(world->http);
    http_loop_close(world->loop);
    close(world->pipe_in);
    fake_api_free(world->api);
    arena_free(world->mem);
    return 0;
}

static void tell_loop(int what)
{
    assert_int_equal(write(g_world.pipe_in, &what, sizeof what), sizeof what);
}

static void let_pass(int64_t seconds)
{
    __atomic_add_fetch(&g_passed_ns, seconds * 1000000000, __ATOMIC_RELEASE);
    tell_loop(LOOK_AT_THE_CLOCK);
}

static int connect_client(void)
{
    int ends[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    assert_int_equal(fcntl(ends[1], F_SETFL, O_NONBLOCK), 0);
    tell_loop(ends[1]);
    return ends[0];
}

static void say(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* Reads until the end mark is there, or, without one, until the server closes. */
static const char *hear(int fd, const char *mark)
{
    size_t len = 0;

    for (;;) {
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        ssize_t       got;

        g_got[len] = '\0';
        if (mark && len >= strlen(mark) && strcmp(g_got + len - strlen(mark), mark) == 0)
            return g_got;
        if (poll(&wait, 1, WAIT_MS) != 1)
            fail_msg("nothing more came behind \"%s\"", g_got);
        got = recv(fd, g_got + len, sizeof g_got - 1 - len, 0);
        if (got <= 0) {
            if (mark)
                fail_msg("closed behind \"%s\"", g_got);
            return g_got;
        }
        len += (size_t)got;
    }
}

static void assert_has(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("no \"%s\" in \"%s\"", part, text);
}

static void wait_until(int (*count)(Api *api), int expected)
{
    struct timespec step = {.tv_nsec = 1000000};

    for (int ms = 0; ms < WAIT_MS && count(g_world.api) != expected; ms++)
        nanosleep(&step, NULL);
    assert_int_equal(count(g_world.api), expected);
}

/* --- responses -------------------------------------------------------------------------------- */

static void whole_answer_has_a_length(void **state)
{
    int         fd = connect_client();
    const char *got;

    (void)state;
    say(fd, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello");
    got = hear(fd, "hello");
    assert_has(got, "HTTP/1.1 200 OK\r\n");
    assert_has(got, "content-type: text/plain\r\n");
    assert_has(got, "content-length: 5\r\n\r\nhello");
    close(fd);
}

static void each_frame_is_a_chunk(void **state)
{
    int         fd = connect_client();
    const char *got;

    (void)state;
    say(fd, "GET /frames HTTP/1.1\r\nHost: x\r\n\r\n");
    got = hear(fd, "0\r\n\r\n");
    assert_has(got, "transfer-encoding: chunked\r\n\r\n8\r\nframe 0\n\r\n8\r\nframe 1\n\r\n"
                    "8\r\nframe 2\n\r\n0\r\n\r\n");
    close(fd);
}

static void old_client_gets_frames_until_the_end_of_the_connection(void **state)
{
    int         fd = connect_client();
    const char *got;

    (void)state;
    say(fd, "GET /frames HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    got = hear(fd, NULL);
    assert_has(got, "HTTP/1.0 200 OK\r\n");
    assert_has(got, "connection: close\r\n");
    assert_has(got, "\r\n\r\nframe 0\nframe 1\nframe 2\n");
    close(fd);
}

static void pipelined_answers_come_in_order(void **state)
{
    int         fd = connect_client();
    const char *got;

    (void)state;
    say(fd,
        "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\none"
        "GET /frames HTTP/1.1\r\nHost: x\r\n\r\n"
        "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nConnection: close\r\n\r\nthree");
    got = hear(fd, NULL);
    assert_true(strstr(got, "one") < strstr(got, "frame 0"));
    assert_true(strstr(got, "frame 2") < strstr(got, "three"));
    close(fd);
}

/* More of them than a turn serves: the rest follows without a further event. */
static void flood_of_pipelined_requests_is_answered(void **state)
{
    int fd = connect_client();
    Buf flood = {0};

    (void)state;
    for (int i = 0; i < 1000; i++)
        buf_c(&flood, "GET /echo HTTP/1.1\r\nHost: x\r\n\r\n");
    buf_c(&flood, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nlast");
    assert_int_equal(send(fd, flood.ptr, flood.len, MSG_NOSIGNAL), flood.len);
    (void)hear(fd, "last");
    assert_int_equal(fake_api_opened(g_world.api), 1001);
    buf_deinit(&flood);
    close(fd);
}

static void call_without_an_answer_is_an_error(void **state)
{
    int fd = connect_client();

    (void)state;
    say(fd, "GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_has(hear(fd, "}"), "HTTP/1.1 500 ");
    close(fd);
}

static void head_of_a_stream_ends_the_call(void **state)
{
    int fd = connect_client();

    (void)state;
    say(fd, "HEAD /endless HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_has(hear(fd, "\r\n\r\n"), "HTTP/1.1 200 OK");
    wait_until(fake_api_open_now, 0);
    close(fd);
}

/* --- waiting ---------------------------------------------------------------------------------- */

static void frames_are_sent_when_the_api_wakes(void **state)
{
    int fd = connect_client();

    (void)state;
    say(fd, "GET /fed HTTP/1.1\r\nHost: x\r\n\r\n");
    wait_until(fake_api_opened, 1);
    for (int i = 0; i < 500; i++) {
        fake_api_feed(g_world.api, "tick");
        (void)hear(fd, "tick\r\n");
    }
    fake_api_end(g_world.api);
    (void)hear(fd, "0\r\n\r\n");
    close(fd);
}

static void client_that_leaves_closes_its_call(void **state)
{
    int fd = connect_client();

    (void)state;
    say(fd, "GET /fed HTTP/1.1\r\nHost: x\r\n\r\n");
    wait_until(fake_api_opened, 1);
    fake_api_feed(g_world.api, "first");
    (void)hear(fd, "first\r\n");
    close(fd);
    wait_until(fake_api_open_now, 0);
}

static void client_that_does_not_read_is_not_asked_for(void **state)
{
    int             fd = connect_client();
    int             slow_asked, asked = -1;
    struct timespec pause = {.tv_nsec = 50000000};
    int             other = connect_client();

    (void)state;
    say(fd, "GET /endless HTTP/1.1\r\nHost: x\r\n\r\n");
    wait_until(fake_api_opened, 1);
    for (slow_asked = 0; asked != slow_asked;) {
        slow_asked = fake_api_asked(g_world.api);
        nanosleep(&pause, NULL);
        asked = fake_api_asked(g_world.api);
    }
    assert_true(asked < 20000); /* what fits into the socket, and little more */
    say(other, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi");
    (void)hear(other, "hi");
    assert_true(recv(fd, g_got, sizeof g_got, MSG_WAITALL) > 0);
    nanosleep(&pause, NULL);
    assert_true(fake_api_asked(g_world.api) > asked + 1);
    close(fd);
    close(other);
    wait_until(fake_api_open_now, 0);
}

/* --- time ------------------------------------------------------------------------------------- */

/* The loop's thread has surely seen what was said before. */
static void settle(void)
{
    int fd = connect_client();

    say(fd, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi");
    (void)hear(fd, "hi");
    close(fd);
}

static void head_that_trickles_in_is_given_up(void **state)
{
    int fd = connect_client();

    (void)state;
    say(fd, "GET /echo HT");
    settle();
    let_pass(6);
    say(fd, "TP/1.1\r\nHo"); /* more bytes do not buy more time */
    settle();
    let_pass(6);
    assert_has(hear(fd, NULL), "HTTP/1.1 408 Request Timeout\r\n");
    close(fd);
}

static void body_that_trickles_in_is_given_up(void **state)
{
    int fd = connect_client();

    (void)state;
    say(fd, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc");
    settle();
    let_pass(20);
    settle();
    say(fd, "def");
    settle();
    let_pass(20);
    assert_has(hear(fd, NULL), "HTTP/1.1 408 Request Timeout\r\n");
    close(fd);
}

static void idle_connection_is_closed_when_its_time_is_up(void **state)
{
    int fd = connect_client();

    (void)state;
    say(fd, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi");
    (void)hear(fd, "hi");
    let_pass(86000);
    say(fd, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nho");
    (void)hear(fd, "ho");
    let_pass(86401);
    assert_string_equal(hear(fd, NULL), "");
    close(fd);
}

static void client_that_takes_nothing_is_given_up(void **state)
{
    int fd = connect_client();

    (void)state;
    say(fd, "GET /endless HTTP/1.1\r\nHost: x\r\n\r\n");
    wait_until(fake_api_opened, 1);
    settle();
    let_pass(301);
    wait_until(fake_api_open_now, 0);
    close(fd);
}

/* --- ends ------------------------------------------------------------------------------------- */

static void bad_request_is_answered_and_closed(void **state)
{
    int         fd = connect_client();
    const char *got;

    (void)state;
    say(fd, "GET / HTTP/1.1\r\nno colon\r\n\r\nGET /echo HTTP/1.1\r\nHost: x\r\n\r\n");
    got = hear(fd, NULL);
    assert_has(got, "HTTP/1.1 400 Bad Request\r\n");
    assert_has(got, "\"error_code\":40000");
    assert_null(strstr(got, "200 OK"));
    assert_int_equal(fake_api_opened(g_world.api), 0);
    close(fd);
}

static void large_requests_share_a_bound(void **state)
{
    int64_t before = g_limits.requests_bytes;
    int     fd = connect_client();
    Buf     body = {0};

    (void)state;
    g_limits.requests_bytes = 100000;
    buf_c(&body, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n");
    for (int i = 0; i < 150000; i++)
        buf_put(&body, 'b');
    assert_true(send(fd, body.ptr, body.len, MSG_NOSIGNAL) > 0);
    assert_has(hear(fd, NULL), "HTTP/1.1 503 ");
    g_limits.requests_bytes = before;
    buf_deinit(&body);
    close(fd);
}

static void drain_ends_idle_connections_and_waits_for_answers(void **state)
{
    int idle = connect_client(), busy = connect_client();

    (void)state;
    say(busy, "GET /fed HTTP/1.1\r\nHost: x\r\n\r\n");
    wait_until(fake_api_opened, 1);
    tell_loop(DRAIN);
    assert_string_equal(hear(idle, NULL), "");
    api_shutdown(g_world.api);
    fake_api_end(g_world.api);
    (void)hear(busy, NULL);
    close(idle);
    close(busy);
}

#define http_test(test) cmocka_unit_test_setup_teardown(test, open_world, close_world)

static void ignore_line(LogLevel level, const char *line)
{
    (void)level;
    (void)line;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        http_test(whole_answer_has_a_length),
        http_test(each_frame_is_a_chunk),
        http_test(old_client_gets_frames_until_the_end_of_the_connection),
        http_test(pipelined_answers_come_in_order),
        http_test(flood_of_pipelined_requests_is_answered),
        http_test(call_without_an_answer_is_an_error),
        http_test(head_of_a_stream_ends_the_call),
        http_test(frames_are_sent_when_the_api_wakes),
        http_test(client_that_leaves_closes_its_call),
        http_test(client_that_does_not_read_is_not_asked_for),
        http_test(head_that_trickles_in_is_given_up),
        http_test(body_that_trickles_in_is_given_up),
        http_test(idle_connection_is_closed_when_its_time_is_up),
        http_test(client_that_takes_nothing_is_given_up),
        http_test(bad_request_is_answered_and_closed),
        http_test(large_requests_share_a_bound),
        http_test(drain_ends_idle_connections_and_waits_for_answers),
    };

    log_set_sink(ignore_line); /* refusals are logged */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
