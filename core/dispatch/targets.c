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

void target_facts_unref(struct target_facts *facts)
{
    if (!facts || --facts->refs > 0)
        return;
    mem_wipe((void *)(uintptr_t)facts->pub.secret.ptr, facts->pub.secret.len);
    arena_free(facts->arena);
}

void target_free(struct dispatch *d, struct target *t)
{
    queue_free(d, t->queue);
    target_facts_unref(t->facts);
    free(t);
}

void target_settle(struct dispatch *d, struct target *t)
{
    if (!t->removed || t->queue->inflight || t->queue->claiming)
        return;
    int64_t id = t->id;
    hash_del(t->queue->channel->targets, target_key(&id));
    target_free(d, t);
}

void targets_drop(struct dispatch *d, struct channel *ch, uint64_t round)
{
    size_t pos = 0, count = 0;
    void *value;
    struct belfry_str key;
    struct target **gone = xcalloc(hash_count(ch->targets) + 1, sizeof(struct target *));
    while (hash_next(ch->targets, &pos, &key, &value)) /* the table must not change while it is walked */
        if (!round || ((struct target *)value)->declared != round)
            gone[count++] = value;
    for (size_t i = 0; i < count; i++) {
        gone[i]->removed = 1;
        target_settle(d, gone[i]);
    }
    free(gone);
}

void dispatch_target_pace(struct dispatch *d, const char *channel, int64_t target, uint32_t per_minute)
{
    struct target *t = target_find(d, target);
    if (!t || strcmp(t->queue->channel->name, channel) != 0)
        return;
    t->queue->pace = per_minute;
    queue_pace(t->queue);
    queue_ready(d, t->queue);
}
