/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small delivery that is whole: one notification a batch, ended as the option `outcome` says, at once or (with
 * `slow`) only when it is told to hurry. GET /v1/{org}/echo answers how many went through. reload() refuses the secret
 * "not this one"; with "talks too much" detail and record are longer than they may be.
 */
#include <belfry/host.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct config {
    int32_t outcome;
    uint8_t slow;
    const char *secret;
};

struct echo {
    const struct belfry_host *host;
    const struct belfry_http_route_api *http;
    const struct config *config;
    uint64_t delivered;
};

static const char *const outcomes[] = {"delivered", "retry", "unavailable", "rejected", "unknown", NULL};

static belfry_status create(const struct belfry_host *host, const void *config, void **self, struct belfry_error *err)
{
    struct echo *echo = calloc(1, sizeof(*echo));
    if (!echo)
        return host->fail(err, BELFRY_ENOMEM, NULL, "out of memory");
    echo->host = host;
    echo->http = host->get_extension(host, BELFRY_EXT_HTTP_ROUTE);
    echo->config = config;
    *self = echo;
    return BELFRY_OK;
}

static void stop(void *self)
{
    struct echo *echo = self;
    echo->host->stopped(echo->host);
}

static void destroy(void *self)
{
    free(self);
}

static belfry_status reload(void *self, const void *config, struct belfry_error *err)
{
    struct echo *echo = self;
    const struct config *next = config;
    if (next->secret && strcmp(next->secret, "not this one") == 0)
        return echo->host->fail(err, BELFRY_EINVAL, "/secret", "the fixture refuses this secret");
    echo->config = next;
    return BELFRY_OK;
}

static void end(struct echo *echo, uint64_t batch)
{
    struct belfry_result result = {.struct_size = sizeof(result),
                                   .outcome = BELFRY_DELIVERED + (uint32_t)echo->config->outcome,
                                   .detail = belfry_str("echoed")};
    char rude[40 * 1024];
    if (echo->config->secret && strcmp(echo->config->secret, "talks too much") == 0) {
        memset(rude, 'x', sizeof(rude));
        memcpy(rude, "two\nlines", 9);
        result.detail = result.record = (struct belfry_str){rude, sizeof(rude)};
    }
    echo->delivered += result.outcome == BELFRY_DELIVERED;
    echo->host->complete(echo->host, batch, &result, 1);
}

static void deliver(void *self, const struct belfry_batch *batch)
{
    struct echo *echo = self;
    if (!echo->config->slow)
        end(echo, batch->id);
}

static void cancel(void *self, uint64_t batch)
{
    end(self, batch);
}

static void count(void *self, const struct belfry_http_request *req)
{
    struct echo *echo = self;
    char body[64];
    snprintf(body, sizeof(body), "{\"delivered\":%llu}", (unsigned long long)echo->delivered);
    struct belfry_http_response response = {.struct_size = sizeof(response),
                                            .status = 200,
                                            .content_type = belfry_str("application/json"),
                                            .body = belfry_str(body)};
    echo->http->respond(echo->host, req->id, &response);
}

static const struct belfry_option options[] = {
    {.struct_size = sizeof(struct belfry_option),
     .type = BELFRY_OPT_CHOICE,
     .offset = offsetof(struct config, outcome),
     .name = "outcome",
     .def = "delivered",
     .doc = "How every batch ends.",
     .choices = outcomes},
    {.struct_size = sizeof(struct belfry_option),
     .type = BELFRY_OPT_BOOL,
     .offset = offsetof(struct config, slow),
     .name = "slow",
     .doc = "Wait until told to hurry."},
    {.struct_size = sizeof(struct belfry_option),
     .type = BELFRY_OPT_STRING,
     .flags = BELFRY_OPT_SECRET,
     .offset = offsetof(struct config, secret),
     .name = "secret",
     .doc = "Unused.",
     .min = 8,
     .max = 64},
    {0},
};

static const struct belfry_route routes[] = {
    {.struct_size = sizeof(struct belfry_route),
     .method = "GET",
     .pattern = "/v1/{org}/echo",
     .auth = "token:read|person",
     .handle = count},
    {.struct_size = sizeof(struct belfry_route),
     .method = "GET",
     .pattern = "/v1/{org}/echo/{id}",
     .auth = "person",
     .handle = count},
    {.struct_size = sizeof(struct belfry_route),
     .method = "GET",
     .pattern = "/v1/{org}/echo/last",
     .auth = "person",
     .handle = count},
    {.struct_size = sizeof(struct belfry_route),
     .method = "POST",
     .pattern = "/v1/{org}/echo/{id}",
     .auth = "token:read",
     .body_limit = 1024,
     .handle = count},
    {0},
};

static const char *const needs[] = {BELFRY_EXT_HTTP_ROUTE, NULL};

static const struct belfry_delivery delivery = {
    .struct_size = sizeof(delivery),
    .flags = BELFRY_DELIVERY_PER_RECIPIENT,
    .max_batch = 1,
    .max_inflight = 4,
    .deliver = deliver,
    .cancel = cancel,
};
static const struct belfry_role roles[] = {{"belfry.delivery/1", &delivery}, {0}};

static const struct belfry_plugin plugin = {
    .struct_size = sizeof(plugin),
    .id = "echo_delivery",
    .version = "1.0.0",
    .summary = "Ends every delivery as it is told to.",
    .roles = roles,
    .needs = needs,
    .options = options,
    .config_size = sizeof(struct config),
    .routes = routes,
    .create = create,
    .stop = stop,
    .destroy = destroy,
    .reload = reload,
};

BELFRY_PLUGIN(plugin);
