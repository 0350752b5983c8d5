/* One statement from text to effect; EXPLAIN's text; what is not supported yet. */
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

static void explain_prints_steps_from_the_root(void **state)
{
    assert_string_equal(
        world_text(*state, "CREATE TABLE O AS SELECT B, COUNT(*) AS N FROM S WHERE A > 1"
                           " GROUP BY B;"),
        "> sink O topic O (KAFKA, JSON) [`B` STRING KEY, `N` BIGINT] table\n"
        "  > view O [`B` STRING KEY, `N` BIGINT] table, keeps state\n"
        "    > project B = B, N = KSQL_AGG_VARIABLE_0 [`B` STRING KEY, `N` BIGINT] table\n"
        "      > aggregate COUNT(ROWTIME) [`B` STRING KEY, `KSQL_AGG_VARIABLE_0` BIGINT] table, "
        "keeps state\n"
        "        > exchange to 4 tasks [`B` STRING KEY] stream\n"
        "          > re-key B = B [`B` STRING KEY] stream\n"
        "            > filter (A > 1) [`K` INTEGER KEY, `A` INTEGER, `B` STRING] stream\n"
        "              > scan S topic s (KAFKA, JSON) only (A, B) "
        "[`K` INTEGER KEY, `A` INTEGER, `B` STRING] stream\n");
}

static void unsupported_answers_say_so_and_where(void **state)
{
    PlannerWorld *world = *state;

    world_refuses(world, "DROP CONNECTOR X;", ERR_NOT_YET, "not supported yet: connectors");
    assert_int_equal(world->err.pos.line, 1);
}

static void every_unsupported_answer_has_a_text(void **state)
{
    (void)state;
    for (int i = 0; i < NOT_YET_COUNT_; i++) {
        Err err;

        assert_int_equal(not_yet((NotYet)i, (SrcPos){1, 2, 3, 4}, &err), ERR_NOT_YET);
        assert_true(strlen(err.msg) > strlen("not supported yet: "));
        assert_int_equal(err.pos.column, 2);
    }
}

#define planner_test(test) cmocka_unit_test_setup_teardown(test, setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        planner_test(plan_carries_the_statements_text),
        planner_test(planning_changes_nothing),
        planner_test(failed_statement_leaves_no_objects),
        planner_test(other_statements_are_not_planned),
        planner_test(explain_prints_steps_from_the_root),
        planner_test(unsupported_answers_say_so_and_where),
        planner_test(every_unsupported_answer_has_a_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
