/*
 * fn_number.c -- mathematical functions.
 *
 * Functions of doubles take INT and BIGINT too (an overload each, one body).  Ties in ROUND go
 * towards positive infinity, as in ksqlDB.
 */
#include <math.h>
#include <sys/random.h>

#include "common/decimal.h"
#include "exec/functions/fn_table.h"
#include "exec/functions/fn_value.h"
#include "exec/value_order.h"

static const char MATH[] = "MATHEMATICAL";

/* Beyond this many places nothing of a double or a decimal is left to round. */
enum { PLACES_MAX = DECIMAL_PRECISION_MAX };

/* --- doubles ---------------------------------------------------------------------------------- */

#define OF_DOUBLE(name, expression)                                                                \
    static ErrCode name(const FnCall *call, const Value *args, Value *out, Err *err)               \
    {                                                                                              \
        double x = fn_number_arg(args[0]);                                                         \
        (void)call, (void)err;                                                                     \
        return fn_give(out, value_double(expression));                                             \
    }

OF_DOUBLE(acos_of, acos(x))
OF_DOUBLE(asin_of, asin(x))
OF_DOUBLE(atan_of, atan(x))
OF_DOUBLE(cbrt_of, (double)cbrtl(x)) /* cbrt() is an ulp off for some cubes */
OF_DOUBLE(cos_of, cos(x))
OF_DOUBLE(cosh_of, cosh(x))
OF_DOUBLE(cot_of, 1.0 / tan(x))
OF_DOUBLE(degrees_of, x *(180.0 / M_PI))
OF_DOUBLE(exp_of, exp(x))
OF_DOUBLE(ln_of, log(x))
OF_DOUBLE(radians_of, x *(M_PI / 180.0))
OF_DOUBLE(sin_of, sin(x))
OF_DOUBLE(sinh_of, sinh(x))
OF_DOUBLE(sqrt_of, sqrt(x))
OF_DOUBLE(tan_of, tan(x))
OF_DOUBLE(tanh_of, tanh(x))

static ErrCode atan2_of(const FnCall *call, const Value *args, Value *out, Err *err)
{
    (void)call, (void)err;
    return fn_give(out, value_double(atan2(fn_number_arg(args[0]), fn_number_arg(args[1]))));
}

static ErrCode power(const FnCall *call, const Value *args, Value *out, Err *err)
{
    (void)call, (void)err;
    return fn_give(out, value_double(pow(fn_number_arg(args[0]), fn_number_arg(args[1]))));
}

static ErrCode log_of_base(const FnCall *call, const Value *args, Value *out, Err *err)
{
    double base = fn_number_arg(args[0]);
    double x = fn_number_arg(args[1]);

    (void)call, (void)err;
    if (base <= 0 || base == 1)
        return fn_give(out, value_double(NAN));
    return fn_give(out, value_double(log(x) / log(base)));
}

static ErrCode pi(const FnCall *call, const Value *args, Value *out, Err *err)
{
    (void)call, (void)args, (void)err;
    return fn_give(out, value_double(M_PI));
}

/* splitmix64 from a seed of the system, one sequence per thread. */
static ErrCode random_double(const FnCall *call, const Value *args, Value *out, Err *err)
{
    static _Thread_local uint64_t seed;
    static _Thread_local bool     is_seeded;
    uint64_t                      z;

    (void)call, (void)args;
    if (!is_seeded) {
        if (getrandom(&seed, sizeof seed, 0) != (ssize_t)sizeof seed)
            return err_set(err, ERR_EVAL, "could not read random bytes from the system");
        is_seeded = true;
    }
    seed += 0x9e3779b97f4a7c15u;
    z = seed;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    z ^= z >> 31;
    return fn_give(out, value_double((double)(z >> 11) * 0x1p-53));
}

static ErrCode sign(const FnCall *call, const Value *args, Value *out, Err *err)
{
    double x = fn_number_arg(args[0]);

    (void)call, (void)err;
    return fn_give(out, value_int((x > 0) - (x < 0))); /* NaN: neither */
}

/* --- ABS, CEIL, FLOOR ------------------------------------------------------------------------- */

