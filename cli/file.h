/*
 * file.h -- whole files as text.
 *
 * Thread: any.
 */
#ifndef CLI_FILE_H
#define CLI_FILE_H

#include "common/err.h"
#include "common/str.h"

/* The whole file, at most bytes_max of it; "-" is the standard input.  ERR_IO, ERR_LIMIT. */
ErrCode file_read(Arena *arena, Str path, size_t bytes_max, Str *out, Err *err) ERR_MUST_USE;

#endif
