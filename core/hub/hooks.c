/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POST /v1/{org}/sources/{source}/hook, the webhook of a provider that knows nothing of CloudEvents or tokens: verified
 * over the raw body, mapped, taken, answered with 200 or 401 and nothing else.
 *
 * 200 means on disk. It also means: do not send this again. What can never be taken (a body that is no JSON, a trigger
 * that the source refuses) is kept among the refused items, where admins see it, for a provider that is told so repeats
 * it for days and then turns the webhook off. Only what may go well later is 503: the disk, a source in quarantine, a
 * stop. Triggers of one call are taken in their order in one commit, each by itself, so one that is refused takes no
 * others with it; the same call once more finds those that were taken before by their ids.
 *
 * Providers wait three to ten seconds and take anything later for a failure. A commit that is slower than
 * ANSWER_WITHIN_NS is answered with 503 and goes on: when the call comes again, what it holds is known.
 *
 * Hashing, reading and mapping a long body would hold up the loop, so that is done on a worker.
 */
#include "hub/hook.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#define BODY_MAX ((int64_t)512 << 10)
#define ON_WORKER_FROM ((size_t)64 << 10)
#define ANSWER_WITHIN_NS UINT64_C(2500000000) /* Slack waits for 3 s, Xero and Shopify for 5, GitHub for 10 */
#define CHALLENGE_MAX 256

enum outcome_of_call { ACCEPTED, DUPLICATE, REFUSED, IGNORED, UNVERIFIED, UNAVAILABLE, OUTCOMES };
static const char *const outcome_names[OUTCOMES] = {"accepted", "duplicate",  "refused",
                                                    "ignored",  "unverified", "unavailable"};

/* One call. Holds its request until it is over, answered or not: what it works on lies there. */
struct post {
    struct list node; /* in hub.hooks until it is answered */
    struct ledger_feed_page page;
    struct hub *hub;
    struct http_request *req;
    const struct config_instance *source;
    uint64_t begun_ns;
    int answered, at_worker;
    uv_work_t work;
    const char *unverified; /* NULL: genuine */
    struct belfry_str challenge;
    struct buf batch; /* CloudEvents that the mapping made; the triggers point into it */
    struct error *faults;
    size_t fault_count;
    struct error err; /* of the body as a whole */
};

/* --- answers ------------------------------------------------------------------------------------------------------ */

static struct metric *counter(const char *source, enum outcome_of_call outcome)
{
    return metric_get(metrics_global(), "belfry_hook_requests_total", "Calls of hooks by source and outcome.",
                      METRIC_COUNTER, "source", source, "outcome", outcome_names[outcome], NULL);
}

/* Once a call; after_ms is for UNAVAILABLE. */
static void answer(struct post *p, enum outcome_of_call outcome, struct belfry_str text, int64_t after_ms)
{
    static const uint32_t statuses[OUTCOMES] = {200, 200, 200, 200, 401, 503};
    char seconds[24];
    if (p->answered)
        return;
    p->answered = 1;
    list_remove(&p->node);
    metric_add(counter(p->source->name, outcome), 1);
    snprintf(seconds, sizeof(seconds), "%lld", (long long)(after_ms > 1000 ? (after_ms + 999) / 1000 : 1));
    struct belfry_attr retry[] = {{STR("Retry-After"), str_of(seconds)}};
    http_respond(p->req, statuses[outcome], text.len ? "text/plain; charset=utf-8" : NULL, text, retry,
                 outcome == UNAVAILABLE);
}

static void post_free(struct post *p)
{
    struct ledger_request *request = &p->page.request;
    for (size_t i = 0; request->results && i < request->triggers.count; i++)
        error_clear(&request->results[i].err);
    for (size_t i = 0; i < p->fault_count; i++)
        error_clear(&p->faults[i]);
    free(p->faults);
    free(request->results);
    trigger_set_free(&request->triggers);
    error_clear(&p->err);
    buf_free(&p->batch);
    http_let_go(p->req);
    free(p);
}

static void end(struct post *p, enum outcome_of_call outcome)
{
    answer(p, outcome, p->challenge, p->page.request.retry_after_ms);
    post_free(p);
}

/* What the ledger or a worker has in hand is not looked at; a worker has the request's memory in hand, too. */
void hub_hooks_look(struct hub *hub)
{
    uint64_t now = clock_mono_ns(clock_real());
    LIST_EACH_SAFE(it, &hub->hooks)
    {
        struct post *p = LIST_OF(it, struct post, node);
        if (p->at_worker || now - p->begun_ns < ANSWER_WITHIN_NS)
            continue;
        log_warn("hook", "a call is not on disk yet; answered 503, it comes again", "source=%s org=%.*s",
                 p->source->name, STR_ARG(p->req->pub.org));
        answer(p, UNAVAILABLE, (struct belfry_str){0}, 0);
    }
}

