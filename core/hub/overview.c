/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /v1/{org}/overview: the first page of the console. What waits is counted through indexes and no further than
 * STORE_COUNT_MAX a channel; what became of the rest is counted in memory as it happens. So it costs the same beside a
 * million deliveries as beside none.
 */
#include "base/mem.h"
#include "hub/feed.h"
#include "hub/internal.h"
#include "store/queue.h"

#define FAILING_MAX 50 /* that are named; more tell nobody more */

struct looking {
    struct http_request *req;
    struct hub *hub;
    struct store_depth *depths; /* by channel of the request's configuration */
    struct store_count dead;
    json_t *breakers; /* owned until it is answered */
    struct store_failing failing[FAILING_MAX];
    struct belfry_str failing_channels[FAILING_MAX];
    size_t failing_count;
};

static belfry_status look(struct store_conn *conn, void *arg)
{
    struct looking *l = arg;
    const struct config *config = l->req->config;
    int64_t org = store_name_find(conn, l->req->pub.org);
    for (size_t i = 0; org && i < config->channel_count; i++) {
        int64_t channel = store_name_find(conn, str_of(config->channels[i].name));
        if (channel && config_serves(&config->channels[i], l->req->pub.org))
            store_depth(conn, org, channel, &l->depths[i]);
    }
    if (!org)
        return BELFRY_OK;
    l->dead = store_dead(conn, org);
    l->failing_count = store_targets_failing(conn, org, FAILING_MAX, l->req->arena, l->failing);
    for (size_t i = 0; i < l->failing_count; i++)
        l->failing_channels[i] = store_name_text(conn, l->failing[i].channel);
    return BELFRY_OK;
}

/* --- in memory ---------------------------------------------------------------------------------------------------- */

static void on_target(void *arg, const struct dispatch_target_view *view)
{
    struct looking *l = arg;
    if (strcmp(view->breaker, "closed") == 0 && view->enabled)
        return;
    json_t *doc = json_object();
    hub_json_id(l->hub, doc, "endpoint", view->id);
    json_set_str(doc, "name", view->name);
    json_object_set_new(doc, "channel", json_string(view->channel));
    json_object_set_new(doc, "enabled", json_boolean(view->enabled));
    json_object_set_new(doc, "breaker", json_string(view->breaker));
    hub_json_time(doc, "until", view->breaker_until_ms);
    json_array_append_new(l->breakers, doc);
}

static json_t *minutes_json(const struct ledger_rates *rates, enum ledger_rate_kind kind)
{
    json_t *list = json_array();
    for (size_t i = 0; i < LEDGER_RATE_MINUTES; i++)
        json_array_append_new(list, json_integer(rates->by[i][kind]));
    return list;
}

static json_t *rates_json(const struct looking *l)
{
    struct ledger_rates rates;
    json_t *doc = json_object();
    ledger_rates(l->hub->parts.ledger, l->req->pub.org, clock_now_ms(l->hub->parts.clock), &rates);
    hub_json_time(doc, "from", rates.first_ms);
    json_object_set_new(doc, "delivered", minutes_json(&rates, LEDGER_RATE_DELIVERED));
    json_object_set_new(doc, "failed", minutes_json(&rates, LEDGER_RATE_FAILED));
    json_object_set_new(doc, "suppressed", minutes_json(&rates, LEDGER_RATE_SUPPRESSED));
    json_object_set_new(doc, "p50_ms", rates.p50_ms < 0 ? json_null() : json_integer(rates.p50_ms));
    json_object_set_new(doc, "p95_ms", rates.p95_ms < 0 ? json_null() : json_integer(rates.p95_ms));
    return doc;
}

static json_t *quarantined_json(const struct looking *l)
{
    const struct config *config = l->req->config;
    json_t *list = json_array();
    for (size_t i = 0; i < config->source_count; i++)
        if (config_serves(&config->sources[i], l->req->pub.org) &&
            ledger_quarantine(l->hub->parts.ledger, config->sources[i].name, clock_now_ms(l->hub->parts.clock)))
            json_array_append_new(list, json_string(config->sources[i].name));
    return list;
}

static json_t *feeds_json(const struct looking *l)
{
    json_t *list = json_array();
    LIST_EACH(it, &l->hub->feeds)
    {
        const struct feed *f = LIST_OF(it, struct feed, node);
        if (f->failures == 0 || !str_eqz(l->req->pub.org, f->org))
            continue;
        json_t *doc =
            json_pack("{s:s, s:I, s:s?}", "source", f->name, "failures", (json_int_t)f->failures, "fault", f->fault);
        hub_json_time(doc, "last_success_at", f->last_ok_ms);
        json_array_append_new(list, doc);
    }
    return list;
}

