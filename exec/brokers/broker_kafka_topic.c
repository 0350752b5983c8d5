/*
 * broker_kafka_topic.c -- topics: the admin API, and a memory of what exists.
 *
 * The cluster's answers lag: after CreateTopics a broker may not know the topic for some
 * milliseconds, after DeleteTopics it may still tell of it.  Both functions wait until the metadata
 * agrees, so that what follows a statement sees its effect.
 *
 * Two things that a topic has here do not exist in librdkafka 2.0.2's API, and are kept in settings
 * of the topic that otherwise mean nothing.  Its id is flush.messages: any number above 2^62 means
 * "never by count", so the rest of the bits are random.  A TOPIC_LOG is known by small segments.
 * A topic that others made has no id of its own: that it was made again is not noticed.
 */
#include "exec/brokers/broker_kafka_impl.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#include "common/limit.h"

enum {
    NAME_BYTES = 250,
    POLL_US = 20000,
    BEHIND_MS = 5000, /* how long a broker may take to hear of a topic, or of its leader */
    JUST_SETTLED_MS = 5000,
    BATCH_BYTES = 80 /* what a topic's limit counts besides the record */
};

static const char id_config[] = "flush.messages";

#define TIME_UNBOUNDED "9223372036854775807"

/* A name as librdkafka takes it; false: too long to be one. */
static bool name_to_c(Str name, char out[NAME_BYTES])
{
    if (name.len == 0 || name.len >= NAME_BYTES)
        return false;
    memcpy(out, name.ptr, name.len);
    out[name.len] = '\0';
    return true;
}

/* --- metadata --------------------------------------------------------------------------------- */

/* Partitions of the topic, 0 when there is none; *has_leaders: all of them can be used. */
static ErrCode ask_topic(KafkaBroker *broker, const char *name, uint32_t *partitions,
                         int32_t *replicas, bool *has_leaders, Err *err)
{
    rd_kafka_topic_t               *topic = rd_kafka_topic_new(broker->admin, name, NULL);
    const struct rd_kafka_metadata *metadata;
    rd_kafka_resp_err_t             code =
        topic ? rd_kafka_metadata(broker->admin, 0, topic, &metadata, kafka_request_ms(broker))
                          : rd_kafka_last_error();

    if (topic)
        rd_kafka_topic_destroy(topic);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return kafka_error(err, code, NULL, "could not ask for topic \"%s\"", name);
    *partitions = 0;
    *replicas = 0;
    *has_leaders = true;
    code = metadata->topic_cnt ? metadata->topics[0].err : RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
        const struct rd_kafka_metadata_topic *found = &metadata->topics[0];

        *partitions = (uint32_t)found->partition_cnt;
        for (int i = 0; i < found->partition_cnt; i++) {
            *has_leaders &= found->partitions[i].leader >= 0;
            *replicas = found->partitions[i].replica_cnt;
        }
    }
    rd_kafka_metadata_destroy(metadata);
    if (code == RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE)
        *has_leaders = false;
    else if (code != RD_KAFKA_RESP_ERR_NO_ERROR &&
             code != RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART &&
             code != RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION)
        return kafka_error(err, code, NULL, "could not ask for topic \"%s\"", name);
    return ERR_OK;
}

/* Until the metadata shows the topic with so many partitions; 0: until it is gone. */
static ErrCode await_topic(KafkaBroker *broker, const char *name, uint32_t partitions, Err *err)
{
    int64_t  until_ms = kafka_now_ms() + KAFKA_SETTLE_MS;
    uint32_t found = 0;
    int32_t  replicas;
    bool     has_leaders = false;

    do {
        TRY(ask_topic(broker, name, &found, &replicas, &has_leaders, err));
        if (found == partitions && has_leaders)
            return ERR_OK;
        usleep(POLL_US);
    } while (kafka_now_ms() < until_ms && !kafka_is_over(broker));
    err_set(err, ERR_BROKER, "could not settle topic \"%s\": the cluster shows %u partitions", name,
            found);
    err->is_retriable = true;
    return ERR_BROKER;
}

