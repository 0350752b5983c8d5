/* What belongs to no format alone: opening by kind, NONE, and the window behind a key. */
#include "exec/format.h"

#include "common/limit.h"
#include "tests/support/arena_group.h"

static void formats_with_a_registry_are_not_supported_yet(void **state)
{
    static const FormatKind kinds[] = {FORMAT_AVRO, FORMAT_JSON_SR, FORMAT_PROTOBUF,
                                       FORMAT_PROTOBUF_NOSR};
    Arena                  *test_mem = test_arena(state);
    Decoder                *decoder = NULL;
    Encoder                *encoder = NULL;
    Err                     err;

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        FormatSide side = {.spec = {.kind = kinds[i]}};

        assert_int_equal(decoder_open(test_mem, &side, NULL, &decoder, &err), ERR_NOT_YET);
        assert_int_equal(encoder_open(test_mem, &side, &encoder, &err), ERR_NOT_YET);
        assert_true(str_starts(str_from(err.msg), STR("not supported yet: format ")));
        assert_true(str_ends(str_from(err.msg), str_from(format_kind_name(kinds[i]))));
    }
}

static void none_is_null_both_ways(void **state)
{
    Arena     *test_mem = test_arena(state);
    Column     col = {.name = STR("A"), .type = &type_int};
    FormatSide side = {.spec = {.kind = FORMAT_NONE}, .cols = &col};
    Decoder   *decoder = NULL;
    Encoder   *encoder = NULL;
    Buf        out = buf_in(test_mem);
    bool       is_null = false;
    Err        err;

    assert_int_equal(decoder_open(test_mem, &side, NULL, &decoder, &err), ERR_OK);
    assert_int_equal(decoder_run(decoder, STR("any"), NULL, test_mem, &is_null, &err), ERR_OK);
    assert_true(is_null);
    is_null = false;
    assert_int_equal(encoder_open(test_mem, &side, &encoder, &err), ERR_OK);
    assert_int_equal(encoder_run(encoder, NULL, &out, &is_null, &err), ERR_OK);
    assert_true(is_null && out.len == 0);
    side.len = 1;
    assert_int_equal(encoder_open(test_mem, &side, &encoder, &err), ERR_STATEMENT);
    assert_string_equal(err.msg, "format NONE cannot hold column \"A\"");
}

static void window_stands_behind_the_key(void **state)
{
    static const WindowKind kinds[] = {WINDOW_TUMBLING, WINDOW_HOPPING, WINDOW_SESSION};
    Arena                  *test_mem = test_arena(state);
    Err                     err;

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        Buf     key = buf_in(test_mem);
        Str     rest;
        int64_t start_ms = 0, end_ms = 0;

        buf_c(&key, "key");
        format_window_append(&key, kinds[i], 1000, 31000);
        assert_int_equal(key.len, kinds[i] == WINDOW_SESSION ? 19 : 11);
        rest = buf_view(&key);
        assert_int_equal(format_window_strip(&rest, kinds[i], 30000, &start_ms, &end_ms, &err),
                         ERR_OK);
        assert_true(str_eq(rest, STR("key")));
        assert_true(start_ms == 1000 && end_ms == 31000);
    }
}

static void window_of_a_session_has_its_end_first(void **state)
{
    Buf key = buf_in(test_arena(state));

    format_window_append(&key, WINDOW_SESSION, 1, 2);
    assert_memory_equal(key.ptr, "\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0\1", 16);
}

static void window_of_a_short_key_is_refused(void **state)
{
    Str     key = STR("1234567");
    int64_t start_ms, end_ms;
    Err     err;

    (void)state;
    assert_int_equal(format_window_strip(&key, WINDOW_TUMBLING, 1, &start_ms, &end_ms, &err),
                     ERR_DESERIALIZE);
    assert_string_equal(err.msg, "cannot read the window of a key: 7 bytes, expected at least 8");
    assert_int_equal(format_window_strip(&key, WINDOW_NONE, 0, &start_ms, &end_ms, &err), ERR_OK);
    assert_int_equal(key.len, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(formats_with_a_registry_are_not_supported_yet),
        arena_test(none_is_null_both_ways),
        arena_test(window_stands_behind_the_key),
        arena_test(window_of_a_session_has_its_end_first),
        arena_test(window_of_a_short_key_is_refused),
    };
    limits_init(&g_limits);
    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
