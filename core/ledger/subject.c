/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operations on a subject: withdraw, handled, supersede, valid_until. They act on its live events, and there on the
 * rows that are valid and not handled. Without a choice of people the event itself is over too, for those who never had
 * a row: addresses and targets.
 */
#include "ledger/inside.h"

#include "event/event.h"

static int type_wanted(struct ledger_txn *txn, const struct belfry_strs *types, int64_t type)
{
    return types->count == 0 || event_type_among(store_name_text(txn->conn, type), types);
}

/* Rows of people, where they exist; others have no notification to touch. */
static size_t people(struct ledger_txn *txn, int64_t org, const struct belfry_strs *names, int64_t **out)
{
    int64_t *ids = names->count ? arena_alloc(txn->arena, names->count * sizeof(*ids)) : NULL;
    size_t count = 0;
    for (size_t i = 0; i < names->count; i++) {
        int64_t id = cache_person_find(txn, org, names->items[i]);
        if (id)
            ids[count++] = id;
    }
    *out = ids;
    return count;
}

static void end_event(struct ledger_txn *txn, const struct sweep *sweep)
{
    int withdrawn = sweep->kind == SWEEP_WITHDRAW;
    store_event_set_validity(txn->conn, sweep->event, withdrawn ? BELFRY_WITHDRAWN : BELFRY_SUPERSEDED, 0);
    outcome_end_event(txn, sweep->event, 0, withdrawn ? OUTCOME_withdrawn : OUTCOME_superseded, sweep->note);
}

/* The event stays valid, and its links lead on: targets hear of it all the same. An address would be asked for what is
 * done. */
static void settle_event(struct ledger_txn *txn, const struct sweep *sweep)
{
    store_event_set_live(txn->conn, sweep->event, 0);
    sweep_end_mail(txn, sweep, 0);
}

/* Some rows were ended by name. When the last one of the audience went with them the event is over for everybody else
 * too: whom a rule brought in was to hear of something that concerns nobody any more. */
static void after_some(struct ledger_txn *txn, struct sweep *sweep, int64_t org)
{
    int over = sweep->kind == SWEEP_WITHDRAW || sweep->kind == SWEEP_SUPERSEDE;
    if (!sweep->changed || store_job_open_for(txn->conn, JOB_FANOUT, JOB_SWEEP, sweep->event))
        return; /* while people's rows are still being made or ended the event stays live */
    if (over && !store_notifications_any_live(txn->conn, sweep->event, STORE_VIA_AUDIENCE)) {
        sweep->only_count = sweep->except_count = 0;
        sweep_start(txn, sweep, org);
        end_event(txn, sweep);
    } else if (!store_notifications_any_live(txn->conn, sweep->event, STORE_VIA_AUDIENCE | STORE_VIA_RULE)) {
        settle_event(txn, sweep);
    }
}

static void apply_one(struct ledger_txn *txn, const struct op *op, struct sweep sweep, int everybody, int64_t org)
{
    if (op->kind == OP_VALID_UNTIL) {
        store_event_set_valid_until(txn->conn, sweep.event, op->when_ms);
        txn->ledger->next_expiry = INT64_MIN;
    }
    sweep_start(txn, &sweep, org);
    if (op->kind == OP_VALID_UNTIL)
        return;
    if (!everybody)
        after_some(txn, &sweep, org);
    else if (op->kind == OP_HANDLED)
        settle_event(txn, &sweep);
    else
        end_event(txn, &sweep);
}

void subject_apply(struct ledger_txn *txn, const struct op *op, int64_t inst, int64_t org_id)
{
    struct store_event *events;
    int64_t key = store_subject_key(txn->ledger->store, org_id, inst, op->key);
    size_t count = store_events_live(txn->conn, key, org_id, inst, op->key, txn->arena, &events);
    if (count == 0)
        return;
    struct sweep sweep = {.note = op->which.reason, .by = op->value};
    sweep.kind = op->kind == OP_WITHDRAW    ? SWEEP_WITHDRAW
                 : op->kind == OP_HANDLED   ? SWEEP_HANDLED
                 : op->kind == OP_SUPERSEDE ? SWEEP_SUPERSEDE
                                            : SWEEP_TOUCH;
    int64_t *only, *except;
    sweep.only_count = people(txn, org_id, &op->which.only, &only);
    sweep.except_count = people(txn, org_id, &op->which.except, &except);
    sweep.only = only;
    sweep.except = except;
    if (op->which.only.count && !sweep.only_count)
        return; /* named people who have no rows at all */
    int everybody = op->which.only.count == 0 && op->which.except.count == 0;
    for (size_t i = 0; i < count; i++) {
        sweep.event = events[i].id;
        if (type_wanted(txn, &op->which.types, events[i].type))
            apply_one(txn, op, sweep, everybody, org_id);
    }
}