/* --- what is known ---------------------------------------------------------------------------- */

static KafkaTopic *known_locked(KafkaBroker *broker, Str name)
{
    KafkaTopic *topic = map_get(&broker->topics, name);

    if (!topic) {
        topic = ARENA_NEW(broker->mem, KafkaTopic);
        map_put(&broker->topics, str_copy(broker->mem, name), topic);
    }
    return topic;
}

static void note_topic(KafkaBroker *broker, Str name, uint32_t partitions)
{
    KafkaTopic *topic;

    pthread_mutex_lock(&broker->topics_lock);
    topic = known_locked(broker, name);
    if (!topic->is_present || partitions == 0)
        topic->is_log_known = false;
    topic->is_present = topic->was_there = partitions > 0;
    topic->partitions = partitions;
    if (partitions == 0)
        topic->settled_ms = 0;
    pthread_mutex_unlock(&broker->topics_lock);
}

static void note_log(KafkaBroker *broker, Str name, bool is_log)
{
    KafkaTopic *topic;

    pthread_mutex_lock(&broker->topics_lock);
    topic = known_locked(broker, name);
    topic->is_log_known = true;
    topic->is_log = is_log;
    pthread_mutex_unlock(&broker->topics_lock);
}

void kafka_topic_doubt(KafkaBroker *broker, Str name)
{
    KafkaTopic *topic;

    pthread_mutex_lock(&broker->topics_lock);
    topic = map_get(&broker->topics, name);
    if (topic) {
        topic->is_present = false;
        topic->settled_ms = 0;
    }
    pthread_mutex_unlock(&broker->topics_lock);
}

static KafkaTopic known(KafkaBroker *broker, Str name)
{
    KafkaTopic  out = {0};
    KafkaTopic *topic;

    pthread_mutex_lock(&broker->topics_lock);
    topic = map_get(&broker->topics, name);
    if (topic)
        out = *topic;
    pthread_mutex_unlock(&broker->topics_lock);
    return out;
}

bool kafka_topic_is_going(KafkaBroker *broker, Str name)
{
    return known(broker, name).is_going;
}

static void set_going(KafkaBroker *broker, Str name, bool is_going)
{
    pthread_mutex_lock(&broker->topics_lock);
    known_locked(broker, name)->is_going = is_going;
    pthread_mutex_unlock(&broker->topics_lock);
}

void kafka_topic_settled(KafkaBroker *broker, Str name, uint32_t partition, int64_t end)
{
    KafkaTopic *topic;

    pthread_mutex_lock(&broker->topics_lock);
    topic = known_locked(broker, name);
    if (partition >= topic->settled_len) {
        uint32_t len = topic->partitions > partition ? topic->partitions : partition + 1;
        int64_t *settled = ARENA_ARRAY(broker->mem, int64_t, len);

        for (uint32_t i = 0; i < topic->settled_len; i++)
            settled[i] = topic->settled[i];
        topic->settled = settled;
        topic->settled_len = len;
    }
    /* What is older may be of a topic that somebody else has made again since. */
    if (kafka_now_ms() - topic->settled_ms >= JUST_SETTLED_MS)
        memset(topic->settled, 0, topic->settled_len * sizeof *topic->settled);
    topic->settled[partition] = end;
    topic->settled_ms = kafka_now_ms();
    pthread_mutex_unlock(&broker->topics_lock);
}

static int64_t settled_end(KafkaBroker *broker, Str name, uint32_t partition)
{
    KafkaTopic *topic;
    int64_t     end = 0;

    pthread_mutex_lock(&broker->topics_lock);
    topic = map_get(&broker->topics, name);
    if (topic && partition < topic->settled_len && topic->settled_ms > 0 &&
        kafka_now_ms() - topic->settled_ms < JUST_SETTLED_MS)
        end = topic->settled[partition];
    pthread_mutex_unlock(&broker->topics_lock);
    return end;
}

