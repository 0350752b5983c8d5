#include "parser/ast_print.h"

#include "tests/support/parse.h"

/* A statement as written, and as printed: NULL when that is the same. */
typedef struct Printed {
    const char *sql;
    const char *printed;
} Printed;

static void assert_prints(void **state, const Printed *cases, size_t len)
{
    Arena *test_mem = test_arena(state);

    for (size_t i = 0; i < len; i++) {
        const char *expected = cases[i].printed ? cases[i].printed : cases[i].sql;
        Str         sql = str_printf(test_mem, "%s;", cases[i].sql);
        Str         text = ast_text(test_mem, parse_stmt(test_mem, sql.ptr));
        Str         again = str_printf(test_mem, "%.*s;", STR_ARG(text));

        assert_str_equal(text, expected);
        assert_str_equal(ast_text(test_mem, parse_stmt(test_mem, again.ptr)), expected);
    }
}

#define ASSERT_PRINTS(state, cases)                                                                \
    assert_prints((state), (cases), sizeof(cases) / sizeof((cases)[0]))

static void queries_print_back(void **state)
{
    static const Printed cases[] = {
        {"select * from s", "SELECT * FROM S"},
        {"SELECT A, S.B AS X, S.*, C->*, C->D, * FROM S AS T", NULL},
        {"select a x from s t where b", "SELECT A AS X FROM S AS T WHERE B"},
        {"SELECT (a + b)->* FROM s", "SELECT (A + B)->* FROM S"},
        {"SELECT * FROM A INNER JOIN B ON A.X = B.X", NULL},
        {"SELECT * FROM a JOIN b ON a.x = b.x", "SELECT * FROM A INNER JOIN B ON A.X = B.X"},
        {"SELECT * FROM a LEFT JOIN b WITHIN 1 hour ON a.x = b.x RIGHT JOIN c ON b.x = c.x",
         "SELECT * FROM A LEFT OUTER JOIN B WITHIN 1 HOURS ON A.X = B.X RIGHT OUTER JOIN C ON B.X "
         "= C.X"},
        {"SELECT * FROM A AS L FULL OUTER JOIN B AS R WITHIN (1 HOURS, 2 DAYS) GRACE PERIOD 5 "
         "MINUTES ON L.X = R.X",
         NULL},
        {"SELECT COUNT(*) FROM S WINDOW TUMBLING (SIZE 10 SECONDS) GROUP BY A, B", NULL},
        {"SELECT COUNT(*) FROM S WINDOW W TUMBLING (SIZE 10 SECONDS, RETENTION 1 DAYS, GRACE "
         "PERIOD 0 MILLISECONDS) GROUP BY (A, B)",
         NULL},
        {"SELECT COUNT(*) FROM S WINDOW HOPPING (SIZE 1 HOURS, ADVANCE BY 5 MINUTES, GRACE PERIOD "
         "1 "
         "HOURS) GROUP BY ()",
         NULL},
        {"SELECT COUNT(*) FROM S WINDOW SESSION (1 HOURS, RETENTION 2 HOURS) GROUP BY A", NULL},
        {"SELECT A, COUNT(*) FROM S WHERE B > 1 GROUP BY A HAVING COUNT(*) > 1 EMIT CHANGES LIMIT "
         "5",
         NULL},
        {"SELECT DISTINCT A, B + 1 AS C FROM S EMIT CHANGES", NULL},
        {"SELECT * FROM S PARTITION BY (A IS NULL), B->C EMIT FINAL", NULL},
        {"SELECT * FROM s GROUP BY (a)", "SELECT * FROM S GROUP BY A"},
        {"SELECT * FROM S GROUP BY (A OR B), C", NULL},
    };

    ASSERT_PRINTS(state, cases);
}

