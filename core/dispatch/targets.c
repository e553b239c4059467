/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Targets of a channel: what a plugin declared becomes rows (by channel, org and name), queues, and the index that
 * events are matched with. A target that stays keeps its row, its queue and its breaker; one whose URL changed gets a
 * fresh breaker, because the failures were another receiver's.
 *
 * A target that fails for five days without one success is disabled; its deliveries are held, not dropped.
 */
#include "base/crypto.h"
#include "base/log.h"
#include "base/mem.h"
#include "dispatch/internal.h"

#include <stdlib.h>

#define FAILING_AT_ATTEMPT 4
#define DISABLE_AFTER_MS (5 * 24 * 3600 * 1000ll)

/* One declaration on its way through the ledger. */
struct declaration {
    struct list node; /* in dispatch.undeclared after the ledger failed */
    uint64_t number;  /* among those of the channel */
    struct dispatch *d;
    struct channel *channel;
    struct config *config; /* holds the conditions */
    const struct config_instance *instance;
    struct arena *arena;
    struct ledger_target *rows;
    struct route_target *routes;
    uint32_t *concurrency, *rate;
    struct belfry_str *plain; /* secrets */
    size_t count;
    struct belfry_target_policy policy;
};

static struct belfry_str target_key(const int64_t *id)
{
    return str_slice((const char *)id, sizeof(*id));
}

void target_free(struct dispatch *d, struct target *t)
{
    queue_free(d, t->queue);
    mem_wipe((void *)(uintptr_t)t->pub.secret.ptr, t->pub.secret.len);
    arena_free(t->arena);
    free(t);
}

static void rows_free(void *arg)
{
    struct declaration *decl = arg;
    config_unref(decl->config);
    arena_free(decl->arena);
    free(decl);
}

/* --- after the ledger knows the rows
 * -------------------------------------------------------------------------------------- */

static void target_update(struct declaration *decl, size_t i)
{
    struct dispatch *d = decl->d;
    const struct ledger_target *row = &decl->rows[i];
    struct target *t = hash_get(decl->channel->targets, target_key(&row->id));
    if (!t) {
        t = xcalloc(1, sizeof(*t));
        t->queue = queue_new(decl->channel, t, decl->concurrency[i]);
        hash_set(decl->channel->targets, target_key(&row->id), t);
    } else {
        if (!str_eq(t->pub.url, row->url))
            t->queue->breaker = (struct breaker){0};
        mem_wipe((void *)(uintptr_t)t->pub.secret.ptr, t->pub.secret.len);
        arena_free(t->arena);
    }
    t->arena = arena_new(512);
    t->queue->concurrency = decl->concurrency[i];
    t->queue->bucket.per_minute = decl->rate[i];
    t->enabled = row->enabled || row->moved;
    if (!row->enabled && row->moved) /* it was another receiver that failed */
        ledger_target_enable(d->set.ledger, row->id, 1, "the URL changed", NULL, NULL);
    t->first_failure_ms = row->first_failure_ms;
    t->declared = d->round;
    t->pub = (struct belfry_target){.struct_size = sizeof(t->pub),
                                    .id = (uint64_t)row->id,
                                    .name = arena_str(t->arena, row->name),
                                    .url = arena_str(t->arena, row->url),
                                    .org = arena_str(t->arena, row->org),
                                    .secret = arena_str(t->arena, decl->plain[i]),
                                    .settings = arena_str(t->arena, row->settings)};
    decl->routes[i].id = row->id;
    queue_ready(d, t->queue);
}

static void targets_forget(struct dispatch *d, struct channel *ch)
{
    size_t pos = 0;
    void *value;
    struct belfry_str key;
    int again = 1;
    while (again) { /* the table must not change while it is walked */
        again = 0;
        pos = 0;
        while (!again && hash_next(ch->targets, &pos, &key, &value)) {
            struct target *t = value;
            if (t->declared == d->round || t->queue->inflight || t->queue->claiming)
                continue;
            int64_t id = (int64_t)t->pub.id;
            hash_del(ch->targets, target_key(&id));
            target_free(d, t);
            again = 1;
        }
    }
}

/* A declaration is over; who waits for all of them is told with the last. */
static void declared_one(struct dispatch *d)
{
    void (*done)(void *arg) = d->declared;
    if (--d->declaring || !done)
        return;
    d->declared = NULL;
    done(d->declared_arg);
}

