/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The row of feeds: when which is asked, and what a reload makes of them. A feed whose page was full is asked again at
 * once, but stands at the end of the row, so a long backlog delays nobody; eight questions are under way at most.
 */
#include "hub/feed.h"
#include "hub/hook.h"

#include "base/crypto.h"
#include "base/mem.h"

#include <stdlib.h>

#define TICK_MS 250
#define ASKING_MAX 8

/* --- whose turn it is --------------------------------------------------------------------------------------------- */

static int is_busy(const struct feed *f)
{
    return f->step != FEED_NEW && f->step != FEED_WAITING;
}

static int is_due(struct feed *f, int64_t now)
{
    int64_t most = f->closed_until_ms ? FEED_CLOSED_MAX_MS : f->failures ? AGAIN_MAX_MS : f->every_ms;
    if (f->due_ms > now + most) /* the clock went back */
        f->due_ms = now;
    return f->due_ms <= now;
}

static size_t asking(const struct hub *hub)
{
    size_t count = 0;
    LIST_EACH(it, &hub->feeds)
    {
        enum feed_step step = LIST_OF(it, struct feed, node)->step;
        count += step == FEED_ASKING || step == FEED_DECODING || step == FEED_COMMITTING;
    }
    return count;
}

static struct feed *next_due(struct hub *hub)
{
    int64_t now = clock_now_ms(hub->parts.clock);
    LIST_EACH(it, &hub->feeds)
    {
        struct feed *f = LIST_OF(it, struct feed, node);
        if (f->step == FEED_WAITING && is_due(f, now))
            return f;
    }
    return NULL;
}

/* What starts here ends on a later turn, but for a request that cannot even be made: that one looks again, so the loop
 * is entered once. */
void hub_feeds_look(struct hub *hub)
{
    if (hub->feeds_looking || hub->stopping || !hub->ready)
        return;
    hub->feeds_looking = 1;
    LIST_EACH_SAFE(it, &hub->feeds)
    {
        struct feed *f = LIST_OF(it, struct feed, node);
        if (f->step == FEED_NEW)
            feed_load(f);
    }
    struct feed *f;
    while (asking(hub) < ASKING_MAX && (f = next_due(hub))) {
        list_remove(&f->node);
        list_push_back(&hub->feeds, &f->node);
        feed_ask(f);
    }
    hub->feeds_looking = 0;
}

int hub_feeds_idle(const struct hub *hub)
{
    int64_t now = clock_now_ms(hub->parts.clock);
    LIST_EACH(it, &hub->feeds)
    {
        const struct feed *f = LIST_OF(it, struct feed, node);
        if (f->step != FEED_WAITING || f->due_ms <= now)
            return 0;
    }
    return 1;
}

int hub_feed_pull(struct feed *f, void (*done)(void *arg, int ok), void *arg)
{
    if (f->closed_until_ms > feed_now(f))
        return 0;
    struct feed_waiter *w = xcalloc(1, sizeof(*w));
    *w = (struct feed_waiter){.done = done, .arg = arg};
    list_push_back(&f->waiters, &w->node);
    if (f->step == FEED_WAITING)
        f->due_ms = feed_now(f);
    return 1;
}

/* --- reload ------------------------------------------------------------------------------------------------------- */

static struct feed *find(struct hub *hub, const struct config_instance *source)
{
    LIST_EACH(it, &hub->feeds)
    {
        struct feed *f = LIST_OF(it, struct feed, node);
        if (strcmp(f->name, source->name) == 0 && strcmp(f->org, source->feed_org) == 0)
            return f;
    }
    return NULL;
}

static int same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static void configure(struct hub *hub, const struct config_instance *source)
{
    struct feed *f = find(hub, source);
    if (!f) {
        f = xcalloc(1, sizeof(*f));
        f->hub = hub;
        f->name = xstrdup(source->name);
        f->org = xstrdup(source->feed_org);
        f->limit = FEED_PAGE;
        f->cycle.power = 1;
        list_init(&f->waiters);
        list_push_back(&hub->feeds, &f->node);
        feed_numbers_make(f);
    }
    f->named = 1;
    if (f->every_ms != source->feed_every_ms && f->step == FEED_WAITING && f->failures == 0)
        f->due_ms = f->last_try_ms + source->feed_every_ms;
    f->every_ms = source->feed_every_ms;
    if (f->url && same_text(f->url, source->feed_url) && same_text(f->token, source->feed_token))
        return;
    feed_text_set(&f->url, source->feed_url);
    feed_text_set(&f->token, source->feed_token);
    sha256(f->url, strlen(f->url), f->url_hash);
    f->failures = 0;
    f->closed_until_ms = 0;
    f->limit = FEED_PAGE;
    if (is_busy(f))
        f->moved = 1;
    else
        f->step = FEED_NEW;
    if (f->step == FEED_ASKING)
        client_cancel(hub->parts.client, f->call);
}

static void drop(struct hub *hub, struct feed *f)
{
    int busy = is_busy(f), asking_now = f->step == FEED_ASKING;
    uint64_t call = f->call;
    list_remove(&f->node);
    feed_waiters_end(f, 0, 0);
    feed_numbers_rest(f);
    f->hub = NULL;
    if (asking_now)
        client_cancel(hub->parts.client, call);
    if (!busy)
        feed_free(f);
}

void hub_feeds_configure(struct hub *hub, const struct config *config)
{
    LIST_EACH(it, &hub->feeds)
    LIST_OF(it, struct feed, node)->named = 0;
    for (size_t i = 0; i < config->source_count; i++)
        if (config->sources[i].feed_url)
            configure(hub, &config->sources[i]);
    LIST_EACH_SAFE(it, &hub->feeds)
    {
        struct feed *f = LIST_OF(it, struct feed, node);
        if (!f->named)
            drop(hub, f);
    }
    hub_feeds_look(hub);
}

static void on_tick(uv_timer_t *timer)
{
    struct hub *hub = timer->data;
    hub_feeds_look(hub);
    hub_refresh_look(hub);
    hub_bounces_look(hub);
    hub_hooks_look(hub);
}

void hub_feeds_init(struct hub *hub)
{
    list_init(&hub->feeds);
    uv_timer_init(hub->parts.loop, &hub->feed_timer);
    hub->feed_timer.data = hub;
    uv_timer_start(&hub->feed_timer, on_tick, TICK_MS, TICK_MS);
}

void hub_feeds_fini(struct hub *hub)
{
    if (!hub->feed_timer.data)
        return;
    while (!list_empty(&hub->feeds))
        drop(hub, LIST_OF(hub->feeds.next, struct feed, node));
    uv_close((uv_handle_t *)&hub->feed_timer, NULL);
    hub->feed_timer.data = NULL;
}
