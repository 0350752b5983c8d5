/*
 * test_expr_fuzz.c -- an expression means the same wherever it stands.
 *
 * Random well-typed expressions over a row of random values are evaluated as each kind of query
 * does it: as a function of the row that nothing was folded in, as the projection of a push query,
 * as that of a pull query, and with the row's values for its columns, folded as far as folding
 * goes.  All must give the same value, or all an error.
 *
 * WEIR_FUZZ_SEED repeats a run, WEIR_FUZZ_ROUNDS makes it longer.
 */
#include <stdlib.h>

#include "exec/pull.h"
#include "planner/bind.h"
#include "planner/fn_sig.h"
#include "tests/support/eval_sql.h"
#include "tests/support/planner_world.h"
#include "tests/support/random_value.h"

enum { ROUNDS = 5000, DEPTH_MAX = 4 };

/* The types that expressions are made of, and where their leaves come from. */
typedef enum Shape {
    SHAPE_BOOLEAN,
    SHAPE_INT,
    SHAPE_BIGINT,
    SHAPE_DOUBLE,
    SHAPE_DECIMAL,
    SHAPE_STRING,
    SHAPE_BYTES,
    SHAPE_DATE,
    SHAPE_TIME,
    SHAPE_TIMESTAMP,
    SHAPE_INTS,
    SHAPE_TEXTS,
    SHAPE_COUNTS,
    SHAPE_COUNT_
} Shape;

typedef struct ShapeRule {
    const char *type;
    const char *columns[3];
    const char *literals[4];
} ShapeRule;

static const ShapeRule shapes[SHAPE_COUNT_] = {
    [SHAPE_BOOLEAN] = {"BOOLEAN", {"F", "G", "F"}, {"TRUE", "FALSE", "TRUE", "FALSE"}},
    [SHAPE_INT] = {"INT", {"I", "J", "R->X"}, {"0", "1", "-7", "2147483647"}},
    [SHAPE_BIGINT] = {"BIGINT",
                      {"B", "C['1']", "B"},
                      {"9223372036854775807", "CAST(0 AS BIGINT)", "5000000000", "-5000000000"}},
    [SHAPE_DOUBLE] = {"DOUBLE", {"D", "E", "D"}, {"0E0", "1.5E0", "-1E300", "2.5E-3"}},
    [SHAPE_DECIMAL] = {"DECIMAL(10, 2)",
                       {"N", "O", "N"},
                       {"CAST(1.25 AS DECIMAL(10, 2))", "12345678.91", "CAST(0 AS DECIMAL(10, 2))",
                        "CAST(-3 AS DECIMAL(10, 2))"}},
    [SHAPE_STRING] = {"STRING", {"S", "T", "R->Y"}, {"''", "'a'", "'2020-02-29'", "'[1, {}]'"}},
    [SHAPE_BYTES] = {"BYTES",
                     {"Y", "Y", "Y"},
                     {"TO_BYTES('', 'utf8')", "TO_BYTES('ab', 'ascii')", "TO_BYTES('00ff', 'hex')",
                      "TO_BYTES('AAAAAAAA', 'ascii')"}},
    [SHAPE_DATE] = {"DATE",
                    {"DT", "DT", "DT"},
                    {"CAST('2020-02-29' AS DATE)", "CAST('0001-01-01' AS DATE)",
                     "CAST('9999-12-31' AS DATE)", "FROM_DAYS(0)"}},
    [SHAPE_TIME] = {"TIME",
                    {"TM", "TM", "TM"},
                    {"CAST('00:00' AS TIME)", "CAST('23:59:59' AS TIME)", "CAST('12:00' AS TIME)",
                     "CAST('01:02:03' AS TIME)"}},
    [SHAPE_TIMESTAMP] = {"TIMESTAMP",
                         {"TS", "TS", "TS"},
                         {"CAST('2020-02-29T12:00:00' AS TIMESTAMP)", "FROM_UNIXTIME(B)",
                          "CAST('0001-01-01' AS TIMESTAMP)", "FROM_UNIXTIME(0)"}},
    [SHAPE_INTS] = {"ARRAY<INT>",
                    {"L", "L", "L"},
                    {"ARRAY[1, 2, 2]", "ARRAY[I, J]", "ARRAY[0]", "ARRAY[1, NULL]"}},
    [SHAPE_TEXTS] = {"ARRAY<STRING>",
                     {"Q", "Q", "Q"},
                     {"ARRAY['a', 'b']", "ARRAY[S, T]", "ARRAY['']", "ARRAY['b', NULL, 'a']"}},
    [SHAPE_COUNTS] = {"MAP<STRING, BIGINT>",
                      {"C", "C", "C"},
                      {"MAP('1' := B)", "MAP('a' := CAST(1 AS BIGINT))",
                       "MAP(S := CAST(2 AS BIGINT))", "C"}},
};

