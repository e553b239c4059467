/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /v1/{org}/endpoints: what webhooks go to, and how it does. Dispatch says what there is and how its breaker
 * stands, rows say what waits: those of the endpoints that are shown are read, and no others.
 *
 * Who may `endpoints:own` sees those that it made, and those that were made under it: the owner is who asks, or begins
 * with who asks and a slash ("token:shop" and "token:shop/customer-42"). For it all others do not exist.
 */
#include "hub/endpoints.h"

#include "base/mem.h"

#include <stdlib.h>

/* --- who may ------------------------------------------------------------------------------------------------------ */

static int is_own(struct http_request *req, struct belfry_str owner)
{
    struct belfry_str who = hub_who(req);
    return str_eq(owner, who) || (owner.len > who.len && owner.ptr[who.len] == '/' && str_has_prefix(owner, who));
}

int hub_endpoint_is_theirs(struct http_request *req, struct belfry_str owner)
{
    uint32_t may = req->token ? req->token->may : 0;
    return (may & CONFIG_MAY_ENDPOINTS) || ((may & CONFIG_MAY_ENDPOINTS_OWN) && is_own(req, owner));
}

enum hub_endpoint_right hub_endpoint_right(struct http_request *req, struct belfry_str owner)
{
    uint32_t may = req->token ? req->token->may : 0;
    if (!req->token || (may & CONFIG_MAY_ADMIN) || hub_endpoint_is_theirs(req, owner))
        return ENDPOINT_WRITE; /* a person comes so far with the role admin alone */
    return may & CONFIG_MAY_READ ? ENDPOINT_READ : ENDPOINT_HIDDEN;
}

/* --- one ---------------------------------------------------------------------------------------------------------- */

int hub_endpoint_get(struct hub *hub, struct http_request *req, int64_t id, struct hub_endpoint *out)
{
    struct arena *arena = req->arena;
    struct dispatch_target_view *v = &out->view;
    *out = (struct hub_endpoint){0};
    if (!dispatch_target_get(hub->parts.dispatch, req->pub.org, id, v))
        return 0;
    struct belfry_str *types = arena_alloc(arena, (v->types.count + 1) * sizeof(*types));
    struct belfry_str *const texts[] = {&v->org,      &v->name,        &v->url,      &v->owner, &v->when,
                                        &v->metadata, &v->description, &v->settings, &v->secret};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        *texts[i] = arena_str(arena, *texts[i]);
    for (size_t i = 0; i < v->types.count; i++)
        types[i] = arena_str(arena, v->types.items[i]);
    v->types.items = types;
    v->channel = arena_strdup(arena, v->channel);
    v->spec = NULL;
    return 1;
}

struct hub_endpoint *hub_endpoint_find(struct hub *hub, struct http_request *req, int write)
{
    struct hub_endpoint *e = arena_alloc(req->arena, sizeof(*e));
    enum hub_endpoint_right right = ENDPOINT_HIDDEN;
    int64_t id;
    if (id_parse(store_id_key(hub->parts.store), http_param(req, "id"), &id) == BELFRY_OK &&
        hub_endpoint_get(hub, req, id, e))
        right = hub_endpoint_right(req, e->view.owner);
    if (right == ENDPOINT_WRITE || (right == ENDPOINT_READ && !write))
        return e;
    if (right == ENDPOINT_READ)
        http_problem(req, 403, NULL, "this needs a token that may endpoints; it may change only what it made");
    else
        http_problem(req, 404, NULL, "there is no such endpoint");
    return NULL;
}

int hub_endpoint_is_yaml(struct http_request *req, const struct hub_endpoint *e)
{
    const struct config_instance *channel = config_channel(req->config, str_of(e->view.channel));
    if (!e->view.from_yaml)
        return 0;
    struct diag_span span = {0};
    if (channel)
        span = config_endpoint_span(channel, req->config, e->view.name);
    http_problem(req, 409, NULL, "the endpoint `%.*s` is defined in %s:%u and can be changed only there",
                 STR_ARG(e->view.name), config_file_shown(req->config, span.file), span.line);
    return 1;
}

/* RFC 9110 section 13.1.1; weak tags never match. */
int hub_endpoint_may_change(struct http_request *req, int64_t version)
{
    struct belfry_str rest = str_trim(http_header(req, "if-match")), tag = hub_endpoint_tag(req, version);
    if (!rest.len || str_eqz(rest, "*"))
        return 1;
    while (rest.ptr)
        if (str_eq(str_trim(str_cut(rest, ',', &rest)), tag))
            return 1;
    return 0;
}

int hub_endpoint_names_version(struct http_request *req)
{
    struct belfry_str match = str_trim(http_header(req, "if-match"));
    return match.len && !str_eqz(match, "*");
}

void hub_endpoint_refuse_stale(struct http_request *req)
{
    http_problem(req, 412, NULL, "the endpoint was changed meanwhile; look at it again");
}

