/*
 * fn_encode.c -- text and bytes in other clothes: ENCODE, TO_BYTES, FROM_BYTES, MD5, UUID, CHR.
 */
#include <sys/random.h>

#include "common/json.h"
#include "common/utf8.h"
#include "exec/functions/fn_table.h"
#include "exec/functions/fn_value.h"
#include "exec/functions/md5.h"

static const char STRING[] = "STRING";
static const char REPLACEMENT[] = "\xef\xbf\xbd";

enum { SHOWN_NAME_MAX = 40, UUID_BYTES = 16, UUID_TEXT_BYTES = 36 };

typedef enum Encoding { ENCODING_HEX, ENCODING_UTF8, ENCODING_ASCII, ENCODING_BASE64 } Encoding;

static ErrCode encoding_of(Value name, Encoding *out, Err *err)
{
    static const char *const names[] = {"hex", "utf8", "ascii", "base64"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (str_eq_nocase(value_as_str(name), str_from(names[i]))) {
            *out = (Encoding)i;
            return ERR_OK;
        }
    }
    return err_set(err, ERR_EVAL, "unknown encoding '%.*s': use hex, utf8, ascii or base64",
                   name.len > SHOWN_NAME_MAX ? SHOWN_NAME_MAX : (int)name.len, name.u.s);
}

/* --- text to bytes ---------------------------------------------------------------------------- */

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

static ErrCode decode_hex(Buf *bytes, Str hex, Err *err)
{
    if (hex.len % 2 != 0)
        return err_set(err, ERR_EVAL, "hex text has an odd number of digits");
    for (size_t i = 0; i < hex.len; i += 2) {
        int high = hex_digit(hex.ptr[i]);
        int low = hex_digit(hex.ptr[i + 1]);

        if (high < 0 || low < 0)
            return err_set(err, ERR_EVAL, "hex text has a character that is no hex digit");
        buf_put(bytes, (char)(high << 4 | low));
    }
    return ERR_OK;
}

static void decode_ascii(Buf *bytes, Str s)
{
    for (size_t at = 0; at < s.len;) {
        uint32_t c = utf8_next(s, &at);

        buf_put(bytes, c < 0x80 ? (char)c : '?');
    }
}

static ErrCode decode(Buf *bytes, Str s, Encoding encoding, Err *err)
{
    switch (encoding) {
    case ENCODING_HEX:
        return decode_hex(bytes, s, err);
    case ENCODING_ASCII:
        decode_ascii(bytes, s);
        return ERR_OK;
    case ENCODING_BASE64:
        if (!base64_decode(bytes, s))
            return err_set(err, ERR_EVAL, "text is not base64");
        return ERR_OK;
    default:
        buf_str(bytes, s);
        return ERR_OK;
    }
}

/* --- bytes to text ---------------------------------------------------------------------------- */

static void encode_hex(Buf *text, Str bytes, const char *digits)
{
    for (size_t i = 0; i < bytes.len; i++) {
        buf_put(text, digits[(uint8_t)bytes.ptr[i] >> 4]);
        buf_put(text, digits[(uint8_t)bytes.ptr[i] & 15]);
    }
}

static void encode_ascii(Buf *text, Str bytes)
{
    for (size_t i = 0; i < bytes.len; i++) {
        if ((uint8_t)bytes.ptr[i] < 0x80)
            buf_put(text, bytes.ptr[i]);
        else
            buf_c(text, REPLACEMENT);
    }
}

static ErrCode encode(const FnCall *call, Str bytes, Encoding encoding, const char *digits,
                      Value *out, Err *err)
{
    Buf text = buf_in(call->mem);

    TRY(fn_check_bytes(bytes.len * 3, err));
    switch (encoding) {
    case ENCODING_HEX:
        encode_hex(&text, bytes, digits);
        break;
    case ENCODING_ASCII:
        encode_ascii(&text, bytes);
        break;
    case ENCODING_BASE64:
        base64_encode(&text, bytes);
        break;
    default:
        return fn_give(out, value_str(utf8_replace_invalid(call->mem, bytes)));
    }
    return fn_give_buf(out, T_STRING, &text);
}

static ErrCode to_bytes(const FnCall *call, const Value *args, Value *out, Err *err)
{
    Encoding encoding = ENCODING_UTF8;
    Buf      bytes = buf_in(call->mem);

    TRY(encoding_of(args[1], &encoding, err));
    TRY(decode(&bytes, value_as_str(args[0]), encoding, err));
    return fn_give_buf(out, T_BYTES, &bytes);
}

static ErrCode from_bytes(const FnCall *call, const Value *args, Value *out, Err *err)
{
    Encoding encoding = ENCODING_UTF8;

    TRY(encoding_of(args[1], &encoding, err));
    return encode(call, value_as_str(args[0]), encoding, "0123456789ABCDEF", out, err);
}

/* --- ENCODE: more lenient about its input ----------------------------------------------------- */

