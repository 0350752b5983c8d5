/*
 * json_scalar.c -- scalar values out of JSON, with the coercions of the JSON format.
 *
 * Integers take any number (its fraction is cut off, an overflow wraps) and text of an integer;
 * STRING takes anything; BOOLEAN only true and false; a DECIMAL must fit without rounding.
 */
#include <math.h>

#include "common/datetime.h"
#include "common/decimal.h"
#include "exec/formats/formats.h"
#include "exec/formats/json_codec.h"

/* More digits than any number of SQL has. */
enum { EXPONENT_MAX = 2000 };

static const int64_t DATE_DAYS_MAX = INT64_MAX / MS_PER_DAY;

/* --- errors of reading ------------------------------------------------------------------------ */

size_t json_byte_of(const JsonIn *in)
{
    return (size_t)(in->scan.at - in->scan.begin);
}

ErrCode json_malformed(JsonIn *in)
{
    return err_set(in->err, ERR_DESERIALIZE, "malformed JSON at byte %zu: %s", json_byte_of(in),
                   in->scan.why ? in->scan.why : "unexpected text");
}

ErrCode json_mismatch(JsonIn *in, const JsonCodec *codec, JsonKind found)
{
    static const char *const names[] = {
        [JSON_ERROR] = "nothing",  [JSON_NULL] = "null",       [JSON_FALSE] = "a boolean",
        [JSON_TRUE] = "a boolean", [JSON_NUMBER] = "a number", [JSON_STRING] = "a string",
        [JSON_ARRAY] = "an array", [JSON_OBJECT] = "an object"};

    return err_set(in->err, ERR_DESERIALIZE, "cannot read %s at byte %zu as %s", names[found],
                   json_byte_of(in), type_kind_name(codec->kind));
}

/* The value that ends here is of the right kind but means nothing for the type. */
static ErrCode bad_value(JsonIn *in, const JsonCodec *codec, Str text, const char *why)
{
    return err_set(in->err, ERR_DESERIALIZE, "cannot read '%.*s%s' before byte %zu as %s: %s",
                   (int)(text.len > 60 ? 60 : text.len), text.len ? text.ptr : "",
                   text.len > 60 ? "..." : "", json_byte_of(in), type_kind_name(codec->kind), why);
}

/* --- reading scalars -------------------------------------------------------------------------- */

static ErrCode read_text(JsonIn *in, Str *out)
{
    bool has_escape;

    if (!json_string(&in->scan, out, &has_escape))
        return json_malformed(in);
    if (has_escape)
        *out = json_unescape(in->mem, *out);
    return ERR_OK;
}

/*
 * The integer part of a JSON number, modulo 2^64, as Java's BigDecimal.longValue() gives it.
 * False when the number has more digits than any SQL number (1e400 digits are an attack, not data).
 */
static bool number_to_i64(Str text, int64_t *out)
{
    size_t   i = text.ptr[0] == '-';
    size_t   digits = 0, int_digits;
    uint64_t v = 0;
    int64_t  exponent = 0, left;

    for (int_digits = 0; i + int_digits < text.len; int_digits++)
        if (text.ptr[i + int_digits] < '0' || text.ptr[i + int_digits] > '9')
            break;
    for (size_t e = i + int_digits; e < text.len; e++) {
        bool is_negative;

        if (text.ptr[e] != 'e' && text.ptr[e] != 'E')
            continue;
        is_negative = text.ptr[e + 1] == '-';
        for (e += is_negative || text.ptr[e + 1] == '+' ? 2 : 1; e < text.len; e++)
            if (exponent <= EXPONENT_MAX)
                exponent = exponent * 10 + (text.ptr[e] - '0');
        exponent = is_negative ? -exponent : exponent;
    }
    left = (int64_t)int_digits + exponent;
    if (left > EXPONENT_MAX)
        return false;
    for (; i < text.len && left > 0; i++) {
        if (text.ptr[i] == '.')
            continue;
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            break;
        v = v * 10 + (uint64_t)(text.ptr[i] - '0');
        left--;
        digits++;
    }
    for (; left > 0 && digits > 0 && v != 0; left--)
        v *= 10;
    *out = (int64_t)(text.ptr[0] == '-' ? 0 - v : v);
    return true;
}

/* A JSON integer of up to 18 digits; the common case of number_to_i64(). */
static bool short_integer(Str text, int64_t *out)
{
    bool    is_negative = text.ptr[0] == '-';
    int64_t v = 0;

    if (text.len > 18)
        return false;
    for (size_t i = is_negative; i < text.len; i++)
        v = v * 10 + (text.ptr[i] - '0');
    *out = is_negative ? -v : v;
    return true;
}

