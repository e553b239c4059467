/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POST, PATCH and DELETE of an endpoint. What is changed is one ledger command; its answer tells what is on disk by
 * then, and the ETag that the next change can name in If-Match. Without If-Match a change is laid over what there is:
 * those of one endpoint go one after the other, in the order in which they came, so that no two undo each other.
 */
#include "hub/endpoints.h"

#include "base/list.h"
#include "base/mem.h"

#define BODY_MAX (64 << 10)
#define TRIES 8     /* of a change without If-Match, against other deeds */
#define WAITING 256 /* changes of one endpoint at once */

/* --- what they share ---------------------------------------------------------------------------------------------- */

struct writing {      /* in the request's arena */
    struct list node; /* in hub->making or hub->changing, while it waits or is on its way to disk */
    struct hub *hub;
    struct http_request *req;
    const json_t *body;
    struct hub_endpoint_plugin plugin;
    struct dispatch_endpoint terms;
    int64_t id; /* of a change */
    int tries;
};

static struct ledger_deed deed_of(struct http_request *req)
{
    return (struct ledger_deed){.org = req->pub.org, .who = hub_who(req)};
}

static void refuse(struct writing *w, belfry_status status)
{
    struct http_request *req = w->req;
    if (status == BELFRY_ECONFLICT)
        hub_endpoint_refuse_stale(req);
    else if (status == BELFRY_ENOTFOUND)
        http_problem(req, 404, NULL, "there is no such endpoint");
    else
        http_problem(req, http_status_of(status), NULL, "the endpoint could not be written now: %s",
                     status_text(status));
}

static struct writing *writing_new(struct hub *hub, struct http_request *req)
{
    struct writing *w = arena_alloc(req->arena, sizeof(*w));
    *w = (struct writing){.hub = hub, .req = req};
    list_init(&w->node);
    return w;
}

/* --- made --------------------------------------------------------------------------------------------------------- */

static void count_one(void *arg, const struct dispatch_target_view *view)
{
    (void)view;
    ++*(int64_t *)arg;
}

/* 1 after a 409. Those that are still on their way count as well: many may be made at once. */
static int is_full(struct writing *w)
{
    int64_t count = 0, most = w->req->config->hub.limits.endpoints_per_org;
    dispatch_targets_each(w->hub->parts.dispatch, w->req->pub.org, count_one, &count);
    LIST_EACH(it, &w->hub->making)
    count += str_eq(LIST_OF(it, struct writing, node)->req->pub.org, w->req->pub.org);
    if (count < most)
        return 0;
    http_problem(w->req, 409, NULL, "this org has %lld endpoints; hub.limits.endpoints_per_org is %lld",
                 (long long)count, (long long)most);
    return 1;
}

static void made(void *arg, belfry_status status, int64_t id, int64_t version)
{
    struct writing *w = arg;
    (void)version;
    list_remove(&w->node);
    if (status == BELFRY_OK)
        hub_endpoint_answer(w->hub, w->req, id, 201, 1);
    else
        refuse(w, status);
}

static void post_endpoint(void *arg, struct http_request *req)
{
    struct writing *w = writing_new(arg, req);
    struct ledger_deed deed = deed_of(req);
    struct belfry_str secret;
    w->body = http_json(req);
    if (!w->body || hub_endpoint_plugin(w->hub, req, &w->plugin) != 0 || is_full(w) ||
        hub_endpoint_read(req, &w->plugin, w->body, NULL, &w->terms) != 0 ||
        hub_endpoint_secret(req, &w->plugin, w->terms.settings, json_object_get(w->body, "secret"), &secret) != 0)
        return;
    list_push_back(&w->hub->making, &w->node);
    dispatch_endpoint_create(w->hub->parts.dispatch, w->plugin.channel, &deed, &w->terms, secret, made, w);
}

/* --- changed ------------------------------------------------------------------------------------------------------ */

static int change(struct writing *w);

/* The one that waits behind those that were answered. */
static void change_next(struct hub *hub, int64_t id)
{
    LIST_EACH_SAFE(it, &hub->changing)
    {
        struct writing *w = LIST_OF(it, struct writing, node);
        if (w->id != id)
            continue;
        if (change(w))
            return;
        list_remove(it);
    }
}

