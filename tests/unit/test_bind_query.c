/* SELECT: projections, names, keys, grouping; CREATE ... AS and INSERT INTO ... SELECT. */
#include "tests/support/planner_world.h"

static int setup(void **state)
{
    world_setup(state);
    world_run(*state,
              "CREATE STREAM S (K INT KEY, A INT, B STRING, R STRUCT<A INT, C STRING>)"
              " WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON');"
              "CREATE STREAM S2 (K1 INT KEY, K2 INT KEY, V INT)"
              " WITH (KAFKA_TOPIC='s2', FORMAT='JSON');"
              "CREATE TABLE T (ID INT PRIMARY KEY, A INT, B STRING)"
              " WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JSON');"
              "CREATE STREAM D (K INT KEY, A INT) WITH (KAFKA_TOPIC='d', FORMAT='DELIMITED');"
              "CREATE STREAM F (K INT KEY, A INT) WITH (KAFKA_TOPIC='f', FORMAT='KAFKA');"
              "CREATE STREAM W (K INT KEY, A INT) WITH (KAFKA_TOPIC='w', FORMAT='JSON',"
              " WINDOW_TYPE='SESSION');");
    return 0;
}

/* --- names ------------------------------------------------------------------------------------ */

static void unnamed_columns_are_numbered(void **state)
{
    assert_string_equal(world_schema(*state, "CREATE STREAM O AS SELECT K, A + 1, A AS X, B + 'x',"
                                             " UCASE(B) FROM S;"),
                        "`K` INTEGER KEY, `KSQL_COL_0` INTEGER, `X` INTEGER, `KSQL_COL_1` STRING, "
                        "`KSQL_COL_2` STRING");
}

static void fields_keep_their_name_until_it_is_taken(void **state)
{
    assert_string_equal(
        world_schema(*state, "CREATE STREAM O AS SELECT K, R->C, R->A, R->C FROM S;"),
        "`K` INTEGER KEY, `C` STRING, `A_1` INTEGER, `C_1` STRING");
    assert_string_equal(world_schema(*state, "CREATE STREAM O AS SELECT K, R->* FROM S;"),
                        "`K` INTEGER KEY, `A` INTEGER, `C` STRING");
}

static void pseudo_columns_need_another_name(void **state)
{
    world_refuses(*state, "CREATE STREAM O AS SELECT K, ROWTIME FROM S;", ERR_STATEMENT,
                  "pseudo column \"ROWTIME\" cannot be a column of the result");
    world_refuses(*state, "CREATE STREAM O AS SELECT K, A AS ROWTIME FROM S;", ERR_STATEMENT,
                  "alias \"ROWTIME\"");
    assert_string_equal(world_schema(*state, "CREATE STREAM O AS SELECT K, ROWTIME AS TS FROM S;"),
                        "`K` INTEGER KEY, `TS` BIGINT");
}

static void duplicate_names_are_refused(void **state)
{
    world_refuses(*state, "CREATE STREAM O AS SELECT K, A, B AS A FROM S;", ERR_STATEMENT,
                  "column \"A\" stands twice");
    world_refuses(*state, "SELECT A, A FROM S EMIT CHANGES;", ERR_STATEMENT,
                  "column \"A\" stands twice");
}

/* --- keys of the result ----------------------------------------------------------------------- */

static void the_key_must_be_selected_once(void **state)
{
    PlannerWorld *world = *state;

    world_refuses(world, "CREATE STREAM O AS SELECT A FROM S;", ERR_STATEMENT,
                  "the SELECT list must hold the key column \"K\"");
    assert_string_equal(world->err.hint, "write SELECT K, ...");
    world_refuses(world, "CREATE STREAM O AS SELECT K, K AS L, A FROM S;", ERR_STATEMENT,
                  "holds the key twice");
    assert_string_equal(world->err.hint, "AS_VALUE(K) AS L puts a copy into the value");
    world_refuses(world, "CREATE STREAM O AS SELECT K FROM S;", ERR_STATEMENT,
                  "the result has no value columns");
    assert_string_equal(
        world_schema(world, "CREATE STREAM O AS SELECT A, AS_VALUE(K) AS C, K AS Z FROM S;"),
        "`Z` INTEGER KEY, `A` INTEGER, `C` INTEGER");
}

static void new_planner_takes_the_keys_that_are_selected(void **state)
{
    PlannerWorld *world = *state;

    world->property = "ksql.new.query.planner.enabled";
    world->value = "true";
    assert_string_equal(world_schema(world, "CREATE STREAM O AS SELECT A FROM S;"), "`A` INTEGER");
    assert_string_equal(world_schema(world, "CREATE STREAM O AS SELECT K2, V, K1 FROM S2;"),
                        "`K2` INTEGER KEY, `K1` INTEGER KEY, `V` INTEGER");
}

