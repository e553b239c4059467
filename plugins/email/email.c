/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The email delivery: the host says when a mail is due and has asked every gate; this plugin writes it, signs it, hands
 * it to a server and says what came back. It never waits or tries again by itself.
 */
#include "email.h"

#include "deliver.h"
#include "dkim.h"
#include "domain.h"
#include "feedback.h"
#include "preview.h"
#include "server.h"
#include "test_mail.h"
#include "unsubscribe.h"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Servers may take their time after the dot (RFC 5321, 4.5.3.2.6, wants ten minutes for it): what is given up then is
 * `unknown`, and sent twice. More would block a connection for too long. */
#define TIMEOUT_MS (120 * INT64_C(1000))

/* --- options ------------------------------------------------------------------------------------------------------ */

#define OPTION(kind, opt_name, member_offset, ...)                                                                     \
    {                                                                                                                  \
        .struct_size = sizeof(struct belfry_option), .type = BELFRY_OPT_##kind, .offset = (uint32_t)(member_offset),   \
        .name = (opt_name), __VA_ARGS__                                                                                \
    }

static const char *const schemes[] = {"smtp", "smtps", NULL};
static const char *const tls_modes[] = {"auto", "required", "off", NULL};              /* BELFRY_SMTP_TLS_* */
static const char *const unless_words[] = {"seen", "read", "handled", "hidden", NULL}; /* UNLESS_* */

static const struct belfry_option unless_element[] = {OPTION(CHOICE, NULL, 0, .choices = unless_words), {0}};

static const struct belfry_option server_options[] = {
    OPTION(URL, "url", offsetof(struct server_options, url), .flags = BELFRY_OPT_REQUIRED, .choices = schemes,
           .doc = "smtp://HOST[:25] or smtps://HOST[:465]."),
    OPTION(STRING, "username", offsetof(struct server_options, username), .requires_ = "password",
           .doc = "Name for AUTH; a server that does not offer it gets no mail."),
    OPTION(STRING, "password", offsetof(struct server_options, password), .flags = BELFRY_OPT_SECRET,
           .requires_ = "username", .doc = "Password for AUTH."),
    OPTION(CHOICE, "tls", offsetof(struct server_options, tls), .def = "auto", .choices = tls_modes,
           .doc = "auto: STARTTLS is required except to a loopback address; required: there too; off: never, loopback "
                  "only."),
    OPTION(STRING, "tls_ca", offsetof(struct server_options, tls_ca),
           .doc = "File with the certificates (PEM) that the server's is checked against; default the system's."),
    OPTION(INT, "connections", offsetof(struct server_options, connections), .def = "4", .min = 1, .max = 64,
           .doc = "Connections to this server at once."),
    {0}};
static const struct belfry_option server_element[] = {
    OPTION(OBJECT, NULL, 0, .children = server_options, .size = sizeof(struct server_options)), {0}};

static const struct belfry_option dkim_options[] = {
    OPTION(STRING, "selector", offsetof(struct dkim_options, selector),
           .flags = BELFRY_OPT_REQUIRED | BELFRY_OPT_UNIQUE, .max = 63,
           .doc = "Selector: the key's record is SELECTOR._domainkey.DOMAIN."),
    OPTION(STRING, "key", offsetof(struct dkim_options, key), .flags = BELFRY_OPT_REQUIRED | BELFRY_OPT_SECRET,
           .doc = "Private key in PEM, or the path of a file that holds it."),
    {0}};
static const struct belfry_option dkim_element[] = {
    OPTION(OBJECT, NULL, 0, .children = dkim_options, .size = sizeof(struct dkim_options)), {0}};

