/*
 * Files applied to an engine in memory; what a restart finds in force is
 * tests/server/test_start.py.
 */
#include "server/queries_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/log.h"
#include "tests/support/arena_group.h"

static Engine    *g_engine;
static Properties g_props;
static char       g_path[] = "/tmp/test_queries_file_XXXXXX";
static char       g_log[4096];
static Err        g_err;

static void keep_lines(LogLevel level, const char *line)
{
    size_t len = strlen(g_log);

    (void)level;
    snprintf(g_log + len, sizeof g_log - len, "%s\n", line);
}

static int setup(void **state)
{
    EngineOpts opts = {.props = &g_props, .clock = clock_system(), .is_inline = true};

    if (arena_test_setup(state) != 0)
        return 1;
    properties_init(&g_props, test_arena(state), NULL);
    log_set_sink(keep_lines);
    return engine_open(&opts, &g_engine, &g_err) == ERR_OK ? 0 : 1;
}

static int teardown(void **state)
{
    (void)state;
    engine_close(g_engine);
    log_set_sink(NULL);
    return 0;
}

static ErrCode apply(const char *text)
{
    FILE *file = fopen(g_path, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    g_log[0] = '\0';
    return queries_file_apply(g_engine, g_path, &g_err);
}

static void assert_applied(const char *text, const char *logged)
{
    if (apply(text) != ERR_OK)
        fail_msg("%s: %s", text, g_err.msg);
    if (!strstr(g_log, logged))
        fail_msg("no \"%s\" in \"%s\"", logged, g_log);
}

static void assert_refused(const char *text, const char *msg)
{
    if (apply(text) == ERR_OK)
        fail_msg("accepted: %s", text);
    if (!strstr(g_err.msg, msg))
        fail_msg("no \"%s\" in \"%s\"", msg, g_err.msg);
}

#define SOURCE                                                                                     \
    "CREATE STREAM s (k INT KEY, v STRING) WITH (kafka_topic='s', partitions=1, "                  \
    "value_format='JSON');\n"
#define QUERY "CREATE STREAM t AS SELECT k, v FROM s WHERE v <> 'a';\n"

static void statements_in_force_are_skipped(void **state)
{
    (void)state;
    assert_applied(SOURCE QUERY, "2 statements applied, 0 already in force");
    assert_applied(SOURCE QUERY, "0 statements applied, 2 already in force");
    assert_applied("create stream IF NOT EXISTS S (K integer key, V varchar) WITH "
                   "(KAFKA_TOPIC='s', PARTITIONS=1, VALUE_FORMAT='JSON');\n"
                   "CREATE OR REPLACE STREAM t AS /* same */ SELECT k, v FROM s WHERE (v != 'a');",
                   "0 statements applied, 2 already in force");
}

static void changed_query_is_replaced(void **state)
{
    Catalog *catalog;
    Str      sql;

    (void)state;
    assert_applied(SOURCE QUERY, "2 statements applied");
    assert_applied(SOURCE "CREATE STREAM t AS SELECT k, v FROM s WHERE v <> 'b';",
                   "1 statement applied, 1 already in force");
    catalog = engine_catalog(g_engine);
    sql = catalog_source(catalog, STR("T"))->sql;
    assert_true(str_find(sql, STR("'b'"), 0) > 0);
    assert_int_equal(catalog_queries_len(catalog), 1);
    catalog_unref(catalog);
}

static void change_that_cannot_replace_stops_the_start(void **state)
{
    (void)state;
    assert_applied(SOURCE QUERY, "2 statements applied");
    assert_refused(SOURCE "CREATE STREAM t AS SELECT k FROM s;", ":2:");
}

static void insert_select_is_compared_by_its_text(void **state)
{
    (void)state;
    assert_applied(SOURCE QUERY "INSERT INTO t SELECT k, v FROM s WHERE v = 'a';",
                   "3 statements applied");
    assert_applied(SOURCE QUERY "INSERT INTO t SELECT k, v FROM s WHERE v = 'a';",
                   "0 statements applied, 3 already in force");
    assert_applied(SOURCE QUERY, "query \"INSERTQUERY_2\" is in force but not in");
}

static void types_are_compared_by_meaning(void **state)
{
    (void)state;
    assert_applied("CREATE TYPE a AS INT; CREATE TYPE b AS STRUCT<x a>;", "2 statements applied");
    assert_applied("CREATE TYPE a AS INTEGER; CREATE TYPE b AS STRUCT<x INT>;",
                   "0 statements applied, 2 already in force");
    assert_refused("CREATE TYPE a AS STRING;", "type \"A\" exists with another definition");
}

static void session_statements_count_to_the_end(void **state)
{
    (void)state;
    assert_applied("DEFINE f = 'JSON'; SET 'auto.offset.reset' = 'earliest';"
                   "CREATE STREAM s (v STRING) WITH (kafka_topic='s', partitions=1, "
                   "value_format='${f}'); UNSET 'auto.offset.reset'; UNDEFINE f;",
                   "1 statement applied");
    assert_refused("SET 'listeners' = 'x';", "cannot be overridden");
}

static void what_the_file_lost_stays_and_is_reported(void **state)
{
    Catalog *catalog;

    (void)state;
    assert_applied(SOURCE QUERY, "2 statements applied");
    assert_applied(SOURCE, "stream \"T\" is in force but not in");
    assert_null(strstr(g_log, "\"S\" is in force"));
    catalog = engine_catalog(g_engine);
    assert_non_null(catalog_source(catalog, STR("T")));
    catalog_unref(catalog);
}

static void statements_that_make_no_sense_at_every_start_are_refused(void **state)
{
    static const char *const refused[] = {"DROP STREAM s;", "SELECT * FROM s EMIT CHANGES;",
                                          "SHOW STREAMS;", "TERMINATE ALL;", "PRINT s;"};

    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        assert_refused(refused[i], "cannot stand in a queries file");
    assert_refused("INSERT INTO s VALUES (1, 'a');", "inserted again at every start");
}

static void mistake_is_named_with_file_and_place(void **state)
{
    (void)state;
    assert_refused(SOURCE "\n  CREATE STREAM;", ":3:16: ");
    assert_int_equal(strncmp(g_err.msg, g_path, strlen(g_path)), 0);
    assert_int_equal(unlink(g_path), 0);
    assert_int_equal(queries_file_apply(g_engine, g_path, &g_err), ERR_IO);
}

static void nothing_runs_when_one_statement_is_wrong(void **state)
{
    Catalog *catalog;

    (void)state;
    assert_refused(SOURCE QUERY "CREATE STREAM u AS\n  SELECT x FROM t;",
                   ":4:10: unknown column \"X\" in SELECT\n    SELECT x FROM t;\n           ^");
    assert_non_null(strstr(g_err.hint, "DESCRIBE T"));
    catalog = engine_catalog(g_engine);
    assert_null(catalog_source(catalog, STR("S")));
    catalog_unref(catalog);
    assert_applied(SOURCE QUERY "CREATE STREAM u AS SELECT k, v FROM t;", "3 statements applied");
}

static void mistake_in_a_setting_has_its_place(void **state)
{
    (void)state;
    assert_refused("\n SET 'auto.offset.rset' = 'latest';",
                   ":2:2: unknown property \"auto.offset.rset\"");
}

static void type_and_stream_can_have_one_name(void **state)
{
    (void)state;
    assert_applied("CREATE TYPE t AS STRUCT<x INT>;" SOURCE QUERY, "3 statements applied");
    assert_applied(SOURCE QUERY, "type \"T\" is in force but not in");
}

/* Else the two would replace each other at every start. */
static void name_can_be_created_once(void **state)
{
    (void)state;
    assert_refused(SOURCE QUERY "CREATE OR REPLACE STREAM t AS SELECT k, v FROM s;",
                   "\"T\" is created twice in this file");
}

static void file_of_windows_is_read(void **state)
{
    (void)state;
    assert_applied("\xEF\xBB\xBF" SOURCE "\r\n" QUERY "\r\n", "2 statements applied");
    assert_applied("\xEF\xBB\xBF", "0 statements applied");
}

#define engine_test(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        engine_test(statements_in_force_are_skipped),
        engine_test(changed_query_is_replaced),
        engine_test(change_that_cannot_replace_stops_the_start),
        engine_test(insert_select_is_compared_by_its_text),
        engine_test(types_are_compared_by_meaning),
        engine_test(session_statements_count_to_the_end),
        engine_test(what_the_file_lost_stays_and_is_reported),
        engine_test(statements_that_make_no_sense_at_every_start_are_refused),
        engine_test(mistake_is_named_with_file_and_place),
        engine_test(nothing_runs_when_one_statement_is_wrong),
        engine_test(mistake_in_a_setting_has_its_place),
        engine_test(type_and_stream_can_have_one_name),
        engine_test(name_can_be_created_once),
        engine_test(file_of_windows_is_read),
    };
    int fd = mkstemp(g_path);
    int failed;

    if (fd < 0)
        return 1;
    close(fd);
    failed = cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
    unlink(g_path);
    return failed;
}
