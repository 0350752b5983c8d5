/*
 * bind_join.c -- JOIN: its condition, its rules, and the key of its result.
 *
 * Joins are left-deep: each step joins what stands before it with one more source, by one equality.
 * The sides of the equality are equal to the key of the result, and stay so in later steps:
 *
 *     A JOIN B ON A.x = B.y               key: A.x, B.y
 *       JOIN C ON B.y = C.z               key: A.x, B.y, C.z; A and B are not moved again
 *       JOIN C ON A.w = C.z               key: A.w, C.z; the rows of A and B get a new key
 *
 * A side that may be missing (LEFT, RIGHT, FULL) is null in some rows while the key is not: its
 * members name the key but do not stand for it.  FULL has no member that does, and neither have two
 * computed sides: then the key is a column of its own, ROWKEY.  Rows of a table cannot get a new
 * key, so behind a FULL JOIN of tables a member does mean the key.
 */
#include "planner/bind_query.h"
#include "planner/bind_stmt.h"
#include "planner/with_props.h"

/* --- condition -------------------------------------------------------------------------------- */

static ErrCode check_condition(const AstJoin *ast, Err *err)
{
    if (ast->on->kind == AST_AND)
        return err_set_at(err, ERR_STATEMENT, ast->on->pos,
                          "a join has one equality as its condition, not several");
    if (ast->on->kind != AST_COMPARE || ast->on->op != AST_OP_EQ) {
        err_set_at(err, ERR_STATEMENT, ast->on->pos, "the condition of a join must be an equality");
        err_hint(err, "write ON a.x = b.y");
        return ERR_STATEMENT;
    }
    return ERR_OK;
}

typedef struct Sources {
    const Scope *scope;
    uint32_t     right;
    uint32_t     left_count; /* references to sources before the new one */
    uint32_t     right_count;
    uint32_t     one;      /* the only earlier source ... */
    bool         is_mixed; /* ... unless there are several */
} Sources;

static bool count_source(const Expr *expr, void *arg)
{
    Sources *sources = arg;
    uint32_t source;

    if (expr->kind != EXPR_COLUMN)
        return false;
    source = scope_column(sources->scope, expr->u.index).source;
    if (source == sources->right) {
        sources->right_count++;
        return false;
    }
    if (sources->left_count > 0 && sources->one != source)
        sources->is_mixed = true;
    sources->one = source;
    sources->left_count++;
    return false;
}

static ErrCode check_side(const Scope *scope, uint32_t right, const Expr *expr, bool *is_right,
                          Err *err)
{
    Sources sources = {.scope = scope, .right = right};

    (void)expr_any(expr, count_source, &sources);
    *is_right = sources.right_count > 0;
    if (sources.is_mixed || (sources.left_count > 0) == (sources.right_count > 0))
        return err_set_at(err, ERR_STATEMENT, expr->pos,
                          "each side of a join's condition must refer to columns of one source");
    return ERR_OK;
}

static ErrCode bind_condition(BindCtx *ctx, const AstJoin *ast, BoundJoin *join, Err *err)
{
    const Scope *scope = ctx->scope;
    Expr        *sides[2];
    bool         is_right[2];

    TRY(check_condition(ast, err));
    for (uint32_t i = 0; i < 2; i++) {
        TRY(bind_expr(ctx, ast->on->args[i], &sides[i], err));
        TRY(check_side(scope, join->right, sides[i], &is_right[i], err));
    }
    if (is_right[0] == is_right[1])
        return err_set_at(err, ERR_STATEMENT, ast->on->pos,
                          "the condition of a join must compare \"%.*s\" with a source before it",
                          STR_ARG(scope->sources[join->right].alias));
    join->left_key = sides[is_right[0]];
    join->right_key = sides[!is_right[0]];
    if (!type_eq(join->left_key->type, join->right_key->type)) {
        err_set_at(err, ERR_STATEMENT, ast->on->pos, "a join cannot compare %.*s with %.*s",
                   STR_ARG(type_text(ctx->mem, join->left_key->type)),
                   STR_ARG(type_text(ctx->mem, join->right_key->type)));
        err_hint(err, "CAST one side to the type of the other");
        return ERR_STATEMENT;
    }
    if (type_contains(join->left_key->type, T_MAP))
        return err_set_at(err, ERR_STATEMENT, ast->on->pos,
                          "a join by a MAP is not possible: equal maps have no fixed bytes");
    return ERR_OK;
}

