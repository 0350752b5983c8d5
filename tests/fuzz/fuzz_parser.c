/*
 * fuzz_parser.c -- any text at all through lexer, substitution, grammar and printer.
 *
 * What parses prints as text that parses to the same text again; what does not has an error inside
 * of the text; and the end that lexer_split() finds is one that the parser agrees with.
 */
#include "tests/fuzz/fuzz.h"

#include <assert.h>

#include "parser/ast_print.h"
#include "parser/parser.h"

static void check_printing(Arena *test_mem, const AstStmt *stmt)
{
    Str         printed = ast_text(test_mem, stmt);
    Str         sql = str_printf(test_mem, "%.*s;", STR_ARG(printed));
    AstStmtList again;
    Err         err;

    /* Quotes around names can make the text longer than the limit on statements. */
    if (parser_parse(test_mem, sql, (ParserOpts){0}, &again, &err) != ERR_OK) {
        assert(err.code == ERR_LIMIT);
        return;
    }
    assert(again.len == 1);
    assert(again.items[0]->kind == stmt->kind);
    assert(str_eq(ast_text(test_mem, again.items[0]), printed));
}

static void check_parse(Arena *test_mem, Str sql, const Map *variables)
{
    AstStmtList stmts;
    Err         err;
    size_t      end;
    LexerSplit  split = lexer_split(sql, &end);
    ErrCode rc = parser_parse(test_mem, sql, (ParserOpts){.variables = variables}, &stmts, &err);

    assert(end <= sql.len);
    if (rc == ERR_OK) {
        assert(split == LEXER_SPLIT_FOUND || (split == LEXER_SPLIT_BLANK && stmts.len == 0));
        for (size_t i = 0; i < stmts.len; i++)
            check_printing(test_mem, stmts.items[i]);
        return;
    }
    assert(rc == err.code && (rc == ERR_SYNTAX || rc == ERR_LIMIT || rc == ERR_STATEMENT));
    assert(err.msg[0] != '\0' && err.pos.line > 0 && err.pos.offset <= sql.len);
    (void)err_render(test_mem, &err, sql);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Arena *test_mem = arena_new(0);
    Str    sql = {(const char *)data, size};
    Str    name = STR("name"), text = STR("'it''s'"), number = STR("-1.5");
    Map    variables;

    map_init(&variables, test_mem);
    map_put(&variables, STR("A"), &name);
    map_put(&variables, STR("B"), &text);
    map_put(&variables, STR("C"), &number);
    check_parse(test_mem, sql, NULL);
    check_parse(test_mem, sql, &variables);
    map_deinit(&variables);
    arena_free(test_mem);
    return 0;
}
