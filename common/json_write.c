/*
 * json_write.c -- JSON text and base64 out, base64 back.
 */
#include "common/json.h"

#include <math.h>

enum {
    BASE64_BAD = 0xff,
    ESCAPE_BYTES_MAX = 6, /* \u001f */
};

/* Bytes that may not stand in a string as they are. */
static inline bool needs_escape(unsigned char c)
{
    return c < 0x20 || c == '"' || c == '\\';
}

/* Length of the run at ptr that needs no escape; eight bytes at a time. */
static size_t plain_run(const char *ptr, size_t len)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    const uint64_t tops = UINT64_C(0x8080808080808080);
    size_t         at = 0;

    while (len - at >= 8) {
        uint64_t word, quotes, slashes, found;

        memcpy(&word, ptr + at, sizeof word);
        quotes = word ^ ones * '"';
        slashes = word ^ ones * '\\';
        /* (x - n) & ~x has the top bit set where a byte of x is below n, and perhaps above it. */
        found = ((word - ones * 0x20) & ~word) | ((quotes - ones) & ~quotes) |
                ((slashes - ones) & ~slashes);
        if (found & tops)
            break;
        at += 8;
    }
    while (at < len && !needs_escape((unsigned char)ptr[at]))
        at++;
    return at;
}

static void put_escape(Buf *out, unsigned char c)
{
    static const char hex[] = "0123456789abcdef";
    static const char letters[0x20] = {
        ['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't'};
    char text[ESCAPE_BYTES_MAX] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 0xf]};

    if (c >= 0x20)
        text[1] = (char)c;
    else if (letters[c])
        text[1] = letters[c];
    buf_append(out, text, text[1] == 'u' ? ESCAPE_BYTES_MAX : 2);
}

void json_put_string(Buf *out, Str s)
{
    buf_reserve(out, s.len + 2);
    buf_put(out, '"');
    while (s.len > 0) {
        size_t plain = plain_run(s.ptr, s.len);

        buf_append(out, s.ptr, plain);
        if (plain == s.len)
            break;
        put_escape(out, (unsigned char)s.ptr[plain]);
        s = str_slice(s, plain + 1, s.len);
    }
    buf_put(out, '"');
}

void json_put_double(Buf *out, double d)
{
    bool is_finite = isfinite(d);

    if (!is_finite)
        buf_put(out, '"');
    value_print_double(out, d);
    if (!is_finite)
        buf_put(out, '"');
}

static void print_members(Buf *out, const Json *json)
{
    for (size_t i = 0; i < json->len; i++) {
        if (i > 0)
            buf_put(out, ',');
        json_put_string(out, json->u.members[i].name);
        buf_put(out, ':');
        json_print(out, json->u.members[i].value);
    }
}

void json_print(Buf *out, const Json *json)
{
    switch (json->kind) {
    case JSON_FALSE:
        buf_c(out, "false");
        break;
    case JSON_TRUE:
        buf_c(out, "true");
        break;
    case JSON_NUMBER:
        buf_str(out, json->text);
        break;
    case JSON_STRING:
        json_put_string(out, json->text);
        break;
    case JSON_ARRAY:
        buf_put(out, '[');
        for (size_t i = 0; i < json->len; i++) {
            if (i > 0)
                buf_put(out, ',');
            json_print(out, json->u.items[i]);
        }
        buf_put(out, ']');
        break;
    case JSON_OBJECT:
        buf_put(out, '{');
        print_members(out, json);
        buf_put(out, '}');
        break;
    case JSON_NULL:
    case JSON_ERROR:
        buf_c(out, "null");
        break;
    }
}

/* --- base64 ----------------------------------------------------------------------------------- */

static const char base64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                    "0123456789+/";

void base64_encode(Buf *out, Str bytes)
{
    const unsigned char *in = (const unsigned char *)bytes.ptr;
    size_t               left = bytes.len;
    char                *at;

    buf_reserve(out, (bytes.len + 2) / 3 * 4);
    at = out->ptr + out->len;
    out->len += (bytes.len + 2) / 3 * 4;
    for (; left >= 3; left -= 3, in += 3, at += 4) {
        uint32_t bits = (uint32_t)in[0] << 16 | (uint32_t)in[1] << 8 | in[2];

        at[0] = base64_digits[bits >> 18];
        at[1] = base64_digits[bits >> 12 & 0x3f];
        at[2] = base64_digits[bits >> 6 & 0x3f];
        at[3] = base64_digits[bits & 0x3f];
    }
    if (left > 0) {
        uint32_t bits = (uint32_t)in[0] << 16 | (left > 1 ? (uint32_t)in[1] << 8 : 0);

        at[0] = base64_digits[bits >> 18];
        at[1] = base64_digits[bits >> 12 & 0x3f];
        at[2] = left > 1 ? base64_digits[bits >> 6 & 0x3f] : '=';
        at[3] = '=';
    }
}

/* The value of a digit, or BASE64_BAD. */
static inline unsigned base64_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return (unsigned)(c - 'A');
    if (c >= 'a' && c <= 'z')
        return (unsigned)(c - 'a' + 26);
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0' + 52);
    return c == '+' ? 62 : c == '/' ? 63 : BASE64_BAD;
}

/* Four digits at text as 24 bits; BASE64_BAD sets a bit above them. */
static uint32_t base64_quad(const char *text)
{
    unsigned a = base64_value(text[0]), b = base64_value(text[1]);
    unsigned c = base64_value(text[2]), d = base64_value(text[3]);

    if ((a | b | c | d) & 0xc0)
        return UINT32_MAX;
    return a << 18 | b << 12 | c << 6 | d;
}

/* Padding may be left out, as Java's decoder allows; bits that mean nothing are ignored. */
bool base64_decode(Buf *out, Str text)
{
    size_t from = out->len;
    char   last[4] = {'A', 'A', 'A', 'A'};
    size_t digits = text.len, whole;

    if (text.len > 0 && text.len % 4 == 0) {
        digits -= text.ptr[digits - 1] == '=';
        digits -= digits < text.len && text.ptr[digits - 1] == '=';
    }
    if (digits % 4 == 1)
        return false;
    whole = digits / 4 * 4;
    buf_reserve(out, digits / 4 * 3 + 3);
    for (size_t i = 0; i < digits; i += 4) {
        uint32_t bits;

        if (i < whole) {
            bits = base64_quad(text.ptr + i);
        } else {
            memcpy(last, text.ptr + i, digits - i);
            bits = base64_quad(last);
        }
        if (bits == UINT32_MAX) {
            out->len = from;
            return false;
        }
        out->ptr[out->len++] = (char)(bits >> 16);
        out->ptr[out->len++] = (char)(bits >> 8);
        out->ptr[out->len++] = (char)bits;
    }
    /* What the filled-up digits of the last group gave goes again. */
    if (digits > whole)
        out->len -= 4 - (digits - whole);
    return true;
}
