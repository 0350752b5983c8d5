/* What the interface itself does, over a driver made up here. */
#include "exec/broker.h"

#include <pthread.h>

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

static const BrokerClass fake_class = {.name = "fake", .produce = fake_produce};

static void produce_wait_gives_the_offset_of_the_ack(void **state)
{
    Fake    fake = {.base = {&fake_class}, .rc = ERR_OK, .offset = 42};
    Record  record = {.ts = 1};
    int64_t offset = -1;
    Err     err;

    (void)state;
    assert_int_equal(broker_produce_wait(&fake.base, STR("t"), 0, &record, &offset, &err), ERR_OK);
    assert_int_equal(offset, 42);
    pthread_join(fake.thread, NULL);
}

static void produce_wait_gives_the_error_of_the_ack(void **state)
{
    Fake    fake = {.base = {&fake_class}, .rc = ERR_FULL, .offset = -1};
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
    Fake   fake = {.base = {&fake_class}, .is_refused = true};
    Record record = {.ts = 1};
    Err    err;

    (void)state;
    assert_int_equal(broker_produce_wait(&fake.base, STR("t"), 0, &record, NULL, &err), ERR_BUSY);
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
        arena_test(produce_wait_gives_the_error_of_the_ack),
        arena_test(produce_wait_that_is_refused_does_not_wait),
        arena_test(batch_is_released_by_its_last_holder),
        arena_test(closing_nothing_is_fine),
    };
    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
