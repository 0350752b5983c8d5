/*
 * broker_local.h -- the embedded broker: topics in one SQLite file.
 *
 * A row is a chunk (exec/chunk.h) keyed by topic, partition and base offset.  One writer thread
 * takes waiting produces together in one transaction (synchronous=FULL), between slices of a
 * running commit; a commit's chunks become readable by one final row.  Retention goes by whole
 * chunks; compaction and tombstone removal run in the background within a CPU bound.
 */
#ifndef EXEC_BROKERS_BROKER_LOCAL_H
#define EXEC_BROKERS_BROKER_LOCAL_H

#include "exec/broker.h"

typedef struct BrokerLocalOpts {
    const char  *path; /* of the SQLite file, or ":memory:" */
    const Clock *clock;
    bool         is_inline;      /* no thread: produce acts at once, broker_step() does the rest */
    int64_t      data_bytes_max; /* weir.data.max.bytes: writes beyond are ERR_FULL; -1: no bound */
    int64_t      tombstone_retention_ms; /* compaction keeps a tombstone that long; default 1 day */
} BrokerLocalOpts;

/* ERR_IO when the file cannot be opened or is in use by another server (the message says so). */
ErrCode broker_local_open(const BrokerLocalOpts *opts, Broker **out, Err *err) ERR_MUST_USE;

#endif
