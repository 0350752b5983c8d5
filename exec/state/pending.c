/*
 * pending.c -- changes that are settled but not yet in the file: one set of them.
 *
 * Chained hashing over an array of entries.  Windowed keys are chained a second time by their key
 * without the window, since a pull by key wants all windows of it.
 */
#include "exec/state/pending.h"

#include <assert.h>

enum { BUCKETS_MIN = 64, DEAD_BYTES_MIN = 1 << 20 };

Pending *pending_new(const PlanStore *const *stores)
{
    Pending *pending = MEM_NEW(Pending);

    pending->stores = stores;
    map_init(&pending->positions, NULL);
    return pending;
}

void pending_free(Pending *pending)
{
    size_t    cursor = 0;
    MapEntry *position;

    if (!pending)
        return;
    while (pending->changes) {
        Changes *next = pending->changes->next;

        changes_free(pending->changes);
        pending->changes = next;
    }
    while ((position = map_next(&pending->positions, &cursor)))
        mem_free(position->value);
    map_deinit(&pending->positions);
    mem_free(pending->entries);
    mem_free(pending->buckets);
    mem_free(pending->prefixes);
    mem_free(pending);
}

bool pending_is_empty(const Pending *pending)
{
    return pending->len == 0 && pending->positions.live_len == 0;
}

static uint64_t hash_of(uint32_t store, Str key)
{
    return str_hash(key) ^ store * 0x9e3779b97f4a7c15u;
}

static Str without_window(Str key)
{
    return (Str){key.ptr, key.len - WINDOW_KEY_BYTES};
}

static void link_entry(Pending *pending, uint32_t number)
{
    PendingEntry *entry = &pending->entries[number];
    const Change *change = &entry->change;
    uint32_t      mask = pending->buckets_len - 1;
    uint32_t     *bucket = &pending->buckets[entry->hash & mask];

    entry->next = *bucket;
    *bucket = number + 1;
    /* The numbers of a state have the empty key. */
    if (pending->stores[change->store]->is_windowed && change->key.len >= WINDOW_KEY_BYTES) {
        bucket = &pending->prefixes[hash_of(change->store, without_window(change->key)) & mask];
        entry->next_of_prefix = *bucket;
        *bucket = number + 1;
    }
}

/* Room for more entries, at most one per bucket. */
static void reserve(Pending *pending, uint32_t more)
{
    uint32_t len = pending->buckets_len ? pending->buckets_len : BUCKETS_MIN;

    if (pending->len + more <= pending->buckets_len)
        return;
    while (len < pending->len + more)
        len *= 2;
    mem_free(pending->buckets);
    mem_free(pending->prefixes);
    pending->buckets = MEM_ARRAY(uint32_t, len);
    pending->prefixes = MEM_ARRAY(uint32_t, len);
    pending->buckets_len = len;
    pending->entries = mem_realloc(pending->entries, len * sizeof *pending->entries);
    for (uint32_t i = 0; i < pending->len; i++)
        link_entry(pending, i);
}

static size_t change_bytes(const Change *change)
{
    return change->key.len + change->value.len + 4;
}

static PendingEntry *find_entry(const Pending *pending, uint64_t hash, uint32_t store,
                                uint32_t partition, Str key)
{
    uint32_t number;

    if (pending->len == 0)
        return NULL;
    number = pending->buckets[hash & (pending->buckets_len - 1)];
    while (number) {
        PendingEntry *entry = &pending->entries[number - 1];

        if (entry->hash == hash && entry->change.store == store &&
            entry->change.partition == partition && str_eq(entry->change.key, key))
            return entry;
        number = entry->next;
    }
    return NULL;
}

static void put_one(Pending *pending, const Change *change, uint64_t hash)
{
    PendingEntry *entry = find_entry(pending, hash, change->store, change->partition, change->key);

    if (entry) {
        pending->dead += change_bytes(&entry->change);
        entry->change = *change;
        return;
    }
    pending->entries[pending->len] = (PendingEntry){.change = *change, .hash = hash};
    link_entry(pending, pending->len++);
}

/* Buckets, entries and their keys lie anywhere: all of them are asked for before the first is
 * needed. */
