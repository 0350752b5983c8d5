/*
 * agg_statistics.c -- STDDEV_SAMP, STDDEV_SAMPLE and CORRELATION.
 *
 * Deviations keep sum, count and M2, the sum of squared distances from the mean, by the updates of
 * Youngs and Cramer; undo is the exact inverse of add.  STDDEV_SAMP gives the variance, as it
 * always did in ksqlDB; STDDEV_SAMPLE is the deviation.  (ksqlDB merges STDDEV_SAMP of integers
 * with the whole parts of the means, which is no variance; here sessions merge exactly.)
 */
#include <math.h>

#include "exec/functions/agg_value.h"

enum { SLOT_SUM, SLOT_COUNT, SLOT_M2, DEVIATION_SLOTS };

static ErrCode deviation_slots(const AggCall *call, Arena *mem, const Type **out, Err *err)
{
    (void)mem, (void)err;
    out[SLOT_SUM] = call->arg_types[0];
    out[SLOT_COUNT] = &type_bigint;
    out[SLOT_M2] = &type_double;
    return ERR_OK;
}

static void deviation_init(const AggCall *call, AggSlots *slots)
{
    agg_set(slots, SLOT_SUM, agg_number(call->arg_types[0]->kind, 0, 0));
    agg_set(slots, SLOT_COUNT, value_bigint(0));
    agg_set(slots, SLOT_M2, value_double(0));
}

static Value sum_of(Value a, Value b, int sign)
{
    if (a.kind == T_DOUBLE)
        return value_double(a.u.d + sign * b.u.d);
    return agg_number(
        (TypeKind)a.kind,
        sign > 0 ? (uint64_t)a.u.i + (uint64_t)b.u.i : (uint64_t)a.u.i - (uint64_t)b.u.i, 0);
}

/* How much x adds to M2 when it is the n-th value and sum includes it. */
static double squared_distance(Value x, Value sum, int64_t n)
{
    double d;

    if (n < 2)
        return 0;
    d = fn_number_arg(x) * (double)n - fn_number_arg(sum);
    return d * d / ((double)n * (double)(n - 1));
}

static ErrCode deviation_add(const AggCall *call, AggSlots *slots, const Value *args, Err *err)
{
    Value   sum;
    int64_t n = slots->values[SLOT_COUNT].u.i + 1;

    (void)call, (void)err;
    if (value_is_null(args[0]))
        return ERR_OK;
    sum = sum_of(slots->values[SLOT_SUM], args[0], 1);
    agg_set(slots, SLOT_SUM, sum);
    agg_set(slots, SLOT_COUNT, value_bigint(n));
    agg_set(slots, SLOT_M2,
            value_double(slots->values[SLOT_M2].u.d + squared_distance(args[0], sum, n)));
    return ERR_OK;
}

static ErrCode deviation_undo(const AggCall *call, AggSlots *slots, const Value *args, Err *err)
{
    Value   sum = slots->values[SLOT_SUM];
    int64_t n = slots->values[SLOT_COUNT].u.i;

    (void)call, (void)err;
    if (value_is_null(args[0]))
        return ERR_OK;
    agg_set(slots, SLOT_M2,
            value_double(slots->values[SLOT_M2].u.d - squared_distance(args[0], sum, n)));
    agg_set(slots, SLOT_SUM, sum_of(sum, args[0], -1));
    agg_set(slots, SLOT_COUNT, value_bigint(n - 1));
    return ERR_OK;
}

static double mean_of(const AggSlots *slots)
{
    int64_t n = slots->values[SLOT_COUNT].u.i;

    return n ? fn_number_arg(slots->values[SLOT_SUM]) / (double)n : 0;
}

static ErrCode deviation_merge(const AggCall *call, AggSlots *into, const AggSlots *other, Err *err)
{
    double n1 = (double)into->values[SLOT_COUNT].u.i;
    double n2 = (double)other->values[SLOT_COUNT].u.i;
    double m2 = into->values[SLOT_M2].u.d + other->values[SLOT_M2].u.d;
    double d = mean_of(into) - mean_of(other);

    (void)call, (void)err;
    if (n1 > 0 && n2 > 0)
        m2 += n1 * n2 * d * d / (n1 + n2);
    agg_set(into, SLOT_SUM, sum_of(into->values[SLOT_SUM], other->values[SLOT_SUM], 1));
    agg_set(into, SLOT_COUNT,
            value_bigint(into->values[SLOT_COUNT].u.i + other->values[SLOT_COUNT].u.i));
    agg_set(into, SLOT_M2, value_double(m2));
    return ERR_OK;
}

static double variance_of(const AggSlots *slots)
{
    int64_t n = slots->values[SLOT_COUNT].u.i;

    return n < 2 ? 0 : slots->values[SLOT_M2].u.d / (double)(n - 1);
}

static ErrCode samp_finish(const AggCall *call, const AggSlots *slots, Value *out, Err *err)
{
    (void)call, (void)err;
    *out = value_double(variance_of(slots));
    return ERR_OK;
}

static ErrCode sample_finish(const AggCall *call, const AggSlots *slots, Value *out, Err *err)
{
    (void)call, (void)err;
    *out = value_double(sqrt(variance_of(slots)));
    return ERR_OK;
}

/* --- CORRELATION ------------------------------------------------------------------------------ */

enum { SLOT_X, SLOT_Y, SLOT_XX, SLOT_YY, SLOT_XY, SLOT_ROWS, CORRELATION_SLOTS };

