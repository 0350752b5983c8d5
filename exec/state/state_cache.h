/*
 * state_cache.h -- the inside of a State, shared by the files state_*.c.
 *
 * Entries are allocated one by one and found through an open-addressing table, so that pointers to
 * them stay good while the table grows.  A slot's variable-length value is a block of its own.
 *
 * Images: a generation is the time between two seals.  The first touch of an entry in a generation
 * makes an Image of what it was before; an entry's images form a list, newest first.  The values of
 * an entry through time -- oldest image, ..., newest image, the entry itself -- may share blocks
 * with their neighbours only.  Hence the one rule of ownership: whoever drops a version frees the
 * blocks that its neighbour does not hold.
 *
 * Thread: the worker that owns the State.
 */
#ifndef EXEC_STATE_STATE_CACHE_H
#define EXEC_STATE_STATE_CACHE_H

#include "exec/state.h"

typedef struct Entry     Entry;
typedef struct Image     Image;
typedef struct IndexNode IndexNode;

enum EntryFlag {
    ENTRY_REMOVED = 1, /* as if it were not there; kept while images need it */
    ENTRY_USED = 2     /* seen since the eviction hand last passed */
};

struct Entry {
    StateEntry pub;    /* must be first: StateEntry * <-> Entry * */
    Image     *images; /* newest first; NULL: clean */
    char      *key;    /* behind the slots */
    uint32_t   key_len;
    uint32_t   flags;
    Value      slots[]; /* store->slots_len, then the key's bytes */
};

struct Image {
    Entry   *entry;
    Image   *older;
    uint64_t generation;
    bool     existed;
    bool     is_encoded; /* ahead of its turn, because the entry was touched again */
    Str      encoded;    /* in the generation's mem; ptr NULL: removed */
    int64_t  ts;
    Value    slots[];
};

/* Images lie in blocks that are reused from epoch to epoch, in the order of their making. */
typedef struct Generation {
    uint64_t number; /* 0: not in use */
    uint64_t epoch;
    char   **blocks; /* of IMAGES_PER_BLOCK images */
    size_t   blocks_len, blocks_cap;
    size_t   len;                           /* images */
    size_t   encoded;                       /* images [0 .. encoded) went to the sink */
    Arena   *mem;                           /* entries that were encoded ahead of their turn */
    int64_t  numbers_before[STATE_NUMBERS]; /* undo */
    int64_t  numbers_sealed[STATE_NUMBERS];
    bool     has_numbers; /* some changed */
} Generation;

enum { IMAGES_PER_BLOCK = 128 };

typedef struct TableSlot {
    uint64_t hash;
    Entry   *entry; /* NULL: free */
} TableSlot;

enum { GENERATIONS = 3 }; /* two unsettled epochs and the current one */
enum { CACHE_LINE = 64 };

typedef struct StateIndex StateIndex;

struct State {
    StateOpts   opts;
    TableSlot  *table;
    size_t      table_cap; /* power of two */
    size_t      entries;
    size_t      bytes;     /* of entries and blocks */
    size_t      published; /* bytes and table, as the budget knows them */
    size_t      hand;      /* eviction looks here next */
    Entry      *last;      /* handed out by the last call; state_keep() writes to it */
    Generation  pool[GENERATIONS];
    Generation *current;
    Generation *sealed[GENERATIONS - 1]; /* oldest first */
    uint32_t    sealed_len;
    uint64_t    generation_last;
    size_t      image_bytes;
    bool        has_blocks; /* some slot may hold one */
    int64_t     numbers[STATE_NUMBERS];
    StateIndex *index;   /* NULL until the first ordered scan */
    Arena      *scratch; /* while one entry is decoded */
};

static inline Entry *entry_of(StateEntry *pub)
{
    return (Entry *)pub;
}

static inline Str entry_key(const Entry *entry)
{
    return (Str){entry->key, entry->key_len};
}

/* --- state_cache.c ---------------------------------------------------------------------------- */

/* Unlinks and frees an entry without images. */
void state_drop_entry(State *state, Entry *entry);

/* --- state_slots.c: blocks -------------------------------------------------------------------- */

/* True when values of the type may have a block. */
bool slot_type_has_blocks(const Type *type);
/* A copy of v in a block of its own; *bytes grows by what it takes. */
Value slot_own(Value v, size_t *bytes);
void  slot_free(Value v, size_t *bytes);
/* True when v is the very block that other holds. */
bool slot_is_same(Value v, Value other);
/* Frees the blocks of dropped[] that neighbour[] does not hold; neighbour NULL: all. */
void slots_drop(Value *dropped, const Value *neighbour, uint32_t len, size_t *bytes);
/* v copied over previous, whose block is reused or freed unless is_shared. */
Value slot_replace(Value v, Value previous, bool is_shared, size_t *bytes);

/* --- state_codec.c ---------------------------------------------------------------------------- */

/* ts and slots as one value of changelog and file. */
void state_encode_value(Buf *out, const PlanStore *store, int64_t ts, const Value *slots);
void state_encode_numbers(Buf *out, const int64_t *numbers);
bool state_decode_numbers(Str bytes, int64_t *numbers);

/* --- state_epoch.c ---------------------------------------------------------------------------- */

/* Keeps what the entry was before, on its first touch in the current generation. */
void state_keep_image(State *state, Entry *entry);
void state_generations_init(State *state);
void state_generations_deinit(State *state);

/* --- state_index.c: ordered ------------------------------------------------------------------- */

StateIndex *state_index_new(void);
void        state_index_free(StateIndex *index); /* NULL is fine */
void        state_index_insert(StateIndex *index, Entry *entry, Str key);
void        state_index_remove(StateIndex *index, Str key);
/* First node whose key is not below key. */
IndexNode *state_index_from(const StateIndex *index, Str key);
IndexNode *state_index_next(const IndexNode *node);
Entry     *state_index_entry(const IndexNode *node);
Str        state_index_key(const IndexNode *node);
size_t     state_index_bytes(const StateIndex *index);

#endif
