/*
 * uri.c -- the components of a URI, as java.net.URI finds them.
 *
 *     [scheme:]//[user@]host[:port]/path?query#fragment      hierarchical
 *     scheme:anything#fragment                               opaque
 *
 * Characters outside ASCII are allowed anywhere a letter is, as in Java.
 */
#include "exec/functions/uri.h"

#include "common/buf.h"
#include "common/utf8.h"

static bool is_alpha(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static int hex_digit(char c)
{
    if (is_digit(c))
        return c - '0';
    if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
        return (c | 0x20) - 'a' + 10;
    return -1;
}

static bool is_escape(Str s, size_t at)
{
    return s.len - at >= 3 && s.ptr[at] == '%' && hex_digit(s.ptr[at + 1]) >= 0 &&
           hex_digit(s.ptr[at + 2]) >= 0;
}

/* Letters, digits, marks, escapes, what lies outside ASCII, and the characters of `others`. */
static bool is_made_of(Str s, const char *others)
{
    for (size_t at = 0; at < s.len; at++) {
        char c = s.ptr[at];

        if (c == '%') {
            if (!is_escape(s, at))
                return false;
            at += 2;
        } else if (!is_alpha(c) && !is_digit(c) && !(c & 0x80) && !strchr("-_.!~*'()", c) &&
                   !strchr(others, c)) {
            return false;
        } else if (c == '\0') {
            return false;
        }
    }
    return true;
}

static ErrCode malformed(const char *what, Err *err)
{
    return err_set(err, ERR_EVAL, "URL is malformed: %s", what);
}

/* --- the authority ---------------------------------------------------------------------------- */

/* Labels of letters, digits and inner hyphens; the last one begins with a letter. */
static bool is_host_name(Str host)
{
    size_t start = 0;

    if (str_ends(host, STR(".")))
        host.len--;
    if (host.len == 0)
        return false;
    for (size_t at = 0; at <= host.len; at++) {
        if (at < host.len && host.ptr[at] != '.') {
            if (!is_alpha(host.ptr[at]) && !is_digit(host.ptr[at]) && host.ptr[at] != '-')
                return false;
            continue;
        }
        if (at == start || host.ptr[start] == '-' || host.ptr[at - 1] == '-')
            return false;
        if (at == host.len)
            return is_alpha(host.ptr[start]);
        start = at + 1;
    }
    return false;
}

static bool is_ipv4(Str host)
{
    int parts = 0;
    int value = -1;

    for (size_t at = 0; at <= host.len; at++) {
        if (at < host.len && is_digit(host.ptr[at])) {
            value = (value < 0 ? 0 : value) * 10 + (host.ptr[at] - '0');
            if (value > 255)
                return false;
            continue;
        }
        if (value < 0 || (at < host.len && host.ptr[at] != '.'))
            return false;
        parts++;
        value = -1;
    }
    return parts == 4;
}

static bool is_ipv6(Str host)
{
    if (host.len < 4 || host.ptr[0] != '[' || host.ptr[host.len - 1] != ']')
        return false;
    for (size_t at = 1; at + 1 < host.len; at++) {
        if (hex_digit(host.ptr[at]) < 0 && !strchr(":.%", host.ptr[at]) &&
            !memchr(host.ptr, '%', at))
            return false;
    }
    return memchr(host.ptr, ':', host.len) != NULL;
}

static bool port_of(Str text, int32_t *out)
{
    int64_t port;

    *out = -1;
    if (text.len == 0)
        return true;
    if (!is_digit(text.ptr[0]) || !str_to_i64(text, &port) || port > INT32_MAX)
        return false;
    *out = (int32_t)port;
    return true;
}

/* Leaves host and port absent when the authority names no server. */
static void take_server(Str authority, Uri *out)
{
    const char *at_sign = memrchr(authority.ptr, '@', authority.len);
    Str         server = authority;
    Str         host, port = STR("");
    size_t      colon;
    int32_t     number;

    if (at_sign)
        server = str_slice(authority, (size_t)(at_sign - authority.ptr) + 1, authority.len);
    colon = server.len;
    while (colon > 0 && is_digit(server.ptr[colon - 1]))
        colon--;
    host = server;
    if (colon > 0 && server.ptr[colon - 1] == ':') {
        host = str_slice(server, 0, colon - 1);
        port = str_slice(server, colon, server.len);
    }
    if (!port_of(port, &number) || !(is_host_name(host) || is_ipv4(host) || is_ipv6(host)))
        return;
    out->host = host;
    out->port = number;
}

/* --- the whole -------------------------------------------------------------------------------- */

/* Index of the first character that is in `ends`, or the length. */
static size_t find_any(Str s, size_t from, const char *ends)
{
    while (from < s.len && (s.ptr[from] == '\0' || !strchr(ends, s.ptr[from])))
        from++;
    return from;
}

static ErrCode take_scheme(Str text, Uri *out, size_t *at, Err *err)
{
    size_t end = find_any(text, 0, ":/?#");

    *at = 0;
    if (end == text.len || text.ptr[end] != ':')
        return ERR_OK;
    if (end == 0 || !is_alpha(text.ptr[0]))
        return malformed("no scheme before the colon", err);
    for (size_t i = 1; i < end; i++) {
        if (!is_alpha(text.ptr[i]) && !is_digit(text.ptr[i]) && !strchr("+-.", text.ptr[i]))
            return malformed("illegal character in the scheme", err);
    }
    out->scheme = str_slice(text, 0, end);
    *at = end + 1;
    if (*at == text.len)
        return malformed("nothing behind the scheme", err);
    return ERR_OK;
}

static ErrCode take_authority(Str text, Uri *out, size_t *at, Err *err)
{
    size_t end;
    Str    authority;

    if (!str_starts(str_slice(text, *at, text.len), STR("//")))
        return ERR_OK;
    end = find_any(text, *at + 2, "/?#");
    authority = str_slice(text, *at + 2, end);
    *at = end;
    if (authority.len == 0)
        return end == text.len ? malformed("nothing behind //", err) : ERR_OK;
    if (!is_made_of(authority, "$,;:@&=+[]"))
        return malformed("illegal character in the authority", err);
    take_server(authority, out);
    return ERR_OK;
}

ErrCode uri_parse(Str text, Uri *out, Err *err)
{
    Uri    uri = {.port = -1};
    size_t at, end;

    TRY(take_scheme(text, &uri, &at, err));
    end = find_any(text, at, "#");
    if (end < text.len) {
        uri.fragment = str_slice(text, end + 1, text.len);
        if (!is_made_of(uri.fragment, ";/?:@&=+$,[]"))
            return malformed("illegal character in the fragment", err);
        text.len = end;
    }
    if (uri.scheme.ptr && text.ptr[at] != '/') { /* opaque */
        if (!is_made_of(str_slice(text, at, text.len), ";/?:@&=+$,[]"))
            return malformed("illegal character", err);
        *out = uri;
        return ERR_OK;
    }
    TRY(take_authority(text, &uri, &at, err));
    end = find_any(text, at, "?");
    uri.path = str_slice(text, at, end);
    if (!is_made_of(uri.path, "/:@&=+$,;"))
        return malformed("illegal character in the path", err);
    if (end < text.len) {
        uri.query = str_slice(text, end + 1, text.len);
        if (!is_made_of(uri.query, ";/?:@&=+$,[]"))
            return malformed("illegal character in the query", err);
    }
    *out = uri;
    return ERR_OK;
}

Str uri_decode(Arena *mem, Str s)
{
    Buf bytes = buf_in(mem);

    if (!s.ptr || !memchr(s.ptr, '%', s.len))
        return s;
    buf_reserve(&bytes, s.len);
    for (size_t at = 0; at < s.len; at++) {
        if (!is_escape(s, at)) {
            buf_put(&bytes, s.ptr[at]);
            continue;
        }
        buf_put(&bytes, (char)(hex_digit(s.ptr[at + 1]) << 4 | hex_digit(s.ptr[at + 2])));
        at += 2;
    }
    return utf8_replace_invalid(mem, buf_view(&bytes));
}
