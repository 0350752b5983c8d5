/*
 * broker_kafka_consumer.c -- consumer handles: one per slot, and what feeds need of them.
 *
 * Partitions are added, taken away and rewound by incremental (un)assignment of just those: a full
 * assignment drops what every other partition has fetched, and seeking is broken in librdkafka
 * 2.0.2.  There is no consumer group: nothing is subscribed, offsets are given, none is committed.
 *
 * Budget.  a share of weir.memory.bytes bounds all feeds, but librdkafka bounds each partition by
 * itself, by settings that a handle gets when it is made.  So a handle is made for a number of
 * feeds; when there are more, it is replaced by one with smaller shares.  Of a feed's share a
 * quarter is for what waits in librdkafka's queue, a quarter for a response under way, a quarter
 * for its window; the rest is for batches in the hands of tasks.
 *
 * Deleting a topic.  The destruction of a consumer hangs for ever when a topic that it read was
 * deleted meanwhile.  So it is destroyed before, and its other feeds go on at a new one.
 *
 * The idle topic.  librdkafka 2.0.2 sleeps up to a second each time its queues were full; one more
 * partition that is always empty is asked for all the time, and that wakes the fetcher.
 */
#include "exec/brokers/broker_kafka_feed.h"

#include <assert.h>
#include <stdio.h>

#include "common/log.h"

enum {
    FEEDS_GROW = 4, /* so many times more shares when they do not suffice */
    SHARE_BYTES_MIN = 65536,
    MESSAGE_BYTES = 2 * KAFKA_WAITING_BYTES, /* of a small record that waits, with all */
    RESPONSE_BYTES = 1048576,
    UNUSED_MS = 10000 /* then a consumer without feeds goes */
};

/* --- assigning -------------------------------------------------------------------------------- */

static rd_kafka_topic_partition_list_t *one_partition(const char *topic, uint32_t partition,
                                                      int64_t offset)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);

    rd_kafka_topic_partition_list_add(list, topic, (int32_t)partition)->offset = offset;
    return list;
}

static ErrCode assign(KafkaConsumer *consumer, const char *topic, uint32_t partition,
                      int64_t offset, Err *err)
{
    rd_kafka_topic_partition_list_t *list = one_partition(topic, partition, offset);
    rd_kafka_error_t                *error = rd_kafka_incremental_assign(consumer->rk, list);
    ErrCode                          rc = ERR_OK;

    rd_kafka_topic_partition_list_destroy(list);
    if (error)
        rc = kafka_error(err, rd_kafka_error_code(error), rd_kafka_error_string(error),
                         "could not read topic \"%s\"", topic);
    rd_kafka_error_destroy(error);
    return rc;
}

static void unassign(KafkaConsumer *consumer, const char *topic, uint32_t partition)
{
    rd_kafka_topic_partition_list_t *list =
        one_partition(topic, partition, RD_KAFKA_OFFSET_INVALID);
    rd_kafka_error_t *error = rd_kafka_incremental_unassign(consumer->rk, list);

    rd_kafka_topic_partition_list_destroy(list);
    if (error)
        log_line(LOG_WARN, "kafka", "could not stop reading topic \"%s\": %s", topic,
                 rd_kafka_error_string(error));
    rd_kafka_error_destroy(error);
}

/* --- opening, closing ------------------------------------------------------------------------- */

static int64_t share_bytes(const KafkaBroker *broker)
{
    int64_t share = broker->fetch_bytes / __atomic_load_n(&broker->feeds_cap, __ATOMIC_RELAXED);

    return share > SHARE_BYTES_MIN ? share : SHARE_BYTES_MIN;
}

size_t kafka_window_bytes_max(const KafkaBroker *broker)
{
    return (size_t)share_bytes(broker) / 4;
}

