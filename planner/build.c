/*
 * build.c -- the steps of a query, from the scan up.
 *
 *     SELECT ... WHERE ...            scan [table] [filter] project [limit]       push
 *     CREATE STREAM ... PARTITION BY  scan [filter] rekey project                 sink
 *     CREATE TABLE ... GROUP BY       scan [table] [filter] rekey [exchange] aggregate
 *                                     [suppress] [having] project view            sink
 *
 * Expressions come over scope numbers and are lowered to the columns of the step below: a Lowering
 * says which column holds which number.
 */
#include "planner/build_internal.h"

#include <assert.h>

#include "planner/with_props.h"

/* --- lowering --------------------------------------------------------------------------------- */

static ErrCode not_grouped(const Lowering *lowering, const Expr *expr, Err *err)
{
    const Scope *scope = &lowering->query->scope;
    Str          name = expr->kind == EXPR_PSEUDO ? str_from(pseudo_column_name(expr->u.pseudo))
                                                  : scope_column_name(scope, expr->u.index);

    err_set_at(err, ERR_STATEMENT, expr->pos,
               "column \"%.*s\" is not part of the GROUP BY expressions", STR_ARG(name));
    err_hint(err, "group by it, or put it into an aggregate function");
    return ERR_STATEMENT;
}

/* Behind GROUP BY there are the keys, the aggregates and the bounds of the group's window. */
static ErrCode lower_grouped(const Lowering *lowering, const Expr *expr, Expr *copy, bool *done,
                             Err *err)
{
    const BoundQuery *query = lowering->query;

    *done = true;
    for (uint32_t k = 0; k < query->keys_len; k++) {
        if (!expr_eq(expr, query->keys[k].expr))
            continue;
        *copy = (Expr){.kind = EXPR_COLUMN, .type = expr->type, .pos = expr->pos, .u.index = k};
        return ERR_OK;
    }
    if (expr->kind == EXPR_COLUMN) {
        if (expr->u.index < query->scope.cols_len)
            return not_grouped(lowering, expr, err);
        *copy = *expr;
        copy->u.index = lowering->extras + (expr->u.index - query->scope.cols_len);
        return ERR_OK;
    }
    if (expr->kind == EXPR_PSEUDO && expr->u.pseudo != PSEUDO_WINDOWSTART &&
        expr->u.pseudo != PSEUDO_WINDOWEND)
        return not_grouped(lowering, expr, err);
    *done = false;
    return ERR_OK;
}

static void lower_column(const Lowering *lowering, const Expr *expr, Expr *copy)
{
    const Scope *scope = &lowering->query->scope;
    ScopeColumn  column;

    *copy = *expr;
    if (expr->u.index >= scope->cols_len) {
        copy->u.index = lowering->extras + (expr->u.index - scope->cols_len);
        return;
    }
    column = scope_column(scope, expr->u.index);
    if (column.is_pseudo && lowering->columns[expr->u.index] < 0) {
        copy->kind = EXPR_PSEUDO;
        copy->u.pseudo = column.pseudo;
        return;
    }
    assert(lowering->columns[expr->u.index] >= 0);
    copy->u.index = (uint32_t)lowering->columns[expr->u.index];
}

typedef struct LowerArg {
    Arena          *mem;
    const Lowering *lowering;
} LowerArg;

static ErrCode lower_visit(void *arg, const Expr *expr, Expr **out, Err *err)
{
    const LowerArg *self = arg;
    Expr            copy;
    bool            done = false;

    if (!self->lowering->columns) {
        TRY(lower_grouped(self->lowering, expr, &copy, &done, err));
    } else if (expr->kind == EXPR_COLUMN) {
        lower_column(self->lowering, expr, &copy);
        done = true;
    }
    if (done) {
        *out = ARENA_NEW(self->mem, Expr);
        **out = copy;
    }
    return ERR_OK;
}

ErrCode lower(Builder *b, const Lowering *lowering, const Expr *expr, Expr **out, Err *err)
{
    LowerArg arg = {b->mem, lowering};

    return expr_map(b->mem, expr, lower_visit, &arg, out, err);
}

/* The rows of the source itself. */
static Lowering source_lowering(Builder *b)
{
    const Scope *scope = &b->query->scope;
    Lowering     lowering = {.query = b->query,
                             .columns = ARENA_ARRAY(b->mem, int32_t, scope->cols_len),
                             .extras = scope->sources[0].schema->len};

    for (uint32_t i = 0; i < scope->cols_len; i++) {
        ScopeColumn column = scope_column(scope, i);

        lowering.columns[i] = column.is_pseudo ? -1 : (int32_t)column.column;
    }
    return lowering;
}

