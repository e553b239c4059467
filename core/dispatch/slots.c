/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The slots of the hub: each is one request under way (or claimed and about to be), so their number bounds sockets and
 * memory. Which queue may hold how many is decided here, so that what is sick never holds what the healthy need:
 *
 * - Slow start. A target begins with one slot, has one more with each delivery that arrives, up to its concurrency, and
 *   half of them after a refusal that came at once. One that does not answer is back at one.
 * - Half of the slots are shared by the queues that are at work: the more there are, the fewer each may hold, and none
 *   less than one. The other half is for those that come. So a few that hang with many slots each do not use up
 *   everybody's, and no queue waits for a slot as long as there are fewer queues at work than slots.
 * - Queues whose last request took longer than SLOW_NS, or that have one under way for so long, have half of the slots
 *   among them. However many hang, the rest is with those that answer. What is refused or reset at once is not slow: it
 *   gives its slot back. A test makes nobody slow, since it does not show that one is quick again either.
 *
 * Queues of people (mail) have a server of the operator's own behind them, whose concurrency the plugin knows best.
 * They begin with all of it, share with nobody and are never slow.
 */
#include "dispatch/internal.h"

#define SLOW_NS 1000000000ull
#define WINDOW_MAX 64

static void slow_set(struct dispatch *d, struct queue_state *q, int slow)
{
    uint32_t held = q->inflight + q->claimed;
    if (q->slow == slow)
        return;
    q->slow = slow;
    d->slow = slow ? d->slow + held : d->slow - held;
    if (slow || list_empty(&q->ready))
        return;
    list_remove(
        &q->ready); /* it may stand in the line of the slow, who wait for slots that it does not need any more */
    list_push_back(&d->ready, &q->ready);
}

void slots_add(struct dispatch *d, struct queue_state *q, int inflight, int claimed)
{
    uint32_t before = q->inflight + q->claimed;
    q->inflight += (uint32_t)inflight;
    q->claimed += (uint32_t)claimed;
    d->inflight += (uint32_t)inflight;
    d->claimed += (uint32_t)claimed;
    uint32_t held = q->inflight + q->claimed;
    d->working += (uint32_t)((held > 0) - (before > 0));
    if (q->slow)
        d->slow += held - before;
}

int slots_left(const struct dispatch *d)
{
    return d->inflight + d->claimed < DISPATCH_INFLIGHT_MAX;
}

int slots_left_for(const struct dispatch *d, const struct queue_state *q)
{
    return slots_left(d) && (!q->slow || d->slow < DISPATCH_SLOW_MAX);
}

uint32_t slots_share(const struct dispatch *d, const struct queue_state *q, uint32_t want)
{
    if (!slots_left_for(d, q))
        return 0;
    uint32_t room = DISPATCH_INFLIGHT_MAX - d->inflight - d->claimed;
    uint32_t fair = DISPATCH_INFLIGHT_MAX / 2 / (d->working + (q->inflight == 0));
    if (q->slow && DISPATCH_SLOW_MAX - d->slow < room)
        room = DISPATCH_SLOW_MAX - d->slow;
    if (fair == 0)
        fair = 1;
    fair = fair > q->inflight ? fair - q->inflight : 0;
    if (q->target && want > fair)
        want = fair;
    return want < room ? want : room;
}

void slots_learn(struct dispatch *d, struct queue_state *q, int arrived, uint64_t took_ns)
{
    int slow = took_ns >= SLOW_NS;
    if (!q->target)
        return;
    slow_set(d, q, slow);
    if (arrived)
        q->window += q->window < WINDOW_MAX;
    else
        q->window = slow || q->window < 2 ? 1 : q->window / 2;
}

void slots_look(struct dispatch *d)
{
    uint64_t now = clock_mono_ns(d->stopwatch);
    LIST_EACH(it, &d->open)
    {
        const struct batch *b = LIST_OF(it, struct batch, node);
        if (now < b->started_ns + SLOW_NS)
            return; /* oldest first */
        if (b->queue->target && !b->of->test)
            slow_set(d, b->queue, 1);
    }
}
