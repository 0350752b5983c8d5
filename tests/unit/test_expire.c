/*
 * Windows past their retention leave the store, without a word.
 */
#include "tests/support/op_test.h"

#define RETAINED                                                                                   \
    "CREATE TABLE o AS SELECT w, COUNT(*) AS n FROM s WINDOW TUMBLING (SIZE 10 MILLISECONDS, "     \
    "RETENTION 40 MILLISECONDS, GRACE PERIOD 5 MILLISECONDS) GROUP BY w EMIT CHANGES;"

static bool has_window(OpTest *t, const char *group, int64_t start)
{
    Value       key = value_str(str_from(group));
    Buf         bytes = buf_in(t->batch_mem);
    StateEntry *entry;
    Err         err;

    state_encode_key(&bytes, t->node->store, &key, start, start + 10);
    assert_int_equal(state_find(t->ctx.states[t->node->store->number], buf_view(&bytes),
                                state_hash(buf_view(&bytes)), &entry, &err),
                     ERR_OK);
    return entry != NULL;
}

static void windows_stay_for_their_retention(void **state)
{
    OpTest t;

    op_test_open(&t, test_arena(state), RETAINED, PLAN_AGGREGATE);
    op_test_run(&t, "+ 'a' @1");
    op_test_run(&t, "+ 'b' @40");
    assert_true(has_window(&t, "a", 0));
    op_test_close(&t);
}

static void windows_past_their_retention_are_gone(void **state)
{
    OpTest t;

    op_test_open(&t, test_arena(state), RETAINED, PLAN_AGGREGATE);
    op_test_run(&t, "+ 'a' @1");
    op_test_expect(&t, "+ 'b' @60", "+ 'b' 1 [60,70) @60\n");
    assert_false(has_window(&t, "a", 0));
    assert_true(has_window(&t, "b", 60));
    op_test_close(&t);
}

static void a_view_forgets_windows_as_the_aggregate_does(void **state)
{
    OpTest t;

    op_test_open(&t, test_arena(state),
                 "CREATE TABLE o AS SELECT w, COUNT(*) + 1 AS n FROM s WINDOW TUMBLING "
                 "(SIZE 10 MILLISECONDS, RETENTION 40 MILLISECONDS, GRACE PERIOD 5 MILLISECONDS) "
                 "GROUP BY w EMIT CHANGES;",
                 PLAN_VIEW);
    op_test_run(&t, "+ 'a' 2 [0,10) @1");
    op_test_run(&t, "+ 'b' 2 [30,40) @39");
    assert_true(has_window(&t, "a", 0));
    op_test_run(&t, "+ 'b' 2 [60,70) @60");
    assert_false(has_window(&t, "a", 0));
    assert_true(has_window(&t, "b", 30));
    op_test_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(windows_stay_for_their_retention),
        arena_test(windows_past_their_retention_are_gone),
        arena_test(a_view_forgets_windows_as_the_aggregate_does),
    };
    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
