/*
 * bench_broker.h -- a broker that serves the same prebuilt records over and over and swallows what
 * is written, so that a bench measures the engine alone.
 *
 * Every topic has one partition with `records` records.  Written chunks are counted and dropped.
 * Every 100 000 records the topic seems to have come to an end, so that the engine commits.
 */
#ifndef TESTS_BENCH_BENCH_BROKER_H
#define TESTS_BENCH_BENCH_BROKER_H

#include "exec/broker.h"

typedef struct BenchBroker {
    Broker        base;
    const Record *templates; /* repeated round and round; offsets are made on the way */
    uint32_t      templates_len;
    int64_t       records; /* per partition */
    int64_t       written, written_bytes;
    void         *reader; /* the open one; a bench runs one scan at a time */
} BenchBroker;

void bench_broker_init(BenchBroker *broker, const Record *templates, uint32_t len, int64_t records);

#endif
