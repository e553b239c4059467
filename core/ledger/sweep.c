/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One change to the live rows of an event: withdrawn, handled, superseded, expired, or their end of validity moved. Up
 * to 1,000 rows change in the command's own transaction, the rest as a job, 1,000 a transaction.
 */
#include "ledger/inside.h"

/* One moment for all rows that a command ends. */
static int64_t ended_now(struct ledger_txn *txn)
{
    if (txn->ended_step != txn->step) {
        txn->ended_step = txn->step;
        txn->ended = ledger_txn_id(txn);
        store_id_used(txn->conn, txn->ended);
    }
    return txn->ended;
}

void sweep_end_row(struct ledger_txn *txn, const struct store_notification *row, int validity, int64_t replaced_by,
                   enum outcome outcome, struct belfry_str note)
{
    store_notification_end(txn->conn, row->id, validity, replaced_by, ledger_txn_touch(txn, row->person), note,
                           ended_now(txn));
    /* The row says by itself that it expired or has a successor; of a delivery that is the reason. */
    struct belfry_str why = note.len ? note : outcome == OUTCOME_expired ? STR(REASON_EXPIRED) : STR(REASON_SUPERSEDED);
    outcome_end_event(txn, row->event, row->person, outcome, why);
}

/* A mail would ask for what is done. A place in the inbox asks `unless` itself when it comes due: the row says who did
 * it. */
void sweep_end_mail(struct ledger_txn *txn, const struct sweep *sweep, int64_t person)
{
    outcome_end_sent(txn, sweep->event, person, OUTCOME_handled,
                     str_of(arena_printf(txn->arena, "handled by %.*s", STR_ARG(sweep->by))));
}

static void change_row(struct ledger_txn *txn, struct sweep *sweep, const struct store_notification *row)
{
    sweep->changed++;
    switch (sweep->kind) {
    case SWEEP_WITHDRAW:
        sweep_end_row(txn, row, BELFRY_WITHDRAWN, 0, OUTCOME_withdrawn, sweep->note);
        break;
    case SWEEP_SUPERSEDE:
        sweep_end_row(txn, row, BELFRY_SUPERSEDED, 0, OUTCOME_superseded, sweep->note);
        break;
    case SWEEP_EXPIRE:
        sweep_end_row(txn, row, BELFRY_EXPIRED, 0, OUTCOME_expired, sweep->note);
        break;
    case SWEEP_HANDLED:
        store_notification_handled(txn->conn, row->id, sweep->by, txn->now, ledger_txn_touch(txn, row->person));
        sweep_end_mail(txn, sweep, row->person);
        break;
    case SWEEP_TOUCH:
        store_notification_set_rev(txn->conn, row->id, ledger_txn_touch(txn, row->person));
        break;
    }
}

static int among(const int64_t *ids, size_t count, int64_t id)
{
    for (size_t i = 0; i < count; i++) {
        if (ids[i] == id)
            return 1;
    }
    return 0;
}

size_t sweep_rows(struct ledger_txn *txn, struct sweep *sweep, int64_t *after, size_t limit)
{
    struct store_notification *rows;
    size_t count = store_notifications_live(txn->conn, sweep->event, *after, limit, txn->arena, &rows);
    for (size_t i = 0; i < count; i++) {
        if (!among(sweep->except, sweep->except_count, rows[i].person))
            change_row(txn, sweep, &rows[i]);
        *after = rows[i].person;
    }
    return count;
}

static void sweep_only(struct ledger_txn *txn, struct sweep *sweep)
{
    for (size_t i = 0; i < sweep->only_count; i++) {
        struct store_notification row;
        if (store_notification_of(txn->conn, sweep->event, sweep->only[i], &row) && !row.validity && !row.handled &&
            !among(sweep->except, sweep->except_count, row.person))
            change_row(txn, sweep, &row);
    }
}

static void add_ids(struct buf *out, const char *name, const int64_t *ids, size_t count)
{
    buf_addf(out, ",\"%s\":[", name);
    for (size_t i = 0; i < count; i++)
        buf_addf(out, "%s%lld", i ? "," : "", (long long)ids[i]);
    buf_addc(out, ']');
}

void sweep_start(struct ledger_txn *txn, struct sweep *sweep, int64_t org)
{
    if (sweep->only_count) {
        sweep_only(txn, sweep);
        return;
    }
    int64_t after = 0;
    if (sweep_rows(txn, sweep, &after, SLICE) < SLICE)
        return;
    struct buf payload = {NULL, 0, 0};
    buf_addf(&payload, "{\"kind\":%d,\"after\":%lld,\"note\":", sweep->kind, (long long)after);
    json_write_str(sweep->note, &payload);
    buf_addz(&payload, ",\"by\":");
    json_write_str(sweep->by, &payload);
    add_ids(&payload, "except", sweep->except, sweep->except_count);
    buf_addc(&payload, '}');
    job_start(txn, JOB_SWEEP, org, sweep->event, 0, buf_str(&payload));
    buf_free(&payload);
}

void sweep_replaced(struct ledger_txn *txn, const int64_t *events, size_t count, int64_t org)
{
    for (size_t i = 0; i < count; i++) {
        struct sweep sweep = {.kind = SWEEP_WITHDRAW, .event = events[i], .note = STR("no longer addressed to you")};
        sweep_start(txn, &sweep, org);
    }
}
