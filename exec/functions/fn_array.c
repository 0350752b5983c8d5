/*
 * fn_array.c -- arrays: parts, sets, order, text.
 *
 * Null elements are ordinary members of the set functions; ARRAY_MAX, ARRAY_MIN and ARRAY_SORT set
 * them apart.
 */
#include <stdlib.h>

#include "exec/functions/fn_table.h"
#include "exec/functions/fn_value.h"
#include "exec/value_order.h"

static const char ARRAY[] = "ARRAY";

static ErrCode array_length(const FnCall *call, const Value *args, Value *out, Err *err)
{
    (void)call, (void)err;
    return fn_give(out, value_int((int32_t)args[0].len));
}

/* Equal as values; null is equal to null. */
static bool same(Value a, Value b)
{
    return a.kind == b.kind && (value_is_null(a) || value_eq(a, b));
}

static ErrCode array_contains(const FnCall *call, const Value *args, Value *out, Err *err)
{
    (void)call, (void)err;
    for (uint32_t i = 0; !value_is_null(args[0]) && i < args[0].len; i++) {
        if (same(args[0].u.items[i], args[1]))
            return fn_give(out, value_bool(true));
    }
    return fn_give(out, value_bool(false));
}

static ErrCode array_concat(const FnCall *call, const Value *args, Value *out, Err *err)
{
    size_t len = (size_t)args[0].len + args[1].len; /* a null value's length is 0 */
    Value *items;

    if (value_is_null(args[0]) || value_is_null(args[1]))
        return fn_give(out, value_is_null(args[0]) ? args[1] : args[0]);
    TRY(fn_check_items(len, err));
    items = fn_items(call, len);
    for (uint32_t i = 0; i < args[0].len; i++)
        items[i] = args[0].u.items[i];
    for (uint32_t i = 0; i < args[1].len; i++)
        items[args[0].len + i] = args[1].u.items[i];
    return fn_give(out, value_items(T_ARRAY, items, len));
}

/* --- as sets ---------------------------------------------------------------------------------- */

static void set_of(FnSet *set, Arena *mem, Value array)
{
    fn_set_init(set, mem, array.len);
    for (uint32_t i = 0; i < array.len; i++)
        fn_set_add(set, array.u.items[i]);
}

static ErrCode give_set(Value *out, const FnSet *set)
{
    return fn_give(out, value_items(T_ARRAY, set->items, set->len));
}

static ErrCode array_distinct(const FnCall *call, const Value *args, Value *out, Err *err)
{
    FnSet set;

    (void)err;
    set_of(&set, call->mem, args[0]);
    return give_set(out, &set);
}

static ErrCode array_union(const FnCall *call, const Value *args, Value *out, Err *err)
{
    size_t len = (size_t)args[0].len + args[1].len;
    FnSet  set;

    TRY(fn_check_items(len, err));
    fn_set_init(&set, call->mem, len);
    for (uint32_t i = 0; i < args[0].len; i++)
        fn_set_add(&set, args[0].u.items[i]);
    for (uint32_t i = 0; i < args[1].len; i++)
        fn_set_add(&set, args[1].u.items[i]);
    return give_set(out, &set);
}

/* The distinct elements of the first array that are, or are not, in the second. */
static ErrCode select_by(const FnCall *call, const Value *args, bool is_wanted, Value *out)
{
    FnSet other, result;

    set_of(&other, call->mem, args[1]);
    fn_set_init(&result, call->mem, args[0].len);
    for (uint32_t i = 0; i < args[0].len; i++) {
        if (fn_set_has(&other, args[0].u.items[i]) == is_wanted)
            fn_set_add(&result, args[0].u.items[i]);
    }
    return give_set(out, &result);
}

static ErrCode array_intersect(const FnCall *call, const Value *args, Value *out, Err *err)
{
    (void)err;
    return select_by(call, args, true, out);
}

static ErrCode array_except(const FnCall *call, const Value *args, Value *out, Err *err)
{
    (void)err;
    return select_by(call, args, false, out);
}

static ErrCode array_remove(const FnCall *call, const Value *args, Value *out, Err *err)
{
    Value *items;
    size_t len = 0;

    (void)err;
    if (value_is_null(args[0]))
        return fn_give(out, args[0]);
    items = fn_items(call, args[0].len);
    for (uint32_t i = 0; i < args[0].len; i++) {
        if (!same(args[0].u.items[i], args[1]))
            items[len++] = args[0].u.items[i];
    }
    return fn_give(out, value_items(T_ARRAY, items, len));
}

