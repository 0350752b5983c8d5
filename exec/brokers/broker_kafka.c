/*
 * broker_kafka.c -- the Kafka driver's life: settings, errors in plain words, health.
 *
 * librdkafka keeps trying for ever when brokers are away, so most outages are no error of a call:
 * they are told by its error callback, kept here for broker_health(), and end when the broker
 * thread gets an answer to a metadata request again (broker_kafka_slow.c).
 */
#include "exec/brokers/broker_kafka_impl.h"

#include <stdio.h>
#include <time.h>

#include "common/limit.h"
#include "common/log.h"

int64_t kafka_now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* --- errors ----------------------------------------------------------------------------------- */

typedef struct KafkaAdvice {
    rd_kafka_resp_err_t code;
    ErrCode             as;
    bool                is_retriable;
    const char         *hint;
} KafkaAdvice;

static const KafkaAdvice advices[] = {
    {RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, ERR_BROKER, true,
     "check that the brokers of bootstrap.servers run and can be reached"},
    {RD_KAFKA_RESP_ERR__TRANSPORT, ERR_BROKER, true,
     "check that the brokers of bootstrap.servers run and can be reached"},
    {RD_KAFKA_RESP_ERR__RESOLVE, ERR_BROKER, true, "check the host names of bootstrap.servers"},
    {RD_KAFKA_RESP_ERR__TIMED_OUT, ERR_BROKER, true, "check that the brokers run and are not busy"},
    {RD_KAFKA_RESP_ERR__MSG_TIMED_OUT, ERR_BROKER, true,
     "the record may or may not have been written"},
    {RD_KAFKA_RESP_ERR__AUTHENTICATION, ERR_BROKER, false,
     "check sasl.mechanism, sasl.username and sasl.password; SCRAM to Kafka 4 needs librdkafka "
     "2.6.1 or newer"},
    {RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED, ERR_BROKER, false,
     "check sasl.username and sasl.password"},
    {RD_KAFKA_RESP_ERR__SSL, ERR_BROKER, false,
     "check security.protocol, ssl.ca.location and the client's certificate"},
    {RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, ERR_AUTH, false,
     "give this server's user the right to the topic"},
    {RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED, ERR_AUTH, false,
     "give this server's user the right to the groups that begin with _weir-"},
    {RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED, ERR_AUTH, false,
     "give this server's user the right to create topics and to write idempotently"},
    {RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED, ERR_AUTH, false,
     "give this server's user the right to write with transactional ids that begin with _weir-"},
    {RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, ERR_RECORD_TOO_LARGE, false,
     "raise max.message.bytes of the topic"},
    {RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE, ERR_RECORD_TOO_LARGE, false,
     "raise segment.bytes of the topic"},
    {RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP, ERR_RECORD_REFUSED, false,
     "raise message.timestamp.after.max.ms of the topic: its time is too far from now"},
    {RD_KAFKA_RESP_ERR_INVALID_RECORD, ERR_RECORD_REFUSED, false,
     "a compacted topic takes no record without a key: set cleanup.policy to delete"},
    {RD_KAFKA_RESP_ERR_UNSUPPORTED_COMPRESSION_TYPE, ERR_BROKER, false,
     "choose another compression.type"},
    {RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, ERR_TOPIC_MISSING, false, NULL},
    {RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC, ERR_TOPIC_MISSING, false, NULL},
    {RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION, ERR_TOPIC_MISSING, false, NULL},
    {RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS, ERR_TOPIC_EXISTS, false, NULL},
    {RD_KAFKA_RESP_ERR__QUEUE_FULL, ERR_BUSY, true, "try again"},
    {RD_KAFKA_RESP_ERR_POLICY_VIOLATION, ERR_BROKER, false, "ask who runs the cluster"},
    {RD_KAFKA_RESP_ERR_THROTTLING_QUOTA_EXCEEDED, ERR_BROKER, true,
     "the cluster's quota for making topics is used up: try again, or ask who runs the cluster"},
    {RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR, ERR_BROKER, false,
     "REPLICAS, ksql.internal.topic.replicas and ksql.streams.replication.factor may not exceed "
     "the "
     "number of brokers"},
    {RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS, ERR_BROKER, true,
     "too few replicas are in sync: look at the brokers"},
    {RD_KAFKA_RESP_ERR__FENCED, ERR_BROKER, true,
     "another server runs with the same ksql.service.id, or this one stood still for a minute: "
     "which of the two, Weir finds out"},
};

