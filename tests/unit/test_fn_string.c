#include "tests/support/arena_group.h"
#include "tests/support/eval_sql.h"

#include "common/limit.h"

#define SMILE "\xf0\x9f\x98\x80" /* two UTF-16 units */
#define REPLACED "\xef\xbf\xbd"

static void concat_leaves_nulls_out(void **state)
{
    EVAL_CHECK(state, {"CONCAT('a', NULL, 'b')", "ab"}, {"CONCAT(CAST(NULL AS STRING), NULL)", ""},
               {"CONCAT_WS(',', 'a', NULL, 'b')", "a,b"},
               {"CONCAT_WS(CAST(NULL AS STRING), 'a')", "null"}, {"CONCAT_WS(',')", "error"},
               {"CONCAT_WS(',', NULL, NULL)", ""}, {"'a' || 'b'", "ab"}, {"'a' + 'b'", "ab"});
}

static void elt_and_field_count_from_one(void **state)
{
    EVAL_CHECK(state, {"ELT(1, 'a', 'b')", "a"}, {"ELT(0, 'a')", "null"}, {"ELT(3, 'a')", "null"},
               {"ELT(-2147483648, 'a')", "null"}, {"ELT(CAST(NULL AS INT), 'a')", "error"},
               {"FIELD('b', 'a', 'b')", "2"}, {"FIELD('x', 'a')", "0"},
               {"FIELD(CAST(NULL AS STRING), 'a')", "0"}, {"FIELD('a', NULL, 'a')", "2"});
}

static void letter_case_is_unicodes(void **state)
{
    EVAL_CHECK(state,
               {"UCASE('stra\xc3\x9f"
                "e')",
                "STRASSE"},
               {"LCASE('\xc3\x84')", "\xc3\xa4"}, {"UCASE('')", ""},
               {"LCASE(CAST(NULL AS STRING))", "null"},
               {"INITCAP('  the QUICK  fox ')", "The Quick  Fox "}, {"INITCAP('')", ""},
               {"INITCAP('\xc3\xa4"
                "b')",
                "\xc3\x84"
                "b"});
}

static void instr_counts_from_either_end(void **state)
{
    EVAL_CHECK(
        state, {"INSTR('CORPORATE FLOOR', 'OR')", "2"}, {"INSTR('CORPORATE FLOOR', 'OR', 3)", "5"},
        {"INSTR('CORPORATE FLOOR', 'OR', -3)", "5"}, {"INSTR('CORPORATE FLOOR', 'OR', -3, 2)", "2"},
        {"INSTR('CORPORATE FLOOR', 'OR', 3, 2)", "14"}, {"INSTR('CORPORATE FLOOR', 'OR', 0)", "0"},
        {"INSTR('CORPORATE FLOOR', 'OR', 16)", "0"}, {"INSTR('CORPORATE FLOOR', 'OR', -16)", "0"},
        {"INSTR('aaa', 'aa', 1, 2)", "2"}, {"INSTR('aaa', 'aa', 1, 0)", "0"},
        {"INSTR('abc', '')", "1"}, {"INSTR('a', 'abc')", "0"}, {"INSTR('a" SMILE "b', 'b')", "4"},
        {"INSTR(CAST(NULL AS STRING), 'b')", "0"}, {"INSTR('a', 'a', -2147483647)", "0"});
}

static void lengths_count_utf16_units(void **state)
{
    EVAL_CHECK(state, {"LEN('')", "0"}, {"LEN('a" SMILE "')", "3"}, {"LEN('\xc3\xa4')", "1"},
               {"LEN(TO_BYTES('\xc3\xa4', 'utf8'))", "2"}, {"LEN(CAST(NULL AS STRING))", "null"});
}

static void substring_is_clamped(void **state)
{
    EVAL_CHECK(state, {"SUBSTRING('stream', 2)", "tream"}, {"SUBSTRING('stream', 0, 2)", "st"},
               {"SUBSTRING('stream', -2)", "am"}, {"SUBSTRING('stream', -20, 2)", "st"},
               {"SUBSTRING('stream', 7)", ""}, {"SUBSTRING('stream', 3, -1)", ""},
               {"SUBSTRING('stream', 3, 2147483647)", ""}, {"SUBSTRING('stream', 3, 100)", "ream"},
               {"SUBSTRING('', -2147483648, 2147483647)", ""}, {"SUBSTRING('', 1)", ""});
}

