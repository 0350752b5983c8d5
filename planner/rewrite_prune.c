/*
 * rewrite_prune.c -- which columns a scan must decode.
 *
 * Going down from the root, a set of columns says what the step above reads.  Projections and
 * re-keyings start a new set from the expressions that they compute; a table's store keeps whole
 * rows, so everything below it is wanted.
 */
#include "planner/build.h"

static void prune(Arena *mem, PlanNode *node, const bool *used);

static void mark_all(bool *used, uint32_t len)
{
    for (uint32_t i = 0; i < len; i++)
        used[i] = true;
}

static void prune_scan(Arena *mem, PlanNode *node, const bool *used)
{
    bool *wanted = ARENA_ARRAY(mem, bool, node->schema->len);

    memcpy(wanted, used, node->schema->len * sizeof *wanted);
    if (node->u.scan.timestamp.column >= 0)
        wanted[node->u.scan.timestamp.column] = true;
    node->u.scan.is_wanted = wanted;
}

/* What node reads of its input, given what is read of node itself. */
static void mark_input(const PlanNode *node, const bool *used, bool *below)
{
    uint32_t below_len = node->inputs[0]->schema->len;

    switch (node->kind) {
    case PLAN_PROJECT:
    case PLAN_REKEY:
        for (uint32_t i = 0; i < node->schema->len; i++) {
            if (used[i])
                expr_mark_columns(node->u.project.exprs[i], below);
        }
        break;
    case PLAN_FILTER:
    case PLAN_FILTER_TABLE:
        memcpy(below, used, below_len * sizeof *below);
        expr_mark_columns(node->u.filter.predicate, below);
        break;
    case PLAN_FLATMAP:
        memcpy(below, used, below_len * sizeof *below);
        for (uint32_t i = 0; i < node->u.flatmap.fns_len; i++) {
            for (uint32_t k = 0; k < node->u.flatmap.args_len[i]; k++)
                expr_mark_columns(node->u.flatmap.args[i][k], below);
        }
        break;
    case PLAN_LIMIT:
    case PLAN_EXCHANGE:
    case PLAN_SUPPRESS:
        memcpy(below, used, below_len * sizeof *below);
        break;
    default:
        mark_all(below, below_len);
    }
}

static void prune(Arena *mem, PlanNode *node, const bool *used)
{
    bool *below;

    if (node->kind == PLAN_SCAN) {
        prune_scan(mem, node, used);
        return;
    }
    for (uint32_t i = 0; i < node->inputs_len; i++) {
        below = ARENA_ARRAY(mem, bool, node->inputs[i]->schema->len);
        if (node->inputs_len == 1)
            mark_input(node, used, below);
        else
            mark_all(below, node->inputs[i]->schema->len);
        prune(mem, node->inputs[i], below);
    }
}

void rewrite_prune(Arena *mem, Plan *plan)
{
    bool *used = ARENA_ARRAY(mem, bool, plan->root->schema->len);

    mark_all(used, plan->root->schema->len);
    prune(mem, plan->root, used);
}
