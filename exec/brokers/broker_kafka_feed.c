/*
 * broker_kafka_feed.c -- feeds: fetching a partition, and the window that readers share.
 *
 * Whichever reader has taken all of the window fetches the next batch, without waiting; it goes to
 * the end of the window, and the others are woken.  A batch leaves the window when every reader of
 * the feed has taken it; readers hold what they took by reference.  A window that grows over its
 * share drops its oldest batch, and the readers that had not taken it: they have fallen behind, and
 * join another feed when they poll again.  While a partition has several feeds each keeps a little
 * of what was taken, so that a reader that comes from behind finds a window that it fits into.
 *
 * Records are copied out of librdkafka's messages, one block per batch.  A batch may be held longer
 * than its consumer lives, and messages may not.
 *
 * Caught up.  What is left in front of the readable end may be markers of transactions, which are
 * no records; so librdkafka is asked to tell when a partition's end is reached, and where.
 */
#include "exec/brokers/broker_kafka_feed.h"

#include <assert.h>

enum { RECORD_BYTES_GUESS = 256 };

/* --- batches ---------------------------------------------------------------------------------- */

static void batch_release(RecordBatch *base)
{
    KafkaBatch *batch = (KafkaBatch *)base;

    __atomic_sub_fetch(&batch->broker->held_bytes, (int64_t)batch->size, __ATOMIC_RELAXED);
    buf_deinit(&batch->headers);
    mem_free(batch->bytes);
    mem_free(batch);
}

static Str copy_to(char **at, const void *bytes, size_t len)
{
    Str copy = {*at, len};

    if (!bytes)
        return STR_NULL;
    memcpy(*at, bytes, len);
    *at += len;
    return copy;
}