static const KafkaAdvice *advice_of(rd_kafka_resp_err_t code)
{
    for (size_t i = 0; i < sizeof advices / sizeof *advices; i++) {
        if (advices[i].code == code)
            return &advices[i];
    }
    return NULL;
}

/* A listener that speaks another protocol hangs up at the first request, and one that does not take
 * our certificate after it was shown: only librdkafka's words tell that from a broker that went
 * away. */
static const KafkaAdvice *advice_on(rd_kafka_resp_err_t code, const char *detail)
{
    bool is_protocol =
        detail && (strstr(detail, "security.protocol") || strstr(detail, "SSL routines"));

    return advice_of(is_protocol ? RD_KAFKA_RESP_ERR__SSL : code);
}

/* librdkafka's name for an error, or plainer words. */
static const char *words_of(rd_kafka_resp_err_t code)
{
    switch (code) {
    case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
    case RD_KAFKA_RESP_ERR__TRANSPORT:
        return "no broker can be reached";
    case RD_KAFKA_RESP_ERR__TIMED_OUT:
        return "no broker answered in time";
    case RD_KAFKA_RESP_ERR__MSG_TIMED_OUT:
        return "no broker acknowledged it in time";
    default:
        return rd_kafka_err2str(code);
    }
}

ErrCode kafka_error(Err *err, rd_kafka_resp_err_t code, const char *detail, const char *format, ...)
{
    const KafkaAdvice *advice = advice_of(code);
    char               what[256];
    va_list            args;

    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    err_set(err, advice ? advice->as : ERR_BROKER, "%s: %s", what,
            detail && *detail ? detail : words_of(code));
    err->is_retriable = !advice || advice->is_retriable;
    if (advice && advice->hint)
        err_hint(err, "%s", advice->hint);
    return err->code;
}

ErrCode kafka_topic_missing(Str name, Err *err)
{
    return err_set(err, ERR_TOPIC_MISSING, "topic \"%.*s\" does not exist", STR_ARG(name));
}

/* --- health ----------------------------------------------------------------------------------- */

static void kafka_health(Broker *base, BrokerHealth *out)
{
    KafkaBroker *broker = (KafkaBroker *)base;

    pthread_mutex_lock(&broker->health_lock);
    *out = broker->health;
    kafka_slow_locked(broker, out);
    pthread_mutex_unlock(&broker->health_lock);
}

static void tell_health(KafkaBroker *broker)
{
    const BrokerWatch *watch = broker->base.watch;
    BrokerHealth       health;

    if (!watch)
        return;
    kafka_health(&broker->base, &health);
    watch->health_changed(watch->arg, &health);
}

enum { TOLD_BYTES_MAX = 300 };

/* How much of librdkafka's words is for people: not how long a connection was in which state. */
static int told_len(const char *detail)
{
    const char *state = strstr(detail, " (after ");
    size_t      len = state ? (size_t)(state - detail) : strlen(detail);

    return len < TOLD_BYTES_MAX ? (int)len : TOLD_BYTES_MAX;
}

