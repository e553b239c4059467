/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deeds on endpoints: one ledger command each. What is to be sealed is sealed in the ledger's thread, when the row and
 * its name are known, and opened from the row that comes back, so the live target goes by what is on disk.
 */
#include "dispatch/endpoints.h"

#include "base/mem.h"
#include "dispatch/internal.h"

#include <stdlib.h>

struct deed {
    struct ledger_endpoint command;
    struct dispatch *d;
    struct belfry_str secret, settings; /* plain; in the command's arena, wiped with it */
    int64_t overlap_ms;
    dispatch_endpoint_done *done;
    void *arg;
};

static void wipe(struct belfry_str text)
{
    if (text.len)
        mem_wipe((void *)(uintptr_t)text.ptr, text.len);
}

static void deed_free(struct deed *deed)
{
    wipe(deed->secret);
    wipe(deed->settings);
    arena_free(deed->command.arena);
    free(deed);
}

/* --- in the ledger's thread --------------------------------------------------------------------------------------- */

/* Old secrets that cannot be opened have nobody to sign for any more. */
static void fill_secret(struct deed *deed, struct store_target *row, int64_t now_ms)
{
    struct secrets secrets;
    if (!deed->secret.len)
        return;
    secrets_open(deed->d, row->secret, row->name, &secrets);
    secrets_push(&secrets, deed->secret, now_ms + deed->overlap_ms, now_ms);
    row->secret = secrets_seal(deed->d, &secrets, row->name, deed->command.arena);
    secrets_wipe(&secrets);
}

/* Names of the members that are not the same in both. What they hold may be credentials, and is told to nobody. */
static struct belfry_strs differing(struct arena *arena, struct belfry_str before, struct belfry_str after)
{
    json_t *old = before.len ? json_read(before, NULL) : NULL, *new = json_read(after, NULL), *value;
    struct belfry_str *names = arena_alloc(arena, (json_object_size(old) + json_object_size(new) + 1) * sizeof(*names));
    size_t count = 0;
    const char *key;
    json_object_foreach(old, key, value)
    {
        const json_t *now = json_object_get(new, key);
        if (!now || !json_equal(value, now))
            names[count++] = arena_str(arena, str_of(key));
    }
    json_object_foreach(new, key, value)
    {
        if (!json_object_get(old, key))
            names[count++] = arena_str(arena, str_of(key));
    }
    json_decref(old);
    json_decref(new);
    return (struct belfry_strs){names, count};
}

static void fill_settings(struct deed *deed, struct store_target *row)
{
    struct ledger_endpoint *e = &deed->command;
    struct buf now = {0};
    int opened = row->settings.len && settings_open(deed->d, row->settings, row->name, &now) == BELFRY_OK;
    if (!opened || !str_eq(buf_str(&now), deed->settings)) {
        e->differing = differing(e->arena, opened ? buf_str(&now) : (struct belfry_str){0}, deed->settings);
        row->settings = settings_seal(deed->d, deed->settings, row->name, e->arena);
    }
    wipe(buf_str(&now));
    buf_free(&now);
}

static void fill(struct ledger_endpoint *e, struct store_target *row, int64_t now_ms)
{
    struct deed *deed = e->arg;
    if (e->what != LEDGER_ENDPOINT_CHANGE)
        fill_secret(deed, row, now_ms);
    if (e->what != LEDGER_ENDPOINT_ROTATE)
        fill_settings(deed, row);
}

/* --- the live target ---------------------------------------------------------------------------------------------- */

/* A channel that went meanwhile, or has another name, hears of the row when its instance comes into force. */
static struct channel *live_channel(struct dispatch *d, const struct ledger_made *made)
{
    struct channel *ch = hash_get(d->channels, made->channel);
    if (!ch || !ch->live || !endpoint_serves(&ch->live->pub, ch->live->pub.config, made->org))
        return NULL;
    return ch;
}

/* What was said of it before says nothing of it from now on. */
static void begin_anew(struct target *t)
{
    t->warned = 0;
    t->first_failure_ms = 0;
    t->queue->breaker = (struct breaker){0};
    t->queue->held_until_ms = 0;
    t->queue->rests_until_ms = 0;
}

static void apply_switch(struct dispatch *d, struct target *t, int enabled)
{
    t->enabled = enabled && !t->disabling && !(t->made && t->made->sealed);
    begin_anew(t);
    queue_ready(d, t->queue);
}

static void apply_row(struct dispatch *d, const struct ledger_endpoint *e)
{
    struct channel *ch = live_channel(d, &e->out);
    if (!ch)
        return;
    const struct target *before = hash_get(ch->targets, target_key(&e->id));
    int was = before ? before->enabled : 1;
    struct target *t = endpoint_put(d, ch, &e->out);
    if (e->moved) {
        if (e->out.row.enabled)
            target_moved(d, t);
        t->enabled = e->out.row.enabled && !t->made->sealed;
        t->first_failure_ms = 0;
    }
    if (t->enabled && !was)
        begin_anew(t);
}

