/*
 * test_run.h -- carries out one case of a test file, on an engine of its own.
 *
 * The engine runs on one thread, in memory and on a clock that stands still, so a case takes a
 * millisecond and comes out the same every time.
 *
 * Thread: one.
 */
#ifndef CLI_TEST_RUN_H
#define CLI_TEST_RUN_H

#include "cli/test_file.h"

typedef struct TestOutcome {
    bool     has_passed;
    uint32_t line;    /* of the step that failed */
    Str      message; /* lines without a last newline */
} TestOutcome;

/* The outcome's message lives in arena. */
void test_run(Arena *arena, const TestFile *file, const TestCase *test, TestOutcome *out);

#endif
