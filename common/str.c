/*
 * str.c -- text and bytes.
 *
 * Case rules here are ASCII's: names, keywords and headers are compared by them.  Text that
 * belongs to users is folded by Unicode's rules elsewhere.
 */
#include "common/str.h"

#include <assert.h>
#include <endian.h>
#include <limits.h>
#include <stdio.h>

static inline unsigned char lower_ascii(char c)
{
    unsigned char byte = (unsigned char)c;

    return byte >= 'A' && byte <= 'Z' ? (unsigned char)(byte + ('a' - 'A')) : byte;
}

static inline unsigned char upper_ascii(char c)
{
    unsigned char byte = (unsigned char)c;

    return byte >= 'a' && byte <= 'z' ? (unsigned char)(byte - ('a' - 'A')) : byte;
}

static inline bool is_space_ascii(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

bool str_eq_nocase(Str a, Str b)
{
    return a.len == b.len && str_starts_nocase(a, b);
}

int str_cmp(Str a, Str b)
{
    size_t common_len = a.len < b.len ? a.len : b.len;
    int    order = common_len ? memcmp(a.ptr, b.ptr, common_len) : 0;

    return order ? order : (a.len > b.len) - (a.len < b.len);
}

bool str_starts(Str s, Str prefix)
{
    return s.len >= prefix.len && (prefix.len == 0 || memcmp(s.ptr, prefix.ptr, prefix.len) == 0);
}

bool str_starts_nocase(Str s, Str prefix)
{
    if (s.len < prefix.len)
        return false;
    for (size_t i = 0; i < prefix.len; i++) {
        if (lower_ascii(s.ptr[i]) != lower_ascii(prefix.ptr[i]))
            return false;
    }
    return true;
}

bool str_ends(Str s, Str suffix)
{
    return s.len >= suffix.len &&
           (suffix.len == 0 || memcmp(s.ptr + s.len - suffix.len, suffix.ptr, suffix.len) == 0);
}

ptrdiff_t str_find(Str s, Str needle, size_t from)
{
    const char *found;

    if (from > s.len)
        return -1;
    if (needle.len == 0)
        return (ptrdiff_t)from;
    if (s.len - from < needle.len)
        return -1;
    found = memmem(s.ptr + from, s.len - from, needle.ptr, needle.len);
    return found ? found - s.ptr : -1;
}

Str str_trim(Str s)
{
    size_t from = 0;
    size_t to = s.len;

    while (from < to && is_space_ascii(s.ptr[from]))
        from++;
    while (to > from && is_space_ascii(s.ptr[to - 1]))
        to--;
    /* Of nothing there is nothing to slice: NULL must stay NULL. */
    return s.len ? str_slice(s, from, to) : s;
}

Str str_copy(Arena *arena, Str s)
{
    char *copy;

    if (!s.ptr)
        return STR_NULL;
    copy = arena_bytes(arena, s.len);
    if (s.len)
        memcpy(copy, s.ptr, s.len);
    return (Str){copy, s.len};
}

char *str_to_c(Arena *arena, Str s)
{
    char *copy = arena_bytes(arena, s.len + 1);

    if (s.len)
        memcpy(copy, s.ptr, s.len);
    copy[s.len] = '\0';
    return copy;
}

Str str_upper_ascii(Arena *arena, Str s)
{
    char *copy;

    if (!s.ptr)
        return STR_NULL;
    copy = arena_bytes(arena, s.len);
    for (size_t i = 0; i < s.len; i++)
        copy[i] = (char)upper_ascii(s.ptr[i]);
    return (Str){copy, s.len};
}

Str str_lower_ascii(Arena *arena, Str s)
{
    char *copy;

    if (!s.ptr)
        return STR_NULL;
    copy = arena_bytes(arena, s.len);
    for (size_t i = 0; i < s.len; i++)
        copy[i] = (char)lower_ascii(s.ptr[i]);
    return (Str){copy, s.len};
}

Str str_vprintf(Arena *arena, const char *format, va_list args)
{
    va_list again;
    char   *text;
    int     len;

    va_copy(again, args);
    len = vsnprintf(NULL, 0, format, again);
    va_end(again);
    assert(len >= 0);
    text = arena_bytes(arena, (size_t)len + 1);
    (void)vsnprintf(text, (size_t)len + 1, format, args);
    return (Str){text, (size_t)len};
}

Str str_printf(Arena *arena, const char *format, ...)
{
    va_list args;
    Str     s;

    va_start(args, format);
    s = str_vprintf(arena, format, args);
    va_end(args);
    return s;
}

bool str_to_i64(Str s, int64_t *out)
{
    bool     is_negative = s.len && s.ptr[0] == '-';
    size_t   i = s.len && (s.ptr[0] == '-' || s.ptr[0] == '+') ? 1 : 0;
    uint64_t max = (uint64_t)INT64_MAX + is_negative;
    uint64_t magnitude = 0;

    if (i == s.len)
        return false;
    for (; i < s.len; i++) {
        unsigned digit = (unsigned)(unsigned char)s.ptr[i] - '0';

        if (digit > 9 || magnitude > (max - digit) / 10)
            return false;
        magnitude = magnitude * 10 + digit;
    }
    /* Negated as unsigned, where INT64_MIN is no special case. */
    *out = (int64_t)(is_negative ? 0 - magnitude : magnitude);
    return true;
}

/* Names longer than this are no typing slips; it bounds the rows below. */
enum { NEAREST_LEN_MAX = 128 };

static size_t min_size(size_t a, size_t b)
{
    return a < b ? a : b;
}

/*
 * Edits that turn a into b, ignoring case; exchanging two neighbours counts as one, since fingers
 * do that.  Only the last three rows of the table are kept.  Both at most NEAREST_LEN_MAX long.
 */
static size_t edit_distance(Str a, Str b)
{
    size_t  rows[3][NEAREST_LEN_MAX + 1];
    size_t *before = rows[0];
    size_t *above = rows[1];
    size_t *row = rows[2];

    for (size_t j = 0; j <= b.len; j++)
        before[j] = above[j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        size_t *oldest = before;

        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            unsigned char ca = lower_ascii(a.ptr[i - 1]);
            unsigned char cb = lower_ascii(b.ptr[j - 1]);

            row[j] = min_size(min_size(above[j], row[j - 1]) + 1, above[j - 1] + (ca != cb));
            if (i > 1 && j > 1 && ca == lower_ascii(b.ptr[j - 2]) &&
                cb == lower_ascii(a.ptr[i - 2]))
                row[j] = min_size(row[j], before[j - 2] + 1);
        }
        before = above;
        above = row;
        row = oldest;
    }
    return above[b.len];
}

