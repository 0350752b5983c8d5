#include "exec/agg.h"

#include "common/decimal.h"
#include "exec/functions/fn_table.h"
#include "tests/support/arena_group.h"
#include "tests/support/eval_sql.h"

/* An aggregate over column X of a type, with its slots. */
typedef struct Agg {
    AggCall  call;
    AggSlots slots;
} Agg;

static Agg agg_open(Arena *mem, const char *columns, const char *text)
{
    Agg     agg = {0};
    PlanAgg plan;
    Err     err;

    if (eval_bind_agg(mem, eval_schema(mem, columns), text, &plan, &err) != ERR_OK)
        fail_msg("%s: %s", text, err.msg);
    agg.call = (AggCall){.def = plan.def,
                         .arg_types = plan.arg_types,
                         .args_len = plan.args_len,
                         .init_args = plan.init_args,
                         .init_len = plan.init_len,
                         .result = plan.type,
                         .slot_types = plan.slot_types,
                         .limit = plan.limit,
                         .mem = mem};
    agg.slots.values = ARENA_ARRAY(mem, Value, plan.def->slots_len);
    plan.def->init(&agg.call, &agg.slots);
    return agg;
}

static ErrCode agg_add(Agg *agg, Value v)
{
    Err err;

    return agg->call.def->add(&agg->call, &agg->slots, &v, &err);
}

static Value agg_result(Agg *agg)
{
    Value out = value_null();
    Err   err;

    assert_int_equal(agg->call.def->finish(&agg->call, &agg->slots, &out, &err), ERR_OK);
    return out;
}

static const char *agg_result_text(Agg *agg)
{
    Buf   text = buf_in(agg->call.mem);
    Value v = agg_result(agg);

    if (value_is_null(v))
        return "null";
    value_print(&text, v, agg->call.result);
    return str_to_c(agg->call.mem, buf_view(&text));
}

/* The result over rows of X INT: integers, and null for INT64_MIN. */
static const char *over_ints(Arena *mem, const char *text, const int64_t *rows, size_t len)
{
    Agg agg = agg_open(mem, "X INT", text);

    for (size_t i = 0; i < len; i++)
        assert_int_equal(
            agg_add(&agg, rows[i] == INT64_MIN ? value_null() : value_int((int32_t)rows[i])),
            ERR_OK);
    return agg_result_text(&agg);
}

#define OVER_INTS(state, text, expected, ...)                                                      \
    do {                                                                                           \
        const int64_t rows_[] = {__VA_ARGS__};                                                     \
        assert_string_equal(                                                                       \
            over_ints(test_arena(state), text, rows_, sizeof rows_ / sizeof rows_[0]), expected);  \
    } while (0)

static void nulls_alone_give_zero_or_null(void **state)
{
    OVER_INTS(state, "COUNT(X)", "0", INT64_MIN);
    OVER_INTS(state, "SUM(X)", "0", INT64_MIN);
    OVER_INTS(state, "AVG(X)", "0.0", INT64_MIN);
    OVER_INTS(state, "MIN(X)", "null", INT64_MIN);
    OVER_INTS(state, "MAX(X)", "null", INT64_MIN);
    OVER_INTS(state, "STDDEV_SAMPLE(X)", "0.0", INT64_MIN);
    OVER_INTS(state, "COLLECT_LIST(X)", "[null]", INT64_MIN);
    OVER_INTS(state, "COUNT_DISTINCT(X)", "0", INT64_MIN);
    OVER_INTS(state, "TOPK(X, 2)", "[]", INT64_MIN);
    OVER_INTS(state, "LATEST_BY_OFFSET(X)", "null", INT64_MIN);
}

static void integer_sums_wrap(void **state)
{
    OVER_INTS(state, "SUM(X)", "-2147483648", INT32_MAX, 1);
    OVER_INTS(state, "MIN(X)", "-2147483648", 5, INT32_MIN);
    OVER_INTS(state, "MAX(X)", "2147483647", 5, INT32_MAX);
}

