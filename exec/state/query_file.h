/*
 * query_file.h -- what one stateful query keeps on disk, and what is on its way there.
 *
 * A QueryFile is the query's SQLite file (DATA_DIR/state/<query id>.db: private state, public views
 * and positions) together with its pending set: changes that are settled but not written yet.
 * Reading looks into the pending set first, so that it sees everything that is settled.
 *
 *     open -> load (per state) -> changelog replay: state_restore + merge
 *          -> per epoch: merge -> ... -> close (writes what is pending) or delete
 *
 * The file is made by the first write; a query that never changes anything has none.  Several
 * settled epochs are written in one transaction together with the positions that belong to them, so
 * that the file always is some settled epoch.  Connections open when needed and close when idle.
 * One connection writes and checkpoints; the others only read and never checkpoint.
 *
 * Errors: ERR_STATE: the file is of another plan, or damaged; ERR_FULL, ERR_IO: the disk.
 */
#ifndef EXEC_STATE_QUERY_FILE_H
#define EXEC_STATE_QUERY_FILE_H

#include "exec/state/changes.h"
#include "exec/state/flusher.h"

/* What the file stands for, as the maker of the changelog names and writes it. */
typedef struct FilePosition {
    Str key;
    Str value;
} FilePosition;

typedef struct QueryFileOpts {
    Str                     id;     /* of the query */
    const PlanStore *const *stores; /* Plan.stores; copied */
    uint32_t                stores_len;
    uint64_t                fingerprint; /* Plan.fingerprint */
    /*
     * Told, on the flusher's thread, which positions would survive even a loss of power: what the
     * changelog holds below them is not needed any more.  NULL: nobody wants to know.
     */
    void (*on_durable)(void *arg, const FilePosition *positions, size_t len);
    void *arg;
} QueryFileOpts;

/*
 * A file that exists is checked: one of another plan is ERR_STATE, a damaged one is renamed to
 * <query id>.db.damaged-N, logged and counted, and the query starts without one.
 */
ErrCode query_file_open(Flusher *flusher, const QueryFileOpts *opts, QueryFile **out,
                        Err *err) ERR_MUST_USE;

/* True when there is nothing in the file and nothing pending: all states start empty and complete,
 * and the changelog is replayed from its beginning. */
bool query_file_is_empty(QueryFile *file);

/* The position that is written beside others: when that was, ms since the epoch. */
#define QUERY_FILE_TIME "time"

/* Bytes stored under a position's key, copied into arena; STR_NULL when there are none. */
ErrCode query_file_position(QueryFile *file, Str key, Arena *arena, Str *out,
                            Err *err) ERR_MUST_USE;

/* For StateOpts.backing: reads what left memory, pending set first.  Ends with the file.
 * Thread: the worker that owns the state. */
StateBacking query_file_backing(QueryFile *file, uint32_t store, uint32_t partition);

/*
 * Fills a fresh state (entries and numbers) from the file, up to its memory bound; the rest is read
 * when it is needed.  ERR_STATE on a damaged file: query_file_reset() and start over.
 */
ErrCode query_file_load(QueryFile *file, State *state, Err *err) ERR_MUST_USE;

/* The file cannot be used (damaged, or no longer fits the changelog): it is renamed like a damaged
 * one and the query starts without. */
ErrCode query_file_reset(QueryFile *file, const char *why, Err *err) ERR_MUST_USE;

/*
 * A settled epoch: takes the list of changes (linked by next; may be NULL), copies the positions.
 * To be called before the workers are told that the epoch is settled, since from then on entries
 * may leave memory.  What is replayed from the changelog goes the same way.  Never waits for the
 * disk.  Thread: committer.
 */
void query_file_merge(QueryFile *file, Changes *changes, const FilePosition *positions,
                      size_t positions_len);

/* Writes what is pending and waits for it.  Thread: any but the flusher's. */
ErrCode query_file_flush(QueryFile *file, Err *err) ERR_MUST_USE;

/* Bytes that wait to be written.  Thread: any. */
int64_t query_file_pending_bytes(QueryFile *file);

/* More references, for pull queries: the file may be closed or deleted meanwhile, reading then
 * fails with ERR_CANCELLED.  Thread: any. */
QueryFile *query_file_ref(QueryFile *file);
void       query_file_unref(QueryFile *file); /* NULL is fine */

/* --- for pull queries (exec/pull.c); Thread: any ---------------------------------------------- */

struct StateDb;

/* The view of this name; NULL: the query has none. */
const PlanStore *query_file_view(const QueryFile *file, Str name);
bool             query_file_is_closed(const QueryFile *file);
struct StateDb  *query_file_db(QueryFile *file);
/* What is pending for a key in any partition, newest only, copied into arena; prefix is the key
 * without window.  Removals (value ptr NULL) are listed too. */
void query_file_pending_of_key(QueryFile *file, const PlanStore *store, Str prefix, Arena *arena,
                               Change **out, size_t *len);

/* --- end -------------------------------------------------------------------------------------- */

/*
 * Ends the query's use of it: flusher_find() no longer knows it, and the opener's reference goes.
 * close writes what is pending first and returns what failed, but closes in any case: the changelog
 * still has it.  delete removes the file.
 */
ErrCode query_file_close(QueryFile *file, Err *err) ERR_MUST_USE;
void    query_file_delete(QueryFile *file);

#endif
