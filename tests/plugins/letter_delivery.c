/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A delivery about which people choose, as about mail: GET /v1/{org}/letters tells whom it wrote to, in which language
 * and zone, and about what, oldest first.
 */
#include <belfry/host.h>
#include <jansson.h>
#include <stdlib.h>

struct letters {
    const struct belfry_host *host;
    const struct belfry_http_route_api *http;
    json_t *sent;
};

static json_t *text(struct belfry_str s)
{
    return json_stringn(s.ptr ? s.ptr : "", s.len);
}

static belfry_status create(const struct belfry_host *host, const void *config, void **self, struct belfry_error *err)
{
    (void)config;
    struct letters *l = calloc(1, sizeof(*l));
    if (!l)
        return host->fail(err, BELFRY_ENOMEM, NULL, "out of memory");
    l->host = host;
    l->http = host->get_extension(host, BELFRY_EXT_HTTP_ROUTE);
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

static void deliver(void *self, const struct belfry_batch *batch)
{
    struct letters *l = self;
    struct belfry_result result = {.struct_size = sizeof(result), .outcome = BELFRY_DELIVERED};
    json_t *letter = json_object();
    json_object_set_new(letter, "to", text(batch->person->username));
    json_object_set_new(letter, "email", text(batch->person->email));
    json_object_set_new(letter, "locale", text(batch->person->locale));
    json_object_set_new(letter, "timezone", text(batch->person->timezone));
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
    char *body = json_dumps(l->sent, 0);
    struct belfry_http_response response = {.struct_size = sizeof(response),
                                            .status = 200,
                                            .content_type = belfry_str("application/json"),
                                            .body = belfry_str(body)};
    l->http->respond(l->host, req->id, &response);
    free(body);
}

static const struct belfry_route routes[] = {{.struct_size = sizeof(struct belfry_route),
                                              .method = "GET",
                                              .pattern = "/v1/{org}/letters",
                                              .auth = "token:read",
                                              .handle = list},
                                             {0}};

static const char *const needs[] = {BELFRY_EXT_HTTP_ROUTE, NULL};

static const struct belfry_delivery delivery = {.struct_size = sizeof(struct belfry_delivery),
                                                .flags = BELFRY_DELIVERY_PER_RECIPIENT | BELFRY_DELIVERY_PREFERENCE,
                                                .max_batch = 1,
                                                .max_inflight = 4,
                                                .deliver = deliver,
                                                .cancel = cancel};
static const struct belfry_role roles[] = {{"belfry.delivery/1", &delivery}, {0}};

static const struct belfry_plugin plugin = {
    .struct_size = sizeof(struct belfry_plugin),
    .id = "letter_delivery",
    .version = "1.0.0",
    .summary = "Writes letters, which people may refuse.",
    .roles = roles,
    .needs = needs,
    .routes = routes,
    .create = create,
    .stop = stop,
    .destroy = destroy,
};

BELFRY_PLUGIN(plugin);