static void transient_queries_select_what_they_like(void **state)
{
    assert_contains(world_text(*state, "SELECT A, ROWTIME, K FROM S EMIT CHANGES LIMIT 3;"),
                    "> push [`A` INTEGER, `ROWTIME` BIGINT, `K` INTEGER KEY] stream\n"
                    "  > limit 3 ");
}

static void partition_by_makes_a_new_key(void **state)
{
    assert_string_equal(world_schema(*state, "CREATE STREAM O AS SELECT * FROM S PARTITION BY A;"),
                        "`A` INTEGER KEY, `B` STRING, `R` STRUCT<`A` INTEGER, `C` STRING>, "
                        "`K` INTEGER");
    assert_string_equal(
        world_schema(*state, "CREATE STREAM O AS SELECT * FROM S PARTITION BY R->C;"),
        "`C` STRING KEY, `A` INTEGER, `B` STRING, `R` STRUCT<`A` INTEGER, `C` STRING>, "
        "`K` INTEGER");
    assert_string_equal(world_schema(*state, "CREATE STREAM O AS SELECT A, UCASE(B) AS U FROM S"
                                             " PARTITION BY UCASE(B);"),
                        "`U` STRING KEY, `A` INTEGER");
    assert_string_equal(world_schema(*state, "CREATE STREAM O WITH (KEY_FORMAT='JSON') AS"
                                             " SELECT K, A, B FROM S PARTITION BY B, A;"),
                        "`B` STRING KEY, `A` INTEGER KEY, `K` INTEGER");
}

static void partition_by_null_has_no_key(void **state)
{
    PlannerWorld *world = *state;

    assert_string_equal(
        world_schema(world, "CREATE STREAM O AS SELECT A, B FROM S PARTITION BY NULL;"),
        "`A` INTEGER, `B` STRING");
    assert_int_equal(world->plan.source->key_format.kind, FORMAT_NONE);
    world_refuses(world,
                  "CREATE STREAM O WITH (KEY_FORMAT='JSON') AS SELECT A FROM S PARTITION BY NULL;",
                  ERR_STATEMENT, "has no key columns");
    world_refuses(world, "CREATE STREAM O AS SELECT A, B FROM S PARTITION BY NULL, A;",
                  ERR_STATEMENT, "NULL cannot stand with other expressions");
}

static void partition_by_is_checked(void **state)
{
    world_refuses(*state, "CREATE TABLE O AS SELECT * FROM T PARTITION BY A;", ERR_STATEMENT,
                  "PARTITION BY is for streams");
    world_refuses(*state, "CREATE STREAM O AS SELECT * FROM S PARTITION BY A, A;", ERR_STATEMENT,
                  "stands twice in PARTITION BY");
    world_refuses(*state, "CREATE STREAM O AS SELECT * FROM S PARTITION BY COUNT(*);",
                  ERR_STATEMENT, "is not allowed in PARTITION BY");
    world_refuses(*state, "CREATE STREAM O AS SELECT A AS X FROM S PARTITION BY X;", ERR_STATEMENT,
                  "unknown column \"X\" in PARTITION BY");
    world_refuses(*state, "CREATE STREAM O AS SELECT * FROM S PARTITION BY MAP('a' := A);",
                  ERR_STATEMENT, "holds a MAP");
    world_refuses(*state, "CREATE STREAM O AS SELECT K, B FROM S PARTITION BY A;", ERR_STATEMENT,
                  "the SELECT list must hold the partitioning expression \"A\"");
    world_refuses(*state, "CREATE STREAM O AS SELECT * FROM W PARTITION BY A;", ERR_STATEMENT,
                  "a windowed stream cannot be re-keyed");
}

/* --- grouping --------------------------------------------------------------------------------- */

static void groups_are_the_key(void **state)
{
    assert_string_equal(
        world_schema(*state,
                     "CREATE TABLE O AS SELECT B, COUNT(*) AS N, SUM(A) FROM S GROUP BY B;"),
        "`B` STRING KEY, `N` BIGINT, `KSQL_COL_0` INTEGER");
    assert_string_equal(world_schema(*state, "CREATE TABLE O WITH (KEY_FORMAT='JSON') AS"
                                             " SELECT COUNT(*) AS N, A + 1 AS X, B FROM S"
                                             " GROUP BY B, A + 1;"),
                        "`B` STRING KEY, `X` INTEGER KEY, `N` BIGINT");
}

