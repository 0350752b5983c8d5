/* JOIN: what may be joined, the key of the result, and the steps. */
#include "planner/build.h"
#include "tests/support/planner_world.h"

static int setup(void **state)
{
    world_setup(state);
    world_run(*state,
              "CREATE STREAM L (A INT KEY, B INT, C STRING) WITH (KAFKA_TOPIC='l', FORMAT='JSON');"
              "CREATE STREAM R (A INT KEY, B INT, D STRING) WITH (KAFKA_TOPIC='r', FORMAT='JSON');"
              "CREATE STREAM Q (A INT KEY, E INT) WITH (KAFKA_TOPIC='q', KEY_FORMAT='KAFKA',"
              " VALUE_FORMAT='JSON');"
              "CREATE STREAM V (A INT KEY, E INT) WITH (KAFKA_TOPIC='v', FORMAT='KAFKA');"
              "CREATE STREAM W (A INT KEY, E INT) WITH (KAFKA_TOPIC='w', FORMAT='JSON',"
              " WINDOW_TYPE='SESSION');"
              "CREATE TABLE T (ID INT PRIMARY KEY, X INT, F INT)"
              " WITH (KAFKA_TOPIC='t', FORMAT='JSON');"
              "CREATE TABLE U (ID INT PRIMARY KEY, Y INT) WITH (KAFKA_TOPIC='u', FORMAT='JSON');"
              "CREATE TABLE M (I INT PRIMARY KEY, J INT PRIMARY KEY, Z INT)"
              " WITH (KAFKA_TOPIC='m', FORMAT='JSON');");
    return 0;
}

/* Binds and builds a query without asking whether its operators exist. */
static const Plan *plan_of(PlannerWorld *world, const char *sql, QueryKind kind)
{
    AstStmtList list = world_parse(world, sql);
    PlannerEnv  env = world_env(world);
    BoundQuery  bound;
    BuildSink   sink = {.query_id = STR("CSAS_O_1"), .name = STR("O"), .topic = STR("O")};
    const Plan *plan;

    if (bind_query(&env, world->mem, list.items[0]->u.select, kind, &bound, &world->err) != ERR_OK)
        fail_msg("%s: %s", sql, world->err.msg);
    sink.schema = bound_schema(world->mem, &bound);
    if (build_plan(world->mem, &bound, kind == QUERY_PERSISTENT ? &sink : NULL, &plan,
                   &world->err) != ERR_OK)
        fail_msg("%s: %s", sql, world->err.msg);
    return plan;
}

static const char *schema_of(PlannerWorld *world, const char *sql)
{
    const Plan *plan = plan_of(world, sql, QUERY_PERSISTENT);
    Buf         out = buf_in(world->mem);

    schema_print(&out, plan->root->schema, true);
    return str_to_c(world->mem, buf_view(&out));
}

static const PlanNode *join_of(const Plan *plan)
{
    for (uint32_t i = plan->nodes_len; i-- > 0;) {
        if (plan->nodes[i]->inputs_len == 2)
            return plan->nodes[i];
    }
    fail_msg("no join");
    return NULL;
}

#define REFUSES(world, sql, fragment)                                                              \
    world_refuses(world, "CREATE STREAM O AS " sql ";", ERR_STATEMENT, fragment)

/* --- names and keys --------------------------------------------------------------------------- */

static void star_prefixes_all_columns(void **state)
{
    assert_string_equal(
        schema_of(*state, "SELECT * FROM L JOIN R WITHIN 1 HOUR ON L.A = R.A EMIT CHANGES;"),
        "`L_A` INTEGER KEY, `L_B` INTEGER, `L_C` STRING, `R_A` INTEGER, `R_B` INTEGER, "
        "`R_D` STRING");
}

static void only_clashing_names_are_prefixed(void **state)
{
    assert_string_equal(
        schema_of(*state, "SELECT X.A, X.B, C, D, X.ROWTIME FROM L X JOIN R WITHIN 1 HOUR"
                          " ON X.A = R.A EMIT CHANGES;"),
        "`X_A` INTEGER KEY, `X_B` INTEGER, `C` STRING, `D` STRING, `X_ROWTIME` BIGINT");
}

