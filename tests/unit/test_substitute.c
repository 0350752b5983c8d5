#include "parser/substitute.h"

#include "parser/grammar.h"
#include "tests/support/parse.h"

/* Pairs of name and value, ended by NULL. */
static Map *variables_of(Arena *test_mem, const char *const *pairs)
{
    Map *variables = ARENA_NEW(test_mem, Map);

    map_init(variables, test_mem);
    for (; *pairs; pairs += 2) {
        Str *value = ARENA_NEW(test_mem, Str);

        *value = str_from(pairs[1]);
        map_put(variables, str_from(pairs[0]), value);
    }
    return variables;
}

static Str substituted(void **state, const char *sql, const char *name, const char *value)
{
    Arena      *test_mem = test_arena(state);
    const char *pairs[] = {name, value, NULL};
    ParserOpts  opts = {.variables = variables_of(test_mem, pairs)};
    AstStmtList stmts;
    Err         err;

    if (parser_parse(test_mem, str_from(sql), opts, &stmts, &err) != ERR_OK)
        fail_msg("%s: %s", sql, err.msg);
    return stmts.items[0]->text;
}

static void assert_guarded(void **state, const char *sql, const char *value)
{
    Arena      *test_mem = test_arena(state);
    const char *pairs[] = {"V", value, NULL};
    ParserOpts  opts = {.variables = variables_of(test_mem, pairs)};
    AstStmtList stmts;
    Err         err;

    if (parser_parse(test_mem, str_from(sql), opts, &stmts, &err) != ERR_SYNTAX)
        fail_msg("%s with %s parses", sql, value);
}

static void names_and_literals_are_replaced(void **state)
{
    assert_str_equal(substituted(state, "SELECT ${v} FROM s;", "V", "price"),
                     "SELECT price FROM s");
    assert_str_equal(substituted(state, "SELECT * FROM ${v} ;", "V", "`my-src`"),
                     "SELECT * FROM `my-src`");
    assert_str_equal(substituted(state, "SELECT * FROM s WHERE a = ${V};", "V", "-5"),
                     "SELECT * FROM s WHERE a = -5");
    assert_str_equal(substituted(state, "SELECT ${v}, b FROM s;", "V", "true"),
                     "SELECT true, b FROM s");
    assert_str_equal(substituted(state, "SELECT ${v}, b FROM s;", "V", "'it''s'"),
                     "SELECT 'it''s', b FROM s");
    assert_str_equal(substituted(state, "CREATE STREAM s (a ${v}) WITH (x = 1);", "V", "BIGINT"),
                     "CREATE STREAM s (a BIGINT) WITH (x = 1)");
    assert_str_equal(substituted(state, "  TERMINATE /* c */ ${v}; ", "V", "CSAS_1"),
                     "TERMINATE /* c */ CSAS_1");
}

static void a_number_keeps_its_sign_and_type(void **state)
{
    Arena      *test_mem = test_arena(state);
    const char *pairs[] = {"V", "-9223372036854775808", "W", "- 1.50", NULL};
    ParserOpts  opts = {.variables = variables_of(test_mem, pairs)};
    AstStmtList stmts;
    Err         err;
    AstItem    *items;

    assert_int_equal(parser_parse(test_mem, STR("SELECT ${v}, ${w} FROM s;"), opts, &stmts, &err),
                     ERR_OK);
    items = stmts.items[0]->u.select->items;
    assert_int_equal(items[0].expr->value.kind, T_BIGINT);
    assert_true(items[0].expr->value.u.i == INT64_MIN);
    assert_int_equal(items[1].expr->value.kind, T_DECIMAL);
    assert_int_equal(items[1].expr->value.scale, 2);
    assert_int_equal(items[1].expr->value.u.i, -150);
}

static void strings_are_replaced_inside_with_quotes_doubled(void **state)
{
    assert_str_equal(substituted(state, "SET '${v}.x' = 'a${v}b${V}';", "V", "it's"),
                     "SET 'it''s.x' = 'ait''sbit''s'");
    assert_str_equal(substituted(state, "DEFINE a = '${v}';", "V", "'; DROP STREAM s; --"),
                     "DEFINE a = '''; DROP STREAM s; --'");
}

static void what_is_escaped_or_unknown_stays_in_a_string(void **state)
{
    assert_str_equal(substituted(state, "SET 'a' = '$${v} ${w} ${ ${1} $';", "V", "x"),
                     "SET 'a' = '${v} ${w} ${ ${1} $'");
    assert_str_equal(substituted(state, "SET 'a' = '$$';", "V", "x"), "SET 'a' = '$$'");
    assert_str_equal(substituted(state, "SELECT `${v}` FROM s;", "V", "x"), "SELECT `${v}` FROM s");
}

