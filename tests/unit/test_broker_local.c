/*
 * test_broker_local.c -- what the embedded broker promises beyond the contract: a disk that is
 * full or failing, and what a start finds.
 */
#include "exec/brokers/broker_local.h"

#include <sqlite3.h>
#include <stdio.h>
#include <unistd.h>

#include "common/log.h"
#include "tests/support/arena_group.h"
#include "tests/support/fault.h"
#include "tests/support/temp_dir.h"

typedef struct Fixture {
    const char *dir;
    const char *path;
    Clock       clock;
    Broker     *broker;
    Err         err;
} Fixture;

static void quiet(LogLevel level, const char *line)
{
    (void)level, (void)line;
}

static void ok(Fixture *f, ErrCode rc)
{
    if (rc != ERR_OK)
        fail_msg("%s", f->err.msg);
}

static ErrCode fixture_open(Fixture *f, bool is_inline)
{
    BrokerLocalOpts opts = {.path = f->path,
                            .clock = is_inline ? &f->clock : clock_system(),
                            .is_inline = is_inline,
                            .data_bytes_max = -1,
                            .tombstone_retention_ms = 1000};

    return broker_local_open(&opts, &f->broker, &f->err);
}

static void fixture_init(Fixture *f, Arena *mem)
{
    TopicSpec spec = {.name = STR("t"), .partitions = 1, .replicas = -1, .retention_ms = -1};

    fault_reset();
    *f = (Fixture){.dir = temp_dir_make(mem)};
    f->path = str_to_c(mem, str_printf(mem, "%s/broker.db", f->dir));
    clock_fake_init(&f->clock, 1700000000000);
    ok(f, fixture_open(f, true));
    ok(f, broker_topic_create(f->broker, &spec, &f->err));
}

static void fixture_deinit(Fixture *f)
{
    fault_reset();
    broker_close(f->broker);
    temp_dir_remove(f->dir);
}

static ErrCode produce(Fixture *f, const char *value)
{
    Record record = {.value = str_from(value), .ts = 1};

    return broker_produce_wait(f->broker, STR("t"), 0, &record, NULL, &f->err);
}

/* The values of the topic, one letter each. */
static const char *read_all(Fixture *f, Arena *mem)
{
    BrokerReader *reader = NULL;
    Buf           out = buf_in(mem);
    int64_t       position = 0, end = 0;

    ok(f, broker_reader_open(f->broker, STR("t"), 0, 0, (BrokerWake){0}, &reader, &f->err));
    do {
        RecordBatch *batch = NULL;

        ok(f, broker_reader_poll(reader, 1 << 20, &batch, &position, &end, &f->err));
        for (uint32_t i = 0; batch && i < batch->len; i++)
            buf_put(&out, batch->records[i].value.ptr[0]);
        record_batch_unref(batch);
    } while (position < end);
    broker_reader_close(reader);
    buf_put(&out, '\0');
    return out.ptr;
}

static Chunk *large_chunk(char letter)
{
    Chunk *chunk = chunk_new(STR("t"), 0, NULL);
    char   bytes[60000];
    Record record = {.value = {bytes, sizeof bytes}, .ts = 1};

    memset(bytes, letter, sizeof bytes);
    chunk_append(chunk, &record);
    return chunk;
}

static void broker_that_ran_full_loses_nothing_and_goes_on(void **state)
{
    BrokerHealth health;
    Fixture      f;

    fixture_init(&f, test_arena(state));
    ok(&f, produce(&f, "a"));
    fault_arm_always(FAULT_SQLITE_WRITE, FAULT_FULL, 1);
    assert_int_equal(produce(&f, "x"), ERR_FULL);
    assert_true(f.err.is_retriable);
    assert_non_null(strstr(f.err.msg, "could not write broker file"));
    assert_int_equal(produce(&f, "y"), ERR_FULL);
    broker_health(f.broker, &health);
    assert_false(health.is_healthy);
    assert_non_null(strstr(health.why, "broker.db"));

    fault_reset();
    ok(&f, produce(&f, "b"));
    broker_health(f.broker, &health);
    assert_true(health.is_healthy);
    assert_string_equal(read_all(&f, test_arena(state)), "ab");
    broker_close(f.broker);
    ok(&f, fixture_open(&f, true));
    assert_string_equal(read_all(&f, test_arena(state)), "ab");
    fixture_deinit(&f);
}

