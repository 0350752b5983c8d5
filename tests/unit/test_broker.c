/* What the interface itself does, over a driver made up here. */
#include "exec/broker.h"

#include <pthread.h>

#include "common/limit.h"
#include "tests/support/arena_group.h"

/* A driver that acknowledges on a thread of its own, with the answer given. */
typedef struct Fake {
    Broker    base; /* must be first */
    pthread_t thread;
    ErrCode   rc;
    int64_t   offset;
    BrokerAck ack;
    void     *arg;
    bool      is_refused;
} Fake;

static void *fake_ack(void *arg)
{
    Fake *fake = arg;
    Err   err;

    if (fake->rc != ERR_OK)
        err_set(&err, fake->rc, "the disk is full");
    fake->ack(fake->arg, fake->rc, fake->offset, &err);
    return NULL;
}

static ErrCode fake_produce(Broker *broker, Str topic, uint32_t partition, const Record *record,
                            BrokerAck ack, void *arg, Err *err)
{
    Fake *fake = (Fake *)broker;

    (void)topic, (void)partition, (void)record;
    if (fake->is_refused)
        return err_set(err, ERR_BUSY, "too many wait");
    fake->ack = ack;
    fake->arg = arg;
    return pthread_create(&fake->thread, NULL, fake_ack, fake) == 0 ? ERR_OK : ERR_IO;
}

static ErrCode fake_ends(Broker *broker, Str topic, PartitionEnds *ends, uint32_t len, Err *err)
{
    (void)broker, (void)topic, (void)err;
    for (uint32_t i = 0; i < len; i++)
        ends[i] = (PartitionEnds){.begin = 0, .end = 100 + i};
    return ERR_OK;
}

static const BrokerClass fake_class = {
    .name = "fake", .produce = fake_produce, .topic_ends = fake_ends};

static void produce_wait_gives_the_offset_of_the_ack(void **state)
{
    Fake    fake = {.base = {.cls = &fake_class}, .rc = ERR_OK, .offset = 42};
    Record  record = {.ts = 1};
    int64_t offset = -1;
    Err     err;

    (void)state;
    assert_int_equal(broker_produce_wait(&fake.base, STR("t"), 0, &record, &offset, &err), ERR_OK);
    assert_int_equal(offset, 42);
    pthread_join(fake.thread, NULL);
}

/* As Kafka does when a record had to be sent twice. */
static void produce_wait_looks_where_the_record_is_when_the_ack_does_not_know(void **state)
{
    Fake    fake = {.base = {.cls = &fake_class}, .rc = ERR_OK, .offset = -1001};
    Record  record = {.ts = 1};
    int64_t offset = -1;
    Err     err;

    (void)state;
    assert_int_equal(broker_produce_wait(&fake.base, STR("t"), 2, &record, &offset, &err), ERR_OK);
    assert_int_equal(offset, 101);
    pthread_join(fake.thread, NULL);
}

static void produce_wait_gives_the_error_of_the_ack(void **state)
{
    Fake    fake = {.base = {.cls = &fake_class}, .rc = ERR_FULL, .offset = -1};
    Record  record = {.ts = 1};
    int64_t offset = 7;
    Err     err;

    (void)state;
    assert_int_equal(broker_produce_wait(&fake.base, STR("t"), 0, &record, &offset, &err),
                     ERR_FULL);
    assert_string_equal(err.msg, "the disk is full");
    assert_int_equal(offset, 7);
    pthread_join(fake.thread, NULL);
}

static void produce_wait_that_is_refused_does_not_wait(void **state)
{
    Fake   fake = {.base = {.cls = &fake_class}, .is_refused = true};
    Record record = {.ts = 1};
    Err    err;

    (void)state;
    assert_int_equal(broker_produce_wait(&fake.base, STR("t"), 0, &record, NULL, &err), ERR_BUSY);
}

/* A reader with one record, which comes after it was asked for the first time. */
typedef struct FakeReader {
    BrokerReader base; /* must be first */
    BrokerWake   wake;
    pthread_t    thread;
    bool         has_thread;
    int          polls;
    Record       record;
    RecordBatch  batch;
} FakeReader;

static FakeReader fake_reader;
static bool       is_silent;

static void fake_release(RecordBatch *batch)
{
    (void)batch;
}

static void *fake_wake(void *arg)
{
    FakeReader *reader = arg;

    reader->wake.wake(reader->wake.arg);
    return NULL;
}

static ErrCode fake_reader_open(Broker *broker, Str topic, uint32_t partition, int64_t offset,
                                BrokerWake wake, BrokerReader **out, Err *err)
{
    (void)topic, (void)partition, (void)offset, (void)err;
    fake_reader = (FakeReader){.base = {broker->cls}, .wake = wake, .record = {.ts = 5}};
    *out = &fake_reader.base;
    return ERR_OK;
}

