/* test_jobs.c -- jobs run, in order on one thread, and the queue is bounded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>

#include "server/jobs.h"

enum { JOBS = 1000 };

typedef struct Seen {
    int             order[JOBS];
    int             len;
    pthread_mutex_t gate;
} Seen;

typedef struct One {
    Seen *seen;
    int   number;
} One;

static void note(void *arg)
{
    One *one = arg;

    pthread_mutex_lock(&one->seen->gate);
    one->seen->order[one->seen->len++] = one->number;
    pthread_mutex_unlock(&one->seen->gate);
}

static void one_thread_keeps_the_order(void **state)
{
    static Seen seen = {.gate = PTHREAD_MUTEX_INITIALIZER};
    static One  ones[JOBS];
    Jobs       *jobs;
    Err         err;

    (void)state;
    assert_int_equal(jobs_open("test", 1, JOBS, &jobs, &err), ERR_OK);
    for (int i = 0; i < JOBS; i++) {
        ones[i] = (One){&seen, i};
        assert_int_equal(jobs_submit(jobs, note, &ones[i], &err), ERR_OK);
    }
    jobs_close(jobs);
    assert_int_equal(seen.len, JOBS);
    for (int i = 0; i < JOBS; i++)
        assert_int_equal(seen.order[i], i);
}

static void full_queue_is_busy(void **state)
{
    static Seen seen = {.gate = PTHREAD_MUTEX_INITIALIZER};
    One         one = {&seen, 1};
    Jobs       *jobs;
    Err         err;
    ErrCode     rc = ERR_OK;

    (void)state;
    pthread_mutex_lock(&seen.gate); /* the first job waits here */
    assert_int_equal(jobs_open("test", 1, 2, &jobs, &err), ERR_OK);
    for (int i = 0; i < 4 && rc == ERR_OK; i++)
        rc = jobs_submit(jobs, note, &one, &err);
    assert_int_equal(rc, ERR_BUSY);
    assert_true(err.is_retriable);
    pthread_mutex_unlock(&seen.gate);
    jobs_close(jobs);
}

static void without_threads_a_job_runs_at_once(void **state)
{
    static Seen seen = {.gate = PTHREAD_MUTEX_INITIALIZER};
    One         one = {&seen, 1};
    Jobs       *jobs;
    Err         err;

    (void)state;
    assert_int_equal(jobs_open("test", 0, 2, &jobs, &err), ERR_OK);
    assert_int_equal(jobs_submit(jobs, note, &one, &err), ERR_OK);
    assert_int_equal(seen.len, 1);
    jobs_close(jobs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_thread_keeps_the_order),
        cmocka_unit_test(full_queue_is_busy),
        cmocka_unit_test(without_threads_a_job_runs_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
