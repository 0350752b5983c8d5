/*
 * pull_pool.c -- threads that may wait for the disk, and the jobs that wait for them.
 */
#include <assert.h>
#include <pthread.h>

#include "common/limit.h"
#include "exec/pull.h"

typedef struct PullJob {
    void (*run)(void *arg);
    void           *arg;
    struct PullJob *next;
} PullJob;

struct PullPool {
    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t  work;
    PullJob        *first, **end;
    int64_t         waiting;
    bool            is_closing;
    uint32_t        threads_len;
    pthread_t       threads[];
};

static void *pool_main(void *arg)
{
    PullPool *pool = arg;

    pthread_setname_np(pthread_self(), "pull");
    pthread_mutex_lock(&pool->lock);
    for (;;) {
        PullJob *job;

        while (!pool->first && !pool->is_closing)
            pthread_cond_wait(&pool->work, &pool->lock);
        job = pool->first;
        if (!job)
            break;
        pool->first = job->next;
        if (!pool->first)
            pool->end = &pool->first;
        pool->waiting--;
        pthread_mutex_unlock(&pool->lock);
        job->run(job->arg);
        mem_free(job);
        pthread_mutex_lock(&pool->lock);
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

ErrCode pull_pool_open(uint32_t threads, PullPool **out, Err *err)
{
    PullPool *pool = mem_zalloc(sizeof *pool + threads * sizeof(pthread_t));

    assert(threads > 0);
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->work, NULL);
    pool->end = &pool->first;
    for (uint32_t i = 0; i < threads; i++) {
        if (pthread_create(&pool->threads[i], NULL, pool_main, pool) != 0) {
            pull_pool_close(pool);
            return err_set(err, ERR_IO, "could not start a thread for pull queries");
        }
        pool->threads_len++;
    }
    *out = pool;
    return ERR_OK;
}

ErrCode pull_pool_submit(PullPool *pool, void (*run)(void *arg), void *arg, Err *err)
{
    PullJob *job = MEM_NEW(PullJob);
    bool     is_full;

    *job = (PullJob){.run = run, .arg = arg};
    pthread_mutex_lock(&pool->lock);
    is_full = pool->waiting >= g_limits.pull_queue;
    if (!is_full) {
        *pool->end = job;
        pool->end = &job->next;
        pool->waiting++;
        pthread_cond_signal(&pool->work);
    }
    pthread_mutex_unlock(&pool->lock);
    if (!is_full)
        return ERR_OK;
    mem_free(job);
    (void)err_set(err, ERR_BUSY, "%lld pull queries are waiting already",
                  (long long)g_limits.pull_queue);
    err_hint(err, "try again later, or raise weir.limit.pull.queue");
    err->is_retriable = true;
    return ERR_BUSY;
}

void pull_pool_close(PullPool *pool)
{
    if (!pool)
        return;
    pthread_mutex_lock(&pool->lock);
    pool->is_closing = true;
    pthread_cond_broadcast(&pool->work);
    pthread_mutex_unlock(&pool->lock);
    for (uint32_t i = 0; i < pool->threads_len; i++)
        pthread_join(pool->threads[i], NULL);
    pthread_cond_destroy(&pool->work);
    pthread_mutex_destroy(&pool->lock);
    mem_free(pool);
}
