/*
 * Each request is parsed twice, whole and byte by byte: both must say the same.
 */
#include "server/http_parse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "common/limit.h"

enum { TEXT_BYTES = 1 << 18 };

typedef struct Parsed {
    HttpParsed kind;
    HttpParse  parse;
    ApiRequest request;
    ApiHeader  fields[HTTP_FIELDS_MAX];
    char       bytes[TEXT_BYTES];
    size_t     len;
} Parsed;

static Parsed g_whole, g_bytewise;

static void finish(Parsed *out)
{
    if (out->kind == HTTP_DONE)
        http_parse_request(&out->parse, out->bytes, out->fields, &out->request);
}

static void parse_whole(Parsed *out, Str text)
{
    http_parse_init(&out->parse);
    memcpy(out->bytes, text.ptr, text.len);
    out->len = text.len;
    do
        out->kind = http_parse_feed(&out->parse, out->bytes, &out->len);
    while (out->kind == HTTP_HEAD);
    finish(out);
}

static void parse_bytewise(Parsed *out, Str text)
{
    http_parse_init(&out->parse);
    out->len = 0;
    out->kind = HTTP_MORE;
    for (size_t i = 0; i < text.len && out->kind != HTTP_DONE && out->kind != HTTP_BAD; i++) {
        out->bytes[out->len++] = text.ptr[i];
        out->kind = http_parse_feed(&out->parse, out->bytes, &out->len);
    }
    finish(out);
}

static const Parsed *parse(Str text)
{
    assert_true(text.len < TEXT_BYTES);
    parse_whole(&g_whole, text);
    parse_bytewise(&g_bytewise, text);
    assert_int_equal(g_whole.kind, g_bytewise.kind);
    if (g_whole.kind == HTTP_BAD) {
        assert_int_equal(g_whole.parse.status, g_bytewise.parse.status);
        assert_string_equal(g_whole.parse.why, g_bytewise.parse.why);
    }
    if (g_whole.kind == HTTP_DONE) {
        assert_true(str_eq(g_whole.request.method, g_bytewise.request.method));
        assert_true(str_eq(g_whole.request.path, g_bytewise.request.path));
        assert_true(str_eq(g_whole.request.body, g_bytewise.request.body));
        assert_int_equal(g_whole.request.headers_len, g_bytewise.request.headers_len);
    }
    return &g_whole;
}

static void assert_text(Str got, const char *expected)
{
    if (!str_eq(got, str_from(expected)))
        fail_msg("got \"%.*s\", expected \"%s\"", STR_ARG(got), expected);
}

static void assert_refused(Str text, int status)
{
    const Parsed *parsed = parse(text);

    if (parsed->kind != HTTP_BAD || parsed->parse.status != status)
        fail_msg("\"%.*s\": kind %d status %d (%s), expected %d", STR_ARG(text), (int)parsed->kind,
                 parsed->parse.status, parsed->parse.why, status);
    assert_true(strlen(parsed->parse.why) > 0);
}

/* --- what is understood ----------------------------------------------------------------------- */

static void request_is_taken_apart(void **state)
{
    const Parsed *parsed = parse(STR("GET /info?a=1&b HTTP/1.1\r\nHost: x:8088\r\n"
                                     "X-Many:  spaces \t\r\nEmpty:\r\n\r\n"));

    (void)state;
    assert_int_equal(parsed->kind, HTTP_DONE);
    assert_text(parsed->request.method, "GET");
    assert_text(parsed->request.path, "/info");
    assert_text(parsed->request.query, "a=1&b");
    assert_int_equal(parsed->request.http_minor, 1);
    assert_int_equal(parsed->request.headers_len, 3);
    assert_text(parsed->fields[0].name, "host");
    assert_text(parsed->fields[0].value, "x:8088");
    assert_text(parsed->fields[1].name, "x-many");
    assert_text(parsed->fields[1].value, "spaces");
    assert_text(parsed->fields[2].value, "");
    assert_text(parsed->request.body, "");
}

static void absolute_target_loses_its_authority(void **state)
{
    const Parsed *parsed = parse(STR("GET http://h:1/a/b?c HTTP/1.1\r\nHost: h\r\n\r\n"));

    (void)state;
    assert_text(parsed->request.path, "/a/b");
    assert_text(parsed->request.query, "c");
    parsed = parse(STR("GET http://h HTTP/1.1\r\nHost: h\r\n\r\n"));
    assert_text(parsed->request.path, "/");
}

