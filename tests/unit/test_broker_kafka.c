/* What the Kafka driver promises beyond the contract; needs WEIR_TEST_KAFKA=HOST:PORT. */
#include "exec/brokers/broker_kafka.h"

#include <dirent.h>
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "common/limit.h"
#include "tests/support/arena_group.h"

enum { READERS = 200, WAIT_MS = 20000, TOPICS = 10, HELD_RECORDS = 400, POLL_BYTES = 8000 };

/* The linker sends the driver's calls here. */
rd_kafka_error_t *__real_rd_kafka_incremental_assign(rd_kafka_t                            *rk,
                                                     const rd_kafka_topic_partition_list_t *list);
rd_kafka_error_t *__wrap_rd_kafka_incremental_assign(rd_kafka_t                            *rk,
                                                     const rd_kafka_topic_partition_list_t *list);

static bool is_assign_refused;

rd_kafka_error_t *__wrap_rd_kafka_incremental_assign(rd_kafka_t                            *rk,
                                                     const rd_kafka_topic_partition_list_t *list)
{
    return is_assign_refused ? rd_kafka_error_new(RD_KAFKA_RESP_ERR__STATE, "refused")
                             : __real_rd_kafka_incremental_assign(rk, list);
}

/* How many of the next answers come from a broker that does not know of the topic. */
static int unknown_metadata, unknown_settings, unknown_ends;

static int  ends_failing; /* how many of the next questions for ends nobody answers */
static bool hides_trim;   /* what was trimmed looks as if it were still there */

static bool is_unknown(int *left)
{
    return *left > 0 && (*left)--;
}

rd_kafka_resp_err_t __real_rd_kafka_metadata(rd_kafka_t *rk, int all_topics, rd_kafka_topic_t *only,
                                             const struct rd_kafka_metadata **out, int timeout_ms);
rd_kafka_resp_err_t __wrap_rd_kafka_metadata(rd_kafka_t *rk, int all_topics, rd_kafka_topic_t *only,
                                             const struct rd_kafka_metadata **out, int timeout_ms);

rd_kafka_resp_err_t __wrap_rd_kafka_metadata(rd_kafka_t *rk, int all_topics, rd_kafka_topic_t *only,
                                             const struct rd_kafka_metadata **out, int timeout_ms)
{
    rd_kafka_resp_err_t code = __real_rd_kafka_metadata(rk, all_topics, only, out, timeout_ms);

    if (code == RD_KAFKA_RESP_ERR_NO_ERROR && only && is_unknown(&unknown_metadata))
        (*out)->topics[0].err = RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
    return code;
}

rd_kafka_resp_err_t __real_rd_kafka_ConfigResource_error(const rd_kafka_ConfigResource_t *resource);
rd_kafka_resp_err_t __wrap_rd_kafka_ConfigResource_error(const rd_kafka_ConfigResource_t *resource);

rd_kafka_resp_err_t __wrap_rd_kafka_ConfigResource_error(const rd_kafka_ConfigResource_t *resource)
{
    return is_unknown(&unknown_settings) ? RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART
                                         : __real_rd_kafka_ConfigResource_error(resource);
}

rd_kafka_resp_err_t __real_rd_kafka_offsets_for_times(rd_kafka_t                      *rk,
                                                      rd_kafka_topic_partition_list_t *list,
                                                      int                              timeout_ms);
rd_kafka_resp_err_t __wrap_rd_kafka_offsets_for_times(rd_kafka_t                      *rk,
                                                      rd_kafka_topic_partition_list_t *list,
                                                      int                              timeout_ms);

rd_kafka_resp_err_t __wrap_rd_kafka_offsets_for_times(rd_kafka_t                      *rk,
                                                      rd_kafka_topic_partition_list_t *list,
                                                      int                              timeout_ms)
{
    bool                is_begin = list->elems[0].offset == RD_KAFKA_OFFSET_BEGINNING;
    rd_kafka_resp_err_t code;

    if (is_unknown(&unknown_ends))
        return RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
    if (ends_failing > 0 && ends_failing--)
        return RD_KAFKA_RESP_ERR__TRANSPORT;
    code = __real_rd_kafka_offsets_for_times(rk, list, timeout_ms);
    if (hides_trim && is_begin)
        list->elems[0].offset = 0;
    return code;
}

