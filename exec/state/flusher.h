/*
 * flusher.h -- writes what is settled to the queries' SQLite files, off everybody's way.
 *
 * Every QueryFile belongs to one Flusher.  A pending set is written 100 ms after it became
 * non-empty when little is going on, and less often under load, up to 5 s apart, so that writing
 * takes about a quarter of a core at most; at once when somebody waits for it.  A write that fails
 * (disk full) keeps its set, is tried again with back-off and is reported by flusher_health().
 *
 * Life: flusher_open(), query files (exec/state/query_file.h), flusher_close().
 *
 * Thread: it has one of its own; inline it works within flusher_step() and the calls that wait.
 */
#ifndef EXEC_STATE_FLUSHER_H
#define EXEC_STATE_FLUSHER_H

#include "common/clock.h"
#include "common/err.h"
#include "common/map.h"

typedef struct Flusher   Flusher;
typedef struct QueryFile QueryFile;

typedef struct FlusherOpts {
    /* Files are DATA_DIR/state/<query id>.db; NULL: databases are private and in memory, written
     * only when a scan asks for it or the pending set has grown large. */
    const char  *data_dir;
    const Clock *clock;
    bool         is_inline; /* no thread */
} FlusherOpts;

/* Makes the directory.  On failure nothing is left open. */
ErrCode flusher_open(const FlusherOpts *opts, Flusher **out, Err *err) ERR_MUST_USE;

/* Ends the thread; every query file must be closed.  NULL is fine. */
void flusher_close(Flusher *flusher);

/* Deletes the files of queries that are not among the keys of alive; before any is opened.  What
 * was set aside stays. */
void flusher_sweep(Flusher *flusher, const Map *alive);

/* Writes what is due; false when nothing was.  Inline only. */
bool flusher_step(Flusher *flusher);

/* Writes everything that is pending in all files and waits for it; the first error counts.
 * Thread: any but the flusher's. */
ErrCode flusher_flush(Flusher *flusher, Err *err) ERR_MUST_USE;

/* The open file of a query with a reference for the caller (query_file_unref), or NULL.
 * Thread: any. */
QueryFile *flusher_find(Flusher *flusher, Str query_id);

/*
 * True while so much is pending that no further epoch should be settled before some of it has been
 * written (a disk that is slow or full).  Thread: any.
 */
bool flusher_is_behind(Flusher *flusher);

typedef struct FlusherHealth {
    bool    is_healthy;
    char    why[256];      /* "" when healthy */
    int64_t pending_bytes; /* of all queries */
    int64_t flushes;       /* transactions since start */
    int64_t rows;          /* written since start */
    int64_t set_aside;     /* files that could not be used and were renamed, since start */
} FlusherHealth;

/* Thread: any. */
void flusher_health(Flusher *flusher, FlusherHealth *out);

#endif
