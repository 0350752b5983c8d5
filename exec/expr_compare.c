/*
 * expr_compare.c -- = <> < <= > >=, IS DISTINCT FROM, BETWEEN and IN.
 *
 * Two-valued: with a null operand all but IS DISTINCT FROM are FALSE.  Operands have one type by
 * now; decimals may differ in scale.  A column compared with a constant, the usual predicate, has
 * functions of its own.  IN over many constants looks them up in a hash set.
 */
#include "exec/expr_node.h"

#include <assert.h>

#include "exec/value_order.h"

/* Open addressing, at most half full. */
struct ExprSet {
    const Value *slots; /* null: free */
    uint64_t     mask;
};

enum { IN_SET_MIN = 8 };

/* What a null operand makes of a comparison: FALSE, unless it is the trace of an error. */
static inline Value null_operand(const ExprFrame *frame)
{
    return frame->rc == ERR_OK ? value_bool(false) : value_null();
}

static inline bool holds(int order, CompareOp op)
{
    switch (op) {
    case COMPARE_EQ:
        return order == 0;
    case COMPARE_NE:
        return order != 0;
    case COMPARE_LT:
        return order < 0;
    case COMPARE_LE:
        return order <= 0;
    case COMPARE_GT:
        return order > 0;
    case COMPARE_GE:
        return order >= 0;
    }
    assert(!"comparison operator");
    return false;
}

static inline bool holds_i64(int64_t a, int64_t b, CompareOp op)
{
    return holds((a > b) - (a < b), op);
}

/* As Java's Double.compareTo but for the zeros: NaN equals itself and is above everything. */
static inline bool holds_double(double a, double b, CompareOp op)
{
    return holds(a < b ? -1 : a > b ? 1 : a == b ? 0 : (a != a) - (b != b), op);
}

static inline bool same_bytes(Value a, Value b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.u.s, b.u.s, a.len) == 0);
}

static inline bool holds_text(Value a, Value b, CompareOp op)
{
    if (op == COMPARE_EQ || op == COMPARE_NE)
        return same_bytes(a, b) == (op == COMPARE_EQ);
    return holds(value_order(a, b), op);
}

static inline bool holds_any(Value a, Value b, CompareOp op)
{
    if (op == COMPARE_EQ || op == COMPARE_NE)
        return value_eq(a, b) == (op == COMPARE_EQ);
    return holds(value_order(a, b), op);
}

#define COMPARE_OPERANDS(node, frame)                                                              \
    Value a = expr_node_eval((node)->args[0], frame);                                              \
    Value b;                                                                                       \
    if (a.kind == T_NULL)                                                                          \
        return null_operand(frame);                                                                \
    b = expr_node_eval((node)->args[1], frame);                                                    \
    if (b.kind == T_NULL)                                                                          \
    return null_operand(frame)

/* Per operator: each type in full, and integers, doubles and text as column against constant. */
#define COMPARE_FUNCTIONS(name, op)                                                                \
    static Value i64_##name(const ExprNode *node, ExprFrame *frame)                                \
    {                                                                                              \
        COMPARE_OPERANDS(node, frame);                                                             \
        return value_bool(holds_i64(a.u.i, b.u.i, op));                                            \
    }                                                                                              \
    static Value double_##name(const ExprNode *node, ExprFrame *frame)                             \
    {                                                                                              \
        COMPARE_OPERANDS(node, frame);                                                             \
        return value_bool(holds_double(a.u.d, b.u.d, op));                                         \
    }                                                                                              \
    static Value text_##name(const ExprNode *node, ExprFrame *frame)                               \
    {                                                                                              \
        COMPARE_OPERANDS(node, frame);                                                             \
        return value_bool(holds_text(a, b, op));                                                   \
    }                                                                                              \
    static Value any_##name(const ExprNode *node, ExprFrame *frame)                                \
    {                                                                                              \
        COMPARE_OPERANDS(node, frame);                                                             \
        return value_bool(holds_any(a, b, op));                                                    \
    }                                                                                              \
    static Value i64_##name##_constant(const ExprNode *node, ExprFrame *frame)                     \
    {                                                                                              \
        Value a = frame->cols[node->u.shortcut.column];                                            \
        return value_bool(a.kind != T_NULL && holds_i64(a.u.i, node->u.shortcut.literal.u.i, op)); \
    }                                                                                              \
    static Value double_##name##_constant(const ExprNode *node, ExprFrame *frame)                  \
    {                                                                                              \
        Value a = frame->cols[node->u.shortcut.column];                                            \
        return value_bool(a.kind != T_NULL &&                                                      \
                          holds_double(a.u.d, node->u.shortcut.literal.u.d, op));                  \
    }                                                                                              \
    static Value text_##name##_constant(const ExprNode *node, ExprFrame *frame)                    \
    {                                                                                              \
        Value a = frame->cols[node->u.shortcut.column];                                            \
        return value_bool(a.kind != T_NULL && holds_text(a, node->u.shortcut.literal, op));        \
    }

