/*
 * expr_arith.c -- + - * / % and unary minus over numbers, and string concatenation.
 *
 * INT and BIGINT wrap silently as two's complement; dividing them by zero is an error.  DOUBLE is
 * IEEE 754.  DECIMAL results that do not fit their type are errors (common/decimal.h).
 */
#include "exec/expr_node.h"

#include <assert.h>
#include <math.h>

#include "common/decimal.h"
#include "common/limit.h"

static const char NULL_OPERAND[] = "arithmetic on a null value";

/* Evaluates both operands into a and b, or returns from the caller. */
#define TWO_OPERANDS(node, frame)                                                                  \
    Value a = expr_node_eval((node)->args[0], frame);                                              \
    Value b;                                                                                       \
    if (a.kind == T_NULL)                                                                          \
        return expr_fail_null(node, frame, NULL_OPERAND);                                          \
    b = expr_node_eval((node)->args[1], frame);                                                    \
    if (b.kind == T_NULL)                                                                          \
    return expr_fail_null(node, frame, NULL_OPERAND)

/* Unsigned arithmetic wraps by definition; the narrowing to 32 bits then wraps an INT. */
static inline int64_t wrapped(int64_t a, int64_t b, ArithOp op)
{
    switch (op) {
    case ARITH_ADD:
        return (int64_t)((uint64_t)a + (uint64_t)b);
    case ARITH_SUB:
        return (int64_t)((uint64_t)a - (uint64_t)b);
    case ARITH_MUL:
        return (int64_t)((uint64_t)a * (uint64_t)b);
    case ARITH_DIV: /* MIN / -1 wraps to MIN; the machine would trap */
        return b == -1 ? (int64_t)(0 - (uint64_t)a) : a / b;
    case ARITH_MOD:
        return b == -1 ? 0 : a % b;
    }
    assert(!"arithmetic operator");
    return 0;
}

static inline Value integer_op(const ExprNode *node, ExprFrame *frame, ArithOp op, bool is_int)
{
    TWO_OPERANDS(node, frame);

    if ((op == ARITH_DIV || op == ARITH_MOD) && b.u.i == 0)
        return expr_fail(node, frame, "division by zero");
    if (is_int)
        return value_int((int32_t)wrapped(a.u.i, b.u.i, op));
    return value_bigint(wrapped(a.u.i, b.u.i, op));
}

static inline Value double_op(const ExprNode *node, ExprFrame *frame, ArithOp op)
{
    TWO_OPERANDS(node, frame);

    switch (op) {
    case ARITH_ADD:
        return value_double(a.u.d + b.u.d);
    case ARITH_SUB:
        return value_double(a.u.d - b.u.d);
    case ARITH_MUL:
        return value_double(a.u.d * b.u.d);
    case ARITH_DIV:
        return value_double(a.u.d / b.u.d);
    case ARITH_MOD:
        return value_double(fmod(a.u.d, b.u.d));
    }
    assert(!"arithmetic operator");
    return value_null();
}

_Static_assert((int)ARITH_ADD == (int)DECIMAL_ADD && (int)ARITH_MOD == (int)DECIMAL_MOD,
               "decimal operators are numbered alike");

static Value decimal_op(const ExprNode *node, ExprFrame *frame)
{
    Value out = value_null();

    TWO_OPERANDS(node, frame);

    frame->rc = decimal_arith(frame->ctx->mem, (DecimalOp)node->expr->u.arith, a, b,
                              node->expr->type, &out, frame->err);
    return frame->rc == ERR_OK ? out : value_null();
}

/* One function per operator and type, so that the operator costs nothing at run time. */
#define ARITH_FUNCTIONS(name, op)                                                                  \
    static Value int_##name(const ExprNode *node, ExprFrame *frame)                                \
    {                                                                                              \
        return integer_op(node, frame, op, true);                                                  \
    }                                                                                              \
    static Value bigint_##name(const ExprNode *node, ExprFrame *frame)                             \
    {                                                                                              \
        return integer_op(node, frame, op, false);                                                 \
    }                                                                                              \
    static Value double_##name(const ExprNode *node, ExprFrame *frame)                             \
    {                                                                                              \
        return double_op(node, frame, op);                                                         \
    }

ARITH_FUNCTIONS(add, ARITH_ADD)
ARITH_FUNCTIONS(sub, ARITH_SUB)
ARITH_FUNCTIONS(mul, ARITH_MUL)
ARITH_FUNCTIONS(div, ARITH_DIV)
ARITH_FUNCTIONS(mod, ARITH_MOD)

static Value negate(const ExprNode *node, ExprFrame *frame)
{
    Value a = expr_node_eval(node->args[0], frame);

    switch ((TypeKind)a.kind) {
    case T_NULL:
        return expr_fail_null(node, frame, NULL_OPERAND);
    case T_INT:
        return value_int((int32_t)(0 - (uint32_t)a.u.i));
    case T_DOUBLE:
        return value_double(-a.u.d);
    case T_DECIMAL:
        return decimal_neg(frame->ctx->mem, a);
    default:
        return value_bigint((int64_t)(0 - (uint64_t)a.u.i));
    }
}

/* STRING + STRING and ||.  As CONCAT: a null operand counts as empty. */
static Value concat(const ExprNode *node, ExprFrame *frame)
{
    Value  a = expr_node_eval(node->args[0], frame);
    Value  b;
    char  *out;
    size_t len;

    if (a.kind == T_NULL && frame->rc != ERR_OK)
        return value_null();
    b = expr_node_eval(node->args[1], frame);
    if (b.kind == T_NULL && frame->rc != ERR_OK)
        return value_null();
    len = (size_t)a.len + b.len;
    if (len > (size_t)g_limits.value_bytes)
        return expr_fail(node, frame, "result of %zu bytes is over the limit of %lld", len,
                         (long long)g_limits.value_bytes);
    out = arena_bytes(frame->ctx->mem, len);
    if (a.len)
        memcpy(out, a.u.s, a.len);
    if (b.len)
        memcpy(out + a.len, b.u.s, b.len);
    return (Value){.kind = (uint8_t)node->expr->type->kind, .len = (uint32_t)len, .u.s = out};
}

static ExprEval arith_function(TypeKind kind, ArithOp op)
{
    static const ExprEval ints[] = {int_add, int_sub, int_mul, int_div, int_mod};
    static const ExprEval bigints[] = {bigint_add, bigint_sub, bigint_mul, bigint_div, bigint_mod};
    static const ExprEval doubles[] = {double_add, double_sub, double_mul, double_div, double_mod};

    switch (kind) {
    case T_INT:
        return ints[op];
    case T_BIGINT:
        return bigints[op];
    case T_DOUBLE:
        return doubles[op];
    case T_DECIMAL:
        return decimal_op;
    default:
        return concat; /* STRING + STRING */
    }
}

void expr_arith_choose(ExprNode *node)
{
    switch (node->expr->kind) {
    case EXPR_ARITH:
        node->eval = arith_function(node->expr->type->kind, node->expr->u.arith);
        return;
    case EXPR_NEG:
        node->eval = negate;
        return;
    default:
        assert(node->expr->kind == EXPR_CONCAT);
        node->eval = concat;
    }
}
