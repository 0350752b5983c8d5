/* The WITH clause: properties, formats, timestamps, windows. */
#include "tests/support/planner_world.h"

static const char *create(PlannerWorld *world, const char *columns, const char *props)
{
    return str_printf(world->mem, "CREATE STREAM S (%s) WITH (KAFKA_TOPIC='t', %s);%c", columns,
                      props, 0)
        .ptr;
}

static const Source *made(PlannerWorld *world, const char *columns, const char *props)
{
    if (world_plan(world, create(world, columns, props)) != ERR_OK)
        fail_msg("%s: %s", props, world->err.msg);
    return world->plan.source;
}

static void refuses(PlannerWorld *world, const char *columns, const char *props,
                    const char *fragment)
{
    world_refuses(world, create(world, columns, props), ERR_STATEMENT, fragment);
}

static void properties_are_known_in_any_case(void **state)
{
    PlannerWorld *world = *state;

    assert_int_equal(made(world, "A INT", "value_format='json'")->value_format.kind, FORMAT_JSON);
    refuses(world, "A INT", "VALUE_FORMT='JSON'", "unknown property \"VALUE_FORMT\"");
    assert_string_equal(world->err.hint, "did you mean VALUE_FORMAT?");
    refuses(world, "A INT", "FORMAT='JSON', FORMAT='JSON'", "property FORMAT is written twice");
    refuses(world, "A INT", "FORMAT='JSON', CLEANUP_POLICY='compact'",
            "property CLEANUP_POLICY is not allowed here");
    refuses(world, "A INT", "FORMAT='JSON', QUERY_ID='x'", "property QUERY_ID is not allowed here");
}

static void numbers_and_booleans_may_be_text(void **state)
{
    PlannerWorld *world = *state;

    assert_int_equal(made(world, "A INT", "FORMAT='JSON', PARTITIONS='4'")->partitions, 4);
    assert_false(
        made(world, "A INT", "FORMAT='JSON', WRAP_SINGLE_VALUE='false'")->value_format.is_wrapped);
    refuses(world, "A INT", "FORMAT='JSON', PARTITIONS='many'", "PARTITIONS needs a whole number");
    refuses(world, "A INT", "FORMAT='JSON', PARTITIONS=0", "PARTITIONS is 0");
    refuses(world, "A INT", "FORMAT='JSON', REPLICAS=0", "REPLICAS is 0");
    refuses(world, "A INT", "FORMAT='JSON', WRAP_SINGLE_VALUE=3",
            "WRAP_SINGLE_VALUE needs TRUE or FALSE");
    refuses(world, "A INT", "FORMAT=3", "FORMAT needs a string");
}

static void topic_is_required(void **state)
{
    world_refuses(*state, "CREATE STREAM S (A INT) WITH (FORMAT='JSON');", ERR_STATEMENT,
                  "the topic of stream \"S\" is missing");
    world_refuses(*state, "CREATE STREAM S (A INT) WITH (KAFKA_TOPIC=' ', FORMAT='JSON');",
                  ERR_STATEMENT, "KAFKA_TOPIC is empty");
}

static void format_sets_both_and_excludes_the_others(void **state)
{
    PlannerWorld *world = *state;

    assert_int_equal(made(world, "K INT KEY, A INT", "FORMAT='DELIMITED'")->key_format.kind,
                     FORMAT_DELIMITED);
    refuses(world, "A INT", "FORMAT='JSON', KEY_FORMAT='JSON'", "both FORMAT and KEY_FORMAT");
    refuses(world, "A INT", "FORMAT='JSON', VALUE_FORMAT='JSON'", "both FORMAT and VALUE_FORMAT");
    refuses(world, "A INT", "VALUE_FORMAT='FOO'", "unknown format 'FOO'");
    refuses(world, "A INT", "VALUE_FORMAT='NONE'", "format NONE is for keys only");
    refuses(world, "A INT", "KEY_FORMAT='JSON'", "the format of the values is missing");
}

