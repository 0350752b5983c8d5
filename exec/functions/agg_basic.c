/*
 * agg_basic.c -- COUNT, SUM, SUM_LIST, AVG, MIN and MAX.
 *
 * Nulls are not counted, added or compared.  A sum starts at 0 and stays 0 when all values are
 * null, and so an average of nothing is 0.0, as in ksqlDB.  Integer sums wrap.
 */
#include "common/decimal.h"
#include "exec/functions/agg_value.h"

/* --- adding ----------------------------------------------------------------------------------- */

static Value zero_of(const Type *type)
{
    switch (type->kind) {
    case T_DOUBLE:
        return value_double(0);
    case T_DECIMAL:
        return decimal_from_i64(0, type->scale);
    default:
        return (Value){.kind = (uint8_t)type->kind};
    }
}

/* a + sign * b for the fixed-size kinds. */
static Value sum_of(Value a, Value b, int sign)
{
    uint64_t sum;

    if (a.kind == T_DOUBLE)
        return value_double(a.u.d + sign * b.u.d);
    sum = (uint64_t)a.u.i + (uint64_t)(sign * 1ll) * (uint64_t)b.u.i;
    if (a.kind == T_INT)
        return value_int((int32_t)sum);
    return value_bigint((int64_t)sum);
}

/* Only `add` is bound to the declared precision; undo and merge take what comes. */
static ErrCode add_decimal(const AggCall *call, AggSlots *slots, Value v, int sign, bool is_bound,
                           Err *err)
{
    Type wide = {
        .kind = T_DECIMAL, .precision = DECIMAL_PRECISION_MAX, .scale = call->result->scale};
    Value sum;

    TRY(decimal_arith(call->mem, sign > 0 ? DECIMAL_ADD : DECIMAL_SUB, slots->values[0], v, &wide,
                      &sum, err));
    if (is_bound)
        TRY(decimal_fit(call->mem, sum, call->result, DECIMAL_ROUND_HALF_UP, &sum, err));
    agg_set(slots, 0, sum);
    return ERR_OK;
}

static ErrCode add_sum(const AggCall *call, AggSlots *slots, Value v, int sign, bool is_bound,
                       Err *err)
{
    if (value_is_null(v))
        return ERR_OK;
    if (v.kind == T_DECIMAL)
        return add_decimal(call, slots, v, sign, is_bound, err);
    agg_set(slots, 0, sum_of(slots->values[0], v, sign));
    return ERR_OK;
}

/* --- COUNT ------------------------------------------------------------------------------------ */

static void count_init(const AggCall *call, AggSlots *slots)
{
    (void)call;
    agg_set(slots, 0, value_bigint(0));
}

static ErrCode count_add(const AggCall *call, AggSlots *slots, const Value *args, Err *err)
{
    (void)call, (void)err;
    if (!value_is_null(args[0]))
        agg_set(slots, 0, value_bigint(slots->values[0].u.i + 1));
    return ERR_OK;
}

static ErrCode count_undo(const AggCall *call, AggSlots *slots, const Value *args, Err *err)
{
    (void)call, (void)err;
    if (!value_is_null(args[0]))
        agg_set(slots, 0, value_bigint(slots->values[0].u.i - 1));
    return ERR_OK;
}

/* --- SUM, SUM_LIST ---------------------------------------------------------------------------- */

static void sum_init(const AggCall *call, AggSlots *slots)
{
    agg_set(slots, 0, zero_of(call->result));
}

static ErrCode sum_add(const AggCall *call, AggSlots *slots, const Value *args, Err *err)
{
    return add_sum(call, slots, args[0], 1, true, err);
}

static ErrCode sum_undo(const AggCall *call, AggSlots *slots, const Value *args, Err *err)
{
    return add_sum(call, slots, args[0], -1, false, err);
}

static ErrCode sum_merge(const AggCall *call, AggSlots *into, const AggSlots *other, Err *err)
{
    return add_sum(call, into, other->values[0], 1, false, err);
}

