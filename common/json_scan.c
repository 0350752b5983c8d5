/*
 * json_scan.c -- the strict pull scanner.
 *
 * This is where a JSON topic spends its time: strings are run over sixteen bytes at a time where
 * the machine has SSE2 (every x86-64 does), eight at a time elsewhere, and stop only at a quote, a
 * backslash, a control character or a byte outside ASCII.  Everything that is passed over is
 * validated, names and skipped values included.
 *
 * json_skip() keeps the open brackets in a bit stack instead of recursing.
 */
#include "common/json.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "common/limit.h"
#include "common/utf8.h"

enum {
    SURROGATE_HIGH = 0xd800,
    SURROGATE_LOW = 0xdc00,
    SURROGATE_END = 0xe000,
    SUPPLEMENT = 0x10000,
    HEX_BAD = 0xff,
    /* Brackets that json_skip() can remember, whatever the limit says. */
    SKIP_DEPTH_MAX = 1024,
};

static const char why_end[] = "the text ends too early";
static const char why_depth[] = "nested too deeply";
static const char why_value[] = "a value is expected";
static const char why_comma[] = "a comma or the closing bracket is expected";
static const char why_string[] = "a string is expected";

static bool fail(JsonScan *scan, const char *why)
{
    /* The first error counts; nothing is read behind it. */
    if (!scan->why)
        scan->why = why;
    return false;
}

void json_scan_init(JsonScan *scan, Str text)
{
    const char *ptr = text.ptr ? text.ptr : "";

    *scan = (JsonScan){.at = ptr, .begin = ptr, .end = ptr + text.len};
}

static inline bool is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

static inline void skip_space(JsonScan *scan)
{
    const char *at = scan->at;

    /* Compact text has none, pretty-printed text much. */
    while (at < scan->end && is_space(*at))
        at++;
    scan->at = at;
}

static JsonKind kind_of(char c)
{
    switch (c) {
    case 'n':
        return JSON_NULL;
    case 'f':
        return JSON_FALSE;
    case 't':
        return JSON_TRUE;
    case '"':
        return JSON_STRING;
    case '[':
        return JSON_ARRAY;
    case '{':
        return JSON_OBJECT;
    default:
        return c == '-' || (c >= '0' && c <= '9') ? JSON_NUMBER : JSON_ERROR;
    }
}

JsonKind json_peek(JsonScan *scan)
{
    JsonKind kind;

    if (scan->why)
        return JSON_ERROR;
    skip_space(scan);
    if (scan->at == scan->end) {
        fail(scan, why_end);
        return JSON_ERROR;
    }
    kind = kind_of(*scan->at);
    if (kind == JSON_ERROR)
        fail(scan, why_value);
    return kind;
}

/* Consumes c after white space, if it stands there. */
static inline bool accept(JsonScan *scan, char c)
{
    if (scan->why)
        return false;
    if (scan->at < scan->end && *scan->at == c) {
        scan->at++;
        return true;
    }
    skip_space(scan);
    if (scan->at == scan->end || *scan->at != c)
        return false;
    scan->at++;
    return true;
}

/* --- strings ---------------------------------------------------------------------------------- */

static inline bool is_plain(unsigned char c)
{
    return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

/* The first byte at or after at that is not plain. */
static inline const char *skip_plain(const char *at, const char *end)
{
#ifdef __SSE2__
    const __m128i quote = _mm_set1_epi8('"');
    const __m128i slash = _mm_set1_epi8('\\');
    const __m128i space = _mm_set1_epi8(' ');

    while (end - at >= 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)at);
        /* Signed comparison: bytes outside ASCII are below a space, as control characters are. */
        __m128i stops =
            _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, slash)),
                         _mm_cmplt_epi8(bytes, space));
        unsigned mask = (unsigned)_mm_movemask_epi8(stops);

        if (mask)
            return at + __builtin_ctz(mask);
        at += 16;
    }
#else
    const uint64_t ones = UINT64_C(0x0101010101010101);
    const uint64_t tops = UINT64_C(0x8080808080808080);

    while (end - at >= 8) {
        uint64_t word, quotes, slashes;

        memcpy(&word, at, sizeof word);
        quotes = word ^ ones * '"';
        slashes = word ^ ones * '\\';
        if ((word | (word - ones * 0x20) | (quotes - ones) | (slashes - ones)) & tops)
            break;
        at += 8;
    }
#endif
    while (at < end && is_plain((unsigned char)*at))
        at++;
    return at;
}

static unsigned hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0');
    if (c >= 'a' && c <= 'f')
        return (unsigned)(c - 'a' + 10);
    if (c >= 'A' && c <= 'F')
        return (unsigned)(c - 'A' + 10);
    return HEX_BAD;
}

/* The escape whose backslash stands at scan->at. */
static bool skip_escape(JsonScan *scan)
{
    const char *at = scan->at + 1;

    if (at == scan->end)
        return fail(scan, why_end);
    if (*at != 'u') {
        if (!memchr("\"\\/bfnrt", *at, 8))
            return fail(scan, "an escape sequence is malformed");
        scan->at = at + 1;
        return true;
    }
    if (scan->end - at < 5)
        return fail(scan, why_end);
    for (int i = 1; i <= 4; i++) {
        if (hex_value(at[i]) == HEX_BAD)
            return fail(scan, "an escape sequence is malformed");
    }
    scan->at = at + 5;
    return true;
}