/* --- sources ---------------------------------------------------------------------------------- */

ErrCode check_persistent_source(const BoundQuery *query, const Source *source, SrcPos pos, Err *err)
{
    if (query->kind != QUERY_PERSISTENT || !source->is_table || source->window == WINDOW_NONE)
        return ERR_OK;
    err_set_at(err, ERR_STATEMENT, pos,
               "a persistent query cannot read \"%.*s\": it is a windowed table",
               STR_ARG(source->name));
    err_hint(err,
             "CREATE STREAM ... WITH (KAFKA_TOPIC = '%.*s', WINDOW_TYPE = ...) reads its changes",
             STR_ARG(source->topic));
    return ERR_STATEMENT;
}

static ErrCode check_source(const BoundQuery *query, const Source *source, const AstName *name,
                            Err *err)
{
    for (uint32_t i = 0; i < query->scope.len; i++) {
        if (str_eq(query->scope.sources[i].source->name, source->name))
            return err_set_at(err, ERR_STATEMENT, name->pos,
                              "\"%.*s\" stands twice in the join: a source cannot be joined with "
                              "itself",
                              STR_ARG(source->name));
    }
    return check_persistent_source(query, source, name->pos, err);
}

static ErrCode check_value_format(const Source *source, SrcPos pos, Err *err)
{
    if (source->value_format.kind != FORMAT_KAFKA)
        return ERR_OK;
    err_set_at(err, ERR_STATEMENT, pos,
               "a join is not possible with \"%.*s\": its value format "
               "is KAFKA",
               STR_ARG(source->name));
    err_hint(err, "re-declare it with another VALUE_FORMAT");
    return ERR_STATEMENT;
}

/* Windowed keys meet only windowed keys of the same kind. */
static ErrCode check_windows(const Source *left, const Source *right, SrcPos pos, Err *err)
{
    if ((left->window == WINDOW_NONE) != (right->window == WINDOW_NONE))
        return err_set_at(err, ERR_STATEMENT, pos,
                          "a windowed source cannot be joined with one that is not: \"%.*s\" is "
                          "%s, \"%.*s\" is %s",
                          STR_ARG(left->name), window_kind_name(left->window), STR_ARG(right->name),
                          window_kind_name(right->window));
    if ((left->window == WINDOW_SESSION) != (right->window == WINDOW_SESSION) ||
        left->window_size_ms != right->window_size_ms)
        return err_set_at(err, ERR_STATEMENT, pos,
                          "the windows of \"%.*s\" and \"%.*s\" differ, and a windowed source "
                          "cannot be re-keyed",
                          STR_ARG(left->name), STR_ARG(right->name));
    return ERR_OK;
}

/* --- kinds ------------------------------------------------------------------------------------ */

static ErrCode within_ms(AstDuration duration, int64_t *out, Err *err)
{
    if (!ast_duration_ms(duration, out))
        return err_set_at(err, ERR_STATEMENT, duration.pos, "the duration is too long");
    return ERR_OK;
}

static ErrCode bind_within(const AstJoin *ast, BoundJoin *join, Err *err)
{
    enum { DAY_MS = 86400000 };

    if (join->plan != PLAN_JOIN_STREAMS) {
        if (ast->has_within)
            return err_set_at(err, ERR_STATEMENT, ast->pos,
                              "WITHIN is for joins of two streams: a table has one row per key at "
                              "any time");
        return ERR_OK;
    }
    if (!ast->has_within) {
        err_set_at(err, ERR_STATEMENT, ast->pos, "a join of two streams needs WITHIN");
        err_hint(err, "write WITHIN 1 HOUR behind the source");
        return ERR_STATEMENT;
    }
    TRY(within_ms(ast->before, &join->before_ms, err));
    TRY(within_ms(ast->after, &join->after_ms, err));
    join->has_grace = ast->has_grace;
    if (ast->has_grace)
        return within_ms(ast->grace, &join->grace_ms, err);
    join->grace_ms = join->before_ms < DAY_MS / 2 ? DAY_MS - 2 * join->before_ms : 0;
    return ERR_OK;
}

static bool follows_full_join_of_tables(const BoundQuery *query, const BoundJoin *join)
{
    bool follows = false;

    for (const BoundJoin *earlier = query->joins; earlier < join; earlier++)
        follows = follows || (earlier->plan == PLAN_JOIN_TABLES && earlier->kind == JOIN_FULL);
    return follows;
}

