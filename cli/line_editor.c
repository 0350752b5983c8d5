/*
 * line_editor.c -- libedit where there is a terminal.
 *
 * libedit reads through next_character(), which looks at the Ctrl-C flag while it waits: libedit
 * itself takes a signal for nothing and reads on.
 */
#include "cli/line_editor.h"

#include <errno.h>
#include <histedit.h>
#include <poll.h>
#include <unistd.h>

#include "cli/interrupt.h"
#include "common/utf8.h"

enum { HISTORY_LINES = 1000, LINE_BYTES_MAX = 16 << 20 };

struct LineEditor {
    EditLine   *el; /* NULL: no terminal */
    History    *history;
    char       *history_path;
    const char *prompt;
    Buf         line; /* from a pipe */
};

/* --- characters ------------------------------------------------------------------------------- */

/* One byte: 1; 0 at the end; -1 on Ctrl-C or failure. */
static int next_byte(int fd, unsigned char *out)
{
    for (;;) {
        struct pollfd ready = {.fd = fd, .events = POLLIN};
        ssize_t       got;

        if (interrupt_is_raised()) {
            errno = EINTR;
            return -1;
        }
        if (poll(&ready, 1, INTERRUPT_LOOK_MS) <= 0)
            continue;
        got = read(fd, out, 1);
        if (got >= 0)
            return (int)got;
        if (errno != EINTR && errno != EAGAIN)
            return -1;
    }
}

static size_t bytes_of_character(unsigned char first)
{
    if (first < 0xC0)
        return 1;
    return first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
}

static int next_character(EditLine *el, wchar_t *out)
{
    char   bytes[4];
    size_t len = 0, want = 1, at = 0;

    (void)el;
    while (len < want) {
        unsigned char byte;
        int           got = next_byte(STDIN_FILENO, &byte);

        if (got != 1)
            return got;
        bytes[len++] = (char)byte;
        if (len == 1)
            want = bytes_of_character(byte);
    }
    *out = (wchar_t)utf8_next((Str){bytes, len}, &at);
    return 1;
}

/* --- Tab ---------------------------------------------------------------------------------------
 */

static const struct {
    const char *shortcut;
    const char *before, *behind; /* the cursor */
} shortcuts[] = {
    {"cs", "CREATE STREAM ", ""},
    {"ct", "CREATE TABLE ", ""},
    {"csas", "CREATE STREAM ", " AS SELECT "},
    {"ctas", "CREATE TABLE ", " AS SELECT "},
    {"ii", "INSERT INTO ", ""},
};

static unsigned char insert(EditLine *el, const char *before, const char *behind)
{
    if (el_insertstr(el, before) != 0 || (*behind && el_insertstr(el, behind) != 0))
        return CC_ERROR;
    (void)el_cursor(el, -(int)strlen(behind));
    return CC_REFRESH;
}

/* A shortcut becomes what it stands for; else Tab is the blank that it is in pasted statements. */
static unsigned char on_tab(EditLine *el, int key)
{
    const LineInfo *line = el_line(el);
    Str             typed = {line->buffer, (size_t)(line->cursor - line->buffer)};

    (void)key;
    for (size_t i = 0; i < sizeof shortcuts / sizeof *shortcuts; i++) {
        if (!str_eq_nocase(str_trim(typed), str_from(shortcuts[i].shortcut)))
            continue;
        el_deletestr(el, (int)strlen(shortcuts[i].shortcut));
        return insert(el, shortcuts[i].before, shortcuts[i].behind);
    }
    return insert(el, "\t", "");
}

/* --- life ------------------------------------------------------------------------------------- */

static char *prompt_of(EditLine *el)
{
    LineEditor *editor;

    el_get(el, EL_CLIENTDATA, &editor);
    return (char *)(uintptr_t)editor->prompt; /* libedit's type; it only reads */
}

static void open_history(LineEditor *editor, const char *path)
{
    HistEvent event;

    editor->history = history_init();
    history(editor->history, &event, H_SETSIZE, HISTORY_LINES);
    history(editor->history, &event, H_SETUNIQUE, 1);
    if (!path)
        return;
    editor->history_path = mem_alloc(strlen(path) + 1);
    memcpy(editor->history_path, path, strlen(path) + 1);
    history(editor->history, &event, H_LOAD, path);
}

