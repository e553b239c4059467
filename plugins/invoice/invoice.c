/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The invoice source: invoices from their issue to the last payment, claims, disputes and reminders, and beside them
 * disputed bookings and cancelled shifts.
 */
#include "chase.h"
#include "receive.h"
#include "xero.h"

#include <stdlib.h>

/* --- options ------------------------------------------------------------------------------------------------------ */

#define OPTION(kind, opt_name, member, ...)                                                                            \
    {                                                                                                                  \
        .struct_size = sizeof(struct belfry_option), .type = BELFRY_OPT_##kind,                                        \
        .offset = offsetof(struct invoice_config, member), .name = (opt_name), __VA_ARGS__                             \
    }

#define TEN_YEARS INT64_C(315360000000)

static const struct belfry_option chaser[] = {{.struct_size = sizeof(struct belfry_option),
                                               .type = BELFRY_OPT_DURATION,
                                               .flags = BELFRY_OPT_CALENDAR,
                                               .min = -TEN_YEARS,
                                               .max = TEN_YEARS},
                                              {0}};

static const struct belfry_option options[] = {
    OPTION(LIST, "chasers", chasers, .def = "[-3d, 1d, 7d, 14d]", .max = 50, .children = chaser,
           .doc = "When the payer of an open invoice is reminded: calendar days before (-3d) or after its due date. [] "
                  "never."),
    OPTION(TIME, "chase_at", chase_at, .def = "09:00", .doc = "The time of day of reminders, in the org's time zone."),
    OPTION(OBJECT, "xero", xero, .flags = BELFRY_OPT_POINTER, .children = xero_options,
           .size = sizeof(struct xero_config), .doc = "Payments that Xero knows of: webhooks in, invoices fetched."),
    {0}};

/* --- life --------------------------------------------------------------------------------------------------------- */

static void destroy(void *self)
{
    struct invoice *invoice = self;
    xero_free(invoice->xero);
    free(invoice->chasers);
    free(invoice);
}

static belfry_status create(const struct belfry_host *host, const void *config, void **self, struct belfry_error *err)
{
    struct invoice *invoice = calloc(1, sizeof(*invoice));
    if (!invoice)
        return host->fail(err, BELFRY_ENOMEM, NULL, "out of memory");
    invoice->host = host;
    invoice->config = config;
    invoice->calendar = host->get_extension(host, BELFRY_EXT_CALENDAR);
    invoice->chasers = chase_sort(&invoice->config->chasers);
    invoice->xero = xero_new(host, invoice->config->xero);
    if (!invoice->chasers || !invoice->xero) {
        destroy(invoice);
        return host->fail(err, BELFRY_ENOMEM, NULL, "out of memory");
    }
    *self = invoice;
    return BELFRY_OK;
}

static void stopped(void *arg)
{
    struct invoice *invoice = arg;
    invoice->host->stopped(invoice->host);
}

static void stop(void *self)
{
    struct invoice *invoice = self;
    xero_stop(invoice->xero, stopped, invoice);
}

/* --- the outside: every task and the one route are Xero's --------------------------------------------------------- */

static void perform(void *self, uint64_t task, struct belfry_str org, struct belfry_str key, struct belfry_str payload)
{
    struct invoice *invoice = self;
    xero_perform(invoice->xero, task, org, key, payload);
}

static void on_webhook(void *self, const struct belfry_http_request *req)
{
    struct invoice *invoice = self;
    xero_webhook(invoice->xero, req);
}

static const struct belfry_route routes[] = {{.struct_size = sizeof(struct belfry_route),
                                              .flags = BELFRY_ROUTE_RAW,
                                              .method = "POST",
                                              .pattern = "/v1/{org}/sources/{instance}/xero",
                                              .auth = "none",
                                              .body_limit = XERO_WEBHOOK_MAX,
                                              .handle = on_webhook},
                                             {0}};

static const struct belfry_source source = {
    .struct_size = sizeof(source), .receive = invoice_receive, .due = invoice_due, .perform = perform};

static const struct belfry_role roles[] = {{"belfry.source/1", &source}, {0}};
static const char *const needs[] = {BELFRY_EXT_CALENDAR, BELFRY_EXT_HTTP_CLIENT, BELFRY_EXT_HTTP_ROUTE,
                                    BELFRY_EXT_TIMER,    BELFRY_EXT_WORKER,      NULL};

static const struct belfry_category categories[] = {
    {.struct_size = sizeof(struct belfry_category),
     .name = "invoice",
     .label = "Invoices",
     .texts =
         (const struct belfry_category_text[]){
             {.struct_size = sizeof(struct belfry_category_text), .language = "de", .label = "Rechnungen"}, {0}}},
    {0}};

static const struct belfry_plugin plugin = {.struct_size = sizeof(plugin),
                                            .id = "invoice",
                                            .version = "1.0.0",
                                            .summary = "Tells owners of claims, disputes and payments, and reminds "
                                                       "payers",
                                            .roles = roles,
                                            .needs = needs,
                                            .options = options,
                                            .config_size = sizeof(struct invoice_config),
                                            .events = invoice_events,
                                            .categories = categories,
                                            .routes = routes,
                                            .create = create,
                                            .stop = stop,
                                            .destroy = destroy};

BELFRY_PLUGIN(plugin);
