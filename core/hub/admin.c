/* SPDX-License-Identifier: Apache-2.0 */
/* /v1/admin: the operator's routes, by token or over the control socket. */
#include "base/mem.h"
#include "hub/internal.h"

#define LINK_TTL_MS (10 * 60 * 1000)

static void on_reloaded(void *arg, struct hub_reload_result *result)
{
    http_respond_json(arg, result->status, result->body, NULL, 0);
}

static void post_reload(void *arg, struct http_request *req)
{
    struct belfry_str who = hub_who(req);
    hub_reload(arg, arena_strndup(req->arena, who.ptr, who.len), on_reloaded, req);
}

static void get_config(void *arg, struct http_request *req)
{
    json_t *doc = config_describe(hub_config(arg));
    http_respond_json(req, 200, doc, NULL, 0);
}

static json_t *plugin_json(const struct plugin *p, const char *role, const char *instance)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "id", p->id, "version", p->version, "summary", p->summary,
                     "role", role, "instance", instance, "build_id", p->build_id);
}

static void get_plugins(void *arg, struct http_request *req)
{
    const struct config *config = hub_config(arg);
    json_t *items = json_array();
    for (size_t i = 0; i < config->source_count; i++)
        json_array_append_new(items, plugin_json(config->sources[i].plugin, "source", config->sources[i].name));
    for (size_t i = 0; i < config->channel_count; i++)
        json_array_append_new(items, plugin_json(config->channels[i].plugin, "delivery", config->channels[i].name));
    http_respond_json(req, 200, json_pack("{s:o, s:n}", "items", items, "next"), NULL, 0);
}

struct link {
    struct http_request *req;
    char *url;
};

/* The link opens the door to somebody's inbox: no link without its row in the audit. */
static void on_audited(void *arg, belfry_status status)
{
    struct link *link = arg;
    if (status != BELFRY_OK) {
        http_problem(link->req, http_status_of(status), NULL, "the audit could not be written now");
        return;
    }
    json_t *doc = json_object();
    json_object_set_new(doc, "url", json_string(link->url));
    http_respond_json(link->req, 200, doc, NULL, 0);
}

static void post_login_link(void *arg, struct http_request *req)
{
    struct hub *hub = arg;
    json_t *body = http_json(req);
    if (!body)
        return;
    struct belfry_str org = json_str(json_object_get(body, "org")), user = json_str(json_object_get(body, "user"));
    if (config_org_name_fault(org) || !config_org(hub_config(hub), org)) {
        http_problem(req, 422, "/org", "there is no org `%.*s` in the configuration", STR_ARG(org));
        return;
    }
    if (config_username_fault(user)) {
        http_problem(req, 422, "/user", "%s", config_username_fault(user));
        return;
    }
    const char *base = hub_config(hub)->hub.public_url;
    struct link *link = arena_alloc(req->arena, sizeof(*link));
    json_t *detail = json_object();
    json_set_str(detail, "user", user);
    link->req = req;
    link->url = arena_printf(req->arena, "%s%s", base ? base : "",
                             http_login_path(req->http, req->arena, org, user, LINK_TTL_MS));
    ledger_audit(hub->parts.ledger, org, hub_who(req), "login-link", detail, on_audited, link);
}

belfry_status hub_admin_init(struct hub *hub, struct error *err)
{
    const struct http_route routes[] = {
        {"POST", "/v1/admin/reload", "operator", 0, 0, post_reload, hub},
        {"GET", "/v1/admin/config", "operator", 0, 0, get_config, hub},
        {"GET", "/v1/admin/plugins", "operator", 0, 0, get_plugins, hub},
        {"POST", "/v1/admin/login-link", "operator", 4096, 0, post_login_link, hub},
    };
    return http_routes_add(hub->parts.http, hub, routes, 4, err);
}
