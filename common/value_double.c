/*
 * value_double.c -- doubles to text and back, exactly.
 *
 * Printing looks for the shortest decimal that reads back equal, and among those for the nearest.
 * Nearly all doubles of practice have at most 15 digits; such a decimal is found by scaling and
 * proved by dividing again: the quotient of two exact doubles is rounded correctly, just as
 * reading is, and at most one decimal of 15 digits reads as a given double.  The rest goes the way
 * of R. Giulietti, "The Schubfach way to render doubles": the interval of all reals that read as
 * the double, scaled by a power of ten so that it holds one or two integers.
 *
 * Reading multiplies the digits by a power of ten in 128 bits (as Eisel and Lemire do).  The error
 * of that product is known; where it could change the rounding, strtod() decides.
 *
 * Both need 128 bits of the powers of ten, which are computed at first use.
 */
#include "common/value.h"

#include <assert.h>
#include <gmp.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>

enum {
    /* 10^-342 times 19 digits is the least that is not zero; 10^324 scales the least double. */
    POW10_MIN = -342,
    POW10_MAX = 324,
    DIGITS64_MAX = 19,     /* decimal digits that always fit 64 bits */
    EXACT_POW10_MAX = 22,  /* the largest power of ten that is a double */
    SHORT_DIGITS_MAX = 15, /* decimals of so many digits are told apart by doubles */
    MANTISSA_BITS = 52,    /* stored; one more is implied */
    EXPONENT_BIAS = 1075,  /* of the mantissa as an integer */
    EXPONENT_MIN = -1074,
    EXPONENT_INF = 0x7ff,
    EXPONENT_TEXT_MAX = 100000, /* beyond it every text is zero or infinity */
    TEXT_MAX = 32,              /* -2.2250738585072014E-308 and some */
    C_TEXT_MAX = 128,
};

#define EXACT_INTEGER_MAX (UINT64_C(1) << 53)
#define SHORT_INTEGER_MAX UINT64_C(1000000000000000)
#define MASK_63 ((UINT64_C(1) << 63) - 1)

__extension__ typedef unsigned __int128 Uint128;

/* digits * 10^exponent */
typedef struct Decimal {
    uint64_t digits;
    int      exponent;
} Decimal;

/* The 128 leading bits, cut, of each power of ten; the first bit is set. */
static Uint128        pow10_bits[POW10_MAX - POW10_MIN + 1];
static locale_t       c_locale;
static pthread_once_t tables_once = PTHREAD_ONCE_INIT;

