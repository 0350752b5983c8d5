#include "server/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/limit.h"
#include "common/log.h"
#include "tests/support/arena_group.h"

enum { ARGS_MAX = 8 };

static Config g_config;
static Err    g_err;

static ErrCode parse(Arena *mem, const char *a, const char *b, const char *c, const char *d)
{
    const char *args[ARGS_MAX] = {"weir-server", a, b, c, d};
    int         argc = 1;

    while (args[argc])
        argc++;
    return config_parse(&g_config, mem, argc, (char *const *)args, &g_err);
}

static void assert_property(const char *name, const char *value)
{
    Str got = properties_get(&g_config.props, name);

    if (!str_eq(got, str_from(value)))
        fail_msg("%s is \"%.*s\"", name, STR_ARG(got));
}

static void defaults_hold_without_arguments(void **state)
{
    assert_int_equal(parse(test_arena(state), NULL, NULL, NULL, NULL), ERR_OK);
    assert_string_equal(g_config.data_dir, "./weir-data");
    assert_null(g_config.queries_file);
    assert_property("listeners", "http://127.0.0.1:8088");
    assert_false(g_config.wants_help || g_config.wants_version);
}

static void options_are_taken_in_both_spellings(void **state)
{
    assert_int_equal(parse(test_arena(state), "--data", "/d", "--queries", "q.sql"), ERR_OK);
    assert_string_equal(g_config.data_dir, "/d");
    assert_string_equal(g_config.queries_file, "q.sql");
    assert_int_equal(
        parse(test_arena(state), "--data=/e", "--queries=r.sql", "-oweir.log.level=debug", NULL),
        ERR_OK);
    assert_string_equal(g_config.data_dir, "/e");
    assert_string_equal(g_config.queries_file, "r.sql");
    assert_property("weir.log.level", "debug");
    assert_int_equal(parse(test_arena(state), "--help", "--version", NULL, NULL), ERR_OK);
    assert_true(g_config.wants_help && g_config.wants_version);
}

static void option_wins_over_file_wherever_it_stands(void **state)
{
    char path[] = "/tmp/test_config_XXXXXX";
    int  fd = mkstemp(path);

    assert_true(fd >= 0);
    assert_true(dprintf(fd, "ksql.service.id=from_file\ncommit.interval.ms=7\n") > 0);
    close(fd);
    assert_int_equal(parse(test_arena(state), "-o", "ksql.service.id=from_option", path, NULL),
                     ERR_OK);
    assert_property("ksql.service.id", "from_option");
    assert_property("commit.interval.ms", "7");
    unlink(path);
}

static void misspelt_property_is_an_error_with_the_near_name(void **state)
{
    assert_int_equal(parse(test_arena(state), "-o", "listenrs=http://x:1", NULL, NULL), ERR_CONFIG);
    assert_string_equal(g_err.msg, "unknown property \"listenrs\"");
    assert_string_equal(g_err.hint, "did you mean \"listeners\"");
}

static void wrong_arguments_are_errors(void **state)
{
    static const struct {
        const char *a, *b;
        const char *msg;
    } cases[] = {
        {"--frob", NULL, "unknown option \"--frob\""},
        {"--data", NULL, "option --data needs a value"},
        {"-o", NULL, "option -o needs a value"},
        {"-o", "listeners", "option -o takes name=value, not \"listeners\""},
        {"-o", "=x", "option -o takes name=value, not \"=x\""},
        {"-o", "weir.limit.connections=0",
         "property \"weir.limit.connections\" takes a number of at least 1, not 0"},
        {"-o", "commit.interval.ms=-5",
         "property \"commit.interval.ms\" takes a number of at least 1, not -5"},
        {"-o", "weir.workers=-1", "property \"weir.workers\" takes a number of at least 0, not -1"},
        {"/nonexistent/a.properties", NULL,
         "could not open \"/nonexistent/a.properties\": No such file or directory"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(parse(test_arena(state), cases[i].a, cases[i].b, NULL, NULL), ERR_CONFIG);
        assert_string_equal(g_err.msg, cases[i].msg);
    }
}

static int g_ignored_lines;

static void count_ignored(LogLevel level, const char *line)
{
    (void)level;
    g_ignored_lines += strstr(line, "is ignored") != NULL;
}

static void ignored_properties_are_logged_once(void **state)
{
    assert_int_equal(
        parse(test_arena(state), "-o", "ksql.extension.dir=a", "-o", "ksql.extension.dir=b"),
        ERR_OK);
    log_set_sink(count_ignored);
    assert_int_equal(config_apply(&g_config, &g_err), ERR_OK);
    log_set_sink(NULL);
    assert_int_equal(g_ignored_lines, 1);
}

static void limits_come_into_force(void **state)
{
    int64_t before = g_limits.connections;

    assert_int_equal(parse(test_arena(state), "-o", "weir.limit.connections=17", NULL, NULL),
                     ERR_OK);
    assert_int_equal(config_apply(&g_config, &g_err), ERR_OK);
    assert_int_equal(g_limits.connections, 17);
    g_limits.connections = before;
}

static void unknown_log_level_is_an_error(void **state)
{
    assert_int_equal(parse(test_arena(state), "-o", "weir.log.level=loud", NULL, NULL), ERR_OK);
    assert_int_equal(config_apply(&g_config, &g_err), ERR_CONFIG);
    assert_non_null(strstr(g_err.msg, "not \"loud\""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(defaults_hold_without_arguments),
        arena_test(options_are_taken_in_both_spellings),
        arena_test(option_wins_over_file_wherever_it_stands),
        arena_test(misspelt_property_is_an_error_with_the_near_name),
        arena_test(wrong_arguments_are_errors),
        arena_test(ignored_properties_are_logged_once),
        arena_test(limits_come_into_force),
        arena_test(unknown_log_level_is_an_error),
    };

    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
