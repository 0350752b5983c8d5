/*
 * bench_expr.c -- what evaluating an expression costs per row.
 *
 * A thousand rows in memory, over and over; the time is this thread's CPU time.  The calibration
 * reads the same column in a plain loop.
 */
#include "tests/bench/bench.h"

#include "tests/support/eval_sql.h"

enum { ROWS = 1000, ROUNDS = 1000 };

typedef struct Case {
    Arena          *query_mem;
    Arena          *batch_mem;
    Row            *rows;
    const ExprProg *prog;
    int64_t         sum; /* keeps the work from being optimised away */
} Case;

static double run_loop(void *arg)
{
    Case  *self = arg;
    double begin = bench_cpu_s();

    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < ROWS; i++)
            self->sum += self->rows[i].cols[0].u.i > 500;
    }
    return (double)ROWS * ROUNDS / (bench_cpu_s() - begin);
}

static double run_expr(void *arg)
{
    Case   *self = arg;
    ExprCtx ctx = {.mem = self->batch_mem};
    double  begin = bench_cpu_s();

    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < ROWS; i++)
            self->sum += expr_eval(self->prog, &self->rows[i], &ctx).u.i;
        arena_reset(self->batch_mem);
    }
    return (double)ROWS * ROUNDS / (bench_cpu_s() - begin);
}

/* The projection of a query: ten expressions of all kinds. */
static const char *const mixed[] = {
    "A + B * 2",
    "CAST(A AS STRING)",
    "CONCAT(S, '-', CAST(B AS STRING))",
    "CASE WHEN A < 100 THEN 'small' WHEN A < 500 THEN 'medium' ELSE 'large' END",
    "CAST(B AS DECIMAL(20, 2)) * 1.19",
    "ROUND(D, 1)",
    "REGEXP_EXTRACT('customer-([0-9]+)', S, 1)",
    "TIMESTAMPTOSTRING(B, 'yyyy-MM-dd HH:mm', 'UTC')",
    "ARRAY_MAX(TRANSFORM(ARRAY[A, 7, 3], x => x * 2))",
    "S LIKE '%-4%' AND D BETWEEN 10E0 AND 200E0",
};

enum { MIXED = sizeof mixed / sizeof *mixed, MIXED_ROUNDS = 100 };

typedef struct Projection {
    Case           *rows;
    const ExprProg *progs[MIXED];
} Projection;

static double run_mixed(void *arg)
{
    Projection *self = arg;
    ExprCtx     ctx = {.mem = self->rows->batch_mem};
    double      begin = bench_cpu_s();

    for (int round = 0; round < MIXED_ROUNDS; round++) {
        for (int i = 0; i < ROWS; i++) {
            for (int k = 0; k < MIXED; k++)
                self->rows->sum += expr_eval(self->progs[k], &self->rows->rows[i], &ctx).len;
        }
        arena_reset(self->rows->batch_mem);
    }
    return (double)ROWS * MIXED_ROUNDS / (bench_cpu_s() - begin);
}

static void make_rows(Case *self)
{
    self->rows = ARENA_ARRAY(self->query_mem, Row, ROWS);
    for (int i = 0; i < ROWS; i++) {
        Value *cols = ARENA_ARRAY(self->query_mem, Value, 4);

        cols[0] = value_int(i);
        cols[1] = value_bigint((int64_t)i * 1000003);
        cols[2] = value_double(i * 0.37);
        cols[3] = value_str(str_printf(self->query_mem, "customer-%d", i % 100));
        self->rows[i].cols = cols;
    }
}

static bool compile(Case *self, const Schema *schema, const char *text, const ExprProg **out)
{
    ExprOpts opts = {.nested_error_set_null = true, .name = "bench"};
    Expr    *expr;
    Err      err;

    if (eval_bind(self->query_mem, schema, text, &expr, &err) == ERR_OK &&
        expr_compile(self->query_mem, expr, &opts, out, &err) == ERR_OK)
        return true;
    fprintf(stderr, "%s: %s\n", text, err.msg);
    return false;
}

static bool bench_mixed(Case *self, const Schema *schema)
{
    Projection projection = {.rows = self};

    for (int k = 0; k < MIXED; k++) {
        if (!compile(self, schema, mixed[k], &projection.progs[k]))
            return false;
    }
    bench_row("ten mixed expressions, all of them (target: 500 000)", "rows/s", run_mixed,
              &projection);
    for (int k = 0; k < MIXED; k++)
        expr_release(projection.progs[k]);
    return true;
}

int main(void)
{
    static const char *const texts[] = {
        "A > 500",
        "S = 'customer-42'",
        "A > 500 AND D < 200E+0",
        "A + B * 2",
        "B IN (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12)",
        "S LIKE '%-4%'",
        "CASE WHEN A < 100 THEN 'small' WHEN A < 500 THEN 'medium' ELSE 'large' END",
        "ABS(A)",
        "UCASE(S)",
        "CONCAT(S, '-', S)",
        "CAST(A AS STRING)",
        "CAST(B AS DECIMAL(20, 2)) * 1.19",
    };
    Case          self = {.query_mem = arena_new(0), .batch_mem = arena_new(0)};
    const Schema *schema = eval_schema(self.query_mem, "A INT, B BIGINT, D DOUBLE, S STRING");

    make_rows(&self);
    bench_head("expressions, rows a second on one core");
    bench_row("calibration: a loop over the column", "rows/s", run_loop, &self);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (!compile(&self, schema, texts[i], &self.prog))
            return 1;
        bench_row(texts[i], "rows/s", run_expr, &self);
        expr_release(self.prog);
    }
    if (!bench_mixed(&self, schema))
        return 1;
    arena_free(self.batch_mem);
    arena_free(self.query_mem);
    return 0;
}
