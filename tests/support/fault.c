/*
 * fault.c -- wrappers around the seams that a test can make fail.
 *
 * The linker's --wrap=f sends calls of f() to __wrap_f() and calls of __real_f() to f() itself.
 * Each wrapper asks fires() whether this call is the one.
 */
#include "tests/support/fault.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "exec/broker.h"

typedef struct Armed {
    FaultKind kind;
    uint32_t  left; /* calls until it fires; 0: not armed */
    bool      is_repeated;
    uint32_t  calls;
} Armed;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static Armed           points[FAULT_POINT_COUNT_];
static BrokerWake      last_wake; /* of the reader that was opened last */

static const char *const point_names[] = {
    [FAULT_TOPIC_CREATE] = "topic_create",
    [FAULT_TOPIC_DELETE] = "topic_delete",
    [FAULT_READER_OPEN] = "reader_open",
    [FAULT_READER_POLL] = "reader_poll",
    [FAULT_TXN_OPEN] = "txn_open",
    [FAULT_TXN_BEGIN] = "txn_begin",
    [FAULT_TXN_APPEND] = "txn_append",
    [FAULT_TXN_OUTPUT] = "append_output",
    [FAULT_TXN_CHANGELOG] = "append_changelog",
    [FAULT_TXN_POSITIONS] = "append_positions",
    [FAULT_TXN_COMMIT] = "txn_commit",
    [FAULT_PRODUCE] = "produce",
    [FAULT_TRIM] = "trim",
    [FAULT_SQLITE_WRITE] = "sqlite_write",
    [FAULT_SQLITE_EXEC] = "sqlite_exec",
    [FAULT_STATE_READ] = "state_read",
};
_Static_assert(sizeof point_names / sizeof point_names[0] == FAULT_POINT_COUNT_, "names");

static const char *const kind_names[] = {
    [FAULT_FAIL] = "fail",
    [FAULT_RETRY] = "retry",
    [FAULT_FULL] = "full",
    [FAULT_LOST] = "lost",
    [FAULT_DONE] = "done",
    [FAULT_WAKE] = "wake",
    [FAULT_KILL_BEFORE] = "kill_before",
    [FAULT_KILL_AFTER] = "kill_after",
};
_Static_assert(sizeof kind_names / sizeof kind_names[0] == FAULT_KIND_COUNT_, "names");

static bool fault_fits(FaultPoint point, FaultKind kind)
{
    if (kind == FAULT_WAKE)
        return point == FAULT_READER_OPEN;
    return (kind != FAULT_LOST && kind != FAULT_DONE) || point == FAULT_TXN_COMMIT;
}

static void arm(FaultPoint point, FaultKind kind, uint32_t nth, bool is_repeated)
{
    assert(nth > 0);
    assert(fault_fits(point, kind));
    pthread_mutex_lock(&lock);
    points[point].kind = kind;
    points[point].left = nth;
    points[point].is_repeated = is_repeated;
    pthread_mutex_unlock(&lock);
}

void fault_arm(FaultPoint point, FaultKind kind, uint32_t nth)
{
    arm(point, kind, nth, false);
}

void fault_arm_always(FaultPoint point, FaultKind kind, uint32_t nth)
{
    arm(point, kind, nth, true);
}

void fault_reset(void)
{
    pthread_mutex_lock(&lock);
    memset(points, 0, sizeof points);
    last_wake = (BrokerWake){0};
    pthread_mutex_unlock(&lock);
}

uint32_t fault_calls(FaultPoint point)
{
    uint32_t calls;

    pthread_mutex_lock(&lock);
    calls = points[point].calls;
    pthread_mutex_unlock(&lock);
    return calls;
}

/* Index of name in names, or count. */
static int name_index(const char *const *names, int count, Str name)
{
    int i = 0;

    while (i < count && !str_eq(str_from(names[i]), name))
        i++;
    return i;
}

/* One "point:kind:nth"; false when it is none. */
static bool parse_one(Str text, FaultPoint *point, FaultKind *kind, int64_t *nth)
{
    ptrdiff_t first = str_find(text, STR(":"), 0);
    ptrdiff_t second = first < 0 ? -1 : str_find(text, STR(":"), (size_t)first + 1);

    if (second < 0)
        return false;
    *point =
        (FaultPoint)name_index(point_names, FAULT_POINT_COUNT_, str_slice(text, 0, (size_t)first));
    *kind = (FaultKind)name_index(kind_names, FAULT_KIND_COUNT_,
                                  str_slice(text, (size_t)first + 1, (size_t)second));
    return *point != FAULT_POINT_COUNT_ && *kind != FAULT_KIND_COUNT_ &&
           fault_fits(*point, *kind) &&
           str_to_i64(str_slice(text, (size_t)second + 1, text.len), nth) && *nth > 0 &&
           *nth < UINT32_MAX;
}

