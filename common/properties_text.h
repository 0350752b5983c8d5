/*
 * properties_text.h -- the entries of a Java .properties text, one by one.
 *
 * As java.util.Properties reads them: comments begin with # or !; name and value are separated by
 * '=', ':' or blanks; a backslash escapes, and joins a line with the next; \uXXXX is a UTF-16 unit.
 * Other than there the text is UTF-8, and blanks behind a value do not count.
 */
#ifndef COMMON_PROPERTIES_TEXT_H
#define COMMON_PROPERTIES_TEXT_H

#include "common/buf.h"
#include "common/err.h"

typedef struct PropertiesText {
    Str      text;
    size_t   at;
    uint32_t line;       /* where the entry that was read last begins, from 1 */
    uint32_t lines_read; /* before at */
    Buf      name, value;
} PropertiesText;

void properties_text_init(PropertiesText *reader, Arena *mem, Str text);

/*
 * The next entry; both are valid until the call after.  name is STR_NULL at the end.  ERR_CONFIG
 * for a malformed \u, reader->line says where.
 */
ErrCode properties_text_next(PropertiesText *reader, Str *name, Str *value, Err *err) ERR_MUST_USE;

#endif
