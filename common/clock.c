/*
 * clock.c -- the system's clock, and one that tests move by hand.
 */
#include "common/clock.h"

#include <assert.h>
#include <time.h>

static int64_t read_ns(clockid_t id)
{
    struct timespec now;
    int             rc = clock_gettime(id, &now);

    assert(rc == 0);
    (void)rc;
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int64_t system_now_ms(const Clock *clock)
{
    (void)clock;
    return read_ns(CLOCK_REALTIME) / 1000000;
}

static int64_t system_monotonic_ns(const Clock *clock)
{
    (void)clock;
    return read_ns(CLOCK_MONOTONIC);
}

static int64_t fake_now_ms(const Clock *clock)
{
    return clock->fake_ms;
}

static int64_t fake_monotonic_ns(const Clock *clock)
{
    return clock->fake_ms * 1000000;
}

const Clock *clock_system(void)
{
    static const Clock clock = {system_now_ms, system_monotonic_ns, 0};

    return &clock;
}

void clock_fake_init(Clock *clock, int64_t now_ms)
{
    *clock = (Clock){fake_now_ms, fake_monotonic_ns, now_ms};
}

void clock_fake_set(Clock *clock, int64_t now_ms)
{
    assert(clock->now_ms == fake_now_ms);
    clock->fake_ms = now_ms;
}
