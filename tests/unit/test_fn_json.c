#include "tests/support/arena_group.h"
#include "tests/support/eval_sql.h"

static void paths_reach_into_documents(void **state)
{
    EVAL_CHECK(state, {"EXTRACTJSONFIELD('{\"a\": {\"b\": [1, \"x\"]}}', '$.a.b[1]')", "x"},
               {"EXTRACTJSONFIELD('{\"a\": {\"b\": [1, 2.50]}}', '$.a')", "{\"b\":[1,2.50]}"},
               {"EXTRACTJSONFIELD('{\"a b\": 1}', '$[\"a b\"]')", "1"},
               {"EXTRACTJSONFIELD('{\"a\\\"\": 1}', '$[\"a\\\"\"]')", "1"},
               {"EXTRACTJSONFIELD('[1]', '$[1]')", "null"},
               {"EXTRACTJSONFIELD('[1]', '$.x')", "null"},
               {"EXTRACTJSONFIELD('{\"a\": null}', '$.a')", "null"},
               {"LEN(EXTRACTJSONFIELD('{\"a\": null}', '$.a'))", "4"},
               {"EXTRACTJSONFIELD('{\"a\": 1}', '$.b') IS NULL", "true"},
               {"EXTRACTJSONFIELD('{\"a\": 1, \"a\": 2}', '$.a')", "2"},
               {"EXTRACTJSONFIELD('{\"@type:x\": 1}', '$.@type:x')", "1"},
               {"EXTRACTJSONFIELD('7', '$')", "7"}, {"EXTRACTJSONFIELD('', '$.a')", "null"},
               {"EXTRACTJSONFIELD('[1e3, 1.10]', '$')", "[1000,1.10]"});
}

static void bad_paths_and_documents_fail(void **state)
{
    EVAL_CHECK(state, {"EXTRACTJSONFIELD('{}', 'a')", "error"},
               {"EXTRACTJSONFIELD('{}', '$.')", "error"}, {"EXTRACTJSONFIELD('{}', '$[')", "error"},
               {"EXTRACTJSONFIELD('{}', '$[\"a')", "error"},
               {"EXTRACTJSONFIELD('{}', '')", "error"}, {"EXTRACTJSONFIELD('{', '$.a')", "error"},
               {"EXTRACTJSONFIELD('{\"a\": 01}', '$.a')", "error"},
               {"EXTRACTJSONFIELD('[1] x', '$[0]')", "1"},
               {"EXTRACTJSONFIELD(RPAD('', 100000, '['), '$')", "error"});
}

static void is_json_string_is_never_null(void **state)
{
    EVAL_CHECK(state, {"IS_JSON_STRING('1')", "true"}, {"IS_JSON_STRING('')", "false"},
               {"IS_JSON_STRING('{')", "false"}, {"IS_JSON_STRING(CAST(NULL AS STRING))", "false"});
}

static void array_contains_compares_types(void **state)
{
    EVAL_CHECK(state, {"JSON_ARRAY_CONTAINS('[1, 2.0, \"3\", true, null]', 1)", "true"},
               {"JSON_ARRAY_CONTAINS('[1]', '1')", "false"},
               {"JSON_ARRAY_CONTAINS('[1]', 1E+0)", "false"},
               {"JSON_ARRAY_CONTAINS('[2.0]', 2E+0)", "true"},
               {"JSON_ARRAY_CONTAINS('[\"3\"]', '3')", "true"},
               {"JSON_ARRAY_CONTAINS('[true]', TRUE)", "true"},
               {"JSON_ARRAY_CONTAINS('[null]', CAST(NULL AS INT))", "true"},
               {"JSON_ARRAY_CONTAINS('[[1]]', 1)", "false"},
               {"JSON_ARRAY_CONTAINS('{}', 1)", "false"}, {"JSON_ARRAY_CONTAINS('[', 1)", "false"},
               {"JSON_ARRAY_CONTAINS(CAST(NULL AS STRING), 1)", "error"});
}

static void arrays_and_objects_are_taken_apart(void **state)
{
    EVAL_CHECK(
        state, {"JSON_ARRAY_LENGTH('[1, [2, 3]]')", "2"}, {"JSON_ARRAY_LENGTH('{}')", "null"},
        {"JSON_ARRAY_LENGTH('')", "null"}, {"JSON_ARRAY_LENGTH('[')", "error"},
        {"JSON_ITEMS('[1, \"a\", {\"b\": 2}]')", "[1, \"a\", {\"b\":2}]"},
        {"JSON_ITEMS('{}')", "error"}, {"JSON_ITEMS('')", "error"},
        {"JSON_KEYS('{\"b\": 1, \"a\": 2}')", "[b, a]"}, {"JSON_KEYS('[]')", "null"},
        {"JSON_KEYS('')", "null"}, {"JSON_RECORDS('{\"a\": \"x\", \"b\": [1]}')", "{a=x, b=[1]}"},
        {"JSON_RECORDS('1')", "null"});
}

static void concat_joins_objects_or_arrays(void **state)
{
    EVAL_CHECK(state, {"JSON_CONCAT('{\"a\": 1}', '{\"b\": 2, \"a\": 3}')", "{\"a\":3,\"b\":2}"},
               {"JSON_CONCAT('[1]', '[2, 3]')", "[1,2,3]"},
               {"JSON_CONCAT('1', '{\"a\": 1}')", "[1,{\"a\":1}]"},
               {"JSON_CONCAT('null', 'null')", "[null,null]"}, {"JSON_CONCAT('[]', '[]')", "[]"},
               {"JSON_CONCAT(' { } ')", "{}"}, {"JSON_CONCAT('[', '1')", "error"},
               {"JSON_CONCAT('', '1')", "null"},
               {"JSON_CONCAT('1', CAST(NULL AS STRING))", "null"});
}

static void to_json_string_sorts_members(void **state)
{
    EVAL_CHECK(
        state, {"TO_JSON_STRING(STRUCT(B := 1, A := 'x'))", "{\"A\":\"x\",\"B\":1}"},
        {"TO_JSON_STRING(MAP('b' := 1, 'a' := 2))", "{\"a\":2,\"b\":1}"},
        {"TO_JSON_STRING(CAST(NULL AS INT))", "null"},
        {"TO_JSON_STRING(ARRAY[1.50, NULL])", "[1.50,null]"},
        {"TO_JSON_STRING('a\"')", "\"a\\\"\""}, {"TO_JSON_STRING(FROM_DAYS(0))", "\"1970-01-01\""},
        {"TO_JSON_STRING(TO_BYTES('ff', 'hex'))", "\"/w==\""}, {"TO_JSON_STRING(1E+0)", "1.0"},
        {"TO_JSON_STRING(TRUE)", "true"}, {"TO_JSON_STRING(SQRT(-1))", "\"NaN\""});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(paths_reach_into_documents),         arena_test(bad_paths_and_documents_fail),
        arena_test(is_json_string_is_never_null),       arena_test(array_contains_compares_types),
        arena_test(arrays_and_objects_are_taken_apart), arena_test(concat_joins_objects_or_arrays),
        arena_test(to_json_string_sorts_members),
    };
    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
