/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this plugin share. Everything is [loop]. */
#ifndef EMAIL_EMAIL_H
#define EMAIL_EMAIL_H

#include "address.h"
#include "content.h"
#include "token.h"

#include <belfry/host.h>

#define DKIM_KEYS_MAX 8
/* With the longest local part of ours before it, it makes an address. */
#define BOUNCE_DOMAIN_SIZE (ADDRESS_MAX - TOKEN_LOCAL_SIZE + 1)

struct server_options {
    const char *url, *username, *password, *tls_ca;
    int64_t connections;
    int32_t tls; /* BELFRY_SMTP_TLS_* */
};

struct dkim_options {
    const char *selector, *key; /* PEM, or the path of a file of it */
};

enum { UNLESS_SEEN };

struct config {
    const char *smtp, *username, *password, *tls_ca, *from, *bounce_domain;
    struct belfry_list servers; /* server_options, in order of preference */
    struct belfry_list dkim;    /* dkim_options */
    struct belfry_list unless;  /* int32_t: UNLESS_SEEN, and words that only the host reads */
    struct belfry_map templates;
    int64_t after_ms, digest_hour, connections;
    int32_t tls;
};

struct servers;
struct domains;
struct sending;
struct test_limits;
struct dkim_key;

/* What /metrics counts; belfry.metrics/1 has no labels. */
struct counters {
    uint32_t sent, put_off, refused, unknown, unavailable, deferred; /* attempts, by what became of them */
    uint32_t server_faults, policy_refusals;
    uint32_t bounced, bounced_for_now, complaints, unsubscribed; /* what comes back */
    uint32_t servers_down, domains_paused;                       /* gauges */
};

struct email {
    const struct belfry_host *host;
    const struct config *config;
    const struct belfry_smtp_client_api *smtp;
    const struct belfry_addresses_api *addresses;
    const struct belfry_worker_api *worker;
    const struct belfry_metrics_api *metrics;
    const struct belfry_http_route_api *http;
    const struct belfry_pages_api *pages;
    const struct belfry_alarm_api *alarm;
    const struct belfry_calendar_api *calendar;
    const struct belfry_samples_api *samples;
    struct content *content;
    struct address from;
    char bounce_domain[BOUNCE_DOMAIN_SIZE]; /* in A-labels; empty: none */
    struct belfry_str url;                  /* of the hub, for links; without a slash at its end */
    uint8_t token_key[32];                  /* of token.h */
    struct dkim_key *keys[DKIM_KEYS_MAX];
    size_t key_count;
    struct servers *servers;
    struct domains *domains;
    struct sending *open; /* mails under way */
    size_t busy;          /* mails, and reports about addresses, whose end is awaited */
    struct test_limits *test_limits;
    struct counters counters;
    int stopping;
};

/* Something that stop() waits for begins or ends. The last end may call stopped(). */
void email_busy(struct email *e);
void email_idle(struct email *e);

#endif
