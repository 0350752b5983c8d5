/*
 * What each operator emits.
 */
#include "common/limit.h"
#include "exec/ops/ops.h"
#include "tests/support/op_test.h"

#define STREAM_OF(select) "CREATE STREAM o AS SELECT " select " EMIT CHANGES;"
#define TABLE_OF(select) "CREATE TABLE o AS SELECT " select " EMIT CHANGES;"

/* --- filter ----------------------------------------------------------------------------------- */

static void filter_drops_false_and_null_predicates(void **state)
{
    OpTest t;

    op_test_open(&t, test_arena(state), STREAM_OF("* FROM s WHERE v > 1"), PLAN_FILTER);
    op_test_expect(&t, "+ 'a' 1 'x' @10\n+ 'b' 2 'x' @20\n+ 'c' null 'x' @30\n",
                   "+ 'b' 2 'x' @20\n");
    op_test_close(&t);
}

static void filter_drops_events_without_value(void **state)
{
    OpTest t;

    op_test_open(&t, test_arena(state), STREAM_OF("* FROM s WHERE k = 'a'"), PLAN_FILTER);
    op_test_expect(&t, "0 'a' @10\n+ 'a' 1 'x' @20", "+ 'a' 1 'x' @20\n");
    op_test_close(&t);
}

static void filter_reports_a_failing_predicate_and_drops_the_row(void **state)
{
    OpTest t;

    op_test_open(&t, test_arena(state), STREAM_OF("* FROM s WHERE 10 / v > 1"), PLAN_FILTER);
    op_test_expect(&t, "+ 'a' 0 'x' @10\n+ 'b' 2 'x' @20", "+ 'b' 2 'x' @20\n");
    assert_int_equal(t.errors, 1);
    op_test_close(&t);
}

/* --- filter_table ----------------------------------------------------------------------------- */

static void filter_table_deletes_what_leaves_the_result(void **state)
{
    OpTest t;

    op_test_open(&t, test_arena(state), TABLE_OF("* FROM t WHERE v > 1"), PLAN_FILTER_TABLE);
    op_test_expect(&t, "U 'a' 1 'x' < 'a' 2 'x' @10", "- 'a' 2 'x' @10\n");
    op_test_expect(&t, "- 'a' 2 'x' @20", "- 'a' 2 'x' @20\n");
    op_test_close(&t);
}

static void filter_table_is_silent_about_what_never_passed(void **state)
{
    OpTest t;

    op_test_open(&t, test_arena(state), TABLE_OF("* FROM t WHERE v > 1"), PLAN_FILTER_TABLE);
    op_test_expect(&t, "+ 'a' 1 'x' @10\nU 'a' 0 'x' < 'a' 1 'x' @20\n- 'a' 0 'x' @30\n- 'z' @40",
                   "");
    op_test_close(&t);
}

static void filter_table_hides_an_old_row_that_did_not_pass(void **state)
{
    OpTest t;

    op_test_open(&t, test_arena(state), TABLE_OF("* FROM t WHERE v > 1"), PLAN_FILTER_TABLE);
    op_test_expect(&t, "U 'a' 3 'x' < 'a' 1 'x' @10\nU 'a' 4 'x' < 'a' 3 'x' @20",
                   "+ 'a' 3 'x' @10\nU 'a' 4 'x' < 'a' 3 'x' @20\n");
    op_test_close(&t);
}

/* --- table ------------------------------------------------------------------------------------ */

static void table_gives_rows_their_old_value(void **state)
{
    OpTest t;

    op_test_open(&t, test_arena(state), TABLE_OF("* FROM t WHERE v > 1"), PLAN_TABLE);
    op_test_expect(&t,
                   "+ 'a' 1 'x' @10\n+ 'b' 7 'y' @15\n+ 'a' 2 'long text' @5\n- 'a' @30\n- 'a' @40",
                   "+ 'a' 1 'x' @10\n+ 'b' 7 'y' @15\nU 'a' 2 'long text' < 'a' 1 'x' @5\n"
                   "- 'a' 2 'long text' @30\n- 'a' @40\n");
    op_test_expect(&t, "+ 'a' 3 'z' @50\n+ 'b' 8 'y' @60",
                   "+ 'a' 3 'z' @50\nU 'b' 8 'y' < 'b' 7 'y' @60\n");
    op_test_close(&t);
}

/* --- project ---------------------------------------------------------------------------------- */

static void project_computes_and_copies_columns(void **state)
{
    OpTest t;

    op_test_open(&t, test_arena(state), STREAM_OF("k, v + 1 AS more, w FROM s"), PLAN_PROJECT);
    op_test_expect(&t, "+ 'a' 1 'x' @10\n+ null null null @20",
                   "+ 'a' 2 'x' @10\n+ null null null @20\n");
    op_test_close(&t);
}

