/*
 * broker_local_impl.h -- the embedded broker's inside, shared by the broker_local*.c files.
 *
 *     broker_local.c        life, topics, health
 *     broker_local_log.c    partitions in memory: chunks lately written, readers, wakes
 *     broker_local_txn.c    what producers and committers call
 *     broker_local_write.c  produces and commits, gathered into transactions of the store
 *     broker_local_clean.c  retention, trimming, purging, compaction
 *     broker_local_store.c  the SQLite file
 *
 * With ":memory:" there is no store: chunks then stay in memory for good.  In inline mode there is
 * no thread: what the writer would do is done by the caller.
 *
 * Threads and locks.  The *writer* (the broker's thread, or the caller in inline mode) is alone to
 * change a log and to touch the store's writing connection.  `lock` guards everything that others
 * may look at; the writer holds it only to look at queues and to publish, never during I/O.
 * `wake_lock` guards the lists of readers and is held while their wakes are called; it is taken
 * before `lock` where both are needed.
 */
#ifndef EXEC_BROKERS_BROKER_LOCAL_IMPL_H
#define EXEC_BROKERS_BROKER_LOCAL_IMPL_H

#include <pthread.h>

#include "common/map.h"
#include "exec/brokers/broker_local.h"
#include "exec/brokers/broker_local_store.h"

enum {
    LOCAL_CACHE_BYTES = 16777216, /* of chunks kept for readers that are not far behind */
    LOCAL_SLICE_BYTES = 1048576,  /* of a commit written between two looks at the produces */
    LOCAL_ROUND_BYTES = 4194304   /* of produces taken into one transaction */
};

typedef struct LocalBroker LocalBroker;
typedef struct LocalTopic  LocalTopic;

/* A chunk whose place in its log is known.  Immutable but for refs (atomic) and the links. */
typedef struct LogChunk {
    int              refs;
    ChunkMeta        meta;
    Buf              bytes; /* heap */
    struct LocalLog *home;  /* the log whose list it is in; NULL: in none */
    struct LogChunk *newer; /* in the order of eviction */
} LogChunk;

LogChunk *log_chunk_new(const ChunkMeta *meta, Buf bytes); /* takes the bytes */
void      log_chunk_ref(LogChunk *chunk);
void      log_chunk_unref(LogChunk *chunk);
Str       log_chunk_bytes(const LogChunk *chunk);

typedef struct LocalReader {
    BrokerReader        base; /* must be first */
    LocalBroker        *broker;
    LocalTopic         *topic; /* holds a reference */
    uint32_t            partition;
    int64_t             position;
    BrokerWake          wake;
    bool                is_waiting; /* atomic: nothing was there at the last poll */
    struct LocalReader *next;       /* of the same partition */
} LocalReader;

/* One partition's log. */
typedef struct LocalLog {
    LocalBroker *broker;
    int64_t      begin, end; /* readable */
    int64_t      trim_to;    /* records below are to go; under lock */

    /* Chunks in memory, ascending: list[head .. len).  Everything from cached_from on is here. */
    LogChunk **list;
    size_t     head, len, cap;
    int64_t    cached_from;

    LocalReader *readers; /* in the order they were opened: so they are woken */
    LocalReader *last_reader;

    /* The writer's own. */
    int64_t  next;  /* the end as it will be when the transaction under way is committed */
    uint32_t round; /* 1 + its index among the logs of the transaction under way; 0: not in it */
    int64_t  oldest_ms;                /* fresh_ms of the first chunk; INT64_MIN: not known */
    int64_t  clean_end;                /* compacted below */
    int64_t  clean_bytes, dirty_bytes; /* below and above; -1: not known */
    int64_t  tombstones_ms;            /* when tombstones left by compaction expire; INT64_MAX */
} LocalLog;

