/*
 * broker_kafka_read.c -- consumers, and the readers on their partition queues.
 *
 * A consumer handle has a partition once, so readers that want the same partition at the same time
 * are on different consumers; a reader takes the first one whose place is free.  Each partition's
 * queue is read by itself, never waiting; when something comes into an empty queue librdkafka calls
 * the reader's wake.
 *
 * Partitions are added, taken away and rewound by incremental (un)assignment of just those: a full
 * assignment drops what every other partition has fetched, and seeking is broken in 2.0.2.  There
 * is no consumer group: nothing is subscribed, offsets are given, none is committed.
 *
 * Records are copied out of librdkafka's messages, one block per batch.  A batch may be held longer
 * than its consumer lives (a topic's deletion ends it, see below), and messages may not.
 *
 * Caught up.  What is left in front of the readable end may be markers of transactions, which are
 * no records; so librdkafka is asked to tell when a partition's end is reached, and where.
 *
 * Deleting a topic.  The destruction of a consumer hangs for ever when a topic that it read was
 * deleted meanwhile.  So it is destroyed before, and its other readers go on at a new one.
 *
 * The idle topic.  librdkafka 2.0.2 sleeps up to a second each time its queues were full; one more
 * partition that is always empty is asked for all the time, and that wakes the fetcher.
 */
#include "exec/brokers/broker_kafka_impl.h"

#include <assert.h>
#include <stdio.h>

#include "common/log.h"

enum { FETCH_MESSAGES = 512, RECORD_BYTES_GUESS = 256 };

struct KafkaReader {
    BrokerReader      base;
    KafkaBroker      *broker;
    char             *topic;
    uint32_t          partition;
    BrokerWake        wake;
    KafkaReader      *next; /* of its consumer; under consumers_lock, as is consumer */
    KafkaConsumer    *consumer;
    pthread_mutex_t   lock;  /* what follows; a poll against a move to another consumer */
    rd_kafka_queue_t *queue; /* NULL: the topic was deleted */
    int64_t           position, end;
    size_t            record_bytes; /* of an average record, to bound a fetch */
    Err               failure;      /* what came behind the records of the last batch */
};

/* Records point into the bytes behind them. */
typedef struct KafkaBatch {
    RecordBatch base;
    Buf         headers; /* of all records */
    char       *bytes;
    Record      records[];
} KafkaBatch;

/* --- consumers -------------------------------------------------------------------------------- */

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

static ErrCode consumer_open(KafkaBroker *broker, KafkaConsumer **out, Err *err)
{
    char              group[128], ahead[32];
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
                                 ahead,
                                 NULL};
    KafkaConsumer    *consumer = MEM_NEW(KafkaConsumer);
    ErrCode           rc;

    snprintf(group, sizeof group, "_weir-%.*s-reader", STR_ARG(broker->service_id));
    snprintf(ahead, sizeof ahead, "%lld", (long long)(broker->fetch_bytes + 1023) / 1024);
    rc = kafka_handle_open(broker, RD_KAFKA_CONSUMER, rd_kafka_conf_new(), pairs, &consumer->rk,
                           err);
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

/* Without readers.  The ticket is the reaper's. */
static uint64_t consumer_close(KafkaBroker *broker, KafkaConsumer *consumer)
{
    uint64_t ticket = kafka_reap(broker, consumer->rk);

    assert(!consumer->readers);
    map_deinit(&consumer->consumed);
    arena_free(consumer->mem);
    mem_free(consumer);
    return ticket;
}

static bool consumer_is_free(const KafkaConsumer *consumer, const char *topic, uint32_t partition)
{
    for (const KafkaReader *reader = consumer->readers; reader; reader = reader->next) {
        if (reader->partition == partition && strcmp(reader->topic, topic) == 0)
            return false;
    }
    return true;
}

static ErrCode consumer_for_locked(KafkaBroker *broker, const char *topic, uint32_t partition,
                                   KafkaConsumer **out, Err *err)
{
    KafkaConsumer **at = &broker->consumers;

    while (*at && !consumer_is_free(*at, topic, partition))
        at = &(*at)->next;
    if (!*at)
        TRY(consumer_open(broker, at, err));
    *out = *at;
    return ERR_OK;
}

void kafka_consumers_serve(KafkaBroker *broker)
{
    pthread_mutex_lock(&broker->consumers_lock);
    for (KafkaConsumer *consumer = broker->consumers; consumer; consumer = consumer->next) {
        rd_kafka_message_t *message;

        /* Bounded: the idle topic's news and errors of brokers, nothing else comes here. */
        for (int i = 0; i < 100 && (message = rd_kafka_consumer_poll(consumer->rk, 0)); i++)
            rd_kafka_message_destroy(message);
    }
    pthread_mutex_unlock(&broker->consumers_lock);
}

