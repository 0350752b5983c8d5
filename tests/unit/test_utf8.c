#include "common/utf8.h"

#include "tests/support/arena_group.h"

#define EURO "\xe2\x82\xac"      /* U+20AC */
#define SMILE "\xf0\x9f\x98\x80" /* U+1F600, a pair in UTF-16 */
#define REPLACED "\xef\xbf\xbd"  /* U+FFFD */

static void utf8_valid_text_is_valid(void **state)
{
    (void)state;
    assert_true(utf8_is_valid(STR("")));
    assert_true(utf8_is_valid(STR_NULL));
    assert_true(utf8_is_valid(STR("plain ASCII text, longer than a word")));
    assert_true(utf8_is_valid(STR("a\0b")));
    assert_true(utf8_is_valid(STR("\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf")));
    assert_true(utf8_is_valid(STR("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf")));
    assert_true(utf8_is_valid(STR("\xed\x9f\xbf\xee\x80\x80")));
}

static void utf8_invalid_text_is_found(void **state)
{
    const Str bad[] = {
        STR("\x80"),
        STR("\xbf"),
        STR("\xc0\x80"),
        STR("\xc1\xbf"),
        STR("\xc2"),
        STR("\xc2 "),
        STR("\xe0\x9f\xbf"),
        STR("\xe2\x82"),
        STR("\xe2\x28\xa1"),
        STR("\xed\xa0\x80"),
        STR("\xed\xbf\xbf"),
        STR("\xf0\x8f\xbf\xbf"),
        STR("\xf4\x90\x80\x80"),
        STR("\xf5\x80\x80\x80"),
        STR("\xff"),
        STR("\xf0\x9f\x98"),
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(utf8_is_valid(bad[i]));
        assert_int_equal(utf8_valid_prefix(bad[i]), 0);
    }
    assert_int_equal(utf8_valid_prefix(STR("0123456789" EURO "\xff")), 13);
}

static void utf8_next_steps_over_code_points(void **state)
{
    Str    s = STR("a" EURO SMILE "\xff"
                      "b");
    size_t offset = 0;

    (void)state;
    assert_int_equal(utf8_next(s, &offset), 'a');
    assert_int_equal(utf8_next(s, &offset), 0x20ac);
    assert_int_equal(offset, 4);
    assert_int_equal(utf8_next(s, &offset), 0x1f600);
    assert_int_equal(utf8_next(s, &offset), UTF8_INVALID);
    assert_int_equal(offset, 9);
    assert_int_equal(utf8_next(s, &offset), 'b');
    assert_int_equal(offset, s.len);
}

static void utf8_encode_is_the_inverse_of_next(void **state)
{
    (void)state;
    for (uint32_t c = 0; c <= 0x10ffff; c += c < 0x900 ? 1 : 13) {
        char   bytes[4];
        size_t offset = 0;
        size_t len;

        if (c >= 0xd800 && c <= 0xdfff)
            continue;
        len = utf8_encode(c, bytes);
        assert_int_equal(utf8_next((Str){bytes, len}, &offset), c);
        assert_int_equal(offset, len);
    }
}

static void utf8_len_utf16_counts_pairs_twice(void **state)
{
    (void)state;
    assert_int_equal(utf8_len_utf16(STR("")), 0);
    assert_int_equal(utf8_len_utf16(STR("abcdefghijk")), 11);
    assert_int_equal(utf8_len_utf16(STR("a" EURO SMILE)), 4);
    assert_int_equal(utf8_len_utf16(STR("0123456789" SMILE "x")), 13);
}

