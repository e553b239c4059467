/* SPDX-License-Identifier: Apache-2.0 */
/* Two routes that answer the same requests. */
#include <belfry/plugin.h>

static belfry_status create(const struct belfry_host *host, const void *config, void **self, struct belfry_error *err)
{
    (void)host;
    (void)config;
    (void)err;
    *self = NULL;
    return BELFRY_OK;
}

static belfry_status receive(void *self, struct belfry_txn *txn, const struct belfry_trigger *trigger,
                             struct belfry_error *err)
{
    (void)self;
    (void)txn;
    (void)trigger;
    (void)err;
    return BELFRY_OK;
}

static const struct belfry_source source = {.struct_size = sizeof(source), .receive = receive};
static const struct belfry_role roles[] = {{"belfry.source/1", &source}, {0}};

static void handle(void *self, const struct belfry_http_request *req)
{
    (void)self;
    (void)req;
}

static const char *const needs[] = {"belfry.http-route/1", NULL};

static const struct belfry_route routes[] = {
    {.struct_size = sizeof(struct belfry_route),
     .method = "GET",
     .pattern = "/v1/{org}/things/{id}",
     .auth = "person",
     .handle = handle},
    {.struct_size = sizeof(struct belfry_route),
     .method = "GET",
     .pattern = "/v1/{org}/things/{name}",
     .auth = "none",
     .handle = handle},
    {0},
};

static const struct belfry_plugin plugin = {
    .struct_size = sizeof(plugin),
    .id = "colliding_routes",
    .version = "1.0.0",
    .summary = "A fixture.",
    .roles = roles,
    .needs = needs,
    .routes = routes,
    .create = create,
};

BELFRY_PLUGIN(plugin);
