/*
 * parse.h -- SQL to trees for tests, which fail with the error's text when it does not parse.
 */
#ifndef TESTS_SUPPORT_PARSE_H
#define TESTS_SUPPORT_PARSE_H

#include <string.h>

#include "parser/ast_print.h"
#include "parser/parser.h"
#include "tests/support/arena_group.h"

static inline AstStmt *parse_stmt(Arena *test_mem, const char *sql)
{
    AstStmtList stmts;
    Err         err;

    if (parser_parse(test_mem, str_from(sql), (ParserOpts){0}, &stmts, &err) != ERR_OK)
        fail_msg("%s\n%s", sql, err.msg);
    assert_int_equal(stmts.len, 1);
    return stmts.items[0];
}

/* The expression of SELECT expr FROM s. */
static inline AstExpr *parse_expr(Arena *test_mem, const char *expr)
{
    Str sql = str_printf(test_mem, "SELECT %s FROM s;", expr);

    return parse_stmt(test_mem, sql.ptr)->u.select->items[0].expr;
}

static inline ErrCode parse_fails(Arena *test_mem, const char *sql, Err *err)
{
    AstStmtList stmts;
    ErrCode     rc = parser_parse(test_mem, str_from(sql), (ParserOpts){0}, &stmts, err);

    if (rc == ERR_OK)
        fail_msg("parses: %s", sql);
    return rc;
}

static inline void assert_str_equal(Str got, const char *expected)
{
    if (!str_eq(got, str_from(expected)))
        fail_msg("got \"%.*s\", expected \"%s\"", STR_ARG(got), expected);
}

#endif
