/* test_engine.c -- statements change the catalog, survive a restart, and are refused whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "server/engine.h"

typedef struct World {
    Arena     *mem;
    Properties props;
    char       dir[32];
    Engine    *engine;
} World;

static void open_engine(World *world)
{
    EngineOpts opts = {.props = &world->props, .clock = clock_system(), .data_dir = world->dir};
    Err        err;

    if (engine_open(&opts, &world->engine, &err) != ERR_OK)
        fail_msg("%s", err.msg);
}

static int set_up(void **state)
{
    World *world = MEM_NEW(World);

    snprintf(world->dir, sizeof world->dir, "/tmp/weir-engine-XXXXXX");
    assert_non_null(mkdtemp(world->dir));
    world->mem = arena_new(0);
    properties_init(&world->props, world->mem, NULL);
    open_engine(world);
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    World *world = *state;
    char   command[64];

    engine_close(world->engine);
    snprintf(command, sizeof command, "rm -rf %s", world->dir);
    assert_int_equal(system(command), 0);
    arena_free(world->mem);
    mem_free(world);
    return 0;
}

static AstStmt *parse(World *world, const char *sql)
{
    AstStmtList stmts;
    Err         err;

    assert_int_equal(parser_parse(world->mem, str_from(sql), (ParserOpts){NULL}, &stmts, &err),
                     ERR_OK);
    assert_int_equal(stmts.len, 1);
    return stmts.items[0];
}

static ErrCode try_execute(World *world, const char *sql, CommandResult *result, Err *err)
{
    Session session;

    session_init(&session, world->mem, world->engine);
    return engine_execute(world->engine, &session, parse(world, sql), world->mem, result, err);
}

static CommandResult execute(World *world, const char *sql)
{
    CommandResult result;
    Err           err;

    if (try_execute(world, sql, &result, &err) != ERR_OK)
        fail_msg("%s: %s", sql, err.msg);
    return result;
}

static const char create_orders[] =
    "CREATE STREAM ORDERS (ID INT KEY, ITEM STRING, N INT) "
    "WITH (KAFKA_TOPIC='orders', PARTITIONS=2, VALUE_FORMAT='JSON');";

static void statements_answer_with_id_and_message(void **state)
{
    World        *world = *state;
    CommandResult result = execute(world, create_orders);
    CommandStatus status;
    Err           err;

    assert_true(str_eq(result.command_id, STR("stream/`ORDERS`/create")));
    assert_true(str_eq(result.message, STR("Stream created")));
    result = execute(world, "CREATE STREAM BIG AS SELECT * FROM ORDERS WHERE N > 10;");
    assert_true(str_eq(result.query_id, STR("CSAS_BIG_1")));
    assert_true(str_eq(result.message, STR("Created query with ID CSAS_BIG_1")));
    assert_int_equal(
        engine_command_status(world->engine, STR("stream/BIG/create"), world->mem, &status, &err),
        ERR_OK);
    assert_true(str_eq(status.status, STR("SUCCESS")));
    assert_int_equal(
        engine_command_status(world->engine, STR("stream/X/create"), world->mem, &status, &err),
        ERR_NOT_FOUND);
}

static void refused_statement_changes_nothing(void **state)
{
    World        *world = *state;
    CommandResult result;
    Catalog      *catalog;
    Err           err;

    execute(world, create_orders);
    assert_int_equal(
        try_execute(world, "CREATE STREAM X AS SELECT NOPE FROM ORDERS;", &result, &err),
        ERR_STATEMENT);
    catalog = engine_catalog(world->engine);
    assert_null(catalog_source(catalog, STR("X")));
    assert_int_equal(catalog_queries_len(catalog), 0);
    catalog_unref(catalog);
    result = execute(world, "CREATE STREAM IF NOT EXISTS ORDERS (A INT) WITH "
                            "(KAFKA_TOPIC='orders', VALUE_FORMAT='JSON');");
    assert_true(result.warning.len > 0);
}

static void restart_brings_everything_back(void **state)
{
    World      *world = *state;
    Catalog    *catalog;
    QueryHealth health;
    Query      *query;

    execute(world, create_orders);
    execute(world, "CREATE TABLE SUMS AS SELECT ITEM, SUM(N) AS TOTAL FROM ORDERS GROUP BY ITEM;");
    execute(world, "CREATE STREAM GONE AS SELECT * FROM ORDERS;");
    execute(world, "DROP STREAM GONE DELETE TOPIC;");
    execute(world, "CREATE TYPE ADDRESS AS STRUCT<CITY STRING>;");
    engine_close(world->engine);
    open_engine(world);
    catalog = engine_catalog(world->engine);
    assert_non_null(catalog_source(catalog, STR("ORDERS")));
    assert_non_null(catalog_source(catalog, STR("SUMS")));
    assert_null(catalog_source(catalog, STR("GONE")));
    assert_non_null(catalog_type(catalog, STR("ADDRESS")));
    catalog_unref(catalog);
    query = query_find(engine_runtime(world->engine), STR("CTAS_SUMS_1"));
    assert_non_null(query);
    query_health(query, &health);
    assert_int_equal(health.state, QUERY_STATE_RUNNING);
    assert_null(query_find(engine_runtime(world->engine), STR("CSAS_GONE_2")));
    /* Numbers go on behind the log. */
    assert_true(str_eq(execute(world, "CREATE STREAM B AS SELECT * FROM ORDERS;").query_id,
                       STR("CSAS_B_5")));
}

