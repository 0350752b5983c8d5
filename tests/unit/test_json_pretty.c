/* test_json_pretty.c -- JSON over lines, and the same when read again. */
#include "tests/support/arena_group.h"

#include "cli/json_pretty.h"

static const char *pretty(Arena *mem, const char *text)
{
    Buf   out = buf_in(mem);
    Json *json;
    Err   err;

    assert_int_equal(json_parse(mem, str_from(text), &json, &err), ERR_OK);
    json_pretty(&out, json);
    buf_put(&out, 0);
    return out.ptr;
}

static void nested_values_are_indented(void **state)
{
    assert_string_equal(pretty(test_arena(state),
                               "{\"a\":{\"b\":[1,\"x\",null]},\"c\":[{\"d\":1.50},[]],\"e\":{}}"),
                        "{\n"
                        "  \"a\": {\n"
                        "    \"b\": [ 1, \"x\", null ]\n"
                        "  },\n"
                        "  \"c\": [\n"
                        "    {\n"
                        "      \"d\": 1.50\n"
                        "    },\n"
                        "    []\n"
                        "  ],\n"
                        "  \"e\": {}\n"
                        "}");
}

static void scalars_stay_as_they_are(void **state)
{
    Arena *mem = test_arena(state);

    assert_string_equal(pretty(mem, "1.50"), "1.50");
    assert_string_equal(pretty(mem, "\"a\\\"b\""), "\"a\\\"b\"");
    assert_string_equal(pretty(mem, "[]"), "[]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(nested_values_are_indented),
        arena_test(scalars_stay_as_they_are),
    };

    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
