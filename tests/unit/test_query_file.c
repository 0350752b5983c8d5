#include "exec/state/query_file.h"

#include <sqlite3.h>
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/arena_group.h"
#include "tests/support/stores.h"
#include "tests/support/temp_dir.h"

/* Store 0 is private, store 1 a view, store 2 a windowed view. */
typedef struct Fixture {
    Arena           *mem;
    const char      *dir; /* NULL: in memory */
    Clock            clock;
    Flusher         *flusher;
    QueryFile       *file;
    const PlanStore *stores[3];
    Err              err;
} Fixture;

static void open_file(Fixture *f)
{
    QueryFileOpts opts = {
        .id = STR("CTAS_T_1"), .stores = f->stores, .stores_len = 3, .fingerprint = 77};

    assert_int_equal(query_file_open(f->flusher, &opts, &f->file, &f->err), ERR_OK);
}

static void set_up(Fixture *f, void **test, bool in_memory)
{
    FlusherOpts opts = {.clock = &f->clock, .is_inline = true};

    *f = (Fixture){.mem = test_arena(test)};
    clock_fake_init(&f->clock, 1000);
    if (!in_memory)
        f->dir = temp_dir_make(f->mem);
    opts.data_dir = f->dir;
    for (uint32_t i = 0; i < 3; i++) {
        PlanStore *store = store_of_strings(f->mem, i);

        store->is_view = i > 0;
        store->is_windowed = i == 2;
        store->view_name = i == 1 ? STR("V") : STR("W");
        f->stores[i] = store;
    }
    assert_int_equal(flusher_open(&opts, &f->flusher, &f->err), ERR_OK);
    open_file(f);
}

static void tear_down(Fixture *f)
{
    if (f->file)
        assert_int_equal(query_file_close(f->file, &f->err), ERR_OK);
    flusher_close(f->flusher);
    if (f->dir)
        temp_dir_remove(f->dir);
}

static void reopen(Fixture *f)
{
    assert_int_equal(query_file_close(f->file, &f->err), ERR_OK);
    open_file(f);
}

static Str row(const Fixture *f, uint32_t store, int64_t n, Str s)
{
    Value       slots[3] = {value_bigint(n), s.ptr ? value_str(s) : value_null(), value_null()};
    State      *state;
    StateOpts   opts = {.store = f->stores[store], .bytes_max = 1 << 20, .is_complete = true};
    StateEntry *entry;
    Changes    *changes = changes_new();
    BufReader   at;
    Change      change;
    bool        is_new;
    Err         err;
    Str         bytes;

    state = state_new(&opts);
    assert_int_equal(state_touch(state, STR("k"), state_hash(STR("k")), &entry, &is_new, &err),
                     ERR_OK);
    entry->ts = n;
    for (uint32_t i = 0; i < 3; i++)
        state_put(state, entry, i, slots[i]);
    state_seal(state, 1);
    assert_true(state_encode(state, 0, changes_sink(changes)));
    at = changes_read(changes);
    assert_true(changes_next(&at, &change));
    bytes = str_copy(f->mem, change.value);
    changes_free(changes);
    state_free(state);
    return bytes;
}

static Str key(const Fixture *f, uint32_t store, const char *k)
{
    return store_key(f->mem, f->stores[store], str_from(k), 10, 20);
}

/* One epoch: a row (s NULL: removed) and the position n. */
static void merge(Fixture *f, uint32_t store, uint32_t partition, const char *k, int64_t n,
                  const char *s)
{
    Changes     *changes = changes_new();
    Str          text = str_printf(f->mem, "%lld", (long long)n);
    FilePosition position = {STR("log-0"), text};

    changes_add(changes, store, partition, key(f, store, k),
                s ? row(f, store, n, str_from(s)) : STR_NULL);
    query_file_merge(f->file, changes, &position, 1);
}

static void assert_read(Fixture *f, uint32_t store, uint32_t partition, const char *k, int64_t n,
                        const char *s)
{
    StateBacking backing = query_file_backing(f->file, store, partition);
    Str          bytes;
    bool         found;
    int64_t      ts;
    Value        slots[3];

    assert_int_equal(backing.read(backing.self, key(f, store, k), &bytes, &found, &f->err), ERR_OK);
    assert_int_equal(found, s != NULL);
    if (!s)
        return;
    assert_int_equal(state_decode_value(f->stores[store], bytes, f->mem, &ts, slots, &f->err),
                     ERR_OK);
    assert_true(ts == n && slots[0].u.i == n && str_eq(value_as_str(slots[1]), str_from(s)));
}