static ErrCode sum_list(const AggCall *call, AggSlots *slots, Value array, int sign, Err *err)
{
    if (value_is_null(array))
        return ERR_OK;
    for (uint32_t i = 0; i < array.len; i++)
        TRY(add_sum(call, slots, array.u.items[i], sign, true, err));
    return ERR_OK;
}

static ErrCode sum_list_add(const AggCall *call, AggSlots *slots, const Value *args, Err *err)
{
    return sum_list(call, slots, args[0], 1, err);
}

static ErrCode sum_list_undo(const AggCall *call, AggSlots *slots, const Value *args, Err *err)
{
    return sum_list(call, slots, args[0], -1, err);
}

/* --- AVG: sum and count ----------------------------------------------------------------------- */

static ErrCode avg_slots(const AggCall *call, Arena *mem, const Type **out, Err *err)
{
    (void)mem, (void)err;
    out[0] = call->arg_types[0];
    out[1] = &type_bigint;
    return ERR_OK;
}

static void avg_init(const AggCall *call, AggSlots *slots)
{
    agg_set(slots, 0, zero_of(call->slot_types[0]));
    agg_set(slots, 1, value_bigint(0));
}

static ErrCode avg_change(AggSlots *slots, Value v, int sign)
{
    if (value_is_null(v))
        return ERR_OK;
    agg_set(slots, 0, sum_of(slots->values[0], v, sign));
    agg_set(slots, 1, value_bigint(slots->values[1].u.i + sign));
    return ERR_OK;
}

static ErrCode avg_add(const AggCall *call, AggSlots *slots, const Value *args, Err *err)
{
    (void)call, (void)err;
    return avg_change(slots, args[0], 1);
}

static ErrCode avg_undo(const AggCall *call, AggSlots *slots, const Value *args, Err *err)
{
    (void)call, (void)err;
    return avg_change(slots, args[0], -1);
}

static ErrCode avg_merge(const AggCall *call, AggSlots *into, const AggSlots *other, Err *err)
{
    (void)call, (void)err;
    agg_set(into, 0, sum_of(into->values[0], other->values[0], 1));
    agg_set(into, 1, value_bigint(into->values[1].u.i + other->values[1].u.i));
    return ERR_OK;
}

static ErrCode avg_finish(const AggCall *call, const AggSlots *slots, Value *out, Err *err)
{
    int64_t count = slots->values[1].u.i;

    (void)call, (void)err;
    *out = value_double(count == 0 ? 0.0 : fn_number_arg(slots->values[0]) / (double)count);
    return ERR_OK;
}

/* --- MIN, MAX --------------------------------------------------------------------------------- */

static void keep_extreme(AggSlots *slots, Value v, int wanted)
{
    if (value_is_null(v))
        return;
    if (value_is_null(slots->values[0]) || value_order(v, slots->values[0]) * wanted > 0)
        agg_set(slots, 0, v);
}

static ErrCode min_add(const AggCall *call, AggSlots *slots, const Value *args, Err *err)
{
    (void)call, (void)err;
    keep_extreme(slots, args[0], -1);
    return ERR_OK;
}

static ErrCode min_merge(const AggCall *call, AggSlots *into, const AggSlots *other, Err *err)
{
    return min_add(call, into, other->values, err);
}

static ErrCode max_add(const AggCall *call, AggSlots *slots, const Value *args, Err *err)
{
    (void)call, (void)err;
    keep_extreme(slots, args[0], 1);
    return ERR_OK;
}

static ErrCode max_merge(const AggCall *call, AggSlots *into, const AggSlots *other, Err *err)
{
    return max_add(call, into, other->values, err);
}

/* --- the rows --------------------------------------------------------------------------------- */

#define AGG_COUNT                                                                                  \
    .slots_len = 1, .state_is_value = true, .slot_types = agg_slot_of_result, .init = count_init,  \
    .add = count_add, .undo = count_undo, .merge = sum_merge, .finish = agg_give_slot

