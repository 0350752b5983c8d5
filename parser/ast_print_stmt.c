/*
 * ast_print_stmt.c -- queries and statements back to SQL.
 *
 * Optional words that the grammar does not need are left out (LIST, AS before an alias is kept);
 * topics and subjects are printed as strings, since as names they would lose their case.
 */
#include "parser/ast_print.h"

#include <assert.h>

/* --- queries ---------------------------------------------------------------------------------- */

static void print_alias(Buf *out, const AstName *alias)
{
    if (!alias->text.ptr)
        return;
    buf_c(out, " AS ");
    ast_print_name(out, alias->text);
}

static void print_item(Buf *out, const AstItem *item)
{
    switch (item->kind) {
    case AST_ITEM_EXPR:
        ast_print_expr(out, item->expr);
        print_alias(out, &item->alias);
        break;
    case AST_ITEM_ALL:
        buf_put(out, '*');
        break;
    case AST_ITEM_SOURCE_ALL:
        ast_print_name(out, item->source.text);
        buf_c(out, ".*");
        break;
    case AST_ITEM_STRUCT_ALL:
        ast_print_primary(out, item->expr);
        buf_c(out, "->*");
        break;
    }
}

static void print_source(Buf *out, const AstSource *source)
{
    if (source->query) {
        buf_put(out, '(');
        ast_print_query(out, source->query);
        buf_put(out, ')');
    } else {
        ast_print_name(out, source->name.text);
    }
    print_alias(out, &source->alias);
}

static void print_join(Buf *out, const AstJoin *join)
{
    static const char *const kinds[] = {
        [AST_INNER] = " INNER JOIN ",
        [AST_LEFT] = " LEFT OUTER JOIN ",
        [AST_RIGHT] = " RIGHT OUTER JOIN ",
        [AST_FULL] = " FULL OUTER JOIN ",
    };

    buf_c(out, kinds[join->kind]);
    print_source(out, &join->source);
    if (join->has_within) {
        buf_c(out, join->is_within_pair ? " WITHIN (" : " WITHIN ");
        ast_print_duration(out, join->before);
        if (join->is_within_pair) {
            buf_c(out, ", ");
            ast_print_duration(out, join->after);
            buf_put(out, ')');
        }
    }
    if (join->has_grace) {
        buf_c(out, " GRACE PERIOD ");
        ast_print_duration(out, join->grace);
    }
    buf_c(out, " ON ");
    ast_print_expr(out, join->on);
}

static void print_window(Buf *out, const AstWindow *window)
{
    static const char *const kinds[] = {
        [AST_TUMBLING] = "TUMBLING (SIZE ",
        [AST_HOPPING] = "HOPPING (SIZE ",
        [AST_SESSION] = "SESSION (",
    };

    buf_c(out, " WINDOW ");
    if (window->name.text.ptr) {
        ast_print_name(out, window->name.text);
        buf_put(out, ' ');
    }
    buf_c(out, kinds[window->kind]);
    ast_print_duration(out, window->size);
    if (window->kind == AST_HOPPING) {
        buf_c(out, ", ADVANCE BY ");
        ast_print_duration(out, window->advance);
    }
    if (window->has_retention) {
        buf_c(out, ", RETENTION ");
        ast_print_duration(out, window->retention);
    }
    if (window->has_grace) {
        buf_c(out, ", GRACE PERIOD ");
        ast_print_duration(out, window->grace);
    }
    buf_put(out, ')');
}

static void print_keys(Buf *out, const char *clause, const AstKeys *keys)
{
    if (keys->pos.line == 0)
        return;
    buf_c(out, clause);
    if (keys->is_parenthesised)
        buf_put(out, '(');
    for (size_t i = 0; i < keys->len; i++) {
        if (i > 0)
            buf_c(out, ", ");
        ast_print_key(out, keys->items[i]);
    }
    if (keys->is_parenthesised)
        buf_put(out, ')');
}

