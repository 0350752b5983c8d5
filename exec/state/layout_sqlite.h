/*
 * layout_sqlite.h -- which stores a file was written for, and what to do when they have changed.
 *
 * CREATE OR REPLACE keeps the state of a query, but its view may get other columns, become a part
 * of the aggregation's state, or a table of its own.  weir_stores describes the stores of the file,
 * one row for each store and each of its columns.  When the query comes back with others, tables
 * that differ are moved aside, new ones made, and the rows copied where keys and leading columns
 * have the same types; columns that are new are null until their rows change.  All of it is one
 * transaction.
 *
 * Thread: whoever has the connection.
 */
#ifndef EXEC_STATE_LAYOUT_SQLITE_H
#define EXEC_STATE_LAYOUT_SQLITE_H

#include "exec/state/changes.h"
#include "exec/state/view_sqlite.h"

/* A store as the file has it. */
typedef struct OldStore {
    PlanStore store;    /* columns without type; header has the type's text */
    bool      is_same;  /* the plan's store of this number is just so */
    ViewTable view;     /* is_view */
    Str       moved_to; /* the table's name while rows are copied */
} OldStore;

typedef struct Layout {
    const PlanStore *const *stores; /* the plan's, by number */
    uint32_t                stores_len;
    OldStore               *old;
    uint32_t                old_len;
    Arena                  *mem;
} Layout;

/* Writes weir_stores anew; false when SQLite says no, as with all below. */
bool layout_sqlite_save(struct sqlite3 *handle, const PlanStore *const *stores,
                        uint32_t stores_len);

/* Fills old of a layout whose other fields are set. */
bool layout_sqlite_read(struct sqlite3 *handle, Layout *layout);
bool layout_sqlite_is_same(const Layout *layout);

/* Gives tables that differ another name. */
bool layout_sqlite_move(struct sqlite3 *handle, Layout *layout);
/* Hands the rows of the tables moved to put(), as changes of the plan's stores. */
ErrCode layout_sqlite_copy(struct sqlite3 *handle, Layout                                  *layout,
                           ErrCode (*put)(void *arg, const Change *change, Err *err), void *arg,
                           Err *err) ERR_MUST_USE;
bool    layout_sqlite_drop(struct sqlite3 *handle, const Layout *layout);

#endif