void kafka_health_bad(KafkaBroker *broker, rd_kafka_resp_err_t code, const char *detail)
{
    const KafkaAdvice *advice = advice_on(code, detail);
    char               why[sizeof broker->health.why];
    bool               is_news;

    if (!detail || !*detail)
        detail = rd_kafka_err2str(code);
    snprintf(why, sizeof why, "Kafka: %.*s%s%.120s", told_len(detail), detail,
             advice && advice->hint ? "; " : "", advice && advice->hint ? advice->hint : "");
    pthread_mutex_lock(&broker->health_lock);
    is_news = broker->health.is_healthy && !broker->is_fenced;
    /* That all brokers are down says less than what was said of one of them. */
    if (!broker->is_fenced && (is_news || code != RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN)) {
        broker->health.is_healthy = false;
        memcpy(broker->health.why, why, sizeof why);
        broker->is_refused = advice && !advice->is_retriable;
    }
    pthread_mutex_unlock(&broker->health_lock);
    if (is_news)
        log_line(LOG_WARN, "kafka", "%s", why);
    tell_health(broker);
}

void kafka_health_good(KafkaBroker *broker)
{
    bool is_news;

    pthread_mutex_lock(&broker->health_lock);
    is_news = !broker->health.is_healthy && !broker->is_fenced;
    if (is_news) {
        broker->health = (BrokerHealth){.is_healthy = true};
        broker->is_refused = false;
    }
    pthread_mutex_unlock(&broker->health_lock);
    if (!is_news)
        return;
    log_line(LOG_INFO, "kafka", "the cluster answers again");
    tell_health(broker);
}

static void kafka_fence(Broker *base, const char *why)
{
    KafkaBroker *broker = (KafkaBroker *)base;
    bool         is_news;

    pthread_mutex_lock(&broker->health_lock);
    is_news = !broker->is_fenced;
    broker->is_fenced = true;
    broker->health.is_healthy = false;
    snprintf(broker->health.why, sizeof broker->health.why, "%s", why);
    pthread_mutex_unlock(&broker->health_lock);
    if (is_news)
        log_line(LOG_ERROR, "kafka", "%s: nothing is written any more", why);
    tell_health(broker);
}

ErrCode kafka_check_fenced(KafkaBroker *broker, Err *err)
{
    ErrCode rc = ERR_OK;

    pthread_mutex_lock(&broker->health_lock);
    if (broker->is_fenced)
        rc = err_set(err, ERR_BROKER, "%s", broker->health.why);
    pthread_mutex_unlock(&broker->health_lock);
    if (rc != ERR_OK)
        err_hint(err, "stop the other server, then restart this one");
    return rc;
}

static int64_t kafka_fetched_bytes(Broker *base)
{
    const KafkaBroker *broker = (const KafkaBroker *)base;

    return __atomic_load_n(&broker->queued_bytes, __ATOMIC_RELAXED) +
           __atomic_load_n(&broker->held_bytes, __ATOMIC_RELAXED);
}

bool kafka_is_bad(KafkaBroker *broker)
{
    BrokerHealth health;

    kafka_health(&broker->base, &health);
    return !health.is_healthy;
}

/* --- ending ----------------------------------------------------------------------------------- */

static void kafka_hurry(Broker *base, int64_t ms)
{
    KafkaBroker *broker = (KafkaBroker *)base;
    int64_t      now_ms = kafka_now_ms();

    __atomic_store_n(&broker->ends_ms, now_ms + ms, __ATOMIC_RELAXED);
    __atomic_store_n(&broker->hurried_ms, now_ms, __ATOMIC_RELEASE);
}

int64_t kafka_left_ms(KafkaBroker *broker, int64_t ms)
{
    int64_t hurried_ms = __atomic_load_n(&broker->hurried_ms, __ATOMIC_ACQUIRE);
    int64_t left_ms;

    if (!hurried_ms)
        return ms;
    left_ms = kafka_is_bad(broker) ? hurried_ms + KAFKA_HURRY_MS
                                   : __atomic_load_n(&broker->ends_ms, __ATOMIC_RELAXED);
    left_ms -= kafka_now_ms();
    if (left_ms < 0)
        left_ms = 0;
    return left_ms < ms ? left_ms : ms;
}

bool kafka_is_over(KafkaBroker *broker)
{
    return kafka_left_ms(broker, 1) == 0;
}

