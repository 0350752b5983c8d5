/*
 * map.c -- a hash map that remembers the order of insertion.
 *
 * Entries lie in an array in insertion order; a second array of slots, probed linearly, says where.
 * A removed entry stays in its place, dead, and keeps its slot, so that probing goes on past it and
 * a removal during an iteration is safe.  When the entries are full, the dead ones are squeezed out
 * or, if few are dead, the array is doubled; both build the slots anew.
 */
#include "common/map.h"

#include <assert.h>

enum { CAP_MIN = 8 };

void map_init(Map *map, Arena *arena)
{
    *map = (Map){.arena = arena};
}

void map_deinit(Map *map)
{
    if (!map->arena) {
        mem_free(map->entries);
        mem_free(map->slots);
    }
    *map = (Map){.arena = map->arena};
}

/* Where hash would begin to look.  The hash's high bits are its best ones. */
static inline size_t slot_of(const Map *map, uint64_t hash)
{
    return (size_t)(hash ^ hash >> 32) & (map->slots_cap - 1);
}

static MapEntry *find(const Map *map, Str key, uint64_t hash)
{
    if (map->live_len == 0)
        return NULL;
    for (size_t i = slot_of(map, hash); map->slots[i]; i = (i + 1) & (map->slots_cap - 1)) {
        MapEntry *entry = &map->entries[map->slots[i] - 1];

        if (entry->is_live && entry->hash == hash && str_eq(entry->key, key))
            return entry;
    }
    return NULL;
}

static void slot_fill(Map *map, size_t entry_index)
{
    size_t i = slot_of(map, map->entries[entry_index].hash);

    while (map->slots[i])
        i = (i + 1) & (map->slots_cap - 1);
    map->slots[i] = (uint32_t)(entry_index + 1);
}

static void *alloc(Map *map, size_t size)
{
    return map->arena ? arena_zalloc(map->arena, size) : mem_zalloc(size);
}

void map_reserve(Map *map, size_t len)
{
    assert(map->entries_cap == 0);
    if (len == 0)
        return;
    map->entries_cap = CAP_MIN;
    while (map->entries_cap < len)
        map->entries_cap *= 2;
    map->slots_cap = map->entries_cap * 2;
    map->entries = alloc(map, map->entries_cap * sizeof *map->entries);
    map->slots = alloc(map, map->slots_cap * sizeof *map->slots);
}

/* Makes room for one more entry, squeezing out the dead ones. */
static void make_room(Map *map)
{
    MapEntry *old_entries = map->entries;
    uint32_t *old_slots = map->slots;
    size_t    old_len = map->entries_len;

    if (map->entries_cap == 0)
        map->entries_cap = CAP_MIN;
    else if (map->live_len > map->entries_cap / 2)
        map->entries_cap *= 2;
    assert(map->entries_cap < UINT32_MAX);

    /* Twice as many slots as entries, both powers of two: at most half of the slots are taken. */
    map->slots_cap = map->entries_cap * 2;
    map->entries = alloc(map, map->entries_cap * sizeof *map->entries);
    map->slots = alloc(map, map->slots_cap * sizeof *map->slots);
    map->entries_len = 0;
    for (size_t i = 0; i < old_len; i++) {
        if (!old_entries[i].is_live)
            continue;
        map->entries[map->entries_len] = old_entries[i];
        slot_fill(map, map->entries_len++);
    }
    assert(map->entries_len == map->live_len);
    if (!map->arena) {
        mem_free(old_entries);
        mem_free(old_slots);
    }
}

void *map_get(const Map *map, Str key)
{
    MapEntry *entry = find(map, key, str_hash(key));

    return entry ? entry->value : NULL;
}

void map_put(Map *map, Str key, void *value)
{
    uint64_t  hash = str_hash(key);
    MapEntry *entry = find(map, key, hash);

    assert(value);
    if (entry) {
        entry->value = value;
        return;
    }
    if (map->entries_len == map->entries_cap)
        make_room(map);
    map->entries[map->entries_len] = (MapEntry){key, value, hash, true};
    slot_fill(map, map->entries_len++);
    map->live_len++;
}

void *map_remove(Map *map, Str key)
{
    MapEntry *entry = find(map, key, str_hash(key));

    if (!entry)
        return NULL;
    entry->is_live = false;
    map->live_len--;
    return entry->value;
}

MapEntry *map_next(const Map *map, size_t *cursor)
{
    while (*cursor < map->entries_len) {
        MapEntry *entry = &map->entries[(*cursor)++];

        if (entry->is_live)
            return entry;
    }
    return NULL;
}
