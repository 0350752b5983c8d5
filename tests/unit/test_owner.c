/*
 * The owner topic: two servers on one broker, of which the younger one writes.
 */
#include "exec/brokers/broker_local.h"
#include "exec/owner.h"
#include "tests/support/arena_group.h"
#include "tests/support/fault.h"

static const Str common = {"main", 4};
static const Str apart = {"CSAS_A_1", 8};

typedef struct OwnerTest {
    Clock   clock;
    Broker *broker;
    Owner  *older, *younger;
    Err     err;
} OwnerTest;

static void ok(ErrCode rc, const Err *err)
{
    if (rc != ERR_OK)
        fail_msg("%s", err->msg);
}

static void setup(OwnerTest *t)
{
    BrokerLocalOpts opts = {
        .path = ":memory:", .clock = &t->clock, .is_inline = true, .data_bytes_max = -1};

    clock_fake_init(&t->clock, 1000);
    ok(broker_local_open(&opts, &t->broker, &t->err), &t->err);
    ok(owner_open(t->broker, STR("test"), &t->older, &t->err), &t->err);
    ok(owner_open(t->broker, STR("test"), &t->younger, &t->err), &t->err);
}

static void teardown(OwnerTest *t)
{
    owner_close(t->younger);
    owner_close(t->older);
    broker_close(t->broker);
}

static void take_over(OwnerTest *t, Owner *owner)
{
    BrokerTxn *txn = NULL;

    ok(owner_open_common(owner, common, &txn, &t->err), &t->err);
    broker_txn_close(txn);
}

static void open_apart(OwnerTest *t, Owner *owner, BrokerTxn **txn)
{
    ok(owner_open_apart(owner, apart, txn, &t->err), &t->err);
}

typedef struct Latest {
    Str  key;
    Buf  value;
    bool is_there;
} Latest;

static ErrCode note_latest(void *arg, const Record *record, Err *err)
{
    Latest *latest = arg;

    (void)err;
    if (!str_eq(record->key, latest->key))
        return ERR_OK;
    buf_clear(&latest->value);
    buf_str(&latest->value, record->value);
    latest->is_there = record->value.ptr != NULL;
    return ERR_OK;
}

/* Is the group named in the topic? */
static bool is_named(OwnerTest *t)
{
    BrokerRange   range = {.topic = STR("_weir-test-owner")};
    Latest        latest = {.key = STR("group/CSAS_A_1")};
    PartitionEnds ends;

    ok(broker_topic_ends(t->broker, range.topic, &ends, 1, &t->err), &t->err);
    range.end = ends.end;
    ok(broker_read_range(t->broker, &range, note_latest, &latest, NULL, &t->err), &t->err);
    buf_deinit(&latest.value);
    return latest.is_there;
}

static void the_only_server_goes_on(void **state)
{
    OwnerTest t = {0};

    (void)state;
    setup(&t);
    take_over(&t, t.older);
    ok(owner_check(t.older, &t.err), &t.err);
    take_over(&t, t.older); /* a writer that ended is opened anew */
    teardown(&t);
}

static void the_older_server_is_told(void **state)
{
    OwnerTest  t = {0};
    BrokerTxn *txn = NULL;

    (void)state;
    setup(&t);
    take_over(&t, t.older);
    take_over(&t, t.younger);
    ok(owner_check(t.younger, &t.err), &t.err);
    assert_int_equal(owner_check(t.older, &t.err), ERR_BROKER);
    assert_non_null(strstr(t.err.msg, "ksql.service.id"));
    assert_int_equal(owner_open_common(t.older, common, &txn, &t.err), ERR_BROKER);
    assert_int_equal(owner_open_apart(t.older, apart, &txn, &t.err), ERR_BROKER);
    assert_null(txn);
    teardown(&t);
}

static void a_group_is_named_while_it_may_write(void **state)
{
    OwnerTest  t = {0};
    BrokerTxn *txn = NULL;

    (void)state;
    setup(&t);
    take_over(&t, t.older);
    assert_false(is_named(&t));
    open_apart(&t, t.older, &txn);
    assert_true(is_named(&t));
    owner_close_apart(t.older, apart, txn);
    assert_false(is_named(&t));
    teardown(&t);
}

static void taking_over_clears_the_names(void **state)
{
    OwnerTest  t = {0};
    BrokerTxn *txn = NULL;

    (void)state;
    setup(&t);
    take_over(&t, t.older);
    open_apart(&t, t.older, &txn);
    broker_txn_close(txn); /* as a crash leaves it */
    take_over(&t, t.younger);
    assert_false(is_named(&t));
    teardown(&t);
}

static void a_topic_that_was_made_again_is_read_from_its_beginning(void **state)
{
    OwnerTest  t = {0};
    Owner     *third;
    BrokerTxn *txn = NULL;

    (void)state;
    setup(&t);
    take_over(&t, t.older);
    open_apart(&t, t.older, &txn);
    owner_close_apart(t.older, apart, txn);
    ok(broker_topic_delete(t.broker, STR("_weir-test-owner"), &t.err), &t.err);
    assert_int_not_equal(owner_check(t.older, &t.err), ERR_OK);
    ok(owner_open(t.broker, STR("test"), &third, &t.err), &t.err);
    take_over(&t, third);
    assert_int_equal(owner_check(t.older, &t.err), ERR_BROKER);
    owner_close(third);
    teardown(&t);
}

/* The committer asks the positions topic for an epoch's outcome, which nobody has begun here. */
static void a_name_that_may_be_written_is_no_epoch_that_may(void **state)
{
    OwnerTest  t = {0};
    BrokerTxn *txn = NULL;

    (void)state;
    setup(&t);
    take_over(&t, t.older);
    fault_arm(FAULT_TXN_COMMIT, FAULT_LOST, 1);
    assert_int_equal(owner_open_apart(t.older, apart, &txn, &t.err), ERR_BROKER);
    fault_arm(FAULT_TXN_COMMIT, FAULT_DONE, 1);
    assert_int_equal(owner_open_apart(t.older, apart, &txn, &t.err), ERR_BROKER);
    assert_int_equal(t.err.code, ERR_BROKER);
    assert_null(txn);
    open_apart(&t, t.older, &txn);
    owner_close_apart(t.older, apart, txn);
    assert_false(is_named(&t));
    teardown(&t);
}

static void a_topic_that_forgets_who_took_over_is_refused(void **state)
{
    OwnerTest t = {0};
    Owner    *other;
    TopicSpec spec = {.name = STR("_weir-other-owner"),
                      .partitions = 1,
                      .replicas = -1,
                      .retention_ms = 1000,
                      .cleanup = TOPIC_DELETE};

    (void)state;
    setup(&t);
    ok(broker_topic_create(t.broker, &spec, &t.err), &t.err);
    assert_int_equal(owner_open(t.broker, STR("other"), &other, &t.err), ERR_CONFIG);
    assert_non_null(strstr(t.err.hint, "compact"));
    teardown(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_only_server_goes_on),
        cmocka_unit_test(the_older_server_is_told),
        cmocka_unit_test(a_group_is_named_while_it_may_write),
        cmocka_unit_test(taking_over_clears_the_names),
        cmocka_unit_test(a_topic_that_was_made_again_is_read_from_its_beginning),
        cmocka_unit_test(a_name_that_may_be_written_is_no_epoch_that_may),
        cmocka_unit_test(a_topic_that_forgets_who_took_over_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
