#include "exec/pull.h"

#include <pthread.h>
#include <stdatomic.h>

#include "common/limit.h"
#include "tests/support/arena_group.h"

static void count(void *arg)
{
    atomic_fetch_add((atomic_int *)arg, 1);
}

static void wait_for_unlock(void *arg)
{
    pthread_mutex_lock(arg);
    pthread_mutex_unlock(arg);
}

static void every_job_is_run_before_close_returns(void **state)
{
    atomic_int done = 0;
    PullPool  *pool;
    Err        err;

    (void)state;
    assert_int_equal(pull_pool_open(3, &pool, &err), ERR_OK);
    for (int i = 0; i < 500; i++)
        assert_int_equal(pull_pool_submit(pool, count, &done, &err), ERR_OK);
    pull_pool_close(pool);
    assert_int_equal(done, 500);
}

static void full_queue_refuses_by_name(void **state)
{
    pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
    atomic_int      done = 0;
    PullPool       *pool;
    ErrCode         rc = ERR_OK;
    Err             err;

    (void)state;
    g_limits.pull_queue = 5;
    pthread_mutex_lock(&gate);
    assert_int_equal(pull_pool_open(1, &pool, &err), ERR_OK);
    assert_int_equal(pull_pool_submit(pool, wait_for_unlock, &gate, &err), ERR_OK);
    for (int i = 0; i < 6 && rc == ERR_OK; i++)
        rc = pull_pool_submit(pool, count, &done, &err);
    assert_int_equal(rc, ERR_BUSY);
    assert_true(err.is_retriable);
    assert_string_equal(err.msg, "5 pull queries are waiting already");
    pthread_mutex_unlock(&gate);
    pull_pool_close(pool);
    assert_in_range(done, 4, 5);
    limits_init(&g_limits);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_job_is_run_before_close_returns),
        cmocka_unit_test(full_queue_refuses_by_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
