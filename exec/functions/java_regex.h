/*
 * java_regex.h -- regular expressions of java.util.regex, run by PCRE2.
 *
 * The two languages are close.  Java's names of ASCII classes (\p{Lower}, \p{Alpha}, ...) are
 * translated; intersections of classes ([a-z&&[^b]]) are refused.  Every match runs under limits of
 * steps and memory: a pattern that backtracks without end is an error, not a stuck query.
 *
 * Thread: one at a time.
 */
#ifndef EXEC_FUNCTIONS_JAVA_REGEX_H
#define EXEC_FUNCTIONS_JAVA_REGEX_H

#include "common/err.h"

typedef struct JavaRegex JavaRegex;

/* A place for the last pattern used; lives in mem, holds nothing yet. */
JavaRegex *java_regex_new(Arena *mem);
/* Compiles pattern unless it is the one at hand.  ERR_EVAL when it is invalid. */
ErrCode java_regex_use(JavaRegex *regex, Str pattern, Err *err) ERR_MUST_USE;
void    java_regex_close(JavaRegex *regex);

uint32_t java_regex_groups(const JavaRegex *regex);
/* Number of a named group; -1 when there is none. */
int java_regex_group_named(const JavaRegex *regex, Str name);

/* Finds the first match at or after `from`; *found tells.  ERR_EVAL when a limit is reached. */
ErrCode java_regex_find(JavaRegex *regex, Str text, size_t from, bool *found,
                        Err *err) ERR_MUST_USE;
/* Bounds of a group (0: the whole) of the last match; false when the group took no part. */
bool java_regex_group(const JavaRegex *regex, uint32_t group, size_t *start, size_t *end);
/* Where to look for the next match: behind this one, a character further if it was empty;
 * SIZE_MAX at the end of the text. */
size_t java_regex_next(const JavaRegex *regex, Str text);

#endif
