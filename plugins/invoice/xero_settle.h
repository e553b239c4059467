/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INVOICE_XERO_SETTLE_H
#define INVOICE_XERO_SETTLE_H

#include "invoice.h"

/* [txn] xero.invoice.result, xero.invoices.result: what was read at Xero becomes payments. */
belfry_status xero_settle(const struct invoice *self, struct belfry_txn *txn, const struct belfry_trigger *trigger,
                          struct belfry_error *err);

/* [txn] A task for one page of what a tenant changed since then. */
belfry_status xero_page(struct belfry_txn *txn, struct belfry_str tenant, int64_t since_ms, int64_t page);

#endif
