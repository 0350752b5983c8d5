/*
 * err.c -- filling errors and showing them.
 *
 * Text is formatted into a local buffer first, because an argument may well be the message that is
 * about to be replaced.  Quoted names come from users: bytes that are not UTF-8 become '?', and
 * what is too long is cut between two code points.
 */
#include "common/err.h"

#include <assert.h>
#include <stdio.h>

#include "common/buf.h"
#include "common/utf8.h"

/* Display columns of a line of SQL shown by err_render(), and how many lie before the caret. */
enum { RENDER_COLUMNS = 100, RENDER_COLUMNS_BEFORE = 60 };

static const char *const names[] = {
    [ERR_OK] = "ok",
    [ERR_SYNTAX] = "syntax",
    [ERR_STATEMENT] = "statement",
    [ERR_NOT_YET] = "not_yet",
    [ERR_REQUEST] = "request",
    [ERR_WRONG_ENDPOINT] = "wrong_endpoint",
    [ERR_LIMIT] = "limit",
    [ERR_CONFIG] = "config",
    [ERR_NOT_FOUND] = "not_found",
    [ERR_TOO_MANY_PUSH] = "too_many_push",
    [ERR_ASSERT] = "assert",
    [ERR_EVAL] = "eval",
    [ERR_DESERIALIZE] = "deserialize",
    [ERR_SERIALIZE] = "serialize",
    [ERR_IO] = "io",
    [ERR_BROKER] = "broker",
    [ERR_TOPIC_MISSING] = "topic_missing",
    [ERR_TOPIC_EXISTS] = "topic_exists",
    [ERR_RECORD_TOO_LARGE] = "record_too_large",
    [ERR_RECORD_REFUSED] = "record_refused",
    [ERR_FULL] = "full",
    [ERR_BUSY] = "busy",
    [ERR_UNKNOWN_OUTCOME] = "unknown_outcome",
    [ERR_STATE] = "state",
    [ERR_CANCELLED] = "cancelled",
    [ERR_AUTH] = "auth",
};
_Static_assert(sizeof names / sizeof names[0] == ERR_COUNT_, "every code has a name");

const char *err_name(ErrCode code)
{
    assert((unsigned)code < ERR_COUNT_);
    return names[code];
}

/* Makes text valid UTF-8 in place.  A sequence that snprintf() cut off at the end goes. */
static void clean(char *text, bool was_cut)
{
    Str    s = str_from(text);
    size_t offset = utf8_valid_prefix(s);

    while (offset < s.len) {
        if (was_cut && s.len - offset < 4 && (unsigned char)text[offset] >= 0xc2) {
            text[offset] = '\0';
            return;
        }
        text[offset] = '?';
        offset += utf8_valid_prefix(str_slice(s, offset, s.len));
    }
}

static void format_into(char *out, size_t size, const char *format, va_list args)
{
    char text[ERR_MSG_BYTES];
    int  len;

    assert(size <= sizeof text);
    len = vsnprintf(text, size, format, args);
    assert(len >= 0);
    clean(text, (size_t)len >= size);
    memcpy(out, text, strlen(text) + 1);
}

static void set(Err *err, ErrCode code, SrcPos pos, const char *format, va_list args)
{
    assert(code > ERR_OK && code < ERR_COUNT_);
    format_into(err->msg, sizeof err->msg, format, args);
    err->code = code;
    err->is_retriable = false;
    err->pos = pos;
    err->hint[0] = '\0';
}

ErrCode err_set(Err *err, ErrCode code, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    set(err, code, (SrcPos){0}, format, args);
    va_end(args);
    return code;
}

ErrCode err_set_at(Err *err, ErrCode code, SrcPos pos, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    set(err, code, pos, format, args);
    va_end(args);
    return code;
}

void err_hint(Err *err, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    format_into(err->hint, sizeof err->hint, format, args);
    va_end(args);
}

