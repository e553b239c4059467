/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Live targets: what plugins see of them. One that was taken out of the configuration stays until what is under way to
 * it has ended.
 */
#include "base/mem.h"
#include "dispatch/internal.h"

#include <stdlib.h>

struct belfry_str target_key(const int64_t *id)
{
    return str_slice((const char *)id, sizeof(*id));
}

struct target *target_find(struct dispatch *d, int64_t id)
{
    size_t pos = 0;
    void *value;
    struct belfry_str key;
    struct target *gone = NULL; /* its row may have come to another channel, which was renamed */
    while (hash_next(d->channels, &pos, &key, &value)) {
        struct target *t = hash_get(((struct channel *)value)->targets, target_key(&id));
        if (t && !t->removed)
            return t;
        gone = t ? t : gone;
    }
    return gone;
}

static int is_over(const struct belfry_target_secret *secret, int64_t now_ms)
{
    return secret->until_ms && secret->until_ms <= now_ms;
}

static void take_secrets(struct target_facts *facts, const struct belfry_target *from, int64_t now_ms)
{
    struct belfry_target_secret *list = arena_alloc(facts->arena, (from->secret_count + 1) * sizeof(*list));
    size_t count = 0;
    facts->secrets_end_ms = INT64_MAX;
    for (size_t i = 0; i < from->secret_count; i++) {
        if (is_over(&from->secrets[i], now_ms))
            continue;
        list[count] = from->secrets[i];
        list[count].text = arena_str(facts->arena, from->secrets[i].text);
        if (list[count].until_ms && list[count].until_ms < facts->secrets_end_ms)
            facts->secrets_end_ms = list[count].until_ms;
        count++;
    }
    facts->pub.secrets = list;
    facts->pub.secret_count = count;
    facts->pub.secret = count ? list[0].text : (struct belfry_str){0};
}

struct target_facts *target_facts_new(const struct belfry_target *pub, int64_t now_ms)
{
    struct arena *arena = arena_new(512);
    struct target_facts *facts = arena_alloc(arena, sizeof(*facts));
    *facts = (struct target_facts){.pub = *pub, .arena = arena, .refs = 1};
    facts->pub.struct_size = sizeof(facts->pub);
    facts->pub.name = arena_str(arena, pub->name);
    facts->pub.url = arena_str(arena, pub->url);
    facts->pub.org = arena_str(arena, pub->org);
    facts->pub.settings = arena_str(arena, pub->settings);
    take_secrets(facts, pub, now_ms);
    return facts;
}

void target_facts_unref(struct target_facts *facts)
{
    if (!facts || --facts->refs > 0)
        return;
    for (size_t i = 0; i < facts->pub.secret_count; i++)
        mem_wipe((void *)(uintptr_t)facts->pub.secrets[i].text.ptr, facts->pub.secrets[i].text.len);
    mem_wipe((void *)(uintptr_t)facts->pub.settings.ptr, facts->pub.settings.len); /* headers may hold credentials */
    arena_free(facts->arena);
}

struct target_facts *target_facts_now(struct target *t, int64_t now_ms)
{
    if (now_ms < t->facts->secrets_end_ms)
        return t->facts;
    struct target_facts *before = t->facts;
    t->facts = target_facts_new(&before->pub, now_ms);
    target_facts_unref(before);
    return t->facts;
}

void target_free(struct dispatch *d, struct target *t)
{
    queue_free(d, t->queue);
    target_facts_unref(t->facts);
    endpoint_free(t->made);
    free(t->last_answer);
    free(t->trials);
    free(t);
}

static const struct belfry_endpoints *role_of(const struct channel *ch)
{
    return ch->live ? ch->live->pub.instance->plugin->endpoints : NULL;
}

static void note_gone(struct dispatch *d, struct channel *ch, int64_t id)
{
    if (!role_of(ch) || !role_of(ch)->gone)
        return;
    d->gone = xgrow(d->gone, &d->gone_cap, d->gone_count + 1, sizeof(*d->gone));
    d->gone[d->gone_count++] = (struct gone_target){ch, (uint64_t)id};
    dispatch_turn(d);
}

