/*
 * config.h -- the command line of weir-server and what it sets.
 *
 *     weir-server [FILE.properties] [-o name=value]... [--data DIR] [--queries FILE]
 *
 * Later settings win: defaults, file, then options in their order.
 *
 * Thread: main.
 */
#ifndef SERVER_CONFIG_H
#define SERVER_CONFIG_H

#include "common/buf.h"
#include "server/properties.h"

typedef struct Config {
    Properties  props;
    const char *data_dir;
    const char *queries_file; /* NULL: none */
    bool        wants_help, wants_version;
} Config;

/* Parses and checks.  ERR_CONFIG names the argument or property. */
ErrCode config_parse(Config *config, Arena *mem, int argc, char *const *argv,
                     Err *err) ERR_MUST_USE;

/* Puts limits and log level in force: once, before any thread. */
ErrCode config_apply(const Config *config, Err *err) ERR_MUST_USE;

void config_help(Buf *out);

#endif