/* --- order ------------------------------------------------------------------------------------ */

static ErrCode check_order(const FnCall *call, Err *err)
{
    const Type *elem = call->arg_types[0]->elem;

    if (elem && !value_has_order(elem->kind))
        return err_set(err, ERR_EVAL, "%s needs elements that have an order", call->def->name);
    return ERR_OK;
}

static ErrCode extreme(const FnCall *call, const Value *args, int wanted, Value *out, Err *err)
{
    Value best = value_null();

    TRY(check_order(call, err));
    for (uint32_t i = 0; i < args[0].len; i++) {
        Value v = args[0].u.items[i];

        if (value_is_null(v))
            continue;
        if (value_is_null(best) || value_order(v, best) * wanted > 0)
            best = v;
    }
    return fn_give(out, best);
}

static ErrCode array_max(const FnCall *call, const Value *args, Value *out, Err *err)
{
    return extreme(call, args, 1, out, err);
}

static ErrCode array_min(const FnCall *call, const Value *args, Value *out, Err *err)
{
    return extreme(call, args, -1, out, err);
}

/* Nulls come last in either direction. */
static int compare_up(const void *a, const void *b)
{
    const Value *x = a;
    const Value *y = b;

    if (value_is_null(*x) || value_is_null(*y))
        return value_is_null(*x) - value_is_null(*y);
    return value_order(*x, *y);
}

static int compare_down(const void *a, const void *b)
{
    const Value *x = a;
    const Value *y = b;

    if (value_is_null(*x) || value_is_null(*y))
        return value_is_null(*x) - value_is_null(*y);
    return value_order(*y, *x);
}

static ErrCode array_sort(const FnCall *call, const Value *args, Value *out, Err *err)
{
    Str  direction = call->args_len == 2 ? value_as_str(args[1]) : STR("ASC");
    bool is_up = str_eq_nocase(direction, STR("ASC")) || str_eq_nocase(direction, STR("ASCENDING"));
    bool is_down =
        str_eq_nocase(direction, STR("DESC")) || str_eq_nocase(direction, STR("DESCENDING"));
    Value *items;

    TRY(check_order(call, err));
    if (!is_up && !is_down)
        return fn_give(out, value_null());
    items = fn_items(call, args[0].len);
    for (uint32_t i = 0; i < args[0].len; i++)
        items[i] = args[0].u.items[i];
    qsort(items, args[0].len, sizeof *items, is_up ? compare_up : compare_down);
    return fn_give(out, value_items(T_ARRAY, items, args[0].len));
}

/* --- text ------------------------------------------------------------------------------------- */

static ErrCode array_join(const FnCall *call, const Value *args, Value *out, Err *err)
{
    const Type *elem = call->arg_types[0]->elem;
    Str         delimiter = STR(",");
    Buf         text = buf_in(call->mem);

    if (value_is_null(args[0]))
        return fn_give(out, args[0]);
    if (call->args_len == 2)
        delimiter = value_is_null(args[1]) ? STR("") : value_as_str(args[1]);
    if (elem->kind > T_STRING)
        return err_set(err, ERR_EVAL, "ARRAY_JOIN needs elements of a primitive type");
    for (uint32_t i = 0; i < args[0].len; i++) {
        if (i > 0)
            buf_str(&text, delimiter);
        if (value_is_null(args[0].u.items[i]))
            buf_c(&text, "null");
        else
            value_print(&text, args[0].u.items[i], elem);
        TRY(fn_check_bytes(text.len, err));
    }
    return fn_give_buf(out, T_STRING, &text);
}

/* --- parts, series ---------------------------------------------------------------------------- */

static ErrCode slice(const FnCall *call, const Value *args, Value *out, Err *err)
{
    int64_t from = value_is_null(args[1]) ? 1 : args[1].u.i;
    int64_t to = value_is_null(args[2]) ? (int64_t)args[0].len : args[2].u.i;

    (void)call;
    if (value_is_null(args[0]) || from < 1 || to > (int64_t)args[0].len)
        return fn_give(out, value_null());
    if (from > to + 1)
        return err_set(err, ERR_EVAL, "SLICE from %lld to %lld runs backwards", (long long)from,
                       (long long)to);
    return fn_give(out,
                   value_items(T_ARRAY, args[0].u.items + (from - 1), (size_t)(to - from + 1)));
}

