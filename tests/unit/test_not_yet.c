#include "planner/not_yet.h"

#include "tests/support/arena_group.h"

static void every_unsupported_answer_has_a_text(void **state)
{
    (void)state;
    for (int i = 0; i < NOT_YET_COUNT_; i++) {
        Err err;

        assert_int_equal(not_yet((NotYet)i, (SrcPos){1, 2, 3, 4}, &err), ERR_NOT_YET);
        assert_true(strlen(err.msg) > strlen("not supported yet: "));
        assert_int_equal(err.pos.column, 2);
    }
}

static void formats_that_run_are_not_refused(void **state)
{
    Err err;

    (void)state;
    assert_int_equal(not_yet_format(FORMAT_JSON, (SrcPos){0}, &err), ERR_OK);
    assert_int_equal(not_yet_format(FORMAT_NONE, (SrcPos){0}, &err), ERR_OK);
    assert_int_equal(not_yet_format(FORMAT_AVRO, (SrcPos){1, 1, 0, 1}, &err), ERR_NOT_YET);
    assert_non_null(strstr(err.hint, "JSON"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_unsupported_answer_has_a_text),
        cmocka_unit_test(formats_that_run_are_not_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