static void assert_position(Fixture *f, const char *expected)
{
    Str value;

    assert_int_equal(query_file_position(f->file, STR("log-0"), f->mem, &value, &f->err), ERR_OK);
    assert_int_equal(value.ptr == NULL, expected == NULL);
    if (expected)
        assert_true(str_eq(value, str_from(expected)));
}

static void flush(Fixture *f)
{
    assert_int_equal(query_file_flush(f->file, &f->err), ERR_OK);
    assert_int_equal(query_file_pending_bytes(f->file), 0);
}

static int count_files(const Fixture *f, const char *needle)
{
    DIR           *dir = opendir(str_to_c(f->mem, str_printf(f->mem, "%s/state", f->dir)));
    struct dirent *entry;
    int            count = 0;

    while ((entry = readdir(dir)))
        count += strstr(entry->d_name, needle) != NULL;
    closedir(dir);
    return count;
}

/* --- reading what is settled ------------------------------------------------------------------ */

static void read_back_everywhere(Fixture *f)
{
    for (uint32_t store = 0; store < 3; store++) {
        merge(f, store, 0, "a", 1, "one");
        merge(f, store, 1, "a", 2, "other partition");
        merge(f, store, 0, "b", 3, "gone soon");
        assert_read(f, store, 0, "a", 1, "one");
        flush(f);
        assert_read(f, store, 0, "a", 1, "one");
        assert_read(f, store, 1, "a", 2, "other partition");
        assert_read(f, store, 0, "c", 0, NULL);
        merge(f, store, 0, "b", 4, NULL);
        merge(f, store, 0, "a", 5, "two");
        assert_read(f, store, 0, "b", 0, NULL); /* pending hides the file */
        assert_read(f, store, 0, "a", 5, "two");
        flush(f);
        assert_read(f, store, 0, "b", 0, NULL);
        assert_read(f, store, 0, "a", 5, "two");
    }
    assert_position(f, "5");
}

static void what_is_settled_is_seen_before_and_after_the_flush(void **test)
{
    Fixture f;

    set_up(&f, test, false);
    assert_true(query_file_is_empty(f.file));
    assert_position(&f, NULL);
    read_back_everywhere(&f);
    assert_false(query_file_is_empty(f.file));
    reopen(&f);
    assert_read(&f, 2, 0, "a", 5, "two");
    assert_read(&f, 0, 0, "b", 0, NULL);
    assert_position(&f, "5");
    tear_down(&f);
}

static void in_memory_nothing_is_left_on_disk(void **test)
{
    Fixture f;

    set_up(&f, test, true);
    read_back_everywhere(&f);
    tear_down(&f);
}

static void query_without_changes_has_no_file(void **test)
{
    Fixture f;

    set_up(&f, test, false);
    flush(&f);
    reopen(&f);
    assert_int_equal(count_files(&f, "CTAS"), 0);
    tear_down(&f);
}

static void deleting_leaves_no_file(void **test)
{
    Fixture f;

    set_up(&f, test, false);
    merge(&f, 0, 0, "a", 1, "x");
    flush(&f);
    merge(&f, 0, 0, "a", 2, "y");
    assert_int_equal(count_files(&f, "CTAS_T_1.db"), 3);
    query_file_delete(f.file);
    f.file = NULL;
    assert_int_equal(count_files(&f, "CTAS"), 0);
    tear_down(&f);
}

static void flusher_writes_100_ms_after_the_first_change(void **test)
{
    Fixture       f;
    FlusherHealth health;

    set_up(&f, test, false);
    merge(&f, 0, 0, "a", 1, "x");
    assert_false(flusher_step(f.flusher));
    clock_fake_set(&f.clock, 1099);
    assert_false(flusher_step(f.flusher));
    clock_fake_set(&f.clock, 1100);
    merge(&f, 0, 0, "b", 1, "x");
    assert_true(flusher_step(f.flusher));
    assert_false(flusher_step(f.flusher));
    flusher_health(f.flusher, &health);
    assert_true(health.is_healthy);
    assert_int_equal(health.rows, 2);
    assert_int_equal(health.flushes, 1);
    assert_int_equal(health.pending_bytes, 0);
    tear_down(&f);
}

