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
static const char why_colon[] = "a colon is expected";
static const char why_number[] = "a number is malformed";
static const char why_string[] = "a string is expected";

/* The first error counts; nothing is read behind it. */
static __attribute__((noinline)) bool fail(JsonScan *scan, const char *why)
{
    if (!scan->why)
        scan->why = why;
    return false;
}

static __attribute__((noinline)) const char *fail_at(JsonScan *scan, const char *at,
                                                     const char *why)
{
    scan->at = at;
    fail(scan, why);
    return NULL;
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

/* Compact text has no white space, pretty-printed text much. */
static inline const char *after_space(const char *at, const char *end)
{
    while (at < end && (unsigned char)*at <= ' ' && is_space(*at))
        at++;
    return at;
}

/* What begins with each byte; JSON_ERROR is 0. */
static const uint8_t kind_of[256] = {
    ['n'] = JSON_NULL,   ['f'] = JSON_FALSE,  ['t'] = JSON_TRUE,   ['"'] = JSON_STRING,
    ['['] = JSON_ARRAY,  ['{'] = JSON_OBJECT, ['-'] = JSON_NUMBER, ['0'] = JSON_NUMBER,
    ['1'] = JSON_NUMBER, ['2'] = JSON_NUMBER, ['3'] = JSON_NUMBER, ['4'] = JSON_NUMBER,
    ['5'] = JSON_NUMBER, ['6'] = JSON_NUMBER, ['7'] = JSON_NUMBER, ['8'] = JSON_NUMBER,
    ['9'] = JSON_NUMBER,
};
_Static_assert(JSON_ERROR == 0, "kind_of gives it for all other bytes");

JsonKind json_peek(JsonScan *scan)
{
    JsonKind kind;

    if (scan->why)
        return JSON_ERROR;
    scan->at = after_space(scan->at, scan->end);
    if (scan->at == scan->end) {
        fail(scan, why_end);
        return JSON_ERROR;
    }
    kind = (JsonKind)kind_of[(unsigned char)*scan->at];
    if (kind == JSON_ERROR)
        fail(scan, why_value);
    return kind;
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

/* The rest of a string in which something special was found at scan->at. */
static __attribute__((noinline)) bool skip_specials(JsonScan *scan, bool *has_escape)
{
    while (scan->at < scan->end && *scan->at != '"') {
        if (!skip_special(scan, has_escape))
            return false;
        scan->at = skip_plain(scan->at, scan->end);
    }
    return scan->at < scan->end || fail(scan, why_end);
}

/* The closing quote of the string whose first byte is at from; NULL after an error. */
static inline const char *string_end(JsonScan *scan, const char *from, bool *has_escape)
{
    const char *at = skip_plain(from, scan->end);

    *has_escape = false;
    /* Most strings are plain up to their end. */
    if (at < scan->end && *at == '"')
        return at;
    scan->at = at;
    return skip_specials(scan, has_escape) ? scan->at : NULL;
}

/* One string at or after at, and where it ends; NULL after an error. */
static inline const char *take_string(JsonScan *scan, const char *at, Str *raw, bool *has_escape)
{
    const char *quote;

    at = after_space(at, scan->end);
    if (at == scan->end || *at != '"')
        return fail_at(scan, at, why_string);
    quote = string_end(scan, at + 1, has_escape);
    if (!quote)
        return NULL;
    *raw = (Str){at + 1, (size_t)(quote - at - 1)};
    return quote + 1;
}

bool json_string(JsonScan *scan, Str *raw, bool *has_escape)
{
    const char *at = scan->why ? NULL : take_string(scan, scan->at, raw, has_escape);

    if (!at)
        return false;
    scan->at = at;
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

/* Fraction and exponent behind the integer part; NULL when they are malformed. */
static const char *skip_fraction(const char *at, const char *end)
{
    const char *from;

    if (at < end && *at == '.') {
        from = ++at;
        at = skip_digits(at, end);
        if (at == from)
            return NULL;
    }
    if (at < end && (*at == 'e' || *at == 'E')) {
        at++;
        if (at < end && (*at == '+' || *at == '-'))
            at++;
        from = at;
        at = skip_digits(at, end);
        if (at == from)
            return NULL;
    }
    return at;
}

/* The end of the number that begins at from; NULL after an error. */
static inline const char *number_end(JsonScan *scan, const char *from, bool *is_integer)
{
    const char *digits = from < scan->end && *from == '-' ? from + 1 : from;
    const char *at = skip_digits(digits, scan->end);

    *is_integer = true;
    if (at == digits || (*digits == '0' && at > digits + 1))
        return fail_at(scan, from, why_number);
    if (at == scan->end || (*at != '.' && (*at | 0x20) != 'e'))
        return at;
    *is_integer = false;
    at = skip_fraction(at, scan->end);
    return at ? at : fail_at(scan, from, why_number);
}

bool json_number(JsonScan *scan, Str *text, bool *is_integer)
{
    const char *from = after_space(scan->at, scan->end);
    const char *end = scan->why ? NULL : number_end(scan, from, is_integer);

    if (!end)
        return false;
    *text = (Str){from, (size_t)(end - from)};
    scan->at = end;
    return true;
}

/* The end of null, true or false at from; NULL after an error. */
static inline const char *word_end(JsonScan *scan, const char *from, JsonKind kind)
{
    size_t left = (size_t)(scan->end - from);

    if (kind == JSON_TRUE && left >= 4 && memcmp(from, "true", 4) == 0)
        return from + 4;
    if (kind == JSON_FALSE && left >= 5 && memcmp(from, "false", 5) == 0)
        return from + 5;
    if (kind == JSON_NULL && left >= 4 && memcmp(from, "null", 4) == 0)
        return from + 4;
    return fail_at(scan, from, why_value);
}

bool json_word(JsonScan *scan)
{
    JsonKind    kind = json_peek(scan);
    const char *end = kind == JSON_ERROR ? NULL : word_end(scan, scan->at, kind);

    if (!end)
        return false;
    scan->at = end;
    return true;
}

/* --- brackets --------------------------------------------------------------------------------- */

bool json_enter(JsonScan *scan)
{
    JsonKind kind = json_peek(scan);

    if (kind != JSON_ARRAY && kind != JSON_OBJECT)
        return fail(scan, "an object or an array is expected");
    if (scan->depth >= g_limits.nesting)
        return fail(scan, why_depth);
    scan->at++;
    scan->depth++;
    return true;
}

/*
 * Behind a value or an opening bracket: goes to where the next member or item stands.  False at
 * the closing bracket, which is consumed, and on an error.
 */
static inline bool next(JsonScan *scan, bool *is_first, char close)
{
    const char *at = after_space(scan->at, scan->end);

    if (scan->why)
        return false;
    if (at == scan->end)
        return fail_at(scan, at, why_end);
    if (*at == ',' && !*is_first) {
        scan->at = at + 1;
        return true;
    }
    scan->at = at;
    if (*at == close) {
        scan->at++;
        scan->depth--;
        return false;
    }
    if (!*is_first)
        return fail(scan, why_comma);
    *is_first = false;
    return true;
}

/* The colon at or after at, and where it ends; NULL after an error. */
static inline const char *take_colon(JsonScan *scan, const char *at)
{
    at = after_space(at, scan->end);
    if (at == scan->end || *at != ':')
        return fail_at(scan, at, why_colon);
    return at + 1;
}

bool json_next_member(JsonScan *scan, bool *is_first, Str *raw_name, bool *has_escape)
{
    const char *at;

    if (!next(scan, is_first, '}'))
        return false;
    at = take_string(scan, scan->at, raw_name, has_escape);
    if (at)
        at = take_colon(scan, at);
    if (!at)
        return false;
    scan->at = at;
    return true;
}

bool json_next_item(JsonScan *scan, bool *is_first)
{
    return next(scan, is_first, ']');
}

bool json_at_end(JsonScan *scan)
{
    if (scan->why)
        return false;
    scan->at = after_space(scan->at, scan->end);
    return scan->at == scan->end;
}

/* --- skipping --------------------------------------------------------------------------------- */

/* The brackets that json_skip() has open: a bit each, set for an object. */
typedef struct Brackets {
    uint64_t bits[SKIP_DEPTH_MAX / 64];
    uint32_t len;
} Brackets;

static inline bool in_object(const Brackets *brackets)
{
    uint32_t top = brackets->len - 1;

    return brackets->bits[top / 64] >> top % 64 & 1;
}

static const char *skip_name(JsonScan *scan, const char *at)
{
    Str  name;
    bool has_escape;

    at = take_string(scan, at, &name, &has_escape);
    return at ? take_colon(scan, at) : NULL;
}

/* Behind the bracket that opens at at: where a value stands, or the closing one if *is_empty. */
static const char *skip_open(JsonScan *scan, const char *at, Brackets *brackets, bool *is_empty)
{
    bool      is_object = *at == '{';
    uint64_t *bits = &brackets->bits[brackets->len / 64];

    if (scan->depth + brackets->len >= g_limits.nesting || brackets->len == SKIP_DEPTH_MAX)
        return fail_at(scan, at, why_depth);
    if (brackets->len % 64 == 0)
        *bits = 0;
    *bits &= ~(UINT64_C(1) << brackets->len % 64);
    *bits |= (uint64_t)is_object << brackets->len % 64;
    brackets->len++;
    at = after_space(at + 1, scan->end);
    *is_empty = at < scan->end && *at == (is_object ? '}' : ']');
    return is_object && !*is_empty ? skip_name(scan, at) : at;
}

/* Behind a value: where the next one stands, or the end of the whole when no bracket is left. */
static inline const char *skip_between(JsonScan *scan, const char *at, Brackets *brackets)
{
    while (brackets->len > 0) {
        bool is_object = in_object(brackets);

        at = after_space(at, scan->end);
        if (at == scan->end)
            return fail_at(scan, at, why_end);
        if (*at == ',')
            return is_object ? skip_name(scan, at + 1) : at + 1;
        if (*at != (is_object ? '}' : ']'))
            return fail_at(scan, at, why_comma);
        at++;
        brackets->len--;
    }
    return at;
}

/* The end of the value that stands at or after at; NULL after an error. */
static const char *skip_value(JsonScan *scan, const char *at)
{
    Brackets brackets;
    bool     flag;

    brackets.len = 0;
    do {
        JsonKind kind;

        at = after_space(at, scan->end);
        if (at == scan->end)
            return fail_at(scan, at, why_end);
        kind = (JsonKind)kind_of[(unsigned char)*at];
        if (kind == JSON_STRING) {
            at = string_end(scan, at + 1, &flag);
            at = at ? at + 1 : NULL;
        } else if (kind == JSON_NUMBER) {
            at = number_end(scan, at, &flag);
        } else if (kind == JSON_ARRAY || kind == JSON_OBJECT) {
            at = skip_open(scan, at, &brackets, &flag);
            if (at && !flag)
                continue;
            /* An empty one ends here; skip_between() closes it. */
        } else {
            at = word_end(scan, at, kind);
        }
        if (!at)
            return NULL;
        at = skip_between(scan, at, &brackets);
    } while (at && brackets.len > 0);
    return at;
}

bool json_skip(JsonScan *scan, Str *out)
{
    const char *from = after_space(scan->at, scan->end);
    const char *end = scan->why ? NULL : skip_value(scan, from);

    if (!end)
        return false;
    scan->at = end;
    if (out)
        *out = (Str){from, (size_t)(end - from)};
    return true;
}
