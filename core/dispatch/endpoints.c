/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Endpoints that were made over the API, as live targets of their channel. The ledger's rows say what there is: all of
 * them when an instance comes into force, and the one that a deed left. Both go through endpoint_put(), so a target is
 * after a restart what it was after the deed.
 *
 * One whose secret or settings cannot be opened, because hub.secret is another, is sent nothing: it rests as disabled,
 * for a reason of its own, and goes on by itself when what is sealed in it can be opened again.
 */
#include "dispatch/endpoints.h"

#include "base/log.h"
#include "base/mem.h"
#include "dispatch/internal.h"
#include "plugin/plugin.h"

#include <stdlib.h>

#define WHY_SEALED                                                                                                     \
    "its secret cannot be opened: the hub has another hub.secret than the one it was stored with; bring that back, or" \
    " give it a new secret and its settings again"

const char *const *const dispatch_when_paths = config_event_paths;

void endpoint_free(struct endpoint *endpoint)
{
    if (endpoint)
        arena_free(endpoint->arena);
}

static struct endpoint *endpoint_new(const struct ledger_made *made)
{
    struct arena *arena = arena_new(512);
    struct endpoint *e = arena_alloc(arena, sizeof(*e));
    *e = (struct endpoint){.arena = arena, .version = made->row.version, .owner = arena_str(arena, made->row.owner)};
    endpoint_doc_read(made->row.doc, arena, &e->doc);
    return e;
}

int endpoint_serves(const struct dispatch_channel *live, const struct config *config, struct belfry_str org)
{
    return live->instance->plugin->endpoints && config_org(config, org) && config_serves(live->instance, org);
}

/* --- one ---------------------------------------------------------------------------------------------------------- */

/* Returns 0 when what is sealed cannot be opened. */
static int open_facts(struct dispatch *d, const struct ledger_made *made, struct target_facts **facts)
{
    struct secrets secrets;
    struct buf settings = {0};
    belfry_status status = secrets_open(d, made->row.secret, made->row.name, &secrets);
    belfry_status other = settings_open(d, made->row.settings, made->row.name, &settings);
    const struct belfry_target pub = {.id = (uint64_t)made->row.id,
                                      .name = made->row.name,
                                      .url = made->row.url,
                                      .org = made->org,
                                      .settings = other ? STR("{}") : buf_str(&settings),
                                      .secrets = secrets.items,
                                      .secret_count = secrets.count};
    *facts = target_facts_new(&pub, dispatch_now(d));
    secrets_wipe(&secrets);
    if (settings.ptr)
        mem_wipe(settings.ptr, settings.len);
    buf_free(&settings);
    return status == BELFRY_OK && other == BELFRY_OK;
}

/* Whether it rests because of what is sealed follows from whether that can be opened. */
static void settle_sealed(struct dispatch *d, struct target *t, const struct store_target *row)
{
    if (t->made->sealed && row->enabled)
        ledger_target_switch(d->set.ledger, t->id, 0, STORE_OFF_BY_SECRET, WHY_SEALED, NULL, NULL);
    t->enabled = row->enabled && !t->made->sealed && !t->disabling;
    if (t->made->sealed || row->enabled || row->off_by != STORE_OFF_BY_SECRET)
        return;
    ledger_target_switch(d->set.ledger, t->id, 1, 0, NULL, NULL, NULL);
    t->enabled = 1;
}

struct target *endpoint_put(struct dispatch *d, struct channel *ch, const struct ledger_made *made)
{
    const struct store_target *row = &made->row;
    struct target *t = target_take(ch, row->id, row->url);
    struct target_facts *facts;
    int fresh = !t->facts, opened = open_facts(d, made, &facts);
    target_set_facts(t, facts);
    endpoint_free(t->made);
    t->made = endpoint_new(made);
    t->made->sealed = !opened;
    t->spec = NULL;
    t->queue->concurrency = t->made->doc.concurrency ? t->made->doc.concurrency : DISPATCH_CONCURRENCY;
    t->queue->rate = t->made->doc.rate_per_minute;
    queue_pace(t->queue);
    if (fresh)
        target_known(t, row->first_failure, row->told);
    t->removed = 0;
    settle_sealed(d, t, row);
    queue_ready(d, t->queue);
    return t;
}

/* --- all of a channel --------------------------------------------------------------------------------------------- */

struct loading {
    struct dispatch *d;
    struct channel *channel;
    struct config *config;
    const struct config_instance *instance;
    struct ledger_made_list list;
};

static void loading_free(struct loading *l)
{
    config_unref(l->config);
    arena_free(l->list.arena);
    free(l);
}

/* A live one of this version is as it should be: whatever else moves in it came by dispatch. */
static int is_known(const struct channel *ch, const struct ledger_made *made)
{
    const struct target *t = hash_get(ch->targets, target_key(&made->row.id));
    return t && t->made && !t->removed && t->made->version == made->row.version && !t->made->sealed;
}

static void put_all(struct dispatch *d, struct loading *l)
{
    struct channel *ch = l->channel;
    const struct ledger_made *first = NULL;
    size_t sealed = 0;
    d->round++;
    for (size_t i = 0; i < l->list.count; i++) {
        const struct ledger_made *made = &l->list.items[i];
        if (!config_org(l->config, made->org) || !config_serves(l->instance, made->org))
            continue;
        struct target *t =
            is_known(ch, made) ? hash_get(ch->targets, target_key(&made->row.id)) : endpoint_put(d, ch, made);
        t->declared = d->round;
        if (t->made->sealed && !sealed++)
            first = made;
    }
    targets_drop(d, ch, d->round, TARGETS_MADE);
    if (sealed && !ch->told_sealed)
        log_error("dispatch",
                  "endpoints rest as disabled: what is sealed of them cannot be opened with this hub.secret; bring the "
                  "one of before back, or give them new secrets",
                  "channel=%s count=%zu org=%.*s endpoint=%.*s", ch->name, sealed, STR_ARG(first->org),
                  STR_ARG(first->row.name));
    ch->told_sealed = sealed > 0;
}

static void on_list(struct ledger_made_list *list, belfry_status status)
{
    struct loading *l = list->arg;
    struct dispatch *d = l->d;
    d->claims--;
    if (status == BELFRY_OK && d->set.ledger)
        put_all(d, l);
    else if (d->set.ledger && !d->stopping)
        l->channel->unwritten = 1;
    loading_free(l);
    dispatch_turn(d);
}

void endpoints_in_force(struct dispatch *d, struct channel *ch)
{
    const struct dispatch_channel *live = &ch->live->pub;
    if (!live->instance->plugin->endpoints) {
        targets_drop(d, ch, 0, TARGETS_MADE);
        return;
    }
    struct loading *l = xcalloc(1, sizeof(*l));
    struct arena *arena = arena_new(4096);
    *l = (struct loading){.d = d, .channel = ch, .config = config_ref(live->config), .instance = live->instance};
    l->list =
        (struct ledger_made_list){.channel = arena_strdup(arena, ch->name), .arena = arena, .done = on_list, .arg = l};
    d->claims++;
    ledger_made_list(d->set.ledger, &l->list);
}

const struct belfry_endpoints *dispatch_endpoints_role(const struct dispatch *d, const char *channel, void **self)
{
    const struct channel *ch = hash_get(d->channels, str_of(channel));
    if (!ch || !ch->live)
        return NULL;
    *self = ch->live->pub.self;
    return ch->live->pub.instance->plugin->endpoints;
}