static ErrCode integer_fit(JsonIn *in, const JsonCodec *codec, Str text, int64_t i, Value *out)
{
    switch (codec->kind) {
    case T_INT:
        *out = value_int((int32_t)(uint32_t)(uint64_t)i); /* wraps, as Java's intValue() */
        return ERR_OK;
    case T_BIGINT:
        *out = value_bigint(i);
        return ERR_OK;
    case T_DATE:
        if (i < -DATE_DAYS_MAX || i > DATE_DAYS_MAX)
            return bad_value(in, codec, text, "days since 1970-01-01 out of range");
        break;
    case T_TIME:
        if (i < 0 || i >= MS_PER_DAY)
            return bad_value(in, codec, text, "milliseconds since midnight out of range");
        break;
    default:
        break;
    }
    *out = value_time(codec->kind, i);
    return ERR_OK;
}

static ErrCode date_of_text(const JsonCodec *codec, Str text, int64_t *out)
{
    Err unused;

    if (codec->kind == T_DATE)
        return datetime_parse_date(text, out, &unused);
    if (codec->kind == T_TIME)
        return datetime_parse_time(text, out, &unused);
    return datetime_parse_timestamp(text, out, &unused);
}

static ErrCode integer_of_text(JsonIn *in, const JsonCodec *codec, Str text, Value *out)
{
    bool    is_date = codec->kind != T_INT && codec->kind != T_BIGINT;
    int64_t i = 0;

    if (!str_to_i64(text, &i)) {
        if (!is_date || !codec->is_lenient || date_of_text(codec, text, &i) != ERR_OK)
            return bad_value(in, codec, text, "no integer");
    }
    if (codec->kind == T_INT && (i < INT32_MIN || i > INT32_MAX))
        return bad_value(in, codec, text, "out of range");
    return integer_fit(in, codec, text, i, out);
}

static ErrCode read_integer(JsonIn *in, const JsonCodec *codec, JsonKind found, Value *out)
{
    Str     text;
    bool    is_integer;
    int64_t i = 0;

    if (found == JSON_STRING) {
        TRY(read_text(in, &text));
        return integer_of_text(in, codec, text, out);
    }
    if (found != JSON_NUMBER)
        return json_mismatch(in, codec, found);
    if (!json_number(&in->scan, &text, &is_integer))
        return json_malformed(in);
    if (!(is_integer && short_integer(text, &i)) && !number_to_i64(text, &i))
        return bad_value(in, codec, text, "out of range");
    return integer_fit(in, codec, text, i, out);
}

static ErrCode double_of_text(JsonIn *in, const JsonCodec *codec, Str text, Value *out)
{
    double d;

    if (!format_parse_double(text, &d))
        return bad_value(in, codec, text, "no number");
    *out = value_double(d);
    return ERR_OK;
}

static ErrCode read_double(JsonIn *in, const JsonCodec *codec, JsonKind found, Value *out)
{
    Str     text;
    bool    is_integer;
    int64_t i;

    if (found == JSON_STRING) {
        TRY(read_text(in, &text));
        return double_of_text(in, codec, text, out);
    }
    if (found != JSON_NUMBER)
        return json_mismatch(in, codec, found);
    if (!json_number(&in->scan, &text, &is_integer))
        return json_malformed(in);
    if (is_integer && text.len <= 15 && text.ptr[0] != '-' && short_integer(text, &i)) {
        *out = value_double((double)i);
        return ERR_OK;
    }
    TRY(double_of_text(in, codec, text, out));
    if (isinf(out->u.d))
        return bad_value(in, codec, text, "out of range");
    return ERR_OK;
}

static ErrCode decimal_of_text(JsonIn *in, const JsonCodec *codec, Str text, Value *out)
{
    int64_t unused;
    Value   v;

    /* An exponent of a billion must not become a billion digits; other text is decimal_parse's. */
    if (text.len > 0 && text.ptr[0] != '+' && !number_to_i64(text, &unused))
        return bad_value(in, codec, text, "out of range");
    if (text.len > (size_t)EXPONENT_MAX * 2 || !decimal_parse(in->mem, text, &v))
        return bad_value(in, codec, text, "no decimal number");
    if (decimal_fit(in->mem, v, codec->type, DECIMAL_ROUND_NONE, out, in->err) != ERR_OK) {
        in->err->code = ERR_DESERIALIZE;
        err_wrap(in->err, "cannot read a DECIMAL before byte %zu", json_byte_of(in));
        return ERR_DESERIALIZE;
    }
    return ERR_OK;
}

