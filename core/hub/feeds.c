/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When which feed is asked. A feed whose page was full is asked again at once, but stands at the end of the row, so a
 * long backlog delays nobody; eight questions are under way at most. A page and the place behind it are one commit, so
 * the place in memory is only a copy, read anew whenever address or token change.
 *
 * A place that does not move, or moves in a circle, would be asked for ever at full speed: such a page counts as the
 * last one, and the feed waits for its time.
 */
#include "hub/feed.h"

#include "base/crypto.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "store/feeds.h"

#include <stdlib.h>

#define TICK_MS 250
#define ASKING_MAX 8
#define TIMEOUT_MS 30000
#define CONNECT_TIMEOUT_MS 10000
#define AGAIN_FIRST_MS INT64_C(5000)
#define AGAIN_MAX_MS INT64_C(900000)
#define BUSY_AGAIN_MS INT64_C(1000)

/* --- numbers ------------------------------------------------------------------------------------------------------ */

enum { ASKED_PAGE, ASKED_EMPTY, ASKED_UNCHANGED, ASKED_FAILED, ASKED };

static struct metric *asked(const struct feed *f, int result)
{
    static const char *const names[ASKED] = {"page", "empty", "unchanged", "failed"};
    return metric_get(metrics_global(), "belfry_feed_requests_total", "Questions to feeds by source and answer.",
                      METRIC_COUNTER, "source", f->name, "result", names[result], NULL);
}

static struct metric *last_success(const struct feed *f)
{
    return metric_get(metrics_global(), "belfry_feed_last_success_timestamp_seconds",
                      "When a feed was asked last with success; 0: not since the start.", METRIC_GAUGE, "source",
                      f->name, NULL);
}

static struct metric *failures(const struct feed *f)
{
    return metric_get(metrics_global(), "belfry_feed_consecutive_failures",
                      "How often in a row a feed could not be pulled.", METRIC_GAUGE, "source", f->name, NULL);
}

/* All of them are there from 0, or the first failure of a feed would be no increase to anybody. */
static void numbers_make(const struct feed *f)
{
    for (int i = 0; i < ASKED; i++)
        asked(f, i);
    last_success(f);
    failures(f);
}

/* --- memory ------------------------------------------------------------------------------------------------------- */

static int64_t now_of(const struct feed *f)
{
    return clock_now_ms(f->hub->parts.clock);
}

static void replace(char **text, const char *with)
{
    char *copy = with ? xstrdup(with) : NULL;
    free(*text);
    *text = copy;
}

static void cycle_reset(struct feed *f)
{
    replace(&f->cycle.mark, NULL);
    f->cycle.steps = 0;
    f->cycle.power = 1;
}

static void waiters_end(struct feed *f, int begun_only, int ok)
{
    LIST_EACH_SAFE(it, &f->waiters)
    {
        struct feed_waiter *w = LIST_OF(it, struct feed_waiter, node);
        if (begun_only && !w->begun)
            continue;
        list_remove(&w->node);
        w->done(w->arg, ok);
        free(w);
    }
}

static void feed_free(struct feed *f)
{
    mem_wipe(f->token, f->token ? strlen(f->token) : 0);
    free(f->cycle.mark);
    free(f->fault);
    free(f->cursor);
    free(f->etag);
    free(f->token);
    free(f->url);
    free(f->org);
    free(f->name);
    free(f);
}

static int is_busy(const struct feed *f)
{
    return f->step != FEED_NEW && f->step != FEED_WAITING;
}

/* --- the end of a step -------------------------------------------------------------------------------------------- */

/* 1 when the feed is to go on; 0: it was dropped meanwhile, or is to begin anew. */
static int step_ended(struct feed *f)
{
    f->step = FEED_WAITING;
    f->call = 0;
    if (!f->hub) {
        feed_free(f);
        return 0;
    }
    if (f->moved) {
        f->moved = 0;
        f->step = FEED_NEW;
        hub_feeds_look(f->hub);
        return 0;
    }
    return 1;
}

/* Somebody asked while an earlier question was under way: what they want may have come after it. */
static void plan(struct feed *f, int64_t wait_ms)
{
    f->due_ms = now_of(f) + (list_empty(&f->waiters) ? wait_ms : 0);
    hub_feeds_look(f->hub);
}