static const char *servers(void)
{
    return getenv("WEIR_TEST_KAFKA");
}

static void ok(ErrCode rc, const Err *err)
{
    if (rc != ERR_OK)
        fail_msg("%s", err->msg);
}

/* The topic is new in each test. */
static Broker *broker_with_topic(const char *topic, bool is_at_least_once)
{
    KafkaSetting    setting = {"bootstrap.servers", servers()};
    BrokerKafkaOpts opts = {.service_id = STR("driver"),
                            .settings = &setting,
                            .settings_len = 1,
                            .fetch_bytes = 1 << 20,
                            .is_at_least_once = is_at_least_once};
    TopicSpec       spec = {.name = str_from(topic),
                            .partitions = 1,
                            .replicas = -1,
                            .retention_ms = -1,
                            .cleanup = TOPIC_DELETE};
    Broker         *broker = NULL;
    Err             err;

    ok(broker_kafka_open(&opts, &broker, &err), &err);
    if (broker_topic_delete(broker, spec.name, &err) != ERR_OK)
        assert_int_equal(err.code, ERR_TOPIC_MISSING);
    ok(broker_topic_create(broker, &spec, &err), &err);
    return broker;
}

static BrokerReader *reader_at(Broker *broker, const char *topic, int64_t offset)
{
    BrokerReader *reader = NULL;
    Err           err;

    ok(broker_reader_open(broker, str_from(topic), 0, offset, (BrokerWake){0}, &reader, &err),
       &err);
    return reader;
}

static void append(BrokerTxn *txn, const char *topic, const char *value, void *owner)
{
    Chunk *chunk = chunk_new(str_from(topic), 0, owner);
    Record record = {.value = str_from(value), .ts = 1700000000000};
    Err    err;

    chunk_append(chunk, &record);
    ok(broker_txn_append(txn, chunk, &err), &err);
}

static void assert_next(BrokerReader *reader, const char *expected)
{
    RecordBatch *batch = NULL;
    int64_t      position, end;
    Err          err;

    for (int i = 0; i < WAIT_MS && !batch; i++, usleep(1000))
        ok(broker_reader_poll(reader, 1, &batch, &position, &end, &err), &err);
    assert_non_null(batch);
    assert_true(str_eq(batch->records[0].value, str_from(expected)));
    record_batch_unref(batch);
}

/* Without transactions: no markers, so offsets are dense; what was aborted may be there. */
static void at_least_once_writes_in_order_without_markers(void **state)
{
    Broker       *broker = broker_with_topic("alo", true);
    BrokerTxn    *txn = NULL;
    BrokerReader *reader;
    PartitionEnds ends;
    int           query;
    Err           err;

    (void)state;
    ok(broker_txn_open(broker, STR("group"), &txn, &err), &err);
    for (int i = 0; i < 2; i++) {
        ok(broker_txn_begin(txn, &err), &err);
        append(txn, "alo", "output", &query);
        append(txn, "alo", "positions", NULL);
        ok(broker_txn_commit(txn, NULL, NULL, &err), &err);
    }
    ok(broker_topic_ends(broker, STR("alo"), &ends, 1, &err), &err);
    assert_int_equal(ends.end, 4);
    reader = reader_at(broker, "alo", 0);
    for (int i = 0; i < 2; i++) {
        assert_next(reader, "output");
        assert_next(reader, "positions");
    }
    broker_reader_close(reader);

    ok(broker_txn_begin(txn, &err), &err);
    append(txn, "alo", "aborted", &query);
    broker_txn_abort(txn);
    ok(broker_txn_begin(txn, &err), &err);
    append(txn, "alo", "again", &query);
    ok(broker_txn_commit(txn, NULL, NULL, &err), &err);
    broker_txn_close(txn);
    broker_close(broker);
}

