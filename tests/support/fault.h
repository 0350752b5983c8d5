/*
 * fault.h -- faults at the seams, injected when linking.
 *
 * A program that links weir_fault reaches the functions below through wrappers, which fail the call
 * that was asked for, or end the process there.  The wrapped objects are the product's own.
 *
 *     fault_arm(FAULT_TXN_COMMIT, FAULT_LOST, 2);     the second commit from now
 *     WEIR_FAULT=txn_commit:kill_after:2 build/bin/weir-server-fault ...
 *
 * Only calls between object files are seen: exec/broker.c calling itself is not.
 *
 * Thread: any.
 */
#ifndef TESTS_SUPPORT_FAULT_H
#define TESTS_SUPPORT_FAULT_H

#include <stdbool.h>
#include <stdint.h>

typedef enum FaultPoint {
    FAULT_TOPIC_CREATE,  /* broker_topic_create() */
    FAULT_TOPIC_DELETE,  /* broker_topic_delete() */
    FAULT_READER_OPEN,   /* broker_reader_open() */
    FAULT_READER_POLL,   /* broker_reader_poll() */
    FAULT_TXN_OPEN,      /* broker_txn_open() */
    FAULT_TXN_BEGIN,     /* broker_txn_begin() */
    FAULT_TXN_APPEND,    /* broker_txn_append() */
    FAULT_TXN_OUTPUT,    /* the same, of a chunk for a query's sink */
    FAULT_TXN_CHANGELOG, /* ... for a changelog */
    FAULT_TXN_POSITIONS, /* ... for the positions topic */
    FAULT_TXN_COMMIT,    /* broker_txn_commit() */
    FAULT_PRODUCE,       /* broker_produce() and broker_produce_wait() */
    FAULT_TRIM,          /* broker_trim() */
    FAULT_SQLITE_WRITE,  /* sqlite3_step() of a statement that writes */
    FAULT_SQLITE_EXEC,   /* sqlite3_exec() */
    FAULT_STATE_READ,    /* sqlite3_step() of a statement that reads a file of DATA/state */
    FAULT_POINT_COUNT_
} FaultPoint;

typedef enum FaultKind {
    FAULT_FAIL,        /* for good: ERR_BROKER or SQLITE_IOERR */
    FAULT_RETRY,       /* retriable: ERR_BROKER or SQLITE_BUSY */
    FAULT_FULL,        /* ERR_FULL or SQLITE_FULL */
    FAULT_LOST,        /* txn_commit: nothing is written; ERR_UNKNOWN_OUTCOME */
    FAULT_DONE,        /* txn_commit: all is written; ERR_UNKNOWN_OUTCOME */
    FAULT_WAKE,        /* reader_open: the reader opened before is woken, and has time to run */
    FAULT_KILL_BEFORE, /* SIGKILL instead of the call */
    FAULT_KILL_AFTER,  /* SIGKILL when the call has returned */
    FAULT_KIND_COUNT_
} FaultKind;

/* The nth call from now (1: the next) suffers kind; once.  Arming again replaces. */
void fault_arm(FaultPoint point, FaultKind kind, uint32_t nth);
/* From that call on, every one does, until fault_reset(). */
void fault_arm_always(FaultPoint point, FaultKind kind, uint32_t nth);
/* Nothing is armed, nothing was counted. */
void     fault_reset(void);
uint32_t fault_calls(FaultPoint point); /* since the last reset */

/* "txn_commit:kill_after:2", several with commas; false, and nothing armed, on anything else. */
bool fault_arm_text(const char *text);

#endif