void kafka_consumers_close(KafkaBroker *broker)
{
    while (broker->consumers) {
        KafkaConsumer *consumer = broker->consumers;

        broker->consumers = consumer->next;
        consumer_close(broker, consumer);
    }
}

/* --- attaching -------------------------------------------------------------------------------- */

static void on_event(rd_kafka_t *rk, void *opaque)
{
    KafkaReader *reader = opaque;

    (void)rk;
    reader->wake.wake(reader->wake.arg);
}

/* The reader's queue on a consumer, fetching from its position.  Both locks are held. */
static ErrCode attach_locked(KafkaReader *reader, KafkaConsumer *consumer, Err *err)
{
    Str               topic = str_from(reader->topic);
    rd_kafka_queue_t *queue =
        rd_kafka_queue_get_partition(consumer->rk, reader->topic, (int32_t)reader->partition);
    ErrCode rc;

    if (!queue)
        return err_set(err, ERR_BROKER, "could not read topic \"%s\": no queue", reader->topic);
    rd_kafka_queue_forward(queue, NULL);
    if (reader->wake.wake)
        rd_kafka_queue_cb_event_enable(queue, on_event, reader);
    rc = assign(consumer, reader->topic, reader->partition, reader->position, err);
    if (rc != ERR_OK) {
        rd_kafka_queue_cb_event_enable(queue, NULL, NULL);
        rd_kafka_queue_destroy(queue);
        return rc;
    }
    if (!map_get(&consumer->consumed, topic))
        map_put(&consumer->consumed, str_copy(consumer->mem, topic), consumer);
    reader->queue = queue;
    reader->consumer = consumer;
    reader->next = consumer->readers;
    consumer->readers = reader;
    return ERR_OK;
}

static void drain(rd_kafka_queue_t *queue)
{
    rd_kafka_message_t *messages[FETCH_MESSAGES];
    ssize_t             len;

    while ((len = rd_kafka_consume_batch_queue(queue, 0, messages, FETCH_MESSAGES)) > 0) {
        for (ssize_t i = 0; i < len; i++)
            rd_kafka_message_destroy(messages[i]);
    }
}

static void detach_locked(KafkaReader *reader, bool is_unassigned)
{
    KafkaReader **at;

    if (!reader->queue)
        return;
    rd_kafka_queue_cb_event_enable(reader->queue, NULL, NULL);
    if (is_unassigned)
        unassign(reader->consumer, reader->topic, reader->partition);
    drain(reader->queue);
    rd_kafka_queue_destroy(reader->queue);
    reader->queue = NULL;
    for (at = &reader->consumer->readers; *at != reader; at = &(*at)->next) {
    }
    *at = reader->next;
    reader->consumer = NULL;
}

/* --- leaving a topic -------------------------------------------------------------------------- */

/* A reader of the topic ends; another goes on at a consumer that never read it. */
static void move_locked(KafkaBroker *broker, KafkaReader *reader, Str topic)
{
    KafkaConsumer *to = NULL;
    Err            err;

    pthread_mutex_lock(&reader->lock);
    detach_locked(reader, false);
    if (!str_eq(str_from(reader->topic), topic) &&
        (consumer_for_locked(broker, reader->topic, reader->partition, &to, &err) != ERR_OK ||
         attach_locked(reader, to, &err) != ERR_OK))
        log_line(LOG_ERROR, "kafka", "a reader of topic \"%s\" ended: %s", reader->topic, err.msg);
    pthread_mutex_unlock(&reader->lock);
    if (reader->wake.wake)
        reader->wake.wake(reader->wake.arg);
}