bool fault_arm_text(const char *text)
{
    Str rest = str_from(text);

    /* Once to check all of it, once to arm. */
    for (int is_arming = 0; is_arming <= 1; is_arming++) {
        for (size_t from = 0; from <= rest.len;) {
            ptrdiff_t  comma = str_find(rest, STR(","), from);
            size_t     to = comma < 0 ? rest.len : (size_t)comma;
            FaultPoint point;
            FaultKind  kind;
            int64_t    nth;

            if (!parse_one(str_slice(rest, from, to), &point, &kind, &nth))
                return false;
            if (is_arming)
                fault_arm(point, kind, (uint32_t)nth);
            from = to + 1;
        }
    }
    return true;
}

/* The variable is read before main(): the program under test need not know of faults. */
__attribute__((constructor)) static void arm_from_environment(void)
{
    const char *text = getenv("WEIR_FAULT");

    if (text && !fault_arm_text(text)) {
        (void)fprintf(stderr, "WEIR_FAULT: cannot understand \"%s\"\n", text);
        abort();
    }
}

/* Counts a call of point; true when it is to suffer *kind. */
static bool fires(FaultPoint point, FaultKind *kind)
{
    Armed *armed = &points[point];
    bool   is_hit = false;

    pthread_mutex_lock(&lock);
    armed->calls++;
    if (armed->left > 0 && --armed->left == 0) {
        is_hit = true;
        *kind = armed->kind;
        if (armed->is_repeated)
            armed->left = 1;
    }
    pthread_mutex_unlock(&lock);
    if (is_hit && *kind == FAULT_KILL_BEFORE)
        (void)raise(SIGKILL);
    return is_hit;
}

static ErrCode broker_fault(FaultKind kind, Err *err)
{
    if (kind == FAULT_FULL)
        return err_set(err, ERR_FULL, "could not write: disk full (injected)");
    (void)err_set(err, ERR_BROKER, "could not reach the broker (injected)");
    err->is_retriable = kind == FAULT_RETRY;
    return ERR_BROKER;
}

/* What most wrappers do: the call, or the fault, or the call and the end. */
#define CALL_OR_FAIL(point, call, err)                                                             \
    do {                                                                                           \
        FaultKind kind_;                                                                           \
        bool      is_hit_ = fires((point), &kind_);                                                \
        ErrCode   rc_;                                                                             \
                                                                                                   \
        if (is_hit_ && kind_ != FAULT_KILL_AFTER)                                                  \
            return broker_fault(kind_, (err));                                                     \
        rc_ = (call);                                                                              \
        if (is_hit_)                                                                               \
            (void)raise(SIGKILL);                                                                  \
        return rc_;                                                                                \
    } while (0)

/* The linker makes these names; they have no header. */
ErrCode __real_broker_topic_create(Broker *broker, const TopicSpec *spec, Err *err);
ErrCode __wrap_broker_topic_create(Broker *broker, const TopicSpec *spec, Err *err);
ErrCode __real_broker_topic_delete(Broker *broker, Str name, Err *err);
ErrCode __wrap_broker_topic_delete(Broker *broker, Str name, Err *err);
ErrCode __real_broker_reader_open(Broker *broker, Str topic, uint32_t partition, int64_t offset,
                                  BrokerWake wake, BrokerReader **out, Err *err);
ErrCode __wrap_broker_reader_open(Broker *broker, Str topic, uint32_t partition, int64_t offset,
                                  BrokerWake wake, BrokerReader **out, Err *err);
ErrCode __real_broker_reader_poll(BrokerReader *reader, size_t bytes_max, RecordBatch **out,
                                  int64_t *position, int64_t *readable_end, Err *err);
ErrCode __wrap_broker_reader_poll(BrokerReader *reader, size_t bytes_max, RecordBatch **out,
                                  int64_t *position, int64_t *readable_end, Err *err);
ErrCode __real_broker_txn_open(Broker *broker, Str name, BrokerTxn **out, Err *err);
ErrCode __wrap_broker_txn_open(Broker *broker, Str name, BrokerTxn **out, Err *err);
ErrCode __real_broker_txn_begin(BrokerTxn *txn, Err *err);
ErrCode __wrap_broker_txn_begin(BrokerTxn *txn, Err *err);
ErrCode __real_broker_txn_append(BrokerTxn *txn, Chunk *chunk, Err *err);
ErrCode __wrap_broker_txn_append(BrokerTxn *txn, Chunk *chunk, Err *err);
ErrCode __real_broker_txn_commit(BrokerTxn *txn, void (*settled)(void *arg, const Chunk *chunk),
                                 void *arg, Err *err);
