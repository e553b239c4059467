/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POST /v1/{org}/endpoints/{id}/test: an event that only this endpoint gets. Without a type it is the first that the
 * org's sources declare and the endpoint takes, without data it says what the type's example says. It goes at once,
 * whatever holds up the endpoint's queue, so how many somebody may ask for is bounded: 429 (RFC 6585, section 4).
 */
#include "hub/endpoints.h"

#include "base/mem.h"
#include "event/event.h"
#include "hub/event_types.h"
#include "ledger/endpoints.h"

static void tested(void *arg, belfry_status status, const char *why, int64_t event, int64_t delivery)
{
    const struct hub_endpoint_deed *d = arg;
    if (status != BELFRY_OK) {
        hub_endpoint_deed_refuse(d, status, why);
        return;
    }
    dispatch_test(d->hub->parts.dispatch, d->endpoint->view.id, delivery);
    json_t *doc = json_object();
    hub_json_id(d->hub, doc, "event", event);
    hub_json_id(d->hub, doc, "delivery", delivery);
    json_object_set_new(doc, "webhook_id", json_sprintf("msg_%s", json_string_value(json_object_get(doc, "event"))));
    http_respond_json(d->req, 202, doc, NULL, 0);
}

/* `invoice.*` and `*` end in what stands for anything. */
static int is_prefix(struct belfry_str pattern)
{
    return pattern.len && pattern.ptr[pattern.len - 1] == '*';
}

static int takes(const struct hub_endpoint *e, struct belfry_str type)
{
    return e->view.types.count == 0 || event_type_among(type, &e->view.types);
}

/* A type that the declared one stands for and the endpoint takes: `workflow.big-deal`, where `workflow.*` is declared
 * and the endpoint names it; empty: there is none. */
static struct belfry_str sample_of(struct arena *arena, const struct hub_endpoint *e,
                                   const struct belfry_event_type *type)
{
    struct belfry_str sample = hub_event_type_sample(arena, type);
    if (takes(e, sample))
        return sample;
    for (size_t i = 0; i < e->view.types.count; i++) {
        sample = e->view.types.items[i];
        if (is_prefix(sample))
            sample = str_of(arena_printf(arena, "%.*sexample", (int)sample.len - 1, sample.ptr));
        if (event_type_is(str_of(type->type), sample))
            return sample;
    }
    return (struct belfry_str){0};
}

struct choosing {
    struct arena *arena;
    const struct hub_endpoint *endpoint;
    const struct belfry_event_type *type;
    struct belfry_str name;
};

static int choose(void *arg, const char *source, const struct belfry_event_type *type)
{
    struct choosing *c = arg;
    (void)source;
    c->name = type->example ? sample_of(c->arena, c->endpoint, type) : (struct belfry_str){0};
    if (c->name.len)
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

/* One type, well-formed: a prefix stands for several. */
static const struct belfry_event_type *named_type(const struct hub_endpoint_deed *d, const json_t *given)
{
    struct belfry_str name = json_str(given);
    const char *source;
    if (!json_is_string(given) || !config_type_pattern(name) || is_prefix(name)) {
        http_problem(d->req, 422, "/type", "must be one event type, such as `invoice.paid`");
        return NULL;
    }
    const struct belfry_event_type *type = hub_event_type(d->req->config, d->req->pub.org, name, &source);
    if (!type)
        refuse_type(d, name);
    return type;
}

/* What is sent: the type that was named, else the first one that the endpoint takes; NULL after a 422. */
static const struct belfry_event_type *type_of(const struct hub_endpoint_deed *d, struct belfry_str *name)
{
    struct http_request *req = d->req;
    const json_t *given = json_object_get(d->body, "type");
    struct choosing chosen = {.arena = req->arena, .endpoint = d->endpoint};
    *name = json_str(given);
    if (given && !json_is_null(given))
        return named_type(d, given);
    hub_event_types_each(req->config, req->pub.org, choose, &chosen);
    *name = chosen.name;
    if (!chosen.type)
        http_problem(req, 422, "/type", "is required: of the types that the endpoint takes no source tells yet");
    return chosen.type;
}

/* 1 after an answer: it cannot be sent now. */
static int is_refused(const struct hub_endpoint_deed *d)
{
    struct http_request *req = d->req;
    if (d->endpoint->view.sealed) {
        hub_endpoint_deed_refuse(d, BELFRY_EINVAL, NULL);
        return 1;
    }
    int64_t wait_ms = dispatch_test_wait(d->hub->parts.dispatch, d->endpoint->view.id);
    if (!wait_ms)
        return 0;
    long long seconds = (long long)(wait_ms + 999) / 1000;
    struct error err = {0};
    error_set(&err, BELFRY_EAGAIN, NULL, "an endpoint is tested ten times a minute at most; the next can go in %lld s",
              seconds);
    struct belfry_attr retry[] = {{STR("Retry-After"), str_of(arena_printf(req->arena, "%lld", seconds))}};
    http_respond_json(req, 429, http_problem_json(429, &err), retry, 1);
    error_clear(&err);
    return 1;
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
    if (is_refused(d))
        return;
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
