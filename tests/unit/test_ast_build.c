#include "parser/ast_build.h"

#include "tests/support/parse.h"

static void assert_refused(void **state, const char *sql, ErrCode code, uint32_t column,
                           const char *message)
{
    Err     err;
    ErrCode rc = parse_fails(test_arena(state), sql, &err);

    assert_string_equal(err.msg, message);
    assert_int_equal(rc, code);
    assert_int_equal(err.pos.column, column);
}

static Value value_of(void **state, const char *literal)
{
    AstExpr *expr = parse_expr(test_arena(state), literal);

    assert_int_equal(expr->kind, AST_LITERAL);
    return expr->value;
}

static void integers_take_the_smallest_type(void **state)
{
    assert_int_equal(value_of(state, "2147483647").kind, T_INT);
    assert_int_equal(value_of(state, "2147483648").kind, T_BIGINT);
    assert_int_equal(value_of(state, "-2147483648").kind, T_INT);
    assert_int_equal(value_of(state, "-2147483649").kind, T_BIGINT);
    assert_true(value_of(state, "9223372036854775807").u.i == INT64_MAX);
    assert_true(value_of(state, "- 9223372036854775808").u.i == INT64_MIN);
    assert_int_equal(value_of(state, "007").u.i, 7);
}

static void integers_out_of_range_are_refused(void **state)
{
    Err err;

    assert_refused(state, "SELECT 9223372036854775808 FROM s;", ERR_SYNTAX, 8,
                   "integer 9223372036854775808 is out of range");
    assert_refused(state, "SELECT 9223372036854775808 - 1 FROM s;", ERR_SYNTAX, 8,
                   "integer 9223372036854775808 is out of range");
    assert_refused(state, "SELECT -(9223372036854775808) FROM s;", ERR_SYNTAX, 9,
                   "integer 9223372036854775808 is out of range");
    assert_refused(state, "SELECT 9223372036854775808, -9223372036854775808 FROM s;", ERR_SYNTAX, 8,
                   "integer 9223372036854775808 is out of range");
    assert_refused(state, "SELECT -9223372036854775809 FROM s;", ERR_SYNTAX, 9,
                   "integer 9223372036854775809 is out of range");
    assert_refused(state, "SELECT 99999999999999999999999999 FROM s;", ERR_SYNTAX, 8,
                   "integer 99999999999999999999999999 is out of range");
    (void)parse_fails(test_arena(state), "SELECT 9223372036854775808 FROM s;", &err);
    assert_string_equal(err.hint, "BIGINT ends at 9223372036854775807; a larger number needs a "
                                  "decimal point to be a DECIMAL");
}

static void decimals_keep_their_scale(void **state)
{
    Value v = value_of(state, "1.50");

    assert_int_equal(v.kind, T_DECIMAL);
    assert_int_equal(v.u.i, 150);
    assert_int_equal(v.scale, 2);
    v = value_of(state, "-.5");
    assert_int_equal(v.u.i, -5);
    assert_int_equal(v.scale, 1);
    v = value_of(state, "5.");
    assert_int_equal(v.kind, T_DECIMAL);
    assert_int_equal(v.scale, 0);
    v = value_of(state, "DECIMAL '-12.30'");
    assert_int_equal(v.u.i, -1230);
    assert_refused(state, "SELECT DECIMAL 'x' FROM s;", ERR_SYNTAX, 16, "\"x\" is no number");
}

static void doubles_must_be_finite(void **state)
{
    assert_int_equal(value_of(state, "1E3").kind, T_DOUBLE);
    assert_true(value_of(state, "-1.5e3").u.d == -1500.0);
    assert_refused(state, "SELECT 1E400 FROM s;", ERR_SYNTAX, 8, "number 1E400 overflows DOUBLE");
    assert_refused(state, "SELECT -1E400 FROM s;", ERR_SYNTAX, 9, "number 1E400 overflows DOUBLE");
}

static void quotes_are_undone(void **state)
{
    AstExpr *column = parse_expr(test_arena(state), "\"a\"\"b`\"");

    assert_str_equal(value_as_str(value_of(state, "'it''s \"x\"'")), "it's \"x\"");
    assert_str_equal(value_as_str(value_of(state, "''''")), "'");
    assert_int_equal(value_of(state, "''").len, 0);
    assert_str_equal(column->name.text, "a\"b`");
    assert_true(column->name.is_quoted);
    assert_refused(state, "SELECT `` FROM s;", ERR_SYNTAX, 8, "a name cannot be empty");
}