static void a_decimal_sum_that_does_not_fit_is_an_error(void **state)
{
    Agg agg = agg_open(test_arena(state), "X DECIMAL(3, 1)", "SUM(X)");

    assert_int_equal(agg_add(&agg, decimal_from_i64(999, 1)), ERR_OK);
    assert_string_equal(agg_result_text(&agg), "99.9");
    assert_int_equal(agg_add(&agg, decimal_from_i64(1, 1)), ERR_EVAL);
    assert_string_equal(agg_result_text(&agg), "99.9");
}

static void topk_keeps_the_largest_in_order(void **state)
{
    OVER_INTS(state, "TOPK(X, 3)", "[9, 7, 7]", 1, 7, 9, 7, 3);
    OVER_INTS(state, "TOPKDISTINCT(X, 3)", "[9, 7, 3]", 1, 7, 9, 7, 3);
    OVER_INTS(state, "TOPK(X, 1)", "[9]", 9, 1);
}

static void literal_arguments_are_checked_in_the_statement(void **state)
{
    static const char *const texts[] = {"TOPK(X, 0)", "TOPK(X, -1)", "LATEST_BY_OFFSET(X, 0)",
                                        "EARLIEST_BY_OFFSET(X, -2147483648)", "TOPK(X, X)"};

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        Arena  *test_mem = test_arena(state);
        PlanAgg plan;
        Err     err;

        assert_int_equal(
            eval_bind_agg(test_mem, eval_schema(test_mem, "X INT"), texts[i], &plan, &err),
            ERR_STATEMENT);
    }
}

static void earliest_and_latest_see_nulls_on_demand(void **state)
{
    OVER_INTS(state, "LATEST_BY_OFFSET(X)", "2", 1, 2, INT64_MIN);
    OVER_INTS(state, "LATEST_BY_OFFSET(X, FALSE)", "null", 1, 2, INT64_MIN);
    OVER_INTS(state, "EARLIEST_BY_OFFSET(X)", "1", INT64_MIN, 1, 2);
    OVER_INTS(state, "EARLIEST_BY_OFFSET(X, FALSE)", "null", INT64_MIN, 1, 2);
    OVER_INTS(state, "LATEST_BY_OFFSET(X, 2, FALSE)", "[2, null]", 1, 2, INT64_MIN);
    OVER_INTS(state, "EARLIEST_BY_OFFSET(X, 2)", "[1, 2]", INT64_MIN, 1, 2, 3);
}

static void attr_is_null_while_values_differ(void **state)
{
    Agg   agg = agg_open(test_arena(state), "X INT", "ATTR(X)");
    Value two = value_int(2);
    Err   err;

    assert_int_equal(agg_add(&agg, value_int(1)), ERR_OK);
    assert_int_equal(agg_add(&agg, two), ERR_OK);
    assert_true(value_is_null(agg_result(&agg)));
    assert_int_equal(agg.call.def->undo(&agg.call, &agg.slots, &two, &err), ERR_OK);
    assert_int_equal(agg_result(&agg).u.i, 1);
    assert_int_equal(agg.call.def->undo(&agg.call, &agg.slots, &two, &err), ERR_OK);
    assert_int_equal(agg_result(&agg).u.i, 1);
}

static void collect_list_takes_back_the_last_equal_element(void **state)
{
    Agg   agg = agg_open(test_arena(state), "X INT", "COLLECT_LIST(X)");
    Value one = value_int(1);
    Value absent = value_int(9);
    Err   err;

    assert_int_equal(agg_add(&agg, one), ERR_OK);
    assert_int_equal(agg_add(&agg, value_int(2)), ERR_OK);
    assert_int_equal(agg_add(&agg, one), ERR_OK);
    assert_int_equal(agg.call.def->undo(&agg.call, &agg.slots, &one, &err), ERR_OK);
    assert_string_equal(agg_result_text(&agg), "[1, 2]");
    assert_int_equal(agg.call.def->undo(&agg.call, &agg.slots, &absent, &err), ERR_OK);
    assert_string_equal(agg_result_text(&agg), "[1, 2]");
}

