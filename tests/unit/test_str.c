#include "common/str.h"

#include "tests/support/arena_group.h"

static void assert_str(Str actual, const char *expected)
{
    assert_non_null(actual.ptr);
    assert_int_equal(actual.len, strlen(expected));
    assert_memory_equal(actual.ptr, expected, actual.len);
}

static void str_eq_compares_bytes(void **state)
{
    (void)state;
    assert_true(str_eq(STR("abc"), str_from("abc")));
    assert_false(str_eq(STR("abc"), STR("abd")));
    assert_false(str_eq(STR("abc"), STR("ab")));
    assert_true(str_eq(STR("a\0b"), (Str){"a\0b", 3}));
    assert_false(str_eq(STR("a\0b"), STR("a\0c")));
    assert_true(str_eq(STR(""), STR_NULL));
}

static void str_eq_nocase_folds_ascii_only(void **state)
{
    (void)state;
    assert_true(str_eq_nocase(STR("Select"), STR("sELECT")));
    assert_false(str_eq_nocase(STR("select"), STR("selec")));
    assert_false(str_eq_nocase(STR("\xc3\x84"), STR("\xc3\xa4")));
    assert_false(str_eq_nocase(STR("@"), STR("`")));
    assert_false(str_eq_nocase(STR("["), STR("{")));
}

static void str_cmp_orders_as_memcmp_then_length(void **state)
{
    (void)state;
    assert_true(str_cmp(STR("a"), STR("b")) < 0);
    assert_true(str_cmp(STR("b"), STR("a")) > 0);
    assert_true(str_cmp(STR("a"), STR("ab")) < 0);
    assert_true(str_cmp(STR("ab"), STR("a")) > 0);
    assert_int_equal(str_cmp(STR("ab"), STR("ab")), 0);
    assert_int_equal(str_cmp(STR_NULL, STR("")), 0);
    assert_true(str_cmp(STR("\xff"), STR("a")) > 0);
}

static void str_starts_and_ends_match_edges(void **state)
{
    (void)state;
    assert_true(str_starts(STR("weir.limit"), STR("weir.")));
    assert_false(str_starts(STR("weir"), STR("weir.")));
    assert_true(str_starts(STR("x"), STR("")));
    assert_true(str_starts_nocase(STR("KSQL.x"), STR("ksql.")));
    assert_false(str_starts_nocase(STR("KSQ"), STR("ksql")));
    assert_true(str_ends(STR("a.sql"), STR(".sql")));
    assert_false(str_ends(STR("sql"), STR(".sql")));
    assert_true(str_ends(STR_NULL, STR("")));
}

static void str_find_gives_the_first_offset_from(void **state)
{
    (void)state;
    assert_int_equal(str_find(STR("abcabc"), STR("bc"), 0), 1);
    assert_int_equal(str_find(STR("abcabc"), STR("bc"), 2), 4);
    assert_int_equal(str_find(STR("abcabc"), STR("bc"), 5), -1);
    assert_int_equal(str_find(STR("abc"), STR(""), 2), 2);
    assert_int_equal(str_find(STR("abc"), STR(""), 3), 3);
    assert_int_equal(str_find(STR("abc"), STR(""), 4), -1);
    assert_int_equal(str_find(STR_NULL, STR("a"), 0), -1);
    assert_int_equal(str_find(STR("a\0b"), STR("\0b"), 0), 1);
}

static void str_trim_drops_white_space_at_both_ends(void **state)
{
    (void)state;
    assert_str(str_trim(STR(" \t\r\n\v\f a b \n")), "a b");
    assert_str(str_trim(STR("   ")), "");
    assert_str(str_trim(STR("x")), "x");
    assert_null(str_trim(STR_NULL).ptr);
}

static void str_copy_keeps_null_apart_from_empty(void **state)
{
    Arena *test_mem = test_arena(state);
    char   source[] = "abc";
    Str    copy = str_copy(test_mem, str_from(source));

    source[0] = 'x';
    assert_str(copy, "abc");
    assert_str(str_copy(test_mem, STR("")), "");
    assert_null(str_copy(test_mem, STR_NULL).ptr);
}

static void str_to_c_ends_with_nul(void **state)
{
    Arena *test_mem = test_arena(state);

    assert_string_equal(str_to_c(test_mem, str_slice(STR("abcdef"), 1, 3)), "bc");
    assert_string_equal(str_to_c(test_mem, STR_NULL), "");
}

static void str_case_changes_ascii_letters_only(void **state)
{
    Arena *test_mem = test_arena(state);

    assert_str(str_upper_ascii(test_mem, STR("aZ{`1\xc3\xa4")), "AZ{`1\xc3\xa4");
    assert_str(str_lower_ascii(test_mem, STR("aZ[@1\xc3\x84")), "az[@1\xc3\x84");
    assert_null(str_upper_ascii(test_mem, STR_NULL).ptr);
    assert_null(str_lower_ascii(test_mem, STR_NULL).ptr);
}

