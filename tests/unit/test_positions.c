/*
 * The positions topic: staging, settling, moving between groups.
 */
#include "exec/brokers/broker_local.h"
#include "exec/positions.h"
#include "tests/support/arena_group.h"

static const Str main_group = {"main", 4};
static const Str own_group = {"CSAS_A_1", 8};

static Broker *open_broker(Clock *clock)
{
    BrokerLocalOpts opts = {
        .path = ":memory:", .clock = clock, .is_inline = true, .data_bytes_max = -1};
    Broker *broker;
    Err     err;

    clock_fake_init(clock, 1000);
    if (broker_local_open(&opts, &broker, &err) != ERR_OK)
        fail_msg("%s", err.msg);
    return broker;
}

static Positions *open_positions(Broker *broker)
{
    Positions *positions;
    Err        err;

    if (positions_open(broker, STR("test"), &positions, &err) != ERR_OK)
        fail_msg("%s", err.msg);
    return positions;
}

static PositionKey key_of(const char *query_id, uint32_t partition)
{
    return (PositionKey){
        .topic = STR("orders"), .partition = partition, .query_id = str_from(query_id)};
}

static int64_t position_of(Positions *positions, const char *query_id, uint32_t partition)
{
    PositionKey key = key_of(query_id, partition);
    Arena      *mem = arena_new(0);
    Position    position;
    int64_t     offset = positions_get(positions, &key, mem, &position) ? position.offset : -1;

    if (offset >= 0)
        assert_true(str_eq(position.topic_id, STR("id of orders")));
    arena_free(mem);
    return offset;
}

static void stage_in(Positions *positions, Str group, const char *topic_id, const char *query_id,
                     int64_t offset)
{
    PositionKey key = key_of(query_id, 0);

    positions_stage(positions, group, &key, (Position){str_from(topic_id), offset});
}

static void stage(Positions *positions, Str group, const char *query_id, uint32_t partition,
                  int64_t offset)
{
    PositionKey key = key_of(query_id, partition);

    positions_stage(positions, group, &key, (Position){STR("id of orders"), offset});
}

/* What the group has staged becomes durable. */
static void write_chunk(Broker *broker, Positions *positions, Str group)
{
    BrokerTxn *txn;
    Err        err;
    Chunk     *chunk = positions_chunk(positions, group);

    assert_non_null(chunk);
    assert_int_equal(broker_txn_open(broker, group, &txn, &err), ERR_OK);
    assert_int_equal(broker_txn_begin(txn, &err), ERR_OK);
    assert_int_equal(broker_txn_append(txn, chunk, &err), ERR_OK);
    assert_int_equal(broker_txn_commit(txn, NULL, NULL, &err), ERR_OK);
    broker_txn_close(txn);
}

static void commit(Broker *broker, Positions *positions, Str group)
{
    write_chunk(broker, positions, group);
    positions_settle(positions, group);
}

static void settled_positions_are_read_back(void **state)
{
    Clock      clock;
    Broker    *broker = open_broker(&clock);
    Positions *positions = open_positions(broker);

    (void)state;
    stage(positions, main_group, "CSAS_A_1", 0, 5);
    stage(positions, main_group, "CSAS_B_2", 0, 7);
    stage(positions, main_group, "CSAS_A_1", 1, 9);
    assert_int_equal(position_of(positions, "CSAS_A_1", 0), -1);
    commit(broker, positions, main_group);
    stage(positions, main_group, "CSAS_A_1", 0, 6);
    commit(broker, positions, main_group);
    positions_close(positions);

    positions = open_positions(broker);
    assert_int_equal(position_of(positions, "CSAS_A_1", 0), 6);
    assert_int_equal(position_of(positions, "CSAS_B_2", 0), 7);
    assert_int_equal(position_of(positions, "CSAS_A_1", 1), 9);
    assert_int_equal(position_of(positions, "CSAS_C_3", 0), -1);
    positions_close(positions);
    broker_close(broker);
}

static void reverted_positions_are_forgotten(void **state)
{
    Clock      clock;
    Broker    *broker = open_broker(&clock);
    Positions *positions = open_positions(broker);

    (void)state;
    stage(positions, main_group, "CSAS_A_1", 0, 5);
    commit(broker, positions, main_group);
    stage(positions, main_group, "CSAS_A_1", 0, 8);
    stage(positions, main_group, "CSAS_B_2", 0, 8);
    chunk_free(positions_chunk(positions, main_group));
    positions_revert(positions, main_group);
    assert_int_equal(position_of(positions, "CSAS_A_1", 0), 5);
    assert_int_equal(position_of(positions, "CSAS_B_2", 0), -1);
    positions_close(positions);
    broker_close(broker);
}

static void unchanged_positions_are_not_written(void **state)
{
    Clock      clock;
    Broker    *broker = open_broker(&clock);
    Positions *positions = open_positions(broker);

    (void)state;
    stage(positions, main_group, "CSAS_A_1", 0, 5);
    commit(broker, positions, main_group);
    stage(positions, main_group, "CSAS_A_1", 0, 5);
    assert_null(positions_chunk(positions, main_group));
    positions_close(positions);
    broker_close(broker);
}

