/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clocks. The real one has no state. A virtual one is two atomics, so that a test moves it while the hub's threads read
 * it: the wall goes where it is told, the monotonic part only ever adds the forward moves.
 */
#include "base/clock.h"

#include "base/mem.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

/* What RFC 3339 can write: years 0000 to 9999. */
#define WALL_MIN INT64_C(-62167219200000)
#define WALL_MAX INT64_C(253402300799999)
#define NS_PER_MS UINT64_C(1000000)

struct clock_src {
    int is_virtual;
    _Atomic int64_t wall_ms;
    _Atomic uint64_t mono_ns;
};

static struct clock_src real_clock;

struct clock_src *clock_real(void)
{
    return &real_clock;
}

static int64_t wall_clamp(int64_t ms)
{
    return ms < WALL_MIN ? WALL_MIN : ms > WALL_MAX ? WALL_MAX : ms;
}

struct clock_src *clock_virtual_new(int64_t wall_ms)
{
    struct clock_src *clock = xcalloc(1, sizeof(*clock));
    clock->is_virtual = 1;
    atomic_init(&clock->wall_ms, wall_clamp(wall_ms));
    atomic_init(&clock->mono_ns, UINT64_C(1000000000)); /* not 0, which often means "no deadline" */
    return clock;
}

void clock_free(struct clock_src *clock)
{
    if (clock && clock->is_virtual)
        free(clock);
}

int clock_is_virtual(const struct clock_src *clock)
{
    return clock->is_virtual;
}

int64_t clock_now_ms(const struct clock_src *clock)
{
    if (clock->is_virtual)
        return atomic_load(&clock->wall_ms);
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

uint64_t clock_mono_ns(const struct clock_src *clock)
{
    if (clock->is_virtual)
        return atomic_load(&clock->mono_ns);
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * UINT64_C(1000000000) + (uint64_t)ts.tv_nsec;
}

void clock_set(struct clock_src *clock, int64_t wall_ms)
{
    if (!clock->is_virtual)
        return;
    int64_t next = wall_clamp(wall_ms);
    int64_t before = atomic_exchange(&clock->wall_ms, next);
    if (next > before)
        atomic_fetch_add(&clock->mono_ns, (uint64_t)(next - before) * NS_PER_MS);
}

void clock_advance(struct clock_src *clock, int64_t delta_ms)
{
    if (!clock->is_virtual)
        return;
    int64_t before = atomic_load(&clock->wall_ms), next;
    do {
        if (__builtin_add_overflow(before, delta_ms, &next))
            next = delta_ms < 0 ? WALL_MIN : WALL_MAX;
        next = wall_clamp(next);
    } while (!atomic_compare_exchange_weak(&clock->wall_ms, &before, next));
    if (next > before)
        atomic_fetch_add(&clock->mono_ns, (uint64_t)(next - before) * NS_PER_MS);
}

#define STEP_MS INT64_C(10000)

void clock_watch_init(struct clock_watch *watch, int64_t wall_ms, uint64_t mono_ns)
{
    *watch = (struct clock_watch){wall_ms, mono_ns, mono_ns};
}

int64_t clock_watch_look(struct clock_watch *watch, int64_t wall_ms, uint64_t mono_ns)
{
    int64_t step = wall_ms - watch->wall_ms - (int64_t)((mono_ns - watch->mono_ns) / NS_PER_MS);
    /* Small ones are taken in, so that a clock that is slewed for days never adds up to a step. */
    watch->wall_ms = wall_ms;
    watch->mono_ns = mono_ns;
    if (step > -STEP_MS && step < STEP_MS)
        return 0;
    watch->even_since_ns = mono_ns;
    return step;
}

int64_t clock_watch_even_ms(const struct clock_watch *watch)
{
    return (int64_t)((watch->mono_ns - watch->even_since_ns) / NS_PER_MS);
}