static ErrCode correlation_slots(const AggCall *call, Arena *mem, const Type **out, Err *err)
{
    (void)call, (void)mem, (void)err;
    for (int i = SLOT_X; i <= SLOT_XY; i++)
        out[i] = &type_double;
    out[SLOT_ROWS] = &type_bigint;
    return ERR_OK;
}

static void correlation_init(const AggCall *call, AggSlots *slots)
{
    (void)call;
    for (uint32_t i = SLOT_X; i <= SLOT_XY; i++)
        agg_set(slots, i, value_double(0));
    agg_set(slots, SLOT_ROWS, value_bigint(0));
}

/* A row counts only if both values are there. */
static ErrCode correlation_change(AggSlots *slots, const Value *args, int sign)
{
    double x, y;
    double change[SLOT_ROWS];

    if (value_is_null(args[0]) || value_is_null(args[1]))
        return ERR_OK;
    x = fn_number_arg(args[0]);
    y = fn_number_arg(args[1]);
    change[SLOT_X] = x;
    change[SLOT_Y] = y;
    change[SLOT_XX] = x * x;
    change[SLOT_YY] = y * y;
    change[SLOT_XY] = x * y;
    for (uint32_t i = SLOT_X; i <= SLOT_XY; i++)
        agg_set(slots, i, value_double(slots->values[i].u.d + sign * change[i]));
    agg_set(slots, SLOT_ROWS, value_bigint(slots->values[SLOT_ROWS].u.i + sign));
    return ERR_OK;
}

static ErrCode correlation_add(const AggCall *call, AggSlots *slots, const Value *args, Err *err)
{
    (void)call, (void)err;
    return correlation_change(slots, args, 1);
}

static ErrCode correlation_undo(const AggCall *call, AggSlots *slots, const Value *args, Err *err)
{
    (void)call, (void)err;
    return correlation_change(slots, args, -1);
}

static ErrCode correlation_merge(const AggCall *call, AggSlots *into, const AggSlots *other,
                                 Err *err)
{
    (void)call, (void)err;
    for (uint32_t i = SLOT_X; i <= SLOT_XY; i++)
        agg_set(into, i, value_double(into->values[i].u.d + other->values[i].u.d));
    agg_set(into, SLOT_ROWS,
            value_bigint(into->values[SLOT_ROWS].u.i + other->values[SLOT_ROWS].u.i));
    return ERR_OK;
}

static ErrCode correlation_finish(const AggCall *call, const AggSlots *slots, Value *out, Err *err)
{
    const Value *v = slots->values;
    double       n = (double)v[SLOT_ROWS].u.i;
    double       xy = n * v[SLOT_XY].u.d - v[SLOT_X].u.d * v[SLOT_Y].u.d;
    double       xx = n * v[SLOT_XX].u.d - v[SLOT_X].u.d * v[SLOT_X].u.d;
    double       yy = n * v[SLOT_YY].u.d - v[SLOT_Y].u.d * v[SLOT_Y].u.d;

    (void)call, (void)err;
    *out = value_double(n < 2 || xx == 0 || yy == 0 ? NAN : xy / sqrt(xx * yy));
    return ERR_OK;
}

/* --- the rows --------------------------------------------------------------------------------- */

#define AGG_CORRELATION(type)                                                                      \
    {                                                                                              \
        .name = "CORRELATION", .sig = "(x " type ", y " type ") -> DOUBLE",                        \
        .slots_len = CORRELATION_SLOTS,                                                            \
        .doc = "Pearson's correlation of two columns, over the rows where neither is null; NaN "   \
               "for fewer than two of them or a constant column.",                                 \
        .example = "CORRELATION of (1, 2), (2, 4), (3, 6) = 1", .slot_types = correlation_slots,   \
        .init = correlation_init, .add = correlation_add, .undo = correlation_undo,                \
        .merge = correlation_merge, .finish = correlation_finish                                   \
    }

#define AGG_STDDEV_SAMP(type)                                                                      \
    {                                                                                              \
        .name = "STDDEV_SAMP", .sig = "(x " type ") -> DOUBLE", .slots_len = DEVIATION_SLOTS,      \
        .doc = "The sample variance, whatever its name says (its square root is STDDEV_SAMPLE); "  \
               "nulls are ignored, and fewer than two values give 0.",                             \
        .example = "STDDEV_SAMP of 1, 2, 3 = 1", .slot_types = deviation_slots,                    \
        .init = deviation_init, .add = deviation_add, .undo = deviation_undo,                      \
        .merge = deviation_merge, .finish = samp_finish                                            \
    }

#define AGG_STDDEV_SAMPLE(type)                                                                    \
    {                                                                                              \
        .name = "STDDEV_SAMPLE", .sig = "(x " type ") -> DOUBLE", .slots_len = DEVIATION_SLOTS,    \
        .doc = "The standard deviation of a sample; nulls are ignored, and fewer than two values " \
               "give 0.",                                                                          \
        .example = "STDDEV_SAMPLE of 1, 3, 5 = 2", .slot_types = deviation_slots,                  \
        .init = deviation_init, .add = deviation_add, .undo = deviation_undo,                      \
        .merge = deviation_merge, .finish = sample_finish                                          \
    }

const AggDef agg_statistics[] = {
    AGG_CORRELATION("INT"),   AGG_CORRELATION("BIGINT"),   AGG_CORRELATION("DOUBLE"),
    AGG_STDDEV_SAMP("INT"),   AGG_STDDEV_SAMP("BIGINT"),   AGG_STDDEV_SAMP("DOUBLE"),
    AGG_STDDEV_SAMPLE("INT"), AGG_STDDEV_SAMPLE("BIGINT"), AGG_STDDEV_SAMPLE("DOUBLE"),
    {.name = NULL},
};