void err_wrap(Err *err, const char *format, ...)
{
    char    context[ERR_MSG_BYTES];
    char    text[2 * ERR_MSG_BYTES];
    va_list args;
    int     len;

    va_start(args, format);
    format_into(context, sizeof context, format, args);
    va_end(args);
    len = snprintf(text, sizeof text, "%s: %s", context, err->msg);
    assert(len > 0 && (size_t)len < sizeof text);
    if ((size_t)len >= sizeof err->msg) {
        text[sizeof err->msg - 1] = '\0';
        clean(text, true);
    }
    memcpy(err->msg, text, strlen(text) + 1);
}

void err_clear(Err *err)
{
    err->code = ERR_OK;
    err->is_retriable = false;
    err->pos = (SrcPos){0};
    err->msg[0] = '\0';
    err->hint[0] = '\0';
}

/* One code point of SQL as it is shown: anything that would move the cursor is a space. */
static void render_code_point(Buf *buf, uint32_t code_point)
{
    char   bytes[4];
    size_t len;

    if (code_point != '\t' && (code_point < 0x20 || code_point == 0x7f))
        code_point = ' ';
    len = utf8_encode(code_point, bytes);
    buf_append(buf, bytes, len);
}

/* Columns of the code point at *offset, which moves past it; a tab is one. */
static size_t step(Str line, size_t *offset)
{
    size_t start = *offset;
    size_t width;

    (void)utf8_next(line, offset);
    width = utf8_width(str_slice(line, start, *offset));
    return line.ptr[start] == '\t' ? 1 : width;
}

/* Where in line to begin so that at most RENDER_COLUMNS_BEFORE columns lie before caret. */
static size_t cut_start(Str line, size_t caret)
{
    size_t columns = 0;
    size_t start = 0;

    for (size_t offset = 0; offset < caret;)
        columns += step(line, &offset);
    while (columns > RENDER_COLUMNS_BEFORE)
        columns -= step(line, &start);
    return start;
}

/* The line of sql around offset, and below it a caret for each column of the len bytes there. */
static void render_source(Buf *out, Arena *arena, Str sql, size_t offset, size_t len)
{
    size_t line_start = offset;
    size_t line_end = offset;
    size_t columns = 0;
    size_t carets = 0;
    Str    line;
    size_t caret, at;
    Buf    below = buf_in(arena);

    while (line_start > 0 && sql.ptr[line_start - 1] != '\n')
        line_start--;
    while (line_end < sql.len && sql.ptr[line_end] != '\n')
        line_end++;
    if (line_end > offset && sql.ptr[line_end - 1] == '\r')
        line_end--;
    line = str_slice(sql, line_start, line_end);
    caret = offset - line_start;
    at = cut_start(line, caret);
    buf_c(out, at ? "\n  ..." : "\n  ");
    buf_c(&below, at ? "\n     " : "\n  ");
    while (at < line.len && columns < RENDER_COLUMNS) {
        size_t start = at;
        size_t next = at;
        size_t width = step(line, &at);

        columns += width;
        render_code_point(out, utf8_next(line, &next));
        if (start < caret) {
            for (size_t i = 0; i < width; i++)
                buf_put(&below, line.ptr[start] == '\t' ? '\t' : ' ');
        } else if (start < caret + len) {
            for (size_t i = 0; i < width; i++, carets++)
                buf_put(&below, '^');
        }
    }
    if (at < line.len)
        buf_c(out, "...");
    if (carets == 0)
        buf_put(&below, '^');
    buf_str(out, buf_view(&below));
}

Str err_render(Arena *arena, const Err *err, Str sql)
{
    Buf out = buf_in(arena);

    if (err->pos.line)
        buf_printf(&out, "line %u, column %u: ", err->pos.line, err->pos.column);
    buf_c(&out, err->msg);
    if (err->pos.line && err->pos.offset <= sql.len)
        render_source(&out, arena, sql, err->pos.offset, err->pos.len);
    if (err->hint[0])
        buf_printf(&out, "\nhint: %s", err->hint);
    return buf_view(&out);
}
