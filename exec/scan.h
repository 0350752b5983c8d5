/*
 * scan.h -- reads one partition of a source: bytes in, rows out.
 *
 * scan_fetch() gets records from the broker, scan_decode() turns the next of them into rows of the
 * scan's schema: key and value decoded, key window cut off, header columns filled, timestamp
 * taken.  A record that cannot be used is skipped with an entry in the processing log.  Values of
 * the rows point into the fetched records, which are held until the next fetch.
 *
 * Thread: the worker that owns the task.
 */
#ifndef EXEC_SCAN_H
#define EXEC_SCAN_H

#include "exec/broker.h"
#include "exec/op.h"

typedef struct Scan Scan;

typedef struct ScanOpts {
    Broker         *broker;
    const PlanNode *node; /* PLAN_SCAN */
    uint32_t        number;
    uint32_t        partition;
    int64_t         offset; /* of the first record to read */
    int64_t         stop;   /* of the first record not to read; INT64_MAX: go on for ever */
    BrokerWake      wake;
} ScanOpts;

/* Memory is ctx->query_mem. */
ErrCode scan_open(OpCtx *ctx, const ScanOpts *opts, Scan **out, Err *err) ERR_MUST_USE;
void    scan_close(Scan *scan); /* NULL is fine */

/* True in *has_records when scan_decode() has something to do. */
ErrCode scan_fetch(Scan *scan, bool *has_records, Err *err) ERR_MUST_USE;
/*
 * Appends rows of the next records to batch until it is full, the fetched records are used up, or
 * a record is later than ts_max.  An error (a record that must not be skipped) is in front of the
 * record named by ctx->failure; the rows before it are in batch.
 */
ErrCode scan_decode(Scan *scan, int64_t ts_max, Batch *batch, Err *err) ERR_MUST_USE;

/* Records that are fetched and not decoded. */
uint32_t scan_waiting(const Scan *scan);
/* Timestamp of the next fetched record as the broker has it; INT64_MAX when there is none. */
int64_t  scan_next_ts(const Scan *scan);
int64_t  scan_position(const Scan *scan); /* next offset to decode */
int64_t  scan_end(const Scan *scan);      /* the partition's readable end, when last asked */
uint32_t scan_number(const Scan *scan);
bool     scan_is_at_stop(const Scan *scan);
/* There are records to read, and the broker has not handed them over yet. */
bool scan_is_behind(const Scan *scan);
void scan_set_stop(Scan *scan, int64_t stop);

#endif