/* Not 0, which librdkafka takes for "ask nobody" here and there. */
int kafka_request_ms(KafkaBroker *broker)
{
    int64_t ms = kafka_left_ms(broker, kafka_is_bad(broker) ? KAFKA_AWAY_MS : KAFKA_REQUEST_MS);

    return ms > 0 ? (int)ms : 1;
}

/* --- handles ---------------------------------------------------------------------------------- */

/* Said inside a call of this thread. */
static _Thread_local bool is_topic_unknown;

bool kafka_take_unknown(void)
{
    bool was_unknown = is_topic_unknown;

    is_topic_unknown = false;
    return was_unknown;
}

static void on_error(rd_kafka_t *rk, int code, const char *reason, void *opaque)
{
    /* librdkafka takes a broker that stands still for one that is very old. */
    const char *silence = strstr(reason, "ApiVersionRequest failed: Local: Timed out");
    char        text[128];

    (void)rk;
    if (code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ||
        code == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC || code == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION) {
        is_topic_unknown = true; /* for whoever reads it, not for all */
    } else if (silence) {
        snprintf(text, sizeof text, "%.*sthe broker takes connections, but does not answer",
                 silence - reason < 60 ? (int)(silence - reason) : 60, reason);
        kafka_health_bad(opaque, RD_KAFKA_RESP_ERR__TIMED_OUT, text);
    } else if (code != RD_KAFKA_RESP_ERR__FATAL) {
        /* A fatal error is dealt with where the handle is used; the rest is what health tells. */
        kafka_health_bad(opaque, code, reason);
    }
}

/* Which partition was not let into a transaction, librdkafka tells in its log only: «Failed to add
 * partition "orders" [0] to transaction: Broker: Topic authorization failed». */
static void note_refusal(KafkaBroker *broker, const rd_kafka_t *rk, const char *text)
{
    static const rd_kafka_resp_err_t codes[] = {RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED,
                                                RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART};
    const char                      *begin = strchr(text, '"');
    const char                      *end = begin ? strchr(begin + 1, '"') : NULL;

    for (size_t i = 0; end && i < sizeof codes / sizeof *codes; i++) {
        KafkaRefusal *refusal = &broker->refusal;

        if (!strstr(end, rd_kafka_err2str(codes[i])))
            continue;
        pthread_mutex_lock(&broker->health_lock);
        refusal->rk = rk;
        refusal->code = codes[i];
        snprintf(refusal->topic, sizeof refusal->topic, "%.*s", (int)(end - begin - 1), begin + 1);
        pthread_mutex_unlock(&broker->health_lock);
    }
}

static void on_log(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
    /* on_error() hears of connections that fail, too. */
    bool is_told = strcmp(facility, "FAIL") == 0;

    if (strcmp(facility, "ADDPARTS") == 0)
        note_refusal(rd_kafka_opaque(rk), rk, text);
    log_line(level <= 4 && !is_told ? LOG_WARN : LOG_DEBUG, "librdkafka", "%s: %s", facility, text);
}

static ErrCode conf_set(rd_kafka_conf_t *conf, const char *name, const char *value, Err *err)
{
    char why[256];

    if (rd_kafka_conf_set(conf, name, value, why, sizeof why) == RD_KAFKA_CONF_OK)
        return ERR_OK;
    err_set(err, ERR_CONFIG, "cannot use property \"%s\": %s", name, why);
    if (strcmp(name, "sasl.jaas.config") == 0)
        err_hint(err, "give sasl.mechanism, sasl.username and sasl.password instead");
    else if (str_starts(str_from(name), STR("ssl.truststore.")))
        err_hint(err, "give the certificates as a PEM file by ssl.ca.location instead");
    else if (strcmp(name, "ssl.endpoint.identification.algorithm") == 0)
        err_hint(err, "give https, or none, which takes any host name");
    return ERR_CONFIG;
}

