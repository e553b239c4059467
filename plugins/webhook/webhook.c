/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The webhook delivery: one signed POST for each event and endpoint (Standard Webhooks 1.0).
 *
 * The host owns endpoints, queues and the retry policy; this plugin declares what YAML names, signs, sends, and says
 * what came back. webhook-id is the event's, so it is the same for every endpoint, retry and resend; the timestamp is
 * the attempt's.
 */
#include "answer.h"
#include "record.h"
#include "sign.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RESPONSE_MAX (24 * 1024)
#define CONNECT_TIMEOUT_MS 5000

struct endpoint {
    const char *name, *url, *secret;
    struct belfry_list types, orgs;
    const struct belfry_condition *when;
    int64_t concurrency;
};

struct config {
    struct belfry_list allow_cidrs; /* const char * */
    struct belfry_list endpoints;
    struct belfry_list schedule; /* int64_t ms */
    int64_t timeout_ms;
    int32_t format;
};

struct webhook {
    const struct belfry_host *host;
    const struct belfry_http_client_api *http;
    const struct belfry_targets_api *targets;
    const struct config *config;
    const char **cidrs; /* ends at NULL */
    struct evp_mac_ctx_st *sign;
    struct sending *open;
    int stopping;
};

struct sending {
    struct sending *next, **link;
    struct webhook *webhook;
    uint64_t batch, call;
    char id[64], timestamp[24], signature[SIGN_TEXT_SIZE];
    struct belfry_attr headers[4];
    char *url;
};

/* --- options ------------------------------------------------------------------------------------------------------ */

#define OPTION(kind, opt_name, member_offset, ...)                                                                     \
    {                                                                                                                  \
        .struct_size = sizeof(struct belfry_option), .type = BELFRY_OPT_##kind, .offset = (uint32_t)(member_offset),   \
        .name = (opt_name), __VA_ARGS__                                                                                \
    }

static const char *const schemes[] = {"http", "https", NULL};
static const char *const formats[] = {"standard", NULL};

static const struct belfry_option text_element[] = {OPTION(STRING, NULL, 0, .max = 200), {0}};
static const struct belfry_option wait_element[] = {OPTION(DURATION, NULL, 0, .min = 0, .max = 86400000), {0}};

static const char *const event_paths[] = {"org",     "source", "type", "category", "severity",
                                          "subject", "actor",  "time", "data.*",   NULL};

static const struct belfry_option endpoint_options[] = {
    OPTION(STRING, "name", offsetof(struct endpoint, name), .flags = BELFRY_OPT_REQUIRED | BELFRY_OPT_UNIQUE, .max = 64,
           .doc = "Name of the endpoint, unique within the channel; its state (queue, failures) belongs to the name."),
    OPTION(URL, "url", offsetof(struct endpoint, url), .flags = BELFRY_OPT_REQUIRED, .choices = schemes,
           .doc = "Where events are posted; http or https."),
    OPTION(STRING, "secret", offsetof(struct endpoint, secret), .flags = BELFRY_OPT_REQUIRED | BELFRY_OPT_SECRET,
           .doc = "Signing secret, `whsec_` and base64 of 24 to 64 random bytes."),
    OPTION(LIST, "types", offsetof(struct endpoint, types), .flags = BELFRY_OPT_SCALAR_LIST, .children = text_element,
           .doc = "Event types that go here: exact, `invoice.*` or `*` (the default)."),
    OPTION(CONDITION, "when", offsetof(struct endpoint, when), .choices = event_paths,
           .doc = "Only events for which this holds."),
    OPTION(LIST, "orgs", offsetof(struct endpoint, orgs), .flags = BELFRY_OPT_SCALAR_LIST, .children = text_element,
           .doc = "Only events of these orgs; default all."),
    OPTION(INT, "concurrency", offsetof(struct endpoint, concurrency), .def = "8", .min = 1, .max = 64,
           .doc = "Requests at once to this endpoint."),
    {0}};

static const struct belfry_option endpoint_element[] = {
    OPTION(OBJECT, NULL, 0, .children = endpoint_options, .size = sizeof(struct endpoint)), {0}};

