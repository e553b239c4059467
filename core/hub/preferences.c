/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET and PUT /v1/{org}/preferences. PUT replaces all of them. If-Match is honoured and not demanded (RFC 9110 section
 * 13.1.1): a client that owns its whole form says which one it saw, a script that sets everything has seen nothing.
 */
#include "hub/internal.h"

static void headers_of(struct belfry_str etag, struct belfry_attr out[2])
{
    out[0] = (struct belfry_attr){STR("ETag"), etag};
    out[1] = (struct belfry_attr){STR("Cache-Control"), STR("private, no-cache")};
}

static void on_get(void *arg, belfry_status status, const struct belfry_preferences *p)
{
    struct http_request *req = arg;
    struct belfry_attr headers[2];
    if (status != BELFRY_OK) {
        http_problem(req, status == BELFRY_EPERM ? 403 : 503, NULL,
                     status == BELFRY_EPERM ? "this needs a signed-in person" : "preferences cannot be read now");
        return;
    }
    headers_of(p->etag, headers);
    if (http_has_tag(req, p->etag))
        http_respond(req, 304, NULL, (struct belfry_str){0}, headers, 2);
    else
        http_respond(req, 200, "application/json", p->json, headers, 2);
}

static void get_preferences(void *arg, struct http_request *req)
{
    (void)arg;
    host_preferences_api.get(&req->pub, on_get, req);
}

static void refuse(struct http_request *req, const struct belfry_preferences_change *change)
{
    struct error err = {0};
    for (size_t i = 0; i < change->fault_count; i++)
        error_set(&err, BELFRY_EINVAL,
                  arena_strndup(req->arena, change->faults[i].pointer.ptr, change->faults[i].pointer.len), "%.*s",
                  STR_ARG(change->faults[i].detail));
    http_problem_error(req, 422, &err);
    error_clear(&err);
}

static void on_put(void *arg, const struct belfry_preferences_change *change)
{
    struct http_request *req = arg;
    struct belfry_attr headers[2];
    switch (change->status) {
    case BELFRY_OK:
        headers_of(change->etag, headers);
        http_respond(req, 200, "application/json", change->json, headers, 2);
        break;
    case BELFRY_EINVAL:
        refuse(req, change);
        break;
    case BELFRY_ECONFLICT:
        http_problem(req, 412, NULL, "the preferences were changed since; get them again, with their ETag");
        break;
    case BELFRY_EPERM:
        http_problem(req, 403, NULL, "this needs a signed-in person");
        break;
    default:
        http_problem(req, 503, NULL, "preferences cannot be written now");
    }
}

static void put_preferences(void *arg, struct http_request *req)
{
    (void)arg;
    if (http_json(req)) /* malformed bodies are 400 for every route */
        host_preferences_api.put(&req->pub, req->pub.body, http_header(req, "if-match"), on_put, req);
}

belfry_status hub_preferences_init(struct hub *hub, struct error *err)
{
    const struct http_route routes[] = {
        {"GET", "/v1/{org}/preferences", "person", 0, 0, get_preferences, hub},
        {"PUT", "/v1/{org}/preferences", "person", 64 << 10, 0, put_preferences, hub},
    };
    return http_routes_add(hub->parts.http, hub, routes, 2, err);
}
