/*
 * interrupt.c -- SIGINT raises a flag.
 */
#include "cli/interrupt.h"

#include <signal.h>
#include <stddef.h>

static volatile sig_atomic_t raised;

static void on_signal(int number)
{
    (void)number;
    raised = 1;
}

void interrupt_install(void)
{
    struct sigaction action = {.sa_handler = on_signal}; /* no SA_RESTART: reads come back */

    sigemptyset(&action.sa_mask);
    (void)sigaction(SIGINT, &action, NULL);
}

bool interrupt_is_raised(void)
{
    return raised != 0;
}

bool interrupt_take(void)
{
    bool was_raised = raised != 0;

    raised = 0;
    return was_raised;
}
