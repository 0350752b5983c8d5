/*
 * explain.c -- plans as text: one line per step, root first, inputs indented below.
 *
 *     > sink OUT to topic OUT (KAFKA, JSON) [`ID` INTEGER KEY, `N` BIGINT]
 *       > project ID = ID, N = KSQL_AGG_VARIABLE_0
 */
#include "planner/planner.h"

static const char *const kind_names[] = {
    [PLAN_SCAN] = "scan",
    [PLAN_TABLE] = "table",
    [PLAN_FILTER] = "filter",
    [PLAN_FILTER_TABLE] = "filter table",
    [PLAN_PROJECT] = "project",
    [PLAN_FLATMAP] = "flat map",
    [PLAN_REKEY] = "re-key",
    [PLAN_EXCHANGE] = "exchange",
    [PLAN_AGGREGATE] = "aggregate",
    [PLAN_SUPPRESS] = "emit final",
    [PLAN_JOIN_STREAMS] = "join streams",
    [PLAN_JOIN_STREAM_TABLE] = "join stream and table",
    [PLAN_JOIN_TABLES] = "join tables",
    [PLAN_JOIN_FOREIGN_KEY] = "join tables on foreign key",
    [PLAN_LIMIT] = "limit",
    [PLAN_VIEW] = "view",
    [PLAN_SINK] = "sink",
    [PLAN_PUSH] = "push",
};
_Static_assert(sizeof kind_names / sizeof kind_names[0] == PLAN_COUNT_, "a name per step");

static const Schema *input_schema(const PlanNode *node)
{
    return node->inputs_len > 0 ? node->inputs[0]->schema : NULL;
}

static void print_exprs(Buf *out, const PlanNode *node)
{
    for (uint32_t i = 0; i < node->schema->len; i++) {
        buf_c(out, i > 0 ? ", " : " ");
        buf_str(out, node->schema->cols[i].name);
        buf_c(out, " = ");
        expr_print(out, node->u.project.exprs[i], input_schema(node));
    }
}

static void print_window(Buf *out, const WindowSpec *window)
{
    if (!window)
        return;
    buf_printf(out, " window %s (size %lld ms", window_kind_name(window->kind),
               (long long)window->size_ms);
    if (window->kind == WINDOW_HOPPING)
        buf_printf(out, ", advance %lld ms", (long long)window->advance_ms);
    buf_printf(out, ", grace %lld ms)", (long long)window->grace_ms);
}

static void print_aggs(Buf *out, const PlanNode *node)
{
    for (uint32_t i = 0; i < node->u.aggregate.aggs_len; i++) {
        const PlanAgg *agg = &node->u.aggregate.aggs[i];

        buf_printf(out, "%s%s(", i > 0 ? ", " : " ", agg->def->name);
        for (uint32_t k = 0; k < agg->args_len; k++) {
            if (k > 0)
                buf_c(out, ", ");
            expr_print(out, agg->args[k], input_schema(node));
        }
        for (uint32_t k = 0; k < agg->init_len; k++) {
            buf_c(out, ", ");
            value_print_sql(out, agg->init_args[k], type_scalar((TypeKind)agg->init_args[k].kind));
        }
        buf_put(out, ')');
    }
    print_window(out, node->u.aggregate.window);
}

static void print_join(Buf *out, const PlanNode *node)
{
    static const char *const kinds[] = {[JOIN_INNER] = " inner",
                                        [JOIN_LEFT] = " left",
                                        [JOIN_RIGHT] = " right",
                                        [JOIN_FULL] = " full"};

    buf_c(out, kinds[node->u.join.kind]);
    buf_c(out, " on ");
    expr_print(out, node->u.join.left_key, node->inputs[0]->schema);
    buf_c(out, " = ");
    expr_print(out, node->u.join.right_key, node->inputs[1]->schema);
    if (node->kind == PLAN_JOIN_STREAMS)
        buf_printf(out, " within (%lld ms, %lld ms) grace %lld ms",
                   (long long)node->u.join.before_ms, (long long)node->u.join.after_ms,
                   (long long)node->u.join.grace_ms);
}

static void print_formats(Buf *out, Str topic, const FormatSpec *key, const FormatSpec *value)
{
    buf_printf(out, " topic %.*s (%s, %s)", STR_ARG(topic), format_kind_name(key->kind),
               format_kind_name(value->kind));
}

/* The columns that are decoded, when they are not all. */
static void print_wanted(Buf *out, const PlanNode *node)
{
    uint32_t wanted = 0, printed = 0;

    for (uint32_t i = 0; i < node->schema->len; i++)
        wanted += node->u.scan.is_wanted[i];
    if (wanted == node->schema->len)
        return;
    buf_c(out, " only (");
    for (uint32_t i = 0; i < node->schema->len; i++) {
        if (!node->u.scan.is_wanted[i])
            continue;
        buf_c(out, printed++ > 0 ? ", " : "");
        buf_str(out, node->schema->cols[i].name);
    }
    buf_put(out, ')');
}

