/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Claims and outcomes. A claim takes the oldest due rows of one queue, asks every gate, ends those that fail and leases
 * the rest, in one transaction: what was seen before its commit is never sent. A lease names the boot, so an outcome
 * that comes late, for a row that is no longer under this process's lease, changes nothing.
 */
#include "ledger/inside.h"

#include <stdlib.h>

#define LOOK_MAX 1000 /* rows that one claim looks at */

/* --- claims ------------------------------------------------------------------------------------------------------- */

/* Whom it goes to, in their words: the language and zone that they chose, else those of the directory, which knows the
 * address unless the row has one. */
static void take_person(struct ledger_txn *txn, struct ledger_claim_item *item, int64_t id,
                        const struct store_event *event, struct arena *arena)
{
    const struct route_directory *d = &txn->directory.pub;
    struct belfry_person person = {.struct_size = sizeof(person)};
    struct belfry_str username;
    struct preference own;
    struct store_event said = *event;
    preference_init(&own);
    cache_person_rev(txn, id, &username);
    d->person(d->arg, txn->arena, item->org, username, &person);
    d->preference(d->arg, txn->arena, item->org, username, &own);
    item->username = arena_str(arena, username);
    item->name = arena_str(arena, person.name);
    item->locale = arena_str(arena, own.locale.len ? own.locale : person.locale);
    item->timezone = arena_str(arena, own.timezone.len ? own.timezone : person.timezone);
    if (item->address.len == 0)
        item->address = arena_str(arena, person.email);
    store_event_say(&said, item->locale, arena);
    item->title = said.title;
    item->body = said.body;
}

static void take_row(struct ledger_txn *txn, struct ledger_claim *claim, const struct store_delivery *row,
                     const struct store_event *event)
{
    struct ledger_claim_item *item = &claim->items[claim->count++];
    struct arena *arena = claim->arena;
    *item = (struct ledger_claim_item){.delivery = row->id,
                                       .event = event->id,
                                       .notification = row->notification,
                                       .attempt = (uint32_t)row->attempts + 1,
                                       .org = store_name_text(txn->conn, row->org),
                                       .source = store_name_text(txn->conn, event->source),
                                       .type = store_name_text(txn->conn, event->type),
                                       .category = store_name_text(txn->conn, event->category),
                                       .subject = event->subject,
                                       .title = event->title,
                                       .body = event->body,
                                       .link = event->link,
                                       .actor = event->actor,
                                       .data = event->data,
                                       .address = arena_str(arena, row->address),
                                       .severity = event->severity,
                                       .event_time_ms = event->time,
                                       .due_ms = row->due};
    if (row->target)
        item->payload = store_payload_get(txn->conn, event->id, arena);
    if (row->person)
        take_person(txn, item, row->person, event, arena);
    store_delivery_lease(txn->conn, row->id, store_boot(txn->ledger->store));
}

static void hold(struct ledger_txn *txn, const struct store_delivery *row, const struct gate *gate)
{
    store_delivery_wait(txn->conn, row->id, OUTCOME_held_quiet_hours, 1, gate->due, row->attempts, str_of(gate->why));
    outcome_count(txn, row->channel, OUTCOME_held_quiet_hours, 1);
}

static void look_at(struct ledger_txn *txn, struct ledger_claim *claim, const struct store_delivery *row)
{
    struct store_event event;
    struct gate gate = {.row = row, .event = &event};
    if (!store_event_get(txn->conn, row->event, claim->arena, &event))
        outcome_end(txn, row, OUTCOME_cancelled, STR("its event is gone"));
    else if (gates_pass(txn, &gate))
        take_row(txn, claim, row, &event);
    else if (gate.outcome == OUTCOME_held_quiet_hours)
        hold(txn, row, &gate);
    else
        outcome_end(txn, row, gate.outcome, str_of(gate.why));
}

static belfry_status claim_run(struct ledger_command *command, struct ledger_txn *txn)
{
    struct ledger_claim *claim = LIST_OF(command, struct ledger_claim, command);
    claim->count = 0;
    claim->next_due_ms = INT64_MAX;
    claim->items = arena_alloc(claim->arena, (claim->max + 1) * sizeof(*claim->items));
    if (atomic_load(&txn->ledger->stopping)) /* nobody is there to take what would be leased */
        return BELFRY_OK;
    if (claim->target && hash_get(txn->ledger->disabled, str_slice((const char *)&claim->target, sizeof(int64_t))))
        return BELFRY_OK;
    int64_t channel = store_name(txn->conn, str_of(claim->channel));
    for (size_t looked = 0; claim->count < claim->max && looked < LOOK_MAX && !store_fault(txn->conn, NULL);) {
        struct store_delivery *rows;
        size_t want = claim->max - claim->count;
        size_t count = store_deliveries_due(txn->conn, channel, claim->target, txn->now, want, txn->arena, &rows);
        for (size_t i = 0; i < count; i++)
            look_at(txn, claim, &rows[i]);
        looked += count;
        if (count < want)
            break;
    }
    claim->next_due_ms = store_deliveries_next(txn->conn, channel, claim->target);
    if (!claim->target)
        txn->ledger->next_delivery = INT64_MIN;
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

/* --- outcomes ----------------------------------------------------------------------------------------------------- */

static void write_attempt(struct ledger_txn *txn, const struct ledger_outcome *o, const struct store_delivery *row)
{
    struct store_attempt attempt = {.id = ledger_txn_id(txn),
                                    .delivery = row->id,
                                    .number = row->attempts + 1,
                                    .at = o->started_ms,
                                    .elapsed_us = o->elapsed_us,
                                    .outcome = (int32_t)o->result,
                                    .code = o->code,
                                    .detail = str_of(o->detail),
                                    .record = str_of(o->record)};
    store_attempt_add(txn->conn, &attempt);
}

static void write_outcome(struct ledger_txn *txn, const struct ledger_outcome *o)
{
    struct store_delivery row;
    if (!store_delivery_get(txn->conn, o->delivery, txn->arena, &row) || row.open != 1 ||
        row.lease != store_boot(txn->ledger->store))
        return;
    if (o->count_attempt)
        write_attempt(txn, o, &row);
    int attempts = row.attempts + (o->count_attempt != 0);
    int disabled =
        row.target && hash_get(txn->ledger->disabled, str_slice((const char *)&row.target, sizeof(row.target))) != NULL;
    switch (o->state) {
    case OUTCOME_scheduled:
    case OUTCOME_retrying:
    case OUTCOME_held_quiet_hours:
    case OUTCOME_held_disabled:
    case OUTCOME_digested:
        if (disabled || o->state == OUTCOME_held_disabled) {
            store_delivery_wait(txn->conn, row.id, OUTCOME_held_disabled, 2, row.due, attempts, str_of(o->detail));
            outcome_count(txn, row.channel, OUTCOME_held_disabled, o->state != OUTCOME_held_disabled);
        } else {
            store_delivery_wait(txn->conn, row.id, (int)o->state, 1, o->due_ms, attempts, str_of(o->detail));
        }
        break;
    default:
        store_delivery_end(txn->conn, row.id, (int)o->state, txn->now, attempts, str_of(o->detail));
        rate_note(txn, row.org, o->state, row.event);
    }
    if (!row.target)
        txn->ledger->next_delivery = INT64_MIN;
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
