/*
 * broker_kafka_write.c -- single records: one idempotent producer for the node.
 *
 * The broker thread serves its delivery reports, which are the acks.  A record whose report is a
 * timeout may have been written: nobody can say.  A producer that ended for good (a fatal error)
 * is replaced; what was in it is reported as failed first.
 */
#include "exec/brokers/broker_kafka_impl.h"

#include "common/limit.h"
#include "common/log.h"

typedef struct Produced {
    KafkaBroker *broker;
    BrokerAck    ack;
    void        *arg;
    char        *topic;
} Produced;

/* --- sending ---------------------------------------------------------------------------------- */

static rd_kafka_headers_t *headers_of(Str bytes)
{
    rd_kafka_headers_t *headers = rd_kafka_headers_new(4);
    Str                 name, value;

    for (Str rest = bytes; header_next(&rest, &name, &value);)
        rd_kafka_header_add(headers, name.ptr, (ssize_t)name.len, value.ptr, (ssize_t)value.len);
    return headers;
}

rd_kafka_resp_err_t kafka_send(rd_kafka_t *rk, rd_kafka_topic_t *topic, uint32_t partition,
                               const Record *record, bool is_copied, void *opaque)
{
    rd_kafka_headers_t *headers = record->headers.len ? headers_of(record->headers) : NULL;
    /* librdkafka takes time 0 for "now"; the millisecond after it is nearer. */
    int64_t             ts = record->ts ? record->ts : 1;
    int                 flags = is_copied ? RD_KAFKA_MSG_F_COPY : 0;
    rd_kafka_resp_err_t code;

    code = headers ? rd_kafka_producev(
                         rk, RD_KAFKA_V_RKT(topic), RD_KAFKA_V_PARTITION((int32_t)partition),
                         RD_KAFKA_V_KEY(record->key.ptr, record->key.len),
                         RD_KAFKA_V_VALUE((void *)(uintptr_t)record->value.ptr, record->value.len),
                         RD_KAFKA_V_TIMESTAMP(ts), RD_KAFKA_V_MSGFLAGS(flags),
                         RD_KAFKA_V_OPAQUE(opaque), RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_END)
                   : rd_kafka_producev(
                         rk, RD_KAFKA_V_RKT(topic), RD_KAFKA_V_PARTITION((int32_t)partition),
                         RD_KAFKA_V_KEY(record->key.ptr, record->key.len),
                         RD_KAFKA_V_VALUE((void *)(uintptr_t)record->value.ptr, record->value.len),
                         RD_KAFKA_V_TIMESTAMP(ts), RD_KAFKA_V_MSGFLAGS(flags),
                         RD_KAFKA_V_OPAQUE(opaque), RD_KAFKA_V_END);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR && headers)
        rd_kafka_headers_destroy(headers); /* only success takes them */
    return code;
}

/* --- acks ------------------------------------------------------------------------------------- */

static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *message, void *opaque)
{
    Produced *produced = message->_private;
    Err       err;
    ErrCode   rc = ERR_OK;

    (void)rk, (void)opaque;
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        rc = kafka_error(&err, message->err, NULL, "could not write to topic \"%s\"",
                         produced->topic);
        if (rc == ERR_TOPIC_MISSING) {
            kafka_topic_doubt(produced->broker, str_from(produced->topic));
            rc = kafka_topic_missing(str_from(produced->topic), &err);
        }
    }
    produced->ack(produced->arg, rc, rc == ERR_OK ? message->offset : -1, &err);
    mem_free(produced->topic);
    mem_free(produced);
}

static ErrCode open_handle(KafkaBroker *broker, rd_kafka_t **out, Err *err)
{
    static const char *const pairs[] = {
        "enable.idempotence", "true",  "acks", "all", "linger.ms", "0",
        "message.timeout.ms", "30000", NULL};
    rd_kafka_conf_t *conf = rd_kafka_conf_new();

    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    return kafka_handle_open(broker, RD_KAFKA_PRODUCER, conf, pairs, out, err);
}

ErrCode kafka_plain_open(KafkaBroker *broker, Err *err)
{
    return open_handle(broker, &broker->plain, err);
}

/* --- serving ---------------------------------------------------------------------------------- */

