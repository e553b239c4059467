/* SPDX-License-Identifier: Apache-2.0 */
/* What people are shown of targets: how they were declared, and how they do. */
#include "base/id.h"
#include "dispatch/internal.h"

static const char *breaker_state(const struct breaker *b, int64_t now_ms)
{
    if (!b->open_until_ms)
        return "closed";
    return b->probing || now_ms >= b->open_until_ms ? "half_open" : "open";
}

static void view_of(const struct dispatch *d, const struct channel *ch, const struct target *t,
                    struct dispatch_target_view *out)
{
    const struct queue_state *q = t->queue;
    const struct belfry_target *pub = &t->facts->pub;
    *out = (struct dispatch_target_view){.id = t->id,
                                         .channel = ch->name,
                                         .org = pub->org,
                                         .name = pub->name,
                                         .url = pub->url,
                                         .spec = t->spec,
                                         .concurrency = q->concurrency,
                                         .rate_per_minute = q->rate,
                                         .order = t->spec ? t->spec->order : BELFRY_ORDER_BEST_EFFORT,
                                         .inflight = q->inflight,
                                         .enabled = t->enabled,
                                         .breaker = breaker_state(&q->breaker, dispatch_now(d)),
                                         .breaker_until_ms = q->breaker.open_until_ms,
                                         .last_success_ms = t->last_success_ms,
                                         .created_ms = id_time_ms(t->id),
                                         .from_yaml = !t->made,
                                         .settings = pub->settings,
                                         .secret = pub->secret};
    if (t->spec)
        out->types = t->spec->types;
    if (!t->made)
        return;
    out->owner = t->made->owner;
    out->version = t->made->version;
    out->sealed = t->made->sealed;
    out->description = t->made->doc.description;
    out->types = t->made->doc.types;
    out->when = t->made->doc.when;
    out->metadata = t->made->doc.metadata;
    out->order = t->made->doc.order;
}

static void show(const struct dispatch *d, const struct channel *ch, const struct target *t,
                 void (*fn)(void *arg, const struct dispatch_target_view *view), void *arg)
{
    struct dispatch_target_view view;
    view_of(d, ch, t, &view);
    fn(arg, &view);
}

int dispatch_target_get(const struct dispatch *d, struct belfry_str org, int64_t id, struct dispatch_target_view *out)
{
    const struct target *t = target_find((struct dispatch *)(uintptr_t)d, id);
    if (!t || t->removed || !t->queue->channel->live || !str_eq(t->facts->pub.org, org))
        return 0;
    view_of(d, t->queue->channel, t, out);
    return 1;
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