static const struct belfry_option options[] = {
    OPTION(URL, "smtp", offsetof(struct config, smtp), .choices = schemes, .conflicts = "servers",
           .doc = "The mail server: smtp://HOST[:25] or smtps://HOST[:465]."),
    OPTION(LIST, "servers", offsetof(struct config, servers), .children = server_element, .min = 1, .max = 16,
           .conflicts = "smtp", .doc = "Several mail servers, the first that works is used."),
    OPTION(STRING, "username", offsetof(struct config, username), .requires_ = "password", .conflicts = "servers",
           .doc = "Name for AUTH at `smtp`; a server that does not offer it gets no mail."),
    OPTION(STRING, "password", offsetof(struct config, password), .flags = BELFRY_OPT_SECRET, .requires_ = "username",
           .doc = "Password for AUTH."),
    OPTION(CHOICE, "tls", offsetof(struct config, tls), .def = "auto", .choices = tls_modes, .conflicts = "servers",
           .doc =
               "Of `smtp`: auto: STARTTLS is required except to a loopback address; required: there too; off: never, "
               "loopback only."),
    OPTION(STRING, "tls_ca", offsetof(struct config, tls_ca), .conflicts = "servers",
           .doc = "Of `smtp`: file with the certificates (PEM) that the server's is checked against; default the "
                  "system's."),
    OPTION(INT, "connections", offsetof(struct config, connections), .def = "4", .min = 1, .max = 64,
           .conflicts = "servers", .doc = "Connections to `smtp` at once."),
    OPTION(STRING, "from", offsetof(struct config, from), .flags = BELFRY_OPT_REQUIRED, .max = 600,
           .doc = "Sender: `Acme <notify@acme.example>`."),
    OPTION(DURATION, "after", offsetof(struct config, after_ms), .def = "5m", .min = 0, .max = INT64_C(31622400000),
           .doc = "How long something may wait in the inbox before it is mailed, where a rule says nothing."),
    OPTION(LIST, "unless", offsetof(struct config, unless), .flags = BELFRY_OPT_SCALAR_LIST, .def = "[seen, handled]",
           .children = unless_element,
           .doc = "What makes a mail needless when it is due, where a rule says nothing: seen, read, handled, hidden."),
    OPTION(LIST, "dkim", offsetof(struct config, dkim), .children = dkim_element, .max = 8,
           .doc = "Keys that every mail is signed with; `belfry dkim keygen` makes one."),
    OPTION(STRING, "bounce_domain", offsetof(struct config, bounce_domain), .max = 253,
           .doc = "Domain whose mail comes back to `belfry bounce`; without it bounces go to `from`."),
    OPTION(INT, "digest_hour", offsetof(struct config, digest_hour), .def = "8", .min = 0, .max = 23,
           .doc = "Hour of the day, in each person's zone, at which digests go out to whoever chose none."),
    OPTION(MAP, "templates", offsetof(struct config, templates), .children = content_templates_option, .max = 200,
           .doc = "What mails say, by event type, `prefix.*`, default, digest, catch_up or layout."),
    {0}};

/* --- what the option table cannot say ----------------------------------------------------------------------------- */

static belfry_status read_from(struct email *e, struct belfry_error *err)
{
    const char *fault = NULL;
    if (!address_read_named(belfry_str(e->config->from), &e->from, &fault))
        return e->host->fail(err, BELFRY_EINVAL, NULL,
                             "from: the address %s; write `Acme <notify@acme.example>`, or the address alone", fault);
    return BELFRY_OK;
}

/* Domains of addresses that are made up later: long enough for the longest of them. */
static belfry_status read_bounce_domain(struct email *e, struct belfry_error *err)
{
    const char *domain = e->config->bounce_domain, *fault = NULL;
    char text[ADDRESS_MAX + 64];
    struct address longest;
    if (!domain)
        return BELFRY_OK;
    snprintf(text, sizeof(text), "%0*d@%s", TOKEN_LOCAL_SIZE - 1, 0, domain);
    if (!address_read(belfry_str(text), &longest, &fault))
        return e->host->fail(err, BELFRY_EINVAL, NULL,
                             "bounce_domain: `%s` is no domain that mail can come back to, such as "
                             "bounce.acme.example: an address in it %s",
                             domain, fault);
    memcpy(e->bounce_domain, longest.domain, strlen(longest.domain) + 1);
    return BELFRY_OK;
}

static const struct dkim_options *dkim_at(const struct config *config, uint32_t i)
{
    return (const struct dkim_options *)(const void *)((const char *)config->dkim.items +
                                                       (size_t)i * config->dkim.stride);
}

#define KEY_SIZE_MAX 16384

/* The file's text, or -1. It holds a private key: whoever gets it wipes it. */
static ssize_t read_file(const char *path, char out[KEY_SIZE_MAX])
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t len = 0, n = fd < 0 ? -1 : 1;
    while (n > 0 && len < KEY_SIZE_MAX) {
        n = read(fd, out + len, (size_t)(KEY_SIZE_MAX - len));
        len += n > 0 ? n : 0;
    }
    if (fd >= 0)
        close(fd);
    return n < 0 ? -1 : len;
}