static void print_condition(Buf *out, const char *clause, const AstExpr *condition)
{
    if (!condition)
        return;
    buf_c(out, clause);
    ast_print_expr(out, condition);
}

static void print_limit(Buf *out, bool has_limit, int64_t limit)
{
    if (!has_limit)
        return;
    buf_c(out, " LIMIT ");
    buf_i64(out, limit);
}

static void print_select(Buf *out, const AstQuery *query)
{
    buf_c(out, query->distinct_pos.line ? "SELECT DISTINCT " : "SELECT ");
    for (size_t i = 0; i < query->items_len; i++) {
        if (i > 0)
            buf_c(out, ", ");
        print_item(out, &query->items[i]);
    }
    buf_c(out, " FROM ");
    print_source(out, &query->from);
    for (size_t i = 0; i < query->joins_len; i++)
        print_join(out, &query->joins[i]);
    if (query->window)
        print_window(out, query->window);
    print_condition(out, " WHERE ", query->where);
    print_keys(out, " GROUP BY ", &query->group_by);
    print_keys(out, " PARTITION BY ", &query->partition_by);
    print_condition(out, " HAVING ", query->having);
}

void ast_print_query(Buf *out, const AstQuery *query)
{
    print_select(out, query);
    for (const AstQuery *next = query->next; next; next = next->next) {
        buf_c(out, " UNION ALL ");
        print_select(out, next);
    }
    if (query->emit != AST_EMIT_NONE)
        buf_c(out, query->emit == AST_EMIT_FINAL ? " EMIT FINAL" : " EMIT CHANGES");
    print_limit(out, query->has_limit, query->limit);
}

/* --- parts of statements ---------------------------------------------------------------------- */

static void print_props(Buf *out, const AstProps *props)
{
    if (props->len == 0)
        return;
    buf_c(out, " WITH (");
    for (size_t i = 0; i < props->len; i++) {
        if (i > 0)
            buf_c(out, ", ");
        ast_print_name(out, props->items[i].name.text);
        buf_c(out, " = ");
        ast_print_literal(out, props->items[i].value);
    }
    buf_put(out, ')');
}

static void print_column(Buf *out, const AstColumn *column)
{
    ast_print_name(out, column->name.text);
    buf_put(out, ' ');
    ast_print_type(out, column->type);
    switch (column->role) {
    case AST_COLUMN_VALUE:
        break;
    case AST_COLUMN_KEY:
        buf_c(out, " KEY");
        break;
    case AST_COLUMN_PRIMARY_KEY:
        buf_c(out, " PRIMARY KEY");
        break;
    case AST_COLUMN_HEADERS:
        buf_c(out, " HEADERS");
        break;
    case AST_COLUMN_HEADER:
        buf_c(out, " HEADER(");
        ast_print_string(out, column->header_key);
        buf_put(out, ')');
        break;
    }
}

static void print_columns(Buf *out, const AstColumns *columns)
{
    if (columns->len == 0)
        return;
    buf_c(out, " (");
    for (size_t i = 0; i < columns->len; i++) {
        if (i > 0)
            buf_c(out, ", ");
        print_column(out, &columns->items[i]);
    }
    buf_put(out, ')');
}

static void print_rows(Buf *out, const AstInsertValues *insert, const char *rows_word)
{
    ast_print_name(out, insert->target.text);
    for (size_t i = 0; i < insert->columns.len; i++) {
        buf_c(out, i > 0 ? ", " : " (");
        ast_print_name(out, insert->columns.items[i].text);
    }
    buf_c(out, insert->columns.len > 0 ? ") " : " ");
    buf_c(out, rows_word);
    for (size_t r = 0; r < insert->rows_len; r++) {
        const AstExprs *row = &insert->rows[r];

        buf_c(out, r > 0 ? ", " : " ");
        for (size_t i = 0; i < row->len; i++) {
            buf_c(out, i > 0 ? ", " : "(");
            ast_print_expr(out, row->items[i]);
        }
        buf_put(out, ')');
    }
}