ErrCode lower_to_source(Arena *mem, const BoundQuery *query, const Expr *expr, Expr **out, Err *err)
{
    Builder  b = {.mem = mem, .query = query};
    Lowering lowering = source_lowering(&b);

    return lower(&b, &lowering, expr, out, err);
}

/* --- nodes ------------------------------------------------------------------------------------ */

PlanNode *add_node(Builder *b, PlanKind kind, const char *step, const Schema *schema,
                   PlanNode *input)
{
    PlanNode *node = ARENA_NEW(b->mem, PlanNode);

    node->kind = kind;
    node->id = (uint32_t)b->nodes.len;
    node->step = step;
    node->schema = schema;
    if (input) {
        node->inputs[0] = input;
        node->inputs_len = 1;
        node->is_table = input->is_table;
        node->key_window = input->key_window;
    }
    vec_push(b->mem, &b->nodes, node);
    return node;
}

PlanStore *add_store(Builder *b, PlanNode *node, const char *name, const Schema *schema)
{
    PlanStore *store = ARENA_NEW(b->mem, PlanStore);

    *store = (PlanStore){.number = (uint32_t)b->stores.len,
                         .name = name,
                         .keys = schema->cols,
                         .keys_len = schema->key_len,
                         .slots = schema->cols + schema->key_len,
                         .slots_len = schema->len - schema->key_len,
                         .is_windowed = node->key_window != NULL};
    node->store = store;
    vec_push(b->mem, &b->stores, (const PlanStore *)store);
    return store;
}

static const WindowSpec *source_window(Builder *b, const Source *source)
{
    WindowSpec *spec;

    if (source->window == WINDOW_NONE)
        return NULL;
    spec = ARENA_NEW(b->mem, WindowSpec);
    spec->kind = source->window;
    spec->size_ms = source->window_size_ms;
    spec->advance_ms = source->window_size_ms;
    return spec;
}

FormatSpec copy_format(Arena *mem, FormatSpec spec)
{
    spec.full_name = spec.full_name.ptr ? str_copy(mem, spec.full_name) : STR_NULL;
    return spec;
}

PlanNode *build_scan(Builder *b, const ScopeSource *from)
{
    const Source *source = from->source;
    PlanNode     *node = add_node(b, PLAN_SCAN, "KsqlTopic", from->schema, NULL);

    node->is_table = source->is_table;
    node->key_window = source_window(b, source);
    node->u.scan.source = str_copy(b->mem, source->name);
    node->u.scan.topic = str_copy(b->mem, source->topic);
    node->u.scan.key_format = copy_format(b->mem, source->key_format);
    node->u.scan.value_format = copy_format(b->mem, source->value_format);
    node->u.scan.physical = from->schema;
    node->u.scan.timestamp = source->timestamp;
    if (source->timestamp.format.ptr)
        node->u.scan.timestamp.format = str_copy(b->mem, source->timestamp.format);
    node->u.scan.window = source->window;
    node->u.scan.window_size_ms = source->window_size_ms;
    node->u.scan.partitions = source->partitions;
    vec_push(b->mem, &b->scans, node);
    return node;
}

/* All columns are kept, wanted or not: the state then survives CREATE OR REPLACE of the query. */
static PlanNode *build_table(Builder *b, PlanNode *input)
{
    PlanNode *node = add_node(b, PLAN_TABLE, "KsqlTopic", input->schema, input);

    add_store(b, node, "table", input->schema);
    return node;
}

/* A condition on a table must know what the row was before. */
static ErrCode build_filter(Builder *b, const Lowering *lowering, const Expr *predicate,
                            const char *step, PlanNode **node, Err *err)
{
    PlanNode *filter = add_node(b, (*node)->is_table ? PLAN_FILTER_TABLE : PLAN_FILTER, step,
                                (*node)->schema, *node);

    *node = filter;
    return lower(b, lowering, predicate, &filter->u.filter.predicate, err);
}

