/* Expressions: types, conversions, functions, lambdas and what is refused. */
#include "tests/support/planner_world.h"

static const char *const source =
    "CREATE STREAM S (K STRING KEY, I INT, B BIGINT, D DOUBLE, E DECIMAL(4, 2), T STRING,"
    " F BOOLEAN, Y BYTES, DT DATE, TI TIME, TS TIMESTAMP, A ARRAY<INT>, M MAP<STRING, BIGINT>,"
    " R STRUCT<X INT, `y` STRUCT<Z STRING>>) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON');";

static int setup(void **state)
{
    world_setup(state);
    world_run(*state, source);
    return 0;
}

/* "text TYPE" of the first column that the query selects. */
static const char *bound(PlannerWorld *world, const char *expr)
{
    const char     *sql = str_printf(world->mem, "SELECT %s FROM S EMIT CHANGES;%c", expr, 0).ptr;
    Buf             out = buf_in(world->mem);
    const PlanNode *project;

    if (world_plan(world, sql) != ERR_OK)
        fail_msg("%s: %s", expr, world->err.msg);
    project = world->plan.plan->root->inputs[0];
    expr_print(&out, project->u.project.exprs[0], project->inputs[0]->schema);
    buf_put(&out, ' ');
    type_print(&out, project->schema->cols[0].type);
    return str_to_c(world->mem, buf_view(&out));
}

static void refuses(PlannerWorld *world, const char *expr, const char *fragment)
{
    world_refuses(world, str_printf(world->mem, "SELECT %s FROM S EMIT CHANGES;%c", expr, 0).ptr,
                  ERR_STATEMENT, fragment);
}

static void arithmetic_takes_the_wider_type(void **state)
{
    assert_string_equal(bound(*state, "I + I"), "(I + I) INTEGER");
    assert_string_equal(bound(*state, "I + B"), "(I + B) BIGINT");
    assert_string_equal(bound(*state, "B * D"), "(B * D) DOUBLE");
    assert_string_equal(bound(*state, "D / E"), "(D / E) DOUBLE");
    assert_string_equal(bound(*state, "-I"), "-(I) INTEGER");
    assert_string_equal(bound(*state, "+I"), "I INTEGER");
}

static void decimal_arithmetic_sizes_its_result(void **state)
{
    assert_string_equal(bound(*state, "E + E"), "(E + E) DECIMAL(5, 2)");
    assert_string_equal(bound(*state, "E * E"), "(E * E) DECIMAL(9, 4)");
    assert_string_equal(bound(*state, "E / E"), "(E / E) DECIMAL(11, 7)");
    assert_string_equal(bound(*state, "E % E"), "(E % E) DECIMAL(4, 2)");
    assert_string_equal(bound(*state, "E + I"), "(E + I) DECIMAL(13, 2)");
}

static void plus_joins_strings(void **state)
{
    assert_string_equal(bound(*state, "T + K"), "(T + K) STRING");
    refuses(*state, "T + I", "no arithmetic on STRING and INTEGER");
    refuses(*state, "A + A", "no arithmetic on ARRAY<INTEGER> and ARRAY<INTEGER>");
    refuses(*state, "1 + NULL", "no arithmetic on INTEGER and NULL");
    refuses(*state, "-T", "a sign needs a number");
}

static void literals_have_the_narrowest_type(void **state)
{
    assert_string_equal(bound(*state, "1"), "1 INTEGER");
    assert_string_equal(bound(*state, "2147483648"), "2147483648 BIGINT");
    assert_string_equal(bound(*state, "0.05"), "0.05 DECIMAL(3, 2)");
    assert_string_equal(bound(*state, "12.30"), "12.30 DECIMAL(4, 2)");
    assert_string_equal(bound(*state, "TRUE"), "TRUE BOOLEAN");
}

