/*
 * test_file.h -- *.test files: statements with what goes in and what must come out.
 *
 *     test: a filter keeps what its predicate says
 *     CREATE STREAM s (id STRING KEY, v INT) WITH (KAFKA_TOPIC='s', PARTITIONS=1, ...);
 *     CREATE STREAM big AS SELECT * FROM s WHERE v > 10;
 *     input s:
 *         "a" {"V": 5} @1
 *         "b" {"V": 20} @2
 *     output BIG:
 *         "b" {"V": 20} @2
 *
 * docs/testing.md is the description for users.  Here a file becomes a list of cases, each a list
 * of steps in the order of the text; test_run.h carries them out.
 *
 * Thread: any.
 */
#ifndef CLI_TEST_FILE_H
#define CLI_TEST_FILE_H

#include "common/err.h"
#include "common/str.h"

typedef enum TestStepKind {
    TEST_STATEMENT, /* text: one statement, with its semicolon */
    TEST_RUN,       /* text: a file of statements, beside the test's file */
    TEST_TOPIC,     /* text: name; number: partitions */
    TEST_TIME,      /* number: where the clock stands from here on */
    TEST_INPUT,     /* text: topic; lines: records */
    TEST_OUTPUT,    /* the same */
    TEST_ROWS,      /* lines: rows of the last SELECT, since it began or since the last ROWS */
    TEST_ANSWER     /* lines: JSON that the answer of the statement before must contain */
} TestStepKind;

typedef struct TestLine {
    Str      text;
    uint32_t number; /* in the file, from 1 */
} TestLine;

/* How a statement must be refused. */
typedef struct TestRefusal {
    bool     is_expected;
    uint32_t line, column; /* in the statement, from 1; 0: anywhere */
    Str      message;      /* whole; "..." at either end stands for any text */
    Str      hint;         /* the same; NULL: any */
} TestRefusal;

typedef struct TestStep {
    TestStepKind kind;
    uint32_t     line;
    Str          text;
    int64_t      number;
    TestLine    *lines;
    size_t       lines_len;
    TestRefusal  refusal; /* STATEMENT, RUN */
} TestStep;

typedef struct TestProperty {
    Str name, value;
} TestProperty;

typedef struct TestCase {
    Str           name;
    uint32_t      line;
    TestProperty *properties;
    size_t        properties_len;
    TestStep     *steps;
    size_t        steps_len;
} TestCase;

typedef struct TestFile {
    Str       path;
    TestCase *cases;
    size_t    len;
    bool      must_fail; /* its name begins with error_: each case has to end with a refusal */
} TestFile;

/* Reads and parses.  Everything lives in arena.  ERR_IO; ERR_SYNTAX with the file and the line. */
ErrCode test_file_read(Arena *arena, Str path, TestFile *out, Err *err) ERR_MUST_USE;
/* The same from text that is at hand. */
ErrCode test_file_parse(Arena *arena, Str path, Str text, TestFile *out, Err *err) ERR_MUST_USE;

#endif
