#include "tests/support/arena_group.h"
#include "tests/support/eval_sql.h"

static void characters_are_masked_by_class(void **state)
{
    EVAL_CHECK(
        state, {"MASK('My Test $123')", "Xx-Xxxx--nnn"}, {"MASK('')", ""},
        {"MASK(CAST(NULL AS STRING))", "null"}, {"MASK('Ää٣')", "Xxn"}, {"MASK('a😀')", "x--"},
        {"MASK('aA1-', CAST(NULL AS STRING), 'y', NULL, '?')", "yA1?"},
        {"MASK('a', 'XX', 'y', 'z', '?')", "error"}, {"MASK('a', '', 'y', 'z', '?')", "error"});
}

static void parts_are_masked_by_position(void **state)
{
    EVAL_CHECK(state, {"MASK_LEFT('aB12', 2)", "xX12"}, {"MASK_LEFT('aB12', 20)", "xXnn"},
               {"MASK_LEFT('aB12', 0)", "aB12"}, {"MASK_RIGHT('aB12', 1)", "aB1n"},
               {"MASK_KEEP_LEFT('aB12', 1)", "aXnn"}, {"MASK_KEEP_RIGHT('aB12', 3)", "xB12"},
               {"MASK_KEEP_RIGHT('aB12', 2147483647)", "aB12"}, {"MASK_LEFT('aB12', -1)", "error"},
               {"MASK_LEFT(CAST(NULL AS STRING), -1)", "error"},
               {"MASK_LEFT(CAST(NULL AS STRING), 1)", "null"},
               {"MASK_RIGHT('a', CAST(NULL AS INT))", "error"}, {"MASK_LEFT('😀b', 1)", "-�b"});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(characters_are_masked_by_class),
        arena_test(parts_are_masked_by_position),
    };
    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
