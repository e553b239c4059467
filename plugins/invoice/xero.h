/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Xero as a second way for a payment to become known: signed webhooks come in, the invoice they speak of is fetched,
 * and what was paid there is received here.
 *
 * The loop half (`struct xero`) talks to the outside: it answers webhooks, holds the access token, performs tasks. The
 * txn half decides, in receive() and due(), from state and triggers alone. Between the two are triggers and tasks:
 *
 *   webhook --> xero.event ----------> task xero.invoice ---> xero.invoice.result ---> a payment is received
 *           --> xero.delivery (gap) -> task xero.invoices --> xero.invoices.result --> the same, page after page
 *           --> xero.enabled --------> the same as a gap
 */
#ifndef INVOICE_XERO_H
#define INVOICE_XERO_H

#include "invoice.h"

/* --- options: `xero` of an invoice source ------------------------------------------------------------------------- */

struct xero_config {
    const char *signing_key;
    const char *client_id, *client_secret; /* both or none; without them webhooks are taken and nothing is fetched */
    const char *token_url, *api_url;
    struct belfry_list tenants; /* const char *; none: every tenant that Xero names */
};

extern const struct belfry_option xero_options[];

/* --- the loop half ------------------------------------------------------------------------------------------------ */

struct xero;

/* [loop] config NULL: Xero is not configured; such a one answers 404 and lets tasks wait. It and host outlive the
 * result. The extensions http-client, http-route, timer and worker must be in `needs`. NULL: out of memory. */
struct xero *xero_new(const struct belfry_host *host, const struct xero_config *config);
/* [loop] Ends what is under way; fn(arg) once, on a later turn, when no callback can come any more. */
void xero_stop(struct xero *xero, void (*fn)(void *arg), void *arg);
/* [loop] After fn of xero_stop(), or when nothing was ever begun. NULL is fine. */
void xero_free(struct xero *xero);

/* [loop] POST /v1/{org}/sources/{instance}/xero, a raw route without credentials. */
void xero_webhook(struct xero *xero, const struct belfry_http_request *req);
#define XERO_WEBHOOK_MAX (1024 * 1024) /* bytes of a body; an event has about 400 */

/* [loop] Tasks whose key begins with "xero." */
void xero_perform(struct xero *xero, uint64_t task, struct belfry_str org, struct belfry_str key,
                  struct belfry_str payload);

/* --- the txn half ------------------------------------------------------------------------------------------------- */

/* [any] Triggers and task keys that are Xero's: "xero.*". */
int xero_takes(struct belfry_str type);

/* [txn] Such a trigger. EPERM for any principal but the webhook and a task of this source: a token must not say what
 * only Xero can know. */
belfry_status xero_receive(const struct invoice *self, struct belfry_txn *txn, const struct belfry_trigger *trigger,
                           struct belfry_error *err);

/* [any] Timer keys that are Xero's: those that begin with "xero/". */
int xero_times(struct belfry_str key);
/* [txn] Such a timer. */
belfry_status xero_due(struct belfry_txn *txn, struct belfry_str key, struct belfry_str payload);

/* [txn] An invoice was issued: when Xero has told of a payment of it already, Xero is asked again. */
belfry_status xero_issued(const struct invoice *self, struct belfry_txn *txn, struct belfry_str id,
                          struct belfry_str number);

#endif
