/*
 * broker_kafka_slow.c -- a cluster that answers late: quotas, and brokers that stand still.
 *
 * A quota is told by librdkafka's callback: the broker took the request, but its answer, or the
 * next request, waits.  That is no fault: it is shown beside good health, and ends when nothing has
 * been held back for some seconds.
 *
 * A broker that stands still keeps its connections, and librdkafka waits a minute before it calls
 * that an error.  So the broker thread asks for metadata every other second: silence is bad health.
 */
#include "exec/brokers/broker_kafka_impl.h"

#include <stdio.h>

#include "common/log.h"

enum {
    LISTEN_MS = 2000, /* how often a quiet cluster is asked */
    BACK_MS = 1000,   /* and one that is away */
    ANSWER_MS = 500,
    SILENCE_MS = 5000,    /* then it is said */
    RECENT_MS = 10000,    /* how long throttling is shown after the last time */
    TELL_AGAIN_MS = 60000 /* the log's rate */
};

/* --- quotas ----------------------------------------------------------------------------------- */

static const char *setting(const KafkaBroker *broker, const char *name)
{
    const char *value = NULL;

    for (size_t i = 0; i < broker->settings_len; i++) {
        if (strcmp(broker->settings[i].name, name) == 0)
            value = broker->settings[i].value;
    }
    return value;
}

static bool is_recent(const KafkaThrottle *throttle, int64_t now_ms)
{
    return throttle->at_ms && now_ms - throttle->at_ms < RECENT_MS;
}

static void print_throttle(const KafkaBroker *broker, const KafkaThrottle *throttle,
                           bool is_producing, char *out, size_t size)
{
    const char *client = setting(broker, "client.id");
    const char *user = setting(broker, "sasl.username");

    snprintf(out, size,
             "Kafka slows %s down by a quota, by %d ms a request: raise %s or request_percentage "
             "for client id \"%.60s\"%s%.60s%s, or let the queries do less",
             is_producing ? "writing" : "reading", throttle->delay_ms,
             is_producing ? "producer_byte_rate" : "consumer_byte_rate",
             client ? client : KAFKA_CLIENT_ID, user ? " or user \"" : "", user ? user : "",
             user ? "\"" : "");
}

void kafka_on_throttle(rd_kafka_t *rk, const char *name, int32_t id, int delay_ms, void *opaque)
{
    KafkaBroker   *broker = opaque;
    bool           is_producing = rd_kafka_type(rk) == RD_KAFKA_PRODUCER;
    KafkaThrottle *throttle = &broker->throttles[is_producing];
    int64_t        now_ms = kafka_now_ms();
    char           text[sizeof broker->health.slow];
    bool           is_told;

    (void)name, (void)id;
    if (delay_ms <= 0)
        return;
    pthread_mutex_lock(&broker->health_lock);
    if (!is_recent(throttle, now_ms) || delay_ms > throttle->delay_ms)
        throttle->delay_ms = delay_ms;
    throttle->at_ms = now_ms;
    is_told = throttle->told_ms && now_ms - throttle->told_ms < TELL_AGAIN_MS;
    if (!is_told)
        throttle->told_ms = now_ms;
    print_throttle(broker, throttle, is_producing, text, sizeof text);
    pthread_mutex_unlock(&broker->health_lock);
    if (!is_told)
        log_line(LOG_WARN, "kafka", "%s", text);
}

void kafka_slow_locked(const KafkaBroker *broker, BrokerHealth *out)
{
    int64_t now_ms = kafka_now_ms();

    for (int i = 1; i >= 0 && out->is_healthy && !out->slow[0]; i--) {
        if (is_recent(&broker->throttles[i], now_ms))
            print_throttle(broker, &broker->throttles[i], i == 1, out->slow, sizeof out->slow);
    }
}

/* --- silence ---------------------------------------------------------------------------------- */

static bool answers(KafkaBroker *broker, int wait_ms)
{
    const struct rd_kafka_metadata *metadata;

    if (rd_kafka_metadata(broker->admin, 0, NULL, &metadata, wait_ms) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return false;
    rd_kafka_metadata_destroy(metadata);
    return true;
}

void kafka_listen(KafkaBroker *broker)
{
    bool    is_bad = kafka_is_bad(broker);
    int64_t now_ms = kafka_now_ms();
    char    text[64];

    if (now_ms - broker->asked_ms < (is_bad ? BACK_MS : LISTEN_MS))
        return;
    if (!broker->heard_ms)
        broker->heard_ms = now_ms;
    broker->asked_ms = now_ms;
    if (answers(broker, is_bad ? BACK_MS : ANSWER_MS)) {
        broker->heard_ms = kafka_now_ms();
        kafka_health_good(broker);
    } else if (!is_bad && now_ms - broker->heard_ms > SILENCE_MS) {
        snprintf(text, sizeof text, "no broker has answered for %lld s",
                 (long long)(now_ms - broker->heard_ms) / 1000);
        kafka_health_bad(broker, RD_KAFKA_RESP_ERR__TIMED_OUT, text);
    }
}
