/*
 * table_fn.c -- functions that make several rows of one: EXPLODE and CUBE_EXPLODE.
 */
#include "exec/functions/fn_table.h"
#include "exec/functions/fn_value.h"

enum { CUBE_COLUMNS_MAX = 20 };

static ErrCode explode(const FnCall *call, const Value *args, const Value **out, uint32_t *len,
                       Err *err)
{
    (void)call, (void)err;
    *out = args[0].u.items;
    *len = value_is_null(args[0]) ? 0 : args[0].len;
    return ERR_OK;
}

/*
 * Counts from 0 to 2^d - 1 in binary, d being the number of elements that are not null; a bit
 * shows its element, the last element being the lowest bit.
 */
static ErrCode cube_explode(const FnCall *call, const Value *args, const Value **out, uint32_t *len,
                            Err *err)
{
    Value    array = args[0];
    uint32_t shown = 0;
    uint32_t rows;
    Value   *result;

    *len = 0;
    if (value_is_null(array))
        return ERR_OK;
    if (array.len > CUBE_COLUMNS_MAX)
        return err_set(err, ERR_EVAL, "CUBE_EXPLODE takes at most %d columns, not %u",
                       CUBE_COLUMNS_MAX, array.len);
    for (uint32_t i = 0; i < array.len; i++)
        shown += !value_is_null(array.u.items[i]);
    rows = 1u << shown;
    TRY(fn_check_items((size_t)rows * (array.len + 1), err));

    result = fn_items(call, rows);
    for (uint32_t row = 0; row < rows; row++) {
        Value   *items = fn_items(call, array.len);
        uint32_t bit = shown;

        for (uint32_t i = 0; i < array.len; i++) {
            items[i] = array.u.items[i];
            if (!value_is_null(items[i]) && !(row >> --bit & 1))
                items[i] = value_null();
        }
        result[row] = value_items(T_ARRAY, items, array.len);
    }
    *out = result;
    *len = rows;
    return ERR_OK;
}

const TableFnDef table_fn[] = {
    {.name = "CUBE_EXPLODE",
     .sig = "(columns ARRAY<T>) -> ARRAY<T>",
     .doc =
         "One row for every subset of the columns, of 20 at most; those that are not in it are "
         "null. A column that is null itself makes no further rows, and a null array makes none.",
     .example = "CUBE_EXPLODE(ARRAY[1, 2]) = ARRAY[NULL, NULL], ARRAY[NULL, 2], ARRAY[1, NULL], "
                "ARRAY[1, 2]",
     .eval = cube_explode},
    {.name = "EXPLODE",
     .sig = "(a ARRAY<T>) -> T",
     .doc = "One row for every element, null elements included; none for a null or empty array.",
     .example = "EXPLODE(ARRAY[1, 2]) = 1, 2",
     .eval = explode},
    {.name = NULL},
};