static ErrCode abs_of(const FnCall *call, const Value *args, Value *out, Err *err)
{
    Value v = args[0];

    (void)err;
    switch ((TypeKind)v.kind) {
    case T_DOUBLE:
        return fn_give(out, value_double(fabs(v.u.d)));
    case T_DECIMAL:
        return fn_give(out, decimal_abs(call->mem, v));
    case T_INT:
        return fn_give(out,
                       value_int((int32_t)(v.u.i < 0 ? 0 - (uint64_t)v.u.i : (uint64_t)v.u.i)));
    default:
        return fn_give(out, value_bigint(v.u.i < 0 ? (int64_t)(0 - (uint64_t)v.u.i) : v.u.i));
    }
}

static Type decimal_of_scale(uint16_t scale)
{
    return (Type){.kind = T_DECIMAL, .precision = DECIMAL_PRECISION_MAX, .scale = scale};
}

/* v rounded to whole numbers and set back to its own scale. */
static ErrCode decimal_whole(const FnCall *call, Value v, DecimalRound round, Value *out, Err *err)
{
    Type whole = decimal_of_scale(0);
    Type own = decimal_of_scale(v.scale);

    TRY(decimal_fit(call->mem, v, &whole, round, &v, err));
    return decimal_fit(call->mem, v, &own, DECIMAL_ROUND_NONE, out, err);
}

static ErrCode ceil_of(const FnCall *call, const Value *args, Value *out, Err *err)
{
    if (args[0].kind == T_DOUBLE)
        return fn_give(out, value_double(ceil(args[0].u.d)));
    if (args[0].kind == T_DECIMAL)
        return decimal_whole(call, args[0], DECIMAL_ROUND_CEIL, out, err);
    return fn_give(out, args[0]);
}

static ErrCode floor_of(const FnCall *call, const Value *args, Value *out, Err *err)
{
    if (args[0].kind == T_DOUBLE)
        return fn_give(out, value_double(floor(args[0].u.d)));
    if (args[0].kind == T_DECIMAL)
        return decimal_whole(call, args[0], DECIMAL_ROUND_FLOOR, out, err);
    return fn_give(out, args[0]);
}

/* --- ROUND, TRUNC ----------------------------------------------------------------------------- */

/* A whole number as BIGINT: saturating, NaN is 0, as Java converts. */
static Value bigint_of_whole(double x)
{
    if (isnan(x))
        return value_bigint(0);
    if (x >= 0x1p63)
        return value_bigint(INT64_MAX);
    if (x < -0x1p63)
        return value_bigint(INT64_MIN);
    return value_bigint((int64_t)x);
}

static ErrCode round_integer(const FnCall *call, const Value *args, Value *out, Err *err)
{
    (void)call, (void)err;
    return fn_give(out, value_bigint(args[0].u.i));
}

static ErrCode round_double(const FnCall *call, const Value *args, Value *out, Err *err)
{
    double whole = floor(args[0].u.d);

    (void)call, (void)err;
    if (args[0].u.d - whole >= 0.5) /* exact, where adding 0.5 first is not */
        whole += 1;
    return fn_give(out, bigint_of_whole(whole));
}

static ErrCode trunc_double(const FnCall *call, const Value *args, Value *out, Err *err)
{
    (void)call, (void)err;
    return fn_give(out, bigint_of_whole(trunc(args[0].u.d)));
}

/*
 * v rounded at `places` behind the point, or before it when negative.  Rounding at 10^k is
 * rounding v / 10^k to a whole number, and dividing by 10^k is adding k to the scale.
 */
static ErrCode round_at(Arena *mem, Value v, int64_t places, DecimalRound round, Value *out,
                        Err *err)
{
    uint16_t k = places < 0 ? (uint16_t)-places : 0;
    Type     rounded = decimal_of_scale(places < 0 ? 0 : (uint16_t)places);
    Type     shifted = decimal_of_scale(k);

    v.scale = (uint16_t)(v.scale + k);
    TRY(decimal_fit(mem, v, &rounded, round, &v, err));
    if (k > 0) {
        TRY(decimal_fit(mem, v, &shifted, DECIMAL_ROUND_NONE, &v, err));
        v.scale = 0;
    }
    *out = v;
    return ERR_OK;
}

