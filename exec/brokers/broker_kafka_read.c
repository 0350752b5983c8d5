/*
 * broker_kafka_read.c -- readers: the places of queries in partitions, and which feed each is on.
 *
 * A reader joins the first of these:
 *
 *     a feed whose window has what it needs next
 *     a feed that is a little behind: the reader waits until it gets there
 *     a feed of its own, on a consumer that does not read the partition yet
 *     a feed that is behind, however far
 *     the feed that is furthest behind, which reads again from the reader's place on
 *
 * So every reader advances, at most KAFKA_SLOTS places are fetched, and readers that catch up join
 * those that have: a reader changes to a feed of a lower slot as soon as that one has what it
 * needs.  Readers that are in front of their feed skip what they have.  While they do they fetch
 * only as much as the window holds, so that those behind them get it; but a reader that has not
 * polled for a moment is left behind, so that nobody waits for ever: who holds back is woken now
 * and then, as librdkafka does not call back while its queue has something.
 *
 * Reading never waits.  When something comes into a feed's empty queue librdkafka calls back, and
 * all of its readers that had found nothing are woken.
 */
#include "exec/brokers/broker_kafka_feed.h"

#include <assert.h>

enum {
    NEAR_RECORDS = 10000, /* a feed that is so far behind is waited for */
    ROUNDS_MAX = 16,      /* fetches of one poll that has to skip */
    ALIVE_MS = 300        /* a reader that polled so recently is waited for by those who skip */
};

/* Part of a batch, for a reader that had the rest already. */
typedef struct KafkaSlice {
    RecordBatch base;
    KafkaBatch *of;
} KafkaSlice;

/* --- parts ------------------------------------------------------------------------------------ */

static Str part_key(Arena *mem, Str topic, uint32_t partition)
{
    return str_printf(mem, "%.*s/%u", STR_ARG(topic), partition);
}

static KafkaPart *part_new(KafkaBroker *broker, Str topic, uint32_t partition, Str key)
{
    KafkaPart *part = MEM_NEW(KafkaPart);
    Buf        name = {0}, copy = {0};

    buf_str(&name, topic);
    buf_put(&name, '\0');
    buf_str(&copy, key);
    part->broker = broker;
    part->topic = name.ptr;
    part->key = buf_view(&copy);
    part->partition = partition;
    pthread_mutex_init(&part->lock, NULL);
    pthread_mutex_init(&part->wake_lock, NULL);
    return part;
}

static void part_free(KafkaPart *part)
{
    assert(part->feeds_len == 0); /* librdkafka would still call them */
    pthread_mutex_destroy(&part->wake_lock);
    pthread_mutex_destroy(&part->lock);
    mem_free((char *)(uintptr_t)part->key.ptr);
    mem_free(part->topic);
    mem_free(part);
}

static KafkaPart *part_locked(KafkaBroker *broker, Str topic, uint32_t partition)
{
    Arena     *mem = arena_new(0);
    Str        key = part_key(mem, topic, partition);
    KafkaPart *part = map_get(&broker->parts, key);

    if (!part) {
        part = part_new(broker, topic, partition, key);
        map_put(&broker->parts, part->key, part);
    }
    arena_free(mem);
    return part;
}

/* The last reader has gone. */
static void part_drop_locked(KafkaPart *part)
{
    if (!part->is_gone)
        (void)map_remove(&part->broker->parts, part->key);
    part_free(part);
}

/* --- joining feeds ---------------------------------------------------------------------------- */

/* A feed with what the reader needs next, other than its own. */
static KafkaFeed *covering_feed(const KafkaReader *reader)
{
    const KafkaPart *part = reader->part;
    uint32_t         slots_len = reader->feed ? reader->feed->slot : KAFKA_SLOTS;

    for (uint32_t slot = 0; slot < slots_len; slot++) {
        if (part->feeds[slot] && kafka_feed_covers(part->feeds[slot], reader->position))
            return part->feeds[slot];
    }
    return NULL;
}

/* The nearest feed behind the reader, at most so many records; NULL: none. */
static KafkaFeed *feed_behind(const KafkaReader *reader, int64_t records_max)
{
    KafkaFeed *nearest = NULL;

    for (uint32_t slot = 0; slot < KAFKA_SLOTS; slot++) {
        KafkaFeed *feed = reader->part->feeds[slot];

        if (!feed || !feed->queue || feed->position > reader->position ||
            reader->position - feed->position > records_max)
            continue;
        if (!nearest || feed->position > nearest->position)
            nearest = feed;
    }
    return nearest;
}

static KafkaFeed *furthest_behind(const KafkaPart *part)
{
    KafkaFeed *lowest = part->feeds[0];

    for (uint32_t slot = 1; slot < KAFKA_SLOTS; slot++) {
        if (part->feeds[slot]->position < lowest->position)
            lowest = part->feeds[slot];
    }
    return lowest;
}

