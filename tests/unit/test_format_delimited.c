#include "exec/format.h"

#include "common/limit.h"
#include "tests/support/arena_group.h"
#include "tests/support/random_value.h"

static FormatSide side_of(Arena *arena, const Type *const *types, uint32_t len, char delimiter)
{
    Column *cols = ARENA_ARRAY(arena, Column, len);

    for (uint32_t i = 0; i < len; i++) {
        cols[i].name = str_printf(arena, "%c", (char)('A' + (int)i));
        cols[i].type = types[i];
        cols[i].role = COLUMN_VALUE;
    }
    return (FormatSide){
        .spec = {.kind = FORMAT_DELIMITED, .delimiter = delimiter}, .cols = cols, .len = len};
}

/* Reads A INT, B STRING, C BOOLEAN; as "a|b|c". */
static const char *read_line(Arena *arena, const char *text, const bool *is_wanted)
{
    const Type *types[] = {&type_int, &type_string, &type_boolean};
    FormatSide  side = side_of(arena, types, 3, 0);
    Decoder    *decoder = NULL;
    Value       row[3] = {value_bigint(7), value_bigint(7), value_bigint(7)};
    bool        is_null = true;
    Err         err;
    Buf         out = buf_in(arena);

    assert_int_equal(decoder_open(arena, &side, is_wanted, &decoder, &err), ERR_OK);
    if (decoder_run(decoder, str_from(text), row, arena, &is_null, &err) != ERR_OK) {
        assert_int_equal(err.code, ERR_DESERIALIZE);
        buf_printf(&out, "! %s", err.msg);
    } else {
        assert_false(is_null);
        for (uint32_t i = 0; i < 3; i++) {
            if (i > 0)
                buf_put(&out, '|');
            if (row[i].kind == T_BIGINT)
                buf_c(&out, "untouched");
            else if (value_is_null(row[i]))
                buf_c(&out, "null");
            else
                value_print(&out, row[i], types[i]);
        }
    }
    buf_put(&out, '\0');
    return out.ptr;
}

static void delimited_reads_the_first_line(void **state)
{
    Arena     *test_mem = test_arena(state);
    const bool only_b[3] = {false, true, false};

    assert_string_equal(read_line(test_mem, "1,x,true", NULL), "1|x|true");
    assert_string_equal(read_line(test_mem, "\r\n\n-1,x y,TRUE\r\nmore,and,more", NULL),
                        "-1|x y|true");
    assert_string_equal(read_line(test_mem, ",,", NULL), "null|null|null");
    assert_string_equal(read_line(test_mem, "\"2\",\"\",no", NULL), "2|null|false");
    assert_string_equal(read_line(test_mem, "1,\"a,\"\"b\"\"\nc\",false", NULL),
                        "1|a,\"b\"\nc|false");
    assert_string_equal(read_line(test_mem, "1,\"a\" ,false", NULL), "1|a|false");
    assert_string_equal(read_line(test_mem, "1,a\"b,false", NULL), "1|a\"b|false");
    assert_string_equal(read_line(test_mem, "1,x,true", only_b), "untouched|x|untouched");
}

static void delimited_refuses_what_is_malformed(void **state)
{
    Arena *test_mem = test_arena(state);

    assert_string_equal(read_line(test_mem, "", NULL),
                        "! cannot read DELIMITED: the record is empty");
    assert_string_equal(read_line(test_mem, "\r\n", NULL),
                        "! cannot read DELIMITED: the record is empty");
    assert_string_equal(read_line(test_mem, "1,x", NULL),
                        "! cannot read DELIMITED: 2 fields, expected 3");
    assert_string_equal(read_line(test_mem, "1,x,true,", NULL),
                        "! cannot read DELIMITED: 4 fields, expected 3");
    assert_string_equal(read_line(test_mem, "1,\"x,true", NULL),
                        "! malformed DELIMITED: no closing quote for the one at byte 2");
    assert_string_equal(read_line(test_mem, "1,\"x\"y,true", NULL),
                        "! malformed DELIMITED at byte 5: text behind a closing quote");
    assert_string_equal(read_line(test_mem, "1.5,x,true", NULL),
                        "! column \"A\": cannot read '1.5' before byte 4 as INTEGER: no integer");
    assert_string_equal(read_line(test_mem, "3000000000,x,true", NULL),
                        "! column \"A\": cannot read '3000000000' before byte 11 as INTEGER: "
                        "out of range");
    assert_string_equal(read_line(test_mem, "1,\xff,true", NULL),
                        "! column \"B\": cannot read '...' before byte 4 as STRING: invalid UTF-8");
}

