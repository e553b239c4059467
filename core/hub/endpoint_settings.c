/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Members of an endpoint that the hub does not know: the plugin of its channel judges them, keeps them, and makes the
 * secret that fits them. What they are called is what the plugin shows of an endpoint that has none of its own.
 */
#include "hub/endpoint_body.h"

#include "base/mem.h"

static int is_member(const char *name)
{
    for (size_t i = 0; hub_endpoint_member(i); i++)
        if (strcmp(hub_endpoint_member(i), name) == 0)
            return 1;
    return 0;
}

/* --- which there are ---------------------------------------------------------------------------------------------- */

static void keep_json(void *arg, struct belfry_str text)
{
    json_t **json = arg;
    json_decref(*json);
    *json = json_read(text, NULL);
}

static struct belfry_str or_none(struct belfry_str settings)
{
    return settings.len ? settings : STR("{}");
}

json_t *hub_endpoint_settings_json(const struct hub_endpoint_plugin *plugin, struct belfry_str settings,
                                   struct belfry_str secret, uint32_t flags)
{
    json_t *shown = NULL;
    plugin->role->show(plugin->self, or_none(settings), secret, flags, keep_json, &shown);
    if (json_is_object(shown))
        return shown;
    json_decref(shown);
    return json_object();
}

/* Without what the secret has to show. New reference. */
static json_t *shown_settings(const struct hub_endpoint_reader *r, struct belfry_str settings)
{
    return hub_endpoint_settings_json(r->plugin, settings, (struct belfry_str){NULL, 0}, 0);
}

/* Told in every answer, and nothing that anybody sets. */
static const char *const told[] = {
    "id",           "name",         "channel",   "from",          "owner",      "version",         "created_at",
    "disabled_at",  "disabled_why", "breaker",   "breaker_until", "failing",    "failing_since",   "pending",
    "pending_more", "held",         "held_more", "sending",       "oldest_due", "last_success_at", "public_key"};

static int is_told(const char *name)
{
    for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++)
        if (strcmp(told[i], name) == 0)
            return 1;
    return 0;
}

static void unknown(struct hub_endpoint_reader *r, json_t *settings, const char *name)
{
    const char *pointer = hub_endpoint_pointer(r->req->arena, "", name), *near, *key;
    size_t count = 0;
    json_t *value;
    while (hub_endpoint_member(count))
        count++;
    const char **names = arena_alloc(r->req->arena, (count + json_object_size(settings) + 1) * sizeof(*names));
    for (size_t i = 0; i < count; i++)
        names[i] = hub_endpoint_member(i);
    json_object_foreach(settings, key, value) names[count++] = key;
    if (strcmp(name, "secret") == 0)
        hub_endpoint_fault(r, pointer, "is changed with POST .../rotate");
    else if (is_told(name))
        hub_endpoint_fault(r, pointer, "is told, and cannot be set");
    else if ((near = str_nearest(str_of(name), names, count)))
        hub_endpoint_fault(r, pointer,
                           arena_printf(r->req->arena, "there is no such member; did you mean `%s`?", near));
    else
        hub_endpoint_fault(r, pointer, "there is no such member");
}

/*
 * The settings of the body, as the plugin judges them: of a change what changes, objects whole. What such an object
 * keeps is laid out as it is shown, so the plugin can tell a credential that is kept from one that was given. Names of
 * settings are those that the plugin shows of an endpoint that has none. New reference.
 */
static json_t *settings_of(struct hub_endpoint_reader *r, const json_t *body)
{
    json_t *known = shown_settings(r, (struct belfry_str){NULL, 0}), *settings = json_object(), *value;
    json_t *before = r->before ? shown_settings(r, r->before->view.settings) : NULL;
    const char *key;
    json_object_foreach((json_t *)(uintptr_t)body, key, value)
    {
        if (is_member(key) || (!r->before && strcmp(key, "secret") == 0))
            continue;
        if (!json_object_get(known, key) || is_told(key))
            unknown(r, known, key);
        else if (r->before && json_is_object(value))
            json_object_set_new(settings, key, hub_endpoint_merged(json_object_get(before, key), value));
        else
            json_object_set(settings, key, value);
    }
    json_decref(known);
    json_decref(before);
    return settings;
}

