/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is done with an endpoint: enabled, disabled, another secret. What does not change what stands there is for those
 * of YAML, too. Each leaves its row in the audit.
 */
#include "hub/endpoints.h"

#include "base/mem.h"

#define OVERLAP_S 86400
#define OVERLAP_MAX_S 604800

struct hub_endpoint_deed *hub_endpoint_deed_begin(struct hub *hub, struct http_request *req)
{
    struct hub_endpoint_deed *d = arena_alloc(req->arena, sizeof(*d));
    *d = (struct hub_endpoint_deed){.hub = hub, .req = req, .deed = {.org = req->pub.org, .who = hub_who(req)}};
    if (hub_optional_body(req, &d->body) != 0)
        return NULL;
    d->endpoint = hub_endpoint_find(hub, req, 1);
    return d->endpoint && hub_reason(req, d->body, &d->deed.reason) == 0 ? d : NULL;
}

void hub_endpoint_deed_refuse(const struct hub_endpoint_deed *d, belfry_status status, const char *why)
{
    if (status == BELFRY_ENOTFOUND)
        http_problem(d->req, 404, NULL, "there is no such endpoint");
    else if (status == BELFRY_EINVAL)
        http_problem(d->req, 409, NULL, "what is kept of it was sealed with another hub.secret; give it a new secret");
    else if (status == BELFRY_ECONFLICT && why)
        http_problem(d->req, 409, NULL, "%s", why);
    else
        http_problem(d->req, http_status_of(status), NULL, "this could not be done now: %s", status_text(status));
}

int hub_endpoint_deed_only(const struct hub_endpoint_deed *d, const char *const *names, size_t count)
{
    const char **all = arena_alloc(d->req->arena, (count + 1) * sizeof(*all));
    for (size_t i = 0; i < count; i++)
        all[i] = names[i];
    all[count] = "reason";
    return hub_only(d->req, d->body, all, count + 1);
}

/* --- enable, disable ---------------------------------------------------------------------------------------------- */

static void enabled(void *arg, belfry_status status, int64_t id, int64_t version)
{
    const struct hub_endpoint_deed *d = arg;
    (void)version;
    if (status == BELFRY_OK)
        hub_endpoint_answer(d->hub, d->req, id, 200, 0);
    else
        hub_endpoint_deed_refuse(d, status, NULL);
}

static void enable(struct hub *hub, struct http_request *req, int on)
{
    struct hub_endpoint_deed *d = hub_endpoint_deed_begin(hub, req);
    if (d && hub_endpoint_deed_only(d, NULL, 0) == 0)
        dispatch_endpoint_enable(hub->parts.dispatch, &d->deed, d->endpoint->view.id, on, enabled, d);
}

static void post_enable(void *arg, struct http_request *req)
{
    enable(arg, req, 1);
}

static void post_disable(void *arg, struct http_request *req)
{
    enable(arg, req, 0);
}

/* --- rotate ------------------------------------------------------------------------------------------------------- */

static void rotated(void *arg, belfry_status status, int64_t id, int64_t version)
{
    const struct hub_endpoint_deed *d = arg;
    (void)version;
    if (status == BELFRY_OK)
        hub_endpoint_answer(d->hub, d->req, id, 200, 1);
    else if (status == BELFRY_ECONFLICT)
        hub_endpoint_refuse_stale(d->req);
    else
        hub_endpoint_deed_refuse(d, status, NULL);
}

static int read_overlap(const struct hub_endpoint_deed *d, int64_t *seconds)
{
    const json_t *value = json_object_get(d->body, "overlap");
    *seconds = value && !json_is_null(value) ? json_integer_value(value) : OVERLAP_S;
    if ((!value || json_is_null(value) || json_is_integer(value)) && *seconds >= 0 && *seconds <= OVERLAP_MAX_S)
        return 0;
    http_problem(d->req, 422, "/overlap", "must be a number of seconds, 0 to %d", OVERLAP_MAX_S);
    return -1;
}

static void post_rotate(void *arg, struct http_request *req)
{
    static const char *const names[] = {"overlap", "secret"};
    struct hub_endpoint_deed *d = hub_endpoint_deed_begin(arg, req);
    struct hub_endpoint_plugin plugin;
    struct belfry_str secret;
    int64_t overlap_s;
    if (!d || hub_endpoint_is_yaml(req, d->endpoint) || hub_endpoint_deed_only(d, names, 2) != 0 ||
        read_overlap(d, &overlap_s) != 0)
        return;
    if (!hub_endpoint_may_change(req, d->endpoint->view.version)) {
        hub_endpoint_refuse_stale(req);
        return;
    }
    plugin.channel = d->endpoint->view.channel;
    plugin.role = dispatch_endpoints_role(d->hub->parts.dispatch, plugin.channel, &plugin.self);
    if (!plugin.role)
        http_problem(req, 503, NULL, "the endpoint's channel does not run at the moment");
    else if (hub_endpoint_secret(req, &plugin, d->endpoint->view.settings, json_object_get(d->body, "secret"),
                                 &secret) == 0)
        dispatch_endpoint_rotate(d->hub->parts.dispatch, &d->deed, d->endpoint->view.id,
                                 hub_endpoint_names_version(req) ? d->endpoint->view.version : 0, secret,
                                 overlap_s * 1000, rotated, d);
}

belfry_status hub_endpoint_deeds_init(struct hub *hub, struct error *err)
{
    const struct http_route routes[] = {
        {"POST", "/v1/{org}/endpoints/{id}/enable", ENDPOINT_WRITES, 4096, 0, post_enable, hub},
        {"POST", "/v1/{org}/endpoints/{id}/disable", ENDPOINT_WRITES, 4096, 0, post_disable, hub},
        {"POST", "/v1/{org}/endpoints/{id}/rotate", ENDPOINT_WRITES, 4096, 0, post_rotate, hub},
    };
    return http_routes_add(hub->parts.http, hub, routes, 3, err);
}