static void names_keep_what_was_written(void **state)
{
    AstStmt *stmt = parse_stmt(test_arena(state), "PRINT myTopic;");

    assert_str_equal(stmt->u.print.topic.text, "MYTOPIC");
    assert_str_equal(stmt->u.print.topic.original, "myTopic");
    assert_false(stmt->u.print.topic.is_quoted);
}

static void scalar_types_are_known_unless_quoted(void **state)
{
    Arena   *test_mem = test_arena(state);
    AstType *type = parse_expr(test_mem, "CAST(a AS varchar(10, STRING))")->type;

    assert_int_equal(type->kind, T_STRING);
    assert_int_equal(parse_expr(test_mem, "CAST(a AS int)")->type->kind, T_INT);
    type = parse_expr(test_mem, "CAST(a AS `INT`)")->type;
    assert_int_equal(type->kind, T_NULL);
    assert_str_equal(type->name.text, "INT");
    type = parse_expr(test_mem, "CAST(a AS DECIMAL(7, 2))")->type;
    assert_int_equal(type->precision, 7);
    assert_int_equal(type->scale, 2);
    type = parse_expr(test_mem, "CAST(a AS STRUCT<b MAP<STRING, ARRAY<c>>>)")->type;
    assert_int_equal(type->depth, 4);
    assert_str_equal(type->fields[0].type->elem->elem->name.text, "C");
    assert_refused(state, "CREATE STREAM s (k STRING (KEY));", ERR_SYNTAX, 28,
                   "syntax error at \"KEY\": expected an integer as the parameter of a type");
    assert_refused(state, "CREATE TYPE t AS DECIMAL(9999999999, 1);", ERR_SYNTAX, 18,
                   "precision and scale are out of range");
}

static void a_chain_is_one_node(void **state)
{
    Arena   *test_mem = test_arena(state);
    AstExpr *expr = parse_expr(test_mem, "a AND b AND c AND d AND e OR f");

    assert_int_equal(expr->kind, AST_OR);
    assert_int_equal(expr->args_len, 2);
    assert_int_equal(expr->args[0]->kind, AST_AND);
    assert_int_equal(expr->args[0]->args_len, 5);
    assert_str_equal(expr->args[0]->args[4]->name.text, "E");
    expr = parse_expr(test_mem, "(a OR b) OR (c OR d)");
    assert_int_equal(expr->args_len, 3);
    assert_int_equal(expr->args[2]->args_len, 2);
    assert_false(expr->is_parenthesised);
}

static void a_case_holds_operand_branches_and_else(void **state)
{
    AstExpr *expr = parse_expr(test_arena(state), "CASE a WHEN 1 THEN b WHEN 2 THEN c ELSE d END");

    assert_true(expr->has_operand);
    assert_true(expr->has_else);
    assert_int_equal(expr->args_len, 6);
    assert_str_equal(expr->args[0]->name.text, "A");
    assert_int_equal(expr->args[3]->value.u.i, 2);
    assert_str_equal(expr->args[5]->name.text, "D");
}

static void lambda_parameters_are_names(void **state)
{
    AstExpr *call = parse_expr(test_arena(state), "f(a, x => x, (`y`) => y, (k, v) => k + v)");

    assert_int_equal(call->args_len, 4);
    assert_int_equal(call->args[1]->kind, AST_LAMBDA);
    assert_str_equal(call->args[1]->names.items[0].text, "X");
    assert_str_equal(call->args[2]->names.items[0].text, "y");
    assert_int_equal(call->args[3]->names.len, 2);
    assert_str_equal(call->args[3]->names.items[1].text, "V");
    assert_refused(state, "SELECT f((a, b + 1) => a) FROM s;", ERR_SYNTAX, 14,
                   "a parameter of a lambda must be a name");
    assert_refused(state, "SELECT f((s.a) => a) FROM s;", ERR_SYNTAX, 10,
                   "a parameter of a lambda must be a name");
}

static void units_are_words_and_durations(void **state)
{
    AstExpr *call = parse_expr(test_arena(state), "f(milliseconds, YEARS)");

    assert_int_equal(call->args[0]->kind, AST_UNIT_WORD);
    assert_int_equal(call->args[0]->unit, AST_MILLISECONDS);
    assert_int_equal(call->args[1]->unit, AST_YEARS);
    assert_refused(state, "SELECT * FROM s WINDOW TUMBLING (SIZE 1 MONTH) GROUP BY a;", ERR_SYNTAX,
                   41, "a duration cannot be in months or years");
    assert_refused(state, "ASSERT TOPIC t TIMEOUT 9223372036854775807 DAYS;", ERR_SYNTAX, 24,
                   "duration is out of range");
}

