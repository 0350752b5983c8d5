/*
 * repl.c -- collects lines until a statement ends.
 *
 *     a command's line, where no statement is open ─▶ command_run
 *     any other ─▶ pending text ─ lexer_split finds a semicolon ─▶ shell_run, up to there
 */
#include "cli/repl.h"

#include <stdlib.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/line_editor.h"
#include "parser/lexer.h"

enum { PENDING_BYTES_MAX = 16 << 20, KEPT_COLUMNS_MAX = 1000 };

typedef struct Repl {
    Shell      *shell;
    LineEditor *editor;
    Buf         pending;     /* a statement that has no semicolon yet */
    int64_t     lines;       /* that were read */
    bool        keeps_lines; /* its lines must not become one: a comment, or a break in quotes */
} Repl;

/* --- history ---------------------------------------------------------------------------------- */

/* "!!" is the line before, "!n" number n; only at the beginning of a line. */
static bool expand(Repl *repl, Str *line)
{
    int64_t n = 0;
    Str     recalled;

    if (line->len < 2 || line->ptr[0] != '!')
        return true;
    if (line->ptr[1] != '!' && !str_to_i64(str_slice(*line, 1, line->len), &n))
        return true;
    recalled = line_editor_recall(repl->editor, n);
    if (!recalled.ptr) {
        output_error(&repl->shell->output, STR("the history has no such line"));
        return false;
    }
    *line = str_copy(repl->shell->session.mem, recalled);
    output_line(&repl->shell->output, "%.*s", STR_ARG(*line));
    return true;
}

/* A statement of several lines is remembered as one, where that means the same. */
static void remember(Repl *repl, Str statement)
{
    Buf line = {0};

    for (size_t i = 0; i < statement.len; i++) {
        if (statement.ptr[i] != '\n')
            buf_put(&line, statement.ptr[i]);
        else if (repl->keeps_lines)
            line_editor_remember(repl->editor, buf_view(&line)), buf_clear(&line);
        else
            buf_put(&line, ' ');
    }
    line_editor_remember(repl->editor, str_trim(buf_view(&line)));
    buf_deinit(&line);
}

/* --- statements ------------------------------------------------------------------------------- */

/* A pipe is one text: its errors have its lines.  What is typed has lines of its own. */
static ShellResult run_placed(Repl *repl, Str sql)
{
    Shell      *shell = repl->shell;
    Str         pending = buf_view(&repl->pending);
    ShellResult result;

    if (shell->is_interactive)
        return shell_run(shell, str_trim(sql));
    shell->output.lines_before = repl->lines;
    for (size_t i = 0; i < pending.len; i++)
        shell->output.lines_before -= pending.ptr[i] == '\n';
    result = shell_run(shell, sql);
    shell->output.lines_before = 0;
    return result;
}

static ShellResult run_statement(Repl *repl, Str sql)
{
    remember(repl, str_trim(sql));
    output_echo(&repl->shell->output, str_trim(sql));
    return run_placed(repl, sql);
}

/* How many characters of the last line stand in front of an end. */
static size_t width_of_line(Str text)
{
    size_t width = 0;

    for (size_t i = text.len; i > 0 && text.ptr[i - 1] != '\n'; i--)
        width += ((unsigned char)text.ptr[i - 1] & 0xC0) != 0x80;
    return width;
}

/* Of a pipe, what follows in the same line keeps its column, unless a machine wrote the line: it
 * is carried along by as many blanks. */
static void drop_pending(Repl *repl, size_t len)
{
    size_t indent = repl->shell->is_interactive
                        ? 0
                        : width_of_line(str_slice(buf_view(&repl->pending), 0, len));

    if (indent > KEPT_COLUMNS_MAX)
        indent = 0;
    len -= indent;
    memset(repl->pending.ptr + len, ' ', indent);
    memmove(repl->pending.ptr, repl->pending.ptr + len, repl->pending.len - len);
    repl->pending.len -= len;
    if (str_trim(buf_view(&repl->pending)).len == 0)
        buf_clear(&repl->pending);
    repl->keeps_lines = false;
}