/* The run of characters outside ASCII at scan->at. */
static bool skip_utf8(JsonScan *scan)
{
    const char *at = scan->at;
    size_t      len;

    while (at < scan->end && (unsigned char)*at >= 0x80)
        at++;
    len = (size_t)(at - scan->at);
    if (!utf8_is_valid((Str){scan->at, len}))
        return fail(scan, "the text is not valid UTF-8");
    scan->at = at;
    return true;
}

/* What stopped skip_plain() and is not the closing quote. */
static bool skip_special(JsonScan *scan, bool *has_escape)
{
    unsigned char c = (unsigned char)*scan->at;

    if (c == '\\') {
        *has_escape = true;
        return skip_escape(scan);
    }
    if (c < 0x20)
        return fail(scan, "a control character stands in a string");
    return skip_utf8(scan);
}

bool json_string(JsonScan *scan, Str *raw, bool *has_escape)
{
    bool        escapes = false;
    const char *from;

    if (!accept(scan, '"'))
        return fail(scan, why_string);
    from = scan->at;
    for (;;) {
        scan->at = skip_plain(scan->at, scan->end);
        if (scan->at == scan->end)
            return fail(scan, why_end);
        if (*scan->at == '"')
            break;
        if (!skip_special(scan, &escapes))
            return false;
    }
    *raw = (Str){from, (size_t)(scan->at - from)};
    *has_escape = escapes;
    scan->at++;
    return true;
}

static uint32_t hex4(const char *at)
{
    return hex_value(at[0]) << 12 | hex_value(at[1]) << 8 | hex_value(at[2]) << 4 |
           hex_value(at[3]);
}

/* The code point of the \u escape at *at, and of the one behind it if they are a pair. */
static uint32_t unescape_u(const char **at, const char *end)
{
    uint32_t unit = hex4(*at + 2), low;

    *at += 6;
    if (unit < SURROGATE_HIGH || unit >= SURROGATE_END)
        return unit;
    if (unit >= SURROGATE_LOW || end - *at < 6 || (*at)[0] != '\\' || (*at)[1] != 'u')
        return UTF8_INVALID;
    low = hex4(*at + 2);
    if (low < SURROGATE_LOW || low >= SURROGATE_END)
        return UTF8_INVALID;
    *at += 6;
    return SUPPLEMENT + ((unit - SURROGATE_HIGH) << 10) + (low - SURROGATE_LOW);
}

/* Escapes are never shorter than what they stand for, so that raw.len bytes are enough. */
Str json_unescape(Arena *arena, Str raw)
{
    static const char letters[128] = {['"'] = '"',  ['\\'] = '\\', ['/'] = '/',  ['b'] = '\b',
                                      ['f'] = '\f', ['n'] = '\n',  ['r'] = '\r', ['t'] = '\t'};
    const char       *at = raw.ptr, *end = raw.ptr + raw.len;
    char             *text = arena_bytes(arena, raw.len);
    size_t            len = 0;

    while (at < end) {
        const char *slash = memchr(at, '\\', (size_t)(end - at));
        size_t      plain = (size_t)((slash ? slash : end) - at);

        memcpy(text + len, at, plain);
        len += plain;
        at += plain;
        if (!slash)
            break;
        if (at[1] == 'u') {
            len += utf8_encode(unescape_u(&at, end), text + len);
        } else {
            text[len++] = letters[(unsigned char)at[1]];
            at += 2;
        }
    }
    return (Str){text, len};
}

/* --- numbers and words ------------------------------------------------------------------------ */

static inline const char *skip_digits(const char *at, const char *end)
{
    while (at < end && *at >= '0' && *at <= '9')
        at++;
    return at;
}

/* Fraction and exponent behind the integer part. */
static const char *skip_fraction(JsonScan *scan, const char *at)
{
    const char *from;

    if (at < scan->end && *at == '.') {
        from = ++at;
        at = skip_digits(at, scan->end);
        if (at == from)
            return NULL;
    }
    if (at < scan->end && (*at == 'e' || *at == 'E')) {
        at++;
        if (at < scan->end && (*at == '+' || *at == '-'))
            at++;
        from = at;
        at = skip_digits(at, scan->end);
        if (at == from)
            return NULL;
    }
    return at;
}

bool json_number(JsonScan *scan, Str *text, bool *is_integer)
{
    const char *from, *digits, *at, *integer_end;

    if (scan->why)
        return false;
    skip_space(scan);
    from = scan->at;
    digits = from < scan->end && *from == '-' ? from + 1 : from;
    integer_end = skip_digits(digits, scan->end);
    if (integer_end == digits || (*digits == '0' && integer_end > digits + 1))
        return fail(scan, "a number is malformed");
    at = skip_fraction(scan, integer_end);
    if (!at)
        return fail(scan, "a number is malformed");
    *is_integer = at == integer_end;
    *text = (Str){from, (size_t)(at - from)};
    scan->at = at;
    return true;
}