static void body_of_known_length_is_taken(void **state)
{
    const Parsed *parsed =
        parse(STR("POST /ksql HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"));

    (void)state;
    assert_int_equal(parsed->kind, HTTP_DONE);
    assert_text(parsed->request.body, "hello");
}

static void chunks_are_joined(void **state)
{
    const Parsed *parsed = parse(STR("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: Chunked\r\n"
                                     "\r\n3\r\nabc\r\n0000A;ext=\"v\"\r\n0123456789\r\n0\r\n"
                                     "Trailer: t\r\n\r\n"));

    (void)state;
    assert_int_equal(parsed->kind, HTTP_DONE);
    assert_text(parsed->request.body, "abc0123456789");
}

/* The rest of the buffer belongs to the next request, also where chunks were joined. */
static void next_request_begins_behind(void **state)
{
    static const char *const firsts[] = {
        "GET /a HTTP/1.1\r\nHost: x\r\n\r\n",
        "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nxy",
        "POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        "2\r\nxy\r\n0\r\n\r\n",
        "POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        "1\r\nx\r\n1\r\ny\r\n0\r\nT: u\r\n\r\n",
    };
    static const char next[] = "GET /b HTTP/1.1\r\nHost: x\r\n\r\n";

    (void)state;
    for (size_t i = 0; i < sizeof firsts / sizeof *firsts; i++) {
        char   both[512];
        Parsed second;

        snprintf(both, sizeof both, "%s%s", firsts[i], next);
        parse_whole(&g_whole, str_from(both));
        assert_int_equal(g_whole.kind, HTTP_DONE);
        assert_int_equal(g_whole.len - g_whole.parse.at, strlen(next));
        parse_whole(&second, (Str){g_whole.bytes + g_whole.parse.at, strlen(next)});
        assert_int_equal(second.kind, HTTP_DONE);
        assert_text(second.request.path, "/b");
    }
}

static void head_is_announced_once_before_a_body(void **state)
{
    char      bytes[256] = "POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
                           "Content-Length: 3\r\n\r\n";
    size_t    len = strlen(bytes);
    HttpParse p;

    (void)state;
    http_parse_init(&p);
    assert_int_equal(http_parse_feed(&p, bytes, &len), HTTP_HEAD);
    assert_true(p.expects_continue);
    assert_int_equal(p.head_len, len);
    assert_int_equal(http_parse_feed(&p, bytes, &len), HTTP_MORE);
    memcpy(bytes + len, "abc", 3);
    len += 3;
    assert_int_equal(http_parse_feed(&p, bytes, &len), HTTP_DONE);
}

static void chunked_body_takes_no_more_room_than_its_data(void **state)
{
    static char bytes[4096] = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
    size_t      len = strlen(bytes);
    HttpParse   p;

    (void)state;
    http_parse_init(&p);
    for (int i = 0; i < 1000; i++) {
        memcpy(bytes + len, "1\r\nz\r\n", 6);
        len += 6;
        assert_int_not_equal(http_parse_feed(&p, bytes, &len), HTTP_BAD);
        assert_true(len < p.head_len + (size_t)i + 2 + 6);
    }
    assert_int_equal(p.body_len, 1000);
}

