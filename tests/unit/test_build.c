/* Plans: which steps a query has, over which columns. */
#include "tests/support/planner_world.h"

static int setup(void **state)
{
    world_setup(state);
    world_run(*state, "CREATE STREAM S (K INT KEY, A INT, B STRING, C DOUBLE)"
                      " WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON');"
                      "CREATE TABLE T (ID INT PRIMARY KEY, A INT, B STRING)"
                      " WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JSON');"
                      "CREATE STREAM N (A INT, B INT) WITH (KAFKA_TOPIC='n', KEY_FORMAT='NONE',"
                      " VALUE_FORMAT='JSON');");
    return 0;
}

/* The kinds of the steps, from the root down: "sink project scan". */
static const char *steps(PlannerWorld *world, const char *sql)
{
    static const char *const names[] = {
        [PLAN_SCAN] = "scan",           [PLAN_TABLE] = "table",
        [PLAN_FILTER] = "filter",       [PLAN_FILTER_TABLE] = "filter_table",
        [PLAN_PROJECT] = "project",     [PLAN_FLATMAP] = "flatmap",
        [PLAN_REKEY] = "rekey",         [PLAN_EXCHANGE] = "exchange",
        [PLAN_AGGREGATE] = "aggregate", [PLAN_LIMIT] = "limit",
        [PLAN_VIEW] = "view",           [PLAN_SINK] = "sink",
        [PLAN_PUSH] = "push",
    };
    Buf             out = buf_in(world->mem);
    const PlanNode *node;

    if (world_plan(world, sql) != ERR_OK)
        fail_msg("%s: %s", sql, world->err.msg);
    node = world->plan.plan ? world->plan.plan->root : world->plan.query->plan->root;
    for (; node; node = node->inputs_len ? node->inputs[0] : NULL)
        buf_printf(&out, "%s%s", out.len ? " " : "", names[node->kind]);
    return str_to_c(world->mem, buf_view(&out));
}

static const Plan *plan_of(PlannerWorld *world)
{
    return world->plan.plan ? world->plan.plan : world->plan.query->plan;
}

static const PlanNode *find(const Plan *plan, PlanKind kind)
{
    for (uint32_t i = 0; i < plan->nodes_len; i++) {
        if (plan->nodes[i]->kind == kind)
            return plan->nodes[i];
    }
    fail_msg("no such step");
    return NULL;
}

static void stream_is_filtered_and_projected(void **state)
{
    assert_string_equal(steps(*state, "CREATE STREAM O AS SELECT K, A FROM S WHERE A > 1;"),
                        "sink project filter scan");
    assert_true(find(plan_of(*state), PLAN_PROJECT)->u.project.is_key_unchanged);
}

static void partition_by_rekeys_without_an_exchange(void **state)
{
    assert_string_equal(steps(*state, "CREATE STREAM O AS SELECT * FROM S PARTITION BY A;"),
                        "sink project rekey scan");
    assert_int_equal(plan_of(*state)->stages_len, 1);
    assert_string_equal(steps(*state, "CREATE STREAM O AS SELECT * FROM S PARTITION BY K;"),
                        "sink project scan");
}

static void group_by_goes_through_an_exchange(void **state)
{
    const Plan     *plan;
    const PlanNode *exchange;

    assert_string_equal(
        steps(*state, "CREATE TABLE O AS SELECT B, COUNT(*) AS N, SUM(A) AS X FROM S GROUP BY B;"),
        "sink project aggregate exchange rekey scan");
    plan = plan_of(*state);
    exchange = find(plan, PLAN_EXCHANGE);
    assert_int_equal(plan->stages_len, 2);
    assert_int_equal(exchange->inputs[0]->stage, 0);
    assert_int_equal(exchange->stage, 1);
    assert_int_equal(plan->root->stage, 1);
    assert_true(exchange->u.exchange.is_free);
    assert_true(str_ends(exchange->u.exchange.topic, STR("-Aggregate-GroupBy-repartition")));
    /* Only what the aggregates read travels: COUNT(*) needs nothing. */
    assert_int_equal(exchange->schema->len, 2);
    assert_int_equal(exchange->schema->key_len, 1);
}

