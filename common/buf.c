/*
 * buf.c -- a growing byte buffer, and Weir's own integer encodings.
 */
#include "common/buf.h"

#include <assert.h>
#include <stdio.h>

enum {
    CAP_MIN = 64,
    VARINT_BYTES_MAX = 10,
    I64_DIGITS_MAX = 20, /* -9223372036854775808 */
};

void buf_deinit(Buf *buf)
{
    if (buf->arena)
        return;
    mem_free(buf->ptr);
    *buf = (Buf){0};
}

void buf_grow(Buf *buf, size_t extra)
{
    size_t cap = buf->cap ? buf->cap * 2 : CAP_MIN;

    assert(extra <= SIZE_MAX / 4 && buf->len <= SIZE_MAX / 4);
    if (cap < buf->len + extra)
        cap = buf->len + extra;
    buf->ptr =
        buf->arena ? arena_grow(buf->arena, buf->ptr, buf->cap, cap) : mem_realloc(buf->ptr, cap);
    buf->cap = cap;
}

void buf_vprintf(Buf *buf, const char *format, va_list args)
{
    size_t  spare = buf->cap - buf->len;
    va_list again;
    int     len;

    /* Mostly it fits at once; if not, the length is known afterwards. */
    va_copy(again, args);
    len = vsnprintf(spare ? buf->ptr + buf->len : NULL, spare, format, args);
    assert(len >= 0);
    if ((size_t)len >= spare) {
        buf_reserve(buf, (size_t)len + 1);
        (void)vsnprintf(buf->ptr + buf->len, (size_t)len + 1, format, again);
    }
    va_end(again);
    buf->len += (size_t)len;
}

void buf_printf(Buf *buf, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    buf_vprintf(buf, format, args);
    va_end(args);
}

void buf_i64(Buf *buf, int64_t v)
{
    static const char pairs[] = "00010203040506070809101112131415161718192021222324"
                                "25262728293031323334353637383940414243444546474849"
                                "50515253545556575859606162636465666768697071727374"
                                "75767778798081828384858687888990919293949596979899";
    char              digits[I64_DIGITS_MAX];
    char             *first = digits + sizeof digits;
    uint64_t          rest = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;

    while (rest >= 100) {
        first -= 2;
        memcpy(first, pairs + 2 * (rest % 100), 2);
        rest /= 100;
    }
    if (rest >= 10) {
        first -= 2;
        memcpy(first, pairs + 2 * rest, 2);
    } else {
        *--first = (char)('0' + rest);
    }
    if (v < 0)
        *--first = '-';
    buf_append(buf, first, (size_t)(digits + sizeof digits - first));
}

static void append_be(Buf *buf, uint64_t v, size_t size)
{
    char *ptr;

    buf_reserve(buf, size);
    ptr = buf->ptr + buf->len;
    for (size_t i = 0; i < size; i++)
        ptr[i] = (char)(v >> (8 * (size - 1 - i)));
    buf->len += size;
}

void buf_u32be(Buf *buf, uint32_t v)
{
    append_be(buf, v, 4);
}

void buf_u64be(Buf *buf, uint64_t v)
{
    append_be(buf, v, 8);
}

void buf_varint(Buf *buf, uint64_t v)
{
    buf_reserve(buf, VARINT_BYTES_MAX);
    while (v >= 0x80) {
        buf->ptr[buf->len++] = (char)(v | 0x80);
        v >>= 7;
    }
    buf->ptr[buf->len++] = (char)v;
}

void buf_varint_s(Buf *buf, int64_t v)
{
    uint64_t sign = v < 0 ? UINT64_MAX : 0;

    buf_varint(buf, ((uint64_t)v << 1) ^ sign);
}

BufReader buf_reader(Str bytes)
{
    const uint8_t *ptr = (const uint8_t *)(bytes.ptr ? bytes.ptr : "");

    return (BufReader){ptr, ptr + bytes.len, true};
}

/* The next len bytes, or NULL, and then the reader has failed for good. */
static const uint8_t *read_raw(BufReader *reader, size_t len)
{
    const uint8_t *ptr = reader->ptr;

    if (!reader->ok || (size_t)(reader->end - ptr) < len) {
        reader->ok = false;
        return NULL;
    }
    reader->ptr += len;
    return ptr;
}

uint8_t buf_read_u8(BufReader *reader)
{
    const uint8_t *ptr = read_raw(reader, 1);

    return ptr ? *ptr : 0;
}

static uint64_t read_be(BufReader *reader, size_t size)
{
    const uint8_t *ptr = read_raw(reader, size);
    uint64_t       v = 0;

    if (!ptr)
        return 0;
    for (size_t i = 0; i < size; i++)
        v = v << 8 | ptr[i];
    return v;
}

uint32_t buf_read_u32be(BufReader *reader)
{
    return (uint32_t)read_be(reader, 4);
}

uint64_t buf_read_u64be(BufReader *reader)
{
    return read_be(reader, 8);
}

uint64_t buf_read_varint(BufReader *reader)
{
    uint64_t v = 0;

    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint8_t byte = buf_read_u8(reader);

        if (!reader->ok)
            return 0;
        /* The tenth byte holds one bit only; more does not fit. */
        if (shift == 63 && byte > 1)
            break;
        v |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return v;
    }
    reader->ok = false;
    return 0;
}

int64_t buf_read_varint_s(BufReader *reader)
{
    uint64_t v = buf_read_varint(reader);

    return (int64_t)(v >> 1 ^ (0 - (v & 1)));
}

Str buf_read_bytes(BufReader *reader, size_t len)
{
    const uint8_t *ptr = read_raw(reader, len);

    return ptr ? (Str){(const char *)ptr, len} : STR_NULL;
}