/* The one-argument forms: DECIMAL(p, s) to DECIMAL(p - s, 0). */
static ErrCode decimal_to_whole(const FnCall *call, Value v, DecimalRound round, Value *out,
                                Err *err)
{
    return round_at(call->mem, v, 0, round, out, err);
}

static ErrCode round_decimal(const FnCall *call, const Value *args, Value *out, Err *err)
{
    return decimal_to_whole(call, args[0], DECIMAL_ROUND_HALF_POS, out, err);
}

static ErrCode trunc_decimal(const FnCall *call, const Value *args, Value *out, Err *err)
{
    return decimal_to_whole(call, args[0], DECIMAL_ROUND_DOWN, out, err);
}

static ErrCode decimal_places(const FnCall *call, const Value *args, DecimalRound round, Value *out,
                              Err *err)
{
    Value   v = args[0];
    int64_t places = args[1].u.i;
    Type    own = decimal_of_scale(v.scale);

    if (places >= v.scale)
        return fn_give(out, v);
    if (places < -PLACES_MAX)
        return fn_give(out, decimal_from_i64(0, v.scale));
    TRY(round_at(call->mem, v, places, round, &v, err));
    return decimal_fit(call->mem, v, &own, DECIMAL_ROUND_NONE, out, err);
}

static ErrCode round_decimal_places(const FnCall *call, const Value *args, Value *out, Err *err)
{
    return decimal_places(call, args, DECIMAL_ROUND_HALF_POS, out, err);
}

static ErrCode trunc_decimal_places(const FnCall *call, const Value *args, Value *out, Err *err)
{
    return decimal_places(call, args, DECIMAL_ROUND_DOWN, out, err);
}

/* Through the shortest decimal text of the double. */
static ErrCode double_places(const FnCall *call, const Value *args, DecimalRound round, Value *out,
                             Err *err)
{
    int64_t places = args[1].u.i;
    Value   v;

    if (!decimal_from_double(call->mem, args[0].u.d, &v))
        return err_set(err, ERR_EVAL, "cannot round NaN or infinity to %lld places",
                       (long long)places);
    if (places >= v.scale)
        return fn_give(out, args[0]);
    if (places < -PLACES_MAX)
        return fn_give(out, value_double(0));
    TRY(round_at(call->mem, v, places, round, &v, err));
    return fn_give(out, value_double(decimal_to_double(v)));
}

static ErrCode round_double_places(const FnCall *call, const Value *args, Value *out, Err *err)
{
    return double_places(call, args, DECIMAL_ROUND_HALF_POS, out, err);
}

static ErrCode trunc_double_places(const FnCall *call, const Value *args, Value *out, Err *err)
{
    return double_places(call, args, DECIMAL_ROUND_DOWN, out, err);
}

static ErrCode whole_result(const Type *const *arg_types, uint32_t len, Arena *mem,
                            const Type **out, Err *err)
{
    const Type *type = arg_types[0];

    (void)len;
    if (type->precision == type->scale)
        return err_set(err, ERR_STATEMENT,
                       "DECIMAL(%u, %u) has no digits before the point to round to",
                       type->precision, type->scale);
    *out = type_decimal(mem, type->precision - type->scale, 0);
    return ERR_OK;
}

/* --- GREATEST, LEAST -------------------------------------------------------------------------- */

/* The argument that wins by `sign`; nulls do not take part. */
static Value extreme(const FnCall *call, const Value *args, int wanted)
{
    Value best = value_null();

    for (uint32_t i = 0; i < call->args_len; i++) {
        if (value_is_null(args[i]))
            continue;
        if (value_is_null(best) || value_order(args[i], best) * wanted > 0)
            best = args[i];
    }
    return best;
}

static ErrCode give_extreme(const FnCall *call, const Value *args, int wanted, Value *out, Err *err)
{
    Value best = extreme(call, args, wanted);

    if (best.kind == T_DECIMAL)
        return decimal_fit(call->mem, best, call->result, DECIMAL_ROUND_NONE, out, err);
    return fn_give(out, best);
}

static ErrCode greatest(const FnCall *call, const Value *args, Value *out, Err *err)
{
    return give_extreme(call, args, 1, out, err);
}

static ErrCode least(const FnCall *call, const Value *args, Value *out, Err *err)
{
    return give_extreme(call, args, -1, out, err);
}

