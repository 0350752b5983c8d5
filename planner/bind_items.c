/*
 * bind_items.c -- the SELECT list: what * stands for, names, and the key columns of the result.
 *
 * Names depend on each other (KSQL_COL_n counts through the list, a key takes the name of the item
 * that selects it, * lists keys by their names), so the list is gone through twice: first every
 * written expression is bound and named, then each * is expanded in its place.
 */
#include "planner/bind_query.h"
#include "planner/bind_stmt.h"

static void push_item(BindCtx *ctx, BoundQuery *query, Str name, Expr *expr, SrcPos pos)
{
    BoundItem item = {.name = name, .expr = expr, .pos = pos, .key = -1};

    vec_push(ctx->mem, &query->items, item);
}

/* --- first round: written expressions --------------------------------------------------------- */

static ErrCode check_alias(const AstItem *item, Err *err)
{
    if (!item->alias.text.ptr || !is_pseudo_name(item->alias.text))
        return ERR_OK;
    return err_set_at(err, ERR_STATEMENT, item->alias.pos,
                      "alias \"%.*s\" is the name of a pseudo column", STR_ARG(item->alias.text));
}

static ErrCode bind_written(BindCtx *ctx, const AstItem *item, Expr **out, Err *err)
{
    TRY(bind_expr(ctx, item->expr, out, err));
    if (item->kind == AST_ITEM_STRUCT_ALL) {
        if ((*out)->type->kind != T_STRUCT)
            return err_set_at(err, ERR_STATEMENT, item->pos, "->* works on STRUCT, not on %.*s",
                              STR_ARG(type_text(ctx->mem, (*out)->type)));
        return ERR_OK;
    }
    TRY(check_alias(item, err));
    if (expr_is_null_literal(*out)) {
        err_set_at(err, ERR_STATEMENT, item->pos, "a NULL in the SELECT list has no type");
        err_hint(err, "write CAST(NULL AS STRING), or another type");
        return ERR_STATEMENT;
    }
    return ERR_OK;
}

static bool is_written(const AstItem *item)
{
    return item->kind == AST_ITEM_EXPR || item->kind == AST_ITEM_STRUCT_ALL;
}

/* A column of a sub-select keeps its name, whatever expression it stands for. */
static Str item_name(BindCtx *ctx, const AstItem *item, NameGen *names, const Expr *expr)
{
    if (item->alias.text.ptr)
        return str_copy(ctx->mem, item->alias.text);
    if (ctx->scope->derived && item->expr->kind == AST_COLUMN &&
        scope_has_column(ctx->scope, item->expr->name.text))
        return str_copy(ctx->mem, item->expr->name.text);
    return names_of_expr(names, expr);
}

/* exprs and names are parallel to the AST's items; NULL for a *. */
static ErrCode bind_written_items(BindCtx *ctx, const AstQuery *ast, NameGen *names, Expr **exprs,
                                  Str *item_names, Err *err)
{
    for (size_t i = 0; i < ast->items_len; i++) {
        const AstItem *item = &ast->items[i];

        if (!is_written(item))
            continue;
        TRY(bind_written(ctx, item, &exprs[i], err));
        if (item->kind == AST_ITEM_EXPR)
            item_names[i] = item_name(ctx, item, names, exprs[i]);
    }
    return ERR_OK;
}

/* A key is called what the item that selects it is called. */
static void name_keys(const AstQuery *ast, BoundQuery *query, NameGen *names, Expr *const *exprs,
                      const Str *item_names)
{
    for (uint32_t k = 0; k < query->keys_len; k++) {
        BoundKey *key = &query->keys[k];

        for (size_t i = 0; i < ast->items_len && !key->name.ptr; i++) {
            if (ast->items[i].kind == AST_ITEM_EXPR && expr_eq(exprs[i], key->expr))
                key->name = item_names[i];
        }
        if (!key->name.ptr)
            key->name = names_of_expr(names, key->expr);
    }
}

/* --- second round: * -------------------------------------------------------------------------- */

static void push_number(BindCtx *ctx, BoundQuery *query, uint32_t number, bool is_join, SrcPos pos)
{
    Str name = is_join ? names_of_joined(ctx->mem, ctx->scope, number)
                       : scope_column_name(ctx->scope, number);

    push_item(ctx, query, name, scope_expr(ctx->mem, ctx->scope, number, pos), pos);
}

/* All columns of a sub-select; behind PARTITION BY the new keys are there already. */
static void expand_derived(BindCtx *ctx, BoundQuery *query, SrcPos pos)
{
    const Scope *scope = ctx->scope;

    for (uint32_t i = 0; i < scope->derived_len; i++) {
        bool is_there = false;

        for (uint32_t k = 0; k < query->keys_len && query->rekey == REKEY_PARTITION; k++)
            is_there = is_there || expr_eq(query->keys[k].expr, scope->derived[i].expr);
        if (!is_there)
            push_item(ctx, query, scope->derived[i].name, scope->derived[i].expr, pos);
    }
}

