/*
 * test_broker_contract.c -- what every broker driver promises, run against each of them.
 */
#include "exec/broker.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "exec/brokers/broker_local.h"
#include "tests/support/arena_group.h"
#include "tests/support/broker_fixture.h"

/* --- short ways to say things ----------------------------------------------------------------- */

static void make_topic_of(Fixture *f, const char *name, uint32_t partitions, TopicCleanup cleanup,
                          int64_t retention_ms)
{
    TopicSpec spec = {.name = str_from(name),
                      .partitions = partitions,
                      .replicas = -1,
                      .retention_ms = retention_ms,
                      .cleanup = cleanup};

    ok(f, broker_topic_create(f->broker, &spec, &f->err));
}

static void make_topic(Fixture *f, const char *name)
{
    make_topic_of(f, name, 2, TOPIC_DELETE, -1);
}

static Record record_of(const char *key, const char *value, int64_t ts)
{
    return (Record){.key = str_from(key), .value = str_from(value), .ts = ts};
}

static int64_t produce(Fixture *f, const char *topic, uint32_t partition, const char *key,
                       const char *value)
{
    Record  record = record_of(key, value, clock_now_ms(fixture_clock(f)));
    int64_t offset = -1;

    ok(f, broker_produce_wait(f->broker, str_from(topic), partition, &record, &offset, &f->err));
    return offset;
}

static Chunk *chunk_of(const char *topic, uint32_t partition, int first, int count)
{
    Chunk *chunk = chunk_new(str_from(topic), partition, NULL);
    char   text[32];

    for (int i = first; i < first + count; i++) {
        Record record;

        snprintf(text, sizeof text, "%d", i);
        record = record_of(text, text, i + 1);
        chunk_append(chunk, &record);
    }
    return chunk;
}

/* Topics that are not Kafka's own. */
static size_t own_topics(const TopicInfo *infos, size_t len)
{
    size_t count = 0;

    for (size_t i = 0; i < len; i++)
        count += !str_starts(infos[i].spec.name, STR("__"));
    return count;
}

/* All values readable from offset on, as "a b c"; also checks that offsets ascend. */
static Str read_all(Fixture *f, const char *topic, uint32_t partition, int64_t offset)
{
    BrokerReader *reader = reader_at(f, topic, partition, offset);
    Buf           out = buf_in(f->mem);
    int64_t       last = -1, position = 0, end = 0;

    do {
        RecordBatch *batch = NULL;

        poll_some(f, reader, 1 << 20, &batch, &position, &end);
        for (uint32_t i = 0; batch && i < batch->len; i++) {
            const Record *record = &batch->records[i];

            assert_true(record->offset > last);
            last = record->offset;
            if (out.len > 0)
                buf_put(&out, ' ');
            buf_str(&out, record->value.ptr ? record->value : STR("-"));
        }
        if (batch)
            assert_true(batch->next_offset > last && batch->next_offset == position);
        record_batch_unref(batch);
    } while (position < end);
    broker_reader_close(reader);
    return buf_view(&out);
}

static void assert_text(Str got, const char *expected)
{
    if (!str_eq(got, str_from(expected)))
        fail_msg("got \"%.*s\", expected \"%s\"", STR_ARG(got), expected);
}

/* What was committed; a Kafka cluster shows it a moment after it has acknowledged the commit. */
static void assert_readable(Fixture *f, const char *topic, uint32_t partition, const char *expected)
{
    Str got = read_all(f, topic, partition, 0);

    for (int i = 0; i < 500 && f->driver->is_kafka && !str_eq(got, str_from(expected)); i++) {
        usleep(10000);
        got = read_all(f, topic, partition, 0);
    }
    assert_text(got, expected);
}

/* --- topics ----------------------------------------------------------------------------------- */

static void claim_topics_are_listed(Fixture *f)
{
    TopicInfo info, *infos = NULL;
    size_t    len = 0;
    TopicSpec again = {.name = STR("b"), .partitions = 1};

    make_topic_of(f, "b", 3, TOPIC_COMPACT, 5000);
    make_topic(f, "a");
    assert_int_equal(broker_topic_create(f->broker, &again, &f->err), ERR_TOPIC_EXISTS);
    assert_string_equal(f->err.msg, "topic \"b\" already exists");

    ok(f, broker_topic_describe(f->broker, STR("b"), f->mem, &info, &f->err));
    assert_int_equal(info.spec.partitions, 3);
    assert_int_equal(info.spec.cleanup, TOPIC_COMPACT);
    assert_int_equal(info.spec.retention_ms, 5000);
    assert_true(info.record_bytes_max > 0 && info.id.len > 0);
    assert_int_equal(broker_topic_describe(f->broker, STR("c"), f->mem, &info, &f->err),
                     ERR_TOPIC_MISSING);
    ok(f, broker_topics(f->broker, f->mem, &infos, &len, &f->err));
    assert_int_equal(own_topics(infos, len), 2);
    assert_text(infos[len - 2].spec.name, "a"); /* "_" sorts before letters */
    assert_text(infos[len - 1].spec.name, "b");
}

