/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deliveries of one recipient on one channel are candidates: the first that passes its gates is sent, the others end as
 * duplicates. One that can only come second to a certain one is known to be a duplicate when the plan is made.
 */
#include "route/route.h"

void route_chains(const struct route_plan *plan, struct arena *arena, struct route_chains *out)
{
    out->first = arena_alloc(arena, (plan->recipient_count + 1) * sizeof(uint32_t));
    out->next = arena_alloc(arena, (plan->delivery_count + 1) * sizeof(uint32_t));
    for (size_t i = plan->delivery_count; i > 0; i--) {
        uint32_t r = plan->deliveries[i - 1].recipient;
        uint32_t *first = &out->first[r < plan->recipient_count ? r : plan->recipient_count];
        out->next[i - 1] = *first;
        *first = (uint32_t)i;
    }
}

/* Whether nothing of its own can hold it back when it comes due. In-app has no quiet hours, and what is shown at once
 * is shown before anybody could have seen it. */
static int is_certain(const struct route_delivery *d)
{
    if (d->deliver->channel->plugin->delivery->flags & BELFRY_DELIVERY_IN_COMMIT)
        return d->after_ms <= 0 || !d->unless;
    if (d->deliver->channel->plugin->delivery->flags & BELFRY_DELIVERY_PREFERENCE)
        return 0; /* a pause, or somebody's quiet hours, may end between the two */
    return !d->unless && !d->rule->schedule;
}

int route_comes_second(const struct route_plan *plan, const struct route_chains *chains, uint32_t delivery)
{
    const struct route_delivery *d = &plan->deliveries[delivery];
    uint32_t r = d->recipient < plan->recipient_count ? d->recipient : (uint32_t)plan->recipient_count;
    for (uint32_t at = chains->first[r]; at; at = chains->next[at - 1]) {
        const struct route_delivery *other = &plan->deliveries[at - 1];
        if (at - 1 == delivery || other->deliver->channel != d->deliver->channel || !is_certain(other))
            continue;
        if (other->after_ms < d->after_ms || (other->after_ms == d->after_ms && at - 1 < delivery))
            return 1;
    }
    return 0;
}
