/*
 * build_join.c -- the steps of a join.
 *
 *     scan -> project (key, columns that are read) -> [exchange] --.
 *     scan -> rekey   (key, columns that are read) ->  exchange  ---> join -> ...
 *
 * Each side is first cut down to the key that both meet by and the columns that are read above.
 * Pseudo columns become ordinary columns there: behind the join there are several rows' of them.
 * Key columns that are read stand among the values too, because in an outer join they are null
 * where the key is not.
 */
#include "planner/build_internal.h"

typedef struct Columns {
    Column  *cols;
    Expr   **exprs;
    uint32_t len;
} Columns;

static void push_column(Columns *columns, Str name, ColumnRole role, Expr *expr)
{
    columns->exprs[columns->len] = expr;
    columns->cols[columns->len] = (Column){.name = name, .type = expr->type, .role = role};
    columns->len++;
}

static Columns columns_for(Builder *b, size_t room)
{
    return (Columns){.cols = ARENA_ARRAY(b->mem, Column, room),
                     .exprs = ARENA_ARRAY(b->mem, Expr *, room)};
}

static PlanNode *add_columns_node(Builder *b, PlanKind kind, const char *step,
                                  const Columns *columns, uint32_t key_len, PlanNode *input)
{
    Schema   *schema = ARENA_NEW(b->mem, Schema);
    PlanNode *node = add_node(b, kind, step, schema, input);

    *schema = (Schema){.cols = columns->cols, .len = columns->len, .key_len = key_len};
    node->u.project.exprs = columns->exprs;
    node->u.project.is_key_unchanged = kind == PLAN_PROJECT;
    return node;
}

static PlanNode *add_exchange(Builder *b, const BoundJoin *join, const char *side, PlanNode *input)
{
    PlanNode *node = add_node(b, PLAN_EXCHANGE, "Join", input->schema, input);

    node->u.exchange.key_format = copy_format(b->mem, join->key_format);
    node->u.exchange.partitions = join->partitions;
    node->u.exchange.topic =
        str_printf(b->mem, "%.*s-Join-%s-%s", STR_ARG(b->query_id), side,
                   join->plan == PLAN_JOIN_FOREIGN_KEY ? "gather" : "repartition");
    return node;
}

/* --- sides ------------------------------------------------------------------------------------ */

static Expr *column_of(Builder *b, uint32_t index, const Type *type)
{
    Expr *expr = expr_new(b->mem, EXPR_COLUMN, type, (SrcPos){0}, 0);

    expr->u.index = index;
    return expr;
}

/* Numbers of one source to the columns of its scan. */
static Lowering scan_lowering(Builder *b, const ScopeSource *source)
{
    const Scope *scope = &b->query->scope;
    Lowering     lowering = {.query = b->query,
                             .columns = ARENA_ARRAY(b->mem, int32_t, scope->cols_len)};

    for (uint32_t i = 0; i < scope->cols_len; i++)
        lowering.columns[i] = -1;
    for (uint32_t i = 0; i < source->schema->len; i++)
        lowering.columns[source->first + i] = (int32_t)i;
    return lowering;
}

/* Values of a side: what is read of it; to says where each number went. */
static ErrCode side_values(Builder *b, const ScopeSource *source, const Lowering *from,
                           const bool *used, Columns *columns, Lowering *to, Err *err)
{
    uint32_t end = source->first + source->schema->len + PSEUDO_COUNT_;

    for (uint32_t i = source->first; i < end; i++) {
        Expr *number, *expr;

        if (!used[i])
            continue;
        number = scope_expr(b->mem, &b->query->scope, i, source->pos);
        TRY(lower(b, from, number, &expr, err));
        to->columns[i] = (int32_t)columns->len;
        push_column(columns, names_of_joined(b->mem, &b->query->scope, i), COLUMN_VALUE, expr);
    }
    return ERR_OK;
}

