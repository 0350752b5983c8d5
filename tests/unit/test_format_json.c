#include "exec/format.h"

#include "common/limit.h"
#include "tests/support/arena_group.h"
#include "tests/support/random_value.h"

/* A side with one column of each type given. */
static FormatSide side_of(Arena *arena, const Type *const *types, uint32_t len)
{
    Column *cols = ARENA_ARRAY(arena, Column, len);

    for (uint32_t i = 0; i < len; i++) {
        cols[i].name = str_printf(arena, "%c", (char)('A' + (int)i));
        cols[i].type = types[i];
        cols[i].role = COLUMN_VALUE;
    }
    return (FormatSide){
        .spec = {.kind = FORMAT_JSON, .is_wrapped = true}, .cols = cols, .len = len};
}

/* Reads text as the only column A of type; printed as SQL casts it to text, "null" when null. */
static const char *read_as(Arena *arena, const Type *type, const char *text)
{
    FormatSide side = side_of(arena, &type, 1);
    Decoder   *decoder = NULL;
    Value      v;
    bool       is_null = false;
    Err        err;
    Buf        out = buf_in(arena);

    side.spec.is_wrapped = false;
    assert_int_equal(decoder_open(arena, &side, NULL, &decoder, &err), ERR_OK);
    if (decoder_run(decoder, str_from(text), &v, arena, &is_null, &err) != ERR_OK) {
        assert_int_equal(err.code, ERR_DESERIALIZE);
        buf_printf(&out, "! %s", err.msg);
    } else if (value_is_null(v)) {
        assert_true(is_null);
        buf_c(&out, "null");
    } else {
        value_print(&out, v, type);
    }
    buf_put(&out, '\0');
    return out.ptr;
}

static void json_numbers_are_cut_and_wrap(void **state)
{
    Arena *test_mem = test_arena(state);

    assert_string_equal(read_as(test_mem, &type_int, " 42 "), "42");
    assert_string_equal(read_as(test_mem, &type_int, "-0"), "0");
    assert_string_equal(read_as(test_mem, &type_int, "1.99"), "1");
    assert_string_equal(read_as(test_mem, &type_int, "-1.99"), "-1");
    assert_string_equal(read_as(test_mem, &type_int, "4294967297"), "1");
    assert_string_equal(read_as(test_mem, &type_int, "12e3"), "12000");
    assert_string_equal(read_as(test_mem, &type_int, "12345e-2"), "123");
    assert_string_equal(read_as(test_mem, &type_int, "1.5e1"), "15");
    assert_string_equal(read_as(test_mem, &type_bigint, "9223372036854775807"),
                        "9223372036854775807");
    assert_string_equal(read_as(test_mem, &type_bigint, "9223372036854775808"),
                        "-9223372036854775808");
    assert_string_equal(read_as(test_mem, &type_bigint, "1e19"), "-8446744073709551616");
    assert_string_equal(read_as(test_mem, &type_bigint, "\"-17\""), "-17");
    assert_string_equal(read_as(test_mem, &type_int, "null"), "null");
}

static void json_numbers_that_are_none_are_refused(void **state)
{
    Arena *test_mem = test_arena(state);

    assert_string_equal(read_as(test_mem, &type_int, "\"4294967297\""),
                        "! column \"A\": cannot read '4294967297' before byte 12 as INTEGER: "
                        "out of range");
    assert_string_equal(read_as(test_mem, &type_int, "\"1.5\""),
                        "! column \"A\": cannot read '1.5' before byte 5 as INTEGER: no integer");
    assert_string_equal(read_as(test_mem, &type_int, "true"),
                        "! column \"A\": cannot read a boolean at byte 0 as INTEGER");
    assert_string_equal(read_as(test_mem, &type_double, "1e400"),
                        "! column \"A\": cannot read '1e400' before byte 5 as DOUBLE: "
                        "out of range");
    assert_string_equal(read_as(test_mem, &type_bigint, "1e999999999999"),
                        "! column \"A\": cannot read '1e999999999999' before byte 14 as BIGINT: "
                        "out of range");
    assert_string_equal(read_as(test_mem, &type_double, "\"x\""),
                        "! column \"A\": cannot read 'x' before byte 3 as DOUBLE: no number");
    assert_string_equal(read_as(test_mem, type_decimal(test_mem, 10, 2), "1e999999999"),
                        "! column \"A\": cannot read '1e999999999' before byte 11 as DECIMAL: "
                        "out of range");
    assert_non_null(strstr(read_as(test_mem, type_decimal(test_mem, 10, 2), "\"1e999999999\""),
                           "out of range"));
    assert_non_null(
        strstr(read_as(test_mem, type_decimal(test_mem, 4, 2), "1.234"), "column \"A\""));
    assert_int_equal(read_as(test_mem, type_decimal(test_mem, 4, 2), "123.4")[0], '!');
}