static ErrCode build_flatmap(Builder *b, const Lowering *lowering, PlanNode **node, Err *err)
{
    const BoundTableFns *fns = &b->query->table_fns;
    const Schema        *input = (*node)->schema;
    uint32_t             len = (uint32_t)fns->len;
    Schema              *schema = ARENA_NEW(b->mem, Schema);
    Column              *cols = ARENA_ARRAY(b->mem, Column, input->len + len);
    PlanNode            *flatmap = add_node(b, PLAN_FLATMAP, "FlatMap", schema, *node);

    memcpy(cols, input->cols, input->len * sizeof *cols);
    *schema = (Schema){.cols = cols, .len = input->len + len, .key_len = input->key_len};
    flatmap->u.flatmap.fns = ARENA_ARRAY(b->mem, const TableFnDef *, len);
    flatmap->u.flatmap.args = ARENA_ARRAY(b->mem, Expr **, len);
    flatmap->u.flatmap.args_len = ARENA_ARRAY(b->mem, uint32_t, len);
    flatmap->u.flatmap.types = ARENA_ARRAY(b->mem, const Type *, len);
    flatmap->u.flatmap.fns_len = len;
    for (uint32_t i = 0; i < len; i++) {
        const BoundTableFn *fn = &fns->items[i];

        cols[input->len + i] = (Column){
            .name = str_printf(b->mem, "KSQL_SYNTH_%u", i), .type = fn->type, .role = COLUMN_VALUE};
        flatmap->u.flatmap.fns[i] = fn->def;
        flatmap->u.flatmap.types[i] = fn->type;
        flatmap->u.flatmap.args_len[i] = fn->args_len;
        flatmap->u.flatmap.args[i] = ARENA_ARRAY(b->mem, Expr *, fn->args_len);
        for (uint32_t k = 0; k < fn->args_len; k++)
            TRY(lower(b, lowering, fn->args[k], &flatmap->u.flatmap.args[i][k], err));
    }
    *node = flatmap;
    return ERR_OK;
}

/* --- PARTITION BY, GROUP BY ------------------------------------------------------------------- */

typedef struct RekeyColumns {
    Column  *cols;
    Expr   **exprs;
    uint32_t len;
} RekeyColumns;

static RekeyColumns rekey_columns(Builder *b, size_t room)
{
    return (RekeyColumns){.cols = ARENA_ARRAY(b->mem, Column, room),
                          .exprs = ARENA_ARRAY(b->mem, Expr *, room)};
}

static ErrCode rekey_keys(Builder *b, const Lowering *lowering, RekeyColumns *columns, Err *err)
{
    for (uint32_t i = 0; i < b->query->keys_len; i++) {
        const BoundKey *key = &b->query->keys[i];

        TRY(lower(b, lowering, key->expr, &columns->exprs[columns->len], err));
        columns->cols[columns->len++] =
            (Column){.name = key->name, .type = key->expr->type, .role = COLUMN_KEY};
    }
    return ERR_OK;
}

static PlanNode *add_rekey(Builder *b, const char *step, const RekeyColumns *columns,
                           PlanNode *input)
{
    Schema   *schema = ARENA_NEW(b->mem, Schema);
    PlanNode *node = add_node(b, PLAN_REKEY, step, schema, input);

    *schema = (Schema){.cols = columns->cols, .len = columns->len, .key_len = b->query->keys_len};
    node->u.project.exprs = columns->exprs;
    return node;
}

/* Marks the scope numbers that the result reads, the new keys themselves excepted. */
static void mark_items(const BoundQuery *query, bool *used)
{
    for (size_t i = 0; i < query->items.len; i++) {
        if (query->items.items[i].key < 0)
            expr_mark_columns(query->items.items[i].expr, used);
    }
}

/* Columns that the result reads go along as values, under their own names. */
static ErrCode build_partition(Builder *b, Lowering *lowering, PlanNode **node, Err *err)
{
    const BoundQuery *query = b->query;
    uint32_t          extras = (uint32_t)query->table_fns.len;
    uint32_t          numbers = query->scope.cols_len + extras;
    bool             *used = ARENA_ARRAY(b->mem, bool, numbers);
    RekeyColumns      columns = rekey_columns(b, query->keys_len + numbers);
    const Schema     *input = (*node)->schema;

    TRY(rekey_keys(b, lowering, &columns, err));
    mark_items(query, used);
    for (uint32_t i = 0; i < numbers; i++) {
        bool    is_extra = i >= query->scope.cols_len;
        int32_t from = is_extra ? (int32_t)(lowering->extras + i - query->scope.cols_len)
                                : lowering->columns[i];
        Expr   *copy;

        if (i == query->scope.cols_len)
            lowering->extras = columns.len;
        if ((!used[i] && !is_extra) || from < 0)
            continue;
        copy = expr_new(b->mem, EXPR_COLUMN, input->cols[from].type, (SrcPos){0}, 0);
        copy->u.index = (uint32_t)from;
        columns.exprs[columns.len] = copy;
        columns.cols[columns.len] =
            (Column){.name = input->cols[from].name, .type = copy->type, .role = COLUMN_VALUE};
        if (!is_extra)
            lowering->columns[i] = (int32_t)columns.len;
        columns.len++;
    }
    *node = add_rekey(b, "PartitionBy", &columns, *node);
    return ERR_OK;
}

