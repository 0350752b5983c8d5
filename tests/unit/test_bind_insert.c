/* INSERT INTO ... VALUES. */
#include "tests/support/planner_world.h"

static int setup(void **state)
{
    world_setup(state);
    world_run(*state, "CREATE STREAM S (K STRING KEY, I INT, B BIGINT, E DECIMAL(4, 2), DT DATE,"
                      " Y BYTES, A ARRAY<BIGINT>, R STRUCT<X BIGINT, Z DATE>)"
                      " WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON');"
                      "CREATE TABLE T (ID INT PRIMARY KEY, V INT)"
                      " WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JSON');");
    return 0;
}

static const Value *row(PlannerWorld *world, const char *sql, int i)
{
    if (world_plan(world, sql) != ERR_OK)
        fail_msg("%s: %s", sql, world->err.msg);
    return world->plan.rows[i].cols;
}

static void values_go_to_the_listed_columns(void **state)
{
    PlannerWorld *world = *state;
    const Value  *cols = row(world, "INSERT INTO S (I, K) VALUES (3, 'a');", 0);

    assert_int_equal(world->plan.kind, STMT_INSERT_VALUES);
    assert_int_equal(world->plan.rows_len, 1);
    assert_true(str_eq(value_as_str(cols[0]), STR("a")));
    assert_int_equal(cols[1].u.i, 3);
    assert_true(value_is_null(cols[2]));
    assert_int_equal(world->plan.rows[0].ts, 1000);
}

static void several_rows_are_inserted_at_once(void **state)
{
    PlannerWorld *world = *state;
    const Value  *cols = row(world, "INSERT INTO T VALUES (1, 2), (3, 4);", 1);

    assert_int_equal(world->plan.rows_len, 2);
    assert_int_equal(cols[0].u.i, 3);
    assert_int_equal(cols[1].u.i, 4);
}

static void rowtime_sets_the_timestamp(void **state)
{
    PlannerWorld *world = *state;

    (void)row(world, "INSERT INTO T (ROWTIME, ID) VALUES (1234, 1);", 0);
    assert_int_equal(world->plan.rows[0].ts, 1234);
    world_refuses(world, "INSERT INTO T (ROWTIME, ID) VALUES (-1, 1);", ERR_STATEMENT,
                  "ROWTIME is below zero");
}

static void values_widen_to_the_columns_type(void **state)
{
    const Value *cols = row(*state,
                            "INSERT INTO S (B, E, DT, A, R) VALUES (1, 1.5, '2020-01-02',"
                            " ARRAY[1], STRUCT(Z := '1970-01-02', X := 5));",
                            0);

    assert_int_equal(cols[2].kind, T_BIGINT);
    assert_int_equal(cols[3].scale, 2);
    assert_int_equal(cols[3].u.i, 150);
    assert_int_equal(cols[4].u.i, 18263);
    assert_int_equal(cols[6].u.items[0].kind, T_BIGINT);
    assert_int_equal(cols[7].u.items[0].u.i, 5);
    assert_int_equal(cols[7].u.items[1].u.i, 1);
}

static void functions_are_evaluated(void **state)
{
    const Value *cols = row(*state, "INSERT INTO S (K, I) VALUES (UCASE('a') + 'b', 2 * 3);", 0);

    assert_true(str_eq(value_as_str(cols[0]), STR("Ab")));
    assert_int_equal(cols[1].u.i, 6);
}