static int threads(void)
{
    DIR *dir = opendir("/proc/self/task");
    int  count = 0;

    assert_non_null(dir);
    while (readdir(dir))
        count++;
    closedir(dir);
    return count;
}

static void readers_of_one_place_share_a_consumer(void **state)
{
    Broker       *broker = broker_with_topic("shared", false);
    BrokerReader *readers[READERS];
    Record        record = {.value = STR("v"), .ts = 1700000000000};
    int64_t       offset;
    int           with_one;
    Err           err;

    (void)state;
    readers[0] = reader_at(broker, "shared", 0);
    with_one = threads();
    for (int i = 1; i < READERS; i++)
        readers[i] = reader_at(broker, "shared", 0);
    assert_int_equal(threads(), with_one);
    ok(broker_produce_wait(broker, STR("shared"), 0, &record, &offset, &err), &err);
    for (int i = 0; i < READERS; i++) {
        assert_next(readers[i], "v");
        broker_reader_close(readers[i]);
    }
    broker_close(broker);
}

/* librdkafka by itself looks once a second for the leaders of partitions that it is to read. */
static void first_record_of_a_topic_comes_at_once(void **state)
{
    Broker *broker = broker_with_topic("first", false);
    Record  record = {.value = STR("v"), .ts = 1700000000000};
    char    topics[TOPICS][16];
    int64_t offset;
    time_t  began;
    Err     err;

    (void)state;
    for (int i = 0; i < TOPICS; i++) {
        TopicSpec spec = {.partitions = 1, .replicas = -1, .retention_ms = -1};

        snprintf(topics[i], sizeof topics[i], "first-%d", i);
        spec.name = str_from(topics[i]);
        if (broker_topic_create(broker, &spec, &err) != ERR_OK)
            assert_int_equal(err.code, ERR_TOPIC_EXISTS);
        ok(broker_produce_wait(broker, spec.name, 0, &record, &offset, &err), &err);
    }
    began = time(NULL);
    for (int i = 0; i < TOPICS; i++) {
        BrokerReader *reader = reader_at(broker, topics[i], 0);

        assert_next(reader, "v");
        broker_reader_close(reader);
    }
    assert_true(time(NULL) - began < TOPICS / 2);
    broker_close(broker);
}

/* All places of the partition are taken, so the furthest behind is moved for one more reader. */
static void place_that_could_not_be_moved_is_told_and_used_again(void **state)
{
    static const char *const values[] = {"v0", "v1", "v2", "v3", "v4"};
    Broker                  *broker = broker_with_topic("moved", false);
    BrokerReader            *readers[5];
    RecordBatch             *batch;
    int64_t                  position, end;
    Err                      err;

    (void)state;
    for (int i = 0; i < 5; i++) {
        Record record = {.value = str_from(values[i]), .ts = 1700000000000};

        ok(broker_produce_wait(broker, STR("moved"), 0, &record, &position, &err), &err);
    }
    for (int i = 4; i > 0; i--)
        readers[i] = reader_at(broker, "moved", i);
    is_assign_refused = true;
    assert_int_equal(
        broker_reader_open(broker, STR("moved"), 0, 0, (BrokerWake){0}, &readers[0], &err),
        ERR_BROKER);
    assert_string_equal(err.msg, "could not read topic \"moved\": refused");
    assert_int_equal(broker_reader_poll(readers[1], 1, &batch, &position, &end, &err), ERR_BROKER);
    is_assign_refused = false;
    readers[0] = reader_at(broker, "moved", 0);
    for (int i = 0; i < 5; i++)
        assert_next(readers[i], values[i]);
    for (int i = 0; i < 5; i++)
        broker_reader_close(readers[i]);
    broker_close(broker);
}