static void print_words(Buf *out, const char *words, bool is_present)
{
    if (is_present)
        buf_c(out, words);
}

static void print_timeout(Buf *out, bool has_timeout, AstDuration timeout)
{
    if (!has_timeout)
        return;
    buf_c(out, " TIMEOUT ");
    ast_print_duration(out, timeout);
}

/* --- statements ------------------------------------------------------------------------------- */

static void print_create_source(Buf *out, const AstCreateSource *create)
{
    print_words(out, "OR REPLACE ", create->or_replace);
    print_words(out, "SOURCE ", create->is_source);
    buf_c(out, create->is_table ? "TABLE " : "STREAM ");
    print_words(out, "IF NOT EXISTS ", create->if_not_exists);
    ast_print_name(out, create->name.text);
    print_columns(out, &create->columns);
    print_props(out, &create->props);
}

static void print_create_as(Buf *out, const AstCreateAs *create)
{
    buf_c(out, "CREATE ");
    print_words(out, "OR REPLACE ", create->or_replace);
    buf_c(out, create->is_table ? "TABLE " : "STREAM ");
    print_words(out, "IF NOT EXISTS ", create->if_not_exists);
    ast_print_name(out, create->name.text);
    print_props(out, &create->props);
    buf_c(out, " AS ");
    ast_print_query(out, create->query);
}

static void print_insert_query(Buf *out, const AstInsertQuery *insert)
{
    buf_c(out, "INSERT INTO ");
    ast_print_name(out, insert->target.text);
    print_props(out, &insert->props);
    buf_put(out, ' ');
    ast_print_query(out, insert->query);
}

static void print_drop_source(Buf *out, const AstDropSource *drop)
{
    buf_c(out, drop->is_table ? "DROP TABLE " : "DROP STREAM ");
    print_words(out, "IF EXISTS ", drop->if_exists);
    ast_print_name(out, drop->name.text);
    print_words(out, " DELETE TOPIC", drop->delete_topic);
}

static void print_alter_source(Buf *out, const AstAlterSource *alter)
{
    buf_c(out, alter->is_table ? "ALTER TABLE " : "ALTER STREAM ");
    ast_print_name(out, alter->name.text);
    for (size_t i = 0; i < alter->columns.len; i++) {
        buf_c(out, i > 0 ? ", ADD COLUMN " : " ADD COLUMN ");
        print_column(out, &alter->columns.items[i]);
    }
}

static void print_create_type(Buf *out, const AstCreateType *create)
{
    buf_c(out, "CREATE TYPE ");
    print_words(out, "IF NOT EXISTS ", create->if_not_exists);
    ast_print_name(out, create->name.text);
    buf_c(out, " AS ");
    ast_print_type(out, create->type);
}

static void print_drop(Buf *out, const char *what, const AstDrop *drop)
{
    buf_c(out, what);
    print_words(out, "IF EXISTS ", drop->if_exists);
    ast_print_name(out, drop->name.text);
}

static void print_create_connector(Buf *out, const AstCreateConnector *create)
{
    buf_c(out, create->kind == AST_CONNECTOR_SOURCE ? "CREATE SOURCE CONNECTOR "
                                                    : "CREATE SINK CONNECTOR ");
    print_words(out, "IF NOT EXISTS ", create->if_not_exists);
    ast_print_name(out, create->name.text);
    print_props(out, &create->props);
}

