/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /v1/{org}/endpoints/{id}/attempts: what was asked and what came back, with the bodies that went out.
 *
 * Whose endpoint it is was sent those bodies. For anybody else they are what a message says, and that somebody looked
 * leaves a row in the audit; with bodies=hidden nobody is shown them.
 */
#include "hub/endpoints.h"

#include "base/mem.h"
#include "store/story.h"

struct attempts { /* in the request's arena */
    struct http_request *req;
    struct hub *hub;
    int64_t target;
    uint32_t limit;
    int64_t before, next;
    int failed, bodies; /* only those that did not arrive; with what was sent */
    struct store_attempt_record *items;
    size_t count;
};

static belfry_status read_attempts(struct store_conn *conn, void *arg)
{
    struct attempts *a = arg;
    a->count = store_attempts_of_target(conn, a->target, a->before, a->limit, a->req->arena, &a->items, &a->next);
    return BELFRY_OK;
}

static json_t *attempt_json(const struct attempts *a, size_t i)
{
    json_t *doc = hub_attempt_json(a->hub, &a->items[i]), *request;
    request = json_object_get(json_object_get(doc, "record"), "request");
    if (!a->bodies) {
        json_object_del(request, "body");
        json_object_del(request, "truncated");
    }
    return doc;
}

static void answer(void *arg, belfry_status status)
{
    struct attempts *a = arg;
    if (status != BELFRY_OK) {
        http_problem(a->req, http_status_of(status), NULL, "the attempts could not be read now: %s",
                     status_text(status));
        return;
    }
    json_t *items = json_array(), *doc = json_object();
    for (size_t i = 0; i < a->count; i++)
        if (!a->failed || a->items[i].attempt.outcome != BELFRY_DELIVERED)
            json_array_append_new(items, attempt_json(a, i));
    json_object_set_new(doc, "items", items);
    hub_json_id(a->hub, doc, "next", a->next);
    http_respond_json(a->req, 200, doc, NULL, 0);
}

static void look(void *arg, belfry_status audited)
{
    struct attempts *a = arg;
    if (audited != BELFRY_OK || store_read(a->hub->parts.readers, read_attempts, answer, a, 0) != BELFRY_OK)
        http_problem(a->req, 503, NULL, "too much waits to be read at the moment");
}

/* 0, or -1 after a 400. */
static int read_query(struct attempts *a)
{
    struct belfry_str bodies;
    int given = hub_query(a->req, "bodies", &bodies);
    if (given < 0 || hub_list_window(a->hub, a->req, &a->limit, &a->before) != 0 ||
        (a->failed = hub_query_bool(a->req, "failed")) < 0)
        return -1;
    a->bodies = !given || str_eqz(bodies, "shown");
    if (a->bodies || str_eqz(bodies, "hidden"))
        return 0;
    http_problem(a->req, 400, NULL, "`bodies` must be hidden or shown");
    return -1;
}

static void get_attempts(void *arg, struct http_request *req)
{
    struct hub *hub = arg;
    struct attempts *a = arena_alloc(req->arena, sizeof(*a));
    const struct hub_endpoint *e = hub_endpoint_find(hub, req, 0);
    if (!e)
        return;
    *a = (struct attempts){.req = req, .hub = hub, .target = e->view.id};
    if (read_query(a) != 0)
        return;
    if (!a->bodies || hub_endpoint_is_theirs(req, e->view.owner)) {
        look(a, BELFRY_OK);
        return;
    }
    json_t *detail = json_object();
    hub_json_id(hub, detail, "endpoint", e->view.id);
    ledger_audit(hub->parts.ledger, req->pub.org, hub_who(req), "endpoint.reveal", detail, look, a);
}

belfry_status hub_endpoint_attempts_init(struct hub *hub, struct error *err)
{
    const struct http_route route = {"GET", "/v1/{org}/endpoints/{id}/attempts", ENDPOINT_READS, 0, 0, get_attempts,
                                     hub};
    return http_routes_add(hub->parts.http, hub, &route, 1, err);
}