/* Appends the headers of a message in the form of exec/chunk.h; how many bytes. */
static size_t take_headers(const rd_kafka_message_t *message, Buf *out)
{
    rd_kafka_headers_t *headers;
    const char         *name;
    const void         *value;
    size_t              before = out->len, value_len;

    if (rd_kafka_message_headers(message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return 0;
    for (size_t i = 0; rd_kafka_header_get_all(headers, i, &name, &value, &value_len) ==
                       RD_KAFKA_RESP_ERR_NO_ERROR;
         i++)
        header_append(out, str_from(name), (Str){value, value ? value_len : 0});
    return out->len - before;
}

/* Copies the messages with an offset from the feed's position on, which goes on behind them. */
static void fill_batch(KafkaBatch *batch, KafkaFeed *feed, rd_kafka_message_t *const *messages,
                       size_t len)
{
    char  *at = batch->bytes;
    size_t at_header = 0;

    for (size_t i = 0; i < len; i++) {
        const rd_kafka_message_t *message = messages[i];
        Record                   *record = &batch->records[batch->base.len];

        if (message->err || message->offset < feed->position)
            continue;
        record->key = copy_to(&at, message->key, message->key_len);
        record->value = copy_to(&at, message->payload, message->len);
        record->headers.len = take_headers(message, &batch->headers);
        record->ts = rd_kafka_message_timestamp(message, NULL);
        record->offset = message->offset;
        feed->position = message->offset + 1;
        batch->base.len++;
    }
    /* The buffer of headers moved while it grew. */
    for (uint32_t i = 0; i < batch->base.len; i++) {
        Record *record = &batch->records[i];

        record->headers.ptr = record->headers.len ? batch->headers.ptr + at_header : NULL;
        at_header += record->headers.len;
    }
}

/* NULL when none of the messages is a record that was not read before. */
static KafkaBatch *batch_of(KafkaFeed *feed, rd_kafka_message_t *const *messages, size_t len)
{
    KafkaBatch *batch = mem_zalloc(sizeof *batch + sizeof *batch->records * len);
    size_t      bytes = 0;

    for (size_t i = 0; i < len; i++)
        bytes += messages[i]->err ? 0 : messages[i]->key_len + messages[i]->len;
    batch->bytes = mem_alloc(bytes + 1);
    batch->start = feed->position;
    batch->broker = feed->part->broker;
    batch->base.refs = 1;
    batch->base.release = batch_release;
    batch->base.records = batch->records;
    fill_batch(batch, feed, messages, len);
    if (batch->base.len == 0) {
        batch_release(&batch->base);
        return NULL;
    }
    bytes += batch->headers.len;
    feed->record_bytes = bytes / batch->base.len + 1;
    batch->size = bytes + sizeof *batch + sizeof *batch->records * len;
    batch->base.next_offset = feed->position;
    __atomic_add_fetch(&batch->broker->held_bytes, (int64_t)batch->size, __ATOMIC_RELAXED);
    return batch;
}

/* --- the window ------------------------------------------------------------------------------- */

/* Takes its first batch out of the window. */
static void window_drop(KafkaFeed *feed)
{
    KafkaBatch *batch = feed->first;

    feed->first = batch->next;
    if (!feed->first)
        feed->last = NULL;
    feed->window_bytes -= batch->size;
    record_batch_unref(&batch->base);
}

static void window_trim(KafkaFeed *feed)
{
    size_t kept = feed->part->feeds_len > 1 ? kafka_window_bytes_max(feed->part->broker) / 2 : 0;

    while (feed->first && feed->first->pending == 0 && feed->window_bytes > kept)
        window_drop(feed);
}

static void window_bound(KafkaFeed *feed)
{
    size_t bytes_max = kafka_window_bytes_max(feed->part->broker);

    while (feed->first != feed->last && feed->window_bytes > bytes_max) {
        KafkaBatch *oldest = feed->first;

        for (KafkaReader *reader = feed->part->readers; reader; reader = reader->next) {
            if (reader->feed == feed && reader->at == oldest)
                kafka_feed_leave(reader);
        }
        if (feed->first == oldest)
            window_drop(feed);
    }
}

static void window_append(KafkaFeed *feed, KafkaBatch *batch)
{
    if (feed->last)
        feed->last->next = batch;
    else
        feed->first = batch;
    feed->last = batch;
    feed->window_bytes += batch->size;
    batch->pending = feed->readers_len;
    for (KafkaReader *reader = feed->part->readers; reader; reader = reader->next) {
        if (reader->feed == feed && !reader->at)
            reader->at = batch;
    }
    window_bound(feed);
}

bool kafka_feed_covers(const KafkaFeed *feed, int64_t position)
{
    return feed->queue && position <= feed->position &&
           position >= (feed->first ? feed->first->start : feed->position);
}

static void set_feed(KafkaReader *reader, KafkaFeed *feed)
{
    pthread_mutex_lock(&reader->part->wake_lock);
    reader->feed = feed;
    pthread_mutex_unlock(&reader->part->wake_lock);
}

/* A reader beyond the feed's place waits until the feed gets there. */
void kafka_feed_join(KafkaFeed *feed, KafkaReader *reader)
{
    assert(!reader->feed);
    reader->at = feed->first;
    while (reader->at && reader->at->base.next_offset <= reader->position)
        reader->at = reader->at->next;
    for (KafkaBatch *batch = reader->at; batch; batch = batch->next)
        batch->pending++;
    reader->failures = feed->failures;
    feed->readers_len++;
    set_feed(reader, feed);
}

void kafka_feed_leave(KafkaReader *reader)
{
    KafkaFeed *feed = reader->feed;

    for (KafkaBatch *batch = reader->at; batch; batch = batch->next)
        batch->pending--;
    reader->at = NULL;
    feed->readers_len--;
    set_feed(reader, NULL);
    window_trim(feed);
}

KafkaBatch *kafka_feed_take(KafkaReader *reader)
{
    KafkaBatch *batch = reader->at;

    record_batch_ref(&batch->base);
    reader->at = batch->next;
    batch->pending--;
    window_trim(reader->feed);
    return batch;
}

void kafka_feed_wake(KafkaFeed *feed, const KafkaReader *but)
{
    KafkaPart *part = feed->part;

    pthread_mutex_lock(&part->wake_lock);
    for (KafkaReader *reader = part->readers; reader; reader = reader->next) {
        if (reader->feed != feed || reader == but || !reader->is_waiting)
            continue;
        reader->is_waiting = false;
        if (reader->wake.wake)
            reader->wake.wake(reader->wake.arg);
    }
    pthread_mutex_unlock(&part->wake_lock);
}

/* --- fetching --------------------------------------------------------------------------------- */

void kafka_feed_fail(KafkaFeed *feed, const Err *err)
{
    feed->failure = *err;
    feed->failures++;
    kafka_feed_wake(feed, NULL);
}

/* A broker that is behind may have said so: the cluster is asked. */
static void note_unknown(KafkaFeed *feed)
{
    kafka_topic_doubt(feed->part->broker, str_from(feed->part->topic));
    feed->is_lost = true;
}

/* What is not a record: the end of the partition, or a failure. */
static void take_news(KafkaFeed *feed, const rd_kafka_message_t *message)
{
    Err err;

    switch (message->err) {
    case RD_KAFKA_RESP_ERR__PARTITION_EOF:
        if (message->offset >= feed->position)
            feed->position = feed->end = message->offset;
        break;
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
        note_unknown(feed);
        break;
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
        feed->is_lost = true;
        break;
    default:
        (void)kafka_error(&err, message->err, rd_kafka_message_errstr(message),
                          "could not read topic \"%s\"", feed->part->topic);
        kafka_feed_fail(feed, &err);
    }
}

/* The end as librdkafka last heard it; markers and open transactions may be in front of it. */
static void look_at_end(KafkaFeed *feed)
{
    const KafkaPart *part = feed->part;
    int64_t          begin, end;

    if (feed->position > feed->end)
        feed->end = feed->position;
    if (rd_kafka_get_watermark_offsets(part->broker->consumers[feed->slot]->rk, part->topic,
                                       (int32_t)part->partition, &begin,
                                       &end) == RD_KAFKA_RESP_ERR_NO_ERROR &&
        end > feed->end)
        feed->end = end;
}

bool kafka_feed_fetch(KafkaFeed *feed, size_t bytes_max)
{
    rd_kafka_message_t *messages[KAFKA_FETCH_MESSAGES];
    size_t              wanted = bytes_max / feed->record_bytes + 1;
    KafkaBatch         *batch;
    ssize_t             len;

    if (!feed->queue)
        return false;
    (void)kafka_take_unknown();
    len = rd_kafka_consume_batch_queue(
        feed->queue, 0, messages, wanted < KAFKA_FETCH_MESSAGES ? wanted : KAFKA_FETCH_MESSAGES);
    if (kafka_take_unknown())
        note_unknown(feed);
    if (len <= 0)
        return feed->is_lost;
    batch = batch_of(feed, messages, (size_t)len);
    if (batch) {
        look_at_end(feed);
        batch->base.readable_end = feed->end;
        window_append(feed, batch);
    }
    for (ssize_t i = 0; i < len; i++) {
        if (messages[i]->err)
            take_news(feed, messages[i]);
        rd_kafka_message_destroy(messages[i]);
    }
    return true;
}

/* --- life ------------------------------------------------------------------------------------- */

ErrCode kafka_feed_open(KafkaPart *part, uint32_t slot, int64_t position, int64_t end,
                        KafkaFeed **out, Err *err)
{
    KafkaFeed *feed = MEM_NEW(KafkaFeed);
    ErrCode    rc;

    feed->part = part;
    feed->slot = slot;
    feed->position = position;
    feed->end = end;
    feed->record_bytes = RECORD_BYTES_GUESS;
    rc = kafka_feed_attach(feed, err);
    if (rc != ERR_OK) {
        mem_free(feed);
        return rc;
    }
    part->feeds[slot] = feed;
    part->feeds_len++;
    part->broker->feeds_len++;
    *out = feed;
    return ERR_OK;
}

void kafka_feed_close(KafkaFeed *feed, bool is_unassigned)
{
    KafkaPart *part = feed->part;

    assert(feed->readers_len == 0);
    kafka_feed_detach(feed, is_unassigned);
    while (feed->first)
        window_drop(feed);
    part->feeds[feed->slot] = NULL;
    part->feeds_len--;
    part->broker->feeds_len--;
    mem_free(feed);
}

ErrCode kafka_feed_move(KafkaFeed *feed, int64_t position, Err *err)
{
    kafka_feed_detach(feed, true);
    for (KafkaReader *reader = feed->part->readers; reader; reader = reader->next) {
        if (reader->feed == feed)
            reader->at = NULL;
    }
    while (feed->first)
        window_drop(feed);
    feed->position = position;
    return kafka_feed_attach(feed, err);
}
