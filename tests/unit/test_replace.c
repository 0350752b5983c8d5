/* CREATE OR REPLACE ... AS: what may change in a running query. */
#include "tests/support/planner_world.h"

static int setup(void **state)
{
    world_setup(state);
    world_run(*state,
              "CREATE STREAM S (K INT KEY, A INT, B STRING) WITH (KAFKA_TOPIC='s', FORMAT='JSON');"
              "CREATE STREAM S2 (K INT KEY, A INT, B STRING)"
              " WITH (KAFKA_TOPIC='s2', FORMAT='JSON');"
              "CREATE STREAM O AS SELECT K, A FROM S;"
              "CREATE TABLE G AS SELECT B, SUM(A) AS X FROM S GROUP BY B;");
    return 0;
}

static void filters_and_projections_are_free(void **state)
{
    PlannerWorld *world = *state;

    world->number = 50;
    assert_int_equal(world_plan(world, "CREATE OR REPLACE STREAM O AS"
                                       " SELECT K, A, B FROM S WHERE A > 3;"),
                     ERR_OK);
    assert_true(str_eq(world->plan.replaces_query, STR("CSAS_O_2")));
    assert_true(str_eq(world->plan.query->id, STR("CSAS_O_2")));
    world_apply(world);
    assert_int_equal(catalog_queries_len(world->catalog), 2);
    assert_int_equal(world_plan(world, "CREATE OR REPLACE TABLE G AS SELECT B, SUM(A) AS X,"
                                       " SUM(A) + 1 AS Y FROM S WHERE A > 1 GROUP BY B"
                                       " HAVING SUM(A) > 3;"),
                     ERR_OK);
}

static void a_new_name_is_just_created(void **state)
{
    PlannerWorld *world = *state;

    assert_int_equal(world_plan(world, "CREATE OR REPLACE STREAM N AS SELECT * FROM S;"), ERR_OK);
    assert_null(world->plan.replaces_query.ptr);
}

static void columns_may_only_be_added_behind(void **state)
{
    world_refuses(*state, "CREATE OR REPLACE STREAM O AS SELECT K, B FROM S;", ERR_STATEMENT,
                  "column \"A\" would change, move or go");
    world_refuses(*state, "CREATE OR REPLACE STREAM O AS SELECT K AS L, A FROM S;", ERR_STATEMENT,
                  "column \"K\" would change");
}

static void sources_groups_and_aggregates_are_fixed(void **state)
{
    PlannerWorld *world = *state;

    world_refuses(world, "CREATE OR REPLACE STREAM O AS SELECT K, A FROM S2;", ERR_STATEMENT,
                  "step KsqlTopic would change");
    world_refuses(world,
                  "CREATE OR REPLACE TABLE G AS SELECT B, SUM(A) AS X, COUNT(*) AS N FROM S"
                  " GROUP BY B;",
                  ERR_STATEMENT, "step Aggregate would change");
    world_refuses(world,
                  "CREATE OR REPLACE TABLE G AS SELECT UCASE(B) AS B, SUM(A) AS X FROM S"
                  " GROUP BY UCASE(B);",
                  ERR_STATEMENT, "would change");
    world_refuses(world, "CREATE OR REPLACE TABLE G AS SELECT B, SUM(K) AS X FROM S GROUP BY B;",
                  ERR_STATEMENT, "would change");
}

static void a_second_writer_forbids_replacing(void **state)
{
    PlannerWorld *world = *state;

    world_run(world, "INSERT INTO O SELECT K, A FROM S2;");
    world_refuses(world, "CREATE OR REPLACE STREAM O AS SELECT K, A FROM S WHERE A > 1;",
                  ERR_STATEMENT, "writes to it too");
}

static void a_declared_source_has_no_query_to_replace(void **state)
{
    world_refuses(*state, "CREATE OR REPLACE STREAM S2 WITH (KAFKA_TOPIC='s2') AS SELECT * FROM S;",
                  ERR_STATEMENT, "no query makes it");
}

static void replacing_can_be_switched_off(void **state)
{
    PlannerWorld *world = *state;

    world->property = "ksql.create.or.replace.enabled";
    world->value = "false";
    world_refuses(world, "CREATE OR REPLACE STREAM O AS SELECT K, A FROM S;", ERR_STATEMENT,
                  "a stream of that name exists");
}

#define replace_test(test) cmocka_unit_test_setup_teardown(test, setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        replace_test(filters_and_projections_are_free),
        replace_test(a_new_name_is_just_created),
        replace_test(columns_may_only_be_added_behind),
        replace_test(sources_groups_and_aggregates_are_fixed),
        replace_test(a_second_writer_forbids_replacing),
        replace_test(a_declared_source_has_no_query_to_replace),
        replace_test(replacing_can_be_switched_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