static void changed(void *arg, belfry_status status, int64_t id, int64_t version)
{
    struct writing *w = arg;
    (void)version;
    int overtaken = status == BELFRY_ECONFLICT && !hub_endpoint_names_version(w->req), waited = !list_empty(&w->node);
    if (overtaken && ++w->tries < TRIES && change(w))
        return;
    list_remove(&w->node);
    if (status == BELFRY_OK)
        hub_endpoint_answer(w->hub, w->req, id, 200, 0);
    else if (overtaken && w->tries >= TRIES)
        http_problem(w->req, 503, NULL, "others change this endpoint all the time; try again in a second");
    else if (!overtaken)
        refuse(w, status);
    if (waited)
        change_next(w->hub, id);
}

/* 1 when changed() is called, 0 when it is answered. */
static int change(struct writing *w)
{
    struct http_request *req = w->req;
    struct ledger_deed deed = deed_of(req);
    const struct hub_endpoint *e = hub_endpoint_find(w->hub, req, 1);
    if (!e || hub_endpoint_is_yaml(req, e))
        return 0;
    if (!hub_endpoint_may_change(req, e->view.version)) {
        hub_endpoint_refuse_stale(req);
        return 0;
    }
    w->plugin.channel = e->view.channel;
    w->plugin.role = dispatch_endpoints_role(w->hub->parts.dispatch, e->view.channel, &w->plugin.self);
    if (!w->plugin.role) {
        http_problem(req, 503, NULL, "the endpoint's channel does not run at the moment");
        return 0;
    }
    if (hub_endpoint_read(req, &w->plugin, w->body, e, &w->terms) != 0)
        return 0;
    dispatch_endpoint_change(w->hub->parts.dispatch, &deed, e->view.id, e->view.version, &w->terms, changed, w);
    return 1;
}

/* Behind the others of this endpoint. */
static void change_in_turn(struct writing *w)
{
    size_t before = 0;
    LIST_EACH(it, &w->hub->changing)
    before += LIST_OF(it, struct writing, node)->id == w->id;
    if (before >= WAITING) {
        http_problem(w->req, 503, NULL, "too many changes of this endpoint wait; try again in a second");
        return;
    }
    list_push_back(&w->hub->changing, &w->node);
    if (!before && !change(w))
        list_remove(&w->node);
}

static void patch_endpoint(void *arg, struct http_request *req)
{
    struct writing *w = writing_new(arg, req);
    w->body = http_json(req);
    if (!w->body || !hub_endpoint_find(w->hub, req, 1)) /* who may not change it takes no turn from those who may */
        return;
    if (id_parse(store_id_key(w->hub->parts.store), http_param(req, "id"), &w->id) == BELFRY_OK &&
        !hub_endpoint_names_version(req))
        change_in_turn(w);
    else
        change(w);
}

/* --- removed ------------------------------------------------------------------------------------------------------ */

static void removed(void *arg, belfry_status status, int64_t id, int64_t version)
{
    struct writing *w = arg;
    (void)id;
    (void)version;
    if (status == BELFRY_OK)
        http_respond(w->req, 204, NULL, (struct belfry_str){NULL, 0}, NULL, 0);
    else
        refuse(w, status);
}

static void delete_endpoint(void *arg, struct http_request *req)
{
    struct writing *w = writing_new(arg, req);
    struct ledger_deed deed = deed_of(req);
    const struct hub_endpoint *e = hub_endpoint_find(w->hub, req, 1);
    if (!e || hub_endpoint_is_yaml(req, e))
        return;
    if (!hub_endpoint_may_change(req, e->view.version))
        hub_endpoint_refuse_stale(req);
    else
        dispatch_endpoint_remove(w->hub->parts.dispatch, &deed, e->view.id,
                                 hub_endpoint_names_version(req) ? e->view.version : 0, removed, w);
}

belfry_status hub_endpoint_writes_init(struct hub *hub, struct error *err)
{
    const struct http_route routes[] = {
        {"POST", "/v1/{org}/endpoints", ENDPOINT_WRITES, BODY_MAX, 0, post_endpoint, hub},
        {"PATCH", "/v1/{org}/endpoints/{id}", ENDPOINT_WRITES, BODY_MAX, 0, patch_endpoint, hub},
        {"DELETE", "/v1/{org}/endpoints/{id}", ENDPOINT_WRITES, 0, 0, delete_endpoint, hub},
    };
    list_init(&hub->making);
    list_init(&hub->changing);
    return http_routes_add(hub->parts.http, hub, routes, 3, err);
}
