#include "exec/state/view_value.h"

#include <math.h>

#include "common/decimal.h"
#include "tests/support/arena_group.h"

static void assert_text(Arena *mem, Value v, const Type *type, const char *text)
{
    Buf   out = buf_in(mem);
    Value back;

    view_value_print(&out, v, type);
    buf_put(&out, '\0');
    assert_string_equal(out.ptr, text);
    assert_true(view_value_parse(mem, (Str){out.ptr, out.len - 1}, type, &back));
    assert_true(value_eq(v, back));
}

static Value decimal(Arena *mem, const char *text)
{
    Value v;

    assert_true(decimal_parse(mem, str_from(text), &v));
    return v;
}

static void decimal_keeps_every_digit_and_its_scale(void **state)
{
    Arena *mem = test_arena(state);
    Value  back;

    assert_text(mem, decimal(mem, "12.50"), type_decimal(mem, 4, 2), "12.50");
    assert_text(mem, decimal(mem, "-0.003"), type_decimal(mem, 4, 3), "-0.003");
    assert_text(mem, decimal(mem, "123456789012345678901234567890.12"), type_decimal(mem, 32, 2),
                "123456789012345678901234567890.12");
    assert_true(view_value_parse(mem, STR("1.500"), type_decimal(mem, 4, 3), &back));
    assert_int_equal(back.scale, 3);
}

static void doubles_that_sqlite_loses_are_text(void **state)
{
    Arena *mem = test_arena(state);
    Value  back;

    assert_text(mem, value_double((double)NAN), &type_double, "NaN");
    assert_text(mem, value_double((double)INFINITY), &type_double, "Infinity");
    assert_text(mem, value_double((double)-INFINITY), &type_double, "-Infinity");
    assert_text(mem, value_double(-0.0), &type_double, "-0.0");
    assert_true(view_value_parse(mem, STR("-0.0"), &type_double, &back));
    assert_true(signbit(back.u.d));
    assert_true(view_value_is_text(&type_double, value_double(-0.0)));
    assert_false(view_value_is_text(&type_double, value_double(0.0)));
    assert_false(view_value_is_text(&type_double, value_double(1e308)));
}

static void array_of_each_scalar_type_comes_back(void **state)
{
    Arena      *mem = test_arena(state);
    const Type *dec = type_decimal(mem, 5, 2);
    struct {
        const Type *type;
        Value       v;
        const char *text;
    } cases[] = {
        {&type_boolean, value_bool(true), "[true,null]"},
        {&type_int, value_int(INT32_MIN), "[-2147483648,null]"},
        {&type_bigint, value_bigint(INT64_MIN), "[-9223372036854775808,null]"},
        {&type_double, value_double(0.1), "[0.1,null]"},
        {&type_double, value_double((double)NAN), "[\"NaN\",null]"},
        {&type_double, value_double(1e300), "[1.0E300,null]"},
        {dec, decimal(mem, "-1.50"), "[-1.50,null]"},
        {&type_string, value_str(STR("a\"\n\xc3\xa9")), "[\"a\\\"\\n\xc3\xa9\",null]"},
        {&type_bytes, value_bytes(STR("\0\xff")), "[\"AP8=\",null]"},
        {&type_date, value_time(T_DATE, -1), "[-1,null]"},
        {&type_time, value_time(T_TIME, 86399999), "[86399999,null]"},
        {&type_timestamp, value_time(T_TIMESTAMP, 1700000000000), "[1700000000000,null]"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Value items[] = {cases[i].v, value_null()};

        assert_text(mem, value_items(T_ARRAY, items, 2), type_array(mem, cases[i].type),
                    cases[i].text);
    }
    assert_text(mem, value_items(T_ARRAY, NULL, 0), type_array(mem, dec), "[]");
}

static void map_is_an_object_when_its_keys_are_names(void **state)
{
    Arena *mem = test_arena(state);
    Value  named[] = {value_str(STR("a")), value_int(1), value_str(STR("")), value_null()};
    Value  with_null[] = {value_null(), value_int(1)};
    Value  numbered[] = {value_int(1), value_str(STR("x")), value_int(2), value_null()};

    assert_text(mem, value_items(T_MAP, named, 2), type_map(mem, &type_string, &type_int),
                "{\"a\":1,\"\":null}");
    assert_text(mem, value_items(T_MAP, with_null, 1), type_map(mem, &type_string, &type_int),
                "[{\"KEY\":null,\"VALUE\":1}]");
    assert_text(mem, value_items(T_MAP, numbered, 2), type_map(mem, &type_int, &type_string),
                "[{\"KEY\":1,\"VALUE\":\"x\"},{\"KEY\":2,\"VALUE\":null}]");
    assert_text(mem, value_items(T_MAP, NULL, 0), type_map(mem, &type_string, &type_int), "{}");
    assert_text(mem, value_items(T_MAP, NULL, 0), type_map(mem, &type_int, &type_int), "[]");
}

static void struct_keeps_the_order_and_spelling_of_its_fields(void **state)
{
    Arena      *mem = test_arena(state);
    TypeField   fields[] = {{STR("B\"c"), &type_int}, {STR("a"), NULL}};
    const Type *type;
    Value       items[2] = {value_int(7)};
    Value       inner[] = {value_double(2.5)};
    Value       back;

    fields[1].type = type_array(mem, &type_double);
    type = type_struct(mem, fields, 2);
    items[1] = value_items(T_ARRAY, inner, 1);
    assert_text(mem, value_items(T_STRUCT, items, 2), type, "{\"B\\\"c\":7,\"a\":[2.5]}");
    assert_false(view_value_parse(mem, STR("{\"a\":[2.5]}"), type, &back));
    assert_false(view_value_parse(mem, STR("{\"B\\\"c\":7}"), type, &back));
}

static void damaged_text_is_refused(void **state)
{
    Arena      *mem = test_arena(state);
    const Type *ints = type_array(mem, &type_int);
    const Type *map = type_map(mem, &type_int, &type_int);
    const char *bad[] = {"", "[", "[1,]", "[1] x", "[\"a\"]", "{}", "[1.5]", "[true]"};
    Value       back;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(view_value_parse(mem, str_from(bad[i]), ints, &back));
    assert_false(view_value_parse(mem, STR("[{\"KEY\":1}]"), map, &back));
    assert_false(view_value_parse(mem, STR("[{\"KEY\":1,\"VALUE\":1,\"X\":1}]"), map, &back));
    assert_false(view_value_parse(mem, STR("1e"), type_decimal(mem, 4, 2), &back));
    assert_false(view_value_parse(mem, STR("nan"), &type_double, &back));
    assert_false(view_value_parse(mem, STR("1"), &type_int, &back));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(decimal_keeps_every_digit_and_its_scale),
        arena_test(doubles_that_sqlite_loses_are_text),
        arena_test(array_of_each_scalar_type_comes_back),
        arena_test(map_is_an_object_when_its_keys_are_names),
        arena_test(struct_keeps_the_order_and_spelling_of_its_fields),
        arena_test(damaged_text_is_refused),
    };

    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
