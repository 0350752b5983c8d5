/*
 * chunk_list.h -- chunks in the order they were filled.
 *
 * Thread: whoever holds the list.
 */
#ifndef EXEC_CHUNK_LIST_H
#define EXEC_CHUNK_LIST_H

#include "exec/chunk.h"

typedef struct ChunkList {
    Chunk *head, *tail;
    size_t bytes;
} ChunkList;

static inline void chunk_list_add(ChunkList *list, Chunk *chunk)
{
    chunk->next = NULL;
    if (list->tail)
        list->tail->next = chunk;
    else
        list->head = chunk;
    list->tail = chunk;
    list->bytes += chunk->bytes.len;
}

/* The first chunk, which is the caller's from then on; NULL when there is none. */
static inline Chunk *chunk_list_take(ChunkList *list)
{
    Chunk *chunk = list->head;

    if (!chunk)
        return NULL;
    list->head = chunk->next;
    if (!list->head)
        list->tail = NULL;
    list->bytes -= chunk->bytes.len;
    chunk->next = NULL;
    return chunk;
}

/* Moves all of from behind list. */
static inline void chunk_list_join(ChunkList *list, ChunkList *from)
{
    if (!from->head)
        return;
    if (list->tail)
        list->tail->next = from->head;
    else
        list->head = from->head;
    list->tail = from->tail;
    list->bytes += from->bytes;
    *from = (ChunkList){0};
}

static inline void chunk_list_free(ChunkList *list)
{
    for (Chunk *chunk; (chunk = chunk_list_take(list));)
        chunk_free(chunk);
}

#endif
