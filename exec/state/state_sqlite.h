/*
 * state_sqlite.h -- the SQLite file of one query: tables, connections, statements.
 *
 *     weir_meta       name, value: format, fingerprint, query
 *     weir_positions  key, value: what the file stands for
 *     weir_numbers    store, partition, value
 *     weir_state_<n>  partition, key, value: a private store
 *     weir_columns    what the columns of the views are called in SQL
 *     <view>          a store that is a view (exec/state/view_sqlite.h)
 *
 * One connection writes and checkpoints.  Readers are borrowed from a pool and never checkpoint,
 * not even when they are the last to close.  (SQLite up to 3.51.2 can damage a WAL that two
 * connections checkpoint at once.)  A database in memory has one connection for both, which is
 * borrowed by one thread at a time.
 *
 * Thread: writing one at a time; borrowing any; a borrowed connection belongs to the borrower.
 */
#ifndef EXEC_STATE_STATE_SQLITE_H
#define EXEC_STATE_STATE_SQLITE_H

#include "exec/state/query_file.h"
#include "exec/state/view_sqlite.h"

struct sqlite3;

typedef struct StateDb StateDb;
typedef struct DbConn  DbConn;

typedef struct StateDbOpts {
    Str                     query_id;
    const char             *data_dir; /* NULL: in memory */
    const PlanStore *const *stores;   /* must outlive it */
    uint32_t                stores_len;
    uint64_t                fingerprint;
} StateDbOpts;

/* Opens nothing yet.  ERR_LIMIT: a view has more columns than SQLite takes. */
ErrCode state_sqlite_new(const StateDbOpts *opts, StateDb **out, Err *err) ERR_MUST_USE;
void    state_sqlite_free(StateDb *db); /* all connections are back; NULL is fine */

/*
 * Reads the head of the file, when there is one.  ERR_STATE and *is_damaged: it is no database or
 * not whole; ERR_STATE alone: it is of another plan or format.
 */
ErrCode state_sqlite_check(StateDb *db, bool *is_damaged, Err *err) ERR_MUST_USE;
/* Brings a file of a former statement (CREATE OR REPLACE) to the stores of this one. */
ErrCode state_sqlite_adapt(StateDb *db, Err *err) ERR_MUST_USE;
bool    state_sqlite_exists(StateDb *db); /* Thread: any */
/* Renames the file and what belongs to it to <name>.damaged-N; nothing may be borrowed. */
ErrCode state_sqlite_set_aside(StateDb *db, Arena *arena, Str *new_name, Err *err) ERR_MUST_USE;
void    state_sqlite_unlink(StateDb *db);
/* The name of a query's file, without ".db". */
Str state_sqlite_file_name(Arena *mem, Str query_id);

/* --- writing: one thread at a time ------------------------------------------------------------ */

/* All of it in one transaction; makes file and tables first.  changes in any order, sorted is
 * faster (state_sqlite_cmp). */
ErrCode state_sqlite_write(StateDb *db, const Change *const *changes, size_t len,
                           const FilePosition *positions, size_t positions_len,
                           Err *err) ERR_MUST_USE;
/* The order of the file's tables, for qsort_r with the StateDb as its argument. */
int state_sqlite_cmp(const void *a, const void *b, void *db);
/* Pages that a checkpoint would have to copy. */
int state_sqlite_wal_pages(const StateDb *db);
/* True when the whole WAL is in the file and that is synced. */
bool state_sqlite_checkpoint(StateDb *db);
/* Checkpoints and closes the writing connection. */
void state_sqlite_close_writer(StateDb *db);

/* --- reading ---------------------------------------------------------------------------------- */

/* *out NULL: there is no file yet.  To be given back by state_sqlite_return(). */
ErrCode state_sqlite_borrow(StateDb *db, DbConn **out, Err *err) ERR_MUST_USE;
void    state_sqlite_return(StateDb *db, DbConn *conn); /* NULL is fine */
/* Closes pooled connections. */
void state_sqlite_close_readers(StateDb *db);
/* True when it holds a connection, for writing or pooled.  Thread: the one that writes. */
bool state_sqlite_is_open(StateDb *db);

/* Replaces what out holds. */
ErrCode state_sqlite_find(StateDb *db, DbConn *conn, uint32_t store, uint32_t partition, Str key,
                          Buf *out, bool *found, Err *err) ERR_MUST_USE;
typedef ErrCode (*StateRow)(void *arg, Str key, Str value, bool *stop, Err *err);
ErrCode state_sqlite_each(StateDb *db, DbConn *conn, uint32_t store, uint32_t partition,
                          StateRow visit, void *arg, Err *err) ERR_MUST_USE;
ErrCode state_sqlite_numbers(StateDb *db, DbConn *conn, uint32_t store, uint32_t partition,
                             Buf *out, bool *found, Err *err) ERR_MUST_USE;
ErrCode state_sqlite_position(StateDb *db, DbConn *conn, Str key, Buf *out, bool *found,
                              Err *err) ERR_MUST_USE;

/* For pull queries.  The statement stays the connection's: sqlite3_reset() it. */
const ViewTable *state_sqlite_view(const StateDb *db, uint32_t store); /* NULL: no view */
ErrCode state_sqlite_pull_key(StateDb *db, DbConn *conn, uint32_t store, struct sqlite3_stmt **out,
                              Err *err) ERR_MUST_USE;
struct sqlite3 *state_sqlite_handle(DbConn *conn);
/* What SQLite said last on this connection, as an error of ours. */
ErrCode state_sqlite_error(StateDb *db, DbConn *conn, const char *doing, Err *err);

#endif
