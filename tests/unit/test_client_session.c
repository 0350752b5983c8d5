/* test_client_session.c -- settings that go along with each request. */
#include "tests/support/arena_group.h"

#include "cli/client_session.h"

static void expect_request(Arena *mem, const ClientSession *session, const char *expected)
{
    Buf body = buf_in(mem);

    client_session_request(session, STR("SHOW STREAMS;"), &body);
    buf_put(&body, 0);
    assert_string_equal(body.ptr, expected);
}

static void request_carries_what_was_set(void **state)
{
    Arena        *mem = test_arena(state);
    ClientSession session;

    client_session_init(&session, mem);
    client_session_set(&session, STR("auto.offset.reset"), STR("earliest"));
    client_session_define(&session, STR("Name"), STR("it's"));
    expect_request(mem, &session,
                   "{\"ksql\":\"SHOW STREAMS;\",\"streamsProperties\":{\"auto.offset.reset\":"
                   "\"earliest\"},\"sessionVariables\":{\"name\":\"it's\"}}");
}

static void sequence_goes_along_unless_requests_are_pipelined(void **state)
{
    Arena        *mem = test_arena(state);
    ClientSession session;

    client_session_init(&session, mem);
    session.sequence = 7;
    expect_request(mem, &session,
                   "{\"ksql\":\"SHOW STREAMS;\",\"streamsProperties\":{},\"sessionVariables\":{},"
                   "\"commandSequenceNumber\":7}");
    session.is_pipelining = true;
    expect_request(mem, &session,
                   "{\"ksql\":\"SHOW STREAMS;\",\"streamsProperties\":{},\"sessionVariables\":{}}");
}

static void unset_gives_the_value_that_was(void **state)
{
    ClientSession session;

    client_session_init(&session, test_arena(state));
    client_session_set(&session, STR("a"), STR("1"));
    client_session_define(&session, STR("V"), STR("2"));
    assert_true(str_eq(client_session_unset(&session, STR("a")), STR("1")));
    assert_null(client_session_unset(&session, STR("a")).ptr);
    assert_true(str_eq(client_session_undefine(&session, STR("v")), STR("2")));
    assert_null(client_session_undefine(&session, STR("V")).ptr);
}

static void variables_are_replaced_in_any_case(void **state)
{
    Arena        *mem = test_arena(state);
    ClientSession session;

    client_session_init(&session, mem);
    client_session_define(&session, STR("env"), STR("test"));
    assert_true(str_eq(client_session_substitute(&session, mem, STR("a-${ENV}-$${env}-${no}-${")),
                       STR("a-test-${env}-${no}-${")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(request_carries_what_was_set),
        arena_test(sequence_goes_along_unless_requests_are_pipelined),
        arena_test(unset_gives_the_value_that_was),
        arena_test(variables_are_replaced_in_any_case),
    };

    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