/* The group is the key that the rows have: nothing moves. */
static bool is_identity(const BoundQuery *query, const BuildSink *sink)
{
    const ScopeSource *from = &query->scope.sources[0];

    if (query->scope.len != 1 || query->keys_len != 1 || !scope_is_key(from, query->keys[0].expr))
        return false;
    return !sink || format_same_bytes(&sink->key_format, &from->source->key_format);
}

/* An aggregate's argument as a column of the re-keyed row; ROWTIME and constants need none. */
static ErrCode carry_arg(Builder *b, const Lowering *lowering, const Schema *input, const Expr *arg,
                         RekeyColumns *columns, Expr **out, Err *err)
{
    Expr    *lowered;
    uint32_t at = b->query->keys_len;

    TRY(lower(b, lowering, arg, &lowered, err));
    *out = lowered;
    if (lowered->kind == EXPR_LITERAL || lowered->kind == EXPR_PSEUDO)
        return ERR_OK;
    while (at < columns->len && !expr_eq(columns->exprs[at], lowered))
        at++;
    if (at == columns->len) {
        bool is_column = lowered->kind == EXPR_COLUMN;

        columns->exprs[at] = lowered;
        columns->cols[at] = (Column){
            .name = is_column ? input->cols[lowered->u.index].name
                              : str_printf(b->mem, "KSQL_AGG_ARG_%u", at - b->query->keys_len),
            .type = lowered->type,
            .role = COLUMN_VALUE};
        columns->len++;
    }
    *out = expr_new(b->mem, EXPR_COLUMN, lowered->type, arg->pos, 0);
    (*out)->u.index = at;
    return ERR_OK;
}

/* aggs with their arguments over the re-keyed row, whose columns are collected. */
static ErrCode carry_args(Builder *b, const Lowering *lowering, const Schema *input, PlanAgg *aggs,
                          RekeyColumns *columns, Err *err)
{
    for (size_t i = 0; i < b->query->aggs.len; i++) {
        const PlanAgg *from = &b->query->aggs.items[i];

        aggs[i] = *from;
        aggs[i].args = ARENA_ARRAY(b->mem, Expr *, from->args_len);
        for (uint32_t k = 0; k < from->args_len; k++)
            TRY(carry_arg(b, lowering, input, from->args[k], columns, &aggs[i].args[k], err));
    }
    return ERR_OK;
}

static size_t agg_args_len(const BoundQuery *query)
{
    size_t len = 0;

    for (size_t i = 0; i < query->aggs.len; i++)
        len += query->aggs.items[i].args_len;
    return len;
}

static PlanNode *build_exchange(Builder *b, PlanNode *input)
{
    const Source *source = b->query->scope.sources[0].source;
    PlanNode     *node = add_node(b, PLAN_EXCHANGE, "Aggregate", input->schema, input);
    FormatSpec    format = copy_format(b->mem, source->key_format);

    /* The format inside matters to nobody; what cannot hold the key gives way to JSON. */
    if (format.kind == FORMAT_NONE ||
        !format_can_hold(format.kind, true, input->schema->cols, input->schema->key_len))
        format.kind = FORMAT_JSON;
    node->u.exchange.key_format = format;
    node->u.exchange.is_free = true;
    node->u.exchange.partitions = b->query->joins_len > 0
                                      ? b->query->joins[b->query->joins_len - 1].partitions
                                      : source->partitions;
    node->u.exchange.topic =
        str_printf(b->mem, "%.*s-Aggregate-GroupBy-repartition", STR_ARG(b->query_id));
    return node;
}

