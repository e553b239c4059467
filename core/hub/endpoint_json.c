/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An endpoint as people are shown it: what they set, by the hub and by the plugin, and how it does. One of YAML is
 * shown as it stands there, secrets replaced. Of a URL neither user nor query is shown to those who may only read,
 * because they may be credentials; the signing secret is shown to nobody but who makes or rotates it.
 */
#include "hub/endpoints.h"

#include "base/mem.h"

/* --- what stands in YAML ------------------------------------------------------------------------------------------ */

/* The channel's part of the configuration, secrets replaced; described once, however many endpoints it has. */
static json_t *section_of(struct hub_endpoint_shower *s, const char *channel)
{
    json_t *section = json_object_get(s->sections, channel);
    if (section)
        return section;
    if (!s->sections)
        s->sections = json_object();
    section = config_describe_channel(s->req->config, channel);
    json_object_set_new(s->sections, channel, section);
    return section;
}

/* The endpoint's entry in it. Borrowed; NULL: it is not one of YAML's. */
static json_t *declaration(struct hub_endpoint_shower *s, const struct dispatch_target_view *v)
{
    json_t *section = section_of(s, v->channel), *format = json_object_get(section, "format"), *entry;
    size_t i;
    json_array_foreach(json_object_get(section, "endpoints"), i, entry)
    {
        if (!str_eq(json_str(json_object_get(entry, "name")), v->name))
            continue;
        if (format && !json_object_get(entry, "format"))
            json_object_set(entry, "format", format);
        return entry;
    }
    return NULL;
}

/* --- what people set ---------------------------------------------------------------------------------------------- */

static json_t *text_or_null(struct belfry_str text)
{
    return text.len ? json_stringn(text.ptr, text.len) : json_null();
}

static json_t *types_json(const struct dispatch_target_view *v)
{
    json_t *list = json_array();
    for (size_t i = 0; i < v->types.count; i++)
        json_array_append_new(list, json_stringn(v->types.items[i].ptr, v->types.items[i].len));
    if (!v->types.count)
        json_array_append_new(list, json_string("*"));
    return list;
}

/* JSON that was kept as text. New reference; `otherwise` is taken. */
static json_t *kept(struct belfry_str text, json_t *otherwise)
{
    json_t *json = text.len ? json_read(text, NULL) : NULL;
    if (!json)
        return otherwise;
    json_decref(otherwise);
    return json;
}

static void set_limits(json_t *doc, const struct dispatch_target_view *v)
{
    json_object_set_new(doc, "rate", v->rate_per_minute ? json_integer(v->rate_per_minute) : json_null());
    json_object_set_new(doc, "concurrency", json_integer(v->concurrency));
    json_object_set_new(doc, "order", json_string(v->order == BELFRY_ORDER_FIFO ? "fifo" : "best-effort"));
}

json_t *hub_endpoint_terms_json(const struct hub_endpoint *e)
{
    const struct dispatch_target_view *v = &e->view;
    json_t *doc = json_object();
    json_set_str(doc, "url", v->url);
    if (v->description.len)
        json_set_str(doc, "description", v->description);
    json_object_set_new(doc, "types", types_json(v));
    if (v->when.len)
        json_object_set_new(doc, "when", kept(v->when, json_null()));
    json_object_set_new(doc, "metadata", kept(v->metadata, json_object()));
    set_limits(doc, v);
    if (!v->rate_per_minute)
        json_object_del(doc, "rate");
    return doc;
}

/* The hub's members of one of the API's. */
static void set_made(const struct hub_endpoint_shower *s, json_t *doc, const struct dispatch_target_view *v)
{
    int may_write = hub_endpoint_right(s->req, v->owner) == ENDPOINT_WRITE;
    json_object_set_new(doc, "url", may_write ? json_stringn(v->url.ptr, v->url.len) : config_describe_url(v->url));
    json_object_set_new(doc, "description", text_or_null(v->description));
    json_object_set_new(doc, "types", types_json(v));
    json_object_set_new(doc, "when", kept(v->when, json_null()));
    json_object_set_new(doc, "metadata", kept(v->metadata, json_object()));
}

static void set_declared(json_t *doc, const json_t *declared, const char *key, json_t *otherwise)
{
    json_t *value = json_object_get(declared, key);
    json_object_set_new(doc, key, value ? json_incref(value) : json_incref(otherwise));
    json_decref(otherwise);
}

/* The same of one of YAML. */
static void set_yaml(json_t *doc, const json_t *declared, const struct dispatch_target_view *v)
{
    set_declared(doc, declared, "url", config_describe_url(v->url));
    set_declared(doc, declared, "description", json_null());
    json_object_set_new(doc, "types", types_json(v));
    set_declared(doc, declared, "when", json_null());
    set_declared(doc, declared, "metadata", json_object());
}

