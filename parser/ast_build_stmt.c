/*
 * ast_build_stmt.c -- constructors of queries and statements.
 *
 * The grammar puts the parts of a statement side by side itself; here is what takes more than
 * that: lists, limits, and the few rules that are counted as syntax.
 */
#include "common/limit.h"
#include "parser/ast_build.h"
#include "parser/grammar.h"

static void ast_build_check_columns(AstBuild *b, size_t len, SrcPos pos)
{
    if (len > (size_t)g_limits.columns)
        ast_build_error(b, ERR_LIMIT, pos, "more than %lld columns", (long long)g_limits.columns);
}

AstItem ast_build_item(AstExpr *expr, AstName alias)
{
    AstItem item = {.kind = AST_ITEM_EXPR, .expr = expr, .alias = alias, .pos = expr->pos};

    if (alias.text.ptr)
        item.pos = ast_pos_join(expr->pos, alias.pos);
    return item;
}

AstItemVec ast_build_items(AstBuild *b, AstItemVec list, AstItem item)
{
    vec_push(b->mem, &list, item);
    ast_build_check_columns(b, list.len, item.pos);
    return list;
}

AstFrom ast_build_join(AstBuild *b, AstFrom from, AstJoin join)
{
    vec_push(b->mem, &from.joins, join);
    return from;
}

AstJoin ast_build_within(AstDuration before, AstDuration after, bool is_pair, AstOptDuration grace)
{
    return (AstJoin){.has_within = true,
                     .is_within_pair = is_pair,
                     .before = before,
                     .after = after,
                     .has_grace = grace.is_set,
                     .grace = grace.duration};
}

AstWindow *ast_build_window(AstBuild *b, Token word, AstName name, AstWindow window)
{
    AstWindow *copy = ARENA_NEW(b->mem, AstWindow);

    *copy = window;
    copy->pos = word.pos;
    copy->name = name;
    return copy;
}

/* ksqlDB does not count a wrong LIMIT as a syntax error. */
AstCount ast_build_limit(AstBuild *b, Token word, const AstExpr *number)
{
    bool is_whole = number->value.kind == T_INT || number->value.kind == T_BIGINT;

    if (!is_whole || number->value.u.i < 0)
        ast_build_error(b, ERR_STATEMENT, number->pos, "LIMIT must be a whole number from 0");
    return (AstCount){.is_set = true,
                      .count = is_whole ? number->value.u.i : 0,
                      .pos = ast_pos_join(word.pos, number->pos)};
}

AstCount ast_build_count(AstBuild *b, Token word, Token count)
{
    return (AstCount){.is_set = true,
                      .count = ast_build_integer(b, count),
                      .pos = ast_pos_join(word.pos, count.pos)};
}

AstSource ast_build_sub_select(Token parenthesis, AstQuery *query, AstName alias)
{
    return (AstSource){.name.pos = parenthesis.pos, .alias = alias, .query = query};
}

AstQuery *ast_build_query(AstBuild *b, AstQuery query, AstItemVec items, AstFrom from,
                          AstCount limit)
{
    AstQuery *copy = ARENA_NEW(b->mem, AstQuery);

    *copy = query;
    copy->items = items.items;
    copy->items_len = items.len;
    copy->from = from.source;
    copy->joins = from.joins.items;
    copy->joins_len = from.joins.len;
    copy->has_limit = limit.is_set;
    copy->limit = limit.count;
    copy->limit_pos = limit.pos;
    return copy;
}

AstQuery *ast_build_union(AstBuild *b, Token word, AstQuery *first, AstQuery *last)
{
    AstQuery *tail = first;

    if (first->emit != AST_EMIT_NONE || first->has_limit)
        ast_build_error(b, ERR_SYNTAX, word.pos,
                        "EMIT and LIMIT stand behind the last SELECT of a UNION ALL");
    if (++first->unions > g_limits.nesting)
        ast_build_error(b, ERR_LIMIT, word.pos, "more than %lld UNION ALL in one query",
                        (long long)g_limits.nesting);
    while (tail->next)
        tail = tail->next;
    tail->next = last;
    first->emit = last->emit;
    first->emit_pos = last->emit_pos;
    first->has_limit = last->has_limit;
    first->limit = last->limit;
    first->limit_pos = last->limit_pos;
    last->emit = AST_EMIT_NONE;
    last->has_limit = false;
    return first;
}

