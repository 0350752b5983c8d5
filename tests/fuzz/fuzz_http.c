/*
 * fuzz_http.c -- any bytes as HTTP requests.  However the bytes are cut into reads, the parser must
 * say the same of them; what it accepts lies within what it was given.
 */
#include "tests/fuzz/fuzz.h"

#include <assert.h>

#include "server/http_parse.h"

enum { REQUESTS_MAX = 16 };

typedef struct Outcome {
    HttpParsed kinds[REQUESTS_MAX];
    size_t     body_lens[REQUESTS_MAX];
    size_t     len;
} Outcome;

static bool is_inside(Str part, const char *bytes, size_t len)
{
    return part.len == 0 || (part.ptr >= bytes && part.ptr + part.len <= bytes + len);
}

static void check_request(const HttpParse *parse, const char *bytes, size_t len)
{
    ApiHeader  fields[HTTP_FIELDS_MAX];
    ApiRequest request;

    assert(parse->head_len + parse->body_len <= len && parse->at <= len);
    http_parse_request(parse, bytes, fields, &request);
    assert(is_inside(request.method, bytes, len) && is_inside(request.body, bytes, len));
    assert(request.path.len > 0);
    for (size_t i = 0; i < request.headers_len; i++) {
        assert(is_inside(fields[i].name, bytes, len) && fields[i].name.len > 0);
        assert(is_inside(fields[i].value, bytes, len));
    }
}

/* Parses a sequence of requests, step bytes more at a time. */
static void run(const uint8_t *data, size_t size, size_t step, Outcome *out)
{
    Arena    *test_mem = arena_new(0);
    char     *bytes = arena_bytes(test_mem, size + 1);
    size_t    given = 0, len = 0;
    HttpParse parse;

    out->len = 0;
    http_parse_init(&parse);
    while (out->len < REQUESTS_MAX) {
        HttpParsed parsed = http_parse_feed(&parse, bytes, &len);

        if (parsed == HTTP_HEAD)
            continue;
        if (parsed == HTTP_MORE && given < size) {
            size_t more = size - given < step ? size - given : step;

            memcpy(bytes + len, data + given, more);
            len += more;
            given += more;
            continue;
        }
        if (parsed == HTTP_BAD)
            assert(parse.status >= 400 && parse.status < 600 && parse.why[0]);
        out->kinds[out->len] = parsed;
        out->body_lens[out->len++] = parsed == HTTP_DONE ? parse.body_len : 0;
        if (parsed != HTTP_DONE)
            break;
        check_request(&parse, bytes, len);
        len -= parse.at;
        memmove(bytes, bytes + parse.at, len);
        http_parse_init(&parse);
    }
    arena_free(test_mem);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Outcome whole, pieces;

    if (size == 0)
        return 0;
    run(data, size, size, &whole);
    for (size_t step = 1; step <= 7; step += 3) {
        run(data, size, step, &pieces);
        assert(whole.len == pieces.len);
        for (size_t i = 0; i < whole.len; i++) {
            assert(whole.kinds[i] == pieces.kinds[i]);
            assert(whole.body_lens[i] == pieces.body_lens[i]);
        }
    }
    return 0;
}