static const struct belfry_option options[] = {
    OPTION(LIST, "endpoints", offsetof(struct config, endpoints), .children = endpoint_element,
           .doc = "Endpoints that get the events which rules send to this channel."),
    OPTION(LIST, "allow_cidrs", offsetof(struct config, allow_cidrs), .flags = BELFRY_OPT_SCALAR_LIST,
           .children = text_element,
           .doc = "Private address ranges that endpoints may be in, such as 10.0.0.0/8; others are refused."),
    OPTION(LIST, "schedule", offsetof(struct config, schedule), .children = wait_element, .max = 30,
           .doc = "Waits before the second and later attempts; default 5s, 5m, 30m, 2h, 5h, 10h, 14h, 20h, 24h."),
    OPTION(DURATION, "timeout", offsetof(struct config, timeout_ms), .def = "15s", .min = 1000, .max = 120000,
           .doc = "How long an endpoint may take to answer."),
    OPTION(CHOICE, "format", offsetof(struct config, format), .def = "standard", .choices = formats,
           .doc = "Shape of the body and headers."),
    {0}};

/* --- answers ------------------------------------------------------------------------------------------------------ */

static void sending_free(struct sending *s)
{
    struct webhook *w = s->webhook;
    *s->link = s->next;
    if (s->next)
        s->next->link = s->link;
    free(s->url);
    free(s);
    if (w->stopping && !w->open)
        w->host->stopped(w->host);
}

static void on_answer(void *arg, const struct belfry_http_answer *answer)
{
    struct sending *s = arg;
    const struct belfry_host *host = s->webhook->host;
    char class[32], detail[200];
    char *record = record_make(belfry_str(s->url), s->headers, 4, answer);
    snprintf(detail, sizeof(detail), "%s%s%.*s", record_class(answer, class), answer->error ? ": " : "",
             answer->error ? (int)answer->error_text.len : 0, answer->error ? answer->error_text.ptr : "");
    struct belfry_result result = {.struct_size = sizeof(result),
                                   .outcome = answer_outcome(answer),
                                   .code = (int32_t)answer->status,
                                   .retry_after_ms = answer_retry_after_ms(answer, host->now_ms(host)),
                                   .detail = belfry_str(detail),
                                   .record = belfry_str(record ? record : "{}")};
    host->complete(host, s->batch, &result, 1);
    free(record);
    sending_free(s);
}

/* --- sending ------------------------------------------------------------------------------------------------------ */

static void refuse(struct webhook *w, uint64_t batch, uint32_t outcome, const char *detail)
{
    struct belfry_result result = {.struct_size = sizeof(result), .outcome = outcome, .detail = belfry_str(detail)};
    w->host->complete(w->host, batch, &result, 1);
}

static int sign(struct sending *s, const struct belfry_batch *batch, const char **fault)
{
    const struct belfry_item *item = batch->items[0];
    int64_t now = s->webhook->host->now_ms(s->webhook->host) / 1000;
    uint8_t key[SIGN_KEY_MAX];
    size_t key_len = sign_key(batch->target->secret, key, fault);
    if (!key_len)
        return -1;
    snprintf(s->id, sizeof(s->id), "msg_%.*s", (int)item->event_id.len, item->event_id.ptr);
    snprintf(s->timestamp, sizeof(s->timestamp), "%" PRId64, now);
    sign_v1(s->webhook->sign, key, key_len, belfry_str(s->id), now, item->payload, s->signature);
    OPENSSL_cleanse(key, sizeof(key));
    s->headers[0] = (struct belfry_attr){belfry_str("Content-Type"), belfry_str("application/json")};
    s->headers[1] = (struct belfry_attr){belfry_str("webhook-id"), belfry_str(s->id)};
    s->headers[2] = (struct belfry_attr){belfry_str("webhook-timestamp"), belfry_str(s->timestamp)};
    s->headers[3] = (struct belfry_attr){belfry_str("webhook-signature"), belfry_str(s->signature)};
    return 0;
}

