/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From what a plugin declares to rows (by channel, org and name), queues, and the index that events are matched with.
 *
 * A set waits until its instance is in force; until then it changes nothing, because the configuration may still be
 * rejected. Then rows and index go to the ledger in one breath: the next trigger already meets them, and the hub
 * listens, or answers a reload, only afterwards. The set is kept, because rows are an org's own: when a later
 * generation brings another org and leaves the channel as it is, rows for that org are made from the same set.
 *
 * A target that stays keeps its row, its queue and its breaker; one whose URL changed gets a fresh breaker, because the
 * failures were another receiver's.
 */
#include "base/crypto.h"
#include "base/log.h"
#include "base/mem.h"
#include "dispatch/internal.h"

#include <stdlib.h>

struct target_set {
    struct arena *arena; /* this too */
    uint32_t refs;
    struct config *config;          /* holds the conditions */
    const struct belfry_host *host; /* of the instance that declared it */
    struct belfry_target_spec *specs;
    size_t count;
    struct belfry_target_policy policy;
};

/* One set for the orgs of one configuration, on its way through the ledger. */
struct declaration {
    struct dispatch *d;
    struct channel *channel;
    struct target_set *set;
    struct config *config;
    const struct config_instance *instance;
    struct arena *arena;
    struct ledger_target *rows;
    struct route_target *routes;
    const struct belfry_target_spec **specs; /* of each row */
    size_t count;
    uint32_t refs; /* the answer that is owed; the index */
};

void target_set_unref(struct target_set *set)
{
    if (!set || --set->refs > 0)
        return;
    for (size_t i = 0; i < set->count; i++)
        for (size_t k = 0; k < set->specs[i].secrets.count; k++)
            mem_wipe((void *)(uintptr_t)set->specs[i].secrets.items[k].ptr, set->specs[i].secrets.items[k].len);
    config_unref(set->config);
    arena_free(set->arena);
}

static void declaration_unref(void *arg)
{
    struct declaration *decl = arg;
    if (--decl->refs > 0)
        return;
    target_set_unref(decl->set);
    config_unref(decl->config);
    arena_free(decl->arena);
    free(decl);
}

/* --- after the ledger knows the rows ------------------------------------------------------------------------------ */

static struct target_facts *facts_new(const struct declaration *decl, size_t i)
{
    const struct ledger_target *row = &decl->rows[i];
    const struct belfry_strs *texts = &decl->specs[i]->secrets;
    struct belfry_target_secret *secrets = arena_alloc(decl->arena, (texts->count + 1) * sizeof(*secrets));
    for (size_t k = 0; k < texts->count; k++)
        secrets[k] = (struct belfry_target_secret){.text = texts->items[k]};
    const struct belfry_target pub = {.id = (uint64_t)row->id,
                                      .name = row->name,
                                      .url = row->url,
                                      .org = row->org,
                                      .settings = decl->specs[i]->settings,
                                      .secrets = secrets,
                                      .secret_count = texts->count};
    return target_facts_new(&pub, dispatch_now(decl->d));
}

static void target_update(struct declaration *decl, size_t i)
{
    struct dispatch *d = decl->d;
    const struct ledger_target *row = &decl->rows[i];
    struct target *t = target_take(decl->channel, row->id, row->url);
    target_set_facts(t, facts_new(decl, i));
    endpoint_free(t->made); /* somebody wrote one of the API into the file */
    t->made = NULL;
    t->spec = decl->set == decl->channel->set ? decl->specs[i] : NULL;
    t->queue->concurrency = decl->specs[i]->concurrency ? decl->specs[i]->concurrency : DISPATCH_CONCURRENCY;
    t->queue->rate = decl->specs[i]->rate_per_minute;
    queue_pace(t->queue);
    t->enabled = row->enabled && (row->moved || !t->disabling); /* it went while the declaration was on its way */
    if (row->moved && row->enabled)
        target_moved(d, t);
    target_known(t, row->first_failure_ms, row->told);
    t->removed = 0;
    t->declared = d->round;
    queue_ready(d, t->queue);
}

static void on_declared(void *arg, belfry_status status)
{
    struct declaration *decl = arg;
    struct dispatch *d = decl->d;
    d->claims--;
    if (status == BELFRY_OK && d->set.ledger) {
        d->round++;
        for (size_t i = 0; i < decl->count; i++)
            target_update(decl, i);
        targets_drop(d, decl->channel, d->round, TARGETS_DECLARED);
    } else if (d->set.ledger && !d->stopping) {
        decl->channel->unwritten = 1; /* the index may well be written: of rows that were there it finds all */
    }
    declaration_unref(decl);
}