static ErrCode read_decimal(JsonIn *in, const JsonCodec *codec, JsonKind found, Value *out)
{
    Str  text;
    bool is_integer;

    if (found == JSON_STRING)
        TRY(read_text(in, &text));
    else if (found != JSON_NUMBER)
        return json_mismatch(in, codec, found);
    else if (!json_number(&in->scan, &text, &is_integer))
        return json_malformed(in);
    return decimal_of_text(in, codec, text, out);
}

/* An array as text is its elements' text between brackets; an object is compact JSON. */
static void print_as_text(Buf *out, const Json *json)
{
    switch (json->kind) {
    case JSON_STRING:
        buf_str(out, json->text);
        break;
    case JSON_ARRAY:
        buf_put(out, '[');
        for (size_t i = 0; i < json->len; i++) {
            if (i > 0)
                buf_c(out, ", ");
            print_as_text(out, json->u.items[i]);
        }
        buf_put(out, ']');
        break;
    default:
        json_print(out, json);
        break;
    }
}

static ErrCode read_string(JsonIn *in, JsonKind found, Value *out)
{
    Str   text;
    bool  is_integer;
    Json *json;
    Buf   buf;

    switch (found) {
    case JSON_STRING:
        TRY(read_text(in, &text));
        break;
    case JSON_NUMBER:
        if (!json_number(&in->scan, &text, &is_integer))
            return json_malformed(in);
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        if (!json_word(&in->scan))
            return json_malformed(in);
        text = found == JSON_TRUE ? STR("true") : STR("false");
        break;
    default:
        if (!json_skip(&in->scan, &text))
            return json_malformed(in);
        TRY(json_parse(in->mem, text, &json, in->err));
        buf = buf_in(in->mem);
        print_as_text(&buf, json);
        text = buf_view(&buf);
        break;
    }
    *out = value_str(text);
    return ERR_OK;
}

static ErrCode bytes_of_text(JsonIn *in, const JsonCodec *codec, Str text, Value *out)
{
    Buf bytes = buf_in(in->mem);

    if (!base64_decode(&bytes, text))
        return bad_value(in, codec, text, "no base64");
    *out = value_bytes(buf_view(&bytes));
    return ERR_OK;
}

ErrCode json_scalar_of_text(JsonIn *in, const JsonCodec *codec, Str text, Value *out)
{
    switch (codec->kind) {
    case T_STRING:
        *out = value_str(text);
        return ERR_OK;
    case T_BOOLEAN:
        if (!str_eq_nocase(text, STR("true")) && !str_eq_nocase(text, STR("false")))
            return bad_value(in, codec, text, "neither true nor false");
        *out = value_bool(str_eq_nocase(text, STR("true")));
        return ERR_OK;
    case T_DOUBLE:
        return double_of_text(in, codec, text, out);
    case T_DECIMAL:
        return decimal_of_text(in, codec, text, out);
    case T_BYTES:
        return bytes_of_text(in, codec, text, out);
    case T_INT:
    case T_BIGINT:
    case T_DATE:
    case T_TIME:
    case T_TIMESTAMP:
        return integer_of_text(in, codec, text, out);
    default:
        return bad_value(in, codec, text, "no key of a JSON object");
    }
}

static ErrCode read_boolean(JsonIn *in, const JsonCodec *codec, JsonKind found, Value *out)
{
    if (found != JSON_TRUE && found != JSON_FALSE)
        return json_mismatch(in, codec, found);
    if (!json_word(&in->scan))
        return json_malformed(in);
    *out = value_bool(found == JSON_TRUE);
    return ERR_OK;
}

static ErrCode read_bytes(JsonIn *in, const JsonCodec *codec, JsonKind found, Value *out)
{
    Str text;

    if (found != JSON_STRING)
        return json_mismatch(in, codec, found);
    TRY(read_text(in, &text));
    return bytes_of_text(in, codec, text, out);
}

ErrCode json_scalar_read(JsonIn *in, const JsonCodec *codec, JsonKind found, Value *out)
{
    switch (codec->kind) {
    case T_STRING:
        return read_string(in, found, out);
    case T_INT:
    case T_BIGINT:
    case T_DATE:
    case T_TIME:
    case T_TIMESTAMP:
        return read_integer(in, codec, found, out);
    case T_DOUBLE:
        return read_double(in, codec, found, out);
    case T_BOOLEAN:
        return read_boolean(in, codec, found, out);
    case T_DECIMAL:
        return read_decimal(in, codec, found, out);
    case T_BYTES:
        return read_bytes(in, codec, found, out);
    default:
        return json_mismatch(in, codec, found);
    }
}