/* What the file is called, and what is wrong with it, is the operator's. */
static json_t *reload_json(const struct hub *hub)
{
    const struct hub_reload_numbers *r = &hub->reloads;
    json_t *doc = json_object();
    json_object_set_new(doc, "generation", json_integer((json_int_t)hub_config(hub)->generation));
    json_object_set_new(doc, "ok", json_boolean(r->last_ok || r->failed == 0));
    hub_json_time(doc, "at", r->last_ok_ms ? r->last_ok_ms : hub->started_ms);
    json_object_set_new(doc, "restart_required", json_boolean(r->restart_required));
    return doc;
}

/* --- from rows ---------------------------------------------------------------------------------------------------- */

static json_t *depth_json(const char *channel, const struct store_depth *depth)
{
    json_t *doc = json_object(), *states = json_object();
    int64_t all = 0;
    for (int i = 0; i < OUTCOME_COUNT; i++) {
        all += depth->by_state[i];
        if (depth->by_state[i])
            json_object_set_new(states, outcome_name(i), json_integer(depth->by_state[i]));
    }
    json_object_set_new(doc, "channel", json_string(channel));
    json_object_set_new(doc, "open", json_integer(all));
    json_object_set_new(doc, "more", json_boolean(depth->more));
    json_object_set_new(doc, "states", states);
    hub_json_time(doc, "oldest_due", depth->oldest_due);
    return doc;
}

static json_t *queues_json(const struct looking *l)
{
    const struct config *config = l->req->config;
    json_t *list = json_array();
    for (size_t i = 0; i < config->channel_count; i++)
        if (config_serves(&config->channels[i], l->req->pub.org))
            json_array_append_new(list, depth_json(config->channels[i].name, &l->depths[i]));
    return list;
}

static int is_down(const struct looking *l, const char *endpoint)
{
    size_t i;
    json_t *down;
    json_array_foreach(l->breakers, i, down)
    {
        if (str_eqz(json_str(json_object_get(down, "endpoint")), endpoint))
            return 1;
    }
    return 0;
}

/* What fails while its breaker is still closed: the one to look at before it opens. */
static json_t *failing_json(const struct looking *l)
{
    json_t *list = json_array();
    for (size_t i = 0; i < l->failing_count; i++) {
        const struct store_failing *f = &l->failing[i];
        json_t *doc = json_object();
        hub_json_id(l->hub, doc, "endpoint", f->target);
        json_set_str(doc, "name", f->name);
        json_set_str(doc, "channel", l->failing_channels[i]);
        hub_json_time(doc, "since", f->since);
        if (is_down(l, json_string_value(json_object_get(doc, "endpoint"))))
            json_decref(doc);
        else
            json_array_append_new(list, doc);
    }
    return list;
}

static void looked(void *arg, belfry_status status)
{
    struct looking *l = arg;
    if (status != BELFRY_OK) {
        json_decref(l->breakers);
        http_problem(l->req, http_status_of(status), NULL, "the queues could not be read now: %s", status_text(status));
        return;
    }
    json_t *doc = json_object();
    hub_json_time(doc, "at", clock_now_ms(l->hub->parts.clock));
    json_object_set_new(doc, "queues", queues_json(l));
    json_object_set_new(doc, "dead_letters",
                        json_pack("{s:I, s:b}", "count", (json_int_t)l->dead.count, "more", l->dead.more));
    json_object_set_new(doc, "minutes", rates_json(l));
    json_object_set_new(doc, "endpoints_failing", failing_json(l));
    json_object_set_new(doc, "endpoints_down", l->breakers);
    json_object_set_new(doc, "quarantined", quarantined_json(l));
    json_object_set_new(doc, "feeds_failing", feeds_json(l));
    json_object_set_new(doc, "reload", reload_json(l->hub));
    http_respond_json(l->req, 200, doc, NULL, 0);
}

static void get_overview(void *arg, struct http_request *req)
{
    struct hub *hub = arg;
    struct looking *l = arena_alloc(req->arena, sizeof(*l));
    l->req = req;
    l->hub = hub;
    l->depths = arena_alloc(req->arena, (req->config->channel_count + 1) * sizeof(*l->depths));
    l->breakers = json_array();
    dispatch_targets_each(hub->parts.dispatch, req->pub.org, on_target, l);
    if (store_read(hub->parts.readers, look, looked, l, 0) != BELFRY_OK)
        looked(l, BELFRY_EAGAIN);
}

belfry_status hub_overview_init(struct hub *hub, struct error *err)
{
    const struct http_route route = {
        "GET", "/v1/{org}/overview", "role:admin|token:read|token:admin", 0, 0, get_overview, hub};
    return http_routes_add(hub->parts.http, hub, &route, 1, err);
}