static void sources_print_back(void **state)
{
    static const Printed cases[] = {
        {"CREATE STREAM S (A INTEGER KEY, B STRING) WITH (KAFKA_TOPIC = 's', PARTITIONS = 3)",
         NULL},
        {"create or replace source table if not exists `t` (id bigint primary key, "
         "\"v v\" varchar(10), `T` string, h bytes header('k'), "
         "hs array<struct<key string, value bytes>> headers)",
         "CREATE OR REPLACE SOURCE TABLE IF NOT EXISTS `t` (ID BIGINT PRIMARY KEY, `v v` STRING, "
         "T STRING, H BYTES HEADER('k'), HS ARRAY<STRUCT<KEY STRING, VALUE BYTES>> HEADERS)"},
        {"CREATE TABLE T WITH (A = TRUE, B = FALSE, C = NULL, D = -1, E = 1.50, F = 'it''s')",
         NULL},
        {"CREATE STREAM S (A MAP<STRING, DECIMAL(4, 2)>, B DATE, C TIME, D TIMESTAMP, E BOOLEAN, F "
         "DOUBLE, G ADDRESS, H STRUCT<>)",
         NULL},
        {"CREATE TABLE T AS SELECT * FROM S", NULL},
        {"CREATE OR REPLACE STREAM IF NOT EXISTS T WITH (X = 1) AS SELECT * FROM S EMIT CHANGES",
         NULL},
        {"INSERT INTO T SELECT * FROM S", NULL},
        {"INSERT INTO T WITH (QUERY_ID = 'q') SELECT * FROM S", NULL},
        {"INSERT INTO S (A, B) VALUES (1, ARRAY['x']), (2, NULL)", NULL},
        {"INSERT INTO S VALUES (-1)", NULL},
        {"DROP STREAM IF EXISTS S DELETE TOPIC", NULL},
        {"DROP TABLE T", NULL},
        {"alter stream s add a int, add column b string",
         "ALTER STREAM S ADD COLUMN A INTEGER, ADD COLUMN B STRING"},
        {"CREATE TYPE IF NOT EXISTS ADDRESS AS STRUCT<STREET STRING, `zip` STRING>", NULL},
        {"DROP TYPE IF EXISTS ADDRESS", NULL},
    };

    ASSERT_PRINTS(state, cases);
}

static void other_statements_print_back(void **state)
{
    static const Printed cases[] = {
        {"CREATE SOURCE CONNECTOR IF NOT EXISTS C WITH (`connector.class` = 'x', `a` = '1')", NULL},
        {"CREATE SINK CONNECTOR c WITH ('tasks.max' = 1)",
         "CREATE SINK CONNECTOR C WITH (`tasks.max` = 1)"},
        {"DROP CONNECTOR IF EXISTS C", NULL},
        {"LIST STREAMS EXTENDED", "SHOW STREAMS EXTENDED"},
        {"SHOW TABLES", NULL},
        {"SHOW ALL TOPICS EXTENDED", NULL},
        {"SHOW TOPICS", NULL},
        {"SHOW QUERIES EXTENDED", NULL},
        {"SHOW FUNCTIONS", NULL},
        {"SHOW PROPERTIES", NULL},
        {"SHOW TYPES", NULL},
        {"SHOW VARIABLES", NULL},
        {"SHOW CONNECTORS", NULL},
        {"SHOW SOURCE CONNECTORS", NULL},
        {"SHOW SINK CONNECTORS", NULL},
        {"SHOW CONNECTOR PLUGINS", NULL},
        {"DESCRIBE S EXTENDED", NULL},
        {"DESCRIBE STREAMS", NULL},
        {"DESCRIBE TABLES EXTENDED", NULL},
        {"DESCRIBE `TABLES`", NULL},
        {"DESCRIBE FUNCTION LEN", NULL},
        {"DESCRIBE CONNECTOR C", NULL},
        {"EXPLAIN SELECT * FROM S EMIT CHANGES", NULL},
        {"EXPLAIN CREATE STREAM T AS SELECT * FROM S", NULL},
        {"EXPLAIN CTAS_T_1", NULL},
        {"PRINT orders", "PRINT 'orders'"},
        {"PRINT 'a-b' FROM BEGINNING INTERVAL 2 LIMIT 3", NULL},
        {"PRINT t SAMPLE 2", "PRINT 't' INTERVAL 2"},
        {"TERMINATE ALL", NULL},
        {"TERMINATE CTAS_T_1", NULL},
        {"PAUSE `q`", NULL},
        {"RESUME ALL", NULL},
        {"SET 'a' = 'it''s'", NULL},
        {"UNSET 'a'", NULL},
        {"ALTER SYSTEM 'a' = ''", NULL},
        {"DEFINE A = 'x'", NULL},
        {"UNDEFINE A", NULL},
        {"ASSERT TOPIC orders", "ASSERT TOPIC 'orders'"},
        {"ASSERT NOT EXISTS TOPIC 'o' WITH (PARTITIONS = 1) TIMEOUT 5 SECONDS", NULL},
        {"ASSERT SCHEMA SUBJECT 'o-value' ID 3 TIMEOUT 1 MINUTES", NULL},
        {"ASSERT NOT EXISTS SCHEMA ID 3", NULL},
        {"ASSERT VALUES T (A, B) VALUES (1, 'x')", NULL},
        {"ASSERT NULL VALUES T (A) KEY (1)", NULL},
        {"ASSERT TABLE T (A INTEGER PRIMARY KEY) WITH (X = 1)", NULL},
        {"ASSERT STREAM S", NULL},
        {"RUN SCRIPT '/tmp/x.sql'", NULL},
    };

    ASSERT_PRINTS(state, cases);
}

