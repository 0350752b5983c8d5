/*
 * owner.c -- the owner topic: taking over, naming groups, finding out about a successor.
 */
#include "exec/owner.h"

#include <pthread.h>
#include <stdio.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "common/log.h"
#include "common/map.h"

enum { WATCH_MS = 1000, TAKE_TRIES = 3, NAME_BYTES = 160 };

#define OWNER_KEY STR("owner")
#define GROUP_PREFIX STR("group/")

struct Owner {
    Broker *broker;
    Arena  *mem;
    Str     topic;
    Str     name; /* of this server */

    pthread_mutex_t lock; /* what was read */
    int64_t         next; /* where reading goes on */
    char            holder[NAME_BYTES];
    bool            has_taken;
    Map             groups; /* named ones, while this server has not taken over */

    pthread_mutex_t watch_lock;
    pthread_cond_t  watch_changed;
    pthread_t       thread;
    bool            has_thread, is_stopping;
};

/* --- reading ---------------------------------------------------------------------------------- */

static ErrCode owner_note(void *arg, const Record *record, Err *err)
{
    Owner *self = arg;

    (void)err;
    if (str_eq(record->key, OWNER_KEY)) {
        snprintf(self->holder, sizeof self->holder, "%.*s", STR_ARG(record->value));
    } else if (!self->has_taken && str_starts(record->key, GROUP_PREFIX)) {
        Str group = str_slice(record->key, GROUP_PREFIX.len, record->key.len);

        if (!record->value.ptr)
            (void)map_remove(&self->groups, group);
        else if (!map_get(&self->groups, group))
            map_put(&self->groups, str_copy(self->mem, group), self);
    }
    return ERR_OK;
}

static ErrCode owner_read_locked(Owner *self, int64_t end, Err *err)
{
    BrokerRange range = {.topic = self->topic, .from = self->next, .end = end};

    if (end <= self->next)
        return ERR_OK;
    return broker_read_range(self->broker, &range, owner_note, self, &self->next, err);
}

static ErrCode owner_judge_locked(Owner *self, Err *err)
{
    if (!self->has_taken || str_eq(str_from(self->holder), self->name))
        return ERR_OK;
    err_set(err, ERR_BROKER, "another server with the same ksql.service.id has taken over: %.100s",
            self->holder);
    err_hint(err, "stop the other server, then restart this one");
    broker_fence(self->broker, err->msg);
    return ERR_BROKER;
}

ErrCode owner_check(Owner *self, Err *err)
{
    PartitionEnds ends;
    ErrCode       rc;

    pthread_mutex_lock(&self->lock);
    rc = broker_topic_ends(self->broker, self->topic, &ends, 1, err);
    if (rc == ERR_OK && ends.end < self->next)
        self->next = 0; /* it was deleted, and made again by a server that started */
    if (rc == ERR_OK)
        rc = owner_read_locked(self, ends.end, err);
    if (rc == ERR_OK)
        rc = owner_judge_locked(self, err);
    pthread_mutex_unlock(&self->lock);
    return rc;
}

/* --- writing ---------------------------------------------------------------------------------- */

static void owner_settled(void *arg, const Chunk *chunk)
{
    int64_t *end = arg;

    *end = chunk->base_offset + chunk->count;
}

/* One transaction; *end is where its records end.  Takes the chunk. */
static ErrCode owner_write(BrokerTxn *txn, Chunk *chunk, int64_t *end, Err *err)
{
    ErrCode rc = broker_txn_begin(txn, err);

    if (rc == ERR_OK)
        rc = broker_txn_append(txn, chunk, err);
    if (rc != ERR_OK) {
        chunk_free(chunk);
        broker_txn_abort(txn);
        return rc;
    }
    rc = broker_txn_commit(txn, owner_settled, end, err);
    /* Whether the name is there does not matter, as it is written again.  The caller would take it
     * for the outcome of an epoch, of which nothing was written yet. */
    if (rc == ERR_UNKNOWN_OUTCOME)
        rc = err->code = ERR_BROKER;
    return rc;
}

