/*
 * expr_map.c -- walks over bound expressions.
 *
 * Expressions are immutable once bound, so a change is a copy.  Depth is bounded by the parser.
 */
#include "planner/bind.h"

ErrCode expr_map(Arena *mem, const Expr *expr, ExprVisit visit, void *arg, Expr **out, Err *err)
{
    Expr *copy = NULL;

    TRY(visit(arg, expr, &copy, err));
    if (!copy) {
        copy = ARENA_NEW(mem, Expr);
        *copy = *expr;
        copy->args = ARENA_ARRAY(mem, Expr *, expr->args_len);
        for (uint32_t i = 0; i < expr->args_len; i++)
            TRY(expr_map(mem, expr->args[i], visit, arg, &copy->args[i], err));
    }
    *out = copy;
    return ERR_OK;
}

bool expr_any(const Expr *expr, bool (*test)(const Expr *expr, void *arg), void *arg)
{
    if (test(expr, arg))
        return true;
    for (uint32_t i = 0; i < expr->args_len; i++) {
        if (expr_any(expr->args[i], test, arg))
            return true;
    }
    return false;
}
