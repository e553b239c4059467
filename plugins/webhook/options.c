/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keys of an endpoint are those of the API, with the same meaning. `description` and `metadata` are for people: the
 * hub shows them, nothing here reads them.
 */
#include "options.h"

#include "headers.h"
#include "settings.h"
#include "url.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECRETS_MAX 11 /* one, and ten before it */

struct endpoint {
    const char *name, *url, *description;
    struct belfry_list secrets, types, orgs;
    const struct belfry_condition *when;
    struct belfry_map headers, metadata;
    struct belfry_list format; /* one int32_t, or none */
    struct belfry_list signatures;
    uint8_t handshake;
    int64_t concurrency, rate;
    int32_t order;
};

/* --- the table ---------------------------------------------------------------------------------------------------- */

#define OPTION(kind, opt_name, member_offset, ...)                                                                     \
    {                                                                                                                  \
        .struct_size = sizeof(struct belfry_option), .type = BELFRY_OPT_##kind, .offset = (uint32_t)(member_offset),   \
        .name = (opt_name), __VA_ARGS__                                                                                \
    }
#define OF(member) offsetof(struct endpoint, member)

static const char *const schemes[] = {"http", "https", NULL};
static const char *const orders[] = {"best-effort", "fifo", NULL};

static const struct belfry_option text_element[] = {OPTION(STRING, NULL, 0, .max = 200), {0}};
static const struct belfry_option secret_element[] = {OPTION(STRING, NULL, 0, .flags = BELFRY_OPT_SECRET), {0}};
static const struct belfry_option value_element[] = {OPTION(STRING, NULL, 0, .max = HEADER_VALUE_MAX), {0}};
static const struct belfry_option note_element[] = {OPTION(STRING, NULL, 0, .max = 500), {0}};
static const struct belfry_option wait_element[] = {OPTION(DURATION, NULL, 0, .min = 0, .max = 86400000), {0}};
static const struct belfry_option format_element[] = {OPTION(CHOICE, NULL, 0, .choices = format_names), {0}};
static const struct belfry_option signature_element[] = {OPTION(CHOICE, NULL, 0, .choices = signature_names), {0}};

static const char *const event_paths[] = {"org",     "source", "type", "category", "severity",
                                          "subject", "actor",  "time", "data.*",   NULL};

