/* One statement from text to effect. */
#include "planner/not_yet.h"
#include "tests/support/planner_world.h"

static int setup(void **state)
{
    world_setup(state);
    world_run(*state, "CREATE STREAM S (K INT KEY, A INT, B STRING)"
                      " WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON');");
    return 0;
}

static void plan_carries_the_statements_text(void **state)
{
    PlannerWorld *world = *state;

    assert_int_equal(world_plan(world, "create stream o as  select K, A from s /* all */;"),
                     ERR_OK);
    assert_true(str_eq(world->plan.sql, STR("CREATE STREAM O AS SELECT K, A FROM S")));
    assert_true(str_eq(world->plan.source->sql, world->plan.sql));
    assert_true(str_eq(world->plan.query->sql, world->plan.sql));
}

static void planning_changes_nothing(void **state)
{
    PlannerWorld *world = *state;

    assert_int_equal(world_plan(world, "CREATE STREAM O AS SELECT * FROM S;"), ERR_OK);
    assert_null(catalog_source(world->catalog, STR("O")));
    assert_int_equal(catalog_queries_len(world->catalog), 0);
    world_apply(world);
    assert_non_null(catalog_source(world->catalog, STR("O")));
    assert_int_equal(catalog_queries_len(world->catalog), 1);
    assert_null(world->plan.source);
    assert_null(world->plan.query);
}

static void failed_statement_leaves_no_objects(void **state)
{
    PlannerWorld *world = *state;

    world_refuses(world, "CREATE STREAM O AS SELECT NOPE FROM S;", ERR_STATEMENT, "unknown column");
    assert_null(world->plan.source);
    assert_null(world->plan.query);
}

static void other_statements_are_not_planned(void **state)
{
    world_refuses(*state, "SHOW STREAMS;", ERR_STATEMENT, "cannot be planned");
}

static void unsupported_answers_say_so_and_where(void **state)
{
    PlannerWorld *world = *state;

    world_refuses(world, "DROP CONNECTOR X;", ERR_NOT_YET, "not supported yet: connectors");
    assert_int_equal(world->err.pos.line, 1);
}

#define planner_test(test) cmocka_unit_test_setup_teardown(test, setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        planner_test(plan_carries_the_statements_text),
        planner_test(planning_changes_nothing),
        planner_test(failed_statement_leaves_no_objects),
        planner_test(other_statements_are_not_planned),
        planner_test(unsupported_answers_say_so_and_where),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
