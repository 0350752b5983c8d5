/*
 * engine.c -- opening and closing the server's engine, and what everything reads from it.
 *
 * The order of opening is the order of dependence: data directory, broker, runtime, internal
 * topics, command log.  Closing goes the other way round; runtime_close() commits what was read.
 */
#include "server/engine_internal.h"

#include <assert.h>
#include <errno.h>
#include <sys/stat.h>

#include "common/limit.h"
#include "common/log.h"
#include "common/vec.h"
#include "exec/brokers/broker_kafka.h"
#include "exec/brokers/broker_local.h"
#include "exec/functions/fn_table.h"

/* --- opening ---------------------------------------------------------------------------------- */

static ErrCode make_dir(Str path, Arena *mem, Err *err)
{
    const char *c_path = str_to_c(mem, path);

    if (mkdir(c_path, 0777) != 0 && errno != EEXIST)
        return err_set(err, ERR_IO, "could not make the data directory \"%s\": %s", c_path,
                       strerror(errno));
    return ERR_OK;
}

/* The Kafka client's own settings are passed on under their names. */
static bool is_kafka_setting(Str name)
{
    static const char *const names[] = {
        "bootstrap.servers",     "client.id",
        "security.protocol",     "compression.type",
        "broker.address.family", "enable.ssl.certificate.verification"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (str_eq(name, str_from(names[i])))
            return true;
    }
    return str_starts(name, STR("sasl.")) || str_starts(name, STR("ssl."));
}

static bool is_on_kafka(const Engine *engine)
{
    return properties_get(engine->props, "bootstrap.servers").len && !engine->is_inline;
}

static ErrCode open_kafka(Engine *engine, BrokerWatch *watch, Err *err)
{
    BrokerKafkaOpts opts = {
        .service_id = engine->service_id,
        .fetch_bytes = g_limits.memory_bytes * 5 / 16,
        .state_replicas = (int32_t)properties_int(engine->props, "replication.factor"),
        .watch = watch,
        .is_at_least_once =
            str_eq(properties_get(engine->props, "processing.guarantee"), STR("at_least_once"))};
    VEC(KafkaSetting) settings = {0};

    for (const Properties *props = engine->props; props; props = props->under) {
        size_t cursor = 0;

        for (const MapEntry *entry; (entry = map_next(&props->values, &cursor));) {
            KafkaSetting setting = {.name = str_to_c(engine->mem, entry->key)};

            if (!is_kafka_setting(entry->key))
                continue;
            setting.value = str_to_c(engine->mem, properties_get(engine->props, setting.name));
            vec_push(engine->mem, &settings, setting);
        }
    }
    opts.settings = settings.items;
    opts.settings_len = settings.len;
    return broker_kafka_open(&opts, &engine->broker, err);
}

static ErrCode open_broker(Engine *engine, BrokerWatch *watch, Err *err)
{
    BrokerLocalOpts opts = {
        .path = ":memory:",
        .clock = engine->clock,
        .is_inline = engine->is_inline,
        .data_bytes_max = properties_int(engine->props, "weir.data.max.bytes"),
        .tombstone_retention_ms = properties_int(engine->props, "weir.tombstone.retention.ms"),
    };

    if (is_on_kafka(engine))
        return open_kafka(engine, watch, err);
    if (engine->data_dir.ptr)
        opts.path = str_to_c(engine->mem,
                             str_printf(engine->mem, "%.*s/broker.db", STR_ARG(engine->data_dir)));
    return broker_local_open(&opts, &engine->broker, err);
}

static ErrCode ensure_topic(Engine *engine, Str name, uint32_t partitions, TopicCleanup cleanup,
                            Err *err)
{
    TopicSpec spec = {
        .name = name,
        .partitions = partitions,
        .replicas = (int32_t)properties_int(engine->props, "ksql.internal.topic.replicas"),
        .retention_ms =
            cleanup == TOPIC_LOG ? -1 : properties_int(engine->props, "weir.retention.ms"),
        .cleanup = cleanup,
    };
    ErrCode rc;

    if (cleanup != TOPIC_DELETE)
        return broker_topic_ensure(engine->broker, &spec, err);
    /* The processing log is for people: one that is there is right as it is. */
    rc = broker_topic_create(engine->broker, &spec, err);
    return rc == ERR_TOPIC_EXISTS ? ERR_OK : rc;
}