/* --- recovery --------------------------------------------------------------------------------- */

static State *load(Fixture *f, uint32_t store, uint32_t partition, int64_t bytes_max)
{
    StateOpts opts = {.store = f->stores[store],
                      .partition = partition,
                      .bytes_max = bytes_max,
                      .backing = query_file_backing(f->file, store, partition)};
    State    *state = state_new(&opts);

    assert_int_equal(query_file_load(f->file, state, &f->err), ERR_OK);
    return state;
}

static void load_fills_a_state_of_its_partition(void **test)
{
    Fixture f;

    set_up(&f, test, false);
    for (uint32_t store = 0; store < 3; store++) {
        Changes    *numbers = changes_new();
        State      *state;
        StateEntry *entry;
        Str         k = key(&f, store, "a");

        merge(&f, store, 0, "a", 1, "one");
        merge(&f, store, 0, "b", 2, "two");
        merge(&f, store, 1, "c", 3, "three");
        changes_add(numbers, store, 0, STR(""), STR("12345678abcdefgh12345678abcdefgh"));
        query_file_merge(f.file, numbers, NULL, 0);
        reopen(&f);
        merge(&f, store, 0, "b", 4, NULL); /* pending counts, too */
        merge(&f, store, 0, "d", 5, "five");
        state = load(&f, store, 0, 1 << 20);
        assert_int_equal(state_entries(state), 2);
        assert_true(state_number(state, 0) == 0x3132333435363738);
        assert_int_equal(state_find(state, k, state_hash(k), &entry, &f.err), ERR_OK);
        assert_non_null(entry);
        assert_true(entry->slots[0].u.i == 1);
        state_free(state);
    }
    tear_down(&f);
}

static void load_stops_at_the_memory_bound_and_the_rest_is_found(void **test)
{
    enum { ROWS = 1000 };
    Fixture     f;
    State      *state;
    StateEntry *entry;

    set_up(&f, test, false);
    for (int i = 0; i < ROWS; i++)
        merge(&f, 1, 0, str_to_c(f.mem, str_printf(f.mem, "%d", i)), i, "x");
    flush(&f);
    state = load(&f, 1, 0, 50000);
    assert_in_range(state_entries(state), 10, ROWS / 2);
    for (int i = 0; i < ROWS; i++) {
        Str k = key(&f, 1, str_to_c(f.mem, str_printf(f.mem, "%d", i)));

        assert_int_equal(state_find(state, k, state_hash(k), &entry, &f.err), ERR_OK);
        assert_true(entry && entry->slots[0].u.i == i);
    }
    assert_in_range(state_entries(state), 10, ROWS / 2);
    state_free(state);
    tear_down(&f);
}

static void file_of_another_plan_is_refused_by_name(void **test)
{
    Fixture       f;
    QueryFileOpts opts = {.id = STR("CTAS_T_1"), .fingerprint = 78};
    QueryFile    *other;

    set_up(&f, test, false);
    merge(&f, 0, 0, "a", 1, "x");
    assert_int_equal(query_file_close(f.file, &f.err), ERR_OK);
    f.file = NULL;
    opts.stores = f.stores;
    opts.stores_len = 3;
    assert_int_equal(query_file_open(f.flusher, &opts, &other, &f.err), ERR_STATE);
    assert_string_equal(f.err.msg, "cannot use the state file of query \"CTAS_T_1\": it was "
                                   "written for another plan");
    tear_down(&f);
}