static void constants_are_folded(void **state)
{
    assert_string_equal(bound(*state, "1 + 2 * 3"), "7 INTEGER");
    assert_string_equal(bound(*state, "I + (1 + 2)"), "(I + 3) INTEGER");
    assert_string_equal(bound(*state, "UCASE('ab')"), "'AB' STRING");
    assert_string_equal(bound(*state, "1 / 0"), "(1 / 0) INTEGER");
    assert_string_equal(bound(*state, "CAST('x' AS INT)"), "CAST('x' AS INTEGER) INTEGER");
}

static void volatile_functions_are_not_folded(void **state)
{
    assert_string_equal(bound(*state, "RANDOM()"), "RANDOM() DOUBLE");
}

static void comparisons_mix_numbers_and_dates_with_text(void **state)
{
    assert_string_equal(bound(*state, "I < D"), "(I < D) BOOLEAN");
    assert_string_equal(bound(*state, "E = I"), "(E = I) BOOLEAN");
    assert_string_equal(bound(*state, "DT > TS"), "(DT > TS) BOOLEAN");
    assert_string_equal(bound(*state, "DT = '2020-01-02'"),
                        "(DT = CAST('2020-01-02' AS DATE)) BOOLEAN");
    refuses(*state, "I = '1'", "cannot compare INTEGER with STRING");
    refuses(*state, "A < A", "cannot compare ARRAY<INTEGER> with ARRAY<INTEGER> by <");
    refuses(*state, "F > F", "cannot compare BOOLEAN with BOOLEAN by >");
    refuses(*state, "DT = TI", "cannot compare DATE with TIME");
    refuses(*state, "I = NULL", "comparison with NULL by =");
    refuses(*state, "DT = 'nonsense'", "cannot take 'nonsense' for a DATE");
}

static void distinct_from_compares_with_null(void **state)
{
    assert_string_equal(bound(*state, "I IS DISTINCT FROM NULL"),
                        "(I IS DISTINCT FROM NULL) BOOLEAN");
    assert_string_equal(bound(*state, "I IS NOT DISTINCT FROM B"),
                        "(NOT (I IS DISTINCT FROM B)) BOOLEAN");
}

static void logic_wants_booleans(void **state)
{
    assert_string_equal(bound(*state, "F AND I > 1 OR NOT F"),
                        "((F AND (I > 1)) OR (NOT F)) BOOLEAN");
    refuses(*state, "F AND I", "an operand of AND in SELECT must be BOOLEAN, not INTEGER");
    refuses(*state, "NOT T", "the operand of NOT");
}

static void in_list_finds_a_common_type(void **state)
{
    assert_string_equal(bound(*state, "I IN (1, 2)"), "(I IN (1, 2)) BOOLEAN");
    assert_string_equal(bound(*state, "I IN (1, NULL)"), "(I IN (1)) BOOLEAN");
    assert_string_equal(bound(*state, "I IN (1, '2147483648')"), "(I IN (1, 2147483648)) BOOLEAN");
    assert_string_equal(bound(*state, "F IN ('tr', FALSE)"), "(F IN (TRUE, FALSE)) BOOLEAN");
    assert_string_equal(bound(*state, "T IN ('a', 5)"), "(T IN ('a', '5')) BOOLEAN");
    assert_string_equal(bound(*state, "I NOT IN (1)"), "(NOT (I IN (1))) BOOLEAN");
    refuses(*state, "I IN (1, 'x')", "does not fit the other members");
    refuses(*state, "I IN (1, T)", "does not fit the other members");
    refuses(*state, "F IN (TRUE, 10)", "does not fit the other members");
    refuses(*state, "F IN ('maybe')", "does not fit the other members");
}

static void between_brings_bounds_to_one_type(void **state)
{
    assert_string_equal(bound(*state, "I BETWEEN 1 AND 2"), "(I BETWEEN 1 AND 2) BOOLEAN");
    assert_string_equal(bound(*state, "I NOT BETWEEN 1 AND B"),
                        "(NOT (I BETWEEN 1 AND B)) BOOLEAN");
    refuses(*state, "I BETWEEN 'a' AND 'b'", "cannot compare INTEGER with STRING by BETWEEN");
    refuses(*state, "I BETWEEN 1 AND NULL", "comparison with NULL by BETWEEN");
}

