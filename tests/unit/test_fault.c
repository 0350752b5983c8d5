#include "tests/support/fault.h"

#include <signal.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "exec/broker.h"
#include "tests/support/arena_group.h"

/* A broker that only counts what reaches it. */
static int begins, commits, aborts, settled_chunks;

static ErrCode count_begin(BrokerTxn *txn, Err *err)
{
    (void)txn;
    (void)err;
    begins++;
    return ERR_OK;
}

static ErrCode count_commit(BrokerTxn *txn, void (*settled)(void *, const Chunk *), void *arg,
                            Err *err)
{
    (void)txn;
    (void)err;
    commits++;
    settled(arg, NULL);
    return ERR_OK;
}

static void count_abort(BrokerTxn *txn)
{
    (void)txn;
    aborts++;
}

static const BrokerClass counting_class = {
    .name = "counting",
    .txn_begin = count_begin,
    .txn_commit = count_commit,
    .txn_abort = count_abort,
};

static BrokerTxn counting_txn = {&counting_class};

static void on_settled(void *arg, const Chunk *chunk)
{
    (void)arg;
    (void)chunk;
    settled_chunks++;
}

static int fault_setup(void **state)
{
    (void)state;
    fault_reset();
    begins = commits = aborts = settled_chunks = 0;
    return 0;
}

static ErrCode commit(Err *err)
{
    return broker_txn_commit(&counting_txn, on_settled, NULL, err);
}

static void fault_free_calls_pass(void **state)
{
    Err err;

    (void)state;
    assert_int_equal(broker_txn_begin(&counting_txn, &err), ERR_OK);
    assert_int_equal(commit(&err), ERR_OK);
    assert_int_equal(begins + commits + settled_chunks, 3);
    assert_int_equal(fault_calls(FAULT_TXN_COMMIT), 1);
}

static void fault_hits_the_nth_call_once(void **state)
{
    Err err;

    (void)state;
    fault_arm(FAULT_TXN_BEGIN, FAULT_RETRY, 2);
    assert_int_equal(broker_txn_begin(&counting_txn, &err), ERR_OK);
    assert_int_equal(broker_txn_begin(&counting_txn, &err), ERR_BROKER);
    assert_true(err.is_retriable);
    assert_int_equal(broker_txn_begin(&counting_txn, &err), ERR_OK);
    assert_int_equal(begins, 2);
}

static void fault_always_lasts_until_reset(void **state)
{
    Err err;

    (void)state;
    fault_arm_always(FAULT_TXN_BEGIN, FAULT_FULL, 1);
    for (int i = 0; i < 3; i++)
        assert_int_equal(broker_txn_begin(&counting_txn, &err), ERR_FULL);
    fault_reset();
    assert_int_equal(broker_txn_begin(&counting_txn, &err), ERR_OK);
    assert_int_equal(begins, 1);
}

static void fault_commit_that_fails_leaves_nothing(void **state)
{
    Err err;

    (void)state;
    fault_arm(FAULT_TXN_COMMIT, FAULT_FAIL, 1);
    assert_int_equal(commit(&err), ERR_BROKER);
    assert_false(err.is_retriable);
    assert_int_equal(aborts, 1);
    assert_int_equal(commits, 0);
}

static void fault_commit_of_unknown_outcome_is_done_or_lost(void **state)
{
    Err err;

    (void)state;
    fault_arm(FAULT_TXN_COMMIT, FAULT_DONE, 1);
    assert_int_equal(commit(&err), ERR_UNKNOWN_OUTCOME);
    assert_int_equal(commits, 1);
    assert_int_equal(aborts, 0);
    fault_arm(FAULT_TXN_COMMIT, FAULT_LOST, 1);
    assert_int_equal(commit(&err), ERR_UNKNOWN_OUTCOME);
    assert_int_equal(commits, 1);
    assert_int_equal(aborts, 1);
    assert_int_equal(settled_chunks, 0);
}

static void fault_sqlite_refuses_writes_and_not_reads(void **state)
{
    sqlite3      *db = NULL;
    sqlite3_stmt *write = NULL;
    sqlite3_stmt *read = NULL;

    (void)state;
    assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "CREATE TABLE t (a)", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, "INSERT INTO t VALUES (1)", -1, &write, NULL), 0);
    assert_int_equal(sqlite3_prepare_v2(db, "SELECT count(*) FROM t", -1, &read, NULL), 0);

    fault_arm(FAULT_SQLITE_WRITE, FAULT_FULL, 1);
    assert_int_equal(sqlite3_step(read), SQLITE_ROW);
    assert_int_equal(sqlite3_step(write), SQLITE_FULL);
    sqlite3_reset(read);
    assert_int_equal(sqlite3_step(read), SQLITE_ROW);
    assert_int_equal(sqlite3_column_int(read, 0), 0);
    assert_int_equal(sqlite3_step(write), SQLITE_DONE);

    fault_arm(FAULT_SQLITE_EXEC, FAULT_FAIL, 1);
    assert_int_equal(sqlite3_exec(db, "SELECT 1", NULL, NULL, NULL), SQLITE_IOERR);
    sqlite3_finalize(write);
    sqlite3_finalize(read);
    sqlite3_close(db);
}

/* Ends the process inside a commit; a fork so that the test survives it. */
static int status_of_killed_commit(FaultKind kind)
{
    pid_t pid = fork();
    int   status = 0;

    if (pid == 0) {
        Err err;

        fault_arm(FAULT_TXN_COMMIT, kind, 1);
        (void)!commit(&err);
        _exit(0);
    }
    assert_true(pid > 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void fault_kill_ends_the_process(void **state)
{
    int status = status_of_killed_commit(FAULT_KILL_BEFORE);

    (void)state;
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    status = status_of_killed_commit(FAULT_KILL_AFTER);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void fault_text_arms_several(void **state)
{
    Err err;

    (void)state;
    assert_true(fault_arm_text("txn_begin:fail:1,txn_commit:lost:2"));
    assert_int_equal(broker_txn_begin(&counting_txn, &err), ERR_BROKER);
    assert_int_equal(commit(&err), ERR_OK);
    assert_int_equal(commit(&err), ERR_UNKNOWN_OUTCOME);
}

static void fault_text_that_is_wrong_arms_nothing(void **state)
{
    const char *bad[] = {"",
                         "txn_begin",
                         "txn_begin:fail",
                         "txn_begin:fail:0",
                         "txn_begin:fail:x",
                         "nowhere:fail:1",
                         "txn_begin:somehow:1",
                         "produce:lost:1",
                         "txn_begin:fail:1,",
                         "txn_begin:fail:1,x"};
    Err         err;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(fault_arm_text(bad[i]));
    assert_int_equal(broker_txn_begin(&counting_txn, &err), ERR_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(fault_free_calls_pass, fault_setup),
        cmocka_unit_test_setup(fault_hits_the_nth_call_once, fault_setup),
        cmocka_unit_test_setup(fault_always_lasts_until_reset, fault_setup),
        cmocka_unit_test_setup(fault_commit_that_fails_leaves_nothing, fault_setup),
        cmocka_unit_test_setup(fault_commit_of_unknown_outcome_is_done_or_lost, fault_setup),
        cmocka_unit_test_setup(fault_sqlite_refuses_writes_and_not_reads, fault_setup),
        cmocka_unit_test_setup(fault_kill_ends_the_process, fault_setup),
        cmocka_unit_test_setup(fault_text_arms_several, fault_setup),
        cmocka_unit_test_setup(fault_text_that_is_wrong_arms_nothing, fault_setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
