#include "common/vec.h"

#include "tests/support/arena_group.h"

static void vec_push_keeps_order_while_growing(void **state)
{
    Arena *test_mem = test_arena(state);
    VEC(int) numbers = {0};
    VEC(char *) others = {0};

    for (int i = 0; i < 1000; i++) {
        vec_push(test_mem, &numbers, i);
        vec_push(test_mem, &others, arena_bytes(test_mem, 1));
    }
    assert_int_equal(numbers.len, 1000);
    assert_int_equal(others.len, 1000);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(numbers.items[i], i);
}

static void vec_push_evaluates_the_item_once(void **state)
{
    Arena *test_mem = test_arena(state);
    VEC(int) numbers = {0};
    int next = 0;

    for (int i = 0; i < 20; i++)
        vec_push(test_mem, &numbers, next++);
    assert_int_equal(next, 20);
    assert_int_equal(numbers.items[19], 19);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(vec_push_keeps_order_while_growing),
        arena_test(vec_push_evaluates_the_item_once),
    };
    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
