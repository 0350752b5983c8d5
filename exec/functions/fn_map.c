/*
 * fn_map.c -- maps.
 *
 * A map keeps the order in which its keys came; where an array shows it, entries stand as ksqlDB
 * would show them.
 */
#include <stdlib.h>

#include "exec/functions/fn_table.h"
#include "exec/functions/fn_value.h"
#include "exec/value_order.h"

static const char MAP[] = "MAP";

static ErrCode as_map(const FnCall *call, const Value *args, Value *out, Err *err)
{
    FnMap map;

    (void)err;
    fn_map_init(&map, call->mem, args[0].len);
    for (uint32_t i = 0; i < args[0].len; i++)
        fn_map_put(&map, args[0].u.items[i], i < args[1].len ? args[1].u.items[i] : value_null());
    return fn_give(out, fn_map_value(&map));
}

/* The keys (offset 0) or the values (1) of a map. */
static Value column_of(const FnCall *call, Value map, uint32_t offset)
{
    Value *items = fn_items(call, map.len);

    map = fn_map_in_java_order(call->mem, map);
    for (uint32_t i = 0; i < map.len; i++)
        items[i] = map.u.items[2 * i + offset];
    return value_items(T_ARRAY, items, map.len);
}

static ErrCode map_keys(const FnCall *call, const Value *args, Value *out, Err *err)
{
    (void)err;
    return fn_give(out, column_of(call, args[0], 0));
}

static ErrCode map_values(const FnCall *call, const Value *args, Value *out, Err *err)
{
    (void)err;
    return fn_give(out, column_of(call, args[0], 1));
}

static ErrCode map_union(const FnCall *call, const Value *args, Value *out, Err *err)
{
    FnMap map;

    if (value_is_null(args[0]) || value_is_null(args[1]))
        return fn_give(out, value_is_null(args[0]) ? args[1] : args[0]);
    TRY(fn_check_items((size_t)args[0].len + args[1].len, err));
    fn_map_init(&map, call->mem, (size_t)args[0].len + args[1].len);
    for (uint32_t side = 0; side < 2; side++) {
        for (uint32_t i = 0; i < args[side].len; i++)
            fn_map_put(&map, args[side].u.items[2 * i], args[side].u.items[2 * i + 1]);
    }
    return fn_give(out, fn_map_value(&map));
}

/* Entries are structs; their first field is the key. */
static int compare_entries(const void *a, const void *b)
{
    Value x = ((const Value *)a)->u.items[0];
    Value y = ((const Value *)b)->u.items[0];

    if (value_is_null(x) || value_is_null(y))
        return value_is_null(y) - value_is_null(x);
    return value_order(x, y);
}

static ErrCode entries(const FnCall *call, const Value *args, Value *out, Err *err)
{
    Value *items;
    Value  map;

    if (value_is_null(args[1]))
        return err_set(err, ERR_EVAL,
                       "function ENTRIES does not take null for its second argument");
    if (value_is_null(args[0]))
        return fn_give(out, args[0]);
    map = fn_map_in_java_order(call->mem, args[0]);
    items = fn_items(call, map.len);
    for (uint32_t i = 0; i < map.len; i++)
        items[i] = value_items(T_STRUCT, map.u.items + 2 * i, 2);
    if (args[1].u.b)
        qsort(items, args[0].len, sizeof *items, compare_entries);
    return fn_give(out, value_items(T_ARRAY, items, args[0].len));
}

#define OVERLOAD_ENTRIES(type, example)                                                            \
    FN("ENTRIES", MAP,                                                                             \
       "(m MAP<STRING, " type ">, is_sorted BOOLEAN) -> ARRAY<STRUCT<K STRING, V " type ">>",      \
       NULL_IS_VALUE, entries,                                                                     \
       "The entries of a map as an array of structs, sorted by key if asked for. Null for a null " \
       "map; a null is_sorted is an error.",                                                       \
       example)

const FnDef fn_map[] = {
    FN("AS_MAP", MAP, "(keys ARRAY<STRING>, vals ARRAY<T>) -> MAP<STRING, T>", NULL_IN_NULL_OUT,
       as_map,
       "A map of the keys of one array and the values of another, by position: keys without a "
       "value get null, values without a key are dropped, and of equal keys the last counts.",
       "AS_MAP(ARRAY['a', 'b'], ARRAY[1, 2])['b'] = 2"),
    OVERLOAD_ENTRIES("INT", "ENTRIES(MAP('b' := 2, 'a' := 1), TRUE)[1]->K = 'a'"),
    OVERLOAD_ENTRIES("BIGINT", "ENTRIES(MAP('a' := 3000000000), TRUE)[1]->V = 3000000000"),
    OVERLOAD_ENTRIES("DOUBLE", "ENTRIES(MAP('a' := 1E+0), TRUE)[1]->V = 1"),
    OVERLOAD_ENTRIES("BOOLEAN", "ENTRIES(MAP('a' := TRUE), FALSE)[1]->V"),
    OVERLOAD_ENTRIES("STRING", "ENTRIES(MAP('a' := 'x'), FALSE)[1]->V = 'x'"),
    FN("MAP_KEYS", MAP, "(m MAP<STRING, T>) -> ARRAY<STRING>", NULL_IN_NULL_OUT, map_keys,
       "The keys of a map, in no particular order, but always in the same.",
       "MAP_KEYS(MAP('a' := 1, 'b' := 2)) = ARRAY['a', 'b']"),
    FN("MAP_UNION", MAP, "(a MAP<STRING, T>, b MAP<STRING, T>) -> MAP<STRING, T>", NULL_IS_VALUE,
       map_union,
       "The entries of both maps; where both have a key, that of the second. A null map counts as "
       "empty, and two of them give null.",
       "MAP_UNION(MAP('a' := 1), MAP('a' := 2))['a'] = 2"),
    FN("MAP_VALUES", MAP, "(m MAP<STRING, T>) -> ARRAY<T>", NULL_IN_NULL_OUT, map_values,
       "The values of a map, in the order of MAP_KEYS.",
       "MAP_VALUES(MAP('a' := 1, 'b' := 2)) = ARRAY[1, 2]"),
    {.name = NULL},
};