static ErrCode open_free_slot(KafkaReader *reader, KafkaFeed **out, Err *err)
{
    KafkaPart *part = reader->part;

    for (uint32_t slot = 0; slot < KAFKA_SLOTS; slot++) {
        if (!part->feeds[slot])
            return kafka_feed_open(part, slot, reader->position, reader->end, out, err);
    }
    return ERR_OK;
}

static ErrCode find_feed(KafkaReader *reader, KafkaFeed **out, Err *err)
{
    KafkaFeed *feed = covering_feed(reader);

    if (!feed)
        feed = feed_behind(reader, NEAR_RECORDS);
    if (!feed)
        TRY(open_free_slot(reader, &feed, err));
    if (!feed)
        feed = feed_behind(reader, INT64_MAX);
    if (!feed) {
        feed = furthest_behind(reader->part);
        if (kafka_feed_move(feed, reader->position, err) != ERR_OK) {
            kafka_feed_fail(feed, err); /* its other readers would wait for ever */
            return err->code;
        }
    }
    *out = feed;
    return ERR_OK;
}

static void leave_locked(KafkaReader *reader)
{
    KafkaFeed *feed = reader->feed;

    if (!feed)
        return;
    kafka_feed_leave(reader);
    if (feed->readers_len == 0)
        kafka_feed_close(feed, true);
}

/* Feeds that readers fell off and that nobody is on any more. */
static void close_empty_locked(KafkaPart *part)
{
    for (uint32_t slot = 0; slot < KAFKA_SLOTS; slot++) {
        if (part->feeds[slot] && part->feeds[slot]->readers_len == 0)
            kafka_feed_close(part->feeds[slot], true);
    }
}

/* Puts a reader that has none on a feed, or on a better one. */
static ErrCode join(KafkaReader *reader, Err *err)
{
    KafkaPart   *part = reader->part;
    KafkaBroker *broker = part->broker;
    KafkaFeed   *feed;
    ErrCode      rc = ERR_OK;

    pthread_mutex_lock(&broker->consumers_lock);
    kafka_feeds_reserve(broker);
    pthread_mutex_lock(&part->lock);
    if (part->is_gone) {
        rc = kafka_topic_missing(str_from(part->topic), err);
    } else if (!reader->feed || covering_feed(reader)) {
        KafkaFeed *better = reader->feed ? covering_feed(reader) : NULL;

        leave_locked(reader);
        feed = better;
        if (!feed)
            rc = find_feed(reader, &feed, err);
        if (rc == ERR_OK)
            kafka_feed_join(feed, reader);
        close_empty_locked(part);
    }
    pthread_mutex_unlock(&part->lock);
    pthread_mutex_unlock(&broker->consumers_lock);
    return rc;
}

/* --- life ------------------------------------------------------------------------------------- */

/* Below the beginning is the beginning.  Without locks, as it asks the cluster. */
static ErrCode find_range(KafkaBroker *broker, const char *topic, uint32_t partition,
                          int64_t offset, PartitionEnds *out, Err *err)
{
    TRY(kafka_partition_ends(broker, topic, partition, out, err));
    if (offset > out->begin)
        out->begin = offset;
    if (out->end < out->begin)
        out->end = out->begin;
    return ERR_OK;
}

/* Who deletes the topic says so before the readers that are there end. */
static ErrCode reader_add_locked(KafkaReader *reader, KafkaBroker *broker, Str topic,
                                 uint32_t partition, Err *err)
{
    KafkaPart *part;

    if (kafka_topic_is_going(broker, topic))
        return kafka_topic_missing(topic, err);
    part = part_locked(broker, topic, partition);
    pthread_mutex_lock(&part->lock);
    pthread_mutex_lock(&part->wake_lock);
    reader->part = part;
    reader->next = part->readers;
    part->readers = reader;
    pthread_mutex_unlock(&part->wake_lock);
    pthread_mutex_unlock(&part->lock);
    return ERR_OK;
}

static void reader_remove_locked(KafkaReader *reader)
{
    KafkaPart    *part = reader->part;
    KafkaReader **at = &part->readers;

    pthread_mutex_lock(&part->lock);
    leave_locked(reader);
    pthread_mutex_lock(&part->wake_lock);
    while (*at != reader)
        at = &(*at)->next;
    *at = reader->next;
    pthread_mutex_unlock(&part->wake_lock);
    pthread_mutex_unlock(&part->lock);
    if (!part->readers)
        part_drop_locked(part);
}

