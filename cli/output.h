/*
 * output.h -- where results and errors go, and how they look.
 *
 * Results go to the standard output, errors to the standard error; both go to the spool file, too,
 * while there is one.
 *
 * Thread: one.
 */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include <stdio.h>

#include "common/buf.h"
#include "common/err.h"

typedef struct Output {
    bool    is_json;      /* JSON instead of tables */
    bool    is_clipped;   /* cells are cut to their width; otherwise they go on below */
    int64_t column_width; /* of result cells; 0: the terminal is shared out */
    FILE   *spool;
    int64_t lines_before; /* of the input, in front of the text that messages know: its line 1 */
} Output;

/* Writes and flushes. */
void output_write(Output *output, Str text);
void output_line(Output *output, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A message with its newline; red on a terminal, unless NO_COLOR is set. */
void output_error(Output *output, Str message);
/* What the user typed, for the spool file alone. */
void output_echo(Output *output, Str statement);

/* Columns of the terminal; of COLUMNS, or 80, where there is none. */
size_t output_columns(void);
/* How wide a table may be that need not have one width: the terminal's; 0 where there is none. */
size_t output_width_max(void);

ErrCode output_spool(Output *output, const char *path, Err *err) ERR_MUST_USE;
void    output_spool_end(Output *output);

#endif
