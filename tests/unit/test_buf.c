#include "common/buf.h"

#include <stdio.h>

#include "tests/support/arena_group.h"

static void assert_view(const Buf *buf, const char *expected)
{
    Str view = buf_view(buf);

    assert_int_equal(view.len, strlen(expected));
    assert_memory_equal(view.ptr, expected, view.len);
}

static void buf_view_of_nothing_is_the_empty_string(void **state)
{
    Buf buf = {0};

    (void)state;
    assert_non_null(buf_view(&buf).ptr);
    assert_int_equal(buf_view(&buf).len, 0);
    buf_append(&buf, NULL, 0);
    assert_null(buf.ptr);
    buf_deinit(&buf);
}

static void buf_appends_on_the_heap_and_in_an_arena(void **state)
{
    Buf bufs[] = {{0}, buf_in(test_arena(state))};

    for (size_t b = 0; b < 2; b++) {
        Buf *buf = &bufs[b];

        for (int i = 0; i < 10000; i++)
            buf_put(buf, (char)('a' + i % 26));
        assert_int_equal(buf->len, 10000);
        for (int i = 0; i < 10000; i++)
            assert_int_equal(buf->ptr[i], 'a' + i % 26);
        buf_clear(buf);
        buf_str(buf, STR("one"));
        buf_c(buf, ",two");
        buf_append(buf, ",three", 6);
        assert_view(buf, "one,two,three");
        buf_deinit(buf);
    }
    assert_null(bufs[0].ptr);
    /* What lies in an arena is the arena's. */
    assert_view(&bufs[1], "one,two,three");
}

static void buf_reserve_makes_room_once(void **state)
{
    Buf   buf = buf_in(test_arena(state));
    char *ptr;

    buf_put(&buf, 'x');
    buf_reserve(&buf, 100000);
    ptr = buf.ptr;
    for (int i = 0; i < 100000; i++)
        buf_put(&buf, 'y');
    assert_ptr_equal(buf.ptr, ptr);
    assert_int_equal(buf.ptr[0], 'x');
}

static void buf_printf_appends_short_and_long(void **state)
{
    Buf buf = {0};

    (void)state;
    buf_printf(&buf, "%s=%d", "a", 1);
    buf_printf(&buf, "%s", ";");
    assert_view(&buf, "a=1;");
    buf_printf(&buf, "%3000d", 5);
    assert_int_equal(buf.len, 3004);
    assert_int_equal(buf.ptr[3003], '5');
    assert_memory_equal(buf.ptr, "a=1; ", 5);
    buf_deinit(&buf);
}

static void buf_printf_that_fills_the_room_exactly_is_whole(void **state)
{
    (void)state;
    for (size_t len = 60; len < 70; len++) {
        Buf buf = {0};

        buf_reserve(&buf, 64);
        buf_printf(&buf, "%*d", (int)len, 9);
        assert_int_equal(buf.len, len);
        assert_int_equal(buf.ptr[len - 1], '9');
        buf_deinit(&buf);
    }
}

static void buf_i64_prints_as_printf_does(void **state)
{
    Arena  *test_mem = test_arena(state);
    int64_t numbers[] = {0,  1,   9,    10,   11,    99,        100,       101,      999,
                         -1, -10, -100, 1234, 12345, INT64_MAX, INT64_MIN, -9999999, 1000000000};

    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        Buf  buf = buf_in(test_mem);
        char expected[32];

        buf_i64(&buf, numbers[i]);
        (void)snprintf(expected, sizeof expected, "%lld", (long long)numbers[i]);
        assert_view(&buf, expected);
    }
}