static void deliver(void *self, const struct belfry_batch *batch)
{
    struct webhook *w = self;
    const char *fault = NULL;
    struct sending *s = calloc(1, sizeof(*s));
    s->webhook = w;
    s->batch = batch->id;
    s->url = strndup(batch->target->url.ptr, batch->target->url.len);
    s->next = w->open;
    s->link = &w->open;
    if (s->next)
        s->next->link = &s->next;
    w->open = s;
    if (sign(s, batch, &fault) != 0) {
        refuse(w, batch->id, BELFRY_REJECTED, "the endpoint's secret cannot be used");
        sending_free(s);
        return;
    }
    struct belfry_http_call call = {.struct_size = sizeof(call),
                                    .method = "POST",
                                    .url = s->url,
                                    .headers = s->headers,
                                    .header_count = 4,
                                    .body = batch->items[0]->payload,
                                    .timeout_ms = w->config->timeout_ms,
                                    .connect_timeout_ms = CONNECT_TIMEOUT_MS,
                                    .max_response = RESPONSE_MAX,
                                    .allow_cidrs = w->cidrs};
    if (w->http->request(w->host, &call, on_answer, s, &s->call) == BELFRY_OK)
        return;
    refuse(w, batch->id, BELFRY_REJECTED, "the endpoint's URL cannot be used");
    sending_free(s);
}

static void cancel(void *self, uint64_t batch)
{
    struct webhook *w = self;
    for (struct sending *s = w->open; s; s = s->next)
        if (s->batch == batch) {
            w->http->cancel(w->host, s->call);
            return;
        }
}

/* --- life --------------------------------------------------------------------------------------------------------- */

static const struct endpoint *endpoint_at(const struct config *config, uint32_t i)
{
    return (const struct endpoint *)(const void *)((const char *)config->endpoints.items +
                                                   (size_t)i * config->endpoints.stride);
}

static const char *text_at(const struct belfry_list *list, uint32_t i)
{
    return *(const char *const *)(const void *)((const char *)list->items + (size_t)i * list->stride);
}

/* "10.0.0.0/8", "fd00::/8" or one address. */
static int is_cidr(const char *text)
{
    char address[64];
    unsigned char bytes[16];
    size_t len = strcspn(text, "/");
    if (len >= sizeof(address))
        return 0;
    memcpy(address, text, len);
    address[len] = '\0';
    int most = inet_pton(AF_INET, address, bytes) == 1 ? 32 : inet_pton(AF_INET6, address, bytes) == 1 ? 128 : 0;
    if (!most || !text[len])
        return most != 0;
    const char *bits = text + len + 1;
    size_t digits = strspn(bits, "0123456789");
    return digits > 0 && digits <= 3 && !bits[digits] && atoi(bits) <= most;
}

/* A user name or password before the host: nothing sends it, and https://good.example@10.0.0.1/ misleads. */
static int has_user(const char *url)
{
    const char *host = strstr(url, "://");
    return host && memchr(host + 3, '@', strcspn(host + 3, "/?#"));
}

/* What the option table cannot say. */
static belfry_status check(const struct belfry_host *host, const struct config *config, struct belfry_error *err)
{
    for (uint32_t i = 0; i < config->endpoints.count; i++) {
        const struct endpoint *e = endpoint_at(config, i);
        uint8_t key[SIGN_KEY_MAX];
        const char *fault = NULL;
        if (!sign_key(belfry_str(e->secret), key, &fault))
            return host->fail(err, BELFRY_EINVAL, NULL, "endpoint `%s`: its secret %s", e->name, fault);
        OPENSSL_cleanse(key, sizeof(key));
        if (has_user(e->url))
            return host->fail(err, BELFRY_EINVAL, NULL,
                              "endpoint `%s`: its url must not hold a user name or password; receivers know us by the "
                              "signature",
                              e->name);
    }
    for (uint32_t i = 0; i < config->allow_cidrs.count; i++) {
        const char *cidr = text_at(&config->allow_cidrs, i);
        if (!is_cidr(cidr))
            return host->fail(err, BELFRY_EINVAL, NULL,
                              "allow_cidrs: `%s` is no range of addresses, such as 10.0.0.0/8 or fd00::/8", cidr);
    }
    return BELFRY_OK;
}

static const char **cidrs_of(const struct config *config)
{
    const char **out = calloc(config->allow_cidrs.count + 1, sizeof(*out));
    for (uint32_t i = 0; i < config->allow_cidrs.count; i++)
        out[i] = text_at(&config->allow_cidrs, i);
    return out;
}

static struct belfry_strs texts_of(const struct belfry_list *list)
{
    struct belfry_str *items = calloc(list->count + 1, sizeof(*items));
    for (uint32_t i = 0; i < list->count; i++)
        items[i] = belfry_str(text_at(list, i));
    return (struct belfry_strs){items, list->count};
}

