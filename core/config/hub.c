/* SPDX-License-Identifier: Apache-2.0 */
/* `hub`: where the process listens, keeps its state and finds its plugins, and what it takes at most. */
#include "config/build.h"

#include "base/crypto.h"
#include "base/id.h"

struct tls_options {
    const char *cert, *key;
};

struct hub_options {
    struct belfry_list listen, trusted_proxies, allowed_origins;
    const char *public_url, *data_dir, *timezone, *plugin_path, *secret;
    struct tls_options *tls;
    uint8_t metrics_by_org;
    struct limit_options {
        int64_t event_bytes, request_bytes, batch_events, connections, pending_bytes, pending_triggers, per_token_rate,
            disk_floor_bytes, endpoints_per_org;
    } limits;
};

#define KIB INT64_C(1024)
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)

const struct belfry_option config_strings[] = {ELEMENT(STRING, .min = 1, .max = 4096), OPTION_END};

static const struct belfry_option tls_table[] = {
    OPTION(struct tls_options, STRING, "cert", cert, .flags = BELFRY_OPT_REQUIRED,
           .doc = "PEM file with the certificate and its chain."),
    OPTION(struct tls_options, STRING, "key", key, .flags = BELFRY_OPT_REQUIRED,
           .doc = "PEM file with the private key."),
    OPTION_END,
};

#define LIMIT(opt_type, key, ...) OPTION(struct limit_options, opt_type, #key, key, __VA_ARGS__)

static const struct belfry_option limits_table[] = {
    LIMIT(SIZE, event_bytes, .def = "512KiB", .min = KIB, .max = 64 * MIB,
          .doc = "Largest trigger; a larger one is 413."),
    LIMIT(SIZE, request_bytes, .def = "8MiB", .min = KIB, .max = GIB, .doc = "Largest request; a larger one is 413."),
    LIMIT(INT, batch_events, .def = "1000", .min = 1, .max = 100000, .doc = "Most triggers in one batch."),
    LIMIT(INT, connections, .def = "12000", .min = 1, .max = 1000000, .doc = "Most HTTP connections at a time."),
    LIMIT(SIZE, pending_bytes, .def = "64MiB", .min = MIB, .max = 64 * GIB,
          .doc = "Requests that wait for the ledger, in bytes; above it triggers are answered 503."),
    LIMIT(INT, pending_triggers, .def = "20000", .min = 1, .max = 10000000,
          .doc = "Triggers that wait for the ledger; above it they are answered 503."),
    LIMIT(INT, per_token_rate, .def = "0", .min = 0, .max = 100000000,
          .doc = "Triggers a minute that one token may send, then 429; 0 is no limit."),
    LIMIT(SIZE, disk_floor_bytes, .def = "64MiB", .min = 0, .max = 1024 * GIB,
          .doc = "Free space of the data directory's disk below which triggers are answered 503."),
    LIMIT(INT, endpoints_per_org, .def = "10000", .min = 0, .max = 1000000,
          .doc = "Webhook endpoints that one org may have, those of YAML among them; then making one is 409."),
    OPTION_END,
};

static const char *const http_schemes[] = {"https", "http", NULL};

#define HUB(opt_type, key, ...) OPTION(struct hub_options, opt_type, #key, key, __VA_ARGS__)

const struct belfry_option config_hub_table[] = {
    HUB(LIST, listen, .flags = BELFRY_OPT_SCALAR_LIST, .children = config_strings, .min = 1, .max = 16,
        .doc = "Address and port, or a list of them; 127.0.0.1:8420 when absent."),
    HUB(URL, public_url, .choices = http_schemes,
        .doc = "How browsers reach the hub, for links in mail; http:// and the first of listen when absent."),
    HUB(STRING, data_dir, .def = "/var/lib/belfry", .min = 1, .max = 4096,
        .doc = "Directory of the database; one process owns it."),
    HUB(STRING, timezone, .def = "UTC", .doc = "IANA zone where neither the person nor the org has one."),
    HUB(STRING, plugin_path, .doc = "Directories with plugins, separated by `:`, before the one of the installation."),
    HUB(OBJECT, tls, .flags = BELFRY_OPT_POINTER, .children = tls_table, .size = sizeof(struct tls_options),
        .doc = "Serve https; both files are read at start."),
    HUB(LIST, trusted_proxies, .flags = BELFRY_OPT_SCALAR_LIST, .children = config_strings,
        .doc = "Addresses or ranges of reverse proxies whose X-Forwarded-For and X-Forwarded-Proto are believed."),
    HUB(LIST, allowed_origins, .flags = BELFRY_OPT_SCALAR_LIST, .children = config_strings,
        .doc = "Origins of applications that embed the elements (CORS)."),
    HUB(STRING, secret, .flags = BELFRY_OPT_SECRET, .min = 1, .max = 128,
        .doc =
            "32 bytes as 64 hex digits or base64, from which keys are derived; made at first start as data_dir/secret "
            "when absent."),
    HUB(BOOL, metrics_by_org, .def = "false",
        .doc = "Label metrics with the org as well; off keeps their number small."),
    HUB(OBJECT, limits, .children = limits_table, .size = sizeof(struct limit_options),
        .doc = "What the hub takes at most."),
    OPTION_END,
};