static ErrCode handle_open(KafkaBroker *broker, rd_kafka_t **out, Err *err)
{
    char              group[128], ahead_kbytes[32], ahead_messages[32], response[32];
    const char *const pairs[] = {"group.id",
                                 group,
                                 "enable.auto.commit",
                                 "false",
                                 "enable.auto.offset.store",
                                 "false",
                                 "check.crcs",
                                 "true",
                                 "isolation.level",
                                 "read_committed",
                                 "auto.offset.reset",
                                 "error",
                                 "enable.partition.eof",
                                 "true",
                                 "fetch.wait.max.ms",
                                 "20",
                                 "fetch.error.backoff.ms",
                                 "50",
                                 "queued.max.messages.kbytes",
                                 ahead_kbytes,
                                 "queued.min.messages",
                                 ahead_messages,
                                 "fetch.message.max.bytes",
                                 response,
                                 NULL};
    long long         part = (long long)share_bytes(broker) / 4;

    snprintf(group, sizeof group, "_weir-%.*s-reader", STR_ARG(broker->service_id));
    snprintf(ahead_kbytes, sizeof ahead_kbytes, "%lld", part / 1024);
    snprintf(ahead_messages, sizeof ahead_messages, "%lld", part / MESSAGE_BYTES);
    snprintf(response, sizeof response, "%lld", part < RESPONSE_BYTES ? part : RESPONSE_BYTES);
    return kafka_handle_open(broker, RD_KAFKA_CONSUMER, rd_kafka_conf_new(), pairs, out, err);
}

static ErrCode consumer_open(KafkaBroker *broker, KafkaConsumer **out, Err *err)
{
    KafkaConsumer *consumer = MEM_NEW(KafkaConsumer);
    ErrCode        rc = handle_open(broker, &consumer->rk, err);

    if (rc != ERR_OK) {
        mem_free(consumer);
        return rc;
    }
    rd_kafka_poll_set_consumer(consumer->rk);
    consumer->mem = arena_new(0);
    map_init(&consumer->consumed, consumer->mem);
    if (assign(consumer, str_to_c(consumer->mem, broker->idle_topic), 0, 0, err) != ERR_OK)
        log_line(LOG_WARN, "kafka", "%s", err->msg); /* it only makes reading smoother */
    *out = consumer;
    return ERR_OK;
}

/* Its feeds are detached.  The ticket is the reaper's. */
static uint64_t consumer_close(KafkaBroker *broker, KafkaConsumer *consumer)
{
    uint64_t ticket = kafka_reap(broker, consumer->rk);

    assert(consumer->feeds_len == 0);
    map_deinit(&consumer->consumed);
    arena_free(consumer->mem);
    mem_free(consumer);
    return ticket;
}

static void close_unused_locked(KafkaBroker *broker, uint32_t slot, int64_t now_ms)
{
    KafkaConsumer *consumer = broker->consumers[slot];

    if (slot == 0 || consumer->feeds_len > 0) {
        consumer->used_ms = now_ms;
    } else if (now_ms - consumer->used_ms > UNUSED_MS) {
        broker->consumers[slot] = NULL;
        consumer_close(broker, consumer);
    }
}

/* Those whom they wait for may have left, or do not poll any more: see broker_kafka_read.c. */
static void wake_held_back(KafkaPart *part)
{
    for (uint32_t slot = 0; slot < KAFKA_SLOTS; slot++) {
        KafkaFeed *feed = part->feeds[slot];

        if (!feed || !feed->is_held_back)
            continue;
        feed->is_held_back = false;
        kafka_feed_wake(feed, NULL);
    }
}

static void wake_all_held_back_locked(KafkaBroker *broker)
{
    size_t cursor = 0;

    for (MapEntry *entry; (entry = map_next(&broker->parts, &cursor));) {
        KafkaPart *part = entry->value;

        pthread_mutex_lock(&part->lock);
        wake_held_back(part);
        pthread_mutex_unlock(&part->lock);
    }
}

/* librdkafka tells how many messages wait, not how large they are. */
static void count_queued_locked(KafkaBroker *broker)
{
    size_t  cursor = 0;
    int64_t bytes = 0;

    for (MapEntry *entry; (entry = map_next(&broker->parts, &cursor));) {
        KafkaPart *part = entry->value;

        pthread_mutex_lock(&part->lock);
        for (uint32_t slot = 0; slot < KAFKA_SLOTS; slot++) {
            const KafkaFeed *feed = part->feeds[slot];

            if (feed && feed->queue)
                bytes += (int64_t)(rd_kafka_queue_length(feed->queue) *
                                   (feed->record_bytes + KAFKA_WAITING_BYTES));
        }
        pthread_mutex_unlock(&part->lock);
    }
    __atomic_store_n(&broker->queued_bytes, bytes, __ATOMIC_RELAXED);
}

