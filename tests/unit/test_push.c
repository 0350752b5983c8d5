/*
 * A subscriber's queue: bounds, ends, and push queries as a whole.
 */
#include "common/limit.h"
#include "exec/push.h"
#include "exec/query.h"
#include "tests/support/rows.h"

static const Column cols[] = {{.name = {"K", 1}, .type = &type_string, .role = COLUMN_KEY},
                              {.name = {"V", 1}, .type = &type_int, .role = COLUMN_VALUE}};
static const Schema schema = {cols, 2, 1};

static void count_wake(void *arg)
{
    (*(int *)arg)++;
}

static PushQueue *make_queue(int64_t rows_max, int64_t bytes_max, int *wakes)
{
    PushOpts opts = {.schema = &schema,
                     .rows_max = rows_max,
                     .bytes_max = bytes_max,
                     .wake = count_wake,
                     .arg = wakes};

    return push_queue_new(&opts);
}

static void drop_queue(PushQueue *queue)
{
    push_queue_unref(queue);
    push_queue_unref(queue);
}

static void rows_are_copied_in_order(void **state)
{
    Arena     *batch_mem = arena_new(0);
    int        wakes = 0;
    PushQueue *queue = make_queue(100, 1 << 20, &wakes);
    Batch      batch = rows("+ 'a' 1 @10\n- 'b' @20", &schema, batch_mem);
    PushBlock *block;

    (void)state;
    assert_true(push_rows(queue, &batch));
    assert_true(push_rows(queue, &batch));
    arena_reset(batch_mem);
    assert_int_equal(wakes, 1); /* only when it stops being empty */
    block = push_take(queue);
    assert_int_equal(block->len, 2);
    assert_true(str_eq(value_as_str(block->rows[0].cols[0]), STR("a")));
    assert_int_equal(block->rows[0].ts, 10);
    assert_false(block->rows[0].is_tombstone);
    assert_true(block->rows[1].is_tombstone);
    assert_non_null(block->next);
    push_block_free(block->next);
    push_block_free(block);
    assert_null(push_take(queue));
    drop_queue(queue);
    arena_free(batch_mem);
}

static void count_room(void *arg)
{
    (*(int *)arg)++;
}

static void full_queue_tells_when_there_is_room(void **state)
{
    Arena     *mem = test_arena(state);
    int        wakes = 0, rooms = 0;
    PushQueue *queue = make_queue(3, 1 << 20, &wakes);
    Batch      batch = rows("+ 'a' 1 @10\n+ 'b' 1 @20", &schema, mem);

    push_on_room(queue, count_room, &rooms);
    assert_false(push_is_full(queue, 1));
    assert_true(push_rows(queue, &batch));
    assert_true(push_is_full(queue, 2));
    assert_true(push_rows(queue, &batch)); /* what was under way is not lost */
    for (PushBlock *block = push_take(queue), *next; block; block = next) {
        next = block->next;
        push_block_free(block);
    }
    assert_int_equal(rooms, 1);
    assert_false(push_is_full(queue, 3));
    assert_null(push_take(queue));
    assert_int_equal(rooms, 1);
    drop_queue(queue);
}

static void subscriber_that_takes_nothing_is_cut_off_by_name(void **state)
{
    Arena     *mem = test_arena(state);
    int        wakes = 0;
    PushQueue *queue = make_queue(3, 1 << 20, &wakes);
    int64_t    stall_ns = g_limits.push_stall_ms * 1000000;
    Err        err = {0};
    Batch      batch = rows("+ 'a' 1 @10\n+ 'b' 1 @20", &schema, mem);

    assert_true(push_rows(queue, &batch));
    assert_true(push_is_full(queue, 5));
    assert_true(push_is_full(queue, 5 + stall_ns));
    assert_int_equal(push_end(queue, &err), PUSH_OPEN);
    assert_true(push_is_full(queue, 6 + stall_ns));
    assert_int_equal(push_end(queue, &err), PUSH_CUT_OFF);
    assert_int_equal(err.code, ERR_LIMIT);
    assert_string_equal(err.hint, "read faster, select less, or raise weir.limit.push.stall.ms");
    assert_int_equal(wakes, 2);
    assert_false(push_rows(queue, &batch));
    drop_queue(queue);
}

static void taking_makes_room(void **state)
{
    Arena     *mem = test_arena(state);
    int        wakes = 0;
    PushQueue *queue = make_queue(3, 1 << 20, &wakes);
    Err        err;
    Batch      batch = rows("+ 'a' 1 @10\n+ 'b' 1 @20", &schema, mem);

    for (int i = 0; i < 10; i++) {
        assert_true(push_rows(queue, &batch));
        push_block_free(push_take(queue));
    }
    assert_int_equal(push_end(queue, &err), PUSH_OPEN);
    drop_queue(queue);
}

static void first_end_counts_and_rows_before_it_remain(void **state)
{
    Arena     *mem = test_arena(state);
    int        wakes = 0;
    PushQueue *queue = make_queue(100, 1 << 20, &wakes);
    Err        err, why;
    Batch      batch = rows("+ 'a' 1 @10", &schema, mem);

    assert_true(push_rows(queue, &batch));
    push_finish(queue, PUSH_LIMIT, NULL);
    (void)err_set(&why, ERR_BROKER, "gone");
    push_finish(queue, PUSH_FAILED, &why);
    assert_int_equal(push_end(queue, &err), PUSH_LIMIT);
    assert_false(push_rows(queue, &batch));
    push_block_free(push_take(queue));
    drop_queue(queue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(rows_are_copied_in_order),
        arena_test(full_queue_tells_when_there_is_room),
        arena_test(subscriber_that_takes_nothing_is_cut_off_by_name),
        arena_test(taking_makes_room),
        arena_test(first_end_counts_and_rows_before_it_remain),
    };
    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
