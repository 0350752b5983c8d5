/*
 * broker.h -- where topics live.
 *
 * Two drivers behind one interface, and one contract test for both: broker_local.c (embedded, one
 * SQLite file) and broker_kafka.c (librdkafka).  Nothing above knows which one runs.
 *
 * Topics are named sequences of records per partition.  Reading hands over reference-counted
 * batches of *settled* records and the partition's readable end, so "caught up" is known.  Writing
 * comes in two kinds: the commit's writer (BrokerTxn: all chunks of an epoch, over any number of
 * topics, become readable in one atomic step, or none) and a plain durable writer, acknowledged
 * record by record (broker_produce), for INSERTs, the command log and the processing log; an
 * acknowledged record can never vanish with somebody's aborted transaction.
 *
 * Offsets count up from 0 per partition.  They may have gaps (compaction, transaction markers):
 * never compute with them but for order, and go on from RecordBatch.next_offset.
 *
 * Errors: ERR_BROKER (is_retriable says whether waiting helps), ERR_TOPIC_MISSING,
 * ERR_TOPIC_EXISTS, ERR_RECORD_TOO_LARGE, ERR_RECORD_REFUSED, ERR_FULL, ERR_BUSY,
 * ERR_UNKNOWN_OUTCOME.
 */
#ifndef EXEC_BROKER_H
#define EXEC_BROKER_H

#include "common/arena.h"
#include "common/clock.h"
#include "common/err.h"
#include "exec/chunk.h"

typedef struct Broker       Broker;
typedef struct BrokerReader BrokerReader;
typedef struct BrokerTxn    BrokerTxn;

/* --- topics ----------------------------------------------------------------------------------- */

typedef enum TopicCleanup {
    TOPIC_DELETE,
    TOPIC_COMPACT,
    TOPIC_COMPACT_DELETE,
    TOPIC_LOG,  /* internal: neither retention nor compaction; broker_trim() drops its head */
    TOPIC_STATE /* internal: compacted, and soon, as it is read whole at a start */
} TopicCleanup;

/* How long a TOPIC_STATE keeps tombstones at least: who read it longer ago reads it anew. */
#define TOPIC_TOMBSTONES_MS INT64_C(604800000)

typedef struct TopicSpec {
    Str          name;
    uint32_t     partitions;
    int32_t      replicas;     /* -1: the cluster's default */
    int64_t      retention_ms; /* -1: for ever */
    TopicCleanup cleanup;
} TopicSpec;

typedef struct TopicInfo {
    TopicSpec spec;
    Str       id;               /* changes when a topic is deleted and made again */
    int64_t   retention_bytes;  /* of a partition; -1: any number */
    int64_t   record_bytes_max; /* the sink's limit for one record */
} TopicInfo;

/* Readable range of one partition: [begin, end). */
typedef struct PartitionEnds {
    int64_t begin, end;
} PartitionEnds;

ErrCode broker_topic_create(Broker *broker, const TopicSpec *spec, Err *err) ERR_MUST_USE;
/*
 * A topic of Weir's own: makes it, or makes sure that the one that is there will not lose what it
 * holds.  ERR_CONFIG says what somebody else has set otherwise.
 */
ErrCode broker_topic_ensure(Broker *broker, const TopicSpec *spec, Err *err) ERR_MUST_USE;
/* Readers of it get ERR_TOPIC_MISSING from then on. */
ErrCode broker_topic_delete(Broker *broker, Str name, Err *err) ERR_MUST_USE;
/* ERR_TOPIC_MISSING when there is none.  Strings live in arena. */
ErrCode broker_topic_describe(Broker *broker, Str name, Arena *arena, TopicInfo *out,
                              Err *err) ERR_MUST_USE;
/* All of them, internal ones too, sorted by name. */
ErrCode broker_topics(Broker *broker, Arena *arena, TopicInfo **out, size_t *len,
                      Err *err) ERR_MUST_USE;
/*
 * One entry per partition, in ends[0 .. partitions).  What this process has committed is below the
 * end, although readers may get it only a moment later.
 */
ErrCode broker_topic_ends(Broker *broker, Str name, PartitionEnds *ends, uint32_t partitions,
                          Err *err) ERR_MUST_USE;

/* --- reading ---------------------------------------------------------------------------------- */

typedef struct RecordBatch {
    const Record *records; /* ascending offsets; bytes are valid while the batch is held */
    uint32_t      len;
    int64_t       next_offset;  /* where to go on; may be above the last record's offset + 1 */
    int64_t       readable_end; /* as of this poll */
    int           refs;         /* atomic */
    void (*release)(struct RecordBatch *batch);
} RecordBatch;

void record_batch_ref(RecordBatch *batch);
void record_batch_unref(RecordBatch *batch); /* NULL is fine */

/* Called on any thread when a reader that had nothing may have something; must not block. */
typedef struct BrokerWake {
    void (*wake)(void *arg);
    void *arg;
} BrokerWake;

