/* CREATE STREAM|TABLE, ALTER: columns, topics, formats' defaults, replacement. */
#include "tests/support/planner_world.h"

#define WITH_JSON " WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JSON');"

static void keys_come_first_in_their_order(void **state)
{
    assert_string_equal(world_schema(*state, "CREATE STREAM S (A INT, K1 STRING KEY, B BIGINT,"
                                             " K2 INT KEY) WITH (KAFKA_TOPIC='t', FORMAT='JSON');"),
                        "`K1` STRING KEY, `K2` INTEGER KEY, `A` INTEGER, `B` BIGINT");
}

static void create_source_knows_its_topic(void **state)
{
    PlannerWorld *world = *state;

    assert_int_equal(world_plan(world, "CREATE TABLE T (ID INT PRIMARY KEY, V INT)" WITH_JSON),
                     ERR_OK);
    assert_int_equal(world->plan.kind, STMT_CREATE_SOURCE);
    assert_true(world->plan.is_table);
    assert_true(str_eq(world->plan.entity, STR("T")));
    assert_true(str_eq(world->plan.topic, STR("t")));
    assert_false(world->plan.is_topic_new);
    assert_int_equal(world->plan.source->partitions, 4);
    assert_int_equal(world->plan.source->key_format.kind, FORMAT_KAFKA);
    assert_int_equal(world->plan.source->value_format.kind, FORMAT_JSON);
    assert_true(world->plan.source->is_table);
}

static void missing_topic_is_made_when_partitions_are_given(void **state)
{
    PlannerWorld *world = *state;

    world->is_topic_missing = true;
    world_refuses(world, "CREATE STREAM S (A INT)" WITH_JSON, ERR_STATEMENT,
                  "topic \"t\" does not exist");
    assert_int_equal(world_plan(world, "CREATE STREAM S (A INT) WITH (KAFKA_TOPIC='t',"
                                       " VALUE_FORMAT='JSON', PARTITIONS=3);"),
                     ERR_OK);
    assert_true(world->plan.is_topic_new);
    assert_int_equal(world->plan.topic_facts.partitions, 3);
    assert_int_equal(world->plan.topic_facts.cleanup, CLEANUP_DELETE);
}

static void partitions_must_agree_with_the_topic(void **state)
{
    world_refuses(*state,
                  "CREATE STREAM S (A INT) WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JSON',"
                  " PARTITIONS=3);",
                  ERR_STATEMENT, "topic \"t\" has 4 partitions, not 3");
}

static void tables_have_a_primary_key(void **state)
{
    world_refuses(*state, "CREATE TABLE T (ID INT, V INT)" WITH_JSON, ERR_STATEMENT,
                  "table \"T\" has no PRIMARY KEY");
}

static void columns_are_checked(void **state)
{
    world_refuses(*state, "CREATE STREAM S (A INT, A BIGINT)" WITH_JSON, ERR_STATEMENT,
                  "column \"A\" stands twice");
    world_refuses(*state, "CREATE STREAM S (ROWTIME BIGINT)" WITH_JSON, ERR_STATEMENT,
                  "\"ROWTIME\" is the name of a pseudo column");
    world_refuses(*state, "CREATE STREAM S" WITH_JSON, ERR_STATEMENT, "has no columns");
    world_refuses(*state, "CREATE STREAM `a.b` (A INT)" WITH_JSON, ERR_STATEMENT,
                  "invalid name \"a.b\"");
    world_refuses(*state,
                  "CREATE STREAM S (M MAP<INT, INT> KEY, V INT) WITH (KAFKA_TOPIC='t',"
                  " FORMAT='JSON');",
                  ERR_STATEMENT, "key column \"M\" holds a MAP");
}

static void header_columns_have_fixed_types(void **state)
{
    assert_string_equal(
        world_schema(*state, "CREATE STREAM S (A INT, H BYTES HEADER('x'))" WITH_JSON),
        "`A` INTEGER, `H` BYTES HEADER('x')");
    world_refuses(*state, "CREATE STREAM S (A INT, H INT HEADER('x'))" WITH_JSON, ERR_STATEMENT,
                  "its type must be BYTES");
    world_refuses(*state, "CREATE STREAM S (A INT, H ARRAY<INT> HEADERS)" WITH_JSON, ERR_STATEMENT,
                  "ARRAY<STRUCT<KEY STRING, VALUE BYTES>>");
    world_refuses(*state,
                  "CREATE STREAM S (A INT, H BYTES HEADER('x'), G BYTES HEADER('x'))" WITH_JSON,
                  ERR_STATEMENT, "HEADER('x') stands twice");
    world_refuses(*state,
                  "CREATE STREAM S (A INT, H ARRAY<STRUCT<KEY STRING, VALUE BYTES>> HEADERS,"
                  " G BYTES HEADER('x'))" WITH_JSON,
                  ERR_STATEMENT, "HEADERS stands for all headers");
}

static void taken_name_is_refused_unless_if_not_exists(void **state)
{
    PlannerWorld *world = *state;

    world_run(world, "CREATE STREAM S (A INT)" WITH_JSON);
    world_refuses(world, "CREATE TABLE S (A INT PRIMARY KEY)" WITH_JSON, ERR_STATEMENT,
                  "cannot add table \"S\": a stream of that name exists");
    assert_int_equal(world_plan(world, "CREATE STREAM IF NOT EXISTS S (B INT)" WITH_JSON), ERR_OK);
    assert_int_equal(world->plan.kind, STMT_NOTHING);
    assert_true(world->plan.warning.len > 0);
    assert_null(world->plan.source);
}

