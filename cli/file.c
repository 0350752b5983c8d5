/*
 * file.c -- whole files as text.
 */
#include "cli/file.h"

#include <errno.h>
#include <stdio.h>

#include "common/buf.h"

static ErrCode read_stream(FILE *file, Str path, size_t bytes_max, Buf *out, Err *err)
{
    char   part[8192];
    size_t len;

    while ((len = fread(part, 1, sizeof part, file)) > 0) {
        buf_append(out, part, len);
        if (out->len > bytes_max)
            return err_set(err, ERR_LIMIT, "file \"%.*s\" is longer than %zu bytes", STR_ARG(path),
                           bytes_max);
    }
    if (ferror(file))
        return err_set(err, ERR_IO, "could not read file \"%.*s\": %s", STR_ARG(path),
                       strerror(errno));
    return ERR_OK;
}

/* Windows' editors begin a file by a byte order mark. */
static Str without_mark(Str text)
{
    Str mark = STR("\xEF\xBB\xBF");

    return str_starts(text, mark) ? str_slice(text, mark.len, text.len) : text;
}

ErrCode file_read(Arena *arena, Str path, size_t bytes_max, Str *out, Err *err)
{
    bool    is_stdin = str_eq(path, STR("-"));
    FILE   *file = is_stdin ? stdin : fopen(str_to_c(arena, path), "rb");
    Buf     text = buf_in(arena);
    ErrCode rc;

    if (!file)
        return err_set(err, ERR_IO, "could not open file \"%.*s\": %s", STR_ARG(path),
                       strerror(errno));
    rc = read_stream(file, path, bytes_max, &text, err);
    if (!is_stdin)
        fclose(file);
    if (rc == ERR_OK)
        *out = without_mark(buf_view(&text));
    return rc;
}
