#include "exec/expr_eval.h"

#include <stdio.h>

#include "tests/support/arena_group.h"
#include "tests/support/eval_sql.h"

typedef struct Seen {
    uint32_t reports;
    char     name[32];
    char     msg[ERR_MSG_BYTES];
} Seen;

static void remember(void *self, const ExprProg *prog, const Row *row, const Err *err)
{
    Seen *seen = self;

    (void)row;
    seen->reports++;
    snprintf(seen->name, sizeof seen->name, "%s", expr_name(prog));
    snprintf(seen->msg, sizeof seen->msg, "%s", err->msg);
}

/* Columns A INT, B INT, S STRING, T BOOLEAN. */
static const ExprProg *program(Arena *mem, const char *text, bool nested_error_set_null)
{
    ExprOpts        opts = {.nested_error_set_null = nested_error_set_null, .name = "column"};
    Expr           *expr;
    const ExprProg *prog;
    Err             err;

    if (eval_bind(mem, eval_schema(mem, "A INT, B INT, S STRING, T BOOLEAN"), text, &expr, &err))
        fail_msg("%s: %s", text, err.msg);
    assert_int_equal(expr_compile(mem, expr, &opts, &prog, &err), ERR_OK);
    return prog;
}

static Value run(Arena *mem, const ExprProg *prog, Value a, Value b, Seen *seen)
{
    Value      cols[] = {a, b, value_str(STR("text")), value_null()};
    Row        row = {.cols = cols};
    ExprErrors errors = {remember, seen};
    ExprCtx    ctx = {.mem = mem, .errors = &errors};

    return expr_eval(prog, &row, &ctx);
}

static void columns_are_read_from_the_row(void **state)
{
    Arena *test_mem = test_arena(state);
    Seen   seen = {0};
    Value  v =
        run(test_mem, program(test_mem, "A * 10 + B", true), value_int(4), value_int(2), &seen);

    assert_int_equal(v.kind, T_INT);
    assert_int_equal(v.u.i, 42);
    assert_int_equal(seen.reports, 0);
}

static void a_column_against_a_constant_compares_either_way_round(void **state)
{
    static const struct {
        const char *text;
        bool        at_4, at_5, at_6;
    } cases[] = {
        {"A < 5", true, false, false}, {"5 > A", true, false, false}, {"A <= 5", true, true, false},
        {"5 >= A", true, true, false}, {"A > 5", false, false, true}, {"5 < A", false, false, true},
        {"A >= 5", false, true, true}, {"5 <= A", false, true, true}, {"A = 5", false, true, false},
        {"5 = A", false, true, false}, {"A <> 5", true, false, true}, {"5 <> A", true, false, true},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        Arena          *test_mem = test_arena(state);
        const ExprProg *prog = program(test_mem, cases[i].text, true);
        Seen            seen = {0};

        assert_int_equal(run(test_mem, prog, value_int(4), value_null(), &seen).u.b, cases[i].at_4);
        assert_int_equal(run(test_mem, prog, value_int(5), value_null(), &seen).u.b, cases[i].at_5);
        assert_int_equal(run(test_mem, prog, value_int(6), value_null(), &seen).u.b, cases[i].at_6);
        assert_int_equal(run(test_mem, prog, value_null(), value_null(), &seen).kind, T_BOOLEAN);
        assert_false(run(test_mem, prog, value_null(), value_null(), &seen).u.b);
        assert_int_equal(seen.reports, 0);
    }
}

static void an_error_gives_null_and_one_report_with_the_name(void **state)
{
    Arena *test_mem = test_arena(state);
    Seen   seen = {0};
    Value  v = run(test_mem, program(test_mem, "A / B", true), value_int(1), value_int(0), &seen);

    assert_true(value_is_null(v));
    assert_int_equal(seen.reports, 1);
    assert_string_equal(seen.name, "column");
    assert_string_equal(seen.msg, "division by zero");
}

static void the_smallest_enclosing_piece_becomes_null(void **state)
{
    Arena *test_mem = test_arena(state);
    Seen   seen = {0};
    Value  v = run(test_mem, program(test_mem, "IFNULL(A / B, -1)", true), value_int(1),
                   value_int(0), &seen);

    assert_int_equal(v.u.i, -1);
    assert_int_equal(seen.reports, 1);
}

static void without_the_setting_the_whole_expression_becomes_null(void **state)
{
    Arena *test_mem = test_arena(state);
    Seen   seen = {0};
    Value  v = run(test_mem, program(test_mem, "IFNULL(A / B, -1)", false), value_int(1),
                   value_int(0), &seen);

    assert_true(value_is_null(v));
    assert_int_equal(seen.reports, 1);
}

