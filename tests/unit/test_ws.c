/*
 * A websocket over loopback with an API that the test plays; what clients do wrong is
 * tests/server/test_websocket.py.
 */
#include "server/ws.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tests/support/arena_group.h"
#include "tests/support/fake_api.h"

enum { WAIT_S = 5 };

static Api *g_api;
static Ws  *g_ws;

static int open_ws(void **state)
{
    (void)state;
    g_api = fake_api_new();
    g_ws = ws_open(g_api);
    return 0;
}

static int close_ws(void **state)
{
    (void)state;
    ws_close(g_ws);
    fake_api_free(g_api);
    return 0;
}

/* Both ends of a connection: the server's is handed over, the client's is returned. */
static int adopt_client(Str rest)
{
    static const struct timeval patience = {.tv_sec = WAIT_S};
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t          len = sizeof addr;
    int                listener = socket(AF_INET, SOCK_STREAM, 0);
    int                client = socket(AF_INET, SOCK_STREAM, 0);
    int                server;
    ApiRequest         request = {.method = STR("GET"), .path = STR("/ws/query")};

    assert_int_equal(bind(listener, (struct sockaddr *)&addr, len), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&addr, &len), 0);
    assert_int_equal(connect(client, (struct sockaddr *)&addr, len), 0);
    server = accept(listener, NULL, NULL);
    assert_true(server >= 0);
    assert_int_equal(fcntl(server, F_SETFL, O_NONBLOCK), 0);
    close(listener);
    assert_int_equal(setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
    ws_adopt(g_ws, server, &request, STR("dGhlIHNhbXBsZSBub25jZQ=="), rest);
    return client;
}

static void hear(int fd, char *out, size_t len)
{
    assert_int_equal(recv(fd, out, len, MSG_WAITALL), len);
}

/* Reads the answer to the handshake, to its empty line. */
static void hear_handshake(int fd, char *out, size_t room)
{
    size_t len = 0;

    while (len < 4 || memcmp(out + len - 4, "\r\n\r\n", 4) != 0) {
        assert_true(len + 1 < room);
        hear(fd, out + len++, 1);
    }
    out[len] = '\0';
}

static void wait_until_open(int expected)
{
    struct timespec step = {.tv_nsec = 1000000};

    for (int ms = 0; ms < WAIT_S * 1000 && fake_api_open_now(g_api) != expected; ms++)
        nanosleep(&step, NULL);
    assert_int_equal(fake_api_open_now(g_api), expected);
}

static void frames_are_messages_and_the_end_has_a_code(void **state)
{
    char text[1024];
    int  fd = adopt_client(STR(""));

    (void)state;
    hear_handshake(fd, text, sizeof text);
    assert_non_null(strstr(text, "HTTP/1.1 101 "));
    assert_non_null(strstr(text, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    wait_until_open(1);
    assert_int_equal(ws_sessions(g_ws), 1);
    fake_api_feed(g_api, "hello");
    hear(fd, text, 7);
    assert_memory_equal(text, "\x81\x05hello", 7);
    fake_api_end(g_api);
    hear(fd, text, 8);
    assert_memory_equal(text,
                        "\x88\x06\x03\xe8"
                        "done",
                        8);
    close(fd);
    wait_until_open(0);
}

static void client_that_leaves_closes_its_call(void **state)
{
    char text[1024];
    int  fd = adopt_client(STR(""));

    (void)state;
    hear_handshake(fd, text, sizeof text);
    wait_until_open(1);
    close(fd);
    wait_until_open(0);
}

static void close_ends_open_sessions(void **state)
{
    char text[1024];
    int  fd = adopt_client(STR(""));

    (void)state;
    hear_handshake(fd, text, sizeof text);
    wait_until_open(1);
    api_shutdown(g_api);
    ws_close(g_ws);
    g_ws = NULL;
    hear(fd, text, 4);
    assert_memory_equal(text, "\x88\x06\x03\xe8", 4);
    close(fd);
}

static int threads_of_process(void)
{
    DIR *tasks = opendir("/proc/self/task");
    int  count = -2; /* "." and ".." */

    assert_non_null(tasks);
    while (readdir(tasks))
        count++;
    closedir(tasks);
    return count;
}

static void thread_begins_with_the_first_websocket(void **state)
{
    char text[1024];
    int  before = threads_of_process();
    int  fd;

    (void)state;
    assert_int_equal(ws_sessions(g_ws), 0);
    fd = adopt_client(STR(""));
    hear_handshake(fd, text, sizeof text);
    assert_int_equal(threads_of_process(), before + 1);
    close(fd);
    wait_until_open(0);
}

#define ws_test(test) cmocka_unit_test_setup_teardown(test, open_ws, close_ws)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ws_test(frames_are_messages_and_the_end_has_a_code),
        ws_test(client_that_leaves_closes_its_call),
        ws_test(close_ends_open_sessions),
        ws_test(thread_begins_with_the_first_websocket),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