ErrCode __wrap_broker_txn_commit(BrokerTxn *txn, void (*settled)(void *arg, const Chunk *chunk),
                                 void *arg, Err *err);
ErrCode __real_broker_produce(Broker *broker, Str topic, uint32_t partition, const Record *record,
                              BrokerAck ack, void *arg, Err *err);
ErrCode __wrap_broker_produce(Broker *broker, Str topic, uint32_t partition, const Record *record,
                              BrokerAck ack, void *arg, Err *err);
ErrCode __real_broker_produce_wait(Broker *broker, Str topic, uint32_t partition,
                                   const Record *record, int64_t *out_offset, Err *err);
ErrCode __wrap_broker_produce_wait(Broker *broker, Str topic, uint32_t partition,
                                   const Record *record, int64_t *out_offset, Err *err);
ErrCode __real_broker_trim(Broker *broker, Str topic, uint32_t partition, int64_t offset, Err *err);
ErrCode __wrap_broker_trim(Broker *broker, Str topic, uint32_t partition, int64_t offset, Err *err);
int     __real_sqlite3_step(sqlite3_stmt *stmt);
int     __wrap_sqlite3_step(sqlite3_stmt *stmt);
int     __real_sqlite3_exec(sqlite3 *db, const char *sql, int (*row)(void *, int, char **, char **),
                            void *arg, char **message);
int     __wrap_sqlite3_exec(sqlite3 *db, const char *sql, int (*row)(void *, int, char **, char **),
                            void *arg, char **message);

ErrCode __wrap_broker_topic_create(Broker *broker, const TopicSpec *spec, Err *err)
{
    CALL_OR_FAIL(FAULT_TOPIC_CREATE, __real_broker_topic_create(broker, spec, err), err);
}

ErrCode __wrap_broker_topic_delete(Broker *broker, Str name, Err *err)
{
    CALL_OR_FAIL(FAULT_TOPIC_DELETE, __real_broker_topic_delete(broker, name, err), err);
}

ErrCode __wrap_broker_reader_open(Broker *broker, Str topic, uint32_t partition, int64_t offset,
                                  BrokerWake wake, BrokerReader **out, Err *err)
{
    enum { TIME_TO_RUN_US = 20000 };
    FaultKind  kind = FAULT_FAIL;
    bool       is_hit = fires(FAULT_READER_OPEN, &kind);
    BrokerWake before;
    ErrCode    rc;

    if (is_hit && kind != FAULT_WAKE && kind != FAULT_KILL_AFTER)
        return broker_fault(kind, err);
    pthread_mutex_lock(&lock);
    before = last_wake;
    last_wake = wake;
    pthread_mutex_unlock(&lock);
    if (is_hit && kind == FAULT_WAKE && before.wake) {
        before.wake(before.arg);
        usleep(TIME_TO_RUN_US);
    }
    rc = __real_broker_reader_open(broker, topic, partition, offset, wake, out, err);
    if (is_hit && kind == FAULT_KILL_AFTER)
        (void)raise(SIGKILL);
    return rc;
}

ErrCode __wrap_broker_reader_poll(BrokerReader *reader, size_t bytes_max, RecordBatch **out,
                                  int64_t *position, int64_t *readable_end, Err *err)
{
    CALL_OR_FAIL(FAULT_READER_POLL,
                 __real_broker_reader_poll(reader, bytes_max, out, position, readable_end, err),
                 err);
}

ErrCode __wrap_broker_txn_open(Broker *broker, Str name, BrokerTxn **out, Err *err)
{
    CALL_OR_FAIL(FAULT_TXN_OPEN, __real_broker_txn_open(broker, name, out, err), err);
}

ErrCode __wrap_broker_txn_begin(BrokerTxn *txn, Err *err)
{
    CALL_OR_FAIL(FAULT_TXN_BEGIN, __real_broker_txn_begin(txn, err), err);
}

/* Where in an epoch's transaction a chunk stands. */
static FaultPoint point_of_chunk(const Chunk *chunk)
{
    if (!str_starts(chunk->topic, STR("_weir-")))
        return FAULT_TXN_OUTPUT;
    return str_ends(chunk->topic, STR("-changelog")) ? FAULT_TXN_CHANGELOG : FAULT_TXN_POSITIONS;
}