static const double pow10_double[EXACT_POW10_MAX + 1] = {
    1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

static Uint128 mpz_leading_bits(mpz_t z)
{
    size_t  bits = mpz_sizeinbase(z, 2);
    Uint128 top;

    if (bits > 128)
        mpz_tdiv_q_2exp(z, z, bits - 128);
    else
        mpz_mul_2exp(z, z, 128 - bits);
    top = (Uint128)mpz_getlimbn(z, 1) << 64;
    return top | mpz_getlimbn(z, 0);
}

static void tables_init(void)
{
    mpz_t power, z;

    mpz_init_set_ui(power, 1);
    mpz_init(z);
    for (int e = 0; e <= -POW10_MIN; e++) {
        if (e <= POW10_MAX) {
            mpz_set(z, power);
            pow10_bits[e - POW10_MIN] = mpz_leading_bits(z);
        }
        if (e > 0) {
            mpz_set_ui(z, 0);
            mpz_setbit(z, mpz_sizeinbase(power, 2) + 127);
            mpz_tdiv_q(z, z, power);
            pow10_bits[-e - POW10_MIN] = mpz_leading_bits(z);
        }
        mpz_mul_ui(power, power, 10);
    }
    mpz_clear(z);
    mpz_clear(power);
    c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    assert(c_locale);
}

static Uint128 pow10_leading(int exponent)
{
    assert(exponent >= POW10_MIN && exponent <= POW10_MAX);
    return pow10_bits[exponent - POW10_MIN];
}

/* floor(log2(10^e)) and floor(log10(2^e)), right for all exponents used here. */
static int log2_pow10(int e)
{
    return (int)((int64_t)e * 913124641741 >> 38);
}

static int log10_pow2(int e)
{
    return (int)((int64_t)e * 661971961083 >> 41);
}

/* floor(log10(3/4 * 2^e)) */
static int log10_three_quarters_pow2(int e)
{
    return (int)(((int64_t)e * 661971961083 - 274743187321) >> 41);
}

/* --- printing --------------------------------------------------------------------------------- */

/* d as an integer of at most 15 digits over 10^places. */
static bool short_decimal(double d, int places, Decimal *out)
{
    double   scaled = d * pow10_double[places];
    uint64_t digits;

    if (scaled >= (double)SHORT_INTEGER_MAX)
        return false;
    digits = (uint64_t)(scaled + 0.5);
    if ((double)digits / pow10_double[places] != d)
        return false;
    *out = (Decimal){digits, -places};
    return true;
}

static bool find_short(double d, Decimal *out)
{
    int places = SHORT_DIGITS_MAX - 1;

    if (d < (double)EXACT_INTEGER_MAX && d == (double)(uint64_t)d) {
        *out = (Decimal){(uint64_t)d, 0};
        return true;
    }
    if (d >= (double)SHORT_INTEGER_MAX || d < 1e-5)
        return false;
    /* Money and measurements first: fewer zeros to take off again. */
    if (short_decimal(d, 3, out))
        return true;
    for (double bound = 10; d >= bound; bound *= 10)
        places--;
    if (places > 0 && short_decimal(d, places, out))
        return true;
    /* Below 1, leading zeros after the point leave room for more places. */
    return d < 0.1 && short_decimal(d, EXACT_POW10_MAX - 3, out);
}

/*
 * factor * power / 2^127, rounded to odd: the last bit is set when anything was cut, so that
 * comparisons with even numbers are exact.  power has 126 bits and is too large by less than one,
 * which the proof of the algorithm allows for.
 */
static uint64_t round_to_odd(Uint128 power, uint64_t factor)
{
    Uint128 high = (Uint128)(uint64_t)(power >> 63) * factor;
    Uint128 low = (Uint128)((uint64_t)power & MASK_63) * factor;
    Uint128 sum = (high >> 1) + (low >> 64);

    return (uint64_t)(sum >> 63) | (((uint64_t)sum & MASK_63) != 0);
}

/* The shortest decimal, nearest to mantissa * 2^exponent, within its rounding interval. */
static Decimal schubfach(uint64_t mantissa, int exponent)
{
    bool     is_uneven = mantissa == UINT64_C(1) << MANTISSA_BITS && exponent > EXPONENT_MIN;
    int      k = is_uneven ? log10_three_quarters_pow2(exponent) : log10_pow2(exponent);
    int      shift = exponent + log2_pow10(-k) + 2;
    Uint128  power = (pow10_leading(-k) >> 2) + 1;
    uint64_t excluded = mantissa & 1; /* the interval's ends belong to even mantissas */
    /* Four times the lower end, the value and the upper end, over 10^k. */
    uint64_t lower = round_to_odd(power, (4 * mantissa - (is_uneven ? 1 : 2)) << shift) + excluded;
    uint64_t value = round_to_odd(power, 4 * mantissa << shift);
    uint64_t upper = round_to_odd(power, (4 * mantissa + 2) << shift) - excluded;
    uint64_t below = value / 4;
    uint64_t middle;
    bool     has_below, has_above;

    if (below >= 100) {
        uint64_t tens = below / 10 * 10;

        has_below = lower <= 4 * tens;
        has_above = 4 * (tens + 10) <= upper;
        if (has_below != has_above)
            return (Decimal){has_below ? tens : tens + 10, k};
    }
    has_below = lower <= 4 * below;
    has_above = 4 * (below + 1) <= upper;
    if (has_below != has_above)
        return (Decimal){has_below ? below : below + 1, k};
    middle = 4 * below + 2;
    if (value < middle || (value == middle && below % 2 == 0))
        return (Decimal){below, k};
    return (Decimal){below + 1, k};
}

static Decimal shortest(double d)
{
    uint64_t bits = value_double(d).u.bits;
    uint64_t mantissa = bits & ((UINT64_C(1) << MANTISSA_BITS) - 1);
    int      biased = (int)(bits >> MANTISSA_BITS);
    Decimal  decimal;

    if (biased > 0)
        return schubfach(mantissa | UINT64_C(1) << MANTISSA_BITS, biased - EXPONENT_BIAS);
    if (mantissa >= 3)
        return schubfach(mantissa, EXPONENT_MIN);
    /* Here one digit would do, but two are wanted: those nearest to the value itself. */
    decimal = schubfach(10 * mantissa, EXPONENT_MIN);
    decimal.exponent--;
    return decimal;
}

static void strip_zeros(Decimal *decimal)
{
    while (decimal->digits >= 100000000 && decimal->digits % 100000000 == 0) {
        decimal->digits /= 100000000;
        decimal->exponent += 8;
    }
    while (decimal->digits % 10 == 0) {
        decimal->digits /= 10;
        decimal->exponent++;
    }
}

static char *put_zeros(char *at, int count)
{
    for (int i = 0; i < count; i++)
        *at++ = '0';
    return at;
}

static char *put_bytes(char *at, const char *bytes, int len)
{
    memcpy(at, bytes, (size_t)len);
    return at + len;
}

/* Plain: point_at digits before the point (none or less: zeros after it). */
static char *put_plain(char *at, const char *digits, int len, int point_at)
{
    if (point_at <= 0) {
        at = put_bytes(at, "0.", 2);
        at = put_zeros(at, -point_at);
        return put_bytes(at, digits, len);
    }
    if (point_at >= len) {
        at = put_bytes(at, digits, len);
        at = put_zeros(at, point_at - len);
        return put_bytes(at, ".0", 2);
    }
    at = put_bytes(at, digits, point_at);
    *at++ = '.';
    return put_bytes(at, digits + point_at, len - point_at);
}

static char *put_scientific(char *at, const char *digits, int len, int exponent)
{
    unsigned rest = (unsigned)abs(exponent);

    *at++ = digits[0];
    *at++ = '.';
    at = len > 1 ? put_bytes(at, digits + 1, len - 1) : put_zeros(at, 1);
    *at++ = 'E';
    if (exponent < 0)
        *at++ = '-';
    if (rest >= 100)
        *at++ = (char)('0' + rest / 100);
    if (rest >= 10)
        *at++ = (char)('0' + rest / 10 % 10);
    *at++ = (char)('0' + rest % 10);
    return at;
}

static char *put_decimal(char *at, Decimal decimal)
{
    char  digits[DIGITS64_MAX + 1];
    char *first = digits + sizeof digits;
    int   len, exponent;

    strip_zeros(&decimal);
    do {
        *--first = (char)('0' + decimal.digits % 10);
        decimal.digits /= 10;
    } while (decimal.digits > 0);
    len = (int)(digits + sizeof digits - first);
    exponent = len + decimal.exponent - 1;
    if (exponent >= -3 && exponent < 7)
        return put_plain(at, first, len, exponent + 1);
    return put_scientific(at, first, len, exponent);
}

void value_print_double(Buf *out, double d)
{
    Decimal decimal;
    char   *at;

    if (isnan(d)) {
        buf_c(out, "NaN");
        return;
    }
    if (isinf(d)) {
        buf_c(out, d < 0 ? "-Infinity" : "Infinity");
        return;
    }
    buf_reserve(out, TEXT_MAX);
    at = out->ptr + out->len;
    if (signbit(d))
        *at++ = '-';
    d = fabs(d);
    if (d == 0) {
        at = put_bytes(at, "0.0", 3);
    } else {
        if (!find_short(d, &decimal)) {
            pthread_once(&tables_once, tables_init);
            decimal = shortest(d);
        }
        at = put_decimal(at, decimal);
    }
    out->len = (size_t)(at - out->ptr);
}

/* --- reading ---------------------------------------------------------------------------------- */

/* A number's text, read: digits * 10^exponent unless is_long. */
typedef struct Scanned {
    uint64_t digits;
    int64_t  exponent;
    bool     is_negative;
    bool     is_long; /* more significant digits than 64 bits hold */
    size_t   len;     /* of the text that strtod() would read */
} Scanned;

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Takes digits into scanned; gives how many there were. */
static size_t scan_digits(Str s, size_t *at, Scanned *scanned)
{
    size_t from = *at;

    for (; *at < s.len && is_digit(s.ptr[*at]); (*at)++) {
        /* 10^18 and above could overflow with one more digit. */
        if (scanned->digits >= UINT64_C(1000000000000000000))
            scanned->is_long = true;
        else
            scanned->digits = scanned->digits * 10 + (uint64_t)(s.ptr[*at] - '0');
    }
    return *at - from;
}

static bool scan_exponent(Str s, size_t *at, int64_t *exponent)
{
    int64_t value = 0;
    bool    is_negative = false;
    size_t  from;

    (*at)++;
    if (*at < s.len && (s.ptr[*at] == '-' || s.ptr[*at] == '+'))
        is_negative = s.ptr[(*at)++] == '-';
    from = *at;
    for (; *at < s.len && is_digit(s.ptr[*at]); (*at)++) {
        if (value < EXPONENT_TEXT_MAX)
            value = value * 10 + (s.ptr[*at] - '0');
    }
    *exponent += is_negative ? -value : value;
    return *at > from;
}

static bool scan_number(Str s, Scanned *scanned)
{
    size_t at = 0, digits, places = 0;

    *scanned = (Scanned){0};
    if (at < s.len && (s.ptr[at] == '-' || s.ptr[at] == '+'))
        scanned->is_negative = s.ptr[at++] == '-';
    digits = scan_digits(s, &at, scanned);
    if (at < s.len && s.ptr[at] == '.') {
        at++;
        places = scan_digits(s, &at, scanned);
    }
    if (digits + places == 0)
        return false;
    scanned->exponent = -(int64_t)places;
    if (at < s.len && (s.ptr[at] == 'e' || s.ptr[at] == 'E') &&
        !scan_exponent(s, &at, &scanned->exponent))
        return false;
    scanned->len = at;
    /* Java takes its own literals, 1.5d and 1.5f. */
    if (at < s.len && memchr("dDfF", s.ptr[at], 4))
        at++;
    return at == s.len;
}

static double read_slowly(Str s)
{
    char   local[C_TEXT_MAX];
    char  *text = s.len < sizeof local ? local : mem_alloc(s.len + 1);
    double d;

    memcpy(text, s.ptr, s.len);
    text[s.len] = '\0';
    d = strtod_l(text, NULL, c_locale);
    if (text != local)
        mem_free(text);
    return d;
}

/*
 * digits * 10^exponent, when the product tells how to round and the result is a normal double.
 * With both factors shifted to their first bit, the true product lies in [product, product + 2).
 */
static bool read_product(uint64_t digits, int exponent, double *out)
{
    int      zeros = __builtin_clzll(digits);
    Uint128  power = pow10_leading(exponent);
    Uint128  low = (Uint128)(digits << zeros) * (uint64_t)power;
    Uint128  product = (Uint128)(digits << zeros) * (uint64_t)(power >> 64) + (low >> 64);
    int      is_high = (int)(product >> 127);
    int      cut = 127 - MANTISSA_BITS - 1 + is_high;
    uint64_t mantissa = (uint64_t)(product >> cut);
    Uint128  rest = product & (((Uint128)1 << cut) - 1);
    Uint128  half = (Uint128)1 << (cut - 1);
    /* The product has 127 or 128 bits and stands for 2^64 times as much, less the shifts. */
    int   biased = log2_pow10(exponent) - zeros + 63 + is_high + EXPONENT_BIAS - MANTISSA_BITS;
    Value v = value_double(0);

    if (rest + 2 > half && rest <= half)
        return false;
    if (rest > half)
        mantissa++;
    if (mantissa >> (MANTISSA_BITS + 1)) {
        mantissa >>= 1;
        biased++;
    }
    if (biased <= 0 || biased >= EXPONENT_INF)
        return false;
    v.u.bits = (uint64_t)biased << MANTISSA_BITS | (mantissa & ~(UINT64_C(1) << MANTISSA_BITS));
    *out = v.u.d;
    return true;
}

static double read_scanned(Str s, const Scanned *scanned)
{
    double d;

    if (!scanned->is_long) {
        if (scanned->digits == 0)
            return 0;
        if (scanned->digits <= EXACT_INTEGER_MAX) {
            d = (double)scanned->digits;
            if (scanned->exponent >= 0 && scanned->exponent <= EXACT_POW10_MAX)
                return d * pow10_double[scanned->exponent];
            if (scanned->exponent < 0 && scanned->exponent >= -EXACT_POW10_MAX)
                return d / pow10_double[-scanned->exponent];
        }
    }
    pthread_once(&tables_once, tables_init);
    if (!scanned->is_long && scanned->exponent >= POW10_MIN && scanned->exponent <= POW10_MAX &&
        read_product(scanned->digits, (int)scanned->exponent, &d))
        return d;
    return fabs(read_slowly(str_slice(s, 0, scanned->len)));
}

bool value_parse_double(Str s, double *out)
{
    Str     text = str_trim(s);
    Scanned scanned;
    double  d;

    if (!scan_number(text, &scanned))
        return false;
    d = read_scanned(text, &scanned);
    *out = scanned.is_negative ? -d : d;
    return true;
}