static void assert_expr_prints(void **state, const Printed *cases, size_t len)
{
    Arena *test_mem = test_arena(state);

    for (size_t i = 0; i < len; i++) {
        Buf out = buf_in(test_mem);

        ast_print_expr(&out, parse_expr(test_mem, cases[i].sql));
        assert_str_equal(buf_view(&out), cases[i].printed ? cases[i].printed : cases[i].sql);
        buf_put(&out, '\0');
        assert_true(ast_expr_eq(parse_expr(test_mem, cases[i].sql), parse_expr(test_mem, out.ptr)));
    }
}

static void parentheses_come_from_precedence(void **state)
{
    static const Printed cases[] = {
        {"A OR B AND NOT C = D || E + F * -G", NULL},
        {"((((A OR B) AND NOT (C = D)) || E) + F) * (-G)",
         "((((A OR B) AND NOT C = D) || E) + F) * -G"},
        {"NOT (A AND B)", NULL},
        {"NOT NOT A", NULL},
        {"(NOT A) = B", NULL},
        {"(A = B) = C", NULL},
        {"A = (B = C)", NULL},
        {"A - (B - C)", NULL},
        {"(A - B) - C", "A - B - C"},
        {"A || (B || C)", NULL},
        {"A AND (B AND C)", NULL},
        {"A OR (B OR C)", NULL},
        {"A / (B * C) % D", NULL},
        {"(A + B)[1]", NULL},
        {"(A + B)->C", NULL},
        {"A[B + 1]->C[D]->E", NULL},
        {"A[(B AND C)]", NULL},
        {"(A AT TIME ZONE 'Z') || -B AT TIME ZONE 'Z'",
         "A AT TIME ZONE 'Z' || -B AT TIME ZONE 'Z'"},
        {"(-A) AT TIME ZONE 'Z'", NULL},
        {"A BETWEEN B + 1 AND C AND D", NULL},
        {"A BETWEEN (B AND C) AND D", NULL},
        {"A NOT BETWEEN 1 AND 2 OR A NOT IN (1, B OR C) OR A NOT LIKE 'x' ESCAPE '!'", NULL},
        {"A IS NULL AND A IS NOT NULL AND A IS DISTINCT FROM B AND A IS NOT DISTINCT FROM B", NULL},
        {"A != B", "A <> B"},
        {"A < B AND A <= B AND A > B AND A >= B AND A <> B", NULL},
    };

    assert_expr_prints(state, cases, sizeof cases / sizeof cases[0]);
}

