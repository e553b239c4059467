/* SPDX-License-Identifier: Apache-2.0 */
/* /v1/{org}/events and /v1/{org}/explain: why did she get this, and why did he not? */
#include "base/mem.h"
#include "hub/internal.h"
#include "hub/story.h"
#include "store/story.h"

#include <stdlib.h>

/* --- list
 * --------------------------------------------------------------------------------------------------------------- */

struct listing {
    struct http_request *req;
    struct hub *hub;
    struct store_event_query query;
    struct belfry_str source, type;
    struct store_event *rows;
    json_t *items;
    size_t count;
    int64_t last;
};

static json_t *event_json(struct hub *hub, struct store_conn *conn, const struct store_event *e)
{
    json_t *doc = json_object();
    hub_json_id(hub, doc, "id", e->id);
    json_set_str(doc, "type", store_name_text(conn, e->type));
    json_set_str(doc, "source", store_name_text(conn, e->source));
    json_set_str(doc, "category", store_name_text(conn, e->category));
    json_object_set_new(doc, "severity", json_string(severity_name(e->severity)));
    json_set_str(doc, "subject", e->subject);
    json_set_str(doc, "title", e->title);
    hub_json_time(doc, "time", e->time);
    return doc;
}

static belfry_status read_list(struct store_conn *conn, void *arg)
{
    struct listing *l = arg;
    struct store_event_query *q = &l->query;
    l->items = json_array();
    q->org = store_name_find(conn, l->req->pub.org);
    q->source = l->source.len ? store_name_find(conn, l->source) : 0;
    q->type = l->type.len ? store_name_find(conn, l->type) : 0;
    if (!q->org || (l->source.len && !q->source) || (l->type.len && !q->type))
        return BELFRY_OK;
    uint32_t limit = q->limit++; /* one more tells whether this is the end */
    l->count = store_events_list(conn, q, l->req->arena, &l->rows);
    for (size_t i = 0; i < l->count && i < limit; i++)
        json_array_append_new(l->items, event_json(l->hub, conn, &l->rows[i]));
    l->last = l->count > limit ? l->rows[limit - 1].id : 0;
    return BELFRY_OK;
}

static void list_done(void *arg, belfry_status status)
{
    struct listing *l = arg;
    if (status != BELFRY_OK) {
        json_decref(l->items);
        http_problem(l->req, http_status_of(status), NULL, "the list could not be read now: %s", status_text(status));
        return;
    }
    json_t *doc = json_object();
    json_object_set_new(doc, "items", l->items);
    hub_json_id(l->hub, doc, "next", l->last);
    http_respond_json(l->req, 200, doc, NULL, 0);
}

static void get_events(void *arg, struct http_request *req)
{
    struct hub *hub = arg;
    struct listing *l = arena_alloc(req->arena, sizeof(*l));
    l->req = req;
    l->hub = hub;
    if (hub_list_window(hub, req, &l->query.limit, &l->query.before) != 0)
        return;
    http_query(req, "source", 0, &l->source);
    http_query(req, "type", 0, &l->type);
    http_query(req, "subject", 0, &l->query.subject);
    if (store_read(hub->parts.readers, read_list, list_done, l, 0) != BELFRY_OK)
        http_problem(req, 503, NULL, "too many reads wait at the moment");
}

/* --- one story
 * ------------------------------------------------------------------------------------------------------------ */

struct telling {
    struct http_request *req;
    struct hub *hub;
    int64_t event;
    struct story *story;
    struct explain_filter filter;
};

static belfry_status read_story(struct store_conn *conn, void *arg)
{
    struct telling *t = arg;
    t->story = hub_story_read(conn, t->hub->parts.store, t->req->config, t->event, t->req->pub.org, t->filter.who,
                              clock_now_ms(t->hub->parts.clock), t->req->arena);
    return BELFRY_OK;
}

static int wants_text(struct http_request *req)
{
    return str_has_prefix(http_header(req, "accept"), STR("text/plain"));
}

