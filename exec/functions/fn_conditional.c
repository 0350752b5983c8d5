/*
 * fn_conditional.c -- COALESCE, IFNULL, NULLIF.
 */
#include "exec/functions/fn_table.h"
#include "exec/functions/fn_value.h"

static const char CONDITIONAL[] = "CONDITIONAL";

/* COALESCE, and IFNULL as its form of two. */
static ErrCode first_not_null(const FnCall *call, const Value *args, Value *out, Err *err)
{
    (void)err;
    for (uint32_t i = 0; i < call->args_len; i++) {
        if (!value_is_null(args[i]))
            return fn_give(out, args[i]);
    }
    return fn_give(out, value_null());
}

static ErrCode null_if(const FnCall *call, const Value *args, Value *out, Err *err)
{
    (void)call, (void)err;
    if (value_is_null(args[0]) || value_is_null(args[1]))
        return fn_give(out, args[0]);
    return fn_give(out, value_eq(args[0], args[1]) ? value_null() : args[0]);
}

const FnDef fn_conditional[] = {
    FN("COALESCE", CONDITIONAL, "(first T, more T...) -> T", NULL_IS_VALUE, first_not_null,
       "The first argument that is not null; null when all are.", "COALESCE(NULL, 2, 3) = 2"),
    FN("IFNULL", CONDITIONAL, "(value T, otherwise T) -> T", NULL_IS_VALUE, first_not_null,
       "The value, or the other one when it is null.", "IFNULL(NULL, 'none') = 'none'"),
    FN("NULLIF", CONDITIONAL, "(a T, b T) -> T", NULL_IS_VALUE, null_if,
       "Null when both arguments are equal, else the first. A null equals nothing.",
       "NULLIF(3, 3) IS NULL"),
    {.name = NULL},
};