static void json_scalars_are_coerced(void **state)
{
    Arena *test_mem = test_arena(state);

    assert_string_equal(read_as(test_mem, &type_double, "\"NaN\""), "NaN");
    assert_string_equal(read_as(test_mem, &type_double, "3"), "3.0");
    assert_string_equal(read_as(test_mem, &type_double, "-0"), "-0.0");
    assert_string_equal(read_as(test_mem, type_decimal(test_mem, 6, 3), "\"1.5\""), "1.500");
    assert_string_equal(read_as(test_mem, type_decimal(test_mem, 6, 3), "12"), "12.000");
    assert_string_equal(read_as(test_mem, &type_boolean, "true"), "true");
    assert_string_equal(read_as(test_mem, &type_boolean, "\"true\""),
                        "! column \"A\": cannot read a string at byte 0 as BOOLEAN");
    assert_string_equal(read_as(test_mem, &type_string, "1.50"), "1.50");
    assert_string_equal(read_as(test_mem, &type_string, "false"), "false");
    assert_string_equal(read_as(test_mem, &type_string, "\"a\\u0062\\n\""), "ab\n");
    assert_string_equal(read_as(test_mem, &type_string, "{ \"b\" : [ 1 , null ] }"),
                        "{\"b\":[1,null]}");
    assert_string_equal(read_as(test_mem, &type_string, "[\"a\" ,1,[null],{\"x\":\"y\"}]"),
                        "[a, 1, [null], {\"x\":\"y\"}]");
    assert_string_equal(read_as(test_mem, &type_date, "365"), "1971-01-01");
    assert_string_equal(read_as(test_mem, &type_date, "\"1971-01-01\""),
                        "! column \"A\": cannot read '1971-01-01' before byte 12 as DATE: "
                        "no integer");
    assert_string_equal(read_as(test_mem, &type_time, "86400000"),
                        "! column \"A\": cannot read '86400000' before byte 8 as TIME: "
                        "milliseconds since midnight out of range");
    assert_string_equal(read_as(test_mem, &type_bytes, "\"!\""),
                        "! column \"A\": cannot read '!' before byte 3 as BYTES: no base64");
}

/* Reads a row of A INT, B STRING, C STRUCT<X INT, Y INT>, D MAP<STRING, INT>; as "a|b|c|d". */
static const char *read_row(Arena *arena, const char *text, const bool *is_wanted)
{
    TypeField   fields[] = {{STR("X"), &type_int}, {STR("Y"), &type_int}};
    const Type *types[] = {&type_int, &type_string, type_struct(arena, fields, 2),
                           type_map(arena, &type_string, &type_int)};
    FormatSide  side = side_of(arena, types, 4);
    Decoder    *decoder = NULL;
    Value       row[4];
    bool        is_null = false;
    Err         err;
    Buf         out = buf_in(arena);

    for (int i = 0; i < 4; i++)
        row[i] = value_bigint(7); /* shows what was left untouched */
    assert_int_equal(decoder_open(arena, &side, is_wanted, &decoder, &err), ERR_OK);
    if (decoder_run(decoder, str_from(text), row, arena, &is_null, &err) != ERR_OK)
        buf_printf(&out, "! %s", err.msg);
    else if (is_null)
        buf_c(&out, "null row");
    else
        for (uint32_t i = 0; i < 4; i++) {
            if (i > 0)
                buf_put(&out, '|');
            if (row[i].kind == T_BIGINT)
                buf_c(&out, "untouched");
            else if (value_is_null(row[i]))
                buf_c(&out, "null");
            else
                value_print(&out, row[i], types[i]);
        }
    buf_put(&out, '\0');
    return out.ptr;
}

static void json_fields_are_found_by_name(void **state)
{
    Arena *test_mem = test_arena(state);

    assert_string_equal(read_row(test_mem, "{\"B\":\"x\",\"A\":1}", NULL), "1|x|null|null");
    assert_string_equal(read_row(test_mem, "{\"a\":1,\"Z\":[{}],\"b\":\"x\"}", NULL),
                        "1|x|null|null");
    assert_string_equal(read_row(test_mem, "{\"A\":1,\"a\":2}", NULL), "1|null|null|null");
    assert_string_equal(read_row(test_mem, "{\"a\":2,\"A\":1}", NULL), "1|null|null|null");
    assert_string_equal(read_row(test_mem, "{\"A\":2,\"A\":1}", NULL), "1|null|null|null");
    assert_string_equal(read_row(test_mem, "{\"\\u0041\":5}", NULL), "5|null|null|null");
    assert_string_equal(read_row(test_mem, "{}", NULL), "null|null|null|null");
    assert_string_equal(read_row(test_mem, " null ", NULL), "null row");
    assert_string_equal(
        read_row(test_mem, "{\"c\":{\"y\":2},\"D\":{\"k\":1,\"l\":null,\"k\":3}}", NULL),
        "null|null|Struct{Y=2}|{k=3, l=null}");
}