/* [start] The key itself, or a file that holds it. */
static belfry_status read_key(struct email *e, const struct dkim_options *o, struct belfry_error *err)
{
    const char *fault = NULL;
    char file[KEY_SIZE_MAX];
    struct belfry_str pem = belfry_str(o->key);
    if (!strstr(o->key, "-----BEGIN")) {
        ssize_t len = o->key[0] == '/' ? read_file(o->key, file) : -1;
        if (len < 0)
            return e->host->fail(err, BELFRY_EINVAL, NULL,
                                 "dkim: the key of selector `%s` is neither a private key in PEM nor the absolute path "
                                 "of a file that can be read; `belfry dkim keygen` makes one",
                                 o->selector);
        pem = (struct belfry_str){file, (size_t)len};
    }
    struct dkim_key *key = dkim_key_read(o->selector, pem, &fault);
    OPENSSL_cleanse(file, sizeof(file));
    if (!key)
        return e->host->fail(err, BELFRY_EINVAL, NULL, "dkim: the key of selector `%s` %s", o->selector, fault);
    e->keys[e->key_count++] = key;
    return BELFRY_OK;
}

static belfry_status read_keys(struct email *e, struct belfry_error *err)
{
    for (uint32_t i = 0; i < e->config->dkim.count && i < DKIM_KEYS_MAX; i++) {
        belfry_status status = read_key(e, dkim_at(e->config, i), err);
        if (status != BELFRY_OK)
            return status;
    }
    return BELFRY_OK;
}

/* --- life --------------------------------------------------------------------------------------------------------- */

void email_busy(struct email *e)
{
    e->busy++;
}

void email_idle(struct email *e)
{
    if (--e->busy == 0 && e->stopping)
        e->host->stopped(e->host);
}

static void extensions(struct email *e)
{
    const struct belfry_host *host = e->host;
    const struct belfry_secret_api *secret = host->get_extension(host, BELFRY_EXT_SECRET);
    const struct belfry_site_api *site = host->get_extension(host, BELFRY_EXT_SITE);
    e->smtp = host->get_extension(host, BELFRY_EXT_SMTP_CLIENT);
    e->addresses = host->get_extension(host, BELFRY_EXT_ADDRESSES);
    e->worker = host->get_extension(host, BELFRY_EXT_WORKER);
    e->metrics = host->get_extension(host, BELFRY_EXT_METRICS);
    e->http = host->get_extension(host, BELFRY_EXT_HTTP_ROUTE);
    e->pages = host->get_extension(host, BELFRY_EXT_PAGES);
    e->alarm = host->get_extension(host, BELFRY_EXT_ALARM);
    e->calendar = host->get_extension(host, BELFRY_EXT_CALENDAR);
    e->samples = host->get_extension(host, BELFRY_EXT_SAMPLES);
    secret->derive(host, "mail tokens", e->token_key);
    e->url = site->url(host);
}

static void destroy(void *self)
{
    struct email *e = self;
    for (size_t i = 0; i < e->key_count; i++)
        dkim_key_free(e->keys[i]);
    content_free(e->content);
    domains_free(e->domains);
    test_limits_free(e->test_limits);
    free(e->servers);
    OPENSSL_cleanse(e->token_key, sizeof(e->token_key));
    free(e);
}

static belfry_status create(const struct belfry_host *host, const void *config, void **self, struct belfry_error *err)
{
    struct email *e = calloc(1, sizeof(*e));
    if (!e)
        return host->fail(err, BELFRY_ENOMEM, NULL, "out of memory");
    e->host = host;
    e->config = config;
    e->servers = calloc(1, sizeof(*e->servers));
    e->domains = domains_new();
    e->test_limits = test_limits_new();
    belfry_status status = BELFRY_ENOMEM;
    if (e->servers && e->domains && e->test_limits)
        status = servers_read(e->servers, host, config, err);
    if (status == BELFRY_OK)
        status = read_from(e, err);
    if (status == BELFRY_OK)
        status = read_bounce_domain(e, err);
    if (status != BELFRY_OK) {
        destroy(e);
        return status;
    }
    extensions(e);
    *self = e;
    return BELFRY_OK;
}