static belfry_status declare(struct webhook *w, const struct config *c, struct belfry_error *err)
{
    static const int64_t standard[] = {5000,     300000,   1800000,  7200000, 18000000,
                                       36000000, 50400000, 72000000, 86400000};
    struct belfry_target_spec *specs = calloc(c->endpoints.count + 1, sizeof(*specs));
    for (uint32_t i = 0; i < c->endpoints.count; i++) {
        const struct endpoint *e = endpoint_at(c, i);
        specs[i] = (struct belfry_target_spec){.struct_size = sizeof(specs[i]),
                                               .name = e->name,
                                               .url = e->url,
                                               .secret = e->secret,
                                               .types = texts_of(&e->types),
                                               .orgs = texts_of(&e->orgs),
                                               .when = e->when,
                                               .concurrency = (uint32_t)e->concurrency};
    }
    struct belfry_target_policy policy = {
        .struct_size = sizeof(policy), .attempts = 10, .waits_ms = standard, .timeout_ms = c->timeout_ms};
    if (c->schedule.count) {
        policy.attempts = c->schedule.count + 1;
        policy.waits_ms = c->schedule.items;
    }
    belfry_status status = w->targets->declare(w->host, specs, c->endpoints.count, &policy, err);
    for (uint32_t i = 0; i < c->endpoints.count; i++) {
        free((void *)(uintptr_t)specs[i].types.items);
        free((void *)(uintptr_t)specs[i].orgs.items);
    }
    free(specs);
    return status;
}

static belfry_status create(const struct belfry_host *host, const void *config, void **self, struct belfry_error *err)
{
    belfry_status status = check(host, config, err);
    if (status != BELFRY_OK)
        return status;
    struct webhook *w = calloc(1, sizeof(*w));
    w->host = host;
    w->config = config;
    w->http = host->get_extension(host, BELFRY_EXT_HTTP_CLIENT);
    w->targets = host->get_extension(host, BELFRY_EXT_TARGETS);
    w->cidrs = cidrs_of(config);
    w->sign = sign_new();
    *self = w;
    return BELFRY_OK;
}

static belfry_status start(void *self, struct belfry_error *err)
{
    struct webhook *w = self;
    return declare(w, w->config, err);
}

/* New endpoints under the same instance: what is under way finishes with what it began with. The old configuration
 * stays in force until the new one was taken whole. */
static belfry_status reload(void *self, const void *config, struct belfry_error *err)
{
    struct webhook *w = self;
    belfry_status status = check(w->host, config, err);
    if (status == BELFRY_OK)
        status = declare(w, config, err);
    if (status != BELFRY_OK)
        return status;
    free(w->cidrs);
    w->config = config;
    w->cidrs = cidrs_of(config);
    return BELFRY_OK;
}

static void stop(void *self)
{
    struct webhook *w = self;
    w->stopping = 1;
    if (!w->open)
        w->host->stopped(w->host);
}

static void destroy(void *self)
{
    struct webhook *w = self;
    while (w->open) {
        struct sending *s = w->open;
        w->open = s->next;
        free(s->url);
        free(s);
    }
    free(w->cidrs);
    EVP_MAC_CTX_free(w->sign);
    free(w);
}

static const struct belfry_delivery delivery = {.struct_size = sizeof(delivery),
                                                .flags = BELFRY_DELIVERY_PER_TARGET,
                                                .max_batch = 1,
                                                .max_inflight = 256,
                                                .deliver = deliver,
                                                .cancel = cancel};

static const struct belfry_role roles[] = {{"belfry.delivery/1", &delivery}, {0}};
static const char *const needs[] = {BELFRY_EXT_HTTP_CLIENT, BELFRY_EXT_TARGETS, NULL};

static const struct belfry_plugin plugin = {.struct_size = sizeof(plugin),
                                            .id = "webhook",
                                            .version = "1.0.0",
                                            .summary = "Signed webhooks to endpoints (Standard Webhooks)",
                                            .roles = roles,
                                            .needs = needs,
                                            .options = options,
                                            .config_size = sizeof(struct config),
                                            .create = create,
                                            .start = start,
                                            .stop = stop,
                                            .destroy = destroy,
                                            .reload = reload};

BELFRY_PLUGIN(plugin);