static void count_wake(void *arg)
{
    __atomic_add_fetch((int *)arg, 1, __ATOMIC_ACQ_REL);
}

/* As a task does: nothing is polled before something has woken the reader. */
static RecordBatch *await_batch(BrokerReader *reader, int *wakes)
{
    RecordBatch *batch = NULL;
    int64_t      position, end;
    Err          err;

    for (;;) {
        __atomic_store_n(wakes, 0, __ATOMIC_RELEASE);
        ok(broker_reader_poll(reader, POLL_BYTES, &batch, &position, &end, &err), &err);
        if (batch)
            return batch;
        for (int i = 0; i < WAIT_MS / 4 && !__atomic_load_n(wakes, __ATOMIC_ACQUIRE); i++)
            usleep(1000);
        assert_true(__atomic_load_n(wakes, __ATOMIC_ACQUIRE) > 0);
    }
}

/* It is in front of what has been fetched, and leaves room in the window for one that is behind. */
static void reader_that_holds_back_is_woken_when_the_other_stops(void **state)
{
    Broker       *broker = broker_with_topic("held", false);
    char          bytes[1000];
    Record        record = {.value = {bytes, sizeof bytes}, .ts = 1700000000000};
    int           behind_wakes = 0, wakes = 0;
    BrokerReader *behind, *reader;
    RecordBatch  *batch;
    Err           err;

    (void)state;
    memset(bytes, 'x', sizeof bytes);
    for (int64_t i = 0, offset; i < HELD_RECORDS; i++)
        ok(broker_produce_wait(broker, STR("held"), 0, &record, &offset, &err), &err);
    ok(broker_reader_open(broker, STR("held"), 0, 0, (BrokerWake){count_wake, &behind_wakes},
                          &behind, &err),
       &err);
    record_batch_unref(await_batch(behind, &behind_wakes));
    ok(broker_reader_open(broker, STR("held"), 0, HELD_RECORDS - 1,
                          (BrokerWake){count_wake, &wakes}, &reader, &err),
       &err);
    batch = await_batch(reader, &wakes);
    assert_int_equal(batch->records[0].offset, HELD_RECORDS - 1);
    record_batch_unref(batch);
    broker_reader_close(reader);
    broker_reader_close(behind);
    broker_close(broker);
}

/* Some other reader is on the feed all the time, so the feed itself stays. */
static void reader_comes_back_after_its_place_was_lost(void **state)
{
    Broker       *broker = broker_with_topic("lost", false);
    TopicSpec     spec = {.name = STR("lost-log"),
                          .partitions = 1,
                          .replicas = -1,
                          .retention_ms = -1,
                          .cleanup = TOPIC_LOG};
    Record        record = {.value = STR("v"), .ts = 1700000000000};
    BrokerReader *readers[2];
    RecordBatch  *batch = NULL;
    int64_t       position, end;
    ErrCode       rc = ERR_OK;
    Err           err;

    (void)state;
    if (broker_topic_delete(broker, spec.name, &err) != ERR_OK)
        assert_int_equal(err.code, ERR_TOPIC_MISSING);
    ok(broker_topic_create(broker, &spec, &err), &err);
    for (int i = 0; i < 10; i++)
        ok(broker_produce_wait(broker, spec.name, 0, &record, &position, &err), &err);
    ok(broker_trim(broker, spec.name, 0, 5, &err), &err);
    hides_trim = true;
    for (int i = 0; i < 2; i++)
        readers[i] = reader_at(broker, "lost-log", 0);
    ends_failing = 3;
    for (int i = 0; i < 2; i++, rc = ERR_OK) {
        for (int k = 0; k < WAIT_MS && rc == ERR_OK; k++, usleep(1000))
            rc = broker_reader_poll(readers[i], 1, &batch, &position, &end, &err);
        assert_int_equal(rc, ERR_BROKER);
        assert_null(batch);
    }
    assert_int_equal(ends_failing, 0);
    broker_reader_close(readers[0]);
    readers[0] = reader_at(broker, "lost-log", 0);
    hides_trim = false;
    assert_next(readers[0], "v");
    for (int i = 0; i < 2; i++)
        broker_reader_close(readers[i]);
    broker_close(broker);
}