static int tells_about(const struct story *story, struct belfry_str who)
{
    for (size_t i = 0; i < story->recipient_count; i++)
        if (str_eq(story->recipients[i].name, who))
            return 1;
    return who.len == 0;
}

/* What a person's own roles hide does not exist for them, also not as a question about themself. */
static int may_ask(const struct telling *t)
{
    const struct belfry_principal *p = t->req->pub.principal;
    const struct config_category *category = config_category(t->req->config, t->story->category);
    if (p->kind != BELFRY_PRINCIPAL_PERSON || http_has_role(t->req, STR("admin")))
        return 1;
    return !category || config_visible(category, &p->roles);
}

static void story_done(void *arg, belfry_status status)
{
    struct telling *t = arg;
    if (status != BELFRY_OK) {
        http_problem(t->req, http_status_of(status), NULL, "the event could not be read now: %s", status_text(status));
    } else if (!t->story || !tells_about(t->story, t->filter.who) || !may_ask(t)) {
        http_problem(t->req, 404, NULL, "there is no such event");
    } else if (wants_text(t->req)) {
        struct buf out = {0};
        explain_text(t->story, &t->filter, &out);
        http_respond(t->req, 200, "text/plain; charset=utf-8", buf_str(&out), NULL, 0);
        buf_free(&out);
    } else {
        http_respond_json(t->req, 200, explain_json(t->story, &t->filter), NULL, 0);
    }
}

static void tell(struct hub *hub, struct http_request *req, struct belfry_str id, struct belfry_str who)
{
    struct telling *t = arena_alloc(req->arena, sizeof(*t));
    t->req = req;
    t->hub = hub;
    t->filter.who = who;
    if (id_parse(store_id_key(hub->parts.store), id, &t->event) != BELFRY_OK)
        http_problem(req, 404, NULL, "there is no such event");
    else if (store_read(hub->parts.readers, read_story, story_done, t, 0) != BELFRY_OK)
        http_problem(req, 503, NULL, "too many reads wait at the moment");
}

static void get_event(void *arg, struct http_request *req)
{
    tell(arg, req, http_param(req, "id"), (struct belfry_str){0});
}

/* --- dry run
 * ------------------------------------------------------------------------------------------------------------- */

struct dry {
    struct http_request *req;
    struct hub *hub;
    struct ledger_generation *generation;
    struct trigger_set set;
    struct belfry_principal principal;
    const char *source;
    struct explain *explain;
    struct explain_filter filter;
    struct story *stories[64];
    size_t count;
    struct error err;
    belfry_status status;
};

static void on_event(void *arg, const struct ledger_dry_event *event)
{
    struct dry *d = arg;
    if (d->count == sizeof(d->stories) / sizeof(d->stories[0]))
        return;
    struct story *story =
        explain_story(d->explain, &event->event, event->plan, NULL, clock_now_ms(d->hub->parts.clock));
    story->title = arena_str(d->req->arena, event->title);
    story->body = arena_str(d->req->arena, event->body);
    story->trigger_type = d->set.items[0].pub.type;
    d->stories[d->count++] = story;
}

static belfry_status read_dry(struct store_conn *conn, void *arg)
{
    struct dry *d = arg;
    d->status = ledger_dry_run(d->generation, conn, d->source, d->req->pub.org, &d->principal, &d->set.items[0],
                               d->hub->parts.clock, explain_trace(d->explain), d->req->arena, on_event, d, &d->err);
    return BELFRY_OK;
}

static void dry_free(struct dry *d)
{
    hub_generation_release(d->generation);
    trigger_set_free(&d->set);
    error_clear(&d->err);
    free(d);
}

