/*
 * state_cache.c -- the entries of a State: finding, changing, ordered scans, the memory bound.
 *
 * An open-addressing table with linear probing; a removal closes the gap by moving followers up, so
 * that there are no tombstones in it.  A key that is removed stays as an entry with ENTRY_REMOVED
 * until its last image is settled.
 *
 * Beyond the memory bound a hand goes round the table (second chance): a clean entry that was not
 * used since its last visit leaves.  Each call moves the hand a bounded number of slots, so no
 * single touch pays for many.  A state with an ordered index keeps all entries: its scans would
 * otherwise miss those that left.  Such stores (windows, joins) are bounded by their retention.
 */
#include "exec/state/state_cache.h"

#include <assert.h>

enum { TABLE_CAP_MIN = 16, EVICT_SLOTS = 32, PUBLISH_BYTES = 1 << 16, LOAD_PERCENT = 90 };

State *state_new(const StateOpts *opts)
{
    State *state = MEM_NEW(State);

    state->opts = *opts;
    state->table_cap = TABLE_CAP_MIN;
    state->table = MEM_ARRAY(TableSlot, TABLE_CAP_MIN);
    state->scratch = arena_new(0);
    for (int i = 0; i < STATE_NUMBERS; i++)
        state->numbers[i] = INT64_MIN;
    for (uint32_t i = 0; i < opts->store->slots_len; i++)
        state->has_blocks |= slot_type_has_blocks(opts->store->slots[i].type);
    state_generations_init(state);
    if (opts->budget)
        __atomic_fetch_add(&opts->budget->states, 1, __ATOMIC_RELAXED);
    return state;
}

static size_t entry_bytes(const State *state, size_t key_len)
{
    return sizeof(Entry) + state->opts.store->slots_len * sizeof(Value) + key_len;
}

static void entry_free(State *state, Entry *entry)
{
    slots_drop(entry->slots, NULL, state->opts.store->slots_len, &state->bytes);
    state->bytes -= entry_bytes(state, entry->key_len);
    mem_free(entry);
}

/* Tells the budget, in steps so large that the threads do not fight for it. */
static void publish(State *state, size_t held)
{
    StateBudget *budget = state->opts.budget;

    __atomic_fetch_add(&budget->bytes, (int64_t)held - (int64_t)state->published, __ATOMIC_RELAXED);
    state->published = held;
}

void state_free(State *state)
{
    if (!state)
        return;
    state_abort(state); /* images may hold blocks */
    for (size_t i = 0; i < state->table_cap; i++) {
        if (state->table[i].entry)
            entry_free(state, state->table[i].entry);
    }
    assert(state->bytes == 0);
    if (state->opts.budget) {
        publish(state, 0);
        __atomic_fetch_sub(&state->opts.budget->states, 1, __ATOMIC_RELAXED);
    }
    state_index_free(state->index);
    state_generations_deinit(state);
    arena_free(state->scratch);
    mem_free(state->table);
    mem_free(state);
}

/* --- table ------------------------------------------------------------------------------------ */

static Entry *table_find(const State *state, Str key, uint64_t hash)
{
    size_t mask = state->table_cap - 1;

    for (size_t i = hash & mask; state->table[i].entry; i = (i + 1) & mask) {
        Entry *entry = state->table[i].entry;

        if (state->table[i].hash == hash && entry->key_len == key.len &&
            memcmp(entry->key, key.ptr, key.len) == 0)
            return entry;
    }
    return NULL;
}

static void table_place(TableSlot *table, size_t cap, TableSlot slot)
{
    size_t mask = cap - 1;
    size_t i = slot.hash & mask;

    while (table[i].entry)
        i = (i + 1) & mask;
    table[i] = slot;
}

