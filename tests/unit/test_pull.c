#include "exec/pull.h"

#include <stdio.h>

#include "common/limit.h"
#include "exec/state/state_cache.h"
#include "tests/support/arena_group.h"
#include "tests/support/temp_dir.h"

/* A view K STRING -> N BIGINT, NAME STRING; windowed or not. */
typedef struct Fixture {
    Arena      *mem;
    const char *dir;
    Flusher    *flusher;
    QueryFile  *file;
    PlanStore   store;
    Column      columns[3];
    Schema      row;
    PullPlan    plan;
    PullOpts    opts;
    Buf         out; /* the answer: K=N@ts[start] ... */
    int         emits_max;
    Err         err;
} Fixture;

static Expr *column(Arena *mem, uint32_t index, const Type *type)
{
    Expr *expr = ARENA_NEW(mem, Expr);

    *expr = (Expr){.kind = EXPR_COLUMN, .type = type, .u.index = index};
    return expr;
}

static void set_up(Fixture *f, void **test, bool is_windowed)
{
    const PlanStore *stores[] = {&f->store};
    FlusherOpts      opts = {.clock = clock_system(), .is_inline = true};
    QueryFileOpts    file_opts = {.id = STR("Q"), .stores = stores, .stores_len = 1};

    *f = (Fixture){.mem = test_arena(test)};
    f->columns[0] = (Column){STR("K"), &type_string, COLUMN_KEY, STR_NULL};
    f->columns[1] = (Column){STR("N"), &type_bigint, COLUMN_VALUE, STR_NULL};
    f->columns[2] = (Column){STR("NAME"), &type_string, COLUMN_VALUE, STR_NULL};
    f->store = (PlanStore){.name = "view",
                           .keys = f->columns,
                           .keys_len = 1,
                           .slots = f->columns + 1,
                           .slots_len = 2,
                           .is_view = true,
                           .is_windowed = is_windowed,
                           .view_name = STR("T")};
    f->row = (Schema){f->columns, 3, 1};
    f->plan = (PullPlan){.kind = PULL_SCAN,
                         .source = STR("T"),
                         .query_id = STR("Q"),
                         .row = &f->row,
                         .window_start = {INT64_MIN, INT64_MAX},
                         .window_end = {INT64_MIN, INT64_MAX},
                         .is_windowed = is_windowed,
                         .schema = &f->row,
                         .exprs = ARENA_ARRAY(f->mem, Expr *, 3),
                         .limit = -1};
    for (uint32_t i = 0; i < 3; i++)
        f->plan.exprs[i] = column(f->mem, i, f->columns[i].type);
    f->opts.clock = clock_system();
    f->out = buf_in(f->mem);
    f->dir = opts.data_dir = temp_dir_make(f->mem);
    assert_int_equal(flusher_open(&opts, &f->flusher, &f->err), ERR_OK);
    assert_int_equal(query_file_open(f->flusher, &file_opts, &f->file, &f->err), ERR_OK);
}

static void tear_down(Fixture *f)
{
    assert_int_equal(query_file_close(f->file, &f->err), ERR_OK);
    flusher_close(f->flusher);
    temp_dir_remove(f->dir);
    limits_init(&g_limits);
}

/* n < 0: removed */
static void put_in(Fixture *f, uint32_t partition, const char *k, int64_t start, int64_t n)
{
    Changes *changes = changes_new();
    Buf      key = buf_in(f->mem), value = buf_in(f->mem);
    Value    key_value = value_str(str_from(k));
    Value    slots[] = {value_bigint(n), value_str(STR("name"))};

    state_encode_key(&key, &f->store, &key_value, start, start + 10);
    state_encode_value(&value, &f->store, 100 + n, slots);
    changes_add(changes, 0, partition, buf_view(&key), n < 0 ? STR_NULL : buf_view(&value));
    query_file_merge(f->file, changes, NULL, 0);
}

static void put(Fixture *f, const char *k, int64_t start, int64_t n)
{
    put_in(f, 0, k, start, n);
}

static void flush(Fixture *f)
{
    assert_int_equal(query_file_flush(f->file, &f->err), ERR_OK);
}

static ErrCode emit(void *arg, const Row *row, Err *err)
{
    Fixture *f = arg;

    if (f->emits_max > 0 && --f->emits_max == 0)
        return err_set(err, ERR_CANCELLED, "the client left");
    buf_printf(&f->out, "%.*s=%lld", STR_ARG(value_as_str(row->cols[0])),
               (long long)row->cols[1].u.i);
    if (f->plan.is_windowed)
        buf_printf(&f->out, "[%lld,%lld)", (long long)row->window_start,
                   (long long)row->window_end);
    assert_true(row->ts == 100 + row->cols[1].u.i);
    assert_true(str_eq(value_as_str(row->cols[2]), STR("name")));
    buf_put(&f->out, ' ');
    return ERR_OK;
}

static ErrCode run(Fixture *f)
{
    PullProg prog;
    ErrCode  rc;

    buf_clear(&f->out);
    assert_int_equal(pull_compile(f->mem, &f->plan, true, &prog, &f->err), ERR_OK);
    rc = pull_run(f->file, &prog, &f->opts, emit, f, &f->err);
    pull_release(&prog);
    return rc;
}

