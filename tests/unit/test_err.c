#include "common/err.h"

#include <string.h>

#include "common/utf8.h"
#include "tests/support/arena_group.h"

static void assert_render(void **state, const Err *err, const char *sql, const char *expected)
{
    Arena *test_mem = test_arena(state);

    assert_string_equal(str_to_c(test_mem, err_render(test_mem, err, str_from(sql))), expected);
}

static void err_set_fills_and_returns_the_code(void **state)
{
    Err err = {.is_retriable = true, .hint = "old", .pos = {1, 2, 3, 4}};

    (void)state;
    assert_int_equal(err_set(&err, ERR_IO, "could not open \"%s\": %d", "f", 5), ERR_IO);
    assert_int_equal(err.code, ERR_IO);
    assert_string_equal(err.msg, "could not open \"f\": 5");
    assert_string_equal(err.hint, "");
    assert_int_equal(err.pos.line, 0);
    assert_false(err.is_retriable);
}

static void err_set_at_keeps_the_position(void **state)
{
    Err    err;
    SrcPos pos = {3, 4, 20, 2};

    (void)state;
    assert_int_equal(err_set_at(&err, ERR_SYNTAX, pos, "unexpected %s", "FORM"), ERR_SYNTAX);
    assert_memory_equal(&err.pos, &pos, sizeof pos);
    assert_string_equal(err.msg, "unexpected FORM");
}

static void err_hint_and_wrap_add_to_the_error(void **state)
{
    Err err;

    (void)state;
    (void)err_set(&err, ERR_STATEMENT, "unknown column \"A\"");
    err_hint(&err, "did you mean \"%s\"", "B");
    err_wrap(&err, "query \"%s\"", "Q_1");
    assert_string_equal(err.msg, "query \"Q_1\": unknown column \"A\"");
    assert_string_equal(err.hint, "did you mean \"B\"");
    err_clear(&err);
    assert_int_equal(err.code, ERR_OK);
    assert_string_equal(err.msg, "");
    assert_string_equal(err.hint, "");
}

static void err_set_may_quote_its_own_message(void **state)
{
    Err err;

    (void)state;
    (void)err_set(&err, ERR_IO, "disk full");
    (void)err_set(&err, ERR_STATE, "cannot save: %s", err.msg);
    assert_string_equal(err.msg, "cannot save: disk full");
}

static void err_long_message_is_cut_between_code_points(void **state)
{
    char text[3 * ERR_MSG_BYTES];
    Err  err;

    (void)state;
    for (size_t shift = 0; shift < 4; shift++) {
        memset(text, 'a', shift);
        for (size_t i = shift; i + 4 < sizeof text; i += 3)
            memcpy(text + i, "\xe2\x82\xac", 4);
        (void)err_set(&err, ERR_EVAL, "%s", text);
        assert_true(utf8_is_valid(str_from(err.msg)));
        assert_in_range(strlen(err.msg), ERR_MSG_BYTES - 4, ERR_MSG_BYTES - 1);
        assert_null(strchr(err.msg, '?'));
        err_wrap(&err, "context %s", "\xe2\x82\xac");
        assert_true(utf8_is_valid(str_from(err.msg)));
        assert_in_range(strlen(err.msg), ERR_MSG_BYTES - 4, ERR_MSG_BYTES - 1);
        err_hint(&err, "%s", text);
        assert_true(utf8_is_valid(str_from(err.hint)));
    }
}

static void err_message_replaces_invalid_bytes(void **state)
{
    Err err;

    (void)state;
    (void)err_set(&err, ERR_EVAL, "name \"%s\"", "a\xff\xc3(\xe2\x82");
    assert_string_equal(err.msg, "name \"a?\?(?\?\"");
}

static void err_every_code_has_a_distinct_name(void **state)
{
    (void)state;
    for (int i = 0; i < ERR_COUNT_; i++) {
        assert_non_null(err_name((ErrCode)i));
        for (int j = 0; j < i; j++)
            assert_string_not_equal(err_name((ErrCode)i), err_name((ErrCode)j));
    }
    assert_string_equal(err_name(ERR_TOPIC_MISSING), "topic_missing");
}

static void err_render_without_position_is_text_and_hint(void **state)
{
    Err err;

    (void)err_set(&err, ERR_CONFIG, "unknown property \"weir.x\"");
    assert_render(state, &err, "SELECT 1;", "unknown property \"weir.x\"");
    err_hint(&err, "did you mean \"weir.y\"");
    assert_render(state, &err, "", "unknown property \"weir.x\"\nhint: did you mean \"weir.y\"");
}

