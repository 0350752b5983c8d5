/*
 * value_encode.c -- Weir's own encodings of values.
 *
 * Compact form (value_encode), one head byte or length first:
 *
 *   BOOLEAN                 0 null, 1 false, 2 true
 *   integers, date and time 0 null; 1 + n: n bytes follow, little-endian, of the zig-zag value;
 *                           INT_INLINE + x: the zig-zag value x itself
 *   DOUBLE                  0 null, 1 and eight bytes
 *   STRING BYTES            varint: 0 null, else length + 1; the bytes
 *   DECIMAL                 0 null; 1 varint, the unscaled value at the type's scale; 2 the same
 *                           after an explicit scale; 3 scale, length, two's complement bytes
 *   ARRAY MAP               varint: 0 null, else length + 1; the members
 *   STRUCT                  0 null, 1 and the fields
 *
 * Key form (value_encode_key): memcmp order is value order, so nothing has a length in front.
 *
 *   null                    0; every other value begins with a larger byte
 *   BOOLEAN                 1 false, 2 true
 *   integers, date and time 1, eight bytes big-endian with the sign bit turned
 *   DOUBLE                  1, the same of the bits, all turned when negative; one NaN, one zero
 *   STRING BYTES            1, the bytes with 0 written 0 255, end 0 0
 *   DECIMAL                 1 negative, 2 zero, 3 positive; exponent of the first digit; digits in
 *                           pairs, each + 1, without trailing zeros, end 0; negative: all turned
 *   ARRAY                   1, each element after a 1, end 0
 *   MAP                     as an array of key and value, sorted: equal maps have equal bytes
 *   STRUCT                  1, the fields
 *
 * Readers trust nothing: lengths are checked against the bytes that are left before memory is
 * taken for them, so that hostile bytes can ask for sixteen times their own size at most.
 */
#include "common/value.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "common/decimal.h"
#include "common/limit.h"
#include "common/utf8.h"

enum {
    INT_BYTES_MAX = 8,
    INT_INLINE = 16, /* 1 + INT_BYTES_MAX lies below it */
    DECIMAL_AT_SCALE = 1,
    DECIMAL_WITH_SCALE = 2,
    DECIMAL_BIG = 3,
    KEY_NULL = 0,
    KEY_PRESENT = 1,
    KEY_END = 0,
    KEY_ESCAPE = 0xff,
    KEY_NEGATIVE = 1,
    KEY_ZERO = 2,
    KEY_POSITIVE = 3,
    KEY_EXPONENT_BYTES = 3,
    KEY_EXPONENT_BIAS = 1 << 23,
    KEY_DIGITS_MAX = UINT16_MAX,
    I64_TEXT_MAX = 24,
};

#define SIGN_BIT (UINT64_C(1) << 63)

static bool is_int_kind(TypeKind kind)
{
    return kind == T_INT || kind == T_BIGINT || kind == T_DATE || kind == T_TIME ||
           kind == T_TIMESTAMP;
}

/* --- compact: writing ------------------------------------------------------------------------- */

static void encode_int(Buf *out, int64_t i)
{
    uint64_t zigzag = (uint64_t)i << 1 ^ (i < 0 ? UINT64_MAX : 0);
    int      bytes;

    buf_reserve(out, 1 + INT_BYTES_MAX);
    if (zigzag < 256 - INT_INLINE) {
        out->ptr[out->len++] = (char)(INT_INLINE + zigzag);
        return;
    }
    bytes = (71 - __builtin_clzll(zigzag)) / 8;
    out->ptr[out->len++] = (char)(1 + bytes);
    for (int at = 0; at < bytes; at++)
        out->ptr[out->len++] = (char)(zigzag >> (8 * at));
}

static void encode_decimal(Buf *out, Value v, const Type *type)
{
    if (v.len > 0) {
        buf_put(out, DECIMAL_BIG);
        buf_varint(out, v.scale);
        buf_varint(out, v.len);
        buf_str(out, value_as_str(v));
        return;
    }
    if (v.scale == type->scale) {
        buf_put(out, DECIMAL_AT_SCALE);
    } else {
        buf_put(out, DECIMAL_WITH_SCALE);
        buf_varint(out, v.scale);
    }
    buf_varint_s(out, v.u.i);
}