static belfry_status make_metrics(struct email *e)
{
    const struct {
        uint32_t *id;
        const char *name, *help;
    } counters[] = {
        {&e->counters.sent, "email_sent_total", "Mails that a server took."},
        {&e->counters.put_off, "email_put_off_total",
         "Attempts that a server put off (4xx), or in which it fell silent."},
        {&e->counters.refused, "email_refused_total", "Mails that a server refused for good (5xx)."},
        {&e->counters.unknown, "email_unknown_total", "Mails whose end is not known: no answer after the final dot."},
        {&e->counters.unavailable, "email_unavailable_total", "Mails that found no server that takes mail."},
        {&e->counters.deferred, "email_deferred_total", "Mails that waited because the recipient's domain rests."},
        {&e->counters.server_faults, "email_server_faults_total",
         "Servers that could not be reached, did not greet, or failed at TLS or AUTH."},
        {&e->counters.bounced, "email_bounced_total", "Mails that came back: there is no such address."},
        {&e->counters.bounced_for_now, "email_bounced_for_now_total", "Mails that came back for another reason."},
        {&e->counters.complaints, "email_complaints_total", "Mails that their readers called junk."},
        {&e->counters.unsubscribed, "email_unsubscribed_total",
         "Times that a reader stopped mail, by link, page or mail."},
        {&e->counters.policy_refusals, "email_policy_refusals_total",
         "Mails that a domain did not take because of who sends: SPF, DKIM, DMARC, reverse DNS, reputation."},
    };
    for (size_t i = 0; i < sizeof(counters) / sizeof(counters[0]); i++)
        if (e->metrics->counter(e->host, counters[i].name, counters[i].help, counters[i].id) != BELFRY_OK)
            return BELFRY_ELIMIT;
    if (e->metrics->gauge(e->host, "email_servers_down", "Mail servers that took no mail when last asked.",
                          &e->counters.servers_down) != BELFRY_OK)
        return BELFRY_ELIMIT;
    return e->metrics->gauge(e->host, "email_domains_resting", "Recipient domains that mail waits for.",
                             &e->counters.domains_paused);
}

static belfry_status start(void *self, struct belfry_error *err)
{
    struct email *e = self;
    belfry_status status = read_keys(e, err);
    if (status == BELFRY_OK && make_metrics(e) != BELFRY_OK)
        status = e->host->fail(err, BELFRY_ELIMIT, NULL, "there is no room for the metrics of mail");
    if (status == BELFRY_OK)
        status = content_start(e->host, err); /* and the texts of all pages */
    if (status == BELFRY_OK)
        status = unsubscribe_start(e, err);
    feedback_start();
    if (status != BELFRY_OK)
        return status;
    e->content = content_new(e->host, &e->config->templates, err);
    return e->content ? BELFRY_OK : BELFRY_EINVAL;
}

static void stop(void *self)
{
    struct email *e = self;
    e->stopping = 1;
    email_cancel_all(e);
    if (e->busy == 0)
        e->host->stopped(e->host);
}

static uint32_t inflight(void *self)
{
    const struct email *e = self;
    return servers_room(e->servers);
}

static const struct belfry_delivery delivery = {.struct_size = sizeof(delivery),
                                                .flags = BELFRY_DELIVERY_PER_RECIPIENT | BELFRY_DELIVERY_DIGEST |
                                                         BELFRY_DELIVERY_PREFERENCE,
                                                .max_batch = 50,
                                                .max_inflight = 128,
                                                .deliver = email_deliver,
                                                .cancel = email_cancel,
                                                .timeout_ms = TIMEOUT_MS,
                                                .inflight = inflight};

static const struct belfry_role roles[] = {
    {"belfry.delivery/1", &delivery}, {"belfry.feedback/1", &feedback_role}, {0}};

static const char *const needs[] = {BELFRY_EXT_SMTP_CLIENT, BELFRY_EXT_ADDRESSES,  BELFRY_EXT_WORKER,
                                    BELFRY_EXT_METRICS,     BELFRY_EXT_SECRET,     BELFRY_EXT_SITE,
                                    BELFRY_EXT_PAGES,       BELFRY_EXT_HTTP_ROUTE, BELFRY_EXT_CALENDAR,
                                    BELFRY_EXT_ALARM,       BELFRY_EXT_SAMPLES,    NULL};

#define ROUTE(verb, path, who, limit, fn)                                                                              \
    {                                                                                                                  \
        .struct_size = sizeof(struct belfry_route), .method = (verb), .pattern = (path), .auth = (who),                \
        .body_limit = (limit), .handle = (fn)                                                                          \
    }

static const struct belfry_route routes[] = {
    ROUTE("POST", "/v1/{org}/channels/{instance}/test", "role:admin|token:admin", 4096, test_mail_route),
    ROUTE("POST", "/v1/{org}/templates/preview", "role:admin|token:admin", PREVIEW_BODY_MAX, preview_route),
    ROUTE("GET", "/{org}/u/{token}", "none", 0, unsubscribe_get),
    ROUTE("POST", "/{org}/u/{token}", "none", UNSUBSCRIBE_BODY, unsubscribe_post),
    {0}};

static const struct belfry_plugin plugin = {.struct_size = sizeof(plugin),
                                            .id = "email",
                                            .version = "1.0.0",
                                            .summary = "Mail to people, single and in digests, over SMTP",
                                            .roles = roles,
                                            .needs = needs,
                                            .options = options,
                                            .config_size = sizeof(struct config),
                                            .routes = routes,
                                            .create = create,
                                            .start = start,
                                            .stop = stop,
                                            .destroy = destroy};

BELFRY_PLUGIN(plugin);