/* offset may be below the beginning (retention): reading goes on at the beginning. */
ErrCode broker_reader_open(Broker *broker, Str topic, uint32_t partition, int64_t offset,
                           BrokerWake wake, BrokerReader **out, Err *err) ERR_MUST_USE;
/*
 * Never waits.  *out is NULL when there is nothing to read now, else the caller's to unref; about
 * bytes_max of it.  *position is the offset of the next record to come and *readable_end the
 * partition's: position >= readable_end means caught up.
 */
ErrCode broker_reader_poll(BrokerReader *reader, size_t bytes_max, RecordBatch **out,
                           int64_t *position, int64_t *readable_end, Err *err) ERR_MUST_USE;
ErrCode broker_reader_seek(BrokerReader *reader, int64_t offset, Err *err) ERR_MUST_USE;
void    broker_reader_close(BrokerReader *reader);

/* What broker_read_range() reads: [from, end) of one partition. */
typedef struct BrokerRange {
    Str      topic;
    uint32_t partition;
    int64_t  from, end;
} BrokerRange;

typedef ErrCode (*BrokerVisit)(void *arg, const Record *record, Err *err);

/*
 * Calls visit for every record of the range, waiting for those that are still to come.  ERR_BROKER
 * when nothing comes for weir.limit.broker.silence.ms, ERR_CANCELLED; else what visit says.  *next
 * is where to go on; NULL is fine.  Not on the broker's thread.
 */
ErrCode broker_read_range(Broker *broker, const BrokerRange *range, BrokerVisit visit, void *arg,
                          int64_t *next, Err *err) ERR_MUST_USE;

/* --- the commit's writer ---------------------------------------------------------------------- */

/* name is the commit group: with Kafka it is part of the transactional id.  Opening settles what a
 * former instance left behind.  Thread: committer, all of this part; calls may block. */
ErrCode broker_txn_open(Broker *broker, Str name, BrokerTxn **out, Err *err) ERR_MUST_USE;
ErrCode broker_txn_begin(BrokerTxn *txn, Err *err) ERR_MUST_USE;
/* Takes the chunk on ERR_OK; nothing is readable before commit.  On failure the chunk stays the
 * caller's and the transaction must be aborted.  A driver that was asked for no more than "at least
 * once" may show chunks at once, but one without owner only when those before it are durable. */
ErrCode broker_txn_append(BrokerTxn *txn, Chunk *chunk, Err *err) ERR_MUST_USE;
/*
 * ERR_OK: all of it is durable and readable; settled() was called for every chunk (base_offset is
 * filled) in the order of appending, and the chunks are freed afterwards.  ERR_UNKNOWN_OUTCOME: the
 * caller reopens the group and asks the positions topic.  Anything else: nothing of it will ever
 * be readable.
 */
ErrCode broker_txn_commit(BrokerTxn *txn, void (*settled)(void *arg, const Chunk *chunk), void *arg,
                          Err *err) ERR_MUST_USE;
void    broker_txn_abort(BrokerTxn *txn); /* nothing begun is fine, and so is NULL */
/* After an abort: whose chunk was refused for good, by Chunk.owner, and why; NULL: nobody's, or not
 * known but by what append said.  NULL is fine. */
void *broker_txn_culprit(const BrokerTxn *txn, Err *err);
/* It has ended for good: the caller closes it and opens the group anew. */
bool broker_txn_is_over(const BrokerTxn *txn);
void broker_txn_close(BrokerTxn *txn); /* aborts; NULL is fine */

/* --- the plain writer ------------------------------------------------------------------------- */

/* Called once per record, on the broker's thread: rc ERR_OK and the offset, or what failed.  A
 * negative offset: the record is there, and where was in an answer that got lost (Kafka). */
typedef void (*BrokerAck)(void *arg, ErrCode rc, int64_t offset, const Err *err);

/*
 * Queues a copy of the record; ack is called when it is durable and readable, or failed.
 * Concurrent calls share an fsync.  ERR_BUSY when the queue is full, ERR_TOPIC_MISSING at once.
 * The order of one caller's records of a partition is kept.  Thread: any.
 */
ErrCode broker_produce(Broker *broker, Str topic, uint32_t partition, const Record *record,
                       BrokerAck ack, void *arg, Err *err) ERR_MUST_USE;
/* The same, waiting for the ack: for the command log.  An offset that got lost is taken from the
 * partition's end: right where nobody else writes.  Not on the broker's thread. */
ErrCode broker_produce_wait(Broker *broker, Str topic, uint32_t partition, const Record *record,
                            int64_t *out_offset, Err *err) ERR_MUST_USE;

/* TOPIC_LOG: records below offset may go. */
ErrCode broker_trim(Broker *broker, Str topic, uint32_t partition, int64_t offset,
                    Err *err) ERR_MUST_USE;

/*
 * Do topics live apart from the data directory, and may outlive it?  Changelogs then keep all of
 * the state (TOPIC_STATE), else only what the state files do not have yet (TOPIC_LOG).
 */
bool broker_is_apart(const Broker *broker);

/* --- what other tools see --------------------------------------------------------------------- */