/* --- reading, perhaps on a worker --------------------------------------------------------------------------------- */

/* Slack asks once, when the address is entered, for a text of its own to be sent back; nothing else answers with one.
 */
static void take_challenge(struct post *p)
{
    if (strcmp(p->source->verify->scheme, "slack") != 0)
        return;
    json_t *doc = json_read(p->req->pub.body, NULL);
    struct belfry_str text = json_str(json_object_get(doc, "challenge"));
    int fits = str_eqz(json_str(json_object_get(doc, "type")), "url_verification") && text.len <= CHALLENGE_MAX;
    for (size_t i = 0; i < text.len; i++)
        fits &= text.ptr[i] > ' ' && text.ptr[i] < 0x7f;
    if (fits && text.len)
        p->challenge = arena_str(p->req->arena, text);
    json_decref(doc);
}

static int is_type(struct belfry_str type, const char *prefix)
{
    size_t len = strlen(prefix);
    return type.len >= len && strncasecmp(type.ptr, prefix, len) == 0;
}

/* The JSON of the body: all of it, or the field of a form. */
static belfry_status json_of(struct post *p, struct belfry_str *out)
{
    const char *form = p->source->hook->form;
    *out = p->req->pub.body;
    if (!form || !is_type(p->req->pub.content_type, "application/x-www-form-urlencoded"))
        return BELFRY_OK;
    if (http_form(p->req, form, 0, out) == BELFRY_OK)
        return BELFRY_OK;
    return error_set(&p->err, BELFRY_EINVAL, NULL, "the form has no field `%s`, or one that cannot be read", form);
}

static belfry_status map(struct post *p)
{
    const struct belfry_http_request *pub = &p->req->pub;
    const struct config_hub *hub = &p->req->config->hub;
    struct hook_call call = {.verify = p->source->verify,
                             .hook = p->source->hook,
                             .headers = pub->headers,
                             .header_count = pub->header_count,
                             .body = pub->body,
                             .max_items = (size_t)hub->limits.batch_events,
                             .max_bytes = (size_t)hub->limits.request_bytes};
    belfry_status status = json_of(p, &call.json);
    return status ? status : hook_map(&call, &p->batch, &p->err);
}

/* Without a mapping what is posted are CloudEvents that say in the body all that they are: headers are not signed. */
static belfry_status decode(struct post *p, struct belfry_str type, struct belfry_str text)
{
    struct trigger_set *set = &p->page.request.triggers;
    const struct config_hub *hub = &p->req->config->hub;
    size_t each = (size_t)hub->limits.event_bytes, most = (size_t)hub->limits.batch_events;
    int64_t now = clock_now_ms(p->hub->parts.clock);
    if (!is_type(type, "application/cloudevents"))
        return error_set(&p->err, BELFRY_EUNSUPPORTED, NULL,
                         "it is not application/cloudevents+json or application/cloudevents-batch+json, and the source "
                         "has no `hook` that says what else it is");
    if (!is_type(type, "application/cloudevents-batch"))
        return ce_decode(set, NULL, 0, type, text, each, most, now, &p->err);
    p->faults = xcalloc(most + 1, sizeof(*p->faults));
    p->fault_count = most + 1;
    return ce_decode_partial(set, type, text, each, most, now, p->faults, &p->err);
}

/* [any] */
static void read_call(struct post *p)
{
    const struct belfry_http_request *pub = &p->req->pub;
    p->unverified =
        hook_verify(p->source->verify, pub->headers, pub->header_count, pub->body, clock_now_ms(p->hub->parts.clock));
    if (p->unverified)
        return;
    take_challenge(p);
    if (p->challenge.len)
        return;
    belfry_status status = p->source->hook ? map(p) : decode(p, pub->content_type, pub->body);
    if (status == BELFRY_OK && p->source->hook)
        status = decode(p, STR("application/cloudevents-batch+json"), buf_str(&p->batch));
    if (status != BELFRY_OK)
        trigger_set_refused(&p->page.request.triggers, pub->body);
}

/* --- taking ------------------------------------------------------------------------------------------------------- */