bool json_word(JsonScan *scan)
{
    Str word;

    switch (json_peek(scan)) {
    case JSON_NULL:
        word = STR("null");
        break;
    case JSON_TRUE:
        word = STR("true");
        break;
    case JSON_FALSE:
        word = STR("false");
        break;
    default:
        return fail(scan, why_value);
    }
    if ((size_t)(scan->end - scan->at) < word.len || memcmp(scan->at, word.ptr, word.len) != 0)
        return fail(scan, why_value);
    scan->at += word.len;
    return true;
}

/* --- brackets --------------------------------------------------------------------------------- */

bool json_enter(JsonScan *scan)
{
    if (!accept(scan, '{') && !accept(scan, '['))
        return fail(scan, "an object or an array is expected");
    if (scan->depth >= g_limits.nesting) {
        scan->at--;
        return fail(scan, why_depth);
    }
    scan->depth++;
    return true;
}

/* Goes to the next member or item; false at the closing bracket, consumed, or on an error. */
static inline bool next(JsonScan *scan, bool *is_first, char close)
{
    if (scan->why)
        return false;
    if (accept(scan, close)) {
        scan->depth--;
        return false;
    }
    if (!*is_first && !accept(scan, ','))
        return fail(scan, scan->at == scan->end ? why_end : why_comma);
    *is_first = false;
    return true;
}

bool json_next_member(JsonScan *scan, bool *is_first, Str *raw_name, bool *has_escape)
{
    if (!next(scan, is_first, '}'))
        return false;
    if (!json_string(scan, raw_name, has_escape))
        return false;
    return accept(scan, ':') || fail(scan, "a colon is expected");
}

bool json_next_item(JsonScan *scan, bool *is_first)
{
    return next(scan, is_first, ']');
}

bool json_at_end(JsonScan *scan)
{
    if (scan->why)
        return false;
    skip_space(scan);
    return scan->at == scan->end;
}

/* --- skipping --------------------------------------------------------------------------------- */

static bool skip_scalar(JsonScan *scan, JsonKind kind)
{
    Str  text;
    bool flag;

    switch (kind) {
    case JSON_STRING:
        return json_string(scan, &text, &flag);
    case JSON_NUMBER:
        return json_number(scan, &text, &flag);
    case JSON_ERROR:
        return false;
    default:
        return json_word(scan);
    }
}

/* The brackets that json_skip() has open: a bit each, set for an object. */
typedef struct Brackets {
    uint64_t bits[SKIP_DEPTH_MAX / 64];
    uint32_t len;
    bool     is_first; /* nothing has been seen yet in the innermost one */
} Brackets;

static bool brackets_push(Brackets *brackets, JsonScan *scan, bool is_object)
{
    uint64_t bit = UINT64_C(1) << brackets->len % 64;

    if (brackets->len == SKIP_DEPTH_MAX)
        return fail(scan, why_depth);
    if (!json_enter(scan))
        return false;
    if (brackets->len % 64 == 0)
        brackets->bits[brackets->len / 64] = 0;
    if (is_object)
        brackets->bits[brackets->len / 64] |= bit;
    else
        brackets->bits[brackets->len / 64] &= ~bit;
    brackets->len++;
    brackets->is_first = true;
    return true;
}

/* Goes on in the innermost bracket to where a value stands; false when it has been closed. */
static bool brackets_next(Brackets *brackets, JsonScan *scan)
{
    uint32_t top = brackets->len - 1;
    Str      name;
    bool     has_escape;

    if (brackets->bits[top / 64] >> top % 64 & 1)
        return json_next_member(scan, &brackets->is_first, &name, &has_escape);
    return json_next_item(scan, &brackets->is_first);
}

/* The rest of a value whose kind is JSON_ARRAY or JSON_OBJECT. */
static bool skip_nested(JsonScan *scan, JsonKind kind)
{
    Brackets brackets;

    brackets.len = 0;
    if (!brackets_push(&brackets, scan, kind == JSON_OBJECT))
        return false;
    while (brackets.len > 0) {
        if (!brackets_next(&brackets, scan)) {
            if (scan->why)
                return false;
            brackets.len--;
            brackets.is_first = false;
            continue;
        }
        kind = json_peek(scan);
        if (kind == JSON_ARRAY || kind == JSON_OBJECT) {
            if (!brackets_push(&brackets, scan, kind == JSON_OBJECT))
                return false;
        } else if (!skip_scalar(scan, kind)) {
            return false;
        }
    }
    return true;
}

bool json_skip(JsonScan *scan, Str *out)
{
    JsonKind    kind = json_peek(scan);
    const char *from = scan->at;
    bool        is_valid;

    if (kind == JSON_ARRAY || kind == JSON_OBJECT)
        is_valid = skip_nested(scan, kind);
    else
        is_valid = skip_scalar(scan, kind);
    if (is_valid && out)
        *out = (Str){from, (size_t)(scan->at - from)};
    return is_valid;
}