static void dry_answer(struct dry *d)
{
    struct buf text = {0};
    if (wants_text(d->req)) {
        for (size_t i = 0; i < d->count; i++)
            explain_text(d->stories[i], &d->filter, &text);
        if (!d->count)
            buf_addz(&text, "the source makes no event of this trigger: nobody is told\n");
        http_respond(d->req, 200, "text/plain; charset=utf-8", buf_str(&text), NULL, 0);
        buf_free(&text);
        return;
    }
    json_t *events = json_array(), *doc = json_object();
    for (size_t i = 0; i < d->count; i++)
        json_array_append_new(events, explain_json(d->stories[i], &d->filter));
    json_object_set_new(doc, "events", events);
    http_respond_json(d->req, 200, doc, NULL, 0);
}

static void dry_done(void *arg, belfry_status status)
{
    struct dry *d = arg;
    if (status != BELFRY_OK)
        http_problem(d->req, http_status_of(status), NULL, "the dry run could not be made now: %s",
                     status_text(status));
    else if (d->status != BELFRY_OK)
        http_problem_error(d->req, 0, &d->err);
    else
        dry_answer(d);
    dry_free(d);
}

static void dry_run(struct hub *hub, struct http_request *req, json_t *body, struct belfry_str who)
{
    struct belfry_str source = json_str(json_object_get(body, "source"));
    json_t *trigger = json_object_get(body, "trigger");
    const struct config_instance *ci = config_source(hub_config(hub), source);
    if (!ci || !config_serves(ci, req->pub.org)) {
        http_problem(req, 422, "/source", "there is no source `%.*s` here", STR_ARG(source));
        return;
    }
    if (!json_is_object(trigger)) {
        http_problem(req, 422, "/trigger", "give a CloudEvent as `trigger`, or a stored event's id as `event`");
        return;
    }
    struct dry *d = xcalloc(1, sizeof(*d));
    struct buf text = {0};
    json_write(trigger, &text);
    struct belfry_str copy = arena_str(req->arena, buf_str(&text));
    buf_free(&text);
    d->req = req;
    d->hub = hub;
    d->source = ci->name;
    d->filter.who = who;
    d->principal = *req->pub.principal;
    d->generation = hub_generation(hub);
    hub_generation_hold(d->generation);
    d->explain = explain_new(req->arena, d->generation->config);
    if (ce_decode(&d->set, NULL, 0, STR("application/cloudevents+json"), copy,
                  (size_t)hub_config(hub)->hub.limits.event_bytes, 1, clock_now_ms(hub->parts.clock),
                  &d->err) != BELFRY_OK) {
        http_problem_error(req, 422, &d->err);
        dry_free(d);
    } else if (store_read(hub->parts.readers, read_dry, dry_done, d, 0) != BELFRY_OK) {
        http_problem(req, 503, NULL, "too many reads wait at the moment");
        dry_free(d);
    }
}

static void post_explain(void *arg, struct http_request *req)
{
    json_t *body = http_json(req);
    if (!body)
        return;
    struct belfry_str who = json_str(json_object_get(body, "who"));
    int admin = req->operator_socket || req->token || http_has_role(req, STR("admin"));
    if (!admin && !str_eq(who, req->pub.principal->name) && who.len) {
        http_problem(req, 403, "/who", "you may ask about yourself; for others this needs the role admin");
        return;
    }
    if (!admin)
        who = req->pub.principal->name;
    struct belfry_str event = json_str(json_object_get(body, "event"));
    if (event.len)
        tell(arg, req, event, who);
    else if (admin)
        dry_run(arg, req, body, who);
    else
        http_problem(req, 403, NULL, "a dry run of a trigger needs the role admin; give the id of an event of yours");
}

belfry_status hub_events_init(struct hub *hub, struct error *err)
{
    static const char *const reads = "role:admin|token:read|token:admin";
    const struct http_route routes[] = {
        {"GET", "/v1/{org}/events", reads, 0, 0, get_events, hub},
        {"GET", "/v1/{org}/events/{id}", reads, 0, 0, get_event, hub},
        {"POST", "/v1/{org}/explain", "person|token:read|token:admin", 1 << 20, 0, post_explain, hub},
    };
    return http_routes_add(hub->parts.http, hub, routes, 3, err);
}
