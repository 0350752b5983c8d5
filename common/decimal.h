/*
 * decimal.h -- exact DECIMAL arithmetic on Values.
 *
 * A decimal is an unscaled integer and a scale (value.h).  Values that fit 64 bits never touch
 * GMP; larger ones go through it.  The type rules of SQL (precision and scale of a result) live
 * in decimal_type_*(); results are set to that type with rounding disallowed: a value that does
 * not fit is ERR_EVAL.
 *
 * Big results are placed in the arena given.  Thread: any.
 */
#ifndef COMMON_DECIMAL_H
#define COMMON_DECIMAL_H

#include "common/value.h"

typedef enum DecimalOp {
    DECIMAL_ADD,
    DECIMAL_SUB,
    DECIMAL_MUL,
    DECIMAL_DIV,
    DECIMAL_MOD
} DecimalOp;
typedef enum DecimalRound {
    DECIMAL_ROUND_NONE,     /* inexact is an error */
    DECIMAL_ROUND_DOWN,     /* towards zero */
    DECIMAL_ROUND_HALF_UP,  /* ties away from zero */
    DECIMAL_ROUND_HALF_POS, /* ties towards +infinity (ROUND) */
    DECIMAL_ROUND_FLOOR,
    DECIMAL_ROUND_CEIL
} DecimalRound;

/* The result type of a op b, both DECIMAL (integers first become DECIMAL(10,0) / (19,0)). */
const Type *decimal_type_of(Arena *arena, DecimalOp op, const Type *a, const Type *b);

static inline Value decimal_from_i64(int64_t unscaled, uint16_t scale)
{
    return (Value){.kind = T_DECIMAL, .scale = scale, .u.i = unscaled};
}

/* Digits, optional sign, point and exponent; scale as written.  false when it is no number. */
bool decimal_parse(Arena *arena, Str text, Value *out);
/* The exact decimal of the shortest text of d (as new BigDecimal(Double.toString(d))). */
bool   decimal_from_double(Arena *arena, double d, Value *out);
double decimal_to_double(Value v);
/* Truncates towards zero; wraps like Java's BigDecimal.longValue(). */
int64_t decimal_to_i64(Value v);

/* Number of digits of the unscaled value (0 has 1). */
int decimal_precision(Value v);

/* v set to precision and scale of type; ERR_EVAL "... does not fit DECIMAL(p, s)". */
ErrCode  decimal_fit(Arena *arena, Value v, const Type *type, DecimalRound round, Value *out,
                     Err *err) ERR_MUST_USE;
ErrCode  decimal_arith(Arena *arena, DecimalOp op, Value a, Value b, const Type *result, Value *out,
                       Err *err) ERR_MUST_USE;
Value    decimal_neg(Arena *arena, Value v);
Value    decimal_abs(Arena *arena, Value v);
int      decimal_sign(Value v);
int      decimal_cmp(Value a, Value b); /* numerically, scales may differ */
uint64_t decimal_hash(Value v);         /* numerically equal values hash equally */

/* Plain notation with the value's scale: 1.50, -0.003; never an exponent. */
void decimal_print(Buf *out, Value v);

/* Unscaled value as minimal big-endian two's complement bytes, and back (Avro, Protobuf). */
Str   decimal_unscaled_bytes(Arena *arena, Value v);
Value decimal_from_unscaled_bytes(Arena *arena, Str bytes, uint16_t scale);

#endif
