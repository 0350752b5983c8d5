/*
 * start.c -- attempts, and what is said between them.
 *
 * An attempt opens the whole engine and applies the queries file.  One that fails half-way closes
 * the engine again, so that the next begins like a server that was restarted: nothing has to be
 * known about how far the last one came.  Most of the waiting is done by the broker, which goes on
 * as soon as the cluster answers; what is waited for between attempts is what an answering cluster
 * said, or a silence in the middle of reading.
 */
#include "server/start.h"

#include <pthread.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "common/log.h"
#include "server/queries_file.h"

enum { PAUSE_MS = 1000, PAUSE_MS_MAX = 15000, LOOK_MS = 50, CANCEL_SECONDS = 5 };

struct Start {
    StartOpts   opts;
    BrokerWatch watch;
    pthread_t   thread, caller;
    bool        is_cancelled; /* atomic */

    pthread_mutex_t lock;
    Api            *told; /* NULL when the start is over: the broker outlives the API */

    Engine *engine; /* of the attempt that succeeded */
    ErrCode rc;
    Err     err;
};

ErrCode start_engine(const StartOpts *opts, Engine **out, Err *err)
{
    Engine *engine;
    ErrCode rc = ERR_OK;

    TRY(engine_open(&opts->engine, &engine, err));
    if (opts->queries_file)
        rc = queries_file_apply(engine, opts->queries_file, err);
    if (rc == ERR_OK)
        *out = engine;
    else
        engine_close(engine);
    return rc;
}

/* --- waiting ---------------------------------------------------------------------------------- */

static bool is_cancelled(void *arg)
{
    return __atomic_load_n(&((Start *)arg)->is_cancelled, __ATOMIC_ACQUIRE);
}

static void tell(Start *start, const char *why)
{
    pthread_mutex_lock(&start->lock);
    if (start->told)
        api_starting(start->told, why);
    pthread_mutex_unlock(&start->lock);
}

static void tell_health(void *arg, const BrokerHealth *health)
{
    tell(arg, health->why);
}

static void tell_failure(Start *start, int pause_ms)
{
    const Err *err = &start->err;
    char       why[ERR_MSG_BYTES + ERR_HINT_BYTES + 2];

    snprintf(why, sizeof why, "%s%s%s", err->msg, err->hint[0] ? "; " : "", err->hint);
    log_line(LOG_WARN, "start", "%s; tried again in %d s", why, pause_ms / 1000);
    tell(start, why);
}

static void pause_start(Start *start, int pause_ms)
{
    const struct timespec look = {.tv_nsec = LOOK_MS * 1000000};

    for (int left_ms = pause_ms; left_ms > 0 && !is_cancelled(start); left_ms -= LOOK_MS)
        nanosleep(&look, NULL);
}

static void *start_main(void *arg)
{
    Start *start = arg;
    int    pause_ms = PAUSE_MS;

    for (;;) {
        start->rc = start_engine(&start->opts, &start->engine, &start->err);
        if (start->rc == ERR_OK || !start->err.is_retriable || is_cancelled(start))
            break;
        tell_failure(start, pause_ms);
        pause_start(start, pause_ms);
        pause_ms = pause_ms * 2 < PAUSE_MS_MAX ? pause_ms * 2 : PAUSE_MS_MAX;
        tell(start, "");
    }
    /* Closing waits for the cluster, too. */
    if (start->rc == ERR_OK && is_cancelled(start)) {
        engine_close(start->engine);
        start->rc = err_set(&start->err, ERR_CANCELLED, "the start was cancelled");
    }
    pthread_kill(start->caller, START_OVER);
    return NULL;
}

/* --- for main --------------------------------------------------------------------------------- */

ErrCode start_begin(const StartOpts *opts, Start **out, Err *err)
{
    Start *start = MEM_NEW(Start);

    start->opts = *opts;
    start->watch = (BrokerWatch){tell_health, is_cancelled, start, false};
    start->opts.engine.watch = &start->watch;
    start->told = opts->api;
    pthread_mutex_init(&start->lock, NULL);
    start->caller = pthread_self();
    if (pthread_create(&start->thread, NULL, start_main, start) != 0) {
        start_free(start);
        return err_set(err, ERR_IO, "could not start a thread");
    }
    pthread_setname_np(start->thread, "start");
    *out = start;
    return ERR_OK;
}

void start_cancel(Start *start)
{
    __atomic_store_n(&start->is_cancelled, true, __ATOMIC_RELEASE);
}

ErrCode start_end(Start *start, Engine **out, Err *err)
{
    struct timespec until;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += CANCEL_SECONDS;
    if (!is_cancelled(start)) {
        pthread_join(start->thread, NULL);
    } else if (pthread_timedjoin_np(start->thread, NULL, &until) != 0) {
        log_line(LOG_WARN, "start", "the cluster does not answer: the start is left as it is");
        _exit(0);
    }
    pthread_mutex_lock(&start->lock);
    start->told = NULL;
    pthread_mutex_unlock(&start->lock);
    /* From now on nobody gives up waiting. */
    __atomic_store_n(&start->is_cancelled, false, __ATOMIC_RELEASE);
    if (start->rc == ERR_OK)
        *out = start->engine;
    else
        *err = start->err;
    return start->rc;
}

void start_free(Start *start)
{
    if (!start)
        return;
    pthread_mutex_destroy(&start->lock);
    mem_free(start);
}
