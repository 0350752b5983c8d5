/*
 * text_is.h -- comparing text in tests, with both sides shown when they differ.
 */
#ifndef TESTS_SUPPORT_TEXT_IS_H
#define TESTS_SUPPORT_TEXT_IS_H

#include "tests/support/arena_group.h"

#include "common/buf.h"

/* At most 4095 bytes, which may hold zeros. */
#define assert_text(actual, expected) text_is((actual), (expected), __FILE__, __LINE__)

static inline void text_is(Str actual, const char *expected, const char *file, int line)
{
    char text[4096];

    assert_true(actual.len < sizeof text);
    if (actual.len > 0)
        memcpy(text, actual.ptr, actual.len);
    text[actual.len] = '\0';
    if (strcmp(text, expected) != 0)
        print_error("\"%s\" instead of \"%s\"\n", text, expected);
    _assert_int_equal(actual.len, strlen(expected), file, line);
    _assert_memory_equal(text, expected, actual.len, file, line);
}

#endif
