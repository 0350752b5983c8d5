/*
 * buf.h -- a growing byte buffer.
 *
 * Zero-initialise, or buf_in(arena) to grow inside an arena (then buf_deinit does nothing).  A
 * heap Buf is ended by buf_deinit().  Growth doubles.
 *
 * Thread: one at a time.
 */
#ifndef COMMON_BUF_H
#define COMMON_BUF_H

#include <stdarg.h>
#include <string.h>

#include "common/arena.h"
#include "common/str.h"

typedef struct Buf {
    char  *ptr;
    size_t len;
    size_t cap;
    Arena *arena; /* NULL: heap */
} Buf;

static inline Buf buf_in(Arena *arena)
{
    return (Buf){NULL, 0, 0, arena};
}

void buf_deinit(Buf *buf);
/* Makes room for extra more bytes behind len. */
void buf_grow(Buf *buf, size_t extra);

static inline void buf_reserve(Buf *buf, size_t extra)
{
    if (buf->cap - buf->len < extra)
        buf_grow(buf, extra);
}

static inline void buf_clear(Buf *buf)
{
    buf->len = 0;
}

static inline void buf_append(Buf *buf, const void *bytes, size_t len)
{
    if (len == 0)
        return;
    buf_reserve(buf, len);
    memcpy(buf->ptr + buf->len, bytes, len);
    buf->len += len;
}

static inline void buf_put(Buf *buf, char c)
{
    buf_reserve(buf, 1);
    buf->ptr[buf->len++] = c;
}

static inline void buf_str(Buf *buf, Str s)
{
    buf_append(buf, s.ptr, s.len);
}

static inline void buf_c(Buf *buf, const char *c_text)
{
    buf_append(buf, c_text, strlen(c_text));
}

static inline Str buf_view(const Buf *buf)
{
    return (Str){buf->ptr ? buf->ptr : "", buf->len};
}

void buf_printf(Buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buf_vprintf(Buf *buf, const char *format, va_list args);
void buf_i64(Buf *buf, int64_t v); /* decimal digits; fast */

/* Fixed-width and variable-width integers of Weir's own encodings (state, chunks, changelog). */
void buf_u32be(Buf *buf, uint32_t v);
void buf_u64be(Buf *buf, uint64_t v);
void buf_varint(Buf *buf, uint64_t v);  /* LEB128 */
void buf_varint_s(Buf *buf, int64_t v); /* zig-zag LEB128 */

/* A cursor that reads what the above wrote.  ok turns false for good on the first short read. */
typedef struct BufReader {
    const uint8_t *ptr;
    const uint8_t *end;
    bool           ok;
} BufReader;

BufReader buf_reader(Str bytes);
uint8_t   buf_read_u8(BufReader *reader);
uint32_t  buf_read_u32be(BufReader *reader);
uint64_t  buf_read_u64be(BufReader *reader);
uint64_t  buf_read_varint(BufReader *reader);
int64_t   buf_read_varint_s(BufReader *reader);
Str       buf_read_bytes(BufReader *reader, size_t len); /* points into the source */

#endif
