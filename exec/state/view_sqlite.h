/*
 * view_sqlite.h -- a view: the store of a table as a SQLite table that anyone can read.
 *
 *     CREATE TABLE "ORDERS_BY_USER" ("USER_ID" TEXT, "N" INTEGER, "TOTAL", "ROWTIME" INTEGER,
 *         "weir_partition" INTEGER, PRIMARY KEY ("USER_ID", "weir_partition")) WITHOUT ROWID
 *
 * A windowed view has WINDOWSTART and WINDOWEND behind its keys.  Types: docs in
 * exec/state/README.md.  The partition is the last part of the key because nothing forbids foreign
 * producers to write one key to two partitions.  SQLite has no null in a key of such a table: a
 * null key column is kept as an empty BLOB (of a BYTES column: as an empty TEXT).
 *
 * SQLite ignores the case of names: a column or table whose name is taken gets a suffix.  The table
 * weir_columns lists what became what.
 *
 * Thread: whoever has the statement.
 */
#ifndef EXEC_STATE_VIEW_SQLITE_H
#define EXEC_STATE_VIEW_SQLITE_H

#include "exec/state.h"

struct sqlite3;
struct sqlite3_stmt;

enum { VIEW_COLUMNS_MAX = 1990 }; /* SQLite takes 2000 */

typedef struct ViewTable {
    const PlanStore *store;
    Str              name;       /* quoted, as columns are */
    const Str       *columns;    /* keys, window start and end, slots, ROWTIME, partition */
    Str              plain_name; /* not quoted, as plain_columns are */
    const Str       *plain_columns;
    uint32_t         columns_len;
    uint32_t         slots_at; /* columns in front of the slots: the key */
} ViewTable;

/* Names of a view's table; they live in arena. */
void view_sqlite_init(Arena *arena, const PlanStore *store, ViewTable *out);

/* SQL text.  Parameters: put: one per column; remove and find: the key and the partition; each: the
 * partition; pull_key: the key columns, then (windowed) least and greatest start, least and
 * greatest end.  find, each and pull_key give all columns; select is their beginning, to WHERE. */
void view_sqlite_create(Buf *out, const ViewTable *view);
void view_sqlite_put(Buf *out, const ViewTable *view);
void view_sqlite_remove(Buf *out, const ViewTable *view);
void view_sqlite_find(Buf *out, const ViewTable *view);
void view_sqlite_each(Buf *out, const ViewTable *view);
void view_sqlite_pull_key(Buf *out, const ViewTable *view);
void view_sqlite_select(Buf *out, const ViewTable *view);

/* Fills weir_columns; false when SQLite says no. */
bool view_sqlite_list_columns(struct sqlite3 *handle, const ViewTable *view);

/* Binds a key given by its bytes and its partition; mem must live until the statement has run. */
ErrCode view_sqlite_bind_key(struct sqlite3_stmt *stmt, const ViewTable *view, uint32_t partition,
                             Str key, Arena *mem, Err *err) ERR_MUST_USE;
/* Binds a whole row given by the bytes of key and value. */
ErrCode view_sqlite_bind_row(struct sqlite3_stmt *stmt, const ViewTable *view, uint32_t partition,
                             Str key, Str value, Arena *mem, Err *err) ERR_MUST_USE;
/* One key column's value as parameter number at (from 1). */
void view_sqlite_bind_key_column(struct sqlite3_stmt *stmt, int at, Value v, const Type *type,
                                 Arena *mem);

typedef struct ViewRow {
    Value   *keys; /* store->keys_len, then the slots: one array */
    Value   *slots;
    int64_t  window_start, window_end;
    int64_t  ts;
    uint32_t partition;
} ViewRow;

/* The row that the statement stands on.  Its strings are SQLite's and valid until the next step;
 * the rest lives in mem.  ERR_STATE when a column does not hold what its type says. */
ErrCode view_sqlite_row(struct sqlite3_stmt *stmt, const ViewTable *view, Arena *mem, ViewRow *out,
                        Err *err) ERR_MUST_USE;

#endif