typedef struct GroupOffset {
    Str      topic;
    uint32_t partition;
    int64_t  offset; /* of the next record to read */
} GroupOffset;

/* Can positions be shown to other tools as those of a consumer group? */
bool broker_has_groups(const Broker *broker);
/* A copy for them; nothing of ours reads it.  Returns at once, failures are only logged.  False:
 * not now, as the broker is away or has enough of them to do. */
bool broker_group_copy(Broker *broker, Str group, const GroupOffset *offsets, size_t len);
void broker_group_delete(Broker *broker, Str group);

/* --- several servers -------------------------------------------------------------------------- */

/* Can other servers write to these topics? */
bool broker_is_shared(const Broker *broker);
/* Another one took this server's place: nothing is written any more, and health says why. */
void broker_fence(Broker *broker, const char *why);

/* --- life ------------------------------------------------------------------------------------- */

typedef struct BrokerHealth {
    bool is_healthy;
    char why[512];  /* in plain words, with what to do; "" when healthy */
    char slow[320]; /* healthy, but slowed down by somebody: the same; "" when nobody does */
} BrokerHealth;

void broker_health(Broker *broker, BrokerHealth *out); /* Thread: any */
/* What readers hold, or the driver for them: about, at most 100 ms ago.  Thread: any. */
int64_t broker_fetched_bytes(Broker *broker);

/* What somebody who waits for a broker wants to hear, and may say.  Both are called on any thread
 * and must not block. */
typedef struct BrokerWatch {
    void (*health_changed)(void *arg, const BrokerHealth *health);
    /* True: calls that wait for the broker give up soon, by ERR_CANCELLED or what they met. */
    bool (*is_cancelled)(void *arg);
    void *arg;
    /* The driver's, atomic: the cluster answered to these settings.  What is refused after that may
     * pass by waiting. */
    bool has_answered;
} BrokerWatch;

bool broker_is_cancelled(const Broker *broker);
/* Runs whatever the driver would do on threads of its own, when it was opened without them:
 * acks, retention.  True when it did something.  Thread: the inline engine's. */
bool broker_step(Broker *broker);
/* The server is ending: calls that wait for the broker, those under way included, give up within
 * ms, and sooner when it is away.  Thread: any. */
void broker_hurry(Broker *broker, int64_t ms);
/* All readers and transactions must be closed.  Acks of queued records come first. */
void broker_close(Broker *broker);

/* What a driver fills; the functions above call through it. */
typedef struct BrokerClass {
    const char *name;
    bool        is_apart;
    ErrCode (*topic_create)(Broker *, const TopicSpec *, Err *);
    ErrCode (*topic_delete)(Broker *, Str, Err *);
    ErrCode (*topic_describe)(Broker *, Str, Arena *, TopicInfo *, Err *);
    ErrCode (*topics)(Broker *, Arena *, TopicInfo **, size_t *, Err *);
    ErrCode (*topic_ends)(Broker *, Str, PartitionEnds *, uint32_t, Err *);
    ErrCode (*reader_open)(Broker *, Str, uint32_t, int64_t, BrokerWake, BrokerReader **, Err *);
    ErrCode (*reader_poll)(BrokerReader *, size_t, RecordBatch **, int64_t *, int64_t *, Err *);
    ErrCode (*reader_seek)(BrokerReader *, int64_t, Err *);
    void (*reader_close)(BrokerReader *);
    ErrCode (*txn_open)(Broker *, Str, BrokerTxn **, Err *);
    ErrCode (*txn_begin)(BrokerTxn *, Err *);
    ErrCode (*txn_append)(BrokerTxn *, Chunk *, Err *);
    ErrCode (*txn_commit)(BrokerTxn *, void (*)(void *, const Chunk *), void *, Err *);
    void (*txn_abort)(BrokerTxn *);
    void *(*txn_culprit)(const BrokerTxn *, Err *); /* NULL: append says it */
    bool (*txn_is_over)(const BrokerTxn *);         /* NULL: they never are */
    void (*txn_close)(BrokerTxn *);
    ErrCode (*produce)(Broker *, Str, uint32_t, const Record *, BrokerAck, void *, Err *);
    ErrCode (*trim)(Broker *, Str, uint32_t, int64_t, Err *);
    bool (*group_copy)(Broker *, Str, const GroupOffset *, size_t); /* NULL: no groups */
    void (*group_delete)(Broker *, Str);
    void (*hurry)(Broker *, int64_t ms);   /* NULL: nothing takes long */
    void (*fence)(Broker *, const char *); /* NULL: not shared */
    void (*health)(Broker *, BrokerHealth *);
    int64_t (*fetched_bytes)(Broker *); /* NULL: nothing is fetched ahead */
    bool (*step)(Broker *);
    void (*close)(Broker *);
} BrokerClass;

/* Drivers' structs begin with these. */
struct Broker {
    const BrokerClass *cls;
    BrokerWatch       *watch; /* NULL: nobody */
};
struct BrokerReader {
    const BrokerClass *cls;
};
struct BrokerTxn {
    const BrokerClass *cls;
};

#endif