/* All statements of the pending text that have ended. */
static ShellResult run_pending(Repl *repl)
{
    ShellResult result = SHELL_OK;

    while (result == SHELL_OK) {
        Str        text = buf_view(&repl->pending);
        size_t     end;
        LexerSplit split = lexer_split(text, &end);

        if (split == LEXER_SPLIT_BLANK)
            drop_pending(repl, text.len);
        repl->keeps_lines = repl->keeps_lines || split == LEXER_SPLIT_QUOTE ||
                            split == LEXER_SPLIT_COMMENT || str_find(text, STR("--"), 0) >= 0;
        if (split != LEXER_SPLIT_FOUND)
            return SHELL_OK;
        result = run_statement(repl, str_slice(text, 0, end));
        drop_pending(repl, end);
    }
    buf_clear(&repl->pending);
    return result;
}

static CommandResult run_command(Repl *repl, Str line)
{
    CommandResult result;

    if (str_trim(buf_view(&repl->pending)).len > 0)
        return COMMAND_NONE;
    result = command_run(repl->shell, line);
    if (result != COMMAND_NONE)
        line_editor_remember(repl->editor, line);
    if (result == COMMAND_HISTORY)
        line_editor_show(repl->editor, &repl->shell->output);
    return result;
}

/* False: leave. */
static bool take_line(Repl *repl, Str line, ShellResult *result)
{
    CommandResult command;

    repl->lines++;
    if (!expand(repl, &line))
        return true;
    command = run_command(repl, line);
    if (command == COMMAND_EXIT)
        return false;
    if (command != COMMAND_NONE)
        return true;
    if (repl->pending.len + line.len > PENDING_BYTES_MAX) {
        output_error(&repl->shell->output, STR("the statement is too long"));
        buf_clear(&repl->pending);
        return true;
    }
    buf_str(&repl->pending, line);
    buf_put(&repl->pending, '\n');
    *result = run_pending(repl);
    return true;
}

/* --- the session ------------------------------------------------------------------------------ */

static ShellResult run_lines(Repl *repl)
{
    ShellResult result = SHELL_OK;
    Shell      *shell = repl->shell;
    Str         line;

    while (shell->is_interactive || result == SHELL_OK) {
        bool     is_open = str_trim(buf_view(&repl->pending)).len > 0;
        LineKind kind = line_editor_read(repl->editor, is_open ? "    > " : "weir> ", &line);

        if (kind == LINE_END)
            break;
        if (kind == LINE_INTERRUPTED) {
            if (!shell->is_interactive)
                return SHELL_INTERRUPTED;
            output_line(&shell->output, "^C");
            drop_pending(repl, repl->pending.len);
        } else if (!take_line(repl, line, &result)) {
            return shell->is_interactive ? SHELL_OK : result;
        }
    }
    if (shell->is_interactive)
        return SHELL_OK;
    /* A pipe that ended in the middle of a statement. */
    return result == SHELL_OK ? run_placed(repl, buf_view(&repl->pending)) : result;
}

ShellResult repl_run(Shell *shell)
{
    Repl        repl = {.shell = shell};
    const char *home = getenv("HOME");
    Buf         path = {0};
    ShellResult result;

    shell->is_interactive = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
    buf_printf(&path, "%s/.weir_history%c", home ? home : "", '\0');
    repl.editor = line_editor_open(shell->is_interactive && home ? path.ptr : NULL);
    if (shell->is_interactive) {
        command_version(shell);
        output_line(&shell->output, "Type help for the commands, exit or Ctrl-D to leave.\n");
    }
    result = run_lines(&repl);
    if (shell->is_interactive)
        output_line(&shell->output, "\nExiting weir.");
    line_editor_close(repl.editor);
    buf_deinit(&repl.pending);
    buf_deinit(&path);
    return result;
}
