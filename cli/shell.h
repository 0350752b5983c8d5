/*
 * shell.h -- runs statements: each to where it is answered, its answer to the output.
 *
 * SELECT and PRINT go to /query one by one.  Settings stay in the session.  All others go to /ksql,
 * neighbours together in one request, which the server checks as a whole before it runs any.
 *
 * Thread: one.
 */
#ifndef CLI_SHELL_H
#define CLI_SHELL_H

#include "cli/client.h"
#include "cli/client_session.h"
#include "cli/output.h"

typedef struct Shell {
    Client       *client;
    ClientSession session;
    Output        output;
    int64_t       rows_max;   /* a SELECT ends after so many rows; 0: never */
    int64_t       timeout_ms; /* and after so long; 0: never */
    bool          is_interactive;
    int           depth; /* of scripts that run scripts */
} Shell;

typedef enum ShellResult {
    SHELL_OK,
    SHELL_FAILED,
    SHELL_UNREACHABLE,
    SHELL_INTERRUPTED /* by Ctrl-C */
} ShellResult;

/*
 * Runs all statements of text and stops at the first that fails.  What stands behind the last
 * semicolon is an error unless it is blank.  Results and errors are shown.
 */
ShellResult shell_run(Shell *shell, Str text);

/* The statements of a file. */
ShellResult shell_run_file(Shell *shell, Str path);

/* Shows an error of this client's own with the place in sql, if it has one. */
ShellResult shell_fail(Shell *shell, const Err *err, Str sql);

#endif
