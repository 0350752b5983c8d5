/*
 * agg_collect.c -- COLLECT_LIST, COLLECT_SET, HISTOGRAM and ATTR: aggregates that keep values.
 *
 * What a group can hold is bounded; what comes beyond the bound is left out, as in ksqlDB.
 */
#include "exec/functions/agg_value.h"

enum { HISTOGRAM_KEYS_MAX = 1000 };

static uint32_t index_of(Value list, Value v)
{
    uint32_t i = 0;

    while (i < list.len && !agg_same(list.u.items[i], v))
        i++;
    return i;
}

/* --- COLLECT_LIST, COLLECT_SET ---------------------------------------------------------------- */

static void collect_init(const AggCall *call, AggSlots *slots)
{
    (void)call;
    agg_list_set(slots, NULL, 0);
}

/* Without a limit of its own a group has that of all arrays. */
static int64_t bound(const AggCall *call)
{
    return call->limit < 0 || call->limit > g_limits.items ? g_limits.items : call->limit;
}

static ErrCode append(const AggCall *call, AggSlots *slots, Value v)
{
    uint32_t len = slots->values[0].len;
    Value   *items;

    if (len >= bound(call))
        return ERR_OK;
    items = agg_list_copy(call, slots, 1);
    items[len] = v;
    agg_list_set(slots, items, len + 1);
    return ERR_OK;
}

static ErrCode list_add(const AggCall *call, AggSlots *slots, const Value *args, Err *err)
{
    (void)err;
    return append(call, slots, args[0]);
}

/* Takes the last equal element out; none is no error. */
static ErrCode list_undo(const AggCall *call, AggSlots *slots, const Value *args, Err *err)
{
    Value  *items = agg_list_copy(call, slots, 0);
    int64_t at = (int64_t)slots->values[0].len - 1;

    (void)err;
    while (at >= 0 && !agg_same(items[at], args[0]))
        at--;
    if (at < 0)
        return ERR_OK;
    for (uint32_t i = (uint32_t)at; i + 1 < slots->values[0].len; i++)
        items[i] = items[i + 1];
    agg_list_set(slots, items, slots->values[0].len - 1);
    return ERR_OK;
}

static ErrCode list_merge(const AggCall *call, AggSlots *into, const AggSlots *other, Err *err)
{
    Value    more = other->values[0];
    uint32_t len = into->values[0].len;
    Value   *items = agg_list_copy(call, into, more.len);

    (void)err;
    for (uint32_t i = 0; i < more.len; i++) {
        if (len >= bound(call))
            break;
        items[len++] = more.u.items[i];
    }
    agg_list_set(into, items, len);
    return ERR_OK;
}

static ErrCode set_add(const AggCall *call, AggSlots *slots, const Value *args, Err *err)
{
    (void)err;
    if (index_of(slots->values[0], args[0]) < slots->values[0].len)
        return ERR_OK;
    return append(call, slots, args[0]);
}

static ErrCode set_merge(const AggCall *call, AggSlots *into, const AggSlots *other, Err *err)
{
    for (uint32_t i = 0; i < other->values[0].len; i++)
        TRY(set_add(call, into, &other->values[0].u.items[i], err));
    return ERR_OK;
}

/* --- HISTOGRAM: a map from value to count ----------------------------------------------------- */

static void histogram_init(const AggCall *call, AggSlots *slots)
{
    (void)call;
    agg_set(slots, 0, value_items(T_MAP, NULL, 0));
}

static Value *map_copy(const AggCall *call, Value map)
{
    Value *entries = arena_alloc(call->mem, sizeof *entries * 2 * ((size_t)map.len + 1));

    for (uint32_t i = 0; i < 2 * map.len; i++)
        entries[i] = map.u.items[i];
    return entries;
}

/* Adds to the count of key; at 0 the key goes, and a new one comes only while there is room. */
static void histogram_change(const AggCall *call, AggSlots *slots, Value key, int64_t by)
{
    Value    map = slots->values[0];
    Value   *entries = map_copy(call, map);
    uint32_t len = map.len;
    uint32_t at = 0;

    while (at < len && !value_eq(entries[2 * at], key))
        at++;
    if (at == len) {
        if (by < 0 || len >= HISTOGRAM_KEYS_MAX)
            return;
        entries[2 * at] = key;
        entries[2 * at + 1] = value_bigint(0);
        len++;
    }
    entries[2 * at + 1].u.i += by;
    if (entries[2 * at + 1].u.i <= 0) {
        for (uint32_t i = 2 * at; i + 2 < 2 * len; i++)
            entries[i] = entries[i + 2];
        len--;
    }
    agg_set(slots, 0, value_items(T_MAP, entries, len));
}

static ErrCode histogram_add(const AggCall *call, AggSlots *slots, const Value *args, Err *err)
{
    (void)err;
    if (!value_is_null(args[0]))
        histogram_change(call, slots, args[0], 1);
    return ERR_OK;
}

static ErrCode histogram_undo(const AggCall *call, AggSlots *slots, const Value *args, Err *err)
{
    (void)err;
    if (!value_is_null(args[0]))
        histogram_change(call, slots, args[0], -1);
    return ERR_OK;
}

static ErrCode histogram_merge(const AggCall *call, AggSlots *into, const AggSlots *other, Err *err)
{
    Value map = other->values[0];

    (void)err;
    for (uint32_t i = 0; i < map.len; i++)
        histogram_change(call, into, map.u.items[2 * i], map.u.items[2 * i + 1].u.i);
    return ERR_OK;
}

