/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POST /v1/{org}/endpoints/{id}/test: an event that only this endpoint gets. Without a type it is the first that the
 * org's sources declare and the endpoint takes, without data it says what the type's example says.
 */
#include "hub/endpoints.h"

#include "base/mem.h"
#include "hub/event_types.h"
#include "ledger/endpoints.h"

#define TYPE_MAX 200

static void tested(void *arg, belfry_status status, const char *why, int64_t event, int64_t delivery)
{
    const struct hub_endpoint_deed *d = arg;
    if (status != BELFRY_OK) {
        hub_endpoint_deed_refuse(d, status, why);
        return;
    }
    json_t *doc = json_object();
    hub_json_id(d->hub, doc, "event", event);
    hub_json_id(d->hub, doc, "delivery", delivery);
    json_object_set_new(doc, "webhook_id", json_sprintf("msg_%s", json_string_value(json_object_get(doc, "event"))));
    http_respond_json(d->req, 202, doc, NULL, 0);
}

static int takes(const struct hub_endpoint *e, const char *type)
{
    int all = e->view.types.count == 0;
    for (size_t i = 0; i < e->view.types.count && !all; i++) {
        struct belfry_str pattern = e->view.types.items[i];
        size_t len = pattern.len && pattern.ptr[pattern.len - 1] == '*' ? pattern.len - 1 : pattern.len;
        all = len < pattern.len ? str_has_prefix(str_of(type), str_slice(pattern.ptr, len)) : str_eqz(pattern, type);
    }
    return all;
}

struct choosing {
    const struct hub_endpoint *endpoint;
    const struct belfry_event_type *type;
};

static int choose(void *arg, const char *source, const struct belfry_event_type *type)
{
    struct choosing *c = arg;
    (void)source;
    if (takes(c->endpoint, type->type) && type->example)
        c->type = type;
    return c->type != NULL;
}

struct near {
    const char **names;
    size_t count;
};

static int add_name(void *arg, const char *source, const struct belfry_event_type *type)
{
    struct near *n = arg;
    (void)source;
    if (n->names)
        n->names[n->count] = type->type;
    n->count++;
    return 0;
}

static void refuse_type(const struct hub_endpoint_deed *d, struct belfry_str type)
{
    struct http_request *req = d->req;
    struct near near = {0};
    hub_event_types_each(req->config, req->pub.org, add_name, &near);
    near.names = arena_alloc(req->arena, (near.count + 1) * sizeof(*near.names));
    near.count = 0;
    hub_event_types_each(req->config, req->pub.org, add_name, &near);
    const char *meant = str_nearest(type, near.names, near.count);
    http_problem(req, 422, "/type", "no source of this org tells of such events%s%s%s", meant ? "; did you mean `" : "",
                 meant ? meant : "", meant ? "`?" : "; GET /v1/{org}/event-types lists them");
}

/* What is sent: the type that was named, else the first one that the endpoint takes; NULL after a 422. */
static const struct belfry_event_type *type_of(const struct hub_endpoint_deed *d, struct belfry_str *name)
{
    struct http_request *req = d->req;
    const json_t *given = json_object_get(d->body, "type");
    struct choosing chosen = {.endpoint = d->endpoint};
    const char *source;
    *name = json_str(given);
    if (given && !json_is_null(given)) {
        chosen.type = json_is_string(given) && name->len <= TYPE_MAX && !memchr(name->ptr, '*', name->len)
                          ? hub_event_type(req->config, req->pub.org, *name, &source)
                          : NULL;
        if (!chosen.type)
            refuse_type(d, *name);
        return chosen.type;
    }
    hub_event_types_each(req->config, req->pub.org, choose, &chosen);
    if (chosen.type)
        *name = hub_event_type_sample(req->arena, chosen.type);
    else
        http_problem(req, 422, "/type", "is required: of the types that the endpoint takes no source tells yet");
    return chosen.type;
}

static void post_test(void *arg, struct http_request *req)
{
    static const char *const names[] = {"type", "data"};
    struct hub_endpoint_deed *d = hub_endpoint_deed_begin(arg, req);
    struct belfry_str name, data;
    struct buf text = {0};
    if (!d || hub_endpoint_deed_only(d, names, 2) != 0)
        return;
    const json_t *given = json_object_get(d->body, "data");
    const struct belfry_event_type *type = type_of(d, &name);
    if (!type)
        return;
    if (given && !json_is_null(given) && !json_is_object(given)) {
        http_problem(req, 422, "/data", "must be an object: what the body has in data.object");
        return;
    }
    if (json_is_object(given))
        json_write(given, &text);
    else
        buf_addz(&text, type->example ? type->example : "{}");
    data = arena_str(req->arena, buf_str(&text));
    buf_free(&text);
    ledger_endpoint_test(d->hub->parts.ledger, &d->deed, d->endpoint->view.id, name, data, tested, d);
}

belfry_status hub_endpoint_test_init(struct hub *hub, struct error *err)
{
    const struct http_route route = {"POST", "/v1/{org}/endpoints/{id}/test", ENDPOINT_WRITES, 64 << 10, 0, post_test,
                                     hub};
    return http_routes_add(hub->parts.http, hub, &route, 1, err);
}