static void claim_bad_topics_are_refused(Fixture *f)
{
    TopicSpec bad_name = {.name = STR("a b"), .partitions = 1};
    TopicSpec no_partitions = {.name = STR("a"), .partitions = 0};
    TopicSpec too_many = {.name = STR("a"), .partitions = 1000000};

    assert_int_equal(broker_topic_create(f->broker, &bad_name, &f->err), ERR_BROKER);
    assert_int_equal(broker_topic_create(f->broker, &no_partitions, &f->err), ERR_BROKER);
    assert_int_equal(broker_topic_create(f->broker, &too_many, &f->err), ERR_BROKER);
}

static void claim_deleting_ends_readers(Fixture *f)
{
    TopicInfo     before, after;
    BrokerReader *reader;
    RecordBatch  *held = NULL, *batch = NULL;
    int64_t       position, end;
    Record        record = record_of("k", "v", 1);

    make_topic(f, "t");
    produce(f, "t", 0, "k", "old");
    ok(f, broker_topic_describe(f->broker, STR("t"), f->mem, &before, &f->err));
    reader = reader_at(f, "t", 0, 0);
    poll_some(f, reader, 1000, &held, &position, &end);

    ok(f, broker_topic_delete(f->broker, STR("t"), &f->err));
    assert_int_equal(broker_reader_poll(reader, 1000, &batch, &position, &end, &f->err),
                     ERR_TOPIC_MISSING);
    assert_int_equal(broker_topic_delete(f->broker, STR("t"), &f->err), ERR_TOPIC_MISSING);
    assert_int_equal(broker_produce_wait(f->broker, STR("t"), 0, &record, NULL, &f->err),
                     ERR_TOPIC_MISSING);

    make_topic(f, "t");
    ok(f, broker_topic_describe(f->broker, STR("t"), f->mem, &after, &f->err));
    assert_false(str_eq(before.id, after.id));
    assert_text(read_all(f, "t", 0, 0), "");
    assert_int_equal(broker_reader_poll(reader, 1000, &batch, &position, &end, &f->err),
                     ERR_TOPIC_MISSING);
    assert_text(held->records[0].value, "old"); /* a batch outlives its topic */
    record_batch_unref(held);
    broker_reader_close(reader);
}

/* --- the plain writer ------------------------------------------------------------------------- */

static void claim_produced_is_read(Fixture *f)
{
    make_topic(f, "t");
    assert_int_equal(produce(f, "t", 0, "a", "1"), 0);
    assert_int_equal(produce(f, "t", 1, "b", "2"), 0);
    assert_int_equal(produce(f, "t", 0, NULL, "3"), 1);
    assert_int_equal(produce(f, "t", 0, "a", NULL), 2);
    assert_text(read_all(f, "t", 0, 0), "1 3 -");
    assert_text(read_all(f, "t", 0, 1), "3 -");
    assert_text(read_all(f, "t", 0, 3), "");
    assert_text(read_all(f, "t", 1, 0), "2");
    assert_true(ends_of(f, "t", 0).begin == 0 && ends_of(f, "t", 0).end == 3);
}

static void claim_record_comes_back_whole(Fixture *f)
{
    Buf           headers = buf_in(f->mem);
    Record        record = {STR("k\0\xff"), STR(""), STR_NULL, 1234567890123, 0};
    RecordBatch  *batch = NULL;
    BrokerReader *reader;
    int64_t       position, end;

    header_append(&headers, STR("h"), STR("v"));
    record.headers = buf_view(&headers);
    make_topic(f, "t");
    ok(f, broker_produce_wait(f->broker, STR("t"), 1, &record, NULL, &f->err));
    reader = reader_at(f, "t", 1, 0);
    poll_some(f, reader, 1, &batch, &position, &end);
    assert_int_equal(batch->len, 1);
    assert_true(str_eq(batch->records[0].key, record.key));
    assert_true(batch->records[0].value.ptr && batch->records[0].value.len == 0);
    assert_true(str_eq(batch->records[0].headers, record.headers));
    assert_true(batch->records[0].ts == record.ts);
    record_batch_unref(batch);
    broker_reader_close(reader);
}

static void claim_bad_produces_are_refused(Fixture *f)
{
    size_t len = 2 << 20;
    Record large = {.value = {arena_bytes(f->mem, len), len}};
    Record record = record_of("k", "v", 1);

    memset((char *)(uintptr_t)large.value.ptr, 'x', len);
    make_topic(f, "t");
    assert_int_equal(broker_produce_wait(f->broker, STR("t"), 0, &large, NULL, &f->err),
                     ERR_RECORD_TOO_LARGE);
    assert_int_equal(broker_produce_wait(f->broker, STR("t"), 2, &record, NULL, &f->err),
                     ERR_BROKER);
    assert_string_equal(f->err.msg, "topic \"t\" has no partition 2");
    assert_int_equal(broker_produce_wait(f->broker, STR("x"), 0, &record, NULL, &f->err),
                     ERR_TOPIC_MISSING);
}

/* --- the commit's writer ---------------------------------------------------------------------- */

typedef struct Settled {
    int     count;
    int64_t base[8];
} Settled;

