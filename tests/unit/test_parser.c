#include "parser/parser.h"

#include "common/limit.h"
#include "tests/support/parse.h"

/* begin, times copies of repeated, end */
static const char *repeated(Arena *test_mem, const char *begin, const char *repeated_text,
                            size_t times, const char *end)
{
    Buf out = buf_in(test_mem);

    buf_c(&out, begin);
    for (size_t i = 0; i < times; i++)
        buf_c(&out, repeated_text);
    buf_c(&out, end);
    buf_put(&out, '\0');
    return out.ptr;
}

static void a_statement_knows_its_text_and_place(void **state)
{
    Arena      *test_mem = test_arena(state);
    AstStmtList stmts;
    Err         err;

    assert_int_equal(parser_parse(test_mem,
                                  STR(" -- first\nSHOW TOPICS ;;\n\n  PRINT t\n ;  -- end"),
                                  (ParserOpts){0}, &stmts, &err),
                     ERR_OK);
    assert_int_equal(stmts.len, 2);
    assert_str_equal(stmts.items[0]->text, "SHOW TOPICS");
    assert_int_equal(stmts.items[0]->pos.line, 2);
    assert_int_equal(stmts.items[0]->pos.column, 1);
    assert_int_equal(stmts.items[0]->pos.len, 11);
    assert_str_equal(stmts.items[1]->text, "PRINT t");
    assert_int_equal(stmts.items[1]->pos.line, 4);
    assert_int_equal(stmts.items[1]->pos.column, 3);
}

static void an_explained_statement_has_its_own_text(void **state)
{
    AstStmt *stmt = parse_stmt(test_arena(state), "EXPLAIN  /* x */ SELECT * FROM s ;");

    assert_str_equal(stmt->text, "EXPLAIN  /* x */ SELECT * FROM s");
    assert_str_equal(stmt->u.explain.stmt->text, "SELECT * FROM s");
    assert_int_equal(stmt->u.explain.stmt->pos.column, 18);
}

static void expressions_know_their_extent(void **state)
{
    AstExpr *sum = parse_expr(test_arena(state), "(a + b) * - c[1] || f(x => x)");

    assert_int_equal(sum->kind, AST_CONCAT);
    assert_int_equal(sum->pos.column, 8);
    assert_int_equal(sum->pos.len, 29);
    assert_int_equal(sum->args[0]->args[0]->pos.column, 8);
    assert_int_equal(sum->args[0]->args[0]->pos.len, 7);
    assert_int_equal(sum->args[0]->args[1]->pos.column, 18);
    assert_int_equal(sum->args[0]->args[1]->pos.len, 6);
    assert_int_equal(sum->args[1]->args[0]->pos.len, 6);
}

static void nothing_is_no_statement(void **state)
{
    AstStmtList stmts;
    Err         err;

    assert_int_equal(
        parser_parse(test_arena(state), STR(" ; /* none */ "), (ParserOpts){0}, &stmts, &err),
        ERR_OK);
    assert_int_equal(stmts.len, 0);
    assert_int_equal(parser_parse(test_arena(state), STR(""), (ParserOpts){0}, &stmts, &err),
                     ERR_OK);
    assert_int_equal(stmts.len, 0);
}

static void a_variable_defined_between_two_calls_is_seen(void **state)
{
    Arena   *test_mem = test_arena(state);
    Map      variables;
    Parser   parser;
    AstStmt *stmt;
    Err      err;

    map_init(&variables, test_mem);
    assert_int_equal(parser_init(&parser, test_mem, STR("DEFINE v = 'x'; DESCRIBE ${v}; SHOW"),
                                 (ParserOpts){.variables = &variables}, &err),
                     ERR_OK);
    assert_int_equal(parser_next(&parser, &stmt, &err), ERR_OK);
    assert_int_equal(stmt->kind, AST_DEFINE);
    map_put(&variables, stmt->u.variable.name.text, &stmt->u.variable.value);
    assert_int_equal(parser_next(&parser, &stmt, &err), ERR_OK);
    assert_str_equal(stmt->u.describe.name.text, "X");
    assert_int_equal(parser_next(&parser, &stmt, &err), ERR_SYNTAX);
}

