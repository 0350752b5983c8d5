/* test_entity_print.c -- answers of /ksql as a person reads them. */
#include "tests/support/arena_group.h"

#include "cli/entity_print.h"

static Json *parse(Arena *mem, const char *text)
{
    Json *json;
    Err   err;

    assert_int_equal(json_parse(mem, str_from(text), &json, &err), ERR_OK);
    return json;
}

static void expect(Arena *mem, const char *entity, const char *expected)
{
    Buf out = buf_in(mem);

    entity_print(mem, &out, parse(mem, entity), 0);
    buf_put(&out, 0);
    assert_string_equal(out.ptr, expected);
}

static void streams_are_a_list(void **state)
{
    expect(test_arena(state),
           "{\"@type\":\"streams\",\"streams\":[{\"name\":\"S\",\"topic\":\"t\",\"keyFormat\":"
           "\"KAFKA\",\"valueFormat\":\"JSON\",\"isWindowed\":false}],\"warnings\":[]}",
           "\n"
           " Stream Name | Kafka Topic | Key Format | Value Format | Windowed\n"
           "------------------------------------------------------------------\n"
           " S           | t           | KAFKA      | JSON         | false\n"
           "------------------------------------------------------------------\n");
}

static void replicas_of_all_partitions_are_one_number_when_equal(void **state)
{
    expect(test_arena(state),
           "{\"@type\":\"kafka_topics\",\"topics\":[{\"name\":\"a\",\"replicaInfo\":[3,3]},"
           "{\"name\":\"b\",\"replicaInfo\":[1,2]}]}",
           "\n"
           " Kafka Topic | Partitions | Partition Replicas\n"
           "-----------------------------------------------\n"
           " a           | 2          | 3\n"
           " b           | 2          | 1, 2\n"
           "-----------------------------------------------\n");
}

static void statement_shows_its_message_and_warnings_come_first(void **state)
{
    expect(test_arena(state),
           "{\"@type\":\"currentStatus\",\"commandStatus\":{\"status\":\"SUCCESS\",\"message\":"
           "\"Stream created\"},\"warnings\":[{\"message\":\"careful\"}]}",
           "WARNING: careful\n"
           "\n"
           " Message\n"
           "----------------\n"
           " Stream created\n"
           "----------------\n");
}

static void property_says_who_set_it(void **state)
{
    expect(test_arena(state),
           "{\"@type\":\"properties\",\"properties\":["
           "{\"name\":\"a\",\"scope\":\"KSQL\",\"value\":\"1\"},"
           "{\"name\":\"b\",\"scope\":\"KSQL\",\"value\":null},"
           "{\"name\":\"c\",\"scope\":\"KSQL\",\"value\":\"3\"}],"
           "\"overwrittenProperties\":[\"a\"],\"defaultProperties\":[\"b\"]}",
           "\n"
           " Property | Scope | Default override | Effective Value\n"
           "-------------------------------------------------------\n"
           " a        | KSQL  | SESSION          | 1\n"
           " b        | KSQL  |                  | NULL\n"
           " c        | KSQL  | SERVER           | 3\n"
           "-------------------------------------------------------\n");
}

static void functions_are_sorted_by_category(void **state)
{
    expect(test_arena(state),
           "{\"@type\":\"function_names\",\"functions\":["
           "{\"name\":\"SUM\",\"category\":\"AGGREGATE\"},{\"name\":\"ABS\",\"category\":\"MATH\"},"
           "{\"name\":\"AVG\",\"category\":\"AGGREGATE\"}]}",
           "\n"
           " Function Name | Category\n"
           "---------------------------\n"
           " AVG           | AGGREGATE\n"
           " SUM           | AGGREGATE\n"
           " ABS           | MATH\n"
           "---------------------------\n"
           "For detailed information about a function run: DESCRIBE FUNCTION <Name>;\n");
}