void targets_tell_gone(struct dispatch *d)
{
    struct gone_target *gone = d->gone;
    size_t count = d->gone_count;
    d->gone = NULL;
    d->gone_count = d->gone_cap = 0;
    for (size_t i = 0; i < count; i++) {
        struct channel *ch = gone[i].channel;
        int64_t id = (int64_t)gone[i].id;
        if (!d->stopping && role_of(ch) && role_of(ch)->gone && !hash_get(ch->targets, target_key(&id)))
            role_of(ch)->gone(ch->live->pub.self, gone[i].id);
    }
    free(gone);
}

/* The target goes on under another channel, which its own became part of: what comes back of a batch or a claim that
 * ends here is in the queue there. Without another one it finds itself. */
static void wake_other(struct dispatch *d, const struct target *t)
{
    const struct target *other = target_find(d, t->id);
    if (!other->removed)
        queue_ready(d, other->queue);
}

void target_settle(struct dispatch *d, struct target *t)
{
    if (!t->removed)
        return;
    wake_other(d, t);
    if (t->queue->inflight || t->queue->claiming)
        return;
    int64_t id = t->id;
    note_gone(d, t->queue->channel, id);
    hash_del(t->queue->channel->targets, target_key(&id));
    target_free(d, t);
}

static int is_of(const struct target *t, enum targets_of which)
{
    return which == TARGETS_ALL || (t->made != NULL) == (which == TARGETS_MADE);
}

void targets_drop(struct dispatch *d, struct channel *ch, uint64_t round, enum targets_of which)
{
    size_t pos = 0, count = 0;
    void *value;
    struct belfry_str key;
    struct target **gone = xcalloc(hash_count(ch->targets) + 1, sizeof(struct target *));
    while (hash_next(ch->targets, &pos, &key, &value)) /* the table must not change while it is walked */
        if (is_of(value, which) && (!round || ((struct target *)value)->declared != round))
            gone[count++] = value;
    for (size_t i = 0; i < count; i++) {
        gone[i]->removed = 1;
        target_settle(d, gone[i]);
    }
    free(gone);
}

struct target *target_take(struct channel *ch, int64_t id, struct belfry_str url)
{
    struct target *t = hash_get(ch->targets, target_key(&id));
    if (!t) {
        t = xcalloc(1, sizeof(*t));
        t->id = id;
        t->queue = queue_new(ch, t, 0);
        hash_set(ch->targets, target_key(&id), t);
    } else if (!str_eq(t->facts->pub.url, url)) {
        t->queue->breaker = (struct breaker){0};
        t->queue->held_until_ms = 0;
        t->queue->rests_until_ms = 0;
        t->queue->pace = 0;
    }
    return t;
}

/* What was said of a receiver that was asked otherwise (with another handshake, say) is not said of it any more. */
void target_set_facts(struct target *t, struct target_facts *facts)
{
    if (t->facts && !str_eq(t->facts->pub.settings, facts->pub.settings)) {
        t->queue->held_until_ms = 0;
        t->queue->pace = 0;
    }
    target_facts_unref(t->facts);
    t->facts = facts;
}

void target_moved(struct dispatch *d, struct target *t)
{
    t->warned = 0;
    if (t->disabling)
        ledger_target_enable(d->set.ledger, t->id, 1, "the URL changed", NULL, NULL);
    else if (t->first_failure_ms)
        ledger_target_failure(d->set.ledger, t->id, 0, dispatch_now(d));
}

void dispatch_target_pace(struct dispatch *d, const char *channel, int64_t target, uint32_t per_minute)
{
    struct target *t = target_find(d, target);
    if (!t || strcmp(t->queue->channel->name, channel) != 0)
        return;
    t->queue->pace = per_minute;
    queue_pace(t->queue);
    if (!t->queue->bucket.at_ms) { /* what is under way was let go before this was known, and counts */
        bucket_free(&t->queue->bucket, 0, dispatch_now(d));
        bucket_take(&t->queue->bucket, t->queue->inflight);
    }
    queue_ready(d, t->queue);
}
