/*
 * fn_url.c -- parts of URLs, and the encoding of form parameters.
 */
#include "common/utf8.h"
#include "exec/functions/fn_table.h"
#include "exec/functions/fn_value.h"
#include "exec/functions/uri.h"

static const char URL[] = "URL";

static ErrCode give_part(const FnCall *call, Str part, Value *out)
{
    return fn_give(out, part.ptr ? value_str(uri_decode(call->mem, part)) : value_null());
}

/* --- EXTRACT ---------------------------------------------------------------------------------- */

static ErrCode extract_protocol(const FnCall *call, const Value *args, Value *out, Err *err)
{
    Uri uri = {0};

    TRY(uri_parse(value_as_str(args[0]), &uri, err));
    return give_part(call, uri.scheme, out);
}

static ErrCode extract_host(const FnCall *call, const Value *args, Value *out, Err *err)
{
    Uri uri = {0};

    TRY(uri_parse(value_as_str(args[0]), &uri, err));
    return give_part(call, uri.host, out);
}

static ErrCode extract_port(const FnCall *call, const Value *args, Value *out, Err *err)
{
    Uri uri = {0};

    (void)call;
    TRY(uri_parse(value_as_str(args[0]), &uri, err));
    return fn_give(out, uri.port < 0 ? value_null() : value_int(uri.port));
}

static ErrCode extract_path(const FnCall *call, const Value *args, Value *out, Err *err)
{
    Uri uri = {0};

    TRY(uri_parse(value_as_str(args[0]), &uri, err));
    return give_part(call, uri.path, out);
}

static ErrCode extract_query(const FnCall *call, const Value *args, Value *out, Err *err)
{
    Uri uri = {0};

    TRY(uri_parse(value_as_str(args[0]), &uri, err));
    return give_part(call, uri.query, out);
}

static ErrCode extract_fragment(const FnCall *call, const Value *args, Value *out, Err *err)
{
    Uri uri = {0};

    TRY(uri_parse(value_as_str(args[0]), &uri, err));
    return give_part(call, uri.fragment, out);
}

/* The decoded query is cut at & and at the first = of a piece; the first of a name counts. */
static ErrCode extract_parameter(const FnCall *call, const Value *args, Value *out, Err *err)
{
    Uri    uri = {0};
    Str    query;
    size_t at = 0;

    TRY(uri_parse(value_as_str(args[0]), &uri, err));
    query = uri_decode(call->mem, uri.query);
    while (query.ptr && at <= query.len) {
        ptrdiff_t found = str_find(query, STR("&"), at);
        size_t    end = found < 0 ? query.len : (size_t)found;
        Str       piece = str_slice(query, at, end);
        ptrdiff_t equals = str_find(piece, STR("="), 0);
        size_t    name_len = equals < 0 ? piece.len : (size_t)equals;

        if (str_eq(str_slice(piece, 0, name_len), value_as_str(args[1])))
            return fn_give(out, equals < 0 ? value_str(STR(""))
                                           : value_str(str_slice(piece, name_len + 1, piece.len)));
        at = end + 1;
    }
    return fn_give(out, value_null());
}

/* --- ENCODE, DECODE --------------------------------------------------------------------------- */

static bool is_unescaped(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.' || c == '*';
}

static ErrCode encode_param(const FnCall *call, const Value *args, Value *out, Err *err)
{
    static const char digits[] = "0123456789ABCDEF";
    Str               s = value_as_str(args[0]);
    Buf               text = buf_in(call->mem);

    TRY(fn_check_bytes(s.len * 3, err));
    buf_reserve(&text, s.len * 3);
    for (size_t i = 0; i < s.len; i++) {
        uint8_t c = (uint8_t)s.ptr[i];

        if (is_unescaped((char)c)) {
            buf_put(&text, (char)c);
        } else if (c == ' ') {
            buf_put(&text, '+');
        } else {
            buf_put(&text, '%');
            buf_put(&text, digits[c >> 4]);
            buf_put(&text, digits[c & 15]);
        }
    }
    return fn_give_buf(out, T_STRING, &text);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
        return (c | 0x20) - 'a' + 10;
    return -1;
}

