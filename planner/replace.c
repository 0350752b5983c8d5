/*
 * replace.c -- compares two plans step by step, leaving out what may change.
 */
#include "planner/replace.h"

#include "planner/bind_stmt.h"

/* Steps that may come, go and change. */
static bool is_free_step(PlanKind kind)
{
    return kind == PLAN_FILTER || kind == PLAN_PROJECT || kind == PLAN_VIEW || kind == PLAN_SINK;
}

/* Steps of a query that can never be replaced. */
static const char *fixed_step(const PlanNode *node)
{
    switch (node->kind) {
    case PLAN_PROJECT:
        return plan_is_union(node) ? "UNION ALL" : NULL;
    case PLAN_FLATMAP:
        return "table functions";
    case PLAN_SUPPRESS:
        return "EMIT FINAL";
    case PLAN_JOIN_STREAMS:
    case PLAN_JOIN_STREAM_TABLE:
    case PLAN_JOIN_TABLES:
    case PLAN_JOIN_FOREIGN_KEY:
        return "joins";
    case PLAN_AGGREGATE:
        if (node->u.aggregate.window)
            return "windowed aggregations";
        return node->u.aggregate.is_table ? "aggregations of tables" : NULL;
    case PLAN_SCAN:
        return node->u.scan.window != WINDOW_NONE ? "windowed sources" : NULL;
    default:
        return NULL;
    }
}

static ErrCode check_no_fixed(const Plan *plan, const Source *before, SrcPos pos, Err *err)
{
    for (uint32_t i = 0; i < plan->nodes_len; i++) {
        const char *what = fixed_step(plan->nodes[i]);

        if (what)
            return err_set_at(err, ERR_STATEMENT, pos,
                              "cannot replace %s \"%.*s\": queries with %s cannot be changed",
                              source_kind(before->is_table), STR_ARG(before->name), what);
    }
    return ERR_OK;
}

/* The next step towards the leaves that may not change, from node on. */
static const PlanNode *next_step(const PlanNode *node)
{
    while (node && is_free_step(node->kind))
        node = node->inputs_len > 0 ? node->inputs[0] : NULL;
    return node;
}

static bool same_scan(const PlanNode *a, const PlanNode *b)
{
    return str_eq(a->u.scan.source, b->u.scan.source) && str_eq(a->u.scan.topic, b->u.scan.topic) &&
           format_same_bytes(&a->u.scan.key_format, &b->u.scan.key_format) &&
           format_same_bytes(&a->u.scan.value_format, &b->u.scan.value_format) &&
           a->u.scan.timestamp.column == b->u.scan.timestamp.column &&
           str_eq(a->u.scan.timestamp.format, b->u.scan.timestamp.format);
}

/* Texts and not trees: column numbers of the source may have moved. */
static bool same_expr(const PlanNode *a, const PlanNode *b, const Expr *x, const Expr *y)
{
    Arena *scratch = arena_new(0);
    Buf    first = buf_in(scratch), second = buf_in(scratch);
    bool   same;

    expr_print(&first, x, a->inputs[0]->schema);
    expr_print(&second, y, b->inputs[0]->schema);
    same = str_eq(buf_view(&first), buf_view(&second)) && type_eq(x->type, y->type);
    arena_free(scratch);
    return same;
}

/* New keys are compared; behind GROUP BY also the columns that travel into the aggregate. */
static bool same_rekey(const PlanNode *a, const PlanNode *b, bool whole)
{
    uint32_t len = whole ? a->schema->len : a->schema->key_len;

    if (a->schema->key_len != b->schema->key_len || (whole && a->schema->len != b->schema->len))
        return false;
    for (uint32_t i = 0; i < len; i++) {
        if (!same_expr(a, b, a->u.project.exprs[i], b->u.project.exprs[i]))
            return false;
    }
    return true;
}

