/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POST /v1/{org}/portal-links: a link for somebody who has endpoints here and no token. The audit knows of it, with its
 * owner and its end, before anybody can open it; the link itself is told once and kept nowhere.
 */
#include "base/mem.h"
#include "hub/internal.h"

#define LIFE_MIN_S 60
#define LIFE_MAX_S 86400
#define LIFE_S 3600
#define OWNER_MAX 100
#define WHO_MAY "role:admin|token:endpoints|token:endpoints:own|token:admin"

struct link { /* in the request's arena */
    struct http_request *req;
    struct belfry_str owner;
    int64_t expires_ms;
};

/* A name of the application's own. It becomes a part of an owner's, so it has no slash; empty when nobody is named. */
static int read_owner(struct link *link, const json_t *value)
{
    link->owner = json_str(value);
    if (!value || json_is_null(value))
        return 0;
    int ok = link->owner.len > 0 && link->owner.len <= OWNER_MAX;
    for (size_t i = 0; ok && i < link->owner.len; i++) {
        char c = link->owner.ptr[i];
        ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c && strchr("-_.@:", c));
    }
    if (!ok)
        http_problem(link->req, 422, "/owner", "`owner` has 1 to %d letters, digits and any of - _ . @ :", OWNER_MAX);
    return ok ? 0 : -1;
}

/* Not after the session of a person who asks, which may be all that is known of their role. */
static int read_life(struct link *link, const json_t *value, int64_t now_ms)
{
    int64_t seconds = json_is_integer(value) ? json_integer_value(value) : value && !json_is_null(value) ? -1 : LIFE_S;
    if (seconds < LIFE_MIN_S || seconds > LIFE_MAX_S) {
        http_problem(link->req, 422, "/expires_in", "`expires_in` is a number of seconds from %d to %d", LIFE_MIN_S,
                     LIFE_MAX_S);
        return -1;
    }
    link->expires_ms = now_ms + seconds * 1000;
    if (link->req->session_expires_ms && link->req->session_expires_ms < link->expires_ms)
        link->expires_ms = link->req->session_expires_ms;
    return 0;
}

static void on_audited(void *arg, belfry_status status)
{
    const struct link *link = arg;
    struct http_request *req = link->req;
    if (status != BELFRY_OK) {
        http_problem(req, 503, NULL, "the link could not be noted in the audit now; try again");
        return;
    }
    const char *base = req->config->hub.public_url;
    const char *path = http_portal_path(req, link->owner, link->expires_ms);
    json_t *doc = json_object();
    json_set_str(doc, "url", str_of(arena_printf(req->arena, "%s%s", base ? base : "", path)));
    hub_json_time(doc, "expires_at", link->expires_ms);
    http_respond_json(req, 201, doc, NULL, 0);
}

static void post_link(void *arg, struct http_request *req)
{
    static const char *const names[] = {"owner", "expires_in"};
    struct hub *hub = arg;
    struct link *link = arena_alloc(req->arena, sizeof(*link));
    json_t *body = NULL;
    *link = (struct link){.req = req};
    if (req->portal || !(req->token || req->pub.principal->kind == BELFRY_PRINCIPAL_PERSON)) {
        http_problem(req, 403, NULL, "a link is made by a token or by a signed-in admin, not in a portal session");
        return;
    }
    if (hub_optional_body(req, &body) != 0 || hub_only(req, body, names, 2) != 0 ||
        read_owner(link, json_object_get(body, "owner")) != 0 ||
        read_life(link, json_object_get(body, "expires_in"), clock_now_ms(hub->parts.clock)) != 0)
        return;
    json_t *detail = json_object();
    if (link->owner.len)
        json_set_str(detail, "owner", link->owner);
    hub_json_time(detail, "expires_at", link->expires_ms);
    ledger_audit(hub->parts.ledger, req->pub.org, hub_who(req), "portal.link", detail, on_audited, link);
}

belfry_status hub_portal_init(struct hub *hub, struct error *err)
{
    const struct http_route routes[] = {{"POST", "/v1/{org}/portal-links", WHO_MAY, 4096, 0, post_link, hub}};
    return http_routes_add(hub->parts.http, hub, routes, 1, err);
}
