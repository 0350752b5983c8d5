/*
 * http_parse.c -- HTTP/1.x requests out of bytes, strictly.
 *
 * A head is parsed line by line, each line once, as soon as its line feed is there: a mistake is
 * answered before the rest of the head has come.  Lines end in CR LF, nothing else.
 *
 *     START - request line -> FIELDS - empty line -> DONE
 *                               |
 *                               +- Content-Length -> LENGTH -> DONE
 *                               +- chunked -> CHUNK_SIZE - 0 -> TRAILER - empty line -> DONE
 *                                              ^     |
 *                                     CHUNK_END <- CHUNK_DATA
 */
#include "server/http_parse.h"

#include <stdarg.h>
#include <stdio.h>

#include "common/limit.h"

enum {
    METHOD_BYTES_MAX = 32,
    CHUNK_LINE_BYTES_MAX = 256, /* size and extensions */
    CHUNK_SIZE_DIGITS_MAX = 15,
    LENGTH_DIGITS_MAX = 18
};

static HttpParsed bad(HttpParse *parse, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static HttpParsed bad(HttpParse *parse, int status, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(parse->why, sizeof parse->why, format, args);
    va_end(args);
    parse->status = status;
    return HTTP_BAD;
}

/* Characters of a token: method and field names. */
static bool is_token_char(unsigned char c)
{
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'))
        return true;
    return c != 0 && strchr("!#$%&'*+-.^_`|~", c) != NULL;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if ((c | 32) >= 'a' && (c | 32) <= 'f')
        return (c | 32) - 'a' + 10;
    return -1;
}

static Str trim_blanks(Str s)
{
    while (s.len && (s.ptr[0] == ' ' || s.ptr[0] == '\t'))
        s = str_slice(s, 1, s.len);
    while (s.len && (s.ptr[s.len - 1] == ' ' || s.ptr[s.len - 1] == '\t'))
        s.len--;
    return s;
}

bool http_parse_list_has(Str list, Str token)
{
    size_t from = 0;

    for (size_t i = 0; i <= list.len; i++) {
        if (i < list.len && list.ptr[i] != ',')
            continue;
        if (str_eq_nocase(trim_blanks(str_slice(list, from, i)), token))
            return true;
        from = i + 1;
    }
    return false;
}

/* --- the request line ------------------------------------------------------------------------- */

static HttpParsed parse_version(HttpParse *parse, Str version)
{
    if (version.len != 8 || !str_starts(version, STR("HTTP/")) || version.ptr[6] != '.' ||
        version.ptr[5] < '0' || version.ptr[5] > '9' || version.ptr[7] < '0' ||
        version.ptr[7] > '9')
        return bad(parse, 400, "malformed request line: no HTTP version");
    if (version.ptr[5] != '1')
        return bad(parse, 505, "HTTP/%c.%c is not spoken here: use HTTP/1.1", version.ptr[5],
                   version.ptr[7]);
    parse->minor = version.ptr[7] == '0' ? 0 : 1;
    return HTTP_MORE;
}

static bool is_target(Str target, Str method)
{
    for (size_t i = 0; i < target.len; i++) {
        if (target.ptr[i] <= ' ' || target.ptr[i] >= 0x7f || target.ptr[i] == '#')
            return false;
    }
    if (str_eq(target, STR("*")))
        return str_eq(method, STR("OPTIONS"));
    return str_starts(target, STR("/")) || str_starts_nocase(target, STR("http://")) ||
           str_starts_nocase(target, STR("https://"));
}

static HttpParsed parse_request_line(HttpParse *parse, Str line, size_t offset)
{
    const char *method_end, *target_end;
    Str         target;

    if (line.len == 0 && parse->begin == 0) {
        parse->begin = 2; /* one empty line, as left behind by some clients */
        return HTTP_MORE;
    }
    method_end = memchr(line.ptr, ' ', line.len);
    if (!method_end || method_end == line.ptr || method_end - line.ptr > METHOD_BYTES_MAX)
        return bad(parse, 400, "malformed request line");
    parse->method_len = (size_t)(method_end - line.ptr);
    for (size_t i = 0; i < parse->method_len; i++) {
        if (!is_token_char((unsigned char)line.ptr[i]))
            return bad(parse, 400, "malformed request line: bad character in the method");
    }
    target = str_slice(line, parse->method_len + 1, line.len);
    target_end = memchr(target.ptr, ' ', target.len);
    if (!target_end)
        return bad(parse, 400, "malformed request line: no HTTP version");
    if (parse_version(parse, str_slice(target, (size_t)(target_end - target.ptr) + 1,
                                       target.len)) == HTTP_BAD)
        return HTTP_BAD;
    target.len = (size_t)(target_end - target.ptr);
    if (!is_target(target, str_slice(line, 0, parse->method_len)))
        return bad(parse, 400, "malformed request target");
    parse->target_at = offset + parse->method_len + 1;
    parse->target_len = target.len;
    parse->fields_at = offset + line.len + 2;
    parse->phase = HTTP_PHASE_FIELDS;
    return HTTP_MORE;
}

/* --- fields ----------------------------------------------------------------------------------- */

static HttpParsed parse_host(HttpParse *parse, Str value)
{
    if (parse->has_host)
        return bad(parse, 400, "more than one Host");
    for (size_t i = 0; i < value.len; i++) {
        unsigned char c = (unsigned char)value.ptr[i];

        if (c <= ' ' || c >= 0x7f || strchr("/?#@,\\\"<>{}|^`", c))
            return bad(parse, 400, "malformed Host");
    }
    parse->has_host = true;
    return HTTP_MORE;
}

static HttpParsed parse_length(HttpParse *parse, Str value)
{
    if (parse->has_length)
        return bad(parse, 400, "more than one Content-Length");
    if (value.len == 0 || value.len > LENGTH_DIGITS_MAX)
        return bad(parse, 400, "malformed Content-Length");
    parse->left = 0;
    for (size_t i = 0; i < value.len; i++) {
        if (value.ptr[i] < '0' || value.ptr[i] > '9')
            return bad(parse, 400, "malformed Content-Length");
        parse->left = parse->left * 10 + (uint64_t)(value.ptr[i] - '0');
    }
    parse->has_length = true;
    return HTTP_MORE;
}

static HttpParsed parse_transfer_encoding(HttpParse *parse, Str value)
{
    if (parse->is_chunked)
        return bad(parse, 400, "more than one Transfer-Encoding");
    if (!str_eq_nocase(value, STR("chunked")))
        return bad(parse, 501, "cannot decode this Transfer-Encoding: use chunked");
    parse->is_chunked = true;
    return HTTP_MORE;
}

/* Fields that frame the request or steer the connection. */
static HttpParsed note_field(HttpParse *parse, Str name, Str value)
{
    if (str_eq(name, STR("host")))
        return parse_host(parse, value);
    if (str_eq(name, STR("content-length")))
        return parse_length(parse, value);
    if (str_eq(name, STR("transfer-encoding")))
        return parse_transfer_encoding(parse, value);
    if (str_eq(name, STR("expect"))) {
        if (!str_eq_nocase(value, STR("100-continue")))
            return bad(parse, 417, "cannot meet this Expect: only 100-continue");
        parse->expects_continue = true;
    } else if (str_eq(name, STR("connection"))) {
        parse->says_close |= http_parse_list_has(value, STR("close"));
        parse->says_keep_alive |= http_parse_list_has(value, STR("keep-alive"));
        parse->says_upgrade |= http_parse_list_has(value, STR("upgrade"));
    }
    return HTTP_MORE;
}

/* Checks "name: value", lower-cases the name in place. */
static HttpParsed split_field(HttpParse *parse, char *line, size_t len, Str *name, Str *value)
{
    size_t name_len = 0;

    if (line[0] == ' ' || line[0] == '\t')
        return bad(parse, 400, "folded header line");
    while (name_len < len && is_token_char((unsigned char)line[name_len])) {
        if (line[name_len] >= 'A' && line[name_len] <= 'Z')
            line[name_len] |= 32;
        name_len++;
    }
    if (name_len == 0 || name_len == len || line[name_len] != ':')
        return bad(parse, 400, "malformed header line");
    for (size_t i = name_len + 1; i < len; i++) {
        if (((unsigned char)line[i] < ' ' && line[i] != '\t') || line[i] == 0x7f)
            return bad(parse, 400, "control character in header \"%.*s\"",
                       (int)(name_len < 64 ? name_len : 64), line);
    }
    *name = (Str){line, name_len};
    *value = trim_blanks((Str){line + name_len + 1, len - name_len - 1});
    return HTTP_MORE;
}

static HttpParsed end_head(HttpParse *parse)
{
    if (!parse->has_host && parse->minor > 0)
        return bad(parse, 400, "no Host");
    if (parse->is_chunked && parse->has_length)
        return bad(parse, 400, "both Content-Length and Transfer-Encoding");
    if (parse->is_chunked && parse->minor == 0)
        return bad(parse, 400, "Transfer-Encoding in HTTP/1.0");
    if (parse->has_length && parse->left > (uint64_t)g_limits.body_bytes)
        return bad(parse, 413,
                   "request body of %llu bytes is over the limit of %lld (weir.limit.body.bytes)",
                   (unsigned long long)parse->left, (long long)g_limits.body_bytes);
    parse->head_len = parse->at;
    if (parse->is_chunked)
        parse->phase = HTTP_PHASE_CHUNK_SIZE;
    else
        parse->phase = parse->has_length && parse->left ? HTTP_PHASE_LENGTH : HTTP_PHASE_DONE;
    return parse->phase == HTTP_PHASE_DONE ? HTTP_DONE : HTTP_HEAD;
}

static HttpParsed parse_field_line(HttpParse *parse, char *line, size_t len)
{
    Str name, value;

    if (len == 0)
        return end_head(parse);
    if (parse->fields_len == HTTP_FIELDS_MAX)
        return bad(parse, 431, "more than %d headers", HTTP_FIELDS_MAX);
    if (split_field(parse, line, len, &name, &value) == HTTP_BAD)
        return HTTP_BAD;
    parse->fields_len++;
    return note_field(parse, name, value);
}

/* --- chunks ----------------------------------------------------------------------------------- */

static HttpParsed parse_chunk_size(HttpParse *parse, Str line)
{
    size_t digits = 0;

    parse->left = 0;
    while (digits < line.len && hex_digit(line.ptr[digits]) >= 0) {
        parse->left = parse->left << 4 | (uint64_t)hex_digit(line.ptr[digits]);
        if (++digits > CHUNK_SIZE_DIGITS_MAX)
            return bad(parse, 400, "malformed chunk size");
    }
    if (digits == 0 || (digits < line.len && line.ptr[digits] != ';'))
        return bad(parse, 400, "malformed chunk size");
    for (size_t i = digits; i < line.len; i++) {
        if (((unsigned char)line.ptr[i] < ' ' && line.ptr[i] != '\t') || line.ptr[i] == 0x7f)
            return bad(parse, 400, "control character in a chunk extension");
    }
    if (parse->left > (uint64_t)g_limits.body_bytes ||
        parse->body_len + parse->left > (uint64_t)g_limits.body_bytes)
        return bad(parse, 413,
                   "request body is over the limit of %lld bytes (weir.limit.body.bytes)",
                   (long long)g_limits.body_bytes);
    parse->trailer_at = parse->at;
    parse->phase = parse->left ? HTTP_PHASE_CHUNK_DATA : HTTP_PHASE_TRAILER;
    return HTTP_MORE;
}

/* Trailer fields are checked and forgotten. */
static HttpParsed parse_trailer_line(HttpParse *parse, char *line, size_t len)
{
    Str name, value;

    if (len == 0) {
        parse->phase = HTTP_PHASE_DONE;
        return HTTP_DONE;
    }
    return split_field(parse, line, len, &name, &value);
}

/* --- lines and phases ------------------------------------------------------------------------- */

/* The limits of a line that begins at from and has come up to len. */
static HttpParsed check_line(HttpParse *parse, size_t from, size_t len)
{
    size_t head_bytes = (size_t)g_limits.header_bytes;

    switch (parse->phase) {
    case HTTP_PHASE_START:
        if (len > head_bytes)
            return bad(parse, 414,
                       "request line is over the limit of %zu bytes"
                       " (weir.limit.header.bytes)",
                       head_bytes);
        break;
    case HTTP_PHASE_FIELDS:
        if (len > head_bytes)
            return bad(parse, 431,
                       "headers are over the limit of %zu bytes"
                       " (weir.limit.header.bytes)",
                       head_bytes);
        break;
    case HTTP_PHASE_TRAILER:
        if (len - parse->trailer_at > head_bytes)
            return bad(parse, 431,
                       "trailers are over the limit of %zu bytes"
                       " (weir.limit.header.bytes)",
                       head_bytes);
        break;
    default:
        if (len - from > CHUNK_LINE_BYTES_MAX)
            return bad(parse, 400, "malformed chunk size");
    }
    return HTTP_MORE;
}

static HttpParsed parse_line(HttpParse *parse, char *line, size_t len, size_t offset)
{
    switch (parse->phase) {
    case HTTP_PHASE_START:
        return parse_request_line(parse, (Str){line, len}, offset);
    case HTTP_PHASE_FIELDS:
        return parse_field_line(parse, line, len);
    case HTTP_PHASE_CHUNK_SIZE:
        return parse_chunk_size(parse, (Str){line, len});
    case HTTP_PHASE_CHUNK_END:
        if (len)
            return bad(parse, 400, "chunk is longer than its size says");
        parse->phase = HTTP_PHASE_CHUNK_SIZE;
        return HTTP_MORE;
    default:
        return parse_trailer_line(parse, line, len);
    }
}

/* One line, if its end is there; *progress says whether it was. */
static HttpParsed next_line(HttpParse *parse, char *bytes, size_t len, bool *progress)
{
    size_t offset = parse->at;
    char  *line = bytes + offset;
    char  *end = memchr(line + parse->searched, '\n', len - offset - parse->searched);

    *progress = end != NULL;
    if (!end) {
        parse->searched = len - offset;
        return check_line(parse, offset, len);
    }
    parse->searched = 0;
    parse->at = (size_t)(end - bytes) + 1;
    if (check_line(parse, offset, parse->at) == HTTP_BAD)
        return HTTP_BAD;
    if (end == line || end[-1] != '\r')
        return bad(parse, 400, "line does not end in CR LF");
    return parse_line(parse, line, (size_t)(end - line) - 1, offset);
}

/* Moves what has come of a chunk down to the end of the body. */
static void take_chunk_data(HttpParse *parse, char *bytes, size_t len)
{
    size_t take = len - parse->at;

    if (take > parse->left)
        take = (size_t)parse->left;
    memmove(bytes + parse->head_len + parse->body_len, bytes + parse->at, take);
    parse->at += take;
    parse->body_len += take;
    parse->left -= take;
    if (parse->left == 0)
        parse->phase = HTTP_PHASE_CHUNK_END;
}

static HttpParsed take_content(HttpParse *parse, size_t len)
{
    size_t have = len - parse->head_len;
    size_t total = parse->body_len + (size_t)parse->left;

    parse->body_len = have < total ? have : total;
    parse->left = total - parse->body_len;
    parse->at = parse->head_len + parse->body_len;
    if (parse->left)
        return HTTP_MORE;
    parse->phase = HTTP_PHASE_DONE;
    return HTTP_DONE;
}

/* The framing of chunks is forgotten once they are decoded: the rest moves up to the body. */
static void close_gap(HttpParse *parse, char *bytes, size_t *len)
{
    size_t body_end = parse->head_len + parse->body_len;
    size_t gap = parse->at - body_end;

    if (!parse->is_chunked || parse->phase < HTTP_PHASE_CHUNK_SIZE || gap == 0 ||
        parse->phase == HTTP_PHASE_TRAILER)
        return;
    memmove(bytes + body_end, bytes + parse->at, *len - parse->at);
    *len -= gap;
    parse->at = body_end;
}

HttpParsed http_parse_feed(HttpParse *parse, char *bytes, size_t *len)
{
    HttpParsed parsed = HTTP_MORE;
    bool       progress = true;

    if (parse->phase == HTTP_PHASE_DONE)
        return HTTP_DONE;
    while (parsed == HTTP_MORE && progress && parse->at < *len) {
        if (parse->phase == HTTP_PHASE_LENGTH)
            return take_content(parse, *len);
        if (parse->phase == HTTP_PHASE_CHUNK_DATA)
            take_chunk_data(parse, bytes, *len);
        else
            parsed = next_line(parse, bytes, *len, &progress);
    }
    if (parsed != HTTP_BAD)
        close_gap(parse, bytes, len);
    return parsed;
}

/* --- what was parsed -------------------------------------------------------------------------- */

void http_parse_init(HttpParse *parse)
{
    *parse = (HttpParse){.phase = HTTP_PHASE_START, .minor = 1};
}

/* "http://host:port/path" -> "/path" */
static Str origin_form(Str target)
{
    ptrdiff_t authority, slash;

    if (target.len == 0 || target.ptr[0] == '/' || target.ptr[0] == '*')
        return target;
    authority = str_find(target, STR("://"), 0);
    slash = str_find(target, STR("/"), (size_t)authority + 3);
    return slash < 0 ? STR("/") : str_slice(target, (size_t)slash, target.len);
}

void http_parse_request(const HttpParse *parse, const char *bytes, ApiHeader *fields,
                        ApiRequest *out)
{
    const char *line = bytes + parse->fields_at;
    Str         target = origin_form((Str){bytes + parse->target_at, parse->target_len});
    ptrdiff_t   mark = str_find(target, STR("?"), 0);

    *out = (ApiRequest){
        .method = {bytes + parse->begin, parse->method_len},
        .path = mark < 0 ? target : str_slice(target, 0, (size_t)mark),
        .query = mark < 0 ? STR("") : str_slice(target, (size_t)mark + 1, target.len),
        .headers = fields,
        .headers_len = parse->fields_len,
        .http_major = 1,
        .http_minor = parse->minor,
    };
    if (parse->phase == HTTP_PHASE_DONE)
        out->body = (Str){bytes + parse->head_len, parse->body_len};
    for (size_t i = 0; i < parse->fields_len; i++) {
        const char *end = memchr(line, '\n', parse->head_len - (size_t)(line - bytes));
        const char *colon = memchr(line, ':', (size_t)(end - line));

        fields[i].name = (Str){line, (size_t)(colon - line)};
        fields[i].value = trim_blanks((Str){colon + 1, (size_t)(end - colon) - 2});
        line = end + 1;
    }
}

bool http_parse_keeps_alive(const HttpParse *parse)
{
    if (parse->says_close)
        return false;
    return parse->minor > 0 || parse->says_keep_alive;
}
