#include "common/json.h"

#include <math.h>

#include "tests/support/seed.h"
#include "tests/support/text_is.h"

static Str quoted(Arena *arena, Str s)
{
    Buf out = buf_in(arena);

    json_put_string(&out, s);
    return buf_view(&out);
}

static Str double_text(Arena *arena, double d)
{
    Buf out = buf_in(arena);

    json_put_double(&out, d);
    return buf_view(&out);
}

static Str base64_of(Arena *arena, Str bytes)
{
    Buf out = buf_in(arena);

    base64_encode(&out, bytes);
    return buf_view(&out);
}

static void json_put_string_escapes_only_what_it_must(void **state)
{
    Arena *arena = test_arena(state);

    assert_text(quoted(arena, STR("")), "\"\"");
    assert_text(quoted(arena, STR("a/b \x7f\xc3\xa9\xf0\x9d\x84\x9e")),
                "\"a/b \x7f\xc3\xa9\xf0\x9d\x84\x9e\"");
    assert_text(quoted(arena, STR("\"\\\b\f\n\r\t")), "\"\\\"\\\\\\b\\f\\n\\r\\t\"");
    assert_text(quoted(arena, STR("\0\x1f\x0b")), "\"\\u0000\\u001f\\u000b\"");
}

static void json_put_string_finds_the_special_byte_at_every_place(void **state)
{
    Arena *arena = test_arena(state);
    char   text[40];

    for (size_t at = 0; at < sizeof text; at++) {
        for (int special = 0; special < 3; special++) {
            JsonScan scan;
            Str      raw;
            bool     has_escape;

            memset(text, '!', sizeof text);
            text[at] = "\"\\\x1f"[special];
            json_scan_init(&scan, quoted(arena, (Str){text, sizeof text}));
            assert_true(json_string(&scan, &raw, &has_escape) && json_at_end(&scan));
            assert_true(str_eq(json_unescape(arena, raw), (Str){text, sizeof text}));
        }
    }
}

static void json_put_double_quotes_what_is_no_number(void **state)
{
    Arena *arena = test_arena(state);

    assert_text(double_text(arena, 1.5), "1.5");
    assert_text(double_text(arena, 1e10), "1.0E10");
    assert_text(double_text(arena, (double)NAN), "\"NaN\"");
    assert_text(double_text(arena, -(double)INFINITY), "\"-Infinity\"");
}

static void base64_follows_the_standard(void **state)
{
    Arena *arena = test_arena(state);

    assert_text(base64_of(arena, STR("")), "");
    assert_text(base64_of(arena, STR("f")), "Zg==");
    assert_text(base64_of(arena, STR("fo")), "Zm8=");
    assert_text(base64_of(arena, STR("foo")), "Zm9v");
    assert_text(base64_of(arena, STR("foobar")), "Zm9vYmFy");
    assert_text(base64_of(arena, STR("\xff\xfe\xfb")), "//77");
}

static void base64_reads_back_every_byte_and_length(void **state)
{
    Seed seed = {3};
    char bytes[300];

    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)seed_next(&seed);
    for (size_t len = 0; len < sizeof bytes; len++) {
        Arena *arena = test_arena(state);
        Buf    out = buf_in(arena);

        assert_true(base64_decode(&out, base64_of(arena, (Str){bytes, len})));
        assert_true(str_eq(buf_view(&out), (Str){bytes, len}));
        arena_reset(arena);
    }
}

static void base64_decode_takes_text_without_padding(void **state)
{
    Buf out = buf_in(test_arena(state));

    assert_true(base64_decode(&out, STR("Zg")));
    assert_true(base64_decode(&out, STR("Zm8")));
    assert_text(buf_view(&out), "ffo");
}

static void base64_decode_refuses_and_leaves_the_buffer_as_it_was(void **state)
{
    static const char *const bad[] = {"Z",        "Zg=",   "Zg===", "Z===",
                                      "====",     "Zm9v=", "Zm9*",  "Zm 9v",
                                      "Zg==Zg==", "Zm9-",  "Zm9vZ", "\xff\xff\xff\xff"};
    Buf                      out = buf_in(test_arena(state));

    buf_c(&out, "before");
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(base64_decode(&out, str_from(bad[i])));
        assert_text(buf_view(&out), "before");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(json_put_string_escapes_only_what_it_must),
        arena_test(json_put_string_finds_the_special_byte_at_every_place),
        arena_test(json_put_double_quotes_what_is_no_number),
        arena_test(base64_follows_the_standard),
        arena_test(base64_reads_back_every_byte_and_length),
        arena_test(base64_decode_takes_text_without_padding),
        arena_test(base64_decode_refuses_and_leaves_the_buffer_as_it_was),
    };

    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
