/*
 * State changes as records: written, read back, trimmed.
 */
#include "exec/brokers/broker_local.h"
#include "exec/changelog.h"
#include "tests/support/arena_group.h"

typedef struct Seen {
    Arena *mem;
    Buf    text;
} Seen;

static ErrCode note(void *arg, uint32_t store, Str key, Str value, Err *err)
{
    Seen *seen = arg;

    (void)err;
    buf_printf(&seen->text, "%u:%.*s=%.*s ", store, STR_ARG(key),
               STR_ARG(value.ptr ? value : STR("gone")));
    return ERR_OK;
}

static ErrCode refuse(void *arg, uint32_t store, Str key, Str value, Err *err)
{
    (void)arg;
    (void)store;
    (void)key;
    (void)value;
    return err_set(err, ERR_STATE, "no");
}

static Broker *open_broker(Clock *clock, Str topic)
{
    BrokerLocalOpts opts = {
        .path = ":memory:", .clock = clock, .is_inline = true, .data_bytes_max = -1};
    Broker *broker;
    Err     err;

    clock_fake_init(clock, 1000);
    assert_int_equal(broker_local_open(&opts, &broker, &err), ERR_OK);
    assert_int_equal(changelog_create(broker, topic, 2, &err), ERR_OK);
    assert_int_equal(changelog_create(broker, topic, 2, &err),
                     ERR_OK); /* one that exists is fine */
    return broker;
}

static void write_changes(Broker *broker, Str topic, uint32_t partition)
{
    ChunkList       chunks = {0};
    ChangelogWriter writer = {.topic = topic, .partition = partition, .out = &chunks};
    BrokerTxn      *txn;
    Chunk          *chunk;
    Err             err;

    changelog_put(&writer, 0, STR("a"), STR("1"));
    changelog_put(&writer, 300, STR("b"), STR(""));
    changelog_put(&writer, 0, STR("a"), STR_NULL);
    assert_true(chunks.bytes > 0);
    assert_int_equal(broker_txn_open(broker, STR("main"), &txn, &err), ERR_OK);
    assert_int_equal(broker_txn_begin(txn, &err), ERR_OK);
    while ((chunk = chunk_list_take(&chunks)))
        assert_int_equal(broker_txn_append(txn, chunk, &err), ERR_OK);
    assert_int_equal(broker_txn_commit(txn, NULL, NULL, &err), ERR_OK);
    broker_txn_close(txn);
    buf_deinit(&writer.key);
}

static void changes_are_replayed_in_order(void **state)
{
    Arena  *mem = test_arena(state);
    Clock   clock;
    Str     topic = changelog_topic(mem, STR("svc"), STR("CTAS_A_1"));
    Broker *broker = open_broker(&clock, topic);
    Seen    seen = {.mem = mem, .text = buf_in(mem)};
    int64_t next;
    Err     err;

    assert_true(str_eq(topic, STR("_weir-svc-CTAS_A_1-changelog")));
    write_changes(broker, topic, 1);
    assert_int_equal(changelog_replay(broker, topic, 1, 0, note, &seen, &next, &err), ERR_OK);
    assert_true(str_eq(buf_view(&seen.text), STR("0:a=1 300:b= 0:a=gone ")));
    assert_int_equal(next, 3);
    buf_clear(&seen.text);
    assert_int_equal(changelog_replay(broker, topic, 1, 2, note, &seen, &next, &err), ERR_OK);
    assert_true(str_eq(buf_view(&seen.text), STR("0:a=gone ")));
    buf_clear(&seen.text);
    assert_int_equal(changelog_replay(broker, topic, 0, 0, note, &seen, &next, &err), ERR_OK);
    assert_int_equal(seen.text.len, 0);
    assert_int_equal(next, 0);
    broker_close(broker);
}

static void replay_tells_what_the_visitor_refused(void **state)
{
    Clock   clock;
    Str     topic = changelog_topic(test_arena(state), STR("svc"), STR("Q"));
    Broker *broker = open_broker(&clock, topic);
    int64_t next = -5;
    Err     err;

    write_changes(broker, topic, 0);
    assert_int_equal(changelog_replay(broker, topic, 0, 0, refuse, NULL, &next, &err), ERR_STATE);
    assert_int_equal(next, -5);
    broker_close(broker);
}

static void state_ahead_of_the_changelog_is_refused(void **state)
{
    Clock   clock;
    Str     topic = changelog_topic(test_arena(state), STR("svc"), STR("Q"));
    Broker *broker = open_broker(&clock, topic);
    int64_t next;
    Err     err;

    write_changes(broker, topic, 0);
    assert_int_equal(changelog_replay(broker, topic, 0, 9, note, NULL, &next, &err), ERR_STATE);
    assert_string_equal(err.msg, "changelog \"_weir-svc-Q-changelog\" ends at 3, state is at 9");
    broker_close(broker);
}

static void keys_that_nobody_wrote_are_refused(void **state)
{
    uint32_t store;
    Str      key;

    (void)state;
    assert_false(changelog_parse_key(STR_NULL, &store, &key));
    assert_false(changelog_parse_key(STR(""), &store, &key));
    assert_false(changelog_parse_key(STR("\xff\xff\xff\xff\xff\xff\x01"), &store, &key));
    assert_true(changelog_parse_key(STR("\x05"), &store, &key));
    assert_int_equal(store, 5);
    assert_int_equal(key.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(changes_are_replayed_in_order),
        arena_test(replay_tells_what_the_visitor_refused),
        arena_test(state_ahead_of_the_changelog_is_refused),
        arena_test(keys_that_nobody_wrote_are_refused),
    };
    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
