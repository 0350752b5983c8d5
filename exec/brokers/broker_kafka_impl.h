/*
 * broker_kafka_impl.h -- the Kafka driver's inside, shared by the broker_kafka*.c files.
 *
 *     broker_kafka.c         life, settings, errors, health
 *     broker_kafka_topic.c   topics by the admin API, and what is known about them
 *     broker_kafka_ends.c    where partitions begin and end
 *     broker_kafka_read.c    readers
 *     broker_kafka_feed.c    what readers of a partition share; see broker_kafka_feed.h
 *     broker_kafka_consumer.c  consumer handles
 *     broker_kafka_write.c   the producer of single records
 *     broker_kafka_txn.c     transactions
 *     broker_kafka_group.c   consumer groups that show positions
 *     broker_kafka_reap.c    destroying handles, which may hang
 *     broker_kafka_slow.c    quotas, and brokers that stand still
 *
 * Threads.  `broker` serves the callbacks of the producer of single records and finds out whether
 * the cluster is back; `reaper` destroys handles.  Transactions belong to their committer.
 *
 * Locks.  `consumers_lock` guards the consumers and what is assigned to them; those of a partition,
 * which are taken after it, are in broker_kafka_feed.h.  `topics_lock`, `plain_lock`, `health_lock`
 * and `reap_lock` are leaves.
 */
#ifndef EXEC_BROKERS_BROKER_KAFKA_IMPL_H
#define EXEC_BROKERS_BROKER_KAFKA_IMPL_H

#include <librdkafka/rdkafka.h>
#include <pthread.h>

#include "common/map.h"
#include "exec/brokers/broker_kafka.h"

enum {
    KAFKA_REQUEST_MS = 10000,    /* one request of the admin API, metadata or offsets */
    KAFKA_AWAY_MS = 2000,        /* the same while the cluster is known to be away */
    KAFKA_SETTLE_MS = 15000,     /* until all brokers know of a topic, or that it is gone */
    KAFKA_TXN_MS = 60000,        /* a transaction that takes longer is aborted by the cluster */
    KAFKA_PRODUCE_MS = 30000,    /* then a single record's fate is unknown */
    KAFKA_REAP_MS = 10000,       /* how long a topic's deletion waits for its consumer to end */
    KAFKA_WAITING_BYTES = 256,   /* of librdkafka's own for each message that waits */
    KAFKA_STEP_MS = 100,         /* of the broker thread */
    KAFKA_LOOK_MS = 1000,        /* how often somebody who waits looks up */
    KAFKA_SILENCE_MS = 3000,     /* a cluster that said nothing so long is away */
    KAFKA_TELL_MS = 60000,       /* how often the log tells of a cluster that is away */
    KAFKA_HURRY_MS = 1000,       /* what a server that ends gives a cluster that is away */
    KAFKA_RETRIES = 3,           /* of a call that says that it may be retried */
    KAFKA_LOG_SEGMENT = 16777216 /* bytes: only whole segments are trimmed and compacted */
};

/* What is known of a topic.  Entries stay for good: names come again. */
typedef struct KafkaTopic {
    bool     is_present;
    bool     is_log_known, is_log; /* it was made as TOPIC_LOG */
    bool     is_going;             /* being deleted by us: nobody may begin to read it */
    uint32_t partitions;
    bool     was_there; /* when the cluster was last asked, or when we made it */

    int64_t *settled; /* per partition: the end of what we committed last; broker's mem */
    uint32_t settled_len;
    int64_t  settled_ms; /* when that was */
} KafkaTopic;

/* Places of one partition that can be read at the same time; consumers. */
enum { KAFKA_SLOTS = 4 };
/* How many feeds share fetch_bytes at first. */
enum { KAFKA_FEEDS = 8 };

#define KAFKA_CLIENT_ID "weir"

typedef struct KafkaReader KafkaReader;

/* A consumer handle.  Each partition has at most one feed here. */
typedef struct KafkaConsumer {
    rd_kafka_t *rk;
    Arena      *mem;
    Map         consumed; /* names of the topics that it ever read */
    uint32_t    feeds_len;
    int64_t     used_ms; /* when it last had one; kafka_now_ms() */
} KafkaConsumer;

/* A handle on its way to the reaper. */
typedef struct KafkaReap {
    rd_kafka_t       *rk;
    uint64_t          ticket;
    struct KafkaReap *next;
} KafkaReap;

/* The last partition that the cluster did not let into a transaction. */
typedef struct KafkaRefusal {
    const rd_kafka_t   *rk; /* whose transaction; only compared */
    rd_kafka_resp_err_t code;
    char                topic[256];
} KafkaRefusal;

/* What a quota did to producers or consumers. */
typedef struct KafkaThrottle {
    int64_t at_ms; /* the last time; kafka_now_ms(), 0: never */
    int     delay_ms;
    int64_t told_ms; /* in the log */
} KafkaThrottle;

