/*
 * broker_local_store.h -- the embedded broker's SQLite file: topics, chunks, ends of partitions.
 *
 * One connection writes and checkpoints; a small pool of read-only ones serves readers that are
 * behind.  (SQLite before 3.51.3 can corrupt a WAL that two connections checkpoint at once.)
 *
 * A chunk's bytes and its place in the log are two rows: bytes can be written ahead ("staged")
 * while a commit runs, and get their offsets by small rows in its last transaction.  Staged bytes
 * that never got a place are removed at the next opening.
 *
 * Thread: the broker's writer; local_store_read() any.
 */
#ifndef EXEC_BROKERS_BROKER_LOCAL_STORE_H
#define EXEC_BROKERS_BROKER_LOCAL_STORE_H

#include "common/arena.h"
#include "common/err.h"
#include "exec/broker.h"

typedef struct LocalStore LocalStore;

/* Where a chunk stands and what it is, without its bytes. */
typedef struct ChunkMeta {
    int64_t base, end; /* offsets [base, end) */
    int64_t fresh_ms;  /* the later of its newest timestamp and its arrival: its age counts from
                          there, so that old data can be loaded into a topic */
    int64_t  blob;     /* row of its bytes; 0 in memory */
    uint32_t count;
    uint32_t len; /* bytes */
} ChunkMeta;

/* ERR_IO when it cannot be opened, is in use by another server, or is newer than this build. */
ErrCode local_store_open(const char *path, LocalStore **out, Err *err) ERR_MUST_USE;
void    local_store_close(LocalStore *store); /* NULL is fine; no reader may be active */

/* --- transactions ----------------------------------------------------------------------------- */

/* is_durable: on the disk when the commit returns; else with the next durable one. */
ErrCode local_store_begin(LocalStore *store, bool is_durable, Err *err) ERR_MUST_USE;
ErrCode local_store_commit(LocalStore *store, Err *err) ERR_MUST_USE;
void    local_store_rollback(LocalStore *store);
/* Bytes in use in the file, free pages left out. */
int64_t local_store_used_bytes(LocalStore *store);
/* Moves the WAL into the file; does nothing when there is nothing to move. */
void local_store_checkpoint(LocalStore *store);

/* --- topics ----------------------------------------------------------------------------------- */

typedef struct StoredTopic {
    TopicSpec spec; /* name.ptr NULL: deleted, its chunks are still to be removed */
    Str       id;
    int64_t   row;
} StoredTopic;

typedef struct StoredPartition {
    int64_t  topic_row;
    uint32_t partition;
    int64_t  begin, end;
    int64_t  clean_end; /* compacted below */
} StoredPartition;

/* Visits every topic, the latest first, then every partition that was ever written, in the order of
 * rows. */
ErrCode local_store_load(LocalStore *store, void *arg,
                         void (*on_topic)(void *arg, const StoredTopic *topic),
                         void (*on_partition)(void *arg, const StoredPartition *partition),
                         Err *err) ERR_MUST_USE;
ErrCode local_store_topic_put(LocalStore *store, const TopicSpec *spec, Str id, int64_t *row,
                              Err *err) ERR_MUST_USE;
/* Marks it deleted: the name is free from then on. */
ErrCode local_store_topic_drop(LocalStore *store, int64_t row, Err *err) ERR_MUST_USE;
/* Removes up to max chunks of a dropped topic, at last its row; *is_done when nothing is left. */
ErrCode local_store_topic_purge(LocalStore *store, int64_t row, int max, bool *is_done,
                                Err *err) ERR_MUST_USE;

/* --- chunks ----------------------------------------------------------------------------------- */

/* Writes bytes without a place in any log. */
ErrCode local_store_blob_put(LocalStore *store, Str bytes, int64_t *blob, Err *err) ERR_MUST_USE;
ErrCode local_store_blob_drop(LocalStore *store, int64_t blob, Err *err) ERR_MUST_USE;
/* Every blob from this row on may be without a place: remembered for the next opening; 0: none. */
ErrCode local_store_staged_from(LocalStore *store, int64_t blob, Err *err) ERR_MUST_USE;
int64_t local_store_next_blob(const LocalStore *store);

ErrCode local_store_chunk_put(LocalStore *store, int64_t topic_row, uint32_t partition,
                              const ChunkMeta *meta, Err *err) ERR_MUST_USE;
ErrCode local_store_chunk_drop(LocalStore *store, int64_t topic_row, uint32_t partition,
                               const ChunkMeta *meta, Err *err) ERR_MUST_USE;
ErrCode local_store_partition_put(LocalStore *store, const StoredPartition *partition,
                                  Err *err) ERR_MUST_USE;
/* The first chunk with an end above offset; *found false: there is none. */
ErrCode local_store_chunk_at(LocalStore *store, int64_t topic_row, uint32_t partition,
                             int64_t offset, ChunkMeta *out, bool *found, Err *err) ERR_MUST_USE;
ErrCode local_store_blob_get(LocalStore *store, int64_t blob, Buf *out, Err *err) ERR_MUST_USE;
/* Sum of the bytes of chunks below and from offset on. */
ErrCode local_store_sizes(LocalStore *store, int64_t topic_row, uint32_t partition, int64_t offset,
                          int64_t *below, int64_t *above, Err *err) ERR_MUST_USE;

/*
 * Visits chunks with an end above from and a base below to, in order, until visit() gives false.
 * Bytes are valid during the visit.  Thread: any.
 */
ErrCode local_store_read(LocalStore *store, int64_t topic_row, uint32_t partition, int64_t from,
                         int64_t to, bool (*visit)(void *arg, const ChunkMeta *meta, Str bytes),
                         void *arg, Err *err) ERR_MUST_USE;

#endif