/* Whether the left rows already have left_key as their key. */
static bool is_left_key(const BoundQuery *query, const BoundJoin *join)
{
    bool is_full = follows_full_join_of_tables(query, join);

    if (query->join_key.len == 0)
        return scope_is_key(&query->scope.sources[0], join->left_key);
    for (size_t i = 0; i < query->join_key.len; i++) {
        if ((is_full || query->join_key.items[i].is_exact) &&
            expr_eq(query->join_key.items[i].expr, join->left_key))
            return true;
    }
    return false;
}

static ErrCode refuse_kind(const AstJoin *ast, const char *what, const char *why, Err *err)
{
    static const char *const names[] = {"INNER", "LEFT", "RIGHT", "FULL"};

    return err_set_at(err, ERR_STATEMENT, ast->pos, "a %s JOIN %s is not possible: %s",
                      names[ast->kind], what, why);
}

static ErrCode check_primary_key(const BoundQuery *query, const AstJoin *ast, const BoundJoin *join,
                                 Err *err)
{
    const ScopeSource *right = &query->scope.sources[join->right];

    if (scope_is_key(right, join->right_key))
        return ERR_OK;
    err_set_at(err, ERR_STATEMENT, ast->on->pos, "table \"%.*s\" must be joined by its primary key",
               STR_ARG(right->source->name));
    if (right->schema->key_len > 1)
        err_hint(err, "it has %u key columns, and a join compares one", right->schema->key_len);
    else
        err_hint(err, "its primary key is \"%.*s\"", STR_ARG(right->schema->cols[0].name));
    return ERR_STATEMENT;
}

static ErrCode check_foreign_key(const BoundQuery *query, const AstJoin *ast, const BoundJoin *join,
                                 Err *err)
{
    if (join->right > 1)
        return err_set_at(err, ERR_STATEMENT, ast->on->pos,
                          "only the first join of several can be by a foreign key: the result so "
                          "far must be joined by its primary key");
    if (join->kind == JOIN_RIGHT || join->kind == JOIN_FULL)
        return refuse_kind(ast, "on a foreign key",
                           "rows of the right table without partner would have no key", err);
    if (query->scope.sources[join->right].source->window != WINDOW_NONE)
        return err_set_at(err, ERR_STATEMENT, ast->pos,
                          "a windowed table cannot be joined by a foreign key");
    return ERR_OK;
}

static ErrCode choose_plan(const BoundQuery *query, const AstJoin *ast, BoundJoin *join, Err *err)
{
    const Source *left = query->scope.sources[0].source;
    const Source *right = query->scope.sources[join->right].source;

    if (left->is_table && !right->is_table) {
        err_set_at(err, ERR_STATEMENT, ast->pos,
                   "a table cannot be joined with stream \"%.*s\" on its right",
                   STR_ARG(right->name));
        err_hint(err, "write the stream first");
        return ERR_STATEMENT;
    }
    if (!right->is_table) {
        join->plan = PLAN_JOIN_STREAMS;
        return ERR_OK;
    }
    TRY(check_primary_key(query, ast, join, err));
    if (!left->is_table) {
        join->plan = PLAN_JOIN_STREAM_TABLE;
        if (join->kind == JOIN_RIGHT || join->kind == JOIN_FULL)
            return refuse_kind(ast, "of a stream with a table", "rows of the table are no events",
                               err);
        return ERR_OK;
    }
    join->plan = PLAN_JOIN_TABLES;
    if (is_left_key(query, join))
        return ERR_OK;
    join->plan = PLAN_JOIN_FOREIGN_KEY;
    return check_foreign_key(query, ast, join, err);
}

/* --- partitioning ----------------------------------------------------------------------------- */

static FormatSpec default_key_format(const PlannerEnv *env)
{
    FormatSpec spec = {.kind = FORMAT_KAFKA, .delimiter = ',', .schema_id = -1};
    Str        name = env->property(env->self, "ksql.persistence.default.format.key");

    if (name.ptr)
        (void)format_kind_parse(name, &spec.kind);
    return spec;
}

