/*
 * jobs.h -- a bounded queue of work and the threads that do it.
 *
 * Two of them serve the API: one thread for statements, in order, and a small pool for pull
 * queries that may wait for SQLite.  With no threads (inline mode) a job runs before
 * jobs_submit() returns.
 */
#ifndef SERVER_JOBS_H
#define SERVER_JOBS_H

#include "common/err.h"

typedef struct Jobs Jobs;

typedef void (*JobRun)(void *arg);

/* name appears in thread lists ("statement", "pull"); queue_max bounds the waiting jobs. */
ErrCode jobs_open(const char *name, int threads, int64_t queue_max, Jobs **out,
                  Err *err) ERR_MUST_USE;
/* ERR_BUSY when the queue is full, ERR_CANCELLED after jobs_close() began. */
ErrCode jobs_submit(Jobs *jobs, JobRun run, void *arg, Err *err) ERR_MUST_USE;
/* Runs what is waiting, then ends the threads.  NULL is fine. */
void jobs_close(Jobs *jobs);

#endif