static void project_keeps_a_null_value_null(void **state)
{
    OpTest t;

    op_test_open(&t, test_arena(state), STREAM_OF("k, 5 AS five FROM s"), PLAN_PROJECT);
    op_test_expect(&t, "0 'a' @10", "- 'a' @10\n");
    op_test_close(&t);
}

static void project_turns_a_failing_item_into_null(void **state)
{
    OpTest t;

    op_test_open(&t, test_arena(state), STREAM_OF("k, 10 / v AS q, w FROM s"), PLAN_PROJECT);
    op_test_expect(&t, "+ 'a' 0 'x' @10", "+ 'a' null 'x' @10\n");
    assert_int_equal(t.errors, 1);
    op_test_close(&t);
}

/* --- rekey ------------------------------------------------------------------------------------ */

static void rekey_keeps_rows_without_key(void **state)
{
    OpTest t;

    op_test_open(&t, test_arena(state), STREAM_OF("* FROM s PARTITION BY w"), PLAN_REKEY);
    assert_string_equal(op_test_run(&t, "+ 'a' 1 null @10"), "+ null 'a' 1 @10\n");
    op_test_close(&t);
}

static void rekey_of_a_table_splits_a_change_of_group(void **state)
{
    OpTest t;

    op_test_open(&t, test_arena(state), TABLE_OF("w, SUM(v) AS n FROM t GROUP BY w"), PLAN_REKEY);
    op_test_expect(&t, "+ 'a' 1 'g' @10", "+ 'g' 1 @10\n");
    op_test_expect(&t, "U 'a' 2 'g' < 'a' 1 'g' @20", "U 'g' 2 < 'g' 1 @20\n");
    op_test_expect(&t, "U 'a' 3 'h' < 'a' 2 'g' @30", "x 'g' 2 @30\n+ 'h' 3 @30\n");
    op_test_expect(&t, "- 'a' 3 'h' @40", "x 'h' 3 @40\n");
    op_test_close(&t);
}

static void rekey_of_a_table_ignores_the_null_group(void **state)
{
    OpTest t;

    op_test_open(&t, test_arena(state), TABLE_OF("w, SUM(v) AS n FROM t GROUP BY w"), PLAN_REKEY);
    op_test_expect(&t, "U 'a' 2 null < 'a' 1 'g' @10", "x 'g' 1 @10\n");
    op_test_expect(&t, "U 'a' 3 'g' < 'a' 2 null @20", "+ 'g' 3 @20\n");
    op_test_expect(&t, "- 'z' @30", "");
    op_test_close(&t);
}

/* --- aggregate -------------------------------------------------------------------------------- */

static void aggregate_emits_each_update_with_the_highest_timestamp(void **state)
{
    OpTest t;

    op_test_open(&t, test_arena(state), TABLE_OF("w, COUNT(*) AS n, SUM(v) AS q FROM s GROUP BY w"),
                 PLAN_AGGREGATE);
    op_test_expect(&t, "+ 'g' 1 @20\n+ 'h' 7 @5\n+ 'g' 4 @10",
                   "+ 'g' 1 1 @20\n+ 'h' 1 7 @5\n+ 'g' 2 5 @20\n");
    op_test_close(&t);
}

static void aggregate_skips_null_groups_and_null_values(void **state)
{
    OpTest t;

    op_test_open(&t, test_arena(state), TABLE_OF("w, COUNT(*) AS n, SUM(v) AS q FROM s GROUP BY w"),
                 PLAN_AGGREGATE);
    op_test_expect(&t, "+ null 1 @10\n0 'g' @20\n+ 'g' null @30", "+ 'g' 1 0 @30\n");
    assert_int_equal(t.ctx.counters.skipped, 1);
    op_test_close(&t);
}

static void aggregate_of_a_table_undoes_the_old_row(void **state)
{
    OpTest t;

    op_test_open(&t, test_arena(state), TABLE_OF("w, COUNT(*) AS n, SUM(v) AS q FROM t GROUP BY w"),
                 PLAN_AGGREGATE);
    op_test_expect(&t, "+ 'g' 1 @10\n+ 'g' 5 @20", "+ 'g' 1 1 @10\n+ 'g' 2 6 @20\n");
    op_test_expect(&t, "U 'g' 7 < 'g' 5 @15", "+ 'g' 2 8 @20\n");
    op_test_expect(&t, "x 'g' 7 @30\nx 'g' 1 @40", "+ 'g' 1 1 @30\n+ 'g' 0 0 @40\n");
    op_test_close(&t);
}