void kafka_consumers_serve(KafkaBroker *broker)
{
    int64_t now_ms = kafka_now_ms();

    pthread_mutex_lock(&broker->consumers_lock);
    for (uint32_t slot = 0; slot < KAFKA_SLOTS; slot++) {
        KafkaConsumer      *consumer = broker->consumers[slot];
        rd_kafka_message_t *message;

        if (!consumer)
            continue;
        /* Bounded: the idle topic's news and errors of brokers, nothing else comes here. */
        for (int i = 0; i < 100 && (message = rd_kafka_consumer_poll(consumer->rk, 0)); i++)
            rd_kafka_message_destroy(message);
        close_unused_locked(broker, slot, now_ms);
    }
    wake_all_held_back_locked(broker);
    count_queued_locked(broker);
    pthread_mutex_unlock(&broker->consumers_lock);
}

void kafka_consumers_close(KafkaBroker *broker)
{
    for (uint32_t slot = 0; slot < KAFKA_SLOTS; slot++) {
        if (broker->consumers[slot])
            consumer_close(broker, broker->consumers[slot]);
        broker->consumers[slot] = NULL;
    }
}

/* --- feeds ------------------------------------------------------------------------------------ */

/* A partition that is only assigned has to wait for librdkafka's look, once a second, at topics
 * without a leader; for a new topic object it asks at once. */
static void ask_for_leader(KafkaConsumer *consumer, const char *topic)
{
    rd_kafka_topic_t *asked = rd_kafka_topic_new(consumer->rk, topic, NULL);

    if (asked)
        rd_kafka_topic_destroy(asked);
}

static void on_event(rd_kafka_t *rk, void *opaque)
{
    (void)rk;
    kafka_feed_wake(opaque, NULL);
}

ErrCode kafka_feed_attach(KafkaFeed *feed, Err *err)
{
    KafkaPart        *part = feed->part;
    KafkaConsumer   **consumer = &part->broker->consumers[feed->slot];
    Str               topic = str_from(part->topic);
    rd_kafka_queue_t *queue;
    ErrCode           rc;

    assert(!feed->queue);
    if (!*consumer)
        TRY(consumer_open(part->broker, consumer, err));
    if (!map_get(&(*consumer)->consumed, topic))
        ask_for_leader(*consumer, part->topic);
    queue = rd_kafka_queue_get_partition((*consumer)->rk, part->topic, (int32_t)part->partition);
    if (!queue)
        return err_set(err, ERR_BROKER, "could not read topic \"%s\": no queue", part->topic);
    rd_kafka_queue_forward(queue, NULL);
    rd_kafka_queue_cb_event_enable(queue, on_event, feed);
    rc = assign(*consumer, part->topic, part->partition, feed->position, err);
    if (rc != ERR_OK) {
        rd_kafka_queue_cb_event_enable(queue, NULL, NULL);
        rd_kafka_queue_destroy(queue);
        return rc;
    }
    if (!map_get(&(*consumer)->consumed, topic))
        map_put(&(*consumer)->consumed, str_copy((*consumer)->mem, topic), *consumer);
    (*consumer)->feeds_len++;
    feed->queue = queue;
    return ERR_OK;
}

static void drain(rd_kafka_queue_t *queue)
{
    rd_kafka_message_t *messages[KAFKA_FETCH_MESSAGES];
    ssize_t             len;

    while ((len = rd_kafka_consume_batch_queue(queue, 0, messages, KAFKA_FETCH_MESSAGES)) > 0) {
        for (ssize_t i = 0; i < len; i++)
            rd_kafka_message_destroy(messages[i]);
    }
}

