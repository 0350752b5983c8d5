#include "server/http_reply.h"

#include "tests/support/arena_group.h"

static void assert_text(const Buf *got, const char *expected)
{
    if (!str_eq(buf_view(got), str_from(expected)))
        fail_msg("got \"%.*s\", expected \"%s\"", STR_ARG(buf_view(got)), expected);
}

static void head_says_length_or_chunks(void **state)
{
    ApiHeader location = {STR("location"), STR("/info")};
    ApiFrame  frame = {
         .status = 307, .content_type = STR("text/plain"), .headers = &location, .headers_len = 1};
    HttpReply reply = {.minor = 1, .keeps_alive = true, .has_length = true, .date = STR("D")};
    Buf       out = buf_in(test_arena(state));

    http_reply_head(&out, &reply, &frame);
    assert_text(&out, "HTTP/1.1 307 Temporary Redirect\r\ncontent-type: text/plain\r\n"
                      "location: /info\r\ndate: D\r\ncontent-length: 0\r\n\r\n");
    buf_clear(&out);
    reply.has_length = false;
    reply.is_chunked = true;
    frame = (ApiFrame){.status = 200};
    http_reply_head(&out, &reply, &frame);
    assert_text(&out, "HTTP/1.1 200 OK\r\ndate: D\r\ntransfer-encoding: chunked\r\n\r\n");
}

static void connection_is_named_where_it_is_not_the_default(void **state)
{
    ApiFrame  frame = {.status = 200};
    HttpReply reply = {.minor = 1, .date = STR("D")};
    Buf       out = buf_in(test_arena(state));

    http_reply_head(&out, &reply, &frame);
    assert_text(&out, "HTTP/1.1 200 OK\r\ndate: D\r\nconnection: close\r\n\r\n");
    buf_clear(&out);
    reply = (HttpReply){.minor = 0, .keeps_alive = true, .date = STR("D")};
    http_reply_head(&out, &reply, &frame);
    assert_text(&out, "HTTP/1.0 200 OK\r\ndate: D\r\nconnection: keep-alive\r\n\r\n");
}

static void origins_fit_by_pattern(void **state)
{
    static const struct {
        const char *list, *origin;
        bool        is_allowed;
    } cases[] = {
        {"", "http://a", false},
        {"*", "http://a", true},
        {"http://a", "http://a", true},
        {"http://a", "http://a:1", false},
        {"http://a", "http://ab", false},
        {"http://b, http://a", "http://a", true},
        {"http://*.example.com", "http://x.example.com", true},
        {"http://*.example.com", "http://x.y.example.com", true},
        {"http://*.example.com", "http://example.com", false},
        {"http://*.example.com", "http://x.example.com.evil", false},
        {"http*://*:80*", "https://h:8088", true},
        {"a*a", "a", false},
        {"*b*b*b*b*b*b*b*b*c", "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        HttpCors cors = {.origins = str_from(cases[i].list)};

        if (http_cors_allows(&cors, str_from(cases[i].origin)) != cases[i].is_allowed)
            fail_msg("\"%s\" and \"%s\"", cases[i].list, cases[i].origin);
    }
}

static void allowed_origin_is_echoed(void **state)
{
    HttpCors  cors = {STR("*"), STR("GET,POST"), STR("Content-Type")};
    HttpReply reply = {.minor = 1,
                       .keeps_alive = true,
                       .origin = STR("http://a"),
                       .is_cors_on = true,
                       .date = STR("D")};
    Buf       out = buf_in(test_arena(state));

    http_reply_preflight(&out, &reply, &cors);
    assert_text(&out, "HTTP/1.1 204 No Content\r\ndate: D\r\nvary: origin\r\n"
                      "access-control-allow-origin: http://a\r\n"
                      "access-control-allow-credentials: true\r\n"
                      "access-control-allow-methods: GET,POST\r\n"
                      "access-control-allow-headers: Content-Type\r\n\r\n");
}

static void error_is_json(void **state)
{
    Buf out = buf_in(test_arena(state));

    http_reply_error_body(&out, 413, "a \"body\"");
    assert_text(&out, "{\"@type\":\"generic_error\",\"error_code\":41300,"
                      "\"message\":\"a \\\"body\\\"\"}");
}

static void date_is_that_of_rfc_1123(void **state)
{
    char text[HTTP_DATE_BYTES];

    (void)state;
    assert_true(str_eq(http_reply_date(text, sizeof text, 784111777000),
                       STR("Sun, 06 Nov 1994 08:49:37 GMT")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(head_says_length_or_chunks),
        arena_test(connection_is_named_where_it_is_not_the_default),
        arena_test(origins_fit_by_pattern),
        arena_test(allowed_origin_is_echoed),
        arena_test(error_is_json),
        arena_test(date_is_that_of_rfc_1123),
    };

    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
