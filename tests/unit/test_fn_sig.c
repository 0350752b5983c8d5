#include "planner/fn_sig.h"

#include "exec/functions/fn_table.h"
#include "tests/support/arena_group.h"

static FnSig parse(Arena *mem, const char *text)
{
    FnSig       sig;
    const char *at;

    if (!fn_sig_parse(mem, text, &sig, &at))
        fail_msg("%s: malformed at \"%s\"", text, at);
    return sig;
}

static void signature_gives_parameters_and_result(void **state)
{
    FnSig sig = parse(test_arena(state), "(x DOUBLE, s STRING) -> BIGINT");

    assert_int_equal(sig.params_len, 2);
    assert_int_equal(sig.variadic, -1);
    assert_true(str_eq(sig.params[1].name, STR("s")));
    assert_ptr_equal(sig.params[0].type->type, &type_double);
    assert_ptr_equal(sig.result->type, &type_bigint);
}

static void signature_nests(void **state)
{
    Arena *mem = test_arena(state);
    FnSig  sig = parse(mem, "(m MAP<K, ARRAY<V>>, f LAMBDA(K, V) -> R) -> MAP<R, STRUCT<`a` V>>");
    Buf    out = buf_in(mem);

    assert_int_equal(sig.params[0].type->kind, FN_TYPE_MAP);
    assert_int_equal(sig.params[1].type->kind, FN_TYPE_LAMBDA);
    assert_int_equal(sig.params[1].type->parts_len, 2);
    fn_type_print(&out, sig.params[1].type);
    assert_true(str_eq(buf_view(&out), STR("LAMBDA (K, V) => R")));
    buf_clear(&out);
    fn_type_print(&out, sig.result);
    assert_true(str_eq(buf_view(&out), STR("MAP<R, STRUCT<a V>>")));
}

static void variadic_parameter_repeats_in_the_middle(void **state)
{
    FnSig sig = parse(test_arena(state), "(a INT, b STRING..., c INT LITERAL) -> INT");

    assert_int_equal(sig.variadic, 1);
    assert_true(str_eq(fn_sig_param(&sig, 0, 2)->name, STR("a")));
    assert_true(str_eq(fn_sig_param(&sig, 1, 2)->name, STR("c")));
    assert_true(str_eq(fn_sig_param(&sig, 1, 4)->name, STR("b")));
    assert_true(str_eq(fn_sig_param(&sig, 2, 4)->name, STR("b")));
    assert_true(str_eq(fn_sig_param(&sig, 3, 4)->name, STR("c")));
    assert_true(fn_sig_param(&sig, 3, 4)->is_literal);
    assert_null(fn_sig_param(&sig, 0, 1));
}

static void malformed_signature_is_refused(void **state)
{
    static const char *const texts[] = {
        "",
        "x",
        "(x) -> INT",
        "(x INT)",
        "(x INT) ->",
        "(x NOPE) -> INT",
        "(x ARRAY<INT) -> INT",
        "(x MAP<INT>) -> INT",
        "(x INT) -> INT extra",
        "(x DECIMAL(3) ) -> INT",
    };
    FnSig       sig;
    const char *at;

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_false(fn_sig_parse(test_arena(state), texts[i], &sig, &at));
}

static void type_variable_binds_to_one_type(void **state)
{
    Arena *mem = test_arena(state);
    FnSig  sig = parse(mem, "(a T, b ARRAY<T>) -> T");
    FnVars vars = {0};

    assert_true(fn_type_match(sig.params[0].type, &type_int, &vars, true));
    assert_false(fn_type_match(sig.params[0].type, &type_bigint, &vars, true));
    assert_true(fn_type_match(sig.params[1].type, type_array(mem, &type_int), &vars, true));
    assert_false(fn_type_match(sig.params[1].type, type_array(mem, &type_string), &vars, true));
    assert_true(fn_type_match(sig.params[0].type, &type_null, &vars, false));
    assert_ptr_equal(fn_type_make(mem, sig.result, &vars), &type_int);
}

static void unbound_variable_makes_no_type(void **state)
{
    Arena *mem = test_arena(state);
    FnSig  sig = parse(mem, "(a T) -> ARRAY<T>");
    FnVars vars = {0};

    assert_true(fn_type_match(sig.params[0].type, &type_null, &vars, false));
    assert_null(fn_type_make(mem, sig.result, &vars));
}

static void implicit_casts_only_widen(void **state)
{
    Arena      *mem = test_arena(state);
    const Type *decimal = type_decimal(mem, 4, 2);

    assert_true(fn_implicit_cast(&type_int, &type_double));
    assert_true(fn_implicit_cast(&type_bigint, decimal));
    assert_true(fn_implicit_cast(decimal, &type_double));
    assert_false(fn_implicit_cast(&type_double, decimal));
    assert_false(fn_implicit_cast(&type_bigint, &type_int));
    assert_true(fn_implicit_cast(&type_string, &type_timestamp));
    assert_false(fn_implicit_cast(&type_string, &type_int));
    assert_true(fn_implicit_cast(type_array(mem, &type_int), type_array(mem, &type_bigint)));
    assert_false(fn_implicit_cast(&type_int, &type_string));
}

static void every_signature_of_the_function_table_parses(void **state)
{
    Arena         *mem = test_arena(state);
    const FnTable *table = fn_table();

    assert_true(table->fns_len > 0);
    for (size_t i = 0; i < table->fns_len; i++)
        (void)parse(mem, table->fns[i]->sig);
    for (size_t i = 0; i < table->aggs_len; i++)
        (void)parse(mem, table->aggs[i]->sig);
    for (size_t i = 0; i < table->table_fns_len; i++)
        (void)parse(mem, table->table_fns[i]->sig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(signature_gives_parameters_and_result),
        arena_test(signature_nests),
        arena_test(variadic_parameter_repeats_in_the_middle),
        arena_test(malformed_signature_is_refused),
        arena_test(type_variable_binds_to_one_type),
        arena_test(unbound_variable_makes_no_type),
        arena_test(implicit_casts_only_widen),
        arena_test(every_signature_of_the_function_table_parses),
    };
    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