static void signs_never_merge(void **state)
{
    static const Printed cases[] = {
        {"- 5", "-5"},     {"-(5)", NULL},  {"- -5", "-(-5)"}, {"- - -5", "-(-(-5))"},
        {"-(-A)", NULL},   {"+A", NULL},    {"-+A", NULL},     {"+-A", NULL},
        {"A - -5", NULL},  {"A--5\n", "A"}, {"(-5)[1]", NULL}, {"(-5)->A", NULL},
        {"-5 * -A", NULL},
    };

    assert_expr_prints(state, cases, sizeof cases / sizeof cases[0]);
}

static void literals_read_back_with_their_type(void **state)
{
    static const Printed cases[] = {
        {"2147483647", NULL},
        {"2147483648", NULL},
        {"-9223372036854775808", NULL},
        {"1.50", NULL},
        {"-0.05", NULL},
        {"5.", NULL},
        {".5", "0.5"},
        {"DECIMAL '12.30'", "12.30"},
        {"1E0", "1.0E0"},
        {"1.5e10", "1.5E10"},
        {"-1E-7", "-1.0E-7"},
        {"'it''s'", NULL},
        {"''", NULL},
        {"true", "TRUE"},
        {"False", "FALSE"},
        {"null", "NULL"},
    };

    assert_expr_prints(state, cases, sizeof cases / sizeof cases[0]);
}

static void constructors_and_calls_print_back(void **state)
{
    static const Printed cases[] = {
        {"ARRAY[]", NULL},
        {"ARRAY[1, A OR B]", NULL},
        {"MAP()", NULL},
        {"MAP('a' := 1, B := NULL)", NULL},
        {"STRUCT()", NULL},
        {"STRUCT(A := 1, `b` := STRUCT(C := 2))", NULL},
        {"COUNT(*)", NULL},
        {"F()", NULL},
        {"TIMESTAMPADD(DAYS, 1, A)", NULL},
        {"TIMESTAMPADD(DAY, 1, A)", NULL},
        {"f(x => x + 1)", "F((X) => X + 1)"},
        {"REDUCE(A, 0, (S, X) => S + X)", NULL},
        {"TRANSFORM(A, (K, V) => F(K, (X) => X OR V))", NULL},
        {"CAST(A AS ARRAY<MAP<STRING, DECIMAL(4, 2)>>)", NULL},
        {"CASE WHEN A > 1 THEN 'x' WHEN B THEN 'y' ELSE 'z' END", NULL},
        {"CASE A + 1 WHEN 1 THEN B END", NULL},
    };

    assert_expr_prints(state, cases, sizeof cases / sizeof cases[0]);
}

static void names_are_quoted_only_when_they_must(void **state)
{
    static const Printed cases[] = {
        {"abc", "ABC"},
        {"`ABC`", "ABC"},
        {"`abc`", NULL},
        {"`A B`", NULL},
        {"`SELECT`", NULL},
        {"`A``B`", NULL},
        {"\"A`\"\"B\"", "`A``\"B`"},
        {"ID", NULL},
        {"KEY", NULL},
        {"`DAYS`", NULL},
        {"DAY", NULL},
        {"`1A`", NULL},
        {"1a", "`1A`"},
        {"_A@1", NULL},
        {"array", "`ARRAY`"},
        {"`MAP`[1]", NULL},
        {"`ARRAY`[1]", NULL},
        {"`STRUCT`->A", NULL},
        {"`VIEW`", NULL},
        {"`a.b`.`c->d`", NULL},
    };

    assert_expr_prints(state, cases, sizeof cases / sizeof cases[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(queries_print_back),
        arena_test(sources_print_back),
        arena_test(other_statements_print_back),
        arena_test(parentheses_come_from_precedence),
        arena_test(signs_never_merge),
        arena_test(literals_read_back_with_their_type),
        arena_test(constructors_and_calls_print_back),
        arena_test(names_are_quoted_only_when_they_must),
    };

    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