static void like_wants_strings_and_one_escape(void **state)
{
    assert_string_equal(bound(*state, "T LIKE 'a!%' ESCAPE '!'"),
                        "(T LIKE 'a!%' ESCAPE '!') BOOLEAN");
    refuses(*state, "I LIKE 'a'", "LIKE compares STRING with STRING, not INTEGER");
    refuses(*state, "T LIKE 'a' ESCAPE '!!'", "ESCAPE needs a string of one character");
}

static void case_results_have_one_type(void **state)
{
    assert_string_equal(bound(*state, "CASE WHEN F THEN 1 END"),
                        "(CASE WHEN F THEN 1 ELSE NULL END) INTEGER");
    assert_string_equal(bound(*state, "CASE I WHEN 1 THEN 'a' ELSE NULL END"),
                        "(CASE WHEN (I = 1) THEN 'a' ELSE NULL END) STRING");
    assert_string_equal(bound(*state, "CASE WHEN F THEN I WHEN F THEN NULL ELSE B END"),
                        "(CASE WHEN F THEN I WHEN F THEN NULL ELSE B END) BIGINT");
    assert_string_equal(bound(*state, "CASE WHEN F THEN 1 ELSE 2.5 END"),
                        "(CASE WHEN F THEN 1.0 ELSE 2.5 END) DECIMAL(11, 1)");
    refuses(*state, "CASE WHEN F THEN I ELSE T END", "must have one type");
    refuses(*state, "CASE WHEN F THEN NULL END", "all results of the CASE are NULL");
    refuses(*state, "CASE WHEN I THEN 1 END", "a WHEN condition in SELECT must be BOOLEAN");
}

static void nested_values_are_reached_into(void **state)
{
    assert_string_equal(bound(*state, "A[1]"), "A[1] INTEGER");
    assert_string_equal(bound(*state, "M['x']"), "M['x'] BIGINT");
    assert_string_equal(bound(*state, "R->X"), "R->X INTEGER");
    assert_string_equal(bound(*state, "R->`y`->Z"), "R->`y`->Z STRING");
    refuses(*state, "A['x']", "an array's index must be INTEGER or BIGINT");
    refuses(*state, "M[1]", "the key of a MAP<STRING, BIGINT> must be STRING");
    refuses(*state, "I[1]", "[ ] works on ARRAY and MAP");
    refuses(*state, "R->NOPE", "unknown field \"NOPE\"");
    refuses(*state, "I->X", "-> works on STRUCT");
}

static void constructors_find_their_types(void **state)
{
    assert_string_equal(bound(*state, "ARRAY[I, B]"), "ARRAY[I, B] ARRAY<BIGINT>");
    assert_string_equal(bound(*state, "ARRAY[NULL, I]"), "ARRAY[NULL, I] ARRAY<INTEGER>");
    assert_string_equal(bound(*state, "MAP('a' := I, 'b' := 2)"),
                        "MAP('a' := I, 'b' := 2) MAP<STRING, INTEGER>");
    assert_string_equal(bound(*state, "STRUCT(P := I, Q := T)"),
                        "STRUCT(P := I, Q := T) STRUCT<`P` INTEGER, `Q` STRING>");
    refuses(*state, "ARRAY[NULL]", "needs a value that is not NULL");
    refuses(*state, "MAP('a' := NULL)", "needs a value that is not NULL");
    refuses(*state, "MAP('a' := I, 'b' := 'hello')", "does not fit the other members");
    refuses(*state, "STRUCT(P := 1, P := 2)", "field \"P\" stands twice");
}

static void structs_of_a_list_are_united_by_name(void **state)
{
    assert_string_equal(bound(*state, "ARRAY[STRUCT(P := I), STRUCT(Q := T, P := B)]") + 0,
                        "ARRAY[STRUCT(P := I), STRUCT(Q := T, P := B)] "
                        "ARRAY<STRUCT<`P` BIGINT, `Q` STRING>>");
}