/* --- checks ------------------------------------------------------------------------------------------------------ */

/* The scheme, host and port of a URL that has more, when they are without fault. */
static void suggest_origin(struct config_build *b, struct diag *d, struct belfry_str url)
{
    const char *scheme = memmem(url.ptr, url.len, "://", 3);
    size_t end = scheme ? (size_t)(scheme - url.ptr) + 3 : url.len;
    while (end < url.len && !memchr("/?#", url.ptr[end], 3))
        end++;
    if (end < url.len && !config_origin_fault(str_slice(url.ptr, end), 0))
        diag_suggest(b->diags, d, arena_printf(diag_arena(b->diags), "%.*s", (int)end, url.ptr));
    else
        diag_help(b->diags, d, "write scheme, host and, if need be, port: https://app.example.org");
}

/* Applies a fault function to every string of a list. help NULL: the values are origins. */
static void check_each(struct config_build *b, const struct yaml_node *node, const char *code,
                       const char *(*fault_of)(struct belfry_str), const char *help)
{
    const struct yaml_node *const *items;
    size_t count = config_items(&node, &items);
    for (size_t i = 0; i < count; i++) {
        if (!config_is_text(items[i]) || items[i]->unresolved)
            continue;
        const char *fault = fault_of(items[i]->text);
        if (!fault)
            continue;
        struct diag *d = config_error(b, code, items[i], "`%s` %s", config_show(b, items[i]->text), fault);
        if (help)
            diag_help(b->diags, d, "%s", help);
        else
            suggest_origin(b, d, items[i]->text);
    }
}

static const char *origin_fault(struct belfry_str origin)
{
    return config_origin_fault(origin, 0);
}

static void check_listen(struct config_build *b, const struct yaml_node *node)
{
    const struct yaml_node *const *items;
    size_t count = config_items(&node, &items);
    for (size_t i = 0; i < count; i++) {
        struct belfry_str text = items[i]->text;
        const char *fault = config_is_text(items[i]) && !items[i]->unresolved ? config_address_fault(text) : NULL;
        if (!fault)
            continue;
        struct diag *d = config_error(b, "H204", items[i], "`%s` %s", config_show(b, text), fault);
        const char *instead = NULL;
        int64_t port;
        if (text.ptr[0] == ':' && str_to_i64(str_slice(text.ptr + 1, text.len - 1), &port) == BELFRY_OK)
            instead = arena_printf(diag_arena(b->diags), "0.0.0.0%s", config_show(b, text));
        else if (str_has_prefix(text, STR("localhost:")))
            instead = arena_printf(diag_arena(b->diags), "127.0.0.1%s", config_show(b, text) + 9);
        diag_suggest(b->diags, d, instead);
        if (!instead)
            diag_help(b->diags, d, "write an address and a port: 127.0.0.1:8420, \"[::1]:8420\"");
    }
}

static void check_public_url(struct config_build *b, const struct yaml_node *node)
{
    /* What is no URL of http or https at all was reported by the walker. */
    if (!config_is_text(node) || node->unresolved || !memmem(node->text.ptr, node->text.len, "://", 3) ||
        !str_has_prefix(node->text, STR("http")))
        return;
    struct belfry_str url = node->text;
    if (url.ptr[url.len - 1] == '/')
        url.len--;
    const char *fault = config_origin_fault(url, 0);
    if (fault)
        suggest_origin(b, config_error(b, "H209", node, "`public_url` %s", fault), url);
}