static void on_settled(void *arg, const Chunk *chunk)
{
    Settled *settled = arg;

    assert_true(chunk->base_offset >= 0 && chunk->bytes.len > 0);
    settled->base[settled->count++ % 8] = chunk->base_offset;
}

static void claim_commit_appears_at_once(Fixture *f)
{
    BrokerTxn *txn = NULL;
    Settled    settled = {0};

    make_topic(f, "t");
    make_topic(f, "u");
    ok(f, broker_txn_open(f->broker, STR("group"), &txn, &f->err));
    ok(f, broker_txn_begin(txn, &f->err));
    ok(f, broker_txn_append(txn, chunk_of("t", 0, 10, 2), &f->err));
    ok(f, broker_txn_append(txn, chunk_of("u", 1, 20, 1), &f->err));
    ok(f, broker_txn_append(txn, chunk_of("t", 0, 12, 1), &f->err));
    assert_text(read_all(f, "t", 0, 0), "");

    if (f->driver->is_kafka) { /* an INSERT there waits for the transaction's end */
        produce(f, "t", 1, "k", "first");
        assert_text(read_all(f, "t", 1, 0), "first");
        ok(f, broker_txn_commit(txn, on_settled, &settled, &f->err));
        assert_true(settled.base[0] == 0 && settled.base[1] == 0 && settled.base[2] == 2);
        assert_readable(f, "t", 0, "10 11 12");
    } else { /* one is readable at once, and the commit comes behind it */
        assert_int_equal(produce(f, "t", 0, "k", "first"), 0);
        assert_text(read_all(f, "t", 0, 0), "first");
        ok(f, broker_txn_commit(txn, on_settled, &settled, &f->err));
        assert_true(settled.base[0] == 1 && settled.base[1] == 0 && settled.base[2] == 3);
        assert_text(read_all(f, "t", 0, 0), "first 10 11 12");
    }
    assert_int_equal(settled.count, 3);
    assert_readable(f, "u", 1, "20");
    broker_txn_close(txn);
}

static void claim_aborted_is_never_read(Fixture *f)
{
    BrokerTxn *txn = NULL;

    make_topic(f, "t");
    ok(f, broker_txn_open(f->broker, STR("group"), &txn, &f->err));
    broker_txn_abort(txn); /* nothing begun */
    ok(f, broker_txn_begin(txn, &f->err));
    ok(f, broker_txn_append(txn, chunk_of("t", 0, 1, 5), &f->err));
    broker_txn_abort(txn);
    ok(f, broker_txn_begin(txn, &f->err));
    ok(f, broker_txn_append(txn, chunk_of("t", 0, 6, 1), &f->err));
    ok(f, broker_txn_commit(txn, NULL, NULL, &f->err));
    ok(f, broker_txn_begin(txn, &f->err));
    ok(f, broker_txn_append(txn, chunk_of("t", 0, 7, 1), &f->err));
    broker_txn_close(txn); /* aborts */
    assert_readable(f, "t", 0, "6");
}

/* Who asks for the end after a commit, to wait for it, must not be told the end before. */
static void claim_ends_count_what_was_committed(Fixture *f)
{
    enum { ROUNDS = 30, TOPICS = 4 };
    static const char *const names[TOPICS] = {"t", "u", "v", "w"};
    BrokerTxn               *txn = NULL;

    for (int i = 0; i < TOPICS; i++)
        make_topic(f, names[i]);
    ok(f, broker_txn_open(f->broker, STR("group"), &txn, &f->err));
    for (int round = 0; round < ROUNDS; round++) {
        Settled settled = {0};

        ok(f, broker_txn_begin(txn, &f->err));
        for (int i = 0; i < TOPICS; i++)
            ok(f, broker_txn_append(txn, chunk_of(names[i], 1, round, 1), &f->err));
        ok(f, broker_txn_commit(txn, on_settled, &settled, &f->err));
        for (int i = TOPICS; i-- > 0;)
            assert_true(ends_of(f, names[i], 1).end > settled.base[i]);
    }
    broker_txn_close(txn);
}

static void claim_empty_commit_is_fine(Fixture *f)
{
    BrokerTxn *txn = NULL;

    ok(f, broker_txn_open(f->broker, STR("group"), &txn, &f->err));
    ok(f, broker_txn_begin(txn, &f->err));
    ok(f, broker_txn_commit(txn, NULL, NULL, &f->err));
    broker_txn_close(txn);
}

static void claim_commit_to_deleted_topic_fails_whole(Fixture *f)
{
    BrokerTxn *txn = NULL;
    Chunk     *late = chunk_of("t", 0, 2, 1);

    make_topic(f, "t");
    make_topic(f, "u");
    ok(f, broker_txn_open(f->broker, STR("group"), &txn, &f->err));
    ok(f, broker_txn_begin(txn, &f->err));
    ok(f, broker_txn_append(txn, chunk_of("u", 0, 1, 1), &f->err));
    ok(f, broker_txn_append(txn, chunk_of("t", 0, 1, 1), &f->err));
    ok(f, broker_topic_delete(f->broker, STR("t"), &f->err));
    assert_int_equal(broker_txn_append(txn, late, &f->err), ERR_TOPIC_MISSING);
    chunk_free(late);
    assert_int_equal(broker_txn_commit(txn, NULL, NULL, &f->err), ERR_TOPIC_MISSING);
    assert_string_equal(f->err.msg, "topic \"t\" does not exist");
    assert_text(read_all(f, "u", 0, 0), "");

    ok(f, broker_txn_begin(txn, &f->err));
    ok(f, broker_txn_append(txn, chunk_of("u", 0, 9, 1), &f->err));
    ok(f, broker_txn_commit(txn, NULL, NULL, &f->err));
    assert_readable(f, "u", 0, "9");
    broker_txn_close(txn);
}

