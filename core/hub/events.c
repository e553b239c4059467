/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/{org}/events: what was decided, newest first. */
#include "base/mem.h"
#include "hub/internal.h"
#include "store/story.h"

#include <stdlib.h>

/* --- list --------------------------------------------------------------------------------------------------------- */

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
    q->limit++; /* one more, to know whether this is the end */
    l->count = store_events_list(conn, q, l->req->arena, &l->rows);
    q->limit--;
    l->last = l->count > q->limit ? l->rows[--l->count - 1].id : 0;
    for (size_t i = 0; i < l->count; i++)
        json_array_append_new(l->items, event_json(l->hub, conn, &l->rows[i]));
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

/* 1 or 0; -1 after a 400. */
static int wants_refused(struct http_request *req)
{
    struct belfry_str value;
    int given = hub_query(req, "refused", &value);
    if (given <= 0 || str_eqz(value, "false"))
        return given < 0 ? -1 : 0;
    if (str_eqz(value, "true"))
        return 1;
    http_problem(req, 400, NULL, "`refused` must be true or false");
    return -1;
}

static void get_events(void *arg, struct http_request *req)
{
    struct hub *hub = arg;
    int refused = wants_refused(req);
    if (refused) {
        if (refused > 0)
            hub_refused_list(hub, req);
        return;
    }
    struct listing *l = arena_alloc(req->arena, sizeof(*l));
    l->req = req;
    l->hub = hub;
    if (hub_list_window(hub, req, &l->query.limit, &l->query.before) != 0 || hub_query(req, "source", &l->source) < 0 ||
        hub_query(req, "type", &l->type) < 0 || hub_query(req, "subject", &l->query.subject) < 0)
        return;
    if (store_read(hub->parts.readers, read_list, list_done, l, 0) != BELFRY_OK)
        http_problem(req, 503, NULL, "too many reads wait at the moment");
}

belfry_status hub_events_init(struct hub *hub, struct error *err)
{
    static const char *const reads = "role:admin|token:read|token:admin";
    const struct http_route routes[] = {
        {"GET", "/v1/{org}/events", reads, 0, 0, get_events, hub},
    };
    belfry_status status = http_routes_add(hub->parts.http, hub, routes, 1, err);
    return status ? status : hub_explain_init(hub, err);
}
