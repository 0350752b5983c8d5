#include "tests/support/arena_group.h"
#include "tests/support/eval_sql.h"

static void distances_are_great_circles(void **state)
{
    EVAL_CHECK(state, {"ROUND(GEO_DISTANCE(0, 0, 0, 180))", "20015"},
               {"ROUND(GEO_DISTANCE(0, 0, 0, 180, ' MILES '))", "12438"},
               {"GEO_DISTANCE(10, 20, 10, 20)", "0.0"},
               {"ROUND(GEO_DISTANCE(0, 0, 0, 180, CAST(NULL AS STRING)))", "20015"},
               {"ROUND(GEO_DISTANCE(90, 0, -90, 0, ''))", "20015"});
}

static void places_off_the_earth_fail(void **state)
{
    EVAL_CHECK(state, {"GEO_DISTANCE(91, 0, 0, 0)", "error"},
               {"GEO_DISTANCE(0, 181, 0, 0)", "error"},
               {"GEO_DISTANCE(SQRT(-1), 0, 0, 0)", "error"},
               {"GEO_DISTANCE(0, 0, 0, 0, 'parsec')", "error"},
               {"GEO_DISTANCE(CAST(NULL AS DOUBLE), 0, 0, 0)", "error"});
}

static void as_value_is_the_identity(void **state)
{
    EVAL_CHECK(state, {"AS_VALUE('a')", "a"}, {"AS_VALUE(CAST(NULL AS INT))", "null"});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(distances_are_great_circles),
        arena_test(places_off_the_earth_fail),
        arena_test(as_value_is_the_identity),
    };
    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
