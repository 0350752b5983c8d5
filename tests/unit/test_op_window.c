/*
 * Windows and sessions: which rows they emit, what is late, what is final.
 */
#include "tests/support/op_test.h"

#define TUMBLING                                                                                   \
    "CREATE TABLE o AS SELECT w, COUNT(*) AS n FROM s WINDOW TUMBLING (SIZE 10 MILLISECONDS, "     \
    "GRACE PERIOD 5 MILLISECONDS) GROUP BY w EMIT CHANGES;"
#define HOPPING                                                                                    \
    "CREATE TABLE o AS SELECT w, COUNT(*) AS n FROM s WINDOW HOPPING (SIZE 10 MILLISECONDS, "      \
    "ADVANCE BY 5 MILLISECONDS, GRACE PERIOD 0 MILLISECONDS) GROUP BY w EMIT CHANGES;"
#define SESSION                                                                                    \
    "CREATE TABLE o AS SELECT w, COUNT(*) AS n FROM s WINDOW SESSION (10 MILLISECONDS, "           \
    "GRACE PERIOD 5 MILLISECONDS) GROUP BY w EMIT CHANGES;"
#define FINAL                                                                                      \
    "CREATE TABLE o AS SELECT w, COUNT(*) AS n FROM s WINDOW TUMBLING (SIZE 10 MILLISECONDS, "     \
    "GRACE PERIOD 5 MILLISECONDS) GROUP BY w EMIT FINAL;"

static void tumbling_window_keeps_its_highest_timestamp(void **state)
{
    OpTest t;

    op_test_open(&t, test_arena(state), TUMBLING, PLAN_AGGREGATE);
    op_test_expect(&t, "+ 'a' @3\n+ 'a' @9\n+ 'a' @4\n+ 'a' @10\n+ 'b' @11",
                   "+ 'a' 1 [0,10) @3\n+ 'a' 2 [0,10) @9\n+ 'a' 3 [0,10) @9\n"
                   "+ 'a' 1 [10,20) @10\n+ 'b' 1 [10,20) @11\n");
    op_test_close(&t);
}

static void window_takes_nothing_after_its_grace(void **state)
{
    OpTest t;

    op_test_open(&t, test_arena(state), TUMBLING, PLAN_AGGREGATE);
    op_test_expect(&t, "+ 'a' @3\n+ 'b' @14\n+ 'a' @4\n+ 'b' @15\n+ 'a' @5",
                   "+ 'a' 1 [0,10) @3\n+ 'b' 1 [10,20) @14\n+ 'a' 2 [0,10) @4\n"
                   "+ 'b' 2 [10,20) @15\n");
    assert_int_equal(t.ctx.counters.late, 1);
    op_test_close(&t);
}

static void hopping_windows_overlap_in_the_order_of_their_starts(void **state)
{
    OpTest t;

    op_test_open(&t, test_arena(state), HOPPING, PLAN_AGGREGATE);
    op_test_expect(&t, "+ 'a' @3\n+ 'a' @7\n+ 'a' @12",
                   "+ 'a' 1 [0,10) @3\n+ 'a' 2 [0,10) @7\n+ 'a' 1 [5,15) @7\n"
                   "+ 'a' 2 [5,15) @12\n+ 'a' 1 [10,20) @12\n");
    /* Too late for [0,10), in time for [5,15). */
    op_test_expect(&t, "+ 'a' @6", "+ 'a' 3 [5,15) @12\n");
    assert_int_equal(t.ctx.counters.late, 1);
    op_test_close(&t);
}

static void windows_ignore_null_groups_and_values(void **state)
{
    OpTest t;

    op_test_open(&t, test_arena(state), TUMBLING, PLAN_AGGREGATE);
    op_test_expect(&t, "+ null @3\n0 'a' @4", "");
    op_test_close(&t);
}