static void group_by_the_key_stays_where_it_is(void **state)
{
    assert_string_equal(
        steps(*state, "CREATE TABLE O AS SELECT K, COUNT(*) AS N FROM S GROUP BY K;"),
        "sink project aggregate rekey scan");
    assert_true(find(plan_of(*state), PLAN_REKEY)->u.project.is_key_unchanged);
    assert_string_equal(steps(*state, "CREATE TABLE O WITH (KEY_FORMAT='JSON') AS"
                                      " SELECT K, COUNT(*) AS N FROM S GROUP BY K;"),
                        "sink project aggregate exchange rekey scan");
}

static void having_filters_the_table_of_groups(void **state)
{
    const Plan *plan;

    assert_string_equal(steps(*state, "CREATE TABLE O AS SELECT B, COUNT(*) AS N FROM S GROUP BY B"
                                      " HAVING SUM(A) > 10;"),
                        "sink view project filter_table aggregate exchange rekey scan");
    plan = plan_of(*state);
    assert_true(find(plan, PLAN_AGGREGATE)->needs_old);
    assert_false(find(plan, PLAN_FILTER_TABLE)->needs_old);
    assert_int_equal(find(plan, PLAN_AGGREGATE)->u.aggregate.aggs_len, 2);
}

static void table_keeps_rows_only_when_old_values_are_read(void **state)
{
    assert_string_equal(steps(*state, "CREATE TABLE O AS SELECT ID, A FROM T;"),
                        "sink view project scan");
    assert_string_equal(steps(*state, "CREATE TABLE O AS SELECT ID, A FROM T WHERE A > 1;"),
                        "sink view project filter_table table scan");
    assert_true(find(plan_of(*state), PLAN_TABLE)->needs_old);
}

static void table_aggregation_undoes_old_rows(void **state)
{
    const Plan *plan;

    assert_string_equal(
        steps(*state, "CREATE TABLE O AS SELECT B, COUNT(*) AS N FROM T WHERE A > 1 GROUP BY B;"),
        "sink project aggregate exchange rekey filter_table table scan");
    plan = plan_of(*state);
    assert_true(find(plan, PLAN_AGGREGATE)->u.aggregate.is_table);
    assert_true(find(plan, PLAN_EXCHANGE)->needs_old);
    assert_true(find(plan, PLAN_REKEY)->needs_old);
    assert_true(find(plan, PLAN_FILTER_TABLE)->needs_old);
    assert_true(find(plan, PLAN_REKEY)->is_table);
}

static void push_query_ends_in_a_limit_and_a_push(void **state)
{
    assert_string_equal(steps(*state, "SELECT A FROM S WHERE A > 1 EMIT CHANGES LIMIT 3;"),
                        "push limit project filter scan");
    assert_int_equal(plan_of(*state)->kind, QUERY_PUSH);
    assert_string_equal(steps(*state, "SELECT A FROM S;"), "push project scan");
    assert_int_equal(plan_of(*state)->kind, QUERY_STREAM_PULL);
}

static void global_group_has_an_empty_key(void **state)
{
    assert_string_equal(steps(*state, "SELECT COUNT(*) AS N FROM S EMIT CHANGES;"),
                        "push project aggregate exchange rekey scan");
    assert_int_equal(find(plan_of(*state), PLAN_AGGREGATE)->schema->key_len, 0);
}

static void keyless_stream_is_grouped_in_a_format_that_holds_the_key(void **state)
{
    assert_string_equal(
        steps(*state, "CREATE TABLE O WITH (KEY_FORMAT='JSON') AS SELECT A, B, COUNT(*) AS N"
                      " FROM N GROUP BY A, B;"),
        "sink project aggregate exchange rekey scan");
    assert_int_equal(find(plan_of(*state), PLAN_EXCHANGE)->u.exchange.key_format.kind, FORMAT_JSON);
}

static void stores_hold_slots_and_views_hold_columns(void **state)
{
    const Plan *plan;

    (void)steps(*state, "CREATE TABLE O AS SELECT B, AVG(A) AS X FROM S GROUP BY B;");
    plan = plan_of(*state);
    assert_int_equal(plan->stores_len, 2);
    assert_int_equal(plan->stores[0]->keys_len, 1);
    assert_int_equal(plan->stores[0]->slots_len,
                     find(plan, PLAN_AGGREGATE)->u.aggregate.aggs[0].def->slots_len);
    assert_true(plan->stores[1]->is_view);
    assert_true(str_eq(plan->stores[1]->view_name, STR("O")));
    assert_int_equal(plan->stores[1]->slots_len, 1);
}