static void casts_follow_the_matrix(void **state)
{
    assert_string_equal(bound(*state, "CAST(I AS STRING)"), "CAST(I AS STRING) STRING");
    assert_string_equal(bound(*state, "CAST(NULL AS DECIMAL(3, 1))"), "NULL DECIMAL(3, 1)");
    refuses(*state, "CAST(I AS BOOLEAN)", "no CAST from INTEGER to BOOLEAN");
    refuses(*state, "CAST(DT AS TIME)", "no CAST from DATE to TIME");
    refuses(*state, "CAST(T AS ARRAY<INT>)", "no CAST from STRING to ARRAY<INTEGER>");
    refuses(*state, "CAST(I AS DECIMAL(2, 3))", "scale of DECIMAL is 3");
    refuses(*state, "CAST(I AS NO_TYPE)", "unknown type \"NO_TYPE\"");
    refuses(*state, "CAST(R AS STRUCT<X INT, X INT>)", "field \"X\" stands twice");
}

static void functions_convert_their_arguments(void **state)
{
    assert_string_equal(bound(*state, "sqrt(E)"), "SQRT(E) DOUBLE");
    assert_string_equal(bound(*state, "ABS(I)"), "ABS(I) INTEGER");
    assert_string_equal(bound(*state, "COALESCE(NULL, T)"), "COALESCE(NULL, T) STRING");
    refuses(*state, "ABS(T)", "does not accept parameters (STRING)");
    refuses(*state, "COALESCE(I, B)", "does not accept parameters (INTEGER, BIGINT)");
    refuses(*state, "NO_SUCH(I)", "unknown function \"NO_SUCH\"");
    refuses(*state, "COALESCE(NULL, NULL)", "the type of the result");
}

static void concat_operator_is_the_function(void **state)
{
    assert_string_equal(bound(*state, "T || K || 'x'"), "CONCAT(CONCAT(T, K), 'x') STRING");
    refuses(*state, "I || T", "|| joins STRING with STRING, not with INTEGER");
}

static void lambda_parameters_take_their_types_from_the_collection(void **state)
{
    assert_string_equal(bound(*state, "TRANSFORM(A, x => x + B)"),
                        "TRANSFORM(A, (P0) => (P0 + B)) ARRAY<BIGINT>");
    assert_string_equal(bound(*state, "FILTER(M, (p, v) => v > 1)"),
                        "FILTER(M, (P0, P1) => (P1 > 1)) MAP<STRING, BIGINT>");
    assert_string_equal(bound(*state, "REDUCE(A, 0, (s, x) => s + x)"),
                        "REDUCE(A, 0, (P0, P1) => (P0 + P1)) INTEGER");
    assert_string_equal(bound(*state, "TRANSFORM(A, x => REDUCE(A, x, (s, z) => s + z))"),
                        "TRANSFORM(A, (P0) => REDUCE(A, P0, (P1, P2) => (P1 + P2))) "
                        "ARRAY<INTEGER>");
}

static void lambda_rules_are_kept(void **state)
{
    refuses(*state, "TRANSFORM(A, I => I)", "has the name of a column");
    refuses(*state, "TRANSFORM(A, x => TRANSFORM(A, x => x))", "is already a parameter");
    refuses(*state, "FILTER(A, x => x)", "must give BOOLEAN, not INTEGER");
    refuses(*state, "REDUCE(A, 0, (s, x) => T)", "must give INTEGER, not STRING");
    refuses(*state, "TRANSFORM(A, (x, y) => x)", "does not accept parameters");
    refuses(*state, "TRANSFORM(A, x => COUNT(x))", "is not allowed in SELECT");
    refuses(*state, "ABS(x => x)", "does not accept parameters (LAMBDA with 1 parameter)");
}

