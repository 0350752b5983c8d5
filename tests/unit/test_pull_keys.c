/* Pull queries: what they may say, and how they find their rows. */
#include "tests/support/planner_world.h"

static int setup(void **state)
{
    world_setup(state);
    world_run(*state,
              "CREATE STREAM S (K STRING KEY, A INT, B STRING)"
              " WITH (KAFKA_TOPIC='s', FORMAT='JSON');"
              "CREATE TABLE RAW (ID INT PRIMARY KEY, V INT) WITH (KAFKA_TOPIC='r', FORMAT='JSON');"
              "CREATE TABLE T AS SELECT ID, V FROM RAW;"
              "CREATE TABLE X AS SELECT K, COUNT(*) AS N FROM S GROUP BY K;"
              "CREATE TABLE P AS SELECT A, B, COUNT(*) AS N FROM S GROUP BY A, B;");
    return 0;
}

static const PullPlan *pull(PlannerWorld *world, const char *sql)
{
    if (world_plan(world, sql) != ERR_OK)
        fail_msg("%s: %s", sql, world->err.msg);
    assert_int_equal(world->plan.kind, STMT_PULL_QUERY);
    return world->plan.pull;
}

static void equality_looks_up_keys(void **state)
{
    const PullPlan *plan = pull(*state, "SELECT * FROM T WHERE ID = 3 AND V > 1;");

    assert_int_equal(plan->kind, PULL_KEYS);
    assert_int_equal(plan->keys_len, 1);
    assert_int_equal(plan->keys[0].u.i, 3);
    assert_non_null(plan->predicate);
    assert_true(str_eq(plan->query_id, STR("CTAS_T_2")));
}

static void in_and_or_look_up_several_keys_once(void **state)
{
    const PullPlan *plan = pull(*state, "SELECT * FROM T WHERE ID IN (1, 2, 1) OR 5 = ID;");

    assert_int_equal(plan->kind, PULL_KEYS);
    assert_int_equal(plan->keys_len, 3);
    assert_int_equal(plan->keys[2].u.i, 5);
}

static void every_key_column_must_be_fixed(void **state)
{
    const PullPlan *plan = pull(*state, "SELECT * FROM P WHERE B = 'x' AND A = 1;");

    assert_int_equal(plan->kind, PULL_KEYS);
    assert_int_equal(plan->keys[0].u.i, 1);
    assert_true(str_eq(value_as_str(plan->keys[1]), STR("x")));
    assert_int_equal(pull(*state, "SELECT * FROM P WHERE A = 1;")->kind, PULL_SCAN);
}

static void bounds_on_a_text_key_read_a_range(void **state)
{
    const PullPlan *plan = pull(*state, "SELECT * FROM X WHERE K > 'a' AND K <= 'c' AND N > 1;");

    assert_int_equal(plan->kind, PULL_RANGE);
    assert_true(str_eq(value_as_str(plan->low), STR("a")));
    assert_true(plan->is_low_open);
    assert_true(str_eq(value_as_str(plan->high), STR("c")));
    assert_false(plan->is_high_open);
    plan = pull(*state, "SELECT * FROM X WHERE K BETWEEN 'a' AND 'c';");
    assert_int_equal(plan->kind, PULL_RANGE);
    assert_false(plan->is_low_open);
}

static void anything_else_reads_all(void **state)
{
    assert_int_equal(pull(*state, "SELECT * FROM T;")->kind, PULL_SCAN);
    assert_int_equal(pull(*state, "SELECT * FROM T WHERE V = 1;")->kind, PULL_SCAN);
    assert_int_equal(pull(*state, "SELECT * FROM T WHERE ID = 1 OR V = 1;")->kind, PULL_SCAN);
    assert_int_equal(pull(*state, "SELECT * FROM T WHERE ID > 1;")->kind, PULL_SCAN);
    assert_int_equal(pull(*state, "SELECT * FROM T WHERE ID <> 1;")->kind, PULL_SCAN);
    assert_int_equal(pull(*state, "SELECT * FROM T WHERE ID = V;")->kind, PULL_SCAN);
    assert_int_equal(pull(*state, "SELECT * FROM T WHERE ID = 1 AND ID IN (1, 2);")->kind,
                     PULL_SCAN);
    assert_int_equal(pull(*state, "SELECT * FROM X WHERE K > 'a' OR K < 'b';")->kind, PULL_SCAN);
}