static void take_declared(struct declaration *decl, belfry_status status)
{
    struct dispatch *d = decl->d;
    d->claims--;
    if (!d->set.ledger || status == BELFRY_ECLOSED) {
        rows_free(decl);
        return;
    }
    if (status != BELFRY_OK) {
        log_error("dispatch", "targets could not be recorded; trying again, events are matched with the set before",
                  "channel=%s status=%s", decl->channel->name, status_name(status));
        list_push_back(&d->undeclared, &decl->node);
        return;
    }
    d->round++;
    for (size_t i = 0; i < decl->count; i++)
        target_update(decl, i);
    targets_forget(d, decl->channel);
    d->numbers.targets = hash_count(decl->channel->targets);
    struct route_targets *index = route_targets_new(decl->routes, decl->count);
    ledger_targets_index(d->set.ledger, decl->instance, index, rows_free, decl);
}

static void on_declared(void *arg, belfry_status status)
{
    struct dispatch *d = ((struct declaration *)arg)->d;
    take_declared(arg, status);
    declared_one(d);
}

/* --- declaring
 * ---------------------------------------------------------------------------------------------------------------- */

static struct belfry_strs *strs_copy(struct arena *arena, const struct belfry_strs *from)
{
    struct belfry_str *items = arena_alloc(arena, (from->count + 1) * sizeof(*items));
    for (size_t i = 0; i < from->count; i++)
        items[i] = arena_str(arena, from->items[i]);
    struct belfry_strs *out = arena_alloc(arena, sizeof(*out));
    *out = (struct belfry_strs){items, from->count};
    return out;
}