LineEditor *line_editor_open(const char *history_path)
{
    LineEditor *editor = MEM_NEW(LineEditor);

    open_history(editor, history_path);
    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
        return editor;
    editor->el = el_init("weir", stdin, stdout, stderr);
    if (!editor->el)
        return editor;
    el_set(editor->el, EL_CLIENTDATA, editor);
    el_set(editor->el, EL_PROMPT, prompt_of);
    el_set(editor->el, EL_EDITOR, "emacs");
    el_set(editor->el, EL_SIGNAL, 0);
    el_set(editor->el, EL_HIST, history, editor->history);
    el_set(editor->el, EL_GETCFN, next_character);
    /* In wide characters libedit keeps the texts as they are; else it copies and forgets them. */
    el_wset(editor->el, EL_ADDFN, L"weir-tab", L"expand a shortcut", on_tab);
    el_set(editor->el, EL_BIND, "^I", "weir-tab", NULL);
    el_set(editor->el, EL_BIND, "^R", "em-inc-search-prev", NULL);
    el_source(editor->el, NULL); /* the user's ~/.editrc */
    return editor;
}

void line_editor_close(LineEditor *editor)
{
    HistEvent event;

    if (editor->el)
        el_end(editor->el);
    if (editor->history_path)
        history(editor->history, &event, H_SAVE, editor->history_path);
    history_end(editor->history);
    mem_free(editor->history_path);
    buf_deinit(&editor->line);
    mem_free(editor);
}

/* --- lines ------------------------------------------------------------------------------------ */

static Str without_newline(const char *line, size_t len)
{
    while (len > 0 && (line[len - 1] == '\n' || line[len - 1] == '\r'))
        len--;
    return (Str){line, len};
}

/* A statement may come in one line, and that of a pipe may be long. */
static LineKind read_pipe(LineEditor *editor, Str *out)
{
    char part[4096];

    buf_clear(&editor->line);
    while (fgets(part, sizeof part, stdin)) {
        buf_c(&editor->line, part);
        if (editor->line.ptr[editor->line.len - 1] == '\n' || editor->line.len > LINE_BYTES_MAX)
            break;
    }
    if (interrupt_take())
        return LINE_INTERRUPTED;
    *out = without_newline(editor->line.ptr, editor->line.len);
    return editor->line.len > 0 ? LINE_TEXT : LINE_END;
}

LineKind line_editor_read(LineEditor *editor, const char *prompt, Str *out)
{
    const char *line;
    int         len = 0;

    if (!editor->el)
        return read_pipe(editor, out);
    editor->prompt = prompt;
    el_resize(editor->el);               /* the window may have changed while a query ran */
    el_set(editor->el, EL_PREP_TERM, 1); /* before the prompt: what is typed at once counts, too */
    line = el_gets(editor->el, &len);
    if (interrupt_take()) {
        el_reset(editor->el);
        return LINE_INTERRUPTED;
    }
    if (!line || len <= 0)
        return LINE_END;
    *out = without_newline(line, (size_t)len);
    return LINE_TEXT;
}

/* --- history ---------------------------------------------------------------------------------- */

void line_editor_remember(LineEditor *editor, Str line)
{
    Arena    *mem = arena_new(0);
    HistEvent event;

    if (str_trim(line).len > 0)
        history(editor->history, &event, H_ENTER, str_to_c(mem, line));
    arena_free(mem);
}

Str line_editor_recall(LineEditor *editor, int64_t n)
{
    HistEvent event;
    int64_t   at = 1;

    if (n == 0)
        return history(editor->history, &event, H_FIRST) == 0
                   ? without_newline(event.str, strlen(event.str))
                   : STR_NULL;
    for (int rc = history(editor->history, &event, H_LAST); rc == 0;
         rc = history(editor->history, &event, H_PREV)) {
        if (at++ == n)
            return without_newline(event.str, strlen(event.str));
    }
    return STR_NULL;
}

void line_editor_show(LineEditor *editor, Output *output)
{
    HistEvent event;
    int       at = 1;

    for (int rc = history(editor->history, &event, H_LAST); rc == 0;
         rc = history(editor->history, &event, H_PREV))
        output_line(output, "%4d: %.*s", at++,
                    STR_ARG(without_newline(event.str, strlen(event.str))));
}