static void print_show(Buf *out, const AstShow *show)
{
    static const char *const kinds[] = {
        [AST_SHOW_STREAMS] = "STREAMS",       [AST_SHOW_TABLES] = "TABLES",
        [AST_SHOW_TOPICS] = "TOPICS",         [AST_SHOW_QUERIES] = "QUERIES",
        [AST_SHOW_FUNCTIONS] = "FUNCTIONS",   [AST_SHOW_PROPERTIES] = "PROPERTIES",
        [AST_SHOW_TYPES] = "TYPES",           [AST_SHOW_VARIABLES] = "VARIABLES",
        [AST_SHOW_CONNECTORS] = "CONNECTORS", [AST_SHOW_CONNECTOR_PLUGINS] = "CONNECTOR PLUGINS",
    };

    buf_c(out, "SHOW ");
    print_words(out, "ALL ", show->is_all);
    print_words(out, "SOURCE ", show->connector_kind == AST_CONNECTOR_SOURCE);
    print_words(out, "SINK ", show->connector_kind == AST_CONNECTOR_SINK);
    buf_c(out, kinds[show->kind]);
    print_words(out, " EXTENDED", show->is_extended);
}

static void print_describe(Buf *out, const AstDescribe *describe)
{
    static const char *const kinds[] = {
        [AST_DESCRIBE_SOURCE] = "DESCRIBE ",
        [AST_DESCRIBE_STREAMS] = "DESCRIBE STREAMS",
        [AST_DESCRIBE_TABLES] = "DESCRIBE TABLES",
        [AST_DESCRIBE_FUNCTION] = "DESCRIBE FUNCTION ",
        [AST_DESCRIBE_CONNECTOR] = "DESCRIBE CONNECTOR ",
    };

    buf_c(out, kinds[describe->kind]);
    if (describe->name.text.ptr)
        ast_print_name(out, describe->name.text);
    print_words(out, " EXTENDED", describe->is_extended);
}

static void print_explain(Buf *out, const AstExplain *explain)
{
    buf_c(out, "EXPLAIN ");
    if (explain->stmt)
        ast_print(out, explain->stmt);
    else
        ast_print_name(out, explain->query_id.text);
}

static void print_print(Buf *out, const AstPrint *print)
{
    buf_c(out, "PRINT ");
    ast_print_string(out, print->topic.original);
    print_words(out, " FROM BEGINNING", print->from_beginning);
    if (print->has_interval) {
        buf_c(out, " INTERVAL ");
        buf_i64(out, print->interval);
    }
    print_limit(out, print->has_limit, print->limit);
}

static void print_query_id(Buf *out, const char *verb, const AstQueryId *query_id)
{
    buf_c(out, verb);
    if (query_id->is_all)
        buf_c(out, "ALL");
    else
        ast_print_name(out, query_id->name.text);
}

static void print_setting(Buf *out, const char *verb, const AstSetting *setting)
{
    buf_c(out, verb);
    ast_print_string(out, setting->name);
    if (setting->value.ptr) {
        buf_c(out, " = ");
        ast_print_string(out, setting->value);
    }
}

static void print_assert_topic(Buf *out, const AstAssertTopic *assertion)
{
    buf_c(out, "ASSERT ");
    print_words(out, "NOT EXISTS ", assertion->not_exists);
    buf_c(out, "TOPIC ");
    ast_print_string(out, assertion->topic.original);
    print_props(out, &assertion->props);
    print_timeout(out, assertion->has_timeout, assertion->timeout);
}

static void print_assert_schema(Buf *out, const AstAssertSchema *assertion)
{
    buf_c(out, "ASSERT ");
    print_words(out, "NOT EXISTS ", assertion->not_exists);
    buf_c(out, "SCHEMA");
    if (assertion->subject.text.ptr) {
        buf_c(out, " SUBJECT ");
        ast_print_string(out, assertion->subject.original);
    }
    if (assertion->has_id) {
        buf_c(out, " ID ");
        buf_i64(out, assertion->id);
    }
    print_timeout(out, assertion->has_timeout, assertion->timeout);
}

static void print_define(Buf *out, const AstVariable *variable)
{
    buf_c(out, "DEFINE ");
    ast_print_name(out, variable->name.text);
    buf_c(out, " = ");
    ast_print_string(out, variable->value);
}