static void sandbox_sees_its_own_statements_only(void **state)
{
    World   *world = *state;
    Sandbox *sandbox;
    Session  session;
    Catalog *catalog;
    Err      err;

    session_init(&session, world->mem, world->engine);
    sandbox = sandbox_new(world->engine);
    assert_int_equal(sandbox_try(sandbox, &session, parse(world, create_orders), world->mem, &err),
                     ERR_OK);
    assert_int_equal(sandbox_try(sandbox, &session,
                                 parse(world, "CREATE STREAM B AS SELECT * FROM ORDERS;"),
                                 world->mem, &err),
                     ERR_OK);
    assert_int_equal(sandbox_try(sandbox, &session,
                                 parse(world, "INSERT INTO ORDERS (ID, N) VALUES (1, 2);"),
                                 world->mem, &err),
                     ERR_OK);
    assert_int_equal(sandbox_try(sandbox, &session, parse(world, create_orders), world->mem, &err),
                     ERR_STATEMENT);
    sandbox_free(sandbox);
    catalog = engine_catalog(world->engine);
    assert_null(catalog_source(catalog, STR("ORDERS")));
    catalog_unref(catalog);
}

static void internal_topics_are_known(void **state)
{
    World *world = *state;

    assert_true(engine_topic_is_internal(world->engine, STR("_weir-default_-commands")));
    assert_true(engine_topic_is_internal(world->engine, STR("__consumer_offsets")));
    assert_true(engine_topic_is_internal(world->engine, STR("default_ksql_processing_log")));
    assert_false(engine_topic_is_internal(world->engine, STR("orders")));
}

static void second_engine_on_the_same_data_is_refused(void **state)
{
    World     *world = *state;
    EngineOpts opts = {.props = &world->props, .clock = clock_system(), .data_dir = world->dir};
    Engine    *second;
    Err        err;

    assert_int_not_equal(engine_open(&opts, &second, &err), ERR_OK);
    assert_non_null(strstr(err.msg, "in use"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(statements_answer_with_id_and_message),
        TEST(refused_statement_changes_nothing),
        TEST(restart_brings_everything_back),
        TEST(sandbox_sees_its_own_statements_only),
        TEST(internal_topics_are_known),
        TEST(second_engine_on_the_same_data_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