static void owner_put_group(Chunk *chunk, Str group, Str value)
{
    Buf    key = {0};
    Record record = {.value = value};

    buf_str(&key, GROUP_PREFIX);
    buf_str(&key, group);
    record.key = buf_view(&key);
    chunk_append(chunk, &record);
    buf_deinit(&key);
}

/* --- taking over ------------------------------------------------------------------------------ */

/* Everything that the groups of the older server wrote is decided afterwards. */
static ErrCode owner_fence_groups(Owner *self, BrokerTxn *common, Err *err)
{
    Chunk    *chunk;
    size_t    cursor = 0;
    MapEntry *entry;
    int64_t   end;

    if (self->groups.live_len == 0)
        return ERR_OK;
    while ((entry = map_next(&self->groups, &cursor))) {
        BrokerTxn *txn;

        TRY(broker_txn_open(self->broker, entry->key, &txn, err));
        broker_txn_close(txn);
    }
    chunk = chunk_new(self->topic, 0, NULL);
    cursor = 0;
    while ((entry = map_next(&self->groups, &cursor)))
        owner_put_group(chunk, entry->key, STR_NULL);
    return owner_write(common, chunk, &end, err);
}

static ErrCode owner_take(Owner *self, BrokerTxn *common, Err *err)
{
    Record  record = {.key = OWNER_KEY, .value = self->name};
    Chunk  *chunk = chunk_new(self->topic, 0, NULL);
    int64_t end = 0;
    ErrCode rc;

    chunk_append(chunk, &record);
    TRY(owner_write(common, chunk, &end, err));
    pthread_mutex_lock(&self->lock);
    rc = owner_read_locked(self, end, err);
    pthread_mutex_unlock(&self->lock);
    if (rc == ERR_OK)
        rc = owner_fence_groups(self, common, err);
    return rc;
}

/* An older server that has just opened its writer anew fences this one, once: it then sees the name
 * of this one. */
static ErrCode owner_open_first(Owner *self, Str group, BrokerTxn **out, Err *err)
{
    ErrCode rc = ERR_OK;

    for (int i = 0; i < TAKE_TRIES; i++) {
        TRY(broker_txn_open(self->broker, group, out, err));
        rc = owner_take(self, *out, err);
        if (rc == ERR_OK) {
            self->has_taken = true;
            return ERR_OK;
        }
        broker_txn_close(*out);
        *out = NULL;
    }
    return rc;
}

/* --- opening writers -------------------------------------------------------------------------- */

ErrCode owner_open_common(Owner *self, Str group, BrokerTxn **out, Err *err)
{
    BrokerTxn *txn = NULL;
    ErrCode    rc;

    if (!self->has_taken)
        return owner_open_first(self, group, out, err);
    TRY(owner_check(self, err));
    TRY(broker_txn_open(self->broker, group, &txn, err));
    rc = owner_check(self, err);
    if (rc != ERR_OK)
        broker_txn_close(txn);
    else
        *out = txn;
    return rc;
}

static ErrCode owner_name_group(Owner *self, Str group, BrokerTxn *txn, Err *err)
{
    Chunk  *chunk = chunk_new(self->topic, 0, NULL);
    int64_t end = 0;
    ErrCode rc;

    owner_put_group(chunk, group, self->name);
    TRY(owner_write(txn, chunk, &end, err));
    pthread_mutex_lock(&self->lock);
    rc = owner_read_locked(self, end, err);
    if (rc == ERR_OK)
        rc = owner_judge_locked(self, err);
    pthread_mutex_unlock(&self->lock);
    return rc;
}

ErrCode owner_open_apart(Owner *self, Str group, BrokerTxn **out, Err *err)
{
    BrokerTxn *txn = NULL;
    ErrCode    rc;

    TRY(owner_check(self, err));
    TRY(broker_txn_open(self->broker, group, &txn, err));
    rc = owner_name_group(self, group, txn, err);
    if (rc != ERR_OK)
        broker_txn_close(txn);
    else
        *out = txn;
    return rc;
}