static void err_render_points_at_the_place(void **state)
{
    Err err;

    (void)err_set_at(&err, ERR_STATEMENT, (SrcPos){2, 8, 16, 3}, "unknown column \"FOO\"");
    err_hint(&err, "did you mean \"FOOD\"");
    assert_render(state, &err, "-- before\r\nWHERE foo > 1\r\n-- after",
                  "line 2, column 8: unknown column \"FOO\"\n"
                  "  WHERE foo > 1\n"
                  "       ^^^\n"
                  "hint: did you mean \"FOOD\"");
}

static void err_render_keeps_tabs_and_counts_wide_letters(void **state)
{
    Err err;

    (void)err_set_at(&err, ERR_SYNTAX, (SrcPos){1, 5, 8, 1}, "bad");
    assert_render(state, &err,
                  "\t\xe6\x97\xa5"
                  "e\xcc\x81 x y",
                  "line 1, column 5: bad\n"
                  "  \t\xe6\x97\xa5"
                  "e\xcc\x81 x y\n"
                  "  \t    ^");
}

static void err_render_at_the_end_has_one_caret(void **state)
{
    Err err;

    (void)err_set_at(&err, ERR_SYNTAX, (SrcPos){1, 7, 6, 0}, "unexpected end");
    assert_render(state, &err, "SELECT",
                  "line 1, column 7: unexpected end\n"
                  "  SELECT\n"
                  "        ^");
}

static void err_render_caret_stays_on_its_line(void **state)
{
    Err err;

    (void)err_set_at(&err, ERR_SYNTAX, (SrcPos){1, 3, 2, 100}, "bad");
    assert_render(state, &err, "a bcd\nmore",
                  "line 1, column 3: bad\n"
                  "  a bcd\n"
                  "    ^^^");
}

static void err_render_cuts_a_long_line_around_the_caret(void **state)
{
    Arena    *test_mem = test_arena(state);
    char      sql[2001];
    Err       err;
    Str       text;
    ptrdiff_t source, below;

    memset(sql, 'a', 2000);
    sql[2000] = '\0';
    memcpy(sql + 1000, "HERE", 4);
    (void)err_set_at(&err, ERR_SYNTAX, (SrcPos){1, 1001, 1000, 4}, "bad");
    text = err_render(test_mem, &err, str_from(sql));
    assert_true(text.len < 300);
    assert_true(str_ends(text, STR(" ^^^^")));
    assert_true(str_find(text, STR("..."), 0) > 0);
    assert_true(str_find(text, STR("a...\n"), 0) > 0);

    /* The carets stand below the word. */
    source = str_find(text, STR("\n"), 0);
    below = str_find(text, STR("\n"), (size_t)source + 1);
    assert_int_equal(str_find(text, STR("HERE"), 0) - source,
                     str_find(text, STR("^^^^"), 0) - below);
}

static void err_render_outside_the_text_shows_no_line(void **state)
{
    Err err;

    (void)err_set_at(&err, ERR_SYNTAX, (SrcPos){1, 100, 99, 1}, "bad");
    assert_render(state, &err, "short", "line 1, column 100: bad");
}

static void err_render_survives_invalid_text(void **state)
{
    Arena *test_mem = test_arena(state);
    Err    err;
    Str    text;

    (void)err_set_at(&err, ERR_SYNTAX, (SrcPos){1, 2, 2, 1}, "bad");
    text = err_render(test_mem, &err, STR("\xff\x1b\xfe\0x"));
    assert_true(utf8_is_valid(text));
    assert_int_equal(str_find(text, STR("\x1b"), 0), -1);
}

static ErrCode fails_when(bool fails, int *reached, Err *err)
{
    TRY(fails ? err_set(err, ERR_IO, "no") : ERR_OK);
    *reached = 1;
    return ERR_OK;
}

static void try_returns_the_first_error(void **state)
{
    int reached = 0;
    Err err;

    (void)state;
    assert_int_equal(fails_when(true, &reached, &err), ERR_IO);
    assert_int_equal(reached, 0);
    assert_int_equal(fails_when(false, &reached, &err), ERR_OK);
    assert_int_equal(reached, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(err_set_fills_and_returns_the_code),
        arena_test(err_set_at_keeps_the_position),
        arena_test(err_hint_and_wrap_add_to_the_error),
        arena_test(err_set_may_quote_its_own_message),
        arena_test(err_long_message_is_cut_between_code_points),
        arena_test(err_message_replaces_invalid_bytes),
        arena_test(err_every_code_has_a_distinct_name),
        arena_test(err_render_without_position_is_text_and_hint),
        arena_test(err_render_points_at_the_place),
        arena_test(err_render_keeps_tabs_and_counts_wide_letters),
        arena_test(err_render_at_the_end_has_one_caret),
        arena_test(err_render_caret_stays_on_its_line),
        arena_test(err_render_cuts_a_long_line_around_the_caret),
        arena_test(err_render_outside_the_text_shows_no_line),
        arena_test(err_render_survives_invalid_text),
        arena_test(try_returns_the_first_error),
    };
    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