ErrCode kafka_reader_open(Broker *base, Str topic, uint32_t partition, int64_t offset,
                          BrokerWake wake, BrokerReader **out, Err *err)
{
    KafkaBroker  *broker = (KafkaBroker *)base;
    KafkaReader  *reader;
    PartitionEnds range;
    Buf           name = {0};
    ErrCode       rc;

    TRY(kafka_topic_check(broker, topic, partition, err));
    buf_str(&name, topic);
    buf_put(&name, '\0');
    rc = find_range(broker, name.ptr, partition, offset, &range, err);
    buf_deinit(&name);
    TRY(rc);
    reader = MEM_NEW(KafkaReader);
    reader->base.cls = base->cls;
    reader->wake = wake;
    reader->position = range.begin;
    reader->end = range.end;
    pthread_mutex_lock(&broker->consumers_lock);
    rc = reader_add_locked(reader, broker, topic, partition, err);
    pthread_mutex_unlock(&broker->consumers_lock);
    if (rc != ERR_OK) {
        mem_free(reader);
        return rc;
    }
    rc = join(reader, err);
    if (rc != ERR_OK) {
        kafka_reader_close(&reader->base);
        return rc;
    }
    *out = &reader->base;
    return ERR_OK;
}

void kafka_reader_close(BrokerReader *base)
{
    KafkaReader *reader = (KafkaReader *)base;
    KafkaBroker *broker = reader->part->broker;

    pthread_mutex_lock(&broker->consumers_lock);
    reader_remove_locked(reader);
    pthread_mutex_unlock(&broker->consumers_lock);
    mem_free(reader);
}

ErrCode kafka_reader_seek(BrokerReader *base, int64_t offset, Err *err)
{
    KafkaReader  *reader = (KafkaReader *)base;
    KafkaPart    *part = reader->part;
    PartitionEnds range;

    TRY(find_range(part->broker, part->topic, part->partition, offset, &range, err));
    pthread_mutex_lock(&part->broker->consumers_lock);
    pthread_mutex_lock(&part->lock);
    leave_locked(reader);
    reader->position = range.begin;
    reader->end = range.end;
    pthread_mutex_unlock(&part->lock);
    pthread_mutex_unlock(&part->broker->consumers_lock);
    return join(reader, err);
}

/* --- lost places ------------------------------------------------------------------------------ */

/* Where the feed can go on: its position does not exist, or nobody knows of the topic. */
static ErrCode find_lost(KafkaPart *part, int64_t position, PartitionEnds *ends, Err *err)
{
    TRY(kafka_topic_check(part->broker, str_from(part->topic), part->partition, err));
    TRY(kafka_partition_ends(part->broker, part->topic, part->partition, ends, err));
    if (position > ends->end) {
        err_set(err, ERR_BROKER, "cannot read topic \"%s\" at %lld: it ends at %lld", part->topic,
                (long long)position, (long long)ends->end);
        err_hint(err, "the topic was deleted and made again, or lost records");
        return ERR_BROKER;
    }
    if (ends->begin < position)
        ends->begin = position;
    return ERR_OK;
}

/* Retention took the feed's place: it goes on at the beginning, or its readers are told why not. */
static void move_lost(KafkaReader *reader)
{
    KafkaPart    *part = reader->part;
    PartitionEnds ends;
    KafkaFeed    *feed;
    Err           err;
    ErrCode       rc;
    int64_t       position;
    uint32_t      slot;

    pthread_mutex_lock(&part->lock);
    feed = reader->feed;
    position = feed ? feed->position : 0;
    slot = feed ? feed->slot : 0;
    pthread_mutex_unlock(&part->lock);
    if (!feed)
        return;
    rc = find_lost(part, position, &ends, &err);
    pthread_mutex_lock(&part->broker->consumers_lock);
    pthread_mutex_lock(&part->lock);
    if (part->feeds[slot] == feed && feed->position == position) {
        if (rc == ERR_OK)
            rc = kafka_feed_move(feed, ends.begin, &err);
        else
            kafka_feed_detach(feed, true); /* nothing will come: who comes back needs another */
        if (rc != ERR_OK)
            kafka_feed_fail(feed, &err);
    }
    pthread_mutex_unlock(&part->lock);
    pthread_mutex_unlock(&part->broker->consumers_lock);
}

/* --- polling ---------------------------------------------------------------------------------- */

static void slice_release(RecordBatch *base)
{
    record_batch_unref(&((KafkaSlice *)base)->of->base);
    mem_free(base);
}

/* What of the batch is at or above the position; takes the reference. */
static RecordBatch *batch_from(KafkaBatch *batch, int64_t position)
{
    KafkaSlice *slice;
    uint32_t    skipped = 0;

    while (skipped < batch->base.len && batch->records[skipped].offset < position)
        skipped++;
    if (skipped == 0)
        return &batch->base;
    slice = MEM_NEW(KafkaSlice);
    slice->of = batch;
    slice->base = (RecordBatch){.records = batch->records + skipped,
                                .len = batch->base.len - skipped,
                                .next_offset = batch->base.next_offset,
                                .readable_end = batch->base.readable_end,
                                .refs = 1,
                                .release = slice_release};
    return &slice->base;
}