static void aggregate_tells_having_the_old_result(void **state)
{
    OpTest t;

    op_test_open(&t, test_arena(state),
                 TABLE_OF("w, COUNT(*) AS n FROM s GROUP BY w HAVING COUNT(*) < 2"),
                 PLAN_AGGREGATE);
    op_test_expect(&t, "+ 'g' @10\n+ 'g' @20", "+ 'g' 1 @10\nU 'g' 2 < 'g' 1 @20\n");
    op_test_close(&t);
}

/* --- the ends --------------------------------------------------------------------------------- */

static void sink_writes_full_chunks_and_the_rest_when_sealed(void **state)
{
    OpTest t;
    Record record;

    op_test_open(&t, test_arena(state), STREAM_OF("k, v FROM s"), PLAN_SINK);
    op_test_run(&t, "+ 'a' 1 @10\n0 'b' @20");
    assert_null(t.chunks.head);
    op_test_seal(&t);
    assert_non_null(t.chunks.head);
    assert_int_equal(t.chunks.head->count, 2);
    {
        ChunkCursor cursor = chunk_cursor(buf_view(&t.chunks.head->bytes), 0);

        assert_true(chunk_next(&cursor, &record));
        assert_true(str_eq(record.key, STR("a")));
        assert_true(str_eq(record.value, STR("{\"V\":1}")));
        assert_true(chunk_next(&cursor, &record));
        assert_null(record.value.ptr);
        assert_false(chunk_next(&cursor, &record));
    }
    op_test_close(&t);
}

static void sink_refuses_a_record_over_the_topics_limit(void **state)
{
    OpTest t;
    Batch  batch;
    Err    err;

    op_test_open(&t, test_arena(state), STREAM_OF("k, w FROM s"), PLAN_SINK);
    t.ctx.record_bytes_max = 50;
    batch = rows("+ 'a' 'short' @10\n+ 'b' 'much too long for a record of fifty bytes' @20",
                 t.node->schema, t.batch_mem);
    assert_int_equal(op_process(t.op, 0, &batch, &err), ERR_RECORD_TOO_LARGE);
    assert_string_equal(err.hint, "raise max.message.bytes of the topic");
    assert_true(t.ctx.failure.is_known);
    assert_int_equal(t.ctx.failure.offset, 1);
    op_test_close(&t);
}

static void sink_names_the_servers_limit_where_it_is_the_smaller(void **state)
{
    int64_t before = g_limits.record_bytes;
    OpTest  t;
    Batch   batch;
    Err     err;

    op_test_open(&t, test_arena(state), STREAM_OF("k, w FROM s"), PLAN_SINK);
    g_limits.record_bytes = 10;
    t.ctx.record_bytes_max = 10;
    batch = rows("+ 'a' 'more than ten bytes' @10", t.node->schema, t.batch_mem);
    assert_int_equal(op_process(t.op, 0, &batch, &err), ERR_RECORD_TOO_LARGE);
    assert_string_equal(err.hint, "raise weir.limit.record.bytes");
    g_limits.record_bytes = before;
    op_test_close(&t);
}

static void limit_holds_over_batches(void **state)
{
    OpTest          t;
    Op             *limit;
    Err             err;
    Batch           batch;
    const PlanNode *node;

    op_test_open(&t, test_arena(state), STREAM_OF("k, v FROM s"), PLAN_PROJECT);
    node = t.node;
    t.limit_left = 3;
    assert_int_equal(op_open_class(&op_limit_class, &t.ctx, node, &t.end, 0, &limit, &err), ERR_OK);
    for (int i = 0; i < 3; i++) {
        batch = rows("+ 'a' 1 @10\n+ 'b' 2 @20", node->schema, t.batch_mem);
        assert_int_equal(op_process(limit, 0, &batch, &err), ERR_OK);
    }
    buf_put(&t.got, 0);
    assert_string_equal(t.got.ptr, "+ 'a' 1 @10\n+ 'b' 2 @20\n+ 'a' 1 @10\n");
    op_test_close(&t);
}

