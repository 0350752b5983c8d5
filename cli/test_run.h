/*
 * test_run.h -- carries out one case of a test file, on an engine of its own.
 *
 * The engine runs on one thread, in memory and on a clock that stands still, so a case takes a
 * millisecond and comes out the same every time.  On a Kafka broker it runs as a server does, and
 * outputs are compared key by key.
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

/* Whether a case can run on a Kafka broker, or why not. */
typedef enum TestKafka {
    TEST_KAFKA_RUNS,
    TEST_KAFKA_ANSWERS,   /* it looks at rows and answers: the API's business, not the broker's */
    TEST_KAFKA_NO_OUTPUT, /* nothing of it concerns a broker */
    TEST_KAFKA_CLOCK,     /* it sets the clock, which goes its own way there */
    TEST_KAFKA_WRITERS,   /* several queries write one topic, in no order */
    TEST_KAFKA_KINDS
} TestKafka;

TestKafka test_on_kafka(const TestCase *test);

/* STR_NULL: in memory, else on that Kafka broker.  The outcome's message lives in arena. */
void test_run(Arena *arena, const TestFile *file, const TestCase *test, Str bootstrap_servers,
              TestOutcome *out);

#endif
