/* test_json_writer.c -- commas stand where they must. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/json_writer.h"

static void nested_document_has_its_commas(void **state)
{
    Buf        out = {0};
    JsonWriter w = json_writer(&out);

    (void)state;
    jw_open(&w, '{');
    jw_field_c(&w, "a", "x\"y");
    jw_key(&w, "b");
    jw_open(&w, '[');
    jw_i64(&w, -1);
    jw_open(&w, '{');
    jw_close(&w, '}');
    jw_open(&w, '[');
    jw_close(&w, ']');
    jw_bool(&w, true);
    jw_raw(&w, STR("{\"r\":1}"));
    jw_close(&w, ']');
    jw_field_null(&w, "c");
    jw_field_str(&w, "d", STR_NULL);
    jw_field_empty(&w, "e", "[]");
    jw_close(&w, '}');
    assert_true(
        str_eq(buf_view(&out), STR("{\"a\":\"x\\\"y\",\"b\":[-1,{},[],true,{\"r\":1}],\"c\":null,"
                                   "\"d\":null,\"e\":[]}")));
    buf_deinit(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(nested_document_has_its_commas)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
