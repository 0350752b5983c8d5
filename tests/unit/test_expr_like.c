#include "tests/support/arena_group.h"
#include "tests/support/eval_sql.h"

static void percent_and_underscore_match(void **state)
{
    EVAL_CHECK(state, {"'abc' LIKE 'a%'", "true"}, {"'abc' LIKE '%c'", "true"},
               {"'abc' LIKE '%b%'", "true"}, {"'abc' LIKE 'a_c'", "true"},
               {"'abc' LIKE 'a_'", "false"}, {"'abc' LIKE 'abc'", "true"},
               {"'abc' LIKE 'ab'", "false"}, {"'' LIKE '%'", "true"}, {"'' LIKE ''", "true"},
               {"'' LIKE '_'", "false"}, {"'a' LIKE '%%%'", "true"}, {"'aab' LIKE '%ab'", "true"},
               {"'abab' LIKE '%ab'", "true"}, {"'abcabd' LIKE 'ab%ab_'", "true"},
               {"'mississippi' LIKE '%iss%ip%'", "true"},
               {"'mississippi' LIKE '%iss%iss%iss%'", "false"}, {"'a.c' LIKE 'a.c'", "true"},
               {"'abc' LIKE 'a.c'", "false"});
}

static void characters_are_code_points(void **state)
{
    EVAL_CHECK(state, {"'aäb' LIKE 'a_b'", "true"}, {"'😀' LIKE '_'", "true"},
               {"'ä' LIKE '__'", "false"});
}

static void line_ends_are_matched_by_themselves_only(void **state)
{
    EVAL_CHECK(state, {"'a\nb' LIKE 'a%b'", "false"}, {"'a\nb' LIKE 'a_b'", "false"},
               {"'a\nb' LIKE 'a\nb'", "true"}, {"'ab\n' LIKE 'ab%'", "false"},
               {"'x\ny' LIKE '%\n%'", "true"}, {"'a\xe2\x80\xa8' LIKE 'a%'", "false"});
}

static void escapes_make_characters_literal(void **state)
{
    EVAL_CHECK(state, {"'a%b' LIKE 'a!%b' ESCAPE '!'", "true"},
               {"'axb' LIKE 'a!%b' ESCAPE '!'", "false"}, {"'a_' LIKE 'a!_' ESCAPE '!'", "true"},
               {"'a!' LIKE 'a!!' ESCAPE '!'", "true"}, {"'a' LIKE 'a!' ESCAPE '!'", "error"});
}

static void null_is_an_error(void **state)
{
    EVAL_CHECK(state, {"CAST(NULL AS STRING) LIKE 'a'", "error"},
               {"'a' LIKE CAST(NULL AS STRING)", "error"});
}

static void patterns_may_be_computed(void **state)
{
    EVAL_CHECK(state, {"'abc' LIKE CONCAT('a', '%')", "true"},
               {"RPAD('', 100000, 'a') LIKE '%a%a%a%a%a%b'", "false"});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(percent_and_underscore_match),
        arena_test(characters_are_code_points),
        arena_test(line_ends_are_matched_by_themselves_only),
        arena_test(escapes_make_characters_literal),
        arena_test(null_is_an_error),
        arena_test(patterns_may_be_computed),
    };
    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