static void replace_fatal(KafkaBroker *broker)
{
    char                why[256];
    rd_kafka_resp_err_t code = rd_kafka_fatal_error(broker->plain, why, sizeof why);
    rd_kafka_t         *old = broker->plain, *fresh = NULL;
    Err                 err;

    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        return;
    log_line(LOG_WARN, "kafka", "the producer of single records starts anew: %s", why);
    if (open_handle(broker, &fresh, &err) != ERR_OK)
        return;
    pthread_mutex_lock(&broker->plain_lock);
    broker->plain = fresh;
    pthread_mutex_unlock(&broker->plain_lock);
    rd_kafka_purge(old, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    while (rd_kafka_outq_len(old) > 0)
        rd_kafka_poll(old, KAFKA_STEP_MS);
    kafka_reap(broker, old);
}

void kafka_plain_serve(KafkaBroker *broker, int wait_ms)
{
    rd_kafka_poll(broker->plain, wait_ms);
    replace_fatal(broker);
    /* Whoever waits for an ack is told that nobody knows. */
    if (kafka_is_over(broker))
        rd_kafka_purge(broker->plain, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
}

/* What waits is written, or reported as failed when that takes too long. */
void kafka_plain_close(KafkaBroker *broker)
{
    if (!broker->plain)
        return;
    if (rd_kafka_flush(broker->plain, (int)kafka_left_ms(broker, KAFKA_PRODUCE_MS)) !=
        RD_KAFKA_RESP_ERR_NO_ERROR)
        rd_kafka_purge(broker->plain, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    while (rd_kafka_outq_len(broker->plain) > 0)
        rd_kafka_poll(broker->plain, KAFKA_STEP_MS);
    kafka_reap(broker, broker->plain);
}

/* --- producing -------------------------------------------------------------------------------- */

static ErrCode check_size(Str topic, const Record *record, Err *err)
{
    size_t bytes = record->key.len + record->value.len + record->headers.len;

    if ((int64_t)bytes > g_limits.record_bytes)
        return err_set(err, ERR_RECORD_TOO_LARGE,
                       "record of %zu bytes for topic \"%.*s\" is over the limit of %lld", bytes,
                       STR_ARG(topic), (long long)g_limits.record_bytes);
    return ERR_OK;
}

static ErrCode check_queue(rd_kafka_t *rk, Err *err)
{
    int waiting = rd_kafka_outq_len(rk);

    if (waiting < g_limits.insert_queue)
        return ERR_OK;
    err_set(err, ERR_BUSY, "%d records already wait for the broker", waiting);
    err_hint(err, "try again; weir.limit.insert.queue is %lld", (long long)g_limits.insert_queue);
    err->is_retriable = true;
    return ERR_BUSY;
}

static ErrCode produce_locked(KafkaBroker *broker, Produced *produced, uint32_t partition,
                              const Record *record, Err *err)
{
    rd_kafka_topic_t   *topic;
    rd_kafka_resp_err_t code;

    TRY(check_queue(broker->plain, err));
    topic = rd_kafka_topic_new(broker->plain, produced->topic, NULL);
    code = topic ? kafka_send(broker->plain, topic, partition, record, true, produced)
                 : rd_kafka_last_error();
    if (topic)
        rd_kafka_topic_destroy(topic);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return kafka_error(err, code, NULL, "could not write to topic \"%s\"", produced->topic);
    return ERR_OK;
}

ErrCode kafka_produce(Broker *base, Str topic, uint32_t partition, const Record *record,
                      BrokerAck ack, void *arg, Err *err)
{
    KafkaBroker *broker = (KafkaBroker *)base;
    Produced    *produced;
    ErrCode      rc;

    TRY(check_size(topic, record, err));
    TRY(kafka_check_fenced(broker, err));
    TRY(kafka_topic_check(broker, topic, partition, err));
    produced = MEM_NEW(Produced);
    *produced = (Produced){broker, ack, arg, mem_zalloc(topic.len + 1)};
    memcpy(produced->topic, topic.ptr, topic.len);
    pthread_mutex_lock(&broker->plain_lock);
    rc = produce_locked(broker, produced, partition, record, err);
    pthread_mutex_unlock(&broker->plain_lock);
    if (rc != ERR_OK) {
        mem_free(produced->topic);
        mem_free(produced);
    }
    return rc;
}