static void apply(struct dispatch *d, const struct ledger_endpoint *e)
{
    struct target *t;
    switch (e->what) {
    case LEDGER_ENDPOINT_CREATE:
    case LEDGER_ENDPOINT_CHANGE:
    case LEDGER_ENDPOINT_ROTATE:
        apply_row(d, e);
        return;
    case LEDGER_ENDPOINT_REMOVE:
        if ((t = target_find(d, e->id))) {
            t->removed = 1;
            target_settle(d, t);
        }
        return;
    case LEDGER_ENDPOINT_ENABLE:
    case LEDGER_ENDPOINT_DISABLE:
        if ((t = target_find(d, e->id)))
            apply_switch(d, t, e->what == LEDGER_ENDPOINT_ENABLE);
    }
}

static void on_done(struct ledger_endpoint *e, belfry_status status)
{
    struct deed *deed = e->arg;
    struct dispatch *d = deed->d;
    d->claims--;
    if (status == BELFRY_OK && d->set.ledger)
        apply(d, e);
    if (deed->done)
        deed->done(deed->arg, status, e->id, e->out.row.version);
    deed_free(deed);
    dispatch_turn(d);
}

/* --- asking ------------------------------------------------------------------------------------------------------- */

static struct deed *deed_new(struct dispatch *d, enum ledger_endpoint_deed what, const struct ledger_deed *who,
                             dispatch_endpoint_done *done, void *arg)
{
    struct deed *deed = xcalloc(1, sizeof(*deed));
    struct arena *arena = arena_new(1024);
    *deed = (struct deed){.d = d, .done = done, .arg = arg};
    deed->command = (struct ledger_endpoint){
        .what = what,
        .deed = {arena_str(arena, who->org), arena_str(arena, who->who), arena_str(arena, who->reason)},
        .arena = arena,
        .fill = fill,
        .done = on_done,
        .arg = deed};
    return deed;
}

static void submit(struct deed *deed)
{
    struct dispatch *d = deed->d;
    d->claims++;
    if (d->set.ledger)
        ledger_endpoint(d->set.ledger, &deed->command);
    else
        on_done(&deed->command, BELFRY_ECLOSED);
}

static void take(struct deed *deed, const struct dispatch_endpoint *from)
{
    struct ledger_endpoint *e = &deed->command;
    struct belfry_str *types = arena_alloc(e->arena, (from->types.count + 1) * sizeof(*types));
    for (size_t i = 0; i < from->types.count; i++)
        types[i] = arena_str(e->arena, from->types.items[i]);
    e->url = arena_str(e->arena, from->url);
    e->doc = (struct endpoint_doc){.description = arena_str(e->arena, from->description),
                                   .types = {types, from->types.count},
                                   .when = arena_str(e->arena, from->when),
                                   .metadata = arena_str(e->arena, from->metadata),
                                   .concurrency = from->concurrency,
                                   .rate_per_minute = from->rate_per_minute,
                                   .order = from->order};
    e->enabled = from->enabled;
    deed->settings = arena_str(e->arena, from->settings.len ? from->settings : STR("{}"));
}

void dispatch_endpoint_create(struct dispatch *d, const char *channel, const struct ledger_deed *who,
                              const struct dispatch_endpoint *endpoint, struct belfry_str secret,
                              dispatch_endpoint_done *done, void *arg)
{
    struct deed *deed = deed_new(d, LEDGER_ENDPOINT_CREATE, who, done, arg);
    take(deed, endpoint);
    deed->command.channel = arena_strdup(deed->command.arena, channel);
    deed->secret = arena_str(deed->command.arena, secret);
    submit(deed);
}

void dispatch_endpoint_change(struct dispatch *d, const struct ledger_deed *who, int64_t id, int64_t if_version,
                              const struct dispatch_endpoint *endpoint, dispatch_endpoint_done *done, void *arg)
{
    struct deed *deed = deed_new(d, LEDGER_ENDPOINT_CHANGE, who, done, arg);
    take(deed, endpoint);
    deed->command.id = id;
    deed->command.if_version = if_version;
    submit(deed);
}

void dispatch_endpoint_remove(struct dispatch *d, const struct ledger_deed *who, int64_t id, int64_t if_version,
                              dispatch_endpoint_done *done, void *arg)
{
    struct deed *deed = deed_new(d, LEDGER_ENDPOINT_REMOVE, who, done, arg);
    deed->command.id = id;
    deed->command.if_version = if_version;
    submit(deed);
}

void dispatch_endpoint_rotate(struct dispatch *d, const struct ledger_deed *who, int64_t id, int64_t if_version,
                              struct belfry_str secret, int64_t overlap_ms, dispatch_endpoint_done *done, void *arg)
{
    struct deed *deed = deed_new(d, LEDGER_ENDPOINT_ROTATE, who, done, arg);
    deed->command.id = id;
    deed->command.if_version = if_version;
    deed->secret = arena_str(deed->command.arena, secret);
    deed->overlap_ms = overlap_ms;
    submit(deed);
}

void dispatch_endpoint_enable(struct dispatch *d, const struct ledger_deed *who, int64_t id, int enabled,
                              dispatch_endpoint_done *done, void *arg)
{
    const struct target *t = target_find(d, id);
    if (enabled && t && t->made && t->made->sealed) {
        done(arg, BELFRY_EINVAL, id, t->made->version);
        return;
    }
    struct deed *deed = deed_new(d, enabled ? LEDGER_ENDPOINT_ENABLE : LEDGER_ENDPOINT_DISABLE, who, done, arg);
    deed->command.id = id;
    submit(deed);
}
