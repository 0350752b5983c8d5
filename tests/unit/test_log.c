#include "common/log.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/arena_group.h"

static char     caught[4096];
static LogLevel caught_level;
static int      caught_count;

static void catch_line(LogLevel level, const char *line)
{
    (void)snprintf(caught, sizeof caught, "%s", line);
    caught_level = level;
    caught_count++;
}

static int catch_setup(void **state)
{
    (void)state;
    caught[0] = '\0';
    caught_count = 0;
    log_set_level(LOG_INFO);
    log_set_sink(catch_line);
    return 0;
}

static int catch_teardown(void **state)
{
    (void)state;
    log_set_sink(NULL);
    log_set_level(LOG_INFO);
    return 0;
}

static void log_line_names_the_area(void **state)
{
    (void)state;
    log_line(LOG_WARN, "commit", "epoch %d settled", 17);
    assert_string_equal(caught, "commit: epoch 17 settled");
    assert_int_equal(caught_level, LOG_WARN);
}

static void log_level_silences_what_lies_below(void **state)
{
    (void)state;
    log_line(LOG_DEBUG, "a", "x");
    assert_int_equal(caught_count, 0);
    log_set_level(LOG_DEBUG);
    log_line(LOG_DEBUG, "a", "x");
    assert_int_equal(caught_count, 1);
    log_set_level(LOG_ERROR);
    log_line(LOG_WARN, "a", "x");
    assert_int_equal(caught_count, 1);
    log_line(LOG_ERROR, "a", "x");
    assert_int_equal(caught_count, 2);
}

static void log_line_cannot_be_forged_by_a_line_break(void **state)
{
    (void)state;
    log_line(LOG_INFO, "server", "name \"%s\"", "a\n2026 ERROR\r\x1b[2J");
    assert_string_equal(caught, "server: name \"a 2026 ERROR  [2J\"");
}

static void log_line_that_is_too_long_is_cut(void **state)
{
    (void)state;
    log_line(LOG_INFO, "server", "%100000d", 1);
    assert_in_range(strlen(caught), 1000, 2048);
}

static void log_level_parse_knows_four_names(void **state)
{
    LogLevel level = LOG_DEBUG;

    (void)state;
    assert_true(log_level_parse("error", &level));
    assert_int_equal(level, LOG_ERROR);
    assert_true(log_level_parse("warn", &level));
    assert_int_equal(level, LOG_WARN);
    assert_true(log_level_parse("info", &level));
    assert_int_equal(level, LOG_INFO);
    assert_true(log_level_parse("debug", &level));
    assert_int_equal(level, LOG_DEBUG);
    assert_false(log_level_parse("verbose", &level));
    assert_false(log_level_parse("", &level));
    assert_int_equal(level, LOG_DEBUG);
}

static void log_line_goes_to_stderr_with_time_and_level(void **state)
{
    char    text[512] = {0};
    int     ends[2];
    int     stderr_copy = dup(STDERR_FILENO);
    ssize_t len;
    int     year, month, day, hour, minute, second, ms, at = 0;

    (void)state;
    log_set_sink(NULL);
    assert_int_equal(pipe(ends), 0);
    assert_true(dup2(ends[1], STDERR_FILENO) >= 0);
    log_line(LOG_INFO, "server", "hello");
    assert_true(dup2(stderr_copy, STDERR_FILENO) >= 0);
    len = read(ends[0], text, sizeof text - 1);
    close(ends[0]);
    close(ends[1]);
    close(stderr_copy);

    assert_true(len > 0);
    assert_int_equal(sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d.%3dZ%n", &year, &month, &day, &hour,
                            &minute, &second, &ms, &at),
                     7);
    assert_string_equal(text + at, " INFO  server: hello\n");
}

enum { THREADS = 4, LINES_PER_THREAD = 50, PIPE_BYTES = 65536 };

static void *write_lines(void *arg)
{
    const char *area = arg;

    for (int i = 0; i < LINES_PER_THREAD; i++) {
        log_line(LOG_INFO, area, "line %d of %d", i, LINES_PER_THREAD);
        log_set_level(i % 2 ? LOG_INFO : LOG_DEBUG);
    }
    return NULL;
}

static void log_lines_of_several_threads_stay_whole(void **state)
{
    static char text[PIPE_BYTES];
    static char areas[THREADS][8] = {"one", "two", "three", "four"};
    pthread_t   threads[THREADS];
    int         ends[2];
    int         stderr_copy = dup(STDERR_FILENO);
    int         lines = 0;
    ssize_t     len;

    (void)state;
    log_set_sink(NULL);
    assert_int_equal(pipe(ends), 0);
    assert_true(dup2(ends[1], STDERR_FILENO) >= 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, write_lines, areas[i]), 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_true(dup2(stderr_copy, STDERR_FILENO) >= 0);
    len = read(ends[0], text, sizeof text - 1);
    close(ends[0]);
    close(ends[1]);
    close(stderr_copy);

    assert_true(len > 0);
    text[len] = '\0';
    for (char *rest = text, *line; (line = strsep(&rest, "\n")) && *line; lines++) {
        int  number;
        char area[8];

        assert_int_equal(sscanf(line, "%*s INFO %7[a-z]: line %d of 50", area, &number), 2);
    }
    assert_int_equal(lines, THREADS * LINES_PER_THREAD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(log_line_names_the_area, catch_setup, catch_teardown),
        cmocka_unit_test_setup_teardown(log_level_silences_what_lies_below, catch_setup,
                                        catch_teardown),
        cmocka_unit_test_setup_teardown(log_line_cannot_be_forged_by_a_line_break, catch_setup,
                                        catch_teardown),
        cmocka_unit_test_setup_teardown(log_line_that_is_too_long_is_cut, catch_setup,
                                        catch_teardown),
        cmocka_unit_test(log_level_parse_knows_four_names),
        cmocka_unit_test_setup_teardown(log_line_goes_to_stderr_with_time_and_level, catch_setup,
                                        catch_teardown),
        cmocka_unit_test_setup_teardown(log_lines_of_several_threads_stay_whole, catch_setup,
                                        catch_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
