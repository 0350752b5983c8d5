/*
 * options.h -- the command line of `weir` without a subcommand.
 *
 * Thread: main.
 */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include "cli/client.h"
#include "cli/client_session.h"

typedef struct Options {
    Str        server;
    Str        sql;  /* -e; STR_NULL: none */
    Str        file; /* -f; STR_NULL: none */
    bool       is_json;
    int64_t    rows_max, timeout_ms;
    ClientAuth auth;
    bool       wants_help, wants_version;
} Options;

/* Variables and properties go into the session.  ERR_CONFIG names the argument. */
ErrCode options_parse(Options *options, ClientSession *session, Arena *mem, int argc,
                      char *const *argv, Err *err) ERR_MUST_USE;

void options_help(Buf *out);

#endif
