/*
 * map.h -- Str -> pointer hash map.
 *
 * Keys are compared byte by byte and are not copied: they must outlive the map.  Iteration is in
 * insertion order (removal keeps the order of the rest).  map_init(arena) grows in the arena;
 * with a NULL arena it grows on the heap and map_deinit() ends it.
 *
 * Thread: one at a time.
 */
#ifndef COMMON_MAP_H
#define COMMON_MAP_H

#include "common/str.h"

typedef struct MapEntry {
    Str      key;
    void    *value;
    uint64_t hash;
    bool     is_live;
} MapEntry;

typedef struct Map {
    Arena    *arena;
    MapEntry *entries; /* insertion order, with dead ones between */
    uint32_t *slots;   /* index + 1 into entries, 0 = free */
    size_t    entries_len, entries_cap, slots_cap;
    size_t    live_len;
} Map;

void map_init(Map *map, Arena *arena);
void map_deinit(Map *map);
/* Room for len entries in an empty map, so that it need not grow. */
void  map_reserve(Map *map, size_t len);
void *map_get(const Map *map, Str key);        /* NULL when absent */
void  map_put(Map *map, Str key, void *value); /* replaces; value must not be NULL */
void *map_remove(Map *map, Str key);           /* what was there, or NULL */
/* for (size_t i = 0; (e = map_next(&m, &i));) ... */
MapEntry *map_next(const Map *map, size_t *cursor);

#endif