/*
 * Brokers learn of what changed one after the other.  One that does not know of a topic that was
 * there may be behind: the topic has just been made, or the broker that leads the others has died.
 */
static bool may_be_behind(KafkaBroker *broker, Str name, int64_t until_ms)
{
    return known(broker, name).was_there && kafka_now_ms() < until_ms;
}

/* As ask_topic(); a topic that was there is missing when it stays unknown for a while. */
static ErrCode find_topic(KafkaBroker *broker, Str name, const char *c_name, uint32_t *partitions,
                          int32_t *replicas, Err *err)
{
    int64_t until_ms = kafka_now_ms() + BEHIND_MS;
    bool    has_leaders;

    TRY(ask_topic(broker, c_name, partitions, replicas, &has_leaders, err));
    while (*partitions == 0 && may_be_behind(broker, name, until_ms)) {
        usleep(POLL_US);
        TRY(ask_topic(broker, c_name, partitions, replicas, &has_leaders, err));
    }
    return ERR_OK;
}

/* Asks for a topic that is not known, or not to have that partition. */
static ErrCode know(KafkaBroker *broker, Str name, uint32_t partition, KafkaTopic *out, Err *err)
{
    char     c_name[NAME_BYTES];
    uint32_t partitions;
    int32_t  replicas;

    *out = known(broker, name);
    if (out->is_present && partition < out->partitions)
        return ERR_OK;
    if (!name_to_c(name, c_name))
        return kafka_topic_missing(name, err);
    TRY(find_topic(broker, name, c_name, &partitions, &replicas, err));
    note_topic(broker, name, partitions);
    if (partitions == 0)
        return kafka_topic_missing(name, err);
    *out = known(broker, name);
    return ERR_OK;
}

ErrCode kafka_topic_check(KafkaBroker *broker, Str name, uint32_t partition, Err *err)
{
    KafkaTopic topic;

    TRY(know(broker, name, partition, &topic, err));
    if (partition >= topic.partitions)
        return err_set(err, ERR_BROKER, "topic \"%.*s\" has no partition %u", STR_ARG(name),
                       partition);
    return ERR_OK;
}

/* --- the admin API ---------------------------------------------------------------------------- */

static rd_kafka_AdminOptions_t *admin_options(KafkaBroker *broker, rd_kafka_admin_op_t op)
{
    rd_kafka_AdminOptions_t *options = rd_kafka_AdminOptions_new(broker->admin, op);
    char                     why[128];

    rd_kafka_AdminOptions_set_request_timeout(options, kafka_request_ms(broker), why, sizeof why);
    if (op == RD_KAFKA_ADMIN_OP_CREATETOPICS || op == RD_KAFKA_ADMIN_OP_DELETETOPICS)
        rd_kafka_AdminOptions_set_operation_timeout(options, KAFKA_REQUEST_MS, why, sizeof why);
    return options;
}

/* The answer; NULL when there is none, with *err. */
static rd_kafka_event_t *admin_answer(rd_kafka_queue_t *queue, const char *what, Err *err)
{
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, KAFKA_REQUEST_MS + 2000);

    if (!event) {
        (void)kafka_error(err, RD_KAFKA_RESP_ERR__TIMED_OUT, NULL, "%s", what);
        return NULL;
    }
    if (rd_kafka_event_error(event) != RD_KAFKA_RESP_ERR_NO_ERROR) {
        (void)kafka_error(err, rd_kafka_event_error(event), rd_kafka_event_error_string(event),
                          "%s", what);
        rd_kafka_event_destroy(event);
        return NULL;
    }
    return event;
}

static const char *cleanup_name(TopicCleanup cleanup)
{
    switch (cleanup) {
    case TOPIC_COMPACT:
    case TOPIC_STATE:
        return "compact";
    case TOPIC_COMPACT_DELETE:
        return "compact,delete";
    case TOPIC_DELETE:
    case TOPIC_LOG:
        break;
    }
    return "delete";
}