/* Larger than what is written in one go: bytes are staged, and stay invisible. */
static void claim_large_commit_appears_at_once(Fixture *f)
{
    enum { CHUNKS = 100, RECORDS = 1000 };
    BrokerTxn    *txn = NULL;
    BrokerReader *reader;
    int64_t       position = 0, end = 0, count = 0;

    make_topic(f, "t");
    ok(f, broker_txn_open(f->broker, STR("group"), &txn, &f->err));
    for (int round = 0; round < 2; round++) { /* aborted, then committed */
        ok(f, broker_txn_begin(txn, &f->err));
        for (int i = 0; i < CHUNKS; i++)
            ok(f, broker_txn_append(txn, chunk_of("t", 0, i * RECORDS, RECORDS), &f->err));
        if (!f->driver->is_kafka)
            assert_int_equal(ends_of(f, "t", 0).end, round);
        produce(f, "t", f->driver->is_kafka, "k", "-1");
        if (round == 0)
            broker_txn_abort(txn);
        else
            ok(f, broker_txn_commit(txn, NULL, NULL, &f->err));
    }
    broker_txn_close(txn);

    /* On Kafka the end of a transaction, of the aborted one as well, is a record. */
    await_end(f, "t", f->driver->is_kafka ? 2 * (CHUNKS * RECORDS + 1) : CHUNKS * RECORDS);
    reader = reader_at(f, "t", 0, f->driver->is_kafka ? 0 : 2);
    do {
        RecordBatch *batch = NULL;

        poll_some(f, reader, 1 << 18, &batch, &position, &end);
        for (uint32_t i = 0; batch && i < batch->len; i++, count++) {
            if (!f->driver->is_kafka)
                assert_int_equal(batch->records[i].offset, count + 2);
            assert_int_equal(batch->records[i].ts, count + 1);
        }
        record_batch_unref(batch);
    } while (position < end);
    assert_int_equal(count, CHUNKS * RECORDS);
    broker_reader_close(reader);
}

/* --- reading ---------------------------------------------------------------------------------- */

static void on_wake(void *arg)
{
    __atomic_add_fetch((int *)arg, 1, __ATOMIC_RELAXED);
}

static void claim_caught_up_reader_is_woken(Fixture *f)
{
    int           wakes = 0;
    BrokerReader *reader = NULL;
    RecordBatch  *batch = NULL;
    int64_t       position, end;

    make_topic(f, "t");
    ok(f, broker_reader_open(f->broker, STR("t"), 0, 0, (BrokerWake){on_wake, &wakes}, &reader,
                             &f->err));
    ok(f, broker_reader_poll(reader, 1000, &batch, &position, &end, &f->err));
    assert_null(batch);
    assert_true(position == 0 && end == 0);
    produce(f, "t", 1, "k", "elsewhere");
    if (!f->driver->is_kafka)
        assert_int_equal(__atomic_load_n(&wakes, __ATOMIC_RELAXED), 0);
    produce(f, "t", 0, "k", "1");
    for (int i = 0; i < 500 && !__atomic_load_n(&wakes, __ATOMIC_RELAXED); i++)
        usleep(1000);
    if (!f->driver->is_kafka) /* where an end that is reached is news as well */
        assert_int_equal(__atomic_load_n(&wakes, __ATOMIC_RELAXED), 1);
    for (int i = 0; i < 5000 && !batch; i++, usleep(1000))
        ok(f, broker_reader_poll(reader, 1000, &batch, &position, &end, &f->err));
    assert_non_null(batch);
    assert_true(__atomic_load_n(&wakes, __ATOMIC_RELAXED) >= 1);
    assert_int_equal(batch->len, 1);
    assert_true(position == 1 && end == 1);
    record_batch_unref(batch);
    broker_reader_close(reader);
}

static void claim_reader_seeks(Fixture *f)
{
    BrokerReader *reader;
    RecordBatch  *batch = NULL;
    int64_t       position, end;

    make_topic(f, "t");
    for (int i = 0; i < 5; i++)
        produce(f, "t", 0, "k", "v");
    reader = reader_at(f, "t", 0, -5); /* below the beginning is the beginning */
    poll_some(f, reader, 1 << 20, &batch, &position, &end);
    assert_true(batch->records[0].offset == 0 && batch->len == 5 && end == 5);
    record_batch_unref(batch);
    ok(f, broker_reader_seek(reader, 3, &f->err));
    poll_some(f, reader, 1 << 20, &batch, &position, &end);
    assert_true(batch->records[0].offset == 3 && position == 5);
    record_batch_unref(batch);
    broker_reader_close(reader);
    assert_int_equal(
        broker_reader_open(f->broker, STR("t"), 7, 0, (BrokerWake){0}, &reader, &f->err),
        ERR_BROKER);
}