static void names_are_resolved_with_a_hint(void **state)
{
    PlannerWorld *world = *state;

    refuses(world, "NOPE", "unknown column \"NOPE\" in SELECT");
    refuses(world, "TT", "unknown column \"TT\"");
    refuses(world, "S2.I", "\"S2\" is not the name or alias");
    refuses(world, "WINDOWSTART", "unknown column \"WINDOWSTART\"");
    refuses(world, "`i`", "unknown column \"i\"");
    assert_string_equal(bound(world, "S.I"), "I INTEGER");
    assert_string_equal(bound(world, "ROWTIME"), "ROWTIME BIGINT");
}

static void alias_hides_the_name_of_its_source(void **state)
{
    world_refuses(*state, "SELECT S.I FROM S X EMIT CHANGES;", ERR_STATEMENT,
                  "\"S\" is not the name or alias");
    assert_int_equal(world_plan(*state, "SELECT X.I FROM S X EMIT CHANGES;"), ERR_OK);
}

static void rowtime_compares_with_the_text_of_a_date(void **state)
{
    const char *text =
        world_text(*state, "SELECT I FROM S WHERE ROWTIME > '1970-01-02' EMIT CHANGES;");

    assert_contains(text, "(ROWTIME > 86400000)");
    text =
        world_text(*state, "SELECT I FROM S WHERE ROWTIME BETWEEN '1970' AND '1971' EMIT CHANGES;");
    assert_contains(text, "(ROWTIME BETWEEN 0 AND 31536000000)");
    refuses(*state, "ROWTIME > '1970-01-02'", "cannot compare BIGINT with STRING");
}

static void predicates_must_be_boolean(void **state)
{
    world_refuses(*state, "SELECT I FROM S WHERE I EMIT CHANGES;", ERR_STATEMENT,
                  "the condition of WHERE must be BOOLEAN, not INTEGER");
    world_refuses(*state, "SELECT I FROM S WHERE COUNT(*) > 1 EMIT CHANGES;", ERR_STATEMENT,
                  "aggregate function \"COUNT\" is not allowed in WHERE");
}

static void errors_point_at_their_place(void **state)
{
    PlannerWorld *world = *state;

    assert_int_equal(world_plan(world, "SELECT I,\n  T + I FROM S EMIT CHANGES;"), ERR_STATEMENT);
    assert_int_equal(world->err.pos.line, 2);
    assert_int_equal(world->err.pos.column, 3);
}

static void at_time_zone_is_refused(void **state)
{
    refuses(*state, "TS AT TIME ZONE 'UTC'", "AT TIME ZONE");
}

#define bind_test(test) cmocka_unit_test_setup_teardown(test, setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        bind_test(arithmetic_takes_the_wider_type),
        bind_test(decimal_arithmetic_sizes_its_result),
        bind_test(plus_joins_strings),
        bind_test(literals_have_the_narrowest_type),
        bind_test(constants_are_folded),
        bind_test(volatile_functions_are_not_folded),
        bind_test(comparisons_mix_numbers_and_dates_with_text),
        bind_test(distinct_from_compares_with_null),
        bind_test(logic_wants_booleans),
        bind_test(in_list_finds_a_common_type),
        bind_test(between_brings_bounds_to_one_type),
        bind_test(like_wants_strings_and_one_escape),
        bind_test(case_results_have_one_type),
        bind_test(nested_values_are_reached_into),
        bind_test(constructors_find_their_types),
        bind_test(structs_of_a_list_are_united_by_name),
        bind_test(casts_follow_the_matrix),
        bind_test(functions_convert_their_arguments),
        bind_test(concat_operator_is_the_function),
        bind_test(lambda_parameters_take_their_types_from_the_collection),
        bind_test(lambda_rules_are_kept),
        bind_test(names_are_resolved_with_a_hint),
        bind_test(alias_hides_the_name_of_its_source),
        bind_test(rowtime_compares_with_the_text_of_a_date),
        bind_test(predicates_must_be_boolean),
        bind_test(errors_point_at_their_place),
        bind_test(at_time_zone_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