static void get_endpoint(void *arg, struct http_request *req)
{
    const struct hub_endpoint *e = hub_endpoint_find(arg, req, 0);
    if (e)
        hub_endpoint_answer(arg, req, e->view.id, 200, 0);
}

/* --- the list ----------------------------------------------------------------------------------------------------- */

struct listing { /* in the request's arena */
    struct hub_endpoint_shower shower;
    struct belfry_str owner; /* empty: whoever */
    int enabled;             /* -1: both */
    uint32_t limit;
    int64_t before, next;
    int64_t *ids; /* of all that fit, newest first after the walk */
    size_t id_count, id_cap;
    struct hub_endpoint *items;
    size_t count;
};

static void on_target(void *arg, const struct dispatch_target_view *view)
{
    struct listing *l = arg;
    if (view->id >= l->before || (l->enabled >= 0 && view->enabled != l->enabled) ||
        (l->owner.len && !str_eq(l->owner, view->owner)) ||
        hub_endpoint_right(l->shower.req, view->owner) == ENDPOINT_HIDDEN)
        return;
    l->ids = xgrow(l->ids, &l->id_cap, l->id_count + 1, sizeof(*l->ids));
    l->ids[l->id_count++] = view->id;
}

static int newest_first(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? 1 : x > y ? -1 : 0;
}

/* Those of the page, copied: dispatch may change them before the rows were read. */
static void choose(struct listing *l)
{
    struct http_request *req = l->shower.req;
    dispatch_targets_each(l->shower.hub->parts.dispatch, req->pub.org, on_target, l);
    if (l->id_count)
        qsort(l->ids, l->id_count, sizeof(*l->ids), newest_first);
    size_t shown = l->id_count < l->limit ? l->id_count : l->limit;
    l->items = arena_alloc(req->arena, (shown + 1) * sizeof(*l->items));
    for (size_t i = 0; i < shown; i++)
        l->count += (size_t)hub_endpoint_get(l->shower.hub, req, l->ids[i], &l->items[l->count]);
    l->next = shown < l->id_count ? l->ids[shown - 1] : 0;
    free(l->ids);
}

static belfry_status read_states(struct store_conn *conn, void *arg)
{
    struct listing *l = arg;
    int64_t org = store_name_find(conn, l->shower.req->pub.org);
    for (size_t i = 0; org && i < l->count; i++) {
        struct hub_endpoint *e = &l->items[i];
        e->found = store_target_state(conn, org, e->view.id, l->shower.req->arena, &e->state);
    }
    return BELFRY_OK;
}

static void answer_list(void *arg, belfry_status status)
{
    struct listing *l = arg;
    struct http_request *req = l->shower.req;
    if (status != BELFRY_OK) {
        http_problem(req, http_status_of(status), NULL, "the endpoints could not be read now: %s", status_text(status));
        return;
    }
    json_t *items = json_array(), *doc = json_object();
    for (size_t i = 0; i < l->count; i++)
        if (l->items[i].found)
            json_array_append_new(items, hub_endpoint_json(&l->shower, &l->items[i], 0));
    json_decref(l->shower.sections);
    json_object_set_new(doc, "items", items);
    hub_json_id(l->shower.hub, doc, "next", l->next);
    http_respond_json(req, 200, doc, NULL, 0);
}

static void get_endpoints(void *arg, struct http_request *req)
{
    struct hub *hub = arg;
    struct listing *l = arena_alloc(req->arena, sizeof(*l));
    struct belfry_str enabled;
    *l = (struct listing){.shower = {.hub = hub, .req = req}, .enabled = -1};
    if (hub_list_window(hub, req, &l->limit, &l->before) != 0 || hub_query(req, "owner", &l->owner) < 0)
        return;
    int given = hub_query(req, "enabled", &enabled);
    if (given < 0 || (given && (l->enabled = hub_query_bool(req, "enabled")) < 0))
        return;
    choose(l);
    if (store_read(hub->parts.readers, read_states, answer_list, l, 0) != BELFRY_OK)
        http_problem(req, 503, NULL, "too many reads wait at the moment");
}

belfry_status hub_endpoints_init(struct hub *hub, struct error *err)
{
    const struct http_route routes[] = {
        {"GET", "/v1/{org}/endpoints", ENDPOINT_READS, 0, 0, get_endpoints, hub},
        {"GET", "/v1/{org}/endpoints/{id}", ENDPOINT_READS, 0, 0, get_endpoint, hub},
    };
    belfry_status (*const inits[])(struct hub * hub, struct error * err) = {
        hub_endpoint_attempts_init, hub_endpoint_writes_init, hub_endpoint_deeds_init, hub_endpoint_test_init,
        hub_endpoint_again_init};
    belfry_status status = http_routes_add(hub->parts.http, hub, routes, 2, err);
    for (size_t i = 0; i < sizeof(inits) / sizeof(inits[0]) && status == BELFRY_OK; i++)
        status = inits[i](hub, err);
    return status;
}