/* Wide enough for every argument: the most digits before the point and the most behind it. */
static ErrCode widest_decimal(const Type *const *arg_types, uint32_t len, Arena *mem,
                              const Type **out, Err *err)
{
    int whole = 0;
    int scale = 0;

    for (uint32_t i = 0; i < len; i++) {
        const Type *type = arg_types[i];

        if (type->kind != T_DECIMAL)
            continue; /* a bare NULL */
        if (type->precision - type->scale > whole)
            whole = type->precision - type->scale;
        if (type->scale > scale)
            scale = type->scale;
    }
    if (whole + scale < 1 || whole + scale > DECIMAL_PRECISION_MAX)
        return err_set(err, ERR_STATEMENT, "no DECIMAL holds all arguments");
    *out = type_decimal(mem, whole + scale, scale);
    return ERR_OK;
}

/* --- the rows --------------------------------------------------------------------------------- */

#define OVERLOADS_1(name, eval, result, doc, example)                                              \
    FN(name, MATH, "(x INT) -> " result, NULL_IN_NULL_OUT, eval, doc, example),                    \
        FN(name, MATH, "(x BIGINT) -> " result, NULL_IN_NULL_OUT, eval, doc, example),             \
        FN(name, MATH, "(x DOUBLE) -> " result, NULL_IN_NULL_OUT, eval, doc, example)

#define OVERLOADS_2(name, a, b, eval, doc, example)                                                \
    FN(name, MATH, "(" a " INT, " b " INT) -> DOUBLE", NULL_IN_NULL_OUT, eval, doc, example),      \
        FN(name, MATH, "(" a " BIGINT, " b " BIGINT) -> DOUBLE", NULL_IN_NULL_OUT, eval, doc,      \
           example),                                                                               \
        FN(name, MATH, "(" a " DOUBLE, " b " DOUBLE) -> DOUBLE", NULL_IN_NULL_OUT, eval, doc,      \
           example)

/* ABS, CEIL, FLOOR: the result has the argument's type. */
#define OVERLOADS_SAME(name, eval, doc, example)                                                   \
    FN(name, MATH, "(x INT) -> INT", NULL_IN_NULL_OUT, eval, doc, example),                        \
        FN(name, MATH, "(x BIGINT) -> BIGINT", NULL_IN_NULL_OUT, eval, doc, example),              \
        FN(name, MATH, "(x DOUBLE) -> DOUBLE", NULL_IN_NULL_OUT, eval, doc, example),              \
        FN(name, MATH, "(x DECIMAL) -> DECIMAL", NULL_IN_NULL_OUT, eval, doc, example)

#define OVERLOADS_ORDERED(name, eval, doc, example)                                                \
    FN(name, MATH, "(x INT, more INT...) -> INT", NULL_IS_VALUE, eval, doc, example),              \
        FN(name, MATH, "(x BIGINT, more BIGINT...) -> BIGINT", NULL_IS_VALUE, eval, doc, example), \
        FN(name, MATH, "(x DOUBLE, more DOUBLE...) -> DOUBLE", NULL_IS_VALUE, eval, doc, example), \
        FN(name, MATH, "(x DECIMAL, more DECIMAL...) -> DECIMAL", NULL_IS_VALUE, eval, doc,        \
           example, .result = widest_decimal),                                                     \
        FN(name, MATH, "(x STRING, more STRING...) -> STRING", NULL_IS_VALUE, eval, doc, example), \
        FN(name, MATH, "(x BYTES, more BYTES...) -> BYTES", NULL_IS_VALUE, eval, doc, example),    \
        FN(name, MATH, "(x DATE, more DATE...) -> DATE", NULL_IS_VALUE, eval, doc, example),       \
        FN(name, MATH, "(x TIME, more TIME...) -> TIME", NULL_IS_VALUE, eval, doc, example),       \
        FN(name, MATH, "(x TIMESTAMP, more TIMESTAMP...) -> TIMESTAMP", NULL_IS_VALUE, eval, doc,  \
           example)

static const char ROUND_DOC[] =
    "The nearest whole number, or x rounded to so many places behind the point (before it when "
    "negative). Ties go towards positive infinity. With places, a DECIMAL keeps its scale; "
    "without, a DOUBLE beyond BIGINT becomes the nearest BIGINT, and NaN becomes 0. NaN and the "
    "infinities cannot be rounded to places: that is an error.";
