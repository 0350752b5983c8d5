/*
 * agg_topk.c -- TOPK and TOPKDISTINCT: the k largest values, largest first.
 *
 * The list is short and sorted; a value that does not beat the last of a full list is not admitted,
 * so most rows cost one comparison.  With further columns the elements of TOPK are structs of the
 * sorted column and the others.
 */
#include "exec/functions/agg_value.h"

static ErrCode check_k(const AggCall *call, Err *err)
{
    int64_t k = call->init_args[0].u.i;

    if (value_is_null(call->init_args[0]) || k < 1 || k > g_limits.items)
        return err_set(err, ERR_STATEMENT, "k of %s must be between 1 and %lld", call->def->name,
                       (long long)g_limits.items);
    return ERR_OK;
}

static ErrCode topk_slots(const AggCall *call, Arena *mem, const Type **out, Err *err)
{
    TRY(check_k(call, err));
    return agg_slot_of_result(call, mem, out, err);
}

static void topk_init(const AggCall *call, AggSlots *slots)
{
    (void)call;
    agg_list_set(slots, NULL, 0);
}

/* What an element is sorted by: itself, or the first field of its struct. */
static Value sort_value(Value element)
{
    return element.kind == T_STRUCT ? element.u.items[0] : element;
}

static ErrCode insert(const AggCall *call, AggSlots *slots, Value element, bool is_distinct)
{
    Value    list = slots->values[0];
    uint32_t k = (uint32_t)call->init_args[0].u.i;
    uint32_t len = list.len;
    uint32_t at = len;
    Value   *items;

    while (at > 0 && value_order(sort_value(list.u.items[at - 1]), sort_value(element)) < 0)
        at--;
    if (at >= k)
        return ERR_OK;
    if (is_distinct && at > 0 && value_eq(list.u.items[at - 1], element))
        return ERR_OK;

    items = agg_list_copy(call, slots, 1);
    for (uint32_t i = len; i > at; i--)
        items[i] = items[i - 1];
    items[at] = element;
    agg_list_set(slots, items, len < k ? len + 1 : k);
    return ERR_OK;
}

static ErrCode topk_add(const AggCall *call, AggSlots *slots, const Value *args, Err *err)
{
    Value *fields;

    (void)err;
    if (value_is_null(args[0]))
        return ERR_OK;
    if (call->args_len == 1)
        return insert(call, slots, args[0], false);
    fields = arena_alloc(call->mem, sizeof *fields * call->args_len);
    for (uint32_t i = 0; i < call->args_len; i++)
        fields[i] = args[i];
    return insert(call, slots, value_items(T_STRUCT, fields, call->args_len), false);
}

static ErrCode topk_merge(const AggCall *call, AggSlots *into, const AggSlots *other, Err *err)
{
    (void)err;
    for (uint32_t i = 0; i < other->values[0].len; i++)
        TRY(insert(call, into, other->values[0].u.items[i], false));
    return ERR_OK;
}

static ErrCode distinct_add(const AggCall *call, AggSlots *slots, const Value *args, Err *err)
{
    (void)err;
    return value_is_null(args[0]) ? ERR_OK : insert(call, slots, args[0], true);
}

static ErrCode distinct_merge(const AggCall *call, AggSlots *into, const AggSlots *other, Err *err)
{
    (void)err;
    for (uint32_t i = 0; i < other->values[0].len; i++)
        TRY(insert(call, into, other->values[0].u.items[i], true));
    return ERR_OK;
}

/* ARRAY<STRUCT<`sort_col` c, `col0` ..., `col1` ...>> */
static ErrCode struct_result(const Type *const *arg_types, uint32_t len, Arena *mem,
                             const Type **out, Err *err)
{
    TypeField *fields = ARENA_ARRAY(mem, TypeField, len);

    (void)err;
    for (uint32_t i = 0; i < len; i++) {
        fields[i].name = i == 0 ? STR("sort_col") : str_printf(mem, "col%u", i - 1);
        fields[i].type = arg_types[i];
    }
    *out = type_array(mem, len == 1 ? arg_types[0] : type_struct(mem, fields, len));
    return ERR_OK;
}

#define AGG_TOPK(type)                                                                             \
    {                                                                                              \
        .name = "TOPK", .sig = "(x " type ", k INT LITERAL) -> ARRAY<" type ">", .slots_len = 1,   \
        .doc = "The k largest values, largest first; nulls are ignored.",                          \
        .example = "TOPK of 1, 3, 2, 3 with 2 = ARRAY[3, 3]", .slot_types = topk_slots,            \
        .init = topk_init, .add = topk_add, .merge = topk_merge, .finish = agg_give_slot           \
    }

#define AGG_TOPK_STRUCT(type)                                                                      \
    {                                                                                              \
        .name = "TOPK",                                                                            \
        .sig = "(x " type ", others ANY..., k INT LITERAL) -> ARRAY<STRUCT<sort_col " type ">>",   \
        .slots_len = 1,                                                                            \
        .doc = "The k rows with the largest values, each a struct of the value (sort_col) and "    \
               "the other columns (col0, col1 and so on); rows with a null value are ignored.",    \
        .example = "TOPK of (1, 'a'), (2, 'b') with 1 = "                                          \
                   "ARRAY[STRUCT(`sort_col` := 2, `col0` := 'b')]",                                \
        .result = struct_result, .slot_types = topk_slots, .init = topk_init, .add = topk_add,     \
        .merge = topk_merge, .finish = agg_give_slot                                               \
    }

#define AGG_TOPKDISTINCT(type)                                                                     \
    {                                                                                              \
        .name = "TOPKDISTINCT", .sig = "(x " type ", k INT LITERAL) -> ARRAY<" type ">",           \
        .slots_len = 1, .doc = "The k largest distinct values, largest first; nulls are ignored.", \
        .example = "TOPKDISTINCT of 1, 3, 2, 3 with 2 = ARRAY[3, 2]", .slot_types = topk_slots,    \
        .init = topk_init, .add = distinct_add, .merge = distinct_merge, .finish = agg_give_slot   \
    }

const AggDef agg_topk[] = {
    AGG_TOPK("INT"),
    AGG_TOPK("BIGINT"),
    AGG_TOPK("DOUBLE"),
    AGG_TOPK("STRING"),
    AGG_TOPK_STRUCT("INT"),
    AGG_TOPK_STRUCT("BIGINT"),
    AGG_TOPK_STRUCT("DOUBLE"),
    AGG_TOPK_STRUCT("STRING"),
    AGG_TOPKDISTINCT("INT"),
    AGG_TOPKDISTINCT("BIGINT"),
    AGG_TOPKDISTINCT("DOUBLE"),
    AGG_TOPKDISTINCT("DECIMAL"),
    AGG_TOPKDISTINCT("DATE"),
    AGG_TOPKDISTINCT("TIME"),
    AGG_TOPKDISTINCT("TIMESTAMP"),
    AGG_TOPKDISTINCT("STRING"),
    AGG_TOPKDISTINCT("BYTES"),
    {.name = NULL},
};