static void table_insert(State *state, Entry *entry, uint64_t hash)
{
    if ((state->entries + 1) * 3 > state->table_cap * 2) {
        size_t     cap = state->table_cap * 2;
        TableSlot *table = MEM_ARRAY(TableSlot, cap);

        for (size_t i = 0; i < state->table_cap; i++) {
            if (state->table[i].entry)
                table_place(table, cap, state->table[i]);
        }
        mem_free(state->table);
        state->table = table;
        state->table_cap = cap;
        state->hand = 0;
    }
    table_place(state->table, state->table_cap, (TableSlot){hash, entry});
    state->entries++;
}

static void table_remove(State *state, const Entry *entry)
{
    size_t mask = state->table_cap - 1;
    size_t gap = state_hash(entry_key(entry)) & mask;

    while (state->table[gap].entry != entry)
        gap = (gap + 1) & mask;
    for (size_t i = (gap + 1) & mask; state->table[i].entry; i = (i + 1) & mask) {
        size_t home = state->table[i].hash & mask;

        /* An entry may move to the gap when the gap lies between its home and where it is. */
        if (((i - home) & mask) >= ((i - gap) & mask)) {
            state->table[gap] = state->table[i];
            gap = i;
        }
    }
    state->table[gap] = (TableSlot){0};
    state->entries--;
}

/* An entry with null slots, in the table and the index, marked as removed. */
static Entry *entry_add(State *state, Str key, uint64_t hash)
{
    uint32_t slots_len = state->opts.store->slots_len;
    Entry   *entry = mem_alloc(entry_bytes(state, key.len));

    assert(key.len > 0 && key.len <= UINT32_MAX);
    *entry = (Entry){.key_len = (uint32_t)key.len, .flags = ENTRY_REMOVED};
    entry->pub.slots = entry->slots;
    entry->key = (char *)(entry->slots + slots_len);
    memset(entry->slots, 0, slots_len * sizeof(Value));
    memcpy(entry->key, key.ptr, key.len);
    state->bytes += entry_bytes(state, key.len);
    table_insert(state, entry, hash);
    if (state->index)
        state_index_insert(state->index, entry, entry_key(entry));
    return entry;
}

void state_drop_entry(State *state, Entry *entry)
{
    assert(!entry->images);
    table_remove(state, entry);
    if (state->index)
        state_index_remove(state->index, entry_key(entry));
    if (state->last == entry)
        state->last = NULL;
    entry_free(state, entry);
}

/* --- memory bound ----------------------------------------------------------------------------- */

/* True when the state holds more than percent of what it may. */
static bool is_beyond(State *state, int64_t percent)
{
    size_t       held = state->bytes + state->table_cap * sizeof(TableSlot);
    int64_t      bound = state->opts.bytes_max / 100 * percent;
    StateBudget *budget = state->opts.budget;

    if ((int64_t)held > bound)
        return true;
    if (!budget)
        return false;
    if (held > state->published + PUBLISH_BYTES || held + PUBLISH_BYTES < state->published)
        publish(state, held);
    return __atomic_load_n(&budget->bytes, __ATOMIC_RELAXED) > bound &&
           (int64_t)held > bound / __atomic_load_n(&budget->states, __ATOMIC_RELAXED);
}

static bool is_over_bound(State *state)
{
    return is_beyond(state, 100);
}

bool state_is_full(State *state)
{
    return is_beyond(state, LOAD_PERCENT);
}

static void evict(State *state)
{
    size_t mask = state->table_cap - 1;

    if (!state->opts.backing.read || state->index)
        return;
    for (int i = 0; i < EVICT_SLOTS && is_over_bound(state); i++) {
        Entry *entry = state->table[state->hand & mask].entry;

        if (entry && !entry->images && entry != state->last && !(entry->flags & ENTRY_USED)) {
            /* The hand stays: another entry may have moved into the gap. */
            state_drop_entry(state, entry);
            state->opts.is_complete = false;
            continue;
        }
        if (entry)
            entry->flags &= ~(uint32_t)ENTRY_USED;
        state->hand = (state->hand + 1) & mask;
    }
}

