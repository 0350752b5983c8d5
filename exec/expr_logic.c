/*
 * expr_logic.c -- AND, OR, NOT, IS NULL and CASE; all but the last but one evaluated lazily.
 *
 * A null boolean where one is needed is an evaluation error, as unboxing it is in Java: only
 * comparisons turn nulls into FALSE.
 */
#include "exec/expr_node.h"

#include <assert.h>

static const char NULL_BOOLEAN[] = "logic on a null boolean";

static inline Value decide(const ExprNode *node, ExprFrame *frame, bool decisive)
{
    for (uint32_t i = 0; i < node->args_len; i++) {
        Value v = expr_node_eval(node->args[i], frame);

        if (v.kind == T_NULL)
            return expr_fail_null(node, frame, NULL_BOOLEAN);
        if (v.u.b == decisive)
            return v;
    }
    return value_bool(!decisive);
}

static Value logic_and(const ExprNode *node, ExprFrame *frame)
{
    return decide(node, frame, false);
}

static Value logic_or(const ExprNode *node, ExprFrame *frame)
{
    return decide(node, frame, true);
}

static Value logic_not(const ExprNode *node, ExprFrame *frame)
{
    Value v = expr_node_eval(node->args[0], frame);

    if (v.kind == T_NULL)
        return expr_fail_null(node, frame, NULL_BOOLEAN);
    return value_bool(!v.u.b);
}

static Value is_null(const ExprNode *node, ExprFrame *frame)
{
    Value v = expr_node_eval(node->args[0], frame);

    if (v.kind == T_NULL && frame->rc != ERR_OK)
        return value_null();
    return value_bool(v.kind == T_NULL);
}

/* args: when, then, when, then, ..., else */
static Value case_when(const ExprNode *node, ExprFrame *frame)
{
    uint32_t last = node->args_len - 1;

    for (uint32_t i = 0; i < last; i += 2) {
        Value when = expr_node_eval(node->args[i], frame);

        if (when.kind == T_NULL)
            return expr_fail_null(node, frame, "condition of CASE is null");
        if (when.u.b)
            return expr_node_eval(node->args[i + 1], frame);
    }
    return expr_node_eval(node->args[last], frame);
}

void expr_logic_choose(ExprNode *node)
{
    switch (node->expr->kind) {
    case EXPR_AND:
        node->eval = logic_and;
        return;
    case EXPR_OR:
        node->eval = logic_or;
        return;
    case EXPR_NOT:
        node->eval = logic_not;
        return;
    case EXPR_IS_NULL:
        node->eval = is_null;
        return;
    default:
        assert(node->expr->kind == EXPR_CASE && node->args_len % 2 == 1);
        node->eval = case_when;
    }
}