static const struct belfry_option endpoint_options[] = {
    OPTION(STRING, "name", OF(name), .flags = BELFRY_OPT_REQUIRED | BELFRY_OPT_UNIQUE, .min = 1, .max = 64,
           .doc = "Name of the endpoint, unique within the channel; its state (queue, failures) belongs to the name."),
    OPTION(URL, "url", OF(url), .flags = BELFRY_OPT_REQUIRED, .choices = schemes,
           .doc = "Where events are posted; http or https."),
    OPTION(STRING, "description", OF(description), .max = 500, .doc = "What it is for, for people."),
    OPTION(LIST, "secret", OF(secrets), .flags = BELFRY_OPT_REQUIRED | BELFRY_OPT_SECRET | BELFRY_OPT_SCALAR_LIST,
           .children = secret_element, .min = 1, .max = SECRETS_MAX,
           .doc = "Signing secret, `whsec_` and base64 of 24 to 64 random bytes; several, newest first, while the "
                  "receiver changes from one to the next; for v1a `whsk_` and base64 of 32 random bytes."),
    OPTION(LIST, "types", OF(types), .flags = BELFRY_OPT_SCALAR_LIST, .children = text_element, .min = 1, .max = 100,
           .doc = "Event types that go here: exact, `invoice.*` or `*` (the default)."),
    OPTION(CONDITION, "when", OF(when), .choices = event_paths, .doc = "Only events for which this holds."),
    OPTION(LIST, "orgs", OF(orgs), .flags = BELFRY_OPT_SCALAR_LIST, .children = text_element,
           .doc = "Only events of these orgs; default all."),
    OPTION(MAP, "headers", OF(headers), .flags = BELFRY_OPT_HEADERS, .children = value_element,
           .choices = headers_refused, .max = HEADERS_MAX,
           .doc = "Headers that are added to each request, such as Authorization."),
    OPTION(LIST, "format", OF(format), .flags = BELFRY_OPT_SCALAR_LIST, .children = format_element, .max = 1,
           .doc = "Shape of the body and headers: standard, thin, cloudevents-structured or cloudevents-binary; the "
                  "channel's when absent."),
    OPTION(LIST, "signatures", OF(signatures), .flags = BELFRY_OPT_SCALAR_LIST, .children = signature_element,
           .def = "[v1]", .min = 1, .max = 2,
           .doc = "How requests are signed: v1 (HMAC-SHA256), v1a (Ed25519), or both."),
    OPTION(BOOL, "handshake", OF(handshake), .def = "false",
           .doc = "The receiver is asked for its consent first (abuse protection of CloudEvents)."),
    OPTION(INT, "rate", OF(rate), .min = 1, .max = 1000000,
           .doc = "Deliveries a minute at most; no limit when absent."),
    OPTION(INT, "concurrency", OF(concurrency), .def = "8", .min = 1, .max = 64,
           .doc = "Requests at once to this endpoint."),
    OPTION(CHOICE, "order", OF(order), .def = "best-effort", .choices = orders,
           .doc = "fifo: events of one subject one at a time, in their order; a failing one holds those behind it."),
    OPTION(MAP, "metadata", OF(metadata), .children = note_element, .max = 50,
           .doc = "Notes of yours, shown with the endpoint."),
    {0}};

static const struct belfry_option endpoint_element[] = {
    OPTION(OBJECT, NULL, 0, .children = endpoint_options, .size = sizeof(struct endpoint)), {0}};

const struct belfry_option options_table[] = {
    OPTION(LIST, "endpoints", offsetof(struct config, endpoints), .children = endpoint_element,
           .doc = "Endpoints that get the events which rules send to this channel."),
    OPTION(LIST, "allow_cidrs", offsetof(struct config, allow_cidrs), .flags = BELFRY_OPT_SCALAR_LIST,
           .children = text_element,
           .doc = "Private address ranges that endpoints may be in, such as 10.0.0.0/8; others are refused."),
    OPTION(LIST, "schedule", offsetof(struct config, schedule), .children = wait_element, .max = 30,
           .doc = "Waits before the second and later attempts; default 5s, 5m, 30m, 2h, 5h, 10h, 14h, 20h, 24h."),
    OPTION(DURATION, "timeout", offsetof(struct config, timeout_ms), .def = "15s", .min = 1000, .max = 120000,
           .doc = "How long an endpoint may take to answer, in all."),
    OPTION(CHOICE, "format", offsetof(struct config, format), .def = "standard", .choices = format_names,
           .doc = "Shape of the body and headers, for endpoints that name none."),
    {0}};

/* --- reading ------------------------------------------------------------------------------------------------------ */

static const struct endpoint *endpoint_at(const struct config *config, uint32_t i)
{
    return (const struct endpoint *)(const void *)((const char *)config->endpoints.items +
                                                   (size_t)i * config->endpoints.stride);
}

static const char *text_at(const struct belfry_list *list, uint32_t i)
{
    return *(const char *const *)(const void *)((const char *)list->items + (size_t)i * list->stride);
}

static int32_t choice_at(const struct belfry_list *list, uint32_t i)
{
    return *(const int32_t *)(const void *)((const char *)list->items + (size_t)i * list->stride);
}

static struct belfry_str value_at(const struct belfry_map *map, uint32_t i)
{
    return belfry_str(*(const char *const *)(const void *)((const char *)map->values + (size_t)i * map->stride));
}