static void encode_items(Buf *out, Value v, const Type *type)
{
    switch (type->kind) {
    case T_ARRAY:
        buf_varint(out, (uint64_t)v.len + 1);
        for (uint32_t i = 0; i < v.len; i++)
            value_encode(out, v.u.items[i], type->elem);
        break;
    case T_MAP:
        buf_varint(out, (uint64_t)v.len + 1);
        for (uint32_t i = 0; i < v.len; i++) {
            value_encode(out, v.u.items[2 * i], type->key);
            value_encode(out, v.u.items[2 * i + 1], type->elem);
        }
        break;
    default:
        assert(type->kind == T_STRUCT && v.len == type->fields_len);
        buf_put(out, 1);
        for (uint32_t i = 0; i < v.len; i++)
            value_encode(out, v.u.items[i], type->fields[i].type);
        break;
    }
}

void value_encode(Buf *out, Value v, const Type *type)
{
    if (value_is_null(v)) {
        buf_put(out, 0);
        return;
    }
    assert(v.kind == type->kind);
    switch (type->kind) {
    case T_BOOLEAN:
        buf_put(out, v.u.b ? 2 : 1);
        break;
    case T_INT:
    case T_BIGINT:
    case T_DATE:
    case T_TIME:
    case T_TIMESTAMP:
        encode_int(out, v.u.i);
        break;
    case T_DOUBLE:
        buf_put(out, 1);
        buf_u64be(out, v.u.bits);
        break;
    case T_DECIMAL:
        encode_decimal(out, v, type);
        break;
    case T_STRING:
    case T_BYTES:
        buf_varint(out, (uint64_t)v.len + 1);
        buf_str(out, value_as_str(v));
        break;
    default:
        encode_items(out, v, type);
        break;
    }
}

/* --- compact: reading ------------------------------------------------------------------------- */

static size_t bytes_left(const BufReader *in)
{
    return (size_t)(in->end - in->ptr);
}

static bool decode_int(BufReader *in, TypeKind kind, unsigned head, Value *out)
{
    uint64_t zigzag = 0;

    if (head >= INT_INLINE) {
        zigzag = head - INT_INLINE;
    } else {
        unsigned bytes = head - 1;

        if (bytes == 0 || bytes > INT_BYTES_MAX || bytes > bytes_left(in))
            return false;
        for (unsigned at = 0; at < bytes; at++)
            zigzag |= (uint64_t)in->ptr[at] << (8 * at);
        in->ptr += bytes;
    }
    *out = value_time(kind, (int64_t)(zigzag >> 1 ^ (0 - (zigzag & 1))));
    return kind != T_INT || (out->u.i >= INT32_MIN && out->u.i <= INT32_MAX);
}

static bool decode_decimal(BufReader *in, const Type *type, unsigned head, Value *out)
{
    uint64_t scale = type->scale;

    if (head > DECIMAL_BIG)
        return false;
    if (head != DECIMAL_AT_SCALE)
        scale = buf_read_varint(in);
    if (scale > UINT16_MAX)
        return false;
    if (head == DECIMAL_BIG) {
        uint64_t len = buf_read_varint(in);
        Str      bytes = buf_read_bytes(in, len > bytes_left(in) ? SIZE_MAX : (size_t)len);

        /* Whatever fits 64 bits has another form; a byte that repeats the sign has none. */
        if (!in->ok || bytes.len <= sizeof(int64_t) || bytes.len > UINT32_MAX)
            return false;
        if ((bytes.ptr[0] == 0 && !((unsigned char)bytes.ptr[1] & 0x80)) ||
            ((unsigned char)bytes.ptr[0] == 0xff && (unsigned char)bytes.ptr[1] & 0x80))
            return false;
        *out = (Value){.kind = T_DECIMAL,
                       .scale = (uint16_t)scale,
                       .len = (uint32_t)bytes.len,
                       .u.s = bytes.ptr};
        return true;
    }
    *out = decimal_from_i64(buf_read_varint_s(in), (uint16_t)scale);
    return in->ok;
}

