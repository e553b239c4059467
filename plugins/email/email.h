/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this plugin share. Everything is [loop]. */
#ifndef EMAIL_EMAIL_H
#define EMAIL_EMAIL_H

#include "address.h"
#include "content.h"

#include <belfry/host.h>

struct server_options {
    const char *url, *username, *password, *tls_ca;
    int64_t connections;
    int32_t tls; /* BELFRY_SMTP_TLS_* */
};

struct dkim_options {
    const char *selector, *key; /* PEM, or the path of a file of it */
};

struct config {
    const char *smtp, *username, *password, *tls_ca, *from, *bounce_domain;
    struct belfry_list servers; /* server_options, in order of preference */
    struct belfry_list dkim;    /* dkim_options */
    struct belfry_list unless;
    struct belfry_map templates;
    int64_t after_ms, digest_hour;
    int32_t tls;
};

struct email {
    const struct belfry_host *host;
    const struct config *config;
    const struct belfry_addresses_api *addresses;
    const struct belfry_worker_api *worker;
    const struct belfry_http_route_api *http;
    const struct belfry_pages_api *pages;
    struct content *content;
    struct address from;
    uint8_t token_key[32]; /* of token.h */
    size_t busy;           /* what stop() waits for */
    int stopping;
};

/* Something that stop() waits for begins or ends. The last end may call stopped(). */
void email_busy(struct email *e);
void email_idle(struct email *e);

#endif