static void or_replace_may_only_append_value_columns(void **state)
{
    PlannerWorld *world = *state;

    world_run(world, "CREATE STREAM S (K INT KEY, A INT)" WITH_JSON);
    assert_string_equal(
        world_schema(world, "CREATE OR REPLACE STREAM S (K INT KEY, A INT, B INT)" WITH_JSON),
        "`K` INTEGER KEY, `A` INTEGER, `B` INTEGER");
    world_refuses(world, "CREATE OR REPLACE STREAM S (K INT KEY, B INT)" WITH_JSON, ERR_STATEMENT,
                  "column \"A\" would change, move or go");
    world_refuses(world, "CREATE OR REPLACE STREAM S (A INT)" WITH_JSON, ERR_STATEMENT,
                  "its key columns would change");
    world_refuses(world,
                  "CREATE OR REPLACE STREAM S (K INT KEY, A INT) WITH (KAFKA_TOPIC='u',"
                  " VALUE_FORMAT='JSON');",
                  ERR_STATEMENT, "its topic would change");
    world_refuses(world,
                  "CREATE OR REPLACE STREAM S (K INT KEY, A INT) WITH (KAFKA_TOPIC='t',"
                  " VALUE_FORMAT='DELIMITED');",
                  ERR_STATEMENT, "its formats would change");
    world_refuses(world, "CREATE OR REPLACE TABLE S (K INT PRIMARY KEY, A INT)" WITH_JSON,
                  ERR_STATEMENT, "cannot replace stream \"S\" by a table");
}

static void source_streams_are_read_only(void **state)
{
    PlannerWorld *world = *state;

    world_run(world, "CREATE SOURCE STREAM S (K INT KEY, A INT)" WITH_JSON);
    world_refuses(world, "CREATE OR REPLACE STREAM S (K INT KEY, A INT)" WITH_JSON, ERR_STATEMENT,
                  "it is read-only");
    world_refuses(world, "CREATE OR REPLACE SOURCE STREAM X (A INT)" WITH_JSON, ERR_STATEMENT,
                  "CREATE OR REPLACE is not possible for SOURCE streams");
    world_refuses(world, "ALTER STREAM S ADD B INT;", ERR_STATEMENT, "it is read-only");
}

static void source_table_gets_a_query_that_keeps_it(void **state)
{
    PlannerWorld *world = *state;

    world->number = 7;
    assert_int_equal(
        world_plan(world, "CREATE SOURCE TABLE T (ID INT PRIMARY KEY, V INT)" WITH_JSON), ERR_OK);
    assert_true(str_eq(world->plan.query->id, STR("CST_T_7")));
    assert_true(str_eq(world->plan.source->view_query, STR("CST_T_7")));
    assert_int_equal(world->plan.query->plan->root->kind, PLAN_VIEW);
    world->property = "ksql.source.table.materialization.enabled";
    world->value = "false";
    assert_int_equal(
        world_plan(world, "CREATE SOURCE TABLE T (ID INT PRIMARY KEY, V INT)" WITH_JSON), ERR_OK);
    assert_null(world->plan.query);
}

static void alter_appends_value_columns(void **state)
{
    PlannerWorld *world = *state;

    world_run(world, "CREATE STREAM S (K INT KEY, A INT)" WITH_JSON);
    assert_string_equal(world_schema(world, "ALTER STREAM S ADD COLUMN B INT, ADD C STRING;"),
                        "`K` INTEGER KEY, `A` INTEGER, `B` INTEGER, `C` STRING");
    world_refuses(world, "ALTER STREAM S ADD A INT;", ERR_STATEMENT, "column \"A\" stands twice");
    world_refuses(world, "ALTER TABLE S ADD B INT;", ERR_STATEMENT, "is a stream, not a table");
    world_refuses(world, "ALTER STREAM NOPE ADD B INT;", ERR_STATEMENT, "does not exist");
    world_run(world, "CREATE STREAM C AS SELECT * FROM S;");
    world_refuses(world, "ALTER STREAM C ADD B INT;", ERR_STATEMENT,
                  "its query decides its columns");
}

static void custom_types_are_replaced_by_their_definition(void **state)
{
    PlannerWorld *world = *state;

    world_run(world, "CREATE TYPE ADDR AS STRUCT<STREET STRING>;");
    world_run(world, "CREATE TYPE ADDRS AS ARRAY<ADDR>;");
    assert_string_equal(world_schema(world, "CREATE STREAM S (A ADDRS)" WITH_JSON),
                        "`A` ARRAY<STRUCT<`STREET` STRING>>");
    world_refuses(world, "CREATE STREAM S (A ADR)" WITH_JSON, ERR_STATEMENT,
                  "unknown type \"ADR\"");
    assert_string_equal(world->err.hint, "did you mean ADDR?");
    world_refuses(world, "CREATE STREAM S (A FLOAT)" WITH_JSON, ERR_STATEMENT, "unknown type");
    assert_string_equal(world->err.hint, "did you mean DOUBLE?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        world_test(keys_come_first_in_their_order),
        world_test(create_source_knows_its_topic),
        world_test(missing_topic_is_made_when_partitions_are_given),
        world_test(partitions_must_agree_with_the_topic),
        world_test(tables_have_a_primary_key),
        world_test(columns_are_checked),
        world_test(header_columns_have_fixed_types),
        world_test(taken_name_is_refused_unless_if_not_exists),
        world_test(or_replace_may_only_append_value_columns),
        world_test(source_streams_are_read_only),
        world_test(source_table_gets_a_query_that_keeps_it),
        world_test(alter_appends_value_columns),
        world_test(custom_types_are_replaced_by_their_definition),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
