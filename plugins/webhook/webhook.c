/* SPDX-License-Identifier: Apache-2.0 */
/* The webhook delivery (Standard Webhooks 1.0, CloudEvents 1.0.2): its life, and what it is to the hub. */
#include "webhook.h"

#include "endpoints.h"
#include "handshake.h"
#include "send.h"
#include "sign.h"

#include <openssl/evp.h>
#include <stdlib.h>

void webhook_settle(struct webhook *w)
{
    if (w->stopping == 1 && !w->open && !w->asking) {
        w->stopping = 2;
        w->host->stopped(w->host);
    }
}

static belfry_status create(const struct belfry_host *host, const void *config, void **self, struct belfry_error *err)
{
    belfry_status status = options_check(host, config, err);
    if (status != BELFRY_OK)
        return status;
    struct webhook *w = calloc(1, sizeof(*w));
    w->host = host;
    w->config = config;
    w->http = host->get_extension(host, BELFRY_EXT_HTTP_CLIENT);
    w->targets = host->get_extension(host, BELFRY_EXT_TARGETS);
    w->calendar = host->get_extension(host, BELFRY_EXT_CALENDAR);
    w->site = host->get_extension(host, BELFRY_EXT_SITE);
    w->cidrs = options_ranges(config);
    w->mac = sign_new();
    *self = w;
    return BELFRY_OK;
}

static belfry_status start(void *self, struct belfry_error *err)
{
    struct webhook *w = self;
    options_warn(w->host, w->http, w->config, w->cidrs);
    return options_declare(w->host, w->targets, w->config, err);
}

/* New endpoints under the same instance: what is under way finishes with what it began with. The old configuration
 * stays in force until the new one was taken whole. */
static belfry_status reload(void *self, const void *config, struct belfry_error *err)
{
    struct webhook *w = self;
    belfry_status status = options_check(w->host, config, err);
    if (status == BELFRY_OK)
        status = options_declare(w->host, w->targets, config, err);
    if (status != BELFRY_OK)
        return status;
    free(w->cidrs);
    w->config = config;
    w->cidrs = options_ranges(config);
    options_warn(w->host, w->http, config, w->cidrs);
    return BELFRY_OK;
}

static void stop(void *self)
{
    struct webhook *w = self;
    w->stopping = 1;
    webhook_settle(w);
}

static void destroy(void *self)
{
    struct webhook *w = self;
    send_free(w);
    handshake_free(w);
    free(w->cidrs);
    EVP_MAC_CTX_free(w->mac);
    free(w);
}

static const struct belfry_delivery delivery = {.struct_size = sizeof(delivery),
                                                .flags = BELFRY_DELIVERY_PER_TARGET,
                                                .max_batch = 1,
                                                .max_inflight = 256,
                                                .deliver = send_deliver,
                                                .cancel = send_cancel};

static const struct belfry_role roles[] = {
    {"belfry.delivery/1", &delivery}, {"belfry.endpoints/1", &endpoints_role}, {0}};
static const char *const needs[] = {BELFRY_EXT_HTTP_CLIENT, BELFRY_EXT_TARGETS, BELFRY_EXT_CALENDAR, BELFRY_EXT_SITE,
                                    NULL};

static const struct belfry_plugin plugin = {.struct_size = sizeof(plugin),
                                            .id = "webhook",
                                            .version = "1.0.0",
                                            .summary = "Signed webhooks to endpoints (Standard Webhooks)",
                                            .roles = roles,
                                            .needs = needs,
                                            .options = options_table,
                                            .config_size = sizeof(struct config),
                                            .create = create,
                                            .start = start,
                                            .stop = stop,
                                            .destroy = destroy,
                                            .reload = reload};

BELFRY_PLUGIN(plugin);
