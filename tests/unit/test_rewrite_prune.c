/* Which columns a scan decodes. */
#include "tests/support/planner_world.h"

static int setup(void **state)
{
    world_setup(state);
    world_run(*state, "CREATE STREAM S (K INT KEY, A INT, B STRING, C DOUBLE, TS BIGINT)"
                      " WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', TIMESTAMP='ts');"
                      "CREATE TABLE T (ID INT PRIMARY KEY, A INT, B STRING)"
                      " WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JSON');");
    return 0;
}

/* One letter per column: its first when it is wanted, else '-'. */
static const char *wanted(PlannerWorld *world, const char *sql)
{
    const PlanNode *scan;
    Buf             out = buf_in(world->mem);

    if (world_plan(world, sql) != ERR_OK)
        fail_msg("%s: %s", sql, world->err.msg);
    scan = (world->plan.plan ? world->plan.plan : world->plan.query->plan)->scans[0];
    for (uint32_t i = 0; i < scan->schema->len; i++)
        buf_put(&out, scan->u.scan.is_wanted[i] ? scan->schema->cols[i].name.ptr[0] : '-');
    return str_to_c(world->mem, buf_view(&out));
}

static void only_what_is_read_is_decoded(void **state)
{
    assert_string_equal(wanted(*state, "SELECT A FROM S EMIT CHANGES;"), "-A--T");
    assert_string_equal(wanted(*state, "SELECT A FROM S WHERE B = 'x' EMIT CHANGES;"), "-AB-T");
    assert_string_equal(wanted(*state, "CREATE STREAM O AS SELECT K, C FROM S;"), "K--CT");
    assert_string_equal(wanted(*state, "SELECT 1 AS X FROM S EMIT CHANGES;"), "----T");
}

static void groups_and_arguments_are_read(void **state)
{
    assert_string_equal(
        wanted(*state, "CREATE TABLE O AS SELECT B, COUNT(*) AS N, SUM(C) AS X FROM S GROUP BY B;"),
        "--BCT");
    assert_string_equal(wanted(*state, "CREATE STREAM O AS SELECT B, A FROM S PARTITION BY B;"),
                        "-AB-T");
}

static void a_kept_table_is_decoded_whole(void **state)
{
    assert_string_equal(wanted(*state, "CREATE TABLE O AS SELECT ID, A FROM T;"), "IA-");
    assert_string_equal(wanted(*state, "CREATE TABLE O AS SELECT ID, A FROM T WHERE A > 1;"),
                        "IAB");
}

#define prune_test(test) cmocka_unit_test_setup_teardown(test, setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        prune_test(only_what_is_read_is_decoded),
        prune_test(groups_and_arguments_are_read),
        prune_test(a_kept_table_is_decoded_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