COMPARE_FUNCTIONS(eq, COMPARE_EQ)
COMPARE_FUNCTIONS(ne, COMPARE_NE)
COMPARE_FUNCTIONS(lt, COMPARE_LT)
COMPARE_FUNCTIONS(le, COMPARE_LE)
COMPARE_FUNCTIONS(gt, COMPARE_GT)
COMPARE_FUNCTIONS(ge, COMPARE_GE)

typedef enum Family { FAMILY_I64, FAMILY_DOUBLE, FAMILY_TEXT, FAMILY_ANY } Family;

#define BY_OPERATOR(family, suffix)                                                                \
    {                                                                                              \
        family##_eq##suffix, family##_ne##suffix, family##_lt##suffix, family##_le##suffix,        \
            family##_gt##suffix, family##_ge##suffix                                               \
    }

static const ExprEval COMPARE[][6] = {
    [FAMILY_I64] = BY_OPERATOR(i64, ),
    [FAMILY_DOUBLE] = BY_OPERATOR(double, ),
    [FAMILY_TEXT] = BY_OPERATOR(text, ),
    [FAMILY_ANY] = BY_OPERATOR(any, ),
};
static const ExprEval COMPARE_CONSTANT[][6] = {
    [FAMILY_I64] = BY_OPERATOR(i64, _constant),
    [FAMILY_DOUBLE] = BY_OPERATOR(double, _constant),
    [FAMILY_TEXT] = BY_OPERATOR(text, _constant),
};

static Family family_of(TypeKind kind)
{
    switch (kind) {
    case T_INT:
    case T_BIGINT:
    case T_DATE:
    case T_TIME:
    case T_TIMESTAMP:
        return FAMILY_I64;
    case T_DOUBLE:
        return FAMILY_DOUBLE;
    case T_STRING:
    case T_BYTES:
        return FAMILY_TEXT;
    default:
        return FAMILY_ANY;
    }
}

static CompareOp mirrored(CompareOp op)
{
    static const CompareOp mirror[] = {
        [COMPARE_EQ] = COMPARE_EQ, [COMPARE_NE] = COMPARE_NE, [COMPARE_LT] = COMPARE_GT,
        [COMPARE_LE] = COMPARE_GE, [COMPARE_GT] = COMPARE_LT, [COMPARE_GE] = COMPARE_LE,
    };
    return mirror[op];
}

/* The two operands' common family; operands of two families take the general road. */
static Family operands_family(const ExprNode *node)
{
    Family family = family_of(node->args[0]->expr->type->kind);

    for (uint32_t i = 1; i < node->args_len; i++) {
        if (family_of(node->args[i]->expr->type->kind) != family)
            return FAMILY_ANY;
    }
    return family;
}

static void choose_compare(ExprNode *node)
{
    Family          family = operands_family(node);
    CompareOp       op = node->expr->u.compare;
    const ExprNode *left = node->args[0];
    const ExprNode *right = node->args[1];

    node->eval = COMPARE[family][op];
    if (left->expr->kind == EXPR_LITERAL) {
        const ExprNode *swap = left;

        left = right;
        right = swap;
        op = mirrored(op);
    }
    if (family == FAMILY_ANY || left->expr->kind != EXPR_COLUMN ||
        right->expr->kind != EXPR_LITERAL || value_is_null(right->expr->u.literal))
        return;
    node->u.shortcut.column = left->expr->u.index;
    node->u.shortcut.literal = right->expr->u.literal;
    node->eval = COMPARE_CONSTANT[family][op];
}

