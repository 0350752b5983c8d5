/*
 * uri.h -- the components of a URI, as java.net.URI finds them.
 *
 * Thread: any.
 */
#ifndef EXEC_FUNCTIONS_URI_H
#define EXEC_FUNCTIONS_URI_H

#include "common/err.h"

/* As written, percent escapes included; ptr NULL when absent. */
typedef struct Uri {
    Str     scheme;
    Str     host; /* absent where the authority is no host with an optional port */
    int32_t port; /* -1: absent */
    Str     path; /* absent for an opaque URI such as mailto:a */
    Str     query;
    Str     fragment;
} Uri;

/* ERR_EVAL on a syntax error.  The slices point into text. */
ErrCode uri_parse(Str text, Uri *out, Err *err) ERR_MUST_USE;
/* Percent escapes replaced by what they stand for; malformed UTF-8 becomes U+FFFD. */
Str uri_decode(Arena *mem, Str s);

#endif