static void utf8_offset_of_utf16_tells_of_a_split_pair(void **state)
{
    Str  s = STR("ab" EURO SMILE "c");
    bool splits = true;

    (void)state;
    assert_int_equal(utf8_offset_of_utf16(s, 0, &splits), 0);
    assert_false(splits);
    assert_int_equal(utf8_offset_of_utf16(s, 2, &splits), 2);
    assert_int_equal(utf8_offset_of_utf16(s, 3, &splits), 5);
    assert_false(splits);
    assert_int_equal(utf8_offset_of_utf16(s, 4, &splits), 5);
    assert_true(splits);
    assert_int_equal(utf8_offset_of_utf16(s, 5, &splits), 9);
    assert_false(splits);
    assert_int_equal(utf8_offset_of_utf16(s, 6, &splits), 10);
    assert_int_equal(utf8_offset_of_utf16(s, 100, &splits), 10);
    assert_int_equal(utf8_offset_of_utf16(s, 1, NULL), 1);
}

static void assert_replaced(void **state, Str s, const char *expected)
{
    Arena *test_mem = test_arena(state);

    assert_string_equal(str_to_c(test_mem, utf8_replace_invalid(test_mem, s)), expected);
}

static void utf8_replace_invalid_returns_valid_text_itself(void **state)
{
    Str s = STR("valid " EURO);

    assert_ptr_equal(utf8_replace_invalid(test_arena(state), s).ptr, s.ptr);
}

static void utf8_replace_invalid_joins_bytes_as_java_does(void **state)
{
    assert_replaced(state,
                    STR("a\xff"
                        "b"),
                    "a" REPLACED "b");
    assert_replaced(state, STR("\xc0\x80"), REPLACED REPLACED);
    assert_replaced(state, STR("\xc3("), REPLACED "(");
    assert_replaced(state, STR("x\xc3"), "x" REPLACED);
    assert_replaced(state, STR("\xe2\x82"), REPLACED);
    assert_replaced(state,
                    STR("\xe2\x82"
                        "A"),
                    REPLACED "A");
    assert_replaced(state,
                    STR("\xe2"
                        "A"),
                    REPLACED "A");
    assert_replaced(state, STR("\xe0\x80\x80"), REPLACED REPLACED REPLACED);
    assert_replaced(state, STR("\xe0\x80"), REPLACED REPLACED);
    assert_replaced(state, STR("\xed\xa0\x80z"), REPLACED "z");
    assert_replaced(state, STR("\xed\xa0"), REPLACED);
    assert_replaced(state, STR("\xf0\x9f\x98"), REPLACED);
    assert_replaced(state,
                    STR("\xf0\x9f\x98"
                        "A"),
                    REPLACED "A");
    assert_replaced(state,
                    STR("\xf0\x9f"
                        "A"),
                    REPLACED "A");
    assert_replaced(state, STR("\xf0\x80\x80\x80"), REPLACED REPLACED REPLACED REPLACED);
    assert_replaced(state, STR("\xf4\x90\x80\x80"), REPLACED REPLACED REPLACED REPLACED);
    assert_replaced(state, STR("\xf5\x80"), REPLACED REPLACED);
    assert_replaced(state, STR(EURO "\xff" EURO "\xff"), EURO REPLACED EURO REPLACED);
}

static void utf8_width_counts_terminal_columns(void **state)
{
    (void)state;
    assert_int_equal(utf8_width(STR("")), 0);
    assert_int_equal(utf8_width(STR("abc")), 3);
    assert_int_equal(utf8_width(STR("\xe6\x97\xa5\xe6\x9c\xac")), 4);
    assert_int_equal(utf8_width(STR("e\xcc\x81")), 1);
    assert_int_equal(utf8_width(STR(SMILE)), 2);
    assert_int_equal(utf8_width(STR("\xc3\xa4" EURO)), 2);
    assert_int_equal(utf8_width(STR("\xff")), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(utf8_valid_text_is_valid),
        arena_test(utf8_invalid_text_is_found),
        arena_test(utf8_next_steps_over_code_points),
        arena_test(utf8_encode_is_the_inverse_of_next),
        arena_test(utf8_len_utf16_counts_pairs_twice),
        arena_test(utf8_offset_of_utf16_tells_of_a_split_pair),
        arena_test(utf8_replace_invalid_returns_valid_text_itself),
        arena_test(utf8_replace_invalid_joins_bytes_as_java_does),
        arena_test(utf8_width_counts_terminal_columns),
    };
    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