static const char TRUNC_DOC[] =
    "x cut off towards zero, to a whole number or to so many places behind the point (before it "
    "when negative). With places, a DECIMAL keeps its scale; without, a DOUBLE beyond BIGINT "
    "becomes the nearest BIGINT, and NaN becomes 0.";

const FnDef fn_number[] = {
    OVERLOADS_SAME("ABS", abs_of,
                   "The absolute value of x. The smallest INT and the smallest BIGINT have none "
                   "and stay as they are.",
                   "ABS(-3) = 3"),
    OVERLOADS_1("ACOS", acos_of, "DOUBLE",
                "The angle in radians whose cosine is x; NaN outside -1 to 1.", "ACOS(1) = 0"),
    OVERLOADS_1("ASIN", asin_of, "DOUBLE",
                "The angle in radians whose sine is x; NaN outside -1 to 1.", "ASIN(0) = 0"),
    OVERLOADS_1("ATAN", atan_of, "DOUBLE", "The angle in radians whose tangent is x.",
                "ATAN(0) = 0"),
    OVERLOADS_2("ATAN2", "y", "x", atan2_of,
                "The angle in radians between the x axis and the line to the point (x, y). Mind "
                "the order of the arguments.",
                "ATAN2(0, 1) = 0"),
    OVERLOADS_1("CBRT", cbrt_of, "DOUBLE", "The cube root of x.", "CBRT(27) = 3"),
    OVERLOADS_SAME("CEIL", ceil_of,
                   "The smallest whole number that is not below x. A DECIMAL keeps its scale.",
                   "CEIL(1.2) = 2.0"),
    OVERLOADS_1("COS", cos_of, "DOUBLE", "The cosine of x radians.", "COS(0) = 1"),
    OVERLOADS_1("COSH", cosh_of, "DOUBLE", "The hyperbolic cosine of x.", "COSH(0) = 1"),
    OVERLOADS_1("COT", cot_of, "DOUBLE", "The cotangent of x radians; Infinity at 0.",
                "ROUND(COT(1), 4) = 0.6421"),
    OVERLOADS_1("DEGREES", degrees_of, "DOUBLE", "x radians in degrees.", "DEGREES(PI()) = 180"),
    OVERLOADS_1("EXP", exp_of, "DOUBLE", "e to the power of x.", "EXP(0) = 1"),
    OVERLOADS_SAME("FLOOR", floor_of,
                   "The largest whole number that is not above x. A DECIMAL keeps its scale.",
                   "FLOOR(1.8) = 1.0"),
    OVERLOADS_ORDERED("GREATEST", greatest,
                      "The largest argument; nulls are ignored unless all are null. All arguments "
                      "have one type: CAST numbers of different types. NaN is the largest DOUBLE, "
                      "text is ordered by its UTF-16 units, bytes are ordered as signed numbers.",
                      "GREATEST(1, 3, NULL) = 3"),
    OVERLOADS_ORDERED("LEAST", least,
                      "The smallest argument; nulls are ignored unless all are null. All arguments "
                      "have one type: CAST numbers of different types. NaN is the largest DOUBLE, "
                      "text is ordered by its UTF-16 units, bytes are ordered as signed numbers.",
                      "LEAST(2, 1, NULL) = 1"),
    OVERLOADS_1("LN", ln_of, "DOUBLE", "The natural logarithm of x; -Infinity at 0 and NaN below.",
                "LN(1) = 0"),
    OVERLOADS_1("LOG", ln_of, "DOUBLE",
                "The logarithm of x to a base, and without a base the natural one, not that to "
                "base 10. NaN when x is negative, or when the base is 1 or not positive.",
                "ROUND(LOG(13), 4) = 2.5649"),
    OVERLOADS_2("LOG", "base", "x", log_of_base,
                "The logarithm of x to a base, and without a base the natural one, not that to "
                "base 10. NaN when x is negative, or when the base is 1 or not positive.",
                "ROUND(LOG(2, 8), 6) = 3"),
    FN("PI", MATH, "() -> DOUBLE", NULL_IN_NULL_OUT, pi,
       "The ratio of a circle's circumference "
       "to its diameter.",
       "ROUND(PI(), 4) = 3.1416"),
    OVERLOADS_2(
        "POWER", "base", "exponent", power,
        "base to the power of exponent. Both have one type: CAST one of them if they differ.",
        "POWER(2, 10) = 1024"),
    OVERLOADS_1("RADIANS", radians_of, "DOUBLE", "x degrees in radians.",
                "ROUND(RADIANS(180), 4) = 3.1416"),
    FN("RANDOM", MATH, "() -> DOUBLE", NULL_IN_NULL_OUT, random_double,
       "A random number from 0 (included) to 1 (excluded).", "RANDOM() < 1", .flags = FN_VOLATILE),
    FN("ROUND", MATH, "(x INT) -> BIGINT", NULL_IS_ERROR, round_integer, ROUND_DOC, "ROUND(3) = 3"),
    FN("ROUND", MATH, "(x BIGINT) -> BIGINT", NULL_IS_ERROR, round_integer, ROUND_DOC,
       "ROUND(3000000000) = 3000000000"),
    FN("ROUND", MATH, "(x DOUBLE) -> BIGINT", NULL_IN_NULL_OUT, round_double, ROUND_DOC,
       "ROUND(-1.5E+0) = -1"),
    FN("ROUND", MATH, "(x DECIMAL) -> DECIMAL", NULL_IN_NULL_OUT, round_decimal, ROUND_DOC,
       "ROUND(1.5) = 2", .result = whole_result),
    FN("ROUND", MATH, "(x DOUBLE, places INT) -> DOUBLE", NULL_IN_NULL_OUT, round_double_places,
       ROUND_DOC, "ROUND(12345.678E+0, -2) = 12300"),
    FN("ROUND", MATH, "(x DECIMAL, places INT) -> DECIMAL", NULL_IN_NULL_OUT, round_decimal_places,
       ROUND_DOC, "ROUND(1.257, 2) = 1.260"),
    OVERLOADS_1("SIGN", sign, "INT", "-1, 0 or 1, as x is negative, zero or positive; 0 for NaN.",
                "SIGN(-5) = -1"),
    OVERLOADS_1("SIN", sin_of, "DOUBLE", "The sine of x radians.", "SIN(0) = 0"),
    OVERLOADS_1("SINH", sinh_of, "DOUBLE", "The hyperbolic sine of x.", "SINH(0) = 0"),
    OVERLOADS_1("SQRT", sqrt_of, "DOUBLE", "The square root of x; NaN when x is negative.",
                "SQRT(16) = 4"),
    OVERLOADS_1("TAN", tan_of, "DOUBLE", "The tangent of x radians.", "TAN(0) = 0"),
    OVERLOADS_1("TANH", tanh_of, "DOUBLE", "The hyperbolic tangent of x.", "TANH(0) = 0"),
    FN("TRUNC", MATH, "(x INT) -> BIGINT", NULL_IN_NULL_OUT, round_integer, TRUNC_DOC,
       "TRUNC(3) = 3"),
    FN("TRUNC", MATH, "(x BIGINT) -> BIGINT", NULL_IN_NULL_OUT, round_integer, TRUNC_DOC,
       "TRUNC(3000000000) = 3000000000"),
    FN("TRUNC", MATH, "(x DOUBLE) -> BIGINT", NULL_IN_NULL_OUT, trunc_double, TRUNC_DOC,
       "TRUNC(-1.5E+0) = -1"),
    FN("TRUNC", MATH, "(x DECIMAL) -> DECIMAL", NULL_IN_NULL_OUT, trunc_decimal, TRUNC_DOC,
       "TRUNC(1.9) = 1", .result = whole_result),
    FN("TRUNC", MATH, "(x DOUBLE, places INT) -> DOUBLE", NULL_IN_NULL_OUT, trunc_double_places,
       TRUNC_DOC, "TRUNC(1.257E+0, 2) = 1.25"),
    FN("TRUNC", MATH, "(x DECIMAL, places INT) -> DECIMAL", NULL_IN_NULL_OUT, trunc_decimal_places,
       TRUNC_DOC, "TRUNC(1.257, 2) = 1.250"),
    {.name = NULL},
};
