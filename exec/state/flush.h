/*
 * flush.h -- what query_file.c and flusher.c are to each other.
 *
 * The Flusher decides when a file is written, the QueryFile knows how.
 *
 * Thread: FlushNode is guarded by the Flusher's lock.
 */
#ifndef EXEC_STATE_FLUSH_H
#define EXEC_STATE_FLUSH_H

#include "exec/state/query_file.h"

typedef struct FlushNode FlushNode;

/* A file as the Flusher sees it; part of the QueryFile. */
struct FlushNode {
    QueryFile *file;
    FlushNode *prev, *next; /* in the queue of files to be written, oldest first */
    bool       is_queued;
    bool       is_busy; /* being written or closed, outside the lock */
    bool       is_open; /* was written, has a connection for it */
    bool       is_removed;
    int64_t    due_ns; /* not before; somebody waits: 0 */
    int64_t    backoff_ns;
    int64_t    used_ns;     /* last written or found */
    uint64_t   asked, done; /* flushes that were asked for, and those that are through */
    ErrCode    rc;          /* of the last write */
    Err        err;
};

/* --- query_file.c, for the flusher ------------------------------------------------------------ */

FlushNode *query_file_node(QueryFile *file);
Str        query_file_id(const QueryFile *file);
bool       query_file_has_pending(QueryFile *file);
/* Writes what is pending; rows counts entries.  What could not be written stays pending.
 * Thread: one at a time per file. */
ErrCode query_file_write(QueryFile *file, int64_t *rows, Err *err) ERR_MUST_USE;
/* True when there are connections to close. */
bool query_file_is_open(QueryFile *file);
/* Closes connections that nobody uses.  Thread: as query_file_write(). */
void query_file_close_idle(QueryFile *file);

/* --- flusher.c, for query files --------------------------------------------------------------- */

const char *flusher_data_dir(const Flusher *flusher); /* NULL: in memory */
int64_t     flusher_now_ms(const Flusher *flusher);   /* since the epoch */
/* ERR_STATE: the query has one already. */
ErrCode flusher_add(Flusher *flusher, QueryFile *file, Err *err) ERR_MUST_USE;
/* Waits until the file is not being written; it is not found any more. */
void flusher_remove(Flusher *flusher, QueryFile *file);
/* Between these the file is not written. */
void flusher_hold(Flusher *flusher, QueryFile *file);
void flusher_release(Flusher *flusher, QueryFile *file);
/* The pending set is not empty any more, or grew: bytes more or less wait altogether. */
void    flusher_note(Flusher *flusher, QueryFile *file, int64_t bytes);
ErrCode flusher_flush_file(Flusher *flusher, QueryFile *file, Err *err) ERR_MUST_USE;
/* A file could not be used and was renamed. */
void flusher_note_set_aside(Flusher *flusher);

#endif