/* Sets a clean entry to what value encodes. */
static ErrCode entry_fill(State *state, Entry *entry, Str value, Err *err)
{
    const PlanStore *store = state->opts.store;
    Value           *slots;
    int64_t          ts;

    arena_reset(state->scratch);
    slots = ARENA_ARRAY(state->scratch, Value, store->slots_len);
    TRY(state_decode_value(store, value, state->scratch, &ts, slots, err));
    slots_drop(entry->slots, NULL, store->slots_len, &state->bytes);
    for (uint32_t i = 0; i < store->slots_len; i++)
        entry->slots[i] = slot_own(slots[i], &state->bytes);
    entry->pub.ts = ts;
    entry->flags &= ~(uint32_t)ENTRY_REMOVED;
    return ERR_OK;
}

static ErrCode read_back(State *state, Str key, uint64_t hash, Entry **out, Err *err)
{
    Str     value;
    bool    found = false;
    Entry  *entry;
    ErrCode rc;

    *out = NULL;
    if (state->opts.is_complete || !state->opts.backing.read)
        return ERR_OK;
    TRY(state->opts.backing.read(state->opts.backing.self, key, &value, &found, err));
    if (!found)
        return ERR_OK;
    entry = entry_add(state, key, hash);
    rc = entry_fill(state, entry, value, err);
    if (rc != ERR_OK) {
        state_drop_entry(state, entry);
        return rc;
    }
    *out = entry;
    return ERR_OK;
}

void state_prefetch(const State *state, const uint64_t *hashes, size_t len)
{
    size_t mask = state->table_cap - 1;

    for (size_t i = 0; i < len; i++)
        __builtin_prefetch(&state->table[hashes[i] & mask]);
    for (size_t i = 0; i < len; i++) {
        /* Mostly the key is where it wants to be. */
        const Entry *entry = state->table[hashes[i] & mask].entry;

        __builtin_prefetch(entry);
        __builtin_prefetch((const char *)entry + CACHE_LINE);
    }
}

/* --- finding and changing --------------------------------------------------------------------- */

ErrCode state_find(State *state, Str key, uint64_t hash, StateEntry **out, Err *err)
{
    Entry *entry = table_find(state, key, hash);

    if (!entry)
        TRY(read_back(state, key, hash, &entry, err));
    *out = NULL;
    if (!entry)
        return ERR_OK;
    state->last = entry;
    entry->flags |= ENTRY_USED;
    if (is_over_bound(state))
        evict(state);
    if (!(entry->flags & ENTRY_REMOVED))
        *out = &entry->pub;
    return ERR_OK;
}

ErrCode state_touch(State *state, Str key, uint64_t hash, StateEntry **out, bool *is_new, Err *err)
{
    Entry *entry = table_find(state, key, hash);

    if (!entry)
        TRY(read_back(state, key, hash, &entry, err));
    if (!entry)
        entry = entry_add(state, key, hash);
    state_keep_image(state, entry);
    *is_new = entry->flags & ENTRY_REMOVED;
    entry->flags = ENTRY_USED; /* no longer removed; its slots are null already */
    state->last = entry;
    if (is_over_bound(state))
        evict(state);
    *out = &entry->pub;
    return ERR_OK;
}

/* True when the block of v, which entry holds, is also that of its newest image. */
static bool is_in_image(const State *state, const Entry *entry, Value v)
{
    for (uint32_t i = 0; i < state->opts.store->slots_len; i++) {
        if (slot_is_same(v, entry->images->slots[i]))
            return true;
    }
    return false;
}

static Value replace(State *state, const Entry *entry, Value v, Value previous)
{
    assert(entry && entry->images && entry->images->generation == state->current->number);
    return slot_replace(v, previous, is_in_image(state, entry, previous), &state->bytes);
}

void state_put(State *state, StateEntry *entry, uint32_t slot, Value v)
{
    assert(slot < state->opts.store->slots_len);
    entry->slots[slot] = replace(state, entry_of(entry), v, entry->slots[slot]);
}

Value state_keep(void *state, Value v, Value previous)
{
    State *self = state;

    return replace(self, self->last, v, previous);
}

