/*
 * thread_sanitizer.c -- what every program built with the thread sanitizer has, for librdkafka.
 *
 * librdkafka uses C11's threads, which the sanitizer does not know: it saw neither the threads, and
 * crashed on their callbacks, nor the locks by which they hand things over.  So they are made of
 * those of POSIX here; glibc's types are the same underneath.
 *
 * What librdkafka does to its own memory is not looked at: it counts references by atomics, which
 * are not seen in a library that was compiled without the sanitizer.
 */
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <threads.h>

#include "common/arena.h"

_Static_assert(sizeof(mtx_t) == sizeof(pthread_mutex_t), "a mutex by another name");
_Static_assert(sizeof(cnd_t) == sizeof(pthread_cond_t), "a condition by another name");
_Static_assert(sizeof(thrd_t) == sizeof(pthread_t), "a thread by another name");

const char *__tsan_default_suppressions(void);

const char *__tsan_default_suppressions(void)
{
    return "called_from_lib:librdkafka.so.1\n"
           "race:mtx_\n" /* the memory of its locks */
           "race:cnd_\n";
}

/* --- results ----------------------------------------------------------------------------------
 */

static int result_of(int error)
{
    switch (error) {
    case 0:
        return thrd_success;
    case EBUSY:
        return thrd_busy;
    case ETIMEDOUT:
        return thrd_timedout;
    case ENOMEM:
        return thrd_nomem;
    default:
        return thrd_error;
    }
}

/* --- threads ---------------------------------------------------------------------------------- */

typedef struct Start {
    thrd_start_t run;
    void        *arg;
} Start;

static void *start_run(void *arg)
{
    Start start = *(Start *)arg;

    mem_free(arg);
    return (void *)(intptr_t)start.run(start.arg);
}

int thrd_create(thrd_t *thread, thrd_start_t run, void *arg)
{
    Start *start = MEM_NEW(Start);
    int    error;

    *start = (Start){run, arg};
    error = pthread_create(thread, NULL, start_run, start);
    if (error)
        mem_free(start);
    return result_of(error);
}

int thrd_join(thrd_t thread, int *out)
{
    void *result = NULL;
    int   error = pthread_join(thread, &result);

    if (out)
        *out = (int)(intptr_t)result;
    return result_of(error);
}

/* --- mutexes ---------------------------------------------------------------------------------- */

int mtx_init(mtx_t *mutex, int type)
{
    pthread_mutexattr_t attributes;
    int                 error;

    pthread_mutexattr_init(&attributes);
    if (type & mtx_recursive)
        pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
    error = pthread_mutex_init((pthread_mutex_t *)mutex, &attributes);
    pthread_mutexattr_destroy(&attributes);
    return result_of(error);
}

void mtx_destroy(mtx_t *mutex)
{
    pthread_mutex_destroy((pthread_mutex_t *)mutex);
}

int mtx_lock(mtx_t *mutex)
{
    return result_of(pthread_mutex_lock((pthread_mutex_t *)mutex));
}

int mtx_unlock(mtx_t *mutex)
{
    return result_of(pthread_mutex_unlock((pthread_mutex_t *)mutex));
}

/* --- conditions ------------------------------------------------------------------------------- */

int cnd_init(cnd_t *cond)
{
    return result_of(pthread_cond_init((pthread_cond_t *)cond, NULL));
}

void cnd_destroy(cnd_t *cond)
{
    pthread_cond_destroy((pthread_cond_t *)cond);
}

int cnd_signal(cnd_t *cond)
{
    return result_of(pthread_cond_signal((pthread_cond_t *)cond));
}

int cnd_broadcast(cnd_t *cond)
{
    return result_of(pthread_cond_broadcast((pthread_cond_t *)cond));
}

int cnd_wait(cnd_t *cond, mtx_t *mutex)
{
    return result_of(pthread_cond_wait((pthread_cond_t *)cond, (pthread_mutex_t *)mutex));
}

int cnd_timedwait(cnd_t *restrict cond, mtx_t *restrict mutex,
                  const struct timespec *restrict until)
{
    return result_of(
        pthread_cond_timedwait((pthread_cond_t *)cond, (pthread_mutex_t *)mutex, until));
}
