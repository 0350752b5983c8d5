/*
 * bind_union.c -- UNION ALL: the rows of several SELECTs, one after the other, as they come.
 *
 * Each SELECT is bound by itself and gives a stream; the columns have the names of the first, and
 * the types that hold those of all.  The steps of each end in a projection to these columns, and
 * build.c joins the ends.
 */
#include "planner/bind_query.h"
#include "planner/bind_stmt.h"
#include "planner/build.h"

static ErrCode check_clauses(const AstQuery *ast, Err *err)
{
    if (ast->joins_len > 0)
        return err_set_at(err, ERR_STATEMENT, ast->joins[0].pos,
                          "a SELECT of a UNION ALL cannot have a JOIN");
    if (ast->distinct_pos.line)
        return err_set_at(err, ERR_STATEMENT, ast->distinct_pos,
                          "a SELECT of a UNION ALL cannot be DISTINCT: each one gives a stream");
    if (ast->group_by.pos.line || ast->window)
        return err_set_at(err, ERR_STATEMENT, ast->window ? ast->window->pos : ast->group_by.pos,
                          "a SELECT of a UNION ALL cannot aggregate: each one gives a stream");
    return ERR_OK;
}

static ErrCode check_result(const AstQuery *ast, const BoundQuery *query, Err *err)
{
    const ScopeSource *source = &query->scope.sources[0];

    TRY(check_clauses(ast, err));
    if (query->aggs.len > 0)
        return err_set_at(err, ERR_STATEMENT, query->aggs.items[0].pos,
                          "a SELECT of a UNION ALL cannot aggregate: each one gives a stream");
    if (query->is_table || source->source->window != WINDOW_NONE)
        return err_set_at(err, ERR_STATEMENT, source->pos,
                          "UNION ALL is for streams without windows: \"%.*s\" is none",
                          STR_ARG(source->source->name));
    return ERR_OK;
}

/* Two readers of one topic in one task would share their position. */
static ErrCode check_sources(const BoundQuery *first, const BoundQuery *arm, Err *err)
{
    const ScopeSource *source = &arm->scope.sources[0];

    for (const BoundQuery *other = first; other != arm; other = other->next) {
        const Source *there = other->scope.sources[0].source;

        if (str_eq(there->topic, source->source->topic)) {
            err_set_at(err, ERR_STATEMENT, source->pos,
                       "topic \"%.*s\" stands twice in the UNION ALL", STR_ARG(there->topic));
            err_hint(err, "write one INSERT INTO ... SELECT for each, or one SELECT with OR");
            return ERR_STATEMENT;
        }
        if (there->partitions == source->source->partitions)
            continue;
        err_set_at(err, ERR_STATEMENT, source->pos,
                   "UNION ALL needs equal partitions: the topics of \"%.*s\" and \"%.*s\" have %u "
                   "and %u",
                   STR_ARG(there->name), STR_ARG(source->source->name), there->partitions,
                   source->source->partitions);
        err_hint(err, "write one INSERT INTO ... SELECT for each");
        return ERR_STATEMENT;
    }
    return ERR_OK;
}

/* Keys move in front of the other columns: unless they stand in the same places, the columns that
 * are written below each other would not be those that come together.  Logged statements stay as
 * they are. */
static ErrCode check_key_places(const BoundQuery *first, const BoundQuery *arm, Err *err)
{
    for (size_t i = 0; i < arm->items.len && i < first->items.len; i++) {
        const BoundItem *item = &arm->items.items[i];

        if (arm->kind != QUERY_PERSISTENT || item->key == first->items.items[i].key)
            continue;
        return err_set_at(err, ERR_STATEMENT, item->pos,
                          "key columns must stand in the same places in each SELECT of a UNION "
                          "ALL: \"%.*s\" and \"%.*s\" do not",
                          STR_ARG(first->items.items[i].name), STR_ARG(item->name));
    }
    return ERR_OK;
}

/* Widens the columns so far to those of one more SELECT. */
static ErrCode merge_columns(Arena *mem, Schema *result, Column *cols, const BoundQuery *arm,
                             SrcPos pos, Err *err)
{
    const Schema *schema = bound_schema(mem, arm);

    if (schema->len != result->len)
        return err_set_at(err, ERR_STATEMENT, pos,
                          "a SELECT of the UNION ALL gives %u columns, the first one %u",
                          schema->len, result->len);
    if (schema->key_len != result->key_len)
        return err_set_at(err, ERR_STATEMENT, pos,
                          "a SELECT of the UNION ALL gives %u key columns, the first one %u",
                          schema->key_len, result->key_len);
    for (uint32_t i = 0; i < schema->len; i++) {
        const Type *here = schema->cols[i].type, *before = cols[i].type;
        bool        widens =
            type_is_numeric(here) && type_is_numeric(before) && cols[i].role != COLUMN_KEY;

        if (!type_eq(here, before) && !widens)
            return err_set_at(err, ERR_STATEMENT, pos,
                              "column \"%.*s\" of the UNION ALL is %.*s here, %.*s before",
                              STR_ARG(cols[i].name), STR_ARG(type_text(mem, here)),
                              STR_ARG(type_text(mem, before)));
        if (!type_eq(here, before))
            cols[i].type = numeric_common(mem, here, before);
    }
    return ERR_OK;
}

ErrCode bind_union(const PlannerEnv *env, Arena *mem, const AstQuery *ast, BoundQuery *first,
                   Err *err)
{
    const Schema *schema = bound_schema(mem, first);
    Schema       *result = ARENA_NEW(mem, Schema);
    Column       *cols = ARENA_ARRAY(mem, Column, schema->len);
    BoundQuery   *last = first;

    TRY(check_result(ast, first, err));
    memcpy(cols, schema->cols, schema->len * sizeof *cols);
    *result = *schema;
    result->cols = cols;
    for (ast = ast->next; ast; ast = ast->next) {
        TRY(check_clauses(ast, err));
        last->next = ARENA_NEW(mem, BoundQuery);
        TRY(bind_query_alone(env, mem, ast, first->kind, last->next, err));
        last = last->next;
        TRY(check_result(ast, last, err));
        TRY(check_sources(first, last, err));
        TRY(merge_columns(mem, result, cols, last, ast->pos, err));
        if (!env->is_replay)
            TRY(check_key_places(first, last, err));
    }
    first->result = result;
    return ERR_OK;
}