static void assert_answer(Fixture *f, const char *expected)
{
    assert_int_equal(run(f), ERR_OK);
    buf_put(&f->out, '\0');
    assert_string_equal(f->out.ptr, expected);
}

static void look_up(Fixture *f, const char *const *keys, uint32_t len)
{
    Value *values = ARENA_ARRAY(f->mem, Value, len);

    for (uint32_t i = 0; i < len; i++)
        values[i] = value_str(str_from(keys[i]));
    f->plan.kind = PULL_KEYS;
    f->plan.keys = values;
    f->plan.keys_len = len;
}

static void look_up_sees_pending_and_written_rows(void **test)
{
    const char *keys[] = {"b", "nothing", "a"};
    Fixture     f;

    set_up(&f, test, false);
    look_up(&f, keys, 3);
    assert_answer(&f, "");
    put(&f, "a", 0, 1);
    put(&f, "b", 0, 2);
    assert_answer(&f, "b=2 a=1 ");
    flush(&f);
    assert_answer(&f, "b=2 a=1 ");
    put(&f, "b", 0, 3);
    put(&f, "a", 0, -1);
    assert_answer(&f, "b=3 ");
    assert_true(query_file_pending_bytes(f.file) > 0); /* no flush for that */
    flush(&f);
    assert_answer(&f, "b=3 ");
    tear_down(&f);
}

static void look_up_of_a_windowed_key_merges_windows_in_order(void **test)
{
    const char *keys[] = {"a"};
    Fixture     f;

    set_up(&f, test, true);
    look_up(&f, keys, 1);
    put(&f, "a", 30, 3);
    put(&f, "a", 10, 1);
    put(&f, "aa", 20, 9);
    put(&f, "a", 50, 5);
    flush(&f);
    assert_answer(&f, "a=1[10,20) a=3[30,40) a=5[50,60) ");
    put(&f, "a", 20, 2);
    put(&f, "a", 30, 33);
    put(&f, "a", 50, -1);
    put(&f, "a", 60, 6);
    put(&f, "a", 0, 0);
    assert_answer(&f, "a=0[0,10) a=1[10,20) a=2[20,30) a=33[30,40) a=6[60,70) ");
    f.plan.window_start = (PullBounds){10, 59};
    assert_answer(&f, "a=1[10,20) a=2[20,30) a=33[30,40) ");
    f.plan.window_end = (PullBounds){30, INT64_MAX};
    assert_answer(&f, "a=2[20,30) a=33[30,40) ");
    f.plan.limit = 1;
    assert_answer(&f, "a=2[20,30) ");
    tear_down(&f);
}

static void key_of_two_partitions_gives_both_rows(void **test)
{
    const char *keys[] = {"a"};
    Fixture     f;

    set_up(&f, test, false);
    look_up(&f, keys, 1);
    put_in(&f, 1, "a", 0, 1);
    flush(&f);
    put_in(&f, 0, "a", 0, 0);
    assert_answer(&f, "a=0 a=1 ");
    put_in(&f, 1, "a", 0, 7);
    assert_answer(&f, "a=0 a=7 ");
    tear_down(&f);
}

static void scan_sees_what_was_settled_before_it(void **test)
{
    Fixture f;

    set_up(&f, test, false);
    assert_answer(&f, "");
    put(&f, "b", 0, 2);
    put(&f, "a", 0, 1);
    assert_answer(&f, "a=1 b=2 ");
    put(&f, "a", 0, -1);
    assert_answer(&f, "b=2 ");
    f.plan.limit = 0;
    assert_answer(&f, "");
    tear_down(&f);
}

static void scan_of_a_windowed_view_obeys_window_bounds(void **test)
{
    Fixture f;

    set_up(&f, test, true);
    put(&f, "a", 10, 1);
    put(&f, "b", 20, 2);
    put(&f, "a", 30, 3);
    assert_answer(&f, "a=1[10,20) a=3[30,40) b=2[20,30) ");
    f.plan.window_start = (PullBounds){20, 30};
    assert_answer(&f, "a=3[30,40) b=2[20,30) ");
    f.plan.window_end = (PullBounds){INT64_MIN, 30};
    assert_answer(&f, "b=2[20,30) ");
    tear_down(&f);
}

static void range_takes_open_and_closed_bounds(void **test)
{
    Fixture f;

    set_up(&f, test, false);
    for (int i = 0; i < 5; i++)
        put(&f, (const char *[]){"a", "b", "c", "d", "e"}[i], 0, i);
    f.plan.kind = PULL_RANGE;
    f.plan.low = value_str(STR("b"));
    assert_answer(&f, "b=1 c=2 d=3 e=4 ");
    f.plan.is_low_open = true;
    f.plan.high = value_str(STR("d"));
    assert_answer(&f, "c=2 d=3 ");
    f.plan.is_high_open = true;
    assert_answer(&f, "c=2 ");
    f.plan.low = value_null();
    assert_answer(&f, "a=0 b=1 c=2 ");
    tear_down(&f);
}