/* --- ATTR: the values present, with their counts ---------------------------------------------- */

enum { SLOT_VALUES, SLOT_COUNTS, ATTR_SLOTS };

static ErrCode attr_slots(const AggCall *call, Arena *mem, const Type **out, Err *err)
{
    (void)err;
    out[SLOT_VALUES] = type_array(mem, call->arg_types[0]);
    out[SLOT_COUNTS] = type_array(mem, &type_bigint);
    return ERR_OK;
}

static void attr_init(const AggCall *call, AggSlots *slots)
{
    (void)call;
    agg_set(slots, SLOT_VALUES, value_items(T_ARRAY, NULL, 0));
    agg_set(slots, SLOT_COUNTS, value_items(T_ARRAY, NULL, 0));
}

static Value list_copy(const AggCall *call, Value list)
{
    Value *items = arena_alloc(call->mem, sizeof *items * ((size_t)list.len + 1));

    for (uint32_t i = 0; i < list.len; i++)
        items[i] = list.u.items[i];
    return value_items(T_ARRAY, items, list.len);
}

static void attr_change(const AggCall *call, AggSlots *slots, Value v, int64_t by)
{
    Value    values = list_copy(call, slots->values[SLOT_VALUES]);
    Value    counts = list_copy(call, slots->values[SLOT_COUNTS]);
    Value   *kept = (Value *)values.u.items;
    Value   *count_items = (Value *)counts.u.items;
    uint32_t at = index_of(values, v);

    if (at == values.len) {
        if (by < 0)
            return;
        kept[at] = v;
        count_items[at] = value_bigint(0);
        values.len = counts.len = at + 1;
    }
    count_items[at].u.i += by;
    if (count_items[at].u.i <= 0) {
        values.len = counts.len = values.len - 1;
        kept[at] = kept[values.len];
        count_items[at] = count_items[values.len];
    }
    agg_set(slots, SLOT_VALUES, values);
    agg_set(slots, SLOT_COUNTS, counts);
}

static ErrCode attr_add(const AggCall *call, AggSlots *slots, const Value *args, Err *err)
{
    (void)err;
    attr_change(call, slots, args[0], 1);
    return ERR_OK;
}

static ErrCode attr_undo(const AggCall *call, AggSlots *slots, const Value *args, Err *err)
{
    (void)err;
    attr_change(call, slots, args[0], -1);
    return ERR_OK;
}

static ErrCode attr_merge(const AggCall *call, AggSlots *into, const AggSlots *other, Err *err)
{
    Value values = other->values[SLOT_VALUES];
    Value counts = other->values[SLOT_COUNTS];

    (void)err;
    for (uint32_t i = 0; i < values.len; i++)
        attr_change(call, into, values.u.items[i], counts.u.items[i].u.i);
    return ERR_OK;
}

static ErrCode attr_finish(const AggCall *call, const AggSlots *slots, Value *out, Err *err)
{
    Value values = slots->values[SLOT_VALUES];

    (void)call, (void)err;
    *out = values.len == 1 ? values.u.items[0] : value_null();
    return ERR_OK;
}

/* --- the rows --------------------------------------------------------------------------------- */

const AggDef agg_collect[] = {
    {.name = "ATTR",
     .sig = "(x T) -> T",
     .slots_len = ATTR_SLOTS,
     .doc = "The value that all rows of the group share; null when they differ. Null counts as a "
            "value here.",
     .example = "ATTR of 1, 1 = 1",
     .slot_types = attr_slots,
     .init = attr_init,
     .add = attr_add,
     .undo = attr_undo,
     .merge = attr_merge,
     .finish = attr_finish},
    {.name = "COLLECT_LIST",
     .sig = "(x T) -> ARRAY<T>",
     .slots_len = 1,
     .limit_property = "ksql.functions.collect_list.limit",
     .doc = "All values, nulls included, in the order they came; at most so many as the property "
            "ksql.functions.collect_list.limit says, if it is set.",
     .example = "COLLECT_LIST of 2, 1, 2 = ARRAY[2, 1, 2]",
     .slot_types = agg_slot_of_result,
     .init = collect_init,
     .add = list_add,
     .undo = list_undo,
     .merge = list_merge,
     .finish = agg_give_slot},
    {.name = "COLLECT_SET",
     .sig = "(x T) -> ARRAY<T>",
     .slots_len = 1,
     .limit_property = "ksql.functions.collect_set.limit",
     .doc = "The distinct values, null included, in the order they first came; at most so many as "
            "the property ksql.functions.collect_set.limit says, if it is set.",
     .example = "COLLECT_SET of 2, 1, 2 = ARRAY[2, 1]",
     .slot_types = agg_slot_of_result,
     .init = collect_init,
     .add = set_add,
     .merge = set_merge,
     .finish = agg_give_slot},
    {.name = "HISTOGRAM",
     .sig = "(x STRING) -> MAP<STRING, BIGINT>",
     .slots_len = 1,
     .doc = "How often each value came, for the first 1000 distinct values; nulls are ignored.",
     .example = "HISTOGRAM of 'a', 'b', 'a' = MAP('a' := 2, 'b' := 1)",
     .slot_types = agg_slot_of_result,
     .init = histogram_init,
     .add = histogram_add,
     .undo = histogram_undo,
     .merge = histogram_merge,
     .finish = agg_give_slot},
    {.name = NULL},
};