/* 0x1f, X'1F' and x'1f' are hex too; after 0x an odd number of digits gets a leading zero. */
static ErrCode decode_hex_literal(Arena *mem, Buf *bytes, Str s, Err *err)
{
    if (str_starts_nocase(s, STR("x'")) && str_ends(s, STR("'")) && s.len >= 3)
        return decode_hex(bytes, str_slice(s, 2, s.len - 1), err);
    if (!str_starts(s, STR("0x")))
        return decode_hex(bytes, s, err);
    s = str_slice(s, 2, s.len);
    if (s.len % 2 != 0)
        s = str_printf(mem, "0%.*s", STR_ARG(s));
    return decode_hex(bytes, s, err);
}

static int base64_digit(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '+' || c == '-')
        return 62;
    return c == '/' || c == '_' ? 63 : -1;
}

/* Both alphabets; what belongs to neither is skipped; padding ends the text. */
static void decode_base64_lenient(Buf *bytes, Str s)
{
    uint32_t bits = 0;
    int      bits_len = 0;

    for (size_t i = 0; i < s.len && s.ptr[i] != '='; i++) {
        int digit = base64_digit(s.ptr[i]);

        if (digit < 0)
            continue;
        bits = bits << 6 | (uint32_t)digit;
        bits_len += 6;
        if (bits_len >= 8) {
            bits_len -= 8;
            buf_put(bytes, (char)(bits >> bits_len));
        }
    }
}

static ErrCode encode_text(const FnCall *call, const Value *args, Value *out, Err *err)
{
    Encoding from = ENCODING_UTF8;
    Encoding to = ENCODING_UTF8;
    Buf      bytes = buf_in(call->mem);
    Str      s = value_as_str(args[0]);

    TRY(encoding_of(args[1], &from, err));
    TRY(encoding_of(args[2], &to, err));
    if (from == to)
        return err_set(err, ERR_EVAL, "ENCODE needs two different encodings");
    if (from == ENCODING_HEX)
        TRY(decode_hex_literal(call->mem, &bytes, s, err));
    else if (from == ENCODING_BASE64)
        decode_base64_lenient(&bytes, s);
    else
        TRY(decode(&bytes, s, from, err));
    return encode(call, buf_view(&bytes), to, "0123456789abcdef", out, err);
}

/* --- MD5, UUID -------------------------------------------------------------------------------- */

static ErrCode md5_text(const FnCall *call, const Value *args, Value *out, Err *err)
{
    uint8_t digest[MD5_BYTES];
    Buf     text = buf_in(call->mem);

    (void)err;
    md5(value_as_str(args[0]), digest);
    encode_hex(&text, (Str){(const char *)digest, sizeof digest}, "0123456789abcdef");
    return fn_give_buf(out, T_STRING, &text);
}

static ErrCode give_uuid(const FnCall *call, const uint8_t *bytes, Value *out)
{
    Buf text = buf_in(call->mem);

    buf_reserve(&text, UUID_TEXT_BYTES);
    for (size_t i = 0; i < UUID_BYTES; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            buf_put(&text, '-');
        encode_hex(&text, (Str){(const char *)bytes + i, 1}, "0123456789abcdef");
    }
    return fn_give_buf(out, T_STRING, &text);
}

static ErrCode uuid_random(const FnCall *call, const Value *args, Value *out, Err *err)
{
    uint8_t bytes[UUID_BYTES];

    (void)args;
    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
        return err_set(err, ERR_EVAL, "could not read random bytes from the system");
    bytes[6] = (uint8_t)((bytes[6] & 0x0f) | 0x40); /* version 4 */
    bytes[8] = (uint8_t)((bytes[8] & 0x3f) | 0x80); /* variant of RFC 4122 */
    return give_uuid(call, bytes, out);
}

static ErrCode uuid_of_bytes(const FnCall *call, const Value *args, Value *out, Err *err)
{
    (void)err;
    if (args[0].len != UUID_BYTES)
        return fn_give(out, value_null());
    return give_uuid(call, (const uint8_t *)args[0].u.s, out);
}

/* --- CHR -------------------------------------------------------------------------------------- */

static void put_code_point(Buf *text, uint32_t c)
{
    char bytes[4];

    if (c >= 0xD800 && c <= 0xDFFF) /* half of a pair has no UTF-8 form */
        c = UTF8_INVALID;
    buf_append(text, bytes, utf8_encode(c, bytes));
}

static ErrCode chr(const FnCall *call, const Value *args, Value *out, Err *err)
{
    Buf text = buf_in(call->mem);

    (void)err;
    if (args[0].u.i < 0 || args[0].u.i > 0x10FFFF)
        return fn_give(out, value_null());
    put_code_point(&text, (uint32_t)args[0].u.i);
    return fn_give_buf(out, T_STRING, &text);
}

