/*
 * broker_fixture.h -- the brokers that the contract test runs against, one for each claim.
 *
 * A driver is a row of `drivers`: how to open it (again, over what it kept), and what it can.
 *
 * With WEIR_TEST_KAFKA=HOST:PORT the Kafka driver is one of them.  The cluster must be the test's
 * own: every topic that is not Kafka's is deleted before each claim.
 */
#ifndef TESTS_SUPPORT_BROKER_FIXTURE_H
#define TESTS_SUPPORT_BROKER_FIXTURE_H

#include "exec/broker.h"

typedef struct Driver {
    const char *name;
    bool        is_file;   /* keeps its records over close and open */
    bool        is_inline; /* no thread; broker_step() cleans, by the fake clock */
    bool        is_kafka;  /* offsets have gaps, and cleaning is the cluster's */
} Driver;

/* One driver's broker, for one test. */
typedef struct Fixture {
    const Driver *driver;
    Arena        *mem;
    Broker       *broker;
    Clock         clock;
    char          dir[64];
    char          path[96];
    int64_t       data_bytes_max;
    Err           err;
} Fixture;

const Clock *fixture_clock(const Fixture *f);
void         fixture_open(Fixture *f);
void         fixture_reopen(Fixture *f);
/* Runs a claim against every driver. */
void each_driver(void **state, void (*claim)(Fixture *f));

/* Fails with f->err when rc is an error. */
void          ok(const Fixture *f, ErrCode rc);
BrokerReader *reader_at(Fixture *f, const char *topic, uint32_t partition, int64_t offset);
/* Polls until something comes, or nothing is left to come; *out may be NULL then. */
void          poll_some(Fixture *f, BrokerReader *reader, size_t bytes_max, RecordBatch **out,
                        int64_t *position, int64_t *end);
PartitionEnds ends_of(Fixture *f, const char *topic, uint32_t partition);
/* Until partition 0 has that many offsets at least. */
void await_end(Fixture *f, const char *topic, int64_t end);
/* Lets ms pass and the background work be done: at once inline, else waits until it is. */
void until(Fixture *f, int64_t ms, bool (*is_so)(Fixture *f));

#endif
