#include "tests/support/arena_group.h"
#include "tests/support/eval_sql.h"

static void arrays_are_indexed_from_either_end(void **state)
{
    EVAL_CHECK(state, {"ARRAY[1, 2, 3][1]", "1"}, {"ARRAY[1, 2, 3][-1]", "3"},
               {"ARRAY[1, 2, 3][0]", "null"}, {"ARRAY[1, 2, 3][4]", "null"},
               {"ARRAY[1, 2, 3][-4]", "null"}, {"ARRAY[1][-2147483648]", "null"},
               {"ARRAY[1][9223372036854775807]", "null"}, {"CAST(NULL AS ARRAY<INT>)[1]", "null"},
               {"ARRAY[1][CAST(NULL AS INT)]", "null"});
}

static void fields_of_null_are_null(void **state)
{
    EVAL_CHECK(state, {"STRUCT(A := 1, B := 'x')->B", "x"},
               {"CAST(NULL AS STRUCT<A INT>)->A", "null"},
               {"STRUCT(A := STRUCT(B := 2))->A->B", "2"}, {"ARRAY[STRUCT(A := 1)][1]->A", "1"});
}

static void an_error_inside_a_constructor_stays_inside(void **state)
{
    EVAL_CHECK(state, {"ARRAY[1, 1 / 0]", "[1, null]"},
               {"STRUCT(A := 1 / 0, B := 2)", "Struct{B=2}"}, {"MAP('a' := 1 / 0)['a']", "null"},
               {"ARRAY[1 / 0, 1][2]", "1"}, {"1 + ARRAY[1 / 0, 1][2]", "2"});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(arrays_are_indexed_from_either_end),
        arena_test(fields_of_null_are_null),
        arena_test(an_error_inside_a_constructor_stays_inside),
    };
    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
