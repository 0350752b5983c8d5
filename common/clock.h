/*
 * clock.h -- time as a seam.
 *
 * Everything that needs the time gets a Clock.  clock_system() is the real one; a fake clock
 * stands still until clock_fake_set() moves it, so that the engine runs deterministically.
 *
 * Thread: any for the system clock; a fake one belongs to one thread.
 */
#ifndef COMMON_CLOCK_H
#define COMMON_CLOCK_H

#include <stdint.h>

typedef struct Clock {
    int64_t (*now_ms)(const struct Clock *clock);       /* wall clock, ms since the epoch, UTC */
    int64_t (*monotonic_ns)(const struct Clock *clock); /* never goes back */
    int64_t fake_ms;
} Clock;

const Clock *clock_system(void);
void         clock_fake_init(Clock *clock, int64_t now_ms);
void         clock_fake_set(Clock *clock, int64_t now_ms);

static inline int64_t clock_now_ms(const Clock *clock)
{
    return clock->now_ms(clock);
}
static inline int64_t clock_monotonic_ns(const Clock *clock)
{
    return clock->monotonic_ns(clock);
}

#endif