static void default_formats_come_from_properties(void **state)
{
    PlannerWorld *world = *state;

    world->property = "ksql.persistence.default.format.value";
    world->value = "DELIMITED";
    assert_int_equal(made(world, "A INT", "KEY_FORMAT='JSON'")->value_format.kind,
                     FORMAT_DELIMITED);
    world->property = "ksql.persistence.default.format.key";
    world->value = "JSON";
    assert_int_equal(made(world, "A INT", "VALUE_FORMAT='JSON'")->key_format.kind, FORMAT_JSON);
}

static void delimiters_are_one_character(void **state)
{
    PlannerWorld *world = *state;

    assert_int_equal(made(world, "A INT", "FORMAT='DELIMITED'")->value_format.delimiter, ',');
    assert_int_equal(
        made(world, "A INT", "FORMAT='DELIMITED', VALUE_DELIMITER='|'")->value_format.delimiter,
        '|');
    assert_int_equal(
        made(world, "A INT", "FORMAT='DELIMITED', KEY_DELIMITER='tab'")->key_format.delimiter,
        '\t');
    refuses(world, "A INT", "FORMAT='DELIMITED', VALUE_DELIMITER=''",
            "a delimiter is one character");
    refuses(world, "A INT", "FORMAT='DELIMITED', VALUE_DELIMITER=' '",
            "a delimiter is one character");
    refuses(world, "A INT", "FORMAT='DELIMITED', VALUE_DELIMITER='ab'",
            "a delimiter is one character");
    refuses(world, "A INT", "FORMAT='JSON', VALUE_DELIMITER=','", "format JSON has no delimiter");
}

static void single_values_are_wrapped_where_the_format_does(void **state)
{
    PlannerWorld *world = *state;

    assert_true(made(world, "A INT", "FORMAT='JSON'")->value_format.is_wrapped);
    assert_false(made(world, "A INT", "FORMAT='KAFKA'")->value_format.is_wrapped);
    assert_false(made(world, "K INT KEY, A INT", "FORMAT='JSON'")->key_format.is_wrapped);
    assert_true(made(world, "K INT KEY, L INT KEY, A INT", "FORMAT='JSON'")->key_format.is_wrapped);
    refuses(world, "A INT, B INT", "FORMAT='JSON', WRAP_SINGLE_VALUE=TRUE", "here are 2");
    refuses(world, "A INT", "FORMAT='DELIMITED', WRAP_SINGLE_VALUE=TRUE",
            "format DELIMITED does not support WRAP_SINGLE_VALUE = TRUE");
    world->property = "ksql.persistence.wrap.single.values";
    world->value = "false";
    assert_false(made(world, "A INT", "FORMAT='JSON'")->value_format.is_wrapped);
}

static void formats_refuse_types_they_cannot_hold(void **state)
{
    PlannerWorld *world = *state;

    refuses(world, "A ARRAY<INT>", "FORMAT='DELIMITED'",
            "format DELIMITED does not support type ARRAY, column \"A\"");
    refuses(world, "A BOOLEAN", "FORMAT='KAFKA'", "format KAFKA does not support type BOOLEAN");
    refuses(world, "A INT, B INT", "FORMAT='KAFKA'", "format KAFKA holds one value column");
    refuses(world, "K INT KEY, L INT KEY, A INT", "VALUE_FORMAT='JSON'",
            "format KAFKA holds one key column");
    refuses(world, "K DECIMAL(3, 1) KEY, A INT", "VALUE_FORMAT='JSON'",
            "format KAFKA does not support type DECIMAL");
    refuses(world, "A MAP<INT, INT>", "FORMAT='JSON'", "MAP with STRING keys only");
    refuses(world, "A ARRAY<STRUCT<M MAP<INT, INT>>>", "FORMAT='JSON'",
            "MAP with STRING keys only");
    refuses(world, "K INT KEY, A INT", "KEY_FORMAT='NONE', VALUE_FORMAT='JSON'",
            "key format NONE is for sources without key columns");
}

