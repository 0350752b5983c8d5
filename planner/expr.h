/*
 * expr.h -- bound expressions.
 *
 * What the binder makes of an AstExpr: names are resolved to column numbers of the step's input,
 * every node has its type, casts that SQL implies are explicit, functions are resolved to their
 * row.  Immutable, in an arena.  exec/expr_compile.c turns it into a program.
 *
 * Null rules are two-valued: a comparison, IN or BETWEEN with a null operand is FALSE.  What is an
 * evaluation error and what it becomes is decided in exec/expr_eval.h.
 */
#ifndef PLANNER_EXPR_H
#define PLANNER_EXPR_H

#include "planner/fn_def.h"
#include "planner/schema.h"

typedef enum ExprKind {
    EXPR_LITERAL, /* u.literal; also folded constants and units of time */
    EXPR_COLUMN,  /* u.index: column of the input row */
    EXPR_PSEUDO,  /* u.pseudo: a field of the input row */
    EXPR_PARAM,   /* u.index: parameter of an enclosing lambda, numbered from the outermost */
    EXPR_CALL,    /* u.call: args */
    EXPR_CAST,    /* args[0] to type; u.is_implicit: put there by the binder */
    EXPR_ARITH,   /* args[0] u.arith args[1], both already of the operation's operand types */
    EXPR_NEG,
    EXPR_CONCAT,   /* STRING + STRING, || */
    EXPR_COMPARE,  /* args[0] u.compare args[1], both of one comparable type */
    EXPR_DISTINCT, /* IS DISTINCT FROM: null-safe <> */
    EXPR_AND,      /* two or more args */
    EXPR_OR,
    EXPR_NOT,
    EXPR_IS_NULL,
    EXPR_BETWEEN, /* args[0] between args[1] and args[2] */
    EXPR_IN,      /* args[0] in args[1..] */
    EXPR_LIKE,    /* args[0] like args[1]; u.escape, -1 when none */
    EXPR_CASE, /* when, then, when, then, ..., else (always present; a null literal if unwritten) */
    EXPR_INDEX,  /* args[0][args[1]]: array (INT or BIGINT index, 1-based) or map */
    EXPR_FIELD,  /* args[0]->field number u.index */
    EXPR_ARRAY,  /* args are the elements */
    EXPR_MAP,    /* args: key, value, key, value */
    EXPR_STRUCT, /* args are the fields of type, in order */
    EXPR_LAMBDA  /* only as an argument of EXPR_CALL; args[0] is the body */
} ExprKind;

typedef enum ArithOp { ARITH_ADD, ARITH_SUB, ARITH_MUL, ARITH_DIV, ARITH_MOD } ArithOp;
typedef enum CompareOp {
    COMPARE_EQ,
    COMPARE_NE,
    COMPARE_LT,
    COMPARE_LE,
    COMPARE_GT,
    COMPARE_GE
} CompareOp;

typedef struct Expr Expr;
struct Expr {
    ExprKind    kind;
    const Type *type;
    SrcPos      pos; /* in the statement, for errors; line 0 when made by the planner */
    uint32_t    args_len;
    Expr      **args;
    union {
        Value        literal;
        uint32_t     index;
        PseudoColumn pseudo;
        ArithOp      arith;
        CompareOp    compare;
        int32_t      escape;
        bool         is_implicit;
        const FnDef *call;
        struct {
            uint32_t first_param; /* number of its first parameter */
            uint32_t params_len;
        } lambda;
    } u;
};

const char *compare_op_name(CompareOp op); /* "=", "<>", "<=" */

/* SQL text with the names of the input schema: for EXPLAIN, the processing log and key names. */
void expr_print(Buf *out, const Expr *expr, const Schema *input);
bool expr_eq(const Expr *a, const Expr *b); /* structural, ignoring positions */
/* Sets used[i] for every input column that the expression reads. */
void expr_mark_columns(const Expr *expr, bool *used);
bool expr_is_constant(const Expr *expr); /* no column, pseudo column or volatile function */

#endif
