/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What came of deliveries that were leased. A lease names the boot, so an outcome that comes late, for a row that is no
 * longer under this process's lease, changes nothing. Rows that went out as one share their outcome, and their attempts
 * are kept under the id that they share.
 */
#include "ledger/inside.h"

#define INTERRUPTED "the hub stopped while it was being sent"

static void write_attempt(struct ledger_txn *txn, const struct ledger_outcome *o, int64_t delivery, int number)
{
    struct store_attempt attempt = {.id = ledger_txn_id(txn),
                                    .delivery = delivery,
                                    .number = number,
                                    .at = o->started_ms,
                                    .elapsed_us = o->elapsed_us,
                                    .outcome = (int32_t)o->result,
                                    .code = o->code,
                                    .detail = str_of(o->detail),
                                    .record = str_of(o->record)};
    store_attempt_add(txn->conn, &attempt);
}

static int waits(const struct ledger_outcome *o)
{
    switch (o->state) {
    case OUTCOME_scheduled:
    case OUTCOME_retrying:
    case OUTCOME_held_quiet_hours:
    case OUTCOME_held_disabled:
    case OUTCOME_digested:
        return 1;
    default:
        return o->state == OUTCOME_unknown && o->due_ms > 0;
    }
}

static int is_disabled(const struct ledger_txn *txn, int64_t target)
{
    return target && hash_get(txn->ledger->disabled, str_slice((const char *)&target, sizeof(target))) != NULL;
}

static void write_one(struct ledger_txn *txn, const struct ledger_outcome *o, const struct store_delivery *row)
{
    int attempts = row->attempts + (o->count_attempt != 0);
    if (o->count_attempt)
        write_attempt(txn, o, row->id, attempts);
    if (!waits(o)) {
        store_delivery_end(txn->conn, row->id, (int)o->state, txn->now, attempts, str_of(o->detail));
        rate_note(txn, row->org, o->state, row->event);
        lane_next(txn, row->target, row->lane);
    } else if (is_disabled(txn, row->target) || o->state == OUTCOME_held_disabled) {
        store_delivery_wait(txn->conn, row->id, OUTCOME_held_disabled, 2, row->due, attempts, str_of(o->detail));
        outcome_count(txn, row->channel, OUTCOME_held_disabled, o->state != OUTCOME_held_disabled);
    } else {
        store_delivery_wait(txn->conn, row->id, (int)o->state, 1, o->due_ms, attempts, str_of(o->detail));
        struct store_delivery waits = *row;
        waits.due = o->due_ms;
        lane_return(txn, &waits);
        if (row->target != o->target) /* two channels became one: another queue than that of the claim has it now */
            ledger_txn_due(txn, row->target);
    }
}

/* How long it took from the event says nothing of a digest. */
static void write_bundle(struct ledger_txn *txn, const struct ledger_outcome *o, const struct store_delivery *row)
{
    int64_t boot = store_boot(txn->ledger->store);
    int counted = o->count_attempt != 0, count;
    if (counted)
        write_attempt(txn, o, o->bundle, (int)o->attempt);
    if (waits(o)) {
        store_bundle_wait(txn->conn, o->bundle, boot, (int)o->state, o->due_ms, counted, str_of(o->detail));
        return;
    }
    count = store_bundle_end(txn->conn, o->bundle, boot, (int)o->state, txn->now, counted, str_of(o->detail));
    for (int i = 0; i < count; i++)
        rate_note(txn, row->org, o->state, 0);
}

static void write_outcome(struct ledger_txn *txn, const struct ledger_outcome *o)
{
    struct store_delivery row;
    if (!store_delivery_get(txn->conn, o->delivery, txn->arena, &row) || row.open != 1 ||
        row.lease != store_boot(txn->ledger->store) || (o->bundle && row.bundle != o->bundle))
        return;
    if (row.target)
        health_note(txn, o, row.target);
    if (o->bundle)
        write_bundle(txn, o, &row);
    else
        write_one(txn, o, &row);
}

static belfry_status outcomes_run(struct ledger_command *command, struct ledger_txn *txn)
{
    const struct ledger_outcomes *o = LIST_OF(command, struct ledger_outcomes, command);
    for (size_t i = 0; i < o->count; i++)
        write_outcome(txn, &o->items[i]);
    return BELFRY_OK;
}

static void outcomes_done(struct ledger_command *command, belfry_status status)
{
    struct ledger_outcomes *o = LIST_OF(command, struct ledger_outcomes, command);
    o->done(o, status);
}

void ledger_outcomes(struct ledger *ledger, struct ledger_outcomes *outcomes)
{
    outcomes->command = (struct ledger_command){.run = outcomes_run, .done = outcomes_done};
    if (ledger_submit(ledger, &outcomes->command) != BELFRY_OK)
        outcomes_done(&outcomes->command, BELFRY_ECLOSED);
}

/* --- of a process that died --------------------------------------------------------------------------------------- */

/* The same as if the plugin had said that nobody knows. */
static void interrupted(struct ledger_txn *txn, const struct store_delivery *row)
{
    struct ledger_outcome o = {.delivery = row->id,
                               .bundle = row->bundle,
                               .attempt = (uint32_t)row->attempts + 1,
                               .state = OUTCOME_unknown,
                               .count_attempt = 1,
                               .result = BELFRY_UNKNOWN,
                               .started_ms = txn->now,
                               .detail = INTERRUPTED};
    struct store_tries tries;
    store_delivery_tries(txn->conn, row, &tries);
    if (!tries.unknowns)
        o.due_ms = txn->now + LEDGER_UNKNOWN_WAIT_MS;
    if (!row->bundle) {
        write_one(txn, &o, row);
        return;
    }
    write_attempt(txn, &o, row->bundle, row->attempts + 1);
    if (o.due_ms)
        store_bundle_wait(txn->conn, row->bundle, row->lease, OUTCOME_unknown, o.due_ms, 1, STR(INTERRUPTED));
    else
        store_bundle_end(txn->conn, row->bundle, row->lease, OUTCOME_unknown, txn->now, 1, STR(INTERRUPTED));
}

size_t outcomes_interrupted(struct ledger_txn *txn)
{
    struct store_delivery *rows;
    size_t count = store_deliveries_interrupted(txn->conn, store_boot(txn->ledger->store), txn->arena, &rows);
    for (size_t i = 0; i < count; i++)
        if (i == 0 || !rows[i].bundle || rows[i].bundle != rows[i - 1].bundle)
            interrupted(txn, &rows[i]);
    arena_reset(txn->arena);
    return count;
}