static void a_cut_inside_a_pair_leaves_a_replacement(void **state)
{
    EVAL_CHECK(state, {"SUBSTRING('a" SMILE "b', 2, 1)", REPLACED},
               {"SUBSTRING('a" SMILE "b', 3)", REPLACED "b"},
               {"SUBSTRING('a" SMILE "b', 2, 2)", SMILE}, {"LPAD('" SMILE "', 1, 'x')", REPLACED});
}

static void padding_is_cyclic_and_cuts(void **state)
{
    EVAL_CHECK(state, {"LPAD('7', 4, 'ab')", "aba7"}, {"RPAD('7', 4, 'ab')", "7aba"},
               {"LPAD('stream', 3, 'x')", "str"}, {"RPAD('stream', 3, 'x')", "str"},
               {"LPAD('a', 3, '')", "null"}, {"LPAD('a', -1, 'x')", "null"},
               {"LPAD('a', 0, 'x')", ""}, {"LPAD('a', 2147483647, 'x')", "error"},
               {"RPAD(CAST(NULL AS STRING), 3, 'x')", "null"});
}

static void replace_takes_texts_as_they_are(void **state)
{
    EVAL_CHECK(state, {"REPLACE('a.b.c', '.', '')", "abc"}, {"REPLACE('aaa', 'aa', 'b')", "ba"},
               {"REPLACE('ab', '', '-')", "-a-b-"}, {"REPLACE('', '', '-')", "-"},
               {"REPLACE('abc', 'x', 'y')", "abc"});
}

static void split_keeps_empty_pieces(void **state)
{
    EVAL_CHECK(state, {"SPLIT('a,b,', ',')", "[a, b, ]"}, {"SPLIT('', ',')", "[]"},
               {"ARRAY_LENGTH(SPLIT('', ','))", "1"}, {"SPLIT('ab', '')", "[a, b]"},
               {"ARRAY_LENGTH(SPLIT('', ''))", "1"}, {"SPLIT('abc', 'x')", "[abc]"},
               {"SPLIT('" SMILE "', '')", "[" SMILE "]"});
}

static void split_to_map_drops_what_is_no_entry(void **state)
{
    EVAL_CHECK(state, {"SPLIT_TO_MAP('a=1;;b=2=3;c', ';', '=')", "{a=1, b=2}"},
               {"SPLIT_TO_MAP('a=1;a=2', ';', '=')", "{a=2}"},
               {"SPLIT_TO_MAP('a=1', '', '=')", "null"}, {"SPLIT_TO_MAP('a=1', '=', '=')", "null"},
               {"SPLIT_TO_MAP('', ';', '=')", "{}"});
}

static void trim_strips_control_characters_too(void **state)
{
    EVAL_CHECK(state, {"TRIM('\t a b \n')", "a b"}, {"TRIM('   ')", ""}, {"TRIM('')", ""},
               {"TRIM('\xc2\xa0')", "\xc2\xa0"});
}

static void a_megabyte_of_text_is_no_problem(void **state)
{
    EVAL_CHECK(state, {"LEN(RPAD('x', 1048576, 'ab'))", "1048576"},
               {"LEN(REPLACE(RPAD('x', 1048576, 'ab'), 'a', ''))", "524288"},
               {"LEN(UCASE(RPAD('\xc3\xa4', 1048576, '\xc3\xb6')))", "1048576"},
               {"INSTR(RPAD('x', 1048576, 'ab'), 'ba', -1)", "1048575"},
               {"REPLACE(RPAD('x', 1048576, 'x'), 'x', RPAD('x', 1048576, 'x'))", "error"});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(concat_leaves_nulls_out),
        arena_test(elt_and_field_count_from_one),
        arena_test(letter_case_is_unicodes),
        arena_test(instr_counts_from_either_end),
        arena_test(lengths_count_utf16_units),
        arena_test(substring_is_clamped),
        arena_test(a_cut_inside_a_pair_leaves_a_replacement),
        arena_test(padding_is_cyclic_and_cuts),
        arena_test(replace_takes_texts_as_they_are),
        arena_test(split_keeps_empty_pieces),
        arena_test(split_to_map_drops_what_is_no_entry),
        arena_test(trim_strips_control_characters_too),
        arena_test(a_megabyte_of_text_is_no_problem),
    };
    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
