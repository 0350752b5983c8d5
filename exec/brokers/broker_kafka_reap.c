/*
 * broker_kafka_reap.c -- destroying librdkafka's handles.
 *
 * rd_kafka_destroy() of a consumer never returns (librdkafka 2.0.2) when a topic that it read was
 * deleted behind its back.  So it is a thread of its own that calls it, for each handle one: a
 * handle that hangs costs a parked thread, and never the others nor the shutdown.  All that are
 * left when the server ends have one time together.
 */
#include "exec/brokers/broker_kafka_impl.h"

#include <time.h>

#include "common/log.h"

/* Shared by a destroying thread and whoever waits for it; the last of the two frees it. */
typedef struct Parting {
    rd_kafka_t     *rk;
    pthread_mutex_t mutex;
    pthread_cond_t  cond;
    bool            is_done, is_left;
} Parting;

static void parting_free(Parting *parting)
{
    pthread_mutex_destroy(&parting->mutex);
    pthread_cond_destroy(&parting->cond);
    mem_free(parting);
}

static void *parting_run(void *arg)
{
    Parting *parting = arg;
    bool     is_left;

    rd_kafka_destroy(parting->rk);
    pthread_mutex_lock(&parting->mutex);
    parting->is_done = true;
    is_left = parting->is_left;
    pthread_cond_signal(&parting->cond);
    pthread_mutex_unlock(&parting->mutex);
    if (is_left)
        parting_free(parting);
    return NULL;
}

static struct timespec deadline_in(int ms)
{
    struct timespec at;

    clock_gettime(CLOCK_REALTIME, &at);
    at.tv_sec += ms / 1000;
    at.tv_nsec += (long)(ms % 1000) * 1000000;
    if (at.tv_nsec >= 1000000000) {
        at.tv_sec++;
        at.tv_nsec -= 1000000000;
    }
    return at;
}

/* All that are left when the server ends have one time together. */
static int patience_ms(KafkaBroker *broker)
{
    int64_t left_ms = KAFKA_REAP_MS / 2;

    pthread_mutex_lock(&broker->reap_lock);
    if (broker->is_reaping_over)
        left_ms += broker->reap_over_ms - kafka_now_ms();
    pthread_mutex_unlock(&broker->reap_lock);
    return left_ms > 0 ? (int)left_ms : 0;
}

static void destroy_watched(KafkaBroker *broker, rd_kafka_t *rk)
{
    Parting        *parting = MEM_NEW(Parting);
    struct timespec deadline = deadline_in(patience_ms(broker));
    pthread_t       thread;
    bool            is_done;
    int             rc = 0;

    parting->rk = rk;
    pthread_mutex_init(&parting->mutex, NULL);
    pthread_cond_init(&parting->cond, NULL);
    if (pthread_create(&thread, NULL, parting_run, parting) != 0) {
        log_line(LOG_ERROR, "kafka", "could not start a thread to end a handle: it stays");
        parting_free(parting);
        return;
    }
    pthread_mutex_lock(&parting->mutex);
    while (!parting->is_done && rc == 0)
        rc = pthread_cond_timedwait(&parting->cond, &parting->mutex, &deadline);
    is_done = parting->is_done;
    parting->is_left = !is_done;
    pthread_mutex_unlock(&parting->mutex);
    if (is_done) {
        pthread_join(thread, NULL);
        parting_free(parting);
        return;
    }
    pthread_detach(thread);
    broker->has_left_behind = true;
    log_line(LOG_WARN, "kafka",
             "a consumer does not end: a topic that it read was deleted; it is left behind");
}

static void *reaper_run(void *arg)
{
    KafkaBroker *broker = arg;

    pthread_mutex_lock(&broker->reap_lock);
    while (!broker->is_reaping_over || broker->reap_first) {
        KafkaReap *reap = broker->reap_first;

        if (!reap) {
            pthread_cond_wait(&broker->reap_cond, &broker->reap_lock);
            continue;
        }
        broker->reap_first = reap->next;
        if (!reap->next)
            broker->reap_last = NULL;
        pthread_mutex_unlock(&broker->reap_lock);
        destroy_watched(broker, reap->rk);
        mem_trim(); /* a consumer leaves behind the room of all that it had fetched */
        pthread_mutex_lock(&broker->reap_lock);
        broker->reap_done = reap->ticket;
        pthread_cond_broadcast(&broker->reap_cond);
        mem_free(reap);
    }
    pthread_mutex_unlock(&broker->reap_lock);
    return NULL;
}

ErrCode kafka_reaper_open(KafkaBroker *broker, Err *err)
{
    if (pthread_create(&broker->reaper, NULL, reaper_run, broker) != 0)
        return err_set(err, ERR_IO, "could not start the reaper's thread");
    pthread_setname_np(broker->reaper, "reaper");
    broker->has_reaper = true;
    return ERR_OK;
}

uint64_t kafka_reap(KafkaBroker *broker, rd_kafka_t *rk)
{
    KafkaReap *reap = MEM_NEW(KafkaReap);
    uint64_t   ticket;

    reap->rk = rk;
    pthread_mutex_lock(&broker->reap_lock);
    ticket = reap->ticket = ++broker->reap_given;
    if (broker->reap_last)
        broker->reap_last->next = reap;
    else
        broker->reap_first = reap;
    broker->reap_last = reap;
    pthread_cond_broadcast(&broker->reap_cond);
    pthread_mutex_unlock(&broker->reap_lock);
    return ticket;
}

bool kafka_reap_wait(KafkaBroker *broker, uint64_t ticket, int wait_ms)
{
    struct timespec deadline = deadline_in(wait_ms);
    bool            is_done;
    int             rc = 0;

    pthread_mutex_lock(&broker->reap_lock);
    while (broker->reap_done < ticket && rc == 0)
        rc = pthread_cond_timedwait(&broker->reap_cond, &broker->reap_lock, &deadline);
    is_done = broker->reap_done >= ticket;
    pthread_mutex_unlock(&broker->reap_lock);
    return is_done;
}

void kafka_reaper_close(KafkaBroker *broker)
{
    if (!broker->has_reaper)
        return;
    pthread_mutex_lock(&broker->reap_lock);
    broker->is_reaping_over = true;
    broker->reap_over_ms = kafka_now_ms();
    pthread_cond_broadcast(&broker->reap_cond);
    pthread_mutex_unlock(&broker->reap_lock);
    pthread_join(broker->reaper, NULL);
}
