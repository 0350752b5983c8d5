/*
 * format_delimited.c -- DELIMITED: one line of RFC 4180 text per record, columns by position.
 *
 * Reading takes the first line that is not empty; a field is quoted only when it begins with a
 * quote.  An empty field is null, quoted or not.  There must be exactly as many fields as columns.
 *
 * Writing quotes where ksqlDB does, because consumers compare the text: a field with a delimiter,
 * quote or line break; one that begins at or below '#' or ends at or below ' '; and, first in the
 * line, one that is empty or does not begin with an ASCII letter or digit (so -1 is "-1" there).
 */
#include "exec/formats/formats.h"

#include "common/datetime.h"
#include "common/decimal.h"
#include "common/json.h"
#include "common/utf8.h"

static const int64_t DATE_DAYS_MAX = INT64_MAX / MS_PER_DAY;

/* More text than any number of SQL has. */
enum { DECIMAL_TEXT_MAX = 4000 };

typedef struct DelimitedDecoder {
    Decoder       base; /* must be first */
    const Column *cols;
    bool         *is_wanted;
    uint32_t      len;
    char          delimiter;
} DelimitedDecoder;

typedef struct DelimitedEncoder {
    Encoder       base; /* must be first */
    const Column *cols;
    uint32_t      len;
    char          delimiter;
} DelimitedEncoder;

/* --- reading ---------------------------------------------------------------------------------- */

typedef struct DelimitedIn {
    Str    text;
    size_t at;
    char   delimiter;
    bool   is_done; /* the line's last field was read */
    Arena *mem;
    Err   *err;
} DelimitedIn;

static bool is_line_end(char c)
{
    return c == '\n' || c == '\r';
}

/* Moves past what ends a field; false when something else stands there. */
static bool end_field(DelimitedIn *in)
{
    if (in->at == in->text.len || is_line_end(in->text.ptr[in->at])) {
        in->is_done = true;
        return true;
    }
    if (in->text.ptr[in->at] != in->delimiter)
        return false;
    in->at++;
    return true;
}

/* The text between quotes, doubled ones made single. */
static Str unquote(Arena *mem, Str raw)
{
    char  *out;
    size_t len = 0;

    if (!memchr(raw.ptr, '"', raw.len))
        return raw;
    out = arena_bytes(mem, raw.len);
    for (size_t i = 0; i < raw.len; i++) {
        out[len++] = raw.ptr[i];
        if (raw.ptr[i] == '"')
            i++;
    }
    return (Str){out, len};
}

/* Offset of the quote that closes the field begun before from, or the text's length. */
static size_t closing_quote(Str text, size_t from)
{
    for (size_t i = from; i < text.len; i++) {
        if (text.ptr[i] != '"')
            continue;
        if (i + 1 == text.len || text.ptr[i + 1] != '"')
            return i;
        i++; /* a doubled one */
    }
    return text.len;
}

static ErrCode next_quoted(DelimitedIn *in, Str *out)
{
    size_t from = in->at + 1;
    size_t to = closing_quote(in->text, from);

    if (to == in->text.len)
        return err_set(in->err, ERR_DESERIALIZE,
                       "malformed DELIMITED: no closing quote for the one at byte %zu", from - 1);
    *out = unquote(in->mem, str_slice(in->text, from, to));
    for (in->at = to + 1; !end_field(in); in->at++) {
        if (in->text.ptr[in->at] != ' ' && in->text.ptr[in->at] != '\t')
            return err_set(in->err, ERR_DESERIALIZE,
                           "malformed DELIMITED at byte %zu: text behind a closing quote", in->at);
    }
    return ERR_OK;
}

static ErrCode next_field(DelimitedIn *in, Str *out)
{
    size_t from = in->at;

    if (in->at < in->text.len && in->text.ptr[in->at] == '"')
        return next_quoted(in, out);
    while (in->at < in->text.len && in->text.ptr[in->at] != in->delimiter &&
           !is_line_end(in->text.ptr[in->at]))
        in->at++;
    *out = str_slice(in->text, from, in->at);
    end_field(in);
    return ERR_OK;
}

