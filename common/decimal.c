/*
 * decimal.c -- exact DECIMAL arithmetic.
 *
 * Nearly all decimals fit 64 bits.  Operations on two such values run in 128 bits as long as the
 * scales are near enough; everything else takes the road through GMP, which is always right and
 * never needed for its speed.  Values leave in canonical form: 64 bits whenever they fit.
 */
#include "common/decimal.h"

#include <assert.h>
#include <gmp.h>

enum {
    I64_DIGITS_MAX = 19,
    /* The largest power of ten in 64 bits with sign. */
    POW10_MAX = 18,
    /* Bounds the memory and time that a text such as 1e999999999 can ask for. */
    DIGITS_MAX = UINT16_MAX,
    /* Doubles hold integers of 53 bits and powers of ten up to this one exactly. */
    EXACT_POW10_MAX = 22,
    QUOTE_DIGITS_MAX = 40,
};

#define I64_EXACT_IN_DOUBLE (INT64_C(1) << 53)

__extension__ typedef __int128 Int128;

static const int64_t pow10_i64[POW10_MAX + 1] = {
    1,
    10,
    100,
    1000,
    10000,
    100000,
    1000000,
    10000000,
    100000000,
    1000000000,
    10000000000,
    100000000000,
    1000000000000,
    10000000000000,
    100000000000000,
    1000000000000000,
    10000000000000000,
    100000000000000000,
    1000000000000000000,
};

_Static_assert(sizeof(long) == sizeof(int64_t), "mpz_get_si and mpz_set_si carry 64 bits");

static bool is_small(Value v)
{
    return v.len == 0;
}

static uint64_t magnitude(int64_t i)
{
    return i < 0 ? 0 - (uint64_t)i : (uint64_t)i;
}

/* --- between Values and GMP ------------------------------------------------------------------- */

/* Two's complement: a negative value is what its bytes say less 2^bits. */
static void bytes_to_mpz(mpz_t z, const char *bytes, size_t len)
{
    mpz_import(z, len, 1, 1, 1, 0, bytes);
    if (len > 0 && (unsigned char)bytes[0] & 0x80) {
        mpz_t whole;

        mpz_init(whole);
        mpz_setbit(whole, 8 * len);
        mpz_sub(z, z, whole);
        mpz_clear(whole);
    }
}

static void init_mpz(mpz_t z, Value v)
{
    mpz_init(z);
    if (is_small(v))
        mpz_set_si(z, v.u.i);
    else
        bytes_to_mpz(z, v.u.s, v.len);
}

/* z is changed. */
static Value from_mpz(Arena *arena, mpz_t z, uint16_t scale)
{
    char  *bytes;
    size_t len;

    if (mpz_fits_slong_p(z))
        return decimal_from_i64(mpz_get_si(z), scale);
    if (mpz_sgn(z) > 0) {
        len = mpz_sizeinbase(z, 2) / 8 + 1;
    } else {
        /* -x is the complement of x - 1; a sign bit is needed in front of that. */
        mpz_t whole;

        mpz_com(z, z);
        len = mpz_sizeinbase(z, 2) / 8 + 1;
        mpz_com(z, z);
        mpz_init(whole);
        mpz_setbit(whole, 8 * len);
        mpz_add(z, z, whole);
        mpz_clear(whole);
    }
    bytes = arena_bytes(arena, len);
    bytes[0] = 0; /* mpz_export leaves leading zero bytes out */
    mpz_export(bytes + len - (mpz_sizeinbase(z, 256)), NULL, 1, 1, 1, 0, z);
    return (Value){.kind = T_DECIMAL, .scale = scale, .len = (uint32_t)len, .u.s = bytes};
}

static void mul_pow10(mpz_t z, unsigned exponent)
{
    mpz_t power;

    if (exponent == 0)
        return;
    mpz_init(power);
    mpz_ui_pow_ui(power, 10, exponent);
    mpz_mul(z, z, power);
    mpz_clear(power);
}

