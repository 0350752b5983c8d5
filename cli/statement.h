/*
 * statement.h -- what the client has to know of a statement: who answers it.
 *
 * Most statements go to /ksql as they are.  SELECT and PRINT stream from /query.  SET, UNSET,
 * DEFINE, UNDEFINE and SHOW VARIABLES are the client's own, since the server keeps no sessions.
 *
 * Thread: any.
 */
#ifndef CLI_STATEMENT_H
#define CLI_STATEMENT_H

#include "common/arena.h"
#include "common/err.h"
#include "common/str.h"

typedef enum StatementKind {
    STATEMENT_SERVER,
    STATEMENT_QUERY, /* SELECT or PRINT */
    STATEMENT_SET,   /* name and value */
    STATEMENT_UNSET, /* name */
    STATEMENT_DEFINE,
    STATEMENT_UNDEFINE,
    STATEMENT_SHOW_VARIABLES,
    STATEMENT_RUN_SCRIPT /* name: the file */
} StatementKind;

typedef struct Statement {
    StatementKind kind;
    bool          is_print; /* a QUERY that is PRINT: its answer is lines of text */
    Str           name;     /* quotes removed; in the arena given */
    Str           value;
} Statement;

/*
 * Reads one statement, with or without its semicolon.  ERR_SYNTAX: an unclosed quote, or a client's
 * statement that is not written as it has to be.  Whether a server's statement makes sense is left
 * to the server.
 */
ErrCode statement_read(Arena *arena, Str sql, Statement *out, Err *err) ERR_MUST_USE;

#endif
