#include "server/acceptor.h"

#include <stdio.h>

#include "common/log.h"
#include "tests/support/arena_group.h"

static char g_log[512];

static void keep_line(LogLevel level, const char *line)
{
    (void)level;
    snprintf(g_log, sizeof g_log, "%s", line);
}

static void chosen_ports_are_named(void **state)
{
    Acceptor *acceptor;
    Err       err;
    int       first = 0, second = 0;

    assert_int_equal(
        acceptor_open(STR("http://127.0.0.1:0 , http://localhost:0/"), &acceptor, &err), ERR_OK);
    assert_int_equal(sscanf(str_to_c(test_arena(state), acceptor_urls(acceptor)),
                            "http://127.0.0.1:%d,http://localhost:%d", &first, &second),
                     2);
    assert_true(first > 0 && second > 0 && first != second);
    acceptor_close(acceptor);
}

static void malformed_listeners_are_errors(void **state)
{
    static const struct {
        const char *listeners, *msg;
    } cases[] = {
        {"", "malformed listener \"\": no http://"},
        {"127.0.0.1:1", "malformed listener \"127.0.0.1:1\": no http://"},
        {"http://", "malformed listener \"http://\": no host"},
        {"http://:80", "malformed listener \"http://:80\": no host"},
        {"http://[::1:80", "malformed listener \"http://[::1:80\": no closing bracket"},
        {"http://[]:80", "malformed listener \"http://[]:80\": no host"},
        {"http://[::1]80", "malformed listener \"http://[::1]80\": bad port"},
        {"http://h:", "malformed listener \"http://h:\": bad port"},
        {"http://h:x", "malformed listener \"http://h:x\": bad port"},
        {"http://h:65536", "malformed listener \"http://h:65536\": bad port"},
        {"http://h:-1", "malformed listener \"http://h:-1\": bad port"},
        {"http://127.0.0.1:0,", "malformed listener \"\": no http://"},
        {"https://h:1", "cannot listen on \"https://h:1\": TLS is not supported"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Acceptor *acceptor;
        Err       err;

        assert_int_equal(acceptor_open(str_from(cases[i].listeners), &acceptor, &err), ERR_CONFIG);
        assert_string_equal(err.msg, cases[i].msg);
        assert_true(err.hint[0] != '\0');
    }
}

static void busy_port_is_an_error_by_name(void **state)
{
    Acceptor *first, *second;
    HttpLoop *loop;
    Err       err;
    ErrCode   rc;

    (void)state;
    assert_int_equal(acceptor_open(STR("http://127.0.0.1:0"), &first, &err), ERR_OK);
    assert_int_equal(http_loop_open(clock_system(), &loop, &err), ERR_OK);
    assert_int_equal(acceptor_start(first, &(AcceptorOpts){.loop = loop}, &err), ERR_OK);
    rc = acceptor_open(acceptor_urls(first), &second, &err);
    assert_int_equal(rc, ERR_IO);
    assert_non_null(strstr(err.msg, "the port is in use"));
    acceptor_close(first);
    http_loop_close(loop);
}

static void public_address_is_warned_about(void **state)
{
    Acceptor *acceptor;
    Err       err;

    (void)state;
    g_log[0] = '\0';
    assert_int_equal(acceptor_open(STR("http://127.0.0.2:0"), &acceptor, &err), ERR_OK);
    assert_string_equal(g_log, "");
    acceptor_close(acceptor);
    assert_int_equal(acceptor_open(STR("http://0.0.0.0:0"), &acceptor, &err), ERR_OK);
    assert_non_null(strstr(g_log, "public address without authentication"));
    acceptor_close(acceptor);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(chosen_ports_are_named),
        arena_test(malformed_listeners_are_errors),
        arena_test(busy_port_is_an_error_by_name),
        arena_test(public_address_is_warned_about),
    };

    log_set_sink(keep_line);
    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