static void the_tree_outlives_the_text(void **state)
{
    Arena      *test_mem = test_arena(state);
    char        sql[] = "SELECT abc, 'def' FROM ghi;";
    AstStmtList stmts;
    Err         err;

    assert_int_equal(parser_parse(test_mem, str_from(sql), (ParserOpts){0}, &stmts, &err), ERR_OK);
    memset(sql, 'x', sizeof sql);
    assert_str_equal(ast_text(test_mem, stmts.items[0]), "SELECT ABC, 'def' FROM GHI");
    assert_str_equal(stmts.items[0]->text, "SELECT abc, 'def' FROM ghi");
}

static void text_that_is_no_text_is_refused_where_it_breaks(void **state)
{
    Arena      *test_mem = test_arena(state);
    AstStmtList stmts;
    Err         err;

    assert_int_equal(
        parser_parse(test_mem, STR("SELECT\n '\xFF' FROM s;"), (ParserOpts){0}, &stmts, &err),
        ERR_SYNTAX);
    assert_string_equal(err.msg, "statement is not valid UTF-8");
    assert_int_equal(err.pos.line, 2);
    assert_int_equal(err.pos.column, 3);
    assert_int_equal(
        parser_parse(test_mem, STR("SELECT 'a\0b' FROM s;"), (ParserOpts){0}, &stmts, &err),
        ERR_SYNTAX);
    assert_string_equal(err.msg, "statement contains a NUL character");
    assert_int_equal(err.pos.column, 10);
}

static void a_missing_semicolon_is_shown_behind_the_last_token(void **state)
{
    Err err;

    assert_int_equal(parse_fails(test_arena(state), "SELECT *\n FROM abc\n\n", &err), ERR_SYNTAX);
    assert_string_equal(err.msg, "syntax error at the end of the text: expected ';'");
    assert_string_equal(err.hint, "every statement ends with ';'");
    assert_int_equal(err.pos.line, 2);
    assert_int_equal(err.pos.column, 10);
    assert_int_equal(parse_fails(test_arena(state), "SELECT * FROM", &err), ERR_SYNTAX);
    assert_string_equal(err.msg, "syntax error at the end of the text: expected a name or '('");
}

static void long_text_meets_the_limit(void **state)
{
    Arena      *test_mem = test_arena(state);
    int64_t     bytes = g_limits.statement_bytes;
    AstStmtList stmts;
    Err         err;

    g_limits.statement_bytes = 12;
    assert_int_equal(parser_parse(test_mem, STR("SHOW TOPICS;"), (ParserOpts){0}, &stmts, &err),
                     ERR_OK);
    assert_int_equal(parse_fails(test_mem, "SHOW TOPICS; ", &err), ERR_LIMIT);
    assert_string_equal(err.msg, "statement of 13 bytes is longer than 12 bytes");
    g_limits.statement_bytes = bytes;
}

static void many_statements_meet_the_limit(void **state)
{
    Arena  *test_mem = test_arena(state);
    int64_t statements = g_limits.statements_per_request;
    Err     err;

    g_limits.statements_per_request = 2;
    assert_int_equal(parse_fails(test_mem, "SHOW TOPICS; SHOW TOPICS; SHOW TOPICS;", &err),
                     ERR_LIMIT);
    assert_string_equal(err.msg, "more than 2 statements");
    assert_int_equal(err.pos.column, 27);
    g_limits.statements_per_request = statements;
}

static void deep_nesting_meets_the_limit(void **state)
{
    static const char *const openers[] = {
        "(",     "[",  "f(",   "ARRAY[", "MAP(1:=", "STRUCT(a:=", "CASE WHEN ", "x IN (",
        "CAST(", "x[", "NOT ", "- ",     "+",       "(1 + ",      "f(x => ",    "CASE ",
    };
    Arena *test_mem = test_arena(state);
    Err    err;

    for (size_t i = 0; i < sizeof openers / sizeof openers[0]; i++) {
        const char *sql = repeated(test_mem, "SELECT ", openers[i], 50000, "1");
        ErrCode     rc = parse_fails(test_mem, sql, &err);

        /* The bracket alone is a syntax error at once. */
        if (rc != (openers[i][0] == '[' ? ERR_SYNTAX : ERR_LIMIT))
            fail_msg("%s: %s", openers[i], err.msg);
    }
    assert_int_equal(
        parse_fails(test_mem, repeated(test_mem, "CREATE TYPE t AS ", "ARRAY<", 100000, ""), &err),
        ERR_LIMIT);
    assert_int_equal(
        parse_fails(test_mem, repeated(test_mem, "SELECT ", "EXPLAIN ", 100000, ""), &err),
        ERR_SYNTAX);
}