/* Big-endian bytes without the leading ones that only repeat the sign. */
static Str trim_sign_bytes(Str bytes)
{
    while (bytes.len > 1) {
        unsigned char first = (unsigned char)bytes.ptr[0];
        bool          next_is_negative = (unsigned char)bytes.ptr[1] & 0x80;

        if (!(first == 0 && !next_is_negative) && !(first == 0xff && next_is_negative))
            break;
        bytes = str_slice(bytes, 1, bytes.len);
    }
    return bytes;
}

static Value from_i128(Arena *arena, Int128 wide, uint16_t scale)
{
    char bytes[sizeof wide];

    if (wide >= INT64_MIN && wide <= INT64_MAX)
        return decimal_from_i64((int64_t)wide, scale);
    for (size_t i = sizeof bytes; i-- > 0; wide >>= 8)
        bytes[i] = (char)(wide & 0xff);
    return decimal_from_unscaled_bytes(arena, (Str){bytes, sizeof bytes}, scale);
}

Str decimal_unscaled_bytes(Arena *arena, Value v)
{
    char bytes[sizeof v.u.i];
    Str  all = {bytes, sizeof bytes};

    if (!is_small(v))
        return value_as_str(v);
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)((uint64_t)v.u.i >> (8 * (sizeof bytes - 1 - i)));
    return str_copy(arena, trim_sign_bytes(all));
}

Value decimal_from_unscaled_bytes(Arena *arena, Str bytes, uint16_t scale)
{
    Str      trimmed = trim_sign_bytes(bytes);
    uint64_t unscaled;

    if (trimmed.len > sizeof unscaled) {
        Str copy = str_copy(arena, trimmed);

        return (Value){
            .kind = T_DECIMAL, .scale = scale, .len = (uint32_t)copy.len, .u.s = copy.ptr};
    }
    unscaled = trimmed.len > 0 && (unsigned char)trimmed.ptr[0] & 0x80 ? UINT64_MAX : 0;
    for (size_t i = 0; i < trimmed.len; i++)
        unscaled = unscaled << 8 | (unsigned char)trimmed.ptr[i];
    return decimal_from_i64((int64_t)unscaled, scale);
}

/* --- types ------------------------------------------------------------------------------------ */

static void decimal_bounds(const Type *type, int *precision, int *scale)
{
    switch (type->kind) {
    case T_INT:
        *precision = 10;
        *scale = 0;
        break;
    case T_BIGINT:
        *precision = 19;
        *scale = 0;
        break;
    default:
        assert(type->kind == T_DECIMAL);
        *precision = type->precision;
        *scale = type->scale;
        break;
    }
}

static int max_of(int a, int b)
{
    return a > b ? a : b;
}

static int min_of(int a, int b)
{
    return a < b ? a : b;
}

const Type *decimal_type_of(Arena *arena, DecimalOp op, const Type *a, const Type *b)
{
    int p1, s1, p2, s2, precision, scale;

    decimal_bounds(a, &p1, &s1);
    decimal_bounds(b, &p2, &s2);
    switch (op) {
    case DECIMAL_MUL:
        scale = s1 + s2;
        precision = p1 + p2 + 1;
        break;
    case DECIMAL_DIV:
        scale = max_of(6, s1 + p2 + 1);
        precision = p1 - s1 + s2 + scale;
        break;
    case DECIMAL_MOD:
        scale = max_of(s1, s2);
        precision = min_of(p1 - s1, p2 - s2) + scale;
        break;
    default:
        scale = max_of(s1, s2);
        precision = max_of(p1 - s1, p2 - s2) + scale + 1;
        break;
    }
    /* Beyond the bound of the language the integer part keeps what the scale leaves. */
    precision = min_of(precision, DECIMAL_PRECISION_MAX);
    return type_decimal(arena, precision, min_of(scale, precision));
}

/* --- text ------------------------------------------------------------------------------------- */

/* What decimal_parse() found: the significant digits' places in the text. */
typedef struct Digits {
    Str     integer;
    Str     fraction;
    int64_t exponent;
    bool    is_negative;
} Digits;

