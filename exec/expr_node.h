/*
 * expr_node.h -- the compiled form of an expression; private to exec/expr_*.c.
 *
 * A node is a function pointer and what it needs.  expr_compile.c chooses the function by the
 * types of the operands and by their shape (a column against a constant), so that evaluating a
 * node takes no decision that could be taken once.
 *
 * Errors: a node that fails gives null and sets frame->rc; a parent therefore looks at rc only
 * when an operand is null, and the path without nulls costs nothing.
 *
 * Thread: one worker at a time.
 */
#ifndef EXEC_EXPR_NODE_H
#define EXEC_EXPR_NODE_H

#include "exec/expr_eval.h"

typedef struct ExprNode  ExprNode;
typedef struct ExprFrame ExprFrame;
typedef struct ExprCall  ExprCall;
typedef struct ExprSet   ExprSet;
typedef struct LikePlan  LikePlan;
typedef struct CastPlan  CastPlan;

typedef Value (*ExprEval)(const ExprNode *node, ExprFrame *frame);

struct ExprNode {
    ExprEval         eval;
    const Expr      *expr;
    const ExprNode **args;
    uint32_t         args_len;
    union {
        Value           literal;
        uint32_t        index;
        const ExprSet  *set;  /* IN with constants: what to look up; NULL: compare one by one */
        const LikePlan *like; /* NULL: the pattern is no constant */
        const CastPlan *cast;
        ExprCall       *call;
        struct {
            uint32_t column; /* compared with a constant */
            Value    literal;
        } shortcut;
    } u;
};

/* One evaluation of a program on one row. */
struct ExprFrame {
    const Value    *cols;
    const Row      *row; /* NULL while constants are evaluated */
    ExprCtx        *ctx;
    Value          *params; /* of the lambdas that are running */
    const ExprProg *prog;
    Err            *err;
    ErrCode         rc;
};

/* One call site.  `call` is first: functions hand the address of it back to call their lambdas. */
struct ExprCall {
    FnCall     call;
    Value     *args;
    ExprFrame *frame;       /* that the running call is part of */
    ExprCall  *next;        /* all call sites of the program, for expr_release */
    uint32_t  *first_param; /* per argument: number of a lambda's first parameter */
    uint32_t  *params_len;  /* per argument: 0 when it is no lambda */
    bool       is_prepared;
};

struct ExprProg {
    const ExprNode *root;
    const Expr     *expr;
    const char     *name;
    ExprCall       *calls;
    Value          *params;
    int             column; /* the program merely copies it; -1 */
};

static inline Value expr_node_eval(const ExprNode *node, ExprFrame *frame)
{
    return node->eval(node, frame);
}

/* The error of a node: sets frame->rc and gives null. */
Value expr_fail(const ExprNode *node, ExprFrame *frame, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* A null operand where SQL wants a value: keeps the operand's own error, else reports `what`. */
Value expr_fail_null(const ExprNode *node, ExprFrame *frame, const char *what);

/* --- choosing functions, by family ------------------------------------------------------------ */

void    expr_compare_choose(ExprNode *node, Arena *mem); /* COMPARE DISTINCT BETWEEN IN */
void    expr_arith_choose(ExprNode *node);               /* ARITH NEG CONCAT */
void    expr_logic_choose(ExprNode *node);               /* AND OR NOT IS_NULL CASE */
void    expr_nested_choose(ExprNode *node);              /* INDEX FIELD ARRAY MAP STRUCT */
void    expr_leaf_choose(ExprNode *node);                /* LITERAL COLUMN PSEUDO PARAM */
void    expr_guard_choose(ExprNode *node);               /* an error of args[0] becomes null */
ErrCode expr_like_choose(ExprNode *node, Arena *mem, Err *err);
ErrCode expr_cast_choose(ExprNode *node, Arena *mem, Err *err);
ErrCode expr_call_choose(ExprNode *node, ExprProg *prog, Arena *mem, Err *err);

static inline bool expr_is_literal(const ExprNode *node)
{
    return node->expr->kind == EXPR_LITERAL;
}

#endif