struct LocalTopic {
    LocalBroker *broker;
    int          refs; /* under lock: the catalog, readers, transactions and queued records */
    bool         is_deleted;
    TopicSpec    spec; /* name in mem */
    Str          id;
    int64_t      row; /* in the store */
    Arena       *mem;
    LocalLog    *logs; /* spec.partitions of them */
    LocalTopic  *next; /* all topics, deleted ones until they are purged */
};

/* any -> writer: a record to write. */
typedef struct LocalProduce {
    LocalTopic          *topic;
    uint32_t             partition;
    int64_t              offset; /* once it has one */
    BrokerAck            ack;
    void                *arg;
    ErrCode              rc; /* why it was left out of the transaction */
    size_t               bytes;
    Record               record; /* points behind this struct */
    struct LocalProduce *next;
} LocalProduce;

/* any -> writer: something to do in a transaction of its own, waited for. */
typedef struct LocalJob {
    ErrCode (*run)(LocalBroker *broker, struct LocalJob *job, Err *err);
    LocalTopic      *topic;
    const TopicSpec *spec;
    uint32_t         partition;
    int64_t          offset;
    ErrCode          rc;
    Err             *err;
    bool             is_done;
    struct LocalJob *next;
} LocalJob;

typedef struct TxnChunk {
    Chunk      *chunk;
    LocalTopic *topic;     /* holds a reference */
    LogChunk   *log_chunk; /* once it has a place */
    int64_t     blob;      /* 0: its bytes are not written yet */
    int64_t     base;
} TxnChunk;

/* committer -> writer: chunks to be written, then committed or dropped. */
typedef struct LocalTxn {
    BrokerTxn    base; /* must be first */
    LocalBroker *broker;
    TxnChunk    *chunks; /* heap; appended by the committer, under lock */
    size_t       len, cap;
    size_t       staged_len; /* their bytes are written; the writer's */
    size_t       bytes_unstaged;
    enum { TXN_IDLE, TXN_OPEN, TXN_COMMIT, TXN_ABORT, TXN_DONE } state;
    ErrCode          rc;
    Err              err;  /* why, also when staging failed before the commit */
    struct LocalTxn *next; /* all that are open */
} LocalTxn;

struct LocalBroker {
    Broker       base; /* must be first */
    const Clock *clock;
    LocalStore  *store; /* NULL: all in memory */
    bool         is_inline;
    int64_t      data_bytes_max;
    int64_t      tombstone_retention_ms;

    pthread_t       thread;
    pthread_mutex_t wake_lock;
    pthread_mutex_t lock;
    pthread_cond_t  work_cond; /* to the writer */
    pthread_cond_t  done_cond; /* from it: a job or a transaction is done */
    bool            is_stopping;

    Arena      *mem;
    Map         topics; /* name -> LocalTopic, live ones; grows on the heap */
    LocalTopic *all;
    uint64_t    topic_seq;

    LocalProduce *produce_first, *produce_last;
    int64_t       produce_len, produce_bytes;
    LocalJob     *job_first, *job_last;
    LocalTxn     *txns;

    LogChunk *oldest, *newest; /* of the chunks in memory that may leave it */
    int64_t   cached_bytes;

    int64_t data_bytes; /* of all chunks in memory */

    /* The writer's own. */
    Arena            *round_mem;
    bool              is_in_round;
    uint64_t          rounds, rounds_swept; /* so far, and at the last sweep */
    int               staging_txns;         /* that have bytes without a place in the store */
    int64_t           clean_next_ns;
    int64_t           sweep_next_ns;
    LocalTopic       *sweep_topic;
    uint32_t          sweep_partition;
    struct Compacter *compacter; /* a compaction under way */

    BrokerHealth health; /* under lock */
};

/* --- broker_local.c --------------------------------------------------------------------------- */

