/*
 * str.h -- text and bytes as a pointer and a length.
 *
 * A Str does not own its bytes and is not NUL-terminated.  ptr == NULL is "no string" (a null key,
 * an absent header), which differs from the empty string.  Functions that make a Str take the
 * arena to put it in.
 *
 * Thread: any.
 */
#ifndef COMMON_STR_H
#define COMMON_STR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "common/arena.h"

typedef struct Str {
    const char *ptr;
    size_t      len;
} Str;

#define STR(literal) ((Str){(literal), sizeof(literal) - 1})
#define STR_NULL ((Str){NULL, 0})
/* printf("%.*s", STR_ARG(s)) */
#define STR_ARG(s) (int)(s).len, (s).ptr ? (s).ptr : ""

static inline Str str_from(const char *c_text)
{
    return (Str){c_text, c_text ? strlen(c_text) : 0};
}

static inline Str str_slice(Str s, size_t from, size_t to)
{
    return (Str){s.ptr + from, to - from};
}

static inline bool str_eq(Str a, Str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

bool str_eq_nocase(Str a, Str b); /* ASCII letters only */
int  str_cmp(Str a, Str b);       /* memcmp order, shorter first */
bool str_starts(Str s, Str prefix);
bool str_starts_nocase(Str s, Str prefix); /* ASCII letters only */
bool str_ends(Str s, Str suffix);
/* Offset of the first needle at or after from, or -1.  An empty needle is found at from. */
ptrdiff_t str_find(Str s, Str needle, size_t from);
Str       str_trim(Str s); /* ASCII white space at both ends */

Str str_copy(Arena *arena, Str s);
/* A NUL-terminated copy, for library borders. */
char *str_to_c(Arena *arena, Str s);
Str   str_upper_ascii(Arena *arena, Str s);
Str   str_lower_ascii(Arena *arena, Str s);
Str   str_printf(Arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));
Str   str_vprintf(Arena *arena, const char *format, va_list args);

/* Whole text as a signed decimal integer; false (and *out untouched) on anything else. */
bool str_to_i64(Str s, int64_t *out);

/*
 * The candidate nearest to name by edit distance, ignoring case, for "did you mean" hints;
 * STR_NULL when none is near (distance over a third of the length).
 */
Str str_nearest(Str name, const Str *candidates, size_t count);
/* Edits that turn a into b, ignoring case; SIZE_MAX when one is too long to be a name. */
size_t str_distance(Str a, Str b);

/*
 * A 64-bit hash, the same on every machine and in every version: value_hash() is made of it, which
 * decides which task keeps a key's state, and that state is on disk.  A test pins it.
 */
uint64_t str_hash(Str s);

#endif