static void claim_polls_are_bounded(Fixture *f)
{
    BrokerTxn    *txn = NULL;
    BrokerReader *reader;
    RecordBatch  *batch = NULL;
    int64_t       position, end;

    make_topic(f, "t");
    ok(f, broker_txn_open(f->broker, STR("group"), &txn, &f->err));
    ok(f, broker_txn_begin(txn, &f->err));
    for (int i = 0; i < 10; i++)
        ok(f, broker_txn_append(txn, chunk_of("t", 0, 0, 100), &f->err));
    ok(f, broker_txn_commit(txn, NULL, NULL, &f->err));
    broker_txn_close(txn);
    /* What a transaction's end is behind of can be read. */
    await_end(f, "t", f->driver->is_kafka ? 1001 : 1000);
    reader = reader_at(f, "t", 0, 0);
    poll_some(f, reader, 1, &batch, &position, &end);
    if (f->driver->is_kafka) {
        assert_int_equal(batch->len, 1);
        assert_true(batch->readable_end > 1000); /* the transaction's marker counts */
    } else {
        assert_int_equal(batch->len, 100); /* a chunk at least, and not much more */
        assert_int_equal(batch->readable_end, 1000);
    }
    assert_int_equal(batch->next_offset, batch->len);
    record_batch_ref(batch);
    record_batch_unref(batch);
    assert_int_equal(batch->records[batch->len - 1].offset, batch->len - 1);
    record_batch_unref(batch);
    broker_reader_close(reader);
}

/* More places of one partition than a driver fetches at a time, some of them slow. */
static void claim_readers_share_a_partition(Fixture *f)
{
    enum { READERS = 9, RECORDS = 20000, APART = 1500 };
    BrokerTxn    *txn = NULL;
    BrokerReader *readers[READERS];
    int64_t       next[READERS], end;
    int           done = 0;

    make_topic(f, "t");
    ok(f, broker_txn_open(f->broker, STR("group"), &txn, &f->err));
    ok(f, broker_txn_begin(txn, &f->err));
    ok(f, broker_txn_append(txn, chunk_of("t", 0, 0, RECORDS), &f->err));
    ok(f, broker_txn_commit(txn, NULL, NULL, &f->err));
    broker_txn_close(txn);
    await_end(f, "t", RECORDS);
    for (int i = 0; i < READERS; i++)
        readers[i] = reader_at(f, "t", 0, next[i] = (int64_t)i * APART);
    for (int round = 0; done < READERS && round < 100000; round++) {
        for (int i = 0; i < READERS; i++) {
            RecordBatch *batch = NULL;

            if (next[i] == RECORDS || round % (i + 1) != 0)
                continue;
            ok(f, broker_reader_poll(readers[i], 4096, &batch, &(int64_t){0}, &end, &f->err));
            for (uint32_t k = 0; batch && k < batch->len; k++, next[i]++)
                assert_true(batch->records[k].offset == next[i] &&
                            batch->records[k].ts == next[i] + 1);
            record_batch_unref(batch);
            done += next[i] == RECORDS;
        }
        if (f->driver->is_kafka)
            usleep(100);
    }
    assert_int_equal(done, READERS);
    for (int i = 0; i < READERS; i++)
        broker_reader_close(readers[i]);
}

/* --- cleaning --------------------------------------------------------------------------------- */

static bool begin_is_2(Fixture *f)
{
    return ends_of(f, "t", 0).begin == 2;
}

static void claim_expired_records_go(Fixture *f)
{
    make_topic_of(f, "t", 1, TOPIC_DELETE, 1500);
    make_topic_of(f, "kept", 1, TOPIC_DELETE, -1);
    produce(f, "t", 0, "k", "1");
    produce(f, "t", 0, "k", "2");
    produce(f, "kept", 0, "k", "1");
    assert_text(read_all(f, "t", 0, 0), "1 2");
    until(f, 1600, begin_is_2);
    assert_text(read_all(f, "t", 0, 0), "");
    assert_int_equal(ends_of(f, "t", 0).end, 2);
    assert_text(read_all(f, "kept", 0, 0), "1");
    assert_int_equal(produce(f, "t", 0, "k", "3"), 2);
    assert_text(read_all(f, "t", 0, 0), "3");
}

static void claim_trimmed_records_go(Fixture *f)
{
    make_topic_of(f, "t", 1, TOPIC_LOG, -1);
    make_topic(f, "u");
    for (int i = 0; i < 5; i++)
        produce(f, "t", 0, "k", "v");
    ok(f, broker_trim(f->broker, STR("t"), 0, 2, &f->err));
    until(f, 0, begin_is_2);
    assert_text(read_all(f, "t", 0, 0), "v v v");
    assert_int_equal(broker_trim(f->broker, STR("u"), 0, 2, &f->err), ERR_BROKER);
}

enum { COMPACT_ROUNDS = 120, COMPACT_KEYS = 100 };

