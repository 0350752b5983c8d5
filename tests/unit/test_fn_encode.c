#include "tests/support/arena_group.h"
#include "tests/support/eval_sql.h"

static void to_bytes_and_back(void **state)
{
    EVAL_CHECK(state, {"FROM_BYTES(TO_BYTES('cafe', 'HEX'), 'hex')", "CAFE"},
               {"FROM_BYTES(TO_BYTES('ä', 'utf8'), 'hex')", "C3A4"},
               {"FROM_BYTES(TO_BYTES('ä', 'ascii'), 'utf8')", "?"},
               {"FROM_BYTES(TO_BYTES('c3', 'hex'), 'ascii')", "�"},
               {"FROM_BYTES(TO_BYTES('ff', 'hex'), 'utf8')", "�"},
               {"FROM_BYTES(TO_BYTES('aGk=', 'base64'), 'utf8')", "hi"},
               {"TO_BYTES('abc', 'hex')", "error"}, {"TO_BYTES('zz', 'hex')", "error"},
               {"TO_BYTES('a', 'utf16')", "error"}, {"TO_BYTES('!', 'base64')", "error"},
               {"TO_BYTES(CAST(NULL AS STRING), 'hex')", "null"});
}

static void encode_is_lenient_about_its_input(void **state)
{
    EVAL_CHECK(state, {"ENCODE('0x5', 'hex', 'base64')", "BQ=="},
               {"ENCODE('X''4869''', 'hex', 'ascii')", "Hi"},
               {"ENCODE('4869', 'hex', 'utf8')", "Hi"}, {"ENCODE('486', 'hex', 'utf8')", "error"},
               {"ENCODE('Hi', 'ascii', 'hex')", "4869"},
               {"ENCODE('a-_ !', 'base64', 'hex')", "6bef"},
               {"ENCODE('a', 'utf8', 'UTF8')", "error"}, {"ENCODE('a', 'utf8', 'ebcdic')", "error"},
               {"ENCODE('ä', 'utf8', 'ascii')", "��"}, {"ENCODE('ä', 'ascii', 'hex')", "3f"});
}

static void md5_is_that_of_the_rfc(void **state)
{
    EVAL_CHECK(state, {"MD5('')", "d41d8cd98f00b204e9800998ecf8427e"},
               {"MD5('abc')", "900150983cd24fb0d6963f7d28e17f72"},
               {"MD5('message digest')", "f96b697d7cb7938d525a2f31aaf161d0"},
               {"MD5(RPAD('', 55, 'a'))", "ef1772b6dff9a122358552954ad0df65"},
               {"MD5(RPAD('', 56, 'a'))", "3b0c8ac703f828b04c6c197006d17218"},
               {"MD5(RPAD('', 64, 'a'))", "014842d480b571495a4a0363793f7367"},
               {"MD5(CAST(NULL AS STRING))", "null"});
}

static void uuids_have_their_form(void **state)
{
    EVAL_CHECK(state,
               {"REGEXP_EXTRACT('^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{"
                "12}$', UUID()) IS NULL",
                "false"},
               {"UUID(TO_BYTES('00', 'hex'))", "null"}, {"UUID() = UUID()", "false"});
}

static void chr_knows_code_points_and_escapes(void **state)
{
    EVAL_CHECK(state, {"CHR(75)", "K"}, {"CHR(128512)", "😀"}, {"CHR(-1)", "null"},
               {"CHR(1114112)", "null"}, {"CHR(55296)", "�"}, {"CHR('\\u597d')", "好"},
               {"CHR('\\ud83d\\ude00!')", "😀!"}, {"CHR('K')", "null"}, {"CHR('\\u12')", "null"},
               {"CHR('\\u0041\\')", "A\\"});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(to_bytes_and_back),
        arena_test(encode_is_lenient_about_its_input),
        arena_test(md5_is_that_of_the_rfc),
        arena_test(uuids_have_their_form),
        arena_test(chr_knows_code_points_and_escapes),
    };
    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