#define COLUMNS                                                                                    \
    "F BOOLEAN, G BOOLEAN, I INT, J INT, B BIGINT, D DOUBLE, E DOUBLE, N DECIMAL(10, 2), "         \
    "O DECIMAL(10, 2), S STRING, T STRING, Y BYTES, DT DATE, TM TIME, TS TIMESTAMP, "              \
    "L ARRAY<INT>, Q ARRAY<STRING>, C MAP<STRING, BIGINT>, R STRUCT<X INT, Y STRING>"

typedef struct Generator {
    Random random;
    Buf    text;
} Generator;

static void generate(Generator *g, Shape shape, int depth);

static uint32_t below(Generator *g, uint32_t n)
{
    return random_below(&g->random, n);
}

/* --- functions -------------------------------------------------------------------------------- */

typedef struct Callable {
    const FnDef *def;
    FnSig        sig;
    Shape        result;
} Callable;

typedef struct Callables {
    Arena *mem;
    VEC(Callable) all;
} Callables;

static Callables g_callables;

/* The shape that stands for a pattern; SHAPE_COUNT_: none does. */
static Shape shape_of(const FnType *type)
{
    static const Shape by_kind[T_COUNT_] = {
        [T_BOOLEAN] = SHAPE_BOOLEAN, [T_INT] = SHAPE_INT,       [T_BIGINT] = SHAPE_BIGINT,
        [T_DOUBLE] = SHAPE_DOUBLE,   [T_STRING] = SHAPE_STRING, [T_BYTES] = SHAPE_BYTES,
        [T_DATE] = SHAPE_DATE,       [T_TIME] = SHAPE_TIME,     [T_TIMESTAMP] = SHAPE_TIMESTAMP,
    };

    switch (type->kind) {
    case FN_TYPE_EXACT:
        return type->type->kind >= T_BOOLEAN && type->type->kind <= T_TIMESTAMP &&
                       type->type->kind != T_DECIMAL
                   ? by_kind[type->type->kind]
                   : SHAPE_COUNT_;
    case FN_TYPE_DECIMAL:
        return SHAPE_DECIMAL;
    case FN_TYPE_VAR: /* always of one type: which matters to no rule of evaluation */
        return type->var == 'K' ? SHAPE_STRING : type->var == 'V' ? SHAPE_BIGINT : SHAPE_INT;
    case FN_TYPE_ARRAY:
        if (type->parts[0]->kind == FN_TYPE_EXACT && type->parts[0]->type->kind == T_STRING)
            return SHAPE_TEXTS;
        return shape_of(type->parts[0]) == SHAPE_INT ? SHAPE_INTS : SHAPE_COUNT_;
    case FN_TYPE_MAP:
        return shape_of(type->parts[0]) == SHAPE_STRING && shape_of(type->parts[1]) == SHAPE_BIGINT
                   ? SHAPE_COUNTS
                   : SHAPE_COUNT_;
    default:
        return SHAPE_COUNT_;
    }
}

static bool is_unit(const FnType *type)
{
    return type->kind == FN_TYPE_EXACT && type->type->kind == T_UNIT;
}

static bool is_callable(const FnDef *def, const FnSig *sig)
{
    if (def->flags & FN_VOLATILE || shape_of(sig->result) == SHAPE_COUNT_)
        return false;
    if (strcmp(def->name, "UNIX_DATE") == 0 && sig->params_len == 0)
        return false; /* today */
    for (uint32_t i = 0; i < sig->params_len; i++) {
        if (shape_of(sig->params[i].type) == SHAPE_COUNT_ && !is_unit(sig->params[i].type))
            return false;
    }
    return true;
}

static void list_callables(Arena *mem)
{
    const FnTable *table = fn_table();

    g_callables.mem = mem;
    for (size_t i = 0; i < table->fns_len; i++) {
        Callable    callable = {.def = table->fns[i]};
        const char *at;

        assert_true(fn_sig_parse(mem, callable.def->sig, &callable.sig, &at));
        if (!is_callable(callable.def, &callable.sig))
            continue;
        callable.result = shape_of(callable.sig.result);
        vec_push(mem, &g_callables.all, callable);
    }
    assert_true(g_callables.all.len > 180);
}