/* A consumer that is given a setting of producers complains in the log. */
static bool is_for(const KafkaSetting *setting, rd_kafka_type_t type)
{
    return type == RD_KAFKA_PRODUCER || strcmp(setting->name, "compression.type") != 0;
}

static ErrCode conf_fill(KafkaBroker *broker, rd_kafka_type_t type, rd_kafka_conf_t *conf,
                         const char *const *pairs, Err *err)
{
    char largest[32];

    rd_kafka_conf_set_opaque(conf, broker);
    rd_kafka_conf_set_error_cb(conf, on_error);
    rd_kafka_conf_set_log_cb(conf, on_log);
    rd_kafka_conf_set_throttle_cb(conf, kafka_on_throttle);
    /* A record may be as large as the limit says, and the protocol adds a little. */
    snprintf(largest, sizeof largest, "%lld", (long long)g_limits.record_bytes + 4096);
    TRY(conf_set(conf, "message.max.bytes", largest, err));
    TRY(conf_set(conf, "client.id", KAFKA_CLIENT_ID, err));
    TRY(conf_set(conf, "reconnect.backoff.max.ms", "1000", err));
    TRY(conf_set(conf, "allow.auto.create.topics", "false", err));
    for (size_t i = 0; i < broker->settings_len; i++) {
        if (is_for(&broker->settings[i], type))
            TRY(conf_set(conf, broker->settings[i].name, broker->settings[i].value, err));
    }
    for (size_t i = 0; pairs[i]; i += 2)
        TRY(conf_set(conf, pairs[i], pairs[i + 1], err));
    return ERR_OK;
}

ErrCode kafka_handle_open(KafkaBroker *broker, rd_kafka_type_t type, rd_kafka_conf_t *conf,
                          const char *const *pairs, rd_kafka_t **out, Err *err)
{
    char        why[256];
    rd_kafka_t *rk;
    ErrCode     rc = conf_fill(broker, type, conf, pairs, err);

    rk = rc == ERR_OK ? rd_kafka_new(type, conf, why, sizeof why) : NULL;
    if (rk) {
        *out = rk;
        return ERR_OK;
    }
    rd_kafka_conf_destroy(conf);
    return rc != ERR_OK ? rc : err_set(err, ERR_CONFIG, "cannot use the Kafka settings: %s", why);
}

/* --- the broker thread ------------------------------------------------------------------------ */

static void *kafka_thread(void *arg)
{
    KafkaBroker *broker = arg;

    while (!__atomic_load_n(&broker->is_closing, __ATOMIC_ACQUIRE)) {
        kafka_plain_serve(broker, KAFKA_STEP_MS);
        rd_kafka_poll(broker->admin, 0);
        kafka_consumers_serve(broker);
        kafka_groups_serve(broker);
        kafka_listen(broker);
    }
    return NULL;
}

static bool kafka_step(Broker *base)
{
    (void)base;
    return false;
}

/* --- life ------------------------------------------------------------------------------------- */

static void kafka_close(Broker *base)
{
    KafkaBroker *broker = (KafkaBroker *)base;

    __atomic_store_n(&broker->is_closing, 1, __ATOMIC_RELEASE);
    if (broker->has_thread)
        pthread_join(broker->thread, NULL);
    kafka_plain_close(broker);
    kafka_consumers_close(broker);
    kafka_groups_close(broker);
    if (broker->admin)
        kafka_reap(broker, broker->admin);
    kafka_reaper_close(broker);
    if (broker->has_left_behind)
        return; /* its callbacks come here: all stays until the process ends */
    pthread_mutex_destroy(&broker->health_lock);
    pthread_mutex_destroy(&broker->reap_lock);
    pthread_cond_destroy(&broker->reap_cond);
    pthread_mutex_destroy(&broker->consumers_lock);
    pthread_mutex_destroy(&broker->topics_lock);
    pthread_mutex_destroy(&broker->plain_lock);
    map_deinit(&broker->topics);
    map_deinit(&broker->parts);
    arena_free(broker->mem);
    mem_free(broker);
}