#define AGG_SUM(type)                                                                              \
    {                                                                                              \
        .name = "SUM", .sig = "(x " type ") -> " type, .slots_len = 1, .state_is_value = true,     \
        .doc = "The sum of the values that are not null; 0 when there is none. INT and BIGINT "    \
               "wrap around when it grows too large, so CAST where it can; a DECIMAL sum with "    \
               "too many digits is an error that stops the query.",                                \
        .example = "SUM of 1, NULL, 2 = 3", .slot_types = agg_slot_of_result, .init = sum_init,    \
        .add = sum_add, .undo = sum_undo, .merge = sum_merge, .finish = agg_give_slot              \
    }

#define AGG_SUM_LIST(type)                                                                         \
    {                                                                                              \
        .name = "SUM_LIST", .sig = "(a ARRAY<" type ">) -> " type, .slots_len = 1,                 \
        .state_is_value = true,                                                                    \
        .doc =                                                                                     \
            "The sum of all elements of all arrays; null arrays and null elements are ignored.",   \
        .example = "SUM_LIST of ARRAY[1, 2], ARRAY[3] = 6", .slot_types = agg_slot_of_result,      \
        .init = sum_init, .add = sum_list_add, .undo = sum_list_undo, .merge = sum_merge,          \
        .finish = agg_give_slot                                                                    \
    }

#define AGG_AVG(type)                                                                              \
    {                                                                                              \
        .name = "AVG", .sig = "(x " type ") -> DOUBLE", .slots_len = 2,                            \
        .doc = "The average of the values that are not null; 0 when there is none. CAST a "        \
               "DECIMAL to DOUBLE.",                                                               \
        .example = "AVG of 1, NULL, 2 = 1.5", .slot_types = avg_slots, .init = avg_init,           \
        .add = avg_add, .undo = avg_undo, .merge = avg_merge, .finish = avg_finish                 \
    }

#define AGG_MIN(type)                                                                              \
    {                                                                                              \
        .name = "MIN", .sig = "(x " type ") -> " type, .slots_len = 1, .state_is_value = true,     \
        .doc = "The smallest value that is not null; null when there is none.",                    \
        .example = "MIN of 2, NULL, 1 = 1", .slot_types = agg_slot_of_result,                      \
        .init = agg_init_null, .add = min_add, .merge = min_merge, .finish = agg_give_slot         \
    }

#define AGG_MAX(type)                                                                              \
    {                                                                                              \
        .name = "MAX", .sig = "(x " type ") -> " type, .slots_len = 1, .state_is_value = true,     \
        .doc = "The largest value that is not null; null when there is none.",                     \
        .example = "MAX of 2, NULL, 3 = 3", .slot_types = agg_slot_of_result,                      \
        .init = agg_init_null, .add = max_add, .merge = max_merge, .finish = agg_give_slot         \
    }

const AggDef agg_basic[] = {
    AGG_AVG("INT"),
    AGG_AVG("BIGINT"),
    AGG_AVG("DOUBLE"),
    {.name = "COUNT",
     .sig = "(x T) -> BIGINT",
     .doc = "The number of values that are not null; COUNT(*) counts all rows.",
     .example = "COUNT of 1, NULL, 2 = 2",
     AGG_COUNT},
    AGG_MAX("INT"),
    AGG_MAX("BIGINT"),
    AGG_MAX("DOUBLE"),
    AGG_MAX("DECIMAL"),
    AGG_MAX("DATE"),
    AGG_MAX("TIME"),
    AGG_MAX("TIMESTAMP"),
    AGG_MAX("STRING"),
    AGG_MAX("BYTES"),
    AGG_MIN("INT"),
    AGG_MIN("BIGINT"),
    AGG_MIN("DOUBLE"),
    AGG_MIN("DECIMAL"),
    AGG_MIN("DATE"),
    AGG_MIN("TIME"),
    AGG_MIN("TIMESTAMP"),
    AGG_MIN("STRING"),
    AGG_MIN("BYTES"),
    AGG_SUM("INT"),
    AGG_SUM("BIGINT"),
    AGG_SUM("DOUBLE"),
    AGG_SUM("DECIMAL"),
    AGG_SUM_LIST("INT"),
    AGG_SUM_LIST("BIGINT"),
    AGG_SUM_LIST("DOUBLE"),
    {.name = NULL},
};