static void registry_formats_answer_not_yet(void **state)
{
    world_refuses(*state, create(*state, "A INT", "VALUE_FORMAT='AVRO'"), ERR_NOT_YET,
                  "not supported yet: schema registry and Protobuf formats");
}

static void schema_names_and_ids_are_for_registry_formats(void **state)
{
    refuses(*state, "A INT", "FORMAT='JSON', VALUE_SCHEMA_FULL_NAME='x'",
            "format JSON has no schema names");
    refuses(*state, "A INT", "FORMAT='JSON', VALUE_SCHEMA_ID=1",
            "format JSON has no schemas in a registry");
}

static void timestamp_names_a_column_of_a_fitting_type(void **state)
{
    PlannerWorld *world = *state;
    const Source *source = made(world, "A INT, TS BIGINT", "FORMAT='JSON', TIMESTAMP='ts'");

    assert_int_equal(source->timestamp.column, 1);
    assert_true(str_eq(source->timestamp_name, STR("TS")));
    source = made(world, "`ts` STRING",
                  "FORMAT='JSON', TIMESTAMP='`ts`', TIMESTAMP_FORMAT='yyyy-MM-dd'");
    assert_int_equal(source->timestamp.column, 0);
    assert_true(str_eq(source->timestamp.format, STR("yyyy-MM-dd")));
    refuses(world, "A INT", "FORMAT='JSON', TIMESTAMP='nope'", "unknown column \"NOPE\"");
    refuses(world, "A INT", "FORMAT='JSON', TIMESTAMP='a'", "must be BIGINT, TIMESTAMP or STRING");
    refuses(world, "A STRING", "FORMAT='JSON', TIMESTAMP='a'", "TIMESTAMP_FORMAT must say");
    refuses(world, "A BIGINT", "FORMAT='JSON', TIMESTAMP='a', TIMESTAMP_FORMAT='yyyy'",
            "TIMESTAMP_FORMAT is for STRING columns");
    refuses(world, "A BIGINT", "FORMAT='JSON', TIMESTAMP_FORMAT='yyyy'",
            "TIMESTAMP_FORMAT needs TIMESTAMP");
}

static void windows_have_a_size_unless_they_are_sessions(void **state)
{
    PlannerWorld *world = *state;
    const Source *source = made(world, "K INT KEY, A INT",
                                "FORMAT='JSON', WINDOW_TYPE='tumbling', WINDOW_SIZE='10 seconds'");

    assert_int_equal(source->window, WINDOW_TUMBLING);
    assert_int_equal(source->window_size_ms, 10000);
    assert_int_equal(
        made(world, "K INT KEY, A INT", "FORMAT='JSON', WINDOW_TYPE='SESSION'")->window,
        WINDOW_SESSION);
    refuses(world, "K INT KEY, A INT", "FORMAT='JSON', WINDOW_TYPE='HOPPING'", "needs WINDOW_SIZE");
    refuses(world, "K INT KEY, A INT",
            "FORMAT='JSON', WINDOW_TYPE='SESSION', WINDOW_SIZE='1 SECOND'",
            "WINDOW_SIZE is not for SESSION");
    refuses(world, "K INT KEY, A INT", "FORMAT='JSON', WINDOW_TYPE='SLIDING'",
            "unknown WINDOW_TYPE 'SLIDING'");
    refuses(world, "K INT KEY, A INT", "FORMAT='JSON', WINDOW_SIZE='1 SECOND'",
            "WINDOW_SIZE needs WINDOW_TYPE");
    refuses(world, "K INT KEY, A INT",
            "FORMAT='JSON', WINDOW_TYPE='TUMBLING', WINDOW_SIZE='SECONDS'", "WINDOW_SIZE is");
    refuses(world, "A INT", "FORMAT='JSON', WINDOW_TYPE='SESSION'", "needs a key column");
}