static void caught_up(struct feed *f)
{
    f->failures = 0;
    f->closed_until_ms = 0;
    replace(&f->fault, NULL);
    f->last_ok_ms = now_of(f);
    metric_set(last_success(f), (double)f->last_ok_ms / 1000);
    metric_set(failures(f), 0);
}

static void go_on(struct feed *f, int full)
{
    caught_up(f);
    if (!full) {
        cycle_reset(f);
        f->limit = FEED_PAGE;
        waiters_end(f, 1, 1);
    }
    plan(f, full ? 0 : f->every_ms);
}

static void fail(struct feed *f, const char *why, int64_t retry_after_ms)
{
    struct arena *arena = arena_new(512);
    int64_t wait = AGAIN_FIRST_MS;
    for (unsigned i = 0; i < f->failures && wait < AGAIN_MAX_MS; i++)
        wait *= 2;
    wait = wait < AGAIN_MAX_MS ? wait : AGAIN_MAX_MS;
    if (retry_after_ms >= 0)
        wait = retry_after_ms > BUSY_AGAIN_MS ? retry_after_ms : BUSY_AGAIN_MS;
    f->failures++;
    f->closed_until_ms = retry_after_ms >= 0 ? now_of(f) + wait : 0;
    replace(&f->fault, why);
    metric_add(asked(f, ASKED_FAILED), 1);
    metric_set(failures(f), f->failures);
    log_warn("feed", "a feed could not be pulled, it is tried again",
             "source=%s org=%s url=%s failures=%u wait_ms=%lld err=%s", f->name, f->org, feed_shown_url(arena, f->url),
             f->failures, (long long)wait, log_quote(why, strlen(why)));
    arena_free(arena);
    cycle_reset(f);
    waiters_end(f, !f->closed_until_ms, 0);
    plan(f, wait);
}

/* --- its place in the database ------------------------------------------------------------------------------------ */

struct load {
    struct feed *feed;
    struct arena *arena;
    struct belfry_str name, org;
    struct store_feed found;
    int has;
};

/* [reader] */
static belfry_status load_read(struct store_conn *conn, void *arg)
{
    struct load *l = arg;
    int64_t inst = store_name_find(conn, l->name), org = store_name_find(conn, l->org);
    l->has = inst && org && store_feed_get(conn, inst, org, l->arena, &l->found);
    return BELFRY_OK;
}

static void load_done(void *arg, belfry_status status)
{
    struct load *l = arg;
    struct feed *f = l->feed;
    if (step_ended(f)) {
        int same = l->has && memcmp(l->found.url, f->url_hash, sizeof(f->url_hash)) == 0;
        if (l->has && !same)
            log_info("feed", "the feed has another address than before and is read from the beginning",
                     "source=%s org=%s", f->name, f->org);
        free(f->cursor);
        free(f->etag);
        f->cursor = same ? xstrndup(l->found.cursor.ptr, l->found.cursor.len) : xstrdup("");
        f->etag = same && l->found.etag.len ? xstrndup(l->found.etag.ptr, l->found.etag.len) : NULL;
        f->due_ms = now_of(f);
        if (status != BELFRY_OK)
            f->step = FEED_NEW; /* the next tick reads it again */
        else
            hub_feeds_look(f->hub);
    }
    arena_free(l->arena);
    free(l);
}

static void load(struct feed *f)
{
    struct load *l = xcalloc(1, sizeof(*l));
    l->feed = f;
    l->arena = arena_new(2048);
    l->name = str_of(arena_strdup(l->arena, f->name));
    l->org = str_of(arena_strdup(l->arena, f->org));
    f->step = FEED_LOADING;
    cycle_reset(f);
    if (store_read(f->hub->parts.readers, load_read, load_done, l, 0) == BELFRY_OK)
        return;
    f->step = FEED_NEW;
    arena_free(l->arena);
    free(l);
}

/* --- committing a page -------------------------------------------------------------------------------------------- */

/* 1 when this place was there before in the present run of full pages. */
static int goes_in_a_circle(struct feed *f, const char *cursor)
{
    struct feed_cycle *c = &f->cycle;
    if (c->mark && strcmp(c->mark, cursor) == 0)
        return 1;
    if (++c->steps >= c->power) {
        c->steps = 0;
        c->power *= 2;
        replace(&c->mark, cursor);
    }
    return 0;
}