/* So it is for a moment after a topic was made, and after the leader of the brokers died. */
static void topic_that_was_there_is_asked_for_again(void **state)
{
    Broker       *broker = broker_with_topic("behind", false);
    Arena        *mem = arena_new(0);
    TopicInfo     info;
    PartitionEnds ends;
    Err           err;

    (void)state;
    unknown_metadata = unknown_settings = unknown_ends = 10;
    ok(broker_topic_describe(broker, STR("behind"), mem, &info, &err), &err);
    assert_int_equal(info.spec.partitions, 1);
    ok(broker_topic_ends(broker, STR("behind"), &ends, 1, &err), &err);
    assert_int_equal(unknown_metadata + unknown_settings + unknown_ends, 0);
    arena_free(mem);
    broker_close(broker);
}

static void topic_that_was_deleted_by_others_is_missing(void **state)
{
    Broker       *broker = broker_with_topic("deleted", false);
    Broker       *other = broker_with_topic("deleted", false);
    Arena        *mem = arena_new(0);
    TopicInfo     info;
    PartitionEnds ends;
    time_t        began = time(NULL);
    Err           err;

    (void)state;
    ok(broker_topic_delete(other, STR("deleted"), &err), &err);
    assert_int_not_equal(broker_topic_ends(broker, STR("deleted"), &ends, 1, &err), ERR_OK);
    assert_string_equal(err.msg, "topic \"deleted\" does not exist");
    assert_int_equal(broker_topic_describe(broker, STR("deleted"), mem, &info, &err),
                     ERR_TOPIC_MISSING);
    assert_string_equal(err.msg, "topic \"deleted\" does not exist");
    assert_true(time(NULL) - began < WAIT_MS / 1000);
    arena_free(mem);
    broker_close(other);
    broker_close(broker);
}

static void reader_of_a_topic_that_others_deleted_is_told(void **state)
{
    Broker       *broker = broker_with_topic("read", false);
    Broker       *other = broker_with_topic("unread", false);
    BrokerReader *reader = reader_at(broker, "read", 0);
    Record        record = {.value = STR("v"), .ts = 1700000000000};
    RecordBatch  *batch;
    BrokerHealth  health;
    int64_t       position, end;
    ErrCode       rc = ERR_OK;
    Err           err;

    (void)state;
    ok(broker_produce_wait(broker, STR("read"), 0, &record, &position, &err), &err);
    assert_next(reader, "v");
    ok(broker_topic_delete(other, STR("read"), &err), &err);
    for (int i = 0; i < WAIT_MS && rc == ERR_OK; i++, usleep(1000)) {
        rc = broker_reader_poll(reader, 1, &batch, &position, &end, &err);
        assert_null(batch);
        broker_health(broker, &health);
        assert_true(health.is_healthy);
    }
    assert_int_equal(rc, ERR_TOPIC_MISSING);
    assert_string_equal(err.msg, "topic \"read\" does not exist");
    broker_reader_close(reader);
    broker_close(other);
    broker_close(broker);
}

/* One transaction of a record to the first topic, and many to the second. */
static ErrCode write_to(BrokerTxn *txn, const char *const topics[2], int records, void *owner,
                        Err *err)
{
    char bytes[1001];

    memset(bytes, 'x', sizeof bytes - 1);
    bytes[sizeof bytes - 1] = '\0';
    ok(broker_txn_begin(txn, err), err);
    append(txn, topics[0], "v", owner);
    for (int i = 0; i < records; i++) {
        Chunk *chunk = chunk_new(str_from(topics[1]), 0, owner);
        Record record = {.value = str_from(bytes), .ts = 1700000000000};

        chunk_append(chunk, &record);
        if (broker_txn_append(txn, chunk, err) == ERR_OK)
            continue;
        chunk_free(chunk);
        broker_txn_abort(txn);
        return err->code;
    }
    return broker_txn_commit(txn, NULL, NULL, err);
}