static void retention_is_for_streams(void **state)
{
    world_refuses(*state,
                  "CREATE TABLE T (ID INT PRIMARY KEY, A INT) WITH (KAFKA_TOPIC='t',"
                  " FORMAT='JSON', RETENTION_MS=1);",
                  ERR_STATEMENT, "RETENTION_MS is for streams");
}

/* How long the topic of the last statement is to keep its records. */
static int64_t retention(PlannerWorld *world, const char *sql)
{
    world->is_topic_missing = true;
    world_run(world, sql);
    assert_true(world->plan.is_topic_new);
    return world->plan.topic_facts.retention_ms;
}

#define STREAM                                                                                     \
    "CREATE STREAM S (K INT KEY, A INT) WITH (KAFKA_TOPIC='s', FORMAT='JSON', PARTITIONS=1"

static void retention_may_be_for_ever(void **state)
{
    assert_int_equal(retention(*state, STREAM ", RETENTION_MS=-1);"), -1);
}

static void retention_of_a_new_topic_is_a_property(void **state)
{
    PlannerWorld *world = *state;

    assert_int_equal(retention(world, STREAM ");"), 604800000);
    world->property = "weir.retention.ms";
    world->value = "5000";
    assert_int_equal(retention(world, "CREATE STREAM T WITH (KAFKA_TOPIC='t') AS SELECT * FROM S;"),
                     5000);
}

static void retention_covers_the_windows(void **state)
{
    PlannerWorld *world = *state;

    world_run(world, "CREATE STREAM S (K INT KEY) WITH (KAFKA_TOPIC='s', FORMAT='JSON');");
    assert_int_equal(retention(world, "CREATE TABLE T WITH (KAFKA_TOPIC='t', RETENTION_MS=1000) AS "
                                      "SELECT K, COUNT(*) AS N FROM S WINDOW TUMBLING "
                                      "(SIZE 1 HOUR, RETENTION 1 DAY) GROUP BY K;"),
                     86400000);
}

/* The topic is there, made by the same statement: an hour asked for, a day for the windows. */
static void raised_retention_agrees_with_itself(void **state)
{
    static const char table[] = "CREATE TABLE T WITH (KAFKA_TOPIC='t', RETENTION_MS=3600000) AS "
                                "SELECT K, COUNT(*) AS N FROM S WINDOW TUMBLING "
                                "(SIZE 1 HOUR, RETENTION 1 DAY) GROUP BY K;";
    PlannerWorld     *world = *state;

    world_run(world, "CREATE STREAM S (K INT KEY) WITH (KAFKA_TOPIC='s', FORMAT='JSON');");
    world->retention_ms = 7200000;
    world_refuses(world, table, ERR_STATEMENT, "keeps records for 7200000 ms, not 3600000");
    world->retention_ms = -1;
    world_refuses(world, table, ERR_STATEMENT, "keeps records for ever, not for 3600000 ms");
    world->retention_ms = 86400000;
    world_run(world, table);
    assert_false(world->plan.is_topic_new);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        world_test(properties_are_known_in_any_case),
        world_test(numbers_and_booleans_may_be_text),
        world_test(topic_is_required),
        world_test(format_sets_both_and_excludes_the_others),
        world_test(default_formats_come_from_properties),
        world_test(delimiters_are_one_character),
        world_test(single_values_are_wrapped_where_the_format_does),
        world_test(formats_refuse_types_they_cannot_hold),
        world_test(registry_formats_answer_not_yet),
        world_test(schema_names_and_ids_are_for_registry_formats),
        world_test(timestamp_names_a_column_of_a_fitting_type),
        world_test(windows_have_a_size_unless_they_are_sessions),
        world_test(retention_is_for_streams),
        world_test(retention_may_be_for_ever),
        world_test(retention_of_a_new_topic_is_a_property),
        world_test(retention_covers_the_windows),
        world_test(raised_retention_agrees_with_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
