#include "planner/schema.h"

#include "tests/support/arena_group.h"

static const Column orders_cols[] = {
    {.name = {"ID", 2}, .type = &type_string, .role = COLUMN_KEY},
    {.name = {"a`b", 3}, .type = &type_bigint, .role = COLUMN_VALUE},
    {.name = {"H", 1}, .type = &type_bytes, .role = COLUMN_HEADER, .header = {"it's", 4}},
};
static const Schema orders = {.cols = orders_cols, .len = 3, .key_len = 1};

static void schema_print_marks_keys_and_headers(void **state)
{
    Buf out = buf_in(test_arena(state));

    schema_print(&out, &orders, true);
    assert_true(
        str_eq(buf_view(&out), STR("`ID` STRING KEY, `a``b` BIGINT, `H` BYTES HEADER('it''s')")));
    buf_clear(&out);
    schema_print(&out, &orders, false);
    assert_true(str_eq(buf_view(&out), STR("`ID` STRING, `a``b` BIGINT, `H` BYTES")));
}

static void schema_find_is_exact(void **state)
{
    (void)state;
    assert_int_equal(schema_find(&orders, STR("ID")), 0);
    assert_int_equal(schema_find(&orders, STR("a`b")), 1);
    assert_int_equal(schema_find(&orders, STR("id")), -1);
}

static void schema_copy_equals_its_original(void **state)
{
    const Schema *copy = schema_copy(test_arena(state), &orders);

    assert_true(schema_eq(copy, &orders));
    assert_ptr_not_equal(copy->cols[0].name.ptr, orders.cols[0].name.ptr);
    assert_true(schema_has_headers(copy));
}

static void schema_eq_sees_key_length_and_roles(void **state)
{
    Schema other = orders;
    Column cols[3];

    (void)state;
    other.key_len = 0;
    assert_false(schema_eq(&other, &orders));
    memcpy(cols, orders_cols, sizeof cols);
    cols[1].type = &type_int;
    other = (Schema){.cols = cols, .len = 3, .key_len = 1};
    assert_false(schema_eq(&other, &orders));
    cols[1].type = &type_bigint;
    cols[2].header = STR("x");
    assert_false(schema_eq(&other, &orders));
}

static void formats_parse_in_any_case_and_print_upper(void **state)
{
    FormatKind kind;

    (void)state;
    for (int i = 0; i < FORMAT_COUNT_; i++) {
        assert_true(format_kind_parse(str_from(format_kind_name((FormatKind)i)), &kind));
        assert_int_equal(kind, i);
    }
    assert_true(format_kind_parse(STR("Json"), &kind));
    assert_int_equal(kind, FORMAT_JSON);
    assert_false(format_kind_parse(STR("JSO"), &kind));
}

static void pseudo_columns_are_found_by_exact_name(void **state)
{
    PseudoColumn pseudo;

    (void)state;
    for (int i = 0; i < PSEUDO_COUNT_; i++) {
        assert_true(pseudo_column_find(str_from(pseudo_column_name((PseudoColumn)i)), &pseudo));
        assert_int_equal(pseudo, i);
    }
    assert_false(pseudo_column_find(STR("rowtime"), &pseudo));
    assert_ptr_equal(pseudo_column_type(PSEUDO_ROWPARTITION), &type_int);
    assert_string_equal(window_kind_name(WINDOW_SESSION), "SESSION");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(schema_print_marks_keys_and_headers),
        arena_test(schema_find_is_exact),
        arena_test(schema_copy_equals_its_original),
        arena_test(schema_eq_sees_key_length_and_roles),
        arena_test(formats_parse_in_any_case_and_print_upper),
        arena_test(pseudo_columns_are_found_by_exact_name),
    };
    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
