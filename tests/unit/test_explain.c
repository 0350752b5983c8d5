/* EXPLAIN's text. */
#include "tests/support/planner_world.h"

static int setup(void **state)
{
    world_setup(state);
    world_run(*state, "CREATE STREAM S (K INT KEY, A INT, B STRING)"
                      " WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON');");
    return 0;
}

static void explain_prints_steps_from_the_root(void **state)
{
    assert_string_equal(
        world_text(*state, "CREATE TABLE O AS SELECT B, COUNT(*) AS N FROM S WHERE A > 1"
                           " GROUP BY B;"),
        "> sink O topic O (KAFKA, JSON) [`B` STRING KEY, `N` BIGINT] table\n"
        "  > project B = B, N = KSQL_AGG_VARIABLE_0 [`B` STRING KEY, `N` BIGINT] table\n"
        "    > aggregate COUNT(ROWTIME) as view O [`B` STRING KEY, `KSQL_AGG_VARIABLE_0` BIGINT] "
        "table, keeps state\n"
        "      > exchange to 4 tasks [`B` STRING KEY] stream\n"
        "        > re-key B = B [`B` STRING KEY] stream\n"
        "          > filter (A > 1) [`K` INTEGER KEY, `A` INTEGER, `B` STRING] stream\n"
        "            > scan S topic s (KAFKA, JSON) only (A, B) "
        "[`K` INTEGER KEY, `A` INTEGER, `B` STRING] stream\n");
}

static void explain_prints_limit_and_rekey(void **state)
{
    assert_contains(world_text(*state, "SELECT A FROM S EMIT CHANGES LIMIT 7;"), "> limit 7 [");
    assert_contains(world_text(*state, "CREATE STREAM O AS SELECT * FROM S PARTITION BY UCASE(B);"),
                    "> re-key KSQL_COL_0 = UCASE(B), ");
}

#define explain_test(test) cmocka_unit_test_setup_teardown(test, setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        explain_test(explain_prints_steps_from_the_root),
        explain_test(explain_prints_limit_and_rekey),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
