#include "exec/ops/join_row.h"
#include "tests/support/arena_group.h"

static const JoinLayout layout = {.key_len = 1, .left_len = 2, .right_len = 1};

static void missing_side_is_null(void **state)
{
    Arena *mem = test_arena(state);
    Value  key = value_int(1), right = value_int(9);
    Value *cols = join_cols(&layout, &key, NULL, &right, mem);

    assert_int_equal(cols[0].u.i, 1);
    assert_true(value_is_null(cols[1]));
    assert_true(value_is_null(cols[2]));
    assert_int_equal(cols[3].u.i, 9);
}

static void values_are_copied(void **state)
{
    Arena *mem = test_arena(state);
    char   text[] = "abc";
    Value  key = value_int(1);
    Value  left[2] = {value_str((Str){text, 3}), value_int(2)};
    Value *cols = join_cols(&layout, &key, left, NULL, mem);

    text[0] = 'X';
    assert_true(str_eq(value_as_str(cols[1]), STR("abc")));
}

static void deletion_has_its_key_and_nothing_else(void **state)
{
    Arena *mem = test_arena(state);
    Value  key = value_int(1);
    Row    cause = {.offset = 7, .ts = 10, .headers = STR("h"), .key = STR("k")};
    Row    row = join_deletion(&layout, &cause, &key, NULL, 20, mem);

    assert_int_equal(row.flags, ROW_VALUE_NULL);
    assert_int_equal(row.offset, 7);
    assert_int_equal(row.ts, 20);
    assert_null(row.key.ptr);
    assert_int_equal(row.cols[0].u.i, 1);
    for (int i = 1; i < 4; i++)
        assert_true(value_is_null(row.cols[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(missing_side_is_null),
        arena_test(values_are_copied),
        arena_test(deletion_has_its_key_and_nothing_else),
    };
    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
