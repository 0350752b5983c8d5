/*
 * log.h -- the server's own log, lines on stderr.
 *
 *     2026-01-31T12:00:00.123Z INFO  commit: epoch 17 settled in 3 ms
 *
 * One write(2) per line.  Level from weir.log.level; below it a call costs one comparison.
 *
 * Thread: any.
 */
#ifndef COMMON_LOG_H
#define COMMON_LOG_H

#include <stdbool.h>

typedef enum LogLevel { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG } LogLevel;

void log_set_level(LogLevel level);
bool log_level_parse(const char *name, LogLevel *out); /* "error" "warn" "info" "debug" */
/* For callers whose arguments cost something to make. */
bool log_is_on(LogLevel level);
/* Tests catch the lines, from area on and without line break; NULL puts stderr back. */
void log_set_sink(void (*sink)(LogLevel level, const char *line));
/* area is the folder or file stem that speaks: "broker", "commit". */
void log_line(LogLevel level, const char *area, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