static void str_printf_makes_text_of_any_length(void **state)
{
    Arena *test_mem = test_arena(state);
    Str    long_text = str_printf(test_mem, "%5000d|", 7);

    assert_int_equal(long_text.len, 5001);
    assert_int_equal(long_text.ptr[5000], '|');
    assert_str(str_printf(test_mem, "%.*s-%d", STR_ARG(STR("ab")), 3), "ab-3");
    assert_str(str_printf(test_mem, "%.*s", STR_ARG(STR_NULL)), "");
}

static void str_to_i64_reads_the_whole_range(void **state)
{
    int64_t v = 0;

    (void)state;
    assert_true(str_to_i64(STR("0"), &v) && v == 0);
    assert_true(str_to_i64(STR("-0"), &v) && v == 0);
    assert_true(str_to_i64(STR("+17"), &v) && v == 17);
    assert_true(str_to_i64(STR("0000000000000000000000012"), &v) && v == 12);
    assert_true(str_to_i64(STR("9223372036854775807"), &v) && v == INT64_MAX);
    assert_true(str_to_i64(STR("-9223372036854775808"), &v) && v == INT64_MIN);
}

static void str_to_i64_refuses_anything_else(void **state)
{
    const char *bad[] = {"",
                         "-",
                         "+",
                         " 1",
                         "1 ",
                         "1a",
                         "--1",
                         "0x1",
                         "1.0",
                         "9223372036854775808",
                         "-9223372036854775809",
                         "18446744073709551616",
                         "99999999999999999999"};
    int64_t     v = 42;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(str_to_i64(str_from(bad[i]), &v));
        assert_int_equal(v, 42);
    }
    assert_false(str_to_i64(STR_NULL, &v));
}

static void str_nearest_finds_a_typing_slip(void **state)
{
    const Str columns[] = {STR("ORDER_ID"), STR("AMOUNT"), STR("ITEM"), STR("ITEMS")};

    (void)state;
    assert_str(str_nearest(STR("amuont"), columns, 4), "AMOUNT");
    assert_str(str_nearest(STR("ORDERID"), columns, 4), "ORDER_ID");
    assert_str(str_nearest(STR("ITEMS"), columns, 4), "ITEMS");
    assert_str(str_nearest(STR("ITMES"), columns, 4), "ITEMS");
}

static void str_nearest_is_silent_when_nothing_is_near(void **state)
{
    const Str columns[] = {STR("ORDER_ID"), STR("AMOUNT"), STR("")};
    char      text[400];

    (void)state;
    memset(text, 'A', sizeof text);
    assert_null(str_nearest(STR("PRICE"), columns, 3).ptr);
    assert_null(str_nearest(STR("AM"), columns, 3).ptr);
    assert_null(str_nearest((Str){text, sizeof text}, columns, 3).ptr);
    assert_null(str_nearest(STR("X"), columns, 0).ptr);
}

static void str_hash_depends_on_every_byte(void **state)
{
    char     text[40] = {0};
    uint64_t base;

    (void)state;
    for (size_t len = 1; len <= sizeof text; len++) {
        base = str_hash((Str){text, len});
        assert_true(base != str_hash((Str){text, len - 1}));
        for (size_t i = 0; i < len; i++) {
            text[i] = 1;
            assert_true(base != str_hash((Str){text, len}));
            text[i] = 0;
        }
    }
    assert_true(str_hash(STR_NULL) == str_hash(STR("")));
}

/* States on disk lie where these numbers put them. */
static void str_hash_is_what_it_always_was(void **state)
{
    (void)state;
    assert_true(str_hash(STR("")) == UINT64_C(0xe231d98cab11b8c7));
    assert_true(str_hash(STR("a")) == UINT64_C(0x4c742440fb01c664));
    assert_true(str_hash(STR("chair")) == UINT64_C(0x3651c67b82d7a0d7));
    assert_true(str_hash(STR("a key of more than sixteen bytes")) == UINT64_C(0x96dbf14140b26539));
}

static void str_hash_spreads_small_numbers_over_low_bits(void **state)
{
    unsigned counts[256] = {0};

    (void)state;
    for (uint32_t i = 0; i < 256 * 64; i++) {
        char text[4];

        memcpy(text, &i, sizeof text);
        counts[str_hash((Str){text, 4}) & 255]++;
    }
    for (size_t i = 0; i < 256; i++)
        assert_in_range(counts[i], 24, 120);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(str_eq_compares_bytes),
        arena_test(str_eq_nocase_folds_ascii_only),
        arena_test(str_cmp_orders_as_memcmp_then_length),
        arena_test(str_starts_and_ends_match_edges),
        arena_test(str_find_gives_the_first_offset_from),
        arena_test(str_trim_drops_white_space_at_both_ends),
        arena_test(str_copy_keeps_null_apart_from_empty),
        arena_test(str_to_c_ends_with_nul),
        arena_test(str_case_changes_ascii_letters_only),
        arena_test(str_printf_makes_text_of_any_length),
        arena_test(str_to_i64_reads_the_whole_range),
        arena_test(str_to_i64_refuses_anything_else),
        arena_test(str_nearest_finds_a_typing_slip),
        arena_test(str_nearest_is_silent_when_nothing_is_near),
        arena_test(str_hash_depends_on_every_byte),
        arena_test(str_hash_is_what_it_always_was),
        arena_test(str_hash_spreads_small_numbers_over_low_bits),
    };
    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
