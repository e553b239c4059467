/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SYNC_RECEIVE_H
#define SYNC_RECEIVE_H

#include "read.h"

/* belfry.source/1 [txn] */
belfry_status sync_receive(void *self, struct belfry_txn *txn, const struct belfry_trigger *trigger,
                           struct belfry_error *err);
belfry_status sync_due(void *self, struct belfry_txn *txn, struct belfry_str key, struct belfry_str payload,
                       int64_t was_due_ms, struct belfry_error *err);

/* work.blocked and work.unblocked: blocked.c */
belfry_status sync_blocked(struct sync_read *r);
belfry_status sync_unblocked(struct sync_read *r);
/* The timer of an item, which has the key of its value. */
#define SYNC_ITEM "item/"
belfry_status sync_item_due(struct belfry_txn *txn, struct belfry_str key);

#endif
