/*
 * figure.h -- one line of the table that `make bench` prints.
 *
 * A figure is measured five times, each time with its calibration: what the machine does at best
 * at that moment with the same bytes.  The table shows both medians, the best run, the
 * target, and how far the median is from it; 1.00 and above is reached.
 */
#ifndef TESTS_BENCH_FIGURE_H
#define TESTS_BENCH_FIGURE_H

#include <stdbool.h>
#include <stddef.h>

typedef struct Sample {
    double value, calibration;
} Sample;

typedef struct Figure {
    const char *what, *unit;
    double      target; /* 0: none, shown for comparison */
    bool        is_at_most;
    const char *calibration; /* what it is; in the figure's unit unless it says so */
    Sample (*run)(void *arg);
} Figure;

void figure_head(void);
void figure_measure(const Figure *figure, void *arg);

/* Appends of that many bytes, each with fdatasync, in a new file in dir: how many a second. */
double calibrate_appends(const char *dir, size_t bytes, int appends);

/* The groups of figures. */
void figures_engine(void);
void figures_start(const char *program);
void figures_http(const char *program);

#endif
