/*
 * expr_call.c -- function calls and their lambdas.
 *
 * A call site owns the array its arguments are evaluated into: it is never entered again while it
 * runs, because a lambda's body contains other call sites only.
 */
#include "exec/expr_node.h"

#include <assert.h>
#include <string.h>

/* Runs lambda argument `arg` of the call in the frame that the call itself runs in. */
static ErrCode call_lambda(const FnCall *call, uint32_t arg, const Value *args, Value *out,
                           Err *err)
{
    const ExprCall *site = (const ExprCall *)call;
    const ExprNode *node = call->lambda_env;
    ExprFrame      *frame = site->frame;
    ErrCode         rc;
    Value           v;

    memcpy(frame->params + site->first_param[arg], args, sizeof(Value) * site->params_len[arg]);
    v = expr_node_eval(node->args[arg], frame);
    if (v.kind == T_NULL && frame->rc != ERR_OK) {
        rc = frame->rc;
        frame->rc = ERR_OK;
        if (err != frame->err)
            *err = *frame->err;
        return rc;
    }
    *out = v;
    return ERR_OK;
}

static Value null_argument(const ExprNode *node, ExprFrame *frame, const FnDef *def)
{
    if (def->nulls == NULL_IN_NULL_OUT || frame->rc != ERR_OK)
        return value_null();
    return expr_fail(node, frame, "function %s does not take null", def->name);
}

static Value call_function(const ExprNode *node, ExprFrame *frame)
{
    ExprCall    *site = node->u.call;
    const FnDef *def = site->call.def;
    Value        out = value_null();

    for (uint32_t i = 0; i < node->args_len; i++) {
        Value v;

        if (site->params_len[i] > 0)
            continue;
        v = expr_node_eval(node->args[i], frame);
        if (v.kind == T_NULL && (frame->rc != ERR_OK || def->nulls != NULL_IS_VALUE))
            return null_argument(node, frame, def);
        site->args[i] = v;
    }
    site->call.mem = frame->ctx->mem;
    site->call.now_ms = frame->ctx->now_ms;
    site->frame = frame;
    frame->rc = def->eval(&site->call, site->args, &out, frame->err);
    return frame->rc == ERR_OK ? out : value_null();
}

static void note_lambda(ExprCall *site, uint32_t i, const Expr *arg)
{
    if (arg->kind != EXPR_LAMBDA)
        return;
    site->first_param[i] = arg->u.lambda.first_param;
    site->params_len[i] = arg->u.lambda.params_len;
}

static ErrCode prepare(ExprCall *site, const ExprNode *node, Arena *mem, Err *err)
{
    const Value **literals = ARENA_ARRAY(mem, const Value *, node->args_len);

    for (uint32_t i = 0; i < node->args_len; i++) {
        if (expr_is_literal(node->args[i]))
            literals[i] = &node->args[i]->expr->u.literal;
    }
    TRY(site->call.def->prepare(&site->call, literals, mem, err));
    site->is_prepared = true;
    return ERR_OK;
}

ErrCode expr_call_choose(ExprNode *node, ExprProg *prog, Arena *mem, Err *err)
{
    ExprCall    *site = ARENA_NEW(mem, ExprCall);
    const Type **types = ARENA_ARRAY(mem, const Type *, node->args_len);

    site->args = ARENA_ARRAY(mem, Value, node->args_len);
    site->first_param = ARENA_ARRAY(mem, uint32_t, node->args_len);
    site->params_len = ARENA_ARRAY(mem, uint32_t, node->args_len);
    for (uint32_t i = 0; i < node->args_len; i++) {
        types[i] = node->expr->args[i]->type;
        note_lambda(site, i, node->expr->args[i]);
    }
    site->call = (FnCall){
        .def = node->expr->u.call,
        .arg_types = types,
        .result = node->expr->type,
        .args_len = node->args_len,
        .lambda = call_lambda,
        .lambda_env = node,
    };
    site->next = prog->calls;
    prog->calls = site;
    node->u.call = site;
    node->eval = call_function;
    return site->call.def->prepare ? prepare(site, node, mem, err) : ERR_OK;
}

void expr_release(const ExprProg *prog)
{
    if (!prog)
        return;
    for (ExprCall *site = prog->calls; site; site = site->next) {
        if (site->is_prepared && site->call.def->unprepare)
            site->call.def->unprepare(&site->call);
        site->is_prepared = false;
    }
}