/* Group keys, then one column per aggregate; the store keeps each aggregate's slots. */
static PlanNode *build_aggregate(Builder *b, PlanNode *input, PlanAgg *aggs)
{
    const BoundQuery *query = b->query;
    uint32_t          aggs_len = (uint32_t)query->aggs.len, slots_len = 0, at = query->keys_len;
    Schema           *schema = ARENA_NEW(b->mem, Schema), *state = ARENA_NEW(b->mem, Schema);
    Column           *cols = ARENA_ARRAY(b->mem, Column, query->keys_len + aggs_len);
    Column           *slots;
    PlanNode         *node = add_node(b, PLAN_AGGREGATE, "Aggregate", schema, input);

    for (uint32_t i = 0; i < aggs_len; i++)
        slots_len += aggs[i].def->slots_len;
    slots = ARENA_ARRAY(b->mem, Column, query->keys_len + slots_len);
    memcpy(cols, input->schema->cols, query->keys_len * sizeof *cols);
    memcpy(slots, cols, query->keys_len * sizeof *slots);
    for (uint32_t i = 0; i < aggs_len; i++) {
        Str name = str_printf(b->mem, "KSQL_AGG_VARIABLE_%u", i);

        cols[query->keys_len + i] =
            (Column){.name = name, .type = aggs[i].type, .role = COLUMN_VALUE};
        for (uint32_t k = 0; k < aggs[i].def->slots_len; k++)
            slots[at++] = (Column){.name = str_printf(b->mem, "%.*s_%u", STR_ARG(name), k),
                                   .type = aggs[i].slot_types[k],
                                   .role = COLUMN_VALUE};
    }
    *schema = (Schema){.cols = cols, .len = query->keys_len + aggs_len, .key_len = query->keys_len};
    *state = (Schema){.cols = slots, .len = at, .key_len = query->keys_len};
    node->u.aggregate.aggs = aggs;
    node->u.aggregate.aggs_len = aggs_len;
    node->u.aggregate.window = query->window;
    node->u.aggregate.is_table = input->is_table;
    /* A group without aggregates never changes; but the step of EMIT FINAL tells time by its rows.
     */
    node->u.aggregate.only_new = aggs_len == 0 && !query->is_final;
    node->is_table = true;
    if (query->window)
        node->key_window = query->window;
    add_store(b, node, "aggregate", state);
    return node;
}

static ErrCode build_group(Builder *b, Lowering *lowering, const BuildSink *sink, PlanNode **node,
                           Err *err)
{
    const BoundQuery *query = b->query;
    RekeyColumns      columns = rekey_columns(b, query->keys_len + agg_args_len(query));
    PlanAgg          *aggs = ARENA_ARRAY(b->mem, PlanAgg, query->aggs.len);
    bool              is_same = is_identity(query, sink);

    TRY(rekey_keys(b, lowering, &columns, err));
    TRY(carry_args(b, lowering, (*node)->schema, aggs, &columns, err));
    *node = add_rekey(b, "Aggregate.GroupBy", &columns, *node);
    (*node)->u.project.is_key_unchanged = is_same;
    if (!is_same)
        *node = build_exchange(b, *node);
    *node = build_aggregate(b, *node, aggs);
    *lowering = (Lowering){.query = query, .extras = query->keys_len};
    if (query->is_final) {
        *node = add_node(b, PLAN_SUPPRESS, "Aggregate", (*node)->schema, *node);
        add_store(b, *node, "suppress", (*node)->schema);
    }
    return query->having ? build_filter(b, lowering, query->having, "HavingFilter", node, err)
                         : ERR_OK;
}

/* --- the projection --------------------------------------------------------------------------- */

/* What a client may take for part of the key: windows are, in answers to it. */
static ColumnRole item_role(const BoundQuery *query, const BoundItem *item)
{
    const Expr *expr = item->expr;
    ScopeColumn column = {0};
    bool        is_bound;

    if (expr->kind == EXPR_COLUMN && expr->u.index < query->scope.cols_len)
        column = scope_column(&query->scope, expr->u.index);
    is_bound = column.is_pseudo &&
               (column.pseudo == PSEUDO_WINDOWSTART || column.pseudo == PSEUDO_WINDOWEND);
    if (item->key >= 0 || (is_bound && query->kind != QUERY_PERSISTENT))
        return COLUMN_KEY;
    return COLUMN_VALUE;
}

const Schema *bound_schema(Arena *mem, const BoundQuery *query)
{
    Schema  *schema = ARENA_NEW(mem, Schema);
    uint32_t len = (uint32_t)query->items.len, at = query->keys_len;
    Column  *cols = ARENA_ARRAY(mem, Column, len);
    bool     keys_first = query->kind == QUERY_PERSISTENT;

    if (query->result)
        return query->result;

    for (uint32_t i = 0; i < len; i++) {
        const BoundItem *item = &query->items.items[i];
        uint32_t         to = !keys_first ? i : item->key >= 0 ? (uint32_t)item->key : at++;

        cols[to] =
            (Column){.name = item->name, .type = item->expr->type, .role = item_role(query, item)};
    }
    *schema = (Schema){.cols = cols, .len = len, .key_len = keys_first ? query->keys_len : 0};
    return schema;
}