void kafka_feed_detach(KafkaFeed *feed, bool is_unassigned)
{
    KafkaConsumer *consumer = feed->part->broker->consumers[feed->slot];

    if (!feed->queue)
        return;
    rd_kafka_queue_cb_event_enable(feed->queue, NULL, NULL);
    if (is_unassigned)
        unassign(consumer, feed->part->topic, feed->part->partition);
    drain(feed->queue);
    rd_kafka_queue_destroy(feed->queue);
    feed->queue = NULL;
    consumer->feeds_len--;
}

/* Its feeds go on at a new handle, each where it is.  The ticket is that of the old one. */
static uint64_t consumer_replace_locked(KafkaBroker *broker, uint32_t slot)
{
    KafkaConsumer *old = broker->consumers[slot];
    bool           is_needed = old->feeds_len > 0;
    size_t         cursor = 0;
    Err            err;

    for (MapEntry *entry; (entry = map_next(&broker->parts, &cursor));) {
        KafkaPart *part = entry->value;

        pthread_mutex_lock(&part->lock);
        if (part->feeds[slot])
            kafka_feed_detach(part->feeds[slot], false);
        pthread_mutex_unlock(&part->lock);
    }
    broker->consumers[slot] = NULL;
    cursor = 0;
    for (MapEntry *entry; is_needed && (entry = map_next(&broker->parts, &cursor));) {
        KafkaPart *part = entry->value;

        pthread_mutex_lock(&part->lock);
        if (part->feeds[slot] && kafka_feed_attach(part->feeds[slot], &err) != ERR_OK)
            kafka_feed_fail(part->feeds[slot], &err);
        pthread_mutex_unlock(&part->lock);
    }
    return consumer_close(broker, old);
}

void kafka_feeds_reserve(KafkaBroker *broker)
{
    if (broker->feeds_len < broker->feeds_cap)
        return;
    __atomic_store_n(&broker->feeds_cap, broker->feeds_cap * FEEDS_GROW, __ATOMIC_RELAXED);
    for (uint32_t slot = 0; slot < KAFKA_SLOTS; slot++) {
        if (broker->consumers[slot])
            consumer_replace_locked(broker, slot);
    }
}

/* --- leaving a topic -------------------------------------------------------------------------- */

/* Its readers are told; what is left of it goes with the last of them. */
static void part_end_locked(KafkaPart *part)
{
    pthread_mutex_lock(&part->lock);
    part->is_gone = true;
    for (KafkaReader *reader = part->readers; reader; reader = reader->next) {
        if (reader->feed)
            kafka_feed_leave(reader);
    }
    for (uint32_t slot = 0; slot < KAFKA_SLOTS; slot++) {
        if (part->feeds[slot])
            kafka_feed_close(part->feeds[slot], false);
    }
    pthread_mutex_unlock(&part->lock);
    for (KafkaReader *reader = part->readers; reader; reader = reader->next) {
        if (reader->wake.wake)
            reader->wake.wake(reader->wake.arg);
    }
}

static void parts_end_locked(KafkaBroker *broker, Str topic)
{
    size_t cursor = 0;

    for (MapEntry *entry; (entry = map_next(&broker->parts, &cursor));) {
        KafkaPart *part = entry->value;

        if (!str_eq(str_from(part->topic), topic))
            continue;
        part_end_locked(part);
        map_remove(&broker->parts, part->key);
    }
}

ErrCode kafka_consumers_leave(KafkaBroker *broker, Str topic, Err *err)
{
    uint64_t ticket = 0;

    pthread_mutex_lock(&broker->consumers_lock);
    parts_end_locked(broker, topic);
    for (uint32_t slot = 0; slot < KAFKA_SLOTS; slot++) {
        if (broker->consumers[slot] && map_get(&broker->consumers[slot]->consumed, topic))
            ticket = consumer_replace_locked(broker, slot);
    }
    pthread_mutex_unlock(&broker->consumers_lock);
    if (ticket && !kafka_reap_wait(broker, ticket, KAFKA_REAP_MS)) {
        err_set(err, ERR_BROKER, "could not stop reading topic \"%.*s\" to delete it",
                STR_ARG(topic));
        err->is_retriable = true;
        return ERR_BROKER;
    }
    return ERR_OK;
}