/* Keys, the window of the key where a client sees it, values. */
static void expand_source(BindCtx *ctx, BoundQuery *query, uint32_t source, SrcPos pos)
{
    const ScopeSource *in = &ctx->scope->sources[source];
    bool               is_join = ctx->scope->len > 1;
    bool               shows_window =
        in->source->window != WINDOW_NONE && (query->kind != QUERY_PERSISTENT || is_join);

    for (uint32_t i = 0; i <= in->schema->len; i++) {
        if (i == in->schema->key_len && shows_window) {
            push_number(ctx, query, in->first + in->schema->len + PSEUDO_WINDOWSTART, is_join, pos);
            push_number(ctx, query, in->first + in->schema->len + PSEUDO_WINDOWEND, is_join, pos);
        }
        if (i < in->schema->len)
            push_number(ctx, query, in->first + i, is_join, pos);
    }
}

static bool is_key_number(const BoundQuery *query, uint32_t number)
{
    for (uint32_t k = 0; k < query->keys_len; k++) {
        if (query->keys[k].expr->kind == EXPR_COLUMN && query->keys[k].expr->u.index == number)
            return true;
    }
    return false;
}

/* Behind PARTITION BY: the new keys, the values, and the old keys, which are values now. */
static void expand_repartitioned(BindCtx *ctx, BoundQuery *query, SrcPos pos)
{
    const ScopeSource *in = &ctx->scope->sources[0];
    const Schema      *schema = in->schema;

    for (uint32_t k = 0; k < query->keys_len; k++) {
        push_item(ctx, query, query->keys[k].name, query->keys[k].expr, pos);
        query->items.items[query->items.len - 1].is_new_key = true;
    }
    if (ctx->scope->derived) {
        expand_derived(ctx, query, pos);
        return;
    }
    for (uint32_t i = 0; i < schema->len; i++) {
        uint32_t at = (i + schema->key_len) % schema->len;

        if (!is_key_number(query, in->first + at))
            push_number(ctx, query, in->first + at, false, pos);
    }
}

static ErrCode expand_star(BindCtx *ctx, const AstItem *item, BoundQuery *query, Err *err)
{
    int source = -1;

    if (item->kind == AST_ITEM_SOURCE_ALL) {
        source = scope_find_alias(ctx->scope, item->source.text);
        if (source < 0)
            return err_set_at(err, ERR_STATEMENT, item->source.pos,
                              "\"%.*s\" is not the name or alias of a source of this query",
                              STR_ARG(item->source.text));
    }
    if (query->rekey == REKEY_PARTITION && ctx->scope->len == 1) {
        expand_repartitioned(ctx, query, item->pos);
        return ERR_OK;
    }
    if (ctx->scope->derived) {
        expand_derived(ctx, query, item->pos);
        return ERR_OK;
    }
    if (source < 0 && ctx->scope->rowkey.ptr)
        push_number(ctx, query, ctx->scope->cols_len - 1, true, item->pos);
    for (uint32_t i = 0; i < ctx->scope->len; i++) {
        if (source < 0 || source == (int)i)
            expand_source(ctx, query, i, item->pos);
    }
    return ERR_OK;
}

static ErrCode expand_struct(BindCtx *ctx, Expr *expr, BoundQuery *query, Err *err)
{
    for (uint32_t i = 0; i < expr->type->fields_len; i++) {
        Expr *field = expr_new(ctx->mem, EXPR_FIELD, expr->type->fields[i].type, expr->pos, 1);

        field->args[0] = expr;
        field->u.index = i;
        TRY(fold(ctx, field, err));
        push_item(ctx, query, expr->type->fields[i].name, field, expr->pos);
    }
    return ERR_OK;
}

ErrCode bind_items(BindCtx *ctx, const AstQuery *ast, BoundQuery *query, Err *err)
{
    NameGen names = {.mem = ctx->mem, .scope = ctx->scope};
    Expr  **exprs = ARENA_ARRAY(ctx->mem, Expr *, ast->items_len);
    Str    *item_names = ARENA_ARRAY(ctx->mem, Str, ast->items_len);

    TRY(bind_written_items(ctx, ast, &names, exprs, item_names, err));
    name_keys(ast, query, &names, exprs, item_names);
    for (size_t i = 0; i < ast->items_len; i++) {
        const AstItem *item = &ast->items[i];

        if (item->kind == AST_ITEM_EXPR)
            push_item(ctx, query, item_names[i], exprs[i], item->pos);
        else if (item->kind == AST_ITEM_STRUCT_ALL)
            TRY(expand_struct(ctx, exprs[i], query, err));
        else
            TRY(expand_star(ctx, item, query, err));
    }
    return ERR_OK;
}

/* --- the result's columns --------------------------------------------------------------------- */