struct keeping {
    struct arena *arena;
    struct belfry_str text;
};

static void keep(void *arg, struct belfry_str text)
{
    struct keeping *k = arg;
    k->text = arena_str(k->arena, text);
}

/* What the plugin finds at fault beside what was found here. */
static void add_faults(struct hub_endpoint_reader *r, const struct error *faults, belfry_status status)
{
    int has_url = r->out->url.len > 0;
    for (size_t i = 0; i < faults->count; i++)
        if (has_url || !faults->items[i].pointer || strcmp(faults->items[i].pointer, "/url") != 0)
            hub_endpoint_fault(r, faults->items[i].pointer, faults->items[i].detail);
    if (!faults->count)
        error_set(&r->err, status, NULL, "the channel `%s` refused it: %s", r->plugin->channel, status_text(status));
}

void hub_endpoint_read_settings(struct hub_endpoint_reader *r, const json_t *body)
{
    json_t *settings = settings_of(r, body);
    struct error faults = {0};
    struct belfry_error pub = {sizeof(pub), BELFRY_OK, &faults};
    struct keeping kept = {.arena = r->req->arena, .text = STR("{}")};
    struct belfry_endpoint_draft draft = {.struct_size = sizeof(draft),
                                          .org = r->req->pub.org,
                                          .url = r->out->url,
                                          .settings = hub_endpoint_json_text(r, settings)};
    if (r->before) {
        draft.before = or_none(r->before->view.settings);
        draft.url_before = r->before->view.url;
    }
    belfry_status status = r->plugin->role->check(r->plugin->self, &draft, keep, &kept, &pub);
    if (status != BELFRY_OK)
        add_faults(r, &faults, status);
    r->out->settings = kept.text;
    error_clear(&faults);
    json_decref(settings);
}

/* --- the secret, and who judges ----------------------------------------------------------------------------------- */

static void wipe(void *arg)
{
    struct keeping *kept = arg;
    mem_wipe((void *)(uintptr_t)kept->text.ptr, kept->text.len);
}

int hub_endpoint_secret(struct http_request *req, const struct hub_endpoint_plugin *plugin, struct belfry_str settings,
                        const json_t *given, struct belfry_str *out)
{
    struct hub_endpoint_reader r = {.req = req, .plugin = plugin};
    struct belfry_error pub = {sizeof(pub), BELFRY_OK, &r.err};
    struct keeping *kept = arena_alloc(req->arena, sizeof(*kept));
    kept->arena = req->arena;
    arena_cleanup(req->arena, wipe, kept);
    if (given && !json_is_null(given) && (!json_is_string(given) || !json_string_length(given)))
        hub_endpoint_fault(&r, "/secret", "must be a text; leave it out for a fresh one");
    else if (plugin->role->secret(plugin->self, settings, json_str(given), keep, kept, &pub) != BELFRY_OK &&
             !r.err.count)
        hub_endpoint_fault(&r, "/secret", "no secret could be made of it");
    *out = kept->text;
    return hub_endpoint_answer_faults(&r);
}

int hub_endpoint_plugin(struct hub *hub, struct http_request *req, struct hub_endpoint_plugin *out)
{
    for (size_t i = 0; i < req->config->channel_count; i++) {
        const struct config_instance *channel = &req->config->channels[i];
        if (!config_serves(channel, req->pub.org))
            continue;
        out->role = dispatch_endpoints_role(hub->parts.dispatch, channel->name, &out->self);
        out->channel = channel->name;
        if (out->role)
            return 0;
    }
    http_problem(req, 409, NULL, "no channel of this org takes endpoints; it needs one of the plugin webhook");
    return -1;
}