static Str take_digits(Str text, size_t *at)
{
    size_t from = *at;

    while (*at < text.len && text.ptr[*at] >= '0' && text.ptr[*at] <= '9')
        (*at)++;
    return str_slice(text, from, *at);
}

static bool take_sign(Str text, size_t *at)
{
    if (*at < text.len && (text.ptr[*at] == '-' || text.ptr[*at] == '+'))
        return text.ptr[(*at)++] == '-';
    return false;
}

static bool take_exponent(Str text, size_t *at, int64_t *out)
{
    bool is_negative;
    Str  digits;

    (*at)++;
    is_negative = take_sign(text, at);
    digits = take_digits(text, at);
    if (digits.len == 0)
        return false;
    *out = 0;
    for (size_t i = 0; i < digits.len; i++) {
        /* Stops growing where any exponent is out of bounds. */
        if (*out <= INT32_MAX)
            *out = *out * 10 + (digits.ptr[i] - '0');
    }
    if (is_negative)
        *out = -*out;
    return true;
}

static bool split_digits(Str text, Digits *out)
{
    size_t at = 0;

    *out = (Digits){.is_negative = take_sign(text, &at)};
    out->integer = take_digits(text, &at);
    if (at < text.len && text.ptr[at] == '.') {
        at++;
        out->fraction = take_digits(text, &at);
    }
    if (out->integer.len + out->fraction.len == 0)
        return false;
    if (at < text.len && (text.ptr[at] == 'e' || text.ptr[at] == 'E') &&
        !take_exponent(text, &at, &out->exponent))
        return false;
    return at == text.len;
}

/* The digits as 64 bits; false when there are too many. */
static bool digits_to_i64(const Digits *digits, int64_t *out)
{
    int64_t unscaled = 0;

    if (digits->integer.len + digits->fraction.len > POW10_MAX)
        return false;
    for (size_t i = 0; i < digits->integer.len; i++)
        unscaled = unscaled * 10 + (digits->integer.ptr[i] - '0');
    for (size_t i = 0; i < digits->fraction.len; i++)
        unscaled = unscaled * 10 + (digits->fraction.ptr[i] - '0');
    *out = digits->is_negative ? -unscaled : unscaled;
    return true;
}

static Value parse_big(Arena *arena, const Digits *digits, unsigned zeros, uint16_t scale)
{
    size_t len = digits->integer.len + digits->fraction.len;
    char  *text = mem_alloc(len + 1);
    mpz_t  z;
    Value  v;

    memcpy(text, digits->integer.ptr, digits->integer.len);
    if (digits->fraction.len > 0)
        memcpy(text + digits->integer.len, digits->fraction.ptr, digits->fraction.len);
    text[len] = '\0';
    mpz_init_set_str(z, text, 10);
    mem_free(text);
    mul_pow10(z, zeros);
    if (digits->is_negative)
        mpz_neg(z, z);
    v = from_mpz(arena, z, scale);
    mpz_clear(z);
    return v;
}

bool decimal_parse(Arena *arena, Str text, Value *out)
{
    Digits   digits;
    int64_t  unscaled = 0, scale;
    unsigned zeros;
    bool     fits;

    if (!split_digits(text, &digits))
        return false;
    while (digits.integer.len > 0 && digits.integer.ptr[0] == '0')
        digits.integer = str_slice(digits.integer, 1, digits.integer.len);
    if (digits.integer.len + digits.fraction.len > DIGITS_MAX)
        return false;
    fits = digits_to_i64(&digits, &unscaled);
    scale = (int64_t)digits.fraction.len - digits.exponent;
    if (fits && unscaled == 0) {
        *out = decimal_from_i64(0, (uint16_t)(scale < 0            ? 0
                                              : scale > DIGITS_MAX ? DIGITS_MAX
                                                                   : scale));
        return true;
    }
    if (scale > DIGITS_MAX ||
        -scale > DIGITS_MAX - (int64_t)(digits.integer.len + digits.fraction.len))
        return false;
    /* 12e3 is 12000: scales are never negative here. */
    zeros = scale < 0 ? (unsigned)-scale : 0;
    if (scale < 0)
        scale = 0;
    if (fits && zeros <= POW10_MAX &&
        !__builtin_mul_overflow(unscaled, pow10_i64[zeros], &unscaled))
        *out = decimal_from_i64(unscaled, (uint16_t)scale);
    else
        *out = parse_big(arena, &digits, zeros, (uint16_t)scale);
    return true;
}

