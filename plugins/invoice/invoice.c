/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The invoice source: invoices from their issue to the last payment, claims, disputes and reminders, and beside them
 * disputed bookings and cancelled shifts.
 */
#include "chase.h"
#include "receive.h"

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
    {0}};

/* --- life --------------------------------------------------------------------------------------------------------- */

static void destroy(void *self)
{
    struct invoice *invoice = self;
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
    if (!invoice->chasers) {
        free(invoice);
        return host->fail(err, BELFRY_ENOMEM, NULL, "out of memory");
    }
    *self = invoice;
    return BELFRY_OK;
}

static const struct belfry_source source = {
    .struct_size = sizeof(source), .receive = invoice_receive, .due = invoice_due};

static const struct belfry_role roles[] = {{"belfry.source/1", &source}, {0}};
static const char *const needs[] = {BELFRY_EXT_CALENDAR, NULL};

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
                                            .create = create,
                                            .destroy = destroy};

BELFRY_PLUGIN(plugin);
