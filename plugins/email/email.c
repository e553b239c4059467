/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The email delivery: the host says when a mail is due and has asked every gate; this plugin writes it, signs it, hands
 * it to a server and says what came back. It never waits or tries again by itself.
 */
#include "email.h"

#include "feedback.h"
#include "unsubscribe.h"

static const char english[] =
#include "plugins/email/texts/en.json.inc"
    ;
static const char german[] =
#include "plugins/email/texts/de.json.inc"
    ;

#include <stdlib.h>

/* --- options ------------------------------------------------------------------------------------------------------ */

#define OPTION(kind, opt_name, member_offset, ...)                                                                     \
    {                                                                                                                  \
        .struct_size = sizeof(struct belfry_option), .type = BELFRY_OPT_##kind, .offset = (uint32_t)(member_offset),   \
        .name = (opt_name), __VA_ARGS__                                                                                \
    }

static const char *const schemes[] = {"smtp", "smtps", NULL};
static const char *const tls_modes[] = {"auto", "required", "off", NULL}; /* BELFRY_SMTP_TLS_* */
static const char *const unless_words[] = {"seen", "read", "handled", "hidden", NULL};

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
    OPTION(STRING, "username", offsetof(struct config, username), .requires_ = "password",
           .doc = "Name for AUTH at `smtp`; a server that does not offer it gets no mail."),
    OPTION(STRING, "password", offsetof(struct config, password), .flags = BELFRY_OPT_SECRET, .requires_ = "username",
           .doc = "Password for AUTH."),
    OPTION(CHOICE, "tls", offsetof(struct config, tls), .def = "auto", .choices = tls_modes,
           .doc =
               "Of `smtp`: auto: STARTTLS is required except to a loopback address; required: there too; off: never, "
               "loopback only."),
    OPTION(STRING, "tls_ca", offsetof(struct config, tls_ca),
           .doc = "Of `smtp`: file with the certificates (PEM) that the server's is checked against; default the "
                  "system's."),
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
    {0}};

/* --- life --------------------------------------------------------------------------------------------------------- */

static void deliver(void *self, const struct belfry_batch *batch)
{
    struct email *e = self;
    struct belfry_result result = {.struct_size = sizeof(result), .outcome = BELFRY_UNAVAILABLE};
    e->host->complete(e->host, batch->id, &result, 1);
}

static void cancel(void *self, uint64_t batch)
{
    (void)self;
    (void)batch;
}

void email_busy(struct email *e)
{
    e->busy++;
}

void email_idle(struct email *e)
{
    if (--e->busy == 0 && e->stopping)
        e->host->stopped(e->host);
}

static belfry_status start(void *self, struct belfry_error *err)
{
    struct email *e = self;
    belfry_status status = e->pages->texts(e->host, "en", belfry_str(english), err);
    if (status == BELFRY_OK)
        status = e->pages->texts(e->host, "de", belfry_str(german), err);
    if (status == BELFRY_OK)
        status = unsubscribe_start(e, err);
    feedback_start();
    return status;
}

static belfry_status create(const struct belfry_host *host, const void *config, void **self, struct belfry_error *err)
{
    struct email *e = calloc(1, sizeof(*e));
    if (!e)
        return host->fail(err, BELFRY_ENOMEM, NULL, "out of memory");
    e->host = host;
    e->config = config;
    e->addresses = host->get_extension(host, BELFRY_EXT_ADDRESSES);
    e->worker = host->get_extension(host, BELFRY_EXT_WORKER);
    e->http = host->get_extension(host, BELFRY_EXT_HTTP_ROUTE);
    e->pages = host->get_extension(host, BELFRY_EXT_PAGES);
    const struct belfry_secret_api *secret = host->get_extension(host, BELFRY_EXT_SECRET);
    secret->derive(host, "mail tokens", e->token_key);
    *self = e;
    return BELFRY_OK;
}

static void stop(void *self)
{
    struct email *e = self;
    e->stopping = 1;
    if (!e->busy)
        e->host->stopped(e->host);
}

static void destroy(void *self)
{
    free(self);
}

static const struct belfry_delivery delivery = {.struct_size = sizeof(delivery),
                                                .flags = BELFRY_DELIVERY_PER_RECIPIENT | BELFRY_DELIVERY_DIGEST |
                                                         BELFRY_DELIVERY_PREFERENCE,
                                                .max_batch = 50,
                                                .max_inflight = 64,
                                                .deliver = deliver,
                                                .cancel = cancel};

static const struct belfry_role roles[] = {
    {"belfry.delivery/1", &delivery}, {"belfry.feedback/1", &feedback_role}, {0}};

static const char *const needs[] = {BELFRY_EXT_ADDRESSES, BELFRY_EXT_WORKER, BELFRY_EXT_HTTP_ROUTE,
                                    BELFRY_EXT_PAGES,     BELFRY_EXT_SECRET, NULL};
static const struct belfry_route routes[] = {{.struct_size = sizeof(struct belfry_route),
                                              .method = "GET",
                                              .pattern = UNSUBSCRIBE_PATTERN,
                                              .auth = "none",
                                              .handle = unsubscribe_get},
                                             {.struct_size = sizeof(struct belfry_route),
                                              .method = "POST",
                                              .pattern = UNSUBSCRIBE_PATTERN,
                                              .auth = "none",
                                              .body_limit = UNSUBSCRIBE_BODY,
                                              .handle = unsubscribe_post},
                                             {0}};

static const struct belfry_plugin plugin = {.struct_size = sizeof(plugin),
                                            .id = "email",
                                            .version = "1.0.0",
                                            .summary = "Mail to people, single and in digests, over SMTP",
                                            .roles = roles,
                                            .needs = needs,
                                            .routes = routes,
                                            .start = start,
                                            .options = options,
                                            .config_size = sizeof(struct config),
                                            .create = create,
                                            .stop = stop,
                                            .destroy = destroy};

BELFRY_PLUGIN(plugin);
