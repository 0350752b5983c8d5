/*
 * changes.h -- what a query's states changed, as one flat run of bytes.
 *
 * A worker fills one Changes per query and epoch through changes_sink(), the committer walks it to
 * write the changelog, and query_file_merge() takes it over whole: the pending set points into
 * its bytes.  One allocation that grows, none per entry.
 *
 * One entry: { varint store, varint partition, varint key length, key,
 *              varint value length + 1 (0: the key was removed), value }.
 * The empty key carries the numbers of a state (exec/state.h).
 *
 * Thread: one at a time; it moves from worker to committer to pending set.
 */
#ifndef EXEC_STATE_CHANGES_H
#define EXEC_STATE_CHANGES_H

#include "exec/state.h"

typedef struct Changes {
    Buf             bytes; /* heap */
    uint32_t        count;
    struct Changes *next; /* for lists of its holder */
} Changes;

Changes *changes_new(void);
void     changes_free(Changes *changes); /* this one only; NULL is fine */

/* value ptr NULL: the key was removed. */
void changes_add(Changes *changes, uint32_t store, uint32_t partition, Str key, Str value);
/* For state_encode(): store and partition come from the state. */
StateSink changes_sink(Changes *changes);

typedef struct Change {
    uint32_t store;
    uint32_t partition;
    Str      key;
    Str      value; /* ptr NULL: removed */
} Change;

/* for (BufReader at = changes_read(changes); changes_next(&at, &change);) ... */
BufReader changes_read(const Changes *changes);
bool      changes_next(BufReader *at, Change *out);

#endif
