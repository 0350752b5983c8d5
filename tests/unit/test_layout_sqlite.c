#include "exec/state/layout_sqlite.h"

#include "exec/state/query_file.h"
#include "exec/state/state_cache.h"
#include "tests/support/arena_group.h"
#include "tests/support/temp_dir.h"

/* The same query before and after CREATE OR REPLACE. */
typedef struct Fixture {
    Arena      *mem;
    const char *dir;
    Flusher    *flusher;
    QueryFile  *file;
    Err         err;
} Fixture;

static const Column key_column = {.name = {"K", 1}, .type = &type_string};
static const Column state_columns[] = {{.name = {"AGG_0", 5}, .type = &type_bigint}};
static const Column view_columns[] = {{.name = {"N", 1}, .type = &type_bigint},
                                      {.name = {"M", 1}, .type = &type_double},
                                      {.name = {"L", 1}, .type = &type_string}};
static const Column other_columns[] = {{.name = {"N", 1}, .type = &type_string}};

static PlanStore store_of(uint32_t number, const Column *slots, uint32_t slots_len, bool is_view)
{
    return (PlanStore){.number = number,
                       .name = "test",
                       .keys = &key_column,
                       .keys_len = 1,
                       .slots = slots,
                       .slots_len = slots_len,
                       .is_view = is_view,
                       .view_name = STR("T")};
}

static void open_file(Fixture *f, const PlanStore *stores, uint32_t stores_len)
{
    const PlanStore *pointers[] = {&stores[0], &stores[stores_len - 1]};
    QueryFileOpts    opts = {
           .id = STR("Q"), .stores = pointers, .stores_len = stores_len, .fingerprint = 1};

    assert_int_equal(query_file_open(f->flusher, &opts, &f->file, &f->err), ERR_OK);
}

static void set_up(Fixture *f, void **test, const PlanStore *stores, uint32_t stores_len)
{
    FlusherOpts opts = {.clock = clock_system(), .is_inline = true};

    *f = (Fixture){.mem = test_arena(test)};
    f->dir = opts.data_dir = temp_dir_make(f->mem);
    assert_int_equal(flusher_open(&opts, &f->flusher, &f->err), ERR_OK);
    open_file(f, stores, stores_len);
}

static void replace(Fixture *f, const PlanStore *stores, uint32_t stores_len)
{
    assert_int_equal(query_file_close(f->file, &f->err), ERR_OK);
    open_file(f, stores, stores_len);
}

static void tear_down(Fixture *f)
{
    assert_int_equal(query_file_close(f->file, &f->err), ERR_OK);
    flusher_close(f->flusher);
    temp_dir_remove(f->dir);
}

static Str key_of(Fixture *f, const PlanStore *store, const char *k)
{
    Buf   key = buf_in(f->mem);
    Value value = value_str(str_from(k));

    state_encode_key(&key, store, &value, 0, 0);
    return buf_view(&key);
}

static void put(Fixture *f, const PlanStore *store, const char *k, int64_t n)
{
    Changes *changes = changes_new();
    Buf      value = buf_in(f->mem);
    Value    slots[3] = {value_bigint(n), value_double(0.5), value_null()};

    state_encode_value(&value, store, 7, slots);
    changes_add(changes, store->number, 2, key_of(f, store, k), buf_view(&value));
    query_file_merge(f->file, changes, &(FilePosition){STR("p"), STR("x")}, 1);
}

/* n < 0: there is no such row.  has_m: its second slot is not null. */
static void assert_row(Fixture *f, const PlanStore *store, const char *k, int64_t n, bool has_m)
{
    StateBacking backing = query_file_backing(f->file, store->number, 2);
    Value        slots[3] = {{0}};
    int64_t      ts;
    bool         found;
    Str          bytes;

    assert_int_equal(backing.read(backing.self, key_of(f, store, k), &bytes, &found, &f->err),
                     ERR_OK);
    assert_int_equal(found, n >= 0);
    if (!found)
        return;
    assert_int_equal(state_decode_value(store, bytes, f->mem, &ts, slots, &f->err), ERR_OK);
    assert_true(ts == 7 && slots[0].u.i == n);
    assert_int_equal(!value_is_null(slots[1]), has_m);
}

static void view_that_was_the_state_becomes_a_table_of_its_own(void **test)
{
    PlanStore before[] = {store_of(0, view_columns, 1, true)};
    PlanStore after[] = {store_of(0, state_columns, 1, false), store_of(1, view_columns, 2, true)};
    Fixture   f;
    Str       position;

    set_up(&f, test, before, 1);
    put(&f, &before[0], "a", 5);
    put(&f, &before[0], "b", 6);
    replace(&f, after, 2);
    assert_row(&f, &after[0], "a", 5, false);
    assert_row(&f, &after[1], "b", 6, false); /* the new column is null */
    put(&f, &after[1], "b", 7);
    assert_int_equal(query_file_flush(f.file, &f.err), ERR_OK);
    assert_row(&f, &after[1], "b", 7, true);
    assert_int_equal(query_file_position(f.file, STR("p"), f.mem, &position, &f.err), ERR_OK);
    assert_true(str_eq(position, STR("x")));

    replace(&f, before, 1); /* and back */
    assert_row(&f, &before[0], "a", 5, false);
    assert_row(&f, &before[0], "b", 6, false); /* as the state had it */
    tear_down(&f);
}

static void view_gets_a_column_and_keeps_its_rows(void **test)
{
    PlanStore before[] = {store_of(0, state_columns, 1, false), store_of(1, view_columns, 2, true)};
    PlanStore after[] = {store_of(0, state_columns, 1, false), store_of(1, view_columns, 3, true)};
    Fixture   f;

    set_up(&f, test, before, 2);
    put(&f, &before[0], "a", 5);
    put(&f, &before[1], "a", 5);
    replace(&f, after, 2);
    assert_row(&f, &after[0], "a", 5, false);
    assert_row(&f, &after[1], "a", 5, true);
    replace(&f, after, 2);
    assert_row(&f, &after[1], "a", 5, true);
    tear_down(&f);
}

static void view_of_other_types_begins_empty(void **test)
{
    PlanStore before[] = {store_of(0, state_columns, 1, false), store_of(1, view_columns, 1, true)};
    PlanStore after[] = {store_of(0, state_columns, 1, false), store_of(1, other_columns, 1, true)};
    Fixture   f;

    set_up(&f, test, before, 2);
    put(&f, &before[0], "a", 5);
    put(&f, &before[1], "a", 5);
    replace(&f, after, 2);
    assert_row(&f, &after[0], "a", 5, false);
    assert_row(&f, &after[1], "a", -1, false);
    tear_down(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(view_that_was_the_state_becomes_a_table_of_its_own),
        arena_test(view_gets_a_column_and_keeps_its_rows),
        arena_test(view_of_other_types_begins_empty),
    };

    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