/* Writes values of the kinds they have. */
static const char *write_line(Arena *arena, const Value *row, uint32_t len, char delimiter)
{
    const Type *types[4];
    FormatSide  side;
    Encoder    *encoder = NULL;
    bool        is_null = false;
    Buf         out = buf_in(arena);
    Err         err;

    for (uint32_t i = 0; i < len; i++)
        types[i] = value_is_null(row[i])      ? &type_int
                   : row[i].kind == T_DECIMAL ? type_decimal(arena, 10, row[i].scale)
                                              : type_scalar((TypeKind)row[i].kind);
    side = side_of(arena, types, len, delimiter);
    assert_int_equal(encoder_open(arena, &side, &encoder, &err), ERR_OK);
    assert_int_equal(encoder_run(encoder, row, &out, &is_null, &err), ERR_OK);
    if (is_null)
        buf_c(&out, "null bytes");
    buf_put(&out, '\0');
    return out.ptr;
}

static void delimited_quotes_where_it_must(void **state)
{
    Arena *test_mem = test_arena(state);
    Value  plain[] = {value_int(1), value_str(STR("a b")), value_bool(true), value_double(2.5)};
    Value  quoted[] = {value_int(-1), value_int(-1), value_str(STR("a\"b")), value_str(STR("x "))};
    Value  empties[] = {value_str(STR("")), value_str(STR("")), value_null()};
    Value  first[] = {value_str(STR("é")), value_str(STR("é")), value_str(STR("#")),
                      value_str(STR("$"))};
    Value  minus[] = {value_str(STR("a")), value_int(-5)};
    Value  decimal[] = {value_null(), decimal_from_i64(-150, 2)};

    assert_string_equal(write_line(test_mem, plain, 4, 0), "1,a b,true,2.5");
    assert_string_equal(write_line(test_mem, quoted, 4, 0), "\"-1\",-1,\"a\"\"b\",\"x \"");
    assert_string_equal(write_line(test_mem, empties, 3, 0), "\"\",,");
    assert_string_equal(write_line(test_mem, first, 4, '|'), "\"é\"|é|\"#\"|$");
    assert_string_equal(write_line(test_mem, minus, 2, '-'), "a-\"-5\"");
    assert_string_equal(write_line(test_mem, decimal, 2, 0), ",-1.50");
    assert_string_equal(write_line(test_mem, &decimal[0], 1, 0), "null bytes");
    assert_string_equal(write_line(test_mem, plain, 0, 0), "null bytes");
}

static void delimited_holds_no_nested_types(void **state)
{
    Arena      *test_mem = test_arena(state);
    const Type *type = type_array(test_mem, &type_int);
    FormatSide  side = side_of(test_mem, &type, 1, 0);
    Encoder    *encoder = NULL;
    Err         err;

    assert_int_equal(encoder_open(test_mem, &side, &encoder, &err), ERR_STATEMENT);
    assert_string_equal(err.msg, "format DELIMITED cannot hold column \"A\" of type ARRAY");
}

/* decode(encode(x)) == x, but for the empty texts that read as null. */
static void delimited_comes_back_as_it_went_in(void **state)
{
    static const char delimiters[] = {',', '|', '\t', ' ', '-', '$'};
    Random            random = {21};
    Arena            *mem = arena_new(0);

    (void)state;
    for (int i = 0; i < 3000; i++) {
        const Type *types[6];
        Value       row[6], got[6];
        uint32_t    len = 2 + random_below(&random, 5);
        FormatSide  side;
        Encoder    *encoder = NULL;
        Decoder    *decoder = NULL;
        Buf         text = buf_in(mem);
        bool        is_null = false;
        Err         err;

        for (uint32_t c = 0; c < len; c++) {
            types[c] = random_scalar_type(&random, mem);
            row[c] = random_value(&random, mem, types[c]);
        }
        side = side_of(mem, types, len, delimiters[random_below(&random, sizeof delimiters)]);
        assert_int_equal(encoder_open(mem, &side, &encoder, &err), ERR_OK);
        assert_int_equal(decoder_open(mem, &side, NULL, &decoder, &err), ERR_OK);
        assert_int_equal(encoder_run(encoder, row, &text, &is_null, &err), ERR_OK);
        if (decoder_run(decoder, buf_view(&text), got, mem, &is_null, &err) != ERR_OK)
            fail_msg("%s: %.*s", err.msg, STR_ARG(buf_view(&text)));
        for (uint32_t c = 0; c < len; c++) {
            bool is_text = row[c].kind == T_STRING || row[c].kind == T_BYTES;

            if (is_text && row[c].len == 0)
                row[c] = value_null();
            if (!value_eq(row[c], got[c]))
                fail_msg("column %u of %.*s", c, STR_ARG(buf_view(&text)));
        }
        arena_reset(mem);
    }
    arena_free(mem);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(delimited_reads_the_first_line),
        arena_test(delimited_refuses_what_is_malformed),
        arena_test(delimited_quotes_where_it_must),
        arena_test(delimited_holds_no_nested_types),
        arena_test(delimited_comes_back_as_it_went_in),
    };
    limits_init(&g_limits);
    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
