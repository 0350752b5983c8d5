/*
 * output.c -- standard output, standard error, spool file.
 */
#include "cli/output.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { COLUMNS_DEFAULT = 80, COLUMNS_MIN = 10, COLUMNS_MAX = 10000 };

static void spool(Output *output, Str text)
{
    if (!output->spool)
        return;
    fwrite(text.ptr, 1, text.len, output->spool);
    fflush(output->spool);
}

void output_write(Output *output, Str text)
{
    fwrite(text.ptr, 1, text.len, stdout);
    fflush(stdout);
    spool(output, text);
}

void output_line(Output *output, const char *format, ...)
{
    Buf     text = {0};
    va_list args;

    va_start(args, format);
    buf_vprintf(&text, format, args);
    va_end(args);
    buf_put(&text, '\n');
    output_write(output, buf_view(&text));
    buf_deinit(&text);
}

/* "line 2, column 5: ..." */
static Str placed(Arena *mem, const Output *output, Str message)
{
    Str     word = STR("line ");
    size_t  end = word.len;
    int64_t line;

    if (output->lines_before == 0 || !str_starts(message, word))
        return message;
    while (end < message.len && message.ptr[end] >= '0' && message.ptr[end] <= '9')
        end++;
    if (!str_starts(str_slice(message, end, message.len), STR(", column ")) ||
        !str_to_i64(str_slice(message, word.len, end), &line))
        return message;
    return str_printf(mem, "line %lld%.*s", (long long)(output->lines_before + line),
                      STR_ARG(str_slice(message, end, message.len)));
}

void output_error(Output *output, Str message)
{
    bool   is_red = isatty(STDERR_FILENO) && !getenv("NO_COLOR");
    Arena *mem = arena_new(0);

    message = placed(mem, output, message);
    fprintf(stderr, "%s%.*s%s\n", is_red ? "\033[31m" : "", STR_ARG(message),
            is_red ? "\033[0m" : "");
    spool(output, message);
    spool(output, STR("\n"));
    arena_free(mem);
}

void output_echo(Output *output, Str statement)
{
    spool(output, STR("weir> "));
    spool(output, statement);
    spool(output, STR("\n"));
}

static size_t bounded(int64_t columns)
{
    if (columns < COLUMNS_MIN)
        return COLUMNS_MIN;
    return columns > COLUMNS_MAX ? COLUMNS_MAX : (size_t)columns;
}

size_t output_columns(void)
{
    struct winsize size;
    const char    *columns = getenv("COLUMNS");
    int64_t        number;

    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return bounded(size.ws_col);
    if (columns && str_to_i64(str_from(columns), &number))
        return bounded(number);
    return COLUMNS_DEFAULT;
}

size_t output_width_max(void)
{
    return isatty(STDOUT_FILENO) ? output_columns() : 0;
}

ErrCode output_spool(Output *output, const char *path, Err *err)
{
    FILE *file = fopen(path, "w");

    if (!file)
        return err_set(err, ERR_IO, "could not open file \"%s\": %s", path, strerror(errno));
    output_spool_end(output);
    output->spool = file;
    return ERR_OK;
}

void output_spool_end(Output *output)
{
    if (output->spool)
        fclose(output->spool);
    output->spool = NULL;
}