static void on_taken(struct ledger_feed_page *page, belfry_status status)
{
    struct post *p = page->arg;
    size_t by_state[3] = {0, 0, 0};
    for (size_t i = 0; status == BELFRY_OK && i < page->request.triggers.count; i++)
        by_state[page->request.results[i].state]++;
    http_triggers_count(p->hub->parts.http, p->source->name, by_state[LEDGER_ACCEPTED], by_state[LEDGER_DUPLICATE],
                        by_state[LEDGER_REFUSED]);
    if (by_state[LEDGER_REFUSED])
        log_warn("hook", "what a hook was sent was refused; GET /v1/{org}/events?refused=true shows it",
                 "source=%s org=%.*s refused=%zu of=%zu", p->source->name, STR_ARG(p->req->pub.org),
                 by_state[LEDGER_REFUSED], page->request.triggers.count);
    end(p, status != BELFRY_OK          ? UNAVAILABLE
           : by_state[LEDGER_ACCEPTED]  ? ACCEPTED
           : by_state[LEDGER_DUPLICATE] ? DUPLICATE
                                        : REFUSED);
}

static void take_faults(struct post *p)
{
    struct ledger_request *request = &p->page.request;
    request->results = xcalloc(request->triggers.count + 1, sizeof(*request->results));
    for (size_t i = 0; i < request->triggers.count; i++) {
        struct error *fault = p->err.count ? &p->err : i < p->fault_count ? &p->faults[i] : NULL;
        if (!fault || !fault->count)
            continue;
        request->results[i].status = fault->status;
        error_move(&request->results[i].err, fault);
    }
}

static void take(struct post *p)
{
    struct ledger_feed_page *page = &p->page;
    take_faults(p);
    page->request.org = p->req->pub.org;
    page->request.source = p->source->name;
    page->request.principal = (struct belfry_principal){
        .struct_size = sizeof(page->request.principal), .kind = BELFRY_PRINCIPAL_HOOK, .name = str_of(p->source->name)};
    page->request.keep_refused = 1;
    page->no_place = 1;
    page->done = on_taken;
    page->arg = p;
    if (ledger_ailment(p->hub->parts.ledger) || ledger_feed_page(p->hub->parts.ledger, page) != BELFRY_OK)
        end(p, UNAVAILABLE);
}

static void was_read(struct post *p)
{
    if (p->unverified) {
        log_warn("hook", "a call was not verified; answered 401", "source=%s org=%.*s peer=%.*s why=\"%s\"",
                 p->source->name, STR_ARG(p->req->pub.org), STR_ARG(p->req->pub.peer), p->unverified);
        end(p, UNVERIFIED);
    } else if (p->page.request.triggers.count == 0) {
        end(p, IGNORED);
    } else {
        take(p);
    }
}

/* --- the way in --------------------------------------------------------------------------------------------------- */

static void on_work(uv_work_t *work)
{
    read_call(work->data);
}

static void on_worked(uv_work_t *work, int status)
{
    struct post *p = work->data;
    (void)status;
    p->at_worker = 0;
    was_read(p);
}

static void post_hook(void *arg, struct http_request *req)
{
    struct hub *hub = arg;
    const struct config_instance *source = config_source(req->config, http_param(req, "source"));
    if (!source || !config_serves(source, req->pub.org) || !source->verify) {
        http_problem(req, 404, NULL, "there is no hook of a source `%.*s` here", STR_ARG(http_param(req, "source")));
        return;
    }
    struct post *p = xcalloc(1, sizeof(*p));
    p->hub = hub;
    p->req = req;
    p->source = source;
    p->begun_ns = clock_mono_ns(clock_real());
    list_push_back(&hub->hooks, &p->node);
    http_hold(req);
    if (req->pub.body.len > ON_WORKER_FROM) {
        p->work.data = p;
        p->at_worker = 1;
        uv_queue_work(hub->parts.loop, &p->work, on_work, on_worked);
        return;
    }
    read_call(p);
    was_read(p);
}

void hub_hooks_configure(const struct config *config)
{
    for (size_t i = 0; i < config->source_count; i++)
        for (int k = 0; config->sources[i].verify && k < OUTCOMES; k++)
            counter(config->sources[i].name, k);
}

belfry_status hub_hooks_init(struct hub *hub, struct error *err)
{
    const struct http_route route = {
        "POST", "/v1/{org}/sources/{source}/hook", "none", BODY_MAX, BELFRY_ROUTE_RAW, post_hook, hub};
    list_init(&hub->hooks);
    return http_routes_add(hub->parts.http, hub, &route, 1, err);
}