void state_remove(State *state, StateEntry *pub)
{
    Entry   *entry = entry_of(pub);
    uint32_t slots_len = state->opts.store->slots_len;

    assert(entry->images && entry->images->generation == state->current->number);
    slots_drop(entry->slots, entry->images->slots, slots_len, &state->bytes);
    memset(entry->slots, 0, slots_len * sizeof(Value));
    entry->pub.ts = 0;
    entry->flags |= ENTRY_REMOVED;
}

Str state_key_of(const StateEntry *entry)
{
    return entry_key((const Entry *)entry);
}

/* --- ordered scans ---------------------------------------------------------------------------- */

static ErrCode load_entry(void *arg, Str key, Str bytes, bool *stop, Err *err)
{
    State   *state = arg;
    uint64_t hash = state_hash(key);

    (void)stop;
    if (table_find(state, key, hash)) /* memory is newer */
        return ERR_OK;
    return entry_fill(state, entry_add(state, key, hash), bytes, err);
}

static ErrCode open_index(State *state, Err *err)
{
    if (!state->opts.is_complete && state->opts.backing.load) {
        TRY(state->opts.backing.load(state->opts.backing.self, load_entry, state, err));
        state->opts.is_complete = true;
    }
    state->index = state_index_new();
    for (size_t i = 0; i < state->table_cap; i++) {
        Entry *entry = state->table[i].entry;

        if (entry)
            state_index_insert(state->index, entry, entry_key(entry));
    }
    return ERR_OK;
}

ErrCode state_scan(State *state, Str low, Str high, StateVisit visit, void *arg, Err *err)
{
    bool stop = false;

    if (!state->index)
        TRY(open_index(state, err));
    /* Entries leave the index only between batches, so the node visited still leads on. */
    for (IndexNode *node = state_index_from(state->index, low); node && !stop;
         node = state_index_next(node)) {
        Entry *entry = state_index_entry(node);

        if (high.ptr && str_cmp(state_index_key(node), high) >= 0)
            break;
        if (entry->flags & ENTRY_REMOVED)
            continue;
        state->last = entry;
        TRY(visit(arg, &entry->pub, &stop, err));
    }
    return ERR_OK;
}

/* --- recovery, reports ------------------------------------------------------------------------ */

ErrCode state_restore(State *state, Str key, Str value, Err *err)
{
    uint64_t hash;
    Entry   *entry;

    if (key.len == 0) {
        if (!state_decode_numbers(value, state->numbers))
            return err_set(err, ERR_STATE, "cannot read the numbers of store \"%s\": damaged",
                           state->opts.store->name);
        return ERR_OK;
    }
    hash = state_hash(key);
    entry = table_find(state, key, hash);
    assert(!entry || !entry->images);
    if (!value.ptr) {
        if (entry)
            state_drop_entry(state, entry);
        return ERR_OK;
    }
    if (!entry)
        entry = entry_add(state, key, hash);
    state->last = entry;
    if (is_over_bound(state))
        evict(state);
    return entry_fill(state, entry, value, err);
}

void state_set_complete(State *state, bool is_complete)
{
    state->opts.is_complete = is_complete;
}

const PlanStore *state_store(const State *state)
{
    return state->opts.store;
}

uint32_t state_partition(const State *state)
{
    return state->opts.partition;
}

size_t state_bytes(const State *state)
{
    size_t bytes = state->bytes + state->table_cap * sizeof(TableSlot);

    for (int i = 0; i < GENERATIONS; i++)
        bytes += arena_held(state->pool[i].mem) +
                 state->pool[i].blocks_len * IMAGES_PER_BLOCK * state->image_bytes;
    if (state->index)
        bytes += state_index_bytes(state->index);
    return bytes;
}

/* Encoded, for the changelog and the pending set, it is about as large again. */
size_t state_open_bytes(const State *state)
{
    return state->current->len * state->image_bytes * 2;
}

size_t state_entries(const State *state)
{
    return state->entries;
}