/* key NULL: the source's own key, whatever it is. */
static ErrCode build_side(Builder *b, const BoundJoin *join, const ScopeSource *source,
                          const Expr *key, bool moves, const char *side, const bool *used,
                          Lowering *to, PlanNode **out, Err *err)
{
    PlanNode     *node = build_scan(b, source);
    const Schema *schema = source->schema;
    Lowering      from = scan_lowering(b, source);
    Columns       columns = columns_for(b, (size_t)schema->len * 2 + PSEUDO_COUNT_ + 1);
    bool          is_own = !key || scope_is_key(source, key);
    uint32_t      key_len = is_own ? schema->key_len : 1;
    Expr         *lowered;

    for (uint32_t i = 0; is_own && i < key_len; i++)
        push_column(&columns, names_of_joined(b->mem, &b->query->scope, source->first + i),
                    COLUMN_KEY, column_of(b, i, schema->cols[i].type));
    if (!is_own) {
        TRY(lower(b, &from, key, &lowered, err));
        push_column(&columns, STR("KSQL_JOIN_KEY"), COLUMN_KEY, lowered);
    }
    TRY(side_values(b, source, &from, used, &columns, to, err));
    node = add_columns_node(b, is_own ? PLAN_PROJECT : PLAN_REKEY,
                            str_eq(str_from(side), STR("left")) ? "PrependAliasLeft"
                                                                : "PrependAliasRight",
                            &columns, key_len, node);
    *out = moves ? add_exchange(b, join, side, node) : node;
    return ERR_OK;
}

/* The rows joined so far, under another key. */
static ErrCode rekey_left(Builder *b, const BoundJoin *join, Lowering *lowering, PlanNode **node,
                          Err *err)
{
    const Schema *input = (*node)->schema;
    Columns       columns = columns_for(b, (size_t)input->len + 1);
    Expr         *key;
    int32_t       shift = 1 - (int32_t)input->key_len;

    if (join->plan == PLAN_JOIN_TABLES) /* another format of the key: the side it names may miss */
        key = column_of(b, 0, input->cols[0].type);
    else
        TRY(lower(b, lowering, join->left_key, &key, err));
    push_column(&columns, STR("KSQL_JOIN_KEY"), COLUMN_KEY, key);
    for (uint32_t i = input->key_len; i < input->len; i++)
        push_column(&columns, input->cols[i].name, COLUMN_VALUE,
                    column_of(b, i, input->cols[i].type));
    for (uint32_t i = 0; i < b->query->scope.cols_len; i++) {
        if (lowering->columns[i] >= (int32_t)input->key_len)
            lowering->columns[i] += shift;
    }
    *node = add_columns_node(b, PLAN_REKEY, "PartitionBy", &columns, 1, *node);
    *node = add_exchange(b, join, "left", *node);
    return ERR_OK;
}

/* --- the join itself -------------------------------------------------------------------------- */

static const Schema *joined_schema(Builder *b, const Schema *left, const Schema *right)
{
    Schema  *schema = ARENA_NEW(b->mem, Schema);
    uint32_t right_len = right->len - right->key_len;
    Column  *cols = ARENA_ARRAY(b->mem, Column, left->len + right_len);

    memcpy(cols, left->cols, left->len * sizeof *cols);
    memcpy(cols + left->len, right->cols + right->key_len, right_len * sizeof *cols);
    *schema = (Schema){.cols = cols, .len = left->len + right_len, .key_len = left->key_len};
    return schema;
}

/* Which left rows a right key belongs to: its entries have a key and nothing else. */
static const Schema *index_schema(Builder *b, const Schema *left, const Column *right_key)
{
    Schema *schema = ARENA_NEW(b->mem, Schema);
    Column *cols = ARENA_ARRAY(b->mem, Column, left->key_len + 1);

    cols[0] = *right_key;
    memcpy(cols + 1, left->cols, left->key_len * sizeof *cols);
    *schema = (Schema){.cols = cols, .len = left->key_len + 1, .key_len = left->key_len + 1};
    return schema;
}