static void generate_argument(Generator *g, const FnType *type, int depth)
{
    static const char *const units[] = {"MILLISECONDS", "SECONDS", "HOURS", "DAYS"};

    if (is_unit(type))
        buf_c(&g->text, units[below(g, 4)]);
    else
        generate(g, shape_of(type), depth);
}

/* A call with a result of that shape; false when no draw hit one. */
static bool generate_call(Generator *g, Shape shape, int depth)
{
    const Callable *callable = NULL;
    const char     *comma = "";

    for (int draws = 0; draws < 60 && !callable; draws++) {
        callable = &g_callables.all.items[below(g, (uint32_t)g_callables.all.len)];
        if (callable->result != shape)
            callable = NULL;
    }
    if (!callable)
        return false;
    buf_printf(&g->text, "%s(", callable->def->name);
    for (uint32_t i = 0; i < callable->sig.params_len; i++) {
        uint32_t times = (int)i == callable->sig.variadic ? below(g, 3) : 1;

        for (; times > 0; times--, comma = ", ") {
            buf_c(&g->text, comma);
            generate_argument(g, callable->sig.params[i].type, depth - 1);
        }
    }
    buf_c(&g->text, ")");
    return true;
}

/* --- everything else -------------------------------------------------------------------------- */

static void generate_leaf(Generator *g, Shape shape)
{
    const ShapeRule *rule = &shapes[shape];
    uint32_t         draw = below(g, 10);

    if (draw < 6)
        buf_c(&g->text, rule->columns[below(g, 3)]);
    else if (draw < 9)
        buf_c(&g->text, rule->literals[below(g, 4)]);
    else
        buf_printf(&g->text, "CAST(NULL AS %s)", rule->type);
}

/* text with "?" for operands of the shapes given, in order. */
static void generate_form(Generator *g, const char *text, const Shape *operands, int depth)
{
    for (; *text; text++) {
        if (*text == '?')
            generate(g, *operands++, depth - 1);
        else
            buf_put(&g->text, *text);
    }
}

typedef struct Form {
    Shape       result;
    const char *text;
    Shape       operands[4];
} Form;

