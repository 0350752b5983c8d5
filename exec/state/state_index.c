/*
 * state_index.c -- entries in key order: a skip list.
 *
 * Made by the first ordered scan of a state and kept up to date from then on.  A node carries the
 * first eight bytes of its key as a number, so that most comparisons do not touch the entry.  The
 * heights come from a generator with a fixed seed: equal histories give equal lists.
 */
#include "exec/state/state_cache.h"

#include <assert.h>

enum { LEVELS_MAX = 20 }; /* a quarter of the nodes reach the next level: good for 4^20 */

struct IndexNode {
    Entry     *entry;
    Str        key; /* in the entry */
    uint64_t   prefix;
    uint32_t   levels;
    IndexNode *next[];
};

struct StateIndex {
    uint64_t  random;
    uint32_t  levels; /* in use */
    size_t    bytes;
    IndexNode head; /* the flexible next[] stands behind: allocated together */
};

static size_t node_bytes(uint32_t levels)
{
    return sizeof(IndexNode) + levels * sizeof(IndexNode *);
}

StateIndex *state_index_new(void)
{
    StateIndex *index = mem_zalloc(offsetof(StateIndex, head) + node_bytes(LEVELS_MAX));

    index->random = 0x9e3779b97f4a7c15u;
    index->levels = 1;
    index->head.levels = LEVELS_MAX;
    return index;
}

void state_index_free(StateIndex *index)
{
    IndexNode *node;

    if (!index)
        return;
    while ((node = index->head.next[0])) {
        index->head.next[0] = node->next[0];
        mem_free(node);
    }
    mem_free(index);
}

static uint64_t key_prefix(Str key)
{
    uint64_t prefix = 0;

    for (size_t i = 0; i < 8; i++)
        prefix = prefix << 8 | (i < key.len ? (unsigned char)key.ptr[i] : 0);
    return prefix;
}

static bool is_below(const IndexNode *node, uint64_t prefix, Str key)
{
    if (node->prefix != prefix)
        return node->prefix < prefix;
    return str_cmp(node->key, key) < 0;
}

/* Fills before[] with the last node of each level below key. */
static void find_before(StateIndex *index, Str key, IndexNode **before)
{
    uint64_t   prefix = key_prefix(key);
    IndexNode *node = &index->head;

    for (uint32_t level = index->levels; level-- > 0;) {
        while (node->next[level] && is_below(node->next[level], prefix, key))
            node = node->next[level];
        before[level] = node;
    }
}

static uint32_t random_levels(StateIndex *index)
{
    uint32_t levels = 1;

    index->random ^= index->random << 13;
    index->random ^= index->random >> 7;
    index->random ^= index->random << 17;
    for (uint64_t bits = index->random; levels < LEVELS_MAX && (bits & 3) == 0; bits >>= 2)
        levels++;
    return levels;
}

void state_index_insert(StateIndex *index, Entry *entry, Str key)
{
    IndexNode *before[LEVELS_MAX];
    uint32_t   levels = random_levels(index);
    IndexNode *node = mem_alloc(node_bytes(levels));

    find_before(index, key, before);
    for (; index->levels < levels; index->levels++)
        before[index->levels] = &index->head;
    node->entry = entry;
    node->key = key;
    node->prefix = key_prefix(key);
    node->levels = levels;
    for (uint32_t level = 0; level < levels; level++) {
        node->next[level] = before[level]->next[level];
        before[level]->next[level] = node;
    }
    index->bytes += node_bytes(levels);
}

void state_index_remove(StateIndex *index, Str key)
{
    IndexNode *before[LEVELS_MAX];
    IndexNode *node;

    find_before(index, key, before);
    node = before[0]->next[0];
    assert(node && str_eq(node->key, key));
    for (uint32_t level = 0; level < node->levels; level++)
        before[level]->next[level] = node->next[level];
    index->bytes -= node_bytes(node->levels);
    mem_free(node);
}

IndexNode *state_index_from(const StateIndex *index, Str key)
{
    uint64_t         prefix = key_prefix(key);
    const IndexNode *node = &index->head;

    for (uint32_t level = index->levels; level-- > 0;) {
        while (node->next[level] && is_below(node->next[level], prefix, key))
            node = node->next[level];
    }
    return node->next[0];
}

IndexNode *state_index_next(const IndexNode *node)
{
    return node->next[0];
}

Entry *state_index_entry(const IndexNode *node)
{
    return node->entry;
}

Str state_index_key(const IndexNode *node)
{
    return node->key;
}

size_t state_index_bytes(const StateIndex *index)
{
    return index->bytes;
}