static ErrCode open_topics(Engine *engine, Err *err)
{
    int64_t partitions = properties_int(engine->props, "ksql.logging.processing.topic.partitions");

    TRY(ensure_topic(engine, engine->command_topic, 1, TOPIC_LOG, err));
    if (!engine->log_topic.ptr)
        return ERR_OK;
    return ensure_topic(engine, engine->log_topic, partitions > 0 ? (uint32_t)partitions : 1,
                        TOPIC_DELETE, err);
}

/* On Kafka the state of queries lies apart: that of the embedded broker waits for its return, and
 * servers with names of their own may have a directory in common. */
static ErrCode make_state_dir(Engine *engine, const char **out, Err *err)
{
    Str dir = engine->data_dir;

    if (!dir.ptr)
        return ERR_OK;
    if (is_on_kafka(engine)) {
        dir = str_printf(engine->mem, "%.*s/kafka-%.*s", STR_ARG(dir), STR_ARG(engine->service_id));
        TRY(make_dir(dir, engine->mem, err));
    }
    *out = str_to_c(engine->mem, dir);
    return make_dir(str_printf(engine->mem, "%s/state", *out), engine->mem, err);
}

static ErrCode open_runtime(Engine *engine, Err *err)
{
    RuntimeOpts opts = {
        .broker = engine->broker,
        .clock = engine->clock,
        .assignment = assignment_all(),
        .service_id = engine->service_id,
        .proclog_topic = engine->log_topic,
        .is_inline = engine->is_inline,
        .is_one_task = engine->is_one_task,
        .workers = (uint32_t)properties_int(engine->props, "weir.workers"),
        .epoch_ms = properties_int(engine->props, "commit.interval.ms"),
    };

    TRY(make_state_dir(engine, &opts.data_dir, err));
    return runtime_open(&opts, &engine->runtime, err);
}

/* The first of several listeners. */
static Str host_of(Str url)
{
    ptrdiff_t begin = str_find(url, STR("://"), 0);
    Str       host = begin < 0 ? STR("localhost:0") : str_slice(url, (size_t)begin + 3, url.len);
    ptrdiff_t end = str_find(host, STR(","), 0);

    return end < 0 ? host : str_slice(host, 0, (size_t)end);
}

static void init_names(Engine *engine, const EngineOpts *opts)
{
    Str log_topic = properties_get(engine->props, "ksql.logging.processing.topic.name");

    engine->host = str_copy(engine->mem, host_of(opts->url));
    engine->service_id = str_copy(engine->mem, properties_get(engine->props, "ksql.service.id"));
    engine->command_topic =
        str_printf(engine->mem, "_weir-%.*s-commands", STR_ARG(engine->service_id));
    if (properties_bool(engine->props, "ksql.logging.processing.topic.auto.create"))
        engine->log_topic = log_topic.ptr ? str_copy(engine->mem, log_topic)
                                          : str_printf(engine->mem, "%.*sksql_processing_log",
                                                       STR_ARG(engine->service_id));
    if (opts->data_dir)
        engine->data_dir = str_copy(engine->mem, str_from(opts->data_dir));
}

