/*
 * broker_local.c -- the embedded broker: life, topics and health.
 *
 * The other files: see broker_local_impl.h.  Topics are looked up by name in memory; the store has
 * them for the next start.  A topic outlives its deletion until the last reader, transaction and
 * queued record let go of it.
 */
#include "exec/brokers/broker_local.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "common/limit.h"
#include "exec/brokers/broker_local_impl.h"

enum {
    TOPIC_NAME_MAX = 249,
    CLEAN_DELAY_NS = 250000000 /* a start is not the time for cleaning */
};

static const BrokerClass broker_local_class;

/* --- topics in memory ------------------------------------------------------------------------- */

ErrCode local_topic_missing(Str name, Err *err)
{
    return err_set(err, ERR_TOPIC_MISSING, "topic \"%.*s\" does not exist", STR_ARG(name));
}

static LocalTopic *topic_find_locked(LocalBroker *broker, Str name)
{
    LocalTopic *topic = map_get(&broker->topics, name);

    if (topic)
        topic->refs++;
    return topic;
}

ErrCode local_topic_find(LocalBroker *broker, Str name, LocalTopic **out, Err *err)
{
    LocalTopic *topic;

    pthread_mutex_lock(&broker->lock);
    topic = topic_find_locked(broker, name);
    pthread_mutex_unlock(&broker->lock);
    if (!topic)
        return local_topic_missing(name, err);
    *out = topic;
    return ERR_OK;
}

void local_topic_unref_locked(LocalTopic *topic)
{
    if (--topic->refs > 0)
        return;
    for (uint32_t i = 0; i < topic->spec.partitions; i++)
        local_log_deinit(&topic->logs[i]);
    arena_free(topic->mem);
}

void local_topic_unref(LocalTopic *topic)
{
    LocalBroker *broker = topic->broker;

    pthread_mutex_lock(&broker->lock);
    local_topic_unref_locked(topic);
    pthread_mutex_unlock(&broker->lock);
}

/* With the reference of the list of all topics. */
static LocalTopic *topic_new(LocalBroker *broker, const TopicSpec *spec, Str id, int64_t row)
{
    Arena      *mem = arena_new(512);
    LocalTopic *topic = ARENA_NEW(mem, LocalTopic);

    topic->broker = broker;
    topic->refs = 1;
    topic->mem = mem;
    topic->spec = *spec;
    topic->spec.name = spec->name.ptr ? str_copy(mem, spec->name) : STR_NULL;
    topic->id = str_copy(mem, id);
    topic->row = row;
    topic->is_deleted = !spec->name.ptr;
    topic->logs = ARENA_ARRAY(mem, LocalLog, spec->partitions);
    for (uint32_t i = 0; i < spec->partitions; i++)
        local_log_init(broker, &topic->logs[i]);
    return topic;
}

static void topic_add_locked(LocalBroker *broker, LocalTopic *topic)
{
    topic->next = broker->all;
    broker->all = topic;
    if (topic->is_deleted)
        return;
    topic->refs++;
    map_put(&broker->topics, topic->spec.name, topic);
}

void local_topic_forget(LocalBroker *broker, LocalTopic *topic)
{
    LocalTopic **link = &broker->all;

    pthread_mutex_lock(&broker->lock);
    while (*link != topic)
        link = &(*link)->next;
    *link = topic->next;
    local_topic_unref_locked(topic);
    pthread_mutex_unlock(&broker->lock);
}

/* --- jobs ------------------------------------------------------------------------------------- */

ErrCode local_job_run(LocalBroker *broker, LocalJob *job, Err *err)
{
    job->err = err;
    pthread_mutex_lock(&broker->lock);
    assert(!broker->is_in_round); /* called from an ack or a wake, this would wait for itself */
    if (broker->job_last)
        broker->job_last->next = job;
    else
        broker->job_first = job;
    broker->job_last = job;
    local_write_poke_locked(broker);
    while (!job->is_done)
        pthread_cond_wait(&broker->done_cond, &broker->lock);
    pthread_mutex_unlock(&broker->lock);
    return job->rc;
}

/* --- creating --------------------------------------------------------------------------------- */