static void set_waiting(KafkaReader *reader, bool is_waiting)
{
    pthread_mutex_lock(&reader->part->wake_lock);
    reader->is_waiting = is_waiting;
    pthread_mutex_unlock(&reader->part->wake_lock);
}

static RecordBatch *take_locked(KafkaReader *reader)
{
    while (reader->at) {
        KafkaBatch *batch = kafka_feed_take(reader);

        if (batch->base.next_offset > reader->position) {
            RecordBatch *out = batch_from(batch, reader->position);

            reader->position = batch->base.next_offset;
            return out;
        }
        record_batch_unref(&batch->base);
    }
    return NULL;
}

/* The reader only wants to get on, and would take the window away from others that poll. */
static bool must_hold_back(const KafkaReader *reader, int64_t now_ms)
{
    const KafkaFeed *feed = reader->feed;

    if (reader->position <= feed->position ||
        feed->window_bytes <= kafka_window_bytes_max(reader->part->broker) / 2)
        return false;
    for (const KafkaReader *other = reader->part->readers; other; other = other->next) {
        if (other->feed == feed && other->at && now_ms - other->polled_ms < ALIVE_MS)
            return true;
    }
    return false;
}

typedef enum Polled { POLLED_BATCH, POLLED_NOTHING, POLLED_LOST, POLLED_AGAIN } Polled;

/* The feed, until it has something for the reader or nothing at all. */
static Polled drive_locked(KafkaReader *reader, size_t bytes_max, RecordBatch **out)
{
    KafkaFeed *feed = reader->feed;

    reader->polled_ms = kafka_now_ms();
    for (int round = 0; round < ROUNDS_MAX; round++) {
        *out = take_locked(reader);
        if (*out)
            return POLLED_BATCH;
        if (feed->failures != reader->failures)
            return POLLED_NOTHING;
        if (feed->is_lost) {
            feed->is_lost = false;
            return POLLED_LOST;
        }
        if (must_hold_back(reader, reader->polled_ms)) {
            feed->is_held_back = true;
            return POLLED_NOTHING;
        }
        if (!kafka_feed_fetch(feed, bytes_max))
            return POLLED_NOTHING;
        kafka_feed_wake(feed, reader);
    }
    return POLLED_AGAIN;
}

static ErrCode poll_locked(KafkaReader *reader, size_t bytes_max, Polled *polled, RecordBatch **out,
                           Err *err)
{
    KafkaFeed *feed = reader->feed;

    *out = NULL;
    *polled = POLLED_AGAIN;
    if (reader->part->is_gone)
        return kafka_topic_missing(str_from(reader->part->topic), err);
    if (!feed)
        return ERR_OK;
    set_waiting(reader, true); /* before looking, so that no wake gets lost */
    *polled = drive_locked(reader, bytes_max, out);
    if (*polled != POLLED_NOTHING)
        set_waiting(reader, false);
    else if (feed->failures != reader->failures) {
        reader->failures = feed->failures;
        *err = feed->failure;
        return err->code;
    }
    /* In front of the feed's place there may be gaps only. */
    if (*polled == POLLED_NOTHING && feed->position > reader->position)
        reader->position = feed->position;
    if (feed->end > reader->end)
        reader->end = feed->end;
    if (reader->position > reader->end)
        reader->end = reader->position;
    return ERR_OK;
}

ErrCode kafka_reader_poll(BrokerReader *base, size_t bytes_max, RecordBatch **out,
                          int64_t *position, int64_t *readable_end, Err *err)
{
    KafkaReader *reader = (KafkaReader *)base;
    KafkaPart   *part = reader->part;
    RecordBatch *batch;
    Polled       polled;
    bool         is_misplaced;
    ErrCode      rc;

    pthread_mutex_lock(&part->lock);
    is_misplaced = !reader->feed || (part->feeds_len > 1 && covering_feed(reader));
    pthread_mutex_unlock(&part->lock);
    if (is_misplaced)
        TRY(join(reader, err));
    pthread_mutex_lock(&part->lock);
    rc = poll_locked(reader, bytes_max, &polled, &batch, err);
    if (rc == ERR_OK) {
        *out = batch;
        *position = reader->position;
        *readable_end = reader->end;
    }
    pthread_mutex_unlock(&part->lock);
    TRY(rc);
    if (polled == POLLED_LOST)
        move_lost(reader);
    /* There is more to do than one poll does. */
    if ((polled == POLLED_LOST || polled == POLLED_AGAIN) && reader->wake.wake)
        reader->wake.wake(reader->wake.arg);
    return ERR_OK;
}
