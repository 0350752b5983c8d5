/*
 * exit_code.h -- how the commands end, for scripts.
 */
#ifndef CLI_EXIT_CODE_H
#define CLI_EXIT_CODE_H

enum {
    EXIT_CODE_OK,
    EXIT_CODE_FAILED,     /* a statement, a test, an insert */
    EXIT_CODE_USAGE,      /* the command line */
    EXIT_CODE_UNREACHABLE /* no server answers */
};

#endif
