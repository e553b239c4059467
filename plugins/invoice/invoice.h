/* SPDX-License-Identifier: Apache-2.0 */
/* The instance and its configuration; what each file of the plugin includes. */
#ifndef INVOICE_H
#define INVOICE_H

#include <belfry/host.h>

struct xero;
struct xero_config;

struct invoice_config {             /* the option table fills it */
    struct belfry_list chasers;     /* struct belfry_calendar: when the payer is reminded, around the due date */
    int32_t chase_at;               /* minute of the day in the org's zone */
    const struct xero_config *xero; /* NULL when absent */
};

struct invoice {
    const struct belfry_host *host;
    const struct invoice_config *config;
    const struct belfry_calendar_api *calendar;
    struct xero *xero;               /* the loop half of xero.h */
    struct belfry_calendar *chasers; /* those of the configuration, in order of time */
};

extern const struct belfry_event_type invoice_events[];

#endif