static ErrCode bad_field(DelimitedIn *in, const Column *col, Str text, const char *why)
{
    return err_set(in->err, ERR_DESERIALIZE,
                   "column \"%.*s\": cannot read '%.*s%s' before byte %zu as %s: %s",
                   STR_ARG(col->name), (int)(text.len > 60 ? 60 : text.len), text.ptr,
                   text.len > 60 ? "..." : "", in->at, type_kind_name(col->type->kind), why);
}

static ErrCode read_integer(DelimitedIn *in, const Column *col, Str text, Value *out)
{
    TypeKind kind = col->type->kind;
    int64_t  i;

    if (!str_to_i64(text, &i))
        return bad_field(in, col, text, "no integer");
    if ((kind == T_INT && (i < INT32_MIN || i > INT32_MAX)) ||
        (kind == T_TIME && (i < 0 || i >= MS_PER_DAY)) ||
        (kind == T_DATE && (i < -DATE_DAYS_MAX || i > DATE_DAYS_MAX)))
        return bad_field(in, col, text, "out of range");
    *out = value_time(kind, i); /* INT and BIGINT are laid out alike */
    return ERR_OK;
}

static ErrCode read_decimal(DelimitedIn *in, const Column *col, Str text, Value *out)
{
    Value v;

    if (text.len > DECIMAL_TEXT_MAX || !decimal_parse(in->mem, text, &v))
        return bad_field(in, col, text, "no decimal number");
    if (decimal_fit(in->mem, v, col->type, DECIMAL_ROUND_NONE, out, in->err) != ERR_OK) {
        in->err->code = ERR_DESERIALIZE;
        err_wrap(in->err, "column \"%.*s\"", STR_ARG(col->name));
        return ERR_DESERIALIZE;
    }
    return ERR_OK;
}

static ErrCode read_value(DelimitedIn *in, const Column *col, Str text, Value *out)
{
    Buf bytes;

    if (text.len == 0) {
        *out = value_null();
        return ERR_OK;
    }
    switch (col->type->kind) {
    case T_STRING:
        if (!utf8_is_valid(text))
            return bad_field(in, col, STR("..."), "invalid UTF-8");
        *out = value_str(text);
        return ERR_OK;
    case T_BOOLEAN:
        *out = value_bool(str_eq_nocase(text, STR("true")));
        return ERR_OK;
    case T_DOUBLE:
        *out = value_double(0);
        return format_parse_double(text, &out->u.d) ? ERR_OK
                                                    : bad_field(in, col, text, "no number");
    case T_DECIMAL:
        return read_decimal(in, col, text, out);
    case T_BYTES:
        bytes = buf_in(in->mem);
        if (!base64_decode(&bytes, text))
            return bad_field(in, col, text, "no base64");
        *out = value_bytes(buf_view(&bytes));
        return ERR_OK;
    default:
        return read_integer(in, col, text, out);
    }
}

static ErrCode delimited_decode(Decoder *base, Str bytes, Value *out, Arena *batch_mem,
                                bool *is_null, Err *err)
{
    const DelimitedDecoder *self = (const DelimitedDecoder *)base;
    DelimitedIn in = {.text = bytes, .delimiter = self->delimiter, .mem = batch_mem, .err = err};
    uint32_t    count = 0;

    *is_null = false;
    if (self->len == 0)
        return ERR_OK;
    while (in.at < bytes.len && is_line_end(bytes.ptr[in.at]))
        in.at++;
    if (in.at == bytes.len)
        return err_set(err, ERR_DESERIALIZE, "cannot read DELIMITED: the record is empty");
    for (; !in.is_done; count++) {
        Value v;
        Str   text = STR_NULL;

        TRY(next_field(&in, &text));
        if (count >= self->len)
            continue; /* counted for the message */
        TRY(read_value(&in, &self->cols[count], text, &v));
        if (self->is_wanted[count])
            out[count] = v;
    }
    if (count != self->len)
        return err_set(err, ERR_DESERIALIZE, "cannot read DELIMITED: %u fields, expected %u", count,
                       self->len);
    return ERR_OK;
}

/* --- writing ---------------------------------------------------------------------------------- */