ErrCode engine_open(const EngineOpts *opts, Engine **out, Err *err)
{
    Engine *engine = MEM_NEW(Engine);
    ErrCode rc = ERR_OK;

    engine->props = opts->props;
    engine->clock = opts->clock;
    engine->is_inline = opts->is_inline;
    engine->is_one_task = opts->is_one_task;
    engine->mem = arena_new(0);
    engine->catalog = catalog_new();
    engine->sequence = -1;
    engine->statuses = MEM_ARRAY(StatusEntry, COMMAND_STATUSES_MAX);
    pthread_mutex_init(&engine->exec_lock, NULL);
    pthread_mutex_init(&engine->catalog_lock, NULL);
    pthread_mutex_init(&engine->status_lock, NULL);
    pthread_cond_init(&engine->status_changed, NULL);
    pthread_mutex_init(&engine->push_lock, NULL);
    init_names(engine, opts);

    if (engine->data_dir.ptr)
        rc = make_dir(engine->data_dir, engine->mem, err);
    if (rc == ERR_OK)
        rc = open_broker(engine, opts->watch, err);
    if (rc == ERR_OK)
        rc = open_topics(engine, err);
    if (rc == ERR_OK)
        rc = open_runtime(engine, err);
    if (rc == ERR_OK)
        rc = engine_open_log_stream(engine, err);
    if (rc == ERR_OK)
        rc = engine_replay(engine, err);
    if (rc != ERR_OK) {
        engine_close(engine);
        return rc;
    }
    *out = engine;
    return ERR_OK;
}

void engine_hurry(Engine *engine, int64_t ms)
{
    if (engine)
        broker_hurry(engine->broker, ms);
}

void engine_close(Engine *engine)
{
    if (!engine)
        return;
    assert(!engine->pushes);
    runtime_close(engine->runtime);
    if (engine->broker)
        broker_close(engine->broker);
    catalog_unref(engine->catalog);
    for (size_t i = 0; i < engine->statuses_len; i++)
        arena_free(engine->statuses[(engine->statuses_head + i) % COMMAND_STATUSES_MAX].mem);
    mem_free(engine->statuses);
    pthread_mutex_destroy(&engine->push_lock);
    pthread_cond_destroy(&engine->status_changed);
    pthread_mutex_destroy(&engine->status_lock);
    pthread_mutex_destroy(&engine->catalog_lock);
    pthread_mutex_destroy(&engine->exec_lock);
    arena_free(engine->mem);
    mem_free(engine);
}

bool engine_step(Engine *engine)
{
    return runtime_step(engine->runtime);
}

ErrCode engine_until_idle(Engine *engine, Err *err)
{
    return runtime_until_idle(engine->runtime, err);
}

/* --- what everything reads -------------------------------------------------------------------- */

Catalog *engine_catalog(Engine *engine)
{
    Catalog *catalog;

    pthread_mutex_lock(&engine->catalog_lock);
    catalog = catalog_ref(engine->catalog);
    pthread_mutex_unlock(&engine->catalog_lock);
    return catalog;
}

void engine_publish(Engine *engine, Catalog *catalog)
{
    Catalog *old;

    pthread_mutex_lock(&engine->catalog_lock);
    old = engine->catalog;
    engine->catalog = catalog;
    pthread_mutex_unlock(&engine->catalog_lock);
    catalog_unref(old);
}

Broker *engine_broker(Engine *engine)
{
    return engine->broker;
}

Runtime *engine_runtime(Engine *engine)
{
    return engine->runtime;
}

Str engine_host(const Engine *engine)
{
    return engine->host;
}

const Properties *engine_properties(const Engine *engine)
{
    return engine->props;
}

const Clock *engine_clock(const Engine *engine)
{
    return engine->clock;
}

Str engine_service_id(const Engine *engine)
{
    return engine->service_id;
}

bool engine_is_inline(const Engine *engine)
{
    return engine->is_inline;
}

bool engine_topic_is_internal(const Engine *engine, Str topic)
{
    static const char *const names[] = {
        "_schemas",        "__consumer_offsets", "__transaction_state", "connect-configs",
        "connect-offsets", "connect-status",     "connect-statuses"};

    if (str_starts(topic, STR("_weir-")) || str_starts(topic, STR("_confluent")) ||
        str_starts(topic, STR("__confluent")))
        return true;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (str_eq(topic, str_from(names[i])))
            return true;
    }
    return engine->log_topic.ptr && str_eq(topic, engine->log_topic);
}

void session_init(Session *session, Arena *mem, const Engine *engine)
{
    session->mem = mem;
    properties_init(&session->props, mem, engine->props);
    map_init(&session->variables, mem);
}

/* --- command statuses ------------------------------------------------------------------------- */

