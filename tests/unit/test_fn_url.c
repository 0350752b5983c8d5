#include "tests/support/arena_group.h"
#include "tests/support/eval_sql.h"

static void parts_are_found(void **state)
{
    EVAL_CHECK(state, {"URL_EXTRACT_PROTOCOL('http://u:p@a.org:8080/b/c?x=1#f')", "http"},
               {"URL_EXTRACT_HOST('http://u:p@a.org:8080/b/c?x=1#f')", "a.org"},
               {"URL_EXTRACT_PORT('http://u:p@a.org:8080/b')", "8080"},
               {"URL_EXTRACT_PATH('http://a.org:8080/b/c?x=1#f')", "/b/c"},
               {"URL_EXTRACT_QUERY('http://a.org/b?x=1&y=%26#f')", "x=1&y=&"},
               {"URL_EXTRACT_FRAGMENT('http://a.org/#a%20b')", "a b"},
               {"URL_EXTRACT_HOST('http://[::1]:80/')", "[::1]"},
               {"URL_EXTRACT_HOST('http://127.0.0.1/')", "127.0.0.1"});
}

static void absent_parts_are_null(void **state)
{
    EVAL_CHECK(state, {"URL_EXTRACT_PROTOCOL('/b')", "null"}, {"URL_EXTRACT_HOST('/b')", "null"},
               {"URL_EXTRACT_PORT('http://a.org')", "null"},
               {"URL_EXTRACT_PATH('http://a.org') = ''", "true"},
               {"URL_EXTRACT_QUERY('http://a.org/')", "null"},
               {"URL_EXTRACT_FRAGMENT('http://a.org/')", "null"},
               {"URL_EXTRACT_HOST('http://a_b.org/')", "null"},
               {"URL_EXTRACT_HOST('http://-a.org/')", "null"},
               {"URL_EXTRACT_PATH('mailto:a@b.org')", "null"},
               {"URL_EXTRACT_HOST(CAST(NULL AS STRING))", "null"});
}

static void malformed_urls_fail(void **state)
{
    EVAL_CHECK(state, {"URL_EXTRACT_HOST('http://a b/')", "error"},
               {"URL_EXTRACT_PATH('http://a.org/%zz')", "error"},
               {"URL_EXTRACT_PATH('http://a.org/<')", "error"},
               {"URL_EXTRACT_HOST('1http://a.org')", "error"},
               {"URL_EXTRACT_HOST('http:')", "error"}, {"URL_EXTRACT_HOST('http://')", "error"});
}

static void parameters_are_searched_in_the_decoded_query(void **state)
{
    EVAL_CHECK(state, {"URL_EXTRACT_PARAMETER('http://a.org?x=1&y=2&x=3', 'x')", "1"},
               {"URL_EXTRACT_PARAMETER('http://a.org?x', 'x') = ''", "true"},
               {"URL_EXTRACT_PARAMETER('http://a.org?a=b=c', 'a')", "b=c"},
               {"URL_EXTRACT_PARAMETER('http://a.org?a=1', 'b')", "null"},
               {"URL_EXTRACT_PARAMETER('http://a.org', 'b')", "null"});
}

static void parameters_are_form_encoded(void **state)
{
    EVAL_CHECK(state, {"URL_ENCODE_PARAM('a b+c/ä*')", "a+b%2Bc%2F%C3%A4*"},
               {"URL_DECODE_PARAM('a+b%2Bc%2F%C3%A4')", "a b+c/ä"},
               {"URL_DECODE_PARAM('%2')", "error"}, {"URL_DECODE_PARAM('%zz')", "error"},
               {"URL_DECODE_PARAM('%ff')", "�"}, {"URL_ENCODE_PARAM('')", ""});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(parts_are_found),
        arena_test(absent_parts_are_null),
        arena_test(malformed_urls_fail),
        arena_test(parameters_are_searched_in_the_decoded_query),
        arena_test(parameters_are_form_encoded),
    };
    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
