/*
 * pending.h -- changes that are settled but not yet in the file: one set of them.
 *
 * Later changes of a key replace earlier ones, later positions likewise.  The set points into the
 * Changes it took over and copies nothing; when most of their bytes have been replaced it packs
 * what is left into one.
 *
 * Thread: guarded by its QueryFile's lock.
 */
#ifndef EXEC_STATE_PENDING_H
#define EXEC_STATE_PENDING_H

#include "common/map.h"
#include "exec/state/changes.h"

typedef struct PendingEntry {
    Change   change;
    uint64_t hash;           /* of store and key */
    uint32_t next;           /* number + 1 of the next one in the bucket; 0: none */
    uint32_t next_of_prefix; /* windowed: of the next one in the prefix bucket */
} PendingEntry;

typedef struct Pending {
    const PlanStore *const *stores; /* by number */
    PendingEntry           *entries;
    uint32_t                len;
    uint32_t               *buckets;     /* by store and key */
    uint32_t               *prefixes;    /* windowed entries, by store and key without the window */
    uint32_t                buckets_len; /* of each; power of two */
    Changes                *changes;     /* owned; the entries point into them */
    size_t                  bytes;       /* of changes */
    size_t                  dead;        /* of those, bytes of entries that were replaced */
    Map                     positions;   /* key -> PendingPosition */
} Pending;

typedef struct PendingPosition {
    size_t value_len;
    char   bytes[]; /* value, then key */
} PendingPosition;

enum {
    WINDOW_KEY_BYTES = 16, /* what a windowed store's key ends in */
    PENDING_PUT_MAX = 64
};

Pending *pending_new(const PlanStore *const *stores);
void     pending_free(Pending *pending); /* NULL is fine */

bool pending_is_empty(const Pending *pending);

/* Up to PENDING_PUT_MAX changes, in bytes that the set owns or will own. */
void pending_put(Pending *pending, const Change *changes, uint32_t len);
/* Takes over the bytes of changes that were put. */
void pending_take(Pending *pending, Changes *changes);
void pending_put_position(Pending *pending, Str key, Str value);
Str  pending_position(const Pending *pending, Str key); /* ptr NULL: none */

/* The change of exactly this key, or NULL. */
const Change *pending_find(const Pending *pending, uint32_t store, uint32_t partition, Str key);

/*
 * All changes of a key in any partition; for a windowed store prefix is the key without the window.
 * uint32_t cursor = pending_first(...); while ((change = pending_next(..., &cursor))) ...
 */
uint32_t      pending_first(const Pending *pending, uint32_t store, Str prefix);
const Change *pending_next(const Pending *pending, uint32_t store, Str prefix, uint32_t *cursor);

#endif