static void ungrouped_columns_are_refused(void **state)
{
    world_refuses(*state, "CREATE TABLE O AS SELECT B, A, COUNT(*) FROM S GROUP BY B;",
                  ERR_STATEMENT, "column \"A\" is not part of the GROUP BY expressions");
    world_refuses(*state, "CREATE TABLE O AS SELECT A + K AS X, COUNT(*) FROM S GROUP BY K + A;",
                  ERR_STATEMENT, "must hold the grouping expression");
    world_refuses(*state, "CREATE TABLE O AS SELECT B, COUNT(*) FROM S GROUP BY B HAVING A > 1;",
                  ERR_STATEMENT, "column \"A\" is not part of the GROUP BY expressions");
    world_refuses(*state, "CREATE TABLE O AS SELECT B, ROWTIME AS X, COUNT(*) FROM S GROUP BY B;",
                  ERR_STATEMENT, "column \"ROWTIME\" is not part");
    assert_int_equal(world_plan(*state, "CREATE TABLE O AS SELECT A, A * SUM(K) + 1 AS X FROM S"
                                        " GROUP BY A HAVING UCASE('x') = 'X' AND A > COUNT(*);"),
                     ERR_OK);
}

static void aggregation_rules_are_kept(void **state)
{
    world_refuses(*state, "CREATE TABLE O AS SELECT B, UCASE(B) AS U FROM S GROUP BY B;",
                  ERR_STATEMENT, "GROUP BY needs an aggregate function");
    world_refuses(*state, "CREATE TABLE O AS SELECT COUNT(*) AS N FROM S GROUP BY ();",
                  ERR_STATEMENT, "GROUP BY names no expression");
    world_refuses(*state, "CREATE TABLE O AS SELECT COUNT(*) AS N FROM S;", ERR_STATEMENT,
                  "aggregate function \"COUNT\" needs a GROUP BY clause");
    world_refuses(*state, "CREATE TABLE O AS SELECT A, COUNT(SUM(K)) FROM S GROUP BY A;",
                  ERR_STATEMENT, "is not allowed in the argument of an aggregate function");
    world_refuses(*state, "CREATE TABLE O AS SELECT SUM(A), COUNT(*) FROM S GROUP BY SUM(A);",
                  ERR_STATEMENT, "is not allowed in GROUP BY");
    world_refuses(*state, "CREATE TABLE O AS SELECT B, COUNT(*) FROM S GROUP BY B, S.B;",
                  ERR_STATEMENT, "stands twice in GROUP BY");
    world_refuses(*state, "CREATE TABLE O AS SELECT B, SUM(B) FROM S GROUP BY B;", ERR_STATEMENT,
                  "does not accept parameters (STRING)");
    world_refuses(*state, "CREATE TABLE O AS SELECT A, TOPK(K, A) FROM S GROUP BY A;",
                  ERR_STATEMENT, "must be a literal");
    world_refuses(*state, "CREATE TABLE O AS SELECT A, COUNT(*) FROM F GROUP BY A;", ERR_STATEMENT,
                  "its value format is KAFKA");
    world_refuses(*state, "CREATE TABLE O AS SELECT K, AVG(A) FROM D GROUP BY K;", ERR_STATEMENT,
                  "keeps a state that value format DELIMITED");
    world_refuses(*state, "CREATE TABLE O AS SELECT ID, MIN(A), MAX(A) FROM T GROUP BY ID;",
                  ERR_STATEMENT, "only to a stream: MIN, MAX");
}

static void transient_aggregation_needs_no_group(void **state)
{
    assert_contains(world_text(*state, "SELECT COUNT(*) AS N FROM S EMIT CHANGES;"),
                    "aggregate COUNT(ROWTIME)");
}

static void one_aggregate_is_kept_once(void **state)
{
    PlannerWorld *world = *state;
    const char *text = world_text(world, "CREATE TABLE O AS SELECT A, SUM(K) AS X, SUM(K) + 1 AS Y"
                                         " FROM S GROUP BY A HAVING SUM(K) > 3;");

    assert_contains(text, "> aggregate SUM(K) [");
}

/* --- kinds of result -------------------------------------------------------------------------- */