/* 64 hex digits, base64 of 32 bytes, or 32 bytes. 1 when it was one of them. */
static int read_secret(struct belfry_str text, uint8_t out[32])
{
    struct buf bytes = {0};
    int done = text.len == 32;
    if (done)
        memcpy(out, text.ptr, 32);
    for (size_t i = 0; text.len == 64 && i < 64; i++) {
        const char *digits = "0123456789abcdef", *at = memchr(digits, text.ptr[i] | 32, 16);
        if (!at)
            break;
        out[i / 2] = (uint8_t)((i % 2 ? out[i / 2] << 4 : 0) | (at - digits));
        done = i == 63;
    }
    if (!done && base64_decode(text, 0, &bytes) == BELFRY_OK && bytes.len == 32) {
        memcpy(out, bytes.ptr, 32);
        done = 1;
    }
    buf_free(&bytes);
    return done;
}

static void build_secret(struct config_build *b, const struct yaml_node *node)
{
    struct config_hub *hub = &b->config->hub;
    if (!config_is_text(node) || node->unresolved)
        return;
    hub->has_secret = (uint8_t)read_secret(node->text, hub->secret);
    if (hub->has_secret)
        return;
    struct diag *d = config_error(b, "H603", node, "`hub.secret` is not 32 bytes");
    diag_help(b->diags, d, "write 64 hex digits, as `openssl rand -hex 32` makes them");
}

/* --- the model --------------------------------------------------------------------------------------------------- */

static void fill_limits(struct config_hub *hub, const struct limit_options *in)
{
    hub->limits.event_bytes = in->event_bytes;
    hub->limits.request_bytes = in->request_bytes;
    hub->limits.batch_events = in->batch_events;
    hub->limits.connections = in->connections;
    hub->limits.pending_bytes = in->pending_bytes;
    hub->limits.pending_triggers = in->pending_triggers;
    hub->limits.per_token_rate = in->per_token_rate;
    hub->limits.endpoints_per_org = in->endpoints_per_org;
    hub->limits.disk_floor_bytes = in->disk_floor_bytes;
}

static const char *without_slash(struct arena *arena, const char *url)
{
    size_t len = strlen(url);
    return arena_strndup(arena, url, len - (len > 0 && url[len - 1] == '/'));
}

static void fill_hub(struct config_build *b, const struct hub_options *in)
{
    static const char *const loopback[] = {"127.0.0.1:8420"};
    struct config_hub *hub = &b->config->hub;
    hub->listen = in->listen.count ? in->listen.items : loopback;
    hub->listen_count = in->listen.count ? in->listen.count : 1;
    hub->public_url = in->public_url ? without_slash(b->arena, in->public_url)
                                     : arena_printf(b->arena, "http%s://%s", in->tls ? "s" : "", hub->listen[0]);
    hub->data_dir = in->data_dir;
    hub->timezone = in->timezone;
    hub->plugin_path = in->plugin_path;
    hub->tls_cert = in->tls ? in->tls->cert : NULL;
    hub->tls_key = in->tls ? in->tls->key : NULL;
    hub->metrics_by_org = in->metrics_by_org;
    config_build_names(b, &in->trusted_proxies, &hub->trusted_proxies);
    config_build_names(b, &in->allowed_origins, &hub->allowed_origins);
    fill_limits(hub, &in->limits);
}

void config_build_hub(struct config_build *b)
{
    const struct yaml_node *map = config_map(b, SECTION_HUB);
    const struct hub_options *options = config_fill(b, config_hub_table, map, sizeof(*options), NULL, 0);
    check_listen(b, yaml_get(map, "listen"));
    check_public_url(b, yaml_get(map, "public_url"));
    config_check_timezone(b, yaml_get(map, "timezone"));
    check_each(b, yaml_get(map, "trusted_proxies"), "H204", config_cidr_fault,
               "write an address or a range: 10.0.0.7, 10.0.0.0/8");
    check_each(b, yaml_get(map, "allowed_origins"), "H209", origin_fault, NULL);
    build_secret(b, yaml_get(map, "secret"));
    config_check_tls(b, yaml_get(map, "tls"));
    if (options)
        fill_hub(b, options);
    else /* plugins are looked for all the same */
        b->config->hub.plugin_path = config_is_text(yaml_get(map, "plugin_path"))
                                         ? arena_strndup(b->arena, yaml_get(map, "plugin_path")->text.ptr,
                                                         yaml_get(map, "plugin_path")->text.len)
                                         : NULL;
}
