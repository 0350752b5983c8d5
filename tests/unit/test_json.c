#include "common/json.h"

#include "common/limit.h"
#include "tests/support/text_is.h"

static Json *parsed(Arena *arena, const char *text)
{
    Json *json = NULL;
    Err   err;

    if (json_parse(arena, str_from(text), &json, &err) != ERR_OK)
        fail_msg("%s", err.msg);
    return json;
}

static Str printed(Arena *arena, const char *text)
{
    Buf out = buf_in(arena);

    json_print(&out, parsed(arena, text));
    return buf_view(&out);
}

static void json_parse_keeps_the_order_and_the_text_of_numbers(void **state)
{
    Arena *arena = test_arena(state);

    assert_text(printed(arena, " { \"b\" : [ 1.50 , -0 , 1E5 ] , \"a\" : null } "),
                "{\"b\":[1.50,-0,1E5],\"a\":null}");
    assert_text(printed(arena, "[true,false,\"x\\u0001\\\"\"]"), "[true,false,\"x\\u0001\\\"\"]");
    assert_text(printed(arena, "[]"), "[]");
    assert_text(printed(arena, "{}"), "{}");
    assert_text(printed(arena, "123456789012345678901234567890.10"),
                "123456789012345678901234567890.10");
}

static void json_parse_decodes_strings_and_names(void **state)
{
    Json *json = parsed(test_arena(state), "{\"\\u0061b\":\"\\u00e9\"}");

    assert_text(json->u.members[0].name, "ab");
    assert_text(json_get_str(json, STR("ab"), STR_NULL), "\xc3\xa9");
}

static void json_parse_grows_with_its_input(void **state)
{
    enum { ITEMS = 10000 };
    Arena *arena = test_arena(state);
    Buf    text = buf_in(arena);
    Json  *json;
    Err    err;

    buf_put(&text, '[');
    for (int i = 0; i < ITEMS; i++)
        buf_printf(&text, "%s%d", i ? "," : "", i);
    buf_put(&text, ']');
    assert_int_equal(json_parse(arena, buf_view(&text), &json, &err), ERR_OK);
    assert_int_equal(json->len, ITEMS);
    assert_text(json->u.items[ITEMS - 1]->text, "9999");
}

static void json_parse_says_where_it_stopped(void **state)
{
    Json *json = NULL;
    Err   err;

    assert_int_equal(json_parse(test_arena(state), STR("{\n  \"\xc3\xa9\": 01\n}"), &json, &err),
                     ERR_REQUEST);
    assert_string_equal(err.msg, "malformed JSON at line 2, column 8: a number is malformed");
    assert_int_equal(err.pos.line, 2);
    assert_int_equal(err.pos.column, 8);
    assert_int_equal(err.pos.offset, 10);
    assert_null(json);
    assert_int_equal(json_parse(test_arena(state), STR("{} {}"), &json, &err), ERR_REQUEST);
    assert_string_equal(err.msg, "malformed JSON at line 1, column 4: something follows the value");
    assert_int_equal(json_parse(test_arena(state), STR(""), &json, &err), ERR_REQUEST);
    assert_string_equal(err.msg, "malformed JSON at line 1, column 1: the text ends too early");
}

static void json_parse_bounds_the_depth(void **state)
{
    enum { BRACKETS = 1000000 };
    char *text = arena_bytes(test_arena(state), BRACKETS);
    Json *json;
    Err   err;

    memset(text, '[', BRACKETS);
    assert_int_equal(json_parse(test_arena(state), (Str){text, BRACKETS}, &json, &err),
                     ERR_REQUEST);
    assert_non_null(strstr(err.msg, "nested too deeply"));
}

static void json_get_finds_the_last_of_equal_names(void **state)
{
    Json *json = parsed(test_arena(state), "{\"a\":1,\"b\":2,\"a\":3}");

    assert_int_equal(json_get_i64(json, STR("a"), 0), 3);
    assert_int_equal(json->len, 3);
    assert_null(json_get(json, STR("A")));
    assert_null(json_get(NULL, STR("a")));
    assert_null(json_get(parsed(test_arena(state), "[1]"), STR("a")));
}

static void json_get_gives_the_default_for_another_kind(void **state)
{
    Json *json = parsed(test_arena(state),
                        "{\"s\":\"x\",\"i\":-7,\"d\":1.5,\"big\":9223372036854775808,\"t\":true,"
                        "\"f\":false,\"n\":null}");

    assert_text(json_get_str(json, STR("s"), STR("other")), "x");
    assert_text(json_get_str(json, STR("i"), STR("other")), "other");
    assert_int_equal(json_get_i64(json, STR("i"), 42), -7);
    assert_int_equal(json_get_i64(json, STR("d"), 42), 42);
    assert_int_equal(json_get_i64(json, STR("big"), 42), 42);
    assert_int_equal(json_get_i64(json, STR("s"), 42), 42);
    assert_true(json_get_bool(json, STR("t"), false));
    assert_false(json_get_bool(json, STR("f"), true));
    assert_true(json_get_bool(json, STR("n"), true));
    assert_true(json_get_bool(json, STR("absent"), true));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(json_parse_keeps_the_order_and_the_text_of_numbers),
        arena_test(json_parse_decodes_strings_and_names),
        arena_test(json_parse_grows_with_its_input),
        arena_test(json_parse_says_where_it_stopped),
        arena_test(json_parse_bounds_the_depth),
        arena_test(json_get_finds_the_last_of_equal_names),
        arena_test(json_get_gives_the_default_for_another_kind),
    };

    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