static void connection_is_kept_as_the_version_says(void **state)
{
    static const struct {
        const char *text;
        bool        keeps;
    } cases[] = {
        {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", true},
        {"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", false},
        {"GET / HTTP/1.1\r\nHost: x\r\nConnection: foo, CLOSE\r\n\r\n", false},
        {"GET / HTTP/1.0\r\n\r\n", false},
        {"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", true},
        {"GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const Parsed *parsed = parse(str_from(cases[i].text));

        assert_int_equal(parsed->kind, HTTP_DONE);
        assert_int_equal(http_parse_keeps_alive(&parsed->parse), cases[i].keeps);
    }
}

static void one_empty_line_before_the_request_is_skipped(void **state)
{
    (void)state;
    assert_int_equal(parse(STR("\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n"))->kind, HTTP_DONE);
    assert_text(g_whole.request.method, "GET");
    assert_refused(STR("\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n"), 400);
}

/* --- what is refused -------------------------------------------------------------------------- */

#define HEAD "POST / HTTP/1.1\r\nHost: x\r\n"
#define CHUNKED HEAD "Transfer-Encoding: chunked\r\n\r\n"

static void ambiguous_framing_is_refused(void **state)
{
    static const struct {
        Str text;
        int status;
    } cases[] = {
        /* lengths */
        {STR(HEAD "Content-Length: 1\r\nContent-Length: 1\r\n\r\na"), 400},
        {STR(HEAD "Content-Length: 1\r\nContent-Length: 2\r\n\r\nab"), 400},
        {STR(HEAD "Content-Length: 1, 1\r\n\r\na"), 400},
        {STR(HEAD "Content-Length: 2x\r\n\r\nab"), 400},
        {STR(HEAD "Content-Length: +2\r\n\r\nab"), 400},
        {STR(HEAD "Content-Length: -2\r\n\r\nab"), 400},
        {STR(HEAD "Content-Length: 0x2\r\n\r\nab"), 400},
        {STR(HEAD "Content-Length:\r\n\r\n"), 400},
        {STR(HEAD "Content-Length: 9999999999999999999\r\n\r\n"), 400},
        {STR(HEAD "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), 400},
        {STR(HEAD "Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n0\r\n\r\n"), 400},
        {STR(HEAD "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"), 400},
        {STR(HEAD "Transfer-Encoding: gzip, chunked\r\n\r\n"), 501},
        {STR(HEAD "Transfer-Encoding: xchunked\r\n\r\n"), 501},
        {STR(HEAD "Transfer-Encoding: identity\r\n\r\n"), 501},
        {STR("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), 400},
        /* chunks */
        {STR(CHUNKED "2x\r\nab\r\n"), 400},
        {STR(CHUNKED " 2\r\nab\r\n"), 400},
        {STR(CHUNKED "2 \r\nab\r\n"), 400},
        {STR(CHUNKED "0x2\r\nab\r\n"), 400},
        {STR(CHUNKED "-2\r\nab\r\n"), 400},
        {STR(CHUNKED "\r\nab\r\n"), 400},
        {STR(CHUNKED "1000000000000000f\r\n"), 400},
        {STR(CHUNKED "2\nab\r\n"), 400},
        {STR(CHUNKED "2\r\nabc\r\n"), 400},
        {STR(CHUNKED "2\r\nab\n"), 400},
        {STR(CHUNKED "2;a\0b\r\nab\r\n"), 400},
        {STR(CHUNKED "0\r\n bad: trailer\r\n\r\n"), 400},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_refused(cases[i].text, cases[i].status);
}

static void malformed_heads_are_refused(void **state)
{
    static const struct {
        Str text;
        int status;
    } cases[] = {
        /* line breaks */
        {STR("GET / HTTP/1.1\nHost: x\n\n"), 400},
        {STR("GET / HTTP/1.1\r\nHost: x\n\r\n"), 400},
        {STR("GET / HTTP/1.1\r\nHost: x\r\r\n\r\n"), 400},
        {STR("GET / HTTP/1.1\r\nHost: x\r\n folded\r\n\r\n"), 400},
        {STR("GET / HTTP/1.1\r\n Host: x\r\n\r\n"), 400},
        /* hosts */
        {STR("GET / HTTP/1.1\r\n\r\n"), 400},
        {STR("GET / HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n"), 400},
        {STR("GET / HTTP/1.1\r\nHost: x, y\r\n\r\n"), 400},
        {STR("GET / HTTP/1.1\r\nHost: u@x\r\n\r\n"), 400},
        /* fields */
        {STR("GET / HTTP/1.1\r\nHost : x\r\n\r\n"), 400},
        {STR("GET / HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n"), 400},
        {STR("GET / HTTP/1.1\r\nHost: x\r\n: nameless\r\n\r\n"), 400},
        {STR("GET / HTTP/1.1\r\nHost: x\r\nA: b\0c\r\n\r\n"), 400},
        {STR("GET / HTTP/1.1\r\nHost: x\r\nA\0: b\r\n\r\n"), 400},
        {STR("GET / HTTP/1.1\r\nHost: x\r\nA: b\rc\r\n\r\n"), 400},
        {STR("GET / HTTP/1.1\r\nHost: x\r\nA: b\x7f\r\n\r\n"), 400},
        {STR("GET / HTTP/1.1\r\nHost: x\r\nExpect: tea\r\n\r\n"), 417},
        /* request lines */
        {STR("GET / HTTP/1.1 \r\nHost: x\r\n\r\n"), 400},
        {STR("GET  / HTTP/1.1\r\nHost: x\r\n\r\n"), 400},
        {STR(" GET / HTTP/1.1\r\nHost: x\r\n\r\n"), 400},
        {STR("GET /\r\nHost: x\r\n\r\n"), 400},
        {STR("GET\r\nHost: x\r\n\r\n"), 400},
        {STR("G(T / HTTP/1.1\r\nHost: x\r\n\r\n"), 400},
        {STR("GET /a b HTTP/1.1\r\nHost: x\r\n\r\n"), 400},
        {STR("GET /\0 HTTP/1.1\r\nHost: x\r\n\r\n"), 400},
        {STR("GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n"), 400},
        {STR("GET info HTTP/1.1\r\nHost: x\r\n\r\n"), 400},
        {STR("GET * HTTP/1.1\r\nHost: x\r\n\r\n"), 400},
        {STR("GET / http/1.1\r\nHost: x\r\n\r\n"), 400},
        {STR("GET / HTTP/1.11\r\nHost: x\r\n\r\n"), 400},
        {STR("GET / HTTP/2.0\r\nHost: x\r\n\r\n"), 505},
        {STR("GET / HTTP/0.9\r\nHost: x\r\n\r\n"), 505},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_refused(cases[i].text, cases[i].status);
}

static void bare_line_feed_is_refused_before_the_head_ends(void **state)
{
    (void)state;
    assert_refused(STR("GET / HTTP/1.1\n"), 400);
}

/* --- limits ----------------------------------------------------------------------------------- */

static char g_long[TEXT_BYTES];

static Str long_text(const char *begin, char fill, size_t count, const char *end)
{
    size_t at = strlen(begin);

    memcpy(g_long, begin, at);
    memset(g_long + at, fill, count);
    strcpy(g_long + at + count, end);
    return str_from(g_long);
}

static void long_heads_are_refused(void **state)
{
    size_t limit = (size_t)g_limits.header_bytes;
    Buf    many = {0};

    (void)state;
    assert_refused(long_text("GET /", 'a', limit, " HTTP/1.1\r\nHost: x\r\n\r\n"), 414);
    assert_refused(long_text("GET /", 'a', limit, ""), 414);
    assert_refused(long_text("GET / HTTP/1.1\r\nHost: x\r\nA: ", 'a', limit, "\r\n\r\n"), 431);
    assert_refused(long_text("GET / HTTP/1.1\r\nHost: x\r\nA: ", 'a', limit, ""), 431);
    buf_c(&many, "GET / HTTP/1.1\r\nHost: x\r\n");
    for (int i = 0; i < HTTP_FIELDS_MAX; i++)
        buf_c(&many, "A: b\r\n");
    buf_c(&many, "\r\n");
    assert_refused(buf_view(&many), 431);
    buf_deinit(&many);
}

static void long_bodies_are_refused(void **state)
{
    char text[256];

    (void)state;
    snprintf(text, sizeof text, HEAD "Content-Length: %lld\r\n\r\n",
             (long long)g_limits.body_bytes + 1);
    assert_refused(str_from(text), 413);
    snprintf(text, sizeof text, CHUNKED "%llx\r\n", (long long)g_limits.body_bytes + 1);
    assert_refused(str_from(text), 413);
    snprintf(text, sizeof text, CHUNKED "1\r\na\r\n%llx\r\n", (long long)g_limits.body_bytes);
    assert_refused(str_from(text), 413);
    assert_refused(long_text(CHUNKED "1;", 'e', 1000, ""), 400);
    assert_refused(long_text(CHUNKED "0\r\nA: ", 'e', (size_t)g_limits.header_bytes, ""), 431);
}

static void token_is_found_in_a_list(void **state)
{
    (void)state;
    assert_true(http_parse_list_has(STR("keep-alive, Upgrade"), STR("upgrade")));
    assert_true(http_parse_list_has(STR("upgrade"), STR("upgrade")));
    assert_false(http_parse_list_has(STR("upgraded, x"), STR("upgrade")));
    assert_false(http_parse_list_has(STR(""), STR("upgrade")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(request_is_taken_apart),
        cmocka_unit_test(absolute_target_loses_its_authority),
        cmocka_unit_test(body_of_known_length_is_taken),
        cmocka_unit_test(chunks_are_joined),
        cmocka_unit_test(next_request_begins_behind),
        cmocka_unit_test(head_is_announced_once_before_a_body),
        cmocka_unit_test(chunked_body_takes_no_more_room_than_its_data),
        cmocka_unit_test(connection_is_kept_as_the_version_says),
        cmocka_unit_test(one_empty_line_before_the_request_is_skipped),
        cmocka_unit_test(ambiguous_framing_is_refused),
        cmocka_unit_test(malformed_heads_are_refused),
        cmocka_unit_test(bare_line_feed_is_refused_before_the_head_ends),
        cmocka_unit_test(long_heads_are_refused),
        cmocka_unit_test(long_bodies_are_refused),
        cmocka_unit_test(token_is_found_in_a_list),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