/* The plugin's members, beside the hub's; of a plugin that shows none, what webhooks have as a rule. */
static void set_settings(const struct hub_endpoint_shower *s, json_t *doc, const json_t *declared,
                         const struct dispatch_target_view *v, int reveal)
{
    struct hub_endpoint_plugin plugin = {.channel = v->channel};
    plugin.role = dispatch_endpoints_role(s->hub->parts.dispatch, v->channel, &plugin.self);
    if (plugin.role) {
        json_t *shown =
            hub_endpoint_settings_json(&plugin, v->settings, v->secret, reveal ? BELFRY_ENDPOINT_REVEAL : 0);
        json_object_update_missing(doc, shown);
        json_decref(shown);
    }
    if (!json_object_get(doc, "headers"))
        set_declared(doc, declared, "headers", json_object());
    if (!json_object_get(doc, "format"))
        set_declared(doc, declared, "format", json_string("standard"));
}

/* --- how it does -------------------------------------------------------------------------------------------------- */

static void set_count(json_t *doc, const char *key, const char *more, struct store_count count)
{
    json_object_set_new(doc, key, json_integer(count.count));
    json_object_set_new(doc, more, json_boolean(count.more));
}

static void set_state(json_t *doc, const struct hub_endpoint *e)
{
    const struct store_target_state *state = &e->state;
    hub_json_time(doc, "disabled_at", state->disabled_at);
    json_object_set_new(doc, "disabled_why", state->disabled_at ? text_or_null(state->disabled_why) : json_null());
    json_object_set_new(doc, "breaker", json_string(e->view.breaker));
    hub_json_time(doc, "breaker_until", e->view.breaker_until_ms);
    json_object_set_new(doc, "failing", json_boolean(state->first_failure != 0));
    hub_json_time(doc, "failing_since", state->first_failure);
    set_count(doc, "pending", "pending_more", state->pending);
    set_count(doc, "held", "held_more", state->held);
    json_object_set_new(doc, "sending", json_integer(e->view.inflight));
    hub_json_time(doc, "oldest_due", state->oldest_due);
    hub_json_time(doc, "last_success_at", e->view.last_success_ms);
}

json_t *hub_endpoint_json(struct hub_endpoint_shower *s, const struct hub_endpoint *e, int reveal)
{
    const struct dispatch_target_view *v = &e->view;
    const json_t *declared = v->from_yaml ? declaration(s, v) : NULL;
    json_t *doc = json_object();
    hub_json_id(s->hub, doc, "id", v->id);
    json_set_str(doc, "name", v->name);
    json_object_set_new(doc, "channel", json_string(v->channel));
    json_object_set_new(doc, "from", json_string(v->from_yaml ? "yaml" : "api"));
    if (v->from_yaml)
        set_yaml(doc, declared, v);
    else
        set_made(s, doc, v);
    set_limits(doc, v);
    json_object_set_new(doc, "enabled", json_boolean(v->enabled));
    json_object_set_new(doc, "owner", text_or_null(v->owner));
    json_object_set_new(doc, "version", v->from_yaml ? json_null() : json_integer(v->version));
    hub_json_time(doc, "created_at", v->created_ms);
    set_state(doc, e);
    set_settings(s, doc, declared, v, reveal);
    return doc;
}

/* --- one as the answer of a change -------------------------------------------------------------------------------- */

struct answering { /* in the request's arena */
    struct hub_endpoint_shower shower;
    struct hub_endpoint endpoint;
    int64_t id;
    uint32_t status;
    int reveal;
};

struct belfry_str hub_endpoint_tag(struct http_request *req, int64_t version)
{
    return version ? str_of(arena_printf(req->arena, "\"%lld\"", (long long)version)) : (struct belfry_str){0};
}

static belfry_status read_state(struct store_conn *conn, void *arg)
{
    struct answering *a = arg;
    struct http_request *req = a->shower.req;
    int64_t org = store_name_find(conn, req->pub.org);
    a->endpoint.found = org && store_target_state(conn, org, a->id, req->arena, &a->endpoint.state);
    return BELFRY_OK;
}

static void on_state(void *arg, belfry_status status)
{
    struct answering *a = arg;
    struct http_request *req = a->shower.req;
    struct belfry_attr headers[] = {{STR("ETag"), hub_endpoint_tag(req, a->endpoint.view.version)},
                                    {STR("Location"), {NULL, 0}}};
    if (status != BELFRY_OK || !a->endpoint.found) {
        http_problem(req, status ? http_status_of(status) : 404, NULL, "%s",
                     status ? "it is done, but the endpoint could not be read now" : "there is no such endpoint");
        return;
    }
    json_t *doc = hub_endpoint_json(&a->shower, &a->endpoint, a->reveal);
    headers[1].value = str_of(arena_printf(req->arena, "/v1/%.*s/endpoints/%s", STR_ARG(req->pub.org),
                                           json_string_value(json_object_get(doc, "id"))));
    json_decref(a->shower.sections);
    http_respond_json(req, a->status, doc, headers, a->status == 201 ? 2 : 1);
}

void hub_endpoint_answer(struct hub *hub, struct http_request *req, int64_t id, uint32_t status, int reveal)
{
    struct answering *a = arena_alloc(req->arena, sizeof(*a));
    *a = (struct answering){.shower = {.hub = hub, .req = req}, .id = id, .status = status, .reveal = reveal};
    if (!hub_endpoint_get(hub, req, id, &a->endpoint))
        http_problem(req, 404, NULL, "there is no such endpoint");
    else if (store_read(hub->parts.readers, read_state, on_state, a, 0) != BELFRY_OK)
        http_problem(req, 503, NULL, "it is done, but too many reads wait at the moment to show it");
}