/* A length written plus one; every member takes a byte at least. */
static bool decode_len(BufReader *in, size_t members, bool *is_null, size_t *len)
{
    uint64_t head = buf_read_varint(in);

    *is_null = head == 0;
    *len = head ? (size_t)(head - 1) : 0;
    return in->ok && head <= UINT32_MAX && *len <= bytes_left(in) / members;
}

static bool decode_value(BufReader *in, const Type *type, Arena *arena, int64_t depth, Value *out);

static bool decode_text(BufReader *in, TypeKind kind, Value *out)
{
    bool   is_null;
    size_t len;
    Str    bytes;

    if (!decode_len(in, 1, &is_null, &len))
        return false;
    bytes = buf_read_bytes(in, len);
    if (is_null)
        *out = value_null();
    else
        *out = kind == T_STRING ? value_str(bytes) : value_bytes(bytes);
    return kind != T_STRING || utf8_is_valid(bytes);
}

/* len items, of the two types in turn. */
static bool decode_members(BufReader *in, const Type *first, const Type *second, size_t len,
                           Arena *arena, int64_t depth, const Value **out)
{
    Value *items = arena_alloc(arena, len * sizeof *items);

    for (size_t i = 0; i < len; i++) {
        if (!decode_value(in, i % 2 ? second : first, arena, depth, &items[i]))
            return false;
    }
    *out = items;
    return true;
}

static bool decode_list(BufReader *in, const Type *type, Arena *arena, int64_t depth, Value *out)
{
    size_t       members = type->kind == T_MAP ? 2 : 1;
    const Value *items = NULL;
    bool         is_null;
    size_t       len;

    if (!decode_len(in, members, &is_null, &len))
        return false;
    if (is_null) {
        *out = value_null();
        return true;
    }
    if (!decode_members(in, type->kind == T_MAP ? type->key : type->elem, type->elem, len * members,
                        arena, depth, &items))
        return false;
    *out = value_items(type->kind, items, len);
    return true;
}

static bool decode_struct(BufReader *in, const Type *type, Arena *arena, int64_t depth, Value *out)
{
    Value *items;

    /* Every field takes a byte at least. */
    if (type->fields_len > bytes_left(in))
        return false;
    items = arena_alloc(arena, type->fields_len * sizeof *items);
    for (uint32_t i = 0; i < type->fields_len; i++) {
        if (!decode_value(in, type->fields[i].type, arena, depth, &items[i]))
            return false;
    }
    *out = value_items(T_STRUCT, items, type->fields_len);
    return true;
}

/* Those that begin with a head byte. */
static bool decode_headed(BufReader *in, const Type *type, Arena *arena, int64_t depth, Value *out)
{
    unsigned head = buf_read_u8(in);

    if (!in->ok)
        return false;
    if (head == 0) {
        *out = value_null();
        return true;
    }
    if (is_int_kind(type->kind))
        return decode_int(in, type->kind, head, out);
    switch (type->kind) {
    case T_BOOLEAN:
        *out = value_bool(head == 2);
        return head <= 2;
    case T_DOUBLE:
        *out = value_double(0);
        out->u.bits = buf_read_u64be(in);
        return head == 1 && in->ok;
    case T_DECIMAL:
        return decode_decimal(in, type, head, out);
    case T_STRUCT:
        return head == 1 && decode_struct(in, type, arena, depth, out);
    default:
        return false;
    }
}

static bool decode_value(BufReader *in, const Type *type, Arena *arena, int64_t depth, Value *out)
{
    if (depth > g_limits.nesting)
        return false;
    switch (type->kind) {
    case T_STRING:
    case T_BYTES:
        return decode_text(in, type->kind, out);
    case T_ARRAY:
    case T_MAP:
        return decode_list(in, type, arena, depth + 1, out);
    default:
        return decode_headed(in, type, arena, depth + 1, out);
    }
}

bool value_decode(BufReader *in, const Type *type, Arena *arena, Value *out)
{
    Value v;

    if (!in->ok || !decode_value(in, type, arena, 0, &v)) {
        in->ok = false;
        return false;
    }
    *out = v;
    return true;
}

/* --- keys: writing ---------------------------------------------------------------------------- */