static uint32_t signatures_of(const struct endpoint *e)
{
    uint32_t bits = 0;
    for (uint32_t i = 0; i < e->signatures.count; i++)
        bits |= 1u << choice_at(&e->signatures, i);
    return bits;
}

/* The settings as JSON; strings are copied. */
static struct text settings_of(const struct config *config, const struct endpoint *e)
{
    struct text out = {0};
    struct belfry_attr headers[HEADERS_MAX];
    struct settings settings = {.format = (enum format)(e->format.count ? choice_at(&e->format, 0) : config->format),
                                .signatures = signatures_of(e),
                                .handshake = e->handshake,
                                .headers = headers,
                                .header_count = e->headers.count};
    for (uint32_t i = 0; i < e->headers.count; i++)
        headers[i] = (struct belfry_attr){belfry_str(e->headers.keys[i]), value_at(&e->headers, i)};
    settings_write(&settings, &out);
    return out;
}

/* --- checking ----------------------------------------------------------------------------------------------------- */

static belfry_status check_secrets(const struct belfry_host *host, const struct endpoint *e, struct belfry_error *err)
{
    uint32_t kinds = 0, wanted = signatures_of(e);
    for (uint32_t i = 0; i < e->secrets.count; i++) {
        struct key keys[KEYS_OF_SECRET];
        struct belfry_str text = belfry_str(text_at(&e->secrets, i));
        const char *unread, *fault = keys_fault(text);
        size_t count = fault ? 0 : keys_read(text, keys, &unread);
        for (size_t k = 0; k < count; k++)
            kinds |= keys[k].kind == KEY_HMAC ? SIGNATURE_V1 : SIGNATURE_V1A;
        OPENSSL_cleanse(keys, sizeof(keys));
        if (!count)
            return host->fail(err, BELFRY_EINVAL, NULL, "endpoint `%s`: its secret %s", e->name, fault);
    }
    if (wanted & SIGNATURE_V1 & ~kinds)
        return host->fail(
            err, BELFRY_EINVAL, NULL,
            "endpoint `%s`: v1 signs with a secret that begins with whsec_, and there is none in `secret`; "
            "make one with `echo \"whsec_$(openssl rand -base64 32)\"`",
            e->name);
    if (wanted & SIGNATURE_V1A & ~kinds)
        return host->fail(err, BELFRY_EINVAL, NULL,
                          "endpoint `%s`: v1a signs with a key that begins with whsk_, and there is none in `secret`; "
                          "make one with `echo \"whsk_$(openssl rand -base64 32)\"`, and the hub's API shows its "
                          "public half as `public_key`",
                          e->name);
    return BELFRY_OK;
}

static belfry_status check_headers(const struct belfry_host *host, const struct endpoint *e, struct belfry_error *err)
{
    for (uint32_t i = 0; i < e->headers.count; i++) {
        struct belfry_str name = belfry_str(e->headers.keys[i]);
        const char *fault = header_name_fault(name);
        if (!fault)
            fault = header_value_fault(value_at(&e->headers, i));
        for (uint32_t k = 0; !fault && k < i; k++)
            fault = text_same(name, e->headers.keys[k]) ? "is there twice" : NULL;
        if (fault)
            return host->fail(err, BELFRY_EINVAL, NULL, "endpoint `%s`: its header `%s` %s", e->name, name.ptr, fault);
    }
    return BELFRY_OK;
}

static belfry_status check_endpoint(const struct belfry_host *host, const struct endpoint *e, struct belfry_error *err)
{
    const char *fault = url_fault(belfry_str(e->url));
    if (fault)
        return host->fail(err, BELFRY_EINVAL, NULL, "endpoint `%s`: its url %s", e->name, fault);
    belfry_status status = check_secrets(host, e, err);
    return status == BELFRY_OK ? check_headers(host, e, err) : status;
}

