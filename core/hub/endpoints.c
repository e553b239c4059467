/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /v1/{org}/endpoints: what webhooks go to, and how it does. Dispatch says what is declared and how its breaker
 * stands, rows say what waits. Of a URL neither user nor query is shown, and nothing at all when it comes from a
 * secret; the signing secret nowhere.
 */
#include "base/mem.h"
#include "hub/internal.h"
#include "store/queue.h"
#include "store/story.h"

#include <stdlib.h>

struct endpoint {
    struct dispatch_target_view view;
    struct store_target_state state;
    json_t *types; /* owned */
    int found;
};

struct listing {
    struct http_request *req;
    struct hub *hub;
    int64_t id; /* of the one that is asked for; 0: all */
    struct endpoint *items;
    size_t count, cap;
    json_t *sections; /* of YAML by channel, once one of it was shown; owned */
    int with_attempts;
    uint32_t limit;
    int64_t before, next;
    struct store_attempt_record *attempts;
    size_t attempt_count;
};

static void listing_free(struct listing *l)
{
    for (size_t i = 0; i < l->count; i++)
        json_decref(l->items[i].types);
    json_decref(l->sections);
    free(l->items);
    free(l);
}

/* --- what is declared --------------------------------------------------------------------------------------------- */

/* The channel's part of the configuration, secrets replaced; described once, however many endpoints it has. */
static json_t *section_of(struct listing *l, const char *channel)
{
    json_t *section = json_object_get(l->sections, channel);
    if (section)
        return section;
    section = config_describe_channel(l->req->config, channel);
    json_object_set_new(l->sections, channel, section);
    return section;
}