static void coalesce_keeps_the_last_row_per_key(void **state)
{
    OpTest t;
    Op    *coalesce;
    Err    err;
    Batch  batch, empty;

    op_test_open(&t, test_arena(state), TABLE_OF("k, v FROM t"), PLAN_SINK);
    assert_int_equal(op_open_class(&op_coalesce_class, &t.ctx, t.node, &t.end, 0, &coalesce, &err),
                     ERR_OK);
    batch = rows("+ 'a' 1 @10\n+ 'b' 2 @20\n+ 'a' 3 @30\n- 'b' @40\n+ 'c' 4 @50", t.node->schema,
                 t.batch_mem);
    assert_int_equal(op_process(coalesce, 0, &batch, &err), ERR_OK);
    assert_int_equal(t.got.len, 0);
    empty = (Batch){.mem = t.batch_mem};
    assert_int_equal(coalesce->cls->seal(coalesce, &empty, &err), ERR_OK);
    buf_put(&t.got, 0);
    assert_string_equal(t.got.ptr, "+ 'a' 3 @30\n- 'b' @40\n+ 'c' 4 @50\n");
    buf_clear(&t.got);
    assert_int_equal(coalesce->cls->seal(coalesce, &empty, &err), ERR_OK);
    assert_int_equal(t.got.len, 0);
    op_close(coalesce);
    op_test_close(&t);
}

static void coalesce_emits_early_beyond_its_bytes(void **state)
{
    OpTest t;
    Op    *coalesce;
    Err    err;
    Batch  batch;

    op_test_open(&t, test_arena(state), TABLE_OF("k, v FROM t"), PLAN_SINK);
    t.props.cache_bytes = 1;
    assert_int_equal(op_open_class(&op_coalesce_class, &t.ctx, t.node, &t.end, 0, &coalesce, &err),
                     ERR_OK);
    batch = rows("+ 'a' 1 @10\n+ 'a' 3 @30", t.node->schema, t.batch_mem);
    assert_int_equal(op_process(coalesce, 0, &batch, &err), ERR_OK);
    buf_put(&t.got, 0);
    assert_string_equal(t.got.ptr, "+ 'a' 3 @30\n");
    op_close(coalesce);
    op_test_close(&t);
}

/* The first slot under a key; null when there is no such row. */
static Value view_value(OpTest *t, const char *key)
{
    Value       v = value_str(str_from(key));
    Buf         bytes = buf_in(t->batch_mem);
    StateEntry *entry;
    Err         err;

    state_encode_key(&bytes, t->node->store, &v, 0, 0);
    assert_int_equal(state_find(t->ctx.states[t->node->store->number], buf_view(&bytes),
                                state_hash(buf_view(&bytes)), &entry, &err),
                     ERR_OK);
    return entry ? entry->slots[0] : value_null();
}

static void view_passes_rows_on_and_keeps_the_latest(void **state)
{
    OpTest t;

    op_test_open(&t, test_arena(state), TABLE_OF("w, COUNT(*) + 0 AS n FROM s GROUP BY w"),
                 PLAN_VIEW);
    op_test_expect(&t, "+ 'a' 1 @10\n+ 'a' 2 @20\n+ 'b' 1 @30\n- 'b' @40",
                   "+ 'a' 1 @10\n+ 'a' 2 @20\n+ 'b' 1 @30\n- 'b' @40\n");
    assert_int_equal(view_value(&t, "a").u.i, 2);
    assert_true(value_is_null(view_value(&t, "b")));
    op_test_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(filter_drops_false_and_null_predicates),
        arena_test(filter_drops_events_without_value),
        arena_test(filter_reports_a_failing_predicate_and_drops_the_row),
        arena_test(filter_table_deletes_what_leaves_the_result),
        arena_test(filter_table_is_silent_about_what_never_passed),
        arena_test(filter_table_hides_an_old_row_that_did_not_pass),
        arena_test(table_gives_rows_their_old_value),
        arena_test(project_computes_and_copies_columns),
        arena_test(project_keeps_a_null_value_null),
        arena_test(project_turns_a_failing_item_into_null),
        arena_test(rekey_keeps_rows_without_key),
        arena_test(rekey_of_a_table_splits_a_change_of_group),
        arena_test(rekey_of_a_table_ignores_the_null_group),
        arena_test(aggregate_emits_each_update_with_the_highest_timestamp),
        arena_test(aggregate_skips_null_groups_and_null_values),
        arena_test(aggregate_of_a_table_undoes_the_old_row),
        arena_test(aggregate_tells_having_the_old_result),
        arena_test(sink_writes_full_chunks_and_the_rest_when_sealed),
        arena_test(sink_refuses_a_record_over_the_topics_limit),
        arena_test(sink_names_the_servers_limit_where_it_is_the_smaller),
        arena_test(limit_holds_over_batches),
        arena_test(coalesce_keeps_the_last_row_per_key),
        arena_test(coalesce_emits_early_beyond_its_bytes),
        arena_test(view_passes_rows_on_and_keeps_the_latest),
    };
    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
