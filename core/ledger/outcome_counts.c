/* SPDX-License-Identifier: Apache-2.0 */
/*
 * belfry_deliveries_total for what the ledger itself decides: held, suppressed, seen in time, shown at once and so on.
 * Counted when the group commits, because a group may be rolled back and run again. (What came of an attempt is counted
 * where it is judged, in dispatch.)
 *
 * A row for each channel and outcome that ever occurred: few, so that a linear look is enough.
 */
#include "ledger/inside.h"

#include "base/metrics.h"

#include <stdlib.h>

struct outcome_count {
    int64_t channel; /* name; 0: none in particular */
    enum outcome outcome;
    uint64_t in_group;
    struct metric *metric;
};

void outcome_count(struct ledger_txn *txn, int64_t channel, enum outcome outcome, size_t times)
{
    struct ledger *ledger = txn->ledger;
    size_t i = 0;
    while (i < ledger->outcome_count &&
           (ledger->outcomes[i].channel != channel || ledger->outcomes[i].outcome != outcome))
        i++;
    if (i == ledger->outcome_count) {
        ledger->outcomes = xgrow(ledger->outcomes, &ledger->outcome_cap, i + 1, sizeof(*ledger->outcomes));
        ledger->outcomes[ledger->outcome_count++] = (struct outcome_count){.channel = channel, .outcome = outcome};
    }
    ledger->outcomes[i].in_group += times;
}

void outcome_end_event(struct ledger_txn *txn, int64_t event, int64_t person, enum outcome outcome,
                       struct belfry_str note)
{
    struct store_ended *rows;
    size_t count = store_deliveries_end_event(txn->conn, event, person, outcome, txn->now, note, txn->arena, &rows);
    for (size_t i = 0; i < count; i++) {
        outcome_count(txn, rows[i].channel, outcome, 1);
        lane_next(txn, rows[i].target, rows[i].lane);
    }
}

void outcome_end_sent(struct ledger_txn *txn, int64_t event, int64_t person, enum outcome outcome,
                      struct belfry_str note)
{
    for (size_t i = 0; txn->gen && i < txn->gen->pub->config->channel_count; i++) {
        const struct gen_channel *channel = &txn->gen->channels[i];
        if (!(channel->flags & BELFRY_DELIVERY_PER_RECIPIENT))
            continue;
        size_t count =
            store_deliveries_end_channel(txn->conn, event, person, channel->name, (int)outcome, txn->now, note);
        if (count > 0)
            outcome_count(txn, channel->name, outcome, count);
    }
}

void outcome_end(struct ledger_txn *txn, const struct store_delivery *row, enum outcome outcome,
                 struct belfry_str detail)
{
    store_delivery_end(txn->conn, row->id, (int)outcome, txn->now, row->attempts, detail);
    outcome_count(txn, row->channel, outcome, 1);
    rate_note(txn, row->org, outcome, row->event);
    lane_next(txn, row->target, row->lane);
}

void outcome_counts_begin(struct ledger *ledger)
{
    for (size_t i = 0; i < ledger->outcome_count; i++)
        ledger->outcomes[i].in_group = 0;
}

void outcome_counts_commit(struct ledger *ledger)
{
    for (size_t i = 0; i < ledger->outcome_count; i++) {
        struct outcome_count *row = &ledger->outcomes[i];
        if (row->in_group == 0)
            continue;
        if (!row->metric) {
            struct belfry_str channel = store_name_text(ledger->conn, row->channel);
            row->metric =
                metric_get(metrics_global(), "belfry_deliveries_total", OUTCOME_METRIC_HELP, METRIC_COUNTER, "channel",
                           channel.len ? channel.ptr : "", "outcome", outcome_name((int)row->outcome), NULL);
        }
        metric_add(row->metric, (double)row->in_group);
        row->in_group = 0;
    }
}

void outcome_counts_free(struct ledger *ledger)
{
    free(ledger->outcomes);
}
