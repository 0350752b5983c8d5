/*
 * expr_compile.c -- from a bound expression to a tree of function pointers.
 *
 * One pass, bottom up.  Each family (expr_compare.c, expr_arith.c, ...) chooses the function of its
 * nodes.  Where an evaluation error is to become null at the smallest enclosing piece, a guard
 * node stands above the piece, and only if something below it can fail.
 */
#include "exec/expr_node.h"

#include <assert.h>

typedef struct Compiler {
    Arena    *mem;
    ExprProg *prog;
    bool      has_guards;
    uint32_t  params_len;
} Compiler;

static ErrCode compile(Compiler *self, const Expr *expr, const ExprNode **out, Err *err);

/* False only where an error is impossible, whatever the row holds. */
static bool can_fail(const Expr *expr)
{
    switch (expr->kind) {
    case EXPR_LITERAL:
    case EXPR_COLUMN:
    case EXPR_PSEUDO:
    case EXPR_PARAM:
        return false;
    case EXPR_COMPARE:
    case EXPR_DISTINCT:
    case EXPR_BETWEEN:
    case EXPR_IN:
    case EXPR_IS_NULL:
    case EXPR_INDEX:
    case EXPR_FIELD:
        for (uint32_t i = 0; i < expr->args_len; i++) {
            if (can_fail(expr->args[i]))
                return true;
        }
        return false;
    default:
        return true;
    }
}

/* Is argument i of expr one of the nested pieces of expr_eval.h? */
static bool is_guarded(const Expr *expr, uint32_t i)
{
    switch (expr->kind) {
    case EXPR_CALL:
        return expr->args[i]->kind != EXPR_LAMBDA;
    case EXPR_ARRAY:
    case EXPR_MAP:
    case EXPR_STRUCT:
    case EXPR_CAST:
    case EXPR_CASE:
        return true;
    case EXPR_FIELD:
        return i == 0;
    default:
        return false;
    }
}

static const ExprNode *guarded(Compiler *self, const ExprNode *child)
{
    ExprNode *guard = ARENA_NEW(self->mem, ExprNode);

    guard->expr = child->expr;
    guard->args = ARENA_ARRAY(self->mem, const ExprNode *, 1);
    guard->args[0] = child;
    guard->args_len = 1;
    expr_guard_choose(guard);
    return guard;
}

static ErrCode compile_args(Compiler *self, ExprNode *node, const Expr *expr, Err *err)
{
    node->args = ARENA_ARRAY(self->mem, const ExprNode *, expr->args_len);
    node->args_len = expr->args_len;
    for (uint32_t i = 0; i < expr->args_len; i++) {
        TRY(compile(self, expr->args[i], &node->args[i], err));
        if (self->has_guards && is_guarded(expr, i) && can_fail(expr->args[i]))
            node->args[i] = guarded(self, node->args[i]);
    }
    return ERR_OK;
}

static void note_params(Compiler *self, const Expr *lambda)
{
    uint32_t end = lambda->u.lambda.first_param + lambda->u.lambda.params_len;

    if (end > self->params_len)
        self->params_len = end;
}

static ErrCode choose(Compiler *self, ExprNode *node, Err *err)
{
    switch (node->expr->kind) {
    case EXPR_LITERAL:
    case EXPR_COLUMN:
    case EXPR_PSEUDO:
    case EXPR_PARAM:
        expr_leaf_choose(node);
        return ERR_OK;
    case EXPR_CALL:
        return expr_call_choose(node, self->prog, self->mem, err);
    case EXPR_CAST:
        return expr_cast_choose(node, self->mem, err);
    case EXPR_LIKE:
        return expr_like_choose(node, self->mem, err);
    case EXPR_ARITH:
    case EXPR_NEG:
    case EXPR_CONCAT:
        expr_arith_choose(node);
        return ERR_OK;
    case EXPR_COMPARE:
    case EXPR_DISTINCT:
    case EXPR_BETWEEN:
    case EXPR_IN:
        expr_compare_choose(node, self->mem);
        return ERR_OK;
    case EXPR_AND:
    case EXPR_OR:
    case EXPR_NOT:
    case EXPR_IS_NULL:
    case EXPR_CASE:
        expr_logic_choose(node);
        return ERR_OK;
    case EXPR_INDEX:
    case EXPR_FIELD:
    case EXPR_ARRAY:
    case EXPR_MAP:
    case EXPR_STRUCT:
        expr_nested_choose(node);
        return ERR_OK;
    case EXPR_LAMBDA:
        break; /* compiled as its body, by compile() */
    }
    assert(!"kind of expression");
    return ERR_OK;
}

/* A lambda's node is its body's; the call site knows the parameters. */
static ErrCode compile_lambda(Compiler *self, const Expr *expr, const ExprNode **out, Err *err)
{
    note_params(self, expr);
    return compile(self, expr->args[0], out, err);
}

static ErrCode compile(Compiler *self, const Expr *expr, const ExprNode **out, Err *err)
{
    ExprNode *node;

    if (expr->kind == EXPR_LAMBDA)
        return compile_lambda(self, expr, out, err);

    node = ARENA_NEW(self->mem, ExprNode);
    node->expr = expr;
    TRY(compile_args(self, node, expr, err));
    TRY(choose(self, node, err));
    *out = node;
    return ERR_OK;
}

ErrCode expr_compile(Arena *query_mem, const Expr *expr, const ExprOpts *opts, const ExprProg **out,
                     Err *err)
{
    ExprProg *prog = ARENA_NEW(query_mem, ExprProg);
    Compiler  self = {
         .mem = query_mem,
         .prog = prog,
         .has_guards = opts->nested_error_set_null,
    };
    ErrCode rc;

    prog->expr = expr;
    prog->name = opts->name ? opts->name : "";
    prog->column = expr->kind == EXPR_COLUMN ? (int)expr->u.index : -1;
    rc = compile(&self, expr, &prog->root, err);
    if (rc != ERR_OK) {
        expr_release(prog); /* call sites compiled before the failure may hold handles */
        return rc;
    }
    prog->params = ARENA_ARRAY(query_mem, Value, self.params_len);
    *out = prog;
    return ERR_OK;
}