static bool same_aggs(const PlanNode *a, const PlanNode *b)
{
    if (a->u.aggregate.aggs_len != b->u.aggregate.aggs_len)
        return false;
    for (uint32_t i = 0; i < a->u.aggregate.aggs_len; i++) {
        const PlanAgg *x = &a->u.aggregate.aggs[i], *y = &b->u.aggregate.aggs[i];

        if (x->def != y->def || x->args_len != y->args_len || x->init_len != y->init_len ||
            !type_eq(x->type, y->type))
            return false;
        for (uint32_t k = 0; k < x->args_len; k++) {
            if (!same_expr(a, b, x->args[k], y->args[k]))
                return false;
        }
        for (uint32_t k = 0; k < x->init_len; k++) {
            if (!value_eq(x->init_args[k], y->init_args[k]))
                return false;
        }
    }
    return true;
}

static bool same_step(const PlanNode *a, const PlanNode *b, bool is_grouped)
{
    if (a->kind != b->kind)
        return false;
    switch (a->kind) {
    case PLAN_SCAN:
        return same_scan(a, b);
    case PLAN_REKEY:
        return same_rekey(a, b, is_grouped);
    case PLAN_EXCHANGE:
        return format_same_bytes(&a->u.exchange.key_format, &b->u.exchange.key_format);
    case PLAN_AGGREGATE:
        return same_aggs(a, b);
    default:
        return true;
    }
}

/* HAVING and WHERE of a table keep no state of their own, but their place decides what passes. */
static const PlanNode *next_enforced(const PlanNode *node)
{
    node = next_step(node);
    while (node && node->kind == PLAN_FILTER_TABLE)
        node = next_step(node->inputs[0]);
    return node;
}

static ErrCode compare_plans(const Plan *old, const Plan *plan, const Source *before, SrcPos pos,
                             Err *err)
{
    const PlanNode *a = next_enforced(old->root), *b = next_enforced(plan->root);
    bool            is_grouped = false;

    while (a && b && same_step(a, b, is_grouped)) {
        is_grouped = is_grouped || a->kind == PLAN_AGGREGATE;
        a = a->inputs_len > 0 ? next_enforced(a->inputs[0]) : NULL;
        b = b->inputs_len > 0 ? next_enforced(b->inputs[0]) : NULL;
    }
    if (!a && !b)
        return ERR_OK;
    err_set_at(err, ERR_STATEMENT, pos,
               "cannot replace %s \"%.*s\": its query would not go on from the same state: step "
               "%s would change",
               source_kind(before->is_table), STR_ARG(before->name), a ? a->step : b->step);
    err_hint(err, "filters and projections can change; DROP and create it anew for the rest");
    return ERR_STATEMENT;
}

/* Exactly one query may write the sink. */
static ErrCode check_writers(const Catalog *catalog, const Source *before, SrcPos pos, Err *err)
{
    for (size_t i = 0; i < catalog_queries_len(catalog); i++) {
        const CatalogQuery *query = catalog_query_at(catalog, i);

        if (query->sink.ptr && str_eq(query->sink, before->name) &&
            !str_eq(query->id, before->created_by))
            return err_set_at(
                err, ERR_STATEMENT, pos, "cannot replace %s \"%.*s\": query %.*s writes to it too",
                source_kind(before->is_table), STR_ARG(before->name), STR_ARG(query->id));
    }
    return ERR_OK;
}

ErrCode check_query_replaceable(const Catalog *catalog, const Source *before, const Source *after,
                                const Plan *plan, SrcPos pos, Err *err)
{
    const CatalogQuery *query =
        before->created_by.ptr ? catalog_query(catalog, before->created_by) : NULL;

    TRY(check_replaceable(before, after, pos, err));
    TRY(check_writers(catalog, before, pos, err));
    if (!query)
        return err_set_at(err, ERR_STATEMENT, pos, "cannot replace %s \"%.*s\": no query makes it",
                          source_kind(before->is_table), STR_ARG(before->name));
    TRY(check_no_fixed(query->plan, before, pos, err));
    TRY(check_no_fixed(plan, before, pos, err));
    return compare_plans(query->plan, plan, before, pos, err);
}