void engine_note_status(Engine *engine, Str id, Str status, Str message, Str query_id,
                        int64_t sequence)
{
    StatusEntry *entry;

    pthread_mutex_lock(&engine->status_lock);
    if (engine->statuses_len == COMMAND_STATUSES_MAX) {
        arena_free(engine->statuses[engine->statuses_head].mem);
        engine->statuses_head = (engine->statuses_head + 1) % COMMAND_STATUSES_MAX;
        engine->statuses_len--;
    }
    entry =
        &engine->statuses[(engine->statuses_head + engine->statuses_len++) % COMMAND_STATUSES_MAX];
    entry->mem = arena_new(256);
    entry->status.id = str_copy(entry->mem, id);
    entry->status.status = str_copy(entry->mem, status);
    entry->status.message = str_copy(entry->mem, message);
    entry->status.query_id = query_id.ptr ? str_copy(entry->mem, query_id) : STR_NULL;
    if (sequence > engine->sequence)
        engine->sequence = sequence;
    pthread_cond_broadcast(&engine->status_changed);
    pthread_mutex_unlock(&engine->status_lock);
}

static CommandStatus status_copy(Arena *mem, const CommandStatus *status)
{
    return (CommandStatus){
        .id = str_copy(mem, status->id),
        .status = str_copy(mem, status->status),
        .message = str_copy(mem, status->message),
        .query_id = status->query_id.ptr ? str_copy(mem, status->query_id) : STR_NULL,
    };
}

/* Clients write the name in the id with or without back-quotes. */
static bool same_command(Str a, Str b)
{
    size_t i = 0, j = 0;

    for (;;) {
        while (i < a.len && a.ptr[i] == '`')
            i++;
        while (j < b.len && b.ptr[j] == '`')
            j++;
        if (i == a.len || j == b.len)
            return i == a.len && j == b.len;
        if (a.ptr[i++] != b.ptr[j++])
            return false;
    }
}

ErrCode engine_command_status(Engine *engine, Str command_id, Arena *mem, CommandStatus *out,
                              Err *err)
{
    ErrCode rc = ERR_NOT_FOUND;

    pthread_mutex_lock(&engine->status_lock);
    for (size_t i = engine->statuses_len; i > 0 && rc != ERR_OK; i--) {
        const StatusEntry *entry =
            &engine->statuses[(engine->statuses_head + i - 1) % COMMAND_STATUSES_MAX];

        if (same_command(entry->status.id, command_id)) {
            *out = status_copy(mem, &entry->status);
            rc = ERR_OK;
        }
    }
    pthread_mutex_unlock(&engine->status_lock);
    if (rc != ERR_OK)
        err_set(err, ERR_NOT_FOUND, "no command \"%.*s\"", STR_ARG(command_id));
    return rc;
}

void engine_command_statuses(Engine *engine, Arena *mem, CommandStatus **out, size_t *len)
{
    pthread_mutex_lock(&engine->status_lock);
    *len = engine->statuses_len;
    *out = ARENA_ARRAY(mem, CommandStatus, *len + 1);
    for (size_t i = 0; i < *len; i++)
        (*out)[i] = status_copy(
            mem, &engine->statuses[(engine->statuses_head + i) % COMMAND_STATUSES_MAX].status);
    pthread_mutex_unlock(&engine->status_lock);
}

ErrCode engine_wait_sequence(Engine *engine, int64_t sequence, int64_t timeout_ms, Err *err)
{
    struct timespec until;
    int             rc = 0;
    bool            is_reached;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += timeout_ms / 1000;
    until.tv_nsec += timeout_ms % 1000 * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        until.tv_sec++;
    }
    pthread_mutex_lock(&engine->status_lock);
    while (engine->sequence < sequence && rc == 0 && !engine->is_inline)
        rc = pthread_cond_timedwait(&engine->status_changed, &engine->status_lock, &until);
    is_reached = engine->sequence >= sequence;
    pthread_mutex_unlock(&engine->status_lock);
    if (!is_reached)
        return err_set(err, ERR_CANCELLED,
                       "the command log did not reach sequence number %lld in %lld ms",
                       (long long)sequence, (long long)timeout_ms);
    return ERR_OK;
}
