/* SPDX-License-Identifier: Apache-2.0 */
/* What the source does with triggers and timers. [txn] */
#ifndef INVOICE_RECEIVE_H
#define INVOICE_RECEIVE_H

#include "invoice.h"

belfry_status invoice_receive(void *self, struct belfry_txn *txn, const struct belfry_trigger *trigger,
                              struct belfry_error *err);
belfry_status invoice_due(void *self, struct belfry_txn *txn, struct belfry_str key, struct belfry_str payload,
                          int64_t was_due_ms, struct belfry_error *err);

#endif
