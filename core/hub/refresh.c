/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Refresh: every feed of an org is pulled to its end, and every source that can bring something in is asked to. A part
 * ends by its own word, when its source goes, or at the deadline. The job has failed when a part has; what the others
 * brought stays, and is told all the same. Its row in the database outlives the process, its parts do not.
 */
#include "base/log.h"
#include "base/mem.h"
#include "hub/feed.h"
#include "plugin/misuse.h"

#include <stdlib.h>

#define DEADLINE_MS INT64_C(120000)

struct refresh {
    struct list node; /* in hub.refreshes */
    struct hub *hub;
    int64_t job, deadline_ms;
    char *org;
    unsigned parts, ended, failed;
    struct list open; /* struct part */
    int beginning;    /* parts are still being made, or end at once */
    int ending;       /* its end is being written */
};

struct part {
    struct list node;   /* in refresh.open */
    struct refresh *of; /* NULL: the refresh ended without it */
    uint64_t id;        /* of a source: what it gives to job_done(); 0: a feed's */
    char *instance;
    const struct host_instance *live;
};

/* --- ends --------------------------------------------------------------------------------------------------------- */

static void part_free(struct part *part)
{
    free(part->instance);
    free(part);
}

static void on_ended(void *arg)
{
    struct refresh *r = arg;
    list_remove(&r->node);
    free(r->org);
    free(r);
}

static void look(struct refresh *r)
{
    if (r->beginning || r->ending || !list_empty(&r->open))
        return;
    r->ending = 1;
    log_info("hub", "refresh ended", "org=%s parts=%u failed=%u", r->org, r->parts, r->failed);
    ledger_refresh_end(r->hub->parts.ledger, r->job, r->failed > 0, r->ended, r->parts, on_ended, r);
}

static void part_ended(struct part *part, int ok, const char *why)
{
    struct refresh *r = part->of;
    list_remove(&part->node);
    r->ended++;
    if (!ok) {
        r->failed++;
        log_warn("hub", "a part of a refresh failed", "org=%s source=%s why=%s", r->org, part->instance,
                 log_quote(why, strlen(why)));
    }
}

/* A feed goes on without its refresh and says so later. */
static void give_up(struct part *part, const char *why)
{
    part_ended(part, 0, why);
    part->of = NULL;
    if (part->id)
        part_free(part);
}

static void on_feed(void *arg, int ok)
{
    struct part *part = arg;
    struct refresh *r = part->of;
    if (r) {
        part_ended(part, ok, "the feed could not be pulled");
        look(r);
    }
    part_free(part);
}

static struct part *part_find(struct hub *hub, const char *instance, uint64_t id)
{
    LIST_EACH(it, &hub->refreshes)
    LIST_EACH(that, &LIST_OF(it, struct refresh, node)->open)
    {
        struct part *part = LIST_OF(that, struct part, node);
        if (part->id == id && strcmp(part->instance, instance) == 0)
            return part;
    }
    return NULL;
}

static void on_source(void *arg, const char *instance, uint64_t id, belfry_status status)
{
    struct part *part = id ? part_find(arg, instance, id) : NULL;
    if (!part) {
        misuse_stale(instance, "job_done", "R04", id);
        return;
    }
    struct refresh *r = part->of;
    part_ended(part, status == BELFRY_OK, status_text(status));
    part_free(part);
    look(r);
}

/* --- beginning ---------------------------------------------------------------------------------------------------- */

static struct part *part_new(struct refresh *r, const char *instance)
{
    struct part *part = xcalloc(1, sizeof(*part));
    part->of = r;
    part->instance = xstrdup(instance);
    list_push_back(&r->open, &part->node);
    r->parts++;
    return part;
}

static void pull_feeds(struct refresh *r)
{
    LIST_EACH(it, &r->hub->feeds)
    {
        struct feed *f = LIST_OF(it, struct feed, node);
        if (strcmp(f->org, r->org) != 0)
            continue;
        struct part *part = part_new(r, f->name);
        if (hub_feed_pull(f, on_feed, part))
            continue;
        give_up(part, "the feed is not to be asked yet");
        part_free(part);
    }
}

static void ask_sources(struct refresh *r)
{
    const struct config *config = hub_config(r->hub);
    for (size_t i = 0; i < config->source_count; i++) {
        const struct config_instance *source = &config->sources[i];
        struct hub_instance *instance = r->hub->current->sources[i];
        if (!source->plugin->source->refresh || !instance->live || !config_serves(source, str_of(r->org)))
            continue;
        struct part *part = part_new(r, source->name);
        part->id = ++r->hub->refresh_parts;
        part->live = instance->live;
        source->plugin->source->refresh(host_instance_self(instance->live), part->id, str_of(r->org));
    }
}

static void begin(void *arg, int64_t job, struct belfry_str org)
{
    struct hub *hub = arg;
    if (hub->stopping)
        return; /* the next start ends it */
    struct refresh *r = xcalloc(1, sizeof(*r));
    r->hub = hub;
    r->job = job;
    r->org = xstrndup(org.ptr, org.len);
    r->deadline_ms = clock_now_ms(hub->parts.clock) + DEADLINE_MS;
    r->beginning = 1;
    list_init(&r->open);
    list_push_back(&hub->refreshes, &r->node);
    pull_feeds(r);
    ask_sources(r);
    hub_feeds_look(hub);
    r->beginning = 0;
    look(r);
}

/* --- while it runs ------------------------------------------------------------------------------------------------ */

/* Below 100 until the end is written; -1: not one of this process. */
static int progress(void *arg, int64_t job)
{
    struct hub *hub = arg;
    LIST_EACH(it, &hub->refreshes)
    {
        const struct refresh *r = LIST_OF(it, struct refresh, node);
        if (r->job == job)
            return r->parts ? (int)(r->ended * 99 / r->parts) : 0;
    }
    return -1;
}

const struct host_jobs hub_refresh_hooks = {.begin = begin, .progress = progress, .done = on_source};

static int still_runs(const struct hub *hub, const struct part *part)
{
    const struct config_instance *ci = config_source(hub_config(hub), str_of(part->instance));
    return ci && hub->current->sources[ci->index]->live == part->live;
}

void hub_refresh_look(struct hub *hub)
{
    int64_t now = clock_now_ms(hub->parts.clock);
    LIST_EACH_SAFE(it, &hub->refreshes)
    {
        struct refresh *r = LIST_OF(it, struct refresh, node);
        if (r->deadline_ms > now + DEADLINE_MS) /* the clock went back */
            r->deadline_ms = now + DEADLINE_MS;
        LIST_EACH_SAFE(that, &r->open)
        {
            struct part *part = LIST_OF(that, struct part, node);
            if (r->deadline_ms <= now)
                give_up(part, "it did not end in two minutes");
            else if (part->id && !still_runs(hub, part))
                give_up(part, "the source was replaced");
        }
        look(r);
    }
}

int hub_refresh_idle(const struct hub *hub)
{
    LIST_EACH(it, &hub->refreshes)
    if (LIST_OF(it, struct refresh, node)->ending)
        return 0;
    return 1;
}

void hub_refresh_init(struct hub *hub)
{
    list_init(&hub->refreshes);
}

void hub_refresh_fini(struct hub *hub)
{
    while (hub->refreshes.next && !list_empty(&hub->refreshes)) {
        struct refresh *r = LIST_OF(hub->refreshes.next, struct refresh, node);
        struct list *node;
        while ((node = list_pop_front(&r->open)))
            part_free(LIST_OF(node, struct part, node));
        if (r->ending)
            list_remove(&r->node); /* the ledger's answer frees it */
        else
            on_ended(r);
    }
}