static const Form forms[] = {
    {SHAPE_BOOLEAN, "(? AND ?)", {SHAPE_BOOLEAN, SHAPE_BOOLEAN}},
    {SHAPE_BOOLEAN, "(? OR ?)", {SHAPE_BOOLEAN, SHAPE_BOOLEAN}},
    {SHAPE_BOOLEAN, "(NOT ?)", {SHAPE_BOOLEAN}},
    {SHAPE_BOOLEAN, "(? < ?)", {SHAPE_INT, SHAPE_BIGINT}},
    {SHAPE_BOOLEAN, "(? >= ?)", {SHAPE_DECIMAL, SHAPE_INT}},
    {SHAPE_BOOLEAN, "(? = ?)", {SHAPE_DOUBLE, SHAPE_DECIMAL}},
    {SHAPE_BOOLEAN, "(? <> ?)", {SHAPE_STRING, SHAPE_STRING}},
    {SHAPE_BOOLEAN, "(? <= ?)", {SHAPE_DATE, SHAPE_TIMESTAMP}},
    {SHAPE_BOOLEAN, "(? = ?)", {SHAPE_INTS, SHAPE_INTS}},
    {SHAPE_BOOLEAN, "(? > ?)", {SHAPE_BYTES, SHAPE_BYTES}},
    {SHAPE_BOOLEAN, "(? IS NULL)", {SHAPE_COUNTS}},
    {SHAPE_BOOLEAN, "(? IS NOT NULL)", {SHAPE_DOUBLE}},
    {SHAPE_BOOLEAN, "(? IS DISTINCT FROM ?)", {SHAPE_INT, SHAPE_INT}},
    {SHAPE_BOOLEAN, "(? BETWEEN ? AND ?)", {SHAPE_INT, SHAPE_INT, SHAPE_INT}},
    {SHAPE_BOOLEAN, "(? NOT BETWEEN ? AND ?)", {SHAPE_STRING, SHAPE_STRING, SHAPE_STRING}},
    {SHAPE_BOOLEAN, "(? IN (?, ?, 3))", {SHAPE_INT, SHAPE_INT, SHAPE_INT}},
    {SHAPE_BOOLEAN, "(? NOT IN ('a', ?, ''))", {SHAPE_STRING, SHAPE_STRING}},
    {SHAPE_BOOLEAN, "(? LIKE '%a_')", {SHAPE_STRING}},
    {SHAPE_BOOLEAN, "(? NOT LIKE ? ESCAPE '!')", {SHAPE_STRING, SHAPE_STRING}},
    {SHAPE_BOOLEAN, "CAST(? AS BOOLEAN)", {SHAPE_STRING}},
    {SHAPE_INT, "(? + ?)", {SHAPE_INT, SHAPE_INT}},
    {SHAPE_INT, "(? / ?)", {SHAPE_INT, SHAPE_INT}},
    {SHAPE_INT, "(? % ?)", {SHAPE_INT, SHAPE_INT}},
    {SHAPE_INT, "(- ?)", {SHAPE_INT}},
    {SHAPE_INT, "CAST(? AS INT)", {SHAPE_DOUBLE}},
    {SHAPE_INT, "CAST(? AS INT)", {SHAPE_STRING}},
    {SHAPE_INT, "?[?]", {SHAPE_INTS, SHAPE_INT}},
    {SHAPE_INT, "REDUCE(?, ?, (st, el) => st + el)", {SHAPE_INTS, SHAPE_INT}},
    {SHAPE_INT, "STRUCT(a := ?, b := ?)->a", {SHAPE_INT, SHAPE_STRING}},
    {SHAPE_BIGINT, "(? * ?)", {SHAPE_BIGINT, SHAPE_INT}},
    {SHAPE_BIGINT, "(? - ?)", {SHAPE_BIGINT, SHAPE_BIGINT}},
    {SHAPE_BIGINT, "(? % ?)", {SHAPE_BIGINT, SHAPE_INT}},
    {SHAPE_BIGINT, "CAST(? AS BIGINT)", {SHAPE_DECIMAL}},
    {SHAPE_BIGINT, "?[?]", {SHAPE_COUNTS, SHAPE_STRING}},
    {SHAPE_DOUBLE, "(? / ?)", {SHAPE_DOUBLE, SHAPE_BIGINT}},
    {SHAPE_DOUBLE, "(? % ?)", {SHAPE_DOUBLE, SHAPE_DOUBLE}},
    {SHAPE_DOUBLE, "(? * ?)", {SHAPE_DOUBLE, SHAPE_DECIMAL}},
    {SHAPE_DOUBLE, "CAST(? AS DOUBLE)", {SHAPE_STRING}},
    {SHAPE_DECIMAL, "CAST(? AS DECIMAL(10, 2))", {SHAPE_DOUBLE}},
    {SHAPE_DECIMAL, "CAST(? + ? AS DECIMAL(10, 2))", {SHAPE_DECIMAL, SHAPE_DECIMAL}},
    {SHAPE_DECIMAL, "CAST(? * ? AS DECIMAL(10, 2))", {SHAPE_DECIMAL, SHAPE_INT}},
    {SHAPE_DECIMAL, "CAST(? / ? AS DECIMAL(10, 2))", {SHAPE_DECIMAL, SHAPE_DECIMAL}},
    {SHAPE_STRING, "(? || ?)", {SHAPE_STRING, SHAPE_STRING}},
    {SHAPE_STRING, "(? + ?)", {SHAPE_STRING, SHAPE_STRING}},
    {SHAPE_STRING, "CAST(? AS STRING)", {SHAPE_DOUBLE}},
    {SHAPE_STRING, "CAST(? AS STRING)", {SHAPE_DECIMAL}},
    {SHAPE_STRING, "CAST(? AS STRING)", {SHAPE_TIMESTAMP}},
    {SHAPE_STRING, "CAST(? AS STRING)", {SHAPE_COUNTS}},
    {SHAPE_STRING, "?[?]", {SHAPE_TEXTS, SHAPE_INT}},
    {SHAPE_BYTES, "CAST(? AS BYTES)", {SHAPE_STRING}},
    {SHAPE_DATE, "CAST(? AS DATE)", {SHAPE_TIMESTAMP}},
    {SHAPE_DATE, "CAST(? AS DATE)", {SHAPE_STRING}},
    {SHAPE_TIME, "CAST(? AS TIME)", {SHAPE_TIMESTAMP}},
    {SHAPE_TIMESTAMP, "CAST(? AS TIMESTAMP)", {SHAPE_DATE}},
    {SHAPE_INTS, "TRANSFORM(?, el => el * ?)", {SHAPE_INTS, SHAPE_INT}},
    {SHAPE_INTS, "FILTER(?, el => el > ?)", {SHAPE_INTS, SHAPE_INT}},
    {SHAPE_INTS, "ARRAY[?, ?]", {SHAPE_INT, SHAPE_INT}},
    {SHAPE_TEXTS, "TRANSFORM(?, el => UCASE(el) + ?)", {SHAPE_TEXTS, SHAPE_STRING}},
    {SHAPE_COUNTS,
     "TRANSFORM(?, (ke, va) => ke + ?, (ke, va) => va / ?)",
     {SHAPE_COUNTS, SHAPE_STRING, SHAPE_BIGINT}},
    {SHAPE_COUNTS, "MAP(? := ?)", {SHAPE_STRING, SHAPE_BIGINT}},
};