static ErrCode check_partitions(const BoundQuery *query, BoundJoin *join, uint32_t left_partitions,
                                Err *err)
{
    const ScopeSource *left = &query->scope.sources[0];
    const ScopeSource *right = &query->scope.sources[join->right];
    uint32_t           right_partitions = right->source->partitions;

    if (!join->rekeys_left && !join->rekeys_right && left_partitions != right_partitions) {
        err_set_at(err, ERR_STATEMENT, join->pos,
                   "cannot join \"%.*s\" with \"%.*s\": their topics have %u and %u partitions",
                   STR_ARG(left->alias), STR_ARG(right->alias), left_partitions, right_partitions);
        err_hint(err, "join a copy: CREATE %s ... WITH (PARTITIONS = %u) AS SELECT * FROM %.*s",
                 right->source->is_table ? "TABLE" : "STREAM", left_partitions,
                 STR_ARG(right->source->name));
        return ERR_STATEMENT;
    }
    if (!join->rekeys_left)
        join->partitions = left_partitions;
    else if (!join->rekeys_right)
        join->partitions = right_partitions;
    else
        join->partitions = left_partitions > right_partitions ? left_partitions : right_partitions;
    return ERR_OK;
}

/*
 * A left row meets any right row, and may point to another one later: only in one place do the
 * changes of a result row keep their order.  All rows of both tables go there.
 */
static void gather(const BoundQuery *query, BoundJoin *join)
{
    const Source *left = query->scope.sources[0].source;
    const Source *right = query->scope.sources[join->right].source;

    join->rekeys_left = join->rekeys_right = left->partitions > 1 || right->partitions > 1;
    join->key_format = left->key_format;
    join->partitions = 1;
}

/* Which side must move, and in which format both meet. */
static ErrCode choose_partitioning(BindCtx *ctx, const BoundQuery *query, BoundJoin *join, Err *err)
{
    const BoundJoin *before = join->right > 1 ? join - 1 : NULL;
    const Source    *first = query->scope.sources[0].source;
    const Source    *right = query->scope.sources[join->right].source;
    FormatSpec       left_format = before ? before->key_format : first->key_format;
    uint32_t         left_partitions = before ? before->partitions : first->partitions;
    bool             was_gathered = before && before->plan == PLAN_JOIN_FOREIGN_KEY;
    bool             left_moves = !is_left_key(query, join) || was_gathered;
    bool   right_moves = !scope_is_key(&query->scope.sources[join->right], join->right_key);
    Column key = {.name = STR("KEY"), .type = join->left_key->type, .role = COLUMN_KEY};

    if (join->plan == PLAN_JOIN_FOREIGN_KEY) {
        gather(query, join);
        return ERR_OK;
    }
    join->key_format = left_moves && !right_moves ? right->key_format : left_format;
    if (join->key_format.kind == FORMAT_NONE)
        join->key_format = default_key_format(ctx->env);
    if (!format_can_hold(join->key_format.kind, true, &key, 1))
        join->key_format.kind = FORMAT_JSON;
    join->rekeys_left = left_moves || !format_same_bytes(&left_format, &join->key_format);
    join->rekeys_right = right_moves || !format_same_bytes(&right->key_format, &join->key_format);
    if ((join->rekeys_left || join->rekeys_right) && right->window != WINDOW_NONE)
        return err_set_at(err, ERR_STATEMENT, join->pos,
                          "this join would give a windowed source a new key, and its window is "
                          "part of its key");
    return check_partitions(query, join, left_partitions, err);
}

/* --- the key of the result -------------------------------------------------------------------- */

static void push_member(BindCtx *ctx, BoundQuery *query, Expr *expr, bool is_exact)
{
    KeyMember member = {expr, is_exact};

    vec_push(ctx->mem, &query->join_key, member);
}

/* A foreign-key join keeps the key of its left side. */
static void follow_key(BindCtx *ctx, BoundQuery *query, const BoundJoin *join)
{
    bool left_missing = join->kind == JOIN_RIGHT || join->kind == JOIN_FULL;
    bool right_missing = join->kind == JOIN_LEFT || join->kind == JOIN_FULL;

    if (join->plan == PLAN_JOIN_FOREIGN_KEY)
        return;
    if (query->join_key.len == 0 || !is_left_key(query, join)) {
        query->join_key.len = 0;
        push_member(ctx, query, join->left_key, true);
    }
    for (size_t i = 0; i < query->join_key.len && left_missing; i++)
        query->join_key.items[i].is_exact = false;
    push_member(ctx, query, join->right_key, !right_missing);
}

