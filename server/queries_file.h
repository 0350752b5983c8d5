/*
 * queries_file.h -- statements in a file, applied at every start.
 *
 * The file is run like a session: SET, UNSET, DEFINE and UNDEFINE count from where they stand to
 * its end; CREATE, INSERT ... SELECT, DROP and the like go through the command log.  What is in
 * force already, compared by the text that ast_print makes, is skipped, so that starting again
 * changes nothing.
 *
 *     not there                        runs
 *     there, same text                 is skipped
 *     there, text differs              runs as CREATE OR REPLACE, by its rules; where they forbid
 *                                      it, an error stops the start
 *     gone from the file               is reported in the log, never dropped
 *
 * INSERT ... VALUES, SELECT, PRINT and SHOW are refused: the first would insert its rows again at
 * every start, and nobody reads the answer of the others.
 *
 * Thread: main, before the API serves.
 */
#ifndef SERVER_QUERIES_FILE_H
#define SERVER_QUERIES_FILE_H

#include "server/engine.h"

/* Errors name file, line and column, and show the line.  All statements are tried first, in a
 * sandbox: when one is refused, none runs. */
ErrCode queries_file_apply(Engine *engine, const char *path, Err *err) ERR_MUST_USE;

#endif