static void json_unwanted_columns_are_checked_only(void **state)
{
    Arena     *test_mem = test_arena(state);
    const bool only_b[4] = {false, true, false, false};

    assert_string_equal(read_row(test_mem, "{\"A\":1,\"B\":\"x\",\"C\":{\"X\":1}}", only_b),
                        "untouched|x|untouched|untouched");
    assert_string_equal(read_row(test_mem, "{\"A\":\"no\",\"B\":\"x\"}", only_b),
                        "! column \"A\": cannot read 'no' before byte 9 as INTEGER: no integer");
    assert_string_equal(read_row(test_mem, "{\"B\":\"x\",\"C\":{\"X\":true}}", only_b),
                        "! column \"C\": column \"X\": cannot read a boolean at byte 18 as "
                        "INTEGER");
}

static void json_that_is_malformed_is_refused(void **state)
{
    static const char *const bad[] = {"",
                                      "{",
                                      "{\"A\"",
                                      "{\"A\":",
                                      "{\"A\":1",
                                      "{\"A\":1,}",
                                      "{A:1}",
                                      "{\"A\":01}",
                                      "{\"A\":+1}",
                                      "{\"A\":1.}",
                                      "{\"A\":1e}",
                                      "{\"A\":nul}",
                                      "{} x",
                                      "[1]",
                                      "1",
                                      "\"x\"",
                                      "{\"B\":\"",
                                      "{\"B\":\"\\x\"}",
                                      "{'A':1}",
                                      "{\"A\":1}}",
                                      "{\"Z\":[1,]}",
                                      "{\"B\":\"\xff\"}",
                                      "{\"Z\":\"\xc3\"}",
                                      "{\"B\":\"\n\"}"};
    Arena                   *test_mem = test_arena(state);

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const char *got = read_row(test_mem, bad[i], NULL);

        if (got[0] != '!' || !strstr(got, "byte"))
            fail_msg("'%s' gave %s", bad[i], got);
    }
}

static void json_hostile_nesting_is_refused(void **state)
{
    Arena      *test_mem = test_arena(state);
    size_t      len = 1000000;
    char       *text = arena_bytes(test_mem, len + 8);
    const Type *array = type_array(test_mem, &type_string);

    memset(text, '[', len);
    text[len] = '\0';
    assert_int_equal(read_as(test_mem, array, text)[0], '!');
    assert_int_equal(read_as(test_mem, &type_string, text)[0], '!');
    memcpy(text, "{\"Z\":", 5);
    assert_non_null(strstr(read_row(test_mem, text, NULL), "byte"));
}

/* Many keys, all different but for one: time must not grow with the square. */
static void json_large_maps_keep_the_last_of_equal_keys(void **state)
{
    Arena      *test_mem = test_arena(state);
    const Type *type = type_map(test_mem, &type_string, &type_int);
    FormatSide  side = side_of(test_mem, &type, 1);
    Decoder    *decoder = NULL;
    Buf         text = buf_in(test_mem);
    Value       v;
    bool        is_null;
    Err         err;

    side.is_key = true;
    buf_c(&text, "{\"k7\":-1");
    for (int i = 0; i < 100000; i++)
        buf_printf(&text, ",\"k%d\":%d", i, i);
    buf_put(&text, '}');
    assert_int_equal(decoder_open(test_mem, &side, NULL, &decoder, &err), ERR_OK);
    assert_int_equal(decoder_run(decoder, buf_view(&text), &v, test_mem, &is_null, &err), ERR_OK);
    assert_int_equal(v.len, 100000);
    assert_true(str_eq(value_as_str(v.u.items[0]), STR("k7")) && v.u.items[1].u.i == 7);
}

static const char *write_row(Arena *arena, FormatSide *side, const Value *row)
{
    Encoder *encoder = NULL;
    Buf      out = buf_in(arena);
    bool     is_null = false;
    Err      err;

    assert_int_equal(encoder_open(arena, side, &encoder, &err), ERR_OK);
    assert_int_equal(encoder_run(encoder, row, &out, &is_null, &err), ERR_OK);
    if (is_null) {
        assert_int_equal(out.len, 0);
        return "null bytes";
    }
    buf_put(&out, '\0');
    return out.ptr;
}

