#include "exec/ops/agg_group.h"
#include "tests/support/op_test.h"

#define GROUPED "CREATE TABLE o AS SELECT w, COUNT(*) AS n, SUM(v) AS q FROM s GROUP BY w;"

static StateEntry *touch(OpTest *t, const char *key)
{
    StateEntry *entry;
    bool        is_new;
    Err         err;

    assert_int_equal(state_touch(t->ctx.states[t->node->store->number], str_from(key),
                                 state_hash(str_from(key)), &entry, &is_new, &err),
                     ERR_OK);
    return entry;
}

static void results_follow_the_rows(void **state)
{
    OpTest      t;
    AggGroup   *group;
    StateEntry *entry;
    Batch       batch;
    Value       out[2];
    Err         err;

    op_test_open(&t, test_arena(state), GROUPED, PLAN_AGGREGATE);
    assert_int_equal(agg_group_open(&t.ctx, t.node, &group, &err), ERR_OK);
    entry = touch(&t, "a");
    agg_group_init(group, entry, t.batch_mem);
    batch =
        rows("+ 'a' 4 @10\n+ 'a' null @20\n+ 'a' 6 @30", t.node->inputs[0]->schema, t.batch_mem);
    for (uint32_t i = 0; i < batch.len; i++)
        assert_int_equal(agg_group_add(group, entry, &batch.rows[i], t.batch_mem, &err), ERR_OK);
    assert_int_equal(agg_group_finish(group, entry, t.batch_mem, out, &err), ERR_OK);
    assert_int_equal(out[0].u.i, 3);
    assert_int_equal(out[1].u.i, 10);
    agg_group_close(group);
    op_test_close(&t);
}

static void merged_groups_are_both(void **state)
{
    OpTest      t;
    AggGroup   *group;
    StateEntry *a;
    Batch       batch;
    Value       other[8], out[2];
    Err         err;

    op_test_open(&t, test_arena(state), GROUPED, PLAN_AGGREGATE);
    assert_int_equal(agg_group_open(&t.ctx, t.node, &group, &err), ERR_OK);
    batch = rows("+ 'a' 4 @10", t.node->inputs[0]->schema, t.batch_mem);
    a = touch(&t, "a");
    agg_group_init(group, a, t.batch_mem);
    assert_int_equal(agg_group_add(group, a, &batch.rows[0], t.batch_mem, &err), ERR_OK);
    assert_true(t.node->store->slots_len <= 8);
    memcpy(other, a->slots, sizeof(Value) * t.node->store->slots_len);
    assert_int_equal(agg_group_merge(group, a, other, t.batch_mem, &err), ERR_OK);
    assert_int_equal(agg_group_finish(group, a, t.batch_mem, out, &err), ERR_OK);
    assert_int_equal(out[0].u.i, 2);
    assert_int_equal(out[1].u.i, 8);
    agg_group_close(group);
    op_test_close(&t);
}

static void null_group_is_no_group(void **state)
{
    OpTest    t;
    AggGroup *group;
    Batch     batch;
    Err       err;

    op_test_open(&t, test_arena(state), GROUPED, PLAN_AGGREGATE);
    assert_int_equal(agg_group_open(&t.ctx, t.node, &group, &err), ERR_OK);
    batch = rows("+ null 4 @10\n+ 'a' 4 @20", t.node->inputs[0]->schema, t.batch_mem);
    assert_false(agg_group_has_key(group, &batch.rows[0]));
    assert_true(agg_group_has_key(group, &batch.rows[1]));
    assert_int_equal(t.ctx.counters.skipped, 1);
    agg_group_close(group);
    op_test_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(results_follow_the_rows),
        arena_test(merged_groups_are_both),
        arena_test(null_group_is_no_group),
    };
    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
