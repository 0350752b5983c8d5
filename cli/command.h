/*
 * command.h -- the REPL's own commands: help, output, spool, server and the like.
 *
 * A line that begins with a command's words, in any case, is that command; a semicolon at its end
 * is ignored.
 *
 * Thread: one.
 */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include "cli/shell.h"

typedef enum CommandResult {
    COMMAND_NONE, /* the line is SQL */
    COMMAND_DONE,
    COMMAND_HISTORY, /* show it: the caller has it */
    COMMAND_EXIT
} CommandResult;

CommandResult command_run(Shell *shell, Str line);

/* Version of client and server, or why the server does not answer. */
void command_version(Shell *shell);

#endif
