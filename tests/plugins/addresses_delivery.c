/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A channel that uses belfry.addresses/1. It writes letters, to people and to addresses outside: GET
 * /v1/{org}/letters tells to whom, with the key of each, oldest first. POST /v1/{org}/addresses/{what} takes the
 * members of what the extension is asked for as JSON, and answers what it said: report, delivery, state, stop, restore.
 */
#include <belfry/host.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

struct letters {
    const struct belfry_host *host;
    const struct belfry_http_route_api *http;
    const struct belfry_addresses_api *addresses;
    json_t *sent;
};

/* A request that waits for what the extension says. */
struct call {
    struct letters *letters;
    uint64_t request;
};

static json_t *text(struct belfry_str s)
{
    return json_stringn(s.ptr ? s.ptr : "", s.len);
}

static void respond(struct letters *l, uint64_t request, json_t *doc)
{
    char *body = json_dumps(doc, 0);
    struct belfry_http_response response = {.struct_size = sizeof(response),
                                            .status = 200,
                                            .content_type = belfry_str("application/json"),
                                            .body = belfry_str(body)};
    l->http->respond(l->host, request, &response);
    free(body);
    json_decref(doc);
}

/* --- deliveries --------------------------------------------------------------------------------------------------- */

static void deliver(void *self, const struct belfry_batch *batch)
{
    struct letters *l = self;
    struct belfry_result result = {.struct_size = sizeof(result), .outcome = BELFRY_DELIVERED};
    json_t *letter = json_object();
    json_object_set_new(letter, "to", text(batch->person->username));
    json_object_set_new(letter, "email", text(batch->person->email));
    json_object_set_new(letter, "key", text(batch->key));
    json_object_set_new(letter, "title", text(batch->items[0]->title));
    json_array_append_new(l->sent, letter);
    l->host->complete(l->host, batch->id, &result, 1);
}

static void cancel(void *self, uint64_t batch)
{
    (void)self;
    (void)batch; /* each was completed when it was delivered */
}

static void list(void *self, const struct belfry_http_request *req)
{
    struct letters *l = self;
    respond(l, req->id, json_incref(l->sent));
}

/* --- addresses ---------------------------------------------------------------------------------------------------- */

static void answer(struct call *call, belfry_status status, json_t *doc)
{
    json_object_set_new(doc, "status", json_integer(status));
    respond(call->letters, call->request, doc);
    free(call);
}

static void on_report(void *arg, belfry_status status)
{
    answer(arg, status, json_object());
}

static void on_facts(void *arg, belfry_status status, const struct belfry_mail_facts *facts)
{
    json_t *doc = json_object();
    if (facts) {
        json_object_set_new(doc, "org", text(facts->org));
        json_object_set_new(doc, "username", text(facts->username));
        json_object_set_new(doc, "address", text(facts->address));
        json_object_set_new(doc, "category", text(facts->category));
    }
    answer(arg, status, doc);
}

static void on_state(void *arg, belfry_status status, const struct belfry_subscription_state *state)
{
    json_t *doc = json_object();
    if (state) {
        json_object_set_new(doc, "off", json_boolean(state->off));
        json_object_set_new(doc, "required", json_boolean(state->required));
        json_object_set_new(doc, "changed", json_boolean(state->changed));
        json_object_set_new(doc, "label", text(state->label));
        json_object_set_new(doc, "address", text(state->address));
        json_object_set_new(doc, "before", text(state->before));
    }
    answer(arg, status, doc);
}

static struct belfry_str member(const json_t *body, const char *name)
{
    return belfry_str(json_string_value(json_object_get(body, name)));
}

