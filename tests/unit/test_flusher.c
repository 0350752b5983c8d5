#include "exec/state/flusher.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "common/limit.h"
#include "exec/state/query_file.h"
#include "tests/support/arena_group.h"
#include "tests/support/stores.h"
#include "tests/support/temp_dir.h"

enum { FILES = 5, KEYS = 50, EPOCHS = 60 };

typedef struct Fixture {
    Arena           *mem;
    const char      *dir;
    Flusher         *flusher;
    const PlanStore *store;
    QueryFile       *files[FILES];
    StateBacking     backings[FILES];
    atomic_bool      is_done;
} Fixture;

static void set_up(Fixture *f, void **test)
{
    FlusherOpts opts = {.clock = clock_system()};
    Err         err;

    memset(f, 0, sizeof *f);
    f->mem = test_arena(test);
    f->dir = opts.data_dir = temp_dir_make(f->mem);
    f->store = store_of_strings(f->mem, 0);
    assert_int_equal(flusher_open(&opts, &f->flusher, &err), ERR_OK);
    for (int i = 0; i < FILES; i++) {
        QueryFileOpts file = {.id = str_printf(f->mem, "Q%d", i),
                              .stores = &f->store,
                              .stores_len = 1,
                              .fingerprint = 1};

        assert_int_equal(query_file_open(f->flusher, &file, &f->files[i], &err), ERR_OK);
        f->backings[i] = query_file_backing(f->files[i], 0, 0);
    }
}

static void tear_down(Fixture *f)
{
    Err err;

    for (int i = 0; i < FILES; i++) {
        if (f->files[i])
            assert_int_equal(query_file_close(f->files[i], &err), ERR_OK);
    }
    flusher_close(f->flusher);
    temp_dir_remove(f->dir);
}

/* Epoch n sets every key of a partition to n. */
static void merge_into(QueryFile *file, uint32_t partition, int64_t n)
{
    Changes *changes = changes_new();
    Buf      value = {0};
    Value    slots[3] = {value_bigint(n)};

    buf_varint_s(&value, n);
    for (int i = 0; i < 3; i++)
        value_encode(&value, slots[i], i == 0 ? &type_bigint : &type_string);
    for (int i = 0; i < KEYS; i++) {
        char key[16];
        int  len = snprintf(key, sizeof key, "key %d", i);

        changes_add(changes, 0, partition, (Str){key, (size_t)len}, buf_view(&value));
    }
    buf_deinit(&value);
    query_file_merge(file, changes, &(FilePosition){STR("p"), STR("x")}, 1);
}

static void merge(QueryFile *file, int64_t n)
{
    merge_into(file, 0, n);
}

static int64_t read_n(const StateBacking *backing, int key_number)
{
    char      key[16];
    int       len = snprintf(key, sizeof key, "key %d", key_number);
    Str       bytes;
    bool      found = false;
    Err       err;
    BufReader in;

    if (backing->read(backing->self, (Str){key, (size_t)len}, &bytes, &found, &err) != ERR_OK)
        return -1;
    if (!found)
        return 0;
    in = buf_reader(bytes);
    return buf_read_varint_s(&in);
}

/* No reader ever sees a key go back, whatever is pending, being written or in the file. */
static void *read_all(void *arg)
{
    Fixture *f = arg;
    int64_t  last[FILES][KEYS] = {{0}};

    while (!atomic_load(&f->is_done)) {
        for (int file = 0; file < FILES; file++) {
            for (int i = 0; i < KEYS; i++) {
                int64_t n = read_n(&f->backings[file], i);

                if (n < last[file][i])
                    return "a value went back";
                last[file][i] = n;
            }
        }
    }
    return NULL;
}

static void *flush_all(void *arg)
{
    Fixture *f = arg;
    Err      err;

    while (!atomic_load(&f->is_done)) {
        if (flusher_flush(f->flusher, &err) != ERR_OK)
            return "a flush failed";
        usleep(1000);
    }
    return NULL;
}

static void readers_never_see_a_value_go_back(void **test)
{
    Fixture   f;
    pthread_t reader, flusher;
    void     *why;
    Err       err;

    set_up(&f, test);
    pthread_create(&reader, NULL, read_all, &f);
    pthread_create(&flusher, NULL, flush_all, &f);
    for (int64_t n = 1; n <= EPOCHS; n++) {
        for (int i = 0; i < FILES; i++)
            merge(f.files[i], n);
        usleep(2000);
    }
    atomic_store(&f.is_done, true);
    pthread_join(reader, &why);
    assert_null(why);
    pthread_join(flusher, &why);
    assert_null(why);
    assert_int_equal(flusher_flush(f.flusher, &err), ERR_OK);
    for (int i = 0; i < FILES; i++) {
        assert_int_equal(query_file_pending_bytes(f.files[i]), 0);
        assert_int_equal(read_n(&f.backings[i], KEYS - 1), EPOCHS);
    }
    tear_down(&f);
}