/* Sources, queries and rows. */
static void print_data_stmt(Buf *out, const AstStmt *stmt)
{
    switch (stmt->kind) {
    case AST_SELECT:
        ast_print_query(out, stmt->u.select);
        break;
    case AST_CREATE_SOURCE:
        buf_c(out, "CREATE ");
        print_create_source(out, &stmt->u.create_source);
        break;
    case AST_CREATE_AS:
        print_create_as(out, &stmt->u.create_as);
        break;
    case AST_INSERT_QUERY:
        print_insert_query(out, &stmt->u.insert_query);
        break;
    case AST_INSERT_VALUES:
        buf_c(out, "INSERT INTO ");
        print_rows(out, &stmt->u.insert_values, "VALUES");
        break;
    case AST_DROP_SOURCE:
        print_drop_source(out, &stmt->u.drop_source);
        break;
    case AST_ALTER_SOURCE:
        print_alter_source(out, &stmt->u.alter_source);
        break;
    case AST_ASSERT_VALUES:
        buf_c(out, "ASSERT VALUES ");
        print_rows(out, &stmt->u.insert_values, "VALUES");
        break;
    case AST_ASSERT_NULL_VALUES:
        buf_c(out, "ASSERT NULL VALUES ");
        print_rows(out, &stmt->u.insert_values, "KEY");
        break;
    default:
        assert(stmt->kind == AST_ASSERT_SOURCE);
        buf_c(out, "ASSERT ");
        print_create_source(out, &stmt->u.create_source);
        break;
    }
}

void ast_print(Buf *out, const AstStmt *stmt)
{
    switch (stmt->kind) {
    case AST_CREATE_TYPE:
        print_create_type(out, &stmt->u.create_type);
        break;
    case AST_DROP_TYPE:
        print_drop(out, "DROP TYPE ", &stmt->u.drop);
        break;
    case AST_CREATE_CONNECTOR:
        print_create_connector(out, &stmt->u.create_connector);
        break;
    case AST_DROP_CONNECTOR:
        print_drop(out, "DROP CONNECTOR ", &stmt->u.drop);
        break;
    case AST_SHOW:
        print_show(out, &stmt->u.show);
        break;
    case AST_DESCRIBE:
        print_describe(out, &stmt->u.describe);
        break;
    case AST_EXPLAIN:
        print_explain(out, &stmt->u.explain);
        break;
    case AST_PRINT:
        print_print(out, &stmt->u.print);
        break;
    case AST_TERMINATE:
        print_query_id(out, "TERMINATE ", &stmt->u.query_id);
        break;
    case AST_PAUSE:
        print_query_id(out, "PAUSE ", &stmt->u.query_id);
        break;
    case AST_RESUME:
        print_query_id(out, "RESUME ", &stmt->u.query_id);
        break;
    case AST_SET:
        print_setting(out, "SET ", &stmt->u.setting);
        break;
    case AST_UNSET:
        print_setting(out, "UNSET ", &stmt->u.setting);
        break;
    case AST_ALTER_SYSTEM:
        print_setting(out, "ALTER SYSTEM ", &stmt->u.setting);
        break;
    case AST_DEFINE:
        print_define(out, &stmt->u.variable);
        break;
    case AST_UNDEFINE:
        buf_c(out, "UNDEFINE ");
        ast_print_name(out, stmt->u.variable.name.text);
        break;
    case AST_ASSERT_TOPIC:
        print_assert_topic(out, &stmt->u.assert_topic);
        break;
    case AST_ASSERT_SCHEMA:
        print_assert_schema(out, &stmt->u.assert_schema);
        break;
    case AST_RUN_SCRIPT:
        buf_c(out, "RUN SCRIPT ");
        ast_print_string(out, stmt->u.run_script.path);
        break;
    default:
        print_data_stmt(out, stmt);
        break;
    }
}

Str ast_text(Arena *arena, const AstStmt *stmt)
{
    Buf out = buf_in(arena);

    ast_print(&out, stmt);
    return buf_view(&out);
}
