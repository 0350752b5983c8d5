/* test_statement.c -- who answers a statement. */
#include "tests/support/arena_group.h"

#include "cli/statement.h"

static Statement read_ok(Arena *mem, const char *sql)
{
    Statement statement;
    Err       err;

    if (statement_read(mem, str_from(sql), &statement, &err) != ERR_OK)
        fail_msg("%s: %s", sql, err.msg);
    return statement;
}

static void expect_refused(Arena *mem, const char *sql, const char *hint)
{
    Statement statement;
    Err       err;

    assert_int_equal(statement_read(mem, str_from(sql), &statement, &err), ERR_SYNTAX);
    assert_string_equal(err.hint, hint);
}

static void statements_go_where_they_are_answered(void **state)
{
    Arena *mem = test_arena(state);

    assert_int_equal(read_ok(mem, "SELECT 1 FROM s;").kind, STATEMENT_QUERY);
    assert_int_equal(read_ok(mem, " -- why\n select * from s").kind, STATEMENT_QUERY);
    assert_false(read_ok(mem, "SELECT 1 FROM s;").is_print);
    assert_true(read_ok(mem, "print 'topic';").is_print);
    assert_int_equal(read_ok(mem, "CREATE STREAM s AS SELECT 1 FROM t;").kind, STATEMENT_SERVER);
    assert_int_equal(read_ok(mem, "SHOW STREAMS;").kind, STATEMENT_SERVER);
    assert_int_equal(read_ok(mem, "LIST variables;").kind, STATEMENT_SHOW_VARIABLES);
    assert_int_equal(read_ok(mem, "SHOW VARIABLES EXTENDED;").kind, STATEMENT_SERVER);
    assert_int_equal(read_ok(mem, "").kind, STATEMENT_SERVER);
}

static void set_takes_name_and_value_without_quotes(void **state)
{
    Statement set = read_ok(test_arena(state), "SET 'a.b' = 'it''s';");

    assert_int_equal(set.kind, STATEMENT_SET);
    assert_true(str_eq(set.name, STR("a.b")));
    assert_true(str_eq(set.value, STR("it's")));
}

static void define_loses_one_pair_of_quotes(void **state)
{
    Statement define = read_ok(test_arena(state), "define n='''x''';");

    assert_int_equal(define.kind, STATEMENT_DEFINE);
    assert_true(str_eq(define.name, STR("n")));
    assert_true(str_eq(define.value, STR("'x'")));
}

static void run_script_names_its_file(void **state)
{
    Statement run = read_ok(test_arena(state), "RUN SCRIPT 'a b.sql';");

    assert_int_equal(run.kind, STATEMENT_RUN_SCRIPT);
    assert_true(str_eq(run.name, STR("a b.sql")));
}

static void incomplete_statements_say_how_to_write_them(void **state)
{
    Arena *mem = test_arena(state);

    expect_refused(mem, "SET a = 'b';", "write SET 'name' = 'value';");
    expect_refused(mem, "SET 'a' 'b';", "write SET 'name' = 'value';");
    expect_refused(mem, "SET 'a' = 'b' 'c';", "write SET 'name' = 'value';");
    expect_refused(mem, "UNSET;", "write UNSET 'name';");
    expect_refused(mem, "DEFINE 1 = 'b';", "write DEFINE name = 'value';");
    expect_refused(mem, "UNDEFINE a b;", "write UNDEFINE name;");
    expect_refused(mem, "RUN 'a';", "write RUN SCRIPT 'file';");
}

static void unclosed_quote_is_the_lexers_error(void **state)
{
    Statement statement;
    Err       err;

    assert_int_equal(statement_read(test_arena(state), STR("SET 'a"), &statement, &err),
                     ERR_SYNTAX);
    assert_string_equal(err.msg, "string is not closed");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(statements_go_where_they_are_answered),
        arena_test(set_takes_name_and_value_without_quotes),
        arena_test(define_loses_one_pair_of_quotes),
        arena_test(run_script_names_its_file),
        arena_test(incomplete_statements_say_how_to_write_them),
        arena_test(unclosed_quote_is_the_lexers_error),
    };

    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