/* Whichever write of it fails: the commit is told, and nothing of it is seen, now or later. */
static void broker_commit_that_fails_anywhere_leaves_nothing(void **state)
{
    enum { CHUNKS = 40 }; /* more than is written in one go */
    BrokerTxn *txn;
    Fixture    f;
    uint32_t   nth = 1;
    bool       is_committed = false;

    fixture_init(&f, test_arena(state));
    ok(&f, produce(&f, "a"));
    for (; !is_committed; nth += 7) {
        ErrCode rc;

        ok(&f, broker_txn_open(f.broker, STR("group"), &txn, &f.err));
        ok(&f, broker_txn_begin(txn, &f.err));
        fault_arm(FAULT_SQLITE_WRITE, FAULT_FAIL, nth);
        for (int i = 0; i < CHUNKS; i++)
            ok(&f, broker_txn_append(txn, large_chunk('c'), &f.err));
        rc = broker_txn_commit(txn, NULL, NULL, &f.err);
        broker_txn_close(txn);
        is_committed = rc == ERR_OK;
        if (is_committed)
            break;
        assert_int_equal(rc, ERR_BROKER);
        assert_string_equal(read_all(&f, test_arena(state)), "a");
    }
    assert_true(nth > CHUNKS); /* it had chances enough to fail */
    fault_reset();
    ok(&f, produce(&f, "b"));
    broker_close(f.broker);
    ok(&f, fixture_open(&f, true));
    assert_int_equal(strlen(read_all(&f, test_arena(state))), CHUNKS + 2);
    fixture_deinit(&f);
}

/* A produce and a commit that are written together do not share their failure. */
static void broker_produce_survives_the_commit_beside_it(void **state)
{
    TopicSpec  doomed = {.name = STR("doomed"), .partitions = 1, .replicas = -1};
    BrokerTxn *txn = NULL;
    Chunk     *chunk = chunk_new(STR("doomed"), 0, NULL);
    Record     record = {.value = STR("z"), .ts = 1};
    Fixture    f;

    fixture_init(&f, test_arena(state));
    ok(&f, broker_topic_create(f.broker, &doomed, &f.err));
    ok(&f, broker_txn_open(f.broker, STR("group"), &txn, &f.err));
    ok(&f, broker_txn_begin(txn, &f.err));
    chunk_append(chunk, &record);
    ok(&f, broker_txn_append(txn, chunk, &f.err));
    ok(&f, broker_topic_delete(f.broker, STR("doomed"), &f.err));
    ok(&f, produce(&f, "a"));
    assert_int_equal(broker_txn_commit(txn, NULL, NULL, &f.err), ERR_TOPIC_MISSING);
    ok(&f, produce(&f, "b"));
    broker_txn_close(txn);
    assert_string_equal(read_all(&f, test_arena(state)), "ab");
    fixture_deinit(&f);
}

static void broker_topic_that_could_not_be_stored_is_not_there(void **state)
{
    TopicSpec spec = {.name = STR("u"), .partitions = 1, .replicas = -1};
    TopicInfo info;
    Fixture   f;

    fixture_init(&f, test_arena(state));
    fault_arm(FAULT_SQLITE_WRITE, FAULT_FULL, 2);
    assert_int_equal(broker_topic_create(f.broker, &spec, &f.err), ERR_FULL);
    assert_int_equal(broker_topic_describe(f.broker, STR("u"), test_arena(state), &info, &f.err),
                     ERR_TOPIC_MISSING);
    ok(&f, broker_topic_create(f.broker, &spec, &f.err));
    fault_arm(FAULT_SQLITE_WRITE, FAULT_FULL, 2);
    assert_int_equal(broker_topic_delete(f.broker, STR("u"), &f.err), ERR_FULL);
    ok(&f, broker_topic_describe(f.broker, STR("u"), test_arena(state), &info, &f.err));
    fixture_deinit(&f);
}

/* Background work that meets a failing disk says so, and is done later. */
static void broker_cleaning_waits_for_the_disk(void **state)
{
    TopicSpec     spec = {.name = STR("u"), .partitions = 1, .replicas = -1, .retention_ms = 10};
    Record        record = {.value = STR("v"), .ts = 1};
    PartitionEnds ends;
    Fixture       f;

    log_set_sink(quiet);
    fixture_init(&f, test_arena(state));
    ok(&f, broker_topic_create(f.broker, &spec, &f.err));
    ok(&f, broker_produce_wait(f.broker, STR("u"), 0, &record, NULL, &f.err));
    clock_fake_set(&f.clock, clock_now_ms(&f.clock) + 5000);
    fault_arm_always(FAULT_SQLITE_WRITE, FAULT_FULL, 1);
    broker_step(f.broker);
    ok(&f, broker_topic_ends(f.broker, STR("u"), &ends, 1, &f.err));
    assert_int_equal(ends.begin, 0);
    fault_reset();
    for (int i = 0; i < 3; i++) {
        clock_fake_set(&f.clock, clock_now_ms(&f.clock) + 5000);
        while (broker_step(f.broker)) {
        }
    }
    ok(&f, broker_topic_ends(f.broker, STR("u"), &ends, 1, &f.err));
    assert_int_equal(ends.begin, 1);
    fixture_deinit(&f);
    log_set_sink(NULL);
}

/* --- what a start finds ----------------------------------------------------------------------- */