static bool generate_some_form(Generator *g, Shape shape, int depth)
{
    for (int draws = 0; draws < 100; draws++) {
        const Form *form = &forms[below(g, sizeof forms / sizeof *forms)];

        if (form->result != shape)
            continue;
        generate_form(g, form->text, form->operands, depth);
        return true;
    }
    return false;
}

static void generate(Generator *g, Shape shape, int depth)
{
    const Shape when[] = {SHAPE_BOOLEAN, shape, SHAPE_BOOLEAN, shape};
    uint32_t    draw = below(g, 10);

    if (depth <= 0)
        generate_leaf(g, shape);
    else if (draw == 0)
        generate_form(g, "(CASE WHEN ? THEN ? WHEN ? THEN ? END)", when, depth);
    else if (draw < 5 && generate_some_form(g, shape, depth))
        return;
    else if (draw < 9 && generate_call(g, shape, depth))
        return;
    else
        generate_leaf(g, shape);
}

/* --- evaluation ------------------------------------------------------------------------------- */

/* What came out: the value as text, "null", or "error". */
static const char *outcome_text(Arena *mem, ErrCode rc, Value value, const Type *type)
{
    Buf text = buf_in(mem);

    if (rc != ERR_OK)
        return "error";
    if (value_is_null(value))
        return "null";
    value_print(&text, value, type);
    return str_to_c(mem, buf_view(&text));
}

static const char *run(Arena *mem, const Expr *expr, Row *row, bool nested_error_set_null)
{
    ExprOpts        opts = {.nested_error_set_null = nested_error_set_null, .name = "fuzz"};
    ExprCtx         ctx = {.mem = mem, .now_ms = 1700000000000};
    const ExprProg *prog;
    Value           value;
    ErrCode         rc;
    Err             err;

    if (expr_compile(mem, expr, &opts, &prog, &err) != ERR_OK)
        return "refused";
    rc = expr_try(prog, row, &ctx, &value, &err);
    expr_release(prog);
    return outcome_text(mem, rc, value, expr->type);
}

typedef struct FoldArg {
    const BindCtx *ctx;
    const Value   *cols;
} FoldArg;

/* Values for columns, then each node again, which folds what became constant. */
static ErrCode fold_below(const FoldArg *self, const Expr *expr, Expr **out, Err *err)
{
    Expr *copy = ARENA_NEW(self->ctx->mem, Expr);

    if (expr->kind == EXPR_COLUMN) {
        *out = expr_literal(self->ctx->mem, expr->type, self->cols[expr->u.index], expr->pos);
        return ERR_OK;
    }
    *copy = *expr;
    copy->args = ARENA_ARRAY(self->ctx->mem, Expr *, expr->args_len);
    for (uint32_t i = 0; i < expr->args_len; i++)
        TRY(fold_below(self, expr->args[i], &copy->args[i], err));
    TRY(fold(self->ctx, copy, err));
    *out = copy;
    return ERR_OK;
}

static const Expr *folded(PlannerWorld *world, const Expr *expr, const Value *cols)
{
    PlannerEnv env = world_env(world);
    BindCtx    ctx = {.env = &env, .mem = world->mem};
    FoldArg    arg = {&ctx, cols};
    Expr      *out;
    Err        err;

    if (fold_below(&arg, expr, &out, &err) != ERR_OK)
        fail_msg("folding: %s", err.msg);
    return out;
}

static const Expr *projection_of(const Plan *plan)
{
    const PlanNode *node = plan->root;

    while (node->kind != PLAN_PROJECT)
        node = node->inputs[0];
    return node->u.project.exprs[0];
}