static void damaged_file_is_set_aside_and_counted(void **test)
{
    Fixture       f;
    FlusherHealth health;
    FILE         *out;

    set_up(&f, test, false);
    merge(&f, 0, 0, "a", 1, "x");
    assert_int_equal(query_file_close(f.file, &f.err), ERR_OK);
    out = fopen(str_to_c(f.mem, str_printf(f.mem, "%s/state/CTAS_T_1.db", f.dir)), "r+");
    assert_true(fwrite("no database at all", 1, 18, out) == 18);
    fclose(out);
    open_file(&f);
    assert_true(query_file_is_empty(f.file));
    assert_int_equal(count_files(&f, "CTAS_T_1.db.damaged-1"), 1);
    flusher_health(f.flusher, &health);
    assert_int_equal(health.set_aside, 1);
    merge(&f, 0, 0, "a", 2, "y");
    flush(&f);
    assert_read(&f, 0, 0, "a", 2, "y");
    assert_int_equal(query_file_reset(f.file, "test", &f.err), ERR_OK);
    assert_true(query_file_is_empty(f.file));
    assert_read(&f, 0, 0, "a", 0, NULL);
    assert_true(count_files(&f, "CTAS_T_1.db.damaged-2") > 0);
    merge(&f, 0, 0, "a", 3, "z");
    reopen(&f);
    assert_read(&f, 0, 0, "a", 3, "z");
    tear_down(&f);
}

static void file_that_lists_tables_it_does_not_have_is_set_aside(void **test)
{
    Fixture  f;
    sqlite3 *db;

    set_up(&f, test, false);
    merge(&f, 0, 0, "a", 1, "x");
    assert_int_equal(query_file_close(f.file, &f.err), ERR_OK);
    assert_int_equal(
        sqlite3_open(str_to_c(f.mem, str_printf(f.mem, "%s/state/CTAS_T_1.db", f.dir)), &db),
        SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(db, "INSERT INTO weir_stores VALUES (7, 0, NULL, '')", NULL, NULL, NULL),
        SQLITE_OK);
    sqlite3_close(db);
    open_file(&f);
    assert_true(query_file_is_empty(f.file));
    assert_int_equal(count_files(&f, "CTAS_T_1.db.damaged-1"), 1);
    tear_down(&f);
}

static void query_id_with_any_characters_has_a_file(void **test)
{
    Fixture       f;
    QueryFileOpts opts = {.id = STR("CTAS_../x y\xc3\xa9_1"), .fingerprint = 1};
    QueryFile    *mine;

    set_up(&f, test, false);
    mine = f.file;
    opts.stores = f.stores;
    opts.stores_len = 3;
    assert_int_equal(query_file_open(f.flusher, &opts, &f.file, &f.err), ERR_OK);
    merge(&f, 0, 0, "a", 1, "x");
    assert_int_equal(query_file_close(f.file, &f.err), ERR_OK);
    f.file = mine;
    assert_int_equal(count_files(&f, "CTAS_%2E%2E%2Fx%20y%C3%A9_1.db"), 1);
    tear_down(&f);
}

/* --- failures --------------------------------------------------------------------------------- */

static void failed_write_loses_nothing_and_is_tried_again(void **test)
{
    Fixture       f;
    FlusherHealth health;
    struct rlimit before, small = {4096, 4096};
    Err           err;

    set_up(&f, test, false);
    merge(&f, 0, 0, "a", 1, "one");
    flush(&f);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small.rlim_max = before.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    merge(&f, 0, 0, "a", 2, "two");
    assert_int_not_equal(query_file_flush(f.file, &err), ERR_OK);
    assert_non_null(strstr(err.msg, "state file of query \"CTAS_T_1\""));
    merge(&f, 0, 0, "b", 3, "three");
    assert_read(&f, 0, 0, "a", 2, "two");
    flusher_health(f.flusher, &health);
    assert_false(health.is_healthy);
    assert_true(health.pending_bytes > 0);
    assert_false(flusher_step(f.flusher)); /* back-off */
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    clock_fake_set(&f.clock, 10000);
    assert_true(flusher_step(f.flusher));
    flush(&f);
    flusher_health(f.flusher, &health);
    assert_true(health.is_healthy && health.pending_bytes == 0);
    reopen(&f);
    assert_read(&f, 0, 0, "a", 2, "two");
    assert_read(&f, 0, 0, "b", 3, "three");
    assert_position(&f, "3");
    tear_down(&f);
}

