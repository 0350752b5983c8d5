/*
 * arena.c -- arenas and the heap.
 *
 * An arena is a list of blocks, newest first.  Memory is cut from the newest block; what does not
 * fit starts another one, large enough.  Each is twice as large as the one before, up to
 * BLOCK_BYTES_MAX and then from the beginning again, so that a large arena has few blocks and a
 * small one wastes little.
 *
 * Under AddressSanitizer every byte that is not handed out is poisoned, and each allocation is
 * followed by a poisoned gap: writing past an allocation, or using it after the reset, is caught
 * as it would be with malloc.
 */
#include "common/arena.h"

#include <assert.h>
#include <stdio.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#define HAS_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_ASAN 1
#endif
#endif

#ifdef HAS_ASAN
#include <sanitizer/asan_interface.h>
#define POISON(ptr, size) __asan_poison_memory_region((ptr), (size))
#define UNPOISON(ptr, size) __asan_unpoison_memory_region((ptr), (size))
enum { GAP_BYTES = 16 };
#else
#define POISON(ptr, size) ((void)(ptr), (void)(size))
#define UNPOISON(ptr, size) ((void)(ptr), (void)(size))
enum { GAP_BYTES = 0 };
#endif

enum {
    ALIGN_BYTES = 16,
    BLOCK_BYTES_DEFAULT = 8 * 1024,
    BLOCK_BYTES_MAX = 1024 * 1024,
    KEEP_BYTES_MAX = 256 * 1024,
};

typedef struct Block Block;
struct Block {
    Block *next; /* the older one */
    size_t size; /* bytes of data[] */
    size_t used;
    size_t last; /* where the newest allocation begins, so that it can grow in place */
    _Alignas(ALIGN_BYTES) char data[];
};

struct Arena {
    Block *newest;
    Block *kept; /* empty, for reuse */
    size_t block_bytes;
    size_t used_bytes;
    size_t held_bytes;
};

static _Noreturn void out_of_memory(size_t size)
{
    (void)fprintf(stderr, "out of memory: could not get %zu bytes\n", size);
    abort();
}

void *mem_alloc(size_t size)
{
    void *ptr = malloc(size ? size : 1);

    if (!ptr)
        out_of_memory(size);
    return ptr;
}

void *mem_zalloc(size_t size)
{
    void *ptr = calloc(1, size ? size : 1);

    if (!ptr)
        out_of_memory(size);
    return ptr;
}

void *mem_realloc(void *ptr, size_t size)
{
    void *grown = realloc(ptr, size ? size : 1);

    if (!grown)
        out_of_memory(size);
    return grown;
}

void mem_free(void *ptr)
{
    free(ptr);
}

void mem_trim(void)
{
#ifdef __GLIBC__
    malloc_trim(0);
#endif
}

int64_t mem_resident(void)
{
    FILE     *statm = fopen("/proc/self/statm", "r");
    long long resident = 0, shared = 0;

    if (!statm)
        return 0;
    if (fscanf(statm, "%*s %lld %lld", &resident, &shared) != 2)
        resident = shared = 0;
    (void)fclose(statm);
    return (resident - shared) * sysconf(_SC_PAGESIZE);
}

Arena *arena_new(size_t block_bytes)
{
    Arena *arena = MEM_NEW(Arena);

    arena->block_bytes = block_bytes ? block_bytes : BLOCK_BYTES_DEFAULT;
    return arena;
}

static void blocks_free(Arena *arena, Block *block)
{
    while (block) {
        Block *older = block->next;

        arena->held_bytes -= sizeof(Block) + block->size;
        UNPOISON(block->data, block->size);
        mem_free(block);
        block = older;
    }
}

void arena_free(Arena *arena)
{
    if (!arena)
        return;
    blocks_free(arena, arena->newest);
    blocks_free(arena, arena->kept);
    assert(arena->held_bytes == 0);
    mem_free(arena);
}

void arena_reset(Arena *arena)
{
    Block *block = arena->newest;
    size_t kept_bytes = 0;

    for (const Block *kept = arena->kept; kept; kept = kept->next)
        kept_bytes += kept->size;

    arena->newest = NULL;
    arena->used_bytes = 0;
    while (block) {
        Block *older = block->next;

        block->next = NULL;
        if (kept_bytes + block->size <= KEEP_BYTES_MAX) {
            kept_bytes += block->size;
            POISON(block->data, block->size);
            block->used = 0;
            block->last = 0;
            block->next = arena->kept;
            arena->kept = block;
        } else {
            blocks_free(arena, block);
        }
        block = older;
    }
}

/* Takes the first kept block that is large enough, or NULL. */
static Block *block_reuse(Arena *arena, size_t size_min)
{
    for (Block **link = &arena->kept; *link; link = &(*link)->next) {
        Block *block = *link;

        if (block->size >= size_min) {
            *link = block->next;
            return block;
        }
    }
    return NULL;
}

static void block_add(Arena *arena, size_t size_min)
{
    Block *block = block_reuse(arena, size_min);

    if (!block) {
        size_t size = arena->block_bytes;

        if (arena->newest && arena->newest->size <= BLOCK_BYTES_MAX / 2)
            size = arena->newest->size * 2;
        if (size < size_min)
            size = size_min;
        block = mem_alloc(sizeof(Block) + size);
        block->size = size;
        block->used = 0;
        block->last = 0;
        arena->held_bytes += sizeof(Block) + size;
        POISON(block->data, block->size);
    }
    block->next = arena->newest;
    arena->newest = block;
}

/* Every allocation of the library comes from here. */
static char *take(Arena *arena, size_t size, size_t align)
{
    Block *block = arena->newest;
    size_t start = block ? (block->used + align - 1) & ~(align - 1) : 0;

    if (size > SIZE_MAX / 2)
        out_of_memory(size);
    /* At least one byte, so that each pointer is unique. */
    size += (size == 0);
    if (!block || start > block->size || block->size - start < size + GAP_BYTES) {
        block_add(arena, size + GAP_BYTES);
        block = arena->newest;
        start = 0;
    }
    block->last = start;
    block->used = start + size + GAP_BYTES;
    arena->used_bytes += size;
    UNPOISON(block->data + start, size);
    return block->data + start;
}

void *arena_alloc(Arena *arena, size_t size)
{
    return take(arena, size, ALIGN_BYTES);
}

void *arena_zalloc(Arena *arena, size_t size)
{
    return memset(take(arena, size, ALIGN_BYTES), 0, size);
}

char *arena_bytes(Arena *arena, size_t size)
{
    return take(arena, size, 1);
}

void *arena_grow(Arena *arena, void *ptr, size_t old_size, size_t new_size)
{
    Block *block = arena->newest;
    char  *grown;

    assert(ptr || old_size == 0);
    if (ptr && new_size <= old_size)
        return ptr;
    if (ptr && block && (char *)ptr == block->data + block->last && new_size <= SIZE_MAX / 2 &&
        block->size - block->last >= new_size + GAP_BYTES) {
        block->used = block->last + new_size + GAP_BYTES;
        arena->used_bytes += new_size - (old_size ? old_size : 1);
        UNPOISON(ptr, new_size);
        return ptr;
    }

    grown = take(arena, new_size, ALIGN_BYTES);
    if (old_size)
        memcpy(grown, ptr, old_size);
    if (ptr)
        POISON(ptr, old_size);
    return grown;
}

size_t arena_used(const Arena *arena)
{
    return arena->used_bytes;
}

size_t arena_held(const Arena *arena)
{
    return arena->held_bytes;
}
