/*
 * log.c -- one line, one write.
 *
 * A line is built on the stack and written by a single write(2), which keeps lines of different
 * threads whole without a lock.  Line breaks within a message become spaces: what a user puts into
 * a name cannot forge a line.
 */
#include "common/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"

enum { LINE_BYTES = 2048 };

typedef void (*LogSink)(LogLevel level, const char *line);

static _Atomic int       g_level = LOG_INFO;
static _Atomic(LogSink)  g_sink;
static const char *const level_names[] = {"ERROR", "WARN", "INFO", "DEBUG"};

void log_set_level(LogLevel level)
{
    atomic_store_explicit(&g_level, (int)level, memory_order_relaxed);
}

bool log_is_on(LogLevel level)
{
    return (int)level <= atomic_load_explicit(&g_level, memory_order_relaxed);
}

bool log_level_parse(const char *name, LogLevel *out)
{
    static const char *const names[] = {"error", "warn", "info", "debug"};

    for (int i = LOG_ERROR; i <= LOG_DEBUG; i++) {
        if (strcmp(names[i], name) == 0) {
            *out = (LogLevel)i;
            return true;
        }
    }
    return false;
}

void log_set_sink(void (*sink)(LogLevel level, const char *line))
{
    atomic_store(&g_sink, sink);
}

static void write_line(LogLevel level, const char *text)
{
    char      line[LINE_BYTES + 64];
    char      when[32];
    int64_t   now_ms = clock_now_ms(clock_system());
    time_t    now_s = (time_t)(now_ms / 1000);
    struct tm utc;
    int       len;
    ssize_t   written;

    (void)gmtime_r(&now_s, &utc);
    (void)strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%S", &utc);
    len = snprintf(line, sizeof line, "%s.%03dZ %-5s %s\n", when, (int)(now_ms % 1000),
                   level_names[level], text);
    /* A log that cannot be written must not stop the server. */
    written = write(STDERR_FILENO, line, (size_t)len);
    (void)written;
}

void log_line(LogLevel level, const char *area, const char *format, ...)
{
    char    text[LINE_BYTES];
    LogSink sink;
    va_list args;
    int     len;

    if ((int)level > atomic_load_explicit(&g_level, memory_order_relaxed))
        return;
    len = snprintf(text, sizeof text, "%.32s: ", area);
    va_start(args, format);
    (void)vsnprintf(text + len, sizeof text - (size_t)len, format, args);
    va_end(args);
    for (char *c = text; *c; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = ' ';
    }

    sink = atomic_load(&g_sink);
    if (sink)
        sink(level, text);
    else
        write_line(level, text);
}