size_t str_distance(Str a, Str b)
{
    return a.len > NEAREST_LEN_MAX || b.len > NEAREST_LEN_MAX ? SIZE_MAX : edit_distance(a, b);
}

Str str_nearest(Str name, const Str *candidates, size_t count)
{
    Str    nearest = STR_NULL;
    size_t nearest_distance = SIZE_MAX;

    if (name.len > NEAREST_LEN_MAX)
        return nearest;
    for (size_t i = 0; i < count; i++) {
        size_t longer = name.len > candidates[i].len ? name.len : candidates[i].len;
        size_t distance;

        if (longer > NEAREST_LEN_MAX)
            continue;
        distance = edit_distance(name, candidates[i]);
        if (distance <= longer / 3 && distance < nearest_distance) {
            nearest = candidates[i];
            nearest_distance = distance;
        }
    }
    return nearest;
}

/* Both halves of the full product: every bit of a and b reaches the result. */
static inline uint64_t mix(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)a * b;

    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t load64(const char *ptr)
{
    uint64_t word;

    memcpy(&word, ptr, sizeof word);
    return le64toh(word);
}

static inline uint32_t load32(const char *ptr)
{
    uint32_t word;

    memcpy(&word, ptr, sizeof word);
    return le32toh(word);
}

/* Odd constants with about half of their bits set, without structure. */
#define HASH_SEED UINT64_C(0x9e3779b97f4a7c15)
#define HASH_STEP UINT64_C(0xd6e8feb86659fd93)
#define HASH_LAST UINT64_C(0xa0761d6478bd642f)

/* The last bytes of s, left of them, as one word; without a loop, since most keys have some.  Where
 * there are eight the word may begin in those that were hashed before. */
static inline uint64_t load_tail(Str s, size_t left)
{
    const char *end = s.ptr + s.len;

    if (left == 0)
        return 0;
    if (s.len >= 8)
        return load64(end - 8);
    if (left >= 4)
        return load32(s.ptr) | (uint64_t)load32(end - 4) << 32;
    return (uint64_t)(unsigned char)s.ptr[0] | (uint64_t)(unsigned char)s.ptr[left / 2] << 8 |
           (uint64_t)(unsigned char)end[-1] << 16;
}

uint64_t str_hash(Str s)
{
    uint64_t    hash = HASH_SEED ^ s.len;
    const char *ptr = s.ptr;
    size_t      left = s.len;

    for (; left >= 8; left -= 8, ptr += 8)
        hash = mix(hash ^ load64(ptr), HASH_STEP);
    return mix(hash ^ load_tail(s, left) ^ HASH_LAST, HASH_STEP);
}