static ErrCode append_chunk(BrokerTxn *txn, Chunk *chunk, Err *err)
{
    CALL_OR_FAIL(point_of_chunk(chunk), __real_broker_txn_append(txn, chunk, err), err);
}

ErrCode __wrap_broker_txn_append(BrokerTxn *txn, Chunk *chunk, Err *err)
{
    /* Not of an epoch: a server that starts takes over. */
    if (str_ends(chunk->topic, STR("-owner")))
        return __real_broker_txn_append(txn, chunk, err);
    CALL_OR_FAIL(FAULT_TXN_APPEND, append_chunk(txn, chunk, err), err);
}

/* With an unknown outcome the caller is not told of any chunk. */
static void tell_nobody(void *arg, const Chunk *chunk)
{
    (void)arg;
    (void)chunk;
}

ErrCode __wrap_broker_txn_commit(BrokerTxn *txn, void (*settled)(void *arg, const Chunk *chunk),
                                 void *arg, Err *err)
{
    FaultKind kind = FAULT_FAIL;
    ErrCode   rc;

    if (!fires(FAULT_TXN_COMMIT, &kind))
        return __real_broker_txn_commit(txn, settled, arg, err);
    switch (kind) {
    case FAULT_KILL_AFTER:
        rc = __real_broker_txn_commit(txn, settled, arg, err);
        (void)raise(SIGKILL);
        return rc;
    case FAULT_DONE:
        rc = __real_broker_txn_commit(txn, tell_nobody, NULL, err);
        return rc ? rc : err_set(err, ERR_UNKNOWN_OUTCOME, "no answer to the commit (injected)");
    case FAULT_LOST:
        broker_txn_abort(txn);
        return err_set(err, ERR_UNKNOWN_OUTCOME, "no answer to the commit (injected)");
    default:
        broker_txn_abort(txn);
        return broker_fault(kind, err);
    }
}

ErrCode __wrap_broker_produce(Broker *broker, Str topic, uint32_t partition, const Record *record,
                              BrokerAck ack, void *arg, Err *err)
{
    CALL_OR_FAIL(FAULT_PRODUCE,
                 __real_broker_produce(broker, topic, partition, record, ack, arg, err), err);
}

ErrCode __wrap_broker_produce_wait(Broker *broker, Str topic, uint32_t partition,
                                   const Record *record, int64_t *out_offset, Err *err)
{
    CALL_OR_FAIL(FAULT_PRODUCE,
                 __real_broker_produce_wait(broker, topic, partition, record, out_offset, err),
                 err);
}

ErrCode __wrap_broker_trim(Broker *broker, Str topic, uint32_t partition, int64_t offset, Err *err)
{
    CALL_OR_FAIL(FAULT_TRIM, __real_broker_trim(broker, topic, partition, offset, err), err);
}

static int sqlite_fault(FaultKind kind)
{
    return kind == FAULT_FULL ? SQLITE_FULL : kind == FAULT_RETRY ? SQLITE_BUSY : SQLITE_IOERR;
}

/* BEGIN and COMMIT are read-only, too, but have no columns. */
static bool reads_state(sqlite3_stmt *stmt)
{
    const char *file = sqlite3_db_filename(sqlite3_db_handle(stmt), "main");

    return sqlite3_stmt_readonly(stmt) && sqlite3_column_count(stmt) > 0 && file &&
           strstr(file, "/state/");
}

int __wrap_sqlite3_step(sqlite3_stmt *stmt)
{
    FaultKind kind = FAULT_FAIL;
    bool      is_hit = (!sqlite3_stmt_readonly(stmt) && fires(FAULT_SQLITE_WRITE, &kind)) ||
                  (reads_state(stmt) && fires(FAULT_STATE_READ, &kind));
    int rc;

    if (is_hit && kind != FAULT_KILL_AFTER)
        return sqlite_fault(kind);
    rc = __real_sqlite3_step(stmt);
    if (is_hit)
        (void)raise(SIGKILL);
    return rc;
}

int __wrap_sqlite3_exec(sqlite3 *db, const char *sql, int (*row)(void *, int, char **, char **),
                        void *arg, char **message)
{
    FaultKind kind = FAULT_FAIL;
    bool      is_hit = fires(FAULT_SQLITE_EXEC, &kind);
    int       rc;

    if (is_hit && kind != FAULT_KILL_AFTER) {
        if (message)
            *message = sqlite3_mprintf("%s (injected)", sqlite3_errstr(sqlite_fault(kind)));
        return sqlite_fault(kind);
    }
    rc = __real_sqlite3_exec(db, sql, row, arg, message);
    if (is_hit)
        (void)raise(SIGKILL);
    return rc;
}
