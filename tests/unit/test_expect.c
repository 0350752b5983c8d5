#include "parser/expect.h"

#include "tests/support/parse.h"

typedef struct Slip {
    const char *sql;
    const char *message;
    const char *hint;
} Slip;

static void assert_slips(void **state, const Slip *slips, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        Err err;

        assert_int_equal(parse_fails(test_arena(state), slips[i].sql, &err), ERR_SYNTAX);
        if (strcmp(err.msg, slips[i].message) != 0 || strcmp(err.hint, slips[i].hint) != 0)
            fail_msg("%s\ngot      %s\n         %s\nexpected %s\n         %s", slips[i].sql,
                     err.msg, err.hint, slips[i].message, slips[i].hint);
    }
}

static void messages_name_what_was_found_and_expected(void **state)
{
    static const Slip slips[] = {
        {"1;", "syntax error at \"1\": expected a statement", ""},
        {"SELECT * FROM;", "syntax error at \";\": expected a name or '('", ""},
        {"SELECT FROM s;", "syntax error at \"FROM\": expected an expression or '*'", ""},
        {"SELECT a b c FROM s;", "syntax error at \"c\": expected ',' or FROM", ""},
        {"SELECT * FROM s t u;",
         "syntax error at \"u\": expected JOIN, WINDOW, WHERE, GROUP BY, PARTITION BY, HAVING, "
         "EMIT, LIMIT or ';'",
         ""},
        {"SELECT * FROM s WHERE a b;",
         "syntax error at \"b\": expected an operator, GROUP BY, PARTITION BY, HAVING, EMIT, LIMIT "
         "or ';'",
         ""},
        {"CREATE STREAM s (a 5);", "syntax error at \"5\": expected a type", ""},
        {"CREATE STREAM s (a INT) WITH (b = c);", "syntax error at \"c\": expected a value", ""},
        {"SELECT * FROM s WINDOW TUMBLING (SIZE 1 a);",
         "syntax error at \"a\": expected a unit of time", ""},
        {"SELECT 'a long text, longer than sixty bytes, so that it does not fill the message' 1;",
         "syntax error at \"1\": expected an operator, a name, ',', FROM or AS", ""},
        {"SHOW 'a long text, longer than sixty bytes, so that it does not fill the message';",
         "syntax error at a string", ""},
    };

    assert_slips(state, slips, sizeof slips / sizeof slips[0]);
}

static void common_slips_get_a_hint(void **state)
{
    static const Slip slips[] = {
        {"SELCT a FROM s;", "syntax error at \"SELCT\": expected a statement",
         "did you mean SELECT?"},
        {"DROP STRAM s;", "syntax error at \"STRAM\": expected TYPE, STREAM, TABLE or CONNECTOR",
         "did you mean STREAM?"},
        {"CREATE STREAM group (a INT);", "syntax error at \"group\": expected a name",
         "group is a reserved word: as a name it is written `group`"},
        {"CREATE STREAM s (view INT);", "syntax error at \"view\": expected a name",
         "view is a reserved word: as a name it is written `view`"},
        {"CREATE STREAM s (a INT b INT);",
         "syntax error at \"b\": expected KEY, PRIMARY KEY, HEADERS, HEADER, ',', '(' or ')'",
         "a ',' may be missing in front of it"},
        {"SELECT a, FROM s;", "syntax error at \"FROM\": expected an expression or '*'",
         "remove the ',' in front of it"},
        {"CREATE STREAM s (a INT) WITH (b = \"c\");", "syntax error at \"\"c\"\": expected a value",
         "a string is written between single quotes: 'text'"},
        {"SELECT * FROM 's';", "syntax error at \"'s'\": expected a name or '('",
         "a name is written plain or between backticks"},
        {"SELECT STRUCT(a = 1) FROM s;", "syntax error at \"=\": expected ':='",
         "write := between a name or key and its value"},
        {"SELECT MAP('a' = 1) FROM s;", "syntax error at \")\": expected an operator or ':='",
         "an entry is written key := value"},
        {"CREATE STREAM s WITH (a := 1);", "syntax error at \":=\": expected '='",
         "write = between a property and its value"},
        {"SELECT * FROM s WHERE 1 < a < 3;",
         "syntax error at \"<\": expected an operator, GROUP BY, PARTITION BY, HAVING, EMIT, LIMIT "
         "or ';'",
         "comparisons cannot be chained: join them with AND"},
        {"CREATE STREAM s (a INT) CREATE STREAM t (a INT);",
         "syntax error at \"CREATE\": expected WITH or ';'",
         "end the statement before it with ';'"},
        {"INSERT INTO s VALUES (1, 2;", "syntax error at \";\": expected an operator, ',' or ')'",
         "a parenthesis is not closed"},
        {"DROP STREAM s);", "syntax error at \")\": expected DELETE or ';'",
         "there is no '(' for it"},
    };

    assert_slips(state, slips, sizeof slips / sizeof slips[0]);
}

static void what_the_language_lacks_is_said(void **state)
{
    static const char *const pairs[][2] = {
        {"SELECT * FROM s ORDER BY a;",
         "there is no ORDER BY: rows come in the order in which they happen"},
        {"SELECT * FROM s UNION SELECT * FROM t;",
         "write UNION ALL: rows are not compared with those that were"},
        {"SELECT a, DISTINCT b FROM s;",
         "DISTINCT stands behind SELECT, or in COUNT(DISTINCT ...)"},
        {"SELECT a FROM s LIMIT 1 OFFSET 2;", "there is no OFFSET"},
        {"SHOW FUNCTION LEN;", "DESCRIBE FUNCTION name shows one, SHOW FUNCTIONS lists them"},
        {"SELECT a FROM s WHERE a IN (SELECT b FROM t);",
         "a sub-select can only stand behind FROM; elsewhere join what CREATE TABLE ... AS makes"},
        {"WITH a AS (SELECT b FROM t) SELECT * FROM a;",
         "there is no WITH in front of a query: use CREATE STREAM ... AS"},
        {"UPDATE s SET a = 1;", "rows are changed by INSERT INTO ... VALUES with the same key"},
        {"DELETE FROM s;", "rows are changed by INSERT INTO ... VALUES with the same key"},
    };

    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        Err err;

        assert_int_equal(parse_fails(test_arena(state), pairs[i][0], &err), ERR_SYNTAX);
        if (strcmp(err.hint, pairs[i][1]) != 0)
            fail_msg("%s: %s (%s)", pairs[i][0], err.hint, err.msg);
    }
}

static void the_error_is_drawn_under_the_wrong_token(void **state)
{
    Arena      *test_mem = test_arena(state);
    const char *sql = "SELECT a,\n       b c d\nFROM s;";
    Err         err;

    assert_int_equal(parse_fails(test_mem, sql, &err), ERR_SYNTAX);
    assert_str_equal(err_render(test_mem, &err, str_from(sql)),
                     "line 2, column 12: syntax error at \"d\": expected ',' or FROM\n"
                     "         b c d\n"
                     "             ^");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(messages_name_what_was_found_and_expected),
        arena_test(common_slips_get_a_hint),
        arena_test(what_the_language_lacks_is_said),
        arena_test(the_error_is_drawn_under_the_wrong_token),
    };

    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
