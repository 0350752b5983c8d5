/*
 * bench_figures.c -- what `make bench` prints: one table of what users feel.
 *
 *     bench_figures PATH-OF-WEIR-SERVER [engine | start | http]
 *
 * Data directories are made under $TMPDIR (/tmp): put it on the disk that is to be measured.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/arena.h"
#include "common/limit.h"
#include "common/log.h"
#include "tests/bench/bench.h"
#include "tests/bench/figure.h"
#include "tests/bench/server_process.h"

static const double ratio_max = 100; /* a time too short to measure */

/* Sorts them. */
static double median(double *values)
{
    qsort(values, BENCH_RUNS, sizeof values[0], bench_cmp);
    return values[BENCH_RUNS / 2];
}

void figure_head(void)
{
    printf("%-46s %10s %10s %-9s %8s %6s   %s\n", "5 runs", "median", "best", "", "target", "ratio",
           "calibration");
}

void figure_measure(const Figure *figure, void *arg)
{
    double values[BENCH_RUNS], calibrations[BENCH_RUNS];
    double value, best, calibration;
    double times = 0; /* of the target */
    char   target[32] = "", ratio[32] = "";

    for (int i = 0; i < BENCH_RUNS; i++) {
        Sample sample = figure->run(arg);

        values[i] = sample.value;
        calibrations[i] = sample.calibration;
    }
    value = median(values);
    calibration = median(calibrations);
    if (figure->target > 0) {
        snprintf(target, sizeof target, "%.0f", figure->target);
        times = figure->is_at_most ? figure->target / value : value / figure->target;
        snprintf(ratio, sizeof ratio, times > ratio_max ? ">%.0f" : "%.2f",
                 times > ratio_max ? ratio_max : times);
    }
    best = figure->is_at_most ? values[0] : values[BENCH_RUNS - 1];
    printf("%-46s %10.*f %10.*f %-9s %8s %6s   ", figure->what, value < 1000 ? 2 : 0, value,
           best < 1000 ? 2 : 0, best, figure->unit, target, ratio);
    if (figure->calibration)
        printf("%s %.*f", figure->calibration, calibration < 1000 ? 2 : 0, calibration);
    putchar('\n');
    fflush(stdout);
}

double calibrate_appends(const char *dir, size_t bytes, int appends)
{
    char   path[128];
    char  *block = mem_alloc(bytes);
    double began, seconds;
    int    fd;

    memset(block, 'x', bytes);
    snprintf(path, sizeof path, "%s/append", dir);
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        bench_die(path, strerror(errno));
    began = bench_now_s();
    for (int i = 0; i < appends; i++) {
        if (write(fd, block, bytes) != (ssize_t)bytes || fdatasync(fd) != 0)
            bench_die(path, strerror(errno));
    }
    seconds = bench_now_s() - began;
    close(fd);
    unlink(path);
    mem_free(block);
    return appends / seconds;
}

int main(int argc, char **argv)
{
    const char *only = argc == 3 ? argv[2] : NULL;

    if (argc < 2 || argc > 3) {
        fprintf(stderr, "usage: bench_figures PATH-OF-WEIR-SERVER [engine | start | http]\n");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    limits_init(&g_limits);
    figure_head();
    if (!only || strcmp(only, "engine") == 0)
        figures_engine();
    if (!only || strcmp(only, "start") == 0)
        figures_start(argv[1]);
    if (!only || strcmp(only, "http") == 0)
        figures_http(argv[1]);
    return 0;
}