static void positions_stay_those_of_the_source(void **state)
{
    Arena      *test_mem = test_arena(state);
    const char *pairs[] = {"V", "a_very_long_name", NULL};
    ParserOpts  opts = {.variables = variables_of(test_mem, pairs)};
    AstStmtList stmts;
    Err         err;

    assert_int_equal(parser_parse(test_mem, STR("SELECT ${v} FORM s;"), opts, &stmts, &err),
                     ERR_SYNTAX);
    assert_int_equal(err.pos.column, 18);
}

static void a_value_cannot_bring_keywords_or_clauses(void **state)
{
    static const char *const values[] = {
        "",
        "  ",
        "NULL",
        "SELECT",
        "a, b",
        "a; DROP STREAM s",
        "a FROM t --",
        "a -- c\n, b",
        "--5",
        "- a",
        "-'x'",
        "(a)",
        "a.b",
        "1 + 1",
        "'a' 'b'",
        "${w}",
        "f()",
        "*",
        "'x",
        "\"x",
        "/* x",
        "-",
    };

    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        assert_guarded(state, "SELECT ${v} FROM s;", values[i]);
        assert_guarded(state, "SELECT * FROM ${v};", values[i]);
        assert_guarded(state, "CREATE STREAM s (a INT) WITH (x = ${v});", values[i]);
    }
}

static void a_value_stands_only_where_its_kind_may(void **state)
{
    assert_guarded(state, "SELECT * FROM ${v};", "'text'");
    assert_guarded(state, "SELECT * FROM ${v};", "5");
    assert_guarded(state, "SET ${v} = 'x';", "name");
    assert_guarded(state, "SELECT a ${v} FROM s;", "-5");
    assert_guarded(state, "SELECT * FROM s WINDOW TUMBLING (SIZE ${v} SECONDS) GROUP BY a;", "-5");
    assert_guarded(state, "${v} * FROM s;", "select");
}

static void a_soft_keyword_becomes_a_name(void **state)
{
    assert_str_equal(substituted(state, "SELECT * FROM ${v} CHANGES;", "V", "emit"),
                     "SELECT * FROM emit CHANGES");
    assert_guarded(state, "SELECT * FROM s ${v} CHANGES;", "emit");
    assert_guarded(state, "${v} TOPICS;", "SHOW");
}

static void an_unknown_variable_is_named(void **state)
{
    Arena      *test_mem = test_arena(state);
    const char *pairs[] = {NULL};
    ParserOpts  opts = {.variables = variables_of(test_mem, pairs)};
    AstStmtList stmts;
    Err         err;

    assert_int_equal(parser_parse(test_mem, STR("SELECT ${ab} FROM s;"), opts, &stmts, &err),
                     ERR_SYNTAX);
    assert_string_equal(err.msg, "variable \"ab\" is not defined");
    assert_string_equal(err.hint, "DEFINE ab = 'value'");
    assert_int_equal(err.pos.column, 8);
    assert_int_equal(parser_parse(test_mem, STR("SELECT $${ab} FROM s;"), opts, &stmts, &err),
                     ERR_SYNTAX);
    assert_string_equal(err.msg, "\"$${ab}\" cannot stand outside of a string");
}

static void without_variables_nothing_is_replaced(void **state)
{
    Arena *test_mem = test_arena(state);
    Err    err;

    assert_str_equal(parse_stmt(test_mem, "SET 'a' = '$${v} ${v}';")->text,
                     "SET 'a' = '$${v} ${v}'");
    assert_int_equal(parse_fails(test_mem, "SELECT ${v} FROM s;", &err), ERR_SYNTAX);
    assert_string_equal(err.hint, "substitution of variables is turned off");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(names_and_literals_are_replaced),
        arena_test(a_number_keeps_its_sign_and_type),
        arena_test(strings_are_replaced_inside_with_quotes_doubled),
        arena_test(what_is_escaped_or_unknown_stays_in_a_string),
        arena_test(positions_stay_those_of_the_source),
        arena_test(a_value_cannot_bring_keywords_or_clauses),
        arena_test(a_value_stands_only_where_its_kind_may),
        arena_test(a_soft_keyword_becomes_a_name),
        arena_test(an_unknown_variable_is_named),
        arena_test(without_variables_nothing_is_replaced),
    };

    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
