/*
 * datagen.h -- `weir datagen KIND`: sends records that look alive.
 *
 * A client like any other: rows go in by INSERT ... VALUES over one kept connection, several
 * statements to a request when the rate asks for it.
 *
 * Thread: main.
 */
#ifndef CLI_DATAGEN_H
#define CLI_DATAGEN_H

#include "common/err.h"
#include "cli/datagen_kind.h"

typedef struct DatagenOptions {
    const DatagenKind *kind;
    Str                server, stream, topic, format;
    double             rate;       /* rows a second; negative: as fast as the server takes them */
    int64_t            iterations; /* rows; negative: no end */
    uint64_t           seed;
    bool               creates, is_quiet, wants_help;
} DatagenOptions;

/* argv[0] is "datagen".  Options are --name value, --name=value or name=value.  ERR_CONFIG. */
ErrCode datagen_options(DatagenOptions *options, int argc, char *const *argv,
                        Err *err) ERR_MUST_USE;

/* How many rows are due, of those that are left, after so long; at most one request's. */
int64_t datagen_due(const DatagenOptions *options, int64_t passed_ms, int64_t sent);

/* The process's exit code. */
int datagen_main(int argc, char *const *argv);

#endif