static void the_key_is_the_first_equal_column_that_is_selected(void **state)
{
    assert_string_equal(
        schema_of(*state, "SELECT R.A, C FROM L JOIN R WITHIN 1 HOUR ON L.A = R.A EMIT CHANGES;"),
        "`R_A` INTEGER KEY, `C` STRING");
    assert_string_equal(schema_of(*state, "SELECT C, R.B AS K FROM L JOIN R WITHIN 1 HOUR"
                                          " ON ABS(L.A) = R.B EMIT CHANGES;"),
                        "`K` INTEGER KEY, `C` STRING");
    assert_string_equal(schema_of(*state,
                                  "SELECT Q.A, C, D FROM L JOIN R WITHIN 1 HOUR ON L.A = R.A"
                                  " JOIN Q WITHIN 1 HOUR ON R.A = Q.A EMIT CHANGES;"),
                        "`Q_A` INTEGER KEY, `C` STRING, `D` STRING");
    REFUSES(*state, "SELECT C, D FROM L JOIN R WITHIN 1 HOUR ON L.A = R.A",
            "the join's key, L.A or R.A");
    REFUSES(*state, "SELECT L.A, L.A AS K2, C FROM L JOIN R WITHIN 1 HOUR ON L.A = R.A",
            "holds the key twice");
}

static void a_key_without_column_is_rowkey(void **state)
{
    assert_string_equal(schema_of(*state, "SELECT ROWKEY AS K, C, D FROM L FULL JOIN R"
                                          " WITHIN 1 HOUR ON L.A = R.A EMIT CHANGES;"),
                        "`K` INTEGER KEY, `C` STRING, `D` STRING");
    assert_contains(schema_of(*state, "SELECT * FROM L JOIN R WITHIN 1 HOUR ON ABS(L.A) = ABS(R.A)"
                                      " EMIT CHANGES;"),
                    "`ROWKEY` INTEGER KEY, `L_A` INTEGER, ");
    REFUSES(*state, "SELECT L.*, R.* FROM L FULL JOIN R WITHIN 1 HOUR ON L.A = R.A",
            "the key column \"ROWKEY\"");
}

static void a_foreign_key_join_keeps_the_left_key(void **state)
{
    assert_string_equal(
        schema_of(*state, "SELECT T.ID, X, Y FROM T JOIN U ON X = U.ID EMIT CHANGES;"),
        "`T_ID` INTEGER KEY, `X` INTEGER, `Y` INTEGER");
    assert_string_equal(schema_of(*state, "SELECT I, J, Y FROM M JOIN U ON Z = ID EMIT CHANGES;"),
                        "`I` INTEGER KEY, `J` INTEGER KEY, `Y` INTEGER");
    world_refuses(*state, "CREATE TABLE O AS SELECT X, Y FROM T JOIN U ON X = U.ID;", ERR_STATEMENT,
                  "the SELECT list must hold the key column");
}

/* --- rules ------------------------------------------------------------------------------------ */

static void conditions_are_one_equality_of_both_sides(void **state)
{
    REFUSES(*state, "SELECT * FROM L JOIN R WITHIN 1 HOUR ON L.A = R.A AND L.B = R.B",
            "one equality as its condition");
    REFUSES(*state, "SELECT * FROM L JOIN R WITHIN 1 HOUR ON L.A < R.A", "must be an equality");
    REFUSES(*state, "SELECT * FROM L JOIN R WITHIN 1 HOUR ON L.A = 0",
            "refer to columns of one source");
    REFUSES(*state, "SELECT * FROM L JOIN R WITHIN 1 HOUR ON L.A + R.A = R.B",
            "refer to columns of one source");
    REFUSES(*state, "SELECT * FROM L JOIN R WITHIN 1 HOUR ON L.A = L.B",
            "must compare \"R\" with a source before it");
    REFUSES(*state, "SELECT * FROM L JOIN R WITHIN 1 HOUR ON L.A = R.D",
            "cannot compare INTEGER with STRING");
    REFUSES(*state, "SELECT * FROM L JOIN R WITHIN 1 HOUR ON A = R.A", "column \"A\" is ambiguous");
    REFUSES(*state, "SELECT * FROM L JOIN R WITHIN 1 HOUR ON L.A = R.NOPE",
            "unknown column \"R.NOPE\"");
}

static void within_is_for_two_streams(void **state)
{
    REFUSES(*state, "SELECT * FROM L JOIN R ON L.A = R.A", "a join of two streams needs WITHIN");
    REFUSES(*state, "SELECT * FROM L JOIN T WITHIN 1 HOUR ON L.A = T.ID",
            "WITHIN is for joins of two streams");
}