static void view_is_the_state_where_that_holds_its_columns(void **state)
{
    const Plan      *plan;
    const PlanStore *store;

    (void)steps(*state, "CREATE TABLE O AS SELECT B AS C, MAX(A) AS X, COUNT(*) AS N FROM S"
                        " GROUP BY B;");
    plan = plan_of(*state);
    store = plan->stores[0];
    assert_int_equal(plan->stores_len, 1);
    assert_ptr_equal(find(plan, PLAN_AGGREGATE)->store, store);
    assert_true(store->is_view && str_eq(store->view_name, STR("O")));
    assert_true(str_eq(store->keys[0].name, STR("C")));
    assert_true(str_eq(store->slots[0].name, STR("X")));
    assert_true(str_eq(store->slots[1].name, STR("N")));
}

static void view_of_its_own_keeps_what_the_state_does_not_hold(void **state)
{
    const char *const selects[] = {"B, AVG(A) AS X", "B, COUNT(*) + 1 AS N",
                                   "B, COUNT(*) AS N, COUNT(*) AS M",
                                   "B, AS_VALUE(B) AS C, COUNT(*) AS N"};

    for (size_t i = 0; i < sizeof selects / sizeof *selects; i++) {
        PlannerWorld *world = *state;
        Str           sql =
            str_printf(world->mem, "CREATE TABLE O AS SELECT %s FROM S GROUP BY B;", selects[i]);

        assert_string_equal(steps(world, str_to_c(world->mem, sql)),
                            "sink view project aggregate exchange rekey scan");
        assert_int_equal(plan_of(world)->stores_len, 2);
    }
}

static void fingerprint_follows_the_state_and_not_the_projection(void **state)
{
    PlannerWorld *world = *state;
    uint64_t      first, same, other;

    (void)steps(world, "SELECT B, SUM(A) AS X FROM S GROUP BY B EMIT CHANGES;");
    first = plan_of(world)->fingerprint;
    (void)steps(world, "SELECT B, SUM(A) + 1 AS Y FROM S WHERE A > 3 GROUP BY B EMIT CHANGES;");
    same = plan_of(world)->fingerprint;
    (void)steps(world, "SELECT B, MAX(A) AS X FROM S GROUP BY B EMIT CHANGES;");
    other = plan_of(world)->fingerprint;
    assert_true(first == same);
    assert_true(first != other);
}

static void insert_casts_to_the_sinks_types(void **state)
{
    PlannerWorld *world = *state;

    world_run(world,
              "CREATE STREAM X (K INT KEY, V DOUBLE) WITH (KAFKA_TOPIC='x', FORMAT='JSON');");
    assert_string_equal(steps(world, "INSERT INTO X SELECT K, A AS V FROM S;"),
                        "sink project scan");
    assert_int_equal(find(plan_of(world), PLAN_PROJECT)->u.project.exprs[1]->kind, EXPR_CAST);
}

#define build_test(test) cmocka_unit_test_setup_teardown(test, setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        build_test(stream_is_filtered_and_projected),
        build_test(partition_by_rekeys_without_an_exchange),
        build_test(group_by_goes_through_an_exchange),
        build_test(group_by_the_key_stays_where_it_is),
        build_test(having_filters_the_table_of_groups),
        build_test(table_keeps_rows_only_when_old_values_are_read),
        build_test(table_aggregation_undoes_old_rows),
        build_test(push_query_ends_in_a_limit_and_a_push),
        build_test(global_group_has_an_empty_key),
        build_test(keyless_stream_is_grouped_in_a_format_that_holds_the_key),
        build_test(stores_hold_slots_and_views_hold_columns),
        build_test(view_is_the_state_where_that_holds_its_columns),
        build_test(view_of_its_own_keeps_what_the_state_does_not_hold),
        build_test(fingerprint_follows_the_state_and_not_the_projection),
        build_test(insert_casts_to_the_sinks_types),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