static void ask(struct call *call, const char *what, const json_t *body)
{
    const struct letters *l = call->letters;
    struct belfry_subscription which = {.struct_size = sizeof(which),
                                        .org = member(body, "org"),
                                        .username = member(body, "username"),
                                        .address = member(body, "address"),
                                        .category = member(body, "category")};
    struct belfry_address_report report = {.struct_size = sizeof(report),
                                           .what = (uint32_t)json_integer_value(json_object_get(body, "what")),
                                           .org = which.org,
                                           .address = which.address,
                                           .delivery = member(body, "delivery"),
                                           .detail = member(body, "detail")};
    if (strcmp(what, "report") == 0)
        l->addresses->report(l->host, &report, on_report, call);
    else if (strcmp(what, "delivery") == 0)
        l->addresses->delivery(l->host, report.delivery, on_facts, call);
    else if (strcmp(what, "state") == 0)
        l->addresses->state(l->host, &which, member(body, "language"), on_state, call);
    else if (strcmp(what, "stop") == 0)
        l->addresses->stop(l->host, &which, on_state, call);
    else
        l->addresses->restore(l->host, &which, member(body, "before"), on_state, call);
}

static void post(void *self, const struct belfry_http_request *req)
{
    struct letters *l = self;
    struct call *call = calloc(1, sizeof(*call));
    json_t *body = json_loadb(req->body.ptr, req->body.len, 0, NULL);
    char *what = NULL;
    for (size_t i = 0; i < req->param_count && !what; i++)
        if (req->params[i].name.len == 4 && memcmp(req->params[i].name.ptr, "what", 4) == 0)
            what = strndup(req->params[i].value.ptr, req->params[i].value.len);
    if (call && what) {
        *call = (struct call){l, req->id};
        ask(call, what, body);
    } else {
        l->http->problem(l->host, req->id, 503, NULL, belfry_str("out of memory"));
        free(call);
    }
    free(what);
    json_decref(body);
}

/* --- the plugin --------------------------------------------------------------------------------------------------- */

static belfry_status create(const struct belfry_host *host, const void *config, void **self, struct belfry_error *err)
{
    (void)config;
    struct letters *l = calloc(1, sizeof(*l));
    if (!l)
        return host->fail(err, BELFRY_ENOMEM, NULL, "out of memory");
    l->host = host;
    l->http = host->get_extension(host, BELFRY_EXT_HTTP_ROUTE);
    l->addresses = host->get_extension(host, BELFRY_EXT_ADDRESSES);
    l->sent = json_array();
    *self = l;
    return BELFRY_OK;
}

static void stop(void *self)
{
    struct letters *l = self;
    l->host->stopped(l->host);
}

static void destroy(void *self)
{
    struct letters *l = self;
    json_decref(l->sent);
    free(l);
}

static const struct belfry_route routes[] = {{.struct_size = sizeof(struct belfry_route),
                                              .method = "GET",
                                              .pattern = "/v1/{org}/letters",
                                              .auth = "token:read",
                                              .handle = list},
                                             {.struct_size = sizeof(struct belfry_route),
                                              .method = "POST",
                                              .pattern = "/v1/{org}/addresses/{what}",
                                              .auth = "token:read",
                                              .body_limit = 65536,
                                              .handle = post},
                                             {0}};

static const char *const needs[] = {BELFRY_EXT_HTTP_ROUTE, BELFRY_EXT_ADDRESSES, NULL};

static const struct belfry_delivery delivery = {.struct_size = sizeof(struct belfry_delivery),
                                                .flags = BELFRY_DELIVERY_PER_RECIPIENT | BELFRY_DELIVERY_PREFERENCE,
                                                .max_batch = 1,
                                                .max_inflight = 4,
                                                .deliver = deliver,
                                                .cancel = cancel};
static const struct belfry_role roles[] = {{"belfry.delivery/1", &delivery}, {0}};

static const struct belfry_plugin plugin = {
    .struct_size = sizeof(struct belfry_plugin),
    .id = "addresses_delivery",
    .version = "1.0.0",
    .summary = "Writes letters, and hears what becomes of them.",
    .roles = roles,
    .needs = needs,
    .routes = routes,
    .create = create,
    .stop = stop,
    .destroy = destroy,
};

BELFRY_PLUGIN(plugin);