typedef struct KafkaBroker {
    Broker        base;
    Arena        *mem;
    Str           service_id;
    KafkaSetting *settings;
    size_t        settings_len;
    int64_t       fetch_bytes;    /* all feeds together */
    int64_t       queued_bytes;   /* that wait in librdkafka, when last looked; atomic */
    int64_t       held_bytes;     /* of batches that windows and readers hold; atomic */
    int32_t       state_replicas; /* of TOPIC_STATE; -1: the cluster's default */
    bool          is_at_least_once;
    Str           idle_topic; /* empty for good; see broker_kafka_consumer.c */

    rd_kafka_t     *admin; /* topics, offsets, health; a producer that produces nothing */
    pthread_mutex_t plain_lock;
    rd_kafka_t     *plain;      /* never replaced without plain_lock */
    int             is_closing; /* atomic */
    pthread_t       thread;
    bool            has_thread;

    rd_kafka_queue_t *group_answers;  /* see broker_kafka_group.c */
    int               group_requests; /* under way; atomic */
    bool              is_group_bad;   /* the last one failed */

    pthread_mutex_t topics_lock;
    Map             topics; /* name -> KafkaTopic */

    pthread_mutex_t consumers_lock;
    KafkaConsumer  *consumers[KAFKA_SLOTS]; /* NULL: not open */
    Map             parts;                  /* topic and partition -> KafkaPart */
    uint32_t        feeds_len;
    uint32_t        feeds_cap; /* how many share fetch_bytes now; atomic, as windows look at it */

    pthread_mutex_t reap_lock;
    pthread_cond_t  reap_cond;
    KafkaReap      *reap_first, *reap_last;
    uint64_t        reap_given, reap_done; /* tickets */
    bool            is_reaping_over;
    int64_t         reap_over_ms;    /* since when */
    bool            has_left_behind; /* a handle that hangs may still call back */
    pthread_t       reaper;
    bool            has_reaper;

    pthread_mutex_t health_lock;
    BrokerHealth    health;
    KafkaRefusal    refusal;
    KafkaThrottle   throttles[2];       /* of consumers, of producers */
    int64_t         asked_ms, heard_ms; /* the broker thread's; see kafka_listen() */
    int64_t         hurried_ms;         /* the server began to end; atomic, 0: it did not */
    int64_t         ends_ms;            /* then nobody waits for the cluster; atomic */
    bool            is_refused;         /* what health tells of will not change by waiting */
    bool            is_fenced;          /* another server took this one's place: for good */
} KafkaBroker;

/* --- broker_kafka.c --------------------------------------------------------------------------- */

/* A handle with the node's settings and those of pairs (name, value, ..., NULL). */
ErrCode kafka_handle_open(KafkaBroker *broker, rd_kafka_type_t type, rd_kafka_conf_t *conf,
                          const char *const *pairs, rd_kafka_t **out, Err *err) ERR_MUST_USE;