static void session_grows_and_deletes_what_it_was(void **state)
{
    OpTest t;

    op_test_open(&t, test_arena(state), SESSION, PLAN_AGGREGATE);
    op_test_expect(&t, "+ 'a' @100\n+ 'a' @105\n+ 'a' @103",
                   "+ 'a' 1 [100,100) @100\n- 'a' [100,100) @100\n+ 'a' 2 [100,105) @105\n"
                   "- 'a' [100,105) @105\n+ 'a' 3 [100,105) @105\n");
    op_test_close(&t);
}

static void row_between_two_sessions_makes_them_one(void **state)
{
    OpTest t;

    op_test_open(&t, test_arena(state), SESSION, PLAN_AGGREGATE);
    op_test_expect(&t, "+ 'a' @100\n+ 'a' @115\n+ 'b' @108",
                   "+ 'a' 1 [100,100) @100\n+ 'a' 1 [115,115) @115\n+ 'b' 1 [108,108) @108\n");
    op_test_expect(&t, "+ 'a' @108",
                   "- 'a' [100,100) @100\n- 'a' [115,115) @115\n+ 'a' 3 [100,115) @115\n");
    op_test_close(&t);
}

static void session_takes_nothing_after_gap_and_grace(void **state)
{
    OpTest t;

    op_test_open(&t, test_arena(state), SESSION, PLAN_AGGREGATE);
    op_test_expect(&t, "+ 'a' @100\n+ 'b' @116\n+ 'c' @100",
                   "+ 'a' 1 [100,100) @100\n+ 'b' 1 [116,116) @116\n");
    assert_int_equal(t.ctx.counters.late, 1);
    op_test_close(&t);
}

static void final_rows_come_when_the_window_is_over(void **state)
{
    OpTest t;

    op_test_open(&t, test_arena(state), FINAL, PLAN_SUPPRESS);
    op_test_expect(&t, "+ 'b' 1 [0,10) @3\n+ 'a' 1 [0,10) @4\n+ 'a' 2 [0,10) @5", "");
    op_test_expect(&t, "+ 'a' 1 [10,20) @14", "");
    op_test_expect(&t, "+ 'a' 2 [10,20) @15", "+ 'a' 2 [0,10) @5\n+ 'b' 1 [0,10) @3\n");
    op_test_expect(&t, "+ 'a' 1 [20,30) @25", "+ 'a' 2 [10,20) @15\n");
    op_test_close(&t);
}

static void window_that_vanishes_is_not_final(void **state)
{
    OpTest t;

    op_test_open(&t, test_arena(state), FINAL, PLAN_SUPPRESS);
    op_test_expect(&t, "+ 'a' 1 [0,10) @3", "");
    op_test_expect(&t, "+ 'a' 1 [100,110) @100", "");
    op_test_close(&t);
}

/* Stream time and open windows are state: they survive the operator. */
static void reopened_window_goes_on(void **state)
{
    OpTest t;
    Err    err;

    op_test_open(&t, test_arena(state), TUMBLING, PLAN_AGGREGATE);
    op_test_expect(&t, "+ 'a' @3\n+ 'b' @15", "+ 'a' 1 [0,10) @3\n+ 'b' 1 [10,20) @15\n");
    op_close(t.op);
    assert_int_equal(op_open(&t.ctx, t.node, &t.end, 0, &t.op, &err), ERR_OK);
    op_test_expect(&t, "+ 'a' @4\n+ 'b' @12", "+ 'b' 2 [10,20) @15\n");
    assert_int_equal(t.ctx.counters.late, 1);
    op_test_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(tumbling_window_keeps_its_highest_timestamp),
        arena_test(window_takes_nothing_after_its_grace),
        arena_test(hopping_windows_overlap_in_the_order_of_their_starts),
        arena_test(windows_ignore_null_groups_and_values),
        arena_test(session_grows_and_deletes_what_it_was),
        arena_test(row_between_two_sessions_makes_them_one),
        arena_test(session_takes_nothing_after_gap_and_grace),
        arena_test(final_rows_come_when_the_window_is_over),
        arena_test(window_that_vanishes_is_not_final),
        arena_test(reopened_window_goes_on),
    };
    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