static const BrokerClass kafka_class = {
    .name = "kafka",
    .is_apart = true,
    .topic_create = kafka_topic_create,
    .topic_delete = kafka_topic_delete,
    .topic_describe = kafka_topic_describe,
    .topics = kafka_topics,
    .topic_ends = kafka_topic_ends,
    .reader_open = kafka_reader_open,
    .reader_poll = kafka_reader_poll,
    .reader_seek = kafka_reader_seek,
    .reader_close = kafka_reader_close,
    .txn_open = kafka_txn_open,
    .txn_begin = kafka_txn_begin,
    .txn_append = kafka_txn_append,
    .txn_commit = kafka_txn_commit,
    .txn_abort = kafka_txn_abort,
    .txn_culprit = kafka_txn_culprit,
    .txn_is_over = kafka_txn_is_over,
    .txn_close = kafka_txn_close,
    .produce = kafka_produce,
    .trim = kafka_trim,
    .group_copy = kafka_group_copy,
    .group_delete = kafka_group_delete,
    .hurry = kafka_hurry,
    .fence = kafka_fence,
    .health = kafka_health,
    .fetched_bytes = kafka_fetched_bytes,
    .step = kafka_step,
    .close = kafka_close,
};

/* True when a broker has told about the cluster; an answer that came too late for the call that
 * asked counts too. */
static bool has_answer(KafkaBroker *broker, int wait_ms, rd_kafka_resp_err_t *code)
{
    const struct rd_kafka_metadata *metadata;
    char                           *id;

    *code = rd_kafka_metadata(broker->admin, 0, NULL, &metadata, wait_ms);
    if (*code == RD_KAFKA_RESP_ERR_NO_ERROR) {
        rd_kafka_metadata_destroy(metadata);
        return true;
    }
    id = rd_kafka_clusterid(broker->admin, 0);
    if (id)
        rd_kafka_mem_free(broker->admin, id);
    return id != NULL;
}

/* Waiting will not help: the settings are refused, and the cluster never took them. */
static bool is_hopeless(KafkaBroker *broker)
{
    const BrokerWatch *watch = broker->base.watch;
    bool               is_refused;

    pthread_mutex_lock(&broker->health_lock);
    is_refused = broker->is_refused;
    pthread_mutex_unlock(&broker->health_lock);
    return is_refused && !(watch && __atomic_load_n(&watch->has_answered, __ATOMIC_RELAXED));
}

static ErrCode unreachable(KafkaBroker *broker, rd_kafka_resp_err_t code, Err *err)
{
    BrokerHealth health;

    kafka_health(&broker->base, &health);
    if (health.is_healthy)
        return kafka_error(err, code, NULL, "could not reach the Kafka cluster");
    (void)err_set(err, ERR_BROKER, "could not reach the Kafka cluster: %s", health.why);
    err->is_retriable = !is_hopeless(broker);
    return ERR_BROKER;
}

/*
 * The first answer of the cluster.  Without a watch it has KAFKA_REQUEST_MS; with one, as long as
 * it takes, unless all that is heard after that time is a refusal.
 */
static ErrCode await_cluster(KafkaBroker *broker, Err *err)
{
    BrokerWatch        *watch = broker->base.watch;
    int64_t             began_ms = kafka_now_ms(), told_ms = began_ms;
    int                 wait_ms = KAFKA_LOOK_MS / 16;
    rd_kafka_resp_err_t code;

    while (!has_answer(broker, wait_ms, &code)) {
        int64_t now_ms = kafka_now_ms();

        rd_kafka_poll(broker->admin, 0); /* what the error callback has to say */
        if (broker_is_cancelled(&broker->base))
            return err_set(err, ERR_CANCELLED, "waiting for the Kafka cluster was cancelled");
        if (now_ms - began_ms >= KAFKA_REQUEST_MS && (!watch || is_hopeless(broker)))
            return unreachable(broker, code, err);
        if (now_ms - began_ms >= KAFKA_SILENCE_MS && !kafka_is_bad(broker))
            kafka_health_bad(broker, RD_KAFKA_RESP_ERR__TIMED_OUT,
                             "no broker of bootstrap.servers answers");
        if (now_ms - told_ms >= KAFKA_TELL_MS) {
            log_line(LOG_WARN, "kafka", "waiting for the cluster since %lld s",
                     (long long)(now_ms - began_ms) / 1000);
            told_ms = now_ms;
        }
        if (wait_ms < KAFKA_LOOK_MS)
            wait_ms *= 2;
    }
    if (watch)
        __atomic_store_n(&watch->has_answered, true, __ATOMIC_RELAXED);
    kafka_health_good(broker);
    return ERR_OK;
}