static Expr *n_above(Arena *mem, int64_t n)
{
    Expr *expr = ARENA_NEW(mem, Expr);
    Expr *literal = ARENA_NEW(mem, Expr);

    *literal = (Expr){.kind = EXPR_LITERAL, .type = &type_bigint, .u.literal = value_bigint(n)};
    *expr = (Expr){.kind = EXPR_COMPARE,
                   .type = &type_boolean,
                   .args_len = 2,
                   .args = ARENA_ARRAY(mem, Expr *, 2),
                   .u.compare = COMPARE_GT};
    expr->args[0] = column(mem, 1, &type_bigint);
    expr->args[1] = literal;
    return expr;
}

static void whole_predicate_filters_and_limit_counts_answers(void **test)
{
    const char *keys[] = {"a", "d"};
    Fixture     f;

    set_up(&f, test, false);
    for (int i = 0; i < 5; i++)
        put(&f, (const char *[]){"a", "b", "c", "d", "e"}[i], 0, i);
    f.plan.predicate = n_above(f.mem, 1);
    assert_answer(&f, "c=2 d=3 e=4 ");
    f.plan.limit = 2;
    assert_answer(&f, "c=2 d=3 ");
    look_up(&f, keys, 2);
    assert_answer(&f, "d=3 ");
    tear_down(&f);
}

static void too_many_rows_are_a_limit_with_a_hint(void **test)
{
    Fixture f;

    set_up(&f, test, false);
    for (int i = 0; i < 5; i++)
        put(&f, (const char *[]){"a", "b", "c", "d", "e"}[i], 0, i);
    g_limits.pull_rows = 4;
    assert_int_equal(run(&f), ERR_LIMIT);
    assert_string_equal(f.err.msg, "the pull query examined more than 4 rows");
    assert_non_null(strstr(f.err.hint, "weir.limit.pull.rows"));
    g_limits.pull_rows = 5;
    assert_int_equal(run(&f), ERR_OK);
    tear_down(&f);
}

static int64_t slow_ns(const Clock *clock)
{
    Clock *self = (Clock *)(uintptr_t)clock;

    self->fake_ms += 10;
    return self->fake_ms * 1000000;
}

static bool says_yes(void *arg)
{
    (void)arg;
    return true;
}

static void slow_and_cancelled_queries_end(void **test)
{
    Fixture f;
    Clock   slow = *clock_system();
    int64_t limit = g_limits.pull_ms;

    set_up(&f, test, false);
    for (int i = 0; i < 1000; i++)
        put(&f, str_to_c(f.mem, str_printf(f.mem, "%d", i)), 0, i);
    flush(&f);
    slow.monotonic_ns = slow_ns;
    f.opts.clock = &slow;
    g_limits.pull_ms = 50;
    assert_int_equal(run(&f), ERR_LIMIT);
    assert_string_equal(f.err.msg, "the pull query took more than 50 ms");
    g_limits.pull_ms = limit;
    f.opts.clock = clock_system();
    f.opts.is_cancelled = says_yes;
    assert_int_equal(run(&f), ERR_CANCELLED);
    f.opts.is_cancelled = NULL;
    f.emits_max = 3;
    assert_int_equal(run(&f), ERR_CANCELLED);
    assert_string_equal(f.err.msg, "the client left");
    assert_int_equal(run(&f), ERR_OK);
    tear_down(&f);
}

static void query_that_stopped_cancels_its_pull_queries(void **test)
{
    Fixture    f;
    QueryFile *found;

    set_up(&f, test, false);
    put(&f, "a", 0, 1);
    found = flusher_find(f.flusher, STR("Q"));
    assert_ptr_equal(found, f.file);
    assert_null(flusher_find(f.flusher, STR("R")));
    query_file_delete(f.file);
    assert_null(flusher_find(f.flusher, STR("Q")));
    assert_int_equal(run(&f), ERR_CANCELLED);
    query_file_unref(found);
    flusher_close(f.flusher);
    temp_dir_remove(f.dir);
}

static void plan_of_another_view_is_refused(void **test)
{
    Fixture f;

    set_up(&f, test, false);
    f.plan.source = STR("U");
    assert_int_equal(run(&f), ERR_STATE);
    assert_string_equal(f.err.msg, "query \"Q\" does not materialise \"U\"");
    tear_down(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(look_up_sees_pending_and_written_rows),
        arena_test(look_up_of_a_windowed_key_merges_windows_in_order),
        arena_test(key_of_two_partitions_gives_both_rows),
        arena_test(scan_sees_what_was_settled_before_it),
        arena_test(scan_of_a_windowed_view_obeys_window_bounds),
        arena_test(range_takes_open_and_closed_bounds),
        arena_test(whole_predicate_filters_and_limit_counts_answers),
        arena_test(too_many_rows_are_a_limit_with_a_hint),
        arena_test(slow_and_cancelled_queries_end),
        arena_test(query_that_stopped_cancels_its_pull_queries),
        arena_test(plan_of_another_view_is_refused),
    };

    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