/* What librdkafka or the cluster said about `what`, as an error of ours. */
ErrCode kafka_error(Err *err, rd_kafka_resp_err_t code, const char *detail, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
ErrCode kafka_topic_missing(Str name, Err *err);
void    kafka_health_bad(KafkaBroker *broker, rd_kafka_resp_err_t code, const char *detail);
void    kafka_health_good(KafkaBroker *broker);
/*
 * True when a call of this thread since the last time was told of a topic that the cluster does not
 * know.  A consumer's queue hands that to the error callback, which knows no queue.
 */
bool kafka_take_unknown(void);
/* ERR_BROKER when another server took this one's place. */
ErrCode kafka_check_fenced(KafkaBroker *broker, Err *err) ERR_MUST_USE;
bool    kafka_is_bad(KafkaBroker *broker);
/* How long a request may take: short when the cluster is away, so that statements need not wait. */
int     kafka_request_ms(KafkaBroker *broker);
int64_t kafka_now_ms(void); /* monotonic */
/* What is left of ms when the server is ending: 0 when the time is over. */
int64_t kafka_left_ms(KafkaBroker *broker, int64_t ms);
bool    kafka_is_over(KafkaBroker *broker);

/* --- broker_kafka_topic.c --------------------------------------------------------------------- */

/* ERR_TOPIC_MISSING, or ERR_BROKER when it has no such partition. */
ErrCode kafka_topic_check(KafkaBroker *broker, Str name, uint32_t partition, Err *err) ERR_MUST_USE;
/* It is being deleted by us.  Thread: any. */
bool kafka_topic_is_going(KafkaBroker *broker, Str name);
/* What was known of it may be wrong: ask again next time. */
void    kafka_topic_doubt(KafkaBroker *broker, Str name);
ErrCode kafka_topic_create(Broker *base, const TopicSpec *spec, Err *err);
ErrCode kafka_topic_delete(Broker *base, Str name, Err *err);
ErrCode kafka_topic_describe(Broker *base, Str name, Arena *arena, TopicInfo *out, Err *err);
ErrCode kafka_topics(Broker *base, Arena *arena, TopicInfo **out, size_t *len, Err *err);
ErrCode kafka_topic_ends(Broker *base, Str name, PartitionEnds *ends, uint32_t partitions,
                         Err *err);
/* What our transaction wrote ends there: kafka_topic_ends() counts it from now on, although the
 * coordinator may tell the partition of the commit only a moment later.  Thread: any. */
void    kafka_topic_settled(KafkaBroker *broker, Str name, uint32_t partition, int64_t end);
ErrCode kafka_trim(Broker *base, Str topic, uint32_t partition, int64_t offset, Err *err);
ErrCode kafka_partition_ends(KafkaBroker *broker, const char *name, uint32_t partition,
                             PartitionEnds *out, Err *err) ERR_MUST_USE;

/* --- broker_kafka_ends.c ---------------------------------------------------------------------- */

/* Asks once, for kafka_request_ms() each. */
rd_kafka_resp_err_t kafka_ask_ends(KafkaBroker *broker, const char *name, uint32_t partition,
                                   PartitionEnds *out);

/* --- broker_kafka_read.c ---------------------------------------------------------------------- */

ErrCode kafka_reader_open(Broker *base, Str topic, uint32_t partition, int64_t offset,
                          BrokerWake wake, BrokerReader **out, Err *err);
ErrCode kafka_reader_poll(BrokerReader *base, size_t bytes_max, RecordBatch **out,
                          int64_t *position, int64_t *readable_end, Err *err);
ErrCode kafka_reader_seek(BrokerReader *base, int64_t offset, Err *err);
void    kafka_reader_close(BrokerReader *base);

/* --- broker_kafka_consumer.c ------------------------------------------------------------------ */

/*
 * Before a topic that is going is deleted: its readers end, and every consumer that ever read it is
 * destroyed after its other feeds moved to a new one.  Waits for that, but not for ever.
 */
ErrCode kafka_consumers_leave(KafkaBroker *broker, Str topic, Err *err) ERR_MUST_USE;
/* Serves the consumers' own events, closes those that nobody has used for some time, and looks how
 * much they have fetched. */
void kafka_consumers_serve(KafkaBroker *broker);
void kafka_consumers_close(KafkaBroker *broker);

/* --- broker_kafka_write.c --------------------------------------------------------------------- */

ErrCode kafka_plain_open(KafkaBroker *broker, Err *err) ERR_MUST_USE;
/* Calls the acks that are due; a handle that ended for good is replaced.  Waits up to wait_ms. */
void    kafka_plain_serve(KafkaBroker *broker, int wait_ms);
void    kafka_plain_close(KafkaBroker *broker);
ErrCode kafka_produce(Broker *base, Str topic, uint32_t partition, const Record *record,
                      BrokerAck ack, void *arg, Err *err);
/*
 * Hands one record to a producer, opaque to its delivery report.  The bytes are copied, or, when
 * is_copied is false, must stay until that report.
 */
rd_kafka_resp_err_t kafka_send(rd_kafka_t *rk, rd_kafka_topic_t *topic, uint32_t partition,
                               const Record *record, bool is_copied, void *opaque);

/* --- broker_kafka_txn.c ----------------------------------------------------------------------- */

ErrCode kafka_txn_open(Broker *base, Str name, BrokerTxn **out, Err *err);
ErrCode kafka_txn_begin(BrokerTxn *base, Err *err);
ErrCode kafka_txn_append(BrokerTxn *base, Chunk *chunk, Err *err);
ErrCode kafka_txn_commit(BrokerTxn *base, void (*settled)(void *arg, const Chunk *chunk), void *arg,
                         Err *err);
void    kafka_txn_abort(BrokerTxn *base);
void   *kafka_txn_culprit(const BrokerTxn *base, Err *err);
bool    kafka_txn_is_over(const BrokerTxn *base);
void    kafka_txn_close(BrokerTxn *base);

/* --- broker_kafka_group.c --------------------------------------------------------------------- */

void kafka_groups_open(KafkaBroker *broker); /* needs the admin handle */
bool kafka_group_copy(Broker *base, Str group, const GroupOffset *offsets, size_t len);
void kafka_group_delete(Broker *base, Str group);
/* Takes the answers.  Thread: broker. */
void kafka_groups_serve(KafkaBroker *broker);
void kafka_groups_close(KafkaBroker *broker);

/* --- broker_kafka_slow.c ---------------------------------------------------------------------- */

void kafka_on_throttle(rd_kafka_t *rk, const char *name, int32_t id, int delay_ms, void *opaque);
/* Adds what slows down a cluster that is healthy.  Under health_lock. */
void kafka_slow_locked(const KafkaBroker *broker, BrokerHealth *out);
/* Finds out, now and then, whether the cluster answers.  Thread: broker. */
void kafka_listen(KafkaBroker *broker);

/* --- broker_kafka_reap.c ---------------------------------------------------------------------- */

ErrCode kafka_reaper_open(KafkaBroker *broker, Err *err) ERR_MUST_USE;
/* Takes the handle; the ticket is for kafka_reap_wait(). */
uint64_t kafka_reap(KafkaBroker *broker, rd_kafka_t *rk);
/* True when all up to that one are destroyed within wait_ms. */
bool kafka_reap_wait(KafkaBroker *broker, uint64_t ticket, int wait_ms);
/* Destroys what waits; a handle that hangs is left to the end of the process. */
void kafka_reaper_close(KafkaBroker *broker);

#endif