ErrCode kafka_consumers_leave(KafkaBroker *broker, Str topic, Err *err)
{
    KafkaConsumer **at, *leaving = NULL;
    uint64_t        ticket = 0;

    pthread_mutex_lock(&broker->consumers_lock);
    for (at = &broker->consumers; *at;) {
        KafkaConsumer *consumer = *at;

        if (!map_get(&consumer->consumed, topic)) {
            at = &consumer->next;
            continue;
        }
        *at = consumer->next;
        consumer->next = leaving;
        leaving = consumer;
    }
    while (leaving) {
        KafkaConsumer *consumer = leaving;

        leaving = consumer->next;
        while (consumer->readers)
            move_locked(broker, consumer->readers, topic);
        ticket = consumer_close(broker, consumer);
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

/* --- readers ---------------------------------------------------------------------------------- */

/* Below the beginning is the beginning.  Without locks, as it asks the cluster. */
static ErrCode find_range(const KafkaReader *reader, int64_t offset, PartitionEnds *out, Err *err)
{
    TRY(kafka_partition_ends(reader->broker, reader->topic, reader->partition, out, err));
    if (offset > out->begin)
        out->begin = offset;
    if (out->end < out->begin)
        out->end = out->begin;
    return ERR_OK;
}

static void set_range(KafkaReader *reader, PartitionEnds range)
{
    reader->position = range.begin;
    reader->end = range.end;
}

ErrCode kafka_reader_open(Broker *base, Str topic, uint32_t partition, int64_t offset,
                          BrokerWake wake, BrokerReader **out, Err *err)
{
    KafkaBroker   *broker = (KafkaBroker *)base;
    KafkaReader   *reader;
    KafkaConsumer *consumer = NULL;
    PartitionEnds  range;
    ErrCode        rc;

    TRY(kafka_topic_check(broker, topic, partition, err));
    reader = MEM_NEW(KafkaReader);
    reader->base.cls = base->cls;
    reader->broker = broker;
    reader->topic = mem_zalloc(topic.len + 1);
    memcpy(reader->topic, topic.ptr, topic.len);
    reader->partition = partition;
    reader->wake = wake;
    reader->record_bytes = RECORD_BYTES_GUESS;
    pthread_mutex_init(&reader->lock, NULL);
    rc = find_range(reader, offset, &range, err);
    if (rc == ERR_OK) {
        set_range(reader, range);
        pthread_mutex_lock(&broker->consumers_lock);
        rc = consumer_for_locked(broker, reader->topic, partition, &consumer, err);
        if (rc == ERR_OK)
            rc = attach_locked(reader, consumer, err);
        pthread_mutex_unlock(&broker->consumers_lock);
    }
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

    pthread_mutex_lock(&reader->broker->consumers_lock);
    pthread_mutex_lock(&reader->lock);
    detach_locked(reader, true);
    pthread_mutex_unlock(&reader->lock);
    pthread_mutex_unlock(&reader->broker->consumers_lock);
    pthread_mutex_destroy(&reader->lock);
    mem_free(reader->topic);
    mem_free(reader);
}

ErrCode kafka_reader_seek(BrokerReader *base, int64_t offset, Err *err)
{
    KafkaReader   *reader = (KafkaReader *)base;
    KafkaBroker   *broker = reader->broker;
    KafkaConsumer *consumer;
    PartitionEnds  range;
    ErrCode        rc;

    TRY(find_range(reader, offset, &range, err));
    pthread_mutex_lock(&broker->consumers_lock);
    pthread_mutex_lock(&reader->lock);
    consumer = reader->consumer;
    if (!consumer) {
        rc = kafka_topic_missing(str_from(reader->topic), err);
    } else {
        detach_locked(reader, true);
        set_range(reader, range);
        reader->failure.code = ERR_OK;
        rc = attach_locked(reader, consumer, err);
    }
    pthread_mutex_unlock(&reader->lock);
    pthread_mutex_unlock(&broker->consumers_lock);
    return rc;
}

/* --- batches ---------------------------------------------------------------------------------- */

static void batch_release(RecordBatch *base)
{
    KafkaBatch *batch = (KafkaBatch *)base;

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

/* Copies the messages with an offset from the reader's position on; NULL when there is none. */
static KafkaBatch *batch_of(KafkaReader *reader, rd_kafka_message_t *const *messages, size_t len)
{
    KafkaBatch *batch = mem_zalloc(sizeof *batch + sizeof *batch->records * len);
    size_t      bytes = 0, at_header = 0;
    char       *at;

    for (size_t i = 0; i < len; i++)
        bytes += messages[i]->key_len + messages[i]->len;
    batch->bytes = at = mem_alloc(bytes + 1);
    for (size_t i = 0; i < len; i++) {
        const rd_kafka_message_t *message = messages[i];
        Record                   *record = &batch->records[batch->base.len];

        if (message->err || message->offset < reader->position)
            continue;
        record->key = copy_to(&at, message->key, message->key_len);
        record->value = copy_to(&at, message->payload, message->len);
        record->headers.len = take_headers(message, &batch->headers);
        record->ts = rd_kafka_message_timestamp(message, NULL);
        record->offset = message->offset;
        reader->position = message->offset + 1;
        batch->base.len++;
    }
    if (batch->base.len == 0) {
        batch_release(&batch->base);
        return NULL;
    }
    /* The buffer of headers moved while it grew. */
    for (uint32_t i = 0; i < batch->base.len; i++) {
        Record *record = &batch->records[i];

        record->headers.ptr = record->headers.len ? batch->headers.ptr + at_header : NULL;
        at_header += record->headers.len;
    }
    reader->record_bytes = (bytes + at_header) / batch->base.len + 1;
    return batch;
}

/* --- polling ---------------------------------------------------------------------------------- */

/* The position no longer exists: retention took it, and reading goes on at the beginning. */
static ErrCode rewind_lost(KafkaReader *reader, Err *err)
{
    PartitionEnds ends;

    TRY(kafka_topic_check(reader->broker, str_from(reader->topic), reader->partition, err));
    TRY(kafka_partition_ends(reader->broker, reader->topic, reader->partition, &ends, err));
    if (reader->position > ends.end) {
        err_set(err, ERR_BROKER, "cannot read topic \"%s\" at %lld: it ends at %lld", reader->topic,
                (long long)reader->position, (long long)ends.end);
        err_hint(err, "the topic was deleted and made again, or lost records");
        return ERR_BROKER;
    }
    return kafka_reader_seek(&reader->base, reader->position, err);
}

/* What is not a record: the end of the partition, or a failure. */
static ErrCode take_news(KafkaReader *reader, const rd_kafka_message_t *message, bool *is_lost,
                         Err *err)
{
    switch (message->err) {
    case RD_KAFKA_RESP_ERR__PARTITION_EOF:
        if (message->offset >= reader->position)
            reader->position = reader->end = message->offset;
        return ERR_OK;
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
        /* A handle that is new to a topic may say so too early: the cluster is asked. */
        kafka_topic_doubt(reader->broker, str_from(reader->topic));
        *is_lost = true;
        return ERR_OK;
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
        *is_lost = true;
        return ERR_OK;
    default:
        return kafka_error(err, message->err, rd_kafka_message_errstr(message),
                           "could not read topic \"%s\"", reader->topic);
    }
}

static ErrCode take_all_news(KafkaReader *reader, rd_kafka_message_t *const *messages, size_t len,
                             bool *is_lost, Err *err)
{
    ErrCode rc = ERR_OK;

    for (size_t i = 0; i < len && rc == ERR_OK; i++) {
        if (messages[i]->err)
            rc = take_news(reader, messages[i], is_lost, err);
    }
    return rc;
}

/* The end as librdkafka last heard it; markers and open transactions may be in front of it. */
static void look_at_end(KafkaReader *reader)
{
    int64_t begin, end;

    if (reader->position > reader->end)
        reader->end = reader->position;
    if (rd_kafka_get_watermark_offsets(reader->consumer->rk, reader->topic,
                                       (int32_t)reader->partition, &begin,
                                       &end) == RD_KAFKA_RESP_ERR_NO_ERROR &&
        end > reader->end)
        reader->end = end;
}

static ErrCode poll_locked(KafkaReader *reader, size_t bytes_max, KafkaBatch **out, bool *is_lost,
                           Err *err)
{
    rd_kafka_message_t *messages[FETCH_MESSAGES];
    size_t              wanted = bytes_max / reader->record_bytes + 1;
    ssize_t             len;
    ErrCode             rc;

    *out = NULL;
    if (!reader->queue)
        return kafka_topic_missing(str_from(reader->topic), err);
    if (reader->failure.code != ERR_OK) {
        *err = reader->failure;
        reader->failure.code = ERR_OK;
        return err->code;
    }
    len = rd_kafka_consume_batch_queue(reader->queue, 0, messages,
                                       wanted < FETCH_MESSAGES ? wanted : FETCH_MESSAGES);
    if (len <= 0)
        return ERR_OK;
    *out = batch_of(reader, messages, (size_t)len);
    if (*out)
        look_at_end(reader);
    rc = take_all_news(reader, messages, (size_t)len, is_lost, err);
    for (ssize_t i = 0; i < len; i++)
        rd_kafka_message_destroy(messages[i]);
    return rc;
}

ErrCode kafka_reader_poll(BrokerReader *base, size_t bytes_max, RecordBatch **out,
                          int64_t *position, int64_t *readable_end, Err *err)
{
    KafkaReader *reader = (KafkaReader *)base;
    KafkaBatch  *batch = NULL;
    bool         is_lost = false;
    ErrCode      rc;

    pthread_mutex_lock(&reader->lock);
    rc = poll_locked(reader, bytes_max, &batch, &is_lost, err);
    if (rc != ERR_OK && batch) {
        reader->failure = *err; /* the records come first */
        rc = ERR_OK;
    }
    if (rc == ERR_OK) {
        *position = reader->position;
        *readable_end = reader->end;
    }
    pthread_mutex_unlock(&reader->lock);
    if (rc == ERR_OK && is_lost)
        rc = rewind_lost(reader, err);
    if (rc != ERR_OK) {
        if (batch)
            batch_release(&batch->base);
        return rc;
    }
    if (batch) {
        batch->base.records = batch->records;
        batch->base.next_offset = *position;
        batch->base.readable_end = *readable_end;
        batch->base.refs = 1;
        batch->base.release = batch_release;
    }
    *out = batch ? &batch->base : NULL;
    return ERR_OK;
}
