/*
 * utf8.c -- code points and UTF-16 lengths over UTF-8 text.
 *
 * decode() is the only place that knows the encoding's rules; everything else steps with it, after
 * running over ASCII eight bytes at a time.
 */
#include "common/utf8.h"

#include <assert.h>
#include <unicode/uchar.h>

#include "common/buf.h"

static inline bool is_continuation(unsigned char byte)
{
    return (byte & 0xc0) == 0x80;
}

/* Where the ASCII that begins at offset ends. */
static size_t skip_ascii(Str s, size_t offset)
{
    while (s.len - offset >= 8) {
        uint64_t word;

        memcpy(&word, s.ptr + offset, sizeof word);
        if (word & UINT64_C(0x8080808080808080))
            break;
        offset += 8;
    }
    while (offset < s.len && (unsigned char)s.ptr[offset] < 0x80)
        offset++;
    return offset;
}

/* Bytes of the code point at ptr (left > 0 bytes there), or 0 when they are invalid. */
static size_t decode(const char *ptr, size_t left, uint32_t *code_point)
{
    const unsigned char  *byte = (const unsigned char *)ptr;
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t                len;
    uint32_t              c = byte[0];

    if (c < 0x80) {
        *code_point = c;
        return 1;
    }
    if (c < 0xc2 || c > 0xf4)
        return 0;
    len = c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
    if (left < len)
        return 0;
    c &= 0x7fu >> len;
    for (size_t i = 1; i < len; i++) {
        if (!is_continuation(byte[i]))
            return 0;
        c = c << 6 | (byte[i] & 0x3fu);
    }
    if (c < smallest[len] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
        return 0;
    *code_point = c;
    return len;
}

bool utf8_is_valid(Str s)
{
    return utf8_valid_prefix(s) == s.len;
}

size_t utf8_valid_prefix(Str s)
{
    size_t offset = 0;

    for (;;) {
        uint32_t code_point;
        size_t   len;

        offset = skip_ascii(s, offset);
        if (offset == s.len)
            return offset;
        len = decode(s.ptr + offset, s.len - offset, &code_point);
        if (len == 0)
            return offset;
        offset += len;
    }
}

uint32_t utf8_next(Str s, size_t *offset)
{
    uint32_t code_point;
    size_t   len;

    assert(*offset < s.len);
    len = decode(s.ptr + *offset, s.len - *offset, &code_point);
    if (len == 0) {
        *offset += 1;
        return UTF8_INVALID;
    }
    *offset += len;
    return code_point;
}

size_t utf8_encode(uint32_t code_point, char out[4])
{
    if (code_point < 0x80) {
        out[0] = (char)code_point;
        return 1;
    }
    if (code_point < 0x800) {
        out[0] = (char)(0xc0 | code_point >> 6);
        out[1] = (char)(0x80 | (code_point & 0x3f));
        return 2;
    }
    if (code_point < 0x10000) {
        out[0] = (char)(0xe0 | code_point >> 12);
        out[1] = (char)(0x80 | (code_point >> 6 & 0x3f));
        out[2] = (char)(0x80 | (code_point & 0x3f));
        return 3;
    }
    assert(code_point <= 0x10ffff);
    out[0] = (char)(0xf0 | code_point >> 18);
    out[1] = (char)(0x80 | (code_point >> 12 & 0x3f));
    out[2] = (char)(0x80 | (code_point >> 6 & 0x3f));
    out[3] = (char)(0x80 | (code_point & 0x3f));
    return 4;
}

size_t utf8_len_utf16(Str s)
{
    size_t offset = skip_ascii(s, 0);
    size_t units = offset;

    while (offset < s.len)
        units += utf8_next(s, &offset) >= 0x10000 ? 2 : 1;
    return units;
}

size_t utf8_offset_of_utf16(Str s, size_t at, bool *splits)
{
    size_t offset = skip_ascii(s, 0);
    size_t units = offset;

    if (splits)
        *splits = false;
    if (at <= offset)
        return at;
    while (offset < s.len && units < at) {
        size_t start = offset;
        size_t step = utf8_next(s, &offset) >= 0x10000 ? 2 : 1;

        if (units + step > at) {
            if (splits)
                *splits = true;
            return start;
        }
        units += step;
    }
    return offset;
}

/*
 * Bytes that Java's decoder replaces together by one U+FFFD: the longest beginning of a sequence
 * that could have become valid, and an encoded surrogate whole.
 */
static size_t invalid_len(const char *ptr, size_t left)
{
    const unsigned char *byte = (const unsigned char *)ptr;
    bool                 is_second_bad;

    if (byte[0] < 0xe0 || byte[0] > 0xf4 || left < 2)
        return 1;
    is_second_bad = !is_continuation(byte[1]) || (byte[0] == 0xe0 && byte[1] < 0xa0) ||
                    (byte[0] == 0xf0 && byte[1] < 0x90) || (byte[0] == 0xf4 && byte[1] > 0x8f);
    if (is_second_bad)
        return 1;
    if (left < 3 || !is_continuation(byte[2]))
        return 2;
    /* Three good bytes are a surrogate, or a four-byte sequence whose last is bad or missing. */
    return 3;
}

Str utf8_replace_invalid(Arena *arena, Str s)
{
    size_t offset = utf8_valid_prefix(s);
    Buf    buf = buf_in(arena);

    if (offset == s.len)
        return s;
    buf_reserve(&buf, s.len + 16);
    buf_append(&buf, s.ptr, offset);
    while (offset < s.len) {
        Str    rest;
        size_t valid_len;

        offset += invalid_len(s.ptr + offset, s.len - offset);
        buf_append(&buf, "\xef\xbf\xbd", 3);
        rest = str_slice(s, offset, s.len);
        valid_len = utf8_valid_prefix(rest);
        buf_append(&buf, rest.ptr, valid_len);
        offset += valid_len;
    }
    return buf_view(&buf);
}

static size_t code_point_width(uint32_t code_point)
{
    UChar32 c = (UChar32)code_point;

    switch (u_charType(c)) {
    case U_NON_SPACING_MARK:
    case U_ENCLOSING_MARK:
    case U_FORMAT_CHAR:
    case U_CONTROL_CHAR:
        return 0;
    default:
        break;
    }
    switch (u_getIntPropertyValue(c, UCHAR_EAST_ASIAN_WIDTH)) {
    case U_EA_WIDE:
    case U_EA_FULLWIDTH:
        return 2;
    default:
        return 1;
    }
}

size_t utf8_width(Str s)
{
    size_t width = 0;

    for (size_t offset = 0; offset < s.len;) {
        unsigned char byte = (unsigned char)s.ptr[offset];

        if (byte >= 0x20 && byte < 0x7f) {
            width++;
            offset++;
        } else {
            width += code_point_width(utf8_next(s, &offset));
        }
    }
    return width;
}
