#include "exec/ops/col_progs.h"

ErrCode col_progs_open(OpCtx *ctx, const PlanNode *node, Expr **exprs, ColProgs *out, Err *err)
{
    const Schema *schema = node->schema;

    out->items = ARENA_ARRAY(ctx->query_mem, ColProg, schema->len);
    out->len = 0;
    for (uint32_t i = 0; i < schema->len; i++) {
        ColProg    *prog = &out->items[i];
        const char *name = str_to_c(ctx->query_mem, schema->cols[i].name);
        ErrCode     rc = op_expr(ctx, exprs[i], name, &prog->prog, err);

        if (rc != ERR_OK) {
            col_progs_close(out);
            return rc;
        }
        prog->copied = expr_column_index(prog->prog);
        out->len++;
    }
    return ERR_OK;
}

void col_progs_close(ColProgs *progs)
{
    for (uint32_t i = 0; i < progs->len; i++)
        expr_release(progs->items[i].prog);
    progs->len = 0;
}