static void too_many_combinations_read_all(void **state)
{
    PlannerWorld *world = *state;
    Buf           sql = buf_in(world->mem);

    buf_c(&sql, "SELECT * FROM P WHERE A IN (0");
    for (int i = 1; i < 100; i++)
        buf_printf(&sql, ", %d", i);
    buf_c(&sql, ") AND B IN ('0'");
    for (int i = 1; i < 100; i++)
        buf_printf(&sql, ", '%d'", i);
    buf_c(&sql, ");");
    assert_int_equal(pull(world, str_to_c(world->mem, buf_view(&sql)))->kind, PULL_SCAN);
}

static void scans_can_be_forbidden(void **state)
{
    PlannerWorld *world = *state;

    world->property = "ksql.query.pull.table.scan.enabled";
    world->value = "false";
    world_refuses(world, "SELECT * FROM T;", ERR_STATEMENT, "would read the whole table");
    world_refuses(world, "SELECT * FROM T WHERE ID + 10 = 20;", ERR_STATEMENT,
                  "would read the whole table");
    assert_int_equal(pull(world, "SELECT * FROM T WHERE ID = 1;")->kind, PULL_KEYS);
}

static void columns_and_expressions_are_projected(void **state)
{
    PlannerWorld   *world = *state;
    const PullPlan *plan = pull(world, "SELECT V + 1 AS W, ID, ROWTIME FROM T LIMIT 5;");
    Buf             out = buf_in(world->mem);

    schema_print(&out, plan->schema, true);
    assert_true(str_eq(buf_view(&out), STR("`W` INTEGER, `ID` INTEGER KEY, `ROWTIME` BIGINT")));
    assert_int_equal(plan->limit, 5);
    assert_int_equal(plan->exprs[1]->kind, EXPR_COLUMN);
    assert_int_equal(plan->exprs[2]->kind, EXPR_PSEUDO);
}

static void clauses_of_push_queries_are_refused(void **state)
{
    PlannerWorld *world = *state;

    world_refuses(world, "SELECT ID FROM T GROUP BY ID;", ERR_STATEMENT, "cannot have GROUP BY");
    assert_string_equal(world->err.hint, "EMIT CHANGES at the end makes it a push query");
    world_refuses(world, "SELECT A FROM S PARTITION BY A;", ERR_STATEMENT,
                  "cannot have PARTITION BY");
    world_refuses(world, "SELECT ID FROM T HAVING ID > 1;", ERR_STATEMENT, "cannot have HAVING");
    world_refuses(world, "SELECT * FROM S WINDOW TUMBLING (SIZE 1 SECOND);", ERR_STATEMENT,
                  "cannot have a WINDOW clause");
    world_refuses(world, "SELECT * FROM T JOIN X ON T.ID = X.N;", ERR_STATEMENT,
                  "cannot have a JOIN");
    world_refuses(world, "SELECT COUNT(*) FROM T;", ERR_STATEMENT,
                  "cannot have aggregate functions");
    world_refuses(world, "SELECT ROWOFFSET FROM S;", ERR_STATEMENT, "no ROWOFFSET in SELECT");
    world_refuses(world, "SELECT * FROM T WHERE ROWPARTITION = 1;", ERR_STATEMENT,
                  "no ROWPARTITION in WHERE");
}

static void tables_need_a_view(void **state)
{
    PlannerWorld *world = *state;

    world_refuses(world, "SELECT * FROM RAW;", ERR_STATEMENT, "table \"RAW\" cannot be queried");
    assert_string_equal(world->err.hint,
                        "CREATE TABLE QUERYABLE_RAW AS SELECT * FROM RAW makes one that can");
}

