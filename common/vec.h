/*
 * vec.h -- a growing array in an arena.
 *
 *     VEC(Str) names = {0};
 *     vec_push(arena, &names, STR("a"));
 *     for (size_t i = 0; i < names.len; i++) use(names.items[i]);
 *
 * The items move when the vector grows: keep indexes, not pointers, while pushing.
 */
#ifndef COMMON_VEC_H
#define COMMON_VEC_H

#include "common/arena.h"

#define VEC(T)                                                                                     \
    struct {                                                                                       \
        T     *items;                                                                              \
        size_t len;                                                                                \
        size_t cap;                                                                                \
    }

#define vec_push(arena, vec, item)                                                                 \
    do {                                                                                           \
        if ((vec)->len == (vec)->cap) {                                                            \
            size_t vec_cap_ = (vec)->cap ? (vec)->cap * 2 : 8;                                     \
            (vec)->items = arena_grow((arena), (vec)->items, (vec)->cap * sizeof *(vec)->items,    \
                                      vec_cap_ * sizeof *(vec)->items);                            \
            (vec)->cap = vec_cap_;                                                                 \
        }                                                                                          \
        (vec)->items[(vec)->len++] = (item);                                                       \
    } while (0)

#endif
