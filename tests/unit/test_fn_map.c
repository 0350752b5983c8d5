#include "tests/support/arena_group.h"
#include "tests/support/eval_sql.h"

static void as_map_pairs_by_position(void **state)
{
    EVAL_CHECK(state, {"AS_MAP(ARRAY['a', 'b', 'a'], ARRAY[1, 2, 3])", "{a=3, b=2}"},
               {"AS_MAP(ARRAY['a', 'b'], ARRAY[1])", "{a=1, b=null}"},
               {"AS_MAP(ARRAY['a'], ARRAY[1, 2])", "{a=1}"},
               {"AS_MAP(ARRAY['a'], CAST(NULL AS ARRAY<INT>))", "null"});
}

static void union_prefers_the_second_map(void **state)
{
    EVAL_CHECK(
        state, {"MAP_UNION(MAP('a' := 1, 'b' := 2), MAP('b' := 3))", "{a=1, b=3}"},
        {"MAP_UNION(CAST(NULL AS MAP<STRING, INT>), MAP('b' := 3))", "{b=3}"},
        {"MAP_UNION(CAST(NULL AS MAP<STRING, INT>), CAST(NULL AS MAP<STRING, INT>))", "null"});
}

static void arrays_of_a_map_stand_in_the_order_of_ksqldb(void **state)
{
    EVAL_CHECK(state,
               {"MAP_KEYS(MAP('yes, thanks' := 1, 'nope' := 2, 'sure, yeah' := 3))",
                "[yes, thanks, sure, yeah, nope]"},
               {"MAP_VALUES(MAP('yes, thanks' := 1, 'nope' := 2, 'sure, yeah' := 3))", "[1, 3, 2]"},
               {"MAP_KEYS(CAST(NULL AS MAP<STRING, INT>))", "null"});
}

static void entries_are_sorted_on_demand(void **state)
{
    EVAL_CHECK(state,
               {"ENTRIES(MAP('b' := 1, 'a' := 2), TRUE)", "[Struct{K=a,V=2}, Struct{K=b,V=1}]"},
               {"ENTRIES(CAST(NULL AS MAP<STRING, INT>), TRUE)", "null"},
               {"ENTRIES(MAP('b' := 1), CAST(NULL AS BOOLEAN))", "error"});
}

static void a_map_is_looked_up_by_key(void **state)
{
    EVAL_CHECK(state, {"MAP('a' := 1)['b']", "null"}, {"MAP('a' := 1, 'a' := 2)['a']", "2"},
               {"CAST(NULL AS MAP<STRING, INT>)['a']", "null"}, {"MAP(1 := 'x')[1]", "x"});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(as_map_pairs_by_position),
        arena_test(union_prefers_the_second_map),
        arena_test(arrays_of_a_map_stand_in_the_order_of_ksqldb),
        arena_test(entries_are_sorted_on_demand),
        arena_test(a_map_is_looked_up_by_key),
    };
    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