static void keys_are_compared_as_they_are(void **state)
{
    world_refuses(*state, "SELECT * FROM T WHERE ID = '1';", ERR_STATEMENT,
                  "cannot compare INTEGER with STRING");
    world_refuses(*state, "SELECT * FROM T WHERE ID IN ('1', 2);", ERR_STATEMENT,
                  "text cannot be compared with key column \"ID\"");
    world_refuses(*state, "SELECT * FROM T WHERE ID IN (NULL);", ERR_STATEMENT,
                  "key column \"ID\" is never NULL");
    world_refuses(*state, "SELECT * FROM T WHERE ID = NULL;", ERR_STATEMENT,
                  "comparison with NULL");
    world_refuses(*state, "SELECT * FROM X WHERE '12' LIKE '12';", ERR_STATEMENT,
                  "LIKE in a pull query");
    world_refuses(*state, "SELECT *, N FROM X;", ERR_STATEMENT, "* stands alone");
}

static void pull_queries_can_be_switched_off(void **state)
{
    PlannerWorld *world = *state;

    world->property = "ksql.pull.queries.enable";
    world->value = "false";
    world_refuses(world, "SELECT * FROM T;", ERR_STATEMENT, "ksql.pull.queries.enable");
    world->property = "ksql.query.pull.limit.clause.enabled";
    world_refuses(world, "SELECT * FROM T LIMIT 1;", ERR_STATEMENT, "LIMIT in pull queries");
    assert_int_equal(world_plan(world, "SELECT * FROM T;"), ERR_OK);
}

static void pull_on_a_stream_runs_its_operators(void **state)
{
    PlannerWorld *world = *state;

    assert_int_equal(world_plan(world, "SELECT K, A FROM S WHERE A > 1 LIMIT 2;"), ERR_OK);
    assert_int_equal(world->plan.kind, STMT_PULL_STREAM);
    assert_int_equal(world->plan.plan->kind, QUERY_STREAM_PULL);
    world_refuses(world, "SELECT COUNT(*) AS N FROM S;", ERR_STATEMENT,
                  "cannot have aggregate functions");
    world->property = "ksql.query.pull.stream.enabled";
    world->value = "false";
    world_refuses(world, "SELECT K FROM S;", ERR_STATEMENT, "ksql.query.pull.stream.enabled");
}

/* Its normal form is as long as itself; pairing operand by operand took the square of that. */
static void a_long_and_takes_memory_in_proportion(void **state)
{
    PlannerWorld *world = *state;
    Buf           sql = buf_in(world->mem);
    size_t        before;

    buf_c(&sql, "SELECT * FROM T WHERE ID = 3");
    for (int i = 0; i < 20000; i++)
        buf_c(&sql, " AND V > 1");
    buf_c(&sql, ";");
    buf_put(&sql, '\0');
    before = arena_used(world->mem);
    assert_int_equal(pull(world, sql.ptr)->kind, PULL_KEYS);
    assert_true(arena_used(world->mem) - before < (size_t)64 << 20);
}

static void explain_shows_the_way_to_the_rows(void **state)
{
    assert_contains(world_text(*state, "SELECT ID FROM T WHERE ID IN (1, 2);"),
                    "> look up keys of view T (1), (2)");
    assert_contains(world_text(*state, "SELECT K FROM X WHERE K >= 'a';"),
                    "> read range of view X K >= 'a'");
    assert_contains(world_text(*state, "SELECT K FROM X WHERE N > 1;"), "> filter (N > 1)");
}

#define pull_test(test) cmocka_unit_test_setup_teardown(test, setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        pull_test(equality_looks_up_keys),
        pull_test(in_and_or_look_up_several_keys_once),
        pull_test(every_key_column_must_be_fixed),
        pull_test(bounds_on_a_text_key_read_a_range),
        pull_test(anything_else_reads_all),
        pull_test(too_many_combinations_read_all),
        pull_test(scans_can_be_forbidden),
        pull_test(columns_and_expressions_are_projected),
        pull_test(clauses_of_push_queries_are_refused),
        pull_test(tables_need_a_view),
        pull_test(keys_are_compared_as_they_are),
        pull_test(pull_queries_can_be_switched_off),
        pull_test(pull_on_a_stream_runs_its_operators),
        pull_test(a_long_and_takes_memory_in_proportion),
        pull_test(explain_shows_the_way_to_the_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