static void add_rowkey(BindCtx *ctx, BoundQuery *query)
{
    const BoundJoin *last = &query->joins[query->joins_len - 1];
    bool             has_column = false;

    if (query->join_key.len == 0)
        return;
    for (size_t i = 0; i < query->join_key.len; i++)
        has_column = has_column || query->join_key.items[i].expr->kind == EXPR_COLUMN;
    if (!has_column || last->kind == JOIN_FULL)
        scope_add_rowkey(ctx->mem, &query->scope, last->left_key->type);
}

static ErrCode bind_join(BindCtx *ctx, const AstJoin *ast, BoundQuery *query, BoundJoin *join,
                         Err *err)
{
    static const JoinKind kinds[] = {[AST_INNER] = JOIN_INNER,
                                     [AST_LEFT] = JOIN_LEFT,
                                     [AST_RIGHT] = JOIN_RIGHT,
                                     [AST_FULL] = JOIN_FULL};
    const Source         *right;

    join->pos = ast->pos;
    join->kind = kinds[ast->kind];
    join->right = query->scope.len;
    TRY(find_source(ctx->env, ctx->mem, &ast->source.name, &right, err));
    TRY(check_source(query, right, &ast->source.name, err));
    if (scope_find_alias(&query->scope,
                         ast->source.alias.text.ptr ? ast->source.alias.text : right->name) >= 0)
        return err_set_at(err, ERR_STATEMENT, ast->source.name.pos,
                          "two sources of the join have the same alias");
    scope_add(ctx->mem, &query->scope, right, ast->source.alias.text, ast->source.name.pos);
    TRY(bind_condition(ctx, ast, join, err));
    TRY(choose_plan(query, ast, join, err));
    TRY(bind_within(ast, join, err));
    TRY(check_value_format(query->scope.sources[0].source, query->scope.sources[0].pos, err));
    TRY(check_value_format(right, ast->source.name.pos, err));
    TRY(check_windows(query->scope.sources[0].source, right, ast->pos, err));
    TRY(choose_partitioning(ctx, query, join, err));
    follow_key(ctx, query, join);
    return ERR_OK;
}

ErrCode bind_joins(BindCtx *ctx, const AstQuery *ast, BoundQuery *query, Err *err)
{
    BindCtx inner = *ctx;

    inner.clause = "the condition of a JOIN";
    query->joins = ARENA_ARRAY(ctx->mem, BoundJoin, ast->joins_len);
    for (size_t i = 0; i < ast->joins_len; i++) {
        TRY(bind_join(&inner, &ast->joins[i], query, &query->joins[i], err));
        query->joins_len++;
    }
    add_rowkey(ctx, query);
    return ERR_OK;
}

/* --- which member is the key ------------------------------------------------------------------ */

static bool is_selected(const BoundQuery *query, const Expr *expr)
{
    for (size_t i = 0; i < query->items.len; i++) {
        if (expr_eq(query->items.items[i].expr, expr))
            return true;
    }
    return false;
}

static ErrCode no_key_selected(BindCtx *ctx, const AstQuery *ast, const BoundQuery *query, Err *err)
{
    Buf names = buf_in(ctx->mem);

    for (size_t i = 0; i < query->join_key.len; i++) {
        const Expr *expr = query->join_key.items[i].expr;

        if (expr->kind != EXPR_COLUMN)
            continue;
        buf_c(&names, names.len > 0 ? " or " : "");
        buf_str(&names, ctx->scope->sources[scope_column(ctx->scope, expr->u.index).source].alias);
        buf_put(&names, '.');
        buf_str(&names, scope_column_name(ctx->scope, expr->u.index));
    }
    return err_set_at(err, ERR_STATEMENT, ast->items[0].pos,
                      "key missing: the SELECT list must hold the join's key, %.*s",
                      STR_ARG(buf_view(&names)));
}

ErrCode choose_join_key(BindCtx *ctx, const AstQuery *ast, BoundQuery *query, Err *err)
{
    if (query->rekey != REKEY_NONE || query->join_key.len == 0 || ctx->scope->rowkey.ptr)
        return ERR_OK;
    for (size_t i = 0; i < query->join_key.len; i++) {
        Expr *expr = query->join_key.items[i].expr;

        if (expr->kind == EXPR_COLUMN && is_selected(query, expr)) {
            query->keys[0].expr = expr;
            return ERR_OK;
        }
    }
    return query->kind == QUERY_PERSISTENT ? no_key_selected(ctx, ast, query, err) : ERR_OK;
}