/* Writes the keys 0 .. 99 often enough for a compaction. */
static void fill_compacted(Fixture *f)
{
    BrokerTxn *txn = NULL;

    ok(f, broker_txn_open(f->broker, STR("group"), &txn, &f->err));
    for (int round = 0; round < COMPACT_ROUNDS; round++) {
        ok(f, broker_txn_begin(txn, &f->err));
        ok(f, broker_txn_append(txn, chunk_of("t", 0, 0, COMPACT_KEYS), &f->err));
        ok(f, broker_txn_commit(txn, NULL, NULL, &f->err));
    }
    broker_txn_close(txn);
}

static size_t count_records(Fixture *f)
{
    Str    text = read_all(f, "t", 0, 0);
    size_t count = text.len > 0;

    for (size_t i = 0; i < text.len; i++)
        count += text.ptr[i] == ' ';
    return count;
}

/* What was written after a compaction had begun may still be there. */
static bool has_shrunk(Fixture *f)
{
    return count_records(f) < COMPACT_ROUNDS * COMPACT_KEYS / 2;
}

static bool has_no_tombstone(Fixture *f)
{
    return str_find(read_all(f, "t", 0, 0), STR("-"), 0) < 0;
}

static void claim_compaction_keeps_the_last_of_each_key(Fixture *f)
{
    enum { LAST_ROUND = 3 + (COMPACT_ROUNDS - 1) * COMPACT_KEYS };
    bool          seen[COMPACT_KEYS] = {false};
    RecordBatch  *batch = NULL;
    BrokerReader *reader;
    int64_t       position = 0, end = 0;

    if (f->driver->is_kafka)
        return; /* the cluster compacts, when it likes */
    make_topic_of(f, "t", 1, TOPIC_COMPACT, -1);
    produce(f, "t", 0, NULL, "keyless");
    produce(f, "t", 0, "gone", "x");
    produce(f, "t", 0, "gone", NULL);
    fill_compacted(f);
    until(f, 1000, has_shrunk);

    reader = reader_at(f, "t", 0, 0);
    while (position < end || end == 0) {
        ok(f, broker_reader_poll(reader, 1 << 16, &batch, &position, &end, &f->err));
        for (uint32_t i = 0; batch && i < batch->len; i++) {
            const Record *record = &batch->records[i];
            int64_t       n = 0;

            if (!record->key.ptr || !str_to_i64(record->key, &n))
                continue;
            seen[n] = true;
            /* The last one of the key, at the offset that it had. */
            if (record->offset >= LAST_ROUND)
                assert_int_equal(record->offset, LAST_ROUND + n);
        }
        record_batch_unref(batch);
        batch = NULL;
    }
    broker_reader_close(reader);
    for (int i = 0; i < COMPACT_KEYS; i++)
        assert_true(seen[i]);
    assert_int_equal(ends_of(f, "t", 0).end, LAST_ROUND + COMPACT_KEYS);
    assert_text(str_slice(read_all(f, "t", 0, 0), 0, 7), "keyless");
    until(f, 2000, has_no_tombstone);
}

/* --- space ------------------------------------------------------------------------------------ */

static void claim_full_is_told_and_ends(Fixture *f)
{
    Str     value = {arena_bytes(f->mem, 60000), 60000};
    Record  record = {.value = value};
    ErrCode rc = ERR_OK;
    int     written = 0;

    if (f->driver->is_kafka)
        return; /* weir.data.max.bytes is the embedded broker's */
    broker_close(f->broker);
    f->data_bytes_max = 4 << 20;
    fixture_open(f);
    memset((char *)(uintptr_t)value.ptr, 'x', value.len);
    make_topic(f, "t");
    make_topic(f, "u");
    for (int i = 0; i < 200 && rc == ERR_OK; i++, written += rc == ERR_OK)
        rc = broker_produce_wait(f->broker, STR("t"), 0, &record, NULL, &f->err);
    assert_int_equal(rc, ERR_FULL);
    assert_true(f->err.is_retriable);
    assert_non_null(strstr(f->err.msg, "weir.data.max.bytes"));
    assert_true(written > 30 && written < 80);
    assert_int_equal(ends_of(f, "t", 0).end, written);

    ok(f, broker_topic_delete(f->broker, STR("t"), &f->err));
    for (int i = 0; i < 1000 && rc != ERR_OK; i++) {
        rc = broker_produce_wait(f->broker, STR("u"), 0, &record, NULL, &f->err);
        if (f->driver->is_inline)
            clock_fake_set(&f->clock, clock_now_ms(&f->clock) + 1000);
        else
            usleep(5000);
        broker_step(f->broker);
    }
    ok(f, rc);
}

/* --- files ------------------------------------------------------------------------------------ */

