/*
 * broker_kafka_feed.h -- how readers share what is fetched; for the files of the Kafka driver that
 * read.
 *
 *     reader    broker_kafka_read.c       one query's place in one partition
 *     feed      broker_kafka_feed.c       one partition, fetched from one place on
 *     consumer  broker_kafka_consumer.c   a librdkafka handle, which has a partition once
 *
 * A KafkaPart is a partition that somebody reads.  Its readers share feeds: what a feed has fetched
 * and some reader on it has not taken yet is its *window*.  Readers at (nearly) the same place are
 * on one feed, so that each record is fetched once.  A partition has at most KAFKA_SLOTS feeds,
 * each on another consumer: so many places of a partition can be read at the same time, and so many
 * consumers there are, however many queries run.
 *
 * Locks, in this order: `consumers_lock` of the broker says which parts, feeds and consumers there
 * are; `lock` of a part guards its feeds' queues and windows and where its readers are; `wake_lock`
 * of a part is taken inside librdkafka's event callback, so nothing of librdkafka is called under
 * it.  A reader changes its feed under all three; a poll that need not takes `lock` and `wake_lock`
 * only.
 */
#ifndef EXEC_BROKERS_BROKER_KAFKA_FEED_H
#define EXEC_BROKERS_BROKER_KAFKA_FEED_H

#include "exec/brokers/broker_kafka_impl.h"

enum { KAFKA_FETCH_MESSAGES = 512 /* of one batch, at most */ };

/* Records point into the bytes behind them. */
typedef struct KafkaBatch {
    RecordBatch        base;
    KafkaBroker       *broker;
    Buf                headers; /* of all records */
    char              *bytes;
    size_t             size;    /* of all of it */
    int64_t            start;   /* where the feed was before it */
    uint32_t           pending; /* readers of the feed that have not taken it */
    struct KafkaBatch *next;    /* in the window */
    Record             records[];
} KafkaBatch;

typedef struct KafkaFeed {
    struct KafkaPart *part;
    uint32_t          slot;
    rd_kafka_queue_t *queue; /* NULL: it could not be moved, and its readers are told */
    uint32_t          readers_len;
    KafkaBatch       *first, *last; /* the window, by offset */
    size_t            window_bytes;
    int64_t           position, end;
    size_t            record_bytes; /* of an average record, to bound a fetch */
    Err               failure;      /* the last one, behind the window */
    uint64_t          failures;     /* how many there were */
    bool              is_lost;      /* its position does not exist: the cluster is to be asked */
    bool              is_held_back; /* a reader waits for others, who may stop to poll */
} KafkaFeed;

typedef struct KafkaPart {
    KafkaBroker        *broker;
    Str                 key; /* in the broker's map */
    char               *topic;
    uint32_t            partition;
    pthread_mutex_t     lock, wake_lock;
    KafkaFeed          *feeds[KAFKA_SLOTS];
    uint32_t            feeds_len;
    struct KafkaReader *readers; /* all of them; changed under both locks */
    bool                is_gone; /* the topic was deleted */
} KafkaPart;

struct KafkaReader {
    BrokerReader        base;
    KafkaPart          *part;
    BrokerWake          wake;
    struct KafkaReader *next; /* of its part */
    KafkaFeed          *feed; /* NULL: it fell behind, and joins another one when it polls */
    KafkaBatch         *at;   /* first of the window that it has not taken; NULL: none */
    int64_t             position, end;
    int64_t             polled_ms;  /* kafka_now_ms() */
    uint64_t            failures;   /* of its feed, that it knows of */
    bool                is_waiting; /* to be woken; under wake_lock */
};

/* --- broker_kafka_consumer.c: consumers_lock and the part's lock are held -----------------------
 */

/* Makes room for one more feed in the budget; before the part's lock is taken. */
void kafka_feeds_reserve(KafkaBroker *broker);
/* Fetches from the feed's position on, on the consumer of its slot. */
ErrCode kafka_feed_attach(KafkaFeed *feed, Err *err) ERR_MUST_USE;
void    kafka_feed_detach(KafkaFeed *feed, bool is_unassigned);
/* Bytes that a feed's window may have; readers that are further behind leave. */
size_t kafka_window_bytes_max(const KafkaBroker *broker);

/* --- broker_kafka_feed.c: the part's lock is held ----------------------------------------------
 */

/* Both with consumers_lock. */
ErrCode kafka_feed_open(KafkaPart *part, uint32_t slot, int64_t position, int64_t end,
                        KafkaFeed **out, Err *err) ERR_MUST_USE;
void    kafka_feed_close(KafkaFeed *feed, bool is_unassigned);
/* Reads on from another place; its readers keep theirs.  With consumers_lock. */
ErrCode kafka_feed_move(KafkaFeed *feed, int64_t position, Err *err) ERR_MUST_USE;
/* The window has what a reader at that place needs next. */
bool kafka_feed_covers(const KafkaFeed *feed, int64_t position);
void kafka_feed_join(KafkaFeed *feed, KafkaReader *reader);
void kafka_feed_leave(KafkaReader *reader);
/* Takes what librdkafka has, at most about bytes_max; false when that is nothing. */
bool kafka_feed_fetch(KafkaFeed *feed, size_t bytes_max);
void kafka_feed_fail(KafkaFeed *feed, const Err *err);
/* The reader's next batch of the window, a reference of the caller's. */
KafkaBatch *kafka_feed_take(KafkaReader *reader);
/* Readers of the feed that wait, but for one.  Thread: any, without lock. */
void kafka_feed_wake(KafkaFeed *feed, const KafkaReader *but);

#endif