static void print_detail(Buf *out, const PlanNode *node)
{
    switch (node->kind) {
    case PLAN_SCAN:
        buf_printf(out, " %.*s", STR_ARG(node->u.scan.source));
        print_formats(out, node->u.scan.topic, &node->u.scan.key_format,
                      &node->u.scan.value_format);
        print_wanted(out, node);
        break;
    case PLAN_FILTER:
    case PLAN_FILTER_TABLE:
        buf_put(out, ' ');
        expr_print(out, node->u.filter.predicate, input_schema(node));
        break;
    case PLAN_PROJECT:
    case PLAN_REKEY:
        if (!plan_is_union(node))
            print_exprs(out, node);
        break;
    case PLAN_EXCHANGE:
        buf_printf(out, " to %u tasks", node->u.exchange.partitions);
        break;
    case PLAN_AGGREGATE:
        print_aggs(out, node);
        if (node->store->is_view)
            buf_printf(out, " as view %.*s", STR_ARG(node->store->view_name));
        break;
    case PLAN_JOIN_STREAMS:
    case PLAN_JOIN_STREAM_TABLE:
    case PLAN_JOIN_TABLES:
    case PLAN_JOIN_FOREIGN_KEY:
        print_join(out, node);
        break;
    case PLAN_LIMIT:
        buf_printf(out, " %lld", (long long)node->u.limit.rows);
        break;
    case PLAN_VIEW:
        buf_printf(out, " %.*s", STR_ARG(node->store->view_name));
        break;
    case PLAN_SINK:
        buf_printf(out, " %.*s", STR_ARG(node->u.sink.sink));
        print_formats(out, node->u.sink.topic, &node->u.sink.key_format,
                      &node->u.sink.value_format);
        break;
    default:
        break;
    }
}

static void explain_node(Buf *out, const PlanNode *node, int depth)
{
    const char *name = plan_is_union(node) ? "union all" : kind_names[node->kind];

    buf_printf(out, "%*s> %s", depth * 2, "", name);
    print_detail(out, node);
    buf_c(out, " [");
    schema_print(out, node->schema, true);
    buf_printf(out, "] %s%s\n", node->is_table ? "table" : "stream",
               node->store ? ", keeps state" : "");
    for (uint32_t i = 0; i < node->inputs_len; i++)
        explain_node(out, node->inputs[i], depth + 1);
}

void explain_plan(Buf *out, const Plan *plan)
{
    explain_node(out, plan->root, 0);
}

static void print_bounds(Buf *out, const char *name, PullBounds bounds)
{
    if (bounds.min != INT64_MIN)
        buf_printf(out, ", %s >= %lld", name, (long long)bounds.min);
    if (bounds.max != INT64_MAX)
        buf_printf(out, ", %s <= %lld", name, (long long)bounds.max);
}

static void print_keys(Buf *out, const PullPlan *plan)
{
    uint32_t width = plan->row->key_len;

    for (uint32_t i = 0; i < plan->keys_len; i++) {
        buf_c(out, i > 0 ? ", (" : " (");
        for (uint32_t k = 0; k < width; k++) {
            buf_c(out, k > 0 ? ", " : "");
            value_print_sql(out, plan->keys[i * width + k], plan->row->cols[k].type);
        }
        buf_put(out, ')');
    }
}

static void print_range(Buf *out, const PullPlan *plan)
{
    const Column *key = &plan->row->cols[0];

    if (!value_is_null(plan->low)) {
        buf_printf(out, " %.*s %s ", STR_ARG(key->name), plan->is_low_open ? ">" : ">=");
        value_print_sql(out, plan->low, key->type);
    }
    if (!value_is_null(plan->high)) {
        buf_printf(out, " %.*s %s ", STR_ARG(key->name), plan->is_high_open ? "<" : "<=");
        value_print_sql(out, plan->high, key->type);
    }
}

void explain_pull(Buf *out, const PullPlan *plan)
{
    static const char *const names[] = {
        [PULL_KEYS] = "look up keys", [PULL_RANGE] = "read range", [PULL_SCAN] = "read all"};

    buf_c(out, "> project");
    for (uint32_t i = 0; i < plan->schema->len; i++) {
        buf_c(out, i > 0 ? ", " : " ");
        expr_print(out, plan->exprs[i], plan->row);
    }
    buf_c(out, " [");
    schema_print(out, plan->schema, true);
    buf_c(out, "]\n");
    if (plan->predicate) {
        buf_c(out, "  > filter ");
        expr_print(out, plan->predicate, plan->row);
        buf_put(out, '\n');
    }
    buf_printf(out, "    > %s of view %.*s", names[plan->kind], STR_ARG(plan->source));
    if (plan->kind == PULL_KEYS)
        print_keys(out, plan);
    else if (plan->kind == PULL_RANGE)
        print_range(out, plan);
    print_bounds(out, "WINDOWSTART", plan->window_start);
    print_bounds(out, "WINDOWEND", plan->window_end);
    buf_c(out, " [");
    schema_print(out, plan->row, true);
    buf_c(out, "]\n");
}
