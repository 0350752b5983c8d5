/*
 * changelog.h -- the changes of a query's state as records of an internal topic.
 *
 * _weir-<service id>-<query id>-changelog has one partition per task; a record's key is the number
 * of the store and the entry's key, its value the entry, null when it was removed.  Records are
 * written in the epoch's transaction.  On the local broker they are dropped once the state file
 * has durably passed them: the topic is a write-ahead log.
 *
 * Thread: encoding the worker's, replay whoever starts the query.
 */
#ifndef EXEC_CHANGELOG_H
#define EXEC_CHANGELOG_H

#include "exec/broker.h"
#include "exec/chunk_list.h"

/* Name of the topic. */
Str changelog_topic(Arena *mem, Str service_id, Str query_id);
/* Creates it; one that exists is fine. */
ErrCode changelog_create(Broker *broker, Str topic, uint32_t partitions, Err *err) ERR_MUST_USE;

/* Where changes are appended. */
typedef struct ChangelogWriter {
    Str        topic;
    uint32_t   partition;
    void      *owner; /* Chunk.owner */
    ChunkList *out;
    Buf        key; /* scratch; heap */
} ChangelogWriter;

void changelog_put(ChangelogWriter *writer, uint32_t store, Str key, Str value);

/* Splits a record's key; false on one that no changelog_put() wrote. */
bool changelog_parse_key(Str record_key, uint32_t *store, Str *key);

/* value ptr NULL: the entry was removed. */
typedef ErrCode (*ChangelogVisit)(void *arg, uint32_t store, Str key, Str value, Err *err);
/*
 * Visits every change at and above offset from, up to the end as of now.  *next: where the
 * changelog goes on.  ERR_STATE when the changelog begins above from: what lies between is lost.
 */
ErrCode changelog_replay(Broker *broker, Str topic, uint32_t partition, int64_t from,
                         ChangelogVisit visit, void *arg, int64_t *next, Err *err) ERR_MUST_USE;

#endif
