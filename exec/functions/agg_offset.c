/*
 * agg_offset.c -- EARLIEST_BY_OFFSET and LATEST_BY_OFFSET: the first or last values processed.
 *
 * Beside a value stands a sequence number, so that the parts of a merged session can be put in the
 * order they were processed.  Numbers rise within a thread and across restarts: a thread begins at
 * the nanosecond of its first number, far above those it gave before.
 */
#include "common/clock.h"
#include "exec/functions/agg_value.h"

/* The form of one value */
enum { SLOT_VALUE, SLOT_SEQ, ONE_SLOTS };
/* The form of n: one list of structs, oldest first */
enum { FIELD_SEQ, FIELD_VALUE, FIELDS };

static int64_t next_seq(void)
{
    static _Thread_local int64_t seq;

    if (seq == 0)
        seq = clock_now_ms(clock_system()) * 1000000;
    return seq++;
}

/* The last literal, when the form has one: TRUE unless written. */
static bool ignores_nulls(const AggCall *call)
{
    const Value *last = call->init_len ? &call->init_args[call->init_len - 1] : NULL;

    return !last || last->kind != T_BOOLEAN || last->u.b;
}

static bool is_skipped(const AggCall *call, Value v)
{
    return value_is_null(v) && ignores_nulls(call);
}

/* --- one value -------------------------------------------------------------------------------- */

static ErrCode one_slots(const AggCall *call, Arena *mem, const Type **out, Err *err)
{
    (void)mem, (void)err;
    out[SLOT_VALUE] = call->arg_types[0];
    out[SLOT_SEQ] = &type_bigint;
    return ERR_OK;
}

static void set_one(AggSlots *slots, Value v, Value seq)
{
    agg_set(slots, SLOT_VALUE, v);
    agg_set(slots, SLOT_SEQ, seq);
}

static ErrCode earliest_add(const AggCall *call, AggSlots *slots, const Value *args, Err *err)
{
    (void)err;
    if (!is_skipped(call, args[0]) && value_is_null(slots->values[SLOT_SEQ]))
        set_one(slots, args[0], value_bigint(next_seq()));
    return ERR_OK;
}

static ErrCode latest_add(const AggCall *call, AggSlots *slots, const Value *args, Err *err)
{
    (void)err;
    if (!is_skipped(call, args[0]))
        set_one(slots, args[0], value_bigint(next_seq()));
    return ERR_OK;
}

static ErrCode merge_one(AggSlots *into, const AggSlots *other, bool is_latest)
{
    Value mine = into->values[SLOT_SEQ];
    Value theirs = other->values[SLOT_SEQ];

    if (value_is_null(theirs))
        return ERR_OK;
    if (value_is_null(mine) || (theirs.u.i > mine.u.i) == is_latest)
        set_one(into, other->values[SLOT_VALUE], theirs);
    return ERR_OK;
}

static ErrCode earliest_merge(const AggCall *call, AggSlots *into, const AggSlots *other, Err *err)
{
    (void)call, (void)err;
    return merge_one(into, other, false);
}

static ErrCode latest_merge(const AggCall *call, AggSlots *into, const AggSlots *other, Err *err)
{
    (void)call, (void)err;
    return merge_one(into, other, true);
}

/* --- n values --------------------------------------------------------------------------------- */

static ErrCode many_slots(const AggCall *call, Arena *mem, const Type **out, Err *err)
{
    TypeField fields[FIELDS] = {
        [FIELD_SEQ] = {STR("SEQ"), &type_bigint},
        [FIELD_VALUE] = {STR("VAL"), call->arg_types[0]},
    };
    int64_t n = call->init_args[0].u.i;

    if (value_is_null(call->init_args[0]) || n < 1 || n > g_limits.items)
        return err_set(err, ERR_STATEMENT, "n of %s must be between 1 and %lld", call->def->name,
                       (long long)g_limits.items);
    out[0] = type_array(mem, type_struct(mem, fields, FIELDS));
    return ERR_OK;
}

static void many_init(const AggCall *call, AggSlots *slots)
{
    (void)call;
    agg_list_set(slots, NULL, 0);
}

static ErrCode add_many(const AggCall *call, AggSlots *slots, Value v, bool is_latest)
{
    uint32_t n = (uint32_t)call->init_args[0].u.i;
    uint32_t len = slots->values[0].len;
    Value   *fields;
    Value   *items;

    if (is_skipped(call, v) || (!is_latest && len == n))
        return ERR_OK;
    fields = arena_alloc(call->mem, sizeof *fields * FIELDS);
    fields[FIELD_SEQ] = value_bigint(next_seq());
    fields[FIELD_VALUE] = v;
    items = agg_list_copy(call, slots, 1);
    items[len++] = value_items(T_STRUCT, fields, FIELDS);
    agg_list_set(slots, len > n ? items + 1 : items, len > n ? n : len);
    return ERR_OK;
}

static ErrCode earliest_many_add(const AggCall *call, AggSlots *slots, const Value *args, Err *err)
{
    (void)err;
    return add_many(call, slots, args[0], false);
}

static ErrCode latest_many_add(const AggCall *call, AggSlots *slots, const Value *args, Err *err)
{
    (void)err;
    return add_many(call, slots, args[0], true);
}

static int64_t seq_of(Value element)
{
    return element.u.items[FIELD_SEQ].u.i;
}

