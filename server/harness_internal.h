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
};

/* The source whose formats a topic's records have: the first that stands on it. */
const Source *harness_source_of(const Catalog *catalog, Str topic);

#endif
