/*
 * Every statement of the conformance cases, where they are next to the checkout: it parses and
 * prints back, and those that must be syntax errors are.
 */
#include "parser/parser.h"

#include <dirent.h>
#include <stdio.h>

#include "common/json.h"
#include "tests/support/parse.h"

static Str read_file(Arena *test_mem, const char *path)
{
    FILE  *file = fopen(path, "rb");
    Buf    text = buf_in(test_mem);
    size_t got;

    assert_non_null(file);
    do {
        buf_reserve(&text, 65536);
        got = fread(text.ptr + text.len, 1, text.cap - text.len, file);
        text.len += got;
    } while (got > 0);
    (void)fclose(file);
    return buf_view(&text);
}

/* The placeholder of a case's formats, replaced by one of them. */
static Str with_format(Arena *test_mem, Str statement)
{
    Buf       out = buf_in(test_mem);
    size_t    from = 0;
    ptrdiff_t at;

    while ((at = str_find(statement, STR("{FORMAT}"), from)) >= 0) {
        buf_append(&out, statement.ptr + from, (size_t)at - from);
        buf_c(&out, "JSON");
        from = (size_t)at + strlen("{FORMAT}");
    }
    buf_append(&out, statement.ptr + from, statement.len - from);
    return buf_view(&out);
}

/* Whether the case says that its last statement is a syntax error. */
static bool wants_syntax_error(const Json *test_case)
{
    const Json *expected = json_get(test_case, STR("expectedException"));
    Str         type, message;

    if (!expected)
        expected = json_get(test_case, STR("expectedError"));
    type = json_get_str(expected, STR("type"), STR(""));
    message = json_get_str(expected, STR("message"), STR(""));
    return str_find(type, STR("ParseFailedException"), 0) >= 0 || str_starts(message, STR("line "));
}

/* ERR_STATEMENT: a LIMIT that the parser refuses, but not as syntax. */
static void check_statement(Arena *test_mem, Str sql, bool must_fail, const char *file)
{
    AstStmtList stmts, again;
    Err         err;
    ErrCode     rc = parser_parse(test_mem, sql, (ParserOpts){0}, &stmts, &err);

    if (must_fail) {
        if (rc != ERR_SYNTAX)
            fail_msg("%s: parses: %.*s", file, STR_ARG(sql));
        return;
    }
    if (rc == ERR_STATEMENT)
        return;
    if (rc != ERR_OK)
        fail_msg("%s: %s: %.*s", file, err.msg, STR_ARG(sql));
    for (size_t i = 0; i < stmts.len; i++) {
        Str text = ast_text(test_mem, stmts.items[i]);
        Str printed = str_printf(test_mem, "%.*s;", STR_ARG(text));

        if (parser_parse(test_mem, printed, (ParserOpts){0}, &again, &err) != ERR_OK)
            fail_msg("%s: %s: %.*s", file, err.msg, STR_ARG(printed));
        if (again.len != 1 || !str_eq(ast_text(test_mem, again.items[0]), text))
            fail_msg("%s: prints differently: %.*s", file, STR_ARG(text));
    }
}

static size_t check_file(Arena *test_mem, const char *path)
{
    Json  *root;
    Json  *tests;
    size_t count = 0;
    Err    err;

    if (json_parse(test_mem, read_file(test_mem, path), &root, &err) != ERR_OK)
        fail_msg("%s: %s", path, err.msg);
    tests = json_get(root, STR("tests"));
    for (size_t i = 0; tests && i < tests->len; i++) {
        const Json *test_case = tests->u.items[i];
        const Json *statements = json_get(test_case, STR("statements"));
        bool        must_fail = wants_syntax_error(test_case);

        for (size_t k = 0; statements && k < statements->len; k++, count++)
            check_statement(test_mem, with_format(test_mem, statements->u.items[k]->text),
                            must_fail && k + 1 == statements->len, path);
    }
    return count;
}

static void every_statement_of_the_cases_is_a_fixpoint(void **state)
{
    static const char *const folders[] = {CONFORMANCE_DIR "/queries", CONFORMANCE_DIR "/rest"};
    Arena                   *test_mem = test_arena(state);
    size_t                   count = 0;

    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        DIR           *dir = opendir(folders[i]);
        struct dirent *entry;

        if (!dir) {
            print_message("skipped: no conformance cases in %s\n", folders[i]);
            skip();
        }
        while ((entry = readdir(dir))) {
            if (!str_ends(str_from(entry->d_name), STR(".json")))
                continue;
            count +=
                check_file(test_mem, str_printf(test_mem, "%s/%s", folders[i], entry->d_name).ptr);
            arena_reset(test_mem);
        }
        (void)closedir(dir);
    }
    assert_true(count > 0);
    print_message("%zu statements\n", count);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(every_statement_of_the_cases_is_a_fixpoint),
    };

    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
