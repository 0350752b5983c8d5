/*
 * line_editor.h -- lines from a person at a terminal, with history (libedit), or from a pipe.
 *
 * Thread: main.
 */
#ifndef CLI_LINE_EDITOR_H
#define CLI_LINE_EDITOR_H

#include "cli/output.h"

typedef struct LineEditor LineEditor;

/* history_path NULL: history ends with the session. */
LineEditor *line_editor_open(const char *history_path);
void        line_editor_close(LineEditor *editor);

typedef enum LineKind {
    LINE_TEXT,
    LINE_INTERRUPTED, /* Ctrl-C: forget what was typed */
    LINE_END          /* Ctrl-D, or the end of the file */
} LineKind;

/* The next line without its newline; valid until the next call.  prompt is not shown on a pipe. */
LineKind line_editor_read(LineEditor *editor, const char *prompt, Str *out);

/* Remembers a line, unless it is the last one again. */
void line_editor_remember(LineEditor *editor, Str line);
/* Remembered line number n, counted from 1, or the last for 0; STR_NULL when there is none. */
Str  line_editor_recall(LineEditor *editor, int64_t n);
void line_editor_show(LineEditor *editor, Output *output);

#endif