static void key_double(Buf *out, double d)
{
    /* d + 0.0 makes one zero of two. */
    uint64_t bits = value_double(isnan(d) ? (double)NAN : d + 0.0).u.bits;

    buf_put(out, KEY_PRESENT);
    buf_u64be(out, isnan(d) || !(bits & SIGN_BIT) ? bits | SIGN_BIT : ~bits);
}

static void key_bytes(Buf *out, Str s)
{
    buf_reserve(out, s.len + 3);
    buf_put(out, KEY_PRESENT);
    while (s.len > 0) {
        const char *zero = memchr(s.ptr, 0, s.len);
        size_t      plain = zero ? (size_t)(zero - s.ptr) : s.len;

        buf_append(out, s.ptr, plain);
        if (!zero)
            break;
        buf_put(out, KEY_END);
        buf_put(out, (char)KEY_ESCAPE);
        s = str_slice(s, plain + 1, s.len);
    }
    buf_put(out, KEY_END);
    buf_put(out, KEY_END);
}

/* The digits of a value that is not zero, without sign and trailing zeros. */
static void key_digits(Buf *out, Str digits, uint16_t scale, bool is_negative)
{
    unsigned flip = is_negative ? 0xff : 0;
    uint32_t exponent = (uint32_t)(KEY_EXPONENT_BIAS + (int64_t)digits.len - scale);

    buf_put(out, is_negative ? KEY_NEGATIVE : KEY_POSITIVE);
    for (int at = KEY_EXPONENT_BYTES - 1; at >= 0; at--)
        buf_put(out, (char)(exponent >> (8 * at) ^ flip));
    while (digits.len > 0 && digits.ptr[digits.len - 1] == '0')
        digits.len--;
    for (size_t i = 0; i < digits.len; i += 2) {
        unsigned pair = 10 * (unsigned)(digits.ptr[i] - '0');

        if (i + 1 < digits.len)
            pair += (unsigned)(digits.ptr[i + 1] - '0');
        buf_put(out, (char)((pair + 1) ^ flip));
    }
    buf_put(out, (char)(KEY_END ^ flip));
}

static void key_decimal(Buf *out, Value v)
{
    char  local[I64_TEXT_MAX];
    bool  is_negative = decimal_sign(v) < 0;
    Buf   text = v.len > 0 ? (Buf){0} : (Buf){local, 0, sizeof local, NULL};
    Value unscaled = v;
    Str   digits;

    if (decimal_sign(v) == 0) {
        buf_put(out, KEY_ZERO);
        return;
    }
    unscaled.scale = 0;
    decimal_print(&text, unscaled); /* 64 bits fit the local bytes: no growth */
    digits = buf_view(&text);
    key_digits(out, is_negative ? str_slice(digits, 1, digits.len) : digits, v.scale, is_negative);
    if (text.ptr != local)
        buf_deinit(&text);
}

static int cmp_str(const void *a, const void *b)
{
    return str_cmp(*(const Str *)a, *(const Str *)b);
}

/* Entries are encoded behind one another first, then taken in the order of their bytes. */
static void key_map(Buf *out, Value v, const Type *type)
{
    Buf     entries = {0};
    size_t *ends = mem_alloc((v.len + (size_t)1) * sizeof *ends);
    Str    *sorted = mem_alloc((v.len + (size_t)1) * sizeof *sorted);

    for (uint32_t i = 0; i < v.len; i++) {
        value_encode_key(&entries, v.u.items[2 * i], type->key);
        value_encode_key(&entries, v.u.items[2 * i + 1], type->elem);
        ends[i] = entries.len;
    }
    for (uint32_t i = 0; i < v.len; i++)
        sorted[i] = str_slice(buf_view(&entries), i ? ends[i - 1] : 0, ends[i]);
    qsort(sorted, v.len, sizeof *sorted, cmp_str);
    buf_put(out, KEY_PRESENT);
    for (uint32_t i = 0; i < v.len; i++) {
        buf_put(out, KEY_PRESENT);
        buf_str(out, sorted[i]);
    }
    buf_put(out, KEY_END);
    mem_free(sorted);
    mem_free(ends);
    buf_deinit(&entries);
}