static void count(struct feed *f, const struct ledger_request *request)
{
    size_t by_state[3] = {0, 0, 0};
    for (size_t i = 0; i < request->triggers.count; i++)
        by_state[request->results[i].state]++;
    f->accepted += by_state[LEDGER_ACCEPTED];
    f->duplicate += by_state[LEDGER_DUPLICATE];
    f->refused += by_state[LEDGER_REFUSED];
    http_triggers_count(f->hub->parts.http, f->name, by_state[LEDGER_ACCEPTED], by_state[LEDGER_DUPLICATE],
                        by_state[LEDGER_REFUSED]);
    if (by_state[LEDGER_REFUSED])
        log_warn("feed", "events of a feed were refused; GET /v1/{org}/events?refused=true shows them",
                 "source=%s org=%s refused=%zu of=%zu", f->name, f->org, by_state[LEDGER_REFUSED],
                 request->triggers.count);
}

static void committed(struct feed *f, struct feed_page *page)
{
    int moved = page->cursor && strcmp(page->cursor, f->cursor) != 0;
    int full = page->full && moved && !goes_in_a_circle(f, page->cursor);
    count(f, &page->ledger.request);
    metric_add(asked(f, page->ledger.request.triggers.count ? ASKED_PAGE : ASKED_EMPTY), 1);
    if (page->full && !full)
        log_warn("feed", "a feed gives full pages without going on; it is asked again when its time comes",
                 "source=%s org=%s", f->name, f->org);
    replace(&f->cursor, page->ledger.cursor.ptr);
    replace(&f->etag, page->ledger.etag.len ? page->ledger.etag.ptr : NULL);
    go_on(f, full);
}

static void on_committed(struct ledger_feed_page *ledger, belfry_status status)
{
    struct feed_page *page = ledger->arg;
    struct feed *f = page->feed;
    if (step_ended(f)) {
        if (status == BELFRY_OK)
            committed(f, page);
        else if (status == BELFRY_EAGAIN)
            fail(f, "the source takes nothing at the moment", ledger->request.retry_after_ms);
        else if (status == BELFRY_ENOTFOUND)
            fail(f, "the source does not run", -1);
        else
            fail(f, "the page could not be written", -1);
    }
    feed_page_free(page);
}

/* What the answer of another question was is no help with the next one: the tag of a full page would keep those behind
 * it away. */
static void commit(struct feed *f, struct feed_page *page)
{
    struct ledger_feed_page *lp = &page->ledger;
    int moved = lp->request.triggers.count && page->cursor && strcmp(page->cursor, f->cursor) != 0;
    lp->request.org = str_of(f->org);
    lp->request.source = f->name;
    lp->request.principal = (struct belfry_principal){
        .struct_size = sizeof(lp->request.principal), .kind = BELFRY_PRINCIPAL_FEED, .name = str_of(f->name)};
    lp->request.keep_refused = moved; /* else they come again and again */
    lp->cursor = str_of(moved ? page->cursor : f->cursor);
    lp->etag = str_of(page->full ? NULL : page->etag);
    memcpy(lp->url, f->url_hash, sizeof(lp->url));
    lp->done = on_committed;
    lp->arg = page;
    f->step = FEED_COMMITTING;
    belfry_status status = ledger_feed_page(f->hub->parts.ledger, lp);
    if (status == BELFRY_OK)
        return;
    if (step_ended(f))
        fail(f, "too many triggers wait at the moment", BUSY_AGAIN_MS);
    feed_page_free(page);
}

/* --- asking ------------------------------------------------------------------------------------------------------- */

static void decoded(struct feed_page *page)
{
    struct feed *f = page->feed;
    if (!step_ended(f)) {
        feed_page_free(page);
        return;
    }
    const struct ledger_request *request = &page->ledger.request;
    int same_tag = page->etag && f->etag && strcmp(page->etag, f->etag) == 0;
    if (page->verdict == FEED_FAILED) {
        fail(f, error_text(&page->err), -1);
    } else if (request->triggers.count == 0 && (same_tag || !page->etag) && !f->etag == !page->etag) {
        metric_add(asked(f, ASKED_EMPTY), 1); /* nothing to write */
        go_on(f, 0);
    } else {
        commit(f, page);
        return;
    }
    feed_page_free(page);
}

