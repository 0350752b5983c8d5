#include "exec/functions/uri.h"

#include "tests/support/arena_group.h"

static Uri parsed(const char *text)
{
    Uri uri;
    Err err;

    if (uri_parse(str_from(text), &uri, &err) != ERR_OK)
        fail_msg("%s: %s", text, err.msg);
    return uri;
}

static void assert_part(void **state, Str part, const char *expected)
{
    if (!expected) {
        assert_null(part.ptr);
        return;
    }
    assert_non_null(part.ptr);
    assert_string_equal(str_to_c(test_arena(state), part), expected);
}

static void a_whole_uri_is_taken_apart(void **state)
{
    Uri uri = parsed("https://user@host.example:8443/a/b;c?d=e&f#g/h");

    assert_part(state, uri.scheme, "https");
    assert_part(state, uri.host, "host.example");
    assert_int_equal(uri.port, 8443);
    assert_part(state, uri.path, "/a/b;c");
    assert_part(state, uri.query, "d=e&f");
    assert_part(state, uri.fragment, "g/h");
}

static void what_is_not_there_is_absent(void **state)
{
    Uri uri = parsed("a/b");

    assert_part(state, uri.scheme, NULL);
    assert_part(state, uri.host, NULL);
    assert_int_equal(uri.port, -1);
    assert_part(state, uri.path, "a/b");
    assert_part(state, uri.query, NULL);
    assert_part(state, uri.fragment, NULL);
    assert_part(state, parsed("mailto:a@b").path, NULL);
    assert_part(state, parsed("http://h").path, "");
    assert_part(state, parsed("http://h?").query, "");
}

static void only_hosts_of_servers_are_hosts(void **state)
{
    assert_part(state, parsed("http://1.2.3.4/").host, "1.2.3.4");
    assert_part(state, parsed("http://1.2.3.400/").host, NULL);
    assert_part(state, parsed("http://[fe80::1]:1/").host, "[fe80::1]");
    assert_part(state, parsed("http://a_b/").host, NULL);
    assert_part(state, parsed("http://a.1/").host, NULL);
    assert_part(state, parsed("http://a.b./").host, "a.b.");
    assert_part(state, parsed("http://h:99999999999/").host, NULL);
    assert_int_equal(parsed("http://h:/").port, -1);
}

static void syntax_errors_are_refused(void **state)
{
    const Str bad[] = {STR("a b"),         STR("http://h/a|b"), STR("http://h/%1"), STR(":a"),
                       STR("1a:b"),        STR("http:"),        STR("http://"),     STR("a\0b"),
                       STR("http://h/\""), STR("http://h/#^")};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        Uri uri;
        Err err;

        if (uri_parse(bad[i], &uri, &err) != ERR_EVAL)
            fail_msg("%s is accepted", bad[i].ptr);
    }
}

static void escapes_are_decoded_as_utf8(void **state)
{
    Arena *test_mem = test_arena(state);

    assert_part(state, uri_decode(test_mem, STR("a%20b%C3%A4")), "a b\xc3\xa4");
    assert_part(state, uri_decode(test_mem, STR("%FF")), "\xef\xbf\xbd");
    assert_part(state, uri_decode(test_mem, STR("%2")), "%2");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(a_whole_uri_is_taken_apart),      arena_test(what_is_not_there_is_absent),
        arena_test(only_hosts_of_servers_are_hosts), arena_test(syntax_errors_are_refused),
        arena_test(escapes_are_decoded_as_utf8),
    };
    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