/* Column i of the result takes the item of that place: as bound_schema() orders them. */
static const BoundItem **order_items(Builder *b)
{
    const BoundQuery *query = b->query;
    const BoundItem **ordered = ARENA_ARRAY(b->mem, const BoundItem *, query->items.len);
    uint32_t          at = query->keys_len;

    for (uint32_t i = 0; i < query->items.len; i++) {
        const BoundItem *item = &query->items.items[i];

        if (query->kind != QUERY_PERSISTENT)
            ordered[i] = item;
        else
            ordered[item->key >= 0 ? (uint32_t)item->key : at++] = item;
    }
    return ordered;
}

static bool are_keys_unchanged(const PlanNode *project, const Schema *input)
{
    if (project->schema->key_len != input->key_len)
        return false;
    for (uint32_t i = 0; i < input->key_len; i++) {
        const Expr *expr = project->u.project.exprs[i];

        if (expr->kind != EXPR_COLUMN || expr->u.index != i)
            return false;
    }
    return true;
}

/* INSERT INTO gives the sink's columns their types by widening. */
static Expr *widen(Builder *b, Expr *expr, const Type *type)
{
    Expr *cast;

    if (type_eq(expr->type, type))
        return expr;
    cast = expr_new(b->mem, EXPR_CAST, type, expr->pos, 1);
    cast->args[0] = expr;
    cast->u.is_implicit = true;
    return cast;
}

static ErrCode build_project(Builder *b, const Lowering *lowering, const BuildSink *sink,
                             PlanNode **node, Err *err)
{
    const BoundQuery *query = b->query;
    const BoundItem **items = order_items(b);
    const Schema     *input = (*node)->schema;
    const Schema     *schema = sink        ? sink->schema
                               : b->result ? b->result
                                           : bound_schema(b->mem, query);
    PlanNode         *project = add_node(b, PLAN_PROJECT, "Project", schema, *node);
    /* There the key is a column of the step below, and no longer its expression. */
    bool rekeyed =
        query->rekey == REKEY_PARTITION || (query->rekey == REKEY_NONE && query->joins_len > 0);

    project->u.project.exprs = ARENA_ARRAY(b->mem, Expr *, query->items.len);
    for (uint32_t i = 0; i < query->items.len; i++) {
        Expr **expr = &project->u.project.exprs[i];

        if (rekeyed && items[i]->key >= 0) {
            *expr = expr_new(b->mem, EXPR_COLUMN, items[i]->expr->type, items[i]->pos, 0);
            (*expr)->u.index = (uint32_t)items[i]->key;
        } else {
            TRY(lower(b, lowering, items[i]->expr, expr, err));
        }
        if (b->result || (sink && sink->casts))
            *expr = widen(b, *expr, schema->cols[i].type);
    }
    project->u.project.is_key_unchanged =
        query->kind == QUERY_PERSISTENT && are_keys_unchanged(project, input);
    *node = project;
    return ERR_OK;
}

/* What keeps the rows of input for pull queries: a step of its own, or the state below it. */
static PlanNode *build_view(Builder *b, PlanNode *input, Str name)
{
    const PlanStore *state = build_view_of_state(b->mem, input, name);
    PlanNode        *node;
    PlanStore       *store;

    if (state) {
        input->inputs[0]->store = state;
        b->stores.items[state->number] = state;
        return input;
    }
    node = add_node(b, PLAN_VIEW, "Project", input->schema, input);
    store = add_store(b, node, "view", input->schema);
    store->is_view = true;
    store->view_name = str_copy(b->mem, name);
    return node;
}

static PlanNode *build_sink(Builder *b, const BuildSink *sink, PlanNode *input)
{
    PlanNode *node;

    if (sink->has_view)
        input = build_view(b, input, sink->name);
    node = add_node(b, PLAN_SINK, "Sink", input->schema, input);
    node->u.sink.sink = sink->name;
    node->u.sink.topic = sink->topic;
    node->u.sink.key_format = sink->key_format;
    node->u.sink.value_format = sink->value_format;
    node->u.sink.timestamp = sink->timestamp;
    node->u.sink.partitions = sink->partitions;
    return node;
}

static PlanNode *build_push(Builder *b, PlanNode *input)
{
    if (b->query->limit >= 0) {
        input = add_node(b, PLAN_LIMIT, "Limit", input->schema, input);
        input->u.limit.rows = b->query->limit;
    }
    return add_node(b, PLAN_PUSH, "Push", input->schema, input);
}

/* --- the whole -------------------------------------------------------------------------------- */

static bool reads_old(const PlanNode *node)
{
    return node->kind == PLAN_FILTER_TABLE ||
           (node->kind == PLAN_AGGREGATE && node->u.aggregate.is_table);
}