/* \uXXXX at *at (several u are allowed); -1 when there is none. */
static int64_t take_unicode_escape(Str s, size_t *at)
{
    size_t  i = *at;
    int64_t c = 0;

    if (s.len - i < 6 || s.ptr[i] != '\\' || s.ptr[i + 1] != 'u')
        return -1;
    for (i++; i < s.len && s.ptr[i] == 'u'; i++)
        ;
    if (s.len - i < 4)
        return -1;
    for (int digits = 0; digits < 4; digits++, i++) {
        if (hex_digit(s.ptr[i]) < 0)
            return -1;
        c = c << 4 | hex_digit(s.ptr[i]);
    }
    *at = i;
    return c;
}

/* One character or escape of Java source text. */
static void take_java_char(Buf *text, Str s, size_t *at)
{
    static const char escapes[] = "b\bt\tn\nf\fr\r";
    int64_t           c = take_unicode_escape(s, at);

    if (c >= 0xD800 && c <= 0xDBFF) {
        size_t  next = *at;
        int64_t low = take_unicode_escape(s, &next);

        if (low >= 0xDC00 && low <= 0xDFFF) {
            *at = next;
            c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
        }
    }
    if (c >= 0) {
        put_code_point(text, (uint32_t)c);
        return;
    }
    if (s.ptr[*at] == '\\' && *at + 1 < s.len) {
        const char *escape;

        (*at)++;
        for (escape = escapes; *escape; escape += 2) {
            if (*escape == s.ptr[*at])
                break;
        }
        buf_put(text, *escape ? escape[1] : s.ptr[*at]);
        (*at)++;
        return;
    }
    buf_put(text, s.ptr[(*at)++]);
}

static ErrCode chr_of_text(const FnCall *call, const Value *args, Value *out, Err *err)
{
    Str    s = value_as_str(args[0]);
    Buf    text = buf_in(call->mem);
    size_t at = 0;

    (void)err;
    if (s.len < 6 || !str_starts(s, STR("\\u")))
        return fn_give(out, value_null());
    while (at < s.len)
        take_java_char(&text, s, &at);
    return fn_give_buf(out, T_STRING, &text);
}

/* --- the rows --------------------------------------------------------------------------------- */

static const char CHR_DOC[] =
    "The character of a code point, given as a number or as escaped text like \\u00e9; null when "
    "there is no such code point or the text does not begin with an escape.";

const FnDef fn_encode[] = {
    FN("CHR", STRING, "(code_point INT) -> STRING", NULL_IN_NULL_OUT, chr, CHR_DOC,
       "CHR(75) = 'K'"),
    FN("CHR", STRING, "(escaped STRING) -> STRING", NULL_IN_NULL_OUT, chr_of_text, CHR_DOC,
       "CHR('\\u004b') = 'K'"),
    FN("ENCODE", STRING, "(s STRING, input_encoding STRING, output_encoding STRING) -> STRING",
       NULL_IN_NULL_OUT, encode_text,
       "The text read in one encoding and written in another: two different ones of hex, utf8, "
       "ascii and base64. Hex digits may stand behind 0x or in X'...', and come out in lower case. "
       "An unknown encoding, twice the same one, and text that is no hex are errors.",
       "ENCODE('4b', 'hex', 'ascii') = 'K'"),
    FN("FROM_BYTES", STRING, "(b BYTES, encoding STRING) -> STRING", NULL_IN_NULL_OUT, from_bytes,
       "The bytes as text in an encoding: hex (in upper case), utf8, ascii or base64. Another "
       "encoding is an error.",
       "FROM_BYTES(TO_BYTES('weir', 'utf8'), 'hex') = '77656972'"),
    FN("MD5", STRING, "(s STRING) -> STRING", NULL_IN_NULL_OUT, md5_text,
       "The MD5 digest of a text in UTF-8, as hex in lower case.",
       "MD5('') = 'd41d8cd98f00b204e9800998ecf8427e'"),
    FN("TO_BYTES", STRING, "(s STRING, encoding STRING) -> BYTES", NULL_IN_NULL_OUT, to_bytes,
       "The bytes that a text stands for in an encoding: hex, utf8, ascii or base64. Another "
       "encoding is an error, and so is text that is no hex or base64.",
       "TO_BYTES('4b', 'hex') = TO_BYTES('K', 'utf8')"),
    FN("UUID", STRING, "() -> STRING", NULL_IN_NULL_OUT, uuid_random, "A random UUID.",
       "LEN(UUID()) = 36", .flags = FN_VOLATILE),
    FN("UUID", STRING, "(b BYTES) -> STRING", NULL_IN_NULL_OUT, uuid_of_bytes,
       "The text of a UUID given as 16 bytes; null for any other number of bytes.",
       "UUID(TO_BYTES('000102030405060708090a0b0c0d0e0f', 'hex')) = "
       "'00010203-0405-0607-0809-0a0b0c0d0e0f'"),
    {.name = NULL},
};
