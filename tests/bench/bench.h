/*
 * bench.h -- measuring: each figure is the median of five runs.
 *
 * A run does its work once and gives units per second.  A program prints its calibration first
 * (what the machine does at best with the same bytes), so that figures of two machines compare.
 */
#ifndef TESTS_BENCH_BENCH_H
#define TESTS_BENCH_BENCH_H

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { BENCH_RUNS = 5 };

typedef double (*BenchRun)(void *arg);

static inline double bench_now_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Of this thread: for figures "one core", which other processes should not spoil. */
static inline double bench_cpu_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static inline int bench_cmp(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static inline void bench_head(const char *title)
{
    printf("\n%s\n%-52s %14s %14s %14s\n", title, "", "median", "worst", "best");
}

static inline void bench_row(const char *what, const char *unit, BenchRun run, void *arg)
{
    double rates[BENCH_RUNS];

    for (int i = 0; i < BENCH_RUNS; i++)
        rates[i] = run(arg);
    qsort(rates, BENCH_RUNS, sizeof *rates, bench_cmp);
    printf("%-52s %14.0f %14.0f %14.0f %s\n", what, rates[BENCH_RUNS / 2], rates[0],
           rates[BENCH_RUNS - 1], unit);
    fflush(stdout);
}

#endif