static void nesting_up_to_the_limit_parses(void **state)
{
    Arena *test_mem = test_arena(state);
    Buf    sql = buf_in(test_mem);
    Err    err;

    buf_c(&sql, "SELECT ");
    for (int64_t i = 0; i < g_limits.nesting; i++)
        buf_c(&sql, "f(1 + ");
    buf_c(&sql, "x");
    for (int64_t i = 0; i < g_limits.nesting; i++)
        buf_c(&sql, ")");
    buf_c(&sql, " FROM s;");
    buf_put(&sql, '\0');
    (void)parse_stmt(test_mem, sql.ptr);

    assert_int_equal(parse_fails(test_mem, repeated(test_mem, "SELECT ", "(", 201, "1"), &err),
                     ERR_LIMIT);
    assert_string_equal(err.msg, "nested deeper than 200 levels");
    assert_int_equal(err.pos.column, 208);
    assert_int_equal(
        parse_fails(test_mem, repeated(test_mem, "CREATE TYPE t AS ", "ARRAY<", 0, ""), &err),
        ERR_SYNTAX);
}

static void long_chains_parse(void **state)
{
    Arena   *test_mem = test_arena(state);
    AstStmt *stmt;
    Err      err;

    stmt = parse_stmt(test_mem, repeated(test_mem, "SELECT a", " AND a = 1", 5000, " FROM s;"));
    assert_int_equal(stmt->u.select->items[0].expr->args_len, 5001);
    assert_int_equal(stmt->u.select->items[0].expr->depth, 3);
    stmt = parse_stmt(test_mem, repeated(test_mem, "SELECT a", " OR a", 5000, " FROM s;"));
    assert_int_equal(stmt->u.select->items[0].expr->args_len, 5001);
    (void)parse_stmt(test_mem, repeated(test_mem, "SELECT a", " + a", 900, " FROM s;"));
    (void)parse_stmt(test_mem, repeated(test_mem, "SELECT 1 IN (0", ", 1", 50000, ") FROM s;"));
    assert_int_equal(
        parse_fails(test_mem, repeated(test_mem, "SELECT a", " + a", 5000, " FROM s;"), &err),
        ERR_LIMIT);
    assert_string_equal(err.msg, "expression is nested deeper than 1000 levels");
}

static void many_columns_meet_the_limit(void **state)
{
    Arena *test_mem = test_arena(state);
    Err    err;

    (void)parse_stmt(test_mem, repeated(test_mem, "SELECT a", ", a", 4095, " FROM s;"));
    assert_int_equal(
        parse_fails(test_mem, repeated(test_mem, "SELECT a", ", a", 4096, " FROM s;"), &err),
        ERR_LIMIT);
    assert_string_equal(err.msg, "more than 4096 columns");
    assert_int_equal(
        parse_fails(test_mem, repeated(test_mem, "CREATE STREAM s (a INT", ", a INT", 4096, ");"),
                    &err),
        ERR_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(a_statement_knows_its_text_and_place),
        arena_test(an_explained_statement_has_its_own_text),
        arena_test(expressions_know_their_extent),
        arena_test(nothing_is_no_statement),
        arena_test(a_variable_defined_between_two_calls_is_seen),
        arena_test(the_tree_outlives_the_text),
        arena_test(text_that_is_no_text_is_refused_where_it_breaks),
        arena_test(a_missing_semicolon_is_shown_behind_the_last_token),
        arena_test(long_text_meets_the_limit),
        arena_test(many_statements_meet_the_limit),
        arena_test(deep_nesting_meets_the_limit),
        arena_test(nesting_up_to_the_limit_parses),
        arena_test(long_chains_parse),
        arena_test(many_columns_meet_the_limit),
    };

    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
