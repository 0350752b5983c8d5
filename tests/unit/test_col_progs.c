#include "exec/ops/col_progs.h"
#include "tests/support/op_test.h"

static void copied_columns_skip_the_evaluator(void **state)
{
    OpTest   t;
    ColProgs progs;
    Batch    batch;
    Value    out[3];
    Err      err;

    op_test_open(&t, test_arena(state), "CREATE STREAM o AS SELECT k, v + 1 AS m, w FROM s;",
                 PLAN_PROJECT);
    assert_int_equal(col_progs_open(&t.ctx, t.node, t.node->u.project.exprs, &progs, &err), ERR_OK);
    assert_int_equal(progs.len, 3);
    assert_int_equal(progs.items[0].copied, 0);
    assert_int_equal(progs.items[1].copied, -1);
    assert_int_equal(progs.items[2].copied, 2);
    batch = rows("+ 'a' 4 'x' @10", t.node->inputs[0]->schema, t.batch_mem);
    col_progs_run(&progs, &batch.rows[0], &t.ctx.expr, 0, 3, out);
    assert_int_equal(out[1].u.i, 5);
    assert_true(str_eq(value_as_str(out[2]), STR("x")));
    col_progs_close(&progs);
    op_test_close(&t);
}

static void old_rows_are_read_in_place_of_the_new(void **state)
{
    OpTest   t;
    ColProgs progs;
    Batch    batch;
    ExprCtx  ctx;
    Value    out[3];
    Err      err;

    op_test_open(&t, test_arena(state), "CREATE STREAM o AS SELECT k, v + 1 AS m, w FROM s;",
                 PLAN_PROJECT);
    assert_int_equal(col_progs_open(&t.ctx, t.node, t.node->u.project.exprs, &progs, &err), ERR_OK);
    batch = rows("U 'a' 4 'x' < 'a' 7 'y' @10", t.node->inputs[0]->schema, t.batch_mem);
    ctx = t.ctx.expr;
    ctx.cols = batch.rows[0].old;
    col_progs_run(&progs, &batch.rows[0], &ctx, 0, 3, out);
    assert_int_equal(out[1].u.i, 8);
    assert_true(str_eq(value_as_str(out[2]), STR("y")));
    col_progs_close(&progs);
    op_test_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(copied_columns_skip_the_evaluator),
        arena_test(old_rows_are_read_in_place_of_the_new),
    };
    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