static void an_error_does_not_outlive_its_row(void **state)
{
    Arena          *test_mem = test_arena(state);
    const ExprProg *prog = program(test_mem, "A / B", true);
    Seen            seen = {0};

    assert_true(value_is_null(run(test_mem, prog, value_int(6), value_int(0), &seen)));
    assert_int_equal(run(test_mem, prog, value_int(6), value_int(3), &seen).u.i, 2);
    assert_int_equal(seen.reports, 1);
}

static void a_failing_predicate_is_not_true(void **state)
{
    Arena  *test_mem = test_arena(state);
    Value   cols[] = {value_int(1), value_int(0), value_null(), value_null()};
    Row     row = {.cols = cols};
    ExprCtx ctx = {.mem = test_mem};

    assert_false(expr_is_true(program(test_mem, "A / B = 1", true), &row, &ctx));
    assert_false(expr_is_true(program(test_mem, "T", true), &row, &ctx));
    assert_true(expr_is_true(program(test_mem, "A = 1", true), &row, &ctx));
}

static void try_gives_the_error_with_its_place(void **state)
{
    Arena  *test_mem = test_arena(state);
    Value   cols[] = {value_int(1), value_int(0), value_null(), value_null()};
    Row     row = {.cols = cols};
    ExprCtx ctx = {.mem = test_mem};
    Value   out = value_int(7);
    Err     err;

    assert_int_equal(expr_try(program(test_mem, "A / B", true), &row, &ctx, &out, &err), ERR_EVAL);
    assert_int_equal(out.u.i, 7);
    assert_int_equal(err.pos.line, 1);
    assert_true(err.pos.column > 1);
}

static void the_old_row_can_be_read_in_place_of_the_new(void **state)
{
    Arena  *test_mem = test_arena(state);
    Value   cols[] = {value_int(1), value_int(1), value_null(), value_null()};
    Value   old[] = {value_int(5), value_int(5), value_null(), value_null()};
    Row     row = {.cols = cols, .old = old};
    ExprCtx ctx = {.mem = test_mem, .cols = old};

    assert_int_equal(expr_eval(program(test_mem, "A + B", true), &row, &ctx).u.i, 10);
    assert_int_equal(expr_eval(program(test_mem, "A", true), &row, &ctx).u.i, 5);
}

static void a_mere_copy_is_known_as_one(void **state)
{
    Arena *test_mem = test_arena(state);

    assert_int_equal(expr_column_index(program(test_mem, "B", true)), 1);
    assert_int_equal(expr_column_index(program(test_mem, "B + 1", true)), -1);
}

static void pseudo_columns_are_fields_of_the_row(void **state)
{
    Arena *test_mem = test_arena(state);
    Row    row = {.ts = 11, .offset = 22, .partition = 3, .window_start = 44, .window_end = 55};
    const int64_t   expected[] = {11, 3, 22, 44, 55};
    ExprOpts        opts = {.name = ""};
    ExprCtx         ctx = {.mem = test_mem};
    const ExprProg *prog;
    Err             err;

    for (int i = 0; i < PSEUDO_COUNT_; i++) {
        Expr *expr = ARENA_NEW(test_mem, Expr);

        expr->kind = EXPR_PSEUDO;
        expr->type = pseudo_column_type((PseudoColumn)i);
        expr->u.pseudo = (PseudoColumn)i;
        assert_int_equal(expr_compile(test_mem, expr, &opts, &prog, &err), ERR_OK);
        assert_int_equal(expr_eval(prog, &row, &ctx).u.i, expected[i]);
        assert_int_equal(expr_eval(prog, &row, &ctx).kind, expr->type->kind);
    }
}

static void constants_report_their_errors_to_the_planner(void **state)
{
    Arena *test_mem = test_arena(state);
    Expr  *expr;
    Value  v;
    Err    err;

    assert_int_equal(eval_bind(test_mem, NULL, "IFNULL(1 / 0, 2)", &expr, &err), ERR_OK);
    assert_int_equal(expr_eval_const(NULL, expr, test_mem, &v, &err), ERR_EVAL);
    assert_int_equal(eval_bind(test_mem, NULL, "2 * 3", &expr, &err), ERR_OK);
    assert_int_equal(expr_eval_const(NULL, expr, test_mem, &v, &err), ERR_OK);
    assert_int_equal(v.u.i, 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(columns_are_read_from_the_row),
        arena_test(a_column_against_a_constant_compares_either_way_round),
        arena_test(an_error_gives_null_and_one_report_with_the_name),
        arena_test(the_smallest_enclosing_piece_becomes_null),
        arena_test(without_the_setting_the_whole_expression_becomes_null),
        arena_test(an_error_does_not_outlive_its_row),
        arena_test(a_failing_predicate_is_not_true),
        arena_test(try_gives_the_error_with_its_place),
        arena_test(the_old_row_can_be_read_in_place_of_the_new),
        arena_test(a_mere_copy_is_known_as_one),
        arena_test(pseudo_columns_are_fields_of_the_row),
        arena_test(constants_report_their_errors_to_the_planner),
    };
    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