/* Comes right after on_declared. */
static void on_indexed(void *arg, belfry_status status)
{
    struct declaration *decl = arg;
    struct dispatch *d = decl->d;
    d->claims--;
    if (status == BELFRY_OK || !d->set.ledger || d->stopping)
        return;
    log_error("dispatch",
              "endpoints could not be recorded; events are matched with the set before, next try in a second",
              "channel=%s", decl->channel->name);
    decl->channel->unwritten = 1;
}

/* --- rows for each org -------------------------------------------------------------------------------------------- */

static struct belfry_str sealed(struct declaration *decl, struct belfry_str plain, struct belfry_str name)
{
    struct buf out = {0};
    if (!plain.len)
        return (struct belfry_str){0};
    seal(decl->d->seal_key, plain, name, &out);
    struct belfry_str copy = arena_str(decl->arena, buf_str(&out));
    buf_free(&out);
    return copy;
}

static int spec_serves(const struct belfry_target_spec *spec, struct belfry_str org)
{
    for (size_t i = 0; i < spec->orgs.count; i++)
        if (str_eq(spec->orgs.items[i], org))
            return 1;
    return spec->orgs.count == 0;
}

/* Strings of the rows live as long as the set and the configuration, which the declaration keeps. */
static void add_row(struct declaration *decl, const struct belfry_target_spec *spec, struct belfry_str org)
{
    size_t i = decl->count++;
    struct belfry_str name = str_of(spec->name);
    decl->specs[i] = spec;
    decl->rows[i] = (struct ledger_target){.org = org,
                                           .name = name,
                                           .url = str_of(spec->url),
                                           .secret = sealed(decl, str_of(spec->secret), name),
                                           .sealed_settings = sealed(decl, spec->settings, name),
                                           .order = spec->order};
    decl->routes[i] = (struct route_target){
        .org = org, .name = name, .types = &spec->types, .when = spec->when, .order = spec->order};
}

static void policy_set(struct channel *ch, const struct belfry_target_policy *policy)
{
    free(ch->waits);
    size_t n = policy->attempts > 1 ? policy->attempts - 1 : 0;
    ch->waits = n ? xmemdup(policy->waits_ms, n * sizeof(*ch->waits)) : NULL;
    ch->policy = *policy;
    ch->policy.waits_ms = ch->waits;
}

static void submit(struct dispatch *d, struct channel *ch, struct config *config,
                   const struct config_instance *instance)
{
    struct target_set *set = ch->set;
    struct declaration *decl = xcalloc(1, sizeof(*decl));
    size_t most = set->count * config->org_count + 1;
    decl->d = d;
    decl->channel = ch;
    decl->set = set;
    set->refs++;
    decl->config = config_ref(config);
    decl->instance = instance;
    decl->arena = arena_new(4096);
    decl->rows = arena_alloc(decl->arena, most * sizeof(*decl->rows));
    decl->routes = arena_alloc(decl->arena, most * sizeof(*decl->routes));
    decl->specs = arena_alloc(decl->arena, most * sizeof(*decl->specs));
    for (size_t s = 0; s < set->count; s++)
        for (size_t o = 0; o < config->org_count; o++) {
            struct belfry_str org = str_of(config->orgs[o].name);
            if (!str_eqz(org, "*") && config_serves(instance, org) && spec_serves(&set->specs[s], org))
                add_row(decl, &set->specs[s], org);
        }
    d->claims += 2;
    decl->refs = 2;
    ledger_targets_declare(d->set.ledger, instance, decl->rows, decl->count, on_declared, decl);
    ledger_targets_index(d->set.ledger, instance, decl->routes, decl->rows, decl->count, on_indexed, declaration_unref,
                         decl);
}

/* --- what a plugin says ------------------------------------------------------------------------------------------- */

static struct belfry_strs strs_copy(struct arena *arena, struct belfry_strs from)
{
    struct belfry_str *items = arena_alloc(arena, (from.count + 1) * sizeof(*items));
    for (size_t i = 0; i < from.count; i++)
        items[i] = arena_str(arena, from.items[i]);
    return (struct belfry_strs){items, from.count};
}

static const char *text_copy(struct arena *arena, const char *text)
{
    return text ? arena_strdup(arena, text) : NULL;
}

static struct target_set *set_new(const struct belfry_target_spec *specs, size_t count,
                                  const struct belfry_target_policy *policy, const struct config *config,
                                  const struct belfry_host *host)
{
    struct arena *a = arena_new(2048);
    struct target_set *set = arena_alloc(a, sizeof(*set));
    size_t waits = policy->attempts - 1;
    set->arena = a;
    set->refs = 1;
    set->config = config_ref((struct config *)(uintptr_t)config);
    set->host = host;
    set->count = count;
    set->specs = arena_alloc(a, (count + 1) * sizeof(*set->specs));
    set->policy = *policy;
    set->policy.waits_ms = waits ? arena_memdup(a, policy->waits_ms, waits * sizeof(int64_t)) : NULL;
    for (size_t i = 0; i < count; i++) {
        struct belfry_target_spec *spec = &set->specs[i];
        *spec = specs[i];
        spec->name = text_copy(a, specs[i].name);
        spec->url = text_copy(a, specs[i].url);
        struct belfry_str only = str_of(specs[i].secret);
        struct belfry_strs one = {&only, only.len > 0};
        spec->secrets = strs_copy(a, specs[i].secrets.count ? specs[i].secrets : one);
        spec->secret = spec->secrets.count ? spec->secrets.items[0].ptr : NULL;
        spec->types = strs_copy(a, specs[i].types);
        spec->orgs = strs_copy(a, specs[i].orgs);
        spec->settings = arena_str(a, specs[i].settings);
    }
    return set;
}