static ErrCode decode_param(const FnCall *call, const Value *args, Value *out, Err *err)
{
    Str s = value_as_str(args[0]);
    Buf bytes = buf_in(call->mem);

    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] != '%') {
            buf_put(&bytes, s.ptr[i] == '+' ? ' ' : s.ptr[i]);
            continue;
        }
        if (s.len - i < 3 || hex_digit(s.ptr[i + 1]) < 0 || hex_digit(s.ptr[i + 2]) < 0)
            return err_set(err, ERR_EVAL, "percent escape at byte %zu is malformed", i + 1);
        buf_put(&bytes, (char)(hex_digit(s.ptr[i + 1]) << 4 | hex_digit(s.ptr[i + 2])));
        i += 2;
    }
    return fn_give(out, value_str(utf8_replace_invalid(call->mem, buf_view(&bytes))));
}

/* --- the rows --------------------------------------------------------------------------------- */

#define FN_URL(name, sig, eval, doc, example)                                                      \
    FN(name, URL, sig, NULL_IN_NULL_OUT, eval, doc, example)

const FnDef fn_url[] = {
    FN_URL("URL_DECODE_PARAM", "(s STRING) -> STRING", decode_param,
           "The text that a URL parameter stands for: + is a space, %41 a byte of UTF-8. An "
           "incomplete % is an error.",
           "URL_DECODE_PARAM('a+b%26c') = 'a b&c'"),
    FN_URL("URL_ENCODE_PARAM", "(s STRING) -> STRING", encode_param,
           "The text as it must be written in a URL parameter: a space as +, anything but letters, "
           "digits and - _ . * as % and hex digits.",
           "URL_ENCODE_PARAM('a b&c') = 'a+b%26c'"),
    FN_URL("URL_EXTRACT_FRAGMENT", "(url STRING) -> STRING", extract_fragment,
           "What follows the # of a URL, decoded; null without one. A malformed URL is an error.",
           "URL_EXTRACT_FRAGMENT('http://a.org/b#c') = 'c'"),
    FN_URL("URL_EXTRACT_HOST", "(url STRING) -> STRING", extract_host,
           "The host of a URL; null when there is none, or none that is a proper host name. A "
           "malformed URL is an error.",
           "URL_EXTRACT_HOST('http://a.org:80/b') = 'a.org'"),
    FN_URL("URL_EXTRACT_PARAMETER", "(url STRING, name STRING) -> STRING", extract_parameter,
           "The decoded value of the first parameter with this name in the query of a URL: the "
           "empty text when it has no =, null when it is not there. A malformed URL is an error.",
           "URL_EXTRACT_PARAMETER('http://a.org/b?x=1&y=2', 'y') = '2'"),
    FN_URL("URL_EXTRACT_PATH", "(url STRING) -> STRING", extract_path,
           "The path of a URL, empty when there is none. A malformed URL is an error.",
           "URL_EXTRACT_PATH('http://a.org/b/c?x=1') = '/b/c'"),
    FN_URL("URL_EXTRACT_PORT", "(url STRING) -> INT", extract_port,
           "The port of a URL; null when none is written. A malformed URL is an error.",
           "URL_EXTRACT_PORT('http://a.org:80/b') = 80"),
    FN_URL("URL_EXTRACT_PROTOCOL", "(url STRING) -> STRING", extract_protocol,
           "The protocol of a URL; null when there is none. A malformed URL is an error.",
           "URL_EXTRACT_PROTOCOL('http://a.org/') = 'http'"),
    FN_URL("URL_EXTRACT_QUERY", "(url STRING) -> STRING", extract_query,
           "What stands between the ? and the # of a URL, decoded; null without a ?. A malformed "
           "URL is an error.",
           "URL_EXTRACT_QUERY('http://a.org/b?x=1#c') = 'x=1'"),
    {.name = NULL},
};