static void sources_must_fit(void **state)
{
    REFUSES(*state, "SELECT * FROM L X JOIN L Y WITHIN 1 HOUR ON X.A = Y.A", "stands twice");
    REFUSES(*state, "SELECT * FROM L X JOIN R X WITHIN 1 HOUR ON X.A = X.A", "the same alias");
    REFUSES(*state, "SELECT * FROM T JOIN L ON T.ID = L.A", "a table cannot be joined with stream");
    REFUSES(*state, "SELECT * FROM L JOIN V WITHIN 1 HOUR ON L.A = V.A",
            "its value format is KAFKA");
    REFUSES(*state, "SELECT * FROM L JOIN W WITHIN 1 HOUR ON L.A = W.A",
            "a windowed source cannot be joined");
    REFUSES(*state, "SELECT * FROM L JOIN NOPE WITHIN 1 HOUR ON L.A = NOPE.A", "does not exist");
}

static void tables_are_joined_by_their_primary_key(void **state)
{
    REFUSES(*state, "SELECT * FROM L JOIN T ON L.A = T.X", "must be joined by its primary key");
    REFUSES(*state, "SELECT * FROM L JOIN M ON L.A = M.I", "must be joined by its primary key");
    REFUSES(*state, "SELECT * FROM L RIGHT JOIN T ON L.A = T.ID",
            "a RIGHT JOIN of a stream with a table");
    REFUSES(*state, "SELECT * FROM T FULL JOIN U ON T.X = U.ID", "a FULL JOIN on a foreign key");
    REFUSES(*state, "SELECT * FROM T JOIN U ON T.ID = U.ID JOIN M ON T.X = M.I",
            "must be joined by its primary key");
}

/* --- steps ------------------------------------------------------------------------------------ */

static void sides_with_the_same_key_stay_where_they_are(void **state)
{
    const Plan     *plan = plan_of(*state,
                                   "SELECT L.A, D FROM L JOIN R WITHIN (1 SECOND, 2 SECONDS)"
                                       " GRACE PERIOD 3 SECONDS ON L.A = R.A EMIT CHANGES;",
                                   QUERY_PERSISTENT);
    const PlanNode *join = join_of(plan);

    assert_int_equal(join->kind, PLAN_JOIN_STREAMS);
    assert_int_equal(plan->stages_len, 1);
    assert_int_equal(join->inputs[0]->kind, PLAN_PROJECT);
    assert_int_equal(join->u.join.before_ms, 1000);
    assert_int_equal(join->u.join.after_ms, 2000);
    assert_int_equal(join->u.join.grace_ms, 3000);
    assert_true(join->u.join.has_grace);
    /* The key, then L.A and R.D: nothing else is read. */
    assert_int_equal(join->schema->len, 3);
    assert_non_null(join->store);
    assert_non_null(join->u.join.right_store);
    assert_ptr_not_equal(join->store, join->u.join.right_store);
}

static void a_side_with_another_key_goes_through_an_exchange(void **state)
{
    const Plan     *plan = plan_of(*state,
                                   "SELECT L.B, D FROM L JOIN R WITHIN 1 HOUR ON L.B = R.A"
                                       " EMIT CHANGES;",
                                   QUERY_PERSISTENT);
    const PlanNode *join = join_of(plan), *exchange = join->inputs[0];

    assert_int_equal(exchange->kind, PLAN_EXCHANGE);
    assert_false(exchange->u.exchange.is_free);
    assert_true(str_eq(exchange->u.exchange.topic, STR("CSAS_O_1-Join-left-repartition")));
    assert_int_equal(exchange->inputs[0]->kind, PLAN_REKEY);
    assert_int_equal(join->inputs[1]->kind, PLAN_PROJECT);
    assert_int_equal(plan->stages_len, 2);
    assert_int_equal(exchange->inputs[0]->stage, 0);
    /* The scan of the other side runs in the stage of the join. */
    assert_int_equal(join->inputs[1]->inputs[0]->stage, 1);
    assert_int_equal(join->stage, 1);
}

static void another_key_format_moves_a_side(void **state)
{
    const PlanNode *join = join_of(plan_of(*state,
                                           "SELECT L.A, E FROM L JOIN Q WITHIN 1 HOUR"
                                           " ON L.A = Q.A EMIT CHANGES;",
                                           QUERY_PERSISTENT));

    assert_int_equal(join->inputs[0]->kind, PLAN_PROJECT);
    assert_int_equal(join->inputs[1]->kind, PLAN_EXCHANGE);
    assert_int_equal(join->inputs[1]->u.exchange.key_format.kind, FORMAT_JSON);
}