/* The topic with a reference more, or ERR_TOPIC_MISSING. */
ErrCode local_topic_find(LocalBroker *broker, Str name, LocalTopic **out, Err *err) ERR_MUST_USE;
ErrCode local_topic_missing(Str name, Err *err);
/* Takes a deleted topic that has nothing left out of the list of all. */
void local_topic_forget(LocalBroker *broker, LocalTopic *topic);
void local_topic_unref(LocalTopic *topic);
void local_topic_unref_locked(LocalTopic *topic);
/* Runs a job on the writer and waits for it. */
ErrCode local_job_run(LocalBroker *broker, LocalJob *job, Err *err) ERR_MUST_USE;

/* --- broker_local_log.c ----------------------------------------------------------------------- */

void local_log_init(LocalBroker *broker, LocalLog *log);
void local_log_deinit(LocalLog *log);
/* Appends a chunk and moves the end to its; takes over the caller's reference. */
void local_log_publish_locked(LocalBroker *broker, LocalLog *log, LogChunk *chunk);
/* Nothing below offset is readable any more; chunks that end there or below leave memory. */
void local_log_cut_locked(LocalLog *log, int64_t offset);
/* Chunks that end at offset or below leave memory; the store has them, or what became of them. */
void local_log_forget_locked(LocalLog *log, int64_t offset);
/* In memory mode: puts chunk (NULL: nothing) in place of those in [from, to). */
void local_log_replace_locked(LocalBroker *broker, LocalLog *log, int64_t from, int64_t to,
                              LogChunk *chunk);
/* Lets chunks leave memory, the oldest first, until no more than bytes are kept. */
void local_cache_shrink_locked(LocalBroker *broker, int64_t bytes);
/* Index in the list of the first chunk that ends above offset. */
size_t local_log_find_locked(const LocalLog *log, int64_t offset);
/* Wakes the readers that wait.  Without lock. */
void local_log_wake(LocalBroker *broker, LocalLog *log);

ErrCode local_reader_open(Broker *base, Str topic, uint32_t partition, int64_t offset,
                          BrokerWake wake, BrokerReader **out, Err *err);
ErrCode local_reader_poll(BrokerReader *base, size_t bytes_max, RecordBatch **out,
                          int64_t *position, int64_t *readable_end, Err *err);
ErrCode local_reader_seek(BrokerReader *base, int64_t offset, Err *err);
void    local_reader_close(BrokerReader *base);

/* --- broker_local_write.c --------------------------------------------------------------------- */

/* Does what waits, once; true when there was something.  The writer's. */
bool  local_write_round(LocalBroker *broker);
bool  local_write_has_work_locked(const LocalBroker *broker);
void *local_write_thread(void *broker);
/* Tells the writer that there is work; in inline mode, does it, unless the caller is inside. */
void local_write_poke_locked(LocalBroker *broker);
/* ERR_FULL when bytes more do not fit weir.data.max.bytes. */
ErrCode local_write_check_space(LocalBroker *broker, size_t bytes, Err *err) ERR_MUST_USE;
void    local_health_set(LocalBroker *broker, const Err *err); /* NULL: healthy */

/* --- broker_local_txn.c ----------------------------------------------------------------------- */

ErrCode local_txn_open(Broker *base, Str name, BrokerTxn **out, Err *err);
ErrCode local_txn_begin(BrokerTxn *base, Err *err);
ErrCode local_txn_append(BrokerTxn *base, Chunk *chunk, Err *err);
ErrCode local_txn_commit(BrokerTxn *base, void (*settled)(void *arg, const Chunk *chunk), void *arg,
                         Err *err);
void    local_txn_abort(BrokerTxn *base);
void    local_txn_close(BrokerTxn *base);
ErrCode local_produce(Broker *base, Str topic, uint32_t partition, const Record *record,
                      BrokerAck ack, void *arg, Err *err);

/* --- broker_local_clean.c --------------------------------------------------------------------- */

/* A slice of background work when one is due; true when it did something.  The writer's. */
bool    local_clean_step(LocalBroker *broker);
void    local_clean_stop(LocalBroker *broker);
ErrCode local_trim(Broker *base, Str topic, uint32_t partition, int64_t offset, Err *err);

#endif
