/*
 * fold.c -- constants are computed once, when the statement is planned.
 *
 * Only a node whose operands are all literals is folded; since the binder folds each node as it
 * makes it, that reaches every constant expression.  What fails here would fail in every row with
 * the same result (null and an entry in the processing log), so it is left as it is.
 */
#include "planner/bind.h"

static bool is_foldable(const Expr *expr)
{
    switch (expr->kind) {
    case EXPR_LITERAL:
    case EXPR_COLUMN:
    case EXPR_PSEUDO:
    case EXPR_PARAM:
    case EXPR_LAMBDA:
        return false;
    case EXPR_CALL:
        if (expr->u.call->flags & FN_VOLATILE)
            return false;
        break;
    default:
        break;
    }
    for (uint32_t i = 0; i < expr->args_len; i++) {
        if (expr->args[i]->kind != EXPR_LITERAL)
            return false;
    }
    return true;
}

ErrCode fold(const BindCtx *ctx, Expr *expr, Err *err)
{
    Value   value;
    ErrCode rc;

    if (!is_foldable(expr))
        return ERR_OK;
    rc = ctx->env->eval_const(ctx->env->self, expr, ctx->mem, &value, err);
    if (rc == ERR_EVAL) {
        err_clear(err);
        return ERR_OK;
    }
    if (rc != ERR_OK)
        return rc;
    *expr = (Expr){.kind = EXPR_LITERAL,
                   .type = expr->type,
                   .pos = expr->pos,
                   .u.literal = value_copy(ctx->mem, value)};
    return ERR_OK;
}