static ErrCode check_duplicates(const BoundQuery *query, Err *err)
{
    for (size_t i = 0; i < query->items.len; i++) {
        for (size_t k = 0; k < i; k++) {
            const BoundItem *item = &query->items.items[i];

            if (!str_eq(item->name, query->items.items[k].name))
                continue;
            err_set_at(err, ERR_STATEMENT, item->pos, "column \"%.*s\" stands twice in the result",
                       STR_ARG(item->name));
            err_hint(err, "give one of them another name with AS");
            return ERR_STATEMENT;
        }
    }
    return ERR_OK;
}

/* A pseudo column is no column of a topic: kept under another name, or not at all. */
static ErrCode check_pseudo_names(const AstQuery *ast, BoundQuery *query, Err *err)
{
    size_t kept = 0;

    for (size_t i = 0; i < query->items.len; i++) {
        const BoundItem *item = &query->items.items[i];
        /* The bounds of the group's own window are in the key of the sink anyway. */
        bool is_own_window = ast->window && item->expr->kind == EXPR_PSEUDO;

        if (is_pseudo_name(item->name) && !is_own_window && !item->is_new_key) {
            err_set_at(err, ERR_STATEMENT, item->pos,
                       "pseudo column \"%.*s\" cannot be a column of the result",
                       STR_ARG(item->name));
            err_hint(err, "give it another name with AS");
            return ERR_STATEMENT;
        }
        if (!is_own_window || !is_pseudo_name(item->name))
            query->items.items[kept++] = *item;
    }
    query->items.len = kept;
    return ERR_OK;
}

static ErrCode missing_key(const AstQuery *ast, const BoundQuery *query, uint32_t key, Err *err)
{
    const char *what = query->rekey == REKEY_GROUP       ? "grouping expression"
                       : query->rekey == REKEY_PARTITION ? "partitioning expression"
                                                         : "key column";

    err_set_at(err, ERR_STATEMENT, ast->items_len > 0 ? ast->items[0].pos : ast->pos,
               "key missing: the SELECT list must hold the %s \"%.*s\"", what,
               STR_ARG(query->keys[key].name));
    err_hint(err, "write SELECT %.*s, ...", STR_ARG(query->keys[key].name));
    return ERR_STATEMENT;
}

/*
 * ksql.new.query.planner.enabled: the result's key is what the SELECT list holds of the stream's
 * key, in the order of the list.
 */
static void keep_selected_keys(const PlannerEnv *env, BoundQuery *query)
{
    Str      value = env->property(env->self, "ksql.new.query.planner.enabled");
    uint32_t kept = 0;

    if (!value.ptr || !str_eq_nocase(value, STR("true")) || query->rekey != REKEY_NONE ||
        bound_from_table(query))
        return;
    for (size_t i = 0; i < query->items.len; i++) {
        for (uint32_t k = kept; k < query->keys_len; k++) {
            BoundKey key = query->keys[k];

            if (!expr_eq(query->items.items[i].expr, key.expr))
                continue;
            query->keys[k] = query->keys[kept];
            query->keys[kept++] = key;
        }
    }
    query->keys_len = kept;
}

static ErrCode check_keys(const AstQuery *ast, BoundQuery *query, Err *err)
{
    for (uint32_t k = 0; k < query->keys_len; k++) {
        const BoundItem *first = NULL;

        for (size_t i = 0; i < query->items.len; i++) {
            BoundItem *item = &query->items.items[i];

            if (!expr_eq(item->expr, query->keys[k].expr))
                continue;
            if (first) {
                err_set_at(err, ERR_STATEMENT, item->pos,
                           "the SELECT list holds the key twice, as \"%.*s\" and \"%.*s\"",
                           STR_ARG(first->name), STR_ARG(item->name));
                err_hint(err, "AS_VALUE(%.*s) AS %.*s puts a copy into the value",
                         STR_ARG(first->name), STR_ARG(item->name));
                return ERR_STATEMENT;
            }
            first = item;
            item->key = (int)k;
        }
        if (!first)
            return missing_key(ast, query, k, err);
        query->keys[k].name = first->name;
    }
    return ERR_OK;
}

/* A client sees any columns in any order; which of them are the key is marked, not demanded. */
static void mark_keys(BoundQuery *query)
{
    for (size_t i = 0; i < query->items.len; i++) {
        for (uint32_t k = 0; k < query->keys_len; k++) {
            if (expr_eq(query->items.items[i].expr, query->keys[k].expr))
                query->items.items[i].key = (int)k;
        }
    }
}

ErrCode check_projection(const PlannerEnv *env, const AstQuery *ast, BoundQuery *query, Err *err)
{
    if (query->kind != QUERY_PERSISTENT) {
        mark_keys(query);
        return check_duplicates(query, err);
    }
    TRY(check_pseudo_names(ast, query, err));
    keep_selected_keys(env, query);
    TRY(check_keys(ast, query, err));
    TRY(check_duplicates(query, err));
    if (query->items.len == query->keys_len && !ast->distinct_pos.line) {
        err_set_at(err, ERR_STATEMENT, ast->pos, "the result has no value columns");
        err_hint(err, "select a column beside the key, or AS_VALUE of the key");
        return ERR_STATEMENT;
    }
    return ERR_OK;
}
