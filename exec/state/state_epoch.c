/*
 * state_epoch.c -- before-images, encoding, settling and undoing.
 *
 *     generation:      1 (sealed, epoch 7)     2 (sealed, epoch 8)     3 (current)
 *     entry "a":       image: absent           image: 5                image: 6        now: 7
 *     entry "b":                               image: 1                                now: removed
 *
 * Settling epoch 7 drops generation 1's images ("a" was absent).  Aborting puts back the images of
 * generation 3, then 2, then 1: "a" is absent again, "b" is 1.
 *
 * What generation 2 encodes for "a" is 6: the value as it was sealed.  If it is touched in
 * generation 3 before it was encoded, state_keep_image() encodes it first.
 */
#include "exec/state/state_cache.h"

#include <assert.h>

enum { PREFETCH = 8 };

static Generation *generation_open(State *state)
{
    Generation *generation = NULL;

    for (int i = 0; i < GENERATIONS && !generation; i++) {
        if (state->pool[i].number == 0)
            generation = &state->pool[i];
    }
    assert(generation); /* at most two epochs are unsettled */
    generation->number = ++state->generation_last;
    generation->len = generation->encoded = 0;
    generation->has_numbers = false;
    memcpy(generation->numbers_before, state->numbers, sizeof state->numbers);
    return generation;
}

/* Blocks that this epoch did not need are given back. */
static void generation_close(Generation *generation)
{
    size_t needed = (generation->len + IMAGES_PER_BLOCK - 1) / IMAGES_PER_BLOCK;

    while (generation->blocks_len > needed)
        mem_free(generation->blocks[--generation->blocks_len]);
    generation->number = 0;
    arena_reset(generation->mem);
}

static Image *image_at(const State *state, const Generation *generation, size_t i)
{
    char *block = generation->blocks[i / IMAGES_PER_BLOCK];

    return (Image *)(void *)(block + i % IMAGES_PER_BLOCK * state->image_bytes);
}

static Image *image_add(const State *state, Generation *generation)
{
    size_t i = generation->len++;

    if (i / IMAGES_PER_BLOCK == generation->blocks_len) {
        if (generation->blocks_len == generation->blocks_cap) {
            generation->blocks_cap = generation->blocks_cap ? generation->blocks_cap * 2 : 4;
            generation->blocks =
                mem_realloc(generation->blocks, generation->blocks_cap * sizeof(char *));
        }
        generation->blocks[generation->blocks_len++] =
            mem_alloc(IMAGES_PER_BLOCK * state->image_bytes);
    }
    return image_at(state, generation, i);
}

void state_generations_init(State *state)
{
    for (int i = 0; i < GENERATIONS; i++)
        state->pool[i].mem = arena_new(0);
    state->image_bytes = sizeof(Image) + state->opts.store->slots_len * sizeof(Value);
    state->current = generation_open(state);
}

void state_generations_deinit(State *state)
{
    for (int i = 0; i < GENERATIONS; i++) {
        Generation *generation = &state->pool[i];

        while (generation->blocks_len > 0)
            mem_free(generation->blocks[--generation->blocks_len]);
        mem_free(generation->blocks);
        arena_free(generation->mem);
    }
}

/* The bytes of what the entry is now, in mem; ptr NULL when it is removed. */
static Str encode_entry(const State *state, const Entry *entry, Arena *mem)
{
    Buf buf = buf_in(mem);

    if (entry->flags & ENTRY_REMOVED)
        return STR_NULL;
    state_encode_value(&buf, state->opts.store, entry->pub.ts, entry->slots);
    return buf_view(&buf);
}

static Generation *newest_sealed(const State *state)
{
    return state->sealed_len ? state->sealed[state->sealed_len - 1] : NULL;
}

void state_keep_image(State *state, Entry *entry)
{
    uint32_t    slots_len = state->opts.store->slots_len;
    Generation *current = state->current;
    Generation *sealed = newest_sealed(state);
    Image      *image = entry->images;

    if (image && image->generation == current->number)
        return;
    if (image && sealed && image->generation == sealed->number && sealed->encoded < sealed->len &&
        !image->is_encoded) {
        image->encoded = encode_entry(state, entry, sealed->mem);
        image->is_encoded = true;
    }
    image = image_add(state, current);
    *image = (Image){.entry = entry,
                     .older = entry->images,
                     .generation = current->number,
                     .existed = !(entry->flags & ENTRY_REMOVED),
                     .ts = entry->pub.ts};
    memcpy(image->slots, entry->slots, slots_len * sizeof(Value));
    entry->images = image;
}

int64_t state_number(const State *state, uint32_t i)
{
    assert(i < STATE_NUMBERS);
    return state->numbers[i];
}

