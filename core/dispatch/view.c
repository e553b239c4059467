/* SPDX-License-Identifier: Apache-2.0 */
/* What people are shown of targets: how they were declared, and how they do. */
#include "dispatch/internal.h"

static const char *breaker_state(const struct breaker *b, int64_t now_ms)
{
    if (!b->open_until_ms)
        return "closed";
    return b->probing || now_ms >= b->open_until_ms ? "half_open" : "open";
}

static void show(const struct dispatch *d, const struct channel *ch, const struct target *t,
                 void (*fn)(void *arg, const struct dispatch_target_view *view), void *arg)
{
    const struct queue_state *q = t->queue;
    struct dispatch_target_view view = {.id = t->id,
                                        .channel = ch->name,
                                        .org = t->facts->pub.org,
                                        .name = t->facts->pub.name,
                                        .url = t->facts->pub.url,
                                        .spec = declared_spec(ch, t->facts->pub.name),
                                        .concurrency = q->concurrency,
                                        .rate_per_minute = q->rate,
                                        .inflight = q->inflight,
                                        .enabled = t->enabled,
                                        .breaker = breaker_state(&q->breaker, dispatch_now(d)),
                                        .breaker_until_ms = q->breaker.open_until_ms,
                                        .last_success_ms = t->last_success_ms};
    fn(arg, &view);
}

void dispatch_targets_each(const struct dispatch *d, struct belfry_str org,
                           void (*fn)(void *arg, const struct dispatch_target_view *view), void *arg)
{
    size_t pos = 0;
    void *value;
    struct belfry_str key;
    while (hash_next(d->channels, &pos, &key, &value)) {
        const struct channel *ch = value;
        size_t at = 0;
        while (ch->live && hash_next(ch->targets, &at, &key, &value)) {
            const struct target *t = value;
            if (!t->removed && str_eq(t->facts->pub.org, org))
                show(d, ch, t, fn, arg);
        }
    }
}
