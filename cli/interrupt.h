/*
 * interrupt.h -- Ctrl-C as a question that one asks.
 *
 * SIGINT only raises a flag.  Whoever waits looks at it now and then, ends what it does, and lowers
 * it: a query ends and the session goes on.
 *
 * Thread: main.
 */
#ifndef CLI_INTERRUPT_H
#define CLI_INTERRUPT_H

#include <stdbool.h>

enum { INTERRUPT_LOOK_MS = 100 }; /* how long a wait may be without a look */

void interrupt_install(void);
bool interrupt_is_raised(void);
/* Whether it was raised; lowers it. */
bool interrupt_take(void);

#endif
