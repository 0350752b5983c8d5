/* test_options.c -- the command line of weir. */
#include "tests/support/arena_group.h"

#include "cli/options.h"
#include "tests/support/temp_dir.h"

enum { ARGS_MAX = 8 };

typedef struct Parsed {
    Options       options;
    ClientSession session;
    ErrCode       rc;
    Err           err;
} Parsed;

/* Arguments end with NULL. */
static Parsed parse(Arena *mem, const char *first, ...)
{
    char       *argv[ARGS_MAX] = {str_to_c(mem, STR("weir"))};
    int         argc = 1;
    const char *next = first;
    Parsed      parsed;
    va_list     args;

    va_start(args, first);
    for (; next; next = va_arg(args, const char *))
        argv[argc++] = str_to_c(mem, str_from(next));
    va_end(args);
    client_session_init(&parsed.session, mem);
    parsed.rc = options_parse(&parsed.options, &parsed.session, mem, argc, argv, &parsed.err);
    return parsed;
}

static void expect_refused(Parsed parsed, const char *message)
{
    assert_int_equal(parsed.rc, ERR_CONFIG);
    assert_string_equal(parsed.err.msg, message);
}

static void nothing_given_means_a_session_with_the_local_server(void **state)
{
    Parsed parsed = parse(test_arena(state), NULL);

    assert_int_equal(parsed.rc, ERR_OK);
    assert_true(str_eq(parsed.options.server, STR("http://127.0.0.1:8088")));
    assert_null(parsed.options.sql.ptr);
    assert_null(parsed.options.file.ptr);
    assert_false(parsed.options.is_json);
}

static void values_stand_behind_a_space_or_an_equals_sign(void **state)
{
    Arena *mem = test_arena(state);
    Parsed parsed = parse(mem, "--output=json", "-e", "SHOW STREAMS", "--query-row-limit", "5",
                          "--query-timeout=70", NULL);

    assert_int_equal(parsed.rc, ERR_OK);
    assert_true(parsed.options.is_json);
    assert_true(str_eq(parsed.options.sql, STR("SHOW STREAMS")));
    assert_int_equal(parsed.options.rows_max, 5);
    assert_int_equal(parsed.options.timeout_ms, 70);
    assert_true(str_eq(parse(mem, "http://h:1", NULL).options.server, STR("http://h:1")));
    assert_true(
        str_eq(parse(mem, "--server", "http://h:2", NULL).options.server, STR("http://h:2")));
}

static void definitions_go_into_the_session(void **state)
{
    Arena *mem = test_arena(state);
    Parsed parsed = parse(mem, "-d", "a=b=c", "--define", "X=", NULL);

    assert_int_equal(parsed.rc, ERR_OK);
    assert_true(str_eq(client_session_substitute(&parsed.session, mem, STR("[${A}][${x}]")),
                       STR("[b=c][]")));
}

static void config_file_sets_properties_but_not_those_of_the_connection(void **state)
{
    Arena      *mem = test_arena(state);
    const char *dir = temp_dir_make(mem);
    Str         path = str_printf(mem, "%s/c.properties", dir);
    FILE       *file = fopen(path.ptr, "w");
    Buf         body = buf_in(mem);
    Parsed      parsed;

    assert_non_null(file);
    fputs("# comment\n\nauto.offset.reset = earliest\nssl.keystore.location=/x\n", file);
    fclose(file);
    parsed = parse(mem, "--config-file", path.ptr, NULL);
    assert_int_equal(parsed.rc, ERR_OK);
    client_session_request(&parsed.session, STR("x"), &body);
    assert_true(str_find(buf_view(&body), STR("{\"auto.offset.reset\":\"earliest\"}"), 0) > 0);
    temp_dir_remove(dir);
}

static void mistakes_are_named(void **state)
{
    Arena *mem = test_arena(state);
    Parsed misspelt = parse(mem, "--servr", NULL);

    expect_refused(misspelt, "unknown option \"--servr\"");
    assert_string_equal(misspelt.err.hint, "did you mean --server?");
    expect_refused(parse(mem, "-e", NULL), "--execute needs SQL");
    expect_refused(parse(mem, "--help=1", NULL), "--help takes no value");
    expect_refused(parse(mem, "--output", "XML", NULL), "--output is JSON or TABULAR, not \"XML\"");
    expect_refused(parse(mem, "--query-timeout", "0", NULL),
                   "--query-timeout needs a number of at least 1, not \"0\"");
    expect_refused(parse(mem, "-d", "novalue", NULL), "\"novalue\" defines nothing");
    expect_refused(parse(mem, "-e", "a", "-f", "b", NULL),
                   "--execute and --file exclude each other");
    expect_refused(parse(mem, "-p", "x", NULL), "--password needs --user");
    expect_refused(parse(mem, "-t", "x", "-u", "y", NULL), "--token and --user exclude each other");
    expect_refused(parse(mem, "http://a", "http://b", NULL),
                   "one server only, not \"http://b\" too");
}

static void help_names_every_option(void **state)
{
    Buf help = buf_in(test_arena(state));

    options_help(&help);
    assert_true(str_find(buf_view(&help), STR("  -e, --execute SQL "), 0) > 0);
    assert_true(str_find(buf_view(&help), STR("--query-row-limit N"), 0) > 0);
    assert_true(str_find(buf_view(&help), STR("3 no server answers"), 0) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(nothing_given_means_a_session_with_the_local_server),
        arena_test(values_stand_behind_a_space_or_an_equals_sign),
        arena_test(definitions_go_into_the_session),
        arena_test(config_file_sets_properties_but_not_those_of_the_connection),
        arena_test(mistakes_are_named),
        arena_test(help_names_every_option),
    };

    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
