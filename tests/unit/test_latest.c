#include "exec/ops/latest.h"
#include "tests/support/op_test.h"

static void deletion_of_an_unknown_key_leaves_no_trace(void **state)
{
    OpTest       t;
    Latest       latest;
    const Value *old;
    Batch        batch;
    Err          err;

    op_test_open(&t, test_arena(state), "CREATE TABLE o AS SELECT * FROM t WHERE v > 1;",
                 PLAN_TABLE);
    latest_open(&latest, &t.ctx, t.node);
    batch = rows("- 'a' @10", t.node->schema, t.batch_mem);
    assert_int_equal(latest_put(&latest, &batch.rows[0], t.batch_mem, &old, &err), ERR_OK);
    assert_null(old);
    assert_false(state_is_dirty(latest.state));
    latest_close(&latest);
    op_test_close(&t);
}

static void row_is_found_until_it_is_deleted(void **state)
{
    OpTest            t;
    Latest            latest;
    const StateEntry *entry;
    const Value      *old;
    Batch             batch;
    Err               err;

    op_test_open(&t, test_arena(state), "CREATE TABLE o AS SELECT * FROM t WHERE v > 1;",
                 PLAN_TABLE);
    latest_open(&latest, &t.ctx, t.node);
    batch = rows("+ 'a' 5 'text' @10\n- 'a' @20", t.node->schema, t.batch_mem);
    assert_int_equal(latest_put(&latest, &batch.rows[0], t.batch_mem, NULL, &err), ERR_OK);
    assert_int_equal(latest_find(&latest, &batch.rows[1], &entry, &err), ERR_OK);
    assert_non_null(entry);
    assert_int_equal(entry->ts, 10);
    assert_int_equal(entry->slots[0].u.i, 5);
    assert_int_equal(latest_put(&latest, &batch.rows[1], t.batch_mem, &old, &err), ERR_OK);
    assert_non_null(old);
    assert_true(str_eq(value_as_str(old[2]), STR("text")));
    assert_int_equal(latest_find(&latest, &batch.rows[1], &entry, &err), ERR_OK);
    assert_null(entry);
    latest_close(&latest);
    op_test_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(deletion_of_an_unknown_key_leaves_no_trace),
        arena_test(row_is_found_until_it_is_deleted),
    };
    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