/* The time of a row is what the statements say, however the cluster treats records of others. */
static void fill_times(rd_kafka_NewTopic_t *topic, bool has_bounds)
{
    rd_kafka_NewTopic_set_config(topic, "message.timestamp.type", "CreateTime");
    if (has_bounds) {
        rd_kafka_NewTopic_set_config(topic, "message.timestamp.before.max.ms", TIME_UNBOUNDED);
        rd_kafka_NewTopic_set_config(topic, "message.timestamp.after.max.ms", TIME_UNBOUNDED);
    }
}

static void fill_spec(rd_kafka_NewTopic_t *topic, const TopicSpec *spec)
{
    char     text[32];
    uint64_t noise = 0;
    bool     is_internal = spec->cleanup == TOPIC_LOG || spec->cleanup == TOPIC_STATE;

    rd_kafka_NewTopic_set_config(topic, "cleanup.policy", cleanup_name(spec->cleanup));
    snprintf(text, sizeof text, "%" PRId64, is_internal ? -1 : spec->retention_ms);
    rd_kafka_NewTopic_set_config(topic, "retention.ms", text);
    if (spec->cleanup == TOPIC_LOG)
        rd_kafka_NewTopic_set_config(topic, "retention.bytes", "-1");
    if (is_internal) {
        snprintf(text, sizeof text, "%d", KAFKA_LOG_SEGMENT);
        rd_kafka_NewTopic_set_config(topic, "segment.bytes", text);
    }
    if (spec->cleanup == TOPIC_STATE) {
        snprintf(text, sizeof text, "%" PRId64, TOPIC_TOMBSTONES_MS);
        rd_kafka_NewTopic_set_config(topic, "delete.retention.ms", text);
    }
    if (getrandom(&noise, sizeof noise, 0) != (ssize_t)sizeof noise)
        noise = (uint64_t)clock_now_ms(clock_system());
    snprintf(text, sizeof text, "%" PRIu64, (noise >> 2) | (UINT64_C(1) << 62));
    rd_kafka_NewTopic_set_config(topic, id_config, text);
}

static ErrCode check_spec(const TopicSpec *spec, char c_name[NAME_BYTES], Err *err)
{
    bool is_name = name_to_c(spec->name, c_name);

    for (size_t i = 0; is_name && i < spec->name.len; i++) {
        char c = c_name[i];

        is_name = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '.' || c == '_' || c == '-';
    }
    if (!is_name) {
        err_set(err, ERR_BROKER, "cannot create topic \"%.*s\": the name is not legal",
                STR_ARG(spec->name));
        err_hint(err, "use letters, digits, \".\", \"_\" and \"-\", at most 249 of them");
        return ERR_BROKER;
    }
    if (spec->partitions == 0 || spec->partitions > g_limits.partitions)
        return err_set(err, ERR_BROKER,
                       "cannot create topic \"%s\": %u partitions are not between 1 and %lld",
                       c_name, spec->partitions, (long long)g_limits.partitions);
    return ERR_OK;
}

/* What the cluster says of the topic; *err only when it says nothing. */
static ErrCode ask_to_create(KafkaBroker *broker, rd_kafka_NewTopic_t *topic,
                             rd_kafka_resp_err_t *code, char *why, size_t why_size, Err *err)
{
    rd_kafka_queue_t        *queue = rd_kafka_queue_new(broker->admin);
    rd_kafka_AdminOptions_t *options = admin_options(broker, RD_KAFKA_ADMIN_OP_CREATETOPICS);
    rd_kafka_event_t        *event;

    rd_kafka_CreateTopics(broker->admin, &topic, 1, options, queue);
    event = admin_answer(queue, "could not create a topic", err);
    if (event) {
        size_t                          len;
        const rd_kafka_topic_result_t **results =
            rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &len);
        const char *said = rd_kafka_topic_result_error_string(results[0]);

        *code = rd_kafka_topic_result_error(results[0]);
        snprintf(why, why_size, "%s", said ? said : "");
        rd_kafka_event_destroy(event);
    }
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_queue_destroy(queue);
    return event ? ERR_OK : err->code;
}