static ErrCode generate_series(const FnCall *call, const Value *args, Value *out, Err *err)
{
    TypeKind kind = call->result->elem->kind;
    int64_t  from = args[0].u.i;
    int64_t  to = args[1].u.i;
    int64_t  step = call->args_len == 3 ? args[2].u.i : to < from ? -1 : 1;
    uint64_t distance = to < from ? (uint64_t)from - (uint64_t)to : (uint64_t)to - (uint64_t)from;
    uint64_t stride = (uint64_t)(step < 0 ? -step : step);
    Value   *items;
    uint64_t len;

    if (step == 0)
        return err_set(err, ERR_EVAL, "step of GENERATE_SERIES is zero");
    if ((step > 0) != (to > from) && to != from)
        return err_set(err, ERR_EVAL, "step of GENERATE_SERIES leads away from its end");
    len = distance / stride;
    if (len >= SIZE_MAX / sizeof(Value))
        len = SIZE_MAX / sizeof(Value) - 1;
    TRY(fn_check_items(len + 1, err));
    items = fn_items(call, len + 1);
    for (uint64_t i = 0; i <= len; i++)
        items[i] =
            (Value){.kind = (uint8_t)kind, .u.i = (int64_t)((uint64_t)from + i * (uint64_t)step)};
    return fn_give(out, value_items(T_ARRAY, items, len + 1));
}

/* --- the rows --------------------------------------------------------------------------------- */

static const char JOIN_DOC[] =
    "The elements as text, separated by the delimiter, or by a comma when none is given; a null "
    "delimiter is the empty text, a null element the text null. Null for a null array; elements "
    "other than numbers, text and truth values are an error.";
static const char SORT_DOC[] =
    "The elements in order, ascending ('ASC') or descending ('DESC'); null elements always come "
    "last. Null for another direction; elements without an order, such as structs, are an error.";
static const char SERIES_DOC[] =
    "The numbers from one to another, both included, in steps of the step given, or else of 1, "
    "upwards or downwards. A step of 0, and one that leads away from the end, are errors.";

