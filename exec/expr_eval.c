/*
 * expr_eval.c -- running a compiled expression: entry points, leaves, errors.
 */
#include "exec/expr_node.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include "common/clock.h"

/* --- errors ----------------------------------------------------------------------------------- */

Value expr_fail(const ExprNode *node, ExprFrame *frame, const char *format, ...)
{
    va_list args;
    char    why[256];

    va_start(args, format);
    vsnprintf(why, sizeof why, format, args);
    va_end(args);
    frame->rc = err_set_at(frame->err, ERR_EVAL, node->expr->pos, "%s", why);
    return value_null();
}

Value expr_fail_null(const ExprNode *node, ExprFrame *frame, const char *what)
{
    if (frame->rc == ERR_OK)
        frame->rc = err_set_at(frame->err, ERR_EVAL, node->expr->pos, "%s", what);
    return value_null();
}

static void report(const ExprFrame *frame)
{
    const ExprErrors *errors = frame->ctx->errors;

    if (errors)
        errors->report(errors->self, frame->prog, frame->row, frame->err);
}

static Value guard(const ExprNode *node, ExprFrame *frame)
{
    Value v = expr_node_eval(node->args[0], frame);

    if (v.kind == T_NULL && frame->rc != ERR_OK) {
        report(frame);
        frame->rc = ERR_OK;
    }
    return v;
}

void expr_guard_choose(ExprNode *node)
{
    node->eval = guard;
}

/* --- leaves ----------------------------------------------------------------------------------- */

static Value literal(const ExprNode *node, ExprFrame *frame)
{
    (void)frame;
    return node->u.literal;
}

static Value column(const ExprNode *node, ExprFrame *frame)
{
    return frame->cols[node->u.index];
}

static Value param(const ExprNode *node, ExprFrame *frame)
{
    return frame->params[node->u.index];
}

static Value pseudo(const ExprNode *node, ExprFrame *frame)
{
    const Row *row = frame->row;

    switch (node->expr->u.pseudo) {
    case PSEUDO_ROWTIME:
        return value_bigint(row->ts);
    case PSEUDO_ROWPARTITION:
        return value_int((int32_t)row->partition);
    case PSEUDO_ROWOFFSET:
        return value_bigint(row->offset);
    case PSEUDO_WINDOWSTART:
        return value_bigint(row->window_start);
    case PSEUDO_WINDOWEND:
        return value_bigint(row->window_end);
    case PSEUDO_COUNT_:
        break;
    }
    assert(!"pseudo column");
    return value_null();
}

void expr_leaf_choose(ExprNode *node)
{
    switch (node->expr->kind) {
    case EXPR_LITERAL:
        node->u.literal = node->expr->u.literal;
        node->eval = literal;
        return;
    case EXPR_COLUMN:
        node->u.index = node->expr->u.index;
        node->eval = column;
        return;
    case EXPR_PARAM:
        node->u.index = node->expr->u.index;
        node->eval = param;
        return;
    default:
        assert(node->expr->kind == EXPR_PSEUDO);
        node->eval = pseudo;
    }
}

/* --- entry points ----------------------------------------------------------------------------- */

static inline ExprFrame frame_of(const ExprProg *prog, const Row *row, ExprCtx *ctx, Err *err)
{
    return (ExprFrame){
        .cols = ctx->cols ? ctx->cols
                : row     ? row->cols
                          : NULL,
        .row = row,
        .ctx = ctx,
        .params = prog->params,
        .prog = prog,
        .err = err,
        .rc = ERR_OK,
    };
}

Value expr_eval(const ExprProg *prog, const Row *row, ExprCtx *ctx)
{
    Err       err;
    ExprFrame frame = frame_of(prog, row, ctx, &err);
    Value     v = expr_node_eval(prog->root, &frame);

    if (v.kind == T_NULL && frame.rc != ERR_OK)
        report(&frame);
    return v;
}

ErrCode expr_try(const ExprProg *prog, const Row *row, ExprCtx *ctx, Value *out, Err *err)
{
    ExprFrame frame = frame_of(prog, row, ctx, err);
    Value     v = expr_node_eval(prog->root, &frame);

    if (frame.rc == ERR_OK)
        *out = v;
    return frame.rc;
}

bool expr_is_true(const ExprProg *prog, const Row *row, ExprCtx *ctx)
{
    Value v = expr_eval(prog, row, ctx);

    return v.kind == T_BOOLEAN && v.u.b;
}

const Expr *expr_source(const ExprProg *prog)
{
    return prog->expr;
}

const char *expr_name(const ExprProg *prog)
{
    return prog->name;
}

int expr_column_index(const ExprProg *prog)
{
    return prog->column;
}

ErrCode expr_eval_const(void *self, const Expr *expr, Arena *mem, Value *out, Err *err)
{
    ExprOpts        opts = {.nested_error_set_null = false, .name = ""};
    ExprCtx         ctx = {.mem = mem, .now_ms = clock_now_ms(clock_system())};
    const ExprProg *prog;
    ErrCode         rc;

    (void)self;
    TRY(expr_compile(mem, expr, &opts, &prog, err));
    rc = expr_try(prog, NULL, &ctx, out, err);
    expr_release(prog);
    return rc;
}