static void a_limit_leaves_the_surplus_out(void **state)
{
    Agg agg = agg_open(test_arena(state), "X INT", "COLLECT_LIST(X)");

    agg.call.limit = 2;
    for (int i = 0; i < 5; i++)
        assert_int_equal(agg_add(&agg, value_int(i)), ERR_OK);
    assert_string_equal(agg_result_text(&agg), "[0, 1]");
}

static void histogram_stops_at_a_thousand_keys(void **state)
{
    Agg agg = agg_open(test_arena(state), "X STRING", "HISTOGRAM(X)");

    for (int i = 0; i < 1100; i++)
        assert_int_equal(agg_add(&agg, value_str(str_printf(test_arena(state), "%d", i))), ERR_OK);
    assert_int_equal(agg_result(&agg).len, 1000);
}

static void count_distinct_is_exact_then_near(void **state)
{
    Agg agg = agg_open(test_arena(state), "X INT", "COUNT_DISTINCT(X)");

    for (int i = 0; i < 1024; i++)
        assert_int_equal(agg_add(&agg, value_int(i % 512)), ERR_OK);
    assert_int_equal(agg_result(&agg).u.i, 512);
    for (int i = 0; i < 20000; i++)
        assert_int_equal(agg_add(&agg, value_int(i)), ERR_OK);
    assert_in_range(agg_result(&agg).u.i, 19400, 20600);
}

static void merged_distinct_counts_are_those_of_the_union(void **state)
{
    Agg a = agg_open(test_arena(state), "X INT", "COUNT_DISTINCT(X)");
    Agg b = agg_open(test_arena(state), "X INT", "COUNT_DISTINCT(X)");
    Err err;

    for (int i = 0; i < 400; i++)
        assert_int_equal(agg_add(&a, value_int(i)), ERR_OK);
    for (int i = 200; i < 3000; i++)
        assert_int_equal(agg_add(&b, value_int(i)), ERR_OK);
    assert_int_equal(a.call.def->merge(&a.call, &a.slots, &b.slots, &err), ERR_OK);
    assert_in_range(agg_result(&a).u.i, 2900, 3100);
    assert_int_equal(a.call.def->merge(&a.call, &a.slots, &b.slots, &err), ERR_OK);
    assert_in_range(agg_result(&a).u.i, 2900, 3100);
}

static void a_constant_column_has_no_correlation(void **state)
{
    Arena *test_mem = test_arena(state);
    Agg    agg = agg_open(test_mem, "X INT, Y INT", "CORRELATION(X, Y)");
    Value  rows[][2] = {{value_int(1), value_int(5)}, {value_int(2), value_int(5)}};
    Err    err;

    for (int i = 0; i < 2; i++)
        assert_int_equal(agg.call.def->add(&agg.call, &agg.slots, rows[i], &err), ERR_OK);
    assert_string_equal(agg_result_text(&agg), "NaN");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(nulls_alone_give_zero_or_null),
        arena_test(integer_sums_wrap),
        arena_test(a_decimal_sum_that_does_not_fit_is_an_error),
        arena_test(topk_keeps_the_largest_in_order),
        arena_test(literal_arguments_are_checked_in_the_statement),
        arena_test(earliest_and_latest_see_nulls_on_demand),
        arena_test(attr_is_null_while_values_differ),
        arena_test(collect_list_takes_back_the_last_equal_element),
        arena_test(a_limit_leaves_the_surplus_out),
        arena_test(histogram_stops_at_a_thousand_keys),
        arena_test(count_distinct_is_exact_then_near),
        arena_test(merged_distinct_counts_are_those_of_the_union),
        arena_test(a_constant_column_has_no_correlation),
    };
    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