/* Steps that find the old row in their own state. */
static bool keeps_old(const PlanNode *node)
{
    return node->kind == PLAN_SCAN || node->kind == PLAN_TABLE || node->kind == PLAN_AGGREGATE ||
           node->kind == PLAN_FILTER_TABLE || node->kind == PLAN_JOIN_TABLES ||
           node->kind == PLAN_JOIN_FOREIGN_KEY;
}

/* Old values come from below: whoever hands rows on must have them when the step above reads them.
 */
static void mark_old(PlanNode *node, bool above_reads)
{
    node->needs_old = above_reads;
    for (uint32_t i = 0; i < node->inputs_len; i++)
        mark_old(node->inputs[i], reads_old(node) || (!keeps_old(node) && above_reads));
}

static void number_stage(PlanNode *node, uint32_t *next);

/* The stages that feed the one of node come first. */
static void number_inputs(PlanNode *node, uint32_t *next)
{
    for (uint32_t i = 0; i < node->inputs_len; i++) {
        if (node->kind == PLAN_EXCHANGE)
            number_stage(node->inputs[i], next);
        else
            number_inputs(node->inputs[i], next);
    }
}

static void set_stage(PlanNode *node, uint32_t stage)
{
    node->stage = stage;
    for (uint32_t i = 0; i < node->inputs_len && node->kind != PLAN_EXCHANGE; i++)
        set_stage(node->inputs[i], stage);
}

/* Numbers the stage that ends in node: an exchange belongs to the stage that it starts. */
static void number_stage(PlanNode *node, uint32_t *next)
{
    number_inputs(node, next);
    set_stage(node, (*next)++);
}

static uint64_t mix(uint64_t hash, Str text)
{
    return (hash ^ str_hash(text)) * 0x9E3779B97F4A7C15u;
}

static void print_types(Buf *text, const Column *columns, uint32_t len)
{
    for (uint32_t i = 0; i < len; i++) {
        type_print(text, columns[i].type);
        buf_put(text, ' ');
    }
}

/* What a state file must have been written by: the types of every store, and the functions.  Views
 * follow the projection, which CREATE OR REPLACE may change, and so do the names of a state that is
 * one. */
static uint64_t fingerprint(Arena *mem, const Plan *plan)
{
    Buf      text = buf_in(mem);
    uint64_t hash = 0;

    for (uint32_t i = 0; i < plan->stores_len; i++) {
        const PlanStore *store = plan->stores[i];

        if (strcmp(store->name, "view") == 0)
            continue;
        buf_printf(&text, "%u %s %d ", store->number, store->name, store->is_windowed);
        print_types(&text, store->keys, store->keys_len);
        print_types(&text, store->slots, store->slots_len);
        buf_put(&text, '\n');
    }
    for (uint32_t i = 0; i < plan->nodes_len; i++) {
        const PlanNode *node = plan->nodes[i];

        for (uint32_t k = 0; node->kind == PLAN_AGGREGATE && k < node->u.aggregate.aggs_len; k++)
            buf_printf(&text, "%s ", node->u.aggregate.aggs[k].def->name);
    }
    hash = mix(hash, buf_view(&text));
    return hash;
}

static const Plan *finish_plan(Builder *b, QueryKind kind, PlanNode *root)
{
    Plan    *plan = ARENA_NEW(b->mem, Plan);
    uint32_t stages_len = 0;

    mark_old(root, false);
    number_stage(root, &stages_len);
    *plan = (Plan){.kind = kind,
                   .root = root,
                   .scans = b->scans.items,
                   .scans_len = (uint32_t)b->scans.len,
                   .nodes = b->nodes.items,
                   .nodes_len = (uint32_t)b->nodes.len,
                   .stages_len = stages_len,
                   .stores = b->stores.items,
                   .stores_len = (uint32_t)b->stores.len};
    rewrite_prune(b->mem, plan);
    plan->fingerprint = fingerprint(b->mem, plan);
    return plan;
}

