/*
 * start.h -- from properties to an engine that runs what the queries file says.
 *
 * With the embedded broker that takes milliseconds: start_engine().  A Kafka cluster may be away,
 * before the start or in the middle of it.  Then the start waits, on a thread of its own, and goes
 * on by itself, while the API tells everybody what is waited for:
 *
 *     start_begin() ... START_OVER arrives, or start_cancel() ... start_end()
 *
 * Whatever waiting cannot mend ends the start: a refused password, a right that is missing, a
 * setting that cannot be used.
 *
 * Thread: main.
 */
#ifndef SERVER_START_H
#define SERVER_START_H

#include <signal.h>

#include "server/api.h"

/* start -> main: it is over.  Main has it blocked, and leaves it so. */
enum { START_OVER = SIGUSR1 };

typedef struct StartOpts {
    EngineOpts  engine;
    const char *queries_file; /* NULL: none */
    Api        *api;          /* is told what the start waits for; start_begin() only */
} StartOpts;

/* One attempt, on the caller's thread. */
ErrCode start_engine(const StartOpts *opts, Engine **out, Err *err) ERR_MUST_USE;

typedef struct Start Start;

/* Attempts until one succeeds or waiting does not help, then sends START_OVER to the caller. */
ErrCode start_begin(const StartOpts *opts, Start **out, Err *err) ERR_MUST_USE;
/* It gives up soon. */
void start_cancel(Start *start);
/*
 * Waits for the thread.  *out is set on ERR_OK, also after start_cancel() when that came too late.
 * A cancelled start that waits for the cluster all the same, to close what it opened, ends the
 * process after some seconds, with code 0: nothing is lost that a crash would not leave whole.
 */
ErrCode start_end(Start *start, Engine **out, Err *err) ERR_MUST_USE;
/* When engine and API are closed. */
void start_free(Start *start);

#endif
