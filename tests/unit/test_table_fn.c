#include "exec/functions/fn_table.h"

#include "tests/support/arena_group.h"

static const TableFnDef *find(const char *name)
{
    const TableFnDef *def = table_fn;

    while (strcmp(def->name, name) != 0)
        def++;
    return def;
}

static void null_and_empty_arrays_give_no_rows(void **state)
{
    FnCall       call = {.mem = test_arena(state)};
    Value        null = value_null();
    Value        empty = value_items(T_ARRAY, NULL, 0);
    const Value *rows;
    uint32_t     len = 7;
    Err          err;

    assert_int_equal(find("EXPLODE")->eval(&call, &null, &rows, &len, &err), ERR_OK);
    assert_int_equal(len, 0);
    assert_int_equal(find("EXPLODE")->eval(&call, &empty, &rows, &len, &err), ERR_OK);
    assert_int_equal(len, 0);
    assert_int_equal(find("CUBE_EXPLODE")->eval(&call, &null, &rows, &len, &err), ERR_OK);
    assert_int_equal(len, 0);
}

static void null_elements_are_rows(void **state)
{
    FnCall       call = {.mem = test_arena(state)};
    Value        items[] = {value_null(), value_int(2)};
    Value        array = value_items(T_ARRAY, items, 2);
    const Value *rows;
    uint32_t     len;
    Err          err;

    assert_int_equal(find("EXPLODE")->eval(&call, &array, &rows, &len, &err), ERR_OK);
    assert_int_equal(len, 2);
    assert_true(value_is_null(rows[0]));
}

static void null_columns_do_not_multiply_a_cube(void **state)
{
    FnCall       call = {.mem = test_arena(state)};
    Value        items[] = {value_int(1), value_null(), value_int(2)};
    Value        array = value_items(T_ARRAY, items, 3);
    const Value *rows;
    uint32_t     len;
    Err          err;

    assert_int_equal(find("CUBE_EXPLODE")->eval(&call, &array, &rows, &len, &err), ERR_OK);
    assert_int_equal(len, 4);
    assert_true(value_is_null(rows[0].u.items[0]));
    assert_true(value_is_null(rows[1].u.items[0]));
    assert_int_equal(rows[1].u.items[2].u.i, 2);
    assert_int_equal(rows[2].u.items[0].u.i, 1);
    assert_true(value_is_null(rows[3].u.items[1]));
}

static void a_cube_of_too_many_columns_is_an_error(void **state)
{
    FnCall       call = {.mem = test_arena(state)};
    Value        items[21];
    Value        array = value_items(T_ARRAY, items, 21);
    const Value *rows;
    uint32_t     len;
    Err          err;

    for (int i = 0; i < 21; i++)
        items[i] = value_int(i);
    assert_int_equal(find("CUBE_EXPLODE")->eval(&call, &array, &rows, &len, &err), ERR_EVAL);
    assert_string_equal(err.msg, "CUBE_EXPLODE takes at most 20 columns, not 21");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(null_and_empty_arrays_give_no_rows),
        arena_test(null_elements_are_rows),
        arena_test(null_columns_do_not_multiply_a_cube),
        arena_test(a_cube_of_too_many_columns_is_an_error),
    };
    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
