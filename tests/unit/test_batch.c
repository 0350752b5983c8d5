#include "exec/batch.h"
#include "tests/support/arena_group.h"

static void batch_is_empty_and_has_room(void **state)
{
    Batch batch;

    batch_init(&batch, test_arena(state), 7);
    assert_int_equal(batch.len, 0);
    assert_int_equal(batch.cap, 7);
    assert_ptr_equal(batch.mem, test_arena(state));
    for (uint32_t i = 0; i < batch.cap; i++)
        batch.rows[batch.len++] = (Row){.offset = i};
    assert_int_equal(batch.rows[6].offset, 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(batch_is_empty_and_has_room),
    };
    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