/* Kafka's rule, so that statements move to Kafka unchanged. */
static bool is_legal_name(Str name)
{
    if (name.len == 0 || name.len > TOPIC_NAME_MAX || str_eq(name, STR(".")) ||
        str_eq(name, STR("..")))
        return false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '.' || c == '_' || c == '-'))
            return false;
    }
    return true;
}

static ErrCode check_spec(const TopicSpec *spec, Err *err)
{
    if (!is_legal_name(spec->name)) {
        err_set(err, ERR_BROKER, "cannot create topic \"%.*s\": not a legal name",
                STR_ARG(spec->name));
        err_hint(err, "a name has 1 to %d letters, digits, '.', '_' or '-'", TOPIC_NAME_MAX);
        return ERR_BROKER;
    }
    if (spec->partitions == 0 || (int64_t)spec->partitions > g_limits.partitions)
        return err_set(err, ERR_BROKER,
                       "cannot create topic \"%.*s\" with %u partitions: between 1 and %lld",
                       STR_ARG(spec->name), spec->partitions, (long long)g_limits.partitions);
    return ERR_OK;
}

/* In memory a number does; in a file, ids must differ from those of a file that stood there before,
 * which states may remember. */
static void topic_id_make(LocalBroker *broker, char out[static 33])
{
    uint64_t random = ++broker->topic_seq;

    if (broker->store && getrandom(&random, sizeof random, 0) != sizeof random)
        random = (uint64_t)clock_now_ms(broker->clock) ^ ++broker->topic_seq << 48;
    snprintf(out, 33, "%llx", (unsigned long long)random);
}

static ErrCode topic_store(LocalBroker *broker, const TopicSpec *spec, Str id, int64_t *row,
                           Err *err)
{
    ErrCode rc;

    TRY(local_write_check_space(broker, 0, err));
    TRY(local_store_begin(broker->store, true, err));
    rc = local_store_topic_put(broker->store, spec, id, row, err);
    if (rc == ERR_OK)
        rc = local_store_commit(broker->store, err);
    if (rc != ERR_OK)
        local_store_rollback(broker->store);
    return rc;
}

static ErrCode topic_create_job(LocalBroker *broker, LocalJob *job, Err *err)
{
    char    id[33];
    int64_t row = 0;
    bool    is_there;

    pthread_mutex_lock(&broker->lock);
    is_there = map_get(&broker->topics, job->spec->name) != NULL;
    pthread_mutex_unlock(&broker->lock);
    if (is_there)
        return err_set(err, ERR_TOPIC_EXISTS, "topic \"%.*s\" already exists",
                       STR_ARG(job->spec->name));
    topic_id_make(broker, id);
    if (broker->store)
        TRY(topic_store(broker, job->spec, str_from(id), &row, err));
    pthread_mutex_lock(&broker->lock);
    topic_add_locked(broker, topic_new(broker, job->spec, str_from(id), row));
    pthread_mutex_unlock(&broker->lock);
    return ERR_OK;
}

static ErrCode local_topic_create(Broker *base, const TopicSpec *spec, Err *err)
{
    LocalJob job = {.run = topic_create_job, .spec = spec};

    TRY(check_spec(spec, err));
    return local_job_run((LocalBroker *)base, &job, err);
}

/* --- deleting --------------------------------------------------------------------------------- */

static ErrCode topic_drop(LocalBroker *broker, LocalTopic *topic, Err *err)
{
    ErrCode rc;

    TRY(local_store_begin(broker->store, true, err));
    rc = local_store_topic_drop(broker->store, topic->row, err);
    if (rc == ERR_OK)
        rc = local_store_commit(broker->store, err);
    if (rc != ERR_OK)
        local_store_rollback(broker->store);
    return rc;
}

static ErrCode topic_delete_job(LocalBroker *broker, LocalJob *job, Err *err)
{
    LocalTopic *topic = job->topic;

    if (topic->is_deleted) /* by a job before this one */
        return local_topic_missing(topic->spec.name, err);
    if (broker->store)
        TRY(topic_drop(broker, topic, err));
    pthread_mutex_lock(&broker->lock);
    map_remove(&broker->topics, topic->spec.name);
    topic->is_deleted = true;
    for (uint32_t i = 0; i < topic->spec.partitions; i++)
        local_log_cut_locked(&topic->logs[i], topic->logs[i].end);
    local_topic_unref_locked(topic); /* the catalog's; the caller holds another */
    pthread_mutex_unlock(&broker->lock);
    for (uint32_t i = 0; i < topic->spec.partitions; i++)
        local_log_wake(broker, &topic->logs[i]);
    return ERR_OK;
}

