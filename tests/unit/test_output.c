/* test_output.c -- what is shown goes to the spool file too, and how wide the terminal is. */
#include "tests/support/arena_group.h"

#include <stdlib.h>

#include "cli/file.h"
#include "cli/output.h"
#include "tests/support/temp_dir.h"

static void results_errors_and_statements_are_spooled(void **state)
{
    Arena      *mem = test_arena(state);
    const char *dir = temp_dir_make(mem);
    Str         path = str_printf(mem, "%s/spool", dir);
    Output      output = {0};
    Str         text;
    Err         err;

    assert_int_equal(output_spool(&output, path.ptr, &err), ERR_OK);
    output_echo(&output, STR("SHOW STREAMS;"));
    output_write(&output, STR("a\n"));
    output_line(&output, "%d %s", 1, "b");
    output_error(&output, STR("bad"));
    output_spool_end(&output);
    output_write(&output, STR("after\n"));
    assert_int_equal(file_read(mem, path, 1000, &text, &err), ERR_OK);
    assert_true(str_eq(text, STR("weir> SHOW STREAMS;\na\n1 b\nbad\n")));
    temp_dir_remove(dir);
}

static void spool_that_cannot_be_written_is_named(void **state)
{
    Output output = {0};
    Err    err;

    (void)state;
    assert_int_equal(output_spool(&output, "/nowhere/x", &err), ERR_IO);
    assert_string_equal(err.msg, "could not open file \"/nowhere/x\": No such file or directory");
    assert_null(output.spool);
}

static void columns_are_taken_from_the_environment_without_a_terminal(void **state)
{
    (void)state;
    assert_non_null(freopen("/dev/null", "w", stdout));
    unsetenv("COLUMNS");
    assert_int_equal(output_columns(), 80);
    setenv("COLUMNS", "132", 1);
    assert_int_equal(output_columns(), 132);
    setenv("COLUMNS", "1", 1);
    assert_int_equal(output_columns(), 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(results_errors_and_statements_are_spooled),
        arena_test(spool_that_cannot_be_written_is_named),
        arena_test(columns_are_taken_from_the_environment_without_a_terminal),
    };

    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