static struct belfry_str sealed_copy(struct declaration *decl, struct belfry_str secret, struct belfry_str name)
{
    struct buf out = {0};
    if (!secret.len)
        return (struct belfry_str){0};
    seal(decl->d->seal_key, secret, name, &out);
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

static void add_row(struct declaration *decl, const struct belfry_target_spec *spec, struct belfry_str org)
{
    struct arena *a = decl->arena;
    size_t i = decl->count++;
    struct belfry_str name = arena_str(a, str_of(spec->name));
    decl->plain[i] = arena_str(a, str_of(spec->secret));
    decl->concurrency[i] = spec->concurrency ? spec->concurrency : 8;
    decl->rate[i] = spec->rate_per_minute;
    decl->rows[i] = (struct ledger_target){.org = arena_str(a, org),
                                           .name = name,
                                           .url = arena_str(a, str_of(spec->url)),
                                           .secret = sealed_copy(decl, decl->plain[i], name),
                                           .settings = arena_str(a, spec->settings)};
    decl->routes[i] = (struct route_target){
        .org = decl->rows[i].org, .name = name, .types = strs_copy(a, &spec->types), .when = spec->when};
}

static void policy_set(struct channel *ch, const struct belfry_target_policy *policy)
{
    free(ch->waits);
    size_t n = policy->attempts > 1 ? policy->attempts - 1 : 0;
    ch->waits = n ? xmemdup(policy->waits_ms, n * sizeof(*ch->waits)) : NULL;
    ch->policy = *policy;
    ch->policy.waits_ms = ch->waits;
}

static void submit(struct declaration *decl)
{
    struct dispatch *d = decl->d;
    d->claims++;
    d->declaring++;
    ledger_targets_declare(d->set.ledger, decl->instance, decl->rows, decl->count, on_declared, decl);
}

static void put_in_force(struct declaration *decl)
{
    policy_set(decl->channel, &decl->policy);
    decl->number = ++decl->channel->declarations;
    submit(decl);
}

belfry_status dispatch_targets(struct dispatch *d, const char *channel, const struct belfry_target_spec *specs,
                               uint32_t count, const struct belfry_target_policy *policy, const struct config *config,
                               struct error *err)
{
    const struct config_instance *instance = config_channel(config, str_of(channel));
    if (!instance || !policy || policy->attempts == 0)
        return error_set(err, BELFRY_EINVAL, NULL, "targets of `%s`: the policy needs at least one attempt", channel);
    struct declaration *decl = xcalloc(1, sizeof(*decl));
    size_t most = (size_t)count * (config->org_count + 1) + 1;
    decl->d = d;
    decl->channel = channel_get(d, channel);
    decl->config = config_ref((struct config *)(uintptr_t)config);
    decl->instance = instance;
    decl->arena = arena_new(4096);
    decl->rows = arena_alloc(decl->arena, most * sizeof(*decl->rows));
    decl->routes = arena_alloc(decl->arena, most * sizeof(*decl->routes));
    decl->plain = arena_alloc(decl->arena, most * sizeof(*decl->plain));
    decl->concurrency = arena_alloc(decl->arena, most * sizeof(*decl->concurrency));
    decl->rate = arena_alloc(decl->arena, most * sizeof(*decl->rate));
    decl->policy = *policy;
    decl->policy.waits_ms = arena_memdup(decl->arena, policy->waits_ms, (policy->attempts - 1) * sizeof(int64_t));
    for (uint32_t s = 0; s < count; s++)
        for (size_t o = 0; o < config->org_count; o++) {
            struct belfry_str org = str_of(config->orgs[o].name);
            if (!str_eqz(org, "*") && config_serves(instance, org) && spec_serves(&specs[s], org))
                add_row(decl, &specs[s], org);
        }
    list_init(&decl->node);
    if (d->holding)
        list_push_back(&d->held, &decl->node);
    else
        put_in_force(decl);
    return BELFRY_OK;
}

void dispatch_targets_hold(struct dispatch *d)
{
    d->holding = 1;
}

void dispatch_targets_release(struct dispatch *d, int keep, void (*done)(void *arg), void *arg)
{
    struct list *node;
    d->holding = 0;
    while ((node = list_pop_front(&d->held))) {
        struct declaration *decl = LIST_OF(node, struct declaration, node);
        if (keep)
            put_in_force(decl);
        else
            rows_free(decl);
    }
    d->declared = d->declaring ? done : NULL;
    d->declared_arg = arg;
    if (done && !d->declaring)
        done(arg);
}

void targets_again(struct dispatch *d)
{
    struct list due, *node;
    list_move(&due, &d->undeclared);
    while ((node = list_pop_front(&due))) {
        struct declaration *decl = LIST_OF(node, struct declaration, node);
        if (decl->number == decl->channel->declarations)
            submit(decl);
        else
            rows_free(decl); /* a newer one was made meanwhile */
    }
}

void targets_drop_undeclared(struct dispatch *d)
{
    struct list *node;
    while ((node = list_pop_front(&d->undeclared)))
        rows_free(LIST_OF(node, struct declaration, node));
    dispatch_targets_release(d, 0, NULL, NULL);
}

/* --- health of a target
 * ---------------------------------------------------------------------------------------------------------- */

static void disable(struct dispatch *d, struct target *t, const char *why)
{
    t->enabled = 0;
    ledger_target_enable(d->set.ledger, (int64_t)t->pub.id, 0, why, NULL, NULL);
    if (d->set.alarm)
        d->set.alarm(d->set.arg, "hub.endpoint_disabled", t->pub.org, t->pub.name, why);
}

void target_result(struct dispatch *d, struct target *t, uint32_t outcome, uint32_t attempt)
{
    int64_t now = dispatch_now(d);
    if (outcome == BELFRY_DELIVERED) {
        if (t->first_failure_ms)
            ledger_target_failure(d->set.ledger, (int64_t)t->pub.id, 0, now);
        t->first_failure_ms = 0;
        t->streak = 0;
        t->warned = 0;
        return;
    }
    t->streak++;
    if (!t->first_failure_ms) {
        t->first_failure_ms = now;
        ledger_target_failure(d->set.ledger, (int64_t)t->pub.id, 1, now);
    }
    if (outcome == BELFRY_TARGET_GONE)
        disable(d, t, "the endpoint answered 410 Gone");
    else if (now - t->first_failure_ms >= DISABLE_AFTER_MS)
        disable(d, t, "every delivery failed for five days");
    else if (attempt >= FAILING_AT_ATTEMPT && !t->warned && d->set.alarm) {
        t->warned = 1;
        d->set.alarm(d->set.arg, "hub.endpoint_failing", t->pub.org, t->pub.name,
                     "Deliveries keep failing; they are tried again on the schedule.");
    }
}
