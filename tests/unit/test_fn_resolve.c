#include "planner/fn_resolve.h"

#include "exec/functions/fn_table.h"
#include "tests/support/arena_group.h"

static ErrCode resolve(Arena *mem, const char *const *sigs, uint32_t sigs_len,
                       const Type *const *args, uint32_t args_len, FnMatch *out, Err *err)
{
    FnQuery query = {.name = STR("F"),
                     .sigs = sigs,
                     .sigs_len = sigs_len,
                     .args = args,
                     .args_len = args_len,
                     .casts = true};

    return fn_resolve(mem, &query, out, err);
}

#define SIGS(...) ((const char *const[]){__VA_ARGS__})
#define ARGS(...) ((const Type *const[]){__VA_ARGS__})

static void exact_types_win_over_casts(void **state)
{
    FnMatch match;
    Err     err;

    assert_int_equal(resolve(test_arena(state),
                             SIGS("(x DOUBLE) -> INT", "(x BIGINT) -> INT", "(x INT) -> INT"), 3,
                             ARGS(&type_bigint), 1, &match, &err),
                     ERR_OK);
    assert_int_equal(match.index, 1);
}

static void casts_find_the_only_overload_that_fits(void **state)
{
    FnMatch match;
    Err     err;

    assert_int_equal(resolve(test_arena(state),
                             SIGS("(a INT, b INT) -> INT", "(a DOUBLE, b DOUBLE) -> INT"), 2,
                             ARGS(&type_int, &type_double), 2, &match, &err),
                     ERR_OK);
    assert_int_equal(match.index, 1);
}

static void equally_good_overloads_are_ambiguous(void **state)
{
    FnMatch match;
    Err     err;

    assert_int_equal(resolve(test_arena(state),
                             SIGS("(a INT, b INT) -> INT", "(a BIGINT, b BIGINT) -> INT",
                                  "(a DOUBLE, b DOUBLE) -> INT"),
                             3, ARGS(&type_int, &type_bigint), 2, &match, &err),
                     ERR_STATEMENT);
    assert_non_null(strstr(err.msg, "ambiguous for parameters (INTEGER, BIGINT)"));
    assert_non_null(strstr(err.msg, "F(a BIGINT, b BIGINT)"));
    assert_non_null(strstr(err.hint, "CAST"));
}

static void no_overload_lists_the_alternatives(void **state)
{
    FnMatch match;
    Err     err;

    assert_int_equal(resolve(test_arena(state), SIGS("(f LAMBDA(T) -> R, x INT) -> INT"), 1,
                             ARGS(&type_string), 1, &match, &err),
                     ERR_STATEMENT);
    assert_non_null(strstr(err.msg, "does not accept parameters (STRING)"));
    assert_non_null(strstr(err.msg, "F(f LAMBDA(T) -> R, x INT)"));
    assert_string_equal(err.hint, "");
}

static void argument_that_could_be_cast_is_advised_to_be(void **state)
{
    FnMatch match;
    Err     err;

    assert_int_equal(
        resolve(test_arena(state), SIGS("(x INT) -> INT"), 1, ARGS(&type_string), 1, &match, &err),
        ERR_STATEMENT);
    assert_non_null(strstr(err.hint, "CAST"));
}

static void ranking_prefers_fixed_then_longer_then_concrete(void **state)
{
    Arena  *mem = test_arena(state);
    FnMatch match;
    Err     err;

    assert_int_equal(resolve(mem, SIGS("(a INT...) -> INT", "(a INT) -> INT"), 2, ARGS(&type_int),
                             1, &match, &err),
                     ERR_OK);
    assert_int_equal(match.index, 1);
    assert_int_equal(resolve(mem, SIGS("(a INT...) -> INT", "(a INT, b INT...) -> INT"), 2,
                             ARGS(&type_int), 1, &match, &err),
                     ERR_OK);
    assert_int_equal(match.index, 1);
    assert_int_equal(
        resolve(mem, SIGS("(a T) -> INT", "(a INT) -> INT"), 2, ARGS(&type_int), 1, &match, &err),
        ERR_OK);
    assert_int_equal(match.index, 1);
}

static void variadic_takes_none_and_many(void **state)
{
    Arena  *mem = test_arena(state);
    FnMatch match;
    Err     err;

    assert_int_equal(
        resolve(mem, SIGS("(a STRING, b INT...) -> INT"), 1, ARGS(&type_string), 1, &match, &err),
        ERR_OK);
    assert_int_equal(resolve(mem, SIGS("(a STRING, b INT...) -> INT"), 1,
                             ARGS(&type_string, &type_int, &type_int), 3, &match, &err),
                     ERR_OK);
    assert_int_equal(resolve(mem, SIGS("(a STRING, b INT...) -> INT"), 1, NULL, 0, &match, &err),
                     ERR_STATEMENT);
}

static void decimal_parameter_takes_integers_as_decimals(void **state)
{
    Arena      *mem = test_arena(state);
    FnMatch     match;
    Err         err;
    const Type *args[] = {&type_int};
    FnQuery     query = {.name = STR("F"),
                         .sigs = SIGS("(x DECIMAL) -> DECIMAL"),
                         .sigs_len = 1,
                         .args = args,
                         .args_len = 1,
                         .casts = true};

    assert_int_equal(fn_resolve(mem, &query, &match, &err), ERR_OK);
    assert_true(type_eq(fn_match_arg(mem, &match, &query, 0), type_decimal(mem, 10, 0)));
    query.casts = false;
    assert_int_equal(fn_resolve(mem, &query, &match, &err), ERR_STATEMENT);
}

static void table_finds_all_rows_of_a_name(void **state)
{
    const FnTable *table = fn_table();
    FnRange        range = fn_table_find(table, STR("ABS"));

    assert_true(range.end - range.first >= 3);
    for (size_t i = range.first; i < range.end; i++)
        assert_string_equal(table->fns[i]->name, "ABS");
    range = fn_table_find(table, STR("NO_SUCH_FUNCTION"));
    assert_int_equal(range.first, range.end);
    range = fn_table_find_agg(table, STR("COUNT"));
    assert_true(range.end > range.first);
    assert_true(str_eq(fn_table_nearest(table, STR("UCAES"), test_arena(state)), STR("UCASE")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(exact_types_win_over_casts),
        arena_test(casts_find_the_only_overload_that_fits),
        arena_test(equally_good_overloads_are_ambiguous),
        arena_test(no_overload_lists_the_alternatives),
        arena_test(argument_that_could_be_cast_is_advised_to_be),
        arena_test(ranking_prefers_fixed_then_longer_then_concrete),
        arena_test(variadic_takes_none_and_many),
        arena_test(decimal_parameter_takes_integers_as_decimals),
        arena_test(table_finds_all_rows_of_a_name),
    };
    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
