/*
 * exit_code.h -- how the commands end, for scripts.
 */
#ifndef CLI_EXIT_CODE_H
#define CLI_EXIT_CODE_H

enum {
    EXIT_CODE_OK = 0,
    EXIT_CODE_FAILED = 1,       /* a statement, a test, an insert */
    EXIT_CODE_USAGE = 2,        /* the command line */
    EXIT_CODE_UNREACHABLE = 3,  /* no server answers */
    EXIT_CODE_INTERRUPTED = 130 /* Ctrl-C, as shells count it: 128 + SIGINT */
};

#endif
