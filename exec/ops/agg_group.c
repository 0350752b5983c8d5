#include "exec/ops/agg_group.h"

#include "exec/agg.h"

typedef struct GroupAgg {
    AggCall          call;
    const ExprProg **args;
    uint32_t         args_len;
    uint32_t         first_slot;
} GroupAgg;

struct AggGroup {
    OpCtx          *ctx;
    const PlanNode *node;
    State          *state;
    GroupAgg       *aggs;
    uint32_t        aggs_len;
    Value          *values;      /* arguments of the call at hand */
    bool            is_computed; /* group keys are computed: a null one is worth an entry */
};

static ErrCode agg_group_open_one(OpCtx *ctx, const PlanAgg *plan, GroupAgg *agg, Err *err)
{
    agg->call = (AggCall){
        .def = plan->def,
        .arg_types = plan->arg_types,
        .args_len = plan->args_len,
        .init_args = plan->init_args,
        .init_len = plan->init_len,
        .result = plan->type,
        .slot_types = plan->slot_types,
        .limit = plan->limit,
    };
    agg->args = ARENA_ARRAY(ctx->query_mem, const ExprProg *, plan->args_len);
    for (uint32_t i = 0; i < plan->args_len; i++) {
        TRY(op_expr(ctx, plan->args[i], plan->def->name, &agg->args[i], err));
        agg->args_len++;
    }
    return ERR_OK;
}

static bool agg_group_is_computed(const PlanNode *node)
{
    const PlanNode *input = node->inputs[0];

    if (input->kind == PLAN_EXCHANGE)
        input = input->inputs[0];
    return input->kind == PLAN_REKEY && !input->u.project.is_key_unchanged;
}

ErrCode agg_group_open(OpCtx *ctx, const PlanNode *node, AggGroup **out, Err *err)
{
    AggGroup *group = ARENA_NEW(ctx->query_mem, AggGroup);
    uint32_t  slot = 0, args_max = 0;

    group->ctx = ctx;
    group->node = node;
    group->state = op_state(ctx, node->store);
    group->is_computed = agg_group_is_computed(node);
    group->aggs_len = node->u.aggregate.aggs_len;
    group->aggs = ARENA_ARRAY(ctx->query_mem, GroupAgg, group->aggs_len);
    for (uint32_t i = 0; i < group->aggs_len; i++) {
        const PlanAgg *plan = &node->u.aggregate.aggs[i];
        ErrCode        rc = agg_group_open_one(ctx, plan, &group->aggs[i], err);

        if (rc != ERR_OK) {
            agg_group_close(group);
            return rc;
        }
        group->aggs[i].first_slot = slot;
        slot += plan->def->slots_len;
        if (plan->args_len > args_max)
            args_max = plan->args_len;
    }
    group->values = ARENA_ARRAY(ctx->query_mem, Value, args_max);
    *out = group;
    return ERR_OK;
}

void agg_group_close(AggGroup *group)
{
    if (!group)
        return;
    for (uint32_t i = 0; i < group->aggs_len; i++) {
        for (uint32_t k = 0; k < group->aggs[i].args_len; k++)
            expr_release(group->aggs[i].args[k]);
    }
}

static inline AggSlots agg_group_slots(const AggGroup *group, const GroupAgg *agg, Value *slots)
{
    return (AggSlots){.values = slots + agg->first_slot, .keep = state_keep, .owner = group->state};
}

void agg_group_init(AggGroup *group, StateEntry *entry, Arena *mem)
{
    for (uint32_t i = 0; i < group->aggs_len; i++) {
        GroupAgg *agg = &group->aggs[i];
        AggSlots  slots = agg_group_slots(group, agg, entry->slots);

        agg->call.mem = mem;
        agg->call.def->init(&agg->call, &slots);
    }
}

static void agg_group_args(AggGroup *group, const GroupAgg *agg, const Row *row, ExprCtx *ctx)
{
    for (uint32_t i = 0; i < agg->args_len; i++)
        group->values[i] = expr_eval(agg->args[i], row, ctx);
}

ErrCode agg_group_add(AggGroup *group, StateEntry *entry, const Row *row, Arena *mem, Err *err)
{
    for (uint32_t i = 0; i < group->aggs_len; i++) {
        GroupAgg *agg = &group->aggs[i];
        AggSlots  slots = agg_group_slots(group, agg, entry->slots);

        agg_group_args(group, agg, row, &group->ctx->expr);
        agg->call.mem = mem;
        TRY(agg->call.def->add(&agg->call, &slots, group->values, err));
    }
    return ERR_OK;
}

ErrCode agg_group_undo(AggGroup *group, StateEntry *entry, const Row *row, Arena *mem, Err *err)
{
    ExprCtx ctx = group->ctx->expr;

    /* Errors were reported when the old row was new. */
    ctx.cols = row->old;
    ctx.errors = NULL;
    for (uint32_t i = 0; i < group->aggs_len; i++) {
        GroupAgg *agg = &group->aggs[i];
        AggSlots  slots = agg_group_slots(group, agg, entry->slots);

        agg_group_args(group, agg, row, &ctx);
        agg->call.mem = mem;
        TRY(agg->call.def->undo(&agg->call, &slots, group->values, err));
    }
    return ERR_OK;
}

ErrCode agg_group_merge(AggGroup *group, StateEntry *into, Value *other_slots, Arena *mem, Err *err)
{
    for (uint32_t i = 0; i < group->aggs_len; i++) {
        GroupAgg *agg = &group->aggs[i];
        AggSlots  slots = agg_group_slots(group, agg, into->slots);
        AggSlots  other = {.values = other_slots + agg->first_slot};

        agg->call.mem = mem;
        TRY(agg->call.def->merge(&agg->call, &slots, &other, err));
    }
    return ERR_OK;
}

ErrCode agg_group_finish(AggGroup *group, const StateEntry *entry, Arena *mem, Value *out, Err *err)
{
    for (uint32_t i = 0; i < group->aggs_len; i++) {
        GroupAgg *agg = &group->aggs[i];
        AggSlots  slots = agg_group_slots(group, agg, entry->slots);
        Value     v;

        agg->call.mem = mem;
        TRY(agg->call.def->finish(&agg->call, &slots, &v, err));
        /* The entry may change while the row is on its way. */
        out[i] = v.kind >= T_DECIMAL ? value_copy(mem, v) : v;
    }
    return ERR_OK;
}

ErrCode agg_group_row(AggGroup *group, const StateEntry *entry, const Row *row, Arena *mem,
                      Row *out, Err *err)
{
    const Schema *schema = group->node->schema;

    op_row_like(out, row, schema->len, mem);
    memcpy(out->cols, row->cols, sizeof(Value) * schema->key_len);
    return agg_group_finish(group, entry, mem, out->cols + schema->key_len, err);
}

bool agg_group_has_key(AggGroup *group, const Row *row)
{
    uint32_t key_len = group->node->schema->key_len;
    Err      why;

    for (uint32_t i = 0; i < key_len; i++) {
        if (!value_is_null(row->cols[i]))
            continue;
        group->ctx->counters.skipped++;
        if (group->is_computed) {
            (void)err_set(&why, ERR_EVAL, "group column \"%.*s\" is null: row skipped",
                          STR_ARG(group->node->schema->cols[i].name));
            proclog_record(group->ctx->log, group->node->step, STR_NULL, &why);
        }
        return false;
    }
    return true;
}
