/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What comes due by itself besides timers: the end of validity, and in-app deliveries with `after`. Both are writes, so
 * that lists, counts and revisions change together and every reader sees the same.
 */
#include "ledger/inside.h"

/* Up to 1,000 rows a transaction, of one event or of many. */
void expiry_slice(struct ledger_txn *txn)
{
    int64_t *events;
    size_t count = store_events_expired(txn->conn, txn->now, SLICE, txn->arena, &events);
    uint64_t budget = store_written(txn->conn) + SLICE;
    for (size_t i = 0; i < count && store_written(txn->conn) < budget; i++) {
        struct sweep sweep = {.kind = SWEEP_EXPIRE, .event = events[i]};
        store_event_set_validity(txn->conn, events[i], BELFRY_EXPIRED, 0);
        outcome_end_event(txn, events[i], 0, OUTCOME_expired, STR(REASON_EXPIRED));
        sweep_start(txn, &sweep, 0);
    }
    txn->ledger->next_expiry = INT64_MIN;
}

static void show(struct ledger_txn *txn, const struct store_delivery *row)
{
    struct store_event event;
    struct gate gate = {.row = row, .event = &event};
    if (!store_event_get(txn->conn, row->event, txn->arena, &event)) {
        outcome_end(txn, row, OUTCOME_cancelled, STR("its event is gone"));
    } else if (!gates_pass(txn, &gate)) {
        outcome_end(txn, row, gate.outcome, str_of(gate.why));
    } else {
        /* It takes its place in the inbox where it appears, not where it was made. */
        store_notification_show(txn->conn, row->notification, ledger_txn_id(txn), ledger_txn_touch(txn, row->person));
        outcome_end(txn, row, OUTCOME_delivered, (struct belfry_str){NULL, 0});
    }
}

void shown_slice(struct ledger_txn *txn)
{
    for (size_t i = 0; i < txn->gen->pub->config->channel_count; i++) {
        const struct gen_channel *channel = &txn->gen->channels[i];
        if (!(channel->flags & BELFRY_DELIVERY_IN_COMMIT))
            continue;
        struct store_delivery *rows;
        size_t count = store_deliveries_due(txn->conn, channel->name, 0, txn->now, SLICE, txn->arena, &rows);
        for (size_t n = 0; n < count; n++)
            show(txn, &rows[n]);
    }
    txn->ledger->next_shown = INT64_MIN;
}
