#include "common/type.h"

#include "tests/support/text_is.h"

static const Type *nested(Arena *arena)
{
    const TypeField inner[] = {{STR("X"), type_decimal(arena, 4, 2)}, {STR("a`b"), &type_int}};
    const TypeField outer[] = {
        {STR("ITEMS"), type_array(arena, type_struct(arena, inner, 2))},
        {STR("by key"), type_map(arena, &type_string, &type_double)},
    };

    return type_struct(arena, outer, 2);
}

static void type_prints_as_sql(void **state)
{
    Arena *arena = test_arena(state);

    assert_text(type_text(arena, &type_int), "INTEGER");
    assert_text(type_text(arena, &type_timestamp), "TIMESTAMP");
    assert_text(type_text(arena, type_decimal(arena, 1000, 0)), "DECIMAL(1000, 0)");
    assert_text(type_text(arena, nested(arena)),
                "STRUCT<`ITEMS` ARRAY<STRUCT<`X` DECIMAL(4, 2), `a``b` INTEGER>>, "
                "`by key` MAP<STRING, DOUBLE>>");
    assert_text(type_text(arena, type_struct(arena, NULL, 0)), "STRUCT< >");
}

static void type_eq_sees_every_part(void **state)
{
    Arena          *arena = test_arena(state);
    const TypeField a[] = {{STR("A"), &type_int}}, b[] = {{STR("B"), &type_int}},
                    c[] = {{STR("A"), &type_bigint}};

    assert_true(type_eq(nested(arena), nested(arena)));
    assert_true(type_eq(type_struct(arena, a, 1), type_struct(arena, a, 1)));
    assert_false(type_eq(type_struct(arena, a, 1), type_struct(arena, b, 1)));
    assert_false(type_eq(type_struct(arena, a, 1), type_struct(arena, c, 1)));
    assert_false(type_eq(type_struct(arena, a, 1), type_struct(arena, a, 0)));
    assert_false(type_eq(type_decimal(arena, 4, 2), type_decimal(arena, 4, 1)));
    assert_false(type_eq(type_decimal(arena, 5, 2), type_decimal(arena, 4, 2)));
    assert_false(type_eq(type_array(arena, &type_int), type_array(arena, &type_string)));
    assert_false(
        type_eq(type_map(arena, &type_int, &type_int), type_map(arena, &type_string, &type_int)));
    assert_false(type_eq(&type_date, &type_timestamp));
}

static void type_copy_outlives_its_origin(void **state)
{
    Arena      *origin_mem = arena_new(0);
    const Type *copy = type_copy(test_arena(state), nested(origin_mem));

    arena_free(origin_mem);
    assert_true(type_eq(copy, nested(test_arena(state))));
    assert_ptr_equal(type_copy(test_arena(state), &type_date), &type_date);
}

static void type_struct_copies_the_list_of_fields(void **state)
{
    TypeField   fields[] = {{STR("A"), &type_int}};
    const Type *type = type_struct(test_arena(state), fields, 1);

    fields[0].type = &type_string;
    assert_int_equal(type->fields[0].type->kind, T_INT);
}

static void type_contains_looks_at_every_depth(void **state)
{
    const Type *type = nested(test_arena(state));

    assert_true(type_contains(type, T_STRUCT));
    assert_true(type_contains(type, T_DECIMAL));
    assert_true(type_contains(type, T_DOUBLE));
    assert_true(type_contains(type, T_STRING));
    assert_false(type_contains(type, T_BYTES));
}

static void type_kinds_are_told_apart(void **state)
{
    (void)state;
    assert_true(type_is_numeric(&type_int) && type_is_numeric(&type_double));
    assert_false(type_is_numeric(&type_boolean) || type_is_numeric(&type_date));
    assert_true(type_is_nested(type_array(test_arena(state), &type_int)));
    assert_false(type_is_nested(&type_bytes));
}

static void type_scalar_is_the_shared_constant(void **state)
{
    (void)state;
    assert_ptr_equal(type_scalar(T_STRING), &type_string);
    assert_null(type_scalar(T_DECIMAL));
    assert_null(type_scalar(T_STRUCT));
    for (int kind = 0; kind < T_COUNT_; kind++) {
        assert_non_null(type_kind_name((TypeKind)kind));
        if (type_scalar((TypeKind)kind))
            assert_int_equal(type_scalar((TypeKind)kind)->kind, kind);
    }
}

static void type_field_find_prefers_the_exact_name(void **state)
{
    const TypeField fields[] = {{STR("AB"), &type_int},
                                {STR("ab"), &type_int},
                                {STR("Cd"), &type_int},
                                {STR("X_1"), &type_int}};
    const Type     *type = type_struct(test_arena(state), fields, 4);

    assert_int_equal(type_field_find(type, STR("ab")), 1);
    assert_int_equal(type_field_find(type, STR("Ab")), 0);
    assert_int_equal(type_field_find(type, STR("x_1")), 3);
    assert_int_equal(type_field_find(type, STR("cd")), -1);
    assert_int_equal(type_field_find(type, STR("")), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(type_prints_as_sql),
        arena_test(type_eq_sees_every_part),
        arena_test(type_copy_outlives_its_origin),
        arena_test(type_struct_copies_the_list_of_fields),
        arena_test(type_contains_looks_at_every_depth),
        arena_test(type_kinds_are_told_apart),
        arena_test(type_scalar_is_the_shared_constant),
        arena_test(type_field_find_prefers_the_exact_name),
    };

    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