static ErrCode fake_reader_poll(BrokerReader *self, size_t bytes_max, RecordBatch **out,
                                int64_t *position, int64_t *readable_end, Err *err)
{
    FakeReader *reader = (FakeReader *)self;

    (void)bytes_max, (void)err;
    *out = NULL;
    *readable_end = 1;
    reader->polls++;
    if (is_silent)
        return ERR_OK;
    if (reader->polls == 1) {
        reader->has_thread = pthread_create(&reader->thread, NULL, fake_wake, reader) == 0;
        return ERR_OK;
    }
    reader->batch =
        (RecordBatch){.records = &reader->record, .len = 1, .refs = 1, .release = fake_release};
    *out = &reader->batch;
    *position = 1;
    return ERR_OK;
}

static void fake_reader_close(BrokerReader *self)
{
    FakeReader *reader = (FakeReader *)self;

    if (reader->has_thread)
        pthread_join(reader->thread, NULL);
}

static const BrokerClass fake_reading = {.name = "fake",
                                         .reader_open = fake_reader_open,
                                         .reader_poll = fake_reader_poll,
                                         .reader_close = fake_reader_close};

static ErrCode count_record(void *arg, const Record *record, Err *err)
{
    (void)err;
    assert_int_equal(record->ts, 5);
    ++*(int *)arg;
    return ERR_OK;
}

static void a_range_is_read_as_its_records_come(void **state)
{
    Broker      broker = {.cls = &fake_reading};
    BrokerRange range = {.topic = STR("t"), .end = 1};
    int         count = 0;
    int64_t     next;
    Err         err;

    (void)state;
    is_silent = false;
    assert_int_equal(broker_read_range(&broker, &range, count_record, &count, &next, &err), ERR_OK);
    assert_int_equal(count, 1);
    assert_int_equal(next, 1);
    assert_int_equal(fake_reader.polls, 2);
}

static void a_range_that_does_not_come_is_given_up_by_name(void **state)
{
    Broker      broker = {.cls = &fake_reading};
    BrokerRange range = {.topic = STR("t"), .end = 1};
    int64_t     silence_ms = g_limits.broker_silence_ms;
    int         count = 0;
    Err         err;

    (void)state;
    is_silent = true;
    g_limits.broker_silence_ms = 20;
    assert_int_equal(broker_read_range(&broker, &range, count_record, &count, NULL, &err),
                     ERR_BROKER);
    g_limits.broker_silence_ms = silence_ms;
    assert_string_equal(err.msg,
                        "could not read topic \"t\": nothing came for 20 ms at offset 0 of 1");
    assert_true(err.is_retriable);
    assert_int_equal(fake_reader.polls, 2); /* it does not ask again and again */
}

/* The second look says so. */
static bool cancel_later(void *arg)
{
    return ++*(int *)arg == 2;
}

static void ignore_health(void *arg, const BrokerHealth *health)
{
    (void)arg, (void)health;
}

static void a_range_that_does_not_come_can_be_cancelled(void **state)
{
    int         looks = 0, count = 0;
    BrokerWatch watch = {ignore_health, cancel_later, &looks, false};
    Broker      broker = {.cls = &fake_reading, .watch = &watch};
    BrokerRange range = {.topic = STR("t"), .end = 1};
    Err         err;

    (void)state;
    is_silent = true;
    assert_int_equal(broker_read_range(&broker, &range, count_record, &count, NULL, &err),
                     ERR_CANCELLED);
    assert_string_equal(err.msg, "reading topic \"t\" was cancelled");
    assert_int_equal(looks, 2);
}

static int releases;

static void on_release(RecordBatch *batch)
{
    (void)batch;
    releases++;
}

static void batch_is_released_by_its_last_holder(void **state)
{
    RecordBatch batch = {.refs = 1, .release = on_release};

    (void)state;
    releases = 0;
    record_batch_ref(&batch);
    record_batch_unref(&batch);
    assert_int_equal(releases, 0);
    record_batch_unref(&batch);
    assert_int_equal(releases, 1);
    record_batch_unref(NULL);
}

static void closing_nothing_is_fine(void **state)
{
    (void)state;
    broker_reader_close(NULL);
    broker_txn_close(NULL);
    broker_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(produce_wait_gives_the_offset_of_the_ack),
        arena_test(produce_wait_looks_where_the_record_is_when_the_ack_does_not_know),
        arena_test(produce_wait_gives_the_error_of_the_ack),
        arena_test(produce_wait_that_is_refused_does_not_wait),
        arena_test(a_range_is_read_as_its_records_come),
        arena_test(a_range_that_does_not_come_is_given_up_by_name),
        arena_test(a_range_that_does_not_come_can_be_cancelled),
        arena_test(batch_is_released_by_its_last_holder),
        arena_test(closing_nothing_is_fine),
    };
    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
