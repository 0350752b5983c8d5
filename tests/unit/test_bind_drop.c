/* DROP, TERMINATE, PAUSE, RESUME, types. */
#include "tests/support/planner_world.h"

static int setup(void **state)
{
    world_setup(state);
    world_run(*state, "CREATE STREAM S (K INT KEY, A INT) WITH (KAFKA_TOPIC='s', FORMAT='JSON');"
                      "CREATE STREAM O AS SELECT * FROM S;"
                      "CREATE TABLE C AS SELECT A, COUNT(*) AS N FROM S GROUP BY A;");
    return 0;
}

static void drop_ends_the_sources_own_query(void **state)
{
    PlannerWorld *world = *state;

    world_run(world, "DROP STREAM O;");
    assert_null(catalog_source(world->catalog, STR("O")));
    assert_null(catalog_query(world->catalog, STR("CSAS_O_1")));
    assert_non_null(catalog_query(world->catalog, STR("CTAS_C_2")));
}

static void drop_is_refused_while_a_query_reads(void **state)
{
    PlannerWorld *world = *state;

    world_refuses(world, "DROP STREAM S;", ERR_STATEMENT, "query CSAS_O_1 reads it");
    assert_string_equal(world->err.hint, "drop \"O\" first");
    world->is_replay = true;
    assert_int_equal(world_plan(world, "DROP STREAM S;"), ERR_OK);
}

static void drop_is_refused_while_an_insert_writes(void **state)
{
    PlannerWorld *world = *state;

    world_run(world, "CREATE STREAM T (K INT KEY, A INT) WITH (KAFKA_TOPIC='t', FORMAT='JSON');"
                     "INSERT INTO T SELECT * FROM S;");
    world_refuses(world, "DROP STREAM T;", ERR_STATEMENT, "query INSERTQUERY_4 writes to it");
    assert_string_equal(world->err.hint, "TERMINATE INSERTQUERY_4 first");
    world_run(world, "TERMINATE INSERTQUERY_4; DROP STREAM T;");
}

static void drop_checks_name_and_kind(void **state)
{
    PlannerWorld *world = *state;

    world_refuses(world, "DROP STREAM NOPE;", ERR_STATEMENT, "\"NOPE\" does not exist");
    world_refuses(world, "DROP STREAM `s`;", ERR_STATEMENT, "\"s\" does not exist");
    assert_contains(world->err.hint, "its name is \"S\"");
    world_refuses(world, "DROP STREAM C;", ERR_STATEMENT, "\"C\" is a table, not a stream");
    assert_int_equal(world_plan(world, "DROP STREAM IF EXISTS NOPE;"), ERR_OK);
    assert_int_equal(world->plan.kind, STMT_NOTHING);
}

static void delete_topic_spares_shared_and_read_only_topics(void **state)
{
    PlannerWorld *world = *state;

    assert_int_equal(world_plan(world, "DROP STREAM O DELETE TOPIC;"), ERR_OK);
    assert_true(world->plan.deletes_topic);
    world_run(world, "CREATE STREAM P (K INT KEY, A INT) WITH (KAFKA_TOPIC='O', FORMAT='JSON');");
    world_refuses(world, "DROP STREAM O DELETE TOPIC;", ERR_STATEMENT,
                  "stream \"P\" is over it too");
    world_run(world, "CREATE SOURCE STREAM R (A INT) WITH (KAFKA_TOPIC='r', FORMAT='JSON');");
    world_refuses(world, "DROP STREAM R DELETE TOPIC;", ERR_STATEMENT, "the source is read-only");
}

static void terminate_ends_queries_and_keeps_sinks(void **state)
{
    PlannerWorld *world = *state;

    world_refuses(world, "TERMINATE NOPE_1;", ERR_STATEMENT, "unknown query \"NOPE_1\"");
    world_run(world, "TERMINATE CTAS_C_2;");
    assert_null(catalog_query(world->catalog, STR("CTAS_C_2")));
    assert_non_null(catalog_source(world->catalog, STR("C")));
    /* Nothing keeps the table any more, so it cannot be read. */
    world_refuses(world, "SELECT * FROM C;", ERR_STATEMENT, "cannot be queried");
    world_run(world, "TERMINATE ALL;");
    assert_int_equal(catalog_queries_len(world->catalog), 0);
}

static void pause_and_resume_change_the_status_only(void **state)
{
    PlannerWorld *world = *state;
    const Plan   *plan = catalog_query(world->catalog, STR("CSAS_O_1"))->plan;

    world_run(world, "PAUSE CSAS_O_1;");
    assert_int_equal(catalog_query(world->catalog, STR("CSAS_O_1"))->status, QUERY_PAUSED);
    assert_ptr_equal(catalog_query(world->catalog, STR("CSAS_O_1"))->plan, plan);
    assert_int_equal(catalog_query(world->catalog, STR("CTAS_C_2"))->status, QUERY_RUNNING);
    world_run(world, "RESUME ALL;");
    assert_int_equal(catalog_query(world->catalog, STR("CSAS_O_1"))->status, QUERY_RUNNING);
}

static void types_come_and_go(void **state)
{
    PlannerWorld *world = *state;

    world_run(world, "CREATE TYPE T1 AS INT;");
    world_refuses(world, "CREATE TYPE T1 AS INT;", ERR_STATEMENT, "type \"T1\" exists");
    assert_int_equal(world_plan(world, "CREATE TYPE IF NOT EXISTS T1 AS INT;"), ERR_OK);
    assert_int_equal(world->plan.kind, STMT_NOTHING);
    world_run(world, "DROP TYPE T1;");
    world_refuses(world, "DROP TYPE T1;", ERR_STATEMENT, "type \"T1\" does not exist");
    assert_int_equal(world_plan(world, "DROP TYPE IF EXISTS T1;"), ERR_OK);
    assert_int_equal(world->plan.kind, STMT_NOTHING);
}

#define drop_test(test) cmocka_unit_test_setup_teardown(test, setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        drop_test(drop_ends_the_sources_own_query),
        drop_test(drop_is_refused_while_a_query_reads),
        drop_test(drop_is_refused_while_an_insert_writes),
        drop_test(drop_checks_name_and_kind),
        drop_test(delete_topic_spares_shared_and_read_only_topics),
        drop_test(terminate_ends_queries_and_keeps_sinks),
        drop_test(pause_and_resume_change_the_status_only),
        drop_test(types_come_and_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