static void key_items(Buf *out, Value v, const Type *type)
{
    if (type->kind == T_MAP) {
        key_map(out, v, type);
        return;
    }
    buf_put(out, KEY_PRESENT);
    if (type->kind == T_STRUCT) {
        assert(v.len == type->fields_len);
        for (uint32_t i = 0; i < v.len; i++)
            value_encode_key(out, v.u.items[i], type->fields[i].type);
        return;
    }
    assert(type->kind == T_ARRAY);
    for (uint32_t i = 0; i < v.len; i++) {
        buf_put(out, KEY_PRESENT);
        value_encode_key(out, v.u.items[i], type->elem);
    }
    buf_put(out, KEY_END);
}

void value_encode_key(Buf *out, Value v, const Type *type)
{
    if (value_is_null(v)) {
        buf_put(out, KEY_NULL);
        return;
    }
    assert(v.kind == type->kind);
    switch (type->kind) {
    case T_BOOLEAN:
        buf_put(out, v.u.b ? 2 : 1);
        break;
    case T_INT:
    case T_BIGINT:
    case T_DATE:
    case T_TIME:
    case T_TIMESTAMP:
        buf_put(out, KEY_PRESENT);
        buf_u64be(out, (uint64_t)v.u.i ^ SIGN_BIT);
        break;
    case T_DOUBLE:
        key_double(out, v.u.d);
        break;
    case T_DECIMAL:
        key_decimal(out, v);
        break;
    case T_STRING:
    case T_BYTES:
        key_bytes(out, value_as_str(v));
        break;
    default:
        key_items(out, v, type);
        break;
    }
}

/* --- keys: reading ---------------------------------------------------------------------------- */

/* Up to the end mark; *zeros counts the escaped zeros on the way. */
static bool key_find_end(const BufReader *in, size_t *len, size_t *zeros)
{
    const uint8_t *at = in->ptr;

    *zeros = 0;
    for (;;) {
        at = memchr(at, 0, (size_t)(in->end - at));
        if (!at || in->end - at < 2)
            return false;
        if (at[1] == KEY_END) {
            *len = (size_t)(at - in->ptr);
            return true;
        }
        if (at[1] != KEY_ESCAPE)
            return false;
        (*zeros)++;
        at += 2;
    }
}

static bool decode_key_bytes(BufReader *in, TypeKind kind, Arena *arena, Value *out)
{
    size_t len, zeros;
    Str    bytes;

    if (!key_find_end(in, &len, &zeros))
        return false;
    bytes = (Str){(const char *)in->ptr, len};
    in->ptr += len + 2;
    if (zeros > 0) {
        char  *plain = arena_bytes(arena, len - zeros);
        size_t at = 0;

        for (size_t i = 0; i < len; i++) {
            plain[at++] = bytes.ptr[i];
            i += bytes.ptr[i] == 0; /* the escape */
        }
        bytes = (Str){plain, at};
    }
    if (bytes.len > UINT32_MAX)
        return false;
    *out = kind == T_STRING ? value_str(bytes) : value_bytes(bytes);
    return kind != T_STRING || utf8_is_valid(bytes);
}

/* The digit pairs as text; false when they are none. */
static bool read_pairs(BufReader *in, unsigned flip, Buf *digits)
{
    for (;;) {
        unsigned pair = buf_read_u8(in) ^ flip;

        if (!in->ok || pair > 100 || digits->len > KEY_DIGITS_MAX)
            return false;
        if (pair == KEY_END)
            return digits->len > 0;
        buf_put(digits, (char)('0' + (pair - 1) / 10));
        buf_put(digits, (char)('0' + (pair - 1) % 10));
    }
}

