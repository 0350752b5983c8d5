/*
 * repl.h -- the session at a terminal: lines to statements, until Ctrl-D.
 *
 * Thread: main.
 */
#ifndef CLI_REPL_H
#define CLI_REPL_H

#include "cli/shell.h"

/* On a pipe, statements are run to the first that fails. */
ShellResult repl_run(Shell *shell);

#endif