/* The endpoint's entry in it. Borrowed; NULL: it is not one of YAML's. */
static json_t *declaration(struct listing *l, const struct dispatch_target_view *v)
{
    json_t *section = section_of(l, v->channel), *format = json_object_get(section, "format"), *entry;
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

static json_t *types_json(const struct belfry_target_spec *spec)
{
    json_t *list = json_array();
    for (size_t i = 0; spec && i < spec->types.count; i++)
        json_array_append_new(list, json_stringn(spec->types.items[i].ptr, spec->types.items[i].len));
    if (!json_array_size(list))
        json_array_append_new(list, json_string("*"));
    return list;
}

/* Everything that dispatch may change before the rows were read is copied. */
static void on_target(void *arg, const struct dispatch_target_view *view)
{
    struct listing *l = arg;
    struct arena *arena = l->req->arena;
    if (l->id && view->id != l->id)
        return;
    l->items = xgrow(l->items, &l->cap, l->count + 1, sizeof(*l->items));
    struct endpoint *e = &l->items[l->count++];
    *e = (struct endpoint){.view = *view};
    e->view.channel = arena_strdup(arena, view->channel);
    e->view.name = arena_str(arena, view->name);
    e->view.url = arena_str(arena, view->url);
    e->view.spec = NULL;
    e->types = types_json(view->spec);
}

static int newest_first(const void *a, const void *b)
{
    int64_t x = ((const struct endpoint *)a)->view.id, y = ((const struct endpoint *)b)->view.id;
    return x < y ? 1 : x > y ? -1 : 0;
}

/* --- answers ------------------------------------------------------------------------------------------------------ */

static void set_count(json_t *doc, const char *key, const char *more, struct store_count count)
{
    json_object_set_new(doc, key, json_integer(count.count));
    json_object_set_new(doc, more, json_boolean(count.more));
}

static void set_declared(json_t *doc, const json_t *declared, const char *key, json_t *otherwise)
{
    json_t *value = json_object_get(declared, key);
    json_object_set_new(doc, key, value ? json_incref(value) : json_incref(otherwise));
    json_decref(otherwise);
}

/* As integrators give them. */
static void set_settings(struct listing *l, json_t *doc, const struct endpoint *e)
{
    const struct dispatch_target_view *v = &e->view;
    const json_t *declared = declaration(l, v);
    json_t *url = json_object_get(declared, "url");
    json_object_set_new(doc, "url", url ? json_incref(url) : config_describe_url(v->url));
    set_declared(doc, declared, "description", json_null());
    json_object_set(doc, "types", e->types);
    set_declared(doc, declared, "when", json_null());
    set_declared(doc, declared, "headers", json_object());
    set_declared(doc, declared, "format", json_string("standard"));
    json_object_set_new(doc, "rate", v->rate_per_minute ? json_integer(v->rate_per_minute) : json_null());
    json_object_set_new(doc, "concurrency", json_integer(v->concurrency));
    set_declared(doc, declared, "order", json_null());
    set_declared(doc, declared, "metadata", json_object());
}

static json_t *endpoint_json(struct listing *l, const struct endpoint *e)
{
    const struct hub *hub = l->hub;
    const struct dispatch_target_view *v = &e->view;
    json_t *doc = json_object();
    hub_json_id(hub, doc, "id", v->id);
    json_set_str(doc, "name", v->name);
    json_object_set_new(doc, "channel", json_string(v->channel));
    json_object_set_new(doc, "from", json_string("yaml"));
    set_settings(l, doc, e);
    json_object_set_new(doc, "enabled", json_boolean(v->enabled));
    hub_json_time(doc, "disabled_at", e->state.disabled_at);
    json_object_set_new(doc, "disabled_why",
                        e->state.disabled_at && e->state.disabled_why.len
                            ? json_stringn(e->state.disabled_why.ptr, e->state.disabled_why.len)
                            : json_null());
    json_object_set_new(doc, "breaker", json_string(v->breaker));
    hub_json_time(doc, "breaker_until", v->breaker_until_ms);
    json_object_set_new(doc, "failing", json_boolean(e->state.first_failure != 0));
    hub_json_time(doc, "failing_since", e->state.first_failure);
    set_count(doc, "pending", "pending_more", e->state.pending);
    set_count(doc, "held", "held_more", e->state.held);
    json_object_set_new(doc, "sending", json_integer(v->inflight));
    hub_json_time(doc, "oldest_due", e->state.oldest_due);
    hub_json_time(doc, "last_success_at", v->last_success_ms);
    return doc;
}

static json_t *attempts_json(const struct listing *l)
{
    json_t *items = json_array(), *doc = json_object();
    for (size_t i = 0; i < l->attempt_count; i++)
        json_array_append_new(items, hub_attempt_json(l->hub, &l->attempts[i]));
    json_object_set_new(doc, "items", items);
    hub_json_id(l->hub, doc, "next", l->next);
    return doc;
}

static json_t *answer_json(struct listing *l)
{
    if (l->with_attempts)
        return attempts_json(l);
    if (l->id)
        return endpoint_json(l, &l->items[0]);
    json_t *items = json_array();
    for (size_t i = 0; i < l->count && json_array_size(items) < l->limit; i++)
        if (l->items[i].found)
            json_array_append_new(items, endpoint_json(l, &l->items[i]));
    json_t *doc = json_object();
    json_object_set_new(doc, "items", items);
    hub_json_id(l->hub, doc, "next", l->next);
    return doc;
}

static void answer(void *arg, belfry_status status)
{
    struct listing *l = arg;
    if (status != BELFRY_OK)
        http_problem(l->req, http_status_of(status), NULL, "the endpoints could not be read now: %s",
                     status_text(status));
    else if (l->id && (!l->count || !l->items[0].found))
        http_problem(l->req, 404, NULL, "there is no such endpoint");
    else
        http_respond_json(l->req, 200, answer_json(l), NULL, 0);
    listing_free(l);
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

static belfry_status read_states(struct store_conn *conn, void *arg)
{
    struct listing *l = arg;
    int64_t org = store_name_find(conn, l->req->pub.org);
    size_t shown = 0;
    for (size_t i = 0; org && i < l->count && shown < l->limit; i++) {
        struct endpoint *e = &l->items[i];
        if (e->view.id >= l->before && !l->id)
            continue;
        e->found = store_target_state(conn, org, e->view.id, l->req->arena, &e->state);
        shown += e->found != 0;
        if (shown == l->limit && i + 1 < l->count)
            l->next = e->view.id;
    }
    if (l->with_attempts && l->count && l->items[0].found)
        l->attempt_count =
            store_attempts_of_target(conn, l->id, l->before, l->limit, l->req->arena, &l->attempts, &l->next);
    return BELFRY_OK;
}

static void ask(struct hub *hub, struct http_request *req, int one, int attempts)
{
    struct listing *l = xcalloc(1, sizeof(*l));
    l->req = req;
    l->hub = hub;
    l->sections = json_object();
    l->with_attempts = attempts;
    if (one && id_parse(store_id_key(hub->parts.store), http_param(req, "id"), &l->id) != BELFRY_OK) {
        http_problem(req, 404, NULL, "there is no such endpoint");
        listing_free(l);
        return;
    }
    if (hub_list_window(hub, req, &l->limit, &l->before) != 0) {
        listing_free(l);
        return;
    }
    dispatch_targets_each(hub->parts.dispatch, req->pub.org, on_target, l);
    if (l->count)
        qsort(l->items, l->count, sizeof(*l->items), newest_first);
    if (store_read(hub->parts.readers, read_states, answer, l, 0) == BELFRY_OK)
        return;
    http_problem(req, 503, NULL, "too many reads wait at the moment");
    listing_free(l);
}

static void get_endpoints(void *arg, struct http_request *req)
{
    ask(arg, req, 0, 0);
}

static void get_endpoint(void *arg, struct http_request *req)
{
    ask(arg, req, 1, 0);
}

static void get_attempts(void *arg, struct http_request *req)
{
    ask(arg, req, 1, 1);
}

belfry_status hub_endpoints_init(struct hub *hub, struct error *err)
{
    static const char *const reads = "role:admin|token:endpoints|token:read|token:admin";
    const struct http_route routes[] = {
        {"GET", "/v1/{org}/endpoints", reads, 0, 0, get_endpoints, hub},
        {"GET", "/v1/{org}/endpoints/{id}", reads, 0, 0, get_endpoint, hub},
        {"GET", "/v1/{org}/endpoints/{id}/attempts", reads, 0, 0, get_attempts, hub},
    };
    return http_routes_add(hub->parts.http, hub, routes, 3, err);
}