/* Both lists are sorted; their merge keeps the first n or the last n. */
static ErrCode merge_many(const AggCall *call, AggSlots *into, const AggSlots *other,
                          bool is_latest)
{
    Value    a = into->values[0];
    Value    b = other->values[0];
    uint32_t n = (uint32_t)call->init_args[0].u.i;
    uint32_t len = a.len + b.len;
    uint32_t i = 0, k = 0;
    Value   *items = arena_alloc(call->mem, sizeof *items * ((size_t)len + 1));

    for (uint32_t at = 0; at < len; at++) {
        bool takes_a = k == b.len || (i < a.len && seq_of(a.u.items[i]) <= seq_of(b.u.items[k]));

        items[at] = takes_a ? a.u.items[i++] : b.u.items[k++];
    }
    if (len > n)
        agg_list_set(into, is_latest ? items + (len - n) : items, n);
    else
        agg_list_set(into, items, len);
    return ERR_OK;
}

static ErrCode earliest_many_merge(const AggCall *call, AggSlots *into, const AggSlots *other,
                                   Err *err)
{
    (void)err;
    return merge_many(call, into, other, false);
}

static ErrCode latest_many_merge(const AggCall *call, AggSlots *into, const AggSlots *other,
                                 Err *err)
{
    (void)err;
    return merge_many(call, into, other, true);
}

static ErrCode many_finish(const AggCall *call, const AggSlots *slots, Value *out, Err *err)
{
    Value  list = slots->values[0];
    Value *items = arena_alloc(call->mem, sizeof *items * ((size_t)list.len + 1));

    (void)err;
    for (uint32_t i = 0; i < list.len; i++)
        items[i] = list.u.items[i].u.items[FIELD_VALUE];
    *out = value_items(T_ARRAY, items, list.len);
    return ERR_OK;
}

/* --- the rows --------------------------------------------------------------------------------- */

#define AGG_ONE(name_, sig_, doc_, example_, add_, merge_)                                         \
    {                                                                                              \
        .name = name_, .sig = sig_, .slots_len = ONE_SLOTS, .doc = doc_, .example = example_,      \
        .slot_types = one_slots, .init = agg_init_null, .add = add_, .merge = merge_,              \
        .finish = agg_give_slot                                                                    \
    }

#define AGG_MANY(name_, sig_, doc_, example_, add_, merge_)                                        \
    {                                                                                              \
        .name = name_, .sig = sig_, .slots_len = 1, .doc = doc_, .example = example_,              \
        .slot_types = many_slots, .init = many_init, .add = add_, .merge = merge_,                 \
        .finish = many_finish                                                                      \
    }

static const char EARLIEST_DOC[] =
    "The first value, or the first n, in the order of processing; nulls are skipped unless "
    "ignore_nulls is FALSE.";
static const char LATEST_DOC[] =
    "The last value, or the last n, in the order of processing; nulls are skipped unless "
    "ignore_nulls is FALSE.";

const AggDef agg_offset[] = {
    AGG_ONE("EARLIEST_BY_OFFSET", "(x T) -> T", EARLIEST_DOC,
            "EARLIEST_BY_OFFSET of NULL, 1, 2 = 1", earliest_add, earliest_merge),
    AGG_ONE("EARLIEST_BY_OFFSET", "(x T, ignore_nulls BOOLEAN LITERAL) -> T", EARLIEST_DOC,
            "EARLIEST_BY_OFFSET of 1, NULL, 2 with FALSE = 1", earliest_add, earliest_merge),
    AGG_MANY("EARLIEST_BY_OFFSET", "(x T, n INT LITERAL) -> ARRAY<T>", EARLIEST_DOC,
             "EARLIEST_BY_OFFSET of 1, NULL, 2, 3 with 2 = ARRAY[1, 2]", earliest_many_add,
             earliest_many_merge),
    AGG_MANY("EARLIEST_BY_OFFSET", "(x T, n INT LITERAL, ignore_nulls BOOLEAN LITERAL) -> ARRAY<T>",
             EARLIEST_DOC, "EARLIEST_BY_OFFSET of 1, 2, 3 with 2, FALSE = ARRAY[1, 2]",
             earliest_many_add, earliest_many_merge),
    AGG_ONE("LATEST_BY_OFFSET", "(x T) -> T", LATEST_DOC, "LATEST_BY_OFFSET of 1, 2, NULL = 2",
            latest_add, latest_merge),
    AGG_ONE("LATEST_BY_OFFSET", "(x T, ignore_nulls BOOLEAN LITERAL) -> T", LATEST_DOC,
            "LATEST_BY_OFFSET of 1, NULL, 2 with FALSE = 2", latest_add, latest_merge),
    AGG_MANY("LATEST_BY_OFFSET", "(x T, n INT LITERAL) -> ARRAY<T>", LATEST_DOC,
             "LATEST_BY_OFFSET of 1, 2, NULL, 3 with 2 = ARRAY[2, 3]", latest_many_add,
             latest_many_merge),
    AGG_MANY("LATEST_BY_OFFSET", "(x T, n INT LITERAL, ignore_nulls BOOLEAN LITERAL) -> ARRAY<T>",
             LATEST_DOC, "LATEST_BY_OFFSET of 1, 2, 3 with 2, FALSE = ARRAY[2, 3]", latest_many_add,
             latest_many_merge),
    {.name = NULL},
};