AstPropVec ast_build_props(AstBuild *b, AstPropVec list, AstName name, AstExpr *value)
{
    vec_push(b->mem, &list, ((AstProp){name, value->value, value->pos}));
    return list;
}

AstColumn ast_build_column_def(AstBuild *b, AstName name, AstType *type, AstRole role)
{
    (void)b;
    return (AstColumn){.name = name,
                       .type = type,
                       .role = role.role,
                       .header_key = role.header_key,
                       .pos = ast_pos_join(name.pos, role.pos.line ? role.pos : type->pos)};
}

AstColumnVec ast_build_columns(AstBuild *b, AstColumnVec list, AstColumn column)
{
    vec_push(b->mem, &list, column);
    ast_build_check_columns(b, list.len, column.pos);
    return list;
}

AstRowVec ast_build_rows(AstBuild *b, AstRowVec list, AstExprs row)
{
    vec_push(b->mem, &list, row);
    return list;
}

AstStmt *ast_build_stmt(AstBuild *b, AstStmt stmt)
{
    AstStmt *copy = ARENA_NEW(b->mem, AstStmt);

    *copy = stmt;
    return copy;
}

void ast_build_result(AstBuild *b, AstStmt *stmt)
{
    if (b->too_big)
        ast_build_out_of_range(b, b->too_big->pos, STR("9223372036854775808"));
    b->stmt = stmt;
}

/* ksqlDB counts a key of the wrong kind as a syntax error, and so do its clients' tests. */
static void ast_build_check_keys(AstBuild *b, bool is_table, AstColumns columns)
{
    AstColumnRole wrong = is_table ? AST_COLUMN_KEY : AST_COLUMN_PRIMARY_KEY;

    for (size_t i = 0; i < columns.len; i++) {
        const AstColumn *column = &columns.items[i];

        if (column->role != wrong || b->rc != ERR_OK)
            continue;
        ast_build_error(b, ERR_SYNTAX, column->pos, "column \"%.*s\" of a %s cannot be a %s",
                        STR_ARG(column->name.text), is_table ? "table" : "stream",
                        is_table ? "KEY" : "PRIMARY KEY");
        err_hint(b->err, "use %s", is_table ? "PRIMARY KEY" : "KEY");
    }
}

AstStmt *ast_build_create_source(AstBuild *b, AstStmtKind kind, AstCreateSource create,
                                 AstColumns columns, AstProps props)
{
    ast_build_check_keys(b, create.is_table, columns);
    create.columns = columns;
    create.props = props;
    return ast_build_stmt(b, (AstStmt){.kind = kind, .u.create_source = create});
}

AstStmt *ast_build_create_as(AstBuild *b, AstCreateSource create, AstProps props, AstQuery *query)
{
    if (create.is_source)
        ast_build_error(b, ERR_SYNTAX, query->pos,
                        "a source %s is read-only: it cannot be made from a query",
                        create.is_table ? "table" : "stream");
    return ast_build_stmt(b, (AstStmt){.kind = AST_CREATE_AS,
                                       .u.create_as = {.name = create.name,
                                                       .is_table = create.is_table,
                                                       .or_replace = create.or_replace,
                                                       .if_not_exists = create.if_not_exists,
                                                       .props = props,
                                                       .query = query}});
}

AstStmt *ast_build_setting(AstBuild *b, AstStmtKind kind, Token name, Token value)
{
    AstSetting setting = {.name = ast_build_text(b, name), .name_pos = name.pos};

    if (value.code) {
        setting.value = ast_build_text(b, value);
        setting.value_pos = value.pos;
    }
    return ast_build_stmt(b, (AstStmt){.kind = kind, .u.setting = setting});
}