static void claim_records_survive_a_restart(Fixture *f)
{
    BrokerTxn *txn = NULL;
    TopicInfo  before, after;

    if (!f->driver->is_file && !f->driver->is_kafka)
        return;
    make_topic_of(f, "t", 2, TOPIC_COMPACT, 77);
    make_topic(f, "gone");
    produce(f, "gone", 0, "k", "v");
    ok(f, broker_txn_open(f->broker, STR("group"), &txn, &f->err));
    ok(f, broker_txn_begin(txn, &f->err));
    ok(f, broker_txn_append(txn, chunk_of("t", 1, 1, 3), &f->err));
    ok(f, broker_txn_commit(txn, NULL, NULL, &f->err));
    broker_txn_close(txn);
    produce(f, "t", 1, "k", "4");
    ok(f, broker_topic_delete(f->broker, STR("gone"), &f->err));
    ok(f, broker_topic_describe(f->broker, STR("t"), f->mem, &before, &f->err));

    fixture_reopen(f);
    ok(f, broker_topic_describe(f->broker, STR("t"), f->mem, &after, &f->err));
    assert_true(str_eq(before.id, after.id));
    assert_int_equal(after.spec.cleanup, TOPIC_COMPACT);
    assert_int_equal(after.spec.retention_ms, 77);
    assert_readable(f, "t", 1, "1 2 3 4");
    assert_text(read_all(f, "t", 1, 2), "3 4");
    assert_int_equal(produce(f, "t", 1, "k", "5"), f->driver->is_kafka ? 5 : 4);
    assert_text(read_all(f, "t", 1, 3), "4 5"); /* from the file, then from memory */
    assert_int_equal(broker_topic_describe(f->broker, STR("gone"), f->mem, &after, &f->err),
                     ERR_TOPIC_MISSING);
}

static void claim_file_has_one_server(Fixture *f)
{
    BrokerLocalOpts opts = {.path = f->path, .clock = clock_system(), .data_bytes_max = -1};
    Broker         *second = NULL;

    if (!f->driver->is_file)
        return;
    assert_int_equal(broker_local_open(&opts, &second, &f->err), ERR_IO);
    assert_non_null(strstr(f->err.msg, "in use by another server"));
}

static void claim_file_that_is_none_is_refused(Fixture *f)
{
    BrokerLocalOpts opts = {.path = f->path, .clock = clock_system(), .data_bytes_max = -1};
    Broker         *second = NULL;
    FILE           *file;

    if (!f->driver->is_file)
        return;
    broker_close(f->broker);
    file = fopen(f->path, "w");
    for (int i = 0; i < 1000; i++)
        fputs("this is no database ", file);
    fclose(file);
    assert_int_equal(broker_local_open(&opts, &second, &f->err), ERR_IO);
    /* Beside the lock file, which tells that there was a broker, it would be missed. */
    unlink(f->path);
    unlink(str_to_c(f->mem, str_printf(f->mem, "%s.lock", f->path)));
    fixture_open(f);
}

/* --- threads ---------------------------------------------------------------------------------- */

enum { PRODUCERS = 4, PRODUCES = 300, COMMITS = 40, COMMIT_RECORDS = 50 };

typedef struct Worker {
    Fixture *f;
    int      id;
    int64_t  seen; /* reader: records; producer: the last offset */
} Worker;

/* A claim broken in a thread, where cmocka's asserts are of no use. */
static void broken(const char *what, const Err *err)
{
    fprintf(stderr, "%s: %s\n", what, err ? err->msg : "the claim does not hold");
    abort();
}

static void *run_producer(void *arg)
{
    Worker *worker = arg;
    char    key[16];
    Err     err;

    snprintf(key, sizeof key, "p%d", worker->id);
    worker->seen = -1;
    for (int i = 0; i < PRODUCES; i++) {
        Record  record = record_of(key, "v", i + 1);
        int64_t offset = -1;

        if (broker_produce_wait(worker->f->broker, STR("t"), 0, &record, &offset, &err) != ERR_OK)
            broken("produce", &err);
        if (offset <= worker->seen && !worker->f->driver->is_kafka) /* see broker_produce_wait() */
            broken("produced offsets do not rise", NULL);
        worker->seen = offset;
    }
    return NULL;
}

static void *run_committer(void *arg)
{
    Worker    *worker = arg;
    BrokerTxn *txn = NULL;
    Err        err;

    if (broker_txn_open(worker->f->broker, STR("group"), &txn, &err) != ERR_OK)
        broken("open a transaction", &err);
    for (int i = 0; i < COMMITS; i++) {
        if (broker_txn_begin(txn, &err) != ERR_OK ||
            broker_txn_append(txn, chunk_of("t", 0, i * COMMIT_RECORDS, COMMIT_RECORDS), &err) ||
            broker_txn_append(txn, chunk_of("t", 1, 0, 1), &err) ||
            broker_txn_commit(txn, NULL, NULL, &err) != ERR_OK)
            broken("commit", &err);
    }
    broker_txn_close(txn);
    return NULL;
}

typedef struct WakeFlag {
    pthread_mutex_t mutex;
    pthread_cond_t  cond;
    bool            is_set;
} WakeFlag;

static void wake_flag_set(void *arg)
{
    WakeFlag *flag = arg;

    pthread_mutex_lock(&flag->mutex);
    flag->is_set = true;
    pthread_cond_signal(&flag->cond);
    pthread_mutex_unlock(&flag->mutex);
}