/* --- in force ----------------------------------------------------------------------------------------------------- */

/* Another plugin under the same name, which declares none: it is given nothing of theirs. */
static struct target_set *set_of_none(struct channel *ch)
{
    const struct dispatch_channel *live = &ch->live->pub;
    size_t pos = 0;
    void *value;
    struct belfry_str key;
    while (hash_next(ch->targets, &pos, &key, &value))
        ((struct target *)value)->removed = 1;
    return set_new(NULL, 0, &dispatch_policy_default, live->config, live->host);
}

/* Until they are declared by the set that comes. */
static void forget_specs(struct channel *ch)
{
    size_t pos = 0;
    void *value;
    struct belfry_str key;
    while (hash_next(ch->targets, &pos, &key, &value))
        ((struct target *)value)->spec = NULL;
}

void declare_in_force(struct dispatch *d, struct channel *ch)
{
    const struct dispatch_channel *live = &ch->live->pub;
    struct target_set *set = NULL;
    if (ch->prepared && ch->prepared->host == live->host) {
        set = ch->prepared;
        ch->prepared = NULL;
    } else if (ch->set && ch->set->host != live->host) {
        set = set_of_none(ch);
    }
    if (set) {
        forget_specs(ch);
        target_set_unref(ch->set);
        ch->set = set;
        policy_set(ch, &set->policy);
    }
    ch->unwritten = 0;
    if (!d->set.ledger)
        return;
    if (ch->set)
        submit(d, ch, live->config, live->instance);
    endpoints_in_force(d, ch);
}

void declare_again(struct dispatch *d)
{
    size_t pos = 0;
    void *value;
    struct belfry_str key;
    while (hash_next(d->channels, &pos, &key, &value)) {
        struct channel *ch = value;
        if (ch->unwritten && ch->live && !d->stopping)
            declare_in_force(d, ch);
    }
}

static belfry_status check(const char *channel, const struct belfry_target_spec *specs, size_t count,
                           const struct belfry_target_policy *policy, struct error *err)
{
    if (!policy || policy->attempts == 0 || (policy->attempts > 1 && !policy->waits_ms))
        return error_set(err, BELFRY_EINVAL, NULL,
                         "targets of `%s`: the policy needs at least one attempt, and a wait "
                         "before each but the first",
                         channel);
    struct hash *names = hash_new();
    belfry_status status = BELFRY_OK;
    for (size_t i = 0; i < count && status == BELFRY_OK; i++) {
        if (!specs[i].name || !specs[i].url)
            status = error_set(err, BELFRY_EINVAL, NULL, "targets of `%s`: each needs a name and a URL", channel);
        else if (hash_set(names, str_of(specs[i].name), (void *)(uintptr_t)&specs[i]))
            status = error_set(err, BELFRY_EINVAL, NULL, "targets of `%s`: the name `%s` is there twice", channel,
                               specs[i].name);
    }
    hash_free(names, NULL);
    return status;
}

belfry_status dispatch_targets(struct dispatch *d, const char *channel, const struct belfry_host *host,
                               const struct belfry_target_spec *specs, uint32_t count,
                               const struct belfry_target_policy *policy, const struct config *config,
                               struct error *err)
{
    if (!config_channel(config, str_of(channel)))
        return error_set(err, BELFRY_EINVAL, NULL, "there is no channel `%s`", channel);
    belfry_status status = check(channel, specs, count, policy, err);
    if (status != BELFRY_OK)
        return status;
    struct channel *ch = channel_get(d, channel);
    target_set_unref(ch->prepared);
    ch->prepared = set_new(specs, count, policy, config, host);
    if (!d->holding && ch->live && ch->live->pub.host == host)
        declare_in_force(d, ch);
    return BELFRY_OK;
}

void dispatch_targets_hold(struct dispatch *d)
{
    d->holding = 1;
}

void dispatch_targets_release(struct dispatch *d)
{
    size_t pos = 0;
    void *value;
    struct belfry_str key;
    d->holding = 0;
    while (hash_next(d->channels, &pos, &key, &value)) {
        struct channel *ch = value;
        target_set_unref(ch->prepared);
        ch->prepared = NULL;
    }
}
