/*
 * jobs.c -- a ring of waiting jobs under one lock.
 */
#include "server/jobs.h"

#include <pthread.h>
#include <stdio.h>

typedef struct Job {
    JobRun run;
    void  *arg;
} Job;

struct Jobs {
    char            name[16];
    pthread_mutex_t lock;
    pthread_cond_t  ready;
    pthread_t      *threads;
    int             threads_len;
    Job            *ring;
    size_t          ring_cap, head, len;
    bool            is_closing;
};

static void *jobs_thread(void *arg)
{
    Jobs *jobs = arg;

    pthread_setname_np(pthread_self(), jobs->name);
    pthread_mutex_lock(&jobs->lock);
    for (;;) {
        Job job;

        while (jobs->len == 0 && !jobs->is_closing)
            pthread_cond_wait(&jobs->ready, &jobs->lock);
        if (jobs->len == 0)
            break;
        job = jobs->ring[jobs->head];
        jobs->head = (jobs->head + 1) % jobs->ring_cap;
        jobs->len--;
        pthread_mutex_unlock(&jobs->lock);
        job.run(job.arg);
        pthread_mutex_lock(&jobs->lock);
    }
    pthread_mutex_unlock(&jobs->lock);
    return NULL;
}

ErrCode jobs_open(const char *name, int threads, int64_t queue_max, Jobs **out, Err *err)
{
    Jobs *jobs = MEM_NEW(Jobs);

    snprintf(jobs->name, sizeof jobs->name, "%s", name);
    pthread_mutex_init(&jobs->lock, NULL);
    pthread_cond_init(&jobs->ready, NULL);
    jobs->ring_cap = queue_max > 0 ? (size_t)queue_max : 1;
    jobs->ring = MEM_ARRAY(Job, jobs->ring_cap);
    jobs->threads = MEM_ARRAY(pthread_t, threads > 0 ? threads : 1);
    for (; jobs->threads_len < threads; jobs->threads_len++) {
        int rc = pthread_create(&jobs->threads[jobs->threads_len], NULL, jobs_thread, jobs);

        if (rc != 0) {
            jobs_close(jobs);
            return err_set(err, ERR_IO, "could not start a %s thread: %s", name, strerror(rc));
        }
    }
    *out = jobs;
    return ERR_OK;
}

ErrCode jobs_submit(Jobs *jobs, JobRun run, void *arg, Err *err)
{
    ErrCode rc = ERR_OK;

    if (jobs->threads_len == 0) {
        run(arg);
        return ERR_OK;
    }
    pthread_mutex_lock(&jobs->lock);
    if (jobs->is_closing) {
        rc = err_set(err, ERR_CANCELLED, "the server is shutting down");
    } else if (jobs->len == jobs->ring_cap) {
        rc = err_set(err, ERR_BUSY, "too many requests are waiting: %zu", jobs->len);
        err->is_retriable = true;
    } else {
        jobs->ring[(jobs->head + jobs->len++) % jobs->ring_cap] = (Job){run, arg};
        pthread_cond_signal(&jobs->ready);
    }
    pthread_mutex_unlock(&jobs->lock);
    return rc;
}

void jobs_close(Jobs *jobs)
{
    if (!jobs)
        return;
    pthread_mutex_lock(&jobs->lock);
    jobs->is_closing = true;
    pthread_cond_broadcast(&jobs->ready);
    pthread_mutex_unlock(&jobs->lock);
    for (int i = 0; i < jobs->threads_len; i++)
        pthread_join(jobs->threads[i], NULL);
    pthread_cond_destroy(&jobs->ready);
    pthread_mutex_destroy(&jobs->lock);
    mem_free(jobs->threads);
    mem_free(jobs->ring);
    mem_free(jobs);
}
