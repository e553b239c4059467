/* SPDX-License-Identifier: Apache-2.0 */
/* What an org has to do with: its instances and the categories. All of it is in memory. */
#include "base/mem.h"
#include "hub/internal.h"

static json_t *names_json(const struct config_names *names)
{
    json_t *list = json_array();
    for (size_t i = 0; i < names->count; i++)
        json_array_append_new(list, json_string(names->items[i]));
    return list;
}

static json_t *text_or_null(const char *text)
{
    return text && *text ? json_string(text) : json_null();
}

static void respond_all(struct http_request *req, json_t *items)
{
    http_respond_json(req, 200, json_pack("{s:o, s:n}", "items", items, "next"), NULL, 0);
}

/* --- plugins ------------------------------------------------------------------------------------------------------ */

static json_t *instance_json(const struct hub *hub, const struct config_instance *ci, const struct hub_instance *in,
                             int channel)
{
    json_t *doc = json_object();
    int64_t paused = channel ? 0 : ledger_quarantine(hub->parts.ledger, ci->name, clock_now_ms(hub->parts.clock));
    int runs = in && in->live;
    json_object_set_new(doc, "name", json_string(ci->name));
    json_object_set_new(doc, "plugin", json_string(ci->plugin->id));
    json_object_set_new(doc, "version", json_string(ci->plugin->version));
    json_object_set_new(doc, "summary", text_or_null(ci->plugin->summary));
    json_object_set_new(doc, "role", json_string(channel ? "delivery" : "source"));
    json_object_set_new(doc, "state", json_string(!runs ? "stopped" : paused ? "quarantined" : "ok"));
    json_object_set_new(doc, "last_error",
                        paused ? json_string("its calls took more than 250 ms three times in a minute")
                               : text_or_null(in ? in->fault : NULL));
    hub_json_time(doc, "since", in ? in->since_ms : 0);
    hub_json_time(doc, "paused_until", paused);
    return doc;
}

static void get_plugins(void *arg, struct http_request *req)
{
    const struct hub *hub = arg;
    const struct config *config = hub_config(hub);
    const struct hub_generation *g = hub->current;
    json_t *items = json_array();
    for (size_t i = 0; g && i < config->source_count; i++)
        if (config_serves(&config->sources[i], req->pub.org))
            json_array_append_new(items, instance_json(hub, &config->sources[i], g->sources[i], 0));
    for (size_t i = 0; g && i < config->channel_count; i++)
        if (config_serves(&config->channels[i], req->pub.org))
            json_array_append_new(items, instance_json(hub, &config->channels[i], g->channels[i], 1));
    respond_all(req, items);
}

/* --- categories --------------------------------------------------------------------------------------------------- */

static json_t *category_json(const struct config_category *c, struct belfry_str locale)
{
    struct belfry_str label = config_label(c, locale);
    static const char *const emails[] = {
        [CONFIG_EMAIL_OFF] = "off", [CONFIG_EMAIL_UNSEEN] = "unseen", [CONFIG_EMAIL_DIGEST] = "digest"};
    json_t *doc = json_object();
    json_object_set_new(doc, "id", json_string(c->name));
    json_object_set_new(doc, "label", json_stringn(label.ptr, label.len));
    json_object_set_new(doc, "visible_to", names_json(&c->visible_to));
    json_object_set_new(doc, "actions_for", names_json(&c->actions_for));
    json_object_set_new(doc, "required", json_boolean(c->required));
    json_object_set_new(doc, "email", json_string(emails[c->email]));
    /* of one that only some may see they go out only when it says so */
    json_object_set_new(doc, "webhooks", json_boolean(c->webhooks || c->visible_to.count == 0));
    return doc;
}

static void get_categories(void *arg, struct http_request *req)
{
    json_t *items = json_array();
    (void)arg;
    for (size_t i = 0; i < req->config->category_count; i++)
        json_array_append_new(items, category_json(&req->config->categories[i], req->pub.locale));
    respond_all(req, items);
}

belfry_status hub_catalogue_init(struct hub *hub, struct error *err)
{
    static const char *const reads = "role:admin|token:read|token:admin";
    const struct http_route routes[] = {
        {"GET", "/v1/{org}/plugins", reads, 0, 0, get_plugins, hub},
        {"GET", "/v1/{org}/categories", reads, 0, 0, get_categories, hub},
    };
    return http_routes_add(hub->parts.http, hub, routes, 2, err);
}
