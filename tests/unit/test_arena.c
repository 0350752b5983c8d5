#include "common/arena.h"

#include <stdbool.h>
#include <string.h>

#include "tests/support/arena_group.h"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#define IS_POISONED(ptr) __asan_address_is_poisoned(ptr)
#else
#define IS_POISONED(ptr) ((void)(ptr), true) /* nothing can tell without the sanitizer */
#endif

static void arena_takes_no_block_before_first_use(void **state)
{
    Arena *arena = arena_new(0);

    (void)state;
    assert_int_equal(arena_held(arena), 0);
    arena_free(arena);
    arena_free(NULL);
}

static void arena_alloc_is_aligned(void **state)
{
    Arena *test_mem = test_arena(state);

    for (size_t size = 0; size < 70; size++) {
        assert_int_equal((uintptr_t)arena_alloc(test_mem, size) % 16, 0);
        (void)arena_bytes(test_mem, 1);
    }
}

static void arena_alloc_of_nothing_is_unique(void **state)
{
    Arena *test_mem = test_arena(state);
    void  *first = arena_alloc(test_mem, 0);
    void  *second = arena_alloc(test_mem, 0);

    assert_non_null(first);
    assert_ptr_not_equal(first, second);
}

static void arena_allocations_do_not_overlap(void **state)
{
    Arena *test_mem = test_arena(state);
    char  *parts[500];

    for (size_t i = 0; i < 500; i++) {
        parts[i] = i % 2 ? arena_bytes(test_mem, i + 1) : arena_alloc(test_mem, i + 1);
        memset(parts[i], (int)(i & 0x7f), i + 1);
    }
    for (size_t i = 0; i < 500; i++) {
        for (size_t j = 0; j <= i; j++)
            assert_int_equal(parts[i][j], i & 0x7f);
    }
}

static void arena_zalloc_clears_reused_memory(void **state)
{
    Arena *test_mem = test_arena(state);
    char  *bytes = arena_alloc(test_mem, 1000);

    memset(bytes, 0x55, 1000);
    arena_reset(test_mem);
    bytes = arena_zalloc(test_mem, 1000);
    for (size_t i = 0; i < 1000; i++)
        assert_int_equal(bytes[i], 0);
}

static void arena_alloc_larger_than_a_block_works(void **state)
{
    Arena *test_mem = test_arena(state);
    char  *large = arena_alloc(test_mem, 5 * 1024 * 1024);

    memset(large, 1, 5 * 1024 * 1024);
    assert_true(arena_used(test_mem) >= 5 * 1024 * 1024);
    assert_true(arena_held(test_mem) >= arena_used(test_mem));
}

static void arena_reset_keeps_little_and_forgets_all(void **state)
{
    Arena *arena = arena_new(1024);

    (void)state;
    for (int i = 0; i < 10000; i++)
        (void)arena_alloc(arena, 1000);
    assert_true(arena_held(arena) > 10000 * 1000);
    arena_reset(arena);
    assert_int_equal(arena_used(arena), 0);
    assert_true(arena_held(arena) > 0);
    assert_true(arena_held(arena) <= 257 * 1024);
    arena_free(arena);
}

static void arena_reuse_after_reset_takes_nothing_new(void **state)
{
    Arena *arena = arena_new(1024);
    size_t held_bytes;

    (void)state;
    for (int i = 0; i < 100; i++)
        (void)arena_alloc(arena, 500);
    arena_reset(arena);
    held_bytes = arena_held(arena);
    for (int round = 0; round < 50; round++) {
        for (int i = 0; i < 50; i++)
            (void)arena_alloc(arena, 500);
        arena_reset(arena);
        assert_int_equal(arena_held(arena), held_bytes);
    }
    arena_free(arena);
}