belfry_status options_check(const struct belfry_host *host, const struct config *config, struct belfry_error *err)
{
    for (uint32_t i = 0; i < config->endpoints.count; i++) {
        belfry_status status = check_endpoint(host, endpoint_at(config, i), err);
        if (status != BELFRY_OK)
            return status;
    }
    for (uint32_t i = 0; i < config->allow_cidrs.count; i++) {
        const char *range = text_at(&config->allow_cidrs, i);
        if (!url_is_range(range))
            return host->fail(err, BELFRY_EINVAL, NULL,
                              "allow_cidrs: `%s` is no range of addresses, such as 10.0.0.0/8 or fd00::/8", range);
    }
    return BELFRY_OK;
}

static void warn(const struct belfry_host *host, const struct endpoint *e, const char *what)
{
    char line[400];
    snprintf(line, sizeof(line), "endpoint `%s` %s", e->name, what);
    host->log(host, BELFRY_LOG_WARN, line);
}

void options_warn(const struct belfry_host *host, const struct belfry_http_client_api *http,
                  const struct config *config, const char *const *ranges)
{
    for (uint32_t i = 0; i < config->endpoints.count; i++) {
        const struct endpoint *e = endpoint_at(config, i);
        if (signatures_of(e) == SIGNATURE_V1A)
            warn(host, e, "is signed with v1a alone, which most libraries of Standard Webhooks do not verify");
        if (http->refuses(host, e->url, ranges))
            warn(host, e, "leads to a private address, which is refused unless allow_cidrs names its range");
    }
}

/* --- targets ------------------------------------------------------------------------------------------------------ */

const char **options_ranges(const struct config *config)
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

static void spec_fill(const struct config *config, const struct endpoint *e, struct belfry_target_spec *spec)
{
    struct text settings = settings_of(config, e);
    *spec = (struct belfry_target_spec){.struct_size = sizeof(*spec),
                                        .name = e->name,
                                        .url = e->url,
                                        .secret = text_at(&e->secrets, 0),
                                        .types = texts_of(&e->types),
                                        .orgs = texts_of(&e->orgs),
                                        .when = e->when,
                                        .concurrency = (uint32_t)e->concurrency,
                                        .rate_per_minute = (uint32_t)e->rate,
                                        .settings = text_str(&settings),
                                        .secrets = texts_of(&e->secrets),
                                        .order = e->order ? BELFRY_ORDER_FIFO : BELFRY_ORDER_BEST_EFFORT};
}

static void spec_free(struct belfry_target_spec *spec)
{
    free((void *)(uintptr_t)spec->types.items);
    free((void *)(uintptr_t)spec->orgs.items);
    free((void *)(uintptr_t)spec->secrets.items);
    OPENSSL_cleanse((void *)(uintptr_t)spec->settings.ptr, spec->settings.len); /* headers may be credentials */
    free((void *)(uintptr_t)spec->settings.ptr);
}

belfry_status options_declare(const struct belfry_host *host, const struct belfry_targets_api *targets,
                              const struct config *c, struct belfry_error *err)
{
    /* Standard Webhooks 1.0, "Deliverability": ten attempts in three days */
    static const int64_t standard[] = {5000,     300000,   1800000,  7200000, 18000000,
                                       36000000, 50400000, 72000000, 86400000};
    struct belfry_target_spec *specs = calloc(c->endpoints.count + 1, sizeof(*specs));
    for (uint32_t i = 0; i < c->endpoints.count; i++)
        spec_fill(c, endpoint_at(c, i), &specs[i]);
    struct belfry_target_policy policy = {
        .struct_size = sizeof(policy), .attempts = 10, .waits_ms = standard, .timeout_ms = c->timeout_ms};
    if (c->schedule.count) {
        policy.attempts = c->schedule.count + 1;
        policy.waits_ms = c->schedule.items;
    }
    belfry_status status = targets->declare(host, specs, c->endpoints.count, &policy, err);
    for (uint32_t i = 0; i < c->endpoints.count; i++)
        spec_free(&specs[i]);
    free(specs);
    return status;
}