static Value distinct(const ExprNode *node, ExprFrame *frame)
{
    Value a = expr_node_eval(node->args[0], frame);
    Value b;

    if (a.kind == T_NULL && frame->rc != ERR_OK)
        return value_null();
    b = expr_node_eval(node->args[1], frame);
    if (b.kind == T_NULL && frame->rc != ERR_OK)
        return value_null();
    if (a.kind == T_NULL || b.kind == T_NULL)
        return value_bool(a.kind != b.kind);
    return value_bool(!value_eq(a, b));
}

/* --- BETWEEN ---------------------------------------------------------------------------------- */

/* All three are evaluated before a null decides: an error in any of them is an error. */
static bool between_operands(const ExprNode *node, ExprFrame *frame, Value operands[3])
{
    bool has_null = false;

    for (int i = 0; i < 3; i++) {
        operands[i] = expr_node_eval(node->args[i], frame);
        if (operands[i].kind != T_NULL)
            continue;
        if (frame->rc != ERR_OK)
            return false;
        has_null = true;
    }
    return !has_null;
}

static Value between_i64(const ExprNode *node, ExprFrame *frame)
{
    Value v[3];

    if (!between_operands(node, frame, v))
        return null_operand(frame);
    return value_bool(v[0].u.i >= v[1].u.i && v[0].u.i <= v[2].u.i);
}

static Value between_any(const ExprNode *node, ExprFrame *frame)
{
    Value v[3];

    if (!between_operands(node, frame, v))
        return null_operand(frame);
    return value_bool(value_order(v[0], v[1]) >= 0 && value_order(v[0], v[2]) <= 0);
}

/* --- IN --------------------------------------------------------------------------------------- */

static Value in_list(const ExprNode *node, ExprFrame *frame)
{
    Value a = expr_node_eval(node->args[0], frame);

    if (a.kind == T_NULL)
        return null_operand(frame);
    for (uint32_t i = 1; i < node->args_len; i++) {
        Value b = expr_node_eval(node->args[i], frame);

        if (b.kind == T_NULL) {
            if (frame->rc != ERR_OK)
                return value_null();
            continue;
        }
        if (value_eq(a, b))
            return value_bool(true);
    }
    return value_bool(false);
}

static Value in_set(const ExprNode *node, ExprFrame *frame)
{
    const ExprSet *set = node->u.set;
    Value          a = expr_node_eval(node->args[0], frame);

    if (a.kind == T_NULL)
        return null_operand(frame);
    for (uint64_t at = value_hash(a);; at++) {
        Value b = set->slots[at & set->mask];

        if (b.kind == T_NULL)
            return value_bool(false);
        if (value_eq(a, b))
            return value_bool(true);
    }
}

static void set_add(Value *slots, uint64_t mask, Value v)
{
    uint64_t at = value_hash(v) & mask;

    while (slots[at].kind != T_NULL) {
        if (value_eq(slots[at], v))
            return;
        at = (at + 1) & mask;
    }
    slots[at] = v;
}

/* NULL unless the list is long, and constant but for nulls (which equal nothing). */
static const ExprSet *set_of_constants(const ExprNode *node, Arena *mem)
{
    ExprSet *set;
    Value   *slots;
    size_t   cap = 2 * IN_SET_MIN;

    if (node->args_len - 1 < IN_SET_MIN)
        return NULL;
    for (uint32_t i = 1; i < node->args_len; i++) {
        if (!expr_is_literal(node->args[i]))
            return NULL;
    }
    while (cap < (size_t)node->args_len * 2)
        cap *= 2;

    set = ARENA_NEW(mem, ExprSet);
    slots = ARENA_ARRAY(mem, Value, cap);
    set->mask = cap - 1;
    for (uint32_t i = 1; i < node->args_len; i++) {
        Value v = node->args[i]->expr->u.literal;

        if (!value_is_null(v))
            set_add(slots, set->mask, v);
    }
    set->slots = slots;
    return set;
}

void expr_compare_choose(ExprNode *node, Arena *mem)
{
    switch (node->expr->kind) {
    case EXPR_COMPARE:
        choose_compare(node);
        return;
    case EXPR_DISTINCT:
        node->eval = distinct;
        return;
    case EXPR_BETWEEN:
        node->eval = operands_family(node) == FAMILY_I64 ? between_i64 : between_any;
        return;
    default:
        assert(node->expr->kind == EXPR_IN);
        node->u.set = set_of_constants(node, mem);
        node->eval = node->u.set ? in_set : in_list;
    }
}
