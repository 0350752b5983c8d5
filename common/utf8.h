/*
 * utf8.h -- code points and UTF-16 lengths over UTF-8 text.
 *
 * SQL string positions and lengths count UTF-16 code units, as ksqlDB's do.
 */
#ifndef COMMON_UTF8_H
#define COMMON_UTF8_H

#include "common/str.h"

enum { UTF8_INVALID = 0xFFFD };

bool utf8_is_valid(Str s); /* strict: no surrogates, no overlong forms, at most U+10FFFF */
/* Offset of the first invalid byte, or s.len. */
size_t utf8_valid_prefix(Str s);
/* Decodes one code point at *offset and moves past it; an invalid byte gives U+FFFD, one byte. */
uint32_t utf8_next(Str s, size_t *offset);
size_t   utf8_encode(uint32_t code_point, char out[4]); /* bytes written */
size_t   utf8_len_utf16(Str s);
/* Byte offset of UTF-16 index at (clamped to the end); *splits is set when at is inside a pair. */
size_t utf8_offset_of_utf16(Str s, size_t at, bool *splits);
/* Invalid sequences replaced by U+FFFD, as Java decodes; s itself when it is valid. */
Str utf8_replace_invalid(Arena *arena, Str s);
/* Columns on a terminal (wide = 2, combining = 0), for tables. */
size_t utf8_width(Str s);

#endif