static void the_kind_must_fit_the_result(void **state)
{
    PlannerWorld *world = *state;

    world_refuses(world, "CREATE TABLE O AS SELECT * FROM S;", ERR_STATEMENT,
                  "the result of its query is a stream");
    assert_string_equal(world->err.hint, "write CREATE STREAM ... AS SELECT");
    world_refuses(world, "CREATE STREAM O AS SELECT A, COUNT(*) FROM S GROUP BY A;", ERR_STATEMENT,
                  "the result of its query is a table");
    world_refuses(world, "CREATE STREAM O AS SELECT * FROM S LIMIT 3;", ERR_STATEMENT, "LIMIT");
    world_refuses(world, "CREATE STREAM O AS SELECT * FROM NOPE;", ERR_STATEMENT, "does not exist");
}

static void windows_are_checked_before_they_are_not_supported(void **state)
{
    world_refuses(*state,
                  "CREATE TABLE O AS SELECT A, COUNT(*) FROM S WINDOW TUMBLING"
                  " (SIZE 1 SECOND);",
                  ERR_STATEMENT, "needs a GROUP BY clause");
    world_refuses(*state,
                  "CREATE TABLE O AS SELECT ID, COUNT(*) FROM T WINDOW TUMBLING"
                  " (SIZE 1 SECOND) GROUP BY ID;",
                  ERR_STATEMENT, "is for streams");
    world_refuses(*state,
                  "CREATE TABLE O AS SELECT A, COUNT(*) FROM S WINDOW HOPPING"
                  " (SIZE 1 SECOND, ADVANCE BY 2 SECONDS) GROUP BY A;",
                  ERR_STATEMENT, "ADVANCE BY is longer than SIZE");
    world_refuses(*state,
                  "CREATE TABLE O AS SELECT A, COUNT(*) FROM S WINDOW TUMBLING"
                  " (SIZE 0 SECONDS) GROUP BY A;",
                  ERR_STATEMENT, "SIZE must be above zero");
    world_refuses(*state,
                  "CREATE TABLE O AS SELECT A, COUNT(*) FROM S WINDOW TUMBLING"
                  " (SIZE 10 SECONDS, RETENTION 1 SECOND, GRACE PERIOD 0 SECONDS)"
                  " GROUP BY A;",
                  ERR_STATEMENT, "RETENTION is 1000 ms");
    world_refuses(*state, "CREATE TABLE O AS SELECT A, COUNT(*) FROM S GROUP BY A EMIT FINAL;",
                  ERR_STATEMENT, "EMIT FINAL is for windowed aggregations");
}

/* --- sinks ------------------------------------------------------------------------------------ */

static void sinks_inherit_formats_and_partitions(void **state)
{
    PlannerWorld *world = *state;

    assert_int_equal(world_plan(world, "CREATE STREAM O AS SELECT * FROM D;"), ERR_OK);
    assert_int_equal(world->plan.source->key_format.kind, FORMAT_DELIMITED);
    assert_int_equal(world->plan.source->value_format.kind, FORMAT_DELIMITED);
    assert_int_equal(world->plan.source->partitions, 4);
    assert_true(str_eq(world->plan.topic, STR("O")));
    world->property = "ksql.output.topic.name.prefix";
    world->value = "pre_";
    assert_int_equal(world_plan(world, "CREATE STREAM O AS SELECT * FROM D;"), ERR_OK);
    assert_true(str_eq(world->plan.topic, STR("pre_O")));
    world->is_topic_missing = true;
    assert_int_equal(world_plan(world, "CREATE TABLE O WITH (KAFKA_TOPIC='x', PARTITIONS=2) AS"
                                       " SELECT * FROM T;"),
                     ERR_OK);
    assert_true(world->plan.is_topic_new);
    assert_int_equal(world->plan.topic_facts.partitions, 2);
    assert_int_equal(world->plan.topic_facts.cleanup, CLEANUP_COMPACT);
}

static void sink_formats_are_checked_against_the_result(void **state)
{
    world_refuses(*state, "CREATE STREAM O WITH (VALUE_FORMAT='DELIMITED') AS SELECT * FROM S;",
                  ERR_STATEMENT, "format DELIMITED does not support type STRUCT, column \"R\"");
    world_refuses(*state, "CREATE TABLE O AS SELECT A, B, COUNT(*) FROM S GROUP BY A, B;",
                  ERR_STATEMENT, "format KAFKA holds one key column, here are 2");
    world_refuses(*state, "CREATE STREAM O WITH (TIMESTAMP='nope') AS SELECT * FROM S;",
                  ERR_STATEMENT, "unknown column \"NOPE\"");
    world_refuses(*state, "CREATE STREAM O WITH (WINDOW_TYPE='SESSION') AS SELECT * FROM S;",
                  ERR_STATEMENT, "property WINDOW_TYPE is not allowed here");
}