static void keys_of_the_wrong_kind_are_refused(void **state)
{
    Err err;

    assert_refused(state, "CREATE TABLE t (a INT, b INT KEY);", ERR_SYNTAX, 24,
                   "column \"B\" of a table cannot be a KEY");
    assert_refused(state, "ASSERT TABLE t (b INT KEY);", ERR_SYNTAX, 17,
                   "column \"B\" of a table cannot be a KEY");
    assert_int_equal(parse_fails(test_arena(state), "CREATE STREAM t (a INT PRIMARY KEY);", &err),
                     ERR_SYNTAX);
    assert_string_equal(err.msg, "column \"A\" of a stream cannot be a PRIMARY KEY");
    assert_string_equal(err.hint, "use KEY");
}

static void a_source_from_a_query_is_refused(void **state)
{
    assert_refused(state, "CREATE SOURCE TABLE t AS SELECT * FROM s;", ERR_SYNTAX, 26,
                   "a source table is read-only: it cannot be made from a query");
}

static void a_limit_is_a_whole_number(void **state)
{
    assert_int_equal(parse_stmt(test_arena(state), "SELECT * FROM s LIMIT 0;")->u.select->limit, 0);
    assert_refused(state, "SELECT * FROM s LIMIT -1;", ERR_STATEMENT, 23,
                   "LIMIT must be a whole number from 0");
    assert_refused(state, "SELECT * FROM s LIMIT 2.5;", ERR_STATEMENT, 23,
                   "LIMIT must be a whole number from 0");
    assert_refused(state, "SELECT * FROM s LIMIT a;", ERR_SYNTAX, 23,
                   "syntax error at \"a\": expected a number");
}

static void queries_keep_their_clauses(void **state)
{
    AstQuery *query =
        parse_stmt(test_arena(state),
                   "SELECT a.x AS y, b.* FROM a l LEFT JOIN b WITHIN (1 HOUR, 2 DAYS) "
                   "GRACE PERIOD 5 SECONDS ON l.x = b.x WINDOW HOPPING (SIZE 1 DAY, ADVANCE BY "
                   "1 HOUR) WHERE w GROUP BY (g, h) HAVING v EMIT FINAL LIMIT 7;")
            ->u.select;

    assert_int_equal(query->items_len, 2);
    assert_str_equal(query->items[0].alias.text, "Y");
    assert_str_equal(query->items[0].expr->qualifier.text, "A");
    assert_int_equal(query->items[1].kind, AST_ITEM_SOURCE_ALL);
    assert_str_equal(query->items[1].source.text, "B");
    assert_str_equal(query->from.alias.text, "L");
    assert_int_equal(query->joins_len, 1);
    assert_int_equal(query->joins[0].kind, AST_LEFT);
    assert_true(query->joins[0].is_within_pair);
    assert_int_equal(query->joins[0].after.amount, 2);
    assert_int_equal(query->joins[0].after.unit, AST_DAYS);
    assert_true(query->joins[0].has_grace);
    assert_null(query->joins[0].source.alias.text.ptr);
    assert_int_equal(query->window->kind, AST_HOPPING);
    assert_int_equal(query->window->advance.amount, 1);
    assert_false(query->window->has_grace);
    assert_str_equal(query->where->name.text, "W");
    assert_int_equal(query->group_by.len, 2);
    assert_true(query->group_by.is_parenthesised);
    assert_int_equal(query->partition_by.pos.line, 0);
    assert_str_equal(query->having->name.text, "V");
    assert_int_equal(query->emit, AST_EMIT_FINAL);
    assert_int_equal(query->limit, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(integers_take_the_smallest_type),
        arena_test(integers_out_of_range_are_refused),
        arena_test(decimals_keep_their_scale),
        arena_test(doubles_must_be_finite),
        arena_test(quotes_are_undone),
        arena_test(names_keep_what_was_written),
        arena_test(scalar_types_are_known_unless_quoted),
        arena_test(a_chain_is_one_node),
        arena_test(a_case_holds_operand_branches_and_else),
        arena_test(lambda_parameters_are_names),
        arena_test(units_are_words_and_durations),
        arena_test(keys_of_the_wrong_kind_are_refused),
        arena_test(a_source_from_a_query_is_refused),
        arena_test(a_limit_is_a_whole_number),
        arena_test(queries_keep_their_clauses),
    };

    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
