/*
 * fn_lambda.c -- FILTER, TRANSFORM and REDUCE over arrays and maps.
 */
#include "exec/functions/fn_table.h"
#include "exec/functions/fn_value.h"

static const char LAMBDA[] = "LAMBDA";

/* --- FILTER ----------------------------------------------------------------------------------- */

static ErrCode keeps(const FnCall *call, const Value *args, bool *out, Err *err)
{
    Value v;

    TRY(call->lambda(call, 1, args, &v, err));
    if (value_is_null(v))
        return err_set(err, ERR_EVAL, "lambda of FILTER gave null");
    *out = v.u.b;
    return ERR_OK;
}

static ErrCode filter_array(const FnCall *call, const Value *args, Value *out, Err *err)
{
    Value *items = fn_items(call, args[0].len);
    size_t len = 0;

    for (uint32_t i = 0; i < args[0].len; i++) {
        bool is_kept = false;

        TRY(keeps(call, &args[0].u.items[i], &is_kept, err));
        if (is_kept)
            items[len++] = args[0].u.items[i];
    }
    return fn_give(out, value_items(T_ARRAY, items, len));
}

static ErrCode filter_map(const FnCall *call, const Value *args, Value *out, Err *err)
{
    Value *items = fn_items(call, (size_t)args[0].len * 2);
    size_t len = 0;

    for (uint32_t i = 0; i < args[0].len; i++) {
        const Value *entry = args[0].u.items + 2 * i;
        bool         is_kept = false;

        TRY(keeps(call, entry, &is_kept, err));
        if (!is_kept)
            continue;
        if (value_is_null(entry[1]))
            return err_set(err, ERR_EVAL, "FILTER cannot keep a null value of a map");
        items[2 * len] = entry[0];
        items[2 * len + 1] = entry[1];
        len++;
    }
    return fn_give(out, value_items(T_MAP, items, len));
}

/* --- TRANSFORM -------------------------------------------------------------------------------- */

static ErrCode transform_array(const FnCall *call, const Value *args, Value *out, Err *err)
{
    Value *items = fn_items(call, args[0].len);

    for (uint32_t i = 0; i < args[0].len; i++)
        TRY(call->lambda(call, 1, &args[0].u.items[i], &items[i], err));
    return fn_give(out, value_items(T_ARRAY, items, args[0].len));
}

static ErrCode transform_map(const FnCall *call, const Value *args, Value *out, Err *err)
{
    FnMap map;

    fn_map_init(&map, call->mem, args[0].len);
    for (uint32_t i = 0; i < args[0].len; i++) {
        const Value *entry = args[0].u.items + 2 * i;
        Value        key, value;

        TRY(call->lambda(call, 1, entry, &key, err));
        TRY(call->lambda(call, 2, entry, &value, err));
        if (fn_set_has(&map.keys, key))
            return err_set(err, ERR_EVAL, "lambda of TRANSFORM gave the same key twice");
        if (value_is_null(value))
            return err_set(err, ERR_EVAL, "lambda of TRANSFORM gave a null value for a map");
        fn_map_put(&map, key, value);
    }
    return fn_give(out, fn_map_value(&map));
}

/* --- REDUCE ----------------------------------------------------------------------------------- */

static ErrCode reduce_array(const FnCall *call, const Value *args, Value *out, Err *err)
{
    Value state = args[1];

    for (uint32_t i = 0; !value_is_null(args[0]) && !value_is_null(args[1]) && i < args[0].len;
         i++) {
        Value lambda_args[2] = {state, args[0].u.items[i]};

        TRY(call->lambda(call, 2, lambda_args, &state, err));
    }
    return fn_give(out, state);
}

static ErrCode reduce_map(const FnCall *call, const Value *args, Value *out, Err *err)
{
    Value state = args[1];
    Value map;

    if (value_is_null(args[0]) || value_is_null(state))
        return fn_give(out, state);
    map = fn_map_in_java_order(call->mem, args[0]);
    for (uint32_t i = 0; i < map.len; i++) {
        Value lambda_args[3] = {state, map.u.items[2 * i], map.u.items[2 * i + 1]};

        TRY(call->lambda(call, 2, lambda_args, &state, err));
    }
    return fn_give(out, state);
}

static const char FILTER_DOC[] =
    "The elements or entries for which the lambda is TRUE. A lambda that gives null is an error.";
static const char REDUCE_DOC[] =
    "What is left after the lambda made of the state and each element or entry, one after another, "
    "the next state; its result has the type of the state. A null array or map gives the state as "
    "it is, a null state gives null.";

const FnDef fn_lambda[] = {
    FN("FILTER", LAMBDA, "(a ARRAY<T>, f LAMBDA(T) -> BOOLEAN) -> ARRAY<T>", NULL_IN_NULL_OUT,
       filter_array, FILTER_DOC, "FILTER(ARRAY[1, 2, 3], x => x > 1) = ARRAY[2, 3]"),
    FN("FILTER", LAMBDA, "(m MAP<K, V>, f LAMBDA(K, V) -> BOOLEAN) -> MAP<K, V>", NULL_IN_NULL_OUT,
       filter_map, FILTER_DOC,
       "MAP_KEYS(FILTER(MAP('a' := 1, 'b' := 2), (k, v) => v > 1)) = ARRAY['b']"),
    FN("REDUCE", LAMBDA, "(a ARRAY<T>, state S, f LAMBDA(S, T) -> S) -> S", NULL_IS_VALUE,
       reduce_array, REDUCE_DOC, "REDUCE(ARRAY[1, 2, 3], 0, (s, x) => s + x) = 6"),
    FN("REDUCE", LAMBDA, "(m MAP<K, V>, state S, f LAMBDA(S, K, V) -> S) -> S", NULL_IS_VALUE,
       reduce_map, REDUCE_DOC, "REDUCE(MAP('a' := 1, 'b' := 2), 0, (s, k, v) => s + v) = 3"),
    FN("TRANSFORM", LAMBDA, "(a ARRAY<T>, f LAMBDA(T) -> R) -> ARRAY<R>", NULL_IN_NULL_OUT,
       transform_array, "The results of the lambda for every element, which may be null.",
       "TRANSFORM(ARRAY[1, 2], x => x * 2) = ARRAY[2, 4]"),
    FN("TRANSFORM", LAMBDA,
       "(m MAP<K, V>, key LAMBDA(K, V) -> R, value LAMBDA(K, V) -> T) -> MAP<R, T>",
       NULL_IN_NULL_OUT, transform_map,
       "A map of new keys and values, made by one lambda each from every entry. Two equal new keys "
       "and a null new value are errors.",
       "TRANSFORM(MAP('a' := 1), (k, v) => UCASE(k), (k, v) => v + 1)['A'] = 2"),
    {.name = NULL},
};