/* librdkafka alone would wait for as long as a transaction may take, when its queue is full, too.
 */
static void deleted_topic_does_not_hold_up_the_others(void **state)
{
    static const char *const topics[] = {"dropped", "kept"};
    static const int         records[] = {1, 400};
    int64_t                  queue_bytes = g_limits.chunk_queue_bytes;

    (void)state;
    g_limits.chunk_queue_bytes = 65536;
    for (int i = 0; i < 2; i++) {
        Broker    *broker = broker_with_topic(topics[0], false);
        Broker    *other = broker_with_topic(topics[1], false);
        BrokerTxn *txn = NULL;
        time_t     began;
        int        query;
        Err        err;

        ok(broker_txn_open(broker, STR("hold"), &txn, &err), &err);
        ok(write_to(txn, topics, 1, &query, &err), &err);
        ok(broker_topic_delete(other, str_from(topics[0]), &err), &err);
        began = time(NULL);
        assert_int_not_equal(write_to(txn, topics, records[i], &query, &err), ERR_OK);
        assert_true(time(NULL) - began <= WAIT_MS / 1000);
        broker_txn_close(txn);
        broker_close(other);
        broker_close(broker);
    }
    g_limits.chunk_queue_bytes = queue_bytes;
}

/* The offset of partition 0 in the group, as another client sees it. */
static int64_t group_offset(rd_kafka_t *rk, const char *topic)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    int64_t                          offset = -1;

    rd_kafka_topic_partition_list_add(list, topic, 0);
    if (rd_kafka_committed(rk, list, WAIT_MS) == RD_KAFKA_RESP_ERR_NO_ERROR)
        offset = list->elems[0].offset;
    rd_kafka_topic_partition_list_destroy(list);
    return offset;
}

static void positions_are_copied_to_a_consumer_group(void **state)
{
    Broker          *broker = broker_with_topic("grouped", false);
    GroupOffset      place = {STR("grouped"), 0, 42};
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_t      *rk;
    int64_t          offset = -1;
    char             why[128];

    (void)state;
    (void)rd_kafka_conf_set(conf, "bootstrap.servers", servers(), why, sizeof why);
    (void)rd_kafka_conf_set(conf, "group.id", "_weir-driver-query_Q", why, sizeof why);
    rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why, sizeof why);
    assert_non_null(rk);
    assert_true(broker_has_groups(broker));
    broker_group_copy(broker, STR("_weir-driver-query_Q"), &place, 1);
    for (int i = 0; i < 100 && offset != 42; i++, usleep(100000))
        offset = group_offset(rk, "grouped");
    assert_int_equal(offset, 42);
    broker_group_delete(broker, STR("_weir-driver-query_Q"));
    for (int i = 0; i < 100 && offset == 42; i++, usleep(100000))
        offset = group_offset(rk, "grouped");
    assert_true(offset < 0);
    rd_kafka_destroy(rk);
    broker_close(broker);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(at_least_once_writes_in_order_without_markers),
        arena_test(readers_of_one_place_share_a_consumer),
        arena_test(first_record_of_a_topic_comes_at_once),
        arena_test(place_that_could_not_be_moved_is_told_and_used_again),
        arena_test(reader_that_holds_back_is_woken_when_the_other_stops),
        arena_test(reader_comes_back_after_its_place_was_lost),
        arena_test(topic_that_was_there_is_asked_for_again),
        arena_test(topic_that_was_deleted_by_others_is_missing),
        arena_test(reader_of_a_topic_that_others_deleted_is_told),
        arena_test(deleted_topic_does_not_hold_up_the_others),
        arena_test(positions_are_copied_to_a_consumer_group),
    };

    if (!servers()) {
        puts("left out: WEIR_TEST_KAFKA is not set");
        return 0;
    }
    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