static void add_stores(Builder *b, PlanNode *node)
{
    const Schema *left = node->inputs[0]->schema, *right = node->inputs[1]->schema;

    node->u.join.right_store = add_store(b, node, "right", right);
    if (node->kind == PLAN_JOIN_FOREIGN_KEY)
        node->u.join.index_store =
            add_store(b, node, "index", index_schema(b, left, &right->cols[0]));
    node->store = NULL;
    if (node->kind != PLAN_JOIN_STREAM_TABLE)
        (void)add_store(b, node, "left", left);
}

static ErrCode build_join(Builder *b, const BoundJoin *join, PlanNode *left, PlanNode *right,
                          Lowering *lowering, PlanNode **out, Err *err)
{
    const ScopeSource *source = &b->query->scope.sources[join->right];
    PlanNode          *node =
        add_node(b, join->plan, "Join", joined_schema(b, left->schema, right->schema), left);
    int32_t shift = (int32_t)left->schema->len - (int32_t)right->schema->key_len;

    node->inputs[1] = right;
    node->inputs_len = 2;
    node->u.join.kind = join->kind;
    node->u.join.before_ms = join->before_ms;
    node->u.join.after_ms = join->after_ms;
    node->u.join.grace_ms = join->grace_ms;
    node->u.join.has_grace = join->has_grace;
    if (join->plan == PLAN_JOIN_FOREIGN_KEY)
        TRY(lower(b, lowering, join->left_key, &node->u.join.left_key, err));
    else
        node->u.join.left_key = column_of(b, 0, left->schema->cols[0].type);
    node->u.join.right_key = column_of(b, 0, right->schema->cols[0].type);
    add_stores(b, node);
    for (uint32_t i = 0; i < source->schema->len + PSEUDO_COUNT_; i++) {
        if (lowering->columns[source->first + i] >= 0)
            lowering->columns[source->first + i] += shift;
    }
    *out = node;
    return ERR_OK;
}

/* Also what later conditions read of the rows joined before. */
static bool *with_conditions(Builder *b, const bool *used)
{
    const BoundQuery *query = b->query;
    uint32_t          len = query->scope.cols_len;
    bool             *all = ARENA_ARRAY(b->mem, bool, len);

    memcpy(all, used, len * sizeof *all);
    for (uint32_t i = 0; i < query->joins_len; i++) {
        if (i > 0 || query->joins[i].plan == PLAN_JOIN_FOREIGN_KEY)
            expr_mark_columns(query->joins[i].left_key, all);
    }
    return all;
}

ErrCode build_joins(Builder *b, const bool *used, Lowering *lowering, PlanNode **out, Err *err)
{
    const BoundQuery *query = b->query;
    const Scope      *scope = &query->scope;
    const BoundJoin  *first = &query->joins[0];
    const bool       *all = with_conditions(b, used);
    bool              keeps_key = first->plan == PLAN_JOIN_FOREIGN_KEY;
    PlanNode         *left, *right;

    *lowering =
        (Lowering){.query = query, .columns = ARENA_ARRAY(b->mem, int32_t, scope->cols_len)};
    for (uint32_t i = 0; i < scope->cols_len; i++)
        lowering->columns[i] = -1;
    TRY(build_side(b, first, &scope->sources[0], keeps_key ? NULL : first->left_key,
                   first->rekeys_left, "left", all, lowering, &left, err));
    for (uint32_t i = 0; i < query->joins_len; i++) {
        const BoundJoin *join = &query->joins[i];

        if (i > 0 && join->rekeys_left)
            TRY(rekey_left(b, join, lowering, &left, err));
        TRY(build_side(b, join, &scope->sources[join->right], join->right_key, join->rekeys_right,
                       "right", all, lowering, &right, err));
        TRY(build_join(b, join, left, right, lowering, &left, err));
    }
    if (scope->rowkey.ptr)
        lowering->columns[scope->cols_len - 1] = 0;
    lowering->extras = left->schema->len;
    *out = left;
    return ERR_OK;
}