static void values_that_do_not_fit_are_refused(void **state)
{
    PlannerWorld *world = *state;

    world_refuses(world, "INSERT INTO S (I) VALUES ('1');", ERR_STATEMENT,
                  "column \"I\" is INTEGER and cannot take a STRING");
    world_refuses(world, "INSERT INTO S (I) VALUES (2147483648);", ERR_STATEMENT,
                  "cannot take a BIGINT");
    world_refuses(world, "INSERT INTO S (E) VALUES (1.555);", ERR_STATEMENT,
                  "cannot take a DECIMAL(4, 3)");
    world_refuses(world, "INSERT INTO S (DT) VALUES ('nonsense');", ERR_STATEMENT,
                  "cannot take 'nonsense' for a DATE");
    world_refuses(world, "INSERT INTO S (I) VALUES (K);", ERR_STATEMENT,
                  "VALUES takes constants only");
    world_refuses(world, "INSERT INTO S (I) VALUES (1 / 0);", ERR_STATEMENT,
                  "no value for column \"I\"");
    world_refuses(world, "INSERT INTO S (I) VALUES (COUNT(*));", ERR_STATEMENT,
                  "is not allowed in VALUES");
}

static void columns_are_checked(void **state)
{
    PlannerWorld *world = *state;

    world_refuses(world, "INSERT INTO S (K, I) VALUES ('a');", ERR_STATEMENT,
                  "1 values for 2 columns");
    world_refuses(world, "INSERT INTO T VALUES (1);", ERR_STATEMENT, "1 values for 2 columns");
    world_refuses(world, "INSERT INTO S (NOPE) VALUES (1);", ERR_STATEMENT,
                  "unknown column \"NOPE\"");
    world_refuses(world, "INSERT INTO S (I, I) VALUES (1, 2);", ERR_STATEMENT, "listed twice");
    world_refuses(world, "INSERT INTO S (ROWOFFSET) VALUES (1);", ERR_STATEMENT,
                  "cannot insert into pseudo column \"ROWOFFSET\"");
}

static void tables_need_their_primary_key(void **state)
{
    world_refuses(*state, "INSERT INTO T (V) VALUES (1);", ERR_STATEMENT,
                  "primary key column \"ID\" of table \"T\" needs a value");
    world_refuses(*state, "INSERT INTO T (ID, V) VALUES (NULL, 1);", ERR_STATEMENT,
                  "primary key column \"ID\" cannot be NULL");
}

static void targets_must_be_writable(void **state)
{
    PlannerWorld *world = *state;

    world_run(world, "CREATE SOURCE STREAM R (A INT) WITH (KAFKA_TOPIC='r', FORMAT='JSON');"
                     "CREATE STREAM W (K INT KEY, A INT) WITH (KAFKA_TOPIC='w', FORMAT='JSON',"
                     " WINDOW_TYPE='SESSION');"
                     "CREATE STREAM H (A INT, X BYTES HEADER('x'))"
                     " WITH (KAFKA_TOPIC='h', FORMAT='JSON');");
    world_refuses(world, "INSERT INTO R VALUES (1);", ERR_STATEMENT, "it is read-only");
    world_refuses(world, "INSERT INTO W VALUES (1, 1);", ERR_STATEMENT, "its keys carry windows");
    world_refuses(world, "INSERT INTO H VALUES (1, NULL);", ERR_STATEMENT,
                  "cannot insert into header column \"X\"");
    world_refuses(world, "INSERT INTO H (A, X) VALUES (1, NULL);", ERR_STATEMENT,
                  "cannot insert into header column \"X\"");
    world_refuses(world, "INSERT INTO NOPE VALUES (1);", ERR_STATEMENT, "does not exist");
    world->property = "ksql.insert.into.values.enabled";
    world->value = "false";
    world_refuses(world, "INSERT INTO T VALUES (1, 2);", ERR_STATEMENT, "is switched off");
}

#define insert_test(test) cmocka_unit_test_setup_teardown(test, setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        insert_test(values_go_to_the_listed_columns),
        insert_test(several_rows_are_inserted_at_once),
        insert_test(rowtime_sets_the_timestamp),
        insert_test(values_widen_to_the_columns_type),
        insert_test(functions_are_evaluated),
        insert_test(values_that_do_not_fit_are_refused),
        insert_test(columns_are_checked),
        insert_test(tables_need_their_primary_key),
        insert_test(targets_must_be_writable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