static void wake_flag_wait(WakeFlag *flag)
{
    pthread_mutex_lock(&flag->mutex);
    while (!flag->is_set)
        pthread_cond_wait(&flag->cond, &flag->mutex);
    flag->is_set = false;
    pthread_mutex_unlock(&flag->mutex);
}

/* Reads partition 0 to the expected end by wakes alone, and checks the order of each writer. */
static void *run_reader(void *arg)
{
    Worker       *worker = arg;
    WakeFlag      flag = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false};
    BrokerReader *reader = NULL;
    int64_t       next[PRODUCERS + 1] = {0}, seen = 0, last = -1, position, end;
    bool          has_gaps = worker->f->driver->is_kafka;
    Err           err;

    if (broker_reader_open(worker->f->broker, STR("t"), 0, 0, (BrokerWake){wake_flag_set, &flag},
                           &reader, &err) != ERR_OK)
        broken("open a reader", &err);
    while (seen < PRODUCERS * PRODUCES + COMMITS * COMMIT_RECORDS) {
        RecordBatch *batch = NULL;

        if (broker_reader_poll(reader, 4096, &batch, &position, &end, &err) != ERR_OK)
            broken("poll", &err);
        for (uint32_t i = 0; batch && i < batch->len; i++) {
            const Record *record = &batch->records[i];
            bool          is_produce = record->key.ptr[0] == 'p';
            int           writer = is_produce ? record->key.ptr[1] - '0' : PRODUCERS;

            if (record->offset <= last || (!has_gaps && record->offset != last + 1) ||
                record->ts != ++next[writer])
                broken("records out of order", NULL);
            last = record->offset;
            seen++;
        }
        if (!batch)
            wake_flag_wait(&flag);
        record_batch_unref(batch);
    }
    broker_reader_close(reader);
    worker->seen = seen;
    return NULL;
}

static void claim_threads_agree(Fixture *f)
{
    enum { READERS = 3, ALL = PRODUCERS + READERS + 1 };
    pthread_t threads[ALL];
    Worker    workers[ALL];

    if (f->driver->is_inline)
        return;
    make_topic(f, "t");
    for (int i = 0; i < ALL; i++) {
        void *(*run)(void *) = i < PRODUCERS             ? run_producer
                               : i < PRODUCERS + READERS ? run_reader
                                                         : run_committer;

        workers[i] = (Worker){f, i, 0};
        assert_int_equal(pthread_create(&threads[i], NULL, run, &workers[i]), 0);
    }
    for (int i = 0; i < ALL; i++)
        pthread_join(threads[i], NULL);
    if (!f->driver->is_kafka)
        assert_int_equal(ends_of(f, "t", 1).end, COMMITS);
}

static void count_ack(void *arg, ErrCode rc, int64_t offset, const Err *err)
{
    (void)err;
    if (rc == ERR_OK && offset >= 0)
        __atomic_add_fetch((int *)arg, 1, __ATOMIC_RELAXED);
}

static void claim_closing_acks_what_waits(Fixture *f)
{
    int    acks = 0;
    Record record = record_of("k", "v", 1);

    make_topic(f, "t");
    for (int i = 0; i < 500; i++)
        ok(f, broker_produce(f->broker, STR("t"), 0, &record, count_ack, &acks, &f->err));
    broker_close(f->broker);
    assert_int_equal(acks, 500);
    fixture_open(f);
    if (f->driver->is_file)
        assert_int_equal(ends_of(f, "t", 0).end, 500);
}

/* --- the claims as tests ---------------------------------------------------------------------- */

#define CLAIMS(X)                                                                                  \
    X(topics_are_listed)                                                                           \
    X(bad_topics_are_refused)                                                                      \
    X(deleting_ends_readers)                                                                       \
    X(produced_is_read)                                                                            \
    X(record_comes_back_whole)                                                                     \
    X(bad_produces_are_refused)                                                                    \
    X(commit_appears_at_once)                                                                      \
    X(aborted_is_never_read)                                                                       \
    X(ends_count_what_was_committed)                                                               \
    X(empty_commit_is_fine)                                                                        \
    X(commit_to_deleted_topic_fails_whole)                                                         \
    X(large_commit_appears_at_once)                                                                \
    X(caught_up_reader_is_woken)                                                                   \
    X(reader_seeks)                                                                                \
    X(polls_are_bounded)                                                                           \
    X(readers_share_a_partition)                                                                   \
    X(expired_records_go)                                                                          \
    X(trimmed_records_go)                                                                          \
    X(compaction_keeps_the_last_of_each_key)                                                       \
    X(full_is_told_and_ends)                                                                       \
    X(records_survive_a_restart)                                                                   \
    X(file_has_one_server)                                                                         \
    X(file_that_is_none_is_refused)                                                                \
    X(threads_agree)                                                                               \
    X(closing_acks_what_waits)

#define CLAIM_TEST(name)                                                                           \
    static void broker_##name(void **state)                                                        \
    {                                                                                              \
        each_driver(state, claim_##name);                                                          \
    }
CLAIMS(CLAIM_TEST)

int main(void)
{
#define CLAIM_ROW(name) arena_test(broker_##name),
    const struct CMUnitTest tests[] = {CLAIMS(CLAIM_ROW)};
    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
