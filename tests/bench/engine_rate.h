/*
 * engine_rate.h -- the engine alone, inline on one core, over records in memory, in CPU time.
 *
 * 190-byte JSON orders of 100 000 customers are served by bench_broker.c.
 */
#ifndef TESTS_BENCH_ENGINE_RATE_H
#define TESTS_BENCH_ENGINE_RATE_H

#include <stdint.h>

#include "exec/broker.h"
#include "planner/plan.h"

enum { ENGINE_RATE_KEYS = 100000 };

typedef struct EngineRate EngineRate;

EngineRate   *engine_rate_open(void);
void          engine_rate_close(EngineRate *rate);
const Record *engine_rate_orders(const EngineRate *rate); /* ENGINE_RATE_KEYS of them */
/* CREATE STREAM of the orders, without partitions and WITH. */
const char *engine_rate_columns(void);
/* The plan of the query that sql starts. */
const Plan *engine_rate_plan(EngineRate *rate, const char *sql, const char *query_id);

/* Rows per second; *written, if not NULL, is how many the query wrote. */
double engine_rate_run(EngineRate *rate, const Plan *plan, int64_t records, int64_t cache_bytes,
                       int64_t *written);
/* The same records looked at byte by byte, and nothing else. */
double engine_rate_scan(EngineRate *rate, int64_t records);

#endif
