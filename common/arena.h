/*
 * arena.h -- memory by lifetime.
 *
 * An Arena hands out memory that is released all at once, by arena_reset() (keeps the blocks for
 * reuse) or arena_free().  Nothing is freed one by one.  Arenas are passed explicitly and named
 * for their lifetime: stmt_mem, query_mem, batch_mem, req_mem.
 *
 * The crossing rule: a pointer into an arena may be stored only in something that dies no later
 * than that arena.
 *
 * Out of memory aborts the process; limits (common/limit.h) turn large input into ordinary errors
 * long before that.  Under AddressSanitizer, reset memory is poisoned.
 *
 * mem_*() is the heap, for the few objects whose lifetime is their own.  malloc() and friends
 * appear in common/ only.
 *
 * Thread: an arena belongs to one thread at a time; mem_*() any.
 */
#ifndef COMMON_ARENA_H
#define COMMON_ARENA_H

#include <stddef.h>
#include <stdint.h>

typedef struct Arena Arena;

/* A new arena whose blocks are at least block_bytes (0: 8 KB).  No block is taken before first use.
 */
Arena *arena_new(size_t block_bytes);
void   arena_free(Arena *arena); /* NULL is fine */

/* Forgets everything handed out; keeps up to 256 KB of blocks, gives larger ones back. */
void arena_reset(Arena *arena);

/* Uninitialised memory, 16-byte aligned.  size 0 gives a valid unique pointer.  Never NULL. */
void *arena_alloc(Arena *arena, size_t size);
void *arena_zalloc(Arena *arena, size_t size);

/* Uninitialised, unaligned: for bytes and text. */
char *arena_bytes(Arena *arena, size_t size);

/*
 * Grows the last bytes handed out in place when possible, else copies.  ptr may be NULL (then as
 * arena_alloc).  The old pointer is dead afterwards.
 */
void *arena_grow(Arena *arena, void *ptr, size_t old_size, size_t new_size);

/* Bytes handed out since the last reset; for limits and reports. */
size_t arena_used(const Arena *arena);
/* Bytes held from the system, handed out or not. */
size_t arena_held(const Arena *arena);

#define ARENA_NEW(arena, T) ((T *)arena_zalloc((arena), sizeof(T)))
#define ARENA_ARRAY(arena, T, n) ((T *)arena_zalloc((arena), sizeof(T) * (size_t)(n)))

void *mem_alloc(size_t size);
void *mem_zalloc(size_t size);
void *mem_realloc(void *ptr, size_t size);
void  mem_free(void *ptr);
/* Gives freed memory back to the system; for moments of rest, it takes a while. */
void mem_trim(void);
/* Memory of the process that is in RAM, without pages of files; 0 where the system does not say. */
int64_t mem_resident(void);
#define MEM_NEW(T) ((T *)mem_zalloc(sizeof(T)))
#define MEM_ARRAY(T, n) ((T *)mem_zalloc(sizeof(T) * (size_t)(n)))

#endif
