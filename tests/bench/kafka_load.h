/*
 * kafka_load.h -- what `make bench-kafka` does with Kafka itself: orders, the bare loop, latency.
 *
 * A failure of any of these functions ends the bench with a message.
 */
#ifndef TESTS_BENCH_KAFKA_LOAD_H
#define TESTS_BENCH_KAFKA_LOAD_H

#include <stdint.h>

enum { KAFKA_LOAD_PARTITIONS = 4, KAFKA_LOAD_KEYS = 100000, KAFKA_LOAD_REGIONS = 1000 };

void kafka_topic_new(const char *servers, const char *topic);

/* That many JSON orders, keyed by customer, spread over the partitions. */
void kafka_fill_orders(const char *servers, const char *topic, int64_t orders);

/* What is readable of a topic, read_committed: the sum of its partitions' ends. */
int64_t kafka_readable(const char *servers, const char *topic);

typedef struct BareLoop {
    double cpu_us, wall_s; /* per message read; of all of it */
} BareLoop;

/*
 * librdkafka consumes every message of one topic and produces one for it to the same partition of
 * the other, with the settings of Weir's consumers and producers and a topic without records beside
 * it, as Weir has; in a process of its own.  With
 * transactions, committed as often as Weir does.
 */
BareLoop kafka_bare_loop(const char *servers, const char *from, const char *to, const char *idle,
                         int64_t messages, int64_t fetch_bytes, int is_transactional);

typedef struct Latency {
    double p50_ms, p99_ms;
} Latency;

/*
 * Produces so many records a second to one topic and reads the other, read_committed, where a query
 * writes each of them: from the call that produced a record to the one that returned its output.
 */
Latency kafka_latency(const char *servers, const char *from, const char *to, int per_second,
                      int seconds);

#endif
