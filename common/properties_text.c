/*
 * properties_text.c -- one character at a time; a line that is continued is one line here.
 */
#include "common/properties_text.h"

#include "common/utf8.h"

void properties_text_init(PropertiesText *reader, Arena *mem, Str text)
{
    *reader = (PropertiesText){.text = text, .name = buf_in(mem), .value = buf_in(mem)};
    if (str_starts(text, STR("\xEF\xBB\xBF"))) /* the mark of Windows' editors */
        reader->at = 3;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\f';
}

static bool is_break(char c)
{
    return c == '\n' || c == '\r';
}

static bool is_end(const PropertiesText *reader)
{
    return reader->at == reader->text.len;
}

static char peek(const PropertiesText *reader)
{
    return reader->text.ptr[reader->at];
}

/* A line ends with CR, LF or both. */
static void skip_break(PropertiesText *reader)
{
    bool is_return = peek(reader) == '\r';

    reader->at++;
    if (is_return && !is_end(reader) && peek(reader) == '\n')
        reader->at++;
    reader->lines_read++;
}

static void skip_blanks(PropertiesText *reader)
{
    while (!is_end(reader) && is_blank(peek(reader)))
        reader->at++;
}

static void skip_line(PropertiesText *reader)
{
    while (!is_end(reader) && !is_break(peek(reader)))
        reader->at++;
}

/* --- escapes ---------------------------------------------------------------------------------- */

static ErrCode read_unit(PropertiesText *reader, uint32_t *out, Err *err)
{
    uint32_t unit = 0;

    for (int i = 0; i < 4; i++) {
        char c = is_end(reader) ? '\0' : peek(reader);
        int  digit = c >= '0' && c <= '9'                 ? c - '0'
                     : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10
                                                          : -1;

        if (digit < 0)
            return err_set(err, ERR_CONFIG, "malformed \\u: four hexadecimal digits are expected");
        unit = unit << 4 | (uint32_t)digit;
        reader->at++;
    }
    *out = unit;
    return ERR_OK;
}

static ErrCode read_unicode(PropertiesText *reader, Buf *out, Err *err)
{
    uint32_t unit, low;
    char     bytes[4];

    TRY(read_unit(reader, &unit, err));
    if (unit >= 0xD800 && unit < 0xDC00 &&
        str_starts(str_slice(reader->text, reader->at, reader->text.len), STR("\\u"))) {
        reader->at += 2;
        TRY(read_unit(reader, &low, err));
        unit = low >= 0xDC00 && low < 0xE000 ? 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00)
                                             : UTF8_INVALID;
    }
    if (unit >= 0xD800 && unit < 0xE000) /* half of a pair */
        unit = UTF8_INVALID;
    buf_append(out, bytes, utf8_encode(unit, bytes));
    return ERR_OK;
}

/* Behind a backslash. */
static ErrCode read_escape(PropertiesText *reader, Buf *out, Err *err)
{
    static const char letters[] = "tnrf", meanings[] = "\t\n\r\f";
    const char       *letter;

    if (is_end(reader))
        return ERR_OK;
    if (is_break(peek(reader))) {
        skip_break(reader);
        skip_blanks(reader);
        return ERR_OK;
    }
    if (peek(reader) == 'u') {
        reader->at++;
        return read_unicode(reader, out, err);
    }
    letter = peek(reader) ? strchr(letters, peek(reader)) : NULL;
    buf_put(out, letter ? meanings[letter - letters] : peek(reader));
    reader->at++;
    return ERR_OK;
}

/* --- entries ---------------------------------------------------------------------------------- */

static ErrCode read_name(PropertiesText *reader, Err *err)
{
    while (!is_end(reader) && !is_break(peek(reader))) {
        char c = peek(reader);

        if (c == '=' || c == ':' || is_blank(c))
            break;
        reader->at++;
        if (c == '\\')
            TRY(read_escape(reader, &reader->name, err));
        else
            buf_put(&reader->name, c);
    }
    skip_blanks(reader);
    if (!is_end(reader) && (peek(reader) == '=' || peek(reader) == ':')) {
        reader->at++;
        skip_blanks(reader);
    }
    return ERR_OK;
}

static ErrCode read_value(PropertiesText *reader, Err *err)
{
    size_t len = 0; /* without the blanks at the end */

    while (!is_end(reader) && !is_break(peek(reader))) {
        char c = peek(reader);

        reader->at++;
        if (c == '\\')
            TRY(read_escape(reader, &reader->value, err));
        else
            buf_put(&reader->value, c);
        if (!is_blank(c))
            len = reader->value.len;
    }
    reader->value.len = len;
    return ERR_OK;
}

ErrCode properties_text_next(PropertiesText *reader, Str *name, Str *value, Err *err)
{
    buf_clear(&reader->name);
    buf_clear(&reader->value);
    for (;;) {
        skip_blanks(reader);
        if (is_end(reader)) {
            *name = STR_NULL;
            return ERR_OK;
        }
        if (peek(reader) == '#' || peek(reader) == '!')
            skip_line(reader);
        else if (!is_break(peek(reader)))
            break;
        if (!is_end(reader))
            skip_break(reader);
    }
    reader->line = reader->lines_read + 1;
    TRY(read_name(reader, err));
    TRY(read_value(reader, err));
    *name = buf_view(&reader->name);
    *value = buf_view(&reader->value);
    return ERR_OK;
}