static void query_that_changes_its_group_keeps_its_position(void **state)
{
    Clock      clock;
    Broker    *broker = open_broker(&clock);
    Positions *positions = open_positions(broker);

    (void)state;
    stage(positions, main_group, "CSAS_A_1", 0, 5);
    stage(positions, main_group, "CSAS_B_2", 0, 5);
    commit(broker, positions, main_group);
    stage(positions, own_group, "CSAS_A_1", 0, 9);
    commit(broker, positions, own_group);
    positions_close(positions);

    /* Listed by both groups now: the higher one counts. */
    positions = open_positions(broker);
    assert_int_equal(position_of(positions, "CSAS_A_1", 0), 9);
    assert_int_equal(position_of(positions, "CSAS_B_2", 0), 5);
    stage(positions, main_group, "CSAS_A_1", 0, 12);
    commit(broker, positions, main_group);
    assert_true(positions_is_dirty(positions, own_group)); /* its record has lost the query */
    positions_close(positions);
    positions = open_positions(broker);
    assert_int_equal(position_of(positions, "CSAS_A_1", 0), 12);
    positions_close(positions);
    broker_close(broker);
}

static void forgotten_query_leaves_the_record(void **state)
{
    Clock      clock;
    Broker    *broker = open_broker(&clock);
    Positions *positions = open_positions(broker);

    (void)state;
    stage(positions, main_group, "CSAS_A_1", 0, 5);
    stage(positions, main_group, "CSAS_B_2", 0, 5);
    commit(broker, positions, main_group);
    positions_forget(positions, STR("CSAS_A_1"));
    assert_true(positions_is_dirty(positions, main_group));
    commit(broker, positions, main_group);
    positions_forget(positions, STR("CSAS_B_2"));
    commit(broker, positions, main_group);
    positions_close(positions);
    positions = open_positions(broker);
    assert_int_equal(position_of(positions, "CSAS_A_1", 0), -1);
    assert_int_equal(position_of(positions, "CSAS_B_2", 0), -1);
    positions_close(positions);
    broker_close(broker);
}

static void queries_that_are_no_more_are_swept(void **state)
{
    Clock      clock;
    Broker    *broker = open_broker(&clock);
    Positions *positions = open_positions(broker);
    Arena     *mem = arena_new(0);
    Map        alive;

    (void)state;
    stage(positions, main_group, "CSAS_A_1", 0, 5);
    stage(positions, main_group, "CSAS_A_1", 1, 6);
    stage(positions, main_group, "CSAS_B_2", 0, 7);
    commit(broker, positions, main_group);
    map_init(&alive, mem);
    map_put(&alive, STR("CSAS_B_2"), mem);
    positions_sweep(positions, &alive);
    commit(broker, positions, main_group);
    positions_close(positions);
    positions = open_positions(broker);
    assert_int_equal(position_of(positions, "CSAS_A_1", 0), -1);
    assert_int_equal(position_of(positions, "CSAS_A_1", 1), -1);
    assert_int_equal(position_of(positions, "CSAS_B_2", 0), 7);
    positions_close(positions);
    broker_close(broker);
    arena_free(mem);
}

static void topic_tells_what_became_of_a_commit(void **state)
{
    Clock      clock;
    Broker    *broker = open_broker(&clock);
    Positions *positions = open_positions(broker);
    bool       was_committed;
    Err        err;

    (void)state;
    stage(positions, main_group, "CSAS_A_1", 0, 5);
    commit(broker, positions, main_group);
    stage(positions, main_group, "CSAS_A_1", 0, 6);
    chunk_free(positions_chunk(positions, main_group));
    assert_int_equal(positions_ask(positions, main_group, &was_committed, &err), ERR_OK);
    assert_false(was_committed);
    positions_revert(positions, main_group);
    stage(positions, main_group, "CSAS_A_1", 0, 7);
    write_chunk(broker, positions, main_group);
    assert_int_equal(positions_ask(positions, main_group, &was_committed, &err), ERR_OK);
    assert_true(was_committed);
    positions_close(positions);
    broker_close(broker);
}

/* The record of the group that it was in stays, with an offset of the topic that is no more. */
static void position_in_a_topic_made_again_overrules_a_higher_one(void **state)
{
    Clock      clock;
    Broker    *broker = open_broker(&clock);
    Positions *positions = open_positions(broker);

    (void)state;
    stage_in(positions, own_group, "id of former orders", "CSAS_A_1", 1000);
    commit(broker, positions, own_group);
    stage_in(positions, main_group, "id of orders", "CSAS_A_1", 3);
    commit(broker, positions, main_group);
    positions_close(positions);

    positions = open_positions(broker);
    assert_int_equal(position_of(positions, "CSAS_A_1", 0), 3);
    positions_close(positions);
    broker_close(broker);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settled_positions_are_read_back),
        cmocka_unit_test(reverted_positions_are_forgotten),
        cmocka_unit_test(unchanged_positions_are_not_written),
        cmocka_unit_test(query_that_changes_its_group_keeps_its_position),
        cmocka_unit_test(forgotten_query_leaves_the_record),
        cmocka_unit_test(queries_that_are_no_more_are_swept),
        cmocka_unit_test(topic_tells_what_became_of_a_commit),
        cmocka_unit_test(position_in_a_topic_made_again_overrules_a_higher_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