/* A name that stays costs the next start half a second. */
void owner_close_apart(Owner *self, Str group, BrokerTxn *txn)
{
    Chunk  *chunk;
    int64_t end;
    Err     err;

    if (!txn)
        return;
    chunk = chunk_new(self->topic, 0, NULL);
    owner_put_group(chunk, group, STR_NULL);
    if (owner_write(txn, chunk, &end, &err) != ERR_OK)
        log_line(LOG_DEBUG, "owner", "group \"%.*s\" keeps its name: %s", STR_ARG(group), err.msg);
    broker_txn_close(txn);
}

/* --- the thread ------------------------------------------------------------------------------- */

/* False when the thread is to end. */
static bool owner_wait(Owner *self)
{
    struct timespec until;
    bool            is_stopping;
    int             rc = 0;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += WATCH_MS / 1000;
    pthread_mutex_lock(&self->watch_lock);
    while (!self->is_stopping && rc == 0)
        rc = pthread_cond_timedwait(&self->watch_changed, &self->watch_lock, &until);
    is_stopping = self->is_stopping;
    pthread_mutex_unlock(&self->watch_lock);
    return !is_stopping;
}

static void *owner_main(void *arg)
{
    Owner *self = arg;

    pthread_setname_np(pthread_self(), "owner");
    while (owner_wait(self)) {
        BrokerHealth health;
        Err          err;

        /* While the cluster is away nobody can take over, and asking it takes long. */
        broker_health(self->broker, &health);
        if (health.is_healthy && owner_check(self, &err) != ERR_OK)
            log_line(LOG_WARN, "owner", "%s", err.msg);
    }
    return NULL;
}

ErrCode owner_watch(Owner *self, Err *err)
{
    if (pthread_create(&self->thread, NULL, owner_main, self) != 0)
        return err_set(err, ERR_IO, "could not start the owner's thread");
    self->has_thread = true;
    return ERR_OK;
}

/* --- life ------------------------------------------------------------------------------------- */

static Str owner_new_name(Arena *mem)
{
    char     host[65] = "";
    uint64_t random = 0;

    (void)gethostname(host, sizeof host - 1);
    if (getrandom(&random, sizeof random, 0) != (ssize_t)sizeof random)
        random = (uint64_t)time(NULL);
    return str_printf(mem, "%s/%ld/%016llx", host, (long)getpid(), (unsigned long long)random);
}

ErrCode owner_open(Broker *broker, Str service_id, Owner **out, Err *err)
{
    Owner             *self = MEM_NEW(Owner);
    pthread_condattr_t attr;
    TopicSpec          spec = {
                 .partitions = 1, .replicas = -1, .retention_ms = -1, .cleanup = TOPIC_COMPACT};
    ErrCode rc;

    self->broker = broker;
    self->mem = arena_new(0);
    self->topic = str_printf(self->mem, "_weir-%.*s-owner", STR_ARG(service_id));
    self->name = owner_new_name(self->mem);
    map_init(&self->groups, self->mem);
    pthread_mutex_init(&self->lock, NULL);
    pthread_mutex_init(&self->watch_lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&self->watch_changed, &attr);
    pthread_condattr_destroy(&attr);
    spec.name = self->topic;
    rc = broker_topic_ensure(broker, &spec, err);
    if (rc != ERR_OK) {
        owner_close(self);
        return rc;
    }
    *out = self;
    return ERR_OK;
}

void owner_close(Owner *self)
{
    if (!self)
        return;
    pthread_mutex_lock(&self->watch_lock);
    self->is_stopping = true;
    pthread_cond_broadcast(&self->watch_changed);
    pthread_mutex_unlock(&self->watch_lock);
    if (self->has_thread)
        pthread_join(self->thread, NULL);
    pthread_cond_destroy(&self->watch_changed);
    pthread_mutex_destroy(&self->watch_lock);
    pthread_mutex_destroy(&self->lock);
    arena_free(self->mem);
    mem_free(self);
}