static void later_joins_by_the_same_key_do_not_move_the_left(void **state)
{
    const Plan *plan = plan_of(*state,
                               "SELECT L.A, X, Y FROM L JOIN T ON L.A = T.ID"
                               " JOIN U ON T.ID = U.ID EMIT CHANGES;",
                               QUERY_PERSISTENT);

    assert_int_equal(plan->stages_len, 1);
    assert_int_equal(join_of(plan)->inputs[0]->kind, PLAN_JOIN_STREAM_TABLE);
    plan = plan_of(*state,
                   "SELECT T.ID, Y FROM L JOIN T ON L.A = T.ID JOIN U ON T.X = U.ID"
                   " EMIT CHANGES;",
                   QUERY_PUSH);
    assert_int_equal(plan->stages_len, 2);
    assert_int_equal(join_of(plan)->inputs[0]->kind, PLAN_EXCHANGE);
}

static void a_side_that_may_be_missing_does_not_stand_for_the_key(void **state)
{
    const Plan *plan = plan_of(*state,
                               "SELECT L.A, Y FROM L LEFT JOIN T ON L.A = T.ID"
                               " JOIN U ON T.ID = U.ID EMIT CHANGES;",
                               QUERY_PUSH);

    assert_int_equal(join_of(plan)->inputs[0]->kind, PLAN_EXCHANGE);
}

static void tables_keep_both_sides_and_an_index_for_foreign_keys(void **state)
{
    const PlanNode *join =
        join_of(plan_of(*state,
                        "SELECT T.ID, X, Y FROM T JOIN U ON T.ID = U.ID WHERE X > 1"
                        " EMIT CHANGES;",
                        QUERY_PERSISTENT));

    assert_int_equal(join->kind, PLAN_JOIN_TABLES);
    assert_true(join->is_table);
    assert_true(join->needs_old);
    assert_false(join->inputs[0]->needs_old);
    join = join_of(plan_of(*state, "SELECT T.ID, X, Y FROM T JOIN U ON X = U.ID EMIT CHANGES;",
                           QUERY_PERSISTENT));
    assert_int_equal(join->kind, PLAN_JOIN_FOREIGN_KEY);
    assert_int_equal(join->u.join.index_store->keys_len, 2);
    assert_int_equal(join->u.join.index_store->slots_len, 0);
    assert_int_equal(join->u.join.left_key->kind, EXPR_COLUMN);
    assert_true(join->u.join.left_key->u.index > 0);
}

static void both_sides_of_a_foreign_key_join_go_to_one_task(void **state)
{
    const PlanNode *join, *next;

    world_run(*state,
              "CREATE TABLE U2 (ID INT PRIMARY KEY, Z INT) WITH (KAFKA_TOPIC='u', FORMAT='JSON');");
    join = join_of(plan_of(*state, "SELECT T.ID, X, Y FROM T JOIN U ON X = U.ID EMIT CHANGES;",
                           QUERY_PERSISTENT));
    for (int side = 0; side < 2; side++) {
        assert_int_equal(join->inputs[side]->kind, PLAN_EXCHANGE);
        assert_int_equal(join->inputs[side]->u.exchange.partitions, 1);
    }
    /* What comes out of it is spread again where the next table is. */
    next = join_of(plan_of(*state,
                           "SELECT T.ID, X, U.Y FROM T JOIN U ON X = U.ID"
                           " JOIN U2 ON T.ID = U2.ID EMIT CHANGES;",
                           QUERY_PERSISTENT));
    assert_int_equal(next->kind, PLAN_JOIN_TABLES);
    assert_int_equal(next->inputs[0]->kind, PLAN_EXCHANGE);
    assert_int_equal(next->inputs[0]->u.exchange.partitions, 4);
}

#define join_test(test) cmocka_unit_test_setup_teardown(test, setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        join_test(star_prefixes_all_columns),
        join_test(only_clashing_names_are_prefixed),
        join_test(the_key_is_the_first_equal_column_that_is_selected),
        join_test(a_key_without_column_is_rowkey),
        join_test(a_foreign_key_join_keeps_the_left_key),
        join_test(conditions_are_one_equality_of_both_sides),
        join_test(within_is_for_two_streams),
        join_test(sources_must_fit),
        join_test(tables_are_joined_by_their_primary_key),
        join_test(sides_with_the_same_key_stay_where_they_are),
        join_test(a_side_with_another_key_goes_through_an_exchange),
        join_test(another_key_format_moves_a_side),
        join_test(later_joins_by_the_same_key_do_not_move_the_left),
        join_test(a_side_that_may_be_missing_does_not_stand_for_the_key),
        join_test(tables_keep_both_sides_and_an_index_for_foreign_keys),
        join_test(both_sides_of_a_foreign_key_join_go_to_one_task),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
