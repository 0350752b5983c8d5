#include "tests/support/arena_group.h"
#include "tests/support/eval_sql.h"

static void extract_finds_the_first_match(void **state)
{
    EVAL_CHECK(
        state, {"REGEXP_EXTRACT('b.', 'abcbd')", "bc"}, {"REGEXP_EXTRACT('x', 'abc')", "null"},
        {"REGEXP_EXTRACT('(a)(x)?', 'abc', 2)", "null"},
        {"REGEXP_EXTRACT('(a)', 'abc', 2)", "null"}, {"REGEXP_EXTRACT('a', 'abc', -1)", "error"},
        {"REGEXP_EXTRACT('(', 'abc')", "error"}, {"REGEXP_EXTRACT('', '')", ""},
        {"REGEXP_EXTRACT('.', 'ä')", "ä"}, {"REGEXP_EXTRACT(CAST(NULL AS STRING), 'a')", "null"});
}

static void extract_all_finds_every_match(void **state)
{
    EVAL_CHECK(state, {"REGEXP_EXTRACT_ALL('[0-9]', 'a1b2')", "[1, 2]"},
               {"REGEXP_EXTRACT_ALL('x', 'a1b2')", "[]"},
               {"REGEXP_EXTRACT_ALL('(a)|b', 'ab', 1)", "[a, null]"},
               {"REGEXP_EXTRACT_ALL('a', 'ab', 1)", "null"},
               {"REGEXP_EXTRACT_ALL('a*', 'baac')", "[, aa, , ]"});
}

static void replacements_name_groups(void **state)
{
    EVAL_CHECK(
        state, {"REGEXP_REPLACE('a1b2', '([a-z])([0-9])', '$2$1')", "1a2b"},
        {"REGEXP_REPLACE('a1', '(?<x>[0-9])', '<${x}>')", "a<1>"},
        {"REGEXP_REPLACE('a', 'a', '\\$1')", "$1"}, {"REGEXP_REPLACE('a', '(a)', '$10')", "a0"},
        {"REGEXP_REPLACE('a', 'a', '$1')", "error"}, {"REGEXP_REPLACE('a', 'a', '$')", "error"},
        {"REGEXP_REPLACE('a', 'a', '\\')", "error"}, {"REGEXP_REPLACE('a', 'a', '${y}')", "error"},
        {"REGEXP_REPLACE('abc', '', '-')", "-a-b-c-"});
}

static void split_follows_java(void **state)
{
    EVAL_CHECK(state, {"REGEXP_SPLIT_TO_ARRAY(',a,,b,', ',')", "[, a, , b, ]"},
               {"REGEXP_SPLIT_TO_ARRAY('abc', '')", "[a, b, c]"},
               {"REGEXP_SPLIT_TO_ARRAY('aXb', 'x*')", "[a, X, b]"},
               {"REGEXP_SPLIT_TO_ARRAY('abc', 'x')", "[abc]"},
               {"ARRAY_LENGTH(REGEXP_SPLIT_TO_ARRAY('', ','))", "1"});
}

static void javas_class_names_are_known(void **state)
{
    EVAL_CHECK(state, {"REGEXP_EXTRACT_ALL('\\p{Upper}', 'aBC1')", "[B, C]"},
               {"REGEXP_EXTRACT_ALL('[\\p{Lower}1]', 'aBC1')", "[a, 1]"},
               {"REGEXP_EXTRACT_ALL('\\P{Alpha}', 'aB1')", "[1]"},
               {"REGEXP_EXTRACT('\\Q[a]\\E', 'x[a]')", "[a]"},
               {"REGEXP_EXTRACT('\\p{javaLowerCase}+', 'ABcd')", "cd"},
               {"REGEXP_EXTRACT('\\P{javaLetterOrDigit}+', 'a1--')", "--"},
               {"REGEXP_EXTRACT('[^\\P{Lower}]+', 'CDab1')", "ab"},
               {"REGEXP_EXTRACT('\\p{IsGreek}+', 'abγδ')", "γδ"},
               {"REGEXP_EXTRACT('\\u00e9+', 'xéé')", "éé"},
               {"REGEXP_EXTRACT('\\d+', '٣')", "null"});
}

static void classes_are_sets(void **state)
{
    EVAL_CHECK(state, {"REGEXP_EXTRACT('[a-z&&[^b]]+', 'bbacd')", "acd"},
               {"REGEXP_EXTRACT('[a-c[x-z]]+', 'mmaxzk')", "axz"},
               {"REGEXP_EXTRACT('[^a-c[x-z]]+', 'abmmaxzk')", "mm"},
               {"REGEXP_EXTRACT('[^[a-c]]+', 'abxyc')", "xy"},
               {"REGEXP_EXTRACT('[a-z&&[^m-p]&&[^a-c]]+', 'aabcmmdez')", "dez"},
               {"REGEXP_EXTRACT('[^a-c&&b-d]+', 'abcdx')", "a"},
               {"REGEXP_EXTRACT('[a[b[c[d]]]]+', 'xabcdx')", "abcd"},
               {"REGEXP_EXTRACT('[[:alpha:]]+', 'x:ap')", ":ap"},
               {"REGEXP_EXTRACT('[\\]\\[]+', 'a[]b')", "[]"},
               {"REGEXP_EXTRACT('[=^]+', 'a=^b')", "=^"}, {"REGEXP_EXTRACT('[a&&]', 'a')", "error"},
               {"REGEXP_EXTRACT('[a', 'a')", "error"},
               {"REGEXP_EXTRACT(RPAD('', 60, '[') + 'a' + RPAD('', 60, ']'), 'a')", "error"});
}

static void endless_backtracking_is_an_error(void **state)
{
    EVAL_CHECK(state, {"REGEXP_EXTRACT('(a|aa)+$', RPAD('', 40, 'a') + 'c')", "error"},
               {"REGEXP_EXTRACT(RPAD('', 5000, '(') + RPAD('', 5000, ')'), 'a')", "error"});
}

static void patterns_may_change_from_row_to_row(void **state)
{
    EVAL_CHECK(state, {"TRANSFORM(ARRAY['a', 'b', 'a'], p => REGEXP_REPLACE('ab', p, '-'))",
                       "[-b, a-, -b]"});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(extract_finds_the_first_match),
        arena_test(extract_all_finds_every_match),
        arena_test(replacements_name_groups),
        arena_test(split_follows_java),
        arena_test(javas_class_names_are_known),
        arena_test(classes_are_sets),
        arena_test(endless_backtracking_is_an_error),
        arena_test(patterns_may_change_from_row_to_row),
    };
    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