/* The scope numbers that anything behind FROM reads. */
static bool *used_numbers(Arena *mem, const BoundQuery *query)
{
    size_t extras = query->aggs.len + query->table_fns.len;
    bool  *used = ARENA_ARRAY(mem, bool, query->scope.cols_len + extras);

    if (query->where)
        expr_mark_columns(query->where, used);
    if (query->having)
        expr_mark_columns(query->having, used);
    for (size_t i = 0; i < query->items.len; i++)
        expr_mark_columns(query->items.items[i].expr, used);
    for (uint32_t i = 0; i < query->keys_len && query->rekey != REKEY_NONE; i++)
        expr_mark_columns(query->keys[i].expr, used);
    for (size_t i = 0; i < query->aggs.len; i++) {
        for (uint32_t k = 0; k < query->aggs.items[i].args_len; k++)
            expr_mark_columns(query->aggs.items[i].args[k], used);
    }
    for (size_t i = 0; i < query->table_fns.len; i++) {
        for (uint32_t k = 0; k < query->table_fns.items[i].args_len; k++)
            expr_mark_columns(query->table_fns.items[i].args[k], used);
    }
    return used;
}

/* The rows that FROM gives. */
static ErrCode build_from(Builder *b, Lowering *lowering, PlanNode **out, Err *err)
{
    const BoundQuery *query = b->query;

    if (query->joins_len > 0)
        return build_joins(b, used_numbers(b->mem, query), lowering, out, err);
    *lowering = source_lowering(b);
    *out = build_scan(b, &query->scope.sources[0]);
    if ((*out)->is_table && (query->where || query->rekey == REKEY_GROUP))
        *out = build_table(b, *out);
    return ERR_OK;
}

/* The steps of one SELECT, up to its projection. */
static ErrCode build_select(Builder *b, const BoundQuery *query, const BuildSink *sink,
                            PlanNode **out, Err *err)
{
    Lowering lowering = {0};

    b->query = query;
    TRY(build_from(b, &lowering, out, err));
    if (query->where)
        TRY(build_filter(b, &lowering, query->where, "WhereFilter", out, err));
    if (query->table_fns.len > 0)
        TRY(build_flatmap(b, &lowering, out, err));
    if (query->rekey == REKEY_PARTITION)
        TRY(build_partition(b, &lowering, out, err));
    else if (query->rekey == REKEY_GROUP)
        TRY(build_group(b, &lowering, sink, out, err));
    return build_project(b, &lowering, sink, out, err);
}

/* Hands on the rows of both: plan_is_union(). */
static PlanNode *build_union(Builder *b, PlanNode *first, PlanNode *second)
{
    const Schema *schema = first->schema;
    PlanNode     *node = add_node(b, PLAN_PROJECT, "UnionAll", schema, first);

    node->inputs[1] = second;
    node->inputs_len = 2;
    node->u.project.exprs = ARENA_ARRAY(b->mem, Expr *, schema->len);
    for (uint32_t i = 0; i < schema->len; i++) {
        node->u.project.exprs[i] =
            expr_new(b->mem, EXPR_COLUMN, schema->cols[i].type, (SrcPos){0}, 0);
        node->u.project.exprs[i]->u.index = i;
    }
    node->u.project.is_key_unchanged = true;
    return node;
}

ErrCode build_plan(Arena *mem, const BoundQuery *query, const BuildSink *sink, const Plan **out,
                   Err *err)
{
    Builder b = {
        .mem = mem, .query_id = sink ? sink->query_id : STR("transient"), .result = query->result};
    PlanNode *node = NULL, *other;

    TRY(build_select(&b, query, sink, &node, err));
    for (const BoundQuery *next = query->next; next; next = next->next) {
        TRY(build_select(&b, next, sink, &other, err));
        node = build_union(&b, node, other);
    }
    b.query = query;
    node = sink ? build_sink(&b, sink, node) : build_push(&b, node);
    *out = finish_plan(&b, query->kind, node);
    return ERR_OK;
}

ErrCode build_source_table(const PlannerEnv *env, StmtPlan *out, Err *err)
{
    CatalogQuery *query = catalog_query_new();
    Arena        *mem = query->mem;
    Scope         scope = {0};
    BoundQuery    bound = {.kind = QUERY_PERSISTENT};
    Builder       b = {.mem = mem, .query = &bound};
    Str          *sources = ARENA_ARRAY(mem, Str, 1);
    Source       *source = out->source;

    (void)err;
    scope_add(mem, &scope, source, STR_NULL, (SrcPos){0});
    query->id = str_printf(mem, "CST_%.*s_%llu", STR_ARG(source->name),
                           (unsigned long long)env->query_number);
    query->sql = str_copy(mem, source->sql);
    sources[0] = str_copy(mem, source->name);
    query->sources = sources;
    query->sources_len = 1;
    query->plan = finish_plan(&b, QUERY_PERSISTENT,
                              build_view(&b, build_scan(&b, &scope.sources[0]), source->name));
    source->view_query = str_copy(source->mem, query->id);
    out->query = query;
    return ERR_OK;
}