static bool decode_key_decimal(BufReader *in, const Type *type, unsigned head, Arena *arena,
                               Value *out)
{
    unsigned flip = head == KEY_NEGATIVE ? 0xff : 0;
    int64_t  exponent = 0, scale;
    Buf      digits = buf_in(arena);

    if (head == KEY_ZERO) {
        *out = decimal_from_i64(0, type->scale);
        return true;
    }
    if (head > KEY_POSITIVE)
        return false;
    for (int i = 0; i < KEY_EXPONENT_BYTES; i++)
        exponent = exponent << 8 | (buf_read_u8(in) ^ flip);
    exponent -= KEY_EXPONENT_BIAS;
    buf_put(&digits, flip ? '-' : '+');
    if (!read_pairs(in, flip, &digits) || digits.len < 2)
        return false;
    if (digits.ptr[digits.len - 1] == '0')
        digits.len--;
    /* The type's scale puts the trailing zeros back. */
    scale = (int64_t)digits.len - 1 - exponent;
    if (type->scale - scale > KEY_DIGITS_MAX)
        return false;
    for (; scale < type->scale; scale++)
        buf_put(&digits, '0');
    if (scale > UINT16_MAX || !decimal_parse(arena, buf_view(&digits), out))
        return false;
    out->scale = (uint16_t)scale;
    return true;
}

static bool decode_key_value(BufReader *in, const Type *type, Arena *arena, int64_t depth,
                             Value *out);

static bool decode_key_list(BufReader *in, const Type *type, Arena *arena, int64_t depth,
                            Value *out)
{
    size_t members = type->kind == T_MAP ? 2 : 1;
    Buf    items = buf_in(arena);
    size_t len = 0;

    for (;; len++) {
        unsigned mark = buf_read_u8(in);

        if (!in->ok || mark > KEY_PRESENT || len == UINT32_MAX)
            return false;
        if (mark == KEY_END)
            break;
        for (size_t i = 0; i < members; i++) {
            const Type *member = members == 2 && i == 0 ? type->key : type->elem;
            Value       v;

            if (!decode_key_value(in, member, arena, depth, &v))
                return false;
            buf_append(&items, &v, sizeof v);
        }
    }
    *out = value_items(type->kind, (const Value *)(const void *)items.ptr, len);
    return true;
}

static bool decode_key_struct(BufReader *in, const Type *type, Arena *arena, int64_t depth,
                              Value *out)
{
    Value *items;

    if (type->fields_len > bytes_left(in))
        return false;
    items = arena_alloc(arena, type->fields_len * sizeof *items);
    for (uint32_t i = 0; i < type->fields_len; i++) {
        if (!decode_key_value(in, type->fields[i].type, arena, depth, &items[i]))
            return false;
    }
    *out = value_items(T_STRUCT, items, type->fields_len);
    return true;
}

static bool decode_key_scalar(BufReader *in, const Type *type, unsigned head, Arena *arena,
                              Value *out)
{
    uint64_t bits;

    switch (type->kind) {
    case T_BOOLEAN:
        *out = value_bool(head == 2);
        return head <= 2;
    case T_DECIMAL:
        return decode_key_decimal(in, type, head, arena, out);
    case T_STRING:
    case T_BYTES:
        return head == KEY_PRESENT && decode_key_bytes(in, type->kind, arena, out);
    case T_DOUBLE:
        bits = buf_read_u64be(in);
        *out = value_double(0);
        out->u.bits = bits & SIGN_BIT ? bits & ~SIGN_BIT : ~bits;
        return head == KEY_PRESENT && in->ok;
    default:
        *out = value_time(type->kind, (int64_t)(buf_read_u64be(in) ^ SIGN_BIT));
        return head == KEY_PRESENT && in->ok && is_int_kind(type->kind) &&
               (type->kind != T_INT || (out->u.i >= INT32_MIN && out->u.i <= INT32_MAX));
    }
}

static bool decode_key_value(BufReader *in, const Type *type, Arena *arena, int64_t depth,
                             Value *out)
{
    unsigned head = buf_read_u8(in);

    if (!in->ok || depth > g_limits.nesting)
        return false;
    if (head == KEY_NULL) {
        *out = value_null();
        return true;
    }
    if (!type_is_nested(type))
        return decode_key_scalar(in, type, head, arena, out);
    if (head != KEY_PRESENT)
        return false;
    return type->kind == T_STRUCT ? decode_key_struct(in, type, arena, depth + 1, out)
                                  : decode_key_list(in, type, arena, depth + 1, out);
}

bool value_decode_key(BufReader *in, const Type *type, Arena *arena, Value *out)
{
    Value v;

    if (!in->ok || !decode_key_value(in, type, arena, 0, &v)) {
        in->ok = false;
        return false;
    }
    *out = v;
    return true;
}