static void expect_same(const char *sql, const char *how, const char *got, const char *expected)
{
    if (strcmp(got, expected) != 0)
        fail_msg("%s\n  row by row: %s\n  %s: %s", sql, expected, how, got);
}

/* The four ways, with errors inside becoming null and not; true when there is a value. */
static bool compare(PlannerWorld *world, const char *text, Row *row, const Schema *schema)
{
    const char *expected = "";
    const char *push =
        str_to_c(world->mem, str_printf(world->mem, "SELECT %s FROM T EMIT CHANGES;", text));
    const char *pull = str_to_c(world->mem, str_printf(world->mem, "SELECT %s FROM T;", text));
    const Expr *pushed;
    Expr       *plain;
    Err         err;

    if (world_plan(world, push) != ERR_OK)
        fail_msg("%s: %s", push, world->err.msg);
    pushed = projection_of(world->plan.plan);
    if (eval_bind(world->mem, schema, text, &plain, &err) != ERR_OK)
        fail_msg("%s: %s", text, err.msg);
    for (int set_null = 0; set_null < 2; set_null++) {
        expected = run(world->mem, plain, row, set_null);
        expect_same(push, "push query", run(world->mem, pushed, row, set_null), expected);
        expect_same(push, "folded",
                    run(world->mem, folded(world, pushed, row->cols), row, set_null), expected);
    }
    if (world_plan(world, pull) != ERR_OK)
        fail_msg("%s: %s", pull, world->err.msg);
    expect_same(pull, "pull query", run(world->mem, world->plan.pull->exprs[0], row, true),
                expected);
    return strcmp(expected, "null") != 0 && strcmp(expected, "error") != 0;
}

/* --- rounds ----------------------------------------------------------------------------------- */

static uint64_t option(const char *name, uint64_t fallback)
{
    const char *text = getenv(name);

    return text ? strtoull(text, NULL, 10) : fallback;
}

static Value *random_row(Generator *g, Arena *mem, const Schema *schema)
{
    Value *cols = ARENA_ARRAY(mem, Value, schema->len);

    for (uint32_t i = 0; i < schema->len; i++) {
        cols[i] = random_value(&g->random, mem, schema->cols[i].type);
        if (schema->cols[i].type->kind == T_INT && below(g, 2))
            cols[i] = value_int((int32_t)below(g, 12) - 4);
    }
    return cols;
}

/* Whether the binder takes it: overloads can be ambiguous, results of decimals too wide. */
static bool is_accepted(PlannerWorld *world, const char *text)
{
    Str sql = str_printf(world->mem, "SELECT %s FROM T EMIT CHANGES;", text);

    return world_plan(world, str_to_c(world->mem, sql)) == ERR_OK;
}

static void an_expression_means_the_same_in_every_query(void **state)
{
    PlannerWorld *world = *state;
    Arena        *world_mem = world->mem, *round_mem = arena_new(0);
    Generator     g = {.random = {option("WEIR_FUZZ_SEED", 20260101)}};
    uint64_t      rounds = option("WEIR_FUZZ_ROUNDS", ROUNDS), accepted = 0, values = 0;
    const Schema *schema;

    print_message("seed %llu, %llu rounds\n", (unsigned long long)g.random.state,
                  (unsigned long long)rounds);
    list_callables(world_mem);
    world_run(world, "CREATE SOURCE TABLE T (ID STRING PRIMARY KEY, " COLUMNS
                     ") WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JSON');");
    schema = catalog_source(world->catalog, STR("T"))->schema;
    for (uint64_t i = 0; i < rounds; i++) {
        Row         row = {.ts = 1};
        const char *text;

        world->mem = round_mem;
        g.text = buf_in(round_mem);
        generate(&g, (Shape)below(&g, SHAPE_COUNT_), 1 + (int)below(&g, DEPTH_MAX));
        text = str_to_c(round_mem, buf_view(&g.text));
        row.cols = random_row(&g, round_mem, schema);
        if (is_accepted(world, text)) {
            values += compare(world, text, &row, schema);
            accepted++;
        }
        stmt_plan_deinit(&world->plan);
        world->plan = (StmtPlan){0};
        arena_reset(round_mem);
    }
    world->mem = world_mem;
    arena_free(round_mem);
    print_message("%llu accepted, %llu with a value\n", (unsigned long long)accepted,
                  (unsigned long long)values);
    assert_true(accepted * 10 > rounds * 8);
    assert_true(values * 3 > accepted);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        world_test(an_expression_means_the_same_in_every_query),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