static void query_ids_name_sink_and_number(void **state)
{
    PlannerWorld *world = *state;

    world->number = 9;
    assert_int_equal(world_plan(world, "CREATE TABLE O AS SELECT A, COUNT(*) FROM S GROUP BY A;"),
                     ERR_OK);
    assert_true(str_eq(world->plan.query->id, STR("CTAS_O_9")));
    assert_true(str_eq(world->plan.source->view_query, STR("CTAS_O_9")));
    assert_true(str_eq(world->plan.query->sources[0], STR("S")));
    assert_true(str_eq(world->plan.query->sink, STR("O")));
}

static void the_number_of_queries_is_limited(void **state)
{
    PlannerWorld *world = *state;

    world->property = "ksql.query.persistent.active.limit";
    world->value = "1";
    world_run(world, "CREATE STREAM O AS SELECT * FROM S;");
    world_refuses(world, "CREATE STREAM O2 AS SELECT * FROM S;", ERR_LIMIT,
                  "ksql.query.persistent.active.limit");
}

static void insert_into_fits_the_sink(void **state)
{
    PlannerWorld *world = *state;

    world_run(world,
              "CREATE STREAM X (K INT KEY, V DOUBLE) WITH (KAFKA_TOPIC='x', FORMAT='JSON');");
    assert_int_equal(world_plan(world, "INSERT INTO X SELECT K, A AS V FROM S;"), ERR_OK);
    assert_true(str_eq(world->plan.query->sink, STR("X")));
    assert_null(world->plan.source);
    world_refuses(world, "INSERT INTO X SELECT K, B AS V FROM S;", ERR_STATEMENT,
                  "the result does not fit \"X\"");
    world_refuses(world, "INSERT INTO X SELECT K, A AS V, A AS U FROM S;", ERR_STATEMENT,
                  "the result does not fit \"X\"");
    world_refuses(world, "INSERT INTO X SELECT K AS L, A AS V FROM S;", ERR_STATEMENT,
                  "the result does not fit \"X\"");
    world_refuses(world, "INSERT INTO T SELECT K, A, B FROM S;", ERR_STATEMENT, "\"T\" is a table");
    world_refuses(world, "INSERT INTO X SELECT A AS K, COUNT(*) AS V FROM S GROUP BY A;",
                  ERR_STATEMENT, "the result of the query is a table");
}

static void insert_into_may_name_its_query(void **state)
{
    PlannerWorld *world = *state;

    world_run(world, "CREATE STREAM X (K INT KEY, A INT) WITH (KAFKA_TOPIC='x', FORMAT='JSON');"
                     "INSERT INTO X WITH (QUERY_ID='mine') SELECT K, A FROM S;");
    assert_non_null(catalog_query(world->catalog, STR("MINE")));
    world_refuses(world, "INSERT INTO X WITH (QUERY_ID='Mine') SELECT K, A FROM S;", ERR_STATEMENT,
                  "query \"MINE\" exists");
    world_refuses(world, "INSERT INTO X WITH (QUERY_ID='csas_x') SELECT K, A FROM S;",
                  ERR_STATEMENT, "may not begin with CSAS_");
    world_refuses(world, "INSERT INTO X WITH (QUERY_ID='a b') SELECT K, A FROM S;", ERR_STATEMENT,
                  "letters, digits and _ only");
}

#define query_test(test) cmocka_unit_test_setup_teardown(test, setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        query_test(unnamed_columns_are_numbered),
        query_test(fields_keep_their_name_until_it_is_taken),
        query_test(pseudo_columns_need_another_name),
        query_test(duplicate_names_are_refused),
        query_test(the_key_must_be_selected_once),
        query_test(new_planner_takes_the_keys_that_are_selected),
        query_test(partition_by_makes_a_new_key),
        query_test(partition_by_null_has_no_key),
        query_test(partition_by_is_checked),
        query_test(groups_are_the_key),
        query_test(ungrouped_columns_are_refused),
        query_test(aggregation_rules_are_kept),
        query_test(transient_aggregation_needs_no_group),
        query_test(one_aggregate_is_kept_once),
        query_test(the_kind_must_fit_the_result),
        query_test(windows_are_checked_before_they_are_not_supported),
        query_test(sinks_inherit_formats_and_partitions),
        query_test(sink_formats_are_checked_against_the_result),
        query_test(query_ids_name_sink_and_number),
        query_test(the_number_of_queries_is_limited),
        query_test(insert_into_fits_the_sink),
        query_test(insert_into_may_name_its_query),
        query_test(transient_queries_select_what_they_like),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
