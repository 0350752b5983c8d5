/* test_test.c -- `weir test` passes what holds and tells what does not. */
#include "tests/support/arena_group.h"

#include "cli/test_record.h"
#include "cli/test_run.h"

#define STREAM                                                                                     \
    "CREATE STREAM s (id STRING KEY, v INT)\n"                                                     \
    "  WITH (KAFKA_TOPIC = 's', PARTITIONS = 1, VALUE_FORMAT = 'JSON');\n"

static TestFile parse_ok(Arena *mem, const char *path, const char *text)
{
    TestFile file;
    Err      err;

    if (test_file_parse(mem, str_from(path), str_from(text), &file, &err) != ERR_OK)
        fail_msg("%s", err.msg);
    return file;
}

static void expect_passes(Arena *mem, const char *text)
{
    TestFile    file = parse_ok(mem, "a.test", text);
    TestOutcome outcome;

    for (size_t i = 0; i < file.len; i++) {
        test_run(mem, &file, &file.cases[i], STR_NULL, &outcome);
        if (!outcome.has_passed)
            fail_msg("line %u: %.*s", outcome.line, STR_ARG(outcome.message));
    }
}

static void expect_fails(Arena *mem, const char *path, const char *text, uint32_t line,
                         const char *message)
{
    TestFile    file = parse_ok(mem, path, text);
    TestOutcome outcome;

    test_run(mem, &file, &file.cases[0], STR_NULL, &outcome);
    assert_false(outcome.has_passed);
    assert_int_equal(outcome.line, line);
    if (!str_starts(outcome.message, str_from(message)))
        fail_msg("expected %s\nfound    %.*s", message, STR_ARG(outcome.message));
}

static void expect_malformed(Arena *mem, const char *text, const char *message)
{
    TestFile file;
    Err      err;

    assert_int_equal(test_file_parse(mem, STR("a.test"), str_from(text), &file, &err), ERR_SYNTAX);
    assert_string_equal(err.msg, message);
}

/* --- files ------------------------------------------------------------------------------------ */

static void cases_have_their_lines_and_properties(void **state)
{
    TestFile        file = parse_ok(test_arena(state), "d/error_a.test",
                                    "test: one\n"
                                           "property: a.b = c\n"
                                           "\n"
                                           "CREATE x\n"
                                           "  'a;b';\n"
                                           "error: 2:3: no ; way\n"
                                           "test: two\n"
                                           "topic t: 3\n"
                                           "input t:\n"
                                           "    1 2\n"
                                           "    # between\n"
                                           "\n"
                                           "    3 4\n"
                                           "rows:\n");
    const TestStep *steps = file.cases[0].steps;

    assert_true(file.must_fail);
    assert_int_equal(file.len, 2);
    assert_true(str_eq(file.cases[0].name, STR("one")));
    assert_int_equal(file.cases[0].properties_len, 1);
    assert_true(str_eq(file.cases[0].properties[0].name, STR("a.b")));
    assert_int_equal(file.cases[0].steps_len, 1);
    assert_true(str_eq(steps[0].text, STR("CREATE x\n  'a;b';")));
    assert_int_equal(steps[0].line, 4);
    assert_int_equal(steps[0].refusal.line, 2);
    assert_int_equal(steps[0].refusal.column, 3);
    assert_true(str_eq(steps[0].refusal.message, STR("no ; way")));

    steps = file.cases[1].steps;
    assert_int_equal(file.cases[1].line, 7);
    assert_int_equal(file.cases[1].steps_len, 3);
    assert_int_equal(steps[0].number, 3);
    assert_int_equal(steps[1].lines_len, 2);
    assert_int_equal(steps[1].lines[1].number, 13);
    assert_true(str_eq(steps[1].lines[1].text, STR("3 4")));
    assert_int_equal(steps[2].kind, TEST_ROWS);
}

static void malformed_files_are_refused_with_their_line(void **state)
{
    Arena *mem = test_arena(state);

    expect_malformed(mem, "SELECT 1", "a.test:1: a statement without its semicolon: \"SELECT 1\"");
    expect_malformed(mem, "a; b;",
                     "a.test:1: each statement begins on a line of its own, not \"b;\"");
    expect_malformed(mem, "\n  x\n",
                     "a.test:2: an indented line that belongs to no heading: \"x\"");
    expect_malformed(mem, "error: x\n",
                     "a.test:1: \"error:\" stands below the statement that must fail");
    expect_malformed(mem, "a;\nerror: x\nerror: y\n",
                     "a.test:3: a statement has one \"error:\" only");
    expect_malformed(mem, "hint: x\n", "a.test:1: \"hint:\" stands once, below an \"error:\"");
    expect_malformed(mem, "DROP STREAM s;\nerror: x\nhint: y\nhint: y\n",
                     "a.test:4: \"hint:\" stands once, below an \"error:\"");
    expect_malformed(mem, "topic t: many\n", "a.test:1: a number is expected, not \"many\"");
    expect_malformed(mem, "test:\n", "a.test:1: something is missing behind the colon");
    expect_malformed(mem, "a;\nproperty: b=c\n",
                     "a.test:2: properties stand before the first statement");
    expect_malformed(mem, "property: b\n", "a.test:1: a property is written name=value, not \"b\"");
    expect_malformed(mem, "rows: 1\n",
                     "a.test:1: its lines stand below the heading, indented, not behind it: \"1\"");
}

