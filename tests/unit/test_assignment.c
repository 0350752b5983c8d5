#include "exec/assignment.h"
#include "tests/support/arena_group.h"

static void one_node_runs_every_task(void **state)
{
    Assignment all = assignment_all();

    (void)state;
    for (uint32_t partition = 0; partition < 100; partition++)
        assert_true(assignment_has(&all, STR("CSAS_A_1"), partition % 3, partition));
}

/* Odd partitions only. */
static bool odd(void *self, Str query_id, uint32_t stage, uint32_t partition)
{
    (void)query_id;
    (void)stage;
    (*(int *)self)++;
    return partition % 2 == 1;
}

static void another_assignment_is_asked_task_by_task(void **state)
{
    int        asked = 0;
    Assignment half = {.has = odd, .self = &asked};

    (void)state;
    assert_false(assignment_has(&half, STR("CSAS_A_1"), 0, 2));
    assert_true(assignment_has(&half, STR("CSAS_A_1"), 0, 3));
    assert_int_equal(asked, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_node_runs_every_task),
        cmocka_unit_test(another_assignment_is_asked_task_by_task),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