static void on_work(uv_work_t *work)
{
    feed_page_decode(work->data);
}

static void on_worked(uv_work_t *work, int status)
{
    (void)status;
    decoded(work->data);
}

static void on_answer(void *arg, const struct belfry_http_answer *answer)
{
    struct feed *f = arg;
    if (!step_ended(f))
        return;
    struct feed_page *page = feed_page_new(f, answer, f->limit);
    f->last_try_ms = now_of(f);
    if (page->verdict == FEED_UNCHANGED) {
        metric_add(asked(f, ASKED_UNCHANGED), 1);
        go_on(f, 0);
    } else if (page->too_long && f->limit > 1) {
        f->limit = f->limit > 4 ? f->limit / 4 : 1; /* fewer events may fit */
        plan(f, 0);
    } else if (page->verdict == FEED_FAILED) {
        fail(f, error_text(&page->err), page->retry_after_ms);
    } else {
        f->step = FEED_DECODING;
        page->work.data = page;
        if (page->on_worker) {
            uv_queue_work(f->hub->parts.loop, &page->work, on_work, on_worked);
        } else {
            feed_page_decode(page);
            decoded(page);
        }
        return;
    }
    feed_page_free(page);
}

static void ask(struct feed *f)
{
    static const char *const anywhere[] = {"0.0.0.0/0", "::/0", NULL}; /* an admin named the address */
    struct belfry_attr headers[3] = {{STR("Accept"), STR("application/cloudevents-batch+json")}};
    size_t count = 1;
    struct error err = {0};
    char *address = feed_address(f->url, f->cursor, f->limit);
    char *bearer = f->token ? xasprintf("Bearer %s", f->token) : NULL;
    if (bearer)
        headers[count++] = (struct belfry_attr){STR("Authorization"), str_of(bearer)};
    if (f->etag)
        headers[count++] = (struct belfry_attr){STR("If-None-Match"), str_of(f->etag)};
    struct belfry_http_call call = {.struct_size = sizeof(call),
                                    .method = "GET",
                                    .url = address,
                                    .headers = headers,
                                    .header_count = count,
                                    .timeout_ms = TIMEOUT_MS,
                                    .connect_timeout_ms = CONNECT_TIMEOUT_MS,
                                    .max_response = FEED_BODY_MAX,
                                    .allow_cidrs = anywhere};
    LIST_EACH(it, &f->waiters)
    LIST_OF(it, struct feed_waiter, node)->begun = 1;
    f->step = FEED_ASKING;
    belfry_status status = client_request(f->hub->parts.client, &call, on_answer, f, &f->call, &err);
    mem_wipe(bearer, bearer ? strlen(bearer) : 0);
    free(bearer);
    free(address);
    if (status != BELFRY_OK && step_ended(f))
        fail(f, error_text(&err), -1);
    error_clear(&err);
}

/* --- the row of feeds --------------------------------------------------------------------------------------------- */

static int is_due(struct feed *f, int64_t now)
{
    int64_t most = f->closed_until_ms ? FEED_CLOSED_MAX_MS : f->every_ms > AGAIN_MAX_MS ? f->every_ms : AGAIN_MAX_MS;
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
            load(f);
    }
    struct feed *f;
    while (asking(hub) < ASKING_MAX && (f = next_due(hub))) {
        list_remove(&f->node);
        list_push_back(&hub->feeds, &f->node);
        ask(f);
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
    if (f->closed_until_ms > now_of(f))
        return 0;
    struct feed_waiter *w = xcalloc(1, sizeof(*w));
    *w = (struct feed_waiter){.done = done, .arg = arg};
    list_push_back(&f->waiters, &w->node);
    if (f->step == FEED_WAITING)
        f->due_ms = now_of(f);
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
        numbers_make(f);
    }
    f->named = 1;
    if (f->every_ms != source->feed_every_ms && f->step == FEED_WAITING && f->failures == 0)
        f->due_ms = f->last_ok_ms + source->feed_every_ms;
    f->every_ms = source->feed_every_ms;
    if (f->url && same_text(f->url, source->feed_url) && same_text(f->token, source->feed_token))
        return;
    replace(&f->url, source->feed_url);
    replace(&f->token, source->feed_token);
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
    waiters_end(f, 0, 0);
    metric_set(failures(f), 0);
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
