/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An instance of the webhook delivery, shared between its files only. Everything runs on the loop.
 *
 * The host owns endpoints, queues and the retry policy. This plugin declares what YAML names, judges what people say of
 * an endpoint, composes, signs and sends, and says what came back.
 */
#ifndef WEBHOOK_WEBHOOK_H
#define WEBHOOK_WEBHOOK_H

#include "options.h"

#include <belfry/host.h>

#define CONNECT_TIMEOUT_MS 5000
#define RESPONSE_MAX (24 * 1024)

struct sending;
struct asking;

struct webhook {
    const struct belfry_host *host;
    const struct belfry_http_client_api *http;
    const struct belfry_targets_api *targets;
    const struct belfry_calendar_api *calendar;
    const struct belfry_site_api *site;
    const struct config *config;
    const char **cidrs; /* ends at NULL */
    struct evp_mac_ctx_st *mac;
    struct sending *open;  /* deliveries under way */
    void *consents;        /* of endpoints, by id: a tree of handshake.c */
    struct asking *asking; /* requests for consent that are not answered yet */
    int stopping;
};

/* Something ended: says stopped() when the hub waits for that and it was the last. */
void webhook_settle(struct webhook *w);

#endif
