/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the rest of the plugin may do to an invoice without knowing how one is kept: find it by the number that people
 * know it by, look at what is owed, and record money that came in. The way in for payments that are not told by
 * payment.received, such as those that Xero knows of. All [txn]; everything is recorded by the txn and applied with it.
 */
#ifndef INVOICE_LEDGER_H
#define INVOICE_LEDGER_H

#include "invoice.h"

enum invoice_status { INVOICE_OPEN = 1, INVOICE_PAID, INVOICE_VOID };

/* How an invoice stands. Texts live until the plugin's function returns. */
struct invoice_standing {
    enum invoice_status status;
    int64_t amount_minor;
    int64_t received_minor; /* so far, from everywhere: what payment.received and invoice_payment() told */
    struct belfry_str number, owner, currency;
};

/*
 * The id of the org's invoice with a number, as invoice.issued gave it; voided ones are not found any more. ENOTFOUND
 * when there is none. ECONFLICT when several have that number: none of them may be meant. ELIMIT at the limits of a
 * call.
 */
belfry_status invoice_find(struct belfry_txn *txn, struct belfry_str number, struct belfry_str *id);

/* ENOTFOUND when no invoice has the id. */
belfry_status invoice_standing(struct belfry_txn *txn, struct belfry_str id, struct invoice_standing *out);

/*
 * What payment.received does: adds amount_minor (at least 1) to what was received, tells the owner of invoice.paid when
 * the amount is reached and of invoice.overpaid beyond it, ends chasers, and marks an open claim as handled. note is
 * shown to the owner, one line that says where it came from ("Xero, PAID on 2026-01-31"); may be empty. ENOTFOUND
 * when no invoice has the id, ECONFLICT when it was voided, EINVAL when the sum cannot be counted, all with a message
 * in err (may be NULL).
 */
belfry_status invoice_payment(const struct invoice *self, struct belfry_txn *txn, struct belfry_str id,
                              int64_t amount_minor, struct belfry_str note, struct belfry_error *err);

#endif