const FnDef fn_array[] = {
    FN("ARRAY_CONCAT", ARRAY, "(a ARRAY<T>, b ARRAY<T>) -> ARRAY<T>", NULL_IS_VALUE, array_concat,
       "The elements of both arrays, one array behind the other; a null array counts as empty, and "
       "two of them give null.",
       "ARRAY_CONCAT(ARRAY[1], ARRAY[2, 1]) = ARRAY[1, 2, 1]"),
    FN("ARRAY_CONTAINS", ARRAY, "(a ARRAY<T>, value T) -> BOOLEAN", NULL_IS_VALUE, array_contains,
       "Whether the value is among the elements; null is looked for as well. FALSE for a null "
       "array.",
       "ARRAY_CONTAINS(ARRAY[1, 2], 2)"),
    FN("ARRAY_DISTINCT", ARRAY, "(a ARRAY<T>) -> ARRAY<T>", NULL_IN_NULL_OUT, array_distinct,
       "The elements without repetitions, in the order of their first occurrence; null is an "
       "element like others.",
       "ARRAY_DISTINCT(ARRAY[2, 1, 2]) = ARRAY[2, 1]"),
    FN("ARRAY_EXCEPT", ARRAY, "(a ARRAY<T>, b ARRAY<T>) -> ARRAY<T>", NULL_IN_NULL_OUT,
       array_except,
       "The distinct elements of a that are not in b, in the order of a; null is an element like "
       "others.",
       "ARRAY_EXCEPT(ARRAY[3, 1, 2], ARRAY[1]) = ARRAY[3, 2]"),
    FN("ARRAY_INTERSECT", ARRAY, "(a ARRAY<T>, b ARRAY<T>) -> ARRAY<T>", NULL_IN_NULL_OUT,
       array_intersect,
       "The distinct elements of a that are in b too, in the order of a; null is an element like "
       "others.",
       "ARRAY_INTERSECT(ARRAY[3, 1, 2], ARRAY[2, 3]) = ARRAY[3, 2]"),
    FN("ARRAY_JOIN", ARRAY, "(a ARRAY<T>) -> STRING", NULL_IS_VALUE, array_join, JOIN_DOC,
       "ARRAY_JOIN(ARRAY[1, 2]) = '1,2'"),
    FN("ARRAY_JOIN", ARRAY, "(a ARRAY<T>, delimiter STRING) -> STRING", NULL_IS_VALUE, array_join,
       JOIN_DOC, "ARRAY_JOIN(ARRAY['a', 'b'], '-') = 'a-b'"),
    FN("ARRAY_LENGTH", ARRAY, "(a ARRAY<T>) -> INT", NULL_IN_NULL_OUT, array_length,
       "The number of elements.", "ARRAY_LENGTH(ARRAY[1, 2]) = 2"),
    FN("ARRAY_MAX", ARRAY, "(a ARRAY<T>) -> T", NULL_IN_NULL_OUT, array_max,
       "The largest element; null elements are ignored, and null is the answer when there are no "
       "others. Elements without an order, such as structs, are an error.",
       "ARRAY_MAX(ARRAY[1, 3, 2]) = 3"),
    FN("ARRAY_MIN", ARRAY, "(a ARRAY<T>) -> T", NULL_IN_NULL_OUT, array_min,
       "The smallest element; null elements are ignored, and null is the answer when there are no "
       "others. Elements without an order, such as structs, are an error.",
       "ARRAY_MIN(ARRAY['b', 'a']) = 'a'"),
    FN("ARRAY_REMOVE", ARRAY, "(a ARRAY<T>, value T) -> ARRAY<T>", NULL_IS_VALUE, array_remove,
       "The elements that do not equal the value; a null value removes null elements. Null for a "
       "null array.",
       "ARRAY_REMOVE(ARRAY[1, 2, 1], 1) = ARRAY[2]"),
    FN("ARRAY_SORT", ARRAY, "(a ARRAY<T>) -> ARRAY<T>", NULL_IN_NULL_OUT, array_sort, SORT_DOC,
       "ARRAY_SORT(ARRAY[2, 3, 1]) = ARRAY[1, 2, 3]"),
    FN("ARRAY_SORT", ARRAY, "(a ARRAY<T>, direction STRING) -> ARRAY<T>", NULL_IN_NULL_OUT,
       array_sort, SORT_DOC, "ARRAY_SORT(ARRAY[2, 3, 1], 'DESC') = ARRAY[3, 2, 1]"),
    FN("ARRAY_UNION", ARRAY, "(a ARRAY<T>, b ARRAY<T>) -> ARRAY<T>", NULL_IN_NULL_OUT, array_union,
       "The distinct elements of a, then those of b that a does not have; null is an element like "
       "others.",
       "ARRAY_UNION(ARRAY[2, 1], ARRAY[3, 1]) = ARRAY[2, 1, 3]"),
    FN("GENERATE_SERIES", ARRAY, "(from_value INT, to_value INT) -> ARRAY<INT>", NULL_IS_ERROR,
       generate_series, SERIES_DOC, "GENERATE_SERIES(1, 3) = ARRAY[1, 2, 3]"),
    FN("GENERATE_SERIES", ARRAY, "(from_value INT, to_value INT, step INT) -> ARRAY<INT>",
       NULL_IS_ERROR, generate_series, SERIES_DOC, "GENERATE_SERIES(5, 1, -2) = ARRAY[5, 3, 1]"),
    FN("GENERATE_SERIES", ARRAY, "(from_value BIGINT, to_value BIGINT) -> ARRAY<BIGINT>",
       NULL_IS_ERROR, generate_series, SERIES_DOC,
       "ARRAY_LENGTH(GENERATE_SERIES(3000000000, 3000000002)) = 3"),
    FN("GENERATE_SERIES", ARRAY, "(from_value BIGINT, to_value BIGINT, step INT) -> ARRAY<BIGINT>",
       NULL_IS_ERROR, generate_series, SERIES_DOC,
       "ARRAY_LENGTH(GENERATE_SERIES(3000000000, 3000000004, 2)) = 3"),
    FN("SLICE", ARRAY, "(a ARRAY<T>, from_position INT, to_position INT) -> ARRAY<T>",
       NULL_IS_VALUE, slice,
       "The elements from one position to another, both included and counted from 1; a null "
       "position is an open end. Null for a null array and for positions outside of it; an end "
       "more than one before the beginning is an error.",
       "SLICE(ARRAY[1, 2, 3, 4], 2, 3) = ARRAY[2, 3]"),
    {.name = NULL},
};