static ErrCode local_topic_delete(Broker *base, Str name, Err *err)
{
    LocalBroker *broker = (LocalBroker *)base;
    LocalJob     job = {.run = topic_delete_job};
    ErrCode      rc;

    TRY(local_topic_find(broker, name, &job.topic, err));
    rc = local_job_run(broker, &job, err);
    local_topic_unref(job.topic);
    return rc;
}

/* --- describing ------------------------------------------------------------------------------- */

static TopicInfo topic_info(const LocalTopic *topic, Arena *arena)
{
    TopicInfo info = {.spec = topic->spec,
                      .id = str_copy(arena, topic->id),
                      .retention_bytes = -1,
                      .record_bytes_max = g_limits.record_bytes};

    info.spec.name = str_copy(arena, topic->spec.name);
    return info;
}

static ErrCode local_topic_describe(Broker *base, Str name, Arena *arena, TopicInfo *out, Err *err)
{
    LocalTopic *topic = NULL;

    TRY(local_topic_find((LocalBroker *)base, name, &topic, err));
    *out = topic_info(topic, arena); /* immutable but for what is under lock */
    local_topic_unref(topic);
    return ERR_OK;
}

static int topic_info_cmp(const void *a, const void *b)
{
    return str_cmp(((const TopicInfo *)a)->spec.name, ((const TopicInfo *)b)->spec.name);
}

static ErrCode local_topics(Broker *base, Arena *arena, TopicInfo **out, size_t *len, Err *err)
{
    LocalBroker *broker = (LocalBroker *)base;
    size_t       cursor = 0, count = 0;
    MapEntry    *entry;

    (void)err;
    pthread_mutex_lock(&broker->lock);
    *out = ARENA_ARRAY(arena, TopicInfo, broker->topics.live_len);
    while ((entry = map_next(&broker->topics, &cursor)))
        (*out)[count++] = topic_info(entry->value, arena);
    pthread_mutex_unlock(&broker->lock);
    *len = count;
    qsort(*out, count, sizeof **out, topic_info_cmp);
    return ERR_OK;
}

static ErrCode local_topic_ends(Broker *base, Str name, PartitionEnds *ends, uint32_t partitions,
                                Err *err)
{
    LocalBroker *broker = (LocalBroker *)base;
    LocalTopic  *topic;

    pthread_mutex_lock(&broker->lock);
    topic = map_get(&broker->topics, name);
    for (uint32_t i = 0; topic && i < partitions; i++) {
        ends[i] = (PartitionEnds){0, 0};
        if (i < topic->spec.partitions)
            ends[i] = (PartitionEnds){topic->logs[i].begin, topic->logs[i].end};
    }
    pthread_mutex_unlock(&broker->lock);
    return topic ? ERR_OK : local_topic_missing(name, err);
}

/* --- life ------------------------------------------------------------------------------------- */

static void local_health(Broker *base, BrokerHealth *out)
{
    LocalBroker *broker = (LocalBroker *)base;

    pthread_mutex_lock(&broker->lock);
    *out = broker->health;
    pthread_mutex_unlock(&broker->lock);
}

static bool local_step(Broker *base)
{
    LocalBroker *broker = (LocalBroker *)base;

    return broker->is_inline && local_clean_step(broker);
}

static void local_close(Broker *base)
{
    LocalBroker *broker = (LocalBroker *)base;
    size_t       cursor = 0;
    MapEntry    *entry;

    if (!broker->is_inline) {
        pthread_mutex_lock(&broker->lock);
        broker->is_stopping = true;
        pthread_cond_signal(&broker->work_cond);
        pthread_mutex_unlock(&broker->lock);
        pthread_join(broker->thread, NULL);
    }
    assert(!broker->txns);
    local_clean_stop(broker);
    local_store_close(broker->store);
    while ((entry = map_next(&broker->topics, &cursor)))
        local_topic_unref_locked(entry->value);
    map_deinit(&broker->topics);
    while (broker->all) {
        LocalTopic *next = broker->all->next;

        assert(broker->all->refs == 1); /* no reader is left */
        local_topic_unref_locked(broker->all);
        broker->all = next;
    }
    local_cache_shrink_locked(broker, 0);
    arena_free(broker->round_mem);
    pthread_cond_destroy(&broker->done_cond);
    pthread_cond_destroy(&broker->work_cond);
    pthread_mutex_destroy(&broker->lock);
    pthread_mutex_destroy(&broker->wake_lock);
    mem_free(broker);
}

