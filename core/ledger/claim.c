/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Claims: the oldest due rows of one queue, every gate asked, those that fail ended or put off and the rest leased, in
 * one transaction: what was seen before its commit is never sent. What goes out as one is taken as one (bundle.c).
 */
#include "ledger/inside.h"

#define LOOK_MAX 1000 /* rows that one claim looks at, and those that go out with the last of them */

/* By itself. */
static size_t take_alone(struct ledger_txn *txn, struct ledger_claim *claim, const struct store_delivery *row)
{
    struct store_event event;
    struct gate gate = {.row = row, .event = &event};
    if (!store_event_get_sent(txn->conn, row->event, txn->arena, &event)) {
        outcome_end(txn, row, OUTCOME_cancelled, STR("its event is gone"));
    } else if (gates_pass(txn, &gate)) {
        struct ledger_claim_item *item = &claim->items[claim->count++];
        claim_item_fill(txn, claim->arena, row, item);
        claim_item_lease(txn, item, row->id, 0, BELFRY_BATCH_SINGLE);
    } else {
        gate_obey(txn, &gate);
    }
    return 1;
}

/* again: what was taken since the row was read may have taken it too. */
static size_t look_at(struct ledger_txn *txn, struct ledger_claim *claim, const struct store_delivery *found, int again)
{
    struct store_delivery row = *found;
    if (again && (!store_delivery_get(txn->conn, found->id, txn->arena, &row) || row.open != 1 || row.lease ||
                  row.due > txn->now))
        return 0;
    return bundle_wanted(txn, &row) ? bundle_take(txn, claim, &row) : take_alone(txn, claim, &row);
}

/* One that was being held when it came, because its endpoint has just been disabled, is not. */
static void take_test(struct ledger_txn *txn, struct ledger_claim *claim)
{
    struct store_delivery row;
    if (!store_delivery_get(txn->conn, claim->test, txn->arena, &row) || !delivery_is_test(&row) ||
        row.target != claim->target || !row.open || row.lease)
        return;
    if (row.open != 1)
        store_delivery_wait(txn->conn, row.id, OUTCOME_scheduled, 1, txn->now, row.attempts, (struct belfry_str){0});
    take_alone(txn, claim, &row);
}

static belfry_status claim_run(struct ledger_command *command, struct ledger_txn *txn)
{
    struct ledger_claim *claim = LIST_OF(command, struct ledger_claim, command);
    claim->count = 0;
    claim->next_due_ms = INT64_MAX;
    claim->items = arena_alloc(claim->arena, (claim->max + 1) * sizeof(*claim->items));
    if (atomic_load(&txn->ledger->stopping)) /* nobody is there to take what would be leased */
        return BELFRY_OK;
    if (claim->test) {
        take_test(txn, claim);
        return BELFRY_OK;
    }
    if (claim->target && hash_get(txn->ledger->disabled, str_slice((const char *)&claim->target, sizeof(int64_t))))
        return BELFRY_OK;
    int64_t channel = store_name(txn->conn, str_of(claim->channel));
    for (size_t looked = 0; claim->count < claim->max && looked < LOOK_MAX && !store_fault(txn->conn, NULL);) {
        struct store_delivery *rows;
        size_t want = claim->max - claim->count;
        size_t count = store_deliveries_due(txn->conn, channel, claim->target, txn->now, want, txn->arena, &rows);
        size_t before = claim->count;
        int again = 0;
        for (size_t i = 0; i < count; i++) {
            size_t taken = look_at(txn, claim, &rows[i], again);
            looked += taken;
            again |= taken > 1;
        }
        if (count < want && claim->count - before == count)
            break; /* what a gate ended may have been before another of its lane */
    }
    claim->next_due_ms = store_deliveries_next(txn->conn, channel, claim->target);
    return BELFRY_OK;
}

static void claim_done(struct ledger_command *command, belfry_status status)
{
    struct ledger_claim *claim = LIST_OF(command, struct ledger_claim, command);
    claim->status = status;
    if (status) {
        claim->count = 0;
        claim->next_due_ms = INT64_MAX;
    }
    claim->done(claim);
}

void ledger_claim(struct ledger *ledger, struct ledger_claim *claim)
{
    claim->command = (struct ledger_command){.run = claim_run, .done = claim_done};
    if (ledger_submit(ledger, &claim->command) != BELFRY_OK)
        claim_done(&claim->command, BELFRY_ECLOSED);
}