static void pending_changes_are_written_without_being_asked_for(void **test)
{
    Fixture       f;
    FlusherHealth health;

    set_up(&f, test);
    merge(f.files[0], 1);
    assert_true(query_file_pending_bytes(f.files[0]) > 0);
    for (int i = 0; i < 200 && query_file_pending_bytes(f.files[0]) > 0; i++)
        usleep(20000);
    flusher_health(f.flusher, &health);
    assert_int_equal(health.pending_bytes, 0);
    assert_int_equal(health.rows, KEYS);
    assert_false(flusher_is_behind(f.flusher));
    tear_down(&f);
}

/* In memory, where nothing is written before much is pending; returns how much one epoch is. */
static int64_t merge_epochs(Arena *mem, uint32_t epochs, bool *is_behind)
{
    FlusherOpts      opts = {.clock = clock_system()};
    const PlanStore *store = store_of_strings(mem, 0);
    QueryFileOpts    file = {.id = STR("Q"), .stores = &store, .stores_len = 1, .fingerprint = 1};
    Flusher         *flusher;
    QueryFile       *out;
    Err              err;
    int64_t          bytes;

    assert_int_equal(flusher_open(&opts, &flusher, &err), ERR_OK);
    assert_int_equal(query_file_open(flusher, &file, &out, &err), ERR_OK);
    merge_into(out, 0, 1);
    bytes = query_file_pending_bytes(out);
    usleep(100000); /* the thread has seen that there is nothing to do yet */
    for (uint32_t i = 1; i < epochs; i++)
        merge_into(out, i, 1);
    for (int i = 0; i < 200 && flusher_is_behind(flusher); i++)
        usleep(20000);
    *is_behind = flusher_is_behind(flusher);
    assert_int_equal(query_file_close(out, &err), ERR_OK);
    flusher_close(flusher);
    return bytes;
}

/* Commits wait while the flusher is behind. */
static void a_database_in_memory_is_written_when_the_flusher_is_behind(void **test)
{
    const Limits limits = g_limits;
    Arena       *mem = test_arena(test);
    bool         is_behind;
    int64_t      bytes = merge_epochs(mem, 1, &is_behind);

    g_limits.memory_bytes = 8 * (bytes + bytes / 2);
    merge_epochs(mem, 2, &is_behind);
    g_limits = limits;
    assert_false(is_behind);
}

static void a_query_has_one_open_file(void **test)
{
    Fixture       f;
    QueryFile    *other;
    Err           err;
    QueryFileOpts opts = {.id = STR("Q1"), .fingerprint = 1};

    set_up(&f, test);
    opts.stores = &f.store;
    opts.stores_len = 1;
    assert_int_equal(query_file_open(f.flusher, &opts, &other, &err), ERR_STATE);
    assert_string_equal(err.msg, "cannot open the state of query \"Q1\" twice");
    query_file_delete(f.files[1]);
    assert_int_equal(query_file_open(f.flusher, &opts, &f.files[1], &err), ERR_OK);
    tear_down(&f);
}

static void *delete_soon(void *arg)
{
    usleep(5000);
    query_file_delete(arg);
    return NULL;
}

static void deleting_a_file_ends_those_who_wait_for_it(void **test)
{
    Fixture    f;
    QueryFile *file;
    pthread_t  deleter;
    ErrCode    rc = ERR_OK;
    Err        err;

    set_up(&f, test);
    file = query_file_ref(f.files[2]);
    pthread_create(&deleter, NULL, delete_soon, f.files[2]);
    f.files[2] = NULL;
    for (int64_t n = 1; rc == ERR_OK && !query_file_is_closed(file); n++) {
        merge(file, n);
        rc = query_file_flush(file, &err);
    }
    assert_true(rc == ERR_OK || rc == ERR_CANCELLED);
    pthread_join(deleter, NULL);
    query_file_unref(file);
    tear_down(&f);
}

static void data_directory_that_cannot_be_made_is_an_error(void **test)
{
    FlusherOpts opts = {.data_dir = "/proc/nothing/here", .clock = clock_system()};
    Flusher    *flusher;
    Err         err;

    (void)test;
    assert_int_equal(flusher_open(&opts, &flusher, &err), ERR_IO);
    assert_non_null(strstr(err.msg, "could not make directory \"/proc/nothing/here/state\""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(readers_never_see_a_value_go_back),
        arena_test(pending_changes_are_written_without_being_asked_for),
        arena_test(a_database_in_memory_is_written_when_the_flusher_is_behind),
        arena_test(a_query_has_one_open_file),
        arena_test(deleting_a_file_ends_those_who_wait_for_it),
        arena_test(data_directory_that_cannot_be_made_is_an_error),
    };

    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