static void arena_grow_extends_the_newest_in_place(void **state)
{
    Arena *test_mem = test_arena(state);
    char  *bytes = arena_alloc(test_mem, 10);
    char  *grown;

    memcpy(bytes, "0123456789", 10);
    grown = arena_grow(test_mem, bytes, 10, 100);
    assert_ptr_equal(grown, bytes);
    memset(grown + 10, 'x', 90);
    assert_memory_equal(grown, "0123456789x", 11);
    assert_int_equal(arena_used(test_mem), 100);
}

static void arena_grow_moves_what_is_not_newest(void **state)
{
    Arena *test_mem = test_arena(state);
    char  *bytes = arena_alloc(test_mem, 10);
    char  *other = arena_alloc(test_mem, 10);
    char  *grown;

    memcpy(bytes, "0123456789", 10);
    memset(other, 'o', 10);
    grown = arena_grow(test_mem, bytes, 10, 1000);
    assert_ptr_not_equal(grown, bytes);
    assert_memory_equal(grown, "0123456789", 10);
    memset(grown, 'g', 1000);
    for (size_t i = 0; i < 10; i++)
        assert_int_equal(other[i], 'o');
}

static void arena_grow_from_null_allocates(void **state)
{
    Arena *test_mem = test_arena(state);
    char  *bytes = arena_grow(test_mem, NULL, 0, 24);

    assert_non_null(bytes);
    memset(bytes, 1, 24);
    /* A smaller size gives the same bytes. */
    assert_ptr_equal(arena_grow(test_mem, bytes, 24, 8), bytes);
}

static void arena_grow_step_by_step_keeps_the_content(void **state)
{
    Arena         *test_mem = test_arena(state);
    unsigned char *bytes = NULL;
    size_t         len = 0;

    for (size_t size = 1; size < 300000; size *= 2) {
        bytes = arena_grow(test_mem, bytes, len, size);
        for (; len < size; len++)
            bytes[len] = (unsigned char)(len * 7);
    }
    for (size_t i = 0; i < len; i++)
        assert_int_equal(bytes[i], (unsigned char)(i * 7));
}

static void arena_poisons_what_is_not_handed_out(void **state)
{
    Arena *test_mem = test_arena(state);
    char  *bytes = arena_alloc(test_mem, 24);
    char  *moved;

    assert_true(IS_POISONED(bytes + 24));
    (void)arena_alloc(test_mem, 8);
    moved = arena_grow(test_mem, bytes, 24, 64);
    assert_true(IS_POISONED(bytes));
    moved[63] = 'x';
    arena_reset(test_mem);
    assert_true(IS_POISONED(moved));
}

static void mem_gives_distinct_cleared_memory(void **state)
{
    char *bytes = mem_zalloc(100);
    int  *numbers = MEM_ARRAY(int, 10);

    (void)state;
    for (size_t i = 0; i < 100; i++)
        assert_int_equal(bytes[i], 0);
    for (size_t i = 0; i < 10; i++)
        assert_int_equal(numbers[i], 0);
    bytes[99] = 'z';
    bytes = mem_realloc(bytes, 200);
    assert_int_equal(bytes[99], 'z');
    mem_free(bytes);
    mem_free(numbers);
    mem_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arena_takes_no_block_before_first_use),
        arena_test(arena_alloc_is_aligned),
        arena_test(arena_alloc_of_nothing_is_unique),
        arena_test(arena_allocations_do_not_overlap),
        arena_test(arena_zalloc_clears_reused_memory),
        arena_test(arena_alloc_larger_than_a_block_works),
        cmocka_unit_test(arena_reset_keeps_little_and_forgets_all),
        cmocka_unit_test(arena_reuse_after_reset_takes_nothing_new),
        arena_test(arena_grow_extends_the_newest_in_place),
        arena_test(arena_grow_moves_what_is_not_newest),
        arena_test(arena_grow_from_null_allocates),
        arena_test(arena_grow_step_by_step_keeps_the_content),
        arena_test(arena_poisons_what_is_not_handed_out),
        cmocka_unit_test(mem_gives_distinct_cleared_memory),
    };
    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