/* --- opening ---------------------------------------------------------------------------------- */

static void on_stored_topic(void *arg, const StoredTopic *stored)
{
    LocalBroker *broker = arg;

    topic_add_locked(broker, topic_new(broker, &stored->spec, stored->id, stored->row));
}

/* Partitions come in the order of their topics' rows, and so does `all`. */
static void on_stored_partition(void *arg, const StoredPartition *stored)
{
    LocalBroker *broker = arg;
    LocalTopic  *topic = broker->sweep_topic ? broker->sweep_topic : broker->all;

    while (topic && topic->row < stored->topic_row)
        topic = topic->next;
    broker->sweep_topic = topic;
    if (topic && topic->row == stored->topic_row && stored->partition < topic->spec.partitions) {
        LocalLog *log = &topic->logs[stored->partition];

        log->begin = stored->begin;
        log->end = stored->end;
        log->cached_from = stored->end;
        log->clean_end = stored->clean_end;
    }
}

static ErrCode store_open(LocalBroker *broker, const char *path, Err *err)
{
    if (strcmp(path, ":memory:") == 0)
        return ERR_OK;
    TRY(local_store_open(path, &broker->store, err));
    TRY(local_store_load(broker->store, broker, on_stored_topic, on_stored_partition, err));
    broker->sweep_topic = NULL;
    return ERR_OK;
}

ErrCode broker_local_open(const BrokerLocalOpts *opts, Broker **out, Err *err)
{
    LocalBroker       *broker = MEM_NEW(LocalBroker);
    pthread_condattr_t attr;
    ErrCode            rc;

    broker->base.cls = &broker_local_class;
    broker->clock = opts->clock;
    broker->is_inline = true; /* until the thread runs */
    broker->data_bytes_max = opts->data_bytes_max;
    broker->tombstone_retention_ms = opts->tombstone_retention_ms;
    broker->health.is_healthy = true;
    broker->round_mem = arena_new(0);
    broker->clean_next_ns = clock_monotonic_ns(opts->clock) + CLEAN_DELAY_NS;
    map_init(&broker->topics, NULL);
    pthread_mutex_init(&broker->wake_lock, NULL);
    pthread_mutex_init(&broker->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&broker->work_cond, &attr);
    pthread_condattr_destroy(&attr);
    pthread_cond_init(&broker->done_cond, NULL);

    rc = store_open(broker, opts->path, err);
    if (rc == ERR_OK && !opts->is_inline) {
        broker->is_inline = false;
        if (pthread_create(&broker->thread, NULL, local_write_thread, broker) != 0) {
            broker->is_inline = true;
            rc = err_set(err, ERR_IO, "could not start the broker's thread");
        } else {
            pthread_setname_np(broker->thread, "broker");
        }
    }
    if (rc != ERR_OK) {
        local_close(&broker->base);
        return rc;
    }
    *out = &broker->base;
    return ERR_OK;
}

static const BrokerClass broker_local_class = {
    .name = "local",
    .topic_create = local_topic_create,
    .topic_delete = local_topic_delete,
    .topic_describe = local_topic_describe,
    .topics = local_topics,
    .topic_ends = local_topic_ends,
    .reader_open = local_reader_open,
    .reader_poll = local_reader_poll,
    .reader_seek = local_reader_seek,
    .reader_close = local_reader_close,
    .txn_open = local_txn_open,
    .txn_begin = local_txn_begin,
    .txn_append = local_txn_append,
    .txn_commit = local_txn_commit,
    .txn_abort = local_txn_abort,
    .txn_close = local_txn_close,
    .produce = local_produce,
    .trim = local_trim,
    .health = local_health,
    .step = local_step,
    .close = local_close,
};