/* --- records ---------------------------------------------------------------------------------- */

static void record_prints_as_it_was_written(void **state)
{
    static const char *const lines[] = {
        "\"a\" {\"V\":5} @10",
        "null null @0",
        "7 \"5,six\" @-1 window=0..1000",
        "{\"A\":1} [1,2] @5 session=3..9 headers={\"h\": \"text\", \"n\": null, \"h\": \"\"}",
    };
    Arena *mem = test_arena(state);

    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        TestRecord record;
        Buf        text = buf_in(mem);
        Err        err;

        assert_int_equal(test_record_parse(mem, str_from(lines[i]), &record, &err), ERR_OK);
        test_record_print(&text, &record.record);
        buf_put(&text, 0);
        assert_string_equal(text.ptr, lines[i]);
    }
}

static void malformed_records_are_refused(void **state)
{
    static const char *const lines[] = {
        "\"a\"", "a 1", "1 {\"x\":}", "1 2 @x", "1 2 window=1", "1 2 headers=[1]", "1 2 3",
    };
    Arena *mem = test_arena(state);

    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        TestRecord record;
        Err        err;

        assert_int_not_equal(test_record_parse(mem, str_from(lines[i]), &record, &err), ERR_OK);
    }
}

/* --- running ---------------------------------------------------------------------------------- */

static void steps_are_carried_out_in_order(void **state)
{
    expect_passes(test_arena(state),
                  STREAM "CREATE STREAM b AS SELECT * FROM s WHERE v > 1;\n"
                         "SELECT v FROM b EMIT CHANGES;\n"
                         "input s:\n  \"a\" {\"V\":1} @1\n  \"b\" {\"V\":2} @2\n"
                         "output B:\n  \"b\" {\"V\":2} @2\n"
                         "rows:\n  [2]\n"
                         "time: 500\n"
                         "INSERT INTO s VALUES ('c', 3);\n"
                         "output B:\n  \"c\" {\"V\":3} @500\n"
                         "rows:\n  [3]\n"
                         "rows:\n"
                         "SHOW STREAMS;\n"
                         "answer:\n"
                         "  {\"@type\": \"streams\", \"streams\": [{\"name\": \"B\"}, {}]}\n");
}

static void record_that_differs_is_shown(void **state)
{
    expect_fails(test_arena(state), "a.test",
                 STREAM "CREATE STREAM b AS SELECT * FROM s;\n"
                        "input s:\n  \"a\" {\"V\":1} @1\n"
                        "output B:\n  \"a\" {\"V\":2} @1\n",
                 6,
                 "topic B: - is expected, + was found\n"
                 "  - \"a\" {\"V\":2} @1\n"
                 "  + \"a\" {\"V\":1} @1");
}

static void record_that_is_missing_and_one_too_many_fail(void **state)
{
    Arena *mem = test_arena(state);

    expect_fails(mem, "a.test", STREAM "output s:\n  \"a\" {\"V\":2}\n", 3,
                 "topic s: - is expected, + was found\n  - \"a\" {\"V\":2}");
    expect_fails(mem, "a.test", STREAM "INSERT INTO s VALUES ('a', 1);\noutput s:\n", 4,
                 "topic s: - is expected, + was found\n  + \"a\" {\"V\":1} @0");
}

static void row_that_differs_is_shown(void **state)
{
    expect_fails(test_arena(state), "a.test",
                 STREAM "INSERT INTO s VALUES ('a', 1);\n"
                        "SELECT v FROM s EMIT CHANGES;\n"
                        "rows:\n  [2]\n",
                 5, "rows: - is expected, + was found\n  - [2]\n  + [1]");
}

static void statement_that_fails_ends_the_case(void **state)
{
    expect_fails(test_arena(state), "a.test", "CREATE STREAM x AS SELECT * FROM missing;\n", 1,
                 "line 1, column ");
}

static void refusal_is_compared_with_text_and_place(void **state)
{
    Arena *mem = test_arena(state);

    expect_passes(mem, "DROP STREAM no;\nerror: ...NO...\n");
    expect_fails(mem, "a.test", "DROP STREAM no;\nerror: nothing of that kind\n", 1,
                 "refused otherwise");
    expect_fails(mem, "a.test", "DROP STREAM no;\nerror: 3:9: ...\n", 1, "refused otherwise");
    expect_fails(mem, "a.test", STREAM "error: ...\n", 1, "the statement was expected to fail");
    expect_passes(mem, "TERMINATE no;\nerror: ...NO...\nhint: SHOW QUERIES...\n");
    expect_fails(mem, "a.test", "TERMINATE no;\nerror: ...\nhint: look\n", 1, "advised otherwise");
}

static void file_named_error_needs_a_refusal(void **state)
{
    expect_fails(test_arena(state), "x/error_a.test", STREAM, 1,
                 "a test in a file named error_* has an \"error:\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(cases_have_their_lines_and_properties),
        arena_test(malformed_files_are_refused_with_their_line),
        arena_test(record_prints_as_it_was_written),
        arena_test(malformed_records_are_refused),
        arena_test(steps_are_carried_out_in_order),
        arena_test(record_that_differs_is_shown),
        arena_test(record_that_is_missing_and_one_too_many_fail),
        arena_test(row_that_differs_is_shown),
        arena_test(statement_that_fails_ends_the_case),
        arena_test(refusal_is_compared_with_text_and_place),
        arena_test(file_named_error_needs_a_refusal),
    };

    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
