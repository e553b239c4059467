/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One feed: reading its place, asking, committing what came. A page and the place behind it are one commit, so the
 * place in memory is only a copy, read anew whenever address or token change.
 *
 * A place that does not move, or moves in a circle, would be asked for ever at full speed: such a page counts as the
 * last one, and the feed waits for its time.
 */
#include "hub/feed.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "store/feeds.h"

#include <stdlib.h>

#define TIMEOUT_MS 30000
#define CONNECT_TIMEOUT_MS 10000
#define AGAIN_FIRST_MS INT64_C(5000)
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
void feed_numbers_make(const struct feed *f)
{
    for (int i = 0; i < ASKED; i++)
        asked(f, i);
    last_success(f);
    failures(f);
}

void feed_numbers_rest(const struct feed *f)
{
    metric_set(failures(f), 0);
}

/* --- memory ------------------------------------------------------------------------------------------------------- */

void feed_text_set(char **text, const char *with)
{
    char *copy = with ? xstrdup(with) : NULL;
    free(*text);
    *text = copy;
}

static void cycle_reset(struct feed *f)
{
    feed_text_set(&f->cycle.mark, NULL);
    f->cycle.steps = 0;
    f->cycle.power = 1;
}

void feed_waiters_end(struct feed *f, int begun_only, int ok)
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

void feed_free(struct feed *f)
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
static void plan(struct feed *f, int64_t due_ms)
{
    f->due_ms = list_empty(&f->waiters) ? due_ms : feed_now(f);
    hub_feeds_look(f->hub);
}

static void caught_up(struct feed *f)
{
    f->failures = 0;
    f->closed_until_ms = 0;
    feed_text_set(&f->fault, NULL);
    f->last_ok_ms = feed_now(f);
    metric_set(last_success(f), (double)f->last_ok_ms / 1000);
    metric_set(failures(f), 0);
}

static void go_on(struct feed *f, int full)
{
    caught_up(f);
    if (!full) {
        cycle_reset(f);
        f->limit = FEED_PAGE;
        feed_waiters_end(f, 1, 1);
    }
    plan(f, full ? feed_now(f) : f->last_try_ms + f->every_ms); /* however long the answer took */
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
    f->closed_until_ms = retry_after_ms >= 0 ? feed_now(f) + wait : 0;
    feed_text_set(&f->fault, why);
    metric_add(asked(f, ASKED_FAILED), 1);
    metric_set(failures(f), f->failures);
    log_warn("feed", "a feed could not be pulled, it is tried again",
             "source=%s org=%s url=%s failures=%u wait_ms=%lld err=%s", f->name, f->org, feed_shown_url(arena, f->url),
             f->failures, (long long)wait, log_quote(why, strlen(why)));
    arena_free(arena);
    cycle_reset(f);
    feed_waiters_end(f, !f->closed_until_ms, 0);
    plan(f, feed_now(f) + wait);
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
        f->due_ms = feed_now(f);
        if (status != BELFRY_OK)
            f->step = FEED_NEW; /* the next tick reads it again */
        else
            hub_feeds_look(f->hub);
    }
    arena_free(l->arena);
    free(l);
}

void feed_load(struct feed *f)
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
        feed_text_set(&c->mark, cursor);
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
        log_warn("feed",
                 request->keep_refused
                     ? "events of a feed were refused; GET /v1/{org}/events?refused=true shows them"
                     : "events of a feed were refused and come again, because its page names no place behind them",
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
    feed_text_set(&f->cursor, page->ledger.cursor.ptr);
    feed_text_set(&f->etag, page->ledger.etag.len ? page->ledger.etag.ptr : NULL);
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
            fail(f, "the source takes nothing at the moment",
                 ledger->request.retry_after_ms > 0 ? ledger->request.retry_after_ms : -1);
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
    if (page->verdict == FEED_UNCHANGED) {
        metric_add(asked(f, ASKED_UNCHANGED), 1);
        go_on(f, 0);
    } else if (page->too_long && f->limit > 1) {
        f->limit = f->limit > 4 ? f->limit / 4 : 1; /* fewer events may fit */
        plan(f, feed_now(f));
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

static void begin_waiters(struct feed *f)
{
    LIST_EACH(it, &f->waiters)
    LIST_OF(it, struct feed_waiter, node)->begun = 1;
}

static void request(struct feed *f)
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
    f->step = FEED_ASKING;
    f->last_try_ms = feed_now(f);
    belfry_status status = client_request(f->hub->parts.client, &call, on_answer, f, &f->call, &err);
    mem_wipe(bearer, bearer ? strlen(bearer) : 0);
    free(bearer);
    free(address);
    if (status != BELFRY_OK && step_ended(f))
        fail(f, error_text(&err), -1);
    error_clear(&err);
}

void feed_ask(struct feed *f)
{
    const char *ailment = ledger_ailment(f->hub->parts.ledger);
    int64_t most = hub_config(f->hub)->hub.limits.batch_events;
    f->limit = f->limit > most ? (uint32_t)most : f->limit;
    begin_waiters(f);
    if (ailment) { /* nothing could be taken */
        fail(f, ailment, -1);
        return;
    }
    request(f);
}
