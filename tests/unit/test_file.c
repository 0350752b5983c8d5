/* test_file.c -- files are read whole or refused. */
#include "tests/support/arena_group.h"

#include "cli/file.h"
#include "tests/support/temp_dir.h"

static void file_is_read_up_to_its_limit(void **state)
{
    Arena      *mem = test_arena(state);
    const char *dir = temp_dir_make(mem);
    Str         path = str_printf(mem, "%s/a.sql", dir);
    FILE       *file = fopen(path.ptr, "w");
    Str         text;
    Err         err;

    assert_non_null(file);
    fputs("SHOW STREAMS;", file);
    fclose(file);
    assert_int_equal(file_read(mem, path, 13, &text, &err), ERR_OK);
    assert_true(str_eq(text, STR("SHOW STREAMS;")));
    assert_int_equal(file_read(mem, path, 12, &text, &err), ERR_LIMIT);
    temp_dir_remove(dir);
}

static void missing_file_is_named(void **state)
{
    Str text;
    Err err;

    assert_int_equal(file_read(test_arena(state), STR("/nowhere/a.sql"), 1, &text, &err), ERR_IO);
    assert_string_equal(err.msg,
                        "could not open file \"/nowhere/a.sql\": No such file or directory");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(file_is_read_up_to_its_limit),
        arena_test(missing_file_is_named),
    };

    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