void state_set_number(State *state, uint32_t i, int64_t v)
{
    assert(i < STATE_NUMBERS);
    state->current->has_numbers |= state->numbers[i] != v;
    state->numbers[i] = v;
}

bool state_is_dirty(const State *state)
{
    return state->current->len > 0 || state->current->has_numbers;
}

static bool is_encoded(const Generation *generation)
{
    return generation->encoded == generation->len && !generation->has_numbers;
}

void state_seal(State *state, uint64_t epoch)
{
    Generation *current = state->current;

    assert(state->sealed_len < GENERATIONS - 1);
    assert(state->sealed_len == 0 || is_encoded(newest_sealed(state)));
    current->epoch = epoch;
    memcpy(current->numbers_sealed, state->numbers, sizeof state->numbers);
    state->sealed[state->sealed_len++] = current;
    state->current = generation_open(state);
}

/* The removal of a key that was not there before the epoch is no change. */
static bool is_change(const Image *image, Str value)
{
    return value.ptr || image->existed;
}

/* Dirty entries lie anywhere in memory: those that come soon are asked for now. */
static void prefetch(const State *state, const Generation *generation, size_t at)
{
    if (at + PREFETCH < generation->len) {
        const Entry *entry = image_at(state, generation, at + PREFETCH)->entry;

        __builtin_prefetch(entry);
        __builtin_prefetch((const char *)entry + CACHE_LINE);
    }
}

bool state_encode(State *state, uint32_t max, StateSink sink)
{
    Generation *sealed = newest_sealed(state);
    size_t      end;

    if (!sealed)
        return true;
    end = max && max < sealed->len - sealed->encoded ? sealed->encoded + max : sealed->len;
    for (; sealed->encoded < end; sealed->encoded++) {
        Image *image = image_at(state, sealed, sealed->encoded);
        Str    value = image->encoded;

        prefetch(state, sealed, sealed->encoded);
        if (!image->is_encoded) {
            arena_reset(state->scratch);
            value = encode_entry(state, image->entry, state->scratch);
        }
        if (is_change(image, value))
            sink.put(sink.self, state, entry_key(image->entry), value);
    }
    if (sealed->encoded < sealed->len)
        return false;
    if (sealed->has_numbers) {
        Buf buf;

        arena_reset(state->scratch);
        buf = buf_in(state->scratch);
        state_encode_numbers(&buf, sealed->numbers_sealed);
        sink.put(sink.self, state, STR(""), buf_view(&buf));
        sealed->has_numbers = false;
    }
    return true;
}

/* Drops an entry's oldest image; the entry goes too when it is removed and nothing needs it. */
static void settle_image(State *state, Image *image)
{
    Entry       *entry = image->entry;
    Image      **link = &entry->images;
    const Value *neighbour = entry->slots;

    while (*link != image) {
        neighbour = (*link)->slots;
        link = &(*link)->older;
    }
    assert(!image->older);
    *link = NULL;
    if (state->has_blocks)
        slots_drop(image->slots, neighbour, state->opts.store->slots_len, &state->bytes);
    if (!entry->images && (entry->flags & ENTRY_REMOVED))
        state_drop_entry(state, entry);
}

void state_settle(State *state, uint64_t epoch)
{
    while (state->sealed_len > 0 && state->sealed[0]->epoch <= epoch) {
        Generation *oldest = state->sealed[0];

        assert(is_encoded(oldest));
        for (size_t i = 0; i < oldest->len; i++) {
            prefetch(state, oldest, i);
            settle_image(state, image_at(state, oldest, i));
        }
        generation_close(oldest);
        state->sealed[0] = state->sealed[1];
        state->sealed_len--;
    }
}

static void undo_image(State *state, Image *image)
{
    Entry   *entry = image->entry;
    uint32_t slots_len = state->opts.store->slots_len;

    assert(entry->images == image);
    slots_drop(entry->slots, image->slots, slots_len, &state->bytes);
    memcpy(entry->slots, image->slots, slots_len * sizeof(Value));
    entry->pub.ts = image->ts;
    entry->flags = ENTRY_USED | (image->existed ? 0 : (uint32_t)ENTRY_REMOVED);
    entry->images = image->older;
    if (!entry->images && !image->existed)
        state_drop_entry(state, entry);
}

static void undo_generation(State *state, Generation *generation)
{
    for (size_t i = 0; i < generation->len; i++)
        undo_image(state, image_at(state, generation, i));
    memcpy(state->numbers, generation->numbers_before, sizeof state->numbers);
    generation_close(generation);
}

void state_abort(State *state)
{
    undo_generation(state, state->current);
    while (state->sealed_len > 0)
        undo_generation(state, state->sealed[--state->sealed_len]);
    state->current = generation_open(state);
}