static bool is_alnum_ascii(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool needs_quotes(Str text, char delimiter, bool is_first)
{
    if (text.len == 0)
        return is_first;
    if (is_first && !is_alnum_ascii(text.ptr[0]))
        return true;
    if ((unsigned char)text.ptr[0] <= '#' || (unsigned char)text.ptr[text.len - 1] <= ' ')
        return true;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];

        if (c == delimiter || c == '"' || is_line_end(c))
            return true;
    }
    return false;
}

/* Quotes what stands in out from byte from on, in place. */
static void quote(Buf *out, size_t from)
{
    size_t len = out->len - from;
    size_t quotes = 2;
    char  *text, *to;

    for (size_t i = 0; i < len; i++)
        quotes += out->ptr[from + i] == '"';
    buf_reserve(out, quotes);
    text = out->ptr + from;
    to = text + len + quotes;
    out->len += quotes;
    *--to = '"';
    for (size_t i = len; i > 0; i--) {
        *--to = text[i - 1];
        if (*to == '"')
            *--to = '"';
    }
    *--to = '"';
}

static void write_value(Buf *out, Value v)
{
    switch ((TypeKind)v.kind) {
    case T_STRING:
        buf_str(out, value_as_str(v));
        return;
    case T_BOOLEAN:
        buf_c(out, v.u.b ? "true" : "false");
        return;
    case T_DOUBLE:
        value_print_double(out, v.u.d);
        return;
    case T_DECIMAL:
        decimal_print(out, v);
        return;
    case T_BYTES:
        base64_encode(out, value_as_str(v));
        return;
    default:
        buf_i64(out, v.u.i);
        return;
    }
}

static ErrCode delimited_encode(Encoder *base, const Value *cols, Buf *out, bool *is_null, Err *err)
{
    const DelimitedEncoder *self = (const DelimitedEncoder *)base;

    (void)err;
    *is_null = self->len == 0 || (self->len == 1 && value_is_null(cols[0]));
    if (*is_null)
        return ERR_OK;
    for (uint32_t i = 0; i < self->len; i++) {
        size_t from;

        if (i > 0)
            buf_put(out, self->delimiter);
        if (value_is_null(cols[i]))
            continue;
        from = out->len;
        write_value(out, cols[i]);
        if (needs_quotes((Str){out->ptr + from, out->len - from}, self->delimiter, i == 0))
            quote(out, from);
    }
    return ERR_OK;
}

/* --- opening ---------------------------------------------------------------------------------- */

static ErrCode delimited_check(const FormatSide *side, Err *err)
{
    for (uint32_t i = 0; i < side->len; i++) {
        if (type_is_nested(side->cols[i].type))
            return err_set(err, ERR_STATEMENT,
                           "format DELIMITED cannot hold column \"%.*s\" of type %s",
                           STR_ARG(side->cols[i].name), type_kind_name(side->cols[i].type->kind));
    }
    return ERR_OK;
}

static char delimiter_of(const FormatSide *side)
{
    return side->spec.delimiter ? side->spec.delimiter : ',';
}

static ErrCode delimited_decoder_open(Arena *query_mem, const FormatSide *side,
                                      const bool *is_wanted, Decoder **out, Err *err)
{
    DelimitedDecoder *self = ARENA_NEW(query_mem, DelimitedDecoder);

    TRY(delimited_check(side, err));
    self->base.run = delimited_decode;
    self->cols = side->cols;
    self->len = side->len;
    self->delimiter = delimiter_of(side);
    self->is_wanted = ARENA_ARRAY(query_mem, bool, side->len);
    for (uint32_t i = 0; i < side->len; i++)
        self->is_wanted[i] = format_is_wanted(is_wanted, i);
    *out = &self->base;
    return ERR_OK;
}

static ErrCode delimited_encoder_open(Arena *query_mem, const FormatSide *side, Encoder **out,
                                      Err *err)
{
    DelimitedEncoder *self = ARENA_NEW(query_mem, DelimitedEncoder);

    TRY(delimited_check(side, err));
    self->base.run = delimited_encode;
    self->cols = side->cols;
    self->len = side->len;
    self->delimiter = delimiter_of(side);
    *out = &self->base;
    return ERR_OK;
}

const FormatClass format_delimited_class = {delimited_decoder_open, delimited_encoder_open};
