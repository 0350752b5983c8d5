/*
 * seed.h -- random types and values from a seed, for tests that state laws.
 *
 * Values are chosen to meet edges often: extremes, zeros of both signs, NaN, empty and repeated
 * text, decimals beyond 64 bits, nulls.
 */
#ifndef TESTS_SUPPORT_SEED_H
#define TESTS_SUPPORT_SEED_H

#include "common/value.h"

typedef struct Seed {
    uint64_t state; /* not zero */
} Seed;

uint64_t    seed_next(Seed *seed);
uint64_t    seed_below(Seed *seed, uint64_t bound);
const Type *seed_scalar_type(Seed *seed, Arena *arena);
const Type *seed_type(Seed *seed, Arena *arena, int depth_max);
/* A value of the type that is not null; its members may be. */
Value seed_value(Seed *seed, Arena *arena, const Type *type);

#endif