static void describe_marks_keys_and_headers_and_writes_types_as_sql(void **state)
{
    expect(test_arena(state),
           "{\"@type\":\"sourceDescription\",\"sourceDescription\":{\"name\":\"T\",\"type\":"
           "\"TABLE\",\"windowType\":\"TUMBLING\",\"extended\":false,\"fields\":["
           "{\"name\":\"K\",\"type\":\"KEY\",\"schema\":{\"type\":\"STRING\"}},"
           "{\"name\":\"D\",\"schema\":{\"type\":\"DECIMAL\",\"parameters\":{\"precision\":4,"
           "\"scale\":2}}},"
           "{\"name\":\"N\",\"schema\":{\"type\":\"STRUCT\",\"fields\":[{\"name\":\"M\",\"schema\":"
           "{\"type\":\"MAP\",\"memberSchema\":{\"type\":\"ARRAY\",\"memberSchema\":{\"type\":"
           "\"INTEGER\"}}}}]}},"
           "{\"name\":\"H\",\"type\":\"HEADER\",\"headerKey\":\"x\",\"schema\":{\"type\":"
           "\"BYTES\"}}]}}",
           "\n"
           "Name             : T\n"
           " Field | Type\n"
           "---------------------------------------------------------------\n"
           " K     | VARCHAR(STRING) (primary key) (Window type: TUMBLING)\n"
           " D     | DECIMAL(4, 2)\n"
           " N     | STRUCT<M MAP<STRING, ARRAY<INTEGER>>>\n"
           " H     | BYTES (header('x'))\n"
           "---------------------------------------------------------------\n"
           "For runtime statistics and query details run: DESCRIBE T EXTENDED;\n");
}

static void explain_prints_the_plan_as_it_is(void **state)
{
    expect(test_arena(state),
           "{\"@type\":\"queryDescription\",\"queryDescription\":{\"id\":\"Q\",\"statementText\":"
           "\"SELECT 1\",\"sources\":[\"A\",\"B\"],\"sinks\":[],\"fields\":[],"
           "\"executionPlan\":\"> x\\n  > y\\n\",\"topology\":\"> x\\n  > y\\n\"}}",
           "\n"
           "ID               : Q\n"
           "SQL              : SELECT 1\n"
           "Reads from       : A, B\n"
           "\n"
           "Execution plan\n"
           "--------------\n"
           "> x\n"
           "  > y\n");
}

static void unknown_entity_is_shown_as_json(void **state)
{
    expect(test_arena(state), "{\"@type\":\"newer\",\"x\":1}", "\n{\"@type\":\"newer\",\"x\":1}\n");
}

static void failed_statement_is_told_from_others(void **state)
{
    Arena *mem = test_arena(state);

    assert_true(entity_is_failure(parse(mem, "{\"commandStatus\":{\"status\":\"ERROR\"}}")));
    assert_false(entity_is_failure(parse(mem, "{\"commandStatus\":{\"status\":\"SUCCESS\"}}")));
    assert_false(entity_is_failure(parse(mem, "{\"@type\":\"streams\"}")));
}

static void names_of_a_schema_are_found_among_its_types(void **state)
{
    Arena *mem = test_arena(state);
    Str   *names;

    assert_int_equal(entity_schema_names(mem,
                                         STR("`A` STRING KEY, `b, ``c` DECIMAL(4, 2), `S` "
                                             "STRUCT<`X` INTEGER, `Y` MAP<STRING, BIGINT>>, D INT"),
                                         &names),
                     4);
    assert_true(str_eq(names[0], STR("A")));
    assert_true(str_eq(names[1], STR("b, `c")));
    assert_true(str_eq(names[2], STR("S")));
    assert_true(str_eq(names[3], STR("D")));
    assert_int_equal(entity_schema_names(mem, STR(""), &names), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(streams_are_a_list),
        arena_test(replicas_of_all_partitions_are_one_number_when_equal),
        arena_test(statement_shows_its_message_and_warnings_come_first),
        arena_test(property_says_who_set_it),
        arena_test(functions_are_sorted_by_category),
        arena_test(describe_marks_keys_and_headers_and_writes_types_as_sql),
        arena_test(explain_prints_the_plan_as_it_is),
        arena_test(unknown_entity_is_shown_as_json),
        arena_test(failed_statement_is_told_from_others),
        arena_test(names_of_a_schema_are_found_among_its_types),
    };

    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
