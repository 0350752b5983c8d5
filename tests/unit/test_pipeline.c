/*
 * How plans are cut into stages, and the order in which a stage reads its inputs.
 */
#include "exec/pipeline.h"
#include "tests/support/op_test.h"

static void exchange_ends_one_stage_and_feeds_the_next(void **state)
{
    OpTest          t;
    const PlanNode *exchange, *aggregate;

    op_test_open(&t, test_arena(state),
                 "CREATE TABLE o AS SELECT w, COUNT(*) AS n FROM s GROUP BY w;", PLAN_AGGREGATE);
    aggregate = t.node;
    exchange = aggregate->inputs[0];
    assert_int_equal(exchange->kind, PLAN_EXCHANGE);
    assert_ptr_equal(pipeline_consumer(t.ctx.plan, exchange), aggregate);
    assert_int_equal(pipeline_exchange_stage(t.ctx.plan, exchange), aggregate->stage);
    assert_true(exchange->inputs[0]->stage < aggregate->stage);
    assert_null(pipeline_consumer(t.ctx.plan, t.ctx.plan->root));
    op_test_close(&t);
}

static void inputs_are_read_by_timestamp(void **state)
{
    SqlEngine e;

    sql_engine_open(&e, test_arena(state));
    sql_run(&e, "CREATE STREAM l (k STRING KEY, a INT) WITH (KAFKA_TOPIC='l', "
                "VALUE_FORMAT='JSON', PARTITIONS=1);"
                "CREATE TABLE r (k STRING PRIMARY KEY, b INT) WITH (KAFKA_TOPIC='r', "
                "VALUE_FORMAT='JSON', PARTITIONS=1);");
    /* All of it is there before the query starts. */
    sql_produce(&e, "l", "x", "{\"A\":1}", 10);
    sql_produce(&e, "l", "x", "{\"A\":2}", 30);
    sql_produce(&e, "l", "x", "{\"A\":3}", 50);
    sql_produce(&e, "r", "x", "{\"B\":1}", 20);
    sql_produce(&e, "r", "x", "{\"B\":2}", 40);
    sql_run(&e, "CREATE STREAM o AS SELECT l.k AS k, a, b FROM l LEFT JOIN r ON l.k = r.k EMIT "
                "CHANGES;");
    sql_idle(&e);
    sql_expect(&e, "O",
               "x={\"A\":1,\"B\":null} @10\nx={\"A\":2,\"B\":1} @30\nx={\"A\":3,\"B\":2} @50\n");
    sql_engine_close(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(exchange_ends_one_stage_and_feeds_the_next),
        arena_test(inputs_are_read_by_timestamp),
    };
    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
