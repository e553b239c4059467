/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of targets: deliveries that somebody pressed a button for and waits to see. One goes before all that its target
 * has in its queue, and past what holds that up: breaker, pause, hold, rate, slow start, and that it is disabled. Who
 * has just mended a receiver sees at once whether it is well; what waits goes on when its own time comes, because one
 * request that somebody watched says nothing of the next thousand.
 *
 * It takes a slot, of the hub and of the concurrency that people allowed, so there is never more under way to a
 * receiver than was asked for. Since nothing else slows it down, how many there may be is bounded: PER_MINUTE in any
 * minute, and as many that wait for a slot.
 *
 * The ids here are a short cut: a row that nobody takes by its id (the hub was started again) is one of its queue.
 */
#include "dispatch/endpoints.h"

#include "base/mem.h"
#include "dispatch/internal.h"

#include <stdlib.h>

#define PER_MINUTE 10
#define MINUTE_MS 60000
#define WAITING_MAX (2 * PER_MINUTE) /* those that were let through while as many were on their way to the disk */

struct trials {
    int64_t asked_ms[PER_MINUTE]; /* the last ones; 0: never */
    uint32_t oldest;              /* of asked_ms */
    int64_t waiting[WAITING_MAX]; /* ids of deliveries, in their order */
    size_t count;
};

static struct trials *trials_of(struct target *t)
{
    if (!t->trials)
        t->trials = xcalloc(1, sizeof(*t->trials));
    return t->trials;
}

int64_t dispatch_test_wait(struct dispatch *d, int64_t id)
{
    struct target *t = target_find(d, id);
    int64_t now = dispatch_now(d);
    if (!t)
        return 0;
    struct trials *trials = trials_of(t);
    int64_t *oldest = &trials->asked_ms[trials->oldest];
    if (*oldest > now) /* the clock was set back */
        *oldest = 0;
    if (*oldest && now - *oldest < MINUTE_MS)
        return *oldest + MINUTE_MS - now;
    if (trials->count >= PER_MINUTE)
        return MINUTE_MS / PER_MINUTE;
    *oldest = now;
    trials->oldest = (trials->oldest + 1) % PER_MINUTE;
    return 0;
}

void dispatch_test(struct dispatch *d, int64_t id, int64_t delivery)
{
    struct target *t = target_find(d, id);
    if (!t || trials_of(t)->count == WAITING_MAX)
        return;
    t->trials->waiting[t->trials->count++] = delivery;
    queue_ready(d, t->queue);
}

int64_t trial_next(const struct queue_state *q)
{
    const struct target *t = q->target;
    int held_up = q->inflight >= q->concurrency || !t || (t->made && t->made->sealed);
    return !held_up && t->trials && t->trials->count ? t->trials->waiting[0] : 0;
}

void trial_taken(struct queue_state *q, int64_t delivery)
{
    struct trials *trials = q->target->trials;
    if (trials->waiting[0] != delivery)
        return;
    trials->count--;
    memmove(trials->waiting, trials->waiting + 1, trials->count * sizeof(trials->waiting[0]));
}
