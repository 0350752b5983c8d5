#include "exec/format.h"

#include "common/limit.h"
#include "tests/support/arena_group.h"
#include "tests/support/random_value.h"

static FormatSide side_of(Arena *arena, const Type *type)
{
    Column *col = ARENA_NEW(arena, Column);

    col->name = STR("K");
    col->type = type;
    return (FormatSide){.spec = {.kind = FORMAT_KAFKA}, .cols = col, .len = 1, .is_key = true};
}

static ErrCode read_bytes(Arena *arena, const Type *type, Str bytes, Value *out, Err *err)
{
    FormatSide side = side_of(arena, type);
    Decoder   *decoder = NULL;
    bool       is_null = true;

    assert_int_equal(decoder_open(arena, &side, NULL, &decoder, err), ERR_OK);
    return decoder_run(decoder, bytes, out, arena, &is_null, err);
}

static void kafka_numbers_are_big_endian(void **state)
{
    Arena *test_mem = test_arena(state);
    Value  v;
    Err    err;

    assert_int_equal(read_bytes(test_mem, &type_int, STR("\xff\xff\xff\xfe"), &v, &err), ERR_OK);
    assert_true(v.kind == T_INT && v.u.i == -2);
    assert_int_equal(read_bytes(test_mem, &type_bigint, STR("\0\0\0\0\0\0\1\2"), &v, &err), ERR_OK);
    assert_true(v.kind == T_BIGINT && v.u.i == 258);
    assert_int_equal(read_bytes(test_mem, &type_double, STR("\x3f\xf8\0\0\0\0\0\0"), &v, &err),
                     ERR_OK);
    assert_true(v.kind == T_DOUBLE && v.u.d == 1.5);
}

static void kafka_refuses_other_lengths(void **state)
{
    Arena *test_mem = test_arena(state);
    Value  v;
    Err    err;

    assert_int_equal(read_bytes(test_mem, &type_int, STR("12345"), &v, &err), ERR_DESERIALIZE);
    assert_string_equal(err.msg,
                        "column \"K\": cannot read 5 bytes as INTEGER: expected exactly 4");
    assert_int_equal(read_bytes(test_mem, &type_bigint, STR(""), &v, &err), ERR_DESERIALIZE);
    assert_int_equal(read_bytes(test_mem, &type_double, STR("1234567"), &v, &err), ERR_DESERIALIZE);
}

static void kafka_text_is_read_with_replacement(void **state)
{
    Arena *test_mem = test_arena(state);
    Value  v;
    Err    err;

    assert_int_equal(read_bytes(test_mem, &type_string, STR("a\xff"), &v, &err), ERR_OK);
    assert_true(str_eq(value_as_str(v), STR("a\xef\xbf\xbd")));
    assert_int_equal(read_bytes(test_mem, &type_string, STR(""), &v, &err), ERR_OK);
    assert_true(v.kind == T_STRING && v.len == 0);
}

static void kafka_holds_one_simple_column(void **state)
{
    Arena     *test_mem = test_arena(state);
    FormatSide side = side_of(test_mem, &type_boolean);
    Decoder   *decoder = NULL;
    Encoder   *encoder = NULL;
    Err        err;

    assert_int_equal(decoder_open(test_mem, &side, NULL, &decoder, &err), ERR_STATEMENT);
    assert_string_equal(err.msg, "format KAFKA cannot hold column \"K\" of type BOOLEAN");
    side.len = 2;
    assert_int_equal(encoder_open(test_mem, &side, &encoder, &err), ERR_STATEMENT);
    assert_string_equal(err.msg, "format KAFKA cannot hold 2 columns: only one");
}

static void kafka_comes_back_as_it_went_in(void **state)
{
    static const Type *const types[] = {&type_int, &type_bigint, &type_double, &type_string,
                                        &type_bytes};
    Arena                   *test_mem = test_arena(state);
    Random                   random = {22};

    for (int i = 0; i < 1000; i++) {
        const Type *type = types[random_below(&random, 5)];
        FormatSide  side = side_of(test_mem, type);
        Value       v = random_value(&random, test_mem, type), got;
        Encoder    *encoder = NULL;
        Buf         bytes = buf_in(test_mem);
        bool        is_null = false;
        Err         err;

        assert_int_equal(encoder_open(test_mem, &side, &encoder, &err), ERR_OK);
        assert_int_equal(encoder_run(encoder, &v, &bytes, &is_null, &err), ERR_OK);
        assert_int_equal(is_null, value_is_null(v));
        if (is_null)
            continue;
        assert_int_equal(read_bytes(test_mem, type, buf_view(&bytes), &got, &err), ERR_OK);
        assert_true(value_eq(v, got));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(kafka_numbers_are_big_endian),        arena_test(kafka_refuses_other_lengths),
        arena_test(kafka_text_is_read_with_replacement), arena_test(kafka_holds_one_simple_column),
        arena_test(kafka_comes_back_as_it_went_in),
    };
    limits_init(&g_limits);
    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