/* digits (no sign) with a point before the last scale of them. */
static void print_plain(Buf *out, bool is_negative, Str digits, uint16_t scale)
{
    if (is_negative)
        buf_put(out, '-');
    if (digits.len > scale) {
        buf_append(out, digits.ptr, digits.len - scale);
    } else {
        buf_put(out, '0');
    }
    if (scale == 0)
        return;
    buf_put(out, '.');
    if (digits.len > scale) {
        buf_append(out, digits.ptr + digits.len - scale, scale);
        return;
    }
    for (size_t i = digits.len; i < scale; i++)
        buf_put(out, '0');
    buf_str(out, digits);
}

static void print_big(Buf *out, Value v)
{
    mpz_t z;
    char *text;
    bool  is_negative;

    init_mpz(z, v);
    is_negative = mpz_sgn(z) < 0;
    text = mem_alloc(mpz_sizeinbase(z, 10) + 2);
    mpz_get_str(text, 10, z);
    print_plain(out, is_negative, str_from(text + is_negative), v.scale);
    mem_free(text);
    mpz_clear(z);
}

void decimal_print(Buf *out, Value v)
{
    char     digits[I64_DIGITS_MAX];
    char    *first = digits + sizeof digits;
    uint64_t rest;

    if (!is_small(v)) {
        print_big(out, v);
        return;
    }
    if (v.scale == 0) {
        buf_i64(out, v.u.i);
        return;
    }
    rest = magnitude(v.u.i);
    do {
        *--first = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    print_plain(out, v.u.i < 0, (Str){first, (size_t)(digits + sizeof digits - first)}, v.scale);
}

/* --- conversions ------------------------------------------------------------------------------ */

bool decimal_from_double(Arena *arena, double d, Value *out)
{
    char text[64];
    Buf  buf = {text, 0, sizeof text,
                NULL}; /* never grows: the longest is -1.7976931348623157E308 */

    value_print_double(&buf, d);
    assert(buf.ptr == text);
    return decimal_parse(arena, buf_view(&buf), out);
}

double decimal_to_double(Value v)
{
    static const double pow10_double[EXACT_POW10_MAX + 1] = {
        1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
        1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    Buf    text = {0};
    double d = 0;
    bool   is_number;

    /* Both operands are exact, so that the division rounds once, as it should. */
    if (is_small(v) && v.scale <= EXACT_POW10_MAX && v.u.i <= I64_EXACT_IN_DOUBLE &&
        v.u.i >= -I64_EXACT_IN_DOUBLE)
        return (double)v.u.i / pow10_double[v.scale];
    decimal_print(&text, v);
    is_number = value_parse_double(buf_view(&text), &d);
    assert(is_number);
    buf_deinit(&text);
    return d;
}

int64_t decimal_to_i64(Value v)
{
    mpz_t   z, power;
    int64_t result;

    if (is_small(v))
        return v.scale > POW10_MAX ? 0 : v.u.i / pow10_i64[v.scale];
    init_mpz(z, v);
    mpz_init(power);
    mpz_ui_pow_ui(power, 10, v.scale);
    mpz_tdiv_q(z, z, power);
    mpz_fdiv_r_2exp(z, z, 64); /* two's complement: the low 64 bits */
    result = (int64_t)mpz_get_ui(z);
    mpz_clear(power);
    mpz_clear(z);
    return result;
}

static int digits_of(uint64_t u)
{
    int digits = 1;

    while (u >= 10) {
        u /= 10;
        digits++;
    }
    return digits;
}

static int mpz_digits(const mpz_t z)
{
    size_t digits = mpz_sizeinbase(z, 10); /* may be one too many */
    mpz_t  power;

    mpz_init(power);
    mpz_ui_pow_ui(power, 10, digits - 1);
    if (digits > 1 && mpz_cmpabs(z, power) < 0)
        digits--;
    mpz_clear(power);
    return (int)digits;
}

int decimal_precision(Value v)
{
    mpz_t z;
    int   digits;

    if (is_small(v))
        return digits_of(magnitude(v.u.i));
    init_mpz(z, v);
    digits = mpz_digits(z);
    mpz_clear(z);
    return digits;
}

/* --- setting to a type ------------------------------------------------------------------------ */

/* Whether a quotient cut towards zero moves one away from it; half is rest - divisor / 2. */
static bool rounds_away(DecimalRound round, bool is_negative, int half)
{
    switch (round) {
    case DECIMAL_ROUND_HALF_UP:
        return half >= 0;
    case DECIMAL_ROUND_HALF_POS:
        return half > 0 || (half == 0 && !is_negative);
    case DECIMAL_ROUND_FLOOR:
        return is_negative;
    case DECIMAL_ROUND_CEIL:
        return !is_negative;
    case DECIMAL_ROUND_NONE:
    case DECIMAL_ROUND_DOWN:
        break;
    }
    return false;
}

static ErrCode does_not_fit(Value v, const Type *type, Err *err)
{
    Buf text = {0};

    decimal_print(&text, v);
    err_set(err, ERR_EVAL, "%.*s%s does not fit DECIMAL(%d, %d)",
            (int)(text.len < QUOTE_DIGITS_MAX ? text.len : QUOTE_DIGITS_MAX), text.ptr,
            text.len > QUOTE_DIGITS_MAX ? "..." : "", type->precision, type->scale);
    buf_deinit(&text);
    return ERR_EVAL;
}

/* decimal_fit() in 64 bits; false when it needs more. */
static bool fit_small(Value v, const Type *type, DecimalRound round, Value *out, bool *fits)
{
    int     up = type->scale - v.scale;
    int64_t i = v.u.i;

    *fits = false;
    if (up > POW10_MAX || -up > POW10_MAX)
        return false;
    if (up > 0 && __builtin_mul_overflow(i, pow10_i64[up], &i))
        return false;
    if (up < 0) {
        int64_t  divisor = pow10_i64[-up];
        int64_t  rest = i % divisor;
        uint64_t twice = 2 * magnitude(rest);

        i /= divisor;
        if (rest != 0 && round == DECIMAL_ROUND_NONE)
            return true;
        if (rest != 0 &&
            rounds_away(round, rest < 0, (twice > (uint64_t)divisor) - (twice < (uint64_t)divisor)))
            i += rest < 0 ? -1 : 1;
    }
    if (type->precision <= POW10_MAX && magnitude(i) >= (uint64_t)pow10_i64[type->precision])
        return true;
    *out = decimal_from_i64(i, type->scale);
    *fits = true;
    return true;
}

/* z divided by 10^exponent; false when that is inexact and must not be. */
static bool mpz_round(mpz_t z, unsigned exponent, DecimalRound round)
{
    bool  is_negative = mpz_sgn(z) < 0;
    bool  is_exact;
    mpz_t divisor, rest;

    mpz_init(divisor);
    mpz_init(rest);
    mpz_ui_pow_ui(divisor, 10, exponent);
    mpz_tdiv_qr(z, rest, z, divisor);
    is_exact = mpz_sgn(rest) == 0;
    mpz_mul_2exp(rest, rest, 1);
    if (!is_exact && rounds_away(round, is_negative, mpz_cmpabs(rest, divisor))) {
        if (is_negative)
            mpz_sub_ui(z, z, 1);
        else
            mpz_add_ui(z, z, 1);
    }
    mpz_clear(rest);
    mpz_clear(divisor);
    return is_exact || round != DECIMAL_ROUND_NONE;
}

static bool fit_big(Arena *arena, Value v, const Type *type, DecimalRound round, Value *out)
{
    bool  fits = true;
    mpz_t z;

    init_mpz(z, v);
    if (type->scale >= v.scale)
        mul_pow10(z, (unsigned)(type->scale - v.scale));
    else
        fits = mpz_round(z, (unsigned)(v.scale - type->scale), round);
    fits = fits && mpz_digits(z) <= type->precision;
    if (fits)
        *out = from_mpz(arena, z, type->scale);
    mpz_clear(z);
    return fits;
}

ErrCode decimal_fit(Arena *arena, Value v, const Type *type, DecimalRound round, Value *out,
                    Err *err)
{
    bool fits;

    if (!is_small(v) || !fit_small(v, type, round, out, &fits))
        fits = fit_big(arena, v, type, round, out);
    return fits ? ERR_OK : does_not_fit(v, type, err);
}

/* --- arithmetic ------------------------------------------------------------------------------- */

/* Both unscaled values at the larger scale, which may need 128 bits. */
static bool align_small(Value a, Value b, Int128 *wide_a, Int128 *wide_b)
{
    int up = b.scale - a.scale;

    if (!is_small(a) || !is_small(b) || up > POW10_MAX || -up > POW10_MAX)
        return false;
    *wide_a = (Int128)a.u.i * (up > 0 ? pow10_i64[up] : 1);
    *wide_b = (Int128)b.u.i * (up < 0 ? pow10_i64[-up] : 1);
    return true;
}

/* a op b in 128 bits, exactly; false when that is not possible.  b is not zero for MOD. */
static bool arith_small(Arena *arena, DecimalOp op, Value a, Value b, Value *out)
{
    uint16_t scale = a.scale > b.scale ? a.scale : b.scale;
    Int128   wide_a, wide_b;

    if (op == DECIMAL_MUL) {
        if (!is_small(a) || !is_small(b) || a.scale + b.scale > UINT16_MAX)
            return false;
        *out = from_i128(arena, (Int128)a.u.i * b.u.i, (uint16_t)(a.scale + b.scale));
        return true;
    }
    if (!align_small(a, b, &wide_a, &wide_b))
        return false;
    /* 64 bits times 10^18 stay below 2^123: neither sum nor difference overflows. */
    switch (op) {
    case DECIMAL_ADD:
        *out = from_i128(arena, wide_a + wide_b, scale);
        return true;
    case DECIMAL_SUB:
        *out = from_i128(arena, wide_a - wide_b, scale);
        return true;
    default:
        *out = from_i128(arena, wide_a % wide_b, scale);
        return true;
    }
}

static Value arith_big(Arena *arena, DecimalOp op, Value a, Value b)
{
    uint16_t scale = a.scale > b.scale ? a.scale : b.scale;
    mpz_t    x, y;
    Value    result;

    init_mpz(x, a);
    init_mpz(y, b);
    if (op == DECIMAL_MUL) {
        int sum = a.scale + b.scale;

        scale = (uint16_t)min_of(sum, UINT16_MAX);
        mpz_mul(x, x, y);
        /* Only values far beyond any SQL type get here: their last digits are nothing. */
        if (sum > UINT16_MAX)
            mpz_round(x, (unsigned)(sum - UINT16_MAX), DECIMAL_ROUND_DOWN);
    } else {
        mul_pow10(x, (unsigned)(scale - a.scale));
        mul_pow10(y, (unsigned)(scale - b.scale));
        if (op == DECIMAL_ADD)
            mpz_add(x, x, y);
        else if (op == DECIMAL_SUB)
            mpz_sub(x, x, y);
        else
            mpz_tdiv_r(x, x, y);
    }
    result = from_mpz(arena, x, scale);
    mpz_clear(y);
    mpz_clear(x);
    return result;
}

/* The exact quotient at the given scale; false when there is none. */
static bool divide(Arena *arena, Value a, Value b, uint16_t scale, Value *out)
{
    int   up = scale + b.scale - a.scale;
    bool  is_exact;
    mpz_t x, y;

    if (is_small(a) && is_small(b) && up >= 0 && up <= POW10_MAX) {
        Int128 dividend = (Int128)a.u.i * pow10_i64[up];

        if (dividend % b.u.i != 0)
            return false;
        *out = from_i128(arena, dividend / b.u.i, scale);
        return true;
    }
    init_mpz(x, a);
    init_mpz(y, b);
    if (up >= 0)
        mul_pow10(x, (unsigned)up);
    else
        mul_pow10(y, (unsigned)-up);
    is_exact = mpz_divisible_p(x, y);
    if (is_exact) {
        mpz_divexact(x, x, y);
        *out = from_mpz(arena, x, scale);
    }
    mpz_clear(y);
    mpz_clear(x);
    return is_exact;
}

ErrCode decimal_arith(Arena *arena, DecimalOp op, Value a, Value b, const Type *result, Value *out,
                      Err *err)
{
    Value exact;

    if ((op == DECIMAL_DIV || op == DECIMAL_MOD) && decimal_sign(b) == 0)
        return err_set(err, ERR_EVAL, "cannot divide by zero");
    if (op == DECIMAL_DIV) {
        if (!divide(arena, a, b, result->scale, &exact))
            return err_set(err, ERR_EVAL, "the quotient does not fit DECIMAL(%d, %d) exactly",
                           result->precision, result->scale);
    } else if (!arith_small(arena, op, a, b, &exact)) {
        exact = arith_big(arena, op, a, b);
    }
    return decimal_fit(arena, exact, result, DECIMAL_ROUND_NONE, out, err);
}

Value decimal_neg(Arena *arena, Value v)
{
    mpz_t z;
    Value result;

    if (is_small(v) && v.u.i != INT64_MIN)
        return decimal_from_i64(-v.u.i, v.scale);
    init_mpz(z, v);
    mpz_neg(z, z);
    result = from_mpz(arena, z, v.scale);
    mpz_clear(z);
    return result;
}

Value decimal_abs(Arena *arena, Value v)
{
    return decimal_sign(v) < 0 ? decimal_neg(arena, v) : v;
}

int decimal_sign(Value v)
{
    if (is_small(v))
        return (v.u.i > 0) - (v.u.i < 0);
    return (unsigned char)v.u.s[0] & 0x80 ? -1 : 1;
}

int decimal_cmp(Value a, Value b)
{
    Int128 wide_a, wide_b;
    mpz_t  x, y;
    int    order = decimal_sign(a) - decimal_sign(b);

    if (align_small(a, b, &wide_a, &wide_b))
        return (wide_a > wide_b) - (wide_a < wide_b);
    if (order != 0)
        return order;
    init_mpz(x, a);
    init_mpz(y, b);
    if (a.scale < b.scale)
        mul_pow10(x, (unsigned)(b.scale - a.scale));
    else
        mul_pow10(y, (unsigned)(a.scale - b.scale));
    order = mpz_cmp(x, y);
    mpz_clear(y);
    mpz_clear(x);
    return order;
}

static uint64_t hash_pair(uint64_t unscaled, int scale)
{
    uint64_t pair[] = {unscaled, (uint64_t)(int64_t)scale};

    return str_hash((Str){(const char *)pair, sizeof pair});
}

static uint64_t hash_small(int64_t unscaled, int scale)
{
    if (unscaled == 0)
        return hash_pair(0, 0);
    while (unscaled % 10 == 0) {
        unscaled /= 10;
        scale--;
    }
    return hash_pair((uint64_t)unscaled, scale);
}

/* Trailing zeros go, so that 1.5 and 1.50 are one; then a big value may turn out to be small. */
uint64_t decimal_hash(Value v)
{
    uint64_t hash;
    mpz_t    z, ten;
    int      scale;

    if (is_small(v))
        return hash_small(v.u.i, v.scale);
    init_mpz(z, v);
    mpz_init_set_ui(ten, 10);
    scale = v.scale - (int)mpz_remove(z, z, ten);
    if (mpz_fits_slong_p(z)) {
        hash = hash_small(mpz_get_si(z), scale);
    } else {
        /* The limbs of the magnitude; a negated value may share its hash. */
        Str limbs = {(const char *)mpz_limbs_read(z), mpz_size(z) * sizeof(mp_limb_t)};

        hash = hash_pair(str_hash(limbs), scale);
    }
    mpz_clear(ten);
    mpz_clear(z);
    return hash;
}