static ErrCode create_once(KafkaBroker *broker, const TopicSpec *spec, const char *name,
                           bool has_bounds, rd_kafka_resp_err_t *code, Err *err)
{
    char    why[512];
    int32_t replicas = spec->cleanup == TOPIC_STATE && spec->replicas < 0 ? broker->state_replicas
                                                                          : spec->replicas;
    rd_kafka_NewTopic_t *topic =
        rd_kafka_NewTopic_new(name, (int)spec->partitions, replicas, why, sizeof why);
    ErrCode rc;

    if (!topic)
        return err_set(err, ERR_BROKER, "cannot create topic \"%s\": %s", name, why);
    fill_spec(topic, spec);
    fill_times(topic, has_bounds);
    rc = ask_to_create(broker, topic, code, why, sizeof why, err);
    rd_kafka_NewTopic_destroy(topic);
    if (rc != ERR_OK || *code == RD_KAFKA_RESP_ERR_NO_ERROR)
        return rc;
    if (*code == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
        return err_set(err, ERR_TOPIC_EXISTS, "topic \"%s\" already exists", name);
    return kafka_error(err, *code, why, "could not create topic \"%s\"", name);
}

/* Clusters before Kafka 3.6 do not know of bounds; they have none. */
static ErrCode request_create(KafkaBroker *broker, const TopicSpec *spec, const char *name,
                              Err *err)
{
    rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_NO_ERROR;
    ErrCode             rc = create_once(broker, spec, name, true, &code, err);

    return code == RD_KAFKA_RESP_ERR_INVALID_CONFIG
               ? create_once(broker, spec, name, false, &code, err)
               : rc;
}

ErrCode kafka_topic_create(Broker *base, const TopicSpec *spec, Err *err)
{
    KafkaBroker *broker = (KafkaBroker *)base;
    char         name[NAME_BYTES];

    TRY(check_spec(spec, name, err));
    TRY(request_create(broker, spec, name, err));
    TRY(await_topic(broker, name, spec->partitions, err));
    note_topic(broker, spec->name, spec->partitions);
    note_log(broker, spec->name, spec->cleanup == TOPIC_LOG);
    return ERR_OK;
}

static ErrCode request_delete(KafkaBroker *broker, const char *name, Err *err)
{
    rd_kafka_DeleteTopic_t  *topic = rd_kafka_DeleteTopic_new(name);
    rd_kafka_queue_t        *queue = rd_kafka_queue_new(broker->admin);
    rd_kafka_AdminOptions_t *options = admin_options(broker, RD_KAFKA_ADMIN_OP_DELETETOPICS);
    rd_kafka_event_t        *event;
    ErrCode                  rc = ERR_OK;

    rd_kafka_DeleteTopics(broker->admin, &topic, 1, options, queue);
    event = admin_answer(queue, "could not delete a topic", err);
    if (event) {
        size_t                          len;
        const rd_kafka_topic_result_t **results =
            rd_kafka_DeleteTopics_result_topics(rd_kafka_event_DeleteTopics_result(event), &len);
        rd_kafka_resp_err_t code = rd_kafka_topic_result_error(results[0]);

        if (code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
            rc = kafka_topic_missing(str_from(name), err);
        else if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
            rc = kafka_error(err, code, rd_kafka_topic_result_error_string(results[0]),
                             "could not delete topic \"%s\"", name);
        rd_kafka_event_destroy(event);
    } else {
        rc = err->code;
    }
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_queue_destroy(queue);
    rd_kafka_DeleteTopic_destroy(topic);
    return rc;
}

static ErrCode leave_and_delete(KafkaBroker *broker, Str name, const char *c_name, Err *err)
{
    TRY(kafka_consumers_leave(broker, name, err));
    TRY(request_delete(broker, c_name, err));
    TRY(await_topic(broker, c_name, 0, err));
    note_topic(broker, name, 0);
    return ERR_OK;
}

ErrCode kafka_topic_delete(Broker *base, Str name, Err *err)
{
    KafkaBroker *broker = (KafkaBroker *)base;
    char         c_name[NAME_BYTES];
    ErrCode      rc;

    kafka_topic_doubt(broker, name);
    TRY(kafka_topic_check(broker, name, 0, err));
    if (!name_to_c(name, c_name))
        return kafka_topic_missing(name, err);
    set_going(broker, name, true);
    rc = leave_and_delete(broker, name, c_name, err);
    set_going(broker, name, false);
    return rc;
}

/* --- describing ------------------------------------------------------------------------------- */

static TopicCleanup cleanup_of(const char *policy, int64_t retention_ms, int64_t segment_bytes)
{
    bool is_compact = strstr(policy, "compact") != NULL;

    if (is_compact)
        return strstr(policy, "delete") ? TOPIC_COMPACT_DELETE : TOPIC_COMPACT;
    return retention_ms < 0 && segment_bytes == KAFKA_LOG_SEGMENT ? TOPIC_LOG : TOPIC_DELETE;
}

static void read_configs(const rd_kafka_ConfigResource_t *resource, Arena *arena, TopicInfo *info)
{
    size_t                         len;
    const rd_kafka_ConfigEntry_t **entries = rd_kafka_ConfigResource_configs(resource, &len);
    const char                    *policy = "delete";
    int64_t                        segment_bytes = 0;

    for (size_t i = 0; i < len; i++) {
        const char *name = rd_kafka_ConfigEntry_name(entries[i]);
        const char *value = rd_kafka_ConfigEntry_value(entries[i]);

        if (!value)
            continue;
        if (strcmp(name, "cleanup.policy") == 0)
            policy = value;
        else if (strcmp(name, "retention.ms") == 0)
            info->spec.retention_ms = strtoll(value, NULL, 10);
        else if (strcmp(name, "retention.bytes") == 0)
            info->retention_bytes = strtoll(value, NULL, 10);
        else if (strcmp(name, "segment.bytes") == 0)
            segment_bytes = strtoll(value, NULL, 10);
        else if (strcmp(name, "max.message.bytes") == 0)
            info->record_bytes_max = strtoll(value, NULL, 10) - BATCH_BYTES;
        else if (strcmp(name, id_config) == 0)
            info->id = str_copy(arena, str_from(value));
    }
    info->spec.cleanup = cleanup_of(policy, info->spec.retention_ms, segment_bytes);
    /* The producers take no more than that. */
    if (info->record_bytes_max > g_limits.record_bytes)
        info->record_bytes_max = g_limits.record_bytes;
    if (info->spec.cleanup == TOPIC_LOG && info->retention_bytes >= 0)
        info->spec.cleanup = TOPIC_DELETE;
}

static ErrCode ask_configs(KafkaBroker *broker, const char *name, Arena *arena, TopicInfo *info,
                           Err *err)
{
    rd_kafka_ConfigResource_t *resource =
        rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, name);
    rd_kafka_queue_t        *queue = rd_kafka_queue_new(broker->admin);
    rd_kafka_AdminOptions_t *options = admin_options(broker, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS);
    rd_kafka_event_t        *event;
    ErrCode                  rc = ERR_OK;

    rd_kafka_DescribeConfigs(broker->admin, &resource, 1, options, queue);
    event = admin_answer(queue, "could not ask for the settings of a topic", err);
    if (event) {
        size_t                            len;
        const rd_kafka_ConfigResource_t **results = rd_kafka_DescribeConfigs_result_resources(
            rd_kafka_event_DescribeConfigs_result(event), &len);
        rd_kafka_resp_err_t code = rd_kafka_ConfigResource_error(results[0]);

        if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
            read_configs(results[0], arena, info);
        else
            rc = kafka_error(err, code, rd_kafka_ConfigResource_error_string(results[0]),
                             "could not ask for the settings of topic \"%s\"", name);
        rd_kafka_event_destroy(event);
    } else {
        rc = err->code;
    }
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_queue_destroy(queue);
    rd_kafka_ConfigResource_destroy(resource);
    return rc;
}

/* The broker that is asked need not be the one that knew of the topic. */
static ErrCode find_configs(KafkaBroker *broker, const char *name, Arena *arena, TopicInfo *info,
                            Err *err)
{
    int64_t until_ms = kafka_now_ms() + BEHIND_MS;
    ErrCode rc = ask_configs(broker, name, arena, info, err);

    while (rc == ERR_TOPIC_MISSING && may_be_behind(broker, str_from(name), until_ms)) {
        usleep(POLL_US);
        rc = ask_configs(broker, name, arena, info, err);
    }
    if (rc == ERR_TOPIC_MISSING) {
        kafka_topic_doubt(broker, str_from(name));
        return kafka_topic_missing(str_from(name), err);
    }
    return rc;
}

ErrCode kafka_topic_describe(Broker *base, Str name, Arena *arena, TopicInfo *out, Err *err)
{
    KafkaBroker *broker = (KafkaBroker *)base;
    TopicInfo    info = {
           .spec = {.retention_ms = -1}, .retention_bytes = -1, .record_bytes_max = 1048588};
    char c_name[NAME_BYTES];

    if (!name_to_c(name, c_name))
        return kafka_topic_missing(name, err);
    TRY(find_topic(broker, name, c_name, &info.spec.partitions, &info.spec.replicas, err));
    note_topic(broker, name, info.spec.partitions);
    if (info.spec.partitions == 0)
        return kafka_topic_missing(name, err);
    TRY(find_configs(broker, c_name, arena, &info, err));
    info.spec.name = str_copy(arena, name);
    note_log(broker, name, info.spec.cleanup == TOPIC_LOG);
    *out = info;
    return ERR_OK;
}

static int by_name(const void *a, const void *b)
{
    return str_cmp(((const TopicInfo *)a)->spec.name, ((const TopicInfo *)b)->spec.name);
}

/* The list has no settings: they would be a request per topic. */
ErrCode kafka_topics(Broker *base, Arena *arena, TopicInfo **out, size_t *len, Err *err)
{
    KafkaBroker                    *broker = (KafkaBroker *)base;
    const struct rd_kafka_metadata *metadata;
    rd_kafka_resp_err_t             code =
        rd_kafka_metadata(broker->admin, 1, NULL, &metadata, kafka_request_ms(broker));
    TopicInfo *infos;
    size_t     count = 0;

    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return kafka_error(err, code, NULL, "could not list the topics");
    infos = ARENA_ARRAY(arena, TopicInfo, metadata->topic_cnt + 1);
    for (int i = 0; i < metadata->topic_cnt; i++) {
        const struct rd_kafka_metadata_topic *topic = &metadata->topics[i];

        if (topic->err != RD_KAFKA_RESP_ERR_NO_ERROR ||
            str_eq(str_from(topic->topic), broker->idle_topic))
            continue;
        infos[count].spec.name = str_copy(arena, str_from(topic->topic));
        infos[count].spec.partitions = (uint32_t)topic->partition_cnt;
        infos[count].spec.replicas = topic->partition_cnt ? topic->partitions[0].replica_cnt : 0;
        infos[count++].spec.retention_ms = -1;
    }
    rd_kafka_metadata_destroy(metadata);
    qsort(infos, count, sizeof *infos, by_name);
    *out = infos;
    *len = count;
    return ERR_OK;
}

/* --- ends and trimming ------------------------------------------------------------------------ */

static bool is_unknown(rd_kafka_resp_err_t code)
{
    return code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ||
           code == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC;
}

/* A leader that is being chosen takes a while. */
static bool is_without_leader(rd_kafka_resp_err_t code)
{
    return code == RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION ||
           code == RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE ||
           code == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION;
}

/* With the isolation of a reader (librdkafka's default): the end is the last stable offset. */
ErrCode kafka_partition_ends(KafkaBroker *broker, const char *name, uint32_t partition,
                             PartitionEnds *out, Err *err)
{
    rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_NO_ERROR;
    int64_t             until_ms = kafka_now_ms() + BEHIND_MS;
    bool                may_change = true;

    for (int i = 0; i < KAFKA_RETRIES || may_change; i++) {
        code = kafka_ask_ends(broker, name, partition, out);
        if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
            return ERR_OK;
        may_change = (is_without_leader(code) && kafka_now_ms() < until_ms) ||
                     (is_unknown(code) && may_be_behind(broker, str_from(name), until_ms));
        if (kafka_is_over(broker))
            break;
        usleep(POLL_US);
    }
    if (is_unknown(code) || code == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION) {
        kafka_topic_doubt(broker, str_from(name));
        TRY(kafka_topic_check(broker, str_from(name), partition, err));
        code = RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE; /* as it is there */
    }
    return kafka_error(err, code, NULL, "could not ask for the ends of topic \"%s\"", name);
}

/* Partitions that the topic does not have are empty. */
ErrCode kafka_topic_ends(Broker *base, Str name, PartitionEnds *ends, uint32_t partitions, Err *err)
{
    KafkaBroker *broker = (KafkaBroker *)base;
    KafkaTopic   topic;
    char         c_name[NAME_BYTES];

    TRY(know(broker, name, partitions ? partitions - 1 : 0, &topic, err));
    if (!name_to_c(name, c_name))
        return kafka_topic_missing(name, err);
    for (uint32_t i = 0; i < partitions; i++) {
        int64_t settled = settled_end(broker, name, i);

        ends[i] = (PartitionEnds){0};
        if (i >= topic.partitions)
            continue;
        TRY(kafka_partition_ends(broker, c_name, i, &ends[i], err));
        if (ends[i].end < settled)
            ends[i].end = settled;
    }
    return ERR_OK;
}

static ErrCode request_trim(KafkaBroker *broker, const char *name, uint32_t partition,
                            int64_t offset, Err *err)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_DeleteRecords_t        *before;
    rd_kafka_queue_t                *queue = rd_kafka_queue_new(broker->admin);
    rd_kafka_AdminOptions_t *options = admin_options(broker, RD_KAFKA_ADMIN_OP_DELETERECORDS);
    rd_kafka_event_t        *event;
    ErrCode                  rc = ERR_OK;

    rd_kafka_topic_partition_list_add(list, name, (int32_t)partition)->offset = offset;
    before = rd_kafka_DeleteRecords_new(list);
    rd_kafka_DeleteRecords(broker->admin, &before, 1, options, queue);
    event = admin_answer(queue, "could not trim a topic", err);
    if (event) {
        const rd_kafka_topic_partition_list_t *results =
            rd_kafka_DeleteRecords_result_offsets(rd_kafka_event_DeleteRecords_result(event));

        if (results->cnt > 0 && results->elems[0].err != RD_KAFKA_RESP_ERR_NO_ERROR)
            rc = kafka_error(err, results->elems[0].err, NULL, "could not trim topic \"%s\"", name);
        rd_kafka_event_destroy(event);
    } else {
        rc = err->code;
    }
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_queue_destroy(queue);
    rd_kafka_DeleteRecords_destroy(before);
    rd_kafka_topic_partition_list_destroy(list);
    return rc;
}

ErrCode kafka_trim(Broker *base, Str name, uint32_t partition, int64_t offset, Err *err)
{
    KafkaBroker *broker = (KafkaBroker *)base;
    KafkaTopic   topic;
    char         c_name[NAME_BYTES];

    TRY(kafka_topic_check(broker, name, partition, err));
    if (!name_to_c(name, c_name))
        return kafka_topic_missing(name, err);
    topic = known(broker, name);
    if (!topic.is_log_known) {
        Arena    *mem = arena_new(0);
        TopicInfo info;
        ErrCode   rc = kafka_topic_describe(base, name, mem, &info, err);

        arena_free(mem);
        TRY(rc);
        topic = known(broker, name);
    }
    if (!topic.is_log)
        return err_set(err, ERR_BROKER, "cannot trim topic \"%s\": it is no log", c_name);
    return request_trim(broker, c_name, partition, offset, err);
}
