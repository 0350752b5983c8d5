/*
 * expr_nested.c -- a[i], s->f and the constructors of arrays, maps and structs.
 */
#include "exec/expr_node.h"

#include <assert.h>

/* 1-based; a negative index counts from the end; 0 and whatever lies outside is null. */
static Value array_at(const ExprNode *node, ExprFrame *frame)
{
    Value   array = expr_node_eval(node->args[0], frame);
    Value   index;
    int64_t at;

    if (array.kind == T_NULL)
        return value_null();
    index = expr_node_eval(node->args[1], frame);
    if (index.kind == T_NULL)
        return value_null();
    at = index.u.i > 0 ? index.u.i - 1 : index.u.i + (int64_t)array.len;
    if (index.u.i == 0 || at < 0 || at >= (int64_t)array.len)
        return value_null();
    return array.u.items[at];
}

static Value map_at(const ExprNode *node, ExprFrame *frame)
{
    Value map = expr_node_eval(node->args[0], frame);
    Value key;

    if (map.kind == T_NULL)
        return value_null();
    key = expr_node_eval(node->args[1], frame);
    if (key.kind == T_NULL && frame->rc != ERR_OK)
        return value_null();
    for (uint32_t i = 0; i < map.len; i++) {
        if (value_eq(map.u.items[2 * i], key))
            return map.u.items[2 * i + 1];
    }
    return value_null();
}

static Value field(const ExprNode *node, ExprFrame *frame)
{
    Value object = expr_node_eval(node->args[0], frame);

    return object.kind == T_NULL ? object : object.u.items[node->u.index];
}

/* false: an element failed. */
static bool eval_items(const ExprNode *node, ExprFrame *frame, Value *items)
{
    for (uint32_t i = 0; i < node->args_len; i++) {
        items[i] = expr_node_eval(node->args[i], frame);
        if (items[i].kind == T_NULL && frame->rc != ERR_OK)
            return false;
    }
    return true;
}

static Value new_list(const ExprNode *node, ExprFrame *frame)
{
    Value *items = arena_alloc(frame->ctx->mem, sizeof(Value) * node->args_len);

    if (!eval_items(node, frame, items))
        return value_null();
    return value_items(node->expr->type->kind, items, node->args_len);
}

/* Of equal keys the last one's value counts, at the place of the first. */
static Value new_map(const ExprNode *node, ExprFrame *frame)
{
    Value   *items = arena_alloc(frame->ctx->mem, sizeof(Value) * node->args_len);
    uint32_t len = 0;

    if (!eval_items(node, frame, items))
        return value_null();
    for (uint32_t i = 0; i < node->args_len; i += 2) {
        uint32_t at = 0;

        while (at < len && !value_eq(items[2 * at], items[i]))
            at++;
        items[2 * at] = items[i];
        items[2 * at + 1] = items[i + 1];
        if (at == len)
            len++;
    }
    return value_items(T_MAP, items, len);
}

void expr_nested_choose(ExprNode *node)
{
    switch (node->expr->kind) {
    case EXPR_INDEX:
        node->eval = node->args[0]->expr->type->kind == T_MAP ? map_at : array_at;
        return;
    case EXPR_FIELD:
        node->u.index = node->expr->u.index;
        node->eval = field;
        return;
    case EXPR_MAP:
        node->eval = new_map;
        return;
    default:
        assert(node->expr->kind == EXPR_ARRAY || node->expr->kind == EXPR_STRUCT);
        node->eval = new_list;
    }
}
