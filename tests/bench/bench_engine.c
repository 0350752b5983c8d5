/*
 * bench_engine.c -- rows per second through one query, engine alone.
 *
 *     bench_engine [records] [runs]
 *
 * Beside them the time that reading the same bytes takes.  For profilers, which want one thing
 * often; `make bench` prints the same two figures among the others.
 */
#include "tests/bench/bench.h"
#include "tests/bench/engine_rate.h"

enum { RUNS_MAX = 25 };

static void measure(EngineRate *rate, const char *what, const char *sql, const char *query_id,
                    int64_t records, int runs, int64_t cache_bytes)
{
    const Plan *plan = engine_rate_plan(rate, sql, query_id);
    double      rates[RUNS_MAX], scans[RUNS_MAX];
    int64_t     written = 0;

    for (int i = 0; i < runs; i++) {
        scans[i] = engine_rate_scan(rate, records);
        rates[i] = engine_rate_run(rate, plan, records, cache_bytes, &written);
    }
    qsort(rates, (size_t)runs, sizeof rates[0], bench_cmp);
    qsort(scans, (size_t)runs, sizeof scans[0], bench_cmp);
    printf("%-44s %10.0f rows/s   %9lld written   bare scan %10.0f rows/s\n", what, rates[runs / 2],
           (long long)written, scans[runs / 2]);
}

int main(int argc, char **argv)
{
    static const char counts[] = "CREATE TABLE %s AS SELECT customer, COUNT(*) AS n, "
                                 "SUM(price) AS total FROM orders GROUP BY customer EMIT CHANGES;";
    char              sql[512];
    int64_t           records = argc > 1 ? atoll(argv[1]) : 2000000;
    int               runs = argc > 2 ? atoi(argv[2]) : 5;
    EngineRate       *rate = engine_rate_open();

    if (runs < 1 || runs > RUNS_MAX)
        runs = 5;
    printf("order of %zu bytes\n", engine_rate_orders(rate)[12345].value.len);
    measure(rate, "filter and project",
            "CREATE STREAM f AS SELECT id, order_id, customer, price, address->city AS c "
            "FROM orders WHERE quantity > 1 EMIT CHANGES;",
            "CSAS_F_1", records, runs, 10000000);
    snprintf(sql, sizeof sql, counts, "t");
    measure(rate, "count and sum by key, coalesced", sql, "CTAS_T_2", records, runs, 10000000);
    snprintf(sql, sizeof sql, counts, "u");
    measure(rate, "count and sum by key, every update", sql, "CTAS_U_3", records, runs, 0);
    engine_rate_close(rate);
    return 0;
}
