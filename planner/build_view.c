/*
 * build_view.c -- a table's view that is the state of its aggregation.
 *
 *     SELECT B, COUNT(*) AS N, SUM(A) AS X ... GROUP BY B
 *
 *     view O  <  project B = B, N = agg 0, X = agg 1  <  aggregate, keeps N and X
 *
 * Where each aggregate's state is its value and the projection only names the columns, the store of
 * the aggregation holds what the view would: it becomes the view, under the projection's names, and
 * nothing is kept twice.
 */
#include "planner/build.h"

static bool is_column(const Expr *expr, uint32_t index)
{
    return expr->kind == EXPR_COLUMN && expr->u.index == index;
}

/* The state's slots under the names that the projection gives them; NULL when it does not give one
 * to each, or gives more. */
static const Column *name_slots(Arena *mem, const PlanNode *project, const PlanNode *aggregate)
{
    const Schema    *schema = project->schema;
    uint32_t         key_len = schema->key_len;
    const PlanStore *store = aggregate->store;
    Column          *slots = ARENA_ARRAY(mem, Column, store->slots_len);

    if (schema->len != key_len + store->slots_len)
        return NULL;
    for (uint32_t i = key_len; i < schema->len; i++) {
        const Expr *expr = project->u.project.exprs[i];
        uint32_t    slot = expr->u.index - key_len;

        if (expr->kind != EXPR_COLUMN || expr->u.index < key_len || slots[slot].type ||
            !type_eq(schema->cols[i].type, store->slots[slot].type))
            return NULL;
        slots[slot] = schema->cols[i];
    }
    return slots;
}

static bool are_states_values(const PlanNode *aggregate)
{
    for (uint32_t i = 0; i < aggregate->u.aggregate.aggs_len; i++) {
        if (!aggregate->u.aggregate.aggs[i].def->state_is_value)
            return false;
    }
    return true;
}

const PlanStore *build_view_of_state(Arena *mem, const PlanNode *project, Str name)
{
    const PlanNode *aggregate = project->inputs_len > 0 ? project->inputs[0] : NULL;
    const Column   *slots;
    PlanStore      *store;

    if (project->kind != PLAN_PROJECT || aggregate->kind != PLAN_AGGREGATE ||
        project->schema->key_len != aggregate->schema->key_len || !are_states_values(aggregate))
        return NULL;
    for (uint32_t i = 0; i < project->schema->key_len; i++) {
        if (!is_column(project->u.project.exprs[i], i))
            return NULL;
    }
    slots = name_slots(mem, project, aggregate);
    if (!slots)
        return NULL;
    store = ARENA_NEW(mem, PlanStore);
    *store = *aggregate->store;
    store->keys = project->schema->cols;
    store->slots = slots;
    store->is_view = true;
    store->view_name = str_copy(mem, name);
    return store;
}