static void json_is_written_compact_with_all_columns(void **state)
{
    Arena      *test_mem = test_arena(state);
    const Type *types[] = {&type_string, &type_double, type_decimal(test_mem, 5, 2), &type_bytes,
                           &type_time};
    FormatSide  side = side_of(test_mem, types, 5);
    FormatSide  none = side_of(test_mem, NULL, 0);
    FormatSide  bare = side_of(test_mem, &types[0], 1);
    Value       row[] = {value_str(STR("a\"b\n")), value_double(1e10), decimal_from_i64(-150, 2),
                         value_bytes(STR("\0\xff")), value_null()};
    Value       null = value_null();

    assert_string_equal(write_row(test_mem, &side, row),
                        "{\"A\":\"a\\\"b\\n\",\"B\":1.0E10,\"C\":-1.50,\"D\":\"AP8=\",\"E\":null}");
    assert_string_equal(write_row(test_mem, &none, row), "null bytes");
    assert_string_equal(write_row(test_mem, &bare, &null), "{\"A\":null}");
    bare.spec.is_wrapped = false;
    assert_string_equal(write_row(test_mem, &bare, &null), "null bytes");
    assert_string_equal(write_row(test_mem, &bare, row), "\"a\\\"b\\n\"");
}

/* What a row of a table is then: null would delete it. */
static void json_without_columns_is_null_but_in_tables(void **state)
{
    Arena     *test_mem = test_arena(state);
    FormatSide side = side_of(test_mem, NULL, 0);

    assert_string_equal(write_row(test_mem, &side, NULL), "null bytes");
    side.is_table = true;
    assert_string_equal(write_row(test_mem, &side, NULL), "{}");
}

static void json_refuses_maps_with_other_keys(void **state)
{
    Arena      *test_mem = test_arena(state);
    const Type *map = type_map(test_mem, &type_int, &type_int);
    const Type *nested = type_array(test_mem, map);
    FormatSide  side = side_of(test_mem, &nested, 1);
    Decoder    *decoder = NULL;
    Err         err;

    assert_int_equal(decoder_open(test_mem, &side, NULL, &decoder, &err), ERR_STATEMENT);
    assert_string_equal(err.msg,
                        "format JSON cannot hold a MAP with keys of type INTEGER: only STRING");
}

/* decode(encode(x)) == x */
static void json_comes_back_as_it_went_in(void **state)
{
    Random random = {20};
    Arena *mem = arena_new(0);

    (void)state;
    for (int i = 0; i < 3000; i++) {
        const Type *types[6];
        Value       row[6], got[6];
        uint32_t    len = 1 + random_below(&random, 6);
        FormatSide  side;
        Encoder    *encoder = NULL;
        Decoder    *decoder = NULL;
        Buf         text = buf_in(mem);
        bool        is_null = false;
        Err         err;

        for (uint32_t c = 0; c < len; c++) {
            types[c] = random_type(&random, mem, 3);
            row[c] = random_value(&random, mem, types[c]);
        }
        side = side_of(mem, types, len);
        side.is_key = random_below(&random, 2);
        assert_int_equal(encoder_open(mem, &side, &encoder, &err), ERR_OK);
        assert_int_equal(decoder_open(mem, &side, NULL, &decoder, &err), ERR_OK);
        for (int again = 0; again < 2; again++) { /* guesses are made the first time, then used */
            buf_clear(&text);
            assert_int_equal(encoder_run(encoder, row, &text, &is_null, &err), ERR_OK);
            if (is_null)
                break;
            if (decoder_run(decoder, buf_view(&text), got, mem, &is_null, &err) != ERR_OK)
                fail_msg("%s: %.*s", err.msg, STR_ARG(buf_view(&text)));
            for (uint32_t c = 0; c < len; c++) {
                if (!value_eq(row[c], got[c]))
                    fail_msg("column %u of %.*s", c, STR_ARG(buf_view(&text)));
            }
        }
        arena_reset(mem);
    }
    arena_free(mem);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(json_numbers_are_cut_and_wrap),
        arena_test(json_numbers_that_are_none_are_refused),
        arena_test(json_scalars_are_coerced),
        arena_test(json_fields_are_found_by_name),
        arena_test(json_unwanted_columns_are_checked_only),
        arena_test(json_that_is_malformed_is_refused),
        arena_test(json_hostile_nesting_is_refused),
        arena_test(json_large_maps_keep_the_last_of_equal_keys),
        arena_test(json_is_written_compact_with_all_columns),
        arena_test(json_without_columns_is_null_but_in_tables),
        arena_test(json_refuses_maps_with_other_keys),
        arena_test(json_comes_back_as_it_went_in),
    };
    limits_init(&g_limits);
    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