void pending_put(Pending *pending, const Change *changes, uint32_t len)
{
    uint64_t            hashes[PENDING_PUT_MAX];
    const PendingEntry *entries[PENDING_PUT_MAX];
    uint32_t            mask;

    assert(len <= PENDING_PUT_MAX);
    reserve(pending, len);
    mask = pending->buckets_len - 1;
    for (uint32_t i = 0; i < len; i++) {
        hashes[i] = hash_of(changes[i].store, changes[i].key);
        __builtin_prefetch(&pending->buckets[hashes[i] & mask]);
    }
    for (uint32_t i = 0; i < len; i++) {
        uint32_t number = pending->buckets[hashes[i] & mask];

        entries[i] = number ? &pending->entries[number - 1] : NULL;
        __builtin_prefetch(entries[i]);
    }
    for (uint32_t i = 0; i < len; i++) {
        if (entries[i])
            __builtin_prefetch(entries[i]->change.key.ptr);
    }
    for (uint32_t i = 0; i < len; i++)
        put_one(pending, &changes[i], hashes[i]);
}

/* Copies what is alive into one buffer and lets the others go. */
static void pack(Pending *pending)
{
    Changes  *packed = changes_new();
    BufReader at;

    buf_reserve(&packed->bytes, pending->bytes - pending->dead);
    for (uint32_t i = 0; i < pending->len; i++) {
        const Change *change = &pending->entries[i].change;

        changes_add(packed, change->store, change->partition, change->key, change->value);
    }
    at = changes_read(packed);
    for (uint32_t i = 0; i < pending->len; i++)
        (void)changes_next(&at, &pending->entries[i].change);
    while (pending->changes) {
        Changes *next = pending->changes->next;

        changes_free(pending->changes);
        pending->changes = next;
    }
    pending->changes = packed;
    pending->bytes = packed->bytes.len;
    pending->dead = 0;
}

void pending_take(Pending *pending, Changes *changes)
{
    changes->next = pending->changes;
    pending->changes = changes;
    pending->bytes += changes->bytes.len;
    if (pending->dead > DEAD_BYTES_MIN && pending->dead > pending->bytes / 2)
        pack(pending);
}

void pending_put_position(Pending *pending, Str key, Str value)
{
    PendingPosition *position = map_get(&pending->positions, key);

    if (position && position->value_len == value.len) {
        memcpy(position->bytes, value.ptr, value.len);
        return;
    }
    mem_free(map_remove(&pending->positions, key));
    position = mem_alloc(sizeof *position + value.len + key.len);
    position->value_len = value.len;
    memcpy(position->bytes, value.ptr, value.len);
    memcpy(position->bytes + value.len, key.ptr, key.len);
    map_put(&pending->positions, (Str){position->bytes + value.len, key.len}, position);
}

Str pending_position(const Pending *pending, Str key)
{
    const PendingPosition *position = map_get(&pending->positions, key);

    return position ? (Str){position->bytes, position->value_len} : STR_NULL;
}

const Change *pending_find(const Pending *pending, uint32_t store, uint32_t partition, Str key)
{
    const PendingEntry *entry = find_entry(pending, hash_of(store, key), store, partition, key);

    return entry ? &entry->change : NULL;
}

uint32_t pending_first(const Pending *pending, uint32_t store, Str prefix)
{
    const uint32_t *buckets =
        pending->stores[store]->is_windowed ? pending->prefixes : pending->buckets;

    return pending->len ? buckets[hash_of(store, prefix) & (pending->buckets_len - 1)] : 0;
}

const Change *pending_next(const Pending *pending, uint32_t store, Str prefix, uint32_t *cursor)
{
    bool is_windowed = pending->stores[store]->is_windowed;

    while (*cursor) {
        const PendingEntry *entry = &pending->entries[*cursor - 1];
        const Change       *change = &entry->change;

        *cursor = is_windowed ? entry->next_of_prefix : entry->next;
        if (change->store == store &&
            str_eq(is_windowed ? without_window(change->key) : change->key, prefix))
            return change;
    }
    return NULL;
}