/* Writes epochs until it is killed: in epoch n both keys and the position say n. */
static void write_for_ever(Fixture *f)
{
    for (int64_t n = 1;; n++) {
        merge(f, 0, 0, "a", n, "x");
        merge(f, 1, 0, "b", n, "x");
        if (query_file_flush(f->file, &f->err) != ERR_OK)
            _exit(1);
        if (n % 50 == 0)
            arena_reset(f->mem);
    }
}

static int64_t read_n(Fixture *f, uint32_t store, const char *k)
{
    StateBacking backing = query_file_backing(f->file, store, 0);
    Str          bytes;
    bool         found;
    int64_t      ts = 0;
    Value        slots[3];

    assert_int_equal(backing.read(backing.self, key(f, store, k), &bytes, &found, &f->err), ERR_OK);
    if (found)
        assert_int_equal(state_decode_value(f->stores[store], bytes, f->mem, &ts, slots, &f->err),
                         ERR_OK);
    return ts;
}

static void killed_writer_leaves_a_whole_epoch(void **test)
{
    Fixture f;
    int64_t written = 0;

    set_up(&f, test, false);
    /* On a busy machine the child may be killed before its first write. */
    for (int round = 1; round <= 3 || (written == 0 && round <= 50); round++) {
        Str     position;
        int64_t n = 0;
        pid_t   child = fork();

        if (child == 0) {
            Fixture     own = f;
            FlusherOpts opts = {.data_dir = f.dir, .clock = clock_system(), .is_inline = true};

            own.mem = arena_new(0);
            if (flusher_open(&opts, &own.flusher, &own.err) != ERR_OK)
                _exit(1);
            open_file(&own);
            write_for_ever(&own);
        }
        usleep((useconds_t)round * 60000);
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        reopen(&f);
        assert_int_equal(query_file_position(f.file, STR("log-0"), f.mem, &position, &f.err),
                         ERR_OK);
        if (position.ptr)
            assert_true(str_to_i64(position, &n));
        assert_int_equal(read_n(&f, 0, "a"), n);
        assert_int_equal(read_n(&f, 1, "b"), n);
        written = n;
    }
    assert_true(written > 0);
    tear_down(&f);
}

/* --- durable ---------------------------------------------------------------------------------- */

static void note_durable(void *arg, const FilePosition *positions, size_t len)
{
    assert_int_equal(len, 1);
    assert_true(str_eq(positions[0].key, STR("log-0")));
    assert_true(str_to_i64(positions[0].value, arg));
}

static void durable_positions_are_told_after_a_checkpoint(void **test)
{
    Fixture       f;
    int64_t       durable = -1;
    QueryFileOpts opts = {.id = STR("Q"), .on_durable = note_durable, .arg = &durable};
    QueryFile    *mine;
    char         *big;

    set_up(&f, test, false);
    mine = f.file;
    opts.stores = f.stores;
    opts.stores_len = 3;
    assert_int_equal(query_file_open(f.flusher, &opts, &f.file, &f.err), ERR_OK);
    merge(&f, 0, 0, "a", 1, "small");
    flush(&f);
    assert_true(durable == -1);
    big = arena_bytes(f.mem, 5000001);
    memset(big, 'x', 5000000);
    big[5000000] = '\0';
    merge(&f, 0, 0, "a", 2, big);
    flush(&f);
    assert_true(durable == 2);
    assert_int_equal(query_file_close(f.file, &f.err), ERR_OK);
    f.file = mine;
    tear_down(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(what_is_settled_is_seen_before_and_after_the_flush),
        arena_test(in_memory_nothing_is_left_on_disk),
        arena_test(query_without_changes_has_no_file),
        arena_test(deleting_leaves_no_file),
        arena_test(flusher_writes_100_ms_after_the_first_change),
        arena_test(load_fills_a_state_of_its_partition),
        arena_test(load_stops_at_the_memory_bound_and_the_rest_is_found),
        arena_test(file_of_another_plan_is_refused_by_name),
        arena_test(damaged_file_is_set_aside_and_counted),
        arena_test(file_that_lists_tables_it_does_not_have_is_set_aside),
        arena_test(query_id_with_any_characters_has_a_file),
        arena_test(failed_write_loses_nothing_and_is_tried_again),
        arena_test(killed_writer_leaves_a_whole_epoch),
        arena_test(durable_positions_are_told_after_a_checkpoint),
    };

    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