/* Overwrites len bytes of the file where what stands first; at is added to it. */
static void overwrite(const char *path, long at, const char *what, const char *with, size_t len)
{
    FILE  *file = fopen(path, "r+b");
    Buf    bytes = {0};
    char  *found;
    char   block[4096];
    size_t got;

    assert_non_null(file);
    while ((got = fread(block, 1, sizeof block, file)) > 0)
        buf_append(&bytes, block, got);
    found = what ? memmem(bytes.ptr, bytes.len, what, strlen(what)) : bytes.ptr;
    assert_non_null(found);
    assert_int_equal(fseek(file, (found - bytes.ptr) + at, SEEK_SET), 0);
    assert_int_equal(fwrite(with, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
    buf_deinit(&bytes);
}

static void broker_damage_of_records_is_found_and_named(void **state)
{
    Fixture       f;
    BrokerReader *reader = NULL;
    RecordBatch  *batch = NULL;
    int64_t       position = 0, end = 0;

    fixture_init(&f, test_arena(state));
    ok(&f, produce(&f, "something to be found again"));
    broker_close(f.broker);
    overwrite(f.path, 0, "to be found", "T", 1);
    ok(&f, fixture_open(&f, true));
    ok(&f, broker_reader_open(f.broker, STR("t"), 0, 0, (BrokerWake){0}, &reader, &f.err));
    assert_int_equal(broker_reader_poll(reader, 1 << 20, &batch, &position, &end, &f.err),
                     ERR_BROKER);
    assert_non_null(strstr(f.err.msg, "could not read topic \"t\": broker file \""));
    assert_non_null(strstr(f.err.msg, "is damaged at offsets 0 to 0 of partition 0"));
    assert_non_null(strstr(f.err.hint, "DELETE TOPIC"));
    broker_reader_close(reader);
    ok(&f, produce(&f, "what comes later is stored"));
    fixture_deinit(&f);
}

static void broker_file_that_got_lost_is_no_first_start(void **state)
{
    Fixture f;

    fixture_init(&f, test_arena(state));
    broker_close(f.broker);
    assert_int_equal(truncate(f.path, 0), 0);
    assert_int_equal(fixture_open(&f, true), ERR_IO);
    assert_non_null(strstr(f.err.msg, "it is empty, and was not"));
    assert_int_equal(unlink(f.path), 0);
    assert_int_equal(fixture_open(&f, true), ERR_IO);
    assert_non_null(strstr(f.err.msg, "it is gone, and was not"));
    assert_non_null(strstr(f.err.hint, "delete the whole data directory"));
    temp_dir_remove(f.dir);
}

static void broker_file_of_a_newer_version_is_refused(void **state)
{
    enum { USER_VERSION_AT = 60 }; /* in SQLite's header, big-endian */
    Fixture f;

    fixture_init(&f, test_arena(state));
    broker_close(f.broker);
    overwrite(f.path, USER_VERSION_AT, NULL, "\0\0\0c", 4);
    assert_int_equal(fixture_open(&f, true), ERR_IO);
    assert_non_null(strstr(f.err.msg, "it has format 99, written by a newer version"));
    temp_dir_remove(f.dir);
}

static void broker_file_of_the_first_version_is_brought_up(void **state)
{
    Fixture  f;
    sqlite3 *db;

    fixture_init(&f, test_arena(state));
    ok(&f, produce(&f, "a"));
    broker_close(f.broker);
    assert_int_equal(sqlite3_open(f.path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "ALTER TABLE blob DROP COLUMN sum; PRAGMA user_version = 1",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    sqlite3_close(db);
    ok(&f, fixture_open(&f, true));
    ok(&f, produce(&f, "b"));
    broker_close(f.broker);
    ok(&f, fixture_open(&f, true));
    assert_string_equal(read_all(&f, test_arena(state)), "ab");
    fixture_deinit(&f);
}

static void broker_in_a_missing_directory_is_refused_by_name(void **state)
{
    Fixture f = {.path = "/tmp/weir-no-such-directory/broker.db"};

    (void)state;
    assert_int_equal(fixture_open(&f, false), ERR_IO);
    assert_non_null(strstr(f.err.msg, "/tmp/weir-no-such-directory/broker.db"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(broker_that_ran_full_loses_nothing_and_goes_on),
        arena_test(broker_commit_that_fails_anywhere_leaves_nothing),
        arena_test(broker_produce_survives_the_commit_beside_it),
        arena_test(broker_topic_that_could_not_be_stored_is_not_there),
        arena_test(broker_cleaning_waits_for_the_disk),
        arena_test(broker_damage_of_records_is_found_and_named),
        arena_test(broker_file_that_got_lost_is_no_first_start),
        arena_test(broker_file_of_a_newer_version_is_refused),
        arena_test(broker_file_of_the_first_version_is_brought_up),
        arena_test(broker_in_a_missing_directory_is_refused_by_name),
    };
    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
