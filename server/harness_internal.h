/*
 * harness_internal.h -- the Harness's own parts, shared by harness*.c and nobody else.
 */
#ifndef SERVER_HARNESS_INTERNAL_H
#define SERVER_HARNESS_INTERNAL_H

#include "common/limit.h"
#include "server/harness.h"

struct Harness {
    Arena     *mem;
    Clock      clock;
    Properties props;
    Engine    *engine;
    Api       *api;
    Session    session;
    bool       is_one_task;
    bool       keeps_topics; /* Kafka: some are not ours */
};

/* The source whose formats a topic's records have: the first that stands on it. */
const Source *harness_source_of(const Catalog *catalog, Str topic);

/* --- on a Kafka broker ------------------------------------------------------------------------ */

/* The engine's own properties; what the caller gave stands. */
ErrCode harness_kafka_props(Harness *harness, Err *err) ERR_MUST_USE;
/* ERR_STATE when there are topics already: they might be somebody's. */
ErrCode harness_kafka_check_empty(Harness *harness, Err *err) ERR_MUST_USE;
ErrCode harness_kafka_until_idle(Harness *harness, Err *err) ERR_MUST_USE;
/* A moment in which other threads work. */
void harness_kafka_wait(void);
/* Ends the queries, deletes all topics, or with keeps_topics those that the engine made. */
ErrCode harness_kafka_clear(Harness *harness, Err *err) ERR_MUST_USE;

#endif
