#include "exec/format.h"

#include "common/limit.h"
#include "tests/support/arena_group.h"

/* Reads json as a value of type and shows it again; "! message" when it does not read. */
static const char *shown(Arena *arena, const Type *type, const char *json)
{
    Buf   out = buf_in(arena);
    Value v;
    Err   err;

    if (format_json_value(str_from(json), type, arena, &v, &err) == ERR_OK)
        format_rest_value(&out, v, type);
    else
        buf_printf(&out, "! %s", err.msg);
    buf_put(&out, '\0');
    return out.ptr;
}

static void rest_shows_dates_as_text_but_not_inside_a_struct(void **state)
{
    Arena    *test_mem = test_arena(state);
    TypeField fields[] = {
        {STR("d"), &type_date}, {STR("T"), &type_time}, {STR("S"), &type_timestamp}};
    const Type *row = type_struct(test_mem, fields, 3);

    assert_string_equal(shown(test_mem, &type_date, "19000"), "\"2022-01-08\"");
    assert_string_equal(shown(test_mem, &type_date, "\"2022-01-08\""), "\"2022-01-08\"");
    assert_string_equal(shown(test_mem, &type_time, "3600000"), "\"01:00\"");
    assert_string_equal(shown(test_mem, &type_time, "\"01:00:05\""), "\"01:00:05\"");
    assert_string_equal(shown(test_mem, &type_timestamp, "\"2022-01-08T01:02:03.004\""),
                        "\"2022-01-08T01:02:03.004\"");
    assert_string_equal(shown(test_mem, type_array(test_mem, &type_date), "[0,null]"),
                        "[\"1970-01-01\",null]");
    assert_string_equal(shown(test_mem, row, "{\"d\":\"1970-01-02\",\"t\":5,\"S\":-1}"),
                        "{\"d\":1,\"T\":5,\"S\":-1}");
}

static void rest_shows_each_type_as_clients_expect(void **state)
{
    Arena *test_mem = test_arena(state);

    assert_string_equal(shown(test_mem, &type_boolean, "true"), "true");
    assert_string_equal(shown(test_mem, &type_bigint, "-9223372036854775808"),
                        "-9223372036854775808");
    assert_string_equal(shown(test_mem, &type_double, "\"NaN\""), "\"NaN\"");
    assert_string_equal(shown(test_mem, &type_double, "1e10"), "1.0E10");
    assert_string_equal(shown(test_mem, type_decimal(test_mem, 5, 2), "\"1.5\""), "1.50");
    assert_string_equal(shown(test_mem, &type_bytes, "\"AP8=\""), "\"AP8=\"");
    assert_string_equal(shown(test_mem, &type_string, "\"a\\\"\\u00e9\""), "\"a\\\"é\"");
    assert_string_equal(
        shown(test_mem, type_map(test_mem, &type_string, &type_int), "{\"b\":1,\"a\":null}"),
        "{\"b\":1,\"a\":null}");
    assert_string_equal(
        shown(test_mem, type_map(test_mem, &type_int, &type_int), "{\"1\":2,\"3\":4}"),
        "{\"1\":2,\"3\":4}");
    assert_string_equal(shown(test_mem, &type_int, "null"), "null");
}

static void rest_refuses_values_of_another_type(void **state)
{
    Arena *test_mem = test_arena(state);

    assert_string_equal(shown(test_mem, &type_date, "\"soon\""),
                        "! cannot read 'soon' before byte 6 as DATE: no integer");
    assert_string_equal(shown(test_mem, &type_int, "[1]"),
                        "! cannot read an array at byte 0 as INTEGER");
    assert_string_equal(shown(test_mem, &type_int, "1 2"),
                        "! malformed JSON at byte 2: text behind the value");
    assert_string_equal(
        shown(test_mem, type_map(test_mem, &type_boolean, &type_int), "{\"maybe\":1}"),
        "! cannot read 'maybe' before byte 11 as BOOLEAN: neither true nor false");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(rest_shows_dates_as_text_but_not_inside_a_struct),
        arena_test(rest_shows_each_type_as_clients_expect),
        arena_test(rest_refuses_values_of_another_type),
    };
    limits_init(&g_limits);
    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