static void buf_integers_read_back(void **state)
{
    Buf            buf = buf_in(test_arena(state));
    const uint64_t u[] = {0, 1, 127, 128, 300, UINT32_MAX, UINT64_MAX, UINT64_MAX / 2};
    const int64_t  s[] = {0, -1, 1, -64, 64, INT64_MIN, INT64_MAX};
    BufReader      reader;

    for (size_t i = 0; i < 8; i++) {
        buf_u32be(&buf, (uint32_t)u[i]);
        buf_u64be(&buf, u[i]);
        buf_varint(&buf, u[i]);
    }
    for (size_t i = 0; i < 7; i++)
        buf_varint_s(&buf, s[i]);
    buf_put(&buf, 'z');
    buf_c(&buf, "tail");

    reader = buf_reader(buf_view(&buf));
    for (size_t i = 0; i < 8; i++) {
        assert_true(buf_read_u32be(&reader) == (uint32_t)u[i]);
        assert_true(buf_read_u64be(&reader) == u[i]);
        assert_true(buf_read_varint(&reader) == u[i]);
    }
    for (size_t i = 0; i < 7; i++)
        assert_true(buf_read_varint_s(&reader) == s[i]);
    assert_int_equal(buf_read_u8(&reader), 'z');
    assert_true(str_eq(buf_read_bytes(&reader, 4), STR("tail")));
    assert_true(reader.ok);
    assert_ptr_equal(reader.ptr, reader.end);
}

static void buf_big_endian_sorts_as_numbers(void **state)
{
    Buf buf = buf_in(test_arena(state));

    buf_u32be(&buf, 0x01020304);
    buf_u64be(&buf, UINT64_C(0x0102030405060708));
    assert_memory_equal(buf.ptr, "\1\2\3\4\1\2\3\4\5\6\7\10", 12);
}

static void buf_varint_of_small_magnitude_is_short(void **state)
{
    Buf buf = buf_in(test_arena(state));

    buf_varint(&buf, 127);
    assert_int_equal(buf.len, 1);
    buf_varint_s(&buf, -64);
    assert_int_equal(buf.len, 2);
    buf_varint(&buf, UINT64_MAX);
    assert_int_equal(buf.len, 12);
}

static void buf_reader_fails_for_good_on_a_short_read(void **state)
{
    BufReader reader = buf_reader(STR("\1\2\3"));

    (void)state;
    assert_int_equal(buf_read_u32be(&reader), 0);
    assert_false(reader.ok);
    assert_int_equal(buf_read_u8(&reader), 0);
    assert_null(buf_read_bytes(&reader, 1).ptr);
    assert_int_equal(buf_read_varint(&reader), 0);
    assert_int_equal(buf_read_varint_s(&reader), 0);
    assert_false(reader.ok);

    reader = buf_reader(STR("\1\2\3"));
    assert_null(buf_read_bytes(&reader, SIZE_MAX).ptr);
    assert_false(reader.ok);

    reader = buf_reader(STR_NULL);
    assert_true(reader.ok);
    assert_int_equal(buf_read_bytes(&reader, 0).len, 0);
    assert_true(reader.ok);
    assert_int_equal(buf_read_u64be(&reader), 0);
    assert_false(reader.ok);
}

static void buf_read_varint_refuses_what_does_not_fit(void **state)
{
    BufReader reader = buf_reader(STR("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"));

    (void)state;
    assert_true(buf_read_varint(&reader) == 0);
    assert_false(reader.ok);
    reader = buf_reader(STR("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01"));
    assert_true(buf_read_varint(&reader) == 0);
    assert_false(reader.ok);
    reader = buf_reader(STR("\x80\x80"));
    assert_true(buf_read_varint(&reader) == 0);
    assert_false(reader.ok);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(buf_view_of_nothing_is_the_empty_string),
        arena_test(buf_appends_on_the_heap_and_in_an_arena),
        arena_test(buf_reserve_makes_room_once),
        arena_test(buf_printf_appends_short_and_long),
        arena_test(buf_printf_that_fills_the_room_exactly_is_whole),
        arena_test(buf_i64_prints_as_printf_does),
        arena_test(buf_integers_read_back),
        arena_test(buf_big_endian_sorts_as_numbers),
        arena_test(buf_varint_of_small_magnitude_is_short),
        arena_test(buf_reader_fails_for_good_on_a_short_read),
        arena_test(buf_read_varint_refuses_what_does_not_fit),
    };
    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