/* The first words with the cluster; the idle topic is made, which shows that it lets us work. */
static ErrCode kafka_greet(KafkaBroker *broker, Err *err)
{
    TopicSpec spec = {.name = broker->idle_topic,
                      .partitions = 1,
                      .replicas = -1,
                      .retention_ms = -1,
                      .cleanup = TOPIC_DELETE};
    ErrCode   rc;

    TRY(await_cluster(broker, err));
    rc = kafka_topic_create(&broker->base, &spec, err);
    return rc == ERR_TOPIC_EXISTS ? ERR_OK : rc;
}

static ErrCode kafka_start(KafkaBroker *broker, Err *err)
{
    static const char *const no_pairs[] = {NULL};

    TRY(kafka_reaper_open(broker, err));
    TRY(kafka_handle_open(broker, RD_KAFKA_PRODUCER, rd_kafka_conf_new(), no_pairs, &broker->admin,
                          err));
    kafka_groups_open(broker);
    TRY(kafka_plain_open(broker, err));
    TRY(kafka_greet(broker, err));
    if (pthread_create(&broker->thread, NULL, kafka_thread, broker) != 0)
        return err_set(err, ERR_IO, "could not start the broker's thread");
    pthread_setname_np(broker->thread, "broker");
    broker->has_thread = true;
    return ERR_OK;
}

ErrCode broker_kafka_open(const BrokerKafkaOpts *opts, Broker **out, Err *err)
{
    KafkaBroker *broker = MEM_NEW(KafkaBroker);
    ErrCode      rc;

    broker->base = (Broker){&kafka_class, opts->watch};
    broker->mem = arena_new(0);
    broker->service_id = str_copy(broker->mem, opts->service_id);
    broker->idle_topic = str_printf(broker->mem, "_weir-%.*s-idle", STR_ARG(opts->service_id));
    broker->fetch_bytes = opts->fetch_bytes;
    broker->state_replicas = opts->state_replicas > 0 ? opts->state_replicas : -1;
    broker->is_at_least_once = opts->is_at_least_once;
    broker->settings = ARENA_ARRAY(broker->mem, KafkaSetting, opts->settings_len);
    for (size_t i = 0; i < opts->settings_len; i++) {
        broker->settings[i].name = str_to_c(broker->mem, str_from(opts->settings[i].name));
        broker->settings[i].value = str_to_c(broker->mem, str_from(opts->settings[i].value));
    }
    broker->settings_len = opts->settings_len;
    broker->health.is_healthy = true;
    map_init(&broker->topics, broker->mem);
    map_init(&broker->parts, NULL);
    broker->feeds_cap = KAFKA_FEEDS;
    pthread_mutex_init(&broker->plain_lock, NULL);
    pthread_mutex_init(&broker->topics_lock, NULL);
    pthread_mutex_init(&broker->consumers_lock, NULL);
    pthread_mutex_init(&broker->reap_lock, NULL);
    pthread_cond_init(&broker->reap_cond, NULL);
    pthread_mutex_init(&broker->health_lock, NULL);
    rc = kafka_start(broker, err);
    if (rc != ERR_OK) {
        kafka_close(&broker->base);
        return rc;
    }
    *out = &broker->base;
    return ERR_OK;
}
